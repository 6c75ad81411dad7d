// SPDX-License-Identifier: Apache-2.0
//
// Issuance that the issuer's own program decides, and whose claims it knows: the example of deploy/examples, which the
// environment runs, with the people of its people.json.

import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpClient } from '../lib/http.mjs';
import { OperatorClient } from '../lib/operator.mjs';
import { verifyWebhook } from '../lib/webhooks.mjs';
import { badgeOf, badgesOf, begun, instancesOf, opened, supplemented } from './flows-support.mjs';
import { assertOk, connect, env, noteSecret } from './support.mjs';

const CONFIGURATION = 'badge_webhook';

const wallet = await connect();
const operator = OperatorClient.connect(env);
const anybody = new HttpClient(undefined);

const employee = (employee_id, pin) => ({ id: 'employee', type: 'urn:example:employee', employee_id, pin });

const identified = (employeeId, pin, wanted, options) =>
  begun(wallet, CONFIGURATION, wanted, { items: [employee(employeeId, pin)], ...options });

describe('the example backend decides', () => {
  test('approves a visitor, who gets a visitor’s badge', async () => {
    const [{ claims }] = await badgesOf(wallet, await begun(wallet, CONFIGURATION, 'APPROVED'));
    assert.equal(claims.department, 'Visitors');
  });

  test('approves an employee, for as many devices as it wants', async () => {
    const session = await identified('E-1042', '4711', 'APPROVED', { body: { requestedDeviceCount: 5 } });
    assert.equal(session.outcome.authorizedDeviceCount, 2);
    const [{ claims }] = await badgesOf(wallet, session);
    assert.equal(claims.employee_id, 'E-1042');
  });

  test('approves two badges for two posts', async () => {
    const session = await identified('E-2001', '2718', 'APPROVED');
    const badges = await badgesOf(wallet, session);
    const departments = badges.map(({ claims }) => claims.department).sort();
    assert.deepEqual(departments, ['Research', 'Works council']);
  });

  test('asks for what is missing', async () => {
    const session = await identified('E-1042', undefined, 'ADDITIONAL_INFO_REQUIRED');
    const [item] = session.outcome.verificationDataRequest.verificationDataItems;
    assert.equal(item.id, 'employee');
    await supplemented(wallet, session, { items: [employee('E-1042', '4711')] }, 'APPROVED');
  });

  test('rejects twice, and denies then', async () => {
    const wrong = noteSecret(`pin-${randomUUID()}`);
    const session = await identified('E-1042', wrong, 'REJECTED');
    assert.equal(session.outcome.reasonCode, 'NOT_RECOGNIZED');
    await supplemented(wallet, session, { items: [employee('E-9999', wrong)] }, 'REJECTED');
    const denied = await supplemented(wallet, session, { items: [employee('E-1042', wrong)] }, 'DENIED');
    assert.match(denied.deniedMessage, /reception/);
  });

  test('denies who has left', async () => {
    const { outcome } = await identified('E-3003', '1618', 'DENIED');
    assert.equal(outcome.reasonCode, 'NOT_EMPLOYED');
  });

  test('does not take the word of the wallet server for the holder’s', async () => {
    const session = await begun(wallet, CONFIGURATION, 'APPROVED', { serverItems: [employee('E-1042', '4711')] });
    const [{ claims }] = await badgesOf(wallet, session);
    assert.equal(claims.department, 'Visitors');
  });

  test('leaves some to a person', async () => {
    const session = await identified('E-4004', '1414', 'PENDING');
    const { version } = await operator.waitForReview(session.verificationId);
    const decision = { status: 'APPROVED', subject: 'E-4004' };
    assertOk(await operator.decide(session.verificationId, version, decision));
    await wallet.waitFor(session, 'APPROVED');
    const [{ claims }] = await badgesOf(wallet, session);
    assert.equal(claims.department, 'Site security');
  });
});

describe('the example backend knows the claims', () => {
  test('a badge that is not printed yet is answered 202, and fetched later', async () => {
    const session = await identified('E-5005', '1732', 'APPROVED');
    const [instanceId] = await instancesOf(wallet, session);
    const { transaction_id: transactionId, interval } = assertOk(await wallet.get(session, instanceId), 202);
    let response;
    for (let i = 0; i < 20; i++) {
      await sleep(1000 * interval);
      response = await wallet.get(session, instanceId, { transactionId });
      if (response.status !== 202) break;
    }
    const { claims } = await opened(wallet, session, response);
    assert.equal(claims.employee_id, 'E-5005');
  });

  test('the version of a credential is the backend’s', async () => {
    const session = await identified('E-1042', '4711', 'APPROVED');
    const [instanceId] = await instancesOf(wallet, session);
    const response = await wallet.get(session, instanceId);
    assert.equal(assertOk(response).credentialVersion, '3');
    await badgeOf(wallet, session, instanceId);
  });
});

describe('the example backend answers nobody but the gateway', () => {
  const secret = readFileSync(join(env.dir, 'keys/backend.secret'), 'utf8').trim();
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const text = JSON.stringify({ type: 'dataset.get', data: { subject: 'E-1042' } });

  /** The headers of a message, signed as Standard Webhooks has it. */
  const signed = ({ id = 'msg_1', at = Date.now(), by = key, over = text } = {}) => {
    const timestamp = String(Math.floor(at / 1000));
    const signature = createHmac('sha256', by).update(`${id}.${timestamp}.${over}`).digest('base64');
    return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
  };

  const post = (headers) => anybody.request(env.S2S_ISSUER_BACKEND, { method: 'POST', headers, body: text });

  test('takes what the reference library takes', async () => {
    const headers = signed();
    verifyWebhook(secret, { text, headers });
    const { version } = assertOk(await post(headers));
    assert.equal(version, '3');
    const ours = headers['webhook-signature'];
    assertOk(await post({ ...headers, 'webhook-signature': `v1,bm90IG91cnM= ${ours}` }));
  });

  const FORGED = {
    'nothing signed': {},
    'another secret': signed({ by: Buffer.alloc(32) }),
    'another body': signed({ over: '{}' }),
    'an old message': signed({ at: Date.now() - 600_000 }),
    'a message of the future': signed({ at: Date.now() + 600_000 }),
    'another id': { ...signed(), 'webhook-id': 'msg_2' },
    'an unknown scheme': { ...signed(), 'webhook-signature': signed()['webhook-signature'].replace('v1', 'v2') },
  };
  for (const [what, headers] of Object.entries(FORGED)) {
    test(`${what} is 401`, async () => assert.equal((await post(headers)).status, 401));
  }
});
