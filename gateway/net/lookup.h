/* SPDX-License-Identifier: Apache-2.0
 *
 * A request that one database call answers, outside of exchange and API: it claims no request id, and its answer is not
 * stored. A probe of the operators', or a document.
 */
#ifndef GW_LOOKUP_H
#define GW_LOOKUP_H

#include "gateway/db/statements.h"
#include "gateway/generation.h"
#include "gateway/net/http.h"
#include "proto/uuid.h"

struct gw_worker;

/* Lives until it has answered or, when the client has gone, until the call is over. */
struct gw_lookup {
    struct gw_worker *worker;
    struct gw_generation *generation; /* a reference */
    struct s2s_arena *arena;
    h2o_req_t *req; /* NULL once the client has gone */
    struct gw_db_call call;
    char token[S2S_UUID_SIZE]; /* names it in the log, and is the instance of a problem */

    /* Private to lookup.c. */
    void (*answer)(struct gw_lookup *lookup, enum gw_db_outcome outcome, const PGresult *result);
    struct gw_http_link *link;
    bool is_work; /* the worker does not end before it */
};

/* Begin one; the statement's parameters are then added to its `call`. `answer` answers `req`; it is not called when the
 * client has gone. */
struct gw_lookup *gw_lookup_new(struct gw_worker *worker, h2o_req_t *req, enum gw_statement_id statement,
                                void (*answer)(struct gw_lookup *lookup, enum gw_db_outcome outcome,
                                               const PGresult *result));

/* Ask the database, as for any request. */
void gw_lookup_run(struct gw_lookup *lookup);

/* Ask the database for somebody who wants to know now: without a connection it is answered as unavailable at once. No
 * drain waits for it. */
void gw_lookup_probe(struct gw_lookup *lookup);

#endif
