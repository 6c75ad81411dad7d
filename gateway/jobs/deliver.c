/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/jobs/deliver.h"

#include "gateway/log.h"
#include "gateway/worker.h"
#include "proto/json.h"
#include "proto/version.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ANSWER_DEPTH 32

struct delivery {
    struct gw_job *job;
    const struct gw_peer *peer;
    const char *session_id;
    const char *headers[5];
    struct gw_outbound_call call;
};

/* What an answer means for the delivery. */
enum verdict { DELIVERED, RETRY, BLOCKED, FINAL };

bool gw_deliver_prepare(const struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    if (!gw_generation_calls_out(worker->generation))
        return false;
    gw_db_integer(call, arena, worker->generation->config->outbound.concurrency);
    return true;
}

void gw_deliver_prepare_lanes(struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    const struct gw_generation *g = worker->generation;
    const char **names = s2s_arena_alloc(arena, (g->config->peer_count + 1) * sizeof(*names));
    size_t count = 0;
    s2s_assert(names != NULL);
    for (size_t i = 0; i < g->config->peer_count; ++i)
        if (g->peers[i].target.url != NULL)
            names[count++] = g->peers[i].config->name;
    gw_db_text_array(call, arena, names, count);
}

/* ---- what came back ---- */

static bool status_in(int status, const int *list)
{
    for (; *list != 0; ++list)
        if (*list == status)
            return true;
    return false;
}

/* Profile section 7: which answers are tried again, which mean that we are not let in, and which are final. A redirect
 * says nothing about the message, and may be some proxy's way to say that the peer is away. */
static enum verdict judge(const struct gw_outbound_answer *answer)
{
    static const int passing[] = {408, 425, 429, 0}, refusing[] = {401, 403, 0};
    if (answer->end == GW_OUTBOUND_UNTRUSTED)
        return BLOCKED;
    if (answer->end != GW_OUTBOUND_ANSWERED || status_in(answer->status, passing))
        return RETRY;
    if (status_in(answer->status, refusing))
        return BLOCKED;
    if (answer->status >= 200 && answer->status < 300)
        return DELIVERED;
    return answer->status >= 400 && answer->status < 500 ? FINAL : RETRY;
}

/* The answer's body, if it is JSON that may belong to this delivery; `*foreign` when it names another session. */
static const char *read_body(struct delivery *delivery, const struct gw_outbound_answer *answer, bool *foreign)
{
    struct json_object *json;
    *foreign = false;
    if (answer->body_len == 0 ||
        s2s_failed(s2s_json_parse(delivery->job->arena, answer->body, answer->body_len, MAX_ANSWER_DEPTH, &json)))
        return NULL;
    const char *session_id = s2s_json_string(json, "sessionId");
    *foreign = session_id != NULL && strcmp(session_id, delivery->session_id) != 0;
    return answer->body;
}

/* A copy, as the answer is gone when the database hears of it; and plain, as the transport may quote a certificate:
 * what is no text for the database must not keep a failure from being noted. */
static const char *describe(struct delivery *delivery, const struct gw_outbound_answer *answer)
{
    struct s2s_arena *arena = delivery->job->params;
    char *text = answer->end == GW_OUTBOUND_ANSWERED ? s2s_arena_printf(arena, "HTTP %d", answer->status)
                                                     : s2s_arena_strndup(arena, answer->error, strlen(answer->error));
    s2s_assert(text != NULL);
    for (char *c = text; *c != '\0'; ++c)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return text;
}

static void commit_failure(struct delivery *delivery, enum verdict verdict, const char *failure, int64_t retry_after_s)
{
    static const char *const kinds[] = {[RETRY] = "retry", [BLOCKED] = "blocked", [FINAL] = "final"};
    struct gw_job *job = delivery->job;
    const struct gw_outbound_config *config = &job->generation->config->outbound;
    int64_t delay_ms = gw_jobs_backoff_ms(job->attempts);
    if (retry_after_s * 1000 > delay_ms)
        delay_ms = retry_after_s * 1000;
    if (delay_ms > config->give_up_after_ms)
        delay_ms = config->give_up_after_ms;
    gw_log(verdict == FINAL ? GW_LOG_ERROR : GW_LOG_WARN, "delivery_failed", GW_S("delivery", job->id),
           GW_S("peer", delivery->peer != NULL ? delivery->peer->config->name : NULL),
           GW_S("path", delivery->call.path), GW_I("attempts", job->attempts), GW_S("verdict", kinds[verdict]),
           GW_S("reason", failure));
    gw_job_call(job, GW_SQL_DELIVERY_FAILED);
    gw_db_text(&job->call, kinds[verdict]);
    gw_db_text(&job->call, failure);
    gw_db_interval_ms(&job->call, job->params, delay_ms);
    if (verdict == BLOCKED)
        gw_db_interval_ms(&job->call, job->params, config->block_ms);
    else
        gw_db_text(&job->call, NULL);
    gw_db_interval_ms(&job->call, job->params, config->give_up_after_ms);
    gw_job_commit(job);
}

static void on_answer(struct gw_outbound_call *call, const struct gw_outbound_answer *answer)
{
    struct delivery *delivery = H2O_STRUCT_FROM_MEMBER(struct delivery, call, call);
    struct gw_job *job = delivery->job;
    enum verdict verdict = judge(answer);
    bool foreign;
    const char *body = read_body(delivery, answer, &foreign);
    if (verdict != DELIVERED) {
        commit_failure(delivery, verdict, describe(delivery, answer), answer->retry_after_s);
        return;
    }
    if (foreign) {
        commit_failure(delivery, RETRY, "the answer is for another session", -1);
        return;
    }
    gw_job_call(job, GW_SQL_DELIVERY_DONE);
    char *kept = body != NULL ? s2s_arena_strndup(job->arena, body, answer->body_len) : NULL;
    gw_db_text(&job->call, kept);
    gw_job_commit(job);
}

/* ---- sending ---- */

static char *copy(struct gw_job *job, const char *text)
{
    char *kept = s2s_arena_strndup(job->arena, text, strlen(text));
    s2s_assert(kept != NULL);
    return kept;
}

void gw_deliver_run(struct gw_job *job, const PGresult *result, int row)
{
    enum { ID, ATTEMPTS, PEER, ENDPOINT, REQUEST_ID, BODY, SESSION };
    const struct gw_outbound_config *config = &job->generation->config->outbound;
    struct delivery *delivery = s2s_arena_alloc(job->arena, sizeof(*delivery));
    s2s_assert(delivery != NULL);
    job->state = delivery;
    delivery->job = job;
    ++job->attempts; /* the claim counts failed ones only */
    delivery->session_id = copy(job, PQgetvalue(result, row, SESSION));
    job->order_key = delivery->session_id;
    delivery->peer = gw_generation_peer_named(job->generation, PQgetvalue(result, row, PEER));
    delivery->call.path = copy(job, PQgetvalue(result, row, ENDPOINT));
    if (delivery->peer == NULL || delivery->peer->target.url == NULL) {
        commit_failure(delivery, RETRY, "the peer is not configured", -1);
        return;
    }
    const char *request_id = s2s_arena_printf(job->arena, "x-request-id: %s", PQgetvalue(result, row, REQUEST_ID));
    const char *version = s2s_arena_printf(job->arena, "Api-Version: %s", s2s_api_versions[0].version);
    s2s_assert(request_id != NULL && version != NULL);
    delivery->headers[0] = "Content-Type: application/json";
    delivery->headers[1] = "Accept: application/json, application/problem+json";
    delivery->headers[2] = request_id;
    delivery->headers[3] = version;
    delivery->call.target = &delivery->peer->target;
    delivery->call.method = "POST";
    delivery->call.headers = delivery->headers;
    delivery->call.body = copy(job, PQgetvalue(result, row, BODY));
    delivery->call.body_len = strlen(delivery->call.body);
    delivery->call.timeout_ms = config->timeout_ms;
    delivery->call.max_answer = config->max_answer;
    delivery->call.done = on_answer;
    gw_outbound_send(job->worker->outbound, &delivery->call);
}
