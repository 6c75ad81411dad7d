/* SPDX-License-Identifier: Apache-2.0
 *
 * prior_session: the holder has a new device, and the same wallet server vouches for it with the session of the old one
 * (draft "Device Migration"). The database knows whether that was approved, whose it is, and how many devices there
 * are.
 *
 * A wallet client could not send it: in its payload `sessionId` must be that of the request (profile D5).
 */
#include "gateway/issuer/items/items.h"

static void check(const struct gw_item_context *ctx, struct gw_judgment *judgment)
{
    (void)ctx;
    if (gw_item_text(judgment->item, "sessionId") == NULL || gw_item_text(judgment->item, "verificationId") == NULL)
        gw_item_mismatch(judgment, "MALFORMED");
}

static struct json_object *question(const struct gw_item_context *ctx, const struct gw_item *item)
{
    (void)ctx;
    struct json_object *question = json_object_new_object();
    s2s_json_set_string(question, "kind", "prior_session");
    s2s_json_set_string(question, "session_id", gw_item_text(item, "sessionId"));
    s2s_json_set_string(question, "verification_id", gw_item_text(item, "verificationId"));
    return question;
}

static void answered(const struct gw_item_context *ctx, struct gw_judgment *judgment, struct json_object *answer)
{
    gw_item_take_subjects(ctx, judgment, answer, "sessionId");
}

const struct gw_item_type gw_item_prior_session = {
    .any_id = true, .unasked = true, .check = check, .question = question, .answered = answered};
