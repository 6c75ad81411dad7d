/* SPDX-License-Identifier: Apache-2.0
 *
 * What a block of metrics is made of. Private to metrics.c (the workers' side) and metrics_text.c (the scrape's).
 *
 * A block has one writer, its worker, and any number of readers at the same time. Numbers are relaxed atomics: each is
 * right by itself; a scrape may see one of two that change together, as Prometheus allows. A series is published once,
 * by a release store of `used` after its labels, and never removed.
 */
#ifndef GW_METRICS_BLOCK_H
#define GW_METRICS_BLOCK_H

#include "metrics.h"

#include <stdatomic.h>
#include <stdbool.h>

enum { GW_HISTOGRAM_BOUNDS = 14, GW_LABEL_VALUE_MAX = 64, GW_LABELS_SIZE = 192 };

/* Upper bounds of the buckets, ascending, and how sums are kept: as integers of 1/`unit`, so that adding loses nothing.
 */
struct gw_scale {
    double bounds[GW_HISTOGRAM_BOUNDS];
    uint64_t unit;
};

extern const struct gw_scale gw_scale_seconds; /* sums are nanoseconds */
extern const struct gw_scale gw_scale_calls;

/* Observations by bucket, not cumulated; the last bucket is +Inf. */
struct gw_histogram {
    _Atomic uint64_t buckets[GW_HISTOGRAM_BOUNDS + 1];
    _Atomic uint64_t sum;
};

/* A time series: its labels as they stand between the braces of the text format, and a counter or a histogram. */
struct gw_series {
    atomic_bool used;
    _Atomic uint64_t count;
    struct gw_histogram *histogram; /* NULL: `count` is meant */
    char labels[GW_LABELS_SIZE];
};

/* Open addressing with linear probing; `slots` is a power of two, and one slot stays free. */
struct gw_series_table {
    struct gw_series *series;
    struct gw_histogram *histograms; /* one a slot, or NULL */
    size_t slots;
    size_t used; /* of the writer alone */
};

struct gw_metrics {
    struct gw_series_table requests;     /* endpoint, status, peer */
    struct gw_series_table request_time; /* endpoint */
    struct gw_series_table jobs;         /* kind, outcome */
    struct gw_series_table job_time;     /* kind */
    struct gw_series_table backends;     /* backend, outcome */
    struct gw_series_table backend_time; /* backend */
    struct gw_histogram batch_calls, batch_time;
    _Atomic uint64_t replays, batch_retries;
    _Atomic uint64_t counters[GW_COUNTERS];
};

/* The sum of the blocks, as a block with room for all their series. Free with gw_metrics_free. */
struct gw_metrics *gw_metrics_sum(struct gw_metrics *const *blocks, size_t count);

static inline uint64_t gw_metrics_load(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

#endif
