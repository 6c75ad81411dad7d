// SPDX-License-Identifier: Apache-2.0
//
// Issuer initiated, authed holder: Alice is logged in at the issuer, which makes an offer for her. It comes to her
// wallet as a link or a QR code, and the transaction code another way, so that neither is enough.

import { offerItem } from '../../../tests/interop/lib/payloads.mjs';
import { answered, badge, openSession, showVerification, start, supplement } from '../acts.mjs';
import * as story from '../story.mjs';

const CONFIGURATION = 'badge_offer';

const wrongOf = (txCode) => [...txCode].reverse().map((digit) => (Number(digit) + 1) % 10).join('');

async function offer({ operator }) {
  story.heading('1. The offer: the issuer begins');
  story.site('knows Alice, who is logged in and wants her badge on her phone. It makes an offer: POST /v1/offers.');
  const tx_code = { description: 'We have sent it to you by text message' };
  const wish = { credentialConfigurationIds: [CONFIGURATION], subject: 'alice', tx_code };
  const made = answered(await operator.makeOffer(wish));
  story.site('shows her the link, as a QR code too, and sends her the transaction code as a text message.');
  story.show('link', made.deepLink);
  story.show('QR code', made.qr);
  story.show('text message', made.tx_code);
  story.client('opens the link and finds the offer in it:');
  story.document(made.credential_offer);
  return made;
}

async function redemption(stage, { credential_offer: credentialOffer, tx_code: txCode, offer: { offerId } }) {
  story.heading('2. The verification: the code is the proof');
  const session = await openSession(stage);
  story.client('Alice types the transaction code, and mistypes it. Both codes are signed and encrypted to the issuer.');
  const items = [offerItem(credentialOffer, { tx_code: wrongOf(txCode) })];
  showVerification(await start(stage, session, CONFIGURATION, { items }, 'REJECTED'));
  const { attemptsLeft } = answered(await stage.operator.offer(offerId));
  story.issuer('has counted the attempt. The code of the offer is still good: whoever has only seen the link cannot burn it at once.');
  story.show('attempts left', String(attemptsLeft));
  story.client('Alice types it again, and gets it right.');
  await supplement(stage, session, [offerItem(credentialOffer, { tx_code: txCode })], 'APPROVED');
  return session;
}

async function repetition(stage, { credential_offer: credentialOffer, tx_code: txCode }) {
  story.heading('4. The same codes once more');
  const session = await openSession(stage);
  story.client('of somebody else has got hold of both codes, too late.');
  const items = [offerItem(credentialOffer, { tx_code: txCode })];
  showVerification(await start(stage, session, CONFIGURATION, { items }, 'REJECTED'));
  story.issuer('never takes a code twice.');
}

export async function tell(stage) {
  const made = await offer(stage);
  const session = await redemption(stage, made);
  await badge(stage, session, 3);
  await repetition(stage, made);
  return 'The demo is done: the issuer offered a badge to somebody whom it knows, and she has it. The codes are used up.';
}
