/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine of the gateway's own APIs (JSON over HTTP for an operator's programs, bearer tokens): the one way that
 * every request to them takes.
 *
 *   receive ─▶ authenticate ─▶ route ─▶ parse ─▶ (load) ─▶ prepare ─▶ commit ─▶ (wait) ─▶ reply
 *
 * An API is a table of routes. A route is a row: method, path, what its parameters and its body look like, and one SQL
 * function that returns the answer. What it asks for beyond that is a hook of a few lines. The same rows become the
 * OpenAPI document (api_openapi.h).
 */
#ifndef GW_API_H
#define GW_API_H

#include "gateway/db/statements.h"
#include "gateway/net/server.h"
#include "proto/problem.h"
#include "proto/uuid.h"

struct gw_api_request;
struct gw_worker;

/* A successful answer, for the document. */
struct gw_api_success {
    int status;
    const struct s2s_schema *body;
    const char *doc;
};

/* How an answer can be held back (RFC 7240 "wait") until what it tells of has settled. */
struct gw_api_wait {
    enum gw_statement_id statement; /* asks for the thing as it is now: (token, input) */
    const char *id;                 /* member of the answer that names the thing, and of that statement's input */
    const char *const *unsettled;   /* values of the answer's `status` to wait out; NULL-terminated */
    unsigned default_s;             /* when the client says nothing */
};

/* The longest wait that a client gets. */
#define GW_API_MAX_WAIT_S 30

struct gw_api_route {
    const char *name;   /* label in logs and metrics, operationId, and the stored answer's endpoint */
    const char *method; /* "GET" (HEAD comes with it), "POST" or "PUT" */
    const char *path;   /* a segment in braces, as in "/v1/things/{thingId}", is a parameter */
    const char *doc;
    /* Those of the path (required) and of the query: strings, integers, booleans. */
    const struct s2s_schema *parameters;
    const struct s2s_schema *body; /* NULL: none, and what comes is not looked at */
    enum gw_statement_id statement;
    /* The statement claims the request id and stores its answer: (peer, request id, endpoint, digest, token, input);
     * else it is (token, input). */
    bool writes;
    unsigned roles; /* of which the caller must have one; 0: whoever has a token */
    /* Asked before `prepare`, (token, input): a 200 is its `rq->loaded`, anything else is the answer. NULL: nothing. */
    const struct gw_statement *load;
    /* Between parse and commit: may refuse, change the input, and add parameters after those above, having begun the
     * call with gw_api_begin. True: go on. NULL: nothing to do. */
    bool (*prepare)(struct gw_api_request *rq);
    /* In the place of the reply, when the statement's status is below 300: must end the request with gw_api_reply or
     * gw_api_fail, now or later. `body` is borrowed until it returns. NULL: the statement's answer is the reply. */
    void (*answered)(struct gw_api_request *rq, const char *body, size_t len);
    const struct gw_api_wait *wait; /* NULL: never held back */
    struct gw_api_success successes[2];
    const char *conflict; /* what a 409 means; NULL: there is none */
    bool body_names;      /* the body may name a thing that is not there (404), as a path may */
    bool calls_out;       /* the answer is another server's */
};

/* Who calls. */
struct gw_api_caller {
    const char *name; /* borrowed from the generation */
    unsigned roles;
};

struct gw_api {
    const char *name; /* "app": the callers are "app:NAME" in logs, metrics and the database */
    const struct gw_api_route *routes;
    size_t count;
    /* Whose token has this SHA-256; false: nobody's. Takes as long whoever it is. */
    bool (*authenticate)(const struct gw_generation *generation, const uint8_t sha256[32],
                         struct gw_api_caller *caller);
};

#define GW_API_PEER_SIZE (GW_NAME_SIZE + 16)

/* One request on its way. Lives until the answer is sent or, when the client has gone, until the commit is known. */
struct gw_api_request {
    struct gw_worker *worker;
    struct gw_generation *generation; /* a reference */
    struct s2s_arena *arena;
    const struct gw_api *api;
    const struct gw_api_route *route;
    struct gw_api_caller caller;
    struct json_object *input;      /* for the statement: the parameters, and the body as its member "body" */
    struct json_object *body;       /* NULL when the route takes none */
    struct json_object *loaded;     /* what the route's `load` said */
    char token[S2S_UUID_SIZE];      /* names this exchange: in the database, and as a problem's `instance` */
    char peer[GW_API_PEER_SIZE];    /* the caller in logs and in the database */
    char request_id[S2S_UUID_SIZE]; /* "" when a request that writes nothing has none */

    /* What a hook fills in. */
    void *state;           /* of the route, in the arena */
    const char *order_key; /* of the call; unless a hook sets another one before gw_api_begin, the path's parameter */
    struct gw_db_call call;
    struct s2s_problem problem;
    struct s2s_violations violations;
    /* Set while something is under way that nobody wants when the client has gone: ends it, so that it does not call
     * back. */
    void (*cancel)(struct gw_api_request *rq);

    /* Private to api.c. */
    h2o_req_t *req; /* NULL once the client has gone */
    struct gw_http_link *link;
    uint8_t digest[GW_DIGEST_SIZE]; /* what a repeated request id must repeat (D6): path and body */
    int64_t started_us;
    int status; /* of the reply so far */
    bool replayed;
    const char *failure;   /* why it is a 500 */
    const char *challenge; /* WWW-Authenticate of a refusal */
    const char *allow;     /* Allow of a refusal */
    struct {
        uv_timer_t timer;
        bool preferred; /* the client asked for it */
        bool begun;     /* the timer is to be closed */
        unsigned seconds;
        int64_t until_us;
        uint64_t pause_ms;
        const char *input; /* of the statement that looks again */
    } wait;
};

/* The request callback of a listener whose `api` is set. */
void gw_api_answer(struct gw_server *server, h2o_req_t *req);

/* Begin `rq->call` with the parameters that every statement takes; the input is written as it is now. */
void gw_api_begin(struct gw_api_request *rq);

/* Refuse with a problem. `detail` is static or in the arena. Returns false. */
bool gw_api_refuse(struct gw_api_request *rq, enum s2s_problem_type type, const char *detail);

/* Refuse with 500, for a reason that is ours: it is logged as an `internal_error` under the problem's instance, and
 * must be free of personal data. Returns false. */
bool gw_api_refuse_internal(struct gw_api_request *rq, const char *reason);

/* Refuse with one violation at `pointer`. Returns false. */
bool gw_api_violation(struct gw_api_request *rq, const char *pointer, const char *message);

/* End the request with JSON: problem details when the status is 400 or more. `retry_after_s` 0: no such header. */
void gw_api_reply(struct gw_api_request *rq, int status, const char *body, size_t len, int64_t retry_after_s);

/* End the request with a problem. */
void gw_api_fail(struct gw_api_request *rq, enum s2s_problem_type type, const char *detail, int64_t retry_after_s);

/* End the request with 500, and log why as gw_api_refuse_internal does. */
void gw_api_fail_internal(struct gw_api_request *rq, const char *reason);

#endif
