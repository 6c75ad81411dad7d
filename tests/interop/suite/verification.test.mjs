// SPDX-License-Identifier: Apache-2.0
//
// Verification: how each configuration of the environment decides, and which call each state allows (profile
// section 4).

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { OTP_TYPE, otpItem } from '../lib/payloads.mjs';
import { PATHS } from '../lib/wallet.mjs';
import { assertOk, assertProblem, connect, plantSecret, PROBLEM, UUID_PATTERN } from './support.mjs';

const wallet = await connect();
const wrongOtp = plantSecret('otp');

const STATUSES = ['PENDING', 'ADDITIONAL_INFO_REQUIRED', 'REJECTED', 'APPROVED', 'DENIED', 'EXPIRED'];

/** A session on which an initiate for `configuration` has been sent and has come to rest in `status`. */
async function sessionIn(status, configuration, options = {}) {
  const session = wallet.newSession();
  assertOk(await wallet.initiate(session, { configurations: [configuration], ...options }));
  await wallet.waitFor(session, status);
  return session;
}

const inState = {
  PENDING: () => sessionIn('PENDING', 'badge_review'),
  ADDITIONAL_INFO_REQUIRED: () => sessionIn('ADDITIONAL_INFO_REQUIRED', 'badge_info'),
  REJECTED: () => sessionIn('REJECTED', 'badge_info', { items: [otpItem(wrongOtp)] }),
  APPROVED: () => sessionIn('APPROVED', 'badge_auto'),
  DENIED: () => sessionIn('DENIED', 'badge_deny'),
  CANCELLED: async () => {
    const session = await sessionIn('PENDING', 'badge_review');
    assertOk(await wallet.cancel(session));
    return session;
  },
};

/** The VerificationStatus that `status` answers, held to its shape. */
async function statusOf(session) {
  const status = assertOk(await wallet.status(session));
  assert.equal(status.sessionId, session.sessionId);
  assert.equal(status.verificationId, session.verificationId);
  assert.ok(STATUSES.includes(status.status), status.status);
  return status;
}

describe('initiate', () => {
  test('answers a VerificationStatus with an id of the issuer', async () => {
    const session = wallet.newSession();
    const status = assertOk(await wallet.initiate(session));
    assert.equal(status.sessionId, session.sessionId);
    assert.match(status.verificationId, UUID_PATTERN);
    assert.notEqual(status.verificationId, status.sessionId);
    assert.ok(STATUSES.includes(status.status), status.status);
  });

  test('sessionIds differ by case', async () => {
    const session = await inState.PENDING();
    const upper = { ...session, sessionId: session.sessionId.toUpperCase() };
    assertProblem(await wallet.status(upper), 404, PROBLEM.notFound);
    assertOk(await wallet.initiate(wallet.newSession({ sessionId: upper.sessionId })));
  });
});

describe('badge_auto', () => {
  test('approves', async () => {
    const status = await statusOf(await inState.APPROVED());
    assert.deepEqual(status.credentialConfigurationIds, ['badge_auto']);
    assert.ok(status.authorizedDeviceCount === undefined || status.authorizedDeviceCount >= 1);
  });

  test('grants no more devices than were asked for', async () => {
    const session = await sessionIn('APPROVED', 'badge_auto', { body: { requestedDeviceCount: 3 } });
    const { authorizedDeviceCount = 1 } = await statusOf(session);
    assert.ok(authorizedDeviceCount >= 1 && authorizedDeviceCount <= 3, String(authorizedDeviceCount));
  });
});

test('badge_deny denies with a reason for machines and one for the holder', async () => {
  const status = await statusOf(await inState.DENIED());
  assert.match(status.reasonCode, /^[A-Z_]+$/);
  assert.ok(status.deniedMessage.length > 0);
});

test('badge_review stays pending', async () => {
  const session = await inState.PENDING();
  await sleep(2500);
  assert.equal((await statusOf(session)).status, 'PENDING');
});

describe('badge_info', () => {
  test('asks for a one-time password', async () => {
    const { verificationDataRequest } = await statusOf(await inState.ADDITIONAL_INFO_REQUIRED());
    const [item, ...others] = verificationDataRequest.verificationDataItems;
    assert.equal(others.length, 0);
    assert.equal(item.id, 'otp-1');
    assert.equal(item.type, OTP_TYPE);
    assert.equal(item.required, true);
    assert.ok(!JSON.stringify(verificationDataRequest).includes('123456'), 'the expected value stays with the issuer');
    if (verificationDataRequest.deadline) assert.ok(Date.parse(verificationDataRequest.deadline) > Date.now());
  });

  test('approves the right one, sent later', async () => {
    const session = await inState.ADDITIONAL_INFO_REQUIRED();
    assertOk(await wallet.supplement(session, { items: [otpItem('123456')] }));
    assert.deepEqual((await wallet.waitFor(session, 'APPROVED')).credentialConfigurationIds, ['badge_info']);
  });

  test('approves the right one, known in advance', async () => {
    const session = await sessionIn('APPROVED', 'badge_info', { items: [otpItem('123456')] });
    assert.deepEqual((await statusOf(session)).credentialConfigurationIds, ['badge_info']);
  });

  test('rejects a wrong one, and takes the right one then', async () => {
    const session = await inState.REJECTED();
    assert.equal((await statusOf(session)).reasonCode, 'OTP_MISMATCH');
    assertOk(await wallet.supplement(session, { items: [otpItem('123456')] }));
    await wallet.waitFor(session, 'APPROVED');
  });

  test('denies the third wrong one', async () => {
    const session = await inState.ADDITIONAL_INFO_REQUIRED();
    for (const expected of ['REJECTED', 'REJECTED', 'DENIED']) {
      const answer = assertOk(await wallet.supplement(session, { items: [otpItem(wrongOtp)] }));
      assert.equal(answer.status, 'PENDING', 'a submission is evaluated anew');
      const status = await wallet.waitFor(session, ['REJECTED', 'DENIED', 'APPROVED', 'ADDITIONAL_INFO_REQUIRED']);
      assert.equal(status.status, expected);
      if (expected === 'DENIED') assert.equal(status.reasonCode, 'ATTEMPTS_EXHAUSTED');
    }
    assertProblem(await wallet.supplement(session, { items: [otpItem('123456')] }), 409, PROBLEM.wrongState);
  });

  test('counts supplements, not what was sent in advance', async () => {
    const session = await inState.REJECTED();
    for (const expected of ['REJECTED', 'REJECTED', 'DENIED']) {
      assertOk(await wallet.supplement(session, { items: [otpItem(wrongOtp)] }));
      await wallet.waitFor(session, expected);
    }
  });

  const NEARLY_RIGHT = {
    'a number': otpItem(123456),
    'a prefix': otpItem('12345'),
    'an octet more': otpItem('1234567'),
    'white space around': otpItem(' 123456'),
    empty: otpItem(''),
    null: otpItem(null),
    'an array': otpItem(['123456']),
    'another member': { id: 'otp-1', type: OTP_TYPE, OTP: '123456' },
    'a NUL behind': otpItem('123456\u0000'),
    'another type': otpItem('123456', { type: 'urn:example:other' }),
  };
  for (const [name, item] of Object.entries(NEARLY_RIGHT)) {
    test(`is not fooled by ${name}`, async () => {
      const session = wallet.newSession();
      const response = await wallet.initiate(session, { configurations: ['badge_info'], items: [item] });
      if (response.status === 400) return; // refused outright is as good
      assertOk(response);
      const { status } = await wallet.waitFor(session, ['REJECTED', 'ADDITIONAL_INFO_REQUIRED', 'DENIED', 'APPROVED']);
      assert.notEqual(status, 'APPROVED');
    });
  }

  test('is not fooled by the wallet server saying it for the client', async () => {
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session, { configurations: ['badge_info'], serverItems: [otpItem('123456')] }));
    const { status } = await wallet.waitFor(session, ['REJECTED', 'ADDITIONAL_INFO_REQUIRED', 'DENIED', 'APPROVED']);
    assert.notEqual(status, 'APPROVED');
  });

  test('and keeps what the wallet server says to itself', async () => {
    const note = plantSecret('server-item');
    const session = await inState.ADDITIONAL_INFO_REQUIRED();
    const serverItems = [{ id: 'risk', type: 'urn:s2s-gateway:verification:risk_signals', note }];
    const body = await wallet.supplementBody(session, { items: [otpItem('123456')], serverItems });
    body.verificationDataPayload.additionalAssessments = [{ assessment: plantSecret('assessment') }];
    const response = await wallet.call(PATHS.supplement, body);
    assertOk(response);
    assert.ok(!response.text.includes(note));
    await wallet.waitFor(session, 'APPROVED');
    assert.ok(!JSON.stringify(await statusOf(session)).includes(note));
  });
});

describe('several configurations', () => {
  test('what can be approved is', async () => {
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session, { configurations: ['badge_auto', 'badge_deny', 'badge_slow'] }));
    const { credentialConfigurationIds } = await wallet.waitFor(session, ['APPROVED', 'DENIED']);
    assert.deepEqual([...credentialConfigurationIds].sort(), ['badge_auto', 'badge_slow']);
  });

  test('one under review keeps all waiting', async () => {
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session, { configurations: ['badge_auto', 'badge_review'] }));
    await sleep(1500);
    assert.equal((await statusOf(session)).status, 'PENDING');
  });
});

// --- which call each state allows --------------------------------------------------------------------------------

const SHOWN = { CANCELLED: 'DENIED' };

/** What each call answers in each state: 200 or 409. */
const ALLOWED = {
  supplement: {
    PENDING: 200,
    ADDITIONAL_INFO_REQUIRED: 200,
    REJECTED: 200,
    APPROVED: 409,
    DENIED: 409,
    CANCELLED: 409,
  },
  cancel: { PENDING: 200, ADDITIONAL_INFO_REQUIRED: 200, REJECTED: 200, APPROVED: 409, DENIED: 409, CANCELLED: 200 },
  provision: { PENDING: 409, ADDITIONAL_INFO_REQUIRED: 409, REJECTED: 409, APPROVED: 200, DENIED: 409, CANCELLED: 409 },
  status: { PENDING: 200, ADDITIONAL_INFO_REQUIRED: 200, REJECTED: 200, APPROVED: 200, DENIED: 200, CANCELLED: 200 },
};

const CALLS = {
  supplement: (session) => wallet.supplement(session, { items: [otpItem('123456')] }),
  cancel: (session) => wallet.cancel(session),
  provision: (session) => wallet.provision(session),
  status: (session) => wallet.status(session),
};

for (const [call, states] of Object.entries(ALLOWED)) {
  describe(`${call} in each state`, () => {
    for (const [state, expected] of Object.entries(states)) {
      test(`${state}: ${expected}`, async () => {
        const session = await inState[state]();
        const response = await CALLS[call](session);
        if (expected === 200) {
          assertOk(response);
          return;
        }
        const problem = assertProblem(response, 409, PROBLEM.wrongState);
        assert.equal(problem.currentStatus, SHOWN[state] ?? state);
        assert.equal((await statusOf(session)).status, SHOWN[state] ?? state, 'nothing has changed');
      });
    }
  });
}

describe('cancel', () => {
  test('answers the two ids and nothing but', async () => {
    const session = await inState.PENDING();
    const { sessionId, verificationId } = session;
    const answer = assertOk(await wallet.cancel(session));
    assert.deepEqual(
      { sessionId: answer.sessionId, verificationId: answer.verificationId },
      { sessionId, verificationId },
    );
    const status = await statusOf(session);
    assert.equal(status.status, 'DENIED');
    assert.equal(status.reasonCode, 'CANCELLED');
    assert.equal(typeof status.deniedMessage, 'string');
  });

  test('answers the same again', async () => {
    const session = await inState.ADDITIONAL_INFO_REQUIRED();
    const first = assertOk(await wallet.cancel(session, { reason: 'ONE' }));
    assert.deepEqual(assertOk(await wallet.cancel(session, { reason: 'TWO' })), first);
  });

  test('holds against an evaluation that is under way', async () => {
    for (let i = 0; i < 5; i++) {
      const session = wallet.newSession();
      assertOk(await wallet.initiate(session));
      const response = await wallet.cancel(session);
      await sleep(300);
      const { status } = await statusOf(session);
      assert.equal(status, response.status === 200 ? 'DENIED' : 'APPROVED');
    }
  });
});
