/* SPDX-License-Identifier: Apache-2.0
 *
 * Method. libcurl's multi interface does the transfers; its sockets and its timer are handles of the loop, and
 * on_socket and on_timer feed it their events.
 *
 * Every target has a lane: a multi handle of its own. With one for all, a call that waits for a connection (to learn
 * whether its peer speaks HTTP/2, or because the peer's connections are all busy) stands in one queue with the calls to
 * every other peer, and libcurl 7.88 looks at the first of that queue only: a peer that does not answer would hold up
 * the rest. Lanes of their own also keep what was opened with one client certificate from being used for another
 * target. A lane without calls is closed, with its connections, after a while.
 *
 * libcurl's own limit for a whole transfer does not run while a transfer waits for a connection, so each has a timer
 * here.
 */
#include "gateway/net/outbound.h"

#include "gateway/net/outbound_easy.h"
#include "proto/result.h"

#include <stdlib.h>
#include <string.h>

/* How long a lane without calls keeps its connections, and how often that is looked at. */
#define LINGER_MS 60000
#define SWEEP_MS 15000

struct transfer {
    struct gw_outbound_call *call;
    struct lane *lane;
    struct gw_easy easy;
    uv_timer_t deadline; /* what the transfer's memory waits for in the end */
    struct transfer *next, **link;
};

struct lane {
    struct gw_outbound *outbound;
    char *key;
    CURLM *multi; /* NULL: closed, only waiting for its timer */
    uv_timer_t timer;
    const char *alert; /* the TLS alert of this turn, or NULL; connections point here */
    struct transfer *transfers;
    uint64_t idle_since_ms; /* meaningful without transfers */
    struct lane *next;
};

struct gw_outbound {
    uv_loop_t *loop;
    unsigned max_connections;
    unsigned pending;
    struct lane *lanes;
    uv_timer_t sweep;
};

/* A socket of libcurl's, of its own allocation: it outlives the socket until libuv has closed it. */
struct watch {
    uv_poll_t poll;
    struct lane *lane;
    curl_socket_t socket;
    int events; /* of libuv, that libcurl waits for */
};

/* ---- transfers ---- */

static void on_deadline_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* Take the transfer from libcurl and from its lane; its call is nobody's from here on. */
static void transfer_stop(struct transfer *transfer)
{
    struct lane *lane = transfer->lane;
    s2s_assert(curl_multi_remove_handle(lane->multi, transfer->easy.curl) == CURLM_OK);
    *transfer->link = transfer->next;
    if (transfer->next != NULL)
        transfer->next->link = transfer->link;
    lane->idle_since_ms = uv_now(lane->outbound->loop);
    --lane->outbound->pending;
    transfer->call->private_ = NULL;
    transfer->call = NULL;
    uv_timer_stop(&transfer->deadline);
}

static void transfer_free(struct transfer *transfer)
{
    gw_easy_close(&transfer->easy);
    uv_close((uv_handle_t *)&transfer->deadline, on_deadline_closed);
}

/* `done` may send, cancel and even close: nothing but the transfer itself is touched after it. */
static void transfer_end(struct transfer *transfer, CURLcode code)
{
    struct gw_outbound_call *call = transfer->call;
    transfer_stop(transfer);
    struct gw_outbound_answer answer = gw_easy_answer(&transfer->easy, code);
    call->done(call, &answer);
    transfer_free(transfer);
}

static void on_deadline(uv_timer_t *timer)
{
    struct transfer *transfer = timer->data;
    transfer->lane->alert = NULL;
    snprintf(transfer->easy.error, sizeof(transfer->easy.error), "no answer within %lld ms",
             (long long)transfer->call->timeout_ms);
    transfer_end(transfer, CURLE_OPERATION_TIMEDOUT);
}

static void transfer_start(struct lane *lane, struct gw_outbound_call *call)
{
    struct transfer *transfer = calloc(1, sizeof(*transfer));
    s2s_assert(transfer != NULL);
    call->private_ = transfer;
    transfer->call = call;
    transfer->lane = lane;
    transfer->link = &lane->transfers;
    transfer->next = lane->transfers;
    if (transfer->next != NULL)
        transfer->next->link = &transfer->next;
    lane->transfers = transfer;
    ++lane->outbound->pending;

    uv_timer_init(lane->outbound->loop, &transfer->deadline);
    transfer->deadline.data = transfer;
    uv_update_time(lane->outbound->loop); /* the loop's own may be that of a while ago */
    uv_timer_start(&transfer->deadline, on_deadline, (uint64_t)call->timeout_ms, 0);
    gw_easy_open(&transfer->easy, call, transfer, &lane->alert);
    /* Only asks for the timer: nothing happens, and no call ends, before the loop's next turn. */
    s2s_assert(curl_multi_add_handle(lane->multi, transfer->easy.curl) == CURLM_OK);
}

/* ---- libcurl and the loop ---- */

static void collect(struct lane *lane)
{
    CURLMsg *message;
    int left;
    /* The lane may be closed by a call's `done`, but its memory lasts until the loop's next turn. */
    while (lane->multi != NULL && (message = curl_multi_info_read(lane->multi, &left)) != NULL) {
        CURLcode code = message->data.result; /* the message goes with the handle */
        char *owner;
        s2s_assert(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner) == CURLE_OK);
        transfer_end((struct transfer *)(void *)owner, code);
    }
}

static void act(struct lane *lane, curl_socket_t socket, int events)
{
    int running;
    lane->alert = NULL;
    s2s_assert(curl_multi_socket_action(lane->multi, socket, events, &running) == CURLM_OK);
    collect(lane);
}

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

/* On a reset libuv stops the handle and says no more than that there is an error. What came before the reset is still
 * there to be read, and may be the alert that tells why: so libcurl is let loose on the socket, and finds the error
 * itself. */
static void on_socket(uv_poll_t *poll, int status, int events)
{
    const struct watch *watch = poll->data;
    int flags = 0;
    if (status < 0) {
        uv_poll_start(poll, watch->events, on_socket);
        events = UV_READABLE | UV_WRITABLE;
    }
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    act(watch->lane, watch->socket, flags);
}

static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct lane *lane = arg;
    (void)multi;
    if (timeout_ms < 0)
        uv_timer_stop(&lane->timer);
    else
        uv_timer_start(&lane->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static struct watch *watch_new(struct lane *lane, curl_socket_t socket)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    s2s_assert(watch != NULL);
    watch->lane = lane;
    watch->socket = socket;
    s2s_assert(uv_poll_init(lane->outbound->loop, &watch->poll, socket) == 0);
    watch->poll.data = watch;
    s2s_assert(curl_multi_assign(lane->multi, socket, watch) == CURLM_OK);
    return watch;
}

/* libcurl closes the socket after CURL_POLL_REMOVE; uv_close lets go of it at once. */
static int watch_socket(CURL *easy, curl_socket_t socket, int what, void *arg, void *socket_arg)
{
    static const int events[] = {
        [CURL_POLL_IN] = UV_READABLE, [CURL_POLL_OUT] = UV_WRITABLE, [CURL_POLL_INOUT] = UV_READABLE | UV_WRITABLE};
    struct watch *watch = socket_arg;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL)
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        return 0;
    }
    if (watch == NULL)
        watch = watch_new(arg, socket);
    watch->events = events[what];
    uv_poll_start(&watch->poll, watch->events, on_socket);
    return 0;
}

/* ---- lanes ---- */

/* Equal for targets that may share connections. */
static char *key_of(const struct gw_target *target)
{
    char *key;
    size_t len;
    FILE *out = open_memstream(&key, &len);
    s2s_assert(out != NULL);
    fprintf(out, "%d %u %s\n%s\n%s\n%s", target->public_only, target->connections, target->url,
            target->certificate.path != NULL ? target->certificate.path : "",
            target->key.path != NULL ? target->key.path : "", target->ca != NULL ? target->ca->id : "");
    s2s_assert(fclose(out) == 0);
    return key;
}

#define SET(lane, option, value) s2s_assert(curl_multi_setopt((lane)->multi, (option), (value)) == CURLM_OK)

/* Takes `key`. */
static struct lane *lane_new(struct gw_outbound *outbound, const struct gw_target *target, char *key)
{
    unsigned connections = target->connections != 0 ? target->connections : outbound->max_connections;
    struct lane *lane = calloc(1, sizeof(*lane));
    s2s_assert(lane != NULL);
    lane->outbound = outbound;
    lane->key = key;
    lane->multi = curl_multi_init();
    s2s_assert(lane->multi != NULL);
    uv_timer_init(outbound->loop, &lane->timer);
    lane->timer.data = lane;
    SET(lane, CURLMOPT_SOCKETFUNCTION, watch_socket);
    SET(lane, CURLMOPT_SOCKETDATA, lane);
    SET(lane, CURLMOPT_TIMERFUNCTION, set_timer);
    SET(lane, CURLMOPT_TIMERDATA, lane);
    SET(lane, CURLMOPT_MAX_HOST_CONNECTIONS, (long)connections);
    SET(lane, CURLMOPT_MAXCONNECTS, (long)connections);
    lane->next = outbound->lanes;
    outbound->lanes = lane;
    return lane;
}

static struct lane *lane_of(struct gw_outbound *outbound, const struct gw_target *target)
{
    char *key = key_of(target);
    for (struct lane *lane = outbound->lanes; lane != NULL; lane = lane->next) {
        if (strcmp(lane->key, key) == 0) {
            free(key);
            return lane;
        }
    }
    return lane_new(outbound, target, key);
}

static void on_lane_closed(uv_handle_t *handle)
{
    struct lane *lane = handle->data;
    free(lane->key);
    free(lane);
}

/* Drop the calls, unanswered, and the connections. The lane is out of the list, or the list is going. */
static void lane_close(struct lane *lane)
{
    while (lane->transfers != NULL) {
        struct transfer *transfer = lane->transfers;
        struct gw_outbound_call *call = transfer->call;
        transfer_stop(transfer);
        if (call->dropped != NULL)
            call->dropped(call);
        transfer_free(transfer);
    }
    s2s_assert(curl_multi_cleanup(lane->multi) == CURLM_OK);
    lane->multi = NULL;
    uv_close((uv_handle_t *)&lane->timer, on_lane_closed);
}

static void on_sweep(uv_timer_t *timer)
{
    struct gw_outbound *outbound = timer->data;
    uint64_t now_ms = uv_now(outbound->loop);
    for (struct lane **link = &outbound->lanes; *link != NULL;) {
        struct lane *lane = *link;
        if (lane->transfers != NULL || now_ms - lane->idle_since_ms < LINGER_MS) {
            link = &lane->next;
            continue;
        }
        *link = lane->next;
        lane_close(lane);
    }
}

/* ---- the interface ---- */

void gw_outbound_global_init(void)
{
    s2s_assert(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    /* A build of libcurl without these would block the loop, or give up TLS or HTTP/2, without a word. */
    const int needed = CURL_VERSION_SSL | CURL_VERSION_HTTP2 | CURL_VERSION_ASYNCHDNS;
    s2s_assert((curl_version_info(CURLVERSION_NOW)->features & needed) == needed);
}

struct gw_outbound *gw_outbound_new(uv_loop_t *loop, unsigned max_connections)
{
    struct gw_outbound *outbound = calloc(1, sizeof(*outbound));
    s2s_assert(outbound != NULL && max_connections > 0);
    outbound->loop = loop;
    outbound->max_connections = max_connections;
    uv_timer_init(loop, &outbound->sweep);
    outbound->sweep.data = outbound;
    uv_timer_start(&outbound->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    uv_unref((uv_handle_t *)&outbound->sweep);
    return outbound;
}

void gw_outbound_send(struct gw_outbound *outbound, struct gw_outbound_call *call)
{
    s2s_assert((call->path[0] == '/' || call->path[0] == '\0') && call->timeout_ms > 0 && call->done != NULL);
    transfer_start(lane_of(outbound, call->target), call);
}

void gw_outbound_cancel(struct gw_outbound *outbound, struct gw_outbound_call *call)
{
    (void)outbound;
    struct transfer *transfer = call->private_;
    if (transfer == NULL)
        return;
    transfer_stop(transfer);
    transfer_free(transfer);
}

unsigned gw_outbound_pending(const struct gw_outbound *outbound)
{
    return outbound->pending;
}

static void on_sweep_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void gw_outbound_close(struct gw_outbound *outbound)
{
    while (outbound->lanes != NULL) {
        struct lane *lane = outbound->lanes;
        outbound->lanes = lane->next;
        lane_close(lane);
    }
    uv_close((uv_handle_t *)&outbound->sweep, on_sweep_closed);
}
