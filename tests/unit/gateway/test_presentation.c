/* SPDX-License-Identifier: Apache-2.0
 *
 * Presentations during issuance: asked for by the gateway, answered by a wallet that is played here. How a presentation
 * itself is verified test_sdjwt_vp.c and test_dcql.c tell; here is what the item makes of it.
 */
#include "gateway/issuer/policy.h"
#include "proto/dcql.h"
#include "tests/unit/proto/vp_support.h"

#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#define ISSUER "https://issuer.example"
#define VCT "https://pid.example/vct/pid"
#define LIST "https://status.example/1"
#define OPENID4VP "urn:s2s-gateway:verification:openid4vp"

static struct party root, signer, stranger;
static struct s2s_jwk *holder;
static struct gw_config config;
static struct gw_anchors anchors;
static struct gw_generation generation;
static struct gw_item_policy policy;
static struct gw_credential_config badge;
static const struct gw_credential_config *configurations[] = {&badge};
static struct gw_item item;
static struct gw_item_context context;
static struct gw_judgments judgments;
static char *status_hosts[] = {"status.example"};

static struct gw_vault *load_vault(size_t keys)
{
    struct gw_file files[2];
    for (size_t i = 0; i < keys; i++) {
        char path[] = "/tmp/s2s-test-XXXXXX", text[44];
        int fd = mkstemp(path);
        ck_assert_int_ge(fd, 0);
        memset(text, 'A', 43);
        text[0] = (char)('C' - i); /* the oldest is always the same one */
        ck_assert_int_eq(write(fd, text, 43), 43);
        close(fd);
        files[keys - 1 - i] = (struct gw_file){s2s_arena_strndup(arena, path, strlen(path)), 1};
    }
    struct gw_config_errors errors = {.out = stderr, .file = "test"};
    config.data_keys = (struct gw_file_list){files, keys};
    struct gw_vault *vault = gw_vault_load(&config, &errors);
    ck_assert_ptr_nonnull(vault);
    for (size_t i = 0; i < keys; i++)
        unlink(files[i].path);
    config.data_keys = (struct gw_file_list){NULL, 0};
    return vault;
}

static void setup_presentation(void)
{
    const char *pointer;
    setup();
    root = new_authority("Root", NULL);
    signer = new_party("P-256", (struct certificate){.name = "PID signer", .names = "URI:https://pid.example"}, &root);
    stranger = new_party("P-256", (struct certificate){.name = "PID signer", .names = "URI:https://pid.example"}, NULL);
    holder = new_key(S2S_P256, NULL, NULL);
    config = (struct gw_config){.issuer = {.identifier = (char *)ISSUER}};
    policy = (struct gw_item_policy){.id = (char *)"pid-1",
                                     .type = (char *)OPENID4VP,
                                     .kind = GW_ITEM_PRESENTATION,
                                     .required = true,
                                     .iss_in_certificate = true,
                                     .max_age_s = 300};
    policy.dcql = json("{\"credentials\":[{\"id\":\"pid\",\"format\":\"dc+sd-jwt\",\"meta\":{\"vct_values\":[\"" VCT
                       "\"]},\"claims\":[{\"path\":[\"given_name\"]}]}]}");
    ck_assert_int_eq(s2s_dcql_parse(arena, policy.dcql, &policy.query, &pointer).code, S2S_OK);
    anchors = (struct gw_anchors){&policy.trust, trust_in(&root)};
    generation =
        (struct gw_generation){.config = &config, .vault = load_vault(1), .anchors = &anchors, .anchor_count = 1};
    badge = (struct gw_credential_config){.id = (char *)"badge",
                                          .subject = (char *)"default",
                                          .subject_item = (char *)"pid-1",
                                          .subject_member = (char *)"given_name",
                                          .policy = {.items = &policy, .item_count = 1}};
    context = (struct gw_item_context){.arena = arena,
                                       .generation = &generation,
                                       .peer = "wallet",
                                       .session_id = "session-1",
                                       .verification_id = "verification-1",
                                       .now = NOW,
                                       .items = &item};
}

static void teardown_presentation(void)
{
    gw_vault_free(generation.vault);
    teardown();
}

/* ---- a wallet ---- */

/* What the gateway asks for. */
static struct json_object *asked(void)
{
    return s2s_json_get(s2s_json_own(arena, gw_policy_request(&context, &policy)), "request");
}

static const char *present(const struct party *issuer, const char *more, const char *nonce, const char *aud)
{
    const char *header =
        s2s_arena_printf(arena, "{\"alg\":\"ES256\",\"typ\":\"dc+sd-jwt\",\"x5c\":%s}", x5c_of(issuer, NULL));
    const char *payload = s2s_arena_printf(
        arena, "{\"iss\":\"https://pid.example\",\"vct\":\"" VCT "\",\"cnf\":{\"jwk\":%s},\"given_name\":\"Zoe\"%s}",
        jwk_text(holder), more);
    const char *credential = s2s_arena_printf(arena, "%s~", sign_text(issuer->key, header, payload));
    const char *claims = s2s_arena_printf(
        arena, "{\"iat\":" NOW_TEXT ",\"aud\":\"%s\",\"nonce\":\"%s\",\"sd_hash\":\"SD_HASH\"}", aud, nonce);
    return s2s_arena_printf(
        arena, "%s%s", credential,
        bind_key(credential, EVP_sha256(), holder, "{\"alg\":\"ES256\",\"typ\":\"kb+jwt\"}", claims));
}

static void submit(const char *members)
{
    item = (struct gw_item){"pid-1", OPENID4VP, GW_FROM_CLIENT, 1, json(members)};
    context.item_count = 1;
}

static void submit_presentation(const char *presentation)
{
    submit(s2s_arena_printf(arena, "{\"vp_token\":{\"pid\":[\"%s\"]}}", presentation));
}

/* As the gateway has asked for it. */
static void submit_good(const char *more)
{
    submit_presentation(
        present(&signer, more, s2s_json_string(asked(), "nonce"), s2s_json_string(asked(), "client_id")));
}

static const struct gw_judgment *judged(void)
{
    ck_assert_int_eq(gw_judge(&context, configurations, 1, false, &judgments).code, S2S_OK);
    return &judgments.all[0];
}

static void assert_mismatch(const char *reason)
{
    ck_assert_int_eq(judgments.all[0].verdict, GW_ITEM_MISMATCH);
    ck_assert_str_eq(judgments.all[0].reason, reason);
}

static const char *fact(const char *name)
{
    struct json_object *list = s2s_json_get(judgments.all[0].facts, "presentations");
    return s2s_json_string(json_object_array_get_idx(list, 0), name);
}

/* ---- by itself ---- */

START_TEST(the_request_is_one_of_openid4vp)
{
    struct json_object *request = asked();
    ck_assert_str_eq(s2s_json_string(request, "response_type"), "vp_token");
    ck_assert_str_eq(s2s_json_string(request, "client_id"), ISSUER);
    ck_assert(json_object_equal(s2s_json_get(request, "dcql_query"), policy.dcql));
    ck_assert_uint_ge(strlen(s2s_json_string(request, "nonce")), 43);
    ck_assert_str_eq(s2s_json_string(asked(), "nonce"), s2s_json_string(request, "nonce"));
    const char *nonce = s2s_json_string(request, "nonce");
    context.verification_id = "verification-2";
    ck_assert_str_ne(s2s_json_string(asked(), "nonce"), nonce);
    context.verification_id = "verification-1";
    policy.id = (char *)"pid-2";
    ck_assert_str_ne(s2s_json_string(asked(), "nonce"), nonce);
}
END_TEST

START_TEST(a_good_presentation_tells_its_claims)
{
    submit_good("");
    ck_assert_int_eq(judged()->verdict, GW_ITEM_SATISFIED);
    ck_assert_str_eq(fact("id"), "pid");
    ck_assert_str_eq(fact("vct"), VCT);
    ck_assert_str_eq(fact("issuer"), "https://pid.example");
    ck_assert_ptr_null(fact("status"));
    struct json_object *list = s2s_json_get(judgments.all[0].facts, "presentations");
    struct json_object *claims = s2s_json_get(json_object_array_get_idx(list, 0), "claims");
    ck_assert_str_eq(s2s_json_string(claims, "given_name"), "Zoe");
    const struct gw_decision_input input = {
        .context = &context, .configurations = configurations, .configuration_count = 1, .judgments = judgments};
    ck_assert_str_eq(gw_policy_subject(&input, &badge).name, "Zoe");
}
END_TEST

START_TEST(what_was_presented_for_something_else_is_refused)
{
    const char *nonce = s2s_json_string(asked(), "nonce");
    context.verification_id = "verification-2";
    const char *foreign = s2s_json_string(asked(), "nonce");
    context.verification_id = "verification-1";
    const struct {
        const struct party *issuer;
        const char *nonce, *aud;
    } cases[] = {
        {&signer, foreign, ISSUER},
        {&signer, "", ISSUER},
        {&signer, nonce, "https://elsewhere.example"},
        {&stranger, nonce, ISSUER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        submit_presentation(present(cases[i].issuer, "", cases[i].nonce, cases[i].aud));
        judged();
        assert_mismatch("PRESENTATION_INVALID");
        ck_assert_ptr_nonnull(s2s_json_string(judgments.all[0].facts, "error"));
        ck_assert_ptr_null(s2s_json_get(judgments.all[0].facts, "presentations"));
    }
}
END_TEST

START_TEST(what_is_no_presentation_is_refused)
{
    static const char *const items[] = {
        "{}",
        "{\"vp_token\":null}",
        "{\"vp_token\":\"a.b.c~\"}",
        "{\"vp_token\":{}}",
        "{\"vp_token\":{\"pid\":[]}}",
        "{\"vp_token\":{\"pid\":[\"\"]}}",
        "{\"vp_token\":{\"pid\":\"a.b.c~\"}}",
        "{\"vp_token\":{\"other\":[\"x\"]}}",
    };
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        submit(items[i]);
        judged();
        assert_mismatch("PRESENTATION_INVALID");
    }
}
END_TEST

START_TEST(a_new_data_key_spoils_no_request)
{
    submit_good("");
    gw_vault_free(generation.vault);
    generation.vault = load_vault(2);
    ck_assert_int_eq(judged()->verdict, GW_ITEM_SATISFIED);
}
END_TEST

/* ---- status lists ---- */

#define STATUS ",\"status\":{\"status_list\":{\"idx\":%d,\"uri\":\"" LIST "\"}}"

/* A list of 2 bits each: 0 valid, 1 invalid, 2 suspended, 3 of the application's own. */
static const char *make_list(const struct party *issuer, const char *uri)
{
    static const unsigned char statuses[] = {0xe4};
    unsigned char out[64];
    uLongf size = sizeof out;
    ck_assert_int_eq(compress2(out, &size, statuses, sizeof statuses, 9), Z_OK);
    const char *header =
        s2s_arena_printf(arena, "{\"alg\":\"ES256\",\"typ\":\"statuslist+jwt\",\"x5c\":%s}", x5c_of(issuer, NULL));
    return sign_text(
        issuer->key, header,
        s2s_arena_printf(arena, "{\"sub\":\"%s\",\"iat\":" NOW_TEXT ",\"status_list\":{\"bits\":2,\"lst\":\"%s\"}}",
                         uri, s2s_b64_encode(arena, s2s_bytes(out, size))));
}

static void submit_with_status(int index)
{
    config.issuer.status_hosts = (struct gw_string_list){status_hosts, 1};
    submit_good(s2s_arena_printf(arena, STATUS, index));
    ck_assert_int_eq(judged()->verdict, GW_ITEM_SATISFIED);
    ck_assert_str_eq(fact("status"), "unchecked");
}

/* The list is asked for, and this comes of it. */
static void fetch(enum gw_reference_end end, const char *list)
{
    struct gw_item_fetch wanted;
    size_t at = 0;
    ck_assert(gw_judge_fetch(&context, &judgments, &at, &wanted));
    ck_assert_str_eq(wanted.reference.url, LIST);
    ck_assert_ptr_eq(wanted.hosts, &config.issuer.status_hosts);
    ck_assert_uint_eq(wanted.keep, wanted.max_size);
    struct gw_reference_result result = {.end = end,
                                         .body = list ? s2s_arena_strndup(arena, list, strlen(list)) : NULL,
                                         .size = list ? strlen(list) : 0};
    gw_judge_fetched(&context, &judgments, at, &result);
    ck_assert(!gw_judge_fetch(&context, &judgments, &at, &wanted));
}

START_TEST(a_status_list_decides)
{
    static const struct {
        int index;
        const char *status, *reason;
    } cases[] = {
        {0, "valid", NULL},
        {1, "revoked", "CREDENTIAL_REVOKED"},
        {2, "suspended", "CREDENTIAL_SUSPENDED"},
        {3, "revoked", "CREDENTIAL_REVOKED"},
        {4, "unknown", "STATUS_UNKNOWN"},
    };
    submit_with_status(cases[_i].index);
    fetch(GW_REFERENCE_FETCHED, make_list(&signer, LIST));
    ck_assert_str_eq(fact("status"), cases[_i].status);
    if (cases[_i].reason)
        assert_mismatch(cases[_i].reason);
    else
        ck_assert_int_eq(judgments.all[0].verdict, GW_ITEM_SATISFIED);
}
END_TEST

START_TEST(a_list_that_is_none_is_no_good_news)
{
    const char *const lists[] = {"", "no list", make_list(&stranger, LIST),
                                 make_list(&signer, "https://status.example/2")};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        submit_with_status(0);
        fetch(GW_REFERENCE_FETCHED, lists[i]);
        assert_mismatch("STATUS_UNKNOWN");
    }
}
END_TEST

START_TEST(a_list_that_cannot_be_had_is_a_fact)
{
    submit_with_status(1);
    fetch(GW_REFERENCE_UNREACHED, NULL);
    ck_assert_int_eq(judgments.all[0].verdict, GW_ITEM_SATISFIED);
    ck_assert_str_eq(fact("status"), "unreachable");
    submit_with_status(1);
    fetch(GW_REFERENCE_FORBIDDEN, NULL);
    ck_assert_str_eq(fact("status"), "unchecked");
}
END_TEST

START_TEST(without_listed_hosts_nothing_is_fetched)
{
    struct gw_item_fetch wanted;
    size_t at = 0;
    submit_with_status(1);
    config.issuer.status_hosts = (struct gw_string_list){NULL, 0};
    ck_assert(!gw_judge_fetch(&context, &judgments, &at, &wanted));
    ck_assert_str_eq(fact("status"), "unchecked");
}
END_TEST

static Suite *presentation_suite(void)
{
    Suite *suite = suite_create("presentation");
    TCase *tcase = tcase_create("presentation");
    tcase_add_checked_fixture(tcase, setup_presentation, teardown_presentation);
    tcase_add_test(tcase, the_request_is_one_of_openid4vp);
    tcase_add_test(tcase, a_good_presentation_tells_its_claims);
    tcase_add_test(tcase, what_was_presented_for_something_else_is_refused);
    tcase_add_test(tcase, what_is_no_presentation_is_refused);
    tcase_add_test(tcase, a_new_data_key_spoils_no_request);
    tcase_add_loop_test(tcase, a_status_list_decides, 0, 5);
    tcase_add_test(tcase, a_list_that_is_none_is_no_good_news);
    tcase_add_test(tcase, a_list_that_cannot_be_had_is_a_fact);
    tcase_add_test(tcase, without_listed_hosts_nothing_is_fetched);
    suite_add_tcase(suite, tcase);
    return suite;
}

S2S_TEST_MAIN(presentation_suite)
