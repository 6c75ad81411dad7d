/* SPDX-License-Identifier: Apache-2.0
 *
 * The operators' API: what an issuer's operators and their programs ask of this gateway. A table of routes over
 * net/api; the functions behind them are in sql/functions/admin*.sql. Every change is written to the audit ledger by
 * them.
 *
 * A token has one of three roles, each including those before: `read` sees everything but personal data, `review` also
 * sees those and decides on verifications, `operate` also changes instances, offers and deliveries.
 */
#ifndef GW_ADMIN_API_H
#define GW_ADMIN_API_H

#include "gateway/net/api.h"

extern const struct gw_api gw_admin_api;

/* Hooks of routes (api_prepare.c): all that writes tells the role; what names a subject or brings data is sealed. */
bool gw_admin_prepare_write(struct gw_api_request *rq);
bool gw_admin_prepare_decision(struct gw_api_request *rq);
bool gw_admin_prepare_web_result(struct gw_api_request *rq);
bool gw_admin_prepare_subject_query(struct gw_api_request *rq); /* of a parameter `subject` */
bool gw_admin_prepare_bulk(struct gw_api_request *rq);
bool gw_admin_prepare_dataset(struct gw_api_request *rq);

/* Begin the call of a route that writes, up to and with the role. */
void gw_admin_begin(struct gw_api_request *rq);

/* Verification data for a reviewer (api_items.c). */
bool gw_admin_prepare_items(struct gw_api_request *rq);
void gw_admin_show_items(struct gw_api_request *rq, const char *body, size_t len);

/* New offers (api_offer.c). */
bool gw_admin_prepare_offer(struct gw_api_request *rq);
void gw_admin_show_offer(struct gw_api_request *rq, const char *body, size_t len);

/* The OpenAPI document (api_openapi.c) as the text of a file; the caller frees it. */
char *gw_admin_openapi_text(void);

#endif
