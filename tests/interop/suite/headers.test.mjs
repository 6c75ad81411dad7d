// SPDX-License-Identifier: Apache-2.0
//
// Methods, paths, headers and sizes (profile section 2). That every answer carries the common headers is checked on
// every answer of the whole suite by CheckedWallet.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { PATHS } from '../lib/wallet.mjs';
import { assertOk, assertProblem, connect, PROBLEM, UUID_PATTERN } from './support.mjs';

const wallet = await connect();
const overHttp2 = await connect({ protocol: 'h2' });
const session = wallet.newSession();
assertOk(await wallet.initiate(session));
const ref = wallet.verificationRef(session);

const MEBIBYTE = 1024 * 1024;

describe('methods and paths', () => {
  for (const [name, path] of Object.entries(PATHS)) {
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      test(`${method} at ${name} is 405 with Allow`, async () => {
        const response = await overHttp2.call(path, undefined, { method });
        assertProblem(response, 405, PROBLEM.blank);
        assert.equal(response.headers.allow, 'POST');
      });
    }
  }

  const unknown = [
    '/',
    '/verification',
    '/verification/',
    `${PATHS.status}/`,
    `${PATHS.status}x`,
    '/Verification/Status',
  ];
  for (const path of [
    ...unknown,
    '/verification/notify',
    '/credential',
    '/healthz',
    '/metrics',
    '/%00',
    '/..%2f..%2fetc/passwd',
  ]) {
    test(`POST ${path} is 404`, async () => {
      assertProblem(await wallet.call(path, ref), 404, PROBLEM.blank);
    });
  }
});

describe('Content-Type', () => {
  for (const type of [
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/json;charset="UTF-8"; x=1',
  ]) {
    test(`${type} is accepted`, async () => {
      assertOk(await wallet.status(session, { headers: { 'content-type': type } }));
    });
  }

  const refused = [
    undefined,
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'application/problem+json',
  ];
  for (const type of [...refused, 'application', 'text/json; application/json', 'multipart/form-data; boundary=x']) {
    test(`${type ?? 'none'} is 415`, async () => {
      assertProblem(await wallet.status(session, { headers: { 'content-type': type } }), 415, PROBLEM.blank);
    });
  }
});

describe('Api-Version', () => {
  test('the version used is named, and not deprecated', async () => {
    const response = await wallet.status(session);
    assert.equal(response.headers['api-version'], '1.0.0');
    assert.equal(response.headers.sunset, undefined);
  });

  test('white space around a value is no part of it', async () => {
    const headers = { 'api-version': ' 1.0.0 \t', 'content-type': '\tapplication/json ' };
    const response = await wallet.status(session, { requestId: ` ${randomUUID()} `, headers });
    assertOk(response);
    assert.match(response.headers['x-request-id'], UUID_PATTERN);
  });

  for (const version of [
    undefined,
    '',
    '2.0.0',
    '0.9.0',
    '1.0',
    '1',
    'v1.0.0',
    '1.0.0.0',
    '1.0.1',
    '1.0.0, 2.0.0',
    '1.0.0-rc.1',
    'latest',
    '*',
  ]) {
    test(`${version ?? 'none'} is refused and the supported ones are named`, async () => {
      const response = await wallet.status(session, { headers: { 'api-version': version } });
      assertProblem(response, 400, PROBLEM.version);
      const supported = response.headers['api-supported-versions'].split(',');
      assert.equal(response.headers['api-version'], supported[0].trim(), 'the newest supported one');
    });
  }
});

describe('x-request-id', () => {
  const uuid = randomUUID();
  const malformed = { missing: undefined, empty: '', word: 'abc', braces: `{${uuid}}`, urn: `urn:uuid:${uuid}` };
  Object.assign(malformed, { short: uuid.slice(1), long: `${uuid}0`, 'no hyphens': uuid.replaceAll('-', '') });
  Object.assign(malformed, { 'not hex': `g${uuid.slice(1)}`, two: `${uuid}, ${uuid}`, 'very long': 'a'.repeat(4000) });
  for (const [name, value] of Object.entries(malformed)) {
    test(`${name}: 400`, async () => {
      const response = await wallet.status(session, { headers: { 'x-request-id': value } });
      assertProblem(response, 400, [PROBLEM.validation, PROBLEM.blank]);
    });
  }

  test('is echoed letter for letter', async () => {
    for (const value of [randomUUID(), randomUUID().toUpperCase()]) {
      const response = await wallet.status(session, { requestId: value });
      assertOk(response);
      assert.equal(response.headers['x-request-id'], value);
    }
  });
});

describe('size of the body', () => {
  const padded = (size) => {
    const empty = JSON.stringify({ ...ref, extensions: { pad: '' } }).length;
    return JSON.stringify({ ...ref, extensions: { pad: 'a'.repeat(size - empty) } });
  };

  for (const [name, caller] of [
    ['HTTP/1.1', wallet],
    ['HTTP/2', overHttp2],
  ]) {
    test(`the limit itself is accepted (${name})`, async () => {
      assertOk(await caller.call(PATHS.status, padded(MEBIBYTE)));
    });

    test(`one octet more is 413 (${name})`, async () => {
      assertProblem(await caller.call(PATHS.status, padded(MEBIBYTE + 1)), 413, PROBLEM.blank);
    });
  }

  test('a body of unknown length is measured too', async () => {
    const response = await wallet.call(PATHS.status, padded(MEBIBYTE + 1), {
      headers: { 'transfer-encoding': 'chunked' },
    });
    assertProblem(response, 413, PROBLEM.blank);
  });

  test('the connection serves on after a 413', async () => {
    for (const size of [2, 5])
      assertProblem(await overHttp2.call(PATHS.status, padded(size * MEBIBYTE)), 413, PROBLEM.blank);
    assertOk(await overHttp2.status(session));
  });
});

test('each problem is an occurrence of its own', async () => {
  const instances = new Set();
  for (let i = 0; i < 5; i++) instances.add((await wallet.call(PATHS.status, {})).json.instance);
  assert.equal(instances.size, 5);
});
