/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/decision_messages.h"

#include "proto/messages_rows.h"

static const struct s2s_field dataset_fields[] = {
    S2S_TEXT_ROW("credentialConfigurationId", S2S_REQUIRED, S2S_MAX_ID, "A credential configuration that is approved."),
    S2S_TEXT_ROW("subject", S2S_REQUIRED, S2S_MAX_ID, "Whose dataset it is. It is not stored in the clear."),
};

static const struct s2s_schema dataset = {
    .name = "DecidedDataset",
    .doc = "One dataset to issue: several of one configuration are several credential instances.",
    S2S_FIELDS(dataset_fields),
};

static const struct s2s_field dataset_item = {.type = S2S_OBJECT, .object = &dataset};

static const struct s2s_field member_fields[] = {
    {.name = "credentialConfigurationIds",
     .type = S2S_ARRAY,
     .flags = S2S_UNIQUE,
     .min = 1,
     .max = S2S_MAX_CONFIGURATIONS,
     .items = &s2s_id_item,
     .doc = "APPROVED: which of those that were asked for; all when absent."},
    {.name = "authorizedDeviceCount",
     .type = S2S_INTEGER,
     .min = 1,
     .doc = "APPROVED: on how many devices, at most those that were requested; 1 when absent."},
    S2S_TEXT_ROW("subject", 0, S2S_MAX_ID,
                 "APPROVED: whose datasets; the configuration's own `subject` when absent. It is not stored in the "
                 "clear."),
    {.name = "datasets",
     .type = S2S_ARRAY,
     .flags = S2S_UNIQUE,
     .min = 1,
     .max = GW_MAX_DATASETS,
     .items = &dataset_item,
     .doc = "APPROVED: which datasets, in the place of credentialConfigurationIds and subject."},
    S2S_TEXT_ROW("reasonCode", 0, S2S_MAX_ID, "REJECTED and DENIED: the reason, for machines; required."),
    S2S_TEXT_ROW("rejectedDetails", S2S_EMPTY_OK, S2S_MAX_REASON, "REJECTED: details for the wallet's log."),
    S2S_TEXT_ROW("deniedMessage", 0, S2S_MAX_REASON, "DENIED: a message for the holder."),
    S2S_OBJECT_ROW("verificationDataRequest", 0, &s2s_verification_data_request,
                   "ADDITIONAL_INFO_REQUIRED: what is asked for; required."),
};

const struct s2s_schema gw_decision_members = {.name = "DecisionMembers", S2S_FIELDS(member_fields)};
