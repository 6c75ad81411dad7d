/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/policy.h"

#include "judge_support.h"

#define OTP TYPE("otp")
#define PIN "urn:example:pin"

static struct gw_decision decision;
static int decided;

static struct gw_item_policy otp_policy(void)
{
    struct gw_item_policy policy = item_policy("otp-1", OTP);
    policy.member = (char *)"otp";
    policy.expected = (char *)"123456";
    policy.mismatch_reason = (char *)"OTP_MISMATCH";
    return policy;
}

static void keep(void *data, const struct gw_decision *made)
{
    *(int *)data += 1;
    decision = *made;
}

static enum s2s_verification_status decide(void)
{
    decided = 0;
    judge_all(false);
    gw_builtin_decider.decide(&gw_builtin_decider, &input, keep, &decided);
    ck_assert_int_eq(decided, 1);
    ck_assert_int_eq(decision.kind, GW_DECIDED);
    return decision.status;
}

/* The decision when just this was submitted. */
static enum s2s_verification_status decide_on(const char *id, const char *type, const char *text)
{
    context.item_count = 0;
    submit(GW_FROM_CLIENT, id, type, text);
    return decide();
}

START_TEST(without_items_the_mode_decides)
{
    struct gw_credential_config approve = configuration("a", GW_DECIDE_APPROVE, NULL, 0);
    struct gw_credential_config deny = configuration("d", GW_DECIDE_DENY, NULL, 0);
    struct gw_credential_config review = configuration("r", GW_DECIDE_REVIEW, NULL, 0);

    ask_for(&approve);
    ck_assert_int_eq(decide(), S2S_APPROVED);
    ck_assert_uint_eq(decision.approval_count, 1);
    ck_assert_str_eq(decision.approvals[0].configuration_id, "a");
    ck_assert_str_eq(decision.approvals[0].subject.name, "default");
    ck_assert_uint_eq(decision.authorized_device_count, 1);
    ck_assert_ptr_null(decision.data_request);

    input.configuration_count = 0;
    ask_for(&deny);
    ck_assert_int_eq(decide(), S2S_DENIED);
    ck_assert_str_eq(decision.reason_code, "NOT_ELIGIBLE");
    ck_assert_str_eq(decision.message, "You are not eligible.");

    input.configuration_count = 0;
    ask_for(&review);
    ck_assert_int_eq(decide(), S2S_PENDING);
}
END_TEST

START_TEST(the_approved_subset_wins_and_review_holds_all)
{
    struct gw_credential_config approve = configuration("a", GW_DECIDE_APPROVE, NULL, 0);
    struct gw_credential_config deny = configuration("d", GW_DECIDE_DENY, NULL, 0);
    struct gw_credential_config review = configuration("r", GW_DECIDE_REVIEW, NULL, 0);
    ask_for(&deny);
    ask_for(&approve);
    ck_assert_int_eq(decide(), S2S_APPROVED);
    ck_assert_uint_eq(decision.approval_count, 1);
    ck_assert_str_eq(decision.approvals[0].configuration_id, "a");
    ask_for(&review);
    ck_assert_int_eq(decide(), S2S_PENDING);
}
END_TEST

START_TEST(a_missing_item_is_asked_for)
{
    struct gw_item_policy items[] = {otp_policy(), otp_policy()};
    items[0].request = json("{\"hint\":\"Sent by mail\",\"required\":\"never mind\"}");
    items[1].id = (char *)"extra";
    items[1].required = false;
    struct gw_credential_config wanted = configuration("a", GW_DECIDE_APPROVE, items, 2);
    wanted.policy.max_attempts = 3;
    wanted.policy.deadline_ms = 600000;
    ask_for(&wanted);

    ck_assert_int_eq(decide(), S2S_ADDITIONAL_INFO_REQUIRED);
    ck_assert_str_eq(json_object_to_json_string_ext(decision.data_request, JSON_C_TO_STRING_PLAIN),
                     "{\"verificationDataItems\":["
                     "{\"hint\":\"Sent by mail\",\"required\":true,\"type\":\"" OTP "\",\"id\":\"otp-1\"},"
                     "{\"type\":\"" OTP "\",\"id\":\"extra\",\"required\":false}]}");
    ck_assert_int_eq(decision.deadline_ms, 600000);
    ck_assert_uint_eq(decision.max_attempts, 3);

    /* What is satisfied is not asked for again; what is optional alone is not asked for. */
    ck_assert_int_eq(decide_on("extra", OTP, "{\"otp\":\"123456\"}"), S2S_ADDITIONAL_INFO_REQUIRED);
    ck_assert_uint_eq(json_object_array_length(s2s_json_get(decision.data_request, "verificationDataItems")), 1);
    ck_assert_int_eq(decide_on("otp-1", OTP, "{\"otp\":\"123456\"}"), S2S_APPROVED);
    ck_assert_int_eq(decision.deadline_ms, 0);
}
END_TEST

START_TEST(values_are_compared)
{
    struct gw_item_policy item = otp_policy();
    static const struct {
        const char *member, *expected, *submitted;
        enum s2s_verification_status status;
    } cases[] = {
        {"otp", "123456", "{\"otp\":\"123456\"}", S2S_APPROVED},
        {"otp", "123456", "{\"otp\":\"123457\"}", S2S_REJECTED},
        {"otp", "123456", "{\"otp\":\"12345\"}", S2S_REJECTED},
        {"otp", "123456", "{\"otp\":\"1234567\"}", S2S_REJECTED},
        {"otp", "123456", "{\"otp\":\"\"}", S2S_REJECTED},
        {"otp", "123456", "{\"otp\":123456}", S2S_REJECTED},
        {"otp", "123456", "{\"otp\":null}", S2S_REJECTED},
        {"otp", "123456", "{}", S2S_REJECTED},
        {"otp", NULL, "{\"otp\":\"anything\"}", S2S_APPROVED},
        {"otp", NULL, "{\"otp\":\"\"}", S2S_REJECTED},
        {"otp", NULL, "{}", S2S_REJECTED},
        {NULL, NULL, "{}", S2S_APPROVED},
    };
    item.member = (char *)cases[_i].member;
    item.expected = (char *)cases[_i].expected;
    struct gw_credential_config wanted = configuration("a", GW_DECIDE_APPROVE, &item, 1);
    ask_for(&wanted);
    ck_assert_int_eq(decide_on("otp-1", OTP, cases[_i].submitted), cases[_i].status);
    if (cases[_i].status == S2S_REJECTED) {
        ck_assert_str_eq(decision.reason_code, "OTP_MISMATCH");
        ck_assert_ptr_null(decision.message);
    }
}
END_TEST

START_TEST(another_type_id_or_side_does_not_count)
{
    struct gw_item_policy item = otp_policy();
    struct gw_credential_config wanted = configuration("a", GW_DECIDE_APPROVE, &item, 1);
    ask_for(&wanted);
    submit(GW_FROM_CLIENT, "otp-1", PIN, "{\"otp\":\"123456\"}");
    submit(GW_FROM_CLIENT, "otp-2", OTP, "{\"otp\":\"123456\"}");
    submit(GW_FROM_SERVER, "otp-1", OTP, "{\"otp\":\"123456\"}");
    submit(GW_FROM_ISSUER, "otp-1", OTP, "{\"otp\":\"123456\"}");
    ck_assert_int_eq(decide(), S2S_ADDITIONAL_INFO_REQUIRED);
    item.origin = GW_FROM_SERVER;
    ck_assert_int_eq(decide(), S2S_APPROVED);
    item.origin = GW_FROM_EITHER;
    ck_assert_int_eq(decide(), S2S_APPROVED);
}
END_TEST

START_TEST(of_two_sides_the_newest_counts)
{
    struct gw_item_policy item = otp_policy();
    struct gw_credential_config wanted = configuration("a", GW_DECIDE_APPROVE, &item, 1);
    ask_for(&wanted);
    item.origin = GW_FROM_EITHER;
    submit(GW_FROM_SERVER, "otp-1", OTP, "{\"otp\":\"123456\"}");
    submit(GW_FROM_CLIENT, "otp-1", OTP, "{\"otp\":\"1\"}");
    ck_assert_int_eq(decide(), S2S_REJECTED);
    submitted[0].seq = 3;
    ck_assert_int_eq(decide(), S2S_APPROVED);
}
END_TEST

START_TEST(an_optional_item_must_match_when_it_is_there)
{
    struct gw_item_policy item = otp_policy();
    item.required = false;
    struct gw_credential_config wanted = configuration("a", GW_DECIDE_APPROVE, &item, 1);
    ask_for(&wanted);
    ck_assert_int_eq(decide(), S2S_APPROVED);
    ck_assert_int_eq(decide_on("otp-1", OTP, "{\"otp\":\"1\"}"), S2S_REJECTED);
}
END_TEST

START_TEST(what_is_missing_comes_before_what_does_not_match)
{
    struct gw_item_policy items[] = {otp_policy(), otp_policy()};
    items[1].id = (char *)"document-1";
    items[1].type = (char *)PIN;
    struct gw_credential_config wanted = configuration("a", GW_DECIDE_DENY, items, 2);
    ask_for(&wanted);
    ck_assert_int_eq(decide_on("otp-1", OTP, "{\"otp\":\"1\"}"), S2S_ADDITIONAL_INFO_REQUIRED);
    ck_assert_uint_eq(json_object_array_length(s2s_json_get(decision.data_request, "verificationDataItems")), 2);
}
END_TEST

START_TEST(configurations_that_share_an_item_ask_once)
{
    struct gw_item_policy optional = otp_policy(), required = otp_policy(), other_type = otp_policy();
    optional.required = false;
    other_type.type = (char *)PIN;
    struct gw_credential_config first = configuration("a", GW_DECIDE_APPROVE, &optional, 1);
    struct gw_credential_config second = configuration("b", GW_DECIDE_APPROVE, &required, 1);
    struct gw_credential_config third = configuration("c", GW_DECIDE_APPROVE, &other_type, 1);
    first.policy.deadline_ms = 5000;
    second.policy.deadline_ms = 3000;
    first.policy.max_attempts = 7;
    third.policy.max_attempts = 5;
    ask_for(&first);
    ask_for(&second);
    ask_for(&third);
    ck_assert_int_eq(decide(), S2S_ADDITIONAL_INFO_REQUIRED);
    struct json_object *requests = s2s_json_get(decision.data_request, "verificationDataItems");
    ck_assert_uint_eq(json_object_array_length(requests), 2);
    ck_assert(json_object_get_boolean(s2s_json_get(json_object_array_get_idx(requests, 0), "required")));
    ck_assert_str_eq(s2s_json_string(json_object_array_get_idx(requests, 1), "type"), PIN);
    ck_assert_int_eq(decision.deadline_ms, 3000);
    ck_assert_uint_eq(decision.max_attempts, 5);
}
END_TEST

START_TEST(devices_are_bounded_by_every_approved_configuration)
{
    struct gw_credential_config first = configuration("a", GW_DECIDE_APPROVE, NULL, 0);
    struct gw_credential_config second = configuration("b", GW_DECIDE_APPROVE, NULL, 0);
    struct gw_credential_config denied = configuration("d", GW_DECIDE_DENY, NULL, 0);
    first.policy.authorized_device_count = 5;
    second.policy.authorized_device_count = 3;
    ask_for(&first);
    ask_for(&second);
    ask_for(&denied);
    static const unsigned requested[] = {0, 1, 2, 3, 4, 9}, granted[] = {1, 1, 2, 3, 3, 3};
    for (size_t i = 0; i < sizeof requested / sizeof requested[0]; i++) {
        input.requested_device_count = requested[i];
        ck_assert_int_eq(decide(), S2S_APPROVED);
        ck_assert_uint_eq(decision.authorized_device_count, granted[i]);
    }
}
END_TEST

START_TEST(an_item_may_name_the_subject)
{
    static const struct {
        const char *submitted, *subject;
    } cases[] = {
        {"{\"otp\":\"123456\",\"subject\":\"alice\"}", "alice"},
        {"{\"otp\":\"123456\",\"subject\":\"\"}", "default"},
        {"{\"otp\":\"123456\",\"subject\":7}", "default"},
        {"{\"otp\":\"123456\"}", "default"},
    };
    struct gw_item_policy item = otp_policy();
    struct gw_credential_config named = configuration("a", GW_DECIDE_APPROVE, &item, 1);
    struct gw_credential_config fixed = configuration("b", GW_DECIDE_APPROVE, NULL, 0);
    struct gw_credential_config not_asked = configuration("c", GW_DECIDE_APPROVE, NULL, 0);
    named.subject_item = (char *)"otp-1";
    not_asked.subject_item = (char *)"otp-1"; /* but the item is not one of its own */
    ask_for(&named);
    ask_for(&fixed);
    ask_for(&not_asked);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_int_eq(decide_on("otp-1", OTP, cases[i].submitted), S2S_APPROVED);
        ck_assert_str_eq(decision.approvals[0].subject.name, cases[i].subject);
        ck_assert_str_eq(decision.approvals[1].subject.name, "default");
        ck_assert_str_eq(decision.approvals[2].subject.name, "default");
    }
}
END_TEST

START_TEST(attempts_are_the_smallest_limit)
{
    struct gw_credential_config a = {0}, b = {0};
    const struct gw_credential_config *both[] = {&a, &b};
    static const unsigned limits[][3] = {{0, 0, 0}, {0, 4, 4}, {4, 0, 4}, {4, 3, 3}, {3, 4, 3}};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        a.policy.max_attempts = limits[i][0];
        b.policy.max_attempts = limits[i][1];
        ck_assert_uint_eq(gw_policy_max_attempts(both, 2), limits[i][2]);
    }
    ck_assert_uint_eq(gw_policy_max_attempts(both, 0), 0);
}
END_TEST

START_TEST(a_full_arena_rejects)
{
    struct gw_item_policy item = otp_policy();
    struct gw_credential_config approve = configuration("a", GW_DECIDE_APPROVE, &item, 1);
    ask_for(&approve);
    judge_all(false);
    context.arena = s2s_arena_new(4);
    input.judgments.all[0].verdict = GW_ITEM_SATISFIED;
    gw_builtin_decider.decide(&gw_builtin_decider, &input, keep, &decided);
    ck_assert_int_eq(decision.status, S2S_REJECTED);
    ck_assert_str_eq(decision.reason_code, "SUBMISSION_TOO_LARGE");
    s2s_arena_free(context.arena);
}
END_TEST

START_TEST(an_item_that_suffices_stands_for_all_others)
{
    struct gw_item_policy items[] = {otp_policy(), otp_policy()};
    items[1].id = (char *)"pin-1";
    items[1].type = (char *)PIN;
    items[1].mismatch_reason = (char *)"PIN_MISMATCH";
    items[1].required = false;
    items[1].sufficient = true;
    struct gw_credential_config either = configuration("a", GW_DECIDE_APPROVE, items, 2);
    struct gw_credential_config other = configuration("b", GW_DECIDE_APPROVE, items, 1);
    ask_for(&either);

    ck_assert_int_eq(decide(), S2S_ADDITIONAL_INFO_REQUIRED);
    ck_assert_uint_eq(json_object_array_length(s2s_json_get(decision.data_request, "verificationDataItems")), 2);
    ck_assert_int_eq(decide_on("otp-1", OTP, "{\"otp\":\"123456\"}"), S2S_APPROVED);

    /* Whoever tries it and fails is told why; giving the others instead helps. */
    ck_assert_int_eq(decide_on("pin-1", PIN, "{\"otp\":\"1\"}"), S2S_REJECTED);
    ck_assert_str_eq(decision.reason_code, "PIN_MISMATCH");
    submit(GW_FROM_CLIENT, "otp-1", OTP, "{\"otp\":\"123456\"}");
    ck_assert_int_eq(decide(), S2S_APPROVED);

    /* It also makes up for what does not match, but for no other configuration. */
    ck_assert_int_eq(decide_on("pin-1", PIN, "{\"otp\":\"123456\"}"), S2S_APPROVED);
    submit(GW_FROM_CLIENT, "otp-1", OTP, "{\"otp\":\"1\"}");
    ck_assert_int_eq(decide(), S2S_APPROVED);
    ask_for(&other);
    ck_assert_int_eq(decide(), S2S_REJECTED);
    ck_assert_str_eq(decision.reason_code, "OTP_MISMATCH");
    ck_assert_int_eq(decide_on("pin-1", PIN, "{\"otp\":\"123456\"}"), S2S_ADDITIONAL_INFO_REQUIRED);
    ck_assert_uint_eq(json_object_array_length(s2s_json_get(decision.data_request, "verificationDataItems")), 1);
}
END_TEST

START_TEST(what_is_waiting_keeps_pending)
{
    struct gw_item_policy items[] = {item_policy("web-1", TYPE("auth_on_web")), otp_policy()};
    items[0].origin = GW_FROM_ISSUER;
    items[0].redirect_url = (char *)"https://issuer.example/login";
    struct gw_credential_config wanted = configuration("a", GW_DECIDE_APPROVE, items, 2);
    ask_for(&wanted);
    submit(GW_FROM_CLIENT, "web-1", TYPE("auth_on_web"), "{}");
    ck_assert_int_eq(decide(), S2S_ADDITIONAL_INFO_REQUIRED);
    ck_assert_uint_eq(json_object_array_length(s2s_json_get(decision.data_request, "verificationDataItems")), 1);
    submit(GW_FROM_CLIENT, "otp-1", OTP, "{\"otp\":\"123456\"}");
    ck_assert_int_eq(decide(), S2S_PENDING);
    submit(GW_FROM_ISSUER, "web-1", TYPE("auth_on_web"), "{\"outcome\":\"SUCCESS\"}");
    ck_assert_int_eq(decide(), S2S_APPROVED);
}
END_TEST

START_TEST(the_tolerant_leave_optional_mismatches_to_whoever_decides)
{
    struct gw_item_policy item = otp_policy();
    struct gw_credential_config wanted = configuration("a", GW_DECIDE_APPROVE, &item, 1);
    struct gw_decision made;
    ask_for(&wanted);
    submit(GW_FROM_CLIENT, "otp-1", OTP, "{\"otp\":\"1\"}");
    judge_all(false);
    ck_assert(gw_policy_items(&input, true, &made));
    ck_assert_int_eq(made.status, S2S_REJECTED);
    item.required = false;
    ck_assert(!gw_policy_items(&input, true, &made));
    ck_assert(gw_policy_items(&input, false, &made));
}
END_TEST

static Suite *policy_suite(void)
{
    Suite *suite = suite_create("policy");
    TCase *tcase = judge_case(suite);
    tcase_add_test(tcase, without_items_the_mode_decides);
    tcase_add_test(tcase, the_approved_subset_wins_and_review_holds_all);
    tcase_add_test(tcase, a_missing_item_is_asked_for);
    tcase_add_loop_test(tcase, values_are_compared, 0, 12);
    tcase_add_test(tcase, another_type_id_or_side_does_not_count);
    tcase_add_test(tcase, of_two_sides_the_newest_counts);
    tcase_add_test(tcase, an_optional_item_must_match_when_it_is_there);
    tcase_add_test(tcase, what_is_missing_comes_before_what_does_not_match);
    tcase_add_test(tcase, configurations_that_share_an_item_ask_once);
    tcase_add_test(tcase, devices_are_bounded_by_every_approved_configuration);
    tcase_add_test(tcase, an_item_may_name_the_subject);
    tcase_add_test(tcase, attempts_are_the_smallest_limit);
    tcase_add_test(tcase, a_full_arena_rejects);
    tcase_add_test(tcase, an_item_that_suffices_stands_for_all_others);
    tcase_add_test(tcase, what_is_waiting_keeps_pending);
    tcase_add_test(tcase, the_tolerant_leave_optional_mismatches_to_whoever_decides);
    return suite;
}

S2S_TEST_MAIN(policy_suite)
