/* SPDX-License-Identifier: Apache-2.0 */
#include "jwe_message.h"

#include "b64.h"

#include <string.h>

#define MAX_HEADER_DEPTH 8

static struct s2s_result read_protected(struct s2s_arena *arena, struct s2s_jwe_message *m)
{
    struct s2s_bytes text;
    S2S_TRY(s2s_b64_decode(arena, m->protected, strlen(m->protected), &text));
    S2S_TRY(s2s_json_parse(arena, (const char *)text.data, text.len, MAX_HEADER_DEPTH, &m->headers[S2S_JWE_PROTECTED]));
    if (!json_object_is_type(m->headers[S2S_JWE_PROTECTED], json_type_object))
        return s2s_fail(S2S_MALFORMED, "the JWE protected header is not a JSON object");
    return s2s_ok();
}

/* RFC 7516 section 7.1: five parts between dots. */
static struct s2s_result read_compact(struct s2s_arena *arena, struct json_object *jwe, struct s2s_jwe_message *m)
{
    enum { PARTS = 5 };
    const char *p = json_object_get_string(jwe);
    struct s2s_bytes *const rest[PARTS - 1] = {&m->encrypted_key, &m->iv, &m->ciphertext, &m->tag};
    for (int i = 0; i < PARTS; i++) {
        size_t len = strcspn(p, ".");
        if ((p[len] == '\0') != (i == PARTS - 1))
            return s2s_fail(S2S_MALFORMED, "a compact JWE has five parts");
        if (i > 0)
            S2S_TRY(s2s_b64_decode(arena, p, len, rest[i - 1]));
        else if ((m->protected = s2s_arena_strndup(arena, p, len)) == NULL)
            return s2s_fail(S2S_LIMIT, "the JWE header is too long");
        p += len + 1;
    }
    return read_protected(arena, m);
}

/* An optional member that must be a string. */
static struct s2s_result member_string(const struct json_object *jwe, const char *name, const char **out)
{
    *out = s2s_json_string(jwe, name);
    if (*out == NULL && json_object_object_get_ex(jwe, name, NULL))
        return s2s_fail(S2S_MALFORMED, "a member of the JWE is not a string");
    return s2s_ok();
}

/* An optional base64url member; absent is empty. */
static struct s2s_result member_bytes(struct s2s_arena *arena, const struct json_object *jwe, const char *name,
                                      struct s2s_bytes *out)
{
    const char *text;
    S2S_TRY(member_string(jwe, name, &text));
    return text != NULL ? s2s_b64_decode(arena, text, strlen(text), out) : s2s_ok();
}

/* An optional member that must be a JSON object. */
static struct s2s_result member_header(const struct json_object *jwe, const char *name, struct json_object **out)
{
    if (json_object_object_get_ex(jwe, name, out) && !json_object_is_type(*out, json_type_object))
        return s2s_fail(S2S_MALFORMED, "a header of the JWE is not a JSON object");
    return s2s_ok();
}

/* The object with the recipient's members: the JWE itself when flattened, or the one recipient of the general form
 * (RFC 7516 sections 7.2.1 and 7.2.2). */
static struct s2s_result find_recipient(struct json_object *jwe, struct json_object **out)
{
    struct json_object *recipients;
    if (!json_object_object_get_ex(jwe, "recipients", &recipients)) {
        *out = jwe;
        return s2s_ok();
    }
    if (json_object_object_get_ex(jwe, "header", NULL) || json_object_object_get_ex(jwe, "encrypted_key", NULL))
        return s2s_fail(S2S_MALFORMED, "the JWE mixes the flattened and the general form");
    if (!json_object_is_type(recipients, json_type_array) || json_object_array_length(recipients) == 0)
        return s2s_fail(S2S_MALFORMED, "the JWE's recipients is not an array with a recipient");
    if (json_object_array_length(recipients) > 1)
        return s2s_fail(S2S_UNSUPPORTED, "the JWE has more than one recipient");
    *out = json_object_array_get_idx(recipients, 0);
    if (!json_object_is_type(*out, json_type_object))
        return s2s_fail(S2S_MALFORMED, "the JWE's recipient is not an object");
    return s2s_ok();
}

/* RFC 7516 section 7.2.1: a name may stand in one of the three headers only. */
static bool names_are_disjoint(const struct s2s_jwe_message *m)
{
    for (int i = 0; i < S2S_JWE_HEADERS; i++) {
        if (m->headers[i] == NULL)
            continue;
        json_object_object_foreach(m->headers[i], name, value)
        {
            (void)value;
            for (int k = i + 1; k < S2S_JWE_HEADERS; k++) {
                if (m->headers[k] != NULL && json_object_object_get_ex(m->headers[k], name, NULL))
                    return false;
            }
        }
    }
    return true;
}

static struct s2s_result read_json(struct s2s_arena *arena, struct json_object *jwe, struct s2s_jwe_message *m)
{
    struct json_object *recipient = NULL;
    S2S_TRY(find_recipient(jwe, &recipient));
    S2S_TRY(member_header(jwe, "unprotected", &m->headers[S2S_JWE_UNPROTECTED]));
    S2S_TRY(member_header(recipient, "header", &m->headers[S2S_JWE_RECIPIENT]));
    S2S_TRY(member_bytes(arena, recipient, "encrypted_key", &m->encrypted_key));
    S2S_TRY(member_bytes(arena, jwe, "iv", &m->iv));
    S2S_TRY(member_bytes(arena, jwe, "ciphertext", &m->ciphertext));
    S2S_TRY(member_bytes(arena, jwe, "tag", &m->tag));
    struct s2s_bytes aad = {NULL, 0};
    S2S_TRY(member_bytes(arena, jwe, "aad", &aad)); /* authenticated as sent, yet it must be base64url */
    S2S_TRY(member_string(jwe, "aad", &m->aad));
    if (m->aad != NULL && aad.len == 0)
        return s2s_fail(S2S_MALFORMED, "an empty aad of a JWE must be absent");
    S2S_TRY(member_string(jwe, "protected", &m->protected));
    if (m->protected != NULL)
        S2S_TRY(read_protected(arena, m));
    else
        m->protected = "";
    if (!names_are_disjoint(m))
        return s2s_fail(S2S_MALFORMED, "two headers of the JWE have the same member");
    return s2s_ok();
}

struct s2s_result s2s_jwe_message_read(struct s2s_arena *arena, struct json_object *jwe, struct s2s_jwe_message *out)
{
    *out = (struct s2s_jwe_message){0};
    if (json_object_is_type(jwe, json_type_string))
        return read_compact(arena, jwe, out);
    if (json_object_is_type(jwe, json_type_object))
        return read_json(arena, jwe, out);
    return s2s_fail(S2S_MALFORMED, "a JWE is a string or an object");
}

bool s2s_jwe_find_member(const struct s2s_jwe_message *m, const char *name, struct json_object **out)
{
    for (int i = 0; i < S2S_JWE_HEADERS; i++) {
        if (m->headers[i] != NULL && json_object_object_get_ex(m->headers[i], name, out))
            return true;
    }
    return false;
}
