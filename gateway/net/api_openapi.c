/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/api_openapi.h"

#include "gateway/net/api_request.h"
#include "proto/openapi_blocks.h"

#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* ---- what the responses share ---- */

/* Which responses carry a header. */
enum {
    EVERY = 1u,      /* all */
    STORED = 2u,     /* those to a POST or PUT that are stored and replayed */
    WAITED = 4u,     /* those that can be held back */
    LATER = 8u,      /* those that ask to come back */
    METHODS = 16u,   /* 405 */
    CHALLENGE = 32u, /* 401 and 403 */
};

static const struct s2s_doc_header headers[] = {
    {EVERY,
     {.name = "x-request-id",
      .type = S2S_STRING,
      .format = S2S_UUID,
      .doc = "The request's x-request-id, or the one that was made for a POST or PUT without one."}},
    {EVERY, {.name = "Cache-Control", .type = S2S_STRING, .doc = "no-store"}},
    {STORED,
     {.name = "Idempotent-Replayed",
      .type = S2S_STRING,
      .doc = "\"true\" when this is the stored answer to an earlier request with the same x-request-id."}},
    {WAITED,
     {.name = "Preference-Applied",
      .type = S2S_STRING,
      .doc = "The longest wait that was granted (RFC 7240 section 3); absent when none was asked for."}},
    {LATER, {.name = "Retry-After", .type = S2S_INTEGER, .doc = "Seconds to wait before trying again."}},
    {METHODS, {.name = "Allow", .type = S2S_STRING, .doc = "The methods that are allowed."}},
    {CHALLENGE, {.name = "WWW-Authenticate", .type = S2S_STRING, .doc = "RFC 6750 section 3."}},
};

/* What a route is like, as far as its problems depend on it. */
enum {
    ANY = 1u,
    OF_A_THING = 2u, /* its path or body names one */
    WITH_BODY = 4u,
    WRITES = 8u,
    CONFLICTS = 16u,
    CALLS_OUT = 32u,
    NEEDS_ROLE = 64u,
};

static const struct s2s_doc_problem problems[] = {
    {400, "BadRequest", "The parameters, the body or the x-request-id are not acceptable. All violations are listed.",
     EVERY, ANY},
    {401, "Unauthorized", "There is no valid bearer token.", EVERY | CHALLENGE, ANY},
    {403, "Forbidden", "The token's roles do not permit it.", EVERY | CHALLENGE, NEEDS_ROLE},
    {404, "NotFound", "There is no such thing.", EVERY | STORED, OF_A_THING},
    {405, "MethodNotAllowed", "The path exists, but not for this method.", EVERY | METHODS, ANY},
    {409, "Conflict", "The state does not allow it.", EVERY | STORED, CONFLICTS},
    {413, "ContentTooLarge", "The body is larger than the limit.", EVERY, WITH_BODY},
    {414, "UriTooLong", "Path and query are longer than the limit.", EVERY, ANY},
    {415, "UnsupportedMediaType", "The Content-Type is not application/json.", EVERY, WITH_BODY},
    {422, "UnprocessableContent", "The x-request-id was used before for another path or body.", EVERY, WRITES},
    {429, "TooManyRequests", "The other server takes no more requests from this gateway now.", EVERY | LATER,
     CALLS_OUT},
    {500, "InternalServerError", "A defect of this gateway.", EVERY, ANY},
    {502, "BadGateway", "The other server cannot be reached, or gave an answer that cannot be passed on.", EVERY,
     CALLS_OUT},
    {503, "ServiceUnavailable", "The database cannot be reached or the gateway is draining.", EVERY | LATER, ANY},
    {504, "GatewayTimeout", "The other server did not answer in time.", EVERY, CALLS_OUT},
};

#define TYPE(name) (1u << S2S_PROBLEM_##name)

static const struct s2s_doc_tables tables = {
    .headers = headers,
    .header_count = LENGTH(headers),
    .problems = problems,
    .problem_count = LENGTH(problems),
    .problem_types = TYPE(VALIDATION) | TYPE(NOT_FOUND) | TYPE(SESSION_CONSUMED) | TYPE(WRONG_STATE) |
                     TYPE(REQUEST_ID_REUSE) | TYPE(RATE_LIMITED) | TYPE(UNAVAILABLE) | TYPE(HTTP_401) | TYPE(HTTP_403) |
                     TYPE(HTTP_404) | TYPE(HTTP_405) | TYPE(HTTP_413) | TYPE(HTTP_414) | TYPE(HTTP_415) |
                     TYPE(HTTP_500) | TYPE(HTTP_502) | TYPE(HTTP_504),
};

static unsigned bits_of(const struct gw_api_route *route)
{
    unsigned bits = ANY;
    bits |= strchr(route->path, '{') != NULL || route->body_names ? OF_A_THING : 0;
    bits |= route->body != NULL ? WITH_BODY : 0;
    bits |= route->writes ? WRITES : 0;
    bits |= route->conflict != NULL ? CONFLICTS : 0;
    bits |= route->calls_out ? CALLS_OUT : 0;
    bits |= route->roles != 0 ? NEEDS_ROLE : 0;
    return bits;
}

/* ---- parameters ---- */

static struct json_object *new_parameter(const char *name, const char *in, bool required, const char *doc,
                                         struct json_object *schema)
{
    struct json_object *parameter = json_object_new_object();
    s2s_doc_put_string(parameter, "name", name);
    s2s_doc_put_string(parameter, "in", in);
    s2s_doc_put(parameter, "required", json_object_new_boolean(required));
    s2s_doc_put_string(parameter, "description", doc);
    s2s_doc_put(parameter, "schema", schema);
    return parameter;
}

static void put_parameter_components(struct json_object *components, struct json_object *schemas)
{
    static const struct s2s_field uuid = {.type = S2S_STRING, .format = S2S_UUID},
                                  preference = {.type = S2S_STRING, .max = 256};
    struct json_object *parameters = s2s_doc_put_object(components, "parameters");
    s2s_doc_put(parameters, "RequestId",
                new_parameter("x-request-id", "header", false,
                              "Identifies the request. A duplicate of a POST or PUT gets the first final answer again, "
                              "without a second effect. One is made for a POST or PUT without it.",
                              s2s_field_json(&uuid, schemas)));
    s2s_doc_put(parameters, "Prefer",
                new_parameter("Prefer", "header", false,
                              "\"wait=N\" (RFC 7240): the answer is held back until what it tells of has settled, N "
                              "seconds at most (30 if N is more).",
                              s2s_field_json(&preference, schemas)));
}

static void put_parameters(struct json_object *operation, const struct gw_api_route *route, struct json_object *schemas)
{
    struct json_object *parameters = json_object_new_array();
    for (size_t i = 0; route->parameters != NULL && i < route->parameters->count; ++i) {
        struct s2s_field field = route->parameters->fields[i];
        const char *doc = field.doc;
        field.doc = NULL;
        bool in_path = gw_api_in_path(route->path, field.name);
        json_object_array_add(parameters,
                              new_parameter(field.name, in_path ? "path" : "query", (field.flags & S2S_REQUIRED) != 0,
                                            doc, s2s_field_json(&field, schemas)));
    }
    json_object_array_add(parameters, s2s_doc_reference("parameters", "RequestId"));
    if (route->wait != NULL)
        json_object_array_add(parameters, s2s_doc_reference("parameters", "Prefer"));
    s2s_doc_put(operation, "parameters", parameters);
}

/* ---- operations ---- */

static void put_body(struct json_object *operation, const struct s2s_schema *schema, struct json_object *schemas)
{
    bool required = schema->base != NULL;
    for (size_t i = 0; i < schema->count; ++i)
        required |= (schema->fields[i].flags & S2S_REQUIRED) != 0;
    struct json_object *body = s2s_doc_put_object(operation, "requestBody");
    s2s_doc_put(body, "required", json_object_new_boolean(required));
    s2s_doc_put_content(body, "application/json", s2s_schema_json(schema, schemas));
}

static void put_responses(struct json_object *operation, const struct gw_api_route *route, struct json_object *schemas)
{
    struct json_object *responses = s2s_doc_put_object(operation, "responses");
    unsigned kinds = EVERY | (route->writes ? STORED : 0) | (route->wait != NULL ? WAITED : 0);
    for (size_t i = 0; i < LENGTH(route->successes) && route->successes[i].status != 0; ++i) {
        const struct gw_api_success *success = &route->successes[i];
        s2s_doc_put_status(responses, success->status,
                           s2s_doc_response(&tables, success->doc, kinds, success->body, schemas));
    }
    s2s_doc_put_problems(&tables, responses, bits_of(route));
    struct json_object *conflict = s2s_json_get(responses, "409");
    if (conflict != NULL)
        s2s_doc_put_string(conflict, "description", route->conflict); /* in the place of the component's */
}

/* The segment after the version. */
static struct json_object *tags_of(const char *path)
{
    const char *segment = strchr(path + 1, '/') + 1;
    return s2s_doc_tags_of(segment, strcspn(segment, "/"));
}

/* A method as a member of a path item. */
static const char *method_member(const char *method)
{
    return strcmp(method, "GET") == 0 ? "get" : strcmp(method, "PUT") == 0 ? "put" : "post";
}

static void put_route(struct json_object *paths, const struct gw_api_route *route, struct json_object *schemas)
{
    struct json_object *path = s2s_json_get(paths, route->path);
    if (path == NULL)
        path = s2s_doc_put_object(paths, route->path);
    struct json_object *operation = s2s_doc_put_object(path, method_member(route->method));
    s2s_doc_put_string(operation, "operationId", route->name);
    s2s_doc_put(operation, "tags", tags_of(route->path));
    s2s_doc_put_string(operation, "summary", route->doc);
    put_parameters(operation, route, schemas);
    if (route->body != NULL)
        put_body(operation, route->body, schemas);
    put_responses(operation, route, schemas);
}

/* ---- the document ---- */

static void put_servers(struct json_object *json, const struct gw_api_document *document)
{
    struct json_object *server = json_object_new_object();
    s2s_doc_put_string(server, "url", "http://{host}");
    s2s_doc_put_string(server, "description", "On this machine; https where the listener has a certificate.");
    s2s_doc_put_variable(s2s_doc_put_object(server, "variables"), "host", document->host, "Host and port.");
    struct json_object *servers = json_object_new_array();
    json_object_array_add(servers, server);
    s2s_doc_put(json, "servers", servers);
}

static void put_tags(struct json_object *json, const struct gw_api_document *document)
{
    struct json_object *tags = json_object_new_array();
    for (size_t i = 0; i < document->tag_count; ++i) {
        struct json_object *tag = json_object_new_object();
        s2s_doc_put_string(tag, "name", document->tags[i].name);
        s2s_doc_put_string(tag, "description", document->tags[i].doc);
        json_object_array_add(tags, tag);
    }
    s2s_doc_put(json, "tags", tags);
}

static void put_security(struct json_object *json, struct json_object *components)
{
    struct json_object *scheme = s2s_doc_put_security(json, components, "bearer");
    s2s_doc_put_string(scheme, "type", "http");
    s2s_doc_put_string(scheme, "scheme", "bearer");
    s2s_doc_put_string(scheme, "description", "A token whose SHA-256 is in the configuration (RFC 6750).");
}

struct json_object *gw_api_openapi(const struct gw_api_document *document)
{
    const struct s2s_doc_info info = {document->title, document->version, document->description};
    struct json_object *json = s2s_doc_new(&info);
    struct json_object *components = json_object_new_object();
    put_servers(json, document);
    put_security(json, components);
    put_tags(json, document);
    struct json_object *paths = s2s_doc_put_object(json, "paths");
    s2s_doc_put(json, "components", components);
    struct json_object *schemas = s2s_doc_put_object(components, "schemas");
    unsigned bits = 0;
    for (size_t i = 0; i < document->api->count; ++i) {
        put_route(paths, &document->api->routes[i], schemas);
        bits |= bits_of(&document->api->routes[i]);
    }
    put_parameter_components(components, schemas);
    s2s_doc_put_header_components(&tables, components, schemas);
    s2s_doc_put_problem_components(&tables, components, schemas, bits);
    return json;
}
