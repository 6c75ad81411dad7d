/* SPDX-License-Identifier: Apache-2.0
 *
 * Results for people (the live line, the table at the end) and for programs (JSON).
 */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include "tests/load/result.h"

/* One line on standard error: what happened in the last `interval` seconds, `last` being the operations of that time;
 * on a terminal it takes the place of the line before. */
void load_report_live(const struct load_options *options, double elapsed, double interval,
                      const struct load_histogram *last, uint64_t errors, bool is_measured);
void load_report_live_end(const struct load_options *options);

void load_report_table(FILE *out, const struct load_result *result);
void load_report_idle_table(FILE *out, const struct load_result *result, const struct load_idle_result *idle);

/* Write the file `path`; "-" is standard output. */
S2S_MUST_CHECK bool load_report_json(const char *path, const struct load_result *result, struct load_error *error);
S2S_MUST_CHECK bool load_report_idle_json(const char *path, const struct load_result *result,
                                          const struct load_idle_result *idle, struct load_error *error);

/* Table and JSON, as the options want them. `idle` is NULL unless the run was one of --idle. */
S2S_MUST_CHECK bool load_report(const struct load_result *result, const struct load_idle_result *idle,
                                struct load_error *error);

#endif
