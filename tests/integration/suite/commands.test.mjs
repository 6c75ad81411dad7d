// SPDX-License-Identifier: Apache-2.0
//
// migrate and fsck, and the rest of the command line.

import assert from 'node:assert/strict';
import net from 'node:net';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { assertOk } from '../../interop/suite/support.mjs';
import { bench, command, createDatabase, databaseUrl, eventually, openTransaction, run, sql } from '../lib/bench.mjs';
import { Gateway, withGateway } from '../lib/gateway.mjs';
import { closeAll, impatientLanes, wallets, whileBusy } from '../lib/load.mjs';

const applied = ({ stdout }) => stdout.split('\n').filter((line) => line.startsWith('applied '));

/** A folder with a configuration on an empty database. */
const onEmptyDatabase = async (name) => Gateway.prepare(name, { database: await createDatabase({ migrated: false }) });

async function migrate({ configPath }) {
  const outcome = await command('migrate', configPath);
  assert.equal(outcome.status, 0, outcome.stderr);
  assert.match(outcome.stdout, /the database is up to date\n$/);
  return outcome;
}

const schemaOf = async ({ database }) => {
  const url = databaseUrl(database, { superuser: true });
  const { stdout } = await run('pg_dump', ['--schema-only', '--no-owner', `--dbname=${url}`], { maxBuffer: 1 << 24 });
  return stdout.replace(/^\\(un)?restrict .*$/gm, ''); // random in newer releases
};

describe('migrate', () => {
  test('brings an empty database up to date, and does nothing the second time', async () => {
    const folder = await onEmptyDatabase('migrate');
    const first = applied(await migrate(folder));
    assert.ok(first.some((line) => line.startsWith('applied migrations/0001_')));
    const schema = await schemaOf(folder);
    assert.deepEqual(applied(await migrate(folder)), []);
    assert.equal(await schemaOf(folder), schema);
    const open = await sql(folder.database, 'SELECT name FROM s2s.migration WHERE finished_at IS NULL');
    assert.deepEqual(open, []);
  });

  test('several at once do the work once', async () => {
    const folder = await onEmptyDatabase('migrate-race');
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => migrate(folder)));
    const lines = outcomes.flatMap(applied);
    assert.equal(new Set(lines).size, lines.length, 'nothing is applied twice');
    assert.deepEqual([...lines].sort(), applied(await migrate(await onEmptyDatabase('migrate-alone'))).sort());
  });

  test('waits for one that is at work', async () => {
    const folder = await onEmptyDatabase('migrate-wait');
    // The lock of migrations, as another process holds it.
    const key = await lockOf(folder);
    const release = await openTransaction(folder.database, `SELECT pg_advisory_xact_lock(${key})`);
    let over = false;
    const migrating = migrate(folder).then(() => (over = true));
    await new Promise((resolve) => setTimeout(resolve, 700));
    assert.equal(over, false);
    await release();
    await migrating;
  });

  test('refuses a landed migration that has changed, and touches nothing', async () => {
    const folder = await onEmptyDatabase('migrate-changed');
    await migrate(folder);
    const schema = await schemaOf(folder);
    const landed = "name = (SELECT min(name) FROM s2s.migration WHERE name LIKE 'migrations/%')";
    const [digest] = await sql(folder.database, `SELECT digest FROM s2s.migration WHERE ${landed}`);
    await sql(folder.database, `UPDATE s2s.migration SET digest = 'another' WHERE ${landed}`);
    const { status, stderr } = await command('migrate', folder.configPath);
    assert.equal(status, 1);
    assert.match(stderr, /^migrations\/0001_\S+ was applied .* with other contents; .* must not change/);
    assert.equal(await schemaOf(folder), schema);
    await sql(folder.database, `UPDATE s2s.migration SET digest = '${digest}' WHERE ${landed}`);
    await migrate(folder);
  });

  test('applies functions again that have changed, and what was cut short', async () => {
    const folder = await onEmptyDatabase('migrate-again');
    await migrate(folder);
    await sql(folder.database, "UPDATE s2s.migration SET digest = 'older' WHERE name = 'functions/fsck'");
    await sql(folder.database, "UPDATE s2s.migration SET finished_at = NULL WHERE name = 'functions/problem'");
    assert.deepEqual(applied(await migrate(folder)), ['applied functions/fsck', 'applied functions/problem']);
  });

  test('leaves a database alone that it cannot reach, and says why without the password', async () => {
    const folder = await Gateway.prepare('migrate-unreachable', { database: 's2s', hosts: '127.0.0.1:1' });
    const { status, stderr } = await command('migrate', folder.configPath);
    assert.equal(status, 1);
    assert.match(stderr, /cannot reach the database \(database\.url\): .*refused/s);
    assert.ok(!stderr.includes(new URL(bench.S2S_DATABASE_URL).password));
  });
});

/** The key of the migrations' lock, as pg_locks shows it while it is waited for. */
async function lockOf(folder) {
  const other = await onEmptyDatabase('migrate-key');
  await migrate(other);
  const hold = await openTransaction(other.database, 'LOCK TABLE s2s.migration');
  const migrating = migrate(other);
  const held = `SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE locktype = 'advisory' AND datname = '${other.database}'`;
  const [key] = await eventually('the lock', async () => {
    const rows = await sql(folder.database, held);
    return rows.length > 0 && rows;
  });
  await hold();
  await migrating;
  return key;
}

describe('a gateway and its schema', () => {
  test('before the migration it is not ready and says what to do; afterwards it is, by itself', async () => {
    const database = await createDatabase({ migrated: false });
    await withGateway('unmigrated', { database, ready: false, expectedErrors: ['database_error'] }, async (gateway) => {
      const failed = {
        event: 'database_connect_failed',
        reason: 'statements cannot be prepared: run `s2s-gateway migrate`',
      };
      await gateway.logged(failed);
      assert.equal((await gateway.get('/readyz')).status, 503);
      await migrate(gateway);
      await eventually('ready', async () => (await gateway.get('/readyz')).status === 200);
      const wallet = await gateway.connect();
      assertOk(await wallet.initiate(wallet.newSession()));
      wallet.close();
    });
  });

  test('a migration under traffic disturbs nobody', async () => {
    await withGateway('migrated-under-traffic', {}, async (gateway) => {
      const callers = await wallets(gateway);
      await whileBusy(impatientLanes(callers), async () => {
        for (let i = 0; i < 3; i++) {
          await sql(gateway.database, "UPDATE s2s.migration SET digest = 'older' WHERE name LIKE 'functions/%'");
          assert.ok(applied(await migrate(gateway)).length > 5);
        }
      });
      closeAll(callers);
    });
  });
});

describe('fsck', async () => {
  const gateway = await Gateway.start('fsck');
  const wallet = await gateway.connect();
  const { session, instances } = await wallet.approvedSession();
  const pending = wallet.newSession();
  assertOk(await wallet.initiate(pending, { configurations: ['badge_review'] }));
  await eventually('the evaluation', async () => (await sql(gateway.database, 'SELECT FROM s2s.job')).length === 0);

  const of = (table, { verificationId }) => `s2s.${table} WHERE verification_id = '${verificationId}'`;
  const set = (assignment, { verificationId }) =>
    `UPDATE s2s.verification SET ${assignment} WHERE verification_id = '${verificationId}'`;
  // Each `sql` breaks one promise; `check` and `id` are what must be reported.
  const BREAKS = {
    'a status that does not exist': {
      sql: set("status = 'LOST'", session),
      check: 'verification-status',
      id: session.verificationId,
    },
    'an approval of nothing': {
      sql: set('approved_ids = NULL', session),
      check: 'verification-incomplete',
      id: session.verificationId,
    },
    'a pending verification that nobody evaluates': {
      sql: set('awaiting_decision = false', pending),
      check: 'verification-pending-forgotten',
      id: pending.verificationId,
    },
    'a session that was deleted': {
      sql: `DELETE FROM s2s.session WHERE session_id = '${session.sessionId}'`,
      check: 'verification-without-session',
      id: session.verificationId,
    },
    'a verification that was deleted': {
      sql: `DELETE FROM ${of('verification', pending)}`,
      check: 'session-without-verification',
      id: pending.sessionId,
    },
    'a credential of what was not approved': {
      sql: `UPDATE s2s.instance SET configuration_id = 'badge_other' WHERE instance_id = '${instances[0]}'`,
      check: 'instance-not-approved',
      id: instances[0],
    },
    'a job of no kind': {
      sql: "INSERT INTO s2s.job (next_at, created_at, kind, ref) VALUES (now() + interval '1 hour', now(), 'nothing', 'x')",
      check: 'job-kind-unknown',
    },
  };

  // Breaks are made in a transaction of the whole database: a copy, so that the next test finds it whole.
  for (const [name, { sql: statement, check, id }] of Object.entries(BREAKS)) {
    test(`reports ${name}`, async () => {
      const copy = `${gateway.database}_${check.replaceAll('-', '_')}`;
      await gateway.fsck();
      await sql('postgres', `CREATE DATABASE ${copy} OWNER s2s TEMPLATE s2s`);
      for (const table of ['session', 'verification', 'instance']) await copyRows(gateway.database, copy, table);
      const folder = await Gateway.prepare('fsck-copy', { database: copy });
      assert.equal((await command('fsck', folder.configPath)).stdout, 'clean\n');
      await sql(copy, statement);
      const { status, stdout } = await command('fsck', folder.configPath);
      assert.equal(status, 1);
      assert.ok(stdout.includes(`${check}: ${id ?? ''}`), stdout);
      assert.match(stdout, /\d+ broken promises\n$/);
    });
  }

  test('cannot say anything of a database that it cannot reach, or that is empty', async () => {
    const unreachable = await Gateway.prepare('fsck-unreachable', { database: 's2s', hosts: '127.0.0.1:1' });
    for (const folder of [unreachable, await onEmptyDatabase('fsck-empty')]) {
      const { status, stderr } = await command('fsck', folder.configPath);
      assert.equal(status, 2);
      assert.notEqual(stderr, '');
    }
  });

  test('its gateway ends well', () => gateway.close());
  wallet.close();
});

/** Copy the rows of a table from one database to another. */
async function copyRows(from, to, table) {
  const [source, target] = [from, to].map((database) => databaseUrl(database, { superuser: true }));
  const pipe = `psql -X -q -d "$1" -c "COPY s2s.${table} TO STDOUT" | psql -X -q -d "$2" -c "COPY s2s.${table} FROM STDIN"`;
  const { status, stderr } = await run('bash', ['-c', `set -o pipefail; ${pipe}`, 'copy', source, target]);
  assert.equal(status, 0, stderr);
}

test('what was given up is listed by its number, and taken up again', async () => {
  const folder = await Gateway.prepare('given-up', {});
  const call = (...args) => run(bench.S2S_ISSUER_BINARY, ['--config', folder.configPath, ...args]);
  await sql(
    folder.database,
    `INSERT INTO s2s.job_dead (job_id, died_at, created_at, attempts, kind, lane, ref, error) VALUES
       (7, '2026-01-02T03:04:05Z', now(), 20, 'dataset', 'claims', 'an-instance', 'broken'),
       (8, '2026-01-02T03:04:06Z', now(), 3, 'bulk', '', 'a-run', 'attempts used up');
     INSERT INTO s2s.delivery_dead (delivery_id, died_at, created_at, owed_at, attempts, peer, endpoint, ref, reason)
     SELECT n, now(), now(), now(), 1, 'wallet', '/event/notify', 'n' || n, 'HTTP 400' FROM generate_series(1, 2000) AS n`,
  );
  const rows = ({ stdout }) => stdout.trimEnd().split('\n').map((line) => line.split('\t'));
  assert.deepEqual(rows(await call('dead-jobs')), [
    ['7', '2026-01-02T03:04:05Z', 'dataset', 'an-instance', '20', 'broken'],
    ['8', '2026-01-02T03:04:06Z', 'bulk', 'a-run', '3', 'attempts used up'],
  ]);
  assert.equal(rows(await call('dead-letters')).length, 2000);
  for (const [name, number, table] of [
    ['redrive-job', '7', "job WHERE kind = 'dataset' AND lane = 'claims' AND ref = 'an-instance'"],
    ['redrive-job', '8', "job WHERE kind = 'bulk' AND ref = 'a-run'"],
    ['redrive', '1000', "delivery WHERE ref = 'n1000'"],
  ]) {
    assert.equal((await call(name, number)).status, 0);
    assert.deepEqual(await sql(folder.database, `SELECT count(*) FROM s2s.${table}`), ['1']);
    assert.equal((await call(name, number)).status, 1, 'it is given up no more');
    for (const wrong of ['abc', '-1', '1e3', '', '9'.repeat(19)]) {
      const { status, stderr } = await call(name, '--', wrong);
      assert.equal(status, 64, wrong);
      assert.match(stderr, /is no number of/);
    }
  }
  assert.deepEqual(await sql(folder.database, "SELECT ref FROM s2s.audit WHERE action = 'dead-job.redrive' ORDER BY seq"), ['7', '8']);
});

describe('the command line', () => {
  const binary = (...args) => run(bench.S2S_ISSUER_BINARY, args);

  test('version', async () => {
    const { status, stdout } = await binary('version');
    assert.equal(status, 0);
    assert.match(stdout, /^s2s-gateway \d+\.\d+\.\d+\S*\n$/);
  });

  test('help names every command', async () => {
    const { status, stdout } = await binary('--help');
    assert.equal(status, 0);
    for (const name of ['serve', 'migrate', 'check-config', 'fsck', 'version'])
      assert.match(stdout, new RegExp(`^  ${name} `, 'm'));
  });

  for (const args of [[], ['dance'], ['serve', 'fsck'], ['version', '--colour'], ['serve', '--config']]) {
    test(`wrong use: ${args.join(' ') || 'nothing'}`, async () => {
      const { status, stderr } = await binary(...args);
      assert.equal(status, 64);
      assert.notEqual(stderr, '');
    });
  }

  test('serve ends at once when a port is taken', async () => {
    const folder = await Gateway.prepare('port-taken', { database: 's2s' });
    const squatter = net.createServer().listen(folder.ports.s2s, '127.0.0.1');
    await once(squatter, 'listening');
    const { status, stderr } = await command('serve', folder.configPath, { timeout: 20_000 });
    squatter.close();
    assert.equal(status, 1, stderr);
    const line = stderr.split('\n').find((text) => text.includes('"cannot_listen"'));
    assert.deepEqual([JSON.parse(line).port, JSON.parse(line).reason], [folder.ports.s2s, 'Address already in use']);
  });
});
