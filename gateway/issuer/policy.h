/* SPDX-License-Identifier: Apache-2.0
 *
 * The decision on a verification: the seam between the gateway and whoever decides.
 *
 * The evaluation job gathers the input, hands it to a decider and commits what comes back. The built-in decider
 * (policy.c) answers at once from the configuration; another decider may answer later from its own callback.
 */
#ifndef GW_POLICY_H
#define GW_POLICY_H

#include "gateway/config.h"
#include "proto/states.h"

/* One VerificationDataItem, decrypted; newest submission of each (id, origin). Borrowed. */
struct gw_decision_item {
    const char *id;
    const char *type;
    bool from_server;
    struct json_object *item;
};

struct gw_decision_input {
    const char *session_id;
    const char *verification_id;
    const struct gw_credential_config *const *configurations; /* those asked for */
    size_t configuration_count;
    const struct gw_decision_item *items;
    size_t item_count;
    unsigned attempts; /* submissions with data so far, this one included */
    unsigned requested_device_count;
    int64_t now; /* seconds */
};

/* A decision; everything lives in the arena of the evaluation. */
struct gw_decision {
    enum s2s_verification_status status; /* S2S_PENDING: somebody decides later */
    const char *reason_code;             /* REJECTED, DENIED */
    const char *message;                 /* DENIED: deniedMessage; REJECTED: rejectedDetails or NULL */
    const char **approved;               /* APPROVED: configuration ids */
    size_t approved_count;
    unsigned authorized_device_count;
    const char **subjects;            /* APPROVED: subject (dataset name) per approved configuration */
    struct json_object *data_request; /* ADDITIONAL_INFO_REQUIRED: VerificationDataRequest, without deadline */
    int64_t deadline_ms;              /* of the request, from now; 0: none */
    unsigned max_attempts;            /* 0: unlimited; the smallest of the configurations' */
};

typedef void (*gw_decided_cb)(void *data, const struct gw_decision *decision);

/* A decider. `decide` calls `done` exactly once, at once or later on the same thread; `arena` lives until then. */
struct gw_decider {
    void (*decide)(const struct gw_decider *self, struct s2s_arena *arena, const struct gw_decision_input *input,
                   gw_decided_cb done, void *data);
};

/* Decides from gw_policy_config: items first (a missing required one: ADDITIONAL_INFO_REQUIRED; one that does not
 * match: REJECTED), then approve, deny or review per configuration. Several configurations: items of all are asked for
 * together; the approved subset wins over denied ones; any under review keeps PENDING. Expected values are compared in
 * constant time. */
extern const struct gw_decider gw_builtin_decider;

/* The largest number of attempts that the configurations allow together (the smallest non-zero limit; 0: unlimited). */
unsigned gw_policy_max_attempts(const struct gw_credential_config *const *configurations, size_t count);

#endif
