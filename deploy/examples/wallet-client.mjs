#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// What a wallet client computes, one command a step: keys, signatures and ciphertexts, and the bodies of the application
// API that carry them. docs/guide-wallet.md goes through it. The cryptography is that of the interop tests' wallet
// (tests/interop/lib), which needs its packages: `npm ci --prefix tests/interop`.
//
//   node wallet-client.mjs STATE start ISSUER.json CONFIGURATION SESSION    the body of POST /v1/issuances
//   node wallet-client.mjs STATE supplement ISSUER.json ITEM…               the body of POST …/supplements; items are JSON
//   node wallet-client.mjs STATE fetch ISSUER.json                          the body of POST …/fetches
//   node wallet-client.mjs STATE open FETCH.json                            decrypts what a fetch has brought
//
// STATE is a file for the keys of one session; ISSUER.json is what GET /v1/issuers/{issuer} says, "-" is standard input.
// A real client keeps its keys in the device's hardware, and never shows them to anybody, also not to its backend.

import { readFileSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { openJwe } from '../../tests/interop/lib/jwe.mjs';
import { generateKey, generateSigningKey, keyData, thumbprint } from '../../tests/interop/lib/keys.mjs';
import { boundNonce, clientPayload, keyBinding, presentmentKey } from '../../tests/interop/lib/payloads.mjs';

const readJson = (file) => JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'));
const issuerOf = ({ issuer: name, metadata }) => ({
  name,
  identifier: metadata.credential_issuer,
  key: metadata.s2s.issuer_encryption_jwks.keys[0],
});

/** A session has two keys: one that signs (WSK), one that the issuer encrypts to (WEK). */
async function start(save, _, issuerFile, configuration, sessionId) {
  const issuer = issuerOf(readJson(issuerFile));
  const wek = generateKey('P-256', { alg: 'HPKE-0-KE', kid: randomUUID(), use: 'enc' });
  const session = { sessionId, wsk: generateSigningKey('ES256'), wek };
  save(session);
  return {
    issuer: issuer.name,
    sessionId,
    credentialConfigurationIds: [configuration],
    walletSigningKeyData: keyData('WALLET_SIGNING_KEY', session.wsk),
    verificationNonce: await boundNonce(session, issuer.identifier),
  };
}

/** Each item is signed by the WSK and encrypted to the issuer by itself. It names its session, so it fits no other. */
async function supplement(save, session, issuerFile, ...items) {
  const issuer = issuerOf(readJson(issuerFile));
  const { sessionId } = session;
  const seal = (item) => clientPayload(session, issuer.key, { ...JSON.parse(item), sessionId });
  return { verificationDataPayload: { clientEncryptedPayload: await Promise.all(items.map(seal)) } };
}

/** A key for each credential, with a proof; and the WEK, for which the WSK vouches. */
async function fetchBody(save, session, issuerFile) {
  const issuer = issuerOf(readJson(issuerFile));
  const holderKey = generateSigningKey('ES256');
  save({ ...session, holderKey });
  const content = {
    presentmentKeys: [await presentmentKey(session, issuer.identifier, holderKey)],
    walletEncryptionKeyThumbprint: thumbprint(session.wek),
    sessionId: session.sessionId,
  };
  const attestation = await keyBinding(session, issuer.identifier, session.wek);
  return {
    reason: 'PROVISIONING',
    walletEncryptionKey: keyData('WALLET_ENCRYPTION_KEY', session.wek, { attestation }),
    clientEncryptedData: await clientPayload(session, issuer.key, content),
  };
}

async function open(save, session, fetchFile) {
  const { plaintext } = await openJwe(readJson(fetchFile).credentials, session.wek);
  return JSON.parse(plaintext.toString('utf8'));
}

const COMMANDS = { start, supplement, fetch: fetchBody, open };

const [stateFile, command, ...operands] = process.argv.slice(2);
if (!Object.hasOwn(COMMANDS, command ?? '')) {
  process.stderr.write('Usage: node wallet-client.mjs STATE start|supplement|fetch|open OPERAND…\n');
  process.exit(2);
}
const save = (session) => writeFileSync(stateFile, JSON.stringify(session), { mode: 0o600 });
const session = command === 'start' ? undefined : readJson(stateFile);
process.stdout.write(`${JSON.stringify(await COMMANDS[command](save, session, ...operands), null, 2)}\n`);
