/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers for people: lists as tables, things as lines "name: value". With --json, the answer as it came.
 */
#include "gateway/ctl/ctl.h"
#include "proto/json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GAP 2         /* columns between those of a table */
#define NARROW 8      /* what a column that is cut keeps */
#define NARROWEST 3   /* what it keeps when that is not enough */
#define CELL_SIZE 512 /* octets of a value that is composed here */

/* ---- values ---- */

/* Seconds since the epoch of an RFC 3339 moment in UTC; false for anything else. */
static bool read_time(const char *text, time_t *out)
{
    struct tm parts = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (end != NULL && *end == '.')
        end += 1 + strspn(end + 1, "0123456789");
    if (end == NULL || strcmp(end, "Z") != 0)
        return false;
    *out = timegm(&parts);
    return true;
}

static void write_time(time_t when, char out[CELL_SIZE])
{
    struct tm parts;
    localtime_r(&when, &parts);
    strftime(out, CELL_SIZE, "%Y-%m-%d %H:%M:%S", &parts);
}

/* "in 5 min", "3 d ago": to one unit. */
static void write_age(time_t when, time_t now, char out[CELL_SIZE])
{
    static const struct {
        long seconds;
        const char *unit;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    long age = (long)(now - when), size = labs(age);
    size_t i = 0;
    while (i < 3 && size < units[i].seconds)
        ++i;
    snprintf(out, CELL_SIZE, age < 0 ? "in %ld %s" : "%ld %s ago", size / units[i].seconds, units[i].unit);
}

/* The member that a path such as "a/b" leads to, or NULL. */
static struct json_object *follow(struct json_object *object, const char *path)
{
    char name[64];
    while (object != NULL && *path != '\0') {
        size_t len = strcspn(path, "/");
        snprintf(name, sizeof(name), "%.*s", (int)len, path);
        object = s2s_json_get(object, name);
        path += len + (path[len] == '/');
    }
    return object;
}

/* What is in an array or an object, on one line; what does not fit is cut off. */
static void write_inner(struct json_object *value, char out[CELL_SIZE])
{
    size_t len = 0;
    out[0] = '\0';
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value) && len < CELL_SIZE; ++i)
            len += (size_t)snprintf(out + len, CELL_SIZE - len, "%s%s", i > 0 ? ", " : "",
                                    json_object_get_string(json_object_array_get_idx(value, i)));
        return;
    }
    json_object_object_foreach(value, name, member)
    {
        char inner[CELL_SIZE];
        bool nested = json_object_is_type(member, json_type_array) || json_object_is_type(member, json_type_object);
        if (nested)
            write_inner(member, inner);
        if (len < CELL_SIZE)
            len += (size_t)snprintf(out + len, CELL_SIZE - len, "%s%s=%s", len > 0 ? " " : "", name,
                                    nested ? inner : json_object_get_string(member));
    }
}

/* The value as a cell shows it; in `buffer`, or borrowed from the value. */
static const char *cell_text(struct json_object *value, enum ctl_format format, char buffer[CELL_SIZE])
{
    time_t when;
    if (value == NULL)
        return "";
    if (format == CTL_YES)
        return json_object_get_boolean(value) ? "yes" : "";
    if (format == CTL_COUNT_OF && json_object_is_type(value, json_type_array)) {
        snprintf(buffer, CELL_SIZE, "%zu", json_object_array_length(value));
        return buffer;
    }
    if (json_object_is_type(value, json_type_array) || json_object_is_type(value, json_type_object)) {
        write_inner(value, buffer);
        return buffer;
    }
    const char *text = json_object_get_string(value);
    if ((format == CTL_TIME || format == CTL_AGE) && read_time(text, &when)) {
        if (format == CTL_TIME)
            write_time(when, buffer);
        else
            write_age(when, time(NULL), buffer);
        return buffer;
    }
    return text;
}

/* ---- tables ---- */

struct table {
    const struct ctl_screen *screen;
    const struct ctl_view *view;
    struct json_object *rows;
    size_t *widths;
};

static struct json_object *row_at(const struct table *table, size_t i)
{
    return json_object_array_get_idx(table->rows, i);
}

static void measure(struct table *table)
{
    char buffer[CELL_SIZE];
    size_t count = json_object_array_length(table->rows);
    for (size_t c = 0; c < table->view->count; ++c) {
        const struct ctl_column *column = &table->view->columns[c];
        table->widths[c] = ctl_text_width(column->title);
        for (size_t r = 0; r < count; ++r) {
            struct json_object *value = follow(row_at(table, r), column->member);
            size_t width = ctl_text_width(cell_text(value, column->format, buffer));
            table->widths[c] = width > table->widths[c] ? width : table->widths[c];
        }
    }
}

static size_t total_width(const struct table *table)
{
    size_t total = 0;
    for (size_t c = 0; c < table->view->count; ++c)
        total += table->widths[c] + (c > 0 ? GAP : 0);
    return total;
}

/* Cut columns to `narrowest` from the last one on, until the table fits. The first one, which names the thing, stays
 * whole. */
static void cut(struct table *table, size_t narrowest)
{
    size_t room = table->screen->width, total = total_width(table);
    for (size_t c = table->view->count; room > 0 && c-- > 1 && total > room;) {
        size_t spare = table->widths[c] > narrowest ? table->widths[c] - narrowest : 0;
        size_t less = total - room < spare ? total - room : spare;
        table->widths[c] -= less;
        total -= less;
    }
}

static void put_cell(const struct table *table, size_t c, enum ctl_colour colour, const char *text)
{
    bool last = c + 1 == table->view->count;
    ctl_screen_put(table->screen, colour, text, table->widths[c], !last);
    fputs(last ? "\n" : "  ", table->screen->out);
}

static void show_table(struct ctl *ctl, const struct ctl_view *view, struct json_object *rows)
{
    char buffer[CELL_SIZE];
    struct table table = {&ctl->screen, view, rows, s2s_arena_alloc(ctl->arena, view->count * sizeof(size_t))};
    s2s_assert(table.widths != NULL);
    measure(&table);
    cut(&table, NARROW);
    cut(&table, NARROWEST);
    for (size_t c = 0; c < view->count; ++c)
        put_cell(&table, c, CTL_BOLD, view->columns[c].title);
    for (size_t r = 0; r < json_object_array_length(rows); ++r)
        for (size_t c = 0; c < view->count; ++c) {
            const struct ctl_column *column = &view->columns[c];
            const char *text = cell_text(follow(row_at(&table, r), column->member), column->format, buffer);
            put_cell(&table, c, column->format == CTL_STATE ? ctl_state_colour(text) : CTL_DEFAULT, text);
        }
}

/* ---- things ---- */

static bool is_plain(struct json_object *value)
{
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); ++i)
            if (!is_plain(json_object_array_get_idx(value, i)))
                return false;
        return true;
    }
    return !json_object_is_type(value, json_type_object);
}

static void indent(const struct ctl *ctl, unsigned depth)
{
    fprintf(ctl->screen.out, "%*s", (int)(2 * depth), "");
}

static void put_text(const struct ctl *ctl, const char *text)
{
    ctl_screen_put(&ctl->screen, ctl_state_colour(text), text, 0, false);
}

/* The value at the end of a line: that of an array item after item, that of a moment with how long ago it was. */
static void show_plain(const struct ctl *ctl, struct json_object *value)
{
    char age[CELL_SIZE];
    time_t when;
    if (json_object_is_type(value, json_type_array)) {
        size_t count = json_object_array_length(value);
        for (size_t i = 0; i < count; ++i) {
            fputs(i > 0 ? ", " : "", ctl->screen.out);
            put_text(ctl, json_object_get_string(json_object_array_get_idx(value, i)));
        }
        fputs(count == 0 ? "none\n" : "\n", ctl->screen.out);
        return;
    }
    const char *text = value != NULL ? json_object_get_string(value) : "null";
    put_text(ctl, text);
    if (json_object_is_type(value, json_type_string) && read_time(text, &when)) {
        write_age(when, time(NULL), age);
        fputs("  ", ctl->screen.out);
        ctl_screen_put(&ctl->screen, CTL_DIM, age, 0, false);
    }
    fputc('\n', ctl->screen.out);
}

static void show_members(const struct ctl *ctl, struct json_object *object, unsigned depth, bool begun);

static void show_items(const struct ctl *ctl, struct json_object *array, unsigned depth)
{
    for (size_t i = 0; i < json_object_array_length(array); ++i) {
        struct json_object *item = json_object_array_get_idx(array, i);
        indent(ctl, depth);
        fputs("- ", ctl->screen.out);
        if (is_plain(item))
            show_plain(ctl, item);
        else
            show_members(ctl, item, depth + 1, true);
    }
}

/* `begun`: the line of the first member is. */
static void show_members(const struct ctl *ctl, struct json_object *object, unsigned depth, bool begun)
{
    if (json_object_is_type(object, json_type_array)) {
        show_items(ctl, object, depth);
        return;
    }
    json_object_object_foreach(object, name, value)
    {
        if (!begun)
            indent(ctl, depth);
        begun = false;
        ctl_screen_put(&ctl->screen, CTL_BOLD, name, 0, false);
        fputc(':', ctl->screen.out);
        if (is_plain(value)) {
            fputc(' ', ctl->screen.out);
            show_plain(ctl, value);
        } else {
            fputc('\n', ctl->screen.out);
            show_members(ctl, value, depth + 1, false);
        }
    }
}

/* ---- answers ---- */

void ctl_show_json(const struct ctl *ctl, struct json_object *json)
{
    int flags = JSON_C_TO_STRING_NOSLASHESCAPE | (ctl->watch_s > 0 ? JSON_C_TO_STRING_PLAIN : JSON_C_TO_STRING_PRETTY);
    fprintf(ctl->screen.out, "%s\n", json_object_to_json_string_ext(json, flags));
}

void ctl_show(struct ctl *ctl, const struct ctl_view *view, struct json_object *answer)
{
    struct json_object *rows = view != NULL ? s2s_json_get(answer, view->list) : NULL;
    if (ctl->json)
        ctl_show_json(ctl, answer);
    else if (rows == NULL)
        show_members(ctl, answer, 0, false);
    else if (json_object_array_length(rows) > 0)
        show_table(ctl, view, rows);
    else
        fprintf(stderr, "none\n");
}
