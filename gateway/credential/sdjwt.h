/* SPDX-License-Identifier: Apache-2.0
 *
 * SD-JWT VC (`dc+sd-jwt`): RFC 9901 (SD-JWT) and draft-ietf-oauth-sd-jwt-vc.
 */
#ifndef GW_SDJWT_H
#define GW_SDJWT_H

#include "gateway/config.h"
#include "gateway/credential/jsontext.h"
#include "gateway/credential/signer.h"

/* What the credentials of one fetch have in common. */
struct gw_sdjwt_input {
    const struct gw_credential_config *config; /* vct, claims, decoys, lifetime */
    const struct gw_signer *signer;
    const char *issuer;         /* `iss` */
    struct json_object *claims; /* the dataset's claims */
    int64_t now;                /* seconds; `iat`. `exp` is now + lifetime, never past the certificate's end, ... */
    int64_t valid_until;        /* ... nor past this, the end of the claims' validity; 0: they have none */
};

/* Credentials that differ in their holders' keys, their salts and their decoys, so that nobody can tell from these that
 * they belong together. */
struct gw_sdjwt_batch;

/* Prepare `count` credentials, to be made on one thread. The batch lives in the arena and borrows what `input` points
 * to. S2S_STALE: the certificate is not valid at `now`. */
S2S_MUST_CHECK struct s2s_result gw_sdjwt_begin(struct s2s_arena *arena, const struct gw_sdjwt_input *input,
                                                size_t count, struct gw_sdjwt_batch **out);

/* Append the next credential to `out`, at most `count` times: JWT, then disclosures, each ended by "~" (no key-binding
 * JWT); no character of it needs an escape in JSON. `holder` is the key for `cnf`; NULL for a credential without key
 * binding. Claims of the dataset that the configuration lists as `always` stand in the clear; all others are
 * disclosures with a 128-bit salt; digests are sorted with the decoys. */
S2S_MUST_CHECK struct s2s_result gw_sdjwt_add(struct gw_sdjwt_batch *batch, const struct s2s_jwk *holder,
                                              struct gw_text *out);

#endif
