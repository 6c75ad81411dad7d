/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator does to many credential instances at once: a job that goes on in bounded steps, each a transaction
 * of its own, so that whoever wants one of the instances waits for one step at most.
 */
#ifndef GW_BULK_JOB_H
#define GW_BULK_JOB_H

#include "gateway/jobs/jobs.h"

/* The hooks of the kind: see struct gw_job_kind. */
bool gw_bulk_job_prepare(const struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena);
void gw_bulk_job_run(struct gw_job *job, const PGresult *result, int row);

/* A row of a role's kinds of jobs. */
#define GW_BULK_KIND                                                                                                   \
    {                                                                                                                  \
        .name = "bulk", .claim = GW_SQL_BULK_CLAIM, .prepare = gw_bulk_job_prepare, .run = gw_bulk_job_run             \
    }

#endif
