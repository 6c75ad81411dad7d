/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/freshness.h"

#include "tests/unit/check_main.h"

static const struct row {
    const char *cache_control;
    int64_t seconds;
} rows[] = {
    {"", -1},
    {"public", -1},
    {"max-age=300", 300},
    {"Max-Age=300", 300},
    {"public, max-age=300, must-revalidate", 300},
    {"max-age=\"60\"", 60}, /* RFC 9111 section 5.2: a recipient takes both forms */
    {" ,, max-age=0 ,", 0},
    {"max-age=60, max-age=30", 30},
    {"no-store", 0},
    {"max-age=300, no-cache", 0},
    {"no-cache=\"set-cookie, max-age=5\"", 0},
    {"private=\"a, max-age=5\", max-age=60", 60}, /* an argument is no directive */
    {"extension=\"\\\", max-age=5\", max-age=60", 60},
    {"s-maxage=5", -1}, /* for shared caches */
    {"stale-max-age=5", -1},
    {"max-age=99999999999999999999", GW_MAX_FRESHNESS_S},
    /* What cannot be read is stale (RFC 9111 section 4.2.1). */
    {"max-age", 0},
    {"max-age=", 0},
    {"max-age=-5", 0},
    {"max-age=5s", 0},
    {"max-age=\"", 0},
    {"max-age=\"5", 5},
    {"=5", -1},
    {"max-age 5", 0},
};

START_TEST(a_field_value)
{
    const struct row *row = &rows[_i];
    ck_assert_msg(gw_freshness_of(row->cache_control) == row->seconds, "%s: %lld", row->cache_control,
                  (long long)gw_freshness_of(row->cache_control));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("freshness");
    TCase *tcase = tcase_create("freshness");
    tcase_add_loop_test(tcase, a_field_value, 0, sizeof rows / sizeof rows[0]);
    suite_add_tcase(s, tcase);
    return s;
}

S2S_TEST_MAIN(suite)
