/* SPDX-License-Identifier: Apache-2.0
 *
 * A migration is recorded before it runs and its end after it has run, so that one that was cut short is seen. Each
 * runs in a transaction of its own together with the record of its end.
 */
#include "gateway/db/migrate.h"

#include "gateway/db/db.h"
#include "proto/hex.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "s2s" and "mgrt" as one number: the advisory lock of migrations. */
#define MIGRATION_LOCK "select pg_advisory_lock(7509595472217375348)"

#define DIGEST_SIZE 65

static void digest_text(const char *text, char out[DIGEST_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len;
    s2s_assert(EVP_Digest(text, strlen(text), digest, &len, EVP_sha256(), NULL) == 1);
    *s2s_hex_write(out, s2s_bytes(digest, len)) = '\0';
}

static bool run(PGconn *pg, const char *what, const char *sql)
{
    PGresult *result = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(result);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!ok)
        fprintf(stderr, "%s: %s", what, PQerrorMessage(pg));
    PQclear(result);
    return ok;
}

static bool record(PGconn *pg, const struct gw_sql_file *file, const char *digest, bool finished)
{
    const char *values[] = {file->name, digest};
    PGresult *result = PQexecParams(
        pg,
        finished ? "update s2s.migration set finished_at = clock_timestamp() where name = $1 and digest = $2"
                 : "insert into s2s.migration (name, digest, started_at) values ($1, $2, clock_timestamp()) "
                   "on conflict (name) do update set digest = excluded.digest, started_at = excluded.started_at, "
                   "finished_at = null",
        2, NULL, values, NULL, NULL, 0);
    bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!ok)
        fprintf(stderr, "%s: %s", file->name, PQerrorMessage(pg));
    PQclear(result);
    return ok;
}

enum state { UNKNOWN, FINISHED, UNFINISHED, CHANGED };

static bool look_up(PGconn *pg, const struct gw_sql_file *file, const char *digest, enum state *state)
{
    const char *values[] = {file->name, digest};
    PGresult *result =
        PQexecParams(pg, "select digest = $2, finished_at is not null from s2s.migration where name = $1", 2, NULL,
                     values, NULL, NULL, 0);
    bool ok = PQresultStatus(result) == PGRES_TUPLES_OK;
    if (!ok)
        fprintf(stderr, "%s: %s", file->name, PQerrorMessage(pg));
    else if (PQntuples(result) == 0)
        *state = UNKNOWN;
    else if (!gw_db_true(result, 0, 1))
        *state = UNFINISHED;
    else
        *state = gw_db_true(result, 0, 0) ? FINISHED : CHANGED;
    PQclear(result);
    return ok;
}

static bool apply(PGconn *pg, const struct gw_sql_file *file, const char *digest)
{
    bool ok = record(pg, file, digest, false) && run(pg, file->name, "begin") && run(pg, file->name, file->text) &&
              record(pg, file, digest, true) && run(pg, file->name, "commit");
    if (ok)
        printf("applied %s\n", file->name);
    else
        run(pg, file->name, "rollback");
    return ok;
}

static bool migrate_file(PGconn *pg, const struct gw_sql_file *file)
{
    char digest[DIGEST_SIZE];
    enum state state;
    digest_text(file->text, digest);
    if (!look_up(pg, file, digest, &state))
        return false;
    if (state == FINISHED)
        return true;
    if (state == CHANGED && strncmp(file->name, "migrations/", 11) == 0) {
        fprintf(stderr,
                "%s was applied by another version of the gateway with other contents; a landed migration must not "
                "change: install the version that the database belongs to\n",
                file->name);
        return false;
    }
    return apply(pg, file, digest);
}

static bool prepare(PGconn *pg)
{
    return run(pg, "migrate", "set statement_timeout = 0") && run(pg, "migrate", "set lock_timeout = 0") &&
           run(pg, "migrate", "set client_min_messages = warning") && run(pg, "migrate", MIGRATION_LOCK) &&
           run(pg, "migrate", "create schema if not exists s2s") &&
           run(pg, "migrate",
               "create table if not exists s2s.migration (name text primary key, digest text not null, "
               "started_at timestamptz not null, finished_at timestamptz)");
}

int gw_migrate(const struct gw_database_config *config)
{
    PGconn *pg = gw_db_connect(config);
    if (pg == NULL)
        return 1;
    bool ok = prepare(pg);
    for (const struct gw_sql_file *file = gw_sql_files; ok && file->name != NULL; ++file)
        ok = migrate_file(pg, file);
    PQfinish(pg); /* gives the lock back */
    if (ok)
        puts("the database is up to date");
    return ok ? 0 : 1;
}

int gw_fsck(const struct gw_database_config *config)
{
    PGconn *pg = gw_db_connect(config);
    if (pg == NULL)
        return 2;
    PGresult *result = run(pg, "fsck", "set statement_timeout = 0")
                           ? PQexec(pg, "select check_name, detail from s2s.fsck() order by 1, 2")
                           : NULL;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        fprintf(stderr, "fsck: %s", PQerrorMessage(pg));
        PQclear(result);
        PQfinish(pg);
        return 2;
    }
    int broken = PQntuples(result);
    for (int row = 0; row < broken; ++row)
        printf("%s: %s\n", PQgetvalue(result, row, 0), PQgetvalue(result, row, 1));
    if (broken == 0)
        puts("clean");
    else
        printf("%d broken promises\n", broken);
    PQclear(result);
    PQfinish(pg);
    return broken == 0 ? 0 : 1;
}
