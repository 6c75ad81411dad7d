/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/process.h"

#include "gateway/clock.h"
#include "gateway/log.h"
#include "gateway/worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKER_STACK (1024 * 1024)
#define RETIREMENT_RETRY_MS 60000

static struct gw_process process;
static uv_loop_t loop;
static uv_signal_t sighup, sigterm, sigint;
static uv_timer_t retirement;

static void wake_workers(void)
{
    for (unsigned i = 0; i < process.count; ++i)
        uv_async_send(&process.workers[i].wake);
}

/* ---- reload ---- */

static void on_retirement(uv_timer_t *timer);

/* A retired encryption key stops decrypting at its hour, without an operator: that takes a new generation. */
static void plan_retirement(const struct gw_generation *generation)
{
    const struct gw_issuer_config *issuer = &generation->config->issuer;
    int64_t now = gw_now_s(), next = INT64_MAX;
    for (size_t i = 0; i < issuer->encryption_key_count; ++i) {
        int64_t at = issuer->encryption_keys[i].retire_after;
        if (at > now && at < next)
            next = at;
    }
    uv_timer_stop(&retirement);
    if (next != INT64_MAX)
        uv_timer_start(&retirement, on_retirement, (uint64_t)(next - now) * 1000 + 1000, 0);
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Whether a listener is plain is built into it, too. */
static bool same_listeners(const struct gw_listener_config *a, const struct gw_listener_config *b)
{
    for (int id = 0; id < GW_LISTENERS; ++id, ++a, ++b)
        if (a->enabled != b->enabled || a->port != b->port || !same_text(a->address, b->address) ||
            !same_text(a->socket, b->socket) || (a->certificate.path == NULL) != (b->certificate.path == NULL))
            return false;
    return true;
}

/* Limits that a reload takes over (docs/configuration.md); the others are built into the listeners. */
static bool same_limits(struct gw_limits_config running, const struct gw_limits_config *read)
{
    running.max_body = read->max_body;
    running.max_depth = read->max_depth;
    running.max_submissions = read->max_submissions;
    running.max_verification_data = read->max_verification_data;
    running.max_waiting_gets = read->max_waiting_gets;
    running.request_memory = read->request_memory;
    running.tls_session_ms = read->tls_session_ms;
    return memcmp(&running, read, sizeof(running)) == 0;
}

/* The database's settings are built into its connections, but for how long answers are kept. */
static bool same_database(struct gw_database_config running, const struct gw_database_config *read)
{
    bool url = same_text(running.url, read->url);
    running.url = read->url;
    running.line = read->line;
    running.answer_retention_ms = read->answer_retention_ms;
    return url && memcmp(&running, read, sizeof(running)) == 0;
}

/* Some settings are built into sockets and connections; say so rather than ignore a change in silence. */
static void warn_of_restart(const struct gw_config *running, const struct gw_config *read)
{
    bool same = running->workers == read->workers && running->roles == read->roles &&
                same_listeners(running->listeners, read->listeners) && same_limits(running->limits, &read->limits) &&
                same_database(running->database, &read->database);
    if (!same)
        gw_log(GW_LOG_WARN, "restart_needed",
               GW_S("reason", "what was changed of role, workers, listener addresses, database or limits takes effect "
                              "with a restart"));
}

static bool reload(void)
{
    struct gw_config_errors errors = {process.complaints, process.config_path, 0};
    struct gw_metrics *metrics = process.workers[0].metrics;
    struct gw_generation *generation = gw_generation_load(process.config_path, &errors);
    if (generation == NULL) {
        gw_metrics_count(metrics, GW_RELOADS_FAILED, 1);
        gw_log(GW_LOG_ERROR, "reload_failed", GW_I("errors", errors.count),
               GW_S("result", "the running configuration stays in force"));
        return false;
    }
    warn_of_restart(process.workers[0].boot->config, generation->config);
    plan_retirement(generation);
    uv_mutex_lock(&process.lock);
    struct gw_generation *old = process.generation;
    process.generation = generation;
    uv_mutex_unlock(&process.lock);
    gw_metrics_count(metrics, GW_RELOADS, 1);
    gw_log(GW_LOG_INFO, "reloaded", GW_I("generation", (int64_t)generation->number));
    gw_generation_unref(old);
    wake_workers();
    return true;
}

static void on_retirement(uv_timer_t *timer)
{
    if (!reload()) /* the key must go all the same: again, until the file can be read */
        uv_timer_start(timer, on_retirement, RETIREMENT_RETRY_MS, 0);
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *handle, int signum)
{
    (void)handle;
    if (signum == SIGHUP) {
        (void)reload();
        return;
    }
    if (atomic_exchange(&process.draining, true))
        return;
    gw_log(GW_LOG_INFO, "draining", GW_I("signal", signum));
    wake_workers();
    uv_stop(&loop);
}

static void watch_signals(void)
{
    uv_loop_init(&loop);
    uv_timer_init(&loop, &retirement);
    uv_signal_init(&loop, &sighup);
    uv_signal_init(&loop, &sigterm);
    uv_signal_init(&loop, &sigint);
    uv_signal_start(&sighup, on_signal, SIGHUP);
    uv_signal_start(&sigterm, on_signal, SIGTERM);
    uv_signal_start(&sigint, on_signal, SIGINT);
}

/* ---- life ---- */

/* h2o prints to stderr what any client can make it print. Our own lines go to descriptor 2 directly. */
static void silence_libraries(void)
{
    FILE *nowhere = fopen("/dev/null", "w");
    process.complaints = fdopen(dup(STDERR_FILENO), "w");
    s2s_assert(nowhere != NULL && process.complaints != NULL);
    setvbuf(process.complaints, NULL, _IOLBF, 0);
    stderr = nowhere;
}

static bool start_workers(const struct gw_services *services)
{
    const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = WORKER_STACK};
    for (unsigned i = 0; i < process.count; ++i)
        if (!gw_worker_init(&process.workers[i], &process, i, services))
            return false;
    for (unsigned i = 0; i < process.count; ++i)
        s2s_assert(uv_thread_create_ex(&process.workers[i].thread, &options, gw_worker_run, &process.workers[i]) == 0);
    return true;
}

int gw_process_run(const char *config_path, struct gw_generation *generation, const struct gw_services *services)
{
    signal(SIGPIPE, SIG_IGN);
    silence_libraries();
    srandom((unsigned)(gw_monotonic_us() ^ gw_now_ms()));
    process.config_path = config_path;
    process.generation = generation;
    process.count = generation->config->workers;
    process.workers = calloc(process.count, sizeof(*process.workers));
    s2s_assert(process.workers != NULL);
    uv_mutex_init(&process.lock);
    uv_sem_init(&process.ended, 0);
    watch_signals();
    if (!start_workers(services))
        return 1;
    plan_retirement(generation);
    gw_log(GW_LOG_INFO, "started", GW_S("version", S2S_VERSION), GW_I("workers", process.count));
    uv_run(&loop, UV_RUN_DEFAULT);
    for (unsigned i = 0; i < process.count; ++i)
        uv_sem_wait(&process.ended);
    gw_generation_unref(process.generation);
    gw_log(GW_LOG_INFO, "stopped", GW_S("version", S2S_VERSION));
    for (unsigned i = 0; i < process.count; ++i)
        gw_metrics_free(process.workers[i].metrics); /* not earlier: a scrape reads all of them */
    free(process.workers);
    return 0;
}
