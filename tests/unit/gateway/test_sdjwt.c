/* SPDX-License-Identifier: Apache-2.0
 *
 * Credentials are verified here from their text alone, as a verifier would: split at the tildes, verify the JWS with
 * the certificate's key, and find each disclosure by its digest.
 */
#include "gateway/credential/sdjwt.h"

#include "fixture.h"

#include <signal.h>

#define MAX_DISCLOSURES 32

static EVP_PKEY *leaf_key, *holder_pkey;
static struct gw_signer *signer;
static struct s2s_jwk *verifier, *holder;
static struct gw_claim_config claims[] = {
    {.name = (char *)"employee_id", .always = true},
    {.name = (char *)"given_name"},
    {.name = (char *)"address"},
    {.name = (char *)"age", .always = false},
    {.name = (char *)"nothing"},
    {.name = (char *)"badge", .always = true},
};
static struct gw_credential_config config;

static void setup_kind(const char *kind)
{
    fixture_setup();
    leaf_key = make_key(kind);
    X509 *leaf = make_certificate("signer", leaf_key, "digitalSignature", NOW - DAY, NOW + DAY, NULL, NULL);
    struct gw_file key_file = write_key("signer.key", 1, leaf_key), chain = write_chain("signer.crt", 1, &leaf, 1);
    signer = gw_signer_load(&key_file, &chain, &errors);
    assert_no_error();
    ck_assert_ok(s2s_jwk_from_pkey(X509_get0_pubkey(leaf), NULL, NULL, &verifier));
    X509_free(leaf);
    holder_pkey = make_key("P-256");
    ck_assert_ok(s2s_jwk_from_pkey(holder_pkey, "ES256", NULL, &holder));
    config = (struct gw_credential_config){
        .vct = (char *)"https://issuer.example/vct/badge",
        .lifetime_s = 3600,
        .decoys = 3,
        .claims = claims,
        .claim_count = sizeof claims / sizeof claims[0],
    };
}

static void setup(void)
{
    setup_kind("P-256");
}

static void teardown(void)
{
    gw_signer_free(signer);
    s2s_jwk_free(verifier);
    s2s_jwk_free(holder);
    EVP_PKEY_free(leaf_key);
    EVP_PKEY_free(holder_pkey);
    fixture_teardown();
}

static const char dataset[] = "{\"employee_id\":\"E-17\",\"given_name\":\"Zo\\u00eb \\\"Z\\\"\",\"age\":41,\"address\":"
                              "{\"street\":\"Main/Street\",\"tags\":[1,2.5,true]},\"nothing\":null,\"secret\":\"x\"}";

static struct gw_sdjwt_input make_input(void)
{
    return (struct gw_sdjwt_input){
        .config = &config, .signer = signer, .issuer = "https://issuer.example", .claims = json(dataset), .now = NOW};
}

/* A batch of one, in `memory`. */
static struct s2s_result issue_in(struct s2s_arena *memory, const struct gw_sdjwt_input *input,
                                  const struct s2s_jwk *to, char **out)
{
    struct gw_sdjwt_batch *batch;
    struct gw_text text = gw_text(memory);
    S2S_TRY(gw_sdjwt_begin(memory, input, 1, &batch));
    S2S_TRY(gw_sdjwt_add(batch, to, &text));
    *out = text.data;
    return s2s_ok();
}

static char *issue(const struct gw_sdjwt_input *input)
{
    char *credential;
    ck_assert_ok(issue_in(arena, input, holder, &credential));
    return credential;
}

/* A credential taken apart. */
struct parsed {
    struct s2s_jws jws;
    struct json_object *payload;
    struct json_object *disclosed[MAX_DISCLOSURES]; /* [salt, name, value] */
    size_t count;
};

static const char *digest_of(const char *text, size_t len)
{
    uint8_t digest[32];
    ck_assert_int_eq(EVP_Digest(text, len, digest, NULL, EVP_sha256(), NULL), 1);
    return s2s_b64_encode(arena, s2s_bytes(digest, sizeof digest));
}

static bool has_digest(struct json_object *digests, const char *digest)
{
    for (size_t i = 0; i < json_object_array_length(digests); i++)
        if (strcmp(json_object_get_string(json_object_array_get_idx(digests, i)), digest) == 0)
            return true;
    return false;
}

/* Split and verify; every disclosure must have its digest in `_sd`. */
static struct parsed verify(const char *credential)
{
    struct parsed p = {0};
    const char *end = strchr(credential, '~');
    ck_assert_ptr_nonnull(end);
    ck_assert_ok(s2s_jws_parse(arena, credential, (size_t)(end - credential), &p.jws));
    ck_assert_ok(s2s_jws_verify(&p.jws, verifier));
    ck_assert_ok(s2s_jws_payload_json(arena, &p.jws, &p.payload));
    for (const char *start = end + 1; *start; start = end + 1) {
        end = strchr(start, '~');
        ck_assert_ptr_nonnull(end); /* the last one ends with a tilde, too: no key-binding JWT */
        size_t len = (size_t)(end - start);
        ck_assert(has_digest(s2s_json_get(p.payload, "_sd"), digest_of(start, len)));
        struct s2s_bytes text;
        ck_assert_ok(s2s_b64_decode(arena, start, len, &text));
        ck_assert_uint_lt(p.count, MAX_DISCLOSURES);
        ck_assert_ok(s2s_json_parse(arena, (const char *)text.data, text.len, 8, &p.disclosed[p.count++]));
    }
    return p;
}

/* The disclosure of this claim; NULL when there is none. */
static struct json_object *disclosure(const struct parsed *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(json_object_get_string(json_object_array_get_idx(p->disclosed[i], 1)), name) == 0)
            return p->disclosed[i];
    return NULL;
}

START_TEST(a_credential_verifies)
{
    static const char *const kinds[] = {"P-256", "P-384", "ED25519"}, *const algs[] = {"ES256", "ES384", "EdDSA"};
    setup_kind(kinds[_i]);
    struct gw_sdjwt_input input = make_input();
    struct parsed p = verify(issue(&input));

    ck_assert_str_eq(p.jws.alg, algs[_i]);
    ck_assert_str_eq(s2s_json_string(p.jws.header, "typ"), "dc+sd-jwt");
    ck_assert_uint_eq(json_object_array_length(s2s_json_get(p.jws.header, "x5c")), 1);

    ck_assert_str_eq(s2s_json_string(p.payload, "iss"), "https://issuer.example");
    ck_assert_str_eq(s2s_json_string(p.payload, "vct"), "https://issuer.example/vct/badge");
    ck_assert_str_eq(s2s_json_string(p.payload, "_sd_alg"), "sha-256");
    ck_assert_int_eq(json_object_get_int64(s2s_json_get(p.payload, "iat")), NOW);
    ck_assert_int_eq(json_object_get_int64(s2s_json_get(p.payload, "exp")), NOW + 3600);
    struct s2s_jwk *bound;
    ck_assert_ok(s2s_jwk_parse_public(s2s_json_get(s2s_json_get(p.payload, "cnf"), "jwk"), &bound));
    ck_assert_str_eq(s2s_jwk_thumbprint(bound), s2s_jwk_thumbprint(holder));
    s2s_jwk_free(bound);
    teardown();
}
END_TEST

START_TEST(claims_are_where_the_configuration_wants_them)
{
    struct gw_sdjwt_input input = make_input();
    struct parsed p = verify(issue(&input));
    ck_assert_str_eq(s2s_json_string(p.payload, "employee_id"), "E-17");
    ck_assert_uint_eq(p.count, 4);
    static const char *const selective[] = {"given_name", "age", "address", "nothing"};
    for (size_t i = 0; i < sizeof selective / sizeof selective[0]; i++) {
        struct json_object *found = disclosure(&p, selective[i]), *expected;
        ck_assert_ptr_nonnull(found);
        ck_assert_uint_eq(json_object_array_length(found), 3);
        ck_assert(json_object_object_get_ex(input.claims, selective[i], &expected));
        ck_assert(json_object_equal(json_object_array_get_idx(found, 2), expected));
        ck_assert_uint_eq(strlen(json_object_get_string(json_object_array_get_idx(found, 0))), 22);
        ck_assert(!json_object_object_get_ex(p.payload, selective[i], NULL));
    }
    /* Neither what is not configured, nor what the dataset has not. */
    ck_assert(!disclosure(&p, "secret") && !json_object_object_get_ex(p.payload, "secret", NULL));
    ck_assert(!disclosure(&p, "badge") && !json_object_object_get_ex(p.payload, "badge", NULL));
}
END_TEST

START_TEST(digests_hide_number_and_order)
{
    struct gw_sdjwt_input input = make_input();
    struct parsed p = verify(issue(&input));
    struct json_object *digests = s2s_json_get(p.payload, "_sd");
    ck_assert_uint_eq(json_object_array_length(digests), 4 + 3);
    for (size_t i = 0; i < 7; i++) {
        const char *digest = json_object_get_string(json_object_array_get_idx(digests, i));
        ck_assert_uint_eq(strlen(digest), 43);
        if (i > 0)
            ck_assert_int_lt(strcmp(json_object_get_string(json_object_array_get_idx(digests, i - 1)), digest), 0);
    }
}
END_TEST

static void assert_unlinkable(struct parsed a, struct parsed b)
{
    struct json_object *digests = s2s_json_get(a.payload, "_sd");
    for (size_t i = 0; i < json_object_array_length(digests); i++)
        ck_assert(
            !has_digest(s2s_json_get(b.payload, "_sd"), json_object_get_string(json_object_array_get_idx(digests, i))));
    for (size_t i = 0; i < a.count; i++)
        for (size_t j = 0; j < b.count; j++)
            ck_assert_str_ne(json_object_get_string(json_object_array_get_idx(a.disclosed[i], 0)),
                             json_object_get_string(json_object_array_get_idx(b.disclosed[j], 0)));
}

START_TEST(two_credentials_share_no_digest_and_no_salt)
{
    struct gw_sdjwt_input input = make_input();
    assert_unlinkable(verify(issue(&input)), verify(issue(&input)));
}
END_TEST

START_TEST(a_batch_shares_none_either)
{
    enum { COUNT = 4 };
    struct gw_sdjwt_input input = make_input();
    struct gw_sdjwt_batch *batch;
    struct parsed made[COUNT];
    ck_assert_ok(gw_sdjwt_begin(arena, &input, COUNT, &batch));
    for (size_t i = 0; i < COUNT; i++) {
        struct s2s_jwk *key;
        EVP_PKEY *pkey = make_key("P-256");
        ck_assert_ok(s2s_jwk_from_pkey(pkey, "ES256", "\"kid\"", &key));
        EVP_PKEY_free(pkey);
        struct gw_text text = gw_text(arena);
        gw_text_add_string(&text, "before:");
        ck_assert_ok(gw_sdjwt_add(batch, key, &text));
        ck_assert_int_eq(strncmp(text.data, "before:", 7), 0);
        made[i] = verify(text.data + 7);
        ck_assert_uint_eq(made[i].count, 4);
        ck_assert_str_eq(s2s_json_string(made[i].payload, "employee_id"), "E-17");
        ck_assert(s2s_jwk_is(s2s_json_get(s2s_json_get(made[i].payload, "cnf"), "jwk"), key));
        s2s_jwk_free(key);
        for (size_t j = 0; j < i; j++)
            assert_unlinkable(made[j], made[i]);
    }
}
END_TEST

START_TEST(a_batch_gives_no_more_than_was_asked_for)
{
    struct gw_sdjwt_input input = make_input();
    struct gw_sdjwt_batch *batch;
    struct gw_text text = gw_text(arena);
    ck_assert_ok(gw_sdjwt_begin(arena, &input, 1, &batch));
    ck_assert_ok(gw_sdjwt_add(batch, holder, &text));
    struct s2s_result r = gw_sdjwt_add(batch, holder, &text); /* ends the process */
    (void)r;
}
END_TEST

START_TEST(without_holder_there_is_no_cnf)
{
    struct gw_sdjwt_input input = make_input();
    char *credential;
    ck_assert_ok(issue_in(arena, &input, NULL, &credential));
    struct parsed p = verify(credential);
    ck_assert(!json_object_object_get_ex(p.payload, "cnf", NULL));
}
END_TEST

START_TEST(without_digests_there_is_no_sd)
{
    struct gw_sdjwt_input input = make_input();
    input.claims = json("{\"employee_id\":\"E-17\"}");
    config.decoys = 0;
    const char *credential = issue(&input);
    struct parsed p = verify(credential);
    ck_assert_uint_eq(p.count, 0);
    ck_assert(!json_object_object_get_ex(p.payload, "_sd", NULL));
    ck_assert(!json_object_object_get_ex(p.payload, "_sd_alg", NULL));
    ck_assert_int_eq(credential[strlen(credential) - 1], '~');
}
END_TEST

START_TEST(it_outlives_neither_the_certificate_nor_its_claims)
{
    struct gw_sdjwt_input input = make_input();
    static const struct {
        int64_t lifetime, now, exp, valid_until;
    } cases[] = {
        {DAY - 1, NOW, NOW + DAY - 1, 0}, {DAY, NOW, NOW + DAY, 0},           {DAY + 1, NOW, NOW + DAY, 0},
        {INT64_MAX, NOW, NOW + DAY, 0},   {DAY, NOW + DAY, NOW + DAY, 0},     {DAY, NOW, NOW + 100, NOW + 100},
        {50, NOW, NOW + 50, NOW + 100},   {INT64_MAX, NOW, NOW + 1, NOW + 1}, {DAY, NOW, NOW + DAY, NOW + 2 * DAY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        config.lifetime_s = cases[i].lifetime;
        input.now = cases[i].now;
        input.valid_until = cases[i].valid_until;
        struct parsed p = verify(issue(&input));
        ck_assert_int_eq(json_object_get_int64(s2s_json_get(p.payload, "exp")), cases[i].exp);
    }
}
END_TEST

START_TEST(an_invalid_certificate_does_not_sign)
{
    struct gw_sdjwt_input input = make_input();
    char *credential;
    input.now = NOW + DAY + 1;
    ck_assert_code(issue_in(arena, &input, holder, &credential), S2S_STALE);
    input.now = NOW - DAY - 1;
    ck_assert_code(issue_in(arena, &input, holder, &credential), S2S_STALE);
}
END_TEST

START_TEST(a_full_arena_is_a_value)
{
    struct gw_sdjwt_input input = make_input();
    bool issued = false;
    for (size_t ceiling = 0; ceiling < 65536; ceiling += 256) {
        struct s2s_arena *small = s2s_arena_new(ceiling);
        char *credential;
        struct s2s_result result = issue_in(small, &input, holder, &credential);
        ck_assert(result.code == S2S_LIMIT || result.code == S2S_OK);
        ck_assert(!issued || result.code == S2S_OK);
        issued = result.code == S2S_OK;
        s2s_arena_free(small);
    }
    ck_assert(issued);
}
END_TEST

START_TEST(large_claims_fit)
{
    struct gw_sdjwt_input input = make_input();
    char *portrait = s2s_arena_alloc(arena, 300001);
    memset(portrait, 'A', 300000);
    input.claims = json(s2s_arena_printf(arena, "{\"given_name\":\"%s\",\"employee_id\":\"%s\"}", portrait, portrait));
    struct parsed p = verify(issue(&input));
    ck_assert_uint_eq(p.count, 1);
    ck_assert_str_eq(json_object_get_string(json_object_array_get_idx(p.disclosed[0], 2)), portrait);
    ck_assert_str_eq(s2s_json_string(p.payload, "employee_id"), portrait);
}
END_TEST

static Suite *sdjwt_suite(void)
{
    Suite *suite = suite_create("sdjwt");
    TCase *kinds = tcase_create("kinds");
    tcase_add_loop_test(kinds, a_credential_verifies, 0, 3);
    suite_add_tcase(suite, kinds);
    TCase *tcase = tcase_create("sdjwt");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, claims_are_where_the_configuration_wants_them);
    tcase_add_test(tcase, digests_hide_number_and_order);
    tcase_add_test(tcase, two_credentials_share_no_digest_and_no_salt);
    tcase_add_test(tcase, a_batch_shares_none_either);
    tcase_add_test_raise_signal(tcase, a_batch_gives_no_more_than_was_asked_for, SIGABRT);
    tcase_add_test(tcase, without_holder_there_is_no_cnf);
    tcase_add_test(tcase, without_digests_there_is_no_sd);
    tcase_add_test(tcase, it_outlives_neither_the_certificate_nor_its_claims);
    tcase_add_test(tcase, an_invalid_certificate_does_not_sign);
    tcase_add_test(tcase, a_full_arena_is_a_value);
    tcase_add_test(tcase, large_claims_fit);
    suite_add_tcase(suite, tcase);
    return suite;
}

S2S_TEST_MAIN(sdjwt_suite)
