/* SPDX-License-Identifier: Apache-2.0
 *
 * A line is built in a buffer on the stack and written with one write(2). A field that does not fit any more is left
 * out whole, so that a cut line is still one JSON object; "truncated":true says so.
 */
#include "log.h"

#include "proto/plain.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_OCTETS = 4096, TEXT_MAX_OCTETS = 512 };

static const char ending[] = "}\n";
static const char cut_ending[] = ",\"truncated\":true}\n";

static _Atomic int least_level = GW_LOG_INFO;

struct line {
    char data[LINE_MAX_OCTETS];
    size_t len;
    bool full; /* something did not fit; the caller takes back what is incomplete */
};

void gw_log_set_level(enum gw_log_level level)
{
    atomic_store_explicit(&least_level, (int)level, memory_order_relaxed);
}

static void put(struct line *line, const char *data, size_t len)
{
    if (len > sizeof line->data - sizeof cut_ending - line->len)
        line->full = true;
    if (line->full)
        return;
    memcpy(line->data + line->len, data, len);
    line->len += len;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* The length of the UTF-8 sequence at the beginning of `text`, or 0 when it is none (RFC 3629 section 4). A NUL ends
 * every sequence, so nothing is read past the end of the text. */
static size_t utf8_length(const unsigned char *text)
{
    /* Ranges of the first octet, and of the second; all further ones are 80 to BF. */
    static const struct {
        unsigned char first, last, low, high, length;
    } forms[] = {
        {0x00, 0x7F, 0x00, 0x00, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (text[0] < forms[i].first || text[0] > forms[i].last)
            continue;
        if (forms[i].length > 1 && (text[1] < forms[i].low || text[1] > forms[i].high))
            return 0;
        for (size_t k = 2; k < forms[i].length; k++)
            if (text[k] < 0x80 || text[k] > 0xBF)
                return 0;
        return forms[i].length;
    }
    return 0;
}

/* One octet of ASCII, escaped where RFC 8259 section 7 demands it. */
static void put_ascii(struct line *line, char c)
{
    char escape[8];
    if (c == '"' || c == '\\')
        snprintf(escape, sizeof escape, "\\%c", c);
    else if ((unsigned char)c < 0x20 || c == 0x7F)
        snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c);
    else {
        put(line, &c, 1);
        return;
    }
    put_text(line, escape);
}

/* A JSON string, cut between characters; what is not UTF-8 becomes U+FFFD. */
static void put_string(struct line *line, const char *text)
{
    put_text(line, "\"");
    const char *end = text + TEXT_MAX_OCTETS;
    while (*text != '\0') {
        size_t plain = s2s_plain_run(text, strnlen(text, (size_t)(end - text)));
        put(line, text, plain);
        text += plain;
        if (*text == '\0')
            break;
        size_t len = utf8_length((const unsigned char *)text);
        if (text + (len > 0 ? len : 1) > end)
            break;
        if (len == 0)
            put_text(line, "\\ufffd");
        else if (len == 1)
            put_ascii(line, *text);
        else
            put(line, text, len);
        text += len > 0 ? len : 1;
    }
    put_text(line, "\"");
}

static void put_field(struct line *line, const struct gw_log_field *field)
{
    if (field->text == NULL && !field->is_number)
        return;
    size_t start = line->len;
    put_text(line, ",");
    put_string(line, field->name);
    put_text(line, ":");
    if (field->text != NULL) {
        put_string(line, field->text);
    } else {
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)field->number);
        put_text(line, number);
    }
    if (line->full)
        line->len = start;
}

/* RFC 3339, UTC, milliseconds. */
static void put_time(struct line *line)
{
    struct timespec now;
    struct tm tm;
    char text[64];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t len = strftime(text, sizeof text, "{\"time\":\"%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + len, sizeof text - len, ".%03ldZ\"", now.tv_nsec / 1000000);
    put_text(line, text);
}

void gw_log_fields(enum gw_log_level level, const char *event, const struct gw_log_field *fields, unsigned count)
{
    static const char *const names[] = {
        [GW_LOG_DEBUG] = "debug", [GW_LOG_INFO] = "info", [GW_LOG_WARN] = "warn", [GW_LOG_ERROR] = "error"};
    if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed))
        return;
    int saved = errno; /* a log line must not change what its caller reports next */
    struct line line;
    line.len = 0;
    line.full = false;
    put_time(&line);
    put_field(&line, &GW_S("level", names[level]));
    put_field(&line, &GW_S("event", event));
    for (unsigned i = 0; i < count && !line.full; i++)
        put_field(&line, &fields[i]);

    const char *end = line.full ? cut_ending : ending;
    size_t end_len = strlen(end);
    memcpy(line.data + line.len, end, end_len); /* put() left room */
    line.len += end_len;
    ssize_t written;
    do
        written = write(STDERR_FILENO, line.data, line.len);
    while (written < 0 && errno == EINTR);
    errno = saved;
}
