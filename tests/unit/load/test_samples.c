/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers that are kept: which ones, and that a wrong one is found out, whatever is wrong with it. The answers are made
 * here: credentials by a signer of the test's own, encrypted to the client.
 */
#include "proto/b64.h"
#include "proto/crypto.h"
#include "proto/jwe.h"
#include "proto/jws.h"
#include "tests/load/samples.h"
#include "tests/unit/check_main.h"

#include <openssl/x509v3.h>
#include <string.h>

#define KEYS 2

/* What is wrong with an answer. */
enum flaw { NONE, SIGNER, SIGNATURE, HOLDER, DISCLOSURE, COUNT, KEY, NO_CHAIN, NOT_JSON };

static struct s2s_arena *arena;
static EVP_PKEY *signer, *stranger;
static X509 *certificate, *foreign;
static struct s2s_jwk *issuer_key;
static struct load_issuer issuer;
static struct load_wallet *wallet;
static struct load_session session, other;
static X509_STORE *anchors;

static X509 *self_signed(EVP_PKEY *key, const char *name)
{
    X509 *made = X509_new();
    X509_set_version(made, X509_VERSION_3);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(made));
    X509_gmtime_adj(X509_getm_notBefore(made), -60);
    X509_gmtime_adj(X509_getm_notAfter(made), 3600);
    X509_set_pubkey(made, key);
    ck_assert_int_gt(X509_sign(made, key, EVP_sha256()), 0);
    return made;
}

static struct s2s_jwk *jwk_of(EVP_PKEY *pkey, const char *alg)
{
    struct s2s_jwk *jwk;
    ck_assert_int_eq(s2s_jwk_from_pkey(pkey, alg, NULL, &jwk).code, S2S_OK);
    return jwk;
}

static void setup(void)
{
    arena = s2s_arena_new((size_t)16 << 20);
    signer = EVP_EC_gen("P-256");
    stranger = EVP_EC_gen("P-256");
    certificate = self_signed(signer, "signer");
    foreign = self_signed(stranger, "stranger");
    anchors = X509_STORE_new();
    X509_STORE_add_cert(anchors, certificate);
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    issuer_key = jwk_of(pkey, "HPKE-0-KE");
    EVP_PKEY_free(pkey);
    issuer = (struct load_issuer){.identifier = "https://issuer.example", .configuration = "badge", .key = issuer_key};
    wallet = load_wallet_new(&(struct load_wallet_config){.issuer = &issuer, .clients = 2, .keys = KEYS});
    load_session_begin(wallet, 0, 0, &session);
    load_session_begin(wallet, 1, 0, &other);
}

static void teardown(void)
{
    load_wallet_free(wallet);
    s2s_jwk_free(issuer_key);
    X509_STORE_free(anchors);
    X509_free(certificate);
    X509_free(foreign);
    EVP_PKEY_free(signer);
    EVP_PKEY_free(stranger);
    s2s_arena_free(arena);
}

static const char *base64_der(X509 *which)
{
    unsigned char *der = NULL;
    int len = i2d_X509(which, &der);
    ck_assert_int_gt(len, 0);
    char *text = s2s_arena_alloc(arena, (size_t)len * 2);
    EVP_EncodeBlock((unsigned char *)text, der, len);
    OPENSSL_free(der);
    return text;
}

static const char *disclosure(const char *json)
{
    return s2s_b64_encode(arena, s2s_bytes(json, strlen(json)));
}

static struct json_object *digest_of(const char *text)
{
    uint8_t digest[S2S_MAX_HASH];
    ck_assert_int_eq(s2s_hash(S2S_SHA256, s2s_bytes(text, strlen(text)), digest).code, S2S_OK);
    return json_object_new_string(s2s_b64_encode(arena, s2s_bytes(digest, 32)));
}

/* An SD-JWT VC with a disclosure in another one. */
static const char *make_credential(const struct s2s_jwk *holder, enum flaw flaw)
{
    struct json_object *header = json_object_new_object(), *claims = json_object_new_object();
    struct json_object *x5c = json_object_new_array(), *sd = json_object_new_array(), *cnf = json_object_new_object();
    json_object_array_add(x5c, json_object_new_string(base64_der(flaw == SIGNER ? foreign : certificate)));
    if (flaw != NO_CHAIN)
        json_object_object_add(header, "x5c", x5c);
    else
        json_object_put(x5c);
    const char *inner = disclosure("[\"salt\",\"room\",\"3.14\"]");
    const char *outer_text = s2s_arena_printf(arena, "[\"salt\",\"office\",{\"_sd\":[\"%s\"]}]",
                                              json_object_get_string(s2s_json_own(arena, digest_of(inner))));
    const char *outer = disclosure(outer_text);
    json_object_array_add(sd, digest_of(outer));
    json_object_object_add(claims, "_sd", sd);
    json_object_object_add(cnf, "jwk", s2s_jwk_public_json(holder));
    json_object_object_add(claims, "cnf", cnf);

    size_t len;
    const char *payload = s2s_json_write(arena, s2s_json_own(arena, claims), &len);
    struct s2s_jwk *key = jwk_of(flaw == SIGNER || flaw == SIGNATURE ? stranger : signer, "ES256");
    char *jws;
    ck_assert_int_eq(s2s_jws_sign(arena, key, s2s_json_own(arena, header), s2s_bytes(payload, len), &jws).code, S2S_OK);
    s2s_jwk_free(key);
    const char *extra = flaw == DISCLOSURE ? disclosure("[\"salt\",\"rank\",\"king\"]") : NULL;
    return s2s_arena_printf(arena, "%s~%s~%s~%s%s", jws, outer, inner, extra != NULL ? extra : "", extra ? "~" : "");
}

static struct load_buffer make_answer(enum flaw flaw)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < KEYS - (flaw == COUNT); ++i) {
        struct json_object *entry = json_object_new_object();
        const struct s2s_jwk *holder = load_client_key(flaw == HOLDER ? other.client : session.client, i);
        s2s_json_set_string(entry, "credential", make_credential(holder, flaw));
        json_object_array_add(list, entry);
    }
    size_t len;
    const char *plaintext = s2s_json_write(arena, s2s_json_own(arena, list), &len);
    struct s2s_jwe_options options = {.form = S2S_JWE_FLATTENED};
    struct json_object *jwe, *answer = json_object_new_object();
    const struct s2s_jwk *recipient = load_client_wek(flaw == KEY ? other.client : session.client);
    ck_assert_int_eq(s2s_jwe_seal(arena, recipient, &options, s2s_bytes(plaintext, len), &jwe).code, S2S_OK);
    json_object_object_add(answer, "credentials", json_object_get(jwe));
    struct load_buffer body = {0};
    load_buffer_text(&body, s2s_json_write(arena, s2s_json_own(arena, answer), NULL));
    if (flaw == NOT_JSON)
        body.len -= 1;
    return body;
}

static bool verify(enum flaw flaw, X509_STORE *trusted, struct load_error *error)
{
    struct load_sample sample = {session.client, make_answer(flaw)};
    bool good = load_sample_verify(&sample, &(struct load_judge){trusted, KEYS}, error);
    load_buffer_free(&sample.body);
    return good;
}

START_TEST(a_good_answer)
{
    struct load_error error = {""};
    ck_assert_msg(verify(NONE, anchors, &error), "%s", error.text);
    ck_assert_msg(verify(NONE, NULL, &error), "%s", error.text);
    ck_assert_msg(verify(SIGNER, NULL, &error), "%s", error.text); /* nobody has said whom to trust */
}
END_TEST

START_TEST(every_flaw_is_found)
{
    static const struct {
        enum flaw flaw;
        const char *part;
    } rows[] = {
        {SIGNER, "not trusted"},    {SIGNATURE, "signature"}, {HOLDER, "another key"}, {DISCLOSURE, "disclosures"},
        {COUNT, "presentment key"}, {KEY, "decrypting"},      {NO_CHAIN, "x5c"},       {NOT_JSON, "the answer"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct load_error error = {""};
        ck_assert_msg(!verify(rows[i].flaw, anchors, &error), "%s", rows[i].part);
        ck_assert_msg(strstr(error.text, rows[i].part) != NULL, "%s: %s", rows[i].part, error.text);
    }
}
END_TEST

/* Of 1,000 answers every one has the same chance to be among the 100: the first half has about half of the places. */
START_TEST(samples_are_uniform)
{
    size_t early = 0;
    for (uint64_t seed = 1; seed <= 50; ++seed) {
        struct load_samples samples;
        load_samples_init(&samples, 100, seed * 7919);
        for (unsigned i = 0; i < 1000; ++i)
            load_samples_offer(&samples, session.client, s2s_bytes(&i, sizeof(i)));
        ck_assert_uint_eq(samples.count, 100);
        ck_assert_uint_eq(samples.seen, 1000);
        for (size_t i = 0; i < samples.count; ++i) {
            unsigned number;
            memcpy(&number, samples.items[i].body.data, sizeof(number));
            early += number < 500;
        }
        load_samples_free(&samples);
    }
    ck_assert_msg(early > 2300 && early < 2700, "%zu of 5000", early);
}
END_TEST

START_TEST(few_answers_are_all_kept)
{
    struct load_samples samples;
    load_samples_init(&samples, 10, 1);
    for (int i = 0; i < 3; ++i)
        load_samples_offer(&samples, session.client, s2s_bytes("x", 1));
    ck_assert_uint_eq(samples.count, 3);
    load_samples_clear(&samples);
    ck_assert_uint_eq(samples.count, 0);
    load_samples_free(&samples);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("load samples");
    TCase *t = tcase_create("samples");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_good_answer);
    tcase_add_test(t, every_flaw_is_found);
    tcase_add_test(t, samples_are_uniform);
    tcase_add_test(t, few_answers_are_all_kept);
    suite_add_tcase(s, t);
    return s;
}

S2S_TEST_MAIN(suite)
