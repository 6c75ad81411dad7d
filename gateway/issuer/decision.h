/* SPDX-License-Identifier: Apache-2.0
 *
 * The decision on a verification: the seam between the gateway and whoever decides.
 *
 * The evaluation gathers and judges what was submitted, hands it to a decider, and commits what comes back. A decider
 * knows nothing of jobs and SQL. The built-in one (policy.h) answers at once from the configuration; a backend
 * (decide.h) answers when it likes.
 */
#ifndef GW_DECISION_H
#define GW_DECISION_H

#include "gateway/issuer/judge.h"
#include "proto/states.h"

/* All borrowed. */
struct gw_decision_input {
    const struct gw_item_context *context;
    const struct gw_credential_config *const *configurations; /* those asked for */
    size_t configuration_count;
    struct gw_judgments judgments;
    unsigned attempts; /* submissions with data so far, this one included */
    unsigned requested_device_count;
    const char *data_seq;                 /* names the submission that is decided on */
    const char *wsk_thumbprint;           /* of the wallet signing key */
    const char *attestation;              /* of that: VERIFIED, ABSENT, INVALID, IGNORED */
    const char *locale;                   /* NULL: unsaid */
    const char *previous_verification_id; /* of the same session, approved; NULL: none */
    struct json_object *supported_types;  /* array, or NULL */
    struct json_object *assessments;      /* array of the wallet server's, or NULL */
};

/* Whom a credential is about: by name, or, where nobody can tell that, by pseudonym. Both NULL: nobody. */
struct gw_subject {
    const char *name;
    const char *ref;
};

/* One dataset of one configuration; a configuration may have several. */
struct gw_approval {
    const char *configuration_id;
    struct gw_subject subject;
};

enum gw_decision_kind {
    GW_DECIDED,
    GW_POSTPONED, /* whoever decides cannot be asked now */
    GW_UNDECIDED, /* what was answered cannot be used: a person has to decide */
};

/* A decision; everything lives in the arena of the evaluation, or longer. */
struct gw_decision {
    enum gw_decision_kind kind;
    const char *trouble;   /* unless decided: why, fit for a log and the database */
    int64_t retry_after_s; /* POSTPONED: as asked for; -1: unsaid */

    enum s2s_verification_status status; /* S2S_PENDING: somebody decides later */
    const char *reason_code;             /* REJECTED, DENIED */
    const char *message;                 /* DENIED: deniedMessage; REJECTED: rejectedDetails or NULL */
    const struct gw_approval *approvals; /* APPROVED */
    size_t approval_count;
    unsigned authorized_device_count;
    struct json_object *data_request; /* ADDITIONAL_INFO_REQUIRED: VerificationDataRequest, without deadline */
    int64_t deadline_ms;              /* of the request, from now; 0: none */
    unsigned max_attempts;            /* 0: unlimited */
};

typedef void (*gw_decided_cb)(void *data, const struct gw_decision *decision);

/* A decider. `decide` calls `done` exactly once, at once or later on the same thread; the input and its arena live
 * until then. */
struct gw_decider {
    void (*decide)(const struct gw_decider *self, const struct gw_decision_input *input, gw_decided_cb done,
                   void *data);
};

#endif
