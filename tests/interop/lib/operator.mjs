// SPDX-License-Identifier: Apache-2.0
//
// The issuer's operator: the operators' API of an issuer gateway as methods. Every method resolves to the Response,
// whatever its status; those that wait for something resolve to the JSON.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpClient } from './http.mjs';

const pathTo = (...segments) => `/v1/${segments.map(encodeURIComponent).join('/')}`;

export class OperatorClient {
  /** `url`: the operators' listener; `token`: the bearer token. */
  constructor({ url, token, client = new HttpClient(undefined) }) {
    this.url = url.replace(/\/$/, '');
    this.token = token;
    this.client = client;
  }

  /** The operator of the issuer gateway of an environment. */
  static connect(env) {
    return new OperatorClient({ url: env.S2S_ISSUER_ADMIN, token: env.S2S_ISSUER_ADMIN_TOKEN });
  }

  close() {
    this.client.close();
  }

  /** One request; `token: null` sends none. */
  request(method, path, { body, requestId = randomUUID(), token = this.token } = {}) {
    const headers = { accept: 'application/json, application/problem+json', 'x-request-id': requestId };
    if (token !== null) headers.authorization = `Bearer ${token}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    return this.client.request(this.url + path, { method, headers, body: body && JSON.stringify(body) });
  }

  get(path, query) {
    const text = new URLSearchParams(query).toString();
    return this.request('GET', text ? `${path}?${text}` : path);
  }

  post(path, body = {}, options = {}) {
    return this.request('POST', path, { ...options, body });
  }

  // --- verifications --------------------------------------------------------------------------------------------

  verification(verificationId) {
    return this.get(pathTo('verifications', verificationId));
  }

  /** `query`: `{ status, peer, sessionId, configuration, awaiting, cursor, limit }`. */
  verifications(query) {
    return this.get(pathTo('verifications'), query);
  }

  /** What the wallet gave, in the clear. */
  items(verificationId) {
    return this.get(pathTo('verifications', verificationId, 'items'));
  }

  /** `version`: the one that was looked at. */
  decide(verificationId, version, decision, options) {
    return this.post(pathTo('verifications', verificationId, 'decision'), { version, decision }, options);
  }

  requestInfo(verificationId, version, verificationDataRequest, options) {
    const body = { version, verificationDataRequest };
    return this.post(pathTo('verifications', verificationId, 'request-info'), body, options);
  }

  /** How an authentication on the web has ended: SUCCESS or FAILURE. */
  webResult(state, outcome, result = {}, options = {}) {
    return this.post(pathTo('web-results'), { state, outcome, result }, options);
  }

  /** The verification, once it waits for a person. */
  async waitForReview(verificationId, { timeoutMs = 15_000, pauseMs = 100 } = {}) {
    const giveUpAt = Date.now() + timeoutMs;
    for (;;) {
      const { status, text, json } = await this.verification(verificationId);
      if (status !== 200) throw new Error(`verification ${verificationId}: ${status} ${text}`);
      if (json.awaitingDecision) return json;
      if (Date.now() > giveUpAt) throw new Error(`waited ${timeoutMs} ms for a verification to await us; now: ${text}`);
      await sleep(pauseMs);
    }
  }

  // --- offers ---------------------------------------------------------------------------------------------------

  /** `wish`: `{ credentialConfigurationIds, subject, peer, tx_code, byReference, lifetime }`. */
  makeOffer(wish, options) {
    return this.post(pathTo('offers'), wish, options);
  }

  offer(offerId) {
    return this.get(pathTo('offers', offerId));
  }

  revokeOffer(offerId) {
    return this.post(pathTo('offers', offerId, 'revoke'));
  }

  // --- instances ------------------------------------------------------------------------------------------------

  instance(instanceId) {
    return this.get(pathTo('instances', instanceId));
  }

  /** SUSPEND, RESUME, CANCEL, UPDATED or DISPLAY_UPDATED. */
  act(instanceId, action, members = {}) {
    return this.post(pathTo('instances', instanceId, 'actions'), { action, ...members });
  }
}
