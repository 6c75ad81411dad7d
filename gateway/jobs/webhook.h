/* SPDX-License-Identifier: Apache-2.0
 *
 * Webhooks to the operator's backend, in the form of Standard Webhooks (version 1): three headers, of which one signs
 * the other two and the body.
 */
#ifndef GW_WEBHOOK_H
#define GW_WEBHOOK_H

#include "gateway/receiver.h"
#include "proto/arena.h"

/* Lanes and deliveries to a receiver carry its name behind this. No peer has such a name. */
#define GW_WEBHOOK_PREFIX "webhook:"

/* webhook-id, webhook-timestamp, webhook-signature and Authorization, as header lines in the arena; of the last two
 * those that the receiver knows us by. What is left of `lines` is NULL. `id` is that of the message, the
 * same at every attempt; `now_s` the time of this one (epoch). Each of the receiver's secrets signs, so that one can be
 * replaced while both sides know the old and the new one. */
#define GW_WEBHOOK_HEADERS 4
void gw_webhook_headers(const struct gw_receiver *receiver, struct s2s_arena *arena, const char *id, int64_t now_s,
                        struct s2s_bytes body, const char *lines[GW_WEBHOOK_HEADERS]);

/* The receivers of the configuration as JSON text for s2s.lanes_set: [{"name", "events"}…], events null for all. */
const char *gw_webhook_lanes(const struct gw_config *config, struct s2s_arena *arena);

#endif
