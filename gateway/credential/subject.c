/* SPDX-License-Identifier: Apache-2.0 */
#include "subject.h"

#include "proto/json.h"

#include <string.h>

void gw_subject_ref(const struct gw_vault *vault, size_t index, const char *subject, char out[GW_PSEUDONYM_SIZE])
{
    gw_vault_pseudonym(vault, index, "dataset subject", s2s_bytes(subject, strlen(subject)), out);
}

struct json_object *gw_subject_refs(const struct gw_vault *vault, size_t first, const char *subject)
{
    struct json_object *refs = json_object_new_array();
    s2s_assert(refs != NULL);
    for (size_t key = first; key < gw_vault_key_count(vault); key++) {
        char ref[GW_PSEUDONYM_SIZE];
        gw_subject_ref(vault, key, subject, ref);
        json_object_array_add(refs, json_object_new_string(ref));
    }
    return refs;
}

struct s2s_result gw_subject_seal(const struct gw_vault *vault, struct s2s_arena *arena, const char *context,
                                  const char *subject, struct s2s_bytes *out)
{
    return gw_vault_seal(vault, arena, context, s2s_bytes(subject, strlen(subject)), out);
}

struct s2s_result gw_subject_open(const struct gw_vault *vault, struct s2s_arena *arena, const char *context,
                                  struct s2s_bytes sealed, const char **subject)
{
    struct s2s_bytes plain;
    S2S_TRY(gw_vault_open(vault, arena, context, sealed, &plain));
    *subject = s2s_arena_strndup(arena, (const char *)plain.data, plain.len);
    return *subject != NULL ? s2s_ok() : s2s_fail(S2S_LIMIT, "no room for a subject");
}
