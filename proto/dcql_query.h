/* SPDX-License-Identifier: Apache-2.0
 *
 * A query as data. For the files of proto/dcql only.
 */
#ifndef S2S_DCQL_QUERY_H
#define S2S_DCQL_QUERY_H

#include "dcql.h"

/* One component of a claims path pointer (OpenID4VP 1.0 section 7). */
struct s2s_dcql_step {
    enum { S2S_STEP_NAME, S2S_STEP_INDEX, S2S_STEP_ALL } kind;
    const char *name;
    size_t index;
};

/* A value that a claim may have. */
struct s2s_dcql_value {
    enum { S2S_VALUE_STRING, S2S_VALUE_INTEGER, S2S_VALUE_BOOLEAN } kind;
    const char *string;
    int64_t number; /* of a boolean, too */
};

struct s2s_dcql_claim {
    const char *id; /* NULL when absent */
    struct s2s_dcql_step *path;
    size_t path_len;
    struct s2s_dcql_value *values; /* none: any value */
    size_t value_count;
};

/* A combination: indexes into a list. */
struct s2s_dcql_choice {
    size_t *members;
    size_t count;
};

struct s2s_dcql_credential {
    const char *id;
    const char **vcts;
    size_t vct_count;
    struct s2s_dcql_claim *claims;
    size_t claim_count;
    struct s2s_dcql_choice *claim_sets; /* none: all claims */
    size_t claim_set_count;
};

struct s2s_dcql_set {
    struct s2s_dcql_choice *options;
    size_t option_count;
    bool required;
};

struct s2s_dcql {
    struct s2s_dcql_credential *credentials;
    size_t credential_count;
    struct s2s_dcql_set *sets; /* none: all credentials */
    size_t set_count;
};

#endif
