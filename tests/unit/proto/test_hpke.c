/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/hpke.h"

#include "jose_support.h"
#include "proto/b64.h"

static struct s2s_bytes decoded(struct json_object *obj, const char *name)
{
    const char *text = s2s_json_string(obj, name);
    struct s2s_bytes out = {NULL, 0};
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(s2s_b64_decode(arena, text, strlen(text), &out).code, S2S_OK);
    return out;
}

/* The first encryption of the base mode vectors of RFC 9180 appendix A whose suite JOSE-HPKE has. */
START_TEST(test_rfc_9180)
{
    struct json_object *list = vectors("rfc9180.json");
    ck_assert_uint_eq(json_object_array_length(list), 4);
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *v = json_object_array_get_idx(list, i);
        const struct s2s_hpke_suite *suite = &s2s_hpke_suites[json_object_get_int(s2s_json_get(v, "suite"))];
        struct s2s_bytes pt;
        struct s2s_result r = s2s_hpke_open(arena, suite, private_key(s2s_json_get(v, "jwk")), decoded(v, "enc"),
                                            decoded(v, "info"), decoded(v, "aad"), decoded(v, "ct"), &pt);
        ck_assert_msg(r.code == S2S_OK, "%s: %s", s2s_json_string(v, "section"), r.detail);
        assert_bytes_equal(pt, decoded(v, "pt"));
    }
}
END_TEST

START_TEST(test_suites_by_name)
{
    bool ke;
    for (int i = 0; i < S2S_HPKE_SUITES; i++) {
        const struct s2s_hpke_suite *suite = &s2s_hpke_suites[i];
        ck_assert_int_eq(suite->number, i);
        ck_assert_ptr_eq(s2s_hpke_suite_of(s2s_arena_printf(arena, "HPKE-%d", i), &ke), suite);
        ck_assert(!ke);
        ck_assert_ptr_eq(s2s_hpke_suite_of(s2s_arena_printf(arena, "HPKE-%d-KE", i), &ke), suite);
        ck_assert(ke);
        ck_assert_uint_eq(suite->n_enc, s2s_curves[suite->curve].raw_size);
    }
    static const char *const unknown[] = {"", "HPKE-8", "HPKE-0-ke", "HPKE-00", "ECDH-ES", "dir"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        ck_assert_ptr_null(s2s_hpke_suite_of(unknown[i], &ke));
}
END_TEST

START_TEST(test_round_trip_and_tampering)
{
    const struct s2s_hpke_suite *suite = &s2s_hpke_suites[_i];
    struct s2s_jwk *key = new_key(suite->curve, NULL, NULL);
    struct s2s_bytes enc, ct, pt;
    ck_assert_int_eq(s2s_hpke_seal(arena, suite, public_key(public_json(key)), bytes("info"), bytes("aad"),
                                   bytes("plaintext"), &enc, &ct)
                         .code,
                     S2S_OK);
    ck_assert_uint_eq(enc.len, suite->n_enc);
    ck_assert_uint_eq(ct.len, 9 + 16);
    ck_assert_int_eq(s2s_hpke_open(arena, suite, key, enc, bytes("info"), bytes("aad"), ct, &pt).code, S2S_OK);
    assert_bytes_equal(pt, bytes("plaintext"));

    ck_assert_int_eq(s2s_hpke_open(arena, suite, key, enc, bytes("Info"), bytes("aad"), ct, &pt).code, S2S_REFUSED);
    ck_assert_int_eq(s2s_hpke_open(arena, suite, key, enc, bytes("info"), bytes("AAD"), ct, &pt).code, S2S_REFUSED);
    struct s2s_jwk *other = new_key(suite->curve, NULL, NULL);
    ck_assert_int_eq(s2s_hpke_open(arena, suite, other, enc, bytes("info"), bytes("aad"), ct, &pt).code, S2S_REFUSED);
    for (size_t i = 0; i < ct.len; i++) {
        uint8_t *changed = s2s_arena_alloc(arena, ct.len);
        memcpy(changed, ct.data, ct.len);
        changed[i] ^= 1;
        ck_assert_int_eq(
            s2s_hpke_open(arena, suite, key, enc, bytes("info"), bytes("aad"), s2s_bytes(changed, ct.len), &pt).code,
            S2S_REFUSED);
    }
    ck_assert_int_eq(
        s2s_hpke_open(arena, suite, key, enc, bytes("info"), bytes("aad"), s2s_bytes(ct.data, 15), &pt).code,
        S2S_REFUSED);
}
END_TEST

START_TEST(test_empty_plaintext)
{
    const struct s2s_bytes empty = {NULL, 0};
    struct s2s_jwk *key = new_key(S2S_P256, NULL, NULL);
    struct s2s_bytes enc, ct, pt;
    ck_assert_int_eq(s2s_hpke_seal(arena, &s2s_hpke_suites[0], key, empty, empty, empty, &enc, &ct).code, S2S_OK);
    ck_assert_int_eq(s2s_hpke_open(arena, &s2s_hpke_suites[0], key, enc, empty, empty, ct, &pt).code, S2S_OK);
    ck_assert_uint_eq(pt.len, 0);
}
END_TEST

START_TEST(test_bad_encapsulated_secrets)
{
    const struct s2s_hpke_suite *suite = &s2s_hpke_suites[_i];
    const struct s2s_bytes empty = {NULL, 0};
    struct s2s_jwk *key = new_key(suite->curve, NULL, NULL);
    struct s2s_bytes enc, ct, pt;
    ck_assert_int_eq(s2s_hpke_seal(arena, suite, key, empty, empty, bytes("x"), &enc, &ct).code, S2S_OK);
    uint8_t *bad = s2s_arena_alloc(arena, enc.len + 1);

    /* zero: not on an EC curve, of small order on a Montgomery curve */
    ck_assert_int_eq(s2s_hpke_open(arena, suite, key, s2s_bytes(bad, enc.len), empty, empty, ct, &pt).code,
                     S2S_BAD_KEY);
    /* another length */
    memcpy(bad, enc.data, enc.len);
    ck_assert_int_eq(s2s_hpke_open(arena, suite, key, s2s_bytes(bad, enc.len + 1), empty, empty, ct, &pt).code,
                     S2S_BAD_KEY);
    ck_assert_int_eq(s2s_hpke_open(arena, suite, key, s2s_bytes(bad, enc.len - 1), empty, empty, ct, &pt).code,
                     S2S_BAD_KEY);
    ck_assert_int_eq(s2s_hpke_open(arena, suite, key, empty, empty, empty, ct, &pt).code, S2S_BAD_KEY);
    if (s2s_curves[suite->curve].is_ec) {
        bad[enc.len - 1] ^= 1; /* off the curve */
        ck_assert_int_eq(s2s_hpke_open(arena, suite, key, s2s_bytes(bad, enc.len), empty, empty, ct, &pt).code,
                         S2S_BAD_KEY);
        bad[enc.len - 1] ^= 1;
        bad[0] = (uint8_t)(6 | (bad[enc.len - 1] & 1)); /* the same point in the hybrid form */
        ck_assert_int_eq(s2s_hpke_open(arena, suite, key, s2s_bytes(bad, enc.len), empty, empty, ct, &pt).code,
                         S2S_BAD_KEY);
    }
}
END_TEST

START_TEST(test_keys_that_do_not_fit)
{
    const struct s2s_bytes empty = {NULL, 0};
    struct s2s_jwk *p256 = new_key(S2S_P256, NULL, NULL), *ed = new_key(S2S_ED25519, NULL, NULL);
    struct s2s_bytes enc, ct, pt;
    ck_assert_int_eq(s2s_hpke_seal(arena, &s2s_hpke_suites[1], p256, empty, empty, empty, &enc, &ct).code, S2S_BAD_KEY);
    ck_assert_int_eq(s2s_hpke_seal(arena, &s2s_hpke_suites[3], ed, empty, empty, empty, &enc, &ct).code, S2S_BAD_KEY);
    ck_assert_int_eq(s2s_hpke_seal(arena, &s2s_hpke_suites[0], p256, empty, empty, empty, &enc, &ct).code, S2S_OK);
    ck_assert_int_eq(s2s_hpke_open(arena, &s2s_hpke_suites[1], p256, enc, empty, empty, ct, &pt).code, S2S_BAD_KEY);
    ck_assert_int_eq(
        s2s_hpke_open(arena, &s2s_hpke_suites[0], public_key(public_json(p256)), enc, empty, empty, ct, &pt).code,
        S2S_BAD_KEY);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("hpke");
    TCase *tc = tcase_create("hpke");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_rfc_9180);
    tcase_add_test(tc, test_suites_by_name);
    tcase_add_loop_test(tc, test_round_trip_and_tampering, 0, S2S_HPKE_SUITES);
    tcase_add_test(tc, test_empty_plaintext);
    tcase_add_loop_test(tc, test_bad_encapsulated_secrets, 0, S2S_HPKE_SUITES);
    tcase_add_test(tc, test_keys_that_do_not_fit);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
