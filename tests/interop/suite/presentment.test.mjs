// SPDX-License-Identifier: Apache-2.0
//
// Presentment keys and their proofs of possession (profile section 3 "Key proofs of presentment keys").

import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { changePart, decodeJws, flipBit, forgeJws, nowSeconds, signRaw } from '../lib/jose.mjs';
import { generateKey, generateSigningKey, publicJwk, thumbprint } from '../lib/keys.mjs';
import { presentmentKey, TYP_KEY_PROOF } from '../lib/payloads.mjs';
import { assertOk, assertProblem, assertViolations, connect, PROBLEM } from './support.mjs';

const wallet = await connect();
const { session, instances } = await wallet.approvedSession();
const [instanceId] = instances;

const proved = (key, knobs) => presentmentKey(session, wallet.issuer, key, knobs);
const getWith = (...presentmentKeys) => wallet.get(session, instanceId, { presentmentKeys });

/** The `cnf` thumbprints of the credentials of an answer, in order. */
async function boundTo(response) {
  assertOk(response);
  const credentials = await wallet.openCredentials(response, session.wek);
  return credentials.map(({ credential }) => thumbprint(decodeJws(credential.split('~')[0]).payload.cnf.jwk));
}

describe('proofs that hold', () => {
  for (const alg of ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']) {
    test(`${alg}: the credential is bound to the key`, async () => {
      const key = generateSigningKey(alg);
      assert.deepEqual(await boundTo(await getWith(await proved(key))), [thumbprint(key)]);
    });
  }

  test('several keys: one credential for each, in order', async () => {
    const keys = ['ES256', 'EdDSA', 'ES384', 'ES512', 'ES256'].map((alg) => generateSigningKey(alg));
    const response = await getWith(...(await Promise.all(keys.map((key) => proved(key)))));
    assert.deepEqual(await boundTo(response), keys.map(thumbprint));
  });

  test('a proof that was made a while ago, or by a clock that is ahead', async () => {
    for (const offset of [-3600, -290, 290]) {
      assertOk(await getWith(await proved(generateSigningKey(), { claims: { iat: nowSeconds() + offset } })));
    }
  });

  test('the header key may have more members than the KeyData, and less', async () => {
    const key = generateSigningKey();
    const { kty, crv, x, y } = key;
    assertOk(await getWith(await proved(key, { header: { jwk: { kty, crv, x, y } } })));
    assertOk(await getWith(await proved(key, { header: { jwk: { ...publicJwk(key), use: 'sig' } } })));
  });
});

const claims = (changes) => () => ({ claims: changes });
const header = (changes) => () => ({ header: changes });
const withProof = (attestation) => () => ({ members: { attestation } });
const forged = (headerMembers, sign) => (key) => {
  const payload = { aud: wallet.issuer, iat: nowSeconds(), nonce: session.sessionId };
  const jwt = forgeJws({ typ: TYP_KEY_PROOF, jwk: publicJwk(key), ...headerMembers }, payload, (input) =>
    sign(input, key),
  );
  return { members: { attestation: { proof_type: 'jwt', jwt } } };
};

/** Each claim and each header member wrong: `(key) => knobs` of presentmentKey. */
const UNPROVED = {
  'another audience': claims({ aud: 'https://other-issuer.example' }),
  'no audience': claims({ aud: undefined }),
  'the encryption key as audience': claims({ aud: thumbprint(wallet.issuerKey) }),
  'another nonce': claims({ nonce: randomUUID() }),
  'no nonce': claims({ nonce: undefined }),
  'nonce a number': claims({ nonce: 1 }),
  'the nonce in upper case': claims({ nonce: session.sessionId.toUpperCase() }),
  'ten years old': claims({ iat: nowSeconds() - 10 * 365 * 86400 }),
  'from the future': claims({ iat: nowSeconds() + 400 }),
  'no iat': claims({ iat: undefined }),
  'iat a string': claims({ iat: String(nowSeconds()) }),
  'another typ': header({ typ: 'JWT' }),
  'no typ': header({ typ: undefined }),
  'no key in the header': header({ jwk: undefined }),
  'another key in the header': () => ({ header: { jwk: publicJwk(generateSigningKey()) } }),
  'a key in the header that is no object': header({ jwk: 'x' }),
  'the private key in the header': (key) => ({ header: { jwk: key } }),
  'a critical header': header({ crit: ['urn:example:x'], 'urn:example:x': 1 }),
  'signed by another key': () => ({ signer: generateSigningKey() }),
  'signed by the WSK': () => ({ signer: session.wsk }),
  'alg none': forged({ alg: 'none' }, () => ''),
  'alg HS256': forged({ alg: 'HS256' }, (input, key) =>
    createHmac('sha256', JSON.stringify(publicJwk(key)))
      .update(input)
      .digest(),
  ),
  'alg RS256': forged({ alg: 'RS256' }, () => Buffer.alloc(256, 1)),
  'alg of another curve': forged({ alg: 'ES384' }, (input, key) => signRaw(key, input)),
  'no attestation': () => ({ members: { attestation: undefined } }),
  'an empty attestation': withProof({}),
  'another proof type': withProof({ proof_type: 'ldp_vp', ldp_vp: {} }),
  'no jwt': withProof({ proof_type: 'jwt' }),
  'a jwt that is a number': withProof({ proof_type: 'jwt', jwt: 1 }),
  'a jwt that is a word': withProof({ proof_type: 'jwt', jwt: 'jwt' }),
  'keyType WALLET_SIGNING_KEY': () => ({ members: { keyType: 'WALLET_SIGNING_KEY' } }),
  'keyType of somebody else': () => ({ members: { keyType: 'urn:example:key' } }),
  'a key without alg': (key) => ({ members: { client_public_key: { ...publicJwk(key), alg: undefined } } }),
  'a private member in the KeyData': (key) => ({ members: { client_public_key: key } }),
  'a point off the curve': (key) => ({ members: { client_public_key: { ...publicJwk(key), y: flipBit(key.y, -1) } } }),
  'another key in the KeyData': () => ({ members: { client_public_key: publicJwk(generateSigningKey()) } }),
  'a key for encryption': (key) => ({ members: { client_public_key: { ...publicJwk(key), use: 'enc' } } }),
};

const refused = [PROBLEM.client, PROBLEM.validation];

describe('proofs that do not hold', () => {
  for (const [name, knobs] of Object.entries(UNPROVED)) {
    test(name, async () => {
      const key = generateSigningKey();
      const response = await getWith(await proved(key, knobs(key)));
      assertProblem(response, 400, refused);
      assert.ok(!response.text.includes(key.d));
    });

    test(`${name}, after a good one`, async () => {
      const key = generateSigningKey();
      const response = await getWith(await proved(generateSigningKey()), await proved(key, knobs(key)));
      const problem = assertProblem(response, 400, refused);
      if (problem.type === PROBLEM.validation) assertViolations(response, '/clientEncryptedData/presentmentKeys/1*');
    });
  }

  test('claims that do not fit are failures of the client', async () => {
    for (const name of [
      'another audience',
      'another nonce',
      'ten years old',
      'another typ',
      'signed by another key',
      'alg none',
    ]) {
      const key = generateSigningKey();
      assertProblem(await getWith(await proved(key, UNPROVED[name](key))), 400, PROBLEM.client);
    }
  });

  test('a changed signature', async () => {
    const data = await proved(generateSigningKey());
    data.attestation.jwt = changePart(data.attestation.jwt, 2, (text) => flipBit(text));
    assertProblem(await getWith(data), 400, PROBLEM.client);
  });

  test('the same key twice', async () => {
    const key = generateSigningKey();
    assertProblem(await getWith(await proved(key), await proved(key)), 400, refused);
  });

  test('more keys than allowed', async () => {
    const keys = Array.from({ length: 21 }, () => proved(generateSigningKey()));
    assertProblem(await getWith(...(await Promise.all(keys))), 400, refused);
  });

  test('an X25519 key', async () => {
    const key = generateKey('X25519', { alg: 'EdDSA' });
    assertProblem(await getWith(await proved(key, { signer: generateSigningKey() })), 400, refused);
  });

  test('the proof of another session', async () => {
    const other = wallet.newSession();
    assertProblem(await getWith(await presentmentKey(other, wallet.issuer, generateSigningKey())), 400, PROBLEM.client);
  });
});

test('a key-bound configuration gives nothing without clientEncryptedData', async () => {
  const body = { clientEncryptedData: undefined };
  assertProblem(await wallet.get(session, instanceId, { binding: 'attestation', body }), 400, PROBLEM.validation);
});
