// SPDX-License-Identifier: Apache-2.0
//
// Inside of the encryption: Client Encrypted Payloads must be signed by the session's WSK and say for whom they are
// (profile section 3, D5), and their content must be what the endpoint carries.

import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { base64url, changePart, flipBit, forgeJws, nowSeconds, signJws, signRaw } from '../lib/jose.mjs';
import { generateKey, generateSigningKey, publicJwk, thumbprint } from '../lib/keys.mjs';
import { clientPayload, otpItem, presentmentKey } from '../lib/payloads.mjs';
import { PATHS } from '../lib/wallet.mjs';
import { assertOk, assertProblem, assertViolations, connect, PROBLEM } from './support.mjs';

const wallet = await connect();
const audience = thumbprint(wallet.issuerKey);
const content = () => ({ ...otpItem('123456'), aud: audience });

const seal = (session, knobs) => clientPayload(session, wallet.issuerKey, otpItem('123456'), knobs);
const initiateWith = (session, ...payloads) =>
  wallet.initiate(session, {
    configurations: ['badge_info'],
    body: { verificationData: { clientEncryptedPayload: payloads } },
  });

/** Payloads that decrypt but do not authenticate: `(session) => knobs` of clientPayload. */
const UNAUTHENTIC = {
  'signed by another key': () => ({ signer: generateSigningKey() }),
  'signed by another key, with the kid of the WSK': (session) => ({
    signer: generateSigningKey('ES256', { kid: session.wsk.kid }),
    header: { kid: session.wsk.kid },
  }),
  'signed by another key that the header carries': () => {
    const signer = generateSigningKey();
    return { signer, header: { jwk: publicJwk(signer) } };
  },
  'signed with another algorithm': () => ({ signer: generateSigningKey('ES384') }),
  'not signed at all': () => ({ plaintext: JSON.stringify(content()) }),
  'alg none': () => ({ plaintext: forgeJws({ alg: 'none' }, content(), '') }),
  'alg None': () => ({ plaintext: forgeJws({ alg: 'None' }, content(), '') }),
  'alg HS256 with the public key as secret': (session) => ({
    plaintext: forgeJws({ alg: 'HS256' }, content(), (input) =>
      createHmac('sha256', JSON.stringify(publicJwk(session.wsk)))
        .update(input)
        .digest(),
    ),
  }),
  'alg RS256': () => ({ plaintext: forgeJws({ alg: 'RS256' }, content(), Buffer.alloc(256, 1)) }),
  'alg of another curve': (session) => ({
    plaintext: forgeJws({ alg: 'ES512' }, content(), (input) => signRaw(session.wsk, input)),
  }),
  'no alg': (session) => ({ plaintext: forgeJws({}, content(), (input) => signRaw(session.wsk, input)) }),
  'an all-zero signature': () => ({ plaintext: forgeJws({ alg: 'ES256' }, content(), Buffer.alloc(64)) }),
  'an empty signature': () => ({ plaintext: forgeJws({ alg: 'ES256' }, content(), '') }),
  'a critical header': () => ({ header: { crit: ['urn:example:x'], 'urn:example:x': 1 } }),
  'an unencoded payload (b64 false)': (session) => ({
    plaintext: forgeJws({ alg: 'ES256', b64: false, crit: ['b64'] }, content(), (input) => signRaw(session.wsk, input)),
  }),
  'a changed signature': async (session) => ({
    plaintext: changePart(await signJws({}, content(), session.wsk), 2, (text) => flipBit(text, 7)),
  }),
  'a changed payload': async (session) => ({
    plaintext: changePart(await signJws({}, content(), session.wsk), 1, (text) => flipBit(text, 9)),
  }),
  'no audience': () => ({ claims: { aud: undefined } }),
  'another audience': () => ({ claims: { aud: thumbprint(generateKey('P-256')) } }),
  'the issuer identifier as audience': () => ({ claims: { aud: wallet.issuer } }),
  'the kid as audience': () => ({ claims: { aud: `kid:${wallet.issuerKey.kid}` } }),
  'audience null': () => ({ claims: { aud: null } }),
  'audience a number': () => ({ claims: { aud: 1 } }),
  'the audience padded': () => ({ claims: { aud: `${audience}=` } }),
  'the audience in lower case': () => ({ claims: { aud: audience.toLowerCase() } }),
  'another sessionId': () => ({ claims: { sessionId: randomUUID() } }),
  'the sessionId in upper case': (session) => ({ claims: { sessionId: session.sessionId.toUpperCase() } }),
  'the thumbprint of another published key': () => {
    const other = wallet.metadata.s2s.issuer_encryption_jwks.keys.find((jwk) => thumbprint(jwk) !== audience);
    return { claims: { aud: other ? thumbprint(other) : 'x' } };
  },
};

describe('payloads that do not authenticate', () => {
  for (const [name, knobs] of Object.entries(UNAUTHENTIC)) {
    test(`initiate: ${name}`, async () => {
      const session = wallet.newSession();
      assertProblem(await initiateWith(session, await seal(session, await knobs(session))), 400, PROBLEM.client);
      assertOk(await wallet.initiate(session)); // nothing was stored
    });
  }

  const waiting = async () => {
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session, { configurations: ['badge_info'] }));
    await wallet.waitFor(session, 'ADDITIONAL_INFO_REQUIRED');
    return session;
  };

  test('supplement: all of these, and none counts as an attempt', async () => {
    const session = await waiting();
    for (const [name, knobs] of Object.entries(UNAUTHENTIC)) {
      const body = await wallet.supplementBody(session, {
        body: { verificationDataPayload: { clientEncryptedPayload: [await seal(session, await knobs(session))] } },
      });
      const response = await wallet.call(PATHS.supplement, body);
      assert.equal(response.json.type, PROBLEM.client, name);
    }
    assert.equal(assertOk(await wallet.status(session)).status, 'ADDITIONAL_INFO_REQUIRED');
    assertOk(await wallet.supplement(session, { items: [otpItem('123456')] }));
    await wallet.waitFor(session, 'APPROVED');
  });

  test('supplement: another verificationId in the payload', async () => {
    const session = await waiting();
    const payload = { claims: { verificationId: randomUUID() } };
    assertProblem(await wallet.supplement(session, { items: [otpItem('123456')], payload }), 400, PROBLEM.client);
  });

  test('supplement: sessionId and verificationId that match', async () => {
    const session = await waiting();
    const { sessionId, verificationId } = session;
    const payload = { claims: { sessionId, verificationId, iat: nowSeconds(), jti: randomUUID() } };
    assertOk(await wallet.supplement(session, { items: [otpItem('123456')], payload }));
    await wallet.waitFor(session, 'APPROVED');
  });

  test("supplement: the payload of another holder's session", async () => {
    const [mine, other] = [await waiting(), await waiting()];
    const stolen = await seal(other);
    const body = { ...wallet.verificationRef(mine), verificationDataPayload: { clientEncryptedPayload: [stolen] } };
    assertProblem(await wallet.call(PATHS.supplement, body), 400, PROBLEM.client);
  });

  test('get: all of these', async () => {
    const { session, instances } = await wallet.approvedSession();
    for (const [name, knobs] of Object.entries(UNAUTHENTIC)) {
      const keys = { presentmentKeys: [await presentmentKey(session, wallet.issuer, generateSigningKey())] };
      keys.walletEncryptionKeyThumbprint = thumbprint(session.wek);
      const clientEncryptedData = await clientPayload(session, wallet.issuerKey, keys, await knobs(session));
      const response = await wallet.get(session, instances[0], { body: { clientEncryptedData } });
      assert.equal(response.json.type, PROBLEM.client, name);
    }
    assertOk(await wallet.get(session, instances[0]));
  });
});

describe('every signature algorithm of a WSK signs payloads', () => {
  for (const alg of ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']) {
    test(alg, async () => {
      const session = wallet.newSession({ wsk: generateSigningKey(alg) });
      assertOk(await wallet.initiate(session, { configurations: ['badge_info'], items: [otpItem('123456')] }));
      await wallet.waitFor(session, 'APPROVED');
    });
  }
});

describe('origin', () => {
  for (const origin of ['WALLET_SERVER', 'ISSUER']) {
    test(`${origin} in the place of the client is refused`, async () => {
      const session = wallet.newSession();
      const response = await initiateWith(session, await seal(session, { members: { origin } }));
      assertProblem(response, 400, [PROBLEM.client, PROBLEM.validation]);
    });
  }

  test('purpose and extensions are tolerated', async () => {
    const session = wallet.newSession();
    const members = { purpose: 'verification', extensions: { 'urn:example:x': 1 } };
    assertOk(await initiateWith(session, await seal(session, { members })));
  });
});

describe('content that is no VerificationDataItem', () => {
  const CASES = {
    'no id': { id: undefined },
    'no type': { type: undefined },
    'id null': { id: null },
    'id a number': { id: 1 },
    'id empty': { id: '' },
    'type an object': { type: {} },
    'extensions an array': { extensions: [] },
  };
  for (const [name, claims] of Object.entries(CASES)) {
    test(name, async () => {
      const session = wallet.newSession();
      const response = await initiateWith(session, await seal(session, { claims }));
      assertViolations(response, '/verificationData/clientEncryptedPayload/0*');
    });
  }

  for (const [name, payload] of [
    ['an array', '[]'],
    ['a string', '"x"'],
    ['no JSON', 'x'],
    ['nothing', ''],
  ]) {
    test(name, async () => {
      const session = wallet.newSession();
      const plaintext = forgeJws({ alg: 'ES256' }, payload, (input) => signRaw(session.wsk, input));
      assertProblem(await initiateWith(session, await seal(session, { plaintext })), 400, PROBLEM.client);
    });
  }

  test('nested too deeply', async () => {
    const session = wallet.newSession();
    const text = `{"id":"otp-1","type":"x","aud":"${audience}","a":${'['.repeat(5000)}${']'.repeat(5000)}}`;
    const plaintext = forgeJws({ alg: 'ES256' }, text, (input) => signRaw(session.wsk, input));
    assertProblem(await initiateWith(session, await seal(session, { plaintext })), 400, [
      PROBLEM.client,
      PROBLEM.validation,
    ]);
  });

  test('a name twice', async () => {
    const session = wallet.newSession();
    const text = `{"id":"otp-1","type":"x","aud":"${audience}","aud":"${audience}"}`;
    const plaintext = forgeJws({ alg: 'ES256' }, text, (input) => signRaw(session.wsk, input));
    assertProblem(await initiateWith(session, await seal(session, { plaintext })), 400, PROBLEM.client);
  });

  test('the same id twice from the client', async () => {
    const session = wallet.newSession();
    const response = await initiateWith(session, await seal(session), await seal(session));
    assertViolations(response, '/verificationData/clientEncryptedPayload*');
  });

  test('the same id from client and server is fine', async () => {
    const session = wallet.newSession();
    const options = { configurations: ['badge_info'], items: [otpItem('123456')], serverItems: [otpItem('other')] };
    assertOk(await wallet.initiate(session, options));
    await wallet.waitFor(session, 'APPROVED');
  });
});

describe('content that is no clientEncryptedData', () => {
  const CASES = {
    'no presentmentKeys': { presentmentKeys: undefined },
    'presentmentKeys null': { presentmentKeys: null },
    'presentmentKeys an object': { presentmentKeys: {} },
    'no key': { presentmentKeys: [] },
    'a key that is null': { presentmentKeys: [null] },
    'a key that is a string': { presentmentKeys: ['x'] },
    'a thumbprint that is a number': { walletEncryptionKeyThumbprint: 1 },
  };
  for (const [name, claims] of Object.entries(CASES)) {
    test(name, async () => {
      const { session, instances } = await wallet.approvedSession();
      const response = await wallet.get(session, instances[0], { payload: { claims } });
      assertProblem(response, 400, [PROBLEM.validation]);
    });
  }
});

test('a payload that is a JWE in a JWE is refused', async () => {
  const session = wallet.newSession();
  const inner = await seal(session);
  assertProblem(await initiateWith(session, await seal(session, { plaintext: inner.jwe })), 400, PROBLEM.client);
});

test('binary content is refused', async () => {
  const session = wallet.newSession();
  const plaintext = Buffer.from(base64url('x'.repeat(100)), 'base64url').fill(0xff);
  assertProblem(await initiateWith(session, await seal(session, { plaintext })), 400, PROBLEM.client);
});
