/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/http.h"

#include "gateway/net/access.h"
#include "gateway/net/server.h"
#include "proto/uuid.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* The longest x-request-id that is echoed. A valid one is a UUID; a longer one is nobody's. */
#define MAX_ECHO 128

struct gw_http_link {
    void (*gone)(void *arg); /* NULL: nobody is to be told */
    void *arg;
};

static void on_disposed(void *data)
{
    const struct gw_http_link *link = data;
    if (link->gone != NULL)
        link->gone(link->arg);
}

struct gw_http_link *gw_http_link(h2o_req_t *req, void (*gone)(void *arg), void *arg)
{
    struct gw_http_link *link = h2o_mem_alloc_shared(&req->pool, sizeof(*link), on_disposed);
    *link = (struct gw_http_link){gone, arg};
    return link;
}

void gw_http_unlink(struct gw_http_link *link)
{
    link->gone = NULL;
}

/* RFC 9110 section 5.5: white space around a value is no part of it. h2o leaves what stands behind. */
static h2o_iovec_t without_white_space(h2o_iovec_t value)
{
    while (value.len > 0 && (value.base[value.len - 1] == ' ' || value.base[value.len - 1] == '\t'))
        --value.len;
    while (value.len > 0 && (value.base[0] == ' ' || value.base[0] == '\t')) {
        ++value.base;
        --value.len;
    }
    return value;
}

h2o_iovec_t gw_http_header(h2o_req_t *req, const char *lower_name, unsigned *count)
{
    h2o_iovec_t found = {NULL, 0};
    unsigned n = 0;
    size_t len = strlen(lower_name);
    for (size_t i = 0; i < req->headers.size; ++i) {
        const h2o_header_t *header = &req->headers.entries[i];
        if (header->name->len != len || memcmp(header->name->base, lower_name, len) != 0)
            continue;
        found = without_white_space(header->value);
        ++n;
    }
    if (count != NULL)
        *count = n;
    return found;
}

void gw_http_add_header(h2o_req_t *req, const char *name, const char *value, size_t value_len)
{
    /* h2o wants the lower-case name (HTTP/2 sends that) and keeps the usual case for HTTP/1. */
    size_t len = strlen(name);
    h2o_iovec_t lower = h2o_strdup(&req->pool, name, len);
    h2o_strtolower(lower.base, len);
    h2o_add_header_by_str(&req->pool, &req->res.headers, lower.base, len, 1, name, value, value_len);
}

void gw_http_echo_request_id(h2o_req_t *req)
{
    h2o_iovec_t id = gw_http_header(req, "x-request-id", NULL);
    if (id.base != NULL && id.len <= MAX_ECHO)
        gw_http_add_header(req, "x-request-id", id.base, id.len);
}

void gw_http_add_retry_after(h2o_req_t *req, int64_t seconds)
{
    h2o_iovec_t text = {h2o_mem_alloc_pool(&req->pool, 24), 0};
    text.len = (size_t)snprintf(text.base, 24, "%" PRId64, seconds);
    gw_http_add_header(req, "Retry-After", text.base, text.len);
}

bool gw_http_content_is_json(h2o_req_t *req)
{
    h2o_iovec_t type = gw_http_header(req, "content-type", NULL);
    size_t len = 0;
    if (type.base == NULL)
        return false;
    while (len < type.len && type.base[len] != ';')
        ++len;
    while (len > 0 && (type.base[len - 1] == ' ' || type.base[len - 1] == '\t'))
        --len;
    return len == strlen(GW_JSON) && strncasecmp(type.base, GW_JSON, len) == 0;
}

void gw_http_add_common_headers(h2o_req_t *req, const struct s2s_api_version *version, const char *cache_control)
{
    const char *used = version != NULL ? version->version : s2s_api_versions[0].version;
    gw_http_add_header(req, "Api-Version", used, strlen(used));
    gw_http_add_header(req, "Api-Supported-Versions", s2s_api_supported_versions, strlen(s2s_api_supported_versions));
    gw_http_add_header(req, "Cache-Control", cache_control, strlen(cache_control));
    gw_http_echo_request_id(req);
    if (version != NULL && version->sunset != NULL)
        gw_http_add_header(req, "Sunset", version->sunset, strlen(version->sunset));
}

static const char *reason_phrase(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 422:
        return "Unprocessable Content";
    case 429:
        return "Too Many Requests";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    default:
        return status < 500 ? "Error" : "Internal Server Error";
    }
}

void gw_http_log(h2o_req_t *req, const char *endpoint, int status, const char *problem)
{
    const struct gw_conn *conn = gw_conn_of(req);
    h2o_iovec_t id = gw_http_header(req, "x-request-id", NULL);
    char request_id[S2S_UUID_SIZE] = "";
    if (s2s_uuid_valid(id.base, id.len))
        memcpy(request_id, id.base, id.len);
    const struct gw_access access = {.peer = conn->peer_name,
                                     .endpoint = endpoint,
                                     .status = status,
                                     .request_id = request_id[0] != '\0' ? request_id : NULL,
                                     .problem = problem};
    gw_access_log(conn->server->metrics, &access);
}

static h2o_generator_t no_more = {NULL, NULL};

void gw_http_send(h2o_req_t *req, int status, const char *content_type, const char *body, size_t len)
{
    req->res.status = status;
    req->res.reason = reason_phrase(status);
    req->res.content_length = status == 304 ? SIZE_MAX : len; /* a 304 says nothing of the content's length */
    gw_http_add_header(req, "Content-Type", content_type, strlen(content_type));
    h2o_iovec_t copy = h2o_strdup(&req->pool, body, len);
    h2o_start_response(req, &no_more);
    bool with_body = len > 0 && !gw_http_method_is(req, "HEAD");
    h2o_send(req, &copy, with_body ? 1 : 0, H2O_SEND_STATE_FINAL);
}

bool gw_http_method_is(const h2o_req_t *req, const char *name)
{
    return h2o_memis(req->method.base, req->method.len, name, strlen(name));
}

/* A problem's body in the request's pool; it has its line in the access log. `endpoint` may be NULL. */
static h2o_iovec_t write_problem(h2o_req_t *req, const char *endpoint, enum s2s_problem_type type, const char *detail,
                                 const char *instance)
{
    struct s2s_problem problem = {.type = type, .detail = detail, .instance = instance};
    struct s2s_arena *arena = s2s_arena_new(16384);
    size_t len;
    char *text = s2s_problem_write(arena, &problem, &len);
    s2s_assert(text != NULL);
    h2o_iovec_t body = h2o_strdup(&req->pool, text, len);
    s2s_arena_free(arena);
    gw_http_log(req, endpoint, s2s_problems[type].status, instance);
    return body;
}

static void send_problem(h2o_req_t *req, enum s2s_problem_type type, h2o_iovec_t body)
{
    gw_http_add_common_headers(req, NULL, "no-store");
    gw_http_send(req, s2s_problems[type].status, GW_PROBLEM_JSON, body.base, body.len);
}

void gw_http_send_problem(h2o_req_t *req, enum s2s_problem_type type, const char *detail, const char *allow)
{
    char instance[S2S_UUID_SIZE];
    s2s_uuid_new(instance);
    if (allow != NULL)
        gw_http_add_header(req, "Allow", allow, strlen(allow));
    send_problem(req, type, write_problem(req, NULL, type, detail, instance));
}

void gw_http_fail_internal(h2o_req_t *req, const char *endpoint, const char *instance, const char *reason)
{
    gw_access_log_internal_error(instance, endpoint, reason);
    send_problem(req, S2S_PROBLEM_HTTP_500,
                 write_problem(req, endpoint, S2S_PROBLEM_HTTP_500, GW_INTERNAL_ERROR, instance));
}

/* ---- the filter ---- */

#define H2O_ERROR_TYPE "text/plain; charset=utf-8" /* what h2o_send_error_generic sets, and we never do */

struct problem_stream {
    h2o_ostream_t super;
    h2o_iovec_t body;
};

static void send_problem_instead(h2o_ostream_t *self, h2o_req_t *req, h2o_iovec_t *bufs, size_t count,
                                 h2o_send_state_t state)
{
    struct problem_stream *stream = (struct problem_stream *)self;
    (void)bufs;
    h2o_ostream_send_next(self, req, &stream->body, count > 0 ? 1 : 0, state);
}

static enum s2s_problem_type problem_of_status(int status)
{
    switch (status) {
    case 404:
        return S2S_PROBLEM_HTTP_404;
    case 405:
        return S2S_PROBLEM_HTTP_405;
    case 413:
        return S2S_PROBLEM_HTTP_413;
    case 415:
        return S2S_PROBLEM_HTTP_415;
    default:
        return status >= 500 ? S2S_PROBLEM_HTTP_500 : S2S_PROBLEM_HTTP_400;
    }
}

static void on_setup_ostream(h2o_filter_t *self, h2o_req_t *req, h2o_ostream_t **slot)
{
    (void)self;
    ssize_t type = h2o_find_header(&req->res.headers, H2O_TOKEN_CONTENT_TYPE, -1);
    if (req->res.status >= 400 && type >= 0 &&
        h2o_memis(req->res.headers.entries[type].value.base, req->res.headers.entries[type].value.len,
                  H2O_STRLIT(H2O_ERROR_TYPE))) {
        struct problem_stream *stream = (void *)h2o_add_ostream(req, sizeof(*stream), slot);
        stream->super.do_send = send_problem_instead;
        char instance[S2S_UUID_SIZE];
        s2s_uuid_new(instance);
        stream->body = write_problem(req, NULL, problem_of_status(req->res.status),
                                     "The HTTP request could not be read.", instance);
        slot = &stream->super.next;
        req->res.content_length = stream->body.len;
        req->res.headers.entries[type].value = h2o_iovec_init(H2O_STRLIT(GW_PROBLEM_JSON));
        gw_http_add_common_headers(req, NULL, "no-store");
    }
    h2o_setup_next_ostream(req, slot);
}

void gw_http_install_filter(h2o_pathconf_t *path)
{
    h2o_filter_t *filter = h2o_create_filter(path, sizeof(*filter));
    filter->on_setup_ostream = on_setup_ostream;
}
