/* SPDX-License-Identifier: Apache-2.0
 *
 * Method: the judgments of all configurations decide in this order: something required is missing (ask for all that is
 * not satisfied), something does not match (reject), something is waiting (wait), the configurations' own decisions.
 */
#include "gateway/issuer/policy.h"

#include <string.h>

const struct gw_decision gw_decision_too_large = {.status = S2S_REJECTED,
                                                  .reason_code = "SUBMISSION_TOO_LARGE",
                                                  .message = "The submissions are too large together."};

/* ---- which items count ---- */

static bool is_of(const struct gw_judgment *judgment, const char *configuration_id)
{
    return judgment->configuration_id != NULL && strcmp(judgment->configuration_id, configuration_id) == 0;
}

/* Whether an item of the configuration says enough by itself. */
static bool is_settled(const struct gw_decision_input *input, const char *configuration_id)
{
    for (size_t i = 0; i < input->judgments.count; i++) {
        const struct gw_judgment *judgment = &input->judgments.all[i];
        if (judgment->policy->sufficient && judgment->verdict == GW_ITEM_SATISFIED && is_of(judgment, configuration_id))
            return true;
    }
    return false;
}

/* Whether a configuration asks for the item, and still looks at it. */
static bool counts(const struct gw_decision_input *input, const struct gw_judgment *judgment)
{
    return judgment->configuration_id != NULL && !is_settled(input, judgment->configuration_id);
}

/* ---- asking for items ---- */

static void set_required(struct json_object *request, bool required)
{
    json_object_object_add(request, "required", json_object_new_boolean(required));
}

/* The configured members are copied, not shared: reference counts of json-c are not atomic, and the configuration
 * belongs to all threads. */
struct json_object *gw_policy_request(const struct gw_item_context *ctx, const struct gw_item_policy *policy)
{
    const struct gw_item_type *type = gw_item_types[policy->kind];
    struct json_object *request = NULL;
    if (policy->request != NULL)
        s2s_assert(json_object_deep_copy(policy->request, &request, NULL) == 0);
    else
        request = json_object_new_object();
    s2s_json_set_string(request, "type", policy->type);
    s2s_json_set_string(request, "id", policy->id);
    set_required(request, policy->required);
    if (type->request != NULL && s2s_failed(type->request(ctx, policy, request))) {
        json_object_put(request);
        return NULL;
    }
    return request;
}

/* The request for this id and type that is in `requests` already, or NULL. */
static struct json_object *find_request(struct json_object *requests, const struct gw_item_policy *policy)
{
    for (size_t i = 0; i < json_object_array_length(requests); i++) {
        struct json_object *request = json_object_array_get_idx(requests, i);
        if (strcmp(s2s_json_string(request, "id"), policy->id) == 0 &&
            strcmp(s2s_json_string(request, "type"), policy->type) == 0)
            return request;
    }
    return NULL;
}

static bool is_wanted(const struct gw_decision_input *input, const struct gw_judgment *judgment)
{
    return counts(input, judgment) && (judgment->verdict == GW_ITEM_MISSING || judgment->verdict == GW_ITEM_MISMATCH);
}

/* The VerificationDataRequest: what is not satisfied, each id and type once; required when any configuration says so.
 * NULL when there is no room. */
static struct json_object *make_data_request(const struct gw_decision_input *input)
{
    struct json_object *request = s2s_json_own(input->context->arena, json_object_new_object());
    struct json_object *requests = json_object_new_array();
    json_object_object_add(request, "verificationDataItems", requests);
    for (size_t i = 0; i < input->judgments.count; i++) {
        const struct gw_judgment *judgment = &input->judgments.all[i];
        if (!is_wanted(input, judgment))
            continue;
        struct json_object *known = find_request(requests, judgment->policy);
        if (known != NULL) {
            if (judgment->policy->required)
                set_required(known, true);
            continue;
        }
        known = gw_policy_request(input->context, judgment->policy);
        if (known == NULL)
            return NULL;
        json_object_array_add(requests, known);
    }
    return request;
}

/* ---- limits ---- */

/* The smaller of two limits of which 0 means none. */
static int64_t tighter(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static int64_t tightest_deadline(const struct gw_decision_input *input)
{
    int64_t deadline_ms = 0;
    for (size_t c = 0; c < input->configuration_count; c++)
        deadline_ms = tighter(deadline_ms, input->configurations[c]->policy.deadline_ms);
    return deadline_ms;
}

unsigned gw_policy_max_attempts(const struct gw_credential_config *const *configurations, size_t count)
{
    int64_t max_attempts = 0;
    for (size_t c = 0; c < count; c++)
        max_attempts = tighter(max_attempts, configurations[c]->policy.max_attempts);
    return (unsigned)max_attempts;
}

/* ---- what the items decide ---- */

/* The first judgment with this verdict, of those that must be satisfied, or of all. One that would suffice is not among
 * them unless it is required: whoever gives the others has no need of it. */
static const struct gw_judgment *first_with(const struct gw_decision_input *input, enum gw_item_verdict verdict,
                                            bool required_only)
{
    for (size_t i = 0; i < input->judgments.count; i++) {
        const struct gw_judgment *judgment = &input->judgments.all[i];
        bool looked_at = judgment->policy->required || (!required_only && !judgment->policy->sufficient);
        if (judgment->verdict == verdict && looked_at && counts(input, judgment))
            return judgment;
    }
    return NULL;
}

static bool lacks_something(const struct gw_decision_input *input, const char *configuration_id)
{
    for (size_t i = 0; i < input->judgments.count; i++) {
        const struct gw_judgment *judgment = &input->judgments.all[i];
        if (judgment->verdict == GW_ITEM_MISSING && judgment->policy->required && is_of(judgment, configuration_id))
            return true;
    }
    return false;
}

/* An item that was to stand for all others, and does not match. */
static const struct gw_judgment *failed_shortcut(const struct gw_decision_input *input)
{
    for (size_t i = 0; i < input->judgments.count; i++) {
        const struct gw_judgment *judgment = &input->judgments.all[i];
        if (judgment->policy->sufficient && judgment->verdict == GW_ITEM_MISMATCH && counts(input, judgment) &&
            lacks_something(input, judgment->configuration_id))
            return judgment;
    }
    return NULL;
}

static const char *reason_of(const struct gw_judgment *mismatch)
{
    if (mismatch->policy->mismatch_reason != NULL)
        return mismatch->policy->mismatch_reason;
    return mismatch->reason != NULL ? mismatch->reason : "ITEM_MISMATCH";
}

bool gw_policy_items(const struct gw_decision_input *input, bool tolerant, struct gw_decision *out)
{
    const struct gw_judgment *shortcut = failed_shortcut(input);
    const struct gw_judgment *mismatch = shortcut != NULL ? shortcut : first_with(input, GW_ITEM_MISMATCH, tolerant);
    bool missing = shortcut == NULL && first_with(input, GW_ITEM_MISSING, true) != NULL;
    *out = (struct gw_decision){
        .max_attempts = gw_policy_max_attempts(input->configurations, input->configuration_count),
    };
    if (missing) {
        out->status = S2S_ADDITIONAL_INFO_REQUIRED;
        out->data_request = make_data_request(input);
        out->deadline_ms = tightest_deadline(input);
        if (out->data_request == NULL)
            *out = gw_decision_too_large;
    } else if (mismatch != NULL) {
        out->status = S2S_REJECTED;
        out->reason_code = reason_of(mismatch);
    } else if (first_with(input, GW_ITEM_WAITING, true) != NULL) {
        out->status = S2S_PENDING;
    } else {
        return false;
    }
    return true;
}

/* ---- subjects ---- */

/* What an item of the policy says that the configuration looks to for a name. */
static const char *named_by_item(const struct gw_credential_config *configuration, const struct gw_judgment *judgment)
{
    if (configuration->subject_item == NULL || strcmp(judgment->policy->id, configuration->subject_item) != 0)
        return NULL;
    struct json_object *source = judgment->source != NULL ? judgment->source : judgment->item->json;
    const char *name = s2s_json_string(source, configuration->subject_member);
    return name != NULL && name[0] != '\0' ? name : NULL;
}

/* What an offer was made for, or a prior session was approved for. */
static struct gw_subject known_to_item(const struct gw_credential_config *configuration,
                                       const struct gw_judgment *judgment)
{
    for (size_t i = 0; i < judgment->subject_count; i++)
        if (strcmp(judgment->subjects[i].configuration_id, configuration->id) == 0)
            return (struct gw_subject){judgment->subjects[i].name, judgment->subjects[i].ref};
    return (struct gw_subject){NULL, NULL};
}

static bool is_nobody(struct gw_subject subject)
{
    return subject.name == NULL && subject.ref == NULL;
}

/* An item that the configuration does not ask for names nobody, since nothing vouches for it: but for those that the
 * database vouches for, which come with subjects. */
struct gw_subject gw_policy_subject(const struct gw_decision_input *input,
                                    const struct gw_credential_config *configuration)
{
    struct gw_subject found = {NULL, NULL};
    for (size_t i = 0; i < input->judgments.count; i++) {
        const struct gw_judgment *judgment = &input->judgments.all[i];
        bool ours = is_of(judgment, configuration->id);
        if (judgment->verdict != GW_ITEM_SATISFIED || (!ours && judgment->configuration_id != NULL))
            continue;
        const char *name = ours ? named_by_item(configuration, judgment) : NULL;
        if (name != NULL)
            return (struct gw_subject){name, NULL};
        if (is_nobody(found))
            found = known_to_item(configuration, judgment);
    }
    return is_nobody(found) ? (struct gw_subject){configuration->subject, NULL} : found;
}

/* ---- the configurations' own decisions ---- */

static unsigned at_least_one(unsigned count)
{
    return count > 0 ? count : 1;
}

/* What is approved when nothing stands against it: the subset whose policy approves. */
static struct gw_decision approve(const struct gw_decision_input *input, unsigned max_attempts)
{
    struct gw_approval *approvals =
        s2s_arena_alloc(input->context->arena, input->configuration_count * sizeof(*approvals));
    if (approvals == NULL)
        return gw_decision_too_large;
    size_t count = 0;
    unsigned devices = at_least_one(input->requested_device_count);
    for (size_t c = 0; c < input->configuration_count; c++) {
        const struct gw_credential_config *configuration = input->configurations[c];
        if (configuration->policy.decision != GW_DECIDE_APPROVE)
            continue;
        approvals[count++] = (struct gw_approval){configuration->id, gw_policy_subject(input, configuration)};
        unsigned most = at_least_one(configuration->policy.authorized_device_count);
        devices = most < devices ? most : devices;
    }
    if (count == 0)
        return (struct gw_decision){.status = S2S_DENIED,
                                    .reason_code = input->configurations[0]->policy.denied_reason,
                                    .message = input->configurations[0]->policy.denied_message,
                                    .max_attempts = max_attempts};
    return (struct gw_decision){.status = S2S_APPROVED,
                                .approvals = approvals,
                                .approval_count = count,
                                .authorized_device_count = devices,
                                .max_attempts = max_attempts};
}

static bool any_under_review(const struct gw_decision_input *input)
{
    for (size_t c = 0; c < input->configuration_count; c++)
        if (input->configurations[c]->policy.decision == GW_DECIDE_REVIEW)
            return true;
    return false;
}

static void builtin_decide(const struct gw_decider *self, const struct gw_decision_input *input, gw_decided_cb done,
                           void *data)
{
    (void)self;
    s2s_assert(input->configuration_count > 0);
    struct gw_decision decision;
    if (!gw_policy_items(input, false, &decision)) {
        if (any_under_review(input))
            decision.status = S2S_PENDING;
        else
            decision = approve(input, decision.max_attempts);
    }
    done(data, &decision);
}

const struct gw_decider gw_builtin_decider = {builtin_decide};
