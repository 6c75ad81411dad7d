/* SPDX-License-Identifier: Apache-2.0
 *
 * The two texts are spliced, not written anew from their trees: a tree may know a number less exactly than its text.
 */
#include "gateway/jobs/message.h"

#include "gateway/db/db.h"
#include "proto/json.h"

#include <string.h>

/* Of what was within the bounds of a request when it was sealed. */
#define MAX_DEPTH 64

static struct s2s_result parse_object(struct s2s_arena *arena, struct s2s_bytes text, struct json_object **out)
{
    S2S_TRY(s2s_json_parse(arena, (const char *)text.data, text.len, MAX_DEPTH, out));
    return json_object_is_type(*out, json_type_object) ? s2s_ok() : s2s_fail(S2S_MALFORMED, "it is no JSON object");
}

/* What stands between the braces of an object that has been parsed. */
static struct s2s_bytes inner_text(struct s2s_bytes object)
{
    const uint8_t *first = memchr(object.data, '{', object.len);
    size_t end = object.len;
    while (object.data[end - 1] != '}')
        --end;
    return s2s_bytes(first + 1, (size_t)(object.data + end - 1 - (first + 1)));
}

struct s2s_result gw_message_merge(struct s2s_arena *arena, const char *body, struct s2s_bytes sealed, const char **out)
{
    const struct s2s_bytes plain = s2s_bytes(body, strlen(body));
    struct json_object *ours, *theirs;
    S2S_TRY(parse_object(arena, plain, &ours));
    S2S_TRY(parse_object(arena, sealed, &theirs));
    json_object_object_foreach(theirs, name, value)
    {
        (void)value;
        if (json_object_object_get_ex(ours, name, NULL))
            return s2s_fail(S2S_MALFORMED, "a member stands in both halves of a message");
    }
    bool both = json_object_object_length(ours) > 0 && json_object_object_length(theirs) > 0;
    struct s2s_bytes a = inner_text(plain), b = inner_text(sealed);
    *out = s2s_arena_printf(arena, "{%.*s%s%.*s}", (int)a.len, (const char *)a.data, both ? "," : "", (int)b.len,
                            (const char *)b.data);
    return *out != NULL ? s2s_ok() : s2s_fail(S2S_LIMIT, "a message is too large");
}

struct s2s_result gw_message_open(const struct gw_vault *vault, struct s2s_arena *arena, const char *session_id,
                                  const char *body, const char *sealed, const char **out)
{
    struct s2s_bytes blob, plain;
    if (!gw_db_read_bytes(arena, sealed, &blob))
        return s2s_fail(S2S_MALFORMED, "a sealed body cannot be read");
    S2S_TRY(gw_vault_open(vault, arena, session_id, blob, &plain));
    return gw_message_merge(arena, body, plain, out);
}
