/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the outbound client share: the client on a loop, a peer beside it, and calls that remember how they
 * ended.
 */
#ifndef TEST_OUTBOUND_SUPPORT_H
#define TEST_OUTBOUND_SUPPORT_H

#include "gateway/clock.h"
#include "gateway/net/outbound.h"
#include "peer.h"

#include <dirent.h>

#define CONNECTIONS 4
#define MAX_ANSWER 4096
#define PATIENCE_MS 20000
#define MAX_PROBES 64

static struct authority authority, foreign_authority;
static struct identity server_id, wrong_server_id, client_id, other_client_id, foreign_client_id;
static struct peer peer;
static struct gw_target target;
static uv_loop_t loop;
static struct gw_outbound *outbound;
static unsigned descriptors_before;

/* ---- the fixture ---- */

static inline unsigned count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(dir);
    unsigned count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/* Who is in these files, in the arena. */
static inline const struct gw_authorities *authorities_of(struct gw_file *files, size_t count)
{
    struct gw_authorities *made = s2s_arena_alloc(arena, sizeof *made);
    ck_assert(gw_authorities_load(made, &(struct gw_file_list){files, count}, &errors));
    char *text = made->pem;
    made->pem = s2s_arena_strndup(arena, text, made->len);
    free(text);
    return made;
}

static inline struct gw_target target_with(const char *url, const struct identity *client, struct gw_file *ca)
{
    struct gw_target made = {.url = s2s_arena_printf(arena, "%s", url), .ca = ca ? authorities_of(ca, 1) : NULL};
    if (client) {
        made.certificate = client->certificate;
        made.key = client->key;
    }
    return made;
}

/* A peer over TLS with `more` arguments, a target for it, and a client. */
static inline void begin_with(const char *const *more)
{
    const char *arguments[MAX_PEER_ARGUMENTS] = {
        "--cert",      server_id.certificate.path, "--key",        server_id.key.path,
        "--ca",        authority.file.path,        "--wrong-cert", wrong_server_id.certificate.path,
        "--wrong-key", wrong_server_id.key.path};
    for (size_t i = 10; more && *more; more++, i++)
        arguments[i] = *more;
    peer_start(&peer, arguments);
    target = target_with(peer.url, &client_id, &authority.file);
}

static inline void begin(void)
{
    begin_with(NULL);
}

static inline void begin_http1(void)
{
    begin_with((const char *const[]){"--alpn", "http/1.1", NULL});
}

static void (*const begin_either[])(void) = {begin, begin_http1};

static inline void setup(void)
{
    signal(SIGPIPE, SIG_IGN);
    fixture_setup();
    authority = make_authority("authority");
    foreign_authority = make_authority("foreign-authority");
    server_id = make_identity("server", "DNS:localhost,IP:127.0.0.1", &authority);
    wrong_server_id = make_identity("wrong-server", "DNS:elsewhere.example", &authority);
    client_id = make_identity("gateway", NULL, &authority);
    other_client_id = make_identity("other-gateway", NULL, &authority);
    foreign_client_id = make_identity("foreign-gateway", NULL, &foreign_authority);
    peer = (struct peer){.pid = 0};
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    uv_run(&loop, UV_RUN_NOWAIT);
    descriptors_before = count_descriptors();
    outbound = gw_outbound_new(&loop, CONNECTIONS);
}

static inline void close_outbound(void)
{
    gw_outbound_close(outbound);
    outbound = NULL;
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
}

static inline void teardown(void)
{
    if (outbound)
        close_outbound();
    unsigned expected = descriptors_before + (peer.pid ? 1 : 0);
    ck_assert_uint_eq(count_descriptors(), expected);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    if (peer.pid)
        peer_stop(&peer);
    free_authority(&authority);
    free_authority(&foreign_authority);
    fixture_teardown();
}

/* ---- calls ---- */

/* A call and what came of it, kept. */
struct probe {
    struct gw_outbound_call call;
    unsigned ends;
    struct gw_outbound_answer answer; /* its texts are NULL; they are below */
    char body[MAX_ANSWER + 1], content_type[64], etag[64], error[256];
    int64_t took_ms;
};

static inline void on_done(struct gw_outbound_call *call, const struct gw_outbound_answer *answer)
{
    struct probe *probe = (struct probe *)(void *)call;
    probe->ends++;
    probe->took_ms = gw_monotonic_us() / 1000 - probe->took_ms;
    ck_assert_ptr_nonnull(answer->body);
    ck_assert_uint_le(answer->body_len, MAX_ANSWER);
    ck_assert_uint_eq(strlen(answer->body), answer->body_len);
    strcpy(probe->body, answer->body);
    snprintf(probe->content_type, sizeof probe->content_type, "%s", answer->content_type ? answer->content_type : "");
    snprintf(probe->etag, sizeof probe->etag, "%s", answer->etag ? answer->etag : "");
    snprintf(probe->error, sizeof probe->error, "%s", answer->error ? answer->error : "");
    ck_assert_int_eq(answer->error == NULL, answer->end == GW_OUTBOUND_ANSWERED);
    probe->answer = *answer;
    probe->answer.body = probe->answer.content_type = probe->answer.etag = probe->answer.error = NULL;
}

static inline void send_probe(struct probe *probe, const struct gw_target *to, const char *path)
{
    *probe = (struct probe){.call = probe->call, .took_ms = gw_monotonic_us() / 1000};
    struct gw_outbound_call *call = &probe->call;
    call->target = to;
    call->path = path;
    call->method = call->method ? call->method : "POST";
    if (!call->body && call->method[0] == 'P') {
        call->body = "{}";
        call->body_len = 2;
    }
    call->timeout_ms = call->timeout_ms ? call->timeout_ms : PATIENCE_MS;
    call->max_answer = call->max_answer ? call->max_answer : MAX_ANSWER;
    call->done = call->done ? call->done : on_done;
    gw_outbound_send(outbound, call);
    ck_assert_uint_eq(probe->ends, 0);
}

static inline void finish(const struct probe *probes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        while (probes[i].ends == 0)
            ck_assert(uv_run(&loop, UV_RUN_ONCE) != 0 || probes[i].ends > 0);
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_eq(probes[i].ends, 1);
}

static inline struct probe *ask(const struct gw_target *to, const char *path)
{
    static struct probe probe;
    probe = (struct probe){.call = {.method = NULL}};
    send_probe(&probe, to, path);
    finish(&probe, 1);
    return &probe;
}

static inline void assert_status(const struct probe *probe, int status)
{
    ck_assert_msg(probe->answer.end == GW_OUTBOUND_ANSWERED && probe->answer.status == status, "end %d, status %d: %s",
                  probe->answer.end, probe->answer.status, probe->error);
}

static inline void assert_end(const struct probe *probe, enum gw_outbound_end end)
{
    ck_assert_msg(probe->answer.end == end, "end %d, status %d: %s", probe->answer.end, probe->answer.status,
                  probe->error);
    ck_assert_int_eq(probe->answer.status, 0);
    ck_assert_int_eq(probe->answer.retry_after_s, -1);
    ck_assert_str_ne(probe->error, "");
}

/* ---- the peer's journal ---- */

static inline const char *member(struct json_object *requests, size_t at, const char *name)
{
    return s2s_json_string(json_object_array_get_idx(requests, at), name);
}

static inline int64_t connection_of(struct json_object *requests, size_t at)
{
    return json_object_get_int64(s2s_json_get(json_object_array_get_idx(requests, at), "connection"));
}

static inline const char *header_of(struct json_object *requests, size_t at, const char *name)
{
    return s2s_json_string(s2s_json_get(json_object_array_get_idx(requests, at), "headers"), name);
}

static inline size_t count_connections(struct json_object *requests)
{
    size_t connections = 0;
    for (size_t i = 0; i < json_object_array_length(requests); i++) {
        size_t first = 0;
        while (connection_of(requests, first) != connection_of(requests, i))
            first++;
        connections += first == i;
    }
    return connections;
}

/* ---- the suite ---- */

/* A test case with the fixture, in `suite`. */
static inline TCase *outbound_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, setup, teardown);
    suite_add_tcase(suite, tcase);
    return tcase;
}

/* Likewise, for tests that need a peer; NULL, and a word about it, where there is no node to run one. */
static inline TCase *outbound_peer_case(Suite *suite)
{
    if (node_is_installed())
        return outbound_case(suite, "with a peer");
    fputs("skipped: all that needs a peer, because there is no node\n", stderr);
    return NULL;
}

#endif
