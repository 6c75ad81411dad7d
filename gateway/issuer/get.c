/* SPDX-License-Identifier: Apache-2.0
 *
 * /credential/get (profile section 5, D9 and D10; draft "Get Credential"): the one endpoint whose answer is made
 * outside of the database. It is committed only if the instance is still what it was when it was loaded; otherwise all
 * of this runs again.
 */
#include "gateway/clock.h"
#include "gateway/credential/jsontext.h"
#include "gateway/credential/sdjwt.h"
#include "gateway/issuer/endpoints.h"
#include "gateway/log.h"
#include "proto/crypto.h"

#include <stdlib.h>
#include <string.h>

/* About what an answer has beside credentials and metadata, in octets. */
#define ANSWER_FRAME 256

/* The request, read and proven. */
struct fetch {
    const struct gw_offering *offering;
    struct s2s_jwk **keys; /* presentment keys; none for a credential without key binding */
    size_t key_count;
    uint8_t keys_digest[32];
    const char *signed_wek;     /* thumbprint that the WSK has signed for this fetch, or NULL */
    const char *transaction_id; /* to be spent, or NULL */
    struct s2s_jwk *wek;
};

static bool status_permits_get(const char *status)
{
    return strcmp(status, "ACTIVE") == 0 || strcmp(status, "IN_PROCESS") == 0;
}

/* ---- presentment keys ---- */

/* The keys are named by their thumbprints, in order: the same request made again is the same fetch. */
static void digest_keys(struct gw_exchange *ex, struct fetch *fetch)
{
    const size_t size = S2S_THUMBPRINT_SIZE;
    uint8_t *names = s2s_arena_alloc(ex->arena, fetch->key_count * size);
    s2s_assert(names != NULL);
    for (size_t i = 0; i < fetch->key_count; ++i)
        memcpy(names + i * size, s2s_jwk_thumbprint(fetch->keys[i]), size);
    s2s_assert(!s2s_failed(s2s_hash(S2S_SHA256, s2s_bytes(names, fetch->key_count * size), fetch->keys_digest)));
}

/* `at` as s2s_wsk_presentment_keys says it. */
static const char *pointer_to_key(struct gw_exchange *ex, const char *payload, size_t at)
{
    const char *pointer = at == SIZE_MAX ? s2s_arena_printf(ex->arena, "%s/presentmentKeys", payload)
                                         : s2s_arena_printf(ex->arena, "%s/presentmentKeys/%zu", payload, at);
    s2s_assert(pointer != NULL);
    return pointer;
}

static enum gw_step keys_from_payload(struct gw_exchange *ex, struct json_object *payload, struct fetch *fetch)
{
    static const char where[] = "/clientEncryptedData";
    struct s2s_wsk_context ctx = gw_issuer_wsk_context(ex, gw_issuer_state(ex)->verification_id);
    struct json_object *claims;
    struct s2s_result r = s2s_wsk_open_payload(ex->arena, &ctx, payload, &claims);
    if (s2s_failed(r))
        return gw_exchange_failed(ex, r, where);
    if (!gw_issuer_check_nested(ex, &s2s_client_encrypted_data, claims, where))
        return GW_STEP_REFUSE;
    fetch->signed_wek = s2s_json_string(claims, "walletEncryptionKeyThumbprint");
    size_t count;
    r = s2s_wsk_presentment_keys(ex->arena, &ctx, claims, fetch->offering->config->max_keys, &fetch->keys, &count);
    if (s2s_failed(r))
        return gw_exchange_failed(ex, r, pointer_to_key(ex, where, count));
    fetch->key_count = count;
    return GW_STEP_CHECK;
}

/* The public keys that the transaction's first call has proven (D9). Our own text: failures are ours. */
static enum gw_step keys_from_transaction(struct gw_exchange *ex, struct fetch *fetch)
{
    const struct gw_issuer_state *state = gw_issuer_state(ex);
    struct json_object *list;
    if (s2s_failed(s2s_json_parse(ex->arena, state->keys, strlen(state->keys), 8, &list)))
        return gw_exchange_fail_internal(ex, "the keys of the transaction cannot be read");
    size_t count = json_object_array_length(list);
    fetch->keys = s2s_arena_alloc(ex->arena, (count + 1) * sizeof(*fetch->keys));
    s2s_assert(fetch->keys != NULL);
    for (size_t i = 0; i < count; ++i) {
        if (s2s_failed(s2s_jwk_parse_public(json_object_array_get_idx(list, i), &fetch->keys[i])))
            return gw_exchange_fail_internal(ex, "the keys of the transaction cannot be read");
        s2s_arena_defer(ex->arena, gw_release_jwk, fetch->keys[i]);
    }
    fetch->key_count = count;
    return GW_STEP_CHECK;
}

static enum gw_step take_keys(struct gw_exchange *ex, struct fetch *fetch)
{
    const struct gw_issuer_state *state = gw_issuer_state(ex);
    struct json_object *payload = s2s_json_get(ex->body, "clientEncryptedData");
    const char *transaction_id = gw_body_string(ex, "transaction_id");
    enum gw_step step = GW_STEP_CHECK;
    if (transaction_id != NULL && !state->transaction_found)
        return gw_exchange_refuse(ex, S2S_PROBLEM_NOT_FOUND, "No such session, verification or credential instance.");
    fetch->transaction_id = transaction_id;
    if (payload != NULL)
        step = keys_from_payload(ex, payload, fetch);
    else if (transaction_id != NULL)
        step = keys_from_transaction(ex, fetch);
    else if (fetch->offering->config->key_binding)
        return gw_exchange_violation(ex, "/clientEncryptedData", "is required: this credential is bound to keys");
    digest_keys(ex, fetch);
    return step;
}

/* ---- answers ---- */

/* D10: a JSON array of { "credential" }, one for each presentment key. */
static struct s2s_result make_credentials(struct gw_exchange *ex, struct s2s_arena *arena, const struct fetch *fetch,
                                          const struct gw_claims *claims, struct s2s_bytes *plain)
{
    const struct gw_sdjwt_input input = {
        .config = fetch->offering->config,
        .signer = fetch->offering->signer,
        .issuer = ex->generation->config->issuer.identifier,
        .claims = claims->claims,
        .now = ex->now,
        .valid_until = claims->valid_until,
    };
    struct gw_text text = gw_text(arena);
    struct gw_sdjwt_batch *batch;
    size_t count = fetch->key_count > 0 ? fetch->key_count : 1;
    S2S_TRY(gw_sdjwt_begin(arena, &input, count, &batch));
    for (size_t i = 0; i < count; ++i) {
        gw_text_add_string(&text, i == 0 ? "[{\"credential\":\"" : ",{\"credential\":\"");
        S2S_TRY(gw_sdjwt_add(batch, fetch->key_count > 0 ? fetch->keys[i] : NULL, &text));
        gw_text_add_string(&text, "\"}");
        if (i == 0)
            gw_text_reserve(&text, (count - 1) * text.len + 1); /* the others will be as long */
    }
    gw_text_add_string(&text, "]");
    *plain = s2s_bytes(text.data, text.len);
    return text.failed ? s2s_fail(S2S_LIMIT, "the credentials are too large") : s2s_ok();
}

static struct s2s_result seal_credentials(struct gw_exchange *ex, struct s2s_arena *arena, const struct fetch *fetch,
                                          const struct gw_claims *claims, struct s2s_bytes *jwe)
{
    static const struct s2s_jwe_options options = {.form = S2S_JWE_FLATTENED};
    struct s2s_bytes plain;
    S2S_TRY(make_credentials(ex, arena, fetch, claims, &plain));
    return s2s_jwe_seal_text(arena, fetch->wek, &options, plain, jwe);
}

static struct s2s_result write_answer(struct gw_exchange *ex, const struct fetch *fetch, const char *version,
                                      struct s2s_bytes jwe, const char **body)
{
    const char *metadata = fetch->offering->metadata;
    const char *known = gw_body_string(ex, "currentCredentialMetadataVersion");
    bool current = known != NULL && strcmp(known, fetch->offering->metadata_version) == 0;
    struct gw_text text = gw_text(ex->arena);
    gw_text_reserve(&text, ANSWER_FRAME + jwe.len + (current ? 0 : strlen(metadata)));
    gw_text_add_string(&text, "{\"credentialVersion\":");
    gw_text_add_json_string(&text, version);
    gw_text_add_string(&text, ",\"credentials\":");
    gw_text_add(&text, (const char *)jwe.data, jwe.len);
    if (!current) {
        gw_text_add_string(&text, ",\"credentialMetadata\":");
        gw_text_add_string(&text, metadata);
    }
    gw_text_add_string(&text, "}");
    *body = text.data;
    return text.failed ? s2s_fail(S2S_LIMIT, "the answer is too large") : s2s_ok();
}

/* Of all that is made here, only the answer waits for its commit. */
static struct s2s_result make_answer(struct gw_exchange *ex, const struct fetch *fetch, const struct gw_claims *claims,
                                     const char **body)
{
    struct s2s_bytes jwe;
    struct s2s_arena *scratch = s2s_arena_scratch(ex->arena);
    struct s2s_result r = seal_credentials(ex, scratch, fetch, claims, &jwe);
    if (!s2s_failed(r))
        r = write_answer(ex, fetch, claims->version, jwe, body);
    s2s_arena_free(scratch);
    return r;
}

/* Nothing that the wallet has done: its operator cannot help it, ours can, who has been told. */
static enum gw_step refuse_for_now(struct gw_exchange *ex)
{
    return gw_exchange_refuse(ex, S2S_PROBLEM_UNAVAILABLE, "The credential cannot be made right now.");
}

static enum gw_step answer_ready(struct gw_exchange *ex, const struct fetch *fetch, const struct gw_claims *claims)
{
    const struct gw_issuer_state *state = gw_issuer_state(ex);
    const char *body;
    struct s2s_result r = make_answer(ex, fetch, claims, &body);
    if (s2s_failed(r)) {
        gw_log(GW_LOG_ERROR, "issuing_failed", GW_S("configuration", fetch->offering->config->id),
               GW_S("problem", ex->token), GW_S("reason", r.detail));
        return refuse_for_now(ex);
    }
    gw_exchange_call(ex, GW_SQL_GET, state->session_id);
    gw_db_text(&ex->call, state->session_id);
    gw_db_text(&ex->call, state->instance_id);
    gw_db_text(&ex->call, state->version);
    gw_db_text(&ex->call, claims->version);
    gw_db_text(&ex->call, fetch->transaction_id);
    gw_db_integer(&ex->call, ex->arena, 200);
    gw_db_text(&ex->call, body);
    gw_db_bytes(&ex->call, fetch->keys_digest, sizeof(fetch->keys_digest));
    return GW_STEP_COMMIT;
}

/* `backend` (may be NULL) has said that it does not have the claims yet; it is asked again by a job. */
static enum gw_step answer_pending(struct gw_exchange *ex, const struct fetch *fetch, const char *backend)
{
    const struct gw_issuer_state *state = gw_issuer_state(ex);
    const struct gw_credential_config *config = fetch->offering->config;
    if (backend != NULL)
        ex->retry_after_s = config->dataset_retry_s;
    struct json_object *keys = s2s_json_own(ex->arena, json_object_new_array());
    for (size_t i = 0; i < fetch->key_count; ++i)
        json_object_array_add(keys, s2s_jwk_public_json(fetch->keys[i]));
    gw_exchange_call(ex, GW_SQL_GET_PENDING, state->session_id);
    gw_db_text(&ex->call, state->session_id);
    gw_db_text(&ex->call, state->instance_id);
    gw_db_text(&ex->call, state->version);
    gw_db_text(&ex->call, s2s_json_write(ex->arena, keys, NULL));
    gw_db_bytes(&ex->call, fetch->keys_digest, sizeof(fetch->keys_digest));
    gw_db_interval_ms(&ex->call, ex->arena, config->ready_after_ms);
    gw_db_integer(&ex->call, ex->arena, ex->retry_after_s);
    gw_db_text(&ex->call, fetch->transaction_id);
    gw_db_text(&ex->call, backend);
    gw_db_interval_ms(&ex->call, ex->arena, config->dataset_retry_s * 1000);
    gw_db_integer(&ex->call, ex->arena, ex->generation->config->limits.max_waiting_gets);
    return GW_STEP_COMMIT;
}

static enum gw_step on_claims(struct gw_exchange *ex, const struct gw_claims *claims)
{
    const struct fetch *fetch = gw_issuer_state(ex)->request;
    switch (claims->end) {
    case GW_CLAIMS_FOUND:
        return answer_ready(ex, fetch, claims);
    case GW_CLAIMS_NOT_YET:
        return answer_pending(ex, fetch, fetch->offering->config->dataset_backend);
    case GW_CLAIMS_FAILED:
        break;
    }
    return refuse_for_now(ex);
}

/* Ready at once, or some time after the first get. */
static bool is_ready(const struct gw_issuer_state *state, const struct fetch *fetch)
{
    if (fetch->offering->config->ready_after_ms == 0)
        return true;
    return state->has_ready_at && state->ready_at_ms <= gw_now_ms();
}

enum gw_step gw_issuer_get(struct gw_exchange *ex)
{
    struct gw_issuer_state *state = gw_issuer_state(ex);
    struct fetch *fetch = s2s_arena_alloc(ex->arena, sizeof(*fetch));
    s2s_assert(fetch != NULL);
    state->request = fetch;
    fetch->offering = gw_generation_offering(ex->generation, state->configuration_id);
    if (fetch->offering == NULL)
        return gw_exchange_refuse(ex, S2S_PROBLEM_UNAVAILABLE,
                                  "This credential configuration is not served right now.");
    if (!status_permits_get(state->status)) {
        ex->problem.current_status = state->status;
        return gw_exchange_refuse(ex, S2S_PROBLEM_WRONG_STATE, "The current state does not allow this call.");
    }
    enum gw_step step = take_keys(ex, fetch);
    if (step == GW_STEP_CHECK)
        step = gw_issuer_take_wek(ex, fetch->signed_wek, &fetch->wek);
    if (step != GW_STEP_CHECK)
        return step;
    return is_ready(state, fetch) ? gw_issuer_find_claims(ex, fetch->offering, on_claims)
                                  : answer_pending(ex, fetch, NULL);
}
