/* SPDX-License-Identifier: Apache-2.0
 *
 * The workers' side of the metrics: counting.
 */
#include "metrics.h"

#include "metrics_block.h"
#include "proto/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first half of a table's slots are for label sets as they come, the rest for what is counted as "other". */
enum { REQUEST_SLOTS = 2 * 1024, OTHER_SLOTS = 2 * GW_METRICS_ENDPOINTS };

const struct gw_scale gw_scale_seconds = {
    .bounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10},
    .unit = 1000000000,
};

const struct gw_scale gw_scale_calls = {
    .bounds = {1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 128, 256, 512, 1024},
    .unit = 1,
};

static void add(_Atomic uint64_t *number, uint64_t n)
{
    atomic_fetch_add_explicit(number, n, memory_order_relaxed);
}

static void observe(struct gw_histogram *histogram, const struct gw_scale *scale, double value)
{
    if (!(value >= 0)) /* a clock that stepped back */
        value = 0;
    size_t bucket = 0;
    while (bucket < GW_HISTOGRAM_BOUNDS && value > scale->bounds[bucket])
        bucket++;
    add(&histogram->buckets[bucket], 1);
    add(&histogram->sum, (uint64_t)(value * (double)scale->unit + 0.5));
}

/* ---- Labels ---- */

struct labels {
    char text[GW_LABELS_SIZE];
    size_t len;
};

static void add_text(struct labels *labels, const char *text)
{
    size_t len = strlen(text);
    s2s_assert(len < sizeof labels->text - labels->len);
    memcpy(labels->text + labels->len, text, len);
    labels->len += len;
}

/* Backslash, quote and line feed are escaped; long values are cut. At most two labels and a status fit. */
static void add_label(struct labels *labels, const char *name, const char *value)
{
    if (labels->len > 0)
        add_text(labels, ",");
    add_text(labels, name);
    add_text(labels, "=\"");
    s2s_assert(sizeof labels->text - labels->len > GW_LABEL_VALUE_MAX + sizeof "\"");
    char *out = labels->text + labels->len;
    size_t len = 0;
    for (; *value != '\0' && len < GW_LABEL_VALUE_MAX - 1; value++) {
        if (*value == '\\' || *value == '"' || *value == '\n')
            out[len++] = '\\';
        out[len++] = *value == '\n' ? 'n' : *value;
    }
    out[len++] = '"';
    out[len] = '\0';
    labels->len += len;
}

static struct labels one_label(const char *name, const char *value)
{
    struct labels labels = {.len = 0};
    add_label(&labels, name, value);
    return labels;
}

static struct labels request_labels(const char *endpoint, int status, const char *peer)
{
    char number[16];
    snprintf(number, sizeof number, "%d", status);
    struct labels labels = one_label("endpoint", endpoint);
    add_label(&labels, "status", number);
    add_label(&labels, "peer", peer);
    return labels;
}

/* ---- Tables of series ---- */

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    s2s_assert(memory != NULL);
    return memory;
}

static void table_init(struct gw_series_table *table, size_t slots, bool histograms)
{
    table->slots = slots;
    table->series = allocate(slots, sizeof *table->series);
    if (histograms)
        table->histograms = allocate(slots, sizeof *table->histograms);
}

static void table_free(struct gw_series_table *table)
{
    free(table->series);
    free(table->histograms);
}

/* FNV-1a: labels come from the configuration and the code, not from peers, so nobody can aim for collisions. */
static size_t hash(const char *text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return (size_t)(h ^ (h >> 32));
}

/* The series of these labels; it is made when the table holds less than `limit`, else NULL. */
static struct gw_series *series_of(struct gw_series_table *table, const char *labels, size_t limit)
{
    s2s_assert(limit < table->slots);
    size_t slot = hash(labels) & (table->slots - 1);
    for (; atomic_load_explicit(&table->series[slot].used, memory_order_relaxed);
         slot = (slot + 1) & (table->slots - 1))
        if (strcmp(table->series[slot].labels, labels) == 0)
            return &table->series[slot];
    if (table->used >= limit)
        return NULL;
    struct gw_series *series = &table->series[slot];
    snprintf(series->labels, sizeof series->labels, "%s", labels);
    series->histogram = table->histograms != NULL ? &table->histograms[slot] : NULL;
    atomic_store_explicit(&series->used, true, memory_order_release);
    table->used++;
    return series;
}

static struct gw_series *ordinary_series(struct gw_series_table *table, const struct labels *labels)
{
    return series_of(table, labels->text, table->slots / 2);
}

/* The series of what is counted as "other": few, as endpoints, statuses and kinds are. */
static struct gw_series *spare_series(struct gw_series_table *table, const struct labels *labels)
{
    struct gw_series *series = series_of(table, labels->text, table->slots - 1);
    s2s_assert(series != NULL);
    return series;
}

static void observe_by(struct gw_series_table *table, const char *name, const char *value, double seconds)
{
    struct labels labels = one_label(name, value), rest = one_label(name, "other");
    struct gw_series *series = ordinary_series(table, &labels);
    observe((series != NULL ? series : spare_series(table, &rest))->histogram, &gw_scale_seconds, seconds);
}

/* ---- Blocks ---- */

/* A block with room for the series of `share` blocks. */
static struct gw_metrics *new_block(size_t share)
{
    struct gw_metrics *metrics = allocate(1, sizeof *metrics);
    table_init(&metrics->requests, share * REQUEST_SLOTS, false);
    table_init(&metrics->request_time, share * OTHER_SLOTS, true);
    table_init(&metrics->jobs, share * OTHER_SLOTS, false);
    table_init(&metrics->job_time, share * OTHER_SLOTS, true);
    table_init(&metrics->backends, share * OTHER_SLOTS, false);
    table_init(&metrics->backend_time, share * OTHER_SLOTS, true);
    return metrics;
}

struct gw_metrics *gw_metrics_new(void)
{
    return new_block(1);
}

void gw_metrics_free(struct gw_metrics *metrics)
{
    if (metrics == NULL)
        return;
    table_free(&metrics->requests);
    table_free(&metrics->request_time);
    table_free(&metrics->jobs);
    table_free(&metrics->job_time);
    table_free(&metrics->backends);
    table_free(&metrics->backend_time);
    free(metrics);
}

void gw_metrics_request(struct gw_metrics *metrics, const char *endpoint, int status, const char *peer, double seconds,
                        int replayed)
{
    struct labels labels = request_labels(endpoint, status, peer);
    struct gw_series *series = ordinary_series(&metrics->requests, &labels);
    if (series == NULL) {
        labels = request_labels(endpoint, status, "other");
        series = spare_series(&metrics->requests, &labels);
    }
    add(&series->count, 1);
    observe_by(&metrics->request_time, "endpoint", endpoint, seconds);
    if (replayed)
        add(&metrics->replays, 1);
}

void gw_metrics_batch(struct gw_metrics *metrics, unsigned calls, double seconds, int retried)
{
    observe(&metrics->batch_calls, &gw_scale_calls, calls);
    observe(&metrics->batch_time, &gw_scale_seconds, seconds);
    if (retried)
        add(&metrics->batch_retries, 1);
}

void gw_metrics_job(struct gw_metrics *metrics, const char *kind, const char *outcome, double seconds)
{
    struct labels labels = one_label("kind", kind);
    add_label(&labels, "outcome", outcome);
    add(&spare_series(&metrics->jobs, &labels)->count, 1);
    observe_by(&metrics->job_time, "kind", kind, seconds);
}

static struct labels backend_labels(const char *backend, const char *outcome)
{
    struct labels labels = one_label("backend", backend);
    add_label(&labels, "outcome", outcome);
    return labels;
}

void gw_metrics_backend(struct gw_metrics *metrics, const char *backend, const char *outcome)
{
    struct labels labels = backend_labels(backend, outcome);
    struct gw_series *series = ordinary_series(&metrics->backends, &labels);
    if (series == NULL) {
        labels = backend_labels("other", outcome);
        series = spare_series(&metrics->backends, &labels);
    }
    add(&series->count, 1);
}

void gw_metrics_backend_time(struct gw_metrics *metrics, const char *backend, double seconds)
{
    observe_by(&metrics->backend_time, "backend", backend, seconds);
}

void gw_metrics_count(struct gw_metrics *metrics, enum gw_counter counter, uint64_t n)
{
    add(&metrics->counters[counter], n);
}

/* ---- Sums ---- */

static void merge_number(_Atomic uint64_t *total, const _Atomic uint64_t *part)
{
    add(total, gw_metrics_load(part));
}

static void merge_histogram(struct gw_histogram *total, const struct gw_histogram *part)
{
    for (size_t i = 0; i <= GW_HISTOGRAM_BOUNDS; i++)
        merge_number(&total->buckets[i], &part->buckets[i]);
    merge_number(&total->sum, &part->sum);
}

static void merge_table(struct gw_series_table *total, const struct gw_series_table *part)
{
    for (size_t i = 0; i < part->slots; i++) {
        const struct gw_series *from = &part->series[i];
        if (!atomic_load_explicit(&from->used, memory_order_acquire))
            continue;
        struct gw_series *to = series_of(total, from->labels, total->slots - 1);
        s2s_assert(to != NULL);
        merge_number(&to->count, &from->count);
        if (from->histogram != NULL)
            merge_histogram(to->histogram, from->histogram);
    }
}

struct gw_metrics *gw_metrics_sum(struct gw_metrics *const *blocks, size_t count)
{
    size_t share = 1;
    while (share < count)
        share *= 2;
    struct gw_metrics *total = new_block(share);
    for (size_t i = 0; i < count; i++) {
        const struct gw_metrics *block = blocks[i];
        merge_table(&total->requests, &block->requests);
        merge_table(&total->request_time, &block->request_time);
        merge_table(&total->jobs, &block->jobs);
        merge_table(&total->job_time, &block->job_time);
        merge_table(&total->backends, &block->backends);
        merge_table(&total->backend_time, &block->backend_time);
        merge_histogram(&total->batch_calls, &block->batch_calls);
        merge_histogram(&total->batch_time, &block->batch_time);
        merge_number(&total->replays, &block->replays);
        merge_number(&total->batch_retries, &block->batch_retries);
        for (size_t k = 0; k < GW_COUNTERS; k++)
            merge_number(&total->counters[k], &block->counters[k]);
    }
    return total;
}
