// SPDX-License-Identifier: Apache-2.0
//
// A 500 says that the gateway's operator sees why under its instance. Here the operator looks.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { HttpClient } from '../../interop/lib/http.mjs';
import { otpItem } from '../../interop/lib/payloads.mjs';
import { assertOk, assertProblemShape } from '../../interop/suite/support.mjs';
import { sql } from '../lib/bench.mjs';
import { offer as configure } from '../lib/deliveries.mjs';
import { closing, Gateway } from '../lib/gateway.mjs';
import { CheckedOperator, withTokens } from '../lib/operator.mjs';

const gateway = await Gateway.start('internal-errors', {
  edit: (config) => {
    withTokens(config);
    configure(config, 'badge_offer', {
      verification: {
        decision: 'approve',
        items: [{ id: 'code', type: 'urn:s2s-gateway:verification:pre_authorized_code' }],
      },
    });
  },
});
const wallet = await gateway.connect();
const reviewer = CheckedOperator.of(gateway, 'review');
const operator = CheckedOperator.of(gateway);
const browser = new HttpClient({ rejectUnauthorized: false });
after(() => [wallet, reviewer, operator, browser].forEach((it) => it.close()));

/** Check that the answer is a 500, and resolve to its line in the log. */
async function explained(response, endpoint) {
  assert.equal(response.status, 500, response.text);
  assertProblemShape(response);
  const problem = response.json.instance.replace('urn:uuid:', '');
  const line = await gateway.logged({ event: 'internal_error', problem });
  assert.equal(line.endpoint, endpoint);
  assert.equal((await gateway.logged({ event: 'request', problem })).endpoint, endpoint);
  return line;
}

/** Run `body` while the database does not have this function. */
async function without(name, body) {
  await sql(gateway.database, `ALTER FUNCTION s2s.${name} RENAME TO away`);
  try {
    return await body();
  } finally {
    await sql(gateway.database, `ALTER FUNCTION s2s.away RENAME TO ${name}`);
  }
}

/** Check that the answer is a 500, whose problem leads to what the database said, too. */
async function assertDatabaseToldOf(response, endpoint, statement) {
  const { problem, reason } = await explained(response, endpoint);
  assert.match(reason, /database/);
  const said = await gateway.logged({ event: 'database_error', problem });
  assert.deepEqual([said.statement, said.sqlstate], [statement, '42883']);
}

test('a data key is gone', async () => {
  const session = wallet.newSession();
  assertOk(await wallet.initiate(session, { configurations: ['badge_review'], serverItems: [otpItem('424242')] }));
  await operator.waitForReview(session.verificationId);
  const look = () => reviewer.items(session.verificationId);
  gateway.write('keys/data-2.key', `${randomBytes(32).toString('base64url')}\n`);
  await gateway.reconfigure((config) => (config.data_keys = ['keys/data-2.key']));
  const { reason } = await explained(await look(), 'admin_verification_items');
  assert.match(reason, /data key that is not configured/);
  await gateway.reconfigure((config) => (config.data_keys = ['keys/data-1.key']));
  assertOk(await look());
  assert.doesNotMatch(gateway.logText(), /424242/);
});

test('a document is damaged', async () => {
  const wish = { credentialConfigurationIds: ['badge_offer'], byReference: true };
  const { credential_offer_uri: uri } = assertOk(await operator.makeOffer(wish), 201);
  const url = `https://127.0.0.1:${gateway.ports.public}${new URL(uri).pathname}`;
  assert.equal((await browser.request(url)).status, 200);
  await sql(gateway.database, 'UPDATE s2s.credential_offer SET document_sealed = set_byte(document_sealed, 40, 0) || document_sealed');
  const response = await browser.request(url);
  assert.ok((await explained(response, 'offer_document')).reason);
  assert.doesNotMatch(gateway.logText(), new RegExp(new URL(uri).pathname.split('/').at(-1)));
});

test('the database refuses a statement of the protocol', async () => {
  const { session } = await wallet.approvedSession();
  const failed = await without('issuer_verification_status', () => wallet.status(session));
  await assertDatabaseToldOf(failed, 'verification_status', 'verification_status');
  assertOk(await wallet.status(session));
});

test('the database refuses a statement of an API', async () => {
  const failed = await without('admin_verifications', () => operator.get('/v1/verifications'));
  await assertDatabaseToldOf(failed, 'admin_verifications', 'admin_verifications');
});

test('the database refuses a statement of a document', async () => {
  const failed = await without('offer_read', () =>
    browser.request(`https://127.0.0.1:${gateway.ports.public}/offers/${'x'.repeat(43)}`),
  );
  await assertDatabaseToldOf(failed, 'offer_document', 'offer_read');
});

closing(gateway, { expectedErrors: ['internal_error', 'database_error'] });
