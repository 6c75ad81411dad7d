/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

struct range4 {
    uint32_t base;
    unsigned bits;
};

struct range6 {
    uint8_t base[16];
    unsigned bits;
};

#define IPV4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* IANA's registry of special-purpose IPv4 addresses, as far as it is not reachable globally. */
static const struct range4 inside4[] = {
    {IPV4(0, 0, 0, 0), 8},       /* this network; Linux takes 0.0.0.0 for loopback */
    {IPV4(10, 0, 0, 0), 8},      /* private (RFC 1918) */
    {IPV4(100, 64, 0, 0), 10},   /* between a carrier and its customers (RFC 6598) */
    {IPV4(127, 0, 0, 0), 8},     /* loopback */
    {IPV4(169, 254, 0, 0), 16},  /* link-local (RFC 3927), where clouds tell credentials */
    {IPV4(172, 16, 0, 0), 12},   /* private */
    {IPV4(192, 0, 0, 0), 24},    /* protocol assignments (RFC 6890) */
    {IPV4(192, 0, 2, 0), 24},    /* documentation (RFC 5737) */
    {IPV4(192, 88, 99, 0), 24},  /* 6to4 relays (RFC 7526) */
    {IPV4(192, 168, 0, 0), 16},  /* private */
    {IPV4(198, 18, 0, 0), 15},   /* benchmarks (RFC 2544) */
    {IPV4(198, 51, 100, 0), 24}, /* documentation */
    {IPV4(203, 0, 113, 0), 24},  /* documentation */
    {IPV4(224, 0, 0, 0), 4},     /* multicast */
    {IPV4(240, 0, 0, 0), 4},     /* reserved; broadcast */
};

/* The only block that global unicast addresses come from so far: all that has a scope lies outside of it (loopback,
 * link-local, unique-local, multicast), and so do the mapped and compatible forms of IPv4. */
static const struct range6 global6 = {{0x20}, 3};

/* What is special in it. */
static const struct range6 inside6[] = {
    {{0x20, 0x01}, 23},             /* protocol assignments: Teredo, ORCHID, benchmarks (RFC 2928) */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation (RFC 3849) */
    {{0x20, 0x02}, 16},             /* 6to4, with an IPv4 address within (RFC 3056) */
    {{0x3f, 0xff}, 20},             /* documentation (RFC 9637) */
};

/* The prefix of translators (RFC 6052 section 2.1). Behind one, every IPv4 host has such an address, and the IPv4
 * address in its last octets is where the connection goes. */
static const struct range6 translated6 = {{0x00, 0x64, 0xff, 0x9b}, 96};

static bool is_public4(uint32_t address)
{
    for (size_t i = 0; i < sizeof(inside4) / sizeof(inside4[0]); ++i)
        if ((address ^ inside4[i].base) >> (32 - inside4[i].bits) == 0)
            return false;
    return true;
}

static bool is_in6(const uint8_t address[16], const struct range6 *range)
{
    unsigned octets = range->bits / 8, rest = range->bits % 8;
    return memcmp(address, range->base, octets) == 0 &&
           (rest == 0 || (address[octets] ^ range->base[octets]) >> (8 - rest) == 0);
}

static bool is_public6(const uint8_t address[16])
{
    if (is_in6(address, &translated6))
        return is_public4(IPV4(address[12], address[13], address[14], address[15]));
    if (!is_in6(address, &global6))
        return false;
    for (size_t i = 0; i < sizeof(inside6) / sizeof(inside6[0]); ++i)
        if (is_in6(address, &inside6[i]))
            return false;
    return true;
}

static uint32_t ipv4_of(const struct sockaddr *address)
{
    return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);
}

static const struct in6_addr *ipv6_of(const struct sockaddr *address)
{
    return &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
}

bool gw_sockaddr_is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ipv4_of(address) >> 24 == 127;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(ipv6_of(address));
}

bool gw_sockaddr_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return is_public4(ipv4_of(address));
    return address->sa_family == AF_INET6 && is_public6(ipv6_of(address)->s6_addr);
}
