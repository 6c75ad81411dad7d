/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of commands, and the files that go with it.
 */
#include "ctl_support.h"

#include "gateway/ctl/completion.h"

#define ROOT TEST_SOURCE_DIR "/../"

static char *read_whole(const char *path)
{
    size_t len;
    char *text = ctl_read_file(&ctl, path, 1 << 20, &len);
    ck_assert_msg(text != NULL, "%s", path);
    return text;
}

/* ---- looking up ---- */

static const struct {
    const char *words[4];
    const char *found;
    size_t taken;
} lookups[] = {
    {{"verifications", "list"}, "verifications list", 2},
    {{"verifications", "show", "x"}, "verifications show", 2},
    {{"stats", "list"}, "stats", 1},
    {{"verifications"}, NULL, 0},
    {{"verification", "list"}, NULL, 0},
    {{"list"}, NULL, 0},
};

START_TEST(the_longest_words_win)
{
    size_t count = 0, taken;
    while (lookups[_i].words[count])
        count++;
    const struct ctl_command *command = ctl_command_find((char *const *)(uintptr_t)lookups[_i].words, count, &taken);
    ck_assert_uint_eq(taken, lookups[_i].taken);
    ck_assert_pstr_eq(command ? command->words : NULL, lookups[_i].found);
}
END_TEST

START_TEST(operands_say_how_many_there_may_be)
{
    size_t min, max;
    ctl_operand_range("", &min, &max);
    ck_assert(min == 0 && max == 0);
    ctl_operand_range("ID approve|deny", &min, &max);
    ck_assert(min == 2 && max == 2);
    ctl_operand_range("TYPE [INSTANCE]", &min, &max);
    ck_assert(min == 1 && max == 2);
    ctl_operand_range("CONFIGURATION...", &min, &max);
    ck_assert(min == 1 && max == (size_t)-1);
    ctl_operand_range("[COMMAND]...", &min, &max);
    ck_assert(min == 0 && max == (size_t)-1);
}
END_TEST

/* ---- the rows ---- */

static size_t holes_of(const char *path)
{
    size_t count = 0;
    for (; (path = strstr(path, "{}")) != NULL; path += 2)
        count++;
    return count;
}

START_TEST(every_command_is_whole)
{
    for (size_t i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *command = &ctl_commands[i];
        size_t min, max;
        ctl_operand_range(command->operands, &min, &max);
        ck_assert_msg(command->run || command->method, "%s does nothing", command->words);
        ck_assert_msg(!command->is_local || (!command->method && command->run), "%s", command->words);
        ck_assert_msg((command->method != NULL) == (command->path != NULL), "%s", command->words);
        ck_assert_msg(!command->view || strcmp(command->method, "GET") == 0, "%s", command->words);
        ck_assert_msg(!command->path || command->run || holes_of(command->path) == max, "%s", command->words);
        ck_assert_msg(!command->body || json_object_is_type(parsed(command->body), json_type_object), "%s",
                      command->words);
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(ctl_commands[k].words, command->words);
    }
}
END_TEST

START_TEST(every_option_is_whole)
{
    for (size_t i = 0; i < ctl_command_count; i++)
        for (size_t k = 0; k < ctl_commands[i].option_count; k++) {
            const struct ctl_command *command = &ctl_commands[i];
            const struct ctl_option *option = &command->options[k];
            ck_assert_msg(ctl_option_find(command, option->name, strlen(option->name)) == option,
                          "%s has two options %s", command->words, option->name);
            ck_assert_msg((option->place == CTL_OWN) == (option->member == NULL), "%s --%s", command->words,
                          option->name);
            ck_assert_msg((option->kind == CTL_FLAG) == (option->value == NULL), "%s --%s", command->words,
                          option->name);
            ck_assert_msg(option->place == CTL_OWN || command->method, "%s --%s goes nowhere", command->words,
                          option->name);
        }
}
END_TEST

/* ---- the files that go with it ---- */

/* The page without roff's requests and escapes. */
static void strip_roff(char *page)
{
    char *out = page;
    for (const char *at = page; *at; at++) {
        if (at[0] == '\\' && at[1] == '-')
            at++;
        else if (at[0] == '\\' && at[1] == 'f')
            at += 3;
        else if (*at == '"')
            continue;
        *out++ = *at;
    }
    *out = '\0';
}

START_TEST(the_man_page_has_every_command_and_option)
{
    char *page = read_whole(ROOT "docs/man/s2sctl.1");
    strip_roff(page);
    for (size_t i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *command = &ctl_commands[i];
        ck_assert_msg(strstr(page, command->words) != NULL, "docs/man/s2sctl.1 does not tell of %s", command->words);
        for (size_t k = 0; k < command->option_count; k++)
            ck_assert_msg(strstr(page, ctl_text(&ctl, "--%s", command->options[k].name)) != NULL,
                          "docs/man/s2sctl.1 does not tell of --%s", command->options[k].name);
    }
    for (size_t k = 0; k < ctl_common_option_count; k++)
        ck_assert_msg(strstr(page, ctl_text(&ctl, "--%s", ctl_common_options[k].name)) != NULL, "--%s",
                      ctl_common_options[k].name);
}
END_TEST

static const char *const shells[] = {"bash", "zsh"};

START_TEST(the_completion_files_are_fresh)
{
    const char *path = ctl_text(&ctl, ROOT "deploy/completion/s2sctl.%s", shells[_i]);
    ck_assert(ctl_completion_write(ctl.screen.out, shells[_i]));
    ck_assert_msg(strcmp(shown(), read_whole(path)) == 0,
                  "deploy/completion/s2sctl.%s is stale: s2sctl completion %s > deploy/completion/s2sctl.%s",
                  shells[_i], shells[_i], shells[_i]);
}
END_TEST

START_TEST(other_shells_have_no_file)
{
    ck_assert(!ctl_completion_write(ctl.screen.out, "fish"));
    ck_assert_str_eq(shown(), "");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("command");
    TCase *tc = tcase_create("command");
    tcase_add_checked_fixture(tc, ctl_setup, ctl_teardown);
    tcase_add_loop_test(tc, the_longest_words_win, 0, sizeof lookups / sizeof *lookups);
    tcase_add_test(tc, operands_say_how_many_there_may_be);
    tcase_add_test(tc, every_command_is_whole);
    tcase_add_test(tc, every_option_is_whole);
    tcase_add_test(tc, the_man_page_has_every_command_and_option);
    tcase_add_loop_test(tc, the_completion_files_are_fresh, 0, 2);
    tcase_add_test(tc, other_shells_have_no_file);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
