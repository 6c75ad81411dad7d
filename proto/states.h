/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of states, actions, outcomes and events, as tables (profile sections 4 and 5). The transitions themselves live
 * beside the data that they guard, in sql/functions/.
 */
#ifndef S2S_STATES_H
#define S2S_STATES_H

#include <stdbool.h>

enum s2s_verification_status {
    S2S_PENDING,
    S2S_ADDITIONAL_INFO_REQUIRED,
    S2S_REJECTED,
    S2S_APPROVED,
    S2S_DENIED,
    S2S_EXPIRED,
    S2S_VERIFICATION_STATUSES
};

enum s2s_credential_status {
    S2S_IN_PROCESS,
    S2S_ACTIVE,
    S2S_SUSPENDED_ISSUER,
    S2S_SUSPENDED_WALLET,
    S2S_UNLINKED,
    S2S_CANCELLED,
    S2S_UNKNOWN,
    S2S_CREDENTIAL_STATUSES
};

enum s2s_event_origin { S2S_EVENT_UNKNOWN, S2S_EVENT_FROM_WALLET, S2S_EVENT_FROM_ISSUER };

/* All names in the order of the enumerations, NULL-terminated: the enumerations of the schemas. */
extern const char *const s2s_verification_status_names[S2S_VERIFICATION_STATUSES + 1];
extern const char *const s2s_credential_status_names[S2S_CREDENTIAL_STATUSES + 1];

/* The name on the wire. */
const char *s2s_verification_status_name(enum s2s_verification_status status);
const char *s2s_credential_status_name(enum s2s_credential_status status);

/* Which side an event type comes from; S2S_EVENT_UNKNOWN for a type that nobody defines (D14). */
enum s2s_event_origin s2s_event_origin(const char *event_type);

#endif
