/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests, answers and limits, against a real server over real TLS, which misbehaves as it is told
 * (tests/lib/peer.mjs).
 */
#include "outbound_support.h"

/* ---- requests and answers ---- */

START_TEST(a_request_arrives_and_its_answer_comes_back)
{
    begin_either[_i]();
    static const char *const headers[] = {"Content-Type: application/json", "x-request-id: one", "Accept: text/x",
                                          NULL};
    struct probe probe = {
        .call = {.headers = headers, .body = "{\"sessionId\":\"s\",\"verificationId\":\"v\"}", .body_len = 38}};
    target.url = s2s_arena_printf(arena, "%s/base", target.url);
    send_probe(&probe, &target, "/verification/notify");
    ck_assert_uint_eq(gw_outbound_pending(outbound), 1);
    finish(&probe, 1);
    ck_assert_uint_eq(gw_outbound_pending(outbound), 0);
    assert_status(&probe, 200);
    ck_assert_str_eq(probe.body, "{\"sessionId\":\"s\",\"verificationId\":\"v\"}");
    ck_assert_str_eq(probe.content_type, "application/json");
    ck_assert_int_eq(probe.answer.retry_after_s, -1);

    struct json_object *requests = peer_requests(&peer);
    ck_assert_uint_eq(json_object_array_length(requests), 1);
    ck_assert_str_eq(member(requests, 0, "protocol"), _i == 0 ? "2.0" : "1.1");
    ck_assert_str_eq(member(requests, 0, "client"), "gateway");
    ck_assert_str_eq(member(requests, 0, "method"), "POST");
    ck_assert_str_eq(member(requests, 0, "path"), "/base/verification/notify");
    ck_assert_str_eq(member(requests, 0, "body"), probe.call.body);
    ck_assert_str_eq(member(requests, 0, "requestId"), "one");
    ck_assert_str_eq(header_of(requests, 0, "content-type"), "application/json");
    ck_assert_str_eq(header_of(requests, 0, "accept"), "text/x");
}
END_TEST

START_TEST(get_has_no_body)
{
    begin_either[_i]();
    struct probe probe = {.call = {.method = "GET"}};
    send_probe(&probe, &target, "/metadata");
    finish(&probe, 1);
    assert_status(&probe, 200);
    struct json_object *requests = peer_requests(&peer);
    ck_assert_str_eq(member(requests, 0, "method"), "GET");
    ck_assert_str_eq(member(requests, 0, "body"), "");
    ck_assert_ptr_null(header_of(requests, 0, "content-type"));
}
END_TEST

START_TEST(a_large_request_goes_out_at_once)
{
    begin_either[_i]();
    static char body[3 * 1024 * 1024];
    memset(body, 'b', sizeof body);
    struct probe probe = {.call = {.body = body, .body_len = sizeof body}};
    send_probe(&probe, &target, "/");
    finish(&probe, 1);
    assert_status(&probe, 200);
    struct json_object *requests = peer_requests(&peer);
    ck_assert_int_eq(json_object_get_int64(s2s_json_get(json_object_array_get_idx(requests, 0), "octets")),
                     sizeof body);
    ck_assert_ptr_null(header_of(requests, 0, "expect"));
    ck_assert_ptr_null(header_of(requests, 0, "content-type")); /* none was given, and none is made up */
}
END_TEST

START_TEST(every_status_is_an_answer)
{
    begin();
    static const struct {
        const char *path;
        int status;
    } cases[] = {{"/_/unauthorized", 401}, {"/_/forbidden", 403},         {"/_/unavailable", 503},
                 {"/_/redirect", 307},     {"/_/answer?status=400", 400}, {"/_/answer?status=204&body=", 204},
                 {"/_/malformed", 200}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_status(ask(&target, cases[i].path), cases[i].status);
    struct json_object *requests = peer_requests(&peer);
    ck_assert_uint_eq(json_object_array_length(requests), sizeof cases / sizeof cases[0]); /* no redirect followed */
}
END_TEST

START_TEST(retry_after_is_seconds_or_a_date)
{
    begin_either[_i]();
    ck_assert_int_eq(ask(&target, "/_/unavailable?retryAfter=7")->answer.retry_after_s, 7);
    ck_assert_int_eq(ask(&target, "/_/unavailable?retryAfter=0")->answer.retry_after_s, 0);
    ck_assert_int_eq(ask(&target, "/_/unavailable?retryAfter=")->answer.retry_after_s, -1);
    ck_assert_int_eq(ask(&target, "/_/unavailable?retryAfter=soon")->answer.retry_after_s, -1);
    ck_assert_int_eq(ask(&target, "/_/unavailable?retryAfter=-5")->answer.retry_after_s, -1);
    ck_assert_int_eq(ask(&target, "/_/unavailable?retryAfter=99999999999999999999")->answer.retry_after_s, 30 * 86400);
    ck_assert_int_eq(
        ask(&target, "/_/unavailable?retryAfter=Sun,%2006%20Nov%201994%2008:49:37%20GMT")->answer.retry_after_s, 0);

    char path[128];
    time_t then = time(NULL) + 100;
    struct tm tm;
    strftime(path, sizeof path, "/_/unavailable?retryAfter=%a,%%20%d%%20%b%%20%Y%%20%T%%20GMT", gmtime_r(&then, &tm));
    int64_t seconds = ask(&target, path)->answer.retry_after_s;
    ck_assert_int_ge(seconds, 90);
    ck_assert_int_le(seconds, 100);
}
END_TEST

START_TEST(what_caches_need_is_told)
{
    begin_either[_i]();
    struct probe *plain = ask(&target, "/_/ok");
    ck_assert_str_eq(plain->etag, "");
    ck_assert_int_eq(plain->answer.fresh_s, 0); /* it says no-store */
    peer_control(&peer, "{\"/fresh\": {\"behaviour\": \"answer\", \"headers\": {\"etag\": \"W/\\\"1\\\"\","
                        " \"cache-control\": \"public, max-age=300\"}},"
                        " \"/aged\": {\"behaviour\": \"answer\", \"headers\": {\"age\": \"100\","
                        " \"cache-control\": \"max-age=300\"}},"
                        " \"/old\": {\"behaviour\": \"answer\", \"headers\": {\"age\": \"301\","
                        " \"cache-control\": \"max-age=300\"}}}");
    struct probe *fresh = ask(&target, "/fresh");
    ck_assert_str_eq(fresh->etag, "W/\"1\"");
    ck_assert_int_eq(fresh->answer.fresh_s, 300);
    ck_assert_int_eq(ask(&target, "/aged")->answer.fresh_s, 200);
    ck_assert_int_eq(ask(&target, "/old")->answer.fresh_s, 0);
}
END_TEST

START_TEST(what_is_late_is_not_sent)
{
    begin_either[_i]();
    const int64_t past = gw_monotonic_us() - 1, later = past + 60 * 1000000;
    struct probe on_new = {.call = {.send_by_us = past}}, on_kept = on_new, in_time = {.call = {.send_by_us = later}};
    send_probe(&on_new, &target, "/late");
    finish(&on_new, 1);
    assert_end(&on_new, GW_OUTBOUND_TOO_LATE);
    assert_status(ask(&target, "/_/ok"), 200);
    send_probe(&on_kept, &target, "/late");
    finish(&on_kept, 1);
    assert_end(&on_kept, GW_OUTBOUND_TOO_LATE);
    send_probe(&in_time, &target, "");
    finish(&in_time, 1);
    assert_status(&in_time, 200);
    struct json_object *requests = peer_requests(&peer);
    ck_assert_uint_eq(json_object_array_length(requests), 2);
    ck_assert_str_eq(member(requests, 1, "path"), "/"); /* the target's URL needs no path behind it */
}
END_TEST

START_TEST(nothing_comes_from_the_environment_or_from_earlier_answers)
{
    begin();
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    setenv("HOME", folder, 1);
    write_file(".netrc", 1, "machine localhost login somebody password secret\n");
    peer_control(&peer, "{\"*\": {\"behaviour\": \"answer\", \"headers\": {\"set-cookie\": \"a=b\"}}}");
    assert_status(ask(&target, "/one"), 200);
    assert_status(ask(&target, "/two"), 200);
    struct json_object *requests = peer_requests(&peer);
    ck_assert_ptr_null(header_of(requests, 0, "authorization"));
    ck_assert_ptr_null(header_of(requests, 1, "cookie"));
}
END_TEST

/* ---- limits ---- */

START_TEST(an_answer_may_be_as_large_as_the_limit)
{
    begin_either[_i]();
    const char *path = "/_/huge?octets=1000";
    for (size_t limit = 999; limit <= 1000; limit++) {
        struct probe probe = {.call = {.max_answer = limit}};
        send_probe(&probe, &target, path);
        finish(&probe, 1);
        if (limit < 1000) {
            assert_end(&probe, GW_OUTBOUND_TOO_LARGE);
        } else {
            assert_status(&probe, 200);
            ck_assert_uint_eq(probe.answer.body_len, 1000);
        }
    }
}
END_TEST

START_TEST(an_answer_without_end_is_cut_off)
{
    begin_either[_i]();
    assert_end(ask(&target, "/_/huge"), GW_OUTBOUND_TOO_LARGE);
    assert_end(ask(&target, "/_/huge?announced=1"), GW_OUTBOUND_TOO_LARGE);
    assert_end(ask(&target, "/_/long-headers?octets=100000"), GW_OUTBOUND_TOO_LARGE);
    ck_assert_int_ne(ask(&target, "/_/long-headers?octets=500000")->answer.end, GW_OUTBOUND_ANSWERED);
    assert_status(ask(&target, "/_/ok"), 200);
}
END_TEST

START_TEST(time_runs_out)
{
    begin_either[_i]();
    static const char *const paths[] = {"/_/hang", "/_/drip", "/_/ok?delay=5000"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct probe probe = {.call = {.timeout_ms = 300}};
        send_probe(&probe, &target, paths[i]);
        finish(&probe, 1);
        assert_end(&probe, GW_OUTBOUND_UNREACHED);
        ck_assert(probe.answer.sent);
        ck_assert_int_ge(probe.took_ms, 290);
        ck_assert_int_lt(probe.took_ms, 3000);
    }
    assert_status(ask(&target, "/_/ok"), 200);
}
END_TEST

/* Also of a call that has not got a connection yet. */
START_TEST(time_runs_out_while_waiting)
{
    begin_http1();
    struct probe busy[CONNECTIONS] = {0}, waiting[CONNECTIONS] = {0};
    for (size_t i = 0; i < CONNECTIONS; i++)
        send_probe(&busy[i], &target, "/_/hang");
    for (size_t i = 0; i < CONNECTIONS; i++) {
        waiting[i].call.timeout_ms = test_ms(500);
        send_probe(&waiting[i], &target, "/_/ok");
    }
    finish(waiting, CONNECTIONS);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        assert_end(&waiting[i], GW_OUTBOUND_UNREACHED);
        ck_assert(!waiting[i].answer.sent);
        ck_assert_int_lt(waiting[i].took_ms, test_ms(3000));
        gw_outbound_cancel(outbound, &busy[i].call);
    }
    ck_assert_uint_eq(json_object_array_length(peer_requests(&peer)), CONNECTIONS);
}
END_TEST

/* ---- failures ---- */

START_TEST(a_broken_transport_is_not_an_answer)
{
    begin_either[_i]();
    assert_end(ask(&target, "/_/drop"), GW_OUTBOUND_UNREACHED);
    assert_end(ask(&target, "/_/reset-after-headers"), GW_OUTBOUND_UNREACHED);
    assert_status(ask(&target, "/_/ok"), 200);
    peer_control(&peer, "{\"connection\": \"drop\"}");
    assert_status(ask(&target, "/_/reset-after-answer"), 200); /* on the connection that is there */
    uv_sleep(150);
    assert_end(ask(&target, "/_/ok"), GW_OUTBOUND_UNREACHED); /* in the handshake */
}
END_TEST

START_TEST(nobody_is_there)
{
    struct gw_target gone = target_with("https://localhost:1", &client_id, &authority.file);
    const struct probe *probe = ask(&gone, "/");
    assert_end(probe, GW_OUTBOUND_UNREACHED);
    ck_assert(!probe->answer.sent);
    struct gw_target unknown = target_with("https://nowhere.invalid", &client_id, &authority.file);
    assert_end(ask(&unknown, "/"), GW_OUTBOUND_UNREACHED);
}
END_TEST

/* ---- giving up ---- */

START_TEST(a_cancelled_call_does_not_end)
{
    begin_either[_i]();
    static struct probe probes[8];
    for (size_t i = 0; i < 8; i++)
        send_probe(&probes[i], &target, i % 2 == 0 ? "/_/hang" : "/_/ok?delay=200");
    gw_outbound_cancel(outbound, &probes[0].call); /* before anything has happened */
    for (uint64_t end = uv_hrtime() + 150000000; uv_hrtime() < end;)
        uv_run(&loop, UV_RUN_NOWAIT);
    for (size_t i = 2; i < 8; i += 2)
        gw_outbound_cancel(outbound, &probes[i].call); /* under way or waiting */
    for (size_t i = 1; i < 8; i += 2)
        finish(&probes[i], 1);
    for (size_t i = 0; i < 8; i++)
        ck_assert_uint_eq(probes[i].ends, i % 2);
    gw_outbound_cancel(outbound, &probes[1].call); /* over */
    ck_assert_uint_eq(gw_outbound_pending(outbound), 0);
}
END_TEST

START_TEST(closing_drops_all_calls)
{
    begin_either[_i]();
    static struct probe probes[8];
    assert_status(ask(&target, "/_/ok"), 200);
    for (size_t i = 0; i < 8; i++)
        send_probe(&probes[i], &target, "/_/hang");
    for (int i = 0; i < 10; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    close_outbound();
    for (size_t i = 0; i < 8; i++)
        ck_assert_uint_eq(probes[i].ends, 0);
}
END_TEST

static struct probe successor;

static void send_another(struct gw_outbound_call *call, const struct gw_outbound_answer *answer)
{
    on_done(call, answer);
    send_probe(&successor, &target, "/_/ok");
}

static void close_from_within(struct gw_outbound_call *call, const struct gw_outbound_answer *answer)
{
    on_done(call, answer);
    gw_outbound_close(outbound);
    outbound = NULL;
}

START_TEST(the_end_of_a_call_may_begin_another)
{
    begin();
    struct probe probe = {.call = {.done = send_another}};
    send_probe(&probe, &target, "/_/ok");
    finish(&probe, 1);
    finish(&successor, 1);
    assert_status(&successor, 200);
}
END_TEST

START_TEST(the_end_of_a_call_may_close)
{
    begin();
    static const char *const paths[] = {"/_/ok?delay=100", "/_/hang"};
    struct probe first = {.call = {.done = close_from_within, .timeout_ms = test_ms(500)}}, second = {0};
    send_probe(&first, &target, paths[_i]);
    send_probe(&second, &target, "/_/ok?delay=100");
    if (_i == 1)
        finish(&second, 1);
    finish(&first, 1);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
}
END_TEST

/* ---- the suite ---- */

static Suite *suite(void)
{
    Suite *s = suite_create("outbound");
    gw_outbound_global_init();
    tcase_add_test(outbound_case(s, "alone"), nobody_is_there);
    TCase *tcase = outbound_peer_case(s);
    if (!tcase)
        return s;
    /* Twice: over HTTP/2 and over HTTP/1.1. */
    tcase_add_loop_test(tcase, a_request_arrives_and_its_answer_comes_back, 0, 2);
    tcase_add_loop_test(tcase, get_has_no_body, 0, 2);
    tcase_add_loop_test(tcase, a_large_request_goes_out_at_once, 0, 2);
    tcase_add_loop_test(tcase, what_caches_need_is_told, 0, 2);
    tcase_add_loop_test(tcase, what_is_late_is_not_sent, 0, 2);
    tcase_add_loop_test(tcase, retry_after_is_seconds_or_a_date, 0, 2);
    tcase_add_loop_test(tcase, an_answer_may_be_as_large_as_the_limit, 0, 2);
    tcase_add_loop_test(tcase, an_answer_without_end_is_cut_off, 0, 2);
    tcase_add_loop_test(tcase, time_runs_out, 0, 2);
    tcase_add_loop_test(tcase, a_broken_transport_is_not_an_answer, 0, 2);
    tcase_add_loop_test(tcase, a_cancelled_call_does_not_end, 0, 2);
    tcase_add_loop_test(tcase, closing_drops_all_calls, 0, 2);
    tcase_add_test(tcase, every_status_is_an_answer);
    tcase_add_test(tcase, nothing_comes_from_the_environment_or_from_earlier_answers);
    tcase_add_test(tcase, time_runs_out_while_waiting);
    tcase_add_test(tcase, the_end_of_a_call_may_begin_another);
    tcase_add_loop_test(tcase, the_end_of_a_call_may_close, 0, 2); /* by its answer, by its deadline */
    return s;
}

S2S_TEST_MAIN(suite)
