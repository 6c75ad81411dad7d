/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenSSL builds the path and checks it. Around that stands what RFC 7515 demands of the array, since OpenSSL takes the
 * certificates in any order and ignores those that it has no use for.
 */
#include "x5c.h"

#include "b64.h"
#include "crypto.h"
#include "curve.h"
#include "jwt.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* OpenSSL's level of security for the keys and digests of a chain: 112 bits, so neither SHA-1 nor RSA of 1024 bits. */
#define SECURITY_LEVEL 2

struct s2s_trust {
    X509_STORE *store;
    size_t count;
    struct s2s_x5c_limits limits;
};

struct s2s_trust *s2s_trust_new(struct s2s_x5c_limits limits)
{
    struct s2s_trust *trust = calloc(1, sizeof *trust);
    s2s_assert(trust != NULL);
    trust->store = X509_STORE_new();
    s2s_assert(trust->store != NULL);
    trust->limits = limits;
    return trust;
}

void s2s_trust_free(struct s2s_trust *trust)
{
    if (trust == NULL)
        return;
    X509_STORE_free(trust->store);
    free(trust);
}

size_t s2s_trust_count(const struct s2s_trust *trust)
{
    return trust->count;
}

/* A certificate has no passphrase; without this OpenSSL would ask for one on the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *data)
{
    (void)buffer, (void)size, (void)writing, (void)data;
    return -1;
}

struct s2s_result s2s_trust_add_pem(struct s2s_trust *trust, struct s2s_bytes pem)
{
    if (pem.len == 0 || pem.len > INT_MAX)
        return s2s_fail(S2S_MALFORMED, "a bundle of trust anchors has no certificate");
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    s2s_assert(bio != NULL);
    size_t added = 0;
    X509 *certificate;
    while ((certificate = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
        s2s_assert(X509_STORE_add_cert(trust->store, certificate) == 1); /* one that is there already is no failure */
        X509_free(certificate);
        added++;
    }
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    BIO_free(bio);
    ERR_clear_error();
    trust->count += added;
    if (!at_end)
        return s2s_fail(S2S_MALFORMED, "a bundle of trust anchors has a broken certificate");
    return added > 0 ? s2s_ok() : s2s_fail(S2S_MALFORMED, "a bundle of trust anchors has no certificate");
}

/* The octets of one element: padded base64 of the standard alphabet, in its one canonical form. */
static struct s2s_result decode_base64(struct s2s_arena *arena, const char *text, size_t len, struct s2s_bytes *out)
{
    size_t padding = 0;
    while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
        padding++;
    if (len == 0 || len % 4 != 0 || memchr(text, '-', len) != NULL || memchr(text, '_', len) != NULL)
        return s2s_fail(S2S_MALFORMED, "a certificate of x5c is not base64");
    char *url = s2s_arena_strndup(arena, text, len - padding);
    if (url == NULL)
        return s2s_fail(S2S_LIMIT, "x5c is too long");
    for (char *p = url; *p != '\0'; p++)
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    return s2s_b64_decode(arena, url, len - padding, out);
}

/* One certificate of the array. `*octets_left` goes down by its size. */
static struct s2s_result read_certificate(struct s2s_arena *arena, struct json_object *element, size_t *octets_left,
                                          X509 **out)
{
    if (!json_object_is_type(element, json_type_string))
        return s2s_fail(S2S_MALFORMED, "x5c has something else than strings");
    size_t len = (size_t)json_object_get_string_len(element);
    if (s2s_b64_decoded_len(len) > *octets_left)
        return s2s_fail(S2S_LIMIT, "x5c is too long");
    *octets_left -= s2s_b64_decoded_len(len);
    struct s2s_bytes der;
    S2S_TRY(decode_base64(arena, json_object_get_string(element), len, &der));
    const unsigned char *at = der.data;
    *out = d2i_X509(NULL, &at, (long)der.len);
    if (*out == NULL || at != der.data + der.len) {
        X509_free(*out);
        return s2s_crypto_fail(S2S_MALFORMED, "a certificate of x5c is not DER");
    }
    return s2s_ok();
}

static void free_chain(void *chain)
{
    sk_X509_pop_free(chain, X509_free);
}

/* The array as certificates, owned by the arena. */
static struct s2s_result read_chain(struct s2s_arena *arena, const struct s2s_x5c_limits *limits,
                                    const struct json_object *x5c, STACK_OF(X509) * *out)
{
    if (!json_object_is_type(x5c, json_type_array) || json_object_array_length(x5c) == 0)
        return s2s_fail(S2S_MALFORMED, "x5c is not an array with a certificate");
    if (json_object_array_length(x5c) > limits->certificates)
        return s2s_fail(S2S_LIMIT, "x5c has too many certificates");
    *out = sk_X509_new_null();
    s2s_assert(*out != NULL);
    s2s_arena_defer(arena, free_chain, *out);
    size_t octets_left = limits->octets;
    for (size_t i = 0; i < json_object_array_length(x5c); i++) {
        X509 *certificate;
        S2S_TRY(read_certificate(arena, json_object_array_get_idx(x5c, i), &octets_left, &certificate));
        s2s_assert(sk_X509_push(*out, certificate) > 0);
    }
    return s2s_ok();
}

/* RFC 7515 section 4.1.6: each certificate is followed by the one that certifies it. */
static bool is_in_order(STACK_OF(X509) * chain)
{
    for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
        if (X509_check_issued(sk_X509_value(chain, i + 1), sk_X509_value(chain, i)) != X509_V_OK)
            return false;
    }
    return true;
}

static struct s2s_result verdict_of(int error)
{
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return s2s_crypto_fail(S2S_STALE, "a certificate of the chain is not valid at this time");
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
        return s2s_crypto_fail(S2S_UNKNOWN_KEY, "the certificate chain leads to no trust anchor");
    default:
        return s2s_crypto_fail(S2S_REFUSED, "the certificate chain is not valid");
    }
}

static struct s2s_result validate_path(const struct s2s_trust *trust, STACK_OF(X509) * chain, int64_t now)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    s2s_assert(ctx != NULL && X509_STORE_CTX_init(ctx, trust->store, sk_X509_value(chain, 0), chain) == 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_time(param, (time_t)now);
    X509_VERIFY_PARAM_set_depth(param, (int)trust->limits.certificates);
    X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
    bool valid = X509_verify_cert(ctx) == 1;
    int error = X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    ERR_clear_error(); /* a success may have tried a wrong path first */
    return valid ? s2s_ok() : verdict_of(error);
}

static struct s2s_result read_key(struct s2s_arena *arena, X509 *leaf, const struct s2s_jwk **out)
{
    if ((X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0) /* all bits are set where there is no keyUsage */
        return s2s_fail(S2S_BAD_KEY, "the certificate's key may not sign");
    EVP_PKEY *pkey = X509_get0_pubkey(leaf);
    if (pkey == NULL)
        return s2s_crypto_fail(S2S_UNSUPPORTED, "the certificate's key is of an unknown kind");
    struct s2s_jwk *key;
    struct s2s_result made = s2s_jwk_from_pkey(pkey, NULL, NULL, &key);
    if (s2s_failed(made))
        return s2s_crypto_fail(made.code, made.detail);
    s2s_jwk_own(arena, key);
    if (s2s_jws_curve_alg(s2s_jwk_curve(key)) == NULL)
        return s2s_fail(S2S_UNSUPPORTED, "the certificate's key cannot sign");
    *out = key;
    return s2s_curve_check_order(s2s_jwk_curve(key), s2s_jwk_public_raw(key), pkey);
}

struct s2s_result s2s_x5c_validate(struct s2s_arena *arena, const struct s2s_trust *trust,
                                   const struct json_object *x5c, int64_t now, struct s2s_x5c *out)
{
    STACK_OF(X509) * chain;
    S2S_TRY(read_chain(arena, &trust->limits, x5c, &chain));
    if (!is_in_order(chain))
        return s2s_crypto_fail(S2S_MALFORMED, "x5c is out of order");
    S2S_TRY(validate_path(trust, chain, now));
    out->leaf = sk_X509_value(chain, 0);
    return read_key(arena, out->leaf, &out->key);
}

/* The host of an https URL, or nothing. A literal address is no DNS name and matches none. */
static struct s2s_bytes host_of(const char *url)
{
    static const char scheme[] = "https://";
    if (strncasecmp(url, scheme, sizeof scheme - 1) != 0)
        return s2s_bytes(NULL, 0);
    const char *host = url + sizeof scheme - 1;
    size_t len = strcspn(host, "/?#");
    if (memchr(host, '@', len) != NULL) /* userinfo would pass for the host */
        return s2s_bytes(NULL, 0);
    const char *port = memchr(host, ':', len);
    return s2s_bytes(host, port != NULL ? (size_t)(port - host) : len);
}

static bool is_name(const GENERAL_NAME *general, const char *name, struct s2s_bytes host)
{
    if (general->type != GEN_URI && general->type != GEN_DNS)
        return false;
    const char *text = (const char *)ASN1_STRING_get0_data(general->d.ia5);
    size_t len = (size_t)ASN1_STRING_length(general->d.ia5);
    if (general->type == GEN_URI)
        return len == strlen(name) && memcmp(text, name, len) == 0;
    return len > 0 && len == host.len && strncasecmp(text, (const char *)host.data, len) == 0;
}

bool s2s_x5c_has_name(const struct s2s_x5c *x5c, const char *name)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x5c->leaf, NID_subject_alt_name, NULL, NULL);
    struct s2s_bytes host = host_of(name);
    bool found = false;
    for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++)
        found = is_name(sk_GENERAL_NAME_value(names, i), name, host);
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return found;
}

struct s2s_result s2s_x5c_subject(struct s2s_arena *arena, const struct s2s_x5c *x5c, const char **out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    s2s_assert(bio != NULL);
    bool printed = X509_NAME_print_ex(bio, X509_get_subject_name(x5c->leaf), 0, XN_FLAG_RFC2253) >= 0;
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    *out = s2s_arena_strndup(arena, text, (size_t)len);
    BIO_free(bio);
    if (!printed)
        return s2s_crypto_fail(S2S_MALFORMED, "the subject of a certificate is not text");
    return *out != NULL ? s2s_ok() : s2s_fail(S2S_LIMIT, "the subject of a certificate is too long");
}

static bool has_one_of(const struct s2s_jws *jws, const char *const *types)
{
    for (; *types != NULL; types++) {
        if (s2s_jwt_has_typ(jws, *types))
            return true;
    }
    return false;
}

struct s2s_result s2s_x5c_open_jwt(struct s2s_arena *arena, const struct s2s_trust *trust, const char *text, size_t len,
                                   const char *const *types, int64_t now, struct s2s_x5c_jwt *out)
{
    S2S_TRY(s2s_jws_parse(arena, text, len, &out->jws));
    if (!has_one_of(&out->jws, types))
        return s2s_fail(S2S_MISMATCH, "the JWT has another typ than its purpose demands");
    S2S_TRY(s2s_x5c_validate(arena, trust, s2s_json_get(out->jws.header, "x5c"), now, &out->signer));
    S2S_TRY(s2s_jws_verify(&out->jws, out->signer.key));
    return s2s_jws_payload_json(arena, &out->jws, &out->claims);
}
