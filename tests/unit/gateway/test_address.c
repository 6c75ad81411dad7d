/* SPDX-License-Identifier: Apache-2.0 */
#include "../check_main.h"
#include "gateway/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&storage;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        storage.ss_family = AF_INET;
    } else {
        ck_assert_msg(inet_pton(AF_INET6, text, &v6->sin6_addr) == 1, "%s", text);
        storage.ss_family = AF_INET6;
    }
    return storage;
}

static bool is_public(const char *text)
{
    struct sockaddr_storage storage = address_of(text);
    return gw_sockaddr_is_public((const struct sockaddr *)&storage);
}

static bool is_loopback(const char *text)
{
    struct sockaddr_storage storage = address_of(text);
    return gw_sockaddr_is_loopback((const struct sockaddr *)&storage);
}

/* First and last of each range. */
static const char *const inside[] = {
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.127.255.255",
    "127.0.0.0",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.0.0",
    "169.254.169.254",
    "169.254.255.255",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.255",
    "192.0.2.0",
    "192.0.2.255",
    "192.88.99.0",
    "192.88.99.255",
    "192.168.0.0",
    "192.168.255.255",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.0",
    "198.51.100.255",
    "203.0.113.0",
    "203.0.113.255",
    "224.0.0.0",
    "239.255.255.255",
    "240.0.0.0",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1", /* compatible */
    "::8.8.8.8",
    "::ffff:127.0.0.1", /* mapped */
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::127.0.0.1", /* translated */
    "64:ff9b::10.1.2.3",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::8.8.8.8", /* translated locally (RFC 8215) */
    "100::",
    "100::1", /* discarded */
    "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001::",
    "2001::8.8.8.8", /* Teredo */
    "2001:10::1",
    "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:db8::1",
    "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
    "2002::",
    "2002:7f00:1::",
    "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "3fff::1",
    "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
    "4000::",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "fe80::1",
    "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "fec0::1",
    "ff02::1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
};

/* Neighbours of the ranges. */
static const char *const outside[] = {
    "1.0.0.0",           "9.255.255.255",   "11.0.0.0",      "100.63.255.255",   "100.128.0.0",     "126.255.255.255",
    "128.0.0.0",         "169.253.255.255", "169.255.0.0",   "172.15.255.255",   "172.32.0.0",      "191.255.255.255",
    "192.0.1.0",         "192.0.3.0",       "192.88.98.255", "192.88.100.0",     "192.167.255.255", "192.169.0.0",
    "198.17.255.255",    "198.20.0.0",      "198.51.99.255", "198.51.101.0",     "203.0.112.255",   "203.0.114.0",
    "223.255.255.255",   "2000::1",         "2001:200::1",   "2001:db7:ffff::1", "2001:db9::1",     "2003::1",
    "2a00:1450:4001::1", "3fff:1000::1",    "3ffe::1",       "64:ff9b::8.8.8.8",
};

START_TEST(what_is_inside_is_not_public)
{
    for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); ++i)
        ck_assert_msg(!is_public(inside[i]), "%s", inside[i]);
}
END_TEST

START_TEST(what_is_outside_is_public)
{
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); ++i)
        ck_assert_msg(is_public(outside[i]), "%s", outside[i]);
}
END_TEST

START_TEST(other_families_are_not_public)
{
    const struct sockaddr local = {.sa_family = AF_UNIX};
    ck_assert(!gw_sockaddr_is_public(&local));
    ck_assert(!gw_sockaddr_is_loopback(&local));
}
END_TEST

START_TEST(loopback_is_this_machine)
{
    ck_assert(is_loopback("127.0.0.1"));
    ck_assert(is_loopback("127.255.255.255"));
    ck_assert(is_loopback("::1"));
    ck_assert(!is_loopback("128.0.0.1"));
    ck_assert(!is_loopback("::ffff:127.0.0.1"));
    ck_assert(!is_loopback("fe80::1"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("addresses");
    TCase *tcase = tcase_create("addresses");
    tcase_add_test(tcase, what_is_inside_is_not_public);
    tcase_add_test(tcase, what_is_outside_is_public);
    tcase_add_test(tcase, other_families_are_not_public);
    tcase_add_test(tcase, loopback_is_this_machine);
    suite_add_tcase(s, tcase);
    return s;
}

S2S_TEST_MAIN(suite)
