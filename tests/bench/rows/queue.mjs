// SPDX-License-Identifier: Apache-2.0
//
// The queue of evaluations against a queue that does nothing else: graphile-worker, on the same server, by turns. Our jobs
// are those of initiates that were really made; its jobs do nothing.

import { fileURLToPath } from 'node:url';
import { atLeast, atMost, number } from '../lib/table.mjs';
import { load } from '../lib/load.mjs';
import { run } from '../lib/programs.mjs';
import { EDITS } from '../lib/stage.mjs';
import { median, quantile } from '../lib/statistics.mjs';

const GRAPHILE = fileURLToPath(new URL('../graphile.mjs', import.meta.url));
const DATABASE = 'graphile_worker';
const QUEUED = 20_000;
/** Of lone jobs: so far apart that nothing is under way. */
const LONE_RATE = 25;
/** So that the wait for the poll does not count when the queue is let go. */
const SOON = '50ms';

const graphile = async (stage, what, amount) =>
  JSON.parse(await run([process.execPath, GRAPHILE, what, String(amount), stage.databaseUrl(DATABASE)]));

/** Wait until everything is decided. */
const allApproved = (stage, count) =>
  stage.until('approved', count, () =>
    stage.database().number("SELECT count(*) FROM s2s.verification WHERE status = 'APPROVED'"),
  );

/** Initiate as fast as it goes, and resolve when all are approved: initiates a second that are evaluated as they come. */
export async function sustained(stage) {
  const database = stage.database();
  const requests = stage.plan.evaluations;
  await load(stage, 'initiate', { requests, prepare: requests });
  await allApproved(stage, requests);
  const rate = await database.number(
    'SELECT count(*) / extract(epoch FROM max(updated_at) - min(created_at)) FROM s2s.verification',
  );
  await database.clear();
  return rate;
}

export const acceptedAndEvaluated = {
  id: 'R8a',
  what: 'sustained: initiates accepted over the wire and evaluated to APPROVED per second ÷ single-job `addJob` calls/s of `graphile-worker`, concurrency 16',
  target: atLeast(3),
  how: 'From the first initiate to the last approval, by the database’s clock; against the time that as many callers need who only add jobs.',
  async measure(stage) {
    const pairs = [];
    for (let i = 0; i < stage.plan.repeats; i++) {
      const ours = await sustained(stage);
      const { perSecond } = await graphile(stage, 'add', stage.plan.seconds);
      pairs.push({ ours, theirs: perSecond });
    }
    return {
      value: median(pairs.map(({ ours, theirs }) => ours / theirs)),
      figures: [
        ['gateway', `${number(median(pairs.map(({ ours }) => ours)))}/s`],
        ['addJob', `${number(median(pairs.map(({ theirs }) => theirs)))}/s`],
      ],
    };
  },
};

/** Queue evaluations, let them go, and resolve to how many a second were done. */
async function drain(stage, configuration) {
  const database = stage.database();
  await stage.whileHeld(() => load(stage, 'initiate', { configuration, requests: QUEUED, prepare: QUEUED }));
  await stage.until('left', 0, () => database.number('SELECT count(*) FROM s2s.job'));
  const seconds = await database.number(
    'SELECT extract(epoch FROM max(updated_at) - min(updated_at)) FROM s2s.verification WHERE version > 1',
  );
  await database.clear();
  return QUEUED / seconds;
}

export const drained = {
  id: 'R8b',
  what: `draining ${number(QUEUED)} queued no-op evaluations, one process, fencing on ÷ \`graphile-worker\` draining ${number(QUEUED)} no-ops with its best settings (local queue 1000, batched completion)`,
  target: atLeast(0.7),
  how: 'A no-op: the policy leaves the decision to a person. Each is read with its session and its data, judged, noted as waiting, and its job ended under its lease. From the first that is done to the last. graphile-worker: from the first handler until its table is empty. The last figure: evaluations that approve.',
  missed:
    'An evaluation that decides nothing is still more than a job that does nothing: it is read with its session and its submissions, and its verification is moved, with its indexes, by a transaction that checks state, submission and lease. On two cores PostgreSQL spent 91 µs of CPU time on each, 30 of them on the claim, and the gateway 21; both cores were busy, so that some 18,000 a second are all there is. Larger claims (jobs.batch 256 and 500 instead of 128) gained nothing more. What is left is to end many evaluations in one statement, which would take away most of what a call costs by itself; each now ends in a statement of its own, so that one that fails fails alone.',
  async measure(stage) {
    const pairs = [];
    await stage.restart({ edits: [EDITS.poll(SOON)] });
    for (let i = 0; i < stage.plan.repeats; i++) {
      const ours = await drain(stage, 'badge_review');
      const { perSecond } = await graphile(stage, 'drain', QUEUED);
      pairs.push({ ours, theirs: perSecond });
    }
    const approving = await drain(stage, 'badge_auto');
    await stage.restart();
    return {
      value: median(pairs.map(({ ours, theirs }) => ours / theirs)),
      figures: [
        ['gateway', `${number(median(pairs.map(({ ours }) => ours)))}/s`],
        ['graphile-worker', `${number(median(pairs.map(({ theirs }) => theirs)))}/s`],
        ['gateway, approving', `${number(approving)}/s`],
      ],
    };
  },
};

export const lone = {
  id: 'R8c',
  what: 'p50 from commit of a lone job to the start of its handler, idle server ÷ the same in `graphile-worker`',
  target: atMost(0.5),
  how: 'Both from the clock of the statement that enqueues (just before its commit). Ours to the statement that applies the decision, which is later than the start of the handler, by the database’s clock; graphile-worker’s to the start of its handler.',
  async measure(stage) {
    const { lone: requests } = stage.plan;
    await load(stage, 'initiate', { requests, rate: LONE_RATE, connections: 1, streams: 4, prepare: requests });
    await allApproved(stage, requests);
    const rows = await stage
      .database()
      .query('SELECT extract(epoch FROM updated_at - created_at) * 1000 AS delay FROM s2s.verification');
    const ours = rows.map(({ delay }) => Number(delay));
    await stage.database().clear();
    const { delays } = await graphile(stage, 'latency', requests);
    const [mine, theirs] = [ours, delays].map((values) => quantile(values, 0.5));
    return {
      value: mine / theirs,
      figures: [
        ['gateway', `p50 ${number(mine)} ms, p99 ${number(quantile(ours, 0.99))} ms`],
        ['graphile-worker', `p50 ${number(theirs)} ms, p99 ${number(quantile(delays, 0.99))} ms`],
      ],
    };
  },
};
