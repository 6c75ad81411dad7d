/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether somebody we trust vouches for a wallet's key: the member `attestation` of KeyData, which the draft leaves at
 * "a platform-provided x509-chain or a keyattestation-jwt". Understood are
 *
 *   { "proof_type": "attestation", "jwt": … }     a key attestation JWT (OpenID4VCI 1.0 appendix D.1)
 *   { "proof_type": "attestation", "attestation": … }   the same, as a `proof` of OpenID4VCI's drafts has it
 *   { "attestation": [ … ] }                            the same, as a member of OpenID4VCI's `proofs` has it
 *   { "x5c": [ … ] }                                    a chain (RFC 7515 section 4.1.6) whose leaf certifies the key
 *
 * A chain proves no freshness: no nonce is in it.
 */
#ifndef S2S_ATTESTATION_H
#define S2S_ATTESTATION_H

#include "x5c.h"

/* What every attestation is held against. All borrowed. */
struct s2s_attestation_policy {
    const struct s2s_trust *trust; /* anchors of wallet providers and platforms */
    int64_t leeway;                /* seconds that clocks may differ */
    size_t max_keys;               /* of `attested_keys` */
};

#define S2S_ATTESTATION_MAX_KEYS 64

enum s2s_attestation_verdict {
    S2S_ATTESTATION_ABSENT, /* none, or of a kind that is not understood */
    S2S_ATTESTATION_VERIFIED,
    S2S_ATTESTATION_INVALID, /* one that does not hold */
};

struct s2s_attestation {
    enum s2s_attestation_verdict verdict;
    const char *reason; /* a fixed sentence; NULL when verified */

    /* Only when verified, in the arena. */
    const char *issuer;         /* subject of the certificate of who vouches; for a chain, of the key's own */
    struct json_object *claims; /* of a JWT: key_storage, user_authentication, status, …; NULL for a chain */
};

/* Check what `key_data` says of its key, which is `key`. `nonce` (NULL: none was given) must be that of a JWT. Fails
 * only with S2S_INTERNAL. */
S2S_MUST_CHECK struct s2s_result s2s_attestation_check(struct s2s_arena *arena,
                                                       const struct s2s_attestation_policy *policy,
                                                       const struct json_object *key_data, const struct s2s_jwk *key,
                                                       const char *nonce, int64_t now, struct s2s_attestation *out);

/* "VERIFIED", "ABSENT", "INVALID". */
const char *s2s_attestation_verdict_name(enum s2s_attestation_verdict verdict);

#endif
