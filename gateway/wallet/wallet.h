/* SPDX-License-Identifier: Apache-2.0
 *
 * The wallet role: the endpoints that issuers call, and its jobs. Only main.c names it.
 */
#ifndef GW_WALLET_H
#define GW_WALLET_H

#include "gateway/jobs/jobs.h"
#include "gateway/net/exchange.h"

extern const struct gw_role gw_wallet_role;

#endif
