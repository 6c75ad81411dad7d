/* SPDX-License-Identifier: Apache-2.0 */
#include "jwk.h"

#include "b64.h"
#include "crypto.h"
#include "curve.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct s2s_jwk {
    atomic_uint references;
    enum s2s_curve curve;
    bool is_private;
    bool is_ours;  /* pkey is of s2s_curve_public, and nobody else has it */
    unsigned uses; /* bit 1u << enum s2s_use for each that `use` and `key_ops` permit */
    EVP_PKEY *pkey;
    char *alg, *kid; /* NULL when absent */
    char thumbprint[S2S_THUMBPRINT_SIZE];
    uint8_t raw[S2S_MAX_RAW];
};

#define BIT(use) (1u << (use))
#define EVERY_USE (BIT(S2S_USE_SIGN) | BIT(S2S_USE_VERIFY) | BIT(S2S_USE_ENCRYPT) | BIT(S2S_USE_DECRYPT))

/* A value of `use` or `key_ops` and what it permits. */
struct permission {
    const char *name;
    unsigned uses;
};

static unsigned permitted_by(const struct permission *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].uses;
    }
    return 0; /* a value that we do not know permits nothing that we do */
}

/* `use` (RFC 7517 section 4.2). */
static struct s2s_result read_use(const struct json_object *json, unsigned *uses)
{
    static const struct permission rows[] = {
        {"sig", BIT(S2S_USE_SIGN) | BIT(S2S_USE_VERIFY)},
        {"enc", BIT(S2S_USE_ENCRYPT) | BIT(S2S_USE_DECRYPT)},
    };
    if (!json_object_object_get_ex(json, "use", NULL))
        return s2s_ok();
    const char *use = s2s_json_string(json, "use");
    if (use == NULL)
        return s2s_fail(S2S_MALFORMED, "the JWK's use is not a string");
    *uses &= permitted_by(rows, sizeof rows / sizeof rows[0], use);
    return s2s_ok();
}

/* `key_ops` (RFC 7517 section 4.3). Libraries name HPKE's two halves in several ways; each is understood. An empty one
 * is how Web Cryptography exports the public half of a key agreement, where only the private half has usages (section
 * "ECDH", "Generate Key"): it permits to encrypt to that half, and nothing else. */
static struct s2s_result read_key_ops(const struct json_object *json, unsigned *uses)
{
    static const unsigned agreement = BIT(S2S_USE_ENCRYPT) | BIT(S2S_USE_DECRYPT);
    const struct permission rows[] = {
        {"sign", BIT(S2S_USE_SIGN)},       {"verify", BIT(S2S_USE_VERIFY)},   {"encrypt", BIT(S2S_USE_ENCRYPT)},
        {"wrapKey", BIT(S2S_USE_ENCRYPT)}, {"decrypt", BIT(S2S_USE_DECRYPT)}, {"unwrapKey", BIT(S2S_USE_DECRYPT)},
        {"deriveKey", agreement},          {"deriveBits", agreement},
    };
    struct json_object *ops = NULL;
    if (!json_object_object_get_ex(json, "key_ops", &ops))
        return s2s_ok();
    if (!json_object_is_type(ops, json_type_array))
        return s2s_fail(S2S_MALFORMED, "the JWK's key_ops is not an array");
    unsigned permitted = json_object_array_length(ops) == 0 ? BIT(S2S_USE_ENCRYPT) : 0;
    for (size_t i = 0; i < json_object_array_length(ops); i++) {
        struct json_object *op = json_object_array_get_idx(ops, i);
        if (!json_object_is_type(op, json_type_string))
            return s2s_fail(S2S_MALFORMED, "the JWK's key_ops has something else than strings");
        permitted |= permitted_by(rows, sizeof rows / sizeof rows[0], json_object_get_string(op));
    }
    *uses &= permitted;
    return s2s_ok();
}

/* A copy of an optional string member. */
static struct s2s_result read_optional(const struct json_object *json, const char *name, char **out)
{
    if (!json_object_object_get_ex(json, name, NULL))
        return s2s_ok();
    const char *text = s2s_json_string(json, name);
    if (text == NULL)
        return s2s_fail(S2S_MALFORMED, "the JWK's alg or kid is not a string");
    *out = strdup(text);
    s2s_assert(*out != NULL);
    return s2s_ok();
}

static struct s2s_result read_curve(const struct json_object *json, enum s2s_curve *out)
{
    const char *kty = s2s_json_string(json, "kty");
    if (kty == NULL)
        return s2s_fail(S2S_MALFORMED, "the JWK has no kty");
    if (strcmp(kty, "EC") != 0 && strcmp(kty, "OKP") != 0)
        return s2s_fail(S2S_UNSUPPORTED, "the JWK's kty is not supported");
    const char *crv = s2s_json_string(json, "crv");
    if (crv == NULL)
        return s2s_fail(S2S_MALFORMED, "the JWK has no crv");
    for (int i = 0; i < S2S_CURVES; i++) {
        if (strcmp(kty, s2s_curves[i].kty) == 0 && strcmp(crv, s2s_curves[i].crv) == 0) {
            *out = (enum s2s_curve)i;
            return s2s_ok();
        }
    }
    return s2s_fail(S2S_UNSUPPORTED, "the JWK's crv is not supported");
}

/* The octets of x, y or d: always as many as the field needs, leading zeros included (RFC 7518 section 6.2). */
static struct s2s_result read_octets(const struct json_object *json, const char *name, uint8_t *out, size_t size)
{
    const char *text = s2s_json_string(json, name);
    if (text == NULL)
        return s2s_fail(S2S_MALFORMED, "the JWK lacks a member of its key type");
    size_t len = strlen(text);
    if (len != s2s_b64_encoded_len(size))
        return s2s_fail(S2S_BAD_KEY, "a member of the JWK has the wrong length for the curve");
    return s2s_b64_decode_to(out, text, len);
}

static struct s2s_result read_raw(const struct json_object *json, enum s2s_curve curve, uint8_t *raw)
{
    const struct s2s_curve_info *info = &s2s_curves[curve];
    if (!info->is_ec)
        return read_octets(json, "x", raw, info->size);
    raw[0] = S2S_EC_UNCOMPRESSED;
    S2S_TRY(read_octets(json, "x", raw + 1, info->size));
    return read_octets(json, "y", raw + 1 + info->size, info->size);
}

static bool has_private_member(const struct json_object *json)
{
    static const char *const names[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (json_object_object_get_ex(json, names[i], NULL))
            return true;
    }
    return false;
}

/* x, and y of an EC key, as base64url text. */
struct coordinates {
    char x[96], y[96];
};

static struct coordinates coordinates_of(const struct s2s_jwk *jwk)
{
    const struct s2s_curve_info *info = &s2s_curves[jwk->curve];
    const uint8_t *x = info->is_ec ? jwk->raw + 1 : jwk->raw;
    struct coordinates c = {"", ""};
    s2s_b64_encode_to(c.x, s2s_bytes(x, info->size));
    if (info->is_ec)
        s2s_b64_encode_to(c.y, s2s_bytes(x + info->size, info->size));
    return c;
}

/* RFC 7638 section 3: the required members alone, in lexicographic order, without spaces. */
static struct s2s_result set_thumbprint(struct s2s_jwk *jwk)
{
    const struct s2s_curve_info *info = &s2s_curves[jwk->curve];
    struct coordinates c = coordinates_of(jwk);
    char text[256];
    int len = info->is_ec ? snprintf(text, sizeof text, "{\"crv\":\"%s\",\"kty\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}",
                                     info->crv, info->kty, c.x, c.y)
                          : snprintf(text, sizeof text, "{\"crv\":\"%s\",\"kty\":\"%s\",\"x\":\"%s\"}", info->crv,
                                     info->kty, c.x);
    s2s_assert(len > 0 && (size_t)len < sizeof text);
    uint8_t digest[S2S_MAX_HASH];
    S2S_TRY(s2s_hash(S2S_SHA256, s2s_bytes(text, (size_t)len), digest));
    s2s_b64_encode_to(jwk->thumbprint, s2s_bytes(digest, s2s_hash_size(S2S_SHA256)));
    return s2s_ok();
}

static struct s2s_jwk *new_jwk(void)
{
    struct s2s_jwk *jwk = calloc(1, sizeof *jwk);
    s2s_assert(jwk != NULL);
    atomic_init(&jwk->references, 1);
    jwk->uses = EVERY_USE;
    return jwk;
}

static struct s2s_result read_pair(const struct json_object *json, struct s2s_jwk *jwk)
{
    uint8_t d[S2S_MAX_COORDINATE];
    size_t size = s2s_curves[jwk->curve].size;
    struct s2s_result r = read_octets(json, "d", d, size);
    if (!s2s_failed(r))
        r = s2s_curve_pair(jwk->curve, s2s_jwk_public_raw(jwk), s2s_bytes(d, size), &jwk->pkey);
    OPENSSL_cleanse(d, sizeof d);
    return r;
}

static struct s2s_result read_public(struct s2s_jwk *jwk)
{
    struct s2s_bytes raw = s2s_jwk_public_raw(jwk);
    S2S_TRY(s2s_curve_public(jwk->curve, raw, &jwk->pkey));
    jwk->is_ours = true;
    return s2s_curve_check_order(jwk->curve, raw, jwk->pkey);
}

/* Everything that the text says, before the key is made of it. */
static struct s2s_result read_members(const struct json_object *json, struct s2s_jwk *jwk)
{
    if (!json_object_is_type(json, json_type_object))
        return s2s_fail(S2S_MALFORMED, "the JWK is not an object");
    S2S_TRY(read_curve(json, &jwk->curve));
    if (!jwk->is_private && has_private_member(json))
        return s2s_fail(S2S_BAD_KEY, "the JWK has private members");
    S2S_TRY(read_optional(json, "alg", &jwk->alg));
    S2S_TRY(read_optional(json, "kid", &jwk->kid));
    S2S_TRY(read_use(json, &jwk->uses));
    S2S_TRY(read_key_ops(json, &jwk->uses));
    return read_raw(json, jwk->curve, jwk->raw);
}

/* Fill the empty `jwk`. */
static struct s2s_result read_key(const struct json_object *json, struct s2s_jwk *jwk)
{
    S2S_TRY(read_members(json, jwk));
    S2S_TRY(jwk->is_private ? read_pair(json, jwk) : read_public(jwk));
    return set_thumbprint(jwk);
}

static struct s2s_result take(struct s2s_jwk *jwk, struct s2s_result r, struct s2s_jwk **out)
{
    if (s2s_failed(r))
        s2s_jwk_free(jwk);
    else
        *out = jwk;
    return r;
}

struct s2s_result s2s_jwk_parse_public(const struct json_object *json, struct s2s_jwk **out)
{
    struct s2s_jwk *jwk = new_jwk();
    return take(jwk, read_key(json, jwk), out);
}

struct s2s_result s2s_jwk_parse_private(const struct json_object *json, struct s2s_jwk **out)
{
    struct s2s_jwk *jwk = new_jwk();
    jwk->is_private = true;
    return take(jwk, read_key(json, jwk), out);
}

bool s2s_jwk_is(const struct json_object *json, const struct s2s_jwk *key)
{
    struct s2s_jwk read = {.uses = EVERY_USE};
    bool same = !s2s_failed(read_members(json, &read)) && read.curve == key->curve &&
                memcmp(read.raw, key->raw, s2s_curves[key->curve].raw_size) == 0;
    free(read.alg);
    free(read.kid);
    return same;
}

static struct s2s_result adopt(EVP_PKEY *pkey, struct s2s_jwk *jwk)
{
    S2S_TRY(s2s_curve_of(pkey, &jwk->curve));
    S2S_TRY(s2s_curve_raw(pkey, jwk->curve, jwk->raw));
    jwk->is_private = s2s_curve_is_private(pkey, jwk->curve);
    s2s_assert(EVP_PKEY_up_ref(pkey) == 1);
    jwk->pkey = pkey;
    return set_thumbprint(jwk);
}

struct s2s_result s2s_jwk_from_pkey(EVP_PKEY *pkey, const char *alg, const char *kid, struct s2s_jwk **out)
{
    struct s2s_jwk *jwk = new_jwk();
    jwk->alg = alg != NULL ? strdup(alg) : NULL;
    jwk->kid = kid != NULL ? strdup(kid) : NULL;
    s2s_assert((alg == NULL || jwk->alg != NULL) && (kid == NULL || jwk->kid != NULL));
    return take(jwk, adopt(pkey, jwk), out);
}

void s2s_jwk_free(struct s2s_jwk *jwk)
{
    if (jwk == NULL || atomic_fetch_sub_explicit(&jwk->references, 1, memory_order_acq_rel) > 1)
        return;
    if (jwk->is_ours)
        s2s_curve_release(jwk->curve, jwk->pkey);
    else
        EVP_PKEY_free(jwk->pkey);
    free(jwk->alg);
    free(jwk->kid);
    free(jwk);
}

static void free_deferred(void *jwk)
{
    s2s_jwk_free(jwk);
}

struct s2s_jwk *s2s_jwk_own(struct s2s_arena *arena, struct s2s_jwk *jwk)
{
    s2s_arena_defer(arena, free_deferred, jwk);
    return jwk;
}

struct s2s_jwk *s2s_jwk_share(struct s2s_jwk *jwk)
{
    atomic_fetch_add_explicit(&jwk->references, 1, memory_order_relaxed);
    return jwk;
}

const char *s2s_jwk_alg(const struct s2s_jwk *jwk)
{
    return jwk->alg;
}

const char *s2s_jwk_kid(const struct s2s_jwk *jwk)
{
    return jwk->kid;
}

const char *s2s_jwk_thumbprint(const struct s2s_jwk *jwk)
{
    return jwk->thumbprint;
}

enum s2s_curve s2s_jwk_curve(const struct s2s_jwk *jwk)
{
    return jwk->curve;
}

bool s2s_jwk_is_private(const struct s2s_jwk *jwk)
{
    return jwk->is_private;
}

EVP_PKEY *s2s_jwk_pkey(const struct s2s_jwk *jwk)
{
    return jwk->pkey;
}

bool s2s_jwk_permits(const struct s2s_jwk *jwk, enum s2s_use use)
{
    return (jwk->uses & BIT(use)) != 0;
}

struct s2s_bytes s2s_jwk_public_raw(const struct s2s_jwk *jwk)
{
    return s2s_bytes(jwk->raw, s2s_curves[jwk->curve].raw_size);
}

struct json_object *s2s_jwk_public_json(const struct s2s_jwk *jwk)
{
    const struct s2s_curve_info *info = &s2s_curves[jwk->curve];
    struct coordinates c = coordinates_of(jwk);
    struct json_object *json = json_object_new_object();
    s2s_assert(json != NULL);
    s2s_json_set_string(json, "kty", info->kty);
    s2s_json_set_string(json, "crv", info->crv);
    s2s_json_set_string(json, "x", c.x);
    if (info->is_ec)
        s2s_json_set_string(json, "y", c.y);
    if (jwk->alg != NULL)
        s2s_json_set_string(json, "alg", jwk->alg);
    if (jwk->kid != NULL)
        s2s_json_set_string(json, "kid", jwk->kid);
    return json;
}

const struct s2s_jwk *s2s_keyring_find(const struct s2s_keyring *ring, const char *kid)
{
    for (size_t i = 0; i < ring->count; i++) {
        const char *candidate = ring->keys[i]->kid;
        if (candidate != NULL && strcmp(candidate, kid) == 0)
            return ring->keys[i];
    }
    return NULL;
}
