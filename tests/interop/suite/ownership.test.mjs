// SPDX-License-Identifier: Apache-2.0
//
// A session belongs to the peer that opened it: for everybody else it does not exist, and nothing tells the difference
// (profile section 2 "Session ownership", D7).

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { otpItem } from '../lib/payloads.mjs';
import { PATHS } from '../lib/wallet.mjs';
import { assertOk, assertProblem, connect, PROBLEM } from './support.mjs';

const owner = await connect();
const other = await connect({ who: 'OTHER_WALLET' });

const victim = await owner.approvedSession();
const waiting = owner.newSession();
assertOk(await owner.initiate(waiting, { configurations: ['badge_info'] }));
await owner.waitFor(waiting, 'ADDITIONAL_INFO_REQUIRED');
const mine = await owner.approvedSession();

/** A made-up session with the same keys as `session`: unknown to everybody. */
const unknown = (session) => {
  const copy = owner.newSession({ wsk: session.wsk, wek: session.wek });
  copy.verificationId = randomUUID();
  return copy;
};

/** Each endpoint: `(wallet, session, instanceId) => Response`. Bodies are honest, down to signatures and encryption. */
const CALLS = {
  status: (wallet, session) => wallet.status(session),
  supplement: (wallet, session) => wallet.supplement(session, { items: [otpItem('123456')] }),
  cancel: (wallet, session) => wallet.cancel(session),
  provision: (wallet, session) => wallet.provision(session),
  get: (wallet, session, instance) => wallet.get(session, instance),
  'get with a transaction_id': (wallet, session, instance) =>
    wallet.get(session, instance, { transactionId: randomUUID() }),
  metadata: (wallet, session, instance) => wallet.credentialMetadata(session, instance),
  'credential status': (wallet, session, instance) => wallet.credentialStatus(session, instance),
  'manage SUSPEND': (wallet, session, instance) => wallet.manage(session, instance, 'SUSPEND'),
  'manage UNLINK': (wallet, session, instance) => wallet.manage(session, instance, 'UNLINK'),
  event: (wallet, session, instance) => wallet.event(session, instance, 'PROVISIONING_SUCCESS'),
  'unknown event': (wallet, session, instance) => wallet.event(session, instance, 'urn:example:event'),
};

/** What a caller can see of a 404: all but the occurrence. */
const visible = (response) => {
  const problem = assertProblem(response, 404, PROBLEM.notFound);
  const { date, 'x-request-id': requestId, 'content-length': length, ...headers } = response.headers;
  return { problem: { ...problem, instance: '' }, headers, length };
};

describe('another peer sees the same 404 as for a session that does not exist', () => {
  for (const [name, call] of Object.entries(CALLS)) {
    test(name, async () => {
      const [instance] = victim.instances;
      const foreign = visible(await call(other, victim.session, instance));
      const missing = visible(await call(other, unknown(victim.session), randomUUID()));
      assert.deepEqual(foreign, missing);
      const halfKnown = visible(await call(other, victim.session, randomUUID()));
      assert.deepEqual(halfKnown, missing);
    });
  }

  test('and has changed nothing', async () => {
    const [instance] = victim.instances;
    assert.equal(assertOk(await owner.status(victim.session)).status, 'APPROVED');
    assert.equal(assertOk(await owner.credentialStatus(victim.session, instance)).currentStatus, 'IN_PROCESS');
  });

  test('a supplement with the right answer does not help', async () => {
    assertProblem(await other.supplement(waiting, { items: [otpItem('123456')] }), 404, PROBLEM.notFound);
    assert.equal(assertOk(await owner.status(waiting)).status, 'ADDITIONAL_INFO_REQUIRED');
  });

  test('payloads that would not verify make no difference', async () => {
    const impostor = { ...victim.session, wsk: owner.newSession().wsk };
    const foreign = visible(await other.get(impostor, victim.instances[0]));
    assert.deepEqual(foreign, visible(await other.get(unknown(impostor), randomUUID())));
  });

  test('a stored answer is not told to another peer', async () => {
    const requestId = randomUUID();
    assertOk(await owner.status(victim.session, { requestId }));
    const response = await other.status(victim.session, { requestId });
    assertProblem(response, 404, PROBLEM.notFound);
    assert.equal(response.headers['idempotent-replayed'], undefined);
  });
});

describe('ids of two sessions of one peer do not mix', () => {
  const mixed = { ...mine.session, verificationId: victim.session.verificationId };

  for (const name of ['status', 'supplement', 'cancel', 'provision']) {
    test(`${name}: the verification of another session`, async () => {
      visible(await CALLS[name](owner, mixed));
    });
    test(`${name}: an unknown verification`, async () => {
      visible(await CALLS[name](owner, { ...mine.session, verificationId: randomUUID() }));
    });
  }

  for (const name of Object.keys(CALLS).filter((key) => CALLS[key].length === 3)) {
    test(`${name}: the instance of another session`, async () => {
      visible(await CALLS[name](owner, mine.session, victim.instances[0]));
    });
    test(`${name}: an unknown instance`, async () => {
      visible(await CALLS[name](owner, mine.session, randomUUID()));
    });
  }

  test('the owner still reaches both', async () => {
    for (const { session, instances } of [mine, victim]) assertOk(await owner.credentialStatus(session, instances[0]));
  });
});

describe('ids that are no ids', () => {
  const odd = ['x', '..', "' OR 1=1 --", '%s%n', 'a'.repeat(200), '00000000-0000-0000-0000-000000000000', '😀'];
  for (const id of odd) {
    test(`as an instance: ${id.slice(0, 40)}`, async () => {
      const response = await owner.credentialStatus(mine.session, id);
      assertProblem(response, response.status === 404 ? 404 : 400, [PROBLEM.notFound, PROBLEM.validation]);
    });
    test(`as a verification: ${id.slice(0, 40)}`, async () => {
      const response = await owner.call(PATHS.status, { sessionId: mine.session.sessionId, verificationId: id });
      assertProblem(response, response.status === 404 ? 404 : 400, [PROBLEM.notFound, PROBLEM.validation]);
    });
    test(`as a session: ${id.slice(0, 40)}`, async () => {
      const response = await owner.call(PATHS.status, { sessionId: id, verificationId: mine.session.verificationId });
      assertProblem(response, response.status === 404 ? 404 : 400, [PROBLEM.notFound, PROBLEM.validation]);
    });
  }
});
