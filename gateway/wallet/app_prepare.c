/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens to a request of the application API before its SQL function runs. The database sees no verification
 * data: it gets them sealed, and of the rest what it needs to know.
 */
#include "gateway/wallet/app.h"
#include "gateway/wallet/app_messages.h"
#include "proto/states.h"
#include "proto/wsk.h"

#include <string.h>

/* ---- pieces ---- */

/* The compact text of the JSON, which is the same for the same members in the same order. */
static struct s2s_bytes text_of(struct gw_api_request *rq, struct json_object *json)
{
    size_t len;
    char *text = s2s_json_write(rq->arena, json, &len);
    s2s_assert(text != NULL);
    return s2s_bytes(text, len);
}

/* Seal under the session; NULL when that failed and the request is refused. */
static const struct s2s_bytes *seal(struct gw_api_request *rq, const char *session_id, struct s2s_bytes text)
{
    struct s2s_bytes *sealed = s2s_arena_alloc(rq->arena, sizeof(*sealed));
    s2s_assert(sealed != NULL);
    struct s2s_result r = gw_vault_seal(rq->generation->vault, rq->arena, session_id, text, sealed);
    if (!s2s_failed(r))
        return sealed;
    gw_api_refuse_internal(rq, r.detail);
    return NULL;
}

/* What tells the same request for `what`, asked again, from another one; GW_DIGEST_SIZE octets. */
static const uint8_t *digest_of(struct gw_api_request *rq, const char *what, struct s2s_bytes text)
{
    uint8_t *digest = s2s_arena_alloc(rq->arena, GW_DIGEST_SIZE);
    s2s_assert(digest != NULL);
    gw_vault_digest(rq->generation->vault, s2s_bytes(what, strlen(what)), text, digest);
    return digest;
}

static void copy_member(struct json_object *to, struct json_object *from, const char *name)
{
    struct json_object *value = s2s_json_get(from, name);
    if (value != NULL)
        json_object_object_add(to, name, json_object_get(value));
}

/* Give the database the name of the issuer that `object` names by name or identifier. NULL when there is none; then the
 * member stays as it is. */
static const struct gw_peer *name_issuer(struct gw_api_request *rq, struct json_object *object)
{
    const char *given = s2s_json_string(object, "issuer");
    const struct gw_peer *issuer = given != NULL ? gw_generation_issuer(rq->generation, given) : NULL;
    if (issuer != NULL)
        s2s_json_set_string(object, "issuer", issuer->config->name);
    return issuer;
}

static bool refuse_issuer(struct gw_api_request *rq)
{
    return gw_api_violation(rq, "/issuer", "must be the name or the identifier of an issuer that is configured");
}

/* A key that the issuer could not take is refused here: it may be a private one, which must not go on. */
static bool check_key(struct gw_api_request *rq, const char *member, enum s2s_key_purpose purpose)
{
    struct s2s_jwk *key;
    struct s2s_result r = s2s_keydata_key(s2s_json_get(rq->body, member), purpose, &key);
    if (!s2s_failed(r)) {
        s2s_jwk_free(key);
        return true;
    }
    char *pointer = s2s_arena_printf(rq->arena, "/%s/client_public_key", member);
    s2s_assert(pointer != NULL);
    return gw_api_violation(rq, pointer, r.detail);
}

/* ---- hooks ---- */

bool gw_app_prepare_start(struct gw_api_request *rq)
{
    const char *session_id = s2s_json_string(rq->body, "sessionId");
    const struct gw_peer *issuer = gw_generation_issuer(rq->generation, s2s_json_string(rq->body, "issuer"));
    if (issuer == NULL || issuer->target.url == NULL)
        return refuse_issuer(rq);
    if (!check_key(rq, "walletSigningKeyData", S2S_WALLET_SIGNING_KEY))
        return false;
    json_object_object_del(rq->body, "issuer"); /* the rest is what the issuer gets */

    struct s2s_bytes text = text_of(rq, rq->body);
    const struct s2s_bytes *sealed = seal(rq, session_id, text);
    if (sealed == NULL)
        return false;
    struct json_object *seen = json_object_new_object();
    copy_member(seen, rq->body, "sessionId");
    copy_member(seen, rq->body, "credentialConfigurationIds");
    json_object_object_add(rq->input, "body", seen);
    rq->order_key = session_id;
    gw_api_begin(rq);
    gw_db_text(&rq->call, issuer->config->name);
    gw_db_bytes(&rq->call, sealed->data, sealed->len);
    gw_db_bytes(&rq->call, digest_of(rq, "issuance", text), GW_DIGEST_SIZE);
    return true;
}

bool gw_app_prepare_supplement(struct gw_api_request *rq)
{
    /* The gateway adds members of its own when it sends them: nothing else may stand beside those. */
    struct json_object *known = s2s_json_own(rq->arena, s2s_schema_known(&gw_app_supplement_request, rq->body));
    const struct s2s_bytes *sealed = seal(rq, s2s_json_string(rq->input, "sessionId"), text_of(rq, known));
    if (sealed == NULL)
        return false;
    json_object_object_del(rq->input, "body");
    gw_api_begin(rq);
    gw_db_bytes(&rq->call, sealed->data, sealed->len);
    return true;
}

bool gw_app_prepare_fetch(struct gw_api_request *rq)
{
    if (!check_key(rq, "walletEncryptionKey", S2S_WALLET_ENCRYPTION_KEY))
        return false;
    /* Nothing else may stand beside what the gateway adds. And only ciphertext and public keys are to be stored. */
    struct json_object *known = s2s_schema_known(&gw_app_fetch_request, rq->body);
    json_object_object_add(rq->input, "body", known);
    gw_api_begin(rq);
    gw_db_bytes(&rq->call, digest_of(rq, "fetch", text_of(rq, known)), GW_DIGEST_SIZE);
    return true;
}

bool gw_app_prepare_metadata(struct gw_api_request *rq)
{
    if (!check_key(rq, "walletEncryptionKey", S2S_WALLET_ENCRYPTION_KEY))
        return false;
    json_object_object_del(rq->input, "body"); /* it is for the issuer */
    gw_api_begin(rq);
    return true;
}

bool gw_app_prepare_event(struct gw_api_request *rq)
{
    if (s2s_event_origin(s2s_json_string(rq->body, "eventType")) == S2S_EVENT_FROM_ISSUER)
        return gw_api_violation(rq, "/eventType", "must not be an event that only issuers tell of");
    gw_api_begin(rq);
    return true;
}

bool gw_app_prepare_reconcile(struct gw_api_request *rq)
{
    if (s2s_json_string(rq->body, "issuer") != NULL && name_issuer(rq, rq->body) == NULL)
        return refuse_issuer(rq);
    gw_api_begin(rq);
    return true;
}

bool gw_app_prepare_issuer(struct gw_api_request *rq)
{
    /* Sessions outlive the configuration: an unknown one may have some. Of one that is configured, the database may not
     * have heard yet. */
    const struct gw_peer *issuer = name_issuer(rq, rq->input);
    if (issuer != NULL && issuer->config->credential_issuer != NULL)
        s2s_json_set_string(rq->input, "credentialIssuer", issuer->config->credential_issuer);
    gw_api_begin(rq);
    return true;
}
