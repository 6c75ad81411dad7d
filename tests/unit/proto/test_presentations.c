/* SPDX-License-Identifier: Apache-2.0
 *
 * Presentations, a status list and a key attestation that other software has made (tests/interop/make-vectors.mjs).
 */
#include "proto/attestation.h"
#include "proto/dcql.h"
#include "proto/statuslist.h"
#include "vp_support.h"

static struct json_object *all;
static struct s2s_trust *trust;
static int64_t now;

static void setup_vectors(void)
{
    setup();
    all = vectors("presentations.json");
    now = json_object_get_int64(s2s_json_get(all, "now"));
    trust = trust_in(NULL);
    ck_assert_int_eq(s2s_trust_add_pem(trust, bytes(s2s_json_string(all, "anchors"))).code, S2S_OK);
}

static struct s2s_sdjwt_policy make_policy(void)
{
    return (struct s2s_sdjwt_policy){
        .trust = trust, .iss_in_certificate = true, .leeway = 60, .max_age = 300, .limits = S2S_SDJWT_LIMITS};
}

static struct s2s_result verify(const struct json_object *row, int64_t at, struct s2s_sdjwt_vp *out)
{
    const char *vct = s2s_json_string(row, "vct"), *text = s2s_json_string(row, "text");
    struct s2s_sdjwt_policy policy = make_policy();
    struct s2s_sdjwt_expected expected = {s2s_json_string(row, "nonce"), s2s_json_string(row, "aud"), &vct, 1, at};
    return s2s_sdjwt_vp_verify(arena, &policy, &expected, text, strlen(text), out);
}

static struct json_object *presentation(size_t index)
{
    return json_object_array_get_idx(s2s_json_get(all, "presentations"), index);
}

#define PRESENTATIONS 3

START_TEST(test_presentations)
{
    ck_assert_uint_eq(json_object_array_length(s2s_json_get(all, "presentations")), PRESENTATIONS);
    for (size_t i = 0; i < PRESENTATIONS; i++) {
        struct json_object *row = presentation(i);
        struct s2s_sdjwt_vp vp;
        struct s2s_result r = verify(row, now, &vp);
        ck_assert_msg(r.code == S2S_OK, "%s: %s", s2s_json_string(row, "name"), r.detail);
        ck_assert_str_eq(vp.issuer, "https://pid.example");
        json_object_object_foreach(s2s_json_get(row, "seen"), name, value)
        {
            struct json_object *claim = s2s_json_get(vp.claims, name);
            ck_assert_msg(json_object_equal(claim, value), "%s: %s", name, json_object_to_json_string(claim));
        }
        ck_assert_ptr_null(s2s_json_get(vp.claims, "birth_date"));
        ck_assert_int_eq(verify(row, now + 301, &vp).code, S2S_STALE);
    }
}
END_TEST

START_TEST(test_query)
{
    static const char query[] = "{\"credentials\":[{\"id\":\"pid\",\"format\":\"dc+sd-jwt\",\"meta\":{\"vct_values\":["
                                "\"https://pid.example/vct/pid\"]},\"claims\":[{\"path\":[\"age_over\",\"18\"],"
                                "\"values\":[true]},{\"path\":[\"nationalities\",null],\"values\":[\"FR\"]}]}]}";
    struct json_object *row = presentation(0);
    const struct s2s_dcql *dcql;
    const char *pointer;
    ck_assert_int_eq(s2s_dcql_parse(arena, json(query), &dcql, &pointer).code, S2S_OK);
    struct s2s_sdjwt_policy policy = make_policy();
    struct s2s_sdjwt_expected expected = {
        .nonce = s2s_json_string(row, "nonce"), .aud = s2s_json_string(row, "aud"), .now = now};
    const char *token = s2s_arena_printf(arena, "{\"pid\":[\"%s\"]}", s2s_json_string(row, "text"));
    struct s2s_dcql_answers answers;
    struct s2s_result r = s2s_dcql_evaluate(arena, dcql, &policy, &expected, json(token), &answers);
    ck_assert_msg(r.code == S2S_OK, "%s", r.detail);
}
END_TEST

START_TEST(test_status)
{
    struct json_object *row = s2s_json_get(all, "statusList"), *statuses = s2s_json_get(row, "statuses");
    struct s2s_sdjwt_vp vp;
    struct s2s_status_reference reference;
    ck_assert_int_eq(verify(presentation(0), now, &vp).code, S2S_OK);
    ck_assert_int_eq(s2s_status_reference(vp.status, &reference).code, S2S_OK);

    struct s2s_statuslist_limits limits = S2S_STATUSLIST_LIMITS;
    struct s2s_statuslist list;
    const char *text = s2s_json_string(row, "text");
    struct s2s_result r = s2s_statuslist_open(arena, trust, &limits, reference.uri, now, 60, text, strlen(text), &list);
    ck_assert_msg(r.code == S2S_OK, "%s", r.detail);
    uint8_t status;
    for (size_t i = 0; i < json_object_array_length(statuses); i++) {
        ck_assert_int_eq(s2s_statuslist_at(&list, i, &status).code, S2S_OK);
        ck_assert_int_eq(status, json_object_get_int(json_object_array_get_idx(statuses, i)));
    }
    ck_assert_int_eq(s2s_statuslist_at(&list, reference.index, &status).code, S2S_OK);
    ck_assert_int_eq(status, S2S_STATUS_INVALID);
}
END_TEST

START_TEST(test_key_attestation)
{
    struct json_object *row = s2s_json_get(all, "keyAttestation");
    struct s2s_jwk *wsk = public_key(s2s_json_get(row, "wsk"));
    const char *key_data = s2s_arena_printf(arena, "{\"attestation\":{\"proof_type\":\"attestation\",\"jwt\":\"%s\"}}",
                                            s2s_json_string(row, "jwt"));
    struct s2s_attestation_policy policy = {.trust = trust, .leeway = 60, .max_keys = S2S_ATTESTATION_MAX_KEYS};
    struct s2s_attestation out;
    ck_assert_int_eq(s2s_attestation_check(arena, &policy, json(key_data), wsk, NULL, now, &out).code, S2S_OK);
    ck_assert_msg(out.verdict == S2S_ATTESTATION_VERIFIED, "%s", out.reason);
    ck_assert_str_eq(out.issuer, "CN=wallet provider,O=Example");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("presentations");
    TCase *tc = tcase_create("presentations");
    tcase_add_checked_fixture(tc, setup_vectors, teardown);
    tcase_add_test(tc, test_presentations);
    tcase_add_test(tc, test_query);
    tcase_add_test(tc, test_status);
    tcase_add_test(tc, test_key_attestation);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
