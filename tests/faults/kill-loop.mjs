// SPDX-License-Identifier: Apache-2.0
//
// Gateways of both sides under issuances and lifecycle changes, killed, frozen and deprived of their database as a seed
// says; then peace, and the proof that every promise was kept. Called by ./run, which has prepared the bench.

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { migrateTemplate } from '../integration/lib/gateway.mjs';
import { eventually, sql } from '../integration/lib/bench.mjs';
import { hurry } from '../integration/lib/deliveries.mjs';
import { Pair } from '../integration/lib/pair.mjs';
import { PatientApp } from './lib/backend.mjs';
import { Journal } from './lib/journal.mjs';
import { Random } from './lib/random.mjs';
import { carryOut, describeSchedule, LEASE_MS, makeSchedule } from './lib/schedule.mjs';
import { Story } from './lib/stories.mjs';
import { judge } from './lib/verdict.mjs';

const LANES = 5; // people at once
const SETTLE_MS = 60_000;
const RECEIVER_REFUSES = 0.1; // of all webhooks, which must come again

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '7' },
  },
});
const first = Number(options.seed);
const count = Number(options.seeds);
const durationMs = 1000 * Number(options.seconds);

/** Two gateways that give up soon and come back soon. */
function hasten(config) {
  config.jobs.lease = `${LEASE_MS}ms`;
  config.outbound.timeout = '1s';
  config.limits.drain_timeout = '5s';
}

function editIssuer(config) {
  hasten(config);
  for (const { id, verification } of config.credential_configurations)
    if (id === 'badge_info') verification.max_attempts = 2;
}

const KINDS = {
  'verification.changed': ({ sessionId, instances }) => (instances === undefined ? null : ['issuance', sessionId]),
  'instance.changed': ({ credentialInstanceId }) => ['instance', credentialInstanceId],
};

/** A receiver that refuses now and then, and notes what it takes. */
function listen(receiver, observer, random, journal) {
  receiver.behave(({ type, data }) => {
    if (random.chance(RECEIVER_REFUSES)) return { status: 503 };
    const thing = KINDS[type]?.(data);
    if (thing) journal.observe(observer, ...thing, data);
    return { status: 204 };
  });
}

/** Tell stories in `LANES` lanes until `over()`; resolves to what went wrong in them. */
async function people(place, random, over) {
  const lane = async (name) => {
    const story = new Story({ ...place, random: random.stream(name), name });
    while (!over()) await story.tell();
  };
  const lanes = Array.from({ length: LANES }, (_, i) => lane(`lane ${i + 1}`));
  const ends = await Promise.allSettled(lanes);
  return ends.filter(({ status }) => status === 'rejected').map(({ reason }) => `stories: ${reason.stack}`);
}

/** Make what waits for its time due, again and again, until `over`. */
async function hurryAlong(pair, over) {
  const jobs = 'UPDATE s2s.job SET next_at = now() WHERE lease IS NULL AND next_at > now()';
  while (!over()) {
    for (const gateway of [pair.issuer, pair.wallet]) {
      await hurry(gateway);
      await sql(gateway.database, jobs);
    }
    await sleep(300);
  }
}

/**
 * Wait until neither side owes anything. The sides are asked one after the other, and what one delivers the other may owe
 * word of: so the ledgers, which know of every delivery that begins or ends, must not have grown meanwhile.
 */
async function quiet(pair) {
  const count = (table) => async ({ database }) => Number((await sql(database, `SELECT count(*) FROM ${table}`))[0]);
  const ofBoth = async (ask) => (await ask(pair.issuer)) + (await ask(pair.wallet));
  const [owed, known] = [count('s2s.delivery'), count('s2s.ledger')];
  const nothing = async () => {
    const before = await ofBoth(known);
    return (await ofBoth(owed)) === 0 && (await ofBoth(known)) === before;
  };
  await eventually('nothing is owed any more', nothing, { timeoutMs: SETTLE_MS, pauseMs: 200 });
}

/** What happens while people go about their lives and the schedule is carried out; resolves to what is wrong. */
async function live(place, schedule, random) {
  let over = false;
  let settled = false;
  const telling = people(place, random, () => over);
  try {
    await carryOut(schedule, place.pair);
  } finally {
    over = true;
  }
  const began = Date.now();
  const hurrying = hurryAlong(place.pair, () => settled);
  try {
    const found = await telling;
    if (found.length > 0) return found;
    await quiet(place.pair);
    place.calmMs = Date.now() - began;
  } finally {
    settled = true;
    await hurrying;
  }
  return judge(place);
}

/** One seed, with a pair of its own; resolves to `{ found, text }`: what is wrong, and what happened. */
async function runSeed(seed) {
  const random = new Random(seed);
  const twins = random.stream('place').chance(0.5);
  const schedule = makeSchedule(random.stream('faults'), durationMs);
  console.log(`seed ${seed}${twins ? ', two processes a side' : ''}: ${describeSchedule(schedule)}`);
  const began = Date.now();
  const pair = await Pair.start(`seed-${seed}`, { issuer: editIssuer, wallet: hasten, webhooks: 'both', twins });
  const journal = new Journal();
  const app = new PatientApp(pair, journal);
  listen(pair.walletHooks, "the wallet's backend", random.stream('wallet hooks'), journal);
  listen(pair.issuerHooks, "the issuer's backend", random.stream('issuer hooks'), journal);
  const place = { pair, app, journal };
  const found = await live(place, schedule, random).catch((error) => [error.stack]);
  app.close();
  await pair.close().catch((error) => {
    found.push(error.stack);
    pair.kill();
  });

  const seconds = (ms) => (ms === undefined ? 'never' : `${(ms / 1000).toFixed(1)} s`);
  const { issuances, instances, requests, repeats } = journal;
  const changes = instances.reduce((sum, { step }) => sum + step, 0);
  const text =
    `${issuances.length} issuances, ${instances.length} credentials, ${changes} lifecycle changes, ` +
    `${requests} answers, ${repeats} requests repeated, calm after ${seconds(place.calmMs)}, ` +
    `${seconds(Date.now() - began)} in all`;
  return { found, text };
}

async function main() {
  await migrateTemplate();
  let failed = 0;
  for (let seed = first; seed < first + count; seed++) {
    const { found, text } = await runSeed(seed);
    console.log(`  ${text}: ${found.length ? 'BROKEN' : 'all promises kept'}`);
    if (found.length === 0) continue;
    failed++;
    console.log(`FAILED seed ${seed} (again: tests/faults/run --seed ${seed} --seeds 1 --seconds ${options.seconds})`);
    for (const text of found) console.log(`    ${text.replaceAll('\n', '\n    ')}`);
  }
  console.log(`${count} seeds ran, from ${first} to ${first + count - 1}`);
  console.log(`${count - failed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

await main();
