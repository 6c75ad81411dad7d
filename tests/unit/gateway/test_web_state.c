/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/web_state.h"

#include "fixture.h"
#include "gateway/credential/subject.h"

static struct gw_vault *vault;

static void setup(void)
{
    fixture_setup();
    struct gw_file key = write_data_key("data.key");
    struct gw_config config = {.data_keys = {&key, 1}};
    vault = gw_vault_load(&config, &errors);
    ck_assert_ptr_nonnull(vault);
}

static void teardown(void)
{
    gw_vault_free(vault);
    fixture_teardown();
}

static const struct gw_web_state ours = {"session-1", "verification-1", "web \"1\""};

START_TEST(a_state_names_what_it_was_made_for)
{
    const char *text;
    struct gw_web_state found;
    ck_assert_ok(gw_web_state_seal(vault, arena, &ours, &text));
    ck_assert_uint_eq(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), strlen(text));
    ck_assert_ptr_null(strstr(text, "session"));
    ck_assert_ok(gw_web_state_open(vault, arena, text, &found));
    ck_assert_str_eq(found.session_id, ours.session_id);
    ck_assert_str_eq(found.verification_id, ours.verification_id);
    ck_assert_str_eq(found.item_id, ours.item_id);
}
END_TEST

START_TEST(nobody_else_can_make_a_state)
{
    const char *text;
    struct gw_web_state found;
    struct s2s_bytes sealed;
    ck_assert_ok(gw_web_state_seal(vault, arena, &ours, &text));
    for (size_t i = 0; i < strlen(text); i++) {
        char *bent = s2s_arena_strndup(arena, text, strlen(text));
        bent[i] = bent[i] == 'A' ? 'B' : 'A';
        ck_assert_msg(s2s_failed(gw_web_state_open(vault, arena, bent, &found)), "character %zu", i);
    }
    ck_assert(s2s_failed(gw_web_state_open(vault, arena, "", &found)));
    ck_assert(s2s_failed(gw_web_state_open(vault, arena, "session-1", &found)));
    /* What is sealed for something else is no state. */
    ck_assert_ok(gw_subject_seal(vault, arena, "session-1", "{\"session\":\"s\"}", &sealed));
    ck_assert(s2s_failed(gw_web_state_open(vault, arena, s2s_b64_encode(arena, sealed), &found)));
}
END_TEST

START_TEST(a_long_state_is_refused_unread)
{
    struct gw_web_state found;
    char *text = s2s_arena_alloc(arena, 5001);
    memset(text, 'A', 5000);
    ck_assert_code(gw_web_state_open(vault, arena, text, &found), S2S_LIMIT);
}
END_TEST

START_TEST(a_result_becomes_an_item)
{
    ck_assert_str_eq(gw_web_item(arena, "web-1", true, json("{\"sub\":\"alice\"}")),
                     "{\"id\":\"web-1\",\"type\":\"urn:s2s-gateway:verification:auth_on_web\",\"outcome\":\"SUCCESS\","
                     "\"result\":{\"sub\":\"alice\"}}");
    ck_assert_str_eq(gw_web_item(arena, "web-1", false, NULL),
                     "{\"id\":\"web-1\",\"type\":\"urn:s2s-gateway:verification:auth_on_web\","
                     "\"outcome\":\"FAILURE\"}");
}
END_TEST

START_TEST(a_subject_is_sealed_for_its_session)
{
    struct s2s_bytes sealed;
    const char *subject;
    ck_assert_ok(gw_subject_seal(vault, arena, "session-1", "alice", &sealed));
    ck_assert_ok(gw_subject_open(vault, arena, "session-1", sealed, &subject));
    ck_assert_str_eq(subject, "alice");
    ck_assert(s2s_failed(gw_subject_open(vault, arena, "session-2", sealed, &subject)));
}
END_TEST

static Suite *web_state_suite(void)
{
    Suite *suite = suite_create("web_state");
    TCase *tcase = tcase_create("web_state");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_state_names_what_it_was_made_for);
    tcase_add_test(tcase, nobody_else_can_make_a_state);
    tcase_add_test(tcase, a_long_state_is_refused_unread);
    tcase_add_test(tcase, a_result_becomes_an_item);
    tcase_add_test(tcase, a_subject_is_sealed_for_its_session);
    suite_add_tcase(suite, tcase);
    return suite;
}

S2S_TEST_MAIN(web_state_suite)
