/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker: one thread with its own loop, listeners, database connections, jobs and cache. Workers share nothing but
 * the immutable generation and the process's flags.
 */
#ifndef GW_WORKER_H
#define GW_WORKER_H

#include "gateway/db/db.h"
#include "gateway/net/server.h"

#include <stdatomic.h>

struct gw_api;
struct gw_backends;
struct gw_role;
struct gw_jobs;
struct gw_sessions;
struct gw_process;

/* What a process may be asked to serve; its configuration says which of it. */
struct gw_services {
    const struct gw_role *issuer, *wallet;
    const struct gw_api *app;   /* of the wallet operator's backend */
    const struct gw_api *admin; /* of the operators */
};

struct gw_worker {
    unsigned index;
    struct gw_process *process;
    uv_thread_t thread;
    uv_loop_t loop;
    uv_async_t wake; /* from the main thread: look at `process` */
    uv_timer_t drain_timer;
    int64_t drain_started_us;
    struct gw_metrics *metrics;
    struct gw_generation *boot;       /* what limits, listeners and database were made from */
    struct gw_generation *generation; /* what new requests use */
    const struct gw_services *services;
    struct gw_db *db;
    struct gw_outbound *outbound;
    struct gw_backends *backends;
    struct gw_jobs *jobs;
    struct gw_sessions *sessions;
    struct gw_server servers[GW_LISTENERS]; /* zeroed where there is no listener */
    unsigned in_flight;                     /* exchanges and other work that must end before the worker does */
    bool draining;
};

/* The process: what the workers have in common. */
struct gw_process {
    struct gw_worker *workers;
    unsigned count;
    const char *config_path;
    FILE *complaints;                 /* for what is wrong with a configuration: the descriptor of stderr */
    uv_mutex_t lock;                  /* guards `generation` */
    struct gw_generation *generation; /* the newest */
    atomic_bool draining;
    uv_sem_t ended; /* posted by each worker */
};

/* A job was enqueued: look for it without waiting for the next poll. */
void gw_worker_wake_jobs(struct gw_worker *worker);

/* Bind the listeners and start the connections of a worker. False when a listener cannot be bound (logged). */
bool gw_worker_init(struct gw_worker *worker, struct gw_process *process, unsigned index,
                    const struct gw_services *services);

/* The worker's thread: `worker` until it is drained. */
void gw_worker_run(void *worker);

#endif
