// SPDX-License-Identifier: Apache-2.0
//
// A database of either side that was restored from an older backup, and healed by a run of reconciliation.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertOk } from '../../interop/suite/support.mjs';
import { sql } from '../lib/bench.mjs';
import { command } from '../lib/deliveries.mjs';
import { issuerStatus, withPair } from '../lib/pair.mjs';
import { findingsIn, onDemand, reconcileCommand, reconciled } from '../lib/reconcile.mjs';

/** Keep a copy of a gateway's database, while the gateway is stopped. */
async function backUp(gateway) {
  const copy = `${gateway.database}_backup`;
  await gateway.stop();
  await sql('postgres', `CREATE DATABASE ${copy} OWNER s2s TEMPLATE ${gateway.database}`);
  await gateway.serve();
  return copy;
}

/** Lose everything since the backup. */
async function restore(gateway, copy) {
  await gateway.stop();
  await sql('postgres', `DROP DATABASE ${gateway.database}`);
  await sql('postgres', `ALTER DATABASE ${copy} RENAME TO ${gateway.database}`);
  await gateway.serve();
}

/** What happens to instances after the backup: `healed` is what both show in the end, whoever was restored. */
async function historyAfter(it, backup) {
  const things = {};
  const make = async (name) => {
    things[name] = (await it.active()).instanceId;
  };
  await Promise.all(['suspended', 'cancelled', 'held', 'unlinked', 'kept'].map(make));
  const copy = await backup();
  assert.equal(await command(it.issuer, things.suspended, 'SUSPEND'), 'COMPLETED');
  assert.equal(await command(it.issuer, things.cancelled, 'CANCEL'), 'COMPLETED');
  assertOk(await it.app.action(things.held, 'SUSPEND'));
  assertOk(await it.app.action(things.unlinked, 'UNLINK'));
  await it.agreed(things.suspended, 'SUSPENDED_ISSUER');
  await it.agreed(things.cancelled, 'CANCELLED');
  await it.agreed(things.held, 'SUSPENDED_WALLET');
  await it.agreed(things.unlinked, 'UNLINKED');
  await make('newcomer');
  for (const id of Object.values(things)) await it.quiet(id);
  return { things, copy };
}

describe('a database that is older than what happened', { concurrency: 2 }, () => {
  test("the issuer's database was restored: the wallet tells it what it has forgotten", () =>
    withPair('restored-issuer', { issuer: onDemand, wallet: onDemand }, async (it) => {
      const { things, copy } = await historyAfter(it, () => backUp(it.issuer));
      await restore(it.issuer, copy);
      const { findings } = await reconciled(it);
      await it.agreed(things.held, 'SUSPENDED_WALLET');
      await it.agreed(things.unlinked, 'UNLINKED');
      await it.agreed(things.kept, 'ACTIVE');
      // Its own decisions are gone: nobody else may make them again.
      await it.agreed(things.suspended, 'ACTIVE');
      assert.equal(await issuerStatus(it.issuer, things.cancelled), 'ACTIVE');
      const unknown = findings.filter(({ finding }) => finding === 'unknown to the issuer');
      assert.deepEqual(unknown.map((finding) => finding.credentialInstanceId), [things.newcomer]);
    }));

  test("the wallet's database was restored: the issuer tells it what it has forgotten", () =>
    withPair('restored-wallet', { issuer: onDemand, wallet: onDemand }, async (it) => {
      const { things, copy } = await historyAfter(it, () => backUp(it.wallet));
      await restore(it.wallet, copy);
      const { lines } = await reconcileCommand(it.issuer);
      await it.agreed(things.suspended, 'SUSPENDED_ISSUER');
      await it.agreed(things.cancelled, 'CANCELLED');
      await it.agreed(things.kept, 'ACTIVE');
      // What the wallet did is gone, and the issuer goes by what the wallet shows now.
      await it.agreed(things.held, 'ACTIVE');
      assert.deepEqual(findingsIn(lines, things.newcomer), [], 'it may be about to take it over');
      await reconciled(it);
      await it.agreed(things.unlinked, 'UNLINKED');
    }));
});
