/* SPDX-License-Identifier: Apache-2.0
 *
 * One mutual-TLS connection on a loop: connects, shakes hands, carries requests over HTTP/2 or HTTP/1.1, and says when
 * it is lost. It does not connect again by itself.
 */
#ifndef LOAD_LINK_H
#define LOAD_LINK_H

#include "tests/load/request.h"

#include <openssl/ssl.h>
#include <uv.h>

struct load_link;

/* An HTTP version. All functions but `open` are called only between `open` and `close`. */
struct load_protocol {
    const char *name; /* for people */
    const char *alpn;
    unsigned max_streams; /* requests at a time */
    void (*open)(struct load_link *link);
    /* Every request in flight is done with LOAD_LOST. */
    void (*close)(struct load_link *link);
    void (*send)(struct load_link *link, struct load_request *request);
    /* Give a request up; it is done with LOAD_TIMED_OUT. */
    void (*abandon)(struct load_link *link, struct load_request *request);
    /* Take what the server has sent. False to end the connection, with load_link_complain before. */
    bool (*receive)(struct load_link *link, const uint8_t *data, size_t len);
    /* Append to `out` what is to be sent; at least once after each send, abandon and receive. False as `receive`. */
    bool (*produce)(struct load_link *link, struct load_buffer *out);
};

extern const struct load_protocol load_http1, load_http2;

/* What the links of one loop share. */
struct load_hub {
    uv_loop_t *loop;
    uv_prepare_t prepare;
    struct load_link *dirty; /* have something to send */
};

void load_hub_init(struct load_hub *hub, uv_loop_t *loop);
/* Close the hub and its loop, when every other handle of the loop is closing. */
void load_hub_close(struct load_hub *hub);

enum load_link_state { LOAD_LINK_CLOSED, LOAD_LINK_CONNECTING, LOAD_LINK_SHAKING, LOAD_LINK_OPEN };

struct load_traffic {
    uint64_t received, sent; /* octets, TLS and all */
};

struct load_link {
    /* Set by the owner before the first load_link_open. */
    struct load_hub *hub;
    const struct load_target *target;
    const struct load_protocol *protocol;
    SSL_CTX *tls;
    unsigned number;                          /* among those of all players */
    size_t first_address;                     /* index into the target's; each attempt takes the next one */
    void (*on_open)(struct load_link *link);  /* ready for requests */
    void (*on_close)(struct load_link *link); /* after an open that failed, or later; `reason` tells why */
    void *data;

    enum load_link_state state;
    bool leaving;     /* the server takes no more requests on this connection */
    char reason[128]; /* "" when the connection was ended in order */
    unsigned attempts;
    uint64_t began;              /* of the attempt */
    unsigned in_flight;          /* requests */
    struct load_traffic traffic; /* of the connections before this one */

    int fd;
    SSL *ssl;
    uv_poll_t *poll;
    int events;
    void *session; /* the protocol's */
    struct load_buffer out;
    struct load_link *next_dirty; /* NULL when not in the hub's list */
    bool is_dirty;
};

/* Begin to connect; on_open or on_close follows, never from within. */
void load_link_open(struct load_link *link);

/* End the connection at once: what is in flight is lost, on_close is called, before this returns. Not from within a
 * request's `done`. `reason` NULL: in order. */
void load_link_close(struct load_link *link, const char *reason);

/* Whether a request may be sent. */
static inline bool load_link_usable(const struct load_link *link)
{
    return link->state == LOAD_LINK_OPEN && !link->leaving;
}

/* Send; `done` follows, never from within. Only on a usable link, with less than protocol->max_streams in flight. */
void load_link_send(struct load_link *link, struct load_request *request);
void load_link_abandon(struct load_link *link, struct load_request *request);

/* Octets of all connections so far. */
struct load_traffic load_link_traffic(const struct load_link *link);

/* For the protocols: the link has something to send. */
void load_link_touch(struct load_link *link);

/* For the protocols: a request of this link is over. */
void load_link_done(struct load_link *link, struct load_request *request, enum load_ending ending);

/* For the protocols: why `receive` or `produce` returns false. Returns false. */
bool load_link_complain(struct load_link *link, const char *reason);

#endif
