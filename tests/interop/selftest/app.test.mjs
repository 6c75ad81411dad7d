// SPDX-License-Identifier: Apache-2.0
//
// The client of the application API against a server of its own, over TCP and over a Unix socket.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { AppClient, WalletClient } from '../lib/app.mjs';
import { HttpClient } from '../lib/http.mjs';
import { generateKey, publicJwk } from '../lib/keys.mjs';

/** A server that answers with what it was asked. */
function mirror() {
  return http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }));
    });
  });
}

const listen = (server, ...where) => new Promise((resolve) => server.listen(...where, resolve));

describe('the client of the application API', () => {
  const folder = mkdtempSync(join(tmpdir(), 's2s-app-'));
  const socketPath = join(folder, 'app.socket');
  const servers = [mirror(), mirror()];
  let clients;

  before(async () => {
    await listen(servers[0], 0, '127.0.0.1');
    await listen(servers[1], socketPath);
    const token = 'a-token';
    clients = {
      TCP: new AppClient({ url: `http://127.0.0.1:${servers[0].address().port}/`, token }),
      'a Unix socket': new AppClient({
        url: 'http://app.example',
        token,
        client: new HttpClient(undefined, { socketPath }),
      }),
    };
  });
  after(() => {
    for (const client of Object.values(clients)) client.close();
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true });
  });

  for (const way of ['TCP', 'a Unix socket']) {
    test(`over ${way}: method, path, token, request id, wait and body`, async () => {
      const app = clients[way];
      const { json: asked } = await app.fetch('i/1', { reason: 'PROVISIONING' }, { requestId: 'r-1', wait: 5 });
      assert.equal(asked.method, 'POST');
      assert.equal(asked.url, '/v1/instances/i%2F1/fetches');
      assert.equal(asked.headers.authorization, 'Bearer a-token');
      assert.equal(asked.headers['x-request-id'], 'r-1');
      assert.equal(asked.headers.prefer, 'wait=5');
      assert.deepEqual(JSON.parse(asked.body), { reason: 'PROVISIONING' });
    });
  }

  test('a list has its filters in the query, and no body', async () => {
    const { json: asked } = await clients.TCP.instances({ sessionId: 's', status: undefined, limit: 2 });
    assert.equal(asked.url, '/v1/instances?sessionId=s&limit=2');
    assert.equal(asked.body, '');
    assert.ok(!('x-request-id' in asked.headers));
  });

  test('without a token, no authorization is sent', async () => {
    const { json: asked } = await clients.TCP.issuers({ token: null });
    assert.ok(!('authorization' in asked.headers));
  });

  test('waiting ends when the answer is the wanted one, and says what it waited for when it never is', async () => {
    const { TCP: app } = clients;
    let asked = 0;
    const ask = async () => ({ status: 200, json: { status: ++asked < 3 ? 'PENDING' : 'APPROVED' }, text: '' });
    const approved = ({ status }) => status === 'APPROVED';
    assert.deepEqual(await app.waitUntil('it', ask, approved, { pauseMs: 1 }), { status: 'APPROVED' });
    await assert.rejects(app.waitUntil('that', ask, () => false, { timeoutMs: 5, pauseMs: 1 }), /for that/);
  });
});

describe('the wallet client behind the application API', () => {
  const issuerKey = publicJwk(generateKey('P-256', { alg: 'HPKE-0-KE', kid: 'k' }));
  const metadata = {
    credential_issuer: 'https://issuer.example',
    s2s: { issuer_server_url: 'https://issuer.example/s2s', issuer_encryption_jwks: { keys: [issuerKey] } },
  };
  const wallet = new WalletClient({ issuer: 'the-issuer', metadata });
  const session = wallet.newSession();

  test('starts an issuance with what an initiate has, and the issuer', async () => {
    const body = await wallet.startRequest(session, { configurations: ['c'], items: [{ id: 'i', type: 't' }] });
    const members = ['issuer', 'sessionId', 'credentialConfigurationIds', 'walletSigningKeyData'];
    assert.deepEqual(Object.keys(body), [...members, 'verificationNonce', 'verificationData']);
    assert.equal(body.issuer, 'the-issuer');
  });

  test('leaves out what stands in the path', async () => {
    assert.deepEqual(Object.keys(await wallet.supplementRequest(session, { items: [{ id: 'i', type: 't' }] })), [
      'verificationDataPayload',
    ]);
    const fetch = await wallet.fetchRequest(session, 'instance');
    assert.deepEqual(Object.keys(fetch), ['reason', 'walletEncryptionKey', 'clientEncryptedData']);
    assert.deepEqual(Object.keys(await wallet.metadataRequest(session)), ['walletEncryptionKey']);
  });
});
