/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/web_state.h"

#include "proto/b64.h"
#include "proto/json.h"

#include <string.h>

#define CONTEXT "state of auth_on_web"

/* An item's id has at most 256 characters. */
#define MAX_STATE 4096

struct s2s_result gw_web_state_seal(const struct gw_vault *vault, struct s2s_arena *arena,
                                    const struct gw_web_state *state, const char **out)
{
    struct json_object *names = s2s_json_own(arena, json_object_new_object());
    s2s_json_set_string(names, "session", state->session_id);
    s2s_json_set_string(names, "verification", state->verification_id);
    s2s_json_set_string(names, "item", state->item_id);
    size_t len;
    const char *text = s2s_json_write(arena, names, &len);
    if (text == NULL)
        return s2s_fail(S2S_LIMIT, "no room for a state");
    struct s2s_bytes sealed;
    S2S_TRY(gw_vault_seal(vault, arena, CONTEXT, s2s_bytes(text, len), &sealed));
    *out = s2s_b64_encode(arena, sealed);
    return *out != NULL ? s2s_ok() : s2s_fail(S2S_LIMIT, "no room for a state");
}

struct s2s_result gw_web_state_open(const struct gw_vault *vault, struct s2s_arena *arena, const char *text,
                                    struct gw_web_state *out)
{
    struct s2s_bytes sealed, plain;
    struct json_object *names;
    size_t len = strlen(text);
    if (len > MAX_STATE)
        return s2s_fail(S2S_LIMIT, "the state is too long");
    S2S_TRY(s2s_b64_decode(arena, text, len, &sealed));
    S2S_TRY(gw_vault_open(vault, arena, CONTEXT, sealed, &plain));
    S2S_TRY(s2s_json_parse(arena, (const char *)plain.data, plain.len, 2, &names));
    *out = (struct gw_web_state){s2s_json_string(names, "session"), s2s_json_string(names, "verification"),
                                 s2s_json_string(names, "item")};
    bool whole = out->session_id != NULL && out->verification_id != NULL && out->item_id != NULL;
    return whole ? s2s_ok() : s2s_fail(S2S_MALFORMED, "the state is incomplete");
}

const char *gw_web_item(struct s2s_arena *arena, const char *item_id, bool success, struct json_object *result)
{
    struct json_object *item = s2s_json_own(arena, json_object_new_object());
    s2s_json_set_string(item, "id", item_id);
    s2s_json_set_string(item, "type", "urn:s2s-gateway:verification:auth_on_web");
    s2s_json_set_string(item, "outcome", success ? "SUCCESS" : "FAILURE");
    if (result != NULL)
        json_object_object_add(item, "result", json_object_get(result));
    return s2s_json_write(arena, item, NULL);
}
