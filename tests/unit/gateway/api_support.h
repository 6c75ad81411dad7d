/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of the API engine: its source is included with a database that answers from a script, and served on a real
 * socket of the test's own loop, with a client beside it. Nothing here has a thread.
 */
#ifndef TEST_API_SUPPORT_H
#define TEST_API_SUPPORT_H

#define gw_db_submit stub_submit
#define gw_worker_wake_jobs stub_wake
#include "gateway/net/api.c"
#include "gateway/net/api_wait.c"

#include "fixture.h"

#include <fcntl.h>
#include <sys/socket.h>

#define TOKEN "the-token-of-the-backend"
#define REQUEST_ID "5d3f2d1a-4a55-4b0e-9b57-0c6a8f6d6a01"
#define GIVE_UP_US (20 * 1000000)

static struct gw_config config;
static struct gw_generation generation;
static struct gw_file data_keys[2];
static struct gw_worker worker;
static struct gw_server server;
static struct gw_listener_config listener = {.enabled = true, .address = (char *)"127.0.0.1"};
static unsigned wakes;

/* ---- the database ---- */

struct stub_call {
    const char *statement;
    const char *order_key;
    const char *values[GW_DB_MAX_PARAMS];
    int lengths[GW_DB_MAX_PARAMS];
    int count;
};

struct stub_reply {
    const char *status; /* NULL: no row, but this outcome */
    const char *body;
    const char *replayed, *wake; /* NULL: false */
    enum gw_db_outcome outcome;
    uint64_t delay_ms;
};

struct stub_run {
    uv_timer_t timer;
    struct gw_db_call *call;
    const struct stub_reply *reply;
};

static struct stub_call calls[64];
static unsigned call_count;
static const struct stub_reply *script; /* the last one is for all that follow */
static unsigned script_len;

static inline void set_value(PGresult *result, int column, const char *value)
{
    ck_assert_int_eq(PQsetvalue(result, 0, column, (char *)value, (int)strlen(value)), 1);
}

static inline PGresult *make_result(const struct stub_reply *reply)
{
    PGresAttDesc columns[5] = {{.name = (char *)"status"},
                               {.name = (char *)"body"},
                               {.name = (char *)"replayed"},
                               {.name = (char *)"outcome"},
                               {.name = (char *)"wake"}};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    ck_assert_int_eq(PQsetResultAttrs(result, 5, columns), 1);
    set_value(result, 0, reply->status);
    set_value(result, 1, reply->body);
    set_value(result, 2, reply->replayed ? reply->replayed : "f");
    set_value(result, 3, "answered");
    set_value(result, 4, reply->wake ? reply->wake : "f");
    return result;
}

static inline void on_run_closed(uv_handle_t *timer)
{
    free(timer->data);
}

static inline void on_run(uv_timer_t *timer)
{
    struct stub_run *run = timer->data;
    PGresult *result = run->reply->status ? make_result(run->reply) : NULL;
    run->call->done(run->call, run->reply->outcome, result);
    PQclear(result);
    uv_close((uv_handle_t *)timer, on_run_closed);
}

void stub_submit(struct gw_db *db, struct gw_db_call *call)
{
    (void)db;
    ck_assert_uint_lt(call_count, sizeof calls / sizeof *calls);
    struct stub_call *seen = &calls[call_count];
    *seen = (struct stub_call){.statement = call->statement->name, .order_key = call->order_key, .count = call->count};
    for (int i = 0; i < call->count; i++) {
        if (call->values[i] == NULL)
            continue;
        seen->lengths[i] = call->formats[i] ? call->lengths[i] : (int)strlen(call->values[i]);
        seen->values[i] = s2s_arena_strndup(arena, call->values[i], (size_t)seen->lengths[i]);
    }
    if (call->order_key)
        seen->order_key = s2s_arena_strndup(arena, call->order_key, strlen(call->order_key));
    ck_assert_uint_gt(script_len, 0);
    struct stub_run *run = calloc(1, sizeof *run);
    run->call = call;
    run->reply = &script[call_count < script_len ? call_count : script_len - 1];
    call_count++;
    uv_timer_init(&worker.loop, &run->timer);
    run->timer.data = run;
    uv_timer_start(&run->timer, on_run, run->reply->delay_ms, 0);
}

void stub_wake(struct gw_worker *of)
{
    (void)of;
    wakes++;
}

/* A row of an answer; further members may follow. */
#define ROW(code, text, ...)                                                                                           \
    {                                                                                                                  \
        .status = (code), .body = (text), __VA_ARGS__                                                                  \
    }

/* What the next calls are answered with. */
#define SCRIPT(...)                                                                                                    \
    set_script((const struct stub_reply[]){__VA_ARGS__}, sizeof((const struct stub_reply[]){__VA_ARGS__}))

static inline void set_script(const struct stub_reply *replies, size_t size)
{
    struct stub_reply *copy = s2s_arena_alloc(arena, size);
    memcpy(copy, replies, size);
    script = copy;
    script_len = (unsigned)(size / sizeof *replies);
    call_count = 0;
}

/* ---- the server ---- */

static inline void make_config(void)
{
    config = (struct gw_config){
        .limits = {.max_body = 4096,
                   .max_depth = 16,
                   .request_memory = 1 << 20,
                   .max_in_flight = 8,
                   .max_connections = 16,
                   .max_streams = 8,
                   .max_resets = 100,
                   .handshake_timeout_ms = 10000,
                   .request_timeout_ms = 10000,
                   .idle_timeout_ms = 10000,
                   .drain_timeout_ms = 1000},
        .database = {.request_deadline_ms = 10000},
        .outbound = {.concurrency = 2, .timeout_ms = 300, .max_answer = 4096},
    };
    data_keys[0] = write_data_key("new.key");
    data_keys[1] = write_data_key("old.key");
    config.data_keys = (struct gw_file_list){data_keys, 2};
    generation = (struct gw_generation){
        .references = 1, .number = 1, .config = &config, .vault = gw_vault_load(&config, &errors)};
    ck_assert_ptr_nonnull(generation.vault);
}

static inline void api_setup(const struct gw_api *api)
{
    fixture_setup();
    make_config();
    call_count = wakes = 0;
    worker = (struct gw_worker){.boot = &generation, .generation = &generation, .metrics = gw_metrics_new()};
    uv_loop_init(&worker.loop);
    server = (struct gw_server){.loop = &worker.loop,
                                .metrics = worker.metrics,
                                .limits = &config.limits,
                                .listener = &listener,
                                .on_request = gw_api_answer,
                                .owner = &worker,
                                .api = api,
                                .max_body = 2 * config.limits.max_body};
    ck_assert(gw_server_start(&server, NULL));
}

static inline void run_until_idle(void)
{
    for (int i = 0; i < 1000 && uv_run(&worker.loop, UV_RUN_NOWAIT) != 0; i++)
        usleep(1000);
}

static inline void api_teardown(void)
{
    gw_server_drain(&server);
    gw_server_close_connections(&server);
    for (int i = 0; i < 1000 && gw_server_connections(&server) > 0; i++) {
        uv_run(&worker.loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    gw_server_dispose(&server);
    run_until_idle();
    ck_assert_uint_eq(worker.in_flight, 0);
    ck_assert_int_eq(uv_loop_close(&worker.loop), 0);
    gw_vault_free(generation.vault);
    fixture_teardown();
}

/* ---- the client ---- */

struct answer {
    int status;
    const char *text; /* all of it */
    const char *body;
    struct json_object *json; /* NULL when there is none */
};

static inline int server_port(const struct gw_server *of)
{
    struct sockaddr_storage address;
    int len = sizeof address;
    ck_assert_int_eq(uv_tcp_getsockname(&of->socket.tcp, (struct sockaddr *)&address, &len), 0);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static inline int send_text(const char *text, size_t len)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server_port(&server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0); /* the backlog takes it */
    ck_assert_int_eq(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
    return fd;
}

/* Begin a request. `headers` are lines with their CRLF; `body` NULL: none. */
static inline int begin(const char *method, const char *target, const char *headers, const char *body)
{
    char length[64] = "";
    if (body)
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
    char *text = s2s_arena_printf(arena, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s%s\r\n%s", method,
                                  target, headers, length, body ? body : "");
    return send_text(text, strlen(text));
}

static inline struct answer finish(int fd)
{
    static char buffer[65536];
    size_t len = 0;
    int64_t began = gw_monotonic_us();
    for (;;) {
        uv_run(&worker.loop, UV_RUN_NOWAIT);
        ssize_t got = recv(fd, buffer + len, sizeof buffer - 1 - len, MSG_DONTWAIT);
        if (got == 0)
            break;
        if (got > 0)
            len += (size_t)got;
        else
            usleep(200);
        ck_assert_msg(gw_monotonic_us() - began < GIVE_UP_US, "no answer");
    }
    close(fd);
    buffer[len] = '\0';
    struct answer answer = {.text = s2s_arena_strndup(arena, buffer, len)};
    ck_assert_int_eq(sscanf(answer.text, "HTTP/1.1 %d", &answer.status), 1);
    const char *end = strstr(answer.text, "\r\n\r\n");
    ck_assert_ptr_nonnull(end);
    answer.body = end + 4;
    if (answer.body[0] != '\0')
        answer.json = json(answer.body);
    return answer;
}

#define AUTHORIZED "Authorization: Bearer " TOKEN "\r\n"
#define WITH_JSON AUTHORIZED "Content-Type: application/json\r\n"

static inline struct answer ask_with(const char *method, const char *target, const char *headers, const char *body)
{
    return finish(begin(method, target, headers, body));
}

static inline struct answer get(const char *target)
{
    return ask_with("GET", target, AUTHORIZED, NULL);
}

static inline struct answer post(const char *target, const char *body)
{
    return ask_with("POST", target, WITH_JSON "x-request-id: " REQUEST_ID "\r\n", body);
}

/* The value of a header (a copy), or NULL. */
static inline const char *header_of(const struct answer *answer, const char *name)
{
    const char *line = s2s_arena_printf(arena, "\r\n%s: ", name);
    const char *found = strcasestr(answer->text, line);
    if (!found || found > answer->body)
        return NULL;
    found += strlen(line);
    return s2s_arena_strndup(arena, found, strcspn(found, "\r"));
}

static inline struct json_object *violation(const struct answer *answer, size_t index)
{
    struct json_object *list = s2s_json_get(answer->json, "validationErrors");
    ck_assert_msg(index < json_object_array_length(list), "%s", answer->body);
    return json_object_array_get_idx(list, index);
}

/* That the answer is a 400 with exactly these violations, "pointer: message" each. */
#define assert_violations(answer, ...) check_violations(answer, (const char *const[]){__VA_ARGS__, NULL})

static inline void check_violations(struct answer answer, const char *const *expected)
{
    ck_assert_int_eq(answer.status, 400);
    ck_assert_str_eq(s2s_json_string(answer.json, "type"), "urn:s2s-gateway:problem:validation");
    size_t i = 0;
    for (; expected[i]; i++) {
        struct json_object *item = violation(&answer, i);
        ck_assert_str_eq(
            s2s_arena_printf(arena, "%s: %s", s2s_json_string(item, "pointer"), s2s_json_string(item, "message")),
            expected[i]);
    }
    ck_assert_uint_eq(json_object_array_length(s2s_json_get(answer.json, "validationErrors")), i);
}

static inline void assert_header(const struct answer *answer, const char *name, const char *value)
{
    const char *found = header_of(answer, name);
    ck_assert_msg(found && strcmp(found, value) == 0, "%s: %s expected in %s", name, value, answer->text);
}

#endif
