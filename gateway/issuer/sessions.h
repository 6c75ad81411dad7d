/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker's cache of sessions: owner and WSK never change, so a hit saves the load of a request. Bounded, least
 * recently used goes first. Used by one thread.
 */
#ifndef GW_SESSIONS_H
#define GW_SESSIONS_H

#include "proto/jwk.h"

struct gw_sessions;

/* An empty cache of at most `capacity` sessions. Free with gw_sessions_free. */
struct gw_sessions *gw_sessions_new(size_t capacity);
void gw_sessions_free(struct gw_sessions *sessions);

/* The WSK of the session if it is known here and belongs to `peer`; borrowed until the next put. NULL otherwise. */
struct s2s_jwk *gw_sessions_find(struct gw_sessions *sessions, const char *session_id, const char *peer);

/* Remember a committed session. Shares the key. */
void gw_sessions_put(struct gw_sessions *sessions, const char *session_id, const char *peer, struct s2s_jwk *wsk);

#endif
