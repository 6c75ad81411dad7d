/* SPDX-License-Identifier: Apache-2.0
 *
 * A signing key with its certificate chain.
 */
#ifndef GW_SIGNER_H
#define GW_SIGNER_H

#include "gateway/config.h"
#include "gateway/credential/jsontext.h"
#include "proto/jws.h"

#include <stdint.h>

/* Immutable; safe to share between threads. */
struct gw_signer;

/* Load a PEM private key (P-256, P-384 or Ed25519) and its PEM chain, leaf first. NULL with the error reported at the
 * files' lines: unreadable, not a key, the certificate is another key's, unsupported type. A certificate outside of its
 * validity loads (the operator sees it in /readyz and in metrics) but does not sign. */
struct gw_signer *gw_signer_load(const struct gw_file *key, const struct gw_file *certificate,
                                 struct gw_config_errors *errors);
void gw_signer_free(struct gw_signer *signer);

/* The JOSE name of its algorithm; static. */
const char *gw_signer_alg(const struct gw_signer *signer);

/* Validity of the leaf, seconds since the epoch. */
void gw_signer_validity(const struct gw_signer *signer, int64_t *not_before, int64_t *not_after);

/* Whether it may sign at `now`. */
bool gw_signer_valid(const struct gw_signer *signer, int64_t now);

/* What a signer signs. Each has its own `typ`, so that one can never be taken for the other (RFC 8725 section 3.11). */
enum gw_signed_type {
    GW_SIGNED_CREDENTIAL, /* dc+sd-jwt */
    GW_SIGNED_METADATA,   /* openidvci-issuer-metadata+jwt */
    GW_SIGNED_TYPES
};

/* A compact JWS over `payload` with header { alg, typ, x5c }, which was encoded once when the signer was loaded.
 * `*out` is NUL-terminated, in the arena. S2S_STALE: the certificate is not valid at `now`. */
S2S_MUST_CHECK struct s2s_result gw_signer_sign(const struct gw_signer *signer, struct s2s_arena *arena,
                                                enum gw_signed_type type, int64_t now, struct s2s_bytes payload,
                                                char **out);

/* Several such JWSs, one after the other, on one thread: what they have in common is made once. In the arena, with the
 * signer borrowed. S2S_STALE: the certificate is not valid at `now`. */
struct gw_signing {
    struct s2s_arena *arena;
    struct s2s_bytes header; /* encoded, with the dot that follows it */
    struct s2s_jws_signer *key;
};
S2S_MUST_CHECK struct s2s_result gw_signing_begin(const struct gw_signer *signer, struct s2s_arena *arena,
                                                  enum gw_signed_type type, int64_t now, struct gw_signing *out);

/* Append the compact JWS over `payload` to `out`. */
S2S_MUST_CHECK struct s2s_result gw_signing_add(const struct gw_signing *signing, struct s2s_bytes payload,
                                                struct gw_text *out);

/* The `x5c` header member (RFC 7515 section 4.1.6): array of base64 DER, leaf first, without a
 * self-signed root at its end: a verifier must bring its trust anchors itself. Borrowed. For tests: every signature has
 * it already. */
struct json_object *gw_signer_x5c(const struct gw_signer *signer);

#endif
