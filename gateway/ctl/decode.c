/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding out what a text is, and the envelopes; JWE.
 */
#include "gateway/ctl/decode.h"

#include "gateway/ctl/keyfile.h"
#include "proto/b64.h"
#include "proto/hex.h"
#include "proto/jwe.h"
#include "proto/jwe_message.h"

#include <string.h>

#define MAX_DEPTH 64
/* Levels of things in things: a payload in a JWE in an envelope in an answer. */
#define MAX_LEVELS 6

static struct json_object *new_thing(const char *type)
{
    struct json_object *thing = json_object_new_object();
    s2s_json_set_string(thing, "type", type);
    return thing;
}

/* ---- JWE ---- */

static const char *header_text(const struct s2s_jwe_message *message, const char *name)
{
    struct json_object *value;
    return s2s_jwe_find_member(message, name, &value) && json_object_is_type(value, json_type_string)
               ? json_object_get_string(value)
               : NULL;
}

static void describe_headers(const struct s2s_jwe_message *message, struct json_object *thing)
{
    static const char *const names[S2S_JWE_HEADERS] = {
        [S2S_JWE_PROTECTED] = "protected", [S2S_JWE_UNPROTECTED] = "unprotected", [S2S_JWE_RECIPIENT] = "recipient"};
    for (size_t i = 0; i < S2S_JWE_HEADERS; ++i)
        if (message->headers[i] != NULL)
            json_object_object_add(thing, names[i], json_object_get(message->headers[i]));
    json_object_object_add(thing, "ciphertextOctets", json_object_new_int64((int64_t)message->ciphertext.len));
}

static struct s2s_result open_jwe(const struct ctl_decoder *decoder, struct json_object *jwe,
                                  const struct s2s_jwe_message *message, struct s2s_bytes *plain)
{
    struct s2s_jwk *key;
    const struct s2s_jwk *used;
    S2S_TRY(ctl_keyfile_private(decoder->arena, decoder->key, decoder->key_len, header_text(message, "alg"),
                                header_text(message, "kid"), &key));
    struct s2s_jwk *const keys[] = {key};
    const struct s2s_keyring ring = {keys, 1};
    return s2s_jwe_open(decoder->arena, jwe, &ring, &used, plain);
}

/* The content: decoded if that is possible, else as text, else its octets. */
static struct json_object *describe_content(const struct ctl_decoder *decoder, struct s2s_bytes plain, unsigned depth)
{
    struct json_object *json;
    const char *text = (const char *)plain.data;
    struct json_object *known = ctl_decode_text(decoder, text, plain.len, depth + 1);
    if (known != NULL)
        return known;
    if (!s2s_failed(s2s_json_parse(decoder->arena, text, plain.len, MAX_DEPTH, &json)) && json != NULL)
        return json_object_get(json);
    for (size_t i = 0; i < plain.len; ++i)
        if (plain.data[i] < ' ' || plain.data[i] > '~')
            return json_object_new_string(s2s_b64_encode(decoder->arena, plain));
    return json_object_new_string_len(text, (int)plain.len);
}

static struct json_object *describe_jwe(const struct ctl_decoder *decoder, struct json_object *jwe, unsigned depth)
{
    struct s2s_jwe_message message;
    struct s2s_bytes plain;
    if (s2s_failed(s2s_jwe_message_read(decoder->arena, jwe, &message)))
        return NULL;
    struct json_object *thing = new_thing("JWE");
    describe_headers(&message, thing);
    if (decoder->key == NULL) {
        s2s_json_set_string(thing, "content", "encrypted; --key decrypts it");
        return thing;
    }
    struct s2s_result r = open_jwe(decoder, jwe, &message, &plain);
    if (s2s_failed(r))
        s2s_json_set_string(thing, "content", r.detail);
    else
        json_object_object_add(thing, "content", describe_content(decoder, plain, depth));
    return thing;
}

/* ---- envelopes ---- */

/* Objects that carry something of interest in one member. */
static const struct {
    const char *member, *type;
} envelopes[] = {
    {"jwe", "JweEncryptedPayload"}, {"credentials", "answer of /credential/get"},
    {"credential", "credential"},   {"jwt", "proof or attestation"},
    {"vp_token", "presentation"},   {"credential_offer", "credential offer"},
};

/* The object with its one member described, or NULL when it is no envelope. */
static struct json_object *describe_envelope(const struct ctl_decoder *decoder, struct json_object *object,
                                             unsigned depth)
{
    for (size_t i = 0; i < sizeof(envelopes) / sizeof(envelopes[0]); ++i) {
        struct json_object *carried = s2s_json_get(object, envelopes[i].member);
        struct json_object *inner = carried != NULL ? ctl_decode_json(decoder, carried, depth + 1) : NULL;
        if (inner == NULL)
            continue;
        struct json_object *thing = new_thing(envelopes[i].type);
        json_object_object_foreach(object, name, value)
        {
            if (strcmp(name, envelopes[i].member) != 0)
                json_object_object_add(thing, name, json_object_get(value));
        }
        json_object_object_add(thing, envelopes[i].member, inner);
        return thing;
    }
    return NULL;
}

/* OpenID4VCI 1.0 section 4.1.1. */
static struct json_object *describe_offer(struct json_object *offer)
{
    if (s2s_json_get(offer, "credential_issuer") == NULL || s2s_json_get(offer, "credential_configuration_ids") == NULL)
        return NULL;
    struct json_object *thing = new_thing("credential offer");
    json_object_object_foreach(offer, name, value)
    {
        json_object_object_add(thing, name, json_object_get(value));
    }
    return thing;
}

static struct json_object *describe_array(const struct ctl_decoder *decoder, struct json_object *array, unsigned depth)
{
    struct json_object *all = json_object_new_array();
    for (size_t i = 0; i < json_object_array_length(array); ++i) {
        struct json_object *item = ctl_decode_json(decoder, json_object_array_get_idx(array, i), depth + 1);
        if (item == NULL) {
            json_object_put(all);
            return NULL;
        }
        json_object_array_add(all, item);
    }
    return all;
}

struct json_object *ctl_decode_json(const struct ctl_decoder *decoder, struct json_object *json, unsigned depth)
{
    if (depth > MAX_LEVELS)
        return NULL;
    switch (json_object_get_type(json)) {
    case json_type_string:
        return ctl_decode_text(decoder, json_object_get_string(json), (size_t)json_object_get_string_len(json), depth);
    case json_type_array:
        return describe_array(decoder, json, depth);
    case json_type_object: {
        struct json_object *thing =
            s2s_json_get(json, "ciphertext") != NULL ? describe_jwe(decoder, json, depth) : NULL;
        if (thing == NULL)
            thing = describe_envelope(decoder, json, depth);
        return thing != NULL ? thing : describe_offer(json);
    }
    default:
        return NULL;
    }
}

/* ---- texts ---- */

/* The value of a query parameter, percent-decoded; NULL when the link has none. */
static char *link_parameter(struct s2s_arena *arena, const char *text, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    const char *end = text + len, *at = memchr(text, '?', len);
    while (at != NULL) {
        ++at; /* the separator */
        const char *next = memchr(at, '&', (size_t)(end - at));
        const char *stop = next != NULL ? next : end;
        if ((size_t)(stop - at) > name_len && strncmp(at, name, name_len) == 0 && at[name_len] == '=') {
            char *value = s2s_arena_alloc(arena, len + 1), *out = value;
            for (at += name_len + 1; value != NULL && at < stop; ++at) {
                bool escaped = *at == '%' && stop - at > 2 && s2s_hex_value(at[1]) >= 0 && s2s_hex_value(at[2]) >= 0;
                *out++ = escaped ? (char)(s2s_hex_value(at[1]) << 4 | s2s_hex_value(at[2])) : *at == '+' ? ' ' : *at;
                at += escaped ? 2 : 0;
            }
            return value;
        }
        at = next;
    }
    return NULL;
}

/* The link of an offer (OpenID4VCI 1.0 sections 4.1.2 and 4.1.3). */
static struct json_object *describe_link(const struct ctl_decoder *decoder, const char *text, size_t len,
                                         unsigned depth)
{
    char *offer = link_parameter(decoder->arena, text, len, "credential_offer");
    char *uri = link_parameter(decoder->arena, text, len, "credential_offer_uri");
    if (offer != NULL)
        return ctl_decode_text(decoder, offer, strlen(offer), depth + 1);
    if (uri == NULL)
        return NULL;
    struct json_object *thing = new_thing("credential offer by reference");
    s2s_json_set_string(thing, "credential_offer_uri", uri);
    return thing;
}

static size_t count_of(const char *text, size_t len, char c)
{
    size_t count = 0;
    for (size_t i = 0; i < len; ++i)
        count += text[i] == c;
    return count;
}

struct json_object *ctl_decode_text(const struct ctl_decoder *decoder, const char *text, size_t len, unsigned depth)
{
    static const char blank[] = " \t\r\n";
    struct json_object *json;
    while (len > 0 && strchr(blank, text[0]) != NULL)
        ++text, --len;
    while (len > 0 && strchr(blank, text[len - 1]) != NULL)
        --len;
    if (len == 0 || depth > MAX_LEVELS)
        return NULL;
    if (strchr("{[\"", text[0]) != NULL)
        return s2s_failed(s2s_json_parse(decoder->arena, text, len, MAX_DEPTH, &json))
                   ? NULL
                   : ctl_decode_json(decoder, json, depth);
    if (memchr(text, '?', len) != NULL)
        return describe_link(decoder, text, len, depth);
    if (memchr(text, '~', len) != NULL)
        return ctl_decode_sdjwt(decoder, text, len);
    if (count_of(text, len, '.') == 2)
        return ctl_decode_jws(decoder, text, len, depth);
    if (count_of(text, len, '.') != 4)
        return NULL;
    json = s2s_json_own(decoder->arena, json_object_new_string_len(text, (int)len));
    return describe_jwe(decoder, json, depth);
}

struct json_object *ctl_decode(const struct ctl_decoder *decoder, const char *text, size_t len)
{
    struct json_object *thing = ctl_decode_text(decoder, text, len, 0);
    return thing != NULL ? s2s_json_own(decoder->arena, thing) : NULL;
}
