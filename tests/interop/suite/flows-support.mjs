// SPDX-License-Identifier: Apache-2.0
//
// What the tests of whole flows share: beginning a verification, and getting the badges that it is good for.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { verifyCredential } from '../lib/credential.mjs';
import { generateSigningKey } from '../lib/keys.mjs';
import { assertOk, env, noteSecret } from './support.mjs';

const TRUST_ANCHORS = readFileSync(env.S2S_SIGNER_CA, 'utf8');

/** A session whose verification for `configuration` has come to rest in one of `wanted`, with `outcome`. */
export async function begun(wallet, configuration, wanted, { session = wallet.newSession(), ...options } = {}) {
  assertOk(await wallet.initiate(session, { configurations: [configuration], ...options }));
  session.outcome = await wallet.waitFor(session, wanted);
  return session;
}

/** Supplement a session; resolves to the VerificationStatus once it has come to rest in one of `wanted`. */
export async function supplemented(wallet, session, data, wanted) {
  assertOk(await wallet.supplement(session, data));
  return wallet.waitFor(session, wanted);
}

/** The ids of the instances of a session that is approved for one configuration. */
export async function instancesOf(wallet, session) {
  const { CredentialInstances: groups } = assertOk(await wallet.provision(session));
  assert.equal(groups.length, 1);
  return groups[0].credentialInstanceIds;
}

/** The badge in the answer of a get, verified by an independent library: `{ credential, claims, payload }`. */
export async function opened(wallet, session, response) {
  assertOk(response);
  const [{ credential }, ...others] = await wallet.openCredentials(response, session.wek);
  assert.deepEqual(others, []);
  return { credential, ...(await verifyCredential(credential, { trustAnchors: TRUST_ANCHORS })) };
}

/** Get the badge of one instance. What it discloses is a secret between issuer and holder. */
export async function badgeOf(wallet, session, instanceId) {
  const holderKey = generateSigningKey('ES256');
  const badge = await opened(wallet, session, await wallet.get(session, instanceId, { keys: [holderKey] }));
  for (const { encoded } of badge.disclosures) noteSecret(encoded);
  if (badge.claims.email) noteSecret(badge.claims.email);
  return { ...badge, holderKey, instanceId };
}

/** The badges of an approved session, in the order of its instances. */
export async function badgesOf(wallet, session) {
  const badges = [];
  for (const instanceId of await instancesOf(wallet, session)) badges.push(await badgeOf(wallet, session, instanceId));
  return badges;
}
