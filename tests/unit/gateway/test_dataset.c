/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/credential/dataset.h"

#include "fixture.h"

static struct gw_vault *vault;
static struct gw_file old_key, new_key;

static struct gw_vault *vault_of(struct gw_file first, struct gw_file second, size_t count)
{
    struct gw_file files[] = {first, second};
    struct gw_config config = {.data_keys = {files, count}};
    struct gw_vault *loaded = gw_vault_load(&config, &errors);
    assert_no_error();
    return loaded;
}

static void setup(void)
{
    fixture_setup();
    old_key = write_data_key("old.key");
    new_key = write_data_key("new.key");
    vault = vault_of(old_key, old_key, 1);
}

static void teardown(void)
{
    gw_vault_free(vault);
    fixture_teardown();
}

static struct gw_dataset *load(const char *text)
{
    struct gw_file file = write_file("dataset.json", 21, text);
    return gw_dataset_load(&file, vault, &errors);
}

/* The version of `subject` in a file with this text. */
static const char *version_in(const char *text, const char *subject)
{
    struct gw_dataset *dataset = load(text);
    assert_no_error();
    ck_assert_ptr_nonnull(dataset);
    char ref[GW_PSEUDONYM_SIZE];
    struct gw_dataset_entry entry;
    ck_assert(gw_dataset_subject_ref(dataset, subject, ref));
    ck_assert(gw_dataset_find(dataset, ref, &entry));
    const char *version = s2s_arena_printf(arena, "%s", entry.version);
    gw_dataset_free(dataset);
    return version;
}

START_TEST(subjects_are_found_by_reference)
{
    struct gw_dataset *dataset = load("{\"version\":\"2026-11\",\"subjects\":{\"default\":{\"given_name\":\"Erika\"},"
                                      "\"alice\":{\"given_name\":\"Alice\",\"age\":41},\"nobody\":{}}}");
    assert_no_error();
    char ref[GW_PSEUDONYM_SIZE];
    struct gw_dataset_entry entry;
    ck_assert(gw_dataset_subject_ref(dataset, "alice", ref));
    ck_assert_ptr_null(strstr(ref, "alice"));
    ck_assert(gw_dataset_find(dataset, ref, &entry));
    ck_assert_str_eq(s2s_json_string(entry.claims, "given_name"), "Alice");
    ck_assert_int_eq(strncmp(entry.version, "2026-11-", 8), 0);
    ck_assert(gw_dataset_subject_ref(dataset, "nobody", ref));
    ck_assert(gw_dataset_find(dataset, ref, &entry));
    ck_assert_int_eq(json_object_object_length(entry.claims), 0);

    ck_assert(!gw_dataset_subject_ref(dataset, "mallory", ref));
    ck_assert(!gw_dataset_find(dataset, "", &entry));
    ck_assert(!gw_dataset_find(dataset, "alice", &entry));
    ck_assert(!gw_dataset_find(dataset, "00000000.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &entry));
    gw_dataset_free(dataset);
}
END_TEST

START_TEST(references_survive_a_new_data_key)
{
    static const char text[] = "{\"version\":\"1\",\"subjects\":{\"a\":{\"x\":1},\"b\":{\"x\":2},\"c\":{\"x\":3}}}";
    struct gw_dataset *dataset = load(text);
    char old_ref[GW_PSEUDONYM_SIZE], new_ref[GW_PSEUDONYM_SIZE];
    struct gw_dataset_entry old_entry, new_entry, again;
    ck_assert(gw_dataset_subject_ref(dataset, "b", old_ref));
    ck_assert(gw_dataset_find(dataset, old_ref, &old_entry));

    struct gw_vault *rotated = vault_of(new_key, old_key, 2);
    struct gw_file file = file_at("dataset.json", 21);
    struct gw_dataset *reloaded = gw_dataset_load(&file, rotated, &errors);
    ck_assert(gw_dataset_subject_ref(reloaded, "b", new_ref));
    ck_assert_str_ne(old_ref, new_ref);
    ck_assert(gw_dataset_find(reloaded, old_ref, &again));
    ck_assert(gw_dataset_find(reloaded, new_ref, &new_entry));
    ck_assert_ptr_eq(again.claims, new_entry.claims);
    ck_assert_int_eq(json_object_get_int(s2s_json_get(new_entry.claims, "x")), 2);
    ck_assert_str_eq(old_entry.version, new_entry.version);
    gw_dataset_free(reloaded);
    gw_vault_free(rotated);
    gw_dataset_free(dataset);
}
END_TEST

START_TEST(versions_change_with_the_content_only)
{
    const char *version =
        version_in("{\"version\":\"1\",\"subjects\":{\"a\":{\"x\":1,\"y\":{\"p\":1,\"q\":[1,2]}}}}", "a");
    static const char *const equal[] = {
        "{\"version\":\"1\",\"subjects\":{\"a\":{\"x\":1,\"y\":{\"p\":1,\"q\":[1,2]}}}}",
        " { \"subjects\" : {\"b\":{\"x\":2}, \"a\":{\"y\":{\"q\":[1,2],\"p\":1},\"x\":1}}, \"version\":\"1\"}",
    };
    static const char *const different[] = {
        "{\"version\":\"2\",\"subjects\":{\"a\":{\"x\":1,\"y\":{\"p\":1,\"q\":[1,2]}}}}",
        "{\"version\":\"1\",\"subjects\":{\"a\":{\"x\":2,\"y\":{\"p\":1,\"q\":[1,2]}}}}",
        "{\"version\":\"1\",\"subjects\":{\"a\":{\"x\":1,\"y\":{\"p\":1,\"q\":[2,1]}}}}",
        "{\"version\":\"1\",\"subjects\":{\"a\":{\"x\":\"1\",\"y\":{\"p\":1,\"q\":[1,2]}}}}",
        "{\"version\":\"1\",\"subjects\":{\"a\":{\"y\":{\"p\":1,\"q\":[1,2]}}}}",
    };
    for (size_t i = 0; i < sizeof equal / sizeof equal[0]; i++)
        ck_assert_str_eq(version, version_in(equal[i], "a"));
    for (size_t i = 0; i < sizeof different / sizeof different[0]; i++)
        ck_assert_str_ne(version, version_in(different[i], "a"));
}
END_TEST

/* Equal claims of two subjects, and of the same subject under another data key, must not show as equal. */
START_TEST(versions_do_not_leak_claims)
{
    static const char text[] = "{\"version\":\"1\",\"subjects\":{\"a\":{\"x\":1},\"b\":{\"x\":1}}}";
    const char *version = version_in(text, "a");
    ck_assert_str_ne(version, version_in(text, "b"));
    gw_vault_free(vault);
    vault = vault_of(new_key, new_key, 1);
    ck_assert_str_ne(version, version_in(text, "a"));
}
END_TEST

START_TEST(bad_files_are_refused)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "not good JSON"},
        {"{\"version\":\"1\",\"version\":\"1\",\"subjects\":{\"a\":{}}}", "not good JSON"},
        {"[]", "has no subjects"},
        {"null", "has no subjects"},
        {"{\"version\":\"1\"}", "has no subjects"},
        {"{\"version\":\"1\",\"subjects\":{}}", "has no subjects"},
        {"{\"version\":\"1\",\"subjects\":[]}", "has no subjects"},
        {"{\"subjects\":{\"a\":{}}}", "needs a \"version\""},
        {"{\"version\":1,\"subjects\":{\"a\":{}}}", "needs a \"version\""},
        {"{\"version\":\"\",\"subjects\":{\"a\":{}}}", "needs a \"version\""},
        {"{\"version\":\"a b\",\"subjects\":{\"a\":{}}}", "needs a \"version\""},
        {"{\"version\":\"1\",\"subjects\":{\"a\":{}},\"more\":1}", "unknown member \"more\""},
        {"{\"version\":\"1\",\"subjects\":{\"a\":{},\"secret-name\":7}}", "number 2"},
        {"{\"version\":\"1\",\"subjects\":{\"\":{}}}", "number 1"},
        {"{\"version\":\"1\",\"subjects\":{\"a\":{\"iss\":\"x\"}}}", "sets the claim \"iss\""},
        {"{\"version\":\"1\",\"subjects\":{\"a\":{\"iat\":1}}}", "sets the claim \"iat\""},
        {"{\"version\":\"1\",\"subjects\":{\"a\":{\"exp\":1}}}", "sets the claim \"exp\""},
        {"{\"version\":\"1\",\"subjects\":{\"a\":{\"nbf\":1}}}", "sets the claim \"nbf\""},
        {"{\"version\":\"1\",\"subjects\":{\"a\":{\"cnf\":{}}}}", "sets the claim \"cnf\""},
        {"{\"version\":\"1\",\"subjects\":{\"a\":{\"vct\":\"x\"}}}", "sets the claim \"vct\""},
        {"{\"version\":\"1\",\"subjects\":{\"a\":{\"status\":{}}}}", "sets the claim \"status\""},
        {"{\"version\":\"1\",\"subjects\":{\"a\":{\"_sd\":[]}}}", "sets the claim \"_sd\""},
        {"{\"version\":\"1\",\"subjects\":{\"a\":{\"_sd_alg\":\"x\"}}}", "sets the claim \"_sd_alg\""},
        {"{\"version\":\"1\",\"subjects\":{\"a\":{\"...\":1}}}", "sets the claim \"...\""},
        {"{\"version\":\"1\",\"subjects\":{\"a\":{\"x\":{\"_sd\":[]}}}}", "inside of the claim \"x\""},
        {"{\"version\":\"1\",\"subjects\":{\"a\":{\"x\":[{\"...\":\"d\"}]}}}", "inside of the claim \"x\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_ptr_null(load(cases[i].text));
        fflush(errors.out);
        ck_assert_ptr_null(strstr(error_text, "secret-name"));
        assert_one_error(21, cases[i].error);
    }
}
END_TEST

START_TEST(every_bad_claim_is_reported)
{
    ck_assert_ptr_null(load("{\"version\":\"1\",\"subjects\":{\"a\":{\"iss\":1,\"x\":1},\"b\":{\"exp\":1}}}"));
    fflush(errors.out);
    ck_assert_uint_eq(errors.count, 2);
}
END_TEST

START_TEST(a_missing_file_is_refused)
{
    struct gw_file file = file_at("missing.json", 21);
    ck_assert_ptr_null(gw_dataset_load(&file, vault, &errors));
    assert_one_error(21, "cannot be read");
}
END_TEST

static Suite *dataset_suite(void)
{
    Suite *suite = suite_create("dataset");
    TCase *tcase = tcase_create("dataset");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, subjects_are_found_by_reference);
    tcase_add_test(tcase, references_survive_a_new_data_key);
    tcase_add_test(tcase, versions_change_with_the_content_only);
    tcase_add_test(tcase, versions_do_not_leak_claims);
    tcase_add_test(tcase, bad_files_are_refused);
    tcase_add_test(tcase, every_bad_claim_is_reported);
    tcase_add_test(tcase, a_missing_file_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

S2S_TEST_MAIN(dataset_suite)
