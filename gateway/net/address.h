/* SPDX-License-Identifier: Apache-2.0
 *
 * What kind of place a network address is.
 */
#ifndef GW_ADDRESS_H
#define GW_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Whether it is this machine's own: 127.0.0.0/8, ::1. */
bool gw_sockaddr_is_loopback(const struct sockaddr *address);

/* Whether it may be a server of the public Internet. False for what the registries of special-purpose addresses (RFC
 * 6890 and its successors) keep for other things: this machine, networks inside, multicast, documentation, tunnels and
 * other forms that carry an IPv4 address within; and for everything that is neither IPv4 nor IPv6. */
bool gw_sockaddr_is_public(const struct sockaddr *address);

#endif
