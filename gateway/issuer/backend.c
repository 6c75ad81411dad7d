/* SPDX-License-Identifier: Apache-2.0
 *
 * Method. Each backend has a lane in each worker, with the questions that are in flight and those that wait. One timer
 * ends what has waited for too long; what is in flight has the outbound client's.
 */
#include "gateway/issuer/backend.h"

#include "gateway/clock.h"
#include "gateway/log.h"
#include "gateway/metrics.h"
#include "gateway/worker.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How often the lines are looked at; with less time than that left, nobody is asked any more. */
#define SWEEP_MS 50

struct gw_backend_lane {
    struct gw_backends *backends;
    char *name;
    struct gw_backend_ask *first, **last; /* in the order of their coming; those that wait behind those in flight */
    unsigned in_flight;
    struct gw_backend_lane *next;
};

struct gw_backends {
    struct gw_backend_lane *lanes;
    uv_timer_t sweep;
};

bool gw_backend_find(const struct gw_generation *generation, const char *name, struct gw_backend *out)
{
    const struct gw_config *config = generation->config;
    for (size_t i = 0; name != NULL && i < config->backend_count; ++i) {
        if (strcmp(config->backends[i].to.name, name) != 0)
            continue;
        *out = (struct gw_backend){&config->backends[i], &generation->backends[i]};
        return true;
    }
    return false;
}

/* ---- judging ---- */

static const char *const outcomes[] = {
    [GW_BACKEND_ANSWERED] = "answered",
    [GW_BACKEND_NOT_YET] = "not_yet",
    [GW_BACKEND_FAILED] = "failed",
    [GW_BACKEND_WRONG] = "wrong",
};

static const char *name_of(const struct gw_backend_ask *ask)
{
    return ask->backend.config->to.name;
}

static void complain(const struct gw_backend_ask *ask, enum gw_backend_end end, int status, const char *reason,
                     const char *error)
{
    gw_log(end == GW_BACKEND_WRONG ? GW_LOG_ERROR : GW_LOG_WARN, "backend_failed", GW_S("backend", name_of(ask)),
           GW_S("type", ask->type), GW_S("webhook_id", ask->id), GW_S("outcome", outcomes[end]),
           status != 0 ? GW_I("status", status) : GW_S("status", NULL), GW_S("reason", reason), GW_S("error", error));
}

void gw_backend_complain(const struct gw_backend_ask *ask, const char *reason)
{
    complain(ask, GW_BACKEND_WRONG, 200, reason, NULL);
    gw_metrics_backend(ask->worker->metrics, name_of(ask), "unusable");
}

static void wrong(struct gw_backend_answer *answer, const char *reason)
{
    answer->end = GW_BACKEND_WRONG;
    answer->reason = reason;
}

/* 401 and 403 are about us, not about the question: an expired token must cost no decision. */
static bool status_may_pass(int status)
{
    static const int passing[] = {401, 403, 408, 425, 429};
    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); ++i)
        if (status == passing[i])
            return true;
    return status >= 500;
}

/* The first violation is enough: its pointer names members of the schema only, and its message quotes nothing. */
static const char *violation_of(struct gw_backend_ask *ask, const struct s2s_violations *violations)
{
    const struct s2s_violation *first = &violations->items[0];
    char *text = s2s_arena_printf(ask->arena, "its answer is not what it should be: %s %s",
                                  *first->pointer != '\0' ? first->pointer : "it", first->message);
    return text != NULL ? text : "its answer is not what it should be";
}

static bool read_object(struct gw_backend_ask *ask, const struct gw_outbound_answer *from, struct json_object **out)
{
    return !s2s_failed(s2s_json_parse(ask->arena, from->body, from->body_len,
                                      ask->worker->boot->config->limits.max_depth, out)) &&
           json_object_is_type(*out, json_type_object);
}

static void judge_body(struct gw_backend_ask *ask, const struct gw_outbound_answer *from,
                       struct gw_backend_answer *answer)
{
    struct s2s_violations violations = {.count = 0};
    if (!read_object(ask, from, &answer->json))
        wrong(answer, "its answer is not a JSON object that can be accepted");
    else if (!s2s_schema_check(ask->arena, ask->schema, answer->json, &violations))
        wrong(answer, violation_of(ask, &violations));
    if (answer->end == GW_BACKEND_WRONG)
        answer->json = NULL;
}

static struct gw_backend_answer judge(struct gw_backend_ask *ask, const struct gw_outbound_answer *from)
{
    struct gw_backend_answer answer = {.status = from->status, .retry_after_s = from->retry_after_s};
    struct json_object *object;
    if (from->end == GW_OUTBOUND_TOO_LARGE) {
        wrong(&answer, "its answer is larger than allowed");
    } else if (from->end != GW_OUTBOUND_ANSWERED) {
        answer.end = GW_BACKEND_FAILED;
        answer.reason = from->timed_out                      ? "it did not answer in time"
                        : from->end == GW_OUTBOUND_UNTRUSTED ? "one side did not trust the other's certificate"
                                                             : "it cannot be reached";
    } else if (from->status == 200) {
        judge_body(ask, from, &answer);
    } else if (ask->may_wait && (from->status == 202 || (from->status == 404 && read_object(ask, from, &object)))) {
        answer.end = GW_BACKEND_NOT_YET;
    } else if (status_may_pass(from->status)) {
        answer.end = GW_BACKEND_FAILED;
        answer.reason = "it answered with a failure";
    } else {
        wrong(&answer, "it answered with a status that says nothing here");
    }
    return answer;
}

/* ---- lanes ---- */

static struct gw_backend_lane *find_lane(const struct gw_backends *backends, const char *name)
{
    struct gw_backend_lane *lane = backends->lanes;
    while (lane != NULL && strcmp(lane->name, name) != 0)
        lane = lane->next;
    return lane;
}

/* There are as many as backends were ever configured. */
static struct gw_backend_lane *lane_of(struct gw_backends *backends, const char *name)
{
    struct gw_backend_lane *lane = find_lane(backends, name);
    if (lane != NULL)
        return lane;
    lane = calloc(1, sizeof(*lane));
    s2s_assert(lane != NULL);
    lane->backends = backends;
    lane->name = strdup(name);
    s2s_assert(lane->name != NULL);
    lane->last = &lane->first;
    lane->next = backends->lanes;
    backends->lanes = lane;
    return lane;
}

/* The question is nobody's from here on. */
static void leave_lane(struct gw_backend_ask *ask)
{
    struct gw_backend_lane *lane = ask->lane;
    lane->in_flight -= !ask->waiting;
    *ask->link = ask->next;
    if (ask->next != NULL)
        ask->next->link = ask->link;
    else
        lane->last = ask->link;
    ask->lane = NULL;
}

static void enter_lane(struct gw_backend_ask *ask, struct gw_backend_lane *lane)
{
    ask->lane = lane;
    ask->waiting = true;
    ask->next = NULL;
    ask->link = lane->last;
    *lane->last = ask;
    lane->last = &ask->next;
}

/* Of those that wait, the one that has waited for longest, or NULL. */
static struct gw_backend_ask *first_waiting(const struct gw_backend_lane *lane)
{
    struct gw_backend_ask *ask = lane->first;
    while (ask != NULL && !ask->waiting)
        ask = ask->next;
    return ask;
}

/* Nothing of the question is touched after `done`. */
static void end(struct gw_backend_ask *ask, const struct gw_backend_answer *answer, const char *outcome,
                const char *error)
{
    leave_lane(ask);
    gw_metrics_backend(ask->worker->metrics, name_of(ask), outcome);
    gw_metrics_backend_time(ask->worker->metrics, name_of(ask), (double)(gw_monotonic_us() - ask->asked_us) / 1e6);
    if (answer->reason != NULL)
        complain(ask, answer->end, answer->status, answer->reason, error);
    ask->done(ask, answer);
}

static void send_next(struct gw_backend_lane *lane);

static void on_answer(struct gw_outbound_call *call, const struct gw_outbound_answer *from)
{
    struct gw_backend_ask *ask = H2O_STRUCT_FROM_MEMBER(struct gw_backend_ask, call, call);
    struct gw_backend_lane *lane = ask->lane;
    struct gw_backend_answer answer = judge(ask, from);
    end(ask, &answer, outcomes[answer.end], from->error);
    send_next(lane);
}

static int64_t left_ms(const struct gw_backend_ask *ask)
{
    return (ask->deadline_us - gw_monotonic_us()) / 1000;
}

/* As late as possible: the time in the signature is that of the flight. */
static void launch(struct gw_backend_ask *ask, int64_t patience_ms)
{
    struct gw_outbound_call *call = &ask->call;
    size_t count = 0;
    ask->headers[count++] = "Content-Type: application/json";
    ask->headers[count++] = "Accept: application/json";
    gw_webhook_headers(ask->backend.receiver, ask->arena, ask->id, gw_now_s(), s2s_bytes(call->body, call->body_len),
                       &ask->headers[count]);
    call->timeout_ms = patience_ms;
    ask->waiting = false;
    ++ask->lane->in_flight;
    gw_outbound_send(ask->worker->outbound, call);
}

static void send_next(struct gw_backend_lane *lane)
{
    for (struct gw_backend_ask *ask = first_waiting(lane); ask != NULL; ask = ask->next) {
        int64_t patience_ms = left_ms(ask);
        if (lane->in_flight >= ask->backend.config->concurrency)
            return;
        if (!ask->waiting || patience_ms <= SWEEP_MS)
            continue;
        launch(ask, patience_ms);
        return;
    }
}

/* `done` may ask and cancel: the line is looked at anew after each. */
static bool expire_one(struct gw_backend_lane *lane)
{
    static const struct gw_backend_answer busy = {
        .end = GW_BACKEND_FAILED, .retry_after_s = -1, .reason = "it could not be asked in time"};
    for (struct gw_backend_ask *ask = lane->first; ask != NULL; ask = ask->next) {
        if (!ask->waiting || left_ms(ask) > SWEEP_MS)
            continue;
        end(ask, &busy, "busy", NULL);
        return true;
    }
    return false;
}

static void on_sweep(uv_timer_t *timer)
{
    struct gw_backends *backends = timer->data;
    bool waiting = false;
    for (struct gw_backend_lane *lane = backends->lanes; lane != NULL; lane = lane->next) {
        while (expire_one(lane))
            ;
        waiting = waiting || first_waiting(lane) != NULL;
    }
    if (!waiting)
        uv_timer_stop(timer);
}

/* ---- asking ---- */

static void write_body(struct gw_backend_ask *ask)
{
    char now[32];
    time_t seconds = (time_t)gw_now_s();
    struct tm tm;
    strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
    struct json_object *body = s2s_json_own(ask->arena, json_object_new_object());
    s2s_json_set_string(body, "type", ask->type);
    s2s_json_set_string(body, "timestamp", now);
    json_object_object_add(body, "data", json_object_get(ask->data));
    ask->call.body = s2s_json_write(ask->arena, body, &ask->call.body_len);
}

void gw_backend_ask(struct gw_backend_ask *ask)
{
    const struct gw_backend_config *config = ask->backend.config;
    ask->asked_us = gw_monotonic_us();
    int64_t latest_us = ask->asked_us + config->timeout_ms * 1000;
    if (ask->deadline_us == 0 || latest_us < ask->deadline_us)
        ask->deadline_us = latest_us;
    ask->call = (struct gw_outbound_call){.target = &ask->backend.receiver->target,
                                          .method = "POST",
                                          .path = "",
                                          .headers = ask->headers,
                                          .max_answer = config->max_answer,
                                          .done = on_answer};
    write_body(ask);
    s2s_assert(ask->call.body != NULL);
    struct gw_backends *backends = ask->worker->backends;
    struct gw_backend_lane *lane = lane_of(backends, config->to.name);
    enter_lane(ask, lane);
    send_next(lane);
    if (ask->waiting && !uv_is_active((uv_handle_t *)&backends->sweep))
        uv_timer_start(&backends->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
}

void gw_backend_cancel(struct gw_backend_ask *ask)
{
    struct gw_backend_lane *lane = ask->lane;
    if (lane == NULL)
        return;
    if (!ask->waiting)
        gw_outbound_cancel(ask->worker->outbound, &ask->call);
    leave_lane(ask);
    send_next(lane);
}

unsigned gw_backend_room(const struct gw_worker *worker, const struct gw_backend_config *config)
{
    const struct gw_backend_lane *lane = find_lane(worker->backends, config->to.name);
    unsigned taken = lane != NULL ? lane->in_flight : 0;
    bool full = taken >= config->concurrency || (lane != NULL && first_waiting(lane) != NULL);
    return full ? 0 : config->concurrency - taken;
}

/* ---- life ---- */

struct gw_backends *gw_backends_new(uv_loop_t *loop)
{
    struct gw_backends *backends = calloc(1, sizeof(*backends));
    s2s_assert(backends != NULL);
    uv_timer_init(loop, &backends->sweep);
    backends->sweep.data = backends;
    return backends;
}

static void on_closed(uv_handle_t *handle)
{
    struct gw_backends *backends = handle->data;
    while (backends->lanes != NULL) {
        struct gw_backend_lane *lane = backends->lanes;
        backends->lanes = lane->next;
        free(lane->name);
        free(lane);
    }
    free(backends);
}

static void end_all(struct gw_backend_lane *lane)
{
    static const struct gw_backend_answer stopping = {
        .end = GW_BACKEND_FAILED, .retry_after_s = -1, .reason = "this gateway is stopping"};
    while (lane->first != NULL) {
        struct gw_backend_ask *ask = lane->first;
        if (!ask->waiting)
            gw_outbound_cancel(ask->worker->outbound, &ask->call);
        end(ask, &stopping, outcomes[stopping.end], NULL);
    }
}

void gw_backends_close(struct gw_backends *backends)
{
    for (struct gw_backend_lane *lane = backends->lanes; lane != NULL; lane = lane->next)
        end_all(lane);
    uv_close((uv_handle_t *)&backends->sweep, on_closed);
}
