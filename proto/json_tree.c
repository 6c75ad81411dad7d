/* SPDX-License-Identifier: Apache-2.0
 *
 * json-c's own tokener goes from octet to octet, with a state for each, since its text may come in pieces; the text
 * here is whole and has been looked at, so that strings are taken as they stand. The values are the same: an integer
 * saturates at the limits of int64_t and uint64_t, and a double remembers how it was written.
 *
 * json-c lets the last of two equal names win, so an object that ends up with fewer members than its text has names one
 * twice.
 */
#include "json_tree.h"

#include "plain.h"

#include <math.h>
#include <stdlib.h>

/* Names up to this size need no memory of their own. */
#define SMALL_NAME 64

struct builder {
    const char *p, *end;
    char *scratch;     /* room for any string that has escapes; NULL before the first */
    const char *fault; /* what is wrong with the text after all, or NULL */
};

struct span {
    const char *data;
    size_t len;
};

static struct json_object *build_value(struct builder *b);

static void skip_space(struct builder *b)
{
    while (b->p < b->end && (*b->p == ' ' || *b->p == '\t' || *b->p == '\n' || *b->p == '\r'))
        b->p++;
}

/* ---- strings ---- */

static unsigned long take_hex4(struct builder *b)
{
    char digits[5] = {b->p[0], b->p[1], b->p[2], b->p[3], '\0'};
    b->p += 4;
    return strtoul(digits, NULL, 16);
}

/* A character as UTF-8 (RFC 3629 section 3). */
static char *put_utf8(char *out, unsigned long c)
{
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    int tail = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char first[] = {0, 0xc0, 0xe0, 0xf0};
    *out++ = (char)(first[tail] | c >> 6 * tail);
    while (tail-- > 0)
        *out++ = (char)(0x80 | (c >> 6 * tail & 0x3f));
    return out;
}

/* After "\u"; a surrogate is followed by the other half of its pair (RFC 8259 section 7). */
static char *put_unicode_escape(struct builder *b, char *out)
{
    unsigned long c = take_hex4(b);
    if (c >= 0xd800 && c <= 0xdbff) {
        b->p += 2; /* "\u" */
        c = 0x10000 + ((c - 0xd800) << 10) + (take_hex4(b) - 0xdc00);
    }
    return put_utf8(out, c);
}

/* After the backslash. */
static char *put_escape(struct builder *b, char *out)
{
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    char c = *b->p++;
    if (c == 'u')
        return put_unicode_escape(b, out);
    const char *letter = strchr(letters, c);
    *out++ = letter != NULL ? meanings[letter - letters] : c; /* quotation mark, backslash and slash mean themselves */
    return out;
}

/* A string that begins at `start`; the first escape is at p. No string has more octets unescaped, and what is left of
 * the text only gets shorter, so the room made for the first one is enough for all. */
static struct span unescape(struct builder *b, const char *start)
{
    if (b->scratch == NULL)
        b->scratch = malloc((size_t)(b->end - start));
    s2s_assert(b->scratch != NULL);
    size_t plain = (size_t)(b->p - start);
    memcpy(b->scratch, start, plain);
    char *out = b->scratch + plain;
    while (*b->p != '"') {
        if (*b->p == '\\') {
            b->p++;
            out = put_escape(b, out);
        } else {
            *out++ = *b->p++;
        }
    }
    b->p++;
    return (struct span){b->scratch, (size_t)(out - b->scratch)};
}

/* At the opening quotation mark; to behind the closing one. Good until the next string is taken. */
static struct span take_string(struct builder *b)
{
    const char *start = ++b->p;
    for (;; b->p++) { /* an octet that is neither plain nor one of the two is one of a character beyond ASCII, or DEL */
        b->p += s2s_plain_run(b->p, (size_t)(b->end - b->p));
        if (*b->p == '\\')
            return unescape(b, start);
        if (*b->p == '"')
            return (struct span){start, (size_t)(b->p++ - start)};
    }
}

static struct json_object *build_string(struct builder *b)
{
    struct span string = take_string(b);
    return json_object_new_string_len(string.data, (int)string.len);
}

/* ---- numbers and words ---- */

static struct json_object *build_integer(const char *digits)
{
    if (digits[0] == '-')
        return json_object_new_int64(strtoll(digits, NULL, 10));
    unsigned long long value = strtoull(digits, NULL, 10);
    return value <= INT64_MAX ? json_object_new_int64((int64_t)value) : json_object_new_uint64(value);
}

static struct json_object *build_number(struct builder *b)
{
    char text[S2S_JSON_MAX_NUMBER + 1];
    size_t len = 0;
    bool is_double = false;
    for (; b->p < b->end && strchr("+-.0123456789eE", *b->p) != NULL; b->p++) {
        s2s_assert(len < S2S_JSON_MAX_NUMBER);
        is_double = is_double || strchr(".eE", *b->p) != NULL;
        text[len++] = *b->p;
    }
    text[len] = '\0';
    if (!is_double)
        return build_integer(text);
    double value = strtod(text, NULL);
    if (!isfinite(value))
        b->fault = "a JSON number is out of range";
    return json_object_new_double_s(value, text);
}

static struct json_object *build_word(struct builder *b)
{
    char first = *b->p;
    b->p += first == 'f' ? strlen("false") : strlen("true");
    return first == 'n' ? NULL : json_object_new_boolean(first == 't');
}

/* ---- containers ---- */

/* Whether another item follows; past the comma, or past the closing bracket. */
static bool has_more(struct builder *b)
{
    return *b->p++ == ',';
}

/* After the opening bracket: whether nothing is in them; then past the closing one. */
static bool is_empty(struct builder *b, char close)
{
    skip_space(b);
    if (*b->p != close)
        return false;
    b->p++;
    return true;
}

static void build_member(struct builder *b, struct json_object *object)
{
    char small[SMALL_NAME];
    skip_space(b);
    struct span string = take_string(b);
    char *name = string.len < sizeof small ? small : malloc(string.len + 1);
    s2s_assert(name != NULL);
    memcpy(name, string.data, string.len);
    name[string.len] = '\0';
    skip_space(b);
    b->p++; /* the colon */
    s2s_assert(json_object_object_add(object, name, build_value(b)) == 0);
    if (name != small)
        free(name);
}

static struct json_object *build_object(struct builder *b)
{
    struct json_object *object = json_object_new_object();
    s2s_assert(object != NULL);
    b->p++;
    if (is_empty(b, '}'))
        return object;
    size_t members = 0;
    do {
        build_member(b, object);
        members++;
    } while (has_more(b));
    if ((size_t)json_object_object_length(object) != members)
        b->fault = "a JSON object names a member twice";
    return object;
}

static struct json_object *build_array(struct builder *b)
{
    struct json_object *array = json_object_new_array();
    s2s_assert(array != NULL);
    b->p++;
    if (is_empty(b, ']'))
        return array;
    do
        s2s_assert(json_object_array_add(array, build_value(b)) == 0);
    while (has_more(b));
    return array;
}

/* A value with the space around it. */
static struct json_object *build_value(struct builder *b)
{
    struct json_object *value;
    skip_space(b);
    switch (*b->p) {
    case '{':
        value = build_object(b);
        break;
    case '[':
        value = build_array(b);
        break;
    case '"':
        value = build_string(b);
        break;
    case 't':
    case 'f':
    case 'n':
        value = build_word(b);
        break;
    default:
        value = build_number(b);
        break;
    }
    skip_space(b);
    return value;
}

struct s2s_result s2s_json_tree(const char *text, size_t len, struct json_object **out)
{
    struct builder b = {.p = text, .end = text + len};
    struct json_object *tree = build_value(&b);
    s2s_assert(b.p == b.end); /* or the gate has let through what it should not */
    free(b.scratch);
    if (b.fault != NULL) {
        json_object_put(tree);
        return s2s_fail(S2S_MALFORMED, b.fault);
    }
    *out = tree;
    return s2s_ok();
}
