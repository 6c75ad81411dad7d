/* SPDX-License-Identifier: Apache-2.0
 *
 * What is played: steps, each one request and the check of its answer, and scenarios, rows of steps.
 */
#ifndef LOAD_SCENARIO_H
#define LOAD_SCENARIO_H

#include "proto/messages.h"
#include "tests/load/request.h"
#include "tests/load/wallet.h"

enum load_step {
    LOAD_INITIATE,
    LOAD_DECISION, /* status, again and again until the verification is decided */
    LOAD_PROVISION,
    LOAD_GET,
    LOAD_STATUS,
    LOAD_CREDENTIAL_STATUS,
    LOAD_CONFIRM, /* the event that the credential has arrived */
    LOAD_SUSPEND,
    LOAD_RESUME,
    LOAD_STEPS
};

enum load_scenario_id {
    LOAD_SCENARIO_INITIATE,
    LOAD_SCENARIO_DECISION,
    LOAD_SCENARIO_FLOW,
    LOAD_SCENARIO_GET,
    LOAD_SCENARIO_STATUS,
    LOAD_SCENARIO_CREDENTIAL_STATUS,
    LOAD_SCENARIO_LIFECYCLE,
    LOAD_SCENARIOS,
    /* Not for users: opens the sessions that the others need. */
    LOAD_SCENARIO_OPEN = LOAD_SCENARIOS,
    LOAD_ALL_SCENARIOS
};

#define LOAD_MAX_STEPS 5

struct load_scenario {
    const char *name;
    const char *doc;
    enum load_step steps[LOAD_MAX_STEPS];
    size_t step_count;
    bool opens;     /* a session of its own, instead of one that was opened before the clock started */
    unsigned parts; /* LOAD_PART_* of the session that are sent */
};

extern const struct load_scenario load_scenarios[LOAD_ALL_SCENARIOS];

/* LOAD_SCENARIOS when there is none of this name. */
enum load_scenario_id load_scenario_named(const char *name, size_t len);

/* What becomes of the operation after an answer. */
enum load_verdict {
    LOAD_NEXT,  /* good: the next step */
    LOAD_AGAIN, /* good, but not there yet: the same step after a pause */
    LOAD_WRONG, /* not what it should be */
};

#define LOAD_LABEL_SIZE 96

/* What a step's check tells besides its verdict. */
struct load_finding {
    uint64_t pause;              /* LOAD_AGAIN: how long; 0 leaves it to the caller */
    char label[LOAD_LABEL_SIZE]; /* LOAD_WRONG: the kind of error, for counting */
};

struct load_step_info {
    const char *name;
    enum s2s_endpoint_id endpoint;
    bool changes;  /* the issuer's state: what it has acknowledged goes to the journal */
    bool may_wait; /* a 202 means not yet */
    /* The request's body. It may use `scratch`, and is borrowed until the answer is there. */
    struct s2s_bytes (*compose)(const struct load_session *session, struct load_buffer *scratch);
    /* Look at the body of a 200 and keep in the session what it tells. NULL: good; load_not_yet; else what is wrong. */
    const char *(*check)(struct load_session *session, struct s2s_bytes body);
};

extern const struct load_step_info load_steps[LOAD_STEPS];
extern const char load_not_yet[];

/* Whether the step has still to be done: an issuer that decides at once needs no polling. */
static inline bool load_step_needed(enum load_step step, const struct load_session *session)
{
    return step != LOAD_DECISION || !session->approved;
}

/* Judge an answer to the step. */
enum load_verdict load_step_judge(enum load_step step, struct load_session *session, const struct load_answer *answer,
                                  struct load_finding *finding);

#endif
