/* SPDX-License-Identifier: Apache-2.0
 *
 * The method, in the order of RFC 9180: a fresh key pair (or ours) and the other side's public key give `dh`;
 * ExtractAndExpand turns it into the KEM's shared_secret (section 4.1); the key schedule turns that into an AEAD
 * key and nonce (section 5.1); one message is sealed or opened with them (section 5.2, sequence number 0).
 *
 * Every suite of JOSE-HPKE uses one hash for both KEM and KDF, and never asks HKDF-Expand for more than one hash
 * output; both facts are used here and hold for the whole table.
 */
#include "hpke.h"

#include "crypto.h"
#include "curve.h"

#include <openssl/crypto.h>
#include <string.h>

/* IANA's registry of HPKE (RFC 9180 section 7). */
enum { KEM_P256 = 0x10, KEM_P384 = 0x11, KEM_P521 = 0x12, KEM_X25519 = 0x20, KEM_X448 = 0x21 };
enum { KDF_SHA256 = 1, KDF_SHA384 = 2, KDF_SHA512 = 3 };
enum { AEAD_A128GCM = 1, AEAD_A256GCM = 2, AEAD_CHACHA = 3 };

const struct s2s_hpke_suite s2s_hpke_suites[S2S_HPKE_SUITES] = {
    {0, "HPKE-0", "HPKE-0-KE", KEM_P256, KDF_SHA256, AEAD_A128GCM, S2S_P256, 65, 16},
    {1, "HPKE-1", "HPKE-1-KE", KEM_P384, KDF_SHA384, AEAD_A256GCM, S2S_P384, 97, 32},
    {2, "HPKE-2", "HPKE-2-KE", KEM_P521, KDF_SHA512, AEAD_A256GCM, S2S_P521, 133, 32},
    {3, "HPKE-3", "HPKE-3-KE", KEM_X25519, KDF_SHA256, AEAD_A128GCM, S2S_X25519, 32, 16},
    {4, "HPKE-4", "HPKE-4-KE", KEM_X25519, KDF_SHA256, AEAD_CHACHA, S2S_X25519, 32, 32},
    {5, "HPKE-5", "HPKE-5-KE", KEM_X448, KDF_SHA512, AEAD_A256GCM, S2S_X448, 56, 32},
    {6, "HPKE-6", "HPKE-6-KE", KEM_X448, KDF_SHA512, AEAD_CHACHA, S2S_X448, 56, 32},
    {7, "HPKE-7", "HPKE-7-KE", KEM_P256, KDF_SHA256, AEAD_A256GCM, S2S_P256, 65, 32},
};

const struct s2s_hpke_suite *s2s_hpke_suite_of(const char *alg, bool *key_encryption)
{
    for (size_t i = 0; i < S2S_HPKE_SUITES; i++) {
        const struct s2s_hpke_suite *suite = &s2s_hpke_suites[i];
        *key_encryption = strcmp(alg, suite->name_ke) == 0;
        if (*key_encryption || strcmp(alg, suite->name) == 0)
            return suite;
    }
    return NULL;
}

static enum s2s_hash hash_of(const struct s2s_hpke_suite *suite)
{
    static const enum s2s_hash hashes[] = {
        [KDF_SHA256] = S2S_SHA256, [KDF_SHA384] = S2S_SHA384, [KDF_SHA512] = S2S_SHA512};
    return hashes[suite->kdf_id];
}

static enum s2s_aead aead_of(const struct s2s_hpke_suite *suite)
{
    static const enum s2s_aead aeads[] = {
        [AEAD_A128GCM] = S2S_AES_128_GCM, [AEAD_A256GCM] = S2S_AES_256_GCM, [AEAD_CHACHA] = S2S_CHACHA20_POLY1305};
    return aeads[suite->aead_id];
}

static struct s2s_bytes string(const char *text)
{
    return s2s_bytes(text, strlen(text));
}

/* HKDF with the labels of section 4, for one suite_id. */
struct hkdf {
    EVP_MAC_CTX *mac;
    size_t n_h;
    struct s2s_bytes suite_id;
};

/* The `salt` of every LabeledExtract but one is empty, which for HMAC is the same as a zero. */
static struct s2s_bytes no_salt(void)
{
    static const uint8_t zero[1];
    return s2s_bytes(zero, sizeof zero);
}

static struct s2s_result labeled_extract(const struct hkdf *hkdf, struct s2s_bytes salt, const char *label,
                                         struct s2s_bytes ikm, uint8_t *prk)
{
    const struct s2s_bytes labeled_ikm[] = {string("HPKE-v1"), hkdf->suite_id, string(label), ikm};
    return s2s_hmac(hkdf->mac, salt, labeled_ikm, 4, prk);
}

static struct s2s_result labeled_expand(const struct hkdf *hkdf, const uint8_t *prk, const char *label,
                                        struct s2s_bytes info, uint8_t *out, size_t len)
{
    s2s_assert(len <= hkdf->n_h); /* so that T(1) of RFC 5869 section 2.3 is enough */
    const uint8_t l[2] = {(uint8_t)(len >> 8), (uint8_t)len};
    const uint8_t counter[1] = {1};
    const struct s2s_bytes labeled_info[] = {
        s2s_bytes(l, sizeof l), string("HPKE-v1"), hkdf->suite_id, string(label), info, s2s_bytes(counter, 1)};
    uint8_t t[S2S_MAX_HASH];
    struct s2s_result r = s2s_hmac(hkdf->mac, s2s_bytes(prk, hkdf->n_h), labeled_info, 6, t);
    memcpy(out, t, len);
    OPENSSL_cleanse(t, sizeof t);
    return r;
}

/* ExtractAndExpand (section 4.1). */
static struct s2s_result extract_and_expand(const struct hkdf *kem, struct s2s_bytes dh, struct s2s_bytes kem_context,
                                            uint8_t *shared_secret)
{
    uint8_t eae_prk[S2S_MAX_HASH];
    struct s2s_result r = labeled_extract(kem, no_salt(), "eae_prk", dh, eae_prk);
    if (!s2s_failed(r))
        r = labeled_expand(kem, eae_prk, "shared_secret", kem_context, shared_secret, kem->n_h); /* Nsecret is Nh */
    OPENSSL_cleanse(eae_prk, sizeof eae_prk);
    return r;
}

/* What the key schedule makes; wiped after its one use. */
struct context {
    uint8_t key[S2S_AEAD_MAX_KEY];
    uint8_t base_nonce[S2S_AEAD_NONCE];
};

/* KeySchedule in mode_base: the psk and the psk_id are empty (section 5.1). */
static struct s2s_result key_schedule(const struct hkdf *kdf, const uint8_t *shared_secret, struct s2s_bytes info,
                                      size_t n_k, struct context *context)
{
    const struct s2s_bytes empty = {NULL, 0};
    const uint8_t mode_base = 0;
    uint8_t key_schedule_context[1 + 2 * S2S_MAX_HASH] = {mode_base};
    uint8_t *psk_id_hash = key_schedule_context + 1, *info_hash = psk_id_hash + kdf->n_h;
    S2S_TRY(labeled_extract(kdf, no_salt(), "psk_id_hash", empty, psk_id_hash));
    S2S_TRY(labeled_extract(kdf, no_salt(), "info_hash", info, info_hash));
    const struct s2s_bytes ksc = s2s_bytes(key_schedule_context, 1 + 2 * kdf->n_h);

    uint8_t secret[S2S_MAX_HASH];
    struct s2s_result r = labeled_extract(kdf, s2s_bytes(shared_secret, kdf->n_h), "secret", empty, secret);
    if (!s2s_failed(r))
        r = labeled_expand(kdf, secret, "key", ksc, context->key, n_k);
    if (!s2s_failed(r))
        r = labeled_expand(kdf, secret, "base_nonce", ksc, context->base_nonce, sizeof context->base_nonce);
    OPENSSL_cleanse(secret, sizeof secret);
    return r;
}

/* Everything after the Diffie-Hellman step, the same for both sides. */
static struct s2s_result derive(const struct s2s_hpke_suite *suite, struct s2s_bytes dh, struct s2s_bytes enc,
                                struct s2s_bytes pk_rm, struct s2s_bytes info, struct context *context)
{
    const uint8_t id[] = {(uint8_t)(suite->kem_id >> 8), (uint8_t)suite->kem_id,         (uint8_t)(suite->kdf_id >> 8),
                          (uint8_t)suite->kdf_id,        (uint8_t)(suite->aead_id >> 8), (uint8_t)suite->aead_id};
    uint8_t kem_suite_id[5] = "KEM", hpke_suite_id[10] = "HPKE";
    memcpy(kem_suite_id + 3, id, 2);
    memcpy(hpke_suite_id + 4, id, 6);
    uint8_t kem_context[2 * S2S_MAX_RAW];
    memcpy(kem_context, enc.data, enc.len);
    memcpy(kem_context + enc.len, pk_rm.data, pk_rm.len);

    struct hkdf hkdf = {s2s_hmac_new(hash_of(suite)), s2s_hash_size(hash_of(suite)),
                        s2s_bytes(kem_suite_id, sizeof kem_suite_id)};
    uint8_t shared_secret[S2S_MAX_HASH];
    struct s2s_result r = extract_and_expand(&hkdf, dh, s2s_bytes(kem_context, enc.len + pk_rm.len), shared_secret);
    hkdf.suite_id = s2s_bytes(hpke_suite_id, sizeof hpke_suite_id);
    if (!s2s_failed(r))
        r = key_schedule(&hkdf, shared_secret, info, suite->n_k, context);
    EVP_MAC_CTX_free(hkdf.mac);
    OPENSSL_cleanse(shared_secret, sizeof shared_secret);
    return r;
}

/* Both halves of the Diffie-Hellman step end here: `ours` is skE or skR, `theirs` pkR or pkE. */
static struct s2s_result agree(const struct s2s_hpke_suite *suite, EVP_PKEY *ours, EVP_PKEY *theirs,
                               struct s2s_bytes enc, struct s2s_bytes pk_rm, struct s2s_bytes info,
                               struct context *context)
{
    uint8_t dh[S2S_MAX_COORDINATE];
    struct s2s_result r = s2s_curve_agree(suite->curve, ours, theirs, dh);
    if (!s2s_failed(r))
        r = derive(suite, s2s_bytes(dh, s2s_curves[suite->curve].size), enc, pk_rm, info, context);
    OPENSSL_cleanse(dh, sizeof dh);
    return r;
}

/* SetupBaseS: Encap (section 4.1) with a new key pair, then the key schedule. `enc` holds Nenc octets. */
static struct s2s_result setup_sender(const struct s2s_hpke_suite *suite, const struct s2s_jwk *recipient,
                                      struct s2s_bytes info, uint8_t *enc, struct context *context)
{
    EVP_PKEY *sk_e = NULL;
    S2S_TRY(s2s_curve_generate(suite->curve, &sk_e));
    struct s2s_result r = s2s_curve_raw(sk_e, suite->curve, enc);
    if (!s2s_failed(r))
        r = agree(suite, sk_e, s2s_jwk_pkey(recipient), s2s_bytes(enc, suite->n_enc), s2s_jwk_public_raw(recipient),
                  info, context);
    EVP_PKEY_free(sk_e);
    return r;
}

/* SetupBaseR: Decap, then the key schedule. */
static struct s2s_result setup_receiver(const struct s2s_hpke_suite *suite, const struct s2s_jwk *recipient,
                                        struct s2s_bytes enc, struct s2s_bytes info, struct context *context)
{
    EVP_PKEY *pk_e = NULL;
    S2S_TRY(s2s_curve_public(suite->curve, enc, &pk_e));
    struct s2s_result r =
        agree(suite, s2s_jwk_pkey(recipient), pk_e, enc, s2s_jwk_public_raw(recipient), info, context);
    s2s_curve_release(suite->curve, pk_e);
    return r;
}

struct s2s_result s2s_hpke_seal(struct s2s_arena *arena, const struct s2s_hpke_suite *suite,
                                const struct s2s_jwk *recipient, struct s2s_bytes info, struct s2s_bytes aad,
                                struct s2s_bytes pt, struct s2s_bytes *enc, struct s2s_bytes *ct)
{
    if (s2s_jwk_curve(recipient) != suite->curve)
        return s2s_fail(S2S_BAD_KEY, "the recipient's key is on another curve than the algorithm's");
    s2s_assert(pt.len < SIZE_MAX - S2S_AEAD_TAG);
    uint8_t *enc_out = s2s_arena_alloc(arena, suite->n_enc);
    uint8_t *ct_out = s2s_arena_alloc(arena, pt.len + S2S_AEAD_TAG);
    if (enc_out == NULL || ct_out == NULL)
        return s2s_fail(S2S_LIMIT, "too long to encrypt");

    struct context context;
    struct s2s_result r = setup_sender(suite, recipient, info, enc_out, &context);
    if (!s2s_failed(r))
        r = s2s_aead_seal(aead_of(suite), context.key, context.base_nonce, aad, pt, ct_out, ct_out + pt.len);
    OPENSSL_cleanse(&context, sizeof context);
    *enc = s2s_bytes(enc_out, suite->n_enc);
    *ct = s2s_bytes(ct_out, pt.len + S2S_AEAD_TAG);
    return r;
}

struct s2s_result s2s_hpke_open(struct s2s_arena *arena, const struct s2s_hpke_suite *suite,
                                const struct s2s_jwk *recipient, struct s2s_bytes enc, struct s2s_bytes info,
                                struct s2s_bytes aad, struct s2s_bytes ct, struct s2s_bytes *pt)
{
    if (s2s_jwk_curve(recipient) != suite->curve || !s2s_jwk_is_private(recipient))
        return s2s_fail(S2S_BAD_KEY, "the key cannot decrypt with this algorithm");
    if (ct.len < S2S_AEAD_TAG)
        return s2s_fail(S2S_REFUSED, "the HPKE ciphertext is too short");
    size_t pt_len = ct.len - S2S_AEAD_TAG;
    uint8_t *pt_out = s2s_arena_alloc(arena, pt_len);
    if (pt_out == NULL)
        return s2s_fail(S2S_LIMIT, "too long to decrypt");

    struct context context;
    struct s2s_result r = setup_receiver(suite, recipient, enc, info, &context);
    if (!s2s_failed(r))
        r = s2s_aead_open(aead_of(suite), context.key, context.base_nonce, aad, s2s_bytes(ct.data, pt_len),
                          ct.data + pt_len, pt_out);
    OPENSSL_cleanse(&context, sizeof context);
    *pt = s2s_bytes(pt_out, pt_len);
    return r;
}
