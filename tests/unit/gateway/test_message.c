/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/jobs/message.h"

#include "fixture.h"

#define SESSION "6f1c1a3e-0f67-4d0e-9d8c-0a4f4f6f7a10"

static struct s2s_result merge(const char *body, const char *sealed, const char **out)
{
    return gw_message_merge(arena, body, s2s_bytes(sealed, strlen(sealed)), out);
}

START_TEST(members_are_added_letter_for_letter)
{
    static const struct {
        const char *body, *sealed, *merged;
    } cases[] = {
        {"{}", "{\"a\":1}", "{\"a\":1}"},
        {"{\"a\":1}", "{}", "{\"a\":1}"},
        {"{}", "{}", "{}"},
        {" {\"a\" : 1.50 } ", "\n{ \"b\":{\"}\":[\"{\"]} }", "{\"a\" : 1.50 , \"b\":{\"}\":[\"{\"]} }"},
        {"{\"a\":123456789012345678901234567890}", "{\"b\":\"\\u00e9\"}",
         "{\"a\":123456789012345678901234567890,\"b\":\"\\u00e9\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *merged;
        ck_assert_ok(merge(cases[i].body, cases[i].sealed, &merged));
        ck_assert_str_eq(merged, cases[i].merged);
    }
}
END_TEST

START_TEST(what_cannot_be_merged_is_an_error)
{
    static const struct {
        const char *body, *sealed;
    } cases[] = {
        {"{\"a\":1}", "{\"b\":2,\"a\":1}"}, /* neither may replace what the other says */
        {"{\"a\":1}", "[1]"},
        {"\"a\"", "{}"},
        {"{\"a\":1}", "{\"b\":"},
        {"{\"a\":1}", ""},
        {"null", "{}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *merged;
        ck_assert_int_eq(merge(cases[i].body, cases[i].sealed, &merged).code, S2S_MALFORMED);
    }
}
END_TEST

/* A sealed body as the database returns it: bytea in text form. */
static const char *seal(const struct gw_vault *vault, const char *session_id, const char *text)
{
    struct s2s_bytes sealed;
    ck_assert_ok(gw_vault_seal(vault, arena, session_id, s2s_bytes(text, strlen(text)), &sealed));
    char *hex = s2s_arena_alloc(arena, 2 * sealed.len + 3);
    strcpy(hex, "\\x");
    for (size_t i = 0; i < sealed.len; i++)
        sprintf(hex + 2 + 2 * i, "%02x", sealed.data[i]);
    return hex;
}

START_TEST(what_is_sealed_belongs_to_its_session)
{
    struct gw_file file = write_data_key("data.key");
    struct gw_config config = {.data_keys = {&file, 1}};
    struct gw_vault *vault = gw_vault_load(&config, &errors);
    ck_assert_ptr_nonnull(vault);
    const char *text, *sealed = seal(vault, SESSION, "{\"secret\":true}");
    ck_assert_ok(gw_message_open(vault, arena, SESSION, "{\"a\":1}", sealed, &text));
    ck_assert_str_eq(text, "{\"a\":1,\"secret\":true}");
    ck_assert_int_eq(gw_message_open(vault, arena, "another", "{}", sealed, &text).code, S2S_REFUSED);
    ck_assert_int_eq(gw_message_open(vault, arena, SESSION, "{}", "\\x00", &text).code, S2S_MALFORMED);
    ck_assert_int_eq(gw_message_open(vault, arena, SESSION, "{}", "none", &text).code, S2S_MALFORMED);
    gw_vault_free(vault);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("message");
    TCase *tcase = tcase_create("message");
    tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
    tcase_add_test(tcase, members_are_added_letter_for_letter);
    tcase_add_test(tcase, what_cannot_be_merged_is_an_error);
    tcase_add_test(tcase, what_is_sealed_belongs_to_its_session);
    suite_add_tcase(s, tcase);
    return s;
}

S2S_TEST_MAIN(suite)
