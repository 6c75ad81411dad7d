/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom a credential is about. A subject's name may be a person's, so the database knows only its pseudonym, by which it
 * is found again, and, where a backend has to be told the name, the name sealed.
 */
#ifndef GW_SUBJECT_H
#define GW_SUBJECT_H

#include "gateway/vault.h"

/* The pseudonym of a subject under the `index`th data key. New references are made with index 0; those under older keys
 * name the same subject. */
void gw_subject_ref(const struct gw_vault *vault, size_t index, const char *subject, char out[GW_PSEUDONYM_SIZE]);

/* An array of its pseudonyms under the `first`th data key and all older ones. The caller's reference. */
struct json_object *gw_subject_refs(const struct gw_vault *vault, size_t first, const char *subject);

/* Seal the name; `context` is the session that it belongs to, or the offer. In the arena. */
S2S_MUST_CHECK struct s2s_result gw_subject_seal(const struct gw_vault *vault, struct s2s_arena *arena,
                                                 const char *context, const char *subject, struct s2s_bytes *out);

/* Open a sealed name; NUL-terminated, in the arena. Fails as gw_vault_open. */
S2S_MUST_CHECK struct s2s_result gw_subject_open(const struct gw_vault *vault, struct s2s_arena *arena,
                                                 const char *context, struct s2s_bytes sealed, const char **subject);

#endif
