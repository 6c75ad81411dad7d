/* SPDX-License-Identifier: Apache-2.0
 *
 * A value below 2^8 is its own bucket. A larger one is shifted right until it has 8 bits; the 7 below its leading one
 * choose the bucket among the 128 of its power of two, which follow on each other.
 */
#include "tests/load/histogram.h"

#include <math.h>

#define HALF ((size_t)1 << (LOAD_HISTOGRAM_BITS - 1))

static uint64_t load_relaxed(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

/* There is one writer, so reading and writing need not be one step. */
static void store_relaxed(_Atomic uint64_t *value, uint64_t to)
{
    atomic_store_explicit(value, to, memory_order_relaxed);
}

static void increase(_Atomic uint64_t *value, uint64_t by)
{
    store_relaxed(value, load_relaxed(value) + by);
}

static size_t bucket_of(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned shift = bits > LOAD_HISTOGRAM_BITS ? bits - LOAD_HISTOGRAM_BITS : 0;
    return shift * HALF + (size_t)(value >> shift);
}

/* The largest value of a bucket. */
static uint64_t bucket_end(size_t bucket)
{
    if (bucket < 2 * HALF)
        return bucket;
    unsigned shift = (unsigned)(bucket / HALF) - 1;
    uint64_t leading = bucket % HALF + HALF;
    return ((leading + 1) << shift) - 1;
}

void load_histogram_record(struct load_histogram *histogram, uint64_t value)
{
    if (value > LOAD_HISTOGRAM_MAX)
        value = LOAD_HISTOGRAM_MAX;
    increase(&histogram->counts[bucket_of(value)], 1);
    increase(&histogram->total, 1);
    increase(&histogram->sum, value);
    if (value > load_relaxed(&histogram->max))
        store_relaxed(&histogram->max, value);
}

void load_histogram_add(struct load_histogram *into, const struct load_histogram *from)
{
    for (size_t i = 0; i < LOAD_HISTOGRAM_BUCKETS; ++i)
        increase(&into->counts[i], load_relaxed(&from->counts[i]));
    increase(&into->total, load_relaxed(&from->total));
    increase(&into->sum, load_relaxed(&from->sum));
    if (load_relaxed(&from->max) > load_relaxed(&into->max))
        store_relaxed(&into->max, load_relaxed(&from->max));
}

void load_histogram_since(struct load_histogram *out, const struct load_histogram *now,
                          const struct load_histogram *before)
{
    uint64_t total = 0, max = 0;
    for (size_t i = 0; i < LOAD_HISTOGRAM_BUCKETS; ++i) {
        uint64_t count = load_relaxed(&now->counts[i]) - load_relaxed(&before->counts[i]);
        store_relaxed(&out->counts[i], count);
        total += count;
        if (count > 0)
            max = bucket_end(i);
    }
    store_relaxed(&out->total, total);
    store_relaxed(&out->sum, load_relaxed(&now->sum) - load_relaxed(&before->sum));
    store_relaxed(&out->max, max);
}

void load_histogram_clear(struct load_histogram *histogram)
{
    for (size_t i = 0; i < LOAD_HISTOGRAM_BUCKETS; ++i)
        store_relaxed(&histogram->counts[i], 0);
    store_relaxed(&histogram->total, 0);
    store_relaxed(&histogram->sum, 0);
    store_relaxed(&histogram->max, 0);
}

uint64_t load_histogram_total(const struct load_histogram *histogram)
{
    return load_relaxed(&histogram->total);
}

uint64_t load_histogram_max(const struct load_histogram *histogram)
{
    return load_relaxed(&histogram->max);
}

double load_histogram_mean(const struct load_histogram *histogram)
{
    uint64_t total = load_histogram_total(histogram);
    return total > 0 ? (double)load_relaxed(&histogram->sum) / (double)total : 0;
}

uint64_t load_histogram_quantile(const struct load_histogram *histogram, double fraction)
{
    uint64_t total = load_histogram_total(histogram), max = load_histogram_max(histogram), below = 0;
    uint64_t wanted = (uint64_t)ceil(fraction * (double)total);
    if (wanted == 0)
        wanted = 1;
    for (size_t i = 0; i < LOAD_HISTOGRAM_BUCKETS && total > 0; ++i) {
        below += load_relaxed(&histogram->counts[i]);
        if (below >= wanted)
            return bucket_end(i) < max ? bucket_end(i) : max;
    }
    return max;
}
