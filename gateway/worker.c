/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/worker.h"

#include "gateway/admin/admin.h"
#include "gateway/clock.h"
#include "gateway/issuer/backend.h"
#include "gateway/issuer/sessions.h"
#include "gateway/jobs/plan.h"
#include "gateway/log.h"
#include "gateway/net/api.h"
#include "gateway/net/exchange.h"
#include "gateway/net/http.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Sessions whose keys a worker remembers; about 1 KiB each. */
#define SESSION_CACHE 16384
/* h2o refuses an HTTP/2 body above its limit with REFUSED_STREAM, which tells a client to retry; so bodies of up to
 * this many times limits.max_body are read from peers, and answered 413 by the exchange. */
#define BODY_SLACK 8
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
    if (!worker->services->issuer->document(worker, req))
        gw_http_send_problem(req, S2S_PROBLEM_HTTP_404, "There is nothing at this path.", NULL);
}

/* What each listener does. */
static const struct {
    gw_request_cb on_request;
    bool takes_bodies;
    bool once; /* on the first worker only */
} listeners[GW_LISTENERS] = {
    [GW_LISTEN_S2S] = {gw_exchange_start, .takes_bodies = true},
    [GW_LISTEN_WALLET] = {gw_exchange_start, .takes_bodies = true},
    [GW_LISTEN_PUBLIC] = {.on_request = answer_public},
    [GW_LISTEN_APP] = {gw_api_answer, .takes_bodies = true},
    [GW_LISTEN_ADMIN] = {gw_admin_answer, .takes_bodies = true, .once = true},
};

static bool start_server(struct gw_worker *worker, enum gw_listener_id id)
{
    const struct gw_config *config = worker->boot->config;
    const struct gw_listener_config *listener = &config->listeners[id];
    const struct gw_services *services = worker->services;
    struct gw_server *server = &worker->servers[id];
    *server = (struct gw_server){
        .loop = &worker->loop,
        .metrics = worker->metrics,
        .limits = &config->limits,
        .listener = listener,
        .on_request = listeners[id].on_request,
        .owner = worker,
        .role = id == GW_LISTEN_S2S      ? services->issuer
                : id == GW_LISTEN_WALLET ? services->wallet
                                         : NULL,
        .api = id == GW_LISTEN_APP     ? services->app
               : id == GW_LISTEN_ADMIN ? services->admin
                                       : NULL,
        .max_body = listeners[id].takes_bodies ? config->limits.max_body * BODY_SLACK : SMALL_BODY,
    };
    bool started = gw_server_start(server, worker->boot->tls[id]);
    gw_log(started ? GW_LOG_INFO : GW_LOG_ERROR, started ? "listening" : "cannot_listen",
           GW_S("address", listener->socket != NULL ? listener->socket : listener->address),
           GW_I("port", listener->port), started ? GW_I("worker", worker->index) : GW_S("reason", strerror(errno)));
    return started;
}

static bool start_servers(struct gw_worker *worker)
{
    for (int id = 0; id < GW_LISTENERS; ++id) {
        const struct gw_listener_config *listener = &worker->boot->config->listeners[id];
        /* A Unix socket cannot be shared as a port can. */
        bool mine = worker->index == 0 || !(listeners[id].once || listener->socket != NULL);
        if (listener->enabled && mine && !start_server(worker, (enum gw_listener_id)id))
            return false;
    }
    return true;
}

/* How many requests or connections there are on all listeners but the operators', whose requests are no work. */
static unsigned count_all(const struct gw_worker *worker, unsigned (*count)(const struct gw_server *server))
{
    unsigned sum = 0;
    for (int id = 0; id < GW_LISTENERS; ++id)
        sum += id != GW_LISTEN_ADMIN ? count(&worker->servers[id]) : 0;
    return sum;
}

/* ---- news from the main thread ---- */

static void take_generation(struct gw_worker *worker)
{
    uv_mutex_lock(&worker->process->lock);
    struct gw_generation *newest = gw_generation_ref(worker->process->generation);
    uv_mutex_unlock(&worker->process->lock);
    gw_generation_unref(worker->generation);
    worker->generation = newest;
    for (int id = 0; id < GW_LISTENERS; ++id)
        if (worker->servers[id].listening && newest->tls[id] != NULL)
            gw_server_use(&worker->servers[id], newest->tls[id]);
}

static void on_drain_look(uv_timer_t *timer)
{
    struct gw_worker *worker = timer->data;
    int64_t now = gw_monotonic_us();
    bool left = count_all(worker, gw_server_connections) == 0 || now - worker->drain_started_us > DRAIN_GRACE_US;
    bool late = now - worker->drain_started_us > worker->boot->config->limits.drain_timeout_ms * 1000;
    if (!late && !(left && worker->in_flight == 0 && count_all(worker, gw_server_requests) == 0))
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
    for (int id = 0; id < GW_LISTENERS; ++id)
        if (id != GW_LISTEN_ADMIN)
            gw_server_drain(&worker->servers[id]);
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
    const struct gw_server *admin = &worker->servers[GW_LISTEN_ADMIN];
    for (int i = 0; i < LAST_MS && count_all(worker, gw_server_connections) + gw_server_connections(admin) > 0; ++i) {
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
    gw_server_drain(&worker->servers[GW_LISTEN_ADMIN]);
    gw_server_close_connections(&worker->servers[GW_LISTEN_ADMIN]); /* its probes need the database */
    run_rounds(worker);
    gw_backends_close(worker->backends); /* whoever still waits for one is told */
    gw_outbound_close(worker->outbound);
    gw_db_close(worker->db); /* whoever still waits for it is answered 503 */
    run_rounds(worker);
    for (int id = 0; id < GW_LISTENERS; ++id)
        gw_server_close_connections(&worker->servers[id]);
    run_until_disconnected(worker);
    uv_close((uv_handle_t *)&worker->wake, NULL);
    uv_close((uv_handle_t *)&worker->drain_timer, NULL);
    for (int id = 0; id < GW_LISTENERS; ++id)
        gw_server_dispose(&worker->servers[id]);
    run_to_the_end(worker);
    (void)uv_loop_close(&worker->loop); /* refuses while a socket lingers, which the end of the process closes */
    gw_jobs_free(worker->jobs);
    gw_sessions_free(worker->sessions);
    gw_generation_unref(worker->generation);
    gw_generation_unref(worker->boot);
}

/* What there is to do in the background: of every role, and of each that the process plays. */
static struct gw_jobs *start_jobs(struct gw_worker *worker)
{
    const struct gw_job_plan *plans[3] = {&gw_common_jobs};
    unsigned roles = worker->boot->config->roles;
    size_t count = 1;
    if ((roles & GW_ROLE_ISSUER) != 0)
        plans[count++] = worker->services->issuer->jobs;
    if ((roles & GW_ROLE_WALLET) != 0)
        plans[count++] = worker->services->wallet->jobs;
    return gw_jobs_new(worker, plans, count);
}

/* The names under which requests are counted. */
static size_t count_endpoints(const struct gw_services *services)
{
    enum { OUTSIDE = 3 }; /* the issuer's metadata, documents of offers, and none */
    return services->issuer->count + services->wallet->count + services->app->count + services->admin->count + OUTSIDE;
}

bool gw_worker_init(struct gw_worker *worker, struct gw_process *process, unsigned index,
                    const struct gw_services *services)
{
    worker->index = index;
    worker->process = process;
    worker->services = services;
    worker->boot = gw_generation_ref(process->generation);
    worker->generation = gw_generation_ref(process->generation);
    s2s_assert(count_endpoints(services) <= GW_METRICS_ENDPOINTS);
    worker->metrics = gw_metrics_new();
    uv_loop_init(&worker->loop);
    uv_async_init(&worker->loop, &worker->wake, on_wake);
    uv_timer_init(&worker->loop, &worker->drain_timer);
    worker->wake.data = worker->drain_timer.data = worker;
    if (!start_servers(worker))
        return false;
    worker->db = gw_db_new(&worker->loop, &worker->boot->config->database, worker->metrics);
    worker->outbound = gw_outbound_new(&worker->loop, worker->boot->config->outbound.concurrency);
    worker->backends = gw_backends_new(&worker->loop);
    worker->sessions = gw_sessions_new(SESSION_CACHE);
    worker->jobs = start_jobs(worker);
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
