/* SPDX-License-Identifier: Apache-2.0 */
#include "api_support.h"

enum { READER = 1u, WRITER = 2u };

/* ---- an API ---- */

static const char *const in_progress[] = {"WAITING", NULL};
static const struct gw_api_wait wait_for_thing = {GW_SQL_APP_FETCH, "thingId", in_progress, 0};

static const struct s2s_field path_fields[] = {
    {.name = "thingId", .type = S2S_STRING, .flags = S2S_REQUIRED, .max = 8}};
static const struct s2s_schema path_parameters = {.name = "Path", .fields = path_fields, .count = 1};
static const struct s2s_field query_fields[] = {
    {.name = "limit", .type = S2S_INTEGER, .min = 1, .max = 200},
    {.name = "color", .type = S2S_STRING, .max = 5},
};
static const struct s2s_schema query_parameters = {.name = "Query", .fields = query_fields, .count = 2};
static const struct s2s_field body_fields[] = {
    {.name = "name", .type = S2S_STRING, .flags = S2S_REQUIRED},
    {.name = "size", .type = S2S_INTEGER, .max = 9},
};
static const struct s2s_schema body_schema = {.name = "Body", .fields = body_fields, .count = 2};

static bool prepare(struct gw_api_request *rq)
{
    if (strcmp(s2s_json_string(rq->body, "name"), "nobody") == 0)
        return gw_api_violation(rq, "/name", "must be somebody");
    gw_api_begin(rq);
    gw_db_text(&rq->call, "more");
    return true;
}

static unsigned cancelled;
static struct gw_api_request *held;

static void cancel(struct gw_api_request *rq)
{
    (void)rq;
    cancelled++;
}

static void answered(struct gw_api_request *rq, const char *body, size_t len)
{
    held = rq;
    if (memmem(body, len, "never", 5) != NULL)
        rq->cancel = cancel;
    else
        gw_api_fail(rq, S2S_PROBLEM_HTTP_502, "Nobody there.", 7);
}

static const struct gw_api_route routes[] = {
    {.name = "list",
     .method = "GET",
     .path = "/v1/things",
     .parameters = &query_parameters,
     .statement = GW_SQL_APP_INSTANCES},
    {.name = "add",
     .method = "POST",
     .path = "/v1/things",
     .body = &body_schema,
     .statement = GW_SQL_APP_SUPPLEMENT,
     .writes = true,
     .roles = WRITER,
     .prepare = prepare,
     .wait = &wait_for_thing},
    {.name = "show",
     .method = "GET",
     .path = "/v1/things/{thingId}",
     .parameters = &path_parameters,
     .statement = GW_SQL_APP_FETCH,
     .wait = &wait_for_thing},
    {.name = "poke",
     .method = "POST",
     .path = "/v1/things/{thingId}/poke",
     .parameters = &path_parameters,
     .statement = GW_SQL_APP_ACTION,
     .writes = true},
    {.name = "pass",
     .method = "POST",
     .path = "/v1/things/{thingId}/pass",
     .parameters = &path_parameters,
     .statement = GW_SQL_APP_INSTANCE_ROUTE,
     .answered = answered},
};

static unsigned roles = READER | WRITER;

static bool know_token(const struct gw_generation *g, const uint8_t sha256[32], struct gw_api_caller *caller)
{
    uint8_t expected[32];
    ck_assert_ptr_eq(g, &generation);
    ck_assert_ok(s2s_hash(S2S_SHA256, s2s_bytes(TOKEN, strlen(TOKEN)), expected));
    *caller = (struct gw_api_caller){"backend", roles};
    return memcmp(expected, sha256, 32) == 0;
}

static const struct gw_api api = {"app", routes, sizeof routes / sizeof *routes, know_token};

static void setup(void)
{
    api_setup(&api);
    SCRIPT(ROW("200", "{\"thingId\":\"x\",\"status\":\"READY\"}"));
}

/* ---- receive, authenticate, route ---- */

START_TEST(get_is_answered)
{
    struct answer answer = get("/v1/things/x");
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.body, "{\"thingId\":\"x\",\"status\":\"READY\"}");
    assert_header(&answer, "Content-Type", "application/json");
    assert_header(&answer, "Cache-Control", "no-store");
    ck_assert_ptr_null(header_of(&answer, "x-request-id"));
    ck_assert_ptr_null(header_of(&answer, "Preference-Applied"));
    ck_assert_ptr_null(header_of(&answer, "Api-Version"));
    ck_assert_str_eq(calls[0].statement, "app_fetch");
    ck_assert_int_eq(calls[0].count, 2);
    ck_assert(s2s_uuid_valid(calls[0].values[0], 36));
    ck_assert_str_eq(calls[0].values[1], "{\"thingId\":\"x\"}");
    ck_assert_str_eq(calls[0].order_key, "x");
}
END_TEST

START_TEST(head_is_get_without_a_body)
{
    struct answer answer = ask_with("HEAD", "/v1/things/x", AUTHORIZED, NULL);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.body, "");
}
END_TEST

static const struct {
    const char *headers, *challenge;
} strangers[] = {
    {"", "Bearer realm=\"s2s-gateway\""},
    {"Authorization: Bearer other\r\n", "Bearer realm=\"s2s-gateway\", error=\"invalid_token\""},
    {"Authorization: Bearer\r\n", "Bearer realm=\"s2s-gateway\", error=\"invalid_token\""},
    {"Authorization: Basic YTpi\r\n", "Bearer realm=\"s2s-gateway\", error=\"invalid_token\""},
    {AUTHORIZED AUTHORIZED, "Bearer realm=\"s2s-gateway\", error=\"invalid_token\""},
};

START_TEST(strangers_are_told_nothing)
{
    static const char *const targets[] = {"/v1/things/x", "/v1/nothing"};
    for (size_t i = 0; i < 2; i++) {
        struct answer answer = ask_with("GET", targets[i], strangers[_i].headers, NULL);
        ck_assert_int_eq(answer.status, 401);
        assert_header(&answer, "WWW-Authenticate", strangers[_i].challenge);
        assert_header(&answer, "Content-Type", "application/problem+json");
        assert_header(&answer, "Cache-Control", "no-store");
        ck_assert_str_eq(s2s_json_string(answer.json, "detail"), "A valid bearer token is needed.");
    }
    ck_assert_uint_eq(call_count, 0);
}
END_TEST

START_TEST(a_role_is_needed)
{
    roles = READER;
    struct answer answer = post("/v1/things", "{\"name\":\"n\"}");
    roles = READER | WRITER;
    ck_assert_int_eq(answer.status, 403);
    assert_header(&answer, "WWW-Authenticate", "Bearer realm=\"s2s-gateway\", error=\"insufficient_scope\"");
    ck_assert_uint_eq(call_count, 0);
}
END_TEST

START_TEST(unknown_paths_and_methods)
{
    struct answer nowhere = get("/v1/nothing"), wrong = ask_with("DELETE", "/v1/things", AUTHORIZED, NULL);
    ck_assert_int_eq(nowhere.status, 404);
    ck_assert_str_eq(s2s_json_string(nowhere.json, "type"), "about:blank");
    ck_assert_int_eq(wrong.status, 405);
    assert_header(&wrong, "Allow", "GET, HEAD, POST");
    char *target = s2s_arena_alloc(arena, MAX_TARGET + 2);
    memset(target, 'x', MAX_TARGET + 1);
    target[0] = '/';
    ck_assert_int_eq(get(target).status, 414);
    ck_assert_uint_eq(call_count, 0);
}
END_TEST

START_TEST(headers_are_checked)
{
    struct answer bad_id = ask_with("GET", "/v1/things/x", AUTHORIZED "x-request-id: 17\r\n", NULL);
    ck_assert_int_eq(bad_id.status, 400);
    assert_header(&bad_id, "x-request-id", "17");
    ck_assert_int_eq(ask_with("POST", "/v1/things", AUTHORIZED, "{\"name\":\"n\"}").status, 415);
    ck_assert_int_eq(ask_with("POST", "/v1/things", AUTHORIZED "Content-Type: text/json\r\n", "{}").status, 415);
    char *large = s2s_arena_alloc(arena, config.limits.max_body + 2);
    memset(large, ' ', config.limits.max_body + 1);
    ck_assert_int_eq(post("/v1/things", large).status, 413);
    ck_assert_uint_eq(call_count, 0);
}
END_TEST

/* ---- parse ---- */

START_TEST(all_violations_at_once)
{
    assert_violations(get("/v1/things?limit=0&color=purple"), "/limit: must be at least 1",
                      "/color: must have at most 5 characters");
    assert_violations(get("/v1/things?limit=0&x=1"), "/x: is not a query parameter of this path",
                      "/limit: must be at least 1");
    assert_violations(get("/v1/things/%ff"), "/thingId: must be percent-encoded UTF-8");
    assert_violations(get("/v1/things?limit=1&size=2&size=3"), "/size: is not a query parameter of this path",
                      "/size: is not a query parameter of this path");
    assert_violations(get("/v1/things/123456789"), "/thingId: must have at most 8 characters");
    assert_violations(post("/v1/things?color=red", "{\"size\":10}"), "/color: is not a query parameter of this path",
                      "/name: is required", "/size: must be at most 9");
    ck_assert_uint_eq(call_count, 0);
}
END_TEST

START_TEST(body_is_read_strictly)
{
    assert_violations(post("/v1/things", "{\"name\":\"n\",\"name\":\"m\"}"), ": a JSON object names a member twice");
    assert_violations(post("/v1/things", "[]"), ": must be an object");
    assert_violations(post("/v1/things", "null"), ": must not be null");
    assert_violations(ask_with("POST", "/v1/things", AUTHORIZED, NULL),
                      "/name: is required"); /* none is an empty one */
    ck_assert_uint_eq(call_count, 0);
}
END_TEST

START_TEST(query_and_path_reach_the_statement)
{
    ck_assert_int_eq(get("/v1/things?color=a%20b&limit=7").status, 200);
    ck_assert_str_eq(calls[0].values[1], "{\"color\":\"a b\",\"limit\":7}");
    ck_assert_ptr_null(strchr(calls[0].values[1], '\n'));
}
END_TEST

/* ---- commit ---- */

START_TEST(a_write_claims_its_request_id)
{
    SCRIPT(ROW("202", "{\"thingId\":\"x\",\"status\":\"READY\"}", .wake = "t"));
    struct answer answer = post("/v1/things", "{\"name\":\"n\",\"size\":1}");
    ck_assert_int_eq(answer.status, 202);
    assert_header(&answer, "x-request-id", REQUEST_ID);
    ck_assert_ptr_null(header_of(&answer, "Idempotent-Replayed"));
    ck_assert_uint_eq(wakes, 1);
    ck_assert_str_eq(calls[0].statement, "app_supplement");
    ck_assert_str_eq(calls[0].values[0], "app:backend");
    ck_assert_str_eq(calls[0].values[1], REQUEST_ID);
    ck_assert_str_eq(calls[0].values[2], "add");
    ck_assert_int_eq(calls[0].lengths[3], 32);
    ck_assert(s2s_uuid_valid(calls[0].values[4], 36));
    ck_assert_str_eq(calls[0].values[5], "{\"body\":{\"name\":\"n\",\"size\":1}}");
    ck_assert_str_eq(calls[0].values[6], "more");
}
END_TEST

START_TEST(digest_tells_requests_apart)
{
    ck_assert_int_eq(post("/v1/things/x/poke", NULL).status, 200);
    ck_assert_int_eq(post("/v1/things/x/poke", NULL).status, 200);
    ck_assert_int_eq(post("/v1/things/y/poke", NULL).status, 200);
    ck_assert_int_eq(post("/v1/things/x/poke", "{}").status, 200);
    ck_assert_mem_eq(calls[0].values[3], calls[1].values[3], 32);
    ck_assert_mem_ne(calls[0].values[3], calls[2].values[3], 32);
    ck_assert_mem_ne(calls[0].values[3], calls[3].values[3], 32);
    ck_assert_str_ne(calls[0].values[4], calls[1].values[4]);
}
END_TEST

/* A body can be one of a few; whoever has the database must not find out which by trying. */
START_TEST(digest_needs_a_data_key)
{
    uint8_t digest[GW_DIGEST_SIZE];
    ck_assert_int_eq(post("/v1/things/x/poke", "{}").status, 200);
    gw_vault_digest(generation.vault, s2s_bytes("/v1/things/x/poke", 17), s2s_bytes("{}", 2), digest);
    ck_assert_mem_eq(calls[0].values[3], digest, sizeof digest);
}
END_TEST

START_TEST(a_request_id_is_made_when_none_comes)
{
    struct answer answer = ask_with("POST", "/v1/things/x/poke", AUTHORIZED, NULL);
    ck_assert_int_eq(answer.status, 200);
    ck_assert(s2s_uuid_valid(calls[0].values[1], 36));
    assert_header(&answer, "x-request-id", calls[0].values[1]);
}
END_TEST

START_TEST(replays_and_refusals_are_passed_on)
{
    SCRIPT(ROW("409", "{\"status\":409}", .replayed = "t"));
    struct answer answer = post("/v1/things/x/poke", NULL);
    ck_assert_int_eq(answer.status, 409);
    ck_assert_str_eq(answer.body, "{\"status\":409}");
    assert_header(&answer, "Idempotent-Replayed", "true");
    assert_header(&answer, "Content-Type", "application/problem+json");
}
END_TEST

START_TEST(a_hook_may_refuse)
{
    assert_violations(post("/v1/things", "{\"name\":\"nobody\"}"), "/name: must be somebody");
    ck_assert_uint_eq(call_count, 0);
}
END_TEST

START_TEST(database_away_or_at_fault)
{
    SCRIPT({.outcome = GW_DB_UNAVAILABLE}, {.outcome = GW_DB_FAILED});
    struct answer away = get("/v1/things/x"), fault = get("/v1/things/x");
    ck_assert_int_eq(away.status, 503);
    assert_header(&away, "Retry-After", "1");
    ck_assert_int_eq(fault.status, 500);
    ck_assert_ptr_null(header_of(&fault, "Retry-After"));
}
END_TEST

START_TEST(draining_and_overload)
{
    worker.draining = true;
    struct answer answer = get("/v1/things/x");
    worker.draining = false;
    ck_assert_int_eq(answer.status, 503);
    assert_header(&answer, "Retry-After", "1");
    worker.in_flight += config.limits.max_in_flight;
    ck_assert_int_eq(get("/v1/things/x").status, 503);
    worker.in_flight -= config.limits.max_in_flight;
    ck_assert_uint_eq(call_count, 0);
}
END_TEST

static void leave(int fd)
{
    close(fd);
    for (int i = 0; i < 20; i++) {
        uv_run(&worker.loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
}

static int begin_and_submit(const char *method, const char *target, const char *headers)
{
    unsigned before = call_count;
    int fd = begin(method, target, headers, NULL);
    while (call_count == before)
        uv_run(&worker.loop, UV_RUN_ONCE);
    return fd;
}

START_TEST(a_client_that_leaves_leaves_the_call_alone)
{
    SCRIPT(ROW("200", "{}", .delay_ms = 500)); /* longer than a busy machine takes to notice */
    leave(begin_and_submit("GET", "/v1/things/x", AUTHORIZED));
    ck_assert_uint_eq(worker.in_flight, 1);
    usleep(500000);
    run_until_idle();
    ck_assert_uint_eq(worker.in_flight, 0);
}
END_TEST

/* ---- wait ---- */

#define WAITING "{\"thingId\":\"x1\",\"status\":\"WAITING\"}"
#define READY "{\"thingId\":\"x1\",\"status\":\"READY\"}"

START_TEST(an_answer_is_held_until_it_settles)
{
    SCRIPT(ROW("202", WAITING), ROW("202", WAITING), ROW("200", READY));
    struct answer answer =
        ask_with("POST", "/v1/things", WITH_JSON "Prefer: respond-async, wait=5\r\n", "{\"name\":\"n\"}");
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.body, READY);
    assert_header(&answer, "Preference-Applied", "wait=5");
    ck_assert_uint_eq(call_count, 3);
    ck_assert_str_eq(calls[1].statement, "app_fetch");
    ck_assert_str_eq(calls[1].values[1], "{\"thingId\":\"x1\"}");
}
END_TEST

START_TEST(a_wait_ends_in_time)
{
    SCRIPT(ROW("202", WAITING), ROW("200", WAITING));
    int64_t began = gw_monotonic_us();
    struct answer answer = ask_with("GET", "/v1/things/x1", AUTHORIZED "Prefer: wait=1\r\n", NULL);
    int64_t took_ms = (gw_monotonic_us() - began) / 1000;
    ck_assert_int_eq(answer.status, 202); /* what it was accepted with */
    ck_assert_str_eq(answer.body, WAITING);
    ck_assert_int_ge(took_ms, 990);
    ck_assert_int_le(took_ms, 3000);
    ck_assert_uint_le(call_count, 7);
}
END_TEST

static const struct {
    const char *headers, *applied;
} no_wait[] = {
    {AUTHORIZED, NULL}, {AUTHORIZED "Prefer: wait=0\r\n", "wait=0"}, {AUTHORIZED "Prefer: wait=x\r\n", NULL}};

START_TEST(nobody_waits_unasked)
{
    SCRIPT(ROW("202", WAITING));
    struct answer answer = ask_with("GET", "/v1/things/x1", no_wait[_i].headers, NULL);
    ck_assert_int_eq(answer.status, 202);
    ck_assert_uint_eq(call_count, 1);
    if (no_wait[_i].applied)
        assert_header(&answer, "Preference-Applied", no_wait[_i].applied);
    else
        ck_assert_ptr_null(header_of(&answer, "Preference-Applied"));
}
END_TEST

START_TEST(a_long_wait_is_cut)
{
    struct answer answer = ask_with("GET", "/v1/things/x1", AUTHORIZED "Prefer: wait=3600\r\n", NULL);
    assert_header(&answer, "Preference-Applied", "wait=30");
}
END_TEST

START_TEST(a_drain_ends_a_wait)
{
    SCRIPT(ROW("202", WAITING));
    int fd = begin_and_submit("GET", "/v1/things/x1", AUTHORIZED "Prefer: wait=20\r\n");
    worker.draining = true;
    struct answer answer = finish(fd);
    worker.draining = false;
    ck_assert_int_eq(answer.status, 202);
    ck_assert_uint_le(call_count, 2);
}
END_TEST

START_TEST(a_client_that_leaves_ends_its_wait)
{
    SCRIPT(ROW("202", WAITING));
    int fd = begin_and_submit("GET", "/v1/things/x1", AUTHORIZED "Prefer: wait=20\r\n");
    while (call_count < 2)
        uv_run(&worker.loop, UV_RUN_ONCE);
    close(fd);
    int64_t began = gw_monotonic_us();
    while (worker.in_flight > 0)
        uv_run(&worker.loop, UV_RUN_ONCE);
    ck_assert_int_le(gw_monotonic_us() - began, 5 * 1000000);
}
END_TEST

START_TEST(a_crowd_does_not_wait)
{
    SCRIPT(ROW("202", WAITING));
    worker.in_flight += config.limits.max_in_flight / 2;
    struct answer answer = ask_with("GET", "/v1/things/x1", AUTHORIZED "Prefer: wait=20\r\n", NULL);
    worker.in_flight -= config.limits.max_in_flight / 2;
    ck_assert_int_eq(answer.status, 202);
    ck_assert_uint_eq(call_count, 1);
}
END_TEST

START_TEST(a_refusal_ends_a_wait)
{
    SCRIPT(ROW("202", WAITING), ROW("404", "{\"status\":404}"));
    ck_assert_int_eq(ask_with("GET", "/v1/things/x1", AUTHORIZED "Prefer: wait=9\r\n", NULL).status, 404);
    SCRIPT(ROW("202", WAITING), {.outcome = GW_DB_UNAVAILABLE});
    ck_assert_int_eq(ask_with("GET", "/v1/things/x1", AUTHORIZED "Prefer: wait=9\r\n", NULL).status, 503);
}
END_TEST

/* ---- in the place of the reply ---- */

START_TEST(a_route_may_answer_itself)
{
    struct answer answer = post("/v1/things/x/pass", NULL);
    ck_assert_int_eq(answer.status, 502);
    assert_header(&answer, "Retry-After", "7");
    ck_assert_int_eq(calls[0].count, 2); /* it writes nothing */
    SCRIPT(ROW("404", "{\"status\":404}"));
    ck_assert_int_eq(post("/v1/things/x/pass", NULL).status, 404);
}
END_TEST

/* What h2o does when an HTTP/2 stream is reset. */
START_TEST(what_nobody_waits_for_is_cancelled)
{
    SCRIPT(ROW("200", "{\"answer\":\"never\"}"));
    int fd = begin_and_submit("POST", "/v1/things/x/pass", AUTHORIZED "Content-Length: 0\r\n");
    while (held == NULL)
        uv_run(&worker.loop, UV_RUN_ONCE);
    h2o_req_t *req = held->req;
    struct gw_http_link *link = held->link;
    on_client_gone(held);
    ck_assert_uint_eq(cancelled, 1);
    ck_assert_uint_eq(worker.in_flight, 0);
    gw_http_unlink(link);
    gw_http_send(req, 500, GW_JSON, "{}", 2);
    ck_assert_int_eq(finish(fd).status, 500);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("api");
    TCase *tc = tcase_create("api");
    tcase_add_checked_fixture(tc, setup, api_teardown);
    tcase_add_test(tc, get_is_answered);
    tcase_add_test(tc, head_is_get_without_a_body);
    tcase_add_loop_test(tc, strangers_are_told_nothing, 0, (int)(sizeof strangers / sizeof *strangers));
    tcase_add_test(tc, a_role_is_needed);
    tcase_add_test(tc, unknown_paths_and_methods);
    tcase_add_test(tc, headers_are_checked);
    tcase_add_test(tc, all_violations_at_once);
    tcase_add_test(tc, body_is_read_strictly);
    tcase_add_test(tc, query_and_path_reach_the_statement);
    tcase_add_test(tc, a_write_claims_its_request_id);
    tcase_add_test(tc, digest_tells_requests_apart);
    tcase_add_test(tc, digest_needs_a_data_key);
    tcase_add_test(tc, a_request_id_is_made_when_none_comes);
    tcase_add_test(tc, replays_and_refusals_are_passed_on);
    tcase_add_test(tc, a_hook_may_refuse);
    tcase_add_test(tc, database_away_or_at_fault);
    tcase_add_test(tc, draining_and_overload);
    tcase_add_test(tc, a_client_that_leaves_leaves_the_call_alone);
    tcase_add_test(tc, an_answer_is_held_until_it_settles);
    tcase_add_test(tc, a_wait_ends_in_time);
    tcase_add_loop_test(tc, nobody_waits_unasked, 0, 3);
    tcase_add_test(tc, a_long_wait_is_cut);
    tcase_add_test(tc, a_drain_ends_a_wait);
    tcase_add_test(tc, a_client_that_leaves_ends_its_wait);
    tcase_add_test(tc, a_crowd_does_not_wait);
    tcase_add_test(tc, a_refusal_ends_a_wait);
    tcase_add_test(tc, a_route_may_answer_itself);
    tcase_add_test(tc, what_nobody_waits_for_is_cancelled);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
