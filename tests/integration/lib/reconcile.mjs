// SPDX-License-Identifier: Apache-2.0
//
// Runs of reconciliation, and what they have found.

import assert from 'node:assert/strict';
import { assertOk } from '../../interop/suite/support.mjs';
import { bench, eventually, run } from './bench.mjs';

/** Edits a configuration: nothing but what is asked for. */
export const onDemand = (config) => {
  config.reconcile = { every: '0s' };
};

/** Let the wallet of a pair reconcile `scope`; resolves to the report of the run when it has ended. */
export async function reconciled({ app: backend }, scope) {
  const { reconciliationId } = assertOk(await backend.reconcile(scope), 202);
  const over = async () => {
    const report = assertOk(await backend.reconciliation(reconciliationId));
    return report.finishedAt !== undefined && report;
  };
  return eventually('the run has ended', over, { timeoutMs: 20_000 });
}

/** The gateway's own command: `{ status, lines }`. */
export async function reconcileCommand(gateway, ...options) {
  const args = ['reconcile', '--config', gateway.configPath, '--wait', ...options];
  const { status, stdout, stderr } = await run(bench.S2S_ISSUER_BINARY, args);
  assert.equal(stderr, '');
  return { status, lines: stdout.split('\n').filter(Boolean) };
}

/** The findings that the command prints about an instance: `[theirs, finding, action]`. */
export const findingsIn = (lines, instanceId) =>
  lines.map((line) => line.split('\t')).filter(([id]) => id === instanceId).map(([, , ...said]) => said);
