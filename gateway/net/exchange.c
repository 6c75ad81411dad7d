/* SPDX-License-Identifier: Apache-2.0
 *
 * The stages stand below in the order in which a request meets them. Each either hands the exchange on or ends it. Two
 * ways end it: `answer_now` (not stored: what is wrong lies before the protocol, or may pass) and `deliver` (a
 * committed answer).
 *
 * Lifetimes: h2o may dispose of its request at any time (a reset stream, a closed connection). The exchange lives on
 * until its database call is over, since the call's fate must be known; `req` is NULL from then on. A call to another
 * server is given up.
 */
#include "gateway/net/exchange.h"

#include "gateway/clock.h"
#include "gateway/net/access.h"
#include "gateway/net/client_watch.h"
#include "gateway/net/http.h"
#include "gateway/worker.h"

#include <stdlib.h>
#include <string.h>

/* How often a precondition may fail (an operator or another request changed the instance meanwhile) before 503. */
#define MAX_RELOADS 8

/* ---- ends ---- */

static void exchange_free(struct gw_exchange *ex)
{
    --ex->worker->in_flight;
    if (ex->peer != NULL)
        atomic_fetch_sub_explicit(&ex->peer->rate->in_flight, 1, memory_order_relaxed);
    gw_generation_unref(ex->generation);
    s2s_arena_free(ex->arena);
    free(ex);
}

static void log_access(const struct gw_exchange *ex, int status)
{
    const struct gw_access access = {
        .peer = ex->peer != NULL ? ex->peer->config->name : NULL,
        .endpoint = ex->endpoint != NULL ? ex->endpoint->message->name : NULL,
        .status = status,
        .request_id = ex->request_id[0] != '\0' ? ex->request_id : NULL,
        .problem = status >= 400 && !ex->replayed ? ex->token : NULL,
        .duration_us = gw_monotonic_us() - ex->started_us,
        .replayed = ex->replayed,
        .gone = ex->req == NULL,
    };
    gw_access_log(ex->worker->metrics, &access);
}

static void stop_waiting(struct gw_exchange *ex)
{
    gw_client_watch_stop(ex->watch);
    ex->watch = NULL;
    ex->cancel = NULL;
}

/* Give up a call to another server, and the exchange, as the client has gone. Nothing was committed: nothing is lost.
 */
static void leave(struct gw_exchange *ex)
{
    ex->cancel(ex);
    stop_waiting(ex);
    log_access(ex, 0);
    exchange_free(ex);
}

static void on_client_gone(void *arg)
{
    struct gw_exchange *ex = arg;
    ex->req = NULL;
    if (ex->cancel != NULL)
        leave(ex); /* else the database call ends it */
}

static void add_headers(struct gw_exchange *ex, int status, int64_t retry_after_s)
{
    h2o_req_t *req = ex->req;
    gw_http_add_common_headers(req, ex->version, "no-store");
    if (ex->replayed)
        gw_http_add_header(req, "Idempotent-Replayed", H2O_STRLIT("true"));
    if (retry_after_s > 0)
        gw_http_add_retry_after(req, retry_after_s);
    if (status == 405)
        gw_http_add_header(req, "Allow", H2O_STRLIT("POST"));
}

/* Send the answer, and log it. */
static void reply(struct gw_exchange *ex, int status, const char *body, size_t len, int64_t retry_after_s)
{
    log_access(ex, status);
    if (ex->req == NULL)
        return;
    add_headers(ex, status, retry_after_s);
    gw_http_unlink(ex->link);
    gw_http_send(ex->req, status, status < 400 ? GW_JSON : GW_PROBLEM_JSON, body, len);
    ex->req = NULL;
}

/* Reply, and end the exchange. */
static void finish(struct gw_exchange *ex, int status, const char *body, size_t len, int64_t retry_after_s)
{
    reply(ex, status, body, len, retry_after_s);
    exchange_free(ex);
}

static char *write_problem(struct gw_exchange *ex, size_t *len)
{
    ex->problem.instance = ex->token;
    if (ex->violations.count > 0)
        ex->problem.violations = &ex->violations;
    char *body = s2s_problem_write(ex->arena, &ex->problem, len);
    s2s_assert(body != NULL);
    return body;
}

/* End with a problem that is not stored. */
static void answer_now(struct gw_exchange *ex, enum s2s_problem_type type, const char *detail, int64_t retry_after_s)
{
    size_t len;
    gw_exchange_refuse(ex, type, detail);
    if (type != S2S_PROBLEM_VALIDATION)
        ex->violations.count = 0; /* those of an answer that could not be committed */
    if (type == S2S_PROBLEM_HTTP_500)
        gw_access_log_internal_error(ex->token, ex->endpoint->message->name, ex->failure);
    char *body = write_problem(ex, &len);
    finish(ex, s2s_problems[type].status, body, len, retry_after_s);
}

static void answer_unavailable(struct gw_exchange *ex)
{
    answer_now(ex, S2S_PROBLEM_UNAVAILABLE, "The gateway cannot reach its database now; repeat the request as it is.",
               1);
}

static void answer_failure(struct gw_exchange *ex, const char *reason)
{
    gw_exchange_fail_internal(ex, reason);
    answer_now(ex, ex->problem.type, ex->problem.detail, 0);
}

/* ---- refusals of endpoints ---- */

enum gw_step gw_exchange_refuse(struct gw_exchange *ex, enum s2s_problem_type type, const char *detail)
{
    ex->problem.type = type;
    ex->problem.detail = detail;
    return GW_STEP_REFUSE;
}

enum gw_step gw_exchange_fail_internal(struct gw_exchange *ex, const char *reason)
{
    ex->failure = reason;
    return gw_exchange_refuse(ex, S2S_PROBLEM_HTTP_500, GW_INTERNAL_ERROR);
}

bool gw_exchange_accepts(const struct gw_exchange *ex, const char *pointer)
{
    size_t len = strlen(pointer);
    if (ex->violations.count == S2S_MAX_VIOLATIONS) /* there may be more than are told */
        return false;
    for (size_t i = 0; i < ex->violations.count; ++i) {
        const char *at = ex->violations.items[i].pointer;
        if (*at == '\0' || (strncmp(at, pointer, len) == 0 && (at[len] == '\0' || at[len] == '/')))
            return false;
    }
    return true;
}

static enum gw_step refuse_violations(struct gw_exchange *ex)
{
    return gw_exchange_refuse(ex, S2S_PROBLEM_VALIDATION, "The request body does not match the schema.");
}

enum gw_step gw_exchange_violation(struct gw_exchange *ex, const char *pointer, const char *message)
{
    s2s_violation_add(ex->arena, &ex->violations, pointer, message);
    return refuse_violations(ex);
}

enum gw_step gw_exchange_failed(struct gw_exchange *ex, struct s2s_result result, const char *pointer)
{
    enum s2s_problem_type type = s2s_problem_of(result.code);
    if (type == S2S_PROBLEM_VALIDATION)
        return gw_exchange_violation(ex, pointer, result.detail);
    if (type == S2S_PROBLEM_HTTP_500)
        return gw_exchange_fail_internal(ex, result.detail);
    return gw_exchange_refuse(ex, type, result.detail);
}

/* ---- commit and reply ---- */

static void run_load(struct gw_exchange *ex);

/* Whether the call gave its one row; else the exchange has been answered. */
static bool has_row(struct gw_exchange *ex, enum gw_db_outcome outcome, const PGresult *result)
{
    if (outcome == GW_DB_OK && PQntuples(result) == 1)
        return true;
    if (outcome == GW_DB_UNAVAILABLE)
        answer_unavailable(ex);
    else
        answer_failure(ex, GW_NO_ROW);
    return false;
}

static void on_committed(struct gw_db_call *call, enum gw_db_outcome outcome, const PGresult *result)
{
    struct gw_exchange *ex = H2O_STRUCT_FROM_MEMBER(struct gw_exchange, call, call);
    if (!has_row(ex, outcome, result))
        return;
    enum { STATUS, BODY, REPLAYED, OUTCOME, WAKE };
    const char *what = PQgetvalue(result, 0, OUTCOME);
    if (strcmp(what, "retry") == 0) {
        if (++ex->reloads <= MAX_RELOADS)
            run_load(ex);
        else
            answer_unavailable(ex);
        return;
    }
    int status = atoi(PQgetvalue(result, 0, STATUS));
    ex->replayed = gw_db_true(result, 0, REPLAYED);
    if (gw_db_true(result, 0, WAKE))
        gw_worker_wake_jobs(ex->worker);
    reply(ex, status, PQgetvalue(result, 0, BODY), (size_t)PQgetlength(result, 0, BODY),
          status == 202 ? ex->retry_after_s : 0);
    if (ex->endpoint->committed != NULL && status < 300)
        ex->endpoint->committed(ex, what);
    exchange_free(ex);
}

struct s2s_arena *gw_exchange_take_memory(struct gw_exchange *ex)
{
    struct s2s_arena *arena = ex->arena;
    ex->arena = NULL;
    return arena;
}

void gw_exchange_call(struct gw_exchange *ex, enum gw_statement_id statement, const char *order_key)
{
    struct gw_db_call *call = &ex->call;
    gw_db_call_init(call, &gw_statements[statement]);
    call->order_key = order_key;
    gw_db_text(call, ex->peer->config->name);
    gw_db_text(call, ex->request_id);
    gw_db_text(call, ex->endpoint->message->name);
    gw_db_bytes(call, ex->digest, sizeof(ex->digest));
    gw_db_text(call, ex->token);
}

/* A refusal is a final answer too: it is stored under the request id (profile section 2 "Idempotency"). */
static void prepare_refusal(struct gw_exchange *ex)
{
    size_t len;
    char *body = write_problem(ex, &len);
    gw_exchange_call(ex, GW_SQL_ANSWER, ex->request_id);
    gw_db_integer(&ex->call, ex->arena, s2s_problems[ex->problem.type].status);
    gw_db_text(&ex->call, body);
}

static void submit(struct gw_exchange *ex, void (*done)(struct gw_db_call *, enum gw_db_outcome, const PGresult *))
{
    s2s_assert(ex->call.count == ex->call.statement->params);
    ex->call.problem = ex->token;
    ex->call.done = done;
    ex->call.deadline_us = ex->waiting_since_us + ex->worker->boot->config->database.request_deadline_ms * 1000;
    gw_db_submit(ex->worker->db, &ex->call);
}

/* A trouble of ours is never stored; but if this request was answered before, that answer still stands. */
static void on_looked_up(struct gw_db_call *call, enum gw_db_outcome outcome, const PGresult *result)
{
    struct gw_exchange *ex = H2O_STRUCT_FROM_MEMBER(struct gw_exchange, call, call);
    enum { STATUS, BODY, REPLAYED, OUTCOME };
    bool found = outcome == GW_DB_OK && PQntuples(result) == 1 && strcmp(PQgetvalue(result, 0, OUTCOME), "none") != 0;
    if (found)
        on_committed(call, outcome, result);
    else
        answer_now(ex, ex->problem.type, ex->problem.detail, ex->problem.type == S2S_PROBLEM_UNAVAILABLE);
}

static void commit(struct gw_exchange *ex, enum gw_step step)
{
    if (step == GW_STEP_REFUSE && s2s_problems[ex->problem.type].status >= 500) {
        gw_exchange_call(ex, GW_SQL_REPLAY, ex->request_id);
        submit(ex, on_looked_up);
        return;
    }
    if (step == GW_STEP_REFUSE)
        prepare_refusal(ex);
    submit(ex, on_committed);
}

/* ---- load, check and call ---- */

/* h2o does not know it yet: the answer, which nobody reads, is how it learns. */
static void on_client_left(void *arg)
{
    struct gw_exchange *ex = arg;
    ex->cancel(ex);
    stop_waiting(ex);
    answer_now(ex, S2S_PROBLEM_UNAVAILABLE, "The client has left.", 0);
}

/* Whatever comes after a step that may have another server asked. */
static void proceed(struct gw_exchange *ex, enum gw_step step)
{
    if (step != GW_STEP_CALL)
        commit(ex, step);
    else if (ex->req == NULL) /* left while the database was asked */
        leave(ex);
    else
        ex->watch = gw_client_watch_start(&ex->worker->loop, gw_conn_of(ex->req), on_client_left, ex);
}

/* As long as a request may wait for the database, but never so long that a drain would have to cut it off. */
int64_t gw_exchange_deadline_us(const struct gw_exchange *ex)
{
    const struct gw_config *boot = ex->worker->boot->config;
    int64_t most_ms = boot->database.request_deadline_ms;
    if (boot->limits.drain_timeout_ms < most_ms)
        most_ms = boot->limits.drain_timeout_ms;
    return ex->started_us + most_ms * 1000;
}

void gw_exchange_resume(struct gw_exchange *ex, enum gw_step step)
{
    stop_waiting(ex);
    ex->waiting_since_us = gw_monotonic_us();
    proceed(ex, step);
}

static void on_loaded(struct gw_db_call *call, enum gw_db_outcome outcome, const PGresult *result)
{
    struct gw_exchange *ex = H2O_STRUCT_FROM_MEMBER(struct gw_exchange, call, call);
    if (!has_row(ex, outcome, result))
        return;
    enum gw_step step = ex->endpoint->loaded(ex, result);
    proceed(ex, step == GW_STEP_CHECK ? ex->endpoint->check(ex) : step);
}

static void run_load(struct gw_exchange *ex)
{
    enum gw_step step = ex->endpoint->load != NULL ? ex->endpoint->load(ex) : GW_STEP_CHECK;
    if (step == GW_STEP_CHECK) {
        proceed(ex, ex->endpoint->check(ex));
        return;
    }
    submit(ex, on_loaded);
}

/* ---- parse ---- */

/* All that can be said of the body by itself, at once. */
static enum gw_step examine(struct gw_exchange *ex)
{
    enum gw_step step = GW_STEP_CHECK;
    s2s_schema_check(ex->arena, ex->endpoint->message->request, ex->body, &ex->violations);
    if (ex->endpoint->examine != NULL)
        step = ex->endpoint->examine(ex);
    return ex->violations.count > 0 ? refuse_violations(ex) : step;
}

static void parse(struct gw_exchange *ex)
{
    const char *path = ex->endpoint->message->path;
    struct s2s_result r = s2s_json_parse(ex->arena, ex->req->entity.base, ex->req->entity.len,
                                         ex->generation->config->limits.max_depth, &ex->body);
    if (s2s_failed(r)) {
        s2s_violation_add(ex->arena, &ex->violations, "", r.detail);
        answer_now(ex, S2S_PROBLEM_VALIDATION, "The request body is not a JSON object that can be accepted.", 0);
        return;
    }
    gw_vault_digest(ex->generation->vault, s2s_bytes(path, strlen(path)),
                    s2s_bytes(ex->req->entity.base, ex->req->entity.len), ex->digest);
    if (!json_object_is_type(ex->body, json_type_object)) {
        s2s_violation_add(ex->arena, &ex->violations, "", "must be an object");
        answer_now(ex, S2S_PROBLEM_VALIDATION, "The request body is not a JSON object that can be accepted.", 0);
        return;
    }
    enum gw_step step = examine(ex);
    if (step == GW_STEP_CHECK)
        run_load(ex);
    else
        commit(ex, step);
}

/* ---- receive ---- */

/* Check headers and size; true when the exchange may go on, else it has been answered. */
static bool check_headers(struct gw_exchange *ex)
{
    h2o_req_t *req = ex->req;
    unsigned versions, ids;
    h2o_iovec_t version = gw_http_header(req, "api-version", &versions);
    h2o_iovec_t id = gw_http_header(req, "x-request-id", &ids);
    bool id_valid = ids == 1 && s2s_uuid_valid(id.base, id.len);
    if (id_valid)
        memcpy(ex->request_id, id.base, id.len); /* for the log, whatever comes next */

    const struct s2s_api_version *known = versions == 1 ? s2s_api_version_find(version.base, version.len) : NULL;
    if (!gw_http_content_is_json(req)) {
        answer_now(ex, S2S_PROBLEM_HTTP_415, "The content type must be application/json.", 0);
    } else if (req->entity.len > ex->generation->config->limits.max_body) {
        answer_now(ex, S2S_PROBLEM_HTTP_413, "The request body is larger than this gateway accepts.", 0);
    } else if (known == NULL) {
        answer_now(ex, S2S_PROBLEM_UNSUPPORTED_VERSION,
                   versions == 0 ? "The Api-Version header is missing; see Api-Supported-Versions."
                                 : "This Api-Version is not supported; see Api-Supported-Versions.",
                   0);
    } else if (!id_valid) {
        ex->version = known;
        answer_now(ex, S2S_PROBLEM_VALIDATION, "The x-request-id header must be one UUID.", 0);
    } else {
        ex->version = known;
        return true;
    }
    return false;
}

static const struct gw_endpoint *find_endpoint(const struct gw_exchange *ex)
{
    const char *base = gw_generation_base_path(ex->generation, ex->role->side);
    size_t base_len = strlen(base);
    size_t len = ex->req->query_at != SIZE_MAX ? ex->req->query_at : ex->req->path.len;
    if (len < base_len || memcmp(ex->req->path.base, base, base_len) != 0)
        return NULL;
    for (size_t i = 0; i < ex->role->count; ++i) {
        const char *path = ex->role->endpoints[i].message->path;
        if (h2o_memis(ex->req->path.base + base_len, len - base_len, path, strlen(path)))
            return &ex->role->endpoints[i];
    }
    return NULL;
}

/* No peer may take more than half of what the process has in flight, so that a flood of one is not everybody's. */
static bool is_overloaded(const struct gw_exchange *ex)
{
    unsigned limit = ex->worker->boot->config->limits.max_in_flight;
    unsigned of_peer = atomic_load_explicit(&ex->peer->rate->in_flight, memory_order_relaxed);
    return ex->worker->in_flight > limit || of_peer > (limit + 1) / 2 * ex->worker->process->count;
}

static void receive(struct gw_exchange *ex)
{
    if (ex->peer == NULL) {
        answer_now(ex, S2S_PROBLEM_UNKNOWN_PEER, "No peer is registered for this client certificate.", 0);
        return;
    }
    ex->endpoint = find_endpoint(ex);
    if (ex->endpoint == NULL) {
        answer_now(ex, S2S_PROBLEM_HTTP_404, "There is nothing at this path.", 0);
        return;
    }
    if (!gw_http_method_is(ex->req, "POST")) {
        answer_now(ex, S2S_PROBLEM_HTTP_405, "This endpoint takes POST only.", 0);
        return;
    }
    int64_t wait = gw_rate_take(ex->peer->rate, &ex->peer->config->rate_limit, ex->started_us);
    if (wait > 0) {
        answer_now(ex, S2S_PROBLEM_RATE_LIMITED, "Too many requests; see Retry-After.", wait);
        return;
    }
    if (!check_headers(ex))
        return;
    if (ex->worker->draining || is_overloaded(ex)) {
        answer_now(ex, S2S_PROBLEM_UNAVAILABLE, "The gateway takes no requests right now; repeat the request as it is.",
                   1);
        return;
    }
    parse(ex);
}

/* Note who the connection's peer is in this generation. False when its certificate is not trusted any more. */
static bool resolve_peer(struct gw_conn *conn, const struct gw_role *role, const struct gw_generation *generation)
{
    const struct gw_tls *tls = generation->tls[role->listener];
    if (conn->generation == generation->number)
        return true;
    if (tls == NULL || (conn->tls != gw_tls_context(tls) && !gw_tls_trusts(tls, conn->certificate, conn->chain)))
        return false;
    conn->generation = generation->number;
    conn->peer = gw_generation_peer(generation, conn->certificate,
                                    role->side == GW_ROLE_ISSUER ? GW_ROLE_WALLET : GW_ROLE_ISSUER);
    snprintf(conn->peer_name, sizeof(conn->peer_name), "%s", conn->peer != NULL ? conn->peer->config->name : "");
    return true;
}

void gw_exchange_start(struct gw_server *server, h2o_req_t *req)
{
    struct gw_worker *worker = server->owner;
    struct gw_conn *conn = gw_conn_of(req);
    const struct gw_role *role = server->role;
    if (role->document != NULL && role->document(worker, req))
        return;
    if (conn->certificate == NULL || conn->not_after <= gw_now_s() || !resolve_peer(conn, role, worker->generation)) {
        /* What a new handshake would refuse, an old connection does not get either: the client finds the reason out by
         * shaking hands again. The answer finds the connection ended, which is how h2o learns of it on HTTP/1. */
        gw_conn_end(conn);
        gw_http_send_problem(req, S2S_PROBLEM_UNKNOWN_PEER, "This client certificate is not trusted any more.", NULL);
        return;
    }
    struct gw_exchange *ex = calloc(1, sizeof(*ex));
    s2s_assert(ex != NULL);
    ex->worker = worker;
    ex->role = role;
    ex->generation = gw_generation_ref(worker->generation);
    ex->arena = s2s_arena_new(ex->generation->config->limits.request_memory);
    ex->peer = conn->peer;
    ex->req = req;
    ex->now = gw_now_s();
    ex->started_us = ex->waiting_since_us = gw_monotonic_us();
    ex->retry_after_s = ex->generation->config->issuer.poll_interval_s;
    s2s_uuid_new(ex->token);
    ++worker->in_flight;
    if (ex->peer != NULL)
        atomic_fetch_add_explicit(&ex->peer->rate->in_flight, 1, memory_order_relaxed);
    ex->link = gw_http_link(req, on_client_gone, ex);
    receive(ex);
}
