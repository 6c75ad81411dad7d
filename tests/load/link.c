/* SPDX-License-Identifier: Apache-2.0
 *
 * libuv only tells when the socket is ready; OpenSSL reads and writes it. What the callbacks of a round want to send is
 * collected and written once, before the loop waits again: requests that begin together leave in one TLS record.
 */
#include "tests/load/link.h"

#include "tests/load/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE 32768

static void on_prepare(uv_prepare_t *prepare);

void load_hub_init(struct load_hub *hub, uv_loop_t *loop)
{
    *hub = (struct load_hub){.loop = loop};
    hub->prepare.data = hub;
    s2s_assert(uv_prepare_init(loop, &hub->prepare) == 0 && uv_prepare_start(&hub->prepare, on_prepare) == 0);
    uv_unref((uv_handle_t *)&hub->prepare);
}

void load_hub_close(struct load_hub *hub)
{
    uv_close((uv_handle_t *)&hub->prepare, NULL);
    while (uv_run(hub->loop, UV_RUN_DEFAULT) != 0)
        ; /* a uv_stop from while the loop did not run ends the first round at once */
    s2s_assert(uv_loop_close(hub->loop) == 0);
}

/* ---- ending ---- */

bool load_link_complain(struct load_link *link, const char *reason)
{
    if (link->reason[0] == '\0')
        snprintf(link->reason, sizeof(link->reason), "%s", reason);
    return false;
}

static void forget_dirty(struct load_link *link)
{
    struct load_link **at = &link->hub->dirty;
    while (*at != NULL && *at != link)
        at = &(*at)->next_dirty;
    if (*at != NULL)
        *at = link->next_dirty;
    link->is_dirty = false;
    link->next_dirty = NULL;
}

static void free_poll(uv_handle_t *poll)
{
    free(poll);
}

struct load_traffic load_link_traffic(const struct load_link *link)
{
    struct load_traffic traffic = link->traffic;
    if (link->ssl != NULL) {
        traffic.received += BIO_number_read(SSL_get_rbio(link->ssl));
        traffic.sent += BIO_number_written(SSL_get_wbio(link->ssl));
    }
    return traffic;
}

/* Let go of the socket and all that belongs to it. */
static void release(struct load_link *link)
{
    link->traffic = load_link_traffic(link);
    if (link->is_dirty)
        forget_dirty(link);
    if (link->poll != NULL)
        uv_close((uv_handle_t *)link->poll, free_poll);
    SSL_free(link->ssl);
    if (link->fd >= 0)
        close(link->fd);
    link->poll = NULL;
    link->ssl = NULL;
    link->fd = -1;
    link->events = 0;
    link->leaving = false;
    link->out.len = 0;
}

void load_link_close(struct load_link *link, const char *reason)
{
    if (link->state == LOAD_LINK_CLOSED)
        return;
    bool was_open = link->state == LOAD_LINK_OPEN;
    link->state = LOAD_LINK_CLOSED; /* nobody sends while the requests are done */
    if (reason != NULL)
        load_link_complain(link, reason);
    if (was_open) {
        link->protocol->close(link);
        if (link->reason[0] == '\0')
            SSL_shutdown(link->ssl);
        ERR_clear_error();
    }
    s2s_assert(link->in_flight == 0);
    release(link);
    link->on_close(link);
}

/* OpenSSL or the system has failed: say which, and end. `during` is a word for the reason. */
static void fail(struct load_link *link, const char *during, int code)
{
    char reason[sizeof(link->reason)];
    if (code == SSL_ERROR_ZERO_RETURN && link->state == LOAD_LINK_OPEN && link->in_flight == 0) {
        load_link_close(link, NULL); /* as servers do with connections that they have not seen used for long */
        return;
    }
    if (code == SSL_ERROR_ZERO_RETURN)
        snprintf(reason, sizeof(reason), "%s: the server has closed the connection", during);
    else if (ERR_peek_error() != 0)
        snprintf(reason, sizeof(reason), "%s: %s", during, load_tls_reason());
    else
        snprintf(reason, sizeof(reason), "%s: %s", during, errno != 0 ? strerror(errno) : "end of file");
    load_link_close(link, reason);
}

/* ---- reading and writing ---- */

static void on_poll(uv_poll_t *poll, int status, int events);

static void want(struct load_link *link, int events)
{
    if (events == link->events)
        return;
    link->events = events;
    s2s_assert(uv_poll_start(link->poll, events, on_poll) == 0);
}

/* False: the link is closed. */
static bool write_out(struct load_link *link)
{
    size_t written = 0;
    int need = UV_READABLE;
    while (written < link->out.len) {
        errno = 0;
        int n = SSL_write(link->ssl, link->out.data + written, (int)(link->out.len - written));
        if (n <= 0) {
            int code = SSL_get_error(link->ssl, n);
            if (code == SSL_ERROR_WANT_WRITE)
                need |= UV_WRITABLE;
            if (code == SSL_ERROR_WANT_WRITE || code == SSL_ERROR_WANT_READ)
                break;
            fail(link, "sending", code);
            return false;
        }
        written += (size_t)n;
    }
    load_buffer_consume(&link->out, written);
    want(link, need);
    return true;
}

/* When the server takes no more requests, the connection ends with the last answer. */
static void part(struct load_link *link)
{
    if (link->leaving && link->in_flight == 0)
        load_link_close(link, NULL);
}

static void flush(struct load_link *link)
{
    if (link->fd < 0) { /* could not even begin to connect */
        load_link_close(link, NULL);
        return;
    }
    bool made = link->state == LOAD_LINK_OPEN;
    while (made) {
        if (link->out.len == 0 && !link->protocol->produce(link, &link->out)) {
            load_link_close(link, "the protocol has failed");
            return;
        }
        made = link->out.len > 0;
        if (!write_out(link))
            return;
        made = made && link->out.len == 0;
    }
    part(link);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct load_hub *hub = prepare->data;
    while (hub->dirty != NULL) {
        struct load_link *link = hub->dirty;
        hub->dirty = link->next_dirty;
        link->next_dirty = NULL;
        link->is_dirty = false;
        flush(link);
    }
}

void load_link_touch(struct load_link *link)
{
    if (link->is_dirty)
        return;
    link->is_dirty = true;
    link->next_dirty = link->hub->dirty;
    link->hub->dirty = link;
}

static void read_in(struct load_link *link)
{
    uint8_t data[READ_SIZE];
    for (;;) {
        errno = 0;
        int n = SSL_read(link->ssl, data, sizeof(data));
        if (n <= 0) {
            int code = SSL_get_error(link->ssl, n);
            if (code == SSL_ERROR_WANT_WRITE)
                want(link, UV_READABLE | UV_WRITABLE);
            else if (code != SSL_ERROR_WANT_READ)
                fail(link, "receiving", code);
            return;
        }
        if (!link->protocol->receive(link, data, (size_t)n)) {
            load_link_close(link, "the protocol has failed");
            return;
        }
        load_link_touch(link);
    }
}

/* ---- opening ---- */

static void shake(struct load_link *link)
{
    errno = 0;
    int n = SSL_connect(link->ssl);
    if (n != 1) {
        int code = SSL_get_error(link->ssl, n);
        if (code == SSL_ERROR_WANT_READ)
            want(link, UV_READABLE);
        else if (code == SSL_ERROR_WANT_WRITE)
            want(link, UV_READABLE | UV_WRITABLE);
        else
            fail(link, "TLS handshake", code);
        return;
    }
    if (!load_tls_speaks(link->ssl, link->protocol->alpn)) {
        load_link_close(link, "the server does not speak the HTTP version asked for");
        return;
    }
    link->state = LOAD_LINK_OPEN;
    want(link, UV_READABLE);
    link->protocol->open(link);
    load_link_touch(link);
    link->on_open(link);
}

static void begin_tls(struct load_link *link)
{
    int failure = 0;
    socklen_t size = sizeof(failure);
    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0 || failure != 0) {
        errno = failure != 0 ? failure : errno;
        fail(link, "connecting", SSL_ERROR_SYSCALL);
        return;
    }
    link->ssl = SSL_new(link->tls);
    s2s_assert(link->ssl != NULL && SSL_set_fd(link->ssl, link->fd) == 1);
    struct in6_addr address;
    const char *host = link->target->host;
    if (inet_pton(AF_INET, host, &address) != 1 && inet_pton(AF_INET6, host, &address) != 1)
        SSL_set_tlsext_host_name(link->ssl, host); /* RFC 6066 section 3: names only */
    link->state = LOAD_LINK_SHAKING;
    shake(link);
}

/* The socket is ready for what the state waits for, or has failed, which the next system call tells better than libuv.
 */
static void advance(struct load_link *link)
{
    switch (link->state) {
    case LOAD_LINK_CONNECTING:
        begin_tls(link);
        break;
    case LOAD_LINK_SHAKING:
        shake(link);
        break;
    case LOAD_LINK_OPEN:
        if ((link->events & UV_WRITABLE) != 0)
            load_link_touch(link);
        read_in(link);
        break;
    case LOAD_LINK_CLOSED:
        break;
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct load_link *link = poll->data;
    (void)events;
    advance(link);
    if (status < 0 && link->poll == poll) /* libuv watches it no more */
        load_link_close(link, uv_strerror(status));
}

/* A socket on its way to the next address; -1 with errno. */
static int start_connect(struct load_link *link)
{
    const struct load_target *target = link->target;
    size_t i = (link->first_address + link->attempts++) % target->address_count;
    const struct sockaddr_storage *address = &target->addresses[i];
    int one = 1, fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, (const struct sockaddr *)address, target->address_lens[i]) != 0 && errno != EINPROGRESS) {
        int failure = errno;
        close(fd);
        errno = failure;
        return -1;
    }
    return fd;
}

void load_link_open(struct load_link *link)
{
    s2s_assert(link->state == LOAD_LINK_CLOSED);
    link->state = LOAD_LINK_CONNECTING;
    link->reason[0] = '\0';
    link->began = load_now();
    link->fd = start_connect(link);
    if (link->fd < 0) { /* no descriptor or no port is left: told from the loop, as every other failure */
        snprintf(link->reason, sizeof(link->reason), "connecting: %s", strerror(errno));
        load_link_touch(link);
        return;
    }
    link->poll = calloc(1, sizeof(*link->poll));
    s2s_assert(link->poll != NULL && uv_poll_init(link->hub->loop, link->poll, link->fd) == 0);
    link->poll->data = link;
    want(link, UV_WRITABLE);
}

/* ---- requests ---- */

void load_link_send(struct load_link *link, struct load_request *request)
{
    s2s_assert(load_link_usable(link) && link->in_flight < link->protocol->max_streams);
    load_answer_begin(&request->answer);
    request->sent = 0;
    ++link->in_flight;
    link->protocol->send(link, request);
    load_link_touch(link);
}

void load_link_abandon(struct load_link *link, struct load_request *request)
{
    link->protocol->abandon(link, request);
    if (link->state == LOAD_LINK_OPEN)
        load_link_touch(link);
}

void load_link_done(struct load_link *link, struct load_request *request, enum load_ending ending)
{
    --link->in_flight;
    request->done(request, ending);
}
