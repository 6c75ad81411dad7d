// SPDX-License-Identifier: Apache-2.0
//
// What a request costs the gateway beside the cryptography that it cannot do without. CPU times are the kernel's account
// of the gateway's process; it has a core to itself, and so has the floor.

import { atLeast, atMost, number } from '../lib/table.mjs';
import { floor, load } from '../lib/load.mjs';
import { median } from '../lib/statistics.mjs';

const KEYS = 10;

/** Floor and gateway by turns; resolves to the medians of both and of what `ratio` makes of each pair. */
async function byTurns(stage, request, play, ratio) {
  const pairs = [];
  for (let i = 0; i < stage.plan.repeats; i++) {
    const low = await floor(stage, request, { cores: stage.cores.gateway });
    pairs.push({ low: low.us, high: await play() });
  }
  return {
    low: median(pairs.map(({ low }) => low)),
    high: (of) => median(pairs.map(({ high }) => of(high))),
    value: median(pairs.map(({ low, high }) => ratio(low, high))),
  };
}

const playInitiates = (stage, payloads) =>
  load(stage, 'initiate', { payloads, duration: stage.plan.seconds, warmup: 1, cores: stage.cores.others });

export const initiateCost = {
  id: 'R1',
  what: 'gateway CPU per initiate with one client payload ÷ the crypto floor (two P-256 verifies, one P-256 ECDH, HKDF, AES-GCM)',
  target: atMost(1.6),
  how: 'Closed loop, 16 × 16, one worker on a core of its own. Evaluations wait meanwhile, as they are work of their own; the last figure is with them.',
  async measure(stage) {
    const [alone, evaluated] = await stage.withCoreOfItsOwn(async () => {
      const request = await stage.withoutEvaluation(() =>
        byTurns(stage, 'initiate', () => playInitiates(stage, 1), (low, high) => high.cpuUs / low),
      );
      const both = await playInitiates(stage, 1);
      await stage.database().clear();
      return [request, both];
    });
    return {
      value: alone.value,
      figures: [
        ['floor', `${number(alone.low)} µs`],
        ['gateway', `${number(alone.high((run) => run.cpuUs))} µs an initiate`],
        ['with evaluations under way', `${number(evaluated.cpuUs)} µs`],
      ],
    };
  },
};

export const getCost = {
  id: 'R4',
  what: `credentials/s: get of ${KEYS} keys ÷ (${KEYS} × signs + ${KEYS} × verifies + JWE) floor per core`,
  target: atLeast(0.5),
  how: 'The gateway has one worker and is bound to one core, the load and PostgreSQL to the others; the floor is one thread on the same core. Answers are checked; 100 of each run are decrypted and verified.',
  async measure(stage) {
    const play = () =>
      load(stage, 'get', { keys: KEYS, duration: stage.plan.seconds, warmup: 1, connections: 8, streams: 8, cores: stage.cores.others });
    const found = await stage.withCoreOfItsOwn(() =>
      byTurns(stage, 'get', play, (low, high) => (high.perSecond * low) / 1e6),
    );
    await stage.database().clear();
    return {
      value: found.value,
      figures: [
        ['floor', `${number((1e6 / found.low) * KEYS)} credentials/s`],
        ['gateway', `${number(found.high((run) => run.perSecond * KEYS))} credentials/s`],
        ['its CPU', `${number(found.high((run) => run.cpuUs))} µs a get, floor ${number(found.low)} µs`],
      ],
    };
  },
};
