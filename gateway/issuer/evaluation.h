/* SPDX-License-Identifier: Apache-2.0
 *
 * One evaluation on its way through claim ─▶ gather ─▶ judge ─▶ decide ─▶ commit. Private to the files of these steps.
 */
#ifndef GW_EVALUATION_H
#define GW_EVALUATION_H

#include "gateway/issuer/decide.h"
#include "gateway/jobs/jobs.h"

struct gw_evaluation {
    struct gw_job *job;
    struct gw_item_context context;
    struct gw_decision_input input;
    const char *lane;    /* of the job: the backend that it waited for, or "" */
    const char *backend; /* that decides by the configuration of now; NULL: the policy */
    bool mixed;          /* the configurations of now have not one decider */
    int postponed;       /* times so far, for whatever reason */
    int fetches;         /* of these, because something could not be fetched */

    /* While it asks the database, fetches, or asks a backend. */
    struct gw_db_call facts;
    size_t at; /* judgment that something is fetched for */
    struct gw_reference_policy fetch_policy;
    struct gw_reference_fetch fetch;
    struct gw_backend_decider decider;
};

/* gather.c: fill the evaluation from a row of s2s.evaluations_claim and open all that was submitted. S2S_LIMIT: the
 * submissions are too large together. */
S2S_MUST_CHECK struct s2s_result gw_evaluation_gather(struct gw_evaluation *evaluation, const PGresult *result,
                                                      int row);

/* evaluate.c: judge, decide and commit what was gathered; `gathered` says how that went. */
void gw_evaluation_run(struct gw_evaluation *evaluation, struct s2s_result gathered);

/* commit.c: end the job with what was decided; the decision may go when this returns. */
void gw_evaluation_commit(struct gw_evaluation *evaluation, const struct gw_decision *decision);

/* commit.c: put the job off, for the configured backoff or `retry_after_s`, whichever is longer, without using up an
 * attempt; `lane` (may be NULL: the same) is where it goes on. */
void gw_evaluation_postpone(struct gw_evaluation *evaluation, const char *why, int64_t retry_after_s, const char *lane);

/* commit.c: end the job of a verification that went on without it. */
void gw_evaluation_drop(struct gw_evaluation *evaluation);

#endif
