// SPDX-License-Identifier: Apache-2.0
//
// Reconciliation between two gateways: the grid cell by cell from both sides, in runs by the clock and on demand.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { assertOk, assertProblem, PROBLEM } from '../../interop/suite/support.mjs';
import { eventually, sql } from '../lib/bench.mjs';
import { rows } from '../lib/deliveries.mjs';
import { closingPair, issuerStatus, Pair, withPair } from '../lib/pair.mjs';
import { findingsIn, onDemand, reconcileCommand, reconciled } from '../lib/reconcile.mjs';

const LONG_AGO = `now() - interval '2 hours'`; // before reconcile.in_process_limit
const FACTS = ['confirmed', 'wallet_suspended', 'issuer_suspended', 'unlinked', 'cancelled'];

const pair = await Pair.start('reconcile', { issuer: onDemand, wallet: onDemand });
const { app } = pair;

/** Write into a table of instances what a gateway cannot come to by itself. */
const write = (gateway, table, instanceId, assignments) =>
  sql(gateway.database, `UPDATE s2s.${table} SET ${assignments} WHERE instance_id = '${instanceId}'`);

/** An instance whose facts are these on either side; old, unless it is `fresh`. */
async function instanceWith({ issuer, wallet, fresh = false, more = {} }) {
  const { instances } = await pair.issued();
  const [instanceId] = instances;
  const assign = (facts) =>
    [
      ...FACTS.map((fact) => `${fact} = ${facts.includes(fact)}`),
      `last_status_change_time = ${LONG_AGO}`,
      `created_at = ${fresh ? 'now()' : LONG_AGO}`,
    ].join(', ');
  await write(pair.issuer, 'instance', instanceId, [assign(issuer), more.issuer].filter(Boolean).join(', '));
  await write(pair.wallet, 'wallet_instance', instanceId, [assign(wallet), more.wallet].filter(Boolean).join(', '));
  return instanceId;
}

const shown = async (instanceId) => [
  await issuerStatus(pair.issuer, instanceId),
  assertOk(await app.instance(instanceId)).status,
];

// Cells: the facts of either side; what the asking side finds and does; what both show afterwards (the issuer first).
const ISSUER_ASKS = {
  'nothing differs': { issuer: ['confirmed'], wallet: ['confirmed'], after: ['ACTIVE', 'ACTIVE'] },
  'cancelled, and the wallet has not heard': {
    issuer: ['confirmed', 'cancelled'], wallet: ['confirmed'],
    found: ['ACTIVE', 'send UNLINK'], after: ['CANCELLED', 'CANCELLED'],
  },
  'suspended, and the wallet has not heard': {
    issuer: ['confirmed', 'issuer_suspended'], wallet: ['confirmed'],
    found: ['ACTIVE', 'send SUSPEND'], after: ['SUSPENDED_ISSUER', 'SUSPENDED_ISSUER'],
  },
  'resumed, and the wallet has not heard': {
    issuer: ['confirmed'], wallet: ['confirmed', 'issuer_suspended'],
    found: ['SUSPENDED_ISSUER', 'send RESUME'], after: ['ACTIVE', 'ACTIVE'],
  },
  'unlinked by the wallet': {
    issuer: ['confirmed'], wallet: ['confirmed', 'unlinked'],
    found: ['UNLINKED', 'record UNLINK'], after: ['UNLINKED', 'UNLINKED'],
  },
  'cancelled, as the wallet remembers': {
    issuer: ['confirmed'], wallet: ['confirmed', 'cancelled'],
    found: ['UNLINKED', 'record UNLINK'], after: ['UNLINKED', 'CANCELLED'],
  },
  'suspended by the wallet': {
    issuer: ['confirmed'], wallet: ['confirmed', 'wallet_suspended'],
    found: ['SUSPENDED_WALLET', 'record SUSPEND'], after: ['SUSPENDED_WALLET', 'SUSPENDED_WALLET'],
  },
  'resumed by the wallet': {
    issuer: ['confirmed', 'wallet_suspended'], wallet: ['confirmed'],
    found: ['ACTIVE', 'record RESUME'], after: ['ACTIVE', 'ACTIVE'],
  },
  'suspended by both, which the wallet shows as one': {
    issuer: ['confirmed', 'issuer_suspended', 'wallet_suspended'], wallet: ['confirmed', 'issuer_suspended'],
    after: ['SUSPENDED_ISSUER', 'SUSPENDED_ISSUER'],
  },
  'confirmed long ago, and the event was lost': {
    issuer: [], wallet: ['confirmed'], found: ['ACTIVE', 'record CONFIRM'], after: ['ACTIVE', 'ACTIVE'],
  },
  'confirmed just now, and the event is to come': {
    issuer: [], wallet: ['confirmed'], fresh: true, after: ['IN_PROCESS', 'ACTIVE'],
  },
  'an older version than ours': {
    issuer: ['confirmed'], wallet: ['confirmed'],
    more: { issuer: `credential_version = 'v2'`, wallet: `credential_version = 'v1'` },
    found: ['ACTIVE', 'send CREDENTIAL_UPDATE_AVAILABLE'], after: ['ACTIVE', 'ACTIVE'], updateAvailable: true,
  },
};

const WALLET_ASKS = {
  'nothing differs': { issuer: ['confirmed'], wallet: ['confirmed'], after: ['ACTIVE', 'ACTIVE'] },
  'cancelled by the issuer': {
    issuer: ['confirmed', 'cancelled'], wallet: ['confirmed'],
    found: ['CANCELLED', 'record CANCEL'], after: ['CANCELLED', 'CANCELLED'],
  },
  'suspended by the issuer': {
    issuer: ['confirmed', 'issuer_suspended'], wallet: ['confirmed'],
    found: ['SUSPENDED_ISSUER', 'record SUSPEND'], after: ['SUSPENDED_ISSUER', 'SUSPENDED_ISSUER'],
  },
  'resumed by the issuer': {
    issuer: ['confirmed'], wallet: ['confirmed', 'issuer_suspended'],
    found: ['ACTIVE', 'record RESUME'], after: ['ACTIVE', 'ACTIVE'],
  },
  'unlinked, and the issuer has not heard': {
    issuer: ['confirmed'], wallet: ['confirmed', 'unlinked'],
    found: ['ACTIVE', 'send UNLINK'], after: ['UNLINKED', 'UNLINKED'],
  },
  'unlinked, which the issuer knows and we have forgotten': {
    issuer: ['confirmed', 'unlinked'], wallet: ['confirmed'],
    found: ['UNLINKED', 'record UNLINK'], after: ['UNLINKED', 'UNLINKED'],
  },
  'suspended, and the issuer has not heard': {
    issuer: ['confirmed'], wallet: ['confirmed', 'wallet_suspended'],
    found: ['ACTIVE', 'send SUSPEND'], after: ['SUSPENDED_WALLET', 'SUSPENDED_WALLET'],
  },
  'resumed, and the issuer has not heard': {
    issuer: ['confirmed', 'wallet_suspended'], wallet: ['confirmed'],
    found: ['SUSPENDED_WALLET', 'send RESUME'], after: ['ACTIVE', 'ACTIVE'],
  },
  'provisioned, and the issuer has not heard': {
    issuer: [], wallet: ['confirmed'], found: ['IN_PROCESS', 'send PROVISIONING_SUCCESS'], after: ['ACTIVE', 'ACTIVE'],
  },
  'active at the issuer, which heard so from us': {
    issuer: ['confirmed'], wallet: [], found: ['ACTIVE', 'record CONFIRM'], after: ['ACTIVE', 'ACTIVE'],
  },
  'a newer version than ours': {
    issuer: ['confirmed'], wallet: ['confirmed'], more: { wallet: `credential_version = 'v1'` },
    found: ['ACTIVE', 'record CREDENTIAL_UPDATE_AVAILABLE'], after: ['ACTIVE', 'ACTIVE'], updateAvailable: true,
  },
};

/** Make all cells of a grid, let `reconcile` run, and test the findings and the outcome of each. */
function testGrid(cells, reconcile) {
  const made = {};
  let findingsOf;

  test('a run over all of them', async () => {
    const make = async ([name, cell]) => {
      made[name] = await instanceWith(cell);
    };
    await Promise.all(Object.entries(cells).map(make));
    findingsOf = await reconcile();
  });

  for (const [name, { found, after, updateAvailable = false }] of Object.entries(cells)) {
    test(name, async () => {
      const findings = findingsOf(made[name]).map(([theirs, , action]) => [theirs, action]);
      assert.deepEqual(findings, found === undefined ? [] : [found]);
      const agreed = async () => {
        assert.deepEqual(await shown(made[name]), after);
        return assertOk(await app.instance(made[name])).updateAvailable === updateAvailable;
      };
      await eventually('both show what they should', agreed);
    });
  }

  test('a second run finds nothing new', async () => {
    for (const instanceId of Object.values(made)) await pair.quiet(instanceId);
    findingsOf = await reconcile();
    const still = Object.entries(made).filter(([, instanceId]) => findingsOf(instanceId).length > 0);
    // Versions differ until the wallet has fetched the newer one.
    assert.deepEqual(still.map(([name]) => name).filter((name) => !name.includes('version')), []);
  });
}

describe('the issuer asks the wallet', () => {
  testGrid(ISSUER_ASKS, async () => {
    const { lines } = await reconcileCommand(pair.issuer);
    return (instanceId) => findingsIn(lines, instanceId);
  });

  test('an instance that the wallet does not know', async () => {
    const instanceId = await instanceWith({ issuer: ['confirmed'], wallet: ['confirmed'] });
    await write(pair.wallet, 'wallet_instance', instanceId, `issuer = 'nobody'`);
    const { status, lines } = await reconcileCommand(pair.issuer, '--peer', 'wallet');
    assert.equal(status, 1, 'something differs');
    assert.deepEqual(findingsIn(lines, instanceId), [['-', 'unknown to the wallet', '-']]);
    assert.match(lines.at(-1), /^\d+ checked, \d+ found$/);
    await write(pair.wallet, 'wallet_instance', instanceId, `issuer = 'issuer'`);
    assert.equal(await issuerStatus(pair.issuer, instanceId), 'ACTIVE');
  });
});

describe('the wallet asks the issuer', () => {
  testGrid(WALLET_ASKS, async () => {
    const { found, findings } = await reconciled(pair);
    assert.equal(found, findings.length);
    return (instanceId) =>
      findings
        .filter((it) => it.credentialInstanceId === instanceId)
        .map(({ theirs, finding, action }) => [theirs, finding, action]);
  });

  test('one instance', async () => {
    const instanceId = await instanceWith({ issuer: ['confirmed'], wallet: ['confirmed', 'issuer_suspended'] });
    const { checked, found, findings } = await reconciled(pair, { credentialInstanceId: instanceId });
    assert.deepEqual([checked, found], [1, 1]);
    assert.deepEqual(findings[0], {
      credentialInstanceId: instanceId,
      ours: 'SUSPENDED_ISSUER',
      theirs: 'ACTIVE',
      finding: 'resumed by the issuer',
      action: 'record RESUME',
    });
    assert.deepEqual(await shown(instanceId), ['ACTIVE', 'ACTIVE']);
  });

  test('an instance that the issuer does not know is missing, and comes back', async () => {
    const instanceId = await instanceWith({ issuer: ['confirmed'], wallet: ['confirmed'] });
    const peer = (name) =>
      sql(
        pair.issuer.database,
        `UPDATE s2s.session SET peer = '${name}' FROM s2s.instance AS i
         WHERE i.session_id = session.session_id AND i.instance_id = '${instanceId}'`,
      );
    const missing = async () =>
      (await rows(pair.wallet, `SELECT missing_at FROM s2s.wallet_instance WHERE instance_id = '${instanceId}'`))[0]
        .missing_at;
    const once = () => reconciled(pair, { credentialInstanceId: instanceId });
    await peer('other-wallet');
    assert.equal((await once()).findings[0].finding, 'unknown to the issuer');
    assert.ok(await missing());
    await peer('wallet');
    assert.equal((await once()).found, 0);
    assert.equal(await missing(), null);
  });

  test('what is about to be settled anyhow is no finding', async () => {
    const { instanceId } = await pair.active();
    await sql(pair.wallet.database, `UPDATE s2s.lane SET blocked_until = 'infinity'`);
    assertOk(await app.action(instanceId, 'SUSPEND'));
    const running = reconciled(pair, { credentialInstanceId: instanceId });
    await sql(pair.wallet.database, 'UPDATE s2s.lane SET blocked_until = NULL');
    assert.deepEqual((await running).findings, []);
    await pair.agreed(instanceId, 'SUSPENDED_WALLET');
  });

  test('an unknown instance, or run, is 404', async () => {
    assertProblem(await app.reconcile({ credentialInstanceId: randomUUID() }), 404, PROBLEM.notFound);
    assertProblem(await app.reconciliation(randomUUID()), 404, PROBLEM.notFound);
  });

  test('an issuer that is out of the configuration is left out, and the report says so', async () => {
    const [peer] = pair.wallet.config.peers;
    await pair.wallet.reconfigure((config) => {
      config.peers = [{ ...peer, name: 'successor' }];
    });
    const left = async () => {
      const { findings } = await reconciled(pair);
      return findings.some(({ finding }) => finding === 'issuer cannot be called');
    };
    await eventually('it is left out', left, { timeoutMs: 20_000 });
    await pair.wallet.reconfigure((config) => {
      config.peers = [peer];
    });
  });
});

closingPair(pair);

test('by the clock, without being asked', () => {
  const often = (config) => {
    config.reconcile = { every: '1s' };
  };
  return withPair('reconcile-clock', { issuer: often }, async (it) => {
    const { instanceId } = await it.active();
    await it.wallet.stop();
    const forget = `UPDATE s2s.wallet_instance SET wallet_suspended = true WHERE instance_id = '${instanceId}'`;
    await sql(it.wallet.database, forget);
    await it.wallet.serve();
    await it.agreed(instanceId, 'SUSPENDED_WALLET', { timeoutMs: 20_000 });
  });
});
