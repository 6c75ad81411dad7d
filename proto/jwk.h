/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037) and their thumbprints (RFC 7638).
 */
#ifndef S2S_JWK_H
#define S2S_JWK_H

#include "arena.h"
#include "json.h"
#include "result.h"

#include <openssl/evp.h>

enum s2s_curve { S2S_P256, S2S_P384, S2S_P521, S2S_ED25519, S2S_X25519, S2S_X448 };

/* What a key is about to be used for; checked against `use` and `key_ops` when present (RFC 7517
 * sections 4.2 and 4.3). S2S_USE_ENCRYPT also stands for key agreement with the public key. */
enum s2s_use { S2S_USE_SIGN, S2S_USE_VERIFY, S2S_USE_ENCRYPT, S2S_USE_DECRYPT };

/* An immutable key, independent of any arena; safe to share between threads. */
struct s2s_jwk;

/* base64url SHA-256 thumbprint, NUL included. */
#define S2S_THUMBPRINT_SIZE 44

/* Read a public key from a peer. S2S_MALFORMED: not a JWK. S2S_UNSUPPORTED: unknown kty or crv.
 * S2S_BAD_KEY: private members present, wrong coordinate length, or a point that is not on the curve.
 * Free with s2s_jwk_free. */
S2S_MUST_CHECK struct s2s_result s2s_jwk_parse_public(const struct json_object *json, struct s2s_jwk **out);

/* Whether `json` is a public key as s2s_jwk_parse_public would read it, and the same key as `key` (RFC 7638: kty, crv
 * and coordinates). Makes no point of the coordinates: those that equal checked ones are good. */
bool s2s_jwk_is(const struct json_object *json, const struct s2s_jwk *key);

/* Read a private key of our own; the public members must match `d`. */
S2S_MUST_CHECK struct s2s_result s2s_jwk_parse_private(const struct json_object *json, struct s2s_jwk **out);

/* Take a private or public key read from PEM or a certificate (takes one reference of its own). `alg` and
 * `kid` may be NULL. */
S2S_MUST_CHECK struct s2s_result s2s_jwk_from_pkey(EVP_PKEY *pkey, const char *alg, const char *kid,
                                                   struct s2s_jwk **out);

/* NULL is ignored. */
void s2s_jwk_free(struct s2s_jwk *jwk);

/* Hand `jwk` (one reference) to the arena; returns `jwk`. */
struct s2s_jwk *s2s_jwk_own(struct s2s_arena *arena, struct s2s_jwk *jwk);

/* One more reference to the same key; free each. */
struct s2s_jwk *s2s_jwk_share(struct s2s_jwk *jwk);

/* All borrowed from the key, pkey too: take no reference of it, as it may serve another key later. alg and kid are NULL
 * when absent. */
const char *s2s_jwk_alg(const struct s2s_jwk *jwk);
const char *s2s_jwk_kid(const struct s2s_jwk *jwk);
const char *s2s_jwk_thumbprint(const struct s2s_jwk *jwk);
enum s2s_curve s2s_jwk_curve(const struct s2s_jwk *jwk);
bool s2s_jwk_is_private(const struct s2s_jwk *jwk);
EVP_PKEY *s2s_jwk_pkey(const struct s2s_jwk *jwk);

/* Whether `use` and `key_ops`, when present, permit the use. */
bool s2s_jwk_permits(const struct s2s_jwk *jwk, enum s2s_use use);

/* The raw public key as HPKE serializes it (RFC 9180 section 7.1.1): uncompressed point for EC, the
 * octets for OKP. Borrowed. */
struct s2s_bytes s2s_jwk_public_raw(const struct s2s_jwk *jwk);

/* The public key as JSON with kty, crv, x, (y), and alg, kid when known; one new reference, which the
 * caller puts (or gives to an arena with s2s_json_own). */
struct json_object *s2s_jwk_public_json(const struct s2s_jwk *jwk);

/* Our own keys, newest first. Each must be private for opening. Borrowed keys; the owner keeps the array. */
struct s2s_keyring {
    struct s2s_jwk *const *keys;
    size_t count;
};

/* The key with this `kid`, or NULL. */
const struct s2s_jwk *s2s_keyring_find(const struct s2s_keyring *ring, const char *kid);

#endif
