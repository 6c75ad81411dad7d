/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/items/items.h"

#include "gateway/credential/subject.h"
#include "gateway/db/db.h"

#include <string.h>

/* Nothing is known of it but its members. */
static const struct gw_item_type plain;

const struct gw_item_type *const gw_item_types[GW_ITEM_KINDS] = {
    [GW_ITEM_OTHER] = &plain,
    [GW_ITEM_OTP] = &plain,
    [GW_ITEM_RISK_SIGNALS] = &plain,
    [GW_ITEM_OFFER] = &gw_item_offer,
    [GW_ITEM_PRIOR_SESSION] = &gw_item_prior_session,
    [GW_ITEM_WEB] = &gw_item_web,
    [GW_ITEM_DOCUMENT] = &gw_item_document,
    [GW_ITEM_PRESENTATION] = &gw_item_presentation,
};

const char *gw_item_origin_name(enum gw_item_origin origin)
{
    static const char *const names[] = {
        [GW_FROM_CLIENT] = "WALLET_CLIENT", [GW_FROM_SERVER] = "WALLET_SERVER", [GW_FROM_ISSUER] = "ISSUER"};
    s2s_assert(origin < sizeof(names) / sizeof(names[0]) && names[origin] != NULL);
    return names[origin];
}

const char *gw_item_verdict_name(enum gw_item_verdict verdict)
{
    static const char *const names[] = {[GW_ITEM_MISSING] = "MISSING",
                                        [GW_ITEM_MISMATCH] = "MISMATCH",
                                        [GW_ITEM_WAITING] = "WAITING",
                                        [GW_ITEM_SATISFIED] = "SATISFIED"};
    return names[verdict];
}

void gw_item_mismatch(struct gw_judgment *judgment, const char *reason)
{
    judgment->verdict = GW_ITEM_MISMATCH;
    judgment->reason = reason;
}

struct json_object *gw_item_facts(const struct gw_item_context *ctx, struct gw_judgment *judgment)
{
    if (judgment->facts == NULL)
        judgment->facts = s2s_json_own(ctx->arena, json_object_new_object());
    return judgment->facts;
}

const char *gw_item_text(const struct gw_item *item, const char *member)
{
    const char *text = s2s_json_string(item->json, member);
    return text != NULL && text[0] != '\0' && strlen(text) <= S2S_MAX_ID ? text : NULL;
}

const struct gw_item *gw_item_find(const struct gw_item_context *ctx, const char *id, const char *type,
                                   enum gw_item_origin origin)
{
    const struct gw_item *newest = NULL;
    for (size_t i = 0; i < ctx->item_count; ++i) {
        const struct gw_item *item = &ctx->items[i];
        bool from_wallet = item->origin == GW_FROM_CLIENT || item->origin == GW_FROM_SERVER;
        if ((item->origin == origin || (origin == GW_FROM_EITHER && from_wallet)) && strcmp(item->type, type) == 0 &&
            (id == NULL || strcmp(item->id, id) == 0) && (newest == NULL || item->seq > newest->seq))
            newest = item;
    }
    return newest;
}

/* ---- subjects, as the database has them ---- */

/* The name of the subject, in the arena; NULL when it is not stored, or cannot be read any more. */
static const char *open_name(const struct gw_item_context *ctx, struct json_object *subject, const char *context)
{
    const char *hex = s2s_json_string(subject, "subject_sealed"), *name;
    struct s2s_bytes sealed;
    if (hex == NULL || context == NULL)
        return NULL;
    const char *bytea = s2s_arena_printf(ctx->arena, "\\x%s", hex);
    if (bytea == NULL || !gw_db_read_bytes(ctx->arena, bytea, &sealed) ||
        s2s_failed(gw_subject_open(ctx->generation->vault, ctx->arena, context, sealed, &name)))
        return NULL;
    return name;
}

static bool has_subject_of(const struct gw_judgment *judgment, const char *configuration_id)
{
    for (size_t i = 0; i < judgment->subject_count; ++i)
        if (strcmp(judgment->subjects[i].configuration_id, configuration_id) == 0)
            return true;
    return false;
}

void gw_item_take_subjects(const struct gw_item_context *ctx, struct gw_judgment *judgment, struct json_object *answer,
                           const char *context)
{
    struct json_object *list = s2s_json_get(answer, "subjects");
    const char *sealed_for = s2s_json_string(s2s_json_get(answer, "facts"), context);
    size_t count = list != NULL ? json_object_array_length(list) : 0;
    struct gw_item_subject *subjects = s2s_arena_alloc(ctx->arena, (count + 1) * sizeof(*subjects));
    if (subjects == NULL) {
        gw_item_mismatch(judgment, "SUBMISSION_TOO_LARGE");
        return;
    }
    for (size_t i = 0; i < count; ++i) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        subjects[i] = (struct gw_item_subject){.configuration_id = s2s_json_string(entry, "configuration_id"),
                                               .ref = s2s_json_string(entry, "subject_ref"),
                                               .name = open_name(ctx, entry, sealed_for)};
        if (subjects[i].name != NULL)
            s2s_json_set_string(gw_item_facts(ctx, judgment), "subject", subjects[i].name);
    }
    judgment->subjects = subjects;
    judgment->subject_count = count;
    if (judgment->configuration_id != NULL && !has_subject_of(judgment, judgment->configuration_id))
        gw_item_mismatch(judgment, "CONFIGURATION");
}
