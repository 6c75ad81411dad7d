/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>
#include <sys/stat.h>

/* A file with every key; each test of an error changes one place of it. */
static const char complete[] =
    "workers: 2\n"
    "issuer:\n"
    "  identifier: https://issuer.example\n"
    "  url: https://issuer.example:8443/s2s\n"
    "  display: [ { name: \"Example Issuer\", locale: en } ]\n"
    "  encryption_keys:\n"
    "    - file: keys/enc-2.jwk\n"
    "    - { file: keys/enc-1.jwk, retire_after: 2027-01-31T00:00:00Z }\n"
    "  metadata_signing: { key: keys/metadata.key, certificate: pki/metadata.crt }\n"
    "  session_lifetime: 12h\n"
    "  iat_window: 60s\n"
    "  poll_interval: 3s\n"
    "listeners:\n"
    "  s2s:\n"
    "    address: 127.0.0.1\n"
    "    port: 8443\n"
    "    certificate: pki/server.crt\n"
    "    key: pki/server.key\n"
    "    client_ca: [pki/ca.crt]\n"
    "    crl: [pki/ca.crl]\n"
    "  public: { address: 127.0.0.1, port: 8444, certificate: pki/server.crt, key: pki/server.key }\n"
    "  admin: { address: 127.0.0.1, port: 9090 }\n"
    "database:\n"
    "  url: postgresql://s2s@/s2s?host=/run/postgresql\n"
    "  connections: 3\n"
    "  batch_max: 16\n"
    "  connect_timeout: 500ms\n"
    "  statement_timeout: 20s\n"
    "  lock_timeout: 6s\n"
    "  request_deadline: 11s\n"
    "  answer_retention: 72h\n"
    "jobs: { batch: 8, lease: 30s, poll: 250ms, max_attempts: 5 }\n"
    "limits:\n"
    "  max_body: 64KiB\n"
    "  max_depth: 16\n"
    "  request_memory: 2097152\n"
    "  max_streams: 10\n"
    "  max_resets: 20\n"
    "  max_connections: 100\n"
    "  max_in_flight: 40\n"
    "  handshake_timeout: 1s\n"
    "  request_timeout: 2s\n"
    "  idle_timeout: 1m\n"
    "  drain_timeout: 0s\n"
    "  tls_session_lifetime: 2h\n"
    "data_keys: [ keys/data-2.key, keys/data-1.key ]\n"
    "peers:\n"
    "  - name: wallet\n"
    "    identity:\n"
    "      - san_dns: Wallet.example\n"
    "      - san_uri: https://wallet.example\n"
    "      - subject: \"CN=wallet,O=Example\"\n"
    "      - thumbprint: \"AA:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:"
    "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99\"\n"
    "    credential_configurations: [badge]\n"
    "    rate_limit: { per_second: 2.5, burst: 400 }\n"
    "    verification_nonce: bound\n"
    "    content_hosts: [docs.example, \"docs.example:8443\", \"[2a00::1]:8443\"]\n"
    "    wallet_encryption_key_binding: optional\n"
    "  - name: other-wallet\n"
    "    identity: [ { san_dns: other.example } ]\n"
    "credential_configurations:\n"
    "  - id: badge\n"
    "    format: dc+sd-jwt\n"
    "    vct: https://issuer.example/vct/badge\n"
    "    scope: badge-scope\n"
    "    lifetime: 7d\n"
    "    key_binding: false\n"
    "    max_keys: 5\n"
    "    decoys: 3\n"
    "    ready_after: 3s\n"
    "    signing: { key: keys/signer.key, certificate: pki/signer.crt }\n"
    "    display: [ { name: \"Badge\", locale: en, logo: { uri: https://issuer.example/logo.png } } ]\n"
    "    claims:\n"
    "      - name: employee_id\n"
    "        disclosure: always\n"
    "        display: [ { name: \"Employee number\", locale: en } ]\n"
    "      - name: given_name\n"
    "    dataset: { file: datasets/badge.json, subject: erika, subject_item: otp-1, subject_member: who }\n"
    "    verification:\n"
    "      decision: review\n"
    "      denied_reason: TOO_LATE\n"
    "      denied_message: \"Sorry.\"\n"
    "      max_attempts: 4\n"
    "      deadline: 10m\n"
    "      authorized_device_count: 2\n"
    "      items:\n"
    "        - id: otp-1\n"
    "          type: urn:s2s-gateway:verification:otp\n"
    "          required: false\n"
    "          origin: server\n"
    "          member: otp\n"
    "          expected: \"012345\"\n"
    "          mismatch_reason: OTP_MISMATCH\n"
    "          request: { hint: \"Sent by mail\", digits: 6, ratio: 1.50, list: [true, null, \"1\"] }\n"
    "        - id: otp-2\n"
    "          type: urn:s2s-gateway:verification:otp\n#";

/* A line to be replaced by items of other types. */
#define ITEM(type) "- id: otp-2\n          type: urn:s2s-gateway:verification:" type "\n"
#define OTP_2 ITEM("otp") "#"
#define REDIRECT "          redirect_url: https://issuer.example/login\n"

static const char *const plain_files[] = {"pki/metadata.crt", "pki/server.crt", "pki/ca.crt",
                                          "pki/ca.crl",       "pki/signer.crt", "datasets/badge.json"};
static const char *const secret_files[] = {"keys/enc-1.jwk",  "keys/enc-2.jwk",  "keys/metadata.key", "keys/data-1.key",
                                           "keys/data-2.key", "keys/signer.key", "pki/server.key"};

static void write_with_mode(const char *name, const char *content, mode_t mode)
{
    ck_assert_int_eq(chmod(write_file(name, 0, content).path, mode), 0);
}

static void write_files(void)
{
    static const char *const folders[] = {"pki", "keys", "datasets"};
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(mkdir(file_at(folders[i], 0).path, 0700), 0);
    for (size_t i = 0; i < sizeof plain_files / sizeof *plain_files; i++)
        write_with_mode(plain_files[i], "x", 0644);
    for (size_t i = 0; i < sizeof secret_files / sizeof *secret_files; i++)
        write_with_mode(secret_files[i], "x", 0600);
}

static void set_up(void)
{
    fixture_setup();
    unsetenv("S2S_DATABASE_URL");
    write_files();
}

/* Load a file with this text from the folder of the test. */
static struct gw_config *load(const char *text)
{
    write_with_mode("gateway.yaml", text, 0600);
    return gw_config_load(file_at("gateway.yaml", 0).path, &errors);
}

/* `text` with the first `find`, which must be there, replaced. */
static char *replace(const char *text, const char *find, const char *by)
{
    const char *at = strstr(text, find);
    ck_assert_msg(at != NULL, "\"%s\" is not in the text", find);
    return s2s_arena_printf(arena, "%.*s%s%s", (int)(at - text), text, by, at + strlen(find));
}

/* The line where `part` first stands. */
static int line_of(const char *text, const char *part)
{
    const char *at = strstr(text, part);
    ck_assert_msg(at != NULL, "\"%s\" is not in the text", part);
    int line = 1;
    for (; at > text; at--)
        line += at[-1] == '\n';
    return line;
}

static void assert_path(struct gw_file file, const char *name)
{
    char resolved[4096];
    ck_assert_ptr_nonnull(realpath(folder, resolved));
    ck_assert_str_eq(file.path, s2s_arena_printf(arena, "%s/%s", resolved, name));
}

static void assert_json(struct json_object *object, const char *text)
{
    ck_assert_str_eq(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
                     text);
}

/* ---- What is loaded ---- */

static void assert_issuer(const struct gw_issuer_config *issuer)
{
    ck_assert_str_eq(issuer->identifier, "https://issuer.example");
    ck_assert_str_eq(issuer->url, "https://issuer.example:8443/s2s");
    ck_assert_str_eq(issuer->base_path, "/s2s");
    assert_json(issuer->display, "[{\"name\":\"Example Issuer\",\"locale\":\"en\"}]");
    ck_assert_uint_eq(issuer->encryption_key_count, 2);
    assert_path(issuer->encryption_keys[0].file, "keys/enc-2.jwk");
    ck_assert_int_eq(issuer->encryption_keys[0].retire_after, 0);
    ck_assert_int_eq(issuer->encryption_keys[1].retire_after, 1801353600);
    assert_path(issuer->metadata_key, "keys/metadata.key");
    ck_assert_int_eq(issuer->metadata_certificate.line, line_of(complete, "pki/metadata.crt"));
    ck_assert_int_eq(issuer->session_lifetime_ms, 12 * 3600 * 1000);
    ck_assert_int_eq(issuer->iat_window_s, 60);
    ck_assert_int_eq(issuer->poll_interval_s, 3);
}

static void assert_listeners(const struct gw_config *config)
{
    ck_assert(config->listeners[GW_LISTEN_S2S].enabled && config->listeners[GW_LISTEN_PUBLIC].enabled &&
              config->listeners[GW_LISTEN_ADMIN].enabled);
    ck_assert_int_eq(config->listeners[GW_LISTEN_S2S].line, line_of(complete, "s2s:\n"));
    ck_assert_str_eq(config->listeners[GW_LISTEN_S2S].address, "127.0.0.1");
    ck_assert_int_eq(config->listeners[GW_LISTEN_S2S].port, 8443);
    ck_assert_uint_eq(config->listeners[GW_LISTEN_S2S].client_ca.count, 1);
    assert_path(config->listeners[GW_LISTEN_S2S].client_ca.items[0], "pki/ca.crt");
    assert_path(config->listeners[GW_LISTEN_S2S].crl.items[0], "pki/ca.crl");
    assert_path(config->listeners[GW_LISTEN_PUBLIC].key, "pki/server.key");
    ck_assert_int_eq(config->listeners[GW_LISTEN_ADMIN].port, 9090);
    ck_assert_ptr_null(config->listeners[GW_LISTEN_ADMIN].key.path);
}

static void assert_peers(const struct gw_config *config)
{
    ck_assert_uint_eq(config->peer_count, 2);
    const struct gw_peer_config *peer = &config->peers[0];
    ck_assert_str_eq(peer->name, "wallet");
    ck_assert_int_eq(peer->line, line_of(complete, "- name: wallet"));
    ck_assert_uint_eq(peer->rule_count, 4);
    ck_assert_int_eq(peer->rules[0].kind, S2S_PEER_SAN_DNS);
    ck_assert_str_eq(peer->rules[0].value, "wallet.example");
    ck_assert_int_eq(peer->rules[1].kind, S2S_PEER_SAN_URI);
    ck_assert_str_eq(peer->rules[1].value, "https://wallet.example");
    ck_assert_int_eq(peer->rules[2].kind, S2S_PEER_SUBJECT);
    ck_assert_str_eq(peer->rules[2].value, "CN=wallet,O=Example");
    ck_assert_int_eq(peer->rules[3].kind, S2S_PEER_THUMBPRINT);
    ck_assert_str_eq(peer->rules[3].value, "aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899");
    ck_assert_uint_eq(peer->credential_configurations.count, 1);
    ck_assert_str_eq(peer->credential_configurations.items[0], "badge");
    ck_assert_double_eq(peer->rate_limit.per_second, 2.5);
    ck_assert_uint_eq(peer->rate_limit.burst, 400);
    ck_assert_int_eq(peer->verification_nonce, S2S_NONCE_BOUND);
    ck_assert(!peer->wek_binding_required);
    ck_assert_uint_eq(config->peers[1].credential_configurations.count, 0);
    ck_assert_double_eq(config->peers[1].rate_limit.per_second, 0);
    ck_assert_int_eq(config->peers[1].verification_nonce, S2S_NONCE_ANY);
    ck_assert(config->peers[1].wek_binding_required);
}

static void assert_policy(const struct gw_policy_config *policy)
{
    ck_assert_int_eq(policy->decision, GW_DECIDE_REVIEW);
    ck_assert_str_eq(policy->denied_reason, "TOO_LATE");
    ck_assert_str_eq(policy->denied_message, "Sorry.");
    ck_assert_uint_eq(policy->max_attempts, 4);
    ck_assert_int_eq(policy->deadline_ms, 600000);
    ck_assert_uint_eq(policy->authorized_device_count, 2);
    ck_assert_uint_eq(policy->item_count, 2);
    const struct gw_item_policy *item = &policy->items[0];
    ck_assert_str_eq(item->id, "otp-1");
    ck_assert_str_eq(item->type, "urn:s2s-gateway:verification:otp");
    ck_assert(!item->required && item->origin == GW_FROM_SERVER);
    ck_assert_str_eq(item->member, "otp");
    ck_assert_str_eq(item->expected, "012345");
    ck_assert_str_eq(item->mismatch_reason, "OTP_MISMATCH");
    assert_json(item->request, "{\"hint\":\"Sent by mail\",\"digits\":6,\"ratio\":1.50,\"list\":[true,null,\"1\"]}");
    ck_assert(policy->items[1].required && policy->items[1].origin == GW_FROM_CLIENT);
    ck_assert_str_eq(policy->items[1].member, "otp");
    ck_assert_ptr_null(policy->items[1].request);
    ck_assert_str_eq(policy->items[1].mismatch_reason, "ITEM_MISMATCH");
}

static void assert_credential(const struct gw_credential_config *credential)
{
    ck_assert_str_eq(credential->id, "badge");
    ck_assert_int_eq(credential->line, line_of(complete, "- id: badge"));
    ck_assert_str_eq(credential->format, "dc+sd-jwt");
    ck_assert_str_eq(credential->vct, "https://issuer.example/vct/badge");
    ck_assert_str_eq(credential->scope, "badge-scope");
    ck_assert_int_eq(credential->lifetime_s, 7 * 86400);
    ck_assert(!credential->key_binding);
    ck_assert_uint_eq(credential->max_keys, 5);
    ck_assert_uint_eq(credential->decoys, 3);
    ck_assert_int_eq(credential->ready_after_ms, 3000);
    assert_path(credential->signing_key, "keys/signer.key");
    assert_path(credential->signing_certificate, "pki/signer.crt");
    assert_json(credential->display,
                "[{\"name\":\"Badge\",\"locale\":\"en\",\"logo\":{\"uri\":\"https://issuer.example/logo.png\"}}]");
    ck_assert_uint_eq(credential->claim_count, 2);
    ck_assert_str_eq(credential->claims[0].name, "employee_id");
    ck_assert(credential->claims[0].always && !credential->claims[1].always);
    assert_json(credential->claims[0].display, "[{\"name\":\"Employee number\",\"locale\":\"en\"}]");
    assert_path(credential->dataset, "datasets/badge.json");
    ck_assert_str_eq(credential->subject, "erika");
    ck_assert_str_eq(credential->subject_item, "otp-1");
    ck_assert_str_eq(credential->subject_member, "who");
    assert_policy(&credential->policy);
}

static void assert_numbers(const struct gw_config *config)
{
    const struct gw_database_config *database = &config->database;
    const struct gw_limits_config *limits = &config->limits;
    const int64_t found[] = {
        config->workers,
        database->connections,
        database->batch_max,
        database->connect_timeout_ms,
        database->statement_timeout_ms,
        database->lock_timeout_ms,
        database->request_deadline_ms,
        database->answer_retention_ms,
        config->jobs.batch,
        config->jobs.lease_ms,
        config->jobs.poll_ms,
        config->jobs.max_attempts,
        (int64_t)limits->max_body,
        limits->max_depth,
        (int64_t)limits->request_memory,
        limits->max_streams,
        limits->max_resets,
        limits->max_connections,
        limits->max_in_flight,
        limits->handshake_timeout_ms,
        limits->request_timeout_ms,
        limits->idle_timeout_ms,
        limits->drain_timeout_ms,
        limits->tls_session_ms,
    };
    const int64_t expected[] = {2,     3,  16,      500, 20000, 6000, 11000, 259200000, 8,    30000, 250, 5,
                                65536, 16, 2097152, 10,  20,    100,  40,    1000,      2000, 60000, 0,   7200000};
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        ck_assert_msg(found[i] == expected[i], "number %zu is %lld", i, (long long)found[i]);
}

START_TEST(every_key_is_read)
{
    struct gw_config *config = load(complete);
    assert_no_error();
    ck_assert_ptr_nonnull(config);
    assert_path((struct gw_file){.path = config->path}, "gateway.yaml");
    assert_issuer(&config->issuer);
    assert_listeners(config);
    ck_assert_str_eq(config->database.url, "postgresql://s2s@/s2s?host=/run/postgresql");
    ck_assert_int_eq(config->database.line, line_of(complete, "url: postgresql"));
    assert_numbers(config);
    ck_assert_uint_eq(config->data_keys.count, 2);
    assert_path(config->data_keys.items[1], "keys/data-1.key");
    assert_peers(config);
    ck_assert_uint_eq(config->credential_count, 1);
    assert_credential(&config->credentials[0]);
    gw_config_free(config);
}
END_TEST

/* docs/configuration.md, NUL-terminated; free it. */
static char *read_reference(void)
{
    size_t len;
    char *text = gw_file_read(TEST_SOURCE_DIR "/../docs/configuration.md", 1 << 20, &len);
    ck_assert_msg(text != NULL, "docs/configuration.md: %s", strerror(errno));
    return text;
}

START_TEST(the_example_of_the_reference_loads_with_the_defaults)
{
    static const char fence[] = "```yaml\n";
    char *reference = read_reference();
    char *example = strstr(reference, fence) + strlen(fence);
    *strstr(example, "```") = '\0';
    struct gw_config *config = load(example);
    free(reference);
    assert_no_error();
    ck_assert_ptr_nonnull(config);
    ck_assert_uint_ge(config->workers, 1);
    ck_assert(!config->listeners[GW_LISTEN_PUBLIC].enabled);
    ck_assert_ptr_null(config->issuer.metadata_key.path);
    ck_assert_int_eq(config->issuer.session_lifetime_ms, 86400000);
    ck_assert_int_eq(config->issuer.iat_window_s, 300);
    ck_assert_int_eq(config->issuer.poll_interval_s, 2);
    ck_assert_str_eq(config->listeners[GW_LISTEN_ADMIN].address, "127.0.0.1");
    ck_assert_uint_eq(config->listeners[GW_LISTEN_S2S].crl.count, 0);
    ck_assert_uint_eq(config->database.connections, 2);
    ck_assert_uint_eq(config->database.batch_max, 64);
    ck_assert_int_eq(config->database.answer_retention_ms, 48 * 3600 * 1000);
    ck_assert_int_eq(config->jobs.lease_ms, 60000);
    ck_assert_uint_eq(config->limits.max_body, 1 << 20);
    ck_assert_int_eq(config->limits.tls_session_ms, 3600000);
    const struct gw_credential_config *credential = &config->credentials[0];
    ck_assert_str_eq(credential->format, "dc+sd-jwt");
    ck_assert_int_eq(credential->lifetime_s, 14 * 86400);
    ck_assert(credential->key_binding);
    ck_assert_uint_eq(credential->max_keys, 20);
    ck_assert_ptr_null(credential->scope);
    ck_assert_ptr_null(credential->subject_item);
    ck_assert_str_eq(credential->subject, "default");
    ck_assert_str_eq(credential->subject_member, "subject");
    ck_assert_int_eq(credential->policy.decision, GW_DECIDE_APPROVE);
    ck_assert_str_eq(credential->policy.denied_reason, "NOT_ELIGIBLE");
    ck_assert_uint_eq(credential->policy.max_attempts, 0);
    ck_assert_uint_eq(credential->policy.authorized_device_count, 1);
    ck_assert_uint_eq(credential->policy.item_count, 0);
    gw_config_free(config);
}
END_TEST

/* ---- What is refused: one change to the complete file, one error in the line where the change begins, or that "#!"
 * marks ---- */

struct change {
    const char *find, *by, *message;
};

static const struct change changes[] = {
    /* unknown, missing and repeated keys */
    {"poll_interval", "pol_intervall", "issuer: unknown key 'pol_intervall'; did you mean 'poll_interval'?"},
    {"workers", "wrokers", "unknown key 'wrokers'; did you mean 'workers'?"},
    {"workers: 2", "colour: red", "unknown key 'colour'; remove it"},
    {"issuer:\n  identifier: https://issuer.example\n", "issuer:\n",
     "issuer: the required key 'identifier' is missing; add it"},
    {"key: keys/metadata.key, ", "", "issuer.metadata_signing: the required key 'key' is missing"},
    {"verification:\n      decision: review\n", "verification:\n", "the required key 'decision' is missing"},
    {"jobs: {", "jobs: { batch: 9,", "'batch' stands here twice, first in line"},
    {"workers: 2", "workers: 2\nworkers: 3 #!", "'workers' stands here twice, first in line 1; remove one"},
    /* wrong types */
    {"workers: 2", "workers: \"2\"", "workers: expected integer, found a text; write for example 1"},
    {"workers: 2", "workers: [2]", "expected integer, found a list"},
    {"workers: 2", "workers: 2.5", "expected integer, found a fraction"},
    {"workers: 2", "workers:", "expected integer, found nothing"},
    {"workers: 2", "workers: \"a\\nb\"", "expected integer"},
    {"jobs: { batch: 8, lease: 30s, poll: 250ms, max_attempts: 5 }", "jobs: 5",
     "jobs: expected a mapping (lines of 'key: value'), found an integer"},
    {"key_binding: false", "key_binding: no", "expected boolean, found a text; write for example true"},
    {"expected: \"012345\"", "expected: 12345", "expected string, found a number or a boolean; put it in quotes"},
    {"name: wallet", "name: true", "put it in quotes"},
    {"scope: badge-scope", "scope: {}", "expected string, found a mapping"},
    {"scope: badge-scope", "scope: \"\"", "expected string, found a text"},
    {"client_ca: [pki/ca.crt]", "client_ca: pki/ca.crt",
     "expected list of files, found a text; write for example [pki/ca.crt]"},
    {"[badge]", "badge", "peers[0].credential_configurations: expected list of names"},
    {"[badge]", "[ {} ]", "expected list of names, found a mapping"},
    {"[badge]", "[]", "the list is empty"},
    {"[ { name: \"Example Issuer\", locale: en } ]", "[ Example ]", "issuer.display: expected list of objects"},
    {"[ { name: \"Example Issuer\", locale: en } ]", "Example", "issuer.display: expected list of objects"},
    {"[ { san_dns: other.example } ]", "other.example", "expected list of sections"},
    {"[ { san_dns: other.example } ]", "[ other.example ]", "peers[1].identity[0]: expected a mapping"},
    {"[ { san_dns: other.example } ]", "[]", "the list is too short; give at least 1"},
    {"per_second: 2.5", "per_second: fast", "peers[0].rate_limit.per_second: expected number, found a text"},
    {"certificate: pki/signer.crt", "certificate: 1", "expected file, found an integer"},
    {"[ keys/data-2.key, keys/data-1.key ]", "[]", "data_keys: the list is empty; name at least one file"},
    {"[ keys/data-2.key, keys/data-1.key ]", "keys", "data_keys: expected list of secret files"},
    {"{ hint: \"Sent by mail\", digits: 6, ratio: 1.50, list: [true, null, \"1\"] }", "[]",
     "expected object, found a list"},
    /* malformed values */
    {"lease: 30s", "lease: 30", "jobs.lease: not a duration; write for example 500ms"},
    {"lease: 30s", "lease: 1h30m", "not a duration"},
    {"lease: 30s", "lease: -3s", "not a duration"},
    {"lease: 30s", "lease: [30s]", "expected duration, found a list"},
    {"iat_window: 60s", "iat_window: 1500ms", "not a whole number of seconds; round it"},
    {"max_body: 64KiB", "max_body: 64kB", "not a size; write for example 64KiB"},
    {"2027-01-31T00:00:00Z", "2027-02-30T00:00:00Z", "not a time (RFC 3339)"},
    {"2027-01-31T00:00:00Z", "2027-01-31", "not a time (RFC 3339)"},
    {"2027-01-31T00:00:00Z", "2027-01-31T00:00:00", "not a time (RFC 3339)"},
    {"2027-01-31T00:00:00Z", "2027-01-31T00:00:00+24:00", "not a time (RFC 3339)"},
    {"verification_nonce: bound", "verification_nonce: bund", "not one of any, bound; did you mean 'bound'?"},
    {"origin: server", "origin: elsewhere", "unknown value; write one of client, server"},
    {"format: dc+sd-jwt", "format: mso_mdoc", "write one of dc+sd-jwt"},
    {"address: 127.0.0.1", "address: localhost", "listeners.s2s.address: not a numeric IPv4 or IPv6 address"},
    {"name: wallet", "name: my wallet", "not a name; use 1 to 64 of the characters"},
    {"name: wallet", "name: none", "peers[0].name: 'none' is reserved; give another"},
    /* ranges */
    {"workers: 2", "workers: 0", "workers: out of range; give 1 to 1024"},
    {"workers: 2", "workers: 99999999999999999999", "out of range"},
    {"port: 9090", "port: 65536", "listeners.admin.port: out of range; give 1 to 65535"},
    {"answer_retention: 72h", "answer_retention: 23h", "database.answer_retention: out of range; give 1d to 365d"},
    {"max_body: 64KiB", "max_body: 100GiB", "out of range; give 1KiB to 64MiB"},
    {"max_body: 64KiB", "max_body: 99999999999999999GiB", "out of range"},
    {"per_second: 2.5", "per_second: 0", "give a number above 0"},
    {"per_second: 2.5", "per_second: 1e999", "give a number above 0"},
    /* URLs */
    {"identifier: https://issuer.example", "identifier: http://issuer.example", "not an https URL"},
    {"identifier: https://issuer.example", "identifier: https://issuer.example?a=b",
     "has a query or a fragment; remove it"},
    {"identifier: https://issuer.example", "identifier: https://issuer.example/x#y", "has a query or a fragment"},
    {"identifier: https://issuer.example", "identifier: https://u:p@issuer.example", "holds a user or password"},
    {"identifier: https://issuer.example", "identifier: https://", "names no host"},
    {"identifier: https://issuer.example", "identifier: https://issuer.example:0",
     "the port of the URL is not 1 to 65535"},
    {"identifier: https://issuer.example", "identifier: https://issuer.example:+1",
     "the port of the URL is not 1 to 65535"},
    {"identifier: https://issuer.example", "identifier: https://issuer_.example",
     "the host of the URL holds a character"},
    {"identifier: https://issuer.example", "identifier: https://issuer.example/a b", "percent-encode it"},
    {"identifier: https://issuer.example", "identifier: \"https://[::1\"", "not an IPv6 address in brackets"},
    {"url: https://issuer.example:8443/s2s", "url: https://issuer.example:8443/s2s/",
     "issuer.url: the URL ends with a slash; remove it"},
    {"url: https://issuer.example:8443/s2s", "url: https://issuer.example:8443/a//b", "empty or dotted segment"},
    {"url: https://issuer.example:8443/s2s", "url: https://issuer.example:8443/../b", "empty or dotted segment"},
    /* hosts */
    {"[docs.example,", "[ https://docs.example,", "peers[0].content_hosts: not a host; write docs.example, or"},
    {"[docs.example,", "[ \"*.example\",", "not a host"},
    {"[docs.example,", "[ docs.example/x,", "not a host"},
    {"[docs.example,", "[ \"u@docs.example\",", "not a host"},
    {"[docs.example,", "[ \"docs.example:0\",", "not a host"},
    {"[docs.example,", "[ \"docs.example:https\",", "not a host"},
    {"[docs.example,", "[ \"2a00::1\",", "not a host"},
    {"[docs.example, \"docs.example:8443\", \"[2a00::1]:8443\"]", "docs.example",
     "expected list of hosts, found a text; write for example [docs.example, \"docs.example:8443\"]"},
    /* files */
    {"datasets/badge.json", "datasets/bage.json", "datasets/bage.json: No such file or directory; correct the path"},
    {"datasets/badge.json", "datasets", "Is a directory"},
    {"datasets/badge.json", "/dev/null", "cannot read /dev/null: not a regular file"},
    {"[pki/ca.crl]", "[pki/ca.crl, pki/none]", "listeners.s2s.crl[1]: cannot read"},
    {"file: keys/enc-1.jwk", "file: pki/ca.crt", "is open to group or others (mode 0644); run: chmod 600 /"},
    /* rules between keys */
    {"admin: { address: 127.0.0.1", "admin: { address: 0.0.0.0",
     "listeners.admin.address: the operators' listener has no TLS; give a loopback address"},
    {"admin: { address: 127.0.0.1", "admin: { address: \"::\"", "give a loopback address"},
    {"port: 8444", "port: 8443", "listeners: address and port are those of line 14"},
    {"limits:\n  max_body: 64KiB", "limits:\n  max_body: 4MiB", "limits: request_memory is less than 8 times max_body"},
    {"encryption_keys:\n    - file: keys/enc-2.jwk",
     "encryption_keys:\n    - { file: keys/enc-2.jwk, retire_after: 2030-01-01T00:00:00Z }",
     "issuer.encryption_keys: the newest key retires"},
    {"keys/enc-2.jwk\n    - { file: keys/enc-1.jwk, retire_after: 2027-01-31T00:00:00Z }",
     "keys/enc-1.jwk\n    - file: keys/enc-1.jwk #!", "file 'keys/enc-1.jwk' is taken by line 7"},
    {"name: other-wallet", "name: wallet", "peers: name 'wallet' is taken by line"},
    {"[badge]", "[badge, bagde]",
     "peers[0].credential_configurations: no credential configuration has the id 'bagde'; did you mean 'badge'?"},
    {"[badge]", "[badge, passport]", "has the id 'passport'; add it or remove it here"},
    {"verification_nonce: bound", "attestation: required",
     "peers[0].attestation: nobody may make attestations; add attestation_trust"},
    {"san_dns: other.example", "san_dns: WALLET.example", "peers: this identity stands in line 50 too"},
    {"san_dns: other.example", "san_dns: a.example, san_uri: https://a.example", "give exactly one"},
    {"san_dns: other.example", "san_dns: \"*.example\"", "(no wildcards)"},
    {"san_dns: other.example", "san_uri: wallet", "not a URI"},
    {"san_dns: other.example", "subject: wallet", "not a distinguished name"},
    {"san_dns: other.example", "thumbprint: \"aa:bb\"", "not a SHA-256 thumbprint"},
    {"san_dns: other.example", "san_dns: [a]", "expected host name, found a list"},
    {"id: otp-2", "id: otp-1", "id 'otp-1' is taken by line"},
    {"name: given_name", "name: employee_id", "name 'employee_id' is taken by line"},
    {"name: given_name", "name: vct", "'vct' is not for datasets"},
    {"type: urn:s2s-gateway:verification:otp\n          required: false\n          origin: server\n"
     "          member: otp\n          expected: \"012345\"",
     "type: urn:example:pin\n          expected: \"012345\" #!", "nothing says which member to compare"},
    {"request: { hint", "request: { type: x, hint", "'type' is set by the gateway"},
    {"type: urn:s2s-gateway:verification:otp\n          required",
     "type: urn:s2s-gateway:verification:opt\n          required",
     "there is no such type; did you mean 'urn:s2s-gateway:verification:otp'?"},
    {OTP_2, ITEM("pre_authorized_code") "          member: otp #!\n",
     "items[1].member: items of this type have no use for it"},
    {OTP_2, ITEM("prior_session") "          origin: client #!\n", "only the wallet server can send this"},
    {OTP_2, "- id: otp-2 #!\n          type: urn:s2s-gateway:verification:auth_on_web\n",
     "the required key 'redirect_url' is missing"},
    {OTP_2, ITEM("auth_on_web") REDIRECT "          origin: server #!\n",
     "items[1].origin: items of this type have no use for it"},
    {OTP_2, ITEM("auth_on_web") REDIRECT "          request: { redirect_url: https://elsewhere.example/ } #!\n",
     "'redirect_url' is set by the gateway"},
    {OTP_2, "- id: otp-2 #!\n          type: urn:s2s-gateway:verification:openid4vp\n          trust: [pki/ca.crt]\n",
     "the required key 'dcql' is missing"},
    {OTP_2,
     ITEM("openid4vp") "          trust: [pki/ca.crt]\n          dcql: { credentials: [ { id: pid, format: mso_mdoc } "
                       "] } #!\n",
     "items[1].dcql: not a query that can be checked: at '/credentials/0/format'"},
    {"subject_item: otp-1", "subject_item: otp-9", "no item of verification.items has the id 'otp-9'"},
    {"postgresql://s2s@/s2s?host=/run/postgresql", "\"host = = x\"",
     "database: url is not a connection string of libpq"},
    {"database:\n  url: postgresql://s2s@/s2s?host=/run/postgresql\n", "database:\n",
     "database: the required key 'url' is missing; add it, or set S2S_DATABASE_URL"},
    /* YAML itself */
    {"issuer:\n", "issuer: &a\n", "anchors (&name) are not supported"},
    {"workers: 2", "workers: *a", "aliases (*name) are not supported"},
    {"workers: 2", "workers: !!int 2", "tags (!name) are not supported"},
    {"workers: 2\nissuer:", "workers: [2\nissuer: #!", "YAML syntax: while parsing a flow sequence"},
    {"workers: 2", "workers: \"\\0\"", "holds a NUL character"},
    {"workers: 2", "? [a]\n: 2", "a key is a list or a mapping"},
    {"jobs:", "---\njobs:", "a second document begins; keep one"},
    {"scope: badge-scope", "scope: \xff", "YAML syntax: "},
};

START_TEST(a_fault_is_reported_where_it_stands)
{
    const struct change *change = &changes[_i];
    char *text = replace(complete, change->find, change->by);
    const char *marker = strstr(text, "#!");
    int line = marker != NULL ? line_of(text, "#!") : line_of(complete, change->find);
    ck_assert_ptr_null(load(text));
    assert_one_error(line, change->message);
}
END_TEST

/* ---- What is refused: several places, or no one place ---- */

static void assert_refused(const char *text, unsigned count, const char *message)
{
    ck_assert_ptr_null(load(text));
    fflush(errors.out);
    ck_assert_msg(errors.count == count, "%u errors expected: %s", count, error_text);
    ck_assert_msg(strstr(error_text, message) != NULL, "\"%s\" expected: %s", message, error_text);
}

START_TEST(all_errors_are_reported)
{
    char *text = replace(complete, "workers: 2", "workers: many");
    text = replace(text, "port: 8443", "prot: 8443");
    text = replace(text, "lease: 30s", "lease: soon");
    text = replace(text, "datasets/badge.json", "datasets/none");
    text = replace(text, "name: other-wallet", "name: wallet");
    assert_refused(text, 6, "listeners.s2s: the required key 'port' is missing");
    ck_assert_ptr_nonnull(strstr(error_text, "workers: "));
    ck_assert_ptr_nonnull(strstr(error_text, "did you mean 'port'"));
    ck_assert_ptr_nonnull(strstr(error_text, "jobs.lease: "));
    ck_assert_ptr_nonnull(strstr(error_text, "datasets/none: "));
    ck_assert_ptr_nonnull(strstr(error_text, "name 'wallet' is taken"));
}
END_TEST

START_TEST(configuration_ids_are_names)
{
    assert_refused(replace(complete, "id: badge", "id: a/b"), 2, "credential_configurations[0].id: not a name");
}
END_TEST

START_TEST(an_empty_mapping_lacks_all_that_is_required)
{
    assert_refused("{}", 6, "test.yaml:1: the required key 'credential_configurations' is missing");
    ck_assert_ptr_nonnull(strstr(error_text, "test.yaml:1: database: the required key 'url' is missing"));
}
END_TEST

START_TEST(other_roots_are_refused)
{
    assert_refused(_i == 0   ? ""
                   : _i == 1 ? "# nothing\n"
                   : _i == 2 ? "- a"
                             : "text",
                   1, _i < 2 ? "the file is empty" : "expected a mapping");
}
END_TEST

START_TEST(nesting_is_bounded)
{
    char text[2001];
    memset(text, '[', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_refused(text, 1, "nested more than 32 deep");
}
END_TEST

START_TEST(the_number_of_values_is_bounded)
{
    char *text = s2s_arena_alloc(arena, 200002);
    memset(text, '[', 1);
    for (size_t i = 1; i < 200000; i += 2)
        memcpy(text + i, "1,", 2);
    assert_refused(text, 1, "more than 65536 values");
}
END_TEST

START_TEST(the_size_is_bounded)
{
    char *text = s2s_arena_alloc(arena, ((size_t)1 << 20) + 2);
    memset(text, '#', ((size_t)1 << 20) + 1);
    assert_refused(text, 1, "the file is larger than 1 MiB");
}
END_TEST

START_TEST(an_alias_bomb_is_refused)
{
    assert_refused("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n", 9, "aliases (*name)");
}
END_TEST

START_TEST(a_missing_file_is_reported)
{
    ck_assert_ptr_null(gw_config_load(file_at("none.yaml", 0).path, &errors));
    fflush(errors.out);
    ck_assert_ptr_nonnull(strstr(error_text, "test.yaml: cannot read the file: No such file or directory"));
}
END_TEST

START_TEST(errors_are_one_line_each)
{
    gw_config_error(&errors, 3, "a\nb\x1b[31m%s", "\r");
    gw_config_error(&errors, 0, "c");
    fflush(errors.out);
    ck_assert_str_eq(error_text, "test.yaml:3: a?b?[31m?\ntest.yaml: c\n");
    ck_assert_uint_eq(errors.count, 2);
}
END_TEST

/* ---- The database's URL and its password ---- */

static char *with_password(void)
{
    return replace(complete, "postgresql://s2s@/s2s?host=/run/postgresql", "postgresql://s2s:hush@db.example/s2s");
}

START_TEST(a_file_with_a_password_must_be_closed_to_others)
{
    struct gw_config *config = load(with_password());
    assert_no_error();
    gw_config_free(config);
    ck_assert_int_eq(chmod(file_at("gateway.yaml", 0).path, 0640), 0);
    ck_assert_ptr_null(gw_config_load(file_at("gateway.yaml", 0).path, &errors));
    fflush(errors.out);
    ck_assert_ptr_null(strstr(error_text, "hush"));
    assert_one_error(line_of(complete, "url: postgresql"),
                     "the URL holds a password, but this file is open to group or others; run: chmod 600 /");
}
END_TEST

START_TEST(the_url_may_come_from_the_environment)
{
    setenv("S2S_DATABASE_URL", "host=db.example dbname=s2s password=hush", 1);
    struct gw_config *config = load(replace(complete, "  url: postgresql://s2s@/s2s?host=/run/postgresql\n", ""));
    assert_no_error();
    ck_assert_str_eq(config->database.url, "host=db.example dbname=s2s password=hush");
    ck_assert_int_eq(config->database.line, 0);
    gw_config_free(config);
    config = load(complete);
    ck_assert_str_eq(config->database.url, "postgresql://s2s@/s2s?host=/run/postgresql");
    gw_config_free(config);
    setenv("S2S_DATABASE_URL", "no url, but hush", 1);
    ck_assert_ptr_null(load(replace(complete, "  url: postgresql://s2s@/s2s?host=/run/postgresql\n", "")));
    fflush(errors.out);
    ck_assert_ptr_nonnull(strstr(error_text, "S2S_DATABASE_URL is not a connection string"));
    ck_assert_ptr_null(strstr(error_text, "hush"));
}
END_TEST

START_TEST(the_database_section_may_be_left_out)
{
    setenv("S2S_DATABASE_URL", "postgresql:///s2s", 1);
    char *text = replace(complete, "database:\n", "");
    for (int line = 0; line < 8; line++) {
        char *start = strstr(text, "  admin:"), *next = strchr(strchr(start, '\n') + 1, '\n') + 1;
        memmove(strchr(start, '\n') + 1, next, strlen(next) + 1);
    }
    struct gw_config *config = load(text);
    assert_no_error();
    ck_assert_str_eq(config->database.url, "postgresql:///s2s");
    ck_assert_uint_eq(config->database.batch_max, 64);
    gw_config_free(config);
}
END_TEST

/* ---- The rest ---- */

static const struct {
    const char *url, *base_path;
} base_paths[] = {
    {"https://issuer.example", ""},
    {"https://issuer.example:8443", ""},
    {"https://issuer.example/a/b-c", "/a/b-c"},
    {"\"https://[::1]:8443/s2s\"", "/s2s"},
};

START_TEST(the_base_path_is_the_path_of_the_url)
{
    struct gw_config *config = load(replace(complete, "https://issuer.example:8443/s2s", base_paths[_i].url));
    assert_no_error();
    ck_assert_str_eq(config->issuer.base_path, base_paths[_i].base_path);
    gw_config_free(config);
}
END_TEST

static const struct {
    const char *text;
    int64_t seconds;
} times[] = {
    {"2027-01-31T02:30:00+02:30", 1801353600},
    {"2027-01-30T23:00:00-01:00", 1801353600},
    {"2028-02-29T00:00:00Z", 1835395200},
};

START_TEST(times_have_offsets)
{
    struct gw_config *config = load(replace(complete, "2027-01-31T00:00:00Z", times[_i].text));
    assert_no_error();
    ck_assert_int_eq(config->issuer.encryption_keys[1].retire_after, times[_i].seconds);
    gw_config_free(config);
}
END_TEST

START_TEST(other_loopback_addresses_are_accepted)
{
    struct gw_config *config = load(replace(complete, "admin: { address: 127.0.0.1", "admin: { address: \"::1\""));
    assert_no_error();
    gw_config_free(config);
}
END_TEST

START_TEST(items_have_the_defaults_of_their_type)
{
    static const struct {
        const char *type, *more, *member, *reason;
        enum gw_item_kind kind;
        enum gw_item_origin origin;
    } types[] = {
        {ITEM("otp"), "", "otp", "ITEM_MISMATCH", GW_ITEM_OTP, GW_FROM_CLIENT},
        {ITEM("risk_signals"), "", NULL, "ITEM_MISMATCH", GW_ITEM_RISK_SIGNALS, GW_FROM_SERVER},
        {ITEM("risk_signals"), "          origin: client\n", NULL, "ITEM_MISMATCH", GW_ITEM_RISK_SIGNALS,
         GW_FROM_CLIENT},
        {ITEM("pre_authorized_code"), "", NULL, NULL, GW_ITEM_OFFER, GW_FROM_CLIENT},
        {ITEM("prior_session"), "", NULL, NULL, GW_ITEM_PRIOR_SESSION, GW_FROM_SERVER},
        {ITEM("auth_on_web"), REDIRECT, NULL, NULL, GW_ITEM_WEB, GW_FROM_ISSUER},
        {ITEM("document"), "", NULL, NULL, GW_ITEM_DOCUMENT, GW_FROM_CLIENT},
        {ITEM("openid4vp"),
         "          trust: [pki/ca.crt]\n          dcql: { credentials: [ { id: pid, format: dc+sd-jwt, "
         "meta: { vct_values: [https://issuer.example/vct/pid] } } ] }\n",
         NULL, NULL, GW_ITEM_PRESENTATION, GW_FROM_CLIENT},
        {"- id: otp-2\n          type: urn:example:pin\n", "", NULL, "ITEM_MISMATCH", GW_ITEM_OTHER, GW_FROM_CLIENT},
    };
    struct gw_config *config =
        load(replace(complete, OTP_2, s2s_arena_printf(arena, "%s%s", types[_i].type, types[_i].more)));
    assert_no_error();
    const struct gw_item_policy *item = &config->credentials[0].policy.items[1];
    ck_assert_int_eq(item->kind, types[_i].kind);
    ck_assert_int_eq(item->origin, types[_i].origin);
    ck_assert_pstr_eq(item->member, types[_i].member);
    ck_assert_pstr_eq(item->mismatch_reason, types[_i].reason);
    ck_assert_int_eq(item->query != NULL, item->kind == GW_ITEM_PRESENTATION);
    if (gw_item_type_of(item->kind) != NULL)
        ck_assert_str_eq(gw_item_type_of(item->kind), item->type);
    gw_config_free(config);
}
END_TEST

START_TEST(a_compared_item_may_be_tried_three_times_by_default)
{
    struct gw_config *config = load(replace(complete, "      max_attempts: 4\n", ""));
    assert_no_error();
    ck_assert_uint_eq(config->credentials[0].policy.max_attempts, 3);
    gw_config_free(config);
}
END_TEST

START_TEST(paths_are_absolute_whatever_the_current_folder)
{
    write_with_mode("gateway.yaml", complete, 0600);
    ck_assert_int_eq(chdir(folder), 0);
    struct gw_config *config = gw_config_load("gateway.yaml", &errors);
    assert_no_error();
    assert_path(config->data_keys.items[0], "keys/data-2.key");
    gw_config_free(config);
}
END_TEST

START_TEST(the_reference_is_fresh)
{
    char *fresh = NULL;
    size_t len;
    FILE *out = open_memstream(&fresh, &len);
    gw_config_write_reference(out);
    fclose(out);
    char *committed = read_reference();
    ck_assert_msg(strcmp(fresh, committed) == 0,
                  "docs/configuration.md is stale; run: gw-docgen > docs/configuration.md");
    free(committed);
    free(fresh);
}
END_TEST

START_TEST(small_files_are_read_whole)
{
    size_t len;
    struct gw_file file = write_file("text", 0, "hello");
    char *text = gw_file_read(file.path, 5, &len);
    ck_assert_str_eq(text, "hello");
    ck_assert_uint_eq(len, 5);
    free(text);
    ck_assert_ptr_null(gw_file_read(file.path, 4, &len));
    ck_assert_int_eq(errno, EFBIG);
    ck_assert_ptr_null(gw_file_read(folder, 4, &len));
    ck_assert_int_eq(errno, EISDIR);
    ck_assert_ptr_null(gw_file_read("/dev/null", 4, &len));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_ptr_null(gw_file_read(file_at("none", 0).path, 4, &len));
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

static Suite *config_suite(void)
{
    Suite *suite = suite_create("config");
    TCase *tc = tcase_create("config");
    tcase_add_checked_fixture(tc, set_up, fixture_teardown);
    tcase_add_test(tc, every_key_is_read);
    tcase_add_test(tc, the_example_of_the_reference_loads_with_the_defaults);
    tcase_add_loop_test(tc, a_fault_is_reported_where_it_stands, 0, COUNT(changes));
    tcase_add_test(tc, all_errors_are_reported);
    tcase_add_test(tc, configuration_ids_are_names);
    tcase_add_test(tc, an_empty_mapping_lacks_all_that_is_required);
    tcase_add_loop_test(tc, other_roots_are_refused, 0, 4);
    tcase_add_test(tc, nesting_is_bounded);
    tcase_add_test(tc, the_number_of_values_is_bounded);
    tcase_add_test(tc, the_size_is_bounded);
    tcase_add_test(tc, an_alias_bomb_is_refused);
    tcase_add_test(tc, a_missing_file_is_reported);
    tcase_add_test(tc, errors_are_one_line_each);
    tcase_add_test(tc, a_file_with_a_password_must_be_closed_to_others);
    tcase_add_test(tc, the_url_may_come_from_the_environment);
    tcase_add_test(tc, the_database_section_may_be_left_out);
    tcase_add_loop_test(tc, the_base_path_is_the_path_of_the_url, 0, COUNT(base_paths));
    tcase_add_loop_test(tc, times_have_offsets, 0, COUNT(times));
    tcase_add_test(tc, other_loopback_addresses_are_accepted);
    tcase_add_loop_test(tc, items_have_the_defaults_of_their_type, 0, 9);
    tcase_add_test(tc, a_compared_item_may_be_tried_three_times_by_default);
    tcase_add_test(tc, paths_are_absolute_whatever_the_current_folder);
    tcase_add_test(tc, the_reference_is_fresh);
    tcase_add_test(tc, small_files_are_read_whole);
    suite_add_tcase(suite, tc);
    return suite;
}

S2S_TEST_MAIN(config_suite)
