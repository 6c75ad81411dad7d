/* SPDX-License-Identifier: Apache-2.0
 *
 * What came back from a delivery, and what it means for it (profile section 7). Pure: no I/O.
 */
#ifndef GW_ANSWER_H
#define GW_ANSWER_H

#include "gateway/net/outbound.h"
#include "proto/messages.h"

enum gw_verdict {
    GW_DELIVERED,
    GW_RETRY,   /* it may pass */
    GW_BLOCKED, /* we are not let in: the peer is left alone for a while */
    GW_FINAL    /* it will not be taken, however often it is sent */
};

/* Of a peer: which answers are tried again, which mean that we are not let in, and which are final. A redirect says
 * nothing about the message, and may be some proxy's way to say that the peer is away. */
enum gw_verdict gw_verdict_of_peer(const struct gw_outbound_answer *answer);

/* Of a receiver of webhooks, our operator's own: only 410 says that it does not want the message (Standard Webhooks,
 * "Delivery"); anything else is a fault that somebody will mend. */
enum gw_verdict gw_verdict_of_receiver(const struct gw_outbound_answer *answer);

/* Whether the target may still come to read a message that has failed: it left, and nothing was heard of it, or only
 * from somebody on the way (RFC 9110 sections 15.6.3 and 15.6.5). */
bool gw_answer_leaves_stray(const struct gw_outbound_answer *answer);

/* Why a call failed, for the log and the database: "HTTP 503", or what the transport said. In the arena. */
const char *gw_answer_failure(struct s2s_arena *arena, const struct gw_outbound_answer *answer);

/* The body of the answer as a JSON object, or NULL when it is none. */
struct json_object *gw_answer_object(struct s2s_arena *arena, const struct gw_outbound_answer *answer);

/* How the answer (NULL: it has no JSON object) speaks of another thing than the request, in the first `ids` of session,
 * verification and credential instance that both of them name; NULL when it does not. Static text. */
const char *gw_answer_foreign(const struct json_object *request, const struct json_object *answer, unsigned ids);
#define GW_ALL_IDS 3u

/* How the answer with a 2xx fails to be one that the endpoint gives, or NULL: `*body` is then what the endpoint's
 * schema knows of it, as text in the arena. Static text. */
const char *gw_answer_fault(struct s2s_arena *arena, const struct s2s_endpoint *endpoint, int status,
                            struct json_object *answer, const char **body);

/* What a refusal says of itself: the members of a problem (RFC 9457, and those of profile section 2) as text in the
 * arena; NULL when it is no problem that can be kept. */
const char *gw_answer_problem(struct s2s_arena *arena, struct json_object *answer);

#endif
