// SPDX-License-Identifier: Apache-2.0
//
// The demo: a badge on its way from an issuer to a holder's app, through the two gateways of an environment.
//
//   node demo.mjs DIR       DIR: the folder of a running environment (see deploy/README.md)
//
// What is played here are the people and programs around the gateways: the holder's app, the wallet operator's backend,
// the issuer's operator, and a verifier. App and verifier are the library of the interop tests: software on other
// cryptographic packages than the gateways'.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { AppClient, WalletClient } from '../../tests/interop/lib/app.mjs';
import { presentCredential, verifyCredential, verifyPresentation } from '../../tests/interop/lib/credential.mjs';
import { loadEnv } from '../../tests/interop/lib/env.mjs';
import { generateSigningKey } from '../../tests/interop/lib/keys.mjs';
import { otpItem } from '../../tests/interop/lib/payloads.mjs';
import * as story from './story.mjs';

const ISSUER = 'issuer'; // its name in the wallet gateway's configuration
const CONFIGURATION = 'badge_info';
const PASSWORD = '123456';
const WRONG_PASSWORD = '000000';
const WAIT_SECONDS = 10;

/** The JSON of an answer that has to be a success. */
function answered(response) {
  if (response.status >= 300) throw new Error(`unexpected answer ${response.status}: ${response.text}`);
  return response.json;
}

/** A command of the issuer's operator. */
function operate(env, ...args) {
  story.operator(`types: s2s-gateway ${args.join(' ')}`);
  const said = execFileSync(env.S2S_ISSUER_BINARY, [...args, '--config', env.S2S_ISSUER_CONFIG], { encoding: 'utf8' });
  if (said.trim()) story.show('and reads', said.trim());
}

function showVerification({ status, verification }) {
  const reason = verification?.reasonCode;
  story.show('status', reason ? `${status} (${reason})` : status);
}

async function introduction(app) {
  story.picture();
  story.heading('Before anything: who is the issuer?');
  story.wallet(
    'has read the metadata of the issuer in its configuration, over TLS, and keeps them fresh. Both gateways know each other by their certificates, and refuse anybody whom they have not registered.',
  );
  story.backend(`asks what is known: GET /v1/issuers/${ISSUER}. It hands the app what the app needs to encrypt.`);
  const client = await WalletClient.of(app, ISSUER);
  story.show('issuer', client.issuer);
  story.show('issues', Object.keys(client.metadata.credential_configurations_supported).join(', '));
  story.show('encryption key', `${client.issuerKey.kty} ${client.issuerKey.crv}, ${client.issuerKey.alg}`);
  return client;
}

/** The app comes with empty hands, is told what is missing, errs once, and then gets it right. */
async function verification(app, client) {
  story.heading('1. The verification: the issuer says what it wants');
  story.backend('asks for the id of a new session: POST /v1/sessions.');
  const { sessionId } = answered(await app.newSessionId());
  const session = client.newSession({ sessionId });
  story.client('makes a signing key for this session and signs the session id with it. It shows nothing else yet.');
  story.backend('starts the issuance: POST /v1/issuances. It may wait for the answer, or ask later: nothing gets lost.');
  const body = await client.startRequest(session, { configurations: [CONFIGURATION] });
  const begun = answered(await app.start(body, { wait: WAIT_SECONDS }));
  story.issuer('has checked the signature, and decides in the background. It asks for more:');
  showVerification(begun);
  story.document(begun.verification.verificationDataRequest);
  await supplement(app, client, session, 'types a wrong one-time password.', WRONG_PASSWORD, 'REJECTED');
  await supplement(app, client, session, 'types the right one.', PASSWORD, 'APPROVED');
  return session;
}

async function supplement(app, client, session, doing, password, expected) {
  story.client(`The holder ${doing} It is signed with the session’s key and encrypted to the issuer.`);
  const body = await client.supplementRequest(session, { items: [otpItem(password)] });
  story.show('what backend and gateway see', body.verificationDataPayload.clientEncryptedPayload[0].jwe);
  story.backend(`hands it over: POST /v1/issuances/{session}/supplements.`);
  answered(await app.supplement(session.sessionId, body));
  const issuance = await app.waitForStatus(session.sessionId, expected);
  story.wallet('has passed it on, and was told how the issuer decided. Had no notification come, it would have asked.');
  showVerification(issuance);
}

/** From an approved verification to a credential in the app's hands: `{ credential, holderKey, instanceId }`. */
async function issuance(app, client, session) {
  story.heading('2. The issuance');
  story.wallet('fetches the approved instance of the badge by itself, as soon as it is approved.');
  const { instances } = await app.waitForInstances(session.sessionId);
  const [{ credentialInstanceId: instanceId, status }] = instances;
  story.show('credential instance', `${instanceId}, ${status}`);

  const holderKey = generateSigningKey('ES256');
  story.client(
    'makes the key that the badge will be bound to, proves that it has it, and names the key to which the issuer shall encrypt. All of it is signed with the session’s key, so that nobody in between can swap a key for its own.',
  );
  story.backend('asks for the credential: POST /v1/instances/{instance}/fetches.');
  const body = await client.fetchRequest(session, instanceId, { keys: [holderKey] });
  const begun = answered(await app.fetch(instanceId, body, { wait: WAIT_SECONDS }));
  const fetched = await app.waitForFetch(begun.fetchId);
  if (fetched.status !== 'READY') throw new Error(`the fetch ended as ${JSON.stringify(fetched)}`);
  story.show('credential version', fetched.credentialVersion);
  story.show('what backend and gateway see', fetched.credentials);

  const [{ credential }] = await client.openCredentials({ json: fetched }, session.wek);
  story.client('decrypts it: an SD-JWT VC.');
  story.show('credential', credential);

  story.backend('reports that the badge has arrived on the device: POST /v1/instances/{instance}/events.');
  answered(await app.event(instanceId, 'PROVISIONING_SUCCESS'));
  await showInstance(app, instanceId, 'ACTIVE');
  return { credential, holderKey, instanceId };
}

/** What the badge says, checked by the @sd-jwt packages, whole and as a presentation of two claims. */
async function inspection(env, { credential, holderKey }) {
  story.heading('3. The credential, verified by an independent library (@sd-jwt/sd-jwt-vc)');
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

async function showInstance(app, instanceId, wanted) {
  const { status, lastStatusChangeReason: reason } = await app.waitForInstance(instanceId, wanted);
  story.show('status at the wallet', reason ? `${status} (${reason})` : status);
}

/** Either side suspends for reasons of its own, and takes back only what is its own. */
async function lifecycle(env, app, instanceId) {
  story.heading('4. A suspension that travels');
  operate(env, 'instance', 'suspend', instanceId, '--reason', 'BADGE_REPORTED_LOST');
  story.issuer('has written it down, together with the message that it owes the wallet, and sends that until it is heard.');
  story.backend('looks at the instance: GET /v1/instances/{instance}.');
  await showInstance(app, instanceId, 'SUSPENDED_ISSUER');

  story.backend('suspends it too, as the holder has reported the phone: POST /v1/instances/{instance}/actions.');
  answered(await app.action(instanceId, 'SUSPEND', { reason: 'PHONE_LOST' }));
  story.wallet('tells the issuer. While both suspensions hold, the issuer’s is the one that shows.');
  await app.waitUntil(
    'the answer of the issuer',
    () => app.instance(instanceId),
    ({ manage }) => manage !== undefined,
  );
  await showInstance(app, instanceId, 'SUSPENDED_ISSUER');

  operate(env, 'instance', 'resume', instanceId);
  story.issuer('takes back its own suspension, and only that. The wallet’s is left.');
  await showInstance(app, instanceId, 'SUSPENDED_WALLET');

  story.backend('resumes it, as the phone has been found.');
  answered(await app.action(instanceId, 'RESUME', { reason: 'PHONE_FOUND' }));
  await showInstance(app, instanceId, 'ACTIVE');

  story.backend('has the two gateways compare what they know of the instance: POST /v1/reconciliations.');
  const { reconciliationId } = answered(await app.reconcile({ credentialInstanceId: instanceId }));
  const { checked, found } = await app.waitForReconciliation(reconciliationId);
  story.show('compared', `${checked}, differences: ${found}`);
}

async function main(dir) {
  const env = loadEnv(dir);
  const app = AppClient.connect(env);
  try {
    const client = await introduction(app);
    const session = await verification(app, client);
    const badge = await issuance(app, client, session);
    await inspection(env, badge);
    await lifecycle(env, app, badge.instanceId);
  } finally {
    app.close();
  }
  story.closing(
    'The demo is done: a credential was issued from gateway to gateway, a library that knows nothing of them verified it, and both sides agree on how it stands.',
  );
}

if (process.argv.length > 3) {
  process.stderr.write('Usage: node demo.mjs [DIR]\n');
  process.exit(2);
}
main(process.argv[2]).catch((error) => {
  process.stderr.write(`\nThe demo failed: ${error.message}\n`);
  process.exit(1);
});
