/* SPDX-License-Identifier: Apache-2.0 */
#include "dcql.h"

#include "dcql_query.h"

#include <string.h>

/* --- Claims --- */

static bool is_value(const struct s2s_dcql_value *value, struct json_object *json)
{
    switch (value->kind) {
    case S2S_VALUE_STRING:
        return json_object_is_type(json, json_type_string) && strcmp(json_object_get_string(json), value->string) == 0;
    case S2S_VALUE_INTEGER:
        return json_object_is_type(json, json_type_int) && json_object_get_int64(json) == value->number;
    case S2S_VALUE_BOOLEAN:
        return json_object_is_type(json, json_type_boolean) && json_object_get_boolean(json) == value->number;
    }
    return false;
}

static bool is_acceptable(const struct s2s_dcql_claim *claim, struct json_object *json)
{
    for (size_t i = 0; i < claim->value_count; i++) {
        if (is_value(&claim->values[i], json))
            return true;
    }
    return claim->value_count == 0;
}

/* What the path from `step` on selects below `json`: `*found` is set when an element of it is acceptable. False when
 * the path does not fit an element, which ends all of it (section 7.1.1). The path bounds the recursion. */
static bool follow(const struct s2s_dcql_claim *claim, size_t step, struct json_object *json, bool *found)
{
    if (step == claim->path_len) {
        *found = *found || is_acceptable(claim, json);
        return true;
    }
    const struct s2s_dcql_step *next = &claim->path[step];
    if (next->kind == S2S_STEP_NAME) {
        struct json_object *value;
        if (!json_object_is_type(json, json_type_object))
            return false;
        return !json_object_object_get_ex(json, next->name, &value) || follow(claim, step + 1, value, found);
    }
    if (!json_object_is_type(json, json_type_array))
        return false;
    size_t len = json_object_array_length(json), first = 0, end = len;
    if (next->kind == S2S_STEP_INDEX) {
        first = next->index;
        end = next->index < len ? next->index + 1 : 0;
    }
    for (size_t i = first; i < end; i++) {
        if (!follow(claim, step + 1, json_object_array_get_idx(json, i), found))
            return false;
    }
    return true;
}

static bool has_claim(const struct s2s_dcql_claim *claim, struct json_object *claims)
{
    bool found = false;
    return follow(claim, 0, claims, &found) && found;
}

/* Whether all claims are there, or all of one of the claim sets (section 6.4.1). */
static bool has_claims(const struct s2s_dcql_credential *credential, struct json_object *claims)
{
    bool has[S2S_DCQL_MAX_ITEMS], all = true;
    for (size_t i = 0; i < credential->claim_count; i++) {
        has[i] = has_claim(&credential->claims[i], claims);
        all = all && has[i];
    }
    for (size_t i = 0; i < credential->claim_set_count; i++) {
        const struct s2s_dcql_choice *set = &credential->claim_sets[i];
        size_t there = 0;
        while (there < set->count && has[set->members[there]])
            there++;
        if (there == set->count)
            return true;
    }
    return all && credential->claim_set_count == 0;
}

/* --- Credentials --- */

static struct s2s_result check_presentation(struct s2s_arena *arena, const struct s2s_dcql_credential *credential,
                                            const struct s2s_sdjwt_policy *policy,
                                            const struct s2s_sdjwt_expected *expected, struct json_object *text,
                                            struct s2s_sdjwt_vp *out)
{
    struct s2s_sdjwt_expected of_this = *expected;
    of_this.vcts = credential->vcts;
    of_this.vct_count = credential->vct_count;
    S2S_TRY(s2s_sdjwt_vp_verify(arena, policy, &of_this, json_object_get_string(text),
                                (size_t)json_object_get_string_len(text), out));
    if (!has_claims(credential, out->claims))
        return s2s_fail(S2S_MISMATCH, "the presentation lacks a claim that was asked for");
    return s2s_ok();
}

/* The one presentation of an entry of the token, or NULL when there is none or more. */
static struct json_object *only_presentation(struct json_object *entry)
{
    if (!json_object_is_type(entry, json_type_array) || json_object_array_length(entry) != 1)
        return NULL;
    struct json_object *text = json_object_array_get_idx(entry, 0);
    return json_object_is_type(text, json_type_string) ? text : NULL;
}

/* That the token has entries of the query's only, each with one presentation (section 8.1). */
static struct s2s_result check_token(const struct s2s_dcql *query, const struct json_object *vp_token)
{
    if (!json_object_is_type(vp_token, json_type_object))
        return s2s_fail(S2S_MALFORMED, "vp_token is not an object");
    size_t known = 0;
    for (size_t i = 0; i < query->credential_count; i++) {
        struct json_object *entry;
        if (!json_object_object_get_ex(vp_token, query->credentials[i].id, &entry))
            continue;
        if (only_presentation(entry) == NULL)
            return s2s_fail(S2S_MALFORMED, "an entry of vp_token is not an array of one presentation");
        known++;
    }
    if (known != (size_t)json_object_object_length(vp_token))
        return s2s_fail(S2S_MALFORMED, "vp_token has an entry that was not asked for");
    return s2s_ok();
}

/* What is missing of one way to satisfy the query. */
static struct s2s_result check_choice(const struct s2s_dcql_answers *answers, const struct s2s_dcql_choice *choice)
{
    for (size_t i = 0; i < choice->count; i++)
        S2S_TRY(answers->items[choice->members[i]].result);
    return s2s_ok();
}

/* One option is enough. Otherwise the first option tells what is missing: it is the preferred one. */
static struct s2s_result check_set(const struct s2s_dcql_answers *answers, const struct s2s_dcql_set *set)
{
    if (!set->required)
        return s2s_ok();
    for (size_t i = 0; i < set->option_count; i++) {
        if (!s2s_failed(check_choice(answers, &set->options[i])))
            return s2s_ok();
    }
    return check_choice(answers, &set->options[0]);
}

/* Section 6.4.2. */
static struct s2s_result check_satisfied(const struct s2s_dcql *query, const struct s2s_dcql_answers *answers)
{
    for (size_t i = 0; i < query->set_count; i++)
        S2S_TRY(check_set(answers, &query->sets[i]));
    for (size_t i = 0; query->set_count == 0 && i < answers->count; i++)
        S2S_TRY(answers->items[i].result);
    return s2s_ok();
}

struct s2s_result s2s_dcql_evaluate(struct s2s_arena *arena, const struct s2s_dcql *query,
                                    const struct s2s_sdjwt_policy *policy, const struct s2s_sdjwt_expected *expected,
                                    const struct json_object *vp_token, struct s2s_dcql_answers *out)
{
    S2S_TRY(check_token(query, vp_token));
    out->count = query->credential_count;
    out->items = s2s_arena_alloc(arena, out->count * sizeof *out->items);
    if (out->items == NULL)
        return s2s_fail(S2S_LIMIT, "there is no room for the presentations");
    for (size_t i = 0; i < out->count; i++) {
        struct s2s_dcql_answer *answer = &out->items[i];
        struct json_object *entry;
        answer->id = query->credentials[i].id;
        answer->presented = json_object_object_get_ex(vp_token, answer->id, &entry);
        answer->result = answer->presented ? check_presentation(arena, &query->credentials[i], policy, expected,
                                                                only_presentation(entry), &answer->vp)
                                           : s2s_fail(S2S_MISMATCH, "a credential that was asked for is not presented");
    }
    return check_satisfied(query, out);
}
