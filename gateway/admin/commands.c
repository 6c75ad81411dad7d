/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admin/commands.h"

#include "gateway/db/db.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define NO_DATABASE 2

/* How an operator says it, and how sql/functions/instance.sql does. */
static const struct {
    const char *word, *action;
} actions[] = {
    {"suspend", "SUSPEND"},
    {"resume", "RESUME"},
    {"cancel", "CANCEL"},
    {"updated", "UPDATED"},
    {"display-updated", "DISPLAY_UPDATED"},
};

/* Run one statement on a connection of its own; NULL with a message on stderr. Clear the result; the connection is
 * closed. */
static PGresult *ask(const struct gw_database_config *config, const char *sql, int count, const char *const *values)
{
    PGconn *pg = gw_db_connect(config);
    if (pg == NULL)
        return NULL;
    PGresult *result = PQexecParams(pg, sql, count, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        fprintf(stderr, "the database refused: %s", PQerrorMessage(pg));
        PQclear(result);
        result = NULL;
    }
    PQfinish(pg);
    return result;
}

int gw_command_instance(const struct gw_database_config *config, const char *action, const char *instance_id,
                        const char *reason)
{
    const char *values[] = {instance_id, NULL, reason};
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); ++i)
        if (strcmp(actions[i].word, action) == 0)
            values[1] = actions[i].action;
    if (values[1] == NULL) {
        fprintf(stderr, "unknown action '%s'; one of suspend, resume, cancel, updated, display-updated\n", action);
        return EX_USAGE;
    }
    PGresult *result = ask(config, "select s2s.instance_command($1, $2, $3)", 3, values);
    if (result == NULL)
        return NO_DATABASE;
    const char *outcome = PQgetvalue(result, 0, 0);
    bool done = strcmp(outcome, "COMPLETED") == 0 || strcmp(outcome, "NO_CHANGE") == 0;
    puts(outcome);
    PQclear(result);
    return done ? 0 : 1;
}

int gw_command_dead_letters(const struct gw_database_config *config)
{
    PGresult *result = ask(config,
                           "select delivery_id, to_char(died_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
                           "peer, endpoint, ref, attempts, reason from s2s.delivery_dead order by delivery_id",
                           0, NULL);
    if (result == NULL)
        return NO_DATABASE;
    for (int row = 0; row < PQntuples(result); ++row) {
        for (int column = 0; column < PQnfields(result); ++column)
            printf("%s%s", column > 0 ? "\t" : "", PQgetvalue(result, row, column));
        putchar('\n');
    }
    PQclear(result);
    return 0;
}

int gw_command_redrive(const struct gw_database_config *config, const char *delivery_id)
{
    PGresult *result = ask(config, "select s2s.delivery_redrive($1)", 1, &delivery_id);
    if (result == NULL)
        return NO_DATABASE;
    bool found = gw_db_true(result, 0, 0);
    puts(found ? "owed again" : "there is no such dead letter");
    PQclear(result);
    return found ? 0 : 1;
}
