/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters, gauges and histograms in the Prometheus text format (version 0.0.4).
 *
 * Every worker writes to its own block without locks (relaxed atomics); a scrape adds the blocks up. Labels are
 * endpoint, status, peer and kind of job: never a session, request or instance.
 */
#ifndef GW_METRICS_H
#define GW_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct json_object;

/* One worker's block. */
struct gw_metrics;

/* A block of zeroes. Free with gw_metrics_free, once nobody reads it any more. */
struct gw_metrics *gw_metrics_new(void);
void gw_metrics_free(struct gw_metrics *metrics);

/* How many endpoints have a duration of their own; those of more are counted as "other". */
#define GW_METRICS_ENDPOINTS 128

/* One request answered. `endpoint` and `peer` are labels ("none" for no peer); `seconds` its duration. At most 1,024
 * combinations of (endpoint, status, peer) are kept per block; more are counted under peer "other". */
void gw_metrics_request(struct gw_metrics *metrics, const char *endpoint, int status, const char *peer, double seconds,
                        int replayed);

/* One database batch ended: calls in it, and how long it took; `retried` when it was re-run one by one. */
void gw_metrics_batch(struct gw_metrics *metrics, unsigned calls, double seconds, int retried);

/* One job ended: kind ("evaluate", …) and outcome ("done", "retried", "dead", "fenced"). */
void gw_metrics_job(struct gw_metrics *metrics, const char *kind, const char *outcome, double seconds);

/* One question to a backend of the operator's: its name, and how it ended ("answered", "not_yet", "failed", "wrong",
 * "busy"); "unusable" for an answer that was well formed, and then said what cannot be. */
void gw_metrics_backend(struct gw_metrics *metrics, const char *backend, const char *outcome);

/* How long it took, from when it was asked, waiting in line included. */
void gw_metrics_backend_time(struct gw_metrics *metrics, const char *backend, double seconds);

enum gw_counter {
    GW_HANDSHAKE_FAILED, /* TLS handshakes that failed */
    GW_CONNECTIONS_OPENED,
    GW_CONNECTIONS_CLOSED,
    GW_CONNECTIONS_REFUSED, /* over the limit */
    GW_TLS_RESUMED,
    GW_STREAMS_RESET,
    GW_DB_CONNECTS,
    GW_DB_CONNECTS_FAILED,
    GW_DB_LOST,
    GW_RELOADS,
    GW_RELOADS_FAILED,
    GW_COUNTERS
};

/* Add `n` to a counter. */
void gw_metrics_count(struct gw_metrics *metrics, enum gw_counter counter, uint64_t n);

/* A gauge computed at the scrape: name and HELP text are static; `labels` like `name="tls",file="x"` or NULL. */
struct gw_gauge {
    const char *name;
    const char *help;
    const char *labels;
    double value;
};

/* The exposition text of all blocks plus `gauges` (grouped by name by the caller); malloc'ed, NUL-terminated. Names
 * begin with "s2s_": s2s_requests_total{endpoint,status,peer}, s2s_replays_total, s2s_request_duration_seconds
 * (histogram by endpoint), s2s_db_batch_calls, s2s_db_batch_duration_seconds, s2s_db_batch_retries_total,
 * s2s_jobs_total{kind,outcome}, s2s_job_duration_seconds, s2s_backend_answers_total{backend,outcome},
 * s2s_backend_duration_seconds (histogram by backend), one s2s_*_total per gw_counter. */
char *gw_metrics_write(struct gw_metrics *const *blocks, size_t count, const struct gw_gauge *gauges,
                       size_t gauge_count, size_t *len);

#endif
