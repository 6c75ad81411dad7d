/* SPDX-License-Identifier: Apache-2.0
 *
 * What is owed to peers and webhooks, what was given up, what happened, and who did what.
 */
#include "gateway/admin/api_messages_rows.h"

#define MAX_REF 1024 /* characters: an endpoint's thing, such as "CREDENTIAL_READY:" and an instance */
#define MAX_LANES 65536
#define MAX_REDRIVEN 500
#define MAX_NUMBER 9007199254740991 /* that every JSON parser reads exactly (RFC 7493 section 2.2) */

#define REF_ROW(requirement, text) S2S_TEXT_ROW("ref", requirement, MAX_REF, text)
#define NUMBER_ROW(member, text)                                                                                       \
    {                                                                                                                  \
        .name = (member), .type = S2S_INTEGER, .flags = S2S_REQUIRED, .max = MAX_NUMBER, .doc = (text)                 \
    }
#define ENDPOINT_ROW(requirement, text) ID_ROW("endpoint", requirement, text)

/* ---- parameters ---- */

static const struct s2s_field page_query_fields[] = {PAGE_ROWS};

const struct s2s_schema gw_admin_page_query = {.name = "PageQuery", S2S_FIELDS(page_query_fields)};

static const struct s2s_field deliveries_query_fields[] = {
    PEER_ROW(0, "Only those to this peer, or to this webhook: \"webhook:NAME\"."),
    ENDPOINT_ROW(0, "Only those to this path, or of this type of webhook."),
    REF_ROW(0, "Only those about this."),
    PAGE_ROWS,
};

const struct s2s_schema gw_admin_deliveries_query = {.name = "DeliveriesQuery", S2S_FIELDS(deliveries_query_fields)};

static const struct s2s_field dead_letters_query_fields[] = {PEER_ROW(0, "Only those to this peer."), PAGE_ROWS};

const struct s2s_schema gw_admin_dead_letters_query = {.name = "DeadLettersQuery",
                                                       S2S_FIELDS(dead_letters_query_fields)};

static const struct s2s_field dead_letter_path_fields[] = {NUMBER_ROW("deadLetterId", "The dead letter's number.")};
static const struct s2s_field dead_job_path_fields[] = {NUMBER_ROW("jobId", "The job's number.")};

const struct s2s_schema gw_admin_dead_letter_path = {.name = "DeadLetterPath", S2S_FIELDS(dead_letter_path_fields)};
const struct s2s_schema gw_admin_dead_job_path = {.name = "DeadJobPath", S2S_FIELDS(dead_job_path_fields)};

static const struct s2s_field events_query_fields[] = {
    REF_ROW(0, "Only what is about this."),
    PEER_ROW(0, "Only what concerns this peer."),
    TIME_ROW("from", 0, "Only what happened since."),
    PAGE_ROWS,
};

const struct s2s_schema gw_admin_events_query = {.name = "EventsQuery", S2S_FIELDS(events_query_fields)};

static const struct s2s_field audit_query_fields[] = {
    ID_ROW("who", 0, "Only what this operator did."),
    REF_ROW(0, "Only what was done to this."),
    PAGE_ROWS,
};

const struct s2s_schema gw_admin_audit_query = {.name = "AuditQuery", S2S_FIELDS(audit_query_fields)};

/* ---- deliveries ---- */

static const char *const roles[] = {"issuer", "wallet", NULL};

#define MESSAGE_ROWS                                                                                                   \
    PEER_ROW(S2S_REQUIRED, "Whom it is for: a peer, or \"webhook:NAME\"."),                                            \
        ENDPOINT_ROW(S2S_REQUIRED, "The path that it goes to, or the type of the webhook."),                           \
        REF_ROW(S2S_REQUIRED, "What it is about."),                                                                    \
        S2S_ENUM_ROW("role", S2S_REQUIRED, roles, "In which role this gateway sends it."),                             \
        TIME_ROW("owedAt", S2S_REQUIRED, "Since when it is owed."),                                                    \
        COUNT_ROW("attempts", S2S_REQUIRED, "How often it was tried.")

static const struct s2s_field delivery_fields[] = {
    COUNT_ROW("deliveryId", S2S_REQUIRED, "Its number."),
    MESSAGE_ROWS,
    TIME_ROW("nextAt", S2S_REQUIRED, "When it is tried next, at the earliest."),
    FLAG_ROW("inFlight", S2S_REQUIRED, "Whether it is being sent now."),
    REASON_ROW("lastFailure", 0, "Why it failed last."),
    COUNT_ROW("polls", S2S_REQUIRED, "How often a peer said: not yet."),
};

static const struct s2s_schema delivery = {
    .name = "Delivery", .doc = "What a peer or a webhook is owed.", S2S_FIELDS(delivery_fields)};

static const struct s2s_field delivery_item = {.type = S2S_OBJECT, .object = &delivery};
static const struct s2s_field deliveries_fields[] = {
    LIST_ROWS("deliveries", &delivery_item, "What is sent next comes first.")};

const struct s2s_schema gw_admin_deliveries = {
    .name = "Deliveries", .doc = "A page of deliveries.", S2S_FIELDS(deliveries_fields)};

static const struct s2s_field dead_letter_fields[] = {
    COUNT_ROW("deadLetterId", S2S_REQUIRED, "Its number."),
    MESSAGE_ROWS,
    TIME_ROW("diedAt", S2S_REQUIRED, "When it was given up."),
    S2S_TEXT_ROW("reason", S2S_REQUIRED | S2S_EMPTY_OK, S2S_MAX_REASON, "Why."),
};

static const struct s2s_schema dead_letter = {
    .name = "DeadLetter",
    .doc = "A delivery that was given up, and waits for an operator.",
    S2S_FIELDS(dead_letter_fields),
};

static const struct s2s_field dead_letter_item = {.type = S2S_OBJECT, .object = &dead_letter};
static const struct s2s_field dead_letters_fields[] = {LIST_ROWS("deadLetters", &dead_letter_item, "Newest first.")};

const struct s2s_schema gw_admin_dead_letters = {
    .name = "DeadLetters", .doc = "A page of dead letters.", S2S_FIELDS(dead_letters_fields)};

/* ---- sending again ---- */

const struct s2s_schema gw_admin_redrive_one_request = {.name = "RedriveOneRequest", .doc = "Nothing is needed."};

static const struct s2s_field redrive_fields[] = {
    PEER_ROW(0, "Only those to this peer; all when absent."),
    CURSOR_ROW("nextCursor of the call before this one, which this one goes on from."),
};

const struct s2s_schema gw_admin_redrive_request = {.name = "RedriveRequest", S2S_FIELDS(redrive_fields)};

static const struct s2s_field dead_letter_redriven_fields[] = {
    COUNT_ROW("deadLetterId", S2S_REQUIRED, "The dead letter that is owed again.")};

const struct s2s_schema gw_admin_dead_letter_redriven = {
    .name = "DeadLetterRedriven", .doc = "It is owed again.", S2S_FIELDS(dead_letter_redriven_fields)};

static const struct s2s_field redriven_fields[] = {
    {.name = "redriven",
     .type = S2S_INTEGER,
     .flags = S2S_REQUIRED,
     .max = MAX_REDRIVEN,
     .doc = "How many are owed again."},
    NEXT_CURSOR_ROW("There are more, from here: call again with it as cursor, under a new x-request-id. Those that are "
                    "given up again meanwhile are not met again."),
};

const struct s2s_schema gw_admin_dead_letters_redriven = {
    .name = "DeadLettersRedriven", .doc = "They are owed again.", S2S_FIELDS(redriven_fields)};

/* ---- jobs ---- */

static const struct s2s_field dead_job_fields[] = {
    COUNT_ROW("jobId", S2S_REQUIRED, "Its number."),
    ID_ROW("kind", S2S_REQUIRED, "What it does: evaluate a verification, ask for a dataset, work on many instances."),
    REF_ROW(S2S_REQUIRED, "What it is about."),
    ID_ROW("lane", 0, "The backend that it needs."),
    TIME_ROW("diedAt", S2S_REQUIRED, "When it was given up."),
    COUNT_ROW("attempts", S2S_REQUIRED, "How often it was tried."),
    S2S_TEXT_ROW("error", S2S_EMPTY_OK, S2S_MAX_REASON, "What went wrong last."),
};

static const struct s2s_schema dead_job = {
    .name = "DeadJob",
    .doc = "Work of the gateway's own that was given up, and waits for an operator.",
    S2S_FIELDS(dead_job_fields),
};

static const struct s2s_field dead_job_item = {.type = S2S_OBJECT, .object = &dead_job};
static const struct s2s_field dead_jobs_fields[] = {LIST_ROWS("deadJobs", &dead_job_item, "Newest first.")};

const struct s2s_schema gw_admin_dead_jobs = {
    .name = "DeadJobs", .doc = "A page of jobs that were given up.", S2S_FIELDS(dead_jobs_fields)};

static const struct s2s_field dead_job_redriven_fields[] = {
    COUNT_ROW("jobId", S2S_REQUIRED, "The job that is taken up again.")};

const struct s2s_schema gw_admin_dead_job_redriven = {
    .name = "DeadJobRedriven", .doc = "It is taken up again.", S2S_FIELDS(dead_job_redriven_fields)};

/* ---- lanes ---- */

static const char *const lane_kinds[] = {"PEER", "WEBHOOK", NULL};

static const struct s2s_field lane_fields[] = {
    PEER_ROW(S2S_REQUIRED, "Where it leads: a peer, or \"webhook:NAME\"."),
    S2S_ENUM_ROW("kind", S2S_REQUIRED, lane_kinds, "Which of these it is."),
    FLAG_ROW("active", S2S_REQUIRED, "Whether the configuration still has it."),
    TIME_ROW("blockedUntil", 0, "Until when nothing is sent, after failures."),
    COUNT_ROW("failures", S2S_REQUIRED, "How many in a row."),
    COUNT_ROW("waiting", S2S_REQUIRED, "Deliveries that wait."),
    COUNT_ROW("oldestAgeSeconds", 0, "Age of the oldest of them."),
    COUNT_ROW("dead", S2S_REQUIRED, "Deliveries that were given up."),
};

static const struct s2s_schema lane = {
    .name = "Lane", .doc = "The way of deliveries to one peer or webhook.", S2S_FIELDS(lane_fields)};

static const struct s2s_field lane_item = {.type = S2S_OBJECT, .object = &lane};
static const struct s2s_field lanes_fields[] = {
    ROWS_ROW("lanes", S2S_REQUIRED, MAX_LANES, &lane_item, "All of them, by name.")};

const struct s2s_schema gw_admin_lanes = {.name = "Lanes", .doc = "The lanes.", S2S_FIELDS(lanes_fields)};

/* ---- events, audit ---- */

static const struct s2s_field event_fields[] = {
    TIME_ROW("at", S2S_REQUIRED, "When it happened."),
    COUNT_ROW("deliveryId", S2S_REQUIRED, "The delivery."),
    PEER_ROW(S2S_REQUIRED, "Whom it is for."),
    ENDPOINT_ROW(S2S_REQUIRED, "The path that it goes to, or the type of the webhook."),
    REF_ROW(S2S_REQUIRED, "What it is about."),
    ID_ROW("event", S2S_REQUIRED, "What happened: owed, delivered, given_up and the like."),
    ID_ROW("requestId", 0, "The x-request-id of the request that brought it about, or ended it."),
    S2S_TEXT_ROW("detail", S2S_EMPTY_OK, S2S_MAX_REASON, "How it ended."),
};

static const struct s2s_schema event = {
    .name = "LedgerEvent", .doc = "A line of the ledger of deliveries.", S2S_FIELDS(event_fields)};

static const struct s2s_field event_item = {.type = S2S_OBJECT, .object = &event};
static const struct s2s_field events_fields[] = {LIST_ROWS("events", &event_item, "Newest first.")};

const struct s2s_schema gw_admin_events = {
    .name = "LedgerEvents", .doc = "A page of the ledger of deliveries.", S2S_FIELDS(events_fields)};

static const struct s2s_field entry_fields[] = {
    COUNT_ROW("seq", S2S_REQUIRED, "Its number, without gaps."),
    TIME_ROW("at", S2S_REQUIRED, "When it was done."),
    ID_ROW("who", S2S_REQUIRED, "The operator: the name of the token, or command-line."),
    ID_ROW("role", S2S_REQUIRED, "The role of the token."),
    ID_ROW("action", S2S_REQUIRED, "What was done."),
    REF_ROW(S2S_REQUIRED | S2S_EMPTY_OK, "What it was done to."),
    ID_ROW("requestId", 0, "The x-request-id."),
    S2S_OBJECT_ROW("detail", 0, NULL, "How, without personal data."),
    ID_ROW("hash", S2S_REQUIRED, "SHA-256 of this entry and the hash of the one before it, in hex."),
};

static const struct s2s_schema entry = {
    .name = "AuditEntry",
    .doc =
        "Something that an operator did. Each entry's hash covers the one before it; `s2s-gateway fsck` checks that.",
    S2S_FIELDS(entry_fields),
};

static const struct s2s_field entry_item = {.type = S2S_OBJECT, .object = &entry};
static const struct s2s_field audit_fields[] = {LIST_ROWS("entries", &entry_item, "Newest first.")};

const struct s2s_schema gw_admin_audit = {
    .name = "Audit", .doc = "A page of the audit ledger.", S2S_FIELDS(audit_fields)};

/* ---- numbers ---- */

static const struct s2s_field queue_fields[] = {
    ID_ROW("kind", S2S_REQUIRED, "The kind of jobs."),
    COUNT_ROW("depth", S2S_REQUIRED, "Jobs that wait or are leased."),
    COUNT_ROW("oldestAgeSeconds", 0, "Age of the oldest of them."),
    COUNT_ROW("dead", S2S_REQUIRED, "Jobs that were given up."),
};

static const struct s2s_schema queue = {.name = "QueueStats", .doc = "A queue.", S2S_FIELDS(queue_fields)};

static const struct s2s_field delivery_stats_fields[] = {
    PEER_ROW(S2S_REQUIRED, "Whom they are for."),
    COUNT_ROW("depth", S2S_REQUIRED, "Deliveries that are owed."),
    COUNT_ROW("oldestAgeSeconds", 0, "Age of the oldest of them."),
    FLAG_ROW("blocked", S2S_REQUIRED, "Whether they are held back after failures."),
    COUNT_ROW("dead", S2S_REQUIRED, "Deliveries that were given up."),
};

static const struct s2s_schema delivery_stats = {
    .name = "DeliveryStats", .doc = "Deliveries to one peer.", S2S_FIELDS(delivery_stats_fields)};

static const struct s2s_field verification_stats_fields[] = {
    COUNT_ROW("awaitingDecision", S2S_REQUIRED, "How many wait for a person; 1000 are counted at most.")};

static const struct s2s_schema verification_stats = {
    .name = "VerificationStats", .doc = "Verifications.", S2S_FIELDS(verification_stats_fields)};

static const struct s2s_field audit_stats_fields[] = {
    COUNT_ROW("seq", S2S_REQUIRED, "Number of the last entry; 0 when there is none."),
    ID_ROW("hash", 0, "Its hash: keep it elsewhere, and nobody can rewrite what was before."),
};

static const struct s2s_schema audit_stats = {
    .name = "AuditStats", .doc = "The end of the audit ledger.", S2S_FIELDS(audit_stats_fields)};

static const struct s2s_field bulk_stats_fields[] = {COUNT_ROW("running", S2S_REQUIRED, "How many are under way.")};

static const struct s2s_schema bulk_stats = {
    .name = "BulkStats", .doc = "Work on many instances.", S2S_FIELDS(bulk_stats_fields)};

static const struct s2s_field queue_item = {.type = S2S_OBJECT, .object = &queue};
static const struct s2s_field delivery_stats_item = {.type = S2S_OBJECT, .object = &delivery_stats};

static const struct s2s_field stats_fields[] = {
    ROWS_ROW("queues", S2S_REQUIRED, 64, &queue_item, "Jobs by kind."),
    ROWS_ROW("deliveries", S2S_REQUIRED, MAX_LANES, &delivery_stats_item, "Deliveries by peer."),
    S2S_OBJECT_ROW("verifications", S2S_REQUIRED, &verification_stats, "Verifications."),
    S2S_OBJECT_ROW("audit", S2S_REQUIRED, &audit_stats, "The audit ledger."),
    S2S_OBJECT_ROW("bulk", S2S_REQUIRED, &bulk_stats, "Work on many instances."),
};

const struct s2s_schema gw_admin_stats = {.name = "Stats", .doc = "What there is to do.", S2S_FIELDS(stats_fields)};
