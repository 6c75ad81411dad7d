/* SPDX-License-Identifier: Apache-2.0
 *
 * The symmetric algorithms that the protocol needs, fetched from OpenSSL once per process: an implicit fetch
 * by name costs more than a small hash. For the files of proto/, and for what the gateway seals and digests itself.
 *
 * A failed OpenSSL call leaves entries in the thread's error queue, where a TLS connection of the same thread
 * would take them for its own (SSL_get_error(3)). So every failure leaves through s2s_crypto_fail.
 */
#ifndef S2S_CRYPTO_H
#define S2S_CRYPTO_H

#include "arena.h"
#include "result.h"

#include <openssl/evp.h>

/* Empty OpenSSL's error queue and make a failure. */
struct s2s_result s2s_crypto_fail(enum s2s_code code, const char *detail);

enum s2s_hash { S2S_SHA256, S2S_SHA384, S2S_SHA512 };

#define S2S_MAX_HASH 64

/* Octets of a digest. */
size_t s2s_hash_size(enum s2s_hash hash);

/* Write the digest of `data` to `out`, which holds s2s_hash_size octets. */
S2S_MUST_CHECK struct s2s_result s2s_hash(enum s2s_hash hash, struct s2s_bytes data, uint8_t *out);

/* A context for s2s_hmac with this hash, to be used for one key after the other. Free with EVP_MAC_CTX_free. */
EVP_MAC_CTX *s2s_hmac_new(enum s2s_hash hash);

/* Write the HMAC (RFC 2104) under `key` over the `count` pieces in a row to `out`, which holds the hash's size. */
S2S_MUST_CHECK struct s2s_result s2s_hmac(EVP_MAC_CTX *mac, struct s2s_bytes key, const struct s2s_bytes *pieces,
                                          size_t count, uint8_t *out);

enum s2s_aead { S2S_AES_128_GCM, S2S_AES_256_GCM, S2S_CHACHA20_POLY1305 };

/* Octets of the nonce and the tag, the same for the three. */
#define S2S_AEAD_NONCE 12
#define S2S_AEAD_TAG 16
#define S2S_AEAD_MAX_KEY 32

/* Octets of a key. */
size_t s2s_aead_key_size(enum s2s_aead aead);

/* Encrypt. `key` and `nonce` have the algorithm's sizes; `ct` holds pt.len octets, `tag` S2S_AEAD_TAG. */
S2S_MUST_CHECK struct s2s_result s2s_aead_seal(enum s2s_aead aead, const uint8_t *key, const uint8_t *nonce,
                                               struct s2s_bytes aad, struct s2s_bytes pt, uint8_t *ct, uint8_t *tag);

/* Decrypt; `pt` holds ct.len octets and is wiped on failure. S2S_REFUSED when the tag is wrong. */
S2S_MUST_CHECK struct s2s_result s2s_aead_open(enum s2s_aead aead, const uint8_t *key, const uint8_t *nonce,
                                               struct s2s_bytes aad, struct s2s_bytes ct, const uint8_t *tag,
                                               uint8_t *pt);

#endif
