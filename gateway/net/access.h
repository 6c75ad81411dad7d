/* SPDX-License-Identifier: Apache-2.0
 *
 * The access log: one line, and one count, for every answer; and what it was, when it was a failure of ours.
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

/* What a caller is told of a failure of ours (500). */
#define GW_INTERNAL_ERROR "The gateway failed; its operator sees why under this instance."

/* Keep that promise: write the line `internal_error`. `problem` is the instance's UUID; `reason` is static, or at least
 * free of personal data. */
void gw_access_log_internal_error(const char *problem, const char *endpoint, const char *reason);

/* The reason where a database call failed (`database_error` says how, under the same problem) or gave nothing. */
#define GW_NO_ROW "no row came of a database statement"

#endif
