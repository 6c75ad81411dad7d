/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands of the played wallet, in the order in which an issuance goes.
 */
#include "gateway/ctl/actions.h"
#include "gateway/ctl/decode.h"
#include "gateway/ctl/wallet.h"
#include "proto/b64.h"
#include "proto/json.h"
#include "proto/jwe.h"
#include "proto/states.h"
#include "proto/uuid.h"

#include <string.h>
#include <time.h>

#define MAX_KEYS 64
#define MAX_DEVICES 1000000
#define MAX_DEPTH 64
#define WAIT_S 120

/* ---- what the commands share ---- */

enum need { KEYS = 1u, ISSUER = 2u, SESSION = 4u, VERIFICATION = 8u };

/* Open the wallet with what a command needs. */
static enum ctl_status begin(struct ctl *ctl, struct ctl_wallet *wallet, unsigned needs)
{
    enum ctl_status status = ctl_wallet_open(ctl, wallet);
    if (status == CTL_OK && (needs & KEYS) != 0 && (wallet->wsk == NULL || wallet->wek == NULL))
        status = ctl_wallet_make_keys(wallet, "ES256", "HPKE-0-KE");
    if (status == CTL_OK && (needs & ISSUER) != 0)
        status = ctl_wallet_meet_issuer(wallet);
    if (status == CTL_OK && (needs & SESSION) != 0 && ctl_wallet_text(wallet, "sessionId", "initiate") == NULL)
        status = CTL_USAGE;
    if (status == CTL_OK && (needs & VERIFICATION) != 0 &&
        ctl_wallet_text(wallet, "verificationId", "initiate") == NULL)
        status = CTL_USAGE;
    return status;
}

static enum ctl_status end(struct ctl_wallet *wallet, enum ctl_status status)
{
    ctl_wallet_close(wallet);
    return status;
}

/* Copy a text of the state into a body. */
static void copy_text(const struct ctl_wallet *wallet, struct json_object *body, const char *name)
{
    s2s_json_set_string(body, name, s2s_json_string(wallet->state, name));
}

/* { sessionId, verificationId } */
static struct json_object *verification_body(const struct ctl_wallet *wallet)
{
    struct json_object *body = json_object_new_object();
    copy_text(wallet, body, "sessionId");
    copy_text(wallet, body, "verificationId");
    return body;
}

/* { sessionId, credentialInstanceId }: the operand, or the first one that was provisioned. NULL with a complaint. */
static struct json_object *instance_body(const struct ctl_wallet *wallet, size_t operand)
{
    struct json_object *known = s2s_json_get(wallet->state, "instances");
    const char *id = wallet->ctl->operand_count > operand ? wallet->ctl->operands[operand]
                     : known != NULL && json_object_array_length(known) > 0
                         ? json_object_get_string(json_object_array_get_idx(known, 0))
                         : NULL;
    if (id == NULL) {
        (void)ctl_fail(CTL_USAGE, "which instance? Name it; or first: s2sctl wallet provision");
        return NULL;
    }
    struct json_object *body = json_object_new_object();
    copy_text(wallet, body, "sessionId");
    s2s_json_set_string(body, "credentialInstanceId", id);
    return body;
}

/* Call, and show what comes. `body` is taken; NULL: it could not be made, which has been told. */
static enum ctl_status call_and_show(struct ctl_wallet *wallet, enum s2s_endpoint_id endpoint, struct json_object *body)
{
    struct json_object *answer;
    long code;
    enum ctl_status status = body != NULL ? ctl_wallet_call(wallet, endpoint, body, &answer, &code) : CTL_USAGE;
    if (status == CTL_OK)
        ctl_show(wallet->ctl, NULL, answer);
    return status;
}

static void pause_s(long seconds)
{
    struct timespec pause = {seconds, 0};
    nanosleep(&pause, NULL);
}

/* ---- keys, issuer ---- */

enum ctl_status ctl_run_wallet_keys(struct ctl *ctl)
{
    struct ctl_wallet wallet;
    const char *alg = ctl_value(ctl, "alg"), *encryption_alg = ctl_value(ctl, "encryption-alg");
    enum ctl_status status = begin(ctl, &wallet, 0);
    if (status == CTL_OK)
        status = ctl_wallet_make_keys(&wallet, alg != NULL ? alg : "ES256",
                                      encryption_alg != NULL ? encryption_alg : "HPKE-0-KE");
    if (status == CTL_OK) {
        struct json_object *keys = ctl_object(ctl);
        json_object_object_add(keys, "walletSigningKey", s2s_jwk_public_json(wallet.wsk));
        s2s_json_set_string(keys, "walletSigningKeyThumbprint", s2s_jwk_thumbprint(wallet.wsk));
        json_object_object_add(keys, "walletEncryptionKey", s2s_jwk_public_json(wallet.wek));
        s2s_json_set_string(keys, "walletEncryptionKeyThumbprint", s2s_jwk_thumbprint(wallet.wek));
        ctl_show(ctl, NULL, keys);
    }
    return end(&wallet, status);
}

enum ctl_status ctl_run_wallet_issuer(struct ctl *ctl)
{
    struct ctl_wallet wallet;
    enum ctl_status status = begin(ctl, &wallet, ISSUER);
    if (status == CTL_OK)
        ctl_show(ctl, NULL, wallet.metadata);
    return end(&wallet, status);
}

/* ---- verification ---- */

/* A new session, unless there is one. */
static void ensure_session(struct ctl_wallet *wallet)
{
    char id[S2S_UUID_SIZE];
    if (s2s_json_string(wallet->state, "sessionId") != NULL)
        return;
    s2s_uuid_new(id);
    s2s_json_set_string(wallet->state, "sessionId", id);
}

static bool wants_bound(const struct ctl *ctl)
{
    const char *form = ctl_value(ctl, "nonce");
    return form == NULL || strcmp(form, "bound") == 0;
}

enum ctl_status ctl_run_wallet_nonce(struct ctl *ctl)
{
    struct ctl_wallet wallet;
    enum ctl_status status = begin(ctl, &wallet, KEYS | ISSUER);
    if (status == CTL_OK) {
        ensure_session(&wallet);
        const char *nonce = ctl_wallet_nonce(&wallet, wants_bound(ctl));
        struct json_object *answer = ctl_object(ctl);
        copy_text(&wallet, answer, "sessionId");
        if (nonce != NULL)
            s2s_json_set_string(answer, "verificationNonce", nonce);
        ctl_show(ctl, NULL, answer);
        status = nonce != NULL ? ctl_wallet_save(&wallet) : CTL_USAGE;
    }
    return end(&wallet, status);
}

enum ctl_status ctl_run_wallet_payload(struct ctl *ctl)
{
    struct ctl_wallet wallet;
    struct json_object *data = NULL;
    enum ctl_status status = begin(ctl, &wallet, KEYS | ISSUER);
    if (status == CTL_OK)
        status = ctl_wallet_data(&wallet, &data);
    if (status == CTL_OK && data == NULL)
        status = ctl_fail(CTL_USAGE, "which items? Give --item, --server-item, --code or --offer");
    if (status == CTL_OK)
        ctl_show(ctl, NULL, s2s_json_own(ctl->arena, data));
    return end(&wallet, status);
}

static bool is_settled(const struct json_object *answer)
{
    const char *status = s2s_json_string(answer, "status");
    return status == NULL || strcmp(status, s2s_verification_status_name(S2S_PENDING)) != 0;
}

/* Ask until it is decided, if that is wanted; show how it stands. What was denied is no success. */
static enum ctl_status settle(struct ctl_wallet *wallet, struct json_object *answer)
{
    long code;
    enum ctl_status status = CTL_OK;
    for (int seconds = 0; ctl_given(wallet->ctl, "wait") && !is_settled(answer) && seconds < WAIT_S; ++seconds) {
        pause_s(1);
        status = ctl_wallet_call(wallet, S2S_VERIFICATION_STATUS, verification_body(wallet), &answer, &code);
        if (status != CTL_OK)
            return status;
    }
    ctl_show(wallet->ctl, NULL, answer);
    const char *reached = s2s_json_string(answer, "status");
    bool denied = reached != NULL && (strcmp(reached, s2s_verification_status_name(S2S_DENIED)) == 0 ||
                                      strcmp(reached, s2s_verification_status_name(S2S_EXPIRED)) == 0);
    return denied ? CTL_REFUSED : CTL_OK;
}

/* The body of an initiate, or NULL with a complaint. */
static struct json_object *initiate_body(struct ctl_wallet *wallet)
{
    struct ctl *ctl = wallet->ctl;
    long devices;
    struct json_object *data, *ids = json_object_new_array(), *body = json_object_new_object();
    const char *nonce = ctl_wallet_nonce(wallet, wants_bound(ctl) || ctl_given(ctl, "again"));
    enum ctl_status status = ctl_number(ctl, "devices", 1, MAX_DEVICES, 0, &devices);
    if (status == CTL_OK)
        status = ctl_wallet_data(wallet, &data);
    if (status != CTL_OK || nonce == NULL) {
        json_object_put(ids);
        json_object_put(body);
        return NULL;
    }
    copy_text(wallet, body, "sessionId");
    for (size_t i = 0; i < ctl->operand_count; ++i)
        json_object_array_add(ids, json_object_new_string(ctl->operands[i]));
    json_object_object_add(body, "credentialConfigurationIds", ids);
    json_object_object_add(body, "walletSigningKeyData", ctl_wallet_wsk_data(wallet));
    s2s_json_set_string(body, "verificationNonce", nonce);
    if (data != NULL)
        json_object_object_add(body, "verificationData", data);
    if (devices > 0)
        json_object_object_add(body, "requestedDeviceCount", json_object_new_int64(devices));
    if (ctl_value(ctl, "locale") != NULL)
        s2s_json_set_string(body, "locale", ctl_value(ctl, "locale"));
    return body;
}

enum ctl_status ctl_run_wallet_initiate(struct ctl *ctl)
{
    struct ctl_wallet wallet;
    struct json_object *answer;
    long code;
    enum ctl_status status = begin(ctl, &wallet, KEYS | ISSUER);
    if (status == CTL_OK && !ctl_given(ctl, "again") && s2s_json_string(wallet.state, "verificationId") != NULL) {
        json_object_object_del(wallet.state, "sessionId"); /* it has been used */
        json_object_object_del(wallet.state, "instances");
    }
    struct json_object *body = NULL;
    if (status == CTL_OK) {
        ensure_session(&wallet);
        json_object_object_del(wallet.state, "verificationId");
        body = initiate_body(&wallet);
        status = body != NULL ? ctl_wallet_call(&wallet, S2S_INITIATE, body, &answer, &code) : CTL_USAGE;
    }
    if (status == CTL_OK) {
        const char *id = s2s_json_string(answer, "verificationId");
        s2s_json_set_string(wallet.state, "verificationId", id != NULL ? id : "");
        status = ctl_wallet_save(&wallet);
    }
    if (status == CTL_OK)
        status = settle(&wallet, answer);
    return end(&wallet, status);
}

enum ctl_status ctl_run_wallet_supplement(struct ctl *ctl)
{
    struct ctl_wallet wallet;
    struct json_object *data = NULL, *answer;
    long code;
    enum ctl_status status = begin(ctl, &wallet, KEYS | ISSUER | SESSION | VERIFICATION);
    if (status == CTL_OK)
        status = ctl_wallet_data(&wallet, &data);
    if (status == CTL_OK && data == NULL)
        status = ctl_fail(CTL_USAGE, "which items? Give --item, --server-item, --code or --offer");
    if (status == CTL_OK) {
        struct json_object *body = verification_body(&wallet);
        json_object_object_add(body, "verificationDataPayload", data);
        status = ctl_wallet_call(&wallet, S2S_SUPPLEMENT, body, &answer, &code);
    }
    if (status == CTL_OK)
        status = settle(&wallet, answer);
    return end(&wallet, status);
}

enum ctl_status ctl_run_wallet_status(struct ctl *ctl)
{
    struct ctl_wallet wallet;
    struct json_object *answer;
    long code;
    enum ctl_status status = begin(ctl, &wallet, ISSUER | SESSION | VERIFICATION);
    if (status == CTL_OK)
        status = ctl_wallet_call(&wallet, S2S_VERIFICATION_STATUS, verification_body(&wallet), &answer, &code);
    if (status == CTL_OK)
        status = settle(&wallet, answer);
    return end(&wallet, status);
}

enum ctl_status ctl_run_wallet_cancel(struct ctl *ctl)
{
    struct ctl_wallet wallet;
    enum ctl_status status = begin(ctl, &wallet, ISSUER | SESSION | VERIFICATION);
    if (status == CTL_OK) {
        const char *reason = ctl_value(ctl, "reason");
        struct json_object *body = verification_body(&wallet);
        s2s_json_set_string(body, "reason", reason != NULL ? reason : "HOLDER_ABORTED");
        status = call_and_show(&wallet, S2S_CANCEL, body);
    }
    return end(&wallet, status);
}

/* ---- credentials ---- */

enum ctl_status ctl_run_wallet_provision(struct ctl *ctl)
{
    struct ctl_wallet wallet;
    struct json_object *answer, *all = json_object_new_array();
    long code;
    enum ctl_status status = begin(ctl, &wallet, ISSUER | SESSION | VERIFICATION);
    if (status == CTL_OK)
        status = ctl_wallet_call(&wallet, S2S_PROVISION, verification_body(&wallet), &answer, &code);
    struct json_object *groups = status == CTL_OK ? s2s_json_get(answer, "CredentialInstances") : NULL;
    for (size_t i = 0; groups != NULL && i < json_object_array_length(groups); ++i) {
        struct json_object *ids = s2s_json_get(json_object_array_get_idx(groups, i), "credentialInstanceIds");
        for (size_t k = 0; ids != NULL && k < json_object_array_length(ids); ++k)
            json_object_array_add(all, json_object_get(json_object_array_get_idx(ids, k)));
    }
    if (status == CTL_OK) {
        json_object_object_add(wallet.state, "instances", json_object_get(all));
        ctl_show(ctl, NULL, answer);
        status = ctl_wallet_save(&wallet);
    }
    json_object_put(all);
    return end(&wallet, status);
}

/* Decrypt the answer of a get, keep the credentials, and show what is in them. */
static enum ctl_status show_credentials(struct ctl_wallet *wallet, struct json_object *answer)
{
    struct ctl *ctl = wallet->ctl;
    struct s2s_jwk *const keys[] = {wallet->wek};
    const struct s2s_keyring ring = {keys, 1};
    const struct s2s_jwk *used;
    struct s2s_bytes plain;
    struct json_object *list = NULL;
    struct s2s_result r = s2s_jwe_open(ctl->arena, s2s_json_get(answer, "credentials"), &ring, &used, &plain);
    if (!s2s_failed(r))
        r = s2s_json_parse(ctl->arena, (const char *)plain.data, plain.len, MAX_DEPTH, &list);
    if (s2s_failed(r))
        return ctl_fail(CTL_REFUSED, "the credentials cannot be decrypted: %s", r.detail);
    const struct ctl_decoder decoder = {.arena = ctl->arena};
    const char *text = (const char *)plain.data;
    struct json_object *shown = ctl_object(ctl), *decoded = ctl_decode(&decoder, text, plain.len);
    json_object_object_add(shown, "credentialVersion", json_object_get(s2s_json_get(answer, "credentialVersion")));
    json_object_object_add(shown, "credentials", json_object_get(ctl->json || decoded == NULL ? list : decoded));
    ctl_show(ctl, NULL, shown);
    return ctl_wallet_write(wallet, CTL_WALLET_CREDENTIALS, text, plain.len);
}

/* Put the transaction of a 202 in the place of the presentment keys (D9). */
static struct json_object *later_body(struct ctl_wallet *wallet, const struct json_object *answer, const char *reason)
{
    const char *transaction = s2s_json_string(answer, "transaction_id");
    struct json_object *body = instance_body(wallet, 0), *wek = ctl_wallet_wek_data(wallet);
    s2s_json_set_string(body, "reason", reason);
    json_object_object_add(body, "walletEncryptionKey", wek);
    s2s_json_set_string(body, "transaction_id", transaction != NULL ? transaction : "");
    return body;
}

enum ctl_status ctl_run_wallet_get(struct ctl *ctl)
{
    struct ctl_wallet wallet;
    struct json_object *answer, *body = NULL;
    long code = 0, keys;
    const char *reason = ctl_value(ctl, "reason") != NULL ? ctl_value(ctl, "reason") : "PROVISIONING";
    enum ctl_status status = begin(ctl, &wallet, KEYS | ISSUER | SESSION);
    if (status == CTL_OK)
        status = ctl_number(ctl, "keys", 1, MAX_KEYS, 1, &keys);
    if (status == CTL_OK)
        status = (body = instance_body(&wallet, 0)) != NULL ? CTL_OK : CTL_USAGE;
    if (status == CTL_OK) {
        s2s_json_set_string(body, "reason", reason);
        json_object_object_add(body, "walletEncryptionKey", ctl_wallet_wek_data(&wallet));
        json_object_object_add(body, "clientEncryptedData", ctl_wallet_presentment(&wallet, (unsigned)keys));
        status = ctl_wallet_call(&wallet, S2S_GET, body, &answer, &code);
    }
    for (int tries = 0; status == CTL_OK && code == 202 && tries < WAIT_S; ++tries) {
        long interval = (long)json_object_get_int64(s2s_json_get(answer, "interval"));
        pause_s(interval > 0 ? interval : 1);
        status = ctl_wallet_call(&wallet, S2S_GET, later_body(&wallet, answer, reason), &answer, &code);
    }
    if (status == CTL_OK && code == 202)
        status = ctl_fail(CTL_REFUSED, "the credential is not ready yet");
    if (status == CTL_OK)
        status = show_credentials(&wallet, answer);
    return end(&wallet, status);
}

enum ctl_status ctl_run_wallet_metadata(struct ctl *ctl)
{
    struct ctl_wallet wallet;
    enum ctl_status status = begin(ctl, &wallet, KEYS | ISSUER | SESSION);
    if (status == CTL_OK) {
        struct json_object *body = instance_body(&wallet, 0);
        if (body != NULL)
            json_object_object_add(body, "walletEncryptionKey", ctl_wallet_wek_data(&wallet));
        status = call_and_show(&wallet, S2S_METADATA, body);
    }
    return end(&wallet, status);
}

enum ctl_status ctl_run_wallet_state(struct ctl *ctl)
{
    struct ctl_wallet wallet;
    enum ctl_status status = begin(ctl, &wallet, ISSUER | SESSION);
    if (status == CTL_OK)
        status = call_and_show(&wallet, S2S_CREDENTIAL_STATUS, instance_body(&wallet, 0));
    return end(&wallet, status);
}

enum ctl_status ctl_run_wallet_manage(struct ctl *ctl)
{
    static const char *const actions[][2] = {{"suspend", "SUSPEND"}, {"resume", "RESUME"}, {"unlink", "UNLINK"}};
    struct ctl_wallet wallet;
    const char *action = NULL;
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); ++i)
        if (strcmp(actions[i][0], ctl->operands[0]) == 0)
            action = actions[i][1];
    if (action == NULL)
        return ctl_fail(CTL_USAGE, "an action is suspend, resume or unlink");
    enum ctl_status status = begin(ctl, &wallet, ISSUER | SESSION);
    if (status == CTL_OK) {
        struct json_object *body = instance_body(&wallet, 1);
        if (body != NULL)
            s2s_json_set_string(body, "action", action);
        if (body != NULL && ctl_value(ctl, "reason") != NULL)
            s2s_json_set_string(body, "reason", ctl_value(ctl, "reason"));
        status = call_and_show(&wallet, S2S_MANAGE, body);
    }
    return end(&wallet, status);
}

enum ctl_status ctl_run_wallet_event(struct ctl *ctl)
{
    struct ctl_wallet wallet;
    char moment[32];
    struct tm parts;
    time_t now = time(NULL);
    strftime(moment, sizeof(moment), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
    enum ctl_status status = begin(ctl, &wallet, ISSUER | SESSION);
    if (status == CTL_OK) {
        struct json_object *body = instance_body(&wallet, 1);
        if (body != NULL) {
            s2s_json_set_string(body, "eventType", ctl->operands[0]);
            s2s_json_set_string(body, "eventTimestamp", moment);
        }
        status = call_and_show(&wallet, S2S_EVENT_NOTIFY, body);
    }
    return end(&wallet, status);
}

enum ctl_status ctl_run_wallet_decode(struct ctl *ctl)
{
    struct ctl_wallet wallet;
    size_t len = 0;
    enum ctl_status status = begin(ctl, &wallet, 0);
    if (status == CTL_OK) {
        struct ctl_decoder decoder = {.arena = ctl->arena};
        const char *text =
            ctl->operand_count > 0 ? ctl->operands[0] : ctl_wallet_read(&wallet, CTL_WALLET_CREDENTIALS, &len);
        decoder.key = ctl_wallet_read(&wallet, CTL_WALLET_WEK, &decoder.key_len);
        struct json_object *thing =
            text != NULL ? ctl_decode(&decoder, text, ctl->operand_count > 0 ? strlen(text) : len) : NULL;
        if (thing != NULL)
            ctl_show(ctl, NULL, thing);
        else
            status = ctl_fail(CTL_REFUSED, text != NULL ? "this is no JWS, JWE, SD-JWT or credential offer"
                                                        : "nothing was fetched yet; first: s2sctl wallet get");
    }
    return end(&wallet, status);
}
