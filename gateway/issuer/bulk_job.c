/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/bulk_job.h"

#include "gateway/worker.h"

/* Instances of one step. */
#define STEP "100"

bool gw_bulk_job_prepare(const struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    gw_db_integer(call, arena, worker->generation->config->jobs.max_attempts);
    return true;
}

void gw_bulk_job_run(struct gw_job *job, const PGresult *result, int row)
{
    (void)result;
    (void)row;
    gw_job_call(job, GW_SQL_BULK_STEP);
    gw_db_text(&job->call, STEP);
    job->call.alone = true; /* it locks many instances, and the end of the audit ledger */
    gw_job_commit(job);
}
