/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/samples.h"

#include "proto/b64.h"
#include "proto/crypto.h"
#include "proto/jwe.h"
#include "proto/jws.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>

#define SCRATCH_SIZE ((size_t)64 << 20)
#define MAX_DEPTH 32
#define MAX_CHAIN 8

/* ---- keeping ---- */

void load_samples_init(struct load_samples *samples, size_t max, uint64_t seed)
{
    *samples = (struct load_samples){.max = max, .random = seed | 1};
    samples->items = calloc(max + 1, sizeof(*samples->items));
    s2s_assert(samples->items != NULL);
}

void load_samples_clear(struct load_samples *samples)
{
    for (size_t i = 0; i < samples->count; ++i)
        load_buffer_free(&samples->items[i].body);
    samples->count = 0;
    samples->seen = 0;
}

void load_samples_free(struct load_samples *samples)
{
    load_samples_clear(samples);
    free(samples->items);
}

/* xorshift64: which answers are looked at is no secret. */
static uint64_t next_random(struct load_samples *samples)
{
    samples->random ^= samples->random << 13;
    samples->random ^= samples->random >> 7;
    samples->random ^= samples->random << 17;
    return samples->random;
}

void load_samples_offer(struct load_samples *samples, const struct load_client *client, struct s2s_bytes body)
{
    uint64_t place = samples->seen++;
    if (place >= samples->max)
        place = next_random(samples) % samples->seen;
    if (place >= samples->max)
        return;
    struct load_sample *sample = &samples->items[place];
    if (place >= samples->count)
        samples->count = place + 1;
    sample->client = client;
    sample->body.len = 0;
    load_buffer_bytes(&sample->body, body);
}

/* ---- certificates ---- */

static void free_certificates(void *chain)
{
    sk_X509_pop_free(chain, X509_free);
}

/* The header's x5c (RFC 7515 section 4.1.6: base64 DER, the signer first). NULL when it is not one. */
static STACK_OF(X509) * read_chain(struct s2s_arena *arena, const struct json_object *header)
{
    struct json_object *list = s2s_json_get(header, "x5c");
    size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    STACK_OF(X509) *chain = sk_X509_new_null();
    s2s_assert(chain != NULL);
    s2s_arena_defer(arena, free_certificates, chain);
    for (size_t i = 0; i < count && i < MAX_CHAIN; ++i) {
        const char *text = json_object_get_string(json_object_array_get_idx(list, i));
        size_t len = text != NULL ? strlen(text) : 0;
        uint8_t *der = s2s_arena_alloc(arena, len + 1);
        int der_len = der != NULL ? EVP_DecodeBlock(der, (const uint8_t *)text, (int)len) : -1;
        const uint8_t *at = der;
        X509 *certificate = der_len > 0 ? d2i_X509(NULL, &at, der_len) : NULL;
        if (certificate == NULL)
            return NULL;
        s2s_assert(sk_X509_push(chain, certificate) > 0);
    }
    return sk_X509_num(chain) > 0 ? chain : NULL;
}

static bool is_trusted(STACK_OF(X509) * chain, X509_STORE *anchors)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    s2s_assert(context != NULL && X509_STORE_CTX_init(context, anchors, sk_X509_value(chain, 0), chain) == 1);
    bool trusted = X509_verify_cert(context) == 1;
    X509_STORE_CTX_free(context);
    return trusted;
}

/* ---- SD-JWT VC ---- */

/* A failure of the library, in words. */
static bool judge_result(struct s2s_result result, const char *what, struct load_error *error)
{
    return !s2s_failed(result) || load_fail(error, "%s: %s", what, result.detail);
}

static bool verify_signature(struct s2s_arena *arena, const struct s2s_jws *jws, const struct load_judge *judge,
                             struct load_error *error)
{
    struct s2s_jwk *key;
    STACK_OF(X509) *chain = read_chain(arena, jws->header);
    if (chain == NULL)
        return load_fail(error, "the credential has no usable x5c");
    if (judge->anchors != NULL && !is_trusted(chain, judge->anchors))
        return load_fail(error, "the credential's signer is not trusted");
    struct s2s_result r = s2s_jwk_from_pkey(X509_get0_pubkey(sk_X509_value(chain, 0)), jws->alg, NULL, &key);
    if (s2s_failed(r))
        return judge_result(r, "the signer's key", error);
    r = s2s_jws_verify(jws, key);
    s2s_jwk_free(key);
    return judge_result(r, "the credential's signature", error);
}

/* RFC 7800 section 3.2: cnf.jwk is the presentment key. */
static bool verify_holder(const struct json_object *claims, const struct s2s_jwk *expected, struct load_error *error)
{
    struct s2s_jwk *key;
    if (s2s_failed(s2s_jwk_parse_public(s2s_json_get(s2s_json_get(claims, "cnf"), "jwk"), &key)))
        return load_fail(error, "the credential has no usable cnf.jwk");
    bool same = strcmp(s2s_jwk_thumbprint(key), s2s_jwk_thumbprint(expected)) == 0;
    s2s_jwk_free(key);
    return same || load_fail(error, "the credential is bound to another key");
}

/* RFC 9901 section 7.1: every disclosure's digest is in the payload, or in a disclosure that is. `disclosures` ends
 * each with a tilde; `known` is the text in which digests are looked for. */
static bool verify_disclosures(struct s2s_arena *arena, const char *disclosures, struct s2s_bytes payload,
                               struct load_error *error)
{
    struct load_buffer known = {0};
    load_buffer_bytes(&known, payload);
    bool good = true;
    for (const char *at = disclosures, *tilde; (tilde = strchr(at, '~')) != NULL; at = tilde + 1) {
        struct s2s_bytes text;
        if (!s2s_failed(s2s_b64_decode(arena, at, (size_t)(tilde - at), &text)))
            load_buffer_bytes(&known, text);
    }
    for (const char *at = disclosures, *tilde; good && (tilde = strchr(at, '~')) != NULL; at = tilde + 1) {
        uint8_t digest[S2S_MAX_HASH];
        s2s_assert(!s2s_failed(s2s_hash(S2S_SHA256, s2s_bytes(at, (size_t)(tilde - at)), digest)));
        const char *encoded = s2s_b64_encode(arena, s2s_bytes(digest, s2s_hash_size(S2S_SHA256)));
        s2s_assert(encoded != NULL);
        good = memmem(known.data, known.len, encoded, strlen(encoded)) != NULL;
    }
    load_buffer_free(&known);
    return good || load_fail(error, "the credential does not sign one of its disclosures");
}

static bool verify_sd_jwt(struct s2s_arena *arena, const char *text, const struct s2s_jwk *holder,
                          const struct load_judge *judge, struct load_error *error)
{
    struct s2s_jws jws;
    struct json_object *claims;
    size_t len = strcspn(text, "~");
    return judge_result(s2s_jws_parse(arena, text, len, &jws), "the credential", error) &&
           verify_signature(arena, &jws, judge, error) &&
           judge_result(s2s_jws_payload_json(arena, &jws, &claims), "the credential's payload", error) &&
           verify_holder(claims, holder, error) && verify_disclosures(arena, text + len + 1, jws.payload, error);
}

/* ---- the answer ---- */

/* D10: the plaintext is an array of { "credential" }, one for each presentment key. */
static bool verify_credentials(struct s2s_arena *arena, const struct load_sample *sample, struct s2s_bytes plaintext,
                               const struct load_judge *judge, struct load_error *error)
{
    struct json_object *list;
    struct s2s_result parsed = s2s_json_parse(arena, (const char *)plaintext.data, plaintext.len, MAX_DEPTH, &list);
    if (s2s_failed(parsed))
        return judge_result(parsed, "the decrypted credentials", error);
    if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) != judge->keys)
        return load_fail(error, "there is not one credential for each presentment key");
    for (size_t i = 0; i < judge->keys; ++i) {
        const char *text = s2s_json_string(json_object_array_get_idx(list, i), "credential");
        if (text == NULL || text[0] == '\0')
            return load_fail(error, "a credential is missing");
        if (strchr(text, '~') != NULL && /* other formats are not looked into */
            !verify_sd_jwt(arena, text, load_client_key(sample->client, i), judge, error))
            return false;
    }
    return true;
}

bool load_sample_verify(const struct load_sample *sample, const struct load_judge *judge, struct load_error *error)
{
    struct s2s_arena *arena = s2s_arena_new(SCRATCH_SIZE);
    struct s2s_jwk *const keys[] = {load_client_wek(sample->client)};
    const struct s2s_keyring ring = {keys, 1};
    const struct s2s_jwk *used;
    struct s2s_bytes plaintext;
    struct json_object *answer;
    bool good =
        judge_result(s2s_json_parse(arena, (const char *)sample->body.data, sample->body.len, MAX_DEPTH, &answer),
                     "the answer", error) &&
        judge_result(s2s_jwe_open(arena, s2s_json_get(answer, "credentials"), &ring, &used, &plaintext),
                     "decrypting the credentials", error) &&
        verify_credentials(arena, sample, plaintext, judge, error);
    s2s_arena_free(arena);
    ERR_clear_error();
    return good;
}
