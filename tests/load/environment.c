/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/environment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIZE ((size_t)1 << 20)

bool load_environment_read(const char *path, struct load_environment *environment, struct load_error *error)
{
    FILE *in = fopen(path, "r");
    if (in == NULL)
        return load_fail(error, "%s: %s", path, strerror(errno));
    char *text = malloc(MAX_SIZE);
    s2s_assert(text != NULL);
    size_t len = fread(text, 1, MAX_SIZE - 1, in);
    bool good = ferror(in) == 0;
    fclose(in);
    text[len] = '\0';
    for (char *newline = text; (newline = memchr(newline, '\n', len - (size_t)(newline - text))) != NULL; ++newline)
        *newline = '\0';
    *environment = (struct load_environment){text, len};
    if (!good)
        load_environment_free(environment);
    return good || load_fail(error, "%s cannot be read", path);
}

void load_environment_free(struct load_environment *environment)
{
    free(environment->text);
    *environment = (struct load_environment){0};
}

const char *load_environment_value(const struct load_environment *environment, const char *prefix, const char *name,
                                   const char *suffix)
{
    char wanted[128];
    int len = snprintf(wanted, sizeof(wanted), "%s%s%s=", prefix, name, suffix);
    const char *end = environment->text + environment->len;
    for (const char *line = environment->text; line < end; line += strlen(line) + 1) {
        if (strncmp(line, wanted, (size_t)len) == 0)
            return line + len;
    }
    return NULL;
}
