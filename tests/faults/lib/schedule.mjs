// SPDX-License-Identifier: Apache-2.0
//
// What will be done to two gateways and their database: a list that the seed determines, and each fault's harm.

import { setTimeout as sleep } from 'node:timers/promises';
import { bench, sql } from '../../integration/lib/bench.mjs';
import { pgCtl } from '../../lib/postgres.mjs';

/** Leases of the gateways: a process that is stopped for longer finds that its work was given to another one. */
export const LEASE_MS = 2000;

const kill = (gateways) => async (lasts) => {
  await Promise.all(gateways.map((gateway) => gateway.stop('SIGKILL')));
  await sleep(lasts);
  await Promise.all(gateways.map((gateway) => gateway.serve()));
};

const freeze = (gateway) => async (lasts) => {
  gateway.child.kill('SIGSTOP');
  await sleep(lasts);
  gateway.child.kill('SIGCONT');
};

const outage = (link) => async (lasts) => {
  await link.close();
  await sleep(lasts);
  await link.restore();
};

const terminateBackends = (pair) => async () => {
  const names = [pair.issuer, pair.wallet].map(({ database }) => `'${database}'`).join(', ');
  await sql(
    'postgres',
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (${names}) AND usename = 's2s'`,
  );
};

const restartDatabase = (mode) => () => pgCtl(bench.S2S_PG_DIR, 'restart', '--mode', mode);

const SHORT = [0, 500]; // ms
const BEYOND_LEASE = [LEASE_MS + 200, LEASE_MS + 900];

/**
 * Each fault: how often it is drawn, for how long it lasts (from, to), and what it does to a pair, which is well again
 * when that is over. `one` picks the victim among the processes of a side.
 */
const FAULTS = {
  'kill wallet': { weight: 4, lasts: SHORT, harm: ({ wallets }, one) => kill([one(wallets)]) },
  'kill issuer': { weight: 4, lasts: SHORT, harm: ({ issuers }, one) => kill([one(issuers)]) },
  'kill all': { weight: 1, lasts: SHORT, harm: ({ gateways }) => kill(gateways) },
  'stop wallet': { weight: 2, lasts: BEYOND_LEASE, harm: ({ wallets }, one) => freeze(one(wallets)) },
  'stop issuer': { weight: 2, lasts: BEYOND_LEASE, harm: ({ issuers }, one) => freeze(one(issuers)) },
  'restart database': { weight: 1, lasts: [0, 0], harm: () => restartDatabase('fast') },
  'crash database': { weight: 1, lasts: [0, 0], harm: () => restartDatabase('immediate') },
  'terminate backends': { weight: 1, lasts: [0, 0], harm: (pair) => terminateBackends(pair) },
  'break calls': { weight: 1, lasts: SHORT, harm: ({ calls }) => outage(calls) },
  'break notices': { weight: 1, lasts: SHORT, harm: ({ notices }) => outage(notices) },
};

const PAUSE = [150, 1200]; // ms of peace before each fault

/** What happens within `durationMs`: `[{ pause, fault, lasts, victim }]`, times in ms. */
export function makeSchedule(random, durationMs) {
  const schedule = [];
  for (let at = 0; ; ) {
    const fault = random.weighted(FAULTS);
    const [from, to] = FAULTS[fault].lasts;
    const [pause, lasts, victim] = [random.integer(...PAUSE), random.integer(from, to), random.integer(0, 1)];
    at += pause + lasts;
    if (at > durationMs) return schedule;
    schedule.push({ pause, fault, lasts, victim });
  }
}

const seconds = (ms) => (ms / 1000).toFixed(1);

/** A schedule in words. */
export const describeSchedule = (schedule) =>
  schedule.map(({ fault, lasts }) => (lasts > 0 ? `${fault} ${seconds(lasts)}s` : fault)).join(', ');

/** Do it all to a pair, one after the other. */
export async function carryOut(schedule, pair) {
  for (const { pause, fault, lasts, victim } of schedule) {
    await sleep(pause);
    await FAULTS[fault].harm(pair, (processes) => processes[victim % processes.length])(lasts);
  }
}
