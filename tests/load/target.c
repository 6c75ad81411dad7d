/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/target.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char scheme[] = "https://";

/* Copy `len` characters to the text `out` of `size`; false when they do not fit. */
static bool copy(char *out, size_t size, const char *from, size_t len)
{
    if (len >= size)
        return false;
    memcpy(out, from, len);
    out[len] = '\0';
    return true;
}

/* "host", "host:port", "[address]:port" (RFC 3986 section 3.2). */
static bool parse_authority(struct load_target *target)
{
    const char *text = target->authority;
    bool bracketed = text[0] == '[';
    const char *host = bracketed ? text + 1 : text;
    size_t host_len = strcspn(host, bracketed ? "]" : ":");
    const char *rest = host + host_len;
    if (bracketed && *rest++ != ']')
        return false;
    const char *port = *rest == ':' ? rest + 1 : *rest == '\0' ? "443" : "";
    size_t digits = strspn(port, "0123456789");
    return host_len > 0 && copy(target->host, sizeof(target->host), host, host_len) && port[digits] == '\0' &&
           digits > 0 && copy(target->port, sizeof(target->port), port, digits) && atoi(port) > 0 &&
           atoi(port) <= UINT16_MAX;
}

bool load_target_parse(const char *url, struct load_target *target, struct load_error *error)
{
    *target = (struct load_target){0};
    if (strncasecmp(url, scheme, sizeof(scheme) - 1) != 0)
        return load_fail(error, "the URL must begin with https://");
    const char *authority = url + sizeof(scheme) - 1;
    size_t authority_len = strcspn(authority, "/");
    const char *path = authority + authority_len;
    size_t path_len = strlen(path);
    while (path_len > 0 && path[path_len - 1] == '/')
        --path_len;
    if (strpbrk(url, "@?# ") != NULL)
        return load_fail(error, "the URL must have no user, query or fragment");
    if (!copy(target->authority, sizeof(target->authority), authority, authority_len) || !parse_authority(target) ||
        !copy(target->base, sizeof(target->base), path, path_len))
        return load_fail(error, "the URL is not of the form https://host:port/path");
    return true;
}

bool load_target_resolve(struct load_target *target, struct load_error *error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    int failure = getaddrinfo(target->host, target->port, &hints, &list);
    if (failure != 0)
        return load_fail(error, "%s: %s", target->host, gai_strerror(failure));
    target->address_count = 0;
    for (struct addrinfo *a = list; a != NULL && target->address_count < LOAD_MAX_ADDRESSES; a = a->ai_next) {
        memcpy(&target->addresses[target->address_count], a->ai_addr, a->ai_addrlen);
        target->address_lens[target->address_count++] = a->ai_addrlen;
    }
    freeaddrinfo(list);
    return target->address_count > 0 || load_fail(error, "%s has no address", target->host);
}

static bool is_loopback_v4(uint32_t network_order)
{
    return ntohl(network_order) >> 24 == 127;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return is_loopback_v4(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);
    if (address->ss_family != AF_INET6)
        return false;
    const struct in6_addr *in6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    uint32_t last;
    memcpy(&last, in6->s6_addr + 12, sizeof(last));
    return IN6_IS_ADDR_LOOPBACK(in6) || (IN6_IS_ADDR_V4MAPPED(in6) && is_loopback_v4(last));
}

static bool names(const char *given, const struct load_target *target)
{
    return given != NULL && strcasecmp(given, target->host) == 0;
}

bool load_target_permit(const struct load_target *target, const char *host, const char *really,
                        struct load_error *error)
{
    s2s_assert(target->address_count > 0);
    if (names(host, target) && names(really, target))
        return true;
    for (size_t i = 0; i < target->address_count; ++i) {
        if (!is_loopback(&target->addresses[i]))
            return load_fail(error,
                             "%s is not this machine: if it is yours, and you want to load it, name it twice: "
                             "--host %s --really %s",
                             target->host, target->host, target->host);
    }
    return true;
}
