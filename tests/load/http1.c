/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1.1 (RFC 9112) as a client needs it: one request at a time on a kept connection; an answer of known length, in
 * chunks, or until the connection ends.
 */
#include "tests/load/link.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_HEAD ((size_t)64 << 10)

enum state { IDLE, HEAD, BODY, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER, UNTIL_CLOSE };

struct http1 {
    struct load_request *request; /* in flight, or NULL */
    bool is_sent;
    enum state state;
    struct load_buffer line; /* the head, or a line of the chunked framing, as far as it has come */
    uint64_t left;           /* octets of the body or the chunk */
    bool last;               /* the server closes after this answer */
};

static void http1_open(struct load_link *link)
{
    link->session = calloc(1, sizeof(struct http1));
    s2s_assert(link->session != NULL);
}

static void end_request(struct load_link *link, enum load_ending ending)
{
    struct http1 *http1 = link->session;
    struct load_request *request = http1->request;
    http1->request = NULL;
    http1->state = IDLE;
    http1->line.len = 0;
    if (http1->last || ending != LOAD_ANSWERED)
        link->leaving = true; /* what is still to come could not be told from the next answer */
    load_link_done(link, request, ending);
}

static void http1_close(struct load_link *link)
{
    struct http1 *http1 = link->session;
    if (http1->request != NULL)
        end_request(link, http1->state == UNTIL_CLOSE ? LOAD_ANSWERED : LOAD_LOST);
    load_buffer_free(&http1->line);
    free(http1);
    link->session = NULL;
}

static void http1_send(struct load_link *link, struct load_request *request)
{
    struct http1 *http1 = link->session;
    http1->request = request;
    http1->is_sent = false;
    http1->last = false;
    http1->state = HEAD;
}

static void http1_abandon(struct load_link *link, struct load_request *request)
{
    s2s_assert(((struct http1 *)link->session)->request == request);
    end_request(link, LOAD_TIMED_OUT);
}

static bool http1_produce(struct load_link *link, struct load_buffer *out)
{
    struct http1 *http1 = link->session;
    struct load_request *request = http1->request;
    if (request == NULL || http1->is_sent)
        return true;
    char length[64];
    snprintf(length, sizeof(length), "\r\ncontent-length: %zu\r\n\r\n", request->body.len);
    load_buffer_bytes(out, load_buffer_view(&request->endpoint->http1_head));
    load_buffer_text(out, request->id);
    load_buffer_text(out, length);
    load_buffer_bytes(out, request->body);
    http1->is_sent = true;
    return true;
}

/* ---- the answer ---- */

/* Take what belongs to a line, or with `end` "\r\n\r\n" to the head. 1: it is whole, 0: more must come, -1: too long.
 */
static int take_line(struct http1 *http1, const char *end, const uint8_t **data, size_t *len)
{
    size_t end_len = strlen(end);
    while (*len > 0) {
        const uint8_t *newline = memchr(*data, '\n', *len);
        size_t part = newline != NULL ? (size_t)(newline - *data) + 1 : *len;
        if (!load_buffer_add(&http1->line, *data, part, MAX_HEAD))
            return -1;
        *data += part, *len -= part;
        const struct load_buffer *line = &http1->line;
        if (line->len >= end_len && memcmp(line->data + line->len - end_len, end, end_len) == 0)
            return 1;
    }
    return 0;
}

/* A header field that frames the body (RFC 9112 section 6.3). */
static bool take_framing(struct http1 *http1, const char *name, size_t name_len, const char *value)
{
    if (name_len == 14 && strncasecmp(name, "content-length", name_len) == 0) {
        char *end;
        http1->left = strtoull(value, &end, 10);
        if (end == value || http1->left > LOAD_MAX_ANSWER)
            return false;
        http1->state = BODY;
    } else if (name_len == 17 && strncasecmp(name, "transfer-encoding", name_len) == 0) {
        http1->state = CHUNK_SIZE;
    } else if (name_len == 10 && strncasecmp(name, "connection", name_len) == 0) {
        http1->last = strncasecmp(value, "close", 5) == 0;
    }
    return true;
}

static bool take_field(struct http1 *http1, char *line)
{
    char *colon = strchr(line, ':');
    if (colon == NULL)
        return false;
    char *value = colon + 1 + strspn(colon + 1, " \t");
    size_t value_len = strlen(value);
    while (value_len > 0 && (value[value_len - 1] == ' ' || value[value_len - 1] == '\t'))
        value[--value_len] = '\0';
    size_t name_len = (size_t)(colon - line);
    load_answer_header(http1->request, (const uint8_t *)line, name_len, (const uint8_t *)value, value_len);
    return take_framing(http1, line, name_len, value);
}

/* The head is whole; false when it is not HTTP. */
static bool take_head(struct http1 *http1)
{
    struct load_answer *answer = &http1->request->answer;
    http1->line.data[http1->line.len - 2] = '\0';
    char *rest = (char *)http1->line.data, *line = strsep(&rest, "\n");
    if (strncmp(line, "HTTP/1.", 7) != 0 || strlen(line) < 12)
        return false;
    answer->status = atoi(line + 9);
    http1->last = line[7] == '0';
    http1->state = UNTIL_CLOSE;
    while (rest != NULL && (line = strsep(&rest, "\n")) != NULL && line[0] != '\0') {
        line[strcspn(line, "\r")] = '\0';
        if (!take_field(http1, line))
            return false;
    }
    http1->line.len = 0;
    if (answer->status >= 100 && answer->status < 200) /* not the answer yet */
        http1->state = HEAD;
    else if (answer->status == 204 || answer->status == 304)
        http1->state = BODY, http1->left = 0;
    return true;
}

static bool take_chunk_size(struct http1 *http1)
{
    char *end;
    s2s_assert(load_buffer_add(&http1->line, "", 1, MAX_HEAD + 1));
    http1->left = strtoull((const char *)http1->line.data, &end, 16);
    bool sound = end != (const char *)http1->line.data && http1->left <= LOAD_MAX_ANSWER;
    http1->line.len = 0;
    http1->state = http1->left > 0 ? CHUNK_DATA : TRAILER;
    return sound;
}

/* Append to the body; false when it gets too long. */
static bool take_body(struct http1 *http1, const uint8_t **data, size_t *len)
{
    size_t part = http1->state == UNTIL_CLOSE || *len < http1->left ? *len : (size_t)http1->left;
    if (!load_buffer_add(&http1->request->answer.body, *data, part, LOAD_MAX_ANSWER))
        return false;
    *data += part, *len -= part;
    if (http1->state != UNTIL_CLOSE)
        http1->left -= part;
    return true;
}

/* One step of the machine. */
static bool step(struct load_link *link, const uint8_t **data, size_t *len)
{
    struct http1 *http1 = link->session;
    bool sound = true;
    switch (http1->state) {
    case IDLE:
        return load_link_complain(link, "the server has sent something that nobody asked for");
    case BODY:
    case CHUNK_DATA:
    case UNTIL_CLOSE:
        sound = take_body(http1, data, len);
        if (sound && http1->state == CHUNK_DATA && http1->left == 0)
            http1->state = CHUNK_END;
        break;
    case HEAD:
    case CHUNK_SIZE:
    case CHUNK_END:
    case TRAILER: {
        int whole = take_line(http1, http1->state == HEAD ? "\r\n\r\n" : "\r\n", data, len);
        sound = whole >= 0;
        if (whole != 1)
            break;
        if (http1->state == HEAD) {
            sound = take_head(http1);
        } else if (http1->state == CHUNK_SIZE) {
            sound = take_chunk_size(http1);
        } else {
            bool ends = http1->state == TRAILER && http1->line.len == 2;
            http1->state = http1->state == CHUNK_END ? CHUNK_SIZE : ends ? BODY : TRAILER;
            http1->line.len = 0;
        }
        break;
    }
    }
    if (sound && http1->state == BODY && http1->left == 0)
        end_request(link, LOAD_ANSWERED);
    return sound || load_link_complain(link, "the server's answer is not HTTP/1.1, or too long");
}

static bool http1_receive(struct load_link *link, const uint8_t *data, size_t len)
{
    while (len > 0) {
        if (!step(link, &data, &len))
            return false;
    }
    return true;
}

const struct load_protocol load_http1 = {
    .name = "HTTP/1.1",
    .alpn = "http/1.1",
    .max_streams = 1,
    .open = http1_open,
    .close = http1_close,
    .send = http1_send,
    .abandon = http1_abandon,
    .receive = http1_receive,
    .produce = http1_produce,
};
