/* SPDX-License-Identifier: Apache-2.0
 *
 * What a backend answers to `verification.decide`, held against what it was asked. Strict: an answer that says more, or
 * other things, than belongs to its status is refused whole, as a name that is misspelt must never approve anything.
 */
#ifndef GW_DECISION_ANSWER_H
#define GW_DECISION_ANSWER_H

#include "gateway/issuer/decision.h"

/* Its members and their types. */
extern const struct s2s_schema gw_decision_answer;

/* Read an answer that matches the schema; `*out` borrows from it. Fails with a sentence for the backend's operator, who
 * alone can mend it; it quotes nothing. */
S2S_MUST_CHECK struct s2s_result gw_decision_read(const struct gw_decision_input *input, struct json_object *answer,
                                                  struct gw_decision *out);

#endif
