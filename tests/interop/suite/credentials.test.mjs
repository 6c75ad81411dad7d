// SPDX-License-Identifier: Apache-2.0
//
// The life of a credential instance: provision, get, metadata, status, manage, events, and the credential that is not
// ready yet (profile section 5).

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { decodeJws } from '../lib/jose.mjs';
import { generateKey, generateSigningKey, thumbprint } from '../lib/keys.mjs';
import { assertOk, assertProblem, assertViolations, connect, PROBLEM } from './support.mjs';

const wallet = await connect();

const HTTP_DATE =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/;

/** A provisioned instance, ACTIVE unless `confirmed` is false. */
async function newInstance({ confirmed = true, configurations } = {}) {
  const { session, instances } = await wallet.approvedSession({ configurations });
  const [id] = instances;
  if (confirmed) assertOk(await wallet.event(session, id, 'PROVISIONING_SUCCESS'));
  return { session, id };
}

const statusOf = async ({ session, id }) => assertOk(await wallet.credentialStatus(session, id));

describe('provision', () => {
  test('one instance for each approved configuration', async () => {
    const session = wallet.newSession();
    const configurations = ['badge_slow', 'badge_auto'];
    assertOk(await wallet.initiate(session, { configurations }));
    const approved = await wallet.waitFor(session, 'APPROVED');
    const { CredentialInstances: groups } = assertOk(await wallet.provision(session));
    assert.deepEqual(
      groups.map((group) => group.credentialConfigurationId),
      approved.credentialConfigurationIds,
    );
    const ids = groups.flatMap((group) => group.credentialInstanceIds);
    assert.equal(ids.length, 2);
    assert.equal(new Set(ids).size, 2);
  });

  test('again: the same instances', async () => {
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session));
    await wallet.waitFor(session, 'APPROVED');
    const first = assertOk(await wallet.provision(session));
    for (let i = 0; i < 3; i++) assert.deepEqual(assertOk(await wallet.provision(session)), first);
  });
});

describe('get', () => {
  test('answers a version, metadata and sealed credentials', async () => {
    const { session, id } = await newInstance();
    const response = await wallet.get(session, id);
    const answer = assertOk(response);
    assert.equal(typeof answer.credentialVersion, 'string');
    assert.ok(['string', 'object'].includes(typeof answer.credentials));
    assert.equal(typeof answer.credentialMetadata.version, 'string');
    const credentials = await wallet.openCredentials(response, session.wek);
    assert.ok(Array.isArray(credentials));
    assert.ok(
      !response.text.includes('Mustermann') && !response.text.includes('given_name":"'),
      'nothing in the clear',
    );
  });

  test('leaves out metadata that the caller has', async () => {
    const { session, id } = await newInstance();
    const { credentialMetadata } = assertOk(await wallet.get(session, id));
    const known = { currentCredentialMetadataVersion: credentialMetadata.version };
    assert.equal(assertOk(await wallet.get(session, id, { body: known })).credentialMetadata, undefined);
    const stale = { currentCredentialMetadataVersion: 'other' };
    assert.deepEqual(assertOk(await wallet.get(session, id, { body: stale })).credentialMetadata, credentialMetadata);
  });

  test('may be repeated, with other keys each time', async () => {
    const { session, id } = await newInstance();
    const versions = new Set();
    for (let i = 0; i < 3; i++) versions.add(assertOk(await wallet.get(session, id)).credentialVersion);
    assert.equal(versions.size, 1, 'the data set is still the same');
    assert.equal((await statusOf({ session, id })).currentVersion, [...versions][0]);
  });

  test('twenty keys at once', async () => {
    const { session, id } = await newInstance();
    const keys = Array.from({ length: 20 }, () => generateSigningKey());
    const response = await wallet.get(session, id, { keys });
    assertOk(response);
    assert.equal((await wallet.openCredentials(response, session.wek)).length, 20);
  });

  test('many at once for one instance', async () => {
    const { session, id } = await newInstance();
    const answers = await Promise.all(Array.from({ length: 12 }, () => wallet.get(session, id)));
    for (const answer of answers) assertOk(answer);
  });
});

describe('metadata', () => {
  test('describes display and claims', async () => {
    const { session, id } = await newInstance();
    const { credentialMetadata } = assertOk(await wallet.credentialMetadata(session, id));
    assert.equal(typeof credentialMetadata.version, 'string');
    assert.ok(Array.isArray(credentialMetadata.display));
    assert.ok(credentialMetadata.claims.length >= 8);
  });

  test('is left out when the caller has it', async () => {
    const { session, id } = await newInstance();
    const { credentialMetadata } = assertOk(await wallet.credentialMetadata(session, id));
    const body = { credentialMetadataVersion: credentialMetadata.version };
    assert.equal(assertOk(await wallet.credentialMetadata(session, id, { body })).credentialMetadata, undefined);
    const again = assertOk(await wallet.credentialMetadata(session, id, { body: { credentialMetadataVersion: 'x' } }));
    assert.deepEqual(again.credentialMetadata, credentialMetadata);
  });

  test('is the same that get sends', async () => {
    const { session, id } = await newInstance();
    const fromGet = assertOk(await wallet.get(session, id)).credentialMetadata;
    assert.deepEqual(assertOk(await wallet.credentialMetadata(session, id)).credentialMetadata, fromGet);
  });
});

describe('status', () => {
  test('is IN_PROCESS until the wallet confirms', async () => {
    const instance = await newInstance({ confirmed: false });
    const before = await statusOf(instance);
    assert.equal(before.currentStatus, 'IN_PROCESS');
    assert.equal(typeof before.currentVersion, 'string');
    assertOk(await wallet.get(instance.session, instance.id));
    assert.equal((await statusOf(instance)).currentStatus, 'IN_PROCESS', 'fetching confirms nothing');
    assertOk(await wallet.event(instance.session, instance.id, 'PROVISIONING_SUCCESS'));
    const after = await statusOf(instance);
    assert.equal(after.currentStatus, 'ACTIVE');
    if (after.lastStatusChangeTime !== undefined) {
      assert.match(after.lastStatusChangeTime, HTTP_DATE);
      assert.ok(Math.abs(Date.parse(after.lastStatusChangeTime) - Date.now()) < 60_000);
    }
  });
});

/** Actions one after the other: [action, outcome, status then]. */
const LIVES = {
  'suspend and resume': [
    ['SUSPEND', 'COMPLETED', 'SUSPENDED_WALLET'],
    ['SUSPEND', 'NO_CHANGE', 'SUSPENDED_WALLET'],
    ['RESUME', 'COMPLETED', 'ACTIVE'],
    ['RESUME', 'NO_CHANGE', 'ACTIVE'],
    ['SUSPEND', 'COMPLETED', 'SUSPENDED_WALLET'],
  ],
  'unlink is final': [
    ['UNLINK', 'COMPLETED', 'UNLINKED'],
    ['UNLINK', 'NO_CHANGE', 'UNLINKED'],
    ['RESUME', 'FAILED', 'UNLINKED'],
    ['SUSPEND', 'FAILED', 'UNLINKED'],
  ],
  'unlink while suspended': [
    ['SUSPEND', 'COMPLETED', 'SUSPENDED_WALLET'],
    ['UNLINK', 'COMPLETED', 'UNLINKED'],
    ['RESUME', 'FAILED', 'UNLINKED'],
  ],
};

describe('manage', () => {
  for (const [name, steps] of Object.entries(LIVES)) {
    test(name, async () => {
      const instance = await newInstance();
      let previous = 'ACTIVE';
      for (const [action, outcome, status] of steps) {
        const answer = assertOk(
          await wallet.manage(instance.session, instance.id, action, { body: { reason: 'TEST' } }),
        );
        const told = `${action} from ${previous}: ${JSON.stringify(answer)}`;
        assert.equal(answer.sessionId, instance.session.sessionId);
        assert.equal(answer.credentialInstanceId, instance.id);
        assert.equal(answer.outcome, outcome, told);
        assert.equal(answer.currentStatus, status, told);
        if (answer.previousStatus !== undefined) assert.equal(answer.previousStatus, previous, told);
        assert.equal(typeof answer.failureReason, outcome === 'FAILED' ? 'string' : 'undefined', told);
        assert.equal((await statusOf(instance)).currentStatus, status);
        previous = status;
      }
    });
  }

  test('no change leaves the time of the last change', async () => {
    const instance = await newInstance();
    assertOk(await wallet.manage(instance.session, instance.id, 'SUSPEND'));
    const before = await statusOf(instance);
    await sleep(1100);
    assertOk(await wallet.manage(instance.session, instance.id, 'SUSPEND'));
    assert.deepEqual(await statusOf(instance), before);
  });

  test('all optional members are taken', async () => {
    const instance = await newInstance();
    const body = {
      reason: 'DEVICE_LOST',
      reasonDetail: 'told by phone',
      timestamp: new Date().toISOString(),
      extensions: {},
    };
    assert.equal(
      assertOk(await wallet.manage(instance.session, instance.id, 'SUSPEND', { body })).outcome,
      'COMPLETED',
    );
  });

  test('an unlinked instance gives no credential', async () => {
    const instance = await newInstance();
    assertOk(await wallet.manage(instance.session, instance.id, 'UNLINK'));
    const problem = assertProblem(await wallet.get(instance.session, instance.id), 409, PROBLEM.wrongState);
    assert.equal(problem.currentStatus, 'UNLINKED');
  });

  test('one instance does not move another', async () => {
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session, { configurations: ['badge_auto', 'badge_slow'] }));
    await wallet.waitFor(session, 'APPROVED');
    const groups = assertOk(await wallet.provision(session)).CredentialInstances;
    const [one, two] = groups.flatMap((group) => group.credentialInstanceIds);
    assertOk(await wallet.manage(session, one, 'UNLINK'));
    assert.equal((await statusOf({ session, id: two })).currentStatus, 'IN_PROCESS');
  });
});

const FROM_WALLET = [
  'PROVISIONING_SUCCESS',
  'PROVISIONING_FAILURE',
  'LIFECYCLE_SUCCESS',
  'LIFECYCLE_FAILURE',
  'UPDATE_SUCCESS',
  'UPDATE_FAILURE',
  'UPDATE_REMINDER',
  'CREDENTIAL_EXPIRING',
  'KEY_ROTATED',
];
const FROM_ISSUER = ['CREDENTIAL_READY', 'CREDENTIAL_UPDATE_AVAILABLE', 'DISPLAY_DATA_UPDATED'];

describe('events', () => {
  for (const type of FROM_WALLET) {
    test(`${type} is acknowledged`, async () => {
      const { session, id } = await newInstance({ confirmed: false });
      const body = { triggeringRequestId: randomUUID(), eventDetails: { any: 'thing' } };
      assert.equal(assertOk(await wallet.event(session, id, type, { body })).acknowledged, true);
    });
  }

  for (const type of FROM_ISSUER) {
    test(`${type} comes from the wrong side`, async () => {
      const { session, id } = await newInstance({ confirmed: false });
      assertViolations(await wallet.event(session, id, type), '/eventType');
    });
  }

  for (const type of ['urn:example:event', 'provisioning_success', 'X']) {
    test(`${type} is unknown: taken, not acknowledged`, async () => {
      const instance = await newInstance({ confirmed: false });
      assert.equal(assertOk(await wallet.event(instance.session, instance.id, type)).acknowledged, false);
      assert.equal((await statusOf(instance)).currentStatus, 'IN_PROCESS');
    });
  }

  test('a repeated or late one changes nothing twice', async () => {
    const instance = await newInstance();
    const before = await statusOf(instance);
    await sleep(1100);
    const late = { eventTimestamp: '2020-01-01T00:00:00Z' };
    for (const body of [undefined, late]) {
      assert.equal(
        assertOk(await wallet.event(instance.session, instance.id, 'PROVISIONING_SUCCESS', { body })).acknowledged,
        true,
      );
    }
    assert.deepEqual(await statusOf(instance), before);
  });

  test('a confirmation does not bring an unlinked or suspended instance back', async () => {
    for (const [action, status] of [
      ['UNLINK', 'UNLINKED'],
      ['SUSPEND', 'SUSPENDED_WALLET'],
    ]) {
      const instance = await newInstance();
      assertOk(await wallet.manage(instance.session, instance.id, action));
      assertOk(await wallet.event(instance.session, instance.id, 'PROVISIONING_SUCCESS'));
      assert.equal((await statusOf(instance)).currentStatus, status);
    }
  });

  for (const eventTimestamp of [
    '2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00.123456+05:30',
    '2024-02-29T23:59:59-08:00',
  ]) {
    test(`a timestamp ${eventTimestamp}`, async () => {
      const { session, id } = await newInstance();
      assertOk(await wallet.event(session, id, 'UPDATE_REMINDER', { body: { eventTimestamp } }));
    });
  }
});

// --- not ready yet (D9) ------------------------------------------------------------------------------------------

const slowInstance = () => newInstance({ configurations: ['badge_slow'], confirmed: false });

/** A 202 held to its shape; its body. */
function assertPending(response) {
  const answer = assertOk(response, 202);
  assert.equal(answer.status, 'PENDING');
  assert.ok(typeof answer.transaction_id === 'string' && answer.transaction_id.length > 0);
  assert.ok(Number.isInteger(answer.interval) && answer.interval >= 1, `interval ${answer.interval}`);
  assert.ok(Number(response.headers['retry-after']) >= 1, `Retry-After ${response.headers['retry-after']}`);
  assert.equal(answer.credentials, undefined);
  return answer;
}

/** Repeat `ask` as the 202 says until it answers something else. */
async function untilReady(ask) {
  for (let i = 0; i < 20; i++) {
    const response = await ask();
    if (response.status !== 202) return response;
    await sleep(1000 * assertPending(response).interval);
  }
  return assert.fail('never ready');
}

const boundKeys = async (response, wek) =>
  (await wallet.openCredentials(response, wek)).map(({ credential }) =>
    thumbprint(decodeJws(credential.split('~')[0]).payload.cnf.jwk),
  );

describe('a credential that is not ready', () => {
  test('is fetched with the transaction_id, for the first keys and the last WEK', async () => {
    const { session, id } = await slowInstance();
    const keys = [generateSigningKey(), generateSigningKey('EdDSA')];
    const { transaction_id: transactionId } = assertPending(await wallet.get(session, id, { keys }));
    assert.equal(assertPending(await wallet.get(session, id, { transactionId })).transaction_id, transactionId);
    const wek = generateKey('P-384', { alg: 'HPKE-1-KE', kid: randomUUID() });
    const ready = await untilReady(() => wallet.get(session, id, { transactionId, wek }));
    assertOk(ready);
    assert.deepEqual(await boundKeys(ready, wek), keys.map(thumbprint));
  });

  test('is fetched with the clientEncryptedData again', async () => {
    const { session, id } = await slowInstance();
    const keys = [generateSigningKey()];
    const { transaction_id: transactionId } = assertPending(await wallet.get(session, id, { keys }));
    assert.equal(
      assertPending(await wallet.get(session, id, { keys })).transaction_id,
      transactionId,
      'the same keys wait once',
    );
    const ready = await untilReady(() => wallet.get(session, id, { keys }));
    assertOk(ready);
    assert.deepEqual(await boundKeys(ready, session.wek), keys.map(thumbprint));
  });

  test('other keys wait on their own, and for the same moment', async () => {
    const { session, id } = await slowInstance();
    const [one, two] = [[generateSigningKey()], [generateSigningKey()]];
    const first = assertPending(await wallet.get(session, id, { keys: one }));
    const second = assertPending(await wallet.get(session, id, { keys: two }));
    assert.notEqual(first.transaction_id, second.transaction_id);
    await sleep(3500);
    const ready = await wallet.get(session, id, { transactionId: second.transaction_id });
    assertOk(ready);
    assert.deepEqual(await boundKeys(ready, session.wek), two.map(thumbprint));
    assertOk(await wallet.get(session, id, { transactionId: first.transaction_id }));
  });

  const refused = (response) => {
    assert.ok([400, 404, 409].includes(response.status), `${response.status} ${response.text}`);
    assert.ok([PROBLEM.notFound, PROBLEM.validation, PROBLEM.wrongState].includes(response.json.type), response.text);
  };

  test('a transaction_id is spent by the successful get', async () => {
    const { session, id } = await slowInstance();
    const { transaction_id: transactionId } = assertPending(await wallet.get(session, id));
    assertOk(await untilReady(() => wallet.get(session, id, { transactionId })));
    refused(await wallet.get(session, id, { transactionId }));
    assertOk(await wallet.get(session, id)); // the instance itself is ready
  });

  test('a transaction_id belongs to one instance', async () => {
    const [one, two] = [await slowInstance(), await slowInstance()];
    const { transaction_id: transactionId } = assertPending(await wallet.get(one.session, one.id));
    refused(await wallet.get(two.session, two.id, { transactionId }));
    assertPending(await wallet.get(one.session, one.id, { transactionId }));
  });

  test('an unknown transaction_id', async () => {
    const { session, id } = await slowInstance();
    refused(await wallet.get(session, id, { transactionId: randomUUID() }));
    refused(await wallet.get(session, id, { transactionId: 'x' }));
  });

  test('another WEK in the fetching request must be bound too', async () => {
    const { session, id } = await slowInstance();
    const { transaction_id: transactionId } = assertPending(await wallet.get(session, id));
    const wek = generateKey('P-256', { alg: 'HPKE-0-KE', kid: randomUUID() });
    assertProblem(await wallet.get(session, id, { transactionId, wek, binding: 'none' }), 400, PROBLEM.client);
    const impostor = { signer: generateSigningKey() };
    assertProblem(await wallet.get(session, id, { transactionId, wek, bindingKnobs: impostor }), 400, PROBLEM.client);
  });

  test('twenty fetches of one transaction at once: it is spent once', async () => {
    const { session, id } = await slowInstance();
    const { transaction_id: transactionId } = assertPending(await wallet.get(session, id));
    await sleep(3500);
    const answers = await Promise.all(Array.from({ length: 20 }, () => wallet.get(session, id, { transactionId })));
    assert.equal(answers.filter((answer) => answer.status === 200).length, 1);
    answers.filter((answer) => answer.status !== 200).forEach(refused);
  });

  test('provisioned is not asked for: the wait begins with the first get', async () => {
    const { session, id } = await slowInstance();
    await sleep(3500);
    assertPending(await wallet.get(session, id));
  });
});
