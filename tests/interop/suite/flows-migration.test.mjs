// SPDX-License-Identifier: Apache-2.0
//
// Device migration: a holder who has the badge on one device gets it on another one, as the same wallet server vouches
// for both, and on no more devices than were approved.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { otpItem, PRIOR_SESSION_TYPE, priorSessionItem } from '../lib/payloads.mjs';
import { badgesOf, begun, instancesOf, supplemented } from './flows-support.mjs';
import { assertOk, connect } from './support.mjs';

const CONFIGURATION = 'badge_migrate';

const wallet = await connect();
const other = await connect({ who: 'OTHER_WALLET' });

/** A first device, verified by a password, whose approval is good for `devices`. */
const firstDevice = (devices = 2, configuration = CONFIGURATION) =>
  begun(wallet, configuration, 'APPROVED', {
    items: [otpItem('123456')],
    body: { requestedDeviceCount: devices },
  });

/** A new device, for which the wallet server names the session of an old one. */
const newDevice = (old, wanted, { by = wallet, members, ...options } = {}) =>
  begun(by, CONFIGURATION, wanted, { serverItems: [priorSessionItem(old, members)], ...options });

describe('device migration', () => {
  test('asks for either: a password, or the session of another device', async () => {
    const { outcome } = await begun(wallet, CONFIGURATION, 'ADDITIONAL_INFO_REQUIRED');
    const items = outcome.verificationDataRequest.verificationDataItems;
    assert.deepEqual(items.map(({ id, required }) => [id, required]), [
      ['otp-1', true],
      ['prior-session', false],
    ]);
    assert.equal(items[1].type, PRIOR_SESSION_TYPE);
  });

  test('the session of the old device alone gets the badge, with keys and an instance of its own', async () => {
    const old = await firstDevice();
    assert.equal(old.outcome.authorizedDeviceCount, 2);
    const [first] = await badgesOf(wallet, old);
    const session = await newDevice(old, 'APPROVED');
    const [second] = await badgesOf(wallet, session);
    assert.notEqual(second.instanceId, first.instanceId);
    assert.notDeepEqual(second.payload.cnf, first.payload.cnf);
    assert.equal(second.claims.employee_id, first.claims.employee_id);
  });

  test('no more devices than were approved, whichever session they come from', async () => {
    const first = await firstDevice();
    const second = await newDevice(first, 'APPROVED');
    for (const old of [first, second]) {
      const third = await newDevice(old, 'REJECTED');
      assert.equal(third.outcome.reasonCode, 'DEVICE_LIMIT');
    }
  });

  test('many at the same time are no more, either', async () => {
    const old = await firstDevice();
    const sessions = await Promise.all(Array.from({ length: 6 }, () => newDevice(old, ['APPROVED', 'REJECTED'])));
    const outcomes = sessions.map(({ outcome }) => outcome.reasonCode ?? outcome.status).sort();
    assert.deepEqual(outcomes, ['APPROVED', ...Array(5).fill('DEVICE_LIMIT')]);
  });

  test('a device that has given its badge back makes room', async () => {
    const old = await firstDevice();
    const [instanceId] = await instancesOf(wallet, old);
    const second = await newDevice(old, 'APPROVED');
    assert.equal((await newDevice(second, 'REJECTED')).outcome.reasonCode, 'DEVICE_LIMIT');
    assertOk(await wallet.manage(old, instanceId, 'UNLINK'));
    await newDevice(second, 'APPROVED');
  });

  test('without a request for more, an approval is good for one device', async () => {
    const old = await firstDevice(1);
    assert.equal((await newDevice(old, 'REJECTED')).outcome.reasonCode, 'DEVICE_LIMIT');
  });

  test('who has no room left can prove anew who they are', async () => {
    const session = await newDevice(await firstDevice(1), 'REJECTED');
    await supplemented(wallet, session, { items: [otpItem('123456')] }, 'APPROVED');
  });

  test('the session of another wallet server’s holder is unknown', async () => {
    const session = await newDevice(await firstDevice(), 'REJECTED', { by: other });
    assert.equal(session.outcome.reasonCode, 'UNKNOWN');
  });

  test('a session with the verification of another one is unknown', async () => {
    const [one, two] = [await firstDevice(), await firstDevice()];
    const session = await newDevice(one, 'REJECTED', { members: { verificationId: two.verificationId } });
    assert.equal(session.outcome.reasonCode, 'UNKNOWN');
  });

  test('a session that was not approved vouches for nobody', async () => {
    const old = await begun(wallet, CONFIGURATION, 'ADDITIONAL_INFO_REQUIRED');
    assert.equal((await newDevice(old, 'REJECTED')).outcome.reasonCode, 'NOT_APPROVED');
  });

  test('a session that was approved for another badge vouches for that one only', async () => {
    const old = await firstDevice(1, 'badge_info');
    assert.equal((await newDevice(old, 'REJECTED')).outcome.reasonCode, 'CONFIGURATION');
  });

  test('a wallet client cannot name a session, for it has only its own', async () => {
    const old = await firstDevice();
    const session = wallet.newSession();
    const response = await wallet.initiate(session, { configurations: [CONFIGURATION], items: [priorSessionItem(old)] });
    if (response.status === 200) await wallet.waitFor(session, 'ADDITIONAL_INFO_REQUIRED');
    else assert.equal(response.status, 400);
  });
});
