// SPDX-License-Identifier: Apache-2.0
//
// Wallet initiated, preknown: the app knows beforehand what the issuer wants, and brings it along.

import { otpItem } from '../../../tests/interop/lib/payloads.mjs';
import { badge, openSession, showVerification, start } from '../acts.mjs';
import * as story from '../story.mjs';

export async function tell(stage) {
  story.heading('1. The verification: all that is wanted comes along at once');
  story.client('The holder picks a badge of an issuer whose wishes the app knows: a one-time password, which the holder has got by mail, and types.');
  const session = await openSession(stage);
  story.client('makes a signing key for this session, signs the session id and the password with it, and encrypts the latter to the issuer.');
  const approved = await start(stage, session, 'badge_info', { items: [otpItem('123456')] }, 'APPROVED');
  story.issuer('has checked the signature, answered PENDING at once, opened the password in the background, and finds it right. There was nothing to ask.');
  showVerification(approved);
  await badge(stage, session, 2);
  return 'The demo is done: one request was enough to verify the holder.';
}
