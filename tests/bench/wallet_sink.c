/* SPDX-License-Identifier: Apache-2.0
 *
 * A wallet server that costs as little as one can: mutual TLS, HTTP/2 or HTTP/1.1, and to every request the ids that it
 * came with. Who measures how fast notifications are delivered does not want to measure who takes them.
 *
 * usage: bench-wallet-sink CERTIFICATE KEY CLIENT_CA
 *
 * Listens on a free port of loopback, says "listening PORT", and serves until it is ended.
 */
#include "proto/result.h"

#include <h2o.h>
#include <h2o/http1.h>
#include <h2o/http2.h>
#include <stdio.h>
#include <string.h>

#define BACKLOG 128
#define MAX_ANSWER 256

static h2o_accept_ctx_t accept_ctx;

/* The text of a member of the body, which the gateway writes without blanks around the colon's value; empty when there
 * is none. */
static h2o_iovec_t member(h2o_iovec_t body, const char *name)
{
    h2o_iovec_t none = h2o_iovec_init("", 0);
    const char *end = body.base + body.len;
    const char *at = memmem(body.base, body.len, name, strlen(name));
    const char *open = at != NULL ? memchr(at + strlen(name), '"', (size_t)(end - at) - strlen(name)) : NULL;
    const char *close = open != NULL ? memchr(open + 1, '"', (size_t)(end - open - 1)) : NULL;
    return close != NULL ? h2o_iovec_init(open + 1, (size_t)(close - open - 1)) : none;
}

static int on_request(h2o_handler_t *handler, h2o_req_t *req)
{
    (void)handler;
    h2o_iovec_t session = member(req->entity, "\"sessionId\""), id = member(req->entity, "\"verificationId\"");
    char *answer = h2o_mem_alloc_pool(&req->pool, MAX_ANSWER);
    int len = snprintf(answer, MAX_ANSWER, "{\"sessionId\":\"%.*s\",\"verificationId\":\"%.*s\"}", (int)session.len,
                       session.base, (int)id.len, id.base);
    req->res.status = len < MAX_ANSWER ? 200 : 400;
    req->res.reason = "";
    req->res.content_length = (size_t)len;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, H2O_STRLIT("application/json"));
    h2o_send_inline(req, answer, (size_t)len);
    return 0;
}

static void on_accept(uv_stream_t *listener, int status)
{
    uv_tcp_t *tcp = h2o_mem_alloc(sizeof(*tcp));
    s2s_assert(status == 0);
    uv_tcp_init(listener->loop, tcp);
    if (uv_accept(listener, (uv_stream_t *)tcp) != 0) {
        uv_close((uv_handle_t *)tcp, (uv_close_cb)free);
        return;
    }
    uv_tcp_nodelay(tcp, 1);
    h2o_accept(&accept_ctx, h2o_uv_socket_create((uv_stream_t *)tcp, (uv_close_cb)free));
}

static SSL_CTX *make_tls(const char *certificate, const char *key, const char *client_ca)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    s2s_assert(tls != NULL);
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_session_id_context(tls, (const unsigned char *)"sink", 4);
    h2o_ssl_register_alpn_protocols(tls, h2o_alpn_protocols);
    bool good = SSL_CTX_use_certificate_chain_file(tls, certificate) == 1 &&
                SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) == 1 &&
                SSL_CTX_load_verify_file(tls, client_ca) == 1;
    return good ? tls : NULL;
}

static int listen_on_loopback(uv_loop_t *loop, uv_tcp_t *listener)
{
    struct sockaddr_in address;
    int len = sizeof(address);
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(loop, listener);
    s2s_assert(uv_tcp_bind(listener, (const struct sockaddr *)&address, 0) == 0 &&
               uv_listen((uv_stream_t *)listener, BACKLOG, on_accept) == 0 &&
               uv_tcp_getsockname(listener, (struct sockaddr *)&address, &len) == 0);
    return ntohs(address.sin_port);
}

int main(int argc, char **argv)
{
    static h2o_globalconf_t config;
    static h2o_context_t context;
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;
    accept_ctx.ssl_ctx = argc == 4 ? make_tls(argv[1], argv[2], argv[3]) : NULL;
    if (accept_ctx.ssl_ctx == NULL) {
        fprintf(stderr, "usage: bench-wallet-sink CERTIFICATE KEY CLIENT_CA\n");
        return 2;
    }
    h2o_config_init(&config);
    h2o_hostconf_t *host = h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_create_handler(h2o_config_register_path(host, "/", 0), sizeof(h2o_handler_t))->on_req = on_request;
    h2o_context_init(&context, loop, &config);
    accept_ctx.ctx = &context;
    accept_ctx.hosts = config.hosts;
    printf("listening %d\n", listen_on_loopback(loop, &listener));
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
