/* SPDX-License-Identifier: Apache-2.0
 *
 * The built-in decider, and what every decision takes from the configuration: what to ask for, how often, and of whom
 * the credentials are.
 */
#ifndef GW_POLICY_H
#define GW_POLICY_H

#include "gateway/issuer/decision.h"

/* Decides from gw_policy_config: items first (gw_policy_items), then approve, deny or review per configuration. Several
 * configurations: items of all are asked for together; the approved subset wins over denied ones; any under review, and
 * any item that is waiting, keeps PENDING. Expected values are compared in constant time. */
extern const struct gw_decider gw_builtin_decider;

/* What the items alone decide: a missing required one is asked for, together with all that is not satisfied
 * (ADDITIONAL_INFO_REQUIRED); one that does not match, also an optional one unless `tolerant`, is REJECTED. A satisfied
 * one that suffices makes the others of its configuration needless; one that fails is REJECTED where they are missing.
 * True with `*out` filled in; false when they stand in nobody's way. */
bool gw_policy_items(const struct gw_decision_input *input, bool tolerant, struct gw_decision *out);

/* The subject that the configuration names, or a satisfied item of its policy, or else one that came unasked. */
struct gw_subject gw_policy_subject(const struct gw_decision_input *input,
                                    const struct gw_credential_config *configuration);

/* The request for an item of this policy (VerificationDataItemRequest); one new reference. NULL when there is no room.
 */
struct json_object *gw_policy_request(const struct gw_item_context *ctx, const struct gw_item_policy *policy);

/* The smallest number of attempts among the configurations (0: unlimited). */
unsigned gw_policy_max_attempts(const struct gw_credential_config *const *configurations, size_t count);

/* The decision on what was too much to be looked at together: sending less helps, trying again does not. */
extern const struct gw_decision gw_decision_too_large;

#endif
