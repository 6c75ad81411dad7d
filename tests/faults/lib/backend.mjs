// SPDX-License-Identifier: Apache-2.0
//
// A wallet operator's backend that does not give up: each request is repeated under its request id until it is answered
// for good. What it sees of a thing goes to the journal.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { APP_TOKEN } from '../../integration/lib/config.mjs';
import { CheckedApp } from '../../integration/lib/app.mjs';

const PATIENCE_MS = 60_000;
const TIMEOUT_MS = 2500;
const PAUSE_MS = 80;

const isFinal = ({ status }) => status !== 429 && status < 500;

export class PatientApp extends CheckedApp {
  constructor(pair, journal) {
    super({ url: `http://127.0.0.1:${pair.requests.port}`, token: APP_TOKEN });
    this.journal = journal;
  }

  async request(method, path, options = {}) {
    const giveUpAt = Date.now() + PATIENCE_MS;
    for (let last; ; this.journal.repeats++) {
      try {
        const response = await super.request(method, path, { ...options, timeoutMs: TIMEOUT_MS });
        if (isFinal(response)) {
          this.journal.requests++;
          return response;
        }
        last = response.status;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        last = error.message;
      }
      if (Date.now() > giveUpAt) assert.fail(`no final answer to ${method} ${path}; last: ${last}`);
      await sleep(PAUSE_MS);
    }
  }

  /** The JSON of an answer with one of these statuses. */
  async must(answer, ...statuses) {
    const response = await answer;
    assert.ok(statuses.includes(response.status), `${response.status} ${response.text}`);
    return response.json;
  }

  /** The issuance as it is now; `observer` is who looks. */
  async look(observer, sessionId) {
    const issuance = await this.must(this.issuance(sessionId), 200);
    this.journal.observe(observer, 'issuance', sessionId, issuance);
    for (const instance of issuance.instances)
      this.journal.observe(observer, 'instance', instance.credentialInstanceId, instance);
    return issuance;
  }

  /** Look until `done` says so; resolves to the issuance. */
  async lookUntil(observer, sessionId, done) {
    const giveUpAt = Date.now() + PATIENCE_MS;
    for (;;) {
      const issuance = await this.look(observer, sessionId);
      if (done(issuance)) return issuance;
      if (Date.now() > giveUpAt) assert.fail(`${sessionId} stays ${JSON.stringify(issuance)}`);
      await sleep(PAUSE_MS);
    }
  }
}
