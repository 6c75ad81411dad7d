/* SPDX-License-Identifier: Apache-2.0
 *
 * Compact JSON Web Signatures (RFC 7515) with ES256, ES384, ES512 (RFC 7518 section 3.4) and
 * EdDSA / Ed25519 (RFC 8037, RFC 9864). Nothing else is accepted: no `none`, no HMAC, no RSA, no `crit`,
 * no `b64`.
 */
#ifndef S2S_JWS_H
#define S2S_JWS_H

#include "jwk.h"

/* A parsed JWS whose signature has not been looked at. All in the arena it was parsed into. */
struct s2s_jws {
    struct json_object *header;
    const char *alg;
    struct s2s_bytes payload;
    struct s2s_bytes signature;
    struct s2s_bytes signing_input;
};

/* Split and decode; the header must be a JSON object with a supported `alg` and no `crit`.
 * S2S_MALFORMED or S2S_UNSUPPORTED. */
S2S_MUST_CHECK struct s2s_result s2s_jws_parse(struct s2s_arena *arena, const char *text, size_t len,
                                               struct s2s_jws *out);

/* Verify against `key`. The header's `alg` must fit the curve and equal the key's `alg` when it has one
 * (EdDSA and Ed25519 are the same algorithm): S2S_MISMATCH. S2S_REFUSED when the signature is wrong. */
S2S_MUST_CHECK struct s2s_result s2s_jws_verify(const struct s2s_jws *jws, const struct s2s_jwk *key);

/* The payload as a JSON object (depth at most 32), in the arena. S2S_MALFORMED when it is anything else. */
S2S_MUST_CHECK struct s2s_result s2s_jws_payload_json(struct s2s_arena *arena, const struct s2s_jws *jws,
                                                      struct json_object **out);

/* Verify a bare JOSE signature (R||S for ECDSA) by `key`, with its `alg`, over `message`. */
S2S_MUST_CHECK struct s2s_result s2s_jws_verify_raw(const struct s2s_jwk *key, struct s2s_bytes message,
                                                    struct s2s_bytes signature);

/* A bare JOSE signature by the private `key` over `message`, in the arena. */
S2S_MUST_CHECK struct s2s_result s2s_jws_sign_raw(struct s2s_arena *arena, const struct s2s_jwk *key,
                                                  struct s2s_bytes message, struct s2s_bytes *signature);

/* A private key made ready to sign one message after the other, on one thread. Borrows the key; lives in the arena. */
struct s2s_jws_signer;
S2S_MUST_CHECK struct s2s_result s2s_jws_signer_new(struct s2s_arena *arena, const struct s2s_jwk *key,
                                                    struct s2s_jws_signer **out);

/* As s2s_jws_sign_raw. */
S2S_MUST_CHECK struct s2s_result s2s_jws_signer_sign(struct s2s_arena *arena, const struct s2s_jws_signer *signer,
                                                     struct s2s_bytes message, struct s2s_bytes *signature);

/* A compact JWS. `header` has every member but `alg`, which is set here from the key. `*out` is
 * NUL-terminated and lives in the arena. */
S2S_MUST_CHECK struct s2s_result s2s_jws_sign(struct s2s_arena *arena, const struct s2s_jwk *key,
                                              struct json_object *header, struct s2s_bytes payload, char **out);

/* The algorithm that `curve` signs with ("ES256", …, "EdDSA"), or NULL for a curve that cannot sign. */
const char *s2s_jws_curve_alg(enum s2s_curve curve);

/* Whether `alg` is one of the accepted signature algorithms and fits `curve`. */
bool s2s_jws_alg_fits(const char *alg, enum s2s_curve curve);

#endif
