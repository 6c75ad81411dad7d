/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/wallet/app.h"

#include "gateway/wallet/app_messages.h"

#include <openssl/crypto.h>

/* Compares with every token, so that the time says nothing. */
static bool authenticate(const struct gw_generation *generation, const uint8_t sha256[32], struct gw_api_caller *caller)
{
    const struct gw_wallet_config *wallet = &generation->config->wallet;
    caller->name = NULL;
    for (size_t i = 0; i < wallet->app_token_count; ++i) {
        const struct gw_app_token_config *token = &wallet->app_tokens[i];
        if (CRYPTO_memcmp(token->sha256, sha256, sizeof(token->sha256)) == 0)
            caller->name = token->name;
    }
    return caller->name != NULL;
}

/* ---- what can be waited for ---- */

static const char *const issuance_in_progress[] = {"STARTING", "PENDING", NULL};
static const char *const fetch_in_progress[] = {"WAITING", NULL};

static const struct gw_api_wait issuance_wait = {
    .statement = GW_SQL_APP_ISSUANCE,
    .id = "sessionId",
    .unsettled = issuance_in_progress,
};

static const struct gw_api_wait fetch_wait = {
    .statement = GW_SQL_APP_FETCH,
    .id = "fetchId",
    .unsettled = fetch_in_progress,
};

/* Most credentials are ready at once: one call is enough for them. */
static const struct gw_api_wait fetch_start_wait = {
    .statement = GW_SQL_APP_FETCH,
    .id = "fetchId",
    .unsettled = fetch_in_progress,
    .default_s = 10,
};

/* ---- routes ---- */

static const struct gw_api_route routes[] = {
    {
        .name = "app_session",
        .method = "POST",
        .path = "/v1/sessions",
        .doc = "Makes a session id for the wallet client to sign.",
        .body = &gw_app_session_request,
        .statement = GW_SQL_APP_SESSION,
        .writes = true,
        .successes = {{201, &gw_app_session, "A new session id."}},
    },
    {
        .name = "app_issuance_start",
        .method = "POST",
        .path = "/v1/issuances",
        .doc = "Starts an issuance: the issuer is asked to verify the wallet client instance.",
        .body = &gw_app_start_request,
        .statement = GW_SQL_APP_ISSUANCE_START,
        .writes = true,
        .prepare = gw_app_prepare_start,
        .wait = &issuance_wait,
        .successes = {{202, &gw_app_issuance, "It is under way."},
                      {200, &gw_app_issuance, "It has settled, or had been started before with the same content."}},
        .conflict = "The session was started before, with other content or another issuer.",
    },
    {
        .name = "app_issuances",
        .method = "GET",
        .path = "/v1/issuances",
        .doc = "Lists issuances, newest first.",
        .parameters = &gw_app_issuances_query,
        .statement = GW_SQL_APP_ISSUANCES,
        .prepare = gw_app_prepare_issuer,
        .successes = {{200, &gw_app_issuances, "A page of them."}},
    },
    {
        .name = "app_issuance",
        .method = "GET",
        .path = "/v1/issuances/{sessionId}",
        .doc = "Shows an issuance.",
        .parameters = &gw_app_session_path,
        .statement = GW_SQL_APP_ISSUANCE,
        .wait = &issuance_wait,
        .successes = {{200, &gw_app_issuance, "As it is now."}},
    },
    {
        .name = "app_supplement",
        .method = "POST",
        .path = "/v1/issuances/{sessionId}/supplements",
        .doc = "Adds verification data.",
        .parameters = &gw_app_session_path,
        .body = &gw_app_supplement_request,
        .statement = GW_SQL_APP_SUPPLEMENT,
        .writes = true,
        .prepare = gw_app_prepare_supplement,
        .successes = {{202, &gw_app_issuance, "It will be sent to the issuer."}},
        .conflict = "The issuance is over.",
    },
    {
        .name = "app_cancel",
        .method = "POST",
        .path = "/v1/issuances/{sessionId}/cancel",
        .doc = "Asks the issuer to cancel. The status changes when the issuer says so.",
        .parameters = &gw_app_session_path,
        .body = &gw_app_cancel_request,
        .statement = GW_SQL_APP_CANCEL,
        .writes = true,
        .successes = {{202, &gw_app_issuance, "The issuer will be asked; or it had been cancelled before."}},
        .conflict = "The issuance is over.",
    },
    {
        .name = "app_instances",
        .method = "GET",
        .path = "/v1/instances",
        .doc = "Lists credential instances, newest first.",
        .parameters = &gw_app_instances_query,
        .statement = GW_SQL_APP_INSTANCES,
        .successes = {{200, &gw_app_instances, "A page of them."}},
    },
    {
        .name = "app_instance",
        .method = "GET",
        .path = "/v1/instances/{credentialInstanceId}",
        .doc = "Shows a credential instance.",
        .parameters = &gw_app_instance_path,
        .statement = GW_SQL_APP_INSTANCE,
        .successes = {{200, &gw_app_instance, "As it is now."}},
    },
    {
        .name = "app_fetch_start",
        .method = "POST",
        .path = "/v1/instances/{credentialInstanceId}/fetches",
        .doc = "Fetches the credentials of an instance from the issuer. The answer waits up to 10 seconds for them, "
               "unless the Prefer header says otherwise.",
        .parameters = &gw_app_instance_path,
        .body = &gw_app_fetch_request,
        .statement = GW_SQL_APP_FETCH_START,
        .writes = true,
        .prepare = gw_app_prepare_fetch,
        .wait = &fetch_start_wait,
        .successes = {{200, &gw_app_fetch, "The issuer has answered: READY or FAILED."},
                      {202, &gw_app_fetch,
                       "WAITING: the issuer has not answered yet. What waits for the same is not "
                       "doubled."}},
        .conflict = "The instance is unlinked or cancelled.",
    },
    {
        .name = "app_fetch",
        .method = "GET",
        .path = "/v1/fetches/{fetchId}",
        .doc = "Shows a fetch, with the credentials when they are there.",
        .parameters = &gw_app_fetch_path,
        .statement = GW_SQL_APP_FETCH,
        .wait = &fetch_wait,
        .successes = {{200, &gw_app_fetch, "READY or FAILED."}, {202, &gw_app_fetch, "WAITING."}},
    },
    {
        .name = "app_metadata",
        .method = "POST",
        .path = "/v1/instances/{credentialInstanceId}/metadata",
        .doc = "Asks the issuer for the metadata of an instance, and passes its answer on.",
        .parameters = &gw_app_instance_path,
        .body = &gw_app_metadata_request,
        .statement = GW_SQL_APP_INSTANCE_ROUTE,
        .prepare = gw_app_prepare_metadata,
        .answered = gw_app_ask_metadata,
        .calls_out = true,
        .successes = {{200, &s2s_metadata_response, "What the issuer says."}},
    },
    {
        .name = "app_action",
        .method = "POST",
        .path = "/v1/instances/{credentialInstanceId}/actions",
        .doc = "Suspends, resumes or unlinks a credential instance. It is so at once; the issuer is told of it.",
        .parameters = &gw_app_instance_path,
        .body = &gw_app_action_request,
        .statement = GW_SQL_APP_ACTION,
        .writes = true,
        .successes = {{200, &gw_app_action, "What became of it, and the instance."}},
    },
    {
        .name = "app_event",
        .method = "POST",
        .path = "/v1/instances/{credentialInstanceId}/events",
        .doc = "Tells the issuer of an event. PROVISIONING_SUCCESS makes the instance ACTIVE.",
        .parameters = &gw_app_instance_path,
        .body = &gw_app_event_request,
        .statement = GW_SQL_APP_EVENT,
        .writes = true,
        .prepare = gw_app_prepare_event,
        .successes = {{202, &gw_app_event, "The issuer will be told."}},
    },
    {
        .name = "app_lifecycle",
        .method = "POST",
        .path = "/v1/lifecycle/{lifecycleId}",
        .doc = "Tells what became of what an issuer asked for (webhook lifecycle.requested).",
        .parameters = &gw_app_lifecycle_path,
        .body = &gw_app_lifecycle_request,
        .statement = GW_SQL_APP_LIFECYCLE,
        .writes = true,
        .successes = {{200, &gw_app_instance, "The instance after it."}},
        .conflict = "It ended before, with another outcome.",
    },
    {
        .name = "app_issuers",
        .method = "GET",
        .path = "/v1/issuers",
        .doc = "Lists the issuers that this gateway knows.",
        .statement = GW_SQL_APP_ISSUERS,
        .successes = {{200, &gw_app_issuers, "All of them."}},
    },
    {
        .name = "app_issuer",
        .method = "GET",
        .path = "/v1/issuers/{issuer}",
        .doc = "Shows what an issuer publishes: the keys that wallet clients encrypt to, and its whole metadata.",
        .parameters = &gw_app_issuer_path,
        .statement = GW_SQL_APP_ISSUER,
        .prepare = gw_app_prepare_issuer,
        .successes = {{200, &gw_app_issuer, "The issuer."}},
    },
    {
        .name = "app_reconcile",
        .method = "POST",
        .path = "/v1/reconciliations",
        .doc = "Starts to compare what this side and the issuers say of credential instances.",
        .body = &gw_app_reconcile_request,
        .statement = GW_SQL_APP_RECONCILE,
        .writes = true,
        .prepare = gw_app_prepare_reconcile,
        .successes = {{202, &gw_app_reconciliation, "It is under way."}},
        .body_names = true,
    },
    {
        .name = "app_reconciliation",
        .method = "GET",
        .path = "/v1/reconciliations/{reconciliationId}",
        .doc = "Shows a run of reconciliation and what it found.",
        .parameters = &gw_app_reconciliation_path,
        .statement = GW_SQL_APP_RECONCILIATION,
        .successes = {{200, &gw_app_reconciliation, "As it is now."}},
    },
};

const struct gw_api gw_app_api = {
    .name = "app",
    .routes = routes,
    .count = sizeof(routes) / sizeof(routes[0]),
    .authenticate = authenticate,
};
