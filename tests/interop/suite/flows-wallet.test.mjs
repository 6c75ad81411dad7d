// SPDX-License-Identifier: Apache-2.0
//
// Flows that the wallet initiates: the holder picks a badge in the wallet, which knows beforehand what the issuer wants
// (preknown), is told (negotiated), or shows another credential (presentation during issuance).

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { presentCredential } from '../lib/credential.mjs';
import { generateSigningKey } from '../lib/keys.mjs';
import { OTP_TYPE, otpItem, PRESENTATION_TYPE, presentationItem } from '../lib/payloads.mjs';
import { badgesOf, begun, supplemented } from './flows-support.mjs';
import { connect, noteSecret } from './support.mjs';

const wallet = await connect();

/** The items that the issuer asks for. */
const asked = ({ outcome }) => outcome.verificationDataRequest.verificationDataItems;

describe('preknown verification', () => {
  test('what the wallet has collected goes along with initiate, and is enough', async () => {
    const session = await begun(wallet, 'badge_info', 'APPROVED', { items: [otpItem('123456')] });
    const [{ claims }] = await badgesOf(wallet, session);
    assert.equal(claims.employee_id, 'E-1042');
  });

  test('what is wrong about it can be mended', async () => {
    const session = await begun(wallet, 'badge_info', 'REJECTED', { items: [otpItem('654321')] });
    assert.equal(session.outcome.reasonCode, 'OTP_MISMATCH');
    await supplemented(wallet, session, { items: [otpItem('123456')] }, 'APPROVED');
    assert.equal((await badgesOf(wallet, session)).length, 1);
  });
});

describe('negotiated verification', () => {
  test('the issuer says what it wants, and gets it', async () => {
    const session = await begun(wallet, 'badge_info', 'ADDITIONAL_INFO_REQUIRED', {
      body: { supportedVerificationTypes: [OTP_TYPE] },
    });
    const [item] = asked(session);
    assert.equal(item.type, OTP_TYPE);
    await supplemented(wallet, session, { items: [otpItem('123456', { id: item.id })] }, 'APPROVED');
    const [{ claims }] = await badgesOf(wallet, session);
    assert.equal(claims.employee_id, 'E-1042');
  });
});

describe('presentation during issuance', () => {
  let badge; // issued before, and the key that it is bound to
  before(async () => {
    const { session } = await wallet.approvedSession();
    [badge] = await badgesOf(wallet, session);
  });

  /** A presentation of the badge for a request of the issuer's. */
  async function presented({ nonce, client_id: aud }, { frame, holderKey, ...knobs } = {}) {
    const presentation = await presentCredential(badge.credential, {
      frame: frame ?? { employee_id: true, department: true },
      holderKey: holderKey ?? badge.holderKey,
      aud,
      nonce,
      ...knobs,
    });
    return noteSecret(presentation);
  }

  const answer = (session, presentation) => {
    const [item] = asked(session);
    const [{ id }] = item.request.dcql_query.credentials;
    return { items: [presentationItem(item.id, { [id]: [presentation] })] };
  };

  const asking = () => begun(wallet, 'badge_presentation', 'ADDITIONAL_INFO_REQUIRED');

  test('asks with a DCQL query, for itself, with a nonce that nothing else has', async () => {
    const sessions = [await asking(), await asking()];
    const [[one], [other]] = sessions.map(asked);
    assert.equal(one.type, PRESENTATION_TYPE);
    assert.equal(one.request.response_type, 'vp_token');
    assert.equal(one.request.client_id, wallet.issuer);
    assert.notEqual(one.request.nonce, other.request.nonce);
    const [credential] = one.request.dcql_query.credentials;
    assert.deepEqual(credential.meta.vct_values, ['https://issuer.example/vct/badge']);
  });

  test('a badge that was issued before gets another one', async () => {
    const session = await asking();
    const presentation = await presented(asked(session)[0].request);
    assert.ok(!presentation.includes('given_name'), 'only what is asked for is shown');
    await supplemented(wallet, session, answer(session, presentation), 'APPROVED');
    const [{ claims }] = await badgesOf(wallet, session);
    assert.equal(claims.employee_id, 'E-1042');
  });

  const WRONG = {
    'made for another verification': async () => presented(asked(await asking())[0].request),
    'made for another verifier': (request) => presented(request, { aud: 'https://elsewhere.example' }),
    'made with a nonce of its own': (request) => presented(request, { nonce: 'my-own' }),
    'of somebody who is not its holder': (request) => presented(request, { holderKey: generateSigningKey('ES256') }),
    'without what is asked for': (request) => presented(request, { frame: { job_title: true } }),
    'without the proof of the holder': async () => badge.credential,
    'that is none': async () => 'e30.e30.e30~',
  };
  for (const [what, make] of Object.entries(WRONG)) {
    test(`a presentation ${what} is rejected, and a good one is taken then`, async () => {
      const session = await asking();
      const { request } = asked(session)[0];
      const rejected = await supplemented(wallet, session, answer(session, await make(request)), 'REJECTED');
      assert.match(rejected.reasonCode, /^[A-Z_]+$/);
      await supplemented(wallet, session, answer(session, await presented(request)), 'APPROVED');
    });
  }
});
