/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/wellknown.h"

#include "gateway/net/http.h"
#include "proto/wellknown.h"

#include <string.h>
#include <strings.h>

#define MAX_AGE "max-age=300"

static bool is_metadata_path(const struct gw_generation *generation, const h2o_req_t *req)
{
    const size_t prefix = sizeof(S2S_WELL_KNOWN_ISSUER) - 1;
    size_t len = req->query_at != SIZE_MAX ? req->query_at : req->path.len;
    struct s2s_bytes tail = s2s_identifier_path(generation->config->issuer.identifier);
    return len == prefix + tail.len && memcmp(req->path.base, S2S_WELL_KNOWN_ISSUER, prefix) == 0 &&
           memcmp(req->path.base + prefix, tail.data, tail.len) == 0;
}

/* One element of Accept: its media type, and its weight in thousandths (RFC 9110 section 12.4.2). */
struct media_range {
    h2o_iovec_t type;
    int weight;
};

static h2o_iovec_t trim(h2o_iovec_t text)
{
    while (text.len > 0 && (*text.base == ' ' || *text.base == '\t')) {
        ++text.base;
        --text.len;
    }
    while (text.len > 0 && (text.base[text.len - 1] == ' ' || text.base[text.len - 1] == '\t'))
        --text.len;
    return text;
}

/* Cut the text before `separator` off the front of `*rest`. */
static h2o_iovec_t cut(h2o_iovec_t *rest, char separator)
{
    char *end = memchr(rest->base, separator, rest->len);
    h2o_iovec_t part = {rest->base, end != NULL ? (size_t)(end - rest->base) : rest->len};
    size_t skip = part.len + (end != NULL);
    rest->base += skip;
    rest->len -= skip;
    return trim(part);
}

/* "q=0.25" in thousandths; 1000 for anything that is not a weight. */
static int read_weight(h2o_iovec_t parameter)
{
    if (parameter.len < 3 || strncasecmp(parameter.base, "q=", 2) != 0)
        return 1000;
    int weight = parameter.base[2] == '1' ? 1000 : 0, unit = 100;
    for (size_t i = 4; i < parameter.len && weight < 1000; ++i, unit /= 10)
        weight += parameter.base[i] >= '0' && parameter.base[i] <= '9' ? unit * (parameter.base[i] - '0') : 0;
    return weight;
}

static struct media_range read_range(h2o_iovec_t element)
{
    struct media_range range = {cut(&element, ';'), 1000};
    while (element.len > 0) {
        int weight = read_weight(cut(&element, ';'));
        range.weight = weight < range.weight ? weight : range.weight;
    }
    return range;
}

static bool type_is(h2o_iovec_t type, const char *name)
{
    return type.len == strlen(name) && strncasecmp(type.base, name, type.len) == 0;
}

/* Whether Accept asks for the signed form: it must be named, and the plain form must not be wanted more. Of two that
 * are wanted alike the first named wins; wildcards mean the plain form. */
static bool wants_jwt(h2o_req_t *req)
{
    h2o_iovec_t accept = gw_http_header(req, "accept", NULL);
    int jwt = 0, json = 0;
    while (accept.len > 0) {
        struct media_range range = read_range(cut(&accept, ','));
        if (type_is(range.type, "application/jwt") && range.weight > json)
            jwt = range.weight;
        else if (type_is(range.type, "application/json") && range.weight > jwt)
            json = range.weight;
    }
    return jwt > json;
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
    gw_http_log(req, "issuer_metadata", fresh ? 304 : 200, NULL);
    gw_http_send(req, fresh ? 304 : 200, jwt ? "application/jwt" : "application/json", document->body,
                 fresh ? 0 : document->len);
    return true;
}
