/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/credential/jsontext.h"

#include "fixture.h"

static const char *written(const char *text)
{
    struct gw_text out = gw_text(arena);
    gw_text_add_json(&out, json(text));
    ck_assert(!out.failed);
    ck_assert_uint_eq(strlen(out.data), out.len);
    return out.data;
}

START_TEST(values_are_written_as_they_were)
{
    static const char *const texts[] = {
        "null",
        "true",
        "false",
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "0.1",
        "-1.5",
        "1e+100",
        "0.30000000000000004",
        "\"\"",
        "\"a/b\"",
        "\"Zo\xc3\xab \xf0\x9f\x98\x80\"",
        "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\"",
        "[]",
        "{}",
        "[1,[2,{\"a\":null}],\"x\"]",
        "{\"b\":1,\"a\":{\"d\":true,\"c\":[]},\"q\\\"\":2}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ck_assert_str_eq(written(texts[i]), texts[i]);
}
END_TEST

START_TEST(ordered_objects_are_equal)
{
    struct gw_text out = gw_text(arena);
    gw_text_add_json_ordered(&out, json("{\"b\":1,\"a\":[{\"z\":1,\"y\":{}},2],\"\":null}"));
    ck_assert_str_eq(out.data, "{\"\":null,\"a\":[{\"y\":{},\"z\":1},2],\"b\":1}");
}
END_TEST

START_TEST(text_grows_and_is_cleared)
{
    struct gw_text out = gw_text(arena);
    for (int i = 0; i < 5000; i++)
        gw_text_add_string(&out, "abc");
    ck_assert_uint_eq(out.len, 15000);
    ck_assert_uint_eq(strlen(out.data), 15000);
    const char *memory = out.data;
    gw_text_clear(&out);
    gw_text_add_b64(&out, s2s_bytes("\xff\xfe", 2));
    gw_text_add_json_integer(&out, INT64_MIN);
    ck_assert_str_eq(out.data, "__4-9223372036854775808");
    ck_assert_ptr_eq(out.data, memory);
    gw_text_cut(&out, 3);
    ck_assert_str_eq(out.data, "__4");
}
END_TEST

START_TEST(reserved_room_is_used)
{
    struct gw_text out = gw_text(arena);
    gw_text_reserve(&out, 5000);
    gw_text_add_string(&out, "x");
    const char *memory = out.data;
    gw_text_reserve(&out, 10); /* has it already */
    for (int i = 1; i < 5000; i++)
        gw_text_add_string(&out, "x");
    ck_assert_ptr_eq(out.data, memory);
    ck_assert_uint_eq(strlen(out.data), 5000);
    gw_text_reserve(&out, 5000);
    ck_assert_uint_eq(strlen(out.data), 5000);
    gw_text_reserve(&out, SIZE_MAX);
    ck_assert(out.failed);
}
END_TEST

START_TEST(a_full_arena_sticks)
{
    struct s2s_arena *small = s2s_arena_new(2000);
    struct gw_text out = gw_text(small);
    for (int i = 0; i < 2000; i++)
        gw_text_add_string(&out, "x");
    ck_assert(out.failed);
    gw_text_add_json(&out, json("{\"a\":[1,\"b\"]}"));
    gw_text_add_json_ordered(&out, json("{\"a\":[1,\"b\"]}"));
    gw_text_add_b64(&out, s2s_bytes("abc", 3));
    ck_assert(out.failed);
    s2s_arena_free(small);
}
END_TEST

static Suite *jsontext_suite(void)
{
    Suite *suite = suite_create("jsontext");
    TCase *tcase = fixture_case(suite);
    tcase_add_test(tcase, values_are_written_as_they_were);
    tcase_add_test(tcase, ordered_objects_are_equal);
    tcase_add_test(tcase, text_grows_and_is_cleared);
    tcase_add_test(tcase, reserved_room_is_used);
    tcase_add_test(tcase, a_full_arena_sticks);
    return suite;
}

S2S_TEST_MAIN(jsontext_suite)
