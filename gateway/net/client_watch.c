/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/client_watch.h"

#include "proto/result.h"

#include <stdlib.h>

#define LOOK_MS 250

struct gw_client_watch {
    uv_timer_t timer;
    const struct gw_conn *conn;
    void (*left)(void *arg);
    void *arg;
};

static void on_look(uv_timer_t *timer)
{
    struct gw_client_watch *watch = timer->data;
    if (!gw_conn_left(watch->conn))
        return;
    uv_timer_stop(timer);
    watch->left(watch->arg);
}

struct gw_client_watch *gw_client_watch_start(uv_loop_t *loop, const struct gw_conn *conn, void (*left)(void *arg),
                                              void *arg)
{
    struct gw_client_watch *watch = calloc(1, sizeof(*watch));
    s2s_assert(watch != NULL);
    watch->conn = conn;
    watch->left = left;
    watch->arg = arg;
    uv_timer_init(loop, &watch->timer);
    watch->timer.data = watch;
    uv_timer_start(&watch->timer, on_look, LOOK_MS, LOOK_MS);
    return watch;
}

static void on_closed(uv_handle_t *timer)
{
    free(timer->data);
}

void gw_client_watch_stop(struct gw_client_watch *watch)
{
    if (watch != NULL)
        uv_close((uv_handle_t *)&watch->timer, on_closed);
}
