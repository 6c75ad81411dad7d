// SPDX-License-Identifier: Apache-2.0
//
// Measures the rows of the table one after the other, prints it, and keeps it. Called by ./run, which has prepared
// everything.
//
// usage: bench.mjs --out DIR [--quick] [--only ID,… | --again ID,…] [--document FILE]

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine } from './lib/machine.mjs';
import { writeDocument } from './lib/document.mjs';
import { figuresText, valueText, verdict } from './lib/table.mjs';
import { Stage } from './lib/stage.mjs';
import { againstPgbench, againstSingleCommits } from './rows/commits.mjs';
import { idleMemory } from './rows/connections.mjs';
import { counts } from './rows/counts.mjs';
import { lockedRow, loneRequest } from './rows/fairness.mjs';
import { growth } from './rows/growth.mjs';
import { halfLoad } from './rows/latency.mjs';
import { notifications } from './rows/notifications.mjs';
import { getCost, initiateCost } from './rows/processor.mjs';
import { acceptedAndEvaluated, drained, lone } from './rows/queue.mjs';

const ROWS = [
  initiateCost,
  againstPgbench,
  againstSingleCommits,
  getCost,
  growth,
  idleMemory,
  halfLoad,
  acceptedAndEvaluated,
  drained,
  lone,
  notifications,
  counts,
  lockedRow,
  loneRequest,
];

/** How often a comparison is repeated, how long a run of it is (s), and how much there is of what is counted. */
const PLANS = {
  full: {
    repeats: 5,
    seconds: 8,
    floorSeconds: 2,
    openSeconds: 20,
    lockSeconds: 15,
    statusRate: 1000,
    sessions: 5_000_000,
    evaluations: 30_000,
    notifications: 20_000,
    lone: 400,
  },
  quick: {
    repeats: 1,
    seconds: 2,
    floorSeconds: 0.5,
    openSeconds: 4,
    lockSeconds: 4,
    statusRate: 500,
    sessions: 500_000,
    evaluations: 6_000,
    notifications: 4_000,
    lone: 100,
  },
};

const { values: options } = parseArgs({
  options: {
    out: { type: 'string' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    again: { type: 'string' },
    document: { type: 'string' },
  },
});

/** The rows that --only or --again names: an id, or the beginning of several (R8). */
function chosenRows() {
  const chosen = options.only ?? options.again;
  if (chosen === undefined) return ROWS;
  const names = chosen.split(',');
  const fits = (name) => (row) => row.id === name || row.id.replace(/[a-z]$/, '') === name;
  for (const name of names) if (!ROWS.some(fits(name))) throw new Error(`there is no row ${name}`);
  return ROWS.filter((row) => names.some((name) => fits(name)(row)));
}

/** A row that cannot be measured is an error of the benchmark; a target that is missed is a result. */
async function measure(row, stage) {
  const began = performance.now();
  let outcome;
  try {
    outcome = await row.measure(stage);
  } catch (error) {
    outcome = { error: error.message, figures: [] };
    console.log(`FAILED ${row.id}: ${error.stack}`);
    await stage.restart().catch(() => {});
  }
  return { ...outcome, seconds: (performance.now() - began) / 1000 };
}

function print(row, outcome) {
  const target = row.target?.text ?? '';
  const value = outcome.error ? '' : valueText(row, outcome);
  console.log(`${row.id.padEnd(4)} ${target.padEnd(14)} ${value.padStart(10)}  ${verdict(row, outcome).padEnd(6)} ${figuresText(outcome)}`);
}

/** The last results, with those rows in their place that were measured anew. */
function amended(last, found, machine) {
  const anew = new Map(found.map((result) => [result.row.id, result]));
  const old = new Map(last.rows.map((outcome) => [outcome.id, outcome]));
  const remark = `measured again on ${machine.date} at revision \`${machine.revision}\``;
  return ROWS.map((row) => {
    const outcome = anew.get(row.id)?.outcome;
    return { row, outcome: outcome ? { ...outcome, remark: [outcome.remark, remark].filter(Boolean).join('; ') } : old.get(row.id) };
  }).filter(({ outcome }) => outcome !== undefined);
}

const rows = chosenRows();
const plan = options.quick ? PLANS.quick : PLANS.full;
const stage = new Stage(options.out, plan);
const machine = await describeMachine(stage);
const found = [];
for (const row of rows) {
  const outcome = await measure(row, stage);
  found.push({ row, outcome });
  print(row, outcome);
}
await stage.close();

const kept = join(options.out, 'results.json');
const last = options.again === undefined ? undefined : JSON.parse(readFileSync(kept, 'utf8'));
const all = { machine: last?.machine ?? machine, plan, results: last ? amended(last, found, machine) : found };
const lines = all.results.map(({ row, outcome }) => ({ ...outcome, id: row.id, verdict: verdict(row, outcome) }));
writeFileSync(kept, `${JSON.stringify({ machine: all.machine, plan, rows: lines }, null, 2)}\n`);
if (options.document !== undefined) writeDocument(options.document, { ...all, quick: options.quick });

const failed = found.filter(({ outcome }) => outcome.error).length;
console.log(`${found.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
