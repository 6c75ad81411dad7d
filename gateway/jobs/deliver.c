/* SPDX-License-Identifier: Apache-2.0
 *
 * Three kinds of messages take the same way and differ in a few decisions, which stand together in `struct route`:
 *
 *   the issuer's calls    the wallet has it when it says 2xx; what it says beside that matters little
 *   the wallet's calls    the answer is what the call was for: one that is not the endpoint's, or not about the thing
 *                         that was asked for, is none
 *   webhooks              signed, to the operator's own backend
 */
#include "gateway/jobs/deliver.h"

#include "gateway/clock.h"
#include "gateway/jobs/answer.h"
#include "gateway/jobs/message.h"
#include "gateway/jobs/webhook.h"
#include "gateway/log.h"
#include "gateway/worker.h"
#include "proto/version.h"

#include <stdlib.h>
#include <string.h>

#define MAX_MESSAGE_DEPTH 64
#define MAX_HEADERS 6

/* What is known of a flight that failed. */
struct failure {
    enum gw_verdict verdict;
    const char *reason; /* fit for the log and the database; NULL: it has not failed */
    int64_t retry_after_s;
    int status;          /* HTTP; 0 when there was none */
    bool stray;          /* the message may still arrive */
    bool of_message;     /* of ours, or of what is no answer to it: the peer is there for the others */
    const char *problem; /* text of a problem, or NULL */
};

struct delivery {
    struct gw_job *job;
    const struct route *route;
    const char *lane;                    /* name of the peer; of a receiver, with its prefix */
    const char *what;                    /* path, or type of the webhook */
    const char *session_id;              /* "" when there is none */
    const char *request_id;              /* the same at every attempt */
    const struct s2s_endpoint *endpoint; /* whose answer is checked; NULL: any 2xx will do */
    struct json_object *request;         /* the body, for its ids; NULL in a webhook */
    const char *headers[MAX_HEADERS + 1];
    struct gw_outbound_call call;
    struct failure failure;
};

/* What depends on who owes the message, and to whom. */
struct route {
    enum gw_verdict (*judge)(const struct gw_outbound_answer *answer);
    /* Set target, path and headers of the call; its body is there. False: there is no such peer. */
    bool (*address)(struct delivery *delivery);
    unsigned ids;       /* that the answer must repeat if it names them: see gw_answer_foreign */
    bool keeps_problem; /* what a refusal says is shown to the application */
    bool polls;         /* "not yet" is an answer */
};

/* ---- what can be called ---- */

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
    gw_db_text(call, gw_webhook_lanes(g->config, arena));
    gw_db_interval_ms(call, arena, g->config->outbound.give_up_after_ms);
}

/* ---- how a flight ends ---- */

void gw_deliver_poll_parameters(struct gw_db_call *call, struct s2s_arena *arena, const struct gw_poll_config *poll)
{
    if (poll != NULL && poll->enabled) {
        gw_db_interval_ms(call, arena, poll->first_ms);
        gw_db_interval_ms(call, arena, poll->longest_ms);
    } else {
        gw_db_text(call, NULL);
        gw_db_text(call, NULL);
    }
}

/* Verdicts as the database knows them. */
static const char *const kinds[] = {[GW_RETRY] = "retry", [GW_BLOCKED] = "blocked", [GW_FINAL] = "final"};

/* What the database says when it refuses an answer, before it says why. */
#define REFUSED "refused: "

/* News of a lane, which outlives the flight that brought it. */
struct lane_news {
    struct gw_worker *worker;
    struct gw_db_call call;
    char lane[];
};

static void on_lane_told(struct gw_db_call *call, enum gw_db_outcome outcome, const PGresult *result)
{
    struct lane_news *news = H2O_STRUCT_FROM_MEMBER(struct lane_news, call, call);
    (void)outcome; /* news that is lost comes again with the next flight */
    (void)result;
    --news->worker->in_flight;
    free(news);
}

/* Lanes are the last thing that a transaction locks: where the end of a flight is one call of a batch, its lane is told
 * afterwards, before the next claim. */
static void clear_lane(const struct delivery *delivery)
{
    size_t size = strlen(delivery->lane) + 1;
    struct lane_news *news = malloc(sizeof(*news) + size);
    s2s_assert(news != NULL);
    news->worker = delivery->job->worker;
    memcpy(news->lane, delivery->lane, size);
    gw_db_call_init(&news->call, &gw_statements[GW_SQL_LANE_CLEARED]);
    gw_db_text(&news->call, news->lane);
    news->call.alone = true;
    news->call.done = on_lane_told;
    ++news->worker->in_flight;
    gw_db_submit(news->worker->db, &news->call);
}

/* One line for each flight that failed, when it is known what the database made of it: a dead letter is loud. */
static void log_failure(const struct delivery *delivery, const char *outcome, bool refused)
{
    const struct gw_job *job = delivery->job;
    const struct failure *failure = &delivery->failure;
    gw_log(strcmp(outcome, "dead") == 0 ? GW_LOG_ERROR : GW_LOG_WARN, "delivery_failed", GW_S("delivery", job->id),
           GW_S("peer", delivery->lane), GW_S("path", delivery->what), GW_I("attempts", job->attempts),
           GW_S("verdict", kinds[refused ? GW_RETRY : failure->verdict]),
           GW_S("reason", refused ? outcome + strlen(REFUSED) : failure->reason), GW_S("outcome", outcome));
}

/* An answer that the database refuses is sent for again, as one that was refused here. Either says nothing about the
 * lane. */
static void on_over(struct gw_job *job, const char *outcome, const PGresult *result)
{
    enum { OUTCOME, FEEDS, LANE_IS_UNWELL };
    const struct delivery *delivery = job->state;
    bool failed = delivery->failure.reason != NULL;
    bool refused = strncmp(outcome, REFUSED, strlen(REFUSED)) == 0;
    if (failed || refused)
        log_failure(delivery, outcome, refused);
    else if (result != NULL && gw_db_true(result, 0, LANE_IS_UNWELL))
        clear_lane(delivery);
}

static int64_t delay_of(const struct gw_job *job, const struct failure *failure)
{
    const int64_t most = job->generation->config->outbound.give_up_after_ms;
    int64_t delay_ms = gw_jobs_backoff_ms(job->attempts);
    if (failure->retry_after_s * 1000 > delay_ms)
        delay_ms = failure->retry_after_s * 1000;
    return delay_ms < most ? delay_ms : most;
}

static void commit_failure(struct delivery *delivery, struct failure failure)
{
    struct gw_job *job = delivery->job;
    const struct gw_outbound_config *config = &job->generation->config->outbound;
    delivery->failure = failure;
    gw_job_call(job, GW_SQL_DELIVERY_FAILED);
    job->call.alone = true; /* its lane is told as well */
    gw_db_text(&job->call, failure.of_message ? "fault" : kinds[failure.verdict]);
    gw_db_text(&job->call, failure.reason);
    gw_db_interval_ms(&job->call, job->params, delay_of(job, &failure));
    if (failure.verdict == GW_BLOCKED)
        gw_db_interval_ms(&job->call, job->params, config->block_ms);
    else
        gw_db_text(&job->call, NULL);
    gw_db_interval_ms(&job->call, job->params, config->give_up_after_ms);
    gw_db_integer(&job->call, job->params, failure.status);
    gw_db_text(&job->call, failure.problem);
    gw_db_text(&job->call, failure.stray ? "t" : "f");
    gw_job_commit(job);
}

/* A fault that lies here, or in an answer that is none: somebody may mend it. */
static void commit_fault(struct delivery *delivery, const char *reason, int status)
{
    commit_failure(delivery,
                   (struct failure){GW_RETRY, reason, .retry_after_s = -1, .status = status, .of_message = true});
}

static void commit_done(struct delivery *delivery, int status, const char *answer)
{
    struct gw_job *job = delivery->job;
    gw_job_call(job, GW_SQL_DELIVERY_DONE);
    gw_db_integer(&job->call, job->params, status);
    gw_db_text(&job->call, answer);
    gw_deliver_poll_parameters(&job->call, job->params,
                               delivery->route->polls ? &job->generation->config->wallet.poll : NULL);
    gw_db_interval_ms(&job->call, job->params, job->generation->config->outbound.give_up_after_ms);
    gw_db_text(&job->call, delivery->lane);
    gw_job_commit(job);
}

/* The peer took the message: see whether what it said can be an answer to it. */
static void take_answer(struct delivery *delivery, const struct gw_outbound_answer *answer, struct json_object *object)
{
    struct s2s_arena *arena = delivery->job->arena;
    const char *fault = NULL, *body = NULL;
    if (delivery->endpoint != NULL)
        fault = gw_answer_fault(arena, delivery->endpoint, answer->status, object, &body);
    else if (object != NULL)
        body = s2s_arena_strndup(arena, answer->body, answer->body_len);
    if (fault == NULL)
        fault = gw_answer_foreign(delivery->request, object, delivery->route->ids);
    if (fault != NULL)
        commit_fault(delivery, fault, answer->status);
    else
        commit_done(delivery, answer->status, body);
}

static void on_answer(struct gw_outbound_call *call, const struct gw_outbound_answer *answer)
{
    struct delivery *delivery = H2O_STRUCT_FROM_MEMBER(struct delivery, call, call);
    if (answer->end == GW_OUTBOUND_TOO_LATE) {
        gw_job_abandon(delivery->job);
        return;
    }
    struct json_object *object = gw_answer_object(delivery->job->arena, answer);
    enum gw_verdict verdict = delivery->route->judge(answer);
    if (verdict == GW_DELIVERED) {
        take_answer(delivery, answer, object);
        return;
    }
    struct failure failure = {.verdict = verdict,
                              .reason = gw_answer_failure(delivery->job->params, answer),
                              .retry_after_s = answer->retry_after_s,
                              .status = answer->status,
                              .stray = gw_answer_leaves_stray(answer)};
    if (delivery->route->keeps_problem)
        failure.problem = gw_answer_problem(delivery->job->arena, object);
    commit_failure(delivery, failure);
}

/* ---- where a message goes ---- */

static char *need(char *text)
{
    s2s_assert(text != NULL);
    return text;
}

static bool address_peer(struct delivery *delivery)
{
    struct s2s_arena *arena = delivery->job->arena;
    const struct gw_peer *peer = gw_generation_peer_named(delivery->job->generation, delivery->lane);
    if (peer == NULL || peer->target.url == NULL)
        return false;
    delivery->call.target = &peer->target;
    delivery->call.path = delivery->what;
    delivery->headers[0] = "Content-Type: application/json";
    delivery->headers[1] = "Accept: application/json, application/problem+json";
    delivery->headers[2] = need(s2s_arena_printf(arena, "x-request-id: %s", delivery->request_id));
    delivery->headers[3] = need(s2s_arena_printf(arena, "Api-Version: %s", s2s_api_versions[0].version));
    return true;
}

static bool address_receiver(struct delivery *delivery)
{
    struct s2s_arena *arena = delivery->job->arena;
    const struct gw_receiver *receiver =
        gw_generation_receiver(delivery->job->generation, delivery->lane + strlen(GW_WEBHOOK_PREFIX));
    if (receiver == NULL)
        return false;
    delivery->call.target = &receiver->target;
    delivery->call.path = "";
    delivery->headers[0] = "Content-Type: application/json";
    delivery->headers[1] = "Accept: application/json";
    gw_webhook_headers(receiver, arena, need(s2s_arena_printf(arena, "msg_%s", delivery->request_id)), gw_now_s(),
                       s2s_bytes(delivery->call.body, delivery->call.body_len), &delivery->headers[2]);
    return true;
}

static const struct route issuer_calls = {.judge = gw_verdict_of_peer, .address = address_peer, .ids = 1};
static const struct route wallet_calls = {
    .judge = gw_verdict_of_peer, .address = address_peer, .ids = GW_ALL_IDS, .keeps_problem = true, .polls = true};
static const struct route webhooks = {.judge = gw_verdict_of_receiver, .address = address_receiver};

static const struct s2s_endpoint *endpoint_at(const char *path)
{
    for (size_t i = 0; i < S2S_ENDPOINTS; ++i)
        if (strcmp(s2s_endpoints[i].path, path) == 0)
            return &s2s_endpoints[i];
    return NULL;
}

/* What a wallet's call answers is used; of an issuer's calls that is only so of the question how things stand. */
static void choose_route(struct delivery *delivery, const char *side)
{
    if (strncmp(delivery->lane, GW_WEBHOOK_PREFIX, strlen(GW_WEBHOOK_PREFIX)) == 0) {
        delivery->route = &webhooks;
        return;
    }
    const struct s2s_endpoint *endpoint = endpoint_at(delivery->what);
    bool is_wallet = strcmp(side, "WALLET") == 0;
    delivery->route = is_wallet ? &wallet_calls : &issuer_calls;
    if (is_wallet || endpoint == &s2s_endpoints[S2S_CREDENTIAL_STATUS])
        delivery->endpoint = endpoint;
}

/* ---- sending ---- */

static char *copy(struct gw_job *job, const char *text)
{
    return need(s2s_arena_strndup(job->arena, text, strlen(text)));
}

/* The message as it goes out. `sealed` is NULL when nothing of it is. */
static struct s2s_result compose(struct delivery *delivery, const char *body, const char *sealed)
{
    struct gw_job *job = delivery->job;
    struct gw_outbound_call *call = &delivery->call;
    if (sealed != NULL)
        S2S_TRY(gw_message_open(job->generation->vault, job->arena, delivery->session_id, body, sealed, &call->body));
    else if ((call->body = s2s_arena_strndup(job->arena, body, strlen(body))) == NULL)
        return s2s_fail(S2S_LIMIT, "a message is too large");
    call->body_len = strlen(call->body);
    if (delivery->route == &webhooks)
        return s2s_ok();
    return s2s_json_parse(job->arena, call->body, call->body_len, MAX_MESSAGE_DEPTH, &delivery->request);
}

/* The flight ends before its lease does, so that there are never two of one thing; a process that is stopped on the way
 * finds, when it goes on, that it may not send any more. */
static void send_in_time(struct delivery *delivery)
{
    struct gw_job *job = delivery->job;
    const struct gw_outbound_config *config = &job->generation->config->outbound;
    int64_t left_ms = (job->lease_until_us - gw_monotonic_us()) / 1000;
    if (left_ms <= 0) {
        gw_job_abandon(job);
        return;
    }
    delivery->call.method = "POST";
    delivery->call.headers = delivery->headers;
    delivery->call.timeout_ms = left_ms < config->timeout_ms ? left_ms : config->timeout_ms;
    delivery->call.send_by_us = job->lease_until_us;
    delivery->call.max_answer = config->max_answer;
    delivery->call.done = on_answer;
    gw_outbound_send(job->worker->outbound, &delivery->call);
}

void gw_deliver_run(struct gw_job *job, const PGresult *result, int row)
{
    enum { ID, ATTEMPTS, PEER, ENDPOINT, REQUEST_ID, BODY, SESSION, SIDE, SEALED };
    struct delivery *delivery = s2s_arena_alloc(job->arena, sizeof(*delivery));
    s2s_assert(delivery != NULL);
    job->state = delivery;
    job->over = on_over;
    ++job->attempts; /* the claim counts failed ones only */
    delivery->job = job;
    delivery->lane = copy(job, PQgetvalue(result, row, PEER));
    delivery->what = copy(job, PQgetvalue(result, row, ENDPOINT));
    delivery->session_id = copy(job, PQgetvalue(result, row, SESSION));
    delivery->request_id = copy(job, PQgetvalue(result, row, REQUEST_ID));
    job->order_key = delivery->session_id;
    choose_route(delivery, PQgetvalue(result, row, SIDE));
    struct s2s_result r = compose(delivery, PQgetvalue(result, row, BODY), gw_db_column(result, row, SEALED));
    if (s2s_failed(r))
        commit_fault(delivery, r.detail, 0);
    else if (!delivery->route->address(delivery))
        commit_fault(delivery, "the peer is not configured", 0);
    else
        send_in_time(delivery);
}
