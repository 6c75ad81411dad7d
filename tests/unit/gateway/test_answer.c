/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/jobs/answer.h"

#include "fixture.h"

#define SESSION "6f1c1a3e-0f67-4d0e-9d8c-0a4f4f6f7a10"
#define VERIFICATION "0b8f1f0e-2a5e-4f6e-8f8e-2f7d3f9b6c11"

static struct json_object *parse(const char *text)
{
    struct json_object *json;
    ck_assert_ok(s2s_json_parse(arena, text, strlen(text), 32, &json));
    return json;
}

/* ---- verdicts ---- */

static const struct verdict_row {
    int status;
    enum gw_verdict of_peer, of_receiver;
} verdicts[] = {
    {200, GW_DELIVERED, GW_DELIVERED}, {202, GW_DELIVERED, GW_DELIVERED}, {204, GW_DELIVERED, GW_DELIVERED},
    {299, GW_DELIVERED, GW_DELIVERED}, {302, GW_RETRY, GW_RETRY},         {307, GW_RETRY, GW_RETRY},
    {400, GW_FINAL, GW_RETRY},         {401, GW_BLOCKED, GW_BLOCKED},     {403, GW_BLOCKED, GW_BLOCKED},
    {404, GW_FINAL, GW_RETRY},         {408, GW_RETRY, GW_RETRY},         {409, GW_FINAL, GW_RETRY},
    {410, GW_FINAL, GW_FINAL},         {422, GW_FINAL, GW_RETRY},         {425, GW_RETRY, GW_RETRY},
    {429, GW_RETRY, GW_RETRY},         {499, GW_FINAL, GW_RETRY},         {500, GW_RETRY, GW_RETRY},
    {503, GW_RETRY, GW_RETRY},         {599, GW_RETRY, GW_RETRY},
};

START_TEST(a_status_is_judged)
{
    const struct verdict_row *row = &verdicts[_i];
    const struct gw_outbound_answer answer = {.end = GW_OUTBOUND_ANSWERED, .status = row->status};
    ck_assert_int_eq(gw_verdict_of_peer(&answer), row->of_peer);
    ck_assert_int_eq(gw_verdict_of_receiver(&answer), row->of_receiver);
}
END_TEST

START_TEST(no_answer_is_judged)
{
    static const struct {
        enum gw_outbound_end end;
        enum gw_verdict verdict;
    } rows[] = {
        {GW_OUTBOUND_UNREACHED, GW_RETRY}, {GW_OUTBOUND_UNTRUSTED, GW_BLOCKED}, {GW_OUTBOUND_TOO_LARGE, GW_RETRY}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct gw_outbound_answer answer = {.end = rows[i].end};
        ck_assert_int_eq(gw_verdict_of_peer(&answer), rows[i].verdict);
        ck_assert_int_eq(gw_verdict_of_receiver(&answer), rows[i].verdict);
    }
}
END_TEST

START_TEST(a_message_without_an_answer_may_arrive_yet)
{
    static const struct {
        struct gw_outbound_answer answer;
        bool leaves_stray;
    } rows[] = {
        {{.end = GW_OUTBOUND_UNREACHED, .sent = true}, true},
        {{.end = GW_OUTBOUND_UNREACHED}, false},
        {{.end = GW_OUTBOUND_UNTRUSTED, .sent = true}, false},
        {{.end = GW_OUTBOUND_TOO_LARGE, .sent = true}, false},
        {{.end = GW_OUTBOUND_ANSWERED, .sent = true, .status = 503}, false},
        {{.end = GW_OUTBOUND_ANSWERED, .sent = true, .status = 502}, true},
        {{.end = GW_OUTBOUND_ANSWERED, .sent = true, .status = 504}, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_int_eq(gw_answer_leaves_stray(&rows[i].answer), rows[i].leaves_stray);
}
END_TEST

START_TEST(a_failure_is_described_in_plain_text)
{
    const struct gw_outbound_answer status = {.end = GW_OUTBOUND_ANSWERED, .status = 503};
    const struct gw_outbound_answer error = {.end = GW_OUTBOUND_UNREACHED, .error = "bad \xc3\xa9 \x01name\n"};
    ck_assert_str_eq(gw_answer_failure(arena, &status), "HTTP 503");
    ck_assert_str_eq(gw_answer_failure(arena, &error), "bad ?? ?name?");
}
END_TEST

/* ---- bodies ---- */

static struct json_object *object_of(const char *body)
{
    const struct gw_outbound_answer answer = {.body = body, .body_len = strlen(body)};
    return gw_answer_object(arena, &answer);
}

START_TEST(only_an_object_is_an_answer)
{
    ck_assert_ptr_nonnull(object_of("{}"));
    static const char *const none[] = {
        "", "[]", "null", "1", "{\"a\":1,\"a\":2}", "{", "<html>", "{\"a\":\"\\u0000\"}"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        ck_assert_msg(object_of(none[i]) == NULL, "%s", none[i]);
}
END_TEST

START_TEST(an_answer_about_another_thing_is_foreign)
{
    struct json_object *request =
        parse("{\"sessionId\":\"s\",\"verificationId\":\"v\",\"credentialInstanceId\":\"i\"}");
    static const struct {
        const char *answer, *reason;
    } rows[] = {
        {"{}", NULL},
        {"{\"sessionId\":\"s\",\"verificationId\":\"v\",\"credentialInstanceId\":\"i\"}", NULL},
        {"{\"sessionId\":\"S\"}", "the answer is for another session"}, /* compared case-sensitively */
        {"{\"sessionId\":\"s\",\"verificationId\":\"w\"}", "the answer is for another verification"},
        {"{\"credentialInstanceId\":\"\"}", "the answer is for another credential instance"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_pstr_eq(gw_answer_foreign(request, parse(rows[i].answer), GW_ALL_IDS), rows[i].reason);
    ck_assert_ptr_null(gw_answer_foreign(request, parse("{\"verificationId\":\"w\"}"), 1)); /* not looked at */
    ck_assert_ptr_null(gw_answer_foreign(parse("{}"), parse("{\"verificationId\":\"w\"}"), GW_ALL_IDS));
    ck_assert_ptr_null(gw_answer_foreign(request, NULL, GW_ALL_IDS));
    ck_assert_ptr_null(gw_answer_foreign(NULL, request, GW_ALL_IDS));
}
END_TEST

static const struct fault_row {
    enum s2s_endpoint_id endpoint;
    int status;
    const char *answer, *body, *fault;
} faults[] = {
    {S2S_INITIATE, 200,
     "{\"sessionId\":\"" SESSION "\",\"verificationId\":\"" VERIFICATION "\",\"status\":\"PENDING\",\"new\":1}",
     "{\"sessionId\":\"" SESSION "\",\"verificationId\":\"" VERIFICATION "\",\"status\":\"PENDING\"}", NULL},
    {S2S_INITIATE, 200, "{\"sessionId\":\"" SESSION "\",\"verificationId\":\"" VERIFICATION "\"}", NULL,
     "the answer does not match its schema"},
    {S2S_INITIATE, 202, "{}", NULL, "the endpoint does not answer with this status"},
    {S2S_INITIATE, 204, NULL, NULL, "the endpoint does not answer with this status"},
    {S2S_INITIATE, 200, NULL, NULL, "the answer is no JSON object"},
    {S2S_GET, 200, "{\"credentialVersion\":\"1\",\"credentials\":\"jwe\"}",
     "{\"credentialVersion\":\"1\",\"credentials\":\"jwe\"}", NULL},
    {S2S_GET, 202, "{\"status\":\"PENDING\",\"transaction_id\":\"t\",\"interval\":5}",
     "{\"status\":\"PENDING\",\"transaction_id\":\"t\",\"interval\":5}", NULL},
    {S2S_GET, 202, "{\"credentialVersion\":\"1\",\"credentials\":\"jwe\"}", NULL,
     "the answer does not match its schema"},
    {S2S_EVENT_NOTIFY, 200, "{}", "{}", NULL}, /* `acknowledged` is optional */
};

START_TEST(an_answer_is_held_to_its_schema)
{
    const struct fault_row *row = &faults[_i];
    const char *body = NULL;
    struct json_object *answer = row->answer != NULL ? parse(row->answer) : NULL;
    ck_assert_pstr_eq(gw_answer_fault(arena, &s2s_endpoints[row->endpoint], row->status, answer, &body), row->fault);
    ck_assert_pstr_eq(body, row->body);
}
END_TEST

START_TEST(of_a_problem_its_members_are_kept)
{
    ck_assert_str_eq(
        gw_answer_problem(arena, parse("{\"title\":\"No\",\"status\":409,\"currentStatus\":\"DENIED\","
                                       "\"secret\":{\"a\":1},\"validationErrors\":[{\"pointer\":\"/a\"}]}")),
        "{\"title\":\"No\",\"status\":409,\"currentStatus\":\"DENIED\","
        "\"validationErrors\":[{\"pointer\":\"/a\"}]}");
    ck_assert_ptr_null(gw_answer_problem(arena, NULL));
    ck_assert_ptr_null(gw_answer_problem(arena, parse("{\"message\":\"no\"}")));
    ck_assert_ptr_null(gw_answer_problem(arena, parse("{\"title\":[\"no\"]}")));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("answer");
    TCase *tcase = tcase_create("answer");
    tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
    tcase_add_loop_test(tcase, a_status_is_judged, 0, sizeof verdicts / sizeof verdicts[0]);
    tcase_add_test(tcase, no_answer_is_judged);
    tcase_add_test(tcase, a_message_without_an_answer_may_arrive_yet);
    tcase_add_test(tcase, a_failure_is_described_in_plain_text);
    tcase_add_test(tcase, only_an_object_is_an_answer);
    tcase_add_test(tcase, an_answer_about_another_thing_is_foreign);
    tcase_add_loop_test(tcase, an_answer_is_held_to_its_schema, 0, sizeof faults / sizeof faults[0]);
    tcase_add_test(tcase, of_a_problem_its_members_are_kept);
    suite_add_tcase(s, tcase);
    return s;
}

S2S_TEST_MAIN(suite)
