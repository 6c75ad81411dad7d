// SPDX-License-Identifier: Apache-2.0
//
// Issuer metadata: the document, and the same as a signed JWT (profile section 6, D16).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { compactVerify } from 'jose';
import { verifyChain } from '../lib/credential.mjs';
import { tlsIdentity } from '../lib/env.mjs';
import { HttpClient } from '../lib/http.mjs';
import { fetchIssuerMetadata } from '../lib/wallet.mjs';
import { env } from './support.mjs';

const WELL_KNOWN = '/.well-known/openid-credential-issuer';
const BADGES = ['auto', 'deny', 'review', 'info', 'slow', 'webhook', 'offer', 'presentation', 'migrate', 'web'].map(
  (name) => `badge_${name}`,
);

const mutual = new HttpClient(tlsIdentity(env, 'WALLET'));
const anonymous = new HttpClient(tlsIdentity(env));

const { json: document } = await fetchIssuerMetadata(mutual, env.S2S_ISSUER_URL);
const { s2s } = document;

const PLACES = { 'the mutual TLS listener': [mutual, env.S2S_ISSUER_URL] };
if (env.S2S_ISSUER_PUBLIC) PLACES['the public listener'] = [anonymous, env.S2S_ISSUER_PUBLIC];

for (const [place, [client, url]] of Object.entries(PLACES)) {
  describe(`at ${place}`, () => {
    test('it is JSON', async () => {
      const response = await fetchIssuerMetadata(client, url);
      assert.equal(response.status, 200, response.text);
      assert.equal(response.contentType, 'application/json');
    });

    for (const accept of [
      'application/json',
      '*/*',
      'application/jwt;q=0.1, application/json',
      'text/html, */*;q=0.1',
    ]) {
      test(`Accept: ${accept} gives JSON`, async () => {
        assert.equal((await fetchIssuerMetadata(client, url, { accept })).contentType, 'application/json');
      });
    }

    test('it is signed on demand, and says the same', async () => {
      const response = await fetchIssuerMetadata(client, url, { accept: 'application/jwt' });
      assert.equal(response.status, 200, response.text);
      assert.equal(response.contentType, 'application/jwt');
      const header = JSON.parse(Buffer.from(response.text.split('.')[0], 'base64url').toString());
      assert.equal(header.typ, 'openidvci-issuer-metadata+jwt');
      const leaf = verifyChain(header.x5c, readFileSync(env.S2S_SIGNER_CA, 'utf8'));
      const { payload } = await compactVerify(response.text, leaf.publicKey);
      const { iss, sub, iat, exp, ...claims } = JSON.parse(Buffer.from(payload).toString());
      assert.equal(sub, document.credential_issuer);
      // Signed when the gateway read its configuration, however long ago that was.
      assert.ok(Number.isInteger(iat) && iat <= Date.now() / 1000 + 60, 'iat');
      if (exp !== undefined) assert.ok(exp > Date.now() / 1000, 'exp');
      if (iss !== undefined) assert.equal(iss, document.credential_issuer);
      assert.deepEqual(claims, document);
    });

    test('only GET and HEAD are allowed', async () => {
      for (const method of ['POST', 'PUT', 'DELETE']) {
        const response = await client.request(new URL(WELL_KNOWN, url).href, {
          method,
          headers: { 'content-type': 'application/json' },
          body: '{}',
        });
        assert.equal(response.status, 405, `${method}: ${response.status}`);
        assert.match(response.headers.allow, /\bGET\b/);
      }
    });
  });
}

describe('the public listener', { skip: env.S2S_ISSUER_PUBLIC ? false : 'the environment has none' }, () => {
  test('says the same as the other', async () => {
    const [here, there] = await Promise.all([
      fetchIssuerMetadata(anonymous, env.S2S_ISSUER_PUBLIC),
      fetchIssuerMetadata(mutual, env.S2S_ISSUER_URL),
    ]);
    assert.deepEqual(here.json, there.json);
  });

  test('hosts no endpoint of the protocol', async () => {
    for (const path of ['/verification/initiate', '/credential/get', '/event/notify', '/metrics', '/healthz']) {
      const response = await anonymous.request(env.S2S_ISSUER_PUBLIC + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
      assert.ok([403, 404, 405].includes(response.status), `${path}: ${response.status}`);
    }
  });
});

describe('the document', () => {
  test('has the members of OpenID4VCI', () => {
    assert.match(document.credential_issuer, /^https:\/\//);
    for (const id of BADGES) {
      const configuration = document.credential_configurations_supported[id];
      assert.equal(configuration.format, 'dc+sd-jwt', id);
      assert.equal(typeof configuration.vct, 'string');
      assert.ok(Array.isArray(configuration.credential_metadata.claims));
      for (const claim of configuration.credential_metadata.claims) assert.ok(Array.isArray(claim.path));
    }
  });

  test('has the members of this protocol', () => {
    assert.match(s2s.issuer_server_url, /^https:\/\//);
    assert.ok(s2s.api_versions_supported.includes('1.0.0'));
    for (const name of [
      'signing_alg_values_supported',
      'encryption_alg_values_supported',
      'encryption_enc_values_supported',
      'verification_types_supported',
    ]) {
      assert.ok(Array.isArray(s2s[name]) && s2s[name].length > 0, name);
    }
    assert.equal(typeof s2s.content_reference_supported, 'boolean');
    assert.ok('extensions_supported' in s2s);
  });

  test('promises exactly what is accepted', () => {
    const accepted = ['ES256', 'ES384', 'ES512', 'EdDSA'];
    for (const alg of accepted) assert.ok(s2s.signing_alg_values_supported.includes(alg), alg);
    for (const alg of s2s.signing_alg_values_supported) assert.ok([...accepted, 'Ed25519'].includes(alg), alg);
    for (const alg of s2s.encryption_alg_values_supported) assert.match(alg, /^HPKE-[0-7](-KE)?$/);
  });

  test('publishes public keys only', () => {
    for (const jwk of s2s.issuer_encryption_jwks.keys) {
      for (const member of ['d', 'k', 'p', 'q']) assert.ok(!(member in jwk), `${jwk.kid} has ${member}`);
    }
  });
});

test('another path below .well-known is 404', async () => {
  for (const path of [`${WELL_KNOWN}/other`, '/.well-known/other', `${WELL_KNOWN}x`]) {
    assert.equal((await mutual.request(new URL(path, env.S2S_ISSUER_URL).href)).status, 404, path);
  }
});
