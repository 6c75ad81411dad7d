/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection of a worker's database: connecting, preparing, and one pipeline at a time. Private to gateway/db.
 */
#ifndef GW_DB_CONNECTION_H
#define GW_DB_CONNECTION_H

#include "gateway/db/db.h"

enum gw_db_state {
    GW_DB_DOWN,       /* waits for its next attempt */
    GW_DB_CONNECTING, /* libuv's pool works on it */
    GW_DB_PREPARING,
    GW_DB_IDLE,
    GW_DB_BUSY
};

/* Calls that go out together, in the order of their keys. */
struct gw_db_batch {
    struct gw_db_call *calls; /* NULL-terminated list */
    unsigned count;
    bool one_by_one; /* each in a transaction of its own */
};

/* What a connection tells its owner. */
struct gw_db_connection_events {
    /* The calls of one transaction are over: the whole batch, or, one by one, its next call. With `failed` none of them
     * has happened. */
    void (*ended)(void *owner, const struct gw_db_batch *batch, bool failed);
    /* The connection was lost under what is left of the batch; nobody knows what became of that. */
    void (*lost)(void *owner, const struct gw_db_batch *batch);
    /* It may have become idle. */
    void (*ready)(void *owner);
    /* It will not come back, after gw_db_connection_close. */
    void (*closed)(void *owner);
};

struct gw_db_connection {
    uv_loop_t *loop;
    const struct gw_database_config *config;
    struct gw_metrics *metrics;
    const struct gw_db_connection_events *events;
    void *owner;

    /* Private to connection.c, but for `state`. */
    enum gw_db_state state;
    PGconn *pg;
    uv_poll_t *poll;      /* of its own allocation: it outlives its socket until libuv has closed it */
    uv_work_t connecting; /* libpq's blocking connect: it looks names up, and gives each host its time */
    uv_timer_t reconnect;
    unsigned backoff_ms;
    struct gw_db_batch batch;   /* in flight, without the calls that are over */
    unsigned sent_calls;        /* in the batch as it was sent */
    struct gw_db_call *reading; /* whose result is expected next */
    bool failed;                /* a statement of this transaction failed */
    bool closing;
    unsigned to_close; /* what must still end before `closed`: the timer, and an attempt that the pool works on */
    int64_t sent_us;
    int64_t heard_us; /* when the server last said something, or was asked */
    unsigned syncs_left;
};

/* Begin to connect; fill the first part before. */
void gw_db_connection_open(struct gw_db_connection *c);

/* Send a batch; only when idle. */
void gw_db_connection_send(struct gw_db_connection *c, const struct gw_db_batch *batch);

/* Give the connection up when its server has been silent for too long at `now_us`. */
void gw_db_connection_check(struct gw_db_connection *c, int64_t now_us);

/* Give it up for good; `closed` follows, from the loop. */
void gw_db_connection_close(struct gw_db_connection *c);

/* Whether a failure is nobody's fault and may pass: transaction rollbacks (SQLSTATE 40), resources (53), locks (55),
 * interventions and shutdowns (57), connections (08), and a server that has become read-only in a failover (25006). */
bool gw_db_may_pass(const PGresult *result);

#endif
