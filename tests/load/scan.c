/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/scan.h"

#include <string.h>

/* What is left to read. */
struct cursor {
    const char *at, *end;
};

static void skip_space(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r'))
        ++c->at;
}

/* Step over `expected`, with white space before and after. */
static bool skip(struct cursor *c, char expected)
{
    skip_space(c);
    if (c->at == c->end || *c->at != expected)
        return false;
    ++c->at;
    skip_space(c);
    return true;
}

/* Whether the quote at `quote` is escaped: an odd number of backslashes stands before it. */
static bool is_escaped(const char *begin, const char *quote)
{
    const char *at = quote;
    while (at > begin && at[-1] == '\\')
        --at;
    return (quote - at) % 2 == 1;
}

/* Step over the string that begins here; the answers are mostly long strings, so this is where the time goes. */
static bool skip_string(struct cursor *c)
{
    const char *begin = ++c->at;
    for (;;) {
        const char *quote = memchr(c->at, '"', (size_t)(c->end - c->at));
        if (quote == NULL)
            return false;
        c->at = quote + 1;
        if (!is_escaped(begin, quote))
            return true;
    }
}

/* Step over the object or array that begins here. */
static bool skip_nested(struct cursor *c)
{
    size_t depth = 0;
    while (c->at < c->end) {
        char ch = *c->at;
        if (ch == '"') {
            if (!skip_string(c))
                return false;
            continue;
        }
        ++c->at;
        if (ch == '{' || ch == '[')
            ++depth;
        else if ((ch == '}' || ch == ']') && --depth == 0)
            return true;
    }
    return false;
}

static bool skip_literal(struct cursor *c)
{
    const char *begin = c->at;
    while (c->at < c->end && strchr(",]} \t\r\n", *c->at) == NULL)
        ++c->at;
    return c->at > begin;
}

static bool take_value(struct cursor *c, struct s2s_bytes *value)
{
    if (c->at == c->end)
        return false;
    const char *begin = c->at;
    bool whole = *begin == '"' ? skip_string(c) : *begin == '{' || *begin == '[' ? skip_nested(c) : skip_literal(c);
    *value = s2s_bytes(begin, (size_t)(c->at - begin));
    return whole;
}

static struct cursor cursor_of(struct s2s_bytes text)
{
    const char *at = (const char *)text.data;
    return (struct cursor){at, at + text.len};
}

struct s2s_bytes load_scan_member(struct s2s_bytes object, const char *name)
{
    static const struct s2s_bytes nothing;
    struct cursor c = cursor_of(object);
    if (object.len == 0 || !skip(&c, '{'))
        return nothing;
    do {
        struct s2s_bytes key, value;
        if (c.at == c.end || *c.at != '"' || !take_value(&c, &key) || !skip(&c, ':') || !take_value(&c, &value))
            return nothing;
        if (load_scan_is(key, name))
            return value;
    } while (skip(&c, ','));
    return nothing;
}

struct s2s_bytes load_scan_element(struct s2s_bytes array, size_t index)
{
    static const struct s2s_bytes nothing;
    struct cursor c = cursor_of(array);
    if (array.len == 0 || !skip(&c, '['))
        return nothing;
    do {
        struct s2s_bytes value;
        if (c.at == c.end || *c.at == ']' || !take_value(&c, &value))
            return nothing;
        if (index-- == 0)
            return value;
    } while (skip(&c, ','));
    return nothing;
}

bool load_scan_string(struct s2s_bytes value, struct s2s_bytes *content)
{
    if (value.len < 2 || value.data[0] != '"' || memchr(value.data, '\\', value.len) != NULL)
        return false;
    *content = s2s_bytes(value.data + 1, value.len - 2);
    return true;
}

bool load_scan_is(struct s2s_bytes value, const char *text)
{
    size_t len = strlen(text);
    return value.len == len + 2 && value.data[0] == '"' && memcmp(value.data + 1, text, len) == 0;
}
