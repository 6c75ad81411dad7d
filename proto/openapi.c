/* SPDX-License-Identifier: Apache-2.0
 *
 * The OpenAPI 3.1 documents, made from the tables of endpoints, messages and problem types. What the tables do not know
 * (headers, and which status goes with which call) stands in tables here.
 */
#include "messages.h"
#include "openapi_blocks.h"
#include "version.h"

#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* ---- Headers ---- */

/* Which responses carry a header. */
enum {
    EVERY = 1u,  /* all */
    FINAL = 2u,  /* those that are stored and replayed (D6) */
    LATER = 4u,  /* those that ask to come back */
    METHODS = 8u /* 405 */
};

static const struct s2s_doc_header headers[] = {
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

/* ---- Request parameters ---- */

static void put_parameter(struct json_object *parameters, const char *key, const char *name, const char *description,
                          struct json_object *schema)
{
    struct json_object *parameter = s2s_doc_put_object(parameters, key);
    s2s_doc_put_string(parameter, "name", name);
    s2s_doc_put_string(parameter, "in", "header");
    s2s_doc_put(parameter, "required", json_object_new_boolean(true));
    s2s_doc_put_string(parameter, "description", description);
    s2s_doc_put(parameter, "schema", schema);
}

static struct json_object *version_schema(void)
{
    struct json_object *versions = json_object_new_array();
    for (size_t i = 0; i < s2s_api_version_count; i++)
        json_object_array_add(versions, json_object_new_string(s2s_api_versions[i].version));
    struct json_object *schema = json_object_new_object();
    s2s_doc_put_string(schema, "type", "string");
    s2s_doc_put(schema, "enum", versions);
    return schema;
}

static void put_parameter_components(struct json_object *components, struct json_object *schemas)
{
    static const struct s2s_field uuid = {.type = S2S_STRING, .format = S2S_UUID};
    struct json_object *parameters = s2s_doc_put_object(components, "parameters");
    put_parameter(parameters, "ApiVersion", "Api-Version", "The semantic version asked for.", version_schema());
    put_parameter(parameters, "RequestId", "x-request-id",
                  "Identifies the request: a duplicate gets the first final answer again, without a second effect.",
                  s2s_field_json(&uuid, schemas));
}

/* ---- Problems ---- */

enum { ALL_ENDPOINTS = (1u << S2S_ENDPOINTS) - 1 };

static const struct s2s_doc_problem problems[] = {
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

static const struct s2s_doc_tables tables = {
    .headers = headers,
    .header_count = LENGTH(headers),
    .problems = problems,
    .problem_count = LENGTH(problems),
    .problem_types = (1u << S2S_PROTOCOL_PROBLEMS) - 1,
};

/* ---- Paths ---- */

/* The tag is the first segment of the path. */
static struct json_object *tags_of(const char *path)
{
    return s2s_doc_tags_of(path + 1, strcspn(path + 1, "/"));
}

static void put_endpoint(struct json_object *paths, enum s2s_endpoint_id id, struct json_object *schemas)
{
    const struct s2s_endpoint *endpoint = &s2s_endpoints[id];
    struct json_object *operation = s2s_doc_put_object(s2s_doc_put_object(paths, endpoint->path), "post");
    s2s_doc_put_string(operation, "operationId", endpoint->name);
    s2s_doc_put(operation, "tags", tags_of(endpoint->path));
    s2s_doc_put_string(operation, "summary", endpoint->doc);

    struct json_object *parameters = json_object_new_array();
    json_object_array_add(parameters, s2s_doc_reference("parameters", "ApiVersion"));
    json_object_array_add(parameters, s2s_doc_reference("parameters", "RequestId"));
    s2s_doc_put(operation, "parameters", parameters);

    struct json_object *body = s2s_doc_put_object(operation, "requestBody");
    s2s_doc_put(body, "required", json_object_new_boolean(true));
    s2s_doc_put_content(body, "application/json", s2s_schema_json(endpoint->request, schemas));

    struct json_object *responses = s2s_doc_put_object(operation, "responses");
    s2s_doc_put_status(responses, 200,
                       s2s_doc_response(&tables, "The answer.", EVERY | FINAL, endpoint->response, schemas));
    if (endpoint->accepted)
        s2s_doc_put_status(
            responses, 202,
            s2s_doc_response(&tables, "Not ready yet; ask again.", EVERY | FINAL | LATER, endpoint->accepted, schemas));
    s2s_doc_put_problems(&tables, responses, 1u << id);
}

/* Profile section 6. It lives at the root of the host, below no base path, and asks for no client certificate. */
static void put_issuer_metadata(struct json_object *paths, struct json_object *servers, struct json_object *schemas)
{
    static const struct s2s_field compact_jws = {.type = S2S_STRING, .max = S2S_DEFAULT_MAX_JWE};
    struct json_object *path = s2s_doc_put_object(paths, "/.well-known/openid-credential-issuer");
    s2s_doc_put(path, "servers", servers);
    struct json_object *operation = s2s_doc_put_object(path, "get");
    s2s_doc_put_string(operation, "operationId", "issuer_metadata");
    s2s_doc_put(operation, "tags", tags_of("/metadata"));
    s2s_doc_put_string(operation, "summary", "Tells how to talk to the issuer, and what it issues.");
    s2s_doc_put_string(operation, "description",
                       "For an issuer identifier with a path, that path follows (RFC 8414 section 3.1). With \"Accept: "
                       "application/jwt\" the document is the payload of a signed JWT.");
    s2s_doc_put(operation, "security", json_object_new_array());

    struct json_object *responses = s2s_doc_put_object(operation, "responses");
    struct json_object *response = json_object_new_object();
    s2s_doc_put_string(response, "description", "The issuer metadata.");
    s2s_doc_put_content(response, "application/json", s2s_schema_json(&s2s_issuer_metadata, schemas));
    s2s_doc_put_content(response, "application/jwt", s2s_field_json(&compact_jws, schemas));
    s2s_doc_put_status(responses, 200, response);
    s2s_doc_put_status(responses, 405, s2s_doc_reference("responses", "MethodNotAllowed"));
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

static struct json_object *new_servers(const struct host *host, bool with_base_path)
{
    struct json_object *server = json_object_new_object();
    s2s_doc_put_string(server, "url", with_base_path ? "https://{host}{basePath}" : "https://{host}");
    struct json_object *variables = s2s_doc_put_object(server, "variables");
    s2s_doc_put_variable(variables, "host", host->name, "Host and port.");
    if (with_base_path)
        s2s_doc_put_variable(variables, "basePath", "/s2s", "The operator's base path; may be empty.");
    struct json_object *servers = json_object_new_array();
    json_object_array_add(servers, server);
    return servers;
}

static void put_security(struct json_object *document, struct json_object *components)
{
    struct json_object *scheme = s2s_doc_put_security(document, components, "mutualTLS");
    s2s_doc_put_string(scheme, "type", "mutualTLS");
    s2s_doc_put_string(scheme, "description", "A client certificate that belongs to a registered peer (RFC 8705).");
}

static void put_tags(struct json_object *document, unsigned host)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < LENGTH(tags); i++) {
        if (!(tags[i].hosts & host))
            continue;
        struct json_object *tag = json_object_new_object();
        s2s_doc_put_string(tag, "name", tags[i].name);
        s2s_doc_put_string(tag, "description", tags[i].description);
        json_object_array_add(list, tag);
    }
    s2s_doc_put(document, "tags", list);
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
    const struct s2s_doc_info info = {row->title, s2s_api_versions[0].version, row->description};
    struct json_object *document = s2s_doc_new(&info);
    s2s_doc_put(document, "servers", new_servers(row, true));
    struct json_object *components = json_object_new_object();
    put_security(document, components);
    put_tags(document, host);

    struct json_object *paths = s2s_doc_put_object(document, "paths");
    s2s_doc_put(document, "components", components);
    struct json_object *schemas = s2s_doc_put_object(components, "schemas");
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
    s2s_doc_put_header_components(&tables, components, schemas);
    s2s_doc_put_problem_components(&tables, components, schemas, endpoints);
    return document;
}

char *s2s_openapi_text(unsigned host)
{
    return s2s_doc_text(s2s_openapi(host));
}
