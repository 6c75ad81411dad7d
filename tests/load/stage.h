/* SPDX-License-Identifier: Apache-2.0
 *
 * What all threads share: the setting of a run, and its phases.
 */
#ifndef LOAD_STAGE_H
#define LOAD_STAGE_H

#include "tests/load/options.h"
#include "tests/load/samples.h"
#include "tests/load/stats.h"
#include "tests/load/stock.h"

/* What all players share. Borrowed, and constant while they run, but for what has its own locks. */
struct load_stage {
    const struct load_options *options;
    const struct load_target *target;
    const struct load_protocol *protocol;
    SSL_CTX *const *tls; /* one for each wallet server */
    size_t tls_count;
    const struct load_wallet *wallet;
    struct load_endpoint endpoints[S2S_ENDPOINTS];
    FILE *journal; /* or NULL */
};

/* One run of all players. */
struct load_phase {
    unsigned weights[LOAD_ALL_SCENARIOS];
    struct load_stock *stocks[LOAD_ALL_SCENARIOS]; /* for those that open sessions; NULL: all on the fly */
    double rate;                                   /* 0: closed loop */
    uint64_t ramp;
    uint64_t quota;         /* operations of all players that are begun in the window; UINT64_MAX: no limit */
    uint64_t start;         /* moments of load_now() */
    uint64_t begin;         /* the window: what ends in it counts */
    _Atomic uint64_t end;   /* of the window; UINT64_MAX: with the quota. An interrupt may bring it forward */
    _Atomic size_t playing; /* players that have not ended */
    _Atomic uint64_t ended; /* when the last operation of those that have ended was over */
};

#endif
