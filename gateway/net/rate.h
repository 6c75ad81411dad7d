/* SPDX-License-Identifier: Apache-2.0
 *
 * What a peer may take of the process. Rate limits: the generic cell rate algorithm, one atomic word a peer, shared by
 * all workers.
 */
#ifndef GW_RATE_H
#define GW_RATE_H

#include "gateway/config.h"

#include <stdatomic.h>

/* The state of a peer outlives configurations, so that a reload does not refill the bucket. */
struct gw_rate {
    _Atomic int64_t theoretical_arrival_us;
    atomic_uint in_flight; /* requests of the peer, on all workers */
    atomic_bool has_lane;  /* in the database, for sure: what it is owed has a place */
};

/* Take one token at `now_us` (monotonic). Returns 0, or the whole seconds (at least 1) after which to try again. */
int64_t gw_rate_take(struct gw_rate *rate, const struct gw_rate_limit *limit, int64_t now_us);

#endif
