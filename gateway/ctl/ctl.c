/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ctl/ctl.h"

#include "gateway/ctl/arguments.h"
#include "gateway/ctl/help.h"
#include "gateway/ctl/request.h"
#include "proto/json.h"

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Memory of one run, or of one round of a watch. */
#define MEMORY ((size_t)1 << 30)
#define MAX_JSON_FILE ((size_t)16 << 20)
#define MAX_DEPTH 64
#define WATCH_S 2

enum ctl_status ctl_fail(enum ctl_status status, const char *format, ...)
{
    va_list args;
    fflush(stdout);
    fputs("s2sctl: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return status;
}

/* ---- options ---- */

const char *ctl_value_at(const struct ctl *ctl, const char *name, size_t n)
{
    for (size_t i = 0; i < ctl->given_count; ++i)
        if (strcmp(ctl->given[i].option->name, name) == 0 && n-- == 0)
            return ctl->given[i].value;
    return NULL;
}

const char *ctl_value(const struct ctl *ctl, const char *name)
{
    return ctl_value_at(ctl, name, 0);
}

bool ctl_given(const struct ctl *ctl, const char *name)
{
    for (size_t i = 0; i < ctl->given_count; ++i)
        if (strcmp(ctl->given[i].option->name, name) == 0)
            return true;
    return false;
}

enum ctl_status ctl_number(const struct ctl *ctl, const char *name, long min, long max, long otherwise, long *out)
{
    const char *value = ctl_value(ctl, name);
    *out = value != NULL ? strtol(value, NULL, 10) : otherwise;
    if (value == NULL || (*out >= min && *out <= max))
        return CTL_OK;
    return ctl_fail(CTL_USAGE, "--%s is from %ld to %ld", name, min, max);
}

/* ---- texts ---- */

const char *ctl_text(struct ctl *ctl, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *text = s2s_arena_alloc(ctl->arena, (size_t)len + 1);
    s2s_assert(len >= 0 && text != NULL);
    vsnprintf(text, (size_t)len + 1, format, again);
    va_end(args);
    va_end(again);
    return text;
}

struct json_object *ctl_object(struct ctl *ctl)
{
    return s2s_json_own(ctl->arena, json_object_new_object());
}

char *ctl_read_file(struct ctl *ctl, const char *path, size_t max, size_t *len)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    if (file == NULL) {
        (void)ctl_fail(CTL_USAGE, "%s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = s2s_arena_alloc(ctl->arena, max + 1);
    s2s_assert(text != NULL);
    *len = fread(text, 1, max + 1, file);
    bool failed = ferror(file) != 0, too_long = *len > max;
    if (!is_stdin)
        fclose(file);
    if (!failed && !too_long) {
        text[*len] = '\0';
        return text;
    }
    (void)ctl_fail(CTL_USAGE, failed ? "%s cannot be read" : "%s is too long", path);
    return NULL;
}

struct json_object *ctl_parse_json(struct ctl *ctl, const char *where, const char *text, size_t len)
{
    struct json_object *json;
    struct s2s_result parsed = s2s_json_parse(ctl->arena, text, len, MAX_DEPTH, &json);
    if (!s2s_failed(parsed) && json != NULL)
        return json;
    (void)ctl_fail(CTL_USAGE, "%s: %s", where, s2s_failed(parsed) ? parsed.detail : "it is null");
    return NULL;
}

struct json_object *ctl_read_json(struct ctl *ctl, const char *path)
{
    size_t len;
    char *text = ctl_read_file(ctl, path, MAX_JSON_FILE, &len);
    return text != NULL ? ctl_parse_json(ctl, path, text, len) : NULL;
}

/* ---- the run ---- */

static enum ctl_status run_once(struct ctl *ctl)
{
    return ctl->command->run != NULL ? ctl->command->run(ctl) : ctl_request_run(ctl);
}

/* Only what looks may be done again and again. */
static bool may_watch(const struct ctl_command *command)
{
    return command->method != NULL && strcmp(command->method, "GET") == 0;
}

static void put_watch_line(const struct ctl *ctl)
{
    char line[128], now[32];
    struct tm parts;
    time_t seconds = time(NULL);
    strftime(now, sizeof(now), "%H:%M:%S", localtime_r(&seconds, &parts));
    snprintf(line, sizeof(line), "%s · s2sctl %s · every %g s", now, ctl->command->words, ctl->watch_s);
    ctl_screen_put(&ctl->screen, CTL_DIM, line, 0, false);
    fputs("\n\n", ctl->screen.out);
}

/* Until it is interrupted, or the gateway does not answer. */
static enum ctl_status watch(struct ctl *ctl)
{
    struct s2s_arena *of_run = ctl->arena;
    enum ctl_status status;
    do {
        ctl->arena = s2s_arena_new(MEMORY);
        ctl_screen_clear(&ctl->screen);
        if (ctl->screen.is_terminal)
            put_watch_line(ctl);
        status = run_once(ctl);
        s2s_arena_free(ctl->arena);
        ctl->arena = of_run;
        if (fflush(ctl->screen.out) != 0)
            return CTL_OK; /* nobody reads any more */
        struct timespec pause = {(time_t)ctl->watch_s, (long)((ctl->watch_s - (double)(time_t)ctl->watch_s) * 1e9)};
        nanosleep(&pause, NULL);
    } while (status == CTL_OK);
    return status;
}

static enum ctl_status run(struct ctl *ctl)
{
    if (!ctl->command->is_local) {
        enum ctl_status status = ctl_client_open(ctl);
        if (status != CTL_OK)
            return status;
    }
    if (!ctl_given(ctl, "watch"))
        return run_once(ctl);
    const char *seconds = ctl_value(ctl, "watch");
    ctl->watch_s = seconds != NULL ? strtod(seconds, NULL) : WATCH_S;
    if (ctl->watch_s < 0.1)
        ctl->watch_s = 0.1;
    return may_watch(ctl->command) ? watch(ctl) : ctl_fail(CTL_USAGE, "--watch is for commands that only look");
}

int ctl_main(int argc, char **argv)
{
    struct ctl ctl = {.arena = s2s_arena_new(MEMORY)};
    bool help = false;
    if (setlocale(LC_CTYPE, "") == NULL || strcmp(setlocale(LC_CTYPE, NULL), "C") == 0)
        setlocale(LC_CTYPE, "C.UTF-8"); /* for the width of characters */
    curl_global_init(CURL_GLOBAL_DEFAULT);
    enum ctl_status status = ctl_arguments_read(&ctl, argc, argv, &help);
    ctl_screen_init(&ctl.screen, stdout, ctl_value(&ctl, "color"));
    ctl.json = ctl_given(&ctl, "json");
    if (status == CTL_OK && help && ctl.command != NULL) {
        ctl_help_command(stdout, ctl.command);
    } else if (status == CTL_OK && help) {
        ctl_help(stdout);
    } else if (status == CTL_OK && ctl.command == NULL) {
        ctl_help(stderr);
        status = CTL_USAGE;
    } else if (status == CTL_OK) {
        status = run(&ctl);
    }
    if (ctl.client.curl != NULL)
        curl_easy_cleanup(ctl.client.curl);
    curl_global_cleanup();
    s2s_arena_free(ctl.arena);
    bool written = fflush(stdout) == 0 && ferror(stdout) == 0;
    return status == CTL_OK && !written ? CTL_UNREACHABLE : (int)status;
}
