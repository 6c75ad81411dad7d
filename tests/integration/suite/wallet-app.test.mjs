// SPDX-License-Identifier: Apache-2.0
//
// The application API as the developer of a backend meets it: who may call, what is refused and how, lists, repeated
// requests, answers that wait, the ways to connect, and the document that describes it. What its routes do is in the
// other wallet-*.test.mjs; here is what all of them share.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { tlsIdentity } from '../../interop/lib/env.mjs';
import { HttpClient } from '../../interop/lib/http.mjs';
import { generateKey, keyData } from '../../interop/lib/keys.mjs';
import { assertOk, assertProblem, assertViolations, PROBLEM, UUID_PATTERN } from '../../interop/suite/support.mjs';
import { appDocument, seenOperations } from '../lib/app.mjs';
import { bench } from '../lib/bench.mjs';
import { hashOfToken } from '../lib/config.mjs';
import { withGateway } from '../lib/gateway.mjs';
import { closingPair, Pair } from '../lib/pair.mjs';

const UNAUTHORIZED = 'about:blank';

const pair = await Pair.start('app', {
  wallet: (config) => {
    config.wallet.app_tokens.push({ name: 'second', sha256: hashOfToken('another-token') });
    config.limits.max_body = '64KiB';
  },
});
const { app, client } = pair;
const second = pair.wallet.app({ token: 'another-token' });

const { session, instanceId } = await pair.active();

/** A path of the document with ids in it that nobody knows. */
const withIds = (path) => path.replace(/\{\w+\}/g, () => randomUUID());

/** A body that each POST takes. */
const BODIES = {
  app_session: () => ({}),
  app_issuance_start: () => client.startRequest(client.newSession()),
  app_supplement: () => client.supplementRequest(session, { items: [] }),
  app_cancel: () => ({ reason: 'HOLDER_ABORTED' }),
  app_fetch_start: () => client.fetchRequest(session, instanceId),
  app_metadata: () => client.metadataRequest(session),
  app_action: () => ({ action: 'SUSPEND' }),
  app_event: () => ({ eventType: 'KEY_ROTATED' }),
  app_lifecycle: () => ({ outcome: 'COMPLETED' }),
  app_reconcile: () => ({}),
};

const operations = appDocument().operations.filter(({ path }) => path.startsWith('/v1/'));
const posts = operations.filter(({ method }) => method === 'POST');

/** Call an operation about things that nobody knows. */
const callUnknown = async (caller, { method, path, operationId }, options = {}) =>
  caller.request(method, withIds(path), { body: await BODIES[operationId]?.(), ...options });

describe('who may call', () => {
  const STRANGERS = {
    'without a token': { token: null },
    'with a token that nobody has': { token: 'guessed' },
    'with a token that only begins right': { token: 'another-toke' },
    'with the hash of a token': { token: hashOfToken('another-token') },
    'with another scheme': { token: null, headers: { authorization: 'Basic YmFja2VuZDpzZWNyZXQ=' } },
    'with nothing after the scheme': { token: null, headers: { authorization: 'Bearer' } },
  };
  for (const [what, options] of Object.entries(STRANGERS)) {
    test(`nobody ${what}`, async () => {
      for (const operation of operations) {
        const answer = await callUnknown(app, operation, options);
        assertProblem(answer, 401, UNAUTHORIZED);
        assert.match(answer.headers['www-authenticate'], /^Bearer\b/);
      }
      assert.equal((await app.get('/v1/nothing', options)).status, 401, 'nor is told what there is');
    });
  }

  test('whoever has one of the tokens, and each has request ids of its own', async () => {
    const requestId = randomUUID();
    const [mine, theirs] = [await app.newSessionId({ requestId }), await second.newSessionId({ requestId })];
    assert.notEqual(assertOk(mine, 201).sessionId, assertOk(theirs, 201).sessionId);
  });
});

describe('what there is', () => {
  test('another path: 404', async () => {
    for (const path of ['/', '/v1', '/v1/', '/v2/issuances', '/v1/issuances/', '/v1/nothing', '/readyz', '/metrics'])
      assertProblem(await app.get(path), 404, PROBLEM.blank);
  });

  test('another method: 405, with those that there are', async () => {
    for (const path of new Set(operations.map((operation) => operation.path))) {
      const answer = await app.request('DELETE', withIds(path));
      assertProblem(answer, 405, PROBLEM.blank);
      const allowed = answer.headers.allow.split(/, */).filter((method) => method !== 'HEAD');
      const documented = operations.filter((operation) => operation.path === path).map(({ method }) => method);
      assert.deepEqual(allowed.sort(), documented.sort(), path);
    }
  });

  test('things that nobody knows: 404', async () => {
    for (const operation of operations.filter(({ path }) => path.includes('{')))
      assertProblem(await callUnknown(app, operation), 404, PROBLEM.notFound);
  });

  test('ids of any form are unknown, not wrong', async () => {
    for (const id of ['1', 'x'.repeat(256), 'ä', '%00', "';--"])
      assert.ok([400, 404].includes((await app.issuance(id)).status), id);
  });
});

describe('bodies', () => {
  test('of another type: 415', async () => {
    for (const operation of posts)
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', undefined]) {
        const headers = { 'content-type': type };
        assertProblem(await callUnknown(app, operation, { headers }), 415, PROBLEM.blank);
      }
  });

  test('too large: 413', async () => {
    const body = JSON.stringify({ filler: 'x'.repeat(70_000) });
    for (const { path } of posts) assertProblem(await app.post(withIds(path), body), 413, PROBLEM.blank);
  });

  test('that are no JSON object: 400', async () => {
    for (const { path } of posts)
      for (const body of ['{', '[]', '17', '{"a":1,"a":1}', Buffer.from([0x7b, 0xff, 0x7d])])
        assert.equal((await app.post(withIds(path), body)).status, 400, `${path} ${body}`);
  });

  test('all that is wrong is told at once', async () => {
    const start = { issuer: 7, sessionId: 'not-a-uuid', credentialConfigurationIds: [], walletSigningKeyData: {} };
    assertViolations(
      await app.start(start),
      '/issuer', '/sessionId', '/credentialConfigurationIds', '/walletSigningKeyData/*', '/verificationNonce',
    );
    assertViolations(await app.action(instanceId, 'EXPLODE', { reason: 7 }), '/action', '/reason');
    const event = { eventType: undefined, eventTimestamp: 'yesterday', triggeringRequestId: 'x', eventDetails: [] };
    assertViolations(
      await app.post(`/v1/instances/${instanceId}/events`, event),
      '/eventType', '/eventTimestamp', '/triggeringRequestId', '/eventDetails',
    );
    assertViolations(await app.fetch(instanceId, {}), '/reason', '/walletEncryptionKey');
    assertViolations(await app.cancel(session.sessionId, null), '/reason');
    assertViolations(await app.endLifecycle(randomUUID(), 'SCHEDULED'), '/outcome');
    const supplement = { verificationDataPayload: [] };
    assertViolations(await app.supplement(session.sessionId, supplement), '/verificationDataPayload');
  });

  test('private keys are refused here: they go no further', async () => {
    const privately = (keyData) => ({ ...keyData, client_public_key: { ...keyData.client_public_key, d: 'AAAA' } });
    const start = await client.startRequest(client.newSession());
    start.walletSigningKeyData = privately(start.walletSigningKeyData);
    assertViolations(await app.start(start), '/walletSigningKeyData/client_public_key');
    assert.equal((await app.issuance(start.sessionId)).status, 404);
    const walletEncryptionKey = privately(keyData('WALLET_ENCRYPTION_KEY', generateKey('P-256', { alg: 'HPKE-0-KE' })));
    const request = { reason: 'PROVISIONING', walletEncryptionKey };
    assertViolations(await app.fetch(instanceId, request), '/walletEncryptionKey/client_public_key');
    assertViolations(await app.metadata(instanceId, { walletEncryptionKey }), '/walletEncryptionKey/client_public_key');
  });

  test('an issuer that nobody knows is a violation too', async () => {
    const body = { ...(await client.startRequest(client.newSession())), issuer: 'somebody' };
    assertViolations(await app.start(body), '/issuer');
    assertViolations(await app.reconcile({ issuer: 'somebody' }), '/issuer');
  });

  test('none is needed where nothing is', async () => {
    assertOk(await app.post('/v1/sessions', ''), 201);
    assertOk(await app.request('POST', '/v1/sessions'), 201);
  });

  test('events that only issuers tell of are refused', async () => {
    for (const type of ['CREDENTIAL_READY', 'CREDENTIAL_UPDATE_AVAILABLE', 'DISPLAY_DATA_UPDATED'])
      assertViolations(await app.event(instanceId, type), '/eventType');
  });
});

describe('requests that are made twice', () => {
  const RESULTS = {
    'POST /v1/sessions': (requestId) => app.newSessionId({ requestId }),
    'POST …/actions': (requestId) => app.action(instanceId, 'RESUME', {}, { requestId }),
    'POST …/events': (requestId) => app.event(instanceId, 'KEY_ROTATED', {}, { requestId }),
  };
  for (const [what, ask] of Object.entries(RESULTS)) {
    test(`${what}: have one answer`, async () => {
      const requestId = randomUUID();
      const first = await ask(requestId);
      assert.ok(first.status < 300, first.text);
      assert.equal(first.headers['idempotent-replayed'], undefined);
      const again = await ask(requestId);
      assert.ok(again.body.equals(first.body));
      assert.equal(again.status, first.status);
      assert.equal(again.headers['idempotent-replayed'], 'true');
    });
  }

  test('a start and a fetch, too', async () => {
    const body = await client.startRequest(client.newSession());
    const requestId = randomUUID();
    const [first, again] = [await app.start(body, { requestId }), await app.start(body, { requestId })];
    assert.deepEqual([first.status, again.status], [202, 202]);
    assert.ok(again.body.equals(first.body));
    const fetch = await client.fetchRequest(session, instanceId);
    const id = randomUUID();
    const one = assertOk(await app.fetch(instanceId, fetch, { requestId: id, wait: 5 }));
    const other = await app.fetch(instanceId, fetch, { requestId: id, wait: 5 });
    assert.equal(other.json.fetchId, one.fetchId);
  });

  test('another request under a used id: 422', async () => {
    const requestId = randomUUID();
    assertOk(await app.event(instanceId, 'KEY_ROTATED', {}, { requestId }), 202);
    assertProblem(await app.event(instanceId, 'UPDATE_SUCCESS', {}, { requestId }), 422, PROBLEM.reuse);
    assertProblem(await app.action(instanceId, 'RESUME', {}, { requestId }), 422, PROBLEM.reuse);
  });

  test('an id that is no UUID: 400; none at all: one is made', async () => {
    assert.equal((await app.newSessionId({ requestId: 'seventeen' })).status, 400);
    const answer = await app.newSessionId({ requestId: undefined });
    assertOk(answer, 201);
    assert.match(answer.headers['x-request-id'], UUID_PATTERN);
  });
});

describe('lists', () => {
  /** Walk a list to its end, `limit` at a time; resolves to the pages. */
  async function pages(list, member, query) {
    const all = [];
    for (let cursor; ; ) {
      const page = assertOk(await list({ ...query, cursor }));
      all.push(page[member]);
      cursor = page.nextCursor;
      if (cursor === undefined) return all;
      assert.ok(all.length < 100, 'it ends');
    }
  }
  const issuances = (query) => app.issuances(query);
  const instances = (query) => app.instances(query);

  const started = [];
  test('some sessions', async () => {
    for (let i = 0; i < 7; i++) started.push(await pair.begin({ configurations: ['badge_review'] }));
    for (let i = 0; i < 3; i++) started.push(await pair.begin({ configurations: ['badge_deny'] }));
    for (const { sessionId } of started.slice(0, 7)) await app.waitForStatus(sessionId, 'PENDING');
    for (const { sessionId } of started.slice(7)) await app.waitForStatus(sessionId, 'DENIED');
  });

  test('issuances: newest first, page by page, each once', async () => {
    const found = await pages(issuances, 'issuances', { limit: 3 });
    for (const page of found.slice(0, -1)) assert.equal(page.length, 3);
    const ids = found.flat().map((it) => it.sessionId);
    assert.equal(new Set(ids).size, ids.length);
    const ours = started.map((it) => it.sessionId).reverse();
    assert.deepEqual(ids.slice(0, ours.length), ours);
    const whole = assertOk(await app.issuances({ limit: 200 }));
    assert.deepEqual(whole.issuances.map((it) => it.sessionId), ids);
    assert.equal(whole.nextCursor, undefined);
  });

  test('what comes meanwhile shifts nothing', async () => {
    const first = assertOk(await app.issuances({ limit: 2 }));
    await pair.begin({ configurations: ['badge_review'] });
    const next = assertOk(await app.issuances({ limit: 2, cursor: first.nextCursor }));
    const ours = started.map((it) => it.sessionId).reverse();
    assert.deepEqual([...first.issuances, ...next.issuances].map((it) => it.sessionId), ours.slice(0, 4));
  });

  test('issuances of one status, of one issuer, by its name or its identifier', async () => {
    const denied = (await pages(issuances, 'issuances', { limit: 2, status: 'DENIED' })).flat();
    assert.deepEqual(denied.map((it) => it.sessionId), started.slice(7).map((it) => it.sessionId).reverse());
    const all = (await pages(issuances, 'issuances', { limit: 200 })).flat().length;
    for (const issuer of ['issuer', pair.issuer.url])
      assert.equal((await pages(issuances, 'issuances', { issuer, limit: 200 })).flat().length, all);
    const both = (await pages(issuances, 'issuances', { issuer: 'issuer', status: 'PENDING', limit: 3 })).flat();
    assert.ok(both.length >= 7);
  });

  test('instances of a session, of a status', async () => {
    const { instances: made } = await pair.issued({ configurations: ['badge_auto', 'badge_slow'] });
    const { sessionId } = assertOk(await app.instance(made[0]));
    const ofSession = (await pages(instances, 'instances', { sessionId, limit: 1 })).flat();
    assert.deepEqual(ofSession.map((it) => it.credentialInstanceId).sort(), [...made].sort());
    const active = (await pages(instances, 'instances', { status: 'ACTIVE', limit: 1 })).flat();
    assert.deepEqual(active.map((it) => it.credentialInstanceId), [instanceId]);
    assert.deepEqual(assertOk(await app.instances({ sessionId: randomUUID() })).instances, []);
    assert.ok((await pages(instances, 'instances', { limit: 2 })).flat().length >= 3);
  });

  test('wrong parameters are told, all at once', async () => {
    assertViolations(await app.issuances({ limit: 0, status: 'MAYBE' }), '/limit', '/status');
    for (const limit of [201, -1, 'many', '1e3', '']) assertViolations(await app.instances({ limit }), '/limit');
    assertViolations(await app.issuances({ color: 'red' }), '/color');
    assertViolations(await app.get('/v1/issuances?limit=1&limit=2'), '/limit');
  });

  test('a cursor is taken from where it came, and nowhere else', async () => {
    for (const cursor of ['x', 'AAAA', Buffer.from('yesterday x').toString('base64url'), '%ff'])
      assertViolations(await app.issuances({ cursor }), '/cursor');
  });
});

describe('answers that wait (RFC 7240)', () => {
  const took = async (ask) => {
    const began = Date.now();
    const answer = await ask();
    return { answer, ms: Date.now() - began };
  };

  test('a start is answered when it has settled', async () => {
    const body = await client.startRequest(client.newSession());
    const answer = await app.start(body, { wait: 10 });
    assert.equal(assertOk(answer).status, 'APPROVED');
    assert.equal(answer.headers['preference-applied'], 'wait=10');
  });

  test('or when the time is over', async () => {
    const body = await client.startRequest(client.newSession(), { configurations: ['badge_review'] });
    const { answer, ms } = await took(() => app.start(body, { wait: 1 }));
    assert.equal(answer.json.status, 'PENDING', answer.text);
    assert.ok(ms >= 950 && ms < 5000, `${ms} ms`);
  });

  test('without the preference a start and an issuance are answered at once', async () => {
    const waiting = await pair.begin({ configurations: ['badge_review'] });
    const { answer, ms } = await took(() => app.issuance(waiting.sessionId));
    assertOk(answer);
    assert.ok(ms < 900, `${ms} ms`);
    assert.equal(answer.headers['preference-applied'], undefined);
  });

  test('an issuance that changes meanwhile is answered then', async () => {
    const waiting = await pair.begin({ configurations: ['badge_review'] });
    await app.waitForStatus(waiting.sessionId, 'PENDING');
    const asking = took(() => app.issuance(waiting.sessionId, { wait: 20 }));
    assertOk(await second.cancel(waiting.sessionId), 202);
    const { answer, ms } = await asking;
    assert.equal(assertOk(answer).status, 'DENIED');
    assert.ok(ms < 10_000, `${ms} ms`);
  });

  test('a fetch that waits is 202, whoever asks for it', async () => {
    const { session: slow, instances } = await pair.issued({ configurations: ['badge_slow'] });
    const body = await client.fetchRequest(slow, instances[0]);
    const { fetchId } = assertOk(await app.fetch(instances[0], body, { wait: 0 }), 202);
    assertOk(await app.fetchResult(fetchId), 202);
    const answer = await app.fetchResult(fetchId, { wait: 20 });
    assert.equal(assertOk(answer).status, 'READY');
  });

  test('a preference that makes no sense is none', async () => {
    for (const prefer of ['wait', 'wait=soon', 'wait=-1', 'respond-async', 'wait=99999999999999999999']) {
      const answer = await app.issuance(session.sessionId, { headers: { prefer } });
      assertOk(answer);
    }
  });
});

describe('issuers', () => {
  test('are listed, with what is known of their metadata', async () => {
    const { issuers } = assertOk(await app.issuers());
    assert.equal(issuers.length, 1);
    const [issuer] = issuers;
    assert.deepEqual([issuer.issuer, issuer.credentialIssuer], ['issuer', pair.issuer.url]);
    assert.ok(Date.parse(issuer.expiresAt) > Date.parse(issuer.fetchedAt));
  });

  test('are shown by name and by identifier, with the keys that a wallet client encrypts to', async () => {
    for (const name of ['issuer', pair.issuer.url]) {
      const issuer = assertOk(await app.issuer(name));
      assert.equal(issuer.metadata.credential_issuer, pair.issuer.url);
      assert.deepEqual(issuer.encryptionKeys, issuer.metadata.s2s.issuer_encryption_jwks);
      assert.ok(issuer.metadata.credential_configurations_supported.badge_auto);
    }
    assertProblem(await app.issuer('https://nobody.example/issuer'), 404, PROBLEM.notFound);
  });
});

test('HEAD is GET without a body', async () => {
  const answer = await app.request('HEAD', `/v1/issuances/${session.sessionId}`);
  assert.equal(answer.status, 200);
  assert.equal(answer.text, '');
});

describe('ways to connect', () => {
  const askOver = async (gateway, url, transport) => {
    const caller = gateway.app({ url, client: transport });
    assertOk(await caller.newSessionId(), 201);
    assertProblem(await caller.newSessionId({ token: 'guessed' }), 401, UNAUTHORIZED);
    caller.close();
  };

  test('a Unix socket', () => {
    const edit = (config, gateway) => {
      config.listeners.app = { socket: gateway.path('app.sock') };
    };
    return withGateway('app-socket', { role: 'wallet', edit }, async (gateway) => {
      await askOver(gateway, 'http://localhost', new HttpClient(undefined, { socketPath: gateway.path('app.sock') }));
      await gateway.stop();
      await gateway.serve(); // over what the last one has left
      await askOver(gateway, 'http://localhost', new HttpClient(undefined, { socketPath: gateway.path('app.sock') }));
    });
  });

  test('mutual TLS', () => {
    const edit = (config, { ports }) => {
      const tls = { certificate: 'pki/server.crt', key: 'pki/server.key', client_ca: ['pki/ca.crt'] };
      config.listeners.app = { address: '127.0.0.1', port: ports.app, ...tls };
    };
    return withGateway('app-tls', { role: 'wallet', edit }, async (gateway) => {
      const url = `https://127.0.0.1:${gateway.ports.app}`;
      for (const protocol of ['h1', 'h2'])
        await askOver(gateway, url, new HttpClient(tlsIdentity(bench, 'WALLET'), { protocol }));
      const anonymous = gateway.app({ url, client: new HttpClient(tlsIdentity(bench)) });
      await assert.rejects(anonymous.newSessionId());
      anonymous.close();
    });
  });
});

test('every operation of the document was called, and gave answers that the document has', async () => {
  assertOk(await app.metadata(instanceId, await client.metadataRequest(session)));
  const waiting = await pair.begin({ configurations: ['badge_info'] });
  assertOk(await pair.supplement(waiting, '123456'), 202);
  await app.waitForInstances(waiting.sessionId);
  const { reconciliationId } = assertOk(await app.reconcile({ credentialInstanceId: instanceId }), 202);
  assertOk(await app.reconciliation(reconciliationId));
  assertOk(await app.instances());
  // Somebody must have asked for it, which is in wallet-webhooks.test.mjs.
  const elsewhere = ['app_lifecycle'];
  for (const { operationId } of operations) {
    const statuses = [...(seenOperations.get(operationId) ?? [])];
    const served = statuses.some((status) => status < 300) || elsewhere.includes(operationId);
    assert.ok(served, `${operationId}: ${statuses.join(', ') || 'not called'}`);
  }
  second.close();
});

closingPair(pair);
