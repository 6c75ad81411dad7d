/* SPDX-License-Identifier: Apache-2.0
 *
 * The issuer's background work: evaluations, and what time alone decides.
 */
#ifndef GW_EVALUATE_H
#define GW_EVALUATE_H

#include "gateway/jobs/jobs.h"

extern const struct gw_job_plan gw_issuer_jobs;

#endif
