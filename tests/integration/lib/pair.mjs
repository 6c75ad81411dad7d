// SPDX-License-Identifier: Apache-2.0
//
// A wallet gateway and an issuer gateway that know each other, each with its own database, and what stands around them:
// the wallet operator's backend (`app`), the wallet client (`client`), receivers of webhooks, and the lines between
// all, which a test can cut.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WalletClient } from '../../interop/lib/app.mjs';
import { generateSigningKey, thumbprint } from '../../interop/lib/keys.mjs';
import { decodeJws } from '../../interop/lib/jose.mjs';
import { openJwe } from '../../interop/lib/jwe.mjs';
import { otpItem } from '../../interop/lib/payloads.mjs';
import { Session } from '../../interop/lib/wallet.mjs';
import { newWebhookSecret, WebhookReceiver } from '../../interop/lib/webhooks.mjs';
import { assertOk } from '../../interop/suite/support.mjs';
import { bench, eventually, sql } from './bench.mjs';
import { callOut, laneOpened, offer } from './deliveries.mjs';
import { Gateway } from './gateway.mjs';
import { Link } from './link.mjs';

/** How long the credential `badge_slow` takes. */
export const READY_MS = 1500;

const SECRET_FILE = 'keys/webhook-1.secret';

const pki = (name) => readFileSync(join(bench.dir, 'pki', name));

/** What the issuer of a pair offers beside the configurations that every issuer of the tests has. */
function offerMore(config) {
  offer(config, 'badge_slow', { ready_after: `${READY_MS}ms` });
  offer(config, 'badge_deny', {
    verification: { decision: 'deny', denied_reason: 'NOT_ELIGIBLE', denied_message: 'No.' },
  });
}

/** Have a gateway send webhooks to a receiver of its own; resolves to that. */
export async function receiveWebhooks(gateway, { name = 'backend', tls = false, ...members } = {}) {
  const secret = newWebhookSecret();
  gateway.write(SECRET_FILE, `${secret}\n`);
  const server = tls ? { cert: pki('server.crt'), key: pki('server.key') } : undefined;
  const receiver = await WebhookReceiver.start({ secrets: [secret], tls: server });
  const ca = tls ? { ca: ['pki/ca.crt'] } : {};
  gateway.config.webhooks = [{ name, url: receiver.url, secrets: [SECRET_FILE], ...ca, ...members }];
  gateway.writeConfig();
  return receiver;
}

const HOST = '127.0.0.1';

/** A line to a listener of any of these gateways. */
const lineTo = (gateways, listener) =>
  Link.open(...gateways.map(({ ports }) => ({ host: HOST, port: ports[listener] })));

export class Pair {
  /**
   * `issuer` and `wallet` edit the configurations; `issuerOptions` and `walletOptions` are options of Gateway.prepare.
   * `polling: false` and `notifications: false` leave one way for the wallet to learn how things stand. `webhooks`:
   * 'wallet', 'issuer' or 'both' get a receiver each (`walletHooks`, `issuerHooks`), set up with `webhookOptions`. With
   * `twins` each side has two processes on one database, and every line leads to either.
   */
  static async prepare(name, options = {}) {
    const { issuer = () => {}, wallet = () => {}, polling = true, notifications = true, webhooks = 'none' } = options;
    const pair = new Pair();
    pair.name = name;
    pair.issuer = await Gateway.prepare(`${name}-issuer`, options.issuerOptions);
    pair.wallet = await Gateway.prepare(`${name}-wallet`, { role: 'wallet', ...options.walletOptions });
    const twinOf = ({ role, database }) => Gateway.prepare(`${name}-${role}-twin`, { role, database });
    const twins = options.twins ? [await twinOf(pair.issuer), await twinOf(pair.wallet)] : [];
    pair.issuers = [pair.issuer, ...twins.slice(0, 1)];
    pair.wallets = [pair.wallet, ...twins.slice(1)];
    /** What the wallet sends to the issuer, the issuer to the wallet, and the backend to the wallet. */
    pair.calls = await lineTo(pair.issuers, 's2s');
    pair.notices = await lineTo(pair.wallets, 'wallet');
    pair.requests = await lineTo(pair.wallets, 'app');

    const quick = { timeout: '2s', block: '1s' };
    const urls = notifications ? { wallet: `https://${HOST}:${pair.notices.port}` } : {};
    callOut(pair.issuer.config, urls, quick);
    offerMore(pair.issuer.config);
    Object.assign(pair.wallet.config.outbound, quick);
    pair.wallet.config.wallet.poll.enabled = polling;
    pair.wallet.config.peers = [
      {
        name: 'issuer',
        identity: [{ san_dns: 'issuer.example' }],
        url: `https://${HOST}:${pair.calls.port}`,
        credential_issuer: pair.issuer.url,
        ca: ['pki/ca.crt'],
      },
    ];
    for (const gateway of [pair.issuer, pair.wallet]) gateway.config.jobs.lease = '5s';
    for (const side of ['wallet', 'issuer'])
      if ([side, 'both'].includes(webhooks))
        pair[`${side}Hooks`] = await receiveWebhooks(pair[side], options.webhookOptions);
    issuer(pair.issuer.config, pair.issuer);
    wallet(pair.wallet.config, pair.wallet);
    for (const [model, twin] of [pair.issuers, pair.wallets]) if (twin) twin.resemble(model);
    for (const gateway of pair.gateways) gateway.writeConfig();
    return pair;
  }

  /** prepare, and serve until both can call each other and the wallet knows the issuer's metadata. */
  static async start(name, options = {}) {
    const pair = await Pair.prepare(name, options);
    await Promise.all(pair.gateways.map((gateway) => gateway.serve()));
    pair.app = pair.wallet.app();
    for (const gateway of [pair.issuer, pair.wallet])
      for (const peer of gateway.config.peers) if (peer.url) await laneOpened(gateway, peer.name);
    pair.client = await WalletClient.of(pair.app);
    return pair;
  }

  /** All processes. */
  get gateways() {
    return [...this.issuers, ...this.wallets];
  }

  /** Ends both, each with the invariants of Gateway.close. */
  async close({ issuer, wallet } = {}) {
    this.app?.close();
    for (const gateway of this.wallets) await gateway.close(wallet);
    for (const gateway of this.issuers) await gateway.close(issuer);
    await Promise.all([this.calls, this.notices, this.requests].map((line) => line.close()));
    await Promise.all([this.walletHooks?.close(), this.issuerHooks?.close()]);
  }

  kill() {
    for (const { child } of this.gateways) child?.kill('SIGKILL');
  }

  // --- what a backend does --------------------------------------------------------------------------------------

  /** Start an issuance; resolves to its session, with `issuance`, what was answered. */
  async begin({ configurations = ['badge_auto'], session = new Session(), wait, ...options } = {}) {
    const body = await this.client.startRequest(session, { configurations, ...options });
    session.issuance = assertOk(await this.app.start(body, { wait }), 202);
    return session;
  }

  /** An issuance that was approved and provisioned: `{ session, instances }`, of which the latter are ids. */
  async issued(options) {
    const session = await this.begin(options);
    const { instances } = await this.app.waitForInstances(session.sessionId);
    return { session, instances: instances.map(({ credentialInstanceId }) => credentialInstanceId) };
  }

  async supplement(session, otp) {
    const body = await this.client.supplementRequest(session, { items: [otpItem(otp)] });
    return this.app.supplement(session.sessionId, body);
  }

  /** Fetch the credential of an instance, and check that it is bound to our key; resolves to the fetch. */
  async fetched(session, instanceId, options = {}) {
    const key = generateSigningKey();
    const body = await this.client.fetchRequest(session, instanceId, { keys: [key] });
    const started = await this.app.fetch(instanceId, body, options);
    assert.ok(started.status === 200 || started.status === 202, started.text);
    const fetch = await this.app.waitForFetch(started.json.fetchId);
    assert.equal(fetch.status, 'READY', JSON.stringify(fetch));
    await assertBound(fetch.credentials, session.wek, key);
    return fetch;
  }

  /** An instance that is ACTIVE on both sides: `{ session, instanceId }`. */
  async active(options) {
    const { session, instances } = await this.issued(options);
    const [instanceId] = instances;
    await this.fetched(session, instanceId);
    assertOk(await this.app.event(instanceId, 'PROVISIONING_SUCCESS'), 202);
    await this.agreed(instanceId, 'ACTIVE');
    return { session, instanceId };
  }

  /** Wait until both sides show an instance as `status`. */
  async agreed(instanceId, status, options) {
    await this.app.waitForInstance(instanceId, status, options);
    const shown = async () => (await issuerStatus(this.issuer, instanceId)) === status;
    await eventually(`the issuer shows ${instanceId} as ${status}`, shown, options);
  }

  /** Wait until neither side owes anything about an instance. */
  async quiet(instanceId) {
    for (const { database } of [this.issuer, this.wallet])
      await eventually(`nothing is owed about ${instanceId}`, async () => {
        const [count] = await sql(database, `SELECT count(*) FROM s2s.delivery WHERE ref LIKE '%${instanceId}'`);
        return count === '0';
      });
  }
}

/** The status of an instance as the issuer's database has it. */
export async function issuerStatus({ database }, instanceId) {
  const [status] = await sql(
    database,
    `SELECT s2s.instance_status(i) FROM s2s.instance AS i WHERE instance_id = '${instanceId}'`,
  );
  return status;
}

/** That the JWE has one credential, for the key `wek`, which is bound to `key`. */
export async function assertBound(jwe, wek, key) {
  const { plaintext } = await openJwe(jwe, wek);
  const [{ credential }, ...others] = JSON.parse(plaintext.toString('utf8'));
  assert.deepEqual(others, []);
  assert.equal(thumbprint(decodeJws(credential.split('~')[0]).payload.cnf.jwk), thumbprint(key));
}

/** End a pair, by force when it does not end well. */
async function closeOrKill(pair, options) {
  try {
    await pair.close(options);
  } catch (error) {
    pair.kill();
    throw error;
  }
}

/** Declare the last test of a file: both gateways leave all in order. */
export function closingPair(pair, options) {
  test(`${pair.name}: both gateways end well, with quiet logs and clean databases`, () => closeOrKill(pair, options));
}

/** Run `body` with a pair of its own, which is closed afterwards. */
export async function withPair(name, options, body) {
  const pair = await Pair.start(name, options);
  try {
    await body(pair);
  } catch (error) {
    pair.kill();
    throw error;
  }
  await closeOrKill(pair, options.closing);
}
