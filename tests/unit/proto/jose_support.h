/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of keys, signatures and encryption share: an arena a test, JSON and keys from text, fresh keys,
 * and the published vectors.
 */
#ifndef S2S_JOSE_SUPPORT_H
#define S2S_JOSE_SUPPORT_H

#include "proto/curve.h"
#include "tests/unit/check_main.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

static struct s2s_arena *arena;

static inline void setup(void)
{
    arena = s2s_arena_new((size_t)16 << 20);
}

/* Whatever failed, nothing may be left in OpenSSL's error queue: a TLS connection would find it there. */
static inline void teardown(void)
{
    s2s_arena_free(arena);
    ck_assert_uint_eq(ERR_peek_error(), 0);
}

static inline struct s2s_bytes bytes(const char *text)
{
    return s2s_bytes(text, strlen(text));
}

static inline void assert_bytes_equal(struct s2s_bytes a, struct s2s_bytes b)
{
    ck_assert_uint_eq(a.len, b.len);
    ck_assert_mem_eq(a.data, b.data, a.len);
}

static inline struct json_object *json(const char *text)
{
    struct json_object *obj = NULL;
    struct s2s_result r = s2s_json_parse(arena, text, strlen(text), 16, &obj);
    ck_assert_msg(r.code == S2S_OK, "%s: %s", r.detail, text);
    return obj;
}

/* A copy that may be changed. */
static inline struct json_object *copy_of(struct json_object *obj)
{
    return json(json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PLAIN));
}

/* Keys that live as long as the arena. */
static inline struct s2s_jwk *own(struct s2s_jwk *jwk)
{
    return s2s_jwk_own(arena, jwk);
}

static inline struct s2s_jwk *private_key(const struct json_object *obj)
{
    struct s2s_jwk *jwk = NULL;
    struct s2s_result r = s2s_jwk_parse_private(obj, &jwk);
    ck_assert_msg(r.code == S2S_OK, "%s", r.detail);
    return own(jwk);
}

static inline struct s2s_jwk *public_key(const struct json_object *obj)
{
    struct s2s_jwk *jwk = NULL;
    struct s2s_result r = s2s_jwk_parse_public(obj, &jwk);
    ck_assert_msg(r.code == S2S_OK, "%s", r.detail);
    return own(jwk);
}

static inline struct json_object *public_json(const struct s2s_jwk *jwk)
{
    return s2s_json_own(arena, s2s_jwk_public_json(jwk));
}

static inline struct s2s_jwk *new_key(enum s2s_curve curve, const char *alg, const char *kid)
{
    EVP_PKEY *pkey = NULL;
    struct s2s_jwk *jwk = NULL;
    ck_assert_int_eq(s2s_curve_generate(curve, &pkey).code, S2S_OK);
    ck_assert_int_eq(s2s_jwk_from_pkey(pkey, alg, kid, &jwk).code, S2S_OK);
    EVP_PKEY_free(pkey);
    return own(jwk);
}

/* The JSON in tests/vectors/NAME. */
static inline struct json_object *vectors(const char *name)
{
    struct json_object *file = json_object_from_file(s2s_arena_printf(arena, "%s/vectors/%s", TEST_SOURCE_DIR, name));
    ck_assert_msg(file != NULL, "%s", name);
    return s2s_json_own(arena, file);
}

#endif
