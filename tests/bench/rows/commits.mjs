// SPDX-License-Identifier: Apache-2.0
//
// What batch commit is worth, against PostgreSQL by itself and against commits one by one. Evaluations wait meanwhile, as
// pgbench has none.

import { atLeast, number } from '../lib/table.mjs';
import { load, pgbench } from '../lib/load.mjs';
import { median } from '../lib/statistics.mjs';
import { EDITS } from '../lib/stage.mjs';

/** The copy of the gateway's database, made while both were empty. */
const COPY = 's2s_pgbench';
const CLIENTS = 16;

const play = (stage) => load(stage, 'initiate', { duration: stage.plan.seconds, warmup: 1 });

export const againstPgbench = {
  id: 'R2',
  what: `initiates/s without payload (TLS, verify and all) ÷ pgbench calls/s with one commit per call, ${CLIENTS} clients`,
  target: atLeast(0.8),
  how: `Closed loop, 16 × 16, against \`pgbench\` with the same SQL function on a copy of the database, by turns. Evaluations wait meanwhile; the last figure is with them.`,
  async measure(stage) {
    const pairs = [];
    for (let i = 0; i < stage.plan.repeats; i++) {
      const ours = await stage.withoutEvaluation(() => play(stage));
      await stage.database(COPY).clear();
      const theirs = await pgbench(stage, COPY, { clients: CLIENTS, seconds: stage.plan.seconds });
      pairs.push({ ours: ours.perSecond, theirs });
    }
    const evaluated = await play(stage);
    await stage.database().clear();
    return {
      value: median(pairs.map(({ ours, theirs }) => ours / theirs)),
      figures: [
        ['gateway', `${number(median(pairs.map(({ ours }) => ours)))}/s`],
        ['pgbench', `${number(median(pairs.map(({ theirs }) => theirs)))}/s`],
        ['with evaluations under way', `${number(evaluated.perSecond)}/s`],
      ],
    };
  },
};

export const againstSingleCommits = {
  id: 'R3',
  what: 'initiates/s at 16 connections × 16 streams with batch commit ÷ the same with batching off',
  target: atLeast(1.5),
  how: 'By turns, the gateway restarted between: `database.batch_max` as it is by default, and 1. Evaluations wait meanwhile.',
  async measure(stage) {
    const pairs = [];
    for (let i = 0; i < stage.plan.repeats; i++) {
      await stage.restart();
      const on = await stage.withoutEvaluation(() => play(stage));
      await stage.restart({ edits: [EDITS.unbatched()] });
      const off = await stage.withoutEvaluation(() => play(stage));
      pairs.push({ on: on.perSecond, off: off.perSecond });
    }
    await stage.restart();
    return {
      value: median(pairs.map(({ on, off }) => on / off)),
      figures: [
        ['on', `${number(median(pairs.map(({ on }) => on)))}/s`],
        ['off', `${number(median(pairs.map(({ off }) => off)))}/s`],
      ],
    };
  },
};
