// SPDX-License-Identifier: Apache-2.0
//
// Decisions by a backend of the issuer's: what it is asked, what its answers do, and that one which is slow, down,
// lying or answering garbage never gets anybody approved, and loses no verification.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { otpItem } from '../../interop/lib/payloads.mjs';
import { assertOk, assertProblem, PROBLEM } from '../../interop/suite/support.mjs';
import { thumbprint } from '../../interop/lib/keys.mjs';
import { decision, questions, startBackend, useBackend } from '../lib/backend.mjs';
import { eventually } from '../lib/bench.mjs';
import { offer, rows } from '../lib/deliveries.mjs';
import { closing, Gateway } from '../lib/gateway.mjs';

const APPROVED = decision({ status: 'APPROVED' });

/** What the backends answer, by session: the default is an approval. */
const answers = new Map();
const answer = (data) => (answers.has(data.sessionId) ? answers.get(data.sessionId)(data) : APPROVED);
const backend = await startBackend(answer);
let asked = 0; // of the one that says nothing
const slow = await startBackend(() => {
  asked++;
  return null;
});
after(() => Promise.all([backend.close(), slow.close()]));

const gateway = await Gateway.start('decisions', {
  edit: (config, self) => {
    useBackend(config, self, 'risk', backend, { timeout: '1s', concurrency: 4 });
    useBackend(config, self, 'sloth', slow, { timeout: '2s', concurrency: 1 });
    const webhook = { decision: 'webhook', decision_backend: 'risk', verification: undefined };
    const [info] = config.credential_configurations.filter(({ id }) => id === 'badge_info');
    offer(config, 'badge_webhook', webhook);
    offer(config, 'badge_webhook_2', webhook);
    offer(config, 'badge_checked', { ...webhook, verification: { items: info.verification.items } });
    offer(config, 'badge_slow_backend', { ...webhook, decision_backend: 'sloth' });
  },
});
const wallet = await gateway.connect();

/** A session whose verification the backend answers with `reply`, open by now. */
async function opened(reply, { configurations = ['badge_webhook'], ...options } = {}) {
  const session = wallet.newSession();
  if (reply) answers.set(session.sessionId, reply);
  assertOk(await wallet.initiate(session, { configurations, ...options }));
  return session;
}

const verification = async ({ verificationId }) =>
  (await rows(gateway, `SELECT * FROM s2s.verification WHERE verification_id = '${verificationId}'`))[0];

const job = async ({ verificationId }) =>
  (await rows(gateway, `SELECT * FROM s2s.job WHERE ref = '${verificationId}'`))[0];

/** Wait until nobody will decide but a person. */
const undecided = (session) =>
  eventually('nobody decides', async () => {
    const row = await verification(session);
    return row.awaiting_decision && row;
  });

describe('the question', () => {
  test('has all that the gateway knows of the verification', async () => {
    const risk = { id: 'risk', type: 'urn:s2s-gateway:verification:risk_signals', score: 3, verdict: 'SATISFIED' };
    const session = await opened(null, {
      configurations: ['badge_checked', 'badge_webhook'],
      items: [otpItem('123456', { origin: 'ISSUER', facts: { forged: true } })],
      serverItems: [risk],
      body: { locale: 'de-AT', requestedDeviceCount: 2, supportedVerificationTypes: ['urn:example:selfie'] },
    });
    await wallet.waitFor(session, 'APPROVED');
    const [message] = questions(backend, session);
    assert.match(message.id, new RegExp(`^msg_${session.verificationId}-\\d+$`));
    assert.match(message.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const { items, ...data } = message.data;
    assert.deepEqual(data, {
      sessionId: session.sessionId,
      verificationId: session.verificationId,
      peer: 'wallet',
      credentialConfigurationIds: ['badge_checked', 'badge_webhook'],
      attempt: 1,
      requestedDeviceCount: 2,
      locale: 'de-AT',
      supportedVerificationTypes: ['urn:example:selfie'],
      walletSigningKeyThumbprint: thumbprint(session.wsk),
      attestation: 'IGNORED',
    });
    const [otp, signals] = items;
    assert.deepEqual([otp.otp, otp.origin, otp.verdict, otp.facts], ['123456', 'WALLET_CLIENT', 'SATISFIED', undefined]);
    const { verdict, ...known } = risk;
    assert.deepEqual(signals, { ...known, origin: 'WALLET_SERVER' });
    assert.equal(backend.failures.length, 0);
  });

  test('is asked only when the items are there and good', async () => {
    const session = await opened(null, { configurations: ['badge_checked'] });
    const status = await wallet.waitFor(session, 'ADDITIONAL_INFO_REQUIRED');
    assert.equal(status.verificationDataRequest.verificationDataItems[0].id, 'otp-1');
    assertOk(await wallet.supplement(session, { items: [otpItem('000000')] }));
    assert.equal((await wallet.waitFor(session, 'REJECTED')).reasonCode, 'OTP_MISMATCH');
    assert.equal(questions(backend, session).length, 0);
    assertOk(await wallet.supplement(session, { items: [otpItem('123456')] }));
    await wallet.waitFor(session, 'APPROVED');
    assert.equal(questions(backend, session).length, 1);
  });
});

describe('an answer', () => {
  test('may approve some of it, for some devices', async () => {
    const reply = { status: 'APPROVED', credentialConfigurationIds: ['badge_webhook_2'], authorizedDeviceCount: 2 };
    const session = await opened(() => decision(reply), {
      configurations: ['badge_webhook', 'badge_webhook_2'],
      body: { requestedDeviceCount: 3 },
    });
    const status = await wallet.waitFor(session, 'APPROVED');
    assert.deepEqual(status.credentialConfigurationIds, ['badge_webhook_2']);
    assert.equal(status.authorizedDeviceCount, 2);
  });

  test('may name the subject, and several of them', async () => {
    const of = (subject) => ({ credentialConfigurationId: 'badge_webhook', subject });
    const session = await opened(() => decision({ status: 'APPROVED', datasets: [of('default'), of('alice')] }));
    await wallet.waitFor(session, 'APPROVED');
    const { CredentialInstances: groups } = assertOk(await wallet.provision(session));
    assert.deepEqual(groups.map((group) => group.credentialInstanceIds.length), [2]);
  });

  test('may refuse, for now or for good', async () => {
    const session = await opened((data) =>
      decision(
        data.attempt === 1
          ? { status: 'REJECTED', reasonCode: 'BLURRED', rejectedDetails: 'page 2' }
          : { status: 'DENIED', reasonCode: 'TOO_YOUNG', deniedMessage: 'Come back later.' },
      ), { items: [otpItem('1')] });
    const rejected = await wallet.waitFor(session, 'REJECTED');
    assert.deepEqual([rejected.reasonCode, rejected.rejectedDetails], ['BLURRED', 'page 2']);
    assertOk(await wallet.supplement(session, { items: [otpItem('2')] }));
    const denied = await wallet.waitFor(session, 'DENIED');
    assert.deepEqual([denied.reasonCode, denied.deniedMessage], ['TOO_YOUNG', 'Come back later.']);
    const [first, second] = questions(backend, session);
    assert.notEqual(first.id, second.id);
  });

  test('may ask for more', async () => {
    const item = { id: 'selfie', type: 'urn:example:selfie', required: true, hint: 'Smile' };
    const request = { verificationDataItems: [item], deadline: new Date(Date.now() + 3_600_000).toISOString() };
    const session = await opened((data) =>
      data.items.length > 0 ? APPROVED : decision({
        status: 'ADDITIONAL_INFO_REQUIRED', verificationDataRequest: request,
      }));
    const { verificationDataRequest: asked } = await wallet.waitFor(session, 'ADDITIONAL_INFO_REQUIRED');
    assert.deepEqual(asked.verificationDataItems, [item]);
    assert.ok(Math.abs(Date.parse(asked.deadline) - Date.parse(request.deadline)) < 5000);
    assertOk(await wallet.supplement(session, { items: [{ id: 'selfie', type: item.type, picture: 'x' }] }));
    await wallet.waitFor(session, 'APPROVED');
    assert.equal(questions(backend, session)[1].data.items[0].picture, 'x');
  });

  test('may leave it to a person', async () => {
    const session = await opened(() => decision({ status: 'PENDING' }));
    const row = await undecided(session);
    assert.deepEqual([row.status, row.undecided_reason], ['PENDING', null]);
    assert.equal(questions(backend, session).length, 1);
  });
});

describe('an answer that cannot be used leaves it to a person, and never approves', () => {
  const WRONG = {
    'no JSON': { status: 200, text: '<html>APPROVED</html>' },
    'nothing': { status: 200, text: '' },
    'JSON that is cut off': { status: 200, text: '{"status":"APPROVED"' },
    'a list': decision([{ status: 'APPROVED' }]),
    'another status': decision({ status: 'OK' }),
    'a status of ours': decision({ status: 'EXPIRED' }),
    'a name twice': { status: 200, text: '{"status":"DENIED","status":"APPROVED"}' },
    'a member that is misspelt': decision({ status: 'APPROVED', credentialConfigurationsIds: ['badge_webhook'] }),
    'null for what is approved': decision({ status: 'APPROVED', credentialConfigurationIds: null }),
    'what was not asked for': decision({ status: 'APPROVED', credentialConfigurationIds: ['badge_auto'] }),
    'more devices than asked for': decision({ status: 'APPROVED', authorizedDeviceCount: 2 }),
    'a subject of whom there is nothing': decision({ status: 'APPROVED', subject: 'nobody' }),
    'another verification': decision({ status: 'APPROVED', verificationId: crypto.randomUUID() }),
    'a denial without a word': decision({ status: 'DENIED', reasonCode: 'X' }),
    'a request for nothing': decision({
      status: 'ADDITIONAL_INFO_REQUIRED', verificationDataRequest: { verificationDataItems: [] },
    }),
    'no content': { status: 204 },
    'accepted': { ...APPROVED, status: 202 },
    'created': { ...APPROVED, status: 201 },
    'not found': { status: 404, body: { error: 'no such route' } },
    'a bad request': { status: 400, body: {} },
    'a redirect': { status: 302, headers: { location: 'https://elsewhere.example/' }, text: '' },
    'more than may be read': { status: 200, text: `{"status":"APPROVED","extensions":{"x":"${'x'.repeat(1 << 21)}"}}` },
  };
  for (const [name, reply] of Object.entries(WRONG)) {
    test(name, async () => {
      const session = await opened(() => reply);
      const row = await undecided(session);
      assert.equal(row.status, 'PENDING');
      assert.ok(row.undecided_reason, 'a reason for operators');
      assert.equal(assertOk(await wallet.status(session)).status, 'PENDING');
      assert.equal(await job(session), undefined);
      await gateway.logged({ event: 'verification_undecided', verification: session.verificationId, level: 'error' });
    });
  }

  test('and what the wallet sends next is decided on anew', async () => {
    const session = await opened((data) => (data.attempt === 1 ? { status: 200, text: 'x' } : APPROVED), {
      items: [otpItem('1')],
    });
    await undecided(session);
    assertOk(await wallet.supplement(session, { items: [otpItem('2')] }));
    await wallet.waitFor(session, 'APPROVED');
    assert.equal((await verification(session)).undecided_reason, null);
  });
});

describe('a backend that cannot answer now', () => {
  const FAILURES = {
    'says 500': { status: 500, text: 'oops' },
    'says 503 and when': { status: 503, headers: { 'retry-after': '1' }, text: '' },
    'is asked too often': { status: 429, text: '' },
    'says nothing': null,
  };
  for (const [name, reply] of Object.entries(FAILURES)) {
    test(`${name}: is asked again the same question, without an attempt being used up`, async () => {
      let times = 0;
      const session = await opened(() => (times++ === 0 ? reply : APPROVED));
      await wallet.waitFor(session, 'APPROVED', { timeoutMs: 30_000 });
      assert.equal(times, 2);
      assert.equal(new Set(questions(backend, session).map(({ id }) => id)).size, 1);
    });
  }

  test('is down for a while: nothing is lost, nothing is decided', async () => {
    await backend.close();
    const sessions = await Promise.all(Array.from({ length: 6 }, () => opened(null)));
    for (const session of sessions)
      await eventually('it is put off', async () => (await job(session)).postponed > 0);
    for (const session of sessions) {
      assert.equal(assertOk(await wallet.status(session)).status, 'PENDING');
      const { attempts, error } = await job(session);
      assert.ok(attempts <= 1, `${attempts} attempts`);
      assert.equal(error, undefined);
    }
    await backend.listen();
    for (const session of sessions) await wallet.waitFor(session, 'APPROVED', { timeoutMs: 60_000 });
  });

  test('is slow: delays nobody but those on whom it decides', async () => {
    const waiting = await Promise.all(
      Array.from({ length: 8 }, () => opened(null, { configurations: ['badge_slow_backend'] })),
    );
    await eventually('one is asked', () => asked > 0);
    const others = await Promise.all([
      opened(null, { configurations: ['badge_auto'] }),
      opened(null, { configurations: ['badge_webhook'] }),
    ]);
    for (const session of others) await wallet.waitFor(session, 'APPROVED', { timeoutMs: 5000 });
    for (const session of waiting) assert.equal(assertOk(await wallet.status(session)).status, 'PENDING');
  });
});

describe('configurations', () => {
  for (const others of [['badge_webhook', 'badge_auto'], ['badge_auto', 'badge_webhook'],
    ['badge_webhook', 'badge_slow_backend']]) {
    test(`${others.join(' and ')} cannot be asked for together`, async () => {
      const problem = assertProblem(
        await wallet.initiate(wallet.newSession(), { configurations: others }), 400, PROBLEM.validation);
      assert.equal(problem.validationErrors[0].pointer, '/credentialConfigurationIds');
    });
  }

  test('whose decider changes take what waits with them', async () => {
    const session = await opened(null, { configurations: ['badge_slow_backend'] });
    await eventually('it waits', async () => (await job(session))?.lane === 'sloth');
    await gateway.reconfigure((config) => {
      const [moved] = config.credential_configurations.filter(({ id }) => id === 'badge_slow_backend');
      moved.decision_backend = 'risk';
    });
    await wallet.waitFor(session, 'APPROVED', { timeoutMs: 60_000 });
    const builtin = await opened(() => ({ status: 500, text: '' }), { configurations: ['badge_webhook_2'] });
    await eventually('it waits', async () => (await job(builtin))?.postponed > 0);
    await gateway.reconfigure((config) => {
      const [moved] = config.credential_configurations.filter(({ id }) => id === 'badge_webhook_2');
      delete moved.decision_backend;
      Object.assign(moved, { decision: 'builtin', verification: { decision: 'approve' } });
    });
    await wallet.waitFor(builtin, 'APPROVED', { timeoutMs: 60_000 });
  });
});

test('answers are counted by backend', async () => {
  const { text } = await gateway.get('/metrics');
  for (const line of ['s2s_backend_answers_total{backend="risk",outcome="answered"}',
    's2s_backend_answers_total{backend="risk",outcome="wrong"}', 's2s_backend_answers_total{backend="risk",outcome="failed"}'])
    assert.ok(text.includes(line), line);
});

closing(gateway, { expectedErrors: ['verification_undecided', 'backend_failed'] });
