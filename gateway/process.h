/* SPDX-License-Identifier: Apache-2.0
 *
 * The serving process: the main thread waits for signals and hands generations to the workers.
 */
#ifndef GW_PROCESS_H
#define GW_PROCESS_H

#include "gateway/generation.h"

struct gw_services;

/* Serve with `generation` (taken) until SIGTERM or SIGINT has drained the workers. SIGHUP reads `config_path` again.
 * Exit status. */
int gw_process_run(const char *config_path, struct gw_generation *generation, const struct gw_services *services);

#endif
