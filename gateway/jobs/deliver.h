/* SPDX-License-Identifier: Apache-2.0
 *
 * Deliveries: messages that we owe to peers (profile section 7), and webhooks to the operator's backend.
 *
 * What is owed, to whom and when is decided in SQL (sql/functions/delivery.sql), in the transaction that made it owed;
 * the message says how things stand when it is claimed. Here it is sent, and what came back is told to the database,
 * which does what the answer of a wallet's call asks for in the same transaction that ends the flight.
 */
#ifndef GW_DELIVER_H
#define GW_DELIVER_H

#include "gateway/jobs/jobs.h"

/* For a plan. */
#define GW_DELIVERY_KIND                                                                                               \
    {                                                                                                                  \
        .name = "deliver", .feeds = "deliver", .claim = GW_SQL_DELIVERIES_CLAIM, .prepare = gw_deliver_prepare,        \
        .run = gw_deliver_run                                                                                          \
    }

/* The hooks of the kind: see struct gw_job_kind. */
bool gw_deliver_prepare(const struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena);
void gw_deliver_run(struct gw_job *job, const PGresult *result, int row);

/* A chore: tell the database which peers and which receivers of webhooks can be called. */
void gw_deliver_prepare_lanes(struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena);

/* Add two parameters: how soon and how seldom peers are asked that have nothing to tell yet; null both when they are
 * not asked, or `poll` is NULL. */
void gw_deliver_poll_parameters(struct gw_db_call *call, struct s2s_arena *arena, const struct gw_poll_config *poll);

#endif
