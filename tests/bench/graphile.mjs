// SPDX-License-Identifier: Apache-2.0
//
// graphile-worker at the same kinds of work as the gateway's queue, on the same PostgreSQL server. Prints one JSON object.
//
// usage: graphile.mjs add SECONDS URL       single-job addJob calls, so many at a time
//        graphile.mjs drain COUNT URL       no-op jobs that are queued already, with a local queue and batched completion
//        graphile.mjs latency COUNT URL     lone jobs, one after the other, on an idle server

import { setTimeout as sleep } from 'node:timers/promises';
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';

const CALLERS = 16;
const PAUSE_MS = 40;
const WARM_UP = 20;

/** Its documentation's settings for the highest throughput. */
const FASTEST = { concurrentJobs: 16, localQueue: { size: 1000 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };

const [, , what, amount, url] = process.argv;
const pgPool = new pg.Pool({ connectionString: url, max: 20 });
pgPool.on('error', () => {});
pgPool.on('connect', (client) => client.on('error', () => {}));
const logger = new Logger(() => () => {});
const work = (taskList, worker) => run({ pgPool, logger, noHandleSignals: true, taskList, preset: { worker } });
const count = async () => (await pgPool.query('SELECT count(*)::integer AS n FROM graphile_worker.jobs')).rows[0].n;

/** The wall clock in ms, which PostgreSQL on this machine shares. */
const now = () => performance.timeOrigin + performance.now();

async function add(utils, seconds) {
  const began = performance.now();
  let calls = 0;
  const caller = async () => {
    for (; performance.now() - began < seconds * 1000; calls++) await utils.addJob('noop', { n: calls });
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return { perSecond: (calls / (performance.now() - began)) * 1000 };
}

async function drain(utils, jobs) {
  await pgPool.query("SELECT count(*) FROM (SELECT graphile_worker.add_job('noop', '{}') FROM generate_series(1, $1)) AS a", [jobs]);
  await pgPool.query('VACUUM ANALYZE graphile_worker._private_jobs');
  let began;
  let left = jobs;
  const drained = new Promise((resolve) => {
    const noop = async () => {
      began ??= performance.now();
      if (--left === 0) resolve();
    };
    work({ noop }, FASTEST).then((runner) => drained.then(() => runner.stop()));
  });
  await drained;
  while ((await count()) > 0) await sleep(2); // the last are told to the database
  return { perSecond: (jobs / (performance.now() - began)) * 1000 };
}

/** The job carries the time of the statement that adds it, which commits by itself. */
const ADD_TIMED = `SELECT graphile_worker.add_job('noop', json_build_object('at', extract(epoch FROM clock_timestamp()) * 1000))`;

async function latency(utils, jobs) {
  const delays = [];
  const runner = await work({ noop: async ({ at }) => delays.push(now() - at) }, {});
  for (let i = 0; i < jobs + WARM_UP; i++) {
    await pgPool.query(ADD_TIMED);
    await sleep(PAUSE_MS);
  }
  await runner.stop();
  return { delays: delays.slice(WARM_UP) };
}

const programs = { add, drain, latency };
const utils = await makeWorkerUtils({ pgPool, logger });
await utils.migrate();
await pgPool.query('TRUNCATE graphile_worker._private_jobs');
console.log(JSON.stringify(await programs[what](utils, Number(amount))));
await utils.release();
await pgPool.end();
