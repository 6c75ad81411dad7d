/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators' commands on the command line: each is one SQL call of its own. They print what happened to stdout.
 */
#ifndef GW_COMMANDS_H
#define GW_COMMANDS_H

#include "gateway/config.h"

/* What is said and done to one credential instance: suspend, resume, cancel, updated, display-updated. `reason` may be
 * NULL. Exit status: 0 it is so now, 1 it cannot be, 2 the database could not be asked, EX_USAGE for an unknown action.
 */
int gw_command_instance(const struct gw_database_config *config, const char *action, const char *instance_id,
                        const char *reason);

/* List the deliveries that were given up. Exit status 0, or 2. */
int gw_command_dead_letters(const struct gw_database_config *config);

/* List the jobs that were given up. Exit status 0, or 2. */
int gw_command_dead_jobs(const struct gw_database_config *config);

/* Owe a dead letter again. Exit status: 0 done, 1 there is none of this number, 2 the database could not be asked,
 * EX_USAGE for what is no number. */
int gw_command_redrive(const struct gw_database_config *config, const char *delivery_id);

/* Take up a job again that was given up. Exit status as that of gw_command_redrive. */
int gw_command_redrive_job(const struct gw_database_config *config, const char *job_id);

/* Start a reconciliation of each role that the configuration plays, with one peer or with all (`peer` NULL), and print
 * its id; with `wait`, what it has found, once a serving gateway has done it. 1: the peers differed, or no gateway
 * works on it. */
int gw_command_reconcile(const struct gw_config *config, const char *peer, bool wait);

#endif
