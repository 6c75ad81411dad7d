/* SPDX-License-Identifier: Apache-2.0
 *
 * A histogram of durations with log-linear buckets: as many buckets in each power of two, so that a value is kept
 * with the same relative precision (1/128, 0.8 %) from a nanosecond to eighteen minutes, in 34 KiB.
 *
 * One thread records while others read: the counts are relaxed atomics, which cost the one writer nothing. What a
 * reader sees is a little old, and may lack a value in one place that it has in another.
 */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_HISTOGRAM_BITS 8 /* values below 2^8 have a bucket each, and every power of two above has 2^7 */
#define LOAD_HISTOGRAM_MAX (((uint64_t)1 << 40) - 1) /* longer times count as this one */
#define LOAD_HISTOGRAM_BUCKETS (((40 - LOAD_HISTOGRAM_BITS) << (LOAD_HISTOGRAM_BITS - 1)) + (1 << LOAD_HISTOGRAM_BITS))

struct load_histogram {
    _Atomic uint64_t counts[LOAD_HISTOGRAM_BUCKETS];
    _Atomic uint64_t total; /* values recorded */
    _Atomic uint64_t sum;
    _Atomic uint64_t max; /* exact */
};

void load_histogram_record(struct load_histogram *histogram, uint64_t value);

/* Add what `from` has to `into`, which nobody else writes. */
void load_histogram_add(struct load_histogram *into, const struct load_histogram *from);

/* Make `out` what `now` has beyond `before`, an earlier state of the same histogram; its `max` is that of its last
 * bucket. */
void load_histogram_since(struct load_histogram *out, const struct load_histogram *now,
                          const struct load_histogram *before);

void load_histogram_clear(struct load_histogram *histogram);

uint64_t load_histogram_total(const struct load_histogram *histogram);
uint64_t load_histogram_max(const struct load_histogram *histogram);

/* 0 when there is no value. */
double load_histogram_mean(const struct load_histogram *histogram);

/* The smallest recorded value, rounded up to its bucket's end, that at least `fraction` (0 to 1) of all values do
 * not exceed. 0 when there is no value. */
uint64_t load_histogram_quantile(const struct load_histogram *histogram, double fraction);

#endif
