/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of certificate chains, presentations, attestations and status lists share: a small public key
 * infrastructure, and JWTs made from text, so that each can be wrong in one place.
 */
#ifndef S2S_VP_SUPPORT_H
#define S2S_VP_SUPPORT_H

#include "jose_support.h"
#include "proto/b64.h"
#include "proto/x5c.h"
#include "tests/unit/certificates.h"

#include <openssl/pem.h>

#define NOW ((int64_t)1795000000)
#define DAY ((int64_t)86400)
#define NOW_TEXT "1795000000"
#define LATER_TEXT "1795086400" /* NOW + DAY */

/* A certificate and its key, owned by the arena. */
struct party {
    EVP_PKEY *pkey;
    X509 *certificate;
    struct s2s_jwk *key; /* NULL when it cannot sign here */
};

static inline void free_pkey(void *pkey)
{
    EVP_PKEY_free(pkey);
}

static inline void free_certificate(void *certificate)
{
    X509_free(certificate);
}

/* A party as `c` says, whose key is made here, certified by `authority` (NULL: by itself). */
static inline struct party new_party(const char *kind, struct certificate c, const struct party *authority)
{
    struct party party = {.pkey = strcmp(kind, "RSA") == 0 ? EVP_RSA_gen(2048) : make_key(kind)};
    s2s_arena_defer(arena, free_pkey, party.pkey);
    c.key = party.pkey;
    if (c.begin == 0)
        c.begin = NOW - DAY;
    if (c.end == 0)
        c.end = NOW + DAY;
    if (authority) {
        c.issuer = authority->certificate;
        c.issuer_key = authority->pkey;
    }
    party.certificate = certify(&c);
    s2s_arena_defer(arena, free_certificate, party.certificate);
    if (!s2s_failed(s2s_jwk_from_pkey(party.pkey, NULL, NULL, &party.key)))
        own(party.key);
    ERR_clear_error();
    return party;
}

static inline struct party new_authority(const char *name, const struct party *authority)
{
    return new_party("P-256", (struct certificate){.name = name, .ca = true, .usage = "keyCertSign"}, authority);
}

static inline const char *pem_of(const struct party *party)
{
    BIO *bio = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_X509(bio, party->certificate), 1);
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    const char *copy = s2s_arena_strndup(arena, text, (size_t)len);
    BIO_free(bio);
    return copy;
}

static inline void free_trust(void *trust)
{
    s2s_trust_free(trust);
}

static inline struct s2s_trust *trust_in(const struct party *anchor)
{
    struct s2s_trust *trust = s2s_trust_new(S2S_X5C_LIMITS);
    s2s_arena_defer(arena, free_trust, trust);
    if (anchor)
        ck_assert_int_eq(s2s_trust_add_pem(trust, bytes(pem_of(anchor))).code, S2S_OK);
    return trust;
}

/* The certificate as x5c has it: base64 of DER. */
static inline const char *base64_of(const struct party *party)
{
    unsigned char *der = NULL;
    int len = i2d_X509(party->certificate, &der);
    ck_assert_int_gt(len, 0);
    char *text = s2s_arena_alloc(arena, (size_t)len / 3 * 4 + 5);
    EVP_EncodeBlock((unsigned char *)text, der, len);
    OPENSSL_free(der);
    return text;
}

/* The JSON text of an x5c of one or two certificates. */
static inline const char *x5c_of(const struct party *leaf, const struct party *next)
{
    return next ? s2s_arena_printf(arena, "[\"%s\",\"%s\"]", base64_of(leaf), base64_of(next))
                : s2s_arena_printf(arena, "[\"%s\"]", base64_of(leaf));
}

/* base64url of text. */
static inline const char *b64(const char *text)
{
    return s2s_b64_encode(arena, bytes(text));
}

/* A compact JWS of exactly this header, `alg` included, and this payload. */
static inline const char *sign_text(const struct s2s_jwk *key, const char *header, const char *payload)
{
    const char *input = s2s_arena_printf(arena, "%s.%s", b64(header), b64(payload));
    struct s2s_bytes signature;
    ck_assert_int_eq(s2s_jws_sign_raw(arena, key, bytes(input), &signature).code, S2S_OK);
    return s2s_arena_printf(arena, "%s.%s", input, s2s_b64_encode(arena, signature));
}

/* The public key as JSON text. */
static inline const char *jwk_text(const struct s2s_jwk *key)
{
    return json_object_to_json_string_ext(public_json(key), JSON_C_TO_STRING_PLAIN);
}

/* `text` with the first `from` replaced by `to`; `text` itself where `from` is NULL. */
static inline const char *with(const char *text, const char *from, const char *to)
{
    if (!from)
        return text;
    const char *at = strstr(text, from);
    ck_assert_msg(at != NULL, "no %s in %s", from, text);
    return s2s_arena_printf(arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

/* base64url of the digest of text. */
static inline const char *digest_of(const char *text, const EVP_MD *hash)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len;
    ck_assert_int_eq(EVP_Digest(text, strlen(text), digest, &len, hash, NULL), 1);
    return s2s_b64_encode(arena, s2s_bytes(digest, len));
}

/* A key binding JWT over `sd_jwt`, whose digest goes where `claims` has SD_HASH. */
static inline const char *bind_key(const char *sd_jwt, const EVP_MD *hash, const struct s2s_jwk *key,
                                   const char *header, const char *claims)
{
    if (strstr(claims, "SD_HASH"))
        claims = with(claims, "SD_HASH", digest_of(sd_jwt, hash));
    return sign_text(key, header, claims);
}

/* The arena of a setup may hold keys that are still needed; this one may be thrown away. */
#define SCRATCH ((size_t)4 << 20)

#endif
