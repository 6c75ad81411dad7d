// SPDX-License-Identifier: Apache-2.0
//
// Makes tests/vectors/presentations.json, with which the unit tests hold the verifiers of presentations, status lists
// and key attestations to what other software makes: the packages @sd-jwt/* and jose, and the openssl program.
//
//     node tests/interop/make-vectors.mjs >tests/vectors/presentations.json
//
// Keys are new each time and thrown away. The certificates are valid for a hundred years, the rest at `now`.

import { execFileSync } from 'node:child_process';
import { createHash, createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHeaderAndPayload, StatusList } from '@sd-jwt/jwt-status-list';
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc';
import { nowSeconds, signJws, signRaw } from './lib/jose.mjs';
import { generateSigningKey, publicJwk } from './lib/keys.mjs';

const AUDIENCE = 'https://issuer.example';
const NONCE = 'a-nonce-of-the-issuer';
const VCT = 'https://pid.example/vct/pid';
const LIST = 'https://pid.example/status/1';

const now = nowSeconds() + 60; // no certificate begins later than that
const dir = mkdtempSync(join(tmpdir(), 's2s-vectors-'));
const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
const read = (name) => readFileSync(join(dir, name), 'utf8');
const base64 = (name) => new X509Certificate(read(name)).raw.toString('base64');

const FOREVER = ['-days', '36500'];
const EXTENSIONS = {
  root: 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n',
  authority: 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n',
  signer: 'basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nsubjectAltName=URI:https://pid.example\n',
};

/** A certificate NAME.crt for the private JWK `key`, issued by `issuer` (by default by itself). */
function certify(name, kind, key, issuer = name) {
  const pem = createPrivateKey({ key, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(join(dir, `${name}.key`), pem);
  writeFileSync(join(dir, 'extensions'), EXTENSIONS[kind]);
  openssl('req', '-new', '-key', `${name}.key`, '-subj', `/O=Example/CN=${name}`, '-out', 'request');
  const signer = issuer === name ? ['-signkey', `${name}.key`] : ['-CA', `${issuer}.crt`, '-CAkey', `${issuer}.key`];
  const serial = ['-set_serial', `0x${randomBytes(8).toString('hex')}`];
  const made = ['-extfile', 'extensions', '-out', `${name}.crt`];
  openssl('x509', '-req', '-in', 'request', ...signer, ...serial, ...FOREVER, ...made);
}

/** A signing key with its certificate under the intermediate authority: `{ key, x5c }`. */
function newSigner(name, alg) {
  const key = generateSigningKey(alg);
  certify(name, 'signer', key, 'authority');
  return { key, x5c: [base64(`${name}.crt`), base64('authority.crt')] };
}

const claims = {
  given_name: 'Zoë',
  birth_date: '1999-12-31',
  address: { country: 'DE', street: 'Main Street 1', number: 7 },
  nationalities: ['DE', 'FR'],
  age_over: { 18: true, 21: false },
};
const frame = {
  _sd: ['given_name', 'birth_date', 'address'],
  _sd_decoy: 3,
  address: { _sd: ['street', 'number'], _sd_decoy: 1 },
  nationalities: { _sd: [0, 1] },
  age_over: { _sd: ['18', '21'] },
};
const shown = { given_name: true, address: { street: true }, nationalities: { 1: true }, age_over: { 18: true } };
const seen = {
  given_name: 'Zoë',
  address: { country: 'DE', street: 'Main Street 1' },
  nationalities: ['FR'],
  age_over: { 18: true },
};

async function presentation(name, { issuerAlg, holderAlg, hashAlg }) {
  const { key, x5c } = newSigner(`signer of ${name}`, issuerAlg);
  const holder = generateSigningKey(holderAlg);
  const sdjwt = new SDJwtVcInstance({
    signer: (data) => signRaw(key, data).toString('base64url'),
    signAlg: issuerAlg,
    kbSigner: (data) => signRaw(holder, data).toString('base64url'),
    kbSignAlg: holderAlg,
    hasher: (data, alg) => createHash(alg.replace('-', '')).update(data).digest(),
    hashAlg,
    saltGenerator: (length) => randomBytes(length).toString('hex').slice(0, length),
  });
  const status = { status_list: { idx: 5, uri: LIST } };
  const cnf = { jwk: publicJwk(holder) };
  const payload = { iss: 'https://pid.example', iat: now, exp: now + 3600, vct: VCT, cnf, status, ...claims };
  const credential = await sdjwt.issue(payload, frame, { header: { x5c } });
  const kb = { payload: { iat: now, aud: AUDIENCE, nonce: NONCE } };
  return { name, aud: AUDIENCE, nonce: NONCE, vct: VCT, text: await sdjwt.present(credential, shown, { kb }), seen };
}

async function statusList() {
  const { key, x5c } = newSigner('status signer', 'ES256');
  const statuses = Array.from({ length: 1000 }, (_, index) => (index * index) % 4);
  const { header, payload } = createHeaderAndPayload(
    new StatusList(statuses, 2),
    { iss: 'https://pid.example', sub: LIST, iat: now, exp: now + 3600, ttl: 600 },
    { alg: 'ES256', typ: 'statuslist+jwt', x5c },
  );
  return { uri: LIST, text: await signJws(header, payload, key), statuses };
}

async function keyAttestation() {
  const { key, x5c } = newSigner('wallet provider', 'ES384');
  const wsk = publicJwk(generateSigningKey('ES256'));
  const payload = { iat: now, exp: now + 3600, attested_keys: [wsk], key_storage: ['iso_18045_high'] };
  return { wsk, jwt: await signJws({ typ: 'key-attestation+jwt', x5c }, payload, key) };
}

try {
  certify('root', 'root', generateSigningKey('ES384'));
  certify('authority', 'authority', generateSigningKey('ES256'), 'root');
  const rows = [
    ['ES256', { issuerAlg: 'ES256', holderAlg: 'ES256', hashAlg: 'sha-256' }],
    ['ES384', { issuerAlg: 'ES384', holderAlg: 'EdDSA', hashAlg: 'sha-384' }],
    ['EdDSA', { issuerAlg: 'EdDSA', holderAlg: 'ES512', hashAlg: 'sha-512' }],
  ];
  const presentations = [];
  for (const [name, options] of rows) presentations.push(await presentation(name, options));
  const others = { statusList: await statusList(), keyAttestation: await keyAttestation() };
  console.log(JSON.stringify({ now, anchors: read('root.crt'), presentations, ...others }));
} finally {
  rmSync(dir, { recursive: true });
}
