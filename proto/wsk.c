/* SPDX-License-Identifier: Apache-2.0 */
#include "wsk.h"

#include "b64.h"
#include "jwt.h"

#include <string.h>

/* How old the proof of a presentment key may be: a wallet may sign ahead of a slow issuance. */
#define MAX_PROOF_AGE ((int64_t)24 * 60 * 60)

static struct s2s_result unauthenticated(const char *detail)
{
    return s2s_fail(S2S_INVALID_CLIENT_AUTHENTICATION, detail);
}

/* Turn a failure of the layers below into the draft's verdict; our own limits and faults stay what they are. */
static struct s2s_result verdict(struct s2s_result r, enum s2s_code code)
{
    if (r.code == S2S_OK || r.code == S2S_LIMIT || r.code == S2S_INTERNAL)
        return r;
    return s2s_fail(code, r.detail);
}

/* Whether `iat` is there, at most `max_age` old, and not further in the future than the window. */
static bool is_fresh(const struct s2s_wsk_context *ctx, const struct json_object *claims, int64_t max_age)
{
    int64_t iat;
    return s2s_jwt_date(claims, "iat", &iat) == S2S_DATE_GOOD && iat >= ctx->now - max_age &&
           iat <= ctx->now + ctx->iat_window;
}

/* A JWT by `key`: a compact JWS of this typ whose payload is a JSON object. */
static struct s2s_result open_jwt(struct s2s_arena *arena, const char *text, const char *typ, const struct s2s_jwk *key,
                                  struct s2s_jws *jws, struct json_object **claims)
{
    S2S_TRY(verdict(s2s_jws_parse(arena, text, strlen(text), jws), S2S_INVALID_CLIENT_AUTHENTICATION));
    if (!s2s_jwt_has_typ(jws, typ))
        return unauthenticated("the JWT has another typ than its purpose demands");
    S2S_TRY(verdict(s2s_jws_verify(jws, key), S2S_INVALID_CLIENT_AUTHENTICATION));
    return verdict(s2s_jws_payload_json(arena, jws, claims), S2S_INVALID_CLIENT_AUTHENTICATION);
}

/* The JWT of an `attestation` member { "proof_type": "jwt", "jwt": … }, or NULL. */
static const char *attestation_jwt(const struct json_object *key_data)
{
    struct json_object *attestation = s2s_json_get(key_data, "attestation");
    return s2s_jwt_equals(attestation, "proof_type", "jwt") ? s2s_json_string(attestation, "jwt") : NULL;
}

static bool is_hpke_alg(const char *alg, enum s2s_curve curve)
{
    bool key_encryption;
    const struct s2s_hpke_suite *suite = s2s_hpke_suite_of(alg, &key_encryption);
    return suite != NULL && suite->curve == curve;
}

struct s2s_result s2s_keydata_key(const struct json_object *key_data, enum s2s_key_purpose purpose,
                                  struct s2s_jwk **out)
{
    static const struct {
        const char *key_type;
        bool (*alg_fits)(const char *alg, enum s2s_curve curve);
        enum s2s_use use;
    } rows[] = {
        [S2S_WALLET_SIGNING_KEY] = {"WALLET_SIGNING_KEY", s2s_jws_alg_fits, S2S_USE_VERIFY},
        [S2S_WALLET_ENCRYPTION_KEY] = {"WALLET_ENCRYPTION_KEY", is_hpke_alg, S2S_USE_ENCRYPT},
        [S2S_PRESENTMENT_KEY] = {"PRESENTMENT_KEY", s2s_jws_alg_fits, S2S_USE_VERIFY},
    };
    if (!s2s_jwt_equals(key_data, "keyType", rows[purpose].key_type))
        return s2s_fail(S2S_MALFORMED, "keyType is not the one that is expected here");
    struct s2s_jwk *key;
    S2S_TRY(s2s_jwk_parse_public(s2s_json_get(key_data, "client_public_key"), &key));

    struct s2s_result r = s2s_ok();
    const char *alg = s2s_jwk_alg(key);
    if (alg == NULL)
        r = s2s_fail(S2S_MALFORMED, "the JWK has no alg");
    else if (!rows[purpose].alg_fits(alg, s2s_jwk_curve(key)))
        r = s2s_fail(S2S_UNSUPPORTED, "the JWK's alg is not supported for this purpose and curve");
    else if (!s2s_jwk_permits(key, rows[purpose].use))
        r = s2s_fail(S2S_BAD_KEY, "the JWK's use or key_ops does not permit this purpose");
    if (s2s_failed(r))
        s2s_jwk_free(key);
    else
        *out = key;
    return r;
}

/* The draft's form: a bare signature over the sessionId exactly as sent. */
static struct s2s_result check_raw_nonce(struct s2s_arena *arena, const struct s2s_wsk_context *ctx, const char *nonce)
{
    struct s2s_bytes signature;
    S2S_TRY(s2s_b64_decode(arena, nonce, strlen(nonce), &signature));
    return s2s_jws_verify_raw(ctx->wsk, s2s_bytes(ctx->session_id, strlen(ctx->session_id)), signature);
}

/* The form that is bound to the issuer and to the time. */
static struct s2s_result check_bound_nonce(struct s2s_arena *arena, const struct s2s_wsk_context *ctx,
                                           const char *nonce, const char **jti)
{
    struct s2s_jws jws;
    struct json_object *claims;
    S2S_TRY(open_jwt(arena, nonce, "s2s-verification-nonce+jwt", ctx->wsk, &jws, &claims));
    if (!s2s_jwt_equals(claims, "sessionId", ctx->session_id))
        return unauthenticated("the verification nonce is for another session");
    if (!s2s_jwt_has_audience(claims, ctx->issuer))
        return unauthenticated("the verification nonce is for another issuer");
    if (!is_fresh(ctx, claims, ctx->iat_window))
        return unauthenticated("the verification nonce has no iat, or one outside of its window");
    const char *id = s2s_json_string(claims, "jti");
    if (id == NULL || id[0] == '\0')
        return unauthenticated("the verification nonce has no jti");
    *jti = id;
    return s2s_ok();
}

static bool has_two_dots(const char *text)
{
    const char *dot = strchr(text, '.');
    dot = dot != NULL ? strchr(dot + 1, '.') : NULL;
    return dot != NULL && strchr(dot + 1, '.') == NULL;
}

struct s2s_result s2s_wsk_check_nonce(struct s2s_arena *arena, const struct s2s_wsk_context *ctx, const char *nonce,
                                      enum s2s_nonce_policy policy, const char **jti)
{
    const char *found = NULL;
    if (has_two_dots(nonce))
        S2S_TRY(check_bound_nonce(arena, ctx, nonce, &found));
    else if (policy == S2S_NONCE_BOUND)
        return unauthenticated("the verification nonce must be a bound one");
    else
        S2S_TRY(verdict(check_raw_nonce(arena, ctx, nonce), S2S_INVALID_CLIENT_AUTHENTICATION));
    if (jti != NULL)
        *jti = found;
    return s2s_ok();
}

/* Whether an optional claim is absent or the expected string. */
static bool absent_or_equals(const struct json_object *claims, const char *name, const char *expected)
{
    return !json_object_object_get_ex(claims, name, NULL) ||
           (expected != NULL && s2s_jwt_equals(claims, name, expected));
}

/* The claims go into `arena`; everything on the way to them, into `scratch`. */
static struct s2s_result open_payload(struct s2s_arena *arena, struct s2s_arena *scratch,
                                      const struct s2s_wsk_context *ctx, struct json_object *jwe,
                                      struct json_object **claims)
{
    const struct s2s_jwk *used;
    struct s2s_bytes plaintext;
    S2S_TRY(verdict(s2s_jwe_open(scratch, jwe, ctx->issuer_keys, &used, &plaintext), S2S_INVALID_ENCRYPTION));

    struct s2s_jws jws;
    S2S_TRY(verdict(s2s_jws_parse(scratch, (const char *)plaintext.data, plaintext.len, &jws),
                    S2S_INVALID_CLIENT_AUTHENTICATION));
    S2S_TRY(verdict(s2s_jws_verify(&jws, ctx->wsk), S2S_INVALID_CLIENT_AUTHENTICATION));
    /* What is no JSON object has no aud. */
    S2S_TRY(verdict(s2s_jws_payload_json(arena, &jws, claims), S2S_INVALID_CLIENT_AUTHENTICATION));
    if (!s2s_jwt_has_audience(*claims, s2s_jwk_thumbprint(used)))
        return unauthenticated("aud is not the thumbprint of the key that the payload is encrypted to");
    return s2s_ok();
}

struct s2s_result s2s_wsk_open_payload(struct s2s_arena *arena, const struct s2s_wsk_context *ctx,
                                       const struct json_object *payload, struct json_object **claims)
{
    if (!s2s_jwt_equals(payload, "origin", "WALLET_CLIENT"))
        return unauthenticated("the payload's origin is not the wallet client");
    struct s2s_arena *scratch = s2s_arena_scratch(arena);
    struct s2s_result r = open_payload(arena, scratch, ctx, s2s_json_get(payload, "jwe"), claims);
    s2s_arena_free(scratch);
    S2S_TRY(r);
    if (!absent_or_equals(*claims, "sessionId", ctx->session_id))
        return unauthenticated("the payload is for another session");
    if (!absent_or_equals(*claims, "verificationId", ctx->verification_id))
        return unauthenticated("the payload is for another verification");
    return s2s_ok();
}

/* The key-binding JWT has no freshness limit: it may be signed once and kept (D5). */
static struct s2s_result check_key_binding(struct s2s_arena *arena, const struct s2s_wsk_context *ctx, const char *jwt,
                                           const struct s2s_jwk *wek)
{
    struct s2s_jws jws;
    struct json_object *claims;
    S2S_TRY(open_jwt(arena, jwt, "s2s-key-binding+jwt", ctx->wsk, &jws, &claims));
    if (!s2s_jwt_equals(claims, "sub", s2s_jwk_thumbprint(wek)))
        return unauthenticated("the key binding is for another wallet encryption key");
    if (!s2s_jwt_equals(claims, "sessionId", ctx->session_id))
        return unauthenticated("the key binding is for another session");
    if (!s2s_jwt_has_audience(claims, ctx->issuer))
        return unauthenticated("the key binding is for another issuer");
    int64_t iat;
    if (s2s_jwt_date(claims, "iat", &iat) != S2S_DATE_GOOD)
        return unauthenticated("the key binding has no iat");
    return s2s_ok();
}

struct s2s_result s2s_wsk_check_wek(struct s2s_arena *arena, const struct s2s_wsk_context *ctx,
                                    const struct json_object *wek_data, const struct s2s_jwk *wek,
                                    const char *signed_thumbprint)
{
    if (signed_thumbprint != NULL && strcmp(signed_thumbprint, s2s_jwk_thumbprint(wek)) == 0)
        return s2s_ok();
    const char *jwt = attestation_jwt(wek_data);
    if (jwt == NULL)
        return unauthenticated("nothing signed by the wallet client binds the wallet encryption key");
    return check_key_binding(arena, ctx, jwt, wek);
}

static struct s2s_result check_proof_jwt(struct s2s_arena *arena, const struct s2s_wsk_context *ctx, const char *jwt,
                                         const struct s2s_jwk *key)
{
    struct s2s_jws jws;
    struct json_object *claims;
    S2S_TRY(open_jwt(arena, jwt, "openid4vci-proof+jwt", key, &jws, &claims));
    if (!s2s_jwk_is(s2s_json_get(jws.header, "jwk"), key))
        return unauthenticated("the proof of a presentment key names another key");
    if (!s2s_jwt_has_audience(claims, ctx->issuer))
        return unauthenticated("the proof of a presentment key is for another issuer");
    if (!is_fresh(ctx, claims, MAX_PROOF_AGE))
        return unauthenticated("the proof of a presentment key has no iat, or one outside of its window");
    if (!s2s_jwt_equals(claims, "nonce", ctx->session_id))
        return unauthenticated("the proof of a presentment key is for another session");
    return s2s_ok();
}

static struct s2s_result check_proof(const struct s2s_arena *arena, const struct s2s_wsk_context *ctx,
                                     const struct json_object *key_data, const struct s2s_jwk *key)
{
    const char *jwt = attestation_jwt(key_data);
    if (jwt == NULL)
        return unauthenticated("a presentment key has no proof");
    struct s2s_arena *scratch = s2s_arena_scratch(arena);
    struct s2s_result r = check_proof_jwt(scratch, ctx, jwt, key);
    s2s_arena_free(scratch);
    return r;
}

static bool contains(struct s2s_jwk *const *keys, size_t count, const struct s2s_jwk *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(s2s_jwk_thumbprint(keys[i]), s2s_jwk_thumbprint(key)) == 0)
            return true;
    }
    return false;
}

struct s2s_result s2s_wsk_presentment_keys(struct s2s_arena *arena, const struct s2s_wsk_context *ctx,
                                           struct json_object *claims, size_t max, struct s2s_jwk ***keys,
                                           size_t *count)
{
    struct json_object *list = s2s_json_get(claims, "presentmentKeys");
    *count = SIZE_MAX;
    if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) == 0)
        return s2s_fail(S2S_MALFORMED, "presentmentKeys is not an array with a key");
    size_t total = json_object_array_length(list);
    if (total > max)
        return s2s_fail(S2S_LIMIT, "there are more presentment keys than allowed");
    struct s2s_jwk **found = s2s_arena_alloc(arena, total * sizeof(struct s2s_jwk *));
    if (found == NULL)
        return s2s_fail(S2S_LIMIT, "there are more presentment keys than memory");

    for (size_t i = 0; i < total; i++) {
        struct json_object *key_data = json_object_array_get_idx(list, i);
        struct s2s_jwk *key;
        *count = i;
        S2S_TRY(verdict(s2s_keydata_key(key_data, S2S_PRESENTMENT_KEY, &key), S2S_MALFORMED));
        s2s_jwk_own(arena, key);
        if (contains(found, i, key))
            return s2s_fail(S2S_MALFORMED, "a presentment key is there twice");
        S2S_TRY(check_proof(arena, ctx, key_data, key));
        found[i] = key;
    }
    *keys = found;
    *count = total;
    return s2s_ok();
}
