// SPDX-License-Identifier: Apache-2.0
//
// Device migration: the holder has a second phone. The wallet server knows that both are the same person's, and names
// the session of the first one; the issuer has approved two devices, and counts.

import { otpItem, priorSessionItem } from '../../../tests/interop/lib/payloads.mjs';
import { badge, openSession, showVerification, start } from '../acts.mjs';
import * as story from '../story.mjs';

const CONFIGURATION = 'badge_migrate';

async function firstPhone(stage) {
  story.heading('1. The first phone');
  const session = await openSession(stage);
  story.client('brings the one-time password along, and asks for a badge on two devices.');
  const data = { items: [otpItem('123456')], body: { requestedDeviceCount: 2 } };
  const approved = await start(stage, session, CONFIGURATION, data, 'APPROVED');
  showVerification(approved);
  story.show('devices', String(approved.verification.authorizedDeviceCount));
  return session;
}

/** A phone for which the session of `old` vouches. */
async function nextPhone(stage, old, expected) {
  const session = await openSession(stage);
  story.client('makes a signing key of its own. Nothing moves from phone to phone but the holder.');
  story.backend('knows whose phones they are, and names the session of the old one.');
  const data = { serverItems: [priorSessionItem(old)] };
  const issuance = await start(stage, session, CONFIGURATION, data, expected);
  showVerification(issuance);
  return session;
}

export async function tell(stage) {
  const first = await firstPhone(stage);
  await badge(stage, first, 2);
  story.heading('3. The second phone');
  const second = await nextPhone(stage, first, 'APPROVED');
  story.issuer('has found that session approved, for the same wallet server and the same badge, and one device to spare: nobody types a password again.');
  await badge(stage, second, 4);
  story.heading('5. A third phone');
  await nextPhone(stage, second, 'REJECTED');
  story.issuer('counts all devices that come from the first approval, through however many phones, and two were approved.');
  return 'The demo is done: one verification, a badge on each of two phones, each bound to a key of its own, and none on a third.';
}
