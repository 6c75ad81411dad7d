// SPDX-License-Identifier: Apache-2.0
//
// A wallet gateway at the edges of its configuration: small limits, issuers and polls that come and go by a reload.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { publicJwk } from '../../interop/lib/keys.mjs';
import { assertOk } from '../../interop/suite/support.mjs';
import { eventually } from '../lib/bench.mjs';
import { rows } from '../lib/deliveries.mjs';
import { closing } from '../lib/gateway.mjs';
import { held, issuerCaller, issuerPeer, opened, walletOf } from '../lib/played-issuers.mjs';
import { Peer } from '../lib/peer.mjs';

const server = await Peer.start('issuer');
after(() => server.close());

const gateway = await walletOf('bounds', { issuer: server.url }, {
  edit: (config) => {
    config.wallet.poll.enabled = false;
    // Less than a body may have.
    config.limits.max_verification_data = '64KiB';
  },
});
const app = gateway.app();
const issuer = issuerCaller(gateway);
after(() => [app, issuer].forEach((caller) => caller.close()));

/** A fetch for a session's wallet encryption key. */
const fetchBody = ({ wek }, members = {}) => ({
  reason: 'TESTED',
  walletEncryptionKey: { keyType: 'WALLET_ENCRYPTION_KEY', client_public_key: publicJwk(wek) },
  ...members,
});

test('a body as large as it may be goes to the issuer, whatever the other limits are', async () => {
  const { session, instanceId } = await held(app, issuer);
  const filler = 'x'.repeat(900 * 1024);
  const { fetchId } = (await app.fetch(instanceId, fetchBody(session, { extensions: { filler } }))).json;
  assert.equal((await app.waitForFetch(fetchId)).status, 'READY');
});

test('an issuer that has just been configured is known', async () => {
  const credential_issuer = 'https://newcomer.example';
  await gateway.reconfigure((config) => {
    config.peers.push(issuerPeer('newcomer', server.url, { credential_issuer }));
  });
  for (const name of ['newcomer', credential_issuer]) {
    const { issuer: known, credentialIssuer } = assertOk(await app.issuer(name));
    assert.deepEqual([known, credentialIssuer], ['newcomer', credential_issuer]);
  }
});

test('polls that are switched on take up what was left to the notices of issuers', async () => {
  const { sessionId } = await opened(app, 'issuer');
  const owed = () => rows(gateway, `SELECT endpoint FROM s2s.delivery WHERE ref = '${sessionId}'`);
  await eventually('nothing is owed', async () => (await owed()).length === 0);
  assert.equal(assertOk(await app.issuance(sessionId)).status, 'PENDING');
  await gateway.reconfigure((config) => (config.wallet.poll.enabled = true));
  await app.waitForStatus(sessionId, 'APPROVED');
});

closing(gateway);
