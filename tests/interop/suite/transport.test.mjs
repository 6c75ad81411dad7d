// SPDX-License-Identifier: Apache-2.0
//
// TLS and HTTP: who is let in, over which versions, and what keeps a connection's identity (profile section 2).

import assert from 'node:assert/strict';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { tlsIdentity } from '../lib/env.mjs';
import { HttpClient } from '../lib/http.mjs';
import { API_VERSION, PATHS, Wallet } from '../lib/wallet.mjs';
import { assertOk, assertProblem, CheckedWallet, connect, env, PROBLEM } from './support.mjs';

const wallet = await connect();
const { hostname, port } = new URL(env.S2S_ISSUER_URL);
const STATUS_PATH = new URL(wallet.url + PATHS.status).pathname;
const HEADERS = { 'content-type': 'application/json', 'api-version': API_VERSION };
const VERSIONS = ['TLSv1.2', 'TLSv1.3'];
const PROTOCOLS = ['h1', 'h2'];

const clientOf = (options, { version, protocol }) =>
  new HttpClient({ ...options, minVersion: version, maxVersion: version }, { protocol, timeoutMs: 5000 });

const each = (callback) =>
  VERSIONS.forEach((version) =>
    PROTOCOLS.forEach((protocol) => callback({ version, protocol }, `${version}, ${protocol}`)),
  );

describe('certificates that fail the handshake', () => {
  const refused = {
    'no certificate': undefined,
    'an unknown authority': 'ROGUE',
    expired: 'EXPIRED',
    revoked: 'REVOKED',
  };
  for (const [name, who] of Object.entries(refused)) {
    each((variant, label) =>
      test(`${name} (${label})`, async () => {
        const client = clientOf(tlsIdentity(env, who), variant);
        const request = { method: 'POST', headers: { ...HEADERS, 'x-request-id': randomUUID() }, body: '{}' };
        await assert.rejects(client.request(wallet.url + PATHS.status, request));
        client.close();
      }),
    );
  }
});

describe('a valid certificate that nobody registered', () => {
  each((variant, label) =>
    test(`is answered 403 (${label})`, async () => {
      const client = clientOf(tlsIdentity(env, 'STRANGER'), variant);
      const stranger = new CheckedWallet({ url: wallet.url, client, metadata: wallet.metadata });
      assertProblem(await stranger.initiate(stranger.newSession()), 403, PROBLEM.unknownPeer);
      client.close();
    }),
  );

  for (const [name, path] of Object.entries(PATHS)) {
    test(`is answered 403 at ${name}`, async () => {
      const client = new HttpClient(tlsIdentity(env, 'STRANGER'));
      const stranger = new CheckedWallet({ url: wallet.url, client, metadata: wallet.metadata });
      assertProblem(await stranger.call(path, {}), 403, PROBLEM.unknownPeer);
      client.close();
    });
  }
});

describe('a registered certificate', () => {
  each((variant, label) =>
    test(`is served (${label})`, async () => {
      const client = clientOf(tlsIdentity(env, 'WALLET'), variant);
      const caller = new CheckedWallet({ url: wallet.url, client, metadata: wallet.metadata });
      const response = await caller.initiate(caller.newSession());
      assertOk(response);
      assert.equal(response.protocol, variant.protocol);
      client.close();
    }),
  );

  test('many requests share one HTTP/1.1 connection', async () => {
    const client = new HttpClient(tlsIdentity(env, 'WALLET'), { maxSockets: 1 });
    const caller = new CheckedWallet({ url: wallet.url, client, metadata: wallet.metadata });
    const session = caller.newSession();
    assertOk(await caller.initiate(session));
    for (let i = 0; i < 20; i++) assertOk(await caller.status(session));
    client.close();
  });

  test('many requests share one HTTP/2 connection at once', async () => {
    const caller = await connect({ protocol: 'h2' });
    const session = caller.newSession();
    assertOk(await caller.initiate(session));
    const answers = await Promise.all(Array.from({ length: 60 }, () => caller.status(session)));
    for (const response of answers) assertOk(response);
    caller.close();
  });
});

/** Resolves to the negotiated protocol, or to "refused". */
async function handshake(options) {
  const socket = tls.connect({ host: hostname, port, ...tlsIdentity(env, 'WALLET'), ...options });
  socket.on('error', () => {});
  try {
    await once(socket, 'secureConnect');
    return { version: socket.getProtocol(), alpn: socket.alpnProtocol };
  } catch {
    return 'refused';
  } finally {
    socket.destroy();
  }
}

describe('TLS', () => {
  test('speaks 1.3 and 1.2', async () => {
    for (const version of VERSIONS) {
      assert.equal((await handshake({ minVersion: version, maxVersion: version })).version, version);
    }
  });

  test('does not speak 1.1 or 1.0', async () => {
    for (const version of ['TLSv1', 'TLSv1.1']) {
      const options = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' };
      assert.equal(await handshake(options), 'refused', version);
    }
  });

  test('refuses weak ciphers of 1.2', async () => {
    const weak = ['NULL', 'AES128-SHA', 'AES256-SHA256', 'ECDHE-ECDSA-AES128-SHA', 'ADH-AES128-SHA'];
    for (const ciphers of weak) {
      let outcome;
      try {
        outcome = await handshake({ maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` });
      } catch {
        continue; // not even our own library knows it
      }
      assert.equal(outcome, 'refused', ciphers);
    }
  });

  test('offers h2 and http/1.1 in ALPN, and serves HTTP/1.1 without it', async () => {
    assert.equal((await handshake({ ALPNProtocols: ['h2', 'http/1.1'] })).alpn, 'h2');
    assert.equal((await handshake({ ALPNProtocols: ['http/1.1'] })).alpn, 'http/1.1');
    assert.notEqual(await handshake({}), 'refused');
  });
});

/** One POST over an own TLS connection: `{ status, reused, ticket }`. */
async function postOver(options, path, body) {
  const socket = tls.connect({ host: hostname, port, ALPNProtocols: ['http/1.1'], ...options });
  let ticket;
  socket.on('session', (session) => (ticket = session));
  await once(socket, 'secureConnect');
  const headers = { ...HEADERS, 'x-request-id': randomUUID(), 'content-length': Buffer.byteLength(body) };
  const request = http.request({ createConnection: () => socket, method: 'POST', path, host: hostname, headers });
  request.end(body);
  const [response] = await once(request, 'response');
  response.resume();
  await once(response, 'end');
  const reused = socket.isSessionReused();
  socket.destroy();
  return { status: response.statusCode, reused, ticket };
}

describe('session resumption', () => {
  for (const version of VERSIONS) {
    test(`keeps the peer's identity (${version})`, async () => {
      const session = wallet.newSession();
      assertOk(await wallet.initiate(session));
      const body = JSON.stringify(wallet.verificationRef(session));
      const options = { ...tlsIdentity(env, 'WALLET'), minVersion: version, maxVersion: version };
      const first = await postOver(options, STATUS_PATH, body);
      assert.equal(first.status, 200);
      assert.ok(first.ticket, 'the server hands out a session');
      // A worker of its own must know it too: try more than once.
      for (let i = 0; i < 4; i++) {
        const again = await postOver({ ...options, session: first.ticket }, STATUS_PATH, body);
        assert.equal(again.status, 200, 'still the owner of the session');
        assert.ok(again.reused, 'the session is resumed');
      }
    });

    test(`gives nobody another identity (${version})`, async () => {
      const limits = { minVersion: version, maxVersion: version };
      const { status, ticket } = await postOver({ ...tlsIdentity(env, 'STRANGER'), ...limits }, STATUS_PATH, '{}');
      assert.equal(status, 403);
      const resumed = await postOver(
        { ...tlsIdentity(env, 'STRANGER'), ...limits, session: ticket },
        STATUS_PATH,
        '{}',
      );
      assert.equal(resumed.status, 403, 'an unregistered peer stays one');
    });
  }
});

describe('hostile connections leave the gateway standing', () => {
  const stillServes = async () => {
    const fresh = await connect();
    assertOk(await fresh.initiate(fresh.newSession()));
    fresh.close();
  };

  const closedAfter = async (bytes) => {
    const socket = net.connect(port, hostname);
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(bytes);
    socket.resume();
    await Promise.race([once(socket, 'close'), sleep(15_000).then(() => assert.fail('the connection stays open'))]);
  };

  test('plain HTTP at the TLS port', async () => {
    await closedAfter('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await stillServes();
  });

  test('noise at the TLS port', async () => {
    await closedAfter(Buffer.alloc(4096, 0x16));
    await stillServes();
  });

  test('a connection cut in the middle of a body', async () => {
    const socket = tls.connect({ host: hostname, port, ...tlsIdentity(env, 'WALLET'), ALPNProtocols: ['http/1.1'] });
    await once(socket, 'secureConnect');
    socket.write(`POST ${STATUS_PATH} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\n`);
    socket.write(`Api-Version: 1.0.0\r\nX-Request-Id: ${randomUUID()}\r\nContent-Length: 1000\r\n\r\n{"sess`);
    await sleep(100);
    socket.destroy();
    await stillServes();
  });

  test('a body that nobody reads is not taken for the next request', async () => {
    const smuggled = `GET /.well-known/openid-credential-issuer HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`;
    const refusals = [
      ['PUT', STATUS_PATH, 405],
      ['POST', '/nowhere', 404],
      ['POST', STATUS_PATH, 415],
    ];
    for (const [method, path, status] of refusals) {
      const socket = tls.connect({ host: hostname, port, ...tlsIdentity(env, 'WALLET'), ALPNProtocols: ['http/1.1'] });
      await once(socket, 'secureConnect');
      let received = '';
      socket.on('data', (chunk) => (received += chunk));
      socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: ${smuggled.length}\r\n\r\n`);
      await sleep(100);
      socket.write(smuggled);
      await sleep(300);
      socket.destroy();
      assert.deepEqual(received.match(/^HTTP\/1\.1 \d+/gm), [`HTTP/1.1 ${status}`]);
    }
  });

  test('a header of 128 KiB', async () => {
    const client = new HttpClient(tlsIdentity(env, 'WALLET'), { timeoutMs: 5000 });
    const headers = { ...HEADERS, 'x-request-id': randomUUID(), 'x-large': 'a'.repeat(128 * 1024) };
    const outcome = await client
      .request(wallet.url + PATHS.status, { method: 'POST', headers, body: '{}' })
      .catch(() => undefined);
    assert.ok(outcome === undefined || (outcome.status >= 400 && outcome.status < 500), `status ${outcome?.status}`);
    client.close();
    await stillServes();
  });

  test('HTTP/2 rapid reset ends that connection (CVE-2023-44487)', async () => {
    const session = http2.connect(new URL(wallet.url).origin, tlsIdentity(env, 'WALLET'));
    session.on('error', () => {});
    await once(session, 'connect');
    for (let i = 0; i < 4000 && !session.destroyed; i++) {
      const headers = { ...HEADERS, 'x-request-id': randomUUID() };
      const stream = session.request({ ':method': 'POST', ':path': STATUS_PATH, ...headers });
      stream.on('error', () => {});
      stream.end(JSON.stringify({ sessionId: randomUUID(), verificationId: randomUUID() }));
      setImmediate(() => stream.close(http2.constants.NGHTTP2_CANCEL));
      if (i % 10 === 9) await nextTurn();
    }
    // With much still to send, Node does not notice that the other side has gone; a ping does.
    const pong = session.destroyed ? false : new Promise((resolve) => session.ping((error) => resolve(!error)));
    assert.ok(!(await Promise.race([pong, sleep(3000).then(() => false)])), 'thousands of resets were served');
    session.destroy();
    await stillServes();
  });
});

test('an HTTP/1.1 body may come in chunks', async () => {
  const session = wallet.newSession();
  assertOk(await wallet.initiate(session, { headers: { 'transfer-encoding': 'chunked' } }));
});

test('the plain Wallet of the library works without the checks of the suite', async () => {
  const plain = await Wallet.connect(env, { protocol: 'h2' });
  assert.equal((await plain.initiate(plain.newSession())).status, 200);
  plain.close();
});
