/* SPDX-License-Identifier: Apache-2.0
 *
 * The items that a credential configuration asks for: what each type of item needs, and what it has no use for.
 */
#include "config_schema.h"

#include "proto/dcql.h"

#include <string.h>

#define PREFIX "urn:s2s-gateway:verification:"
#define KIND(kind) (1u << (kind))

/* One row a kind. */
static const struct {
    const char *type;
    enum gw_item_origin origin; /* unless the configuration says otherwise */
    const char *member;         /* likewise */
    const char *reason;         /* of a mismatch, where the kind has none of its own */
} kinds[GW_ITEM_KINDS] = {
    [GW_ITEM_OTHER] = {NULL, GW_FROM_CLIENT, NULL, "ITEM_MISMATCH"},
    [GW_ITEM_OTP] = {PREFIX "otp", GW_FROM_CLIENT, "otp", "ITEM_MISMATCH"},
    [GW_ITEM_RISK_SIGNALS] = {PREFIX "risk_signals", GW_FROM_SERVER, NULL, "ITEM_MISMATCH"},
    [GW_ITEM_OFFER] = {PREFIX "pre_authorized_code", GW_FROM_CLIENT, NULL, NULL},
    [GW_ITEM_PRIOR_SESSION] = {PREFIX "prior_session", GW_FROM_SERVER, NULL, NULL},
    [GW_ITEM_WEB] = {PREFIX "auth_on_web", GW_FROM_ISSUER, NULL, NULL},
    [GW_ITEM_DOCUMENT] = {PREFIX "document", GW_FROM_CLIENT, NULL, NULL},
    [GW_ITEM_PRESENTATION] = {PREFIX "openid4vp", GW_FROM_CLIENT, NULL, NULL},
};

/* Keys that mean something for some kinds only. */
static const struct {
    const char *name;
    unsigned kinds;
    bool required;
} keys[] = {
    {"member", ~(KIND(GW_ITEM_OFFER) | KIND(GW_ITEM_PRIOR_SESSION) | KIND(GW_ITEM_WEB) | KIND(GW_ITEM_PRESENTATION)),
     false},
    {"origin", ~KIND(GW_ITEM_WEB), false},
    {"dcql", KIND(GW_ITEM_PRESENTATION), true},
    {"trust", KIND(GW_ITEM_PRESENTATION), true},
    {"iss_in_certificate", KIND(GW_ITEM_PRESENTATION), false},
    {"max_age", KIND(GW_ITEM_PRESENTATION), false},
    {"redirect_url", KIND(GW_ITEM_WEB), true},
    {"max_size", KIND(GW_ITEM_DOCUMENT), false},
};

enum gw_item_kind gw_item_kind_of(const char *type)
{
    for (int kind = 0; kind < GW_ITEM_KINDS; kind++)
        if (kinds[kind].type != NULL && strcmp(kinds[kind].type, type) == 0)
            return (enum gw_item_kind)kind;
    return GW_ITEM_OTHER;
}

const char *gw_item_type_of(enum gw_item_kind kind)
{
    return kinds[kind].type;
}

/* A type of ours that is none would be compared by nothing but its presence. */
static void check_type(struct gw_reader *reader, const struct gw_item_policy *item, const struct gw_yaml *node)
{
    struct gw_suggestion suggestion = {.word = item->type};
    if (item->kind != GW_ITEM_OTHER || strncmp(item->type, PREFIX, strlen(PREFIX)) != 0)
        return;
    for (int kind = 0; kind < GW_ITEM_KINDS; kind++)
        if (kinds[kind].type != NULL)
            gw_suggest(&suggestion, kinds[kind].type);
    if (suggestion.best != NULL)
        gw_complain_key(reader, gw_yaml_get(node, "type"), "type", "there is no such type; did you mean '%s'?",
                        suggestion.best);
    else
        gw_complain_key(reader, gw_yaml_get(node, "type"), "type",
                        "there is no such type; see docs/configuration.md, or give it a name of your own");
}

static void check_keys(struct gw_reader *reader, const struct gw_item_policy *item, const struct gw_yaml *node)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct gw_yaml *value = gw_yaml_get(node, keys[i].name);
        bool meant = (keys[i].kinds & KIND(item->kind)) != 0;
        if (value != NULL && !meant)
            gw_complain_key(reader, value, keys[i].name, "items of this type have no use for it; remove it");
        else if (value == NULL && meant && keys[i].required)
            gw_complain(reader, node, "the required key '%s' is missing; items of this type need it", keys[i].name);
    }
}

static void take_query(struct gw_reader *reader, struct gw_item_policy *item, const struct gw_yaml *node)
{
    const char *pointer = NULL;
    if (item->dcql == NULL)
        return;
    struct s2s_result r = s2s_dcql_parse(reader->arena, item->dcql, &item->query, &pointer);
    if (s2s_failed(r))
        gw_complain_key(reader, gw_yaml_get(node, "dcql"), "dcql", "not a query that can be checked: at '%s', %s",
                        pointer != NULL ? pointer : "", r.detail);
}

/* What the gateway puts into a request itself, by the kinds for which it does. */
static void check_request(struct gw_reader *reader, const struct gw_item_policy *item, const struct gw_yaml *request)
{
    static const struct {
        const char *name;
        unsigned kinds;
    } given[] = {
        {"id", ~0u},
        {"type", ~0u},
        {"required", ~0u},
        {"request", KIND(GW_ITEM_PRESENTATION)},
        {"redirect_url", KIND(GW_ITEM_WEB)},
    };
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++)
        if ((given[i].kinds & KIND(item->kind)) != 0 && gw_yaml_get(request, given[i].name) != NULL)
            gw_complain_key(reader, gw_yaml_get(request, given[i].name), "request",
                            "'%s' is set by the gateway; remove it", given[i].name);
}

void gw_check_item(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    struct gw_item_policy *item = object;
    if (item->type == NULL)
        return;
    item->kind = gw_item_kind_of(item->type);
    check_type(reader, item, node);
    check_keys(reader, item, node);
    if (gw_yaml_get(node, "origin") == NULL)
        item->origin = kinds[item->kind].origin;
    if (item->kind == GW_ITEM_PRIOR_SESSION && item->origin != GW_FROM_SERVER)
        gw_complain_key(reader, gw_yaml_get(node, "origin"), "origin",
                        "only the wallet server can send this: `sessionId` of a client's payload is its own session's");
    if (item->member == NULL && gw_yaml_get(node, "member") == NULL && kinds[item->kind].member != NULL)
        item->member = gw_reader_copy(reader, kinds[item->kind].member);
    if (item->mismatch_reason == NULL && kinds[item->kind].reason != NULL)
        item->mismatch_reason = gw_reader_copy(reader, kinds[item->kind].reason);
    if (item->expected != NULL && item->member == NULL)
        gw_complain_key(reader, gw_yaml_get(node, "expected"), "expected",
                        "nothing says which member to compare; add the key 'member'");
    take_query(reader, item, node);
    check_request(reader, item, gw_yaml_get(node, "request"));
}
