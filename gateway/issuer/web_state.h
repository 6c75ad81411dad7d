/* SPDX-License-Identifier: Apache-2.0
 *
 * `state` of an authentication on the web: it travels with the holder's browser to the issuer's site, which gives it
 * back with the result. It names the verification and its item, sealed: nobody can make one, or learn from it whose it
 * is; and it need not be stored.
 */
#ifndef GW_WEB_STATE_H
#define GW_WEB_STATE_H

#include "gateway/vault.h"

#include <json-c/json.h>

struct gw_web_state {
    const char *session_id; /* what the result is sealed for */
    const char *verification_id;
    const char *item_id;
};

/* A new `state`, in the arena: fit for a URL as it is. S2S_LIMIT. */
S2S_MUST_CHECK struct s2s_result gw_web_state_seal(const struct gw_vault *vault, struct s2s_arena *arena,
                                                   const struct gw_web_state *state, const char **out);

/* What a `state` names, in the arena. Fails when it is none of ours. */
S2S_MUST_CHECK struct s2s_result gw_web_state_open(const struct gw_vault *vault, struct s2s_arena *arena,
                                                   const char *text, struct gw_web_state *out);

/* The item that a result becomes, as text to be sealed for the session and stored (s2s.web_result); in the arena, NULL
 * when there is no room. `result` (may be NULL) is what the issuer's site found out. */
const char *gw_web_item(struct s2s_arena *arena, const char *item_id, bool success, struct json_object *result);

#endif
