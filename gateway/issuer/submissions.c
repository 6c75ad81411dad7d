/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/submissions.h"

#include "proto/wsk.h"

#include <string.h>

#define MAX_DEPTH 32
#define KEY_DEPTH 8
#define FIRST_CAPACITY 16

struct s2s_result gw_submissions_set_wsk(struct gw_submissions *s, const char *jwk)
{
    struct json_object *json;
    S2S_TRY(s2s_json_parse(s->arena, jwk, strlen(jwk), KEY_DEPTH, &json));
    S2S_TRY(s2s_jwk_parse_public(json, &s->wsk));
    (void)s2s_jwk_own(s->arena, s->wsk);
    return s2s_ok();
}

/* ---- items ---- */

static struct s2s_result grow(struct gw_submissions *s)
{
    size_t capacity = s->capacity > 0 ? s->capacity * 2 : FIRST_CAPACITY;
    struct gw_item *grown = s2s_arena_alloc(s->arena, capacity * sizeof(*grown));
    if (grown == NULL)
        return s2s_fail(S2S_LIMIT, "the submissions are too large");
    if (s->capacity > 0)
        memcpy(grown, s->items, s->capacity * sizeof(*grown));
    s->items = grown;
    s->capacity = capacity;
    return s2s_ok();
}

struct s2s_result gw_submissions_add_item(struct gw_submissions *s, struct json_object *json,
                                          enum gw_item_origin origin, unsigned seq)
{
    struct gw_item new = {s2s_json_string(json, "id"), s2s_json_string(json, "type"), origin, seq, json};
    if (new.id == NULL || new.type == NULL)
        return s2s_fail(S2S_MALFORMED, "a stored item has no id or type");
    size_t i = 0;
    while (i < s->count && (s->items[i].origin != origin || strcmp(s->items[i].id, new.id) != 0))
        ++i;
    if (i == s->capacity)
        S2S_TRY(grow(s));
    s->items[i] = new;
    if (i == s->count)
        ++s->count;
    return s2s_ok();
}

/* ---- by origin ---- */

struct s2s_result gw_submissions_add_client(struct gw_submissions *s, const char *text, unsigned seq)
{
    const struct gw_issuer_config *issuer = &s->generation->config->issuer;
    const struct s2s_wsk_context ctx = {.issuer = issuer->identifier,
                                        .session_id = s->session_id,
                                        .verification_id = s->verification_id,
                                        .wsk = s->wsk,
                                        .issuer_keys = &s->generation->issuer_keys,
                                        .now = s->now,
                                        .iat_window = issuer->iat_window_s};
    struct json_object *payload, *item;
    S2S_TRY(s2s_json_parse(s->arena, text, strlen(text), MAX_DEPTH, &payload));
    S2S_TRY(s2s_wsk_open_payload(s->arena, &ctx, payload, &item));
    return gw_submissions_add_item(s, item, GW_FROM_CLIENT, seq);
}

static struct s2s_result unseal(struct gw_submissions *s, struct s2s_bytes sealed, struct json_object **out)
{
    struct s2s_bytes plain;
    S2S_TRY(gw_vault_open(s->generation->vault, s->arena, s->session_id, sealed, &plain));
    return s2s_json_parse(s->arena, (const char *)plain.data, plain.len, MAX_DEPTH, out);
}

static void add_assessments(struct gw_submissions *s, struct json_object *list)
{
    size_t count = list != NULL ? json_object_array_length(list) : 0;
    if (count > 0 && s->assessments == NULL)
        s->assessments = s2s_json_own(s->arena, json_object_new_array());
    for (size_t i = 0; i < count; ++i)
        json_object_array_add(s->assessments, json_object_get(json_object_array_get_idx(list, i)));
}

struct s2s_result gw_submissions_add_server(struct gw_submissions *s, struct s2s_bytes sealed, unsigned seq)
{
    struct json_object *data;
    S2S_TRY(unseal(s, sealed, &data));
    struct json_object *items = s2s_json_get(data, "items");
    for (size_t i = 0; items != NULL && i < json_object_array_length(items); ++i)
        S2S_TRY(gw_submissions_add_item(s, json_object_array_get_idx(items, i), GW_FROM_SERVER, seq));
    add_assessments(s, s2s_json_get(data, "assessments"));
    return s2s_ok();
}

struct s2s_result gw_submissions_add_issuer(struct gw_submissions *s, struct s2s_bytes sealed, unsigned seq)
{
    struct json_object *item;
    S2S_TRY(unseal(s, sealed, &item));
    return gw_submissions_add_item(s, item, GW_FROM_ISSUER, seq);
}
