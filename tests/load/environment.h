/* SPDX-License-Identifier: Apache-2.0
 *
 * A file of NAME=value lines, as deploy/dev writes it to DIR/env.
 */
#ifndef LOAD_ENVIRONMENT_H
#define LOAD_ENVIRONMENT_H

#include "tests/load/common.h"

#include <stddef.h>

struct load_environment {
    char *text; /* the file, cut into lines that are texts */
    size_t len;
};

/* Free with load_environment_free. */
S2S_MUST_CHECK bool load_environment_read(const char *path, struct load_environment *environment,
                                          struct load_error *error);
void load_environment_free(struct load_environment *environment);

/* The value of the variable whose name is the three texts in a row; NULL when there is none. Borrowed. */
const char *load_environment_value(const struct load_environment *environment, const char *prefix, const char *name,
                                   const char *suffix);

#endif
