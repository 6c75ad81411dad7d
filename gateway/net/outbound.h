/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls to other servers: libcurl's multi interface on the worker's uv loop. Only targets of the configuration are ever
 * called, and what net/reference.h admits; redirects are refused; connections are kept alive per target, over HTTP/2
 * where the target speaks it. A target that does not answer delays no call to another. The process must ignore SIGPIPE.
 */
#ifndef GW_OUTBOUND_H
#define GW_OUTBOUND_H

#include "gateway/net/authorities.h"

#include <uv.h>

/* How a call ended, as far as a caller's next step depends on it (profile section 7). */
enum gw_outbound_end {
    GW_OUTBOUND_ANSWERED,  /* an HTTP status came; see `status` */
    GW_OUTBOUND_UNREACHED, /* nothing was sent, or the transport broke, or time ran out: the fate is unknown */
    GW_OUTBOUND_UNTRUSTED, /* TLS failed: the target's certificate or name, or it refused ours */
    GW_OUTBOUND_TOO_LARGE, /* the answer passed the limit and was cut off */
    GW_OUTBOUND_TOO_LATE,  /* nothing was sent, as `send_by_us` had passed */
    GW_OUTBOUND_INSIDE,    /* nothing was sent: a `public_only` target whose name led to an address inside */
};

#define GW_MAX_ETAG 256

struct gw_outbound_answer {
    enum gw_outbound_end end;
    bool timed_out;           /* unreached, as time ran out */
    bool sent;                /* some of the request left: the target may get it, or may have got it */
    int status;               /* HTTP status; 0 unless answered. A redirect is answered with its 3xx status */
    int64_t retry_after_s;    /* from Retry-After (seconds or HTTP-date), 0 to 30 days; -1 when absent */
    int64_t fresh_s;          /* how long it may be used again: from Cache-Control and Age (freshness.h); -1: unsaid */
    const char *etag;         /* ETag, quotes included; NULL when absent or longer than GW_MAX_ETAG */
    const char *content_type; /* NULL when absent; borrowed until the callback returns, as is all text */
    const char *body;         /* NUL-terminated */
    size_t body_len;
    const char *error; /* for a log: what the transport said, without addresses of credentials; NULL when answered */
};

/* One call, zeroed before it is filled in. The caller owns it and everything it points to until `done` has run, exactly
 * once, on the loop thread and never from within gw_outbound_send. `done` may send, cancel and close.
 *
 * A request may reach the target twice without the caller's doing: one that goes out on a kept connection just as the
 * target closes it is sent again. */
struct gw_outbound_call {
    const struct gw_target *target;
    const char *method;         /* "POST" or "GET" */
    const char *path;           /* appended to the target's URL: begins with '/', or is empty */
    const char *const *headers; /* "Name: value" lines, NULL-terminated; NULL: none */
    const char *body;
    size_t body_len;
    int64_t timeout_ms; /* of the whole call */
    int64_t send_by_us; /* monotonic: a request is not begun later, whatever held the process up; 0: whenever */
    size_t max_answer;  /* octets of the body */
    /* Gets the body as it comes in, whatever the status, and the answer's `body` stays empty; NULL: it is collected. */
    void (*on_body)(struct gw_outbound_call *call, const char *data, size_t len);
    void (*done)(struct gw_outbound_call *call, const struct gw_outbound_answer *answer);
    void (*dropped)(struct gw_outbound_call *call); /* instead, by gw_outbound_close: free it; NULL: nothing to free */

    /* Private to outbound.c. */
    void *private_;
};

/* Where calls go and how both sides are known: made once per generation, immutable, shared by all workers. */
struct gw_target {
    char *url; /* https, no final slash; http for a loopback address only (webhooks of a backend beside us) */
    struct gw_file certificate, key; /* ours; path NULL: none is sent */
    const struct gw_authorities *ca; /* who may sign theirs; NULL: the system's authorities */
    unsigned connections;            /* at most, of each worker; 0: as many as to any other */
    bool public_only; /* connect to addresses of the public Internet only, whatever the name leads to (address.h) */
};

struct gw_outbound;

/* Once, at the start of the process, before there are threads. */
void gw_outbound_global_init(void);

/* The calls of one worker. `max_connections` bounds the connections to each target that says nothing else; calls beyond
 * what they carry (one each over HTTP/1.1, about a hundred over HTTP/2) wait. */
struct gw_outbound *gw_outbound_new(uv_loop_t *loop, unsigned max_connections);

/* Begin a call. */
void gw_outbound_send(struct gw_outbound *outbound, struct gw_outbound_call *call);

/* A call that is not wanted any more: `done` will not run. Nothing happens when it has run already. */
void gw_outbound_cancel(struct gw_outbound *outbound, struct gw_outbound_call *call);

/* Calls under way. For tests. */
unsigned gw_outbound_pending(const struct gw_outbound *outbound);

/* Drop everything, close the connections, and free once the loop has closed the handles. From within `done` it is
 * allowed. */
void gw_outbound_close(struct gw_outbound *outbound);

#endif
