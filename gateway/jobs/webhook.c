/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/jobs/webhook.h"

#include "proto/crypto.h"
#include "proto/json.h"

#include <inttypes.h>
#include <string.h>

/* A SHA-256 as base64, with its NUL. */
#define SIGNATURE_SIZE 45

static char *need(char *text)
{
    s2s_assert(text != NULL);
    return text;
}

/* The signature of "ID.TIMESTAMP." and the body. Standard Webhooks wants base64 with its padding. */
static void sign(EVP_MAC_CTX *mac, const struct gw_secret *secret, const char *head, struct s2s_bytes body,
                 char out[SIGNATURE_SIZE])
{
    uint8_t digest[S2S_MAX_HASH];
    const struct s2s_bytes pieces[] = {s2s_bytes(head, strlen(head)), body};
    s2s_assert(!s2s_failed(s2s_hmac(mac, s2s_bytes(secret->data, secret->len), pieces, 2, digest)));
    s2s_assert(EVP_EncodeBlock((unsigned char *)out, digest, (int)s2s_hash_size(S2S_SHA256)) == SIGNATURE_SIZE - 1);
}

void gw_webhook_headers(const struct gw_receiver *receiver, struct s2s_arena *arena, const char *id, int64_t now_s,
                        struct s2s_bytes body, const char *lines[GW_WEBHOOK_HEADERS])
{
    const char *head = need(s2s_arena_printf(arena, "%s.%" PRId64 ".", id, now_s));
    const char *signatures = "webhook-signature:";
    EVP_MAC_CTX *mac = s2s_hmac_new(S2S_SHA256);
    for (size_t i = 0; i < receiver->secret_count; ++i) {
        char signature[SIGNATURE_SIZE];
        sign(mac, &receiver->secrets[i], head, body, signature);
        signatures = need(s2s_arena_printf(arena, "%s v1,%s", signatures, signature));
    }
    EVP_MAC_CTX_free(mac);
    lines[0] = need(s2s_arena_printf(arena, "webhook-id: %s", id));
    lines[1] = need(s2s_arena_printf(arena, "webhook-timestamp: %" PRId64, now_s));
    size_t count = 2;
    if (receiver->secret_count > 0)
        lines[count++] = signatures;
    if (receiver->authorization != NULL)
        lines[count++] = receiver->authorization; /* lives as long as the generation */
    while (count < GW_WEBHOOK_HEADERS)
        lines[count++] = NULL;
}

const char *gw_webhook_lanes(const struct gw_config *config, struct s2s_arena *arena)
{
    struct json_object *lanes = s2s_json_own(arena, json_object_new_array());
    for (size_t i = 0; i < config->webhook_count; ++i) {
        const struct gw_webhook_config *webhook = &config->webhooks[i];
        struct json_object *lane = json_object_new_object(), *events = NULL;
        if (webhook->events.count > 0)
            events = json_object_new_array();
        for (size_t j = 0; j < webhook->events.count; ++j)
            json_object_array_add(events, json_object_new_string(webhook->events.items[j]));
        s2s_json_set_string(lane, "name", webhook->to.name);
        json_object_object_add(lane, "events", events);
        json_object_array_add(lanes, lane);
    }
    return need(s2s_json_write(arena, lanes, NULL));
}
