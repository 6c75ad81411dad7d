/* SPDX-License-Identifier: Apache-2.0
 *
 * What one thread counts while it plays, and the sum of all threads.
 */
#ifndef LOAD_STATS_H
#define LOAD_STATS_H

#include "tests/load/histogram.h"
#include "tests/load/link.h"
#include "tests/load/scenario.h"

#define LOAD_MAX_LABELS 32

struct load_label {
    char text[LOAD_LABEL_SIZE];
    uint64_t count;
};

/* Written by one thread; only the atomic parts may be read by others meanwhile. Large: allocate it. */
struct load_stats {
    struct load_histogram steps[LOAD_STEPS];             /* each request */
    struct load_histogram scenarios[LOAD_ALL_SCENARIOS]; /* each operation that succeeded */
    struct load_histogram operations;                    /* all scenarios together */
    struct load_histogram handshakes;                    /* TCP and TLS */
    _Atomic uint64_t errors;                             /* all labels */
    _Atomic uint64_t failed;                             /* operations */
    struct load_label labels[LOAD_MAX_LABELS];           /* the last one takes what does not fit */
    size_t label_count;
    uint64_t retried;    /* requests sent again under the same x-request-id */
    uint64_t replayed;   /* answers with Idempotent-Replayed */
    uint64_t opened;     /* connections */
    uint64_t lost;       /* of these, ended by a fault */
    uint64_t unprepared; /* sessions made while the clock ran */
    uint64_t unfinished; /* operations under way at the end, or due and not begun */
    uint64_t starved;    /* operations that found no session */
    struct load_traffic traffic;
};

struct load_stats *load_stats_new(void);
void load_stats_free(struct load_stats *stats);

void load_stats_error(struct load_stats *stats, const char *label);

/* Add `from` to `into`. */
void load_stats_add(struct load_stats *into, const struct load_stats *from);

/* Add the connections alone: those that an earlier phase has opened serve the next one. */
void load_stats_add_connections(struct load_stats *into, const struct load_stats *from);

/* Answers that came, to whatever. */
uint64_t load_stats_requests(const struct load_stats *stats);

#endif
