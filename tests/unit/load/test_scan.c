/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/scan.h"
#include "tests/unit/check_main.h"

#include <string.h>

static struct s2s_bytes bytes(const char *text)
{
    return s2s_bytes(text, strlen(text));
}

static void assert_text(struct s2s_bytes value, const char *expected)
{
    ck_assert_msg(value.len == strlen(expected) && memcmp(value.data, expected, value.len) == 0, "'%.*s' is not '%s'",
                  (int)value.len, (const char *)value.data, expected);
}

START_TEST(members)
{
    struct s2s_bytes object = bytes(" {\"a\" : 1, \"b\":\"x,}\" ,\"c\":{\"a\":[2,\"]\"]}, \"d\":[ ], \"e\":null}");
    assert_text(load_scan_member(object, "a"), "1");
    assert_text(load_scan_member(object, "b"), "\"x,}\"");
    assert_text(load_scan_member(object, "c"), "{\"a\":[2,\"]\"]}");
    assert_text(load_scan_member(object, "d"), "[ ]");
    assert_text(load_scan_member(object, "e"), "null");
    ck_assert_uint_eq(load_scan_member(object, "f").len, 0);
}
END_TEST

START_TEST(elements)
{
    struct s2s_bytes array = bytes("[ {\"id\":[\"x\"]} , \"two\",3]");
    assert_text(load_scan_element(array, 0), "{\"id\":[\"x\"]}");
    assert_text(load_scan_element(array, 1), "\"two\"");
    assert_text(load_scan_element(array, 2), "3");
    ck_assert_uint_eq(load_scan_element(array, 3).len, 0);
    ck_assert_uint_eq(load_scan_element(bytes("[]"), 0).len, 0);
    assert_text(load_scan_element(load_scan_member(load_scan_element(array, 0), "id"), 0), "\"x\"");
}
END_TEST

START_TEST(escapes)
{
    struct s2s_bytes object = bytes("{\"a\":\"\\\"\",\"b\":\"\\\\\",\"c\":\"\\\\\\\"}\",\"d\":\"plain\"}");
    struct s2s_bytes content;
    assert_text(load_scan_member(object, "a"), "\"\\\"\"");
    assert_text(load_scan_member(object, "b"), "\"\\\\\"");
    assert_text(load_scan_member(object, "d"), "\"plain\"");
    ck_assert(!load_scan_string(load_scan_member(object, "a"), &content));
    ck_assert(load_scan_string(load_scan_member(object, "d"), &content));
    assert_text(content, "plain");
    ck_assert(load_scan_is(load_scan_member(object, "d"), "plain"));
    ck_assert(!load_scan_is(load_scan_member(object, "d"), "plai"));
    ck_assert(!load_scan_is(load_scan_member(object, "none"), ""));
}
END_TEST

/* Whatever the server sends, nothing outside of it is read. Each text is cut off at every place, in memory of its own.
 */
START_TEST(broken_texts)
{
    static const char *const texts[] = {
        "",
        "{",
        "[",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":\"",
        "{\"a\":\"\\",
        "{\"a\":{\"b\":[1,",
        "x",
        "\"{\"",
        "{\"a\":1]}",
        "}{",
        "{a:1}",
        "{\"a\" 1}",
        "[1 2",
        "{\"x\":\"\\\\\\\"\",\"a\":[}",
        ",",
        "   ",
        "{\"a\":}",
        "[,]",
        "[[[[[[[[",
        "{\"a\":1,,\"b\"",
        "]]]]",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i) {
        for (size_t len = 0; len <= strlen(texts[i]); ++len) {
            char *copy = malloc(len + 1);
            ck_assert_ptr_nonnull(copy);
            copy = realloc(copy, len > 0 ? len : 1);
            memcpy(copy, texts[i], len);
            struct s2s_bytes content;
            struct s2s_bytes member = load_scan_member(s2s_bytes(copy, len), "a");
            struct s2s_bytes element = load_scan_element(s2s_bytes(copy, len), 1);
            ck_assert(member.len <= len && element.len <= len);
            (void)load_scan_string(member, &content);
            free(copy);
        }
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("load scan");
    TCase *t = tcase_create("scan");
    tcase_add_test(t, members);
    tcase_add_test(t, elements);
    tcase_add_test(t, escapes);
    tcase_add_test(t, broken_texts);
    suite_add_tcase(s, t);
    return s;
}

S2S_TEST_MAIN(suite)
