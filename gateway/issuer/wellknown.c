/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/wellknown.h"

#include "gateway/net/http.h"
#include <string.h>
#include <strings.h>

#define WELL_KNOWN "/.well-known/openid-credential-issuer"
#define MAX_AGE "max-age=300"

/* The path of an https identifier, without a final slash; "" when it has none. Its place is behind the well-known part
 * (RFC 8414 section 3.1). */
static h2o_iovec_t identifier_path(const char *identifier)
{
    const char *host = strstr(identifier, "://");
    const char *path = host != NULL ? strchr(host + 3, '/') : NULL;
    h2o_iovec_t result = {(char *)(path != NULL ? path : ""), path != NULL ? strlen(path) : 0};
    if (result.len > 0 && result.base[result.len - 1] == '/')
        --result.len;
    return result;
}

static bool is_metadata_path(const struct gw_generation *generation, const h2o_req_t *req)
{
    const size_t prefix = sizeof(WELL_KNOWN) - 1;
    size_t len = req->query_at != SIZE_MAX ? req->query_at : req->path.len;
    h2o_iovec_t tail = identifier_path(generation->config->issuer.identifier);
    return len == prefix + tail.len && memcmp(req->path.base, WELL_KNOWN, prefix) == 0 &&
           memcmp(req->path.base + prefix, tail.base, tail.len) == 0;
}

/* Whether Accept prefers the signed form: it names application/jwt, and with no lower weight than JSON. Weights are rare
 * here, so the first of the two named wins. */
static bool wants_jwt(h2o_req_t *req)
{
    static const char jwt[] = "application/jwt", json[] = "application/json";
    h2o_iovec_t accept = gw_http_header(req, "accept", NULL);
    for (size_t i = 0; accept.base != NULL && i < accept.len; ++i) {
        size_t left = accept.len - i;
        if (left >= sizeof(jwt) - 1 && strncasecmp(accept.base + i, jwt, sizeof(jwt) - 1) == 0)
            return true;
        if (left >= sizeof(json) - 1 && strncasecmp(accept.base + i, json, sizeof(json) - 1) == 0)
            return false;
    }
    return false;
}

bool gw_wellknown_answer(const struct gw_generation *generation, h2o_req_t *req)
{
    if (!is_metadata_path(generation, req))
        return false;
    if (!gw_http_method_is(req, "GET") && !gw_http_method_is(req, "HEAD")) {
        gw_http_send_problem(req, S2S_PROBLEM_HTTP_405, "The metadata is read with GET.", "GET, HEAD");
        return true;
    }
    bool jwt = generation->metadata_jwt.body != NULL && wants_jwt(req);
    const struct gw_document *document = jwt ? &generation->metadata_jwt : &generation->metadata_json;
    h2o_iovec_t known = gw_http_header(req, "if-none-match", NULL);
    h2o_iovec_t etag = h2o_strdup(&req->pool, document->etag, SIZE_MAX);
    gw_http_add_common_headers(req, NULL, MAX_AGE);
    gw_http_add_header(req, "ETag", etag.base, etag.len);
    gw_http_add_header(req, "Vary", H2O_STRLIT("Accept"));
    bool fresh = known.base != NULL && h2o_memis(known.base, known.len, etag.base, etag.len);
    gw_http_send(req, fresh ? 304 : 200, jwt ? "application/jwt" : "application/json", document->body,
                 fresh ? 0 : document->len);
    return true;
}
