/* SPDX-License-Identifier: Apache-2.0
 *
 * What was submitted to a verification, opened: for an evaluation, and for a reviewer. The plaintext exists only in the
 * arena, which is wiped when it is freed, and in json-c trees, which are freed with it.
 */
#ifndef GW_SUBMISSIONS_H
#define GW_SUBMISSIONS_H

#include "gateway/issuer/items/items.h"

struct gw_submissions {
    struct s2s_arena *arena;
    const struct gw_generation *generation;
    const char *session_id;
    const char *verification_id;
    int64_t now; /* seconds */
    /* What was found. */
    struct gw_item *items; /* the newest of each id and origin, in the order in which they first came */
    size_t count, capacity;
    struct json_object *assessments; /* array of the wallet server's; NULL: none */
    struct s2s_jwk *wsk;
};

/* Read the session's Wallet Signing Key, with which the wallet client's payloads are verified; before these. */
S2S_MUST_CHECK struct s2s_result gw_submissions_set_wsk(struct gw_submissions *submissions, const char *jwk);

/* Open what one submission brought; oldest first, as a newer item replaces older ones. `seq` is the submission's
 * number. S2S_LIMIT: all that was submitted is too large together. */

/* A JweEncryptedPayload of the wallet client, as text. */
S2S_MUST_CHECK struct s2s_result gw_submissions_add_client(struct gw_submissions *submissions, const char *payload,
                                                           unsigned seq);
/* Items and assessments of the wallet server, sealed. */
S2S_MUST_CHECK struct s2s_result gw_submissions_add_server(struct gw_submissions *submissions, struct s2s_bytes sealed,
                                                           unsigned seq);
/* An item of the issuer's own, sealed. */
S2S_MUST_CHECK struct s2s_result gw_submissions_add_issuer(struct gw_submissions *submissions, struct s2s_bytes sealed,
                                                           unsigned seq);

/* An item that is open already. */
S2S_MUST_CHECK struct s2s_result gw_submissions_add_item(struct gw_submissions *submissions, struct json_object *item,
                                                         enum gw_item_origin origin, unsigned seq);

#endif
