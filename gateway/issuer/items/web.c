/* SPDX-License-Identifier: Apache-2.0
 *
 * auth_on_web: the holder's browser goes to the issuer's own site, which tells the result through the operators' API
 * (`POST /v1/web-results`). What the wallet sends of it only says that its part is done.
 */
#include "gateway/issuer/items/items.h"
#include "gateway/issuer/web_state.h"

#include <string.h>

static struct s2s_result request(const struct gw_item_context *ctx, const struct gw_item_policy *policy,
                                 struct json_object *request)
{
    const char *state;
    S2S_TRY(gw_web_state_seal(ctx->generation->vault, ctx->arena,
                              &(struct gw_web_state){ctx->session_id, ctx->verification_id, policy->id}, &state));
    char first = strchr(policy->redirect_url, '?') != NULL ? '&' : '?';
    const char *url = s2s_arena_printf(ctx->arena, "%s%cstate=%s", policy->redirect_url, first, state);
    if (url == NULL)
        return s2s_fail(S2S_LIMIT, "no room for a redirect URL");
    s2s_json_set_string(request, "redirect_url", url);
    return s2s_ok();
}

static const struct gw_item *wallet_item(const struct gw_item_context *ctx, const struct gw_judgment *judgment)
{
    return gw_item_find(ctx, judgment->policy->id, judgment->policy->type, GW_FROM_EITHER);
}

static void absent(const struct gw_item_context *ctx, struct gw_judgment *judgment)
{
    if (wallet_item(ctx, judgment) != NULL)
        judgment->verdict = GW_ITEM_WAITING;
}

/* A failure stands until the wallet tries again. */
static void check(const struct gw_item_context *ctx, struct gw_judgment *judgment)
{
    const char *outcome = s2s_json_string(judgment->item->json, "outcome");
    const struct gw_item *again = wallet_item(ctx, judgment);
    struct json_object *result = s2s_json_get(judgment->item->json, "result");
    if (outcome == NULL || strcmp(outcome, "SUCCESS") != 0) {
        if (again != NULL && again->seq > judgment->item->seq)
            judgment->verdict = GW_ITEM_WAITING;
        else
            gw_item_mismatch(judgment, "AUTHENTICATION_FAILED");
        return;
    }
    judgment->source = result;
    if (result != NULL)
        json_object_object_add(gw_item_facts(ctx, judgment), "result", json_object_get(result));
}

const struct gw_item_type gw_item_web = {.request = request, .check = check, .absent = absent};
