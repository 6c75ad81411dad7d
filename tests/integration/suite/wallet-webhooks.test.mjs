// SPDX-License-Identifier: Apache-2.0
//
// What the operators' own backends are told, by both roles: every type of event, signed so that the reference library
// of Standard Webhooks accepts it; secrets that change; receivers that fail; and what a backend answers to a lifecycle
// request.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertOk, assertProblem, PROBLEM, UUID_PATTERN } from '../../interop/suite/support.mjs';
import { newWebhookSecret, verifyWebhook, WebhookReceiver } from '../../interop/lib/webhooks.mjs';
import { eventually, sql } from '../lib/bench.mjs';
import { allSettled, callOut, command, hurry, lane, laneOpened, open, rows, settled } from '../lib/deliveries.mjs';
import { closingPair, issuerStatus, Pair } from '../lib/pair.mjs';
import { begin, issuerPeer } from '../lib/played-issuers.mjs';
import { Peer } from '../lib/peer.mjs';

const LANE = 'webhook:backend';

const played = await Peer.start('played');
after(() => played.close());

const pair = await Pair.start('webhooks', {
  webhooks: 'both',
  webhookOptions: { tls: true },
  issuer: (config) => callOut(config, { 'other-wallet': played.url }, config.outbound),
  wallet: (config) => {
    config.wallet.lifecycle = 'backend';
    config.peers.push(issuerPeer('other-issuer', played.url));
  },
});
const { app, walletHooks, issuerHooks } = pair;
after(() => Promise.all([walletHooks.close(), issuerHooks.close()]));

const about = (member, value) => (data) => data[member] === value;

/** Wait for a message of a type about a thing; resolves to the newest. */
const told = (receiver, type, fits) =>
  eventually(`a webhook ${type}`, () => receiver.received(type, fits).at(-1));

/** The statuses that a receiver was told of a verification, in order, each id once. */
const statusesOf = (receiver, { sessionId }) => {
  const messages = receiver.received('verification.changed', about('sessionId', sessionId));
  return [...new Map(messages.map((message) => [message.id, message.data.status])).values()];
};

const withoutRole = ({ role, ...data }) => data;

describe('a webhook', () => {
  test('is a POST of JSON with the headers of Standard Webhooks, signed', async () => {
    const { session } = await pair.issued();
    const message = await told(walletHooks, 'instances.provisioned', about('sessionId', session.sessionId));
    assert.deepEqual([message.method, message.path], ['POST', '/webhooks']);
    assert.equal(message.headers['content-type'], 'application/json');
    assert.match(message.id, new RegExp(`^msg_${UUID_PATTERN.source.slice(1)}`, 'i'));
    assert.ok(Math.abs(Number(message.headers['webhook-timestamp']) - Date.now() / 1000) < 60);
    assert.match(message.headers['webhook-signature'], /^v1,[A-Za-z0-9+/]{43}=$/);
    assert.deepEqual(Object.keys(JSON.parse(message.text)), ['type', 'timestamp', 'data']);
    assert.ok(Math.abs(Date.parse(message.timestamp) - Date.now()) < 60_000);
    assert.equal(message.data.role, 'wallet');
    for (const name of ['authorization', 'x-request-id']) assert.ok(!(name in message.headers), name);
  });

  test('does not verify with another secret, nor with another body', async () => {
    const [message] = walletHooks.messages;
    assert.throws(() => verifyWebhook(newWebhookSecret(), message));
    const [secret] = walletHooks.secrets;
    assert.throws(() => verifyWebhook(secret, { ...message, text: `${message.text} ` }));
    assert.throws(() => verifyWebhook(secret, { ...message, headers: { ...message.headers, 'webhook-id': 'msg_x' } }));
  });
});

describe("the wallet's backend is told", () => {
  test('of every step of a verification, with the issuance as the API shows it', async () => {
    const session = await pair.begin({ configurations: ['badge_info'] });
    for (const [otp, status] of [['000000', 'ADDITIONAL_INFO_REQUIRED'], ['123456', 'REJECTED']]) {
      await app.waitForStatus(session.sessionId, status);
      await eventually(`${status} is told`, () => statusesOf(walletHooks, session).includes(status));
      assertOk(await pair.supplement(session, otp), 202);
    }
    const issuance = await app.waitForInstances(session.sessionId);
    await eventually('the end is told', () => statusesOf(walletHooks, session).at(-1) === 'APPROVED');
    const steps = statusesOf(walletHooks, session).filter((status) => status !== 'PENDING');
    assert.deepEqual(steps, ['ADDITIONAL_INFO_REQUIRED', 'REJECTED', 'APPROVED']);
    const message = await told(walletHooks, 'verification.changed', about('sessionId', session.sessionId));
    const { verification, verificationId } = withoutRole(message.data);
    assert.deepEqual([verification, verificationId], [issuance.verification, issuance.verificationId]);
  });

  test('of instances, of credentials that are ready, and of changes', async () => {
    const { session, instances } = await pair.issued({ configurations: ['badge_slow'] });
    const [instanceId] = instances;
    const provisioned = await told(walletHooks, 'instances.provisioned', about('sessionId', session.sessionId));
    assert.deepEqual(provisioned.data.instances.map((it) => it.credentialInstanceId), instances);

    const { fetchId } = await pair.fetched(session, instanceId, { wait: 0 });
    const ready = await told(walletHooks, 'credentials.ready', about('fetchId', fetchId));
    const { sessionId } = session;
    const wanted = { fetchId, credentialInstanceId: instanceId, sessionId, status: 'READY' };
    assert.deepEqual(withoutRole(ready.data), wanted);

    assertOk(await app.action(instanceId, 'SUSPEND', { reason: 'TESTED' }));
    const changed = await told(walletHooks, 'instance.changed', about('status', 'SUSPENDED_WALLET'));
    assert.deepEqual([changed.data.credentialInstanceId, changed.data.lastStatusChangeReason], [instanceId, 'TESTED']);
  });

  for (const [said, event, type, flag] of [
    ['UPDATED', 'CREDENTIAL_UPDATE_AVAILABLE', 'credential.update_available', 'updateAvailable'],
    ['DISPLAY_UPDATED', 'DISPLAY_DATA_UPDATED', 'display_data.updated', 'displayUpdated'],
  ]) {
    test(`${type}, once until it is fetched`, async () => {
      const { session, instanceId } = await pair.active();
      const messages = () => walletHooks.received(type, about('credentialInstanceId', instanceId));
      const count = () => new Set(messages().map(({ id }) => id)).size;
      for (let i = 0; i < 2; i++) {
        assert.equal(await command(pair.issuer, instanceId, said), 'COMPLETED');
        await settled(pair.issuer, `${event}:${instanceId}`);
      }
      const message = await told(walletHooks, type, about('credentialInstanceId', instanceId));
      assert.equal(message.data[flag], true);
      await settled(pair.wallet, instanceId);
      assert.equal(count(), 1);
      await pair.fetched(session, instanceId);
      assert.equal(assertOk(await app.instance(instanceId))[flag], false);
      await command(pair.issuer, instanceId, said);
      await eventually('once more', () => count() === 2);
    });
  }

  test('of messages that an issuer has finally refused', async () => {
    const session = await begin(app, 'other-issuer');
    const { instances } = await app.waitForInstances(session.sessionId);
    const [{ credentialInstanceId: instanceId }] = instances;
    played.behave({ '/credential/manage': { behaviour: 'answer', status: 404 } });
    assertOk(await app.action(instanceId, 'SUSPEND'));
    const { data } = await told(walletHooks, 'delivery.dead', about('ref', instanceId));
    played.behave();
    assert.deepEqual([data.peer, data.path, data.reason], ['other-issuer', '/credential/manage', 'HTTP 404']);
    assert.equal(data.role, 'wallet');
    const [letter] = await rows(pair.wallet, `SELECT * FROM s2s.delivery_dead WHERE ref = '${instanceId}'`);
    assert.equal(String(letter.delivery_id), String(data.deliveryId));
  });
});

describe("the issuer's backend is told", () => {
  test('of a verification, of instances, and of what becomes of them', async () => {
    const { session, instanceId } = await pair.active();
    const { sessionId } = session;
    const approved = await told(issuerHooks, 'verification.changed', about('sessionId', sessionId));
    const { verificationId } = assertOk(await app.issuance(sessionId));
    assert.deepEqual(withoutRole(approved.data), { sessionId, verificationId, status: 'APPROVED', peer: 'wallet' });
    assert.equal(approved.data.role, 'issuer');
    const provisioned = await told(issuerHooks, 'instances.provisioned', about('sessionId', sessionId));
    assert.equal(provisioned.data.instances[0].credentialInstanceId, instanceId);
    const active = (data) => data.credentialInstanceId === instanceId && data.status === 'ACTIVE';
    await told(issuerHooks, 'instance.changed', active);
  });

  test('of messages that a wallet has finally refused', async () => {
    played.behave({ '/verification/notify': { behaviour: 'answer', status: 400 } });
    const other = await pair.issuer.connect({ who: 'OTHER_WALLET' });
    const session = await open(other);
    const { data } = await told(issuerHooks, 'delivery.dead', about('ref', session.verificationId));
    played.behave();
    other.close();
    assert.deepEqual([data.peer, data.path, data.reason], ['other-wallet', '/verification/notify', 'HTTP 400']);
  });
});

describe('secrets', () => {
  after(() => pair.wallet.reconfigure());

  test('every one signs, so that a receiver can change over; then the old one is gone', async () => {
    const newer = newWebhookSecret();
    const [older] = walletHooks.secrets;
    const [webhook] = pair.wallet.config.webhooks;
    const oldFile = webhook.secrets[0];
    pair.wallet.write('keys/webhook-2.secret', `${newer}\n`);

    await pair.wallet.reconfigure(() => {
      webhook.secrets = ['keys/webhook-2.secret', oldFile];
    });
    const { session } = await pair.issued();
    const both = await told(walletHooks, 'instances.provisioned', about('sessionId', session.sessionId));
    assert.equal(both.headers['webhook-signature'].split(' ').length, 2);
    for (const secret of [newer, older]) assert.equal(verifyWebhook(secret, both).type, both.type);

    walletHooks.secrets = [newer, older];
    await pair.wallet.reconfigure(() => {
      webhook.secrets = ['keys/webhook-2.secret'];
    });
    const { session: later } = await pair.issued();
    const single = await told(walletHooks, 'instances.provisioned', about('sessionId', later.sessionId));
    assert.equal(single.secret, newer);
    assert.throws(() => verifyWebhook(older, single));
  });
});

describe('several webhooks', () => {
  test('each gets what it has subscribed to', async () => {
    const receiver = await WebhookReceiver.start({ secrets: walletHooks.secrets });
    const [webhook] = pair.wallet.config.webhooks;
    await pair.wallet.reconfigure((config) => {
      config.webhooks.push({
        name: 'changes', url: receiver.url, secrets: webhook.secrets, events: ['instance.changed'],
      });
    });
    await laneOpened(pair.wallet, 'webhook:changes');
    const { instanceId } = await pair.active();
    const active = (data) => data.credentialInstanceId === instanceId && data.status === 'ACTIVE';
    const mine = await told(walletHooks, 'instance.changed', active);
    assert.notEqual((await told(receiver, 'instance.changed', active)).id, mine.id);
    await allSettled(pair.wallet, [instanceId]);
    assert.deepEqual([...new Set(receiver.messages.map(({ type }) => type))], ['instance.changed']);
    await pair.wallet.reconfigure((config) => config.webhooks.pop());
    await receiver.close();
  });
});

describe('a receiver that fails', () => {
  after(() => walletHooks.behave());

  const attempts = (sessionId) => walletHooks.received('instances.provisioned', about('sessionId', sessionId));

  /** Have something to tell while the receiver does as `answer` says; then it is well, and gets it. */
  async function outlives(answer, { failure, blocked = false }) {
    walletHooks.behave(answer);
    const { session } = await pair.issued();
    const { sessionId } = session;
    const failed = async () => {
      const delivery = (await rows(pair.wallet, `SELECT * FROM s2s.delivery WHERE ref = '${sessionId}'`)).find(
        ({ endpoint }) => endpoint === 'instances.provisioned',
      );
      return delivery?.last_failure?.match(failure) && delivery;
    };
    const delivery = await eventually('it has failed', failed);
    if (blocked) assert.equal(delivery.attempts, 0);
    walletHooks.behave();
    await eventually('it has come', async () => {
      await hurry(pair.wallet);
      return attempts(sessionId).some(({ status }) => status === 204);
    });
    const came = attempts(sessionId);
    assert.equal(new Set(came.map(({ id }) => id)).size, 1, 'every attempt has the same id');
    assert.equal(new Set(came.map(({ text }) => text)).size, 1, 'and says the same');
    await settled(pair.wallet, sessionId);
  }

  const FAULTS = {
    'answers 503': [() => ({ status: 503 }), { failure: /^HTTP 503$/ }],
    'answers 404': [() => ({ status: 404 }), { failure: /^HTTP 404$/ }],
    'redirects': [() => ({ status: 302, headers: { location: 'https://127.0.0.1:1/' } }), { failure: /^HTTP 302$/ }],
    'does not know us': [() => ({ status: 401 }), { failure: /^HTTP 401$/, blocked: true }],
    'says nothing': [() => null, { failure: /within 2000 ms/ }],
    'is slow': [() => ({ status: 204, delay: 3000 }), { failure: /within 2000 ms/ }],
  };
  for (const [what, [answer, wanted]] of Object.entries(FAULTS)) {
    test(`that ${what}: it comes again, as it was`, () => outlives(answer, wanted));
  }

  test('that is down: everything comes when it is back', async () => {
    walletHooks.behave();
    await walletHooks.close();
    const issued = [await pair.issued(), await pair.issued(), await pair.issued()];
    await eventually('it was tried', async () => (await lane(pair.wallet, LANE)).failures > 0);
    await walletHooks.listen();
    for (const { session } of issued) {
      await eventually('it has come', async () => {
        await hurry(pair.wallet);
        return attempts(session.sessionId).length > 0;
      });
    }
  });

  test('that has gone for good (410): a dead letter, which can be sent again', async () => {
    walletHooks.behave(({ type }) => ({ status: type === 'instances.provisioned' ? 410 : 204 }));
    const { session } = await pair.issued();
    const [letter] = await eventually('a dead letter', async () => {
      const found = await rows(pair.wallet, `SELECT * FROM s2s.delivery_dead WHERE ref = '${session.sessionId}'`);
      return found.length > 0 && found;
    });
    assert.deepEqual([letter.peer, letter.reason], [LANE, 'HTTP 410']);
    walletHooks.behave();
    const heard = walletHooks.received('delivery.dead', about('ref', session.sessionId));
    assert.deepEqual(heard, [], 'of a webhook that failed no webhook tells');
    assert.deepEqual(await sql(pair.wallet.database, `SELECT s2s.command_redrive(${letter.delivery_id})`), ['t']);
    await eventually('it has come', () => attempts(session.sessionId).some(({ status }) => status === 204));
  });

  test('holds up nothing else', async () => {
    walletHooks.behave(() => null);
    const began = Date.now();
    const { instanceId } = await pair.active();
    assert.ok(Date.now() - began < 5000, `${Date.now() - began} ms`);
    walletHooks.behave();
    await eventually('it is told at last', async () => {
      await hurry(pair.wallet);
      return walletHooks.received('instance.changed', about('credentialInstanceId', instanceId)).length > 0;
    });
  });
});

describe('what an issuer asks of an instance is up to the backend', () => {
  after(() => walletHooks.behave());

  /** The backend answers what it is asked about with this. */
  const answering = (body, status = 200) =>
    walletHooks.behave(({ type }) => (type === 'lifecycle.requested' ? { status, body } : { status: 204 }));

  const requested = (instanceId) => told(walletHooks, 'lifecycle.requested', about('credentialInstanceId', instanceId));

  /** The events that the issuer was told of an instance, as the wallet's ledger has them. */
  const reported = async (instanceId) =>
    rows(
      pair.wallet,
      `SELECT event_type, triggering_request_id FROM s2s.wallet_event WHERE instance_id = '${instanceId}'`,
    );

  const manageOutcome = async (instanceId) =>
    (await rows(pair.issuer, `SELECT manage_outcome FROM s2s.instance WHERE instance_id = '${instanceId}'`))[0]
      .manage_outcome;

  test('COMPLETED at once', async () => {
    const { session, instanceId } = await pair.active();
    answering({ outcome: 'COMPLETED' });
    assert.equal(await command(pair.issuer, instanceId, 'SUSPEND', 'FRAUD'), 'COMPLETED');
    const { data } = await requested(instanceId);
    assert.match(data.lifecycleId, UUID_PATTERN);
    const { sessionId } = session;
    const { lifecycleId, role, ...asked } = data;
    assert.deepEqual(asked, { credentialInstanceId: instanceId, sessionId, action: 'SUSPEND', reason: 'FRAUD' });
    await app.waitForInstance(instanceId, 'SUSPENDED_ISSUER');
    await eventually('the issuer has heard', async () => (await reported(instanceId)).length === 0);
    assert.equal(await manageOutcome(instanceId), 'COMPLETED', 'no longer SCHEDULED');
    const late = await app.endLifecycle(lifecycleId, 'FAILED');
    assert.equal(assertProblem(late, 409, PROBLEM.wrongState).currentStatus, 'COMPLETED');
    assert.equal(assertOk(await app.endLifecycle(lifecycleId, 'COMPLETED')).status, 'SUSPENDED_ISSUER');
  });

  test('FAILED: nothing changes, and the issuer is told why', async () => {
    const { instanceId } = await pair.active();
    answering({ outcome: 'FAILED', failureReason: 'DEVICE_OFFLINE' });
    await command(pair.issuer, instanceId, 'SUSPEND');
    await requested(instanceId);
    const failed = async () =>
      (await rows(pair.wallet, `SELECT * FROM s2s.wallet_lifecycle WHERE instance_id = '${instanceId}'`))[0];
    await eventually('it has failed', async () => (await failed()).state === 'FAILED');
    assert.equal((await failed()).failure_reason, 'DEVICE_OFFLINE');
    assert.equal(assertOk(await app.instance(instanceId)).status, 'ACTIVE');
    assert.equal(await issuerStatus(pair.issuer, instanceId), 'SUSPENDED_ISSUER', 'the issuer has decided');
  });

  for (const [how, body] of [
    ['SCHEDULED', { outcome: 'SCHEDULED' }],
    ['an answer without a body', undefined],
    ['an outcome that nobody knows', { outcome: 'PERHAPS' }],
  ]) {
    test(`${how}: nothing changes until the backend tells`, async () => {
      const { instanceId } = await pair.active();
      answering(body);
      await command(pair.issuer, instanceId, 'SUSPEND');
      const { data } = await requested(instanceId);
      await sleep(300);
      assert.equal(assertOk(await app.instance(instanceId)).status, 'ACTIVE');
      const instance = assertOk(await app.endLifecycle(data.lifecycleId, 'COMPLETED'));
      assert.equal(instance.status, 'SUSPENDED_ISSUER');
    });
  }

  test('FAILED later', async () => {
    const { instanceId } = await pair.active();
    answering({ outcome: 'SCHEDULED' });
    await command(pair.issuer, instanceId, 'CANCEL');
    const { data } = await requested(instanceId);
    assert.equal(data.action, 'UNLINK');
    const instance = assertOk(await app.endLifecycle(data.lifecycleId, 'FAILED', { failureReason: 'NO_DEVICE' }));
    assert.equal(instance.status, 'ACTIVE');
    assertOk(await app.endLifecycle(data.lifecycleId, 'FAILED', { failureReason: 'NO_DEVICE' }));
  });

  test('the backend tells before it has answered', async () => {
    const { instanceId } = await pair.active();
    walletHooks.behave(({ type }) => (type === 'lifecycle.requested' ? { status: 200, delay: 1200 } : { status: 204 }));
    await command(pair.issuer, instanceId, 'SUSPEND');
    const { data } = await requested(instanceId);
    assert.equal(assertOk(await app.endLifecycle(data.lifecycleId, 'COMPLETED')).status, 'SUSPENDED_ISSUER');
    await settled(pair.wallet, data.lifecycleId);
    assert.equal(assertOk(await app.instance(instanceId)).status, 'SUSPENDED_ISSUER');
  });

  test('the issuer hears the outcome as an event that names its request', async () => {
    const { instanceId } = await pair.active();
    answering({ outcome: 'SCHEDULED' });
    await command(pair.issuer, instanceId, 'SUSPEND');
    const { data } = await requested(instanceId);
    await pair.calls.close();
    assertOk(await app.endLifecycle(data.lifecycleId, 'COMPLETED'));
    const [event] = await reported(instanceId);
    await pair.calls.restore();
    assert.equal(event.event_type, 'LIFECYCLE_SUCCESS');
    const [manage] = await rows(
      pair.issuer,
      `SELECT request_id FROM s2s.ledger
       WHERE ref = '${instanceId}' AND event = 'delivered' AND endpoint = '/credential/manage'`,
    );
    assert.equal(event.triggering_request_id, manage.request_id);
    await hurry(pair.wallet);
    await eventually('it has arrived', async () => (await reported(instanceId)).length === 0);
  });

  test('what is so already is not asked for', async () => {
    const { instanceId } = await pair.active();
    answering({ outcome: 'COMPLETED' });
    assert.equal(await command(pair.issuer, instanceId, 'SUSPEND'), 'COMPLETED');
    await app.waitForInstance(instanceId, 'SUSPENDED_ISSUER');
    const before = walletHooks.received('lifecycle.requested').length;
    await rows(
      pair.issuer,
      `SELECT s2s.delivery_owe('wallet', '/credential/manage', '${instanceId}', '{"reason": "AGAIN"}')`,
    );
    await settled(pair.issuer, instanceId);
    assert.equal(await manageOutcome(instanceId), 'NO_CHANGE');
    assert.equal(walletHooks.received('lifecycle.requested').length, before);
  });
});

test('every type of event has come, and every message was signed', async () => {
  const types = [
    'verification.changed', 'instances.provisioned', 'instance.changed', 'credentials.ready',
    'credential.update_available', 'display_data.updated', 'lifecycle.requested', 'delivery.dead',
  ];
  assert.deepEqual([...new Set(walletHooks.messages.map(({ type }) => type))].sort(), [...types].sort());
  for (const receiver of [walletHooks, issuerHooks]) assert.deepEqual(receiver.failures, []);
  for (const gateway of pair.gateways)
    assert.ok((await rows(gateway, `SELECT FROM s2s.ledger WHERE endpoint = 'verification.changed'`)).length > 0);
});

closingPair(pair, {
  issuer: { expectedErrors: ['delivery_failed'] },
  wallet: { expectedErrors: ['delivery_failed'] },
});
