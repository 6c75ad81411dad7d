// SPDX-License-Identifier: Apache-2.0
//
// The wallet operator's own side of a wallet gateway: the application API as methods (`AppClient`), and the wallet
// client behind it (`WalletClient`), which makes keys, signatures and ciphertexts and has no way to the issuer.
//
// Every method of a route resolves to the Response, whatever its status: a test wants to see refusals. Its `options`
// are `{ requestId, wait, headers, token, timeoutMs }`. The methods that wait for something resolve to the JSON.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpClient } from './http.mjs';
import { Wallet } from './wallet.mjs';

const ANSWER_MS = 30_000; // on top of what `Prefer: wait` asks for

const given = (members) => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

const pathTo = (...segments) => `/v1/${segments.map(encodeURIComponent).join('/')}`;

const withQuery = (path, query = {}) => {
  const text = new URLSearchParams(given(query)).toString();
  return text ? `${path}?${text}` : path;
};

export class AppClient {
  /** `url`: the API's base, before `/v1`; `token`: the bearer token; `client`: an HttpClient (default: plain HTTP). */
  constructor({ url, token, client = new HttpClient(undefined) }) {
    this.url = url.replace(/\/$/, '');
    this.token = token;
    this.client = client;
  }

  /** The application API of the wallet gateway of an environment. */
  static connect(env) {
    return new AppClient({ url: env.S2S_WALLET_APP, token: env.S2S_WALLET_APP_TOKEN });
  }

  close() {
    this.client.close();
  }

  // --- requests -------------------------------------------------------------------------------------------------

  /**
   * One request. `wait` is how many seconds the gateway may hold its answer (RFC 7240); `token: null` sends none; a
   * header that is undefined is not sent. `body` is a value to serialize, or text or bytes as they are.
   */
  request(method, path, { body, requestId, wait, headers = {}, token = this.token, timeoutMs } = {}) {
    const isRaw = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
    const fields = given({
      accept: 'application/json, application/problem+json',
      authorization: token === null ? undefined : `Bearer ${token}`,
      'content-type': body === undefined ? undefined : 'application/json',
      'x-request-id': requestId,
      prefer: wait === undefined ? undefined : `wait=${wait}`,
      ...headers,
    });
    return this.client.request(this.url + path, {
      method,
      headers: fields,
      body: isRaw ? body : JSON.stringify(body),
      timeoutMs: timeoutMs ?? ANSWER_MS + 1000 * (wait ?? 0),
    });
  }

  get(path, { query, ...options } = {}) {
    return this.request('GET', withQuery(path, query), options);
  }

  /** A POST under a request id of its own: it may be repeated. */
  post(path, body = {}, options = {}) {
    return this.request('POST', path, { requestId: randomUUID(), ...options, body });
  }

  // --- verifications --------------------------------------------------------------------------------------------

  newSessionId(options) {
    return this.post(pathTo('sessions'), {}, options);
  }

  /** `body`: see WalletClient.startRequest. */
  start(body, options) {
    return this.post(pathTo('issuances'), body, options);
  }

  issuance(sessionId, options) {
    return this.get(pathTo('issuances', sessionId), options);
  }

  /** `query`: `{ status, issuer, cursor, limit }`. */
  issuances(query, options) {
    return this.get(pathTo('issuances'), { ...options, query });
  }

  /** `body`: see WalletClient.supplementRequest. */
  supplement(sessionId, body, options) {
    return this.post(pathTo('issuances', sessionId, 'supplements'), body, options);
  }

  cancel(sessionId, reason = 'HOLDER_ABORTED', options = {}) {
    return this.post(pathTo('issuances', sessionId, 'cancel'), { reason }, options);
  }

  // --- credential instances -------------------------------------------------------------------------------------

  instance(instanceId, options) {
    return this.get(pathTo('instances', instanceId), options);
  }

  /** `query`: `{ sessionId, status, cursor, limit }`. */
  instances(query, options) {
    return this.get(pathTo('instances'), { ...options, query });
  }

  /** `body`: see WalletClient.fetchRequest. */
  fetch(instanceId, body, options) {
    return this.post(pathTo('instances', instanceId, 'fetches'), body, options);
  }

  fetchResult(fetchId, options) {
    return this.get(pathTo('fetches', fetchId), options);
  }

  /** `body`: see WalletClient.metadataRequest. */
  metadata(instanceId, body, options) {
    return this.post(pathTo('instances', instanceId, 'metadata'), body, options);
  }

  /** SUSPEND, RESUME or UNLINK. `members`: `{ reason, reasonDetail }`. */
  action(instanceId, action, members = {}, options = {}) {
    return this.post(pathTo('instances', instanceId, 'actions'), { action, ...members }, options);
  }

  /** `members`: `{ eventTimestamp, triggeringRequestId, eventDetails }`. */
  event(instanceId, eventType, members = {}, options = {}) {
    return this.post(pathTo('instances', instanceId, 'events'), { eventType, ...members }, options);
  }

  /** The backend's outcome, COMPLETED or FAILED, of what the issuer asked for. */
  endLifecycle(lifecycleId, outcome, members = {}, options = {}) {
    return this.post(pathTo('lifecycle', lifecycleId), { outcome, ...members }, options);
  }

  // --- issuers --------------------------------------------------------------------------------------------------

  issuers(options) {
    return this.get(pathTo('issuers'), options);
  }

  /** `issuer`: the name of the peer, or its credential issuer identifier. */
  issuer(issuer, options) {
    return this.get(pathTo('issuers', issuer), options);
  }

  /** `scope`: `{ issuer, credentialInstanceId }`; neither: everything. */
  reconcile(scope = {}, options = {}) {
    return this.post(pathTo('reconciliations'), scope, options);
  }

  reconciliation(reconciliationId, options) {
    return this.get(pathTo('reconciliations', reconciliationId), options);
  }

  // --- waiting --------------------------------------------------------------------------------------------------

  /**
   * Ask with `ask` until `done` says of the JSON of an answer that it is what we wait for; resolves to that JSON. A
   * refusal ends the wait, unless its status is one of `passing`.
   */
  async waitUntil(what, ask, done, { timeoutMs = 15_000, pauseMs = 100, passing = [] } = {}) {
    const giveUpAt = Date.now() + timeoutMs;
    for (;;) {
      const response = await ask();
      const { status, text } = response;
      if (status < 300 && done(response.json)) return response.json;
      if (status >= 300 && !passing.includes(status)) throw new Error(`${what}: ${status} ${text}`);
      if (Date.now() > giveUpAt) throw new Error(`waited ${timeoutMs} ms for ${what}; now: ${text}`);
      await sleep(pauseMs);
    }
  }

  /** The issuance, once its status is one of `wanted`. */
  waitForStatus(sessionId, wanted, options) {
    const statuses = [wanted].flat();
    return this.waitUntil(
      `${sessionId} to be ${statuses.join(' or ')}`,
      () => this.issuance(sessionId, { wait: 1 }),
      ({ status }) => statuses.includes(status),
      options,
    );
  }

  /** The issuance, once the gateway has provisioned it. */
  waitForInstances(sessionId, options) {
    const provisioned = ({ instances }) => instances.length > 0;
    return this.waitUntil(`instances of ${sessionId}`, () => this.issuance(sessionId), provisioned, options);
  }

  /** The instance, once its shown status is `wanted`. */
  waitForInstance(instanceId, wanted, options) {
    const reached = ({ status }) => status === wanted;
    return this.waitUntil(`${instanceId} to be ${wanted}`, () => this.instance(instanceId), reached, options);
  }

  /** The fetch, once it is no longer WAITING. */
  waitForFetch(fetchId, options) {
    const settled = ({ status }) => status !== 'WAITING';
    return this.waitUntil(`fetch ${fetchId}`, () => this.fetchResult(fetchId, { wait: 1 }), settled, options);
  }

  /** The report of a reconciliation, once it has finished. */
  waitForReconciliation(reconciliationId, options) {
    const finished = ({ finishedAt }) => finishedAt !== undefined;
    const ask = () => this.reconciliation(reconciliationId);
    return this.waitUntil(`reconciliation ${reconciliationId}`, ask, finished, options);
  }

  /** What the gateway knows of an issuer, once it has read the issuer's metadata; just started, it knows no issuer. */
  waitForIssuer(issuer, options) {
    const known = ({ metadata }) => metadata !== undefined;
    const patient = { passing: [404], ...options };
    return this.waitUntil(`metadata of ${issuer}`, () => this.issuer(issuer), known, patient);
  }
}

/** The holder's app: makes the bodies that its operator's backend passes on to the application API. */
export class WalletClient extends Wallet {
  /** `known`: what `GET /v1/issuers/{issuer}` says. */
  constructor({ issuer: name, metadata }) {
    super({ url: metadata.s2s.issuer_server_url, metadata });
    this.issuerName = name;
  }

  /** The wallet client for an issuer that the gateway behind `app` knows. */
  static async of(app, issuer = 'issuer') {
    return new WalletClient(await app.waitForIssuer(issuer));
  }

  /** What starts an issuance; options of initiateBody. */
  async startRequest(session, options = {}) {
    return { issuer: this.issuerName, ...(await this.initiateBody(session, options)) };
  }

  /** What supplements one; options of verificationData. */
  async supplementRequest(session, { body, ...data } = {}) {
    return given({ verificationDataPayload: await this.verificationData(session, data), ...body });
  }

  /** What fetches the credentials of an instance; options of getBody. */
  async fetchRequest(session, instanceId, options = {}) {
    const { sessionId, credentialInstanceId, ...body } = await this.getBody(session, instanceId, options);
    return body;
  }

  /** What asks for the metadata of an instance; options of wekData. */
  async metadataRequest(session, { body, ...options } = {}) {
    return given({ walletEncryptionKey: await this.wekData(session, options), ...body });
  }
}
