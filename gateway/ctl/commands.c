/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of commands, by group.
 */
#include "gateway/ctl/actions.h"
#include "proto/states.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define OPTIONS(rows) .options = (rows), .option_count = LENGTH(rows)

/* clang-format off */
#define FLAG(flag, text) {.name = (flag), .kind = CTL_FLAG, .doc = (text)}
#define OWN(flag, type, called, text) {.name = (flag), .kind = (type), .value = (called), .doc = (text)}
#define OWN_CHOICE(flag, called, list, text) \
    {.name = (flag), .kind = CTL_TEXT, .value = (called), .choices = (list), .doc = (text)}
#define QUERY(flag, called, parameter, text) \
    {.name = (flag), .kind = CTL_TEXT, .place = CTL_QUERY, .value = (called), .member = (parameter), .doc = (text)}
#define QUERY_CHOICE(flag, called, parameter, list, text) \
    {.name = (flag), .kind = CTL_TEXT, .place = CTL_QUERY, .value = (called), .member = (parameter), .choices = (list), .doc = (text)}
#define QUERY_FLAG(flag, parameter, text) \
    {.name = (flag), .kind = CTL_FLAG, .place = CTL_QUERY, .member = (parameter), .doc = (text)}
#define BODY(flag, type, called, path, text) \
    {.name = (flag), .kind = (type), .place = CTL_BODY, .value = (called), .member = (path), .doc = (text)}
#define BODY_FLAG(flag, path, text) \
    {.name = (flag), .kind = CTL_FLAG, .place = CTL_BODY, .member = (path), .doc = (text)}
#define PAGE_OPTIONS \
    {.name = "limit", .kind = CTL_NUMBER, .place = CTL_QUERY, .value = "N", .member = "limit", .doc = "rows of a page, up to 200"}, \
    QUERY("cursor", "CURSOR", "cursor", "begin where an earlier page ended"), \
    FLAG("all", "follow all pages")
/* clang-format on */

/* ---- of every command ---- */

static const char *const colours[] = {"auto", "always", "never", NULL};

const struct ctl_option ctl_common_options[] = {
    OWN("url", CTL_TEXT, "URL", "where the operators' API is; else S2S_ISSUER_ADMIN"),
    OWN("token-file", CTL_FILE, "FILE", "a file with the token; else S2S_ISSUER_ADMIN_TOKEN"),
    OWN("request-id", CTL_TEXT, "UUID", "repeat an earlier change under its x-request-id, without a second effect"),
    FLAG("json", "print the answer as JSON"),
    OWN("watch", CTL_SECONDS, "[SECONDS]", "do it again and again, every 2 seconds or as often as said"),
    OWN_CHOICE("color", "WHEN", colours, "colours: auto (on a terminal, unless NO_COLOR is set), always, never"),
    FLAG("help", "tell how the command is used"),
};
const size_t ctl_common_option_count = LENGTH(ctl_common_options);

/* ---- verifications, sessions ---- */

static const struct ctl_column verification_columns[] = {
    {"VERIFICATION", "verificationId", CTL_PLAIN},
    {"STATUS", "status", CTL_STATE},
    {"WAITS", "awaitingDecision", CTL_YES},
    {"PEER", "peer", CTL_PLAIN},
    {"CREATED", "createdAt", CTL_AGE},
    {"CONFIGURATIONS", "credentialConfigurationIds", CTL_PLAIN},
    {"REASON", "reasonCode", CTL_PLAIN},
};
static const struct ctl_view verification_view = {"verifications", verification_columns, LENGTH(verification_columns)};

static const struct ctl_option verifications_options[] = {
    QUERY_CHOICE("status", "STATUS", "status", s2s_verification_status_names, "only those with this status"),
    QUERY_FLAG("awaiting", "awaiting", "only those that wait for a person to decide"),
    QUERY("peer", "PEER", "peer", "only those of this wallet server"),
    QUERY("session", "ID", "sessionId", "only those of this session"),
    QUERY("configuration", "ID", "configuration", "only those that ask for this credential configuration"),
    PAGE_OPTIONS,
};

static const struct ctl_option decide_options[] = {
    OWN("version", CTL_NUMBER, "N", "decide only if the verification still has this version; else the one it has now"),
    OWN("configuration", CTL_LIST, "ID", "approve: this credential configuration; all that were asked for when absent"),
    OWN("subject", CTL_TEXT, "NAME", "approve: whose datasets"),
    OWN("dataset", CTL_LIST, "ID=NAME", "approve: this dataset of a configuration; may be repeated"),
    OWN("devices", CTL_NUMBER, "N", "approve: on how many devices"),
    OWN("reason", CTL_TEXT, "CODE", "reject, deny: the reason, for machines"),
    OWN("message", CTL_TEXT, "TEXT", "deny: a message for the holder; reject: details for the wallet's log"),
};

static const struct ctl_option ask_options[] = {
    OWN("version", CTL_NUMBER, "N", "ask only if the verification still has this version; else the one it has now"),
    OWN("item", CTL_LIST, "TYPE[=ID]",
        "an item to ask for: a type's URI, or the last word of this project's, such as otp; may be repeated"),
    OWN("request", CTL_JSON, "FILE", "a file with the whole verificationDataRequest"),
    OWN("deadline", CTL_TEXT, "WHEN", "until when: an RFC 3339 moment, or a time from now such as 15m, 24h, 3d"),
};

static const struct ctl_column session_columns[] = {
    {"SESSION", "sessionId", CTL_PLAIN}, {"PEER", "peer", CTL_PLAIN},
    {"CREATED", "createdAt", CTL_AGE},   {"VERIFICATIONS", "verificationIds", CTL_COUNT_OF},
    {"LOCALE", "locale", CTL_PLAIN},
};
static const struct ctl_view session_view = {"sessions", session_columns, LENGTH(session_columns)};

static const struct ctl_option sessions_options[] = {
    QUERY("peer", "PEER", "peer", "only those of this wallet server"),
    PAGE_OPTIONS,
};

static const struct ctl_option web_result_options[] = {
    OWN("result", CTL_JSON, "FILE", "a file with what was learnt, a JSON object"),
};

/* ---- instances ---- */

static const struct ctl_column instance_columns[] = {
    {"INSTANCE", "credentialInstanceId", CTL_PLAIN},
    {"STATUS", "status", CTL_STATE},
    {"PEER", "peer", CTL_PLAIN},
    {"CONFIGURATION", "credentialConfigurationId", CTL_PLAIN},
    {"VERSION", "credentialVersion", CTL_PLAIN},
    {"CHANGED", "lastStatusChangeTime", CTL_AGE},
    {"REASON", "lastStatusChangeReason", CTL_PLAIN},
};
static const struct ctl_view instance_view = {"instances", instance_columns, LENGTH(instance_columns)};

static const struct ctl_option instances_options[] = {
    QUERY_CHOICE("status", "STATUS", "status", s2s_credential_status_names, "only those with this status"),
    QUERY("session", "ID", "sessionId", "only those of this session"),
    QUERY("subject", "NAME", "subject", "only those with the dataset of this subject"),
    QUERY("configuration", "ID", "configuration", "only those of this credential configuration"),
    PAGE_OPTIONS,
};

static const struct ctl_option reason_options[] = {
    BODY("reason", CTL_TEXT, "CODE", "reason", "why, for machines; the wallet is told"),
};

static const struct ctl_option dataset_options[] = {
    BODY("dataset-version", CTL_TEXT, "VERSION", "version", "its version (required)"),
    BODY("claims", CTL_JSON, "FILE", "claims", "a file with the claims, a JSON object (required)"),
    BODY("valid-until", CTL_TEXT, "WHEN", "validUntil", "no credential made from it outlives this (RFC 3339)"),
};

static const struct ctl_column bulk_columns[] = {
    {"BULK", "bulkId", CTL_PLAIN},     {"STATUS", "status", CTL_STATE}, {"ACTION", "action", CTL_PLAIN},
    {"TOTAL", "total", CTL_PLAIN},     {"DONE", "done", CTL_PLAIN},     {"FAILED", "failed", CTL_PLAIN},
    {"STARTED", "startedAt", CTL_AGE}, {"BY", "by", CTL_PLAIN},
};
static const struct ctl_view bulk_view = {"bulks", bulk_columns, LENGTH(bulk_columns)};

static const struct ctl_option page_options[] = {PAGE_OPTIONS};

static const struct ctl_option bulk_options[] = {
    BODY("subject", CTL_TEXT, "NAME", "filter/subject", "all instances with the dataset of this subject"),
    BODY("configuration", CTL_TEXT, "ID", "filter/configuration", "all instances of this credential configuration"),
    BODY("session", CTL_LIST, "ID", "filter/sessionIds", "all instances of this session; may be repeated"),
    BODY("instance", CTL_LIST, "ID", "filter/instanceIds", "this instance; may be repeated"),
    BODY("reason", CTL_TEXT, "CODE", "reason", "why, for machines; the wallets are told"),
    FLAG("wait", "wait for its end, with a progress bar on a terminal"),
};

static const struct ctl_option wait_options[] = {
    FLAG("wait", "wait for its end, with a progress bar on a terminal"),
};

/* ---- offers ---- */

static const struct ctl_column offer_columns[] = {
    {"OFFER", "offerId", CTL_PLAIN},   {"STATE", "state", CTL_STATE},
    {"TX CODE", "txCode", CTL_YES},    {"CREATED", "createdAt", CTL_AGE},
    {"EXPIRES", "expiresAt", CTL_AGE}, {"CONFIGURATIONS", "credentialConfigurationIds", CTL_PLAIN},
    {"PEER", "peer", CTL_PLAIN},       {"BY", "createdBy", CTL_PLAIN},
};
static const struct ctl_view offer_view = {"offers", offer_columns, LENGTH(offer_columns)};

static const char *const offer_states[] = {"OPEN", "USED", "REVOKED", "EXHAUSTED", "EXPIRED", NULL};
static const char *const input_modes[] = {"numeric", "text", NULL};

static const struct ctl_option offers_options[] = {
    QUERY_CHOICE("state", "STATE", "state", offer_states, "only those in this state"),
    QUERY("peer", "PEER", "peer", "only those for this wallet server alone"),
    QUERY("configuration", "ID", "configuration", "only those of this credential configuration"),
    QUERY("subject", "NAME", "subject", "only those for this subject"),
    PAGE_OPTIONS,
};

static const struct ctl_option offer_options[] = {
    BODY("subject", CTL_TEXT, "NAME", "subject", "whose credentials are offered"),
    BODY("peer", CTL_TEXT, "PEER", "peer", "the only wallet server that may redeem it"),
    FLAG("tx-code", "ask the holder for a transaction code"),
    BODY("tx-code-length", CTL_NUMBER, "N", "tx_code/length", "characters of the transaction code"),
    {.name = "tx-code-mode",
     .kind = CTL_TEXT,
     .place = CTL_BODY,
     .value = "MODE",
     .member = "tx_code/input_mode",
     .choices = input_modes,
     .doc = "numeric, or text"},
    BODY("tx-code-description", CTL_TEXT, "TEXT", "tx_code/description", "where the holder finds the transaction code"),
    BODY_FLAG("by-reference", "byReference", "let the link name a document, instead of carrying the offer"),
    BODY("lifetime", CTL_NUMBER, "SECONDS", "lifetime", "until it expires"),
    OWN("svg", CTL_FILE, "FILE", "write the QR code to a file, as SVG"),
    FLAG("no-qr", "show no QR code"),
};

/* ---- deliveries, ledgers ---- */

static const struct ctl_column delivery_columns[] = {
    {"DELIVERY", "deliveryId", CTL_PLAIN}, {"PEER", "peer", CTL_PLAIN},
    {"ENDPOINT", "endpoint", CTL_PLAIN},   {"NEXT", "nextAt", CTL_AGE},
    {"ATTEMPTS", "attempts", CTL_PLAIN},   {"IN FLIGHT", "inFlight", CTL_YES},
    {"ABOUT", "ref", CTL_PLAIN},           {"LAST FAILURE", "lastFailure", CTL_PLAIN},
};
static const struct ctl_view delivery_view = {"deliveries", delivery_columns, LENGTH(delivery_columns)};

static const struct ctl_option deliveries_options[] = {
    QUERY("peer", "PEER", "peer", "only those to this peer, or to webhook:NAME"),
    QUERY("endpoint", "PATH", "endpoint", "only those to this path, or of this type of webhook"),
    QUERY("about", "REF", "ref", "only those about this: a verification, an instance"),
    PAGE_OPTIONS,
};

static const struct ctl_column lane_columns[] = {
    {"PEER", "peer", CTL_PLAIN},
    {"KIND", "kind", CTL_PLAIN},
    {"ACTIVE", "active", CTL_YES},
    {"WAITING", "waiting", CTL_PLAIN},
    {"DEAD", "dead", CTL_PLAIN},
    {"FAILURES", "failures", CTL_PLAIN},
    {"BLOCKED UNTIL", "blockedUntil", CTL_TIME},
};
static const struct ctl_view lane_view = {"lanes", lane_columns, LENGTH(lane_columns)};

static const struct ctl_column dead_letter_columns[] = {
    {"NUMBER", "deadLetterId", CTL_PLAIN}, {"PEER", "peer", CTL_PLAIN},         {"ENDPOINT", "endpoint", CTL_PLAIN},
    {"DIED", "diedAt", CTL_AGE},           {"ATTEMPTS", "attempts", CTL_PLAIN}, {"ABOUT", "ref", CTL_PLAIN},
    {"REASON", "reason", CTL_PLAIN},
};
static const struct ctl_view dead_letter_view = {"deadLetters", dead_letter_columns, LENGTH(dead_letter_columns)};

static const struct ctl_option dead_letters_options[] = {
    QUERY("peer", "PEER", "peer", "only those to this peer, or to webhook:NAME"),
    PAGE_OPTIONS,
};

static const struct ctl_option redrive_options[] = {
    FLAG("all", "all of them, in the place of a NUMBER"),
    BODY("peer", CTL_TEXT, "PEER", "peer", "with --all: only those to this peer"),
};

static const struct ctl_column dead_job_columns[] = {
    {"NUMBER", "jobId", CTL_PLAIN}, {"KIND", "kind", CTL_PLAIN},         {"LANE", "lane", CTL_PLAIN},
    {"DIED", "diedAt", CTL_AGE},    {"ATTEMPTS", "attempts", CTL_PLAIN}, {"ABOUT", "ref", CTL_PLAIN},
    {"ERROR", "error", CTL_PLAIN},
};
static const struct ctl_view dead_job_view = {"deadJobs", dead_job_columns, LENGTH(dead_job_columns)};

static const struct ctl_column event_columns[] = {
    {"AT", "at", CTL_TIME},      {"EVENT", "event", CTL_STATE},
    {"PEER", "peer", CTL_PLAIN}, {"ENDPOINT", "endpoint", CTL_PLAIN},
    {"ABOUT", "ref", CTL_PLAIN}, {"DETAIL", "detail", CTL_PLAIN},
};
static const struct ctl_view event_view = {"events", event_columns, LENGTH(event_columns)};

static const struct ctl_option events_options[] = {
    QUERY("about", "REF", "ref", "only what is about this: a verification, an instance"),
    QUERY("peer", "PEER", "peer", "only what concerns this peer, or webhook:NAME"),
    QUERY("from", "WHEN", "from", "only what happened since (RFC 3339)"),
    PAGE_OPTIONS,
};

static const struct ctl_column audit_columns[] = {
    {"SEQ", "seq", CTL_PLAIN},       {"AT", "at", CTL_TIME},          {"WHO", "who", CTL_PLAIN},
    {"ROLE", "role", CTL_PLAIN},     {"ACTION", "action", CTL_PLAIN}, {"WHAT", "ref", CTL_PLAIN},
    {"DETAIL", "detail", CTL_PLAIN},
};
static const struct ctl_view audit_view = {"entries", audit_columns, LENGTH(audit_columns)};

static const struct ctl_option audit_options[] = {
    QUERY("who", "NAME", "who", "only what this operator did"),
    QUERY("about", "REF", "ref", "only what was done to this"),
    PAGE_OPTIONS,
};

static const struct ctl_column reconciliation_columns[] = {
    {"RUN", "reconciliationId", CTL_PLAIN}, {"STARTED", "startedAt", CTL_AGE}, {"FINISHED", "finishedAt", CTL_AGE},
    {"CHECKED", "checked", CTL_PLAIN},      {"FOUND", "found", CTL_PLAIN},
};
static const struct ctl_view reconciliation_view = {"reconciliations", reconciliation_columns,
                                                    LENGTH(reconciliation_columns)};

static const struct ctl_option reconcile_options[] = {
    BODY("peer", CTL_TEXT, "PEER", "peer", "only instances of this wallet server"),
    BODY("instance", CTL_TEXT, "ID", "credentialInstanceId", "only this instance"),
    FLAG("wait", "wait for its end"),
};

/* ---- the wallet ---- */

static const char *const nonces[] = {"raw", "bound", NULL};
static const char *const signature_algs[] = {"ES256", "ES384", "ES512", "EdDSA", NULL};

#define WALLET_OPTIONS                                                                                                 \
    OWN("dir", CTL_FILE, "FOLDER", "the folder of keys and session; else S2S_WALLET_DIR, else ./s2s-wallet"),          \
        OWN("issuer", CTL_TEXT, "URL", "the issuer's credential issuer identifier; else S2S_ISSUER_URL"),              \
        OWN("certificate", CTL_FILE, "FILE", "the wallet server's certificate, PEM; else S2S_WALLET_CERT"),            \
        OWN("key", CTL_FILE, "FILE", "its key, PEM; else S2S_WALLET_KEY"),                                             \
        OWN("ca", CTL_FILE, "FILE", "who may sign the issuer's certificate, PEM; else S2S_CA, else the system's")

#define ITEM_OPTIONS                                                                                                   \
    OWN("item", CTL_LIST, "ITEM",                                                                                      \
        "an item of the wallet client: a JSON object, @FILE, or TYPE,MEMBER=VALUE,...; may be repeated"),              \
        OWN("server-item", CTL_LIST, "ITEM", "an item of the wallet server, likewise"),                                \
        OWN("code", CTL_TEXT, "CODE", "an item with this pre-authorized code of an offer"),                            \
        OWN("tx-code", CTL_TEXT, "CODE", "with --code or --offer: the transaction code"),                              \
        OWN("offer", CTL_TEXT, "LINK", "an item with the code of this credential offer: a deep link, or its JSON")

static const struct ctl_option wallet_options[] = {WALLET_OPTIONS};

static const struct ctl_option wallet_keys_options[] = {
    WALLET_OPTIONS,
    OWN_CHOICE("alg", "ALG", signature_algs, "of the signing keys; ES256 when absent"),
    OWN("encryption-alg", CTL_TEXT, "ALG", "of the encryption key: HPKE-0 to HPKE-4, HPKE-7, or with -KE behind"),
};

static const struct ctl_option wallet_nonce_options[] = {
    WALLET_OPTIONS,
    OWN_CHOICE("nonce", "FORM", nonces, "raw: a bare signature; bound: a JWT that names the issuer (the default)"),
};

static const struct ctl_option wallet_payload_options[] = {WALLET_OPTIONS, ITEM_OPTIONS};

static const struct ctl_option wallet_initiate_options[] = {
    WALLET_OPTIONS,
    ITEM_OPTIONS,
    OWN_CHOICE("nonce", "FORM", nonces, "raw: a bare signature; bound: a JWT that names the issuer (the default)"),
    OWN("devices", CTL_NUMBER, "N", "requestedDeviceCount"),
    OWN("locale", CTL_TEXT, "TAG", "language of the wallet client"),
    FLAG("again", "verify anew on the session that there is"),
    FLAG("wait", "wait until it is decided, or more is asked for"),
};

static const struct ctl_option wallet_supplement_options[] = {
    WALLET_OPTIONS,
    ITEM_OPTIONS,
    FLAG("wait", "wait until it is decided, or more is asked for"),
};

static const struct ctl_option wallet_status_options[] = {
    WALLET_OPTIONS,
    FLAG("wait", "wait until it is decided, or more is asked for"),
};

static const struct ctl_option wallet_get_options[] = {
    WALLET_OPTIONS,
    OWN("keys", CTL_NUMBER, "N", "how many presentment keys, and so credentials; 1 when absent"),
    OWN("reason", CTL_TEXT, "TEXT", "why it is fetched; PROVISIONING when absent"),
};

static const struct ctl_option wallet_reason_options[] = {
    WALLET_OPTIONS,
    OWN("reason", CTL_TEXT, "TEXT", "why"),
};

static const struct ctl_option decode_options[] = {
    OWN("key", CTL_FILE, "FILE", "a private key that decrypts a JWE: a JWK, or PEM"),
    OWN("verify-key", CTL_FILE, "FILE", "a public key or certificate that verifies a JWS: a JWK, or PEM"),
};

/* ---- the table ---- */

#define GET(path_template) .method = "GET", .path = (path_template)
#define POST(path_template) .method = "POST", .path = (path_template)

const struct ctl_command ctl_commands[] = {
    {.words = "verifications list",
     .operands = "",
     .doc = "list verifications, newest first",
     OPTIONS(verifications_options),
     GET("/v1/verifications"),
     .view = &verification_view},
    {.words = "verifications show", .operands = "ID", .doc = "show a verification", GET("/v1/verifications/{}")},
    {.words = "verifications items",
     .operands = "ID",
     .doc = "show what the wallet gave, in the clear; this is written to the audit ledger",
     GET("/v1/verifications/{}/items")},
    {.words = "verifications decide",
     .operands = "ID approve|reject|deny",
     .doc = "decide a verification",
     OPTIONS(decide_options),
     POST("/v1/verifications/{}/decision"),
     .run = ctl_run_decide},
    {.words = "verifications ask",
     .operands = "ID",
     .doc = "ask the wallet for more before a verification is decided",
     OPTIONS(ask_options),
     POST("/v1/verifications/{}/request-info"),
     .run = ctl_run_ask},
    {.words = "sessions list",
     .operands = "",
     .doc = "list sessions, newest first",
     OPTIONS(sessions_options),
     GET("/v1/sessions"),
     .view = &session_view},
    {.words = "sessions show",
     .operands = "ID",
     .doc = "show a session with its verifications and instances",
     GET("/v1/sessions/{}")},
    {.words = "instances list",
     .operands = "",
     .doc = "list credential instances, newest first",
     OPTIONS(instances_options),
     GET("/v1/instances"),
     .view = &instance_view},
    {.words = "instances show", .operands = "ID", .doc = "show a credential instance", GET("/v1/instances/{}")},
    {.words = "instances suspend",
     .operands = "ID",
     .doc = "suspend a credential instance",
     OPTIONS(reason_options),
     POST("/v1/instances/{}/actions"),
     .body = "{\"action\":\"SUSPEND\"}"},
    {.words = "instances resume",
     .operands = "ID",
     .doc = "resume a suspended credential instance",
     OPTIONS(reason_options),
     POST("/v1/instances/{}/actions"),
     .body = "{\"action\":\"RESUME\"}"},
    {.words = "instances cancel",
     .operands = "ID",
     .doc = "cancel a credential instance for good",
     OPTIONS(reason_options),
     POST("/v1/instances/{}/actions"),
     .body = "{\"action\":\"CANCEL\"}"},
    {.words = "instances updated",
     .operands = "ID",
     .doc = "tell the wallet that there is a newer credential",
     OPTIONS(reason_options),
     POST("/v1/instances/{}/actions"),
     .body = "{\"action\":\"UPDATED\"}"},
    {.words = "instances display-updated",
     .operands = "ID",
     .doc = "tell the wallet that there is newer display data",
     OPTIONS(reason_options),
     POST("/v1/instances/{}/actions"),
     .body = "{\"action\":\"DISPLAY_UPDATED\"}"},
    {.words = "instances dataset",
     .operands = "ID",
     .doc = "push the claims of a credential instance",
     OPTIONS(dataset_options),
     .method = "PUT",
     .path = "/v1/instances/{}/dataset"},
    {.words = "bulk start",
     .operands = "suspend|resume|cancel|updated|display-updated",
     .doc = "do something to many credential instances",
     OPTIONS(bulk_options),
     POST("/v1/bulk"),
     .run = ctl_run_bulk_start},
    {.words = "bulk list",
     .operands = "",
     .doc = "list what is done to many instances, newest first",
     OPTIONS(page_options),
     GET("/v1/bulk"),
     .view = &bulk_view},
    {.words = "bulk show",
     .operands = "ID",
     .doc = "show how far it has come",
     OPTIONS(wait_options),
     GET("/v1/bulk/{}"),
     .run = ctl_run_bulk_show},
    {.words = "offers make",
     .operands = "CONFIGURATION...",
     .doc = "make a credential offer and show its QR code",
     OPTIONS(offer_options),
     POST("/v1/offers"),
     .run = ctl_run_offer},
    {.words = "offers list",
     .operands = "",
     .doc = "list credential offers, newest first",
     OPTIONS(offers_options),
     GET("/v1/offers"),
     .view = &offer_view},
    {.words = "offers show",
     .operands = "ID",
     .doc = "show a credential offer, without its codes",
     GET("/v1/offers/{}")},
    {.words = "offers revoke", .operands = "ID", .doc = "take back a credential offer", POST("/v1/offers/{}/revoke")},
    {.words = "web-results post",
     .operands = "STATE SUCCESS|FAILURE",
     .doc = "give the result of an authentication on the web",
     OPTIONS(web_result_options),
     POST("/v1/web-results"),
     .run = ctl_run_web_result},
    {.words = "deliveries list",
     .operands = "",
     .doc = "list what peers and webhooks are owed",
     OPTIONS(deliveries_options),
     GET("/v1/deliveries"),
     .view = &delivery_view},
    {.words = "deliveries lanes",
     .operands = "",
     .doc = "list the ways to peers and webhooks, and which are blocked",
     GET("/v1/lanes"),
     .view = &lane_view},
    {.words = "dead-letters list",
     .operands = "",
     .doc = "list deliveries that were given up",
     OPTIONS(dead_letters_options),
     GET("/v1/dead-letters"),
     .view = &dead_letter_view},
    {.words = "dead-letters redrive",
     .operands = "[NUMBER]",
     .doc = "owe a dead letter again, or with --all all",
     OPTIONS(redrive_options),
     POST("/v1/dead-letters/{}/redrive"),
     .run = ctl_run_redrive},
    {.words = "dead-jobs list",
     .operands = "",
     .doc = "list work of the gateway's own that was given up",
     OPTIONS(page_options),
     GET("/v1/dead-jobs"),
     .view = &dead_job_view},
    {.words = "dead-jobs redrive",
     .operands = "NUMBER",
     .doc = "take a job up again that was given up",
     POST("/v1/dead-jobs/{}/redrive")},
    {.words = "events",
     .operands = "",
     .doc = "read the ledger of deliveries: what was owed, and how it ended",
     OPTIONS(events_options),
     GET("/v1/events"),
     .view = &event_view},
    {.words = "audit",
     .operands = "",
     .doc = "read the audit ledger: what operators did",
     OPTIONS(audit_options),
     GET("/v1/audit"),
     .view = &audit_view},
    {.words = "reconcile",
     .operands = "",
     .doc = "compare instances with what the wallets say of them",
     OPTIONS(reconcile_options),
     POST("/v1/reconciliations"),
     .run = ctl_run_reconcile},
    {.words = "reconciliations list",
     .operands = "",
     .doc = "list runs of reconciliation, newest first",
     OPTIONS(page_options),
     GET("/v1/reconciliations"),
     .view = &reconciliation_view},
    {.words = "reconciliations show",
     .operands = "ID",
     .doc = "show a run of reconciliation and what it found",
     GET("/v1/reconciliations/{}")},
    {.words = "stats", .operands = "", .doc = "count what there is to do", GET("/v1/stats")},

    {.words = "wallet keys",
     .operands = "",
     .doc = "make the keys of a wallet client",
     OPTIONS(wallet_keys_options),
     .run = ctl_run_wallet_keys,
     .is_local = true},
    {.words = "wallet issuer",
     .operands = "",
     .doc = "show what the issuer publishes",
     OPTIONS(wallet_options),
     .run = ctl_run_wallet_issuer,
     .is_local = true},
    {.words = "wallet nonce",
     .operands = "",
     .doc = "print a verificationNonce for a session",
     OPTIONS(wallet_nonce_options),
     .run = ctl_run_wallet_nonce,
     .is_local = true},
    {.words = "wallet payload",
     .operands = "",
     .doc = "print verification data: items, signed and encrypted",
     OPTIONS(wallet_payload_options),
     .run = ctl_run_wallet_payload,
     .is_local = true},
    {.words = "wallet initiate",
     .operands = "CONFIGURATION...",
     .doc = "open a session: /verification/initiate",
     OPTIONS(wallet_initiate_options),
     .run = ctl_run_wallet_initiate,
     .is_local = true},
    {.words = "wallet supplement",
     .operands = "",
     .doc = "give more: /verification/supplement",
     OPTIONS(wallet_supplement_options),
     .run = ctl_run_wallet_supplement,
     .is_local = true},
    {.words = "wallet status",
     .operands = "",
     .doc = "ask how the verification stands: /verification/status",
     OPTIONS(wallet_status_options),
     .run = ctl_run_wallet_status,
     .is_local = true},
    {.words = "wallet cancel",
     .operands = "",
     .doc = "cancel the verification: /verification/cancel",
     OPTIONS(wallet_reason_options),
     .run = ctl_run_wallet_cancel,
     .is_local = true},
    {.words = "wallet provision",
     .operands = "",
     .doc = "get credential instances: /credential/provision",
     OPTIONS(wallet_options),
     .run = ctl_run_wallet_provision,
     .is_local = true},
    {.words = "wallet get",
     .operands = "[INSTANCE]",
     .doc = "get and decrypt credentials, waiting until they are ready: /credential/get",
     OPTIONS(wallet_get_options),
     .run = ctl_run_wallet_get,
     .is_local = true},
    {.words = "wallet metadata",
     .operands = "[INSTANCE]",
     .doc = "ask for the metadata: /credential/metadata",
     OPTIONS(wallet_options),
     .run = ctl_run_wallet_metadata,
     .is_local = true},
    {.words = "wallet state",
     .operands = "[INSTANCE]",
     .doc = "ask how an instance stands: /credential/status",
     OPTIONS(wallet_options),
     .run = ctl_run_wallet_state,
     .is_local = true},
    {.words = "wallet manage",
     .operands = "suspend|resume|unlink [INSTANCE]",
     .doc = "suspend, resume or unlink an instance: /credential/manage",
     OPTIONS(wallet_reason_options),
     .run = ctl_run_wallet_manage,
     .is_local = true},
    {.words = "wallet event",
     .operands = "TYPE [INSTANCE]",
     .doc = "tell of an event: /event/notify",
     OPTIONS(wallet_options),
     .run = ctl_run_wallet_event,
     .is_local = true},
    {.words = "wallet decode",
     .operands = "[TEXT]",
     .doc = "decode with the wallet's keys: TEXT, or the credentials that were fetched last",
     OPTIONS(wallet_options),
     .run = ctl_run_wallet_decode,
     .is_local = true},

    {.words = "decode",
     .operands = "[TEXT]",
     .doc = "decode a JWS, a JWE, an SD-JWT or a link of an offer: TEXT, or stdin",
     OPTIONS(decode_options),
     .run = ctl_run_decode,
     .is_local = true},
    {.words = "completion",
     .operands = "bash|zsh",
     .doc = "print the completion file of a shell",
     .run = ctl_run_completion,
     .is_local = true},
    {.words = "help",
     .operands = "[COMMAND]...",
     .doc = "tell what there is, or how a command is used",
     .run = ctl_run_help,
     .is_local = true},
    {.words = "version", .operands = "", .doc = "print the version", .run = ctl_run_version, .is_local = true},
};

const size_t ctl_command_count = LENGTH(ctl_commands);
