// SPDX-License-Identifier: Apache-2.0
//
// What becomes of a badge later: either side suspends for reasons of its own, and takes back only what is its own.

import { execFileSync } from 'node:child_process';
import { answered, showInstance } from './acts.mjs';
import * as story from './story.mjs';

/** A command of the issuer's operator. */
function operate(env, ...args) {
  story.operator(`types: s2s-gateway ${args.join(' ')}`);
  const said = execFileSync(env.S2S_ISSUER_BINARY, [...args, '--config', env.S2S_ISSUER_CONFIG], { encoding: 'utf8' });
  if (said.trim()) story.show('and reads', said.trim());
}

export async function lifecycle(stage, instanceId) {
  const { env, app } = stage;
  operate(env, 'instance', 'suspend', instanceId, '--reason', 'BADGE_REPORTED_LOST');
  story.issuer('has written it down, together with the message that it owes the wallet, and sends that until it is heard.');
  story.backend('looks at the instance: GET /v1/instances/{instance}.');
  await showInstance(stage, instanceId, 'SUSPENDED_ISSUER');

  story.backend('suspends it too, as the holder has reported the phone: POST /v1/instances/{instance}/actions.');
  answered(await app.action(instanceId, 'SUSPEND', { reason: 'PHONE_LOST' }));
  story.wallet('tells the issuer. While both suspensions hold, the issuer’s is the one that shows.');
  await app.waitUntil(
    'the answer of the issuer',
    () => app.instance(instanceId),
    ({ manage }) => manage !== undefined,
  );
  await showInstance(stage, instanceId, 'SUSPENDED_ISSUER');

  operate(env, 'instance', 'resume', instanceId);
  story.issuer('takes back its own suspension, and only that. The wallet’s is left.');
  await showInstance(stage, instanceId, 'SUSPENDED_WALLET');

  story.backend('resumes it, as the phone has been found.');
  answered(await app.action(instanceId, 'RESUME', { reason: 'PHONE_FOUND' }));
  await showInstance(stage, instanceId, 'ACTIVE');

  story.backend('has the two gateways compare what they know of the instance: POST /v1/reconciliations.');
  const { reconciliationId } = answered(await app.reconcile({ credentialInstanceId: instanceId }));
  const { checked, found } = await app.waitForReconciliation(reconciliationId);
  story.show('compared', `${checked}, differences: ${found}`);
}
