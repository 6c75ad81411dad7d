// SPDX-License-Identifier: Apache-2.0
//
// Issuer initiated, unauthed holder: a poster with a QR code says which badge there is, and nothing more. Who the holder
// is comes out on the way, by a log-in at the issuer's site.

import { answered, badge, openSession, showVerification, start } from '../acts.mjs';
import * as story from '../story.mjs';

const CONFIGURATION = 'badge_web';

function offer({ client }) {
  story.heading('1. The offer: for everybody who reads it');
  story.site('shows a QR code. It is the same for everybody, so it has no code that would prove anything.');
  const document = { credential_issuer: client.issuer, credential_configuration_ids: [CONFIGURATION] };
  const link = `openid-credential-offer://?credential_offer=${encodeURIComponent(JSON.stringify(document))}`;
  story.show('link', link);
  story.client('reads it, and knows the issuer:');
  story.document(document);
}

async function login(stage) {
  story.heading('2. The verification: a log-in on the web');
  const session = await openSession(stage);
  story.client('makes a signing key for this session and signs the session id with it.');
  const begun = await start(stage, session, CONFIGURATION, {}, 'ADDITIONAL_INFO_REQUIRED');
  showVerification(begun);
  story.issuer('does not know who this is, and asks for a log-in:');
  const [item] = begun.verification.verificationDataRequest.verificationDataItems;
  story.show('redirect_url', item.redirect_url);
  story.client('opens the browser there. The state in the address names the verification, sealed: the site can pass it on, nobody can read or make one.');
  const state = new URL(item.redirect_url).searchParams.get('state');
  story.site('logs the holder in, and tells the gateway: POST /v1/web-results.');
  answered(await stage.operator.webResult(state, 'SUCCESS', { account: 'erika.mustermann' }));
  showVerification(await stage.app.waitForStatus(session.sessionId, 'APPROVED'));
  story.issuer('has decided with that, and told the wallet.');
  return session;
}

export async function tell(stage) {
  offer(stage);
  const session = await login(stage);
  await badge(stage, session, 3);
  return 'The demo is done: whoever read the poster became somebody whom the issuer knows, and has a badge.';
}
