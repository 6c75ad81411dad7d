/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/wallet/app_messages.h"

#include "proto/messages_rows.h"
#include "proto/states.h"

#define MAX_ISSUER 1024     /* characters of a credential issuer identifier */
#define MAX_CURSOR 1024     /* characters */
#define MAX_PAGE 200        /* rows of a list */
#define MAX_INSTANCES 65536 /* of one issuance */
#define MAX_FINDINGS 1000
#define MAX_ISSUERS 10000

#define ID_ROW(member, requirement, text) S2S_TEXT_ROW(member, requirement, S2S_MAX_ID, text)

/* What stands in a path is opaque: one of another shape is an unknown one, not a malformed one. */
#define SESSION_ROW ID_ROW("sessionId", S2S_REQUIRED, "The session.")
#define INSTANCE_ROW ID_ROW("credentialInstanceId", S2S_REQUIRED, "The credential instance.")
#define ISSUER_ROW(requirement, text) S2S_TEXT_ROW("issuer", requirement, MAX_ISSUER, text)
#define ISSUER_NAME_ROW ID_ROW("issuer", S2S_REQUIRED, "The issuer: the name of the peer.")

/* ---- parameters ---- */

static const struct s2s_field session_path_fields[] = {SESSION_ROW};
static const struct s2s_field instance_path_fields[] = {INSTANCE_ROW};
static const struct s2s_field fetch_path_fields[] = {ID_ROW("fetchId", S2S_REQUIRED, "The fetch.")};
static const struct s2s_field lifecycle_path_fields[] = {
    ID_ROW("lifecycleId", S2S_REQUIRED, "What the webhook lifecycle.requested named.")};
static const struct s2s_field issuer_path_fields[] = {
    ISSUER_ROW(S2S_REQUIRED, "The name of the peer, or its credential issuer identifier.")};
static const struct s2s_field reconciliation_path_fields[] = {
    ID_ROW("reconciliationId", S2S_REQUIRED, "The run of reconciliation.")};

const struct s2s_schema gw_app_session_path = {.name = "SessionPath", S2S_FIELDS(session_path_fields)};
const struct s2s_schema gw_app_instance_path = {.name = "InstancePath", S2S_FIELDS(instance_path_fields)};
const struct s2s_schema gw_app_fetch_path = {.name = "FetchPath", S2S_FIELDS(fetch_path_fields)};
const struct s2s_schema gw_app_lifecycle_path = {.name = "LifecyclePath", S2S_FIELDS(lifecycle_path_fields)};
const struct s2s_schema gw_app_issuer_path = {.name = "IssuerPath", S2S_FIELDS(issuer_path_fields)};
const struct s2s_schema gw_app_reconciliation_path = {.name = "ReconciliationPath",
                                                      S2S_FIELDS(reconciliation_path_fields)};

#define PAGE_ROWS                                                                                                      \
    S2S_TEXT_ROW("cursor", 0, MAX_CURSOR, "nextCursor of the page before this one."),                                  \
    {                                                                                                                  \
        .name = "limit", .type = S2S_INTEGER, .min = 1, .max = MAX_PAGE, .doc = "Rows of a page; 50 when absent."      \
    }

static const char *const issuance_statuses[] = {
    "STARTING", "PENDING", "ADDITIONAL_INFO_REQUIRED", "REJECTED", "APPROVED", "DENIED", "EXPIRED", "FAILED", NULL};

static const struct s2s_field issuances_query_fields[] = {
    S2S_ENUM_ROW("status", 0, issuance_statuses, "Only those with this status."),
    ISSUER_ROW(0, "Only those with this issuer: its name or its credential issuer identifier."),
    PAGE_ROWS,
};

const struct s2s_schema gw_app_issuances_query = {.name = "IssuancesQuery", S2S_FIELDS(issuances_query_fields)};

static const struct s2s_field instances_query_fields[] = {
    ID_ROW("sessionId", 0, "Only those of this session."),
    S2S_ENUM_ROW("status", 0, s2s_credential_status_names, "Only those with this status."),
    PAGE_ROWS,
};

const struct s2s_schema gw_app_instances_query = {.name = "InstancesQuery", S2S_FIELDS(instances_query_fields)};

/* ---- issuances ---- */

const struct s2s_schema gw_app_session_request = {.name = "SessionRequest", .doc = "Nothing is needed."};

static const struct s2s_field session_fields[] = {S2S_SESSION_ID_ROW};

const struct s2s_schema gw_app_session = {
    .name = "Session",
    .doc = "A new session id, for the wallet client to sign. Nothing is kept of it until it is used.",
    S2S_FIELDS(session_fields),
};

static const struct s2s_field start_fields[] = {
    ISSUER_ROW(S2S_REQUIRED,
               "The issuer to ask: the name of the peer, or its credential issuer identifier. All other members go "
               "to the issuer as they are."),
};

const struct s2s_schema gw_app_start_request = {
    .name = "IssuanceStartRequest",
    .doc = "What the wallet client wants of an issuer: the body of its /verification/initiate.",
    .base = &s2s_initiate_request,
    S2S_FIELDS(start_fields),
};

static const struct s2s_field supplement_fields[] = {
    S2S_OBJECT_ROW("verificationDataPayload", S2S_REQUIRED, &s2s_verification_data, "The verification data."),
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema gw_app_supplement_request = {
    .name = "SupplementRequest",
    .doc = "More verification data. It is sent after what was given before.",
    S2S_FIELDS(supplement_fields),
};

static const struct s2s_field cancel_fields[] = {
    S2S_TEXT_ROW("reason", S2S_REQUIRED, S2S_MAX_REASON, "Why it is cancelled."),
};

const struct s2s_schema gw_app_cancel_request = {.name = "CancelRequest", S2S_FIELDS(cancel_fields)};

static const struct s2s_field instance_item = {.type = S2S_OBJECT, .object = &gw_app_instance};
static const struct s2s_field issuance_item = {.type = S2S_OBJECT, .object = &gw_app_issuance};

#define PROBLEM_ROW(text) S2S_OBJECT_ROW("problem", 0, NULL, text " Problem details (RFC 9457).")

#define TIME_ROWS                                                                                                      \
    S2S_DATE_TIME_ROW("createdAt", S2S_REQUIRED, "When it was asked for."),                                            \
        S2S_DATE_TIME_ROW("updatedAt", S2S_REQUIRED, "When there was news of it last.")

static const struct s2s_field issuance_fields[] = {
    S2S_SESSION_ID_ROW,
    ISSUER_NAME_ROW,
    S2S_ENUM_ROW("status", S2S_REQUIRED, issuance_statuses,
                 "STARTING until the issuer has answered; then the status of the verification, or FAILED when the "
                 "issuer refused to begin."),
    ID_ROW("verificationId", 0, "The issuer's identifier of the verification."),
    S2S_OBJECT_ROW("verification", 0, &s2s_verification_status_response, "What the issuer last said of it."),
    PROBLEM_ROW("The issuer's last refusal."),
    {.name = "credentialConfigurationIds",
     .type = S2S_ARRAY,
     .flags = S2S_REQUIRED,
     .max = S2S_MAX_CONFIGURATIONS,
     .items = &s2s_id_item,
     .doc = "The credential configurations that were asked for."},
    {.name = "instances",
     .type = S2S_ARRAY,
     .flags = S2S_REQUIRED,
     .max = MAX_INSTANCES,
     .items = &instance_item,
     .doc = "The credential instances, once the issuer has provisioned them."},
    TIME_ROWS,
};

const struct s2s_schema gw_app_issuance = {
    .name = "Issuance",
    .doc = "A session with an issuer, as this gateway sees it.",
    S2S_FIELDS(issuance_fields),
};

#define LIST_ROWS(member, item, text)                                                                                  \
    {.name = (member), .type = S2S_ARRAY, .flags = S2S_REQUIRED, .max = MAX_PAGE, .items = (item), .doc = (text)},     \
        S2S_TEXT_ROW("nextCursor", 0, MAX_CURSOR, "Where the next page begins; absent on the last one.")

static const struct s2s_field issuances_fields[] = {LIST_ROWS("issuances", &issuance_item, "Newest first.")};

const struct s2s_schema gw_app_issuances = {
    .name = "Issuances", .doc = "A page of issuances.", S2S_FIELDS(issuances_fields)};

/* ---- instances ---- */

static const struct s2s_field manage_fields[] = {
    S2S_ENUM_ROW("outcome", S2S_REQUIRED, s2s_manage_outcomes, "What the issuer made of it."),
    S2S_TEXT_ROW("failureReason", 0, S2S_MAX_REASON, "FAILED: why, for machines."),
    S2S_DATE_TIME_ROW("at", S2S_REQUIRED, "When the issuer answered."),
};

static const struct s2s_schema manage = {
    .name = "ManageOutcome",
    .doc = "The issuer's last answer to an action.",
    S2S_FIELDS(manage_fields),
};

static const struct s2s_field instance_fields[] = {
    INSTANCE_ROW,
    S2S_SESSION_ID_ROW,
    ISSUER_NAME_ROW,
    ID_ROW("credentialConfigurationId", S2S_REQUIRED, "The credential configuration."),
    S2S_ENUM_ROW("status", S2S_REQUIRED, s2s_credential_status_names, "The status, as this side sees it."),
    ID_ROW("credentialVersion", 0, "Version of the credential's data set that was fetched last."),
    {.name = "updateAvailable",
     .type = S2S_BOOLEAN,
     .flags = S2S_REQUIRED,
     .doc = "Whether the issuer has a newer version."},
    {.name = "displayUpdated",
     .type = S2S_BOOLEAN,
     .flags = S2S_REQUIRED,
     .doc = "Whether the issuer has newer display data."},
    S2S_OBJECT_ROW("manage", 0, &manage, "The issuer's last answer to an action."),
    S2S_DATE_TIME_ROW("lastStatusChangeTime", S2S_REQUIRED, "When the status changed last."),
    S2S_TEXT_ROW("lastStatusChangeReason", 0, S2S_MAX_REASON, "Why it changed, for machines."),
};

const struct s2s_schema gw_app_instance = {
    .name = "Instance",
    .doc = "A credential instance.",
    S2S_FIELDS(instance_fields),
};

static const struct s2s_field instances_fields[] = {LIST_ROWS("instances", &instance_item, "Newest first.")};

const struct s2s_schema gw_app_instances = {
    .name = "Instances", .doc = "A page of credential instances.", S2S_FIELDS(instances_fields)};

static const struct s2s_field action_request_fields[] = {
    S2S_ENUM_ROW("action", S2S_REQUIRED, s2s_manage_actions, "What to do."),
    S2S_TEXT_ROW("reason", 0, S2S_MAX_REASON, "Why, for machines."),
    S2S_TEXT_ROW("reasonDetail", S2S_EMPTY_OK, S2S_MAX_REASON, "Why, for people."),
};

const struct s2s_schema gw_app_action_request = {.name = "ActionRequest", S2S_FIELDS(action_request_fields)};

static const struct s2s_field action_fields[] = {
    S2S_ENUM_ROW("outcome", S2S_REQUIRED, s2s_manage_outcomes, "What became of the action on this side."),
    S2S_TEXT_ROW("failureReason", 0, S2S_MAX_REASON, "FAILED: why, for machines."),
    S2S_OBJECT_ROW("instance", S2S_REQUIRED, &gw_app_instance, "The instance after the action."),
};

const struct s2s_schema gw_app_action = {
    .name = "ActionAnswer",
    .doc = "What became of an action. The issuer is told of it; its answer is the instance's `manage`.",
    S2S_FIELDS(action_fields),
};

static const struct s2s_field event_request_fields[] = {
    ID_ROW("eventType", S2S_REQUIRED, "What happened. Types that only issuers tell of are refused."),
    S2S_DATE_TIME_ROW("eventTimestamp", 0, "When it happened; now when absent."),
    {.name = "triggeringRequestId",
     .type = S2S_STRING,
     .format = S2S_UUID,
     .doc = "The x-request-id of the request that brought the event about."},
    S2S_OBJECT_ROW("eventDetails", 0, NULL, "Details, by type. They are kept in the clear until the issuer has them."),
};

const struct s2s_schema gw_app_event_request = {.name = "EventRequest", S2S_FIELDS(event_request_fields)};

static const struct s2s_field event_fields[] = {ID_ROW("eventId", S2S_REQUIRED, "The event.")};

const struct s2s_schema gw_app_event = {
    .name = "Event",
    .doc = "An event that the issuer will be told of.",
    S2S_FIELDS(event_fields),
};

static const char *const lifecycle_outcomes[] = {"COMPLETED", "FAILED", NULL};

static const struct s2s_field lifecycle_request_fields[] = {
    S2S_ENUM_ROW("outcome", S2S_REQUIRED, lifecycle_outcomes, "What became of what the issuer asked for."),
    S2S_TEXT_ROW("failureReason", 0, S2S_MAX_REASON, "FAILED: why, for machines."),
};

const struct s2s_schema gw_app_lifecycle_request = {.name = "LifecycleRequest", S2S_FIELDS(lifecycle_request_fields)};

/* ---- credentials ---- */

/* The wallet client's part of /credential/get. */
static const struct s2s_field fetch_request_fields[] = {
    S2S_TEXT_ROW("reason", S2S_REQUIRED, S2S_MAX_REASON, "Why the credential is fetched, for debugging."),
    S2S_WALLET_ENCRYPTION_KEY_ROW,
    S2S_OBJECT_ROW("clientEncryptedData", 0, &s2s_jwe_encrypted_payload,
                   "A client encrypted payload with presentmentKeys; required when the configuration binds credentials "
                   "to keys."),
    ID_ROW("currentCredentialMetadataVersion", 0,
           "The version that the wallet has; when it is current, credentialMetadata is left out."),
    S2S_OBJECT_ROW("extensions", 0, NULL, "Implementation-specific members. They are kept in the clear."),
};

const struct s2s_schema gw_app_fetch_request = {
    .name = "FetchRequest",
    .doc = "What the wallet client needs to be sent credentials that only it can read.",
    S2S_FIELDS(fetch_request_fields),
};

static const char *const fetch_statuses[] = {"WAITING", "READY", "FAILED", NULL};

static const struct s2s_field fetch_fields[] = {
    ID_ROW("fetchId", S2S_REQUIRED, "The fetch."),
    INSTANCE_ROW,
    S2S_ENUM_ROW("status", S2S_REQUIRED, fetch_statuses, "Whether the issuer has answered."),
    ID_ROW("credentialVersion", 0, "READY: version of the credential's data set."),
    {.name = "credentials",
     .type = S2S_STRING_OR_OBJECT,
     .doc = "READY: a JWE to the walletEncryptionKey, as the issuer made it."},
    S2S_OBJECT_ROW("credentialMetadata", 0, NULL, "READY: metadata, unless the wallet has this version."),
    PROBLEM_ROW("The issuer's last refusal."),
    TIME_ROWS,
};

const struct s2s_schema gw_app_fetch = {
    .name = "Fetch",
    .doc = "Credentials on their way from the issuer to the wallet client. They are kept for `wallet.fetch_retention`.",
    S2S_FIELDS(fetch_fields),
};

static const struct s2s_field metadata_request_fields[] = {
    S2S_WALLET_ENCRYPTION_KEY_ROW,
    ID_ROW("credentialMetadataVersion", 0, "The version that the wallet asks for or has."),
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema gw_app_metadata_request = {.name = "MetadataRequest", S2S_FIELDS(metadata_request_fields)};

/* ---- issuers ---- */

static const struct s2s_field issuer_summary_fields[] = {
    ISSUER_NAME_ROW,
    S2S_TEXT_ROW("credentialIssuer", 0, MAX_ISSUER, "Its credential issuer identifier."),
    S2S_DATE_TIME_ROW("fetchedAt", 0, "When its metadata were last fetched, or found unchanged."),
    S2S_DATE_TIME_ROW("expiresAt", 0, "When they are fetched again."),
    S2S_TEXT_ROW("failure", 0, S2S_MAX_REASON, "Why the last fetch failed."),
};

static const struct s2s_schema issuer_summary = {
    .name = "IssuerSummary",
    .doc = "An issuer of this gateway's configuration.",
    S2S_FIELDS(issuer_summary_fields),
};

static const struct s2s_field issuer_item = {.type = S2S_OBJECT, .object = &issuer_summary};

static const struct s2s_field issuers_fields[] = {
    {.name = "issuers",
     .type = S2S_ARRAY,
     .flags = S2S_REQUIRED,
     .max = MAX_ISSUERS,
     .items = &issuer_item,
     .doc = "All of them."},
};

const struct s2s_schema gw_app_issuers = {.name = "Issuers", .doc = "The issuers.", S2S_FIELDS(issuers_fields)};

static const struct s2s_field issuer_fields[] = {
    S2S_OBJECT_ROW("encryptionKeys", 0, NULL,
                   "A JWK Set with the keys to encrypt to, newest first (issuer_encryption_jwks of the metadata)."),
    S2S_OBJECT_ROW("metadata", 0, &s2s_issuer_metadata, "The metadata, as the issuer publishes them."),
};

const struct s2s_schema gw_app_issuer = {
    .name = "Issuer",
    .doc = "An issuer, with what its wallet clients need to know.",
    .base = &issuer_summary,
    S2S_FIELDS(issuer_fields),
};

/* ---- reconciliation ---- */

static const struct s2s_field reconcile_request_fields[] = {
    ISSUER_ROW(0, "Only instances of this issuer: its name or its credential issuer identifier."),
    ID_ROW("credentialInstanceId", 0, "Only this instance."),
};

const struct s2s_schema gw_app_reconcile_request = {
    .name = "ReconciliationRequest",
    .doc = "Which instances to compare; all when nothing is said.",
    S2S_FIELDS(reconcile_request_fields),
};

static const struct s2s_field finding_fields[] = {
    ID_ROW("credentialInstanceId", 0, "The credential instance; absent when it is about an issuer as a whole."),
    ID_ROW("ours", 0, "The status on this side."),
    ID_ROW("theirs", 0, "The status that the issuer gave."),
    S2S_TEXT_ROW("finding", S2S_REQUIRED, S2S_MAX_REASON, "What differs."),
    S2S_TEXT_ROW("action", 0, S2S_MAX_REASON, "What is done about it."),
};

static const struct s2s_schema finding = {
    .name = "Finding",
    .doc = "Something that the two sides see differently.",
    S2S_FIELDS(finding_fields),
};

static const struct s2s_field finding_item = {.type = S2S_OBJECT, .object = &finding};

static const struct s2s_field reconciliation_fields[] = {
    ID_ROW("reconciliationId", S2S_REQUIRED, "The run."),
    S2S_DATE_TIME_ROW("startedAt", S2S_REQUIRED, "When it was started."),
    S2S_DATE_TIME_ROW("finishedAt", 0, "When it had been through."),
    {.name = "checked", .type = S2S_INTEGER, .flags = S2S_REQUIRED, .doc = "Instances compared so far."},
    {.name = "found", .type = S2S_INTEGER, .flags = S2S_REQUIRED, .doc = "Findings so far."},
    {.name = "findings",
     .type = S2S_ARRAY,
     .flags = S2S_REQUIRED,
     .max = MAX_FINDINGS,
     .items = &finding_item,
     .doc = "The first of them."},
};

const struct s2s_schema gw_app_reconciliation = {
    .name = "Reconciliation",
    .doc = "A walk over credential instances that compares what both sides say of them, and mends what it can.",
    S2S_FIELDS(reconciliation_fields),
};
