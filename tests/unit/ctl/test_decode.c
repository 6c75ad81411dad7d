/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl_support.h"

#include "gateway/ctl/decode.h"
#include "proto/b64.h"
#include "proto/crypto.h"
#include "proto/jwe.h"
#include "proto/jws.h"

#include <openssl/ec.h>
#include <openssl/pem.h>

static struct ctl_decoder decoder;
static EVP_PKEY *pkey;
static struct s2s_jwk *key;

static void setup(void)
{
    ctl_setup();
    decoder = (struct ctl_decoder){.arena = ctl.arena};
    pkey = EVP_EC_gen("P-256");
    ck_assert_int_eq(s2s_jwk_from_pkey(pkey, "ES256", NULL, &key).code, S2S_OK);
    (void)s2s_jwk_own(ctl.arena, key);
}

static void teardown(void)
{
    EVP_PKEY_free(pkey);
    ctl_teardown();
}

static struct json_object *decode(const char *text)
{
    return ctl_decode(&decoder, text, strlen(text));
}

/* The member at a path "a/b" of a description, as text. */
static const char *told(struct json_object *thing, const char *path)
{
    char name[64];
    while (*path) {
        size_t len = strcspn(path, "/");
        snprintf(name, sizeof name, "%.*s", (int)len, path);
        thing = json_object_is_type(thing, json_type_array) ? json_object_array_get_idx(thing, strtoul(name, NULL, 10))
                                                            : s2s_json_get(thing, name);
        path += len + (path[len] == '/');
    }
    return thing ? json_object_get_string(thing) : NULL;
}

static const char *sign(const char *header, const char *payload)
{
    char *jws;
    ck_assert_int_eq(s2s_jws_sign(ctl.arena, key, parsed(header), s2s_bytes(payload, strlen(payload)), &jws).code,
                     S2S_OK);
    return jws;
}

static const char *public_pem(void)
{
    char *data;
    BIO *bio = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_PUBKEY(bio, pkey), 1);
    size_t len = (size_t)BIO_get_mem_data(bio, &data);
    const char *text = s2s_arena_strndup(ctl.arena, data, len);
    BIO_free(bio);
    return text;
}

static const char *private_pem(EVP_PKEY *of)
{
    char *data;
    BIO *bio = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, of, NULL, NULL, 0, NULL, NULL), 1);
    size_t len = (size_t)BIO_get_mem_data(bio, &data);
    const char *text = s2s_arena_strndup(ctl.arena, data, len);
    BIO_free(bio);
    return text;
}

/* ---- JWS ---- */

START_TEST(a_jws_is_shown_and_verified_if_it_can_be)
{
    const char *jws = sign("{\"typ\":\"x\"}", "{\"a\":1,\"iat\":1700000000}");
    struct json_object *thing = decode(ctl_text(&ctl, " %s\n", jws));
    ck_assert_str_eq(told(thing, "type"), "JWS");
    ck_assert_str_eq(told(thing, "header/typ"), "x");
    ck_assert_str_eq(told(thing, "payload/a"), "1");
    ck_assert_str_eq(told(thing, "times/iat"), "2023-11-14T22:13:20Z");
    ck_assert_str_eq(told(thing, "signature"), "not verified: there is no key; --verify-key gives one");

    decoder.verify_key = public_pem();
    decoder.verify_key_len = strlen(decoder.verify_key);
    ck_assert_str_eq(told(decode(jws), "signature"), "verified with the given key");
    char *forged = s2s_arena_strndup(ctl.arena, jws, strlen(jws));
    *strchr(forged, '.') = '\0';
    const char *other = sign("{\"typ\":\"x\"}", "{\"a\":2}");
    ck_assert_ptr_null(
        strstr(told(decode(ctl_text(&ctl, "%s%s%s", forged, strchr(other, '.'), "AA")), "signature"), "verified with"));
}
END_TEST

START_TEST(the_key_in_the_header_verifies_a_proof)
{
    struct json_object *header = ctl_object(&ctl);
    json_object_object_add(header, "jwk", s2s_jwk_public_json(key));
    struct json_object *thing = decode(sign(json_object_get_string(header), "{}"));
    ck_assert_str_eq(told(thing, "signature"), "verified with the key in its header");
}
END_TEST

START_TEST(other_algorithms_are_shown_all_the_same)
{
    /* {"alg":"RS256"} . {"a":1} */
    struct json_object *thing = decode("eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.AAAA");
    ck_assert_str_eq(told(thing, "payload/a"), "1");
    ck_assert_ptr_nonnull(told(thing, "signature"));
}
END_TEST

/* ---- JWE ---- */

static struct json_object *seal(EVP_PKEY *of, const char *alg, enum s2s_jwe_form form, const char *text)
{
    struct s2s_jwk *recipient;
    struct json_object *jwe;
    const struct s2s_jwe_options options = {.form = form};
    ck_assert_int_eq(s2s_jwk_from_pkey(of, alg, "k1", &recipient).code, S2S_OK);
    (void)s2s_jwk_own(ctl.arena, recipient);
    ck_assert_int_eq(s2s_jwe_seal(ctl.arena, recipient, &options, s2s_bytes(text, strlen(text)), &jwe).code, S2S_OK);
    return jwe;
}

static const char *const algs[] = {"HPKE-0-KE", "HPKE-0"};

START_TEST(a_jwe_is_opened_with_the_key_and_what_is_in_it_is_shown)
{
    EVP_PKEY *wek = EVP_EC_gen("P-256");
    const char *jws = sign("{}", "{\"otp\":\"123456\"}");
    struct json_object *jwe = seal(wek, algs[_i], S2S_JWE_COMPACT, jws);
    struct json_object *thing = decode(json_object_get_string(jwe));
    ck_assert_str_eq(told(thing, "type"), "JWE");
    ck_assert_str_eq(told(thing, "protected/kid"), "k1");
    ck_assert_str_eq(told(thing, "content"), "encrypted; --key decrypts it");

    decoder.key = private_pem(wek);
    decoder.key_len = strlen(decoder.key);
    ck_assert_str_eq(told(decode(json_object_get_string(jwe)), "content/payload/otp"), "123456");
    struct json_object *envelope = ctl_object(&ctl);
    json_object_object_add(envelope, "origin", json_object_new_string("WALLET_CLIENT"));
    json_object_object_add(envelope, "jwe", json_object_get(seal(wek, algs[_i], S2S_JWE_FLATTENED, jws)));
    thing = decode(json_object_get_string(envelope));
    ck_assert_str_eq(told(thing, "type"), "JweEncryptedPayload");
    ck_assert_str_eq(told(thing, "origin"), "WALLET_CLIENT");
    ck_assert_str_eq(told(thing, "jwe/content/payload/otp"), "123456");

    decoder.key = private_pem(pkey);
    decoder.key_len = strlen(decoder.key);
    ck_assert_ptr_null(told(decode(json_object_get_string(jwe)), "content/payload"));
    EVP_PKEY_free(wek);
}
END_TEST

START_TEST(content_of_no_kind_is_shown_as_it_is)
{
    EVP_PKEY *wek = EVP_EC_gen("P-256");
    decoder.key = private_pem(wek);
    decoder.key_len = strlen(decoder.key);
    ck_assert_str_eq(told(decode(json_object_get_string(seal(wek, "HPKE-0-KE", S2S_JWE_COMPACT, "hello"))), "content"),
                     "hello");
    ck_assert_str_eq(
        told(decode(json_object_get_string(seal(wek, "HPKE-0-KE", S2S_JWE_COMPACT, "\x01\x02"))), "content"), "AQI");
    EVP_PKEY_free(wek);
}
END_TEST

/* ---- SD-JWT ---- */

static const char *digest_of(const char *text)
{
    uint8_t digest[S2S_MAX_HASH];
    ck_assert_int_eq(s2s_hash(S2S_SHA256, s2s_bytes(text, strlen(text)), digest).code, S2S_OK);
    return s2s_b64_encode(ctl.arena, s2s_bytes(digest, 32));
}

START_TEST(an_sd_jwt_is_shown_with_what_it_discloses)
{
    static const char plain[] = "[\"salt\",\"name\",\"Erika\"]";
    const char *disclosure = s2s_b64_encode(ctl.arena, s2s_bytes(plain, strlen(plain)));
    const char *jwt = sign("{\"typ\":\"dc+sd-jwt\"}", ctl_text(&ctl, "{\"vct\":\"v\",\"_sd\":[\"%s\",\"%s\"]}",
                                                               digest_of(disclosure), digest_of("decoy")));
    struct json_object *thing = decode(ctl_text(&ctl, "%s~%s~", jwt, disclosure));
    ck_assert_str_eq(told(thing, "type"), "SD-JWT");
    ck_assert_str_eq(told(thing, "jwt/header/typ"), "dc+sd-jwt");
    ck_assert_str_eq(told(thing, "disclosures/0/name"), "name");
    ck_assert_str_eq(told(thing, "disclosures/0/digest"), digest_of(disclosure));
    ck_assert_str_eq(told(thing, "claims/name"), "Erika");
    ck_assert_ptr_null(told(thing, "claims/_sd"));

    const char *binding = sign("{\"typ\":\"kb+jwt\"}", "{\"nonce\":\"n\"}");
    thing = decode(ctl_text(&ctl, "{\"vp_token\":\"%s~%s~%s\"}", jwt, disclosure, binding));
    ck_assert_str_eq(told(thing, "type"), "presentation");
    ck_assert_str_eq(told(thing, "vp_token/type"), "SD-JWT with key binding");
    ck_assert_str_eq(told(thing, "vp_token/keyBinding/payload/nonce"), "n");

    thing = decode(ctl_text(&ctl, "%s~%s~", jwt, s2s_b64_encode(ctl.arena, s2s_bytes("[]", 2))));
    ck_assert_str_eq(told(thing, "disclosures/0/error"), "it is no disclosure");
}
END_TEST

/* ---- offers ---- */

START_TEST(links_of_offers_are_read)
{
    struct json_object *thing =
        decode("openid-credential-offer://?credential_offer=%7B%22credential_issuer%22%3A%22https%3A%2F%2Fi.example%22"
               "%2C%22credential_configuration_ids%22%3A%5B%22badge%22%5D%7D");
    ck_assert_str_eq(told(thing, "type"), "credential offer");
    ck_assert_str_eq(told(thing, "credential_issuer"), "https://i.example");
    thing = decode("https://wallet.example/?x=1&credential_offer_uri=https%3A%2F%2Fi.example%2Foffers%2Fa");
    ck_assert_str_eq(told(thing, "type"), "credential offer by reference");
    ck_assert_str_eq(told(thing, "credential_offer_uri"), "https://i.example/offers/a");
}
END_TEST

static const char *const strangers[] = {
    "",
    "   ",
    "hello",
    "a.b.c",
    "....",
    "{}",
    "[1]",
    "{\"jwe\":1}",
    "\"x\"",
    "a~b~",
    "~",
    "~~~",
    "{\"jwe\":",
    "x?y",
    "..",
    "%?credential_offer=%",
    "[[[[[[[[[[\"a.b.c\"]]]]]]]]]]",
};

START_TEST(what_is_nothing_known_is_nothing)
{
    ck_assert_ptr_null(decode(strangers[_i]));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("decode");
    TCase *tc = tcase_create("decode");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_jws_is_shown_and_verified_if_it_can_be);
    tcase_add_test(tc, the_key_in_the_header_verifies_a_proof);
    tcase_add_test(tc, other_algorithms_are_shown_all_the_same);
    tcase_add_loop_test(tc, a_jwe_is_opened_with_the_key_and_what_is_in_it_is_shown, 0, 2);
    tcase_add_test(tc, content_of_no_kind_is_shown_as_it_is);
    tcase_add_test(tc, an_sd_jwt_is_shown_with_what_it_discloses);
    tcase_add_test(tc, links_of_offers_are_read);
    tcase_add_loop_test(tc, what_is_nothing_known_is_nothing, 0, sizeof strangers / sizeof *strangers);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
