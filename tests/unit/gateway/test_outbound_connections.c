/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections: how calls share them, what must never share one, and who is trusted at their other end.
 */
#include "outbound_support.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/socket.h>

/* A listening socket, and the URL for it. */
static int listen_on_loopback(char url[static 64])
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(listen(listener, 16), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    snprintf(url, 64, "https://localhost:%d", ntohs(address.sin_port));
    return listener;
}

/* ---- connections ---- */

START_TEST(a_connection_is_used_again)
{
    begin_either[_i]();
    for (int i = 0; i < 5; i++)
        assert_status(ask(&target, "/_/ok"), 200);
    ck_assert_uint_eq(count_connections(peer_requests(&peer)), 1);
}
END_TEST

START_TEST(calls_at_once_share_what_connections_there_may_be)
{
    begin_either[_i]();
    static struct probe probes[MAX_PROBES];
    for (size_t i = 0; i < MAX_PROBES; i++)
        send_probe(&probes[i], &target, "/_/ok?delay=20");
    ck_assert_uint_eq(gw_outbound_pending(outbound), MAX_PROBES);
    finish(probes, MAX_PROBES);
    for (size_t i = 0; i < MAX_PROBES; i++)
        assert_status(&probes[i], 200);
    ck_assert_uint_eq(count_connections(peer_requests(&peer)), _i == 0 ? 1 : CONNECTIONS);
}
END_TEST

START_TEST(a_connection_that_the_peer_has_closed_is_replaced)
{
    begin_either[_i]();
    for (int i = 0; i < 3; i++) {
        assert_status(ask(&target, "/_/reset-after-answer"), 200);
        uv_sleep(150); /* until the reset has come */
    }
    ck_assert_uint_eq(count_connections(peer_requests(&peer)), 3);
}
END_TEST

START_TEST(clients_never_share_a_connection)
{
    begin_either[_i]();
    struct gw_target other = target_with(peer.url, &other_client_id, &authority.file);
    static struct probe probes[16];
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 16; i++)
            send_probe(&probes[i], i % 2 == 0 ? &target : &other, i % 2 == 0 ? "/gateway" : "/other-gateway");
        finish(probes, 16);
    }
    struct json_object *requests = peer_requests(&peer);
    ck_assert_uint_eq(json_object_array_length(requests), 32);
    for (size_t i = 0; i < 32; i++)
        ck_assert_str_eq(member(requests, i, "path") + 1, member(requests, i, "client"));
}
END_TEST

/* A connection that trusts by other authorities is no shortcut. */
START_TEST(targets_with_other_authorities_never_share_a_connection)
{
    begin_either[_i]();
    assert_status(ask(&target, "/_/ok"), 200);
    struct gw_target distrustful = target_with(peer.url, &client_id, &foreign_authority.file);
    assert_end(ask(&distrustful, "/_/ok"), GW_OUTBOUND_UNTRUSTED);
    assert_status(ask(&target, "/_/ok"), 200);
    ck_assert_uint_eq(count_connections(peer_requests(&peer)), 1);
}
END_TEST

START_TEST(a_silent_target_delays_no_other)
{
    begin();
    char url[64];
    int silent = listen_on_loopback(url); /* the kernel accepts, and nobody says a word */
    struct gw_target dead = target_with(url, &client_id, &authority.file);
    static struct probe waiting[MAX_PROBES], probes[MAX_PROBES];
    for (size_t i = 0; i < MAX_PROBES; i++)
        send_probe(&waiting[i], &dead, "/");
    for (size_t i = 0; i < MAX_PROBES; i++)
        send_probe(&probes[i], &target, "/");
    finish(probes, MAX_PROBES);
    for (size_t i = 0; i < MAX_PROBES; i++) {
        assert_status(&probes[i], 200);
        ck_assert_uint_eq(waiting[i].ends, 0);
        gw_outbound_cancel(outbound, &waiting[i].call);
    }
    close(silent);
}
END_TEST

/* ---- trust ---- */

START_TEST(the_server_must_be_who_it_should_be)
{
    begin_either[_i]();
    struct gw_target by_system = target_with(peer.url, &client_id, NULL);
    assert_end(ask(&by_system, "/"), GW_OUTBOUND_UNTRUSTED);
    struct gw_target distrustful = target_with(peer.url, &client_id, &foreign_authority.file);
    assert_end(ask(&distrustful, "/"), GW_OUTBOUND_UNTRUSTED);
    peer_control(&peer, "{\"connection\": \"wrong-certificate\"}");
    assert_end(ask(&target, "/"), GW_OUTBOUND_UNTRUSTED);
    ck_assert_uint_eq(json_object_array_length(peer_requests(&peer)), 0);
}
END_TEST

START_TEST(several_authorities_are_trusted)
{
    begin();
    struct gw_file files[] = {foreign_authority.file, authority.file};
    target.ca = authorities_of(files, 2);
    assert_status(ask(&target, "/"), 200);
}
END_TEST

/* Node lets a client in and then hangs up on it without an alert. This server refuses clients as OpenSSL does. */
struct strict_server {
    int socket;
    SSL_CTX *context;
    unsigned clients;
    pthread_t thread;
};

static void *refuse_clients(void *arg)
{
    struct strict_server *server = arg;
    for (unsigned i = 0; i < server->clients; i++) {
        int client = accept(server->socket, NULL, NULL);
        SSL *ssl = SSL_new(server->context);
        SSL_set_fd(ssl, client);
        SSL_accept(ssl);
        SSL_free(ssl);
        close(client);
    }
    return NULL;
}

static void strict_server_start(struct strict_server *server, int listener, int version, unsigned clients)
{
    *server = (struct strict_server){.socket = listener, .clients = clients, .context = SSL_CTX_new(TLS_method())};
    SSL_CTX_set_min_proto_version(server->context, version);
    SSL_CTX_set_max_proto_version(server->context, version);
    ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(server->context, server_id.certificate.path), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(server->context, server_id.key.path, SSL_FILETYPE_PEM), 1);
    ck_assert_int_eq(SSL_CTX_load_verify_file(server->context, authority.file.path), 1);
    SSL_CTX_set_verify(server->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    ck_assert_int_eq(pthread_create(&server->thread, NULL, refuse_clients, server), 0);
}

static void strict_server_end(struct strict_server *server)
{
    pthread_join(server->thread, NULL);
    SSL_CTX_free(server->context);
    close(server->socket);
}

/* With TLS 1.3 the refusal comes after the handshake, when the request has been sent. */
START_TEST(a_server_that_refuses_us_is_told_from_one_that_is_away)
{
    char url[64];
    struct strict_server server;
    strict_server_start(&server, listen_on_loopback(url), _i == 0 ? TLS1_3_VERSION : TLS1_2_VERSION, 2);
    struct gw_target anonymous = target_with(url, NULL, &authority.file);
    struct gw_target foreign = target_with(url, &foreign_client_id, &authority.file);
    assert_end(ask(&anonymous, "/"), GW_OUTBOUND_UNTRUSTED);
    assert_end(ask(&foreign, "/"), GW_OUTBOUND_UNTRUSTED);
    strict_server_end(&server);
}
END_TEST

START_TEST(old_tls_is_refused)
{
    begin_with((const char *const[]){"--max-tls", "TLSv1.1", NULL});
    assert_end(ask(&target, "/"), GW_OUTBOUND_UNTRUSTED);
}
END_TEST

START_TEST(files_that_cannot_be_used_end_the_call_unnamed)
{
    begin();
    struct gw_target broken[] = {target, target};
    broken[0].certificate = file_at("missing", 1);
    broken[1].key = other_client_id.key;
    for (size_t i = 0; i < 2; i++) {
        struct probe *probe = ask(&broken[i], "/");
        assert_end(probe, GW_OUTBOUND_UNTRUSTED);
        ck_assert_ptr_null(strstr(probe->error, folder));
    }
    ck_assert_uint_eq(json_object_array_length(peer_requests(&peer)), 0);
}
END_TEST

START_TEST(authorities_are_read_once_and_must_be_some)
{
    begin();
    ck_assert_int_eq(remove(authority.file.path), 0);
    assert_status(ask(&target, "/"), 200);
    struct gw_authorities none;
    struct gw_file files[] = {write_file("garbage", 3, "not PEM\n"), file_at("missing", 4)};
    ck_assert(!gw_authorities_load(&none, &(struct gw_file_list){&files[0], 1}, &errors));
    assert_one_error(3, "holds no PEM certificate");
    gw_authorities_release(&none);
    ck_assert(!gw_authorities_load(&none, &(struct gw_file_list){&files[1], 1}, &errors));
    assert_one_error(4, "No such file");
    gw_authorities_release(&none);
}
END_TEST

START_TEST(without_tls_only_this_machine_is_called)
{
    peer_start(&peer, (const char *const[]){"--plain", NULL});
    struct gw_target plain = target_with(peer.plain_url, NULL, NULL);
    assert_status(ask(&plain, "/hook"), 200);
    struct gw_target away = target_with("http://192.0.2.1", NULL, NULL);
    struct probe *probe = ask(&away, "/hook");
    assert_end(probe, GW_OUTBOUND_UNREACHED);
    ck_assert_int_lt(probe->took_ms, 1000);
    struct gw_target file = target_with("file://", NULL, NULL);
    assert_end(ask(&file, "/etc/hostname"), GW_OUTBOUND_UNREACHED);
}
END_TEST

/* ---- the suite ---- */

static Suite *suite(void)
{
    Suite *s = suite_create("outbound connections");
    gw_outbound_global_init();
    TCase *alone = outbound_case(s, "alone");
    tcase_add_loop_test(alone, a_server_that_refuses_us_is_told_from_one_that_is_away, 0, 2); /* TLS 1.3 and 1.2 */
    TCase *tcase = outbound_peer_case(s);
    if (!tcase)
        return s;
    /* Twice: over HTTP/2 and over HTTP/1.1. */
    tcase_add_loop_test(tcase, a_connection_is_used_again, 0, 2);
    tcase_add_loop_test(tcase, calls_at_once_share_what_connections_there_may_be, 0, 2);
    tcase_add_loop_test(tcase, a_connection_that_the_peer_has_closed_is_replaced, 0, 2);
    tcase_add_loop_test(tcase, clients_never_share_a_connection, 0, 2);
    tcase_add_loop_test(tcase, targets_with_other_authorities_never_share_a_connection, 0, 2);
    tcase_add_loop_test(tcase, the_server_must_be_who_it_should_be, 0, 2);
    tcase_add_test(tcase, a_silent_target_delays_no_other);
    tcase_add_test(tcase, several_authorities_are_trusted);
    tcase_add_test(tcase, old_tls_is_refused);
    tcase_add_test(tcase, files_that_cannot_be_used_end_the_call_unnamed);
    tcase_add_test(tcase, authorities_are_read_once_and_must_be_some);
    tcase_add_test(tcase, without_tls_only_this_machine_is_called);
    return s;
}

S2S_TEST_MAIN(suite)
