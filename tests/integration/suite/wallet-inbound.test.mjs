// SPDX-License-Identifier: Apache-2.0
//
// The wallet's four endpoints, called by issuers that are played: what they may do, whom they may do it to, and that
// nothing is done twice.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { publicJwk } from '../../interop/lib/keys.mjs';
import { tlsIdentity } from '../../interop/lib/env.mjs';
import { verificationIdOf } from '../../lib/peer-ids.mjs';
import { assertOk, assertProblem, assertViolations, PROBLEM } from '../../interop/suite/support.mjs';
import { bench } from '../lib/bench.mjs';
import { ledger, rows } from '../lib/deliveries.mjs';
import { closing } from '../lib/gateway.mjs';
import {
  begin, certify, held, issuerCaller, opened, verificationStatus, WALLET_PATHS as PATHS, walletOf,
} from '../lib/played-issuers.mjs';
import { Peer } from '../lib/peer.mjs';

const server = await Peer.start('issuer');
const otherServer = await Peer.start('other-issuer');
after(() => Promise.all([server.close(), otherServer.close()]));

// Nothing but the issuers' calls moves anything.
const gateway = await walletOf('inbound', { issuer: server.url, 'other-issuer': otherServer.url }, {
  edit: (config) => {
    config.wallet.poll.enabled = false;
    config.limits.max_body = '64KiB';
  },
});
const app = gateway.app();
const issuer = issuerCaller(gateway);
const otherIssuer = issuerCaller(gateway, { tls: await certify(gateway, 'other-issuer'), protocol: 'h2' });
const stranger = issuerCaller(gateway, { tls: tlsIdentity(bench, 'STRANGER') });
const walletServer = issuerCaller(gateway, { tls: tlsIdentity(bench, 'WALLET') });
after(() => [app, issuer, otherIssuer, stranger, walletServer].forEach((caller) => caller.close()));

const ref = ({ session, instanceId }, members) => ({
  sessionId: session.sessionId,
  credentialInstanceId: instanceId,
  ...members,
});
const event = (thing, eventType, members = {}) =>
  ref(thing, { eventType, eventTimestamp: new Date().toISOString(), ...members });
const instanceOf = async ({ instanceId }) => assertOk(await app.instance(instanceId));
const statusOf = async (thing) => (await instanceOf(thing)).status;
const confirm = async (thing) => assertOk(await app.event(thing.instanceId, 'PROVISIONING_SUCCESS'), 202);
const manage = async (thing, action, caller = issuer) =>
  assertOk(await caller.call(PATHS.manage, ref(thing, { action, reason: 'TESTED' })));

/** An instance that is ACTIVE here. */
async function active() {
  const thing = await held(app, issuer);
  await confirm(thing);
  assert.equal(await statusOf(thing), 'ACTIVE');
  return thing;
}

/** A good request for each endpoint about a thing. */
const REQUESTS = {
  notify: ({ session }) => verificationStatus(session, 'APPROVED'),
  status: (thing) => ref(thing),
  manage: (thing) => ref(thing, { action: 'SUSPEND' }),
  event: (thing) => event(thing, 'CREDENTIAL_UPDATE_AVAILABLE'),
};

describe('whose session it is', () => {
  for (const [name, request] of Object.entries(REQUESTS)) {
    test(`${name}: another issuer is told that there is none, as about one that does not exist`, async () => {
      const thing = await active();
      const refused = assertProblem(await otherIssuer.call(PATHS[name], request(thing)), 404, PROBLEM.notFound);
      const nobody = {
        session: { sessionId: randomUUID(), verificationId: randomUUID() },
        instanceId: randomUUID(),
      };
      const unknown = assertProblem(await issuer.call(PATHS[name], request(nobody)), 404, PROBLEM.notFound);
      assert.deepEqual({ ...refused, instance: '' }, { ...unknown, instance: '' });
      assert.equal(await statusOf(thing), 'ACTIVE');
      assert.equal((await instanceOf(thing)).updateAvailable, false);
      assertOk(await issuer.call(PATHS[name], request(thing)));
    });

    test(`${name}: strangers, and peers that are no issuers, are not let in`, async () => {
      const thing = await active();
      for (const caller of [stranger, walletServer])
        assertProblem(await caller.call(PATHS[name], request(thing)), 403, PROBLEM.unknownPeer);
    });
  }

  test('an instance of another session is none of this one', async () => {
    const [one, other] = [await active(), await active()];
    const mixed = { session: one.session, instanceId: other.instanceId };
    for (const name of ['status', 'manage', 'event'])
      assertProblem(await issuer.call(PATHS[name], REQUESTS[name](mixed)), 404, PROBLEM.notFound);
  });

  test('a verification of another session is none of this one', async () => {
    const [one, other] = [await opened(app, 'issuer'), await opened(app, 'issuer')];
    const mixed = { sessionId: one.sessionId, verificationId: other.verificationId };
    assertProblem(await issuer.call(PATHS.notify, verificationStatus(mixed, 'APPROVED')), 404, PROBLEM.notFound);
  });

  test("the issuer's endpoints are not the wallet's", async () => {
    for (const path of ['/verification/initiate', '/verification/status', '/credential/get', '/credential/provision'])
      assertProblem(await issuer.call(path, {}), 404, PROBLEM.blank);
  });
});

describe('a request that is made twice', () => {
  for (const [name, request] of Object.entries(REQUESTS)) {
    test(`${name}: gets the same answer, and does nothing twice`, async () => {
      const thing = await active();
      const [requestId, body] = [randomUUID(), request(thing)];
      const first = await issuer.call(PATHS[name], body, { requestId });
      assertOk(first);
      assert.equal(first.headers['idempotent-replayed'], undefined);
      const owedBefore = (await ledger(gateway, thing.instanceId)).length;
      const again = await issuer.call(PATHS[name], body, { requestId });
      assert.ok(again.body.equals(first.body));
      assert.equal(again.headers['idempotent-replayed'], 'true');
      assert.equal((await ledger(gateway, thing.instanceId)).length, owedBefore);
      const reused = await issuer.call(PATHS[name], { ...body, extensions: { other: 1 } }, { requestId });
      assertProblem(reused, 422, PROBLEM.reuse);
    });
  }

  test('manage: gets its old answer also when the state has gone on', async () => {
    const thing = await active();
    const [requestId, body] = [randomUUID(), ref(thing, { action: 'SUSPEND' })];
    const first = await issuer.call(PATHS.manage, body, { requestId });
    await manage(thing, 'RESUME');
    const again = await issuer.call(PATHS.manage, body, { requestId });
    assert.ok(again.body.equals(first.body));
    assert.equal(await statusOf(thing), 'ACTIVE');
  });

  test('two at once have one effect and one answer', async () => {
    const thing = await active();
    const [requestId, body] = [randomUUID(), ref(thing, { action: 'SUSPEND' })];
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => issuer.call(PATHS.manage, body, { requestId })),
    );
    for (const answer of answers) assert.equal(assertOk(answer).outcome, 'COMPLETED');
    assert.equal(answers.filter(({ headers }) => headers['idempotent-replayed'] === undefined).length, 1);
  });

  test('the request ids of two issuers are their own', async () => {
    const requestId = randomUUID();
    const mine = await active();
    const theirs = await held(app, otherIssuer, 'other-issuer');
    assertOk(await issuer.call(PATHS.status, ref(mine), { requestId }));
    const answer = await otherIssuer.call(PATHS.status, ref(theirs), { requestId });
    assertOk(answer);
    assert.equal(answer.headers['idempotent-replayed'], undefined);
  });
});

describe('what every request must keep', () => {
  const WRONG = {
    'no version': [{ headers: { 'api-version': undefined } }, 400, PROBLEM.version],
    'a version of the future': [{ headers: { 'api-version': '9.0.0' } }, 400, PROBLEM.version],
    'no request id': [{ requestId: undefined, headers: { 'x-request-id': undefined } }, 400],
    'a request id that is no UUID': [{ requestId: 'seventeen' }, 400],
    'another content type': [{ headers: { 'content-type': 'text/plain' } }, 415],
    'another method': [{ method: 'PUT' }, 405],
  };
  for (const [what, [options, status, type]] of Object.entries(WRONG)) {
    test(what, async () => {
      const thing = await active();
      for (const [name, request] of Object.entries(REQUESTS)) {
        const answer = await issuer.call(PATHS[name], request(thing), options);
        assert.equal(answer.status, status, answer.text);
        if (type) assertProblem(answer, status, type);
        if (status === 405) assert.equal(answer.headers.allow, 'POST');
      }
      assert.equal(await statusOf(thing), 'ACTIVE');
    });
  }

  test('bodies that are not JSON, no object, or too large', async () => {
    for (const path of Object.values(PATHS)) {
      for (const body of ['', '{"sessionId":', '[]', '"text"', '{"a":1,"a":2}'])
        assert.equal((await issuer.call(path, body)).status, 400, body);
      assert.equal((await issuer.call(path, JSON.stringify({ filler: 'x'.repeat(70_000) }))).status, 413);
    }
  });

  test('all that is wrong with a body is told at once', async () => {
    const answer = await issuer.call(PATHS.manage, { action: 'EXPLODE', sessionId: 7 });
    assertViolations(answer, '/action', '/sessionId', '/credentialInstanceId');
    const notify = await issuer.call(PATHS.notify, { status: 'MAYBE', verificationId: true });
    assertViolations(notify, '/status', '/verificationId', '/sessionId');
    const noted = await issuer.call(PATHS.event, { eventTimestamp: 'yesterday' });
    assertViolations(noted, '/eventType', '/eventTimestamp', '/sessionId', '/credentialInstanceId');
  });
});

describe('/verification/notify', () => {
  const shown = async ({ sessionId }) => assertOk(await app.issuance(sessionId));

  test('brings every status, with its members', async () => {
    const session = await opened(app, 'issuer');
    const request = {
      verificationDataItems: [{ type: 'urn:s2s-gateway:verification:otp', id: 'otp-1', required: true }],
      maxAttempts: 3,
    };
    const steps = [
      ['ADDITIONAL_INFO_REQUIRED', { verificationDataRequest: request }],
      ['REJECTED', { reasonCode: 'OTP_MISMATCH', rejectedDetails: 'Once more.' }],
      ['PENDING', {}],
      ['DENIED', { reasonCode: 'NOT_ELIGIBLE', deniedMessage: 'No.' }],
    ];
    for (const [status, members] of steps) {
      const answer = await issuer.call(PATHS.notify, verificationStatus(session, status, members));
      const { sessionId, verificationId } = session;
      assert.deepEqual(assertOk(answer), { sessionId, verificationId });
      const issuance = await shown(session);
      assert.equal(issuance.status, status);
      assert.deepEqual(issuance.verification, { sessionId, verificationId, status, ...members });
    }
  });

  for (const [status, members] of Object.entries({
    APPROVED: { credentialConfigurationIds: ['badge_auto'] },
    REJECTED: { reasonCode: 'X' },
    DENIED: { reasonCode: 'X', deniedMessage: 'No.' },
    ADDITIONAL_INFO_REQUIRED: { verificationDataRequest: { verificationDataItems: [] } },
  })) {
    test(`${status} without what belongs to it is refused, and changes nothing`, async () => {
      const session = await opened(app, 'issuer');
      const { sessionId, verificationId } = session;
      for (const missing of Object.keys(members)) {
        const body = { sessionId, verificationId, status, ...members, [missing]: undefined };
        assert.deepEqual(assertViolations(await issuer.call(PATHS.notify, body)), [`/${missing}`]);
      }
      const bare = await issuer.call(PATHS.notify, { sessionId, verificationId, status, extensions: 1 });
      const pointers = [...Object.keys(members).map((name) => `/${name}`), '/extensions'];
      assert.deepEqual(assertViolations(bare).sort(), pointers.sort());
      assert.equal((await shown(session)).status, 'PENDING');
    });
  }

  test('an approval is followed by the provisioning, once', async () => {
    const { session, instanceId } = await held(app, issuer);
    for (let i = 0; i < 3; i++)
      assertOk(await issuer.call(PATHS.notify, verificationStatus(session, 'APPROVED')));
    const { instances } = await shown(session);
    assert.deepEqual(instances.map((it) => it.credentialInstanceId), [instanceId]);
    assert.equal(server.requests({ path: '/credential/provision', sessionId: session.sessionId }).length, 1);
  });

  for (const final of ['APPROVED', 'DENIED', 'EXPIRED']) {
    test(`what comes after ${final} changes nothing`, async () => {
      const session = await opened(app, 'issuer');
      const denied = { reasonCode: 'X', deniedMessage: 'No.' };
      const members = { DENIED: denied };
      assertOk(await issuer.call(PATHS.notify, verificationStatus(session, final, members[final])));
      for (const later of ['PENDING', 'APPROVED', 'DENIED', 'EXPIRED'])
        assertOk(await issuer.call(PATHS.notify, verificationStatus(session, later, members[later])));
      const issuance = await shown(session);
      assert.equal(issuance.status, final);
      assert.equal(issuance.verification.status, final);
    });
  }

  test('may come sooner than the answer to initiate', async () => {
    server.behave({ '/verification/initiate': { behaviour: 'ok', delay: 1000 } });
    const session = await begin(app);
    const sent = { path: '/verification/initiate', sessionId: session.sessionId };
    await server.received(sent);
    server.behave();
    session.verificationId = verificationIdOf(session.sessionId);
    assertOk(await issuer.call(PATHS.notify, verificationStatus(session, 'APPROVED')));
    await app.waitForInstances(session.sessionId);
    assert.equal((await shown(session)).status, 'APPROVED');
    assert.equal(server.requests(sent).length, 1);
  });
});

describe('/credential/manage', () => {
  const STATES = {
    IN_PROCESS: () => held(app, issuer),
    ACTIVE: active,
    SUSPENDED_ISSUER: async () => {
      const thing = await active();
      await manage(thing, 'SUSPEND');
      return thing;
    },
    SUSPENDED_WALLET: async () => {
      const thing = await active();
      assertOk(await app.action(thing.instanceId, 'SUSPEND'));
      return thing;
    },
    UNLINKED: async () => {
      const thing = await active();
      assertOk(await app.action(thing.instanceId, 'UNLINK'));
      return thing;
    },
    CANCELLED: async () => {
      const thing = await active();
      await manage(thing, 'UNLINK');
      return thing;
    },
  };
  // From each state, as the application sees it, what each action of an issuer comes to: outcome and status.
  const GRID = {
    IN_PROCESS: {
      SUSPEND: ['COMPLETED', 'SUSPENDED_ISSUER'],
      RESUME: ['NO_CHANGE', 'IN_PROCESS'],
      UNLINK: ['COMPLETED', 'CANCELLED'],
    },
    ACTIVE: {
      SUSPEND: ['COMPLETED', 'SUSPENDED_ISSUER'],
      RESUME: ['NO_CHANGE', 'ACTIVE'],
      UNLINK: ['COMPLETED', 'CANCELLED'],
    },
    SUSPENDED_ISSUER: {
      SUSPEND: ['NO_CHANGE', 'SUSPENDED_ISSUER'],
      RESUME: ['COMPLETED', 'ACTIVE'],
      UNLINK: ['COMPLETED', 'CANCELLED'],
    },
    SUSPENDED_WALLET: {
      SUSPEND: ['COMPLETED', 'SUSPENDED_ISSUER'],
      RESUME: ['FAILED', 'SUSPENDED_WALLET'],
      UNLINK: ['COMPLETED', 'CANCELLED'],
    },
    UNLINKED: {
      SUSPEND: ['FAILED', 'UNLINKED'],
      RESUME: ['FAILED', 'UNLINKED'],
      UNLINK: ['NO_CHANGE', 'CANCELLED'],
    },
    CANCELLED: {
      SUSPEND: ['FAILED', 'CANCELLED'],
      RESUME: ['FAILED', 'CANCELLED'],
      UNLINK: ['NO_CHANGE', 'CANCELLED'],
    },
  };
  // What an issuer has taken back is to it what it asked for.
  const told = (status) => (status === 'CANCELLED' ? 'UNLINKED' : status);
  for (const [state, actions] of Object.entries(GRID)) {
    test(`from ${state}`, async () => {
      for (const [action, [outcome, status]] of Object.entries(actions)) {
        const thing = await STATES[state]();
        const answer = await manage(thing, action);
        const { failureReason, ...members } = answer;
        const { sessionId, credentialInstanceId } = ref(thing);
        const statuses = { previousStatus: told(state), currentStatus: told(status) };
        assert.deepEqual(members, { sessionId, credentialInstanceId, ...statuses, outcome }, action);
        const { currentStatus } = assertOk(await issuer.call(PATHS.status, ref(thing)));
        assert.equal(currentStatus, told(status), action);
        assert.equal(typeof failureReason, outcome === 'FAILED' ? 'string' : 'undefined', action);
        assert.equal(await statusOf(thing), status);
      }
    });
  }

  test('both suspensions are kept apart, and each side resumes its own', async () => {
    const thing = await active();
    const act = async (action) => assertOk(await app.action(thing.instanceId, action)).instance.status;
    assert.equal(await act('SUSPEND'), 'SUSPENDED_WALLET');
    assert.equal((await manage(thing, 'SUSPEND')).currentStatus, 'SUSPENDED_ISSUER');
    assert.equal(await act('RESUME'), 'SUSPENDED_ISSUER');
    assert.equal(await act('SUSPEND'), 'SUSPENDED_ISSUER');
    assert.equal((await manage(thing, 'RESUME')).currentStatus, 'SUSPENDED_WALLET');
    assert.equal(await act('RESUME'), 'ACTIVE');
  });

  test('what an issuer does is not told back to it', async () => {
    const thing = await active();
    await manage(thing, 'SUSPEND');
    await manage(thing, 'RESUME');
    assert.deepEqual(server.requests({ path: PATHS.manage, credentialInstanceId: thing.instanceId }), []);
  });
});

describe('/event/notify', () => {
  test('an update and new display data are shown until they are fetched', async () => {
    const thing = await active();
    for (const [type, member] of [
      ['CREDENTIAL_UPDATE_AVAILABLE', 'updateAvailable'],
      ['DISPLAY_DATA_UPDATED', 'displayUpdated'],
    ]) {
      for (let i = 0; i < 2; i++)
        assert.deepEqual(assertOk(await issuer.call(PATHS.event, event(thing, type))), { acknowledged: true });
      assert.equal((await instanceOf(thing))[member], true);
    }
  });

  test('CREDENTIAL_READY makes a fetch that waits ask at once', async () => {
    const thing = await active();
    server.behave({ '/credential/get': { behaviour: 'answer', status: 202, headers: { 'retry-after': '3600' },
      body: { status: 'PENDING', transaction_id: 't-1', interval: 3600 } } });
    const { wek } = thing.session;
    const body = {
      reason: 'PROVISIONING',
      walletEncryptionKey: { keyType: 'WALLET_ENCRYPTION_KEY', client_public_key: publicJwk(wek) },
    };
    const { fetchId } = assertOk(await app.fetch(thing.instanceId, body, { wait: 0 }), 202);
    const get = { path: '/credential/get', credentialInstanceId: thing.instanceId };
    await server.received(get);
    server.behave();
    const ready = event(thing, 'CREDENTIAL_READY', { eventDetails: { transaction_id: 't-1' } });
    assert.deepEqual(assertOk(await issuer.call(PATHS.event, ready)), { acknowledged: true });
    const fetch = await app.waitForFetch(fetchId);
    assert.equal(fetch.status, 'READY');
    const requests = server.requests(get);
    assert.equal(requests.length, 2);
    assert.notEqual(requests[0].requestId, requests[1].requestId);
  });

  test('an unknown type is not acknowledged', async () => {
    const thing = await active();
    const answer = await issuer.call(PATHS.event, event(thing, 'SOMETHING_OF_THE_FUTURE'));
    assert.deepEqual(assertOk(answer), { acknowledged: false });
  });

  for (const type of ['PROVISIONING_SUCCESS', 'LIFECYCLE_FAILURE', 'KEY_ROTATED']) {
    test(`${type}, which only wallets tell of, is refused`, async () => {
      assertViolations(await issuer.call(PATHS.event, event(await active(), type)), '/eventType');
    });
  }
});

test('/credential/status shows what the wallet shows', async () => {
  const thing = await held(app, issuer);
  const ask = async () => assertOk(await issuer.call(PATHS.status, ref(thing)));
  assert.equal((await ask()).currentStatus, 'IN_PROCESS');
  assert.equal((await ask()).currentVersion, 'unknown');
  await confirm(thing);
  assert.equal((await ask()).currentStatus, 'ACTIVE');
  await manage(thing, 'SUSPEND');
  const { currentStatus, lastStatusChangeReason, lastStatusChangeTime } = await ask();
  assert.deepEqual([currentStatus, lastStatusChangeReason], ['SUSPENDED_ISSUER', 'TESTED']);
  assert.ok(Math.abs(Date.parse(lastStatusChangeTime) - Date.now()) < 60_000);
});

test('what was refused has left nothing behind', async () => {
  const refused = await rows(gateway, `SELECT status, count(*) AS n FROM s2s.answer WHERE status >= 500 GROUP BY 1`);
  assert.deepEqual(refused, []);
});

closing(gateway);
