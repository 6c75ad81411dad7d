/* SPDX-License-Identifier: Apache-2.0
 *
 * Token Status Lists (draft-ietf-oauth-status-list) as JWTs: whether a credential that refers to one has been revoked
 * or suspended. Fetching and keeping lists is the caller's.
 */
#ifndef S2S_STATUSLIST_H
#define S2S_STATUSLIST_H

#include "x5c.h"

/* Values with a meaning ("Status Types Values"); all others are the application's, or nobody's yet. */
enum s2s_status { S2S_STATUS_VALID = 0, S2S_STATUS_INVALID = 1, S2S_STATUS_SUSPENDED = 2 };

/* What a list may be at most. */
struct s2s_statuslist_limits {
    size_t octets;   /* of the JWT */
    size_t inflated; /* of the list */
};

/* By default a million statuses of 8 bits, or eight million of one. */
#define S2S_STATUSLIST_LIMITS ((struct s2s_statuslist_limits){.octets = (size_t)2 << 20, .inflated = (size_t)1 << 20})

/* Where the status of a credential stands: `status_list` of its `status` claim. Borrowed from the claim. */
struct s2s_status_reference {
    const char *uri;
    uint64_t index;
};

/* Read the `status` claim. S2S_UNSUPPORTED: it has no `status_list`, but perhaps another mechanism. S2S_MALFORMED. */
S2S_MUST_CHECK struct s2s_result s2s_status_reference(const struct json_object *status,
                                                      struct s2s_status_reference *out);

/* A verified list; all in the arena. */
struct s2s_statuslist {
    unsigned bits; /* of one status: 1, 2, 4 or 8 */
    struct s2s_bytes statuses;
    int64_t issued_at;
    int64_t expires_at; /* INT64_MAX: says nothing */
    int64_t ttl;        /* seconds that it may be kept before it should be fetched again; 0: says nothing */
    const char *issuer; /* subject of the certificate */
};

/* Open the list that was fetched from `uri`, `len` characters at `text`: signed by a certificate under `trust`, for
 * this `uri`, not expired at `now` give or take `leeway` seconds. S2S_LIMIT: longer than allowed, also when inflated.
 * Otherwise as s2s_x5c_open_jwt and s2s_jwt_check_times; S2S_MISMATCH for the list of another URI. */
S2S_MUST_CHECK struct s2s_result s2s_statuslist_open(struct s2s_arena *arena, const struct s2s_trust *trust,
                                                     const struct s2s_statuslist_limits *limits, const char *uri,
                                                     int64_t now, int64_t leeway, const char *text, size_t len,
                                                     struct s2s_statuslist *out);

/* The status at `index`. S2S_MISMATCH when the list ends before: nothing is known of the credential then. */
S2S_MUST_CHECK struct s2s_result s2s_statuslist_at(const struct s2s_statuslist *list, uint64_t index, uint8_t *status);

#endif
