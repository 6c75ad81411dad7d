/* SPDX-License-Identifier: Apache-2.0
 *
 * Holding an answer back until what it tells of has settled: the database is asked again now and then, without a
 * transaction or a connection being held. Private to the engine, as is what it has from api.c.
 */
#ifndef GW_API_WAIT_H
#define GW_API_WAIT_H

#include "gateway/net/api.h"

/* The columns of a statement's row, an s2s.reply. */
enum { GW_API_STATUS, GW_API_BODY, GW_API_REPLAYED, GW_API_OUTCOME, GW_API_WAKE };

/* Whether the call gave its one row; else the request has been answered. */
bool gw_api_has_row(struct gw_api_request *rq, enum gw_db_outcome outcome, const PGresult *result);

/* End the request with the row's body. */
void gw_api_reply_row(struct gw_api_request *rq, int status, const PGresult *result);

/* Hold the answer back, if it is one to be held back; then the wait ends the request. */
bool gw_api_hold(struct gw_api_request *rq, const PGresult *result);

#endif
