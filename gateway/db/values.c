/* SPDX-License-Identifier: Apache-2.0
 *
 * Values on their way to and from PostgreSQL, in text form (PostgreSQL documentation, "Array Input and Output Syntax").
 */
#include "gateway/db/db.h"
#include "proto/hex.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A full arena is a ceiling set too low for a request that was small enough to be read: a bug, not an input. */
static const char *need(const char *text)
{
    s2s_assert(text != NULL);
    return text;
}

void gw_db_integer(struct gw_db_call *call, struct s2s_arena *arena, int64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%" PRId64, value);
    gw_db_text(call, need(s2s_arena_strndup(arena, text, (size_t)len)));
}

void gw_db_interval_ms(struct gw_db_call *call, struct s2s_arena *arena, int64_t ms)
{
    gw_db_text(call, need(s2s_arena_printf(arena, "%" PRId64 " milliseconds", ms)));
}

static size_t quoted_len(const char *text)
{
    size_t len = 2;
    for (; *text != '\0'; ++text)
        len += *text == '"' || *text == '\\' ? 2 : 1;
    return len;
}

static char *write_quoted(char *out, const char *text)
{
    *out++ = '"';
    for (; *text != '\0'; ++text) {
        if (*text == '"' || *text == '\\')
            *out++ = '\\';
        *out++ = *text;
    }
    *out++ = '"';
    return out;
}

const char *gw_db_bytea(struct s2s_arena *arena, struct s2s_bytes octets)
{
    char *text = s2s_arena_alloc(arena, 2 + 2 * octets.len + 1);
    s2s_assert(text != NULL);
    text[0] = '\\';
    text[1] = 'x';
    s2s_hex_write(text + 2, octets);
    return text;
}

void gw_db_text_array(struct gw_db_call *call, struct s2s_arena *arena, const char *const *texts, size_t count)
{
    size_t len = 3;
    for (size_t i = 0; i < count; ++i)
        len += 1 + (texts[i] != NULL ? quoted_len(texts[i]) : 4);
    char *literal = s2s_arena_alloc(arena, len), *out = literal;
    s2s_assert(literal != NULL);
    *out++ = '{';
    for (size_t i = 0; i < count; ++i) {
        if (i > 0)
            *out++ = ',';
        if (texts[i] != NULL) {
            out = write_quoted(out, texts[i]);
        } else {
            memcpy(out, "NULL", 4);
            out += 4;
        }
    }
    *out++ = '}';
    *out = '\0';
    gw_db_text(call, literal);
}

/* Copy one element from `*in` to `out`; false at the literal's unexpected end. Leaves `*in` after the element. */
static bool read_element(const char **in, char *out)
{
    const char *p = *in;
    bool quoted = *p == '"';
    if (quoted)
        ++p;
    while (*p != '\0' && (quoted ? *p != '"' : *p != ',' && *p != '}')) {
        if (*p == '\\' && p[1] != '\0')
            ++p;
        *out++ = *p++;
    }
    *out = '\0';
    if (*p == '\0')
        return false;
    *in = quoted ? p + 1 : p;
    return true;
}

bool gw_db_read_array(struct s2s_arena *arena, const char *literal, char ***texts, size_t *count)
{
    size_t len = strlen(literal), max = 1;
    *count = 0;
    if (len < 2 || literal[0] != '{')
        return false;
    for (const char *p = literal; *p != '\0'; ++p)
        max += *p == ','; /* at least as many as there are separators */
    *texts = s2s_arena_alloc(arena, max * sizeof(**texts));
    char *space = s2s_arena_alloc(arena, len + 1);
    if (*texts == NULL || space == NULL)
        return false;
    const char *p = literal + 1;
    if (*p == '}')
        return p[1] == '\0';
    for (;; ++p) {
        (*texts)[(*count)++] = space;
        if (!read_element(&p, space))
            return false;
        space += strlen(space) + 1;
        if (*p == '}')
            return p[1] == '\0';
        if (*p != ',')
            return false;
    }
}

bool gw_db_read_bytes(struct s2s_arena *arena, const char *hex, struct s2s_bytes *out)
{
    size_t len = strlen(hex);
    if (len < 2 || len % 2 != 0 || hex[0] != '\\' || hex[1] != 'x')
        return false;
    uint8_t *data = s2s_arena_alloc(arena, len / 2);
    if (data == NULL)
        return false;
    for (size_t i = 2; i < len; i += 2) {
        int high = s2s_hex_value(hex[i]), low = s2s_hex_value(hex[i + 1]);
        if (high < 0 || low < 0)
            return false;
        data[i / 2 - 1] = (uint8_t)(high << 4 | low);
    }
    *out = s2s_bytes(data, len / 2 - 1);
    return true;
}
