// SPDX-License-Identifier: Apache-2.0
//
// The whole way of a badge: a negotiated verification, the issuance, a verifier, a suspension that travels.

import { inspection, issuance, presentation } from '../acts.mjs';
import { lifecycle } from '../lifecycle.mjs';
import * as story from '../story.mjs';
import { negotiation } from './negotiated.mjs';

export async function tell(stage) {
  const session = await negotiation(stage);
  story.heading('2. The issuance');
  const badge = await issuance(stage, session);
  story.heading('3. The credential, verified by an independent library (@sd-jwt/sd-jwt-vc)');
  const claims = await inspection(stage, badge);
  story.verifier('and this is what it says:');
  story.document(claims);
  await presentation(stage, badge);
  story.heading('4. A suspension that travels');
  await lifecycle(stage, badge.instanceId);
  return 'The demo is done: a credential was issued from gateway to gateway, a library that knows nothing of them verified it, and both sides agree on how it stands.';
}
