// SPDX-License-Identifier: Apache-2.0
//
// What happens in every story: the parties get to know each other, a verification begins and goes on, a credential is
// issued and looked at. The stories in flows/ say why.

import { readFileSync } from 'node:fs';
import { WalletClient } from '../../tests/interop/lib/app.mjs';
import { presentCredential, verifyCredential, verifyPresentation } from '../../tests/interop/lib/credential.mjs';
import { generateSigningKey } from '../../tests/interop/lib/keys.mjs';
import * as story from './story.mjs';

const ISSUER = 'issuer'; // its name in the wallet gateway's configuration
const WAIT_SECONDS = 10;

/** The JSON of an answer that has to be a success. */
export function answered(response) {
  if (response.status >= 300) throw new Error(`unexpected answer ${response.status}: ${response.text}`);
  return response.json;
}

export function showVerification({ status, verification }) {
  const reason = verification?.reasonCode;
  story.show('status', reason ? `${status} (${reason})` : status);
}

export async function introduction({ app }) {
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

// --- the verification -------------------------------------------------------------------------------------------------

/** A new session, with keys that are nobody's but the app's. */
export async function openSession({ app, client }) {
  story.backend('asks for the id of a new session: POST /v1/sessions.');
  const { sessionId } = answered(await app.newSessionId());
  return client.newSession({ sessionId });
}

/**
 * Start the issuance of `configuration`, and wait until it is `expected`. `data`: what goes along; options of
 * WalletClient.startRequest.
 */
export async function start({ app, client }, session, configuration, data, expected) {
  story.backend('starts the issuance: POST /v1/issuances. It may wait for the answer, or ask later: nothing gets lost.');
  const body = await client.startRequest(session, { configurations: [configuration], ...data });
  answered(await app.start(body, { wait: WAIT_SECONDS }));
  const issuance = await app.waitForStatus(session.sessionId, expected);
  session.verificationId = issuance.verification.verificationId;
  return issuance;
}

/** The holder adds something, after which it is `expected`. */
export async function supplement({ app, client }, session, items, expected) {
  const body = await client.supplementRequest(session, { items });
  story.show('what backend and gateway see', body.verificationDataPayload.clientEncryptedPayload[0].jwe);
  story.backend('hands it over: POST /v1/issuances/{session}/supplements.');
  answered(await app.supplement(session.sessionId, body));
  const issuance = await app.waitForStatus(session.sessionId, expected);
  story.wallet('has passed it on, and was told how the issuer decided. Had no notification come, it would have asked.');
  showVerification(issuance);
  return issuance;
}

// --- the issuance -----------------------------------------------------------------------------------------------------

export async function showInstance({ app }, instanceId, wanted) {
  const { status, lastStatusChangeReason: reason } = await app.waitForInstance(instanceId, wanted);
  story.show('status at the wallet', reason ? `${status} (${reason})` : status);
}

/** From an approved verification to a credential in the app's hands: `{ credential, holderKey, instanceId }`. */
export async function issuance(stage, session) {
  const { app, client } = stage;
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
  await showInstance(stage, instanceId, 'ACTIVE');
  return { credential, holderKey, instanceId };
}

// --- the credential ---------------------------------------------------------------------------------------------------

const trustAnchorsOf = ({ env }) => readFileSync(env.S2S_SIGNER_CA, 'utf8');

/** What the badge says, checked by the @sd-jwt packages; resolves to its claims. */
export async function inspection(stage, { credential }) {
  const trustAnchors = trustAnchorsOf(stage);
  const { header, payload, claims, disclosures } = await verifyCredential(credential, { trustAnchors });
  story.verifier('finds the signature, the certificate chain, the times and every disclosure in order.');
  story.show('signed with', `${header.alg}, ${header.x5c.length} certificate in x5c`);
  story.show('type', payload.vct);
  story.show('expires', new Date(payload.exp * 1000).toISOString());
  story.show('selectively disclosable', `${disclosures.length} claims`);
  story.show('employee', `${claims.employee_id}, ${claims.given_name} ${claims.family_name}, ${claims.department}`);
  return claims;
}

/** Two claims of the badge, shown to somebody else. */
export async function presentation(stage, { credential, holderKey }) {
  const nonce = 'nonce-of-the-verifier';
  const frame = { given_name: true, department: true };
  const aud = 'https://verifier.example';
  const presented = await presentCredential(credential, { frame, holderKey, aud, nonce });
  story.client('shows two of the claims at a door, and proves with the badge’s key that it is the holder’s.');
  const shown = await verifyPresentation(presented, { trustAnchors: trustAnchorsOf(stage), nonce });
  story.verifier('checks the proof and sees these, and nothing of the others:');
  const { cnf, ...seen } = shown.claims;
  story.document(seen);
}

/** The end of a story that is about how a verification began: the badge, and what it says. */
export async function badge(stage, session, number) {
  story.heading(`${number}. The badge`);
  const issued = await issuance(stage, session);
  await inspection(stage, issued);
  return issued;
}
