// SPDX-License-Identifier: Apache-2.0
//
// The Wallet Signing Key and the verificationNonce in both forms (profile section 3; D2, D3).

import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, randomUUID, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import { base64url, changePart, flipBit, forgeJws, fromBase64url, nowSeconds, signRaw } from '../lib/jose.mjs';
import { generateKey, generateSigningKey, publicJwk, SIGNATURE_CURVES } from '../lib/keys.mjs';
import { boundNonce, rawNonce, TYP_NONCE } from '../lib/payloads.mjs';
import { PATHS } from '../lib/wallet.mjs';
import { assertOk, assertProblem, assertViolations, connect, PROBLEM } from './support.mjs';

const wallet = await connect();

describe('signature algorithms', () => {
  for (const alg of Object.keys(SIGNATURE_CURVES)) {
    for (const nonce of ['raw', 'bound']) {
      test(`${alg}, ${nonce} nonce`, async () => {
        const session = wallet.newSession({ wsk: generateSigningKey(alg) });
        assertOk(await wallet.initiate(session, { nonce }));
      });
    }
  }

  test('a key without kid is accepted', async () => {
    assertOk(await wallet.initiate(wallet.newSession({ wsk: generateKey('P-256', { alg: 'ES256' }) })));
  });

  for (const members of [
    { use: 'sig' },
    { key_ops: ['verify'] },
    { use: 'sig', key_ops: ['verify'], x5t: 'unknown' },
  ]) {
    test(`a key with ${JSON.stringify(members)} is accepted`, async () => {
      assertOk(await wallet.initiate(wallet.newSession({ wsk: generateSigningKey('ES256', members) })));
    });
  }
});

/** What makes a key unfit, as a change to an honest public JWK. */
const zeros = (length) => base64url(Buffer.alloc(length));
const ones = (length) => base64url(Buffer.alloc(length, 0xff));
const prepend = (text) => base64url(Buffer.concat([Buffer.of(0), fromBase64url(text)]));

const UNFIT_KEYS = {
  'no alg': (jwk) => ({ ...jwk, alg: undefined }),
  'alg null': (jwk) => ({ ...jwk, alg: null }),
  'alg a number': (jwk) => ({ ...jwk, alg: 256 }),
  'alg none': (jwk) => ({ ...jwk, alg: 'none' }),
  'alg HS256': (jwk) => ({ ...jwk, alg: 'HS256' }),
  'alg in lower case': (jwk) => ({ ...jwk, alg: 'es256' }),
  'alg of another curve': (jwk) => ({ ...jwk, alg: 'ES384' }),
  'alg of another key type': (jwk) => ({ ...jwk, alg: 'EdDSA' }),
  'alg for encryption': (jwk) => ({ ...jwk, alg: 'HPKE-0-KE' }),
  'a symmetric key': () => ({ kty: 'oct', k: zeros(32), alg: 'HS256' }),
  'an RSA key, RS256': () => publicJwk(generateKey('RSA', { alg: 'RS256' })),
  'an RSA key, PS256': () => publicJwk(generateKey('RSA', { alg: 'PS256' })),
  'a secp256k1 key': () => publicJwk(generateKey('secp256k1', { alg: 'ES256K' })),
  'a secp256k1 key as ES256': () => publicJwk(generateKey('secp256k1', { alg: 'ES256' })),
  'an Ed448 key': () => publicJwk(generateKey('Ed448', { alg: 'EdDSA' })),
  'an X25519 key': () => publicJwk(generateKey('X25519', { alg: 'EdDSA' })),
  'no kty': (jwk) => ({ ...jwk, kty: undefined }),
  'another kty': (jwk) => ({ ...jwk, kty: 'OKP' }),
  'an unknown kty': (jwk) => ({ ...jwk, kty: 'XX' }),
  'no crv': (jwk) => ({ ...jwk, crv: undefined }),
  'an unknown crv': (jwk) => ({ ...jwk, crv: 'P-192' }),
  'another crv': (jwk) => ({ ...jwk, crv: 'P-384' }),
  'no x': (jwk) => ({ ...jwk, x: undefined }),
  'no y': (jwk) => ({ ...jwk, y: undefined }),
  'x empty': (jwk) => ({ ...jwk, x: '' }),
  'x a number': (jwk) => ({ ...jwk, x: 1 }),
  'x not base64url': (jwk) => ({ ...jwk, x: `${jwk.x.slice(0, -1)}*` }),
  'x padded': (jwk) => ({ ...jwk, x: `${jwk.x}=` }),
  'x too short': (jwk) => ({ ...jwk, x: base64url(fromBase64url(jwk.x).subarray(1)) }),
  'x with a leading zero octet': (jwk) => ({ ...jwk, x: prepend(jwk.x) }),
  'a point off the curve': (jwk) => ({ ...jwk, y: flipBit(jwk.y, -1) }),
  'x and y swapped': (jwk) => ({ ...jwk, x: jwk.y, y: jwk.x }),
  'the point (0, 0)': (jwk) => ({ ...jwk, x: zeros(32), y: zeros(32) }),
  'coordinates beyond the field': (jwk) => ({ ...jwk, x: ones(32), y: ones(32) }),
  'an Ed25519 key that is too short': () => ({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', x: zeros(31) }),
  'use enc': (jwk) => ({ ...jwk, use: 'enc' }),
  'key_ops without verify': (jwk) => ({ ...jwk, key_ops: ['encrypt'] }),
};

describe('keys that cannot be a WSK', () => {
  for (const [name, change] of Object.entries(UNFIT_KEYS)) {
    test(name, async () => {
      const session = wallet.newSession();
      const body = await wallet.initiateBody(session);
      const honest = body.walletSigningKeyData.client_public_key;
      body.walletSigningKeyData.client_public_key = change(honest);
      assertViolations(await wallet.call(PATHS.initiate, body), '/walletSigningKeyData*');
    });
  }

  for (const member of ['d', 'k', 'p', 'q', 'dp', 'dq', 'qi']) {
    test(`a key with the private member ${member}`, async () => {
      const session = wallet.newSession();
      const body = await wallet.initiateBody(session);
      body.walletSigningKeyData.client_public_key[member] = session.wsk.d;
      const response = await wallet.call(PATHS.initiate, body);
      assertViolations(response, '/walletSigningKeyData*');
      assert.ok(!response.text.includes(session.wsk.d), 'key material is never echoed');
    });
  }

  for (const keyType of ['WALLET_ENCRYPTION_KEY', 'PRESENTMENT_KEY', 'wallet_signing_key', 'OTHER']) {
    test(`keyType ${keyType}`, async () => {
      const body = await wallet.initiateBody(wallet.newSession());
      body.walletSigningKeyData.keyType = keyType;
      body.locale = 5;
      const pointers = assertViolations(await wallet.call(PATHS.initiate, body));
      assert.deepEqual(pointers.sort(), ['/locale', '/walletSigningKeyData/keyType'], 'with all else that is wrong');
    });
  }
});

/** Send an initiate with this nonce; it must fail, and the sessionId must stay unused. */
async function assertNonceRefused(session, nonce) {
  assertProblem(await wallet.initiate(session, { nonce }), 400, PROBLEM.client);
  assertOk(await wallet.initiate(session));
}

describe('raw nonces that are refused', () => {
  const CASES = {
    'over another sessionId': (session) => rawNonce(session, { sessionId: randomUUID() }),
    'over the sessionId in upper case': (session) => rawNonce(session, { sessionId: session.sessionId.toUpperCase() }),
    'over the sessionId and a line feed': (session) => rawNonce(session, { sessionId: `${session.sessionId}\n` }),
    'over the quoted sessionId': (session) => rawNonce(session, { sessionId: `"${session.sessionId}"` }),
    'by another key': (session) => rawNonce(session, { signer: generateSigningKey() }),
    'by a key of another algorithm': (session) => rawNonce(session, { signer: generateSigningKey('ES384') }),
    'with a flipped bit': (session) => flipBit(rawNonce(session), 5),
    'too short': (session) => rawNonce(session).slice(0, -4),
    'with an octet more': (session) => base64url(Buffer.concat([fromBase64url(rawNonce(session)), Buffer.of(0)])),
    padded: (session) => `${rawNonce(session)}==`,
    'all zeros': () => zeros(64),
    'all ones': () => ones(64),
    'one octet': () => 'AA',
    'not base64url': () => '!!!not base64url!!!',
    'a word': () => 'nonce',
    'DER instead of R and S': (session) =>
      base64url(sign('sha256', Buffer.from(session.sessionId), createPrivateKey({ key: session.wsk, format: 'jwk' }))),
    'S replaced by zero': (session) => {
      const bytes = fromBase64url(rawNonce(session));
      bytes.fill(0, 32);
      return base64url(bytes);
    },
    'the sessionId itself': (session) => base64url(session.sessionId),
  };
  for (const [name, make] of Object.entries(CASES)) {
    test(name, async () => {
      const session = wallet.newSession();
      await assertNonceRefused(session, make(session));
    });
  }
});

describe('bound nonces that are refused', () => {
  const bound = (knobs) => (session) =>
    boundNonce(session, wallet.issuer, typeof knobs === 'function' ? knobs(session) : knobs);
  const claims = (changes) => bound({ claims: changes });
  const header = (changes) => bound({ header: changes });
  const payload = (session) => ({
    sessionId: session.sessionId,
    aud: wallet.issuer,
    iat: nowSeconds(),
    jti: randomUUID(),
  });
  const CASES = {
    'another sessionId': claims({ sessionId: randomUUID() }),
    'no sessionId': claims({ sessionId: undefined }),
    'sessionId in upper case': (session) => bound({ claims: { sessionId: session.sessionId.toUpperCase() } })(session),
    'another audience': claims({ aud: 'https://other-issuer.example' }),
    'the audience with a slash': claims({ aud: `${wallet.issuer}/` }),
    'no audience': claims({ aud: undefined }),
    stale: claims({ iat: nowSeconds() - 400 }),
    'from the future': claims({ iat: nowSeconds() + 400 }),
    'no iat': claims({ iat: undefined }),
    'iat a string': claims({ iat: String(nowSeconds()) }),
    'iat null': claims({ iat: null }),
    'another typ': header({ typ: 'JWT' }),
    'no typ': header({ typ: undefined }),
    'typ of a key binding': header({ typ: 's2s-key-binding+jwt' }),
    'by another key': bound(() => ({ signer: generateSigningKey() })),
    'by another key that the header carries': bound(() => {
      const signer = generateSigningKey();
      return { signer, header: { jwk: publicJwk(signer) } };
    }),
    'critical header': bound({ header: { crit: ['urn:example:x'], 'urn:example:x': 1 } }),
    'alg none': (session) => forgeJws({ typ: TYP_NONCE, alg: 'none' }, payload(session), ''),
    'alg none with a signature': (session) =>
      forgeJws({ typ: TYP_NONCE, alg: 'none' }, payload(session), (input) => signRaw(session.wsk, input)),
    'alg HS256 with the public key as secret': (session) =>
      forgeJws({ typ: TYP_NONCE, alg: 'HS256' }, payload(session), (input) =>
        createHmac('sha256', JSON.stringify(publicJwk(session.wsk)))
          .update(input)
          .digest(),
      ),
    'alg of another curve': (session) =>
      forgeJws({ typ: TYP_NONCE, alg: 'ES384' }, payload(session), (input) => signRaw(session.wsk, input)),
    'no alg': (session) => forgeJws({ typ: TYP_NONCE }, payload(session), (input) => signRaw(session.wsk, input)),
    'payload is no object': (session) =>
      forgeJws({ typ: TYP_NONCE, alg: 'ES256' }, '[]', (input) => signRaw(session.wsk, input)),
    'payload is no JSON': (session) =>
      forgeJws({ typ: TYP_NONCE, alg: 'ES256' }, 'x', (input) => signRaw(session.wsk, input)),
    'empty signature': (session) => forgeJws({ typ: TYP_NONCE, alg: 'ES256' }, payload(session), ''),
    'empty parts': () => '..',
    'flipped signature': async (session) => changePart(await bound({})(session), 2, (part) => flipBit(part, 3)),
    'changed payload': async (session) => changePart(await bound({})(session), 1, (part) => flipBit(part, 20)),
    'changed header': async (session) => changePart(await bound({})(session), 0, (part) => flipBit(part, 3)),
    'of another session of the same wallet': (session) =>
      boundNonce(wallet.newSession({ wsk: session.wsk }), wallet.issuer),
  };
  for (const [name, make] of Object.entries(CASES)) {
    test(name, async () => {
      const session = wallet.newSession();
      await assertNonceRefused(session, await make(session));
    });
  }
});

describe('bound nonces at the edge of the window', () => {
  for (const offset of [-290, 290]) {
    test(`iat ${offset} s from now is accepted`, async () => {
      assertOk(
        await wallet.initiate(wallet.newSession(), {
          nonce: 'bound',
          nonceKnobs: { claims: { iat: nowSeconds() + offset } },
        }),
      );
    });
  }
});

describe('replay of an initiate', () => {
  test('a used sessionId is 409 with a raw nonce', async () => {
    const { session } = await wallet.approvedSession();
    const again = wallet.newSession({ sessionId: session.sessionId, wsk: session.wsk });
    assertProblem(await wallet.initiate(again), 409, PROBLEM.consumed);
  });

  test('a bound nonce opens it anew, once', async () => {
    const { session } = await wallet.approvedSession();
    const again = wallet.newSession({ sessionId: session.sessionId, wsk: session.wsk });
    const nonce = await boundNonce(session, wallet.issuer);
    assertOk(await wallet.initiate(again, { nonce }));
    assert.notEqual(again.verificationId, session.verificationId);
    assert.equal((await wallet.waitFor(again, 'APPROVED')).status, 'APPROVED');
    assertProblem(await wallet.initiate(again, { nonce }), 409, PROBLEM.consumed);
    assert.equal(assertOk(await wallet.status(session)).status, 'APPROVED');
  });

  test('the nonce that opened a session does not open it anew', async () => {
    const session = wallet.newSession();
    const nonce = await boundNonce(session, wallet.issuer);
    assertOk(await wallet.initiate(session, { nonce }));
    await wallet.waitFor(session, 'APPROVED');
    const again = wallet.newSession({ sessionId: session.sessionId, wsk: session.wsk });
    assertProblem(await wallet.initiate(again, { nonce }), 409, PROBLEM.consumed);
  });

  test('nor does another one while a verification of it is not final', async () => {
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session, { configurations: ['badge_review'] }));
    const again = wallet.newSession({ sessionId: session.sessionId, wsk: session.wsk });
    const problem = assertProblem(await wallet.initiate(again, { nonce: 'bound' }), 409, PROBLEM.consumed);
    assert.equal(problem.currentStatus, 'PENDING');
  });

  test('and so for another key and another peer', async () => {
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session));
    const again = wallet.newSession({ sessionId: session.sessionId });
    const own = assertProblem(await wallet.initiate(again, { nonce: 'bound' }), 409, PROBLEM.consumed);
    const other = await connect({ who: 'OTHER_WALLET' });
    const foreign = assertProblem(await other.initiate(again), 409, PROBLEM.consumed);
    assert.deepEqual({ ...foreign, instance: '' }, { ...own, instance: '' }, 'nothing tells whose session it is');
  });

  test('the first verification is untouched', async () => {
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session, { configurations: ['badge_review'] }));
    const { verificationId } = session;
    await wallet.initiate(wallet.newSession({ sessionId: session.sessionId }), { configurations: ['badge_deny'] });
    const status = assertOk(await wallet.status(session));
    assert.equal(status.verificationId, verificationId);
    assert.equal(status.status, 'PENDING');
  });
});
