/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate is a recursive descent over the text, in the order of RFC 8259's grammar, that builds nothing. Its
 * recursion is bounded by the nesting limit. It counts the memory that the tree will take, so that this is charged
 * before json_tree.c builds it.
 */
#include "json.h"

#include "hex.h"
#include "json_tree.h"
#include "plain.h"

#include <limits.h>
#include <string.h>

/* What json-c takes beyond the text itself, rounded up from what malloc was seen to give out. An empty object, three
 * octets with its comma, takes more than two hundred times its text: a table with room for 16 members. So this memory
 * is charged to the arena before any of it is taken. */
enum { VALUE_MEMORY = 96, MEMBER_MEMORY = 128, OBJECT_MEMORY = 704 };

struct scanner {
    const unsigned char *p, *end;
    unsigned depth_left;
    size_t memory;            /* that the tree will take */
    struct s2s_result result; /* of the first failure */
};

static bool scan_value(struct scanner *s);

static bool fail(struct scanner *s, enum s2s_code code, const char *detail)
{
    s->result = s2s_fail(code, detail);
    return false;
}

static bool malformed(struct scanner *s, const char *detail)
{
    return fail(s, S2S_MALFORMED, detail);
}

/* The next octet, or -1 at the end. */
static int peek(const struct scanner *s)
{
    return s->p < s->end ? *s->p : -1;
}

static bool accept(struct scanner *s, int c)
{
    if (peek(s) != c)
        return false;
    s->p++;
    return true;
}

static void skip_space(struct scanner *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

/* The four digits after "\u"; -1 when they are not. */
static long scan_hex4(struct scanner *s)
{
    long unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = s2s_hex_value((char)peek(s));
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
        s->p++;
    }
    return unit;
}

static bool scan_unicode_escape(struct scanner *s)
{
    long unit = scan_hex4(s);
    if (unit < 0)
        return malformed(s, "not JSON: bad \\u escape");
    if (unit == 0)
        return malformed(s, "U+0000 in a JSON string");
    if (unit < 0xd800 || unit > 0xdfff)
        return true;
    if (unit > 0xdbff || !accept(s, '\\') || !accept(s, 'u'))
        return malformed(s, "lone surrogate in a JSON string");
    long low = scan_hex4(s);
    if (low < 0xdc00 || low > 0xdfff)
        return malformed(s, "lone surrogate in a JSON string");
    return true;
}

static bool scan_escape(struct scanner *s)
{
    int c = peek(s);
    if (c <= 0 || strchr("\"\\/bfnrtu", c) == NULL)
        return malformed(s, "not JSON: bad escape in a string");
    s->p++;
    return c != 'u' || scan_unicode_escape(s);
}

/* One character beyond ASCII, by the table of well-formed sequences (Unicode, table 3-7): the ranges of the second
 * octet exclude overlong forms, surrogates, and what lies above U+10FFFF. */
static bool scan_utf8(struct scanner *s)
{
    static const struct {
        unsigned char first_min, first_max, second_min, second_max, tail;
    } rows[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 0}, {0xe0, 0xe0, 0xa0, 0xbf, 1}, {0xe1, 0xec, 0x80, 0xbf, 1},
        {0xed, 0xed, 0x80, 0x9f, 1}, {0xee, 0xef, 0x80, 0xbf, 1}, {0xf0, 0xf0, 0x90, 0xbf, 2},
        {0xf1, 0xf3, 0x80, 0xbf, 2}, {0xf4, 0xf4, 0x80, 0x8f, 2},
    };
    const unsigned char *p = s->p;
    size_t left = (size_t)(s->end - p);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (p[0] < rows[i].first_min || p[0] > rows[i].first_max)
            continue;
        size_t len = 2u + rows[i].tail;
        if (left < len || p[1] < rows[i].second_min || p[1] > rows[i].second_max)
            break;
        for (size_t k = 2; k < len; k++) {
            if ((p[k] & 0xc0) != 0x80)
                return malformed(s, "not UTF-8");
        }
        s->p += len;
        return true;
    }
    return malformed(s, "not UTF-8");
}

/* After the opening quotation mark, to the closing one. */
static bool scan_string(struct scanner *s)
{
    for (;;) {
        s->p += s2s_plain_run((const char *)s->p, (size_t)(s->end - s->p));
        int c = peek(s);
        if (c < 0)
            return malformed(s, "not JSON: unterminated string");
        if (c < 0x20)
            return malformed(s, "control character in a JSON string");
        if (c >= 0x80) {
            if (!scan_utf8(s))
                return false;
            continue;
        }
        s->p++;
        if (c == '"')
            return true;
        if (c == '\\' && !scan_escape(s))
            return false;
    }
}

static bool scan_digits(struct scanner *s)
{
    const unsigned char *start = s->p;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return s->p > start || malformed(s, "not JSON: bad number");
}

/* An integer of any size is JSON. json-c saturates it at the limits of int64_t and uint64_t, which lie outside of
 * every range that a schema sets. */
static bool scan_number(struct scanner *s)
{
    const unsigned char *start = s->p;
    if (peek(s) != '-' && (peek(s) < '0' || peek(s) > '9'))
        return malformed(s, peek(s) < 0 ? "not JSON: a value is missing at the end" : "not JSON: unexpected character");
    accept(s, '-');
    if (!accept(s, '0') && !scan_digits(s))
        return false;
    if (accept(s, '.') && !scan_digits(s))
        return false;
    if (accept(s, 'e') || accept(s, 'E')) {
        if (!accept(s, '+'))
            accept(s, '-');
        if (!scan_digits(s))
            return false;
    }
    return s->p - start <= S2S_JSON_MAX_NUMBER || malformed(s, "a JSON number is out of range");
}

static bool scan_word(struct scanner *s, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len) != 0)
        return malformed(s, "not JSON: unexpected character");
    s->p += len;
    return true;
}

static bool scan_member(struct scanner *s)
{
    skip_space(s);
    if (!accept(s, '"'))
        return malformed(s, "not JSON: a member needs a name in quotation marks");
    if (!scan_string(s))
        return false;
    skip_space(s);
    if (!accept(s, ':'))
        return malformed(s, "not JSON: a member name needs a colon");
    s->memory += MEMBER_MEMORY;
    return scan_value(s);
}

/* After the opening bracket: `item`s between commas, to `close`. */
static bool scan_container(struct scanner *s, bool (*item)(struct scanner *), char close)
{
    if (s->depth_left == 0)
        return fail(s, S2S_LIMIT, "JSON is nested too deeply");
    s->depth_left--;
    skip_space(s);
    if (!accept(s, close)) {
        do {
            if (!item(s))
                return false;
        } while (accept(s, ','));
        if (!accept(s, close))
            return malformed(s, "not JSON: an array or object does not end as it should");
    }
    s->depth_left++;
    return true;
}

/* A value with the space around it. */
static bool scan_value(struct scanner *s)
{
    bool ok;
    skip_space(s);
    s->memory += VALUE_MEMORY;
    switch (peek(s)) {
    case '{':
        s->p++;
        s->memory += OBJECT_MEMORY;
        ok = scan_container(s, scan_member, '}');
        break;
    case '[':
        s->p++;
        ok = scan_container(s, scan_value, ']');
        break;
    case '"':
        s->p++;
        ok = scan_string(s);
        break;
    case 't':
        ok = scan_word(s, "true");
        break;
    case 'f':
        ok = scan_word(s, "false");
        break;
    case 'n':
        ok = scan_word(s, "null");
        break;
    default:
        ok = scan_number(s);
        break;
    }
    if (ok)
        skip_space(s);
    return ok;
}

static struct s2s_result scan(struct s2s_arena *arena, const char *text, size_t len, unsigned max_depth)
{
    if (len > INT_MAX) /* what json-c can count */
        return s2s_fail(S2S_LIMIT, "JSON is too long");
    if (len == 0)
        text = ""; /* NULL is allowed then */
    struct scanner s = {.p = (const unsigned char *)text, .depth_left = max_depth};
    s.end = s.p + len;
    if (!scan_value(&s))
        return s.result;
    if (s.p != s.end)
        return s2s_fail(S2S_MALFORMED, "not JSON: something follows the value");
    return s2s_arena_charge(arena, s.memory) ? s2s_ok() : s2s_fail(S2S_LIMIT, "JSON has too many values");
}

struct s2s_result s2s_json_parse(struct s2s_arena *arena, const char *text, size_t len, unsigned max_depth,
                                 struct json_object **out)
{
    s2s_assert(max_depth <= 1024);
    S2S_TRY(scan(arena, text, len, max_depth));
    S2S_TRY(s2s_json_tree(text, len, out));
    s2s_json_own(arena, *out);
    return s2s_ok();
}

static void put(void *obj)
{
    json_object_put(obj);
}

struct json_object *s2s_json_own(struct s2s_arena *arena, struct json_object *obj)
{
    if (obj != NULL)
        s2s_arena_defer(arena, put, obj);
    return obj;
}

struct json_object *s2s_json_get(const struct json_object *obj, const char *name)
{
    struct json_object *value = NULL;
    if (json_object_is_type(obj, json_type_object))
        json_object_object_get_ex(obj, name, &value);
    return value;
}

const char *s2s_json_string(const struct json_object *obj, const char *name)
{
    struct json_object *value = s2s_json_get(obj, name);
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

void s2s_json_set_string(struct json_object *obj, const char *name, const char *value)
{
    struct json_object *string = json_object_new_string(value);
    s2s_assert(string != NULL);
    s2s_assert(json_object_object_add(obj, name, string) == 0);
}

char *s2s_json_write(struct s2s_arena *arena, struct json_object *obj, size_t *len)
{
    size_t size = 0;
    const char *text =
        json_object_to_json_string_length(obj, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);
    s2s_assert(text != NULL);
    if (len != NULL)
        *len = size;
    return s2s_arena_strndup(arena, text, size);
}
