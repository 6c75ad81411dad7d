/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/credential/signer.h"

#include "fixture.h"

/* A signing key with its certificate, an intermediate authority and a root. */
struct pki {
    EVP_PKEY *root_key, *ca_key, *leaf_key;
    X509 *root, *ca, *leaf;
};

static struct pki make_pki(const char *kind)
{
    struct pki pki = {.root_key = make_key("P-256"), .ca_key = make_key("P-256"), .leaf_key = make_key(kind)};
    pki.root = make_certificate("root", pki.root_key, "keyCertSign", NOW - DAY, NOW + DAY, NULL, NULL);
    pki.ca = make_certificate("ca", pki.ca_key, "keyCertSign", NOW - DAY, NOW + DAY, pki.root, pki.root_key);
    pki.leaf = make_certificate("leaf", pki.leaf_key, "digitalSignature", NOW - DAY, NOW + DAY, pki.ca, pki.ca_key);
    return pki;
}

static void free_pki(struct pki *pki)
{
    EVP_PKEY_free(pki->root_key);
    EVP_PKEY_free(pki->ca_key);
    EVP_PKEY_free(pki->leaf_key);
    X509_free(pki->root);
    X509_free(pki->ca);
    X509_free(pki->leaf);
}

/* The signer over files with this key and this chain. */
static struct gw_signer *load(EVP_PKEY *key, X509 *const *chain, size_t count)
{
    struct gw_file key_file = write_key("signer.key", 11, key);
    struct gw_file chain_file = write_chain("signer.crt", 12, chain, count);
    return gw_signer_load(&key_file, &chain_file, &errors);
}

/* The certificate in the x5c at `index`. */
static X509 *x5c_certificate(struct json_object *x5c, size_t index)
{
    const char *text = json_object_get_string(json_object_array_get_idx(x5c, index));
    size_t len = strlen(text);
    unsigned char *der = s2s_arena_alloc(arena, len);
    int der_len = EVP_DecodeBlock(der, (const unsigned char *)text, (int)len);
    ck_assert_int_gt(der_len, 0);
    const unsigned char *p = der;
    X509 *certificate = d2i_X509(NULL, &p, der_len);
    ck_assert_ptr_nonnull(certificate);
    return certificate;
}

static void assert_x5c_is(struct json_object *x5c, X509 *const *chain, size_t count)
{
    ck_assert_uint_eq(json_object_array_length(x5c), count);
    for (size_t i = 0; i < count; i++) {
        X509 *certificate = x5c_certificate(x5c, i);
        ck_assert_int_eq(X509_cmp(certificate, chain[i]), 0);
        X509_free(certificate);
    }
}

START_TEST(signs_with_every_kind_of_key)
{
    static const struct {
        const char *kind, *alg;
    } kinds[] = {{"P-256", "ES256"}, {"P-384", "ES384"}, {"ED25519", "EdDSA"}};
    struct pki pki = make_pki(kinds[_i].kind);
    X509 *const chain[] = {pki.leaf, pki.ca, pki.root};
    struct gw_signer *signer = load(pki.leaf_key, chain, 3);
    assert_no_error();
    ck_assert_ptr_nonnull(signer);
    ck_assert_str_eq(gw_signer_alg(signer), kinds[_i].alg);
    assert_x5c_is(gw_signer_x5c(signer), chain, 2); /* without the root */

    char *text;
    ck_assert_ok(gw_signer_sign(signer, arena, GW_SIGNED_METADATA, NOW, s2s_bytes("{\"a\":1}", 7), &text));
    struct s2s_jws jws;
    ck_assert_ok(s2s_jws_parse(arena, text, strlen(text), &jws));
    ck_assert_str_eq(jws.alg, kinds[_i].alg);
    ck_assert_str_eq(s2s_json_string(jws.header, "typ"), "openidvci-issuer-metadata+jwt");
    ck_assert_uint_eq(json_object_object_length(jws.header), 3);
    assert_x5c_is(s2s_json_get(jws.header, "x5c"), chain, 2);
    ck_assert_uint_eq(jws.payload.len, 7);
    ck_assert_mem_eq(jws.payload.data, "{\"a\":1}", 7);

    /* With the key of the certificate, as a verifier would. */
    struct s2s_jwk *public_key;
    ck_assert_ok(s2s_jwk_from_pkey(X509_get0_pubkey(pki.leaf), NULL, NULL, &public_key));
    ck_assert_ok(s2s_jws_verify(&jws, public_key));
    s2s_jwk_free(public_key);
    gw_signer_free(signer);
    free_pki(&pki);
}
END_TEST

START_TEST(a_self_signed_leaf_stays_in_x5c)
{
    EVP_PKEY *key = make_key("P-256");
    X509 *leaf = make_certificate("alone", key, NULL, NOW - DAY, NOW + DAY, NULL, NULL);
    struct gw_signer *signer = load(key, &leaf, 1);
    assert_no_error();
    assert_x5c_is(gw_signer_x5c(signer), &leaf, 1);
    gw_signer_free(signer);
    X509_free(leaf);
    EVP_PKEY_free(key);
}
END_TEST

START_TEST(signs_only_within_the_validity)
{
    struct pki pki = make_pki("P-256");
    struct gw_signer *signer = load(pki.leaf_key, &pki.leaf, 1);
    assert_no_error();
    int64_t not_before, not_after;
    gw_signer_validity(signer, &not_before, &not_after);
    ck_assert_int_eq(not_before, NOW - DAY);
    ck_assert_int_eq(not_after, NOW + DAY);
    const struct {
        int64_t now;
        bool valid;
    } moments[] = {{not_before - 1, false}, {not_before, true}, {NOW, true}, {not_after, true}, {not_after + 1, false}};
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        char *text;
        ck_assert_int_eq(gw_signer_valid(signer, moments[i].now), moments[i].valid);
        ck_assert_code(gw_signer_sign(signer, arena, GW_SIGNED_CREDENTIAL, moments[i].now, s2s_bytes("{}", 2), &text),
                       moments[i].valid ? S2S_OK : S2S_STALE);
    }
    gw_signer_free(signer);
    free_pki(&pki);
}
END_TEST

START_TEST(a_full_arena_is_a_value)
{
    struct pki pki = make_pki("P-256");
    struct gw_signer *signer = load(pki.leaf_key, &pki.leaf, 1);
    for (size_t ceiling = 0; ceiling < 4096; ceiling += 64) {
        struct s2s_arena *small = s2s_arena_new(ceiling);
        char *text;
        struct s2s_result r = gw_signer_sign(signer, small, GW_SIGNED_CREDENTIAL, NOW, s2s_bytes("{}", 2), &text);
        ck_assert(r.code == S2S_LIMIT || r.code == S2S_OK);
        s2s_arena_free(small);
    }
    gw_signer_free(signer);
    free_pki(&pki);
}
END_TEST

START_TEST(the_chain_must_fit_the_key)
{
    struct pki pki = make_pki("P-256");
    EVP_PKEY *stranger = make_key("P-256");
    X509 *no_signing = make_certificate("leaf", pki.leaf_key, "keyAgreement", NOW - DAY, NOW + DAY, pki.ca, pki.ca_key);
    const struct {
        EVP_PKEY *key;
        X509 *chain[3];
        size_t count;
        int line;
        const char *error;
    } cases[] = {
        {stranger, {pki.leaf, pki.ca}, 2, 12, "does not belong to the signing key"},
        {pki.leaf_key, {pki.ca, pki.leaf}, 2, 12, "put it first"},
        {pki.leaf_key, {pki.leaf, pki.root, pki.ca}, 3, 12, "out of order"},
        {pki.leaf_key, {pki.leaf, pki.leaf}, 2, 12, "out of order"},
        {pki.leaf_key, {no_signing}, 1, 12, "keyUsage"},
        {pki.leaf_key, {NULL}, 0, 12, "holds no certificate"},
    };
    ck_assert_ptr_null(load(cases[_i].key, cases[_i].chain, cases[_i].count));
    assert_one_error(cases[_i].line, cases[_i].error);
    X509_free(no_signing);
    EVP_PKEY_free(stranger);
    free_pki(&pki);
}
END_TEST

START_TEST(keys_of_other_kinds_are_refused)
{
    static const char *const kinds[] = {"P-521", "X25519", "RSA"};
    struct pki pki = make_pki("P-256");
    EVP_PKEY *key = strcmp(kinds[_i], "RSA") == 0 ? EVP_RSA_gen(2048) : make_key(kinds[_i]);
    ck_assert_ptr_null(load(key, &pki.leaf, 1));
    assert_one_error(11, "use P-256, P-384 or Ed25519");
    EVP_PKEY_free(key);
    free_pki(&pki);
}
END_TEST

START_TEST(bad_files_are_all_reported)
{
    struct gw_file key = file_at("missing.key", 11), chain = file_at("missing.crt", 12);
    ck_assert_ptr_null(gw_signer_load(&key, &chain, &errors));
    fflush(errors.out);
    ck_assert_uint_eq(errors.count, 2);
    ck_assert_ptr_nonnull(strstr(error_text, "test.yaml:11: "));
    ck_assert_ptr_nonnull(strstr(error_text, "test.yaml:12: "));
}
END_TEST

START_TEST(what_is_not_a_key_is_refused)
{
    struct pki pki = make_pki("P-256");
    struct gw_file chain = write_chain("signer.crt", 12, &pki.leaf, 1);
    struct gw_file key = write_file("signer.key", 11, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    ck_assert_ptr_null(gw_signer_load(&key, &chain, &errors));
    assert_one_error(11, "holds no private key");
    free_pki(&pki);
}
END_TEST

/* It must neither be read nor ask a terminal for the passphrase. */
START_TEST(a_key_with_a_passphrase_is_refused)
{
    struct pki pki = make_pki("P-256");
    struct gw_file chain = write_chain("signer.crt", 12, &pki.leaf, 1);
    struct gw_file key = file_at("signer.key", 11);
    FILE *out = fopen(key.path, "w");
    ck_assert_int_eq(
        PEM_write_PrivateKey(out, pki.leaf_key, EVP_aes_128_cbc(), (const unsigned char *)"secret", 6, NULL, NULL), 1);
    fclose(out);
    ck_assert_ptr_null(gw_signer_load(&key, &chain, &errors));
    assert_one_error(11, "without a passphrase");
    free_pki(&pki);
}
END_TEST

START_TEST(a_broken_or_long_chain_is_refused)
{
    struct pki pki = make_pki("P-256");
    struct gw_file key = write_key("signer.key", 11, pki.leaf_key);
    struct gw_file chain = write_chain("signer.crt", 12, &pki.leaf, 1);
    if (_i == 0) {
        FILE *out = fopen(chain.path, "a");
        fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", out);
        fclose(out);
    } else {
        X509 *many[9];
        for (size_t i = 0; i < 9; i++)
            many[i] = pki.leaf;
        chain = write_chain("signer.crt", 12, many, 9);
    }
    ck_assert_ptr_null(gw_signer_load(&key, &chain, &errors));
    assert_one_error(12, "broken or too long");
    free_pki(&pki);
}
END_TEST

static Suite *signer_suite(void)
{
    Suite *suite = suite_create("signer");
    TCase *tcase = fixture_case(suite);
    tcase_add_loop_test(tcase, signs_with_every_kind_of_key, 0, 3);
    tcase_add_test(tcase, a_self_signed_leaf_stays_in_x5c);
    tcase_add_test(tcase, signs_only_within_the_validity);
    tcase_add_test(tcase, a_full_arena_is_a_value);
    tcase_add_loop_test(tcase, the_chain_must_fit_the_key, 0, 6);
    tcase_add_loop_test(tcase, keys_of_other_kinds_are_refused, 0, 3);
    tcase_add_test(tcase, bad_files_are_all_reported);
    tcase_add_test(tcase, what_is_not_a_key_is_refused);
    tcase_add_test(tcase, a_key_with_a_passphrase_is_refused);
    tcase_add_loop_test(tcase, a_broken_or_long_chain_is_refused, 0, 2);
    return suite;
}

S2S_TEST_MAIN(signer_suite)
