// SPDX-License-Identifier: Apache-2.0
//
// A request is one statement to the database, whatever it does there: PostgreSQL's own log is the witness.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bench, sql } from '../lib/bench.mjs';
import { closing, Gateway } from '../lib/gateway.mjs';
import { statementsOfRequests } from '../lib/statements.mjs';

const REQUESTS = 20;
const LOG = join(bench.S2S_PG_DIR, 'server.log');

const gateway = await Gateway.prepare('round-trips');
await sql(
  'postgres',
  `ALTER DATABASE ${gateway.database} SET log_statement = 'all';
   ALTER DATABASE ${gateway.database} SET log_parameter_max_length = 0`,
);
await gateway.serve();
const wallet = await gateway.connect();

/** How often which statement was executed for requests while `body` ran: `{ name: count }`. */
async function statementsOf(body) {
  const from = readFileSync(LOG).length;
  await body();
  return statementsOfRequests(readFileSync(LOG).subarray(from).toString(), gateway.database);
}

const sessions = Array.from({ length: REQUESTS }, () => wallet.newSession());

/** One after the other, so that none shares a batch. */
async function each(call) {
  for (const session of sessions) assert.equal((await call(session)).status, 200);
}

test('an initiate is one statement', async () => {
  const counts = await statementsOf(() => each((session) => wallet.initiate(session)));
  assert.deepEqual(counts, { initiate: REQUESTS });
});

test('asking for its status is one', async () => {
  const counts = await statementsOf(() => each((session) => wallet.status(session)));
  assert.deepEqual(counts, { verification_status: REQUESTS });
});

test('close the connection', () => wallet.close());

closing(gateway);
