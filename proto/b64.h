/* SPDX-License-Identifier: Apache-2.0
 *
 * base64url without padding (RFC 4648 section 5, RFC 7515 section 2).
 */
#ifndef S2S_B64_H
#define S2S_B64_H

#include "arena.h"
#include "result.h"

/* Characters that `len` bytes need, without the terminating NUL. */
static inline size_t s2s_b64_encoded_len(size_t len)
{
    return len / 3 * 4 + (len % 3 ? len % 3 + 1 : 0);
}

/* Write the encoding of `in` and a NUL to `out`, which holds s2s_b64_encoded_len(in.len) + 1. */
void s2s_b64_encode_to(char *out, struct s2s_bytes in);

/* The encoding of `in` in the arena, NUL-terminated; NULL when the arena is full. */
char *s2s_b64_encode(struct s2s_arena *arena, struct s2s_bytes in);

/* Octets that `len` characters stand for; meaningful where `len % 4 != 1`. */
static inline size_t s2s_b64_decoded_len(size_t len)
{
    return len / 4 * 3 + (len % 4 ? len % 4 - 1 : 0);
}

/* As s2s_b64_decode, to `out`, which holds s2s_b64_decoded_len(len). */
S2S_MUST_CHECK struct s2s_result s2s_b64_decode_to(uint8_t *out, const char *text, size_t len);

/* Decode `len` characters. Strict: S2S_MALFORMED for padding, line breaks, any other character, an
 * impossible length or non-zero trailing bits, so that each byte string has one encoding. */
S2S_MUST_CHECK struct s2s_result s2s_b64_decode(struct s2s_arena *arena, const char *text, size_t len,
                                                struct s2s_bytes *out);

#endif
