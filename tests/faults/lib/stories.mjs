// SPDX-License-Identifier: Apache-2.0
//
// What people do meanwhile: an issuance from its start to a credential in the holder's hands, and a life afterwards, in
// which the holder and the issuer suspend, resume, update and end it. Every promise goes to the journal.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateSigningKey } from '../../interop/lib/keys.mjs';
import { otpItem } from '../../interop/lib/payloads.mjs';
import { Session } from '../../interop/lib/wallet.mjs';
import { command } from '../../integration/lib/deliveries.mjs';
import { assertBound } from '../../integration/lib/pair.mjs';
import { FINAL, reasonOf } from './journal.mjs';

const PATIENCE_MS = 60_000;
const MOMENT = [0, 250]; // ms between two steps
const STEPS = [1, 4]; // of each party, in the life of an instance

const ANSWERS = [
  ['000000', 'ADDITIONAL_INFO_REQUIRED'],
  ['123456', 'REJECTED'],
];

/** Issuances by kind: how often, what is asked for, how they end, and whether anything must be done on the way. */
const KINDS = {
  plain: { weight: 4, configuration: 'badge_auto', status: 'APPROVED' },
  slow: { weight: 2, configuration: 'badge_slow', status: 'APPROVED' },
  // Of two attempts the first is wrong: were it counted twice, the right one would come too late.
  negotiated: { weight: 3, configuration: 'badge_info', status: 'APPROVED', answers: ANSWERS },
  denied: { weight: 1, configuration: 'badge_deny', status: 'DENIED' },
  cancelled: { weight: 1, configuration: 'badge_review', status: 'DENIED', cancel: true },
};

/** What psql says when it has lost, or cannot get, a connection. */
const DATABASE_AWAY = /connect|shut|starting|terminat|recovery/;

/**
 * What an operator does, repeated until the database has taken it: whoever lost an answer sees what the first attempt
 * did. A second RESUME may then meet nothing but the holder's suspension.
 */
async function commandSurely(gateway, instanceId, action, reason) {
  const giveUpAt = Date.now() + PATIENCE_MS;
  const accepted = ['COMPLETED', 'NO_CHANGE'];
  for (;;) {
    try {
      const outcome = await command(gateway, instanceId, action, reason);
      assert.ok(accepted.includes(outcome), `${action} of ${instanceId}: ${outcome}`);
      return;
    } catch (error) {
      if (Date.now() > giveUpAt || !DATABASE_AWAY.test(error.message)) throw error;
      if (action === 'RESUME') accepted.push('FAILED SUSPENDED_BY_WALLET');
      await sleep(100);
    }
  }
}

export class Story {
  constructor({ pair, app, journal, random, name }) {
    Object.assign(this, { pair, app, journal, random, name });
  }

  moment() {
    return sleep(this.random.integer(...MOMENT));
  }

  /** One issuance, and the life of what was issued. */
  async tell() {
    const kind = this.random.weighted(KINDS);
    const { configuration, status, answers = [], cancel = false } = KINDS[kind];
    const session = new Session();
    const body = await this.pair.client.startRequest(session, { configurations: [configuration] });
    await this.app.must(this.app.start(body), 202, 200);
    this.journal.issuances.push({ session, kind, status });
    await this.look(session);
    for (const [otp, status] of answers) await this.answer(session, otp, status);
    if (cancel) await this.app.must(this.app.cancel(session.sessionId), 202);
    const issuance = await this.lookUntil(session, (it) => FINAL.includes(it.status));
    assert.equal(issuance.status, status, `${kind}: ${JSON.stringify(issuance)}`);
    if (status === 'APPROVED') await this.hold(session);
  }

  look({ sessionId }) {
    return this.app.look(this.name, sessionId);
  }

  lookUntil({ sessionId }, done) {
    return this.app.lookUntil(this.name, sessionId, done);
  }

  /** Wait until items are asked for, or asked for again, and give them. */
  async answer(session, otp, status) {
    await this.lookUntil(session, (it) => it.status === status);
    const body = await this.pair.client.supplementRequest(session, { items: [otpItem(otp)] });
    await this.app.must(this.app.supplement(session.sessionId, body), 202);
  }

  async hold(session) {
    const { instances } = await this.lookUntil(session, (it) => it.instances.length > 0);
    const instanceId = instances[0].credentialInstanceId;
    const held = { instanceId, session, facts: new Set(), updates: 0, step: 0 };
    this.journal.instances.push(held);
    await this.fetch(held);
    await this.app.must(this.app.event(instanceId, 'PROVISIONING_SUCCESS'), 202);
    held.facts.add('confirmed');
    await Promise.all([this.holderActs(held), this.issuerActs(held)]);
    await this.look(session);
    if (this.random.chance(0.25)) await this.end(held);
  }

  async fetch({ instanceId, session }) {
    const key = generateSigningKey();
    const body = await this.pair.client.fetchRequest(session, instanceId, { keys: [key] });
    const { fetchId } = await this.app.must(this.app.fetch(instanceId, body, { wait: 1 }), 200, 202);
    this.journal.fetches.push({ fetchId, instanceId, session, key });
    const giveUpAt = Date.now() + PATIENCE_MS;
    for (;;) {
      const fetch = await this.app.must(this.app.fetchResult(fetchId), 200, 202);
      if (fetch.status === 'READY') return assertBound(fetch.credentials, session.wek, key);
      assert.equal(fetch.status, 'WAITING', JSON.stringify(fetch));
      assert.ok(Date.now() < giveUpAt, `fetch ${fetchId} stays ${JSON.stringify(fetch)}`);
      await sleep(100);
    }
  }

  // --- the life of an instance ----------------------------------------------------------------------------------

  async holderActs(held) {
    const steps = this.random.integer(...STEPS);
    for (let i = 0; i < steps; i++) {
      await this.moment();
      await this.turn(held, 'wallet_suspended', (action) => this.holderSays(held, action));
    }
  }

  async issuerActs(held) {
    const steps = this.random.integer(...STEPS);
    for (let i = 0; i < steps; i++) {
      await this.moment();
      if (this.random.chance(0.3)) await this.update(held);
      else await this.turn(held, 'issuer_suspended', (action) => this.issuerSays(held, action));
    }
  }

  /** Suspend what is not suspended by this party, and the reverse. */
  async turn({ facts }, fact, say) {
    const suspended = facts.has(fact);
    await say(suspended ? 'RESUME' : 'SUSPEND');
    if (suspended) facts.delete(fact);
    else facts.add(fact);
  }

  async update(held) {
    await this.issuerSays(held, 'UPDATED');
    held.updates++;
  }

  async holderSays(held, action) {
    const reason = reasonOf('HOLDER', held);
    const { outcome } = await this.app.must(this.app.action(held.instanceId, action, { reason }), 200);
    assert.equal(outcome, 'COMPLETED', `${action} of ${held.instanceId}`);
  }

  issuerSays(held, action) {
    return commandSurely(this.pair.issuer, held.instanceId, action, reasonOf('OPERATOR', held));
  }

  /** One of the two ends it; nobody does anything afterwards. */
  async end(held) {
    await this.moment();
    const byHolder = this.random.chance(0.5);
    if (byHolder) await this.holderSays(held, 'UNLINK');
    else await this.issuerSays(held, 'CANCEL');
    held.facts.add(byHolder ? 'unlinked' : 'cancelled');
  }
}
