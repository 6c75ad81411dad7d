/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/judge.h"

#include <openssl/crypto.h>
#include <string.h>

static const struct gw_item_type *type_of(const struct gw_judgment *judgment)
{
    return gw_item_types[judgment->policy->kind];
}

/* ---- by the items alone ---- */

/* Equal in constant time; only the lengths show. */
static bool same_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return a_len == b_len && CRYPTO_memcmp(a, b, a_len) == 0;
}

static bool member_matches(const struct gw_item_policy *policy, const struct gw_item *item)
{
    struct json_object *value = s2s_json_get(item->json, policy->member);
    if (!json_object_is_type(value, json_type_string))
        return false;
    const char *text = json_object_get_string(value);
    size_t len = (size_t)json_object_get_string_len(value);
    return policy->expected != NULL ? same_text(text, len, policy->expected, strlen(policy->expected)) : len > 0;
}

/* The submission that answers an item policy, or NULL. One of another type answers something else. */
static const struct gw_item *find_item(const struct gw_item_context *ctx, const struct gw_item_policy *policy)
{
    const struct gw_item *item = gw_item_find(ctx, policy->id, policy->type, policy->origin);
    if (item == NULL && gw_item_types[policy->kind]->any_id)
        item = gw_item_find(ctx, NULL, policy->type, policy->origin);
    return item;
}

static void judge(const struct gw_item_context *ctx, struct gw_judgment *judgment)
{
    const struct gw_item_type *type = type_of(judgment);
    judgment->verdict = judgment->item != NULL ? GW_ITEM_SATISFIED : GW_ITEM_MISSING;
    if (judgment->item == NULL) {
        if (type->absent != NULL)
            type->absent(ctx, judgment);
        return;
    }
    if (judgment->policy->member != NULL && !member_matches(judgment->policy, judgment->item))
        gw_item_mismatch(judgment, NULL);
    else if (type->check != NULL)
        type->check(ctx, judgment);
}

static bool is_judged(const struct gw_judgments *judgments, const struct gw_item *item)
{
    for (size_t i = 0; i < judgments->count; ++i)
        if (judgments->all[i].item == item)
            return true;
    return false;
}

/* An item that came unasked is held against a policy that wants just it. */
static bool judge_unasked(const struct gw_item_context *ctx, const struct gw_item *item, struct gw_judgments *out)
{
    enum gw_item_kind kind = gw_item_kind_of(item->type);
    if (!gw_item_types[kind]->unasked || is_judged(out, item))
        return true;
    struct gw_item_policy *policy = s2s_arena_alloc(ctx->arena, sizeof(*policy));
    if (policy == NULL)
        return false;
    *policy = (struct gw_item_policy){
        .id = (char *)item->id, .type = (char *)item->type, .kind = kind, .origin = item->origin};
    out->all[out->count] = (struct gw_judgment){.policy = policy, .item = item};
    judge(ctx, &out->all[out->count++]);
    return true;
}

struct s2s_result gw_judge(const struct gw_item_context *ctx, const struct gw_credential_config *const *configurations,
                           size_t count, bool unasked, struct gw_judgments *out)
{
    size_t most = ctx->item_count;
    for (size_t c = 0; c < count; ++c)
        most += configurations[c]->policy.item_count;
    *out = (struct gw_judgments){.all = s2s_arena_alloc(ctx->arena, (most + 1) * sizeof(*out->all))};
    if (out->all == NULL)
        return s2s_fail(S2S_LIMIT, "no room for judgments");
    for (size_t c = 0; c < count; ++c) {
        const struct gw_policy_config *policy = &configurations[c]->policy;
        for (size_t i = 0; i < policy->item_count; ++i) {
            struct gw_judgment *judgment = &out->all[out->count++];
            *judgment = (struct gw_judgment){.policy = &policy->items[i],
                                             .configuration_id = configurations[c]->id,
                                             .item = find_item(ctx, &policy->items[i])};
            judge(ctx, judgment);
        }
    }
    for (size_t i = 0; unasked && i < ctx->item_count; ++i)
        if (!judge_unasked(ctx, &ctx->items[i], out))
            return s2s_fail(S2S_LIMIT, "no room for judgments");
    return s2s_ok();
}

/* ---- by what the database knows ---- */

static bool has_question(const struct gw_judgment *judgment)
{
    return judgment->verdict == GW_ITEM_SATISFIED && type_of(judgment)->question != NULL;
}

/* The first judgment of an item speaks for all. */
static bool is_first(const struct gw_judgments *judgments, size_t at)
{
    for (size_t i = 0; i < at; ++i)
        if (judgments->all[i].item == judgments->all[at].item)
            return false;
    return true;
}

const char *gw_judge_questions(const struct gw_item_context *ctx, const struct gw_judgments *judgments,
                               struct s2s_arena *arena)
{
    struct json_object *checks = s2s_json_own(arena, json_object_new_array());
    for (size_t i = 0; i < judgments->count; ++i) {
        const struct gw_judgment *judgment = &judgments->all[i];
        if (!has_question(judgment) || !is_first(judgments, i))
            continue;
        struct json_object *question = type_of(judgment)->question(ctx, judgment->item);
        json_object_object_add(question, "item", json_object_new_int64((int64_t)i));
        json_object_object_add(question, "seq", json_object_new_int64(judgment->item->seq));
        json_object_array_add(checks, question);
    }
    return json_object_array_length(checks) > 0 ? s2s_json_write(arena, checks, NULL) : NULL;
}

/* `answer` belongs to the tree of the answers, and its facts to all judgments of the item: each has its own copy. */
static void take_answer(const struct gw_item_context *ctx, struct gw_judgment *judgment, struct json_object *answer)
{
    const char *verdict = s2s_json_string(answer, "verdict");
    judgment->answered = true;
    struct json_object *facts = s2s_json_get(answer, "facts"), *copy = NULL;
    if (facts != NULL) {
        s2s_assert(json_object_deep_copy(facts, &copy, NULL) == 0);
        judgment->facts = s2s_json_own(ctx->arena, copy);
    }
    judgment->reason = s2s_json_string(answer, "reason");
    if (verdict != NULL && strcmp(verdict, "SATISFIED") == 0)
        type_of(judgment)->answered(ctx, judgment, answer);
    else
        judgment->verdict = verdict != NULL && strcmp(verdict, "MISSING") == 0 ? GW_ITEM_MISSING : GW_ITEM_MISMATCH;
}

static bool is_unanswered(const struct gw_judgment *judgment)
{
    return has_question(judgment) && !judgment->answered;
}

/* What is not answered does not match: a verdict that nobody gave is none. */
void gw_judge_answers(const struct gw_item_context *ctx, const struct gw_judgments *judgments,
                      struct json_object *checks)
{
    size_t count = json_object_is_type(checks, json_type_array) ? json_object_array_length(checks) : 0;
    for (size_t i = 0; i < count; ++i) {
        struct json_object *answer = json_object_array_get_idx(checks, i);
        size_t at = (size_t)json_object_get_int64(s2s_json_get(answer, "item"));
        for (size_t j = 0; at < judgments->count && j < judgments->count; ++j)
            if (judgments->all[j].item == judgments->all[at].item && is_unanswered(&judgments->all[j]))
                take_answer(ctx, &judgments->all[j], answer);
    }
    for (size_t i = 0; i < judgments->count; ++i)
        if (is_unanswered(&judgments->all[i]))
            gw_item_mismatch(&judgments->all[i], NULL);
}

/* ---- by what it refers to ---- */

bool gw_judge_fetch(const struct gw_item_context *ctx, const struct gw_judgments *judgments, size_t *at,
                    struct gw_item_fetch *out)
{
    for (; *at < judgments->count; ++*at) {
        struct gw_judgment *judgment = &judgments->all[*at];
        const struct gw_item_type *type = type_of(judgment);
        if (judgment->verdict == GW_ITEM_SATISFIED && type->fetch != NULL && type->fetch(ctx, judgment, out))
            return true;
    }
    return false;
}

void gw_judge_fetched(const struct gw_item_context *ctx, const struct gw_judgments *judgments, size_t at,
                      const struct gw_reference_result *result)
{
    struct gw_judgment *judgment = &judgments->all[at];
    type_of(judgment)->fetched(ctx, judgment, result);
}
