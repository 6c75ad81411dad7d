/* SPDX-License-Identifier: Apache-2.0
 *
 * The messages of the application API as schema tables. What is the protocol's own (keys, payloads, statuses) is the
 * protocol's table here too.
 */
#ifndef GW_APP_MESSAGES_H
#define GW_APP_MESSAGES_H

#include "proto/messages.h"

/* Parameters of paths and queries. */
extern const struct s2s_schema gw_app_session_path;
extern const struct s2s_schema gw_app_instance_path;
extern const struct s2s_schema gw_app_fetch_path;
extern const struct s2s_schema gw_app_lifecycle_path;
extern const struct s2s_schema gw_app_issuer_path;
extern const struct s2s_schema gw_app_reconciliation_path;
extern const struct s2s_schema gw_app_issuances_query;
extern const struct s2s_schema gw_app_instances_query;

/* Requests. */
extern const struct s2s_schema gw_app_session_request;
extern const struct s2s_schema gw_app_start_request; /* initiate, and the issuer */
extern const struct s2s_schema gw_app_supplement_request;
extern const struct s2s_schema gw_app_cancel_request;
extern const struct s2s_schema gw_app_fetch_request;
extern const struct s2s_schema gw_app_metadata_request;
extern const struct s2s_schema gw_app_action_request;
extern const struct s2s_schema gw_app_event_request;
extern const struct s2s_schema gw_app_lifecycle_request;
extern const struct s2s_schema gw_app_reconcile_request;

/* Answers. */
extern const struct s2s_schema gw_app_session;
extern const struct s2s_schema gw_app_issuance;
extern const struct s2s_schema gw_app_issuances;
extern const struct s2s_schema gw_app_instance;
extern const struct s2s_schema gw_app_instances;
extern const struct s2s_schema gw_app_fetch;
extern const struct s2s_schema gw_app_action;
extern const struct s2s_schema gw_app_event;
extern const struct s2s_schema gw_app_issuers;
extern const struct s2s_schema gw_app_issuer;
extern const struct s2s_schema gw_app_reconciliation;

#endif
