/* SPDX-License-Identifier: Apache-2.0
 *
 * /verification/initiate, supplement, status and cancel (profile section 4; draft "Verification Endpoints").
 */
#include "gateway/issuer/decide.h"
#include "gateway/issuer/endpoints.h"
#include "gateway/issuer/handover.h"
#include "gateway/issuer/policy.h"
#include "gateway/worker.h"
#include "proto/attestation.h"

#include <string.h>

/* ---- verification data ---- */

/* Verification data on its way to the database: only ciphertext. */
struct submission {
    const char **client;        /* JWEs as they came, as JSON text */
    struct json_object **items; /* what is in them */
    size_t client_count;
    struct s2s_bytes server; /* the wallet server's items and assessments, sealed; data NULL when there are none */
};

static char *pointer(struct gw_exchange *ex, const char *base, const char *member, size_t index)
{
    char *text = s2s_arena_printf(ex->arena, "%s/%s/%zu", base, member, index);
    s2s_assert(text != NULL);
    return text;
}

/* Whether one of the first `count` items has this id: one origin gives an item once. */
static bool id_taken(struct json_object **items, size_t count, const char *id)
{
    for (size_t i = 0; i < count; ++i)
        if (strcmp(s2s_json_string(items[i], "id"), id) == 0)
            return true;
    return false;
}

/* What is stored of a client payload: the JWE and its origin, nothing that came beside it in the clear. */
static const char *client_jwe_text(struct gw_exchange *ex, struct json_object *payload)
{
    struct json_object *kept = s2s_json_own(ex->arena, json_object_new_object());
    json_object_object_add(kept, "jwe", json_object_get(s2s_json_get(payload, "jwe")));
    json_object_object_add(kept, "origin", json_object_get(s2s_json_get(payload, "origin")));
    return s2s_json_write(ex->arena, kept, NULL);
}

/* Open every client payload; one failure refuses the whole request (draft "Client Encrypted Payload"). */
static enum gw_step take_client_payloads(struct gw_exchange *ex, struct json_object *list, const char *verification_id,
                                         const char *base, struct submission *out)
{
    size_t count = list != NULL ? json_object_array_length(list) : 0;
    struct s2s_wsk_context ctx = gw_issuer_wsk_context(ex, verification_id);
    struct json_object **items = s2s_arena_alloc(ex->arena, (count + 1) * sizeof(*items));
    out->client = s2s_arena_alloc(ex->arena, (count + 1) * sizeof(*out->client));
    s2s_assert(items != NULL && out->client != NULL);
    for (size_t i = 0; i < count; ++i) {
        struct json_object *payload = json_object_array_get_idx(list, i);
        const char *where = pointer(ex, base, "clientEncryptedPayload", i);
        struct s2s_result r = s2s_wsk_open_payload(ex->arena, &ctx, payload, &items[i]);
        if (s2s_failed(r))
            return gw_exchange_failed(ex, r, where);
        if (!gw_issuer_check_nested(ex, &s2s_verification_item, items[i], where))
            return GW_STEP_REFUSE;
        if (id_taken(items, i, s2s_json_string(items[i], "id")))
            return gw_exchange_violation(ex, where, "repeats the id of another item");
        out->client[i] = client_jwe_text(ex, payload);
        if (out->client[i] == NULL)
            return gw_exchange_violation(ex, where, "is too large");
    }
    out->items = items;
    out->client_count = count;
    return GW_STEP_CHECK;
}

/* The ids of the wallet server's own items, in the VerificationDataResponse at `base`; `data` may be NULL. */
static void examine_data(struct gw_exchange *ex, const struct json_object *data, const char *base)
{
    struct json_object *items = s2s_json_get(data, "serverVerificationDataItem");
    if (items == NULL || !gw_exchange_accepts(ex, base))
        return;
    size_t count = json_object_array_length(items);
    struct json_object **seen = s2s_arena_alloc(ex->arena, (count + 1) * sizeof(*seen));
    s2s_assert(seen != NULL);
    for (size_t i = 0; i < count; ++i) {
        seen[i] = json_object_array_get_idx(items, i);
        if (id_taken(seen, i, s2s_json_string(seen[i], "id")))
            gw_exchange_violation(ex, pointer(ex, base, "serverVerificationDataItem", i),
                                  "repeats the id of another item");
    }
}

/* The wallet server's own items come in the clear and are sealed here, bound to their session. */
static enum gw_step take_server_items(struct gw_exchange *ex, struct json_object *data, const char *base,
                                      struct submission *out)
{
    struct json_object *items = s2s_json_get(data, "serverVerificationDataItem");
    struct json_object *assessments = s2s_json_get(data, "additionalAssessments");
    if (items == NULL && assessments == NULL)
        return GW_STEP_CHECK;
    struct json_object *plain = s2s_json_own(ex->arena, json_object_new_object());
    json_object_object_add(plain, "items", json_object_get(items));
    json_object_object_add(plain, "assessments", json_object_get(assessments));
    size_t len;
    char *text = s2s_json_write(ex->arena, plain, &len);
    struct s2s_result r = text != NULL
                              ? gw_vault_seal(ex->generation->vault, ex->arena, gw_body_string(ex, "sessionId"),
                                              s2s_bytes(text, len), &out->server)
                              : s2s_fail(S2S_LIMIT, "is too large");
    return s2s_failed(r) ? gw_exchange_failed(ex, r, base) : GW_STEP_CHECK;
}

/* VerificationDataResponse at `base`; `data` and `verification_id` may be NULL. */
static enum gw_step take_data(struct gw_exchange *ex, struct json_object *data, const char *verification_id,
                              const char *base, struct submission *out)
{
    *out = (struct submission){0};
    if (data == NULL)
        return GW_STEP_CHECK;
    enum gw_step step =
        take_client_payloads(ex, s2s_json_get(data, "clientEncryptedPayload"), verification_id, base, out);
    return step == GW_STEP_CHECK ? take_server_items(ex, data, base, out) : step;
}

static void add_submission(struct gw_exchange *ex, const struct submission *data)
{
    gw_db_text_array(&ex->call, ex->arena, data->client, data->client_count);
    gw_db_bytes(&ex->call, data->server.data, data->server.len);
}

/* How much verification data one verification may gather. */
static void add_ceilings(struct gw_exchange *ex)
{
    const struct gw_limits_config *limits = &ex->generation->config->limits;
    gw_db_integer(&ex->call, ex->arena, limits->max_submissions);
    gw_db_integer(&ex->call, ex->arena, (int64_t)limits->max_verification_data);
}

/* ---- initiate ---- */

struct initiation {
    const struct gw_credential_config **configurations;
    const char **ids;
    size_t count;
    const char *jti;         /* of a bound nonce; NULL: of a raw one */
    const char *attestation; /* verdict on the wallet signing key's */
};

/* One verification has one decision, so one decider. */
static bool decided_alike(const struct initiation *in)
{
    for (size_t i = 1; i < in->count; ++i)
        if (!gw_decided_alike(in->configurations[0], in->configurations[i]))
            return false;
    return true;
}

/* Each asked-for configuration must exist and be allowed; a peer cannot tell the two apart. */
static void take_configurations(struct gw_exchange *ex, struct initiation *out)
{
    struct json_object *list = s2s_json_get(ex->body, "credentialConfigurationIds");
    bool known = true;
    if (!gw_exchange_accepts(ex, "/credentialConfigurationIds"))
        return;
    out->count = json_object_array_length(list);
    out->configurations = s2s_arena_alloc(ex->arena, out->count * sizeof(*out->configurations));
    out->ids = s2s_arena_alloc(ex->arena, out->count * sizeof(*out->ids));
    s2s_assert(out->configurations != NULL && out->ids != NULL);
    for (size_t i = 0; i < out->count; ++i) {
        const char *id = json_object_get_string(json_object_array_get_idx(list, i));
        const struct gw_offering *offering = gw_generation_offering(ex->generation, id);
        if (offering == NULL || !gw_peer_may_use(ex->peer, id)) {
            gw_exchange_violation(ex, pointer(ex, "", "credentialConfigurationIds", i),
                                  "is not a credential configuration that this peer may ask for");
            known = false;
            continue;
        }
        out->ids[i] = id;
        out->configurations[i] = offering->config;
    }
    if (known && !decided_alike(out))
        gw_exchange_violation(ex, "/credentialConfigurationIds", "cannot be asked for together");
}

/* Whether somebody whom we trust for this peer vouches for the key (KeyData `attestation`). */
static enum gw_step take_attestation(struct gw_exchange *ex, struct initiation *out)
{
    const struct gw_peer_config *peer = ex->peer->config;
    struct s2s_attestation found;
    out->attestation = "IGNORED";
    if (peer->attestation == GW_ATTESTATION_IGNORED)
        return GW_STEP_CHECK;
    const struct s2s_attestation_policy policy = {.trust =
                                                      gw_generation_trust(ex->generation, &peer->attestation_trust),
                                                  .leeway = ex->generation->config->issuer.iat_window_s,
                                                  .max_keys = S2S_ATTESTATION_MAX_KEYS};
    struct s2s_result r = s2s_attestation_check(ex->arena, &policy, s2s_json_get(ex->body, "walletSigningKeyData"),
                                                gw_issuer_state(ex)->wsk, NULL, ex->now, &found);
    bool good = found.verdict == S2S_ATTESTATION_VERIFIED ||
                (found.verdict == S2S_ATTESTATION_ABSENT && peer->attestation == GW_ATTESTATION_OPTIONAL);
    if (!s2s_failed(r) && !good)
        r = s2s_fail(S2S_INVALID_CLIENT_AUTHENTICATION, found.reason);
    if (s2s_failed(r))
        return gw_exchange_failed(ex, r, "/walletSigningKeyData/attestation");
    out->attestation = s2s_attestation_verdict_name(found.verdict);
    return GW_STEP_CHECK;
}

/* keyType was the schema's: what is wrong here is wrong with the key. */
static enum gw_step take_wsk(struct gw_exchange *ex)
{
    struct gw_issuer_state *state = gw_issuer_state(ex);
    if (!gw_exchange_accepts(ex, "/walletSigningKeyData"))
        return GW_STEP_CHECK;
    struct s2s_result r =
        s2s_keydata_key(s2s_json_get(ex->body, "walletSigningKeyData"), S2S_WALLET_SIGNING_KEY, &state->wsk);
    if (s2s_failed(r))
        return gw_exchange_failed(ex, r, "/walletSigningKeyData/client_public_key");
    s2s_arena_defer(ex->arena, gw_release_jwk, state->wsk);
    return GW_STEP_CHECK;
}

static enum gw_step take_nonce(struct gw_exchange *ex, struct initiation *out)
{
    struct s2s_wsk_context ctx = gw_issuer_wsk_context(ex, NULL);
    struct s2s_result r = s2s_wsk_check_nonce(ex->arena, &ctx, gw_body_string(ex, "verificationNonce"),
                                              ex->peer->config->verification_nonce, &out->jti);
    return s2s_failed(r) ? gw_exchange_failed(ex, r, "/verificationNonce") : take_attestation(ex, out);
}

static void add_optional_strings(struct gw_exchange *ex, const char *member)
{
    struct json_object *list = s2s_json_get(ex->body, member);
    size_t count = list != NULL ? json_object_array_length(list) : 0;
    const char **texts = s2s_arena_alloc(ex->arena, (count + 1) * sizeof(*texts));
    s2s_assert(texts != NULL);
    for (size_t i = 0; i < count; ++i)
        texts[i] = json_object_get_string(json_object_array_get_idx(list, i));
    if (list != NULL)
        gw_db_text_array(&ex->call, ex->arena, texts, count);
    else
        gw_db_text(&ex->call, NULL);
}

/* Offer to begin the evaluation here, if there is room; `request` of the state keeps what that needs. */
static void add_lease(struct gw_exchange *ex, const struct initiation *in, const struct submission *data)
{
    struct gw_issuer_state *state = gw_issuer_state(ex);
    struct gw_handover *handover = s2s_arena_alloc(ex->arena, sizeof(*handover));
    s2s_assert(handover != NULL);
    *handover = (struct gw_handover){.session_id = state->session_id,
                                     .wsk_thumbprint = s2s_jwk_thumbprint(state->wsk),
                                     .attestation = in->attestation,
                                     .configurations = in->configurations,
                                     .configuration_count = in->count,
                                     .client_items = data->items,
                                     .client_count = data->client_count,
                                     .has_data = data->client_count > 0 || data->server.data != NULL};
    if (!gw_handover_offer(ex, handover)) {
        gw_db_text(&ex->call, NULL);
        gw_db_text(&ex->call, NULL);
        return;
    }
    state->request = handover;
    gw_db_text(&ex->call, handover->lease.id);
    gw_db_interval_ms(&ex->call, ex->arena, handover->lease.for_ms);
}

/* The chore that makes the lanes of new peers may still be to come: then a peer's first session brings its lane. */
static bool may_lack_lane(const struct gw_peer *peer)
{
    return peer->target.url != NULL && !atomic_load_explicit(&peer->rate->has_lane, memory_order_relaxed);
}

enum gw_step gw_issuer_examine_initiate(struct gw_exchange *ex)
{
    struct initiation *in = s2s_arena_alloc(ex->arena, sizeof(*in));
    s2s_assert(in != NULL);
    gw_issuer_state(ex)->examined = in;
    take_configurations(ex, in);
    examine_data(ex, s2s_json_get(ex->body, "verificationData"), "/verificationData");
    return take_wsk(ex);
}

enum gw_step gw_issuer_initiate(struct gw_exchange *ex)
{
    struct gw_issuer_state *state = gw_issuer_state(ex);
    struct initiation *in = state->examined;
    struct submission data;
    enum gw_step step = take_nonce(ex, in);
    if (step == GW_STEP_CHECK)
        step = take_data(ex, s2s_json_get(ex->body, "verificationData"), NULL, "/verificationData", &data);
    if (step != GW_STEP_CHECK)
        return step;

    struct json_object *wsk = s2s_json_own(ex->arena, s2s_jwk_public_json(state->wsk));
    struct json_object *devices = s2s_json_get(ex->body, "requestedDeviceCount");
    gw_exchange_call(ex, GW_SQL_INITIATE, state->session_id);
    gw_db_text(&ex->call, state->session_id);
    gw_db_text_array(&ex->call, ex->arena, in->ids, in->count);
    gw_db_text(&ex->call, s2s_json_write(ex->arena, wsk, NULL));
    gw_db_text(&ex->call, s2s_jwk_thumbprint(state->wsk));
    gw_db_integer(&ex->call, ex->arena, devices != NULL ? json_object_get_int64(devices) : 1);
    add_optional_strings(ex, "supportedVerificationTypes");
    gw_db_text(&ex->call, gw_body_string(ex, "locale"));
    add_submission(ex, &data);
    gw_db_integer(&ex->call, ex->arena, gw_policy_max_attempts(in->configurations, in->count));
    gw_db_interval_ms(&ex->call, ex->arena, ex->generation->config->issuer.session_lifetime_ms);
    add_ceilings(ex);
    gw_db_text(&ex->call, in->jti);
    gw_db_text(&ex->call, in->attestation);
    gw_db_text(&ex->call, in->configurations[0]->by_webhook ? in->configurations[0]->decision_backend : "");
    add_lease(ex, in, &data);
    gw_db_text(&ex->call, may_lack_lane(ex->peer) ? "true" : "false");
    return GW_STEP_COMMIT;
}

void gw_issuer_initiated(struct gw_exchange *ex, const char *outcome)
{
    const struct gw_issuer_state *state = gw_issuer_state(ex);
    if (state->wsk != NULL)
        gw_sessions_put(ex->worker->sessions, state->session_id, ex->peer->config->name, state->wsk);
    /* What is replayed may be from before the peer could be called. */
    if (!ex->replayed && may_lack_lane(ex->peer))
        atomic_store_explicit(&ex->peer->rate->has_lane, true, memory_order_relaxed);
    if (state->request != NULL && strncmp(outcome, GW_HANDOVER_LEASED, strlen(GW_HANDOVER_LEASED)) == 0)
        gw_handover_begin(ex, state->request, outcome);
}

/* ---- supplement, status, cancel ---- */

enum gw_step gw_issuer_examine_supplement(struct gw_exchange *ex)
{
    examine_data(ex, s2s_json_get(ex->body, "verificationDataPayload"), "/verificationDataPayload");
    return GW_STEP_CHECK;
}

enum gw_step gw_issuer_supplement(struct gw_exchange *ex)
{
    struct submission data;
    enum gw_step step = take_data(ex, s2s_json_get(ex->body, "verificationDataPayload"),
                                  gw_body_string(ex, "verificationId"), "/verificationDataPayload", &data);
    if (step != GW_STEP_CHECK)
        return step;
    gw_exchange_call(ex, GW_SQL_SUPPLEMENT, gw_body_string(ex, "sessionId"));
    gw_db_text(&ex->call, gw_body_string(ex, "sessionId"));
    gw_db_text(&ex->call, gw_body_string(ex, "verificationId"));
    add_submission(ex, &data);
    add_ceilings(ex);
    return GW_STEP_COMMIT;
}

/* A call whose parameters are members of the body, in order. */
static enum gw_step call_with_members(struct gw_exchange *ex, enum gw_statement_id statement,
                                      const char *const *members)
{
    gw_exchange_call(ex, statement, gw_body_string(ex, "sessionId"));
    for (; *members != NULL; ++members)
        gw_db_text(&ex->call, gw_body_string(ex, *members));
    return GW_STEP_COMMIT;
}

enum gw_step gw_issuer_verification_status(struct gw_exchange *ex)
{
    static const char *const members[] = {"sessionId", "verificationId", NULL};
    return call_with_members(ex, GW_SQL_VERIFICATION_STATUS, members);
}

enum gw_step gw_issuer_cancel(struct gw_exchange *ex)
{
    static const char *const members[] = {"sessionId", "verificationId", "reason", NULL};
    return call_with_members(ex, GW_SQL_CANCEL, members);
}

enum gw_step gw_issuer_provision(struct gw_exchange *ex)
{
    static const char *const members[] = {"sessionId", "verificationId", NULL};
    return call_with_members(ex, GW_SQL_PROVISION, members);
}
