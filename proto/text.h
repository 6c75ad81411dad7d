/* SPDX-License-Identifier: Apache-2.0
 *
 * Text composed twice: a first pass with `at` NULL only counts, then, with the room allocated, the same code writes.
 * Private to the library.
 */
#ifndef S2S_TEXT_H
#define S2S_TEXT_H

#include "arena.h"

#include <string.h>

struct s2s_text {
    char *at;
    size_t len;
};

static inline void s2s_text_add_bytes(struct s2s_text *text, const char *bytes, size_t len)
{
    if (text->at)
        memcpy(text->at + text->len, bytes, len);
    text->len += len;
}

static inline void s2s_text_add(struct s2s_text *text, const char *string)
{
    s2s_text_add_bytes(text, string, strlen(string));
}

static inline void s2s_text_add_number(struct s2s_text *text, size_t number)
{
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    s2s_text_add_bytes(text, digits + at, sizeof digits - at);
}

/* Run `compose(text, arg)` twice; the text, NUL-terminated, in the arena. `*len` (may be NULL) gets its length. NULL
 * when the arena is full. */
static inline char *s2s_text_compose(struct s2s_arena *arena, void (*compose)(struct s2s_text *, const void *),
                                     const void *arg, size_t *len)
{
    struct s2s_text text = {0};
    compose(&text, arg);
    text.at = s2s_arena_alloc(arena, text.len + 1);
    if (!text.at)
        return NULL;
    text.len = 0;
    compose(&text, arg);
    text.at[text.len] = '\0';
    if (len)
        *len = text.len;
    return text.at;
}

#endif
