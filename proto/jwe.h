/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON Web Encryption (RFC 7516) with JOSE-HPKE (draft-ietf-jose-hpke-encrypt): compact, flattened and
 * single-recipient general JSON; key encryption (HPKE-n-KE) and integrated encryption (HPKE-n).
 *
 * Refused: `zip`, any `crit`, `psk_id`, more than one recipient, unknown algorithms, and a header without
 * `kid` when the key used has one.
 */
#ifndef S2S_JWE_H
#define S2S_JWE_H

#include "hpke.h"
#include "jwk.h"

/* Decrypt `jwe` (a JSON string: compact; an object: flattened or general) with the key of `ring` that its
 * `kid` names; without a `kid`, with the keys of the ring that have none and fit the algorithm.
 * `*used` (borrowed from the ring) and `*plaintext` (in the arena) are set on success.
 * S2S_MALFORMED, S2S_UNSUPPORTED (algorithm or forbidden option), S2S_UNKNOWN_KEY, S2S_REFUSED, S2S_LIMIT. */
S2S_MUST_CHECK struct s2s_result s2s_jwe_open(struct s2s_arena *arena, struct json_object *jwe,
                                              const struct s2s_keyring *ring, const struct s2s_jwk **used,
                                              struct s2s_bytes *plaintext);

enum s2s_jwe_form { S2S_JWE_COMPACT, S2S_JWE_FLATTENED };

struct s2s_jwe_options {
    enum s2s_jwe_form form;
    const char *enc;      /* "A128GCM" or "A256GCM" for key encryption; NULL picks the suite's AEAD strength */
    const char *cty;      /* NULL, or the `cty` header member */
    struct s2s_bytes aad; /* JSON form only; data NULL for none */
};

/* Encrypt `plaintext` to `recipient`, whose `alg` names the algorithm (HPKE-n or HPKE-n-KE) and whose
 * `kid`, if any, goes into the header. `*out` is a JSON string (compact) or object, owned by the arena. */
S2S_MUST_CHECK struct s2s_result s2s_jwe_seal(struct s2s_arena *arena, const struct s2s_jwk *recipient,
                                              const struct s2s_jwe_options *options, struct s2s_bytes plaintext,
                                              struct json_object **out);

/* The same, but the flattened form as JSON text, NUL-terminated and in the arena: for a large plaintext, which a tree
 * would copy twice. */
S2S_MUST_CHECK struct s2s_result s2s_jwe_seal_text(struct s2s_arena *arena, const struct s2s_jwk *recipient,
                                                   const struct s2s_jwe_options *options, struct s2s_bytes plaintext,
                                                   struct s2s_bytes *out);

#endif
