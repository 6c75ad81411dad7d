/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the claims of a credential come from, and what is refused of them.
 */
#include "gateway/issuer/claims.h"

#include "fixture.h"
#include "gateway/credential/subject.h"
#include "gateway/log.h"
#include "gateway/metrics.h"
#include "gateway/worker.h"

#define INSTANCE "11111111-2222-4333-8444-555555555555"
#define SESSION "66666666-7777-4888-9999-000000000000"

static struct gw_config config;
static struct gw_generation generation;
static struct gw_credential_config credential;
static struct gw_offering offering;
static struct gw_backend_config backend;
static struct gw_receiver receiver;
static struct gw_worker worker;
static struct gw_claims_instance instance;
static char registry[] = "registry", badge[] = "badge";

static void setup(void)
{
    fixture_setup();
    gw_log_set_level(GW_LOG_ERROR + 1);
    static struct gw_file keys[1];
    keys[0] = write_file("data.key", 1, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n");
    config = (struct gw_config){.data_keys = {keys, 1}, .backends = &backend, .backend_count = 1};
    config.limits.max_depth = 32;
    backend = (struct gw_backend_config){.to = {.name = registry}};
    generation = (struct gw_generation){.config = &config, .backends = &receiver};
    generation.vault = gw_vault_load(&config, &errors);
    ck_assert_ptr_nonnull(generation.vault);
    credential = (struct gw_credential_config){.id = badge, .dataset_backend = registry};
    offering = (struct gw_offering){.config = &credential};
    worker = (struct gw_worker){.boot = &generation, .metrics = gw_metrics_new()};
    instance = (struct gw_claims_instance){
        .offering = &offering, .session_id = SESSION, .verification_id = "v", .instance_id = INSTANCE};
}

static void teardown(void)
{
    gw_dataset_free(offering.dataset);
    gw_vault_free(generation.vault);
    gw_metrics_free(worker.metrics);
    fixture_teardown();
}

static bool at_hand(struct gw_claims *claims)
{
    return gw_claims_at_hand(&generation, arena, &instance, NOW, claims);
}

static void use_file(void)
{
    static char ref[GW_PSEUDONYM_SIZE];
    struct gw_file file = write_file("dataset.json", 1, "{\"version\":\"f\",\"subjects\":{\"alice\":{\"a\":1}}}");
    offering.dataset = gw_dataset_load(&file, generation.vault, &errors);
    ck_assert(gw_dataset_subject_ref(offering.dataset, "alice", ref));
    instance.subject_ref = ref;
    credential.dataset_backend = NULL;
}

static void push(const char *text, int64_t valid_until)
{
    ck_assert(!s2s_failed(gw_claims_seal(generation.vault, arena, INSTANCE, json(text), &instance.pushed_sealed)));
    instance.pushed_version = "p";
    instance.pushed_valid_until_ms = valid_until * 1000;
}

/* ---- at hand ---- */

START_TEST(the_file_comes_next)
{
    struct gw_claims claims;
    use_file();
    push("{\"a\":2}", NOW); /* over */
    ck_assert(at_hand(&claims));
    ck_assert_int_eq(claims.end, GW_CLAIMS_FOUND);
    ck_assert_int_eq(json_object_get_int(s2s_json_get(claims.claims, "a")), 1);
    ck_assert_int_eq(strncmp(claims.version, "f-", 2), 0);
    ck_assert_int_eq(claims.valid_until, 0);
}
END_TEST

START_TEST(what_was_pushed_comes_first)
{
    struct gw_claims claims;
    use_file();
    push("{\"a\":2}", NOW + 100);
    ck_assert(at_hand(&claims));
    ck_assert_int_eq(claims.end, GW_CLAIMS_FOUND);
    ck_assert_int_eq(json_object_get_int(s2s_json_get(claims.claims, "a")), 2);
    ck_assert_str_eq(claims.version, "p");
    ck_assert_int_eq(claims.valid_until, NOW + 100);
}
END_TEST

START_TEST(what_was_pushed_can_be_over)
{
    struct gw_claims claims;
    push("{\"a\":2}", NOW);
    ck_assert(!at_hand(&claims)); /* the backend may have something newer */
    use_file();
    instance.subject_ref = "0.unknown";
    ck_assert(at_hand(&claims));
    ck_assert_int_eq(claims.end, GW_CLAIMS_FAILED);
}
END_TEST

START_TEST(what_was_pushed_for_another_instance_is_not_opened)
{
    struct gw_claims claims;
    push("{\"a\":2}", 0);
    instance.instance_id = "99999999-2222-4333-8444-555555555555";
    ck_assert(at_hand(&claims));
    ck_assert_int_eq(claims.end, GW_CLAIMS_FAILED);
    ck_assert_ptr_null(claims.claims);
}
END_TEST

START_TEST(what_is_sealed_does_not_show)
{
    push("{\"given_name\":\"Wilhelmina\"}", 0);
    ck_assert_ptr_null(
        memmem(instance.pushed_sealed.data, instance.pushed_sealed.len, "Wilhelmina", strlen("Wilhelmina")));
}
END_TEST

/* ---- the question ---- */

START_TEST(a_question_names_the_instance)
{
    struct gw_backend_ask ask;
    ck_assert(gw_claims_question(&generation, arena, &instance, &ask));
    ck_assert_ptr_eq(ask.backend.config, &backend);
    ck_assert_str_eq(ask.type, "dataset.get");
    ck_assert_str_eq(s2s_json_write(arena, ask.data, NULL),
                     "{\"sessionId\":\"" SESSION "\",\"verificationId\":\"v\",\"credentialInstanceId\":\"" INSTANCE
                     "\",\"credentialConfigurationId\":\"badge\"}");
    instance.credential_version = "6";
    ck_assert(!s2s_failed(gw_subject_seal(generation.vault, arena, SESSION, "alice", &instance.subject_sealed)));
    ck_assert(gw_claims_question(&generation, arena, &instance, &ask));
    ck_assert_str_eq(s2s_json_string(ask.data, "currentVersion"), "6");
    ck_assert_str_eq(s2s_json_string(ask.data, "subject"), "alice");
}
END_TEST

START_TEST(a_subject_that_cannot_be_opened_is_not_asked_about)
{
    struct gw_backend_ask ask;
    ck_assert(
        !s2s_failed(gw_subject_seal(generation.vault, arena, "another session", "alice", &instance.subject_sealed)));
    ck_assert(!gw_claims_question(&generation, arena, &instance, &ask));
}
END_TEST

/* ---- the answer ---- */

static struct gw_claims read_answer(const char *text)
{
    struct s2s_violations violations = {.count = 0};
    struct gw_backend_ask ask;
    struct gw_claims claims;
    ck_assert(gw_claims_question(&generation, arena, &instance, &ask));
    ask.worker = &worker;
    ask.id = "1";
    struct gw_backend_answer answer = {.end = GW_BACKEND_ANSWERED, .status = 200, .json = json(text)};
    ck_assert(s2s_schema_check(arena, ask.schema, answer.json, &violations));
    gw_claims_read(&ask, &answer, NOW, &claims);
    return claims;
}

START_TEST(an_answer_is_read)
{
    struct gw_claims claims = read_answer("{\"version\":\"7\",\"claims\":{\"a\":1}}");
    ck_assert_int_eq(claims.end, GW_CLAIMS_FOUND);
    ck_assert_str_eq(claims.version, "7");
    ck_assert_int_eq(json_object_get_int(s2s_json_get(claims.claims, "a")), 1);
    ck_assert_int_eq(claims.valid_until, 0);
    claims = read_answer("{\"version\":\"7\",\"claims\":{},\"validUntil\":\"2040-01-01T00:00:00Z\"}");
    ck_assert_int_eq(claims.end, GW_CLAIMS_FOUND);
    ck_assert_int_eq(claims.valid_until, 2208988800);
}
END_TEST

START_TEST(other_ends_are_passed_on)
{
    static const struct {
        enum gw_backend_end from;
        enum gw_claims_end to;
    } rows[] = {{GW_BACKEND_NOT_YET, GW_CLAIMS_NOT_YET},
                {GW_BACKEND_FAILED, GW_CLAIMS_FAILED},
                {GW_BACKEND_WRONG, GW_CLAIMS_FAILED}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct gw_backend_answer answer = {.end = rows[i].from};
        struct gw_claims claims;
        gw_claims_read(NULL, &answer, NOW, &claims);
        ck_assert_int_eq(claims.end, rows[i].to);
        ck_assert_ptr_null(claims.claims);
    }
}
END_TEST

static const char *const unusable[] = {
    "{\"version\":\"7\",\"claims\":{\"iss\":\"https://evil.example\"}}",
    "{\"version\":\"7\",\"claims\":{\"exp\":1}}",
    "{\"version\":\"7\",\"claims\":{\"cnf\":{}}}",
    "{\"version\":\"7\",\"claims\":{\"_sd\":[]}}",
    "{\"version\":\"7\",\"claims\":{\"a\":{\"_sd\":[]}}}",
    "{\"version\":\"7\",\"claims\":{\"a\":[{\"...\":\"x\"}]}}",
    "{\"version\":\"7\",\"claims\":{},\"validUntil\":\"2020-01-01T00:00:00Z\"}",
    "{\"version\":\"7\",\"claims\":{},\"validUntil\":\"1960-01-01T00:00:00Z\"}",
    "{\"version\":\"7\",\"claims\":{},\"validUntil\":\"1970-01-01T00:00:00Z\"}",
};

START_TEST(unusable_claims_are_none)
{
    ck_assert_int_eq(read_answer(unusable[_i]).end, GW_CLAIMS_FAILED);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("claims");
    TCase *tcase = tcase_create("claims");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_file_comes_next);
    tcase_add_test(tcase, what_was_pushed_comes_first);
    tcase_add_test(tcase, what_was_pushed_can_be_over);
    tcase_add_test(tcase, what_was_pushed_for_another_instance_is_not_opened);
    tcase_add_test(tcase, what_is_sealed_does_not_show);
    tcase_add_test(tcase, a_question_names_the_instance);
    tcase_add_test(tcase, a_subject_that_cannot_be_opened_is_not_asked_about);
    tcase_add_test(tcase, an_answer_is_read);
    tcase_add_test(tcase, other_ends_are_passed_on);
    tcase_add_loop_test(tcase, unusable_claims_are_none, 0, sizeof(unusable) / sizeof(unusable[0]));
    suite_add_tcase(s, tcase);
    return s;
}

S2S_TEST_MAIN(suite)
