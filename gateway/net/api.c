/* SPDX-License-Identifier: Apache-2.0
 *
 * The stages stand below in the order in which a request meets them, the ends first. Each either hands the request on
 * or ends it. Refusals are not stored, as nothing has happened then: a program that corrects its request may keep the
 * request id.
 *
 * Lifetimes: h2o may dispose of its request at any time (a closed connection, the end of the worker). A database call
 * that is under way then runs to its end, since its fate must be known, and `req` is NULL from then on; all else that
 * is under way is cancelled.
 */
#include "gateway/net/api_wait.h"

#include "gateway/clock.h"
#include "gateway/net/access.h"
#include "gateway/net/api_request.h"
#include "gateway/net/http.h"
#include "gateway/worker.h"
#include "proto/crypto.h"
#include "proto/json.h"

#include <stdlib.h>
#include <string.h>

/* Longest path and query that are looked at; the longest that belong to a route are a few hundred octets. */
#define MAX_TARGET 2048
/* RFC 6750 section 3: a request without any credentials is not told of an error. */
#define CHALLENGE "Bearer realm=\"s2s-gateway\""
/* Nesting of what a route loads: our own texts. */
#define LOADED_DEPTH 32

/* ---- ends ---- */

static void on_timer_closed(uv_handle_t *timer)
{
    free(timer->data);
}

static void request_free(struct gw_api_request *rq)
{
    --rq->worker->in_flight;
    gw_generation_unref(rq->generation);
    s2s_arena_free(rq->arena);
    if (rq->wait.begun)
        uv_close((uv_handle_t *)&rq->wait.timer, on_timer_closed);
    else
        free(rq);
}

static void log_access(const struct gw_api_request *rq)
{
    const struct gw_access access = {
        .peer = rq->peer,
        .endpoint = rq->route != NULL ? rq->route->name : NULL,
        .status = rq->status,
        .request_id = rq->request_id[0] != '\0' ? rq->request_id : NULL,
        .problem = rq->status >= 400 && !rq->replayed ? rq->token : NULL,
        .duration_us = gw_monotonic_us() - rq->started_us,
        .replayed = rq->replayed,
        .gone = rq->req == NULL,
    };
    gw_access_log(rq->worker->metrics, &access);
}

static void on_client_gone(void *arg)
{
    struct gw_api_request *rq = arg;
    rq->req = NULL;
    if (rq->cancel == NULL)
        return; /* the database call ends it */
    rq->cancel(rq);
    log_access(rq);
    request_free(rq);
}

static void add_text_header(h2o_req_t *req, const char *name, const char *value)
{
    if (value == NULL)
        return;
    h2o_iovec_t copy = h2o_strdup(&req->pool, value, SIZE_MAX);
    gw_http_add_header(req, name, copy.base, copy.len);
}

static void add_headers(struct gw_api_request *rq, int64_t retry_after_s)
{
    h2o_req_t *req = rq->req;
    gw_http_add_header(req, "Cache-Control", H2O_STRLIT("no-store"));
    if (rq->request_id[0] != '\0')
        add_text_header(req, "x-request-id", rq->request_id);
    else
        gw_http_echo_request_id(req);
    add_text_header(req, "WWW-Authenticate", rq->challenge);
    add_text_header(req, "Allow", rq->allow);
    if (rq->replayed)
        gw_http_add_header(req, "Idempotent-Replayed", H2O_STRLIT("true"));
    if (rq->wait.preferred)
        add_text_header(req, "Preference-Applied", s2s_arena_printf(rq->arena, "wait=%u", rq->wait.seconds));
    if (retry_after_s > 0)
        gw_http_add_retry_after(req, retry_after_s);
}

void gw_api_reply(struct gw_api_request *rq, int status, const char *body, size_t len, int64_t retry_after_s)
{
    rq->status = status;
    log_access(rq);
    if (rq->req != NULL) {
        add_headers(rq, retry_after_s);
        gw_http_unlink(rq->link);
        gw_http_send(rq->req, status, status < 400 ? GW_JSON : GW_PROBLEM_JSON, body, len);
    }
    request_free(rq);
}

/* End with `rq->problem`. */
static void reply_problem(struct gw_api_request *rq, int64_t retry_after_s)
{
    size_t len;
    rq->problem.instance = rq->token;
    rq->problem.violations = &rq->violations;
    char *body = s2s_problem_write(rq->arena, &rq->problem, &len);
    s2s_assert(body != NULL);
    if (rq->problem.type == S2S_PROBLEM_HTTP_500)
        gw_access_log_internal_error(rq->token, rq->route->name, rq->failure);
    gw_api_reply(rq, s2s_problems[rq->problem.type].status, body, len, retry_after_s);
}

void gw_api_fail(struct gw_api_request *rq, enum s2s_problem_type type, const char *detail, int64_t retry_after_s)
{
    gw_api_refuse(rq, type, detail);
    rq->violations.count = 0;
    reply_problem(rq, retry_after_s);
}

void gw_api_fail_internal(struct gw_api_request *rq, const char *reason)
{
    gw_api_refuse_internal(rq, reason);
    rq->violations.count = 0;
    reply_problem(rq, 0);
}

bool gw_api_refuse(struct gw_api_request *rq, enum s2s_problem_type type, const char *detail)
{
    rq->problem.type = type;
    rq->problem.detail = detail;
    return false;
}

bool gw_api_refuse_internal(struct gw_api_request *rq, const char *reason)
{
    rq->failure = reason;
    return gw_api_refuse(rq, S2S_PROBLEM_HTTP_500, GW_INTERNAL_ERROR);
}

static bool refuse_violations(struct gw_api_request *rq)
{
    return gw_api_refuse(rq, S2S_PROBLEM_VALIDATION, "The request does not match the schema.");
}

bool gw_api_violation(struct gw_api_request *rq, const char *pointer, const char *message)
{
    s2s_violation_add(rq->arena, &rq->violations, pointer, message);
    return refuse_violations(rq);
}

/* ---- reply ---- */

bool gw_api_has_row(struct gw_api_request *rq, enum gw_db_outcome outcome, const PGresult *result)
{
    if (outcome == GW_DB_OK && PQntuples(result) == 1)
        return true;
    if (outcome == GW_DB_UNAVAILABLE)
        gw_api_fail(rq, S2S_PROBLEM_UNAVAILABLE,
                    "The gateway cannot reach its database now; repeat the request as it is.", 1);
    else
        gw_api_fail_internal(rq, GW_NO_ROW);
    return false;
}

void gw_api_reply_row(struct gw_api_request *rq, int status, const PGresult *result)
{
    gw_api_reply(rq, status, PQgetvalue(result, 0, GW_API_BODY), (size_t)PQgetlength(result, 0, GW_API_BODY), 0);
}

/* ---- commit ---- */

static void on_committed(struct gw_db_call *call, enum gw_db_outcome outcome, const PGresult *result)
{
    struct gw_api_request *rq = H2O_STRUCT_FROM_MEMBER(struct gw_api_request, call, call);
    if (!gw_api_has_row(rq, outcome, result))
        return;
    rq->status = atoi(PQgetvalue(result, 0, GW_API_STATUS));
    rq->replayed = gw_db_true(result, 0, GW_API_REPLAYED);
    if (gw_db_true(result, 0, GW_API_WAKE))
        gw_worker_wake_jobs(rq->worker);
    if (rq->status < 300 && rq->route->answered != NULL && rq->req != NULL)
        rq->route->answered(rq, PQgetvalue(result, 0, GW_API_BODY), (size_t)PQgetlength(result, 0, GW_API_BODY));
    else if (rq->status >= 300 || !gw_api_hold(rq, result))
        gw_api_reply_row(rq, rq->status, result);
}

void gw_api_begin(struct gw_api_request *rq)
{
    const struct gw_api_route *route = rq->route;
    char *input = s2s_json_write(rq->arena, rq->input, NULL);
    s2s_assert(input != NULL);
    gw_db_call_init(&rq->call, &gw_statements[route->statement]);
    rq->call.order_key = rq->order_key;
    if (route->writes) {
        gw_db_text(&rq->call, rq->peer);
        gw_db_text(&rq->call, rq->request_id);
        gw_db_text(&rq->call, route->name);
        gw_db_bytes(&rq->call, rq->digest, sizeof(rq->digest));
    }
    gw_db_text(&rq->call, rq->token);
    gw_db_text(&rq->call, input);
}

static void submit(struct gw_api_request *rq, void (*done)(struct gw_db_call *, enum gw_db_outcome, const PGresult *))
{
    s2s_assert(rq->call.count == rq->call.statement->params);
    rq->call.problem = rq->token;
    rq->call.done = done;
    rq->call.deadline_us = rq->started_us + rq->worker->boot->config->database.request_deadline_ms * 1000;
    gw_db_submit(rq->worker->db, &rq->call);
}

static void commit(struct gw_api_request *rq)
{
    if (rq->route->prepare == NULL) {
        gw_api_begin(rq);
    } else if (!rq->route->prepare(rq)) {
        reply_problem(rq, 0);
        return;
    }
    submit(rq, on_committed);
}

/* ---- load ---- */

static void on_loaded(struct gw_db_call *call, enum gw_db_outcome outcome, const PGresult *result)
{
    struct gw_api_request *rq = H2O_STRUCT_FROM_MEMBER(struct gw_api_request, call, call);
    if (!gw_api_has_row(rq, outcome, result))
        return;
    int status = atoi(PQgetvalue(result, 0, GW_API_STATUS));
    const char *body = PQgetvalue(result, 0, GW_API_BODY);
    if (status != 200)
        gw_api_reply_row(rq, status, result);
    else if (s2s_failed(s2s_json_parse(rq->arena, body, strlen(body), LOADED_DEPTH, &rq->loaded)))
        gw_api_fail_internal(rq, "what was loaded cannot be read");
    else
        commit(rq);
}

static void load(struct gw_api_request *rq)
{
    if (rq->route->load == NULL) {
        commit(rq);
        return;
    }
    char *input = s2s_json_write(rq->arena, rq->input, NULL);
    s2s_assert(input != NULL);
    gw_db_call_init(&rq->call, rq->route->load);
    rq->call.order_key = rq->order_key;
    gw_db_text(&rq->call, rq->token);
    gw_db_text(&rq->call, input);
    submit(rq, on_loaded);
}

/* ---- parse ---- */

static struct s2s_bytes path_of(const h2o_req_t *req)
{
    return s2s_bytes(req->path.base, req->query_at != SIZE_MAX ? req->query_at : req->path.len);
}

/* The body, if the route takes one; none at all counts as an object without members. False: it is no JSON object. */
static bool read_body(struct gw_api_request *rq)
{
    h2o_iovec_t text = rq->req->entity.len > 0 ? rq->req->entity : h2o_iovec_init(H2O_STRLIT("{}"));
    struct s2s_result r =
        s2s_json_parse(rq->arena, text.base, text.len, rq->generation->config->limits.max_depth, &rq->body);
    if (s2s_failed(r))
        return gw_api_violation(rq, "", r.detail);
    if (!s2s_schema_check(rq->arena, rq->route->body, rq->body, &rq->violations))
        return refuse_violations(rq);
    json_object_object_add(rq->input, "body", json_object_get(rq->body));
    return true;
}

/* The text of the object's first member, or NULL. */
static const char *first_text(struct json_object *object)
{
    struct json_object_iterator first = json_object_iter_begin(object), end = json_object_iter_end(object);
    return json_object_iter_equal(&first, &end) ? NULL : json_object_get_string(json_object_iter_peek_value(&first));
}

static void read_parameters(struct gw_api_request *rq)
{
    const h2o_req_t *req = rq->req;
    const struct gw_api_route *route = rq->route;
    struct s2s_bytes path = path_of(req);
    gw_api_read_path(rq->arena, route->parameters, route->path, (const char *)path.data, path.len, rq->input,
                     &rq->violations);
    bool path_read = rq->violations.count == 0;
    rq->order_key = first_text(rq->input);
    if (path.len < req->path.len)
        gw_api_read_query(rq->arena, route->parameters, route->path, req->path.base + path.len + 1,
                          req->path.len - path.len - 1, rq->input, &rq->violations);
    if (path_read && route->parameters != NULL) /* else it would say that what cannot be read is missing */
        s2s_schema_check(rq->arena, route->parameters, rq->input, &rq->violations);
}

/* The parameters and the body, with all that is wrong with them. */
static void parse(struct gw_api_request *rq)
{
    rq->input = s2s_json_own(rq->arena, json_object_new_object());
    read_parameters(rq);
    bool readable = rq->route->body == NULL || read_body(rq);
    if (!readable || rq->violations.count > 0) {
        refuse_violations(rq);
        reply_problem(rq, 0);
        return;
    }
    load(rq);
}

/* ---- route ---- */

static bool method_fits(const struct gw_api_request *rq, const struct gw_api_route *route)
{
    return gw_http_method_is(rq->req, route->method) ||
           (strcmp(route->method, "GET") == 0 && gw_http_method_is(rq->req, "HEAD"));
}

/* Find the route; or refuse, with the methods that the path has. */
static bool find_route(struct gw_api_request *rq)
{
    struct s2s_bytes path = path_of(rq->req);
    for (size_t i = 0; i < rq->api->count; ++i) {
        const struct gw_api_route *route = &rq->api->routes[i];
        if (!gw_api_path_matches(route->path, (const char *)path.data, path.len))
            continue;
        if (method_fits(rq, route)) {
            rq->route = route;
            rq->allow = NULL;
            return true;
        }
        const char *method = strcmp(route->method, "GET") == 0 ? "GET, HEAD" : route->method;
        rq->allow = rq->allow == NULL ? method : s2s_arena_printf(rq->arena, "%s, %s", rq->allow, method);
    }
    return rq->allow != NULL ? gw_api_refuse(rq, S2S_PROBLEM_HTTP_405, "This path has other methods; see Allow.")
                             : gw_api_refuse(rq, S2S_PROBLEM_HTTP_404, "There is nothing at this path.");
}

static bool check_role(struct gw_api_request *rq)
{
    if (rq->route->roles == 0 || (rq->route->roles & rq->caller.roles) != 0)
        return true;
    rq->challenge = CHALLENGE ", error=\"insufficient_scope\"";
    return gw_api_refuse(rq, S2S_PROBLEM_HTTP_403, "This token does not permit it.");
}

/* ---- authenticate ---- */

static bool authenticate(struct gw_api_request *rq)
{
    unsigned count;
    uint8_t hash[32];
    h2o_iovec_t header = gw_http_header(rq->req, "authorization", &count);
    struct s2s_bytes token = count == 1 ? gw_api_bearer(header.base, header.len) : s2s_bytes(NULL, 0);
    if (token.data != NULL && !s2s_failed(s2s_hash(S2S_SHA256, token, hash)) &&
        rq->api->authenticate(rq->generation, hash, &rq->caller)) {
        snprintf(rq->peer, sizeof(rq->peer), "%s:%s", rq->api->name, rq->caller.name);
        return true;
    }
    rq->challenge = count == 0 ? CHALLENGE : CHALLENGE ", error=\"invalid_token\"";
    return gw_api_refuse(rq, S2S_PROBLEM_HTTP_401, "A valid bearer token is needed.");
}

/* ---- receive ---- */

static bool read_request_id(struct gw_api_request *rq)
{
    unsigned count;
    h2o_iovec_t id = gw_http_header(rq->req, "x-request-id", &count);
    if (count > 1 || (count == 1 && !s2s_uuid_valid(id.base, id.len)))
        return gw_api_refuse(rq, S2S_PROBLEM_VALIDATION, "The x-request-id header must be one UUID.");
    if (count == 1)
        memcpy(rq->request_id, id.base, id.len);
    else if (rq->route->writes)
        s2s_uuid_new(rq->request_id);
    return true;
}

static bool check_body(struct gw_api_request *rq)
{
    if (rq->req->entity.len > rq->generation->config->limits.max_body)
        return gw_api_refuse(rq, S2S_PROBLEM_HTTP_413, "The request body is larger than this gateway accepts.");
    if (rq->route->body != NULL && rq->req->entity.len > 0 && !gw_http_content_is_json(rq->req))
        return gw_api_refuse(rq, S2S_PROBLEM_HTTP_415, "The content type must be application/json.");
    return true;
}

static void read_preferences(struct gw_api_request *rq)
{
    const struct gw_api_wait *wait = rq->route->wait;
    const h2o_headers_t *headers = &rq->req->headers;
    if (wait == NULL)
        return;
    rq->wait.seconds = wait->default_s;
    for (size_t i = 0; i < headers->size && !rq->wait.preferred; ++i) {
        const h2o_header_t *header = &headers->entries[i];
        if (h2o_memis(header->name->base, header->name->len, H2O_STRLIT("prefer")))
            rq->wait.preferred = gw_api_prefers_wait(header->value.base, header->value.len, &rq->wait.seconds);
    }
    if (rq->wait.seconds > GW_API_MAX_WAIT_S)
        rq->wait.seconds = GW_API_MAX_WAIT_S;
}

/* All that is refused before the request itself is looked at. */
static bool may_enter(struct gw_api_request *rq)
{
    if (!authenticate(rq))
        return false;
    if (rq->req->path.len > MAX_TARGET)
        return gw_api_refuse(rq, S2S_PROBLEM_HTTP_414, "The path and query are longer than this gateway accepts.");
    return find_route(rq) && check_role(rq) && read_request_id(rq) && check_body(rq);
}

static void receive(struct gw_api_request *rq)
{
    const h2o_req_t *req = rq->req;
    if (!may_enter(rq)) {
        reply_problem(rq, 0);
        return;
    }
    read_preferences(rq);
    if (rq->worker->draining || rq->worker->in_flight > rq->worker->boot->config->limits.max_in_flight) {
        gw_api_fail(rq, S2S_PROBLEM_UNAVAILABLE,
                    "The gateway takes no requests right now; repeat the request as it is.", 1);
        return;
    }
    if (rq->route->writes)
        gw_vault_digest(rq->generation->vault, path_of(req), s2s_bytes(req->entity.base, req->entity.len), rq->digest);
    parse(rq);
}

void gw_api_answer(struct gw_server *server, h2o_req_t *req)
{
    struct gw_worker *worker = server->owner;
    struct gw_api_request *rq = calloc(1, sizeof(*rq));
    s2s_assert(rq != NULL);
    rq->worker = worker;
    rq->generation = gw_generation_ref(worker->generation);
    rq->arena = s2s_arena_new(rq->generation->config->limits.request_memory);
    rq->api = server->api;
    rq->req = req;
    rq->started_us = gw_monotonic_us();
    s2s_uuid_new(rq->token);
    ++worker->in_flight;
    rq->link = gw_http_link(req, on_client_gone, rq);
    receive(rq);
}
