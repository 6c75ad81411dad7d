/* SPDX-License-Identifier: Apache-2.0
 *
 * Method: what does not depend on the holder is made once for the whole batch. The random octets of all credentials
 * (salts and decoys) are drawn at once, and each is used once. A disclosure is base64url of [salt, name, value] (RFC
 * 9901 section 4.2.1): the salt and what stands before it fill whole groups of base64url, so that the rest encodes
 * alike in every credential, and is encoded ahead.
 *
 * A credential takes its random octets, joins salts and rests to disclosures, and sorts their digests together with the
 * decoys, so that neither the order nor the number of the claims shows (sections 4.2.4 and 4.2.5). Then it completes
 * and signs the payload; the disclosures follow.
 */
#include "sdjwt.h"

#include "proto/b64.h"
#include "proto/crypto.h"

#include <limits.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define SALT_LEN 16 /* 128 bits (RFC 9901 section 9.3) */
#define SALT_TEXT_LEN 22
#define DIGEST_LEN 32
#define DIGEST_TEXT_LEN 43

/* How every disclosure begins, and its salt, which is text itself. */
#define OPENING "[\""
#define OPENING_LEN (sizeof(OPENING) - 1)
_Static_assert((OPENING_LEN + SALT_TEXT_LEN) % 3 == 0, "the rest must begin with a group of base64url");

struct digest {
    char text[DIGEST_TEXT_LEN + 1];
};

struct gw_sdjwt_batch {
    struct gw_sdjwt_input input;
    struct gw_signing signing;
    const uint8_t *random;      /* what is left of the random octets ... */
    size_t credentials_left;    /* ... for so many credentials */
    struct s2s_bytes *rests;    /* of the disclosures, encoded */
    size_t rest_count;          /* selectively disclosable claims */
    struct digest *digests;     /* of one credential: one for each rest, and the decoys */
    struct gw_text payload;     /* of one credential; begins with the members that all have in common, ... */
    size_t common_len;          /* ... which are so long */
    struct gw_text disclosures; /* of one credential: "~" between and around them */
};

static struct s2s_result too_large(void)
{
    return s2s_fail(S2S_LIMIT, "the credential is too large");
}

/* ---- what all credentials have in common ---- */

/* A claim that is configured and that the dataset has; its value may be JSON null. */
static bool find_claim(const struct gw_sdjwt_input *input, const struct gw_claim_config *claim,
                       struct json_object **value)
{
    return json_object_object_get_ex(input->claims, claim->name, value);
}

/* What follows the salt in the disclosure of a claim, encoded. */
static bool encode_rest(struct s2s_arena *arena, const char *name, struct json_object *value, struct s2s_bytes *out)
{
    struct gw_text json = gw_text(arena), encoded = gw_text(arena);
    gw_text_add_string(&json, "\",");
    gw_text_add_json_string(&json, name);
    gw_text_add_string(&json, ",");
    gw_text_add_json(&json, value);
    gw_text_add_string(&json, "]");
    if (json.failed)
        return false;
    gw_text_add_b64(&encoded, s2s_bytes(json.data, json.len));
    *out = s2s_bytes(encoded.data, encoded.len);
    return !encoded.failed;
}

static struct s2s_result encode_rests(struct s2s_arena *arena, struct gw_sdjwt_batch *batch)
{
    const struct gw_credential_config *config = batch->input.config;
    struct json_object *value;
    batch->rests = s2s_arena_alloc(arena, config->claim_count * sizeof *batch->rests);
    if (!batch->rests)
        return too_large();
    for (size_t i = 0; i < config->claim_count; i++) {
        const struct gw_claim_config *claim = &config->claims[i];
        if (claim->always || !find_claim(&batch->input, claim, &value))
            continue;
        if (!encode_rest(arena, claim->name, value, &batch->rests[batch->rest_count++]))
            return too_large();
    }
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

static struct s2s_result write_common(struct gw_sdjwt_batch *batch)
{
    struct gw_text *payload = &batch->payload;
    const struct gw_sdjwt_input *input = &batch->input;
    gw_text_add_string(payload, "{\"iss\":");
    gw_text_add_json_string(payload, input->issuer);
    gw_text_add_string(payload, ",\"iat\":");
    gw_text_add_json_integer(payload, input->now);
    gw_text_add_string(payload, ",\"exp\":");
    gw_text_add_json_integer(payload, expiry(input));
    gw_text_add_string(payload, ",\"vct\":");
    gw_text_add_json_string(payload, input->config->vct);
    add_clear_claims(payload, input);
    batch->common_len = payload->len;
    return payload->failed ? too_large() : s2s_ok();
}

static struct s2s_result draw_random(struct s2s_arena *arena, struct gw_sdjwt_batch *batch, size_t count)
{
    size_t of_one = batch->rest_count * SALT_LEN + batch->input.config->decoys * DIGEST_LEN;
    if (of_one > 0 && count > INT_MAX / of_one)
        return too_large();
    uint8_t *random = s2s_arena_alloc(arena, count * of_one);
    if (!random)
        return too_large();
    if (RAND_bytes(random, (int)(count * of_one)) != 1)
        return s2s_crypto_fail(S2S_INTERNAL, "no random octets");
    batch->random = random;
    batch->credentials_left = count;
    return s2s_ok();
}

struct s2s_result gw_sdjwt_begin(struct s2s_arena *arena, const struct gw_sdjwt_input *input, size_t count,
                                 struct gw_sdjwt_batch **out)
{
    struct gw_sdjwt_batch *batch = s2s_arena_alloc(arena, sizeof *batch);
    if (!batch)
        return too_large();
    *batch = (struct gw_sdjwt_batch){.input = *input, .payload = gw_text(arena), .disclosures = gw_text(arena)};
    S2S_TRY(gw_signing_begin(input->signer, arena, GW_SIGNED_CREDENTIAL, input->now, &batch->signing));
    S2S_TRY(encode_rests(arena, batch));
    S2S_TRY(write_common(batch));
    S2S_TRY(draw_random(arena, batch, count));
    batch->digests = s2s_arena_alloc(arena, (batch->rest_count + input->config->decoys) * sizeof *batch->digests);
    *out = batch;
    return batch->digests ? s2s_ok() : too_large();
}

/* ---- one credential ---- */

static const uint8_t *take_random(struct gw_sdjwt_batch *batch, size_t len)
{
    const uint8_t *taken = batch->random;
    batch->random += len;
    return taken;
}

static void write_digest(struct digest *out, const uint8_t digest[DIGEST_LEN])
{
    s2s_b64_encode_to(out->text, s2s_bytes(digest, DIGEST_LEN));
}

/* The digest is SHA-256 over the text of the disclosure (RFC 9901 section 4.2.3). */
static struct s2s_result disclose(struct gw_sdjwt_batch *batch, struct s2s_bytes rest, struct digest *out)
{
    struct gw_text *text = &batch->disclosures;
    char salted[OPENING_LEN + SALT_TEXT_LEN + 1] = OPENING;
    s2s_b64_encode_to(salted + OPENING_LEN, s2s_bytes(take_random(batch, SALT_LEN), SALT_LEN));
    size_t begin = text->len;
    gw_text_add_b64(text, s2s_bytes(salted, sizeof salted - 1));
    gw_text_add(text, (const char *)rest.data, rest.len);
    if (text->failed)
        return too_large();
    uint8_t digest[DIGEST_LEN];
    S2S_TRY(s2s_hash(S2S_SHA256, s2s_bytes(text->data + begin, text->len - begin), digest));
    write_digest(out, digest);
    gw_text_add_string(text, "~");
    return s2s_ok();
}

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, DIGEST_TEXT_LEN);
}

static struct s2s_result make_disclosures(struct gw_sdjwt_batch *batch)
{
    struct digest *next = batch->digests;
    gw_text_clear(&batch->disclosures);
    gw_text_add_string(&batch->disclosures, "~");
    for (size_t i = 0; i < batch->rest_count; i++)
        S2S_TRY(disclose(batch, batch->rests[i], next++));
    for (unsigned i = 0; i < batch->input.config->decoys; i++)
        write_digest(next++, take_random(batch, DIGEST_LEN));
    qsort(batch->digests, (size_t)(next - batch->digests), sizeof *batch->digests, compare_digests);
    return s2s_ok();
}

static void add_holder(struct gw_text *payload, const struct s2s_jwk *holder)
{
    struct json_object *jwk = s2s_jwk_public_json(holder);
    gw_text_add_string(payload, ",\"cnf\":{\"jwk\":");
    gw_text_add_json(payload, jwk);
    gw_text_add_string(payload, "}");
    json_object_put(jwk);
}

static void add_digests(struct gw_text *payload, const struct digest *digests, size_t count)
{
    const char *before = ",\"_sd\":[\"";
    for (size_t i = 0; i < count; i++) {
        gw_text_add_string(payload, before);
        gw_text_add(payload, digests[i].text, DIGEST_TEXT_LEN);
        before = "\",\"";
    }
    gw_text_add_string(payload, "\"],\"_sd_alg\":\"sha-256\"");
}

static void complete_payload(struct gw_sdjwt_batch *batch, const struct s2s_jwk *holder)
{
    struct gw_text *payload = &batch->payload;
    size_t digest_count = batch->rest_count + batch->input.config->decoys;
    gw_text_cut(payload, batch->common_len);
    if (holder)
        add_holder(payload, holder);
    if (digest_count > 0)
        add_digests(payload, batch->digests, digest_count);
    gw_text_add_string(payload, "}");
}

struct s2s_result gw_sdjwt_add(struct gw_sdjwt_batch *batch, const struct s2s_jwk *holder, struct gw_text *out)
{
    s2s_assert(batch->credentials_left > 0); /* random octets are never used twice */
    batch->credentials_left--;
    S2S_TRY(make_disclosures(batch));
    complete_payload(batch, holder);
    if (batch->payload.failed)
        return too_large();
    S2S_TRY(gw_signing_add(&batch->signing, s2s_bytes(batch->payload.data, batch->payload.len), out));
    gw_text_add(out, batch->disclosures.data, batch->disclosures.len);
    return out->failed || batch->disclosures.failed ? too_large() : s2s_ok();
}
