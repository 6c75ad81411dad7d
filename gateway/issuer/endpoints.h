/* SPDX-License-Identifier: Apache-2.0
 *
 * What the issuer's endpoints share: the facts of a session and an instance, and how they are loaded.
 */
#ifndef GW_ISSUER_ENDPOINTS_H
#define GW_ISSUER_ENDPOINTS_H

#include "gateway/issuer/claims.h"
#include "gateway/issuer/sessions.h"
#include "gateway/net/exchange.h"
#include "proto/wsk.h"

/* What an endpoint does with the claims of its instance. */
typedef enum gw_step (*gw_claims_cb)(struct gw_exchange *ex, const struct gw_claims *claims);

/* `state` of an issuer exchange: what s2s.issuer_load said (sql/functions/issuer_credential.sql). All in the arena. */
struct gw_issuer_state {
    const char *session_id;
    const char *instance_id;
    struct s2s_jwk *wsk; /* released with the arena */
    void *examined;      /* of the endpoint: what it has found in the body */
    const char *configuration_id;
    const char *verification_id;
    const char *subject_ref;
    const char *status;
    const char *version; /* of the instance's row */
    bool has_ready_at;
    int64_t ready_at_ms;
    bool transaction_found;
    const char *keys; /* of the open transaction: JSON array of public JWKs */
    struct s2s_bytes keys_digest;
    struct gw_claims_instance instance; /* without its offering */

    /* While the backend is asked for claims. */
    struct gw_exchange *exchange; /* of this state */
    struct gw_backend_ask ask;
    gw_claims_cb then;
    struct gw_claims found; /* what it has answered in this exchange */
    void *request;          /* of the endpoint: what it has read before */
};

/* Get the claims of the instance, at once or when the backend has answered, and go on with `then`, which returns what
 * `check` would. Returns what `check` returns. */
enum gw_step gw_issuer_find_claims(struct gw_exchange *ex, const struct gw_offering *offering, gw_claims_cb then);

/* The rows of the endpoint table, by file. */
enum gw_step gw_issuer_examine_initiate(struct gw_exchange *ex);
enum gw_step gw_issuer_initiate(struct gw_exchange *ex);
void gw_issuer_initiated(struct gw_exchange *ex, const char *outcome);
enum gw_step gw_issuer_examine_supplement(struct gw_exchange *ex);
enum gw_step gw_issuer_supplement(struct gw_exchange *ex);
enum gw_step gw_issuer_verification_status(struct gw_exchange *ex);
enum gw_step gw_issuer_cancel(struct gw_exchange *ex);
enum gw_step gw_issuer_provision(struct gw_exchange *ex);
enum gw_step gw_issuer_get(struct gw_exchange *ex);
enum gw_step gw_issuer_metadata(struct gw_exchange *ex);
enum gw_step gw_issuer_credential_status(struct gw_exchange *ex);
enum gw_step gw_issuer_manage(struct gw_exchange *ex);
enum gw_step gw_issuer_event(struct gw_exchange *ex);

/* Load steps: the session's WSK (from the worker's cache when it is there), session and instance, and an open fetch
 * with it. */
enum gw_step gw_issuer_load_session(struct gw_exchange *ex);
enum gw_step gw_issuer_load_instance(struct gw_exchange *ex);
enum gw_step gw_issuer_load_fetch(struct gw_exchange *ex);
enum gw_step gw_issuer_loaded(struct gw_exchange *ex, const PGresult *row);

/* The state of this exchange, made when first asked for. */
struct gw_issuer_state *gw_issuer_state(struct gw_exchange *ex);

/* What signatures of this exchange are checked against. `verification_id` is NULL where the request names none. */
struct s2s_wsk_context gw_issuer_wsk_context(struct gw_exchange *ex, const char *verification_id);

/* A member of the body that the schema has required to be a string. */
const char *gw_body_string(const struct gw_exchange *ex, const char *name);

/* Check `object` against `schema`; violations get `prefix` before their pointers. */
bool gw_issuer_check_nested(struct gw_exchange *ex, const struct s2s_schema *schema, struct json_object *object,
                            const char *prefix);

/* Read the WEK of the request and check its binding to the WSK, as the peer's policy wants it. `signed_thumbprint` as
 * in s2s_wsk_check_wek. GW_STEP_CHECK when all is well; the key is released with the arena. */
enum gw_step gw_issuer_take_wek(struct gw_exchange *ex, const char *signed_thumbprint, struct s2s_jwk **wek);

/* s2s_jwk_free for s2s_arena_defer. */
void gw_release_jwk(void *jwk);

#endif
