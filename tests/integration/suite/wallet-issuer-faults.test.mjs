// SPDX-License-Identifier: Apache-2.0
//
// Issuers that misbehave towards the wallet: what is asked again and how, what the backend is shown, and that no other
// issuer's holders are made to wait.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { generateKey, keyData } from '../../interop/lib/keys.mjs';
import { assertOk, assertProblem, PROBLEM } from '../../interop/suite/support.mjs';
import { instanceIdOf } from '../../lib/peer-ids.mjs';
import { eventually, sql } from '../lib/bench.mjs';
import { events, hurry, lane, owed, rows, settled } from '../lib/deliveries.mjs';
import { closing } from '../lib/gateway.mjs';
import { begin, walletOf } from '../lib/played-issuers.mjs';
import { Peer } from '../lib/peer.mjs';

const TIMEOUT_MS = 2000;
const INITIATE = '/verification/initiate';
const POLL = '/verification/status';
const PROVISION = '/credential/provision';
const GET = '/credential/get';

// What an issuer may do instead of answering initiate: `failure` is what is noted of it. All are asked again.
const FAULTS = {
  unavailable: { control: { behaviour: 'unavailable', retryAfter: '' }, failure: 'HTTP 503' },
  broken: { control: { behaviour: 'answer', status: 500, body: '<html>' }, failure: 'HTTP 500' },
  'too-many': { control: { behaviour: 'answer', status: 429 }, failure: 'HTTP 429' },
  redirect: { control: 'redirect', failure: 'HTTP 307' },
  drop: { control: 'drop' },
  'reset-after-headers': { control: 'reset-after-headers' },
  hang: { control: 'hang', failure: /within 2000 ms/ },
  drip: { control: 'drip', failure: /within 2000 ms/ },
  huge: { control: 'huge', failure: 'the answer is too large' },
  'huge-announced': { control: { behaviour: 'huge', announced: true }, failure: 'the answer is too large' },
  'long-headers': { control: 'long-headers' },
  garbage: { control: 'malformed', failure: 'the answer is no JSON object' },
  'no-object': { control: { behaviour: 'answer', body: '[]' }, failure: 'the answer is no JSON object' },
  'empty-object': { control: { behaviour: 'answer', body: {} }, failure: 'the answer does not match its schema' },
  'odd-status': { control: { behaviour: 'answer', members: { status: 'MAYBE' } } },
  'no-verification': { control: { behaviour: 'answer', members: { verificationId: 17 } } },
  'no-content': { control: { behaviour: 'answer', status: 204, body: '' } },
  'other-session': { control: 'other-session', failure: 'the answer is for another session' },
  unauthorized: { control: 'unauthorized', failure: 'HTTP 401', blocked: true },
  forbidden: { control: 'forbidden', failure: 'HTTP 403', blocked: true },
};

const faulty = await Peer.start('faulty'); // all of them, told apart by the first part of the path
const good = await Peer.start('good');
const line = await Peer.start('line');
after(() => Promise.all([faulty, good, line].map((peer) => peer.close())));

const urls = { good: good.url, line: line.url };
for (const name of Object.keys(FAULTS)) urls[name] = `${faulty.url}/${name}`;
const gateway = await walletOf('issuer-faults', urls, {
  edit: (config) => Object.assign(config.outbound, { max_answer: '64KiB' }),
});
const app = gateway.app();

const id = ({ sessionId }) => sessionId;
const about = (session, path) => ({ path, sessionId: session.sessionId });
const shown = async (session) => assertOk(await app.issuance(session.sessionId));

/** The delivery to an endpoint about a session, once it has failed. */
const failedOnce = (session, endpoint = INITIATE) =>
  eventually('it has failed', async () => {
    const query = `SELECT * FROM s2s.delivery WHERE ref = '${id(session)}' AND endpoint = '${endpoint}'`;
    const [delivery] = await rows(gateway, query);
    return delivery?.last_failure && delivery;
  });

/** Hurry everything until the issuance has its instance. */
const provisioned = (session) =>
  eventually(
    'it is provisioned',
    async () => {
      await hurry(gateway);
      const { instances } = await shown(session);
      return instances.length > 0 && instances;
    },
    { pauseMs: 150 },
  );

describe('an initiate that is not answered as it should be', () => {
  const sessions = {};
  const delays = []; // of the good issuer's holders, meanwhile

  before(async () => {
    const controls = Object.entries(FAULTS).map(([name, { control }]) => [`/${name}${INITIATE}`, control]);
    faulty.behave(Object.fromEntries(controls));
    for (const name of Object.keys(FAULTS)) {
      sessions[name] = await begin(app, name);
      const began = Date.now();
      const session = await begin(app, 'good');
      await app.waitForStatus(id(session), ['PENDING', 'APPROVED']);
      delays.push(Date.now() - began);
    }
  });

  for (const [name, { failure = /./, blocked = false }] of Object.entries(FAULTS)) {
    test(`${name}: is noted, and nothing is believed`, async () => {
      const delivery = await failedOnce(sessions[name]);
      if (failure instanceof RegExp) assert.match(delivery.last_failure, failure);
      else assert.equal(delivery.last_failure, failure);
      assert.equal(delivery.attempts === 0, blocked);
      const issuance = await shown(sessions[name]);
      assert.equal(issuance.status, 'STARTING');
      assert.equal(issuance.verificationId, undefined);
      await gateway.logged({ event: 'delivery_failed', peer: name, verdict: blocked ? 'blocked' : 'retry' });
    });
  }

  test('no other issuer is kept waiting', () => {
    assert.ok(Math.max(...delays) < TIMEOUT_MS - 500, `${delays.join(', ')} ms`);
  });

  describe('is asked again as it was, and goes on', () => {
    before(() => faulty.behave());
    for (const name of Object.keys(FAULTS)) {
      test(name, async () => {
        const [instance] = await provisioned(sessions[name]);
        assert.equal(instance.credentialInstanceId, instanceIdOf(id(sessions[name])));
        const requests = faulty.requests(about(sessions[name], `/${name}${INITIATE}`));
        assert.ok(requests.length >= 2);
        assert.equal(new Set(requests.map(({ requestId }) => requestId)).size, 1);
        assert.equal(new Set(requests.map(({ body }) => body)).size, 1);
      });
    }
  });

  test('a redirect is never followed', () => assert.deepEqual(faulty.requests({ path: '/redirected' }), []));
});

describe('an initiate that is finally refused', () => {
  after(() => good.behave());

  const REFUSALS = { 400: PROBLEM.validation, 404: PROBLEM.notFound, 409: PROBLEM.consumed, 422: PROBLEM.reuse };
  for (const [code, type] of Object.entries(REFUSALS)) {
    const status = Number(code);
    test(`with ${status}: the issuance has FAILED, and the backend is shown why`, async () => {
      const problem = { type, title: 'No', status, detail: 'Because.', errorCode: 'NO', retryable: false, secret: 'x' };
      good.behave({ [INITIATE]: { behaviour: 'answer', status, body: problem } });
      const session = await begin(app, 'good');
      const issuance = await app.waitForStatus(id(session), 'FAILED');
      const { secret, ...members } = problem;
      assert.deepEqual(issuance.problem, members);
      await settled(gateway, id(session));
      assert.deepEqual(await events(gateway, id(session)), ['owed', 'delivered']);
      assert.equal(good.requests(about(session, INITIATE)).length, 1);
    });
  }

  test('without a problem that could be read: its status is shown', async () => {
    good.behave({ [INITIATE]: { behaviour: 'answer', status: 400, body: '<html>' } });
    const session = await begin(app, 'good');
    const { problem } = await app.waitForStatus(id(session), 'FAILED');
    assert.equal(problem.status, 400);
    assert.ok(!JSON.stringify(problem).includes('html'));
  });
});

describe('the time of the next attempt', () => {
  after(() => good.behave());
  const initiates = (session) => good.requests(about(session, INITIATE));

  test('after one 503: soon, the same request', async () => {
    good.behave({ [INITIATE]: { behaviour: 'unavailable-once', retryAfter: '' } });
    const session = await begin(app, 'good');
    await app.waitForInstances(id(session));
    const [first, second, ...more] = initiates(session);
    assert.deepEqual([second.requestId, more.length], [first.requestId, 0]);
    assert.ok(second.time - first.time < 2500, `${second.time - first.time} ms`);
  });

  test('Retry-After is honoured', async () => {
    good.behave({ [INITIATE]: { behaviour: 'unavailable-once', retryAfter: 2 } });
    const session = await begin(app, 'good');
    await app.waitForInstances(id(session));
    const [first, second] = initiates(session);
    assert.ok(second.time - first.time >= 2000, `${second.time - first.time} ms`);
  });

  test('an issuer that repeats a 5xx for ever under one id is asked under another after five (D17)', async () => {
    good.behave({ [INITIATE]: { behaviour: 'stuck', retryAfter: 60 } });
    const session = await begin(app, 'good');
    await provisioned(session);
    const ids = initiates(session).map(({ requestId }) => requestId);
    assert.equal(ids.length, 6);
    assert.equal(new Set(ids.slice(0, 5)).size, 1);
    assert.notEqual(ids[5], ids[0]);
    assert.equal((await lane(gateway, 'good')).failures, 0, 'the breaker is closed');
  });
});

describe('connections', () => {
  after(() => line.behave());

  test('an issuer that does not listen gets all when it is back', async () => {
    await line.close();
    const sessions = [await begin(app, 'line'), await begin(app, 'line')];
    await failedOnce(sessions[0]);
    await line.listen();
    for (const session of sessions) await provisioned(session);
  });

  for (const fault of ['drop', 'mute']) {
    test(`connections that are met by "${fault}"`, async () => {
      await line.close(); // or a connection of before would be used
      await line.listen();
      line.behave({ connection: fault });
      const session = await begin(app, 'line');
      await failedOnce(session);
      line.behave();
      await provisioned(session);
      assert.equal(line.requests(about(session, INITIATE)).length, 1);
    });
  }

  test('an issuer with a wrong certificate is told nothing', async () => {
    await line.close();
    await line.listen();
    line.behave({ connection: 'wrong-certificate' });
    const session = await begin(app, 'line');
    await eventually('the certificate is refused', async () => {
      const { last_failure: failure } = await failedOnce(session);
      return /certificate/i.test(failure);
    });
    assert.deepEqual(line.requests(about(session, INITIATE)), []);
    line.behave();
    await provisioned(session);
  });
});

describe('answers that cannot be right', () => {
  after(() => good.behave());

  /** What has failed at `path` meanwhile is noted as `failure`, and nothing is believed until the issuer is well. */
  async function notBelieved(path, control, failure) {
    good.behave({ [path]: control });
    const session = await begin(app, 'good');
    const delivery = await failedOnce(session, path);
    assert.match(delivery.last_failure, failure);
    const issuance = await shown(session);
    assert.deepEqual(issuance.instances, []);
    good.behave();
    const [instance] = await provisioned(session);
    assert.equal(instance.credentialInstanceId, instanceIdOf(id(session)));
    return issuance;
  }

  const SPOILED = {
    'a poll: another verification': [POLL, { verificationId: randomUUID() }, /another verification/],
    'a poll: a status that nobody knows': [POLL, { status: 'PERHAPS' }, /schema/],
    'a poll: no status': [POLL, { status: null }, /schema/],
    'a provision: nothing': [PROVISION, { CredentialInstances: [] }, /provisions nothing/],
    'a provision: no list': [PROVISION, { CredentialInstances: 'all' }, /schema/],
    'a provision: an id that is none': [
      PROVISION,
      { CredentialInstances: [{ credentialConfigurationId: 'badge_auto', credentialInstanceIds: [17] }] },
      /schema/,
    ],
  };
  for (const [what, [path, members, failure]] of Object.entries(SPOILED)) {
    test(what, async () => {
      const issuance = await notBelieved(path, { behaviour: 'answer', members }, failure);
      assert.equal(issuance.status, path === POLL ? 'PENDING' : 'APPROVED');
    });
  }

  test('a provision: the instance of another session stays where it is', async () => {
    const owner = await begin(app, 'good');
    const [{ credentialInstanceId: taken }] = await provisioned(owner);
    const foreign = [{ credentialConfigurationId: 'badge_auto', credentialInstanceIds: [taken] }];
    await notBelieved(PROVISION, { behaviour: 'answer', members: { CredentialInstances: foreign } }, /another session/);
    const instance = assertOk(await app.instance(taken));
    assert.equal(instance.sessionId, id(owner));
  });

  test('a provision: nor can another issuer take it', async () => {
    const owner = await begin(app, 'good');
    const [{ credentialInstanceId: taken }] = await provisioned(owner);
    const foreign = [{ credentialConfigurationId: 'badge_auto', credentialInstanceIds: [taken] }];
    line.behave({ [PROVISION]: { behaviour: 'answer', members: { CredentialInstances: foreign } } });
    const session = await begin(app, 'line');
    await failedOnce(session, PROVISION);
    assert.equal(assertOk(await app.instance(taken)).issuer, 'good');
    line.behave();
    await provisioned(session);
  });
});

const wek = generateKey('P-256', { alg: 'HPKE-0-KE', kid: 'wek', use: 'enc' });

describe('credentials', () => {
  after(() => good.behave());

  const request = { reason: 'PROVISIONING', walletEncryptionKey: keyData('WALLET_ENCRYPTION_KEY', wek) };

  async function instance() {
    const session = await begin(app, 'good');
    const [{ credentialInstanceId }] = await provisioned(session);
    return credentialInstanceId;
  }

  const gets = (instanceId) => good.requests({ path: GET, credentialInstanceId: instanceId });

  test('an answer without credentials is none', async () => {
    const instanceId = await instance();
    good.behave({ [GET]: { behaviour: 'answer', body: { credentialVersion: '1' } } });
    const { fetchId } = assertOk(await app.fetch(instanceId, request, { wait: 0 }), 202);
    const failed = async () => (await owed(gateway, fetchId))?.last_failure;
    assert.match(await eventually('it has failed', failed), /schema|no credentials/);
    good.behave();
    await hurry(gateway);
    assert.equal((await app.waitForFetch(fetchId)).status, 'READY');
  });

  for (const status of [400, 404, 409]) {
    test(`a refusal with ${status} ends the fetch, and says why`, async () => {
      const instanceId = await instance();
      const problem = { type: PROBLEM.wrongState, title: 'No', status, errorCode: 'NO', retryable: false };
      good.behave({ [GET]: { behaviour: 'answer', status, body: problem } });
      const fetch = assertOk(await app.fetch(instanceId, request));
      assert.equal(fetch.status, 'FAILED');
      assert.deepEqual(fetch.problem, problem);
      good.behave();
      const again = assertOk(await app.fetch(instanceId, request));
      assert.equal(again.status, 'READY');
      assert.notEqual(again.fetchId, fetch.fetchId);
    });
  }

  test('"not yet" is asked again, each time as a new request, not sooner than the issuer says', async () => {
    const instanceId = await instance();
    const pending = { status: 'PENDING', transaction_id: 't-1', interval: 1 };
    good.behave({ [GET]: { behaviour: 'answer', status: 202, headers: { 'retry-after': '1' }, body: pending } });
    const { fetchId } = assertOk(await app.fetch(instanceId, request, { wait: 0 }), 202);
    await eventually('three questions', () => gets(instanceId).length >= 3, { timeoutMs: 20_000 });
    good.behave();
    assert.equal((await app.waitForFetch(fetchId)).status, 'READY');
    const asked = gets(instanceId);
    assert.equal(new Set(asked.map(({ requestId }) => requestId)).size, asked.length);
    for (let i = 1; i < 3; i++) assert.ok(asked[i].time - asked[i - 1].time >= 900);
  });

  test('"not yet" without a transaction is no answer', async () => {
    const instanceId = await instance();
    good.behave({ [GET]: { behaviour: 'answer', status: 202, body: { status: 'PENDING' } } });
    const { fetchId } = assertOk(await app.fetch(instanceId, request, { wait: 0 }), 202);
    const failed = async () => (await owed(gateway, fetchId))?.last_failure;
    assert.match(await eventually('it has failed', failed), /schema/);
    good.behave();
    await hurry(gateway);
    assert.equal((await app.waitForFetch(fetchId)).status, 'READY');
  });
});

describe('what the backend asks on the spot', () => {
  after(() => good.behave());
  const METADATA = '/credential/metadata';
  const UNAVAILABLE = {
    type: 'urn:s2s-gateway:problem:unavailable',
    title: 'Unavailable',
    status: 503,
    instance: 'urn:uuid:6f1c1a3e-0f67-4d0e-9d8c-0a4f4f6f7a10',
    errorCode: 'UNAVAILABLE',
    retryable: true,
  };

  async function ask(control) {
    const session = await begin(app, 'good');
    const [{ credentialInstanceId }] = await provisioned(session);
    good.behave({ [METADATA]: control });
    const body = { walletEncryptionKey: keyData('WALLET_ENCRYPTION_KEY', wek) };
    const answer = await app.metadata(credentialInstanceId, body);
    good.behave();
    return answer;
  }

  test('a credential metadata that comes is passed on', async () => {
    assert.equal(assertOk(await ask('ok')).credentialMetadata.display[0].name, 'Badge');
  });

  for (const [fault, control, statuses] of [
    ['unavailable', 'unavailable', [503]],
    ['unavailable, and says so properly', { behaviour: 'answer', status: 503, body: UNAVAILABLE }, [503]],
    ['silent', 'hang', [504]],
    ['gone', 'drop', [502]],
    ['garbage', 'malformed', [502]],
    ['too much', 'huge', [502]],
    ['another session', 'other-session', [200, 502]],
  ]) {
    test(`an issuer that is ${fault} is a ${statuses.join(' or ')}`, async () => {
      const answer = await ask(control);
      assert.ok(statuses.includes(answer.status), `${answer.status} ${answer.text}`);
    });
  }

  for (const [status, retryable] of [
    [400, false],
    [404, false],
    [429, true],
    [503, true],
  ]) {
    test(`${status}, without what only this gateway's problems have, is passed on as one of those`, async () => {
      const said = { title: 'Not so', status };
      const answer = await ask({ behaviour: 'answer', status, body: said, headers: { 'retry-after': '7' } });
      const problem = assertProblem(answer, status, 'about:blank');
      assert.equal(problem.title, 'Not so');
      assert.equal(problem.retryable, retryable);
      assert.equal(answer.headers['retry-after'], '7');
    });
  }
});

describe("an issuer's metadata", () => {
  const WELL_KNOWN = '/.well-known/openid-credential-issuer';
  const asked = () => good.requests({ path: WELL_KNOWN });
  const state = async () => (await rows(gateway, `SELECT * FROM s2s.issuer_metadata WHERE issuer = 'good'`))[0];

  /** Have them fetched now; resolves when that has happened. */
  async function fetched() {
    const before = asked().length;
    await sql(gateway.database, `UPDATE s2s.issuer_metadata SET next_at = now(), lease = NULL WHERE issuer = 'good'`);
    await eventually('they are asked for', () => asked().length > before);
    await eventually('the answer is known', async () => (await state()).lease === null);
  }

  test('are asked for by their tag, and kept when they are the same', async () => {
    good.behave({ [WELL_KNOWN]: { behaviour: 'answer', headers: { etag: '"one"', 'cache-control': 'max-age=600' } } });
    await fetched();
    const { body } = await state();
    good.behave({ [WELL_KNOWN]: { behaviour: 'answer', status: 304, body: '' } });
    await fetched();
    assert.equal(asked().at(-1).headers['if-none-match'], '"one"');
    assert.equal((await state()).body, body);
    assert.equal((await state()).failure, null);
    good.behave();
  });

  for (const [fault, control] of Object.entries({
    unavailable: 'unavailable',
    garbage: 'malformed',
    'another issuer': { behaviour: 'answer', members: { credential_issuer: 'https://another.example' } },
    'no members of ours': { behaviour: 'answer', members: { s2s: undefined, credential_configurations_supported: 7 } },
    huge: 'huge',
  })) {
    test(`${fault}: the old ones stay, and the failure is shown`, async () => {
      good.behave();
      await fetched();
      const { body } = await state();
      good.behave({ [WELL_KNOWN]: control });
      await fetched();
      const now = await state();
      assert.equal(now.body, body);
      assert.ok(now.failure);
      const issuer = assertOk(await app.issuer('good'));
      assert.equal(issuer.failure, now.failure);
      assert.ok(issuer.metadata);
      good.behave();
      await fetched();
      assert.equal(assertOk(await app.issuer('good')).failure, undefined);
    });
  }
});

closing(gateway, { expectedErrors: ['delivery_failed'] });
