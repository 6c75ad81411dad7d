// SPDX-License-Identifier: Apache-2.0
//
// What happens to PostgreSQL happens to nobody's data: connections are lost, servers go and come, rows are locked, and
// callers see delays and 503s.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATHS } from '../../interop/lib/wallet.mjs';
import { assertOk, assertProblem } from '../../interop/suite/support.mjs';
import { createDatabase, databaseAddress, eventually, openTransaction, slow, sql } from '../lib/bench.mjs';
import { callOut } from '../lib/deliveries.mjs';
import { Gateway, withGateway } from '../lib/gateway.mjs';
import { DatabaseLink } from '../lib/link.mjs';
import { assertOnce, closeAll, impatientLanes, patientLanes, wallets, whileBusy } from '../lib/load.mjs';
import { CheckedOperator, withTokens } from '../lib/operator.mjs';
import { Peer } from '../lib/peer.mjs';

const UNAVAILABLE = 'urn:s2s-gateway:problem:unavailable';
const FAULTS = slow ? 25 : 4;

/** Run `body(gateway, wallet, link)` with a gateway whose line to the database can be cut. */
async function withLink(name, options, body) {
  const link = await DatabaseLink.open();
  try {
    await withGateway(name, { link, ...options }, async (gateway) => {
      const wallet = await gateway.connect();
      await body(gateway, wallet, link);
      wallet.close();
    });
  } finally {
    await link.close();
  }
}

const ready = (gateway) =>
  eventually('ready', async () => (await gateway.get('/readyz')).status === 200, { timeoutMs: 20_000 });

const impatient = (config) => Object.assign(config.database, { request_deadline: '1s', connect_timeout: '1s' });

describe('a database that is away', () => {
  test('is a 503 and a time to come back, after which the same request id works, once', () =>
    withLink('database-away', { edit: impatient }, async (gateway, wallet, link) => {
      const session = wallet.newSession();
      const [requestId, body] = [randomUUID(), await wallet.initiateBody(session)];
      const ask = () => wallet.call(PATHS.initiate, body, { requestId });
      await link.close();
      for (let i = 0; i < 2; i++) {
        const answer = await ask();
        assert.equal(assertProblem(answer, 503, UNAVAILABLE).retryable, true);
        assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
        assert.equal(answer.headers['idempotent-replayed'], undefined);
      }
      await link.restore();
      await ready(gateway);
      const first = await ask();
      session.verificationId = assertOk(first).verificationId;
      assert.equal(first.headers['idempotent-replayed'], undefined);
      const again = await ask();
      assert.ok(again.body.equals(first.body));
      assert.equal(again.headers['idempotent-replayed'], 'true');
      await assertOnce(gateway, [session]);
    }));

  test('and comes back in time is only a delay', () =>
    withLink('database-blink', {}, async (gateway, wallet, link) => {
      const session = wallet.newSession();
      assertOk(await wallet.initiate(session));
      await link.close();
      const waiting = wallet.status(session);
      await sleep(500);
      await link.restore();
      assertOk(await waiting);
    }));

  test('and silent is given up: the request is done once, whether or not its answer was heard', () => {
    const edit = (config) => Object.assign(config.database, { statement_timeout: '500ms', connect_timeout: '500ms' });
    return withLink('database-silent', { edit }, async (gateway, wallet, link) => {
      const session = wallet.newSession();
      const [requestId, body] = [randomUUID(), await wallet.initiateBody(session)];
      link.silence();
      const asking = wallet.call(PATHS.initiate, body, { requestId });
      const count = `SELECT count(*) FROM s2s.session WHERE session_id = '${session.sessionId}'`;
      await eventually('the commit', async () => (await sql(gateway.database, count))[0] === '1');
      link.cut();
      await link.restore();
      const answer = await asking;
      session.verificationId = assertOk(answer).verificationId;
      assert.equal(answer.headers['idempotent-replayed'], undefined, 'its own answer, found again');
      await assertOnce(gateway, [session]);
    });
  });
});

// A claim whose answer is lost costs the jobs of it a lease.
const shortLeases = (config) => Object.assign(config.jobs, { lease: '2s' });

describe('under load', () => {
  // Each does its harm once; the caller repeats it.
  const harms = {
    'connections are cut': ({ link }) => link.cut(),
    'backends are terminated': ({ gateway }) =>
      sql(
        'postgres',
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${gateway.database}' AND usename = 's2s'`,
      ),
    'the server goes and comes': async ({ link }) => {
      await link.close();
      await sleep(400);
      await link.restore();
    },
    'answers are lost': async ({ link }) => {
      link.silence();
      await sleep(100);
      link.cut();
      await link.restore();
    },
  };
  for (const [name, harm] of Object.entries(harms)) {
    test(`nothing is lost and nothing doubled when ${name}`, { timeout: 180_000 }, () =>
      withLink('database-load', { edit: shortLeases }, async (gateway, wallet, link) => {
        const callers = await wallets(gateway);
        const sessions = [];
        await whileBusy(patientLanes(callers, sessions), async () => {
          for (let i = 0; i < FAULTS; i++) {
            await sleep(500);
            await harm({ gateway, link });
          }
          await sleep(500);
        });
        assert.ok(sessions.length > 10, `${sessions.length} sessions`);
        await assertOnce(gateway, sessions);
        for (const session of sessions) await wallet.waitFor(session, 'APPROVED', { timeoutMs: 70_000 });
        assert.ok((await gateway.metrics()).value('s2s_db_connections_lost_total') >= FAULTS);
        closeAll(callers);
      }),
    );
  }
});

// What an operator writes runs in transactions of its own, yet in one pipeline.
describe('a pipeline that runs call by call', () => {
  const SLOW_MS = 300;

  /** Run `body(gateway, link, makeOffers)` where an offer takes SLOW_MS, and s2s.made counts the attempts. */
  const withSlowOffers = (name, limits, body) => {
    const edit = (config) => {
      withTokens(config);
      const item = { id: 'code', type: 'urn:s2s-gateway:verification:pre_authorized_code' };
      config.credential_configurations[0].verification = { decision: 'approve', items: [item] };
      Object.assign(config.database, { connections: 1, request_deadline: '30s', ...limits });
    };
    return withLink(name, { edit }, async (gateway, wallet, link) => {
      await sql(
        gateway.database,
        `CREATE SEQUENCE s2s.made; GRANT USAGE ON s2s.made TO s2s;
         CREATE FUNCTION s2s.make_slowly() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN PERFORM nextval('s2s.made'), pg_sleep(${SLOW_MS / 1000}); RETURN NEW; END $$;
         CREATE TRIGGER make_slowly BEFORE INSERT ON s2s.credential_offer FOR EACH ROW EXECUTE FUNCTION s2s.make_slowly()`,
      );
      const operator = CheckedOperator.of(gateway);
      const makeOffers = (count) =>
        Array.from({ length: count }, () => operator.makeOffer({ credentialConfigurationIds: ['badge_auto'] }));
      await body(gateway, link, makeOffers);
      operator.close();
    });
  };

  test('may take longer than a server may be silent', () =>
    withSlowOffers('database-slow', { statement_timeout: '1s', connect_timeout: '500ms' }, async (gateway, _, makeOffers) => {
      for (const answer of await Promise.all(makeOffers(10))) assertOk(answer, 201);
      assert.equal((await gateway.metrics()).value('s2s_db_connections_lost_total'), 0);
    }));

  test('and is lost has given the answers that it had', () =>
    withSlowOffers('database-half', {}, async (gateway, link, makeOffers) => {
      let answered = 0;
      const offers = makeOffers(6);
      for (const offer of offers) offer.then(() => answered++);
      await eventually('the fourth', async () => (await sql(gateway.database, 'SELECT last_value FROM s2s.made'))[0] === '4');
      await link.close();
      await eventually('the answers of the first three', () => answered === 3, { timeoutMs: 3000 });
      await link.restore();
      for (const answer of await Promise.all(offers)) assertOk(answer, 201);
      assert.deepEqual(await sql(gateway.database, 'SELECT count(*) FROM s2s.credential_offer'), ['6']);
    }));
});

describe('several hosts', () => {
  test('the first one dead, the second one serves', async () => {
    const { host, port } = databaseAddress();
    await withGateway('database-hosts', { hosts: `127.0.0.1:1,${host}:${port}` }, async (gateway) => {
      const wallet = await gateway.connect();
      assertOk(await wallet.initiate(wallet.newSession()));
      await gateway.logged({ event: 'database_connected', port: String(port) });
      wallet.close();
    });
  });

  test('the primary moves under load to the other, and back', { timeout: 120_000 }, async () => {
    const links = [await DatabaseLink.open(), await DatabaseLink.open()];
    await links[1].close();
    const hosts = links.map(({ port }) => `127.0.0.1:${port}`).join(',');
    await withGateway('database-failover', { hosts }, async (gateway) => {
      const callers = await wallets(gateway);
      const sessions = [];
      await whileBusy(patientLanes(callers, sessions), async () => {
        for (const [from, to] of [
          [0, 1],
          [1, 0],
        ]) {
          await sleep(500);
          await links[from].close();
          await links[to].restore();
          await eventually('served by the other', () => links[to].connections > 0);
        }
        await sleep(500);
      });
      await assertOnce(gateway, sessions);
      closeAll(callers);
    });
    for (const link of links) await link.close();
  });

  test('a server that became read-only is left alone until it can write', () =>
    withLink('database-read-only', { edit: impatient }, async (gateway, wallet, link) => {
      const readOnly = (value) =>
        sql('postgres', `ALTER DATABASE ${gateway.database} SET default_transaction_read_only = ${value}`);
      await readOnly('on');
      link.cut();
      const session = wallet.newSession();
      const [requestId, body] = [randomUUID(), await wallet.initiateBody(session)];
      assertProblem(await wallet.call(PATHS.initiate, body, { requestId }), 503, UNAVAILABLE);
      await readOnly('off');
      assertOk(await wallet.callUntilAnswered(PATHS.initiate, body, { requestId }));
    }));
});

describe('a locked row', () => {
  const edit = (config) => Object.assign(config.database, { lock_timeout: '500ms', request_deadline: '4s' });
  const expectedErrors = ['database_error'];

  test('delays its own requests, and nobody else for long', () =>
    withGateway('database-lock', { edit, expectedErrors }, async (gateway) => {
      const wallet = await gateway.connect();
      const [held, free] = [wallet.newSession(), wallet.newSession()];
      for (const session of [held, free]) {
        assertOk(await wallet.initiate(session, { configurations: ['badge_review'] }));
        await eventually('evaluated', async () => (await gateway.metrics()).value('s2s_queue_depth') === 0);
      }
      const row = `SELECT FROM s2s.verification WHERE verification_id = '${held.verificationId}' FOR UPDATE`;
      const release = await openTransaction(gateway.database, row);
      const stuck = wallet.status(held);
      const delays = [];
      for (let i = 0; i < 40; i++) {
        const began = Date.now();
        assertOk(await wallet.status(free));
        delays.push(Date.now() - began);
      }
      const answer = await stuck;
      assert.equal(assertProblem(answer, 503, UNAVAILABLE).retryable, true);
      assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
      const longest = Math.max(...delays);
      // At worst in the batch that waits, and behind it when its calls run again one by one.
      assert.ok(longest < 2 * 500 + 500, `another session waited ${longest} ms`);
      await release();
      assertOk(await wallet.status(held));
      wallet.close();
    }));

  test('released in time is only a delay', () =>
    withGateway('database-lock-short', { edit, expectedErrors }, async (gateway) => {
      const wallet = await gateway.connect();
      const session = wallet.newSession();
      assertOk(await wallet.initiate(session, { configurations: ['badge_review'] }));
      await eventually('evaluated', async () => (await gateway.metrics()).value('s2s_queue_depth') === 0);
      const row = `SELECT FROM s2s.verification WHERE verification_id = '${session.verificationId}' FOR UPDATE`;
      const release = await openTransaction(gateway.database, row);
      const stuck = wallet.status(session);
      await sleep(700); // beyond one lock_timeout: the call is run again
      await release();
      assertOk(await stuck);
      wallet.close();
    }));
});

test('a batch has one call of each session, so that two batches never hold parts of one', () => {
  const edit = (config) => {
    config.workers = 1;
    config.database.connections = 1;
  };
  return withGateway('database-batch', { edit }, async (gateway) => {
    const wallet = await gateway.connect();
    const [held, ...sessions] = [wallet.newSession(), wallet.newSession(), wallet.newSession()];
    for (const session of [held, ...sessions]) assertOk(await wallet.initiate(session, { configurations: ['badge_review'] }));
    await eventually('evaluated', async () => (await gateway.metrics()).value('s2s_queue_depth') === 0);
    const row = `SELECT FROM s2s.verification WHERE verification_id = '${held.verificationId}' FOR UPDATE`;
    const release = await openTransaction(gateway.database, row);
    const stuck = wallet.status(held); // has the only connection: the others gather
    await sleep(300);
    const ask = ({ sessionId, verificationId }, requestId) =>
      wallet.call(PATHS.status, { sessionId, verificationId }, { requestId });
    const ids = sessions.map(() => [randomUUID(), randomUUID(), randomUUID()]);
    const asked = ids.flatMap((ofSession, i) => ofSession.map((requestId) => ask(sessions[i], requestId)));
    await sleep(500);
    await release();
    for (const answer of await Promise.all([stuck, ...asked])) assertOk(answer);
    const transactions = async (requestIds) => {
      const list = requestIds.map((id) => `'${id}'`).join(',');
      return (await sql(gateway.database, `SELECT DISTINCT xmin::text FROM s2s.answer WHERE request_id IN (${list})`)).length;
    };
    for (const ofSession of ids) assert.equal(await transactions(ofSession), 3, 'each in another one');
    assert.equal(await transactions(ids.flat()), 3, 'shared with the other session');
    wallet.close();
  });
});

/** Rename a function of the database: who calls it fails. */
const rename = (gateway, from, to) =>
  sql(
    gateway.database,
    `DO $$ BEGIN EXECUTE (SELECT format('ALTER FUNCTION %s RENAME TO ${to}', oid::regprocedure) FROM pg_proc
      WHERE proname = '${from}' AND pronamespace = 's2s'::regnamespace); END $$`,
  );

test('a chore that fails is done soon, not at its next time', () =>
  withGateway('database-chore', { expectedErrors: ['database_error'] }, async (gateway) => {
    await rename(gateway, 'jobs_lanes_set', 'jobs_lanes_set_away'); // an hourly one
    const from = gateway.logEnd;
    await gateway.reload();
    await gateway.logged({ event: 'database_error', statement: 'jobs_lanes_set' }, { from });
    // A void job, which is finished once it is where somebody looks for it.
    await sql(
      gateway.database,
      `INSERT INTO s2s.job (next_at, created_at, kind, lane, ref, payload)
       VALUES (now(), now(), 'evaluate', 'a backend that is gone', 'nothing', '{"dataSeq": 1}')`,
    );
    await rename(gateway, 'jobs_lanes_set_away', 'jobs_lanes_set');
    const jobs = () => sql(gateway.database, 'SELECT job_id FROM s2s.job');
    await eventually('the job is found', async () => (await jobs()).length === 0, { timeoutMs: 20_000 });
  }));

test('a peer that was added a moment ago loses nothing, though the chore that makes lanes has yet to succeed', async () => {
  const peer = await Peer.start('new-wallet');
  await withGateway('database-lanes', { expectedErrors: ['database_error'] }, async (gateway) => {
    await rename(gateway, 'lanes_set', 'lanes_set_away');
    await gateway.reconfigure((config) => callOut(config, { wallet: peer.url }));
    const wallet = await gateway.connect();
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session));
    const { json } = await peer.receivedOnce({ verificationId: session.verificationId });
    assert.equal(json.status, 'APPROVED');
    await rename(gateway, 'lanes_set_away', 'lanes_set');
    wallet.close();
  });
  await peer.close();
});

test('a call that the database fails takes no other with it, is a 500, and is not stored', () =>
  withGateway('database-broken', { expectedErrors: ['database_error', 'internal_error'] }, async (gateway) => {
    const callers = await wallets(gateway);
    const [wallet] = callers;
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session, { configurations: ['badge_review'] }));
    const [requestId, body] = [randomUUID(), wallet.cancelBody(session)];
    await rename(gateway, 'issuer_cancel', 'issuer_cancel_away');
    let failure;
    await whileBusy(impatientLanes(callers), async () => {
      for (let i = 0; i < 10; i++) failure = await wallet.call(PATHS.cancel, body, { requestId });
    });
    assert.equal(failure.status, 500, failure.text);
    assert.equal(failure.json.type, 'about:blank');
    assert.ok(!/issuer_cancel|function|s2s\./.test(failure.text), failure.text);
    await gateway.logged({ event: 'database_error', sqlstate: '42883' });
    await rename(gateway, 'issuer_cancel_away', 'issuer_cancel');
    assertOk(await wallet.call(PATHS.cancel, body, { requestId }));
    closeAll(callers);
  }));

test('a database that was replaced under the gateway is taken as it is', async () => {
  const [link, database] = [await DatabaseLink.open(), await createDatabase()];
  const gateway = await Gateway.start('database-replaced', { link, database });
  const wallet = await gateway.connect();
  assertOk(await wallet.initiate(wallet.newSession()));
  await link.close();
  await sql('postgres', `DROP DATABASE ${database} WITH (FORCE)`);
  await sql('postgres', `CREATE DATABASE ${database} OWNER s2s TEMPLATE s2s`);
  await link.restore();
  await ready(gateway);
  assertOk(await wallet.initiate(wallet.newSession()));
  wallet.close();
  await gateway.close();
  await link.close();
});
