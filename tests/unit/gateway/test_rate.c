/* SPDX-License-Identifier: Apache-2.0 */
#include "../check_main.h"

#include "gateway/net/rate.h"

#define SECOND INT64_C(1000000)

static struct gw_rate rate;
static const struct gw_rate_limit limit = {.per_second = 10, .burst = 5};

static void setup(void)
{
    rate = (struct gw_rate){0};
}

START_TEST(a_burst_passes_and_then_the_rate)
{
    int64_t now = 100 * SECOND;
    for (int i = 0; i < 5; ++i)
        ck_assert_int_eq(gw_rate_take(&rate, &limit, now), 0);
    ck_assert_int_eq(gw_rate_take(&rate, &limit, now), 1);
    ck_assert_int_eq(gw_rate_take(&rate, &limit, now + SECOND / 10 - 1), 1);
    ck_assert_int_eq(gw_rate_take(&rate, &limit, now + SECOND / 10), 0);
    ck_assert_int_eq(gw_rate_take(&rate, &limit, now + SECOND / 10), 1);
}
END_TEST

START_TEST(a_refused_request_costs_nothing)
{
    int64_t now = 100 * SECOND;
    for (int i = 0; i < 1000; ++i)
        (void)gw_rate_take(&rate, &limit, now);
    ck_assert_int_eq(gw_rate_take(&rate, &limit, now + SECOND / 10), 0);
}
END_TEST

START_TEST(a_pause_fills_the_burst_again_but_no_more)
{
    int64_t now = 100 * SECOND;
    for (int i = 0; i < 5; ++i)
        (void)gw_rate_take(&rate, &limit, now);
    now += 3600 * SECOND;
    for (int i = 0; i < 5; ++i)
        ck_assert_int_eq(gw_rate_take(&rate, &limit, now), 0);
    ck_assert_int_gt(gw_rate_take(&rate, &limit, now), 0);
}
END_TEST

START_TEST(the_wait_is_told_in_whole_seconds)
{
    const struct gw_rate_limit slow = {.per_second = 0.2, .burst = 1};
    ck_assert_int_eq(gw_rate_take(&rate, &slow, 100 * SECOND), 0);
    ck_assert_int_eq(gw_rate_take(&rate, &slow, 100 * SECOND), 5);
    ck_assert_int_eq(gw_rate_take(&rate, &slow, 103 * SECOND + 1), 2);
}
END_TEST

START_TEST(no_limit_never_refuses)
{
    const struct gw_rate_limit none = {0};
    for (int i = 0; i < 100000; ++i)
        ck_assert_int_eq(gw_rate_take(&rate, &none, 1), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("rate");
    TCase *tcase = tcase_create("rate");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, a_burst_passes_and_then_the_rate);
    tcase_add_test(tcase, a_refused_request_costs_nothing);
    tcase_add_test(tcase, a_pause_fills_the_burst_again_but_no_more);
    tcase_add_test(tcase, the_wait_is_told_in_whole_seconds);
    tcase_add_test(tcase, no_limit_never_refuses);
    suite_add_tcase(s, tcase);
    return s;
}

S2S_TEST_MAIN(suite)
