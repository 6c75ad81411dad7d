/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ctl/client.h"

#include "gateway/ctl/ctl.h"
#include "gateway/ctl/http.h"
#include "proto/json.h"
#include "proto/uuid.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENV_URL "S2S_ISSUER_ADMIN"
#define ENV_TOKEN "S2S_ISSUER_ADMIN_TOKEN"
#define TIMEOUT_S 60
#define MAX_DEPTH 64
#define MAX_SMALL_FILE 65536

/* ---- where, and who ---- */

/* The value of NAME in the configuration file, "NAME = VALUE" lines; NULL when there is none. */
static const char *from_file(struct ctl *ctl, const char *name)
{
    const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    const char *path = folder != NULL && folder[0] != '\0' ? ctl_text(ctl, "%s/s2sctl", folder)
                       : home != NULL                      ? ctl_text(ctl, "%s/.config/s2sctl", home)
                                                           : NULL;
    if (path == NULL || access(path, R_OK) != 0)
        return NULL;
    size_t len, name_len = strlen(name);
    char *text = ctl_read_file(ctl, path, MAX_SMALL_FILE, &len);
    for (char *rest = text, *line; rest != NULL && (line = strsep(&rest, "\n")) != NULL;) {
        line += strspn(line, " \t");
        if (strncmp(line, name, name_len) != 0)
            continue;
        char *value = line + name_len + strspn(line + name_len, " \t");
        if (*value != '=')
            continue;
        value += 1 + strspn(value + 1, " \t");
        value[strcspn(value, " \t\r")] = '\0';
        return value;
    }
    return NULL;
}

/* The first line of a file. */
static const char *read_token(struct ctl *ctl, const char *path)
{
    size_t len;
    char *text = ctl_read_file(ctl, path, MAX_SMALL_FILE, &len);
    if (text != NULL)
        text[strcspn(text, "\r\n")] = '\0';
    return text;
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; ++text)
        if ((unsigned char)*text <= ' ' || (unsigned char)*text > '~')
            return false;
    return true;
}

static enum ctl_status find_token(struct ctl *ctl)
{
    const char *file = ctl_value(ctl, "token-file"), *token = getenv(ENV_TOKEN);
    if (file == NULL && (token == NULL || token[0] == '\0'))
        file = from_file(ctl, "token-file");
    ctl->client.token = file != NULL ? read_token(ctl, file) : token;
    if (file != NULL && ctl->client.token == NULL)
        return CTL_USAGE;
    if (ctl->client.token == NULL || ctl->client.token[0] == '\0')
        return ctl_fail(CTL_UNAUTHORIZED, "there is no token; give --token-file or " ENV_TOKEN);
    if (!is_printable(ctl->client.token))
        return ctl_fail(CTL_USAGE, "the token has characters that no token has");
    return CTL_OK;
}

enum ctl_status ctl_client_open(struct ctl *ctl)
{
    const char *url = ctl_value(ctl, "url");
    if (url == NULL)
        url = getenv(ENV_URL);
    if (url == NULL || url[0] == '\0')
        url = from_file(ctl, "url");
    if (url == NULL)
        return ctl_fail(CTL_USAGE, "where is the operators' API? Give --url or " ENV_URL);
    size_t len = strlen(url);
    while (len > 0 && url[len - 1] == '/')
        --len;
    ctl->client.url = ctl_text(ctl, "%.*s", (int)len, url);
    ctl->client.request_id = ctl_value(ctl, "request-id");
    if (ctl->client.request_id != NULL && !s2s_uuid_valid(ctl->client.request_id, strlen(ctl->client.request_id)))
        return ctl_fail(CTL_USAGE, "--request-id must be a UUID");
    ctl->client.curl = curl_easy_init();
    s2s_assert(ctl->client.curl != NULL);
    return find_token(ctl);
}

const char *ctl_encode(struct ctl *ctl, const char *text)
{
    char *encoded = curl_easy_escape(ctl->client.curl, text, (int)strlen(text));
    s2s_assert(encoded != NULL);
    const char *copy = ctl_text(ctl, "%s", encoded);
    curl_free(encoded);
    return copy;
}

/* ---- answers ---- */

/* Put the text of a problem into words; what comes from there may hold anything. */
static void complain(const char *text, const char *more)
{
    struct ctl_screen screen;
    ctl_screen_init(&screen, stderr, "never");
    screen.width = 0;
    fputs(more, stderr);
    ctl_screen_put(&screen, CTL_DEFAULT, text, 0, false);
}

static enum ctl_status complain_of_problem(long status, const struct json_object *problem)
{
    const char *title = s2s_json_string(problem, "title"), *detail = s2s_json_string(problem, "detail");
    const char *state = s2s_json_string(problem, "currentStatus");
    struct json_object *violations = s2s_json_get(problem, "validationErrors");
    fprintf(stderr, "s2sctl: %ld", status);
    complain(title != NULL ? title : "no reason was given", " ");
    if (detail != NULL)
        complain(detail, ": ");
    if (state != NULL)
        complain(state, " It is ");
    for (size_t i = 0; violations != NULL && i < json_object_array_length(violations); ++i) {
        struct json_object *violation = json_object_array_get_idx(violations, i);
        const char *pointer = s2s_json_string(violation, "pointer"), *message = s2s_json_string(violation, "message");
        complain(pointer != NULL ? pointer : "", "\n  ");
        complain(message != NULL ? message : "", " ");
    }
    fputc('\n', stderr);
    return status == 401 || status == 403 ? CTL_UNAUTHORIZED : status >= 500 ? CTL_UNREACHABLE : CTL_REFUSED;
}

static enum ctl_status judge(struct ctl *ctl, const struct ctl_http_answer *http, struct json_object **answer)
{
    if (http->status == 0)
        return ctl_fail(CTL_UNREACHABLE, "%s: %s", ctl->client.url, http->error);
    struct json_object *json = NULL;
    struct s2s_result parsed =
        s2s_json_parse(ctl->arena, (const char *)http->body.data, http->body.len, MAX_DEPTH, &json);
    bool is_object = !s2s_failed(parsed) && json_object_is_type(json, json_type_object);
    if (http->status >= 400 && is_object)
        return complain_of_problem(http->status, json);
    if (http->status >= 300 || !is_object)
        return ctl_fail(CTL_UNREACHABLE, "%s gives an answer (%ld) that is none of the operators' API's",
                        ctl->client.url, http->status);
    *answer = json;
    return CTL_OK;
}

enum ctl_status ctl_ask(struct ctl *ctl, const char *method, const char *path, struct json_object *body,
                        struct json_object **answer)
{
    char id[S2S_UUID_SIZE];
    struct ctl_client *client = &ctl->client;
    struct ctl_http_request request = {
        .method = method,
        .url = ctl_text(ctl, "%s%s", client->url, path),
        .headers = {ctl_text(ctl, "Authorization: Bearer %s", client->token)},
        .timeout_s = TIMEOUT_S,
    };
    if (strcmp(method, "GET") != 0) {
        s2s_uuid_new(id);
        request.headers[1] = ctl_text(ctl, "x-request-id: %s", client->request_id != NULL ? client->request_id : id);
        client->request_id = NULL;
        request.body = body != NULL ? s2s_json_write(ctl->arena, body, &request.body_len) : "{}";
        request.body_len = body != NULL ? request.body_len : 2;
    }
    struct ctl_http_answer http = ctl_http_send(client->curl, ctl->arena, &request);
    return judge(ctl, &http, answer);
}
