/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys in files, as people have them: a JWK as JSON, a PEM key, or a PEM certificate.
 */
#ifndef CTL_KEYFILE_H
#define CTL_KEYFILE_H

#include "proto/jwk.h"

/* Read a private key. A PEM file says nothing of `alg` and `kid` (may be NULL): they are taken from here. */
S2S_MUST_CHECK struct s2s_result ctl_keyfile_private(struct s2s_arena *arena, const char *text, size_t len,
                                                     const char *alg, const char *kid, struct s2s_jwk **out);

/* Read a public key, likewise; of a certificate, its key. */
S2S_MUST_CHECK struct s2s_result ctl_keyfile_public(struct s2s_arena *arena, const char *text, size_t len,
                                                    const char *alg, struct s2s_jwk **out);

#endif
