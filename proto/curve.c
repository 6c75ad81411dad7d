/* SPDX-License-Identifier: Apache-2.0
 *
 * A public point must have coordinates below the prime, be on the curve, and not be the point at infinity. These curves
 * have cofactor 1, so that is all there is to check (RFC 9180 section 7.1.4), and EVP_PKEY_derive_set_peer_ex may skip
 * its own, full check, which would multiply by the order for nothing. OpenSSL refuses the first two where it decodes a
 * point (EC_POINT_oct2point), and infinity has no uncompressed form; EVP_PKEY_public_check_quick would say it once
 * more.
 *
 * A new EC key is a spare one that gets another point, or else a copy of a template, a key that has its group and
 * nothing else. OpenSSL would otherwise look the group up by its name and compute its constants anew for every key,
 * which costs more than a point.
 */
#include "curve.h"

#include "crypto.h"
#include "ed25519.h"
#include "spare.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

const struct s2s_curve_info s2s_curves[S2S_CURVES] = {
    [S2S_P256] = {"EC", "P-256", 32, 65, true, false},     [S2S_P384] = {"EC", "P-384", 48, 97, true, false},
    [S2S_P521] = {"EC", "P-521", 66, 133, true, false},    [S2S_ED25519] = {"OKP", "Ed25519", 32, 32, false, false},
    [S2S_X25519] = {"OKP", "X25519", 32, 32, false, true}, [S2S_X448] = {"OKP", "X448", 56, 56, false, true},
};

static struct s2s_result bad_point(void)
{
    return s2s_crypto_fail(S2S_BAD_KEY, "the key is not a valid point of its curve");
}

/* By enum s2s_curve; they live as long as the process, and are only ever read, by all threads. */
static EVP_PKEY *templates[S2S_CURVES];

static void make_templates(void)
{
    for (size_t i = 0; i < S2S_CURVES; i++) {
        if (!s2s_curves[i].is_ec)
            continue;
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
        s2s_assert(ctx != NULL && EVP_PKEY_paramgen_init(ctx) == 1 &&
                   EVP_PKEY_CTX_set_group_name(ctx, s2s_curves[i].crv) == 1 &&
                   EVP_PKEY_paramgen(ctx, &templates[i]) == 1);
        EVP_PKEY_CTX_free(ctx);
    }
}

static EVP_PKEY *template_of(enum s2s_curve curve)
{
    static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
    s2s_assert(CRYPTO_THREAD_run_once(&once, make_templates) == 1);
    return templates[curve];
}

/* The EC key of a public point, or NULL when it is none. */
static EVP_PKEY *ec_public(enum s2s_curve curve, struct s2s_bytes raw)
{
    EVP_PKEY *pkey = s2s_spare_take(curve);
    if (pkey == NULL)
        pkey = EVP_PKEY_dup(template_of(curve));
    s2s_assert(pkey != NULL);
    if (EVP_PKEY_set1_encoded_public_key(pkey, raw.data, raw.len) == 1)
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

/* The EC key of a private and a public half, or NULL. */
static EVP_PKEY *ec_pair(const struct s2s_curve_info *info, struct s2s_bytes raw, struct s2s_bytes d)
{
    uint8_t native[S2S_MAX_COORDINATE]; /* OSSL_PARAM integers have the machine's byte order */
    BIGNUM *n = BN_secure_new();
    s2s_assert(n != NULL && BN_bin2bn(d.data, (int)d.len, n) != NULL);
    s2s_assert(BN_bn2nativepad(n, native, (int)d.len) == (int)d.len);
    BN_clear_free(n);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)info->crv, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)raw.data, raw.len),
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, d.len),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    s2s_assert(ctx != NULL);
    if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    OPENSSL_cleanse(native, sizeof native);
    return pkey;
}

static EVP_PKEY *ec_generate(enum s2s_curve curve)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, template_of(curve), NULL);
    s2s_assert(ctx != NULL);
    if (EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_keygen(ctx, &pkey) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static bool is_pair(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    s2s_assert(ctx != NULL);
    bool ok = EVP_PKEY_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

struct s2s_result s2s_curve_public(enum s2s_curve curve, struct s2s_bytes raw, EVP_PKEY **out)
{
    const struct s2s_curve_info *info = &s2s_curves[curve];
    if (raw.len != info->raw_size)
        return s2s_fail(S2S_BAD_KEY, "the key has the wrong length");
    EVP_PKEY *pkey;
    if (info->is_ec)
        /* Only the uncompressed form: OpenSSL would also take a hybrid one. */
        pkey = raw.data[0] == S2S_EC_UNCOMPRESSED ? ec_public(curve, raw) : NULL;
    else
        pkey = EVP_PKEY_new_raw_public_key_ex(NULL, info->crv, NULL, raw.data, raw.len);
    *out = pkey;
    return pkey != NULL ? s2s_ok() : bad_point();
}

void s2s_curve_release(enum s2s_curve curve, EVP_PKEY *pkey)
{
    if (pkey != NULL && s2s_curves[curve].is_ec)
        s2s_spare_give(curve, pkey);
    else
        EVP_PKEY_free(pkey);
}

static bool has_public(EVP_PKEY *pkey, enum s2s_curve curve, struct s2s_bytes raw)
{
    uint8_t actual[S2S_MAX_RAW];
    return !s2s_failed(s2s_curve_raw(pkey, curve, actual)) && raw.len == s2s_curves[curve].raw_size &&
           memcmp(actual, raw.data, raw.len) == 0;
}

struct s2s_result s2s_curve_pair(enum s2s_curve curve, struct s2s_bytes raw, struct s2s_bytes d, EVP_PKEY **out)
{
    const struct s2s_curve_info *info = &s2s_curves[curve];
    if (d.len != info->size)
        return s2s_fail(S2S_BAD_KEY, "the private key has the wrong length");
    EVP_PKEY *pkey =
        info->is_ec ? ec_pair(info, raw, d) : EVP_PKEY_new_raw_private_key_ex(NULL, info->crv, NULL, d.data, d.len);
    /* EVP_PKEY_check compares an EC pair; an OKP key has computed its public half itself. */
    if (pkey == NULL || !has_public(pkey, curve, raw) || (info->is_ec && !is_pair(pkey))) {
        EVP_PKEY_free(pkey);
        return s2s_crypto_fail(S2S_BAD_KEY, "the private key does not belong to the public key");
    }
    *out = pkey;
    return s2s_ok();
}

struct s2s_result s2s_curve_generate(enum s2s_curve curve, EVP_PKEY **out)
{
    const struct s2s_curve_info *info = &s2s_curves[curve];
    *out = info->is_ec ? ec_generate(curve) : EVP_PKEY_Q_keygen(NULL, NULL, info->crv);
    return *out != NULL ? s2s_ok() : s2s_crypto_fail(S2S_INTERNAL, "key generation failed");
}

struct s2s_result s2s_curve_of(EVP_PKEY *pkey, enum s2s_curve *out)
{
    char group[32] = "";
    if (EVP_PKEY_is_a(pkey, "EC")) {
        size_t len;
        if (EVP_PKEY_get_group_name(pkey, group, sizeof group, &len) != 1)
            group[0] = '\0';
    }
    for (int i = 0; i < S2S_CURVES; i++) {
        const struct s2s_curve_info *info = &s2s_curves[i];
        /* OpenSSL names groups as X9.62 and SEC 2 do, so compare by number. */
        bool same = info->is_ec ? group[0] != '\0' && OBJ_sn2nid(group) == EC_curve_nist2nid(info->crv)
                                : EVP_PKEY_is_a(pkey, info->crv) == 1;
        if (same) {
            *out = (enum s2s_curve)i;
            return s2s_ok();
        }
    }
    return s2s_crypto_fail(S2S_UNSUPPORTED, "a kind of key that this protocol does not use");
}

struct s2s_result s2s_curve_raw(EVP_PKEY *pkey, enum s2s_curve curve, uint8_t *raw)
{
    const struct s2s_curve_info *info = &s2s_curves[curve];
    size_t len = info->raw_size;
    bool ok;
    if (info->is_ec)
        /* Not OSSL_PKEY_PARAM_PUB_KEY: that has the form that the key's file happens to have. */
        ok = EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, raw, len, &len) == 1 &&
             raw[0] == S2S_EC_UNCOMPRESSED;
    else
        ok = EVP_PKEY_get_raw_public_key(pkey, raw, &len) == 1;
    return ok && len == info->raw_size ? s2s_ok() : s2s_crypto_fail(S2S_INTERNAL, "the key has no public part");
}

bool s2s_curve_is_private(EVP_PKEY *pkey, enum s2s_curve curve)
{
    BIGNUM *n = NULL;
    size_t len;
    bool found = s2s_curves[curve].is_ec ? EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &n) == 1
                                         : EVP_PKEY_get_raw_private_key(pkey, NULL, &len) == 1;
    BN_clear_free(n);
    if (!found)
        ERR_clear_error(); /* what the question left behind */
    return found;
}

struct s2s_result s2s_curve_agree(enum s2s_curve curve, EVP_PKEY *ours, EVP_PKEY *theirs,
                                  uint8_t secret[S2S_MAX_COORDINATE])
{
    size_t len = S2S_MAX_COORDINATE;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL);
    s2s_assert(ctx != NULL);
    /* X25519 and X448 fail here when the secret is zero, as RFC 9180 section 7.1.4 demands. */
    bool ok = EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer_ex(ctx, theirs, 0) == 1 &&
              EVP_PKEY_derive(ctx, secret, &len) == 1 && len == s2s_curves[curve].size;
    EVP_PKEY_CTX_free(ctx);
    return ok ? s2s_ok() : bad_point();
}

/* X25519 and X448 take any octets, but with a point of small order every secret is zero (RFC 7748 section 6):
 * clamped private keys are multiples of the cofactor, so one trial with any private key tells. */
static bool contributes(enum s2s_curve curve, EVP_PKEY *pkey)
{
    EVP_PKEY *trial = NULL;
    uint8_t secret[S2S_MAX_COORDINATE];
    bool ok =
        !s2s_failed(s2s_curve_generate(curve, &trial)) && !s2s_failed(s2s_curve_agree(curve, trial, pkey, secret));
    OPENSSL_cleanse(secret, sizeof secret);
    EVP_PKEY_free(trial);
    return ok;
}

struct s2s_result s2s_curve_check_order(enum s2s_curve curve, struct s2s_bytes raw, EVP_PKEY *pkey)
{
    const struct s2s_curve_info *info = &s2s_curves[curve];
    bool ok = info->is_ec || (info->agrees ? contributes(curve, pkey) : s2s_ed25519_usable(raw.data));
    return ok ? s2s_ok() : bad_point();
}
