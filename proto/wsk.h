/* SPDX-License-Identifier: Apache-2.0
 *
 * The verifier for everything that a wallet client signs with its Wallet Signing Key (WSK) and encrypts to
 * the issuer: the verification nonce, client encrypted payloads, the binding of the Wallet Encryption Key
 * (WEK), and the proofs of presentment keys.
 *
 * Every function fails with one of the two verdicts of the draft ("Error Types"):
 * S2S_INVALID_ENCRYPTION or S2S_INVALID_CLIENT_AUTHENTICATION; S2S_MALFORMED or S2S_LIMIT where the
 * decrypted content is not the structure it should be (the caller answers `validation`).
 */
#ifndef S2S_WSK_H
#define S2S_WSK_H

#include "jwe.h"
#include "jws.h"

#include <stdint.h>

/* What a request is checked against. All borrowed. */
struct s2s_wsk_context {
    const char *issuer;          /* credential issuer identifier */
    const char *session_id;      /* exactly as sent */
    const char *verification_id; /* NULL where the request names none */
    const struct s2s_jwk *wsk;   /* the session's WSK */
    const struct s2s_keyring *issuer_keys;
    int64_t now;        /* seconds since the epoch */
    int64_t iat_window; /* seconds either side of now for `iat` (D2: 300) */
};

enum s2s_key_purpose { S2S_WALLET_SIGNING_KEY, S2S_WALLET_ENCRYPTION_KEY, S2S_PRESENTMENT_KEY };

/* The key of a KeyData object (already schema checked): the keyType must be the purpose's, the JWK must
 * have an `alg` that is accepted for it and that fits its curve, and `use`/`key_ops` must allow it.
 * Fails with S2S_MALFORMED, S2S_UNSUPPORTED or S2S_BAD_KEY: problems of the field itself, answered as
 * `validation` at its pointer. Free `*out` with s2s_jwk_free. */
S2S_MUST_CHECK struct s2s_result s2s_keydata_key(const struct json_object *key_data, enum s2s_key_purpose purpose,
                                                 struct s2s_jwk **out);

enum s2s_nonce_policy { S2S_NONCE_ANY, S2S_NONCE_BOUND };

/* verificationNonce, raw or bound (D2). Under S2S_NONCE_BOUND the raw form fails. `*jti` (may be NULL) gets the bound
 * form's jti, in the arena, or NULL for the raw form. */
S2S_MUST_CHECK struct s2s_result s2s_wsk_check_nonce(struct s2s_arena *arena, const struct s2s_wsk_context *ctx,
                                                     const char *nonce, enum s2s_nonce_policy policy, const char **jti);

/* Open a JweEncryptedPayload of origin WALLET_CLIENT ("Client Encrypted Payload"): decrypt, verify with the
 * WSK, compare `aud` with the thumbprint of the key used, and `sessionId` and `verificationId` when present (D5).
 * `*claims` is the JWS payload, owned by the arena. A payload of another origin fails as client authentication. */
S2S_MUST_CHECK struct s2s_result s2s_wsk_open_payload(struct s2s_arena *arena, const struct s2s_wsk_context *ctx,
                                                      const struct json_object *payload, struct json_object **claims);

/* That `wek` is bound to the WSK (D5): its thumbprint equals `signed_thumbprint` (the payload's
 * `walletEncryptionKeyThumbprint`; NULL when none), or its KeyData carries a key-binding JWT by the WSK. */
S2S_MUST_CHECK struct s2s_result s2s_wsk_check_wek(struct s2s_arena *arena, const struct s2s_wsk_context *ctx,
                                                   const struct json_object *wek_data, const struct s2s_jwk *wek,
                                                   const char *signed_thumbprint);

/* The presentment keys of an opened `clientEncryptedData`: each a KeyData whose openid4vci-proof+jwt verifies
 * with the key itself (D3, D5; OpenID4VCI "jwt Proof Type"). At most `max` (S2S_LIMIT), at least one
 * (S2S_MALFORMED), no key twice. `*keys` is an array in the arena; the keys are freed with the arena. Of a key that is
 * refused, `*count` is its place; of the list as a whole, SIZE_MAX. */
S2S_MUST_CHECK struct s2s_result s2s_wsk_presentment_keys(struct s2s_arena *arena, const struct s2s_wsk_context *ctx,
                                                          struct json_object *claims, size_t max,
                                                          struct s2s_jwk ***keys, size_t *count);

#endif
