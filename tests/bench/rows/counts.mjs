// SPDX-License-Identifier: Apache-2.0
//
// What an initiate asks of the allocator and of the database: counted, not timed.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { statementsOfRequests } from '../../integration/lib/statements.mjs';
import { number } from '../lib/table.mjs';
import { load } from '../lib/load.mjs';
import { PROGRAMS } from '../lib/stage.mjs';

const REQUESTS = 400;
const WARM_UP = 100;

const play = (stage, requests, payloads) =>
  load(stage, 'initiate', { requests, payloads, connections: 1, streams: 1, prepare: requests });

/** Allocations of the gateway's process so far (alloc_count.c). */
const allocations = (file) => Number(readFileSync(file).readBigUInt64LE(0));

/** Allocations for each of some lone initiates, less what goes on without them. */
async function countAllocations(stage, file, payloads) {
  await play(stage, WARM_UP, payloads);
  const before = allocations(file);
  await play(stage, REQUESTS, payloads);
  return (allocations(file) - before) / REQUESTS;
}

/** How often which statement was executed for some lone initiates, by PostgreSQL's own log. */
async function countStatements(stage) {
  const database = stage.database();
  const log = join(stage.env.S2S_PG_DIR, 'server.log');
  await database.query("ALTER DATABASE s2s SET log_statement = 'all'");
  await stage.restart();
  const from = readFileSync(log).length;
  await play(stage, REQUESTS, 0);
  const text = readFileSync(log).subarray(from).toString();
  await database.query('ALTER DATABASE s2s RESET log_statement');
  return statementsOfRequests(text, 's2s');
}

export const counts = {
  id: 'R10',
  what: 'allocations and database round trips per initiate: counted, printed, held by a test',
  unit: 'round trip',
  target: { text: 'one round trip', isMet: (value) => value === 1 },
  how: 'Lone initiates. Allocations by a preloaded counter; statements by PostgreSQL’s log. Evaluations wait meanwhile. `tests/integration/suite/round-trips.test.mjs` holds the one statement.',
  async measure(stage) {
    const file = join(stage.out, 'allocations');
    rmSync(file, { force: true });
    writeFileSync(file, Buffer.alloc(16), { mode: 0o600 });
    const statements = await stage.withoutEvaluation(() => countStatements(stage));
    const requests = Object.entries(statements);
    await stage.restart({ environment: { LD_PRELOAD: PROGRAMS.allocCount, S2S_ALLOC_COUNT: file } });
    const [plain, payload] = await stage.withoutEvaluation(async () => [
      await countAllocations(stage, file, 0),
      await countAllocations(stage, file, 1),
    ]);
    await stage.restart();
    return {
      value: requests.reduce((sum, [, count]) => sum + count, 0) / REQUESTS,
      figures: [
        ['statements', requests.map(([name, count]) => `${number(count / REQUESTS)} ${name}`).join(', ')],
        ['allocations', `${number(plain)} without payload, ${number(payload)} with one`],
      ],
    };
  },
};
