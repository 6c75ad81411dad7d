// SPDX-License-Identifier: Apache-2.0
//
// Traffic in the background of a test.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { PATHS } from '../../interop/lib/wallet.mjs';
import { sql } from './bench.mjs';

/**
 * Call each of `lanes` (async functions) again and again while `during` runs. The first failure of a lane fails the
 * whole. Resolves to the number of rounds.
 */
export async function whileBusy(lanes, during) {
  let over = false;
  let rounds = 0;
  const busy = lanes.map(async (lane) => {
    do {
      await lane();
      rounds++;
    } while (!over);
  });
  const all = Promise.all(busy);
  all.catch(() => {}); // told below
  try {
    await Promise.race([during(), all]);
  } finally {
    over = true;
  }
  await all;
  return rounds;
}

/** Four wallets on either protocol. */
export const wallets = (gateway) =>
  Promise.all(['h1', 'h2', 'h1', 'h2'].map((protocol) => gateway.connect({ protocol })));

export const closeAll = (callers) => callers.forEach((caller) => caller.close());

/** Lanes that open a session and ask for its status, each at once; every answer must be 200. */
export const impatientLanes = (callers) =>
  callers.map((wallet) => async () => {
    const session = wallet.newSession();
    for (const response of [await wallet.initiate(session), await wallet.status(session)])
      assert.equal(response.status, 200, response.text);
  });

/**
 * Lanes that open sessions and repeat each request until it is answered; `sessions` collects them. What a caller was
 * told must be in the database exactly once: see `assertOnce`.
 */
export const patientLanes = (callers, sessions) =>
  callers.map((wallet) => async () => {
    const session = wallet.newSession();
    const requestId = randomUUID();
    const body = await wallet.initiateBody(session);
    const answer = await wallet.callUntilAnswered(PATHS.initiate, body, { requestId, timeoutMs: 20_000 });
    assert.equal(answer.status, 200, answer.text);
    session.verificationId = answer.json.verificationId;
    sessions.push(session);
  });

/** That exactly the verifications of these sessions are in the database, as the callers know them. */
export async function assertOnce(gateway, sessions) {
  const rows = await sql(gateway.database, 'SELECT session_id, verification_id FROM s2s.verification');
  const known = sessions.map(({ sessionId, verificationId }) => `${sessionId}|${verificationId}`);
  assert.deepEqual(rows.sort(), known.sort());
}
