/* SPDX-License-Identifier: Apache-2.0
 *
 * What a configuration holds beside that of an issuer: the wallet's part, peers of either side, receivers of webhooks.
 */
#include "fixture.h"

#include <sys/stat.h>

#define HEX32 "00112233445566778899aabbccddeeff"

static const char complete[] = "role: wallet\n"
                               "workers: 1\n"
                               "wallet:\n"
                               "  url: https://wallet.example:9443/s2s\n"
                               "  poll: { enabled: false, first: 1s, longest: 30s }\n"
                               "  lifecycle: backend\n"
                               "  fetch_retention: 2h\n"
                               "  app_tokens:\n"
                               "    - { name: backend, sha256: \"" HEX32 HEX32 "\" }\n"
                               "    - { name: spare, sha256: \"FF" HEX32 "112233445566778899aabbccddeeff\" }\n"
                               "listeners:\n"
                               "  wallet:\n"
                               "    address: 127.0.0.1\n"
                               "    port: 9443\n"
                               "    certificate: server.crt\n"
                               "    key: server.key\n"
                               "    client_ca: [ca.crt]\n"
                               "  app: { address: 127.0.0.1, port: 9444 }\n"
                               "  admin: { port: 9090 }\n"
                               "database: { url: postgresql://s2s@/wallet }\n"
                               "reconcile: { every: 0s, in_process_limit: 5m }\n"
                               "data_keys: [data.key]\n"
                               "webhooks:\n"
                               "  - name: backend\n"
                               "    url: http://127.0.0.1:8080/hooks\n"
                               "    events: [verification.changed, lifecycle.requested]\n"
                               "    secrets: [new.key, old.key]\n"
                               "peers:\n"
                               "  - name: issuer\n"
                               "    identity: [ { san_dns: issuer.example } ]\n"
                               "    url: https://issuer.example:8443/s2s\n"
                               "    credential_issuer: https://issuer.example:444/tenant\n"
                               "  - name: other-issuer\n"
                               "    identity: [ { san_dns: other.example } ]\n"
                               "    role: issuer\n"
                               "    url: https://other.example\n";

static void write_with_mode(const char *name, const char *content, mode_t mode)
{
    ck_assert_int_eq(chmod(write_file(name, 0, content).path, mode), 0);
}

static void set_up(void)
{
    static const char *const plain[] = {"server.crt", "ca.crt"};
    static const char *const secret[] = {"server.key", "data.key", "new.key", "old.key"};
    fixture_setup();
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        write_with_mode(plain[i], "x", 0644);
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        write_with_mode(secret[i], "x", 0600);
}

static struct gw_config *load(const char *text)
{
    write_with_mode("gateway.yaml", text, 0600);
    return gw_config_load(file_at("gateway.yaml", 0).path, &errors);
}

START_TEST(a_wallet_is_read)
{
    struct gw_config *config = load(complete);
    fflush(errors.out);
    ck_assert_msg(config != NULL, "%s", error_text);
    ck_assert_uint_eq(config->roles, GW_ROLE_WALLET);
    ck_assert_str_eq(config->wallet.base_path, "/s2s");
    ck_assert(!config->wallet.poll.enabled && config->wallet.lifecycle_backend);
    ck_assert_int_eq(config->wallet.poll.first_ms, 1000);
    ck_assert_int_eq(config->wallet.poll.longest_ms, 30000);
    ck_assert_int_eq(config->wallet.fetch_retention_ms, 2 * 3600 * 1000);
    ck_assert_uint_eq(config->wallet.app_token_count, 2);
    ck_assert_uint_eq(config->wallet.app_tokens[0].sha256[1], 0x11);
    ck_assert_uint_eq(config->wallet.app_tokens[1].sha256[0], 0xff);
    ck_assert(config->listeners[GW_LISTEN_WALLET].enabled && config->listeners[GW_LISTEN_APP].enabled);
    ck_assert(!config->listeners[GW_LISTEN_S2S].enabled && !config->listeners[GW_LISTEN_PUBLIC].enabled);
    ck_assert_int_eq(config->reconcile.every_ms, 0);
    ck_assert_int_eq(config->reconcile.in_process_limit_ms, 300000);
    ck_assert_uint_eq(config->webhook_count, 1);
    ck_assert_uint_eq(config->webhooks[0].to.secrets.count, 2);
    ck_assert_uint_eq(config->webhooks[0].events.count, 2);
    ck_assert_uint_eq(config->peers[0].role, GW_ROLE_ISSUER);
    ck_assert_str_eq(config->peers[0].issuer_origin, "https://issuer.example:444");
    ck_assert_str_eq(config->peers[1].credential_issuer, "https://other.example");
    ck_assert_str_eq(config->peers[1].issuer_origin, "https://other.example");
    gw_config_free(config);
}
END_TEST

static const struct change {
    const char *find, *by, *message; /* "#!" in `by` marks the line of the error */
} changes[] = {
    /* what a role needs, and what is not for it */
    {"role: wallet", "role: walet", "role: not one of issuer, wallet, both; did you mean 'wallet'?"},
    {"workers: 1\n", "issuer: {}\n", "the key 'issuer' is not for this `role`; remove it"},
    {"workers: 1\n", "credential_configurations: []\n", "the key 'credential_configurations' is not for this `role`"},
    {"  app: { address: 127.0.0.1, port: 9444 }\n", "", "listeners: the required key 'app' is missing"},
    {"    url: https://issuer.example:8443/s2s\n    credential_issuer: https://issuer.example:444/tenant\n",
     "    role: wallet #!\n", "peers[0].role: this process is on the same side"},
    /* the wallet */
    {"url: https://wallet.example:9443/s2s", "url: https://wallet.example:9443/",
     "wallet.url: the URL ends with a slash"},
    {"longest: 30s", "longest: 500ms", "wallet.poll.longest: less than first"},
    {HEX32 HEX32, HEX32, "wallet.app_tokens[0].sha256: not a SHA-256; write 64 hexadecimal digits"},
    {"FF" HEX32 "112233445566778899aabbccddeeff", HEX32 HEX32, "wallet.app_tokens: this token stands in line 9 too"},
    /* its application listener */
    {"app: { address: 127.0.0.1, port: 9444 }", "app: { address: 127.0.0.1 }",
     "give either socket, or address and port"},
    {"app: { address: 127.0.0.1, port: 9444 }", "app: { socket: a, port: 9444 }",
     "give either socket, or address and port"},
    {"app: { address: 127.0.0.1, port: 9444 }", "app: { address: 192.0.2.1, port: 9444 }",
     "listeners.app.address: without TLS only a loopback address is possible"},
    {"app: { address: 127.0.0.1, port: 9444 }", "app: { address: 192.0.2.1, port: 9444, client_ca: [ca.crt] }",
     "certificate, key and client_ca go together"},
    {"app: { address: 127.0.0.1, port: 9444 }",
     "app: { socket: a, certificate: server.crt, key: server.key, client_ca: [ca.crt] }", "a Unix socket has no TLS"},
    {"app: { address: 127.0.0.1, port: 9444 }",
     "app: { socket: "
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa }",
     "listeners.app.socket: the path is longer than 107 octets"},
    {"port: 9444", "port: 9443", "address and port are those of line"},
    /* receivers of webhooks */
    {"http://127.0.0.1:8080/hooks", "http://192.0.2.1/hooks", "webhooks[0].url: http is for a loopback address only"},
    {"http://127.0.0.1:8080/hooks", "ftp://127.0.0.1/", "webhooks[0].url: not an https URL"},
    {"verification.changed", "verification.change", "there is no such event; did you mean 'verification.changed'?"},
    {"secrets: [new.key, old.key]", "secrets: []", "webhooks[0].secrets: the list is empty"},
    {", lifecycle.requested]", "]",
     "wallet.lifecycle: `backend` needs a webhook that is sent the event lifecycle.requested"},
};

/* It is one to whom all events are sent, too. */
START_TEST(a_webhook_without_a_choice_hears_of_lifecycles)
{
    const char *choice = "    events: [verification.changed, lifecycle.requested]\n", *at = strstr(complete, choice);
    struct gw_config *config =
        load(s2s_arena_printf(arena, "%.*s%s", (int)(at - complete), complete, at + strlen(choice)));
    fflush(errors.out);
    ck_assert_msg(config != NULL, "%s", error_text);
    gw_config_free(config);
}
END_TEST

START_TEST(a_fault_is_reported)
{
    const struct change *change = &changes[_i];
    const char *at = strstr(complete, change->find);
    ck_assert_ptr_nonnull(at);
    char *text =
        s2s_arena_printf(arena, "%.*s%s%s", (int)(at - complete), complete, change->by, at + strlen(change->find));
    ck_assert_ptr_null(load(text));
    fflush(errors.out);
    ck_assert_msg(errors.count == 1, "one error expected: %s", error_text);
    ck_assert_msg(strstr(error_text, change->message) != NULL, "\"%s\" expected: %s", change->message, error_text);
}
END_TEST

START_TEST(the_ways_to_listen_for_the_backend)
{
    static const char *const ways[] = {
        "{ socket: app.sock }",
        "{ address: \"::1\", port: 1 }",
        "{ address: 192.0.2.1, port: 1, certificate: server.crt, key: server.key, client_ca: [ca.crt] }",
    };
    const char *old = "{ address: 127.0.0.1, port: 9444 }", *at = strstr(complete, old);
    char *text = s2s_arena_printf(arena, "%.*s%s%s", (int)(at - complete), complete, ways[_i], at + strlen(old));
    struct gw_config *config = load(text);
    fflush(errors.out);
    ck_assert_msg(config != NULL, "%s", error_text);
    ck_assert((config->listeners[GW_LISTEN_APP].socket != NULL) == (_i == 0));
    gw_config_free(config);
}
END_TEST

static Suite *config_roles_suite(void)
{
    Suite *suite = suite_create("config_roles");
    TCase *tc = tcase_create("config_roles");
    tcase_add_checked_fixture(tc, set_up, fixture_teardown);
    tcase_add_test(tc, a_wallet_is_read);
    tcase_add_loop_test(tc, a_fault_is_reported, 0, sizeof changes / sizeof *changes);
    tcase_add_test(tc, a_webhook_without_a_choice_hears_of_lifecycles);
    tcase_add_loop_test(tc, the_ways_to_listen_for_the_backend, 0, 3);
    suite_add_tcase(suite, tc);
    return suite;
}

S2S_TEST_MAIN(config_roles_suite)
