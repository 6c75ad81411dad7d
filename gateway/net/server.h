/* SPDX-License-Identifier: Apache-2.0
 *
 * Listeners of one worker: h2o on the worker's uv loop, with TLS where the listener has it, and the state of each
 * connection.
 */
#ifndef GW_SERVER_H
#define GW_SERVER_H

#include "gateway/generation.h"
#include "gateway/metrics.h"

#include <h2o.h>
#include <uv.h>

struct gw_api;
struct gw_role;
struct gw_server;

/* A peer's name, NUL included (config_schema.c bounds it). */
#define GW_NAME_SIZE 65

/* Answers one request; must answer, now or later, every request it is given. */
typedef void (*gw_request_cb)(struct gw_server *server, h2o_req_t *req);

/* One listener on one worker. Fill the first part, then gw_server_start. */
struct gw_server {
    uv_loop_t *loop;
    struct gw_metrics *metrics;
    const struct gw_limits_config *limits;
    const struct gw_listener_config *listener;
    gw_request_cb on_request;
    void *owner;                /* the worker */
    const struct gw_role *role; /* of a listener for peers, else NULL */
    const struct gw_api *api;   /* of a listener for an operator's programs, else NULL */
    size_t max_body;            /* octets of a request's body that are read; beyond it HTTP/2 streams are reset */

    /* Private to server.c. */
    h2o_globalconf_t global;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } socket;
    uv_timer_t reaper; /* of connections that h2o would keep for ever */
    h2o_linklist_t conns;
    unsigned connections;
    unsigned requests; /* that h2o has not disposed of: unanswered, or not yet written out */
    bool listening;
};

/* One connection, from accept to close; h2o's socket carries it in `on_close.data`. */
struct gw_conn {
    h2o_linklist_t all; /* in the server's list */
    h2o_socket_t *socket;
    const uv_stream_t *stream; /* below h2o's socket, which owns it */
    struct gw_server *server;
    SSL_CTX *tls;           /* a reference: a reload must not pull it away */
    X509 *certificate;      /* of the peer, once the handshake is done; NULL without mutual TLS */
    STACK_OF(X509) * chain; /* what the peer sent with it, or NULL */
    int64_t not_after;      /* the certificate's, seconds since the epoch */
    bool established;

    /* The peer in the generation of this number; borrowed from it, so only looked at while that one is in force. */
    uint64_t generation;
    const struct gw_peer *peer;
    char peer_name[GW_NAME_SIZE]; /* a copy for logs */

    /* HTTP/2 rapid reset (CVE-2023-44487): streams gone before their answer in the current window. */
    unsigned resets;
    int64_t resets_since_us;
};

/* Bind (SO_REUSEPORT: every worker has its own socket on the same port; a Unix socket is for one worker) and accept.
 * False with errno set. */
bool gw_server_start(struct gw_server *server, const struct gw_tls *tls);

/* New connections use these certificates from now on. */
void gw_server_use(struct gw_server *server, const struct gw_tls *tls);

/* Stop accepting, and tell HTTP/2 clients to go away after what is in flight. */
void gw_server_drain(struct gw_server *server);

/* End the connections that are left, whatever they are doing; they are gone after the loop's next rounds. */
void gw_server_close_connections(struct gw_server *server);

/* Free what h2o has made, once no connection is left. */
void gw_server_dispose(struct gw_server *server);

/* Requests that are unanswered or whose answers are not yet written out. */
unsigned gw_server_requests(const struct gw_server *server);

/* Open connections. */
unsigned gw_server_connections(const struct gw_server *server);

/* OpenSSL's info callback of every server context (net/tls.c installs it): notes the peer when a handshake is done. */
void gw_conn_on_tls(const SSL *ssl, int where, int value);

/* The connection of a request. */
struct gw_conn *gw_conn_of(h2o_req_t *req);

/* Whether the client has closed its side. h2o looks at an HTTP/1 connection only between requests; whoever lets a
 * client wait has to ask. */
bool gw_conn_left(const struct gw_conn *conn);

/* End a connection that h2o owns: h2o then sees it closed. Requests on it are disposed of without an answer. */
void gw_conn_end(struct gw_conn *conn);

#endif
