/* SPDX-License-Identifier: Apache-2.0
 *
 * What the database gives back sealed, within JSON: base64 (RFC 4648 section 4).
 */
#ifndef GW_ADMIN_SEALED_H
#define GW_ADMIN_SEALED_H

#include "gateway/vault.h"

#include <json-c/json.h>

/* Decode. S2S_MALFORMED, S2S_LIMIT. */
S2S_MUST_CHECK struct s2s_result gw_sealed_decode(struct s2s_arena *arena, const char *base64, struct s2s_bytes *out);

/* Decode, open and parse a JSON object that was sealed for `context`. Either text may be NULL: that is S2S_MALFORMED.
 */
S2S_MUST_CHECK struct s2s_result gw_sealed_read_json(const struct gw_vault *vault, struct s2s_arena *arena,
                                                     const char *context, const char *base64, struct json_object **out);

#endif
