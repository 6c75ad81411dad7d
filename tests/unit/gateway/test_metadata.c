/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/metadata.h"

#include "fixture.h"
#include "proto/hpke.h"

static EVP_PKEY *leaf_key;
static struct gw_signer *signer;
static struct s2s_jwk *verifier, *encryption_keys[2];
static struct s2s_keyring ring = {encryption_keys, 2};
static struct gw_claim_config claims[2];
static struct gw_item_policy items[2];
static struct gw_credential_config credentials[2];
static struct gw_config config;

static void make_encryption_key(size_t index, const char *kid)
{
    EVP_PKEY *key = make_key("P-256");
    ck_assert_ok(s2s_jwk_from_pkey(key, "HPKE-0-KE", kid, &encryption_keys[index]));
    EVP_PKEY_free(key);
}

static void make_config(void)
{
    claims[0] = (struct gw_claim_config){.name = (char *)"employee_id",
                                         .always = true,
                                         .display = json("[{\"name\":\"Employee number\",\"locale\":\"en\"}]")};
    claims[1] = (struct gw_claim_config){.name = (char *)"given_name"};
    items[0] = (struct gw_item_policy){.id = (char *)"o", .type = (char *)"urn:s2s-gateway:verification:otp"};
    items[1] = (struct gw_item_policy){.id = (char *)"x", .type = (char *)"urn:example:face"};
    credentials[0] = (struct gw_credential_config){
        .id = (char *)"badge_info",
        .format = (char *)"dc+sd-jwt",
        .vct = (char *)"https://issuer.example/vct/badge",
        .scope = (char *)"badge",
        .key_binding = true,
        .claims = claims,
        .claim_count = 2,
        .display = json("[{\"name\":\"Badge\",\"locale\":\"en\"}]"),
        .policy = {.items = items, .item_count = 2},
    };
    credentials[1] = credentials[0];
    credentials[1].id = (char *)"ticket";
    credentials[1].key_binding = false;
    credentials[1].scope = NULL;
    credentials[1].display = NULL;
    credentials[1].claim_count = 0;
    config = (struct gw_config){
        .issuer = {.identifier = (char *)"https://issuer.example",
                   .url = (char *)"https://issuer.example:8443/s2s",
                   .display = json("[{\"name\":\"Example Issuer\",\"locale\":\"en\"}]")},
        .credentials = credentials,
        .credential_count = 2,
    };
}

static void setup(void)
{
    fixture_setup();
    leaf_key = make_key("P-384");
    X509 *leaf = make_certificate("metadata", leaf_key, NULL, NOW - DAY, NOW + DAY, NULL, NULL);
    struct gw_file key_file = write_key("m.key", 1, leaf_key), chain = write_chain("m.crt", 1, &leaf, 1);
    signer = gw_signer_load(&key_file, &chain, &errors);
    assert_no_error();
    ck_assert_ok(s2s_jwk_from_pkey(X509_get0_pubkey(leaf), NULL, NULL, &verifier));
    X509_free(leaf);
    make_encryption_key(0, "enc-3");
    make_encryption_key(1, "enc-2");
    make_config();
}

static void teardown(void)
{
    gw_signer_free(signer);
    s2s_jwk_free(verifier);
    for (size_t i = 0; i < 2; i++)
        s2s_jwk_free(encryption_keys[i]);
    EVP_PKEY_free(leaf_key);
    fixture_teardown();
}

static struct json_object *document(void)
{
    const struct gw_signer *signers[] = {signer, signer};
    struct gw_metadata_input input = {&config, signers, &ring, NOW};
    return s2s_json_own(arena, gw_metadata_document(&input));
}

static const char *text_of(struct json_object *value)
{
    return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

/* The value at a path of names, which ends with NULL. */
static struct json_object *at(struct json_object *value, const char *const *path)
{
    for (; *path; path++)
        value = s2s_json_get(value, *path);
    return value;
}

#define AT(value, ...) at(value, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(canonical_members)
{
    struct json_object *doc = document();
    ck_assert_str_eq(s2s_json_string(doc, "credential_issuer"), "https://issuer.example");
    ck_assert_str_eq(text_of(s2s_json_get(doc, "display")), "[{\"name\":\"Example Issuer\",\"locale\":\"en\"}]");

    struct json_object *badge = AT(doc, "credential_configurations_supported", "badge_info");
    ck_assert_str_eq(text_of(badge),
                     "{\"format\":\"dc+sd-jwt\",\"scope\":\"badge\",\"vct\":\"https://issuer.example/vct/badge\","
                     "\"credential_signing_alg_values_supported\":[\"ES384\"],"
                     "\"cryptographic_binding_methods_supported\":[\"jwk\"],\"proof_types_supported\":{\"jwt\":"
                     "{\"proof_signing_alg_values_supported\":[\"ES256\",\"ES384\",\"ES512\",\"EdDSA\",\"Ed25519\"]}},"
                     "\"credential_metadata\":{\"display\":[{\"name\":\"Badge\",\"locale\":\"en\"}],\"claims\":["
                     "{\"path\":[\"employee_id\"],\"display\":[{\"name\":\"Employee number\",\"locale\":\"en\"}]},"
                     "{\"path\":[\"given_name\"]}]}}");
    ck_assert_str_eq(text_of(AT(doc, "credential_configurations_supported", "ticket")),
                     "{\"format\":\"dc+sd-jwt\",\"vct\":\"https://issuer.example/vct/badge\","
                     "\"credential_signing_alg_values_supported\":[\"ES384\"],\"credential_metadata\":{}}");
}
END_TEST

START_TEST(server_to_server_members)
{
    struct json_object *s2s = s2s_json_get(document(), "s2s");
    ck_assert_str_eq(s2s_json_string(s2s, "issuer_server_url"), "https://issuer.example:8443/s2s");
    ck_assert_str_eq(text_of(s2s_json_get(s2s, "api_versions_supported")), "[\"1.0.0\"]");
    ck_assert_str_eq(text_of(s2s_json_get(s2s, "signing_alg_values_supported")),
                     "[\"ES256\",\"ES384\",\"ES512\",\"EdDSA\",\"Ed25519\"]");
    ck_assert_str_eq(text_of(s2s_json_get(s2s, "encryption_alg_values_supported")),
                     "[\"HPKE-0-KE\",\"HPKE-1-KE\",\"HPKE-2-KE\",\"HPKE-3-KE\",\"HPKE-4-KE\",\"HPKE-5-KE\","
                     "\"HPKE-6-KE\",\"HPKE-7-KE\",\"HPKE-0\",\"HPKE-1\",\"HPKE-2\",\"HPKE-3\",\"HPKE-4\",\"HPKE-5\","
                     "\"HPKE-6\",\"HPKE-7\"]");
    ck_assert_str_eq(text_of(s2s_json_get(s2s, "encryption_enc_values_supported")), "[\"A128GCM\",\"A256GCM\"]");
    ck_assert_str_eq(text_of(s2s_json_get(s2s, "verification_types_supported")),
                     "[\"urn:s2s-gateway:verification:otp\",\"urn:s2s-gateway:verification:risk_signals\","
                     "\"urn:s2s-gateway:verification:pre_authorized_code\","
                     "\"urn:s2s-gateway:verification:prior_session\","
                     "\"urn:s2s-gateway:verification:auth_on_web\",\"urn:s2s-gateway:verification:document\","
                     "\"urn:s2s-gateway:verification:openid4vp\",\"urn:example:face\"]");
    ck_assert_str_eq(text_of(s2s_json_get(s2s, "content_reference_supported")), "false");
    ck_assert_str_eq(text_of(s2s_json_get(s2s, "extensions_supported")), "[]");
}
END_TEST

START_TEST(live_encryption_keys_are_published)
{
    struct json_object *keys = AT(document(), "s2s", "issuer_encryption_jwks", "keys");
    ck_assert_uint_eq(json_object_array_length(keys), 2);
    for (size_t i = 0; i < 2; i++) {
        struct json_object *key = json_object_array_get_idx(keys, i);
        ck_assert_str_eq(s2s_json_string(key, "use"), "enc");
        ck_assert_str_eq(s2s_json_string(key, "alg"), "HPKE-0-KE");
        ck_assert_str_eq(s2s_json_string(key, "kid"), s2s_jwk_kid(encryption_keys[i]));
        ck_assert(!json_object_object_get_ex(key, "d", NULL));
        struct s2s_jwk *read;
        ck_assert_ok(s2s_jwk_parse_public(key, &read));
        ck_assert_str_eq(s2s_jwk_thumbprint(read), s2s_jwk_thumbprint(encryption_keys[i]));
        s2s_jwk_free(read);
    }
}
END_TEST

START_TEST(published_signature_algorithms_are_accepted)
{
    struct json_object *algs = AT(document(), "s2s", "signing_alg_values_supported");
    for (size_t i = 0; i < json_object_array_length(algs); i++) {
        const char *alg = json_object_get_string(json_object_array_get_idx(algs, i));
        ck_assert(s2s_jws_alg_fits(alg, S2S_P256) || s2s_jws_alg_fits(alg, S2S_P384) ||
                  s2s_jws_alg_fits(alg, S2S_P521) || s2s_jws_alg_fits(alg, S2S_ED25519));
    }
}
END_TEST

START_TEST(the_signed_document_says_the_same)
{
    struct json_object *doc = document();
    char *text;
    ck_assert_ok(gw_metadata_jwt(arena, doc, signer, NOW, &text));
    struct s2s_jws jws;
    ck_assert_ok(s2s_jws_parse(arena, text, strlen(text), &jws));
    ck_assert_ok(s2s_jws_verify(&jws, verifier));
    ck_assert_str_eq(s2s_json_string(jws.header, "typ"), "openidvci-issuer-metadata+jwt");
    ck_assert_uint_eq(json_object_array_length(s2s_json_get(jws.header, "x5c")), 1);
    struct json_object *payload;
    ck_assert_ok(s2s_jws_payload_json(arena, &jws, &payload));
    ck_assert_str_eq(s2s_json_string(payload, "iss"), "https://issuer.example");
    ck_assert_str_eq(s2s_json_string(payload, "sub"), "https://issuer.example");
    ck_assert_int_eq(json_object_get_int64(s2s_json_get(payload, "iat")), NOW);
    ck_assert_int_eq(json_object_object_length(payload), json_object_object_length(doc) + 3);
    json_object_object_foreach(doc, name, value) ck_assert(json_object_equal(s2s_json_get(payload, name), value));

    ck_assert_code(gw_metadata_jwt(arena, doc, signer, NOW + 2 * DAY, &text), S2S_STALE);
    struct s2s_arena *small = s2s_arena_new(64);
    ck_assert_code(gw_metadata_jwt(small, doc, signer, NOW, &text), S2S_LIMIT);
    s2s_arena_free(small);
}
END_TEST

static const char *metadata_version(const struct gw_credential_config *credential)
{
    return s2s_json_string(s2s_json_own(arena, gw_credential_metadata(credential)), "version");
}

START_TEST(credential_metadata_has_a_version_of_its_content)
{
    struct json_object *metadata = s2s_json_own(arena, gw_credential_metadata(&credentials[0]));
    ck_assert_str_eq(text_of(s2s_json_get(metadata, "display")), "[{\"name\":\"Badge\",\"locale\":\"en\"}]");
    ck_assert_uint_eq(json_object_array_length(s2s_json_get(metadata, "claims")), 2);
    const char *version = s2s_json_string(metadata, "version");
    ck_assert_uint_eq(strlen(version), 16);

    ck_assert_str_eq(metadata_version(&credentials[0]), version);
    ck_assert_str_ne(metadata_version(&credentials[1]), version);
    credentials[0].vct = (char *)"https://issuer.example/vct/other"; /* not part of it */
    ck_assert_str_eq(metadata_version(&credentials[0]), version);
    credentials[0].display = json("[{\"name\":\"New badge\"}]");
    ck_assert_str_ne(metadata_version(&credentials[0]), version);
}
END_TEST

static Suite *metadata_suite(void)
{
    Suite *suite = suite_create("metadata");
    TCase *tcase = tcase_create("metadata");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, canonical_members);
    tcase_add_test(tcase, server_to_server_members);
    tcase_add_test(tcase, live_encryption_keys_are_published);
    tcase_add_test(tcase, published_signature_algorithms_are_accepted);
    tcase_add_test(tcase, the_signed_document_says_the_same);
    tcase_add_test(tcase, credential_metadata_has_a_version_of_its_content);
    suite_add_tcase(suite, tcase);
    return suite;
}

S2S_TEST_MAIN(metadata_suite)
