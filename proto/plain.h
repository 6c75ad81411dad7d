/* SPDX-License-Identifier: Apache-2.0
 *
 * Nearly all text that this project reads and writes is base64url, ids and names: characters that stand for themselves
 * in a JSON string. Runs of them are passed over eight at a time; the scan goes on octet by octet where one ends.
 */
#ifndef S2S_PLAIN_H
#define S2S_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Printable ASCII, but neither quotation mark nor backslash. */
static inline bool s2s_is_plain(char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

#define S2S_EVERY_OCTET(value) (UINT64_C(0x0101010101010101) * (value))

/* Zero when no octet of `word` equals `value`. */
static inline uint64_t s2s_octets_equal(uint64_t word, uint8_t value)
{
    uint64_t x = word ^ S2S_EVERY_OCTET(value);
    return (x - S2S_EVERY_OCTET(1)) & ~x & S2S_EVERY_OCTET(0x80);
}

/* Zero when all octets of `word` are plain. */
static inline uint64_t s2s_octets_special(uint64_t word)
{
    uint64_t beyond_ascii = word & S2S_EVERY_OCTET(0x80);
    uint64_t control = (word - S2S_EVERY_OCTET(0x20)) & ~word & S2S_EVERY_OCTET(0x80);
    return beyond_ascii | control | s2s_octets_equal(word, '"') | s2s_octets_equal(word, '\\') |
           s2s_octets_equal(word, 0x7F);
}

/* How many octets at the beginning of `text` are plain. */
static inline size_t s2s_plain_run(const char *text, size_t len)
{
    size_t run = 0;
    for (uint64_t word; len - run >= sizeof word; run += sizeof word) {
        memcpy(&word, text + run, sizeof word);
        if (s2s_octets_special(word) != 0)
            break;
    }
    while (run < len && s2s_is_plain(text[run]))
        run++;
    return run;
}

#endif
