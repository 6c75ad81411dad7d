/* SPDX-License-Identifier: Apache-2.0 */
#include "openapi_blocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* ---- JSON ---- */

void s2s_doc_put(struct json_object *object, const char *name, struct json_object *value)
{
    json_object_object_add(object, name, value);
}

void s2s_doc_put_string(struct json_object *object, const char *name, const char *value)
{
    s2s_doc_put(object, name, json_object_new_string(value));
}

struct json_object *s2s_doc_put_object(struct json_object *parent, const char *name)
{
    struct json_object *object = json_object_new_object();
    s2s_doc_put(parent, name, object);
    return object;
}

struct json_object *s2s_doc_reference(const char *kind, const char *name)
{
    char pointer[128];
    int len = snprintf(pointer, sizeof pointer, "#/components/%s/%s", kind, name);
    s2s_assert(len > 0 && (size_t)len < sizeof pointer);
    struct json_object *object = json_object_new_object();
    s2s_doc_put_string(object, "$ref", pointer);
    return object;
}

struct json_object *s2s_doc_put_content(struct json_object *body, const char *media_type, struct json_object *schema)
{
    struct json_object *content;
    if (!json_object_object_get_ex(body, "content", &content))
        content = s2s_doc_put_object(body, "content");
    struct json_object *media = s2s_doc_put_object(content, media_type);
    s2s_doc_put(media, "schema", schema);
    return media;
}

/* ---- Headers ---- */

void s2s_doc_put_header_components(const struct s2s_doc_tables *tables, struct json_object *components,
                                   struct json_object *schemas)
{
    struct json_object *all = s2s_doc_put_object(components, "headers");
    for (size_t i = 0; i < tables->header_count; i++) {
        struct s2s_field value = tables->headers[i].field;
        struct json_object *header = s2s_doc_put_object(all, value.name);
        s2s_doc_put_string(header, "description", value.doc);
        value.doc = NULL;
        s2s_doc_put(header, "schema", s2s_field_json(&value, schemas));
    }
}

void s2s_doc_put_headers(const struct s2s_doc_tables *tables, struct json_object *response, unsigned kinds)
{
    struct json_object *all = s2s_doc_put_object(response, "headers");
    for (size_t i = 0; i < tables->header_count; i++) {
        const struct s2s_doc_header *header = &tables->headers[i];
        if (header->carried_by & kinds)
            s2s_doc_put(all, header->field.name, s2s_doc_reference("headers", header->field.name));
    }
}

/* ---- Problems (RFC 9457) ---- */

static const struct s2s_field violation_fields[] = {
    {.name = "pointer",
     .type = S2S_STRING,
     .flags = S2S_REQUIRED | S2S_EMPTY_OK,
     .doc = "JSON Pointer (RFC 6901) into the request body; empty for the body itself."},
    {.name = "message", .type = S2S_STRING, .flags = S2S_REQUIRED, .doc = "What is wrong; never quotes the value."},
};

static const struct s2s_schema violation_schema = {
    .name = "ValidationError",
    .doc = "One violation of a schema.",
    .fields = violation_fields,
    .count = LENGTH(violation_fields),
};

static const struct s2s_field violation_item = {.type = S2S_OBJECT, .object = &violation_schema};

static const struct s2s_field problem_fields[] = {
    {.name = "type", .type = S2S_STRING, .flags = S2S_REQUIRED, .format = S2S_URI, .doc = "The type of problem."},
    {.name = "title", .type = S2S_STRING, .flags = S2S_REQUIRED, .doc = "The type in words."},
    {.name = "status", .type = S2S_INTEGER, .flags = S2S_REQUIRED, .min = 400, .max = 599, .doc = "The HTTP status."},
    {.name = "detail", .type = S2S_STRING, .doc = "What happened this time."},
    {.name = "instance", .type = S2S_STRING, .format = S2S_URI, .doc = "urn:uuid: of this occurrence, also logged."},
    {.name = "errorCode",
     .type = S2S_STRING,
     .flags = S2S_REQUIRED,
     .format = S2S_TOKEN,
     .doc = "The type, for programs."},
    {.name = "retryable",
     .type = S2S_BOOLEAN,
     .flags = S2S_REQUIRED,
     .doc = "Whether the same request may succeed later."},
    {.name = "currentStatus", .type = S2S_STRING, .doc = "wrong-state only: the state that does not allow the call."},
    {.name = "validationErrors",
     .type = S2S_ARRAY,
     .max = S2S_MAX_VIOLATIONS,
     .items = &violation_item,
     .doc = "validation only: every violation found in the body."},
};

static const struct s2s_schema problem_schema = {
    .name = "Problem",
    .doc = "Problem details (RFC 9457).",
    .fields = problem_fields,
    .count = LENGTH(problem_fields),
};

/* One example for each problem type of the status: the members that are the same at every occurrence. */
static void put_examples(const struct s2s_doc_tables *tables, struct json_object *media, int status)
{
    struct json_object *examples = s2s_doc_put_object(media, "examples");
    for (size_t i = 0; i < S2S_PROBLEM_COUNT; i++) {
        const struct s2s_problem_info *info = &s2s_problems[i];
        if (info->status != status || !(tables->problem_types & 1u << i))
            continue;
        struct json_object *example = s2s_doc_put_object(examples, info->error_code);
        s2s_doc_put_string(example, "summary", info->title);
        struct json_object *value = s2s_doc_put_object(example, "value");
        s2s_doc_put_string(value, "type", info->type);
        s2s_doc_put_string(value, "title", info->title);
        s2s_doc_put(value, "status", json_object_new_int(info->status));
        s2s_doc_put_string(value, "errorCode", info->error_code);
        s2s_doc_put(value, "retryable", json_object_new_boolean(info->retryable));
    }
}

void s2s_doc_put_problem_components(const struct s2s_doc_tables *tables, struct json_object *components,
                                    struct json_object *schemas, unsigned bits)
{
    struct json_object *responses = s2s_doc_put_object(components, "responses");
    for (size_t i = 0; i < tables->problem_count; i++) {
        const struct s2s_doc_problem *row = &tables->problems[i];
        if (!(row->used_by & bits))
            continue;
        struct json_object *response = s2s_doc_put_object(responses, row->name);
        s2s_doc_put_string(response, "description", row->doc);
        s2s_doc_put_headers(tables, response, row->headers);
        struct json_object *schema = s2s_schema_json(&problem_schema, schemas);
        put_examples(tables, s2s_doc_put_content(response, "application/problem+json", schema), row->status);
    }
}

void s2s_doc_put_problems(const struct s2s_doc_tables *tables, struct json_object *responses, unsigned bits)
{
    for (size_t i = 0; i < tables->problem_count; i++) {
        const struct s2s_doc_problem *row = &tables->problems[i];
        if (row->used_by & bits)
            s2s_doc_put_status(responses, row->status, s2s_doc_reference("responses", row->name));
    }
}

/* ---- Operations ---- */

void s2s_doc_put_status(struct json_object *responses, int status, struct json_object *response)
{
    char text[16];
    snprintf(text, sizeof text, "%d", status);
    s2s_doc_put(responses, text, response);
}

struct json_object *s2s_doc_response(const struct s2s_doc_tables *tables, const char *description, unsigned kinds,
                                     const struct s2s_schema *body, struct json_object *schemas)
{
    struct json_object *response = json_object_new_object();
    s2s_doc_put_string(response, "description", description);
    s2s_doc_put_headers(tables, response, kinds);
    if (body)
        s2s_doc_put_content(response, "application/json", s2s_schema_json(body, schemas));
    return response;
}

struct json_object *s2s_doc_tags_of(const char *name, size_t len)
{
    struct json_object *tags = json_object_new_array();
    json_object_array_add(tags, json_object_new_string_len(name, (int)len));
    return tags;
}

/* ---- The document ---- */

void s2s_doc_put_variable(struct json_object *variables, const char *name, const char *value, const char *description)
{
    struct json_object *variable = s2s_doc_put_object(variables, name);
    s2s_doc_put_string(variable, "default", value);
    s2s_doc_put_string(variable, "description", description);
}

struct json_object *s2s_doc_put_security(struct json_object *document, struct json_object *components,
                                         const char *scheme)
{
    struct json_object *requirement = json_object_new_object();
    s2s_doc_put(requirement, scheme, json_object_new_array());
    struct json_object *security = json_object_new_array();
    json_object_array_add(security, requirement);
    s2s_doc_put(document, "security", security);
    return s2s_doc_put_object(s2s_doc_put_object(components, "securitySchemes"), scheme);
}

struct json_object *s2s_doc_new(const struct s2s_doc_info *info)
{
    struct json_object *document = json_object_new_object();
    s2s_doc_put_string(document, "openapi", "3.1.0");
    struct json_object *json = s2s_doc_put_object(document, "info");
    s2s_doc_put_string(json, "title", info->title);
    s2s_doc_put_string(json, "version", info->version);
    s2s_doc_put_string(json, "description", info->description);
    struct json_object *license = s2s_doc_put_object(json, "license");
    s2s_doc_put_string(license, "name", "Apache License 2.0");
    s2s_doc_put_string(license, "identifier", "Apache-2.0");
    return document;
}

char *s2s_doc_text(struct json_object *document)
{
    const int flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
    char *text;
    if (asprintf(&text, "%s\n", json_object_to_json_string_ext(document, flags)) < 0)
        text = NULL;
    s2s_assert(text);
    json_object_put(document);
    return text;
}
