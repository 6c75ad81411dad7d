/* SPDX-License-Identifier: Apache-2.0
 *
 * The six curves of the protocol as OpenSSL keys: raw octets in and out, generation, key agreement. For the
 * files of proto/ only; everybody else holds an s2s_jwk.
 */
#ifndef S2S_CURVE_H
#define S2S_CURVE_H

#include "jwk.h"

/* One row of the table of curves. */
struct s2s_curve_info {
    const char *kty; /* "EC" or "OKP" */
    const char *crv; /* which is also OpenSSL's name of the group (EC) or of the key type (OKP) */
    size_t size;     /* octets of a coordinate and of the private key */
    size_t raw_size; /* octets of the raw public key */
    bool is_ec;
    bool agrees; /* key agreement only, no signatures */
};

#define S2S_CURVES 6
extern const struct s2s_curve_info s2s_curves[S2S_CURVES]; /* by enum s2s_curve */

/* First octet of an uncompressed point (SEC 1 section 2.3.3), the only form that is used here. */
#define S2S_EC_UNCOMPRESSED 0x04

#define S2S_MAX_COORDINATE 66
#define S2S_MAX_RAW (1 + 2 * S2S_MAX_COORDINATE)

/* The public key whose raw form (s2s_jwk_public_raw) is `raw`. S2S_BAD_KEY when it has another length or, for an EC
 * key, is not on the curve. Enough for a key that is used for one agreement; pass `*out` to s2s_curve_release. */
S2S_MUST_CHECK struct s2s_result s2s_curve_public(enum s2s_curve curve, struct s2s_bytes raw, EVP_PKEY **out);

/* Give back a key that s2s_curve_public made, without any other reference to it. It may serve again with another point.
 * NULL is allowed. */
void s2s_curve_release(enum s2s_curve curve, EVP_PKEY *pkey);

/* Whether the OKP key `pkey`, of which `raw` is the raw form, is a point of large order; EC keys always are. For
 * keys that are kept: it costs as much as using the key once. S2S_BAD_KEY when not. */
S2S_MUST_CHECK struct s2s_result s2s_curve_check_order(enum s2s_curve curve, struct s2s_bytes raw, EVP_PKEY *pkey);

/* The key pair of the private `d` (as many octets as a coordinate) and the public `raw`. S2S_BAD_KEY when they do
 * not belong together. Free `*out` with EVP_PKEY_free. */
S2S_MUST_CHECK struct s2s_result s2s_curve_pair(enum s2s_curve curve, struct s2s_bytes raw, struct s2s_bytes d,
                                                EVP_PKEY **out);

/* A new random key pair. Free `*out` with EVP_PKEY_free. */
S2S_MUST_CHECK struct s2s_result s2s_curve_generate(enum s2s_curve curve, EVP_PKEY **out);

/* Which curve the key is on. S2S_UNSUPPORTED for every other kind of key. */
S2S_MUST_CHECK struct s2s_result s2s_curve_of(EVP_PKEY *pkey, enum s2s_curve *out);

/* Write the raw public key, s2s_curves[curve].raw_size octets. */
S2S_MUST_CHECK struct s2s_result s2s_curve_raw(EVP_PKEY *pkey, enum s2s_curve curve, uint8_t *raw);

/* Whether the key has its private part. */
bool s2s_curve_is_private(EVP_PKEY *pkey, enum s2s_curve curve);

/* The Diffie-Hellman secret, s2s_curves[curve].size octets (RFC 9180 section 7.1). Both keys are on `curve`, and
 * `theirs` has been checked (as s2s_curve_public does). S2S_BAD_KEY for a point of small order. */
S2S_MUST_CHECK struct s2s_result s2s_curve_agree(enum s2s_curve curve, EVP_PKEY *ours, EVP_PKEY *theirs,
                                                 uint8_t secret[S2S_MAX_COORDINATE]);

#endif
