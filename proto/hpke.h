/* SPDX-License-Identifier: Apache-2.0
 *
 * Hybrid Public Key Encryption, base mode, single shot (RFC 9180 sections 4 to 6), for the suites of
 * JOSE-HPKE 0 to 7.
 *
 * OpenSSL 3.0 has no OSSL_HPKE_*; this builds it from EVP. Names follow RFC 9180 (skE, pkR, enc, dh,
 * shared_secret, key_schedule_context).
 */
#ifndef S2S_HPKE_H
#define S2S_HPKE_H

#include "jwk.h"

/* One row of the table of suites; `number` is the n of HPKE-n. */
struct s2s_hpke_suite {
    int number;
    const char *name;    /* "HPKE-0": integrated encryption */
    const char *name_ke; /* "HPKE-0-KE": key encryption */
    uint16_t kem_id, kdf_id, aead_id;
    enum s2s_curve curve;
    size_t n_enc; /* Nenc, octets of the encapsulated secret */
    size_t n_k;   /* Nk, octets of the AEAD key */
};

#define S2S_HPKE_SUITES 8
extern const struct s2s_hpke_suite s2s_hpke_suites[S2S_HPKE_SUITES];

/* The suite that a JOSE `alg` names, or NULL; `*key_encryption` says which of the two forms. */
const struct s2s_hpke_suite *s2s_hpke_suite_of(const char *alg, bool *key_encryption);

/* SealBase: `*enc` is the encapsulated secret, `*ct` ciphertext with tag; both in the arena.
 * S2S_BAD_KEY when the recipient's curve is not the suite's. */
S2S_MUST_CHECK struct s2s_result s2s_hpke_seal(struct s2s_arena *arena, const struct s2s_hpke_suite *suite,
                                               const struct s2s_jwk *recipient, struct s2s_bytes info,
                                               struct s2s_bytes aad, struct s2s_bytes pt, struct s2s_bytes *enc,
                                               struct s2s_bytes *ct);

/* OpenBase. S2S_BAD_KEY: `enc` is not a valid point for the suite. S2S_REFUSED: the tag is wrong. */
S2S_MUST_CHECK struct s2s_result s2s_hpke_open(struct s2s_arena *arena, const struct s2s_hpke_suite *suite,
                                               const struct s2s_jwk *recipient, struct s2s_bytes enc,
                                               struct s2s_bytes info, struct s2s_bytes aad, struct s2s_bytes ct,
                                               struct s2s_bytes *pt);

#endif
