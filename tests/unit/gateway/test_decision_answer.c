/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/decision_answer.h"

#include "judge_support.h"

static struct gw_item_policy items[2];
static struct gw_credential_config badge, card;
static struct gw_decision decision;

static void setup(void)
{
    judge_setup();
    items[0] = item_policy("otp-1", TYPE("otp"));
    items[0].request = json("{\"hint\":\"Sent by mail\"}");
    items[1] = item_policy("web-1", TYPE("auth_on_web"));
    items[1].origin = GW_FROM_ISSUER;
    items[1].redirect_url = (char *)"https://issuer.example/login";
    badge = configuration("badge", GW_DECIDE_REVIEW, items, 2);
    card = configuration("card", GW_DECIDE_REVIEW, NULL, 0);
    card.subject = (char *)"nobody-in-particular";
    badge.policy.max_attempts = 3;
    ask_for(&badge);
    ask_for(&card);
    input.requested_device_count = 2;
    judge_all(true);
}

/* Take an answer as it is taken from a backend: whether it can be used, and what it decides. */
static bool take(const char *text)
{
    struct s2s_violations violations = {.count = 0};
    struct json_object *answer = json(text);
    if (!s2s_schema_check(arena, &gw_decision_answer, answer, &violations))
        return false;
    struct s2s_result r = gw_decision_read(&input, answer, &decision);
    ck_assert(!s2s_failed(r) || r.detail != NULL);
    return !s2s_failed(r);
}

/* ---- what cannot be used ---- */

static const char *const wrong_answers[] = {
    /* no status, or one that is not a backend's to give */
    "{}",
    "{\"status\":\"\"}",
    "{\"status\":\"approved\"}",
    "{\"status\":\"EXPIRED\"}",
    "{\"status\":\"OK\"}",
    "{\"status\":true}",
    "{\"status\":[\"APPROVED\"]}",
    "{\"approved\":true}",
    /* members that the status has no use for, or that nobody knows */
    "{\"status\":\"APPROVED\",\"reasonCode\":\"X\"}",
    "{\"status\":\"APPROVED\",\"credentialConfigurationId\":\"badge\"}",
    "{\"status\":\"APPROVED\",\"authorisedDeviceCount\":1}",
    "{\"status\":\"APPROVED\",\"verificationDataRequest\":{\"verificationDataItems\":[]}}",
    "{\"status\":\"PENDING\",\"subject\":\"alice\"}",
    "{\"status\":\"PENDING\",\"credentialConfigurationIds\":[\"badge\"]}",
    "{\"status\":\"DENIED\",\"reasonCode\":\"X\",\"deniedMessage\":\"No.\",\"subject\":\"alice\"}",
    "{\"status\":\"REJECTED\",\"reasonCode\":\"X\",\"deniedMessage\":\"No.\"}",
    /* members that it lacks */
    "{\"status\":\"REJECTED\"}",
    "{\"status\":\"REJECTED\",\"rejectedDetails\":\"blurred\"}",
    "{\"status\":\"DENIED\",\"reasonCode\":\"X\"}",
    "{\"status\":\"DENIED\",\"deniedMessage\":\"No.\"}",
    "{\"status\":\"DENIED\",\"reasonCode\":\"X\",\"deniedMessage\":\"\"}",
    "{\"status\":\"ADDITIONAL_INFO_REQUIRED\"}",
    "{\"status\":\"ADDITIONAL_INFO_REQUIRED\",\"verificationDataRequest\":null}",
    /* approvals of what nobody asked for */
    "{\"status\":\"APPROVED\",\"credentialConfigurationIds\":[]}",
    "{\"status\":\"APPROVED\",\"credentialConfigurationIds\":[\"passport\"]}",
    "{\"status\":\"APPROVED\",\"credentialConfigurationIds\":[\"badge\",\"passport\"]}",
    "{\"status\":\"APPROVED\",\"credentialConfigurationIds\":[\"badge\",\"badge\"]}",
    "{\"status\":\"APPROVED\",\"credentialConfigurationIds\":\"badge\"}",
    "{\"status\":\"APPROVED\",\"credentialConfigurationIds\":[1]}",
    "{\"status\":\"APPROVED\",\"credentialConfigurationIds\":null}",
    "{\"status\":\"APPROVED\",\"subject\":null}",
    "{\"status\":\"APPROVED\",\"datasets\":null}",
    "{\"status\":\"APPROVED\",\"authorizedDeviceCount\":null}",
    "{\"status\":\"APPROVED\",\"authorizedDeviceCount\":3}",
    "{\"status\":\"APPROVED\",\"authorizedDeviceCount\":0}",
    "{\"status\":\"APPROVED\",\"authorizedDeviceCount\":-1}",
    "{\"status\":\"APPROVED\",\"authorizedDeviceCount\":1.5}",
    "{\"status\":\"APPROVED\",\"authorizedDeviceCount\":\"1\"}",
    "{\"status\":\"APPROVED\",\"authorizedDeviceCount\":4294967297}",
    /* subjects and datasets that do not make sense */
    "{\"status\":\"APPROVED\",\"subject\":\"\"}",
    "{\"status\":\"APPROVED\",\"subject\":7}",
    "{\"status\":\"APPROVED\",\"subject\":\"a\",\"datasets\":[{\"credentialConfigurationId\":\"badge\",\"subject\":"
    "\"b\"}]}",
    "{\"status\":\"APPROVED\",\"datasets\":[]}",
    "{\"status\":\"APPROVED\",\"datasets\":{}}",
    "{\"status\":\"APPROVED\",\"datasets\":[{}]}",
    "{\"status\":\"APPROVED\",\"datasets\":[{\"subject\":\"a\"}]}",
    "{\"status\":\"APPROVED\",\"datasets\":[{\"credentialConfigurationId\":\"badge\"}]}",
    "{\"status\":\"APPROVED\",\"datasets\":[{\"credentialConfigurationId\":\"passport\",\"subject\":\"a\"}]}",
    "{\"status\":\"APPROVED\",\"credentialConfigurationIds\":[\"badge\"],"
    "\"datasets\":[{\"credentialConfigurationId\":\"card\",\"subject\":\"a\"}]}",
    "{\"status\":\"APPROVED\",\"credentialConfigurationIds\":[\"badge\",\"card\"],"
    "\"datasets\":[{\"credentialConfigurationId\":\"card\",\"subject\":\"a\"}]}",
    "{\"status\":\"APPROVED\",\"datasets\":[{\"credentialConfigurationId\":\"card\",\"subject\":\"a\"},"
    "{\"credentialConfigurationId\":\"card\",\"subject\":\"a\",\"n\":1}]}",
    /* requests for nothing, or for what cannot be answered */
    "{\"status\":\"ADDITIONAL_INFO_REQUIRED\",\"verificationDataRequest\":{}}",
    "{\"status\":\"ADDITIONAL_INFO_REQUIRED\",\"verificationDataRequest\":{\"verificationDataItems\":[]}}",
    "{\"status\":\"ADDITIONAL_INFO_REQUIRED\",\"verificationDataRequest\":{\"verificationDataItems\":[{\"id\":\"a\"}]}"
    "}",
    "{\"status\":\"ADDITIONAL_INFO_REQUIRED\",\"verificationDataRequest\":{\"verificationDataItems\":["
    "{\"id\":\"a\",\"type\":\"urn:x\",\"required\":\"yes\"}]}}",
    "{\"status\":\"ADDITIONAL_INFO_REQUIRED\",\"verificationDataRequest\":{\"verificationDataItems\":["
    "{\"id\":\"a\",\"type\":\"urn:x\",\"required\":true},{\"id\":\"a\",\"type\":\"urn:y\",\"required\":true}]}}",
    "{\"status\":\"ADDITIONAL_INFO_REQUIRED\",\"verificationDataRequest\":{\"verificationDataItems\":["
    "{\"id\":\"a\",\"type\":\"urn:x\",\"required\":true}],\"deadline\":\"2001-01-01T00:00:00Z\"}}",
    "{\"status\":\"ADDITIONAL_INFO_REQUIRED\",\"verificationDataRequest\":{\"verificationDataItems\":["
    "{\"id\":\"a\",\"type\":\"urn:x\",\"required\":true}],\"deadline\":\"soon\"}}",
    "{\"status\":\"ADDITIONAL_INFO_REQUIRED\",\"verificationDataRequest\":{\"verificationDataItems\":["
    "{\"id\":\"a\",\"type\":\"urn:x\",\"required\":true}],\"maxAttempts\":0}}",
    "{\"status\":\"ADDITIONAL_INFO_REQUIRED\",\"verificationDataRequest\":{\"verificationDataItems\":["
    "{\"id\":\"a\",\"type\":\"urn:s2s-gateway:verification:auth_on_web\",\"required\":true}]}}",
    /* for somebody else */
    "{\"status\":\"APPROVED\",\"verificationId\":\"verification-2\"}",
    "{\"status\":\"APPROVED\",\"sessionId\":\"session-2\"}",
    "{\"status\":\"PENDING\",\"verificationId\":1}",
};

#define WRONG_ANSWERS ((int)(sizeof wrong_answers / sizeof wrong_answers[0]))

START_TEST(a_wrong_answer_decides_nothing)
{
    ck_assert_msg(!take(wrong_answers[_i]), "%s", wrong_answers[_i]);
}
END_TEST

/* ---- what can ---- */

static void assert_approval(size_t at, const char *configuration_id, const char *subject)
{
    ck_assert_uint_lt(at, decision.approval_count);
    ck_assert_str_eq(decision.approvals[at].configuration_id, configuration_id);
    ck_assert_str_eq(decision.approvals[at].subject.name, subject);
}

START_TEST(an_approval_is_of_all_unless_it_says_of_what)
{
    ck_assert(take("{\"status\":\"APPROVED\"}"));
    ck_assert_int_eq(decision.kind, GW_DECIDED);
    ck_assert_int_eq(decision.status, S2S_APPROVED);
    ck_assert_uint_eq(decision.approval_count, 2);
    assert_approval(0, "badge", "default");
    assert_approval(1, "card", "nobody-in-particular");
    ck_assert_uint_eq(decision.authorized_device_count, 1);

    ck_assert(take("{\"status\":\"APPROVED\",\"sessionId\":\"session-1\",\"verificationId\":\"verification-1\","
                   "\"credentialConfigurationIds\":[\"card\"],\"authorizedDeviceCount\":2,\"subject\":\"alice\","
                   "\"extensions\":{\"anything\":1}}"));
    ck_assert_uint_eq(decision.approval_count, 1);
    assert_approval(0, "card", "alice");
    ck_assert_uint_eq(decision.authorized_device_count, 2);
}
END_TEST

START_TEST(a_configuration_may_have_several_datasets)
{
    ck_assert(take("{\"status\":\"APPROVED\",\"datasets\":["
                   "{\"credentialConfigurationId\":\"card\",\"subject\":\"card-1\"},"
                   "{\"credentialConfigurationId\":\"card\",\"subject\":\"card-2\"},"
                   "{\"credentialConfigurationId\":\"badge\",\"subject\":\"card-1\"}]}"));
    ck_assert_uint_eq(decision.approval_count, 3);
    assert_approval(0, "card", "card-1");
    assert_approval(1, "card", "card-2");
    assert_approval(2, "badge", "card-1");
    ck_assert(take("{\"status\":\"APPROVED\",\"credentialConfigurationIds\":[\"card\"],\"datasets\":["
                   "{\"credentialConfigurationId\":\"card\",\"subject\":\"card-1\"}]}"));
    ck_assert_uint_eq(decision.approval_count, 1);
}
END_TEST

START_TEST(refusals_say_why)
{
    ck_assert(take("{\"status\":\"REJECTED\",\"reasonCode\":\"BLURRED\",\"rejectedDetails\":\"page 2\"}"));
    ck_assert_int_eq(decision.status, S2S_REJECTED);
    ck_assert_str_eq(decision.reason_code, "BLURRED");
    ck_assert_str_eq(decision.message, "page 2");
    ck_assert_uint_eq(decision.max_attempts, 3);
    ck_assert(take("{\"status\":\"REJECTED\",\"reasonCode\":\"BLURRED\"}"));
    ck_assert_ptr_null(decision.message);
    ck_assert(take("{\"status\":\"DENIED\",\"reasonCode\":\"TOO_YOUNG\",\"deniedMessage\":\"Come back later.\"}"));
    ck_assert_int_eq(decision.status, S2S_DENIED);
    ck_assert_str_eq(decision.message, "Come back later.");
    ck_assert(take("{\"status\":\"PENDING\"}"));
    ck_assert_int_eq(decision.status, S2S_PENDING);
}
END_TEST

START_TEST(what_is_asked_for_is_completed)
{
    ck_assert(take("{\"status\":\"ADDITIONAL_INFO_REQUIRED\",\"verificationDataRequest\":{\"verificationDataItems\":["
                   "{\"id\":\"otp-1\",\"type\":\"urn:s2s-gateway:verification:otp\",\"required\":false,\"extra\":1},"
                   "{\"id\":\"web-1\",\"type\":\"urn:s2s-gateway:verification:auth_on_web\",\"required\":true,"
                   "\"redirect_url\":\"https://elsewhere.example/\"},"
                   "{\"id\":\"web-2\",\"type\":\"urn:s2s-gateway:verification:auth_on_web\",\"required\":true,"
                   "\"redirect_url\":\"https://issuer.example/step-up?lang=de\"},"
                   "{\"id\":\"own\",\"type\":\"urn:example:own\",\"required\":true,\"anything\":[1]}],"
                   "\"deadline\":\"2026-09-22T00:00:00Z\",\"maxAttempts\":7}}"));
    ck_assert_int_eq(decision.status, S2S_ADDITIONAL_INFO_REQUIRED);
    ck_assert_uint_eq(decision.max_attempts, 7);
    ck_assert_int_eq(decision.deadline_ms, (1790035200 - NOW) * 1000);
    ck_assert_ptr_null(s2s_json_get(decision.data_request, "deadline"));
    ck_assert_ptr_null(s2s_json_get(decision.data_request, "maxAttempts"));
    struct json_object *list = s2s_json_get(decision.data_request, "verificationDataItems");
    struct json_object *first = json_object_array_get_idx(list, 0);
    ck_assert_str_eq(s2s_json_string(first, "hint"), "Sent by mail");
    ck_assert(!json_object_get_boolean(s2s_json_get(first, "required")));
    ck_assert_int_eq(json_object_get_int(s2s_json_get(first, "extra")), 1);
    const char *url = s2s_json_string(json_object_array_get_idx(list, 1), "redirect_url");
    ck_assert_ptr_eq(strstr(url, "https://issuer.example/login?state="), url);
    url = s2s_json_string(json_object_array_get_idx(list, 2), "redirect_url");
    ck_assert_ptr_eq(strstr(url, "https://issuer.example/step-up?lang=de&state="), url);
    ck_assert_uint_eq(json_object_array_length(s2s_json_get(json_object_array_get_idx(list, 3), "anything")), 1);
}
END_TEST

static Suite *decision_answer_suite(void)
{
    Suite *suite = suite_create("decision_answer");
    TCase *tcase = tcase_create("decision_answer");
    tcase_add_checked_fixture(tcase, setup, judge_teardown);
    tcase_add_loop_test(tcase, a_wrong_answer_decides_nothing, 0, WRONG_ANSWERS);
    tcase_add_test(tcase, an_approval_is_of_all_unless_it_says_of_what);
    tcase_add_test(tcase, a_configuration_may_have_several_datasets);
    tcase_add_test(tcase, refusals_say_why);
    tcase_add_test(tcase, what_is_asked_for_is_completed);
    suite_add_tcase(suite, tcase);
    return suite;
}

S2S_TEST_MAIN(decision_answer_suite)
