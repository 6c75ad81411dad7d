// SPDX-License-Identifier: Apache-2.0
//
// A wallet server and its wallet client in one: the issuer endpoints as methods.
//
// For each endpoint there is `xxxBody(session, options)`, which makes an honest request, and `xxx(session, options)`,
// which sends it. `options` carries the knobs of both: those of the maker (see payloads.mjs), `body` (members that
// overwrite the request's; undefined takes one away), and `requestId`, `headers` of the transport.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { tlsIdentity } from './env.mjs';
import { HttpClient } from './http.mjs';
import { generateKey, generateSigningKey, keyData, thumbprint } from './keys.mjs';
import { openJwe } from './jwe.mjs';
import * as payloads from './payloads.mjs';

export const API_VERSION = '1.0.0';

export const PATHS = {
  initiate: '/verification/initiate',
  supplement: '/verification/supplement',
  status: '/verification/status',
  cancel: '/verification/cancel',
  provision: '/credential/provision',
  get: '/credential/get',
  metadata: '/credential/metadata',
  credentialStatus: '/credential/status',
  manage: '/credential/manage',
  event: '/event/notify',
};

/** Final states of a verification. */
export const FINAL = ['APPROVED', 'DENIED', 'EXPIRED'];

/** The wallet client's side of one session: its keys, and the ids that the issuer gave. */
export class Session {
  constructor({ sessionId = randomUUID(), wsk = generateSigningKey(), wek, verificationId } = {}) {
    this.sessionId = sessionId;
    this.wsk = wsk;
    this.wek = wek ?? generateKey('P-256', { alg: 'HPKE-0-KE', kid: randomUUID(), use: 'enc' });
    this.verificationId = verificationId;
  }
}

const withOverrides = (body, overrides = {}) => {
  const merged = { ...body, ...overrides };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
};

/** Fetch issuer metadata; `accept` asks for a media type. Tries the well-known path without and with `url`'s path. */
export async function fetchIssuerMetadata(client, url, { accept } = {}) {
  const { origin, pathname } = new URL(url);
  const wellKnown = `${origin}/.well-known/openid-credential-issuer`;
  const headers = accept ? { accept } : {};
  const response = await client.request(wellKnown, { headers });
  if (response.status !== 404 || pathname === '/') return response;
  return client.request(wellKnown + pathname, { headers });
}

export class Wallet {
  /** `url`: the issuer server's base; `client`: an HttpClient; `metadata`: the issuer metadata document. */
  constructor({ url, client, metadata }) {
    this.url = url.replace(/\/$/, '');
    this.client = client;
    this.metadata = metadata;
  }

  /** A wallet that speaks to the gateway of `env` with the certificate of `who`, over `protocol` h1 or h2. */
  static async connect(env, { who = 'WALLET', protocol = 'h1', tls = {} } = {}) {
    const client = new HttpClient({ ...tlsIdentity(env, who), ...tls }, { protocol });
    const response = await fetchIssuerMetadata(client, env.S2S_ISSUER_URL);
    if (response.status !== 200) throw new Error(`issuer metadata: status ${response.status}: ${response.text}`);
    return new this({ url: env.S2S_ISSUER_URL, client, metadata: response.json });
  }

  close() {
    this.client.close();
  }

  /** The credential issuer identifier. */
  get issuer() {
    return this.metadata.credential_issuer;
  }

  /** The issuer's newest encryption key. */
  get issuerKey() {
    return this.metadata.s2s.issuer_encryption_jwks.keys[0];
  }

  /** Send `body` (a value to serialize, or text or bytes as they are) to an endpoint. Resolves to a Response. */
  call(path, body, { requestId = randomUUID(), headers = {}, method = 'POST', timeoutMs } = {}) {
    const fields = withOverrides(
      { 'content-type': 'application/json', 'api-version': API_VERSION, 'x-request-id': requestId },
      headers,
    );
    const isRaw = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
    return this.send(path, { method, headers: fields, body: isRaw ? body : JSON.stringify(body), timeoutMs });
  }

  /** The one place where requests leave. */
  send(path, request) {
    return this.client.request(this.url + path, request);
  }

  /** As `call`, again with the same request id until the gateway gives a final answer: what a real caller does. */
  async callUntilAnswered(
    path,
    body,
    { requestId = randomUUID(), deadlineMs = 60_000, pauseMs = 100, ...options } = {},
  ) {
    const giveUpAt = Date.now() + deadlineMs;
    for (;;) {
      let problem;
      try {
        const response = await this.call(path, body, { requestId, ...options });
        if (response.status !== 429 && response.status < 500) return response;
        problem = `status ${response.status}`;
      } catch (error) {
        problem = error.message;
      }
      if (Date.now() > giveUpAt) throw new Error(`no final answer from ${path} in ${deadlineMs} ms; last: ${problem}`);
      await sleep(pauseMs);
    }
  }

  newSession(members) {
    return new Session(members);
  }

  // --- verification ---------------------------------------------------------------------------------------------

  /** A VerificationDataResponse: `items` from the client (each encrypted), `serverItems` in the clear. */
  async verificationData(session, { items = [], serverItems = [], issuerKey = this.issuerKey, payload = {} } = {}) {
    const data = {};
    if (items.length) {
      const sealed = items.map((item) => payloads.clientPayload(session, issuerKey, item, payload));
      data.clientEncryptedPayload = await Promise.all(sealed);
    }
    if (serverItems.length) data.serverVerificationDataItem = serverItems;
    return data;
  }

  async initiateBody(session, { configurations = ['badge_auto'], nonce = 'raw', nonceKnobs, body, ...data } = {}) {
    const nonces = {
      raw: () => payloads.rawNonce(session, nonceKnobs),
      bound: () => payloads.boundNonce(session, this.issuer, nonceKnobs),
    };
    const request = {
      sessionId: session.sessionId,
      credentialConfigurationIds: configurations,
      walletSigningKeyData: keyData('WALLET_SIGNING_KEY', session.wsk),
      verificationNonce: nonces[nonce] ? await nonces[nonce]() : nonce,
    };
    if (data.items || data.serverItems) request.verificationData = await this.verificationData(session, data);
    return withOverrides(request, body);
  }

  /** Remembers the verificationId in the session. */
  async initiate(session, options = {}) {
    const response = await this.call(PATHS.initiate, await this.initiateBody(session, options), options);
    if (response.status === 200) session.verificationId = response.json.verificationId;
    return response;
  }

  verificationRef(session, { body } = {}) {
    return withOverrides({ sessionId: session.sessionId, verificationId: session.verificationId }, body);
  }

  async supplementBody(session, { body, ...data } = {}) {
    const verificationDataPayload = await this.verificationData(session, data);
    return withOverrides({ ...this.verificationRef(session), verificationDataPayload }, body);
  }

  async supplement(session, options = {}) {
    return this.call(PATHS.supplement, await this.supplementBody(session, options), options);
  }

  status(session, options = {}) {
    return this.call(PATHS.status, this.verificationRef(session, options), options);
  }

  cancelBody(session, { reason = 'HOLDER_ABORTED', body } = {}) {
    return withOverrides({ ...this.verificationRef(session), reason }, body);
  }

  cancel(session, options = {}) {
    return this.call(PATHS.cancel, this.cancelBody(session, options), options);
  }

  /** Poll until the verification's status is one of `wanted`; resolves to the VerificationStatus. */
  async waitFor(session, wanted, { timeoutMs = 15_000, pauseMs = 100 } = {}) {
    const statuses = [wanted].flat();
    const giveUpAt = Date.now() + timeoutMs;
    for (;;) {
      const response = await this.status(session);
      if (response.status !== 200)
        throw new Error(`status of ${session.sessionId}: ${response.status} ${response.text}`);
      if (statuses.includes(response.json.status)) return response.json;
      if (Date.now() > giveUpAt) throw new Error(`still ${response.json.status}, waited for ${statuses.join(' or ')}`);
      await sleep(pauseMs);
    }
  }

  // --- credentials ----------------------------------------------------------------------------------------------

  provision(session, options = {}) {
    return this.call(PATHS.provision, this.verificationRef(session, options), options);
  }

  instanceRef(session, instanceId, body) {
    return withOverrides({ sessionId: session.sessionId, credentialInstanceId: instanceId }, body);
  }

  /**
   * `walletEncryptionKey`: `binding` is "payload" (the thumbprint goes into clientEncryptedData), "attestation", or
   * "none".
   */
  async wekData(session, { wek = session.wek, binding = 'attestation', bindingKnobs, wekMembers } = {}) {
    const attestation =
      binding === 'attestation' ? await payloads.keyBinding(session, this.issuer, wek, bindingKnobs) : undefined;
    return withOverrides(keyData('WALLET_ENCRYPTION_KEY', wek), { attestation, ...wekMembers });
  }

  /**
   * `keys`: private JWKs to bind credentials to (proofs are made with `proof`), or `presentmentKeys`: KeyData objects
   * as they are; `transactionId` goes in place of both.
   */
  async getBody(session, instanceId, options = {}) {
    const { keys, presentmentKeys, transactionId, issuerKey = this.issuerKey, payload = {}, proof, body } = options;
    const { wek = session.wek, binding = transactionId ? 'attestation' : 'payload' } = options;
    const request = {
      ...this.instanceRef(session, instanceId),
      reason: 'PROVISIONING',
      walletEncryptionKey: await this.wekData(session, { ...options, wek, binding }),
    };
    if (transactionId) {
      request.transaction_id = transactionId;
    } else {
      const made = (keys ?? [generateSigningKey()]).map((key) =>
        payloads.presentmentKey(session, this.issuer, key, proof),
      );
      const content = { presentmentKeys: presentmentKeys ?? (await Promise.all(made)) };
      if (binding === 'payload') content.walletEncryptionKeyThumbprint = thumbprint(wek);
      request.clientEncryptedData = await payloads.clientPayload(session, issuerKey, content, payload);
    }
    return withOverrides(request, body);
  }

  async get(session, instanceId, options = {}) {
    return this.call(PATHS.get, await this.getBody(session, instanceId, options), options);
  }

  /** The credentials of a 200 answer of `get`: `[{ credential }]`. */
  async openCredentials(response, wek) {
    const { plaintext } = await openJwe(response.json.credentials, wek);
    return JSON.parse(plaintext.toString('utf8'));
  }

  async metadataBody(session, instanceId, { body, ...options } = {}) {
    return withOverrides(
      { ...this.instanceRef(session, instanceId), walletEncryptionKey: await this.wekData(session, options) },
      body,
    );
  }

  async credentialMetadata(session, instanceId, options = {}) {
    return this.call(PATHS.metadata, await this.metadataBody(session, instanceId, options), options);
  }

  credentialStatus(session, instanceId, options = {}) {
    return this.call(PATHS.credentialStatus, this.instanceRef(session, instanceId, options.body), options);
  }

  manage(session, instanceId, action, options = {}) {
    return this.call(PATHS.manage, this.instanceRef(session, instanceId, { action, ...options.body }), options);
  }

  event(session, instanceId, eventType, options = {}) {
    const body = { eventType, eventTimestamp: new Date().toISOString(), ...options.body };
    return this.call(PATHS.event, this.instanceRef(session, instanceId, body), options);
  }

  // --- whole flows ----------------------------------------------------------------------------------------------

  /** A session that is verified for `configurations`, with `instances`: the instance ids in that order. */
  async approvedSession({ configurations = ['badge_auto'], session = this.newSession(), ...options } = {}) {
    const initiated = await this.initiate(session, { configurations, ...options });
    if (initiated.status !== 200) throw new Error(`initiate: ${initiated.status} ${initiated.text}`);
    await this.waitFor(session, 'APPROVED');
    const provisioned = await this.provision(session);
    if (provisioned.status !== 200) throw new Error(`provision: ${provisioned.status} ${provisioned.text}`);
    const instances = provisioned.json.CredentialInstances.flatMap((entry) => entry.credentialInstanceIds);
    return { session, instances };
  }
}
