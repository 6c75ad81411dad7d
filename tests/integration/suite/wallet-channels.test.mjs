// SPDX-License-Identifier: Apache-2.0
//
// Two ways for news to reach the wallet: the issuer's notifications and the wallet's own questions. Either alone is
// enough.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertOk } from '../../interop/suite/support.mjs';
import { eventually } from '../lib/bench.mjs';
import { callOut, laneOpened, ledger, operationOf, owed, rows } from '../lib/deliveries.mjs';
import { issuerStatus, READY_MS, withPair } from '../lib/pair.mjs';

const POLL = '/verification/status';

/** How often the issuer has answered the wallet's question how a verification stands. */
const polls = async ({ issuer }) =>
  (await rows(issuer, `SELECT count(*) AS n FROM s2s.answer WHERE endpoint = '${operationOf(POLL)}'`))[0].n;

/** Every kind of issuance, each to its end. */
const KINDS = {
  async plain(pair) {
    const { session, instances } = await pair.issued();
    await pair.fetched(session, instances[0]);
  },

  async negotiated(pair) {
    const session = await pair.begin({ configurations: ['badge_info'] });
    for (const [otp, status] of [['000000', 'ADDITIONAL_INFO_REQUIRED'], ['123456', 'REJECTED']]) {
      await pair.app.waitForStatus(session.sessionId, status);
      assertOk(await pair.supplement(session, otp), 202);
    }
    await pair.app.waitForInstances(session.sessionId);
  },

  async denied(pair) {
    const session = await pair.begin({ configurations: ['badge_deny'] });
    await pair.app.waitForStatus(session.sessionId, 'DENIED');
  },

  async cancelled(pair) {
    const session = await pair.begin({ configurations: ['badge_review'] });
    await pair.app.waitForStatus(session.sessionId, 'PENDING');
    assertOk(await pair.app.cancel(session.sessionId), 202);
    await pair.app.waitForStatus(session.sessionId, 'DENIED');
  },

  async slow(pair) {
    const { session, instances } = await pair.issued({ configurations: ['badge_slow'] });
    const began = Date.now();
    await pair.fetched(session, instances[0], { wait: 0 });
    assert.ok(Date.now() - began >= READY_MS);
  },
};

const everyKind = (pair) => Promise.all(Object.values(KINDS).map((kind) => kind(pair)));

describe('one way is enough', () => {
  test('notifications blocked: by asking', () =>
    withPair('polling-only', { notifications: false }, async (pair) => {
      await everyKind(pair);
      assert.ok((await polls(pair)) > 0);
      assert.deepEqual(await rows(pair.issuer, 'SELECT * FROM s2s.delivery'), []);
    }));

  test('polling off: by notifications', () =>
    withPair('notices-only', { polling: false }, async (pair) => {
      await everyKind(pair);
      // No issuer notifies of what it was told: it is asked once after the cancellation, and when a notice has overtaken
      // the answer to one of seven calls. Nobody is asked time and again.
      assert.ok((await polls(pair)) <= 8);
      assert.deepEqual(await rows(pair.wallet, 'SELECT session_id FROM s2s.wallet_session WHERE polled'), []);
      const { instanceId } = await pair.active({ configurations: ['badge_slow'] });
      assert.equal(await issuerStatus(pair.issuer, instanceId), 'ACTIVE');
      assert.deepEqual(await rows(pair.wallet, `SELECT * FROM s2s.delivery WHERE endpoint = '${POLL}'`), []);
    }));

  test('both: the wallet asks less and less often, and stops when it knows', () =>
    withPair('both-ways', {}, async (pair) => {
      const session = await pair.begin({ configurations: ['badge_review'] });
      await eventually('three questions', async () => (await polls(pair)) >= 3);
      const poll = await owed(pair.wallet, session.sessionId);
      assert.equal(poll.endpoint, POLL);
      assertOk(await pair.app.cancel(session.sessionId), 202);
      await pair.app.waitForStatus(session.sessionId, 'DENIED');
      const entries = (await ledger(pair.wallet, session.sessionId)).filter((it) => it.endpoint === POLL);
      assert.ok(entries.filter(({ event }) => event === 'owed').length <= 2, 'a question is no entry in the ledger');
      const before = await polls(pair);
      await sleep(1500);
      assert.equal(await polls(pair), before);
    }));
});

test('an issuer that gets an address for the wallet later tells it from then on', () =>
  withPair('late-address', { notifications: false, polling: false }, async (pair) => {
    const url = `https://127.0.0.1:${pair.notices.port}`;
    await pair.issuer.reconfigure((config) => callOut(config, { wallet: url }, config.outbound));
    await laneOpened(pair.issuer, 'wallet');
    await pair.issued();
  }));
