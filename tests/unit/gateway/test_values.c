/* SPDX-License-Identifier: Apache-2.0 */
#include "../check_main.h"

#include "gateway/db/db.h"

#include <string.h>

static struct s2s_arena *arena;
static struct gw_db_call call;
static const struct gw_statement statement = {"test", "", GW_DB_MAX_PARAMS};

static void setup(void)
{
    arena = s2s_arena_new(1 << 20);
    gw_db_call_init(&call, &statement);
}

static void teardown(void)
{
    s2s_arena_free(arena);
}

START_TEST(numbers_and_intervals_are_text)
{
    gw_db_integer(&call, arena, INT64_MIN);
    gw_db_interval_ms(&call, arena, 1500);
    ck_assert_str_eq(call.values[0], "-9223372036854775808");
    ck_assert_str_eq(call.values[1], "1500 milliseconds");
    ck_assert_int_eq(call.formats[0], 0);
}
END_TEST

START_TEST(octets_are_binary_and_none_is_null)
{
    gw_db_bytes(&call, "\0\1", 2);
    gw_db_bytes(&call, NULL, 0);
    ck_assert_int_eq(call.lengths[0], 2);
    ck_assert_int_eq(call.formats[0], 1);
    ck_assert_ptr_null(call.values[1]);
}
END_TEST

/* What is written as an array literal and what must be read back from it. */
static const struct {
    const char *texts[4];
    size_t count;
    const char *literal;
} arrays[] = {
    {{NULL}, 0, "{}"},
    {{"a"}, 1, "{\"a\"}"},
    {{"", "b c"}, 2, "{\"\",\"b c\"}"},
    {{"{}", "a,b", "NULL"}, 3, "{\"{}\",\"a,b\",\"NULL\"}"},
    {{"\"", "\\", "\\\""}, 3, "{\"\\\"\",\"\\\\\",\"\\\\\\\"\"}"},
    {{"{\"jwe\":\"x\"}"}, 1, "{\"{\\\"jwe\\\":\\\"x\\\"}\"}"},
};

START_TEST(arrays_go_there_and_back)
{
    gw_db_text_array(&call, arena, arrays[_i].texts, arrays[_i].count);
    ck_assert_str_eq(call.values[0], arrays[_i].literal);
    char **texts;
    size_t count;
    ck_assert(gw_db_read_array(arena, call.values[0], &texts, &count));
    ck_assert_uint_eq(count, arrays[_i].count);
    for (size_t i = 0; i < count; ++i)
        ck_assert_str_eq(texts[i], arrays[_i].texts[i]);
}
END_TEST

START_TEST(a_null_entry_is_written_as_null)
{
    const char *texts[] = {"a", NULL};
    gw_db_text_array(&call, arena, texts, 2);
    ck_assert_str_eq(call.values[0], "{\"a\",NULL}");
}
END_TEST

START_TEST(unquoted_elements_are_read)
{
    char **texts;
    size_t count;
    ck_assert(gw_db_read_array(arena, "{badge_auto,\"x y\",z}", &texts, &count));
    ck_assert_uint_eq(count, 3);
    ck_assert_str_eq(texts[0], "badge_auto");
    ck_assert_str_eq(texts[1], "x y");
    ck_assert_str_eq(texts[2], "z");
}
END_TEST

static const char *const no_arrays[] = {"", "{", "a", "{a", "{a,", "{\"a}", "{\"a\"", "{a}b", "{\"a\"b}", "{\"\\"};

START_TEST(damaged_literals_are_refused)
{
    char **texts;
    size_t count;
    ck_assert(!gw_db_read_array(arena, no_arrays[_i], &texts, &count));
}
END_TEST

START_TEST(octets_are_read_from_hex)
{
    struct s2s_bytes octets;
    ck_assert(gw_db_read_bytes(arena, "\\x00ff10", &octets));
    ck_assert_uint_eq(octets.len, 3);
    ck_assert_int_eq(memcmp(octets.data, "\x00\xff\x10", 3), 0);
    ck_assert(gw_db_read_bytes(arena, "\\x", &octets));
    ck_assert_uint_eq(octets.len, 0);
}
END_TEST

static const char *const no_octets[] = {"", "\\", "x00", "\\x0", "\\x0g", "\\xg0", "\\y00"};

START_TEST(other_text_is_no_octets)
{
    struct s2s_bytes octets;
    ck_assert(!gw_db_read_bytes(arena, no_octets[_i], &octets));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("values");
    TCase *tcase = tcase_create("values");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, numbers_and_intervals_are_text);
    tcase_add_test(tcase, octets_are_binary_and_none_is_null);
    tcase_add_loop_test(tcase, arrays_go_there_and_back, 0, sizeof(arrays) / sizeof(arrays[0]));
    tcase_add_test(tcase, a_null_entry_is_written_as_null);
    tcase_add_test(tcase, unquoted_elements_are_read);
    tcase_add_loop_test(tcase, damaged_literals_are_refused, 0, sizeof(no_arrays) / sizeof(no_arrays[0]));
    tcase_add_test(tcase, octets_are_read_from_hex);
    tcase_add_loop_test(tcase, other_text_is_no_octets, 0, sizeof(no_octets) / sizeof(no_octets[0]));
    suite_add_tcase(s, tcase);
    return s;
}

S2S_TEST_MAIN(suite)
