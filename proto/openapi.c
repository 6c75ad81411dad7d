/* SPDX-License-Identifier: Apache-2.0
 *
 * The OpenAPI 3.1 documents, made from the tables of endpoints, messages and problem types. What the tables do not know
 * (headers, and which status goes with which call) stands in tables here.
 */
#include "messages.h"
#include "problem.h"
#include "version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* ---- Building blocks; each `put` gives its reference of `value` away ---- */

static void put(struct json_object *object, const char *name, struct json_object *value)
{
    json_object_object_add(object, name, value);
}

static void put_string(struct json_object *object, const char *name, const char *value)
{
    put(object, name, json_object_new_string(value));
}

/* A new object that is the member `name` of `parent`. */
static struct json_object *put_object(struct json_object *parent, const char *name)
{
    struct json_object *object = json_object_new_object();
    put(parent, name, object);
    return object;
}

/* {"$ref": "#/components/KIND/NAME"} */
static struct json_object *reference(const char *kind, const char *name)
{
    char pointer[128];
    int len = snprintf(pointer, sizeof pointer, "#/components/%s/%s", kind, name);
    s2s_assert(len > 0 && (size_t)len < sizeof pointer);
    struct json_object *object = json_object_new_object();
    put_string(object, "$ref", pointer);
    return object;
}

/* One more media type in the `content` of a body; returns the media type object. */
static struct json_object *put_content(struct json_object *body, const char *media_type, struct json_object *schema)
{
    struct json_object *content;
    if (!json_object_object_get_ex(body, "content", &content))
        content = put_object(body, "content");
    struct json_object *media = put_object(content, media_type);
    put(media, "schema", schema);
    return media;
}

/* ---- Headers ---- */

/* Which responses carry a header. */
enum {
    EVERY = 1u,  /* all */
    FINAL = 2u,  /* those that are stored and replayed (D6) */
    LATER = 4u,  /* those that ask to come back */
    METHODS = 8u /* 405 */
};

static const struct {
    unsigned carried_by;
    struct s2s_field field;
} headers[] = {
    {EVERY,
     {.name = "Api-Version",
      .type = S2S_STRING,
      .format = S2S_TOKEN,
      .doc = "The version used; after a version error, the newest supported."}},
    {EVERY, {.name = "Api-Supported-Versions", .type = S2S_STRING, .doc = "Supported versions, comma separated."}},
    {EVERY,
     {.name = "x-request-id",
      .type = S2S_STRING,
      .format = S2S_UUID,
      .doc = "The request's x-request-id; absent when that was not a UUID."}},
    {EVERY, {.name = "Cache-Control", .type = S2S_STRING, .doc = "no-store"}},
    {EVERY,
     {.name = "Sunset",
      .type = S2S_STRING,
      .doc = "HTTP-date (RFC 8594) after which the version used goes away; only for a deprecated version."}},
    {FINAL,
     {.name = "Idempotent-Replayed",
      .type = S2S_STRING,
      .doc = "\"true\" when this is the stored answer to an earlier request with the same x-request-id."}},
    {LATER, {.name = "Retry-After", .type = S2S_INTEGER, .doc = "Seconds to wait before trying again."}},
    {METHODS, {.name = "Allow", .type = S2S_STRING, .doc = "The method that is allowed."}},
};

static void put_header_components(struct json_object *components, struct json_object *schemas)
{
    struct json_object *all = put_object(components, "headers");
    for (size_t i = 0; i < LENGTH(headers); i++) {
        struct s2s_field value = headers[i].field;
        struct json_object *header = put_object(all, value.name);
        put_string(header, "description", value.doc);
        value.doc = NULL;
        put(header, "schema", s2s_field_json(&value, schemas));
    }
}

static void put_headers(struct json_object *response, unsigned kinds)
{
    struct json_object *all = put_object(response, "headers");
    for (size_t i = 0; i < LENGTH(headers); i++)
        if (headers[i].carried_by & kinds)
            put(all, headers[i].field.name, reference("headers", headers[i].field.name));
}

/* ---- Request parameters ---- */

static void put_parameter(struct json_object *parameters, const char *key, const char *name, const char *description,
                          struct json_object *schema)
{
    struct json_object *parameter = put_object(parameters, key);
    put_string(parameter, "name", name);
    put_string(parameter, "in", "header");
    put(parameter, "required", json_object_new_boolean(true));
    put_string(parameter, "description", description);
    put(parameter, "schema", schema);
}

static struct json_object *version_schema(void)
{
    struct json_object *versions = json_object_new_array();
    for (size_t i = 0; i < s2s_api_version_count; i++)
        json_object_array_add(versions, json_object_new_string(s2s_api_versions[i].version));
    struct json_object *schema = json_object_new_object();
    put_string(schema, "type", "string");
    put(schema, "enum", versions);
    return schema;
}

static void put_parameter_components(struct json_object *components, struct json_object *schemas)
{
    static const struct s2s_field uuid = {.type = S2S_STRING, .format = S2S_UUID};
    struct json_object *parameters = put_object(components, "parameters");
    put_parameter(parameters, "ApiVersion", "Api-Version", "The semantic version asked for.", version_schema());
    put_parameter(parameters, "RequestId", "x-request-id",
                  "Identifies the request: a duplicate gets the first final answer again, without a second effect.",
                  s2s_field_json(&uuid, schemas));
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

enum { ALL_ENDPOINTS = (1u << S2S_ENDPOINTS) - 1 };

/* One row a status: its component, and which endpoints answer with it. */
static const struct problem_response {
    int status;
    const char *name;
    const char *doc;
    unsigned headers;
    unsigned endpoints;
} problem_responses[] = {
    {400, "BadRequest",
     "The headers, the body, its encryption or a signature is not acceptable. All violations of the body are listed.",
     EVERY | FINAL, ALL_ENDPOINTS},
    {403, "Forbidden", "The client certificate is valid, but belongs to no registered peer.", EVERY, ALL_ENDPOINTS},
    {404, "NotFound",
     "The session, verification or credential instance does not exist or belongs to another peer; or there is no such "
     "path.",
     EVERY | FINAL, ALL_ENDPOINTS & ~(1u << S2S_INITIATE)},
    {405, "MethodNotAllowed", "The path exists, but not for this method.", EVERY | METHODS, ALL_ENDPOINTS},
    {409, "Conflict", "The sessionId was used before, or the state does not allow the call.", EVERY | FINAL,
     1u << S2S_INITIATE | 1u << S2S_SUPPLEMENT | 1u << S2S_CANCEL | 1u << S2S_PROVISION | 1u << S2S_GET},
    {413, "ContentTooLarge", "The body is larger than the limit.", EVERY, ALL_ENDPOINTS},
    {415, "UnsupportedMediaType", "The Content-Type is not application/json.", EVERY, ALL_ENDPOINTS},
    {422, "UnprocessableContent", "The x-request-id was used before for another path or body.", EVERY, ALL_ENDPOINTS},
    {429, "TooManyRequests", "The peer's rate limit is used up.", EVERY | LATER, ALL_ENDPOINTS},
    {500, "InternalServerError", "A defect of this server.", EVERY, ALL_ENDPOINTS},
    {503, "ServiceUnavailable", "The database cannot be reached or the server is draining.", EVERY | LATER,
     ALL_ENDPOINTS},
};

/* One example for each problem type of the status: the members that are the same at every occurrence. */
static void put_problem_examples(struct json_object *media, int status)
{
    struct json_object *examples = put_object(media, "examples");
    for (size_t i = 0; i < S2S_PROBLEM_COUNT; i++) {
        const struct s2s_problem_info *info = &s2s_problems[i];
        if (info->status != status)
            continue;
        struct json_object *example = put_object(examples, info->error_code);
        put_string(example, "summary", info->title);
        struct json_object *value = put_object(example, "value");
        put_string(value, "type", info->type);
        put_string(value, "title", info->title);
        put(value, "status", json_object_new_int(info->status));
        put_string(value, "errorCode", info->error_code);
        put(value, "retryable", json_object_new_boolean(info->retryable));
    }
}

static void put_response_components(struct json_object *components, struct json_object *schemas, unsigned endpoints)
{
    struct json_object *responses = put_object(components, "responses");
    for (size_t i = 0; i < LENGTH(problem_responses); i++) {
        const struct problem_response *row = &problem_responses[i];
        if (!(row->endpoints & endpoints))
            continue;
        struct json_object *response = put_object(responses, row->name);
        put_string(response, "description", row->doc);
        put_headers(response, row->headers);
        struct json_object *schema = s2s_schema_json(&problem_schema, schemas);
        put_problem_examples(put_content(response, "application/problem+json", schema), row->status);
    }
}

static void put_status(struct json_object *responses, int status, struct json_object *response)
{
    char text[16];
    snprintf(text, sizeof text, "%d", status);
    put(responses, text, response);
}

static void put_problem_responses(struct json_object *responses, unsigned endpoint)
{
    for (size_t i = 0; i < LENGTH(problem_responses); i++)
        if (problem_responses[i].endpoints & endpoint)
            put_status(responses, problem_responses[i].status, reference("responses", problem_responses[i].name));
}

/* ---- Paths ---- */

static struct json_object *success(const char *description, unsigned header_kinds, const struct s2s_schema *body,
                                   struct json_object *schemas)
{
    struct json_object *response = json_object_new_object();
    put_string(response, "description", description);
    put_headers(response, header_kinds);
    put_content(response, "application/json", s2s_schema_json(body, schemas));
    return response;
}

/* The tag is the first segment of the path. */
static struct json_object *tags_of(const char *path)
{
    struct json_object *tags = json_object_new_array();
    json_object_array_add(tags, json_object_new_string_len(path + 1, (int)strcspn(path + 1, "/")));
    return tags;
}

static void put_endpoint(struct json_object *paths, enum s2s_endpoint_id id, struct json_object *schemas)
{
    const struct s2s_endpoint *endpoint = &s2s_endpoints[id];
    struct json_object *operation = put_object(put_object(paths, endpoint->path), "post");
    put_string(operation, "operationId", endpoint->name);
    put(operation, "tags", tags_of(endpoint->path));
    put_string(operation, "summary", endpoint->doc);

    struct json_object *parameters = json_object_new_array();
    json_object_array_add(parameters, reference("parameters", "ApiVersion"));
    json_object_array_add(parameters, reference("parameters", "RequestId"));
    put(operation, "parameters", parameters);

    struct json_object *body = put_object(operation, "requestBody");
    put(body, "required", json_object_new_boolean(true));
    put_content(body, "application/json", s2s_schema_json(endpoint->request, schemas));

    struct json_object *responses = put_object(operation, "responses");
    put_status(responses, 200, success("The answer.", EVERY | FINAL, endpoint->response, schemas));
    if (endpoint->accepted)
        put_status(responses, 202,
                   success("Not ready yet; ask again.", EVERY | FINAL | LATER, endpoint->accepted, schemas));
    put_problem_responses(responses, 1u << id);
}

/* Profile section 6. It lives at the root of the host, below no base path, and asks for no client certificate. */
static void put_issuer_metadata(struct json_object *paths, struct json_object *servers, struct json_object *schemas)
{
    static const struct s2s_field compact_jws = {.type = S2S_STRING, .max = S2S_DEFAULT_MAX_JWE};
    struct json_object *path = put_object(paths, "/.well-known/openid-credential-issuer");
    put(path, "servers", servers);
    struct json_object *operation = put_object(path, "get");
    put_string(operation, "operationId", "issuer_metadata");
    put(operation, "tags", tags_of("/metadata"));
    put_string(operation, "summary", "Tells how to talk to the issuer, and what it issues.");
    put_string(operation, "description",
               "For an issuer identifier with a path, that path follows (RFC 8414 section 3.1). With \"Accept: "
               "application/jwt\" the document is the payload of a signed JWT.");
    put(operation, "security", json_object_new_array());

    struct json_object *responses = put_object(operation, "responses");
    struct json_object *response = json_object_new_object();
    put_string(response, "description", "The issuer metadata.");
    put_content(response, "application/json", s2s_schema_json(&s2s_issuer_metadata, schemas));
    put_content(response, "application/jwt", s2s_field_json(&compact_jws, schemas));
    put_status(responses, 200, response);
    put_status(responses, 405, reference("responses", "MethodNotAllowed"));
}

/* ---- The document ---- */

static const struct host {
    unsigned host;
    const char *title;
    const char *description;
    const char *name; /* default of the server's host variable */
} hosts[] = {
    {S2S_HOST_ISSUER, "OpenID4VCI Server-to-Server: endpoints of the issuer server",
     "What a wallet server calls to have a wallet client instance verified and to fetch its credentials.",
     "issuer.example"},
    {S2S_HOST_WALLET, "OpenID4VCI Server-to-Server: endpoints of the wallet server",
     "What an issuer server calls to tell a wallet server of changes and to manage credential instances.",
     "wallet.example"},
};

static const struct {
    const char *name;
    const char *description;
    unsigned hosts;
} tags[] = {
    {"verification", "Whether a wallet client instance may have a credential.", S2S_HOST_ISSUER | S2S_HOST_WALLET},
    {"credential", "Credential instances and their life.", S2S_HOST_ISSUER | S2S_HOST_WALLET},
    {"event", "Pokes in both directions.", S2S_HOST_ISSUER | S2S_HOST_WALLET},
    {"metadata", "What the issuer publishes.", S2S_HOST_ISSUER},
};

static void put_info(struct json_object *document, const struct host *host)
{
    struct json_object *info = put_object(document, "info");
    put_string(info, "title", host->title);
    put_string(info, "version", s2s_api_versions[0].version);
    put_string(info, "description", host->description);
    struct json_object *license = put_object(info, "license");
    put_string(license, "name", "Apache License 2.0");
    put_string(license, "identifier", "Apache-2.0");
}

static void put_variable(struct json_object *variables, const char *name, const char *value, const char *description)
{
    struct json_object *variable = put_object(variables, name);
    put_string(variable, "default", value);
    put_string(variable, "description", description);
}

static struct json_object *new_servers(const struct host *host, bool with_base_path)
{
    struct json_object *server = json_object_new_object();
    put_string(server, "url", with_base_path ? "https://{host}{basePath}" : "https://{host}");
    struct json_object *variables = put_object(server, "variables");
    put_variable(variables, "host", host->name, "Host and port.");
    if (with_base_path)
        put_variable(variables, "basePath", "/s2s", "The operator's base path; may be empty.");
    struct json_object *servers = json_object_new_array();
    json_object_array_add(servers, server);
    return servers;
}

static void put_security(struct json_object *document, struct json_object *components)
{
    struct json_object *scheme = put_object(put_object(components, "securitySchemes"), "mutualTLS");
    put_string(scheme, "type", "mutualTLS");
    put_string(scheme, "description", "A client certificate that belongs to a registered peer (RFC 8705).");

    struct json_object *requirement = json_object_new_object();
    put(requirement, "mutualTLS", json_object_new_array());
    struct json_object *security = json_object_new_array();
    json_object_array_add(security, requirement);
    put(document, "security", security);
}

static void put_tags(struct json_object *document, unsigned host)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < LENGTH(tags); i++) {
        if (!(tags[i].hosts & host))
            continue;
        struct json_object *tag = json_object_new_object();
        put_string(tag, "name", tags[i].name);
        put_string(tag, "description", tags[i].description);
        json_object_array_add(list, tag);
    }
    put(document, "tags", list);
}

static const struct host *find_host(unsigned host)
{
    for (size_t i = 0; i < LENGTH(hosts); i++)
        if (hosts[i].host == host)
            return &hosts[i];
    s2s_assert(!"one of S2S_HOST_*");
    return NULL;
}

struct json_object *s2s_openapi(unsigned host)
{
    const struct host *row = find_host(host);
    struct json_object *document = json_object_new_object();
    put_string(document, "openapi", "3.1.0");
    put_info(document, row);
    put(document, "servers", new_servers(row, true));
    struct json_object *components = json_object_new_object();
    put_security(document, components);
    put_tags(document, host);

    struct json_object *paths = put_object(document, "paths");
    put(document, "components", components);
    struct json_object *schemas = put_object(components, "schemas");
    unsigned endpoints = 0;
    for (unsigned id = 0; id < S2S_ENDPOINTS; id++) {
        if (!(s2s_endpoints[id].hosts & host))
            continue;
        put_endpoint(paths, (enum s2s_endpoint_id)id, schemas);
        endpoints |= 1u << id;
    }
    if (host == S2S_HOST_ISSUER)
        put_issuer_metadata(paths, new_servers(row, false), schemas);

    put_parameter_components(components, schemas);
    put_header_components(components, schemas);
    put_response_components(components, schemas, endpoints);
    return document;
}

char *s2s_openapi_text(unsigned host)
{
    struct json_object *document = s2s_openapi(host);
    const int flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
    char *text;
    if (asprintf(&text, "%s\n", json_object_to_json_string_ext(document, flags)) < 0)
        text = NULL;
    s2s_assert(text);
    json_object_put(document);
    return text;
}
