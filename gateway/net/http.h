/* SPDX-License-Identifier: Apache-2.0
 *
 * Small helpers over h2o's requests and responses.
 */
#ifndef GW_HTTP_H
#define GW_HTTP_H

#include "proto/problem.h"
#include "proto/version.h"

#include <h2o.h>

#define GW_JSON "application/json"
#define GW_PROBLEM_JSON "application/problem+json"

/* Give the errors that h2o answers by itself (a broken chunked body, a body far over the limit) the form and headers of
 * this protocol's problems. */
void gw_http_install_filter(h2o_pathconf_t *path);

/* Learns when h2o disposes of a request, which may be before it is answered: the client has gone. */
struct gw_http_link;

/* Have `gone(arg)` called when h2o disposes of the request. The link lives in the request's pool. */
struct gw_http_link *gw_http_link(h2o_req_t *req, void (*gone)(void *arg), void *arg);

/* Nobody is to be told any more: the request is answered. */
void gw_http_unlink(struct gw_http_link *link);

/* A request header by its lower-case name; base NULL when absent. `*count` (may be NULL) gets how often it came. */
h2o_iovec_t gw_http_header(h2o_req_t *req, const char *lower_name, unsigned *count);

/* Add a response header. `name` is a literal in its usual case; `value` must live as long as the request (or be
 * static). */
void gw_http_add_header(h2o_req_t *req, const char *name, const char *value, size_t value_len);

/* Answer with a body, which is copied into the request's pool. `content_type` is static. */
void gw_http_send(h2o_req_t *req, int status, const char *content_type, const char *body, size_t len);

/* The method is exactly `name`. */
bool gw_http_method_is(const h2o_req_t *req, const char *name);

/* Whether the request's content type is JSON, with whatever parameters. */
bool gw_http_content_is_json(h2o_req_t *req);

/* The request's x-request-id, if it came with a sane one, as a response header. */
void gw_http_echo_request_id(h2o_req_t *req);

/* The Retry-After header. */
void gw_http_add_retry_after(h2o_req_t *req, int64_t seconds);

/* The headers that every response of the protocol carries: Api-Version, Api-Supported-Versions, Cache-Control, the
 * request's x-request-id, and Sunset for a deprecated version. `version` NULL means the newest; `cache_control` is
 * static. */
void gw_http_add_common_headers(h2o_req_t *req, const struct s2s_api_version *version, const char *cache_control);

/* The access log's line for an answer outside of an exchange. `endpoint` and `problem` (the instance's UUID) may be
 * NULL. */
void gw_http_log(h2o_req_t *req, const char *endpoint, int status, const char *problem);

/* Answer with a problem that belongs to no exchange. `allow` is the Allow header of a 405, or NULL. */
void gw_http_send_problem(h2o_req_t *req, enum s2s_problem_type type, const char *detail, const char *allow);

/* Answer 500 and log an `internal_error` with the reason, which is free of personal data. `instance` is the UUID that
 * both have. */
void gw_http_fail_internal(h2o_req_t *req, const char *endpoint, const char *instance, const char *reason);

#endif
