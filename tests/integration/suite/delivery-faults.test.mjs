// SPDX-License-Identifier: Apache-2.0
//
// Wallet servers that misbehave: what is sent again and when, what is given up, and that nobody else is made to wait.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, slow } from '../lib/bench.mjs';
import { callOut, delivered, hurry, lane, laneOpened, open, owed } from '../lib/deliveries.mjs';
import { closing, Gateway } from '../lib/gateway.mjs';
import { identity, issue } from '../lib/pki.mjs';
import { Peer } from '../lib/peer.mjs';

const TIMEOUT_MS = 2000;
const SLACK_MS = 1500; // a busy machine
const NOTIFY = '/verification/notify';

// What a peer may do instead of taking a message: `failure` is what is noted of it. All are tried again; those that are
// `blocked` use up no attempt, and the whole peer is left alone for a while.
const FAULTS = {
  unavailable: { control: { behaviour: 'unavailable', retryAfter: '' }, failure: 'HTTP 503' },
  broken: { control: { behaviour: 'answer', status: 500 }, failure: 'HTTP 500' },
  'bad-gateway': { control: { behaviour: 'answer', status: 502, body: '<html>' }, failure: 'HTTP 502' },
  'request-timeout': { control: { behaviour: 'answer', status: 408 }, failure: 'HTTP 408' },
  'too-early': { control: { behaviour: 'answer', status: 425 }, failure: 'HTTP 425' },
  'too-many': { control: { behaviour: 'answer', status: 429 }, failure: 'HTTP 429' },
  redirect: { control: 'redirect', failure: 'HTTP 307' },
  drop: { control: 'drop' },
  'reset-after-headers': { control: 'reset-after-headers' },
  hang: { control: 'hang', failure: /within 2000 ms/ },
  drip: { control: 'drip', failure: /within 2000 ms/ },
  huge: { control: 'huge', failure: 'the answer is too large' },
  'huge-announced': { control: { behaviour: 'huge', announced: true }, failure: 'the answer is too large' },
  'long-headers': { control: 'long-headers' },
  'other-session': { control: 'other-session', failure: 'the answer is for another session' },
  unauthorized: { control: 'unauthorized', failure: 'HTTP 401', blocked: true },
  forbidden: { control: 'forbidden', failure: 'HTTP 403', blocked: true },
};

const faulty = await Peer.start('faulty'); // all of them, told apart by the first part of the path
const good = await Peer.start('good');
after(() => Promise.all([faulty, good].map((peer) => peer.close())));

const gateway = await Gateway.prepare('delivery-faults', {
  edit: (config) => {
    const urls = { wallet: good.url };
    for (const name of Object.keys(FAULTS)) {
      config.peers.push({ name, identity: [{ san_dns: `${name}.example` }] });
      urls[name] = `${faulty.url}/${name}`;
    }
    config.jobs.lease = '4s';
    callOut(config, urls, { timeout: `${TIMEOUT_MS}ms`, block: '1s', max_answer: '64KiB', concurrency: 4 });
  },
});
const certificates = {};
for (const name of Object.keys(FAULTS)) certificates[name] = await issue(gateway, name, { san: `DNS:${name}.example` });
await gateway.serve();
for (const { name, url } of gateway.config.peers) if (url) await laneOpened(gateway, name);

const goodWallet = await gateway.connect({ protocol: 'h2' });
const descriptorsBefore = gateway.descriptors();

const id = ({ verificationId }) => verificationId;
const about = (session) => ({ verificationId: session.verificationId });
const failedOnce = (session) =>
  eventually('it has failed', async () => {
    const delivery = await owed(gateway, id(session));
    return delivery?.last_failure && delivery;
  });

/** That a delivery came through in the end: its requests were one and the same, and one of them counted. */
async function assertDeliveredAs(peer, session, options) {
  const entries = await delivered(gateway, id(session), options);
  const requests = peer.requests(about(session));
  const arrival = entries.find(({ event }) => event === 'delivered');
  for (const { requestId, body } of requests) {
    assert.equal(requestId, arrival.request_id, 'the same x-request-id each time');
    assert.equal(body, requests[0].body, 'the same body each time');
  }
  return requests;
}

describe('a message that does not get through', () => {
  const sessions = {};
  const delays = []; // of the good peer, meanwhile

  const telling = async (session) => {
    const [request] = await good.received(about(session));
    delays.push(request.time - session.answeredAt);
  };

  before(async () => {
    const controls = Object.entries(FAULTS).map(([name, { control }]) => [`/${name}${NOTIFY}`, control]);
    faulty.behave(Object.fromEntries(controls));
    for (const name of Object.keys(FAULTS)) {
      const caller = await gateway.connect({ tls: identity(gateway, certificates[name]) });
      sessions[name] = await open(caller);
      caller.close();
      await telling(await open(goodWallet));
    }
    for (let i = 0; i < 10; i++) {
      await telling(await open(goodWallet));
      await sleep(100);
    }
  });

  for (const [name, { failure = /./, blocked = false }] of Object.entries(FAULTS)) {
    test(`${name}: is noted`, async () => {
      const delivery = await failedOnce(sessions[name]);
      if (failure instanceof RegExp) assert.match(delivery.last_failure, failure);
      else assert.equal(delivery.last_failure, failure);
      const { blocked_until: until, failures } = await lane(gateway, name);
      if (blocked) assert.deepEqual([delivery.attempts, until !== null, failures], [0, true, 0]);
      else assert.ok(delivery.attempts > 0);
      await gateway.logged({ event: 'delivery_failed', peer: name, verdict: blocked ? 'blocked' : 'retry' });
    });
  }

  test('no other peer waits for it', () => {
    assert.ok(Math.max(...delays) < TIMEOUT_MS - 500, `told after ${delays.join(', ')} ms`);
  });

  test('nobody is told in the log what was said', () => {
    assert.ok(!gateway.logText().includes('<html>'));
  });

  describe('is sent again as it was, and arrives once', () => {
    before(() => faulty.behave());
    for (const name of Object.keys(FAULTS)) {
      test(name, async () => {
        await hurry(gateway);
        const requests = await assertDeliveredAs(faulty, sessions[name]);
        assert.ok(requests.length >= 2);
        assert.deepEqual(await owed(gateway, id(sessions[name])), undefined);
        if (!FAULTS[name].blocked) assert.equal((await lane(gateway, name)).blocked_until, null);
      });
    }
  });

  test('a redirect is never followed', () => assert.deepEqual(faulty.requests({ path: '/redirected' }), []));
});

describe('the time of the next attempt', () => {
  after(() => good.behave());

  test('after one 503: soon, the same request', async () => {
    good.behave({ [NOTIFY]: { behaviour: 'unavailable-once', retryAfter: '' } });
    const requests = await assertDeliveredAs(good, await open(goodWallet));
    assert.equal(requests.length, 2);
    assert.ok(requests[1].time - requests[0].time < 1000 + SLACK_MS);
  });

  for (const [form, retryAfter, leastMs] of [
    ['seconds', () => 2, 2000],
    ['an HTTP-date', () => new Date(Date.now() + 3000).toUTCString(), 1900],
  ]) {
    test(`Retry-After in ${form} is honoured`, async () => {
      good.behave({ [NOTIFY]: { behaviour: 'unavailable-once', retryAfter: retryAfter() } });
      const [first, second] = await assertDeliveredAs(good, await open(goodWallet));
      assert.ok(second.time - first.time >= leastMs, `${second.time - first.time} ms`);
    });
  }

  test('a peer that repeats a 5xx for ever under one id is asked under another after five', async () => {
    good.behave({ [NOTIFY]: { behaviour: 'stuck', retryAfter: 60 } }); // not before we say so
    const session = await open(goodWallet);
    for (let failures = 1; failures <= 5; failures++) {
      await eventually(`${failures} failures`, async () => (await owed(gateway, id(session)))?.attempts === failures);
      if (failures < 5) await hurry(gateway);
    }
    const opened = await lane(gateway, 'wallet');
    assert.ok(opened.blocked_until, `the breaker is open: ${JSON.stringify(opened)}`);
    await hurry(gateway);

    const entries = await delivered(gateway, id(session));
    const ids = good.requests(about(session)).map(({ requestId }) => requestId);
    assert.equal(ids.length, 6);
    assert.equal(new Set(ids.slice(0, 5)).size, 1);
    assert.notEqual(ids[5], ids[0]);
    assert.equal(entries.at(-1).request_id, ids[5]);
    const { failures, blocked_until: until } = await lane(gateway, 'wallet');
    assert.deepEqual([failures, until], [0, null], 'the breaker is closed');
  });

  test('the first waits are 0–1 s, 1.1–5 s, 5.1–30 s; five equal 503: a new id', { skip: !slow }, async () => {
    good.behave({ [NOTIFY]: { behaviour: 'stuck', retryAfter: '' } });
    const session = await open(goodWallet);
    await delivered(gateway, id(session), { timeoutMs: 240_000, pauseMs: 1000 });
    const requests = good.requests(about(session));
    const waits = requests.slice(1).map(({ time }, i) => time - requests[i].time);
    const bounds = [[0, 1000], [1100, 5000], [5100, 30_000], [0, 60_000], [0, 120_000]];
    assert.equal(waits.length, bounds.length);
    waits.forEach((ms, i) => assert.ok(ms >= bounds[i][0] && ms < bounds[i][1] + 2 * SLACK_MS, `waits: ${waits}`));
  });
});

// For a minute after its last call, each worker keeps what it has opened for a peer: a connection, and two descriptors
// by which libcurl wakes itself.
const LINGER_MS = 80_000;
const KEPT = 3 * gateway.config.workers * gateway.config.peers.length;

async function descriptorsSink(limit, options) {
  const sunk = () => gateway.descriptors() <= limit || assert.fail(`there are ${gateway.descriptors()}`);
  await eventually(`no more than ${limit} descriptors`, sunk, options);
}

test('no descriptor is left behind', async () => {
  goodWallet.close();
  await descriptorsSink(descriptorsBefore + KEPT);
});

test('an idle gateway keeps no connection to its peers', { skip: !slow }, () =>
  descriptorsSink(descriptorsBefore, { timeoutMs: LINGER_MS, pauseMs: 1000 }),
);

closing(gateway);
