/* SPDX-License-Identifier: Apache-2.0
 *
 * Who a peer is: rules that match the certificate of a mutual-TLS peer (RFC 8705 section 2.1.2, profile
 * section 2): a SAN of type dNSName or uniformResourceIdentifier, the subject DN (RFC 4514 string), or
 * the SHA-256 thumbprint of the certificate.
 */
#ifndef S2S_PEER_H
#define S2S_PEER_H

#include "arena.h"
#include "result.h"

#include <openssl/x509.h>

enum s2s_peer_rule_kind { S2S_PEER_SAN_DNS, S2S_PEER_SAN_URI, S2S_PEER_SUBJECT, S2S_PEER_THUMBPRINT };

/* `value`: dns name (compared case-insensitively), URI (exactly), RFC 4514 string (exactly, as
 * s2s_peer_subject prints it), or lower-case hex SHA-256 of the DER certificate (colons and case ignored). */
struct s2s_peer_rule {
    enum s2s_peer_rule_kind kind;
    const char *value;
};

/* Whether the certificate satisfies the rule. No wildcards; names with embedded NULs never match. */
bool s2s_peer_matches(const struct s2s_peer_rule *rule, X509 *certificate);

/* The subject as an RFC 4514 string, in the arena (XN_FLAG_RFC2253). NULL when the arena is full. For tests and tools:
 * s2s_peer_matches compares without an arena. */
char *s2s_peer_subject(struct s2s_arena *arena, X509 *certificate);

#endif
