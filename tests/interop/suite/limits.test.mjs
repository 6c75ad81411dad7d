// SPDX-License-Identifier: Apache-2.0
//
// What the configuration of a peer restricts: requests a second, credential configurations, the form of the nonce
// (profile sections 2 and 3). The peer `limited-wallet` of the environment has all of these.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { hasIdentity } from '../lib/env.mjs';
import { assertOk, assertProblem, assertViolations, connect, env, PROBLEM } from './support.mjs';

const present = hasIdentity(env, 'LIMITED_WALLET');

const limited = present ? await connect({ who: 'LIMITED_WALLET' }) : undefined;

describe('a restricted peer', { skip: present ? false : 'the environment has no S2S_LIMITED_WALLET_CERT' }, () => {
  /** Call until the answer is not 429, waiting as told. */
  const patiently = async (call) => {
    for (;;) {
      const response = await call();
      if (response.status !== 429) return response;
      await sleep(1000 * Number(response.headers['retry-after']));
    }
  };

  test('only bound nonces are taken', async () => {
    const session = limited.newSession();
    assertProblem(await patiently(() => limited.initiate(session)), 400, PROBLEM.client);
    assertOk(await patiently(() => limited.initiate(session, { nonce: 'bound' })));
  });

  test('a configuration that is not allowed is like one that does not exist', async () => {
    const options = (id) => ({ nonce: 'bound', configurations: ['badge_auto', id] });
    const forbidden = await patiently(() => limited.initiate(limited.newSession(), options('badge_info')));
    const unknown = await patiently(() => limited.initiate(limited.newSession(), options('badge_unknown')));
    assertViolations(forbidden, '/credentialConfigurationIds/1');
    assert.deepEqual(forbidden.json.validationErrors, unknown.json.validationErrors);
  });

  test('too many requests are 429, with a time to wait after which it works', async () => {
    const session = limited.newSession();
    assertOk(await patiently(() => limited.initiate(session, { nonce: 'bound' })));
    const answers = await Promise.all(Array.from({ length: 30 }, () => limited.status(session)));
    const refused = answers.filter((answer) => answer.status === 429);
    assert.ok(refused.length >= 15, `${refused.length} of 30 refused`);
    for (const answer of refused) {
      assert.equal(assertProblem(answer, 429, PROBLEM.rateLimited).retryable, true);
      assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
    }
    const [{ headers }] = refused;
    await sleep(1000 * Number(headers['retry-after']) + 500);
    assertOk(await limited.status(session));
  });

  test('a 429 is not stored', async () => {
    const session = limited.newSession();
    assertOk(await patiently(() => limited.initiate(session, { nonce: 'bound' })));
    const answers = await Promise.all(Array.from({ length: 30 }, () => limited.status(session)));
    const { headers } = answers.find((answer) => answer.status === 429);
    const requestId = headers['x-request-id'];
    const later = await patiently(() => limited.status(session, { requestId }));
    assertOk(later);
    assert.equal(later.headers['idempotent-replayed'], undefined);
  });

  test('other peers do not notice', async () => {
    const wallet = await connect();
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session));
    const [mine] = await Promise.all([
      Promise.all(Array.from({ length: 20 }, () => wallet.status(session))),
      Promise.all(Array.from({ length: 20 }, () => limited.status(session))),
    ]);
    for (const answer of mine) assertOk(answer);
  });
});
