// SPDX-License-Identifier: Apache-2.0
//
// The access log: one JSON line a request, with ids and never a payload.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { otpItem } from '../../interop/lib/payloads.mjs';
import { PATHS } from '../../interop/lib/wallet.mjs';
import { assertOk } from '../../interop/suite/support.mjs';
import { bench, eventually } from '../lib/bench.mjs';
import { closing, Gateway } from '../lib/gateway.mjs';
import { TlsCaller } from '../lib/tls-caller.mjs';
import { tlsIdentity } from '../../interop/lib/env.mjs';

const gateway = await Gateway.start('access-log');
const wallet = await gateway.connect();

/** The access lines that `action` leads to; there must be `count`. */
async function linesOf(action, count = 1) {
  const from = gateway.logEnd;
  const result = await action();
  const lines = () => gateway.log(from).filter(({ event }) => event === 'request');
  await eventually(`${count} lines`, () => lines().length >= count);
  assert.equal(lines().length, count);
  return { lines: lines(), line: lines()[0], result };
}

const ALWAYS = ['time', 'level', 'event', 'peer', 'endpoint', 'status', 'duration_us', 'replayed'];
const SOMETIMES = ['request_id', 'problem', 'client'];

describe('each request', () => {
  const sendRaw = async (who, path, headers) => {
    const caller = await TlsCaller.connect(gateway, tlsIdentity(bench, who));
    const answer = await caller.post(path, {}, headers);
    caller.close();
    return answer;
  };
  const requestId = () => randomUUID();
  // What is sent, and what the line says of it.
  const cases = {
    'a success': {
      send: (id) => wallet.initiate(wallet.newSession(), { requestId: id }),
      says: { peer: 'wallet', endpoint: 'verification_initiate', status: 200 },
    },
    'a refusal': {
      send: (id) => wallet.status(wallet.newSession({ verificationId: randomUUID() }), { requestId: id }),
      says: { peer: 'wallet', endpoint: 'verification_status', status: 404 },
    },
    'a schema violation': {
      send: (id) => wallet.call(PATHS.provision, {}, { requestId: id }),
      says: { peer: 'wallet', endpoint: 'credential_provision', status: 400 },
    },
    'a body that is not JSON': {
      send: (id) => wallet.call(PATHS.provision, '{', { requestId: id }),
      says: { peer: 'wallet', endpoint: 'credential_provision', status: 400 },
    },
    'an unknown path': {
      send: (id) => sendRaw('WALLET', '/no/such/path', { 'X-Request-Id': id }),
      says: { peer: 'wallet', endpoint: 'none', status: 404, request_id: undefined },
    },
    'an unknown peer': {
      send: (id) => sendRaw('STRANGER', PATHS.status, { 'X-Request-Id': id }),
      says: { peer: 'none', endpoint: 'none', status: 403, request_id: undefined },
    },
    'a request without an id': {
      send: () => sendRaw('WALLET', PATHS.status, { 'X-Request-Id': undefined }),
      says: { peer: 'wallet', endpoint: 'verification_status', status: 400, request_id: undefined },
    },
    'an id that is none': {
      send: () => sendRaw('WALLET', PATHS.status, { 'X-Request-Id': 'not-a-uuid' }),
      says: { peer: 'wallet', endpoint: 'verification_status', status: 400, request_id: undefined },
    },
  };
  for (const [name, { send, says }] of Object.entries(cases)) {
    test(`${name} is one line`, async () => {
      const id = requestId();
      const { line, result } = await linesOf(() => send(id));
      for (const field of ALWAYS) assert.ok(field in line, `${field} in ${JSON.stringify(line)}`);
      for (const field of Object.keys(line)) assert.ok([...ALWAYS, ...SOMETIMES].includes(field), field);
      for (const [field, value] of Object.entries({ request_id: id, ...says })) assert.equal(line[field], value, field);
      assert.equal(line.level, 'info');
      assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.ok(Math.abs(Date.parse(line.time) - Date.now()) < 60_000);
      assert.ok(Number.isInteger(line.duration_us) && line.duration_us >= 0 && line.duration_us < 30e6);
      assert.equal(line.replayed, 0);
      const problem = result.status >= 400 ? JSON.parse(result.text ?? result.body).instance : undefined;
      assert.equal(line.problem && `urn:uuid:${line.problem}`, problem, 'the problem names its line');
    });
  }
});

test('a replay is told as one, and the problem it repeats is not its own', async () => {
  const id = randomUUID();
  const body = { sessionId: randomUUID(), verificationId: randomUUID() };
  const ask = () => wallet.call(PATHS.status, body, { requestId: id });
  const { lines } = await linesOf(async () => [await ask(), await ask()], 2);
  assert.deepEqual(
    lines.map(({ replayed }) => replayed),
    [0, 1],
  );
  assert.ok(lines[0].problem);
  assert.equal(lines[1].problem, undefined);
  assert.deepEqual(
    lines.map(({ status }) => status),
    [404, 404],
  );
});

test('lines of requests at once do not mix', async () => {
  const other = await gateway.connect({ protocol: 'h2' });
  const session = wallet.newSession();
  assertOk(await wallet.initiate(session));
  const ids = Array.from({ length: 60 }, randomUUID);
  const ask = (requestId, i) => (i % 2 ? wallet : other).status(session, { requestId });
  const { lines } = await linesOf(() => Promise.all(ids.map(ask)), ids.length);
  assert.deepEqual(lines.map(({ request_id: id }) => id).sort(), ids.sort());
  other.close();
});

test('metadata is a line without a request id, of nobody on the public listener; operators leave none', async () => {
  const path = '/.well-known/openid-credential-issuer';
  const { lines } = await linesOf(async () => {
    await wallet.client.request(gateway.url + path);
    await wallet.client.request(`https://127.0.0.1:${gateway.ports.public}${path}`);
    await gateway.get('/readyz');
  }, 2);
  assert.deepEqual(
    lines.map(({ peer, endpoint, status, request_id: id }) => [peer, endpoint, status, id]),
    [
      ['wallet', 'issuer_metadata', 200, undefined],
      ['none', 'issuer_metadata', 200, undefined],
    ],
  );
});

test('nothing that a caller wrote stands in the log but the request id', async () => {
  const secret = (kind) => `secret-${kind}-${randomUUID().replaceAll('-', '')}`;
  const from = gateway.logEnd;
  const secrets = Object.fromEntries(
    ['member', 'value', 'header', 'path', 'query', 'reason', 'otp', 'bad'].map((k) => [k, secret(k)]),
  );
  const session = wallet.newSession();
  const items = [otpItem(secrets.otp)];
  assertOk(
    await wallet.initiate(session, {
      configurations: ['badge_info'],
      items,
      body: { extensions: { [secrets.member]: secrets.value } },
    }),
  );
  await wallet.waitFor(session, 'REJECTED');
  assertOk(await wallet.cancel(session, { reason: secrets.reason }));
  await wallet.call(
    PATHS.status,
    { sessionId: secrets.bad, verificationId: 3 },
    { headers: { 'x-secret': secrets.header } },
  );
  await wallet.call(PATHS.status, `{"sessionId": ${secrets.bad}`);
  const caller = await TlsCaller.connect(gateway);
  await caller.post(`/${secrets.path}?q=${secrets.query}`, {});
  await caller.post(`${PATHS.status}?q=${secrets.query}`, {});
  await caller.post(PATHS.status, {}, { 'X-Request-Id': secrets.header, 'Api-Version': secrets.header });
  caller.close();
  const text = JSON.stringify(gateway.log(from));
  for (const [kind, value] of Object.entries(secrets)) assert.ok(!text.includes(value), kind);
  assert.ok(!text.includes(session.sessionId), 'not even the session');
  assert.ok(!text.includes(JSON.stringify(session.wsk.x)), 'no key');
});

test('every line of the log is one JSON object with time, level and event', () => {
  for (const line of gateway.log()) {
    assert.equal(line.text, undefined, line.text);
    for (const field of ['time', 'level', 'event']) assert.equal(typeof line[field], 'string');
  }
});

closing(gateway);
