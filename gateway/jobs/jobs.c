/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/jobs/jobs.h"

#include "gateway/clock.h"
#include "gateway/log.h"
#include "gateway/worker.h"

#include <h2o/memory.h>
#include <stdlib.h>
#include <string.h>

/* Working memory of a job, in sizes of the largest thing that it may have in hand: read, decoded, decrypted and parsed.
 */
#define JOB_MEMORY_FACTOR 8
/* Parameters of a claim, a chore, or the end of a job. */
#define CALL_MEMORY (1024 * 1024)
/* A job that its own worker begins at once: if it has not ended by then, it was lost between commit and begin. */
#define HANDOVER_LEASE_MS 10000
#define BACKOFF_MAX_MS (15 * 60 * 1000)
/* First word of what a call says at the end of a job: a label of the metrics. */
#define OUTCOME_SIZE 32

/* The claims of one kind. */
struct claimer {
    struct gw_jobs *jobs;
    const struct gw_job_kind *kind;
    struct gw_db_call call;
    struct s2s_arena *arena; /* of the claim in flight, else NULL */
    struct gw_job_lease lease;
    unsigned in_hand;   /* jobs */
    bool again;         /* woken while a claim was in flight */
    bool may_have_more; /* the last look found some, or there was no room for any */
};

struct chore_state {
    struct gw_jobs *jobs;
    const struct gw_chore *chore;
    struct gw_db_call call;
    struct s2s_arena *arena; /* of the run in flight, else NULL */
    int64_t due_us;
    uint64_t generation; /* of its last run */
    int failures;        /* in a row */
};

struct gw_jobs {
    struct gw_worker *worker;
    struct claimer *claimers;
    size_t claimer_count;
    struct chore_state *chores;
    size_t chore_count;
    struct gw_job *in_hand;
    uv_timer_t poll;
    bool stopped;
};

static const struct gw_jobs_config *config_of(const struct gw_worker *worker)
{
    return &worker->generation->config->jobs;
}

/* ---- jobs ---- */

/* What a verification was given; what the application gave, or is told; what a peer answers. */
static size_t memory_of(const struct gw_config *config)
{
    const size_t sizes[] = {config->limits.max_verification_data, config->limits.max_body, config->outbound.max_answer};
    size_t largest = 0;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); ++i)
        largest = sizes[i] > largest ? sizes[i] : largest;
    return largest * JOB_MEMORY_FACTOR;
}

static struct claimer *claimer_of(const struct gw_jobs *jobs, const struct gw_job_kind *kind)
{
    struct claimer *claimer = jobs->claimers;
    while (claimer->kind != kind)
        ++claimer;
    return claimer;
}

static struct gw_job *job_new(struct gw_jobs *jobs, const struct gw_job_kind *kind, const char *id,
                              const struct gw_job_lease *lease, struct gw_generation *generation)
{
    struct gw_worker *worker = jobs->worker;
    struct gw_job *job = calloc(1, sizeof(*job));
    s2s_assert(job != NULL);
    job->worker = worker;
    job->generation = gw_generation_ref(generation);
    job->kind = kind;
    job->arena = s2s_arena_new(memory_of(generation->config));
    job->params = s2s_arena_new(CALL_MEMORY);
    job->id = s2s_arena_strndup(job->params, id, strlen(id));
    s2s_assert(job->id != NULL);
    memcpy(job->lease, lease->id, sizeof(job->lease));
    job->lease_until_us = lease->until_us;
    job->attempts = 1;
    job->started_us = gw_monotonic_us();
    job->link = &jobs->in_hand;
    job->next = *job->link;
    if (job->next != NULL)
        job->next->link = &job->next;
    *job->link = job;
    ++claimer_of(jobs, kind)->in_hand;
    ++worker->in_flight;
    return job;
}

static void job_end(struct gw_job *job, const char *outcome)
{
    gw_metrics_job(job->worker->metrics, job->kind->name, outcome, (double)(gw_monotonic_us() - job->started_us) / 1e6);
    --job->worker->in_flight;
    --claimer_of(job->worker->jobs, job->kind)->in_hand;
    *job->link = job->next;
    if (job->next != NULL)
        job->next->link = job->link;
    gw_generation_unref(job->generation);
    s2s_arena_free(job->arena);
    s2s_arena_free(job->params);
    s2s_arena_free(job->given);
    free(job);
}

static struct gw_job_lease new_lease(int64_t for_ms)
{
    struct gw_job_lease lease = {.for_ms = for_ms, .until_us = gw_monotonic_us() + for_ms * 1000};
    s2s_uuid_new(lease.id);
    return lease;
}

bool gw_jobs_lease(const struct gw_jobs *jobs, unsigned most, struct gw_job_lease *lease)
{
    if (jobs->stopped || !config_of(jobs->worker)->enabled || jobs->worker->in_flight > most)
        return false;
    int64_t most_ms = config_of(jobs->worker)->lease_ms;
    *lease = new_lease(most_ms < HANDOVER_LEASE_MS ? most_ms : HANDOVER_LEASE_MS);
    return true;
}

struct gw_job *gw_jobs_begin(struct gw_jobs *jobs, const struct gw_job_kind *kind, const char *id,
                             const struct gw_job_lease *lease, struct gw_generation *generation,
                             struct s2s_arena *given)
{
    struct gw_job *job = job_new(jobs, kind, id, lease, generation);
    job->given = given;
    return job;
}

static void wake_after(struct gw_jobs *jobs, const struct gw_job_kind *kind, const PGresult *row);

static void on_job_over(struct gw_db_call *call, enum gw_db_outcome outcome, const PGresult *result)
{
    struct gw_job *job = H2O_STRUCT_FROM_MEMBER(struct gw_job, call, call);
    struct gw_jobs *jobs = job->worker->jobs;
    /* Without an answer the lease runs out, and somebody takes the job again: nothing is lost. */
    const PGresult *row = outcome == GW_DB_OK && PQntuples(result) == 1 ? result : NULL;
    const char *told = row != NULL ? PQgetvalue(row, 0, 0) : "unknown";
    if (job->over != NULL)
        job->over(job, told, row);
    char label[OUTCOME_SIZE];
    snprintf(label, sizeof(label), "%.*s", (int)strcspn(told, " :"), told);
    const struct gw_job_kind *kind = job->kind;
    job_end(job, label);
    wake_after(jobs, kind, row);
}

void gw_job_abandon(struct gw_job *job)
{
    gw_log(GW_LOG_WARN, "job_late", GW_S("kind", job->kind->name), GW_S("job", job->id));
    job_end(job, "late");
}

void gw_job_lose(struct gw_job *job)
{
    job_end(job, "unknown");
}

unsigned gw_jobs_of_kind(const struct gw_jobs *jobs, const struct gw_job_kind *kind)
{
    return claimer_of(jobs, kind)->in_hand;
}

unsigned gw_jobs_in_hand(const struct gw_jobs *jobs, const char *lane)
{
    unsigned count = 0;
    for (const struct gw_job *job = jobs->in_hand; job != NULL; job = job->next)
        count += job->lane != NULL && strcmp(job->lane, lane) == 0;
    return count;
}

void gw_job_call(struct gw_job *job, enum gw_statement_id statement)
{
    gw_db_call_init(&job->call, &gw_statements[statement]);
    job->call.order_key = job->order_key;
    gw_db_text(&job->call, job->id);
    gw_db_text(&job->call, job->lease);
}

void gw_job_commit(struct gw_job *job)
{
    s2s_assert(job->call.count == job->call.statement->params);
    job->call.done = on_job_over;
    gw_db_submit(job->worker->db, &job->call);
}

int64_t gw_jobs_backoff_ms(int attempts)
{
    static const struct {
        int64_t least, most;
    } first[] = {{0, 1000}, {1100, 5000}, {5100, 30000}};
    const int count = sizeof(first) / sizeof(first[0]);
    if (attempts <= count) {
        int i = attempts > 0 ? attempts - 1 : 0;
        return first[i].least + random() % (first[i].most - first[i].least + 1);
    }
    int64_t most = first[count - 1].most;
    for (int i = count; i < attempts && most < BACKOFF_MAX_MS; ++i)
        most *= 2;
    return random() % (most < BACKOFF_MAX_MS ? most : BACKOFF_MAX_MS) + 1;
}

void gw_job_retry(struct gw_job *job, const char *error)
{
    const struct gw_jobs_config *config = config_of(job->worker);
    gw_log(GW_LOG_WARN, "job_failed", GW_S("kind", job->kind->name), GW_S("job", job->id),
           GW_I("attempts", job->attempts), GW_S("reason", error));
    gw_job_call(job, GW_SQL_JOB_RETRY);
    gw_db_interval_ms(&job->call, job->params, gw_jobs_backoff_ms(job->attempts));
    gw_db_text(&job->call, error);
    gw_db_integer(&job->call, job->params, config->max_attempts);
    gw_job_commit(job);
}

/* ---- claims ---- */

static void claim(struct claimer *claimer);

static void run_claimed(struct claimer *claimer, const PGresult *result, int row)
{
    struct gw_jobs *jobs = claimer->jobs;
    struct gw_job *job =
        job_new(jobs, claimer->kind, PQgetvalue(result, row, 0), &claimer->lease, jobs->worker->generation);
    job->attempts = atoi(PQgetvalue(result, row, 1));
    claimer->kind->run(job, result, row);
}

static void on_claimed(struct gw_db_call *call, enum gw_db_outcome outcome, const PGresult *result)
{
    struct claimer *claimer = H2O_STRUCT_FROM_MEMBER(struct claimer, call, call);
    s2s_arena_free(claimer->arena);
    claimer->arena = NULL;
    --claimer->jobs->worker->in_flight;
    int rows = outcome == GW_DB_OK ? PQntuples(result) : 0;
    for (int row = 0; row < rows; ++row)
        run_claimed(claimer, result, row);
    claimer->may_have_more = rows > 0;
    bool full = rows > 0 && (unsigned)rows >= config_of(claimer->jobs->worker)->batch;
    if (claimer->again || full)
        claim(claimer);
}

static void claim(struct claimer *claimer)
{
    struct gw_worker *worker = claimer->jobs->worker;
    if (claimer->arena != NULL) {
        claimer->again = true;
        return;
    }
    claimer->again = false;
    if (claimer->jobs->stopped || !config_of(worker)->enabled || !gw_db_ready(worker->db))
        return;
    claimer->arena = s2s_arena_new(CALL_MEMORY);
    claimer->lease = new_lease(config_of(worker)->lease_ms);
    gw_db_call_init(&claimer->call, &gw_statements[claimer->kind->claim]);
    gw_db_text(&claimer->call, claimer->lease.id);
    gw_db_integer(&claimer->call, claimer->arena, config_of(worker)->batch);
    gw_db_interval_ms(&claimer->call, claimer->arena, claimer->lease.for_ms);
    if (claimer->kind->prepare != NULL && !claimer->kind->prepare(worker, &claimer->call, claimer->arena)) {
        s2s_arena_free(claimer->arena);
        claimer->arena = NULL;
        claimer->may_have_more = true;
        return;
    }
    claimer->call.alone = true;
    claimer->call.done = on_claimed;
    ++worker->in_flight;
    gw_db_submit(worker->db, &claimer->call);
}

/* ---- chores ---- */

/* A chore that failed is due again soon, then less and less often: it may wait for locks, and others with it. */
static void note_end(struct chore_state *state, bool failed)
{
    state->failures = failed ? state->failures + 1 : 0;
    if (!failed)
        return;
    int64_t again_us = gw_monotonic_us() + gw_jobs_backoff_ms(state->failures) * 1000;
    if (again_us < state->due_us)
        state->due_us = again_us;
}

static void on_chore_over(struct gw_db_call *call, enum gw_db_outcome outcome, const PGresult *result)
{
    struct chore_state *state = H2O_STRUCT_FROM_MEMBER(struct chore_state, call, call);
    (void)result;
    note_end(state, outcome != GW_DB_OK);
    s2s_arena_free(state->arena);
    state->arena = NULL;
    --state->jobs->worker->in_flight;
}

/* A new configuration makes every chore due: it may say something else. */
static bool is_due(const struct chore_state *state, int64_t now_us)
{
    return state->due_us <= now_us || state->generation != state->jobs->worker->generation->number;
}

static void run_due_chores(struct gw_jobs *jobs, int64_t now_us)
{
    for (size_t i = 0; i < jobs->chore_count; ++i) {
        struct chore_state *state = &jobs->chores[i];
        if (state->arena != NULL || !is_due(state, now_us) || !gw_db_ready(jobs->worker->db))
            continue;
        state->generation = jobs->worker->generation->number;
        state->due_us = now_us + state->chore->period_ms * 1000;
        state->arena = s2s_arena_new(CALL_MEMORY);
        gw_db_call_init(&state->call, &gw_statements[state->chore->statement]);
        state->chore->prepare(jobs->worker, &state->call, state->arena);
        state->call.alone = true;
        state->call.done = on_chore_over;
        ++jobs->worker->in_flight;
        gw_db_submit(jobs->worker->db, &state->call);
    }
}

/* ---- life ---- */

static void look(struct gw_jobs *jobs, bool by_poll)
{
    for (size_t i = 0; i < jobs->claimer_count; ++i) {
        if (by_poll || !jobs->claimers[i].kind->by_time)
            claim(&jobs->claimers[i]);
    }
}

static void on_poll_timer(uv_timer_t *timer)
{
    struct gw_jobs *jobs = timer->data;
    if (jobs->worker->index == 0 && config_of(jobs->worker)->enabled)
        run_due_chores(jobs, gw_monotonic_us());
    look(jobs, true);
    /* Jitter, so that the nodes of a cluster do not look at the same moment. */
    int64_t period = config_of(jobs->worker)->poll_ms;
    uv_timer_start(&jobs->poll, on_poll_timer, (uint64_t)(period / 2 + random() % (period / 2 + 1)), 0);
}

static void add_plan(struct gw_jobs *jobs, const struct gw_job_plan *plan)
{
    for (size_t i = 0; i < plan->kind_count; ++i)
        jobs->claimers[jobs->claimer_count++] = (struct claimer){.jobs = jobs, .kind = &plan->kinds[i]};
    for (size_t i = 0; i < plan->chore_count; ++i)
        jobs->chores[jobs->chore_count++] = (struct chore_state){.jobs = jobs, .chore = &plan->chores[i]};
}

struct gw_jobs *gw_jobs_new(struct gw_worker *worker, const struct gw_job_plan *const *plans, size_t count)
{
    size_t kinds = 0, chores = 0;
    for (size_t i = 0; i < count; ++i) {
        kinds += plans[i]->kind_count;
        chores += plans[i]->chore_count;
    }
    struct gw_jobs *jobs = calloc(1, sizeof(*jobs));
    s2s_assert(jobs != NULL);
    jobs->worker = worker;
    jobs->claimers = calloc(kinds + 1, sizeof(*jobs->claimers));
    jobs->chores = calloc(chores + 1, sizeof(*jobs->chores));
    s2s_assert(jobs->claimers != NULL && jobs->chores != NULL);
    for (size_t i = 0; i < count; ++i)
        add_plan(jobs, plans[i]);
    uv_timer_init(&worker->loop, &jobs->poll);
    jobs->poll.data = jobs;
    uv_timer_start(&jobs->poll, on_poll_timer, 10, 0);
    return jobs;
}

void gw_jobs_wake(struct gw_jobs *jobs)
{
    look(jobs, false);
}

/* Whether the end of a job, as the row of its statement tells it (NULL: it is not known), may have made jobs due of its
 * kind's `feeds`, or of any kind. */
static bool feeds_one(const PGresult *row)
{
    return PQnfields(row) < 2 || gw_db_true(row, 0, 1);
}

static bool feeds_any(const struct gw_job_kind *kind, const PGresult *row)
{
    return kind->feeds == NULL || row == NULL || strcmp(PQgetvalue(row, 0, 0), "done") != 0;
}

/* Look for what the end of a job may have made due, and for more of its kind: but a look that finds nothing is a
 * transaction, too. */
static void wake_after(struct gw_jobs *jobs, const struct gw_job_kind *kind, const PGresult *row)
{
    bool any = feeds_any(kind, row), one = any || feeds_one(row);
    for (size_t i = 0; i < jobs->claimer_count; ++i) {
        struct claimer *claimer = &jobs->claimers[i];
        bool fed = any || (one && strcmp(claimer->kind->name, kind->feeds) == 0);
        if (fed || (claimer->kind == kind && claimer->may_have_more))
            claim(claimer);
    }
}

void gw_jobs_stop(struct gw_jobs *jobs)
{
    if (jobs->stopped)
        return;
    jobs->stopped = true;
    uv_close((uv_handle_t *)&jobs->poll, NULL);
}

void gw_jobs_free(struct gw_jobs *jobs)
{
    if (jobs == NULL)
        return;
    while (jobs->in_hand != NULL)
        job_end(jobs->in_hand, "unknown");
    free(jobs->claimers);
    free(jobs->chores);
    free(jobs);
}
