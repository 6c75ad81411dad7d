// SPDX-License-Identifier: Apache-2.0
//
// What is owed outlives outages of either side, however long, and of a database.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertOk } from '../../interop/suite/support.mjs';
import { eventually, sql } from '../lib/bench.mjs';
import { command, hurry, owed, rows } from '../lib/deliveries.mjs';
import { DatabaseLink } from '../lib/link.mjs';
import { withPair } from '../lib/pair.mjs';

/** As if six days had passed for everything that is owed, with an attempt now and then. */
async function ageInSteps({ database }) {
  for (let i = 0; i < 3; i++) {
    await sql(
      database,
      `UPDATE s2s.delivery SET created_at = created_at - interval '2 days', owed_at = owed_at - interval '2 days',
         next_at = now() WHERE lease IS NULL;
       UPDATE s2s.lane SET blocked_until = now() WHERE blocked_until IS NOT NULL`,
    );
    await sleep(400);
  }
}

test('a wallet that is away for six days gets all of it when it returns, and only the last state', () =>
  withPair('six-days', {}, async (pair) => {
    const held = await pair.active();
    const updated = await pair.active();
    const ended = await pair.active();
    const waiting = await pair.begin({ configurations: ['badge_review'] });
    await pair.app.waitForStatus(waiting.sessionId, 'PENDING');
    pair.app.close();
    await pair.wallet.stop();

    for (const action of ['SUSPEND', 'RESUME', 'SUSPEND'])
      assert.equal(await command(pair.issuer, held.instanceId, action), 'COMPLETED');
    assert.equal(await command(pair.issuer, updated.instanceId, 'UPDATED'), 'COMPLETED');
    assert.equal(await command(pair.issuer, ended.instanceId, 'CANCEL'), 'COMPLETED');
    // The session's own time is over meanwhile.
    await sql(
      pair.issuer.database,
      `UPDATE s2s.verification SET expires_at = now(), due_at = now() WHERE session_id = '${waiting.sessionId}'`,
    );
    const failed = async () => (await owed(pair.issuer, held.instanceId))?.attempts > 0;
    await eventually('the issuer has tried', failed);
    await ageInSteps(pair.issuer);
    await pair.wallet.serve();
    await hurry(pair.issuer);
    await pair.agreed(held.instanceId, 'SUSPENDED_ISSUER', { timeoutMs: 20_000 });
    await pair.agreed(ended.instanceId, 'CANCELLED');
    const news = async () => assertOk(await pair.app.instance(updated.instanceId)).updateAvailable;
    await eventually('the wallet knows of the update', news);
    await pair.app.waitForStatus(waiting.sessionId, 'EXPIRED');
    assert.deepEqual(await rows(pair.issuer, 'SELECT * FROM s2s.delivery_dead'), []);
    const manages = await rows(
      pair.wallet,
      `SELECT body::json ->> 'currentStatus' AS status FROM s2s.answer
       WHERE endpoint = 'credential_manage' AND body::json ->> 'credentialInstanceId' = '${held.instanceId}'`,
    );
    assert.deepEqual(manages, [{ status: 'SUSPENDED_ISSUER' }], 'one message, with the last state');
  }));

test('an issuer that is away for six days, too', () =>
  withPair('six-days-issuer', {}, async (pair) => {
    const { instanceId } = await pair.active();
    await pair.issuer.stop();
    const session = await pair.begin();
    for (const action of ['SUSPEND', 'RESUME', 'SUSPEND']) assertOk(await pair.app.action(instanceId, action));
    const failed = async () => (await owed(pair.wallet, session.sessionId))?.attempts > 0;
    await eventually('the wallet has tried', failed);
    await ageInSteps(pair.wallet);
    await pair.issuer.serve();
    await hurry(pair.wallet);
    await pair.app.waitForInstances(session.sessionId, { timeoutMs: 20_000 });
    await pair.agreed(instanceId, 'SUSPENDED_WALLET', { timeoutMs: 20_000 });
  }));

test("the wallet's database goes and comes", async () => {
  const link = await DatabaseLink.open();
  await withPair('wallet-database', { walletOptions: { link } }, async (pair) => {
    const sessions = [];
    for (let i = 0; i < 8; i++) sessions.push(await pair.begin());
    await link.close();
    await sleep(1500);
    await link.restore();
    for (const session of sessions) {
      const { instances } = await pair.app.waitForInstances(session.sessionId, { timeoutMs: 20_000 });
      assert.equal(instances.length, 1);
    }
  });
  await link.close();
});

test('the line between the two is cut again and again', () =>
  withPair('cut-lines', {}, async (pair) => {
    const beginning = Promise.all(Array.from({ length: 6 }, () => pair.begin()));
    for (let i = 0; i < 20; i++) {
      pair.calls.cut();
      pair.notices.cut();
      await sleep(100);
    }
    const sessions = await beginning;
    await hurry(pair.wallet);
    for (const session of sessions) await pair.app.waitForInstances(session.sessionId, { timeoutMs: 20_000 });
    const count = `SELECT count(*) AS n FROM s2s.verification`;
    assert.equal((await rows(pair.issuer, count))[0].n, sessions.length);
  }));
