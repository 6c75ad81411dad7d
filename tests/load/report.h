/* SPDX-License-Identifier: Apache-2.0
 *
 * The live line, the table at the end, and the same as JSON.
 */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include "tests/load/options.h"
#include "tests/load/process.h"
#include "tests/load/stats.h"
#include "tests/load/target.h"

/* A process that was asked for with --pid. */
struct load_watched {
    pid_t pid;
    bool found; /* at the begin and at the end */
    struct load_usage before, after;
};

/* What was found out about the answers that were kept. */
struct load_verification {
    uint64_t seen;    /* answers to get */
    uint64_t sampled; /* of these, decrypted and verified */
    uint64_t failed;
    struct load_error first; /* failure */
};

/* Everything that a run has measured. All borrowed. */
struct load_result {
    const struct load_options *options;
    const struct load_target *target;
    const char *protocol;
    const char *configuration;
    const struct load_stats *stats;
    double seconds; /* length of the window */
    struct load_watched watched[LOAD_MAX_PIDS];
    double own_cpu;    /* of this tool in the window */
    uint64_t prepared; /* sessions made before the clock started */
    double prepare_seconds;
    uint64_t opened_sessions;
    struct load_verification verification;
};

/* Read what the processes of --pid have used so far. */
void load_watch_begin(struct load_result *result);
void load_watch_end(struct load_result *result);

/* One line over the last: what happened between `before` and `now`, states of the histogram of all operations. */
void load_report_live(const struct load_options *options, double elapsed, double interval,
                      const struct load_histogram *last, uint64_t errors, bool measuring);
void load_report_live_end(const struct load_options *options);

void load_report_table(FILE *out, const struct load_result *result);

S2S_MUST_CHECK bool load_report_json(const char *path, const struct load_result *result, struct load_error *error);

/* Connections of --idle. */
struct load_idle {
    size_t open, lost;
};

/* Table, and JSON if it is asked for, of --idle: CPU time and memory of each process, by open connection. */
S2S_MUST_CHECK bool load_report_idle(const struct load_result *result, const struct load_idle *idle,
                                     struct load_error *error);

#endif
