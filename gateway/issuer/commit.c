/* SPDX-License-Identifier: Apache-2.0
 *
 * What a decision does to the database: one call, which ends the job in the same transaction.
 */
#include "gateway/issuer/evaluation.h"
#include "gateway/issuer/policy.h"
#include "gateway/issuer/subjects.h"
#include "gateway/log.h"

/* Octets of a request for items: it is stored, and part of every answer about the verification. */
#define MAX_DATA_REQUEST (256 * 1024)
#define MAX_WAIT_MS (INT64_C(15) * 60 * 1000)

/* ---- subjects ---- */

/* False: the decision names somebody of whom there is no dataset. */
static bool make_subjects(struct gw_evaluation *e, const struct gw_decision *decision, struct gw_subjects *out)
{
    const struct gw_generation *g = e->job->generation;
    gw_subjects_begin(out, g->vault, e->job->params, e->context.session_id, decision->approval_count);
    for (size_t i = 0; i < decision->approval_count; ++i) {
        const struct gw_approval *approval = &decision->approvals[i];
        const struct gw_offering *offering = gw_generation_offering(g, approval->configuration_id);
        if (offering == NULL || gw_subjects_add(out, offering, &approval->subject) != GW_SUBJECT_ADDED)
            return false;
    }
    return true;
}

/* ---- the calls ---- */

static void add_optional_interval(struct gw_job *job, int64_t ms)
{
    if (ms > 0)
        gw_db_interval_ms(&job->call, job->params, ms);
    else
        gw_db_text(&job->call, NULL);
}

static void add_nothing(struct gw_db_call *call, int count)
{
    while (count-- > 0)
        gw_db_text(call, NULL);
}

static void commit_decided(struct gw_evaluation *e, const struct gw_decision *decision,
                           const struct gw_subjects *subjects, const char *request)
{
    struct gw_job *job = e->job;
    struct gw_db_call *call = &job->call;
    gw_job_call(job, GW_SQL_EVALUATION_DONE);
    gw_db_text(call, e->input.data_seq);
    gw_db_text(call, s2s_verification_status_name(decision->status));
    gw_db_text(call, decision->reason_code);
    gw_db_text(call, decision->message);
    if (subjects != NULL) {
        gw_db_text_array(call, job->params, subjects->configuration_ids, subjects->count);
        gw_db_text_array(call, job->params, subjects->refs, subjects->count);
        gw_db_integer(call, job->params, decision->authorized_device_count);
    } else {
        add_nothing(call, 3);
    }
    gw_db_text(call, request);
    add_optional_interval(job, decision->deadline_ms);
    gw_db_integer(call, job->params, decision->max_attempts);
    if (subjects != NULL) {
        gw_db_text_array(call, job->params, subjects->sealed, subjects->count);
        gw_db_text(call, gw_subjects_aliases(subjects));
    } else {
        add_nothing(call, 2);
    }
    gw_job_commit(job);
}

static void commit_undecided(struct gw_evaluation *e, const char *why)
{
    struct gw_job *job = e->job;
    gw_log(GW_LOG_ERROR, "verification_undecided", GW_S("verification", e->context.verification_id),
           GW_S("backend", e->backend), GW_S("reason", why));
    gw_job_call(job, GW_SQL_EVALUATION_UNDECIDED);
    gw_db_text(&job->call, e->input.data_seq);
    gw_db_text(&job->call, why);
    gw_job_commit(job);
}

void gw_evaluation_drop(struct gw_evaluation *e)
{
    struct gw_job *job = e->job;
    gw_job_call(job, GW_SQL_EVALUATION_UNDECIDED);
    gw_db_text(&job->call, e->input.data_seq);
    gw_db_text(&job->call, "superseded");
    gw_job_commit(job);
}

void gw_evaluation_postpone(struct gw_evaluation *e, const char *why, int64_t retry_after_s, const char *lane)
{
    struct gw_job *job = e->job;
    int64_t delay_ms = lane != NULL ? 0 : gw_jobs_backoff_ms(e->postponed + 1);
    if (lane == NULL && retry_after_s > delay_ms / 1000)
        delay_ms = retry_after_s < MAX_WAIT_MS / 1000 ? retry_after_s * 1000 : MAX_WAIT_MS;
    gw_job_call(job, GW_SQL_JOB_POSTPONE);
    gw_db_interval_ms(&job->call, job->params, delay_ms);
    gw_db_text(&job->call, why);
    gw_db_text(&job->call, lane);
    gw_job_commit(job);
}

/* ---- the decision ---- */

/* An applicant of whom the issuer has no data: final, since asking again would not make any. */
static const struct gw_decision nobody = {
    .status = S2S_DENIED, .reason_code = "SUBJECT_UNKNOWN", .message = "There is no data for this credential."};

static void commit_approval(struct gw_evaluation *e, const struct gw_decision *decision)
{
    struct gw_subjects subjects;
    if (make_subjects(e, decision, &subjects))
        commit_decided(e, decision, &subjects, NULL);
    else if (e->backend != NULL)
        commit_undecided(e, "its answer names a subject of whom there is no dataset");
    else
        commit_decided(e, &nobody, NULL, NULL);
}

static void commit_request(struct gw_evaluation *e, const struct gw_decision *decision)
{
    size_t len = 0;
    const char *request = s2s_json_write(e->job->arena, decision->data_request, &len);
    if (request != NULL && len <= MAX_DATA_REQUEST)
        commit_decided(e, decision, NULL, request);
    else if (e->backend != NULL)
        commit_undecided(e, "what its answer asks for is too large");
    else
        commit_decided(e, &gw_decision_too_large, NULL, NULL);
}

void gw_evaluation_commit(struct gw_evaluation *e, const struct gw_decision *decision)
{
    if (decision->kind == GW_POSTPONED)
        gw_evaluation_postpone(e, decision->trouble, decision->retry_after_s, NULL);
    else if (decision->kind == GW_UNDECIDED)
        commit_undecided(e, decision->trouble);
    else if (decision->status == S2S_APPROVED)
        commit_approval(e, decision);
    else if (decision->data_request != NULL)
        commit_request(e, decision);
    else
        commit_decided(e, decision, NULL, NULL);
}
