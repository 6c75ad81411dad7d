/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line: words, then options and operands in any order. "--" ends the options.
 */
#ifndef CTL_ARGUMENTS_H
#define CTL_ARGUMENTS_H

#include "gateway/ctl/ctl.h"

/* Read the command line into `ctl`: command, operands, options. What is wrong is told. With --help `*help` is set, and
 * the command may be NULL. */
enum ctl_status ctl_arguments_read(struct ctl *ctl, int argc, char **argv, bool *help);

#endif
