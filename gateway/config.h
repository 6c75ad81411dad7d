/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration: one YAML file, checked against one table of keys (config_schema.c) from which
 * docs/configuration.md is generated.
 *
 * A loaded configuration is immutable and is swapped whole. This module reads the YAML file and checks the
 * files it names (present, readable, secret ones not readable by others); what is *in* those files is read by their
 * modules (net/tls, credential/signer, …), which report through the same gw_config_error.
 */
#ifndef GW_CONFIG_H
#define GW_CONFIG_H

#include "proto/arena.h"
#include "proto/peer.h"
#include "proto/wsk.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A path from the configuration, made absolute against the folder of the configuration file. `path` is NULL
 * when the key was left out. `line` is where it stands, for errors about what the file contains. */
struct gw_file {
    char *path;
    int line;
};

struct gw_file_list {
    struct gw_file *items;
    size_t count;
};

struct gw_string_list {
    char **items;
    size_t count;
};

/* Sides of the protocol that a process or a peer takes: bits. */
enum { GW_ROLE_ISSUER = 1u, GW_ROLE_WALLET = 2u };

/* What an operator may do: each includes those before. */
enum gw_operator_role { GW_OPERATOR_READ, GW_OPERATOR_REVIEW, GW_OPERATOR_OPERATE };

/* Who may use the operators' API. */
struct gw_operator_config {
    int line;
    char *name; /* stands in the audit ledger */
    uint8_t sha256[32];
    enum gw_operator_role role;
};

/* The listeners that there can be. */
enum gw_listener_id {
    GW_LISTEN_S2S,    /* wallet servers call the issuer; mutual TLS */
    GW_LISTEN_WALLET, /* issuer servers call the wallet; mutual TLS */
    GW_LISTEN_PUBLIC, /* everybody reads the issuer's metadata; TLS */
    GW_LISTEN_APP,    /* the wallet operator's backend */
    GW_LISTEN_ADMIN,  /* operators */
    GW_LISTENERS
};

/* One listener. `enabled` is false when its section was left out. */
struct gw_listener_config {
    bool enabled;
    int line;
    char *socket;                      /* path of a Unix socket, absolute; NULL: address and port */
    struct gw_operator_config *tokens; /* of the operators' listener */
    size_t token_count;
    char *address; /* numeric IPv4 or IPv6 */
    int port;
    struct gw_file certificate;    /* PEM chain, leaf first (TLS listeners) */
    struct gw_file key;            /* PEM, secret */
    struct gw_file_list client_ca; /* PEM bundles (mutual TLS) */
    struct gw_file_list crl;       /* PEM CRLs; none: no revocation check */
};

struct gw_encryption_key_config {
    struct gw_file file;  /* private JWK (JSON), secret */
    int64_t retire_after; /* epoch seconds; 0: live */
};

struct gw_rate_limit {
    double per_second; /* 0: unlimited */
    unsigned burst;
};

enum gw_attestation_policy { GW_ATTESTATION_IGNORED, GW_ATTESTATION_OPTIONAL, GW_ATTESTATION_REQUIRED };

/* A registered peer. */
struct gw_peer_config {
    int line;
    char *name;                  /* stable: owns the peer's sessions in the database */
    struct s2s_peer_rule *rules; /* any one suffices */
    size_t rule_count;
    struct gw_string_list credential_configurations; /* allowed ids; count 0: all */
    struct gw_rate_limit rate_limit;
    char *role_name;         /* as written; NULL when left out */
    unsigned role;           /* GW_ROLE_*: what the peer is */
    char *credential_issuer; /* of an issuer: its Credential Issuer Identifier; `url` when left out */
    char *issuer_origin;     /* scheme, host and port of it, derived; NULL when there is none */
    char *url;               /* where the peer's own endpoints are, base path included; NULL: it is never called */
    struct gw_file_list ca;  /* who may sign its server certificate; empty: the system's authorities */
    enum s2s_nonce_policy verification_nonce;
    bool wek_binding_required;
    enum gw_attestation_policy attestation; /* of wallet signing keys; default ignored */
    struct gw_file_list attestation_trust;  /* PEM bundles: who may attest them */
    struct gw_string_list content_hosts;    /* whose documents may be fetched by reference; none: no references */
};

/* Types of verification items that are looked at with more than a comparison of texts (profile D12). */
enum gw_item_kind {
    GW_ITEM_OTHER, /* all that we know nothing of */
    GW_ITEM_OTP,
    GW_ITEM_RISK_SIGNALS,
    GW_ITEM_OFFER,         /* pre_authorized_code */
    GW_ITEM_PRIOR_SESSION, /* device migration */
    GW_ITEM_WEB,           /* auth_on_web */
    GW_ITEM_DOCUMENT,
    GW_ITEM_PRESENTATION, /* openid4vp */
    GW_ITEM_KINDS
};

/* The kind of a type; GW_ITEM_OTHER for one that we do not know. */
enum gw_item_kind gw_item_kind_of(const char *type);

/* The type of a kind; NULL of GW_ITEM_OTHER. */
const char *gw_item_type_of(enum gw_item_kind kind);

/* Who sends an item. */
enum gw_item_origin { GW_FROM_CLIENT, GW_FROM_SERVER, GW_FROM_EITHER, GW_FROM_ISSUER };

struct s2s_dcql;

/* One item that is asked for (VerificationDataItemRequest), and how it is judged. */
struct gw_item_policy {
    char *id;
    char *type;
    enum gw_item_kind kind; /* derived from the type */
    bool required;
    bool sufficient; /* satisfied, it stands for all other items of its configuration; default false */
    enum gw_item_origin origin;
    char *member;                /* NULL: presence is enough */
    char *expected;              /* expected text of `member`; NULL: any non-empty string */
    char *mismatch_reason;       /* reasonCode of REJECTED; default ITEM_MISMATCH */
    struct json_object *request; /* further members of the item request, or NULL */

    /* Of presentations. */
    struct json_object *dcql;     /* as it is asked */
    const struct s2s_dcql *query; /* the same, checked */
    struct gw_file_list trust;    /* PEM bundles: who may have issued what is presented */
    bool iss_in_certificate;      /* `iss` must be a name of its certificate; default true */
    int64_t max_age_s;            /* of the key binding; default 24 h */

    char *redirect_url; /* of an authentication on the web */
    size_t max_size;    /* of a document, octets; default 4 MiB */
};

enum gw_decision_mode { GW_DECIDE_APPROVE, GW_DECIDE_DENY, GW_DECIDE_REVIEW };

/* The built-in policy of one credential configuration: items first, then `decision`. */
struct gw_policy_config {
    enum gw_decision_mode decision;
    char *denied_reason;  /* reasonCode, default NOT_ELIGIBLE */
    char *denied_message; /* for the holder */
    struct gw_item_policy *items;
    size_t item_count;
    unsigned max_attempts; /* submissions with data; 0: unlimited; default 3 when an item has `expected`, else 0 */
    int64_t deadline_ms;   /* for an item request; 0: none but the session's */
    unsigned authorized_device_count; /* most devices that an approval grants; default 1 */
};

struct gw_claim_config {
    char *name;
    bool always;                 /* true: in the clear in the JWT; false: selectively disclosable */
    struct json_object *display; /* array for the metadata, or NULL */
};

/* Whether the credential itself makes this claim, so that a dataset cannot: what SD-JWT (RFC 9901 section 4.1) and
 * SD-JWT VC (draft-ietf-oauth-sd-jwt-vc, "Registered JWT Claims") keep for themselves. */
bool gw_claim_is_reserved(const char *name);

/* One credential configuration. */
struct gw_credential_config {
    int line;
    char *id;
    char *format; /* "dc+sd-jwt" */
    char *vct;
    char *scope; /* or NULL */
    int64_t lifetime_s;
    bool key_binding;                   /* default true: clientEncryptedData with presentment keys is required */
    unsigned max_keys;                  /* credentials per get; default 20 */
    unsigned decoys;                    /* decoy digests per credential */
    int64_t ready_after_ms;             /* credentials are ready this long after the first get */
    struct gw_file signing_key;         /* PEM, secret */
    struct gw_file signing_certificate; /* PEM chain, leaf first */
    struct gw_claim_config *claims;
    size_t claim_count;
    struct json_object *display; /* array, or NULL */
    char *decision_backend;      /* who decides; NULL: the policy below */
    char *dataset_backend;       /* who knows the claims; NULL: the dataset file */
    int64_t dataset_retry_s;     /* `interval` of a 202 while the backend has no claims yet; default 2 s */
    bool by_webhook;             /* decision: webhook */
    struct gw_file dataset;      /* JSON; path NULL with a backend */
    char *subject;               /* dataset subject when no item names one; default "default" */
    char *subject_item;          /* id of the item whose member names the subject, or NULL */
    char *subject_member;        /* default "subject" */
    struct gw_policy_config policy;
};

struct gw_limits_config {
    size_t max_body;              /* default 1 MiB */
    unsigned max_depth;           /* default 32 */
    unsigned max_submissions;     /* of verification data, per verification; default 64 */
    size_t max_verification_data; /* octets of it, per verification; default 8 MiB */
    unsigned max_waiting_gets;    /* of a credential instance; default 8 */
    size_t request_memory;        /* ceiling of one request's arena; default 16 MiB */
    unsigned max_streams;         /* concurrent HTTP/2 streams a connection; default 100 */
    unsigned max_resets;          /* HTTP/2 streams reset before their answer, per connection and 10 s; default 200 */
    unsigned max_connections;     /* per worker; default 10000 */
    unsigned max_in_flight;       /* requests waiting for the database, per worker; default 4096 */
    int64_t handshake_timeout_ms; /* default 10 s */
    int64_t request_timeout_ms;   /* reading a request; default 30 s */
    int64_t idle_timeout_ms;      /* keep-alive; default 75 s */
    int64_t drain_timeout_ms;     /* default 30 s */
    int64_t tls_session_ms;       /* lifetime of a resumable TLS session; default 1 h */
};

struct gw_database_config {
    char *url; /* libpq connection string or URI; multi-host allowed */
    int line;
    unsigned connections;         /* per worker; default 2 */
    unsigned batch_max;           /* calls per transaction; 1 turns batching off; default 64 */
    int64_t connect_timeout_ms;   /* default 5 s */
    int64_t statement_timeout_ms; /* default 10 s */
    int64_t lock_timeout_ms;      /* default 5 s */
    int64_t request_deadline_ms;  /* longest a request waits for the database before 503; default 10 s */
    int64_t answer_retention_ms;  /* idempotency window; default 48 h, at least 24 h */
};

struct gw_jobs_config {
    bool enabled;          /* default true */
    unsigned batch;        /* jobs per claim; default 128 */
    int64_t lease_ms;      /* default 60 s */
    int64_t poll_ms;       /* longest wait between looks; default 1 s */
    unsigned max_attempts; /* before the dead letters; default 20 */
};

/* How other servers are called. */
struct gw_outbound_config {
    struct gw_file certificate; /* PEM chain that we show, leaf first; path NULL: none */
    struct gw_file key;         /* PEM, secret */
    unsigned concurrency;       /* calls in flight per peer and process; default 8 */
    int64_t timeout_ms;         /* of one call; default 15 s */
    size_t max_answer;          /* octets; default 1 MiB */
    int64_t give_up_after_ms;   /* then it goes to the dead letters; default 7 d */
    int64_t block_ms;           /* how long a peer is left alone that has refused us; default 60 s */
};

struct gw_issuer_config {
    char *identifier;            /* credential_issuer, an https URL without query or fragment */
    char *url;                   /* issuer_server_url: where peers reach the endpoints, base path included */
    char *base_path;             /* "" or "/s2s": path part of `url`, derived */
    struct json_object *display; /* array, or NULL */
    struct gw_encryption_key_config *encryption_keys; /* newest first */
    size_t encryption_key_count;
    struct gw_file metadata_key;         /* PEM that signs the metadata JWT; NULL path: no signed metadata */
    struct gw_file metadata_certificate; /* PEM chain */
    int64_t session_lifetime_ms;         /* default 24 h: then a verification that is not final is EXPIRED */
    int64_t iat_window_s;                /* default 300 */
    int64_t poll_interval_s;             /* `interval` of a 202; default 2 */
    struct gw_string_list status_hosts;  /* whose status lists of presented credentials are fetched; none: unchecked */
};

/* How documents by reference and status lists are fetched. */
struct gw_references_config {
    struct gw_file_list ca; /* who may sign the certificates of their hosts; empty: the system's authorities */
    int64_t timeout_ms;     /* of one document; default 30 s */
    bool private_addresses; /* also from addresses inside; default false */
};

/* Who may use the application API. */
struct gw_app_token_config {
    int line;
    char *name;         /* label in logs; owns request ids in the database */
    uint8_t sha256[32]; /* of the token */
};

/* How the wallet asks again for what no notification has told. */
struct gw_poll_config {
    bool enabled;
    int64_t first_ms;   /* default 2 s; doubles */
    int64_t longest_ms; /* default 60 s */
};

struct gw_wallet_config {
    char *url;       /* where issuers reach the wallet's endpoints, base path included */
    char *base_path; /* "" or "/s2s": path part of `url`, derived */
    struct gw_poll_config poll;
    bool lifecycle_backend;     /* what an issuer asks for is done when the backend says so; default: at once */
    int64_t fetch_retention_ms; /* how long fetched credentials (ciphertext) are kept; default 24 h */
    struct gw_app_token_config *app_tokens;
    size_t app_token_count;
};

struct gw_reconcile_config {
    int64_t every_ms;            /* 0: only when asked for; default 24 h */
    int64_t in_process_limit_ms; /* how long an instance may be IN_PROCESS while the wallet says ACTIVE; default 1 h */
};

/* How a program of the operator's is reached, and how it knows us. */
struct gw_receiver_config {
    int line;
    char *name;
    char *url;                   /* https, or http on a loopback address */
    struct gw_file_list secrets; /* `whsec_` and base64; newest first, every one signs */
    struct gw_file token;        /* bearer token, secret; path NULL: none */
    struct gw_file certificate;  /* PEM chain that we show, leaf first; path NULL: none */
    struct gw_file key;          /* PEM, secret */
    struct gw_file_list ca;      /* who may sign its server certificate; empty: the system's authorities */
};

/* A receiver of webhooks (Standard Webhooks). */
struct gw_webhook_config {
    struct gw_receiver_config to;
    struct gw_string_list events; /* of gw_webhook_events; count 0: all */
};

/* A program that decides on verifications or knows the claims of credentials. */
struct gw_backend_config {
    struct gw_receiver_config to;
    int64_t timeout_ms;   /* of one call; default 10 s */
    size_t max_answer;    /* octets; default 1 MiB */
    unsigned concurrency; /* calls in flight of each worker; default 16 */
};

/* Credential offers of the issuer. */
struct gw_offers_config {
    int64_t lifetime_ms;       /* default 10 min */
    unsigned tx_code_attempts; /* wrong ones, before the offer is used up; default 3 */
    unsigned tx_code_length;   /* default 6 */
    bool tx_code_text;         /* letters and digits; default: digits only */
    char *endpoint;            /* what deep links begin with; default openid-credential-offer:// */
};

/* Types of webhooks, ended by NULL. */
extern const char *const gw_webhook_events[];

struct gw_config {
    struct s2s_arena *arena;        /* owns all that follows, and the struct itself */
    char *path;                     /* of the configuration file, absolute */
    unsigned roles;                 /* GW_ROLE_*: what this process is */
    unsigned workers;               /* default: one per core */
    struct gw_issuer_config issuer; /* empty unless it is an issuer */
    struct gw_wallet_config wallet; /* empty unless it is a wallet */
    struct gw_listener_config listeners[GW_LISTENERS];
    struct gw_reconcile_config reconcile;
    struct gw_webhook_config *webhooks;
    size_t webhook_count;
    struct gw_backend_config *backends;
    size_t backend_count;
    struct gw_offers_config offers;
    struct gw_references_config references;
    struct gw_database_config database;
    struct gw_jobs_config jobs;
    struct gw_outbound_config outbound;
    struct gw_limits_config limits;
    struct gw_file_list data_keys; /* 32 random octets as base64url text, secret; newest first */
    struct gw_credential_config *credentials;
    size_t credential_count;
    struct gw_peer_config *peers;
    size_t peer_count;
};

/* Where errors go: one line each, "FILE:LINE: what is wrong; what to do". */
struct gw_config_errors {
    FILE *out;
    const char *file; /* path shown */
    unsigned count;
};

/* Report one error. `line` 0 prints no line. */
__attribute__((format(printf, 3, 4))) void gw_config_error(struct gw_config_errors *errors, int line,
                                                           const char *format, ...);

/* Read and check `path`. NULL when anything is wrong; every error found has been reported. Free with gw_config_free. */
struct gw_config *gw_config_load(const char *path, struct gw_config_errors *errors);

void gw_config_free(struct gw_config *config);

/* Write docs/configuration.md from the table of keys. */
void gw_config_write_reference(FILE *out);

/* Read a small file whole (at most `max` octets), NUL-terminated, malloc'ed; NULL with errno set. Wipe and free. */
char *gw_file_read(const char *path, size_t max, size_t *len);

#endif
