/* SPDX-License-Identifier: Apache-2.0
 *
 * Every statement the gateway runs, in one place. What the parameters mean stands with the functions in sql/functions/.
 */
#ifndef GW_STATEMENTS_H
#define GW_STATEMENTS_H

#include "gateway/db/db.h"

enum gw_statement_id {
    GW_SQL_PING,
    GW_SQL_LOAD,
    GW_SQL_ANSWER,
    GW_SQL_REPLAY,
    GW_SQL_INITIATE,
    GW_SQL_SUPPLEMENT,
    GW_SQL_VERIFICATION_STATUS,
    GW_SQL_CANCEL,
    GW_SQL_PROVISION,
    GW_SQL_GET,
    GW_SQL_GET_PENDING,
    GW_SQL_CREDENTIAL_STATUS,
    GW_SQL_MANAGE,
    GW_SQL_EVENT,
    GW_SQL_EVALUATIONS_CLAIM,
    GW_SQL_EVALUATION_DONE,
    GW_SQL_JOB_RETRY,
    GW_SQL_EXPIRE_DUE,
    GW_SQL_MAINTAIN,
    GW_SQL_QUEUE_STATS,
    GW_SQL_LANES_SET,
    GW_SQL_DELIVERIES_CLAIM,
    GW_SQL_DELIVERY_DONE,
    GW_SQL_DELIVERY_FAILED,
    GW_STATEMENTS
};

extern const struct gw_statement gw_statements[GW_STATEMENTS];

#endif
