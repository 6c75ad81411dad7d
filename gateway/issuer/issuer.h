/* SPDX-License-Identifier: Apache-2.0
 *
 * The issuer role: its endpoints, its documents and its jobs. Only main.c names it.
 */
#ifndef GW_ISSUER_H
#define GW_ISSUER_H

#include "gateway/jobs/jobs.h"
#include "gateway/net/exchange.h"

extern const struct gw_role gw_issuer_role;

#endif
