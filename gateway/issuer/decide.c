/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/decide.h"

#include "gateway/issuer/decision_answer.h"
#include "gateway/issuer/policy.h"
#include "gateway/worker.h"

#include <string.h>

/* A question is made of what was submitted and what was found out about it, an answer of what the backend may say: each
 * as a tree and as text. */
#define ASK_MEMORY_FACTOR 8

bool gw_decided_alike(const struct gw_credential_config *a, const struct gw_credential_config *b)
{
    if (a->decision_backend == NULL || b->decision_backend == NULL)
        return a->decision_backend == b->decision_backend;
    return strcmp(a->decision_backend, b->decision_backend) == 0;
}

/* ---- the question ---- */

static void set_text(struct json_object *object, const char *name, const char *text)
{
    if (text != NULL)
        s2s_json_set_string(object, name, text);
}

static void set_tree(struct json_object *object, const char *name, struct json_object *tree)
{
    if (tree != NULL)
        json_object_object_add(object, name, json_object_get(tree));
}

/* Of the judgments of an item the one that says the least good of it. */
static const struct gw_judgment *judgment_of(const struct gw_decision_input *input, const struct gw_item *item)
{
    const struct gw_judgment *worst = NULL;
    for (size_t i = 0; i < input->judgments.count; ++i) {
        const struct gw_judgment *judgment = &input->judgments.all[i];
        if (judgment->item == item && (worst == NULL || judgment->verdict < worst->verdict))
            worst = judgment;
    }
    return worst;
}

/* The item's own members, of which none can pass for one of ours. */
static struct json_object *describe_item(const struct gw_decision_input *input, const struct gw_item *item)
{
    static const char *const ours[] = {"origin", "verdict", "reason", "facts"};
    const struct gw_judgment *judgment = judgment_of(input, item);
    struct json_object *out = json_object_new_object();
    json_object_object_foreach(item->json, name, value) json_object_object_add(out, name, json_object_get(value));
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); ++i)
        json_object_object_del(out, ours[i]);
    s2s_json_set_string(out, "origin", gw_item_origin_name(item->origin));
    if (judgment == NULL)
        return out;
    s2s_json_set_string(out, "verdict", gw_item_verdict_name(judgment->verdict));
    set_text(out, "reason", judgment->verdict == GW_ITEM_SATISFIED ? NULL : judgment->reason);
    set_tree(out, "facts", judgment->facts);
    return out;
}

struct json_object *gw_decide_question(const struct gw_decision_input *input, struct s2s_arena *arena)
{
    const struct gw_item_context *ctx = input->context;
    struct json_object *data = s2s_json_own(arena, json_object_new_object());
    struct json_object *ids = json_object_new_array(), *items = json_object_new_array();
    for (size_t i = 0; i < input->configuration_count; ++i)
        json_object_array_add(ids, json_object_new_string(input->configurations[i]->id));
    for (size_t i = 0; i < ctx->item_count; ++i)
        json_object_array_add(items, describe_item(input, &ctx->items[i]));
    set_text(data, "sessionId", ctx->session_id);
    set_text(data, "verificationId", ctx->verification_id);
    set_text(data, "previousVerificationId", input->previous_verification_id);
    set_text(data, "peer", ctx->peer);
    json_object_object_add(data, "credentialConfigurationIds", ids);
    json_object_object_add(data, "attempt", json_object_new_int64(input->attempts));
    json_object_object_add(data, "requestedDeviceCount", json_object_new_int64(input->requested_device_count));
    set_text(data, "locale", input->locale);
    set_tree(data, "supportedVerificationTypes", input->supported_types);
    set_text(data, "walletSigningKeyThumbprint", input->wsk_thumbprint);
    set_text(data, "attestation", input->attestation);
    json_object_object_add(data, "items", items);
    set_tree(data, "additionalAssessments", input->assessments);
    return data;
}

/* ---- the answer ---- */

static void on_answer(struct gw_backend_ask *ask, const struct gw_backend_answer *answer)
{
    struct gw_backend_decider *self = H2O_STRUCT_FROM_MEMBER(struct gw_backend_decider, ask, ask);
    struct gw_decision decision = {.trouble = answer->reason, .retry_after_s = answer->retry_after_s};
    if (answer->end == GW_BACKEND_FAILED) {
        decision.kind = GW_POSTPONED;
    } else if (answer->end != GW_BACKEND_ANSWERED) {
        decision.kind = GW_UNDECIDED;
    } else {
        struct s2s_result r = gw_decision_read(self->input, answer->json, &decision);
        if (s2s_failed(r)) {
            gw_backend_complain(ask, r.detail);
            decision = (struct gw_decision){.kind = GW_UNDECIDED, .trouble = r.detail};
        }
    }
    self->done(self->data, &decision);
}

/* ---- asking ---- */

static void free_arena(void *arena)
{
    s2s_arena_free(arena);
}

/* Memory of its own, so that neither a large submission nor a large answer can leave the other without room. */
static struct s2s_arena *new_arena(const struct gw_backend_decider *self)
{
    const struct gw_item_context *ctx = self->input->context;
    size_t size = ctx->generation->config->limits.max_verification_data + self->backend.config->max_answer;
    struct s2s_arena *arena = s2s_arena_new(size * ASK_MEMORY_FACTOR);
    s2s_arena_defer(ctx->arena, free_arena, arena);
    return arena;
}

static void ask(struct gw_backend_decider *self)
{
    const struct gw_decision_input *input = self->input;
    struct s2s_arena *arena = new_arena(self);
    self->ask = (struct gw_backend_ask){
        .worker = self->worker,
        .arena = arena,
        .backend = self->backend,
        .type = "verification.decide",
        .id = s2s_arena_printf(arena, "msg_%s-%s", input->context->verification_id, input->data_seq),
        .data = gw_decide_question(input, arena),
        .schema = &gw_decision_answer,
        .deadline_us = self->deadline_us,
        .done = on_answer,
    };
    s2s_assert(self->ask.id != NULL);
    gw_backend_ask(&self->ask);
}

static void decide(const struct gw_decider *decider, const struct gw_decision_input *input, gw_decided_cb done,
                   void *data)
{
    struct gw_backend_decider *self = H2O_STRUCT_FROM_MEMBER(struct gw_backend_decider, decider, decider);
    struct gw_decision decision;
    if (gw_policy_items(input, true, &decision)) {
        done(data, &decision);
        return;
    }
    self->input = input;
    self->done = done;
    self->data = data;
    ask(self);
}

bool gw_backend_decider_init(struct gw_backend_decider *decider, struct gw_worker *worker,
                             const struct gw_generation *generation, const char *backend, int64_t deadline_us)
{
    *decider = (struct gw_backend_decider){.decider = {decide}, .worker = worker, .deadline_us = deadline_us};
    return gw_backend_find(generation, backend, &decider->backend);
}
