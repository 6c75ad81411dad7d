/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/problem.h"
#include "tests/unit/check_main.h"

#include <ctype.h>
#include <string.h>

static struct s2s_arena *arena;

static void setup(void)
{
    arena = s2s_arena_new(1 << 16);
}

static void teardown(void)
{
    s2s_arena_free(arena);
}

START_TEST(test_table_is_complete)
{
    for (int i = 0; i < S2S_PROBLEM_COUNT; i++) {
        const struct s2s_problem_info *info = &s2s_problems[i];
        ck_assert_ptr_nonnull(info->type);
        ck_assert_ptr_nonnull(info->title);
        ck_assert_int_ge(info->status, 400);
        ck_assert_int_le(info->status, 599);
        ck_assert_int_eq(info->retryable, info->status == 429 || info->status >= 500);
        for (const char *c = info->error_code; *c; c++)
            ck_assert_msg(isupper((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_', "%s",
                          info->error_code);
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(info->error_code, s2s_problems[j].error_code);
    }
}
END_TEST

/* The texts that sql/functions/ composes too. */
START_TEST(test_texts_shared_with_sql)
{
    static const struct {
        enum s2s_problem_type type;
        const char *uri, *title, *error_code;
        int status;
    } rows[] = {
        {S2S_PROBLEM_NOT_FOUND, "urn:s2s-gateway:problem:not-found", "Not found", "NOT_FOUND", 404},
        {S2S_PROBLEM_SESSION_CONSUMED, "urn:s2s-gateway:problem:session-consumed", "Session already used",
         "SESSION_CONSUMED", 409},
        {S2S_PROBLEM_WRONG_STATE, "urn:s2s-gateway:problem:wrong-state", "Not possible in this state", "WRONG_STATE",
         409},
        {S2S_PROBLEM_REQUEST_ID_REUSE, "urn:s2s-gateway:problem:request-id-reuse", "Request id reused",
         "REQUEST_ID_REUSE", 422},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct s2s_problem_info *info = &s2s_problems[rows[i].type];
        ck_assert_str_eq(info->type, rows[i].uri);
        ck_assert_str_eq(info->title, rows[i].title);
        ck_assert_str_eq(info->error_code, rows[i].error_code);
        ck_assert_int_eq(info->status, rows[i].status);
        ck_assert(!info->retryable);
    }
}
END_TEST

START_TEST(test_write_everything)
{
    struct s2s_violations violations = {.count = 0};
    s2s_violation_add(arena, &violations, "", "must be an object");
    s2s_violation_add(arena, &violations, "/a~1b/0", "is required");
    const struct s2s_problem problem = {
        .type = S2S_PROBLEM_VALIDATION,
        .detail = "It is not as it should be.",
        .instance = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        .violations = &violations,
        .current_status = "DENIED",
    };
    size_t len;
    const char *text = s2s_problem_write(arena, &problem, &len);
    ck_assert_str_eq(text, "{\"type\":\"urn:s2s-gateway:problem:validation\",\"title\":\"Invalid request\","
                           "\"status\":400,\"detail\":\"It is not as it should be.\","
                           "\"instance\":\"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\","
                           "\"errorCode\":\"VALIDATION\",\"retryable\":false,\"currentStatus\":\"DENIED\","
                           "\"validationErrors\":[{\"pointer\":\"\",\"message\":\"must be an object\"},"
                           "{\"pointer\":\"/a~1b/0\",\"message\":\"is required\"}]}");
    ck_assert_uint_eq(len, strlen(text));
}
END_TEST

START_TEST(test_write_least)
{
    const struct s2s_violations none = {.count = 0};
    const struct s2s_problem problem = {.type = S2S_PROBLEM_UNAVAILABLE, .violations = &none};
    ck_assert_str_eq(s2s_problem_write(arena, &problem, NULL),
                     "{\"type\":\"urn:s2s-gateway:problem:unavailable\",\"title\":\"Temporarily unavailable\","
                     "\"status\":503,\"errorCode\":\"UNAVAILABLE\",\"retryable\":true}");
}
END_TEST

START_TEST(test_strings_are_escaped)
{
    static const char detail[] = "\"quoted\" back\\slash /slash\n\x01\x1f\x7f é";
    const struct s2s_problem problem = {.type = S2S_PROBLEM_HTTP_400, .detail = detail};
    size_t len;
    const char *text = s2s_problem_write(arena, &problem, &len);
    ck_assert_ptr_nonnull(strstr(text, "\\\"quoted\\\" back\\\\slash /slash\\u000a\\u0001\\u001f\x7f é"));

    struct json_object *parsed;
    ck_assert(!s2s_failed(s2s_json_parse(arena, text, len, 4, &parsed)));
    ck_assert_str_eq(s2s_json_string(parsed, "detail"), detail);
}
END_TEST

START_TEST(test_a_full_arena)
{
    struct s2s_arena *full = s2s_arena_new(1);
    const struct s2s_problem problem = {.type = S2S_PROBLEM_HTTP_500};
    ck_assert_ptr_null(s2s_problem_write(full, &problem, NULL));
    s2s_arena_free(full);
}
END_TEST

START_TEST(test_problem_of_a_failure)
{
    ck_assert_int_eq(s2s_problem_of(S2S_INVALID_ENCRYPTION), S2S_PROBLEM_INVALID_ENCRYPTION);
    ck_assert_int_eq(s2s_problem_of(S2S_INVALID_CLIENT_AUTHENTICATION), S2S_PROBLEM_INVALID_CLIENT_AUTHENTICATION);
    ck_assert_int_eq(s2s_problem_of(S2S_INTERNAL), S2S_PROBLEM_HTTP_500);
    ck_assert_int_eq(s2s_problem_of(S2S_MALFORMED), S2S_PROBLEM_VALIDATION);
    ck_assert_int_eq(s2s_problem_of(S2S_LIMIT), S2S_PROBLEM_VALIDATION);
    ck_assert_int_eq(s2s_problem_of(S2S_BAD_KEY), S2S_PROBLEM_VALIDATION);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("problem");
    TCase *tc = tcase_create("problem");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_table_is_complete);
    tcase_add_test(tc, test_texts_shared_with_sql);
    tcase_add_test(tc, test_write_everything);
    tcase_add_test(tc, test_write_least);
    tcase_add_test(tc, test_strings_are_escaped);
    tcase_add_test(tc, test_a_full_arena);
    tcase_add_test(tc, test_problem_of_a_failure);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
