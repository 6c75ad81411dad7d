/* SPDX-License-Identifier: Apache-2.0
 *
 * Method: every item policy of every configuration asked for is judged first, against the newest submission of that
 * item from the side that it is expected from. The judgments decide in this order: something required is missing
 * (ask for all that is not satisfied), something does not match (reject), the configurations' own decisions.
 */
#include "policy.h"

#include "proto/json.h"

#include <openssl/crypto.h>
#include <string.h>

enum judgment { MISSING, MISMATCH, SATISFIED };

/* What was judged so far; everything that the arena refused shows as `full`. */
struct evaluation {
    struct s2s_arena *arena;
    const struct gw_decision_input *input;
    bool required_missing;
    const struct gw_item_policy *mismatch; /* the first one */
    bool full;
};

/* Equal in constant time; only the lengths show. */
static bool same_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return a_len == b_len && CRYPTO_memcmp(a, b, a_len) == 0;
}

/* The submission that answers an item policy, or NULL. One of another type answers something else. */
static const struct gw_decision_item *find_submission(const struct gw_decision_input *input,
                                                      const struct gw_item_policy *policy)
{
    for (size_t i = 0; i < input->item_count; i++) {
        const struct gw_decision_item *item = &input->items[i];
        if (item->from_server == policy->from_server && strcmp(item->id, policy->id) == 0 &&
            strcmp(item->type, policy->type) == 0)
            return item;
    }
    return NULL;
}

static enum judgment judge(const struct gw_decision_input *input, const struct gw_item_policy *policy)
{
    const struct gw_decision_item *submission = find_submission(input, policy);
    if (!submission)
        return MISSING;
    if (!policy->member)
        return SATISFIED;
    struct json_object *value = s2s_json_get(submission->item, policy->member);
    if (!json_object_is_type(value, json_type_string))
        return MISMATCH;
    const char *text = json_object_get_string(value);
    size_t len = (size_t)json_object_get_string_len(value);
    bool matches = policy->expected ? same_text(text, len, policy->expected, strlen(policy->expected)) : len > 0;
    return matches ? SATISFIED : MISMATCH;
}

static void judge_all(struct evaluation *evaluation)
{
    const struct gw_decision_input *input = evaluation->input;
    for (size_t c = 0; c < input->configuration_count; c++) {
        const struct gw_policy_config *policy = &input->configurations[c]->policy;
        for (size_t i = 0; i < policy->item_count; i++) {
            enum judgment judgment = judge(input, &policy->items[i]);
            if (judgment == MISSING && policy->items[i].required)
                evaluation->required_missing = true;
            if (judgment == MISMATCH && !evaluation->mismatch)
                evaluation->mismatch = &policy->items[i];
        }
    }
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

static void set_required(struct json_object *request, bool required)
{
    json_object_object_add(request, "required", json_object_new_boolean(required));
}

/* A VerificationDataItemRequest. The configured members are copied, not shared: reference counts of json-c are not
 * atomic, and the configuration belongs to all threads. */
static struct json_object *make_request(const struct gw_item_policy *policy)
{
    struct json_object *request = NULL;
    if (policy->request)
        s2s_assert(json_object_deep_copy(policy->request, &request, NULL) == 0);
    else
        request = json_object_new_object();
    s2s_json_set_string(request, "type", policy->type);
    s2s_json_set_string(request, "id", policy->id);
    set_required(request, policy->required);
    return request;
}

/* The VerificationDataRequest: what is not satisfied, each id and type once; required when any configuration says so.
 */
static struct json_object *make_data_request(const struct evaluation *evaluation)
{
    const struct gw_decision_input *input = evaluation->input;
    struct json_object *requests = json_object_new_array();
    for (size_t c = 0; c < input->configuration_count; c++) {
        const struct gw_policy_config *policy = &input->configurations[c]->policy;
        for (size_t i = 0; i < policy->item_count; i++) {
            const struct gw_item_policy *item = &policy->items[i];
            if (judge(input, item) == SATISFIED)
                continue;
            struct json_object *known = find_request(requests, item);
            if (!known)
                json_object_array_add(requests, make_request(item));
            else if (item->required)
                set_required(known, true);
        }
    }
    struct json_object *request = json_object_new_object();
    json_object_object_add(request, "verificationDataItems", requests);
    return s2s_json_own(evaluation->arena, request);
}

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

/* The subject that a satisfied item of this configuration names, else the configured one. An item that the
 * configuration does not ask for names nobody, since nothing vouches for it. */
static const char *subject_of(const struct gw_decision_input *input, const struct gw_credential_config *configuration)
{
    const struct gw_policy_config *policy = &configuration->policy;
    for (size_t i = 0; configuration->subject_item && i < policy->item_count; i++) {
        const struct gw_item_policy *item = &policy->items[i];
        if (strcmp(item->id, configuration->subject_item) != 0 || judge(input, item) != SATISFIED)
            continue;
        const char *subject = s2s_json_string(find_submission(input, item)->item, configuration->subject_member);
        if (subject && *subject)
            return subject;
    }
    return configuration->subject;
}

static unsigned at_least_one(unsigned count)
{
    return count > 0 ? count : 1;
}

/* What is approved when nothing stands against it: the subset whose policy approves. False when that is empty. */
static bool approve(struct evaluation *evaluation, struct gw_decision *decision)
{
    const struct gw_decision_input *input = evaluation->input;
    decision->approved = s2s_arena_alloc(evaluation->arena, input->configuration_count * sizeof *decision->approved);
    decision->subjects = s2s_arena_alloc(evaluation->arena, input->configuration_count * sizeof *decision->subjects);
    if (!decision->approved || !decision->subjects) {
        evaluation->full = true;
        return false;
    }
    unsigned devices = at_least_one(input->requested_device_count);
    for (size_t c = 0; c < input->configuration_count; c++) {
        const struct gw_credential_config *configuration = input->configurations[c];
        if (configuration->policy.decision != GW_DECIDE_APPROVE)
            continue;
        decision->approved[decision->approved_count] = configuration->id;
        decision->subjects[decision->approved_count++] = subject_of(input, configuration);
        unsigned most = at_least_one(configuration->policy.authorized_device_count);
        devices = most < devices ? most : devices;
    }
    decision->status = S2S_APPROVED;
    decision->authorized_device_count = devices;
    return decision->approved_count > 0;
}

static bool any_under_review(const struct gw_decision_input *input)
{
    for (size_t c = 0; c < input->configuration_count; c++)
        if (input->configurations[c]->policy.decision == GW_DECIDE_REVIEW)
            return true;
    return false;
}

static struct gw_decision decide(struct evaluation *evaluation)
{
    const struct gw_decision_input *input = evaluation->input;
    struct gw_decision decision = {
        .max_attempts = gw_policy_max_attempts(input->configurations, input->configuration_count),
    };
    judge_all(evaluation);
    if (evaluation->required_missing) {
        decision.status = S2S_ADDITIONAL_INFO_REQUIRED;
        decision.data_request = make_data_request(evaluation);
        decision.deadline_ms = tightest_deadline(input);
    } else if (evaluation->mismatch) {
        decision.status = S2S_REJECTED;
        decision.reason_code = evaluation->mismatch->mismatch_reason;
    } else if (any_under_review(input)) {
        decision.status = S2S_PENDING;
    } else if (!approve(evaluation, &decision)) {
        decision.status = S2S_DENIED;
        decision.reason_code = input->configurations[0]->policy.denied_reason;
        decision.message = input->configurations[0]->policy.denied_message;
    }
    return decision;
}

static void builtin_decide(const struct gw_decider *self, struct s2s_arena *arena,
                           const struct gw_decision_input *input, gw_decided_cb done, void *data)
{
    (void)self;
    s2s_assert(input->configuration_count > 0);
    struct evaluation evaluation = {.arena = arena, .input = input};
    struct gw_decision decision = decide(&evaluation);
    if (evaluation.full) /* the submissions took all the memory of the evaluation: a smaller one can be judged */
        decision = (struct gw_decision){
            .status = S2S_REJECTED, .reason_code = "SUBMISSION_TOO_LARGE", .max_attempts = decision.max_attempts};
    done(data, &decision);
}

const struct gw_decider gw_builtin_decider = {builtin_decide};
