/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/plain.h"
#include "tests/unit/check_main.h"

/* Every octet at every place of a text, among others on either side. */
START_TEST(test_runs_end_at_the_first_special_octet)
{
    for (int octet = 0; octet < 256; octet++) {
        bool plain = octet >= 0x20 && octet < 0x7F && octet != '"' && octet != '\\';
        for (size_t at = 0; at < 20; at++) {
            char text[20];
            memset(text, 'a', sizeof text);
            text[at] = (char)octet;
            ck_assert_uint_eq(s2s_plain_run(text, sizeof text), plain ? sizeof text : at);
            text[0] = '"';
            ck_assert_uint_eq(s2s_plain_run(text, sizeof text), 0);
        }
    }
}
END_TEST

START_TEST(test_nothing_is_read_past_the_end)
{
    const char *text = "abcdefghijklmnop";
    for (size_t len = 0; len <= 16; len++)
        ck_assert_uint_eq(s2s_plain_run(text, len), len);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("plain");
    TCase *tc = tcase_create("plain");
    tcase_add_test(tc, test_runs_end_at_the_first_special_octet);
    tcase_add_test(tc, test_nothing_is_read_past_the_end);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
