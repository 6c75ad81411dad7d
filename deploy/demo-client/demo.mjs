// SPDX-License-Identifier: Apache-2.0
//
// The demo: a wallet server and a wallet client fetch a badge from the gateway of an environment.
//
//   node demo.mjs DIR       DIR: the folder of a running environment (see deploy/README.md)
//
// The wallet itself is the library of the interop tests: software on other cryptographic packages than the gateway's.

import { readFileSync } from 'node:fs';
import { presentCredential, verifyCredential, verifyPresentation } from '../../tests/interop/lib/credential.mjs';
import { loadEnv } from '../../tests/interop/lib/env.mjs';
import { generateSigningKey } from '../../tests/interop/lib/keys.mjs';
import { otpItem } from '../../tests/interop/lib/payloads.mjs';
import { PATHS, Wallet } from '../../tests/interop/lib/wallet.mjs';
import * as story from './story.mjs';

const CONFIGURATION = 'badge_info';
const PASSWORD = '123456';
const WRONG_PASSWORD = '000000';

/** The JSON of an answer that has to be a 200. */
function answered(response) {
  if (response.status !== 200) throw new Error(`unexpected answer ${response.status}: ${response.text}`);
  return response.json;
}

const showStatus = ({ status, reasonCode }) => story.show('status', reasonCode ? `${status} (${reasonCode})` : status);

/** Wait for one of `statuses`, as a wallet server without notifications does. */
async function pollFor(wallet, session, statuses) {
  const status = await wallet.waitFor(session, statuses);
  story.server(`asks how it stands: POST ${PATHS.status}.`);
  showStatus(status);
  return status;
}

function introduce(env, wallet) {
  story.picture();
  story.heading('Before anything: who is the issuer?');
  story.server(
    'reads the issuer metadata over mutual TLS. The gateway recognizes it by its certificate, and would refuse anybody whom it has not registered.',
  );
  story.show('issuer', wallet.issuer);
  story.show('issues', Object.keys(wallet.metadata.credential_configurations_supported).join(', '));
  story.show('encryption key', `${wallet.issuerKey.kty} ${wallet.issuerKey.crv}, ${wallet.issuerKey.alg}`);
}

/** The wallet knows what the issuer wants to see, and sends it with its first message. */
async function preknown(wallet) {
  story.heading('1. A preknown verification: the wallet knows what the issuer wants');
  const session = wallet.newSession();
  story.client(
    'makes a signing key for this session and signs the session id with it. The holder has a one-time password from the issuer: it is signed with that key and encrypted to the issuer.',
  );
  const body = await wallet.initiateBody(session, { configurations: [CONFIGURATION], items: [otpItem(PASSWORD)] });
  story.show('what the server sees of it', body.verificationData.clientEncryptedPayload[0].jwe);
  story.server(`passes it on: POST ${PATHS.initiate}.`);
  const opened = answered(await wallet.call(PATHS.initiate, body));
  session.verificationId = opened.verificationId;
  showStatus(opened);
  story.issuer('has checked the signatures, stored the ciphertext, and queued the decision. It decides in the background.');
  await pollFor(wallet, session, 'APPROVED');
  return session;
}

/** The wallet comes with empty hands, is told what is missing, errs once, and then gets it right. */
async function negotiated(wallet) {
  story.heading('2. A negotiated verification: the issuer says what it wants');
  const session = wallet.newSession();
  story.client('starts a second session, and shows nothing but its signing key.');
  story.server(`passes it on: POST ${PATHS.initiate}.`);
  answered(await wallet.initiate(session, { configurations: [CONFIGURATION] }));
  const { verificationDataRequest: request } = await pollFor(wallet, session, 'ADDITIONAL_INFO_REQUIRED');
  story.issuer('asks for more:');
  story.document(request);
  await supplement(wallet, session, 'types a wrong password.', WRONG_PASSWORD, 'REJECTED');
  await supplement(wallet, session, 'types the right one.', PASSWORD, 'APPROVED');
  return session;
}

async function supplement(wallet, session, doing, password, expected) {
  story.client(`${doing} It is signed and encrypted to the issuer like all that the holder says.`);
  story.server(`passes it on: POST ${PATHS.supplement}.`);
  answered(await wallet.supplement(session, { items: [otpItem(password)] }));
  return pollFor(wallet, session, expected);
}

/** From an approved verification to a credential in the client's hands: `{ credential, holderKey }`. */
async function issuance(wallet, session) {
  story.heading('3. The issuance');
  story.server(`asks for the approved credential: POST ${PATHS.provision}.`);
  const provisioned = answered(await wallet.provision(session));
  const [instanceId] = provisioned.CredentialInstances[0].credentialInstanceIds;
  story.show('credential instance', instanceId);

  const holderKey = generateSigningKey('ES256');
  story.client(
    'makes the key that the badge will be bound to, proves that it has it, and names the key to which the issuer shall encrypt. All of it is signed with the session’s key, so that the server in between cannot swap a key for its own.',
  );
  story.server(`passes it on: POST ${PATHS.get}.`);
  const response = await wallet.get(session, instanceId, { keys: [holderKey] });
  const { credentials, credentialVersion } = answered(response);
  story.show('credential version', credentialVersion);
  story.show('what the server sees of it', credentials);

  const [{ credential }] = await wallet.openCredentials(response, session.wek);
  story.client('decrypts it: an SD-JWT VC.');
  story.show('credential', credential);

  story.server(`tells the issuer that the badge has arrived on the device: POST ${PATHS.event}.`);
  answered(await wallet.event(session, instanceId, 'PROVISIONING_SUCCESS'));
  const { currentStatus } = answered(await wallet.credentialStatus(session, instanceId));
  story.show('credential status', currentStatus);
  return { credential, holderKey };
}

/** What the badge says, checked by the @sd-jwt packages, whole and as a presentation of two claims. */
async function inspection(env, { credential, holderKey }) {
  story.heading('4. The credential, verified by an independent library (@sd-jwt/sd-jwt-vc)');
  const trustAnchors = readFileSync(env.S2S_SIGNER_CA, 'utf8');
  const { header, payload, claims, disclosures } = await verifyCredential(credential, { trustAnchors });
  story.verifier('finds the signature, the certificate chain, the times and every disclosure in order.');
  story.show('signed with', `${header.alg}, ${header.x5c.length} certificate in x5c`);
  story.show('type', payload.vct);
  story.show('expires', new Date(payload.exp * 1000).toISOString());
  story.show('selectively disclosable', `${disclosures.length} claims`);
  story.verifier('and this is what it says:');
  story.document(claims);

  const nonce = 'nonce-of-the-verifier';
  const frame = { given_name: true, department: true };
  const aud = 'https://verifier.example';
  const presentation = await presentCredential(credential, { frame, holderKey, aud, nonce });
  story.client('shows two of the claims at a door, and proves with the badge’s key that it is the holder’s.');
  const shown = await verifyPresentation(presentation, { trustAnchors, nonce });
  story.verifier('checks the proof and sees these, and nothing of the others:');
  const { cnf, ...seen } = shown.claims;
  story.document(seen);
}

async function main(dir) {
  const env = loadEnv(dir);
  const wallet = await Wallet.connect(env, { protocol: 'h2' });
  try {
    introduce(env, wallet);
    await preknown(wallet);
    const session = await negotiated(wallet);
    await inspection(env, await issuance(wallet, session));
  } finally {
    wallet.close();
  }
  story.closing('The demo is done: a credential was issued end to end, and a library that knows nothing of the gateway verified it.');
}

if (process.argv.length > 3) {
  process.stderr.write('Usage: node demo.mjs [DIR]\n');
  process.exit(2);
}
main(process.argv[2]).catch((error) => {
  process.stderr.write(`\nThe demo failed: ${error.message}\n`);
  process.exit(1);
});
