/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tool tells of itself, out of the table of commands.
 */
#ifndef CTL_HELP_H
#define CTL_HELP_H

#include "gateway/ctl/ctl.h"

void ctl_help(FILE *out);
void ctl_help_command(FILE *out, const struct ctl_command *command);

#endif
