/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/issuer.h"

#include "gateway/issuer/endpoints.h"
#include "gateway/issuer/evaluate.h"
#include "gateway/issuer/offer_document.h"
#include "gateway/issuer/wellknown.h"
#include "gateway/worker.h"

#include <stdlib.h>
#include <string.h>

/* ---- what the endpoints share ---- */

void gw_release_jwk(void *jwk)
{
    s2s_jwk_free(jwk);
}

const char *gw_body_string(const struct gw_exchange *ex, const char *name)
{
    return s2s_json_string(ex->body, name);
}

struct gw_issuer_state *gw_issuer_state(struct gw_exchange *ex)
{
    if (ex->state == NULL) {
        struct gw_issuer_state *state = s2s_arena_alloc(ex->arena, sizeof(*state));
        s2s_assert(state != NULL);
        state->session_id = gw_body_string(ex, "sessionId");
        state->instance_id = gw_body_string(ex, "credentialInstanceId");
        ex->state = state;
    }
    return ex->state;
}

struct s2s_wsk_context gw_issuer_wsk_context(struct gw_exchange *ex, const char *verification_id)
{
    const struct gw_issuer_config *issuer = &ex->generation->config->issuer;
    return (struct s2s_wsk_context){
        .issuer = issuer->identifier,
        .session_id = gw_body_string(ex, "sessionId"),
        .verification_id = verification_id,
        .wsk = gw_issuer_state(ex)->wsk,
        .issuer_keys = &ex->generation->issuer_keys,
        .now = ex->now,
        .iat_window = issuer->iat_window_s,
    };
}

bool gw_issuer_check_nested(struct gw_exchange *ex, const struct s2s_schema *schema, struct json_object *object,
                            const char *prefix)
{
    struct s2s_violations *nested = s2s_arena_alloc(ex->arena, sizeof(*nested));
    s2s_assert(nested != NULL);
    if (s2s_schema_check(ex->arena, schema, object, nested))
        return true;
    for (size_t i = 0; i < nested->count; ++i) {
        char *pointer = s2s_arena_printf(ex->arena, "%s%s", prefix, nested->items[i].pointer);
        s2s_assert(pointer != NULL);
        gw_exchange_violation(ex, pointer, nested->items[i].message);
    }
    return false;
}

enum gw_step gw_issuer_take_wek(struct gw_exchange *ex, const char *signed_thumbprint, struct s2s_jwk **wek)
{
    const struct json_object *data = s2s_json_get(ex->body, "walletEncryptionKey");
    struct s2s_result r = s2s_keydata_key(data, S2S_WALLET_ENCRYPTION_KEY, wek);
    if (s2s_failed(r))
        return gw_exchange_failed(ex, r, "/walletEncryptionKey/client_public_key");
    s2s_arena_defer(ex->arena, gw_release_jwk, *wek);
    if (!ex->peer->config->wek_binding_required)
        return GW_STEP_CHECK;
    struct s2s_wsk_context ctx = gw_issuer_wsk_context(ex, NULL);
    r = s2s_wsk_check_wek(ex->arena, &ctx, data, *wek, signed_thumbprint);
    return s2s_failed(r) ? gw_exchange_failed(ex, r, "/walletEncryptionKey/attestation") : GW_STEP_CHECK;
}

/* ---- load ---- */

/* Members that the endpoint's schema does not know are not looked at, whatever they are called. */
static enum gw_step load(struct gw_exchange *ex, const char *instance_id, const char *transaction_id)
{
    struct gw_issuer_state *state = gw_issuer_state(ex);
    struct gw_db_call *call = &ex->call;
    gw_db_call_init(call, &gw_statements[GW_SQL_LOAD]);
    call->order_key = state->session_id;
    gw_db_text(call, ex->peer->config->name);
    gw_db_text(call, state->session_id);
    gw_db_text(call, instance_id);
    gw_db_text(call, transaction_id);
    return GW_STEP_LOAD;
}

/* The session's WSK if this worker has seen it before; or NULL. */
static struct s2s_jwk *known_wsk(struct gw_exchange *ex)
{
    struct s2s_jwk *wsk =
        gw_sessions_find(ex->worker->sessions, gw_issuer_state(ex)->session_id, ex->peer->config->name);
    if (wsk != NULL)
        s2s_arena_defer(ex->arena, gw_release_jwk, s2s_jwk_share(wsk));
    return wsk;
}

enum gw_step gw_issuer_load_session(struct gw_exchange *ex)
{
    struct gw_issuer_state *state = gw_issuer_state(ex);
    state->wsk = known_wsk(ex);
    return state->wsk != NULL ? GW_STEP_CHECK : load(ex, NULL, NULL);
}

enum gw_step gw_issuer_load_instance(struct gw_exchange *ex)
{
    return load(ex, gw_issuer_state(ex)->instance_id, NULL);
}

enum gw_step gw_issuer_load_fetch(struct gw_exchange *ex)
{
    return load(ex, gw_issuer_state(ex)->instance_id, gw_body_string(ex, "transaction_id"));
}

static const char *keep(struct gw_exchange *ex, const char *text)
{
    char *copy = text != NULL ? s2s_arena_strndup(ex->arena, text, strlen(text)) : NULL;
    s2s_assert(text == NULL || copy != NULL);
    return copy;
}

static struct s2s_bytes keep_bytes(struct gw_exchange *ex, const char *hex)
{
    struct s2s_bytes bytes = {NULL, 0};
    if (hex != NULL)
        s2s_assert(gw_db_read_bytes(ex->arena, hex, &bytes));
    return bytes;
}

/* The WSK as it was stored: our own text, so a failure is a bug or a damaged database. */
static struct s2s_jwk *read_wsk(struct gw_exchange *ex, const char *text)
{
    struct json_object *json;
    struct s2s_jwk *wsk = NULL;
    if (s2s_failed(s2s_json_parse(ex->arena, text, strlen(text), 8, &json)) ||
        s2s_failed(s2s_jwk_parse_public(json, &wsk)))
        return NULL;
    s2s_arena_defer(ex->arena, gw_release_jwk, wsk);
    gw_sessions_put(ex->worker->sessions, gw_issuer_state(ex)->session_id, ex->peer->config->name, wsk);
    return wsk;
}

enum gw_step gw_issuer_loaded(struct gw_exchange *ex, const PGresult *row)
{
    enum {
        FOUND,
        WSK,
        CONFIGURATION,
        SUBJECT,
        VERIFICATION,
        STATUS,
        VERSION,
        READY_AT,
        TRANSACTION,
        KEYS,
        KEYS_DIGEST,
        SUBJECT_SEALED,
        CREDENTIAL_VERSION,
        PUSHED_VERSION,
        PUSHED_SEALED,
        PUSHED_VALID_UNTIL
    };
    struct gw_issuer_state *state = gw_issuer_state(ex);
    if (!gw_db_true(row, 0, FOUND))
        return gw_exchange_refuse(ex, S2S_PROBLEM_NOT_FOUND, "No such session, verification or credential instance.");
    state->wsk = known_wsk(ex); /* sessions never change */
    if (state->wsk == NULL)
        state->wsk = read_wsk(ex, PQgetvalue(row, 0, WSK));
    if (state->wsk == NULL)
        return gw_exchange_fail_internal(ex, "the WSK of the session cannot be read");
    state->configuration_id = keep(ex, gw_db_column(row, 0, CONFIGURATION));
    state->verification_id = keep(ex, gw_db_column(row, 0, VERIFICATION));
    state->subject_ref = keep(ex, gw_db_column(row, 0, SUBJECT));
    state->status = keep(ex, gw_db_column(row, 0, STATUS));
    state->version = keep(ex, gw_db_column(row, 0, VERSION));
    const char *ready_at = gw_db_column(row, 0, READY_AT);
    state->has_ready_at = ready_at != NULL;
    state->ready_at_ms = ready_at != NULL ? strtoll(ready_at, NULL, 10) : 0;
    state->transaction_found = gw_db_true(row, 0, TRANSACTION);
    state->keys = keep(ex, gw_db_column(row, 0, KEYS));
    state->keys_digest = keep_bytes(ex, gw_db_column(row, 0, KEYS_DIGEST));
    const char *valid_until = gw_db_column(row, 0, PUSHED_VALID_UNTIL);
    state->instance = (struct gw_claims_instance){
        .session_id = state->session_id,
        .verification_id = state->verification_id,
        .instance_id = state->instance_id,
        .subject_ref = state->subject_ref,
        .subject_sealed = keep_bytes(ex, gw_db_column(row, 0, SUBJECT_SEALED)),
        .credential_version = keep(ex, gw_db_column(row, 0, CREDENTIAL_VERSION)),
        .pushed_version = keep(ex, gw_db_column(row, 0, PUSHED_VERSION)),
        .pushed_sealed = keep_bytes(ex, gw_db_column(row, 0, PUSHED_SEALED)),
        .pushed_valid_until_ms = valid_until != NULL ? strtoll(valid_until, NULL, 10) : 0,
    };
    return GW_STEP_CHECK;
}

/* ---- claims ---- */

static void on_claims(struct gw_backend_ask *ask, const struct gw_backend_answer *answer)
{
    struct gw_issuer_state *state = H2O_STRUCT_FROM_MEMBER(struct gw_issuer_state, ask, ask);
    struct gw_exchange *ex = state->exchange;
    struct gw_claims claims;
    gw_claims_read(ask, answer, ex->now, &claims);
    if (claims.end == GW_CLAIMS_FOUND)
        state->found = claims; /* for when the instance has changed meanwhile, and all begins again */
    gw_exchange_resume(ex, state->then(ex, &claims));
}

static void cancel_claims(struct gw_exchange *ex)
{
    gw_backend_cancel(&gw_issuer_state(ex)->ask);
}

enum gw_step gw_issuer_find_claims(struct gw_exchange *ex, const struct gw_offering *offering, gw_claims_cb then)
{
    struct gw_issuer_state *state = gw_issuer_state(ex);
    struct gw_claims claims = {.end = GW_CLAIMS_FAILED};
    state->instance.offering = offering;
    if (gw_claims_at_hand(ex->generation, ex->arena, &state->instance, ex->now, &claims))
        return then(ex, &claims);
    if (state->found.claims != NULL)
        return then(ex, &state->found);
    if (!gw_claims_question(ex->generation, ex->arena, &state->instance, &state->ask))
        return then(ex, &claims);
    state->exchange = ex;
    state->then = then;
    state->ask.worker = ex->worker;
    state->ask.id = ex->token;
    state->ask.deadline_us = gw_exchange_deadline_us(ex);
    state->ask.done = on_claims;
    ex->cancel = cancel_claims;
    gw_backend_ask(&state->ask);
    return GW_STEP_CALL;
}

/* ---- the role ---- */

static const struct gw_endpoint endpoints[] = {
    {.message = &s2s_endpoints[S2S_INITIATE],
     .examine = gw_issuer_examine_initiate,
     .check = gw_issuer_initiate,
     .committed = gw_issuer_initiated},
    {.message = &s2s_endpoints[S2S_SUPPLEMENT],
     .examine = gw_issuer_examine_supplement,
     .load = gw_issuer_load_session,
     .loaded = gw_issuer_loaded,
     .check = gw_issuer_supplement},
    {.message = &s2s_endpoints[S2S_VERIFICATION_STATUS], .check = gw_issuer_verification_status},
    {.message = &s2s_endpoints[S2S_CANCEL], .check = gw_issuer_cancel},
    {.message = &s2s_endpoints[S2S_PROVISION], .check = gw_issuer_provision},
    {.message = &s2s_endpoints[S2S_GET],
     .load = gw_issuer_load_fetch,
     .loaded = gw_issuer_loaded,
     .check = gw_issuer_get},
    {.message = &s2s_endpoints[S2S_METADATA],
     .load = gw_issuer_load_instance,
     .loaded = gw_issuer_loaded,
     .check = gw_issuer_metadata},
    {.message = &s2s_endpoints[S2S_CREDENTIAL_STATUS],
     .load = gw_issuer_load_instance,
     .loaded = gw_issuer_loaded,
     .check = gw_issuer_credential_status},
    {.message = &s2s_endpoints[S2S_MANAGE], .check = gw_issuer_manage},
    {.message = &s2s_endpoints[S2S_EVENT_NOTIFY], .check = gw_issuer_event},
};

static bool answer_document(struct gw_worker *worker, h2o_req_t *req)
{
    return gw_wellknown_answer(worker->generation, req) || gw_offer_document_answer(worker, req);
}

const struct gw_role gw_issuer_role = {
    .side = GW_ROLE_ISSUER,
    .listener = GW_LISTEN_S2S,
    .endpoints = endpoints,
    .count = sizeof(endpoints) / sizeof(endpoints[0]),
    .document = answer_document,
    .jobs = &gw_issuer_jobs,
};
