// SPDX-License-Identifier: Apache-2.0
//
// Verification items that are more than a text: prior sessions and their devices, presentations, documents by reference,
// attestations of the wallet's key. All decided on by the built-in policy.

import assert from 'node:assert/strict';
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { after, describe, test } from 'node:test';
import { base64url, nowSeconds, signJws } from '../../interop/lib/jose.mjs';
import { generateSigningKey, keyData, publicJwk } from '../../interop/lib/keys.mjs';
import { assertOk, assertProblem, PROBLEM } from '../../interop/suite/support.mjs';
import { eventually } from '../lib/bench.mjs';
import { offer, rows } from '../lib/deliveries.mjs';
import { closing, Gateway } from '../lib/gateway.mjs';
import { issue } from '../lib/pki.mjs';

const TYPE = 'urn:s2s-gateway:verification:';
const PID = 'https://pid.example/vct/pid';

const DCQL = {
  credentials: [
    { id: 'pid', format: 'dc+sd-jwt', meta: { vct_values: [PID] }, claims: [{ path: ['given_name'] }] },
  ],
};

// --- a host of documents ----------------------------------------------------------------------------------------------

const documents = new Map();
const asked = [];

const server = https.createServer({}, (request, response) => {
  asked.push(request.url);
  const found = documents.get(request.url);
  if (typeof found === 'function') return found(response);
  response.writeHead(found ? 200 : 404, { 'content-type': 'image/png' });
  return response.end(found);
});
server.listen(0, '127.0.0.1').unref();
await once(server, 'listening');
const HOST = `localhost:${server.address().port}`;
after(() => server.closeAllConnections());

// --- the gateway ------------------------------------------------------------------------------------------------------

const gateway = await Gateway.start('items', {
  edit: (config) => {
    const [wallet, other] = config.peers;
    wallet.content_hosts = [HOST];
    Object.assign(other, { attestation: 'required', attestation_trust: ['pki/signer-ca.crt'] });
    config.references = { ca: ['pki/ca.crt'], timeout: '2s', private_addresses: true };
    config.limits.max_verification_data = '1MiB';
    const asks = (id, item, members = {}) =>
      offer(config, id, { verification: { decision: 'approve', items: [item], ...members } });
    asks('badge_family', { id: 'old', type: `${TYPE}prior_session`, required: false }, { authorized_device_count: 2 });
    asks('badge_document', { id: 'doc', type: `${TYPE}document`, max_size: '1KiB' });
    asks('badge_presentation', { id: 'pid', type: `${TYPE}openid4vp`, dcql: DCQL, trust: ['pki/signer-ca.crt'] });
  },
  prepare: (self) => server.setSecureContext({
    cert: readFileSync(self.path('pki/server.crt')),
    key: readFileSync(self.path('pki/server.key')),
  }),
});
const wallet = await gateway.connect();
const other = await gateway.connect({ who: 'OTHER_WALLET' });

/** A session that has been opened with these items. */
async function opened(configuration, items, { by = wallet, ...options } = {}) {
  const session = by.newSession();
  assertOk(await by.initiate(session, { configurations: [configuration], items, ...options }));
  return session;
}

const rejected = async (session, reason) =>
  assert.equal((await wallet.waitFor(session, 'REJECTED')).reasonCode, reason);

describe('a prior session', () => {
  const TWO = { body: { requestedDeviceCount: 2 } };
  const prior = ({ sessionId, verificationId }) => ({
    id: 'any-id', type: `${TYPE}prior_session`, sessionId, verificationId,
  });
  const derived = (first) => opened('badge_family', undefined, { ...TWO, serverItems: [prior(first)] });

  test('approves a second device, and no third', async () => {
    const first = await opened('badge_family', undefined, TWO);
    const { authorizedDeviceCount } = await wallet.waitFor(first, 'APPROVED');
    assert.equal(authorizedDeviceCount, 2);
    const second = await derived(first);
    await wallet.waitFor(second, 'APPROVED');
    await rejected(await derived(first), 'DEVICE_LIMIT');
    await rejected(await derived(second), 'DEVICE_LIMIT');
  });

  test('of another wallet server, or of nobody, is unknown', async () => {
    const first = await opened('badge_family', undefined, TWO);
    await wallet.waitFor(first, 'APPROVED');
    const nobody = { sessionId: crypto.randomUUID(), verificationId: crypto.randomUUID() };
    await rejected(await derived(nobody), 'UNKNOWN');
    await rejected(await derived({ ...first, sessionId: nobody.sessionId }), 'UNKNOWN');
    await rejected(await derived({ ...first, verificationId: nobody.verificationId }), 'UNKNOWN');
  });

  test('that was not approved does not help', async () => {
    const first = await opened('badge_document');
    await wallet.waitFor(first, 'ADDITIONAL_INFO_REQUIRED');
    await rejected(await derived(first), 'NOT_APPROVED');
  });

  test('cannot be named by the wallet client', async () => {
    const first = await opened('badge_family', undefined, TWO);
    await wallet.waitFor(first, 'APPROVED');
    const response = await wallet.initiate(wallet.newSession(), {
      configurations: ['badge_family'], items: [prior(first)],
    });
    assertProblem(response, 400, PROBLEM.client);
  });
});

describe('a presentation', async () => {
  const signer = await issue(gateway, 'pid', { kind: 'signer', authority: 'signer', san: 'URI:https://pid.example' });
  const pem = (name) => readFileSync(gateway.path(name));
  const key = { ...createPrivateKey(pem(signer.key)).export({ format: 'jwk' }), alg: 'ES256' };
  const x5c = [new X509Certificate(pem(signer.crt)).raw.toString('base64')];
  const holder = generateSigningKey();

  /** An SD-JWT VC without disclosures, with its key binding (RFC 9901). */
  async function present(request, claims = {}) {
    const payload = { iss: 'https://pid.example', vct: PID, given_name: 'Erika', cnf: { jwk: publicJwk(holder) } };
    const credential = `${await signJws({ typ: 'dc+sd-jwt', x5c }, payload, key)}~`;
    const sd_hash = createHash('sha256').update(credential).digest('base64url');
    const binding = { iat: nowSeconds(), aud: request.client_id, nonce: request.nonce, sd_hash, ...claims };
    return { pid: [credential + (await signJws({ typ: 'kb+jwt' }, binding, holder))] };
  }

  async function requested() {
    const session = await opened('badge_presentation');
    const { verificationDataRequest } = await wallet.waitFor(session, 'ADDITIONAL_INFO_REQUIRED');
    const [item] = verificationDataRequest.verificationDataItems;
    return { session, request: item.request };
  }

  const answer = async (session, vp_token) =>
    assertOk(await wallet.supplement(session, { items: [{ id: 'pid', type: `${TYPE}openid4vp`, vp_token }] }));

  test('is asked for with a query and a nonce, and approves', async () => {
    const { session, request } = await requested();
    const { nonce, ...rest } = request;
    assert.ok(nonce.length >= 43);
    const client_id = gateway.config.issuer.identifier;
    assert.deepEqual(rest, { response_type: 'vp_token', client_id, dcql_query: DCQL });
    await answer(session, await present(request));
    await wallet.waitFor(session, 'APPROVED');
  });

  test('made for another verification is refused', async () => {
    const one = await requested();
    const two = await requested();
    assert.notEqual(one.request.nonce, two.request.nonce);
    const presentation = await present(one.request);
    await answer(two.session, presentation);
    await rejected(two.session, 'PRESENTATION_INVALID');
    await answer(one.session, presentation);
    await wallet.waitFor(one.session, 'APPROVED');
    await answer(two.session, await present(two.request));
    await wallet.waitFor(two.session, 'APPROVED');
  });

  test('leaves nothing in the log or the database', async () => {
    const { session, request } = await requested();
    await answer(session, await present(request));
    await wallet.waitFor(session, 'APPROVED');
    assert.ok(!gateway.logText().includes('Erika'));
    const [{ kept }] = await rows(gateway, `SELECT count(*) AS kept FROM s2s.verification_data
                                            WHERE verification_id = '${session.verificationId}'`);
    assert.equal(Number(kept), 0);
  });
});

describe('a document by reference', () => {
  const CONTENT = Buffer.from('a picture');
  const digest = (content) => createHash('sha256').update(content).digest('base64url');

  const submit = (path, members = {}, host = HOST) =>
    opened('badge_document', [{
      id: 'doc', type: `${TYPE}document`,
      contentReference: { downloadUrl: `https://${host}${path}`, contentDigest: digest(CONTENT), ...members },
    }]);

  test('is fetched, and approves', async () => {
    documents.set('/good', CONTENT);
    const session = await submit('/good', { contentSize: CONTENT.length });
    await wallet.waitFor(session, 'APPROVED');
    assert.equal(asked.filter((path) => path === '/good').length, 1);
  });

  const WRONG = {
    'has another digest': ['/other', {}, 'CONTENT_MISMATCH', Buffer.from('another picture')],
    'has another size': ['/size', { contentSize: 4 }, undefined, CONTENT],
    'is too large': ['/large', { contentDigest: digest(Buffer.alloc(2048)) }, 'CONTENT_TOO_LARGE', Buffer.alloc(2048)],
    'is not there': ['/missing', {}, 'CONTENT_UNAVAILABLE'],
    'has expired': ['/expired', { expiresAt: '2001-01-01T00:00:00Z' }, 'CONTENT_EXPIRED', CONTENT],
  };
  for (const [name, [path, members, reason, content]] of Object.entries(WRONG)) {
    test(`that ${name} is refused`, async () => {
      if (content) documents.set(path, content);
      const session = await submit(path, members);
      const status = await wallet.waitFor(session, 'REJECTED');
      assert.match(status.reasonCode, reason ? new RegExp(`^${reason}$`) : /^CONTENT_/);
    });
  }

  for (const host of [`127.0.0.1:${server.address().port}`, 'localhost:1', 'elsewhere.example', `${HOST}@elsewhere.example`]) {
    test(`at ${host.replace(/\d{4,}/, 'PORT')} is not asked for`, async () => {
      const session = await submit('/secret', {}, host);
      const status = await wallet.waitFor(session, 'REJECTED');
      assert.match(status.reasonCode, /^(CONTENT_HOST_FORBIDDEN|MALFORMED)$/);
      assert.ok(!asked.includes('/secret'));
    });
  }

  test('whose host is out of order is asked for again', async () => {
    let times = 0;
    documents.set('/later', (response) => {
      response.writeHead(times++ === 0 ? 503 : 200);
      response.end(CONTENT);
    });
    const session = await submit('/later');
    await eventually('it is put off', () => times > 0);
    await wallet.waitFor(session, 'APPROVED', { timeoutMs: 30_000 });
    assert.equal(times, 2);
  });
});

describe('an attestation of the wallet signing key', async () => {
  const certified = async (name, authority) => {
    const files = await issue(gateway, name, { kind: 'signer', authority, san: 'DNS:wallet.example' });
    const wsk = createPrivateKey(readFileSync(gateway.path(files.key))).export({ format: 'jwk' });
    const x5c = [new X509Certificate(readFileSync(gateway.path(files.crt))).raw.toString('base64')];
    return { wsk: { ...wsk, alg: 'ES256' }, attestation: { x5c } };
  };
  const good = await certified('attested', 'signer');
  const foreign = await certified('unattested', 'tls');

  const initiate = (wsk, attestation) => {
    const session = other.newSession({ wsk });
    const walletSigningKeyData = keyData('WALLET_SIGNING_KEY', wsk, attestation && { attestation });
    return other.initiate(session, { body: { walletSigningKeyData } }).then((response) => ({ session, response }));
  };

  test('that is required and holds is noted', async () => {
    const { session, response } = await initiate(good.wsk, good.attestation);
    assertOk(response);
    const [{ attestation }] = await rows(gateway, `SELECT attestation FROM s2s.verification
                                                   WHERE verification_id = '${session.verificationId}'`);
    assert.equal(attestation, 'VERIFIED');
  });

  const WRONG = {
    'is missing': [good.wsk, undefined],
    'is of another kind': [good.wsk, { proof_type: 'other', value: 'x' }],
    'is of another key': [generateSigningKey(), good.attestation],
    'is of an authority that is not trusted': [foreign.wsk, foreign.attestation],
    'is broken': [good.wsk, { x5c: [base64url('no certificate')] }],
  };
  for (const [name, [wsk, attestation]] of Object.entries(WRONG)) {
    test(`that ${name} is refused`, async () => {
      const { session, response } = await initiate(wsk, attestation);
      assertProblem(response, 400, PROBLEM.client);
      const found = await rows(gateway, `SELECT 1 FROM s2s.session WHERE session_id = '${session.sessionId}'`);
      assert.equal(found.length, 0);
    });
  }

  test('of a peer that is not asked for one is not looked at', async () => {
    const session = wallet.newSession({ wsk: foreign.wsk });
    const walletSigningKeyData = keyData('WALLET_SIGNING_KEY', foreign.wsk, { attestation: foreign.attestation });
    assertOk(await wallet.initiate(session, { body: { walletSigningKeyData } }));
    const [{ attestation }] = await rows(gateway, `SELECT attestation FROM s2s.verification
                                                   WHERE verification_id = '${session.verificationId}'`);
    assert.equal(attestation, 'IGNORED');
  });
});

closing(gateway);
