/* SPDX-License-Identifier: Apache-2.0
 *
 * The messages of the operators' API as schema tables, in a file for each family of routes. What is the protocol's own
 * (data requests, statuses) is the protocol's table here too.
 */
#ifndef GW_ADMIN_MESSAGES_H
#define GW_ADMIN_MESSAGES_H

#include "proto/messages.h"

/* Verifications, sessions (api_messages_verification.c). */
extern const struct s2s_schema gw_admin_verification_path;
extern const struct s2s_schema gw_admin_verifications_query;
extern const struct s2s_schema gw_admin_decide_request;
extern const struct s2s_schema gw_admin_decision; /* of it */
extern const struct s2s_schema gw_admin_request_info_request;
extern const struct s2s_schema gw_admin_web_result_request;
extern const struct s2s_schema gw_admin_verifications;
extern const struct s2s_schema gw_admin_verification;
extern const struct s2s_schema gw_admin_items;
extern const struct s2s_schema gw_admin_web_result;
extern const struct s2s_schema gw_admin_session_path;
extern const struct s2s_schema gw_admin_sessions_query;
extern const struct s2s_schema gw_admin_sessions;
extern const struct s2s_schema gw_admin_session;

/* Credential instances, work on many of them, reconciliation (api_messages_instance.c). */
extern const struct s2s_schema gw_admin_instance_path;
extern const struct s2s_schema gw_admin_instances_query;
extern const struct s2s_schema gw_admin_action_request;
extern const struct s2s_schema gw_admin_instance;
extern const struct s2s_schema gw_admin_instances;
extern const struct s2s_schema gw_admin_action;
extern const struct s2s_schema gw_admin_dataset;
extern const struct s2s_schema gw_admin_bulk_path;
extern const struct s2s_schema gw_admin_bulk_request;
extern const struct s2s_schema gw_admin_bulk;
extern const struct s2s_schema gw_admin_bulks;
extern const struct s2s_schema gw_admin_reconciliation_path;
extern const struct s2s_schema gw_admin_reconcile_request;
extern const struct s2s_schema gw_admin_reconciliation;
extern const struct s2s_schema gw_admin_reconciliations;

/* Offers (api_messages_offer.c). */
extern const struct s2s_schema gw_admin_offer_path;
extern const struct s2s_schema gw_admin_offers_query;
extern const struct s2s_schema gw_admin_offer_request;
extern const struct s2s_schema gw_admin_offer_revoke_request;
extern const struct s2s_schema gw_admin_offer_made;
extern const struct s2s_schema gw_admin_offer;
extern const struct s2s_schema gw_admin_offers;
extern const struct s2s_schema gw_admin_offer_revoked;

/* What is owed to peers, what happened, who did what (api_messages_delivery.c). */
extern const struct s2s_schema gw_admin_page_query; /* cursor and limit alone */
extern const struct s2s_schema gw_admin_deliveries_query;
extern const struct s2s_schema gw_admin_dead_letters_query;
extern const struct s2s_schema gw_admin_dead_letter_path;
extern const struct s2s_schema gw_admin_dead_job_path;
extern const struct s2s_schema gw_admin_events_query;
extern const struct s2s_schema gw_admin_audit_query;
extern const struct s2s_schema gw_admin_redrive_one_request;
extern const struct s2s_schema gw_admin_redrive_request;
extern const struct s2s_schema gw_admin_deliveries;
extern const struct s2s_schema gw_admin_dead_letters;
extern const struct s2s_schema gw_admin_dead_letter_redriven;
extern const struct s2s_schema gw_admin_dead_letters_redriven;
extern const struct s2s_schema gw_admin_dead_jobs;
extern const struct s2s_schema gw_admin_dead_job_redriven;
extern const struct s2s_schema gw_admin_lanes;
extern const struct s2s_schema gw_admin_events;
extern const struct s2s_schema gw_admin_audit;
extern const struct s2s_schema gw_admin_stats;

#endif
