/* SPDX-License-Identifier: Apache-2.0
 *
 * Message schemas as tables. One table both validates a whole body at once (all violations, each with its
 * JSON Pointer, RFC 6901) and is written out as JSON Schema for the OpenAPI documents.
 */
#ifndef S2S_SCHEMA_H
#define S2S_SCHEMA_H

#include "format.h"
#include "json.h"

enum s2s_type {
    S2S_STRING,
    S2S_INTEGER,
    S2S_BOOLEAN,
    S2S_OBJECT,          /* `fields`, or any object when there are none */
    S2S_ARRAY,           /* of `items` */
    S2S_STRING_OR_OBJECT /* a JWE: compact or JSON serialization */
};

enum {
    S2S_REQUIRED = 1u,
    S2S_UNIQUE = 2u,  /* the items of the array differ */
    S2S_EMPTY_OK = 4u /* the string may be empty */
};

/* One row: a member of an object, or the items of an array (`name` NULL). A zero `max` means the type's default
 * (S2S_DEFAULT_MAX_*): every integer, string and array is bounded. A zero `min` of a string means 1 unless S2S_EMPTY_OK
 * is set. Strings are measured in characters (code points), as JSON Schema's minLength and maxLength are. */
struct s2s_field {
    const char *name;
    enum s2s_type type;
    unsigned flags;
    enum s2s_format format;
    long min, max;                   /* integer range, string length, or array length */
    const char *const *values;       /* NULL-terminated enumeration of a string */
    const struct s2s_schema *object; /* members of an object; NULL: any object */
    const struct s2s_field *items;   /* of an array */
    const char *doc;                 /* one sentence for the OpenAPI document */
};

/* A named object type; unknown members are always allowed (profile section 2). */
struct s2s_schema {
    const char *name;
    const char *doc;
    const struct s2s_schema *base; /* whose members it has too, before its own; or NULL */
    const struct s2s_field *fields;
    size_t count;
};

#define S2S_DEFAULT_MAX_INTEGER 2147483647
#define S2S_DEFAULT_MAX_STRING 4096
#define S2S_DEFAULT_MAX_JWE (1024 * 1024)
#define S2S_DEFAULT_MAX_ITEMS 64

/* At most this many violations are reported for a body. */
#define S2S_MAX_VIOLATIONS 32

struct s2s_violation {
    const char *pointer; /* JSON Pointer, in the arena */
    const char *message; /* static, or in the arena; never quotes the offending value */
};

struct s2s_violations {
    struct s2s_violation items[S2S_MAX_VIOLATIONS];
    size_t count;
};

/* Check the object `body`; violations are appended. Returns whether there were none. A NULL `body` (JSON null) or
 * another type is one violation at "". */
bool s2s_schema_check(struct s2s_arena *arena, const struct s2s_schema *schema, struct json_object *body,
                      struct s2s_violations *out);

/* A new object with those members of the object `body` that `schema` knows; their own members are not looked at. One
 * new reference. */
struct json_object *s2s_schema_known(const struct s2s_schema *schema, struct json_object *body);

/* Append one violation found outside of the tables, unless S2S_MAX_VIOLATIONS are there already. `pointer` is copied
 * into the arena; `message` must live as long as the violations. */
void s2s_violation_add(struct s2s_arena *arena, struct s2s_violations *out, const char *pointer, const char *message);

/* The same, of the member `name` of the root, which may be any text. */
void s2s_violation_add_member(struct s2s_arena *arena, struct s2s_violations *out, const char *name,
                              const char *message);

/* JSON Schema (2020-12) of `schema`; one new reference. Named object types are "$ref" to
 * "#/components/schemas/NAME" and collected into `components` (an object). */
struct json_object *s2s_schema_json(const struct s2s_schema *schema, struct json_object *components);

/* The same of a single row, without its name; one new reference. */
struct json_object *s2s_field_json(const struct s2s_field *field, struct json_object *components);

#endif
