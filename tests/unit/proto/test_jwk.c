/* SPDX-License-Identifier: Apache-2.0 */
#include "jose_support.h"
#include "proto/jws.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>

#define P256_X "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\""
#define P256_Y "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define P256 "\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X "," P256_Y
#define P256_D "\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\""
#define ED25519_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

static enum s2s_code parse_public(const char *text)
{
    struct s2s_jwk *jwk = NULL;
    struct s2s_result r = s2s_jwk_parse_public(json(text), &jwk);
    ck_assert((r.code == S2S_OK) == (jwk != NULL));
    s2s_jwk_free(jwk);
    return r.code;
}

static enum s2s_code parse_private(const char *text)
{
    struct s2s_jwk *jwk = NULL;
    struct s2s_result r = s2s_jwk_parse_private(json(text), &jwk);
    s2s_jwk_free(jwk);
    return r.code;
}

START_TEST(test_thumbprints)
{
    /* RFC 8037 appendix A.3; the kids of the JOSE-HPKE vectors are thumbprints, too. */
    struct s2s_jwk *okp = public_key(json("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED25519_X "\"}"));
    ck_assert_str_eq(s2s_jwk_thumbprint(okp), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    struct json_object *list = vectors("jose-hpke.json");
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *jwk = s2s_json_get(json_object_array_get_idx(list, i), "jwk");
        ck_assert_str_eq(s2s_jwk_thumbprint(private_key(jwk)), s2s_json_string(jwk, "kid"));
    }
}
END_TEST

START_TEST(test_members)
{
    struct s2s_jwk *jwk = public_key(json("{" P256 ",\"alg\":\"ES256\",\"kid\":\"k\",\"unknown\":1}"));
    ck_assert_str_eq(s2s_jwk_alg(jwk), "ES256");
    ck_assert_str_eq(s2s_jwk_kid(jwk), "k");
    ck_assert_int_eq(s2s_jwk_curve(jwk), S2S_P256);
    ck_assert(!s2s_jwk_is_private(jwk));
    ck_assert_ptr_nonnull(s2s_jwk_pkey(jwk));
    ck_assert_uint_eq(s2s_jwk_public_raw(jwk).len, 65);
    ck_assert_uint_eq(s2s_jwk_public_raw(jwk).data[0], 4);
    ck_assert_str_eq(s2s_json_write(arena, public_json(jwk), NULL),
                     "{\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X "," P256_Y ",\"alg\":\"ES256\",\"kid\":\"k\"}");
    struct s2s_jwk *bare = public_key(json("{" P256 "}"));
    ck_assert_ptr_null(s2s_jwk_alg(bare));
    ck_assert_ptr_null(s2s_jwk_kid(bare));
}
END_TEST

START_TEST(test_public_refusals)
{
    static const struct {
        const char *text;
        enum s2s_code code;
    } rows[] = {
        {"[]", S2S_MALFORMED},
        {"null", S2S_MALFORMED},
        {"{}", S2S_MALFORMED},
        {"{\"kty\":1}", S2S_MALFORMED},
        {"{\"kty\":\"EC\"}", S2S_MALFORMED},
        {"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", S2S_UNSUPPORTED},
        {"{\"kty\":\"oct\",\"k\":\"AQAB\"}", S2S_UNSUPPORTED},
        {"{\"kty\":\"EC\",\"crv\":\"secp256k1\"," P256_X "," P256_Y "}", S2S_UNSUPPORTED},
        {"{\"kty\":\"OKP\",\"crv\":\"P-256\"," P256_X "," P256_Y "}", S2S_UNSUPPORTED},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X "}", S2S_MALFORMED},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X ",\"y\":7}", S2S_MALFORMED},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X ",\"y\":\"x/FEzRu9m36HLN/tue659LNpXW6pCyStikYjKIWI5a0\"}",
         S2S_MALFORMED},
        /* off the curve, too short, too long, and zero */
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X ",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5aw\"}",
         S2S_BAD_KEY},
        {"{\"kty\":\"EC\",\"crv\":\"P-384\"," P256_X "," P256_Y "}", S2S_BAD_KEY},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X ",\"y\":\"\"}", S2S_BAD_KEY},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X ",\"y\":\"AMfxRM0bvZt-hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\"}",
         S2S_BAD_KEY},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
         "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
         S2S_BAD_KEY},
        /* coordinates that are not below the prime: the largest ones, and the prime itself as zero */
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X ",\"y\":\"__________________________________________8\"}",
         S2S_BAD_KEY},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"_____wAAAAEAAAAAAAAAAAAAAAD_______________8\","
         "\"y\":\"ZkhceA4vg9ckM71dhKBrtlQcKvMdrocXKL-FahdPk_Q\"}",
         S2S_BAD_KEY},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUQ\"}", S2S_BAD_KEY},
        /* private or symmetric material, even null */
        {"{" P256 "," P256_D "}", S2S_BAD_KEY},
        {"{" P256 ",\"d\":null}", S2S_BAD_KEY},
        {"{" P256 ",\"k\":\"AQAB\"}", S2S_BAD_KEY},
        {"{" P256 ",\"oth\":[]}", S2S_BAD_KEY},
        /* types */
        {"{" P256 ",\"alg\":5}", S2S_MALFORMED},
        {"{" P256 ",\"alg\":null}", S2S_MALFORMED},
        {"{" P256 ",\"kid\":{}}", S2S_MALFORMED},
        {"{" P256 ",\"use\":[]}", S2S_MALFORMED},
        {"{" P256 ",\"key_ops\":\"verify\"}", S2S_MALFORMED},
        {"{" P256 ",\"key_ops\":[1]}", S2S_MALFORMED},
    };
    struct s2s_jwk *key = public_key(json("{" P256 "}"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum s2s_code code = parse_public(rows[i].text);
        ck_assert_msg(code == rows[i].code, "%s: %d", rows[i].text, (int)code);
        ck_assert_msg(!s2s_jwk_is(json(rows[i].text), key), "%s", rows[i].text);
    }
}
END_TEST

START_TEST(test_same_key)
{
    struct s2s_jwk *ec = public_key(json("{" P256 ",\"alg\":\"ES256\",\"kid\":\"k\"}"));
    struct s2s_jwk *okp = public_key(json("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED25519_X "\"}"));
    ck_assert(s2s_jwk_is(json("{" P256 "}"), ec));
    ck_assert(s2s_jwk_is(json("{" P256 ",\"alg\":\"HPKE-0\",\"kid\":\"other\",\"use\":\"enc\"}"), ec));
    ck_assert(s2s_jwk_is(public_json(okp), okp));
    /* another one, and the same octets on another curve */
    ck_assert(!s2s_jwk_is(public_json(new_key(S2S_P256, "ES256", NULL)), ec));
    ck_assert(!s2s_jwk_is(json("{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" ED25519_X "\"}"), okp));
    ck_assert(!s2s_jwk_is(public_json(okp), ec));
    ck_assert(!s2s_jwk_is(NULL, ec));
}
END_TEST

/* A key that is freed gives what it was made of to the next one of its curve. */
START_TEST(test_keys_one_after_the_other)
{
    static const enum s2s_curve curves[] = {S2S_P256, S2S_P384, S2S_P521};
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        struct s2s_jwk *first = new_key(curves[i], NULL, NULL), *second = new_key(curves[i], NULL, NULL);
        struct s2s_bytes message = bytes("m"), signatures[2];
        ck_assert_int_eq(s2s_jws_sign_raw(arena, first, message, &signatures[0]).code, S2S_OK);
        ck_assert_int_eq(s2s_jws_sign_raw(arena, second, message, &signatures[1]).code, S2S_OK);
        for (int round = 0; round < 300; round++) {
            struct s2s_jwk *a, *b;
            ck_assert_int_eq(s2s_jwk_parse_public(public_json(round % 2 == 0 ? first : second), &a).code, S2S_OK);
            ck_assert_int_eq(s2s_jwk_parse_public(public_json(first), &b).code, S2S_OK);
            ck_assert_int_eq(s2s_jws_verify_raw(a, message, signatures[round % 2]).code, S2S_OK);
            ck_assert_int_eq(s2s_jws_verify_raw(a, message, signatures[1 - round % 2]).code, S2S_REFUSED);
            ck_assert_int_eq(s2s_jws_verify_raw(b, message, signatures[0]).code, S2S_OK);
            s2s_jwk_free(a);
            /* one that is no point, in between */
            ck_assert_int_eq(parse_public("{\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X
                                          ",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5aw\"}"),
                             S2S_BAD_KEY);
            ck_assert_int_eq(s2s_jws_verify_raw(b, message, signatures[0]).code, S2S_OK);
            s2s_jwk_free(b);
        }
    }
}
END_TEST

START_TEST(test_many_keys_at_once)
{
    enum { COUNT = 1100 }; /* more than are kept */
    struct s2s_jwk *key = new_key(S2S_P256, NULL, NULL), *copies[COUNT];
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT; i++)
            ck_assert_int_eq(s2s_jwk_parse_public(public_json(key), &copies[i]).code, S2S_OK);
        for (size_t i = 0; i < COUNT; i++)
            s2s_jwk_free(copies[i]);
    }
}
END_TEST

START_TEST(test_points_of_small_order)
{
    /* With these every key agreement gives zero (RFC 7748 section 6): 0, 1, p-1, p and a point of order 8. */
    static const char *const x25519[] = {
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "7P_______________________________________38", "7f_______________________________________38",
        "4Ot6fDtBuK4WVuP68Z_EatoJjeucMrH9hmIFFl9JuAA",
    };
    for (size_t i = 0; i < sizeof x25519 / sizeof x25519[0]; i++)
        ck_assert_int_eq(
            parse_public(s2s_arena_printf(arena, "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"%s\"}", x25519[i])),
            S2S_BAD_KEY);
}
END_TEST

START_TEST(test_ed25519_points)
{
    static const struct {
        const char *x;
        enum s2s_code code;
    } rows[] = {
        {ED25519_X, S2S_OK},
        /* y = 2 has no x on the curve */
        {"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", S2S_BAD_KEY},
        /* small order: y = 1, 0, -1, and of order 8; anybody could sign for them */
        {"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", S2S_BAD_KEY},
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", S2S_BAD_KEY},
        {"7P_______________________________________38", S2S_BAD_KEY},
        {"JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU", S2S_BAD_KEY},
        {"xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o", S2S_BAD_KEY},
        /* y = p, not reduced */
        {"7f_______________________________________38", S2S_BAD_KEY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum s2s_code code =
            parse_public(s2s_arena_printf(arena, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"}", rows[i].x));
        ck_assert_msg(code == rows[i].code, "%s: %d", rows[i].x, (int)code);
    }
}
END_TEST

START_TEST(test_private_keys)
{
    struct s2s_jwk *jwk = private_key(json("{" P256 "," P256_D "}"));
    ck_assert(s2s_jwk_is_private(jwk));
    ck_assert_ptr_null(s2s_json_get(public_json(jwk), "d"));

    ck_assert_int_eq(parse_private("{" P256 "}"), S2S_MALFORMED);
    ck_assert_int_eq(parse_private("{" P256 ",\"d\":\"AQ\"}"), S2S_BAD_KEY);
    ck_assert_int_eq(parse_private("{" P256 ",\"d\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"), S2S_BAD_KEY);
    /* another key's d */
    ck_assert_int_eq(parse_private("{" P256 ",\"d\":\"aAKxBMAkNm2AZDGv7LN5yodDwahJ5rKbrgiiz3dUIH4\"}"), S2S_BAD_KEY);
    ck_assert_int_eq(parse_private("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED25519_X
                                   "\",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}"),
                     S2S_OK);
    ck_assert_int_eq(parse_private("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED25519_X
                                   "\",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2B\"}"),
                     S2S_MALFORMED);
    ck_assert_int_eq(parse_private("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED25519_X
                                   "\",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2Q\"}"),
                     S2S_BAD_KEY);
}
END_TEST

START_TEST(test_from_pkey)
{
    static const enum s2s_curve curves[] = {S2S_P256, S2S_P384, S2S_P521, S2S_ED25519, S2S_X25519, S2S_X448};
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        struct s2s_jwk *pair = new_key(curves[i], NULL, "id");
        ck_assert_int_eq(s2s_jwk_curve(pair), curves[i]);
        ck_assert(s2s_jwk_is_private(pair));
        struct s2s_jwk *public = public_key(public_json(pair));
        ck_assert_str_eq(s2s_jwk_thumbprint(public), s2s_jwk_thumbprint(pair));
        assert_bytes_equal(s2s_jwk_public_raw(public), s2s_jwk_public_raw(pair));

        /* What is read from a file or a certificate is the same key, and known to be public. */
        BIO *bio = BIO_new(BIO_s_mem());
        ck_assert_int_eq(PEM_write_bio_PUBKEY(bio, s2s_jwk_pkey(pair)), 1);
        EVP_PKEY *pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
        BIO_free(bio);
        struct s2s_jwk *read = NULL;
        ck_assert_int_eq(s2s_jwk_from_pkey(pkey, "x", NULL, &read).code, S2S_OK);
        EVP_PKEY_free(pkey);
        ck_assert(!s2s_jwk_is_private(read));
        ck_assert_str_eq(s2s_jwk_thumbprint(read), s2s_jwk_thumbprint(pair));
        s2s_jwk_free(read);
    }
    EVP_PKEY *rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    struct s2s_jwk *jwk = NULL;
    ck_assert_int_eq(s2s_jwk_from_pkey(rsa, NULL, NULL, &jwk).code, S2S_UNSUPPORTED);
    EVP_PKEY_free(rsa);
}
END_TEST

/* A file may hold the point in its compressed form. */
START_TEST(test_from_compressed)
{
    static const enum s2s_curve curves[] = {S2S_P256, S2S_P384, S2S_P521};
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        struct s2s_jwk *pair = new_key(curves[i], NULL, NULL), *read;
        EVP_PKEY *compressed = EVP_PKEY_dup(s2s_jwk_pkey(pair));
        ck_assert_int_eq(
            EVP_PKEY_set_utf8_string_param(compressed, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"), 1);
        BIO *bio = BIO_new(BIO_s_mem());
        ck_assert_int_eq(PEM_write_bio_PUBKEY(bio, compressed), 1);
        EVP_PKEY *pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
        ck_assert_int_eq(s2s_jwk_from_pkey(pkey, NULL, NULL, &read).code, S2S_OK);
        assert_bytes_equal(s2s_jwk_public_raw(read), s2s_jwk_public_raw(pair));
        s2s_jwk_free(read);
        EVP_PKEY_free(pkey);
        EVP_PKEY_free(compressed);
        BIO_free(bio);
    }
}
END_TEST

START_TEST(test_permissions)
{
    static const struct {
        const char *members;
        bool sign, verify, encrypt, decrypt;
    } rows[] = {
        {"", true, true, true, true},
        {",\"use\":\"sig\"", true, true, false, false},
        {",\"use\":\"enc\"", false, false, true, true},
        {",\"use\":\"other\"", false, false, false, false},
        {",\"key_ops\":[],\"ext\":true", false, false, true, false},
        {",\"use\":\"sig\",\"key_ops\":[]", false, false, false, false},
        {",\"key_ops\":[\"verify\"]", false, true, false, false},
        {",\"key_ops\":[\"sign\",\"verify\",\"other\"]", true, true, false, false},
        {",\"key_ops\":[\"wrapKey\"]", false, false, true, false},
        {",\"key_ops\":[\"deriveBits\"]", false, false, true, true},
        {",\"use\":\"sig\",\"key_ops\":[\"deriveBits\"]", false, false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s2s_jwk *jwk = public_key(json(s2s_arena_printf(arena, "{" P256 "%s}", rows[i].members)));
        ck_assert_msg(s2s_jwk_permits(jwk, S2S_USE_SIGN) == rows[i].sign, "%s", rows[i].members);
        ck_assert_msg(s2s_jwk_permits(jwk, S2S_USE_VERIFY) == rows[i].verify, "%s", rows[i].members);
        ck_assert_msg(s2s_jwk_permits(jwk, S2S_USE_ENCRYPT) == rows[i].encrypt, "%s", rows[i].members);
        ck_assert_msg(s2s_jwk_permits(jwk, S2S_USE_DECRYPT) == rows[i].decrypt, "%s", rows[i].members);
    }
}
END_TEST

START_TEST(test_sharing_and_keyring)
{
    struct s2s_jwk *a = new_key(S2S_P256, NULL, "a"), *bare = new_key(S2S_P256, NULL, NULL);
    ck_assert_ptr_eq(s2s_jwk_share(a), a);
    s2s_jwk_free(a); /* the other reference still counts */
    struct s2s_jwk *const keys[] = {bare, a};
    const struct s2s_keyring ring = {keys, 2};
    ck_assert_ptr_eq(s2s_keyring_find(&ring, "a"), a);
    ck_assert_ptr_null(s2s_keyring_find(&ring, "A"));
    s2s_jwk_free(NULL);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("jwk");
    TCase *tc = tcase_create("jwk");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_thumbprints);
    tcase_add_test(tc, test_members);
    tcase_add_test(tc, test_public_refusals);
    tcase_add_test(tc, test_same_key);
    tcase_add_test(tc, test_keys_one_after_the_other);
    tcase_add_test(tc, test_many_keys_at_once);
    tcase_add_test(tc, test_points_of_small_order);
    tcase_add_test(tc, test_ed25519_points);
    tcase_add_test(tc, test_private_keys);
    tcase_add_test(tc, test_from_pkey);
    tcase_add_test(tc, test_from_compressed);
    tcase_add_test(tc, test_permissions);
    tcase_add_test(tc, test_sharing_and_keyring);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
