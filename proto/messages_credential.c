/* SPDX-License-Identifier: Apache-2.0
 *
 * "Credential Endpoints", "Event Notification Endpoint" and "Issuer Metadata" of the draft, profile sections 5 and 6.
 */
#include "messages.h"

#include "messages_rows.h"
#include "states.h"

/* ---- Provision ---- */

static const struct s2s_field provision_fields[] = {
    S2S_SESSION_ID_ROW,
    S2S_VERIFICATION_ID_ROW,
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_provision_request = {
    .name = "CredentialProvisionRequest",
    S2S_FIELDS(provision_fields),
};

static const struct s2s_field instances_fields[] = {
    S2S_TEXT_ROW("credentialConfigurationId", S2S_REQUIRED, S2S_MAX_ID, "The credential configuration."),
    S2S_ARRAY_ROW("credentialInstanceIds", S2S_REQUIRED, &s2s_id_item, "Its instances."),
};

static const struct s2s_schema instances = {
    .name = "CredentialInstances",
    .doc = "The instances of one credential configuration.",
    S2S_FIELDS(instances_fields),
};

static const struct s2s_field instances_item = {.type = S2S_OBJECT, .object = &instances};

static const struct s2s_field provision_response_fields[] = {
    {.name = "CredentialInstances",
     .type = S2S_ARRAY,
     .flags = S2S_REQUIRED,
     .max = S2S_MAX_CONFIGURATIONS,
     .items = &instances_item,
     .doc = "The same at every call."},
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_provision_response = {
    .name = "CredentialProvisionResponse",
    S2S_FIELDS(provision_response_fields),
};

/* ---- Get ---- */

static const struct s2s_field get_fields[] = {
    S2S_SESSION_ID_ROW,
    S2S_INSTANCE_ID_ROW,
    S2S_TEXT_ROW("reason", S2S_REQUIRED, S2S_MAX_REASON, "Why the credential is fetched, for debugging."),
    S2S_WALLET_ENCRYPTION_KEY_ROW,
    S2S_OBJECT_ROW("clientEncryptedData", 0, &s2s_jwe_encrypted_payload,
                   "A client encrypted payload with presentmentKeys; required when the configuration binds credentials "
                   "to keys, unless transaction_id is given."),
    S2S_TEXT_ROW("transaction_id", 0, S2S_MAX_ID, "From an earlier 202, in the place of clientEncryptedData."),
    S2S_TEXT_ROW("currentCredentialMetadataVersion", 0, S2S_MAX_ID,
                 "The version that the wallet has; when it is current, credentialMetadata is left out."),
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_get_request = {
    .name = "CredentialGetRequest",
    S2S_FIELDS(get_fields),
};

static const struct s2s_field get_response_fields[] = {
    S2S_TEXT_ROW("credentialVersion", S2S_REQUIRED, S2S_MAX_ID, "Version of the credential's data set."),
    {.name = "credentials",
     .type = S2S_STRING_OR_OBJECT,
     .flags = S2S_REQUIRED,
     .doc = "A JWE to the walletEncryptionKey; its plaintext is an array of { \"credential\": … }, one per presentment "
            "key."},
    S2S_OBJECT_ROW("credentialMetadata", 0, NULL,
                   "Metadata of the credential; left out when the caller has this version."),
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_get_response = {
    .name = "CredentialGetResponse",
    S2S_FIELDS(get_response_fields),
};

static const char *const pending_statuses[] = {"PENDING", NULL};

static const struct s2s_field get_pending_fields[] = {
    S2S_ENUM_ROW("status", S2S_REQUIRED, pending_statuses, "The credential is not ready yet."),
    S2S_TEXT_ROW("transaction_id", S2S_REQUIRED, S2S_MAX_ID, "Stands for the presentment keys in a later request."),
    {.name = "interval",
     .type = S2S_INTEGER,
     .flags = S2S_REQUIRED,
     .min = 1,
     .doc = "Seconds to wait before asking again, with a new x-request-id."},
};

const struct s2s_schema s2s_get_pending_response = {
    .name = "CredentialGetPending",
    .doc = "The answer while the credential is being made.",
    S2S_FIELDS(get_pending_fields),
};

/* ---- Metadata ---- */

static const struct s2s_field metadata_fields[] = {
    S2S_SESSION_ID_ROW,
    S2S_INSTANCE_ID_ROW,
    S2S_WALLET_ENCRYPTION_KEY_ROW,
    S2S_TEXT_ROW("credentialMetadataVersion", 0, S2S_MAX_ID, "The version that the wallet asks for or has."),
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_metadata_request = {
    .name = "CredentialMetadataRequest",
    S2S_FIELDS(metadata_fields),
};

static const struct s2s_field metadata_response_fields[] = {
    S2S_OBJECT_ROW("credentialMetadata", 0, NULL, "Metadata of the credential."),
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_metadata_response = {
    .name = "CredentialMetadataResponse",
    S2S_FIELDS(metadata_response_fields),
};

/* ---- Status ---- */

static const struct s2s_field credential_status_fields[] = {
    S2S_SESSION_ID_ROW,
    S2S_INSTANCE_ID_ROW,
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_credential_status_request = {
    .name = "CredentialStatusRequest",
    S2S_FIELDS(credential_status_fields),
};

static const struct s2s_field credential_status_response_fields[] = {
    S2S_ENUM_ROW("currentStatus", S2S_REQUIRED, s2s_credential_status_names, "The status of the instance."),
    S2S_TEXT_ROW("currentVersion", S2S_REQUIRED, S2S_MAX_ID, "Version of the credential's data set."),
    S2S_TEXT_ROW("lastStatusChangeTime", 0, S2S_MAX_TIMESTAMP, "HTTP-date (RFC 9110 section 5.6.7)."),
    S2S_TEXT_ROW("lastStatusChangeReason", 0, S2S_MAX_REASON, "Why the status changed last, for machines."),
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_credential_status_response = {
    .name = "CredentialStatusResponse",
    S2S_FIELDS(credential_status_response_fields),
};

/* ---- Manage ---- */

const char *const s2s_manage_actions[] = {"SUSPEND", "RESUME", "UNLINK", NULL};
const char *const s2s_manage_outcomes[] = {"COMPLETED", "SCHEDULED", "FAILED", "NO_CHANGE", NULL};

static const struct s2s_field manage_fields[] = {
    S2S_SESSION_ID_ROW,
    S2S_INSTANCE_ID_ROW,
    S2S_ENUM_ROW("action", S2S_REQUIRED, s2s_manage_actions, "What to do."),
    S2S_TEXT_ROW("reason", 0, S2S_MAX_REASON, "Why, for machines."),
    S2S_TEXT_ROW("reasonDetail", S2S_EMPTY_OK, S2S_MAX_REASON, "Why, for people."),
    S2S_DATE_TIME_ROW("timestamp", 0, "When the request was made."),
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_manage_request = {
    .name = "CredentialManageRequest",
    S2S_FIELDS(manage_fields),
};

static const struct s2s_field manage_response_fields[] = {
    S2S_SESSION_ID_ROW,
    S2S_INSTANCE_ID_ROW,
    S2S_ENUM_ROW("currentStatus", S2S_REQUIRED, s2s_credential_status_names, "The status after the action."),
    S2S_ENUM_ROW("previousStatus", 0, s2s_credential_status_names, "The status before the action."),
    S2S_ENUM_ROW("outcome", S2S_REQUIRED, s2s_manage_outcomes, "What became of the action."),
    S2S_TEXT_ROW("failureReason", 0, S2S_MAX_REASON, "FAILED: why, for machines."),
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_manage_response = {
    .name = "CredentialManageResponse",
    S2S_FIELDS(manage_response_fields),
};

/* ---- Events ---- */

static const struct s2s_field event_fields[] = {
    S2S_SESSION_ID_ROW,
    S2S_INSTANCE_ID_ROW,
    S2S_TEXT_ROW("eventType", S2S_REQUIRED, S2S_MAX_ID, "What happened. An unknown type is not acknowledged."),
    S2S_DATE_TIME_ROW("eventTimestamp", S2S_REQUIRED, "When it happened."),
    {.name = "triggeringRequestId",
     .type = S2S_STRING,
     .format = S2S_UUID,
     .doc = "The x-request-id of the request that brought the event about."},
    S2S_OBJECT_ROW("eventDetails", 0, NULL, "Details, by type."),
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_event_request = {
    .name = "EventNotifyRequest",
    S2S_FIELDS(event_fields),
};

static const struct s2s_field event_response_fields[] = {
    {.name = "acknowledged",
     .type = S2S_BOOLEAN,
     .doc = "Whether the event was processed. This implementation always says; the draft leaves it optional."},
};

const struct s2s_schema s2s_event_response = {
    .name = "EventNotifyResponse",
    S2S_FIELDS(event_response_fields),
};

/* ---- Issuer metadata ---- */

#define NAMES_ROW(member, text) S2S_ARRAY_ROW(member, S2S_REQUIRED, &s2s_name_item, text)

static const struct s2s_field metadata_s2s_fields[] = {
    {.name = "issuer_server_url",
     .type = S2S_STRING,
     .flags = S2S_REQUIRED,
     .format = S2S_URI,
     .doc = "What the paths of the endpoints are appended to."},
    NAMES_ROW("api_versions_supported", "Values of Api-Version, newest first."),
    S2S_OBJECT_ROW("issuer_encryption_jwks", S2S_REQUIRED, NULL,
                   "A JWK Set with the keys to encrypt to, newest first; use the first that fits."),
    NAMES_ROW("signing_alg_values_supported", "Signature algorithms of wallet keys."),
    NAMES_ROW("encryption_alg_values_supported", "JWE `alg` values."),
    NAMES_ROW("encryption_enc_values_supported", "JWE `enc` values."),
    NAMES_ROW("verification_types_supported", "Types of verification data items."),
    {.name = "content_reference_supported",
     .type = S2S_BOOLEAN,
     .flags = S2S_REQUIRED,
     .doc = "Whether content may be passed by reference."},
    NAMES_ROW("extensions_supported", "Names of extensions."),
};

static const struct s2s_schema metadata_s2s = {
    .name = "IssuerMetadataS2s",
    .doc = "What a wallet server needs to know for Server-to-Server issuance.",
    S2S_FIELDS(metadata_s2s_fields),
};

static const struct s2s_field issuer_metadata_fields[] = {
    {.name = "credential_issuer",
     .type = S2S_STRING,
     .flags = S2S_REQUIRED,
     .format = S2S_URI,
     .doc = "The credential issuer identifier."},
    S2S_OBJECT_ROW("credential_configurations_supported", S2S_REQUIRED, NULL,
                   "By credential configuration id, as in OpenID4VCI, each with credential_metadata."),
    S2S_ARRAY_ROW("display", 0, &s2s_any_object_item, "How to present the issuer, by locale."),
    S2S_OBJECT_ROW("s2s", S2S_REQUIRED, &metadata_s2s, "Server-to-Server members."),
};

const struct s2s_schema s2s_issuer_metadata = {
    .name = "IssuerMetadata",
    .doc = "Issuer metadata of OpenID4VCI with the members that Server-to-Server issuance adds.",
    S2S_FIELDS(issuer_metadata_fields),
};
