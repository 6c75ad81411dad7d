// SPDX-License-Identifier: Apache-2.0
//
// Credentials whose claims a backend knows: what it is asked, what becomes of what it says, and what does not.

import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyCredential } from '../../interop/lib/credential.mjs';
import { newWebhookSecret, WebhookReceiver } from '../../interop/lib/webhooks.mjs';
import { PATHS } from '../../interop/lib/wallet.mjs';
import { assertOk, assertProblem } from '../../interop/suite/support.mjs';
import { bench, eventually, sql } from '../lib/bench.mjs';
import { callOut, offer, rows } from '../lib/deliveries.mjs';
import { withGateway } from '../lib/gateway.mjs';
import { Peer } from '../lib/peer.mjs';

const UNAVAILABLE = 'urn:s2s-gateway:problem:unavailable';
const CLAIMS = { employee_id: 'E-4711', given_name: 'Wilhelmina-Planted', department: 'Geodesy' };
const TOKEN = 'the-backend-knows-us-by-this';
const OPERATOR_TOKEN = 'the-operator-is-known-by-this';
const CONFIGURATION = 'badge_registry';

const found = (members = {}) => ({ status: 200, body: { version: '7', claims: CLAIMS, ...members } });
const notYet = { status: 202, body: { status: 'PENDING' } };

/** Make `backend` the one that knows the claims of `CONFIGURATION`; `members` of its section. */
function configure(config, gateway, backend, members) {
  gateway.write('keys/backend.whsec', backend.secrets[0]);
  gateway.write('keys/backend.token', TOKEN);
  const known = { secrets: ['keys/backend.whsec'], token: 'keys/backend.token' };
  config.backends = [{ name: 'registry', url: backend.url, timeout: '2s', ...known, ...members }];
  offer(config, CONFIGURATION, { dataset: { backend: 'registry', retry_after: '1s' } });
  const sha256 = createHash('sha256').update(OPERATOR_TOKEN).digest('hex');
  config.listeners.admin.tokens = [{ name: 'operator', sha256, role: 'operate' }];
}

/** Push a dataset for an instance through the operators' API: `{ status, json }`. */
async function push(gateway, instanceId, dataset) {
  const response = await fetch(`${gateway.admin}/v1/instances/${instanceId}/dataset`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${OPERATOR_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ version: 'pushed-1', claims: CLAIMS, ...dataset }),
  });
  return { status: response.status, json: await response.json() };
}

/** Run `body` with a backend, a gateway that asks it, and a wallet. */
async function withBackend(name, { members, edit = () => {}, expectedErrors }, body) {
  const backend = await WebhookReceiver.start({ secrets: [newWebhookSecret()] });
  const options = {
    expectedErrors,
    edit(config, gateway) {
      configure(config, gateway, backend, members);
      edit(config, gateway);
    },
  };
  await withGateway(name, options, async (gateway) => {
    const wallet = await gateway.connect();
    await body({ gateway, backend, wallet });
    wallet.close();
    assert.deepEqual(backend.failures, [], 'every question is signed');
    await nothingInTheClear(gateway);
  });
  await backend.close();
}

/** Neither the database nor the log has a claim. */
async function nothingInTheClear(gateway) {
  const tables = await sql(gateway.database, "SELECT tablename FROM pg_tables WHERE schemaname = 's2s'");
  const dump = [];
  for (const table of tables) dump.push(...(await sql(gateway.database, `SELECT t::text FROM s2s."${table}" AS t`)));
  for (const claim of Object.values(CLAIMS)) {
    assert.ok(!dump.some((row) => row.includes(claim)), `${claim} is in the database`);
    assert.ok(!gateway.logText().includes(claim), `${claim} is in the log`);
  }
}

const approved = ({ wallet }) => wallet.approvedSession({ configurations: [CONFIGURATION] });

/** The payload of the first credential of a 200, and its disclosed claims. */
async function opened(wallet, response, session) {
  const [{ credential }] = await wallet.openCredentials(response, session.wek);
  return verifyCredential(credential, { trustAnchors: readFileSync(bench.S2S_SIGNER_CA) });
}

const metricOf = async (gateway, outcome) =>
  (await gateway.metrics()).value('s2s_backend_answers_total', { backend: 'registry', outcome });

describe('the backend is asked when a credential is made', () => {
  test('with what names the instance, and its claims and version are the credential’s', () =>
    withBackend('claims-found', {}, async ({ gateway, backend, wallet }) => {
      backend.behave(() => found());
      const { session, instances } = await approved({ wallet });
      const response = await wallet.get(session, instances[0]);
      assert.equal(assertOk(response).credentialVersion, '7');
      const { claims } = await opened(wallet, response, session);
      assert.equal(claims.given_name, CLAIMS.given_name);

      const [message] = backend.received('dataset.get');
      assert.deepEqual(message.data, {
        sessionId: session.sessionId,
        verificationId: session.verificationId,
        credentialInstanceId: instances[0],
        credentialConfigurationId: CONFIGURATION,
        subject: 'default',
      });
      assert.equal(message.headers.authorization, `Bearer ${TOKEN}`);
      assert.equal(await metricOf(gateway, 'answered'), 1);

      assertOk(await wallet.get(session, instances[0]));
      assert.equal(backend.received('dataset.get').at(-1).data.currentVersion, '7');
    }));

  test('a repeated request gets the stored answer', () =>
    withBackend('claims-replay', {}, async ({ backend, wallet }) => {
      backend.behave(() => found());
      const { session, instances } = await approved({ wallet });
      const body = await wallet.getBody(session, instances[0]);
      const requestId = randomUUID();
      const first = await wallet.call(PATHS.get, body, { requestId });
      backend.behave(() => ({ status: 500 }));
      const second = await wallet.call(PATHS.get, body, { requestId });
      assertOk(second);
      assert.equal(second.text, first.text);
      assert.equal(second.headers['idempotent-replayed'], 'true');
    }));

  test('status shows the version that a get would give, or the last one fetched', () =>
    withBackend('claims-status', {}, async ({ backend, wallet }) => {
      const version = async () => assertOk(await wallet.credentialStatus(session, instances[0])).currentVersion;
      backend.behave(() => found());
      const { session, instances } = await approved({ wallet });
      assertOk(await wallet.get(session, instances[0]));
      backend.behave(() => found({ version: '8' }));
      assert.equal(await version(), '8');
      backend.behave(() => ({ status: 503 }));
      assert.equal(await version(), '7');
      assertOk(await wallet.manage(session, instances[0], 'UNLINK'));
      const before = backend.messages.length;
      assert.equal(await version(), '7');
      assert.equal(backend.messages.length, before, 'nobody is asked about what is over');
    }));

  test('no credential outlives its claims', () =>
    withBackend('claims-validity', {}, async ({ backend, wallet }) => {
      const validUntil = new Date(Date.now() + 3_600_000);
      backend.behave(() => found({ validUntil: validUntil.toISOString() }));
      const { session, instances } = await approved({ wallet });
      const response = await wallet.get(session, instances[0]);
      assertOk(response);
      const { payload } = await opened(wallet, response, session);
      assert.equal(payload.exp, Math.floor(validUntil.getTime() / 1000));
    }));

  test('an unsigned request asks nobody', () =>
    withBackend('claims-unproven', {}, async ({ backend, wallet }) => {
      const { session, instances } = await approved({ wallet });
      const stranger = wallet.newSession();
      const body = await wallet.getBody(session, instances[0]);
      const { clientEncryptedData } = await wallet.getBody(stranger, instances[0]);
      const response = await wallet.call(PATHS.get, { ...body, clientEncryptedData });
      assert.equal(response.status, 400);
      assert.deepEqual(backend.messages, []);
    }));
});

describe('what is not usable makes no credential', () => {
  const WRONG = {
    'no JSON': { status: 200, text: '<html>Wilhelmina-Planted</html>' },
    'not an object': { status: 200, body: [] },
    'no version': { status: 200, body: { claims: CLAIMS } },
    'no claims': { status: 200, body: { version: '7' } },
    'claims of another type': { status: 200, body: { version: '7', claims: 'Wilhelmina-Planted' } },
    'a version that is no token': found({ version: 'not a token' }),
    'a time that is none': found({ validUntil: 'Wilhelmina-Planted' }),
    'a time that has passed': found({ validUntil: '2020-01-01T00:00:00Z' }),
    'a reserved claim': found({ claims: { ...CLAIMS, iss: 'https://evil.example' } }),
    'what looks like digests': found({ claims: { ...CLAIMS, department: { _sd: [] } } }),
    'an answer that says nothing': { status: 204 },
    'a redirect': { status: 307, headers: { location: 'http://127.0.0.1:1/' } },
    'a refusal': { status: 400, body: {} },
    'a page that is not there': { status: 404, text: 'Not found' },
  };

  test('lies and garbage: 503, which may be asked again; the operator is told', () =>
    withBackend('claims-wrong', { expectedErrors: ['backend_failed'] }, async ({ gateway, backend, wallet }) => {
      const { session, instances } = await approved({ wallet });
      const body = await wallet.getBody(session, instances[0]);
      for (const [what, answer] of Object.entries(WRONG)) {
        backend.behave(() => answer);
        const from = gateway.logEnd;
        const requestId = randomUUID();
        const problem = assertProblem(await wallet.call(PATHS.get, body, { requestId }), 503, UNAVAILABLE);
        assert.equal(problem.retryable, true, what);
        const line = await gateway.logged({ event: 'backend_failed', backend: 'registry' }, { from });
        assert.ok(line.reason.length > 0, what);
        backend.behave(() => found());
        assertOk(await wallet.call(PATHS.get, body, { requestId }));
      }
      const count = (await metricOf(gateway, 'wrong')) + (await metricOf(gateway, 'unusable'));
      assert.equal(count, Object.keys(WRONG).length);
    }));

  test('a backend that fails, is silent or is down', () =>
    withBackend('claims-down', { members: { timeout: '300ms' } }, async ({ gateway, backend, wallet }) => {
      const { session, instances } = await approved({ wallet });
      const get = async () => assertProblem(await wallet.get(session, instances[0]), 503, UNAVAILABLE);
      backend.behave(() => ({ status: 500 }));
      await get();
      backend.behave(() => null);
      await get();
      await backend.close();
      await get();
      await backend.listen();
      backend.behave(() => found());
      assertOk(await wallet.get(session, instances[0]));
      assert.equal(await metricOf(gateway, 'failed'), 3);
    }));

  test('a slow backend holds up nobody else, and no more than it may', () =>
    withBackend('claims-slow', { members: { concurrency: 2, timeout: '1s' } }, async ({ gateway, backend, wallet }) => {
      const { session, instances } = await approved({ wallet });
      const plain = await wallet.approvedSession();
      backend.behave(() => null);
      const began = Date.now();
      const slow = Array.from({ length: 12 }, () => wallet.get(session, instances[0]));
      assertOk(await wallet.get(plain.session, plain.instances[0]));
      assert.ok(Date.now() - began < 900, 'a configuration with a file does not wait');
      for (const answer of await Promise.all(slow)) assertProblem(answer, 503, UNAVAILABLE);
      assert.ok((await metricOf(gateway, 'busy')) >= 1);
    }));
});

/** Whether a credential that was waited for is ready. */
const isReady = async (gateway) =>
  (await rows(gateway, 'SELECT * FROM s2s.instance WHERE ready_at IS NOT NULL')).length > 0;

describe('not ready yet', () => {
  test('202, then CREDENTIAL_READY when the backend has it, then the credential', async () => {
    const peer = await Peer.start('claims-wallet');
    const edit = (config) => callOut(config, { wallet: peer.url });
    await withBackend('claims-later', { edit }, async ({ gateway, backend, wallet }) => {
      backend.behave(() => notYet);
      const { session, instances } = await approved({ wallet });
      const first = await wallet.get(session, instances[0]);
      const pending = assertOk(first, 202);
      assert.equal(pending.interval, 1);
      assert.equal(first.headers['retry-after'], '1');
      const again = await wallet.get(session, instances[0], { transactionId: pending.transaction_id });
      assert.equal(assertOk(again, 202).transaction_id, pending.transaction_id);
      const asked = backend.messages.length;
      await eventually('the job asks again', () => backend.messages.length >= asked + 2);
      assert.deepEqual(peer.requests({ eventType: 'CREDENTIAL_READY' }), []);

      backend.behave(() => found());
      const told = await peer.receivedOnce({ eventType: 'CREDENTIAL_READY' });
      assert.equal(told.json.eventDetails.transaction_id, pending.transaction_id);
      const response = await wallet.get(session, instances[0], { transactionId: pending.transaction_id });
      assert.equal(assertOk(response).credentialVersion, '7');
      assert.deepEqual(await rows(gateway, "SELECT * FROM s2s.job WHERE kind = 'dataset'"), []);
    });
    await peer.close();
  });

  test('404 with an object says the same', () =>
    withBackend('claims-404', {}, async ({ backend, wallet }) => {
      backend.behave(() => ({ status: 404, body: { status: 'UNKNOWN' } }));
      const { session, instances } = await approved({ wallet });
      assertOk(await wallet.get(session, instances[0]), 202);
    }));

  test('a backend that fails meanwhile loses nothing', () =>
    withBackend('claims-patient', {}, async ({ gateway, backend, wallet }) => {
      backend.behave(() => notYet);
      const { session, instances } = await approved({ wallet });
      const { transaction_id: transactionId } = assertOk(await wallet.get(session, instances[0]), 202);
      await backend.close();
      await gateway.logged({ event: 'backend_failed' });
      await backend.listen();
      backend.behave(() => found());
      await eventually('the job has found it', () => isReady(gateway), { timeoutMs: 20_000 });
      assertOk(await wallet.get(session, instances[0], { transactionId }));
    }));

  test('waiting gets survive a restart', () =>
    withBackend('claims-restart', {}, async ({ gateway, backend, wallet }) => {
      backend.behave(() => notYet);
      const { session, instances } = await approved({ wallet });
      const { transaction_id: transactionId } = assertOk(await wallet.get(session, instances[0]), 202);
      assert.equal((await gateway.stop()).status, 0);
      backend.behave(() => found());
      await gateway.serve();
      await eventually('the job has found it', () => isReady(gateway));
      assertOk(await wallet.get(session, instances[0], { transactionId }));
    }));

  test('so many gets wait: one with other keys takes the place of the oldest, until the instance ends', () => {
    const edit = (config) => {
      config.limits.max_waiting_gets = 2;
    };
    return withBackend('claims-waiting', { edit }, async ({ gateway, backend, wallet }) => {
      backend.behave(() => notYet);
      const { session, instances } = await approved({ wallet });
      const opened = [];
      for (let i = 0; i < 3; i++) opened.push(assertOk(await wallet.get(session, instances[0]), 202).transaction_id);
      assert.equal(new Set(opened).size, 3, 'each has keys of its own');
      const ask = (transactionId) => wallet.get(session, instances[0], { transactionId });
      assertProblem(await ask(opened[0]), 404, 'urn:s2s-gateway:problem:not-found');
      for (const open of opened.slice(1)) assert.equal(assertOk(await ask(open), 202).transaction_id, open);
      assertOk(await wallet.manage(session, instances[0], 'UNLINK'));
      assert.deepEqual(await rows(gateway, 'SELECT * FROM s2s.fetch'), []);
    });
  });

  test('and the removal of the last backend, when the operator has the claims', async () => {
    const peer = await Peer.start('claims-moved-wallet');
    const edit = (config) => callOut(config, { wallet: peer.url });
    await withBackend('claims-moved', { edit }, async ({ gateway, backend, wallet }) => {
      backend.behave(() => notYet);
      const { session, instances } = await approved({ wallet });
      const { transaction_id: transactionId } = assertOk(await wallet.get(session, instances[0]), 202);
      await gateway.reconfigure((config) => {
        config.credential_configurations.at(-1).dataset = config.credential_configurations[0].dataset;
        delete config.backends;
      });
      const told = await peer.receivedOnce({ eventType: 'CREDENTIAL_READY' });
      assert.equal(told.json.eventDetails.transaction_id, transactionId);
      assertOk(await wallet.get(session, instances[0], { transactionId }));
      assert.deepEqual(await rows(gateway, "SELECT * FROM s2s.job WHERE kind = 'dataset'"), []);
    });
    await peer.close();
  });
});

describe('what is pushed ahead', () => {
  test('is used, and nobody is asked', () =>
    withBackend('claims-pushed', {}, async ({ gateway, backend, wallet }) => {
      const { session, instances } = await approved({ wallet });
      assert.equal((await push(gateway, instances[0])).status, 200);
      const response = await wallet.get(session, instances[0]);
      assert.equal(assertOk(response).credentialVersion, 'pushed-1');
      assert.equal((await opened(wallet, response, session)).claims.given_name, CLAIMS.given_name);
      assert.equal(assertOk(await wallet.credentialStatus(session, instances[0])).currentVersion, 'pushed-1');
      assert.deepEqual(backend.messages, []);
    }));

  test('ends a wait, and tells of an update', async () => {
    const peer = await Peer.start('claims-push-wallet');
    const edit = (config) => callOut(config, { wallet: peer.url });
    await withBackend('claims-push-later', { edit }, async ({ gateway, backend, wallet }) => {
      backend.behave(() => notYet);
      const { session, instances } = await approved({ wallet });
      const { transaction_id: transactionId } = assertOk(await wallet.get(session, instances[0]), 202);
      assert.equal((await push(gateway, instances[0])).json.effect, 'READY');
      await peer.receivedOnce({ eventType: 'CREDENTIAL_READY' });
      assertOk(await wallet.get(session, instances[0], { transactionId }));
      assert.equal((await push(gateway, instances[0])).json.outcome, 'NO_CHANGE');
      assert.equal((await push(gateway, instances[0], { version: 'pushed-2' })).json.effect, 'UPDATED');
      await peer.receivedOnce({ eventType: 'CREDENTIAL_UPDATE_AVAILABLE' });
      assert.equal(assertOk(await wallet.get(session, instances[0])).credentialVersion, 'pushed-2');
    });
    await peer.close();
  });

  test('is for a time: then the backend is asked', () =>
    withBackend('claims-push-over', {}, async ({ gateway, backend, wallet }) => {
      backend.behave(() => found());
      const { session, instances } = await approved({ wallet });
      const validUntil = new Date(Date.now() + 2000).toISOString();
      assert.equal((await push(gateway, instances[0], { validUntil })).status, 200);
      assert.equal(assertOk(await wallet.get(session, instances[0])).credentialVersion, 'pushed-1');
      await eventually('it is over', async () => {
        const { credentialVersion } = assertOk(await wallet.get(session, instances[0]));
        return credentialVersion === '7';
      });
    }));

  test('must be what a credential can be made of', () =>
    withBackend('claims-push-wrong', {}, async ({ gateway, wallet }) => {
      const { instances } = await approved({ wallet });
      const wrong = [
        { claims: { iss: 'https://evil.example' } },
        { claims: { address: { _sd: [] } } },
        { claims: [] },
        { version: 'not a token' },
        { version: '' },
        { validUntil: 'soon' },
      ];
      for (const dataset of wrong) {
        const { status } = await push(gateway, instances[0], dataset);
        assert.equal(status, 400, JSON.stringify(dataset));
      }
      assert.deepEqual(await rows(gateway, 'SELECT * FROM s2s.instance_dataset'), []);
    }));
});

test('one verification can approve several datasets: an instance for each, of which the backend is told whose it is', () => {
  const CARDS = ['card-1', 'card-2', 'card-3'];
  const edit = (config) => {
    const decided = { decision: 'webhook', decision_backend: 'registry', verification: undefined };
    Object.assign(config.credential_configurations.at(-1), decided);
  };
  return withBackend('claims-cards', { edit }, async ({ gateway, backend, wallet }) => {
    const datasets = CARDS.map((subject) => ({ credentialConfigurationId: CONFIGURATION, subject }));
    backend.behave(({ type, data }) =>
      type === 'verification.decide'
        ? { status: 200, body: { status: 'APPROVED', datasets } }
        : found({ version: String(CARDS.indexOf(data.subject)), claims: { ...CLAIMS, department: data.subject } }),
    );
    const { session, instances } = await approved({ wallet });
    assert.equal(instances.length, CARDS.length);
    for (const [i, instance] of instances.entries()) {
      const response = await wallet.get(session, instance);
      assert.equal(assertOk(response).credentialVersion, String(i));
      assert.equal((await opened(wallet, response, session)).claims.department, CARDS[i]);
    }
    const stored = JSON.stringify(await rows(gateway, 'SELECT * FROM s2s.instance, s2s.verification'));
    for (const subject of CARDS) assert.ok(!stored.includes(subject), 'subjects are pseudonyms and sealed names');
  });
});

describe('clients and processes that leave', () => {
  const leaving = (protocol) =>
    withBackend('claims-gone', { members: { timeout: '30s' } }, async ({ gateway, backend, wallet }) => {
      const { session, instances } = await approved({ wallet });
      let asked = 0;
      let left = 0;
      backend.server.on('connection', (socket) => socket.on('close', () => (left += 1)));
      backend.behave(() => {
        asked += 1;
        return null;
      });
      const caller = await gateway.connect({ protocol });
      const answer = caller.get(session, instances[0]).catch(() => 'gone');
      await eventually('the backend is asked', () => asked > 0);
      const from = gateway.logEnd;
      caller.close();
      await answer;
      await gateway.logged({ event: 'request', endpoint: 'credential_get' }, { from, timeoutMs: 5000 });
      await eventually('the question is taken back', () => left > 0);
    });

  test('a client that goes takes its question along, with HTTP/1.1', () => leaving('h1'));

  test('a client that goes takes its question along, with HTTP/2', () => leaving('h2'));

  test('a drain waits for the answer', () =>
    withBackend('claims-drain', {}, async ({ gateway, backend, wallet }) => {
      const { session, instances } = await approved({ wallet });
      backend.behave(() => ({ ...found(), delay: 1000 }));
      const asked = wallet.get(session, instances[0]);
      await sleep(300);
      const { status } = await gateway.stop();
      assert.equal(status, 0);
      assertOk(await asked);
    }));

  test('what would outlast a drain is over in time', () => {
    const edit = (config) => {
      config.limits.drain_timeout = '1s';
    };
    return withBackend('claims-cut', { members: { timeout: '30s' }, edit }, async ({ gateway, backend, wallet }) => {
      const { session, instances } = await approved({ wallet });
      backend.behave(() => null);
      const asked = wallet.get(session, instances[0]);
      await sleep(300);
      const { status, ms } = await gateway.stop();
      assert.equal(status, 0);
      assert.ok(ms < 8000, `${ms} ms`);
      assertProblem(await asked, 503, UNAVAILABLE);
    });
  });
});
