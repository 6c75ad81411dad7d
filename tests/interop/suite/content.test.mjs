// SPDX-License-Identifier: Apache-2.0
//
// What is issued: SD-JWT VCs, verified by software that is not ours (RFC 9901, draft-ietf-oauth-sd-jwt-vc, profile
// section 5).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { presentCredential, verifyCredential, verifyPresentation } from '../lib/credential.mjs';
import { fromBase64url } from '../lib/jose.mjs';
import { generateSigningKey, publicJwk, thumbprint } from '../lib/keys.mjs';
import { connect, env, noteSecret } from './support.mjs';

const wallet = await connect();
const trustAnchors = readFileSync(env.S2S_SIGNER_CA, 'utf8');
const configuration = wallet.metadata.credential_configurations_supported.badge_auto;

const { session, instances } = await wallet.approvedSession();
const keys = [generateSigningKey(), generateSigningKey('EdDSA'), generateSigningKey('ES384')];
const response = await wallet.get(session, instances[0], { keys });
const issued = await wallet.openCredentials(response, session.wek);
const verified = await Promise.all(issued.map(({ credential }) => verifyCredential(credential, { trustAnchors })));
const [first] = verified;

// What the credential says about its holder must stay between the issuer and the wallet client.
if (first.claims.email) noteSecret(first.claims.email);

// Members of the JWT that are not claims about the holder.
const REGISTERED = ['iss', 'iat', 'nbf', 'exp', 'vct', 'vct#integrity', 'cnf', 'status', 'sub', '_sd', '_sd_alg'];
const subjectClaims = (claims) => Object.keys(claims).filter((name) => !REGISTERED.includes(name));

describe('the credential', () => {
  test('is an SD-JWT VC with the certificate of its signer', () => {
    for (const { header } of verified) {
      assert.equal(header.typ, 'dc+sd-jwt');
      assert.match(header.alg, /^(ES256|ES384|EdDSA|Ed25519)$/);
      assert.ok(header.x5c.length >= 1);
    }
  });

  test('names its issuer, type and times', () => {
    const now = Date.now() / 1000;
    for (const { payload } of verified) {
      assert.equal(payload.iss, wallet.issuer);
      assert.equal(payload.vct, configuration.vct);
      assert.ok(payload.iat <= now + 5 && payload.iat > now - 600, 'iat is now');
      assert.ok(payload.exp > now && payload.exp > payload.iat, 'exp is ahead');
    }
  });

  test('is bound to the keys, one credential each and in order', () => {
    assert.deepEqual(
      verified.map(({ payload }) => thumbprint(payload.cnf.jwk)),
      keys.map(thumbprint),
    );
    for (const { payload } of verified) assert.equal(payload.cnf.jwk.d, undefined);
  });

  test('has at least eight claims, most of them disclosed one by one', () => {
    for (const { claims, disclosures } of verified) {
      assert.ok(subjectClaims(claims).length >= 8, subjectClaims(claims).join(' '));
      assert.ok(disclosures.length >= 5);
    }
  });

  test('has just the claims that the metadata lists', () => {
    const listed = (configuration.credential_metadata?.claims ?? configuration.claims).map(({ path }) => path[0]);
    for (const name of subjectClaims(first.claims)) assert.ok(listed.includes(name), `${name} is not listed`);
  });

  test('the copies say the same about the holder', () => {
    for (const { claims } of verified) {
      for (const name of subjectClaims(first.claims)) assert.deepEqual(claims[name], first.claims[name]);
    }
  });
});

describe('selective disclosure', () => {
  test('each disclosure has its digest in the JWT, with sha-256', () => {
    for (const { payload, disclosures } of verified) {
      assert.ok(payload._sd_alg === undefined || payload._sd_alg === 'sha-256');
      assert.ok(payload._sd.length >= disclosures.filter(({ name }) => name !== undefined).length);
      assert.equal(new Set(payload._sd).size, payload._sd.length, 'no digest twice');
      for (const digest of payload._sd) assert.equal(fromBase64url(digest).length, 32);
    }
  });

  test('decoys hide how many claims there are', () => {
    for (const { payload, disclosures } of verified) assert.ok(payload._sd.length > disclosures.length);
  });

  test('the order of digests does not give claims away', () => {
    for (const { payload } of verified) assert.deepEqual(payload._sd, [...payload._sd].sort());
  });

  test('disclosed claims are not in the clear too', () => {
    for (const { payload, disclosures } of verified) {
      for (const { name } of disclosures) assert.ok(!(name in payload), name);
    }
  });

  test('salts have 128 bits and are never used again', () => {
    const salts = verified.flatMap(({ disclosures }) => disclosures.map(({ salt }) => salt));
    assert.equal(new Set(salts).size, salts.length);
    for (const salt of salts) assert.ok(fromBase64url(salt).length >= 16, salt);
  });

  test('no reserved name is disclosed', () => {
    for (const { disclosures } of verified) {
      for (const { name } of disclosures)
        assert.ok(!['_sd', '...', 'iss', 'exp', 'cnf', 'vct', 'status'].includes(name), name);
    }
  });

  test('copies cannot be linked by digests or signatures', () => {
    const digests = verified.flatMap(({ payload }) => payload._sd);
    assert.equal(new Set(digests).size, digests.length);
    const signatures = issued.map(({ credential }) => credential.split('~')[0].split('.')[2]);
    assert.equal(new Set(signatures).size, signatures.length);
  });

  test('ends with a tilde and has no key-binding JWT', () => {
    for (const { credential } of issued) assert.match(credential, /^[\w-]+\.[\w-]+\.[\w-]+(~[\w-]+)+~$/);
  });
});

describe('presentation', () => {
  for (const [index, key] of keys.entries()) {
    test(`of one claim, with the key of credential ${index} (${key.alg})`, async () => {
      const [shown, hidden] = verified[index].disclosures.map(({ name }) => name);
      const options = { frame: { [shown]: true }, holderKey: key, aud: 'https://verifier.example', nonce: 'n-1' };
      const presentation = await presentCredential(issued[index].credential, options);
      const { claims, keyBinding } = await verifyPresentation(presentation, { trustAnchors, nonce: 'n-1' });
      assert.ok(shown in claims);
      assert.ok(!(hidden in claims));
      assert.equal(keyBinding.aud, 'https://verifier.example');
    });
  }

  test('by somebody who only stole the credential fails', async () => {
    const options = { frame: {}, holderKey: generateSigningKey(), aud: 'v', nonce: 'n' };
    const presentation = await presentCredential(issued[0].credential, options);
    await assert.rejects(verifyPresentation(presentation, { trustAnchors, nonce: 'n' }));
  });
});

test("another holder's copy has digests of its own", async () => {
  const other = await wallet.approvedSession();
  const key = generateSigningKey();
  const answer = await wallet.get(other.session, other.instances[0], { keys: [key] });
  const [{ credential }] = await wallet.openCredentials(answer, other.session.wek);
  const { payload } = await verifyCredential(credential, { trustAnchors });
  assert.deepEqual(publicJwk(payload.cnf.jwk).x, key.x);
  assert.ok(payload._sd.every((digest) => !first.payload._sd.includes(digest)));
});
