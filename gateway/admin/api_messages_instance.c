/* SPDX-License-Identifier: Apache-2.0
 *
 * Credential instances: one, many at once, and what the wallets say of them.
 */
#include "gateway/admin/api_messages_rows.h"
#include "proto/states.h"

#define MAX_FAILURES 100 /* that a bulk tells of */

/* ---- parameters ---- */

static const struct s2s_field instance_path_fields[] = {INSTANCE_ROW(S2S_REQUIRED)};
static const struct s2s_field bulk_path_fields[] = {ID_ROW("bulkId", S2S_REQUIRED, "The bulk.")};
static const struct s2s_field reconciliation_path_fields[] = {
    ID_ROW("reconciliationId", S2S_REQUIRED, "The run of reconciliation.")};

const struct s2s_schema gw_admin_instance_path = {.name = "InstancePath", S2S_FIELDS(instance_path_fields)};
const struct s2s_schema gw_admin_bulk_path = {.name = "BulkPath", S2S_FIELDS(bulk_path_fields)};
const struct s2s_schema gw_admin_reconciliation_path = {.name = "ReconciliationPath",
                                                        S2S_FIELDS(reconciliation_path_fields)};

static const struct s2s_field instances_query_fields[] = {
    S2S_ENUM_ROW("status", 0, s2s_credential_status_names, "Only those with this status."),
    ID_ROW("sessionId", 0, "Only those of this session."),
    S2S_TEXT_ROW("subject", 0, S2S_MAX_ID, "Only those with the dataset of this subject."),
    ID_ROW("configuration", 0, "Only those of this credential configuration."),
    PAGE_ROWS,
};

const struct s2s_schema gw_admin_instances_query = {.name = "InstancesQuery", S2S_FIELDS(instances_query_fields)};

/* ---- instances ---- */

static const struct s2s_field manage_fields[] = {
    S2S_ENUM_ROW("outcome", S2S_REQUIRED, s2s_manage_outcomes, "What the wallet made of it."),
    REASON_ROW("failureReason", 0, "FAILED: why, for machines."),
    TIME_ROW("at", S2S_REQUIRED, "When the wallet answered."),
};

static const struct s2s_schema manage = {
    .name = "ManageOutcome",
    .doc = "The wallet's last answer to an action.",
    S2S_FIELDS(manage_fields),
};

static const struct s2s_field pushed_fields[] = {
    ID_ROW("version", S2S_REQUIRED, "Its version."),
    TIME_ROW("validUntil", 0, "No credential made from it outlives this."),
    TIME_ROW("pushedAt", S2S_REQUIRED, "When it was pushed."),
};

static const struct s2s_schema pushed = {
    .name = "PushedDataset",
    .doc = "The dataset that was pushed for an instance, without its claims.",
    S2S_FIELDS(pushed_fields),
};

static const struct s2s_field instance_fields[] = {
    INSTANCE_ROW(S2S_REQUIRED),
    SESSION_ROW(S2S_REQUIRED),
    VERIFICATION_ROW(S2S_REQUIRED),
    PEER_ROW(S2S_REQUIRED, "The wallet server that has it."),
    ID_ROW("credentialConfigurationId", S2S_REQUIRED, "The credential configuration."),
    S2S_ENUM_ROW("status", S2S_REQUIRED, s2s_credential_status_names, "Its status."),
    ID_ROW("credentialVersion", 0, "Version of the dataset that the wallet fetched last."),
    S2S_OBJECT_ROW("manage", 0, &manage, "The wallet's last answer to an action."),
    TIME_ROW("lastStatusChangeTime", S2S_REQUIRED, "When the status changed last."),
    REASON_ROW("lastStatusChangeReason", 0, "Why it changed, for machines."),
    TIME_ROW("createdAt", S2S_REQUIRED, "When it was provisioned."),
    TIME_ROW("fetchedAt", 0, "When the wallet fetched the credential last."),
    TIME_ROW("readyAt", 0, "When the credential is ready, or has been."),
    S2S_OBJECT_ROW("dataset", 0, &pushed, "What was pushed for it."),
};

const struct s2s_schema gw_admin_instance = {
    .name = "Instance", .doc = "A credential instance.", S2S_FIELDS(instance_fields)};

static const struct s2s_field instance_item = {.type = S2S_OBJECT, .object = &gw_admin_instance};
static const struct s2s_field instances_fields[] = {LIST_ROWS("instances", &instance_item, "Newest first.")};

const struct s2s_schema gw_admin_instances = {
    .name = "Instances", .doc = "A page of credential instances.", S2S_FIELDS(instances_fields)};

/* ---- actions ---- */

static const char *const actions[] = {"SUSPEND", "RESUME", "CANCEL", "UPDATED", "DISPLAY_UPDATED", NULL};
static const char *const outcomes[] = {"COMPLETED", "NO_CHANGE", "FAILED", NULL};

#define ACTION_ROW                                                                                                     \
    S2S_ENUM_ROW("action", S2S_REQUIRED, actions,                                                                      \
                 "What to do; UPDATED and DISPLAY_UPDATED tell the wallet that there is something new to fetch.")
#define ACTION_REASON_ROW REASON_ROW("reason", 0, "Why, for machines. The wallet is told.")

static const struct s2s_field action_request_fields[] = {ACTION_ROW, ACTION_REASON_ROW};

const struct s2s_schema gw_admin_action_request = {.name = "ActionRequest", S2S_FIELDS(action_request_fields)};

static const struct s2s_field action_fields[] = {
    S2S_ENUM_ROW("outcome", S2S_REQUIRED, outcomes, "What became of it."),
    REASON_ROW("failureReason", 0, "FAILED: why, for machines."),
    S2S_OBJECT_ROW("instance", S2S_REQUIRED, &gw_admin_instance, "The instance after it."),
};

const struct s2s_schema gw_admin_action = {
    .name = "ActionAnswer",
    .doc = "What became of an action. The wallet is owed word of it.",
    S2S_FIELDS(action_fields),
};

static const char *const effects[] = {"READY", "UPDATED", NULL};

static const struct s2s_field dataset_fields[] = {
    S2S_ENUM_ROW("outcome", S2S_REQUIRED, outcomes, "NO_CHANGE: this version was known."),
    S2S_ENUM_ROW("effect", 0, effects,
                 "READY: a wallet was waiting for it, and is told; UPDATED: the wallet has an older version, and is "
                 "told."),
    REASON_ROW("failureReason", 0, "FAILED: why, for machines."),
    S2S_OBJECT_ROW("instance", S2S_REQUIRED, &gw_admin_instance, "The instance after it."),
};

const struct s2s_schema gw_admin_dataset = {
    .name = "DatasetAnswer", .doc = "What became of a dataset that was pushed.", S2S_FIELDS(dataset_fields)};

/* ---- many at once ---- */

static const struct s2s_field filter_fields[] = {
    S2S_TEXT_ROW("subject", 0, S2S_MAX_ID, "Those with the dataset of this subject."),
    ID_ROW("configuration", 0, "Those of this credential configuration."),
    IDS_ROW("sessionIds", 0, MAX_BULK_IDS, "Those of these sessions."),
    IDS_ROW("instanceIds", 0, MAX_BULK_IDS, "These."),
};

static const struct s2s_schema filter = {
    .name = "BulkFilter",
    .doc = "Which instances: a subject, a configuration or both together; or sessions; or instances. All is none.",
    S2S_FIELDS(filter_fields),
};

static const struct s2s_field bulk_request_fields[] = {
    ACTION_ROW,
    S2S_OBJECT_ROW("filter", S2S_REQUIRED, &filter, "Which instances."),
    ACTION_REASON_ROW,
};

const struct s2s_schema gw_admin_bulk_request = {.name = "BulkRequest", S2S_FIELDS(bulk_request_fields)};

static const struct s2s_field failure_fields[] = {
    INSTANCE_ROW(S2S_REQUIRED),
    REASON_ROW("reason", S2S_REQUIRED, "Why not, for machines."),
};

static const struct s2s_schema failure = {
    .name = "BulkFailure", .doc = "An instance to which it could not be done.", S2S_FIELDS(failure_fields)};

static const struct s2s_field failure_item = {.type = S2S_OBJECT, .object = &failure};
static const char *const bulk_statuses[] = {"COUNTING", "RUNNING", "DONE", "STUCK", NULL};

static const struct s2s_field bulk_fields[] = {
    ID_ROW("bulkId", S2S_REQUIRED, "The bulk."),
    ACTION_ROW,
    REASON_ROW("reason", 0, "Why, for machines."),
    S2S_ENUM_ROW("status", S2S_REQUIRED, bulk_statuses,
                 "COUNTING while `total` still grows; STUCK: it was given up, see /v1/dead-jobs."),
    COUNT_ROW("total", S2S_REQUIRED, "Instances that it is about."),
    COUNT_ROW("done", S2S_REQUIRED, "To how many of them it was done."),
    COUNT_ROW("failed", S2S_REQUIRED, "To how many it could not be done."),
    TIME_ROW("startedAt", S2S_REQUIRED, "When it was asked for."),
    TIME_ROW("finishedAt", 0, "When the last one had been through."),
    ID_ROW("by", S2S_REQUIRED, "The operator who asked for it."),
    ROWS_ROW("failures", 0, MAX_FAILURES, &failure_item, "The first of them."),
};

const struct s2s_schema gw_admin_bulk = {
    .name = "Bulk", .doc = "An action on many credential instances, done in the background.", S2S_FIELDS(bulk_fields)};

static const struct s2s_field bulk_item = {.type = S2S_OBJECT, .object = &gw_admin_bulk};
static const struct s2s_field bulks_fields[] = {LIST_ROWS("bulks", &bulk_item, "Newest first.")};

const struct s2s_schema gw_admin_bulks = {.name = "Bulks", .doc = "A page of them.", S2S_FIELDS(bulks_fields)};

/* ---- reconciliation ---- */

static const struct s2s_field reconcile_request_fields[] = {
    PEER_ROW(0, "Only instances of this wallet server."),
    ID_ROW("credentialInstanceId", 0, "Only this instance."),
};

const struct s2s_schema gw_admin_reconcile_request = {
    .name = "ReconciliationRequest",
    .doc = "Which instances to compare; all when nothing is said.",
    S2S_FIELDS(reconcile_request_fields),
};

static const struct s2s_field finding_fields[] = {
    ID_ROW("credentialInstanceId", 0, "The credential instance; absent when it is about a wallet as a whole."),
    ID_ROW("ours", 0, "The status on this side."),
    ID_ROW("theirs", 0, "The status that the wallet gave."),
    REASON_ROW("finding", S2S_REQUIRED, "What differs."),
    REASON_ROW("action", 0, "What is done about it."),
};

static const struct s2s_schema finding = {
    .name = "Finding", .doc = "Something that the two sides see differently.", S2S_FIELDS(finding_fields)};

static const struct s2s_field finding_item = {.type = S2S_OBJECT, .object = &finding};

static const struct s2s_field reconciliation_fields[] = {
    ID_ROW("reconciliationId", S2S_REQUIRED, "The run."),
    TIME_ROW("startedAt", S2S_REQUIRED, "When it was started."),
    TIME_ROW("finishedAt", 0, "When it had been through."),
    COUNT_ROW("checked", S2S_REQUIRED, "Instances compared so far."),
    COUNT_ROW("found", S2S_REQUIRED, "Findings so far."),
    ROWS_ROW("findings", 0, MAX_FINDINGS, &finding_item, "The first of them. Lists leave them out."),
};

const struct s2s_schema gw_admin_reconciliation = {
    .name = "Reconciliation",
    .doc = "A walk over credential instances that compares what both sides say of them, and mends what it can.",
    S2S_FIELDS(reconciliation_fields),
};

static const struct s2s_field reconciliation_item = {.type = S2S_OBJECT, .object = &gw_admin_reconciliation};

static const struct s2s_field reconciliations_fields[] = {
    LIST_ROWS("reconciliations", &reconciliation_item, "Newest first.")};

const struct s2s_schema gw_admin_reconciliations = {
    .name = "Reconciliations", .doc = "A page of runs.", S2S_FIELDS(reconciliations_fields)};
