// SPDX-License-Identifier: Apache-2.0
//
// The limits that protect a gateway from its callers, each with a configuration of its own that makes it low.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tlsIdentity } from '../../interop/lib/env.mjs';
import { HttpClient } from '../../interop/lib/http.mjs';
import { API_VERSION, PATHS } from '../../interop/lib/wallet.mjs';
import { assertOk, assertProblem, PROBLEM } from '../../interop/suite/support.mjs';
import { bench, eventually, openTransaction } from '../lib/bench.mjs';
import { closing, Gateway, withGateway } from '../lib/gateway.mjs';
import { closeAll } from '../lib/load.mjs';
import { TlsCaller } from '../lib/tls-caller.mjs';

const KIB = 1024;
const UNAVAILABLE = 'urn:s2s-gateway:problem:unavailable';
const gateway = await Gateway.start('limits', {
  edit: (config) => {
    config.workers = 1; // connections are counted by each worker
    Object.assign(config.limits, {
      max_body: '8KiB',
      max_depth: 8,
      max_streams: 5,
      max_resets: 20,
      max_connections: 8,
      handshake_timeout: '1s',
      request_timeout: '1s',
      idle_timeout: '1500ms',
    });
  },
});
const identity = tlsIdentity(bench, 'WALLET');
const HEADERS = { 'content-type': 'application/json', 'api-version': API_VERSION };
const headers = () => ({ ...HEADERS, 'x-request-id': randomUUID() });

/** Wait until no connection is left of those that a test has opened: the limit on them is low. */
const settled = () =>
  eventually('no connections', async () => {
    const metrics = await gateway.metrics();
    const scrape = 1;
    return metrics.value('s2s_connections_opened_total') - metrics.value('s2s_connections_closed_total') === scrape;
  });

/** Run `body(wallet)` with a wallet over `protocol` that leaves no connection. */
async function withWallet(protocol, body) {
  const wallet = await gateway.connect({ protocol });
  try {
    await body(wallet);
  } finally {
    wallet.close();
    await settled();
  }
}

/** How long `promise` took, in milliseconds. */
async function timed(promise) {
  const began = Date.now();
  await promise;
  return Date.now() - began;
}

for (const protocol of ['h1', 'h2']) {
  describe(`a body over ${protocol}`, () => {
    const padded = (size) => `{"sessionId":"${'a'.repeat(size - 16)}"}`;

    test('at the limit is read', () =>
      withWallet(protocol, async (wallet) => {
        assertProblem(await wallet.call(PATHS.status, padded(8 * KIB)), 400, PROBLEM.validation);
      }));

    // Far beyond the limit the connection may be ended before the whole body was read.
    for (const [size, mayEnd] of [
      [8 * KIB + 1, false],
      [12 * KIB, false],
      [512 * KIB, true],
    ]) {
      test(`of ${size} octets is 413`, () =>
        withWallet(protocol, async (wallet) => {
          const answer = await wallet.call(PATHS.status, padded(size)).catch((error) => {
            assert.ok(mayEnd, error.message);
          });
          if (answer) assertProblem(answer, 413, PROBLEM.blank);
          assertOk(await wallet.initiate(wallet.newSession()));
        }));
    }

    test('nested too deep is 400', () =>
      withWallet(protocol, async (wallet) => {
        const nested = (depth) => `{"extensions":${'['.repeat(depth)}${']'.repeat(depth)}}`;
        const deep = await wallet.call(PATHS.status, nested(8));
        assert.match(deep.json.validationErrors[0].pointer, /^$/);
        const fits = await wallet.call(PATHS.status, nested(5));
        assert.ok(
          fits.json.validationErrors.some(({ pointer }) => pointer === '/sessionId'),
          fits.text,
        );
      }));
  });
}

test('a body in chunks is measured too', async () => {
  const caller = await TlsCaller.connect(gateway);
  caller.write(caller.head(PATHS.status, { 'Transfer-Encoding': 'chunked' }));
  const chunk = 'a'.repeat(4 * KIB);
  for (let i = 0; i < 3; i++) caller.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
  caller.write('0\r\n\r\n');
  assert.equal((await caller.answer()).status, 413);
  caller.close();
  await settled();
});

describe('patience', () => {
  test('a client that shakes no hands is let go', async () => {
    const socket = net.connect(gateway.ports.s2s, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.resume();
    const ms = await timed(once(socket, 'close'));
    assert.ok(ms > 700 && ms < 4000, `${ms} ms`);
    await settled();
  });

  for (const [name, part] of Object.entries({
    'a header': (caller) => caller.head(PATHS.status).slice(0, 60),
    'a body': (caller) => `${caller.head(PATHS.status, { 'Content-Length': 100 })}{"sess`,
  })) {
    test(`a client that does not finish ${name} is let go`, async () => {
      const caller = await TlsCaller.connect(gateway);
      caller.write(part(caller));
      const ms = await timed(caller.ended());
      assert.ok(ms > 700 && ms < 4000, `${ms} ms`);
      await settled();
    });

    test(`dripping does not help with ${name}`, async () => {
      const caller = await TlsCaller.connect(gateway);
      caller.write(part(caller));
      const drip = setInterval(() => caller.write('a'), 200);
      const ms = await timed(caller.ended());
      clearInterval(drip);
      assert.ok(ms < 4000, `${ms} ms`);
      await settled();
    });
  }

  test('an idle HTTP/2 connection is closed after idle_timeout, one with requests is not', async () => {
    const session = http2.connect(gateway.url, identity);
    session.on('error', () => {});
    const closed = once(session, 'close');
    await once(session, 'remoteSettings');
    const ask = async () => {
      const stream = session.request({ ':method': 'POST', ':path': PATHS.status, ...headers() });
      stream.end('{}');
      const [answer] = await once(stream, 'response');
      stream.resume();
      return answer[':status'];
    };
    for (let i = 0; i < 4; i++) {
      assert.equal(await ask(), 400);
      await sleep(600);
    }
    const ms = await timed(closed);
    assert.ok(ms > 500 && ms < 4000, `${ms} ms`);
    await settled();
  });
});

describe('HTTP/2', () => {
  test('more streams than max_streams wait their turn', () =>
    withWallet('h2', async (wallet) => {
      const answers = await Promise.all(Array.from({ length: 40 }, () => wallet.call(PATHS.status, {})));
      for (const answer of answers) assert.equal(answer.status, 400);
    }));

  test('a connection that resets more than max_resets streams is ended, and counted', async () => {
    const before = (await gateway.metrics()).value('s2s_streams_reset_total');
    const session = http2.connect(gateway.url, identity);
    session.on('error', () => {});
    const closed = once(session, 'close');
    await once(session, 'remoteSettings');
    while (!session.closed && !session.destroyed) {
      const stream = session.request({ ':method': 'POST', ':path': PATHS.status, ...headers() });
      stream.on('error', () => {});
      stream.write('{');
      await sleep(5);
      stream.close(http2.constants.NGHTTP2_CANCEL);
    }
    await closed;
    const resets = (await gateway.metrics()).value('s2s_streams_reset_total') - before;
    assert.ok(resets >= 20 && resets < 40, `${resets} resets`);
    await gateway.logged({ event: 'too_many_resets', resets: 20 });
    await settled();
  });
});

test('connections beyond max_connections are refused and counted; when some go, others may come', async () => {
  const refused = async () => (await gateway.metrics()).value('s2s_connections_refused_total');
  const before = await refused();
  const held = [];
  for (let i = 0; i < 8; i++) held.push(await TlsCaller.connect(gateway));
  const extra = net.connect(gateway.ports.s2s, '127.0.0.1');
  extra.on('error', () => {}).resume();
  await once(extra, 'close');
  assert.equal(await refused(), before + 1);
  assert.equal((await gateway.get('/healthz')).status, 200, 'the operators have a count of their own');
  assert.equal((await held[0].post(PATHS.status, {})).status, 400);
  held.pop().close();
  const next = await eventually('a place', () => TlsCaller.connect(gateway).catch(() => undefined));
  assert.equal((await next.post(PATHS.status, {})).status, 400);
  closeAll([...held, next]);
  await settled();
});

closing(gateway);

describe('requests in flight', () => {
  const edit = (config) => {
    config.workers = 1;
    Object.assign(config.limits, { max_in_flight: 20, max_streams: 5 });
  };
  const ASKED = 30;

  /** Run `body(wallet, session, release)` with a session whose requests wait until `release` is called. */
  const withHeldSession = (name, protocol, body) =>
    withGateway(name, { edit }, async (busy) => {
      const wallet = await busy.connect({ protocol });
      const session = wallet.newSession();
      assertOk(await wallet.initiate(session, { configurations: ['badge_review'] }));
      await eventually('evaluated', async () => (await busy.metrics()).value('s2s_queue_depth') === 0);
      const row = `SELECT FROM s2s.verification WHERE verification_id = '${session.verificationId}' FOR UPDATE`;
      await body(busy, wallet, session, await openTransaction(busy.database, row));
      wallet.close();
    });

  test('beyond half of max_in_flight a peer is answered 503 at once; others are served, and it is, later', () =>
    withHeldSession('limits-in-flight', 'h1', async (busy, wallet, session, release) => {
      const requestIds = Array.from({ length: ASKED }, randomUUID);
      const asked = requestIds.map((requestId) => wallet.status(session, { requestId }));
      await sleep(500);
      const other = await busy.connect({ who: 'OTHER_WALLET' });
      assert.equal((await other.call('/no/such/path', {})).status, 404);
      assert.equal((await other.call(PATHS.status, '{')).status, 400);
      other.close();
      await release();
      const refused = (await Promise.all(asked)).filter(({ status }) => status === 503);
      assert.equal(refused.length, ASKED - 10);
      for (const answer of refused) {
        assertProblem(answer, 503, UNAVAILABLE);
        assert.match(answer.headers['retry-after'], /^[1-9]/);
      }
      for (const requestId of requestIds) assertOk(await wallet.status(session, { requestId }));
    }));

  test('a connection has no more than max_streams of them', () =>
    withHeldSession('limits-streams', 'h2', async (busy, wallet, session, release) => {
      const asked = Array.from({ length: ASKED }, () => wallet.status(session));
      await sleep(500);
      await release();
      for (const answer of await Promise.all(asked)) assertOk(answer);
    }));
});

describe('a rate limit', () => {
  const edit = (config) => {
    config.peers[0].rate_limit = { per_second: 0.5, burst: 6 };
  };
  const statuses = (answers) =>
    answers
      .map(({ status }) => status)
      .sort()
      .join(' ');

  test('is the peer’s, over all connections and workers, and a reload does not refill it', () =>
    withGateway('limits-rate', { edit }, async (limited) => {
      const other = await limited.connect({ who: 'OTHER_WALLET' });
      const callers = Array.from({ length: 9 }, () => new HttpClient(identity));
      const ask = (client) =>
        client.request(limited.url + PATHS.status, { method: 'POST', headers: headers(), body: '{}' });
      const answers = await Promise.all(callers.map(ask));
      assert.equal(statuses(answers), '400 400 400 400 400 400 429 429 429');
      for (const answer of answers.filter(({ status }) => status === 429)) {
        assert.equal(assertProblem(answer, 429, PROBLEM.rateLimited).retryable, true);
        assert.equal(answer.headers['retry-after'], '2');
      }
      await limited.reconfigure();
      assert.equal((await ask(callers[0])).status, 429);
      for (let i = 0; i < 10; i++) assert.equal((await other.call(PATHS.status, {})).status, 400, 'others are served');
      await sleep(2200);
      assert.equal(statuses([await ask(callers[0]), await ask(callers[1])]), '400 429');
      // Metadata are for everybody, always.
      assert.equal((await callers[0].request(`${limited.url}/.well-known/openid-credential-issuer`)).status, 200);
      await limited.reconfigure((config) => delete config.peers[0].rate_limit);
      assert.equal((await ask(callers[0])).status, 400, 'a limit that is gone is gone at once');
      closeAll([...callers, other]);
    }));
});
