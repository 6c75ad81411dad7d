/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/attestation.h"

#include "vp_support.h"

#define NONCE "n-1"

static struct party root, provider;
static struct s2s_jwk *wsk;
static struct s2s_attestation_policy policy;

static void setup_parties(void)
{
    setup();
    root = new_authority("Root", NULL);
    provider = new_party("P-256", (struct certificate){.name = "Wallet provider"}, &root);
    wsk = new_key(S2S_P256, "ES256", "wsk");
    policy =
        (struct s2s_attestation_policy){.trust = trust_in(&root), .leeway = 60, .max_keys = S2S_ATTESTATION_MAX_KEYS};
}

/* The verdict on KeyData with this `attestation` (JSON text; NULL: none). */
static struct s2s_attestation check(const char *attestation, const char *nonce)
{
    const char *key_data = attestation ? s2s_arena_printf(arena, "{\"attestation\":%s}", attestation) : "{}";
    struct s2s_attestation out;
    ck_assert_int_eq(s2s_attestation_check(arena, &policy, json(key_data), wsk, nonce, NOW, &out).code, S2S_OK);
    ck_assert((out.reason == NULL) == (out.verdict == S2S_ATTESTATION_VERIFIED));
    return out;
}

static void assert_verdict(const char *what, const char *attestation, const char *nonce,
                           enum s2s_attestation_verdict verdict)
{
    struct s2s_attestation out = check(attestation, nonce);
    ck_assert_msg(out.verdict == verdict, "%s: %s %s", what, s2s_attestation_verdict_name(out.verdict), out.reason);
}

#define HEADER "{\"alg\":\"ES256\",\"typ\":\"key-attestation+jwt\",\"x5c\":X5C}"
#define CLAIMS                                                                                                         \
    "{\"iat\":1794990000,\"exp\":" LATER_TEXT ",\"nonce\":\"" NONCE "\",\"key_storage\":[\"iso_18045_high\"],"         \
    "\"attested_keys\":[{\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"AQAB\"},OTHER,KEY]}"

static const char *jwt_of(const char *header, const char *claims)
{
    if (strstr(header, "X5C"))
        header = with(header, "X5C", x5c_of(&provider, NULL));
    if (strstr(claims, "OTHER"))
        claims = with(claims, "OTHER", jwk_text(new_key(S2S_P256, NULL, NULL)));
    if (strstr(claims, "KEY"))
        claims = with(claims, "KEY", jwk_text(wsk));
    return sign_text(provider.key, header, claims);
}

static const char *in_form(const char *form, const char *jwt)
{
    return with(form, "JWT", jwt);
}

#define FORM "{\"proof_type\":\"attestation\",\"jwt\":\"JWT\"}"

START_TEST(test_forms)
{
    static const struct {
        const char *attestation;
        enum s2s_attestation_verdict verdict;
    } rows[] = {
        {FORM, S2S_ATTESTATION_VERIFIED},
        {"{\"proof_type\":\"attestation\",\"attestation\":\"JWT\"}", S2S_ATTESTATION_VERIFIED},
        {"{\"attestation\":[\"JWT\"]}", S2S_ATTESTATION_VERIFIED},
        {"{\"attestation\":[\"JWT\",\"x\"]}", S2S_ATTESTATION_INVALID},
        {"{\"attestation\":[]}", S2S_ATTESTATION_INVALID},
        {"{\"attestation\":{}}", S2S_ATTESTATION_INVALID},
        {"{\"proof_type\":\"attestation\",\"jwt\":1}", S2S_ATTESTATION_INVALID},
        {"{\"proof_type\":\"attestation\",\"jwt\":\"\"}", S2S_ATTESTATION_INVALID},
        {"{\"x5c\":1}", S2S_ATTESTATION_INVALID},
        {"{\"x5c\":[]}", S2S_ATTESTATION_INVALID},
        {"{\"proof_type\":\"attestation\"}", S2S_ATTESTATION_ABSENT},
        {"{\"proof_type\":\"jwt\",\"jwt\":\"JWT\"}", S2S_ATTESTATION_ABSENT},
        {"{\"proof_type\":\"other\",\"x5c\":[]}", S2S_ATTESTATION_ABSENT},
        {"{\"proof_type\":1,\"x5c\":[]}", S2S_ATTESTATION_ABSENT},
        {"{}", S2S_ATTESTATION_ABSENT},
        {"[]", S2S_ATTESTATION_ABSENT},
        {"\"JWT\"", S2S_ATTESTATION_ABSENT},
        {"null", S2S_ATTESTATION_ABSENT},
    };
    const char *jwt = jwt_of(HEADER, CLAIMS);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *attestation =
            strstr(rows[i].attestation, "JWT") ? in_form(rows[i].attestation, jwt) : rows[i].attestation;
        assert_verdict(rows[i].attestation, attestation, NULL, rows[i].verdict);
    }
    assert_verdict("none", NULL, NULL, S2S_ATTESTATION_ABSENT);
}
END_TEST

START_TEST(test_what_an_attestation_says)
{
    struct s2s_attestation out = check(in_form(FORM, jwt_of(HEADER, CLAIMS)), NONCE);
    ck_assert_str_eq(out.issuer, "CN=Wallet provider");
    struct json_object *storage = s2s_json_get(out.claims, "key_storage");
    ck_assert_str_eq(json_object_get_string(json_object_array_get_idx(storage, 0)), "iso_18045_high");
    ck_assert_str_eq(s2s_attestation_verdict_name(out.verdict), "VERIFIED");
}
END_TEST

START_TEST(test_key_attestations)
{
    static const struct {
        const char *what;
        bool in_header;
        const char *from, *to;
        enum s2s_attestation_verdict verdict;
    } rows[] = {
        {"another typ", true, "key-attestation+jwt", "jwt", S2S_ATTESTATION_INVALID},
        {"no typ", true, "\"typ\"", "\"tip\"", S2S_ATTESTATION_INVALID},
        {"alg none", true, "ES256", "none", S2S_ATTESTATION_INVALID},
        {"HMAC", true, "ES256", "HS256", S2S_ATTESTATION_INVALID},
        {"no chain", true, "x5c", "x5d", S2S_ATTESTATION_INVALID},
        {"expired", false, LATER_TEXT, "1794999940", S2S_ATTESTATION_INVALID},
        {"that never expires", false, "\"exp\":" LATER_TEXT ",", "", S2S_ATTESTATION_VERIFIED},
        {"from the future", false, "1794990000", "1795000061", S2S_ATTESTATION_INVALID},
        {"not valid yet", false, "{", "{\"nbf\":1795000061,", S2S_ATTESTATION_INVALID},
        {"without iat", false, "\"iat\"", "\"iau\"", S2S_ATTESTATION_INVALID},
        {"another nonce", false, "\"n-1\"", "\"n-2\"", S2S_ATTESTATION_INVALID},
        {"no nonce", false, "\"nonce\"", "\"once\"", S2S_ATTESTATION_INVALID},
        {"a nonce that is a number", false, "\"n-1\"", "1", S2S_ATTESTATION_INVALID},
        {"of other keys", false, ",KEY]", "]", S2S_ATTESTATION_INVALID},
        {"of no keys", false, "\"attested_keys\":[", "\"attested_keys\":[],\"k\":[", S2S_ATTESTATION_INVALID},
        {"of keys that are an object", false, "\"attested_keys\":[", "\"attested_keys\":{},\"k\":[",
         S2S_ATTESTATION_INVALID},
        {"of nonsense besides", false, "OTHER", "1,null,\"x\",[],{}", S2S_ATTESTATION_VERIFIED},
        {"of the key with its private part", false, "KEY", "{\"kty\":\"EC\",\"d\":\"AA\"}", S2S_ATTESTATION_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *header = HEADER, *claims = CLAIMS;
        const char **part = rows[i].in_header ? &header : &claims;
        *part = with(*part, rows[i].from, rows[i].to);
        assert_verdict(rows[i].what, in_form(FORM, jwt_of(header, claims)), NONCE, rows[i].verdict);
    }
    /* where none was given, any will do */
    assert_verdict("an unasked nonce", in_form(FORM, jwt_of(HEADER, CLAIMS)), NULL, S2S_ATTESTATION_VERIFIED);

    policy.max_keys = 3;
    assert_verdict("three keys", in_form(FORM, jwt_of(HEADER, CLAIMS)), NULL, S2S_ATTESTATION_VERIFIED);
    policy.max_keys = 2;
    assert_verdict("too many keys", in_form(FORM, jwt_of(HEADER, CLAIMS)), NULL, S2S_ATTESTATION_INVALID);
}
END_TEST

START_TEST(test_who_attests)
{
    const char *jwt = jwt_of(HEADER, CLAIMS);
    struct party stranger = new_party("P-256", (struct certificate){.name = "Wallet provider"}, NULL);
    const char *forged = with(HEADER, "X5C", x5c_of(&stranger, NULL));
    const char *claims = with(with(CLAIMS, "OTHER", "{}"), "KEY", jwk_text(wsk));
    assert_verdict("a stranger", in_form(FORM, sign_text(stranger.key, forged, claims)), NULL, S2S_ATTESTATION_INVALID);
    const char *header = with(HEADER, "X5C", x5c_of(&provider, NULL));
    assert_verdict("the wallet", in_form(FORM, sign_text(wsk, header, claims)), NULL, S2S_ATTESTATION_INVALID);
    policy.trust = trust_in(NULL);
    assert_verdict("nobody trusted", in_form(FORM, jwt), NULL, S2S_ATTESTATION_INVALID);
}
END_TEST

START_TEST(test_chains)
{
    struct party key = new_party("P-256", (struct certificate){.name = "Key in hardware"}, &root);
    struct party other = new_party("P-256", (struct certificate){.name = "Other"}, &root);
    struct party old = new_party("P-256", (struct certificate){.name = "Old", .end = NOW - 1}, &root);
    struct party self = new_party("P-256", (struct certificate){.name = "Self"}, NULL);
    const char *form = "{\"x5c\":X5C}";

    wsk = key.key;
    struct s2s_attestation out = check(with(form, "X5C", x5c_of(&key, NULL)), NULL);
    ck_assert_int_eq(out.verdict, S2S_ATTESTATION_VERIFIED);
    ck_assert_str_eq(out.issuer, "CN=Key in hardware");
    ck_assert_ptr_null(out.claims);
    assert_verdict("named", with("{\"proof_type\":\"x5c\",\"x5c\":X5C}", "X5C", x5c_of(&key, &root)), NULL,
                   S2S_ATTESTATION_VERIFIED);
    assert_verdict("another key", with(form, "X5C", x5c_of(&other, NULL)), NULL, S2S_ATTESTATION_INVALID);
    wsk = old.key;
    assert_verdict("expired", with(form, "X5C", x5c_of(&old, NULL)), NULL, S2S_ATTESTATION_INVALID);
    wsk = self.key;
    assert_verdict("self-signed", with(form, "X5C", x5c_of(&self, NULL)), NULL, S2S_ATTESTATION_INVALID);
}
END_TEST

START_TEST(test_every_octet_counts)
{
    const char *jwt = jwt_of(HEADER, CLAIMS);
    size_t len = strlen(jwt);
    struct s2s_arena *outer = arena;
    for (size_t i = 0; i < len; i++) {
        arena = s2s_arena_new(SCRATCH);
        char *changed = s2s_arena_strndup(arena, jwt, len);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_verdict("changed", in_form(FORM, changed), NULL, S2S_ATTESTATION_INVALID);
        changed[i] = '\0';
        assert_verdict("cut off", in_form(FORM, changed), NULL, S2S_ATTESTATION_INVALID);
        s2s_arena_free(arena);
    }
    arena = outer;
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("attestation");
    TCase *tc = tcase_create("attestation");
    tcase_add_checked_fixture(tc, setup_parties, teardown);
    tcase_add_test(tc, test_forms);
    tcase_add_test(tc, test_what_an_attestation_says);
    tcase_add_test(tc, test_key_attestations);
    tcase_add_test(tc, test_who_attests);
    tcase_add_test(tc, test_chains);
    tcase_add_test(tc, test_every_octet_counts);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
