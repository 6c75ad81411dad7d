/* SPDX-License-Identifier: Apache-2.0
 *
 * SD-JWT VC (`dc+sd-jwt`): RFC 9901 (SD-JWT) and draft-ietf-oauth-sd-jwt-vc.
 */
#ifndef GW_SDJWT_H
#define GW_SDJWT_H

#include "gateway/config.h"
#include "gateway/credential/signer.h"

struct gw_sdjwt_input {
    const struct gw_credential_config *config; /* vct, claims, decoys, lifetime */
    const struct gw_signer *signer;
    const char *issuer;           /* `iss` */
    struct json_object *claims;   /* the dataset's claims */
    const struct s2s_jwk *holder; /* key for `cnf`; NULL for a credential without key binding */
    int64_t now;                  /* seconds; `iat`. `exp` is now + lifetime, never past the certificate's end, ... */
    int64_t valid_until;          /* ... nor past this, the end of the claims' validity; 0: they have none */
};

/* One credential: JWT, then disclosures, each ended by "~" (no key-binding JWT). `*out` is NUL-terminated, in the
 * arena. Claims of the dataset that the configuration lists as `always` stand in the clear; all others are disclosures
 * with a 128-bit salt; digests are sorted with the decoys. S2S_STALE: the certificate is not valid at `now`. */
S2S_MUST_CHECK struct s2s_result gw_sdjwt_issue(struct s2s_arena *arena, const struct gw_sdjwt_input *input,
                                                char **out);

#endif
