// SPDX-License-Identifier: Apache-2.0
//
// What connections cost and carry: descriptors come back, sessions are resumed, workers share what a request id stands
// for.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { tlsIdentity } from '../../interop/lib/env.mjs';
import { HttpClient } from '../../interop/lib/http.mjs';
import { API_VERSION, PATHS } from '../../interop/lib/wallet.mjs';
import { assertOk, CheckedWallet } from '../../interop/suite/support.mjs';
import { bench, eventually, sql } from '../lib/bench.mjs';
import { closing, Gateway } from '../lib/gateway.mjs';
import { closeAll, impatientLanes, wallets, whileBusy } from '../lib/load.mjs';
import { TlsCaller } from '../lib/tls-caller.mjs';

const gateway = await Gateway.start('connections');
const wallet = await gateway.connect();
const identity = tlsIdentity(bench, 'WALLET');
const HEADERS = { 'content-type': 'application/json', 'api-version': API_VERSION };

/** A wallet on a single connection that nobody else uses. */
const onOneConnection = () =>
  new CheckedWallet({
    url: gateway.url,
    client: new HttpClient(identity, { maxSockets: 1 }),
    metadata: wallet.metadata,
  });

/** Reset (RST) a connection after `talk(caller)`. */
async function resetAfter(talk) {
  const raw = net.connect(gateway.ports.s2s, '127.0.0.1');
  const caller = await TlsCaller.connect(gateway, { ...identity, socket: raw });
  await talk(caller);
  raw.resetAndDestroy();
}

test('descriptors come back after a burst of connections of every kind', async () => {
  const connect = () => tls.connect({ host: '127.0.0.1', port: gateway.ports.s2s, ...identity });
  const kinds = {
    'that shake hands and go': async () => {
      const socket = connect();
      await once(socket, 'secureConnect');
      socket.end();
    },
    'that go in the middle of the handshake': async () => {
      const socket = connect();
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.destroy();
    },
    'that say nothing': async () => {
      const socket = net.connect(gateway.ports.s2s, '127.0.0.1');
      await once(socket, 'connect');
      socket.resetAndDestroy();
    },
    'that are reset after the handshake': () => resetAfter(async () => {}),
    'that are reset after an answer': () =>
      resetAfter(async (caller) => {
        await caller.post(PATHS.status, {});
      }),
    'that are reset before the answer': () =>
      resetAfter((caller) => {
        caller.send(PATHS.status, wallet.verificationRef(wallet.newSession({ verificationId: randomUUID() })));
      }),
    'that are reset over HTTP/2': async () => {
      const raw = net.connect(gateway.ports.s2s, '127.0.0.1');
      const session = http2.connect(gateway.url, {
        createConnection: () => tls.connect({ socket: raw, ...identity, ALPNProtocols: ['h2'] }),
      });
      session.on('error', () => {});
      await once(session, 'remoteSettings');
      raw.resetAndDestroy();
      await once(session, 'close');
    },
    'that ask and go': async () => {
      const caller = onOneConnection();
      await caller.status(wallet.newSession({ verificationId: randomUUID() }));
      caller.close();
    },
  };
  const round = () => Promise.all(Object.values(kinds).flatMap((kind) => Array.from({ length: 8 }, kind)));
  await round();
  await eventually('no connection but ours', async () => (await openConnections()) <= 1);
  const before = gateway.descriptors();
  for (let i = 0; i < 3; i++) await round();
  const level = () => gateway.descriptors() <= before;
  await eventually(`descriptors are ${before} again`, level).catch((error) => {
    assert.fail(`${gateway.descriptors()} descriptors, ${before} before: ${error.message}`);
  });
});

async function openConnections() {
  const metrics = await gateway.metrics();
  const admin = 1; // the scrape itself
  return metrics.value('s2s_connections_opened_total') - metrics.value('s2s_connections_closed_total') - admin;
}

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  test(`a TLS session is resumed by whichever worker, and stays its peer's (${version})`, async () => {
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session));
    const options = { ...identity, minVersion: version, maxVersion: version };
    const first = await TlsCaller.connect(gateway, options);
    assert.equal((await first.post(PATHS.status, wallet.verificationRef(session))).status, 200);
    const ticket = await first.ticket();
    first.close();
    const before = (await gateway.metrics()).value('s2s_tls_sessions_resumed_total');
    const others = 12; // that one of two workers gets none of them: once in 2048 runs
    for (let i = 0; i < others; i++) {
      const caller = await TlsCaller.connect(gateway, { ...options, session: ticket });
      assert.ok(caller.resumed);
      assert.equal((await caller.post(PATHS.status, wallet.verificationRef(session))).status, 200);
      caller.close();
    }
    assert.equal((await gateway.metrics()).value('s2s_tls_sessions_resumed_total') - before, others);
  });
}

test('duplicates on different connections are one exchange, whichever workers they reach', async () => {
  const session = wallet.newSession();
  const body = await wallet.initiateBody(session);
  const requestId = randomUUID();
  const callers = Array.from({ length: 12 }, onOneConnection);
  const first = await callers[0].call(PATHS.initiate, body, { requestId });
  assertOk(first);
  for (const caller of callers.slice(1)) {
    const answer = await caller.call(PATHS.initiate, body, { requestId });
    assert.equal(answer.headers['idempotent-replayed'], 'true');
    assert.ok(answer.body.equals(first.body));
  }
  const count = `SELECT count(*) FROM s2s.verification WHERE session_id = '${session.sessionId}'`;
  assert.deepEqual(await sql(gateway.database, count), ['1']);
  closeAll(callers);
});

test('a session opened with one worker is known to all', async () => {
  const session = wallet.newSession();
  assertOk(await wallet.initiate(session, { configurations: ['badge_info'] }));
  const callers = Array.from({ length: 12 }, onOneConnection);
  for (const caller of callers) assertOk(await caller.status(session));
  closeAll(callers);
});

test('clients that leave without waiting for their answers do no harm', async () => {
  const session = wallet.newSession();
  assertOk(await wallet.initiate(session));
  const body = JSON.stringify(wallet.verificationRef(session));
  const leaveConnection = async () => {
    const caller = await TlsCaller.connect(gateway, identity);
    caller.send(PATHS.status, wallet.verificationRef(session));
    caller.destroy();
  };
  const h2 = http2.connect(gateway.url, identity);
  const leaveStream = async () => {
    const stream = h2.request({ ':method': 'POST', ':path': PATHS.status, ...HEADERS, 'x-request-id': randomUUID() });
    stream.on('error', () => {});
    stream.end(body);
    await nextTurn();
    stream.close(http2.constants.NGHTTP2_CANCEL);
  };
  const callers = await wallets(gateway);
  await whileBusy(impatientLanes(callers), async () => {
    for (let i = 0; i < 40; i++) await Promise.all([leaveConnection(), leaveStream()]);
  });
  closeAll(callers);
  h2.destroy();
  await gateway.logged({ event: 'request', client: 'gone' });
});

closing(gateway);
