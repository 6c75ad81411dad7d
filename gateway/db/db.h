/* SPDX-License-Identifier: Apache-2.0
 *
 * The database of one worker: a few libpq connections in pipeline mode, driven by the worker's uv loop.
 *
 * Batch commit. Calls that arrive while every connection is busy wait, and go out together as one pipeline with one
 * Sync: one implicit transaction, one WAL flush. A call is answered only after its transaction has committed. A lone
 * call never waits for company. A batch that fails is re-run one call at a time; so is what was in flight when a
 * connection was lost. Every call is safe to repeat because its SQL function claims the request id (sql/README.md).
 */
#ifndef GW_DB_H
#define GW_DB_H

#include "gateway/config.h"
#include "gateway/metrics.h"
#include "proto/arena.h"
#include "proto/result.h"

#include <libpq-fe.h>
#include <uv.h>

#define GW_DB_MAX_PARAMS 24

/* A prepared statement: one row of the table in statements.c. */
struct gw_statement {
    const char *name;
    const char *sql;
    int params;
};

enum gw_db_outcome {
    GW_DB_OK,          /* committed; `result` holds the rows */
    GW_DB_UNAVAILABLE, /* no answer in time, or a failure that may pass: try again later; the fate may be unknown */
    GW_DB_FAILED       /* the statement itself is at fault; it did nothing */
};

/* One call. The caller owns it and everything it points to until `done` runs, exactly once, on the loop thread. */
struct gw_db_call {
    const struct gw_statement *statement;
    const char *values[GW_DB_MAX_PARAMS]; /* text, NULL for SQL NULL */
    int lengths[GW_DB_MAX_PARAMS];        /* octets, for binary parameters */
    int formats[GW_DB_MAX_PARAMS];        /* 0 text, 1 binary */
    int count;                            /* parameters set so far */
    bool alone;          /* in a transaction of its own: it locks rows in an order that a batch cannot keep */
    int64_t deadline_us; /* monotonic; then it ends as unavailable. 0: database.request_deadline from the submission */
    /* What it locks, usually a session: a batch has one call of each key, in the keys' order, so that batches cannot
     * deadlock. NULL or "", which come first, lock nothing that is anybody's. */
    const char *order_key;
    const char *problem; /* names the request in the log when the call fails; NULL: there is none */
    void (*done)(struct gw_db_call *call, enum gw_db_outcome outcome, const PGresult *result);

    /* Private to db.c. */
    struct gw_db_call *next;
    PGresult *result;
    unsigned runs;
};

/* Begin a call of `statement`; parameters are then added in order. The values are borrowed until `done`. */
static inline void gw_db_call_init(struct gw_db_call *call, const struct gw_statement *statement)
{
    call->statement = statement;
    call->count = 0;
    call->alone = false;
    call->deadline_us = 0;
    call->order_key = NULL;
    call->problem = NULL;
}

static inline void gw_db_bytes(struct gw_db_call *call, const void *data, size_t len)
{
    s2s_assert(call->count < call->statement->params);
    call->values[call->count] = data;
    call->lengths[call->count] = (int)len;
    call->formats[call->count++] = 1;
}

static inline void gw_db_text(struct gw_db_call *call, const char *text)
{
    s2s_assert(call->count < call->statement->params);
    call->values[call->count] = text;
    call->lengths[call->count] = 0;
    call->formats[call->count++] = 0;
}

/* A whole number, printed into the arena. */
void gw_db_integer(struct gw_db_call *call, struct s2s_arena *arena, int64_t value);

/* An interval of `ms` milliseconds; 0 is a zero interval. */
void gw_db_interval_ms(struct gw_db_call *call, struct s2s_arena *arena, int64_t ms);

/* The octets as the text of a bytea, in the arena: for arrays of them. */
const char *gw_db_bytea(struct s2s_arena *arena, struct s2s_bytes octets);

/* A text[] of `count` strings, as an array literal in the arena. An entry NULL is SQL NULL. */
void gw_db_text_array(struct gw_db_call *call, struct s2s_arena *arena, const char *const *texts, size_t count);

/* Read back a text[] or bytea[] in text form ("{a,\"b c\"}"): `*texts` is an array of `*count` strings in the arena.
 * False when the literal is not one dimension of non-null elements or the arena is full. */
bool gw_db_read_array(struct s2s_arena *arena, const char *literal, char ***texts, size_t *count);

/* The octets of a bytea in hex text form ("\\x…"). False when it is not that. */
bool gw_db_read_bytes(struct s2s_arena *arena, const char *hex, struct s2s_bytes *out);

/* A column as text; NULL for SQL NULL. Borrowed from the result. */
static inline const char *gw_db_column(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

/* A boolean column. */
static inline bool gw_db_true(const PGresult *result, int row, int column)
{
    return !PQgetisnull(result, row, column) && PQgetvalue(result, row, column)[0] == 't';
}

struct gw_db;

/* Connect in the background. `config` must outlive the db. */
struct gw_db *gw_db_new(uv_loop_t *loop, const struct gw_database_config *config, struct gw_metrics *metrics);

/* Fail what waits as unavailable, close the connections, and free once the handles are closed. */
void gw_db_close(struct gw_db *db);

/* Queue a call. Never calls `done` from within. */
void gw_db_submit(struct gw_db *db, struct gw_db_call *call);

/* Whether a connection is ready. */
bool gw_db_ready(const struct gw_db *db);

/* A connection for a command-line tool, with the same options; NULL with a message on stderr. */
PGconn *gw_db_connect(const struct gw_database_config *config);

#endif
