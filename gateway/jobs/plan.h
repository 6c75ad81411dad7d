/* SPDX-License-Identifier: Apache-2.0
 *
 * What every gateway does in the background, whatever its roles.
 */
#ifndef GW_PLAN_H
#define GW_PLAN_H

#include "gateway/jobs/jobs.h"

/* Deliveries, and the upkeep of what they and stored answers need. */
extern const struct gw_job_plan gw_common_jobs;

#endif
