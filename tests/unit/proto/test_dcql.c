/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/dcql.h"

#include "vp_support.h"

#define NONCE "n-1"
#define VERIFIER "https://issuer.example"

static struct party root, leaf;
static struct s2s_jwk *holder;
static struct s2s_sdjwt_policy policy;
static struct s2s_sdjwt_expected expected;

static void setup_parties(void)
{
    setup();
    root = new_authority("Root", NULL);
    leaf = new_party("P-256", (struct certificate){.name = "Signer"}, &root);
    holder = new_key(S2S_P256, NULL, NULL);
    policy =
        (struct s2s_sdjwt_policy){.trust = trust_in(&root), .leeway = 60, .max_age = 300, .limits = S2S_SDJWT_LIMITS};
    expected = (struct s2s_sdjwt_expected){.nonce = NONCE, .aud = VERIFIER, .now = NOW};
}

static struct s2s_result parse(const char *query, const struct s2s_dcql **out, const char **pointer)
{
    return s2s_dcql_parse(arena, json(query), out, pointer);
}

/* --- Queries --- */

#define META "\"meta\":{\"vct_values\":[\"urn:pid\"]}"
#define CREDENTIAL(id, more) "{\"id\":\"" id "\",\"format\":\"dc+sd-jwt\"," META more "}"
#define QUERY(credentials) "{\"credentials\":[" credentials "]}"
#define CLAIMS(claims) QUERY(CREDENTIAL("pid", ",\"claims\":[" claims "]"))
#define NAME "{\"id\":\"n\",\"path\":[\"name\"]}"
#define AGE "{\"id\":\"a\",\"path\":[\"age\"],\"values\":[18,true,\"old\"]}"

START_TEST(test_queries)
{
    static const struct {
        const char *query;
        enum s2s_code code;
        const char *pointer;
    } rows[] = {
        {QUERY(CREDENTIAL("pid", "")), S2S_OK, NULL},
        {QUERY(CREDENTIAL("a-Z_9", ",\"multiple\":false,\"require_cryptographic_holder_binding\":true")), S2S_OK, NULL},
        {QUERY(CREDENTIAL("pid", ",\"trusted_authorities\":[{\"type\":\"aki\"}],\"x\":1")), S2S_OK, NULL},
        {CLAIMS(NAME "," AGE ",{\"path\":[\"a\",null,0,\"b\"]}"), S2S_OK, NULL},
        {QUERY(CREDENTIAL("a", "") "," CREDENTIAL("b", "")), S2S_OK, NULL},
        {"[]", S2S_MALFORMED, "/credentials"},
        {"{}", S2S_MALFORMED, "/credentials"},
        {"{\"credentials\":{}}", S2S_MALFORMED, "/credentials"},
        {"{\"credentials\":[]}", S2S_MALFORMED, "/credentials"},
        {QUERY("1"), S2S_MALFORMED, "/credentials/0/id"},
        {QUERY(CREDENTIAL("", "")), S2S_MALFORMED, "/credentials/0/id"},
        {QUERY(CREDENTIAL("a b", "")), S2S_MALFORMED, "/credentials/0/id"},
        {QUERY(CREDENTIAL("pid", "") "," CREDENTIAL("pid", "")), S2S_MALFORMED, "/credentials/1"},
        {QUERY("{\"id\":\"pid\"," META "}"), S2S_MALFORMED, "/credentials/0/format"},
        {QUERY("{\"id\":\"pid\",\"format\":\"mso_mdoc\"," META "}"), S2S_UNSUPPORTED, "/credentials/0/format"},
        {QUERY("{\"id\":\"pid\",\"format\":\"dc+sd-jwt\"}"), S2S_MALFORMED, "/credentials/0/meta/vct_values"},
        {QUERY("{\"id\":\"pid\",\"format\":\"dc+sd-jwt\",\"meta\":{\"vct_values\":[1]}}"), S2S_MALFORMED,
         "/credentials/0/meta/vct_values/0"},
        {QUERY(CREDENTIAL("pid", ",\"multiple\":true")), S2S_UNSUPPORTED, "/credentials/0/multiple"},
        {QUERY(CREDENTIAL("pid", ",\"multiple\":\"no\"")), S2S_MALFORMED, "/credentials/0/multiple"},
        {QUERY(CREDENTIAL("pid", ",\"require_cryptographic_holder_binding\":false")), S2S_UNSUPPORTED,
         "/credentials/0/require_cryptographic_holder_binding"},
        {CLAIMS(""), S2S_MALFORMED, "/credentials/0/claims"},
        {CLAIMS("{}"), S2S_MALFORMED, "/credentials/0/claims/0/path"},
        {CLAIMS("{\"path\":[]}"), S2S_MALFORMED, "/credentials/0/claims/0/path"},
        {CLAIMS("{\"path\":[0]}"), S2S_MALFORMED, "/credentials/0/claims/0/path"},
        {CLAIMS("{\"path\":[\"a\",-1]}"), S2S_MALFORMED, "/credentials/0/claims/0/path/1"},
        {CLAIMS("{\"path\":[\"a\",true]}"), S2S_MALFORMED, "/credentials/0/claims/0/path/1"},
        {CLAIMS("{\"path\":[\"a\",99999999999999999999]}"), S2S_MALFORMED, "/credentials/0/claims/0/path/1"},
        {CLAIMS("{\"path\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}"), S2S_LIMIT, "/credentials/0/claims/0/path"},
        {CLAIMS("{\"path\":[\"a\"],\"values\":[]}"), S2S_MALFORMED, "/credentials/0/claims/0/values"},
        {CLAIMS("{\"path\":[\"a\"],\"values\":[1.5]}"), S2S_MALFORMED, "/credentials/0/claims/0/values/0"},
        {CLAIMS("{\"path\":[\"a\"],\"values\":[99999999999999999999]}"), S2S_MALFORMED,
         "/credentials/0/claims/0/values/0"},
        {CLAIMS(NAME "," NAME), S2S_MALFORMED, "/credentials/0/claims/1"},
        {CLAIMS("{\"path\":[\"a\",null]},{\"path\":[\"a\",null]}"), S2S_MALFORMED, "/credentials/0/claims/1"},
        {CLAIMS("{\"path\":[\"a\",1]},{\"path\":[\"a\",2]},{\"path\":[\"a\",null]},{\"path\":[\"a\"]}"), S2S_OK, NULL},
        {QUERY(CREDENTIAL("pid", ",\"claim_sets\":[[\"n\"]]")), S2S_MALFORMED, "/credentials/0/claim_sets"},
        {QUERY(CREDENTIAL("pid", ",\"claims\":[" NAME "],\"claim_sets\":[[\"n\"]]")), S2S_OK, NULL},
        {QUERY(CREDENTIAL("pid", ",\"claims\":[" NAME "],\"claim_sets\":[[]]")), S2S_MALFORMED,
         "/credentials/0/claim_sets/0"},
        {QUERY(CREDENTIAL("pid", ",\"claims\":[" NAME "],\"claim_sets\":[[\"x\"]]")), S2S_MALFORMED,
         "/credentials/0/claim_sets/0/0"},
        {QUERY(CREDENTIAL("pid", ",\"claims\":[{\"path\":[\"a\"]}],\"claim_sets\":[[\"n\"]]")), S2S_MALFORMED,
         "/credentials/0/claims/0/id"},
        {"{\"credentials\":[" CREDENTIAL("a", "") "],\"credential_sets\":[{\"options\":[[\"a\"]]}]}", S2S_OK, NULL},
        {"{\"credentials\":[" CREDENTIAL("a", "") "],\"credential_sets\":[]}", S2S_MALFORMED, "/credential_sets"},
        {"{\"credentials\":[" CREDENTIAL("a", "") "],\"credential_sets\":[{}]}", S2S_MALFORMED,
         "/credential_sets/0/options"},
        {"{\"credentials\":[" CREDENTIAL("a", "") "],\"credential_sets\":[{\"options\":[[\"b\"]]}]}", S2S_MALFORMED,
         "/credential_sets/0/options/0/0"},
        {"{\"credentials\":[" CREDENTIAL("a", "") "],\"credential_sets\":[{\"options\":[[\"a\"]],\"required\":1}]}",
         S2S_MALFORMED, "/credential_sets/0/required"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct s2s_dcql *query;
        const char *pointer;
        struct s2s_result r = parse(rows[i].query, &query, &pointer);
        ck_assert_msg(r.code == rows[i].code, "%s: %d %s", rows[i].query, (int)r.code, r.detail);
        if (r.code == S2S_OK)
            ck_assert_ptr_null(pointer);
        else
            ck_assert_msg(strcmp(pointer, rows[i].pointer) == 0, "%s: %s", rows[i].query, pointer);
    }
}
END_TEST

START_TEST(test_queries_without_memory)
{
    struct json_object *query = json(CLAIMS(NAME "," AGE));
    for (size_t size = 0; size < 4000; size += 13) {
        struct s2s_arena *small = s2s_arena_new(size);
        const struct s2s_dcql *out;
        const char *pointer;
        enum s2s_code code = s2s_dcql_parse(small, query, &out, &pointer).code;
        ck_assert(code == S2S_OK || code == S2S_LIMIT);
        s2s_arena_free(small);
    }
}
END_TEST

/* --- Presentations --- */

/* A presentation of a credential of this type with these claims (members with a comma before each). */
static const char *present(const char *vct, const char *claims)
{
    const char *header =
        s2s_arena_printf(arena, "{\"alg\":\"ES256\",\"typ\":\"dc+sd-jwt\",\"x5c\":%s}", x5c_of(&leaf, NULL));
    const char *payload =
        s2s_arena_printf(arena, "{\"vct\":\"%s\",\"cnf\":{\"jwk\":%s}%s}", vct, jwk_text(holder), claims);
    const char *sd_jwt = s2s_arena_printf(arena, "%s~", sign_text(leaf.key, header, payload));
    return s2s_arena_printf(arena, "%s%s", sd_jwt,
                            bind_key(sd_jwt, EVP_sha256(), holder, "{\"alg\":\"ES256\",\"typ\":\"kb+jwt\"}",
                                     "{\"iat\":" NOW_TEXT ",\"aud\":\"" VERIFIER "\",\"nonce\":\"" NONCE
                                     "\",\"sd_hash\":\"SD_HASH\"}"));
}

static struct s2s_result evaluate(const char *query, struct json_object *vp_token, struct s2s_dcql_answers *out)
{
    const struct s2s_dcql *dcql;
    const char *pointer;
    struct s2s_result r = parse(query, &dcql, &pointer);
    ck_assert_msg(r.code == S2S_OK, "%s: %s", pointer, r.detail);
    return s2s_dcql_evaluate(arena, dcql, &policy, &expected, vp_token, out);
}

/* A token with one presentation for each id; ids that are NULL are left out. */
static struct json_object *token(const char *id, const char *presentation, const char *id2, const char *presentation2)
{
    const char *const pairs[][2] = {{id, presentation}, {id2, presentation2}};
    struct json_object *out = s2s_json_own(arena, json_object_new_object());
    for (size_t i = 0; i < 2; i++) {
        if (!pairs[i][0])
            continue;
        struct json_object *list = json_object_new_array();
        json_object_array_add(list, json_object_new_string(pairs[i][1]));
        json_object_object_add(out, pairs[i][0], list);
    }
    return out;
}

START_TEST(test_one_credential)
{
    struct s2s_dcql_answers out;
    struct json_object *vp_token = token("pid", present("urn:pid", ",\"name\":\"Zoe\""), NULL, NULL);
    struct s2s_result r = evaluate(CLAIMS(NAME), vp_token, &out);
    ck_assert_msg(r.code == S2S_OK, "%s", r.detail);
    ck_assert_uint_eq(out.count, 1);
    ck_assert_str_eq(out.items[0].id, "pid");
    ck_assert(out.items[0].presented);
    ck_assert_str_eq(s2s_json_string(out.items[0].vp.claims, "name"), "Zoe");
    ck_assert_str_eq(s2s_jwk_thumbprint(out.items[0].vp.holder), s2s_jwk_thumbprint(holder));

    expected.nonce = "n-2";
    ck_assert_int_eq(evaluate(CLAIMS(NAME), vp_token, &out).code, S2S_MISMATCH);
}
END_TEST

START_TEST(test_claims)
{
    static const char claims[] =
        ",\"name\":\"Zoe\",\"age\":18,\"adult\":true,\"nothing\":null,\"height\":1.0,"
        "\"address\":{\"city\":\"Ulm\"},\"degrees\":[{\"type\":\"BSc\"},{\"type\":\"MSc\"},{}],"
        "\"nationalities\":[\"DE\",\"FR\"],\"empty\":[],\"big\":99999999999999999999";
    static const struct {
        const char *claim;
        bool there;
    } rows[] = {
        {"{\"path\":[\"name\"]}", true},
        {"{\"path\":[\"nothing\"]}", true},
        {"{\"path\":[\"surname\"]}", false},
        {"{\"path\":[\"address\",\"city\"]}", true},
        {"{\"path\":[\"address\",\"street\"]}", false},
        {"{\"path\":[\"name\",\"city\"]}", false},
        {"{\"path\":[\"nothing\",\"city\"]}", false},
        {"{\"path\":[\"address\",0]}", false},
        {"{\"path\":[\"nationalities\",1]}", true},
        {"{\"path\":[\"nationalities\",2]}", false},
        {"{\"path\":[\"nationalities\",\"0\"]}", false},
        {"{\"path\":[\"nationalities\",null]}", true},
        {"{\"path\":[\"empty\",null]}", false},
        {"{\"path\":[\"degrees\",null,\"type\"]}", true},
        {"{\"path\":[\"degrees\",2,\"type\"]}", false},
        {"{\"path\":[\"degrees\",null,\"type\"],\"values\":[\"MSc\"]}", true},
        {"{\"path\":[\"degrees\",null,\"type\"],\"values\":[\"PhD\"]}", false},
        {"{\"path\":[\"nationalities\",null,\"a\"]}", false},
        {"{\"path\":[\"name\"],\"values\":[\"Eve\",\"Zoe\"]}", true},
        {"{\"path\":[\"name\"],\"values\":[\"zoe\"]}", false},
        {"{\"path\":[\"age\"],\"values\":[17,18]}", true},
        {"{\"path\":[\"age\"],\"values\":[\"18\"]}", false},
        {"{\"path\":[\"adult\"],\"values\":[true]}", true},
        {"{\"path\":[\"adult\"],\"values\":[false]}", false},
        {"{\"path\":[\"adult\"],\"values\":[1]}", false},
        {"{\"path\":[\"age\"],\"values\":[true]}", false},
        {"{\"path\":[\"height\"],\"values\":[1]}", false},
        {"{\"path\":[\"big\"],\"values\":[9223372036854775806]}", false},
    };
    struct json_object *vp_token = token("pid", present("urn:pid", claims), NULL, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s2s_dcql_answers out;
        const char *query = with(CLAIMS("CLAIM"), "CLAIM", rows[i].claim);
        struct s2s_result r = evaluate(query, vp_token, &out);
        ck_assert_msg(r.code == (rows[i].there ? S2S_OK : S2S_MISMATCH), "%s: %s", rows[i].claim, r.detail);
    }
}
END_TEST

START_TEST(test_claim_sets)
{
    static const char query[] =
        QUERY(CREDENTIAL("pid", ",\"claims\":[" NAME "," AGE ",{\"id\":\"c\",\"path\":[\"city\"]}],"
                                "\"claim_sets\":[[\"a\"],[\"n\",\"c\"]]"));
    static const struct {
        const char *claims;
        bool enough;
    } rows[] = {
        {",\"age\":18", true},
        {",\"age\":19", false},
        {",\"name\":\"Zoe\",\"city\":\"Ulm\"", true},
        {",\"name\":\"Zoe\",\"city\":\"Ulm\",\"age\":19", true},
        {",\"name\":\"Zoe\"", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s2s_dcql_answers out;
        struct json_object *vp_token = token("pid", present("urn:pid", rows[i].claims), NULL, NULL);
        struct s2s_result r = evaluate(query, vp_token, &out);
        ck_assert_msg(r.code == (rows[i].enough ? S2S_OK : S2S_MISMATCH), "%s: %s", rows[i].claims, r.detail);
    }
}
END_TEST

/* Two queries that both need a name; A and B say which come, and whether they are good. */
START_TEST(test_sets_of_credentials)
{
    static const char both[] = "{\"credentials\":[" CREDENTIAL("a", ",\"claims\":[" NAME "]") "," CREDENTIAL(
        "b", ",\"claims\":[" NAME "]") "]%s}";
    static const struct {
        const char *sets;
        const char *a, *b; /* claims of what is presented */
        enum s2s_code code;
    } rows[] = {
        {"", ",\"name\":1", ",\"name\":1", S2S_OK},
        {"", ",\"name\":1", NULL, S2S_MISMATCH},
        {"", ",\"name\":1", "", S2S_MISMATCH},
        {",\"credential_sets\":[{\"options\":[[\"a\"],[\"b\"]]}]", ",\"name\":1", NULL, S2S_OK},
        {",\"credential_sets\":[{\"options\":[[\"a\"],[\"b\"]]}]", NULL, ",\"name\":1", S2S_OK},
        {",\"credential_sets\":[{\"options\":[[\"a\"],[\"b\"]]}]", "", ",\"name\":1", S2S_OK},
        {",\"credential_sets\":[{\"options\":[[\"a\"],[\"b\"]]}]", "", NULL, S2S_MISMATCH},
        {",\"credential_sets\":[{\"options\":[[\"a\",\"b\"]]}]", ",\"name\":1", NULL, S2S_MISMATCH},
        {",\"credential_sets\":[{\"options\":[[\"a\",\"b\"]]}]", ",\"name\":1", ",\"name\":1", S2S_OK},
        {",\"credential_sets\":[{\"options\":[[\"a\"]]},{\"options\":[[\"b\"]]}]", ",\"name\":1", NULL, S2S_MISMATCH},
        {",\"credential_sets\":[{\"options\":[[\"a\"]]},{\"options\":[[\"b\"]],\"required\":false}]", ",\"name\":1",
         NULL, S2S_OK},
        {",\"credential_sets\":[{\"options\":[[\"a\"]]},{\"options\":[[\"b\"]],\"required\":false}]", NULL,
         ",\"name\":1", S2S_MISMATCH},
        {",\"credential_sets\":[{\"options\":[[\"a\"]],\"required\":false}]", NULL, NULL, S2S_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s2s_dcql_answers out;
        struct json_object *vp_token = token(rows[i].a ? "a" : NULL, rows[i].a ? present("urn:pid", rows[i].a) : NULL,
                                             rows[i].b ? "b" : NULL, rows[i].b ? present("urn:pid", rows[i].b) : NULL);
        struct s2s_result r = evaluate(with(both, "%s", rows[i].sets), vp_token, &out);
        ck_assert_msg(r.code == rows[i].code, "%zu: %s", i, r.detail);
        ck_assert_uint_eq(out.count, 2);
        ck_assert(out.items[0].presented == (rows[i].a != NULL));
        ck_assert((out.items[0].result.code == S2S_OK) == (rows[i].a && rows[i].a[0]));
        ck_assert((out.items[1].result.code == S2S_OK) == (rows[i].b && rows[i].b[0]));
    }
}
END_TEST

START_TEST(test_types)
{
    struct s2s_dcql_answers out;
    struct json_object *vp_token = token("pid", present("urn:other", ""), NULL, NULL);
    ck_assert_int_eq(evaluate(QUERY(CREDENTIAL("pid", "")), vp_token, &out).code, S2S_MISMATCH);
    const char *other = with(QUERY(CREDENTIAL("pid", "")), "\"urn:pid\"", "\"urn:pid\",\"urn:other\"");
    ck_assert_int_eq(evaluate(other, vp_token, &out).code, S2S_OK);
    ck_assert_str_eq(out.items[0].vp.vct, "urn:other");
}
END_TEST

START_TEST(test_tokens_that_are_none)
{
    const char *good = present("urn:pid", "");
    static const char *const bad[] = {
        "null",
        "[]",
        "\"x\"",
        "{\"other\":[\"x\"]}",
        "{\"pid\":\"x\"}",
        "{\"pid\":[]}",
        "{\"pid\":null}",
        "{\"pid\":[{}]}",
        "{\"pid\":[null]}",
        "{\"pid\":[\"GOOD\",\"x\"]}",
        "{\"pid\":[\"GOOD\"],\"other\":[\"x\"]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct s2s_dcql_answers out;
        const char *text = strstr(bad[i], "GOOD") ? with(bad[i], "GOOD", good) : bad[i];
        ck_assert_msg(evaluate(QUERY(CREDENTIAL("pid", "")), json(text), &out).code == S2S_MALFORMED, "%s", bad[i]);
    }
    struct s2s_dcql_answers out;
    ck_assert_int_eq(evaluate(QUERY(CREDENTIAL("pid", "")), json("{}"), &out).code, S2S_MISMATCH);
    ck_assert_str_eq(out.items[0].result.detail, "a credential that was asked for is not presented");
    ck_assert_int_eq(evaluate(QUERY(CREDENTIAL("pid", "")), token("pid", "x~y", NULL, NULL), &out).code, S2S_MALFORMED);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("dcql");
    TCase *tc = tcase_create("dcql");
    tcase_add_checked_fixture(tc, setup_parties, teardown);
    tcase_add_test(tc, test_queries);
    tcase_add_test(tc, test_queries_without_memory);
    tcase_add_test(tc, test_one_credential);
    tcase_add_test(tc, test_claims);
    tcase_add_test(tc, test_claim_sets);
    tcase_add_test(tc, test_sets_of_credentials);
    tcase_add_test(tc, test_types);
    tcase_add_test(tc, test_tokens_that_are_none);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
