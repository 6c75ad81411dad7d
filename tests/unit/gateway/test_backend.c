/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions to backends, against a real server that misbehaves as it is told (tests/lib/peer.mjs).
 */
#include "gateway/issuer/backend.h"

#include "gateway/log.h"
#include "gateway/metrics.h"
#include "gateway/worker.h"
#include "outbound_support.h"

static struct gw_worker worker;
static struct gw_config config;
static struct gw_generation generation;
static struct gw_backend_config backend_config;
static struct gw_receiver receiver;
static struct gw_secret secret = {(unsigned char *)"0123456789abcdef0123456789abcdef", 32};
static char name[] = "registry", authorization[] = "Authorization: Bearer letmein";

static const struct s2s_field fields[] = {
    {.name = "version", .type = S2S_STRING, .flags = S2S_REQUIRED, .max = 8},
    {.name = "claims", .type = S2S_OBJECT, .flags = S2S_REQUIRED},
};
static const struct s2s_schema schema = {.name = "Answer", .fields = fields, .count = 2};

/* A question and what came of it. */
struct question {
    struct gw_backend_ask ask;
    struct s2s_arena *arena;
    unsigned ends;
    struct gw_backend_answer answer;
};

/* ---- the fixture ---- */

static void begin_backends(void)
{
    setup();
    begin_http1();
    gw_log_set_level(GW_LOG_ERROR + 1);
    config = (struct gw_config){.backends = &backend_config, .backend_count = 1};
    config.limits.max_depth = 32;
    backend_config = (struct gw_backend_config){.timeout_ms = PATIENCE_MS, .max_answer = MAX_ANSWER, .concurrency = 2};
    backend_config.to.name = name;
    receiver =
        (struct gw_receiver){.target = target, .secrets = &secret, .secret_count = 1, .authorization = authorization};
    generation = (struct gw_generation){.config = &config, .backends = &receiver};
    worker = (struct gw_worker){.boot = &generation, .outbound = outbound, .metrics = gw_metrics_new()};
    worker.backends = gw_backends_new(&loop);
}

static void end_backends(void)
{
    if (worker.backends != NULL)
        gw_backends_close(worker.backends);
    gw_metrics_free(worker.metrics);
    teardown();
}

static void on_answered(struct gw_backend_ask *ask, const struct gw_backend_answer *answer)
{
    struct question *question = H2O_STRUCT_FROM_MEMBER(struct question, ask, ask);
    question->ends++;
    question->answer = *answer;
}

static struct question *ask_at(const char *path)
{
    struct question *question = s2s_arena_alloc(arena, sizeof(*question));
    question->ask = (struct gw_backend_ask){.worker = &worker,
                                            .arena = arena,
                                            .type = "dataset.get",
                                            .id = "question-1",
                                            .data = json("{\"credentialInstanceId\":\"i\"}"),
                                            .schema = &schema,
                                            .may_wait = true,
                                            .done = on_answered};
    ck_assert(gw_backend_find(&generation, name, &question->ask.backend));
    receiver.target.url = s2s_arena_printf(arena, "%s%s", peer.url, path);
    gw_backend_ask(&question->ask);
    ck_assert_uint_eq(question->ends, 0);
    return question;
}

static void finish_question(const struct question *question)
{
    while (question->ends == 0)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(question->ends, 1);
}

static struct question *ask_and_wait(const char *path)
{
    struct question *question = ask_at(path);
    finish_question(question);
    return question;
}

static double counted(const char *outcome)
{
    size_t len;
    char *text = gw_metrics_write(&worker.metrics, 1, NULL, 0, &len);
    const char *line =
        s2s_arena_printf(arena, "s2s_backend_answers_total{backend=\"registry\",outcome=\"%s\"} ", outcome);
    const char *found = strstr(text, line);
    double count = found != NULL ? strtod(found + strlen(line), NULL) : 0;
    free(text);
    return count;
}

/* ---- what is asked and answered ---- */

START_TEST(a_question_is_signed_and_its_answer_read)
{
    struct question *question = ask_and_wait("/_/answer?body={\"version\":\"1\",\"claims\":{\"a\":1}}");
    ck_assert_int_eq(question->answer.end, GW_BACKEND_ANSWERED);
    ck_assert_str_eq(s2s_json_string(question->answer.json, "version"), "1");
    ck_assert_ptr_null(question->answer.reason);
    struct json_object *requests = peer_requests(&peer);
    ck_assert_str_eq(member(requests, 0, "method"), "POST");
    ck_assert_str_eq(header_of(requests, 0, "content-type"), "application/json");
    ck_assert_str_eq(header_of(requests, 0, "webhook-id"), "question-1");
    ck_assert_ptr_nonnull(header_of(requests, 0, "webhook-timestamp"));
    ck_assert_int_eq(strncmp(header_of(requests, 0, "webhook-signature"), "v1,", 3), 0);
    ck_assert_str_eq(header_of(requests, 0, "authorization"), "Bearer letmein");
    struct json_object *body = json(member(requests, 0, "body"));
    ck_assert_str_eq(s2s_json_string(body, "type"), "dataset.get");
    ck_assert_uint_eq(strlen(s2s_json_string(body, "timestamp")), strlen("2026-01-01T00:00:00Z"));
    ck_assert_str_eq(s2s_json_string(s2s_json_get(body, "data"), "credentialInstanceId"), "i");
    ck_assert(counted("answered") == 1);
}
END_TEST

START_TEST(answers_are_judged)
{
    static const struct {
        const char *path;
        enum gw_backend_end end;
    } rows[] = {
        {"/_/answer?status=202", GW_BACKEND_NOT_YET},
        {"/_/answer?status=202&body=", GW_BACKEND_NOT_YET},
        {"/_/answer?status=404&body={}", GW_BACKEND_NOT_YET},
        {"/_/answer?status=404&body=<html>", GW_BACKEND_WRONG}, /* a web server that knows nothing of this */
        {"/_/answer?status=404&body=", GW_BACKEND_WRONG},
        {"/_/unavailable", GW_BACKEND_FAILED},
        {"/_/answer?status=500", GW_BACKEND_FAILED},
        {"/_/answer?status=408", GW_BACKEND_FAILED},
        {"/_/answer?status=425", GW_BACKEND_FAILED},
        {"/_/answer?status=429", GW_BACKEND_FAILED},
        {"/_/drop", GW_BACKEND_FAILED},
        {"/_/reset-after-headers", GW_BACKEND_FAILED},
        {"/_/unauthorized", GW_BACKEND_FAILED},
        {"/_/forbidden", GW_BACKEND_FAILED},
        {"/_/answer?status=400", GW_BACKEND_WRONG},
        {"/_/answer?status=201", GW_BACKEND_WRONG},
        {"/_/answer?status=204&body=", GW_BACKEND_WRONG},
        {"/_/redirect", GW_BACKEND_WRONG},
        {"/_/malformed", GW_BACKEND_WRONG},
        {"/_/huge", GW_BACKEND_WRONG},
        {"/_/huge?announced=1", GW_BACKEND_WRONG},
        {"/_/answer?body=", GW_BACKEND_WRONG},
        {"/_/answer?body=[]", GW_BACKEND_WRONG},
        {"/_/answer?body=null", GW_BACKEND_WRONG},
        {"/_/answer?body={}", GW_BACKEND_WRONG},
        {"/_/answer?body={\"version\":\"1\"}", GW_BACKEND_WRONG},
        {"/_/answer?body={\"version\":1,\"claims\":{}}", GW_BACKEND_WRONG},
        {"/_/answer?body={\"version\":\"123456789\",\"claims\":{}}", GW_BACKEND_WRONG},
        {"/_/answer?body={\"version\":\"1\",\"claims\":\"secret\"}", GW_BACKEND_WRONG},
        {"/_/answer?body={\"version\":\"1\",\"claims\":{}}trailing", GW_BACKEND_WRONG},
        {"/_/answer?body={\"version\":\"1\",\"version\":\"2\",\"claims\":{}}", GW_BACKEND_WRONG},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        const struct gw_backend_answer *answer = &ask_and_wait(rows[i].path)->answer;
        ck_assert_msg(answer->end == rows[i].end, "%s: %d", rows[i].path, answer->end);
        ck_assert_ptr_null(answer->json);
        bool complained = answer->end == GW_BACKEND_FAILED || answer->end == GW_BACKEND_WRONG;
        ck_assert_int_eq(answer->reason != NULL, complained);
        ck_assert(!complained || strstr(answer->reason, "secret") == NULL);
    }
    ck_assert(counted("not_yet") == 3);
    ck_assert(counted("failed") == 9);
    ck_assert(counted("wrong") == 19);
}
END_TEST

START_TEST(only_some_questions_may_wait)
{
    struct question *question = ask_at("/_/answer?status=202");
    question->ask.may_wait = false;
    finish_question(question);
    ck_assert_int_eq(question->answer.end, GW_BACKEND_WRONG);
}
END_TEST

START_TEST(waits_are_told)
{
    ck_assert_int_eq(ask_and_wait("/_/unavailable?retryAfter=7")->answer.retry_after_s, 7);
    ck_assert_int_eq(ask_and_wait("/_/answer?status=202")->answer.retry_after_s, -1);
}
END_TEST

START_TEST(a_certificate_that_is_not_trusted)
{
    receiver.target.ca = authorities_of(&foreign_authority.file, 1);
    ck_assert_int_eq(ask_and_wait("/_/answer?status=202")->answer.end, GW_BACKEND_FAILED);
    ck_assert_uint_eq(json_object_array_length(peer_requests(&peer)), 0);
}
END_TEST

START_TEST(names_of_backends)
{
    struct gw_backend found;
    ck_assert(gw_backend_find(&generation, "registry", &found));
    ck_assert_ptr_eq(found.config, &backend_config);
    ck_assert_ptr_eq(found.receiver, &receiver);
    ck_assert(!gw_backend_find(&generation, "other", &found));
    ck_assert(!gw_backend_find(&generation, NULL, &found));
}
END_TEST

/* ---- time and room ---- */

START_TEST(patience_is_the_backends_or_the_callers)
{
    backend_config.timeout_ms = 200;
    ck_assert_int_eq(ask_and_wait("/_/hang")->answer.end, GW_BACKEND_FAILED);
    backend_config.timeout_ms = PATIENCE_MS;
    struct question *question = s2s_arena_alloc(arena, sizeof(*question));
    question->ask = (struct gw_backend_ask){.worker = &worker,
                                            .arena = arena,
                                            .backend = {&backend_config, &receiver},
                                            .type = "t",
                                            .id = "i",
                                            .data = json("{}"),
                                            .schema = &schema,
                                            .deadline_us = gw_monotonic_us() + 200000,
                                            .done = on_answered};
    receiver.target.url = s2s_arena_printf(arena, "%s/_/drip", peer.url);
    gw_backend_ask(&question->ask);
    finish_question(question);
    ck_assert_int_eq(question->answer.end, GW_BACKEND_FAILED);
    ck_assert(strstr(question->answer.reason, "time") != NULL);
}
END_TEST

START_TEST(without_time_nobody_is_asked)
{
    backend_config.timeout_ms = 1;
    ck_assert_int_eq(ask_and_wait("/_/ok")->answer.end, GW_BACKEND_FAILED);
    ck_assert_uint_eq(json_object_array_length(peer_requests(&peer)), 0);
    ck_assert(counted("busy") == 1);
}
END_TEST

START_TEST(no_more_than_the_concurrency_is_in_flight)
{
    ck_assert_uint_eq(gw_backend_room(&worker, &backend_config), 2);
    struct question *questions[5];
    for (size_t i = 0; i < 5; ++i) {
        questions[i] = ask_at("/_/answer?status=202&delay=200");
        ck_assert_uint_eq(gw_outbound_pending(outbound), i < 2 ? i + 1 : 2);
        ck_assert_uint_eq(gw_backend_room(&worker, &backend_config), i < 1 ? 1 : 0);
    }
    for (size_t i = 0; i < 5; ++i) {
        finish_question(questions[i]);
        ck_assert_int_eq(questions[i]->answer.end, GW_BACKEND_NOT_YET);
    }
    ck_assert_uint_eq(gw_backend_room(&worker, &backend_config), 2);
    ck_assert_uint_eq(json_object_array_length(peer_requests(&peer)), 5);
}
END_TEST

START_TEST(who_waits_for_too_long_is_told)
{
    backend_config.timeout_ms = test_ms(600);
    char *path = s2s_arena_printf(arena, "/_/answer?status=202&delay=%d", test_ms(500));
    struct question *first = ask_at(path), *second = ask_at("/_/hang");
    backend_config.timeout_ms = test_ms(300);
    struct question *third = ask_at("/_/ok");
    finish_question(third);
    ck_assert_int_eq(third->answer.end, GW_BACKEND_FAILED);
    ck_assert_uint_eq(first->ends + second->ends, 0);
    ck_assert(counted("busy") == 1);
    finish_question(first);
    finish_question(second);
    ck_assert_uint_eq(json_object_array_length(peer_requests(&peer)), 2);
}
END_TEST

START_TEST(a_cancelled_question_makes_room)
{
    struct question *flying[2] = {ask_at("/_/hang"), ask_at("/_/hang")};
    struct question *dropped = ask_at("/_/hang"), *waiting = ask_at("/_/answer?status=202");
    gw_backend_cancel(&dropped->ask);
    gw_backend_cancel(&flying[0]->ask);
    gw_backend_cancel(&flying[0]->ask);
    finish_question(waiting);
    ck_assert_int_eq(waiting->answer.end, GW_BACKEND_NOT_YET);
    gw_backend_cancel(&flying[1]->ask);
    gw_backend_cancel(&waiting->ask);
    ck_assert_uint_eq(flying[0]->ends + flying[1]->ends + dropped->ends, 0);
    ck_assert_uint_eq(gw_outbound_pending(outbound), 0);
    ck_assert_uint_eq(gw_backend_room(&worker, &backend_config), 2);
}
END_TEST

START_TEST(at_the_end_everybody_is_told)
{
    struct question *questions[3];
    for (size_t i = 0; i < 3; ++i)
        questions[i] = ask_at("/_/hang");
    gw_backends_close(worker.backends);
    worker.backends = NULL;
    for (size_t i = 0; i < 3; ++i) {
        ck_assert_uint_eq(questions[i]->ends, 1);
        ck_assert_int_eq(questions[i]->answer.end, GW_BACKEND_FAILED);
    }
    ck_assert_uint_eq(gw_outbound_pending(outbound), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("backend");
    if (!node_is_installed()) {
        fputs("skipped: there is no node\n", stderr);
        return s;
    }
    TCase *tcase = tcase_create("backend");
    tcase_add_checked_fixture(tcase, begin_backends, end_backends);
    tcase_add_test(tcase, a_question_is_signed_and_its_answer_read);
    tcase_add_test(tcase, answers_are_judged);
    tcase_add_test(tcase, only_some_questions_may_wait);
    tcase_add_test(tcase, waits_are_told);
    tcase_add_test(tcase, a_certificate_that_is_not_trusted);
    tcase_add_test(tcase, names_of_backends);
    tcase_add_test(tcase, patience_is_the_backends_or_the_callers);
    tcase_add_test(tcase, without_time_nobody_is_asked);
    tcase_add_test(tcase, no_more_than_the_concurrency_is_in_flight);
    tcase_add_test(tcase, who_waits_for_too_long_is_told);
    tcase_add_test(tcase, a_cancelled_question_makes_room);
    tcase_add_test(tcase, at_the_end_everybody_is_told);
    suite_add_tcase(s, tcase);
    return s;
}

S2S_TEST_MAIN(suite)
