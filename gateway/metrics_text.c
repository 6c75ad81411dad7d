/* SPDX-License-Identifier: Apache-2.0
 *
 * The scrape's side of the metrics: the Prometheus text format, version 0.0.4.
 */
#include "metrics_block.h"

#include "proto/result.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One row a gw_counter. */
static const struct {
    const char *name;
    const char *help;
} counters[GW_COUNTERS] = {
    [GW_HANDSHAKE_FAILED] = {"s2s_tls_handshakes_failed_total", "TLS handshakes that failed."},
    [GW_CONNECTIONS_OPENED] = {"s2s_connections_opened_total", "Connections accepted."},
    [GW_CONNECTIONS_CLOSED] = {"s2s_connections_closed_total", "Connections that ended."},
    [GW_CONNECTIONS_REFUSED] = {"s2s_connections_refused_total", "Connections refused over the limit."},
    [GW_TLS_RESUMED] = {"s2s_tls_sessions_resumed_total", "TLS handshakes that resumed a session."},
    [GW_STREAMS_RESET] = {"s2s_streams_reset_total", "HTTP/2 streams that their peer reset before the answer."},
    [GW_DB_CONNECTS] = {"s2s_db_connects_total", "Connections made to the database."},
    [GW_DB_CONNECTS_FAILED] = {"s2s_db_connects_failed_total", "Attempts to connect to the database that failed."},
    [GW_DB_LOST] = {"s2s_db_connections_lost_total", "Connections to the database that were lost."},
    [GW_RELOADS] = {"s2s_config_reloads_total", "Configurations taken on SIGHUP."},
    [GW_RELOADS_FAILED] = {"s2s_config_reloads_failed_total", "Configurations refused on SIGHUP."},
};

static void write_head(FILE *out, const char *name, const char *help, const char *type)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_counter(FILE *out, const char *name, const char *help, const _Atomic uint64_t *value)
{
    write_head(out, name, help, "counter");
    fprintf(out, "%s %" PRIu64 "\n", name, gw_metrics_load(value));
}

/* One bucket, sum or count; `labels` and `le` may be empty. */
static void write_sample_name(FILE *out, const char *name, const char *suffix, const char *labels, const char *le)
{
    bool braces = labels[0] != '\0' || le[0] != '\0', both = labels[0] != '\0' && le[0] != '\0';
    fprintf(out, "%s%s%s%s%s%s%s ", name, suffix, braces ? "{" : "", labels, both ? "," : "", le, braces ? "}" : "");
}

static void write_histogram(FILE *out, const char *name, const char *labels, const struct gw_histogram *histogram,
                            const struct gw_scale *scale)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= GW_HISTOGRAM_BOUNDS; i++) {
        char le[32] = "le=\"+Inf\"";
        if (i < GW_HISTOGRAM_BOUNDS)
            snprintf(le, sizeof le, "le=\"%g\"", scale->bounds[i]);
        count += gw_metrics_load(&histogram->buckets[i]);
        write_sample_name(out, name, "_bucket", labels, le);
        fprintf(out, "%" PRIu64 "\n", count);
    }
    write_sample_name(out, name, "_sum", labels, "");
    fprintf(out, "%.15g\n", (double)gw_metrics_load(&histogram->sum) / (double)scale->unit);
    write_sample_name(out, name, "_count", labels, "");
    fprintf(out, "%" PRIu64 "\n", count);
}

static int compare_labels(const void *a, const void *b)
{
    const struct gw_series *left = *(const struct gw_series *const *)a, *right = *(const struct gw_series *const *)b;
    return strcmp(left->labels, right->labels);
}

/* The series of a table by their labels, so that two scrapes can be compared; its length is table->used. Free it. */
static const struct gw_series **sorted_series(const struct gw_series_table *table)
{
    const struct gw_series **sorted = calloc(table->used + 1, sizeof(struct gw_series *));
    s2s_assert(sorted != NULL);
    size_t n = 0;
    for (size_t i = 0; i < table->slots; i++)
        if (table->series[i].used)
            sorted[n++] = &table->series[i];
    qsort(sorted, n, sizeof(struct gw_series *), compare_labels);
    return sorted;
}

static void write_table(FILE *out, const char *name, const char *help, const struct gw_series_table *table)
{
    write_head(out, name, help, table->histograms != NULL ? "histogram" : "counter");
    const struct gw_series **sorted = sorted_series(table);
    for (size_t i = 0; i < table->used; i++) {
        const struct gw_series *series = sorted[i];
        if (series->histogram != NULL)
            write_histogram(out, name, series->labels, series->histogram, &gw_scale_seconds);
        else
            fprintf(out, "%s{%s} %" PRIu64 "\n", name, series->labels, gw_metrics_load(&series->count));
    }
    free(sorted);
}

static void write_gauges(FILE *out, const struct gw_gauge *gauges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct gw_gauge *gauge = &gauges[i];
        if (i == 0 || strcmp(gauge->name, gauges[i - 1].name) != 0)
            write_head(out, gauge->name, gauge->help, "gauge");
        write_sample_name(out, gauge->name, "", gauge->labels != NULL ? gauge->labels : "", "");
        if (isfinite(gauge->value))
            fprintf(out, "%.15g\n", gauge->value);
        else
            fprintf(out, "%s\n", isnan(gauge->value) ? "NaN" : gauge->value > 0 ? "+Inf" : "-Inf");
    }
}

static void write_total(FILE *out, const struct gw_metrics *total)
{
    write_table(out, "s2s_requests_total", "Requests answered.", &total->requests);
    write_counter(out, "s2s_replays_total", "Requests answered with the stored answer of an earlier one.",
                  &total->replays);
    write_table(out, "s2s_request_duration_seconds", "From a request's arrival to its answer.", &total->request_time);
    write_head(out, "s2s_db_batch_calls", "Calls that shared a database transaction.", "histogram");
    write_histogram(out, "s2s_db_batch_calls", "", &total->batch_calls, &gw_scale_calls);
    write_head(out, "s2s_db_batch_duration_seconds", "From sending a batch to its commit.", "histogram");
    write_histogram(out, "s2s_db_batch_duration_seconds", "", &total->batch_time, &gw_scale_seconds);
    write_counter(out, "s2s_db_batch_retries_total", "Batches that were run again, call by call.",
                  &total->batch_retries);
    write_table(out, "s2s_jobs_total", "Background jobs ended.", &total->jobs);
    write_table(out, "s2s_job_duration_seconds", "From taking a job to its end.", &total->job_time);
    write_table(out, "s2s_backend_answers_total", "Questions to backends that decide or know claims.",
                &total->backends);
    write_table(out, "s2s_backend_duration_seconds", "From asking a backend to its answer.", &total->backend_time);
    for (size_t i = 0; i < GW_COUNTERS; i++)
        write_counter(out, counters[i].name, counters[i].help, &total->counters[i]);
}

char *gw_metrics_write(struct gw_metrics *const *blocks, size_t count, const struct gw_gauge *gauges,
                       size_t gauge_count, size_t *len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    s2s_assert(out != NULL);
    struct gw_metrics *total = gw_metrics_sum(blocks, count);
    write_total(out, total);
    gw_metrics_free(total);
    write_gauges(out, gauges, gauge_count);
    s2s_assert(fclose(out) == 0);
    return text;
}
