/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Longer waits are not believed. */
#define MAX_RETRY_AFTER 3600

void load_endpoint_init(struct load_endpoint *endpoint, const struct load_target *target, const char *method,
                        const char *base, const char *path)
{
    size_t size = strlen(base) + strlen(path) + 1;
    *endpoint = (struct load_endpoint){.method = method, .path = malloc(size), .authority = target->authority};
    s2s_assert(endpoint->path != NULL);
    snprintf(endpoint->path, size, "%s%s", base, path);

    const char *const parts[] = {method,
                                 " ",
                                 endpoint->path,
                                 " HTTP/1.1\r\nhost: ",
                                 endpoint->authority,
                                 "\r\napi-version: 1.0.0\r\ncontent-type: application/json\r\nx-request-id: "};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); ++i)
        load_buffer_text(&endpoint->http1_head, parts[i]);
}

void load_endpoint_free(struct load_endpoint *endpoint)
{
    free(endpoint->path);
    load_buffer_free(&endpoint->http1_head);
}

void load_answer_begin(struct load_answer *answer)
{
    struct load_buffer body = answer->body;
    body.len = 0;
    *answer = (struct load_answer){.body = body};
}

static bool equals(const uint8_t *value, size_t len, const char *text)
{
    return len == strlen(text) && strncasecmp((const char *)value, text, len) == 0;
}

static void take_echo(struct load_request *request, const uint8_t *value, size_t len)
{
    request->answer.echoed = equals(value, len, request->id);
}

static void take_content(struct load_request *request, const uint8_t *value, size_t len)
{
    const uint8_t *semicolon = memchr(value, ';', len);
    if (semicolon != NULL)
        len = (size_t)(semicolon - value);
    if (equals(value, len, "application/json"))
        request->answer.content = LOAD_CONTENT_JSON;
    else if (equals(value, len, "application/problem+json"))
        request->answer.content = LOAD_CONTENT_PROBLEM;
}

/* Seconds; an HTTP-date (RFC 9110 section 10.2.3) counts as one second. */
static void take_retry_after(struct load_request *request, const uint8_t *value, size_t len)
{
    unsigned seconds = 0;
    for (size_t i = 0; i < len && value[i] >= '0' && value[i] <= '9' && seconds < MAX_RETRY_AFTER; ++i)
        seconds = seconds * 10 + (unsigned)(value[i] - '0');
    request->answer.retry_after = seconds > MAX_RETRY_AFTER ? MAX_RETRY_AFTER : seconds > 0 ? seconds : 1;
}

static void take_replayed(struct load_request *request, const uint8_t *value, size_t len)
{
    request->answer.replayed = equals(value, len, "true");
}

void load_answer_header(struct load_request *request, const uint8_t *name, size_t name_len, const uint8_t *value,
                        size_t value_len)
{
    static const struct {
        const char *name;
        size_t len;
        void (*take)(struct load_request *request, const uint8_t *value, size_t len);
    } rows[] = {
        {"x-request-id", 12, take_echo},
        {"content-type", 12, take_content},
        {"retry-after", 11, take_retry_after},
        {"idempotent-replayed", 19, take_replayed},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        if (rows[i].len == name_len && strncasecmp((const char *)name, rows[i].name, name_len) == 0) {
            rows[i].take(request, value, value_len);
            return;
        }
    }
}
