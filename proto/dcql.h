/* SPDX-License-Identifier: Apache-2.0
 *
 * The Digital Credentials Query Language, as the verifier needs it (OpenID4VP 1.0 section 6): a query of an operator's
 * is checked once, and the `vp_token` that answers it is verified (section 8.6) and held against it.
 *
 * Only credentials of the format `dc+sd-jwt` with holder binding, one for each query. `trusted_authorities` is a hint
 * for wallets; what is trusted says the policy. Unknown members are ignored, as the language demands.
 */
#ifndef S2S_DCQL_H
#define S2S_DCQL_H

#include "sdjwt_vp.h"

/* What a query may have at most of anything, and what a path may be long. */
#define S2S_DCQL_MAX_ITEMS 64
#define S2S_DCQL_MAX_PATH 16

/* A checked query. It never changes, so it may be shared between threads, and lives in the arena of its making. */
struct s2s_dcql;

/* Check a `dcql_query`. S2S_MALFORMED, S2S_UNSUPPORTED or S2S_LIMIT otherwise, and `*pointer` says where (JSON Pointer,
 * in the arena; NULL when that is full). */
S2S_MUST_CHECK struct s2s_result s2s_dcql_parse(struct s2s_arena *arena, const struct json_object *query,
                                                const struct s2s_dcql **out, const char **pointer);

/* What came for one credential query. */
struct s2s_dcql_answer {
    const char *id;           /* of the credential query */
    struct s2s_result result; /* S2S_OK: verified, and all that was asked for; S2S_MISMATCH also when nothing came */
    bool presented;
    struct s2s_sdjwt_vp vp; /* only where result is S2S_OK */
};

/* In the arena, in the order of the query. */
struct s2s_dcql_answers {
    struct s2s_dcql_answer *items;
    size_t count;
};

/* Verify `vp_token`, { "<id>": ["<presentation>"] }, against the query. `expected` gives nonce, audience and time;
 * types are the query's. S2S_OK: the query is satisfied, by those answers whose result is S2S_OK; others were optional.
 * S2S_MALFORMED: not such an object, or it answers what was not asked; nobody is to use any of it. Otherwise what is
 * wrong with, or missing of, the first credential that was required; each answer tells its own. */
S2S_MUST_CHECK struct s2s_result s2s_dcql_evaluate(struct s2s_arena *arena, const struct s2s_dcql *query,
                                                   const struct s2s_sdjwt_policy *policy,
                                                   const struct s2s_sdjwt_expected *expected,
                                                   const struct json_object *vp_token, struct s2s_dcql_answers *out);

#endif
