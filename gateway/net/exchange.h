/* SPDX-License-Identifier: Apache-2.0
 *
 * The exchange: the one way that every request of the protocol takes.
 *
 *   receive ─▶ parse ─▶ load ─▶ check ─▶ (call) ─▶ commit ─▶ reply
 *
 * What all endpoints share (peer, headers, versions, request ids, limits, problems, replay) is here, once; an endpoint
 * is a row with a `load` (what to fetch, usually nothing), a `check` (pure: no I/O) that names one SQL call, and
 * nothing else. Where that depends on what another server says, `check` has it asked, and names the SQL call when it
 * has answered.
 */
#ifndef GW_EXCHANGE_H
#define GW_EXCHANGE_H

#include "gateway/db/statements.h"
#include "gateway/net/server.h"
#include "proto/messages.h"
#include "proto/problem.h"
#include "proto/uuid.h"
#include "proto/version.h"

struct gw_client_watch;
struct gw_exchange;
struct gw_job_plan;
struct gw_worker;

/* What a step of an endpoint asks for next. */
enum gw_step {
    GW_STEP_CHECK,  /* nothing to load: go on */
    GW_STEP_LOAD,   /* run `call`, then `loaded` */
    GW_STEP_CALL,   /* another server was asked: `cancel` is set, and gw_exchange_resume goes on */
    GW_STEP_COMMIT, /* run `call`: an SQL function that claims the request id and returns the answer */
    GW_STEP_REFUSE  /* answer `problem`, and store it like any final answer */
};

/* One endpoint of a role. */
struct gw_endpoint {
    const struct s2s_endpoint *message;
    /* What the schema cannot say of the body. It is asked also when the schema has found something, so that all errors
     * are told at once: it looks at what gw_exchange_accepts. Any violation refuses; GW_STEP_REFUSE is for another
     * problem, else GW_STEP_CHECK. NULL: all is said. */
    enum gw_step (*examine)(struct gw_exchange *ex);
    enum gw_step (*load)(struct gw_exchange *ex); /* GW_STEP_CHECK or GW_STEP_LOAD; NULL: nothing to load */
    enum gw_step (*loaded)(struct gw_exchange *ex, const PGresult *row); /* GW_STEP_CHECK or GW_STEP_REFUSE */
    enum gw_step (*check)(struct gw_exchange *ex); /* GW_STEP_COMMIT, GW_STEP_REFUSE or GW_STEP_CALL */
    /* After the reply to a success; NULL: nothing. `outcome` is what the database called it. */
    void (*committed)(struct gw_exchange *ex, const char *outcome);
};

/* What a role gives to its listener. */
struct gw_role {
    unsigned side;                /* GW_ROLE_*; its peers are of the other side */
    enum gw_listener_id listener; /* where it is served */
    const struct gw_endpoint *endpoints;
    size_t count;
    /* Documents outside of the protocol's endpoints (issuer metadata). True when it answers, now or later. NULL: there
     * are none. */
    bool (*document)(struct gw_worker *worker, h2o_req_t *req);
    const struct gw_job_plan *jobs;
};

/* One request on its way. Lives until the answer is sent or, when the client has gone, until the commit is known; a
 * call to another server ends with the client. */
struct gw_exchange {
    struct gw_worker *worker;
    const struct gw_role *role;
    struct gw_generation *generation; /* a reference */
    struct s2s_arena *arena;
    const struct gw_peer *peer;
    const struct gw_endpoint *endpoint;
    struct json_object *body;
    int64_t now;               /* seconds; one moment for the whole exchange */
    void *state;               /* of the endpoint, in the arena */
    char token[S2S_UUID_SIZE]; /* names this exchange: in the database, and as a problem's `instance` */

    /* What the endpoint fills in. */
    struct gw_db_call call;
    struct s2s_problem problem;
    struct s2s_violations violations;
    void (*cancel)(struct gw_exchange *ex); /* while another server is asked: nobody waits for that any more */
    int64_t retry_after_s;                  /* of a 202 */

    /* Private to exchange.c. */
    h2o_req_t *req; /* NULL once the client has gone */
    struct gw_http_link *link;
    const struct s2s_api_version *version;
    char request_id[S2S_UUID_SIZE];
    uint8_t digest[GW_DIGEST_SIZE]; /* what a repeated request id must repeat (D6): path and body */
    int64_t started_us;
    int64_t waiting_since_us;      /* for the database */
    struct gw_client_watch *watch; /* while another server is asked */
    unsigned reloads;
    bool replayed;
    const char *failure; /* why it is a 500 */
};

/* The request callback of an S2S listener. */
void gw_exchange_start(struct gw_server *server, h2o_req_t *req);

/* Begin `ex->call` with the five parameters that every committing function takes. `order_key` (borrowed) is the
 * session. */
void gw_exchange_call(struct gw_exchange *ex, enum gw_statement_id statement, const char *order_key);

/* Until when a call to another server must be over: monotonic microseconds. */
int64_t gw_exchange_deadline_us(const struct gw_exchange *ex);

/* Go on after GW_STEP_CALL, with what `check` would have returned. */
void gw_exchange_resume(struct gw_exchange *ex, enum gw_step step);

/* Take all that the exchange has in memory, its body and state included, for work that outlives it. In `committed`
 * only; free it with s2s_arena_free. */
struct s2s_arena *gw_exchange_take_memory(struct gw_exchange *ex);

/* Refuse with a problem. `detail` is static or in the arena. Returns GW_STEP_REFUSE. */
enum gw_step gw_exchange_refuse(struct gw_exchange *ex, enum s2s_problem_type type, const char *detail);

/* Give up with 500, for a reason that is ours: it is logged as an `internal_error` under the problem's instance, and
 * must be free of personal data. Returns GW_STEP_REFUSE. */
enum gw_step gw_exchange_fail_internal(struct gw_exchange *ex, const char *reason);

/* Whether nothing is known to be wrong with the member of the body at `pointer`, or in it. */
bool gw_exchange_accepts(const struct gw_exchange *ex, const char *pointer);

/* Refuse with one violation at `pointer`. Returns GW_STEP_REFUSE. */
enum gw_step gw_exchange_violation(struct gw_exchange *ex, const char *pointer, const char *message);

/* Refuse with what a proto function said; failures that are the field's own become a violation at `pointer`. */
enum gw_step gw_exchange_failed(struct gw_exchange *ex, struct s2s_result result, const char *pointer);

#endif
