/* SPDX-License-Identifier: Apache-2.0
 *
 * What is in the JOSE objects of this protocol: compact JWS, JWE in every serialization, SD-JWT with disclosures and
 * key binding, and what they are carried in (JweEncryptedPayload, the answer of /credential/get, credentials, offers
 * and their links). For people: it shows what is there, and says of signatures and ciphertexts what it could check.
 */
#ifndef CTL_DECODE_H
#define CTL_DECODE_H

#include "proto/jwk.h"

struct ctl_decoder {
    struct s2s_arena *arena;
    const char *key; /* text of a private key's file, to decrypt with; NULL: none */
    size_t key_len;
    const char *verify_key; /* text of a public key's file, to verify with; NULL: none */
    size_t verify_key_len;
};

/* Describe the text: a JSON object whose member `type` says what it is; owned by the arena. NULL: nothing that is
 * known. */
struct json_object *ctl_decode(const struct ctl_decoder *decoder, const char *text, size_t len);

/* For the files of the decoder: the same of a part, `depth` levels down; one new reference, or NULL. */
struct json_object *ctl_decode_text(const struct ctl_decoder *decoder, const char *text, size_t len, unsigned depth);
struct json_object *ctl_decode_json(const struct ctl_decoder *decoder, struct json_object *json, unsigned depth);
struct json_object *ctl_decode_sdjwt(const struct ctl_decoder *decoder, const char *text, size_t len);
struct json_object *ctl_decode_jws(const struct ctl_decoder *decoder, const char *text, size_t len, unsigned depth);

#endif
