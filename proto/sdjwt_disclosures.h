/* SPDX-License-Identifier: Apache-2.0
 *
 * From the payload of a verified SD-JWT and the disclosures that came with it to the processed payload (RFC 9901
 * section 7.1, step 3). For proto/sdjwt_vp.c, and for tools that show what is in one.
 */
#ifndef S2S_SDJWT_DISCLOSURES_H
#define S2S_SDJWT_DISCLOSURES_H

#include "crypto.h"
#include "sdjwt_vp.h"

/* A digest as base64url text with its NUL. */
#define S2S_SDJWT_DIGEST_SIZE 87

/* The base64url digest of `text` (RFC 9901 section 4.2.3). */
S2S_MUST_CHECK struct s2s_result s2s_sdjwt_digest(enum s2s_hash hash, struct s2s_bytes text,
                                                  char out[S2S_SDJWT_DIGEST_SIZE]);

/* The hash that `_sd_alg` names, by default SHA-256 (section 4.1.1). S2S_UNSUPPORTED for one that is not accepted. */
S2S_MUST_CHECK struct s2s_result s2s_sdjwt_hash(const struct json_object *payload, enum s2s_hash *out);

/* Put what the disclosures at `text` disclose (each followed by "~") where `payload` has their digests, and remove what
 * only was there to hide: payload becomes the processed payload. S2S_MALFORMED: a disclosure or a digest is not as it
 * must be, is there twice, or belongs to nothing; S2S_LIMIT. `payload` is good for nothing then. */
S2S_MUST_CHECK struct s2s_result s2s_sdjwt_disclose(struct s2s_arena *arena, const struct s2s_sdjwt_limits *limits,
                                                    enum s2s_hash hash, struct s2s_bytes text,
                                                    struct json_object *payload);

#endif
