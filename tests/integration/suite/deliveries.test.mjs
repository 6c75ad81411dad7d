// SPDX-License-Identifier: Apache-2.0
//
// What a wallet server is told, when, and in what form: notifications, events, and the issuer's own suspensions.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { otpItem } from '../../interop/lib/payloads.mjs';
import { assertOk } from '../../interop/suite/support.mjs';
import { eventually } from '../lib/bench.mjs';
import {
  allDelivered, assertCall, assertEvent, assertManage, assertVerificationStatus, callOut, command, delivered, events,
  hold, laneOpened, ledger, offer, open, openMany, owed, rows,
} from '../lib/deliveries.mjs';
import { closing, Gateway } from '../lib/gateway.mjs';
import { Peer } from '../lib/peer.mjs';

const READY_MS = 1500;
const NOTIFY = '/base/verification/notify';
const EVENT = '/base/event/notify';
const MANAGE = '/base/credential/manage';

const peer = await Peer.start('wallet');
const http1Peer = await Peer.start('other-wallet', { args: ['--alpn', 'http/1.1'] });
after(() => Promise.all([peer.close(), http1Peer.close()]));

const gateway = await Gateway.start('deliveries', {
  edit: (config) => {
    callOut(config, { wallet: `${peer.url}/base` });
    const denial = { decision: 'deny', denied_reason: 'NOT_ELIGIBLE', denied_message: 'No.' };
    offer(config, 'badge_deny', { verification: denial });
    offer(config, 'badge_slow', { ready_after: `${READY_MS}ms` });
    const [info] = config.credential_configurations.filter(({ id }) => id === 'badge_info');
    offer(config, 'badge_hurry', { verification: { ...info.verification, deadline: '1s' } });
  },
});
await laneOpened(gateway, 'wallet');
const wallet = await gateway.connect();

const about = ({ verificationId }) => ({ path: NOTIFY, verificationId });
/** The states that a wallet was told of, in order. */
const told = (session) => peer.requests(about(session)).map(({ json }) => json.status);
const supplement = async (session, otp) => assertOk(await wallet.supplement(session, { items: [otpItem(otp)] }));
const tells = async (session, status) => {
  const request = await eventually(`the wallet is told ${status}`, () =>
    peer.requests(about(session)).find(({ json }) => json.status === status),
  );
  assertCall(request, NOTIFY);
  assertVerificationStatus(request.json, session, status);
  return request.json;
};

describe('/verification/notify', () => {
  test('tells of an approval: the same VerificationStatus that the wallet would be answered', async () => {
    const session = await open(wallet);
    const request = await peer.receivedOnce(about(session));
    assertCall(request, NOTIFY);
    assert.equal(request.protocol, '2.0');
    assertVerificationStatus(request.json, session, 'APPROVED');
    assert.deepEqual(request.json, assertOk(await wallet.status(session)));
    const [, arrival] = await delivered(gateway, session.verificationId);
    assert.equal(arrival.request_id, request.requestId);
  });

  test('tells of a denial', async () => {
    const session = await open(wallet, { configurations: ['badge_deny'] });
    const body = await tells(session, 'DENIED');
    assert.deepEqual([body.reasonCode, body.deniedMessage], ['NOT_ELIGIBLE', 'No.']);
    await delivered(gateway, session.verificationId);
  });

  test('tells of every step of a negotiation, once each, as a new request', async () => {
    const session = await open(wallet, { configurations: ['badge_info'] });
    const { verificationDataRequest } = await tells(session, 'ADDITIONAL_INFO_REQUIRED');
    assert.equal(verificationDataRequest.verificationDataItems[0].id, 'otp-1');
    await supplement(session, '000000');
    assert.equal((await tells(session, 'REJECTED')).reasonCode, 'OTP_MISMATCH');
    await supplement(session, '123456');
    await tells(session, 'APPROVED');
    await delivered(gateway, session.verificationId, { count: 3 });
    assert.deepEqual(told(session), ['ADDITIONAL_INFO_REQUIRED', 'REJECTED', 'APPROVED']);
    assert.equal(new Set(peer.requests(about(session)).map(({ requestId }) => requestId)).size, 3);
  });

  test('tells that a deadline has passed', async () => {
    const session = await open(wallet, { configurations: ['badge_hurry'] });
    assert.equal((await tells(session, 'DENIED')).reasonCode, 'DEADLINE_PASSED');
    await delivered(gateway, session.verificationId, { count: 2 });
  });

  test('says nothing of what the wallet has just been answered', async () => {
    const session = await open(wallet, { configurations: ['badge_review'] });
    assertOk(await wallet.cancel(session));
    await sleep(300);
    assert.deepEqual(await events(gateway, session.verificationId), []);
    assert.deepEqual(told(session), []);
  });

  test('tells of many at once, each exactly once, over few connections', async () => {
    const sessions = await openMany(wallet, 40);
    const ledgers = await allDelivered(gateway, sessions.map(({ verificationId }) => verificationId));
    for (const [i, session] of sessions.entries())
      assert.equal((await peer.receivedOnce(about(session))).requestId, ledgers[i][1].request_id);
    const requests = sessions.flatMap((session) => peer.requests(about(session)));
    const connections = new Set(requests.map(({ connection }) => connection));
    assert.ok(connections.size <= gateway.config.workers, `${connections.size} connections`);
  });
});

describe('CREDENTIAL_READY', () => {
  const ready = (transactionId) => `CREDENTIAL_READY:${transactionId}`;
  const of = (instanceId) => ({ path: EVENT, credentialInstanceId: instanceId });

  /** An instance that is fetched, but not ready: `{ session, instanceId, transactionId, askedAt }`. */
  async function pending() {
    const { session, instances } = await wallet.approvedSession({ configurations: ['badge_slow'] });
    const askedAt = Date.now();
    const { transaction_id: transactionId } = assertOk(await wallet.get(session, instances[0]), 202);
    return { session, instanceId: instances[0], transactionId, askedAt };
  }

  test('comes when the credential is ready, not before, and names the transaction', async () => {
    const { session, instanceId, transactionId, askedAt } = await pending();
    const request = await peer.receivedOnce(of(instanceId));
    assert.ok(request.time >= askedAt + READY_MS, `${request.time - askedAt} ms after the first get`);
    assertCall(request, EVENT);
    const eventDetails = { transaction_id: transactionId };
    assertEvent(request.json, { session, instanceId, eventType: 'CREDENTIAL_READY', eventDetails });
    assert.ok(Date.parse(request.json.eventTimestamp) > askedAt + READY_MS - 1000, 'the time is in whole seconds');
    await delivered(gateway, ready(transactionId));
    assertOk(await wallet.get(session, instanceId, { transactionId }));
  });

  test('does not come when the credential has been fetched meanwhile', async () => {
    const { session, instanceId, transactionId, askedAt } = await pending();
    const release = await hold(gateway, 'wallet');
    await sleep(askedAt + READY_MS + 100 - Date.now());
    assertOk(await wallet.get(session, instanceId, { transactionId }));
    await release();
    await sleep(500);
    assert.deepEqual(peer.requests(of(instanceId)), []);
    assert.deepEqual(await events(gateway, ready(transactionId)), ['owed', 'dropped']);
  });
});

describe('what the issuer does to an instance', () => {
  const of = (path, instanceId) => ({ path, credentialInstanceId: instanceId });

  async function instance() {
    const { session, instances } = await wallet.approvedSession();
    return { session, instanceId: instances[0] };
  }

  const answered = async (instanceId) => {
    const columns = 'manage_outcome, manage_failure_reason';
    return (await rows(gateway, `SELECT ${columns} FROM s2s.instance WHERE instance_id = '${instanceId}'`))[0];
  };

  test('suspending, resuming and cancelling reach the wallet as SUSPEND, RESUME and UNLINK', async () => {
    const { session, instanceId } = await instance();
    const steps = { SUSPEND: 'SUSPEND', RESUME: 'RESUME', CANCEL: 'UNLINK' };
    let count = 0;
    for (const [ordered, action] of Object.entries(steps)) {
      const reason = `BECAUSE_OF_${ordered}`;
      assert.equal(await command(gateway, instanceId, ordered, reason), 'COMPLETED');
      await delivered(gateway, instanceId, { count: ++count });
      const requests = peer.requests(of(MANAGE, instanceId));
      assert.equal(requests.length, count);
      assertCall(requests[count - 1], MANAGE);
      assertManage(requests[count - 1].json, { session, instanceId, action, reason });
    }
    assert.deepEqual(await answered(instanceId), { manage_outcome: 'COMPLETED', manage_failure_reason: null });
  });

  test('what changes nothing is told to nobody', async () => {
    const { instanceId } = await instance();
    assert.equal(await command(gateway, instanceId, 'RESUME'), 'NO_CHANGE');
    assert.deepEqual(await events(gateway, instanceId), []);
    assert.equal(await command(gateway, 'nobody', 'SUSPEND'), 'NOT_FOUND');
  });

  test("the wallet's outcome is kept for the operator", async () => {
    const { instanceId } = await instance();
    const body = { outcome: 'FAILED', failureReason: 'DEVICE_OFFLINE', currentStatus: 'ACTIVE' };
    peer.behave({ '/credential/manage': { behaviour: 'answer', body } });
    assert.equal(await command(gateway, instanceId, 'SUSPEND'), 'COMPLETED');
    const entries = await delivered(gateway, instanceId);
    peer.behave();
    assert.equal(entries[1].detail, 'FAILED');
    assert.deepEqual(await answered(instanceId), { manage_outcome: 'FAILED', manage_failure_reason: 'DEVICE_OFFLINE' });
  });

  for (const [said, eventType] of [
    ['UPDATED', 'CREDENTIAL_UPDATE_AVAILABLE'],
    ['DISPLAY_UPDATED', 'DISPLAY_DATA_UPDATED'],
  ]) {
    test(`${said} becomes ${eventType}`, async () => {
      const { session, instanceId } = await instance();
      assert.equal(await command(gateway, instanceId, said), 'COMPLETED');
      const request = await peer.receivedOnce(of(EVENT, instanceId));
      assertCall(request, EVENT);
      assertEvent(request.json, { session, instanceId, eventType });
      await delivered(gateway, `${eventType}:${instanceId}`);
    });
  }
});

describe('a peer without an address', () => {
  test('is owed nothing; once it has one, it is told, over HTTP/1.1 if need be', async () => {
    const other = await gateway.connect({ who: 'OTHER_WALLET' });
    const before = await open(other);
    await other.waitFor(before, 'APPROVED');
    assert.deepEqual(await ledger(gateway, before.verificationId), []);

    await gateway.reconfigure((config) => callOut(config, { 'other-wallet': http1Peer.url }));
    await laneOpened(gateway, 'other-wallet');
    const session = await open(other);
    const request = await http1Peer.receivedOnce({ verificationId: session.verificationId });
    assert.equal(request.protocol, '1.1');
    assertCall(request, '/verification/notify');
    await delivered(gateway, session.verificationId);
    assert.deepEqual(http1Peer.requests({ verificationId: before.verificationId }), []);
    other.close();
  });

  test('keeps what it was owed when its address is taken away, until it has one again', async () => {
    const other = await gateway.connect({ who: 'OTHER_WALLET' });
    const release = await hold(gateway, 'other-wallet');
    const session = await open(other);
    await other.waitFor(session, 'APPROVED');
    const address = http1Peer.url;
    await gateway.reconfigure((config) => {
      const it = config.peers.find(({ name }) => name === 'other-wallet');
      delete it.url;
      delete it.ca;
    });
    await release();
    await sleep(500);
    assert.ok(await owed(gateway, session.verificationId));
    assert.deepEqual(http1Peer.requests({ verificationId: session.verificationId }), []);
    await gateway.reconfigure((config) => callOut(config, { 'other-wallet': address }));
    await delivered(gateway, session.verificationId, { timeoutMs: 20_000 });
    other.close();
  });
});

test('the work is counted', async () => {
  const metrics = await gateway.metrics();
  const [{ count }] = await rows(gateway, `SELECT count(*) FROM s2s.ledger WHERE event = 'delivered'`);
  assert.equal(
    metrics.value('s2s_jobs_total', { kind: 'deliver', outcome: 'done' }) +
      metrics.value('s2s_jobs_total', { kind: 'deliver', outcome: 'again' }),
    count,
  );
  wallet.close();
});

closing(gateway);
