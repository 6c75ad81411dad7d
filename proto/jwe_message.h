/* SPDX-License-Identifier: Apache-2.0
 *
 * A JWE as data: the compact, flattened and single-recipient general serializations (RFC 7516 section 7) brought
 * to one form, nothing of it trusted or decrypted. For proto/jwe.c, and for tools that show what is in one.
 */
#ifndef S2S_JWE_MESSAGE_H
#define S2S_JWE_MESSAGE_H

#include "arena.h"
#include "json.h"

/* The three headers whose union is the JOSE header. */
enum s2s_jwe_header { S2S_JWE_PROTECTED, S2S_JWE_UNPROTECTED, S2S_JWE_RECIPIENT, S2S_JWE_HEADERS };

/* All borrowed from the arena or from the JSON it was read from. Bytes that were absent are empty. */
struct s2s_jwe_message {
    const char *protected; /* as sent, "" when absent */
    const char *aad;       /* as sent, NULL when absent */
    struct s2s_bytes encrypted_key, iv, ciphertext, tag;
    struct json_object *headers[S2S_JWE_HEADERS]; /* NULL when absent */
};

/* Split and decode. S2S_MALFORMED, also when two headers share a name; S2S_UNSUPPORTED for more than one
 * recipient; S2S_LIMIT. */
S2S_MUST_CHECK struct s2s_result s2s_jwe_message_read(struct s2s_arena *arena, struct json_object *jwe,
                                                      struct s2s_jwe_message *out);

/* The member `name` of the JOSE header. `out` may be NULL to ask only whether it is there; it may be null. */
bool s2s_jwe_find_member(const struct s2s_jwe_message *m, const char *name, struct json_object **out);

#endif
