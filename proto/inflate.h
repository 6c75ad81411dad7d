/* SPDX-License-Identifier: Apache-2.0
 *
 * Data in the ZLIB format (RFC 1950), inflated within bounds. For the files of proto/ only.
 */
#ifndef S2S_INFLATE_H
#define S2S_INFLATE_H

#include "arena.h"
#include "result.h"

/* Inflate `data`, all of which must be one stream, to at most `max` octets in the arena. S2S_MALFORMED; S2S_LIMIT when
 * there would be more. */
S2S_MUST_CHECK struct s2s_result s2s_inflate(struct s2s_arena *arena, struct s2s_bytes data, size_t max,
                                             struct s2s_bytes *out);

#endif
