/* SPDX-License-Identifier: Apache-2.0
 *
 * What issuers tell and ask a wallet server (profile sections 4 and 5): /verification/notify, /credential/status and
 * manage, /event/notify. Every one of them is decided in SQL (sql/functions/wallet_endpoints.sql): whose session and
 * instance it is, and whether it is news.
 */
#include "gateway/wallet/wallet.h"

#include "gateway/jobs/deliver.h"
#include "gateway/jobs/reconcile.h"
#include "gateway/wallet/metadata.h"
#include "gateway/worker.h"
#include "proto/states.h"

/* ---- endpoints ---- */

static const char *body_string(const struct gw_exchange *ex, const char *name)
{
    return s2s_json_string(ex->body, name);
}

static const char *json_text(struct gw_exchange *ex, struct json_object *json)
{
    char *text = s2s_json_write(ex->arena, json, NULL);
    s2s_assert(text != NULL); /* it is no larger than the body that it came in */
    return text;
}

/* Begin the call of an endpoint's function: the exchange, then the session. */
static void begin_call(struct gw_exchange *ex, enum gw_statement_id statement)
{
    const char *session_id = body_string(ex, "sessionId");
    gw_exchange_call(ex, statement, session_id);
    gw_db_text(&ex->call, session_id);
}

static enum gw_step examine_verification_notify(struct gw_exchange *ex)
{
    s2s_verification_status_check(ex->arena, ex->body, &ex->violations);
    return GW_STEP_CHECK;
}

static enum gw_step check_verification_notify(struct gw_exchange *ex)
{
    struct json_object *known = s2s_json_own(ex->arena, s2s_schema_known(&s2s_verification_status_response, ex->body));
    begin_call(ex, GW_SQL_WALLET_VERIFICATION_NOTIFY);
    gw_db_text(&ex->call, body_string(ex, "verificationId"));
    gw_db_text(&ex->call, body_string(ex, "status"));
    gw_db_text(&ex->call, json_text(ex, known));
    return GW_STEP_COMMIT;
}

static enum gw_step check_credential_status(struct gw_exchange *ex)
{
    begin_call(ex, GW_SQL_WALLET_CREDENTIAL_STATUS);
    gw_db_text(&ex->call, body_string(ex, "credentialInstanceId"));
    return GW_STEP_COMMIT;
}

static enum gw_step check_manage(struct gw_exchange *ex)
{
    begin_call(ex, GW_SQL_WALLET_MANAGE);
    gw_db_text(&ex->call, body_string(ex, "credentialInstanceId"));
    gw_db_text(&ex->call, body_string(ex, "action"));
    gw_db_text(&ex->call, body_string(ex, "reason"));
    gw_db_text(&ex->call, ex->generation->config->wallet.lifecycle_backend ? "t" : "f");
    return GW_STEP_COMMIT;
}

/* D14: what nobody has defined is not acknowledged; what only a wallet tells is a fault of the caller. */
static enum gw_step check_event(struct gw_exchange *ex)
{
    const char *type = body_string(ex, "eventType");
    enum s2s_event_origin origin = s2s_event_origin(type);
    if (origin == S2S_EVENT_FROM_WALLET)
        return gw_exchange_violation(ex, "/eventType", "is an event that only a wallet sends");
    struct json_object *details = s2s_json_get(ex->body, "eventDetails");
    begin_call(ex, GW_SQL_WALLET_EVENT);
    gw_db_text(&ex->call, body_string(ex, "credentialInstanceId"));
    gw_db_text(&ex->call, type);
    gw_db_text(&ex->call, details != NULL ? json_text(ex, details) : NULL);
    gw_db_text(&ex->call, origin == S2S_EVENT_FROM_ISSUER ? "t" : "f");
    return GW_STEP_COMMIT;
}

/* ---- jobs ---- */

static void prepare_reconcile(struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    gw_reconcile_prepare(worker, call, arena, "WALLET");
}

static void prepare_maintain(struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    const struct gw_wallet_config *wallet = &worker->generation->config->wallet;
    gw_db_interval_ms(call, arena, wallet->fetch_retention_ms);
    gw_deliver_poll_parameters(call, arena, &wallet->poll);
}

static const struct gw_job_kind kinds[] = {
    {.name = "metadata", .claim = GW_SQL_METADATA_CLAIM, .run = gw_metadata_run},
};

static const struct gw_chore chores[] = {
    {"issuers", GW_SQL_METADATA_SET, 10 * 1000, gw_metadata_prepare_issuers},
    {"wallet_maintain", GW_SQL_WALLET_MAINTAIN, 1000, prepare_maintain},
    GW_RECONCILE_CHORE(prepare_reconcile),
};

static const struct gw_job_plan gw_wallet_jobs = {kinds, sizeof(kinds) / sizeof(kinds[0]), chores,
                                                  sizeof(chores) / sizeof(chores[0])};

/* ---- the role ---- */

static const struct gw_endpoint endpoints[] = {
    {.message = &s2s_endpoints[S2S_VERIFICATION_NOTIFY],
     .examine = examine_verification_notify,
     .check = check_verification_notify},
    {.message = &s2s_endpoints[S2S_CREDENTIAL_STATUS], .check = check_credential_status},
    {.message = &s2s_endpoints[S2S_MANAGE], .check = check_manage},
    {.message = &s2s_endpoints[S2S_EVENT_NOTIFY], .check = check_event},
};

const struct gw_role gw_wallet_role = {
    .side = GW_ROLE_WALLET,
    .listener = GW_LISTEN_WALLET,
    .endpoints = endpoints,
    .count = sizeof(endpoints) / sizeof(endpoints[0]),
    .jobs = &gw_wallet_jobs,
};
