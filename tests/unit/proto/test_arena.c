/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/arena.h"
#include "tests/unit/check_main.h"

#include <stdint.h>
#include <string.h>

START_TEST(test_memory_is_aligned_zeroed_and_distinct)
{
    struct s2s_arena *arena = s2s_arena_new(1 << 20);
    for (size_t size = 0; size < 300; size++) {
        unsigned char *p = s2s_arena_alloc(arena, size);
        ck_assert_ptr_nonnull(p);
        ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            ck_assert_uint_eq(p[i], 0);
        memset(p, 0xff, size);
    }
    ck_assert_ptr_ne(s2s_arena_alloc(arena, 0), s2s_arena_alloc(arena, 0));
    s2s_arena_free(arena);
}
END_TEST

START_TEST(test_larger_than_a_block)
{
    struct s2s_arena *arena = s2s_arena_new(1 << 20);
    char *small = s2s_arena_strndup(arena, "small", 5);
    char *large = s2s_arena_alloc(arena, 100000);
    ck_assert_ptr_nonnull(large);
    memset(large, 'x', 100000);
    ck_assert_str_eq(small, "small");
    s2s_arena_free(arena);
}
END_TEST

START_TEST(test_ceiling)
{
    struct s2s_arena *arena = s2s_arena_new(100);
    ck_assert_ptr_null(s2s_arena_alloc(arena, 101));
    ck_assert_ptr_nonnull(s2s_arena_alloc(arena, 60));
    ck_assert_ptr_null(s2s_arena_alloc(arena, 41));
    ck_assert_ptr_null(s2s_arena_alloc(arena, SIZE_MAX));
    ck_assert_ptr_null(s2s_arena_strndup(arena, "0123456789012345678901234567890123456789", 40));
    ck_assert_ptr_null(s2s_arena_printf(arena, "%040d", 1));
    ck_assert_ptr_nonnull(s2s_arena_alloc(arena, 40));
    ck_assert_ptr_null(s2s_arena_alloc(arena, 1));
    s2s_arena_free(arena);
}
END_TEST

START_TEST(test_charges_have_the_ceiling_for_themselves)
{
    struct s2s_arena *arena = s2s_arena_new(100);
    ck_assert(!s2s_arena_charge(arena, SIZE_MAX));
    ck_assert(s2s_arena_charge(arena, 60));
    ck_assert(!s2s_arena_charge(arena, 41));
    ck_assert(s2s_arena_charge(arena, 40));
    ck_assert_ptr_nonnull(s2s_arena_alloc(arena, 100));
    s2s_arena_free(arena);
}
END_TEST

START_TEST(test_scratch_takes_what_is_left)
{
    struct s2s_arena *arena = s2s_arena_new(100);
    ck_assert_ptr_nonnull(s2s_arena_alloc(arena, 60));
    ck_assert(s2s_arena_charge(arena, 70));
    struct s2s_arena *scratch = s2s_arena_scratch(arena);
    ck_assert_ptr_null(s2s_arena_alloc(scratch, 41));
    ck_assert_ptr_nonnull(s2s_arena_alloc(scratch, 40));
    ck_assert(!s2s_arena_charge(scratch, 31));
    ck_assert(s2s_arena_charge(scratch, 30));
    s2s_arena_free(scratch);
    ck_assert_ptr_nonnull(s2s_arena_alloc(arena, 40));
    s2s_arena_free(arena);
}
END_TEST

START_TEST(test_strings)
{
    struct s2s_arena *arena = s2s_arena_new(1000);
    ck_assert_str_eq(s2s_arena_strndup(arena, "abcdef", 3), "abc");
    ck_assert_str_eq(s2s_arena_strndup(arena, NULL, 0), "");
    ck_assert_str_eq(s2s_arena_printf(arena, "%s-%d", "a", 7), "a-7");
    s2s_arena_free(arena);
}
END_TEST

static char order[4];

static void note(void *arg)
{
    strncat(order, arg, 1);
}

START_TEST(test_deferred_run_newest_first)
{
    struct s2s_arena *arena = s2s_arena_new(10);
    order[0] = '\0';
    /* The argument lives in the arena itself, and deferring never fails for the ceiling. */
    s2s_arena_defer(arena, note, s2s_arena_strndup(arena, "1", 1));
    s2s_arena_defer(arena, note, s2s_arena_strndup(arena, "2", 1));
    s2s_arena_defer(arena, note, s2s_arena_strndup(arena, "3", 1));
    s2s_arena_free(arena);
    ck_assert_str_eq(order, "321");
    s2s_arena_free(NULL);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("arena");
    TCase *tc = tcase_create("arena");
    tcase_add_test(tc, test_memory_is_aligned_zeroed_and_distinct);
    tcase_add_test(tc, test_larger_than_a_block);
    tcase_add_test(tc, test_ceiling);
    tcase_add_test(tc, test_charges_have_the_ceiling_for_themselves);
    tcase_add_test(tc, test_scratch_takes_what_is_left);
    tcase_add_test(tc, test_strings);
    tcase_add_test(tc, test_deferred_run_newest_first);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
