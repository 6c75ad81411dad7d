// SPDX-License-Identifier: Apache-2.0
//
// Wallet servers that cannot be reached, let us not in, or refuse what they are told: what is tried again, what is
// given up, and that nobody else is made to wait.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, slow, sql } from '../lib/bench.mjs';
import {
  allDelivered, callOut, command, delivered, events, hurry, lane, laneOpened, open, openMany, owed, rows, settled,
} from '../lib/deliveries.mjs';
import { closing, Gateway } from '../lib/gateway.mjs';
import { Peer } from '../lib/peer.mjs';

const BLOCK_MS = 1000;
const NOTIFY = '/verification/notify';

const good = await Peer.start('good');
const line = await Peer.start('line');
after(() => Promise.all([good.close(), line.close()]));

const gateway = await Gateway.start('delivery-refusals', {
  edit: (config) => {
    config.jobs.lease = '3s';
    const urls = { wallet: good.url, 'other-wallet': line.url };
    callOut(config, urls, { timeout: '1s', block: `${BLOCK_MS}ms`, concurrency: 4 });
  },
});
for (const name of ['wallet', 'other-wallet']) await laneOpened(gateway, name);
const goodWallet = await gateway.connect({ protocol: 'h2' });
const lineWallet = await gateway.connect({ who: 'OTHER_WALLET' });

const id = ({ verificationId }) => verificationId;
const about = (session) => ({ verificationId: session.verificationId });
const failedOnce = (session) =>
  eventually('it has failed', async () => {
    const delivery = await owed(gateway, id(session));
    return delivery?.last_failure && delivery;
  });

describe('connections', () => {
  after(() => line.behave());

  const attempts = async (session) => (await owed(gateway, id(session))).attempts;

  test('a peer that does not listen gets it when it is back', async () => {
    await line.close();
    const session = await open(lineWallet);
    await failedOnce(session);
    await line.listen();
    await delivered(gateway, id(session));
  });

  for (const fault of ['drop', 'mute']) {
    test(`connections that are met by "${fault}"`, async () => {
      await line.close(); // or a connection of before would be used
      await line.listen();
      line.behave({ connection: fault });
      const session = await open(lineWallet);
      await failedOnce(session);
      assert.ok((await attempts(session)) > 0);
      line.behave();
      await delivered(gateway, id(session));
      assert.equal(line.requests(about(session)).length, 1);
    });
  }

  test('a peer that shows a wrong certificate is told nothing, and left alone', async () => {
    await line.close();
    await line.listen();
    line.behave({ connection: 'wrong-certificate' });
    const session = await open(lineWallet);
    const refused = await eventually('the certificate is refused', async () => {
      const delivery = await owed(gateway, id(session));
      return /certificate/i.test(delivery?.last_failure) && delivery;
    });
    assert.ok((await lane(gateway, 'other-wallet')).blocked);
    await sleep(BLOCK_MS + 500);
    assert.equal(await attempts(session), refused.attempts, 'it costs no attempt');
    assert.deepEqual(line.requests(about(session)), []);
    line.behave();
    await delivered(gateway, id(session));
  });

  test('one that closes idle connections loses nothing', async () => {
    line.behave({ [NOTIFY]: 'reset-after-answer' });
    for (let i = 0; i < 5; i++) {
      const session = await open(lineWallet);
      await delivered(gateway, id(session));
      await sleep(40);
    }
  });
});

test('a peer that refuses us is asked by one probe at a time, and gets all when it lets us in', async () => {
  line.behave({ [NOTIFY]: 'forbidden' });
  const first = await open(lineWallet);
  await failedOnce(first);
  const others = await openMany(lineWallet, 6);
  for (const session of others) await lineWallet.waitFor(session, 'APPROVED');
  const asked = line.requests({ behaviour: 'forbidden' });
  await sleep(2 * BLOCK_MS + 500);
  const probes = line.requests({ behaviour: 'forbidden' }).slice(asked.length);
  assert.ok(probes.length >= 1 && probes.length <= 2, `${probes.length} probes in two blocks`);
  const blocked = async () => (await gateway.metrics()).value('s2s_peer_blocked', { peer: 'other-wallet' });
  assert.equal(await blocked(), 1);
  line.behave();
  await allDelivered(gateway, [first, ...others].map(id));
  assert.equal(await blocked(), 0);
});

test('a 200 without a body, or with one that cannot be read, counts: the message has arrived', async () => {
  for (const control of ['malformed', { behaviour: 'answer', body: '' }]) {
    good.behave({ [NOTIFY]: control });
    const session = await open(goodWallet);
    await delivered(gateway, id(session));
    assert.equal(good.requests(about(session)).length, 1);
  }
  good.behave();
});

describe('what a peer finally refuses', () => {
  const dead = async (ref) => (await rows(gateway, `SELECT * FROM s2s.delivery_dead WHERE ref = '${ref}'`))[0];
  const deadJobs = async () => (await gateway.metrics()).value('s2s_jobs_total', { kind: 'deliver', outcome: 'dead' });
  const letters = async () => (await gateway.metrics()).value('s2s_queue_dead', { kind: 'deliver', peer: 'wallet' });

  for (const status of [400, 404, 409, 422]) {
    test(`with ${status}: becomes a dead letter, loudly, and can be sent again`, async () => {
      const [from, counted] = [gateway.logEnd, await deadJobs()];
      good.behave({ [NOTIFY]: { behaviour: 'answer', status } });
      const session = await open(goodWallet);
      await settled(gateway, id(session));
      assert.deepEqual(await events(gateway, id(session)), ['owed', 'given_up']);
      const letter = await dead(id(session));
      assert.equal(letter.reason, `HTTP ${status}`);
      assert.equal(good.requests(about(session)).length, 1, 'asked once');
      const logged = await gateway.logged({ event: 'delivery_failed', peer: 'wallet', level: 'error' }, { from });
      assert.deepEqual([logged.reason, logged.path], [`HTTP ${status}`, NOTIFY]);
      assert.equal(logged.delivery, String(letter.delivery_id));
      await eventually('it is counted', async () => (await deadJobs()) === counted + 1);
      assert.equal(await letters(), 1);
      await gateway.fsck();

      good.behave();
      const redrive = () => sql(gateway.database, `SELECT s2s.command_redrive(${letter.delivery_id})`);
      assert.deepEqual(await redrive(), ['t']);
      await settled(gateway, id(session));
      assert.deepEqual(await events(gateway, id(session)), ['owed', 'given_up', 'redriven', 'delivered']);
      assert.equal(await dead(id(session)), undefined);
      assert.equal(await letters(), 0);
      const [refused, taken] = good.requests(about(session));
      assert.notEqual(taken.requestId, refused.requestId, 'a new request');
      assert.deepEqual(await redrive(), ['f']);
    });
  }

  test('a refusal of one message holds up no other one', async () => {
    good.behave({ '/credential/manage': { behaviour: 'answer', status: 400 } });
    const { instances } = await goodWallet.approvedSession();
    await command(gateway, instances[0], 'SUSPEND');
    await settled(gateway, instances[0]);
    assert.equal((await dead(instances[0])).reason, 'HTTP 400');
    await delivered(gateway, id(await open(goodWallet)));
    good.behave();
  });
});

test('what is owed for too long is given up', async () => {
  line.behave({ [NOTIFY]: 'unavailable' });
  const session = await open(lineWallet);
  await failedOnce(session);
  const long = `owed_at = now() - interval '8 days'`;
  await sql(gateway.database, `UPDATE s2s.delivery SET ${long} WHERE ref = '${id(session)}'`);
  await hurry(gateway);
  await settled(gateway, id(session));
  assert.deepEqual(await events(gateway, id(session)), ['owed', 'given_up']);
  line.behave();
});

test('a dead peer that is owed very much delays no other one', async () => {
  const many = slow ? 50_000 : 2000;
  const delay = async () => {
    const times = [];
    for (let i = 0; i < 15; i++) {
      const session = await open(goodWallet);
      const [request] = await good.received(about(session), { pauseMs: 10 });
      times.push(request.time - session.answeredAt);
    }
    return times.sort((a, b) => a - b)[7];
  };
  const { instances } = await lineWallet.approvedSession();
  await line.close();
  const payload = { eventType: 'CREDENTIAL_UPDATE_AVAILABLE', credentialInstanceId: instances[0] };
  const thing = `'/event/notify', 'CREDENTIAL_UPDATE_AVAILABLE:' || n`;
  const forMany = (call) => sql(gateway.database, `SELECT s2s.${call} FROM generate_series(1, ${many}) AS n`);
  const alone = await delay();
  await forMany(`delivery_owe('other-wallet', ${thing}, '${JSON.stringify(payload)}')`);
  await eventually('the dead peer has failed', async () => (await lane(gateway, 'other-wallet')).failures > 0);
  const beside = await delay();
  const found = `median delay of a delivery: ${alone} ms alone, ${beside} ms beside a dead peer that is owed ${many}`;
  console.error(`# ${found}`);
  assert.ok(beside < 2 * alone + 50, found);
  await forMany(`delivery_withdraw(${thing})`);
});

test('the wallets leave', () => {
  goodWallet.close();
  lineWallet.close();
});

closing(gateway, { expectedErrors: ['delivery_failed'] });
