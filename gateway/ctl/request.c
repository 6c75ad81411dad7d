/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ctl/request.h"

#include "proto/json.h"

#include <stdlib.h>
#include <string.h>

/* ---- path and query ---- */

const char *ctl_request_path(struct ctl *ctl)
{
    const char *path = "", *rest = ctl->command->path, *hole;
    size_t operand = 0;
    for (; (hole = strstr(rest, "{}")) != NULL; rest = hole + 2)
        path = ctl_text(ctl, "%s%.*s%s", path, (int)(hole - rest), rest, ctl_encode(ctl, ctl->operands[operand++]));
    path = ctl_text(ctl, "%s%s", path, rest);
    char separator = '?';
    for (size_t i = 0; i < ctl->given_count; ++i) {
        const struct ctl_given *given = &ctl->given[i];
        if (given->option->place != CTL_QUERY)
            continue;
        path = ctl_text(ctl, "%s%c%s=%s", path, separator, given->option->member,
                        given->value != NULL ? ctl_encode(ctl, given->value) : "true");
        separator = '&';
    }
    return path;
}

/* ---- body ---- */

/* The object that the member belongs to, made where it is not there yet; `*member` becomes its name there. */
static struct json_object *parent_of(struct json_object *body, const char **member)
{
    const char *slash;
    while ((slash = strchr(*member, '/')) != NULL) {
        char name[64];
        snprintf(name, sizeof(name), "%.*s", (int)(slash - *member), *member);
        struct json_object *child = s2s_json_get(body, name);
        if (child == NULL) {
            child = json_object_new_object();
            json_object_object_add(body, name, child);
        }
        body = child;
        *member = slash + 1;
    }
    return body;
}

/* One new reference, or NULL with a complaint. */
static struct json_object *value_of(struct ctl *ctl, const struct ctl_given *given)
{
    switch (given->option->kind) {
    case CTL_FLAG:
        return json_object_new_boolean(true);
    case CTL_NUMBER:
        return json_object_new_int64(strtol(given->value, NULL, 10));
    case CTL_JSON:
        return json_object_get(ctl_read_json(ctl, given->value));
    default:
        return json_object_new_string(given->value);
    }
}

static bool add_member(struct ctl *ctl, struct json_object *body, const struct ctl_given *given)
{
    const char *member = given->option->member;
    struct json_object *parent = parent_of(body, &member), *value = value_of(ctl, given);
    if (value == NULL)
        return false;
    if (given->option->kind != CTL_LIST) {
        json_object_object_add(parent, member, value);
        return true;
    }
    struct json_object *list = s2s_json_get(parent, member);
    if (list == NULL) {
        list = json_object_new_array();
        json_object_object_add(parent, member, list);
    }
    json_object_array_add(list, value);
    return true;
}

struct json_object *ctl_request_body(struct ctl *ctl)
{
    const char *begin = ctl->command->body;
    struct json_object *body =
        begin != NULL ? ctl_parse_json(ctl, "the command", begin, strlen(begin)) : ctl_object(ctl);
    for (size_t i = 0; body != NULL && i < ctl->given_count; ++i)
        if (ctl->given[i].option->place == CTL_BODY && !add_member(ctl, body, &ctl->given[i]))
            return NULL;
    return body;
}

/* ---- answers ---- */

/* What was asked for and not done is no success. */
static enum ctl_status status_of(const struct json_object *answer)
{
    const char *outcome = s2s_json_string(answer, "outcome");
    return outcome != NULL && strcmp(outcome, "FAILED") == 0 ? CTL_REFUSED : CTL_OK;
}

static void append_rows(struct json_object *to, struct json_object *from)
{
    for (size_t i = 0; i < json_object_array_length(from); ++i)
        json_object_array_add(to, json_object_get(json_object_array_get_idx(from, i)));
}

static const char *with_cursor(struct ctl *ctl, const char *path, const char *cursor)
{
    return ctl_text(ctl, "%s%ccursor=%s", path, strchr(path, '?') != NULL ? '&' : '?', ctl_encode(ctl, cursor));
}

/* Put the rows of all pages that follow into the first one. */
static enum ctl_status follow_pages(struct ctl *ctl, const char *path, struct json_object *first)
{
    struct json_object *rows = s2s_json_get(first, ctl->command->view->list), *page;
    const char *cursor = s2s_json_string(first, "nextCursor");
    while (cursor != NULL) {
        enum ctl_status status = ctl_ask(ctl, "GET", with_cursor(ctl, path, cursor), NULL, &page);
        if (status != CTL_OK)
            return status;
        append_rows(rows, s2s_json_get(page, ctl->command->view->list));
        cursor = s2s_json_string(page, "nextCursor");
    }
    json_object_object_del(first, "nextCursor");
    return CTL_OK;
}

enum ctl_status ctl_request_run(struct ctl *ctl)
{
    const struct ctl_command *command = ctl->command;
    struct json_object *body = ctl_request_body(ctl), *answer;
    const char *path = ctl_request_path(ctl);
    if (body == NULL)
        return CTL_USAGE;
    enum ctl_status status = ctl_ask(ctl, command->method, path, body, &answer);
    if (status == CTL_OK && ctl_given(ctl, "all"))
        status = follow_pages(ctl, path, answer);
    if (status != CTL_OK)
        return status;
    ctl_show(ctl, command->view, answer);
    const char *cursor = s2s_json_string(answer, "nextCursor");
    if (cursor != NULL && !ctl->json && command->view != NULL && ctl->watch_s <= 0)
        fprintf(stderr, "There is more: --all, or --cursor %s\n", cursor);
    return status_of(answer);
}
