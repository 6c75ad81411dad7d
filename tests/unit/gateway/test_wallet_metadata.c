/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/wallet/metadata.h"

#include "fixture.h"

#define IDENTIFIER "https://issuer.example/tenant"

START_TEST(the_well_known_part_is_inserted)
{
    static const struct {
        const char *identifier, *path;
    } rows[] = {
        {"https://issuer.example", "/.well-known/openid-credential-issuer"},
        {"https://issuer.example/", "/.well-known/openid-credential-issuer"},
        {"https://issuer.example:8443/a", "/.well-known/openid-credential-issuer/a"},
        {"https://issuer.example/a/b/", "/.well-known/openid-credential-issuer/a/b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_str_eq(gw_metadata_path(arena, rows[i].identifier), rows[i].path);
}
END_TEST

#define S2S_MEMBERS                                                                                                    \
    "\"s2s\":{\"issuer_server_url\":\"https://issuer.example/s2s\",\"api_versions_supported\":[\"1.0.0\"],"            \
    "\"issuer_encryption_jwks\":{\"keys\":[]},\"signing_alg_values_supported\":[\"ES256\"],"                           \
    "\"encryption_alg_values_supported\":[\"HPKE-0-KE\"],\"encryption_enc_values_supported\":[\"A128GCM\"],"           \
    "\"verification_types_supported\":[],\"content_reference_supported\":false,\"extensions_supported\":[]}"

START_TEST(a_document_must_be_the_issuers_own)
{
    static const struct {
        const char *text, *fault;
    } rows[] = {
        {"{\"credential_issuer\":\"" IDENTIFIER "\",\"credential_configurations_supported\":{}," S2S_MEMBERS "}", NULL},
        {"{\"credential_issuer\":\"https://issuer.example\",\"credential_configurations_supported\":{}," S2S_MEMBERS
         "}",
         "the metadata is of another issuer"},
        {"{\"credential_issuer\":\"" IDENTIFIER "/\",\"credential_configurations_supported\":{}," S2S_MEMBERS "}",
         "the metadata is of another issuer"}, /* compared letter for letter */
        {"{\"credential_issuer\":\"" IDENTIFIER "\",\"credential_configurations_supported\":{}}",
         "the metadata does not match its schema"},
        {"[]", "the metadata does not match its schema"},
        {"null", "the metadata does not match its schema"},
        {"", "the metadata is not JSON"},
        {"<html>", "the metadata is not JSON"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_pstr_eq(gw_metadata_fault(arena, IDENTIFIER, rows[i].text, strlen(rows[i].text)), rows[i].fault);
}
END_TEST

START_TEST(a_lifetime_has_bounds)
{
    ck_assert_int_eq(gw_metadata_lifetime_ms(-1), 300 * 1000); /* the issuer does not say */
    ck_assert_int_eq(gw_metadata_lifetime_ms(0), 10 * 1000);
    ck_assert_int_eq(gw_metadata_lifetime_ms(11), 11 * 1000);
    ck_assert_int_eq(gw_metadata_lifetime_ms(30 * 86400), 86400 * 1000);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("wallet_metadata");
    TCase *tcase = tcase_create("wallet_metadata");
    tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
    tcase_add_test(tcase, the_well_known_part_is_inserted);
    tcase_add_test(tcase, a_document_must_be_the_issuers_own);
    tcase_add_test(tcase, a_lifetime_has_bounds);
    suite_add_tcase(s, tcase);
    return s;
}

S2S_TEST_MAIN(suite)
