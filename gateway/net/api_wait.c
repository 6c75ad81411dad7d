/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/api_wait.h"

#include "gateway/clock.h"
#include "gateway/worker.h"
#include "proto/json.h"

#include <stdlib.h>
#include <string.h>

/* How soon the database is asked again about what has not settled, at first and at most. */
#define FIRST_PAUSE_MS 100
#define LONGEST_PAUSE_MS 500

static bool is_one_of(const char *text, const char *const *values)
{
    for (; text != NULL && *values != NULL; ++values)
        if (strcmp(text, *values) == 0)
            return true;
    return false;
}

/* Whether the thing that the row tells of has settled. `*id` (may be NULL) gets its name, in the request's arena. */
static bool is_settled(struct gw_api_request *rq, const PGresult *result, const char **id)
{
    const struct gw_api_wait *wait = rq->route->wait;
    const struct gw_limits_config *limits = &rq->generation->config->limits;
    struct s2s_arena *scratch = s2s_arena_new(limits->request_memory); /* this may happen often in one request */
    struct json_object *thing;
    bool settled = true;
    if (!s2s_failed(s2s_json_parse(scratch, PQgetvalue(result, 0, GW_API_BODY),
                                   (size_t)PQgetlength(result, 0, GW_API_BODY), limits->max_depth, &thing))) {
        const char *name = s2s_json_string(thing, wait->id);
        settled = name == NULL || !is_one_of(s2s_json_string(thing, "status"), wait->unsettled);
        if (id != NULL && !settled) {
            *id = s2s_arena_strndup(rq->arena, name, strlen(name));
            s2s_assert(*id != NULL);
        }
    }
    s2s_arena_free(scratch);
    return settled;
}

static void stop_waiting(struct gw_api_request *rq)
{
    uv_timer_stop(&rq->wait.timer);
}

static void on_looked(struct gw_db_call *call, enum gw_db_outcome outcome, const PGresult *result);

static void on_pause_over(uv_timer_t *timer)
{
    struct gw_api_request *rq = timer->data;
    rq->cancel = NULL;
    if (rq->worker->draining || gw_conn_left(gw_conn_of(rq->req)))
        rq->wait.until_us = 0; /* one last look */
    gw_db_call_init(&rq->call, &gw_statements[rq->route->wait->statement]);
    rq->call.problem = rq->token;
    rq->call.done = on_looked;
    gw_db_text(&rq->call, rq->token);
    gw_db_text(&rq->call, rq->wait.input);
    gw_db_submit(rq->worker->db, &rq->call);
}

static void pause_and_look(struct gw_api_request *rq)
{
    int64_t left_ms = (rq->wait.until_us - gw_monotonic_us()) / 1000 + 1;
    uint64_t pause_ms = rq->wait.pause_ms;
    if (left_ms < (int64_t)pause_ms)
        pause_ms = left_ms > 0 ? (uint64_t)left_ms : 0;
    rq->wait.pause_ms += rq->wait.pause_ms / 2;
    if (rq->wait.pause_ms > LONGEST_PAUSE_MS)
        rq->wait.pause_ms = LONGEST_PAUSE_MS;
    rq->cancel = stop_waiting;
    uv_timer_start(&rq->wait.timer, on_pause_over, pause_ms, 0);
}

static void on_looked(struct gw_db_call *call, enum gw_db_outcome outcome, const PGresult *result)
{
    struct gw_api_request *rq = H2O_STRUCT_FROM_MEMBER(struct gw_api_request, call, call);
    if (!gw_api_has_row(rq, outcome, result))
        return;
    int status = atoi(PQgetvalue(result, 0, GW_API_STATUS));
    if (status >= 300 || is_settled(rq, result, NULL))
        gw_api_reply_row(rq, status, result);
    else if (rq->req == NULL || gw_monotonic_us() >= rq->wait.until_us)
        gw_api_reply_row(rq, rq->status, result); /* what it was accepted with */
    else
        pause_and_look(rq);
}

/* A wait holds a place among the requests in flight; so a crowd of them is not allowed to grow. */
static bool may_wait(const struct gw_api_request *rq)
{
    return rq->route->wait != NULL && rq->wait.seconds > 0 && rq->req != NULL && !rq->worker->draining &&
           rq->worker->in_flight <= rq->worker->boot->config->limits.max_in_flight / 2;
}

bool gw_api_hold(struct gw_api_request *rq, const PGresult *result)
{
    const char *id = NULL;
    if (!may_wait(rq) || is_settled(rq, result, &id))
        return false;
    struct json_object *input = s2s_json_own(rq->arena, json_object_new_object());
    s2s_json_set_string(input, rq->route->wait->id, id);
    rq->wait.input = s2s_json_write(rq->arena, input, NULL);
    s2s_assert(rq->wait.input != NULL);
    rq->wait.until_us = rq->started_us + (int64_t)rq->wait.seconds * 1000000;
    rq->wait.pause_ms = FIRST_PAUSE_MS;
    rq->wait.begun = true;
    rq->replayed = false; /* what will be told is news */
    uv_timer_init(&rq->worker->loop, &rq->wait.timer);
    rq->wait.timer.data = rq;
    pause_and_look(rq);
    return true;
}
