/* SPDX-License-Identifier: Apache-2.0
 *
 * The types of items, each through what judges it: by itself, by what the database answers, by what is fetched.
 */
#include "gateway/issuer/judge.h"

#include "gateway/credential/subject.h"
#include "gateway/issuer/offer_codes.h"
#include "gateway/issuer/web_state.h"
#include "judge_support.h"

static struct gw_item_policy policy;
static struct gw_credential_config badge;

/* Ask for one item of this type. */
static void want(const char *id, const char *type)
{
    policy = item_policy(id, type);
    badge = configuration("badge", GW_DECIDE_APPROVE, &policy, 1);
    ask_for(&badge);
}

static struct gw_judgment *judged(void)
{
    judge_all(false);
    ck_assert_uint_eq(input.judgments.count, 1);
    return &input.judgments.all[0];
}

static void assert_mismatch(const struct gw_judgment *judgment, const char *reason)
{
    ck_assert_int_eq(judgment->verdict, GW_ITEM_MISMATCH);
    ck_assert_pstr_eq(judgment->reason, reason);
}

static const char *questions(void)
{
    return gw_judge_questions(&context, &input.judgments, arena);
}

static void answer(const char *checks)
{
    gw_judge_answers(&context, &input.judgments, json(checks));
}

/* ---- pre_authorized_code ---- */

static const char *hex_of(const uint8_t hash[GW_OFFER_HASH_SIZE])
{
    char *text = s2s_arena_alloc(arena, 2 * GW_OFFER_HASH_SIZE + 1);
    for (size_t i = 0; i < GW_OFFER_HASH_SIZE; i++)
        sprintf(text + 2 * i, "%02x", hash[i]);
    return text;
}

START_TEST(a_code_is_asked_about_by_its_hashes)
{
    uint8_t code[GW_OFFER_HASH_SIZE], tx_code[GW_OFFER_HASH_SIZE];
    want("offer", TYPE("pre_authorized_code"));
    submit(GW_FROM_CLIENT, "of-the-wallets-choosing", TYPE("pre_authorized_code"),
           "{\"pre-authorized_code\":\"SECRET\",\"tx_code\":\"1234\"}");
    ck_assert_int_eq(judged()->verdict, GW_ITEM_SATISFIED);
    gw_offer_code_hash(generation.vault, 0, "SECRET", code);
    gw_offer_tx_code_hash(generation.vault, 0, "SECRET", "1234", tx_code);
    ck_assert_str_eq(questions(), s2s_arena_printf(arena,
                                                   "[{\"kind\":\"offer\",\"code_hashes\":[\"%s\"],"
                                                   "\"tx_code_hashes\":[\"%s\"],\"item\":0,\"seq\":1}]",
                                                   hex_of(code), hex_of(tx_code)));
}
END_TEST

START_TEST(a_code_without_tx_code_asks_without)
{
    want("offer", TYPE("pre_authorized_code"));
    submit(GW_FROM_CLIENT, "offer", TYPE("pre_authorized_code"), "{\"pre-authorized_code\":\"SECRET\"}");
    judged();
    ck_assert_ptr_null(strstr(questions(), "tx_code"));
    ck_assert_ptr_null(strstr(questions(), "SECRET"));
}
END_TEST

START_TEST(a_malformed_code_is_not_asked_about)
{
    static const char *const items[] = {
        "{}",
        "{\"pre-authorized_code\":\"\"}",
        "{\"pre-authorized_code\":1234}",
        "{\"pre_authorized_code\":\"SECRET\"}",
        "{\"pre-authorized_code\":\"SECRET\",\"tx_code\":1234}",
        "{\"pre-authorized_code\":\"SECRET\",\"tx_code\":\"\"}",
    };
    want("offer", TYPE("pre_authorized_code"));
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        context.item_count = 0;
        submit(GW_FROM_CLIENT, "offer", TYPE("pre_authorized_code"), items[i]);
        assert_mismatch(judged(), "MALFORMED");
        ck_assert_ptr_null(questions());
    }
}
END_TEST

static const char *sealed_for(const char *offer, const char *name)
{
    struct s2s_bytes sealed;
    ck_assert_ok(gw_subject_seal(generation.vault, arena, offer, name, &sealed));
    char *text = s2s_arena_alloc(arena, 2 * sealed.len + 1);
    for (size_t i = 0; i < sealed.len; i++)
        sprintf(text + 2 * i, "%02x", sealed.data[i]);
    return text;
}

START_TEST(a_redeemed_offer_names_its_subject)
{
    want("offer", TYPE("pre_authorized_code"));
    submit(GW_FROM_CLIENT, "offer", TYPE("pre_authorized_code"), "{\"pre-authorized_code\":\"SECRET\"}");
    struct gw_judgment *judgment = judged();
    answer(s2s_arena_printf(arena,
                            "[{\"item\":0,\"kind\":\"offer\",\"verdict\":\"SATISFIED\",\"facts\":{\"offerId\":\"o-1\"},"
                            "\"subjects\":[{\"configuration_id\":\"badge\",\"subject_ref\":\"ref-1\","
                            "\"subject_sealed\":\"%s\"}]}]",
                            sealed_for("o-1", "alice")));
    ck_assert_int_eq(judgment->verdict, GW_ITEM_SATISFIED);
    ck_assert_str_eq(text_of(judgment->facts), "{\"offerId\":\"o-1\",\"subject\":\"alice\"}");
    struct gw_subject subject = gw_policy_subject(&input, &badge);
    ck_assert_str_eq(subject.name, "alice");
    ck_assert_str_eq(subject.ref, "ref-1");
}
END_TEST

START_TEST(a_subject_whose_name_nobody_knows_has_its_pseudonym)
{
    want("offer", TYPE("pre_authorized_code"));
    submit(GW_FROM_CLIENT, "offer", TYPE("pre_authorized_code"), "{\"pre-authorized_code\":\"SECRET\"}");
    judged();
    /* Sealed for another offer: it cannot be opened here. */
    answer(s2s_arena_printf(arena,
                            "[{\"item\":0,\"verdict\":\"SATISFIED\",\"facts\":{\"offerId\":\"o-1\"},\"subjects\":[{"
                            "\"configuration_id\":\"badge\",\"subject_ref\":\"ref-1\",\"subject_sealed\":\"%s\"}]}]",
                            sealed_for("o-2", "alice")));
    struct gw_subject subject = gw_policy_subject(&input, &badge);
    ck_assert_ptr_null(subject.name);
    ck_assert_str_eq(subject.ref, "ref-1");
}
END_TEST

START_TEST(an_offer_is_good_for_what_it_offers_only)
{
    want("offer", TYPE("pre_authorized_code"));
    submit(GW_FROM_CLIENT, "offer", TYPE("pre_authorized_code"), "{\"pre-authorized_code\":\"SECRET\"}");
    struct gw_judgment *judgment = judged();
    answer("[{\"item\":0,\"verdict\":\"SATISFIED\",\"facts\":{\"offerId\":\"o-1\"},"
           "\"subjects\":[{\"configuration_id\":\"card\",\"subject_ref\":\"ref-1\"}]}]");
    assert_mismatch(judgment, "CONFIGURATION");
}
END_TEST

START_TEST(what_the_database_says_is_the_verdict)
{
    static const struct {
        const char *answer, *reason;
        enum gw_item_verdict verdict;
    } cases[] = {
        {"[{\"item\":0,\"verdict\":\"MISMATCH\",\"reason\":\"WRONG_TX_CODE\",\"facts\":{\"attemptsLeft\":2}}]",
         "WRONG_TX_CODE", GW_ITEM_MISMATCH},
        {"[{\"item\":0,\"verdict\":\"MISMATCH\",\"reason\":\"USED\"}]", "USED", GW_ITEM_MISMATCH},
        {"[{\"item\":0,\"verdict\":\"MISSING\",\"reason\":\"TX_CODE_REQUIRED\"}]", "TX_CODE_REQUIRED", GW_ITEM_MISSING},
        /* Nobody has said that it is good. */
        {"[{\"item\":0,\"verdict\":\"PERHAPS\"}]", NULL, GW_ITEM_MISMATCH},
        {"[{\"item\":0}]", NULL, GW_ITEM_MISMATCH},
        {"[{\"item\":1,\"verdict\":\"SATISFIED\"}]", NULL, GW_ITEM_MISMATCH},
        {"[{\"item\":-1,\"verdict\":\"SATISFIED\"}]", NULL, GW_ITEM_MISMATCH},
        {"[]", NULL, GW_ITEM_MISMATCH},
        {"{}", NULL, GW_ITEM_MISMATCH},
        {"null", NULL, GW_ITEM_MISMATCH},
    };
    want("offer", TYPE("pre_authorized_code"));
    submit(GW_FROM_CLIENT, "offer", TYPE("pre_authorized_code"), "{\"pre-authorized_code\":\"SECRET\"}");
    struct gw_judgment *judgment = judged();
    answer(cases[_i].answer);
    ck_assert_int_eq(judgment->verdict, cases[_i].verdict);
    ck_assert_pstr_eq(judgment->reason, cases[_i].reason);
}
END_TEST

START_TEST(an_item_of_two_configurations_is_asked_about_once)
{
    struct gw_credential_config card;
    want("offer", TYPE("pre_authorized_code"));
    card = configuration("card", GW_DECIDE_APPROVE, &policy, 1);
    ask_for(&card);
    submit(GW_FROM_CLIENT, "offer", TYPE("pre_authorized_code"), "{\"pre-authorized_code\":\"SECRET\"}");
    judge_all(true); /* and not once more as an unasked one */
    ck_assert_uint_eq(input.judgments.count, 2);
    ck_assert_uint_eq(json_object_array_length(json(questions())), 1);
    answer("[{\"item\":0,\"verdict\":\"SATISFIED\",\"facts\":{\"offerId\":\"o-1\"},"
           "\"subjects\":[{\"configuration_id\":\"badge\",\"subject_ref\":\"ref-1\"}]}]");
    ck_assert_int_eq(input.judgments.all[0].verdict, GW_ITEM_SATISFIED);
    assert_mismatch(&input.judgments.all[1], "CONFIGURATION");
}
END_TEST

/* ---- prior_session ---- */

START_TEST(a_prior_session_is_asked_about_by_its_names)
{
    want("old", TYPE("prior_session"));
    policy.origin = GW_FROM_EITHER;
    submit(GW_FROM_SERVER, "migration", TYPE("prior_session"),
           "{\"sessionId\":\"s-0\",\"verificationId\":\"v-0\",\"more\":1}");
    struct gw_judgment *judgment = judged();
    ck_assert_str_eq(questions(), "[{\"kind\":\"prior_session\",\"session_id\":\"s-0\",\"verification_id\":\"v-0\","
                                  "\"item\":0,\"seq\":1}]");
    answer(s2s_arena_printf(
        arena,
        "[{\"item\":0,\"verdict\":\"SATISFIED\",\"facts\":{\"sessionId\":\"s-0\",\"devices\":2},\"subjects\":["
        "{\"configuration_id\":\"badge\",\"subject_ref\":\"ref-1\",\"subject_sealed\":\"%s\"}]}]",
        sealed_for("s-0", "alice")));
    ck_assert_int_eq(judgment->verdict, GW_ITEM_SATISFIED);
    ck_assert_str_eq(gw_policy_subject(&input, &badge).name, "alice");
}
END_TEST

START_TEST(a_prior_session_needs_both_names)
{
    static const char *const items[] = {"{}", "{\"sessionId\":\"s-0\"}", "{\"verificationId\":\"v-0\"}",
                                        "{\"sessionId\":1,\"verificationId\":\"v-0\"}"};
    want("old", TYPE("prior_session"));
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        context.item_count = 0;
        submit(GW_FROM_CLIENT, "old", TYPE("prior_session"), items[i]);
        assert_mismatch(judged(), "MALFORMED");
    }
}
END_TEST

/* ---- what nobody asked for ---- */

START_TEST(unasked_items_are_judged_as_far_as_that_needs_no_policy)
{
    submit(GW_FROM_CLIENT, "code", TYPE("pre_authorized_code"), "{\"pre-authorized_code\":\"SECRET\"}");
    submit(GW_FROM_CLIENT, "doc", TYPE("document"), "{\"document\":\"!!\"}");
    submit(GW_FROM_SERVER, "own", "urn:example:own", "{}");
    struct gw_credential_config plain = configuration("badge", GW_DECIDE_REVIEW, NULL, 0);
    ask_for(&plain);
    judge_all(false);
    ck_assert_uint_eq(input.judgments.count, 0);
    judge_all(true);
    ck_assert_uint_eq(input.judgments.count, 1);
    ck_assert_ptr_null(input.judgments.all[0].configuration_id);
    answer("[{\"item\":0,\"verdict\":\"SATISFIED\",\"facts\":{},\"subjects\":["
           "{\"configuration_id\":\"badge\",\"subject_ref\":\"ref-1\"}]}]");
    ck_assert_int_eq(input.judgments.all[0].verdict, GW_ITEM_SATISFIED);
    ck_assert_str_eq(gw_policy_subject(&input, &plain).ref, "ref-1");
}
END_TEST

/* ---- auth_on_web ---- */

START_TEST(the_web_is_asked_with_a_state)
{
    struct gw_web_state state;
    want("web-1", TYPE("auth_on_web"));
    policy.redirect_url = (char *)"https://issuer.example/login";
    struct json_object *request = s2s_json_own(arena, gw_policy_request(&context, &policy));
    const char *url = s2s_json_string(request, "redirect_url"), *begin = "https://issuer.example/login?state=";
    ck_assert_ptr_eq(strstr(url, begin), url);
    ck_assert_ok(gw_web_state_open(generation.vault, arena, url + strlen(begin), &state));
    ck_assert_str_eq(state.session_id, "session-1");
    ck_assert_str_eq(state.verification_id, "verification-1");
    ck_assert_str_eq(state.item_id, "web-1");
}
END_TEST

START_TEST(only_the_issuers_own_result_counts)
{
    want("web-1", TYPE("auth_on_web"));
    policy.origin = GW_FROM_ISSUER;
    ck_assert_int_eq(judged()->verdict, GW_ITEM_MISSING);
    submit(GW_FROM_CLIENT, "web-1", TYPE("auth_on_web"), "{\"outcome\":\"SUCCESS\",\"result\":{\"subject\":\"eve\"}}");
    ck_assert_int_eq(judged()->verdict, GW_ITEM_WAITING);
    submit(GW_FROM_ISSUER, "web-2", TYPE("auth_on_web"), "{\"outcome\":\"SUCCESS\"}");
    ck_assert_int_eq(judged()->verdict, GW_ITEM_WAITING);
    submit(GW_FROM_ISSUER, "web-1", TYPE("auth_on_web"), "{\"outcome\":\"FAILURE\"}");
    assert_mismatch(judged(), "AUTHENTICATION_FAILED");
    submitted[0].seq = 9; /* the wallet tries again */
    ck_assert_int_eq(judged()->verdict, GW_ITEM_WAITING);
    submitted[2].json = json("{\"outcome\":\"SUCCESS\",\"result\":{\"subject\":\"alice\"}}");
    ck_assert_int_eq(judged()->verdict, GW_ITEM_SATISFIED);
    ck_assert_str_eq(text_of(input.judgments.all[0].facts), "{\"result\":{\"subject\":\"alice\"}}");
    badge.subject_item = (char *)"web-1";
    ck_assert_str_eq(gw_policy_subject(&input, &badge).name, "alice");
}
END_TEST

/* ---- document ---- */

START_TEST(a_document_by_value_is_measured)
{
    want("doc", TYPE("document"));
    submit(GW_FROM_CLIENT, "doc", TYPE("document"), "{\"document\":\"aGVsbG8\"}");
    ck_assert_int_eq(judged()->verdict, GW_ITEM_SATISFIED);
    ck_assert_str_eq(text_of(input.judgments.all[0].facts),
                     "{\"size\":5,\"digest\":\"sha-256:LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ\"}");
    policy.max_size = 4;
    assert_mismatch(judged(), "CONTENT_TOO_LARGE");
}
END_TEST

#define DIGEST "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"
#define URL "\"downloadUrl\":\"https://content.example/1\""

START_TEST(a_malformed_document_is_refused)
{
    static const char *const items[] = {
        "{}",
        "{\"document\":\"\"}",
        "{\"document\":\"a=b\"}",
        "{\"document\":7}",
        "{\"document\":\"aGVsbG8\",\"contentReference\":{" URL ",\"contentDigest\":\"" DIGEST "\"}}",
        "{\"contentReference\":\"https://content.example/1\"}",
        "{\"contentReference\":{" URL "}}",
        "{\"contentReference\":{\"contentDigest\":\"" DIGEST "\"}}",
        "{\"contentReference\":{" URL ",\"contentDigest\":\"" DIGEST "\",\"contentSize\":-1}}",
        "{\"contentReference\":{" URL ",\"contentDigest\":\"" DIGEST "\",\"expiresAt\":\"never\"}}",
    };
    want("doc", TYPE("document"));
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        context.item_count = 0;
        submit(GW_FROM_CLIENT, "doc", TYPE("document"), items[i]);
        assert_mismatch(judged(), "MALFORMED");
    }
}
END_TEST

static struct gw_peer_config peer_config;
static struct gw_peer peer;
static char *hosts[] = {"content.example"};

/* A document by reference, up to the moment in which it is to be fetched. */
static struct gw_judgment *refer(const char *members, struct gw_item_fetch *fetch)
{
    size_t at = 0;
    peer_config = (struct gw_peer_config){.name = (char *)"wallet", .content_hosts = {hosts, 1}};
    peer = (struct gw_peer){.config = &peer_config};
    config.peers = &peer_config;
    config.peer_count = 1;
    generation.peers = &peer;
    want("doc", TYPE("document"));
    submit(GW_FROM_CLIENT, "doc", TYPE("document"),
           s2s_arena_printf(arena, "{\"contentReference\":{" URL ",\"contentDigest\":\"%s\"}}", members));
    struct gw_judgment *judgment = judged();
    ck_assert_int_eq(judgment->verdict, GW_ITEM_SATISFIED);
    ck_assert(gw_judge_fetch(&context, &input.judgments, &at, fetch));
    ck_assert_uint_eq(at, 0);
    return judgment;
}

START_TEST(a_document_by_reference_is_fetched_once)
{
    struct gw_item_fetch fetch;
    size_t at = 0;
    struct gw_judgment *judgment = refer(DIGEST "\",\"contentSize\":5,\"expiresAt\":\"2026-09-22T00:00:00Z", &fetch);
    ck_assert_str_eq(fetch.reference.url, "https://content.example/1");
    ck_assert_str_eq(fetch.reference.digest, "sha-256:" DIGEST);
    ck_assert_int_eq(fetch.reference.size, 5);
    ck_assert_int_eq(fetch.reference.expires_at, 1790035200);
    ck_assert_ptr_eq(fetch.hosts, &peer_config.content_hosts);
    ck_assert_uint_eq(fetch.max_size, 1024);
    ck_assert_uint_eq(fetch.keep, 0);
    struct gw_reference_result result = {.end = GW_REFERENCE_FETCHED, .size = 5, .content_type = "image/png"};
    gw_judge_fetched(&context, &input.judgments, at, &result);
    ck_assert_int_eq(judgment->verdict, GW_ITEM_SATISFIED);
    ck_assert_str_eq(text_of(judgment->facts),
                     "{\"size\":5,\"digest\":\"sha-256:" DIGEST "\",\"contentType\":\"image/png\"}");
    ck_assert(!gw_judge_fetch(&context, &input.judgments, &at, &fetch));
}
END_TEST

START_TEST(what_cannot_be_fetched_does_not_match)
{
    static const struct {
        enum gw_reference_end end;
        const char *reason;
    } cases[] = {
        {GW_REFERENCE_MALFORMED, "MALFORMED"},           {GW_REFERENCE_FORBIDDEN, "CONTENT_HOST_FORBIDDEN"},
        {GW_REFERENCE_EXPIRED, "CONTENT_EXPIRED"},       {GW_REFERENCE_TOO_LARGE, "CONTENT_TOO_LARGE"},
        {GW_REFERENCE_DIFFERENT, "CONTENT_MISMATCH"},    {GW_REFERENCE_REFUSED, "CONTENT_UNAVAILABLE"},
        {GW_REFERENCE_UNREACHED, "CONTENT_UNAVAILABLE"},
    };
    struct gw_item_fetch fetch;
    struct gw_judgment *judgment = refer("sha-256:" DIGEST, &fetch);
    ck_assert_str_eq(fetch.reference.digest, "sha-256:" DIGEST);
    struct gw_reference_result result = {.end = cases[_i].end};
    gw_judge_fetched(&context, &input.judgments, 0, &result);
    assert_mismatch(judgment, cases[_i].reason);
}
END_TEST

START_TEST(a_peer_that_is_gone_has_no_hosts)
{
    struct gw_item_fetch fetch;
    refer(DIGEST, &fetch);
    config.peer_count = 0;
    size_t at = 0;
    judged();
    ck_assert(gw_judge_fetch(&context, &input.judgments, &at, &fetch));
    ck_assert_uint_eq(fetch.hosts->count, 0);
}
END_TEST

static Suite *items_suite(void)
{
    Suite *suite = suite_create("items");
    TCase *tcase = judge_case(suite);
    tcase_add_test(tcase, a_code_is_asked_about_by_its_hashes);
    tcase_add_test(tcase, a_code_without_tx_code_asks_without);
    tcase_add_test(tcase, a_malformed_code_is_not_asked_about);
    tcase_add_test(tcase, a_redeemed_offer_names_its_subject);
    tcase_add_test(tcase, a_subject_whose_name_nobody_knows_has_its_pseudonym);
    tcase_add_test(tcase, an_offer_is_good_for_what_it_offers_only);
    tcase_add_loop_test(tcase, what_the_database_says_is_the_verdict, 0, 10);
    tcase_add_test(tcase, an_item_of_two_configurations_is_asked_about_once);
    tcase_add_test(tcase, a_prior_session_is_asked_about_by_its_names);
    tcase_add_test(tcase, a_prior_session_needs_both_names);
    tcase_add_test(tcase, unasked_items_are_judged_as_far_as_that_needs_no_policy);
    tcase_add_test(tcase, the_web_is_asked_with_a_state);
    tcase_add_test(tcase, only_the_issuers_own_result_counts);
    tcase_add_test(tcase, a_document_by_value_is_measured);
    tcase_add_test(tcase, a_malformed_document_is_refused);
    tcase_add_test(tcase, a_document_by_reference_is_fetched_once);
    tcase_add_loop_test(tcase, what_cannot_be_fetched_does_not_match, 0, 7);
    tcase_add_test(tcase, a_peer_that_is_gone_has_no_hosts);
    return suite;
}

S2S_TEST_MAIN(items_suite)
