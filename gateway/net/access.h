/* SPDX-License-Identifier: Apache-2.0
 *
 * The access log: one line, and one count, for every answer.
 */
#ifndef GW_ACCESS_H
#define GW_ACCESS_H

#include "gateway/metrics.h"

#include <stdbool.h>

/* One answer. Strings are borrowed; NULL leaves a member out, except where "none" is said instead. */
struct gw_access {
    const char *peer;     /* NULL: "none" */
    const char *endpoint; /* NULL: "none" */
    int status;
    const char *request_id;
    const char *problem; /* UUID of the problem's instance */
    int64_t duration_us;
    bool replayed;
    bool gone; /* the client did not wait for it */
};

/* Write the line and count the request. */
void gw_access_log(struct gw_metrics *metrics, const struct gw_access *access);

#endif
