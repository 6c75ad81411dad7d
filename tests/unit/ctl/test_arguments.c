/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl_support.h"

#include "gateway/ctl/arguments.h"
#include "gateway/ctl/request.h"

static bool help;

#define READ(...) read_line((char *[]){(char *)"s2sctl", __VA_ARGS__, NULL})

static enum ctl_status read_line(char **argv)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    return ctl_arguments_read(&ctl, argc, argv, &help);
}

START_TEST(words_options_and_operands_come_in_any_order)
{
    ck_assert_int_eq(READ("--json", "verifications", "--url", "http://x", "decide", "v1", "approve", "--subject=a b"),
                     CTL_OK);
    ck_assert_str_eq(ctl.command->words, "verifications decide");
    ck_assert_uint_eq(ctl.operand_count, 2);
    ck_assert_str_eq(ctl.operands[0], "v1");
    ck_assert_str_eq(ctl.operands[1], "approve");
    ck_assert(ctl_given(&ctl, "json"));
    ck_assert_str_eq(ctl_value(&ctl, "url"), "http://x");
    ck_assert_str_eq(ctl_value(&ctl, "subject"), "a b");
    ck_assert(!ctl_given(&ctl, "reason"));
}
END_TEST

START_TEST(an_option_may_be_repeated_where_it_is_a_list)
{
    ck_assert_int_eq(READ("bulk", "start", "cancel", "--instance", "a", "--instance", "b"), CTL_OK);
    ck_assert_str_eq(ctl_value_at(&ctl, "instance", 0), "a");
    ck_assert_str_eq(ctl_value_at(&ctl, "instance", 1), "b");
    ck_assert_ptr_null(ctl_value_at(&ctl, "instance", 2));
}
END_TEST

START_TEST(two_dashes_end_the_options)
{
    ck_assert_int_eq(READ("decode", "--", "--key"), CTL_OK);
    ck_assert_str_eq(ctl.operands[0], "--key");
    ck_assert_uint_eq(ctl.given_count, 0);
}
END_TEST

START_TEST(one_dash_is_an_operand)
{
    ck_assert_int_eq(READ("decode", "-"), CTL_OK);
    ck_assert_str_eq(ctl.operands[0], "-");
}
END_TEST

static char *const watches[][4] = {{(char *)"stats", (char *)"--watch"},
                                   {(char *)"stats", (char *)"--watch", (char *)"0.5"},
                                   {(char *)"--watch", (char *)"3", (char *)"stats"},
                                   {(char *)"stats", (char *)"--watch=7"}};
static const char *const seconds[] = {NULL, "0.5", "3", "7"};

START_TEST(seconds_may_be_left_out)
{
    char *argv[6] = {(char *)"s2sctl"};
    memcpy(argv + 1, watches[_i], sizeof watches[_i]);
    ck_assert_int_eq(read_line(argv), CTL_OK);
    ck_assert_str_eq(ctl.command->words, "stats");
    ck_assert_uint_eq(ctl.operand_count, 0);
    ck_assert(ctl_given(&ctl, "watch"));
    ck_assert_pstr_eq(ctl_value(&ctl, "watch"), seconds[_i]);
}
END_TEST

START_TEST(help_needs_no_operands)
{
    ck_assert_int_eq(READ("verifications", "show", "--help"), CTL_OK);
    ck_assert(help);
    ck_assert_str_eq(ctl.command->words, "verifications show");
}
END_TEST

START_TEST(help_needs_no_command)
{
    ck_assert_int_eq(READ("-h"), CTL_OK);
    ck_assert(help);
    ck_assert_ptr_null(ctl.command);
}
END_TEST

static const struct {
    char *words[5];
    const char *complaint;
} wrong[] = {
    {{(char *)"fly"}, "there is no command fly"},
    {{(char *)"offers"}, "offers what?"},
    {{(char *)"stats", (char *)"--fast"}, "there is no option --fast of stats"},
    {{(char *)"stats", (char *)"-x"}, "there is no option -x of stats"},
    {{(char *)"stats", (char *)"more"}, "usage: s2sctl stats"},
    {{(char *)"verifications", (char *)"show"}, "usage: s2sctl verifications show ID"},
    {{(char *)"stats", (char *)"--url"}, "--url wants URL"},
    {{(char *)"stats", (char *)"--json=1"}, "--json takes no value"},
    {{(char *)"offers", (char *)"list", (char *)"--limit", (char *)"many"}, "--limit wants a number"},
    {{(char *)"offers", (char *)"list", (char *)"--state", (char *)"OLD"}, "--state is one of OPEN, USED"},
    {{(char *)"stats", (char *)"--json", (char *)"--json"}, "--json is given twice"},
};

START_TEST(what_is_wrong_is_told)
{
    char *argv[7] = {(char *)"s2sctl"};
    memcpy(argv + 1, wrong[_i].words, sizeof wrong[_i].words);
    ck_assert_int_eq(read_line(argv), CTL_USAGE);
    ck_assert_msg(strstr(complained(), wrong[_i].complaint) != NULL, "%s", complained());
}
END_TEST

/* ---- what becomes of them ---- */

START_TEST(options_become_a_path_and_a_query)
{
    ck_assert_int_eq(READ("verifications", "list", "--awaiting", "--peer", "a&b", "--limit", "3", "--json"), CTL_OK);
    ctl.client.curl = curl_easy_init();
    ck_assert_str_eq(ctl_request_path(&ctl), "/v1/verifications?awaiting=true&peer=a%26b&limit=3");
    curl_easy_cleanup(ctl.client.curl);
}
END_TEST

START_TEST(operands_are_encoded)
{
    ck_assert_int_eq(READ("instances", "show", "../x?y"), CTL_OK);
    ctl.client.curl = curl_easy_init();
    ck_assert_str_eq(ctl_request_path(&ctl), "/v1/instances/..%2Fx%3Fy");
    curl_easy_cleanup(ctl.client.curl);
}
END_TEST

START_TEST(options_become_a_body)
{
    ck_assert_int_eq(READ("bulk", "start", "cancel", "--subject", "s", "--instance", "a", "--instance", "b", "--reason",
                          "R", "--wait"),
                     CTL_OK);
    ck_assert_str_eq(json_object_to_json_string_ext(ctl_request_body(&ctl), JSON_C_TO_STRING_PLAIN),
                     "{\"filter\":{\"subject\":\"s\",\"instanceIds\":[\"a\",\"b\"]},\"reason\":\"R\"}");
}
END_TEST

START_TEST(a_body_begins_as_the_row_says)
{
    ck_assert_int_eq(READ("instances", "suspend", "i", "--reason", "R"), CTL_OK);
    ck_assert_str_eq(json_object_to_json_string_ext(ctl_request_body(&ctl), JSON_C_TO_STRING_PLAIN),
                     "{\"action\":\"SUSPEND\",\"reason\":\"R\"}");
}
END_TEST

START_TEST(numbers_and_flags_keep_their_types)
{
    ck_assert_int_eq(READ("offers", "make", "badge", "--tx-code-length", "8", "--by-reference"), CTL_OK);
    ck_assert_str_eq(json_object_to_json_string_ext(ctl_request_body(&ctl), JSON_C_TO_STRING_PLAIN),
                     "{\"tx_code\":{\"length\":8},\"byReference\":true}");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_told)
{
    ck_assert_int_eq(READ("instances", "dataset", "i", "--claims", "/nowhere/claims.json"), CTL_OK);
    ck_assert_ptr_null(ctl_request_body(&ctl));
    ck_assert_ptr_nonnull(strstr(complained(), "/nowhere/claims.json"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("arguments");
    TCase *tc = tcase_create("arguments");
    tcase_add_checked_fixture(tc, ctl_setup, ctl_teardown);
    tcase_add_test(tc, words_options_and_operands_come_in_any_order);
    tcase_add_test(tc, an_option_may_be_repeated_where_it_is_a_list);
    tcase_add_test(tc, two_dashes_end_the_options);
    tcase_add_test(tc, one_dash_is_an_operand);
    tcase_add_loop_test(tc, seconds_may_be_left_out, 0, 4);
    tcase_add_test(tc, help_needs_no_operands);
    tcase_add_test(tc, help_needs_no_command);
    tcase_add_loop_test(tc, what_is_wrong_is_told, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(tc, options_become_a_path_and_a_query);
    tcase_add_test(tc, operands_are_encoded);
    tcase_add_test(tc, options_become_a_body);
    tcase_add_test(tc, a_body_begins_as_the_row_says);
    tcase_add_test(tc, numbers_and_flags_keep_their_types);
    tcase_add_test(tc, a_file_that_is_not_there_is_told);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
