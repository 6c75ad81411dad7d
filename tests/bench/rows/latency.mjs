// SPDX-License-Identifier: Apache-2.0
//
// What callers see when the gateway has half of what it can do.

import { atMost, number } from '../lib/table.mjs';
import { load } from '../lib/load.mjs';
import { median } from '../lib/statistics.mjs';
import { sustained } from './queue.mjs';

const ms = (us) => `${number(us / 1000)} ms`;

export const halfLoad = {
  id: 'R7',
  what: 'open loop at half the maximum: p99 ÷ p50, and p99.9 given',
  target: atMost(8),
  how: 'Half of what is accepted and evaluated in R8a. Latency counts from the moment at which a request was meant to begin.',
  async measure(stage) {
    const rate = Math.floor((await sustained(stage)) / 2);
    const runs = [];
    for (let i = 0; i < stage.plan.repeats; i++) {
      runs.push(await load(stage, 'initiate', { rate, duration: stage.plan.openSeconds, warmup: 1 }));
      await stage.database().clear();
    }
    const of = (name) => median(runs.map(({ latency }) => latency[name]));
    return {
      value: median(runs.map(({ latency }) => latency.p99 / latency.p50)),
      figures: [
        ['at', `${number(rate)}/s`],
        ['p50', ms(of('p50'))],
        ['p99', ms(of('p99'))],
        ['p99.9', ms(of('p99.9'))],
      ],
    };
  },
};
