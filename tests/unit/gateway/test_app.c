/* SPDX-License-Identifier: Apache-2.0 */
#include "api_support.h"

#include "gateway/wallet/app.h"
#include "gateway/wallet/app_messages.h"

#define SESSION "7c9e6679-7425-40de-944b-e07fc1f90ae7"
/* The public key of RFC 7517 appendix A.1. */
#define KEY_OF(type, alg, more)                                                                                        \
    "{\"keyType\":\"" type "\",\"client_public_key\":{\"kty\":\"EC\",\"alg\":\"" alg                                   \
    "\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","                                      \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"" more "}}"
#define SIGNING_KEY KEY_OF("WALLET_SIGNING_KEY", "ES256", "")
#define ENCRYPTION_KEY KEY_OF("WALLET_ENCRYPTION_KEY", "HPKE-0-KE", "")
#define INITIATE                                                                                                       \
    "\"sessionId\":\"" SESSION "\",\"credentialConfigurationIds\":[\"a\",\"b\"],\"walletSigningKeyData\":" SIGNING_KEY \
    ",\"verificationNonce\":\"n\",\"vendor\":{\"x\":1}"
#define ISSUANCE "{\"sessionId\":\"" SESSION "\",\"status\":\"APPROVED\"}"
#define IDENTIFIER "https://issuer.example/tenant"

static struct gw_app_token_config tokens[2] = {{.name = (char *)"old"}, {.name = (char *)"backend"}};
static struct gw_peer_config peer_configs[3] = {
    {.name = (char *)"issuer", .role = GW_ROLE_ISSUER, .credential_issuer = (char *)IDENTIFIER},
    {.name = (char *)"silent", .role = GW_ROLE_ISSUER},
    {.name = (char *)"wallet", .role = GW_ROLE_WALLET, .url = (char *)"https://wallet.example"},
};
static struct gw_peer peers[3];

/* ---- an issuer ---- */

static struct gw_server issuer;
static char issuer_url[64];
static int issuer_status;
static const char *issuer_answer, *issuer_retry_after;
static h2o_req_t *unanswered;
static const char *asked_path, *asked_body, *asked_id, *asked_version;

static const char *copy(h2o_iovec_t text)
{
    return text.base ? s2s_arena_strndup(arena, text.base, text.len) : NULL;
}

static void play_issuer(struct gw_server *of, h2o_req_t *req)
{
    (void)of;
    asked_path = copy(req->path);
    asked_body = copy(req->entity);
    asked_id = copy(gw_http_header(req, "x-request-id", NULL));
    asked_version = copy(gw_http_header(req, "api-version", NULL));
    if (issuer_answer == NULL) {
        unanswered = req;
        return;
    }
    if (issuer_retry_after)
        gw_http_add_header(req, "Retry-After", issuer_retry_after, strlen(issuer_retry_after));
    gw_http_send(req, issuer_status, GW_JSON, issuer_answer, strlen(issuer_answer));
}

static void start_issuer(void)
{
    issuer = (struct gw_server){.loop = &worker.loop,
                                .metrics = worker.metrics,
                                .limits = &config.limits,
                                .listener = &listener,
                                .on_request = play_issuer,
                                .owner = &worker,
                                .max_body = 65536};
    ck_assert(gw_server_start(&issuer, NULL));
    snprintf(issuer_url, sizeof issuer_url, "http://127.0.0.1:%d/s2s", server_port(&issuer));
    peers[0].target.url = issuer_url;
    worker.outbound = gw_outbound_new(&worker.loop, 2);
    unanswered = NULL;
    issuer_retry_after = NULL;
}

static void stop_issuer(void)
{
    if (unanswered)
        gw_http_send(unanswered, 500, GW_JSON, "{}", 2);
    gw_outbound_close(worker.outbound);
    gw_server_drain(&issuer);
    gw_server_close_connections(&issuer);
    for (int i = 0; i < 1000 && gw_server_connections(&issuer) > 0; i++) {
        uv_run(&worker.loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    gw_server_dispose(&issuer);
}

/* ---- fixture ---- */

static void setup(void)
{
    api_setup(&gw_app_api);
    gw_outbound_global_init();
    ck_assert_ok(s2s_hash(S2S_SHA256, s2s_bytes("another", 7), tokens[0].sha256));
    ck_assert_ok(s2s_hash(S2S_SHA256, s2s_bytes(TOKEN, strlen(TOKEN)), tokens[1].sha256));
    config.wallet = (struct gw_wallet_config){.app_tokens = tokens, .app_token_count = 2};
    config.peers = peer_configs;
    config.peer_count = 3;
    for (size_t i = 0; i < 3; i++)
        peers[i] = (struct gw_peer){.config = &peer_configs[i], .target.url = peer_configs[i].url};
    generation.peers = peers;
    assert_no_error();
    start_issuer();
    SCRIPT(ROW("202", ISSUANCE));
}

static void teardown(void)
{
    stop_issuer();
    api_teardown();
}

static const char *opened(const struct stub_call *call, int index, const char *session_id)
{
    struct s2s_bytes plain;
    ck_assert_ok(gw_vault_open(generation.vault, arena, session_id,
                               s2s_bytes(call->values[index], (size_t)call->lengths[index]), &plain));
    return s2s_arena_strndup(arena, (const char *)plain.data, plain.len);
}

static void assert_digest(const struct stub_call *call, int index, const char *what, const char *text)
{
    uint8_t digest[GW_DIGEST_SIZE];
    gw_vault_digest(generation.vault, s2s_bytes(what, strlen(what)), s2s_bytes(text, strlen(text)), digest);
    ck_assert_int_eq(call->lengths[index], 32);
    ck_assert_mem_eq(call->values[index], digest, 32);
}

/* ---- tokens ---- */

START_TEST(every_token_has_its_name)
{
    ck_assert_int_eq(ask_with("POST", "/v1/sessions", "Authorization: Bearer another\r\n", NULL).status, 202);
    ck_assert_str_eq(calls[0].values[0], "app:old");
    ck_assert_int_eq(ask_with("POST", "/v1/sessions", WITH_JSON, "{}").status, 202);
    ck_assert_str_eq(calls[1].values[0], "app:backend");
    ck_assert_int_eq(ask_with("POST", "/v1/sessions", "Authorization: Bearer nobody\r\n", NULL).status, 401);
    config.wallet.app_token_count = 0;
    ck_assert_int_eq(get("/v1/issuers").status, 401);
}
END_TEST

/* ---- start ---- */

START_TEST(start_seals_what_the_issuer_will_get)
{
    ck_assert_int_eq(post("/v1/issuances", "{\"issuer\":\"" IDENTIFIER "\"," INITIATE "}").status, 202);
    ck_assert_str_eq(calls[0].statement, "app_issuance_start");
    ck_assert_str_eq(calls[0].order_key, SESSION);
    ck_assert_str_eq(calls[0].values[5],
                     "{\"body\":{\"sessionId\":\"" SESSION "\",\"credentialConfigurationIds\":[\"a\",\"b\"]}}");
    ck_assert_str_eq(calls[0].values[6], "issuer");
    ck_assert_str_eq(opened(&calls[0], 7, SESSION), "{" INITIATE "}");
    assert_digest(&calls[0], 8, "issuance", "{" INITIATE "}");
}
END_TEST

START_TEST(start_is_recognized_by_its_content)
{
    (void)post("/v1/issuances", "{\"issuer\":\"issuer\"," INITIATE "}");
    (void)post("/v1/issuances", "{ " INITIATE " , \"issuer\" : \"issuer\" }");
    ck_assert_mem_eq(calls[0].values[8], calls[1].values[8], 32);
    ck_assert_mem_ne(calls[0].values[3], calls[1].values[3], 32); /* of the request as it came */
}
END_TEST

static const char *const no_issuers[] = {"nobody", "wallet", "silent"};

START_TEST(start_needs_an_issuer_that_can_be_called)
{
    const char *body = s2s_arena_printf(arena, "{\"issuer\":\"%s\",%s}", no_issuers[_i], INITIATE);
    assert_violations(post("/v1/issuances", body),
                      "/issuer: must be the name or the identifier of an issuer that is configured");
}
END_TEST

START_TEST(start_tells_all_that_is_wrong)
{
    assert_violations(post("/v1/issuances", "{\"sessionId\":\"1\",\"credentialConfigurationIds\":[]}"),
                      "/sessionId: must be a UUID", "/credentialConfigurationIds: must have at least 1 item",
                      "/walletSigningKeyData: is required", "/verificationNonce: is required", "/issuer: is required");
}
END_TEST

START_TEST(start_waits_for_the_verification)
{
    SCRIPT(ROW("202", "{\"sessionId\":\"s\",\"status\":\"STARTING\"}"),
           ROW("200", "{\"sessionId\":\"s\",\"status\":\"PENDING\"}"), ROW("200", ISSUANCE));
    struct answer answer =
        ask_with("POST", "/v1/issuances", WITH_JSON "Prefer: wait=9\r\n", "{\"issuer\":\"issuer\"," INITIATE "}");
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.body, ISSUANCE);
    ck_assert_str_eq(calls[2].statement, "app_issuance");
}
END_TEST

/* ---- supplement, fetch ---- */

START_TEST(supplement_is_sealed_without_strangers)
{
    ck_assert_int_eq(post("/v1/issuances/" SESSION "/supplements",
                          "{\"verificationId\":\"v\",\"verificationDataPayload\":{\"x\":1},\"extensions\":{\"y\":2}}")
                         .status,
                     202);
    ck_assert_str_eq(calls[0].values[5], "{\"sessionId\":\"" SESSION "\"}");
    ck_assert_str_eq(opened(&calls[0], 6, SESSION), "{\"verificationDataPayload\":{\"x\":1},\"extensions\":{\"y\":2}}");
}
END_TEST

#define FETCH "\"reason\":\"INITIAL\",\"walletEncryptionKey\":" ENCRYPTION_KEY

START_TEST(fetch_is_recognized_by_its_content)
{
    SCRIPT(ROW("200", "{\"fetchId\":\"f\",\"status\":\"READY\"}"));
    (void)post("/v1/instances/i1/fetches", "{" FETCH ",\"sessionId\":\"other\"}");
    (void)post("/v1/instances/i1/fetches", "{\"walletEncryptionKey\":" ENCRYPTION_KEY ",\"reason\":\"INITIAL\"}");
    ck_assert_str_eq(calls[0].statement, "app_fetch_start");
    ck_assert_str_eq(calls[0].values[5], "{\"credentialInstanceId\":\"i1\",\"body\":{" FETCH "}}");
    assert_digest(&calls[0], 6, "fetch", "{" FETCH "}");
    ck_assert_mem_eq(calls[0].values[6], calls[1].values[6], 32);
}
END_TEST

/* ---- events, issuers ---- */

START_TEST(events_of_issuers_are_refused)
{
    assert_violations(post("/v1/instances/i1/events", "{\"eventType\":\"CREDENTIAL_READY\"}"),
                      "/eventType: must not be an event that only issuers tell of");
    ck_assert_int_eq(post("/v1/instances/i1/events", "{\"eventType\":\"KEY_ROTATED\"}").status, 202);
    ck_assert_str_eq(calls[0].values[5], "{\"credentialInstanceId\":\"i1\",\"body\":{\"eventType\":\"KEY_ROTATED\"}}");
}
END_TEST

START_TEST(issuers_go_by_name_in_the_database)
{
    (void)get("/v1/issuers/https%3A%2F%2Fissuer.example%2Ftenant");
    ck_assert_str_eq(calls[0].values[1], "{\"issuer\":\"issuer\",\"credentialIssuer\":\"" IDENTIFIER "\"}");
    (void)get("/v1/issuances?issuer=https://issuer.example/tenant&status=PENDING&limit=2");
    ck_assert_str_eq(s2s_json_string(json(calls[1].values[1]), "issuer"), "issuer");
    (void)get("/v1/issuances?issuer=gone");
    ck_assert_str_eq(calls[2].values[1], "{\"issuer\":\"gone\"}");
    (void)post("/v1/reconciliations", "{\"issuer\":\"" IDENTIFIER "\"}");
    ck_assert_str_eq(calls[3].values[5], "{\"body\":{\"issuer\":\"issuer\"}}");
    ck_assert_int_eq(ask_with("POST", "/v1/reconciliations", AUTHORIZED, NULL).status, 202);
    ck_assert_str_eq(calls[4].values[5], "{\"body\":{}}");
    assert_violations(post("/v1/reconciliations", "{\"issuer\":\"gone\"}"),
                      "/issuer: must be the name or the identifier of an issuer that is configured");
}
END_TEST

/* ---- metadata ---- */

#define METADATA_REQUEST                                                                                               \
    "{\"walletEncryptionKey\":" ENCRYPTION_KEY                                                                         \
    ",\"credentialMetadataVersion\":\"7\",\"sessionId\":\"x\",\"extensions\":{}}"

static struct answer ask_metadata(const char *peer)
{
    SCRIPT(ROW("200", s2s_arena_printf(arena, "{\"issuer\":\"%s\",\"sessionId\":\"%s\"}", peer, SESSION)));
    return post("/v1/instances/i1/metadata", METADATA_REQUEST);
}

START_TEST(metadata_is_asked_of_the_issuer)
{
    issuer_status = 200;
    issuer_answer = "{\"credentialMetadata\":{\"display\":[]}}";
    struct answer answer = ask_metadata("issuer");
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.body, issuer_answer);
    ck_assert_str_eq(calls[0].statement, "app_instance_route");
    ck_assert_str_eq(calls[0].values[1], "{\"credentialInstanceId\":\"i1\"}");
    ck_assert_str_eq(asked_path, "/s2s/credential/metadata");
    ck_assert_str_eq(asked_body, "{\"sessionId\":\"" SESSION "\",\"credentialInstanceId\":\"i1\","
                                 "\"walletEncryptionKey\":" ENCRYPTION_KEY
                                 ",\"credentialMetadataVersion\":\"7\",\"extensions\":{}}");
    ck_assert_str_eq(asked_version, "1.0.0");
    ck_assert(s2s_uuid_valid(asked_id, strlen(asked_id)));
    ck_assert_str_ne(asked_id, REQUEST_ID);
}
END_TEST

#define PROBLEM(status)                                                                                                \
    "{\"type\":\"about:blank\",\"title\":\"t\",\"status\":" status ",\"instance\":\"urn:uuid:" REQUEST_ID              \
    "\",\"errorCode\":\"E\",\"retryable\":false}"

static const struct {
    int given;
    const char *answer;
    int status;
} passed[] = {
    {404, PROBLEM("404"), 404}, {400, PROBLEM("400"), 400}, {429, PROBLEM("429"), 429},
    {503, PROBLEM("503"), 503}, {401, PROBLEM("401"), 502}, {403, PROBLEM("403"), 502},
    {500, PROBLEM("500"), 502}, {302, PROBLEM("302"), 502}, {404, "{\"title\":7}", 502},
    {200, "<html>", 502},       {200, "[1]", 502},          {200, "{\"credentialMetadata\":7}", 502},
};

START_TEST(what_concerns_the_application_is_passed_on)
{
    issuer_status = passed[_i].given;
    issuer_answer = passed[_i].answer;
    issuer_retry_after = "9";
    struct answer answer = ask_metadata("issuer");
    ck_assert_int_eq(answer.status, passed[_i].status);
    assert_header(&answer, "Content-Type", GW_PROBLEM_JSON);
    if (answer.status == 502) {
        ck_assert(json_object_get_boolean(s2s_json_get(answer.json, "retryable")));
    } else {
        ck_assert_str_eq(answer.body, issuer_answer);
        assert_header(&answer, "Retry-After", "9");
    }
}
END_TEST

/* RFC 9457 leaves every member to the issuer; this API does not. */
START_TEST(what_a_problem_lacks_is_added)
{
    issuer_status = 503;
    issuer_answer = "{\"detail\":\"closed\",\"vendor\":1}";
    struct answer answer = ask_metadata("issuer");
    ck_assert_int_eq(answer.status, 503);
    ck_assert_str_eq(s2s_json_string(answer.json, "type"), "about:blank");
    ck_assert_str_eq(s2s_json_string(answer.json, "detail"), "closed");
    ck_assert_str_eq(s2s_json_string(answer.json, "errorCode"), "ISSUER_REFUSED");
    ck_assert_ptr_nonnull(s2s_json_string(answer.json, "title"));
    ck_assert_ptr_nonnull(s2s_json_string(answer.json, "instance"));
    ck_assert_int_eq(json_object_get_int(s2s_json_get(answer.json, "status")), 503);
    ck_assert(json_object_get_boolean(s2s_json_get(answer.json, "retryable")));
    ck_assert_ptr_null(s2s_json_get(answer.json, "vendor"));
}
END_TEST

START_TEST(private_keys_go_no_further)
{
    static const char expected[] = "/walletEncryptionKey/client_public_key: the JWK has private members";
    const char *body = "{\"reason\":\"INITIAL\",\"walletEncryptionKey\":" KEY_OF("WALLET_ENCRYPTION_KEY", "HPKE-0-KE",
                                                                                 ",\"d\":\"AA\"") "}";
    assert_violations(post("/v1/instances/i1/fetches", body), expected);
    assert_violations(post("/v1/instances/i1/metadata", body), expected);
    ck_assert_uint_eq(call_count, 0);
}
END_TEST

START_TEST(an_issuer_that_is_slow_large_or_away)
{
    issuer_answer = NULL;
    ck_assert_int_eq(ask_metadata("issuer").status, 504);
    issuer_status = 200;
    char *large = s2s_arena_alloc(arena, 5001);
    memset(large, ' ', 5000);
    large[0] = '{', large[4999] = '}';
    issuer_answer = large;
    ck_assert_int_eq(ask_metadata("issuer").status, 502);
    peers[0].target.url = (char *)"http://127.0.0.1:1/s2s";
    ck_assert_int_eq(ask_metadata("issuer").status, 502);
    ck_assert_int_eq(ask_metadata("gone").status, 502);
    ck_assert_int_eq(ask_metadata("silent").status, 502);
}
END_TEST

#define ROWS(rows) (int)(sizeof(rows) / sizeof *(rows))

static Suite *suite(void)
{
    Suite *s = suite_create("app");
    TCase *tc = tcase_create("app");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, every_token_has_its_name);
    tcase_add_test(tc, start_seals_what_the_issuer_will_get);
    tcase_add_test(tc, start_is_recognized_by_its_content);
    tcase_add_loop_test(tc, start_needs_an_issuer_that_can_be_called, 0, ROWS(no_issuers));
    tcase_add_test(tc, start_tells_all_that_is_wrong);
    tcase_add_test(tc, start_waits_for_the_verification);
    tcase_add_test(tc, supplement_is_sealed_without_strangers);
    tcase_add_test(tc, fetch_is_recognized_by_its_content);
    tcase_add_test(tc, events_of_issuers_are_refused);
    tcase_add_test(tc, issuers_go_by_name_in_the_database);
    tcase_add_test(tc, metadata_is_asked_of_the_issuer);
    tcase_add_loop_test(tc, what_concerns_the_application_is_passed_on, 0, ROWS(passed));
    tcase_add_test(tc, what_a_problem_lacks_is_added);
    tcase_add_test(tc, private_keys_go_no_further);
    tcase_add_test(tc, an_issuer_that_is_slow_large_or_away);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
