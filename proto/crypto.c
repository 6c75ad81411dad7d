/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

/* Rows in the order of the enumerations. */
static struct {
    const char *name;
    size_t size;
    EVP_MD *md;
    EVP_MAC_CTX *hmac; /* keyed with nothing of worth; each user gets a copy */
} hashes[] = {{"SHA2-256", 32, NULL, NULL}, {"SHA2-384", 48, NULL, NULL}, {"SHA2-512", 64, NULL, NULL}};

static struct {
    const char *name;
    size_t key_size;
    EVP_CIPHER *cipher;
} aeads[] = {{"AES-128-GCM", 16, NULL}, {"AES-256-GCM", 32, NULL}, {"ChaCha20-Poly1305", 32, NULL}};

static EVP_MAC_CTX *hmac_template(EVP_MAC *hmac, const char *hash)
{
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)hash, 0), OSSL_PARAM_END};
    static const unsigned char key[S2S_MAX_HASH];
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
    s2s_assert(mac != NULL && EVP_MAC_init(mac, key, sizeof key, params) == 1);
    return mac;
}

/* What is fetched here lives as long as the process; OpenSSL without one of these cannot serve the protocol. */
static void fetch(void)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    s2s_assert(hmac != NULL);
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        hashes[i].md = EVP_MD_fetch(NULL, hashes[i].name, NULL);
        s2s_assert(hashes[i].md != NULL);
        hashes[i].hmac = hmac_template(hmac, hashes[i].name);
    }
    EVP_MAC_free(hmac); /* the templates hold it */
    for (size_t i = 0; i < sizeof aeads / sizeof aeads[0]; i++) {
        aeads[i].cipher = EVP_CIPHER_fetch(NULL, aeads[i].name, NULL);
        s2s_assert(aeads[i].cipher != NULL);
    }
}

static void need_fetched(void)
{
    static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
    s2s_assert(CRYPTO_THREAD_run_once(&once, fetch) == 1);
}

struct s2s_result s2s_crypto_fail(enum s2s_code code, const char *detail)
{
    ERR_clear_error();
    return s2s_fail(code, detail);
}

size_t s2s_hash_size(enum s2s_hash hash)
{
    return hashes[hash].size;
}

struct s2s_result s2s_hash(enum s2s_hash hash, struct s2s_bytes data, uint8_t *out)
{
    need_fetched();
    if (EVP_Digest(data.data, data.len, out, NULL, hashes[hash].md, NULL) != 1)
        return s2s_crypto_fail(S2S_INTERNAL, "hashing failed");
    return s2s_ok();
}

EVP_MAC_CTX *s2s_hmac_new(enum s2s_hash hash)
{
    need_fetched();
    EVP_MAC_CTX *mac = EVP_MAC_CTX_dup(hashes[hash].hmac);
    s2s_assert(mac != NULL);
    return mac;
}

struct s2s_result s2s_hmac(EVP_MAC_CTX *mac, struct s2s_bytes key, const struct s2s_bytes *pieces, size_t count,
                           uint8_t *out)
{
    s2s_assert(key.data != NULL); /* NULL would mean the previous key */
    bool ok = EVP_MAC_init(mac, key.data, key.len, NULL) == 1;
    for (size_t i = 0; ok && i < count; i++)
        ok = pieces[i].len == 0 || EVP_MAC_update(mac, pieces[i].data, pieces[i].len) == 1;
    if (!ok || EVP_MAC_final(mac, out, NULL, S2S_MAX_HASH) != 1)
        return s2s_crypto_fail(S2S_INTERNAL, "HMAC failed");
    return s2s_ok();
}

size_t s2s_aead_key_size(enum s2s_aead aead)
{
    return aeads[aead].key_size;
}

/* EVP takes lengths as int, and an update with a NULL output as associated data. */
static bool update(EVP_CIPHER_CTX *cipher, uint8_t *out, struct s2s_bytes in)
{
    int written;
    return in.len == 0 || (in.len <= INT_MAX && EVP_CipherUpdate(cipher, out, &written, in.data, (int)in.len) == 1);
}

struct s2s_result s2s_aead_seal(enum s2s_aead aead, const uint8_t *key, const uint8_t *nonce, struct s2s_bytes aad,
                                struct s2s_bytes pt, uint8_t *ct, uint8_t *tag)
{
    need_fetched();
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    s2s_assert(cipher != NULL);
    int written;
    bool ok = EVP_EncryptInit_ex2(cipher, aeads[aead].cipher, key, nonce, NULL) == 1 && update(cipher, NULL, aad) &&
              update(cipher, ct, pt) && EVP_EncryptFinal_ex(cipher, tag, &written) == 1 &&
              EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, S2S_AEAD_TAG, tag) == 1;
    EVP_CIPHER_CTX_free(cipher);
    return ok ? s2s_ok() : s2s_crypto_fail(S2S_INTERNAL, "authenticated encryption failed");
}

struct s2s_result s2s_aead_open(enum s2s_aead aead, const uint8_t *key, const uint8_t *nonce, struct s2s_bytes aad,
                                struct s2s_bytes ct, const uint8_t *tag, uint8_t *pt)
{
    need_fetched();
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    s2s_assert(cipher != NULL);
    int written;
    uint8_t nothing[S2S_AEAD_TAG];
    bool ready = EVP_DecryptInit_ex2(cipher, aeads[aead].cipher, key, nonce, NULL) == 1 && update(cipher, NULL, aad) &&
                 update(cipher, pt, ct) &&
                 EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, S2S_AEAD_TAG, (void *)tag) == 1;
    bool authentic = ready && EVP_DecryptFinal_ex(cipher, nothing, &written) == 1;
    EVP_CIPHER_CTX_free(cipher);
    if (authentic)
        return s2s_ok();
    OPENSSL_cleanse(pt, ct.len);
    return ready ? s2s_crypto_fail(S2S_REFUSED, "decryption failed")
                 : s2s_crypto_fail(S2S_INTERNAL, "authenticated decryption failed");
}
