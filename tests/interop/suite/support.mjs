// SPDX-License-Identifier: Apache-2.0
//
// What all files of the suite share: the environment, wallets that check every answer, and assertions on problems.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadEnv } from '../lib/env.mjs';
import { API_VERSION, Wallet } from '../lib/wallet.mjs';

export const env = loadEnv();

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
export const UUID_PATTERN = new RegExp(`^${UUID}$`, 'i');

/** Problem types of the profile, section 2. */
export const PROBLEM = {
  encryption: 'urn:openid:dcp:s2s:invalid_encryption',
  client: 'urn:openid:dcp:s2s:invalid_client_authentication',
  validation: 'urn:s2s-gateway:problem:validation',
  version: 'urn:s2s-gateway:problem:unsupported-version',
  unknownPeer: 'urn:s2s-gateway:problem:unknown-peer',
  notFound: 'urn:s2s-gateway:problem:not-found',
  consumed: 'urn:s2s-gateway:problem:session-consumed',
  wrongState: 'urn:s2s-gateway:problem:wrong-state',
  reuse: 'urn:s2s-gateway:problem:request-id-reuse',
  rateLimited: 'urn:s2s-gateway:problem:rate-limited',
  blank: 'about:blank',
};

/** The headers that every answer of the S2S endpoints carries. */
export function assertCommonHeaders(response, requestId) {
  const { headers } = response;
  const supported = String(headers['api-supported-versions'] ?? '')
    .split(',')
    .map((version) => version.trim());
  assert.ok(supported.includes(API_VERSION), `Api-Supported-Versions is ${headers['api-supported-versions']}`);
  assert.ok(supported.includes(headers['api-version']), `Api-Version is ${headers['api-version']}`);
  assert.match(String(headers['cache-control']), /\bno-store\b/);
  if (requestId !== undefined) assert.equal(headers['x-request-id'], requestId, 'x-request-id is echoed');
}

/** The shape that every problem has (RFC 9457 and profile section 2 "Errors"). */
export function assertProblemShape(response) {
  assert.equal(response.contentType, 'application/problem+json', `${response.status} ${response.text}`);
  const problem = response.json;
  assert.equal(typeof problem.type, 'string');
  assert.ok(typeof problem.title === 'string' && problem.title.length > 0, 'title');
  assert.equal(problem.status, response.status, 'status');
  assert.ok(problem.detail === undefined || typeof problem.detail === 'string', 'detail');
  assert.match(problem.instance, new RegExp(`^urn:uuid:${UUID}$`, 'i'), 'instance');
  assert.ok(typeof problem.errorCode === 'string' && problem.errorCode.length > 0, 'errorCode');
  assert.equal(typeof problem.retryable, 'boolean', 'retryable');
  for (const violation of problem.validationErrors ?? []) {
    assert.match(violation.pointer, /^(\/([^~]|~[01])*)?$/, 'JSON Pointer');
    assert.equal(typeof violation.message, 'string');
  }
}

/** Assert status and type (one, or one of several) of a problem; resolves to its body. */
export function assertProblem(response, status, type) {
  assert.equal(response.status, status, response.text);
  const types = [type].flat();
  assert.ok(
    types.includes(response.json.type),
    `type is ${response.json.type}, not ${types.join(' or ')}: ${response.text}`,
  );
  return response.json;
}

/** Assert a validation problem in which each of `pointers` is named: exactly, or with a trailing `*` as a prefix. */
export function assertViolations(response, ...pointers) {
  const problem = assertProblem(response, 400, PROBLEM.validation);
  const named = (problem.validationErrors ?? []).map((violation) => violation.pointer);
  for (const pointer of pointers) {
    const fits = pointer.endsWith('*')
      ? (candidate) => candidate.startsWith(pointer.slice(0, -1))
      : (candidate) => candidate === pointer;
    assert.ok(named.some(fits), `no violation at ${pointer}: ${response.text}`);
  }
  return named;
}

export function assertOk(response, status = 200) {
  assert.equal(response.status, status, response.text);
  assert.equal(response.contentType, 'application/json');
  return response.json;
}

/** A wallet that holds every single answer to the rules that all answers share. */
export class CheckedWallet extends Wallet {
  async send(path, request) {
    const response = await super.send(path, request);
    const requestId = request.headers['x-request-id'];
    assertCommonHeaders(response, UUID_PATTERN.test(requestId ?? '') ? requestId : undefined);
    if (response.status >= 400) assertProblemShape(response);
    return response;
  }
}

/** A checked wallet for `who` (default: the registered wallet). */
export const connect = (options) => CheckedWallet.connect(env, options);

/**
 * A recognisable secret to put into a payload. It is written to DIR/planted-secrets, one a line, so that whoever runs
 * the suite can search logs and database dumps for what must never be there.
 */
export function plantSecret(kind) {
  return noteSecret(`planted-${kind}-${randomBytes(9).toString('hex')}`);
}

/** Note a secret that is there already, such as a holder's claim. */
export function noteSecret(secret) {
  appendFileSync(join(env.dir, 'planted-secrets'), `${secret}\n`);
  return secret;
}
