/* SPDX-License-Identifier: Apache-2.0
 *
 * The crypto floor: what the primitives that a request cannot do without cost by themselves, on one thread. Everything
 * that can be made ahead is: keys are parsed, algorithms fetched, contexts initialised. Nothing is parsed, checked or
 * allocated that the primitive does not need. The gateway is measured against this, so it may not flatter it.
 *
 * usage: bench-floor initiate|get [SECONDS]
 *
 * Prints one JSON object: the CPU time of one request's primitives, and of each primitive.
 */
#include "proto/result.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DIGEST_SIZE 32
#define KEY_SIZE 16
#define NONCE_SIZE 12
/* What a client payload has, and what the credentials of ten keys have, in octets. */
#define SMALL_TEXT 1024
#define LARGE_TEXT 16384
/* Of the signed text of a proof or a client payload. */
#define SIGNED_TEXT 512
#define DEFAULT_SECONDS 2

struct tools {
    EVP_MD *sha256;
    EVP_CIPHER *aes_gcm;
    EVP_PKEY_CTX *sign, *verify, *derive, *generate;
    EVP_PKEY *theirs;
    EVP_KDF_CTX *hkdf;
    EVP_CIPHER_CTX *cipher;
    unsigned char text[LARGE_TEXT], sealed[LARGE_TEXT], key[KEY_SIZE], nonce[NONCE_SIZE], secret[DIGEST_SIZE];
    unsigned char signature[96];
    size_t signature_len;
};

/* ---- the primitives ---- */

static void hash_text(struct tools *t, unsigned char *digest)
{
    s2s_assert(EVP_Digest(t->text, SIGNED_TEXT, digest, NULL, t->sha256, NULL) == 1);
}

static void sign(struct tools *t)
{
    unsigned char digest[DIGEST_SIZE];
    hash_text(t, digest);
    t->signature_len = sizeof(t->signature);
    s2s_assert(EVP_PKEY_sign(t->sign, t->signature, &t->signature_len, digest, sizeof(digest)) == 1);
}

static void verify(struct tools *t)
{
    unsigned char digest[DIGEST_SIZE];
    hash_text(t, digest);
    s2s_assert(EVP_PKEY_verify(t->verify, t->signature, t->signature_len, digest, sizeof(digest)) == 1);
}

static void generate(struct tools *t)
{
    EVP_PKEY *made = NULL;
    s2s_assert(EVP_PKEY_generate(t->generate, &made) == 1);
    EVP_PKEY_free(made);
}

/* Without OpenSSL's full check of the peer's key: P-256 has cofactor 1. */
static void agree(struct tools *t)
{
    size_t len = sizeof(t->secret);
    s2s_assert(EVP_PKEY_derive_set_peer_ex(t->derive, t->theirs, 0) == 1 &&
               EVP_PKEY_derive(t->derive, t->secret, &len) == 1);
}

static void expand(struct tools *t)
{
    char digest[] = "SHA256";
    unsigned char out[KEY_SIZE + NONCE_SIZE];
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, t->secret, sizeof(t->secret)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, t->nonce, sizeof(t->nonce)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, t->text, 32),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF_CTX_reset(t->hkdf);
    s2s_assert(EVP_KDF_derive(t->hkdf, out, sizeof(out), params) == 1);
}

static void seal(struct tools *t, int size)
{
    int len;
    unsigned char tag[16];
    s2s_assert(EVP_EncryptInit_ex2(t->cipher, t->aes_gcm, t->key, t->nonce, NULL) == 1 &&
               EVP_EncryptUpdate(t->cipher, t->sealed, &len, t->text, size) == 1 &&
               EVP_EncryptFinal_ex(t->cipher, t->sealed + len, &len) == 1 &&
               EVP_CIPHER_CTX_ctrl(t->cipher, EVP_CTRL_AEAD_GET_TAG, sizeof(tag), tag) == 1);
}

static void seal_small(struct tools *t)
{
    seal(t, SMALL_TEXT);
}

static void seal_large(struct tools *t)
{
    seal(t, LARGE_TEXT);
}

/* ---- what a request needs of them ---- */

struct part {
    const char *name;
    void (*run)(struct tools *t);
    int times;
};

#define MAX_PARTS 6

static const struct request {
    const char *name;
    struct part parts[MAX_PARTS];
} requests[] = {
    /* The nonce's signature; the payload is opened, and its signature verified. */
    {"initiate",
     {{"p256_verify", verify, 2}, {"p256_ecdh", agree, 1}, {"hkdf", expand, 1}, {"aes_gcm", seal_small, 1}}},
    /* Ten proofs, ten credentials, and one JWE to a key of the wallet's. */
    {"get",
     {{"p256_verify", verify, 10},
      {"p256_sign", sign, 10},
      {"p256_generate", generate, 1},
      {"p256_ecdh", agree, 1},
      {"hkdf", expand, 1},
      {"aes_gcm", seal_large, 1}}},
};

#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

static EVP_PKEY_CTX *context_of(EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    s2s_assert(ctx != NULL && init(ctx) == 1);
    return ctx;
}

/* Freed with the process. */
static void prepare(struct tools *t)
{
    EVP_PKEY *ours = EVP_EC_gen("P-256");
    EVP_KDF *hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    t->theirs = EVP_EC_gen("P-256");
    s2s_assert(ours != NULL && t->theirs != NULL && hkdf != NULL);
    t->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    t->aes_gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    t->hkdf = EVP_KDF_CTX_new(hkdf);
    t->cipher = EVP_CIPHER_CTX_new();
    t->sign = context_of(ours, EVP_PKEY_sign_init);
    t->verify = context_of(ours, EVP_PKEY_verify_init);
    t->derive = context_of(ours, EVP_PKEY_derive_init);
    t->generate = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    s2s_assert(EVP_PKEY_keygen_init(t->generate) == 1 &&
               EVP_PKEY_CTX_set_ec_paramgen_curve_nid(t->generate, NID_X9_62_prime256v1) == 1);
    s2s_assert(RAND_bytes(t->text, sizeof(t->text)) == 1 && RAND_bytes(t->key, sizeof(t->key)) == 1);
    sign(t);
}

/* ---- measuring ---- */

static double cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void run_parts(struct tools *t, const struct part *parts, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        for (int n = 0; n < parts[i].times; ++n)
            parts[i].run(t);
    }
}

/* CPU time of the parts together, in microseconds. */
static double measure(struct tools *t, const struct part *parts, size_t count, double seconds)
{
    enum { ROUNDS_AT_ONCE = 16 };
    double began = cpu_us(), spent = 0;
    long rounds = 0;
    for (; spent < seconds * 1e6; spent = cpu_us() - began, rounds += ROUNDS_AT_ONCE) {
        for (int i = 0; i < ROUNDS_AT_ONCE; ++i)
            run_parts(t, parts, count);
    }
    return spent / (double)rounds;
}

static void report(const struct request *request, double seconds)
{
    static struct tools tools;
    size_t count = 0;
    while (count < MAX_PARTS && request->parts[count].name != NULL)
        ++count;
    prepare(&tools);
    measure(&tools, request->parts, count, seconds / 10); /* warm */
    printf("{\"request\":\"%s\",\"us\":%.3f,\"parts\":{", request->name,
           measure(&tools, request->parts, count, seconds));
    for (size_t i = 0; i < count; ++i) {
        struct part once = request->parts[i];
        once.times = 1;
        printf("%s\"%s\":%.3f", i > 0 ? "," : "", once.name, measure(&tools, &once, 1, seconds / 10));
    }
    printf("}}\n");
}

int main(int argc, char **argv)
{
    double seconds = argc > 2 ? strtod(argv[2], NULL) : DEFAULT_SECONDS;
    for (size_t i = 0; argc > 1 && i < REQUESTS; ++i) {
        if (strcmp(requests[i].name, argv[1]) == 0 && seconds > 0) {
            report(&requests[i], seconds);
            return 0;
        }
    }
    fprintf(stderr, "usage: bench-floor initiate|get [SECONDS]\n");
    return 2;
}
