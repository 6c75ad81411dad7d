/* SPDX-License-Identifier: Apache-2.0 */
#include "jsontext.h"

#include "proto/b64.h"
#include "proto/plain.h"
#include "proto/result.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 1024

static bool grow(struct gw_text *text, size_t size)
{
    char *data = s2s_arena_alloc(text->arena, size);
    if (!data) {
        text->failed = true;
        return false;
    }
    if (text->len > 0)
        memcpy(data, text->data, text->len);
    text->data = data;
    text->size = size;
    return true;
}

/* Whether the text can hold so many characters, and the NUL. */
static bool fits(struct gw_text *text, size_t more)
{
    if (more >= SIZE_MAX / 4 - text->len)
        text->failed = true;
    return !text->failed;
}

/* Room for `more` characters and the NUL: where they go, or NULL. The text that was outgrown stays in the arena
 * until the request ends; doubling bounds that waste by the size of the text. */
static char *reserve(struct gw_text *text, size_t more)
{
    if (!fits(text, more))
        return NULL;
    size_t needed = text->len + more + 1;
    size_t size = text->size ? text->size : FIRST_SIZE;
    while (size < needed)
        size *= 2;
    if (size > text->size && !grow(text, size))
        return NULL;
    return text->data + text->len;
}

void gw_text_reserve(struct gw_text *text, size_t more)
{
    if (fits(text, more) && text->len + more >= text->size)
        grow(text, text->len + more + 1);
}

void gw_text_cut(struct gw_text *text, size_t len)
{
    s2s_assert(len <= text->len);
    text->len = len;
    if (text->data)
        text->data[len] = '\0';
}

void gw_text_clear(struct gw_text *text)
{
    gw_text_cut(text, 0);
}

void gw_text_add(struct gw_text *text, const char *data, size_t len)
{
    char *to = reserve(text, len);
    if (!to)
        return;
    memcpy(to, data, len);
    to[len] = '\0';
    text->len += len;
}

void gw_text_add_string(struct gw_text *text, const char *string)
{
    gw_text_add(text, string, strlen(string));
}

void gw_text_add_b64(struct gw_text *text, struct s2s_bytes octets)
{
    size_t len = s2s_b64_encoded_len(octets.len);
    char *to = reserve(text, len);
    if (!to)
        return;
    s2s_b64_encode_to(to, octets);
    text->len += len;
}

/* What stands after the backslash for a character that must be escaped (RFC 8259 section 7), or 0. */
static char short_escape(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

static void add_escaped(struct gw_text *text, unsigned char c)
{
    char buffer[8];
    char letter = short_escape(c);
    int len = letter ? snprintf(buffer, sizeof buffer, "\\%c", letter) : snprintf(buffer, sizeof buffer, "\\u%04x", c);
    gw_text_add(text, buffer, (size_t)len);
}

static void add_quoted(struct gw_text *text, const char *string, size_t len)
{
    gw_text_add(text, "\"", 1);
    size_t plain = 0; /* start of the run that needs no escape */
    for (size_t i = 0; (i += s2s_plain_run(string + i, len - i)) < len; i++) {
        unsigned char c = (unsigned char)string[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        gw_text_add(text, string + plain, i - plain);
        add_escaped(text, c);
        plain = i + 1;
    }
    gw_text_add(text, string + plain, len - plain);
    gw_text_add(text, "\"", 1);
}

void gw_text_add_json_string(struct gw_text *text, const char *string)
{
    add_quoted(text, string, strlen(string));
}

void gw_text_add_json_integer(struct gw_text *text, int64_t value)
{
    char buffer[24];
    gw_text_add(text, buffer, (size_t)snprintf(buffer, sizeof buffer, "%" PRId64, value));
}

static void add_int(struct gw_text *text, struct json_object *value)
{
    int64_t number = json_object_get_int64(value);
    if (number < INT64_MAX) {
        gw_text_add_json_integer(text, number);
        return;
    }
    char buffer[24]; /* json_object_get_int64 saturates */
    int len = snprintf(buffer, sizeof buffer, "%" PRIu64, json_object_get_uint64(value));
    gw_text_add(text, buffer, (size_t)len);
}

/* The shorter of the two forms that read back as the same double: 17 digits always do (IEEE 754-2019 section 5.12.2),
 * 15 make 0.1 look as it was written. */
static void add_double(struct gw_text *text, double value)
{
    char buffer[40];
    int len = snprintf(buffer, sizeof buffer, "%.15g", value);
    if (strtod(buffer, NULL) != value)
        len = snprintf(buffer, sizeof buffer, "%.17g", value);
    gw_text_add(text, buffer, (size_t)len);
}

static void add_value(struct gw_text *text, struct json_object *value, bool ordered);

static void add_member(struct gw_text *text, const char *name, struct json_object *value, bool ordered, bool first)
{
    if (!first)
        gw_text_add(text, ",", 1);
    gw_text_add_json_string(text, name);
    gw_text_add(text, ":", 1);
    add_value(text, value, ordered);
}

struct member {
    const char *name;
    struct json_object *value;
};

static int compare_members(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static void add_ordered_members(struct gw_text *text, struct json_object *object)
{
    size_t count = 0, total = (size_t)json_object_object_length(object);
    struct member *members = s2s_arena_alloc(text->arena, total * sizeof *members);
    if (!members) {
        text->failed = true;
        return;
    }
    json_object_object_foreach(object, name, value) members[count++] = (struct member){name, value};
    qsort(members, count, sizeof *members, compare_members);
    for (size_t i = 0; i < count; i++)
        add_member(text, members[i].name, members[i].value, true, i == 0);
}

static void add_object(struct gw_text *text, struct json_object *object, bool ordered)
{
    gw_text_add(text, "{", 1);
    if (ordered) {
        add_ordered_members(text, object);
    } else {
        bool first = true;
        json_object_object_foreach(object, name, value)
        {
            add_member(text, name, value, false, first);
            first = false;
        }
    }
    gw_text_add(text, "}", 1);
}

static void add_array(struct gw_text *text, struct json_object *array, bool ordered)
{
    gw_text_add(text, "[", 1);
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        if (i > 0)
            gw_text_add(text, ",", 1);
        add_value(text, json_object_array_get_idx(array, i), ordered);
    }
    gw_text_add(text, "]", 1);
}

/* Recursion is bounded by the nesting that s2s_json_parse let through. */
static void add_value(struct gw_text *text, struct json_object *value, bool ordered)
{
    switch (json_object_get_type(value)) {
    case json_type_null:
        gw_text_add(text, "null", 4);
        break;
    case json_type_boolean:
        gw_text_add_string(text, json_object_get_boolean(value) ? "true" : "false");
        break;
    case json_type_int:
        add_int(text, value);
        break;
    case json_type_double:
        add_double(text, json_object_get_double(value));
        break;
    case json_type_string:
        add_quoted(text, json_object_get_string(value), (size_t)json_object_get_string_len(value));
        break;
    case json_type_array:
        add_array(text, value, ordered);
        break;
    case json_type_object:
        add_object(text, value, ordered);
        break;
    }
}

void gw_text_add_json(struct gw_text *text, struct json_object *value)
{
    add_value(text, value, false);
}

void gw_text_add_json_ordered(struct gw_text *text, struct json_object *value)
{
    add_value(text, value, true);
}
