/* SPDX-License-Identifier: Apache-2.0
 *
 * An evaluation: claim ─▶ gather ─▶ judge ─▶ decide ─▶ commit; handover.c begins one without a claim. To judge is up to
 * three steps: what the items say by themselves, what the database knows of them, what they refer to.
 *
 * Two kinds of jobs share this way: those that the policy decides, and those that wait for a backend, of which there
 * are only so many in hand. So a backend that is slow or down delays nobody but those whom it decides on.
 */
#include "gateway/issuer/evaluate.h"

#include "gateway/clock.h"
#include "gateway/issuer/bulk_job.h"
#include "gateway/issuer/dataset_job.h"
#include "gateway/issuer/evaluation.h"
#include "gateway/issuer/policy.h"
#include "gateway/jobs/reconcile.h"
#include "gateway/worker.h"

#include <string.h>

#define EXPIRE_LIMIT "500"
/* How long an offer that is over can still be looked up. */
#define OFFER_RETENTION_MS ((int64_t)30 * 24 * 3600 * 1000)
#define OFFERS_LIMIT "500"
#define FETCHES_LIMIT "500"
/* Data that one claim may return, in sizes of the most that one verification may have. */
#define CLAIM_FACTOR 4
/* Evaluations that the policy decides and a worker has in hand, in sizes of a claim. */
#define BATCHES_IN_HAND 4
/* So often an evaluation is put off for something that cannot be fetched; then it goes on without. */
#define FETCH_PATIENCE 5
#define MAX_FACTS_DEPTH 16
#define BUILTIN_LANE ""

/* ---- decide ---- */

static void on_decided(void *data, const struct gw_decision *decision)
{
    gw_evaluation_commit(data, decision);
}

static void decide(struct gw_evaluation *e)
{
    struct gw_job *job = e->job;
    if (e->backend == NULL)
        gw_builtin_decider.decide(&gw_builtin_decider, &e->input, on_decided, e);
    else if (gw_backend_decider_init(&e->decider, job->worker, job->generation, e->backend, job->lease_until_us))
        e->decider.decider.decide(&e->decider.decider, &e->input, on_decided, e);
    else
        gw_job_retry(job, "the backend that decides is not configured");
}

/* ---- judge: what the items refer to ---- */

static void fetch_next(struct gw_evaluation *e);

static void take_fetched(struct gw_evaluation *e, const struct gw_reference_result *result)
{
    gw_judge_fetched(&e->context, &e->input.judgments, e->at, result);
    fetch_next(e);
}

/* Counted by itself: other waits, for a backend say, leave the patience with the host of a document as it was. */
static void fetch_later(struct gw_evaluation *e)
{
    struct gw_job *job = e->job;
    gw_job_call(job, GW_SQL_JOB_FETCH_LATER);
    gw_db_interval_ms(&job->call, job->params, gw_jobs_backoff_ms(e->fetches + 1));
    gw_db_text(&job->call, "something that an item refers to cannot be fetched");
    gw_job_commit(job);
}

static void on_fetched(struct gw_reference_fetch *fetch, struct gw_reference_result *result)
{
    struct gw_evaluation *e = fetch->data;
    if (gw_reference_may_pass(result->end) && e->fetches < FETCH_PATIENCE)
        fetch_later(e);
    else
        take_fetched(e, result);
}

/* Begin a fetch; false, with the outcome noted, when it must not even begin. */
static bool begin_fetch(struct gw_evaluation *e, const struct gw_item_fetch *wanted)
{
    const struct gw_references_config *config = &e->job->generation->config->references;
    int64_t left_ms = (e->job->lease_until_us - gw_monotonic_us()) / 1000;
    struct gw_reference_result result = {.size = 0};
    e->fetch_policy =
        (struct gw_reference_policy){.hosts = wanted->hosts,
                                     .ca = &e->job->generation->references_ca,
                                     .max_size = wanted->max_size,
                                     .timeout_ms = left_ms < config->timeout_ms ? left_ms : config->timeout_ms,
                                     .private_addresses = config->private_addresses};
    e->fetch = (struct gw_reference_fetch){.outbound = e->job->worker->outbound,
                                           .policy = &e->fetch_policy,
                                           .reference = wanted->reference,
                                           .now = e->context.now,
                                           .keep = wanted->keep,
                                           .done = on_fetched,
                                           .data = e};
    result.end = gw_reference_start(&e->fetch, &result.reason);
    if (result.end == GW_REFERENCE_FETCHED)
        return true;
    gw_judge_fetched(&e->context, &e->input.judgments, e->at, &result);
    return false;
}

static void fetch_next(struct gw_evaluation *e)
{
    struct gw_item_fetch wanted;
    while (gw_judge_fetch(&e->context, &e->input.judgments, &e->at, &wanted)) {
        if (e->job->lease_until_us <= gw_monotonic_us()) {
            gw_job_abandon(e->job);
            return;
        }
        if (begin_fetch(e, &wanted))
            return;
    }
    decide(e);
}

/* ---- judge: what the database knows ---- */

static void take_facts(struct gw_evaluation *e, const char *text)
{
    struct json_object *answer = NULL;
    const char *outcome = NULL;
    if (!s2s_failed(s2s_json_parse(e->job->arena, text, strlen(text), MAX_FACTS_DEPTH, &answer)))
        outcome = s2s_json_string(answer, "outcome");
    if (outcome == NULL) {
        gw_job_retry(e->job, "the facts of an evaluation cannot be read");
    } else if (strcmp(outcome, "done") == 0) {
        gw_judge_answers(&e->context, &e->input.judgments, s2s_json_get(answer, "checks"));
        fetch_next(e);
    } else if (strcmp(outcome, "superseded") == 0) {
        gw_evaluation_drop(e);
    } else {
        gw_job_abandon(e->job);
    }
}

static void on_facts(struct gw_db_call *call, enum gw_db_outcome outcome, const PGresult *result)
{
    struct gw_evaluation *e = H2O_STRUCT_FROM_MEMBER(struct gw_evaluation, facts, call);
    if (outcome == GW_DB_UNAVAILABLE)
        gw_job_lose(e->job);
    else if (outcome == GW_DB_OK && PQntuples(result) == 1)
        take_facts(e, PQgetvalue(result, 0, 0));
    else
        gw_job_retry(e->job, "the facts of an evaluation cannot be had");
}

/* Alone, since it locks offers in an order that no batch can keep. */
static void ask_database(struct gw_evaluation *e)
{
    struct gw_job *job = e->job;
    const char *questions = gw_judge_questions(&e->context, &e->input.judgments, job->arena);
    if (questions == NULL) {
        fetch_next(e);
        return;
    }
    gw_db_call_init(&e->facts, &gw_statements[GW_SQL_EVALUATION_FACTS]);
    e->facts.order_key = job->order_key;
    e->facts.alone = true;
    e->facts.done = on_facts;
    gw_db_text(&e->facts, job->id);
    gw_db_text(&e->facts, job->lease);
    gw_db_text(&e->facts, questions);
    gw_db_submit(job->worker->db, &e->facts);
}

/* ---- the whole way ---- */

/* Where the job has to wait, by the configuration of now: a reload may have changed who decides. */
static const char *right_lane(const struct gw_evaluation *e)
{
    return e->backend != NULL ? e->backend : BUILTIN_LANE;
}

static void evaluate(struct gw_evaluation *e)
{
    struct s2s_result r = gw_judge(&e->context, e->input.configurations, e->input.configuration_count,
                                   e->backend != NULL, &e->input.judgments);
    if (s2s_failed(r))
        gw_evaluation_commit(e, &gw_decision_too_large);
    else
        ask_database(e);
}

void gw_evaluation_run(struct gw_evaluation *e, struct s2s_result gathered)
{
    static const struct gw_decision mixed = {
        .kind = GW_UNDECIDED, .trouble = "its credential configurations are not decided on by the same any more"};
    e->job->state = e;
    e->job->lane = e->lane;
    if (gathered.code == S2S_LIMIT)
        gw_evaluation_commit(e, &gw_decision_too_large);
    else if (s2s_failed(gathered))
        gw_job_retry(e->job, gathered.detail);
    else if (e->mixed)
        gw_evaluation_commit(e, &mixed);
    else if (strcmp(e->lane, right_lane(e)) != 0)
        gw_evaluation_postpone(e, "somebody else decides now", -1, right_lane(e));
    else
        evaluate(e);
}

static void run_evaluation(struct gw_job *job, const PGresult *result, int row)
{
    struct gw_evaluation *e = s2s_arena_alloc(job->params, sizeof(*e));
    s2s_assert(e != NULL);
    e->job = job;
    gw_evaluation_run(e, gw_evaluation_gather(e, result, row));
}

/* ---- claims ---- */

/* A job that keeps failing, or taking its worker down, is buried; and one claim returns a bounded amount of data. */
static void add_bounds(const struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    const struct gw_config *config = worker->generation->config;
    gw_db_integer(call, arena, config->jobs.max_attempts);
    gw_db_integer(call, arena, (int64_t)config->limits.max_verification_data * CLAIM_FACTOR);
}

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned left_of(unsigned most, unsigned taken)
{
    return most > taken ? most - taken : 0;
}

/* Lanes to claim from, each with its room. */
struct rooms {
    const char **lanes, **rooms;
    size_t count;
};

static struct rooms new_rooms(struct s2s_arena *arena, size_t most)
{
    struct rooms rooms = {.lanes = s2s_arena_alloc(arena, most * sizeof(*rooms.lanes)),
                          .rooms = s2s_arena_alloc(arena, most * sizeof(*rooms.rooms))};
    s2s_assert(rooms.lanes != NULL && rooms.rooms != NULL);
    return rooms;
}

static void add_room(struct rooms *rooms, struct s2s_arena *arena, const char *lane, unsigned room)
{
    if (room == 0)
        return;
    rooms->lanes[rooms->count] = lane;
    rooms->rooms[rooms->count] = s2s_arena_printf(arena, "%u", room);
    s2s_assert(rooms->rooms[rooms->count++] != NULL);
}

static bool claim_from(const struct gw_worker *worker, const struct rooms *rooms, struct gw_db_call *call,
                       struct s2s_arena *arena)
{
    if (rooms->count == 0)
        return false;
    add_bounds(worker, call, arena);
    gw_db_text_array(call, arena, rooms->lanes, rooms->count);
    gw_db_text_array(call, arena, rooms->rooms, rooms->count);
    return true;
}

/* Most are over at once. */
unsigned gw_evaluations_in_hand(const struct gw_worker *worker)
{
    return worker->generation->config->jobs.batch * BATCHES_IN_HAND;
}

/* A claim costs a transaction: it waits until a whole batch has room. */
static bool prepare_evaluate(const struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    struct rooms rooms = new_rooms(arena, 1);
    unsigned room = left_of(gw_evaluations_in_hand(worker), gw_jobs_of_kind(worker->jobs, gw_evaluate_kind));
    if (room >= worker->generation->config->jobs.batch)
        add_room(&rooms, arena, BUILTIN_LANE, room);
    return claim_from(worker, &rooms, call, arena);
}

/* What waits for a backend but is not yet asked has a place among its questions, too. */
static bool prepare_decide(const struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    const struct gw_config *config = worker->generation->config;
    struct rooms rooms = new_rooms(arena, config->backend_count + 1);
    for (size_t i = 0; i < config->backend_count; ++i) {
        const struct gw_backend_config *backend = &config->backends[i];
        unsigned room = left_of(backend->concurrency, gw_jobs_in_hand(worker->jobs, backend->to.name));
        add_room(&rooms, arena, backend->to.name, smaller(room, gw_backend_room(worker, backend)));
    }
    return claim_from(worker, &rooms, call, arena);
}

static const struct gw_job_kind kinds[] = {
    {.name = "evaluate",
     .feeds = "deliver",
     .claim = GW_SQL_EVALUATIONS_CLAIM,
     .prepare = prepare_evaluate,
     .run = run_evaluation},
    {.name = "decide",
     .feeds = "deliver",
     .claim = GW_SQL_EVALUATIONS_CLAIM,
     .prepare = prepare_decide,
     .run = run_evaluation},
    GW_DATASET_KIND,
    GW_BULK_KIND,
};

const struct gw_job_kind *const gw_evaluate_kind = &kinds[0];

/* ---- chores ---- */

static void prepare_expire(struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    (void)worker;
    (void)arena;
    gw_db_text(call, EXPIRE_LIMIT);
}

static void prepare_reconcile(struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    gw_reconcile_prepare(worker, call, arena, "ISSUER");
}

/* Jobs that wait for a backend which is not configured any more are for everybody. */
static void prepare_lanes(struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    const struct gw_config *config = worker->generation->config;
    const char **names = s2s_arena_alloc(arena, (config->backend_count + 1) * sizeof(*names));
    s2s_assert(names != NULL);
    for (size_t i = 0; i < config->backend_count; ++i)
        names[i] = config->backends[i].to.name;
    gw_db_text_array(call, arena, names, config->backend_count);
}

static void prepare_offers(struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    (void)worker;
    gw_db_interval_ms(call, arena, OFFER_RETENTION_MS);
    gw_db_text(call, OFFERS_LIMIT);
}

/* A get that waits is kept for as long as the word that it may come again. */
static void prepare_fetches(struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    gw_db_interval_ms(call, arena, worker->generation->config->outbound.give_up_after_ms);
    gw_db_text(call, FETCHES_LIMIT);
}

static const struct gw_chore chores[] = {
    {"expire", GW_SQL_EXPIRE_DUE, 1000, prepare_expire},
    GW_RECONCILE_CHORE(prepare_reconcile),
    {"job_lanes", GW_SQL_JOBS_LANES_SET, 3600 * 1000, prepare_lanes},
    {"fetches_forget", GW_SQL_FETCHES_FORGET, 60 * 1000, prepare_fetches},
    {"offers_forget", GW_SQL_OFFERS_FORGET, 60 * 1000, prepare_offers},
};

const struct gw_job_plan gw_issuer_jobs = {kinds, sizeof(kinds) / sizeof(kinds[0]), chores,
                                           sizeof(chores) / sizeof(chores[0])};
