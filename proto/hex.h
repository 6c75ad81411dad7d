/* SPDX-License-Identifier: Apache-2.0
 *
 * Hexadecimal digits: read in either case, written in lower case.
 */
#ifndef S2S_HEX_H
#define S2S_HEX_H

#include "proto/arena.h"

/* The value of a digit; -1 when it is none. */
static inline int s2s_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The digit of a value below 16. */
static inline char s2s_hex_digit(unsigned value)
{
    return "0123456789abcdef"[value];
}

/* Write two digits for each octet, without a NUL. Returns where they end. */
static inline char *s2s_hex_write(char *out, struct s2s_bytes octets)
{
    for (size_t i = 0; i < octets.len; i++) {
        *out++ = s2s_hex_digit(octets.data[i] >> 4);
        *out++ = s2s_hex_digit(octets.data[i] & 15u);
    }
    return out;
}

#endif
