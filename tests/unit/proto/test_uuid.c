/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/uuid.h"
#include "tests/unit/check_main.h"

#include <string.h>

START_TEST(test_valid)
{
    static const char *const good[] = {
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    };
    static const char *const bad[] = {
        "",
        "f81d4fae7dec11d0a76500a0c91e6bf6",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6 ",
        "g81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "f81d4fae-7dec-11d0-a7650-0a0c91e6bf6",
        "{81d4fae-7dec-11d0-a765-00a0c91e6bf}",
        "f81d4fae-7dec-11d0-a765-00a0c91e6b\xc3\xb6",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert_msg(s2s_uuid_valid(good[i], strlen(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!s2s_uuid_valid(bad[i], strlen(bad[i])), "%s", bad[i]);
}
END_TEST

START_TEST(test_new_is_random_and_version_4)
{
    char a[S2S_UUID_SIZE], b[S2S_UUID_SIZE];
    for (int i = 0; i < 100; i++) {
        s2s_uuid_new(a);
        s2s_uuid_new(b);
        ck_assert(s2s_uuid_valid(a, strlen(a)));
        ck_assert_str_ne(a, b);
        ck_assert_int_eq(a[14], '4');
        ck_assert_ptr_nonnull(strchr("89ab", a[19]));
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("uuid");
    TCase *tc = tcase_create("uuid");
    tcase_add_test(tc, test_valid);
    tcase_add_test(tc, test_new_is_random_and_version_4);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
