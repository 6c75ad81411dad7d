/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions of the API ("API Versioning" of the draft).
 */
#ifndef S2S_VERSION_H
#define S2S_VERSION_H

#include <stddef.h>

/* One supported version. `sunset` is an HTTP-date (RFC 8594) for a deprecated version, else NULL. */
struct s2s_api_version {
    const char *version;
    const char *sunset;
};

/* Newest first. */
extern const struct s2s_api_version s2s_api_versions[];
extern const size_t s2s_api_version_count;

/* "1.0.0, …": the value of Api-Supported-Versions. */
extern const char s2s_api_supported_versions[];

/* The row that `text` (len octets) names exactly, or NULL. */
const struct s2s_api_version *s2s_api_version_find(const char *text, size_t len);

#endif
