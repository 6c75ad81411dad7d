/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/json.h"
#include "tests/unit/check_main.h"

#include <string.h>

static struct s2s_arena *arena;

static void setup(void)
{
    arena = s2s_arena_new(1 << 20);
}

static void teardown(void)
{
    s2s_arena_free(arena);
}

static struct s2s_result parse(const char *text, struct json_object **out)
{
    return s2s_json_parse(arena, text, strlen(text), 8, out);
}

START_TEST(test_accepts_rfc_8259)
{
    /* Each text, and how it is written again. */
    static const struct {
        const char *text, *compact;
    } rows[] = {
        {"{}", "{}"},
        {" [ ] \r\n\t", "[]"},
        {"null", "null"},
        {"true", "true"},
        {"false", "false"},
        {"0", "0"},
        {"-0", "0"},
        {"-12", "-12"},
        {"1.50", "1.50"},
        {"1e2", "1e2"},
        {"-1E+2", "-1E+2"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"18446744073709551615", "18446744073709551615"},
        {"\"\"", "\"\""},
        {"\"a/b\"", "\"a/b\""},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"", "\"\\\"\\\\/\\b\\f\\n\\r\\tA\""},
        {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
        {"\"\\ud836\\ude00\"",
         "\"\xf0\x9d\xa8\x80\""}, /* U+1DA00, which json-c's own parser takes for a lone surrogate */
        {"\"\x7f \xc2\x80 \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\"",
         "\"\x7f \xc2\x80 \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\""},
        {"{ \"a\" : [ 1 , { \"a\" : null } ] , \"\" : \"x\" }", "{\"a\":[1,{\"a\":null}],\"\":\"x\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_object *obj;
        struct s2s_result r = parse(rows[i].text, &obj);
        ck_assert_msg(r.code == S2S_OK, "%s: %s", rows[i].text, r.detail);
        size_t len;
        ck_assert_str_eq(s2s_json_write(arena, obj, &len), rows[i].compact);
        ck_assert_uint_eq(len, strlen(rows[i].compact));
    }
}
END_TEST

START_TEST(test_refuses_the_rest)
{
    static const char *const bad[] = {
        /* grammar */
        "",
        " ",
        "{",
        "}",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1 \"b\":2}",
        "{1:2}",
        "[1}",
        "'a'",
        "\"a",
        "tru",
        "True",
        "nul",
        "nullx",
        "NaN",
        "nan",
        "Infinity",
        "-Infinity",
        "-",
        "+1",
        "01",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x10",
        "1_0",
        "/* c */ 1",
        "1 // c",
        /* something after the value */
        "{} {}",
        "{}x",
        "1 2",
        "\"a\"\"b\"",
        "null,",
        /* strings */
        "\"\n\"",
        "\"\t\"",
        "\"\x01\"",
        "\"\\x41\"",
        "\"\\a\"",
        "\"\\\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u0000\"",
        "{\"a\\u0000b\":1}",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\ud800\"",
        "\"\\ud800x\"",
        "\"\\ud800\\n\"",
        /* UTF-8: stray, overlong, surrogate, too large, cut short, outside of a string, byte order mark */
        "\"\x80\"",
        "\"\xc0\x80\"",
        "\"\xc1\xbf\"",
        "\"\xe0\x9f\xbf\"",
        "\"\xed\xa0\x80\"",
        "\"\xf0\x8f\xbf\xbf\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xf5\x80\x80\x80\"",
        "\"\xff\"",
        "\"\xc3\"",
        "\"\xe2\x82\"",
        "\"\xe2\x82",
        "\xc3\xa4",
        "\xef\xbb\xbf{}",
        /* duplicate names, also when they are written differently */
        "{\"a\":1,\"a\":1}",
        "{\"a\":1,\"\\u0061\":2}",
        "[{\"b\":{\"a\":1,\"c\":2,\"a\":null}}]",
        /* numbers that no double holds, or too long to be one */
        "[1e400]",
        "{\"a\":-1e999}",
        "11111111111111111111111111111111111111111111111111111111111111111111111111",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct json_object *obj;
        struct s2s_result r = parse(bad[i], &obj);
        ck_assert_msg(r.code == S2S_MALFORMED && r.detail != NULL, "%s: %d", bad[i], (int)r.code);
    }
}
END_TEST

/* What json-c's own parser makes of a text. */
static struct json_object *by_tokener(const char *text, size_t len)
{
    struct json_tokener *tokener = json_tokener_new();
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    struct json_object *tree = json_tokener_parse_ex(tokener, text, (int)len);
    if (json_tokener_get_error(tokener) == json_tokener_continue) /* a number or a word could go on */
        tree = json_tokener_parse_ex(tokener, "", 1);
    ck_assert_msg(json_tokener_get_error(tokener) == json_tokener_success, "%.*s", (int)len, text);
    json_tokener_free(tokener);
    return s2s_json_own(arena, tree);
}

static void assert_same_tree(const char *text, size_t len, struct json_object *tree)
{
    struct json_object *expected = by_tokener(text, len);
    size_t size, expected_size;
    const char *written = s2s_json_write(arena, tree, &size);
    const char *expected_text = s2s_json_write(arena, expected, &expected_size);
    ck_assert_msg(json_object_equal(tree, expected), "%.*s", (int)len, text);
    ck_assert_uint_eq(size, expected_size);
    ck_assert_mem_eq(written, expected_text, size);
}

START_TEST(test_trees_are_those_of_json_c)
{
    static const char *const texts[] = {
        "{\"a\":1,\"b\":[true,false,null,{}],\"c\":-1.5e-3,\"d\":\"\xc3\xa4\"}",
        "{\"\\u00e4\\n\":\"\\ud83d\\ude00 \\\"x\\\\\"}",
        "[0,-0,1,-1,0.0,-0.0,1E5,1e-5,123456789012345678901234567890,-123456789012345678901234567890]",
        "[9223372036854775807,9223372036854775808,-9223372036854775808,-9223372036854775809,18446744073709551616]",
        "[0.1,1.7976931348623157e308,5e-324,1e-400,3.000]",
        "{\"a name that is longer than most names of this protocol are, and longer than sixty-four octets\":\"v\"}",
        "\"\\u0001\\u001f\\u007f\\u0080\\u07ff\\u0800\\uffff\\ud800\\udc00\\udbff\\udfff\"",
        "[\"\\/\",\"plain\",\"\\t\\t\",\"longer than the one before: \\r\\b\\f\",[[[[\"\\\"\"]]]]]",
        " [ 1 , { \"a\" : \"b\" } , [ ] , { } ] ",
    };
    unsigned state = 1;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t len = strlen(texts[i]), good = 0;
        char *text = s2s_arena_strndup(arena, texts[i], len);
        /* The text itself, then with one octet exchanged for another one of it: most are still good. */
        for (int round = 0; round < 500; round++) {
            struct s2s_arena *kept = arena;
            struct json_object *tree;
            arena = s2s_arena_new(1 << 20);
            if (s2s_json_parse(arena, text, len, 8, &tree).code == S2S_OK) {
                assert_same_tree(text, len, tree);
                good++;
            }
            s2s_arena_free(arena);
            arena = kept;
            state = state * 1103515245 + 12345;
            memcpy(text, texts[i], len);
            text[(state >> 8) % len] = texts[i][(state >> 20) % len];
        }
        ck_assert_uint_gt(good, 10);
    }
}
END_TEST

START_TEST(test_needs_no_nul_and_refuses_one)
{
    struct json_object *obj;
    ck_assert_int_eq(s2s_json_parse(arena, "123456", 3, 8, &obj).code, S2S_OK);
    ck_assert_int_eq(json_object_get_int(obj), 123);
    ck_assert_int_eq(s2s_json_parse(arena, "{}\0", 3, 8, &obj).code, S2S_MALFORMED);
    ck_assert_int_eq(s2s_json_parse(arena, "\"a\0b\"", 5, 8, &obj).code, S2S_MALFORMED);
    ck_assert_int_eq(s2s_json_parse(arena, NULL, 0, 8, &obj).code, S2S_MALFORMED);
}
END_TEST

START_TEST(test_depth)
{
    struct json_object *obj;
    ck_assert_int_eq(parse("[[[[[[[[1]]]]]]]]", &obj).code, S2S_OK);
    ck_assert_int_eq(parse("[[[[{\"a\":[{\"b\":[null]}]}]]]]", &obj).code, S2S_OK);
    ck_assert_int_eq(parse("[[[[[[[[[]]]]]]]]]", &obj).code, S2S_LIMIT);
    ck_assert_int_eq(parse("[[[[[[[[]]]]]]],[[[[[[[]]]]]]]]", &obj).code, S2S_OK);
    ck_assert_int_eq(s2s_json_parse(arena, "7", 1, 0, &obj).code, S2S_OK);
    ck_assert_int_eq(s2s_json_parse(arena, "[]", 2, 0, &obj).code, S2S_LIMIT);
    char *deep = s2s_arena_alloc(arena, 100001);
    memset(deep, '[', 100000);
    ck_assert_int_eq(parse(deep, &obj).code, S2S_LIMIT);
}
END_TEST

START_TEST(test_access)
{
    struct json_object *obj;
    ck_assert_int_eq(parse("{\"s\":\"text\",\"n\":5,\"z\":null}", &obj).code, S2S_OK);
    ck_assert_str_eq(s2s_json_string(obj, "s"), "text");
    ck_assert_ptr_null(s2s_json_string(obj, "n"));
    ck_assert_ptr_null(s2s_json_string(obj, "absent"));
    ck_assert_ptr_nonnull(s2s_json_get(obj, "n"));
    ck_assert_ptr_null(s2s_json_get(obj, "z"));
    ck_assert_ptr_null(s2s_json_get(s2s_json_get(obj, "s"), "s"));
    ck_assert_ptr_null(s2s_json_get(NULL, "s"));
    s2s_json_set_string(obj, "s", "other");
    ck_assert_str_eq(s2s_json_string(obj, "s"), "other");
}
END_TEST

START_TEST(test_trees_respect_the_ceiling)
{
    static const char *const items[] = {"{},", "[],", "0,", "\"\",", "{\"a\":0},", "[{}],"};
    const size_t ceiling = 1 << 20;
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        char text[65536];
        size_t len = 0, item_len = strlen(items[i]);
        for (text[len++] = '['; len + item_len < sizeof text; len += item_len)
            memcpy(text + len, items[i], item_len);
        text[len - 1] = ']';
        struct s2s_arena *small = s2s_arena_new(ceiling);
        struct json_object *obj;
        ck_assert_int_eq(s2s_json_parse(small, text, len, 8, &obj).code, S2S_LIMIT);
        s2s_arena_free(small);
    }
    /* The text itself does not count: it is as long as its strings are. */
    struct json_object *obj;
    char text[65536];
    memset(text, 'x', sizeof text);
    text[0] = text[sizeof text - 1] = '"';
    struct s2s_arena *small = s2s_arena_new(1024);
    ck_assert_int_eq(s2s_json_parse(small, text, sizeof text, 8, &obj).code, S2S_OK);
    s2s_arena_free(small);
}
END_TEST

START_TEST(test_write_respects_the_ceiling)
{
    struct s2s_arena *small = s2s_arena_new(8);
    struct json_object *obj = s2s_json_own(small, json_object_new_string("0123456789"));
    ck_assert_ptr_null(s2s_json_write(small, obj, NULL));
    ck_assert_ptr_null(s2s_json_own(small, NULL));
    s2s_arena_free(small);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("json");
    TCase *tc = tcase_create("json");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_accepts_rfc_8259);
    tcase_add_test(tc, test_refuses_the_rest);
    tcase_add_test(tc, test_trees_are_those_of_json_c);
    tcase_add_test(tc, test_needs_no_nul_and_refuses_one);
    tcase_add_test(tc, test_depth);
    tcase_add_test(tc, test_access);
    tcase_add_test(tc, test_trees_respect_the_ceiling);
    tcase_add_test(tc, test_write_respects_the_ceiling);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
