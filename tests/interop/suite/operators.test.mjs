// SPDX-License-Identifier: Apache-2.0
//
// The operators' listener: health, readiness and metrics, without anything about holders.

import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { assertOk, connect, env } from './support.mjs';

const wallet = await connect();

async function operatorGet(path, method = 'GET') {
  const request = http.request(env.S2S_ISSUER_ADMIN + path, { method });
  request.end();
  const [response] = await once(request, 'response');
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  return {
    status: response.statusCode,
    text: Buffer.concat(chunks).toString(),
    type: response.headers['content-type'],
  };
}

describe('operators', () => {
  test('/healthz and /readyz are 200', async () => {
    assert.equal((await operatorGet('/healthz')).status, 200);
    assert.equal((await operatorGet('/readyz')).status, 200);
  });

  test('other paths and methods are refused', async () => {
    assert.equal((await operatorGet('/other')).status, 404);
    assert.equal((await operatorGet('/verification/initiate')).status, 404);
    assert.equal((await operatorGet('/metrics', 'DELETE')).status, 405);
  });

  test('the address is a loopback address', () => {
    assert.match(new URL(env.S2S_ISSUER_ADMIN).hostname, /^(127\.|localhost$|\[::1\]$)/);
  });

  test('/metrics counts requests and names no holder', async () => {
    const { session, instances } = await wallet.approvedSession();
    assertOk(await wallet.get(session, instances[0]));
    const { status, text, type } = await operatorGet('/metrics');
    assert.equal(status, 200);
    assert.match(type, /^text\/plain/);
    assert.match(text, /^# TYPE \S+ counter$/m);
    assert.match(text, /^# TYPE \S+ histogram$/m);
    assert.match(text, /peer="wallet"/);
    for (const id of [session.sessionId, session.verificationId, instances[0]])
      assert.ok(!text.includes(id), 'an id of a session');
    for (const line of text.split('\n').filter((candidate) => candidate && !candidate.startsWith('#'))) {
      assert.match(line, /^[a-zA-Z_:][\w:]*(\{[^}]*\})? [-+]?(\d|Inf|NaN)[\d.e+-]*( \d+)?$/, line);
    }
  });
});
