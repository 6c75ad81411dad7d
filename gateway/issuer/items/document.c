/* SPDX-License-Identifier: Apache-2.0
 *
 * document: something that the holder shows, by value (`document`, base64url) or by reference (`contentReference`,
 * draft "Content Reference"). A referenced one is fetched once, to see that it is there and what was meant; it is not
 * kept.
 */
#include "gateway/issuer/items/items.h"

#include "proto/b64.h"
#include "proto/crypto.h"
#include "proto/messages_rows.h"

#include <string.h>

#define DIGEST_PREFIX "sha-256:"
#define MAX_SIZE 2147483647L

static const struct s2s_field reference_fields[] = {
    {.name = "downloadUrl", .type = S2S_STRING, .flags = S2S_REQUIRED, .format = S2S_URI},
    S2S_TEXT_ROW("contentDigest", S2S_REQUIRED, S2S_MAX_ID, "SHA-256, as base64url."),
    {.name = "contentSize", .type = S2S_INTEGER, .max = MAX_SIZE},
    S2S_DATE_TIME_ROW("expiresAt", 0, "When the URL expires."),
    S2S_EXTENSIONS_ROW,
};

static const struct s2s_schema reference_schema = {.name = "ContentReference", S2S_FIELDS(reference_fields)};

static struct json_object *reference_of(const struct gw_judgment *judgment)
{
    return s2s_json_get(judgment->item->json, "contentReference");
}

static void set_facts(const struct gw_item_context *ctx, struct gw_judgment *judgment, size_t size, const char *digest)
{
    struct json_object *facts = gw_item_facts(ctx, judgment);
    json_object_object_add(facts, "size", json_object_new_int64((int64_t)size));
    s2s_json_set_string(facts, "digest", digest);
}

/* ---- by value ---- */

static void check_value(const struct gw_item_context *ctx, struct gw_judgment *judgment, struct json_object *value)
{
    struct s2s_bytes document;
    uint8_t digest[S2S_MAX_HASH];
    size_t len = (size_t)json_object_get_string_len(value);
    if (s2s_b64_decoded_len(len) > judgment->policy->max_size) {
        gw_item_mismatch(judgment, "CONTENT_TOO_LARGE");
        return;
    }
    struct s2s_result r = s2s_b64_decode(ctx->arena, json_object_get_string(value), len, &document);
    if (s2s_failed(r) || document.len == 0) {
        gw_item_mismatch(judgment, r.code == S2S_LIMIT ? "SUBMISSION_TOO_LARGE" : "MALFORMED");
        return;
    }
    s2s_assert(!s2s_failed(s2s_hash(S2S_SHA256, document, digest)));
    char text[sizeof(DIGEST_PREFIX) + 43] = DIGEST_PREFIX;
    s2s_b64_encode_to(text + strlen(DIGEST_PREFIX), s2s_bytes(digest, s2s_hash_size(S2S_SHA256)));
    set_facts(ctx, judgment, document.len, text);
}

static void check(const struct gw_item_context *ctx, struct gw_judgment *judgment)
{
    struct json_object *value = s2s_json_get(judgment->item->json, "document"), *reference = reference_of(judgment);
    struct s2s_violations violations = {.count = 0};
    if (json_object_is_type(value, json_type_string) && reference == NULL)
        check_value(ctx, judgment, value);
    else if (value != NULL || !s2s_schema_check(ctx->arena, &reference_schema, reference, &violations))
        gw_item_mismatch(judgment, "MALFORMED");
}

/* ---- by reference ---- */

/* The digest with its algorithm in front, which the draft leaves out. NULL when the arena is full. */
static const char *digest_of(const struct gw_item_context *ctx, struct json_object *reference)
{
    const char *digest = s2s_json_string(reference, "contentDigest");
    bool named = strncmp(digest, DIGEST_PREFIX, strlen(DIGEST_PREFIX)) == 0;
    return s2s_arena_printf(ctx->arena, "%s%s", named ? "" : DIGEST_PREFIX, digest);
}

/* 0: never. The moment that has this number is over as well as the one before. */
static int64_t expiry_of(struct json_object *reference)
{
    const char *text = s2s_json_string(reference, "expiresAt");
    int64_t seconds;
    if (text == NULL || !s2s_date_time_read(text, strlen(text), &seconds))
        return 0;
    return seconds != 0 ? seconds : -1;
}

static bool fetch(const struct gw_item_context *ctx, struct gw_judgment *judgment, struct gw_item_fetch *out)
{
    static const struct gw_string_list nobody;
    struct json_object *reference = reference_of(judgment);
    if (reference == NULL || judgment->state != NULL)
        return false;
    struct json_object *size = s2s_json_get(reference, "contentSize");
    const struct gw_peer *peer = gw_generation_peer_named(ctx->generation, ctx->peer);
    const char *digest = digest_of(ctx, reference);
    if (digest == NULL) {
        gw_item_mismatch(judgment, "SUBMISSION_TOO_LARGE");
        return false;
    }
    judgment->state = (void *)digest;
    *out = (struct gw_item_fetch){
        .reference = {.url = s2s_json_string(reference, "downloadUrl"),
                      .digest = digest,
                      .size = size != NULL ? json_object_get_int64(size) : -1,
                      .expires_at = expiry_of(reference)},
        .hosts = peer != NULL ? &peer->config->content_hosts : &nobody,
        .max_size = judgment->policy->max_size,
    };
    return true;
}

static void fetched(const struct gw_item_context *ctx, struct gw_judgment *judgment,
                    const struct gw_reference_result *result)
{
    static const char *const reasons[] = {
        [GW_REFERENCE_MALFORMED] = "MALFORMED",           [GW_REFERENCE_FORBIDDEN] = "CONTENT_HOST_FORBIDDEN",
        [GW_REFERENCE_EXPIRED] = "CONTENT_EXPIRED",       [GW_REFERENCE_TOO_LARGE] = "CONTENT_TOO_LARGE",
        [GW_REFERENCE_DIFFERENT] = "CONTENT_MISMATCH",    [GW_REFERENCE_REFUSED] = "CONTENT_UNAVAILABLE",
        [GW_REFERENCE_UNREACHED] = "CONTENT_UNAVAILABLE",
    };
    if (result->end != GW_REFERENCE_FETCHED) {
        gw_item_mismatch(judgment, reasons[result->end]);
        return;
    }
    set_facts(ctx, judgment, result->size, judgment->state);
    if (result->content_type != NULL)
        s2s_json_set_string(gw_item_facts(ctx, judgment), "contentType", result->content_type);
}

const struct gw_item_type gw_item_document = {.check = check, .fetch = fetch, .fetched = fetched};
