// SPDX-License-Identifier: Apache-2.0
//
// What a grown database costs. Sessions are filled in by SQL: copies of one that really was opened and approved, under
// ids of their own.

import { atLeast, number } from '../lib/table.mjs';
import { load } from '../lib/load.mjs';
import { median } from '../lib/statistics.mjs';
import { EDITS } from '../lib/stage.mjs';

const SMALL = { name: 's2s_small', sessions: 10_000 };
const LARGE = 's2s_large';
const AT_ONCE = 250_000;

/** Ids that are spread like random ones, and the same for a session and its verification. */
const ids = (what) => `md5('${what} ' || n)::uuid::text`;

async function columns(database, table) {
  const rows = await database.query(
    `SELECT quote_ident(attname) AS name FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [`s2s.${table}`],
  );
  return rows.map(({ name }) => name);
}

/** A statement that copies the one row of a table for each n of $1 to $2. */
async function copier(database, table) {
  const given = { session_id: ids('session'), verification_id: ids('verification') };
  const names = await columns(database, table);
  const values = names.map((name) => given[name] ?? `model.${name}`);
  return `INSERT INTO s2s.${table} (${names.join(', ')}) SELECT ${values.join(', ')}
          FROM generate_series($1::bigint, $2::bigint) AS n, (SELECT * FROM s2s.${table} LIMIT 1) AS model`;
}

/** Grow a database that has one approved session to `count` of them. */
async function fill(stage, name, count) {
  const database = stage.database(name);
  const statements = await Promise.all(['session', 'verification'].map((table) => copier(database, table)));
  for (let first = 2; first <= count; first += AT_ONCE)
    for (const statement of statements) await database.query(statement, [first, Math.min(count, first + AT_ONCE - 1)]);
  await database.query('VACUUM ANALYZE s2s.session');
  await database.query('VACUUM ANALYZE s2s.verification');
}

/** Have the gateway work on another database of the same schema. */
const use = (stage, name) => stage.restart({ edits: [EDITS.database(stage.databaseUrl(name))] });

async function prepare(stage, name, count) {
  const database = stage.database(name);
  await database.clear();
  await use(stage, name);
  await load(stage, 'decision', { requests: 1, connections: 1, streams: 1, prepare: 1 });
  await fill(stage, name, count);
}

function play(stage, name) {
  const database = stage.database(name);
  return stage.whileHeld(async () => {
    await use(stage, name);
    await database.query('CHECKPOINT');
    const result = await load(stage, 'initiate', { duration: stage.plan.seconds, warmup: 1 });
    await database.query('TRUNCATE s2s.job');
    return result;
  });
}

export const growth = {
  id: 'R5',
  what: 'initiates/s with 5 million sessions in the database ÷ with 10 thousand',
  target: atLeast(0.9),
  how: 'Two databases, by turns, the gateway restarted between. Sessions and verifications are filled in by SQL, with ids as scattered as real ones. Evaluations wait meanwhile.',
  async measure(stage) {
    const { sessions } = stage.plan;
    await prepare(stage, SMALL.name, SMALL.sessions);
    await prepare(stage, LARGE, sessions);
    const pairs = [];
    for (let i = 0; i < stage.plan.repeats; i++) {
      const large = await play(stage, LARGE);
      const small = await play(stage, SMALL.name);
      pairs.push({ large: large.perSecond, small: small.perSecond });
    }
    await stage.restart();
    const octets = await stage.database(LARGE).number("SELECT pg_database_size('s2s_large')");
    await stage.database(LARGE).clear();
    return {
      value: median(pairs.map(({ large, small }) => large / small)),
      figures: [
        [`${number(sessions)} sessions (${number(octets / 2 ** 20)} MiB)`, `${number(median(pairs.map(({ large }) => large)))}/s`],
        [`${number(SMALL.sessions)} sessions`, `${number(median(pairs.map(({ small }) => small)))}/s`],
      ],
      remark: sessions < 5_000_000 ? `measured with ${number(sessions)} sessions only` : undefined,
    };
  },
};
