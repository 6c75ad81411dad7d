/* SPDX-License-Identifier: Apache-2.0 */
#include "version.h"

#include <string.h>

const struct s2s_api_version s2s_api_versions[] = {
    {"1.0.0", NULL},
};

const size_t s2s_api_version_count = sizeof s2s_api_versions / sizeof *s2s_api_versions;

/* A constant text: it goes out with every response. The unit test compares it with the table. */
const char s2s_api_supported_versions[] = "1.0.0";

const struct s2s_api_version *s2s_api_version_find(const char *text, size_t len)
{
    for (size_t i = 0; i < s2s_api_version_count; i++) {
        const char *version = s2s_api_versions[i].version;
        if (strlen(version) == len && memcmp(version, text, len) == 0)
            return &s2s_api_versions[i];
    }
    return NULL;
}
