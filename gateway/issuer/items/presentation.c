/* SPDX-License-Identifier: Apache-2.0
 *
 * openid4vp: the holder presents credentials of others (OpenID4VP 1.0). The request is made for one item of one
 * verification: its nonce is an HMAC of the two, so nobody has to remember it, and a presentation is good for nothing
 * else. The answer comes in the item itself, which the wallet has signed and encrypted; there is no response endpoint.
 *
 * Where a credential says so, and its host is listed, its status list is fetched. Of one that cannot be had the status
 * stays unknown, which is a fact for whoever decides.
 */
#include "gateway/issuer/items/items.h"

#include "proto/dcql.h"
#include "proto/statuslist.h"

#include <string.h>

/* Seconds that clocks may differ. */
#define LEEWAY 60

/* What has been presented, on its way through the status lists. */
struct presented {
    struct s2s_dcql_answers answers;
    struct json_object *list;              /* facts of those that are good */
    size_t next;                           /* answer whose status is to be looked at */
    size_t described;                      /* good ones before it; the last of them may be under way: */
    struct s2s_status_reference reference; /* where its status stands */
};

/* ---- asking ---- */

static const char *nonce_of(const struct gw_item_context *ctx, const struct gw_item_policy *policy, size_t key)
{
    char nonce[GW_PSEUDONYM_SIZE];
    const char *names = s2s_arena_printf(ctx->arena, "%s %s", ctx->verification_id, policy->id);
    if (names == NULL)
        return NULL;
    gw_vault_pseudonym(ctx->generation->vault, key, "openid4vp nonce", s2s_bytes(names, strlen(names)), nonce);
    return s2s_arena_strndup(ctx->arena, nonce, strlen(nonce));
}

/* A copy, since reference counts of json-c are not atomic and the configuration belongs to all threads. */
static struct json_object *copy_of(struct json_object *tree)
{
    struct json_object *copy = NULL;
    s2s_assert(json_object_deep_copy(tree, &copy, NULL) == 0);
    return copy;
}

static struct s2s_result request(const struct gw_item_context *ctx, const struct gw_item_policy *policy,
                                 struct json_object *request)
{
    const char *nonce = nonce_of(ctx, policy, 0);
    if (nonce == NULL)
        return s2s_fail(S2S_LIMIT, "no room for a nonce");
    struct json_object *object = json_object_new_object();
    s2s_json_set_string(object, "response_type", "vp_token");
    s2s_json_set_string(object, "client_id", ctx->generation->config->issuer.identifier);
    s2s_json_set_string(object, "nonce", nonce);
    json_object_object_add(object, "dcql_query", copy_of(policy->dcql));
    json_object_object_add(request, "request", object);
    return s2s_ok();
}

/* ---- checking ---- */

/* The nonce may have been made before a new data key came. */
static struct s2s_result evaluate(const struct gw_item_context *ctx, const struct gw_judgment *judgment,
                                  struct s2s_dcql_answers *out)
{
    const struct gw_item_policy *item = judgment->policy;
    const struct s2s_sdjwt_policy policy = {.trust = gw_generation_trust(ctx->generation, &item->trust),
                                            .iss_in_certificate = item->iss_in_certificate,
                                            .leeway = LEEWAY,
                                            .max_age = item->max_age_s,
                                            .limits = S2S_SDJWT_LIMITS};
    struct s2s_sdjwt_expected expected = {.aud = ctx->generation->config->issuer.identifier, .now = ctx->now};
    struct json_object *token = s2s_json_get(judgment->item->json, "vp_token");
    struct s2s_result r = s2s_fail(S2S_INTERNAL, "there is no data key");
    for (size_t key = 0; key < gw_vault_key_count(ctx->generation->vault); ++key) {
        expected.nonce = nonce_of(ctx, item, key);
        if (expected.nonce == NULL)
            return s2s_fail(S2S_LIMIT, "no room for a nonce");
        r = s2s_dcql_evaluate(ctx->arena, item->query, &policy, &expected, token, out);
        if (r.code != S2S_MISMATCH)
            break;
    }
    return r;
}

static struct json_object *describe(const struct s2s_dcql_answer *answer)
{
    struct json_object *fact = json_object_new_object();
    s2s_json_set_string(fact, "id", answer->id);
    s2s_json_set_string(fact, "vct", answer->vp.vct);
    s2s_json_set_string(fact, "issuer", answer->vp.issuer);
    json_object_object_add(fact, "claims", json_object_get(answer->vp.claims));
    if (answer->vp.status != NULL)
        s2s_json_set_string(fact, "status", "unchecked");
    return fact;
}

static bool is_good(const struct s2s_dcql_answer *answer)
{
    return answer->result.code == S2S_OK;
}

static void check(const struct gw_item_context *ctx, struct gw_judgment *judgment)
{
    struct presented *presented = s2s_arena_alloc(ctx->arena, sizeof(*presented));
    struct s2s_result r = presented != NULL ? evaluate(ctx, judgment, &presented->answers)
                                            : s2s_fail(S2S_LIMIT, "no room for presentations");
    if (s2s_failed(r)) {
        gw_item_mismatch(judgment, r.code == S2S_LIMIT ? "SUBMISSION_TOO_LARGE" : "PRESENTATION_INVALID");
        s2s_json_set_string(gw_item_facts(ctx, judgment), "error", r.detail);
        return;
    }
    presented->list = json_object_new_array();
    for (size_t i = 0; i < presented->answers.count; ++i) {
        const struct s2s_dcql_answer *answer = &presented->answers.items[i];
        if (!is_good(answer))
            continue;
        json_object_array_add(presented->list, describe(answer));
        if (judgment->source == NULL)
            judgment->source = answer->vp.claims;
    }
    json_object_object_add(gw_item_facts(ctx, judgment), "presentations", presented->list);
    judgment->state = presented;
}

/* ---- status lists ---- */

static bool fetch(const struct gw_item_context *ctx, struct gw_judgment *judgment, struct gw_item_fetch *out)
{
    const struct s2s_statuslist_limits limits = S2S_STATUSLIST_LIMITS;
    struct presented *presented = judgment->state;
    const struct gw_string_list *hosts = &ctx->generation->config->issuer.status_hosts;
    while (hosts->count > 0 && presented->next < presented->answers.count) {
        const struct s2s_dcql_answer *answer = &presented->answers.items[presented->next++];
        if (!is_good(answer))
            continue;
        ++presented->described;
        if (answer->vp.status == NULL || s2s_failed(s2s_status_reference(answer->vp.status, &presented->reference)))
            continue;
        *out = (struct gw_item_fetch){
            .reference = {.url = presented->reference.uri, .accept = "application/statuslist+jwt", .size = -1},
            .hosts = hosts,
            .max_size = limits.octets,
            .keep = limits.octets,
        };
        return true;
    }
    return false;
}

/* What the list says of the credential: a word for the facts, and the reason when that is fatal. */
static const char *status_in(const struct gw_item_context *ctx, const struct gw_judgment *judgment,
                             const struct gw_reference_result *result, const char **reason)
{
    const struct s2s_statuslist_limits limits = S2S_STATUSLIST_LIMITS;
    const struct presented *presented = judgment->state;
    const struct s2s_trust *trust = gw_generation_trust(ctx->generation, &judgment->policy->trust);
    struct s2s_statuslist list;
    uint8_t status;
    if (s2s_failed(s2s_statuslist_open(ctx->arena, trust, &limits, presented->reference.uri, ctx->now, LEEWAY,
                                       result->body, result->size, &list)) ||
        s2s_failed(s2s_statuslist_at(&list, presented->reference.index, &status))) {
        *reason = "STATUS_UNKNOWN";
        return "unknown";
    }
    *reason = status == S2S_STATUS_VALID       ? NULL
              : status == S2S_STATUS_SUSPENDED ? "CREDENTIAL_SUSPENDED"
                                               : "CREDENTIAL_REVOKED";
    return status == S2S_STATUS_VALID ? "valid" : status == S2S_STATUS_SUSPENDED ? "suspended" : "revoked";
}

static void fetched(const struct gw_item_context *ctx, struct gw_judgment *judgment,
                    const struct gw_reference_result *result)
{
    struct presented *presented = judgment->state;
    const char *reason = NULL, *word = "unreachable";
    if (result->end == GW_REFERENCE_FORBIDDEN)
        word = "unchecked";
    else if (result->end == GW_REFERENCE_FETCHED && result->body != NULL)
        word = status_in(ctx, judgment, result, &reason);
    s2s_json_set_string(json_object_array_get_idx(presented->list, presented->described - 1), "status", word);
    if (reason != NULL)
        gw_item_mismatch(judgment, reason);
}

const struct gw_item_type gw_item_presentation = {
    .request = request, .check = check, .fetch = fetch, .fetched = fetched};
