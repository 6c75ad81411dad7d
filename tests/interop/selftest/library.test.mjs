// SPDX-License-Identifier: Apache-2.0
//
// The rest of the library without a gateway: keys, signatures, payloads, transports, and the credential verifier.

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify, X509Certificate } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc';
import { calculateJwkThumbprint, compactVerify, importJWK } from 'jose';
import { presentCredential, verifyChain, verifyCredential, verifyPresentation } from '../lib/credential.mjs';
import { parseEnv } from '../lib/env.mjs';
import { HttpClient } from '../lib/http.mjs';
import { forgeJws, fromBase64url } from '../lib/jose.mjs';
import { openJwe } from '../lib/jwe.mjs';
import { generateKey, generateSigningKey, publicJwk, SIGNATURE_CURVES, thumbprint } from '../lib/keys.mjs';
import { otpItem } from '../lib/payloads.mjs';
import { Session, Wallet } from '../lib/wallet.mjs';
import { makePki } from './pki.mjs';

const pki = makePki();
const issuer = 'https://issuer.example';
const issuerKey = generateKey('P-256', { alg: 'HPKE-0-KE', kid: 'enc-1' });
const wallet = new Wallet({
  url: 'https://issuer.example/s2s',
  metadata: { credential_issuer: issuer, s2s: { issuer_encryption_jwks: { keys: [publicJwk(issuerKey)] } } },
});

const verifiedPayload = async (jws, jwk) => {
  const { payload } = await compactVerify(jws, await importJWK(publicJwk(jwk)));
  return JSON.parse(Buffer.from(payload).toString());
};

test('an env file is read line by line', () => {
  const vars = parseEnv('# comment\nA=1\nexport B="two words"\n\nC=a=b\n');
  assert.deepEqual(vars, { A: '1', B: 'two words', C: 'a=b' });
});

for (const curve of ['P-256', 'P-384', 'P-521', 'Ed25519', 'X25519', 'X448']) {
  test(`thumbprint of a ${curve} key agrees with npm jose`, async () => {
    const jwk = generateKey(curve, { alg: 'x', kid: 'y' });
    assert.equal(thumbprint(jwk), await calculateJwkThumbprint(publicJwk(jwk)));
    assert.equal(publicJwk(jwk).d, undefined);
  });
}

for (const alg of Object.keys(SIGNATURE_CURVES)) {
  test(`${alg}: raw and bound nonces, payloads and bindings verify`, async () => {
    const session = new Session({ wsk: generateSigningKey(alg) });
    const raw = await wallet.initiateBody(session);
    const key = createPublicKey({ key: publicJwk(session.wsk), format: 'jwk' });
    const hash = alg.startsWith('ES') ? `sha${alg.slice(2)}` : null;
    const signature = fromBase64url(raw.verificationNonce);
    assert.ok(verify(hash, Buffer.from(session.sessionId), { key, dsaEncoding: 'ieee-p1363' }, signature));

    const bound = await wallet.initiateBody(session, { nonce: 'bound', items: [otpItem('123456')] });
    assert.equal((await verifiedPayload(bound.verificationNonce, session.wsk)).sessionId, session.sessionId);
    const [payload] = bound.verificationData.clientEncryptedPayload;
    const { plaintext } = await openJwe(payload.jwe, issuerKey);
    const item = await verifiedPayload(plaintext.toString(), session.wsk);
    assert.deepEqual(item, { ...otpItem('123456'), aud: thumbprint(issuerKey) });
  });
}

test('a get request carries proofs and one of both bindings', async () => {
  const session = new Session();
  const key = generateSigningKey();
  const bound = await wallet.getBody(session, 'i-1', { keys: [key] });
  const { plaintext } = await openJwe(bound.clientEncryptedData.jwe, issuerKey);
  const content = await verifiedPayload(plaintext.toString(), session.wsk);
  assert.equal(content.walletEncryptionKeyThumbprint, thumbprint(session.wek));
  const proof = await verifiedPayload(content.presentmentKeys[0].attestation.jwt, key);
  assert.equal(proof.nonce, session.sessionId);
  const attested = await wallet.getBody(session, 'i-1', { keys: [key], binding: 'attestation' });
  const binding = await verifiedPayload(attested.walletEncryptionKey.attestation.jwt, session.wsk);
  assert.equal(binding.sub, thumbprint(session.wek));
  const fetching = await wallet.getBody(session, 'i-1', { transactionId: 't', body: { reason: undefined } });
  assert.equal(fetching.transaction_id, 't');
  assert.ok(!('clientEncryptedData' in fetching) && !('reason' in fetching));
});

describe('transports', () => {
  let server;
  let url;
  before(async () => {
    const options = { ...pki, allowHTTP1: true, requestCert: true, rejectUnauthorized: true };
    server = http2.createSecureServer(options, (request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        response.writeHead(201, {
          'content-type': 'application/json; charset=utf-8',
          'x-request-id': request.headers['x-request-id'],
        });
        response.end(
          JSON.stringify({
            version: request.httpVersion,
            method: request.method,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `https://127.0.0.1:${server.address().port}`;
  });
  after(() => server.close());

  for (const [protocol, version] of [
    ['h1', '1.1'],
    ['h2', '2.0'],
  ]) {
    test(`${protocol}: a request and its answer`, async () => {
      const client = new HttpClient(pki, { protocol });
      const caller = new Wallet({ url, client, metadata: wallet.metadata });
      const response = await caller.call('/x', { a: 1 }, { requestId: 'r-1' });
      assert.equal(response.status, 201);
      assert.equal(response.contentType, 'application/json');
      assert.equal(response.headers['x-request-id'], 'r-1');
      assert.deepEqual(response.json, { version, method: 'POST', body: '{"a":1}' });
      client.close();
    });

    test(`${protocol}: without a certificate there is no answer`, async () => {
      const client = new HttpClient({ ca: pki.ca }, { protocol });
      await assert.rejects(client.request(url, { timeoutMs: 3000 }));
      client.close();
    });
  }
});

describe('the credential verifier', () => {
  const holder = generateSigningKey();
  const claims = { given_name: 'Erika', family_name: 'Mustermann' };
  const signer = (key) => (data) =>
    sign('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
  const hasher = (data, alg) => createHash(alg.replace('-', '')).update(data).digest();

  async function issue({ key = createPrivateKey(pki.key), members = {} } = {}) {
    const x5c = [new X509Certificate(pki.cert).raw.toString('base64')];
    const saltGenerator = () => randomBytes(16).toString('base64url');
    const sdjwt = new SDJwtVcInstance({
      signer: signer(key),
      signAlg: 'ES256',
      hasher,
      hashAlg: 'sha-256',
      saltGenerator,
    });
    const now = Math.floor(Date.now() / 1000);
    const payload = {
      iss: issuer,
      vct: 'urn:test',
      iat: now,
      exp: now + 60,
      cnf: { jwk: publicJwk(holder) },
      ...claims,
      ...members,
    };
    return sdjwt.issue(payload, { _sd: Object.keys(claims) }, { header: { x5c } });
  }

  test('accepts an honest credential and its presentation', async () => {
    const credential = await issue();
    const verified = await verifyCredential(credential, { trustAnchors: pki.ca });
    assert.equal(verified.claims.given_name, 'Erika');
    assert.equal(verified.payload.given_name, undefined);
    assert.equal(verified.disclosures.length, 2);
    const shown = await presentCredential(credential, {
      frame: { given_name: true },
      holderKey: holder,
      aud: 'v',
      nonce: 'n',
    });
    const seen = await verifyPresentation(shown, { trustAnchors: pki.ca, nonce: 'n' });
    assert.equal(seen.claims.given_name, 'Erika');
    assert.equal(seen.claims.family_name, undefined);
    await assert.rejects(verifyPresentation(shown, { trustAnchors: pki.ca, nonce: 'other' }));
  });

  test('refuses another key, another authority, an expired one and a changed disclosure', async () => {
    const trustAnchors = pki.ca;
    const otherKey = createPrivateKey({ key: generateKey('P-256'), format: 'jwk' });
    await assert.rejects(verifyCredential(await issue({ key: otherKey }), { trustAnchors }), /Signature/);
    await assert.rejects(verifyCredential(await issue(), { trustAnchors: makePki().ca }), /trust anchor/);
    await assert.rejects(verifyCredential(await issue({ members: { exp: 1 } }), { trustAnchors }), /expired/);
    const impostor = generateSigningKey();
    const stolen = await presentCredential(await issue(), { frame: {}, holderKey: impostor, aud: 'v', nonce: 'n' });
    await assert.rejects(verifyPresentation(stolen, { trustAnchors, nonce: 'n' }), /Signature/);
    assert.throws(() => verifyChain(undefined, trustAnchors), /x5c/);
  });
});

test('a forged JWS is exactly what was asked for', () => {
  assert.equal(forgeJws({ alg: 'none' }, { a: 1 }, ''), 'eyJhbGciOiJub25lIn0.eyJhIjoxfQ.');
});
