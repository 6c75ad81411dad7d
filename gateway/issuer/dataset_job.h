/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting for claims: while the wallet's get is answered "not yet", a job asks the backend again, until it has them.
 * Then the wallet is told (CREDENTIAL_READY), and its next get makes the credential.
 */
#ifndef GW_DATASET_JOB_H
#define GW_DATASET_JOB_H

#include "gateway/jobs/jobs.h"

/* The hooks of the kind: see struct gw_job_kind. */
bool gw_dataset_job_prepare(const struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena);
void gw_dataset_job_run(struct gw_job *job, const PGresult *result, int row);

/* A row of a role's kinds of jobs. */
#define GW_DATASET_KIND                                                                                                \
    {                                                                                                                  \
        .name = "dataset", .feeds = "deliver", .by_time = true, .claim = GW_SQL_DATASETS_CLAIM,                        \
        .prepare = gw_dataset_job_prepare, .run = gw_dataset_job_run                                                   \
    }

#endif
