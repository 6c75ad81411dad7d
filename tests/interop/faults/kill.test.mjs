// SPDX-License-Identifier: Apache-2.0
//
// kill -9 of the gateway: what was answered is there, what was not can be asked again, nothing is done twice.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { otpItem } from '../lib/payloads.mjs';
import { PATHS } from '../lib/wallet.mjs';
import { connect } from '../suite/support.mjs';
import { cannotHurt, conversationsDuring, fsck, killGateway, restartGateway } from './support.mjs';

const skip = cannotHurt('S2S_ISSUER_PID');
const ROUNDS = 3;
const LANES = 6;

/** Initiate after initiate until the connection breaks; every attempt is noted, answered or not. */
async function initiateUntilBroken(protocol, attempts) {
  const wallet = await connect({ protocol });
  for (;;) {
    const session = wallet.newSession();
    const options = { configurations: ['badge_info'], items: [otpItem('123456')] };
    const attempt = { session, body: await wallet.initiateBody(session, options), requestId: randomUUID() };
    attempts.push(attempt);
    try {
      attempt.answer = await wallet.call(PATHS.initiate, attempt.body, {
        requestId: attempt.requestId,
        timeoutMs: 5000,
      });
      assert.ok(attempt.answer.status === 200 || attempt.answer.status === 503, attempt.answer.text);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      break;
    }
  }
  wallet.close();
}

for (let round = 1; round <= ROUNDS; round++) {
  test(`a run of initiates, killed (round ${round})`, { skip, timeout: 180_000 }, async () => {
    const attempts = [];
    const lanes = Array.from({ length: LANES }, (_, i) => initiateUntilBroken(i % 2 ? 'h2' : 'h1', attempts));
    await sleep(700 + 400 * round);
    killGateway();
    await Promise.all(lanes);
    await restartGateway();

    const answered = attempts.filter(({ answer }) => answer?.status === 200);
    assert.ok(answered.length > 10, `only ${answered.length} initiates were answered before the kill`);
    assert.ok(answered.length < attempts.length, 'some were under way');
    const wallet = await connect();
    const verificationIds = new Set();
    for (const { session, body, requestId, answer } of attempts) {
      const replay = await wallet.callUntilAnswered(PATHS.initiate, body, { requestId });
      assert.equal(replay.status, 200, replay.text);
      if (answer?.status === 200) {
        assert.ok(replay.body.equals(answer.body), 'the stored answer, byte for byte');
        assert.equal(replay.headers['idempotent-replayed'], 'true');
      }
      session.verificationId = replay.json.verificationId;
      verificationIds.add(session.verificationId);
    }
    assert.equal(verificationIds.size, attempts.length, 'one verification for each');
    for (const { session } of attempts) await wallet.waitFor(session, 'APPROVED', { timeoutMs: 120_000 });
    wallet.close();
  });
}

test('whole conversations, killed twice under way', { skip, timeout: 240_000 }, async () => {
  const count = await conversationsDuring(4, async () => {
    for (let i = 0; i < 2; i++) {
      await sleep(2000);
      killGateway();
      await restartGateway();
    }
    await sleep(1000);
  });
  assert.ok(count >= 4);
});

test(
  'the database keeps its promises after that',
  { skip: skip || cannotHurt('S2S_ISSUER_BINARY', 'S2S_ISSUER_CONFIG') },
  async () => {
    await fsck();
  },
);
