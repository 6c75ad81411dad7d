/* SPDX-License-Identifier: Apache-2.0
 *
 * The checker walks the body along the table, with the way from the root as a linked list on the stack: a body without
 * violations costs no allocation. Its recursion is as deep as the tables are, whatever the body.
 */
#include "schema.h"

#include "text.h"

#include <stdint.h>
#include <stdio.h>

/* ---- Limits ---- */

static long max_of(const struct s2s_field *field)
{
    static const long defaults[] = {
        [S2S_STRING] = S2S_DEFAULT_MAX_STRING,
        [S2S_INTEGER] = S2S_DEFAULT_MAX_INTEGER,
        [S2S_BOOLEAN] = 0,
        [S2S_OBJECT] = 0,
        [S2S_ARRAY] = S2S_DEFAULT_MAX_ITEMS,
        [S2S_STRING_OR_OBJECT] = S2S_DEFAULT_MAX_JWE,
    };
    return field->max ? field->max : defaults[field->type];
}

static long min_of(const struct s2s_field *field)
{
    bool is_string = field->type == S2S_STRING || field->type == S2S_STRING_OR_OBJECT;
    return field->min == 0 && is_string && !(field->flags & S2S_EMPTY_OK) ? 1 : field->min;
}

/* ---- Violations ---- */

/* The way from the root to a value: a member's name, or an item's index when the name is NULL. */
struct path {
    const struct path *parent;
    const char *name;
    size_t index;
};

struct check {
    struct s2s_arena *arena;
    struct s2s_violations *out;
    bool ok;
};

/* One reference token of a JSON Pointer (RFC 6901 section 3). */
static void add_token(struct s2s_text *text, const char *name)
{
    for (; *name; name++) {
        if (*name == '~')
            s2s_text_add(text, "~0");
        else if (*name == '/')
            s2s_text_add(text, "~1");
        else
            s2s_text_add_bytes(text, name, 1);
    }
}

static void compose_pointer(struct s2s_text *text, const void *arg)
{
    const struct path *path = arg;
    if (!path)
        return;
    compose_pointer(text, path->parent);
    s2s_text_add(text, "/");
    if (path->name)
        add_token(text, path->name);
    else
        s2s_text_add_number(text, path->index);
}

static void append(struct s2s_violations *out, const char *pointer, const char *message)
{
    /* A full arena loses the place or the wording, never the violation. */
    if (out->count < S2S_MAX_VIOLATIONS)
        out->items[out->count++] = (struct s2s_violation){pointer ? pointer : "", message ? message : "is not valid"};
}

void s2s_violation_add(struct s2s_arena *arena, struct s2s_violations *out, const char *pointer, const char *message)
{
    append(out, s2s_arena_strndup(arena, pointer, strlen(pointer)), message);
}

void s2s_violation_add_member(struct s2s_arena *arena, struct s2s_violations *out, const char *name,
                              const char *message)
{
    const struct path member = {.name = name};
    append(out, s2s_text_compose(arena, compose_pointer, &member, NULL), message);
}

static void report(struct check *check, const struct path *path, const char *message)
{
    check->ok = false;
    append(check->out, s2s_text_compose(check->arena, compose_pointer, path, NULL), message);
}

static void report_limit(struct check *check, const struct path *path, const char *bound, long limit, const char *unit)
{
    const char *plural = *unit && limit != 1 ? "s" : "";
    report(check, path, s2s_arena_printf(check->arena, "must %s %ld%s%s", bound, limit, unit, plural));
}

/* ---- Values ---- */

static void compose_choices(struct s2s_text *text, const void *arg)
{
    const char *const *values = arg;
    s2s_text_add(text, "must be one of ");
    for (size_t i = 0; values[i]; i++) {
        s2s_text_add(text, i ? ", " : "");
        s2s_text_add(text, values[i]);
    }
}

static bool is_one_of(const char *const *values, const char *text)
{
    for (; *values; values++)
        if (strcmp(*values, text) == 0)
            return true;
    return false;
}

/* Code points of valid UTF-8: every octet but the continuations. */
static long count_characters(const char *text, size_t len)
{
    long count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static void check_string(struct check *check, const struct path *path, const struct s2s_field *field,
                         struct json_object *value)
{
    const char *text = json_object_get_string(value);
    size_t len = (size_t)json_object_get_string_len(value);
    const struct s2s_format_info *format = &s2s_formats[field->format];
    long count = count_characters(text, len), min = min_of(field), max = max_of(field);

    if (count == 0 && min > 0)
        report(check, path, "must not be empty");
    else if (count < min)
        report_limit(check, path, "have at least", min, " character");
    else if (count > max)
        report_limit(check, path, "have at most", max, " character");
    else if (field->values && !is_one_of(field->values, text))
        report(check, path, s2s_text_compose(check->arena, compose_choices, field->values, NULL));
    else if (format->valid && len > 0 && !format->valid(text, len))
        report(check, path, format->message);
}

/* A number without a fraction is an integer however it is written (JSON Schema 2020-12 Core, section 4.2.3): 1.0 and
 * 1e2 too. From 2^53 on every double is one. */
static bool is_integer(struct json_object *value)
{
    if (json_object_is_type(value, json_type_int))
        return true;
    if (!json_object_is_type(value, json_type_double))
        return false;
    const double exact = 9007199254740992.0;
    double number = json_object_get_double(value);
    return number >= exact || number <= -exact || number == (double)(int64_t)number;
}

static void check_integer(struct check *check, const struct path *path, const struct s2s_field *field,
                          struct json_object *value)
{
    int64_t number = json_object_get_int64(value); /* saturates */
    if (number < min_of(field))
        report_limit(check, path, "be at least", min_of(field), "");
    else if (number > max_of(field))
        report_limit(check, path, "be at most", max_of(field), "");
}

static void check_value(struct check *check, const struct path *path, const struct s2s_field *field,
                        struct json_object *value);

static void check_unique(struct check *check, const struct path *path, struct json_object *array, size_t index)
{
    struct json_object *item = json_object_array_get_idx(array, index);
    for (size_t i = 0; i < index; i++) {
        if (json_object_equal(json_object_array_get_idx(array, i), item)) {
            report(check, path, "must not repeat an earlier item");
            return;
        }
    }
}

static void check_array(struct check *check, const struct path *path, const struct s2s_field *field,
                        struct json_object *array)
{
    long length = (long)json_object_array_length(array);
    if (length < min_of(field))
        report_limit(check, path, "have at least", min_of(field), " item");
    if (length > max_of(field)) {
        report_limit(check, path, "have at most", max_of(field), " item");
        return; /* the limit is also the bound of the work below */
    }
    for (size_t i = 0; i < (size_t)length; i++) {
        struct path item = {.parent = path, .index = i};
        check_value(check, &item, field->items, json_object_array_get_idx(array, i));
        if (field->flags & S2S_UNIQUE)
            check_unique(check, &item, array, i);
    }
}

static void check_members(struct check *check, const struct path *path, const struct s2s_schema *schema,
                          struct json_object *object)
{
    if (schema->base)
        check_members(check, path, schema->base, object);
    for (size_t i = 0; i < schema->count; i++) {
        const struct s2s_field *field = &schema->fields[i];
        struct path member = {.parent = path, .name = field->name};
        struct json_object *value;
        if (json_object_object_get_ex(object, field->name, &value))
            check_value(check, &member, field, value);
        else if (field->flags & S2S_REQUIRED)
            report(check, &member, "is required");
    }
}

static bool has_type(enum s2s_type type, struct json_object *value)
{
    switch (type) {
    case S2S_STRING:
        return json_object_is_type(value, json_type_string);
    case S2S_INTEGER:
        return is_integer(value);
    case S2S_BOOLEAN:
        return json_object_is_type(value, json_type_boolean);
    case S2S_OBJECT:
        return json_object_is_type(value, json_type_object);
    case S2S_ARRAY:
        return json_object_is_type(value, json_type_array);
    case S2S_STRING_OR_OBJECT:
        return json_object_is_type(value, json_type_string) || json_object_is_type(value, json_type_object);
    }
    return false;
}

static void check_value(struct check *check, const struct path *path, const struct s2s_field *field,
                        struct json_object *value)
{
    static const char *const wrong_type[] = {
        [S2S_STRING] = "must be a string",   [S2S_INTEGER] = "must be an integer",
        [S2S_BOOLEAN] = "must be a boolean", [S2S_OBJECT] = "must be an object",
        [S2S_ARRAY] = "must be an array",    [S2S_STRING_OR_OBJECT] = "must be a string or an object",
    };
    if (!value)
        report(check, path, "must not be null");
    else if (!has_type(field->type, value))
        report(check, path, wrong_type[field->type]);
    else if (json_object_is_type(value, json_type_string))
        check_string(check, path, field, value);
    else if (field->type == S2S_INTEGER)
        check_integer(check, path, field, value);
    else if (field->type == S2S_ARRAY)
        check_array(check, path, field, value);
    else if (field->object)
        check_members(check, path, field->object, value);
}

bool s2s_schema_check(struct s2s_arena *arena, const struct s2s_schema *schema, struct json_object *body,
                      struct s2s_violations *out)
{
    const struct s2s_field root = {.type = S2S_OBJECT, .object = schema};
    struct check check = {.arena = arena, .out = out, .ok = true};
    check_value(&check, NULL, &root, body);
    return check.ok;
}

struct json_object *s2s_schema_known(const struct s2s_schema *schema, struct json_object *body)
{
    struct json_object *known = schema->base ? s2s_schema_known(schema->base, body) : json_object_new_object();
    s2s_assert(known != NULL);
    for (size_t i = 0; i < schema->count; i++) {
        struct json_object *value = s2s_json_get(body, schema->fields[i].name);
        if (value != NULL)
            json_object_object_add(known, schema->fields[i].name, json_object_get(value));
    }
    return known;
}

/* ---- JSON Schema (2020-12) ---- */

static void put_string(struct json_object *object, const char *name, const char *value)
{
    if (value)
        json_object_object_add(object, name, json_object_new_string(value));
}

static void put_number(struct json_object *object, const char *name, long value)
{
    json_object_object_add(object, name, json_object_new_int64(value));
}

static struct json_object *new_string_array(const char *const *values)
{
    struct json_object *array = json_object_new_array();
    for (; *values; values++)
        json_object_array_add(array, json_object_new_string(*values));
    return array;
}

static void put_string_rules(struct json_object *json, const struct s2s_field *field)
{
    const struct s2s_format_info *format = &s2s_formats[field->format];
    put_string(json, "format", format->json_format);
    put_string(json, "pattern", format->json_pattern);
    if (field->values)
        json_object_object_add(json, "enum", new_string_array(field->values));
    if (field->values || field->format == S2S_UUID)
        return; /* lengths follow */
    if (min_of(field) > 0)
        put_number(json, "minLength", min_of(field));
    put_number(json, "maxLength", max_of(field));
}

struct json_object *s2s_field_json(const struct s2s_field *field, struct json_object *components)
{
    if (field->type == S2S_OBJECT && field->object) {
        struct json_object *reference = s2s_schema_json(field->object, components);
        put_string(reference, "description", field->doc);
        return reference;
    }

    struct json_object *json = json_object_new_object();
    switch (field->type) {
    case S2S_STRING:
        put_string(json, "type", "string");
        put_string_rules(json, field);
        break;
    case S2S_INTEGER:
        put_string(json, "type", "integer");
        put_number(json, "minimum", min_of(field));
        put_number(json, "maximum", max_of(field));
        break;
    case S2S_BOOLEAN:
        put_string(json, "type", "boolean");
        break;
    case S2S_OBJECT:
        put_string(json, "type", "object");
        break;
    case S2S_ARRAY:
        put_string(json, "type", "array");
        json_object_object_add(json, "items", s2s_field_json(field->items, components));
        if (min_of(field) > 0)
            put_number(json, "minItems", min_of(field));
        put_number(json, "maxItems", max_of(field));
        if (field->flags & S2S_UNIQUE)
            json_object_object_add(json, "uniqueItems", json_object_new_boolean(true));
        break;
    case S2S_STRING_OR_OBJECT:
        json_object_object_add(json, "type", new_string_array((const char *const[]){"string", "object", NULL}));
        put_string_rules(json, field);
        break;
    }
    put_string(json, "description", field->doc);
    return json;
}

static void add_members(const struct s2s_schema *schema, struct json_object *properties, struct json_object *required,
                        struct json_object *components)
{
    if (schema->base)
        add_members(schema->base, properties, required, components);
    for (size_t i = 0; i < schema->count; i++) {
        const struct s2s_field *field = &schema->fields[i];
        json_object_object_add(properties, field->name, s2s_field_json(field, components));
        if (field->flags & S2S_REQUIRED)
            json_object_array_add(required, json_object_new_string(field->name));
    }
}

static void describe_members(const struct s2s_schema *schema, struct json_object *json, struct json_object *components)
{
    struct json_object *properties = json_object_new_object();
    struct json_object *required = json_object_new_array();
    add_members(schema, properties, required, components);
    put_string(json, "type", "object");
    put_string(json, "description", schema->doc);
    json_object_object_add(json, "properties", properties);
    if (json_object_array_length(required) > 0)
        json_object_object_add(json, "required", json_object_get(required));
    json_object_put(required);
}

struct json_object *s2s_schema_json(const struct s2s_schema *schema, struct json_object *components)
{
    if (!json_object_object_get_ex(components, schema->name, NULL)) {
        struct json_object *json = json_object_new_object();
        json_object_object_add(components, schema->name, json); /* before its members, so that it comes before them */
        describe_members(schema, json, components);
    }

    struct json_object *reference = json_object_new_object();
    char pointer[128];
    int len = snprintf(pointer, sizeof pointer, "#/components/schemas/%s", schema->name);
    s2s_assert(len > 0 && (size_t)len < sizeof pointer);
    put_string(reference, "$ref", pointer);
    return reference;
}
