// SPDX-License-Identifier: Apache-2.0
//
// JWEs from the wallet client to the issuer: every published algorithm and serialization, and every way to spoil one
// (profile section 3, D4; RFC 7516; draft-ietf-jose-hpke-encrypt).

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { suiteOf } from '../lib/hpke.mjs';
import { base64url, changePart, decodeJson, encodeJson, flipBit, fromBase64url } from '../lib/jose.mjs';
import { generateKey, publicJwk } from '../lib/keys.mjs';
import { clientPayload, otpItem } from '../lib/payloads.mjs';
import { PATHS } from '../lib/wallet.mjs';
import { assertOk, assertProblem, connect, plantSecret, PROBLEM } from './support.mjs';

const wallet = await connect();
const issuerKeys = wallet.metadata.s2s.issuer_encryption_jwks.keys;
const supported = wallet.metadata.s2s.encryption_alg_values_supported;
const secret = plantSecret('item');
const item = () => otpItem('123456', { note: secret });

const initiateWith = (session, payload) =>
  wallet.initiate(session, {
    configurations: ['badge_info'],
    body: { verificationData: { clientEncryptedPayload: [payload] } },
  });

/** Send an item sealed as told; it must be decrypted, verified and evaluated. */
async function assertAccepted(issuerKey, seal) {
  const session = wallet.newSession();
  assertOk(await initiateWith(session, await clientPayload(session, issuerKey, item(), { seal })));
  return session;
}

/** Send what `spoil` makes of an honest JWE (or of how it is sealed); the request must fail and store nothing. */
async function assertRefused({ issuerKey = wallet.issuerKey, seal, spoil = (jwe) => jwe }) {
  const session = wallet.newSession();
  const payload = await clientPayload(session, issuerKey, item(), { seal });
  const response = await initiateWith(session, { ...payload, jwe: await spoil(payload.jwe, session) });
  assertProblem(response, 400, PROBLEM.encryption);
  assert.ok(!response.text.includes(secret));
  assertOk(await wallet.initiate(session));
}

describe('published keys and algorithms', () => {
  test('there is at least one key, each fit for what it says', () => {
    assert.ok(issuerKeys.length > 0);
    for (const jwk of issuerKeys) {
      assert.equal(jwk.crv, suiteOf(jwk.alg)?.curve, `${jwk.alg} on ${jwk.crv}`);
      assert.ok(supported.includes(jwk.alg), `${jwk.alg} is among encryption_alg_values_supported`);
      assert.equal(jwk.d, undefined, 'no private member');
      assert.ok(jwk.kid, 'has a kid');
    }
    assert.equal(new Set(issuerKeys.map((jwk) => jwk.kid)).size, issuerKeys.length, 'no kid twice');
  });

  for (const [index, jwk] of issuerKeys.entries()) {
    const encs = jwk.alg.endsWith('-KE') ? ['A128GCM', 'A256GCM'] : [undefined];
    for (const enc of encs) {
      for (const seal of [
        { form: 'compact' },
        { form: 'flattened' },
        { form: 'flattened', aad: 'context' },
        { form: 'general' },
        { form: 'general', aad: 'context' },
      ]) {
        test(`key ${index}: ${jwk.alg} ${enc ?? ''} ${seal.form}${seal.aad ? ' with aad' : ''}`, async () => {
          const session = await assertAccepted(jwk, { ...seal, enc });
          assert.equal((await wallet.waitFor(session, ['APPROVED', 'REJECTED', 'DENIED'])).status, 'APPROVED');
        });
      }
    }
  }

  test('encryption_enc_values_supported names both', () => {
    assert.deepEqual([...wallet.metadata.s2s.encryption_enc_values_supported].sort(), ['A128GCM', 'A256GCM']);
  });
});

// The first key of either kind; the suite that follows works on whichever the issuer publishes.
const keyEncryption = issuerKeys.find((jwk) => jwk.alg.endsWith('-KE'));
const integrated = issuerKeys.find((jwk) => !jwk.alg.endsWith('-KE'));

/** Change the protected header after the fact, or its text. */
const editHeader = (change) => (jwe) => changePart(jwe, 0, (part) => encodeJson(change(decodeJson(part))));
const rawHeader = (text) => (jwe) => changePart(jwe, 0, () => base64url(text));
const part = (index, change) => (jwe) => changePart(jwe, index, change);
const cut = (length) => (text) => base64url(fromBase64url(text).subarray(0, length));
const parts = (change) => (jwe) => change(jwe.split('.')).join('.');
const [PROTECTED, KEY, IV, CIPHERTEXT, TAG] = [0, 1, 2, 3, 4];

const SPOILED_COMPACT = {
  'flipped ciphertext, first octet': part(CIPHERTEXT, (text) => flipBit(text, 0)),
  'flipped ciphertext, last octet': part(CIPHERTEXT, (text) => flipBit(text, -1)),
  'truncated ciphertext': part(CIPHERTEXT, (text) => base64url(fromBase64url(text).subarray(0, -1))),
  'empty ciphertext': part(CIPHERTEXT, () => ''),
  'flipped encrypted key': part(KEY, (text) => flipBit(text, 1)),
  'truncated encrypted key': part(KEY, cut(-1)),
  'empty encrypted key': part(KEY, () => ''),
  'four parts': parts((all) => all.slice(0, 4)),
  'six parts': parts((all) => [...all, 'AA']),
  'one part': () => 'AA',
  'only dots': () => '....',
  'a character that is not base64url': part(CIPHERTEXT, (text) => `${text}*`),
  padding: part(KEY, (text) => `${text}=`),
  'a trailing line feed': (jwe) => `${jwe}\n`,
  'a leading space': (jwe) => ` ${jwe}`,
  'a header that is no JSON': rawHeader('header'),
  'a header that is an array': rawHeader('[]'),
  'an empty header': rawHeader('{}'),
  'a header with a name twice': (jwe) =>
    changePart(jwe, PROTECTED, (text) => base64url(fromBase64url(text).toString().replace('{', '{"alg":"dir",'))),
  'no alg': editHeader(({ alg, ...rest }) => rest),
  'alg dir': editHeader((header) => ({ ...header, alg: 'dir' })),
  'alg ECDH-ES': editHeader((header) => ({ ...header, alg: 'ECDH-ES' })),
  'alg ECDH-ES+A128KW': editHeader((header) => ({ ...header, alg: 'ECDH-ES+A128KW' })),
  'alg RSA-OAEP': editHeader((header) => ({ ...header, alg: 'RSA-OAEP' })),
  'alg A128KW': editHeader((header) => ({ ...header, alg: 'A128KW' })),
  'alg HPKE-9': editHeader((header) => ({ ...header, alg: 'HPKE-9' })),
  'alg in lower case': editHeader((header) => ({ ...header, alg: header.alg.toLowerCase() })),
  'alg a number': editHeader((header) => ({ ...header, alg: 0 })),
  'no kid': editHeader(({ kid, ...rest }) => rest),
  'an unknown kid': editHeader((header) => ({ ...header, kid: 'nobody' })),
  'the kid of another key': editHeader((header) => ({
    ...header,
    kid: issuerKeys.find((jwk) => jwk.kid !== header.kid)?.kid ?? 'x',
  })),
  'kid a number': editHeader((header) => ({ ...header, kid: 1 })),
  'kid null': editHeader((header) => ({ ...header, kid: null })),
};

const SPOILED_KEY_ENCRYPTION = {
  'flipped iv': part(IV, (text) => flipBit(text)),
  'an iv of 16 octets': part(IV, () => base64url(Buffer.alloc(16))),
  'an empty iv': part(IV, () => ''),
  'flipped tag': part(TAG, (text) => flipBit(text)),
  'a tag of 12 octets': part(TAG, cut(12)),
  'a tag of 4 octets': part(TAG, cut(4)),
  'an empty tag': part(TAG, () => ''),
  'no ek': editHeader(({ ek, ...rest }) => rest),
  'ek flipped': editHeader((header) => ({ ...header, ek: flipBit(header.ek, -1) })),
  'ek truncated': editHeader((header) => ({ ...header, ek: cut(-1)(header.ek) })),
  'ek empty': editHeader((header) => ({ ...header, ek: '' })),
  'ek a number': editHeader((header) => ({ ...header, ek: 1 })),
  'ek all zeros': editHeader((header) => ({ ...header, ek: base64url(Buffer.alloc(fromBase64url(header.ek).length)) })),
  'no enc': editHeader(({ enc, ...rest }) => rest),
  'enc A192GCM': editHeader((header) => ({ ...header, enc: 'A192GCM' })),
  'enc A128CBC-HS256': editHeader((header) => ({ ...header, enc: 'A128CBC-HS256' })),
  'enc of the other strength': editHeader((header) => ({
    ...header,
    enc: header.enc === 'A128GCM' ? 'A256GCM' : 'A128GCM',
  })),
};

/** What an honest sender could seal but must not. */
const FORBIDDEN_HEADERS = {
  zip: { zip: 'DEF' },
  crit: { crit: ['urn:example:x'], 'urn:example:x': true },
  'an empty crit': { crit: [] },
  psk_id: { psk_id: 'AA' },
  'no kid': { kid: undefined },
  'an unknown kid': { kid: 'nobody' },
  'an empty kid': { kid: '' },
};

for (const [kind, issuerKey] of [
  ['key encryption', keyEncryption],
  ['integrated encryption', integrated],
]) {
  describe(`spoiled ${kind}`, { skip: issuerKey ? false : 'no such key is published' }, () => {
    for (const [name, spoil] of Object.entries(SPOILED_COMPACT)) {
      test(name, () => assertRefused({ issuerKey, spoil }));
    }
    for (const [name, header] of Object.entries(FORBIDDEN_HEADERS)) {
      test(`sealed with ${name}`, () => assertRefused({ issuerKey, seal: { header } }));
    }
    test("sealed to a key that is not the issuer's", () => {
      const other = generateKey(issuerKey.crv, { alg: issuerKey.alg, kid: issuerKey.kid });
      return assertRefused({ issuerKey: publicJwk(other) });
    });
    test('the header of one JWE with the rest of another', async () => {
      const spoil = async (jwe, session) => {
        const other = (await clientPayload(session, issuerKey, item())).jwe;
        return changePart(other, PROTECTED, () => jwe.split('.')[0]);
      };
      // Integrated encryption has nothing of its own in the header: there the encapsulated key is swapped instead.
      const swapKey = async (jwe, session) => {
        const other = (await clientPayload(session, issuerKey, item())).jwe;
        return changePart(other, KEY, () => jwe.split('.')[KEY]);
      };
      await assertRefused({ issuerKey, spoil: issuerKey.alg.endsWith('-KE') ? spoil : swapKey });
    });
    test('an algorithm of the same curve that the key is not for', async () => {
      const others = supported.filter((alg) => alg !== issuerKey.alg && suiteOf(alg)?.curve === issuerKey.crv);
      for (const alg of others) await assertRefused({ issuerKey, seal: { alg } });
    });
  });
}

describe('key encryption', { skip: keyEncryption ? false : 'no such key is published' }, () => {
  for (const [name, spoil] of Object.entries(SPOILED_KEY_ENCRYPTION)) {
    test(name, () => assertRefused({ issuerKey: keyEncryption, spoil }));
  }
});

describe('integrated encryption', { skip: integrated ? false : 'no such key is published' }, () => {
  test('with an enc', () => assertRefused({ issuerKey: integrated, seal: { enc: 'A128GCM' } }));
  test('with an iv', () =>
    assertRefused({ issuerKey: integrated, spoil: part(IV, () => base64url(Buffer.alloc(12))) }));
  test('with a tag', () =>
    assertRefused({ issuerKey: integrated, spoil: part(TAG, () => base64url(Buffer.alloc(16))) }));
});

const recipientsOf = (jwe, count) => {
  const { recipients, ...rest } = jwe;
  return { ...rest, recipients: Array.from({ length: count }, () => recipients[0]) };
};
const without =
  (name) =>
  ({ [name]: dropped, ...rest }) =>
    rest;

const SPOILED_JSON = {
  'aad changed': { aad: 'context', spoil: (jwe) => ({ ...jwe, aad: base64url('other') }) },
  'aad removed': { aad: 'context', spoil: without('aad') },
  'aad added': { spoil: (jwe) => ({ ...jwe, aad: base64url('other') }) },
  'aad not base64url': { aad: 'context', spoil: (jwe) => ({ ...jwe, aad: '*' }) },
  'aad a number': { aad: 'context', spoil: (jwe) => ({ ...jwe, aad: 1 }) },
  'no protected header': { spoil: without('protected') },
  'no ciphertext': { spoil: without('ciphertext') },
  'no encrypted key': { spoil: without('encrypted_key') },
  'no tag': { spoil: without('tag') },
  'no iv': { spoil: without('iv') },
  'tag null': { spoil: (jwe) => ({ ...jwe, tag: null }) },
  'ciphertext a number': { spoil: (jwe) => ({ ...jwe, ciphertext: 1 }) },
  'an empty object': { spoil: () => ({}) },
  'alg in both headers': { spoil: (jwe) => ({ ...jwe, unprotected: { alg: decodeJson(jwe.protected).alg } }) },
  'zip in the unprotected header': { spoil: (jwe) => ({ ...jwe, unprotected: { zip: 'DEF' } }) },
  'crit in the unprotected header': { spoil: (jwe) => ({ ...jwe, unprotected: { crit: ['x'], x: 1 } }) },
  'an unprotected header that is no object': { spoil: (jwe) => ({ ...jwe, unprotected: 'x' }) },
  'two recipients': { form: 'general', spoil: (jwe) => recipientsOf(jwe, 2) },
  'no recipient': { form: 'general', spoil: (jwe) => recipientsOf(jwe, 0) },
  'recipients no array': { form: 'general', spoil: (jwe) => ({ ...jwe, recipients: jwe.recipients[0] }) },
  'a recipient that is null': { form: 'general', spoil: (jwe) => ({ ...jwe, recipients: [null] }) },
  'a recipient without a key': { form: 'general', spoil: (jwe) => ({ ...jwe, recipients: [{}] }) },
  'general and flattened at once': {
    form: 'general',
    spoil: (jwe) => ({ ...jwe, encrypted_key: jwe.recipients[0].encrypted_key }),
  },
};

describe('spoiled JSON serializations', () => {
  for (const [name, { spoil, form = 'flattened', aad }] of Object.entries(SPOILED_JSON)) {
    test(name, () => assertRefused({ issuerKey: keyEncryption ?? integrated, seal: { form, aad }, spoil }));
  }
});

describe('several payloads', () => {
  test('one that is spoiled rejects them all', async () => {
    const session = wallet.newSession();
    const good = await clientPayload(session, wallet.issuerKey, item());
    const bad = await clientPayload(session, wallet.issuerKey, { id: 'other', type: 'urn:example:x' });
    bad.jwe = changePart(bad.jwe, CIPHERTEXT, (text) => flipBit(text));
    const verificationData = { clientEncryptedPayload: [good, bad] };
    assertProblem(await wallet.initiate(session, { body: { verificationData } }), 400, PROBLEM.encryption);
    assertOk(await wallet.initiate(session));
  });

  test('each may be sealed to another key', async () => {
    const session = wallet.newSession();
    const sealed = issuerKeys
      .slice(0, 4)
      .map((jwk, i) => clientPayload(session, jwk, otpItem('123456', { id: `otp-${i + 1}` })));
    const verificationData = { clientEncryptedPayload: await Promise.all(sealed) };
    assertOk(await wallet.initiate(session, { configurations: ['badge_info'], body: { verificationData } }));
    await wallet.waitFor(session, 'APPROVED');
  });
});

describe('the other endpoints look as closely', () => {
  test('supplement', async () => {
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session, { configurations: ['badge_info'] }));
    await wallet.waitFor(session, 'ADDITIONAL_INFO_REQUIRED');
    const body = await wallet.supplementBody(session, { items: [item()] });
    const [payload] = body.verificationDataPayload.clientEncryptedPayload;
    const honest = payload.jwe;
    for (const index of [PROTECTED, KEY, CIPHERTEXT]) {
      payload.jwe = changePart(honest, index, (text) => flipBit(text, 2));
      assertProblem(await wallet.call(PATHS.supplement, body), 400, PROBLEM.encryption);
    }
    assert.equal(assertOk(await wallet.status(session)).status, 'ADDITIONAL_INFO_REQUIRED', 'nothing was submitted');
    payload.jwe = honest;
    assertOk(await wallet.call(PATHS.supplement, body));
    await wallet.waitFor(session, 'APPROVED');
  });

  test('get', async () => {
    const { session, instances } = await wallet.approvedSession();
    const body = await wallet.getBody(session, instances[0]);
    const honest = body.clientEncryptedData.jwe;
    for (const index of [PROTECTED, KEY, CIPHERTEXT]) {
      body.clientEncryptedData.jwe = changePart(honest, index, (text) => flipBit(text, 2));
      assertProblem(await wallet.call(PATHS.get, body), 400, PROBLEM.encryption);
    }
    body.clientEncryptedData.jwe = honest;
    assertOk(await wallet.call(PATHS.get, body));
  });
});
