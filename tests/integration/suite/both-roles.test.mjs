// SPDX-License-Identifier: Apache-2.0
//
// One process that is issuer and wallet, and its own peer: what it issues to itself goes over the wire like anything
// else, and neither role takes the other's calls.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { tlsIdentity } from '../../interop/lib/env.mjs';
import { HttpClient } from '../../interop/lib/http.mjs';
import { WalletClient } from '../../interop/lib/app.mjs';
import { assertOk, assertProblem, CheckedWallet, PROBLEM } from '../../interop/suite/support.mjs';
import { bench } from '../lib/bench.mjs';
import { callOut, command, laneOpened, rows } from '../lib/deliveries.mjs';
import { closing, Gateway } from '../lib/gateway.mjs';
import { receiveWebhooks } from '../lib/pair.mjs';
import { issuerPeer } from '../lib/played-issuers.mjs';

const gateway = await Gateway.prepare('both', {
  role: 'both',
  edit: (config, { ports }) => {
    // One certificate for all calls: it is both peers'.
    callOut(config, { wallet: `https://127.0.0.1:${ports.wallet}` }, { timeout: '2s' });
    const [wallet] = config.peers;
    wallet.identity = [{ san_dns: 'issuer.example' }];
    config.peers.push({ ...issuerPeer('issuer', `https://127.0.0.1:${ports.s2s}`), role: 'issuer' });
  },
});
const hooks = await receiveWebhooks(gateway);
after(() => hooks.close());
await gateway.serve();
for (const lane of ['wallet', 'issuer', 'webhook:backend']) await laneOpened(gateway, lane);
const app = gateway.app();
const client = await WalletClient.of(app);

async function held() {
  const session = client.newSession();
  assertOk(await app.start(await client.startRequest(session)), 202);
  const { instances } = await app.waitForInstances(session.sessionId);
  return { session, instanceId: instances[0].credentialInstanceId };
}

const both = async (instanceId) =>
  (
    await rows(
      gateway,
      `SELECT s2s.instance_status(i) AS issuer, s2s.wallet_instance_status(w) AS wallet
       FROM s2s.instance AS i JOIN s2s.wallet_instance AS w USING (instance_id) WHERE instance_id = '${instanceId}'`,
    )
  )[0];

test('it issues to itself, from start to a suspension that travels', async () => {
  const { session, instanceId } = await held();
  const fetch = assertOk(await app.fetch(instanceId, await client.fetchRequest(session, instanceId)));
  assert.equal(fetch.status, 'READY');
  assertOk(await app.event(instanceId, 'PROVISIONING_SUCCESS'), 202);
  await app.waitForInstance(instanceId, 'ACTIVE');
  assert.equal(await command(gateway, instanceId, 'SUSPEND'), 'COMPLETED');
  await app.waitForInstance(instanceId, 'SUSPENDED_ISSUER');
  assertOk(await app.action(instanceId, 'SUSPEND'));
  assert.equal(await command(gateway, instanceId, 'RESUME'), 'COMPLETED');
  await app.waitForInstance(instanceId, 'SUSPENDED_WALLET');
  assert.deepEqual((await both(instanceId)).wallet, 'SUSPENDED_WALLET');
});

test('its one backend is told by both roles, which say who they are', async () => {
  const { session } = await held();
  const about = ({ sessionId }) => sessionId === session.sessionId;
  await app.waitUntil(
    'both have told',
    () => app.issuance(session.sessionId),
    () => new Set(hooks.received('instances.provisioned', about).map(({ data }) => data.role)).size === 2,
  );
  assert.deepEqual(hooks.failures, []);
});

describe('each listener is for the peers of its role', () => {
  const caller = (who, listener) =>
    new CheckedWallet({
      url: `https://127.0.0.1:${gateway.ports[listener]}`,
      client: new HttpClient(tlsIdentity(bench, who)),
    });

  test('a wallet is not let in where issuers call', async () => {
    const wallet = caller('OTHER_WALLET', 'wallet');
    assertProblem(await wallet.call('/verification/notify', {}), 403, PROBLEM.unknownPeer);
    wallet.close();
  });

  test('either has its own endpoints only', async () => {
    for (const [listener, path] of [['wallet', '/verification/initiate'], ['s2s', '/verification/notify']]) {
      const self = caller('ISSUER', listener);
      assertProblem(await self.call(path, {}), 404, PROBLEM.blank);
      self.close();
    }
  });
});

test('a run of reconciliation on either side finds nothing', async () => {
  const { reconciliationId } = assertOk(await app.reconcile(), 202);
  const over = ({ finishedAt }) => finishedAt !== undefined;
  const report = await app.waitUntil('the run', () => app.reconciliation(reconciliationId), over);
  assert.deepEqual(report.findings, []);
  app.close();
});

closing(gateway);
