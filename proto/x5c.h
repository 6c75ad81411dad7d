/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys that a certificate chain vouches for: the header parameter `x5c` (RFC 7515 section 4.1.6), validated up to
 * configured trust anchors (RFC 5280 section 6), and the JWTs that carry one. Revocation is not looked at.
 */
#ifndef S2S_X5C_H
#define S2S_X5C_H

#include "jws.h"

#include <openssl/x509.h>
#include <stdint.h>

/* What a chain may be at most. */
struct s2s_x5c_limits {
    size_t certificates;
    size_t octets; /* of all certificates together, decoded */
};

#define S2S_X5C_LIMITS ((struct s2s_x5c_limits){.certificates = 6, .octets = (size_t)32 * 1024})

/* Trust anchors, to be filled and then shared between threads. */
struct s2s_trust;

/* No anchors yet: nothing is trusted. Free with s2s_trust_free. */
struct s2s_trust *s2s_trust_new(struct s2s_x5c_limits limits);
void s2s_trust_free(struct s2s_trust *trust);

/* Trust every certificate of a PEM bundle. One that is not self-signed is an anchor, too: an operator may trust an
 * intermediate authority, or one signer. S2S_MALFORMED: a certificate in it is broken, or there is none; those before
 * the broken one are trusted all the same. */
S2S_MUST_CHECK struct s2s_result s2s_trust_add_pem(struct s2s_trust *trust, struct s2s_bytes pem);

/* How many certificates have been added. For tests. */
size_t s2s_trust_count(const struct s2s_trust *trust);

/* Who signed, once the chain is validated. Both belong to the arena. */
struct s2s_x5c {
    X509 *leaf;
    const struct s2s_jwk *key; /* the leaf's public key, which can sign */
};

/* Validate `x5c`, a JSON array of base64 (not base64url) of DER, the signer's certificate first and each followed by
 * its issuer's, at the time `now` (seconds since the epoch). It may end with or before the anchor.
 * S2S_MALFORMED or S2S_LIMIT: not such an array. S2S_UNKNOWN_KEY: leads to no anchor. S2S_STALE: a certificate is not
 * valid at this time. S2S_REFUSED: a signature, an algorithm or an extension of the chain is not acceptable.
 * S2S_BAD_KEY or S2S_UNSUPPORTED: the leaf's key may not or cannot sign. */
S2S_MUST_CHECK struct s2s_result s2s_x5c_validate(struct s2s_arena *arena, const struct s2s_trust *trust,
                                                  const struct json_object *x5c, int64_t now, struct s2s_x5c *out);

/* Whether the leaf's subjectAltName has `name`: a URI letter for letter, or, where `name` is an https URL, its host as
 * a DNS name (without regard to case, no wildcards). */
bool s2s_x5c_has_name(const struct s2s_x5c *x5c, const char *name);

/* The leaf's subject as text (RFC 2253), in the arena. S2S_MALFORMED when it is none. */
S2S_MUST_CHECK struct s2s_result s2s_x5c_subject(struct s2s_arena *arena, const struct s2s_x5c *x5c, const char **out);

/* A JWT, and who signed it. */
struct s2s_x5c_jwt {
    struct s2s_jws jws;
    struct s2s_x5c signer;
    struct json_object *claims;
};

/* Open the JWT of `len` characters at `text`: its `typ` is one of `types` (which ends with NULL), its `x5c` validates,
 * and the leaf's key has signed it. Fails as s2s_jws_parse, s2s_x5c_validate and s2s_jws_verify do; S2S_MISMATCH for
 * another typ. No claim has been looked at. */
S2S_MUST_CHECK struct s2s_result s2s_x5c_open_jwt(struct s2s_arena *arena, const struct s2s_trust *trust,
                                                  const char *text, size_t len, const char *const *types, int64_t now,
                                                  struct s2s_x5c_jwt *out);

#endif
