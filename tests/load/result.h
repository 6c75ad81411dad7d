/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run has found out, before anybody writes it down.
 */
#ifndef LOAD_RESULT_H
#define LOAD_RESULT_H

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

/* Everything that a run has measured. Pointers are borrowed. */
struct load_result {
    const struct load_options *options;
    const struct load_target *target;
    const char *protocol;
    const char *configuration;
    const struct load_stats *stats;
    double seconds; /* length of the window */
    struct load_watched watched[LOAD_MAX_PIDS];
    double own_cpu;    /* seconds, of this tool in the window */
    uint64_t prepared; /* sessions made before the clock started */
    double prepare_seconds;
    uint64_t opened_sessions;
    struct load_verification verification;
};

/* Connections of --idle. */
struct load_idle_result {
    size_t open, lost;
};

/* Read what this tool and the processes of --pid have used so far: at the begin of the window, and at its end. */
void load_result_begin(struct load_result *result);
void load_result_end(struct load_result *result);

/* Operations that succeeded. */
uint64_t load_result_operations(const struct load_result *result);

/* `count` things a second. */
double load_result_rate(const struct load_result *result, uint64_t count);

/* CPU seconds and growth in octets of a process in the window. */
double load_watched_cpu(const struct load_watched *watched);
double load_watched_growth(const struct load_watched *watched);

/* `amount` for each of `count` things; 0 for none. */
double load_each(double amount, uint64_t count);

/* The quantiles that are told. */
struct load_quantile {
    const char *name;
    double fraction;
};

#define LOAD_QUANTILES 4
extern const struct load_quantile load_quantiles[LOAD_QUANTILES];

#endif
