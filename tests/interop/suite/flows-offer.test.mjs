// SPDX-License-Identifier: Apache-2.0
//
// Flows that the issuer initiates with an offer: to a holder whom it knows (with a code, and perhaps a transaction
// code), and to one whom it does not know yet, and who proves who they are on the way.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpClient } from '../lib/http.mjs';
import { tlsIdentity } from '../lib/env.mjs';
import { OFFER_TYPE, offerItem, otpItem, WEB_TYPE, webItem } from '../lib/payloads.mjs';
import { OperatorClient } from '../lib/operator.mjs';
import { badgesOf, begun, supplemented } from './flows-support.mjs';
import { assertOk, connect, env, noteSecret, plantSecret } from './support.mjs';

const CONFIGURATION = 'badge_offer';

const wallet = await connect();
const other = await connect({ who: 'OTHER_WALLET' });
const operator = OperatorClient.connect(env);
const anonymous = new HttpClient(tlsIdentity(env));

/** A new offer; its codes are secrets from everybody but the holder. */
async function offered(wish = {}) {
  const made = assertOk(await operator.makeOffer({ credentialConfigurationIds: [CONFIGURATION], ...wish }), 201);
  noteSecret(offerItem(made.credential_offer)['pre-authorized_code']);
  return made;
}

const stateOf = async ({ offer }) => assertOk(await operator.offer(offer.offerId)).state;

/** A session that tries to redeem `made`, at rest in one of `wanted`. */
const redeeming = (made, wanted, { tx_code, by = wallet, ...options } = {}) =>
  begun(by, CONFIGURATION, wanted, { items: [offerItem(made.credential_offer, { tx_code })], ...options });

const reasonOf = ({ outcome }) => outcome.reasonCode;

/** A transaction code of the same length that is another one. */
const wrongOf = (txCode) => [...txCode].map((digit) => String((Number(digit) + 1) % 10)).join('');

describe('an offer to a holder whom the issuer knows', () => {
  test('has what OpenID4VCI wants, and a link that has the same', async () => {
    const { credential_offer: offer, deepLink, qr, tx_code: txCode } = await offered();
    assert.equal(offer.credential_issuer, wallet.issuer);
    assert.deepEqual(offer.credential_configuration_ids, [CONFIGURATION]);
    assert.equal(new URL(deepLink).protocol, 'openid-credential-offer:');
    assert.deepEqual(JSON.parse(new URL(deepLink).searchParams.get('credential_offer')), offer);
    assert.match(qr, /^<svg|^<\?xml/);
    assert.equal(txCode, undefined);
  });

  test('is redeemed by its code, for the subject that it was made for', async () => {
    const made = await offered({ subject: 'alice' });
    const session = await redeeming(made, 'APPROVED');
    const [{ claims }] = await badgesOf(wallet, session);
    assert.equal(claims.employee_id, 'E-2001');
    const { state, verificationId } = assertOk(await operator.offer(made.offer.offerId));
    assert.deepEqual([state, verificationId], ['USED', session.verificationId]);
  });

  test('is asked for where it is missing', async () => {
    const session = await begun(wallet, CONFIGURATION, 'ADDITIONAL_INFO_REQUIRED');
    const [item] = session.outcome.verificationDataRequest.verificationDataItems;
    assert.equal(item.type, OFFER_TYPE);
    const made = await offered();
    await supplemented(wallet, session, { items: [offerItem(made.credential_offer, { id: item.id })] }, 'APPROVED');
  });

  test('is never redeemed twice', async () => {
    const made = await offered();
    await redeeming(made, 'APPROVED');
    assert.equal(reasonOf(await redeeming(made, 'REJECTED')), 'USED');
  });

  test('is redeemed once by many at the same time', async () => {
    const made = await offered();
    const sessions = await Promise.all(
      Array.from({ length: 8 }, () => redeeming(made, ['APPROVED', 'REJECTED'])),
    );
    const outcomes = sessions.map(({ outcome }) => outcome.reasonCode ?? outcome.status).sort();
    assert.deepEqual(outcomes, ['APPROVED', ...Array(7).fill('USED')]);
  });

  test('with a code that nobody has made is rejected', async () => {
    const made = await offered();
    const item = offerItem(made.credential_offer, { 'pre-authorized_code': randomUUID() });
    const session = await begun(wallet, CONFIGURATION, 'REJECTED', { items: [item] });
    assert.equal(reasonOf(session), 'UNKNOWN');
    assert.equal(await stateOf(made), 'OPEN');
  });

  test('for another wallet server is good for that one alone', async () => {
    const made = await offered({ peer: 'other-wallet' });
    assert.equal(reasonOf(await redeeming(made, 'REJECTED')), 'UNKNOWN');
    await redeeming(made, 'APPROVED', { by: other });
  });

  test('expires', async () => {
    const made = await offered({ lifetime: 1 });
    await sleep(1200);
    assert.equal(reasonOf(await redeeming(made, 'REJECTED')), 'EXPIRED');
    assert.equal(await stateOf(made), 'EXPIRED');
  });

  test('can be taken back', async () => {
    const made = await offered();
    assert.equal(assertOk(await operator.revokeOffer(made.offer.offerId)).outcome, 'COMPLETED');
    assert.equal(reasonOf(await redeeming(made, 'REJECTED')), 'REVOKED');
    assert.equal(assertOk(await operator.revokeOffer(made.offer.offerId)).outcome, 'NO_CHANGE');
  });

  test('is made once for one request id, with the same codes', async () => {
    const requestId = randomUUID();
    const wish = { credentialConfigurationIds: [CONFIGURATION], tx_code: {} };
    const made = [await operator.makeOffer(wish, { requestId }), await operator.makeOffer(wish, { requestId })];
    const [first, second] = made.map((response) => assertOk(response, 201));
    assert.deepEqual(second.credential_offer, first.credential_offer);
    assert.equal(second.tx_code, first.tx_code);
    noteSecret(offerItem(first.credential_offer)['pre-authorized_code']);
  });
});

describe('a transaction code', () => {
  const withTxCode = (wish) => offered({ tx_code: { description: 'We have sent it by letter' }, ...wish });

  test('is announced in the offer, and is not in it', async () => {
    const { credential_offer: offer, tx_code: txCode, deepLink } = await withTxCode();
    const { tx_code: announced } = Object.values(offer.grants)[0];
    assert.deepEqual(announced, { input_mode: 'numeric', length: 6, description: 'We have sent it by letter' });
    assert.match(txCode, /^\d{6}$/);
    assert.ok(!decodeURIComponent(deepLink).includes(`"${txCode}"`));
  });

  test('is needed, and asked for where it is missing', async () => {
    const made = await withTxCode();
    const session = await redeeming(made, 'ADDITIONAL_INFO_REQUIRED');
    const item = offerItem(made.credential_offer, { tx_code: made.tx_code });
    await supplemented(wallet, session, { items: [item] }, 'APPROVED');
  });

  test('that is wrong costs an attempt, and not the offer', async () => {
    const made = await withTxCode();
    const session = await redeeming(made, 'REJECTED', { tx_code: wrongOf(made.tx_code) });
    assert.equal(reasonOf(session), 'WRONG_TX_CODE');
    const { state, attemptsLeft } = assertOk(await operator.offer(made.offer.offerId));
    assert.deepEqual([state, attemptsLeft], ['OPEN', 2]);
    const item = offerItem(made.credential_offer, { tx_code: made.tx_code });
    await supplemented(wallet, session, { items: [item] }, 'APPROVED');
    assert.equal((await badgesOf(wallet, session)).length, 1);
  });

  test('that is wrong three times, in whatever sessions, uses the offer up', async () => {
    const made = await withTxCode();
    const tx_code = wrongOf(made.tx_code);
    const reasons = [];
    for (let i = 0; i < 3; i++) reasons.push(reasonOf(await redeeming(made, 'REJECTED', { tx_code })));
    assert.deepEqual(reasons, ['WRONG_TX_CODE', 'WRONG_TX_CODE', 'EXHAUSTED']);
    assert.equal(reasonOf(await redeeming(made, 'REJECTED', { tx_code: made.tx_code })), 'EXHAUSTED');
  });
});

describe('an offer by reference', () => {
  /** The issuer's identifier is the address of its other listener here; the public one has the same documents. */
  const fetched = (uri) => anonymous.request(env.S2S_ISSUER_PUBLIC + new URL(uri).pathname);

  test('is a link to a document that everybody can fetch, until it is redeemed', async () => {
    const made = await offered({ byReference: true });
    const uri = new URL(made.deepLink).searchParams.get('credential_offer_uri');
    assert.equal(uri, made.credential_offer_uri);
    noteSecret(new URL(uri).pathname.split('/').at(-1));
    const response = await fetched(uri);
    assert.deepEqual(assertOk(response), made.credential_offer);
    assert.match(response.headers['cache-control'], /no-store/);
    await redeeming(made, 'APPROVED');
    assert.equal((await fetched(uri)).status, 404);
  });

  test('never has the transaction code', async () => {
    const made = await offered({ byReference: true, tx_code: { length: 12, input_mode: 'text' } });
    noteSecret(made.tx_code);
    const { text } = await fetched(made.credential_offer_uri);
    assert.ok(!text.includes(made.tx_code));
    await redeeming(made, 'APPROVED', { tx_code: made.tx_code });
  });

  test('that was taken back is not there any more', async () => {
    const made = await offered({ byReference: true });
    assertOk(await operator.revokeOffer(made.offer.offerId));
    assert.equal((await fetched(made.credential_offer_uri)).status, 404);
  });
});

describe('an offer to a holder whom the issuer does not know yet', () => {
  /** What stands on the issuer's site for everybody: which badge there is, and no code. */
  const openOffer = (id) => ({ credential_issuer: wallet.issuer, credential_configuration_ids: [id] });

  /** What the wallet makes of it. */
  const followed = (offer, wanted) => {
    assert.equal(offer.credential_issuer, wallet.issuer);
    return begun(wallet, offer.credential_configuration_ids[0], wanted);
  };

  test('a password that came another way proves who they are', async () => {
    const session = await followed(openOffer('badge_info'), 'ADDITIONAL_INFO_REQUIRED');
    await supplemented(wallet, session, { items: [otpItem('123456')] }, 'APPROVED');
    assert.equal((await badgesOf(wallet, session)).length, 1);
  });

  /** A session that was sent to the issuer's site, with the `state` that the site gets to see. */
  async function sentToSite() {
    const session = await followed(openOffer('badge_web'), 'ADDITIONAL_INFO_REQUIRED');
    const [item] = session.outcome.verificationDataRequest.verificationDataItems;
    assert.equal(item.type, WEB_TYPE);
    const url = new URL(item.redirect_url);
    assert.equal(url.origin + url.pathname, 'https://issuer.example/login');
    return { session, item, state: url.searchParams.get('state') };
  }

  test('a log-in at the issuer’s site proves who they are', async () => {
    const { session, state } = await sentToSite();
    assert.ok(!state.includes(session.sessionId) && !state.includes(session.verificationId));
    const result = { account: plantSecret('account') };
    assertOk(await operator.webResult(state, 'SUCCESS', result));
    await wallet.waitFor(session, 'APPROVED');
    assert.equal((await badgesOf(wallet, session)).length, 1);
  });

  test('the wallet may be back before the site has told', async () => {
    const { session, item, state } = await sentToSite();
    await supplemented(wallet, session, { items: [webItem(item.id)] }, 'PENDING');
    await sleep(500);
    assert.equal(assertOk(await wallet.status(session)).status, 'PENDING');
    assertOk(await operator.webResult(state, 'SUCCESS'));
    await wallet.waitFor(session, 'APPROVED');
  });

  test('who fails there is rejected, and may try again', async () => {
    const { session, item, state } = await sentToSite();
    assertOk(await operator.webResult(state, 'FAILURE'));
    assert.equal((await wallet.waitFor(session, 'REJECTED')).reasonCode, 'AUTHENTICATION_FAILED');
    assertOk(await wallet.supplement(session, { items: [webItem(item.id)] }));
    assertOk(await operator.webResult(state, 'SUCCESS'));
    await wallet.waitFor(session, 'APPROVED');
  });

  test('a state that the gateway has not made says nothing about anybody', async () => {
    const { session, state } = await sentToSite();
    const forged = `${state.slice(0, -2)}${state.endsWith('A') ? 'B' : 'A'}A`;
    const { status } = await operator.webResult(forged, 'SUCCESS');
    assert.ok(status >= 400 && status < 500, String(status));
    assert.equal(assertOk(await wallet.status(session)).status, 'ADDITIONAL_INFO_REQUIRED');
  });
});
