// SPDX-License-Identifier: Apache-2.0
//
// What batching does to those who did not ask for it.

import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, number } from '../lib/table.mjs';
import { load } from '../lib/load.mjs';
import { median } from '../lib/statistics.mjs';
import { EDITS } from '../lib/stage.mjs';

const ms = (us) => `${number(us / 1000)} ms`;
const SESSIONS = 256;
const LONE_RATE = 50;

/** Requests for the status of many verifications, in an open loop; `during` runs beside it once they are open. */
async function askForStatus(stage, during = async (playing) => playing) {
  const playing = load(stage, 'status', {
    rate: stage.plan.statusRate,
    duration: stage.plan.lockSeconds,
    warmup: 2,
    sessions: SESSIONS,
    flawed: true,
  });
  const opened = () => stage.database().number("SELECT count(*) FROM s2s.verification WHERE status = 'APPROVED'");
  await Promise.race([stage.until('sessions', SESSIONS, opened), playing]);
  await sleep(500); // the warm-up has begun
  const result = await during(playing);
  await stage.database().clear();
  return result;
}

const LOCK = `SELECT FROM s2s.verification WHERE verification_id = (SELECT min(verification_id) FROM s2s.verification) FOR UPDATE`;

export const lockedRow = {
  id: 'F1',
  what: 'fairness: p99 of the others while one session’s row is locked by an operator’s open transaction',
  how: 'Open loop of status requests over 256 sessions, one of which cannot be answered. p99 of all, so that the others’ is not higher.',
  async measure(stage) {
    const free = await askForStatus(stage);
    const locked = await askForStatus(stage, (playing) => stage.database().whileLocked(LOCK, () => playing));
    const failures = Object.entries(locked.errors).map(([error, count]) => `${number(count)} × ${error}`);
    return {
      value: locked.latency.p99 / free.latency.p99,
      figures: [
        ['without a lock', `p50 ${ms(free.latency.p50)}, p99 ${ms(free.latency.p99)}, p99.9 ${ms(free.latency['p99.9'])}`],
        ['with it', `p50 ${ms(locked.latency.p50)}, p99 ${ms(locked.latency.p99)}, p99.9 ${ms(locked.latency['p99.9'])}`],
        ['requests of the locked session', failures.join(', ') || 'none failed'],
      ],
    };
  },
};

export const loneRequest = {
  id: 'F2',
  what: 'fairness: p50 of a lone request on an idle server with batching ÷ with batching off',
  target: atMost(1.1),
  how: `Open loop of ${LONE_RATE} initiates a second; by turns, the gateway restarted between.`,
  async measure(stage) {
    const requests = stage.plan.lone;
    const play = async (edits) => {
      await stage.restart({ edits });
      const options = { rate: LONE_RATE, requests, connections: 1, streams: 4, prepare: requests + LONE_RATE * 2, warmup: 1 };
      const { latency } = await load(stage, 'initiate', options);
      await stage.database().clear();
      return latency.p50;
    };
    const pairs = [];
    for (let i = 0; i < stage.plan.repeats; i++) pairs.push({ on: await play([]), off: await play([EDITS.unbatched()]) });
    await stage.restart();
    return {
      value: median(pairs.map(({ on, off }) => on / off)),
      figures: [
        ['on', ms(median(pairs.map(({ on }) => on)))],
        ['off', ms(median(pairs.map(({ off }) => off)))],
      ],
    };
  },
};
