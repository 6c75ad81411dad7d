/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/db/statements.h"

#define REPLY "select status, body, replayed, outcome, wake from s2s."
#define CALL "$1,$2,$3,$4,$5" /* peer, request id, endpoint, digest, token */

const struct gw_statement gw_statements[GW_STATEMENTS] = {
    [GW_SQL_PING] = {"ping", "select 1", 0},
    [GW_SQL_LOAD] = {"load",
                     "select found, wsk, configuration_id, subject_ref, verification_id, status, version, ready_at_ms, "
                     "transaction_found, keys, keys_digest from s2s.issuer_load($1,$2,$3,$4)",
                     4},
    [GW_SQL_ANSWER] = {"answer", REPLY "issuer_answer(" CALL ",$6,$7)", 7},
    [GW_SQL_REPLAY] = {"replay", REPLY "issuer_replay(" CALL ")", 5},
    [GW_SQL_INITIATE] = {"initiate", REPLY "issuer_initiate(" CALL ",$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18)",
                         18},
    [GW_SQL_SUPPLEMENT] = {"supplement", REPLY "issuer_supplement(" CALL ",$6,$7,$8,$9,$10,$11)", 11},
    [GW_SQL_VERIFICATION_STATUS] = {"verification_status", REPLY "issuer_verification_status(" CALL ",$6,$7)", 7},
    [GW_SQL_CANCEL] = {"cancel", REPLY "issuer_cancel(" CALL ",$6,$7,$8)", 8},
    [GW_SQL_PROVISION] = {"provision", REPLY "issuer_provision(" CALL ",$6,$7)", 7},
    [GW_SQL_GET] = {"get", REPLY "issuer_get(" CALL ",$6,$7,$8,$9,$10,$11,$12,$13)", 13},
    [GW_SQL_GET_PENDING] = {"get_pending", REPLY "issuer_get_pending(" CALL ",$6,$7,$8,$9,$10,$11,$12,$13)", 13},
    [GW_SQL_CREDENTIAL_STATUS] = {"credential_status", REPLY "issuer_credential_status(" CALL ",$6,$7,$8)", 8},
    [GW_SQL_MANAGE] = {"manage", REPLY "issuer_manage(" CALL ",$6,$7,$8,$9)", 9},
    [GW_SQL_EVENT] = {"event", REPLY "issuer_event(" CALL ",$6,$7,$8,$9)", 9},
    [GW_SQL_EVALUATIONS_CLAIM] = {"evaluations_claim",
                                  "select job_id, job_attempts, session_id, verification_id, peer, wsk, "
                                  "configuration_ids, requested_device_count, attempts, data_seq, client_jwe, "
                                  "server_sealed from s2s.evaluations_claim($1,$2,$3,$4,$5)",
                                  5},
    [GW_SQL_EVALUATION_DONE] = {"evaluation_done", "select s2s.evaluation_done($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)",
                                12},
    [GW_SQL_JOB_RETRY] = {"job_retry", "select s2s.job_retry($1,$2,$3,$4,$5)", 5},
    [GW_SQL_EXPIRE_DUE] = {"expire_due", "select s2s.expire_due($1)", 1},
    [GW_SQL_MAINTAIN] = {"maintain", "select s2s.maintain($1)", 1},
    /* What waits, by kind of job and then by peer: one set of rows for one scrape. */
    [GW_SQL_QUEUE_STATS] =
        {"queue_stats",
         "select kind, null as peer, depth, oldest_age_s, dead, false as blocked from s2s.queue_stats() "
         "union all "
         "select 'deliver', peer, depth, oldest_age_s, dead, blocked from s2s.delivery_stats()",
         0},
    [GW_SQL_LANES_SET] = {"lanes_set", "select s2s.lanes_set($1,$2)", 2},
    [GW_SQL_DELIVERIES_CLAIM] =
        {"deliveries_claim",
         "select delivery_id, attempts, peer, endpoint, request_id, body, session_id, side, sealed "
         "from s2s.deliveries_claim(p_lease => $1, p_limit => $2, p_lease_for => $3, p_per_peer => $4)",
         4},
    [GW_SQL_DELIVERY_DONE] = {"delivery_done", "select s2s.delivery_done($1,$2,$3,$4,$5,$6,$7)", 7},
    [GW_SQL_DELIVERY_FAILED] = {"delivery_failed", "select s2s.delivery_failed($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)", 10},
    [GW_SQL_RECONCILE_DUE] = {"reconcile_due", "select s2s.reconcile_due($1,$2,$3)", 3},
    [GW_SQL_WALLET_VERIFICATION_NOTIFY] = {"wallet_verification_notify",
                                           REPLY "wallet_verification_notify(" CALL ",$6,$7,$8,$9)", 9},
    [GW_SQL_WALLET_CREDENTIAL_STATUS] = {"wallet_credential_status", REPLY "wallet_credential_status(" CALL ",$6,$7)",
                                         7},
    [GW_SQL_WALLET_MANAGE] = {"wallet_manage", REPLY "wallet_manage(" CALL ",$6,$7,$8,$9,$10)", 10},
    [GW_SQL_WALLET_EVENT] = {"wallet_event", REPLY "wallet_event(" CALL ",$6,$7,$8,$9,$10)", 10},
    [GW_SQL_WALLET_MAINTAIN] = {"wallet_maintain", "select s2s.wallet_maintain($1)", 1},
    [GW_SQL_METADATA_SET] = {"metadata_set", "select s2s.metadata_set($1,$2)", 2},
    [GW_SQL_METADATA_CLAIM] = {"metadata_claim", "select id, attempts, etag from s2s.metadata_claim($1,$2,$3)", 3},
    [GW_SQL_METADATA_DONE] = {"metadata_done", "select s2s.metadata_done($1,$2,$3,$4,$5)", 5},
    [GW_SQL_METADATA_FAILED] = {"metadata_failed", "select s2s.metadata_failed($1,$2,$3,$4)", 4},
    [GW_SQL_APP_SESSION] = {"app_session", REPLY "app_session(" CALL ",$6)", 6},
    [GW_SQL_APP_ISSUANCE_START] = {"app_issuance_start", REPLY "app_issuance_start(" CALL ",$6,$7,$8,$9)", 9},
    [GW_SQL_APP_ISSUANCE] = {"app_issuance", REPLY "app_issuance($1,$2)", 2},
    [GW_SQL_APP_ISSUANCES] = {"app_issuances", REPLY "app_issuances($1,$2)", 2},
    [GW_SQL_APP_SUPPLEMENT] = {"app_supplement", REPLY "app_supplement(" CALL ",$6,$7)", 7},
    [GW_SQL_APP_CANCEL] = {"app_cancel", REPLY "app_cancel(" CALL ",$6)", 6},
    [GW_SQL_APP_INSTANCE] = {"app_instance", REPLY "app_instance($1,$2)", 2},
    [GW_SQL_APP_INSTANCES] = {"app_instances", REPLY "app_instances($1,$2)", 2},
    [GW_SQL_APP_INSTANCE_ROUTE] = {"app_instance_route", REPLY "app_instance_route($1,$2)", 2},
    [GW_SQL_APP_FETCH_START] = {"app_fetch_start", REPLY "app_fetch_start(" CALL ",$6,$7)", 7},
    [GW_SQL_APP_FETCH] = {"app_fetch", REPLY "app_fetch($1,$2)", 2},
    [GW_SQL_APP_ACTION] = {"app_action", REPLY "app_action(" CALL ",$6)", 6},
    [GW_SQL_APP_EVENT] = {"app_event", REPLY "app_event(" CALL ",$6)", 6},
    [GW_SQL_APP_LIFECYCLE] = {"app_lifecycle", REPLY "app_lifecycle(" CALL ",$6)", 6},
    [GW_SQL_APP_ISSUER] = {"app_issuer", REPLY "app_issuer($1,$2)", 2},
    [GW_SQL_APP_ISSUERS] = {"app_issuers", REPLY "app_issuers($1,$2)", 2},
    [GW_SQL_APP_RECONCILE] = {"app_reconcile", REPLY "app_reconcile(" CALL ",$6)", 6},
    [GW_SQL_APP_RECONCILIATION] = {"app_reconciliation", REPLY "app_reconciliation($1,$2)", 2},
};
