// SPDX-License-Identifier: Apache-2.0
//
// Wallet initiated, negotiated: the app comes with empty hands, is told what is missing, errs once, and gets it right.

import { otpItem } from '../../../tests/interop/lib/payloads.mjs';
import { badge, openSession, showVerification, start, supplement } from '../acts.mjs';
import * as story from '../story.mjs';

const CONFIGURATION = 'badge_info';
const PASSWORD = '123456';
const WRONG_PASSWORD = '000000';

/** Resolves to the session, approved. */
export async function negotiation(stage) {
  story.heading('1. The verification: the issuer says what it wants');
  const session = await openSession(stage);
  story.client('makes a signing key for this session and signs the session id with it. It shows nothing else yet.');
  const begun = await start(stage, session, CONFIGURATION, {}, 'ADDITIONAL_INFO_REQUIRED');
  story.issuer('has checked the signature, and decides in the background. It asks for more:');
  showVerification(begun);
  story.document(begun.verification.verificationDataRequest);
  story.client('The holder types a wrong one-time password. It is signed with the session’s key and encrypted to the issuer.');
  await supplement(stage, session, [otpItem(WRONG_PASSWORD)], 'REJECTED');
  story.client('The holder types the right one. It is signed with the session’s key and encrypted to the issuer.');
  await supplement(stage, session, [otpItem(PASSWORD)], 'APPROVED');
  return session;
}

export async function tell(stage) {
  const session = await negotiation(stage);
  await badge(stage, session, 2);
  return 'The demo is done: the issuer said what it wants, got it, and issued the badge.';
}
