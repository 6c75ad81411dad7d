/* SPDX-License-Identifier: Apache-2.0
 *
 * The operators' listener: plain HTTP on loopback.
 *   GET /healthz  the process runs
 *   GET /readyz   it can serve: database reached, keys valid, not draining; says what is missing
 *   GET /metrics  Prometheus text
 *   /v1/…         the operators' API (api.h), when there are tokens for it
 */
#ifndef GW_ADMIN_H
#define GW_ADMIN_H

#include "gateway/net/server.h"

/* The request callback of the operators' listener. */
void gw_admin_answer(struct gw_server *server, h2o_req_t *req);

#endif
