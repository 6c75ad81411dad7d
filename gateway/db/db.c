/* SPDX-License-Identifier: Apache-2.0
 *
 * Method. Each connection is a small state machine (see `enum state`) fed by one uv_poll handle. Waiting calls stand in
 * one queue for all connections. When a connection is idle it takes up to `batch_max` calls, sends them as one pipeline
 * and collects one result each; at the Sync, and not before, the calls are done. A failed call takes its whole batch
 * with it (PostgreSQL rolls the implicit transaction back), so the batch's calls go to the `retry` list and run again
 * each in a transaction of its own, in the same pipeline with a Sync after every call. There a failure is the call's
 * own.
 */
#include "gateway/db/db.h"

#include "gateway/clock.h"
#include "gateway/db/statements.h"
#include "gateway/log.h"
#include "proto/result.h"

#include <stdlib.h>
#include <string.h>

/* How often a call may run before its failure is final: the batch, alone, and twice more for deadlocks. */
#define MAX_RUNS 4
#define RECONNECT_MIN_MS 50
#define RECONNECT_MAX_MS 2000
#define SWEEP_MS 200

enum state { DOWN, CONNECTING, PREPARING, IDLE, BUSY };

struct queue {
    struct gw_db_call *first, **last;
    unsigned count;
};

struct connection {
    struct gw_db *db;
    enum state state;
    PGconn *pg;
    uv_poll_t *poll; /* of its own allocation: it outlives its socket until libuv has closed it */
    uv_work_t
        connecting; /* libpq's blocking connect, on libuv's pool: it looks names up and gives each host its time */
    uv_timer_t reconnect;
    unsigned backoff_ms;
    struct gw_db_call *batch;   /* in flight, in the order sent */
    struct gw_db_call *reading; /* whose result is expected next */
    bool one_by_one;
    bool failed; /* a call of this batch failed, or the batch's fate is unknown */
    unsigned in_batch;
    int64_t sent_us;
    unsigned syncs_left;
};

struct gw_db {
    uv_loop_t *loop;
    const struct gw_database_config *config;
    struct gw_metrics *metrics;
    struct queue waiting; /* for a batch */
    struct queue retry;   /* to run one by one: what failed in a batch, and what asked for it */
    unsigned in_flight;
    unsigned open_handles;
    bool closing;
    uv_timer_t sweep;
    uv_check_t pump; /* sends after the loop has read all sockets, so that a burst makes one batch */
    uv_idle_t keep;  /* keeps the loop from sleeping while the pump has work */
    struct connection *connections;
};

/* ---- queues ---- */

static void queue_init(struct queue *queue)
{
    *queue = (struct queue){.last = &queue->first};
}

static void queue_push(struct queue *queue, struct gw_db_call *call)
{
    call->next = NULL;
    *queue->last = call;
    queue->last = &call->next;
    ++queue->count;
}

/* Take up to `max` calls as a NULL-terminated list. */
static struct gw_db_call *queue_take(struct queue *queue, unsigned max, unsigned *taken)
{
    struct gw_db_call *head = queue->first, **end = &head;
    *taken = 0;
    while (*end != NULL && *taken < max) {
        end = &(*end)->next;
        ++*taken;
    }
    queue->first = *end;
    if (queue->first == NULL)
        queue->last = &queue->first;
    queue->count -= *taken;
    *end = NULL;
    return head;
}

static int compare_calls(const void *a, const void *b)
{
    const struct gw_db_call *x = *(struct gw_db_call *const *)a, *y = *(struct gw_db_call *const *)b;
    return strcmp(x->order_key != NULL ? x->order_key : "", y->order_key != NULL ? y->order_key : "");
}

/* Order a list by key; qsort on an array of pointers, since batches are small. */
static struct gw_db_call *sort_calls(struct gw_db_call *head, unsigned count)
{
    if (count < 2)
        return head;
    struct gw_db_call **array = malloc(count * sizeof(*array));
    s2s_assert(array != NULL);
    unsigned n = 0;
    for (struct gw_db_call *call = head; call != NULL; call = call->next)
        array[n++] = call;
    qsort(array, n, sizeof(*array), compare_calls);
    for (unsigned i = 0; i + 1 < n; ++i)
        array[i]->next = array[i + 1];
    array[n - 1]->next = NULL;
    head = array[0];
    free(array);
    return head;
}

/* ---- ending calls ---- */

static void finish(struct gw_db_call *call, enum gw_db_outcome outcome)
{
    PGresult *result = call->result;
    call->result = NULL;
    call->next = NULL;
    call->done(call, outcome, outcome == GW_DB_OK ? result : NULL);
    PQclear(result);
}

static void fail_expired(struct gw_db *db, struct queue *queue, int64_t now_us)
{
    struct gw_db_call *call = queue->first;
    queue_init(queue);
    while (call != NULL) {
        struct gw_db_call *next = call->next;
        if (db->closing || call->deadline_us <= now_us)
            finish(call, GW_DB_UNAVAILABLE);
        else
            queue_push(queue, call);
        call = next;
    }
}

/* Failures that are nobody's fault and may pass: transaction rollbacks (40), resources (53), locks (55), interventions
 * and shutdowns (57), connections (08), and a server that has become read-only in a failover (25006). */
static bool passing_failure(const PGresult *result)
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

static void log_failure(const struct gw_db_call *call, const PGresult *result)
{
    gw_log(GW_LOG_ERROR, "database_error", GW_S("statement", call->statement->name),
           GW_S("sqlstate", PQresultErrorField(result, PG_DIAG_SQLSTATE)),
           GW_S("message", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)),
           GW_S("context", PQresultErrorField(result, PG_DIAG_CONTEXT)));
}

/* A call that ran alone and failed: again, or over. */
static void settle_failure(struct gw_db *db, struct gw_db_call *call)
{
    bool passing = call->result == NULL || passing_failure(call->result);
    if (passing && call->runs < MAX_RUNS && call->deadline_us > gw_monotonic_us()) {
        PQclear(call->result);
        call->result = NULL;
        queue_push(&db->retry, call);
        return;
    }
    if (call->result != NULL)
        log_failure(call, call->result);
    finish(call, passing ? GW_DB_UNAVAILABLE : GW_DB_FAILED);
}

/* ---- connections ---- */

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_reconnect(uv_timer_t *timer);
static void pump(struct gw_db *db);

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle);
}

/* Must come before libpq, or we, open another socket: descriptors are reused at once. */
static void unwatch(struct connection *c)
{
    if (c->poll == NULL)
        return;
    uv_poll_stop(c->poll);
    uv_close((uv_handle_t *)c->poll, on_poll_closed);
    c->poll = NULL;
}

/* Watch the connection's socket with a fresh handle. */
static bool watch_anew(struct connection *c, int events)
{
    unwatch(c);
    c->poll = malloc(sizeof(*c->poll));
    s2s_assert(c->poll != NULL);
    if (uv_poll_init_socket(c->db->loop, c->poll, PQsocket(c->pg)) != 0) {
        free(c->poll);
        c->poll = NULL;
        return false;
    }
    c->poll->data = c;
    return uv_poll_start(c->poll, events, on_poll) == 0;
}

static void log_loss(const struct connection *c, const char *why)
{
    const char *message = c->pg != NULL ? PQerrorMessage(c->pg) : NULL;
    gw_log(GW_LOG_WARN, "database_connection_lost", GW_S("reason", why),
           GW_S("message", message != NULL && message[0] != '\0' ? message : NULL));
    gw_metrics_count(c->db->metrics, GW_DB_LOST, 1);
}

/* Give the connection up and try again later; what was in flight has an unknown fate and runs again, alone. */
static void drop(struct connection *c, const char *why)
{
    struct gw_db *db = c->db;
    if (!db->closing)
        log_loss(c, why);
    unwatch(c);
    PQfinish(c->pg);
    c->pg = NULL;
    c->state = DOWN;
    struct gw_db_call *call = c->batch;
    c->batch = c->reading = NULL;
    db->in_flight -= c->in_batch;
    c->in_batch = 0;
    while (call != NULL) {
        struct gw_db_call *next = call->next;
        PQclear(call->result);
        call->result = NULL;
        call->runs = 1; /* the loss of a server says nothing about the call */
        queue_push(&db->retry, call);
        call = next;
    }
    if (db->closing)
        return;
    unsigned jitter = (unsigned)random() % (c->backoff_ms / 2 + 1);
    uv_timer_start(&c->reconnect, on_reconnect, c->backoff_ms / 2 + jitter, 0);
    c->backoff_ms = c->backoff_ms * 2 < RECONNECT_MAX_MS ? c->backoff_ms * 2 : RECONNECT_MAX_MS;
}

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

static void prepare_statements(struct connection *c);
static void free_when_closed(struct gw_db *db);

static void connect_work(uv_work_t *work)
{
    struct connection *c = work->data;
    c->pg = connect_blocking(c->db->config);
}

static void on_connect_work(uv_work_t *work, int status)
{
    struct connection *c = work->data;
    struct gw_db *db = c->db;
    if (db->closing) {
        PQfinish(c->pg);
        c->pg = NULL;
        free_when_closed(db);
    } else if (status != 0 || PQstatus(c->pg) != CONNECTION_OK) {
        drop(c, "connect");
    } else {
        PQsetNoticeReceiver(c->pg, ignore_notice, NULL);
        prepare_statements(c);
    }
}

static void connect_now(struct connection *c)
{
    c->state = CONNECTING;
    c->connecting.data = c;
    s2s_assert(uv_queue_work(c->db->loop, &c->connecting, connect_work, on_connect_work) == 0);
}

static void on_reconnect(uv_timer_t *timer)
{
    struct connection *c = timer->data;
    if (!c->db->closing)
        connect_now(c);
}

/* Send what libpq has buffered, and listen for more room or for results. */
static void flush(struct connection *c)
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
static bool send_settings(struct connection *c)
{
    const struct gw_database_config *config = c->db->config;
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

static void prepare_statements(struct connection *c)
{
    c->state = PREPARING;
    c->syncs_left = 2;
    c->failed = false;
    c->sent_us = gw_monotonic_us();
    bool ok = watch_anew(c, UV_READABLE) && PQsetnonblocking(c->pg, 1) == 0 && PQenterPipelineMode(c->pg) == 1 &&
              send_settings(c);
    for (int i = 0; ok && i < GW_STATEMENTS; ++i)
        ok = PQsendPrepare(c->pg, gw_statements[i].name, gw_statements[i].sql, 0, NULL) == 1;
    if (ok && PQpipelineSync(c->pg) == 1)
        flush(c);
    else
        drop(c, "prepare");
}

/* ---- batches ---- */

static void send_batch(struct connection *c, struct gw_db_call *calls, unsigned count, bool one_by_one)
{
    bool ok = true;
    c->batch = c->reading = calls;
    c->in_batch = count;
    c->one_by_one = one_by_one;
    c->failed = false;
    c->state = BUSY;
    c->sent_us = gw_monotonic_us();
    c->syncs_left = one_by_one ? count : 1;
    c->db->in_flight += count;
    for (struct gw_db_call *call = calls; ok && call != NULL; call = call->next) {
        const struct gw_statement *statement = call->statement;
        ++call->runs;
        ok = PQsendQueryPrepared(c->pg, statement->name, statement->params, call->values, call->lengths, call->formats,
                                 0) == 1;
        if (ok && one_by_one)
            ok = PQpipelineSync(c->pg) == 1;
    }
    if (ok && !one_by_one)
        ok = PQpipelineSync(c->pg) == 1;
    if (ok)
        flush(c);
    else
        drop(c, "send");
}

/* The transaction of `batch` is over: deliver, or sort out who failed. */
static void end_batch(struct connection *c)
{
    struct gw_db *db = c->db;
    struct gw_db_call *call = c->batch;
    bool one_by_one = c->one_by_one, failed = c->failed;
    unsigned count = c->in_batch;
    gw_metrics_batch(db->metrics, count, (double)(gw_monotonic_us() - c->sent_us) / 1e6, one_by_one);
    c->batch = c->reading = NULL;
    c->in_batch = 0;
    c->state = IDLE;
    db->in_flight -= count;
    while (call != NULL) {
        struct gw_db_call *next = call->next;
        bool ok = call->result != NULL && PQresultStatus(call->result) == PGRES_TUPLES_OK;
        if (!failed || (one_by_one && ok)) {
            finish(call, GW_DB_OK);
        } else if (one_by_one || count == 1) {
            settle_failure(db, call);
        } else {
            PQclear(call->result);
            call->result = NULL;
            queue_push(&db->retry, call);
        }
        call = next;
    }
}

static void end_prepare(struct connection *c)
{
    if (c->failed) {
        drop(c, "statements cannot be prepared: run `s2s-gateway migrate`");
        return;
    }
    c->state = IDLE;
    c->backoff_ms = RECONNECT_MIN_MS;
    gw_metrics_count(c->db->metrics, GW_DB_CONNECTS, 1);
    gw_log(GW_LOG_INFO, "database_connected", GW_S("host", PQhost(c->pg)), GW_S("port", PQport(c->pg)));
}

static void take_result(struct connection *c, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        if (c->one_by_one && c->reading != NULL)
            c->reading = c->reading->next;
        if (--c->syncs_left > 0)
            return;
        if (c->state == PREPARING)
            end_prepare(c);
        else
            end_batch(c);
        return;
    }
    bool ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    if (!ok)
        c->failed = true;
    if (c->state == PREPARING || c->reading == NULL) {
        if (!ok && status != PGRES_PIPELINE_ABORTED)
            gw_log(GW_LOG_ERROR, "database_error",
                   GW_S("message", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
        PQclear(result);
        return;
    }
    PQclear(c->reading->result); /* a commit that fails at its Sync takes the place of the statement's own result */
    c->reading->result = result;
    if (!c->one_by_one)
        c->reading = c->reading->next;
}

static void on_results(struct connection *c)
{
    if (PQconsumeInput(c->pg) != 1) {
        drop(c, "receive");
        return;
    }
    while ((c->state == BUSY || c->state == PREPARING) && !PQisBusy(c->pg)) {
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
    struct connection *c = poll->data;
    if (status < 0) {
        drop(c, "socket");
        return;
    }
    if (events & UV_READABLE)
        on_results(c);
    if ((events & UV_WRITABLE) && c->state != DOWN)
        flush(c);
    if (c->state == IDLE && PQstatus(c->pg) == CONNECTION_BAD)
        drop(c, "closed");
    pump(c->db);
}

/* ---- the pump ---- */

static struct connection *idle_connection(struct gw_db *db)
{
    for (unsigned i = 0; i < db->config->connections; ++i)
        if (db->connections[i].state == IDLE)
            return &db->connections[i];
    return NULL;
}

static void pump(struct gw_db *db)
{
    struct connection *c;
    while (!db->closing && (db->retry.count > 0 || db->waiting.count > 0) && (c = idle_connection(db)) != NULL) {
        bool one_by_one = db->retry.count > 0;
        unsigned count;
        struct gw_db_call *calls = queue_take(one_by_one ? &db->retry : &db->waiting, db->config->batch_max, &count);
        send_batch(c, sort_calls(calls, count), count, one_by_one);
    }
}

static void on_pump(uv_check_t *check)
{
    struct gw_db *db = check->data;
    uv_check_stop(&db->pump);
    uv_idle_stop(&db->keep);
    pump(db);
}

static void on_keep(uv_idle_t *idle)
{
    (void)idle;
}

void gw_db_submit(struct gw_db *db, struct gw_db_call *call)
{
    call->result = NULL;
    call->runs = 0;
    if (call->deadline_us == 0)
        call->deadline_us = gw_monotonic_us() + db->config->request_deadline_ms * 1000;
    queue_push(call->alone ? &db->retry : &db->waiting, call);
    uv_check_start(&db->pump, on_pump);
    uv_idle_start(&db->keep, on_keep);
}

/* Give up what has waited too long, and connections whose server has gone silent. */
static void on_sweep(uv_timer_t *timer)
{
    struct gw_db *db = timer->data;
    int64_t now = gw_monotonic_us();
    fail_expired(db, &db->waiting, now);
    fail_expired(db, &db->retry, now);
    int64_t silent_us = (db->config->statement_timeout_ms + db->config->connect_timeout_ms) * 1000;
    for (unsigned i = 0; i < db->config->connections; ++i) {
        struct connection *c = &db->connections[i];
        if ((c->state == PREPARING || c->state == BUSY) && now - c->sent_us > silent_us)
            drop(c, "no answer in time");
    }
    pump(db);
}

/* ---- life ---- */

struct gw_db *gw_db_new(uv_loop_t *loop, const struct gw_database_config *config, struct gw_metrics *metrics)
{
    struct gw_db *db = calloc(1, sizeof(*db));
    s2s_assert(db != NULL);
    db->loop = loop;
    db->config = config;
    db->metrics = metrics;
    queue_init(&db->waiting);
    queue_init(&db->retry);
    uv_timer_init(loop, &db->sweep);
    uv_check_init(loop, &db->pump);
    uv_idle_init(loop, &db->keep);
    db->sweep.data = db->pump.data = db->keep.data = db;
    uv_timer_start(&db->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    db->connections = calloc(config->connections, sizeof(*db->connections));
    s2s_assert(db->connections != NULL);
    for (unsigned i = 0; i < config->connections; ++i) {
        struct connection *c = &db->connections[i];
        c->db = db;
        c->backoff_ms = RECONNECT_MIN_MS;
        uv_timer_init(loop, &c->reconnect);
        c->reconnect.data = c;
        connect_now(c);
    }
    return db;
}

static void free_when_closed(struct gw_db *db)
{
    if (--db->open_handles > 0)
        return;
    free(db->connections);
    free(db);
}

static void on_handle_closed(uv_handle_t *handle)
{
    free_when_closed(handle->data);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct connection *c = handle->data;
    free_when_closed(c->db);
}

void gw_db_close(struct gw_db *db)
{
    db->closing = true;
    db->open_handles = 3 + db->config->connections;
    unsigned connections = db->config->connections;
    for (unsigned i = 0; i < connections; ++i) {
        if (db->connections[i].state == CONNECTING)
            ++db->open_handles; /* the pool still works on it */
        else
            drop(&db->connections[i], "closing");
    }
    fail_expired(db, &db->waiting, INT64_MAX);
    fail_expired(db, &db->retry, INT64_MAX);
    for (unsigned i = 0; i < connections; ++i)
        uv_close((uv_handle_t *)&db->connections[i].reconnect, on_timer_closed);
    uv_close((uv_handle_t *)&db->sweep, on_handle_closed);
    uv_close((uv_handle_t *)&db->pump, on_handle_closed);
    uv_close((uv_handle_t *)&db->keep, on_handle_closed);
}

bool gw_db_ready(const struct gw_db *db)
{
    for (unsigned i = 0; i < db->config->connections; ++i)
        if (db->connections[i].state == IDLE || db->connections[i].state == BUSY)
            return true;
    return false;
}
