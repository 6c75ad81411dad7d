/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/api_request.h"

#include "proto/hex.h"

#include <string.h>
#include <strings.h>

/* Digits of an integer that are surely read exactly; longer ones stay text, which the schema refuses. */
#define MAX_DIGITS 18
/* Numbers of seconds beyond this are all the same. */
#define MANY_SECONDS 1000000u

/* A piece of the request's text. */
struct span {
    const char *at;
    size_t len;
};

/* Take the text up to `separator` (or the end) off the front of `rest`. */
static struct span take_until(struct span *rest, char separator)
{
    const char *found = rest->len > 0 ? memchr(rest->at, separator, rest->len) : NULL;
    size_t len = found != NULL ? (size_t)(found - rest->at) : rest->len, taken = len + (found != NULL);
    struct span piece = {rest->at, len};
    *rest = (struct span){rest->len > 0 ? rest->at + taken : rest->at, rest->len - taken};
    return piece;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct span trim(struct span span)
{
    while (span.len > 0 && is_blank(span.at[0]))
        span = (struct span){span.at + 1, span.len - 1};
    while (span.len > 0 && is_blank(span.at[span.len - 1]))
        --span.len;
    return span;
}

/* ---- percent-encoding ---- */

/* Decode into `out`, which has the room of the encoded text; false when it is malformed. */
static bool decode(struct span text, bool form, char *out, size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < text.len; ++i) {
        char c = text.at[i];
        if (c == '%') {
            int high = i + 2 < text.len ? s2s_hex_value(text.at[i + 1]) : -1;
            int low = i + 2 < text.len ? s2s_hex_value(text.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && form) {
            c = ' ';
        }
        out[(*len)++] = c;
    }
    return true;
}

/* The decoded text as a JSON string that the database will take (the gate refuses what is not UTF-8, and U+0000), owned
 * by the arena; NULL when it is none. */
static struct json_object *decode_text(struct s2s_arena *arena, struct span text, bool form)
{
    size_t len, json_len;
    struct json_object *value;
    char *plain = s2s_arena_alloc(arena, text.len);
    s2s_assert(plain != NULL);
    if (!decode(text, form, plain, &len))
        return NULL;
    struct json_object *unchecked = s2s_json_own(arena, json_object_new_string_len(plain, (int)len));
    char *json = s2s_json_write(arena, unchecked, &json_len);
    s2s_assert(json != NULL);
    return s2s_failed(s2s_json_parse(arena, json, json_len, 1, &value)) ? NULL : value;
}

/* ---- types ---- */

static const struct s2s_field *find_field(const struct s2s_schema *schema, const char *name)
{
    for (; schema != NULL; schema = schema->base)
        for (size_t i = 0; i < schema->count; ++i)
            if (strcmp(schema->fields[i].name, name) == 0)
                return &schema->fields[i];
    return NULL;
}

static bool is_integer(const char *text)
{
    const char *digits = text + (*text == '-');
    size_t len = strspn(digits, "0123456789");
    return len > 0 && len <= MAX_DIGITS && digits[len] == '\0';
}

/* The text as a value of the field's type; what cannot be one stays text, and the schema says what is wrong with it. */
static struct json_object *typed_value(const struct s2s_field *field, struct json_object *text)
{
    const char *string = json_object_get_string(text);
    if (field->type == S2S_INTEGER && is_integer(string))
        return json_object_new_int64(strtoll(string, NULL, 10));
    if (field->type == S2S_BOOLEAN && (strcmp(string, "true") == 0 || strcmp(string, "false") == 0))
        return json_object_new_boolean(string[0] == 't');
    return json_object_get(text);
}

/* ---- path ---- */

static bool is_parameter(struct span segment)
{
    return segment.len > 2 && segment.at[0] == '{';
}

static bool is_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool gw_api_path_matches(const char *template, const char *path, size_t len)
{
    struct span wanted = {template, strlen(template)}, given = {path, len};
    while (wanted.len > 0 && given.len > 0) {
        struct span segment = take_until(&wanted, '/'), value = take_until(&given, '/');
        if (is_parameter(segment) ? value.len == 0 : !is_equal(segment, value))
            return false;
    }
    return wanted.len == given.len && path[len - 1] != '/';
}

bool gw_api_in_path(const char *template, const char *name)
{
    struct span rest = {template, strlen(template)};
    while (rest.len > 0) {
        struct span segment = take_until(&rest, '/');
        if (is_parameter(segment) &&
            is_equal((struct span){segment.at + 1, segment.len - 2}, (struct span){name, strlen(name)}))
            return true;
    }
    return false;
}

void gw_api_read_path(struct s2s_arena *arena, const struct s2s_schema *parameters, const char *template,
                      const char *path, size_t len, struct json_object *input, struct s2s_violations *out)
{
    struct span names = {template, strlen(template)}, values = {path, len};
    while (names.len > 0) {
        struct span segment = take_until(&names, '/'), value = take_until(&values, '/');
        if (!is_parameter(segment))
            continue;
        char *name = s2s_arena_strndup(arena, segment.at + 1, segment.len - 2);
        s2s_assert(name != NULL);
        const struct s2s_field *field = find_field(parameters, name);
        struct json_object *text = decode_text(arena, value, false);
        if (text != NULL)
            json_object_object_add(input, name, field != NULL ? typed_value(field, text) : json_object_get(text));
        else
            s2s_violation_add_member(arena, out, name, "must be percent-encoded UTF-8");
    }
}

/* ---- query ---- */

static void read_pair(struct s2s_arena *arena, const struct s2s_schema *parameters, const char *template,
                      struct span pair, struct json_object *input, struct s2s_violations *out)
{
    struct json_object *name_text = decode_text(arena, take_until(&pair, '='), true);
    struct json_object *value = decode_text(arena, pair, true);
    const char *name = name_text != NULL ? json_object_get_string(name_text) : NULL;
    const struct s2s_field *field = name != NULL ? find_field(parameters, name) : NULL;
    if (name == NULL)
        s2s_violation_add(arena, out, "", "must have a query of percent-encoded UTF-8");
    else if (field == NULL || gw_api_in_path(template, name))
        s2s_violation_add_member(arena, out, name, "is not a query parameter of this path");
    else if (json_object_object_get_ex(input, name, NULL))
        s2s_violation_add_member(arena, out, name, "must be given once only");
    else if (value == NULL)
        s2s_violation_add_member(arena, out, name, "must be percent-encoded UTF-8");
    else
        json_object_object_add(input, name, typed_value(field, value));
}

void gw_api_read_query(struct s2s_arena *arena, const struct s2s_schema *parameters, const char *template,
                       const char *query, size_t len, struct json_object *input, struct s2s_violations *out)
{
    struct span rest = {query, len};
    while (rest.len > 0 && out->count < S2S_MAX_VIOLATIONS) {
        struct span pair = take_until(&rest, '&');
        if (pair.len > 0)
            read_pair(arena, parameters, template, pair, input, out);
    }
}

/* ---- headers ---- */

struct s2s_bytes gw_api_bearer(const char *value, size_t len)
{
    static const char scheme[] = "Bearer ";
    if (value == NULL || len < strlen(scheme) || strncasecmp(value, scheme, strlen(scheme)) != 0)
        return s2s_bytes(NULL, 0);
    struct span token = trim((struct span){value + strlen(scheme), len - strlen(scheme)});
    return token.len > 0 ? s2s_bytes(token.at, token.len) : s2s_bytes(NULL, 0);
}

static bool read_seconds(struct span text, unsigned *seconds)
{
    if (text.len >= 2 && text.at[0] == '"' && text.at[text.len - 1] == '"')
        text = (struct span){text.at + 1, text.len - 2};
    *seconds = 0;
    for (size_t i = 0; i < text.len; ++i) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        if (*seconds < MANY_SECONDS)
            *seconds = *seconds * 10 + (unsigned)(text.at[i] - '0');
    }
    return text.len > 0;
}

bool gw_api_prefers_wait(const char *value, size_t len, unsigned *seconds)
{
    struct span rest = {value, len};
    while (rest.len > 0) {
        struct span preference = take_until(&rest, ',');
        preference = take_until(&preference, ';'); /* its parameters mean nothing to us */
        struct span name = trim(take_until(&preference, '='));
        if (name.len == 4 && strncasecmp(name.at, "wait", 4) == 0)
            return read_seconds(trim(preference), seconds);
    }
    return false;
}
