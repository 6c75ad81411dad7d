/* SPDX-License-Identifier: Apache-2.0
 *
 * Completion files for shells, written from the table of commands.
 */
#ifndef CTL_COMPLETION_H
#define CTL_COMPLETION_H

#include <stdbool.h>
#include <stdio.h>

/* Write the file of a shell, "bash" or "zsh"; false when it is another one. */
bool ctl_completion_write(FILE *out, const char *shell);

#endif
