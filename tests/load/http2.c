/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/2 (RFC 9113) by nghttp2, which frames; TLS and the socket are the link's.
 */
#include "tests/load/link.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

/* Large windows: the tool measures the server, not the flow control. */
#define STREAM_WINDOW (1 << 20)
#define CONNECTION_WINDOW (1 << 26)
/* One round of `produce` makes about this much; what is longer waits until it has been sent. */
#define PRODUCE_SIZE ((size_t)64 << 10)
#define MAX_FRAME ((size_t)1 << 20)

struct http2 {
    nghttp2_session *session;
    struct load_request *first; /* in flight */
};

static void link_request(struct http2 *http2, struct load_request *request)
{
    request->previous = NULL;
    request->next = http2->first;
    if (http2->first != NULL)
        http2->first->previous = request;
    http2->first = request;
}

static void unlink_request(struct http2 *http2, struct load_request *request)
{
    if (request->previous != NULL)
        request->previous->next = request->next;
    else
        http2->first = request->next;
    if (request->next != NULL)
        request->next->previous = request->previous;
}

static void end_request(struct load_link *link, struct load_request *request, enum load_ending ending)
{
    unlink_request(link->session, request);
    load_link_done(link, request, ending);
}

/* ---- nghttp2's callbacks; `arg` is the link ---- */

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *arg)
{
    struct load_request *request = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    (void)flags, (void)arg;
    if (request == NULL)
        return 0;
    if (name_len == 7 && name[0] == ':' && value_len == 3) /* :status; nghttp2 has checked that it is a number */
        request->answer.status = (value[0] - '0') * 100 + (value[1] - '0') * 10 + (value[2] - '0');
    else
        load_answer_header(request, name, name_len, value, value_len);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data, size_t len, void *arg)
{
    struct load_link *link = arg;
    struct load_request *request = nghttp2_session_get_stream_user_data(session, stream);
    (void)flags;
    if (request == NULL || load_buffer_add(&request->answer.body, data, len, LOAD_MAX_ANSWER))
        return 0;
    nghttp2_session_set_stream_user_data(session, stream, NULL);
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
    end_request(link, request, LOAD_TOO_LARGE);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t error_code, void *arg)
{
    struct load_link *link = arg;
    struct load_request *request = nghttp2_session_get_stream_user_data(session, stream);
    if (request != NULL)
        end_request(link, request,
                    error_code == NGHTTP2_NO_ERROR ? LOAD_ANSWERED
                    : link->leaving                ? LOAD_LOST /* after GOAWAY it was not taken, or not even sent */
                                                   : LOAD_RESET);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct load_link *link = arg;
    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        link->leaving = true;
    return 0;
}

static nghttp2_session_callbacks *make_callbacks(void)
{
    nghttp2_session_callbacks *callbacks;
    s2s_assert(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    return callbacks;
}

/* ---- the protocol ---- */

static void http2_open(struct load_link *link)
{
    static const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                                      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW}};
    struct http2 *http2 = calloc(1, sizeof(*http2));
    nghttp2_session_callbacks *callbacks = make_callbacks();
    s2s_assert(http2 != NULL && nghttp2_session_client_new(&http2->session, callbacks, link) == 0);
    nghttp2_session_callbacks_del(callbacks);
    link->session = http2;
    s2s_assert(nghttp2_submit_settings(http2->session, NGHTTP2_FLAG_NONE, settings, 2) == 0 &&
               nghttp2_session_set_local_window_size(http2->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW) == 0);
}

static void http2_close(struct load_link *link)
{
    struct http2 *http2 = link->session;
    while (http2->first != NULL)
        end_request(link, http2->first, LOAD_LOST);
    nghttp2_session_del(http2->session);
    free(http2);
    link->session = NULL;
}

static ssize_t read_body(nghttp2_session *session, int32_t stream, uint8_t *out, size_t size, uint32_t *flags,
                         nghttp2_data_source *source, void *arg)
{
    struct load_request *request = source->ptr;
    size_t left = request->body.len - request->sent;
    size_t len = left < size ? left : size;
    (void)session, (void)stream, (void)arg;
    memcpy(out, request->body.data + request->sent, len);
    request->sent += len;
    if (len == left)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)len;
}

/* Names and values stay where they are until the stream is closed, so nghttp2 need not copy them. What differs from
 * request to request stays out of the compression's table, which so keeps the rest: it is sent once a connection. */
#define SAME_FLAGS (NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE)
#define OWN_FLAGS (SAME_FLAGS | NGHTTP2_NV_FLAG_NO_INDEX)

static nghttp2_nv field(const char *name, const char *value, uint8_t flags)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value), flags};
}

static void http2_send(struct load_link *link, struct load_request *request)
{
    struct http2 *http2 = link->session;
    const struct load_endpoint *endpoint = request->endpoint;
    const nghttp2_nv fields[] = {
        field(":method", endpoint->method, SAME_FLAGS),
        field(":scheme", "https", SAME_FLAGS),
        field(":authority", endpoint->authority, SAME_FLAGS),
        field(":path", endpoint->path, SAME_FLAGS),
        field("api-version", "1.0.0", SAME_FLAGS),
        field("content-type", "application/json", SAME_FLAGS),
        field("x-request-id", request->id, OWN_FLAGS),
    };
    nghttp2_data_provider body = {.source.ptr = request, .read_callback = read_body};
    link_request(http2, request);
    request->stream = nghttp2_submit_request(http2->session, NULL, fields, sizeof(fields) / sizeof(fields[0]),
                                             request->body.data != NULL ? &body : NULL, request);
    s2s_assert(request->stream > 0); /* anything else is out of memory, or a connection after 2^30 requests */
}

static void http2_abandon(struct load_link *link, struct load_request *request)
{
    struct http2 *http2 = link->session;
    nghttp2_session_set_stream_user_data(http2->session, request->stream, NULL);
    nghttp2_submit_rst_stream(http2->session, NGHTTP2_FLAG_NONE, request->stream, NGHTTP2_CANCEL);
    end_request(link, request, LOAD_TIMED_OUT);
}

static bool http2_receive(struct load_link *link, const uint8_t *data, size_t len)
{
    struct http2 *http2 = link->session;
    ssize_t taken = nghttp2_session_mem_recv(http2->session, data, len);
    return taken == (ssize_t)len || load_link_complain(link, nghttp2_strerror((int)taken));
}

static bool http2_produce(struct load_link *link, struct load_buffer *out)
{
    struct http2 *http2 = link->session;
    while (out->len < PRODUCE_SIZE) {
        const uint8_t *data;
        ssize_t len = nghttp2_session_mem_send(http2->session, &data);
        if (len < 0)
            return load_link_complain(link, nghttp2_strerror((int)len));
        if (len == 0)
            break;
        s2s_assert(load_buffer_add(out, data, (size_t)len, PRODUCE_SIZE + MAX_FRAME));
    }
    return out->len > 0 || link->leaving || nghttp2_session_want_read(http2->session) ||
           load_link_complain(link, "HTTP/2 connection error");
}

const struct load_protocol load_http2 = {
    .name = "HTTP/2",
    .alpn = "h2",
    .max_streams = 1000,
    .open = http2_open,
    .close = http2_close,
    .send = http2_send,
    .abandon = http2_abandon,
    .receive = http2_receive,
    .produce = http2_produce,
};
