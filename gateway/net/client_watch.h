/* SPDX-License-Identifier: Apache-2.0
 *
 * Notices that a client leaves while it is made to wait. h2o tells of HTTP/2 streams by itself, but does not look at an
 * HTTP/1 connection while a request of it is in hand.
 */
#ifndef GW_CLIENT_WATCH_H
#define GW_CLIENT_WATCH_H

#include "gateway/net/server.h"

struct gw_client_watch;

/* Have `left(arg)` called, once, soon after the client of `conn` has left. */
struct gw_client_watch *gw_client_watch_start(uv_loop_t *loop, const struct gw_conn *conn, void (*left)(void *arg),
                                              void *arg);

/* Watch no more; also from within `left`, and necessary after it. NULL is ignored. */
void gw_client_watch_stop(struct gw_client_watch *watch);

#endif
