/* SPDX-License-Identifier: Apache-2.0
 *
 * /credential/metadata, status and manage, and /event/notify (profile section 5; draft "Credential Endpoints" and
 * "Event Notification Endpoint").
 */
#include "gateway/issuer/endpoints.h"
#include "proto/states.h"

#include <string.h>

/* A configuration that was taken out of the file while instances live. */
static enum gw_step refuse_withdrawn(struct gw_exchange *ex)
{
    return gw_exchange_refuse(ex, S2S_PROBLEM_UNAVAILABLE, "This credential configuration is not served right now.");
}

enum gw_step gw_issuer_metadata(struct gw_exchange *ex)
{
    struct s2s_jwk *wek;
    const struct gw_offering *offering = gw_generation_offering(ex->generation, gw_issuer_state(ex)->configuration_id);
    if (offering == NULL)
        return refuse_withdrawn(ex);
    enum gw_step step = gw_issuer_take_wek(ex, NULL, &wek);
    if (step != GW_STEP_CHECK)
        return step;
    const char *known = gw_body_string(ex, "credentialMetadataVersion");
    bool current = known != NULL && strcmp(known, offering->metadata_version) == 0;
    const char *answer = "{}";
    if (!current)
        answer = s2s_arena_printf(ex->arena, "{\"credentialMetadata\":%s}", offering->metadata);
    gw_exchange_call(ex, GW_SQL_ANSWER, gw_body_string(ex, "sessionId"));
    gw_db_integer(&ex->call, ex->arena, 200);
    gw_db_text(&ex->call, answer);
    return GW_STEP_COMMIT;
}

/* The version that a get would give now; where that cannot be told, the one last fetched is. */
static enum gw_step answer_status(struct gw_exchange *ex, const struct gw_claims *claims)
{
    const struct gw_issuer_state *state = gw_issuer_state(ex);
    gw_exchange_call(ex, GW_SQL_CREDENTIAL_STATUS, state->session_id);
    gw_db_text(&ex->call, state->session_id);
    gw_db_text(&ex->call, state->instance_id);
    gw_db_text(&ex->call, claims->end == GW_CLAIMS_FOUND ? claims->version : NULL);
    return GW_STEP_COMMIT;
}

/* No credential will be made any more, so there is nothing to ask a backend for. */
static bool is_over(const char *status)
{
    return strcmp(status, "UNLINKED") == 0 || strcmp(status, "CANCELLED") == 0;
}

enum gw_step gw_issuer_credential_status(struct gw_exchange *ex)
{
    static const struct gw_claims none = {.end = GW_CLAIMS_FAILED};
    const struct gw_issuer_state *state = gw_issuer_state(ex);
    const struct gw_offering *offering = gw_generation_offering(ex->generation, state->configuration_id);
    if (offering == NULL || (offering->config->dataset_backend != NULL && is_over(state->status)))
        return answer_status(ex, &none);
    return gw_issuer_find_claims(ex, offering, answer_status);
}

enum gw_step gw_issuer_manage(struct gw_exchange *ex)
{
    gw_exchange_call(ex, GW_SQL_MANAGE, gw_body_string(ex, "sessionId"));
    gw_db_text(&ex->call, gw_body_string(ex, "sessionId"));
    gw_db_text(&ex->call, gw_body_string(ex, "credentialInstanceId"));
    gw_db_text(&ex->call, gw_body_string(ex, "action"));
    gw_db_text(&ex->call, gw_body_string(ex, "reason"));
    return GW_STEP_COMMIT;
}

enum gw_step gw_issuer_event(struct gw_exchange *ex)
{
    const char *type = gw_body_string(ex, "eventType");
    enum s2s_event_origin origin = s2s_event_origin(type);
    if (origin == S2S_EVENT_FROM_ISSUER)
        return gw_exchange_violation(ex, "/eventType", "is an event that only an issuer sends");
    gw_exchange_call(ex, GW_SQL_EVENT, gw_body_string(ex, "sessionId"));
    gw_db_text(&ex->call, gw_body_string(ex, "sessionId"));
    gw_db_text(&ex->call, gw_body_string(ex, "credentialInstanceId"));
    gw_db_text(&ex->call, type);
    gw_db_text(&ex->call, origin == S2S_EVENT_FROM_WALLET ? "t" : "f");
    gw_db_text(&ex->call, s2s_json_string(s2s_json_get(ex->body, "eventDetails"), "failureReason"));
    return GW_STEP_COMMIT;
}
