/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/access.h"

#include "gateway/log.h"

static const char *or_none(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : "none";
}

void gw_access_log(struct gw_metrics *metrics, const struct gw_access *access)
{
    const char *peer = or_none(access->peer), *endpoint = or_none(access->endpoint);
    gw_metrics_request(metrics, endpoint, access->status, peer, (double)access->duration_us / 1e6, access->replayed);
    gw_log(GW_LOG_INFO, "request", GW_S("peer", peer), GW_S("endpoint", endpoint), GW_I("status", access->status),
           GW_S("request_id", access->request_id), GW_S("problem", access->problem),
           GW_I("duration_us", access->duration_us), GW_I("replayed", access->replayed),
           GW_S("client", access->gone ? "gone" : NULL));
}

void gw_access_log_internal_error(const char *problem, const char *endpoint, const char *reason)
{
    gw_log(GW_LOG_ERROR, "internal_error", GW_S("problem", problem), GW_S("endpoint", or_none(endpoint)),
           GW_S("reason", reason));
}
