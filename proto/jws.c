/* SPDX-License-Identifier: Apache-2.0
 *
 * ECDSA goes through EVP_PKEY_verify and EVP_PKEY_sign over a digest made here: the one-shot EVP_DigestVerify
 * would fetch the hash by name for every signature. EdDSA hashes inside, so it has no other way.
 */
#include "jws.h"

#include "b64.h"
#include "crypto.h"
#include "curve.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <string.h>

#define MAX_PAYLOAD_DEPTH 32
#define MAX_HEADER_DEPTH 8

/* The accepted algorithms; the first row of a curve is the name that it signs with. */
static const struct algorithm {
    const char *name;
    enum s2s_curve curve;
    enum s2s_hash hash; /* of ECDSA */
} algorithms[] = {
    {"ES256", S2S_P256, S2S_SHA256},      {"ES384", S2S_P384, S2S_SHA384},
    {"ES512", S2S_P521, S2S_SHA512},      {"EdDSA", S2S_ED25519, S2S_SHA512}, /* RFC 8037 */
    {"Ed25519", S2S_ED25519, S2S_SHA512},                                     /* RFC 9864: the same */
};

static const struct algorithm *algorithm_named(const char *name)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    }
    return NULL;
}

static const struct algorithm *algorithm_of_curve(enum s2s_curve curve)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
        if (algorithms[i].curve == curve)
            return &algorithms[i];
    }
    return NULL;
}

const char *s2s_jws_curve_alg(enum s2s_curve curve)
{
    const struct algorithm *algorithm = algorithm_of_curve(curve);
    return algorithm != NULL ? algorithm->name : NULL;
}

bool s2s_jws_alg_fits(const char *alg, enum s2s_curve curve)
{
    const struct algorithm *algorithm = algorithm_named(alg);
    return algorithm != NULL && algorithm->curve == curve;
}

/* How `key` signs: by its curve, which its own `alg`, when it has one, must fit. */
static struct s2s_result algorithm_of_key(const struct s2s_jwk *key, const struct algorithm **out)
{
    enum s2s_curve curve = s2s_jwk_curve(key);
    const char *alg = s2s_jwk_alg(key);
    *out = algorithm_of_curve(curve);
    if (*out == NULL || (alg != NULL && !s2s_jws_alg_fits(alg, curve)))
        return s2s_fail(S2S_MISMATCH, "the key is not for signatures with its algorithm");
    return s2s_ok();
}

static struct s2s_result check_header(const struct json_object *header, const char **alg)
{
    if (!json_object_is_type(header, json_type_object))
        return s2s_fail(S2S_MALFORMED, "the JWS header is not a JSON object");
    /* RFC 7515 section 4.1.11: what we do not understand must be refused, and we understand no extension. RFC 7797
     * makes `b64` critical, so without `crit` it is a mistake, too. */
    if (json_object_object_get_ex(header, "crit", NULL) || json_object_object_get_ex(header, "b64", NULL))
        return s2s_fail(S2S_UNSUPPORTED, "the JWS header has crit or b64");
    *alg = s2s_json_string(header, "alg");
    if (*alg == NULL)
        return s2s_fail(S2S_MALFORMED, "the JWS header has no alg");
    if (algorithm_named(*alg) == NULL)
        return s2s_fail(S2S_UNSUPPORTED, "the JWS algorithm is not supported");
    return s2s_ok();
}

struct s2s_result s2s_jws_parse(struct s2s_arena *arena, const char *text, size_t len, struct s2s_jws *out)
{
    char *copy = s2s_arena_strndup(arena, text, len);
    if (copy == NULL)
        return s2s_fail(S2S_LIMIT, "the JWS is too long");
    char *end = copy + len;
    char *dot1 = memchr(copy, '.', len);
    char *dot2 = dot1 != NULL ? memchr(dot1 + 1, '.', (size_t)(end - dot1 - 1)) : NULL;
    if (dot2 == NULL || memchr(dot2 + 1, '.', (size_t)(end - dot2 - 1)) != NULL)
        return s2s_fail(S2S_MALFORMED, "a compact JWS has three parts");

    struct s2s_bytes header;
    S2S_TRY(s2s_b64_decode(arena, copy, (size_t)(dot1 - copy), &header));
    S2S_TRY(s2s_b64_decode(arena, dot1 + 1, (size_t)(dot2 - dot1 - 1), &out->payload));
    S2S_TRY(s2s_b64_decode(arena, dot2 + 1, (size_t)(end - dot2 - 1), &out->signature));
    out->signing_input = s2s_bytes(copy, (size_t)(dot2 - copy));
    S2S_TRY(s2s_json_parse(arena, (const char *)header.data, header.len, MAX_HEADER_DEPTH, &out->header));
    return check_header(out->header, &out->alg);
}

struct s2s_result s2s_jws_payload_json(struct s2s_arena *arena, const struct s2s_jws *jws, struct json_object **out)
{
    S2S_TRY(s2s_json_parse(arena, (const char *)jws->payload.data, jws->payload.len, MAX_PAYLOAD_DEPTH, out));
    if (!json_object_is_type(*out, json_type_object))
        return s2s_fail(S2S_MALFORMED, "the JWS payload is not a JSON object");
    return s2s_ok();
}

/* Sequence and two integers, each with a sign octet; tag and length of the sequence may need one octet more. */
#define MAX_DER (3 + 2 * (3 + S2S_MAX_COORDINATE))

/* Write one half of a signature as a DER INTEGER: as short as it can be, and not negative (X.690 section 8.3). */
static unsigned char *put_der_integer(unsigned char *out, const uint8_t *octets, size_t len)
{
    while (len > 1 && octets[0] == 0) {
        octets++;
        len--;
    }
    size_t sign = octets[0] >> 7;
    *out++ = V_ASN1_INTEGER;
    *out++ = (unsigned char)(len + sign);
    if (sign)
        *out++ = 0;
    memcpy(out, octets, len);
    return out + len;
}

/* The DER form that OpenSSL wants of a JOSE signature (R||S). */
static size_t ecdsa_to_der(struct s2s_bytes signature, unsigned char der[MAX_DER])
{
    unsigned char integers[MAX_DER];
    size_t half = signature.len / 2;
    unsigned char *end = put_der_integer(integers, signature.data, half);
    end = put_der_integer(end, signature.data + half, half);
    size_t len = (size_t)(end - integers);
    unsigned char *out = der;
    *out++ = V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED;
    if (len > 127)
        *out++ = 0x81; /* the length has an octet of its own (X.690 section 8.1.3.5) */
    *out++ = (unsigned char)len;
    memcpy(out, integers, len);
    return (size_t)(out - der) + len;
}

static bool ecdsa_from_der(const unsigned char *der, size_t len, uint8_t *signature, size_t half)
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool ok = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature, (int)half) == (int)half &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature + half, (int)half) == (int)half;
    ECDSA_SIG_free(sig);
    return ok;
}

static struct s2s_result ecdsa_verify(const struct algorithm *algorithm, EVP_PKEY *pkey, struct s2s_bytes message,
                                      struct s2s_bytes signature, bool *good)
{
    uint8_t digest[S2S_MAX_HASH];
    S2S_TRY(s2s_hash(algorithm->hash, message, digest));
    unsigned char der[MAX_DER];
    size_t der_len = ecdsa_to_der(signature, der);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    s2s_assert(ctx != NULL);
    *good = EVP_PKEY_verify_init(ctx) == 1 &&
            EVP_PKEY_verify(ctx, der, der_len, digest, s2s_hash_size(algorithm->hash)) == 1;
    EVP_PKEY_CTX_free(ctx);
    return s2s_ok();
}

static bool eddsa_verify(EVP_PKEY *pkey, struct s2s_bytes message, struct s2s_bytes signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    s2s_assert(ctx != NULL);
    bool good = EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, pkey, NULL) == 1 &&
                EVP_DigestVerify(ctx, signature.data, signature.len, message.data, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

struct s2s_result s2s_jws_verify_raw(const struct s2s_jwk *key, struct s2s_bytes message, struct s2s_bytes signature)
{
    const struct algorithm *algorithm;
    S2S_TRY(algorithm_of_key(key, &algorithm));
    const struct s2s_curve_info *info = &s2s_curves[algorithm->curve];
    /* R||S, each as long as a coordinate (RFC 7518 section 3.4); for Ed25519, 64 octets as well (RFC 8032). */
    bool good = signature.len == 2 * info->size;
    if (good && info->is_ec)
        S2S_TRY(ecdsa_verify(algorithm, s2s_jwk_pkey(key), message, signature, &good));
    else if (good)
        good = eddsa_verify(s2s_jwk_pkey(key), message, signature);
    return good ? s2s_ok() : s2s_crypto_fail(S2S_REFUSED, "the signature is wrong");
}

struct s2s_result s2s_jws_verify(const struct s2s_jws *jws, const struct s2s_jwk *key)
{
    /* The two names of a curve's algorithm are one algorithm, so what fits the curve equals the key's alg, which
     * s2s_jws_verify_raw holds against the curve in its turn. */
    if (!s2s_jws_alg_fits(jws->alg, s2s_jwk_curve(key)))
        return s2s_fail(S2S_MISMATCH, "the JWS algorithm is not the key's");
    return s2s_jws_verify_raw(key, jws->signing_input, jws->signature);
}

struct s2s_jws_signer {
    const struct algorithm *algorithm;
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *ecdsa; /* ready to sign; NULL for EdDSA */
};

static EVP_PKEY_CTX *new_ecdsa(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    s2s_assert(ctx != NULL);
    if (EVP_PKEY_sign_init(ctx) == 1)
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

static void free_ecdsa(void *ctx)
{
    EVP_PKEY_CTX_free(ctx);
}

struct s2s_result s2s_jws_signer_new(struct s2s_arena *arena, const struct s2s_jwk *key, struct s2s_jws_signer **out)
{
    struct s2s_jws_signer made = {.pkey = s2s_jwk_pkey(key)};
    S2S_TRY(algorithm_of_key(key, &made.algorithm));
    if (!s2s_jwk_is_private(key))
        return s2s_fail(S2S_BAD_KEY, "signing needs a private key");
    *out = s2s_arena_alloc(arena, sizeof **out);
    if (*out == NULL)
        return s2s_fail(S2S_LIMIT, "no room for a signer");
    if (s2s_curves[made.algorithm->curve].is_ec) {
        made.ecdsa = new_ecdsa(made.pkey);
        if (made.ecdsa == NULL)
            return s2s_crypto_fail(S2S_INTERNAL, "signing failed");
        s2s_arena_defer(arena, free_ecdsa, made.ecdsa);
    }
    **out = made;
    return s2s_ok();
}

static bool ecdsa_sign(const struct s2s_jws_signer *signer, struct s2s_bytes message, uint8_t *signature, size_t half)
{
    uint8_t digest[S2S_MAX_HASH];
    enum s2s_hash hash = signer->algorithm->hash;
    unsigned char der[MAX_DER];
    size_t len = sizeof der;
    return !s2s_failed(s2s_hash(hash, message, digest)) &&
           EVP_PKEY_sign(signer->ecdsa, der, &len, digest, s2s_hash_size(hash)) == 1 &&
           ecdsa_from_der(der, len, signature, half);
}

static bool eddsa_sign(EVP_PKEY *pkey, struct s2s_bytes message, uint8_t *signature, size_t size)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    s2s_assert(ctx != NULL);
    bool ok = EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, pkey, NULL) == 1 &&
              EVP_DigestSign(ctx, signature, &size, message.data, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

struct s2s_result s2s_jws_signer_sign(struct s2s_arena *arena, const struct s2s_jws_signer *signer,
                                      struct s2s_bytes message, struct s2s_bytes *signature)
{
    size_t half = s2s_curves[signer->algorithm->curve].size;
    uint8_t *out = s2s_arena_alloc(arena, 2 * half);
    if (out == NULL)
        return s2s_fail(S2S_LIMIT, "no room for a signature");
    bool ok = signer->ecdsa != NULL ? ecdsa_sign(signer, message, out, half)
                                    : eddsa_sign(signer->pkey, message, out, 2 * half);
    if (!ok)
        return s2s_crypto_fail(S2S_INTERNAL, "signing failed");
    *signature = s2s_bytes(out, 2 * half);
    return s2s_ok();
}

struct s2s_result s2s_jws_sign_raw(struct s2s_arena *arena, const struct s2s_jwk *key, struct s2s_bytes message,
                                   struct s2s_bytes *signature)
{
    struct s2s_jws_signer *signer;
    S2S_TRY(s2s_jws_signer_new(arena, key, &signer));
    return s2s_jws_signer_sign(arena, signer, message, signature);
}

struct s2s_result s2s_jws_sign(struct s2s_arena *arena, const struct s2s_jwk *key, struct json_object *header,
                               struct s2s_bytes payload, char **out)
{
    const struct algorithm *algorithm;
    S2S_TRY(algorithm_of_key(key, &algorithm));
    s2s_json_set_string(header, "alg", s2s_jwk_alg(key) != NULL ? s2s_jwk_alg(key) : algorithm->name);

    size_t header_len;
    const char *header_text = s2s_json_write(arena, header, &header_len);
    const char *header_part = header_text != NULL ? s2s_b64_encode(arena, s2s_bytes(header_text, header_len)) : NULL;
    const char *payload_part = s2s_b64_encode(arena, payload);
    const char *input = header_part != NULL && payload_part != NULL
                            ? s2s_arena_printf(arena, "%s.%s", header_part, payload_part)
                            : NULL;
    if (input == NULL)
        return s2s_fail(S2S_LIMIT, "the JWS would be too long");

    struct s2s_bytes signature;
    S2S_TRY(s2s_jws_sign_raw(arena, key, s2s_bytes(input, strlen(input)), &signature));
    const char *signature_part = s2s_b64_encode(arena, signature);
    *out = signature_part != NULL ? s2s_arena_printf(arena, "%s.%s", input, signature_part) : NULL;
    return *out != NULL ? s2s_ok() : s2s_fail(S2S_LIMIT, "the JWS would be too long");
}
