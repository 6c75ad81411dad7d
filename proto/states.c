/* SPDX-License-Identifier: Apache-2.0 */
#include "states.h"

#include "result.h"

#include <stddef.h>
#include <string.h>

const char *const s2s_verification_status_names[S2S_VERIFICATION_STATUSES + 1] = {
    [S2S_PENDING] = "PENDING",   [S2S_ADDITIONAL_INFO_REQUIRED] = "ADDITIONAL_INFO_REQUIRED",
    [S2S_REJECTED] = "REJECTED", [S2S_APPROVED] = "APPROVED",
    [S2S_DENIED] = "DENIED",     [S2S_EXPIRED] = "EXPIRED",
};

const char *const s2s_credential_status_names[S2S_CREDENTIAL_STATUSES + 1] = {
    [S2S_IN_PROCESS] = "IN_PROCESS",
    [S2S_ACTIVE] = "ACTIVE",
    [S2S_SUSPENDED_ISSUER] = "SUSPENDED_ISSUER",
    [S2S_SUSPENDED_WALLET] = "SUSPENDED_WALLET",
    [S2S_UNLINKED] = "UNLINKED",
    [S2S_CANCELLED] = "CANCELLED",
    [S2S_UNKNOWN] = "UNKNOWN",
};

/* "Event Types" of the draft. */
static const struct {
    const char *type;
    enum s2s_event_origin origin;
} events[] = {
    {"PROVISIONING_SUCCESS", S2S_EVENT_FROM_WALLET},
    {"PROVISIONING_FAILURE", S2S_EVENT_FROM_WALLET},
    {"LIFECYCLE_SUCCESS", S2S_EVENT_FROM_WALLET},
    {"LIFECYCLE_FAILURE", S2S_EVENT_FROM_WALLET},
    {"UPDATE_SUCCESS", S2S_EVENT_FROM_WALLET},
    {"UPDATE_FAILURE", S2S_EVENT_FROM_WALLET},
    {"UPDATE_REMINDER", S2S_EVENT_FROM_WALLET},
    {"CREDENTIAL_EXPIRING", S2S_EVENT_FROM_WALLET},
    {"KEY_ROTATED", S2S_EVENT_FROM_WALLET},
    {"CREDENTIAL_READY", S2S_EVENT_FROM_ISSUER},
    {"CREDENTIAL_UPDATE_AVAILABLE", S2S_EVENT_FROM_ISSUER},
    {"DISPLAY_DATA_UPDATED", S2S_EVENT_FROM_ISSUER},
};

const char *s2s_verification_status_name(enum s2s_verification_status status)
{
    s2s_assert((unsigned)status < S2S_VERIFICATION_STATUSES);
    return s2s_verification_status_names[status];
}

const char *s2s_credential_status_name(enum s2s_credential_status status)
{
    s2s_assert((unsigned)status < S2S_CREDENTIAL_STATUSES);
    return s2s_credential_status_names[status];
}

enum s2s_event_origin s2s_event_origin(const char *event_type)
{
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (strcmp(events[i].type, event_type) == 0)
            return events[i].origin;
    return S2S_EVENT_UNKNOWN;
}
