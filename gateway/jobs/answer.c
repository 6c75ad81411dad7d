/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/jobs/answer.h"

#include "proto/messages_rows.h"

#include <string.h>

#define MAX_ANSWER_DEPTH 32

/* ---- verdicts ---- */

/* The first row that holds the status decides; RETRY when none does. */
struct rule {
    int first, last;
    enum gw_verdict verdict;
};

static enum gw_verdict judge(const struct gw_outbound_answer *answer, const struct rule *rules, size_t count)
{
    if (answer->end == GW_OUTBOUND_UNTRUSTED)
        return GW_BLOCKED;
    if (answer->end != GW_OUTBOUND_ANSWERED)
        return GW_RETRY;
    for (size_t i = 0; i < count; ++i)
        if (rules[i].first <= answer->status && answer->status <= rules[i].last)
            return rules[i].verdict;
    return GW_RETRY;
}

enum gw_verdict gw_verdict_of_peer(const struct gw_outbound_answer *answer)
{
    static const struct rule rules[] = {
        {200, 299, GW_DELIVERED}, {401, 401, GW_BLOCKED}, {403, 403, GW_BLOCKED}, {408, 408, GW_RETRY},
        {425, 425, GW_RETRY},     {429, 429, GW_RETRY},   {400, 499, GW_FINAL},
    };
    return judge(answer, rules, sizeof(rules) / sizeof(rules[0]));
}

enum gw_verdict gw_verdict_of_receiver(const struct gw_outbound_answer *answer)
{
    static const struct rule rules[] = {
        {200, 299, GW_DELIVERED},
        {401, 401, GW_BLOCKED},
        {403, 403, GW_BLOCKED},
        {410, 410, GW_FINAL},
    };
    return judge(answer, rules, sizeof(rules) / sizeof(rules[0]));
}

bool gw_answer_leaves_stray(const struct gw_outbound_answer *answer)
{
    if (answer->end == GW_OUTBOUND_ANSWERED)
        return answer->status == 502 || answer->status == 504;
    return answer->end == GW_OUTBOUND_UNREACHED && answer->sent;
}

/* A copy, as the answer is gone when the database hears of it; and plain, as the transport may quote a certificate:
 * what is no text for the database must not keep a failure from being noted. */
const char *gw_answer_failure(struct s2s_arena *arena, const struct gw_outbound_answer *answer)
{
    char *text = answer->end == GW_OUTBOUND_ANSWERED ? s2s_arena_printf(arena, "HTTP %d", answer->status)
                                                     : s2s_arena_strndup(arena, answer->error, strlen(answer->error));
    s2s_assert(text != NULL);
    for (char *c = text; *c != '\0'; ++c)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return text;
}

/* ---- bodies ---- */

struct json_object *gw_answer_object(struct s2s_arena *arena, const struct gw_outbound_answer *answer)
{
    struct json_object *json;
    if (answer->body_len == 0 ||
        s2s_failed(s2s_json_parse(arena, answer->body, answer->body_len, MAX_ANSWER_DEPTH, &json)))
        return NULL;
    return json_object_is_type(json, json_type_object) ? json : NULL;
}

const char *gw_answer_foreign(const struct json_object *request, const struct json_object *answer, unsigned ids)
{
    static const struct {
        const char *name, *reason;
    } rows[GW_ALL_IDS] = {
        {"sessionId", "the answer is for another session"},
        {"verificationId", "the answer is for another verification"},
        {"credentialInstanceId", "the answer is for another credential instance"},
    };
    for (unsigned i = 0; i < ids; ++i) {
        const char *ours = s2s_json_string(request, rows[i].name), *theirs = s2s_json_string(answer, rows[i].name);
        if (ours != NULL && theirs != NULL && strcmp(ours, theirs) != 0)
            return rows[i].reason;
    }
    return NULL;
}

const char *gw_answer_fault(struct s2s_arena *arena, const struct s2s_endpoint *endpoint, int status,
                            struct json_object *answer, const char **body)
{
    const struct s2s_schema *schema = status == 200 ? endpoint->response : status == 202 ? endpoint->accepted : NULL;
    struct s2s_violations violations = {.count = 0};
    if (schema == NULL)
        return "the endpoint does not answer with this status";
    if (answer == NULL)
        return "the answer is no JSON object";
    if (!s2s_schema_check(arena, schema, answer, &violations))
        return "the answer does not match its schema";
    *body = s2s_json_write(arena, s2s_json_own(arena, s2s_schema_known(schema, answer)), NULL);
    return *body != NULL ? NULL : "the answer is too large";
}

static const struct s2s_field problem_fields[] = {
    {.name = "type", .type = S2S_STRING},
    {.name = "title", .type = S2S_STRING, .flags = S2S_EMPTY_OK},
    {.name = "status", .type = S2S_INTEGER},
    {.name = "detail", .type = S2S_STRING, .flags = S2S_EMPTY_OK},
    {.name = "instance", .type = S2S_STRING},
    {.name = "errorCode", .type = S2S_STRING, .max = S2S_MAX_ID},
    {.name = "retryable", .type = S2S_BOOLEAN},
    {.name = "currentStatus", .type = S2S_STRING, .max = S2S_MAX_ID},
    {.name = "validationErrors", .type = S2S_ARRAY, .items = &s2s_any_object_item},
};

static const struct s2s_schema problem = {.name = "Problem", S2S_FIELDS(problem_fields)};

const char *gw_answer_problem(struct s2s_arena *arena, struct json_object *answer)
{
    struct s2s_violations violations = {.count = 0};
    if (answer == NULL || !s2s_schema_check(arena, &problem, answer, &violations))
        return NULL;
    struct json_object *known = s2s_json_own(arena, s2s_schema_known(&problem, answer));
    return json_object_object_length(known) > 0 ? s2s_json_write(arena, known, NULL) : NULL;
}
