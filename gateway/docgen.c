/* SPDX-License-Identifier: Apache-2.0
 *
 * gw-docgen: prints the documents that are generated from the gateway's tables. A tool of the build; how to refresh
 * them: `gw-docgen > docs/configuration.md`, `gw-docgen openapi wallet-app > docs/openapi/wallet-app.json`.
 */
#include "admin/api.h"
#include "config.h"
#include "wallet/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    char *(*text)(void);
} documents[] = {
    {"admin", gw_admin_openapi_text},
    {"wallet-app", gw_app_openapi_text},
};

static bool print_openapi(const char *name)
{
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); ++i) {
        if (strcmp(documents[i].name, name) != 0)
            continue;
        char *text = documents[i].text();
        fputs(text, stdout);
        free(text);
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    bool known = argc == 1 || (argc == 3 && strcmp(argv[1], "openapi") == 0 && print_openapi(argv[2]));
    if (!known) {
        fputs("usage: gw-docgen [openapi admin|wallet-app]\n", stderr);
        return 2;
    }
    if (argc == 1)
        gw_config_write_reference(stdout);
    return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
}
