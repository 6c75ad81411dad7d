// SPDX-License-Identifier: Apache-2.0
//
// Issuances between two gateways, as the wallet operator's backend sees them: from its first request to a credential on
// the device, and all the other ways in which they end.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertOk, assertProblem, PROBLEM, UUID_PATTERN } from '../../interop/suite/support.mjs';
import { eventually } from '../lib/bench.mjs';
import { allDelivered, delivered, hurry, owed, rows } from '../lib/deliveries.mjs';
import { closingPair, issuerStatus, Pair, READY_MS } from '../lib/pair.mjs';

const pair = await Pair.start('issuance');
const { app, client } = pair;

/** The calls of the wallet that the issuer has answered about a session: their operations, oldest first. */
const calls = async ({ sessionId }) =>
  (
    await rows(
      pair.issuer,
      `SELECT endpoint FROM s2s.answer WHERE body LIKE '%${sessionId}%' AND status = 200 ORDER BY created_at`,
    )
  ).map(({ endpoint }) => endpoint);

const verificationsOf = ({ sessionId }) =>
  rows(pair.issuer, `SELECT verification_id, status FROM s2s.verification WHERE session_id = '${sessionId}'`);

/** Keep the wallet from its issuer while `body` runs. */
async function withoutIssuer(body) {
  await pair.calls.close();
  try {
    await body();
  } finally {
    await pair.calls.restore();
    await hurry(pair.wallet);
  }
}

describe('an issuance', () => {
  test('goes from a session id to a credential on the device', async () => {
    const { sessionId } = assertOk(await app.newSessionId(), 201);
    assert.match(sessionId, UUID_PATTERN);
    const session = client.newSession({ sessionId });
    await pair.begin({ session });
    assert.equal(session.issuance.sessionId, sessionId);
    assert.equal(session.issuance.issuer, 'issuer');
    assert.deepEqual(session.issuance.credentialConfigurationIds, ['badge_auto']);
    assert.deepEqual(session.issuance.instances, []);

    const issuance = await app.waitForInstances(sessionId);
    assert.equal(issuance.status, 'APPROVED');
    assert.equal(issuance.verification.status, 'APPROVED');
    assert.equal(issuance.verification.verificationId, issuance.verificationId);
    const [instance] = issuance.instances;
    assert.equal(instance.status, 'IN_PROCESS');
    assert.equal(instance.credentialConfigurationId, 'badge_auto');

    const fetch = await pair.fetched(session, instance.credentialInstanceId);
    assert.ok(fetch.credentialVersion);
    const { eventId } = assertOk(await app.event(instance.credentialInstanceId, 'PROVISIONING_SUCCESS'), 202);
    await delivered(pair.wallet, eventId);
    await pair.agreed(instance.credentialInstanceId, 'ACTIVE');
    const after = assertOk(await app.instance(instance.credentialInstanceId));
    assert.equal(after.credentialVersion, fetch.credentialVersion);

    const [verification] = await verificationsOf(session);
    assert.equal(verification.verification_id, issuance.verificationId);
    assert.equal((await calls(session)).filter((it) => it === 'verification_initiate').length, 1);
  });

  test('many at once: each has one verification, one instance, one credential', async () => {
    const sessions = await Promise.all(Array.from({ length: 20 }, () => pair.begin()));
    for (const session of sessions) {
      const { instances } = await app.waitForInstances(session.sessionId);
      assert.equal(instances.length, 1);
      assert.equal((await verificationsOf(session)).length, 1);
      await pair.fetched(session, instances[0].credentialInstanceId);
    }
  });

  test('for several configurations and devices', async () => {
    const { session, instances } = await pair.issued({
      configurations: ['badge_auto', 'badge_slow'],
      body: { requestedDeviceCount: 1, locale: 'de-CH' },
    });
    assert.equal(instances.length, 2);
    const { instances: listed } = assertOk(await app.instances({ sessionId: session.sessionId }));
    assert.deepEqual(listed.map((it) => it.credentialConfigurationId).sort(), ['badge_auto', 'badge_slow']);
  });
});

describe('items that the issuer asks for', () => {
  test('are given, wrong ones again', async () => {
    const session = await pair.begin({ configurations: ['badge_info'] });
    const { verification } = await app.waitForStatus(session.sessionId, 'ADDITIONAL_INFO_REQUIRED');
    assert.equal(verification.verificationDataRequest.verificationDataItems[0].id, 'otp-1');
    assertOk(await pair.supplement(session, '000000'), 202);
    const rejected = await app.waitForStatus(session.sessionId, 'REJECTED');
    assert.equal(rejected.verification.reasonCode, 'OTP_MISMATCH');
    assertOk(await pair.supplement(session, '123456'), 202);
    await app.waitForInstances(session.sessionId);
    assert.equal((await calls(session)).filter((it) => it === 'verification_supplement').length, 2);
  });

  test('can come with the start', async () => {
    const items = [{ id: 'otp-1', type: 'urn:s2s-gateway:verification:otp', otp: '123456' }];
    const { session } = await pair.issued({ configurations: ['badge_info'], items });
    assert.ok(!(await calls(session)).includes('verification_supplement'));
  });

  test('can be given before the issuer has heard of the session', async () => {
    let session;
    await withoutIssuer(async () => {
      session = await pair.begin({ configurations: ['badge_info'] });
      assert.equal(session.issuance.status, 'STARTING');
      const { status } = assertOk(await pair.supplement(session, '123456'), 202);
      assert.equal(status, 'STARTING');
      await sleep(300);
      assert.equal(await owed(pair.issuer, session.sessionId), undefined);
    });
    await app.waitForInstances(session.sessionId);
    const made = await calls(session);
    assert.ok(made.indexOf('verification_initiate') < made.indexOf('verification_supplement'), made.join(' '));
  });

  test('are not kept in the clear, nor longer than needed', async () => {
    const otp = 'a-secret-that-is-nowhere';
    let session;
    await withoutIssuer(async () => {
      session = await pair.begin({ configurations: ['badge_info'] });
      const data = { serverItems: [{ id: 'otp-1', type: 'urn:s2s-gateway:verification:otp', otp }] };
      assertOk(await app.supplement(session.sessionId, await client.supplementRequest(session, data)), 202);
      const kept = await rows(pair.wallet, `SELECT body_sealed::text AS sealed FROM s2s.wallet_submission`);
      assert.equal(kept.length, 1);
      assert.ok(!Buffer.from(kept[0].sealed.slice(2), 'hex').includes(otp));
    });
    await app.waitForStatus(session.sessionId, ['ADDITIONAL_INFO_REQUIRED', 'REJECTED']);
    await eventually('the submission is gone', async () => {
      const query = `SELECT count(*) AS n FROM s2s.wallet_submission WHERE session_id = '${session.sessionId}'`;
      return (await rows(pair.wallet, query))[0].n === 0;
    });
    const [{ sealed }] = await rows(
      pair.wallet,
      `SELECT body_sealed AS sealed FROM s2s.wallet_session WHERE session_id = '${session.sessionId}'`,
    );
    assert.equal(sealed, null);
    assertOk(await app.cancel(session.sessionId), 202);
    await app.waitForStatus(session.sessionId, 'DENIED');
  });
});

describe('a credential that is not ready', () => {
  // With an attestation of the key the gateway may ask again by the issuer's transaction_id alone.
  for (const binding of ['payload', 'attestation']) {
    test(`is WAITING, and then READY: a key bound by ${binding}`, async () => {
      const { session, instances } = await pair.issued({ configurations: ['badge_slow'] });
      const began = Date.now();
      const body = await client.fetchRequest(session, instances[0], { binding });
      const waiting = assertOk(await app.fetch(instances[0], body, { wait: 0 }), 202);
      assert.equal(waiting.status, 'WAITING');
      const again = assertOk(await app.fetch(instances[0], body, { wait: 0 }), 202);
      assert.equal(again.fetchId, waiting.fetchId, 'one that waits is not doubled');
      const fetch = await app.waitForFetch(waiting.fetchId);
      assert.equal(fetch.status, 'READY', JSON.stringify(fetch));
      assert.ok(Date.now() - began >= READY_MS, `${Date.now() - began} ms`);
      assert.equal((await rows(pair.issuer, `SELECT FROM s2s.fetch WHERE instance_id = '${instances[0]}'`)).length, 0);
    });
  }

  test('is waited for by the request itself, unless it says otherwise', async () => {
    const { session, instances } = await pair.issued({ configurations: ['badge_slow'] });
    const body = await client.fetchRequest(session, instances[0]);
    const fetch = assertOk(await app.fetch(instances[0], body));
    assert.equal(fetch.status, 'READY', JSON.stringify(fetch));
  });
});

describe('an issuance that comes to nothing', () => {
  test('denied', async () => {
    const session = await pair.begin({ configurations: ['badge_deny'] });
    const { verification, instances } = await app.waitForStatus(session.sessionId, 'DENIED');
    assert.deepEqual([verification.reasonCode, verification.deniedMessage], ['NOT_ELIGIBLE', 'No.']);
    assert.deepEqual(instances, []);
    const refused = await pair.supplement(session, '123456');
    assert.equal(assertProblem(refused, 409, PROBLEM.wrongState).currentStatus, 'DENIED');
    assertProblem(await app.cancel(session.sessionId), 409, PROBLEM.wrongState);
  });

  test('cancelled by the holder', async () => {
    const session = await pair.begin({ configurations: ['badge_review'] });
    await app.waitForStatus(session.sessionId, 'PENDING');
    assertOk(await app.cancel(session.sessionId, 'CHANGED_MY_MIND'), 202);
    const { verification } = await app.waitForStatus(session.sessionId, 'DENIED');
    assert.equal(verification.reasonCode, 'CANCELLED');
    assertOk(await app.cancel(session.sessionId), 202);
    assert.deepEqual((await verificationsOf(session)).map(({ status }) => status), ['DENIED']);
  });

  test('cancelled before the issuer has heard of it', async () => {
    let session;
    await withoutIssuer(async () => {
      session = await pair.begin({ configurations: ['badge_review'] });
      assertOk(await app.cancel(session.sessionId), 202);
    });
    const { verification } = await app.waitForStatus(session.sessionId, 'DENIED');
    assert.equal(verification.reasonCode, 'CANCELLED');
  });

  test('refused by the issuer: the backend is shown why', async () => {
    const session = await pair.begin({ configurations: ['nobody_offers_this'] });
    const { problem, verificationId } = await app.waitForStatus(session.sessionId, 'FAILED');
    assert.equal(problem.status, 400);
    assert.equal(problem.type, PROBLEM.validation);
    assert.equal(verificationId, undefined);
    assertProblem(await pair.supplement(session, '123456'), 409, PROBLEM.wrongState);
    await delivered(pair.wallet, session.sessionId);
  });
});

describe('a start that is made twice', () => {
  test('is one issuance, whatever its request id', async () => {
    const session = client.newSession();
    const body = await client.startRequest(session, { configurations: ['badge_review'] });
    assertOk(await app.start(body), 202);
    const again = assertOk(await app.start(body));
    assert.equal(again.sessionId, session.sessionId);
    await app.waitForStatus(session.sessionId, 'PENDING');
    assert.equal((await verificationsOf(session)).length, 1);
  });

  test('with other content is refused', async () => {
    const session = await pair.begin({ configurations: ['badge_review'] });
    const other = await client.startRequest(session, { configurations: ['badge_auto'] });
    assertProblem(await app.start(other), 409, PROBLEM.consumed);
    await app.waitForStatus(session.sessionId, 'PENDING');
  });
});

test('an issuer that is down gets all when it is back', async () => {
  const sessions = [];
  await withoutIssuer(async () => {
    for (let i = 0; i < 5; i++) sessions.push(await pair.begin());
    const failed = async () => (await owed(pair.wallet, sessions[0].sessionId))?.last_failure;
    await eventually('it was tried', failed);
    for (const { sessionId } of sessions) assert.equal(assertOk(await app.issuance(sessionId)).status, 'STARTING');
  });
  for (const session of sessions) {
    await app.waitForInstances(session.sessionId, { timeoutMs: 20_000 });
    assert.equal((await verificationsOf(session)).length, 1);
  }
});

describe('what the wallet tells of an instance', () => {
  test('suspension, resumption and the end reach the issuer', async () => {
    const { instanceId } = await pair.active();
    for (const [action, status] of [['SUSPEND', 'SUSPENDED_WALLET'], ['RESUME', 'ACTIVE'], ['UNLINK', 'UNLINKED']]) {
      const { outcome, instance } = assertOk(await app.action(instanceId, action, { reason: 'TESTED' }));
      assert.deepEqual([outcome, instance.status], ['COMPLETED', status]);
      await pair.agreed(instanceId, status);
      const answered = async () => assertOk(await app.instance(instanceId)).manage?.outcome === 'COMPLETED';
      await eventually(`${action} was answered`, answered);
    }
    const refused = assertOk(await app.action(instanceId, 'SUSPEND'));
    assert.equal(refused.outcome, 'FAILED');
    assert.ok(refused.failureReason);
    assert.equal(refused.instance.status, 'UNLINKED');
  });

  test('events of every type are acknowledged', async () => {
    const { instanceId } = await pair.active();
    const types = [
      'PROVISIONING_SUCCESS', 'PROVISIONING_FAILURE', 'LIFECYCLE_SUCCESS', 'LIFECYCLE_FAILURE', 'UPDATE_SUCCESS',
      'UPDATE_FAILURE', 'UPDATE_REMINDER', 'CREDENTIAL_EXPIRING', 'KEY_ROTATED',
    ];
    const ids = [];
    for (const type of types) ids.push(assertOk(await app.event(instanceId, type), 202).eventId);
    await allDelivered(pair.wallet, ids);
    assert.equal(await issuerStatus(pair.issuer, instanceId), 'ACTIVE');
  });

  test('metadata of a credential are passed on', async () => {
    const { session, instanceId } = await pair.active();
    const answer = assertOk(await app.metadata(instanceId, await client.metadataRequest(session)));
    assert.equal(typeof answer.credentialMetadata, 'object');
  });
});

closingPair(pair);
