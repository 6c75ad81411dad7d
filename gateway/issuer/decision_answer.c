/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/decision_answer.h"

#include "gateway/issuer/decision_messages.h"
#include "gateway/issuer/policy.h"
#include "proto/messages_rows.h"

#include <string.h>

/* ---- types ---- */

static const char *const statuses[] = {"APPROVED", "REJECTED", "DENIED", "ADDITIONAL_INFO_REQUIRED", "PENDING", NULL};

static const struct s2s_field answer_fields[] = {
    S2S_ENUM_ROW("status", S2S_REQUIRED, statuses, "Decides on the other members."),
    S2S_TEXT_ROW("sessionId", 0, S2S_MAX_ID, "As it was asked."),
    S2S_TEXT_ROW("verificationId", 0, S2S_MAX_ID, "As it was asked."),
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema gw_decision_answer = {
    .name = "Decision", .base = &gw_decision_members, S2S_FIELDS(answer_fields)};

/* ---- which members belong to which status ---- */

#define BIT(status) (1u << (status))
#define ANY (~0u)

static const struct {
    const char *name;
    unsigned allowed, required; /* bits of statuses */
} members[] = {
    {"status", ANY, ANY},
    {"sessionId", ANY, 0},
    {"verificationId", ANY, 0},
    {"extensions", ANY, 0},
    {"credentialConfigurationIds", BIT(S2S_APPROVED), 0},
    {"authorizedDeviceCount", BIT(S2S_APPROVED), 0},
    {"subject", BIT(S2S_APPROVED), 0},
    {"datasets", BIT(S2S_APPROVED), 0},
    {"reasonCode", BIT(S2S_REJECTED) | BIT(S2S_DENIED), BIT(S2S_REJECTED) | BIT(S2S_DENIED)},
    {"rejectedDetails", BIT(S2S_REJECTED), 0},
    {"deniedMessage", BIT(S2S_DENIED), BIT(S2S_DENIED)},
    {"verificationDataRequest", BIT(S2S_ADDITIONAL_INFO_REQUIRED), BIT(S2S_ADDITIONAL_INFO_REQUIRED)},
};

static const size_t member_count = sizeof(members) / sizeof(members[0]);

static enum s2s_verification_status status_of(struct json_object *answer)
{
    const char *name = s2s_json_string(answer, "status");
    unsigned status = 0;
    while (strcmp(s2s_verification_status_names[status], name) != 0)
        ++status;
    return (enum s2s_verification_status)status;
}

static bool is_allowed(const char *name, unsigned status)
{
    for (size_t i = 0; i < member_count; ++i)
        if (strcmp(members[i].name, name) == 0)
            return (members[i].allowed & status) != 0;
    return false;
}

static struct s2s_result check_members(struct json_object *answer, unsigned status)
{
    json_object_object_foreach(answer, name, value)
    {
        if (!is_allowed(name, status))
            return s2s_fail(S2S_MALFORMED, "its answer has a member that does not belong to the status");
        if (value == NULL)
            return s2s_fail(S2S_MALFORMED, "its answer has a member that is null");
    }
    for (size_t i = 0; i < member_count; ++i)
        if ((members[i].required & status) != 0 && s2s_json_get(answer, members[i].name) == NULL)
            return s2s_fail(S2S_MALFORMED, "its answer lacks a member that the status needs");
    return s2s_ok();
}

static bool names(struct json_object *answer, const char *member, const char *expected)
{
    const char *named = s2s_json_string(answer, member);
    return named == NULL || strcmp(named, expected) == 0;
}

/* ---- APPROVED ---- */

static const struct gw_credential_config *asked_for(const struct gw_decision_input *input, const char *id)
{
    for (size_t i = 0; i < input->configuration_count; ++i)
        if (strcmp(input->configurations[i]->id, id) == 0)
            return input->configurations[i];
    return NULL;
}

static bool has_text(struct json_object *array, const char *text)
{
    for (size_t i = 0; i < json_object_array_length(array); ++i)
        if (strcmp(json_object_get_string(json_object_array_get_idx(array, i)), text) == 0)
            return true;
    return false;
}

static bool has_dataset_of(struct json_object *datasets, const char *id)
{
    for (size_t i = 0; i < json_object_array_length(datasets); ++i)
        if (strcmp(s2s_json_string(json_object_array_get_idx(datasets, i), "credentialConfigurationId"), id) == 0)
            return true;
    return false;
}

/* Each dataset is of an approved configuration, and each approved configuration has one. */
static struct s2s_result read_datasets(const struct gw_decision_input *input, struct json_object *ids,
                                       struct json_object *datasets, struct gw_approval *approvals)
{
    for (size_t i = 0; i < json_object_array_length(datasets); ++i) {
        struct json_object *entry = json_object_array_get_idx(datasets, i);
        const char *id = s2s_json_string(entry, "credentialConfigurationId");
        const struct gw_credential_config *configuration = asked_for(input, id);
        if (configuration == NULL || (ids != NULL && !has_text(ids, id)))
            return s2s_fail(S2S_MISMATCH,
                            "its answer has a dataset of a credential configuration that is not approved");
        approvals[i] = (struct gw_approval){configuration->id, {s2s_json_string(entry, "subject"), NULL}};
        for (size_t j = 0; j < i; ++j)
            if (strcmp(approvals[j].configuration_id, id) == 0 &&
                strcmp(approvals[j].subject.name, approvals[i].subject.name) == 0)
                return s2s_fail(S2S_MISMATCH, "its answer names a dataset twice");
    }
    for (size_t i = 0; ids != NULL && i < json_object_array_length(ids); ++i)
        if (!has_dataset_of(datasets, json_object_get_string(json_object_array_get_idx(ids, i))))
            return s2s_fail(S2S_MISMATCH, "its answer has no dataset of a credential configuration that it approves");
    return s2s_ok();
}

static struct s2s_result read_configurations(const struct gw_decision_input *input, struct json_object *ids,
                                             const char *subject, struct gw_approval *approvals, size_t *count)
{
    *count = ids != NULL ? json_object_array_length(ids) : input->configuration_count;
    for (size_t i = 0; i < *count; ++i) {
        const struct gw_credential_config *configuration =
            ids != NULL ? asked_for(input, json_object_get_string(json_object_array_get_idx(ids, i)))
                        : input->configurations[i];
        if (configuration == NULL)
            return s2s_fail(S2S_MISMATCH, "its answer approves a credential configuration that was not asked for");
        approvals[i] =
            (struct gw_approval){configuration->id, subject != NULL ? (struct gw_subject){subject, NULL}
                                                                    : gw_policy_subject(input, configuration)};
    }
    return s2s_ok();
}

static struct s2s_result read_approval(const struct gw_decision_input *input, struct json_object *answer,
                                       struct gw_decision *out)
{
    struct json_object *ids = s2s_json_get(answer, "credentialConfigurationIds");
    struct json_object *datasets = s2s_json_get(answer, "datasets");
    struct json_object *devices = s2s_json_get(answer, "authorizedDeviceCount");
    const char *subject = s2s_json_string(answer, "subject");
    struct gw_approval *approvals =
        s2s_arena_alloc(input->context->arena, (GW_MAX_DATASETS + S2S_MAX_CONFIGURATIONS) * sizeof(*approvals));
    if (approvals == NULL)
        return s2s_fail(S2S_LIMIT, "no room for its answer");
    if (subject != NULL && datasets != NULL)
        return s2s_fail(S2S_MALFORMED, "its answer has both `subject` and `datasets`");
    if (datasets != NULL) {
        out->approval_count = json_object_array_length(datasets);
        S2S_TRY(read_datasets(input, ids, datasets, approvals));
    } else {
        S2S_TRY(read_configurations(input, ids, subject, approvals, &out->approval_count));
    }
    out->approvals = approvals;
    out->authorized_device_count = devices != NULL ? (unsigned)json_object_get_int64(devices) : 1;
    if (out->authorized_device_count > input->requested_device_count)
        return s2s_fail(S2S_MISMATCH, "its answer authorizes more devices than were asked for");
    return s2s_ok();
}

/* ---- ADDITIONAL_INFO_REQUIRED ---- */

/* The policy of an item that the backend asks for and the configuration knows, or NULL. */
static const struct gw_item_policy *policy_of(const struct gw_decision_input *input, const char *id, const char *type)
{
    for (size_t c = 0; c < input->configuration_count; ++c) {
        const struct gw_policy_config *policy = &input->configurations[c]->policy;
        for (size_t i = 0; i < policy->item_count; ++i)
            if (strcmp(policy->items[i].id, id) == 0 && strcmp(policy->items[i].type, type) == 0)
                return &policy->items[i];
    }
    return NULL;
}

/* What only the gateway can say of an authentication on the web that no configuration knows: its state. */
static struct s2s_result complete_web(const struct gw_decision_input *input, struct json_object *request)
{
    const char *url = s2s_json_string(request, "redirect_url");
    if (url == NULL)
        return s2s_fail(S2S_MALFORMED, "its answer asks for an authentication on the web without a redirect_url");
    const struct gw_item_policy policy = {.id = (char *)s2s_json_string(request, "id"), .redirect_url = (char *)url};
    return gw_item_web.request(input->context, &policy, request);
}

/* An item that the configuration knows is asked for as configured; what the backend says beside that is added. */
static struct s2s_result complete_request(const struct gw_decision_input *input, struct json_object *request)
{
    const char *type = s2s_json_string(request, "type");
    const struct gw_item_policy *policy = policy_of(input, s2s_json_string(request, "id"), type);
    if (policy == NULL)
        return gw_item_kind_of(type) == GW_ITEM_WEB ? complete_web(input, request) : s2s_ok();
    struct json_object *configured = gw_policy_request(input->context, policy);
    if (configured == NULL)
        return s2s_fail(S2S_LIMIT, "no room for what its answer asks for");
    s2s_json_own(input->context->arena, configured);
    json_object_object_del(configured, "required");
    json_object_object_foreach(configured, name, value) json_object_object_add(request, name, json_object_get(value));
    return s2s_ok();
}

static struct s2s_result read_items(const struct gw_decision_input *input, struct json_object *items)
{
    size_t count = json_object_array_length(items);
    if (count == 0)
        return s2s_fail(S2S_MALFORMED, "its answer asks for nothing");
    for (size_t i = 0; i < count; ++i) {
        struct json_object *item = json_object_array_get_idx(items, i);
        for (size_t j = 0; j < i; ++j)
            if (strcmp(s2s_json_string(json_object_array_get_idx(items, j), "id"), s2s_json_string(item, "id")) == 0)
                return s2s_fail(S2S_MISMATCH, "its answer asks for an id twice");
        S2S_TRY(complete_request(input, item));
    }
    return s2s_ok();
}

/* The database keeps deadline and attempts beside the request, and puts them back when it is told. */
static struct s2s_result read_data_request(const struct gw_decision_input *input, struct json_object *answer,
                                           struct gw_decision *out)
{
    struct json_object *request = s2s_json_get(answer, "verificationDataRequest");
    const char *deadline = s2s_json_string(request, "deadline");
    struct json_object *attempts = s2s_json_get(request, "maxAttempts");
    int64_t seconds;
    if (deadline != NULL) {
        s2s_assert(s2s_date_time_read(deadline, strlen(deadline), &seconds)); /* the schema has seen to it */
        if (seconds <= input->context->now)
            return s2s_fail(S2S_STALE, "its answer has a deadline that has passed");
        out->deadline_ms = (seconds - input->context->now) * 1000;
    }
    if (attempts != NULL)
        out->max_attempts = (unsigned)json_object_get_int64(attempts);
    json_object_object_del(request, "deadline");
    json_object_object_del(request, "maxAttempts");
    out->data_request = request;
    return read_items(input, s2s_json_get(request, "verificationDataItems"));
}

/* ---- the whole ---- */

struct s2s_result gw_decision_read(const struct gw_decision_input *input, struct json_object *answer,
                                   struct gw_decision *out)
{
    enum s2s_verification_status status = status_of(answer);
    *out = (struct gw_decision){
        .status = status,
        .reason_code = s2s_json_string(answer, "reasonCode"),
        .message = s2s_json_string(answer, status == S2S_DENIED ? "deniedMessage" : "rejectedDetails"),
        .max_attempts = gw_policy_max_attempts(input->configurations, input->configuration_count),
    };
    S2S_TRY(check_members(answer, BIT(status)));
    if (!names(answer, "sessionId", input->context->session_id) ||
        !names(answer, "verificationId", input->context->verification_id))
        return s2s_fail(S2S_MISMATCH, "its answer is for another verification");
    if (status == S2S_APPROVED)
        return read_approval(input, answer, out);
    if (status == S2S_ADDITIONAL_INFO_REQUIRED)
        return read_data_request(input, answer, out);
    return s2s_ok();
}
