/* SPDX-License-Identifier: Apache-2.0
 *
 * s2s-docgen: prints the documents that are generated from the tables of the protocol library. A tool of the build; how
 * to refresh a document: `s2s-docgen openapi issuer > docs/openapi/issuer.json`.
 */
#include "messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    unsigned host;
} documents[] = {
    {"issuer", S2S_HOST_ISSUER},
    {"wallet", S2S_HOST_WALLET},
};

static int print_openapi(unsigned host)
{
    char *text = s2s_openapi_text(host);
    bool written = fputs(text, stdout) >= 0 && fflush(stdout) == 0;
    free(text);
    if (!written)
        perror("s2s-docgen");
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && i < sizeof documents / sizeof *documents; i++)
        if (strcmp(argv[1], "openapi") == 0 && strcmp(argv[2], documents[i].name) == 0)
            return print_openapi(documents[i].host);
    fputs("usage: s2s-docgen openapi issuer|wallet\n", stderr);
    return 2;
}
