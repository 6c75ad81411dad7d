/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of keys. Parsing, defaults, checks and docs/configuration.md all come from these rows; a new key is a
 * member in config.h and a row here.
 */
#include "config_schema.h"

#include "proto/messages.h"

#define AT(type, member) .offset = offsetof(struct type, member)
#define LIST_AT(type, member, length) AT(type, member), .count_offset = offsetof(struct type, length)
#define RANGE(least, most) .min = (least), .max = (most)
#define END                                                                                                            \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }

/* Durations are in milliseconds. */
#define SECONDS(n) (INT64_C(1000) * (n))
#define MINUTES(n) SECONDS(INT64_C(60) * (n))
#define HOURS(n) MINUTES(INT64_C(60) * (n))
#define DAYS(n) HOURS(INT64_C(24) * (n))
#define KIB(n) (INT64_C(1024) * (n))
#define MIB(n) KIB(INT64_C(1024) * (n))

/* ---- Issuer ---- */

static const struct gw_section encryption_key = {
    .size = sizeof(struct gw_encryption_key_config),
    .unique = "file",
    .keys =
        (const struct gw_key[]){
            {"file", &gw_type_secret_file, AT(gw_encryption_key_config, file), .required = true,
             .doc = "Private JWK (JSON) with a `kid` of its own and an `alg` of JOSE-HPKE that fits its curve, such as "
                    "HPKE-0-KE."},
            {"retire_after", &gw_type_time, AT(gw_encryption_key_config, retire_after), .otherwise = "stays live",
             .doc = "Set it to retire the key: it is not published any more, but still opens what was encrypted to it "
                    "until "
                    "this time. The first key of the list has none."},
            END,
        },
};

static const struct gw_section metadata_signing = {
    .keys =
        (const struct gw_key[]){
            {"key", &gw_type_secret_file, AT(gw_issuer_config, metadata_key), .required = true,
             .doc = "PEM private key."},
            {"certificate", &gw_type_file, AT(gw_issuer_config, metadata_certificate), .required = true,
             .doc = "PEM certificate chain of the key, leaf first."},
            END,
        },
};

static const struct gw_section issuer = {
    .check = gw_check_issuer,
    .keys =
        (const struct gw_key[]){
            {"identifier", &gw_type_url, AT(gw_issuer_config, identifier), .required = true,
             .doc = "Credential issuer identifier: `credential_issuer` of the metadata, `iss` of credentials, `aud` of "
                    "proofs. Compared letter for letter, so never change its spelling."},
            {"url", &gw_type_url, AT(gw_issuer_config, url), .required = true,
             .doc = "Where peers reach the server-to-server endpoints (`issuer_server_url`). Its path, if any, is the "
                    "base "
                    "path of all endpoints; no slash at the end."},
            {"display", &gw_type_objects, AT(gw_issuer_config, display), .otherwise = "none",
             .doc = "Display properties of the issuer, as in OpenID4VCI issuer metadata."},
            {"encryption_keys", &gw_type_list, LIST_AT(gw_issuer_config, encryption_keys, encryption_key_count),
             .required = true, .min = 1, .section = &encryption_key,
             .doc = "Keys that wallets encrypt to, newest first."},
            {"metadata_signing", &gw_type_section, .section = &metadata_signing, .otherwise = "no signed metadata",
             .doc = "Key that signs the issuer metadata for those who ask for `application/jwt`."},
            {"session_lifetime", &gw_type_duration, AT(gw_issuer_config, session_lifetime_ms), .fallback = "24h",
             RANGE(SECONDS(1), DAYS(365)),
             .doc = "A verification without a final decision after this time is EXPIRED."},
            {"iat_window", &gw_type_seconds, AT(gw_issuer_config, iat_window_s), .fallback = "300s",
             RANGE(SECONDS(1), HOURS(1)),
             .doc = "How far the `iat` of a wallet's signature may lie from now, either side."},
            {"poll_interval", &gw_type_seconds, AT(gw_issuer_config, poll_interval_s), .fallback = "2s",
             RANGE(SECONDS(1), HOURS(1)),
             .doc = "`interval` and `Retry-After` of a 202 for a credential that is not ready."},
            {"status_hosts", &gw_type_hosts, AT(gw_issuer_config, status_hosts), .min = 1,
             .otherwise = "their status is not checked",
             .doc = "Hosts, `HOST` or `HOST:PORT`, that status lists of presented credentials may be fetched from."},
            END,
        },
};

/* ---- Wallet ---- */

static const struct gw_section poll = {
    .check = gw_check_poll,
    .keys =
        (const struct gw_key[]){
            {"enabled", &gw_type_boolean, AT(gw_poll_config, enabled), .fallback = "true",
             .doc = "Without it only notifications tell how a verification or a credential comes along."},
            {"first", &gw_type_duration, AT(gw_poll_config, first_ms), .fallback = "2s", RANGE(100, HOURS(1)),
             .doc = "Wait before the first question; each further one is twice as long."},
            {"longest", &gw_type_duration, AT(gw_poll_config, longest_ms), .fallback = "60s", RANGE(100, DAYS(1)),
             .doc = "Longest wait between two questions."},
            END,
        },
};

static const struct gw_section app_token = {
    .size = sizeof(struct gw_app_token_config),
    .unique = "name",
    .check = gw_check_token,
    .keys =
        (const struct gw_key[]){
            {"name", &gw_type_name, AT(gw_app_token_config, name), .required = true,
             .doc = "Label in logs. Owns the request ids of its requests, so two names may use the same id."},
            {"sha256", &gw_type_sha256, AT(gw_app_token_config, sha256), .required = true,
             .doc = "SHA-256 of the token: `printf %s TOKEN | sha256sum`. A token of 32 random octets cannot be "
                    "guessed: `openssl rand -hex 32`."},
            END,
        },
};

static const struct gw_section wallet = {
    .check = gw_check_wallet,
    .keys =
        (const struct gw_key[]){
            {"url", &gw_type_url, AT(gw_wallet_config, url), .required = true,
             .doc = "Where issuers reach the wallet's endpoints. Its path, if any, is the base path of all endpoints; "
                    "no slash at the end."},
            {"poll", &gw_type_section, AT(gw_wallet_config, poll), .section = &poll, .otherwise = "see its keys",
             .doc = "How issuers are asked for what no notification has told."},
            {"lifecycle", &gw_type_flag, AT(gw_wallet_config, lifecycle_backend),
             .choices = (const char *const[]){"immediate", "backend", NULL}, .fallback = "immediate",
             .doc = "What becomes of a suspension, resumption or removal that an issuer asks for: done at once, or "
                    "answered SCHEDULED and done when the backend says so, which a webhook must ask (event "
                    "`lifecycle.requested`)."},
            {"fetch_retention", &gw_type_duration, AT(gw_wallet_config, fetch_retention_ms), .fallback = "24h",
             RANGE(MINUTES(1), DAYS(90)),
             .doc = "How long the backend can read what it has fetched. The gateway keeps ciphertext only."},
            {"app_tokens", &gw_type_list, LIST_AT(gw_wallet_config, app_tokens, app_token_count), .required = true,
             .min = 1, .section = &app_token, .doc = "Who may use the application API. Two for a change of tokens."},
            END,
        },
};

/* ---- Listeners ---- */

#define LISTENER_ADDRESS                                                                                               \
    {                                                                                                                  \
        "address", &gw_type_address, AT(gw_listener_config, address), .required = true,                                \
                                                                      .doc = "Numeric address to listen on."           \
    }
#define LISTENER_PORT                                                                                                  \
    {                                                                                                                  \
        "port", &gw_type_port, AT(gw_listener_config, port), .required = true, .doc = "TCP port."                      \
    }
#define LISTENER_CERTIFICATE                                                                                           \
    {                                                                                                                  \
        "certificate", &gw_type_file, AT(gw_listener_config, certificate),                                             \
            .required = true, .doc = "PEM certificate chain of the server, leaf first."                                \
    }
#define LISTENER_KEY                                                                                                   \
    {                                                                                                                  \
        "key", &gw_type_secret_file, AT(gw_listener_config, key), .required = true, .doc = "PEM private key."          \
    }

static const struct gw_section s2s_listener = {
    .check = gw_check_listener,
    .keys =
        (const struct gw_key[]){
            LISTENER_ADDRESS,
            LISTENER_PORT,
            LISTENER_CERTIFICATE,
            LISTENER_KEY,
            {"client_ca", &gw_type_files, AT(gw_listener_config, client_ca), .required = true, .min = 1,
             .doc = "PEM bundles of the authorities that peers' certificates are verified against."},
            {"crl", &gw_type_files, AT(gw_listener_config, crl), .otherwise = "no revocation check",
             .doc = "PEM revocation lists of these authorities."},
            END,
        },
};

static const struct gw_section app_listener = {
    .check = gw_check_app_listener,
    .keys =
        (const struct gw_key[]){
            {"socket", &gw_type_path, AT(gw_listener_config, socket), .otherwise = "address and port",
             .doc = "Path of a Unix socket, which the gateway makes with mode 0660; whoever can open it still needs a "
                    "token."},
            {"address", &gw_type_address, AT(gw_listener_config, address), .otherwise = "none",
             .doc = "Numeric address to listen on: a loopback one, unless there is a certificate."},
            {"port", &gw_type_port, AT(gw_listener_config, port), .otherwise = "none", .doc = "TCP port."},
            {"certificate", &gw_type_file, AT(gw_listener_config, certificate), .otherwise = "no TLS",
             .doc = "PEM certificate chain of the server, leaf first; with `key` and `client_ca`: mutual TLS."},
            {"key", &gw_type_secret_file, AT(gw_listener_config, key), .otherwise = "no TLS",
             .doc = "PEM private key."},
            {"client_ca", &gw_type_files, AT(gw_listener_config, client_ca), .min = 1, .otherwise = "no TLS",
             .doc = "PEM bundles of the authorities that backends' certificates are verified against."},
            {"crl", &gw_type_files, AT(gw_listener_config, crl), .otherwise = "no revocation check",
             .doc = "PEM revocation lists of these authorities."},
            END,
        },
};

static const struct gw_section public_listener = {
    .check = gw_check_listener,
    .keys = (const struct gw_key[]){LISTENER_ADDRESS, LISTENER_PORT, LISTENER_CERTIFICATE, LISTENER_KEY, END},
};

static const struct gw_section operator_token = {
    .size = sizeof(struct gw_operator_config),
    .unique = "name",
    .check = gw_check_operator,
    .keys =
        (const struct gw_key[]){
            {"name", &gw_type_name, AT(gw_operator_config, name), .required = true,
             .doc = "Whose token it is: stands in the audit ledger with all that is done with it."},
            {"sha256", &gw_type_sha256, AT(gw_operator_config, sha256), .required = true,
             .doc = "SHA-256 of the token: `printf %s TOKEN | sha256sum`."},
            {"role", &gw_type_choice, AT(gw_operator_config, role), .required = true,
             .choices = (const char *const[]){[GW_OPERATOR_READ] = "read",
                                              [GW_OPERATOR_REVIEW] = "review",
                                              [GW_OPERATOR_OPERATE] = "operate",
                                              NULL},
             .doc = "`read`: look at everything but personal data; `review`: also see what wallets sent, and decide "
                    "on verifications; `operate`: also change instances, offers and deliveries."},
            END,
        },
};

static const struct gw_section admin_listener = {
    .check = gw_check_admin_listener,
    .keys =
        (const struct gw_key[]){
            {"address", &gw_type_address, AT(gw_listener_config, address), .fallback = "127.0.0.1",
             .doc = "Loopback address to listen on; this listener has no TLS."},
            LISTENER_PORT,
            {"tokens", &gw_type_list, LIST_AT(gw_listener_config, tokens, token_count), .section = &operator_token,
             .otherwise = "no operators' API",
             .doc = "Who may use the operators' API. The probes and metrics are open to whoever reaches the port."},
            END,
        },
};

static const struct gw_section listeners = {
    .keys =
        (const struct gw_key[]){
            {"s2s", &gw_type_section, AT(gw_config, listeners[GW_LISTEN_S2S]), .needed_by = GW_ROLE_ISSUER,
             .section = &s2s_listener, .doc = "Wallet servers: mutual TLS, the issuer's endpoints."},
            {"wallet", &gw_type_section, AT(gw_config, listeners[GW_LISTEN_WALLET]), .needed_by = GW_ROLE_WALLET,
             .section = &s2s_listener, .doc = "Issuer servers: mutual TLS, the wallet's endpoints."},
            {"app", &gw_type_section, AT(gw_config, listeners[GW_LISTEN_APP]), .needed_by = GW_ROLE_WALLET,
             .section = &app_listener,
             .doc = "The wallet operator's backend: the application API, with bearer tokens, on a Unix socket, on a "
                    "loopback address, or over mutual TLS."},
            {"public", &gw_type_section, AT(gw_config, listeners[GW_LISTEN_PUBLIC]), .section = &public_listener,
             .otherwise = "not served", .doc = "Everybody: issuer metadata, over TLS without a client certificate."},
            {"admin", &gw_type_section, AT(gw_config, listeners[GW_LISTEN_ADMIN]), .required = true,
             .section = &admin_listener,
             .doc = "Operators: `/healthz`, `/readyz`, `/metrics`, and the operators' API."},
            END,
        },
};

/* ---- Database, jobs, limits ---- */

static const struct gw_section database = {
    .check = gw_check_database,
    .keys =
        (const struct gw_key[]){
            {"url", &gw_type_string, AT(gw_database_config, url),
             .otherwise = "environment variable `S2S_DATABASE_URL`",
             .doc = "Connection string or URI of libpq; several hosts are allowed. When it holds a password, the file "
                    "must "
                    "be closed to group and others."},
            {"connections", &gw_type_count, AT(gw_database_config, connections), .fallback = "2", RANGE(1, 64),
             .doc = "Connections of each worker."},
            {"batch_max", &gw_type_count, AT(gw_database_config, batch_max), .fallback = "64", RANGE(1, 1024),
             .doc = "Most calls that share a transaction; 1 gives each its own."},
            {"connect_timeout", &gw_type_duration, AT(gw_database_config, connect_timeout_ms), .fallback = "5s",
             RANGE(100, MINUTES(5)), .doc = "Longest attempt to connect."},
            {"statement_timeout", &gw_type_duration, AT(gw_database_config, statement_timeout_ms), .fallback = "10s",
             RANGE(100, MINUTES(10)), .doc = "`statement_timeout` of the connections."},
            {"lock_timeout", &gw_type_duration, AT(gw_database_config, lock_timeout_ms), .fallback = "5s",
             RANGE(100, MINUTES(10)), .doc = "`lock_timeout` of the connections."},
            {"request_deadline", &gw_type_duration, AT(gw_database_config, request_deadline_ms), .fallback = "10s",
             RANGE(100, MINUTES(5)), .doc = "Longest that a request waits for the database; then it is answered 503."},
            {"answer_retention", &gw_type_duration, AT(gw_database_config, answer_retention_ms), .fallback = "48h",
             RANGE(HOURS(24), DAYS(365)), .doc = "How long the answer to a request id is kept, to be replayed."},
            END,
        },
};

static const struct gw_section jobs = {
    .keys =
        (const struct gw_key[]){
            {"enabled", &gw_type_boolean, AT(gw_jobs_config, enabled), .fallback = "true",
             .doc = "Whether this gateway does background work. Where not, others that share its database must."},
            {"batch", &gw_type_count, AT(gw_jobs_config, batch), .fallback = "128", RANGE(1, 1000),
             .doc = "Jobs that a worker claims at once."},
            {"lease", &gw_type_duration, AT(gw_jobs_config, lease_ms), .fallback = "60s", RANGE(SECONDS(1), HOURS(1)),
             .doc = "A job that was not completed in this time is given to another worker."},
            {"poll", &gw_type_duration, AT(gw_jobs_config, poll_ms), .fallback = "1s", RANGE(10, MINUTES(1)),
             .doc = "Longest wait between two looks at the queue."},
            {"max_attempts", &gw_type_count, AT(gw_jobs_config, max_attempts), .fallback = "20", RANGE(1, 1000),
             .doc = "A job that failed this often goes to the dead letters."},
            END,
        },
};

static const struct gw_section limits = {
    .check = gw_check_limits,
    .keys =
        (const struct gw_key[]){
            {"max_body", &gw_type_size, AT(gw_limits_config, max_body), .fallback = "1MiB", RANGE(KIB(1), MIB(64)),
             .doc = "Largest request body; more is 413."},
            {"max_depth", &gw_type_count, AT(gw_limits_config, max_depth), .fallback = "32", RANGE(4, 64),
             .doc = "Deepest nesting of a JSON body."},
            {"max_submissions", &gw_type_count, AT(gw_limits_config, max_submissions), .fallback = "64",
             RANGE(1, 10000),
             .doc = "Times that a wallet may send verification data for one verification; more is answered 413."},
            {"max_verification_data", &gw_type_size, AT(gw_limits_config, max_verification_data), .fallback = "8MiB",
             RANGE(KIB(64), MIB(256)),
             .doc = "Octets of verification data for one verification; more is answered 413."},
            {"max_waiting_gets", &gw_type_count, AT(gw_limits_config, max_waiting_gets), .fallback = "8", RANGE(1, 100),
             .doc = "Gets of one credential instance that may wait for it at a time (202), each with other keys. One "
                    "more takes the place of the oldest, whose `transaction_id` is unknown from then on."},
            {"request_memory", &gw_type_size, AT(gw_limits_config, request_memory), .fallback = "16MiB",
             RANGE(KIB(64), MIB(1024)),
             .doc =
                 "Most memory that one request may take, and as much again for its JSON; at least 8 times `max_body`."},
            {"max_streams", &gw_type_count, AT(gw_limits_config, max_streams), .fallback = "100", RANGE(1, 1000),
             .doc = "Concurrent HTTP/2 streams of a connection."},
            {"max_resets", &gw_type_count, AT(gw_limits_config, max_resets), .fallback = "200", RANGE(1, 1000000),
             .doc = "HTTP/2 streams that a connection may reset before their answer, in 10 seconds; then it is closed "
                    "(rapid reset, CVE-2023-44487)."},
            {"max_connections", &gw_type_count, AT(gw_limits_config, max_connections), .fallback = "10000",
             RANGE(1, 1000000), .doc = "Open connections of each worker."},
            {"max_in_flight", &gw_type_count, AT(gw_limits_config, max_in_flight), .fallback = "4096",
             RANGE(1, 1000000), .doc = "Requests of each worker that wait for the database; more are answered 503."},
            {"handshake_timeout", &gw_type_duration, AT(gw_limits_config, handshake_timeout_ms), .fallback = "10s",
             RANGE(100, MINUTES(10)), .doc = "Longest TLS handshake."},
            {"request_timeout", &gw_type_duration, AT(gw_limits_config, request_timeout_ms), .fallback = "30s",
             RANGE(100, MINUTES(10)),
             .doc = "Longest time to send a request; an idle HTTP/1.1 connection is kept for as long."},
            {"idle_timeout", &gw_type_duration, AT(gw_limits_config, idle_timeout_ms), .fallback = "75s",
             RANGE(100, HOURS(1)), .doc = "An HTTP/2 connection without requests is closed after this time."},
            {"drain_timeout", &gw_type_duration, AT(gw_limits_config, drain_timeout_ms), .fallback = "30s",
             RANGE(0, HOURS(1)), .doc = "Longest wait for requests in flight at the end of the process."},
            {"tls_session_lifetime", &gw_type_duration, AT(gw_limits_config, tls_session_ms), .fallback = "1h",
             RANGE(SECONDS(1), DAYS(7)), .doc = "How long a TLS session can be resumed."},
            END,
        },
};

/* ---- Reconciliation and webhooks ---- */

static const struct gw_section reconcile = {
    .keys =
        (const struct gw_key[]){
            {"every", &gw_type_duration, AT(gw_reconcile_config, every_ms), .fallback = "24h", RANGE(0, DAYS(365)),
             .doc = "How often all live instances are compared with what the peers say of them; 0s: only when asked "
                    "for."},
            {"in_process_limit", &gw_type_duration, AT(gw_reconcile_config, in_process_limit_ms), .fallback = "1h",
             RANGE(0, DAYS(90)),
             .doc = "An instance that is IN_PROCESS for longer, while its wallet says ACTIVE, becomes ACTIVE: the "
                    "wallet's PROVISIONING_SUCCESS was lost."},
            END,
        },
};

/* How a program of the operator's is reached, and how it knows us. */
#define RECEIVER_AT(type, member) AT(type, to.member)
#define RECEIVER_KEYS(type)                                                                                            \
    {"url", &gw_type_webhook_url, RECEIVER_AT(type, url), .required = true,                                            \
     .doc = "Where it gets its POSTs: https, or http on a loopback address."},                                         \
        {"secrets",                                                                                                    \
         &gw_type_secret_files,                                                                                        \
         RECEIVER_AT(type, secrets),                                                                                   \
         .min = 1,                                                                                                     \
         .otherwise = "nothing is signed",                                                                             \
         .doc = "Files with a signing secret each, `whsec_` and base64 of 24 to 64 octets (Standard Webhooks), "       \
                "newest first. Every one signs, so a receiver can change over in its own time."},                      \
        {"token", &gw_type_secret_file, RECEIVER_AT(type, token), .otherwise = "none",                                 \
         .doc = "File with a bearer token that every call carries."},                                                  \
        {"certificate", &gw_type_file, RECEIVER_AT(type, certificate), .otherwise = "none is shown",                   \
         .doc = "PEM certificate chain that the gateway shows, leaf first."},                                          \
        {"key", &gw_type_secret_file, RECEIVER_AT(type, key), .otherwise = "none",                                     \
         .doc = "PEM private key of `certificate`."},                                                                  \
    {                                                                                                                  \
        "ca", &gw_type_files, RECEIVER_AT(type, ca),                                                                   \
            .min = 1, .otherwise = "the system's authorities",                                                         \
            .doc = "PEM bundles of the authorities that may sign the certificate of `url`."                            \
    }

static const struct gw_section backend = {
    .size = sizeof(struct gw_backend_config),
    .unique = "name",
    .check = gw_check_receiver,
    .keys =
        (const struct gw_key[]){
            {"name", &gw_type_name, RECEIVER_AT(gw_backend_config, name), .required = true,
             .doc = "How credential configurations name it; also its label in logs and metrics."},
            RECEIVER_KEYS(gw_backend_config),
            {"timeout", &gw_type_duration, AT(gw_backend_config, timeout_ms), .fallback = "10s", RANGE(100, MINUTES(5)),
             .doc = "Longest that one call may take; less than `jobs.lease`."},
            {"max_answer", &gw_type_size, AT(gw_backend_config, max_answer), .fallback = "1MiB", RANGE(KIB(1), MIB(64)),
             .doc = "Largest answer that is read."},
            {"concurrency", &gw_type_count, AT(gw_backend_config, concurrency), .fallback = "16", RANGE(1, 1024),
             .doc = "Decisions that each worker asks for at the same time."},
            END,
        },
};

static const struct gw_section offers = {
    .keys =
        (const struct gw_key[]){
            {"lifetime", &gw_type_duration, AT(gw_offers_config, lifetime_ms), .fallback = "10m",
             RANGE(SECONDS(1), DAYS(90)), .doc = "How long an offer can be redeemed, unless it says otherwise."},
            {"tx_code_attempts", &gw_type_count, AT(gw_offers_config, tx_code_attempts), .fallback = "3", RANGE(1, 100),
             .doc = "So many wrong transaction codes use an offer up."},
            {"tx_code_length", &gw_type_count, AT(gw_offers_config, tx_code_length), .fallback = "6", RANGE(4, 32),
             .doc = "Characters of a transaction code."},
            {"tx_code_mode", &gw_type_flag, AT(gw_offers_config, tx_code_text),
             .choices = (const char *const[]){"numeric", "text", NULL}, .fallback = "numeric",
             .doc = "What transaction codes are made of."},
            {"endpoint", &gw_type_string, AT(gw_offers_config, endpoint), .fallback = "openid-credential-offer://",
             .doc = "What the deep links of offers begin with: the wallet's credential offer endpoint."},
            END,
        },
};

static const struct gw_section references = {
    .keys =
        (const struct gw_key[]){
            {"ca", &gw_type_files, AT(gw_references_config, ca), .min = 1, .otherwise = "the system's authorities",
             .doc = "PEM bundles of the authorities that may sign the certificates of `content_hosts` and "
                    "`status_hosts`."},
            {"timeout", &gw_type_duration, AT(gw_references_config, timeout_ms), .fallback = "20s",
             RANGE(SECONDS(1), MINUTES(10)), .doc = "Longest that one document may take; less than `jobs.lease`."},
            {"private_addresses", &gw_type_boolean, AT(gw_references_config, private_addresses), .fallback = "false",
             .doc =
                 "Whether a host may have an address inside (loopback, private, link-local). Only for environments "
                 "whose hosts are all there: it opens what the gateway can reach to whoever may name a listed host."},
            END,
        },
};

static const struct gw_section webhook = {
    .size = sizeof(struct gw_webhook_config),
    .unique = "name",
    .check = gw_check_webhook,
    .keys =
        (const struct gw_key[]){
            {"name", &gw_type_name, RECEIVER_AT(gw_webhook_config, name), .required = true,
             .doc = "Owns what waits to be delivered, so a changed name starts anew; also its label in logs and "
                    "metrics."},
            RECEIVER_KEYS(gw_webhook_config),
            {"events", &gw_type_names, AT(gw_webhook_config, events), .min = 1, .otherwise = "all",
             .doc = "Types of events that are sent: `verification.changed`, `instances.provisioned`, "
                    "`instance.changed`, `credentials.ready`, `credential.update_available`, `display_data.updated`, "
                    "`lifecycle.requested`, `delivery.dead`."},
            END,
        },
};

/* ---- Peers ---- */

static const struct gw_section identity = {
    .size = sizeof(struct s2s_peer_rule),
    .check = gw_check_rule,
    .keys =
        (const struct gw_key[]){
            {"san_dns", &gw_type_san_dns, .otherwise = "one of the four",
             .doc = "DNS name among the subject alternative names; upper and lower case are the same."},
            {"san_uri", &gw_type_san_uri, .otherwise = "one of the four",
             .doc = "URI among the subject alternative names, compared letter for letter."},
            {"subject", &gw_type_subject, .otherwise = "one of the four",
             .doc = "Subject as an RFC 4514 string, as `openssl x509 -subject -nameopt RFC2253` prints it."},
            {"thumbprint", &gw_type_thumbprint, .otherwise = "one of the four",
             .doc = "SHA-256 of the certificate in hexadecimal, as `openssl x509 -fingerprint -sha256` prints it."},
            END,
        },
};

static const struct gw_section rate_limit = {
    .keys =
        (const struct gw_key[]){
            {"per_second", &gw_type_number, AT(gw_rate_limit, per_second), .required = true, .max = 1000000,
             .doc = "Requests a second that the peer may send in the long run."},
            {"burst", &gw_type_count, AT(gw_rate_limit, burst), .required = true, RANGE(1, 1000000),
             .doc = "Requests that it may send at once after a pause."},
            END,
        },
};

static const struct gw_section peer = {
    .size = sizeof(struct gw_peer_config),
    .unique = "name",
    .check = gw_check_peer,
    .keys =
        (const struct gw_key[]){
            {"name", &gw_type_name, AT(gw_peer_config, name), .required = true,
             .doc =
                 "Owns the peer's sessions in the database, so never change it; also its label in logs and metrics."},
            {"identity", &gw_type_list, LIST_AT(gw_peer_config, rules, rule_count), .required = true, .min = 1,
             .section = &identity, .doc = "Certificates of the peer: any one entry suffices."},
            {"credential_configurations", &gw_type_names, AT(gw_peer_config, credential_configurations), .min = 1,
             .otherwise = "all", .doc = "Ids of the credential configurations that the peer may use."},
            {"rate_limit", &gw_type_section, AT(gw_peer_config, rate_limit), .section = &rate_limit,
             .otherwise = "unlimited", .doc = "Beyond it requests are answered 429."},
            {"url", &gw_type_url, AT(gw_peer_config, url), .otherwise = "the peer is never called",
             .doc = "Where the peer's own endpoints are reached, base path included, without a slash at the end: it is "
                    "notified there."},
            {"ca", &gw_type_files, AT(gw_peer_config, ca), .min = 1, .otherwise = "the system's authorities",
             .doc = "PEM bundles of the authorities that may sign the certificate of `url`."},
            {"role", &gw_type_word, AT(gw_peer_config, role_name),
             .choices = (const char *const[]){"wallet", "issuer", NULL}, .otherwise = "the counterpart of our `role`",
             .doc = "What the peer is; to be told when this process is both. Somebody who is both, too, is two peers."},
            {"credential_issuer", &gw_type_url, AT(gw_peer_config, credential_issuer), .otherwise = "`url`",
             .doc = "Of an issuer: its Credential Issuer Identifier, letter for letter, below which its metadata is "
                    "found."},
            {"verification_nonce", &gw_type_choice, AT(gw_peer_config, verification_nonce),
             .choices = (const char *const[]){[S2S_NONCE_ANY] = "any", [S2S_NONCE_BOUND] = "bound", NULL},
             .fallback = "any",
             .doc =
                 "Forms of `verificationNonce` taken from the peer: `any`, or only the one bound to issuer and time."},
            {"wallet_encryption_key_binding", &gw_type_flag, AT(gw_peer_config, wek_binding_required),
             .choices = (const char *const[]){"optional", "required", NULL}, .fallback = "required",
             .doc = "Whether the wallet's signing key must vouch for its encryption key. With `optional` the peer "
                    "could read "
                    "the credentials of its wallets."},
            {"attestation", &gw_type_choice, AT(gw_peer_config, attestation),
             .choices = (const char *const[]){[GW_ATTESTATION_IGNORED] = "ignored",
                                              [GW_ATTESTATION_OPTIONAL] = "optional",
                                              [GW_ATTESTATION_REQUIRED] = "required",
                                              NULL},
             .fallback = "ignored",
             .doc = "What is asked of attestations of wallet signing keys: `optional`: a false one is refused; "
                    "`required`: a missing one, too."},
            {"attestation_trust", &gw_type_files, AT(gw_peer_config, attestation_trust), .min = 1, .otherwise = "none",
             .doc = "PEM bundles of the authorities behind attestations."},
            {"content_hosts", &gw_type_hosts, AT(gw_peer_config, content_hosts), .min = 1, .otherwise = "none",
             .doc =
                 "Hosts, `HOST` or `HOST:PORT`, that documents by reference (ContentReference) may be fetched from."},
            END,
        },
};

/* ---- Calls to peers ---- */

static const struct gw_section outbound = {
    .check = gw_check_outbound,
    .keys =
        (const struct gw_key[]){
            {"certificate", &gw_type_file, AT(gw_outbound_config, certificate), .otherwise = "none is shown",
             .doc = "PEM certificate chain that the gateway shows to its peers, leaf first."},
            {"key", &gw_type_secret_file, AT(gw_outbound_config, key), .otherwise = "none",
             .doc = "PEM private key of `certificate`."},
            {"concurrency", &gw_type_count, AT(gw_outbound_config, concurrency), .fallback = "8", RANGE(1, 1024),
             .doc = "Calls in flight to one peer."},
            {"timeout", &gw_type_duration, AT(gw_outbound_config, timeout_ms), .fallback = "15s",
             RANGE(SECONDS(1), MINUTES(5)), .doc = "Longest that one call may take; less than `jobs.lease`."},
            {"max_answer", &gw_type_size, AT(gw_outbound_config, max_answer), .fallback = "1MiB",
             RANGE(KIB(1), MIB(64)), .doc = "Largest answer that is read."},
            {"give_up_after", &gw_type_duration, AT(gw_outbound_config, give_up_after_ms), .fallback = "7d",
             RANGE(MINUTES(1), DAYS(90)), .doc = "A message that is owed for longer goes to the dead letters."},
            {"block", &gw_type_duration, AT(gw_outbound_config, block_ms), .fallback = "60s",
             RANGE(SECONDS(1), HOURS(1)),
             .doc = "How long a peer is left alone after it has refused the gateway (401, 403, TLS)."},
            END,
        },
};

/* ---- Credential configurations ---- */

static const struct gw_section signing = {
    .keys =
        (const struct gw_key[]){
            {"key", &gw_type_secret_file, AT(gw_credential_config, signing_key), .required = true,
             .doc = "PEM private key: P-256, P-384 or Ed25519."},
            {"certificate", &gw_type_file, AT(gw_credential_config, signing_certificate), .required = true,
             .doc = "PEM certificate chain of the key, leaf first. Nothing is signed outside of its validity."},
            END,
        },
};

static const struct gw_section claim = {
    .size = sizeof(struct gw_claim_config),
    .unique = "name",
    .check = gw_check_claim,
    .keys =
        (const struct gw_key[]){
            {"name", &gw_type_string, AT(gw_claim_config, name), .required = true, RANGE(1, 128),
             .doc = "Name of the claim in dataset and credential."},
            {"disclosure", &gw_type_flag, AT(gw_claim_config, always),
             .choices = (const char *const[]){"selective", "always", NULL}, .fallback = "selective",
             .doc = "`selective`: the holder chooses whom to show it; `always`: it stands in the clear."},
            {"display", &gw_type_objects, AT(gw_claim_config, display), .otherwise = "none",
             .doc = "Display properties for the metadata."},
            END,
        },
};

static const struct gw_section dataset = {
    .keys =
        (const struct gw_key[]){
            {"file", &gw_type_file, AT(gw_credential_config, dataset), .otherwise = "`backend`",
             .doc = "JSON file: `{ \"version\": …, \"subjects\": { NAME: { CLAIM: VALUE, … }, … } }`."},
            {"backend", &gw_type_name, AT(gw_credential_config, dataset_backend), .otherwise = "`file`",
             .doc = "Name of the backend that is asked for the claims when a credential is made."},
            {"retry_after", &gw_type_seconds, AT(gw_credential_config, dataset_retry_s), .fallback = "2s",
             RANGE(SECONDS(1), HOURS(1)),
             .doc = "`interval` and `Retry-After` of the 202 while the backend has no claims yet."},
            {"subject", &gw_type_string, AT(gw_credential_config, subject), .fallback = "default",
             .doc = "The subject when no item names one."},
            {"subject_item", &gw_type_string, AT(gw_credential_config, subject_item), .otherwise = "none",
             .doc = "Id of the item of `verification.items` that names the subject. Whoever sends a matching item "
                    "chooses the subject, so only a wallet server that is trusted with it should (`origin: server`)."},
            {"subject_member", &gw_type_string, AT(gw_credential_config, subject_member), .fallback = "subject",
             .doc = "Member of that item that holds the name."},
            END,
        },
};

static const struct gw_section item = {
    .size = sizeof(struct gw_item_policy),
    .unique = "id",
    .check = gw_check_item,
    .keys =
        (const struct gw_key[]){
            {"id", &gw_type_string, AT(gw_item_policy, id), .required = true, RANGE(1, 128),
             .doc = "`id` of the verification data item."},
            {"type", &gw_type_string, AT(gw_item_policy, type), .required = true,
             .doc = "`type` of the item. Those of `urn:s2s-gateway:verification:` that the gateway knows are `otp`, "
                    "`risk_signals`, `pre_authorized_code`, `prior_session`, `auth_on_web`, `document` and "
                    "`openid4vp`; of any other type texts are compared."},
            {"required", &gw_type_boolean, AT(gw_item_policy, required), .fallback = "true",
             .doc = "Whether there is no decision without it."},
            {"sufficient", &gw_type_boolean, AT(gw_item_policy, sufficient), .fallback = "false",
             .doc = "Whether it is enough: when it matches, no other item of the configuration is needed or looked at, "
                    "also no required one. So a `prior_session` that is not `required` but `sufficient` lets a holder "
                    "move to a new device, while who has none gives the other items."},
            {"origin", &gw_type_choice, AT(gw_item_policy, origin),
             .choices =
                 (const char *const[]){
                     [GW_FROM_CLIENT] = "client", [GW_FROM_SERVER] = "server", [GW_FROM_EITHER] = "either", NULL},
             .otherwise = "`client`; `server` for `risk_signals` and `prior_session`",
             .doc = "Who sends it: the wallet client, encrypted and signed, or the wallet server. Not for "
                    "`auth_on_web`, whose result comes from the issuer's own site."},
            {"member", &gw_type_string, AT(gw_item_policy, member), .otherwise = "`otp` for `otp`; else presence",
             .doc = "Member of the item that is looked at."},
            {"expected", &gw_type_string, AT(gw_item_policy, expected), .otherwise = "any text but the empty one",
             .doc = "The text that `member` must hold."},
            {"mismatch_reason", &gw_type_string, AT(gw_item_policy, mismatch_reason),
             .otherwise = "what the item's type says, or ITEM_MISMATCH", RANGE(1, 128),
             .doc = "`reasonCode` of the REJECTED that answers an item that does not match."},
            {"request", &gw_type_object, AT(gw_item_policy, request), .otherwise = "none",
             .doc = "Further members of the item's request, for example a hint to the holder."},
            {"dcql", &gw_type_object, AT(gw_item_policy, dcql), .otherwise = "none",
             .doc = "`openid4vp`: the DCQL query (OpenID4VP 1.0 section 6) for credentials `dc+sd-jwt`."},
            {"trust", &gw_type_files, AT(gw_item_policy, trust), .min = 1, .otherwise = "none",
             .doc = "`openid4vp`: PEM bundles of the authorities behind the issuers of presented credentials."},
            {"iss_in_certificate", &gw_type_boolean, AT(gw_item_policy, iss_in_certificate), .fallback = "true",
             .doc = "`openid4vp`: whether `iss` must be a name of the certificate that has signed. Without it every "
                    "issuer under an authority can speak for all others."},
            {"max_age", &gw_type_seconds, AT(gw_item_policy, max_age_s), .fallback = "24h",
             RANGE(SECONDS(1), DAYS(365)),
             .doc = "`openid4vp`: how old the key binding may be when it is looked at, which happens again with each "
                    "submission. The nonce already says that it was made for this verification."},
            {"redirect_url", &gw_type_url, AT(gw_item_policy, redirect_url), .otherwise = "none",
             .doc = "`auth_on_web`: where the holder's browser is sent, with the query parameter `state`."},
            {"max_size", &gw_type_size, AT(gw_item_policy, max_size), .fallback = "4MiB", RANGE(1, MIB(1024)),
             .doc = "`document`: octets of a document, by value or by reference."},
            END,
        },
};

static const struct gw_section verification = {
    .check = gw_check_verification,
    .keys =
        (const struct gw_key[]){
            {"decision", &gw_type_choice, AT(gw_policy_config, decision), .fallback = "review",
             .choices =
                 (const char *const[]){
                     [GW_DECIDE_APPROVE] = "approve", [GW_DECIDE_DENY] = "deny", [GW_DECIDE_REVIEW] = "review", NULL},
             .doc =
                 "What happens once the required items are there and match; `review` leaves it PENDING for a person to "
                 "decide. Not looked at when a backend decides."},
            {"denied_reason", &gw_type_string, AT(gw_policy_config, denied_reason), .fallback = "NOT_ELIGIBLE",
             RANGE(1, 128), .doc = "`reasonCode` of DENIED."},
            {"denied_message", &gw_type_string, AT(gw_policy_config, denied_message),
             .fallback = "You are not eligible for this credential.", .doc = "`deniedMessage` for the holder."},
            {"max_attempts", &gw_type_count, AT(gw_policy_config, max_attempts), RANGE(0, 1000),
             .otherwise = "3 when an item has `expected`, else 0",
             .doc = "Supplements before the verification is DENIED; 0: no limit, which lets short secrets be "
                    "guessed."},
            {"deadline", &gw_type_duration, AT(gw_policy_config, deadline_ms), .fallback = "0s", RANGE(0, DAYS(365)),
             .doc =
                 "Time to answer a request for items before the verification is DENIED; 0s: as long as the session."},
            {"authorized_device_count", &gw_type_count, AT(gw_policy_config, authorized_device_count), .fallback = "1",
             RANGE(1, 1000), .doc = "Most devices that an approval grants."},
            {"items", &gw_type_list, LIST_AT(gw_policy_config, items, item_count), .section = &item,
             .otherwise = "nothing is asked for", .doc = "What is asked of the wallet before the decision."},
            END,
        },
};

static const struct gw_section credential = {
    .size = sizeof(struct gw_credential_config),
    .unique = "id",
    .check = gw_check_credential,
    .keys =
        (const struct gw_key[]){
            {"id", &gw_type_name, AT(gw_credential_config, id), .required = true,
             .doc = "Credential configuration id; stored with what is issued, so never change it."},
            {"format", &gw_type_word, AT(gw_credential_config, format),
             .choices = (const char *const[]){"dc+sd-jwt", NULL}, .fallback = "dc+sd-jwt", .doc = "Credential format."},
            {"vct", &gw_type_string, AT(gw_credential_config, vct), .required = true, .doc = "Type of the SD-JWT VC."},
            {"scope", &gw_type_string, AT(gw_credential_config, scope), .otherwise = "none",
             .doc = "`scope` in the metadata."},
            {"lifetime", &gw_type_seconds, AT(gw_credential_config, lifetime_s), .fallback = "14d",
             RANGE(SECONDS(1), DAYS(3660)),
             .doc = "From `iat` to `exp`; never past the end of the signer's certificate."},
            {"key_binding", &gw_type_boolean, AT(gw_credential_config, key_binding), .fallback = "true",
             .doc = "Whether credentials are bound to keys of the wallet, which then sends proofs of them."},
            {"max_keys", &gw_type_count, AT(gw_credential_config, max_keys), .fallback = "20",
             RANGE(1, S2S_MAX_PRESENTMENT_KEYS), .doc = "Most keys, and so credentials, of one get."},
            {"decoys", &gw_type_count, AT(gw_credential_config, decoys), .fallback = "0", RANGE(0, 100),
             .doc = "Decoy digests of each credential, which hide how many claims there are."},
            {"ready_after", &gw_type_duration, AT(gw_credential_config, ready_after_ms), .fallback = "0s",
             RANGE(0, DAYS(30)),
             .doc = "Credentials are ready this long after the first get; until then it is answered 202."},
            {"signing", &gw_type_section, .required = true, .section = &signing, .doc = "Who signs the credentials."},
            {"display", &gw_type_objects, AT(gw_credential_config, display), .otherwise = "none",
             .doc = "Display properties for the metadata."},
            {"claims", &gw_type_list, LIST_AT(gw_credential_config, claims, claim_count), .required = true, .min = 1,
             .section = &claim,
             .doc = "Claims, in the order of the metadata. Claims of the dataset that are not listed are not issued."},
            {"dataset", &gw_type_section, .required = true, .section = &dataset, .doc = "Where the claims come from."},
            {"decision", &gw_type_flag, AT(gw_credential_config, by_webhook),
             .choices = (const char *const[]){"builtin", "webhook", NULL}, .fallback = "builtin",
             .doc = "Who decides once the items of `verification` are there: its own `decision`, or a backend."},
            {"decision_backend", &gw_type_name, AT(gw_credential_config, decision_backend), .otherwise = "none",
             .doc = "Name of the backend that decides."},
            {"verification", &gw_type_section, AT(gw_credential_config, policy),
             .otherwise = "nothing is asked for; a backend decides", .section = &verification,
             .doc = "What is asked for, and how it is decided."},
            END,
        },
};

/* ---- The whole ---- */

const struct gw_section gw_config_schema = {
    .check = gw_check_config,
    .keys =
        (const struct gw_key[]){
            /* First: it decides about other keys. */
            {"role", &gw_type_roles, AT(gw_config, roles),
             .choices = (const char *const[]){"issuer", "wallet", "both", NULL}, .fallback = "issuer",
             .doc = "The side of the protocol that this process takes. A change needs a restart."},
            {"workers", &gw_type_count, AT(gw_config, workers), RANGE(1, 1024), .otherwise = "one a core",
             .doc = "Worker threads. A change needs a restart."},
            {"issuer", &gw_type_section, AT(gw_config, issuer), .needed_by = GW_ROLE_ISSUER, .section = &issuer,
             .doc = "Who issues."},
            {"wallet", &gw_type_section, AT(gw_config, wallet), .needed_by = GW_ROLE_WALLET, .section = &wallet,
             .doc = "Who receives, for the wallets in people's hands."},
            {"listeners", &gw_type_section, .required = true, .section = &listeners,
             .doc = "Where it listens. A change of address or port needs a restart; certificates and keys do not."},
            {"database", &gw_type_section, AT(gw_config, database), .section = &database, .otherwise = "see its keys",
             .doc = "PostgreSQL. A change needs a restart."},
            {"jobs", &gw_type_section, AT(gw_config, jobs), .section = &jobs, .otherwise = "see its keys",
             .doc = "Background work: evaluations, deliveries and expiry."},
            {"outbound", &gw_type_section, AT(gw_config, outbound), .section = &outbound, .otherwise = "see its keys",
             .doc = "How peers with a `url` are called."},
            {"reconcile", &gw_type_section, AT(gw_config, reconcile), .section = &reconcile,
             .otherwise = "see its keys", .doc = "How often the two sides compare what they know."},
            {"webhooks", &gw_type_list, LIST_AT(gw_config, webhooks, webhook_count), .section = &webhook,
             .otherwise = "none", .doc = "Programs of the operator's that are told what happens."},
            {"backends", &gw_type_list, LIST_AT(gw_config, backends, backend_count), .section = &backend,
             .otherwise = "none",
             .doc = "Programs of the issuer's that decide on verifications, or know the claims of credentials."},
            {"offers", &gw_type_section, AT(gw_config, offers), .section = &offers, .otherwise = "see its keys",
             .doc = "Credential offers that the issuer's operator makes."},
            {"references", &gw_type_section, AT(gw_config, references), .section = &references,
             .otherwise = "see its keys",
             .doc = "How documents by reference, and status lists of presented credentials, are fetched."},
            {"limits", &gw_type_section, AT(gw_config, limits), .section = &limits, .otherwise = "see its keys",
             .doc = "What protects the gateway from its callers. `max_body`, `max_depth`, `max_submissions`, "
                    "`max_verification_data`, `max_waiting_gets`, `request_memory` and `tls_session_lifetime` follow a "
                    "reload, a change of the others needs a restart."},
            {"data_keys", &gw_type_secret_files, AT(gw_config, data_keys), .required = true, .min = 1,
             .doc = "Keys that seal what is stored of persons, newest first; each file holds 32 random octets as "
                    "base64url. An old key stays as long as anything sealed with it."},
            {"peers", &gw_type_list, LIST_AT(gw_config, peers, peer_count), .required = true, .section = &peer,
             .doc = "Servers of the other side that may call, and are called; `[]` for none."},
            {"credential_configurations", &gw_type_list, LIST_AT(gw_config, credentials, credential_count),
             .needed_by = GW_ROLE_ISSUER, .min = 1, .section = &credential, .doc = "What is issued."},
            END,
        },
};
