/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/b64.h"
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

static enum s2s_code decode(const char *text, struct s2s_bytes *out)
{
    return s2s_b64_decode(arena, text, strlen(text), out).code;
}

START_TEST(test_known_answers)
{
    /* RFC 4648 section 10, without padding; RFC 7515 appendix C. */
    static const struct {
        const char *plain, *text;
        size_t len;
    } rows[] = {
        {"", "", 0},
        {"f", "Zg", 1},
        {"fo", "Zm8", 2},
        {"foo", "Zm9v", 3},
        {"foob", "Zm9vYg", 4},
        {"fooba", "Zm9vYmE", 5},
        {"foobar", "Zm9vYmFy", 6},
        {"\x03\xec\xff\xe0\xc1", "A-z_4ME", 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_str_eq(s2s_b64_encode(arena, s2s_bytes(rows[i].plain, rows[i].len)), rows[i].text);
        ck_assert_uint_eq(s2s_b64_encoded_len(rows[i].len), strlen(rows[i].text));
        struct s2s_bytes out;
        ck_assert_int_eq(decode(rows[i].text, &out), S2S_OK);
        ck_assert_uint_eq(out.len, rows[i].len);
        ck_assert_mem_eq(out.data, rows[i].plain, rows[i].len);
    }
}
END_TEST

START_TEST(test_every_octet_comes_back)
{
    uint8_t all[256];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    for (size_t len = 0; len <= sizeof all; len++) {
        struct s2s_bytes out;
        ck_assert_int_eq(decode(s2s_b64_encode(arena, s2s_bytes(all, len)), &out), S2S_OK);
        ck_assert_uint_eq(out.len, len);
        ck_assert_mem_eq(out.data, all, len);
    }
}
END_TEST

START_TEST(test_one_encoding_only)
{
    static const char *const bad[] = {"Zg==",  "Zm9",    "Zh",   "Z",    "Zm9vY",
                                      "Zm 9v", "Zm9v\n", "+/+/", "Zm9.", "Zm\xc3\xb6"};
    struct s2s_bytes out;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(decode(bad[i], &out) == S2S_MALFORMED, "%s", bad[i]);
    ck_assert_int_eq(s2s_b64_decode(arena, "Zg\0A", 4, &out).code, S2S_MALFORMED);
}
END_TEST

START_TEST(test_ceiling)
{
    struct s2s_arena *small = s2s_arena_new(4);
    struct s2s_bytes out;
    ck_assert_int_eq(s2s_b64_decode(small, "Zm9vYmFy", 8, &out).code, S2S_LIMIT);
    ck_assert_ptr_null(s2s_b64_encode(small, s2s_bytes("foobar", 6)));
    s2s_arena_free(small);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("b64");
    TCase *tc = tcase_create("b64");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_known_answers);
    tcase_add_test(tc, test_every_octet_comes_back);
    tcase_add_test(tc, test_one_encoding_only);
    tcase_add_test(tc, test_ceiling);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
