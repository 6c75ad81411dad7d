/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole run: prepare, open what must be open, measure, verify, report.
 */
#ifndef LOAD_RUN_H
#define LOAD_RUN_H

#include "tests/load/stage.h"

/* Exit statuses. */
enum { LOAD_EXIT_GOOD = 0, LOAD_EXIT_ERRORS = 1, LOAD_EXIT_NOTHING = 2 };

/* Play what the options say; the exit status. LOAD_EXIT_NOTHING: `error` tells why nothing was measured. */
int load_run(struct load_stage *stage, const struct load_issuer *issuer, struct load_error *error);

/* --idle; likewise. */
int load_run_idle(const struct load_stage *stage, struct load_error *error);

#endif
