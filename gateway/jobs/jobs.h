/* SPDX-License-Identifier: Apache-2.0
 *
 * The job runner of one worker: claim ─▶ act ─▶ commit.
 *
 * Jobs are claimed in batches under a lease; the lease's token fences what a worker commits after it has slept past its
 * time (sql/functions/job.sql). The poll is the truth; a wake-up after a commit on this worker only saves the wait.
 */
#ifndef GW_JOBS_H
#define GW_JOBS_H

#include "gateway/db/statements.h"
#include "gateway/generation.h"
#include "proto/uuid.h"

struct gw_jobs;
struct gw_worker;
struct gw_job;

/* A kind of job, claimed with a statement ($1 lease, $2 limit, $3 lease time, then what `prepare` adds) whose first two
 * columns are the job's id and its attempts. */
struct gw_job_kind {
    const char *name;
    /* The kind of which an end with "done" may have made jobs due; NULL: any. */
    const char *feeds;
    bool by_time; /* time alone makes these jobs due: the poll looks for them, a wake-up does not */
    enum gw_statement_id claim;
    /* Add the further parameters of the claim; false: nothing of this kind is wanted now. NULL: there are none. */
    bool (*prepare)(const struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena);
    /* Act on one claimed row; must end with gw_job_commit or gw_job_retry, now or later. The row is gone after the
     * return. */
    void (*run)(struct gw_job *job, const PGresult *result, int row);
};

/* Work that is due every now and then, after each reload, and soon after it has failed, on one worker of the process,
 * whatever the queue holds. */
struct gw_chore {
    const char *name;
    enum gw_statement_id statement;
    int64_t period_ms;
    /* Set the parameters of `call`. */
    void (*prepare)(struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena);
};

/* What one part of the gateway has to do in the background. A worker runs the plans of its roles and the common one
 * (plan.h); no two of them name the same kind or chore. */
struct gw_job_plan {
    const struct gw_job_kind *kinds;
    size_t kind_count;
    const struct gw_chore *chores;
    size_t chore_count;
};

/* One claimed job. */
struct gw_job {
    struct gw_worker *worker;
    struct gw_generation *generation; /* a reference */
    const struct gw_job_kind *kind;
    struct s2s_arena *arena;  /* for what the job works on, which a peer may have filled */
    struct s2s_arena *params; /* for the parameters of its calls, which must always fit */
    struct s2s_arena *given;  /* what it was begun with (gw_jobs_begin); NULL: it was claimed */
    const char *order_key;    /* of its calls (gw_db_call); set by the kind, usually the session */
    const char *lane;         /* what bounds it, beside the batch; set by the kind, NULL: nothing */
    const char *id;           /* as the claim said it */
    char lease[S2S_UUID_SIZE];
    int64_t lease_until_us; /* monotonic, and rather too early: from the moment in which the claim was asked for */
    int attempts;           /* this run included */
    void *state;            /* of the kind, in the arena */
    struct gw_db_call call;
    /* Called with the outcome that the database told and the row that it stands in (NULL: it has told nothing), before
     * the job ends; NULL: nothing to do. Set by the kind. */
    void (*over)(struct gw_job *job, const char *outcome, const PGresult *result);
    int64_t started_us;
    struct gw_job *next, **link; /* among those in hand */
};

/* The runner of a worker, for what `count` plans have; its first look is at the loop's next turns. Worker and plans are
 * borrowed, and outlive it. */
struct gw_jobs *gw_jobs_new(struct gw_worker *worker, const struct gw_job_plan *const *plans, size_t count);

/* Look for jobs that a commit has made due. */
void gw_jobs_wake(struct gw_jobs *jobs);

/* The lease of a job that is about to be enqueued by this worker, which begins it as soon as that is committed: nobody
 * has to look for it, and what it needs is still in memory. */
struct gw_job_lease {
    char id[S2S_UUID_SIZE];
    int64_t for_ms;
    int64_t until_us; /* as in gw_job */
};

/* Make such a lease, unless the worker has more than `most` things in hand already; then the job is for whoever finds
 * it. It is a short one: nobody else looks at the job meanwhile, not even if the commit's answer is lost. */
bool gw_jobs_lease(const struct gw_jobs *jobs, unsigned most, struct gw_job_lease *lease);

/* Begin the job `id` that was enqueued under `lease`, under the configuration in which it was made. Takes `given`,
 * which ends with the job. As with `run`, it must end with gw_job_commit or gw_job_retry. */
struct gw_job *gw_jobs_begin(struct gw_jobs *jobs, const struct gw_job_kind *kind, const char *id,
                             const struct gw_job_lease *lease, struct gw_generation *generation,
                             struct s2s_arena *given);

/* Claim no more. Jobs in hand go on. */
void gw_jobs_stop(struct gw_jobs *jobs);

/* Once stopped, and after the loop has closed the handles: free. Jobs that are still in hand, as the calls that they
 * wait for were cancelled, end with it; their leases run out. */
void gw_jobs_free(struct gw_jobs *jobs);

/* Begin `job->call`: the statement's first two parameters are job id and lease. Further ones go into `job->params`. */
void gw_job_call(struct gw_job *job, enum gw_statement_id statement);

/* Run `job->call`, whose first column is the outcome ("done", "fenced", …; words after the first are details), end the
 * job, and look for what the outcome has made due. A second column may say whether "done" has. */
void gw_job_commit(struct gw_job *job);

/* End a job of which nothing was done, as its lease has run out: a process that was stopped for a while finds itself
 * here. Whoever has it now, or finds it next, does it. */
void gw_job_abandon(struct gw_job *job);

/* End a job in the middle of which the database could not be reached: its lease runs out, and somebody takes it again.
 */
void gw_job_lose(struct gw_job *job);

/* Jobs in hand of this kind. */
unsigned gw_jobs_of_kind(const struct gw_jobs *jobs, const struct gw_job_kind *kind);

/* Jobs in hand of this lane: looks at all. */
unsigned gw_jobs_in_hand(const struct gw_jobs *jobs, const char *lane);

/* How long to wait before the next attempt after `attempts` have failed: full jitter (profile section 7). Milliseconds.
 */
int64_t gw_jobs_backoff_ms(int attempts);

/* Give the job back for later, with a reason without personal data; after jobs.max_attempts it goes to the dead
 * letters. */
void gw_job_retry(struct gw_job *job, const char *error);

#endif
