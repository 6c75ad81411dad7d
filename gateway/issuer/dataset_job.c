/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/dataset_job.h"

#include "gateway/clock.h"
#include "gateway/issuer/claims.h"
#include "gateway/worker.h"

#include <stdlib.h>
#include <string.h>

/* The longest wait between two questions. */
#define LONGEST_WAIT_MS ((int64_t)15 * 60 * 1000)

struct waiting {
    struct gw_job *job;
    struct gw_claims_instance instance;
    struct gw_backend_ask ask;
    const char *lane; /* in which the job waited */
    int postponed;
};

/* ---- claiming ---- */

static bool knows_claims(const struct gw_config *config, const char *backend)
{
    for (size_t i = 0; i < config->credential_count; ++i) {
        const char *name = config->credentials[i].dataset_backend;
        if (name != NULL && strcmp(name, backend) == 0)
            return true;
    }
    return false;
}

bool gw_dataset_job_prepare(const struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    const struct gw_config *config = worker->generation->config;
    const char **lanes = s2s_arena_alloc(arena, (config->backend_count + 1) * sizeof(*lanes));
    const char **rooms = s2s_arena_alloc(arena, (config->backend_count + 1) * sizeof(*rooms));
    size_t count = 1;
    s2s_assert(lanes != NULL && rooms != NULL);
    /* What waited for a backend that is not configured any more, be it the last one; without a bound. */
    lanes[0] = "";
    for (size_t i = 0; i < config->backend_count; ++i) {
        const struct gw_backend_config *backend = &config->backends[i];
        if (!knows_claims(config, backend->to.name))
            continue;
        lanes[count] = backend->to.name;
        rooms[count] = s2s_arena_printf(arena, "%u", gw_backend_room(worker, backend));
        s2s_assert(rooms[count] != NULL);
        ++count;
    }
    gw_db_integer(call, arena, config->jobs.max_attempts);
    gw_db_interval_ms(call, arena, config->outbound.give_up_after_ms);
    gw_db_text_array(call, arena, lanes, count);
    gw_db_text_array(call, arena, rooms, count);
    return true;
}

/* ---- ends ---- */

/* At least as long as the wallet's `interval`, twice as long each time; or as the backend asks. */
static int64_t pause_ms(const struct waiting *w, int64_t retry_after_s)
{
    int64_t pause = w->instance.offering->config->dataset_retry_s * 1000;
    for (int i = 0; i < w->postponed && pause < LONGEST_WAIT_MS; ++i)
        pause *= 2;
    pause = pause / 2 + random() % (pause / 2 + 1);
    if (retry_after_s * 1000 > pause)
        pause = retry_after_s * 1000;
    return pause < LONGEST_WAIT_MS ? pause : LONGEST_WAIT_MS;
}

/* `lane`: whom to wait for from now on; NULL: as before. */
static void postpone(struct waiting *w, int64_t delay_ms, const char *error, const char *lane)
{
    struct gw_job *job = w->job;
    gw_job_call(job, GW_SQL_JOB_POSTPONE);
    gw_db_interval_ms(&job->call, job->params, delay_ms);
    gw_db_text(&job->call, error);
    gw_db_text(&job->call, lane);
    gw_job_commit(job);
}

static void ready(struct waiting *w)
{
    gw_job_call(w->job, GW_SQL_DATASET_READY);
    gw_job_commit(w->job);
}

/* The claims themselves are not kept: the get that follows asks for them, for itself. */
static void on_answer(struct gw_backend_ask *ask, const struct gw_backend_answer *answer)
{
    struct waiting *w = H2O_STRUCT_FROM_MEMBER(struct waiting, ask, ask);
    struct gw_claims claims;
    gw_claims_read(ask, answer, gw_now_s(), &claims);
    if (claims.end == GW_CLAIMS_FOUND)
        ready(w);
    else
        postpone(w, pause_ms(w, answer->retry_after_s), answer->reason, NULL);
}

/* ---- asking ---- */

static void ask_backend(struct waiting *w)
{
    struct gw_job *job = w->job;
    int64_t now_us = gw_monotonic_us();
    if (!gw_claims_question(job->generation, job->arena, &w->instance, &w->ask)) {
        gw_job_retry(job, "the backend cannot be asked");
        return;
    }
    w->ask.worker = job->worker;
    w->ask.id = s2s_arena_printf(job->params, "dataset-%s-%d", job->id, w->postponed);
    w->ask.deadline_us = now_us + (job->lease_until_us - now_us) / 4 * 3; /* the rest is for the commit */
    w->ask.done = on_answer;
    gw_backend_ask(&w->ask);
}

static const char *keep(struct gw_job *job, const char *text)
{
    char *copy = text != NULL ? s2s_arena_strndup(job->params, text, strlen(text)) : NULL;
    s2s_assert(text == NULL || copy != NULL);
    return copy;
}

/* Fill in from a row of s2s.datasets_claim. False: the configuration of the credential is gone. */
static bool read_row(struct waiting *w, const PGresult *result, int row)
{
    enum {
        JOB,
        JOB_ATTEMPTS,
        POSTPONED,
        LANE,
        INSTANCE,
        SESSION,
        VERIFICATION,
        PEER,
        CONFIGURATION,
        SUBJECT,
        SUBJECT_SEALED,
        CREDENTIAL_VERSION
    };
    struct gw_job *job = w->job;
    const char *sealed = gw_db_column(result, row, SUBJECT_SEALED);
    w->postponed = atoi(PQgetvalue(result, row, POSTPONED));
    w->lane = keep(job, PQgetvalue(result, row, LANE));
    w->instance = (struct gw_claims_instance){
        .offering = gw_generation_offering(job->generation, PQgetvalue(result, row, CONFIGURATION)),
        .session_id = keep(job, PQgetvalue(result, row, SESSION)),
        .verification_id = keep(job, PQgetvalue(result, row, VERIFICATION)),
        .instance_id = keep(job, PQgetvalue(result, row, INSTANCE)),
        .subject_ref = keep(job, gw_db_column(result, row, SUBJECT)),
        .credential_version = keep(job, gw_db_column(result, row, CREDENTIAL_VERSION)),
    };
    if (sealed != NULL)
        s2s_assert(gw_db_read_bytes(job->arena, sealed, &w->instance.subject_sealed));
    job->order_key = w->instance.session_id;
    return w->instance.offering != NULL;
}

/* What the configuration says now may be another thing than when the wait began. */
void gw_dataset_job_run(struct gw_job *job, const PGresult *result, int row)
{
    struct gw_claims claims;
    struct waiting *w = s2s_arena_alloc(job->params, sizeof(*w));
    s2s_assert(w != NULL);
    w->job = job;
    if (!read_row(w, result, row)) {
        gw_job_retry(job, "a credential configuration is not in the configuration file any more");
        return;
    }
    const char *backend = w->instance.offering->config->dataset_backend;
    if (backend != NULL && strcmp(backend, w->lane) != 0)
        postpone(w, 0, NULL, backend);
    else if (!gw_claims_at_hand(job->generation, job->arena, &w->instance, gw_now_s(), &claims))
        ask_backend(w);
    else if (claims.end == GW_CLAIMS_FOUND)
        ready(w);
    else
        gw_job_retry(job, "nobody has the claims of this subject");
}
