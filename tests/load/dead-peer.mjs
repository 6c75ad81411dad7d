// SPDX-License-Identifier: Apache-2.0
//
// Measures the delay of deliveries to a healthy peer, from the commit that owes them to their arrival, alone and beside
// a dead peer that is owed very much. Called by ./dead-peer, which has prepared the bench.

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { eventually, sql } from '../integration/lib/bench.mjs';
import { allDelivered, callOut, lane, laneOpened, open, rows } from '../integration/lib/deliveries.mjs';
import { Gateway, migrateTemplate } from '../integration/lib/gateway.mjs';
import { Peer } from '../integration/lib/peer.mjs';

const LIMIT = 2; // a dead peer must not double another one's delay
const TRIES = 2; // whatever else the machine does may spoil one
const LANES = 4; // callers at once
const PAUSE_MS = 40; // of each, between two sessions: the machine must not be busy
const HEALTHY = 'wallet';
const DEAD = 'other-wallet';

const { values: options } = parseArgs({
  options: { owed: { type: 'string', default: '50000' }, samples: { type: 'string', default: '400' } },
});
const owed = Number(options.owed);
const samples = Number(options.samples);

/** How a peer can be dead. */
const DEATHS = {
  'refuses connections': (peer) => peer.close(),
  'accepts connections and says nothing': (peer) => peer.behave({ connection: 'mute' }),
  'takes requests and does not answer': (peer) => peer.behave({ '*': 'hang' }),
};

const byNumber = (a, b) => a - b;
const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

/** Delays, in ms, of `count` notifications that verifications owe to the healthy peer. */
async function measure({ gateway, healthy, wallets }, count) {
  healthy.forget();
  const sessions = [];
  const caller = async (wallet) => {
    while (sessions.length < count) {
      sessions.push(await open(wallet));
      await sleep(PAUSE_MS);
    }
  };
  await Promise.all(wallets.map(caller));
  const ids = sessions.map(({ verificationId }) => verificationId);
  await allDelivered(gateway, ids, { timeoutMs: 60_000 });
  const list = ids.map((id) => `'${id}'`).join(', ');
  const committed = await rows(
    gateway,
    `SELECT ref, extract(epoch FROM at) * 1000 AS at FROM s2s.ledger WHERE event = 'owed' AND ref IN (${list})`,
  );
  const arrived = new Map(healthy.requests().map(({ json, time }) => [json.verificationId, time]));
  return committed.map(({ ref, at }) => arrived.get(ref) - at).sort(byNumber);
}

/** Have the dead peer be owed `owed` messages, all due; resolves to a function that takes them back. */
async function oweMuch({ gateway, instanceId }) {
  const payload = JSON.stringify({ eventType: 'CREDENTIAL_UPDATE_AVAILABLE', credentialInstanceId: instanceId });
  const thing = `'/event/notify', 'CREDENTIAL_UPDATE_AVAILABLE:' || n`;
  const forEach = (call) => sql(gateway.database, `SELECT s2s.${call} FROM generate_series(1, ${owed}) AS n`);
  await forEach(`delivery_owe('${DEAD}', ${thing}, '${payload}')`);
  await eventually('the dead peer has failed', async () => (await lane(gateway, DEAD)).failures > 0, {
    timeoutMs: 60_000,
  });
  return () => forEach(`delivery_withdraw(${thing})`);
}

const line = (what, delays) =>
  console.log(
    `  ${what.padEnd(24)} median ${quantile(delays, 0.5).toFixed(1).padStart(7)} ms   ` +
      `p99 ${quantile(delays, 0.99).toFixed(1).padStart(7)} ms   (${delays.length} deliveries)`,
  );

/** Measure before, beside, and after; resolves to the ratio of the medians. */
async function compare(place) {
  const half = Math.ceil(samples / 2);
  const before = await measure(place, half);
  await place.kill();
  const takeBack = await oweMuch(place);
  const beside = await measure(place, samples);
  await takeBack();
  await place.revive();
  const alone = [...before, ...(await measure(place, half))].sort(byNumber);
  line('alone', alone);
  line('beside the dead peer', beside);
  const ratio = (share) => quantile(beside, share) / quantile(alone, share);
  console.log(`  ratio ${ratio(0.5).toFixed(2)} (p99: ${ratio(0.99).toFixed(2)}), must be below ${LIMIT}`);
  return ratio(0.5);
}

/** Whether a peer that is dead in this way leaves the other one in peace. */
async function isHarmless(place, death) {
  console.log(`A peer that ${death}, owed ${owed}:`);
  const { dead } = place;
  const revive = async () => {
    await dead.close();
    dead.behave();
    await dead.listen();
  };
  for (let i = 0; i < TRIES; i++)
    if ((await compare({ ...place, kill: () => DEATHS[death](dead), revive })) < LIMIT) return true;
  console.log(`FAILED: a peer that ${death} delays another one`);
  return false;
}

async function main() {
  await migrateTemplate();
  const healthy = await Peer.start('healthy');
  const dead = await Peer.start('dead');
  const gateway = await Gateway.start('dead-peer', {
    edit: (config) => callOut(config, { [HEALTHY]: healthy.url, [DEAD]: dead.url }, { timeout: '5s' }),
  });
  for (const name of [HEALTHY, DEAD]) await laneOpened(gateway, name);
  const wallets = await Promise.all(Array.from({ length: LANES }, () => gateway.connect()));
  const other = await gateway.connect({ who: 'OTHER_WALLET' });
  const { instances } = await other.approvedSession();
  const place = { gateway, healthy, dead, wallets, instanceId: instances[0] };

  await measure(place, 40); // caches and connections
  let passed = 0;
  const deaths = Object.keys(DEATHS);
  for (const death of deaths) passed += (await isHarmless(place, death)) ? 1 : 0;
  for (const caller of [...wallets, other]) caller.close();
  await gateway.close();
  await Promise.all([healthy.close(), dead.close()]);
  console.log(`${passed} passed, ${deaths.length - passed} failed`);
  process.exitCode = passed < deaths.length ? 1 : 0;
}

await main();
