/* SPDX-License-Identifier: Apache-2.0
 *
 * pre_authorized_code: the holder redeems a credential offer (OpenID4VCI 1.0 section 4.1.1). Whether the code is good
 * the database knows, which uses it up for this verification in the same moment; it is asked with HMACs only.
 */
#include "gateway/issuer/items/items.h"
#include "gateway/issuer/offer_codes.h"
#include "proto/hex.h"

static void check(const struct gw_item_context *ctx, struct gw_judgment *judgment)
{
    (void)ctx;
    struct json_object *tx_code = s2s_json_get(judgment->item->json, "tx_code");
    if (gw_item_text(judgment->item, "pre-authorized_code") == NULL ||
        (tx_code != NULL && gw_item_text(judgment->item, "tx_code") == NULL))
        gw_item_mismatch(judgment, "MALFORMED");
}

static struct json_object *hex_of(const uint8_t octets[GW_OFFER_HASH_SIZE])
{
    char text[2 * GW_OFFER_HASH_SIZE];
    s2s_hex_write(text, s2s_bytes(octets, GW_OFFER_HASH_SIZE));
    return json_object_new_string_len(text, sizeof(text));
}

/* One hash for each data key: nobody knows under which the offer was made. */
static struct json_object *question(const struct gw_item_context *ctx, const struct gw_item *item)
{
    const struct gw_vault *vault = ctx->generation->vault;
    const char *code = gw_item_text(item, "pre-authorized_code"), *tx_code = gw_item_text(item, "tx_code");
    struct json_object *codes = json_object_new_array(), *tx_codes = json_object_new_array();
    uint8_t hash[GW_OFFER_HASH_SIZE];
    for (size_t key = 0; key < gw_vault_key_count(vault); ++key) {
        gw_offer_code_hash(vault, key, code, hash);
        json_object_array_add(codes, hex_of(hash));
        if (tx_code == NULL)
            continue;
        gw_offer_tx_code_hash(vault, key, code, tx_code, hash);
        json_object_array_add(tx_codes, hex_of(hash));
    }
    struct json_object *question = json_object_new_object();
    s2s_json_set_string(question, "kind", "offer");
    json_object_object_add(question, "code_hashes", codes);
    if (tx_code != NULL)
        json_object_object_add(question, "tx_code_hashes", tx_codes);
    else
        json_object_put(tx_codes);
    return question;
}

static void answered(const struct gw_item_context *ctx, struct gw_judgment *judgment, struct json_object *answer)
{
    gw_item_take_subjects(ctx, judgment, answer, "offerId");
}

const struct gw_item_type gw_item_offer = {
    .any_id = true, .unasked = true, .check = check, .question = question, .answered = answered};
