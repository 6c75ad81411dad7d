// SPDX-License-Identifier: Apache-2.0
//
// The operators' API: roles, decisions by people, instances one by one and in bulk, datasets, offers, deliveries, lists,
// the audit ledger. Every answer is held to docs/openapi/admin.json (lib/operator.mjs).

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { HttpClient } from '../../interop/lib/http.mjs';
import { otpItem } from '../../interop/lib/payloads.mjs';
import { assertOk, assertProblem, assertViolations, PROBLEM } from '../../interop/suite/support.mjs';
import { eventually, sql } from '../lib/bench.mjs';
import { callOut, offer as configure, rows } from '../lib/deliveries.mjs';
import { closing, Gateway, withGateway } from '../lib/gateway.mjs';
import { CheckedOperator, operatorsDocument, seenOperations, TOKENS, withTokens } from '../lib/operator.mjs';
import { Peer } from '../lib/peer.mjs';

const TYPE = 'urn:s2s-gateway:verification:';
const GRANT = 'urn:ietf:params:oauth:grant-type:pre-authorized_code';

const peer = await Peer.start('wallet');
const gateway = await Gateway.start('operators-api', {
  edit: (config) => {
    withTokens(config);
    callOut(config, { wallet: peer.url });
    config.limits.max_body = '64KiB';
    const asks = (id, item) => configure(config, id, { verification: { decision: 'approve', items: [item] } });
    asks('badge_offer', { id: 'code', type: `${TYPE}pre_authorized_code` });
    asks('badge_web', { id: 'web', type: `${TYPE}auth_on_web`, redirect_url: 'https://login.example/start' });
  },
});
const wallet = await gateway.connect();
const reader = CheckedOperator.of(gateway, 'read');
const reviewer = CheckedOperator.of(gateway, 'review');
const operator = CheckedOperator.of(gateway);
after(() => [peer, wallet, reader, reviewer, operator].forEach((it) => it.close()));

/** A session whose verification awaits a person, and that verification. */
async function underReview(options = {}) {
  const session = wallet.newSession();
  assertOk(await wallet.initiate(session, { configurations: ['badge_review'], ...options }));
  return { session, verification: await operator.waitForReview(session.verificationId) };
}

/** The newest entries of the audit ledger about a thing. */
const audited = (ref) => operator.all('/v1/audit', 'entries', { ref });

// --- what all routes share --------------------------------------------------------------------------------------------

const operations = operatorsDocument().operations;
const withIds = (path) => path.replace('{deadLetterId}', '999').replace('{jobId}', '999').replace(/\{\w+\}/g, () => randomUUID());

const REQUEST = { verificationDataItems: [{ id: 'otp-1', type: `${TYPE}otp`, required: true }] };

/** A body that each write takes. */
const BODIES = {
  admin_decide: () => ({ version: 1, decision: { status: 'DENIED', reasonCode: 'NO', deniedMessage: 'No.' } }),
  admin_request_info: () => ({ version: 1, verificationDataRequest: REQUEST }),
  admin_web_result: () => ({ state: 'x', outcome: 'SUCCESS' }),
  admin_instance_action: () => ({ action: 'UPDATED' }),
  admin_dataset_put: () => ({ version: '1', claims: {} }),
  admin_bulk_start: () => ({ action: 'UPDATED', filter: { instanceIds: [randomUUID()] } }),
  admin_offer_make: () => ({ credentialConfigurationIds: ['badge_offer'] }),
};

const call = (caller, { method, path, operationId }, options = {}) =>
  caller.request(method, withIds(path), { body: method === 'GET' ? undefined : (BODIES[operationId]?.() ?? {}), ...options });

/** The role that an operation needs. */
function roleOf({ method, operationId }) {
  if (['admin_verification_items', 'admin_decide', 'admin_request_info'].includes(operationId)) return 'review';
  return method === 'GET' ? 'read' : 'operate';
}

describe('who may call', () => {
  test('nobody without a token, nor with another one', async () => {
    for (const token of [null, 'guessed', `${TOKENS.operate}x`, TOKENS.operate.slice(1)])
      for (const operation of operations) {
        const answer = await call(operator, operation, { token });
        assertProblem(answer, 401, PROBLEM.blank);
        assert.match(answer.headers['www-authenticate'], /^Bearer\b/);
      }
  });

  test('each role what it is for, and what those before it are for', async () => {
    const roles = Object.keys(TOKENS);
    for (const operation of operations)
      for (const [rank, role] of roles.entries()) {
        const { status } = await call(operator, operation, { token: TOKENS[role] });
        const may = rank >= roles.indexOf(roleOf(operation));
        assert.equal(status === 403, !may, `${operation.operationId} by ${role}: ${status}`);
      }
  });

  test('nobody where there are no tokens; the probes stay open', async () => {
    await withGateway('operators-api-off', {}, async (other) => {
      const client = new CheckedOperator({ url: other.admin, token: TOKENS.operate, client: new HttpClient(undefined) });
      const { detail } = assertProblem(await HttpClient.prototype.request.call(client.client, `${other.admin}/v1/stats`), 404, PROBLEM.blank);
      assert.match(detail, /off/);
      assert.equal((await other.get('/healthz')).status, 200);
      client.close();
    });
  });
});

describe('what there is', () => {
  test('other paths: 404, other methods: 405', async () => {
    for (const path of ['/v1/', '/v1/nothing', '/v1/verifications/'])
      assertProblem(await operator.get(path), 404, PROBLEM.blank);
    for (const path of new Set(operations.map((it) => it.path)))
      assertProblem(await operator.request('DELETE', withIds(path)), 405, PROBLEM.blank);
  });

  test('things that nobody knows: 404', async () => {
    for (const operation of operations.filter(({ path }) => path.includes('{')))
      assertProblem(await call(operator, operation), 404, PROBLEM.notFound);
    for (const id of ['x', '-1', '1.5', '99999999999999999999'])
      assert.ok([400, 404].includes((await operator.post(`/v1/dead-letters/${id}/redrive`)).status), id);
  });

  test('bodies that are too large, of another type, or no object are refused', async () => {
    for (const { method, path } of operations.filter((it) => it.method !== 'GET')) {
      const send = (text, type = 'application/json') =>
        operator.client.request(operator.url + withIds(path), {
          method, body: text, headers: { authorization: `Bearer ${TOKENS.operate}`, 'content-type': type },
        });
      assert.equal((await send(JSON.stringify({ x: 'y'.repeat(70_000) }))).status, 413, path);
      assert.equal((await send('{}', 'text/plain')).status, 415, path);
      for (const text of ['{', '[]', '{"a":1,"a":1}']) assert.equal((await send(text)).status, 400, `${path} ${text}`);
    }
  });
});

// --- verifications ----------------------------------------------------------------------------------------------------

describe('a reviewer', () => {
  test('sees what the wallet gave, and is written down for it', async () => {
    const items = [otpItem('424242')];
    const serverItems = [{ id: 'risk', type: `${TYPE}risk_signals`, score: 7 }];
    const { verification } = await underReview({ items, serverItems });
    const shown = assertOk(await reviewer.items(verification.verificationId));
    const by = Object.fromEntries(shown.items.map(({ origin, item }) => [origin, item]));
    assert.equal(by.WALLET_CLIENT.otp, '424242');
    assert.equal(by.WALLET_SERVER.score, 7);
    const [entry] = await audited(verification.verificationId);
    assert.deepEqual([entry.who, entry.role, entry.action], ['admin:review', 'review', 'verification.items']);
    assert.doesNotMatch(gateway.logText(), /424242/);
  });

  test('decides, once: of many who have seen the same, one', async () => {
    const { session, verification } = await underReview();
    const approval = { status: 'APPROVED', subject: 'alice' };
    const denial = { status: 'DENIED', reasonCode: 'NOT_ELIGIBLE', deniedMessage: 'No.' };
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        (i % 2 ? reviewer : operator).decide(verification.verificationId, verification.version, i % 2 ? denial : approval),
      ),
    );
    const decided = answers.filter(({ status }) => status === 200);
    assert.equal(decided.length, 1, answers.map(({ status }) => status).join());
    for (const answer of answers.filter(({ status }) => status !== 200)) assertProblem(answer, 409, PROBLEM.wrongState);
    const { status } = assertOk(await wallet.status(session));
    assert.equal(status, decided[0].json.status);
    const decisions = (await audited(verification.verificationId)).filter(({ action }) => action === 'verification.decide');
    assert.equal(decisions.length, 1);
    assert.equal(decisions[0].detail.status, status);
  });

  test('does not decide what has changed since', async () => {
    const { session, verification } = await underReview({ items: [otpItem('1')] });
    assertOk(await wallet.supplement(session, { items: [otpItem('2')] }));
    await eventually('another version', async () => (await operator.waitForReview(session.verificationId)).version > verification.version);
    const answer = await reviewer.decide(session.verificationId, verification.version, { status: 'APPROVED' });
    assert.equal(assertProblem(answer, 409, PROBLEM.wrongState).currentStatus, 'PENDING');
  });

  test('is answered the same when the request is repeated', async () => {
    const { verification } = await underReview();
    const requestId = randomUUID();
    const decide = () => reviewer.decide(verification.verificationId, verification.version, { status: 'APPROVED' }, { requestId });
    const [first, second] = [await decide(), await decide()];
    assertOk(first);
    assert.equal(second.text, first.text);
    assert.equal(second.headers['idempotent-replayed'], 'true');
    assert.equal((await audited(verification.verificationId)).length, 1);
  });

  test('names the datasets: each is an instance', async () => {
    const { session, verification } = await underReview();
    const datasets = ['alice', 'default'].map((subject) => ({ credentialConfigurationId: 'badge_review', subject }));
    assertOk(await reviewer.decide(verification.verificationId, verification.version, { status: 'APPROVED', datasets }));
    const { CredentialInstances: groups } = assertOk(await wallet.provision(session));
    assert.equal(groups.flatMap((it) => it.credentialInstanceIds).length, 2);
    const ofAlice = await reader.all('/v1/instances', 'instances', { subject: 'alice', sessionId: session.sessionId });
    assert.equal(ofAlice.length, 1);
    const [{ count }] = await rows(gateway, "SELECT count(*) FROM s2s.instance WHERE subject_ref LIKE '%alice%'");
    assert.equal(count, 0, 'the database knows pseudonyms only');
  });

  test('rejects, denies, asks for more; what is left out is told', async () => {
    const { session, verification } = await underReview();
    const decide = (version, decision) => reviewer.decide(session.verificationId, version, decision);
    assertViolations(await decide(verification.version, { status: 'REJECTED' }), '/decision/*');
    assertViolations(await decide(verification.version, { status: 'APPROVED', subject: 'nobody' }), '/decision/subject');
    assertViolations(await decide(verification.version, { status: 'APPROVED', authorizedDeviceCount: 9 }), '/decision/*');
    assertViolations(
      await decide(verification.version, { status: 'APPROVED', credentialConfigurationIds: ['badge_auto'] }), '/decision/*');
    assertViolations(await decide(verification.version, { status: 'APPROVED', Subject: 'alice' }), '/decision');
    const asked = assertOk(await reviewer.requestInfo(session.verificationId, verification.version, REQUEST));
    assert.equal(asked.status, 'ADDITIONAL_INFO_REQUIRED');
    const { verificationDataRequest } = assertOk(await wallet.status(session));
    assert.equal(verificationDataRequest.verificationDataItems[0].id, 'otp-1');
    assertOk(await wallet.supplement(session, { items: [otpItem('1')] }));
    const again = await operator.waitForReview(session.verificationId);
    assertOk(await decide(again.version, { status: 'REJECTED', reasonCode: 'UNREADABLE', rejectedDetails: 'Blurred.' }));
    const told = assertOk(await wallet.status(session));
    assert.deepEqual([told.status, told.reasonCode, told.rejectedDetails], ['REJECTED', 'UNREADABLE', 'Blurred.']);
  });

  test('sees nothing of what is over', async () => {
    const { verification } = await underReview({ items: [otpItem('1')] });
    assertOk(await reviewer.decide(verification.verificationId, verification.version, { status: 'APPROVED' }));
    assert.deepEqual(assertOk(await reviewer.items(verification.verificationId)).items, []);
  });
});

describe('an authentication on the web', () => {
  test('ends with what is posted under its state', async () => {
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session, { configurations: ['badge_web'] }));
    const { verificationDataRequest } = await wallet.waitFor(session, 'ADDITIONAL_INFO_REQUIRED');
    const state = new URL(verificationDataRequest.verificationDataItems[0].redirect_url).searchParams.get('state');
    assertViolations(await operator.webResult(`${state}x`, 'SUCCESS'), '/state');
    assert.equal(assertOk(await operator.webResult(state, 'SUCCESS', { sub: 'secret-login' })).verificationId, session.verificationId);
    await wallet.waitFor(session, 'APPROVED');
    assertProblem(await operator.webResult(state, 'SUCCESS'), 409, PROBLEM.wrongState);
    const stored = await sql(gateway.database, "SELECT count(*) FROM s2s.answer WHERE body LIKE '%secret-login%'");
    assert.deepEqual(stored, ['0']);
  });
});

// --- instances --------------------------------------------------------------------------------------------------------

describe('instances', () => {
  test('are suspended, resumed, cancelled, and their wallets told', async () => {
    const { session, instances: [id] } = await wallet.approvedSession();
    const act = async (action, reason) => assertOk(await operator.act(id, action, { reason }));
    assert.equal((await act('SUSPEND', 'FRAUD')).instance.status, 'SUSPENDED_ISSUER');
    assert.equal((await act('SUSPEND')).outcome, 'NO_CHANGE');
    assert.equal(assertOk(await wallet.credentialStatus(session, id)).lastStatusChangeReason, 'FRAUD');
    assert.equal((await act('RESUME')).outcome, 'COMPLETED');
    assert.equal((await act('UPDATED')).outcome, 'COMPLETED');
    assert.equal((await act('CANCEL')).instance.status, 'CANCELLED');
    const failed = await act('SUSPEND');
    assert.deepEqual([failed.outcome, typeof failed.failureReason], ['FAILED', 'string']);
    await peer.received({ path: '/event/notify', credentialInstanceId: id });
    await peer.received({ path: '/credential/manage', credentialInstanceId: id, action: 'UNLINK' });
    assert.equal(assertOk(await reader.instance(id)).status, 'CANCELLED');
  });

  test('get what is pushed for them, which is stored sealed', async () => {
    const { session, instances: [id] } = await wallet.approvedSession();
    const path = `/v1/instances/${id}/dataset`;
    const claims = { employee_id: 'E-9', given_name: 'Pushed-Name', department: 'D' };
    assertViolations(await operator.put(path, { version: '2', claims: { iss: 'me' } }), '/claims');
    assert.equal(assertOk(await operator.put(path, { version: '2', claims })).outcome, 'COMPLETED');
    assert.equal(assertOk(await operator.put(path, { version: '2', claims })).outcome, 'NO_CHANGE');
    assert.equal(assertOk(await reader.instance(id)).dataset.version, '2');
    const answer = await wallet.get(session, id);
    assert.equal(assertOk(answer).credentialVersion, '2');
    const [{ credential }] = await wallet.openCredentials(answer, session.wek);
    assert.match(Buffer.from(credential.split('~')[0].split('.')[1], 'base64url').toString(), /E-9/);
    for (const table of ['answer', 'instance_dataset', 'audit'])
      assert.deepEqual(await sql(gateway.database, `SELECT count(*) FROM s2s.${table} t WHERE t::text LIKE '%Pushed-Name%'`), ['0'], table);
  });

  test('are acted on by the hundred, with progress', async () => {
    const sessions = await Promise.all(Array.from({ length: 12 }, () => wallet.approvedSession()));
    const ids = sessions.flatMap(({ instances }) => instances);
    const unknown = randomUUID();
    assertViolations(await operator.post('/v1/bulk', { action: 'SUSPEND', filter: {} }), '/filter*');
    const body = { action: 'SUSPEND', filter: { instanceIds: [...ids, unknown] }, reason: 'RECALL' };
    const { bulkId } = assertOk(await operator.post('/v1/bulk', body), 202);
    const done = await eventually('the end of it', async () => {
      const bulk = assertOk(await reader.get(`/v1/bulk/${bulkId}`));
      return bulk.status === 'DONE' && bulk;
    });
    assert.deepEqual([done.total, done.done, done.failed], [ids.length + 1, ids.length, 1]);
    assert.deepEqual(done.failures, [{ credentialInstanceId: unknown, reason: 'NOT_FOUND' }]);
    for (const id of ids) assert.equal(assertOk(await reader.instance(id)).status, 'SUSPENDED_ISSUER');
    assert.ok((await operator.all('/v1/bulk', 'bulks')).some((it) => it.bulkId === bulkId));
    assert.equal((await audited(ids[0])).at(0).detail.bulkId, bulkId);
  });
});

// --- offers -----------------------------------------------------------------------------------------------------------

describe('an offer', () => {
  const codeOf = (made) => made.credential_offer.grants[GRANT]['pre-authorized_code'];
  const make = async (wish = {}, options) =>
    assertOk(await operator.makeOffer({ credentialConfigurationIds: ['badge_offer'], ...wish }, options), 201);

  /** Redeem it; resolves to the status that the verification reaches. */
  async function redeem(code, txCode) {
    const session = wallet.newSession();
    const item = { id: 'code', type: `${TYPE}pre_authorized_code`, 'pre-authorized_code': code, tx_code: txCode };
    assertOk(await wallet.initiate(session, { configurations: ['badge_offer'], items: [item] }));
    return wallet.waitFor(session, ['APPROVED', 'REJECTED', 'ADDITIONAL_INFO_REQUIRED', 'DENIED']);
  }

  test('is redeemed once, and its codes are nowhere in the database', async () => {
    const made = await make({ subject: 'alice', tx_code: { description: 'By mail' } });
    assert.match(made.tx_code, /^\d{6}$/);
    assert.match(made.qr, /^<svg /);
    for (const table of ['answer', 'credential_offer', 'audit'])
      assert.deepEqual(
        await sql(gateway.database, `SELECT count(*) FROM s2s.${table} t WHERE t::text LIKE '%${codeOf(made)}%' OR t::text LIKE '%alice%'`),
        ['0'], table);
    assert.equal((await redeem(codeOf(made), '0'.repeat(5))).status, 'REJECTED');
    assert.equal(assertOk(await reader.offer(made.offer.offerId)).attemptsLeft, 2);
    assert.equal((await redeem(codeOf(made), made.tx_code)).status, 'APPROVED');
    assert.equal(assertOk(await reader.offer(made.offer.offerId)).state, 'USED');
    assert.notEqual((await redeem(codeOf(made), made.tx_code)).status, 'APPROVED');
  });

  test('has the same codes when its request is repeated', async () => {
    const requestId = randomUUID();
    const [first, second] = [await make({ tx_code: {} }, { requestId }), await make({ tx_code: {} }, { requestId })];
    assert.deepEqual(second, first);
  });

  test('by reference is a document for whoever has the link, until it is over', async () => {
    const { offer, credential_offer: document, credential_offer_uri: uri, deepLink } = await make({ byReference: true });
    assert.equal(new URL(deepLink).searchParams.get('credential_offer_uri'), uri);
    const browser = new HttpClient({ rejectUnauthorized: false });
    const url = `https://127.0.0.1:${gateway.ports.public}${new URL(uri).pathname}`;
    const answer = await browser.request(url);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json, document);
    assert.match(answer.headers['cache-control'], /no-store/);
    assert.equal((await browser.request(url, { method: 'POST' })).status, 405);
    assert.equal((await browser.request(`${url}x`)).status, 404);
    assert.equal(assertOk(await operator.revokeOffer(offer.offerId)).outcome, 'COMPLETED');
    assert.equal(assertOk(await operator.revokeOffer(offer.offerId)).outcome, 'NO_CHANGE');
    assert.equal((await browser.request(url)).status, 404);
    assert.notEqual((await redeem(codeOf({ credential_offer: document }))).status, 'APPROVED');
    browser.close();
  });

  test('that makes no sense is refused', async () => {
    const refused = async (wish, ...pointers) => assertViolations(await operator.makeOffer(wish), ...pointers);
    await refused({}, '/credentialConfigurationIds');
    await refused({ credentialConfigurationIds: ['nothing'] }, '/credentialConfigurationIds/0');
    await refused({ credentialConfigurationIds: ['badge_offer'], subject: 'nobody' }, '/subject');
    await refused({ credentialConfigurationIds: ['badge_offer'], peer: 'stranger' }, '/peer');
    await refused({ credentialConfigurationIds: ['badge_offer'], tx_code: { length: 1 }, lifetime: 0 }, '/tx_code/length', '/lifetime');
  });

  test('is found by its state, peer, subject', async () => {
    const { offer } = await make({ subject: 'alice', peer: 'other-wallet' });
    const found = await reader.all('/v1/offers', 'offers', { state: 'OPEN', peer: 'other-wallet', subject: 'alice' });
    assert.deepEqual(found.map(({ offerId }) => offerId), [offer.offerId]);
  });
});

// --- deliveries, lists, ledgers ---------------------------------------------------------------------------------------

describe('deliveries', () => {
  const refuse = { '*': { behaviour: 'answer', status: 400, body: '{}' } };
  const deadAbout = async (ref) =>
    (await operator.all('/v1/dead-letters', 'deadLetters', { peer: 'wallet' })).filter((it) => it.ref === ref);

  /** A verification of which the wallet did not want to hear. */
  async function deadLetter() {
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session));
    const [letter] = await eventually('a dead letter', async () => {
      const found = await deadAbout(session.verificationId);
      return found.length > 0 && found;
    });
    return letter;
  }

  test('that were given up are owed again, one or all', async () => {
    peer.behave(refuse);
    const letters = [await deadLetter(), await deadLetter(), await deadLetter()];
    peer.behave();
    peer.forget();
    assertOk(await operator.post(`/v1/dead-letters/${letters[0].deadLetterId}/redrive`));
    await peer.received({ path: '/verification/notify', verificationId: letters[0].ref });
    assert.deepEqual(assertOk(await operator.post('/v1/dead-letters/redrive', { peer: 'other-wallet' })), { redriven: 0 });
    assert.ok(assertOk(await operator.post('/v1/dead-letters/redrive', {})).redriven >= 2);
    for (const { ref } of letters) await peer.received({ path: '/verification/notify', verificationId: ref });
    for (const { ref } of letters) assert.deepEqual(await deadAbout(ref), []);
    const events = await reader.all('/v1/events', 'events', { ref: letters[0].ref });
    assert.deepEqual(events.map(({ event }) => event).filter((it) => it !== 'redriven').reverse().slice(0, 2), ['owed', 'given_up']);
    assert.equal(events[0].event, 'delivered');
  });

  test('that wait, their lanes, and the rest of what there is to do are shown', async () => {
    peer.behave({ '*': { behaviour: 'unavailable', retryAfter: 600 } });
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session));
    const [owed] = await eventually('a delivery that waits', async () => {
      const found = await operator.all('/v1/deliveries', 'deliveries', { ref: session.verificationId });
      return found[0]?.lastFailure && found;
    });
    assert.equal(owed.endpoint, '/verification/notify');
    assert.ok(assertOk(await reader.get('/v1/lanes')).lanes.some(({ peer: name, waiting }) => name === 'wallet' && waiting > 0));
    const stats = assertOk(await reader.get('/v1/stats'));
    assert.match(stats.audit.hash, /^[0-9a-f]{64}$/);
    assertOk(await reader.get('/v1/dead-jobs'));
    peer.behave();
    assertOk(await operator.post('/v1/reconciliations', { peer: 'wallet' }), 202);
    const [{ reconciliationId }] = await operator.all('/v1/reconciliations', 'reconciliations');
    await eventually('its end', async () => assertOk(await reader.get(`/v1/reconciliations/${reconciliationId}`)).finishedAt);
  });

  test('a job that was given up is taken up again', async () => {
    const { session } = await underReview();
    const [jobId] = await sql(gateway.database, `
      INSERT INTO s2s.job_dead (died_at, created_at, attempts, job_id, kind, lane, ref, error)
      VALUES (now(), now(), 3, 424242, 'evaluate', '', '${session.verificationId}', 'tested') RETURNING job_id`);
    assert.ok((await operator.all('/v1/dead-jobs', 'deadJobs')).some((job) => String(job.jobId) === jobId));
    assertOk(await operator.post(`/v1/dead-jobs/${jobId}/redrive`));
    assertProblem(await operator.post(`/v1/dead-jobs/${jobId}/redrive`), 404, PROBLEM.notFound);
  });
});

describe('lists', () => {
  const LISTS = {
    '/v1/verifications': ['verifications', 'verificationId'],
    '/v1/sessions': ['sessions', 'sessionId'],
    '/v1/instances': ['instances', 'credentialInstanceId'],
    '/v1/offers': ['offers', 'offerId'],
    '/v1/audit': ['entries', 'seq'],
    '/v1/events': ['events', undefined],
  };

  for (const [path, [member, id]] of Object.entries(LISTS)) {
    test(`${path}: small pages have what large ones have`, async () => {
      const [large, small] = [await reader.all(path, member), await reader.all(path, member, { limit: 3 })];
      assert.ok(large.length > 3);
      assert.deepEqual(small, large);
      if (id) assert.equal(new Set(large.map((it) => it[id])).size, large.length);
    });
  }

  test('take only cursors of their own, and sensible limits', async () => {
    for (const path of Object.keys(LISTS)) {
      assertViolations(await reader.get(path, { cursor: 'bm9uZQ' }), '/cursor');
      assertViolations(await reader.get(path, { limit: 0 }), '/limit');
      assertViolations(await reader.get(path, { limit: 201, colour: 'red' }), '/limit', '/colour');
    }
  });

  test('are filtered', async () => {
    const { session, verification } = await underReview();
    const find = async (query) => (await reader.all('/v1/verifications', 'verifications', query)).map((it) => it.verificationId);
    assert.deepEqual(await find({ sessionId: session.sessionId }), [verification.verificationId]);
    assert.ok((await find({ awaiting: true, configuration: 'badge_review' })).includes(verification.verificationId));
    assert.ok(!(await find({ status: 'APPROVED' })).includes(verification.verificationId));
    assert.deepEqual(await find({ peer: 'other-wallet' }), []);
    const whole = assertOk(await reader.get(`/v1/sessions/${session.sessionId}`));
    assert.equal(whole.verifications[0].verificationId, verification.verificationId);
  });
});

describe('the audit ledger', () => {
  test('has every change under its request id, and nothing that was refused', async () => {
    const { instances: [id] } = await wallet.approvedSession();
    const requestId = randomUUID();
    assertOk(await operator.post(`/v1/instances/${id}/actions`, { action: 'SUSPEND' }, { requestId }));
    await operator.post(`/v1/instances/${id}/actions`, { action: 'EXPLODE' });
    await reader.post(`/v1/instances/${id}/actions`, { action: 'CANCEL' });
    const entries = await audited(id);
    assert.deepEqual(entries.map((it) => [it.who, it.role, it.action, it.requestId]), [['admin:operate', 'operate', 'instance.suspend', requestId]]);
    assert.ok((await operator.all('/v1/audit', 'entries', { who: 'admin:operate' })).length > 0);
  });

  test('is a chain that fsck checks', async () => {
    const [{ seq }] = (await operator.get('/v1/audit', { limit: 1 })).json.entries;
    assert.equal((await operator.all('/v1/audit', 'entries')).length, seq, 'without gaps');
  });
});

test('every operation of the document was called, and answered as it says', () => {
  const never = operations.filter(({ operationId }) => ![...(seenOperations.get(operationId) ?? [])].some((it) => it < 300));
  assert.deepEqual(never.map(({ operationId }) => operationId), []);
});

closing(gateway, { expectedErrors: ['delivery_failed'] });
