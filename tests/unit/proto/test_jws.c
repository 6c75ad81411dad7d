/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/jws.h"

#include "jose_support.h"
#include "proto/b64.h"

static struct s2s_result verify(const char *text, const struct s2s_jwk *key)
{
    struct s2s_jws jws;
    S2S_TRY(s2s_jws_parse(arena, text, strlen(text), &jws));
    return s2s_jws_verify(&jws, key);
}

/* A compact serialization of any header and payload, with a signature of nothing. */
static const char *compact(const char *header, const char *payload)
{
    return s2s_arena_printf(arena, "%s.%s.AAAA", s2s_b64_encode(arena, bytes(header)),
                            s2s_b64_encode(arena, bytes(payload)));
}

static enum s2s_code parse(const char *text)
{
    struct s2s_jws jws;
    return s2s_jws_parse(arena, text, strlen(text), &jws).code;
}

/* RFC 7515 appendix A.3 and A.4, RFC 8037 appendix A.4. */
static const struct {
    const char *jwk, *jws;
} published[] = {
    {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
     "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}",
     "eyJhbGciOiJFUzI1NiJ9"
     ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
     ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
    {"{\"kty\":\"EC\",\"crv\":\"P-521\","
     "\"x\":\"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk\","
     "\"y\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2\","
     "\"d\":\"AY5pb7A0UFiB3RELSD64fTLOSV_jazdF7fLYyuTw8lOfRhWg6Y6rUrPAxerEzgdRhajnu0ferB0d53vM9mE15j2C\"}",
     "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA"
     ".AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7Xdt"
     "AG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"},
    {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\","
     "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}",
     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
     ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
};

START_TEST(test_published_signatures)
{
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        struct s2s_result r = verify(published[i].jws, private_key(json(published[i].jwk)));
        ck_assert_msg(r.code == S2S_OK, "%zu: %s", i, r.detail);
    }
}
END_TEST

START_TEST(test_ed25519_is_deterministic)
{
    char *text = NULL;
    ck_assert_int_eq(
        s2s_jws_sign(arena, private_key(json(published[2].jwk)), json("{}"), bytes("Example of Ed25519 signing"), &text)
            .code,
        S2S_OK);
    ck_assert_str_eq(text, published[2].jws);
}
END_TEST

START_TEST(test_every_changed_octet_is_noticed)
{
    struct s2s_jwk *key = private_key(json(published[0].jwk));
    struct s2s_jws jws;
    ck_assert_int_eq(s2s_jws_parse(arena, published[0].jws, strlen(published[0].jws), &jws).code, S2S_OK);
    uint8_t *signature = s2s_arena_alloc(arena, jws.signature.len);
    for (size_t i = 0; i < jws.signature.len; i += 7) {
        memcpy(signature, jws.signature.data, jws.signature.len);
        signature[i] ^= 0x10;
        ck_assert_int_eq(s2s_jws_verify_raw(key, jws.signing_input, s2s_bytes(signature, jws.signature.len)).code,
                         S2S_REFUSED);
    }
    struct s2s_bytes shorter = {jws.signing_input.data, jws.signing_input.len - 1};
    ck_assert_int_eq(s2s_jws_verify_raw(key, shorter, jws.signature).code, S2S_REFUSED);
}
END_TEST

START_TEST(test_signatures_of_a_wrong_shape)
{
    struct s2s_jwk *key = private_key(json(published[0].jwk));
    static const uint8_t zero[132];
    /* r = s = 0 would verify anything in a careless implementation. */
    static const size_t lengths[] = {0, 1, 63, 64, 65, 72, 132};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        ck_assert_int_eq(s2s_jws_verify_raw(key, bytes("x"), s2s_bytes(zero, lengths[i])).code, S2S_REFUSED);
    struct s2s_jwk *ed = private_key(json(published[2].jwk));
    ck_assert_int_eq(s2s_jws_verify_raw(ed, bytes("x"), s2s_bytes(zero, 64)).code, S2S_REFUSED);
    ck_assert_int_eq(s2s_jws_verify_raw(ed, bytes("x"), s2s_bytes(zero, 0)).code, S2S_REFUSED);
}
END_TEST

START_TEST(test_round_trip)
{
    static const struct {
        enum s2s_curve curve;
        const char *key_alg, *header_alg;
    } rows[] = {
        {S2S_P256, NULL, "ES256"},    {S2S_P384, "ES384", "ES384"},    {S2S_P521, "ES512", "ES512"},
        {S2S_ED25519, NULL, "EdDSA"}, {S2S_ED25519, "EdDSA", "EdDSA"}, {S2S_ED25519, "Ed25519", "Ed25519"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s2s_jwk *key = new_key(rows[i].curve, rows[i].key_alg, NULL);
        char *text = NULL;
        ck_assert_int_eq(s2s_jws_sign(arena, key, json("{\"typ\":\"t\"}"), bytes("{\"a\":1}"), &text).code, S2S_OK);
        struct s2s_jws jws;
        ck_assert_int_eq(s2s_jws_parse(arena, text, strlen(text), &jws).code, S2S_OK);
        ck_assert_str_eq(jws.alg, rows[i].header_alg);
        ck_assert_str_eq(s2s_json_string(jws.header, "typ"), "t");
        ck_assert_int_eq(s2s_jws_verify(&jws, public_key(public_json(key))).code, S2S_OK);
        ck_assert_int_eq(s2s_jws_verify(&jws, new_key(rows[i].curve, NULL, NULL)).code, S2S_REFUSED);
        struct json_object *payload = NULL;
        ck_assert_int_eq(s2s_jws_payload_json(arena, &jws, &payload).code, S2S_OK);
        ck_assert_int_eq(json_object_get_int(s2s_json_get(payload, "a")), 1);
    }
}
END_TEST

/* One half in 256 has a leading zero, every second one a first bit that DER takes for a sign. */
START_TEST(test_halves_of_any_size)
{
    struct s2s_jwk *key = new_key(S2S_P256, NULL, NULL);
    for (int i = 0; i < 1000; i++) {
        struct s2s_bytes message = s2s_bytes(&i, sizeof i), signature;
        ck_assert_int_eq(s2s_jws_sign_raw(arena, key, message, &signature).code, S2S_OK);
        ck_assert_int_eq(s2s_jws_verify_raw(key, message, signature).code, S2S_OK);
    }
}
END_TEST

START_TEST(test_a_signer_signs_one_after_the_other)
{
    static const enum s2s_curve curves[] = {S2S_P256, S2S_P384, S2S_P521, S2S_ED25519};
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        struct s2s_jwk *key = new_key(curves[i], NULL, NULL);
        struct s2s_jws_signer *signer;
        struct s2s_bytes signatures[3];
        ck_assert_int_eq(s2s_jws_signer_new(arena, key, &signer).code, S2S_OK);
        for (size_t n = 0; n < 3; n++)
            ck_assert_int_eq(s2s_jws_signer_sign(arena, signer, s2s_bytes(&n, sizeof n), &signatures[n]).code, S2S_OK);
        for (size_t n = 0; n < 3; n++)
            ck_assert_int_eq(s2s_jws_verify_raw(key, s2s_bytes(&n, sizeof n), signatures[n]).code, S2S_OK);
        /* an ECDSA nonce that came twice would show in r */
        ck_assert_int_ne(memcmp(signatures[0].data, signatures[1].data, signatures[0].len / 2), 0);
    }
}
END_TEST

START_TEST(test_algorithm_must_be_the_keys)
{
    struct s2s_jwk *p256 = new_key(S2S_P256, "ES256", NULL), *ed = new_key(S2S_ED25519, "Ed25519", NULL);
    ck_assert_int_eq(verify(compact("{\"alg\":\"ES384\"}", "{}"), p256).code, S2S_MISMATCH);
    ck_assert_int_eq(verify(compact("{\"alg\":\"EdDSA\"}", "{}"), p256).code, S2S_MISMATCH);
    ck_assert_int_eq(verify(compact("{\"alg\":\"ES256\"}", "{}"), ed).code, S2S_MISMATCH);
    ck_assert_int_eq(verify(compact("{\"alg\":\"EdDSA\"}", "{}"), ed).code, S2S_REFUSED); /* only the signature */
    /* a key that is for something else, or cannot sign */
    struct s2s_jwk *other = new_key(S2S_P256, "HPKE-0", NULL), *x25519 = new_key(S2S_X25519, NULL, NULL);
    char *text;
    struct s2s_bytes signature;
    ck_assert_int_eq(verify(compact("{\"alg\":\"ES256\"}", "{}"), other).code, S2S_MISMATCH);
    ck_assert_int_eq(s2s_jws_sign(arena, other, json("{}"), bytes("x"), &text).code, S2S_MISMATCH);
    ck_assert_int_eq(s2s_jws_sign_raw(arena, x25519, bytes("x"), &signature).code, S2S_MISMATCH);
    ck_assert_int_eq(s2s_jws_sign_raw(arena, public_key(public_json(p256)), bytes("x"), &signature).code, S2S_BAD_KEY);
}
END_TEST

START_TEST(test_refused_headers)
{
    static const struct {
        const char *header;
        enum s2s_code code;
    } rows[] = {
        {"{\"alg\":\"none\"}", S2S_UNSUPPORTED},
        {"{\"alg\":\"HS256\"}", S2S_UNSUPPORTED},
        {"{\"alg\":\"RS256\"}", S2S_UNSUPPORTED},
        {"{\"alg\":\"es256\"}", S2S_UNSUPPORTED},
        {"{\"alg\":\"ES256\",\"crit\":[\"exp\"]}", S2S_UNSUPPORTED},
        {"{\"alg\":\"ES256\",\"crit\":null}", S2S_UNSUPPORTED},
        {"{\"alg\":\"ES256\",\"b64\":false}", S2S_UNSUPPORTED},
        {"{}", S2S_MALFORMED},
        {"{\"alg\":1}", S2S_MALFORMED},
        {"[]", S2S_MALFORMED},
        {"", S2S_MALFORMED},
        {"{\"alg\":\"ES256\",\"alg\":\"ES256\"}", S2S_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(parse(compact(rows[i].header, "{}")) == rows[i].code, "%s", rows[i].header);
}
END_TEST

START_TEST(test_refused_syntax)
{
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "...",
        "eyJhbGciOiJFUzI1NiJ9",
        "eyJhbGciOiJFUzI1NiJ9.e30",
        "eyJhbGciOiJFUzI1NiJ9.e30.AAAA.",
        "eyJhbGciOiJFUzI1NiJ9.e30=.AAAA",
        "eyJhbGciOiJFUzI1NiJ9.e3 0.AAAA",
        "eyJhbGciOiJFUzI1NiJ9.e30.A",
        "e30.e30.*",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(parse(bad[i]) == S2S_MALFORMED, "%s", bad[i]);
    struct s2s_arena *small = s2s_arena_new(30);
    struct s2s_jws jws;
    ck_assert_int_eq(s2s_jws_parse(small, published[0].jws, strlen(published[0].jws), &jws).code, S2S_LIMIT);
    s2s_arena_free(small);
}
END_TEST

START_TEST(test_payload_must_be_an_object)
{
    static const char *const bad[] = {"", "[]", "\"a\"", "null", "{} ,", "{\"a\":1,\"a\":2}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *text = compact("{\"alg\":\"ES256\"}", bad[i]);
        struct s2s_jws jws;
        struct json_object *payload;
        ck_assert_int_eq(s2s_jws_parse(arena, text, strlen(text), &jws).code, S2S_OK);
        ck_assert_int_eq(s2s_jws_payload_json(arena, &jws, &payload).code, S2S_MALFORMED);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("jws");
    TCase *tc = tcase_create("jws");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_published_signatures);
    tcase_add_test(tc, test_ed25519_is_deterministic);
    tcase_add_test(tc, test_every_changed_octet_is_noticed);
    tcase_add_test(tc, test_signatures_of_a_wrong_shape);
    tcase_add_test(tc, test_round_trip);
    tcase_add_test(tc, test_halves_of_any_size);
    tcase_add_test(tc, test_a_signer_signs_one_after_the_other);
    tcase_add_test(tc, test_algorithm_must_be_the_keys);
    tcase_add_test(tc, test_refused_headers);
    tcase_add_test(tc, test_refused_syntax);
    tcase_add_test(tc, test_payload_must_be_an_object);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
