/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifications, what a reviewer says of them, and sessions.
 */
#include "gateway/admin/api_messages_rows.h"
#include "gateway/issuer/decision_messages.h"
#include "proto/states.h"

#define MAX_STATE 1024     /* characters of the state of an authentication on the web */
#define MAX_ITEMS 65536    /* of one verification */
#define MAX_OF_SESSION 100 /* verifications or instances that are shown with a session */

/* ---- parameters ---- */

static const struct s2s_field verification_path_fields[] = {VERIFICATION_ROW(S2S_REQUIRED)};
static const struct s2s_field session_path_fields[] = {SESSION_ROW(S2S_REQUIRED)};

const struct s2s_schema gw_admin_verification_path = {.name = "VerificationPath", S2S_FIELDS(verification_path_fields)};
const struct s2s_schema gw_admin_session_path = {.name = "SessionPath", S2S_FIELDS(session_path_fields)};

static const struct s2s_field verifications_query_fields[] = {
    S2S_ENUM_ROW("status", 0, s2s_verification_status_names, "Only those with this status."),
    PEER_ROW(0, "Only those of this peer."),
    ID_ROW("sessionId", 0, "Only those of this session."),
    ID_ROW("configuration", 0, "Only those that ask for this credential configuration."),
    FLAG_ROW("awaiting", 0, "true: only those that wait for a decision by a person."),
    PAGE_ROWS,
};

const struct s2s_schema gw_admin_verifications_query = {.name = "VerificationsQuery",
                                                        S2S_FIELDS(verifications_query_fields)};

static const struct s2s_field sessions_query_fields[] = {PEER_ROW(0, "Only those of this peer."), PAGE_ROWS};

const struct s2s_schema gw_admin_sessions_query = {.name = "SessionsQuery", S2S_FIELDS(sessions_query_fields)};

/* ---- verifications ---- */

static const char *const attestations[] = {"VERIFIED", "ABSENT", "INVALID", "IGNORED", NULL};

static const struct s2s_field verification_fields[] = {
    VERIFICATION_ROW(S2S_REQUIRED),
    SESSION_ROW(S2S_REQUIRED),
    PEER_ROW(S2S_REQUIRED, "The wallet server that asked for it."),
    S2S_ENUM_ROW("status", S2S_REQUIRED, s2s_verification_status_names, "Its status."),
    COUNT_ROW("version", S2S_REQUIRED, "Grows with every change; whoever decides names the one that they have seen."),
    FLAG_ROW("awaitingDecision", S2S_REQUIRED, "PENDING: whether it waits for a decision by a person."),
    IDS_ROW("credentialConfigurationIds", S2S_REQUIRED, S2S_MAX_CONFIGURATIONS,
            "The credential configurations that were asked for."),
    COUNT_ROW("requestedDeviceCount", S2S_REQUIRED, "On how many devices the wallet wants to use it."),
    COUNT_ROW("attempts", S2S_REQUIRED, "Submissions with data so far."),
    COUNT_ROW("maxAttempts", 0, "How many there may be; absent: any number."),
    TIME_ROW("createdAt", S2S_REQUIRED, "When it was asked for."),
    TIME_ROW("updatedAt", S2S_REQUIRED, "When it changed last."),
    TIME_ROW("expiresAt", S2S_REQUIRED, "When it is EXPIRED unless it is final."),
    TIME_ROW("deadline", 0, "Until when the wallet must give what it was asked for."),
    TIME_ROW("dueAt", 0, "When time alone ends it; absent when it is final."),
    ID_ROW("decisionBackend", 0, "The backend that decides; absent: the built-in policy."),
    REASON_ROW("undecidedReason", 0, "Why a person must decide, when a backend gave no usable answer."),
    ID_ROW("reasonCode", 0, "REJECTED and DENIED: the reason, for machines."),
    S2S_TEXT_ROW("message", S2S_EMPTY_OK, S2S_MAX_REASON, "rejectedDetails or deniedMessage."),
    S2S_TEXT_ROW("cancelReason", S2S_EMPTY_OK, S2S_MAX_REASON, "Why the wallet cancelled it."),
    IDS_ROW("approvedConfigurationIds", 0, S2S_MAX_CONFIGURATIONS, "APPROVED: which of them."),
    COUNT_ROW("authorizedDeviceCount", 0, "APPROVED: on how many devices it can be used."),
    ID_ROW("decidedBy", 0, "The operator who decided, when it was a person."),
    S2S_ENUM_ROW("attestation", S2S_REQUIRED, attestations, "What the attestation of the wallet signing key is worth."),
    ID_ROW("rootVerificationId", 0, "The verification of the first device, when this one migrates a session."),
};

static const struct s2s_schema verification_summary = {
    .name = "Verification",
    .doc = "A verification, without the data that the wallet gave.",
    S2S_FIELDS(verification_fields),
};

static const struct s2s_field verification_item = {.type = S2S_OBJECT, .object = &verification_summary};

static const struct s2s_field verifications_fields[] = {
    LIST_ROWS("verifications", &verification_item, "Newest first."),
};

const struct s2s_schema gw_admin_verifications = {
    .name = "Verifications", .doc = "A page of verifications.", S2S_FIELDS(verifications_fields)};

static const struct s2s_field job_fields[] = {
    TIME_ROW("nextAt", S2S_REQUIRED, "When it is evaluated next."),
    COUNT_ROW("attempts", S2S_REQUIRED, "How often that was tried."),
    COUNT_ROW("postponed", S2S_REQUIRED, "How often it was put off because the backend could not answer."),
    ID_ROW("lane", 0, "The backend."),
    REASON_ROW("error", 0, "What went wrong last."),
};

static const struct s2s_schema job = {
    .name = "EvaluationJob",
    .doc = "The evaluation of a verification that waits or is under way.",
    S2S_FIELDS(job_fields),
};

static const struct s2s_field dead_job_fields[] = {
    COUNT_ROW("jobId", S2S_REQUIRED, "The job; see /v1/dead-jobs."),
    TIME_ROW("diedAt", S2S_REQUIRED, "When it was given up."),
    S2S_TEXT_ROW("error", S2S_EMPTY_OK, S2S_MAX_REASON, "What went wrong last."),
};

static const struct s2s_schema dead_job = {
    .name = "DeadEvaluationJob",
    .doc = "The evaluation of a verification that was given up.",
    S2S_FIELDS(dead_job_fields),
};

static const struct s2s_field whole_verification_fields[] = {
    S2S_OBJECT_ROW("verificationDataRequest", 0, &s2s_verification_data_request, "What the wallet was asked for last."),
    S2S_OBJECT_ROW("job", 0, &job, "Its evaluation."),
    S2S_OBJECT_ROW("deadJob", 0, &dead_job, "Its evaluation that was given up."),
};

const struct s2s_schema gw_admin_verification = {
    .name = "WholeVerification",
    .doc = "A verification, with what it waits for.",
    .base = &verification_summary,
    S2S_FIELDS(whole_verification_fields),
};

/* ---- decisions ---- */

#define VERSION_ROW                                                                                                    \
    {                                                                                                                  \
        .name = "version", .type = S2S_INTEGER, .flags = S2S_REQUIRED, .min = 1,                                       \
        .doc = "The version that was looked at: if the verification has another one by now, nothing is done (409)."    \
    }

static const char *const decisions[] = {"APPROVED", "REJECTED", "DENIED", "ADDITIONAL_INFO_REQUIRED", NULL};

static const struct s2s_field decision_fields[] = {
    S2S_ENUM_ROW("status", S2S_REQUIRED, decisions, "The new status; decides on the other members."),
};

const struct s2s_schema gw_admin_decision = {
    .name = "Decision",
    .doc = "What a reviewer says, in the words of a decision backend.",
    .base = &gw_decision_members,
    S2S_FIELDS(decision_fields),
};

static const struct s2s_field decide_fields[] = {
    VERSION_ROW,
    S2S_OBJECT_ROW("decision", S2S_REQUIRED, &gw_admin_decision, "What is decided. It has no other members."),
};

const struct s2s_schema gw_admin_decide_request = {.name = "DecisionRequest", S2S_FIELDS(decide_fields)};

static const struct s2s_field request_info_fields[] = {
    VERSION_ROW,
    S2S_OBJECT_ROW("verificationDataRequest", S2S_REQUIRED, &s2s_verification_data_request, "What is asked for."),
    TIME_ROW("deadline", 0, "After this time the verification is DENIED."),
};

const struct s2s_schema gw_admin_request_info_request = {.name = "InfoRequest", S2S_FIELDS(request_info_fields)};

/* ---- items ---- */

static const char *const origins[] = {"WALLET_CLIENT", "WALLET_SERVER", "ISSUER", NULL};

static const struct s2s_field opened_item_fields[] = {
    S2S_ENUM_ROW("origin", S2S_REQUIRED, origins, "Who gave it."),
    S2S_OBJECT_ROW("item", S2S_REQUIRED, &s2s_verification_item, "The item, as it was given."),
};

static const struct s2s_schema opened_item = {
    .name = "OpenedItem",
    .doc = "One piece of verification data in the clear.",
    S2S_FIELDS(opened_item_fields),
};

static const struct s2s_field opened_item_item = {.type = S2S_OBJECT, .object = &opened_item};

static const struct s2s_field items_fields[] = {
    VERIFICATION_ROW(S2S_REQUIRED),
    SESSION_ROW(S2S_REQUIRED),
    ROWS_ROW("items", S2S_REQUIRED, MAX_ITEMS, &opened_item_item,
             "The newest of each origin and id. None of a verification that is final."),
    {.name = "additionalAssessments",
     .type = S2S_ARRAY,
     .max = MAX_ITEMS,
     .items = &s2s_any_object_item,
     .doc = "Further assessments of the wallet server."},
};

const struct s2s_schema gw_admin_items = {
    .name = "VerificationItems",
    .doc = "What the wallet gave: personal data. It is not stored in the clear, nor should it be by whoever reads it.",
    S2S_FIELDS(items_fields),
};

/* ---- results of an authentication on the web ---- */

static const char *const web_outcomes[] = {"SUCCESS", "FAILURE", NULL};

static const struct s2s_field web_result_request_fields[] = {
    S2S_TEXT_ROW("state", S2S_REQUIRED, MAX_STATE, "The `state` that the redirect URL came with."),
    S2S_ENUM_ROW("outcome", S2S_REQUIRED, web_outcomes, "Whether the holder was authenticated."),
    S2S_OBJECT_ROW("result", 0, NULL, "What was learnt, for whoever decides. It is stored sealed."),
};

const struct s2s_schema gw_admin_web_result_request = {.name = "WebResultRequest",
                                                       S2S_FIELDS(web_result_request_fields)};

static const struct s2s_field web_result_fields[] = {
    VERIFICATION_ROW(S2S_REQUIRED),
    S2S_ENUM_ROW("status", S2S_REQUIRED, s2s_verification_status_names, "PENDING: it is evaluated again."),
};

const struct s2s_schema gw_admin_web_result = {
    .name = "WebResult", .doc = "The verification that the result was for.", S2S_FIELDS(web_result_fields)};

/* ---- sessions ---- */

static const struct s2s_field session_fields[] = {
    SESSION_ROW(S2S_REQUIRED),
    PEER_ROW(S2S_REQUIRED, "The wallet server that it belongs to."),
    TIME_ROW("createdAt", S2S_REQUIRED, "When it was opened."),
    ID_ROW("walletSigningKeyThumbprint", S2S_REQUIRED, "RFC 7638 thumbprint of the wallet signing key."),
    ID_ROW("locale", 0, "Language of the wallet client instance."),
    IDS_ROW("supportedVerificationTypes", 0, 64, "Types of items that the wallet client can collect."),
    IDS_ROW("verificationIds", S2S_REQUIRED, 65536, "Its verifications, oldest first."),
};

static const struct s2s_schema session_summary = {
    .name = "Session",
    .doc = "A session of a wallet client instance.",
    S2S_FIELDS(session_fields),
};

static const struct s2s_field session_item = {.type = S2S_OBJECT, .object = &session_summary};

static const struct s2s_field sessions_fields[] = {LIST_ROWS("sessions", &session_item, "Newest first.")};

const struct s2s_schema gw_admin_sessions = {
    .name = "Sessions", .doc = "A page of sessions.", S2S_FIELDS(sessions_fields)};

static const struct s2s_field instance_item = {.type = S2S_OBJECT, .object = &gw_admin_instance};

static const struct s2s_field whole_session_fields[] = {
    ROWS_ROW("verifications", S2S_REQUIRED, MAX_OF_SESSION, &verification_item, "Its verifications."),
    ROWS_ROW("instances", S2S_REQUIRED, MAX_OF_SESSION, &instance_item, "Its credential instances."),
};

const struct s2s_schema gw_admin_session = {
    .name = "WholeSession",
    .doc = "A session, with what belongs to it.",
    .base = &session_summary,
    S2S_FIELDS(whole_session_fields),
};
