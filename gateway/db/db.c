/* SPDX-License-Identifier: Apache-2.0
 *
 * Method. Waiting calls stand in one queue for all connections. When a connection is idle it gets up to `batch_max` of
 * them as one batch: one pipeline, one transaction, in the order of their keys and one of each, so that two batches do
 * not wait for each other. A failed call takes its whole batch with it (PostgreSQL rolls the transaction back), so the
 * batch's calls go to the `retry` queue and run again, each in a transaction of its own. There a failure is the call's
 * own.
 */
#include "gateway/db/connection.h"

#include "gateway/clock.h"
#include "gateway/log.h"

#include <stdlib.h>
#include <string.h>

/* How often a call may run before its failure is final: the batch, alone, and twice more for deadlocks. */
#define MAX_RUNS 4
#define SWEEP_MS 200

struct queue {
    struct gw_db_call *first, **last;
    unsigned count;
};

struct gw_db {
    const struct gw_database_config *config;
    struct queue waiting; /* for a batch */
    struct queue retry;   /* to run one by one: what failed in a batch, and what asked for it */
    unsigned open_handles;
    bool closing;
    uv_timer_t sweep;
    uv_check_t pump; /* sends after the loop has read all sockets, so that a burst makes one batch */
    uv_idle_t keep;  /* keeps the loop from sleeping while the pump has work */
    struct gw_db_connection *connections;
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

static const char *key_of(const struct gw_db_call *call)
{
    return call->order_key != NULL ? call->order_key : "";
}

static int compare_calls(const void *a, const void *b)
{
    return strcmp(key_of(*(struct gw_db_call *const *)a), key_of(*(struct gw_db_call *const *)b));
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

static void log_failure(const struct gw_db_call *call, const PGresult *result)
{
    gw_log(GW_LOG_ERROR, "database_error", GW_S("statement", call->statement->name),
           GW_S("sqlstate", PQresultErrorField(result, PG_DIAG_SQLSTATE)),
           GW_S("message", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)),
           GW_S("context", PQresultErrorField(result, PG_DIAG_CONTEXT)), GW_S("problem", call->problem));
}

/* A call that ran alone and failed: again, or over. */
static void settle_failure(struct gw_db *db, struct gw_db_call *call)
{
    bool passing = call->result == NULL || gw_db_may_pass(call->result);
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

/* ---- what connections tell ---- */

/* Back to the queue, to run alone. */
static void run_again(struct gw_db *db, struct gw_db_call *call)
{
    PQclear(call->result);
    call->result = NULL;
    queue_push(&db->retry, call);
}

static void on_ended(void *owner, const struct gw_db_batch *batch, bool failed)
{
    struct gw_db *db = owner;
    struct gw_db_call *next;
    for (struct gw_db_call *call = batch->calls; call != NULL; call = next) {
        next = call->next;
        if (!failed)
            finish(call, GW_DB_OK);
        else if (batch->count == 1)
            settle_failure(db, call);
        else
            run_again(db, call);
    }
}

static void on_lost(void *owner, const struct gw_db_batch *batch)
{
    struct gw_db_call *next;
    for (struct gw_db_call *call = batch->calls; call != NULL; call = next) {
        next = call->next;
        call->runs = 1; /* the loss of a server says nothing about the call */
        run_again(owner, call);
    }
}

static void pump(struct gw_db *db);

static void on_ready(void *owner)
{
    pump(owner);
}

static void free_when_closed(struct gw_db *db)
{
    if (--db->open_handles > 0)
        return;
    free(db->connections);
    free(db);
}

static void on_closed(void *owner)
{
    free_when_closed(owner);
}

static const struct gw_db_connection_events connection_events = {on_ended, on_lost, on_ready, on_closed};

/* ---- the pump ---- */

static struct gw_db_connection *idle_connection(struct gw_db *db)
{
    for (unsigned i = 0; i < db->config->connections; ++i)
        if (db->connections[i].state == GW_DB_IDLE)
            return &db->connections[i];
    return NULL;
}

/* Of a batch whose calls are in order, put those back that have the key of the one before. */
static void put_back_repeated(struct queue *queue, struct gw_db_batch *batch)
{
    struct gw_db_call *kept = batch->calls, *call;
    while ((call = kept->next) != NULL) {
        if (*key_of(call) == '\0' || strcmp(key_of(kept), key_of(call)) != 0) {
            kept = call;
            continue;
        }
        kept->next = call->next;
        --batch->count;
        queue_push(queue, call);
    }
}

static void pump(struct gw_db *db)
{
    struct gw_db_connection *c;
    while (!db->closing && (db->retry.count > 0 || db->waiting.count > 0) && (c = idle_connection(db)) != NULL) {
        struct gw_db_batch batch = {.one_by_one = db->retry.count > 0};
        struct queue *queue = batch.one_by_one ? &db->retry : &db->waiting;
        batch.calls = queue_take(queue, db->config->batch_max, &batch.count);
        batch.calls = sort_calls(batch.calls, batch.count);
        if (!batch.one_by_one)
            put_back_repeated(queue, &batch);
        gw_db_connection_send(c, &batch);
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
    for (unsigned i = 0; i < db->config->connections; ++i)
        gw_db_connection_check(&db->connections[i], now);
    pump(db);
}

/* ---- life ---- */

struct gw_db *gw_db_new(uv_loop_t *loop, const struct gw_database_config *config, struct gw_metrics *metrics)
{
    struct gw_db *db = calloc(1, sizeof(*db));
    s2s_assert(db != NULL);
    db->config = config;
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
        db->connections[i] = (struct gw_db_connection){
            .loop = loop, .config = config, .metrics = metrics, .events = &connection_events, .owner = db};
        gw_db_connection_open(&db->connections[i]);
    }
    return db;
}

static void on_handle_closed(uv_handle_t *handle)
{
    free_when_closed(handle->data);
}

void gw_db_close(struct gw_db *db)
{
    db->closing = true;
    db->open_handles = 3 + db->config->connections;
    for (unsigned i = 0; i < db->config->connections; ++i)
        gw_db_connection_close(&db->connections[i]);
    fail_expired(db, &db->waiting, INT64_MAX);
    fail_expired(db, &db->retry, INT64_MAX);
    uv_close((uv_handle_t *)&db->sweep, on_handle_closed);
    uv_close((uv_handle_t *)&db->pump, on_handle_closed);
    uv_close((uv_handle_t *)&db->keep, on_handle_closed);
}

bool gw_db_ready(const struct gw_db *db)
{
    for (unsigned i = 0; i < db->config->connections; ++i)
        if (db->connections[i].state == GW_DB_IDLE || db->connections[i].state == GW_DB_BUSY)
            return true;
    return false;
}
