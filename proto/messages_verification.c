/* SPDX-License-Identifier: Apache-2.0
 *
 * "Verification Endpoints" of the draft, profile section 4.
 */
#include "messages.h"

#include "json.h"
#include "messages_rows.h"
#include "states.h"

#include <string.h>

/* ---- Verification data ---- */

static const struct s2s_field item_fields[] = {
    S2S_TEXT_ROW("id", S2S_REQUIRED, S2S_MAX_ID, "Identifies the item in the verification."),
    S2S_TEXT_ROW("type", S2S_REQUIRED, S2S_MAX_ID, "Type of the item; it decides on further members."),
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_verification_item = {
    .name = "VerificationDataItem",
    .doc = "One piece of verification data, with the members of its type.",
    S2S_FIELDS(item_fields),
};

static const struct s2s_field client_payload_item = {.type = S2S_OBJECT, .object = &s2s_jwe_encrypted_payload};
static const struct s2s_field server_item = {.type = S2S_OBJECT, .object = &s2s_verification_item};

static const struct s2s_field data_response_fields[] = {
    /* Each costs a key agreement and a verification on the loop. */
    {.name = "clientEncryptedPayload",
     .type = S2S_ARRAY,
     .max = S2S_MAX_CLIENT_PAYLOADS,
     .items = &client_payload_item,
     .doc = "Items of the wallet client: each a signed and encrypted VerificationDataItem."},
    S2S_ARRAY_ROW("serverVerificationDataItem", 0, &server_item,
                  "Items of the wallet server. An id may come once from the client and once from the server."),
    S2S_ARRAY_ROW("additionalAssessments", 0, &s2s_any_object_item, "Further assessments of the wallet server."),
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_verification_data = {
    .name = "VerificationDataResponse",
    .doc = "Verification data for the issuer.",
    S2S_FIELDS(data_response_fields),
};

static const struct s2s_field requested_item_fields[] = {
    S2S_TEXT_ROW("type", S2S_REQUIRED, S2S_MAX_ID, "Type of the item; it decides on further members."),
    S2S_TEXT_ROW("id", S2S_REQUIRED, S2S_MAX_ID, "The id to answer with."),
    {.name = "required", .type = S2S_BOOLEAN, .flags = S2S_REQUIRED, .doc = "Whether the item must be provided."},
    S2S_EXTENSIONS_ROW,
};

static const struct s2s_schema requested_item = {
    .name = "VerificationDataItemRequest",
    .doc = "One piece of verification data that the issuer asks for.",
    S2S_FIELDS(requested_item_fields),
};

static const struct s2s_field requested_item_item = {.type = S2S_OBJECT, .object = &requested_item};

static const struct s2s_field data_request_fields[] = {
    S2S_ARRAY_ROW("verificationDataItems", S2S_REQUIRED, &requested_item_item, "The items asked for."),
    S2S_DATE_TIME_ROW("deadline", 0, "After this time the verification is DENIED."),
    {.name = "maxAttempts", .type = S2S_INTEGER, .min = 1, .doc = "After so many attempts the verification is DENIED."},
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_verification_data_request = {
    .name = "VerificationDataRequest",
    .doc = "What the issuer asks for.",
    S2S_FIELDS(data_request_fields),
};

/* ---- Requests ---- */

static const struct s2s_field initiate_fields[] = {
    S2S_SESSION_ID_ROW,
    {.name = "credentialConfigurationIds",
     .type = S2S_ARRAY,
     .flags = S2S_REQUIRED | S2S_UNIQUE,
     .min = 1,
     .max = S2S_MAX_CONFIGURATIONS,
     .items = &s2s_id_item,
     .doc = "The credential configurations asked for."},
    S2S_OBJECT_ROW("walletSigningKeyData", S2S_REQUIRED, &s2s_wallet_signing_key, "The session's wallet signing key."),
    S2S_TEXT_ROW(
        "verificationNonce", S2S_REQUIRED, S2S_MAX_JWT,
        "The wallet signing key's signature over sessionId: base64url of the bare JOSE signature, or a compact "
        "JWS of type s2s-verification-nonce+jwt."),
    S2S_OBJECT_ROW("verificationData", 0, &s2s_verification_data, "Verification data known in advance."),
    S2S_ARRAY_ROW("supportedVerificationTypes", 0, &s2s_id_item, "Types of items that the wallet client can collect."),
    {.name = "requestedDeviceCount",
     .type = S2S_INTEGER,
     .min = 1,
     .doc = "How many devices the wallet server wants to provision; 1 when absent."},
    {.name = "locale",
     .type = S2S_STRING,
     .format = S2S_BCP47,
     .max = S2S_MAX_ID,
     .doc = "Language of the wallet client instance (BCP 47)."},
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_initiate_request = {
    .name = "VerificationInitiateRequest",
    S2S_FIELDS(initiate_fields),
};

static const struct s2s_field supplement_fields[] = {
    S2S_SESSION_ID_ROW,
    S2S_VERIFICATION_ID_ROW,
    S2S_OBJECT_ROW("verificationDataPayload", S2S_REQUIRED, &s2s_verification_data, "The verification data."),
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_supplement_request = {
    .name = "VerificationSupplementRequest",
    S2S_FIELDS(supplement_fields),
};

static const struct s2s_field verification_ref_fields[] = {
    S2S_SESSION_ID_ROW,
    S2S_VERIFICATION_ID_ROW,
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_verification_ref_request = {
    .name = "VerificationStatusRequest",
    S2S_FIELDS(verification_ref_fields),
};

static const struct s2s_field cancel_fields[] = {
    S2S_SESSION_ID_ROW,
    S2S_VERIFICATION_ID_ROW,
    S2S_TEXT_ROW("reason", S2S_REQUIRED, S2S_MAX_REASON, "Why it is cancelled."),
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_cancel_request = {
    .name = "VerificationCancelRequest",
    S2S_FIELDS(cancel_fields),
};

/* ---- Responses ---- */

static const struct s2s_field status_fields[] = {
    S2S_SESSION_ID_ROW,
    S2S_VERIFICATION_ID_ROW,
    S2S_ENUM_ROW("status", S2S_REQUIRED, s2s_verification_status_names, "Decides on the members below."),
    {.name = "credentialConfigurationIds",
     .type = S2S_ARRAY,
     .max = S2S_MAX_CONFIGURATIONS,
     .items = &s2s_id_item,
     .doc = "APPROVED: the credential configurations that can be provisioned."},
    {.name = "authorizedDeviceCount",
     .type = S2S_INTEGER,
     .min = 1,
     .doc = "APPROVED: on how many devices the verification can be used; 1 when absent."},
    S2S_TEXT_ROW("reasonCode", 0, S2S_MAX_ID, "REJECTED and DENIED: the reason, for machines."),
    S2S_TEXT_ROW("rejectedDetails", S2S_EMPTY_OK, S2S_MAX_REASON, "REJECTED: details for the log."),
    S2S_TEXT_ROW("deniedMessage", S2S_EMPTY_OK, S2S_MAX_REASON, "DENIED: a message for the holder."),
    S2S_OBJECT_ROW("verificationDataRequest", 0, &s2s_verification_data_request,
                   "ADDITIONAL_INFO_REQUIRED: what is asked for."),
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_verification_status_response = {
    .name = "VerificationStatus",
    .doc = "The state of a verification.",
    S2S_FIELDS(status_fields),
};

void s2s_verification_status_check(struct s2s_arena *arena, const struct json_object *body, struct s2s_violations *out)
{
    static const struct {
        const char *status, *members[3];
    } rows[] = {
        {"APPROVED", {"credentialConfigurationIds"}},
        {"REJECTED", {"reasonCode"}},
        {"DENIED", {"reasonCode", "deniedMessage"}},
        {"ADDITIONAL_INFO_REQUIRED", {"verificationDataRequest"}},
    };
    const char *status = s2s_json_string(body, "status");
    for (size_t i = 0; status != NULL && i < sizeof(rows) / sizeof(rows[0]); ++i)
        for (const char *const *member = rows[i].members; strcmp(status, rows[i].status) == 0 && *member; ++member)
            if (!json_object_object_get_ex(body, *member, NULL)) /* null is of the wrong type: the schema's */
                s2s_violation_add_member(arena, out, *member, "is required with this status");
}

static const struct s2s_field cancel_response_fields[] = {
    S2S_SESSION_ID_ROW,
    S2S_VERIFICATION_ID_ROW,
};

const struct s2s_schema s2s_cancel_response = {
    .name = "VerificationReference",
    .doc = "The verification that the call was about.",
    S2S_FIELDS(cancel_response_fields),
};
