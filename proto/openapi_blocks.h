/* SPDX-License-Identifier: Apache-2.0
 *
 * What every OpenAPI 3.1 document of this project is made of: for the generators of documents only. Each `put` gives
 * its reference of a value away.
 */
#ifndef S2S_OPENAPI_BLOCKS_H
#define S2S_OPENAPI_BLOCKS_H

#include "problem.h"

/* A response header, and which kinds of responses carry it (bits of the document's own). */
struct s2s_doc_header {
    unsigned carried_by;
    struct s2s_field field;
};

/* One row a status: its component, the kinds of headers that it carries, and which operations answer with it (bits of
 * the document's own). */
struct s2s_doc_problem {
    int status;
    const char *name;
    const char *doc;
    unsigned headers;
    unsigned used_by;
};

/* What the responses of one document share. */
struct s2s_doc_tables {
    const struct s2s_doc_header *headers;
    size_t header_count;
    const struct s2s_doc_problem *problems;
    size_t problem_count;
    unsigned problem_types; /* those that are given as examples: bits of enum s2s_problem_type */
};

struct s2s_doc_info {
    const char *title;
    const char *version;
    const char *description;
};

/* Set a member; the object takes the value. */
void s2s_doc_put(struct json_object *object, const char *name, struct json_object *value);
void s2s_doc_put_string(struct json_object *object, const char *name, const char *value);

/* A new object that is the member `name` of `parent`. */
struct json_object *s2s_doc_put_object(struct json_object *parent, const char *name);

/* {"$ref": "#/components/KIND/NAME"}; one new reference. */
struct json_object *s2s_doc_reference(const char *kind, const char *name);

/* One more media type in the `content` of a body; returns the media type object. */
struct json_object *s2s_doc_put_content(struct json_object *body, const char *media_type, struct json_object *schema);

/* A response under its status. */
void s2s_doc_put_status(struct json_object *responses, int status, struct json_object *response);

/* References to the headers of these kinds. */
void s2s_doc_put_headers(const struct s2s_doc_tables *tables, struct json_object *response, unsigned kinds);

/* A response with a body of JSON (NULL: none) and the headers of these kinds; one new reference. */
struct json_object *s2s_doc_response(const struct s2s_doc_tables *tables, const char *description, unsigned kinds,
                                     const struct s2s_schema *body, struct json_object *schemas);

/* References to the problems that an operation with these bits answers with. */
void s2s_doc_put_problems(const struct s2s_doc_tables *tables, struct json_object *responses, unsigned bits);

/* The components "headers", and "responses" with the problems that any of these bits answers with. */
void s2s_doc_put_header_components(const struct s2s_doc_tables *tables, struct json_object *components,
                                   struct json_object *schemas);
void s2s_doc_put_problem_components(const struct s2s_doc_tables *tables, struct json_object *components,
                                    struct json_object *schemas, unsigned bits);

/* A list of tags with one name; one new reference. */
struct json_object *s2s_doc_tags_of(const char *name, size_t len);

/* A variable of a server's URL. */
void s2s_doc_put_variable(struct json_object *variables, const char *name, const char *value, const char *description);

/* A security scheme, which every operation asks for. */
struct json_object *s2s_doc_put_security(struct json_object *document, struct json_object *components,
                                         const char *scheme);

/* A document with its version, title and licence; one new reference. */
struct json_object *s2s_doc_new(const struct s2s_doc_info *info);

/* The text of a file: indented by 2 spaces, one trailing newline. Takes the reference; the caller frees the text. */
char *s2s_doc_text(struct json_object *document);

#endif
