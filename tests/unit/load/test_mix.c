/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/mix.h"
#include "tests/unit/check_main.h"

#include <math.h>

START_TEST(one_alone)
{
    const unsigned weights[LOAD_ALL_SCENARIOS] = {[LOAD_SCENARIO_LIFECYCLE] = 5};
    struct load_mix mix;
    load_mix_begin(&mix, weights);
    for (int i = 0; i < 10; ++i)
        ck_assert_int_eq(load_mix_next(&mix), LOAD_SCENARIO_LIFECYCLE);
}
END_TEST

/* At every moment each scenario has had its share, give or take one. */
START_TEST(shares_at_any_time)
{
    const unsigned weights[LOAD_ALL_SCENARIOS] = {
        [LOAD_SCENARIO_INITIATE] = 7, [LOAD_SCENARIO_GET] = 2, [LOAD_SCENARIO_STATUS] = 1};
    unsigned counts[LOAD_ALL_SCENARIOS] = {0};
    struct load_mix mix;
    load_mix_begin(&mix, weights);
    for (unsigned n = 1; n <= 1000; ++n) {
        ++counts[load_mix_next(&mix)];
        for (size_t i = 0; i < LOAD_ALL_SCENARIOS; ++i)
            ck_assert(fabs(counts[i] - n * weights[i] / 10.0) <= 1);
    }
    ck_assert_uint_eq(counts[LOAD_SCENARIO_INITIATE], 700);
    ck_assert_uint_eq(counts[LOAD_SCENARIO_STATUS], 100);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("load mix");
    TCase *t = tcase_create("mix");
    tcase_add_test(t, one_alone);
    tcase_add_test(t, shares_at_any_time);
    suite_add_tcase(s, t);
    return s;
}

S2S_TEST_MAIN(suite)
