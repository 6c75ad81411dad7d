/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/target.h"
#include "tests/unit/check_main.h"

static struct load_target target;
static struct load_error error;

START_TEST(urls)
{
    static const struct {
        const char *url, *host, *port, *authority, *base;
    } rows[] = {
        {"https://issuer.example", "issuer.example", "443", "issuer.example", ""},
        {"https://issuer.example/", "issuer.example", "443", "issuer.example", ""},
        {"https://issuer.example:8443/s2s/", "issuer.example", "8443", "issuer.example:8443", "/s2s"},
        {"HTTPS://127.0.0.1:1/a/b", "127.0.0.1", "1", "127.0.0.1:1", "/a/b"},
        {"https://[::1]:8443", "::1", "8443", "[::1]:8443", ""},
        {"https://[::1]", "::1", "443", "[::1]", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        ck_assert_msg(load_target_parse(rows[i].url, &target, &error), "%s", rows[i].url);
        ck_assert_str_eq(target.host, rows[i].host);
        ck_assert_str_eq(target.port, rows[i].port);
        ck_assert_str_eq(target.authority, rows[i].authority);
        ck_assert_str_eq(target.base, rows[i].base);
    }
}
END_TEST

START_TEST(bad_urls)
{
    static const char *const texts[] = {
        "",
        "http://issuer.example",
        "issuer.example",
        "https://",
        "https://:443",
        "https://user@issuer.example",
        "https://issuer.example?x",
        "https://issuer.example#x",
        "https://issuer.example:0",
        "https://issuer.example:65536",
        "https://issuer.example:",
        "https://issuer.example:12x",
        "https://[::1",
        "https://[::1]x",
        "https://[]:1",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i)
        ck_assert_msg(!load_target_parse(texts[i], &target, &error), "%s", texts[i]);
}
END_TEST

static bool is_permitted(const char *url, const char *host, const char *really)
{
    ck_assert(load_target_parse(url, &target, &error));
    ck_assert_msg(load_target_resolve(&target, &error), "%s", error.text);
    return load_target_permit(&target, host, really, &error);
}

START_TEST(this_machine_needs_no_permission)
{
    ck_assert(is_permitted("https://127.0.0.1:1", NULL, NULL));
    ck_assert(is_permitted("https://127.255.0.9:1", NULL, NULL));
    ck_assert(is_permitted("https://[::1]:1", NULL, NULL));
    ck_assert(is_permitted("https://[::ffff:127.0.0.1]:1", NULL, NULL));
}
END_TEST

/* Addresses of RFC 5737 and RFC 3849: nothing is sent. */
START_TEST(other_machines_are_named_twice)
{
    static const char *const hosts[] = {"192.0.2.1", "128.0.0.1", "2001:db8::1", "::ffff:192.0.2.1", "0.0.0.0", "::"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); ++i) {
        char url[64];
        bool is_v6 = strchr(hosts[i], ':') != NULL;
        snprintf(url, sizeof(url), "https://%s%s%s:1", is_v6 ? "[" : "", hosts[i], is_v6 ? "]" : "");
        ck_assert_msg(!is_permitted(url, NULL, NULL), "%s", url);
        ck_assert_msg(!is_permitted(url, hosts[i], NULL), "%s", url);
        ck_assert_msg(!is_permitted(url, NULL, hosts[i]), "%s", url);
        ck_assert_msg(!is_permitted(url, hosts[i], "127.0.0.1"), "%s", url);
        ck_assert_msg(!is_permitted(url, "127.0.0.1", "127.0.0.1"), "%s", url);
        ck_assert_msg(is_permitted(url, hosts[i], hosts[i]), "%s", url);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("load target");
    TCase *t = tcase_create("target");
    tcase_add_test(t, urls);
    tcase_add_test(t, bad_urls);
    tcase_add_test(t, this_machine_needs_no_permission);
    tcase_add_test(t, other_machines_are_named_twice);
    suite_add_tcase(s, t);
    return s;
}

S2S_TEST_MAIN(suite)
