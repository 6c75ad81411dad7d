/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/histogram.h"
#include "tests/unit/check_main.h"

static struct load_histogram a, b, c;

static void setup(void)
{
    load_histogram_clear(&a);
    load_histogram_clear(&b);
    load_histogram_clear(&c);
}

START_TEST(empty)
{
    ck_assert_uint_eq(load_histogram_total(&a), 0);
    ck_assert_uint_eq(load_histogram_quantile(&a, 0.99), 0);
    ck_assert_uint_eq(load_histogram_max(&a), 0);
    ck_assert(load_histogram_mean(&a) == 0);
}
END_TEST

START_TEST(small_values_are_exact)
{
    for (uint64_t value = 1; value <= 100; ++value)
        load_histogram_record(&a, value);
    ck_assert_uint_eq(load_histogram_quantile(&a, 0.5), 50);
    ck_assert_uint_eq(load_histogram_quantile(&a, 0.99), 99);
    ck_assert_uint_eq(load_histogram_quantile(&a, 1), 100);
    ck_assert_uint_eq(load_histogram_quantile(&a, 0), 1);
    ck_assert(load_histogram_mean(&a) == 50.5);
}
END_TEST

/* One value alone is found again within the precision, wherever it is: at, before and after every power of two. */
START_TEST(every_value_keeps_its_precision)
{
    for (unsigned bit = 0; bit < 40; ++bit) {
        for (int off = -1; off <= 1; ++off) {
            uint64_t value = ((uint64_t)1 << bit) + (uint64_t)off;
            load_histogram_clear(&a);
            load_histogram_record(&a, value);
            load_histogram_record(&a, LOAD_HISTOGRAM_MAX); /* or the maximum would make it exact */
            uint64_t found = load_histogram_quantile(&a, 0.5);
            ck_assert_msg(found >= value && found - value <= value / 128, "%llu became %llu", (unsigned long long)value,
                          (unsigned long long)found);
        }
    }
}
END_TEST

START_TEST(quantiles_grow)
{
    uint64_t value = 1, last = 0;
    for (int i = 0; i < 10000; ++i) {
        value = value * 6364136223846793005u + 1442695040888963407u;
        load_histogram_record(&a, value >> 30);
    }
    for (int i = 0; i <= 1000; ++i) {
        uint64_t at = load_histogram_quantile(&a, i / 1000.0);
        ck_assert_uint_ge(at, last);
        last = at;
    }
    ck_assert_uint_eq(last, load_histogram_max(&a));
}
END_TEST

START_TEST(too_long_counts_as_the_longest)
{
    load_histogram_record(&a, UINT64_MAX);
    ck_assert_uint_eq(load_histogram_max(&a), LOAD_HISTOGRAM_MAX);
    ck_assert_uint_eq(load_histogram_quantile(&a, 0.5), LOAD_HISTOGRAM_MAX);
}
END_TEST

START_TEST(the_maximum_is_exact)
{
    load_histogram_record(&a, 1000001);
    ck_assert_uint_eq(load_histogram_max(&a), 1000001);
    ck_assert_uint_eq(load_histogram_quantile(&a, 0.999), 1000001);
}
END_TEST

START_TEST(sums)
{
    load_histogram_record(&a, 10);
    load_histogram_record(&b, 20);
    load_histogram_record(&b, 30);
    load_histogram_add(&a, &b);
    ck_assert_uint_eq(load_histogram_total(&a), 3);
    ck_assert_uint_eq(load_histogram_max(&a), 30);
    ck_assert_uint_eq(load_histogram_quantile(&a, 0.5), 20);
}
END_TEST

START_TEST(what_came_since)
{
    load_histogram_record(&a, 100);
    load_histogram_add(&b, &a);
    load_histogram_record(&a, 7);
    load_histogram_record(&a, 8);
    load_histogram_since(&c, &a, &b);
    ck_assert_uint_eq(load_histogram_total(&c), 2);
    ck_assert_uint_eq(load_histogram_max(&c), 8);
    ck_assert_uint_eq(load_histogram_quantile(&c, 0.5), 7);
    ck_assert(load_histogram_mean(&c) == 7.5);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("load histogram");
    TCase *t = tcase_create("histogram");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, empty);
    tcase_add_test(t, small_values_are_exact);
    tcase_add_test(t, every_value_keeps_its_precision);
    tcase_add_test(t, quantiles_grow);
    tcase_add_test(t, too_long_counts_as_the_longest);
    tcase_add_test(t, the_maximum_is_exact);
    tcase_add_test(t, sums);
    tcase_add_test(t, what_came_since);
    suite_add_tcase(s, t);
    return s;
}

S2S_TEST_MAIN(suite)
