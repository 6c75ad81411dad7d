/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wsk.h"

#include "jose_support.h"
#include "proto/b64.h"

#define ISSUER "https://issuer.example"
#define SESSION "8d7a1f0e-2b6c-4d5e-9f01-23456789abcd"
#define OTHER_SESSION "8D7A1F0E-2b6c-4d5e-9f01-23456789abcd" /* differs by case only */
#define VERIFICATION "0f8fad5b-d9cb-469f-a165-70867728950e"
#define NOW 1795000000

static struct s2s_jwk *wsk;
static struct s2s_jwk *issuer_keys[2];
static struct s2s_keyring ring;
static struct s2s_wsk_context ctx;

static void setup_wallet(void)
{
    setup();
    wsk = new_key(S2S_P256, "ES256", NULL);
    issuer_keys[0] = new_key(S2S_P256, "HPKE-0-KE", "new");
    issuer_keys[1] = new_key(S2S_X25519, "HPKE-4", "old");
    ring = (struct s2s_keyring){issuer_keys, 2};
    ctx = (struct s2s_wsk_context){.issuer = ISSUER,
                                   .session_id = SESSION,
                                   .verification_id = VERIFICATION,
                                   .wsk = wsk,
                                   .issuer_keys = &ring,
                                   .now = NOW,
                                   .iat_window = 300};
}

/* A JWT by `key` with the header members and the claims given as JSON text. */
static char *jwt(const struct s2s_jwk *key, const char *header, const char *claims)
{
    char *out = NULL;
    ck_assert_int_eq(s2s_jws_sign(arena, key, json(header), bytes(claims), &out).code, S2S_OK);
    return out;
}

/* `text` with the first `from` replaced by `to`: one claim of a good JWT made bad. */
static const char *with(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    ck_assert_ptr_nonnull(at);
    return s2s_arena_printf(arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

/* One replacement, and whether the result is still good. */
struct change {
    const char *from, *to;
    bool good;
};

/* --- KeyData --- */

static struct json_object *key_data(const char *key_type, const struct s2s_jwk *key)
{
    struct json_object *data = s2s_json_own(arena, json_object_new_object());
    s2s_json_set_string(data, "keyType", key_type);
    json_object_object_add(data, "client_public_key", s2s_jwk_public_json(key));
    return data;
}

START_TEST(test_key_data)
{
    static const struct {
        enum s2s_key_purpose purpose;
        const char *key_type, *alg;
        enum s2s_curve curve;
        enum s2s_code code;
    } rows[] = {
        {S2S_WALLET_SIGNING_KEY, "WALLET_SIGNING_KEY", "ES256", S2S_P256, S2S_OK},
        {S2S_WALLET_SIGNING_KEY, "WALLET_SIGNING_KEY", "ES512", S2S_P521, S2S_OK},
        {S2S_WALLET_SIGNING_KEY, "WALLET_SIGNING_KEY", "EdDSA", S2S_ED25519, S2S_OK},
        {S2S_PRESENTMENT_KEY, "PRESENTMENT_KEY", "Ed25519", S2S_ED25519, S2S_OK},
        {S2S_WALLET_ENCRYPTION_KEY, "WALLET_ENCRYPTION_KEY", "HPKE-0-KE", S2S_P256, S2S_OK},
        {S2S_WALLET_ENCRYPTION_KEY, "WALLET_ENCRYPTION_KEY", "HPKE-5", S2S_X448, S2S_OK},
        {S2S_WALLET_SIGNING_KEY, "WALLET_ENCRYPTION_KEY", "ES256", S2S_P256, S2S_MALFORMED},
        {S2S_WALLET_SIGNING_KEY, "wallet_signing_key", "ES256", S2S_P256, S2S_MALFORMED},
        {S2S_WALLET_SIGNING_KEY, "WALLET_SIGNING_KEY", NULL, S2S_P256, S2S_MALFORMED},
        {S2S_WALLET_SIGNING_KEY, "WALLET_SIGNING_KEY", "ES384", S2S_P256, S2S_UNSUPPORTED},
        {S2S_WALLET_SIGNING_KEY, "WALLET_SIGNING_KEY", "HPKE-0", S2S_P256, S2S_UNSUPPORTED},
        {S2S_WALLET_SIGNING_KEY, "WALLET_SIGNING_KEY", "none", S2S_P256, S2S_UNSUPPORTED},
        {S2S_WALLET_SIGNING_KEY, "WALLET_SIGNING_KEY", "EdDSA", S2S_X25519, S2S_UNSUPPORTED},
        {S2S_WALLET_ENCRYPTION_KEY, "WALLET_ENCRYPTION_KEY", "ES256", S2S_P256, S2S_UNSUPPORTED},
        {S2S_WALLET_ENCRYPTION_KEY, "WALLET_ENCRYPTION_KEY", "HPKE-1-KE", S2S_P256, S2S_UNSUPPORTED},
        {S2S_WALLET_ENCRYPTION_KEY, "WALLET_ENCRYPTION_KEY", "ECDH-ES", S2S_P256, S2S_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s2s_jwk *key = NULL;
        struct json_object *data = key_data(rows[i].key_type, new_key(rows[i].curve, rows[i].alg, NULL));
        struct s2s_result r = s2s_keydata_key(data, rows[i].purpose, &key);
        ck_assert_msg(r.code == rows[i].code, "%zu: %d", i, (int)r.code);
        s2s_jwk_free(key);
    }
    struct s2s_jwk *key = NULL;
    ck_assert_int_eq(s2s_keydata_key(NULL, S2S_WALLET_SIGNING_KEY, &key).code, S2S_MALFORMED);
    ck_assert_int_eq(s2s_keydata_key(json("{\"keyType\":\"WALLET_SIGNING_KEY\"}"), S2S_WALLET_SIGNING_KEY, &key).code,
                     S2S_MALFORMED);
    struct json_object *data = key_data("WALLET_SIGNING_KEY", wsk);
    s2s_json_set_string(s2s_json_get(data, "client_public_key"), "use", "enc");
    ck_assert_int_eq(s2s_keydata_key(data, S2S_WALLET_SIGNING_KEY, &key).code, S2S_BAD_KEY);
}
END_TEST

/* --- verificationNonce --- */

static enum s2s_code check_nonce(const char *nonce, enum s2s_nonce_policy policy)
{
    return s2s_wsk_check_nonce(arena, &ctx, nonce, policy, NULL).code;
}

static const char *raw_nonce(const struct s2s_jwk *key, const char *session)
{
    struct s2s_bytes signature;
    ck_assert_int_eq(s2s_jws_sign_raw(arena, key, bytes(session), &signature).code, S2S_OK);
    return s2s_b64_encode(arena, signature);
}

START_TEST(test_raw_nonce)
{
    const char *nonce = raw_nonce(wsk, SESSION), *jti = "unset";
    ck_assert_int_eq(s2s_wsk_check_nonce(arena, &ctx, nonce, S2S_NONCE_ANY, &jti).code, S2S_OK);
    ck_assert_ptr_null(jti);
    ck_assert_int_eq(check_nonce(nonce, S2S_NONCE_BOUND), S2S_INVALID_CLIENT_AUTHENTICATION);
    ck_assert_int_eq(check_nonce(raw_nonce(wsk, OTHER_SESSION), S2S_NONCE_ANY), S2S_INVALID_CLIENT_AUTHENTICATION);
    ck_assert_int_eq(check_nonce(raw_nonce(new_key(S2S_P256, "ES256", NULL), SESSION), S2S_NONCE_ANY),
                     S2S_INVALID_CLIENT_AUTHENTICATION);
    static const char *const bad[] = {"", "AAAA", "not base64url!", "a.b", "a.b.c.d"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_int_eq(check_nonce(bad[i], S2S_NONCE_ANY), S2S_INVALID_CLIENT_AUTHENTICATION);
}
END_TEST

#define NONCE_HEADER "{\"typ\":\"s2s-verification-nonce+jwt\"}"
#define NONCE_CLAIMS "{\"sessionId\":\"" SESSION "\",\"aud\":\"" ISSUER "\",\"iat\":1795000000,\"jti\":\"n-1\"}"

START_TEST(test_bound_nonce)
{
    const char *jti = NULL;
    char *good = jwt(wsk, NONCE_HEADER, NONCE_CLAIMS);
    ck_assert_int_eq(s2s_wsk_check_nonce(arena, &ctx, good, S2S_NONCE_BOUND, &jti).code, S2S_OK);
    ck_assert_str_eq(jti, "n-1");
    ck_assert_int_eq(check_nonce(good, S2S_NONCE_ANY), S2S_OK);
    ck_assert_int_eq(check_nonce(jwt(new_key(S2S_P256, NULL, NULL), NONCE_HEADER, NONCE_CLAIMS), S2S_NONCE_ANY),
                     S2S_INVALID_CLIENT_AUTHENTICATION);

    static const struct change claims[] = {
        {SESSION, OTHER_SESSION, false},
        {"\"" ISSUER "\"", "[\"x\",7,\"" ISSUER "\"]", true},
        {"\"" ISSUER "\"", "[]", false},
        {ISSUER, ISSUER "/", false},
        {"\"aud\"", "\"a\"", false},
        {"1795000000", "1794999700", true},
        {"1795000000", "1794999699", false},
        {"1795000000", "1795000300", true},
        {"1795000000", "1795000301", false},
        {"1795000000", "-1", false},
        {"1795000000", "18446744073709551615", false},
        {"1795000000", "1795000000.5", true},
        {"1795000000", "1.795e9", true},
        {"1795000000", "1795000301.5", false},
        {"1795000000", "1e300", false},
        {"1795000000", "-1e300", false},
        {"1795000000", "\"1795000000\"", false},
        {"\"iat\"", "\"i\"", false},
        {"n-1", "", false},
        {"\"n-1\"", "1", false},
        {"\"jti\"", "\"j\"", false},
    };
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        const char *nonce = jwt(wsk, NONCE_HEADER, with(NONCE_CLAIMS, claims[i].from, claims[i].to));
        enum s2s_code expected = claims[i].good ? S2S_OK : S2S_INVALID_CLIENT_AUTHENTICATION;
        ck_assert_msg(check_nonce(nonce, S2S_NONCE_BOUND) == expected, "%s -> %s", claims[i].from, claims[i].to);
    }
    static const struct change headers[] = {
        {"s2s-v", "application/s2s-v", true}, {"s2s-v", "APPLICATION/S2S-V", true},
        {"s2s-v", "text/s2s-v", false},       {"s2s-verification-nonce+jwt", "JWT", false},
        {"\"typ\"", "\"t\"", false},          {"\"typ\"", "\"crit\":[],\"typ\"", false},
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        const char *nonce = jwt(wsk, with(NONCE_HEADER, headers[i].from, headers[i].to), NONCE_CLAIMS);
        enum s2s_code expected = headers[i].good ? S2S_OK : S2S_INVALID_CLIENT_AUTHENTICATION;
        ck_assert_msg(check_nonce(nonce, S2S_NONCE_BOUND) == expected, "%s -> %s", headers[i].from, headers[i].to);
    }
    ck_assert_int_eq(check_nonce("..", S2S_NONCE_ANY), S2S_INVALID_CLIENT_AUTHENTICATION);
}
END_TEST

/* --- client encrypted payloads --- */

static struct json_object *sealed_payload(const struct s2s_jwk *issuer_key, const char *plaintext)
{
    struct s2s_jwe_options options = {.form = S2S_JWE_FLATTENED};
    struct json_object *jwe = NULL, *payload = s2s_json_own(arena, json_object_new_object());
    ck_assert_int_eq(s2s_jwe_seal(arena, issuer_key, &options, bytes(plaintext), &jwe).code, S2S_OK);
    s2s_json_set_string(payload, "origin", "WALLET_CLIENT");
    json_object_object_add(payload, "jwe", json_object_get(jwe));
    return payload;
}

static enum s2s_code open_payload(const struct json_object *payload)
{
    struct json_object *claims = NULL;
    return s2s_wsk_open_payload(arena, &ctx, payload, &claims).code;
}

static const char *claims_for(const struct s2s_jwk *issuer_key, const char *more)
{
    return s2s_arena_printf(arena, "{\"id\":\"otp-1\",\"aud\":\"%s\"%s}", s2s_jwk_thumbprint(issuer_key), more);
}

START_TEST(test_payload)
{
    for (int i = 0; i < 2; i++) {
        struct json_object *claims = NULL;
        struct json_object *payload = sealed_payload(issuer_keys[i], jwt(wsk, "{}", claims_for(issuer_keys[i], "")));
        ck_assert_int_eq(s2s_wsk_open_payload(arena, &ctx, payload, &claims).code, S2S_OK);
        ck_assert_str_eq(s2s_json_string(claims, "id"), "otp-1");
    }
    static const struct {
        const char *more;
        bool good;
    } rows[] = {
        {",\"sessionId\":\"" SESSION "\",\"verificationId\":\"" VERIFICATION "\"", true},
        {",\"sessionId\":\"" OTHER_SESSION "\"", false},
        {",\"sessionId\":null", false},
        {",\"verificationId\":\"" SESSION "\"", false},
        {",\"verificationId\":5", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_object *payload =
            sealed_payload(issuer_keys[0], jwt(wsk, "{}", claims_for(issuer_keys[0], rows[i].more)));
        ck_assert_msg(open_payload(payload) == (rows[i].good ? S2S_OK : S2S_INVALID_CLIENT_AUTHENTICATION), "%s",
                      rows[i].more);
    }
    ctx.verification_id = NULL; /* the request names none, so the payload may not either */
    ck_assert_int_eq(
        open_payload(sealed_payload(issuer_keys[0], jwt(wsk, "{}", claims_for(issuer_keys[0], rows[0].more)))),
        S2S_INVALID_CLIENT_AUTHENTICATION);
}
END_TEST

START_TEST(test_payload_refusals)
{
    struct s2s_jwk *key = issuer_keys[0], *stranger = new_key(S2S_P256, "ES256", NULL);
    /* encryption */
    ck_assert_int_eq(open_payload(sealed_payload(new_key(S2S_P256, "HPKE-0-KE", "x"), "y")), S2S_INVALID_ENCRYPTION);
    ck_assert_int_eq(open_payload(sealed_payload(new_key(S2S_P256, "HPKE-0-KE", "new"), "y")), S2S_INVALID_ENCRYPTION);
    ck_assert_int_eq(open_payload(sealed_payload(new_key(S2S_P256, "HPKE-7-KE", "new"), "y")), S2S_INVALID_ENCRYPTION);
    ck_assert_int_eq(open_payload(json("{\"origin\":\"WALLET_CLIENT\"}")), S2S_INVALID_ENCRYPTION);
    ck_assert_int_eq(open_payload(json("{\"origin\":\"WALLET_CLIENT\",\"jwe\":\"a.b.c.d.e\"}")),
                     S2S_INVALID_ENCRYPTION);
    /* what is inside */
    ck_assert_int_eq(open_payload(sealed_payload(key, "")), S2S_INVALID_CLIENT_AUTHENTICATION);
    ck_assert_int_eq(open_payload(sealed_payload(key, claims_for(key, ""))), S2S_INVALID_CLIENT_AUTHENTICATION);
    ck_assert_int_eq(open_payload(sealed_payload(key, jwt(stranger, "{}", claims_for(key, "")))),
                     S2S_INVALID_CLIENT_AUTHENTICATION);
    ck_assert_int_eq(open_payload(sealed_payload(key, jwt(new_key(S2S_P384, NULL, NULL), "{}", claims_for(key, "")))),
                     S2S_INVALID_CLIENT_AUTHENTICATION);
    ck_assert_int_eq(open_payload(sealed_payload(key, jwt(wsk, "{}", claims_for(issuer_keys[1], "")))),
                     S2S_INVALID_CLIENT_AUTHENTICATION);
    ck_assert_int_eq(open_payload(sealed_payload(key, jwt(wsk, "{}", "{\"id\":\"otp-1\"}"))),
                     S2S_INVALID_CLIENT_AUTHENTICATION);
    ck_assert_int_eq(open_payload(sealed_payload(key, jwt(wsk, "{}", "[]"))), S2S_INVALID_CLIENT_AUTHENTICATION);
    ck_assert_int_eq(open_payload(sealed_payload(key, jwt(wsk, "{}", "{\"a\":1,\"a\":1}"))),
                     S2S_INVALID_CLIENT_AUTHENTICATION);
    /* origin */
    struct json_object *payload = sealed_payload(key, jwt(wsk, "{}", claims_for(key, "")));
    s2s_json_set_string(payload, "origin", "WALLET_SERVER");
    ck_assert_int_eq(open_payload(payload), S2S_INVALID_CLIENT_AUTHENTICATION);
}
END_TEST

/* --- binding of the wallet encryption key --- */

static struct json_object *attested(struct json_object *data, const char *jwt_text)
{
    struct json_object *attestation = json_object_new_object();
    s2s_json_set_string(attestation, "proof_type", "jwt");
    s2s_json_set_string(attestation, "jwt", jwt_text);
    json_object_object_add(data, "attestation", attestation);
    return data;
}

START_TEST(test_wek_binding)
{
    struct s2s_jwk *wek = new_key(S2S_P256, "HPKE-0-KE", NULL);
    const char *thumbprint = s2s_jwk_thumbprint(wek), *other = s2s_jwk_thumbprint(wsk);
    struct json_object *bare = key_data("WALLET_ENCRYPTION_KEY", wek);
    ck_assert_int_eq(s2s_wsk_check_wek(arena, &ctx, bare, wek, thumbprint).code, S2S_OK);
    ck_assert_int_eq(s2s_wsk_check_wek(arena, &ctx, bare, wek, other).code, S2S_INVALID_CLIENT_AUTHENTICATION);
    ck_assert_int_eq(s2s_wsk_check_wek(arena, &ctx, bare, wek, NULL).code, S2S_INVALID_CLIENT_AUTHENTICATION);

    const char *header = "{\"typ\":\"s2s-key-binding+jwt\"}";
    const char *claims = s2s_arena_printf(
        arena, "{\"sub\":\"%s\",\"sessionId\":\"" SESSION "\",\"aud\":\"" ISSUER "\",\"iat\":1795000000}", thumbprint);
    const struct change changes[] = {
        {"1795000000", "1795000000", true}, {"1795000000", "1", true},       {"\"iat\"", "\"i\"", false},
        {thumbprint, other, false},         {SESSION, OTHER_SESSION, false}, {ISSUER, "https://other.example", false},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct json_object *data = key_data("WALLET_ENCRYPTION_KEY", wek);
        attested(data, jwt(wsk, header, with(claims, changes[i].from, changes[i].to)));
        enum s2s_code expected = changes[i].good ? S2S_OK : S2S_INVALID_CLIENT_AUTHENTICATION;
        ck_assert_msg(s2s_wsk_check_wek(arena, &ctx, data, wek, NULL).code == expected, "%s", changes[i].to);
    }
    /* a swapped key next to a good binding, another signer, another typ, another proof type */
    struct s2s_jwk *swapped = new_key(S2S_P256, "HPKE-0-KE", NULL);
    struct json_object *data = attested(key_data("WALLET_ENCRYPTION_KEY", wek), jwt(wsk, header, claims));
    ck_assert_int_eq(s2s_wsk_check_wek(arena, &ctx, data, swapped, NULL).code, S2S_INVALID_CLIENT_AUTHENTICATION);
    ck_assert_int_eq(s2s_wsk_check_wek(arena, &ctx, data, wek, other).code, S2S_OK);
    attested(data, jwt(new_key(S2S_P256, NULL, NULL), header, claims));
    ck_assert_int_eq(s2s_wsk_check_wek(arena, &ctx, data, wek, NULL).code, S2S_INVALID_CLIENT_AUTHENTICATION);
    attested(data, jwt(wsk, NONCE_HEADER, claims));
    ck_assert_int_eq(s2s_wsk_check_wek(arena, &ctx, data, wek, NULL).code, S2S_INVALID_CLIENT_AUTHENTICATION);
    attested(data, jwt(wsk, header, claims));
    s2s_json_set_string(s2s_json_get(data, "attestation"), "proof_type", "cwt");
    ck_assert_int_eq(s2s_wsk_check_wek(arena, &ctx, data, wek, NULL).code, S2S_INVALID_CLIENT_AUTHENTICATION);
}
END_TEST

/* --- presentment keys --- */

#define PROOF_CLAIMS "{\"aud\":\"" ISSUER "\",\"iat\":1795000000,\"nonce\":\"" SESSION "\"}"

static const char *proof_header(const struct s2s_jwk *key, const char *typ)
{
    return s2s_arena_printf(arena, "{\"typ\":\"%s\",\"jwk\":%s}", typ, s2s_json_write(arena, public_json(key), NULL));
}

/* A KeyData of `key` with a proof by `signer` whose header names `named`. */
static struct json_object *proven(const struct s2s_jwk *key, const struct s2s_jwk *signer, const struct s2s_jwk *named,
                                  const char *typ, const char *claims)
{
    return attested(key_data("PRESENTMENT_KEY", key), jwt(signer, proof_header(named, typ), claims));
}

static struct json_object *good_proof(const struct s2s_jwk *key)
{
    return proven(key, key, key, "openid4vci-proof+jwt", PROOF_CLAIMS);
}

static struct s2s_result presentment_keys(struct json_object *first, struct json_object *second, size_t max,
                                          struct s2s_jwk ***keys, size_t *count)
{
    struct json_object *claims = s2s_json_own(arena, json_object_new_object()), *list = json_object_new_array();
    json_object_array_add(list, json_object_get(first));
    if (second != NULL)
        json_object_array_add(list, json_object_get(second));
    json_object_object_add(claims, "presentmentKeys", list);
    return s2s_wsk_presentment_keys(arena, &ctx, claims, max, keys, count);
}

static enum s2s_code one_key(struct json_object *data)
{
    struct s2s_jwk **keys;
    size_t count;
    return presentment_keys(data, NULL, 4, &keys, &count).code;
}

START_TEST(test_presentment_keys)
{
    struct s2s_jwk *a = new_key(S2S_P256, "ES256", NULL), *b = new_key(S2S_ED25519, "EdDSA", "b");
    struct s2s_jwk **keys = NULL;
    size_t count = 0;
    ck_assert_int_eq(presentment_keys(good_proof(a), good_proof(b), 2, &keys, &count).code, S2S_OK);
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(s2s_jwk_thumbprint(keys[0]), s2s_jwk_thumbprint(a));
    ck_assert_str_eq(s2s_jwk_kid(keys[1]), "b");

    ck_assert_int_eq(presentment_keys(good_proof(a), good_proof(b), 1, &keys, &count).code, S2S_LIMIT);
    ck_assert_msg(count == SIZE_MAX, "the list, and no key of it");
    ck_assert_int_eq(presentment_keys(good_proof(a), good_proof(a), 2, &keys, &count).code, S2S_MALFORMED);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(s2s_wsk_presentment_keys(arena, &ctx, json("{}"), 2, &keys, &count).code, S2S_MALFORMED);
    ck_assert_int_eq(s2s_wsk_presentment_keys(arena, &ctx, json("{\"presentmentKeys\":[]}"), 2, &keys, &count).code,
                     S2S_MALFORMED);
    ck_assert_int_eq(s2s_wsk_presentment_keys(arena, &ctx, json("{\"presentmentKeys\":[null]}"), 2, &keys, &count).code,
                     S2S_MALFORMED);
}
END_TEST

START_TEST(test_presentment_proofs)
{
    struct s2s_jwk *key = new_key(S2S_P256, "ES256", NULL), *other = new_key(S2S_P256, "ES256", NULL);
    static const struct change claims[] = {
        {"1795000000", "1794913600", true}, /* 24 h */
        {"1795000000", "1794913599", false}, {"1795000000", "1795000300", true},
        {"1795000000", "1795000301", false}, {"1795000000", "1.5", false},
        {"\"iat\"", "\"i\"", false},         {SESSION, OTHER_SESSION, false},
        {"\"nonce\"", "\"n\"", false},       {ISSUER, "https://other.example", false},
    };
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        const char *text = with(PROOF_CLAIMS, claims[i].from, claims[i].to);
        enum s2s_code expected = claims[i].good ? S2S_OK : S2S_INVALID_CLIENT_AUTHENTICATION;
        ck_assert_msg(one_key(proven(key, key, key, "openid4vci-proof+jwt", text)) == expected, "%s", text);
    }
    ck_assert_int_eq(one_key(proven(key, other, key, "openid4vci-proof+jwt", PROOF_CLAIMS)),
                     S2S_INVALID_CLIENT_AUTHENTICATION);
    ck_assert_int_eq(one_key(proven(key, key, other, "openid4vci-proof+jwt", PROOF_CLAIMS)),
                     S2S_INVALID_CLIENT_AUTHENTICATION);
    ck_assert_int_eq(one_key(proven(key, key, key, "JWT", PROOF_CLAIMS)), S2S_INVALID_CLIENT_AUTHENTICATION);
    ck_assert_int_eq(one_key(key_data("PRESENTMENT_KEY", key)), S2S_INVALID_CLIENT_AUTHENTICATION);
    ck_assert_int_eq(one_key(attested(key_data("PRESENTMENT_KEY", key),
                                      jwt(key, "{\"typ\":\"openid4vci-proof+jwt\"}", PROOF_CLAIMS))),
                     S2S_INVALID_CLIENT_AUTHENTICATION);
    ck_assert_int_eq(one_key(attested(key_data("WALLET_SIGNING_KEY", key), "x")), S2S_MALFORMED);
    ck_assert_int_eq(one_key(key_data("PRESENTMENT_KEY", new_key(S2S_P256, "HPKE-0", NULL))), S2S_MALFORMED);
}
END_TEST

START_TEST(test_a_full_arena_is_a_limit)
{
    char *nonce = jwt(wsk, NONCE_HEADER, NONCE_CLAIMS);
    struct json_object *payload = sealed_payload(issuer_keys[0], jwt(wsk, "{}", claims_for(issuer_keys[0], "")));
    struct s2s_arena *small = s2s_arena_new(64);
    struct json_object *claims;
    ck_assert_int_eq(s2s_wsk_check_nonce(small, &ctx, nonce, S2S_NONCE_ANY, NULL).code, S2S_LIMIT);
    ck_assert_int_eq(s2s_wsk_open_payload(small, &ctx, payload, &claims).code, S2S_LIMIT);
    s2s_arena_free(small);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("wsk");
    TCase *tc = tcase_create("wsk");
    tcase_add_checked_fixture(tc, setup_wallet, teardown);
    tcase_add_test(tc, test_key_data);
    tcase_add_test(tc, test_raw_nonce);
    tcase_add_test(tc, test_bound_nonce);
    tcase_add_test(tc, test_payload);
    tcase_add_test(tc, test_payload_refusals);
    tcase_add_test(tc, test_wek_binding);
    tcase_add_test(tc, test_presentment_keys);
    tcase_add_test(tc, test_presentment_proofs);
    tcase_add_test(tc, test_a_full_arena_is_a_limit);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
