/* SPDX-License-Identifier: Apache-2.0
 *
 * A good body of every message, and what is said of bodies made bad by one edit.
 */
#include "proto/messages.h"
#include "tests/unit/check_main.h"

#include <string.h>

static struct s2s_arena *arena;

static void setup(void)
{
    arena = s2s_arena_new(4 << 20);
}

static void teardown(void)
{
    s2s_arena_free(arena);
}

#define SESSION "\"sessionId\":\"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\""
#define VERIFICATION "\"verificationId\":\"v-1\""
#define INSTANCE "\"credentialInstanceId\":\"i-1\""
#define KEY(type) "{\"keyType\":\"" type "\",\"client_public_key\":{\"kty\":\"EC\",\"alg\":\"ES256\",\"kid\":\"1\"}}"
#define PAYLOAD "{\"jwe\":\"a.b.c.d.e\",\"origin\":\"WALLET_CLIENT\"}"
#define DATA                                                                                                           \
    "{\"clientEncryptedPayload\":[" PAYLOAD                                                                            \
    "],\"serverVerificationDataItem\":[{\"id\":\"a\",\"type\":\"t\",\"x\":1}],"                                        \
    "\"additionalAssessments\":[{}],\"extensions\":{}}"

/* One good body a message, with every member that it knows. */
static const struct {
    const struct s2s_schema *schema;
    const char *body;
} good[] = {
    {&s2s_initiate_request,
     "{" SESSION ",\"credentialConfigurationIds\":[\"badge\"],\"walletSigningKeyData\":" KEY(
         "WALLET_SIGNING_KEY") ","
                               "\"verificationNonce\":\"c2ln\",\"verificationData\":" DATA
                               ",\"supportedVerificationTypes\":[\"t\"],"
                               "\"requestedDeviceCount\":1,\"locale\":\"de-CH\",\"extensions\":{}}"},
    {&s2s_supplement_request, "{" SESSION "," VERIFICATION ",\"verificationDataPayload\":" DATA ",\"extensions\":{}}"},
    {&s2s_verification_ref_request, "{" SESSION "," VERIFICATION ",\"extensions\":{}}"},
    {&s2s_cancel_request, "{" SESSION "," VERIFICATION ",\"reason\":\"HOLDER\",\"extensions\":{}}"},
    {&s2s_provision_request, "{" SESSION "," VERIFICATION ",\"extensions\":{}}"},
    {&s2s_get_request,
     "{" SESSION "," INSTANCE ",\"reason\":\"FIRST\",\"walletEncryptionKey\":" KEY(
         "WALLET_ENCRYPTION_KEY") ","
                                  "\"clientEncryptedData\":" PAYLOAD
                                  ",\"transaction_id\":\"t\",\"currentCredentialMetadataVersion\":\"1\","
                                  "\"extensions\":{}}"},
    {&s2s_metadata_request, "{" SESSION "," INSTANCE ",\"walletEncryptionKey\":" KEY(
                                "WALLET_ENCRYPTION_KEY") ","
                                                         "\"credentialMetadataVersion\":\"1\",\"extensions\":{}}"},
    {&s2s_credential_status_request, "{" SESSION "," INSTANCE ",\"extensions\":{}}"},
    {&s2s_manage_request, "{" SESSION "," INSTANCE ",\"action\":\"SUSPEND\",\"reason\":\"LOST\",\"reasonDetail\":\"\","
                          "\"timestamp\":\"2026-11-22T13:19:00Z\",\"extensions\":{}}"},
    {&s2s_event_request, "{" SESSION "," INSTANCE ",\"eventType\":\"SOMETHING_NEW\",\"eventTimestamp\":"
                         "\"2026-11-22T13:19:00Z\",\"triggeringRequestId\":\"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\","
                         "\"eventDetails\":{},\"extensions\":{}}"},
    {&s2s_verification_item, "{\"id\":\"otp-1\",\"type\":\"urn:s2s-gateway:verification:otp\",\"otp\":\"123456\"}"},
    {&s2s_client_encrypted_data,
     "{\"presentmentKeys\":[" KEY("PRESENTMENT_KEY") "],\"walletEncryptionKeyThumbprint\":\"x\",\"aud\":\"y\"}"},
    {&s2s_verification_status_response,
     "{" SESSION "," VERIFICATION ",\"status\":\"APPROVED\",\"credentialConfigurationIds\":[\"badge\"],"
     "\"authorizedDeviceCount\":1,\"extensions\":{}}"},
    {&s2s_verification_status_response,
     "{" SESSION "," VERIFICATION ",\"status\":\"ADDITIONAL_INFO_REQUIRED\",\"verificationDataRequest\":{"
     "\"verificationDataItems\":[{\"type\":\"t\",\"id\":\"a\",\"required\":true}],"
     "\"deadline\":\"2026-11-22T13:19:00Z\",\"maxAttempts\":3}}"},
    {&s2s_cancel_response, "{" SESSION "," VERIFICATION "}"},
    {&s2s_provision_response,
     "{\"CredentialInstances\":[{\"credentialConfigurationId\":\"badge\",\"credentialInstanceIds\":[\"i-1\"]}]}"},
    {&s2s_get_response,
     "{\"credentialVersion\":\"1\",\"credentials\":{\"ciphertext\":\"x\"},\"credentialMetadata\":{}}"},
    {&s2s_get_pending_response, "{\"status\":\"PENDING\",\"transaction_id\":\"t\",\"interval\":3}"},
    {&s2s_metadata_response, "{\"credentialMetadata\":{}}"},
    {&s2s_credential_status_response, "{\"currentStatus\":\"ACTIVE\",\"currentVersion\":\"1\",\"lastStatusChangeTime\":"
                                      "\"Sun, 22 Nov 2026 13:19:00 GMT\",\"lastStatusChangeReason\":\"X\"}"},
    {&s2s_manage_response, "{" SESSION "," INSTANCE ",\"currentStatus\":\"ACTIVE\",\"previousStatus\":\"ACTIVE\","
                           "\"outcome\":\"FAILED\",\"failureReason\":\"CANCELLED\"}"},
    {&s2s_event_response, "{\"acknowledged\":true}"},
    {&s2s_issuer_metadata,
     "{\"credential_issuer\":\"https://issuer.example\",\"credential_configurations_supported\":{},\"display\":[{}],"
     "\"s2s\":{\"issuer_server_url\":\"https://issuer.example/s2s\",\"api_versions_supported\":[\"1.0.0\"],"
     "\"issuer_encryption_jwks\":{\"keys\":[]},\"signing_alg_values_supported\":[\"ES256\"],"
     "\"encryption_alg_values_supported\":[\"HPKE-0-KE\"],\"encryption_enc_values_supported\":[\"A128GCM\"],"
     "\"verification_types_supported\":[],\"content_reference_supported\":false,\"extensions_supported\":[]}}"},
};

#define GOOD (int)(sizeof good / sizeof *good)

static struct json_object *parse(const char *text)
{
    struct json_object *json;
    struct s2s_result result = s2s_json_parse(arena, text, strlen(text), 32, &json);
    ck_assert_msg(!s2s_failed(result), "%s: %s", text, result.detail);
    return json;
}

static const char *violations_of(const struct s2s_schema *schema, struct json_object *body)
{
    struct s2s_violations found = {.count = 0};
    s2s_schema_check(arena, schema, body, &found);
    const char *lines = "";
    for (size_t i = 0; i < found.count; i++)
        lines =
            s2s_arena_printf(arena, "%s%s%s %s", lines, i ? "\n" : "", found.items[i].pointer, found.items[i].message);
    return lines;
}

START_TEST(test_good_body)
{
    ck_assert_str_eq(violations_of(good[_i].schema, parse(good[_i].body)), "");
}
END_TEST

/* Every member in turn: absent, null, and of another type. */
START_TEST(test_every_member)
{
    const struct s2s_schema *schema = good[_i].schema;
    for (size_t i = 0; i < schema->count; i++) {
        const struct s2s_field *field = &schema->fields[i];
        struct json_object *body = parse(good[_i].body);
        json_object_object_del(body, field->name);
        const char *required = s2s_arena_printf(arena, "/%s is required", field->name);
        ck_assert_str_eq(violations_of(schema, body), field->flags & S2S_REQUIRED ? required : "");

        json_object_object_add(body, field->name, NULL);
        ck_assert_str_eq(violations_of(schema, body), s2s_arena_printf(arena, "/%s must not be null", field->name));

        json_object_object_add(body, field->name, json_object_new_double(0.5));
        const char *expected = s2s_arena_printf(arena, "/%s must be a", field->name);
        ck_assert_str_eq(s2s_arena_strndup(arena, violations_of(schema, body), strlen(expected)), expected);
    }
}
END_TEST

/* A good body with one member replaced. */
struct edit {
    const struct s2s_schema *schema;
    const char *member;
    const char *value;
    const char *violations;
};

static const struct edit edits[] = {
    {&s2s_initiate_request, "sessionId", "\"1\"", "/sessionId must be a UUID"},
    {&s2s_initiate_request, "credentialConfigurationIds", "[]",
     "/credentialConfigurationIds must have at least 1 item"},
    {&s2s_initiate_request, "credentialConfigurationIds", "[\"a\",\"b\",\"a\"]",
     "/credentialConfigurationIds/2 must not repeat an earlier item"},
    {&s2s_initiate_request, "credentialConfigurationIds", "[\"\",7]",
     "/credentialConfigurationIds/0 must not be empty\n/credentialConfigurationIds/1 must be a string"},
    {&s2s_initiate_request, "walletSigningKeyData", "{\"keyType\":\"\",\"client_public_key\":{}}",
     "/walletSigningKeyData/client_public_key/kty is required\n"
     "/walletSigningKeyData/client_public_key/alg is required\n/walletSigningKeyData/keyType must not be empty"},
    {&s2s_initiate_request, "walletSigningKeyData", "{\"keyType\":\"PRESENTMENT_KEY\",\"client_public_key\":\"x\"}",
     "/walletSigningKeyData/client_public_key must be an object\n"
     "/walletSigningKeyData/keyType must be one of WALLET_SIGNING_KEY"},
    {&s2s_initiate_request, "walletSigningKeyData",
     "{\"keyType\":\"WALLET_SIGNING_KEY\",\"client_public_key\":{\"kty\":\"EC\",\"alg\":7,\"kid\":null},"
     "\"attestation\":{\"proof_type\":1,\"jwt\":{}}}",
     "/walletSigningKeyData/client_public_key/alg must be a string\n"
     "/walletSigningKeyData/client_public_key/kid must not be null\n"
     "/walletSigningKeyData/attestation/proof_type must be a string\n"
     "/walletSigningKeyData/attestation/jwt must be a string"},
    {&s2s_initiate_request, "verificationData", "{\"clientEncryptedPayload\":[{\"jwe\":1,\"origin\":\"MARS\"}]}",
     "/verificationData/clientEncryptedPayload/0/jwe must be a string or an object\n"
     "/verificationData/clientEncryptedPayload/0/origin must be one of WALLET_CLIENT, WALLET_SERVER, ISSUER"},
    {&s2s_initiate_request, "verificationData", "{\"serverVerificationDataItem\":[{\"id\":\"a\"},\"x\"]}",
     "/verificationData/serverVerificationDataItem/0/type is required\n"
     "/verificationData/serverVerificationDataItem/1 must be an object"},
    {&s2s_initiate_request, "requestedDeviceCount", "0", "/requestedDeviceCount must be at least 1"},
    {&s2s_initiate_request, "requestedDeviceCount", "1.0", ""},
    {&s2s_initiate_request, "locale", "\"en_US\"", "/locale must be a BCP 47 language tag"},
    {&s2s_initiate_request, "extensions", "[]", "/extensions must be an object"},
    {&s2s_supplement_request, "verificationId", "\"no UUID at all\"", ""},
    {&s2s_supplement_request, "verificationId", "\"\"", "/verificationId must not be empty"},
    {&s2s_cancel_request, "reason", "\"\"", "/reason must not be empty"},
    {&s2s_get_request, "transaction_id", "\"\"", "/transaction_id must not be empty"},
    {&s2s_get_request, "clientEncryptedData", "\"a.b.c.d.e\"", "/clientEncryptedData must be an object"},
    {&s2s_manage_request, "action", "\"DELETE\"", "/action must be one of SUSPEND, RESUME, UNLINK"},
    {&s2s_manage_request, "action", "\"suspend\"", "/action must be one of SUSPEND, RESUME, UNLINK"},
    {&s2s_manage_request, "timestamp", "\"2026-02-30T00:00:00Z\"", "/timestamp must be an RFC 3339 date-time"},
    {&s2s_event_request, "eventTimestamp", "\"1795353540\"", "/eventTimestamp must be an RFC 3339 date-time"},
    {&s2s_event_request, "triggeringRequestId", "\"7\"", "/triggeringRequestId must be a UUID"},
    {&s2s_event_request, "eventType", "\"\"", "/eventType must not be empty"},
    {&s2s_client_encrypted_data, "presentmentKeys", "[]", "/presentmentKeys must have at least 1 item"},
    {&s2s_verification_status_response, "status", "\"MAYBE\"",
     "/status must be one of PENDING, ADDITIONAL_INFO_REQUIRED, REJECTED, APPROVED, DENIED, EXPIRED"},
    {&s2s_get_pending_response, "interval", "0", "/interval must be at least 1"},
};

static struct json_object *good_body(const struct s2s_schema *schema)
{
    for (int i = 0; i < GOOD; i++)
        if (good[i].schema == schema)
            return parse(good[i].body);
    ck_abort_msg("%s has no good body", schema->name);
    return NULL;
}

static void replace(struct json_object *body, const char *member, struct json_object *value)
{
    ck_assert_int_eq(json_object_object_add(body, member, json_object_get(value)), 0);
}

START_TEST(test_edit)
{
    const struct edit *edit = &edits[_i];
    struct json_object *body = good_body(edit->schema);
    replace(body, edit->member, parse(edit->value));
    ck_assert_str_eq(violations_of(edit->schema, body), edit->violations);
}
END_TEST

static const struct {
    const struct s2s_schema *schema;
    const char *member;
    size_t limit;
} lengths[] = {
    {&s2s_verification_ref_request, "verificationId", S2S_MAX_ID},
    {&s2s_credential_status_request, "credentialInstanceId", S2S_MAX_ID},
    {&s2s_cancel_request, "reason", S2S_MAX_REASON},
    {&s2s_get_request, "reason", S2S_MAX_REASON},
    {&s2s_manage_request, "reasonDetail", S2S_MAX_REASON},
    {&s2s_initiate_request, "verificationNonce", S2S_MAX_JWT},
    {&s2s_verification_item, "id", S2S_MAX_ID},
    {&s2s_verification_item, "type", S2S_MAX_ID},
    {&s2s_event_request, "eventType", S2S_MAX_ID},
};

START_TEST(test_too_long)
{
    struct json_object *body = good_body(lengths[_i].schema);
    char *text = malloc(lengths[_i].limit + 1);
    memset(text, 'a', lengths[_i].limit + 1);
    json_object_object_add(body, lengths[_i].member, json_object_new_string_len(text, (int)lengths[_i].limit));
    ck_assert_str_eq(violations_of(lengths[_i].schema, body), "");
    json_object_object_add(body, lengths[_i].member, json_object_new_string_len(text, (int)lengths[_i].limit + 1));
    ck_assert_str_eq(
        violations_of(lengths[_i].schema, body),
        s2s_arena_printf(arena, "/%s must have at most %zu characters", lengths[_i].member, lengths[_i].limit));
    free(text);
}
END_TEST

START_TEST(test_endpoints)
{
    for (size_t i = 0; i < S2S_ENDPOINTS; i++) {
        const struct s2s_endpoint *endpoint = &s2s_endpoints[i];
        ck_assert_ptr_nonnull(endpoint->path);
        ck_assert_int_eq(endpoint->path[0], '/');
        ck_assert(endpoint->name && endpoint->request && endpoint->response && endpoint->doc && endpoint->hosts);
        for (size_t j = 0; j < i; j++) {
            ck_assert_str_ne(endpoint->path, s2s_endpoints[j].path);
            ck_assert_str_ne(endpoint->name, s2s_endpoints[j].name);
        }
    }
    ck_assert_str_eq(s2s_endpoints[S2S_VERIFICATION_NOTIFY].path, "/verification/notify");
    ck_assert_uint_eq(s2s_endpoints[S2S_VERIFICATION_NOTIFY].hosts, S2S_HOST_WALLET);
    ck_assert_uint_eq(s2s_endpoints[S2S_MANAGE].hosts, S2S_HOST_ISSUER | S2S_HOST_WALLET);
    ck_assert_uint_eq(s2s_endpoints[S2S_GET].hosts, S2S_HOST_ISSUER);
    ck_assert_ptr_eq(s2s_endpoints[S2S_GET].accepted, &s2s_get_pending_response);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("messages");
    TCase *tc = tcase_create("messages");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_good_body, 0, GOOD);
    tcase_add_loop_test(tc, test_every_member, 0, GOOD);
    tcase_add_loop_test(tc, test_edit, 0, sizeof edits / sizeof *edits);
    tcase_add_loop_test(tc, test_too_long, 0, sizeof lengths / sizeof *lengths);
    tcase_add_test(tc, test_endpoints);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
