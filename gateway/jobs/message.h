/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of a message: what the database composed, with the members that it holds sealed.
 */
#ifndef GW_MESSAGE_H
#define GW_MESSAGE_H

#include "gateway/vault.h"

/* Add the members of the JSON object `sealed` to the JSON object `body`; `*out` is in the arena. Both are kept letter
 * for letter, so that every attempt sends the same octets. S2S_MALFORMED when either is no object or a member stands in
 * both; S2S_LIMIT. */
S2S_MUST_CHECK struct s2s_result gw_message_merge(struct s2s_arena *arena, const char *body, struct s2s_bytes sealed,
                                                  const char **out);

/* Open `sealed` (a bytea in text form), which belongs to the session, and merge it. */
S2S_MUST_CHECK struct s2s_result gw_message_open(const struct gw_vault *vault, struct s2s_arena *arena,
                                                 const char *session_id, const char *body, const char *sealed,
                                                 const char **out);

#endif
