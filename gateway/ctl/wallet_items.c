/* SPDX-License-Identifier: Apache-2.0
 *
 * Verification items, as they are given on the command line.
 */
#include "gateway/ctl/decode.h"
#include "gateway/ctl/wallet.h"
#include "proto/json.h"

#include <string.h>

#define ITEM_TYPES "urn:s2s-gateway:verification:"
#define GRANT "urn:ietf:params:oauth:grant-type:pre-authorized_code"

/* "TYPE,MEMBER=VALUE,…": a type without a colon is one of this project's, and also names the id. */
static struct json_object *from_words(struct ctl *ctl, const char *text)
{
    size_t len = strcspn(text, ",");
    bool is_short = memchr(text, ':', len) == NULL;
    struct json_object *item = json_object_new_object();
    s2s_json_set_string(item, "type", ctl_text(ctl, "%s%.*s", is_short ? ITEM_TYPES : "", (int)len, text));
    s2s_json_set_string(item, "id", ctl_text(ctl, "%.*s-1", is_short ? (int)len : 4, is_short ? text : "item"));
    while (text[len] == ',') {
        text += len + 1;
        len = strcspn(text, ",");
        size_t name_len = strcspn(text, "=,");
        if (text[name_len] != '=') {
            json_object_put(item);
            (void)ctl_fail(CTL_USAGE, "an item is JSON, @FILE, or TYPE,MEMBER=VALUE,…");
            return NULL;
        }
        s2s_json_set_string(item, ctl_text(ctl, "%.*s", (int)name_len, text),
                            ctl_text(ctl, "%.*s", (int)(len - name_len - 1), text + name_len + 1));
    }
    return item;
}

/* One new reference, or NULL with a complaint. */
static struct json_object *read_item(struct ctl *ctl, const char *text)
{
    if (text[0] == '{')
        return json_object_get(ctl_parse_json(ctl, "the item", text, strlen(text)));
    return text[0] == '@' ? json_object_get(ctl_read_json(ctl, text + 1)) : from_words(ctl, text);
}

/* ---- offers ---- */

static struct json_object *code_item(struct ctl *ctl, const char *code)
{
    struct json_object *item = json_object_new_object();
    const char *tx_code = ctl_value(ctl, "tx-code");
    s2s_json_set_string(item, "type", ITEM_TYPES "pre_authorized_code");
    s2s_json_set_string(item, "id", "pre_authorized_code-1");
    s2s_json_set_string(item, "pre-authorized_code", code);
    if (tx_code != NULL)
        s2s_json_set_string(item, "tx_code", tx_code);
    return item;
}

/* The item of an offer: a deep link, its JSON, or where it is. */
static enum ctl_status offer_item(struct ctl_wallet *wallet, const char *text, struct json_object **item)
{
    const struct ctl_decoder decoder = {.arena = wallet->ctl->arena};
    struct json_object *offer = ctl_decode(&decoder, text, strlen(text));
    const char *uri = s2s_json_string(offer, "credential_offer_uri");
    struct s2s_bytes document;
    if (uri != NULL) {
        enum ctl_status status = ctl_wallet_fetch(wallet, uri, &document);
        if (status != CTL_OK)
            return status;
        offer = ctl_decode(&decoder, (const char *)document.data, document.len);
    }
    const char *code = s2s_json_string(s2s_json_get(s2s_json_get(offer, "grants"), GRANT), "pre-authorized_code");
    if (code == NULL)
        return ctl_fail(CTL_USAGE, "the offer has no pre-authorized code");
    *item = code_item(wallet->ctl, code);
    return CTL_OK;
}

/* ---- all of them ---- */

/* Encrypt the item, which is taken, and add it. */
static enum ctl_status add_payload(struct ctl_wallet *wallet, struct json_object *list, struct json_object *item)
{
    struct json_object *payload = item != NULL ? ctl_wallet_payload(wallet, item) : NULL;
    if (payload == NULL)
        return CTL_USAGE;
    json_object_array_add(list, payload);
    return CTL_OK;
}

static enum ctl_status add_client_items(struct ctl_wallet *wallet, struct json_object *list)
{
    struct ctl *ctl = wallet->ctl;
    const char *text, *offer = ctl_value(ctl, "offer"), *code = ctl_value(ctl, "code");
    struct json_object *item = NULL;
    enum ctl_status status = CTL_OK;
    for (size_t i = 0; status == CTL_OK && (text = ctl_value_at(ctl, "item", i)) != NULL; ++i)
        status = add_payload(wallet, list, read_item(ctl, text));
    if (status == CTL_OK && code != NULL)
        status = add_payload(wallet, list, code_item(ctl, code));
    if (status == CTL_OK && offer != NULL) {
        status = offer_item(wallet, offer, &item);
        if (status == CTL_OK)
            status = add_payload(wallet, list, item);
    }
    return status;
}

static enum ctl_status add_server_items(struct ctl *ctl, struct json_object *list)
{
    const char *text;
    for (size_t i = 0; (text = ctl_value_at(ctl, "server-item", i)) != NULL; ++i) {
        struct json_object *item = read_item(ctl, text);
        if (item == NULL)
            return CTL_USAGE;
        json_object_array_add(list, item);
    }
    return CTL_OK;
}

/* Give the list to the object as a member, unless it is empty. */
static void give_list(struct json_object *object, const char *name, struct json_object *list)
{
    if (json_object_array_length(list) > 0)
        json_object_object_add(object, name, list);
    else
        json_object_put(list);
}

enum ctl_status ctl_wallet_data(struct ctl_wallet *wallet, struct json_object **data)
{
    struct json_object *client = json_object_new_array(), *server = json_object_new_array();
    enum ctl_status status = add_client_items(wallet, client);
    if (status == CTL_OK)
        status = add_server_items(wallet->ctl, server);
    *data = json_object_new_object();
    give_list(*data, "clientEncryptedPayload", client);
    give_list(*data, "serverVerificationDataItem", server);
    if (status != CTL_OK || json_object_object_length(*data) == 0) {
        json_object_put(*data);
        *data = NULL;
    }
    return status;
}
