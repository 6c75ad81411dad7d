/* SPDX-License-Identifier: Apache-2.0
 *
 * Reconciliation: now and then, and when somebody asks for it, the peers are asked how they see the live instances
 * (sql/functions/reconcile.sql). The questions are deliveries; here is only the clockwork.
 */
#ifndef GW_RECONCILE_H
#define GW_RECONCILE_H

#include "gateway/jobs/jobs.h"

/* A row of a role's chores: start runs that are due, and move on those that are under way. */
#define GW_RECONCILE_CHORE(prepare)                                                                                    \
    {                                                                                                                  \
        "reconcile", GW_SQL_RECONCILE_DUE, 1000, (prepare)                                                             \
    }

/* The parameters of that chore, for the side ("ISSUER", "WALLET") whose instances are walked. */
void gw_reconcile_prepare(const struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena,
                          const char *side);

#endif
