/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/version.h"
#include "tests/unit/check_main.h"

#include <string.h>

START_TEST(test_find)
{
    const struct s2s_api_version *version = s2s_api_version_find("1.0.0", 5);
    ck_assert_ptr_nonnull(version);
    ck_assert_str_eq(version->version, "1.0.0");
    ck_assert_ptr_null(version->sunset);

    ck_assert_ptr_eq(s2s_api_version_find("1.0.0,", 5), version); /* no more than `len` is looked at */
    ck_assert_ptr_null(s2s_api_version_find("1.0.0", 4));
    ck_assert_ptr_null(s2s_api_version_find("1.0.0 ", 6));
    ck_assert_ptr_null(s2s_api_version_find("1.0.1", 5));
    ck_assert_ptr_null(s2s_api_version_find("1.0", 3));
    ck_assert_ptr_null(s2s_api_version_find("", 0));
}
END_TEST

START_TEST(test_header_names_every_version)
{
    char expected[256] = "";
    for (size_t i = 0; i < s2s_api_version_count; i++) {
        if (i)
            strcat(expected, ", ");
        strcat(expected, s2s_api_versions[i].version);
    }
    ck_assert_str_eq(s2s_api_supported_versions, expected);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("version");
    TCase *tc = tcase_create("version");
    tcase_add_test(tc, test_find);
    tcase_add_test(tc, test_header_names_every_version);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
