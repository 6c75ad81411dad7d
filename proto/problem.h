/* SPDX-License-Identifier: Apache-2.0
 *
 * Problem details (RFC 9457), profile section 2 "Errors".
 */
#ifndef S2S_PROBLEM_H
#define S2S_PROBLEM_H

#include "schema.h"

enum s2s_problem_type {
    S2S_PROBLEM_INVALID_ENCRYPTION,
    S2S_PROBLEM_INVALID_CLIENT_AUTHENTICATION,
    S2S_PROBLEM_VALIDATION,
    S2S_PROBLEM_UNSUPPORTED_VERSION,
    S2S_PROBLEM_UNKNOWN_PEER,
    S2S_PROBLEM_NOT_FOUND,
    S2S_PROBLEM_SESSION_CONSUMED,
    S2S_PROBLEM_WRONG_STATE,
    S2S_PROBLEM_REQUEST_ID_REUSE,
    S2S_PROBLEM_RATE_LIMITED,
    S2S_PROBLEM_UNAVAILABLE,
    /* about:blank, plain HTTP meaning */
    S2S_PROBLEM_HTTP_400,
    S2S_PROBLEM_HTTP_404,
    S2S_PROBLEM_HTTP_405,
    S2S_PROBLEM_HTTP_413,
    S2S_PROBLEM_HTTP_415,
    S2S_PROBLEM_HTTP_500,
    /* Not of the protocol, but of the gateway's own APIs; about:blank too. */
    S2S_PROBLEM_HTTP_401,
    S2S_PROBLEM_HTTP_403,
    S2S_PROBLEM_HTTP_414,
    S2S_PROBLEM_HTTP_502,
    S2S_PROBLEM_HTTP_504,
    S2S_PROBLEM_COUNT,
    S2S_PROTOCOL_PROBLEMS = S2S_PROBLEM_HTTP_401 /* how many are of the protocol */
};

/* One row of the table of problem types. */
struct s2s_problem_info {
    const char *type;       /* the `type` URI */
    const char *title;      /* constant per type (RFC 9457 section 3.1.3) */
    const char *error_code; /* `errorCode`: upper snake case, one per type */
    int status;
    bool retryable;
};

extern const struct s2s_problem_info s2s_problems[S2S_PROBLEM_COUNT];

/* One occurrence. Borrowed pointers; optional ones may be NULL. */
struct s2s_problem {
    enum s2s_problem_type type;
    const char *detail;
    const char *instance; /* the UUID of this occurrence, without "urn:uuid:" */
    const struct s2s_violations *violations;
    const char *current_status; /* wrong-state only */
};

/* The body as application/problem+json text in the arena; `*len` gets its length. NULL: arena full. */
char *s2s_problem_write(struct s2s_arena *arena, const struct s2s_problem *problem, size_t *len);

/* The problem that answers a failure of proto/wsk.h or of the JOSE functions. */
enum s2s_problem_type s2s_problem_of(enum s2s_code code);

#endif
