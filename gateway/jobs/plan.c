/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/jobs/plan.h"

#include "gateway/jobs/deliver.h"
#include "gateway/worker.h"

static void prepare_maintain(struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    gw_db_interval_ms(call, arena, worker->generation->config->database.answer_retention_ms);
}

static const struct gw_job_kind kinds[] = {GW_DELIVERY_KIND};

static const struct gw_chore chores[] = {
    {"maintain", GW_SQL_MAINTAIN, 3600 * 1000, prepare_maintain},
    {"lanes", GW_SQL_LANES_SET, 10 * 1000, gw_deliver_prepare_lanes},
};

const struct gw_job_plan gw_common_jobs = {kinds, sizeof(kinds) / sizeof(kinds[0]), chores,
                                           sizeof(chores) / sizeof(chores[0])};
