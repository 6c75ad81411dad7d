/* SPDX-License-Identifier: Apache-2.0
 *
 * Where an issuer's metadata is: OpenID4VCI inserts the well-known part between host and path of the Credential Issuer
 * Identifier, as RFC 8414 section 3.1 does (profile section 6, D16).
 */
#ifndef S2S_WELLKNOWN_H
#define S2S_WELLKNOWN_H

#include "arena.h"

#include <string.h>

#define S2S_WELL_KNOWN_ISSUER "/.well-known/openid-credential-issuer"

/* The path of an https identifier, which comes behind the well-known part: without a final slash, so empty when there
 * is none. Borrowed. */
static inline struct s2s_bytes s2s_identifier_path(const char *identifier)
{
    const char *host = strstr(identifier, "://");
    const char *path = host != NULL ? strchr(host + 3, '/') : NULL;
    size_t len = path != NULL ? strlen(path) : 0;
    if (len > 0 && path[len - 1] == '/')
        --len;
    return s2s_bytes(path != NULL ? path : "", len);
}

#endif
