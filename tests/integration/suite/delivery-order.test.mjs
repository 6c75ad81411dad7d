// SPDX-License-Identifier: Apache-2.0
//
// Deliveries through crashes, restarts and lost connections to the database: at least once, and never an older state
// after a newer one.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { otpItem } from '../../interop/lib/payloads.mjs';
import { assertOk } from '../../interop/suite/support.mjs';
import { eventually } from '../lib/bench.mjs';
import {
  allDelivered, callOut, command, delivered, heldBack, hurry, laneOpened, open, openMany, owed,
} from '../lib/deliveries.mjs';
import { Gateway, withGateway } from '../lib/gateway.mjs';
import { DatabaseLink } from '../lib/link.mjs';
import { Peer } from '../lib/peer.mjs';

const NOTIFY = '/verification/notify';
const MANAGE = '/credential/manage';
const LEASE_MS = 2500;
const TIMEOUT_MS = 1500;

const peer = await Peer.start('wallet');
after(() => peer.close());

const edit = (config) => {
  config.jobs.lease = `${LEASE_MS}ms`;
  callOut(config, { wallet: peer.url }, { timeout: `${TIMEOUT_MS}ms` });
};

/** Run `body` with a gateway that owes to the peer, and a wallet. */
const withDeliveries = (name, options, body) =>
  withGateway(name, { edit, ...options }, async (gateway) => {
    await laneOpened(gateway, 'wallet');
    const wallet = await gateway.connect();
    try {
      await body(gateway, wallet);
    } finally {
      wallet.close();
      peer.behave();
    }
  });

const id = ({ verificationId }) => verificationId;
const about = (session) => ({ path: NOTIFY, verificationId: session.verificationId });
const of = (instanceId) => ({ path: MANAGE, credentialInstanceId: instanceId });
const actions = (instanceId) => peer.requests(of(instanceId)).map(({ json }) => json.action);

describe('nothing older after newer', () => {
  test('what happens while the peer is down arrives as one message, with the last state', () =>
    withDeliveries('delivery-coalesced', {}, async (gateway, wallet) => {
      const { instances } = await wallet.approvedSession();
      await peer.close();
      for (const action of ['SUSPEND', 'RESUME', 'SUSPEND', 'RESUME', 'CANCEL'])
        assert.equal(await command(gateway, instances[0], action), 'COMPLETED');
      const session = await open(wallet, { configurations: ['badge_info'] });
      for (const [otp, status] of [['000000', 'REJECTED'], ['123456', 'APPROVED']]) {
        await wallet.waitFor(session, ['ADDITIONAL_INFO_REQUIRED', 'REJECTED']);
        assertOk(await wallet.supplement(session, { items: [otpItem(otp)] }));
        await wallet.waitFor(session, status);
      }
      await eventually('it was tried', async () => (await owed(gateway, id(session)))?.attempts > 0);
      await peer.listen();

      await delivered(gateway, instances[0], { timeoutMs: 20_000 });
      await delivered(gateway, id(session), { timeoutMs: 20_000 });
      assert.deepEqual(actions(instances[0]), ['UNLINK']);
      assert.deepEqual(peer.requests(about(session)).map(({ json }) => json.status), ['APPROVED']);
    }));

  test('what happens during a flight is told after it, as another request', () =>
    withDeliveries('delivery-overtaken', {}, async (gateway, wallet) => {
      peer.behave({ [MANAGE]: { behaviour: 'ok', delay: 700 } });
      const { instances } = await wallet.approvedSession();
      await command(gateway, instances[0], 'SUSPEND');
      await peer.received(of(instances[0]));
      for (const action of ['RESUME', 'SUSPEND', 'CANCEL']) await command(gateway, instances[0], action);
      await delivered(gateway, instances[0], { count: 2 });
      assert.deepEqual(actions(instances[0]), ['SUSPEND', 'UNLINK']);
      const [first, second] = peer.requests(of(instances[0]));
      assert.notEqual(first.requestId, second.requestId);
      assert.ok(second.time - first.time >= 700, 'one flight at a time');
    }));

  test('what happens between two attempts makes the next one a new request', () =>
    withDeliveries('delivery-moved-on', {}, async (gateway, wallet) => {
      peer.behave({ [MANAGE]: { behaviour: 'unavailable', retryAfter: 1 } });
      const { instances } = await wallet.approvedSession();
      await command(gateway, instances[0], 'SUSPEND');
      await eventually('it has failed', async () => (await owed(gateway, instances[0]))?.attempts > 0);
      await command(gateway, instances[0], 'RESUME');
      peer.behave();
      await delivered(gateway, instances[0]);
      const requests = peer.requests(of(instances[0]));
      assert.equal(requests.at(-1).json.action, 'RESUME');
      assert.notEqual(requests.at(-1).requestId, requests[0].requestId, 'another body under one id would be refused');
    }));
});

// A peer that stood still may read it after what was sent later. It does one thing under one request id.
describe('a message without an answer loses its request id to what follows it', () => {
  for (const [how, answer] of [
    ['and the peer takes that', 'ok'],
    ['which the peer has used for the first one', 'strict'],
  ]) {
    test(how, () =>
      withDeliveries('delivery-stray', {}, async (gateway, wallet) => {
        const { instances } = await wallet.approvedSession();
        const [instanceId] = instances;
        peer.behave({ [MANAGE]: 'hang' });
        await command(gateway, instanceId, 'SUSPEND');
        await eventually('it has timed out, and waits', () => heldBack(gateway, instanceId));
        await command(gateway, instanceId, 'RESUME');
        peer.behave({ [MANAGE]: answer });
        await hurry(gateway);
        const entries = await delivered(gateway, instanceId);
        peer.behave();
        // Each may have been made more than once.
        const steps = peer.requests(of(instanceId)).map(({ json, requestId }) => `${json.action} ${requestId}`);
        const [first, taking, last, ...more] = new Set(steps);
        const used = first.replace('SUSPEND ', '');
        assert.deepEqual([taking, more], [`RESUME ${used}`, []]);
        assert.equal(last, `RESUME ${entries.at(-1).request_id}`);
        assert.notEqual(last, taking);
      }));
  }
});

describe('the gateway goes', () => {
  test('kill -9 during a flight: it is made again, as the same request', () =>
    withDeliveries('delivery-killed', {}, async (gateway, wallet) => {
      peer.behave({ [NOTIFY]: 'hang' });
      const sessions = await openMany(wallet, 5);
      for (const session of sessions) await peer.received(about(session));
      await gateway.stop('SIGKILL');
      peer.behave();
      await gateway.serve();
      const ledgers = await allDelivered(gateway, sessions.map(id), { timeoutMs: 15_000 });
      for (const [i, session] of sessions.entries()) {
        const ids = peer.requests(about(session)).map(({ requestId }) => requestId);
        assert.ok(ids.length >= 2);
        assert.deepEqual([...new Set(ids)], [ledgers[i][1].request_id]);
      }
    }));

  test('kill -9 between the answer and its commit: it is made again, and recorded once', async () => {
    const link = await DatabaseLink.open();
    await withDeliveries('delivery-killed-late', { link }, async (gateway, wallet) => {
      peer.behave({ [NOTIFY]: { behaviour: 'ok', delay: 500 } });
      const session = await open(wallet);
      await peer.received(about(session));
      link.silence(); // before the peer's answer
      await sleep(700);
      await gateway.stop('SIGKILL');
      link.cut();
      await link.restore();
      await gateway.serve();
      await delivered(gateway, id(session), { timeoutMs: 15_000 });
      const ids = peer.requests(about(session)).map(({ requestId }) => requestId);
      assert.equal(new Set(ids).size, 1, 'a second copy is one that the peer knows');
    });
    await link.close();
  });

  test('SIGTERM waits for flights', () =>
    withDeliveries('delivery-drain', {}, async (gateway, wallet) => {
      peer.behave({ [NOTIFY]: { behaviour: 'ok', delay: 1000 } });
      const session = await open(wallet);
      await peer.received(about(session));
      assert.equal((await gateway.stop()).status, 0);
      await delivered(gateway, id(session), { timeoutMs: 100 });
    }));

  test('SIGTERM cuts those that take longer than drain_timeout; they are made again', () => {
    const hasty = (config) => {
      edit(config);
      config.limits.drain_timeout = '500ms';
    };
    return withDeliveries('delivery-cut', { edit: hasty }, async (gateway, wallet) => {
      peer.behave({ [NOTIFY]: 'hang' });
      const sessions = await openMany(wallet, 3);
      for (const session of sessions) await peer.received(about(session));
      wallet.close();
      assert.equal((await gateway.stop()).status, 0, gateway.logText().slice(-3000));
      peer.behave();
      await gateway.serve();
      await allDelivered(gateway, sessions.map(id), { timeoutMs: 15_000 });
    });
  });

  test('one that slept past its lease finds that another one has delivered', () =>
    withDeliveries('delivery-slept', {}, async (gateway, wallet) => {
      peer.behave({ [NOTIFY]: { behaviour: 'ok', delay: 300 } });
      const session = await open(wallet);
      await peer.received(about(session));
      gateway.child.kill('SIGSTOP');
      const other = await Gateway.start('delivery-awake', { edit, database: gateway.database });
      await delivered(gateway, id(session), { timeoutMs: 15_000 });
      gateway.child.kill('SIGCONT');
      const labels = { kind: 'deliver', outcome: 'fenced' };
      const fenced = async () => (await gateway.metrics()).value('s2s_jobs_total', labels) === 1;
      await eventually('it was fenced off', fenced);
      await delivered(gateway, id(session));
      assert.equal(new Set(peer.requests(about(session)).map(({ requestId }) => requestId)).size, 1);
      await other.close();
    }));
});

describe('the database goes', () => {
  for (const [how, lose] of [
    ['connections that break', (link) => link.cut()],
    ['a server that is away for a while', (link) => link.close()],
  ]) {
    test(`${how} during flights: all arrives, and is recorded once`, async () => {
      const link = await DatabaseLink.open();
      await withDeliveries('delivery-database', { link }, async (gateway, wallet) => {
        peer.behave({ [NOTIFY]: { behaviour: 'ok', delay: 300 } });
        const sessions = await openMany(wallet, 20);
        await peer.received(about(sessions[0]));
        await lose(link);
        await sleep(1500);
        await link.restore();
        await allDelivered(gateway, sessions.map(id), { timeoutMs: 20_000 });
        for (const session of sessions)
          assert.equal(new Set(peer.requests(about(session)).map(({ requestId }) => requestId)).size, 1);
      });
      await link.close();
    });
  }
});
