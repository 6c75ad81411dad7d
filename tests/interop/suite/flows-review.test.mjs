// SPDX-License-Identifier: Apache-2.0
//
// Verifications that people decide: through the operators' API, each of them once.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OperatorClient } from '../lib/operator.mjs';
import { badgesOf, begun, supplemented } from './flows-support.mjs';
import { assertOk, connect, env, plantSecret } from './support.mjs';

const wallet = await connect();
const operator = OperatorClient.connect(env);

const APPROVED = { status: 'APPROVED', subject: 'alice' };

/** A session that waits for a reviewer, and the `version` that the reviewer has seen. */
async function underReview(options) {
  const session = await begun(wallet, 'badge_review', 'PENDING', options);
  return { session, ...(await operator.waitForReview(session.verificationId)) };
}

describe('a reviewer', () => {
  test('finds what waits, and approves it for a subject', async () => {
    const { session, version } = await underReview();
    const query = { awaiting: true, sessionId: session.sessionId };
    const { verifications } = assertOk(await operator.verifications(query));
    assert.deepEqual(verifications.map(({ verificationId }) => verificationId), [session.verificationId]);
    assertOk(await operator.decide(session.verificationId, version, APPROVED));
    await wallet.waitFor(session, 'APPROVED');
    const [{ claims }] = await badgesOf(wallet, session);
    assert.equal(claims.employee_id, 'E-2001');
    const decided = assertOk(await operator.verification(session.verificationId));
    assert.equal(decided.decidedBy, 'admin:developer');
  });

  test('denies, with a word for the holder', async () => {
    const { session, version } = await underReview();
    const decision = { status: 'DENIED', reasonCode: 'PHOTO_UNLIKE', deniedMessage: 'Please come in person.' };
    assertOk(await operator.decide(session.verificationId, version, decision));
    const status = await wallet.waitFor(session, 'DENIED');
    assert.deepEqual([status.reasonCode, status.deniedMessage], ['PHOTO_UNLIKE', 'Please come in person.']);
  });

  test('asks for more, sees it, and decides then', async () => {
    const { session, version } = await underReview();
    const item = { id: 'photo', type: 'urn:example:photo', required: true, hint: 'Look into the camera' };
    const request = { verificationDataItems: [item] };
    assertOk(await operator.requestInfo(session.verificationId, version, request));
    const asked = await wallet.waitFor(session, 'ADDITIONAL_INFO_REQUIRED');
    assert.deepEqual(asked.verificationDataRequest.verificationDataItems, [item]);
    const photo = plantSecret('photo');
    await supplemented(wallet, session, { items: [{ id: item.id, type: item.type, photo }] }, 'PENDING');
    const seen = await operator.waitForReview(session.verificationId);
    const { items } = assertOk(await operator.items(session.verificationId));
    assert.deepEqual(items.map((entry) => [entry.origin, entry.item.photo]), [['WALLET_CLIENT', photo]]);
    assertOk(await operator.decide(session.verificationId, seen.version, APPROVED));
    await wallet.waitFor(session, 'APPROVED');
  });
});

describe('two reviewers', () => {
  const decisions = [APPROVED, { status: 'DENIED', reasonCode: 'NOT_ELIGIBLE', deniedMessage: 'No.' }];

  test('cannot both decide: one is told 409, and how it stands', async () => {
    const { session, version } = await underReview();
    const answers = await Promise.all(
      decisions.map((decision) => operator.decide(session.verificationId, version, decision)),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
    const { status } = await wallet.waitFor(session, ['APPROVED', 'DENIED']);
    assert.equal(status, answers[0].status === 200 ? 'APPROVED' : 'DENIED');
    assert.equal(answers.find((answer) => answer.status === 409).json.currentStatus, status);
  });

  test('nor decide on what has changed since they looked', async () => {
    const { session, version } = await underReview();
    await supplemented(wallet, session, { items: [{ id: 'letter', type: 'urn:example:letter' }] }, 'PENDING');
    const seen = await operator.waitForReview(session.verificationId);
    assert.ok(seen.version > version);
    assert.equal((await operator.decide(session.verificationId, version, APPROVED)).status, 409);
    assertOk(await operator.decide(session.verificationId, seen.version, APPROVED));
  });
});

test('nobody decides without a token', async () => {
  const { session, version } = await underReview();
  for (const token of [null, 'another-token']) {
    const { status } = await operator.decide(session.verificationId, version, APPROVED, { token });
    assert.equal(status, 401);
  }
  assert.equal(assertOk(await wallet.status(session)).status, 'PENDING');
});
