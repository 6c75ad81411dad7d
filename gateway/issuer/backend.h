/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions to the operator's programs that decide and that know claims (configuration: `backends`): one POST in the
 * form of Standard Webhooks, and an answer that is judged before anybody acts on it.
 */
#ifndef GW_BACKEND_H
#define GW_BACKEND_H

#include "gateway/generation.h"
#include "gateway/jobs/webhook.h"
#include "proto/schema.h"

struct gw_backend_lane;
struct gw_worker;

/* A backend of a generation. */
struct gw_backend {
    const struct gw_backend_config *config;
    const struct gw_receiver *receiver;
};

/* The backend of this name; false when there is none. */
bool gw_backend_find(const struct gw_generation *generation, const char *name, struct gw_backend *out);

enum gw_backend_end {
    GW_BACKEND_ANSWERED, /* 200 and an object that matches the schema */
    GW_BACKEND_NOT_YET,  /* 202, or 404 with an object: of a question that `may_wait` */
    GW_BACKEND_FAILED,   /* may pass: not reached, not trusted, out of time, 401, 403, 408, 425, 429, 5xx */
    GW_BACKEND_WRONG,    /* anything else: its operator must mend it */
};

struct gw_backend_answer {
    enum gw_backend_end end;
    int status;               /* of HTTP; 0: there was none */
    int64_t retry_after_s;    /* -1: unsaid */
    struct json_object *json; /* when answered; in the question's arena */
    const char *reason;       /* when failed or wrong: fit for a log and the database, it quotes nothing of the answer;
                                 static or in the question's arena */
};

/* One question, zeroed before it is filled in. The caller owns it, and what it points to, until `done` runs, which may
 * free all of it: exactly once, on the loop thread, never from within gw_backend_ask. */
struct gw_backend_ask {
    struct gw_worker *worker;
    struct s2s_arena *arena; /* for the request and the answer */
    struct gw_backend backend;
    const char *type;                /* of the message, such as "dataset.get" */
    const char *id;                  /* webhook-id: the same for the same question asked again */
    struct json_object *data;        /* what is asked */
    const struct s2s_schema *schema; /* of the answer */
    bool may_wait;
    int64_t deadline_us; /* monotonic; 0: none but the backend's own timeout */
    void (*done)(struct gw_backend_ask *ask, const struct gw_backend_answer *answer);

    /* Private to backend.c. */
    int64_t asked_us;
    struct gw_outbound_call call;
    const char *headers[GW_WEBHOOK_HEADERS + 3];
    struct gw_backend_lane *lane; /* NULL: not under way */
    bool waiting;
    struct gw_backend_ask *next, **link;
};

/* Ask, or wait in line while the backend's `concurrency` is used up. */
void gw_backend_ask(struct gw_backend_ask *ask);

/* Not wanted any more: `done` will not run. Nothing happens when it has run already. */
void gw_backend_cancel(struct gw_backend_ask *ask);

/* How many more questions the backend would get at once from this worker. */
unsigned gw_backend_room(const struct gw_worker *worker, const struct gw_backend_config *config);

/* Note that an answer, although well formed, cannot be used: a log line for its operator, and a count. */
void gw_backend_complain(const struct gw_backend_ask *ask, const char *reason);

/* The questions of one worker. Closing ends those that are under way as failed; freed once the loop has closed the
 * handles. */
struct gw_backends *gw_backends_new(uv_loop_t *loop);
void gw_backends_close(struct gw_backends *backends);

#endif
