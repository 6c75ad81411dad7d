/* SPDX-License-Identifier: Apache-2.0
 *
 * The application API: what the wallet operator's backend, and through it the wallet client instances, ask of this
 * gateway. A table of routes over net/api; the functions behind them are in sql/functions/app*.sql.
 */
#ifndef GW_APP_H
#define GW_APP_H

#include "gateway/net/api.h"

extern const struct gw_api gw_app_api;

/* Hooks of routes (app_prepare.c): what is mapped, sealed and digested before the SQL function runs. */
bool gw_app_prepare_start(struct gw_api_request *rq);
bool gw_app_prepare_supplement(struct gw_api_request *rq);
bool gw_app_prepare_fetch(struct gw_api_request *rq);
bool gw_app_prepare_event(struct gw_api_request *rq);
bool gw_app_prepare_reconcile(struct gw_api_request *rq);
bool gw_app_prepare_metadata(struct gw_api_request *rq);
bool gw_app_prepare_issuer(struct gw_api_request *rq); /* of a parameter `issuer` */

/* The one route whose answer is the issuer's (app_metadata.c). */
void gw_app_ask_metadata(struct gw_api_request *rq, const char *body, size_t len);

/* The OpenAPI document (app_openapi.c) as the text of a file; the caller frees it. */
char *gw_app_openapi_text(void);

#endif
