/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/log.h"

#include "../check_main.h"

#include <errno.h>
#include <json-c/json.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 4, LINES = 200 };

static FILE *captured;
static int saved_stderr;

static void begin_capture(void)
{
    captured = tmpfile();
    ck_assert_ptr_nonnull(captured);
    saved_stderr = dup(STDERR_FILENO);
    dup2(fileno(captured), STDERR_FILENO);
}

static void end_capture(void)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    rewind(captured);
}

static char *captured_line(char *line, size_t size)
{
    return fgets(line, (int)size, captured);
}

/* The one line that was written, parsed. */
static struct json_object *captured_object(void)
{
    char line[8192];
    end_capture();
    ck_assert_ptr_nonnull(captured_line(line, sizeof line));
    ck_assert_uint_le(strlen(line), 4096);
    ck_assert_int_eq(line[strlen(line) - 1], '\n');
    struct json_tokener *parser = json_tokener_new();
    json_tokener_set_flags(parser, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *object = json_tokener_parse_ex(parser, line, (int)strlen(line) - 1);
    if (json_tokener_get_error(parser) == json_tokener_continue)
        object = json_tokener_parse_ex(parser, "", 1);
    ck_assert_msg(json_object_is_type(object, json_type_object), "not an object: %s", line);
    json_tokener_free(parser);
    ck_assert_ptr_null(captured_line(line, sizeof line));
    fclose(captured);
    return object;
}

static const char *text_of(struct json_object *object, const char *name)
{
    return json_object_get_string(json_object_object_get(object, name));
}

START_TEST(a_line_is_an_object_with_time_level_event_and_fields)
{
    begin_capture();
    errno = ENOENT;
    gw_log(GW_LOG_WARN, "listening", GW_S("address", "127.0.0.1"), GW_I("port", 8443), GW_S("left_out", NULL),
           GW_I("least", INT64_MIN));
    ck_assert_int_eq(errno, ENOENT);
    struct json_object *object = captured_object();
    ck_assert_str_eq(text_of(object, "level"), "warn");
    ck_assert_str_eq(text_of(object, "event"), "listening");
    ck_assert_str_eq(text_of(object, "address"), "127.0.0.1");
    ck_assert_int_eq(json_object_get_int(json_object_object_get(object, "port")), 8443);
    ck_assert(json_object_get_int64(json_object_object_get(object, "least")) == INT64_MIN);
    ck_assert(!json_object_object_get_ex(object, "left_out", NULL));

    const char *time = text_of(object, "time");
    int y, mo, d, h, mi, s, ms, len = 0;
    ck_assert_int_eq(sscanf(time, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &y, &mo, &d, &h, &mi, &s, &ms, &len), 7);
    ck_assert_uint_eq((size_t)len, strlen(time));
    json_object_put(object);
}
END_TEST

START_TEST(an_event_needs_no_fields)
{
    begin_capture();
    gw_log(GW_LOG_INFO, "ready");
    struct json_object *object = captured_object();
    ck_assert_str_eq(text_of(object, "event"), "ready");
    ck_assert_int_eq(json_object_object_length(object), 3);
    json_object_put(object);
}
END_TEST

START_TEST(texts_are_escaped)
{
    begin_capture();
    gw_log(GW_LOG_INFO, "x", GW_S("quotes", "a\"b\\c"), GW_S("controls", "\n\t\x01\x7f"), GW_S("utf8", "Zürich €𝄞"));
    struct json_object *object = captured_object();
    ck_assert_str_eq(text_of(object, "quotes"), "a\"b\\c");
    ck_assert_str_eq(text_of(object, "controls"), "\n\t\x01\x7f");
    ck_assert_str_eq(text_of(object, "utf8"), "Zürich €𝄞");
    json_object_put(object);
}
END_TEST

static const char *const not_utf8[] = {"\x80", "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xff"};

START_TEST(what_is_not_utf8_is_replaced)
{
    begin_capture();
    gw_log(GW_LOG_INFO, "x", GW_S("text", not_utf8[_i]));
    struct json_object *object = captured_object();
    const char *text = text_of(object, "text");
    ck_assert_uint_eq(strlen(text), 3 * strlen(not_utf8[_i]));
    ck_assert_int_eq(strncmp(text, "\xef\xbf\xbd", 3), 0);
    json_object_put(object);
}
END_TEST

START_TEST(long_texts_are_cut_between_characters)
{
    char text[2001];
    for (size_t i = 0; i < sizeof text - 1; i += 2)
        memcpy(text + i, "ü", 2);
    text[sizeof text - 1] = '\0';
    begin_capture();
    gw_log(GW_LOG_INFO, "x", GW_S("even", text), GW_S("odd", text + 1));
    struct json_object *object = captured_object();
    ck_assert_uint_eq(strlen(text_of(object, "even")), 512);
    /* The first octet of "odd" is a lone continuation, shown as U+FFFD; 255 characters of two octets still fit. */
    ck_assert_uint_eq(strlen(text_of(object, "odd")), 3 + 2 * 255);
    json_object_put(object);
}
END_TEST

START_TEST(a_long_line_stays_an_object)
{
    char text[513];
    memset(text, 1, sizeof text - 1); /* six octets each when escaped */
    text[sizeof text - 1] = '\0';
    begin_capture();
    gw_log(GW_LOG_INFO, "x", GW_S("a", text), GW_S("b", text), GW_I("c", 1));
    struct json_object *object = captured_object();
    ck_assert(json_object_object_get_ex(object, "a", NULL));
    ck_assert(!json_object_object_get_ex(object, "b", NULL));
    ck_assert(json_object_get_boolean(json_object_object_get(object, "truncated")));
    json_object_put(object);
}
END_TEST

START_TEST(lower_levels_are_left_out)
{
    begin_capture();
    gw_log(GW_LOG_DEBUG, "no");
    gw_log_set_level(GW_LOG_ERROR);
    gw_log(GW_LOG_WARN, "no");
    gw_log(GW_LOG_ERROR, "yes");
    struct json_object *object = captured_object();
    ck_assert_str_eq(text_of(object, "event"), "yes");
    json_object_put(object);
}
END_TEST

static void *log_lines(void *unused)
{
    char text[301];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < LINES; i++)
        gw_log(GW_LOG_INFO, "thread", GW_S("text", text), GW_I("i", i));
    return unused;
}

START_TEST(lines_of_threads_do_not_mix)
{
    begin_capture();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, log_lines, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    end_capture();
    char line[8192];
    int count = 0;
    for (; captured_line(line, sizeof line) != NULL; count++) {
        struct json_object *object = json_tokener_parse(line);
        ck_assert_msg(object != NULL, "not an object: %s", line);
        json_object_put(object);
    }
    ck_assert_int_eq(count, THREADS * LINES);
    fclose(captured);
}
END_TEST

static Suite *log_suite(void)
{
    Suite *suite = suite_create("log");
    TCase *tc = tcase_create("log");
    tcase_add_test(tc, a_line_is_an_object_with_time_level_event_and_fields);
    tcase_add_test(tc, an_event_needs_no_fields);
    tcase_add_test(tc, texts_are_escaped);
    tcase_add_loop_test(tc, what_is_not_utf8_is_replaced, 0, sizeof not_utf8 / sizeof *not_utf8);
    tcase_add_test(tc, long_texts_are_cut_between_characters);
    tcase_add_test(tc, a_long_line_stays_an_object);
    tcase_add_test(tc, lower_levels_are_left_out);
    tcase_add_test(tc, lines_of_threads_do_not_mix);
    suite_add_tcase(suite, tc);
    return suite;
}

S2S_TEST_MAIN(log_suite)
