/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admin/sealed.h"

#include "proto/json.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

#define MAX_DEPTH 32

struct s2s_result gw_sealed_decode(struct s2s_arena *arena, const char *base64, struct s2s_bytes *out)
{
    size_t len = strlen(base64);
    if (len % 4 != 0 || len > INT_MAX)
        return s2s_fail(S2S_MALFORMED, "the stored data is not base64");
    uint8_t *octets = s2s_arena_alloc(arena, len / 4 * 3 + 1);
    if (octets == NULL)
        return s2s_fail(S2S_LIMIT, "the stored data is too large");
    int decoded = EVP_DecodeBlock(octets, (const unsigned char *)base64, (int)len);
    if (decoded < 0)
        return s2s_fail(S2S_MALFORMED, "the stored data is not base64");
    size_t padding = len > 0 ? (size_t)(base64[len - 1] == '=') + (base64[len - 2] == '=') : 0;
    *out = s2s_bytes(octets, (size_t)decoded - padding); /* OpenSSL counts the padding's octets too */
    return s2s_ok();
}

struct s2s_result gw_sealed_read_json(const struct gw_vault *vault, struct s2s_arena *arena, const char *context,
                                      const char *base64, struct json_object **out)
{
    struct s2s_bytes sealed, plain;
    if (context == NULL || base64 == NULL)
        return s2s_fail(S2S_MALFORMED, "the stored data is incomplete");
    S2S_TRY(gw_sealed_decode(arena, base64, &sealed));
    S2S_TRY(gw_vault_open(vault, arena, context, sealed, &plain));
    S2S_TRY(s2s_json_parse(arena, (const char *)plain.data, plain.len, MAX_DEPTH, out));
    return json_object_is_type(*out, json_type_object) ? s2s_ok()
                                                       : s2s_fail(S2S_MALFORMED, "the stored data is no JSON object");
}
