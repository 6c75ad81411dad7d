/* SPDX-License-Identifier: Apache-2.0
 *
 * Holds what was submitted against what is asked for: one judgment for each item of each configuration's policy.
 */
#ifndef GW_JUDGE_H
#define GW_JUDGE_H

#include "gateway/issuer/items/items.h"

struct gw_judgments {
    struct gw_judgment *all; /* in the order of configurations and items */
    size_t count;
};

/* Judge by what the items say by themselves. With `unasked`, items are judged as well that no policy asks for, as far
 * as that needs none. S2S_LIMIT when the arena is full. */
S2S_MUST_CHECK struct s2s_result gw_judge(const struct gw_item_context *ctx,
                                          const struct gw_credential_config *const *configurations, size_t count,
                                          bool unasked, struct gw_judgments *out);

/* What is to be asked of the database: p_checks of s2s.evaluation_facts as text in `arena`; NULL: nothing. An item is
 * asked about once, however many policies want it. */
const char *gw_judge_questions(const struct gw_item_context *ctx, const struct gw_judgments *judgments,
                               struct s2s_arena *arena);

/* Take the answer to them (`checks`). */
void gw_judge_answers(const struct gw_item_context *ctx, const struct gw_judgments *judgments,
                      struct json_object *checks);

/* The next thing to be fetched, for the judgment `*at`, which begins with 0; false when nothing is left. */
bool gw_judge_fetch(const struct gw_item_context *ctx, const struct gw_judgments *judgments, size_t *at,
                    struct gw_item_fetch *out);

/* How that ended. */
void gw_judge_fetched(const struct gw_item_context *ctx, const struct gw_judgments *judgments, size_t at,
                      const struct gw_reference_result *result);

#endif
