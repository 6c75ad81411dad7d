/* SPDX-License-Identifier: Apache-2.0 */
#include "b64.h"

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void s2s_b64_encode_to(char *out, struct s2s_bytes in)
{
    const uint8_t *p = in.data;
    size_t left = in.len;
    for (; left >= 3; left -= 3, p += 3) {
        uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        *out++ = alphabet[v >> 18];
        *out++ = alphabet[v >> 12 & 63];
        *out++ = alphabet[v >> 6 & 63];
        *out++ = alphabet[v & 63];
    }
    if (left > 0) {
        uint32_t v = (uint32_t)p[0] << 16 | (left == 2 ? (uint32_t)p[1] << 8 : 0);
        *out++ = alphabet[v >> 18];
        *out++ = alphabet[v >> 12 & 63];
        if (left == 2)
            *out++ = alphabet[v >> 6 & 63];
    }
    *out = '\0';
}

char *s2s_b64_encode(struct s2s_arena *arena, struct s2s_bytes in)
{
    s2s_assert(in.len < SIZE_MAX / 2);
    char *out = s2s_arena_alloc(arena, s2s_b64_encoded_len(in.len) + 1);
    if (out != NULL)
        s2s_b64_encode_to(out, in);
    return out;
}

/* Six-bit values plus one, so that 0 stands for a character outside of the alphabet. */
#define V(character, value) [(unsigned char)(character)] = (value) + 1
static const uint8_t values[256] = {
    V('A', 0),  V('B', 1),  V('C', 2),  V('D', 3),  V('E', 4),  V('F', 5),  V('G', 6),  V('H', 7),
    V('I', 8),  V('J', 9),  V('K', 10), V('L', 11), V('M', 12), V('N', 13), V('O', 14), V('P', 15),
    V('Q', 16), V('R', 17), V('S', 18), V('T', 19), V('U', 20), V('V', 21), V('W', 22), V('X', 23),
    V('Y', 24), V('Z', 25), V('a', 26), V('b', 27), V('c', 28), V('d', 29), V('e', 30), V('f', 31),
    V('g', 32), V('h', 33), V('i', 34), V('j', 35), V('k', 36), V('l', 37), V('m', 38), V('n', 39),
    V('o', 40), V('p', 41), V('q', 42), V('r', 43), V('s', 44), V('t', 45), V('u', 46), V('v', 47),
    V('w', 48), V('x', 49), V('y', 50), V('z', 51), V('0', 52), V('1', 53), V('2', 54), V('3', 55),
    V('4', 56), V('5', 57), V('6', 58), V('7', 59), V('8', 60), V('9', 61), V('-', 62), V('_', 63),
};
#undef V

static struct s2s_result bad_character(void)
{
    return s2s_fail(S2S_MALFORMED, "a character outside of the base64url alphabet");
}

/* Four characters, three octets. */
static bool decode_group(uint8_t *out, const unsigned char *text)
{
    uint32_t a = values[text[0]], b = values[text[1]], c = values[text[2]], d = values[text[3]];
    if (a == 0 || b == 0 || c == 0 || d == 0)
        return false;
    uint32_t bits = (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);
    out[0] = (uint8_t)(bits >> 16);
    out[1] = (uint8_t)(bits >> 8);
    out[2] = (uint8_t)bits;
    return true;
}

/* The two or three characters after the last group. */
static struct s2s_result decode_rest(uint8_t *out, const unsigned char *text, size_t len)
{
    uint32_t bits = 0; /* the low `held` bits are not written yet */
    unsigned held = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t value = values[text[i]];
        if (value == 0)
            return bad_character();
        bits = bits << 6 | (uint32_t)(value - 1);
        held += 6;
        if (held >= 8) {
            held -= 8;
            *out++ = (uint8_t)(bits >> held);
        }
    }
    if ((bits & ((1u << held) - 1)) != 0)
        return s2s_fail(S2S_MALFORMED, "base64url with non-zero trailing bits");
    return s2s_ok();
}

struct s2s_result s2s_b64_decode_to(uint8_t *out, const char *text, size_t len)
{
    const unsigned char *from = (const unsigned char *)text;
    if (len % 4 == 1)
        return s2s_fail(S2S_MALFORMED, "base64url of an impossible length");
    for (; len >= 4; len -= 4, from += 4, out += 3) {
        if (!decode_group(out, from))
            return bad_character();
    }
    return decode_rest(out, from, len);
}

struct s2s_result s2s_b64_decode(struct s2s_arena *arena, const char *text, size_t len, struct s2s_bytes *out)
{
    size_t size = s2s_b64_decoded_len(len);
    uint8_t *data = s2s_arena_alloc(arena, size);
    if (data == NULL)
        return s2s_fail(S2S_LIMIT, "base64url text is too long");
    S2S_TRY(s2s_b64_decode_to(data, text, len));
    *out = s2s_bytes(data, size);
    return s2s_ok();
}
