/* SPDX-License-Identifier: Apache-2.0
 *
 * The verifier of SD-JWT VCs with key binding, as OpenID4VP 1.0 appendix B.3 presents them: SD-JWT+KB (RFC 9901
 * section 7) of type `dc+sd-jwt` (draft-ietf-oauth-sd-jwt-vc), whose issuer is known by its certificate chain.
 */
#ifndef S2S_SDJWT_VP_H
#define S2S_SDJWT_VP_H

#include "x5c.h"

/* What a presentation may be at most. */
struct s2s_sdjwt_limits {
    size_t octets;      /* of the whole text */
    size_t disclosures; /* presented */
    size_t digests;     /* embedded, decoys included */
    unsigned depth;     /* nested arrays and objects of the processed payload, at most 32 */
};

#define S2S_SDJWT_LIMITS                                                                                               \
    ((struct s2s_sdjwt_limits){.octets = (size_t)128 * 1024, .disclosures = 128, .digests = 1024, .depth = 16})

/* What holds for every presentation. All borrowed. */
struct s2s_sdjwt_policy {
    const struct s2s_trust *trust; /* anchors of credential issuers */
    bool iss_in_certificate;       /* `iss`, when present, must be a name of the certificate (s2s_x5c_has_name) */
    int64_t leeway;                /* seconds that clocks may differ */
    int64_t max_age;               /* seconds since `iat` of the key binding */
    struct s2s_sdjwt_limits limits;
};

/* What this presentation must be for. All borrowed. */
struct s2s_sdjwt_expected {
    const char *nonce;
    const char *aud;
    const char *const *vcts; /* accepted types */
    size_t vct_count;
    int64_t now; /* seconds since the epoch */
};

/* A verified presentation; all in the arena. */
struct s2s_sdjwt_vp {
    struct json_object *claims; /* the processed payload: what was disclosed, and what always is */
    const char *vct;
    const char *issuer; /* a name that the certificate vouches for: `iss` where it has it, otherwise its subject */
    struct json_object *status;   /* the `status` claim, to be checked by the caller (proto/statuslist.h), or NULL */
    const struct s2s_jwk *holder; /* the key that the credential is bound to, and that has signed the key binding */
};

/* Verify the presentation of `len` characters at `text`: `<JWT>~<Disclosure>~…~<KB-JWT>`.
 * S2S_MALFORMED, S2S_UNSUPPORTED or S2S_LIMIT: not such a text. S2S_UNKNOWN_KEY, S2S_STALE, S2S_REFUSED, S2S_BAD_KEY:
 * the chain, a time, a signature or a key is not acceptable. S2S_MISMATCH: for another purpose than expected, or its
 * parts do not belong together. */
S2S_MUST_CHECK struct s2s_result s2s_sdjwt_vp_verify(struct s2s_arena *arena, const struct s2s_sdjwt_policy *policy,
                                                     const struct s2s_sdjwt_expected *expected, const char *text,
                                                     size_t len, struct s2s_sdjwt_vp *out);

#endif
