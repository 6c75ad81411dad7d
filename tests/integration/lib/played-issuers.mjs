// SPDX-License-Identifier: Apache-2.0
//
// A wallet gateway whose issuers are played: by the misbehaving peer where the wallet calls them, and by a caller with
// their client certificate where they call the wallet.

import assert from 'node:assert/strict';
import { tlsIdentity } from '../../interop/lib/env.mjs';
import { WalletClient } from '../../interop/lib/app.mjs';
import { HttpClient } from '../../interop/lib/http.mjs';
import { Session } from '../../interop/lib/wallet.mjs';
import { assertOk, CheckedWallet } from '../../interop/suite/support.mjs';
import { bench, eventually } from './bench.mjs';
import { laneOpened } from './deliveries.mjs';
import { Gateway } from './gateway.mjs';
import { identity, issue } from './pki.mjs';

/** Endpoints of a wallet server. */
export const WALLET_PATHS = {
  notify: '/verification/notify',
  status: '/credential/status',
  manage: '/credential/manage',
  event: '/event/notify',
};

/** The entry of an issuer in a wallet's configuration. */
export const issuerPeer = (name, url, members = {}) => ({
  name,
  identity: [{ san_dns: `${name}.example` }],
  url,
  ca: ['pki/ca.crt'],
  ...members,
});

/**
 * A wallet gateway that knows these issuers: URLs by name. `issuer` has a client certificate on the bench, others get
 * one from `certify`. Options as for Gateway.prepare.
 */
export async function walletOf(name, urls, { edit = () => {}, ...options } = {}) {
  const gateway = await Gateway.prepare(name, {
    role: 'wallet',
    ...options,
    edit: (config, it) => {
      config.peers = Object.entries(urls).map(([issuer, url]) => issuerPeer(issuer, url));
      Object.assign(config.outbound, { timeout: '2s', block: '1s' });
      config.jobs.lease = '5s';
      edit(config, it);
    },
  });
  await gateway.serve();
  for (const issuer of Object.keys(urls)) await laneOpened(gateway, issuer);
  return gateway;
}

/** A client certificate for an issuer: options of TLS. */
export const certify = async (gateway, name) =>
  identity(gateway, await issue(gateway, name, { san: `DNS:${name}.example` }));

/** A caller of the wallet's endpoints who checks every answer; without `tls` it is the bench's issuer. */
export function issuerCaller(gateway, { tls = tlsIdentity(bench, 'ISSUER'), protocol = 'h1' } = {}) {
  const client = new HttpClient({ ...tlsIdentity(bench), ...tls }, { protocol });
  return new CheckedWallet({ url: gateway.url, client });
}

/** The wallet client for an issuer whose metadata nobody needs. */
const clientOf = (issuer) => {
  const metadata = { credential_issuer: 'https://issuer.example', s2s: { issuer_server_url: '' } };
  return new WalletClient({ issuer, metadata });
};

/** Start an issuance with a played issuer; resolves to the session, whose `issuance` is what was answered. */
export async function begin(app, issuer = 'issuer', { session = new Session(), ...options } = {}) {
  const body = await clientOf(issuer).startRequest(session, options);
  session.issuance = assertOk(await app.start(body), 202);
  return session;
}

/** Begin, and wait until the issuer has answered: `session.verificationId` is what it said. */
export async function opened(app, issuer, options) {
  const session = await begin(app, issuer, options);
  const answered = async () => {
    const { verificationId } = assertOk(await app.issuance(session.sessionId));
    return verificationId;
  };
  session.verificationId = await eventually('the issuer has answered', answered);
  return session;
}

/** A VerificationStatus, as an issuer notifies. */
export const verificationStatus = ({ sessionId, verificationId }, status, members = {}) => ({
  sessionId,
  verificationId,
  status,
  ...{ APPROVED: { credentialConfigurationIds: ['badge_auto'], authorizedDeviceCount: 1 } }[status],
  ...members,
});

/** An approved session with its instance: `{ session, instanceId }`. The caller is the issuer. */
export async function held(app, caller, issuer = 'issuer') {
  const session = await opened(app, issuer);
  assertOk(await caller.call(WALLET_PATHS.notify, verificationStatus(session, 'APPROVED')));
  const { instances } = await app.waitForInstances(session.sessionId);
  assert.equal(instances.length, 1);
  return { session, instanceId: instances[0].credentialInstanceId };
}
