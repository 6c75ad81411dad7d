/* SPDX-License-Identifier: Apache-2.0
 *
 * Method: the random octets of the whole credential (salts and decoys) are drawn at once. Each selectively
 * disclosable claim becomes a disclosure, written to the tail of the credential, and a digest; the digests are sorted
 * together with the decoys, so that neither the order nor the number of the claims shows (RFC 9901 sections 4.2.4 and
 * 4.2.5). Then the payload is written as text and signed, and the tail is appended to it.
 */
#include "sdjwt.h"

#include "jsontext.h"
#include "proto/b64.h"
#include "proto/crypto.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define SALT_LEN 16 /* 128 bits (RFC 9901 section 9.3) */
#define DIGEST_LEN 32
#define DIGEST_TEXT_LEN 43

struct digest {
    char text[DIGEST_TEXT_LEN + 1];
};

/* A credential in the making. */
struct draft {
    const struct gw_sdjwt_input *input;
    struct s2s_arena *arena;
    const uint8_t *random; /* what is left of the random octets */
    struct digest *digests;
    size_t digest_count;
    struct gw_text scratch;     /* JSON of one disclosure */
    struct gw_text disclosures; /* "~" between and around them */
};

static struct s2s_result too_large(void)
{
    return s2s_fail(S2S_LIMIT, "the credential is too large");
}

/* A claim that is configured and that the dataset has; its value may be JSON null. */
static bool find_claim(const struct gw_sdjwt_input *input, const struct gw_claim_config *claim,
                       struct json_object **value)
{
    return json_object_object_get_ex(input->claims, claim->name, value);
}

static size_t count_selective(const struct gw_sdjwt_input *input)
{
    size_t count = 0;
    struct json_object *value;
    for (size_t i = 0; i < input->config->claim_count; i++)
        count += !input->config->claims[i].always && find_claim(input, &input->config->claims[i], &value);
    return count;
}

static struct s2s_result start(struct draft *draft)
{
    size_t selective = count_selective(draft->input), decoys = draft->input->config->decoys;
    size_t random_len = selective * SALT_LEN + decoys * DIGEST_LEN;
    uint8_t *random = s2s_arena_alloc(draft->arena, random_len);
    draft->digests = s2s_arena_alloc(draft->arena, (selective + decoys) * sizeof *draft->digests);
    if (!random || !draft->digests)
        return too_large();
    if (RAND_bytes(random, (int)random_len) != 1)
        return s2s_crypto_fail(S2S_INTERNAL, "no random octets");
    draft->random = random;
    return s2s_ok();
}

static const uint8_t *take_random(struct draft *draft, size_t len)
{
    const uint8_t *taken = draft->random;
    draft->random += len;
    return taken;
}

static void add_digest(struct draft *draft, const uint8_t digest[DIGEST_LEN])
{
    s2s_b64_encode_to(draft->digests[draft->digest_count++].text, s2s_bytes(digest, DIGEST_LEN));
}

/* One disclosure: base64url of [salt, name, value] (RFC 9901 section 4.2.1), and its digest, which is SHA-256 over the
 * text of that encoding (section 4.2.3). */
static struct s2s_result disclose(struct draft *draft, const char *name, struct json_object *value)
{
    struct gw_text *json = &draft->scratch, *out = &draft->disclosures;
    gw_text_clear(json);
    gw_text_add_string(json, "[\"");
    gw_text_add_b64(json, s2s_bytes(take_random(draft, SALT_LEN), SALT_LEN));
    gw_text_add_string(json, "\",");
    gw_text_add_json_string(json, name);
    gw_text_add_string(json, ",");
    gw_text_add_json(json, value);
    gw_text_add_string(json, "]");
    if (json->failed)
        return too_large();

    size_t begin = out->len;
    gw_text_add_b64(out, s2s_bytes(json->data, json->len));
    if (out->failed)
        return too_large();
    uint8_t digest[DIGEST_LEN];
    S2S_TRY(s2s_hash(S2S_SHA256, s2s_bytes(out->data + begin, out->len - begin), digest));
    add_digest(draft, digest);
    gw_text_add_string(out, "~");
    return s2s_ok();
}

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, DIGEST_TEXT_LEN);
}

static struct s2s_result make_disclosures(struct draft *draft)
{
    const struct gw_credential_config *config = draft->input->config;
    gw_text_add_string(&draft->disclosures, "~");
    struct json_object *value;
    for (size_t i = 0; i < config->claim_count; i++)
        if (!config->claims[i].always && find_claim(draft->input, &config->claims[i], &value))
            S2S_TRY(disclose(draft, config->claims[i].name, value));
    for (unsigned i = 0; i < config->decoys; i++)
        add_digest(draft, take_random(draft, DIGEST_LEN));
    qsort(draft->digests, draft->digest_count, sizeof *draft->digests, compare_digests);
    return s2s_ok();
}

/* now + lifetime, never past the end of the certificate or of the claims. */
static int64_t expiry(const struct gw_sdjwt_input *input)
{
    int64_t not_before, not_after;
    gw_signer_validity(input->signer, &not_before, &not_after);
    if (input->valid_until != 0 && input->valid_until < not_after)
        not_after = input->valid_until;
    return input->config->lifetime_s < not_after - input->now ? input->now + input->config->lifetime_s : not_after;
}

static void add_clear_claims(struct gw_text *payload, const struct gw_sdjwt_input *input)
{
    struct json_object *value;
    for (size_t i = 0; i < input->config->claim_count; i++) {
        const struct gw_claim_config *claim = &input->config->claims[i];
        if (!claim->always || !find_claim(input, claim, &value))
            continue;
        gw_text_add_string(payload, ",");
        gw_text_add_json_string(payload, claim->name);
        gw_text_add_string(payload, ":");
        gw_text_add_json(payload, value);
    }
}

static void add_holder(struct gw_text *payload, const struct s2s_jwk *holder)
{
    struct json_object *jwk = s2s_jwk_public_json(holder);
    gw_text_add_string(payload, ",\"cnf\":{\"jwk\":");
    gw_text_add_json(payload, jwk);
    gw_text_add_string(payload, "}");
    json_object_put(jwk);
}

static void add_digests(struct gw_text *payload, const struct draft *draft)
{
    const char *before = ",\"_sd\":[\"";
    for (size_t i = 0; i < draft->digest_count; i++) {
        gw_text_add_string(payload, before);
        gw_text_add(payload, draft->digests[i].text, DIGEST_TEXT_LEN);
        before = "\",\"";
    }
    gw_text_add_string(payload, "\"],\"_sd_alg\":\"sha-256\"");
}

static void add_payload(struct gw_text *payload, const struct draft *draft)
{
    const struct gw_sdjwt_input *input = draft->input;
    gw_text_add_string(payload, "{\"iss\":");
    gw_text_add_json_string(payload, input->issuer);
    gw_text_add_string(payload, ",\"iat\":");
    gw_text_add_json_integer(payload, input->now);
    gw_text_add_string(payload, ",\"exp\":");
    gw_text_add_json_integer(payload, expiry(input));
    gw_text_add_string(payload, ",\"vct\":");
    gw_text_add_json_string(payload, input->config->vct);
    if (input->holder)
        add_holder(payload, input->holder);
    add_clear_claims(payload, input);
    if (draft->digest_count > 0)
        add_digests(payload, draft);
    gw_text_add_string(payload, "}");
}

struct s2s_result gw_sdjwt_issue(struct s2s_arena *arena, const struct gw_sdjwt_input *input, char **out)
{
    struct draft draft = {.input = input, .arena = arena, .scratch = gw_text(arena), .disclosures = gw_text(arena)};
    S2S_TRY(start(&draft));
    S2S_TRY(make_disclosures(&draft));
    struct gw_text payload = gw_text(arena), credential = gw_text(arena);
    add_payload(&payload, &draft);
    if (payload.failed)
        return too_large();
    char *jwt;
    S2S_TRY(gw_signer_sign(input->signer, arena, GW_SIGNED_CREDENTIAL, input->now, s2s_bytes(payload.data, payload.len),
                           &jwt));
    gw_text_add_string(&credential, jwt);
    gw_text_add(&credential, draft.disclosures.data, draft.disclosures.len);
    if (credential.failed || draft.disclosures.failed)
        return too_large();
    *out = credential.data;
    return s2s_ok();
}
