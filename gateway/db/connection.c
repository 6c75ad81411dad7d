/* SPDX-License-Identifier: Apache-2.0
 *
 * Method. A state machine (enum gw_db_state) fed by one uv_poll handle. A batch is one pipeline: with one Sync at its
 * end it is one implicit transaction; one by one there is a Sync after every call. Results are only good once their
 * Sync has come back, since a commit can still fail there; what it ends is told at once, and leaves the batch.
 */
#include "gateway/db/connection.h"

#include "gateway/clock.h"
#include "gateway/db/statements.h"
#include "gateway/log.h"

#include <stdlib.h>

#define RECONNECT_MIN_MS 50
#define RECONNECT_MAX_MS 2000

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_reconnect(uv_timer_t *timer);

/* ---- the socket ---- */

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle);
}

/* Must come before libpq, or we, open another socket: descriptors are reused at once. */
static void unwatch(struct gw_db_connection *c)
{
    if (c->poll == NULL)
        return;
    uv_poll_stop(c->poll);
    uv_close((uv_handle_t *)c->poll, on_poll_closed);
    c->poll = NULL;
}

/* Watch the connection's socket with a fresh handle. */
static bool watch_anew(struct gw_db_connection *c, int events)
{
    unwatch(c);
    c->poll = malloc(sizeof(*c->poll));
    s2s_assert(c->poll != NULL);
    if (uv_poll_init_socket(c->loop, c->poll, PQsocket(c->pg)) != 0) {
        free(c->poll);
        c->poll = NULL;
        return false;
    }
    c->poll->data = c;
    return uv_poll_start(c->poll, events, on_poll) == 0;
}

/* A connection that stood was lost; or it never came to that, which may be said again and again while a server is down.
 */
static void log_end(const struct gw_db_connection *c, const char *why)
{
    const char *message = c->pg != NULL ? PQerrorMessage(c->pg) : NULL;
    bool stood = c->state == GW_DB_IDLE || c->state == GW_DB_BUSY;
    gw_log(GW_LOG_WARN, stood ? "database_connection_lost" : "database_connect_failed", GW_S("reason", why),
           GW_S("message", message != NULL && message[0] != '\0' ? message : NULL));
    gw_metrics_count(c->metrics, stood ? GW_DB_LOST : GW_DB_CONNECTS_FAILED, 1);
}

/* Give the connection up and try again later. */
static void drop(struct gw_db_connection *c, const char *why)
{
    struct gw_db_batch batch = c->batch;
    if (!c->closing)
        log_end(c, why);
    unwatch(c);
    PQfinish(c->pg);
    c->pg = NULL;
    c->state = GW_DB_DOWN;
    c->batch = (struct gw_db_batch){0};
    c->reading = NULL;
    if (batch.count > 0)
        c->events->lost(c->owner, &batch);
    if (c->closing)
        return;
    unsigned jitter = (unsigned)random() % (c->backoff_ms / 2 + 1);
    uv_timer_start(&c->reconnect, on_reconnect, c->backoff_ms / 2 + jitter, 0);
    c->backoff_ms = c->backoff_ms * 2 < RECONNECT_MAX_MS ? c->backoff_ms * 2 : RECONNECT_MAX_MS;
}

/* ---- connecting ---- */

static void set_option(const char **keys, const char **values, int *n, const char *key, const char *value)
{
    keys[*n] = key;
    values[*n] = value;
    ++*n;
}

/* Connect with our defaults; what the operator's connection string says wins, since it comes last. Blocks. */
static PGconn *connect_blocking(const struct gw_database_config *config)
{
    const char *keys[16], *values[16];
    char seconds[24];
    int n = 0;
    snprintf(seconds, sizeof(seconds), "%lld", (long long)(config->connect_timeout_ms + 999) / 1000);
    set_option(keys, values, &n, "application_name", "s2s-gateway");
    set_option(keys, values, &n, "target_session_attrs", "read-write");
    set_option(keys, values, &n, "connect_timeout", seconds); /* for each host */
    set_option(keys, values, &n, "keepalives_idle", "10");
    set_option(keys, values, &n, "keepalives_interval", "5");
    set_option(keys, values, &n, "keepalives_count", "3");
    set_option(keys, values, &n, "tcp_user_timeout", "15000");
    set_option(keys, values, &n, "client_encoding", "UTF8");
    set_option(keys, values, &n, "dbname", config->url);
    set_option(keys, values, &n, NULL, NULL);
    return PQconnectdbParams(keys, values, 1);
}

PGconn *gw_db_connect(const struct gw_database_config *config)
{
    PGconn *pg = connect_blocking(config);
    if (PQstatus(pg) == CONNECTION_OK)
        return pg;
    fprintf(stderr, "cannot reach the database (database.url): %s", PQerrorMessage(pg));
    PQfinish(pg);
    return NULL;
}

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

static void prepare_statements(struct gw_db_connection *c);

/* One of the things that must end before `closed` has ended. */
static void close_one(struct gw_db_connection *c)
{
    if (--c->to_close == 0)
        c->events->closed(c->owner);
}

static void connect_work(uv_work_t *work)
{
    struct gw_db_connection *c = work->data;
    c->pg = connect_blocking(c->config);
}

static void on_connect_work(uv_work_t *work, int status)
{
    struct gw_db_connection *c = work->data;
    if (c->closing) {
        PQfinish(c->pg);
        c->pg = NULL;
        close_one(c);
    } else if (status != 0 || PQstatus(c->pg) != CONNECTION_OK) {
        drop(c, "connect");
    } else {
        PQsetNoticeReceiver(c->pg, ignore_notice, NULL);
        prepare_statements(c);
    }
}

static void connect_now(struct gw_db_connection *c)
{
    c->state = GW_DB_CONNECTING;
    c->connecting.data = c;
    s2s_assert(uv_queue_work(c->loop, &c->connecting, connect_work, on_connect_work) == 0);
}

static void on_reconnect(uv_timer_t *timer)
{
    struct gw_db_connection *c = timer->data;
    if (!c->closing)
        connect_now(c);
}

/* Send what libpq has buffered, and listen for more room or for results. */
static void flush(struct gw_db_connection *c)
{
    int left = PQflush(c->pg);
    if (left < 0)
        drop(c, "send");
    else
        uv_poll_start(c->poll, left > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_poll);
}

/* What the gateway relies on, whatever role, database and connection string say: sessions' rows are locked and looked
 * at again, which needs READ COMMITTED; and plans are cached while tables are still empty, where a scan looks cheap,
 * and kept while they grow. */
static bool send_settings(struct gw_db_connection *c)
{
    const struct gw_database_config *config = c->config;
    char statement_ms[24], lock_ms[24];
    const char *values[] = {statement_ms, lock_ms};
    snprintf(statement_ms, sizeof(statement_ms), "%lld", (long long)config->statement_timeout_ms);
    snprintf(lock_ms, sizeof(lock_ms), "%lld", (long long)config->lock_timeout_ms);
    return PQsendQueryParams(c->pg,
                             "select set_config('statement_timeout', $1, false),"
                             " set_config('idle_in_transaction_session_timeout', $1, false),"
                             " set_config('lock_timeout', $2, false),"
                             " set_config('default_transaction_isolation', 'read committed', false),"
                             " set_config('synchronous_commit', 'on', false),"
                             " set_config('timezone', 'UTC', false),"
                             " set_config('enable_seqscan', 'off', false),"
                             " set_config('jit', 'off', false)",
                             2, NULL, values, NULL, NULL, 0) == 1 &&
           PQpipelineSync(c->pg) == 1;
}

static void prepare_statements(struct gw_db_connection *c)
{
    c->state = GW_DB_PREPARING;
    c->syncs_left = 2;
    c->failed = false;
    c->heard_us = gw_monotonic_us();
    bool ok = watch_anew(c, UV_READABLE) && PQsetnonblocking(c->pg, 1) == 0 && PQenterPipelineMode(c->pg) == 1 &&
              send_settings(c);
    for (int i = 0; ok && i < GW_STATEMENTS; ++i)
        ok = PQsendPrepare(c->pg, gw_statements[i].name, gw_statements[i].sql, 0, NULL) == 1;
    if (ok && PQpipelineSync(c->pg) == 1)
        flush(c);
    else
        drop(c, "prepare");
}

static void end_prepare(struct gw_db_connection *c)
{
    if (c->failed) {
        drop(c, "statements cannot be prepared: run `s2s-gateway migrate`");
        return;
    }
    c->state = GW_DB_IDLE;
    c->backoff_ms = RECONNECT_MIN_MS;
    gw_metrics_count(c->metrics, GW_DB_CONNECTS, 1);
    gw_log(GW_LOG_INFO, "database_connected", GW_S("host", PQhost(c->pg)), GW_S("port", PQport(c->pg)));
}

/* ---- batches ---- */

void gw_db_connection_send(struct gw_db_connection *c, const struct gw_db_batch *batch)
{
    bool ok = true;
    s2s_assert(c->state == GW_DB_IDLE);
    c->batch = *batch;
    c->sent_calls = batch->count;
    c->reading = batch->calls;
    c->failed = false;
    c->state = GW_DB_BUSY;
    c->sent_us = c->heard_us = gw_monotonic_us();
    c->syncs_left = batch->one_by_one ? batch->count : 1;
    for (struct gw_db_call *call = batch->calls; ok && call != NULL; call = call->next) {
        const struct gw_statement *statement = call->statement;
        ++call->runs;
        ok = PQsendQueryPrepared(c->pg, statement->name, statement->params, call->values, call->lengths, call->formats,
                                 0) == 1;
        if (ok && batch->one_by_one)
            ok = PQpipelineSync(c->pg) == 1;
    }
    if (ok && !batch->one_by_one)
        ok = PQpipelineSync(c->pg) == 1;
    if (ok)
        flush(c);
    else
        drop(c, "send");
}

/* A transaction is over: all of the batch, or, one by one, its first call. Its calls leave the batch before their owner
 * hears of them, since `ended` may lead to anything, to the closing of the connection too. */
static void end_transaction(struct gw_db_connection *c)
{
    struct gw_db_batch ended = c->batch;
    bool failed = c->failed;
    if (c->syncs_left > 0) {
        c->batch.calls = c->reading = ended.calls->next;
        c->batch.count = ended.count - 1;
        ended.calls->next = NULL;
        ended.count = 1;
        c->failed = false;
    } else {
        gw_metrics_batch(c->metrics, c->sent_calls, (double)(gw_monotonic_us() - c->sent_us) / 1e6, ended.one_by_one);
        c->batch = (struct gw_db_batch){0};
        c->reading = NULL;
        c->state = GW_DB_IDLE;
    }
    c->events->ended(c->owner, &ended, failed);
}

static void take_sync(struct gw_db_connection *c)
{
    --c->syncs_left;
    if (c->state == GW_DB_BUSY)
        end_transaction(c);
    else if (c->syncs_left == 0)
        end_prepare(c);
}

bool gw_db_may_pass(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state == NULL)
        return true;
    static const char *const classes[] = {"40", "53", "55", "57", "08"};
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); ++i)
        if (strncmp(state, classes[i], 2) == 0)
            return true;
    return strcmp(state, "25006") == 0;
}

static void take_result(struct gw_db_connection *c, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        take_sync(c);
        return;
    }
    bool ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    if (!ok)
        c->failed = true;
    if (c->reading == NULL) {
        if (!ok && status != PGRES_PIPELINE_ABORTED)
            gw_log(gw_db_may_pass(result) ? GW_LOG_WARN : GW_LOG_ERROR, "database_error",
                   GW_S("message", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
        PQclear(result);
        return;
    }
    PQclear(c->reading->result); /* a commit that fails at its Sync takes the place of the statement's own result */
    c->reading->result = result;
    if (!c->batch.one_by_one)
        c->reading = c->reading->next;
}

static void on_results(struct gw_db_connection *c)
{
    if (PQconsumeInput(c->pg) != 1) {
        drop(c, "receive");
        return;
    }
    c->heard_us = gw_monotonic_us();
    while ((c->state == GW_DB_BUSY || c->state == GW_DB_PREPARING) && !PQisBusy(c->pg)) {
        PGresult *result = PQgetResult(c->pg);
        if (PQstatus(c->pg) == CONNECTION_BAD) {
            PQclear(result);
            drop(c, "receive");
            return;
        }
        if (result != NULL)
            take_result(c, result);
        /* NULL stands between the results of two statements. */
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct gw_db_connection *c = poll->data;
    if (status < 0) {
        drop(c, "socket");
        return;
    }
    if (events & UV_READABLE)
        on_results(c);
    if ((events & UV_WRITABLE) && c->state != GW_DB_DOWN)
        flush(c);
    if (c->state == GW_DB_IDLE && PQstatus(c->pg) == CONNECTION_BAD)
        drop(c, "closed");
    c->events->ready(c->owner);
}

/* ---- life ---- */

void gw_db_connection_open(struct gw_db_connection *c)
{
    c->backoff_ms = RECONNECT_MIN_MS;
    uv_timer_init(c->loop, &c->reconnect);
    c->reconnect.data = c;
    connect_now(c);
}

void gw_db_connection_check(struct gw_db_connection *c, int64_t now_us)
{
    int64_t silent_us = (c->config->statement_timeout_ms + c->config->connect_timeout_ms) * 1000;
    if ((c->state == GW_DB_PREPARING || c->state == GW_DB_BUSY) && now_us - c->heard_us > silent_us)
        drop(c, "no answer in time");
}

static void on_timer_closed(uv_handle_t *handle)
{
    close_one(handle->data);
}

void gw_db_connection_close(struct gw_db_connection *c)
{
    c->closing = true;
    c->to_close = 1;
    if (c->state == GW_DB_CONNECTING)
        ++c->to_close;
    else
        drop(c, "closing");
    uv_close((uv_handle_t *)&c->reconnect, on_timer_closed);
}
