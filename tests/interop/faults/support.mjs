// SPDX-License-Identifier: Apache-2.0
//
// Faults of a throw-away environment: the gateway killed and started again, PostgreSQL restarted; and a whole
// conversation of a wallet that keeps asking until it is answered.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadEnv } from '../lib/env.mjs';
import { generateSigningKey, thumbprint } from '../lib/keys.mjs';
import { decodeJws } from '../lib/jose.mjs';
import { PATHS } from '../lib/wallet.mjs';
import { otpItem } from '../lib/payloads.mjs';
import { pgCtl as pgCtlOn } from '../../lib/postgres.mjs';
import { connect } from '../suite/support.mjs';

const DEV = fileURLToPath(new URL('../../../deploy/dev', import.meta.url));
const run = promisify(execFile);

/** The environment as it is now: its gateway's pid changes. */
export const currentEnv = () => loadEnv();

/** Kill the gateway without warning. The pid must still be the gateway's. */
export function killGateway() {
  const pid = Number(currentEnv().S2S_ISSUER_PID);
  assert.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /s2s-gateway/, `pid ${pid} is not the gateway`);
  process.kill(pid, 'SIGKILL');
}

/** Start the gateway again on the same data; resolves when it is ready. */
export async function restartGateway() {
  const child = spawn(DEV, ['restart', 'issuer', '--dir', currentEnv().dir], { stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  assert.equal(code, 0, 'deploy/dev restart failed');
}

/** pg_ctl on the environment's cluster. */
export const pgCtl = (...args) => pgCtlOn(currentEnv().S2S_PG_DIR, ...args);

/** The gateway's own check of its database. */
export async function fsck() {
  const { S2S_ISSUER_BINARY: binary, S2S_ISSUER_CONFIG: config } = currentEnv();
  const { stdout } = await run(binary, ['fsck', '--config', config]);
  return stdout;
}

/** Whether the environment may be hurt, or why not: the `skip` of a test. */
export function cannotHurt(...variables) {
  const env = currentEnv();
  const missing = variables.filter((name) => !env[name]);
  return missing.length ? `the environment has no ${missing.join(', ')}` : false;
}

/** Each step of a conversation, with one request id until it is answered; what was promised must hold to the end. */
export async function conversation(wallet) {
  const ask = async (path, body, expected = 200) => {
    const response = await wallet.callUntilAnswered(path, body, { deadlineMs: 90_000, timeoutMs: 5000 });
    assert.equal(response.status, expected, `${path}: ${response.text}`);
    return response;
  };
  const poll = async (session, wanted) => {
    for (let i = 0; i < 600; i++) {
      const { json } = await ask(PATHS.status, wallet.verificationRef(session));
      if (json.status === wanted) return;
      assert.ok(!['DENIED', 'EXPIRED'].includes(json.status), json.status);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.fail(`never ${wanted}`);
  };

  const session = wallet.newSession();
  const initiated = await ask(PATHS.initiate, await wallet.initiateBody(session, { configurations: ['badge_info'] }));
  session.verificationId = initiated.json.verificationId;
  await poll(session, 'ADDITIONAL_INFO_REQUIRED');
  // Two wrong answers: were one counted twice, the right one would come too late.
  for (const otp of ['000000', '000001']) {
    await ask(PATHS.supplement, await wallet.supplementBody(session, { items: [otpItem(otp)] }));
    await poll(session, 'REJECTED');
  }
  await ask(PATHS.supplement, await wallet.supplementBody(session, { items: [otpItem('123456')] }));
  await poll(session, 'APPROVED');
  const provisioned = await ask(PATHS.provision, wallet.verificationRef(session));
  const [id] = provisioned.json.CredentialInstances[0].credentialInstanceIds;
  const key = generateSigningKey();
  const answer = await ask(PATHS.get, await wallet.getBody(session, id, { keys: [key] }));
  const [{ credential }] = await wallet.openCredentials(answer, session.wek);
  assert.equal(thumbprint(decodeJws(credential.split('~')[0]).payload.cnf.jwk), thumbprint(key));
  const instance = (members) => wallet.instanceRef(session, id, members);
  await ask(PATHS.event, instance({ eventType: 'PROVISIONING_SUCCESS', eventTimestamp: new Date().toISOString() }));
  const suspended = await ask(PATHS.manage, instance({ action: 'SUSPEND' }));
  assert.equal(suspended.json.outcome, 'COMPLETED', 'done once, told as done');
  const { json: status } = await ask(PATHS.credentialStatus, instance());
  assert.equal(status.currentStatus, 'SUSPENDED_WALLET');
  const again = await ask(PATHS.provision, wallet.verificationRef(session));
  assert.deepEqual(again.json, provisioned.json);
}

/** Run conversations in `lanes` side by side until `during` has ended; resolves to their number. */
export async function conversationsDuring(lanes, during) {
  let over = false;
  let count = 0;
  const lane = async (protocol) => {
    const wallet = await connect({ protocol });
    do {
      await conversation(wallet);
      count++;
    } while (!over);
    wallet.close();
  };
  const talking = Promise.all(Array.from({ length: lanes }, (_, i) => lane(i % 2 ? 'h2' : 'h1')));
  try {
    await during();
  } finally {
    over = true;
  }
  await talking;
  return count;
}
