/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admin/commands.h"

#include "gateway/db/db.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define NO_DATABASE 2
#define MAX_DIGITS 18 /* of a number that the database gave */
/* How long `reconcile --wait` goes without any news, in seconds, before it says that nobody works on it. */
#define RECONCILE_PATIENCE 30

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

static void say_refused(const PGconn *pg)
{
    fprintf(stderr, "the database refused: %s", PQerrorMessage(pg));
}

/* Run one statement on a connection of its own; NULL with a message on stderr. Clear the result; the connection is
 * closed. */
static PGresult *ask(const struct gw_database_config *config, const char *sql, int count, const char *const *values)
{
    PGconn *pg = gw_db_connect(config);
    if (pg == NULL)
        return NULL;
    PGresult *result = PQexecParams(pg, sql, count, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        say_refused(pg);
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
    PGresult *result = ask(config, "select s2s.command_instance($1, $2, $3)", 3, values);
    if (result == NULL)
        return NO_DATABASE;
    const char *outcome = PQgetvalue(result, 0, 0);
    bool done = strcmp(outcome, "COMPLETED") == 0 || strcmp(outcome, "NO_CHANGE") == 0;
    puts(outcome);
    PQclear(result);
    return done ? 0 : 1;
}

/* ---- what was given up ---- */

static void print_row(const PGresult *result)
{
    for (int column = 0; column < PQnfields(result); ++column)
        printf("%s%s", column > 0 ? "\t" : "", PQgetvalue(result, 0, column));
    putchar('\n');
}

/* Print the rows of a query as they come, since there may be very many. Exit status. */
static int print_rows(const struct gw_database_config *config, const char *sql)
{
    PGconn *pg = gw_db_connect(config);
    if (pg == NULL)
        return NO_DATABASE;
    bool ok = PQsendQuery(pg, sql) == 1 && PQsetSingleRowMode(pg) == 1;
    for (PGresult *result; ok && (result = PQgetResult(pg)) != NULL; PQclear(result)) {
        ExecStatusType status = PQresultStatus(result);
        ok = status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK;
        if (status == PGRES_SINGLE_TUPLE)
            print_row(result);
    }
    if (!ok)
        say_refused(pg);
    PQfinish(pg);
    return ok ? 0 : NO_DATABASE;
}

#define DIED_AT "to_char(died_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"

int gw_command_dead_letters(const struct gw_database_config *config)
{
    return print_rows(config, "select delivery_id, " DIED_AT ", peer, endpoint, ref, attempts, reason "
                              "from s2s.delivery_dead order by delivery_id");
}

int gw_command_dead_jobs(const struct gw_database_config *config)
{
    return print_rows(config,
                      "select job_id, " DIED_AT ", kind, ref, attempts, error from s2s.job_dead order by job_id");
}

static bool is_number(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && len <= MAX_DIGITS && strspn(text, "0123456789") == len;
}

/* Send again what has this number, by `sql`. Exit status. */
static int redrive(const struct gw_database_config *config, const char *sql, const char *number)
{
    if (!is_number(number)) {
        fprintf(stderr, "'%s' is no number of what was given up\n", number);
        return EX_USAGE;
    }
    PGresult *result = ask(config, sql, 1, &number);
    if (result == NULL)
        return NO_DATABASE;
    bool found = gw_db_true(result, 0, 0);
    puts(found ? "owed again" : "nothing of this number was given up");
    PQclear(result);
    return found ? 0 : 1;
}

int gw_command_redrive(const struct gw_database_config *config, const char *delivery_id)
{
    return redrive(config, "select s2s.command_redrive($1)", delivery_id);
}

int gw_command_redrive_job(const struct gw_database_config *config, const char *job_id)
{
    return redrive(config, "select s2s.command_job_redrive($1)", job_id);
}

/* ---- reconciliation ---- */

/* What the report of a run says. `findings` is a row each of instance, ours, theirs, finding, action. */
#define RECONCILE_REPORT                                                                                               \
    "select r ->> 'finishedAt' is not null, r ->> 'checked', r ->> 'found', (select string_agg(concat_ws(E'\\t', "     \
    "coalesce(f ->> 'credentialInstanceId', '-'), coalesce(f ->> 'ours', '-'), coalesce(f ->> 'theirs', '-'), "        \
    "f ->> 'finding', coalesce(f ->> 'action', '-')), E'\\n') from json_array_elements(r -> 'findings') as f) "        \
    "from s2s.reconcile_report($1) as r"

/* Wait until the run is over; exit status. */
static int wait_for(const struct gw_database_config *config, const char *id)
{
    char last[32] = "";
    for (int quiet = 0; quiet < RECONCILE_PATIENCE; ++quiet) {
        PGresult *report = ask(config, RECONCILE_REPORT, 1, &id);
        if (report == NULL)
            return NO_DATABASE;
        bool over = gw_db_true(report, 0, 0), differs = strcmp(PQgetvalue(report, 0, 2), "0") != 0;
        if (strcmp(last, PQgetvalue(report, 0, 1)) != 0)
            quiet = 0;
        snprintf(last, sizeof(last), "%s", PQgetvalue(report, 0, 1));
        if (over) {
            if (differs)
                puts(PQgetvalue(report, 0, 3));
            printf("%s checked, %s found\n", PQgetvalue(report, 0, 1), PQgetvalue(report, 0, 2));
        }
        PQclear(report);
        if (over)
            return differs ? 1 : 0;
        sleep(1);
    }
    fprintf(stderr, "reconciliation %s makes no progress; does a gateway serve this database?\n", id);
    return 1;
}

int gw_command_reconcile(const struct gw_config *config, const char *peer, bool wait)
{
    static const struct {
        unsigned role;
        const char *side;
    } sides[] = {{GW_ROLE_ISSUER, "ISSUER"}, {GW_ROLE_WALLET, "WALLET"}};
    int status = 0;
    for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]) && status != NO_DATABASE; ++i) {
        const char *values[] = {sides[i].side, peer};
        if ((config->roles & sides[i].role) == 0)
            continue;
        PGresult *started = ask(&config->database, "select s2s.command_reconcile($1, $2)", 2, values);
        if (started == NULL)
            return NO_DATABASE;
        printf("%s\n", PQgetvalue(started, 0, 0));
        fflush(stdout);
        int outcome = wait ? wait_for(&config->database, PQgetvalue(started, 0, 0)) : 0;
        status = outcome > status ? outcome : status;
        PQclear(started);
    }
    return status;
}
