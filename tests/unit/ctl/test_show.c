/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables, things, and text on its way to a terminal.
 */
#include "ctl_support.h"

#include <locale.h>
#include <time.h>

static void setup(void)
{
    ctl_setup();
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
    setenv("TZ", "UTC", 1);
    tzset();
}

/* ---- text ---- */

static const struct {
    const char *text, *written;
    size_t width;
} texts[] = {
    {"plain", "plain", 5},
    {"Ødegård", "Ødegård", 7},
    {"漢字", "漢字", 4},
    {"\033[31mred", "\\x1b[31mred", 11},
    {"a\nb\tc", "a\\x0ab\\x09c", 11},
    {"\x7f", "\\x7f", 4},
    {"\xc2\x9b", "\\xc2\\x9b", 8},           /* U+009B: another way to begin a control sequence */
    {"\xe2\x80\xae", "\\xe2\\x80\\xae", 12}, /* U+202E: what follows would be read backwards */
    {"\xff\xc3", "\\xff\\xc3", 8},           /* no UTF-8 */
    {"\xc0\xaf", "\\xc0\\xaf", 8},           /* overlong */
};

START_TEST(nothing_reaches_the_terminal_that_is_not_text)
{
    ck_assert_uint_eq(ctl_text_width(texts[_i].text), texts[_i].width);
    ctl_screen_put(&ctl.screen, CTL_DEFAULT, texts[_i].text, 0, false);
    ck_assert_str_eq(shown(), texts[_i].written);
}
END_TEST

START_TEST(what_does_not_fit_is_cut)
{
    ctl_screen_put(&ctl.screen, CTL_DEFAULT, "漢字漢字", 6, true);
    ck_assert_str_eq(shown(), "漢字… ");
}
END_TEST

START_TEST(colours_are_closed)
{
    ctl.screen.colours = true;
    ctl_screen_put(&ctl.screen, ctl_state_colour("APPROVED"), "APPROVED", 0, false);
    ctl_screen_put(&ctl.screen, ctl_state_colour("whatever"), "whatever", 0, false);
    ck_assert_str_eq(shown(), "\033[32mAPPROVED\033[0mwhatever");
}
END_TEST

START_TEST(no_color_is_respected)
{
    struct ctl_screen screen;
    ctl_screen_init(&screen, stdout, "always");
    ck_assert(screen.colours);
    ctl_screen_init(&screen, stdout, NULL); /* no terminal */
    ck_assert(!screen.colours);
    ck_assert_uint_eq(screen.width, 0);
}
END_TEST

START_TEST(progress_is_for_terminals)
{
    ctl_screen_progress(&ctl.screen, 1, 4, 0, false);
    ck_assert_str_eq(shown(), "");
    ctl.screen.is_terminal = true;
    ctl_screen_progress(&ctl.screen, 1, 4, 0, false);
    ctl_screen_progress(&ctl.screen, 4, 4, 1, true);
    ck_assert_ptr_nonnull(strstr(shown(), "\r\033[K███████░"));
    ck_assert_ptr_nonnull(strstr(shown(), "  25 %  1 of 4"));
    ck_assert_ptr_nonnull(strstr(shown(), "█ 100 %  4 of 4, 1 failed\n"));
}
END_TEST

/* ---- tables ---- */

static const struct ctl_column columns[] = {
    {"ID", "id", CTL_PLAIN},       {"STATUS", "status", CTL_STATE}, {"WAITS", "waits", CTL_YES},
    {"AT", "times/at", CTL_TIME},  {"AGE", "times/at", CTL_AGE},    {"THINGS", "things", CTL_COUNT_OF},
    {"WHAT", "things", CTL_PLAIN},
};
static const struct ctl_view view = {"rows", columns, sizeof columns / sizeof *columns};

static const char *moment(time_t ago)
{
    static char text[32];
    struct tm parts;
    time_t when = time(NULL) - ago;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&when, &parts));
    return text;
}

START_TEST(a_list_is_a_table)
{
    ctl_show(&ctl, &view,
             parsed("{\"rows\":[{\"id\":\"a\",\"status\":\"PENDING\",\"waits\":true,\"things\":[\"x\",\"y\"],"
                    "\"times\":{\"at\":\"2020-02-03T04:05:06.789Z\"}},{\"id\":\"long id\"}]}"));
    const char *line = strtok((char *)(uintptr_t)shown(), "\n");
    ck_assert_int_eq(strncmp(line, "ID       STATUS   WAITS  AT                   AGE", 49), 0);
    line = strtok(NULL, "\n");
    ck_assert_int_eq(strncmp(line, "a        PENDING  yes    2020-02-03 04:05:06  ", 46), 0);
    ck_assert_str_eq(line + strlen(line) - 4, "x, y");
    ck_assert_int_eq(strncmp(strtok(NULL, "\n"), "long id  ", 9), 0);
}
END_TEST

START_TEST(a_table_fits_the_terminal)
{
    ctl.screen.width = 50;
    ctl_show(&ctl, &view,
             parsed("{\"rows\":[{\"id\":\"0123456789\",\"things\":[\"a long text that goes on and on and on\"]}]}"));
    ck_assert_ptr_nonnull(strstr(shown(), "0123456789"));
    for (char *line = strtok(output, "\n"); line; line = strtok(NULL, "\n"))
        ck_assert_uint_le(ctl_text_width(line), 50);
}
END_TEST

START_TEST(an_empty_list_says_so)
{
    ctl_show(&ctl, &view, parsed("{\"rows\":[]}"));
    ck_assert_str_eq(shown(), "");
    ck_assert_str_eq(complained(), "none\n");
}
END_TEST

/* ---- things ---- */

START_TEST(a_thing_is_lines)
{
    ctl_show(&ctl, NULL,
             parsed("{\"id\":\"a\",\"n\":3,\"list\":[\"x\",\"y\"],\"none\":[],\"inner\":{\"b\":true},"
                    "\"rows\":[{\"c\":1,\"d\":{\"e\":null}},{\"c\":2}]}"));
    ck_assert_str_eq(shown(), "id: a\nn: 3\nlist: x, y\nnone: none\ninner:\n  b: true\nrows:\n  - c: 1\n    d:\n"
                              "      e: null\n  - c: 2\n");
}
END_TEST

static const struct {
    time_t ago;
    const char *told;
} ages[] = {{30, "30 s ago"}, {3 * 60, "3 min ago"}, {7200, "2 h ago"}, {3 * 86400, "3 d ago"}, {-7205, "in 2 h"}};

START_TEST(moments_are_told_with_their_age)
{
    ctl_show(&ctl, NULL, parsed(ctl_text(&ctl, "{\"at\":\"%s\"}", moment(ages[_i].ago))));
    ck_assert_ptr_nonnull(strstr(shown(), ages[_i].told));
}
END_TEST

START_TEST(json_is_as_it_came)
{
    ctl.json = true;
    ctl_show(&ctl, &view, parsed("{\"n\":1,\"more\":\"a/b\"}"));
    ck_assert_str_eq(shown(), "{\n  \"n\":1,\n  \"more\":\"a/b\"\n}\n");
    ctl.watch_s = 1;
    ctl_show(&ctl, &view, parsed("{\"rows\":[]}"));
    ck_assert_ptr_nonnull(strstr(shown(), "}\n{\"rows\":[]}\n"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("show");
    TCase *tc = tcase_create("show");
    tcase_add_checked_fixture(tc, setup, ctl_teardown);
    tcase_add_loop_test(tc, nothing_reaches_the_terminal_that_is_not_text, 0, sizeof texts / sizeof *texts);
    tcase_add_test(tc, what_does_not_fit_is_cut);
    tcase_add_test(tc, colours_are_closed);
    tcase_add_test(tc, no_color_is_respected);
    tcase_add_test(tc, progress_is_for_terminals);
    tcase_add_test(tc, a_list_is_a_table);
    tcase_add_test(tc, a_table_fits_the_terminal);
    tcase_add_test(tc, an_empty_list_says_so);
    tcase_add_test(tc, a_thing_is_lines);
    tcase_add_loop_test(tc, moments_are_told_with_their_age, 0, sizeof ages / sizeof *ages);
    tcase_add_test(tc, json_is_as_it_came);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
