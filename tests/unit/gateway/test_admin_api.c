/* SPDX-License-Identifier: Apache-2.0 */
#include "api_support.h"

#include "gateway/admin/api.h"
#include "gateway/credential/subject.h"
#include "gateway/issuer/offer_codes.h"
#include "gateway/issuer/web_state.h"

#define SESSION "7c9e6679-7425-40de-944b-e07fc1f90ae7"
#define DATASET "{\"version\":\"1\",\"subjects\":{\"default\":{\"name\":\"D\"},\"alice\":{\"name\":\"A\"}}}"
#define ROLE 6 /* the parameter of every write */

static struct gw_operator_config tokens[] = {
    {.name = (char *)"reader", .role = GW_OPERATOR_READ},
    {.name = (char *)"reviewer", .role = GW_OPERATOR_REVIEW},
    {.name = (char *)"operator", .role = GW_OPERATOR_OPERATE},
};
static struct gw_credential_config credentials[] = {
    {.id = (char *)"badge", .subject = (char *)"default"},
    {.id = (char *)"pass", .subject = (char *)"default", .dataset_backend = (char *)"registry"},
};
static struct gw_peer_config peer_configs[] = {
    {.name = (char *)"wallet", .role = GW_ROLE_WALLET},
    {.name = (char *)"issuer", .role = GW_ROLE_ISSUER},
};
static struct gw_peer peers[2];
static struct gw_offering offerings[2];

static void set_token(struct gw_operator_config *token, const char *text)
{
    ck_assert_ok(s2s_hash(S2S_SHA256, s2s_bytes(text, strlen(text)), token->sha256));
}

static void setup(void)
{
    api_setup(&gw_admin_api);
    set_token(&tokens[0], "read");
    set_token(&tokens[1], "review");
    set_token(&tokens[2], TOKEN);
    config.listeners[GW_LISTEN_ADMIN] = (struct gw_listener_config){.tokens = tokens, .token_count = 3};
    config.listeners[GW_LISTEN_PUBLIC].enabled = true;
    config.issuer.identifier = (char *)"https://issuer.example/tenant";
    config.offers = (struct gw_offers_config){.lifetime_ms = 600000,
                                              .tx_code_attempts = 3,
                                              .tx_code_length = 6,
                                              .endpoint = (char *)"openid-credential-offer://"};
    config.limits.max_submissions = 7;
    config.limits.max_verification_data = 8192;
    config.credentials = credentials;
    config.credential_count = 2;
    config.peers = peer_configs;
    config.peer_count = 2;
    struct gw_file file = write_file("badge.json", 1, DATASET);
    for (size_t i = 0; i < 2; i++) {
        peers[i] = (struct gw_peer){.config = &peer_configs[i]};
        offerings[i] = (struct gw_offering){.config = &credentials[i]};
    }
    offerings[0].dataset = gw_dataset_load(&file, generation.vault, &errors);
    assert_no_error();
    generation.peers = peers;
    generation.offerings = offerings;
    SCRIPT(ROW("200", "{}"));
}

static void teardown(void)
{
    gw_dataset_free(offerings[0].dataset);
    api_teardown();
}

static const char *opened(const struct stub_call *call, int index, const char *context)
{
    struct s2s_bytes plain;
    ck_assert_ok(gw_vault_open(generation.vault, arena, context,
                               s2s_bytes(call->values[index], (size_t)call->lengths[index]), &plain));
    return s2s_arena_strndup(arena, (const char *)plain.data, plain.len);
}

static const char *ref_of(size_t key, const char *subject)
{
    char *ref = s2s_arena_alloc(arena, GW_PSEUDONYM_SIZE);
    gw_subject_ref(generation.vault, key, subject, ref);
    return ref;
}

/* ---- roles ---- */

static const struct {
    const char *method, *path, *body;
    enum gw_operator_role needed;
} asked[] = {
    {"GET", "/v1/verifications", NULL, GW_OPERATOR_READ},
    {"GET", "/v1/audit", NULL, GW_OPERATOR_READ},
    {"POST", "/v1/verifications/v/request-info",
     "{\"version\":1,\"verificationDataRequest\":{\"verificationDataItems\":[]}}", GW_OPERATOR_REVIEW},
    {"POST", "/v1/instances/i/actions", "{\"action\":\"SUSPEND\"}", GW_OPERATOR_OPERATE},
    {"PUT", "/v1/instances/i/dataset", "{\"version\":\"1\",\"claims\":{}}", GW_OPERATOR_OPERATE},
    {"POST", "/v1/reconciliations", NULL, GW_OPERATOR_OPERATE},
};

static const char *const token_texts[] = {"read", "review", TOKEN}, *const role_names[] = {"read", "review", "operate"};

START_TEST(a_role_includes_those_before)
{
    for (size_t role = 0; role < 3; role++) {
        const char *headers = s2s_arena_printf(arena, "Authorization: Bearer %s\r\nContent-Type: application/json\r\n",
                                               token_texts[role]);
        SCRIPT(ROW("200", "{}"));
        int status = ask_with(asked[_i].method, asked[_i].path, headers, asked[_i].body).status;
        ck_assert_int_eq(status, role >= asked[_i].needed ? 200 : 403);
        ck_assert_uint_eq(call_count, status == 200);
        if (status == 200 && strcmp(asked[_i].method, "GET") != 0) {
            ck_assert_str_eq(calls[0].values[ROLE], role_names[role]);
            ck_assert_str_eq(calls[0].values[0], s2s_arena_printf(arena, "admin:%s", tokens[role].name));
        }
    }
}
END_TEST

START_TEST(nobody_comes_in_without_a_token)
{
    ck_assert_int_eq(ask_with("GET", "/v1/stats", "", NULL).status, 401);
    ck_assert_int_eq(ask_with("GET", "/v1/stats", "Authorization: Bearer other\r\n", NULL).status, 401);
}
END_TEST

START_TEST(looking_at_items_tells_who_looks)
{
    SCRIPT(ROW("404", "{}"));
    ck_assert_int_eq(get("/v1/verifications/v/items").status, 404);
    ck_assert_int_eq(calls[0].count, 5);
    ck_assert_str_eq(calls[0].values[2], "admin:operator");
    ck_assert_str_eq(calls[0].values[3], calls[0].values[0]); /* no request id: the exchange's own */
    ck_assert_str_eq(calls[0].values[4], "operate");
    (void)ask_with("GET", "/v1/verifications/v/items", AUTHORIZED "x-request-id: " REQUEST_ID "\r\n", NULL);
    ck_assert_str_eq(calls[1].values[3], REQUEST_ID);
    ck_assert_int_eq(ask_with("GET", "/v1/verifications/v/items", "Authorization: Bearer read\r\n", NULL).status, 403);
}
END_TEST

/* ---- subjects ---- */

START_TEST(filters_name_pseudonyms)
{
    (void)get("/v1/instances?subject=alice&limit=3");
    ck_assert_str_eq(calls[0].values[1], s2s_arena_printf(arena, "{\"limit\":3,\"subjectRefs\":[\"%s\",\"%s\"]}",
                                                          ref_of(0, "alice"), ref_of(1, "alice")));
    (void)post("/v1/bulk", "{\"action\":\"CANCEL\",\"filter\":{\"subject\":\"alice\"}}");
    ck_assert_ptr_null(strstr(calls[1].values[5], "alice"));
    ck_assert_ptr_nonnull(strstr(calls[1].values[5], ref_of(1, "alice")));
}
END_TEST

#define LOADED                                                                                                         \
    "{\"sessionId\":\"" SESSION "\",\"credentialConfigurationIds\":[\"badge\",\"pass\"],\"status\":\"PENDING\"}"

static struct answer decide(const char *decision)
{
    SCRIPT(ROW("200", LOADED), ROW("200", "{\"status\":\"done\"}"));
    return post("/v1/verifications/v/decision", s2s_arena_printf(arena, "{\"version\":4,\"decision\":{%s}}", decision));
}

START_TEST(an_approval_names_datasets_by_pseudonyms)
{
    ck_assert_int_eq(decide("\"status\":\"APPROVED\",\"subject\":\"alice\"").status, 200);
    ck_assert_str_eq(calls[0].statement, "admin_decision_load");
    ck_assert_str_eq(calls[1].statement, "admin_decide");
    ck_assert_str_eq(calls[1].values[5],
                     "{\"verificationId\":\"v\",\"body\":{\"version\":4,\"decision\":{\"status\":\"APPROVED\"}}}");
    ck_assert_str_eq(calls[1].values[7], "{\"badge\",\"pass\"}");
    ck_assert_str_eq(calls[1].values[8],
                     s2s_arena_printf(arena, "{\"%s\",\"%s\"}", ref_of(0, "alice"), ref_of(0, "alice")));
    ck_assert_str_eq(calls[1].values[10],
                     s2s_arena_printf(arena, "[[\"%s\"],[\"%s\"]]", ref_of(1, "alice"), ref_of(1, "alice")));

    char **sealed = NULL;
    size_t count = 0;
    struct s2s_bytes octets, plain;
    ck_assert_int_eq(strncmp(calls[1].values[9], "{NULL,", 6), 0); /* the dataset file knows the pseudonym */
    ck_assert(gw_db_read_array(arena, s2s_arena_printf(arena, "{%s", calls[1].values[9] + 6), &sealed, &count));
    ck_assert_uint_eq(count, 1);
    ck_assert(gw_db_read_bytes(arena, sealed[0], &octets));
    ck_assert_ok(gw_vault_open(generation.vault, arena, SESSION, octets, &plain));
    ck_assert_mem_eq(plain.data, "alice", 5);
}
END_TEST

START_TEST(an_approval_may_name_several_datasets_of_a_configuration)
{
    ck_assert_int_eq(decide("\"status\":\"APPROVED\",\"datasets\":["
                            "{\"credentialConfigurationId\":\"badge\",\"subject\":\"alice\"},"
                            "{\"credentialConfigurationId\":\"badge\",\"subject\":\"default\"}]")
                         .status,
                     200);
    ck_assert_str_eq(calls[1].values[7], "{\"badge\",\"badge\"}");
    ck_assert_str_eq(calls[1].values[8],
                     s2s_arena_printf(arena, "{\"%s\",\"%s\"}", ref_of(0, "alice"), ref_of(0, "default")));
    ck_assert_ptr_null(strstr(calls[1].values[5], "alice"));
}
END_TEST

START_TEST(what_cannot_be_approved_is_refused)
{
    assert_violations(decide("\"status\":\"APPROVED\",\"subject\":\"nobody\""),
                      "/decision/subject: is nobody of whom the credential configuration has a dataset");
    assert_violations(decide("\"status\":\"APPROVED\",\"datasets\":[{\"credentialConfigurationId\":\"badge\","
                             "\"subject\":\"nobody\"}]"),
                      "/decision/datasets/0/subject: is nobody of whom the credential configuration has a dataset");
    assert_violations(decide("\"status\":\"APPROVED\",\"credentialConfigurationIds\":[\"old\"]"),
                      "/decision: is about a credential configuration that is not configured any more");
    assert_violations(decide("\"status\":\"APPROVED\",\"subject\":\"alice\",\"datasets\":["
                             "{\"credentialConfigurationId\":\"badge\",\"subject\":\"alice\"}]"),
                      "/decision/datasets: cannot stand beside credentialConfigurationIds and subject");
    assert_violations(decide("\"status\":\"APPROVED\",\"credentialConfigurationIDs\":[\"badge\"]"),
                      "/decision: has a member that no decision has");
    ck_assert_uint_eq(call_count, 1); /* loaded, not decided */
}
END_TEST

START_TEST(the_rules_are_those_of_a_backend)
{
    static const char *const decisions[] = {
        "\"status\":\"PENDING\"",
        "\"status\":\"DENIED\",\"reasonCode\":\"NO\",\"deniedMessage\":\"\"",
        ("\"status\":\"APPROVED\",\"datasets\":[{\"credentialConfigurationId\":\"badge\",\"subject\":\"alice\"},"
         "{\"credentialConfigurationId\":\"badge\",\"subject\":\"alice\"}]"),
    };
    for (size_t i = 0; i < sizeof(decisions) / sizeof(decisions[0]); i++)
        ck_assert_int_eq(decide(decisions[i]).status, 400);
}
END_TEST

START_TEST(other_decisions_name_no_datasets)
{
    ck_assert_int_eq(decide("\"status\":\"DENIED\",\"reasonCode\":\"NO\",\"subject\":\"alice\"").status, 200);
    ck_assert_str_eq(calls[1].values[5], "{\"verificationId\":\"v\",\"body\":{\"version\":4,\"decision\":"
                                         "{\"status\":\"DENIED\",\"reasonCode\":\"NO\"}}}");
    for (int i = 7; i < 11; i++)
        ck_assert_ptr_null(calls[1].values[i]);
}
END_TEST

START_TEST(what_cannot_be_loaded_is_the_answer)
{
    SCRIPT(ROW("404", "{\"title\":\"none\"}"));
    struct answer answer = post("/v1/verifications/v/decision",
                                "{\"version\":4,\"decision\":{\"status\":\"DENIED\",\"reasonCode\":\"NO\"}}");
    ck_assert_int_eq(answer.status, 404);
    ck_assert_str_eq(answer.body, "{\"title\":\"none\"}");
    SCRIPT(ROW(NULL, NULL, .outcome = GW_DB_UNAVAILABLE));
    ck_assert_int_eq(post("/v1/verifications/v/decision",
                          "{\"version\":4,\"decision\":{\"status\":\"DENIED\",\"reasonCode\":\"NO\"}}")
                         .status,
                     503);
}
END_TEST

/* ---- data ---- */

START_TEST(a_dataset_is_sealed_for_its_instance)
{
    ck_assert_int_eq(
        ask_with("PUT", "/v1/instances/i1/dataset", WITH_JSON, "{\"version\":\"7\",\"claims\":{\"name\":\"Erika\"}}")
            .status,
        200);
    ck_assert_str_eq(calls[0].values[5], "{\"credentialInstanceId\":\"i1\",\"body\":{\"version\":\"7\"}}");
    ck_assert_str_eq(opened(&calls[0], 7, "i1"), "{\"name\":\"Erika\"}");
    ck_assert_int_eq(
        ask_with("PUT", "/v1/instances/i1/dataset", WITH_JSON, "{\"version\":\"7\",\"claims\":{\"iss\":\"me\"}}")
            .status,
        400);
}
END_TEST

START_TEST(a_web_result_goes_where_its_state_says)
{
    const struct gw_web_state state = {.session_id = SESSION, .verification_id = "v1", .item_id = "web-1"};
    const char *text;
    ck_assert_ok(gw_web_state_seal(generation.vault, arena, &state, &text));
    const char *body =
        s2s_arena_printf(arena, "{\"state\":\"%s\",\"outcome\":\"SUCCESS\",\"result\":{\"sub\":\"x\"}}", text);
    ck_assert_int_eq(post("/v1/web-results", body).status, 200);
    ck_assert_str_eq(calls[0].values[5], "{\"body\":{\"outcome\":\"SUCCESS\"}}");
    ck_assert_str_eq(calls[0].values[7], "v1");
    ck_assert_str_eq(calls[0].values[8], "web-1");
    ck_assert_str_eq(s2s_json_string(json(opened(&calls[0], 9, SESSION)), "outcome"), "SUCCESS");
    ck_assert_str_eq(calls[0].values[10], "7");
    ck_assert_str_eq(calls[0].values[11], "8192");
    assert_violations(post("/v1/web-results", "{\"state\":\"AAAA\",\"outcome\":\"FAILURE\"}"),
                      "/state: is none of this gateway's");
}
END_TEST

/* ---- offers ---- */

enum { OFFER_ID = 7, CODE, TX_CODE, ATTEMPTS, LIFETIME, SUBJECT_REF, SUBJECT, REFERENCE, DOCUMENT, ANSWER };

/* Ask for an offer, and answer as the database would. */
static struct answer offer(const char *members)
{
    SCRIPT(ROW("201", "{}"));
    const char *body =
        s2s_arena_printf(arena, "{\"credentialConfigurationIds\":[\"badge\"]%s%s}", members[0] ? "," : "", members);
    struct answer answer = post("/v1/offers", body);
    if (answer.status != 500) /* the stub's answer has nothing sealed in it */
        return answer;
    size_t len = (size_t)calls[0].lengths[ANSWER];
    char *sealed = s2s_arena_alloc(arena, len / 3 * 4 + 8);
    EVP_EncodeBlock((uint8_t *)sealed, (const uint8_t *)calls[0].values[ANSWER], (int)len);
    const char *row = s2s_arena_printf(arena, "{\"offer\":{\"offerId\":\"%s\",\"state\":\"OPEN\"},\"sealed\":\"%s\"}",
                                       calls[0].values[OFFER_ID], sealed);
    struct stub_call first = calls[0];
    SCRIPT(ROW("201", row, .replayed = "t"));
    answer = post("/v1/offers", body);
    calls[0] = first;
    return answer;
}

static struct json_object *grant_of(const struct answer *answer)
{
    struct json_object *grants = s2s_json_get(s2s_json_get(answer->json, "credential_offer"), "grants");
    return s2s_json_get(grants, "urn:ietf:params:oauth:grant-type:pre-authorized_code");
}

START_TEST(an_offer_shows_its_codes_and_stores_their_hashes)
{
    struct answer answer = offer("\"subject\":\"alice\",\"peer\":\"wallet\",\"tx_code\":{\"description\":\"By mail\"}");
    ck_assert_int_eq(answer.status, 201);
    struct json_object *document = s2s_json_get(answer.json, "credential_offer"), *grant = grant_of(&answer);
    const char *code = s2s_json_string(grant, "pre-authorized_code"),
               *tx_code = s2s_json_string(answer.json, "tx_code");
    ck_assert_str_eq(s2s_json_string(document, "credential_issuer"), "https://issuer.example/tenant");
    ck_assert_uint_eq(strlen(code), 43);
    ck_assert_uint_eq(strlen(tx_code), 6);
    ck_assert_uint_eq(strspn(tx_code, "0123456789"), 6);
    ck_assert_str_eq(json_object_to_json_string_ext(s2s_json_get(grant, "tx_code"), JSON_C_TO_STRING_PLAIN),
                     "{\"input_mode\":\"numeric\",\"length\":6,\"description\":\"By mail\"}");

    uint8_t hash[GW_OFFER_HASH_SIZE];
    gw_offer_code_hash(generation.vault, 0, code, hash);
    ck_assert_mem_eq(calls[0].values[CODE], hash, sizeof hash);
    gw_offer_tx_code_hash(generation.vault, 0, code, tx_code, hash);
    ck_assert_mem_eq(calls[0].values[TX_CODE], hash, sizeof hash);
    ck_assert_str_eq(calls[0].values[ATTEMPTS], "3");
    ck_assert_str_eq(calls[0].values[SUBJECT_REF], ref_of(0, "alice"));
    ck_assert_str_eq(opened(&calls[0], SUBJECT, calls[0].values[OFFER_ID]), "alice");
    ck_assert_ptr_null(calls[0].values[REFERENCE]);
    ck_assert_ptr_null(calls[0].values[DOCUMENT]);
    for (int i = 0; i < calls[0].count; i++)
        for (const char *const *secret = (const char *const[]){code, tx_code, "alice", NULL}; *secret; secret++)
            ck_assert(calls[0].values[i] == NULL ||
                      memmem(calls[0].values[i], (size_t)calls[0].lengths[i], *secret, strlen(*secret)) == NULL);
}
END_TEST

START_TEST(an_offer_by_value_is_in_its_link)
{
    struct answer answer = offer("");
    const char *link = s2s_json_string(answer.json, "deepLink");
    ck_assert_int_eq(strncmp(link, "openid-credential-offer://?credential_offer=%7B%22", 50), 0);
    ck_assert_ptr_null(s2s_json_get(answer.json, "tx_code"));
    ck_assert_ptr_null(s2s_json_get(grant_of(&answer), "tx_code"));
    ck_assert_ptr_null(calls[0].values[TX_CODE]);
    ck_assert_ptr_null(calls[0].values[SUBJECT_REF]);
    ck_assert_int_eq(strncmp(s2s_json_string(answer.json, "qr"), "<svg ", 5), 0);
}
END_TEST

START_TEST(an_offer_by_reference_is_stored_sealed)
{
    struct answer answer = offer("\"byReference\":true,\"lifetime\":60");
    const char *uri = s2s_json_string(answer.json, "credential_offer_uri");
    static const char begin[] = "https://issuer.example/tenant/offers/";
    ck_assert_int_eq(strncmp(uri, begin, strlen(begin)), 0);
    ck_assert_uint_eq(strlen(uri), strlen(begin) + 43);
    uint8_t hash[GW_OFFER_HASH_SIZE];
    gw_offer_reference_hash(generation.vault, 0, uri + strlen(begin), hash);
    ck_assert_mem_eq(calls[0].values[REFERENCE], hash, sizeof hash);
    struct json_object *document = json(opened(&calls[0], DOCUMENT, calls[0].values[OFFER_ID]));
    ck_assert(json_object_equal(document, s2s_json_get(answer.json, "credential_offer")));
    ck_assert_ptr_nonnull(strstr(s2s_json_string(answer.json, "deepLink"),
                                 "?credential_offer_uri=https%3A%2F%2Fissuer.example%2Ftenant%2Foffers%2F"));
}
END_TEST

START_TEST(a_transaction_code_is_as_it_is_wanted)
{
    struct answer answer = offer("\"tx_code\":{\"length\":12,\"input_mode\":\"text\"}");
    const char *tx_code = s2s_json_string(answer.json, "tx_code");
    ck_assert_uint_eq(strlen(tx_code), 12);
    ck_assert_uint_eq(strspn(tx_code, "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"), 12);
    ck_assert_str_eq(json_object_to_json_string_ext(s2s_json_get(grant_of(&answer), "tx_code"), JSON_C_TO_STRING_PLAIN),
                     "{\"input_mode\":\"text\",\"length\":12}");
}
END_TEST

START_TEST(what_cannot_be_offered_is_refused)
{
    assert_violations(post("/v1/offers", "{\"credentialConfigurationIds\":[\"badge\",\"none\"]}"),
                      "/credentialConfigurationIds/1: is no credential configuration of this issuer");
    assert_violations(offer("\"subject\":\"nobody\""),
                      "/subject: is nobody of whom every credential configuration has a dataset");
    assert_violations(offer("\"peer\":\"issuer\""), "/peer: must be the name of a wallet server that is configured");
    assert_violations(offer("\"tx_code\":{\"length\":3}"), "/tx_code/length: must be at least 4");
    config.listeners[GW_LISTEN_PUBLIC].enabled = false;
    assert_violations(offer("\"byReference\":true"),
                      "/byReference: needs listeners.public, where the wallet fetches the offer");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("admin_api");
    TCase *tc = tcase_create("admin_api");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_role_includes_those_before, 0, sizeof asked / sizeof *asked);
    tcase_add_test(tc, nobody_comes_in_without_a_token);
    tcase_add_test(tc, looking_at_items_tells_who_looks);
    tcase_add_test(tc, filters_name_pseudonyms);
    tcase_add_test(tc, an_approval_names_datasets_by_pseudonyms);
    tcase_add_test(tc, an_approval_may_name_several_datasets_of_a_configuration);
    tcase_add_test(tc, what_cannot_be_approved_is_refused);
    tcase_add_test(tc, the_rules_are_those_of_a_backend);
    tcase_add_test(tc, other_decisions_name_no_datasets);
    tcase_add_test(tc, what_cannot_be_loaded_is_the_answer);
    tcase_add_test(tc, a_dataset_is_sealed_for_its_instance);
    tcase_add_test(tc, a_web_result_goes_where_its_state_says);
    tcase_add_test(tc, an_offer_shows_its_codes_and_stores_their_hashes);
    tcase_add_test(tc, an_offer_by_value_is_in_its_link);
    tcase_add_test(tc, an_offer_by_reference_is_stored_sealed);
    tcase_add_test(tc, a_transaction_code_is_as_it_is_wanted);
    tcase_add_test(tc, what_cannot_be_offered_is_refused);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
