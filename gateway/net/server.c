/* SPDX-License-Identifier: Apache-2.0
 *
 * h2o 2.2 has no accessor for its SSL object and no hook for a finished handshake. OpenSSL's info callback fills both
 * gaps: at SSL_CB_HANDSHAKE_DONE the read BIO's data is the h2o_socket_t, whose `on_close.data` is our connection.
 */
#include "gateway/net/server.h"

#include "gateway/clock.h"
#include "gateway/log.h"
#include "gateway/net/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <h2o/http1.h>
#include <h2o/http2.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024
#define RESET_WINDOW_US (10 * 1000000)
#define REAP_MS 1000

struct request_handler {
    h2o_handler_t super;
    struct gw_server *server;
};

struct gw_conn *gw_conn_of(h2o_req_t *req)
{
    return req->conn->callbacks->get_socket(req->conn)->on_close.data;
}

bool gw_conn_left(const struct gw_conn *conn)
{
    struct pollfd look = {.fd = h2o_socket_get_fd(conn->socket), .events = POLLRDHUP};
    return poll(&look, 1, 0) == 1;
}

void gw_conn_end(struct gw_conn *conn)
{
    shutdown(h2o_socket_get_fd(conn->socket), SHUT_RDWR);
}

/* Count a stream that went away before its answer; too many end the connection. */
static void count_reset(struct gw_conn *conn)
{
    int64_t now = gw_monotonic_us();
    gw_metrics_count(conn->server->metrics, GW_STREAMS_RESET, 1);
    if (now - conn->resets_since_us > RESET_WINDOW_US) {
        conn->resets_since_us = now;
        conn->resets = 0;
    }
    if (++conn->resets != conn->server->limits->max_resets)
        return;
    gw_log(GW_LOG_WARN, "too_many_resets", GW_S("peer", conn->peer_name[0] != '\0' ? conn->peer_name : NULL),
           GW_I("resets", conn->resets));
    gw_conn_end(conn);
}

static void on_conn_closed(void *data)
{
    struct gw_conn *conn = data;
    struct gw_server *server = conn->server;
    h2o_linklist_unlink(&conn->all);
    --server->connections;
    gw_metrics_count(server->metrics, GW_CONNECTIONS_CLOSED, 1);
    if (conn->tls != NULL && !conn->established)
        gw_metrics_count(server->metrics, GW_HANDSHAKE_FAILED, 1);
    SSL_CTX_free(conn->tls);
    X509_free(conn->certificate);
    sk_X509_pop_free(conn->chain, X509_free);
    free(conn);
}

/* libuv takes a stream for closed to writing once a read has failed, as it does when the peer resets the connection.
 * h2o ends TLS with a close_notify, overlooks that uv_write refuses it, and would wait for ever to hear that it is
 * written. */
static void free_if_stuck(struct gw_conn *conn)
{
    h2o_socket_cb waiting = conn->socket->_cb.write;
    if (waiting == NULL || uv_is_writable(conn->stream) || uv_stream_get_write_queue_size(conn->stream) > 0)
        return;
    conn->socket->_cb.write = NULL;
    waiting(conn->socket, h2o_socket_error_io);
}

static void reap(struct gw_server *server)
{
    h2o_linklist_t *node = server->conns.next;
    while (node != &server->conns) {
        struct gw_conn *conn = H2O_STRUCT_FROM_MEMBER(struct gw_conn, all, node);
        node = node->next;
        free_if_stuck(conn);
    }
}

static void on_reap(uv_timer_t *timer)
{
    reap(timer->data);
}

void gw_conn_on_tls(const SSL *ssl, int where, int value)
{
    (void)value;
    if ((where & SSL_CB_HANDSHAKE_DONE) == 0)
        return;
    h2o_socket_t *socket = BIO_get_data(SSL_get_rbio(ssl));
    struct gw_conn *conn = socket->on_close.data;
    if (conn->established)
        return;
    conn->established = true;
    conn->certificate = SSL_get1_peer_certificate(ssl);
    if (conn->certificate != NULL)
        conn->not_after = gw_tls_time(X509_get0_notAfter(conn->certificate));
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl); /* NULL in a resumed session */
    conn->chain = chain != NULL ? X509_chain_up_ref(chain) : NULL;
    if (SSL_session_reused(ssl))
        gw_metrics_count(conn->server->metrics, GW_TLS_RESUMED, 1);
}

/* A stream of the listener's kind, not connected to anything yet. */
static uv_stream_t *new_stream(struct gw_server *server)
{
    if (server->listener->socket != NULL) {
        uv_pipe_t *pipe = h2o_mem_alloc(sizeof(*pipe));
        uv_pipe_init(server->loop, pipe, 0);
        return (uv_stream_t *)pipe;
    }
    uv_tcp_t *tcp = h2o_mem_alloc(sizeof(*tcp));
    uv_tcp_init(server->loop, tcp);
    return (uv_stream_t *)tcp;
}

static void on_accept(uv_stream_t *listener, int status)
{
    struct gw_server *server = listener->data;
    if (status != 0)
        return;
    uv_stream_t *stream = new_stream(server);
    if (uv_accept(listener, stream) != 0) {
        uv_close((uv_handle_t *)stream, (uv_close_cb)free);
        return;
    }
    if (server->connections >= server->limits->max_connections) {
        gw_metrics_count(server->metrics, GW_CONNECTIONS_REFUSED, 1);
        uv_close((uv_handle_t *)stream, (uv_close_cb)free);
        return;
    }
    if (stream->type == UV_TCP)
        uv_tcp_nodelay((uv_tcp_t *)stream, 1);
    struct gw_conn *conn = h2o_mem_alloc(sizeof(*conn));
    *conn = (struct gw_conn){.server = server, .stream = stream, .tls = server->accept.ssl_ctx};
    conn->socket = h2o_uv_socket_create(stream, (uv_close_cb)free);
    conn->socket->on_close.cb = on_conn_closed;
    conn->socket->on_close.data = conn;
    h2o_linklist_insert(&server->conns, &conn->all);
    if (conn->tls != NULL)
        SSL_CTX_up_ref(conn->tls);
    ++server->connections;
    gw_metrics_count(server->metrics, GW_CONNECTIONS_OPENED, 1);
    h2o_accept(&server->accept, conn->socket);
}

/* Hangs in a request's pool. */
struct request_note {
    h2o_req_t *req;
    struct gw_conn *conn;
};

static void on_request_disposed(void *data)
{
    const struct request_note *note = data;
    --note->conn->server->requests;
    bool http2 = note->req->version >= 0x200;
    bool has_body = note->req->res.content_length != 0 && note->req->res.status != 304;
    if (http2 && has_body && note->req->bytes_sent == 0) /* answered or not, the client did not wait for it */
        count_reset(note->conn);
}

/* RFC 9112 section 3.2.2: a server takes a target in the absolute form, too. What counts of it is the path. */
static void take_origin_form(h2o_req_t *req)
{
    size_t len = req->query_at != SIZE_MAX ? req->query_at : req->path.len;
    const char *authority = len > 0 && req->path.base[0] != '/' ? memmem(req->path.base, len, "://", 3) : NULL;
    if (authority == NULL)
        return;
    authority += 3;
    const char *path = memchr(authority, '/', len - (size_t)(authority - req->path.base));
    if (path == NULL)
        return;
    size_t skip = (size_t)(path - req->path.base);
    req->path.base += skip;
    req->path.len -= skip;
    if (req->query_at != SIZE_MAX)
        req->query_at -= skip;
}

static int on_request(h2o_handler_t *handler, h2o_req_t *req)
{
    struct gw_server *server = ((struct request_handler *)handler)->server;
    struct request_note *note = h2o_mem_alloc_shared(&req->pool, sizeof(*note), on_request_disposed);
    *note = (struct request_note){req, gw_conn_of(req)};
    ++server->requests;
    take_origin_form(req);
    server->on_request(server, req);
    return 0;
}

static void configure(struct gw_server *server)
{
    const struct gw_limits_config *limits = server->limits;
    h2o_config_init(&server->global);
    server->global.server_name = h2o_iovec_init(H2O_STRLIT("s2s-gateway"));
    server->global.max_request_entity_size = server->max_body;
    server->global.handshake_timeout = (uint64_t)limits->handshake_timeout_ms;
    server->global.http1.req_timeout = (uint64_t)limits->request_timeout_ms;
    server->global.http1.upgrade_to_http2 = 0;
    server->global.http2.idle_timeout = (uint64_t)limits->idle_timeout_ms;
    server->global.http2.max_concurrent_requests_per_connection = limits->max_streams;
    server->global.http2.graceful_shutdown_timeout = (uint64_t)limits->drain_timeout_ms;
    h2o_hostconf_t *host = h2o_config_register_host(&server->global, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    struct request_handler *handler = (struct request_handler *)h2o_create_handler(path, sizeof(*handler));
    handler->super.on_req = on_request;
    handler->server = server;
    gw_http_install_filter(path);
    gw_http_install_filter(&host->fallback_path);
}

static int bind_socket(const struct gw_listener_config *listener)
{
    struct sockaddr_storage address = {0};
    socklen_t len;
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    if (inet_pton(AF_INET, listener->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)listener->port);
        len = sizeof(*v4);
    } else if (inet_pton(AF_INET6, listener->address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)listener->port);
        len = sizeof(*v6);
    } else {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0 &&
        bind(fd, (struct sockaddr *)&address, len) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static int listen_on_address(struct gw_server *server)
{
    int fd = bind_socket(server->listener);
    if (fd < 0)
        return -errno;
    uv_tcp_init(server->loop, &server->socket.tcp);
    return uv_tcp_open(&server->socket.tcp, fd);
}

/* The file of a gateway that has ended stays behind, and would keep a new one from binding. One that somebody listens
 * on is left alone. */
static bool remove_stale_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = S_ISSOCK(st.st_mode) ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    bool stale = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    if (!stale)
        errno = EADDRINUSE;
    return stale && unlink(path) == 0;
}

static int listen_on_path(struct gw_server *server)
{
    const char *path = server->listener->socket;
    if (!remove_stale_socket(path))
        return -errno;
    mode_t mask = umask(0117); /* 0660 from the start: chmod would come too late */
    uv_pipe_init(server->loop, &server->socket.pipe, 0);
    int status = uv_pipe_bind(&server->socket.pipe, path);
    umask(mask);
    return status;
}

bool gw_server_start(struct gw_server *server, const struct gw_tls *tls)
{
    h2o_linklist_init_anchor(&server->conns);
    int status = server->listener->socket != NULL ? listen_on_path(server) : listen_on_address(server);
    if (status == 0) {
        server->socket.handle.data = server;
        status = uv_listen(&server->socket.stream, BACKLOG, on_accept);
    }
    if (status != 0) {
        errno = -status;
        return false;
    }
    configure(server);
    h2o_context_init(&server->context, server->loop, &server->global);
    server->accept = (h2o_accept_ctx_t){.ctx = &server->context, .hosts = server->global.hosts};
    gw_server_use(server, tls);
    server->listening = true;
    uv_timer_init(server->loop, &server->reaper);
    server->reaper.data = server;
    uv_timer_start(&server->reaper, on_reap, REAP_MS, REAP_MS);
    return true;
}

void gw_server_use(struct gw_server *server, const struct gw_tls *tls)
{
    SSL_CTX *old = server->accept.ssl_ctx;
    server->accept.ssl_ctx = tls != NULL ? gw_tls_context(tls) : NULL;
    if (server->accept.ssl_ctx != NULL)
        SSL_CTX_up_ref(server->accept.ssl_ctx); /* it may outlive its generation */
    SSL_CTX_free(old);
}

void gw_server_drain(struct gw_server *server)
{
    if (!server->listening)
        return;
    server->listening = false;
    uv_close(&server->socket.handle, NULL); /* libuv unlinks a Unix socket's file */
    h2o_context_request_shutdown(&server->context);
}

void gw_server_close_connections(struct gw_server *server)
{
    if (server->context.globalconf == NULL)
        return;
    for (h2o_linklist_t *node = server->conns.next; node != &server->conns; node = node->next)
        gw_conn_end(H2O_STRUCT_FROM_MEMBER(struct gw_conn, all, node));
}

void gw_server_dispose(struct gw_server *server)
{
    if (server->context.globalconf == NULL)
        return;
    uv_close((uv_handle_t *)&server->reaper, NULL);
    reap(server);
    if (server->connections > 0)
        return;
    /* The timer between the two GOAWAYs of a graceful shutdown is still linked when all clients left before it. */
    h2o_timeout_unlink(&server->context.http2._graceful_shutdown_timeout);
    h2o_context_dispose(&server->context);
    h2o_config_dispose(&server->global);
    SSL_CTX_free(server->accept.ssl_ctx);
}

unsigned gw_server_requests(const struct gw_server *server)
{
    return server->requests;
}

unsigned gw_server_connections(const struct gw_server *server)
{
    return server->connections;
}
