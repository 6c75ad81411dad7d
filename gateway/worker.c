/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/worker.h"

#include "gateway/admin/admin.h"
#include "gateway/clock.h"
#include "gateway/issuer/sessions.h"
#include "gateway/jobs/jobs.h"
#include "gateway/log.h"
#include "gateway/net/exchange.h"
#include "gateway/net/http.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Sessions whose keys a worker remembers; about 1 KiB each. */
#define SESSION_CACHE 16384
/* h2o refuses an HTTP/2 body above its limit with REFUSED_STREAM, which tells a client to retry; so bodies of up to
 * this many times limits.max_body are read from peers, and answered 413 by the exchange. */
#define BODY_SLACK 2
/* Nothing on the other listeners takes a body. */
#define SMALL_BODY 4096
#define DRAIN_LOOK_MS 50
/* What a client with nothing in flight gets to read the GOAWAY and leave by itself. */
#define DRAIN_GRACE_US (1500 * 1000)
/* Rounds of the loop in which closed sockets are let go at the end, and the longest that the last handles may take: a
 * connection to the database may be in the making. */
#define ROUNDS 200
#define LAST_MS 3000

void gw_worker_wake_jobs(struct gw_worker *worker)
{
    gw_jobs_wake(worker->jobs);
}

/* ---- listeners ---- */

static void answer_public(struct gw_server *server, h2o_req_t *req)
{
    struct gw_worker *worker = server->owner;
    if (worker->role->document == NULL || !worker->role->document(worker->generation, req))
        gw_http_send_problem(req, S2S_PROBLEM_HTTP_404, "There is nothing at this path.", NULL);
}

static bool start_server(struct gw_worker *worker, struct gw_server *server, const struct gw_listener_config *listener,
                         gw_request_cb on_request, const struct gw_tls *tls, size_t max_body)
{
    *server = (struct gw_server){.loop = &worker->loop,
                                 .metrics = worker->metrics,
                                 .limits = &worker->boot->config->limits,
                                 .listener = listener,
                                 .on_request = on_request,
                                 .owner = worker,
                                 .max_body = max_body};
    if (gw_server_start(server, tls)) {
        gw_log(GW_LOG_INFO, "listening", GW_S("address", listener->address), GW_I("port", listener->port),
               GW_I("worker", worker->index));
        return true;
    }
    gw_log(GW_LOG_ERROR, "cannot_listen", GW_S("address", listener->address), GW_I("port", listener->port),
           GW_S("reason", strerror(errno)));
    return false;
}

static bool start_servers(struct gw_worker *worker)
{
    const struct gw_config *config = worker->boot->config;
    bool ok = start_server(worker, &worker->s2s, &config->s2s, gw_exchange_start, worker->boot->s2s_tls,
                           config->limits.max_body * BODY_SLACK);
    if (ok && config->public_.enabled)
        ok = start_server(worker, &worker->public_, &config->public_, answer_public, worker->boot->public_tls,
                          SMALL_BODY);
    if (ok && worker->index == 0)
        ok = start_server(worker, &worker->admin, &config->admin, gw_admin_answer, NULL, SMALL_BODY);
    return ok;
}

/* ---- news from the main thread ---- */

static void take_generation(struct gw_worker *worker)
{
    uv_mutex_lock(&worker->process->lock);
    struct gw_generation *newest = gw_generation_ref(worker->process->generation);
    uv_mutex_unlock(&worker->process->lock);
    gw_generation_unref(worker->generation);
    worker->generation = newest;
    gw_server_use(&worker->s2s, newest->s2s_tls);
    if (worker->public_.listening && newest->public_tls != NULL)
        gw_server_use(&worker->public_, newest->public_tls);
}

static void on_drain_look(uv_timer_t *timer)
{
    struct gw_worker *worker = timer->data;
    int64_t now = gw_monotonic_us();
    bool left = gw_server_connections(&worker->s2s) == 0 || now - worker->drain_started_us > DRAIN_GRACE_US;
    bool late = now - worker->drain_started_us > worker->boot->config->limits.drain_timeout_ms * 1000;
    if (!late && !(left && worker->in_flight == 0 && gw_server_requests(&worker->s2s) == 0))
        return;
    if (worker->in_flight > 0)
        gw_log(GW_LOG_WARN, "drain_timeout", GW_I("worker", worker->index), GW_I("in_flight", worker->in_flight));
    uv_stop(&worker->loop);
}

/* Stop accepting; answer what is in flight; let clients go. */
static void drain(struct gw_worker *worker)
{
    worker->draining = true;
    worker->drain_started_us = gw_monotonic_us();
    gw_server_drain(&worker->s2s);
    gw_server_drain(&worker->public_);
    gw_jobs_stop(worker->jobs);
    uv_timer_start(&worker->drain_timer, on_drain_look, DRAIN_LOOK_MS, DRAIN_LOOK_MS);
}

static void on_wake(uv_async_t *async)
{
    struct gw_worker *worker = async->data;
    take_generation(worker);
    if (atomic_load(&worker->process->draining) && !worker->draining)
        drain(worker);
}

/* ---- life ---- */

static void run_rounds(struct gw_worker *worker)
{
    for (int i = 0; i < ROUNDS && uv_run(&worker->loop, UV_RUN_NOWAIT) != 0; ++i)
        ;
}

/* Their closing alerts may still be on the way. */
static void run_until_disconnected(struct gw_worker *worker)
{
    for (int i = 0; i < LAST_MS && gw_server_connections(&worker->s2s) + gw_server_connections(&worker->public_) +
                                           gw_server_connections(&worker->admin) >
                                       0;
         ++i) {
        run_rounds(worker);
        usleep(1000);
    }
}

static void run_to_the_end(struct gw_worker *worker)
{
    for (int i = 0; i < LAST_MS && uv_run(&worker->loop, UV_RUN_NOWAIT) != 0; ++i)
        usleep(1000);
}

/* Close everything that the worker has opened, so that a sanitizer would see what was forgotten. */
static void end_worker(struct gw_worker *worker)
{
    struct gw_server *servers[] = {&worker->s2s, &worker->public_, &worker->admin};
    gw_server_drain(&worker->admin);
    gw_server_close_connections(&worker->admin); /* its probes need the database */
    run_rounds(worker);
    gw_outbound_close(worker->outbound);
    gw_db_close(worker->db); /* whoever still waits for it is answered 503 */
    run_rounds(worker);
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); ++i)
        gw_server_close_connections(servers[i]);
    run_until_disconnected(worker);
    uv_close((uv_handle_t *)&worker->wake, NULL);
    uv_close((uv_handle_t *)&worker->drain_timer, NULL);
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); ++i)
        gw_server_dispose(servers[i]);
    run_to_the_end(worker);
    (void)uv_loop_close(&worker->loop); /* refuses while a socket lingers, which the end of the process closes */
    gw_jobs_free(worker->jobs);
    gw_sessions_free(worker->sessions);
    gw_generation_unref(worker->generation);
    gw_generation_unref(worker->boot);
}

bool gw_worker_init(struct gw_worker *worker, struct gw_process *process, unsigned index, const struct gw_role *role)
{
    worker->index = index;
    worker->process = process;
    worker->role = role;
    worker->boot = gw_generation_ref(process->generation);
    worker->generation = gw_generation_ref(process->generation);
    worker->metrics = gw_metrics_new();
    uv_loop_init(&worker->loop);
    uv_async_init(&worker->loop, &worker->wake, on_wake);
    uv_timer_init(&worker->loop, &worker->drain_timer);
    worker->wake.data = worker->drain_timer.data = worker;
    if (!start_servers(worker))
        return false;
    worker->db = gw_db_new(&worker->loop, &worker->boot->config->database, worker->metrics);
    worker->outbound = gw_outbound_new(&worker->loop, worker->boot->config->outbound.concurrency);
    worker->sessions = gw_sessions_new(SESSION_CACHE);
    worker->jobs = gw_jobs_new(worker, role->jobs);
    return true;
}

void gw_worker_run(void *arg)
{
    struct gw_worker *worker = arg;
    uv_run(&worker->loop, UV_RUN_DEFAULT);
    end_worker(worker);
    /* h2o keeps free lists in thread-local storage; they stay reachable while the thread lives. The process ends it. */
    uv_sem_post(&worker->process->ended);
    for (;;)
        pause();
}
