// SPDX-License-Identifier: Apache-2.0
//
// The end of the process: what was begun is answered, nobody new is let in, and nobody who idles holds it up.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tlsIdentity } from '../../interop/lib/env.mjs';
import { PATHS } from '../../interop/lib/wallet.mjs';
import { assertOk, assertProblem } from '../../interop/suite/support.mjs';
import { bench, eventually, openTransaction } from '../lib/bench.mjs';
import { withGateway } from '../lib/gateway.mjs';
import { closeAll, wallets } from '../lib/load.mjs';
import { TlsCaller } from '../lib/tls-caller.mjs';

const UNAVAILABLE = 'urn:s2s-gateway:problem:unavailable';
const SLACK_MS = 4000; // a sanitizer's report of leaks at the end, on a busy machine

const lockVerification = (gateway, { verificationId }) =>
  openTransaction(
    gateway.database,
    `SELECT FROM s2s.verification WHERE verification_id = '${verificationId}' FOR UPDATE`,
  );

/** A session whose requests wait until the returned `release` is called. */
async function heldSession(gateway, wallet) {
  const session = wallet.newSession();
  assertOk(await wallet.initiate(session, { configurations: ['badge_review'] }));
  await eventually('the evaluation is over', async () => (await gateway.metrics()).value('s2s_queue_depth') === 0);
  return { session, release: await lockVerification(gateway, session) };
}

const refuses = async (port) => {
  const socket = net.connect(port, '127.0.0.1');
  const outcome = await Promise.race([once(socket, 'connect'), once(socket, 'error')]).catch((error) => [error]);
  socket.destroy();
  return outcome[0]?.code === 'ECONNREFUSED';
};

describe('SIGTERM', () => {
  test('ends an idle gateway at once', () =>
    withGateway('drain-idle', {}, async (gateway) => {
      const { status, ms } = await gateway.stop();
      assert.equal(status, 0);
      assert.ok(ms < SLACK_MS, `${ms} ms`);
      await gateway.logged({ event: 'stopped' });
    }));

  test('tells HTTP/2 clients to go away, and does not wait for idle connections', () =>
    withGateway('drain-connections', {}, async (gateway) => {
      const session = http2.connect(gateway.url, tlsIdentity(bench, 'WALLET'));
      session.on('error', () => {});
      const goaway = once(session, 'goaway');
      await once(session, 'remoteSettings');
      const keepAlive = await TlsCaller.connect(gateway);
      assert.equal((await keepAlive.post('/nowhere', {})).status, 404);
      const silent = net.connect(gateway.ports.s2s, '127.0.0.1');
      silent.on('error', () => {});
      await once(silent, 'connect');

      const { status, ms } = await gateway.stop();
      assert.equal(status, 0);
      assert.ok(ms < 1500 + SLACK_MS, `${ms} ms`);
      const [code] = await goaway;
      assert.equal(code, http2.constants.NGHTTP2_NO_ERROR);
      await keepAlive.ended();
      session.destroy();
      silent.destroy();
    }));

  test('lets HTTP/2 clients that obey leave first', () =>
    withGateway('drain-obedient', {}, async (gateway) => {
      const callers = await wallets(gateway);
      for (const caller of callers) assertOk(await caller.initiate(caller.newSession()));
      const stopped = gateway.stop();
      await sleep(200);
      closeAll(callers);
      assert.equal((await stopped).status, 0);
    }));

  test('lets requests in flight finish, refuses new connections, and says so at /readyz', () => {
    const edit = (config) => {
      config.database.connections = 8; // the held requests leave some for the probe of /readyz
    };
    return withGateway('drain-in-flight', { edit }, async (gateway) => {
      const callers = await wallets(gateway);
      const { session, release } = await heldSession(gateway, callers[0]);
      const extra = await TlsCaller.connect(gateway);
      const waiting = callers.map((caller) => caller.status(session));
      await sleep(300);

      const stopped = gateway.stop();
      await gateway.logged({ event: 'draining' });
      await eventually('new connections are refused', () => refuses(gateway.ports.s2s));
      await eventually('the public listener is closed', () => refuses(gateway.ports.public));
      assert.deepEqual(await gateway.get('/readyz').then(({ status, text }) => [status, text]), [503, 'draining\n']);
      assert.equal((await gateway.get('/healthz')).status, 200);

      const late = await extra.post(PATHS.status, { ...callers[0].verificationRef(session) });
      if (late.status !== undefined) {
        assert.equal(late.status, 503, 'a request on an open connection comes too late');
        assert.equal(JSON.parse(late.body).type, UNAVAILABLE);
        assert.equal(JSON.parse(late.body).retryable, true);
        assert.match(late.head, /\r\nRetry-After: [1-9]/i);
      }
      await release();
      for (const answer of await Promise.all(waiting)) assertOk(answer);
      assert.equal((await stopped).status, 0);
      closeAll(callers);
    });
  });

  test('answers 503 to what takes longer than drain_timeout; the request can be asked again', () => {
    const edit = (config) => {
      config.limits.drain_timeout = '1s';
    };
    return withGateway('drain-timeout', { edit }, async (gateway) => {
      const wallet = await gateway.connect();
      const { session, release } = await heldSession(gateway, wallet);
      const requestId = randomUUID();
      const body = wallet.cancelBody(session);
      const late = wallet.call(PATHS.cancel, body, { requestId });
      await sleep(300);
      const { status, ms } = await gateway.stop();
      assertProblem(await late, 503, UNAVAILABLE);
      assert.equal(status, 0);
      assert.ok(ms >= 1000 && ms < 1000 + SLACK_MS, `${ms} ms`);
      await gateway.logged({ event: 'drain_timeout' });
      await release();
      await gateway.serve();
      assertOk(await wallet.call(PATHS.cancel, body, { requestId }));
      wallet.close();
    });
  });

  test('a second one, or SIGHUP, changes nothing; SIGINT does the same', () =>
    withGateway('drain-twice', {}, async (gateway) => {
      const wallet = await gateway.connect();
      const { session, release } = await heldSession(gateway, wallet);
      const waiting = wallet.status(session);
      await sleep(300);
      gateway.child.kill('SIGINT');
      await gateway.logged({ event: 'draining' });
      gateway.child.kill('SIGINT');
      gateway.child.kill('SIGTERM');
      gateway.child.kill('SIGHUP');
      await sleep(200);
      await release();
      assertOk(await waiting);
      assert.equal((await gateway.ended).status, 0);
      wallet.close();
    }));
});

test('evaluations under way are finished, or free for the next process at once', () =>
  withGateway('drain-jobs', {}, async (gateway) => {
    const wallet = await gateway.connect({ protocol: 'h2' });
    const sessions = Array.from({ length: 40 }, () => wallet.newSession());
    const answers = await Promise.all(sessions.map((session) => wallet.initiate(session)));
    answers.forEach((answer) => assertOk(answer));
    assert.equal((await gateway.stop()).status, 0);
    await gateway.serve();
    // The lease is a minute.
    for (const session of sessions) await wallet.waitFor(session, 'APPROVED', { timeoutMs: 10_000 });
    wallet.close();
  }));

test('a stopped gateway that is started again replays what it answered before', () =>
  withGateway('drain-replay', {}, async (gateway) => {
    const wallet = await gateway.connect();
    const session = wallet.newSession();
    const [requestId, body] = [randomUUID(), await wallet.initiateBody(session)];
    const first = await wallet.call(PATHS.initiate, body, { requestId });
    assertOk(first);
    assert.equal((await gateway.stop()).status, 0);
    await gateway.serve();
    const replay = await wallet.call(PATHS.initiate, body, { requestId });
    assert.equal(replay.headers['idempotent-replayed'], 'true');
    assert.ok(replay.body.equals(first.body));
    assertProblem(await wallet.call(PATHS.initiate, body), 409, 'urn:s2s-gateway:problem:session-consumed');
    wallet.close();
  }));
