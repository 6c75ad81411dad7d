/* SPDX-License-Identifier: Apache-2.0
 *
 * Migrations, and the check of what the database promises: what the commands `migrate` and `fsck` do.
 */
#ifndef GW_MIGRATE_H
#define GW_MIGRATE_H

#include "gateway/config.h"

/* A file of sql/, built into the binary: "migrations/NAME" run once, "functions/NAME" whenever their text has changed.
 */
struct gw_sql_file {
    const char *name;
    const char *text;
};

/* Ends with a row of NULLs. */
extern const struct gw_sql_file gw_sql_files[];

/* Bring the database to this binary's schema, under an advisory lock. Exit status; tells on stdout what it did. */
int gw_migrate(const struct gw_database_config *config);

/* Run s2s.fsck(): prints each broken promise. Exit status: 0 clean, 1 something is broken, 2 it could not look. */
int gw_fsck(const struct gw_database_config *config);

#endif
