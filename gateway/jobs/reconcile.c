/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/jobs/reconcile.h"

#include "gateway/worker.h"

void gw_reconcile_prepare(const struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena,
                          const char *side)
{
    const struct gw_reconcile_config *config = &worker->generation->config->reconcile;
    gw_db_text(call, side);
    gw_db_interval_ms(call, arena, config->every_ms);
    gw_db_interval_ms(call, arena, config->in_process_limit_ms);
}
