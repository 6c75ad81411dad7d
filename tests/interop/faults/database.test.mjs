// SPDX-License-Identifier: Apache-2.0
//
// PostgreSQL restarted under a conversation: callers see delays and 503s, and lose nothing.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { assertOk, assertProblem, connect } from '../suite/support.mjs';
import { cannotHurt, conversationsDuring, fsck, pgCtl } from './support.mjs';

const skip = cannotHurt('S2S_PG_DIR');

for (const mode of ['fast', 'immediate']) {
  test(`whole conversations while PostgreSQL restarts twice (${mode})`, { skip, timeout: 240_000 }, async () => {
    const count = await conversationsDuring(6, async () => {
      for (let i = 0; i < 2; i++) {
        await sleep(1500);
        await pgCtl('restart', '--mode', mode);
      }
      await sleep(1500);
    });
    assert.ok(count >= 6);
  });
}

test(
  'while PostgreSQL is away, calls are answered 503 and a time to come back',
  { skip, timeout: 120_000 },
  async () => {
    const wallet = await connect();
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session));
    await pgCtl('stop', '--mode', 'fast');
    try {
      const response = await wallet.status(session);
      const problem = assertProblem(response, 503, 'urn:s2s-gateway:problem:unavailable');
      assert.equal(problem.retryable, true);
      assert.match(response.headers['retry-after'], /^[1-9]\d*$/);
    } finally {
      await pgCtl('start');
    }
    const body = wallet.verificationRef(session);
    assertOk(await wallet.callUntilAnswered('/verification/status', body));
  },
);

test(
  'the database keeps its promises after that',
  { skip: skip || cannotHurt('S2S_ISSUER_BINARY', 'S2S_ISSUER_CONFIG') },
  async () => {
    await fsck();
  },
);
