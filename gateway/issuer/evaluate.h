/* SPDX-License-Identifier: Apache-2.0
 *
 * The issuer's background work: evaluations, and what time alone decides.
 */
#ifndef GW_EVALUATE_H
#define GW_EVALUATE_H

#include "gateway/jobs/jobs.h"

extern const struct gw_job_plan gw_issuer_jobs;

/* Evaluations that the policy decides. */
extern const struct gw_job_kind *const gw_evaluate_kind;

/* So many may a worker have in hand: those that fetch something have their submissions in memory as long as that takes.
 */
unsigned gw_evaluations_in_hand(const struct gw_worker *worker);

#endif
