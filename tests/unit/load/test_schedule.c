/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/common.h"
#include "tests/load/schedule.h"
#include "tests/unit/check_main.h"

START_TEST(a_fixed_rate)
{
    struct load_schedule s = {.rate = 1000, .shares = 1};
    ck_assert_uint_eq(load_schedule_when(&s, 0), 0);
    ck_assert_uint_eq(load_schedule_when(&s, 1), LOAD_MS);
    ck_assert_uint_eq(load_schedule_when(&s, 5000), 5 * LOAD_S);
    ck_assert_uint_eq(load_schedule_due(&s, 0), 1); /* the one at the very begin */
    ck_assert_uint_eq(load_schedule_due(&s, LOAD_MS - 1), 1);
    ck_assert_uint_eq(load_schedule_due(&s, LOAD_MS), 2);
    ck_assert_uint_eq(load_schedule_due(&s, 10 * LOAD_S), 10001);
}
END_TEST

/* A ramp of T seconds to R brings R T / 2 arrivals, the first ones slowly. */
START_TEST(a_ramp)
{
    struct load_schedule s = {.rate = 100, .ramp = 10, .shares = 1};
    ck_assert_uint_eq(load_schedule_due(&s, 10 * LOAD_S), 501);
    ck_assert_uint_eq(load_schedule_due(&s, 5 * LOAD_S), 126);
    ck_assert_uint_eq(load_schedule_due(&s, 11 * LOAD_S), 601);
    ck_assert_uint_gt(load_schedule_when(&s, 1), 400 * LOAD_MS);
    ck_assert_uint_eq(load_schedule_when(&s, 600), 11 * LOAD_S);
}
END_TEST

/* What is due is exactly what has its time behind it, with rates that no binary fraction meets. */
START_TEST(due_agrees_with_when)
{
    static const double rates[] = {0.3, 7, 333.333, 4999.9, 123456.7};
    for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); ++r) {
        for (unsigned share = 0; share < 3; ++share) {
            struct load_schedule s = {.rate = rates[r], .ramp = 1.7, .share = share, .shares = 3};
            for (uint64_t i = 0; i < 2000; ++i) {
                uint64_t when = load_schedule_when(&s, i);
                ck_assert_uint_ge(load_schedule_due(&s, when), i + 1);
                if (when > 0)
                    ck_assert_uint_le(load_schedule_due(&s, when - 1), i);
            }
        }
    }
}
END_TEST

START_TEST(arrivals_never_go_back)
{
    struct load_schedule s = {.rate = 50000, .ramp = 0.5, .shares = 1};
    for (uint64_t i = 1; i < 100000; ++i)
        ck_assert_uint_ge(load_schedule_when(&s, i), load_schedule_when(&s, i - 1));
}
END_TEST

/* Threads take the arrivals in turn: together they are the whole, in the same moments. */
START_TEST(shares_make_the_whole)
{
    struct load_schedule whole = {.rate = 700, .ramp = 2, .shares = 1};
    for (unsigned share = 0; share < 4; ++share) {
        struct load_schedule part = {.rate = 700, .ramp = 2, .share = share, .shares = 4};
        for (uint64_t i = 0; i < 1000; ++i)
            ck_assert_uint_eq(load_schedule_when(&part, i), load_schedule_when(&whole, 4 * i + share));
    }
    uint64_t sum = 0;
    for (unsigned share = 0; share < 4; ++share) {
        struct load_schedule part = {.rate = 700, .ramp = 2, .share = share, .shares = 4};
        sum += load_schedule_due(&part, 3 * LOAD_S);
    }
    ck_assert_uint_eq(sum, load_schedule_due(&whole, 3 * LOAD_S));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("load schedule");
    TCase *t = tcase_create("schedule");
    tcase_add_test(t, a_fixed_rate);
    tcase_add_test(t, a_ramp);
    tcase_add_test(t, due_agrees_with_when);
    tcase_add_test(t, arrivals_never_go_back);
    tcase_add_test(t, shares_make_the_whole);
    suite_add_tcase(s, t);
    return s;
}

S2S_TEST_MAIN(suite)
