/* SPDX-License-Identifier: Apache-2.0
 *
 * The decider of a configuration whose decisions come from a backend (`decision: webhook`). Items that the policy
 * demands come first, as with the built-in one: the backend is asked once they are there and good. It is told what the
 * judgments found out.
 *
 * An answer that cannot be used never decides anything: it leaves the verification to a person.
 */
#ifndef GW_DECIDE_H
#define GW_DECIDE_H

#include "gateway/issuer/backend.h"
#include "gateway/issuer/decision.h"

/* Lives, where it is, until `done` has run and its decision has been committed. */
struct gw_backend_decider {
    struct gw_decider decider;
    struct gw_worker *worker;
    struct gw_backend backend;
    int64_t deadline_us; /* monotonic */

    /* Private to decide.c. */
    struct gw_backend_ask ask;
    const struct gw_decision_input *input;
    gw_decided_cb done;
    void *data;
};

/* Fill `decider`. False when there is no backend of this name. */
bool gw_backend_decider_init(struct gw_backend_decider *decider, struct gw_worker *worker,
                             const struct gw_generation *generation, const char *backend, int64_t deadline_us);

/* What the backend is asked (`data` of verification.decide); owned by the arena. */
struct json_object *gw_decide_question(const struct gw_decision_input *input, struct s2s_arena *arena);

/* Whether the same decides on both, so that they can be asked for together. */
bool gw_decided_alike(const struct gw_credential_config *a, const struct gw_credential_config *b);

#endif
