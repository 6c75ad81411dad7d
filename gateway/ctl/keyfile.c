/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ctl/keyfile.h"

#include "proto/crypto.h"

#include <openssl/pem.h>
#include <string.h>

#define MAX_DEPTH 8

static bool is_json(const char *text, size_t len)
{
    size_t blank = strspn(text, " \t\r\n");
    return blank < len && text[blank] == '{';
}

static struct s2s_result from_pem(EVP_PKEY *pkey, const char *alg, const char *kid, struct s2s_jwk **out)
{
    if (pkey == NULL)
        return s2s_crypto_fail(S2S_MALFORMED, "this is neither a JWK nor PEM that can be read");
    struct s2s_result r = s2s_jwk_from_pkey(pkey, alg, kid, out);
    EVP_PKEY_free(pkey);
    return r;
}

struct s2s_result ctl_keyfile_private(struct s2s_arena *arena, const char *text, size_t len, const char *alg,
                                      const char *kid, struct s2s_jwk **out)
{
    struct json_object *json;
    if (is_json(text, len)) {
        S2S_TRY(s2s_json_parse(arena, text, len, MAX_DEPTH, &json));
        S2S_TRY(s2s_jwk_parse_private(json, out));
    } else {
        BIO *bio = BIO_new_mem_buf(text, (int)len);
        EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        BIO_free(bio);
        S2S_TRY(from_pem(pkey, alg, kid, out));
    }
    (void)s2s_jwk_own(arena, *out);
    return s2s_ok();
}

/* A PEM public key, or the key of a PEM certificate; NULL when it is neither. */
static EVP_PKEY *read_public_pem(const char *text, size_t len)
{
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    EVP_PKEY *pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    (void)BIO_reset(bio);
    X509 *certificate = pkey == NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    if (certificate != NULL)
        pkey = X509_get_pubkey(certificate);
    X509_free(certificate);
    BIO_free(bio);
    return pkey;
}

struct s2s_result ctl_keyfile_public(struct s2s_arena *arena, const char *text, size_t len, const char *alg,
                                     struct s2s_jwk **out)
{
    struct json_object *json;
    if (is_json(text, len)) {
        S2S_TRY(s2s_json_parse(arena, text, len, MAX_DEPTH, &json));
        S2S_TRY(s2s_jwk_parse_public(json, out));
    } else {
        S2S_TRY(from_pem(read_public_pem(text, len), alg, NULL, out));
    }
    (void)s2s_jwk_own(arena, *out);
    return s2s_ok();
}
