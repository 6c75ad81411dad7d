// SPDX-License-Identifier: Apache-2.0
//
// The same x-request-id again: the same answer, byte for byte, and no second effect (profile section 2, D6).

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { changePart, flipBit } from '../lib/jose.mjs';
import { otpItem } from '../lib/payloads.mjs';
import { PATHS } from '../lib/wallet.mjs';
import { assertOk, assertProblem, connect, PROBLEM } from './support.mjs';

const wallet = await connect();
const overHttp2 = await connect({ protocol: 'h2' });
const other = await connect({ who: 'OTHER_WALLET' });
const { session, instances } = await wallet.approvedSession();
const [instanceId] = instances;

const isReplay = (response) => response.headers['idempotent-replayed'] === 'true';

/** Assert that `again` is the stored `first`. */
function assertReplay(first, again) {
  assert.equal(again.status, first.status, again.text);
  assert.ok(again.body.equals(first.body), `not the same bytes:\n${first.text}\n${again.text}`);
  assert.equal(again.contentType, first.contentType);
  assert.equal(again.headers['retry-after'], first.headers['retry-after']);
  assert.ok(!isReplay(first), 'the first answer is no replay');
  assert.ok(isReplay(again), 'the second one says that it is');
}

/** One request for each endpoint: `[path, body]`. Bodies are made once: no two sealings of one content are the same. */
const REQUESTS = {
  initiate: async () => [
    PATHS.initiate,
    await wallet.initiateBody(wallet.newSession(), { items: [otpItem('123456')] }),
  ],
  supplement: async () => {
    const pending = wallet.newSession();
    assertOk(await wallet.initiate(pending, { configurations: ['badge_review'] }));
    return [PATHS.supplement, await wallet.supplementBody(pending, { items: [otpItem('123456')] })];
  },
  status: async () => [PATHS.status, wallet.verificationRef(session)],
  cancel: async () => {
    const pending = wallet.newSession();
    assertOk(await wallet.initiate(pending, { configurations: ['badge_review'] }));
    return [PATHS.cancel, wallet.cancelBody(pending)];
  },
  provision: async () => {
    const approved = wallet.newSession();
    assertOk(await wallet.initiate(approved));
    await wallet.waitFor(approved, 'APPROVED');
    return [PATHS.provision, wallet.verificationRef(approved)];
  },
  get: async () => [PATHS.get, await wallet.getBody(session, instanceId)],
  'get that has to wait': async () => {
    const slow = await wallet.approvedSession({ configurations: ['badge_slow'] });
    return [PATHS.get, await wallet.getBody(slow.session, slow.instances[0])];
  },
  metadata: async () => [PATHS.metadata, await wallet.metadataBody(session, instanceId)],
  'credential status': async () => [PATHS.credentialStatus, wallet.instanceRef(session, instanceId)],
  manage: async () => [PATHS.manage, wallet.instanceRef(session, instanceId, { action: 'RESUME' })],
  event: async () => [
    PATHS.event,
    wallet.instanceRef(session, instanceId, { eventType: 'UPDATE_REMINDER', eventTimestamp: new Date().toISOString() }),
  ],
};

/** Requests with a final 4xx: `[path, body, status]`. */
const FAILURES = {
  'a validation problem': async () => [PATHS.status, { sessionId: session.sessionId }, 400],
  'an unknown session': async () => [PATHS.status, { sessionId: randomUUID(), verificationId: randomUUID() }, 404],
  'a wrong state': async () => [PATHS.cancel, wallet.cancelBody(session), 409],
  'a used session': async () => [
    PATHS.initiate,
    await wallet.initiateBody(wallet.newSession({ sessionId: session.sessionId })),
    409,
  ],
  'a nonce that does not verify': async () => [
    PATHS.initiate,
    await wallet.initiateBody(wallet.newSession(), { nonce: 'AAAA' }),
    400,
  ],
  'a payload that does not decrypt': async () => {
    const body = await wallet.initiateBody(wallet.newSession(), { items: [otpItem('1')] });
    const [payload] = body.verificationData.clientEncryptedPayload;
    payload.jwe = changePart(payload.jwe, 3, (text) => flipBit(text));
    return [PATHS.initiate, body, 400];
  },
  'a WEK that is not bound': async () => [
    PATHS.get,
    await wallet.getBody(session, instanceId, { binding: 'none' }),
    400,
  ],
};

describe('a duplicate gets the stored answer', () => {
  for (const [name, make] of Object.entries({ ...REQUESTS, ...FAILURES })) {
    test(name, async () => {
      const [path, body, status] = await make();
      const requestId = randomUUID();
      const first = await wallet.call(path, body, { requestId });
      if (status) assert.equal(first.status, status, first.text);
      else assert.ok(first.status === 200 || first.status === 202, first.text);
      for (let i = 0; i < 3; i++) assertReplay(first, await wallet.call(path, body, { requestId }));
      assertReplay(first, await overHttp2.call(path, body, { requestId }));
    });
  }

  test('also when the state has moved on meanwhile', async () => {
    const moving = wallet.newSession();
    const body = await wallet.initiateBody(moving);
    const requestId = randomUUID();
    const first = await wallet.call(PATHS.initiate, body, { requestId });
    moving.verificationId = assertOk(first).verificationId;
    await wallet.waitFor(moving, 'APPROVED');
    assertReplay(first, await wallet.call(PATHS.initiate, body, { requestId }));
  });

  test('a wrong state stays the answer when the state has become right', async () => {
    const moving = wallet.newSession();
    assertOk(await wallet.initiate(moving, { configurations: ['badge_info'] }));
    await wallet.waitFor(moving, 'ADDITIONAL_INFO_REQUIRED');
    const requestId = randomUUID();
    const first = await wallet.provision(moving, { requestId });
    assertProblem(first, 409, PROBLEM.wrongState);
    assertOk(await wallet.supplement(moving, { items: [otpItem('123456')] }));
    await wallet.waitFor(moving, 'APPROVED');
    assertReplay(first, await wallet.provision(moving, { requestId }));
    assertOk(await wallet.provision(moving));
  });

  test('a 202 stays a 202 when the credential has become ready', async () => {
    const slow = await wallet.approvedSession({ configurations: ['badge_slow'] });
    const body = await wallet.getBody(slow.session, slow.instances[0]);
    const requestId = randomUUID();
    const first = await wallet.call(PATHS.get, body, { requestId });
    assert.equal(first.status, 202);
    await sleep(3500);
    assertReplay(first, await wallet.call(PATHS.get, body, { requestId }));
    assertOk(await wallet.call(PATHS.get, body));
  });

  test('a repeated wrong answer counts once', async () => {
    const guessing = wallet.newSession();
    assertOk(await wallet.initiate(guessing, { configurations: ['badge_info'] }));
    await wallet.waitFor(guessing, 'ADDITIONAL_INFO_REQUIRED');
    const body = await wallet.supplementBody(guessing, { items: [otpItem('000000')] });
    const requestId = randomUUID();
    for (let i = 0; i < 6; i++) assertOk(await wallet.call(PATHS.supplement, body, { requestId }));
    assert.equal((await wallet.waitFor(guessing, ['REJECTED', 'DENIED'])).status, 'REJECTED');
    assertOk(await wallet.supplement(guessing, { items: [otpItem('123456')] }));
    await wallet.waitFor(guessing, 'APPROVED');
  });
});

describe('the same id for something else is 422', () => {
  test('another body', async () => {
    const requestId = randomUUID();
    assertOk(await wallet.status(session, { requestId }));
    const changed = { ...wallet.verificationRef(session), extensions: {} };
    assertProblem(await wallet.call(PATHS.status, changed, { requestId }), 422, PROBLEM.reuse);
  });

  test('another path', async () => {
    const requestId = randomUUID();
    assertOk(await wallet.status(session, { requestId }));
    assertProblem(await wallet.provision(session, { requestId }), 422, PROBLEM.reuse);
  });

  test('another body after a 4xx', async () => {
    const requestId = randomUUID();
    const { verificationId } = session;
    assertProblem(
      await wallet.call(PATHS.status, { sessionId: randomUUID(), verificationId }, { requestId }),
      404,
      PROBLEM.notFound,
    );
    assertProblem(await wallet.status(session, { requestId }), 422, PROBLEM.reuse);
  });

  test('has no effect, and the first answer stays', async () => {
    const requestId = randomUUID();
    const body = await wallet.initiateBody(wallet.newSession());
    const first = await wallet.call(PATHS.initiate, body, { requestId });
    assertOk(first);
    const second = wallet.newSession();
    assertProblem(await wallet.initiate(second, { requestId }), 422, PROBLEM.reuse);
    assertOk(await wallet.initiate(second)); // the second session is still unused
    assertReplay(first, await wallet.call(PATHS.initiate, body, { requestId }));
  });
});

describe('what is not stored', () => {
  test('a body that could not be parsed', async () => {
    const requestId = randomUUID();
    assert.equal((await wallet.call(PATHS.status, '{', { requestId })).status, 400);
    assertOk(await wallet.status(session, { requestId }));
  });

  test('an unsupported version', async () => {
    const requestId = randomUUID();
    assertProblem(
      await wallet.status(session, { requestId, headers: { 'api-version': '9.9.9' } }),
      400,
      PROBLEM.version,
    );
    assertOk(await wallet.status(session, { requestId }));
  });

  test('a wrong media type', async () => {
    const requestId = randomUUID();
    assertProblem(
      await wallet.status(session, { requestId, headers: { 'content-type': 'text/plain' } }),
      415,
      PROBLEM.blank,
    );
    assertOk(await wallet.status(session, { requestId }));
  });
});

test('the id of another peer is another id', async () => {
  const requestId = randomUUID();
  const mine = await wallet.initiate(wallet.newSession(), { requestId });
  const theirs = await other.initiate(other.newSession(), { requestId });
  assertOk(mine);
  assertOk(theirs);
  assert.ok(!isReplay(theirs));
  assert.notEqual(mine.json.verificationId, theirs.json.verificationId);
});

describe('twenty duplicates at once', () => {
  const callers = [wallet, overHttp2];
  const burst = (path, body, requestId) =>
    Promise.all(Array.from({ length: 20 }, (_, i) => callers[i % 2].call(path, body, { requestId })));

  for (const [name, make] of Object.entries(REQUESTS)) {
    test(`${name}: one effect, one answer`, async () => {
      const [path, body] = await make();
      const answers = await burst(path, body, randomUUID());
      for (const answer of answers) {
        assert.ok(answer.status === 200 || answer.status === 202, `${answer.status} ${answer.text}`);
        assert.ok(answer.body.equals(answers[0].body), 'all bytes are the same');
      }
      assert.equal(answers.filter((answer) => !isReplay(answer)).length, 1, 'one of them was the first');
    });
  }

  test('one session raced for with different ids: one wins', async () => {
    const body = await wallet.initiateBody(wallet.newSession());
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => callers[i % 2].call(PATHS.initiate, body)));
    const won = answers.filter((answer) => answer.status === 200);
    assert.equal(won.length, 1);
    for (const answer of answers.filter((candidate) => candidate.status !== 200))
      assertProblem(answer, 409, PROBLEM.consumed);
  });

  test('one id raced for with different bodies: one wins', async () => {
    const requestId = randomUUID();
    const sessions = Array.from({ length: 20 }, () => wallet.newSession());
    const answers = await Promise.all(sessions.map((raced, i) => callers[i % 2].initiate(raced, { requestId })));
    assert.equal(answers.filter((answer) => answer.status === 200).length, 1);
    for (const answer of answers.filter((candidate) => candidate.status !== 200))
      assertProblem(answer, 422, PROBLEM.reuse);
  });

  test('provisioning raced for with different ids: the same instances', async () => {
    const [path, body] = await REQUESTS.provision();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => callers[i % 2].call(path, body)));
    for (const answer of answers) assert.deepEqual(assertOk(answer), answers[0].json);
  });

  test('suspending raced for with different ids: one completes', async () => {
    const raced = await wallet.approvedSession();
    assertOk(await wallet.event(raced.session, raced.instances[0], 'PROVISIONING_SUCCESS'));
    const calls = Array.from({ length: 20 }, (_, i) =>
      callers[i % 2].manage(raced.session, raced.instances[0], 'SUSPEND'),
    );
    const outcomes = (await Promise.all(calls)).map((answer) => assertOk(answer).outcome);
    assert.equal(outcomes.filter((outcome) => outcome === 'COMPLETED').length, 1);
    assert.equal(outcomes.filter((outcome) => outcome === 'NO_CHANGE').length, 19);
  });
});
