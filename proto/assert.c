/* SPDX-License-Identifier: Apache-2.0 */
#include "result.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void s2s_assert_failed(const char *expr, const char *file, int line, const char *func)
{
    dprintf(STDERR_FILENO, "assertion failed: %s (%s, %s:%d)\n", expr, func, file, line);
    abort();
}
