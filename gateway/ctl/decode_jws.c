/* SPDX-License-Identifier: Apache-2.0
 *
 * JWS, and SD-JWT (RFC 9901), of which they are parts. What is not supported as a signature is shown all the same.
 */
#include "gateway/ctl/decode.h"
#include "gateway/ctl/keyfile.h"
#include "proto/b64.h"
#include "proto/crypto.h"
#include "proto/jws.h"
#include "proto/sdjwt_disclosures.h"

#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#define MAX_DEPTH 64
#define MAX_CHAIN 8

/* ---- certificates ---- */

static const char *name_text(struct s2s_arena *arena, const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
    long len = BIO_get_mem_data(bio, &data);
    const char *text = s2s_arena_strndup(arena, data, (size_t)len);
    BIO_free(bio);
    return text;
}

static void set_moment(struct json_object *object, const char *name, time_t when)
{
    char text[32];
    struct tm parts;
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&when, &parts));
    s2s_json_set_string(object, name, text);
}

static X509 *read_certificate(struct s2s_arena *arena, const char *base64)
{
    size_t len = strlen(base64);
    uint8_t *der = s2s_arena_alloc(arena, len + 1);
    int der_len = der != NULL ? EVP_DecodeBlock(der, (const uint8_t *)base64, (int)len) : -1;
    const uint8_t *at = der;
    return der_len > 0 ? d2i_X509(NULL, &at, der_len) : NULL;
}

/* What the header's x5c says of the signer and its authorities (RFC 7515 section 4.1.6). */
static struct json_object *describe_chain(struct s2s_arena *arena, struct json_object *chain)
{
    struct json_object *all = json_object_new_array();
    for (size_t i = 0; i < json_object_array_length(chain) && i < MAX_CHAIN; ++i) {
        const char *text = json_object_get_string(json_object_array_get_idx(chain, i));
        X509 *certificate = text != NULL ? read_certificate(arena, text) : NULL;
        struct json_object *row = json_object_new_object();
        struct tm not_after;
        if (certificate != NULL) {
            s2s_json_set_string(row, "subject", name_text(arena, X509_get_subject_name(certificate)));
            s2s_json_set_string(row, "issuer", name_text(arena, X509_get_issuer_name(certificate)));
            if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &not_after) == 1)
                set_moment(row, "notAfter", timegm(&not_after));
        }
        json_object_array_add(all, row);
        X509_free(certificate);
    }
    return all;
}

/* ---- signatures ---- */

static const char *verdict(const struct s2s_jws *jws, struct s2s_result read, const struct s2s_jwk *key,
                           const char *good)
{
    struct s2s_result r = s2s_failed(read) ? read : s2s_jws_verify(jws, key);
    return s2s_failed(r) ? r.detail : good;
}

/* Verify with what is at hand: the given key, that of the certificate, that of the header. */
static const char *judge_signature(const struct ctl_decoder *decoder, const struct s2s_jws *jws)
{
    struct s2s_jwk *key = NULL;
    struct json_object *chain = s2s_json_get(jws->header, "x5c"), *jwk = s2s_json_get(jws->header, "jwk");
    if (decoder->verify_key != NULL) {
        struct s2s_result r =
            ctl_keyfile_public(decoder->arena, decoder->verify_key, decoder->verify_key_len, jws->alg, &key);
        return verdict(jws, r, key, "verified with the given key");
    }
    if (json_object_is_type(chain, json_type_array) && json_object_array_length(chain) > 0) {
        const char *text = json_object_get_string(json_object_array_get_idx(chain, 0));
        X509 *certificate = text != NULL ? read_certificate(decoder->arena, text) : NULL;
        struct s2s_result r = certificate != NULL
                                  ? s2s_jwk_from_pkey(X509_get0_pubkey(certificate), jws->alg, NULL, &key)
                                  : s2s_crypto_fail(S2S_MALFORMED, "the certificate in its header cannot be read");
        X509_free(certificate);
        if (!s2s_failed(r))
            (void)s2s_jwk_own(decoder->arena, key);
        return verdict(jws, r, key, "verified with the certificate in its header, whose trust was not looked at");
    }
    if (jwk != NULL) {
        struct s2s_result r = s2s_jwk_parse_public(jwk, &key);
        if (!s2s_failed(r))
            (void)s2s_jwk_own(decoder->arena, key);
        return verdict(jws, r, key, "verified with the key in its header");
    }
    return "not verified: there is no key; --verify-key gives one";
}

/* ---- JWS ---- */

/* The n-th of the parts between dots. */
static struct s2s_bytes part_of(const char *text, size_t len, unsigned n)
{
    const char *end = text + len, *dot;
    for (; n > 0 && (dot = memchr(text, '.', (size_t)(end - text))) != NULL; --n)
        text = dot + 1;
    dot = memchr(text, '.', (size_t)(end - text));
    return s2s_bytes(text, (size_t)((dot != NULL ? dot : end) - text));
}

/* The n-th part, decoded; false when it is not base64url. */
static bool decode_part(struct s2s_arena *arena, const char *text, size_t len, unsigned n, struct s2s_bytes *out)
{
    struct s2s_bytes part = part_of(text, len, n);
    return !s2s_failed(s2s_b64_decode(arena, (const char *)part.data, part.len, out));
}

static struct json_object *parse_object(struct s2s_arena *arena, struct s2s_bytes text)
{
    struct json_object *json;
    return !s2s_failed(s2s_json_parse(arena, (const char *)text.data, text.len, MAX_DEPTH, &json)) &&
                   json_object_is_type(json, json_type_object)
               ? json
               : NULL;
}

/* Dates of the payload (RFC 7519 section 4.1) in words. */
static void describe_times(struct json_object *payload, struct json_object *thing)
{
    static const char *const names[] = {"iat", "nbf", "exp"};
    struct json_object *times = json_object_new_object();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        struct json_object *value = s2s_json_get(payload, names[i]);
        if (json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double))
            set_moment(times, names[i], (time_t)json_object_get_int64(value));
    }
    if (json_object_object_length(times) > 0)
        json_object_object_add(thing, "times", times);
    else
        json_object_put(times);
}

struct json_object *ctl_decode_jws(const struct ctl_decoder *decoder, const char *text, size_t len, unsigned depth)
{
    struct s2s_bytes header_text, payload_text;
    struct s2s_jws jws;
    struct s2s_arena *arena = decoder->arena;
    if (!decode_part(arena, text, len, 0, &header_text) || !decode_part(arena, text, len, 1, &payload_text))
        return NULL;
    struct json_object *header = parse_object(arena, header_text), *payload = parse_object(arena, payload_text);
    if (header == NULL)
        return NULL;
    struct json_object *thing = json_object_new_object(), *chain = s2s_json_get(header, "x5c");
    s2s_json_set_string(thing, "type", "JWS");
    json_object_object_add(thing, "header", json_object_get(header));
    if (json_object_is_type(chain, json_type_array))
        json_object_object_add(thing, "certificates", describe_chain(arena, chain));
    struct json_object *inner =
        payload == NULL ? ctl_decode_text(decoder, (const char *)payload_text.data, payload_text.len, depth + 1)
                        : json_object_get(payload);
    json_object_object_add(thing, "payload",
                           inner != NULL ? inner : json_object_new_string(s2s_b64_encode(arena, payload_text)));
    describe_times(payload, thing);
    struct s2s_result r = s2s_jws_parse(arena, text, len, &jws);
    s2s_json_set_string(thing, "signature", s2s_failed(r) ? r.detail : judge_signature(decoder, &jws));
    return thing;
}

/* ---- SD-JWT ---- */

/* One disclosure (RFC 9901 section 4.2): [salt, name, value], or [salt, value] of an array's element. */
static struct json_object *describe_disclosure(struct s2s_arena *arena, enum s2s_hash hash, struct s2s_bytes text)
{
    struct s2s_bytes plain;
    struct json_object *array, *row = json_object_new_object();
    char digest[S2S_SDJWT_DIGEST_SIZE];
    if (!s2s_failed(s2s_sdjwt_digest(hash, text, digest)))
        s2s_json_set_string(row, "digest", digest);
    size_t count = !s2s_failed(s2s_b64_decode(arena, (const char *)text.data, text.len, &plain)) &&
                           !s2s_failed(s2s_json_parse(arena, (const char *)plain.data, plain.len, MAX_DEPTH, &array)) &&
                           json_object_is_type(array, json_type_array)
                       ? json_object_array_length(array)
                       : 0;
    if (count != 2 && count != 3) {
        s2s_json_set_string(row, "error", "it is no disclosure");
        return row;
    }
    if (count == 3)
        json_object_object_add(row, "name", json_object_get(json_object_array_get_idx(array, 1)));
    json_object_object_add(row, "value", json_object_get(json_object_array_get_idx(array, count - 1)));
    return row;
}

/* The payload with what the disclosures disclose, or why that cannot be. */
static struct json_object *process(struct s2s_arena *arena, enum s2s_hash hash, struct s2s_bytes disclosures,
                                   struct json_object *payload)
{
    const struct s2s_sdjwt_limits limits = S2S_SDJWT_LIMITS;
    struct json_object *claims = NULL;
    s2s_assert(json_object_deep_copy(payload, &claims, NULL) == 0);
    struct s2s_result r = s2s_sdjwt_disclose(arena, &limits, hash, disclosures, claims);
    if (!s2s_failed(r))
        return claims;
    json_object_put(claims);
    return json_object_new_string(r.detail);
}

struct json_object *ctl_decode_sdjwt(const struct ctl_decoder *decoder, const char *text, size_t len)
{
    const char *end = text + len, *first = memchr(text, '~', len), *last = memrchr(text, '~', len);
    struct json_object *jwt = ctl_decode_jws(decoder, text, (size_t)(first - text), 0);
    if (jwt == NULL)
        return NULL;
    struct json_object *thing = json_object_new_object(), *rows = json_object_new_array();
    struct json_object *payload = s2s_json_get(jwt, "payload");
    enum s2s_hash hash = S2S_SHA256;
    struct s2s_result r = s2s_sdjwt_hash(payload, &hash);
    s2s_json_set_string(thing, "type", last + 1 < end ? "SD-JWT with key binding" : "SD-JWT");
    json_object_object_add(thing, "jwt", jwt);
    for (const char *at = first + 1, *tilde; at <= last && (tilde = memchr(at, '~', (size_t)(end - at))) != NULL;
         at = tilde + 1)
        json_object_array_add(rows, describe_disclosure(decoder->arena, hash, s2s_bytes(at, (size_t)(tilde - at))));
    json_object_object_add(thing, "disclosures", rows);
    json_object_object_add(thing, "claims",
                           s2s_failed(r)
                               ? json_object_new_string(r.detail)
                               : process(decoder->arena, hash, s2s_bytes(first + 1, (size_t)(last - first)), payload));
    struct json_object *binding =
        last + 1 < end ? ctl_decode_jws(decoder, last + 1, (size_t)(end - last - 1), 0) : NULL;
    if (binding != NULL)
        json_object_object_add(thing, "keyBinding", binding);
    return thing;
}
