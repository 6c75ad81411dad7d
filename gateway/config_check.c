/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules between keys. A faulty member has been reported and is empty, so every rule here takes an empty member as
 * nothing to check.
 */
#include "config_schema.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static bool same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool among(const char *word, const char *const *words)
{
    while (*words != NULL)
        if (same(word, *words++))
            return true;
    return false;
}

/* ---- Issuer ---- */

/* The base path is compared octet by octet with request paths, so it must have one spelling. */
static const char *base_path_fault(const char *path)
{
    size_t len = strlen(path);
    if (len > 0 && path[len - 1] == '/')
        return "the URL ends with a slash; remove it";
    if (strchr(path, '%') != NULL || strstr(path, "//") != NULL || strstr(path, "/.") != NULL)
        return "the path has an empty or dotted segment or a percent sign; write a plain path such as /s2s";
    return NULL;
}

/* The base path of our own `url`; NULL when there is none. */
static char *take_base_path(struct gw_reader *reader, const char *url, const struct gw_yaml *node)
{
    if (url == NULL)
        return NULL;
    char *path = gw_reader_copy(reader, gw_url_path(url));
    const char *fault = base_path_fault(path);
    if (fault != NULL)
        gw_complain_key(reader, gw_yaml_get(node, "url"), "url", "%s", fault);
    return path;
}

void gw_check_issuer(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    struct gw_issuer_config *issuer = object;
    issuer->base_path = take_base_path(reader, issuer->url, node);
    if (issuer->encryption_key_count > 0 && issuer->encryption_keys[0].retire_after != 0)
        gw_complain_key(reader, gw_yaml_get(node, "encryption_keys"), "encryption_keys",
                        "the newest key retires; put a key without retire_after first");
}

/* ---- Wallet ---- */

void gw_check_poll(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    const struct gw_poll_config *poll = object;
    if (poll->longest_ms != 0 && poll->longest_ms < poll->first_ms)
        gw_complain_key(reader, gw_yaml_get(node, "longest"), "longest", "less than first; make it longer");
}

void gw_check_token(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    (void)reader;
    ((struct gw_app_token_config *)object)->line = node->line;
}

void gw_check_wallet(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    struct gw_wallet_config *wallet = object;
    wallet->base_path = take_base_path(reader, wallet->url, node);
    for (size_t i = 0; i < wallet->app_token_count; i++)
        for (size_t j = 0; j < i; j++)
            if (memcmp(wallet->app_tokens[i].sha256, wallet->app_tokens[j].sha256, 32) == 0)
                gw_config_error(reader->errors, wallet->app_tokens[i].line,
                                "wallet.app_tokens: this token stands in line %d too; give each name its own",
                                wallet->app_tokens[j].line);
}

/* ---- Operators and their programs ---- */

void gw_check_operator(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    (void)reader;
    ((struct gw_operator_config *)object)->line = node->line;
}

void gw_check_receiver(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    struct gw_receiver_config *receiver = object;
    receiver->line = node->line;
    if ((receiver->certificate.path == NULL) != (receiver->key.path == NULL))
        gw_complain(reader, node, "certificate and key go together; give both or neither");
    if (gw_yaml_get(node, "secrets") == NULL && gw_yaml_get(node, "token") == NULL &&
        gw_yaml_get(node, "certificate") == NULL)
        gw_complain(reader, node,
                    "nothing tells the receiver that it is us who call; give secrets, a token or a certificate");
}

const char *const gw_webhook_events[] = {
    "verification.changed",
    "instances.provisioned",
    "instance.changed",
    "credentials.ready",
    "credential.update_available",
    "display_data.updated",
    "lifecycle.requested",
    "delivery.dead",
    NULL,
};

void gw_check_webhook(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    gw_check_receiver(reader, &((struct gw_webhook_config *)object)->to, node);
    const struct gw_yaml *item = gw_yaml_get(node, "events");
    for (item = item != NULL ? item->first : NULL; item != NULL; item = item->next) {
        struct gw_suggestion suggestion = {.word = item->text};
        if (item->kind != GW_YAML_SCALAR || among(item->text, gw_webhook_events))
            continue;
        for (const char *const *event = gw_webhook_events; *event != NULL; event++)
            gw_suggest(&suggestion, *event);
        if (suggestion.best != NULL)
            gw_complain_key(reader, item, "events", "there is no such event; did you mean '%s'?", suggestion.best);
        else
            gw_complain_key(reader, item, "events", "there is no such event; see docs/configuration.md");
    }
}

/* ---- Listeners ---- */

void gw_check_listener(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    (void)reader;
    struct gw_listener_config *listener = object;
    listener->enabled = node != NULL;
    listener->line = node != NULL ? gw_yaml_line(node) : 0;
}

bool gw_address_is_loopback(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, address, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

void gw_check_admin_listener(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    gw_check_listener(reader, object, node);
    const struct gw_listener_config *listener = object;
    if (listener->address != NULL && !gw_address_is_loopback(listener->address))
        gw_complain_key(reader, gw_yaml_get(node, "address"), "address",
                        "the operators' listener has no TLS; give a loopback address, 127.0.0.1 or ::1");
}

/* One of three: a Unix socket, a loopback address, or any address with mutual TLS. */
void gw_check_app_listener(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    gw_check_listener(reader, object, node);
    const struct gw_listener_config *listener = object;
    if (node == NULL)
        return;
    bool network = gw_yaml_get(node, "address") != NULL, port = gw_yaml_get(node, "port") != NULL;
    bool certificate = gw_yaml_get(node, "certificate") != NULL, key = gw_yaml_get(node, "key") != NULL;
    bool client_ca = gw_yaml_get(node, "client_ca") != NULL, crl = gw_yaml_get(node, "crl") != NULL;
    if ((gw_yaml_get(node, "socket") != NULL) == (network || port) || network != port)
        gw_complain(reader, node, "give either socket, or address and port");
    if (certificate != key || certificate != client_ca || (crl && !certificate))
        gw_complain(reader, node, "certificate, key and client_ca go together; give all three or none");
    else if (certificate && gw_yaml_get(node, "socket") != NULL)
        gw_complain(reader, node, "a Unix socket has no TLS; remove certificate, key and client_ca");
    else if (listener->address != NULL && !certificate && !gw_address_is_loopback(listener->address))
        gw_complain_key(reader, gw_yaml_get(node, "address"), "address",
                        "without TLS only a loopback address is possible; add certificate, key and client_ca, or give "
                        "127.0.0.1 or ::1");
}

static void check_ports(struct gw_reader *reader, const struct gw_config *config)
{
    const struct gw_listener_config *all = config->listeners;
    for (size_t i = 0; i < GW_LISTENERS; i++)
        for (size_t j = 0; j < i; j++)
            if (all[i].port != 0 && all[i].port == all[j].port && same(all[i].address, all[j].address))
                gw_config_error(reader->errors, all[i].line,
                                "listeners: address and port are those of line %d; give each listener its own",
                                all[j].line);
}

/* ---- Limits ---- */

/* A body is read, decoded, decrypted, parsed and written to the database: so many copies may live in a request's arena.
 */
#define REQUEST_MEMORY_FACTOR 8

void gw_check_limits(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    const struct gw_limits_config *limits = object;
    if (limits->request_memory != 0 && limits->request_memory < limits->max_body * REQUEST_MEMORY_FACTOR)
        gw_complain(reader, node,
                    "request_memory is less than %d times max_body; a body must fit, with what is made of it",
                    REQUEST_MEMORY_FACTOR);
}

/* ---- Calls to peers ---- */

void gw_check_outbound(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    const struct gw_outbound_config *outbound = object;
    if ((outbound->certificate.path == NULL) != (outbound->key.path == NULL))
        gw_complain(reader, node, "certificate and key go together; give both or neither");
}

/* ---- Database ---- */

/* Whether libpq understands the URL; `password` tells whether it holds one. libpq's own message would quote the URL. */
static bool parse_database_url(const char *url, bool *password)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    if (options == NULL)
        return false;
    static const char *const secrets[] = {"password", "sslpassword", NULL};
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++)
        if (option->val != NULL && option->val[0] != '\0' && among(option->keyword, secrets))
            *password = true;
    PQconninfoFree(options);
    return true;
}

void gw_check_database(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    struct gw_database_config *database = object;
    const struct gw_yaml *url_node = gw_yaml_get(node, "url");
    const char *environment = getenv("S2S_DATABASE_URL");
    if (url_node != NULL)
        database->line = gw_yaml_line(url_node);
    else if (environment != NULL && environment[0] != '\0')
        database->url = gw_reader_copy(reader, environment);
    else
        gw_complain(reader, node, "the required key 'url' is missing; add it, or set S2S_DATABASE_URL");
    if (database->url == NULL)
        return;

    bool password = false;
    if (!parse_database_url(database->url, &password))
        gw_complain(reader, url_node, "%s is not a connection string of libpq; write for example %s",
                    url_node != NULL ? "url" : "S2S_DATABASE_URL", "postgresql://user@host/database");
    else if (url_node != NULL && password && gw_file_exposed(reader->file))
        gw_complain_key(
            reader, url_node, "url",
            "the URL holds a password, but this file is open to group or others; run: chmod 600 %s (or give the URL "
            "in S2S_DATABASE_URL)",
            reader->file);
}

/* ---- Peers ---- */

static void take_role(struct gw_reader *reader, struct gw_peer_config *peer, const struct gw_yaml *node)
{
    const unsigned both = GW_ROLE_ISSUER | GW_ROLE_WALLET;
    if (peer->role_name == NULL && reader->roles == both)
        gw_complain(reader, node, "this process is both; add `role: wallet` or `role: issuer`, whichever the peer is");
    peer->role = peer->role_name == NULL           ? both & ~reader->roles
                 : same(peer->role_name, "wallet") ? GW_ROLE_WALLET
                                                   : GW_ROLE_ISSUER;
    if ((peer->role & reader->roles) != 0 && reader->roles != both)
        gw_complain_key(reader, gw_yaml_get(node, "role"), "role",
                        "this process is on the same side; peers are on the other side, correct one of the two");
}

static void take_issuer_identifier(struct gw_reader *reader, struct gw_peer_config *peer)
{
    if (peer->credential_issuer == NULL)
        peer->credential_issuer = peer->url;
    if (peer->credential_issuer == NULL)
        return;
    const char *identifier = peer->credential_issuer;
    size_t origin = (size_t)(gw_url_path(identifier) - identifier);
    peer->issuer_origin = s2s_arena_strndup(reader->arena, identifier, origin);
    s2s_assert(peer->issuer_origin != NULL);
}

void gw_check_peer(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    static const char *const reserved[] = {"none", "other", NULL}; /* labels of the metrics */
    struct gw_peer_config *peer = object;
    peer->line = node->line;
    if (among(peer->name, reserved))
        gw_complain_key(reader, gw_yaml_get(node, "name"), "name", "'%s' is reserved; give another", peer->name);
    take_role(reader, peer, node);
    if (peer->attestation == GW_ATTESTATION_REQUIRED && gw_yaml_get(node, "attestation_trust") == NULL)
        gw_complain_key(reader, gw_yaml_get(node, "attestation"), "attestation",
                        "nobody may make attestations; add attestation_trust");
    if (peer->role == GW_ROLE_ISSUER)
        take_issuer_identifier(reader, peer);
    else if (peer->role == GW_ROLE_WALLET && gw_yaml_get(node, "credential_issuer") != NULL)
        gw_complain_key(reader, gw_yaml_get(node, "credential_issuer"), "credential_issuer",
                        "the peer is a wallet; remove it");
}

void gw_check_rule(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    (void)object;
    if (node->count != 1)
        gw_complain(reader, node, "an identity is one of san_dns, san_uri, subject, thumbprint; give exactly one");
}

struct identity {
    const struct s2s_peer_rule *rule;
    unsigned role;
    int line;
};

static int compare_identities(const void *a, const void *b)
{
    const struct identity *left = a, *right = b;
    if (left->role != right->role)
        return left->role < right->role ? -1 : 1;
    if (left->rule->kind != right->rule->kind)
        return left->rule->kind < right->rule->kind ? -1 : 1;
    int order = strcmp(left->rule->value, right->rule->value);
    return order != 0 ? order : left->line - right->line;
}

/* The identities of a peer, with their lines, behind the `n` already there. */
static size_t gather_identities(const struct gw_peer_config *peer, const struct gw_yaml *peer_node,
                                struct identity *all, size_t n)
{
    const struct gw_yaml *list = gw_yaml_get(peer_node, "identity");
    const struct gw_yaml *item = list != NULL ? list->first : NULL;
    for (size_t i = 0; i < peer->rule_count; i++, item = item->next)
        if (peer->rules[i].value != NULL)
            all[n++] = (struct identity){&peer->rules[i], peer->role, item->line};
    return n;
}

/* On one listener a certificate must not be two peers', or the order of the file would decide whose sessions it
 * reaches. */
static void check_identities(struct gw_reader *reader, const struct gw_config *config, const struct gw_yaml *peers)
{
    size_t total = 0, n = 0, i = 0;
    for (size_t p = 0; p < config->peer_count; p++)
        total += config->peers[p].rule_count;
    struct identity *all = gw_reader_alloc(reader, total * sizeof *all);
    for (const struct gw_yaml *node = peers->first; node != NULL; node = node->next)
        n = gather_identities(&config->peers[i++], node, all, n);
    qsort(all, n, sizeof *all, compare_identities);
    for (i = 1; i < n; i++)
        if (all[i].role == all[i - 1].role && all[i].rule->kind == all[i - 1].rule->kind &&
            same(all[i].rule->value, all[i - 1].rule->value))
            gw_config_error(reader->errors, all[i].line,
                            "peers: this identity stands in line %d too; a certificate belongs to one peer, remove one",
                            all[i - 1].line);
}

static void check_allowed_id(struct gw_reader *reader, const struct gw_config *config, const struct gw_yaml *node)
{
    struct gw_suggestion suggestion = {.word = node->text};
    for (size_t i = 0; i < config->credential_count; i++) {
        const char *id = config->credentials[i].id;
        if (same(id, node->text))
            return;
        if (id != NULL)
            gw_suggest(&suggestion, id);
    }
    if (suggestion.best != NULL)
        gw_complain(reader, node, "no credential configuration has the id '%s'; did you mean '%s'?", node->text,
                    suggestion.best);
    else
        gw_complain(reader, node, "no credential configuration has the id '%s'; add it or remove it here", node->text);
}

static void check_allowed_ids(struct gw_reader *reader, const struct gw_config *config, const struct gw_yaml *peers)
{
    size_t i = 0;
    for (const struct gw_yaml *peer = peers->first; peer != NULL; peer = peer->next, i++) {
        const struct gw_yaml *list = gw_yaml_get(peer, "credential_configurations");
        size_t mark = gw_enter(reader, "peers[%zu].credential_configurations", i);
        for (const struct gw_yaml *id = list != NULL ? list->first : NULL; id != NULL; id = id->next)
            if (id->kind == GW_YAML_SCALAR)
                check_allowed_id(reader, config, id);
        gw_leave(reader, mark);
    }
}

/* ---- Credential configurations ---- */

bool gw_claim_is_reserved(const char *name)
{
    static const char *const reserved[] = {"iss",           "iat",    "nbf", "exp",     "cnf", "vct",
                                           "vct#integrity", "status", "_sd", "_sd_alg", "...", NULL};
    return among(name, reserved);
}

void gw_check_claim(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    const struct gw_claim_config *claim = object;
    if (claim->name != NULL && gw_claim_is_reserved(claim->name))
        gw_complain_key(reader, gw_yaml_get(node, "name"), "name", "'%s' is not for datasets; name the claim otherwise",
                        claim->name);
}

/* A secret that is compared must not be open to guessing because nobody thought of a limit. */
void gw_check_verification(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    enum { GUESSES = 3 };
    (void)reader;
    struct gw_policy_config *policy = object;
    if (gw_yaml_get(node, "max_attempts") != NULL)
        return;
    for (size_t i = 0; i < policy->item_count; i++)
        if (policy->items[i].expected != NULL)
            policy->max_attempts = GUESSES;
}

/* Who decides and who knows the claims is said once. Whether there are such backends is a matter of the whole. */
static void check_sources(struct gw_reader *reader, const struct gw_credential_config *credential,
                          const struct gw_yaml *node)
{
    const struct gw_yaml *dataset = gw_yaml_get(node, "dataset");
    const struct gw_yaml *verification = gw_yaml_get(node, "verification");
    if (dataset != NULL && (gw_yaml_get(dataset, "file") == NULL) == (gw_yaml_get(dataset, "backend") == NULL))
        gw_complain_key(reader, dataset, "dataset", "give either file or backend");
    if (credential->by_webhook != (gw_yaml_get(node, "decision_backend") != NULL))
        gw_complain(reader, node, "`decision: webhook` and decision_backend go together; give both or neither");
    else if (!credential->by_webhook && verification == NULL)
        gw_complain(reader, node, "the required key 'verification' is missing; add it, or let a backend decide");
    else if (!credential->by_webhook && gw_yaml_get(verification, "decision") == NULL)
        gw_complain_key(reader, verification, "verification",
                        "the required key 'decision' is missing; add it (approve, deny or review)");
}

void gw_check_credential(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    struct gw_credential_config *credential = object;
    credential->line = node->line;
    check_sources(reader, credential, node);
    if (credential->subject_item == NULL)
        return;
    for (size_t i = 0; i < credential->policy.item_count; i++)
        if (same(credential->policy.items[i].id, credential->subject_item))
            return;
    gw_complain_key(reader, gw_yaml_get(gw_yaml_get(node, "dataset"), "subject_item"), "dataset.subject_item",
                    "no item of verification.items has the id '%s'; add it or correct the id",
                    credential->subject_item);
}

/* ---- The whole ---- */

static unsigned usable_cores(void)
{
    cpu_set_t cores;
    return sched_getaffinity(0, sizeof cores, &cores) == 0 ? (unsigned)CPU_COUNT(&cores) : 1;
}

static void check_tokens(struct gw_reader *reader, const struct gw_listener_config *admin)
{
    for (size_t i = 0; i < admin->token_count; i++)
        for (size_t j = 0; j < i; j++)
            if (memcmp(admin->tokens[i].sha256, admin->tokens[j].sha256, sizeof admin->tokens[i].sha256) == 0)
                gw_config_error(reader->errors, admin->tokens[i].line,
                                "listeners.admin.tokens: this token stands in line %d too; give each name its own",
                                admin->tokens[j].line);
}

static void check_backend_name(struct gw_reader *reader, const struct gw_config *config, const char *name, int line)
{
    struct gw_suggestion suggestion = {.word = name};
    for (size_t i = 0; name != NULL && i < config->backend_count; i++) {
        const char *known = config->backends[i].to.name;
        if (same(known, name))
            return;
        if (known != NULL)
            gw_suggest(&suggestion, known);
    }
    if (name != NULL && suggestion.best != NULL)
        gw_config_error(reader->errors, line, "credential_configurations: no backend is named '%s'; did you mean '%s'?",
                        name, suggestion.best);
    else if (name != NULL)
        gw_config_error(reader->errors, line, "credential_configurations: no backend is named '%s'; add it to backends",
                        name);
}

static void check_backends(struct gw_reader *reader, const struct gw_config *config)
{
    for (size_t i = 0; i < config->credential_count; i++) {
        const struct gw_credential_config *credential = &config->credentials[i];
        check_backend_name(reader, config, credential->decision_backend, credential->line);
        check_backend_name(reader, config, credential->dataset_backend, credential->line);
    }
}

static bool is_sent(const struct gw_config *config, const char *event)
{
    for (size_t i = 0; i < config->webhook_count; i++) {
        const struct gw_string_list *events = &config->webhooks[i].events;
        for (size_t j = 0; j < events->count; j++)
            if (same(events->items[j], event))
                return true;
        if (events->count == 0)
            return true;
    }
    return false;
}

/* What an issuer asks for must not wait for the word of somebody who never hears of it. */
static void check_lifecycle(struct gw_reader *reader, const struct gw_config *config, const struct gw_yaml *wallet)
{
    if (!config->wallet.lifecycle_backend || is_sent(config, "lifecycle.requested"))
        return;
    size_t mark = gw_enter(reader, "wallet");
    gw_complain_key(reader, gw_yaml_get(wallet, "lifecycle"), "lifecycle",
                    "`backend` needs a webhook that is sent the event lifecycle.requested; add one");
    gw_leave(reader, mark);
}

void gw_check_config(struct gw_reader *reader, void *object, const struct gw_yaml *node)
{
    struct gw_config *config = object;
    if (config->workers == 0)
        config->workers = usable_cores();
    check_ports(reader, config);
    check_tokens(reader, &config->listeners[GW_LISTEN_ADMIN]);
    check_backends(reader, config);
    check_lifecycle(reader, config, gw_yaml_get(node, "wallet"));
    const struct gw_yaml *peers = gw_yaml_get(node, "peers");
    if (peers == NULL || peers->kind != GW_YAML_SEQUENCE)
        return;
    check_identities(reader, config, peers);
    check_allowed_ids(reader, config, peers);
}
