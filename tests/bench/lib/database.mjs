// SPDX-License-Identifier: Apache-2.0
//
// A database of the benchmark, under the hands of its superuser.

import pg from 'pg';

/** Not thrown away: the record of the migrations, whom the gateway can call, and the head of the audit's chain. */
const KEPT = ['migration', 'lane', 'audit_head'];

const DEADLOCK = '40P01';

export class Database {
  constructor(url) {
    this.url = url;
    this.pool = new pg.Pool({ connectionString: url, max: 4 });
    this.pool.on('error', () => {}); // the server is restarted under idle connections
  }

  /** Rows of a statement as objects. */
  async query(text, values) {
    return (await this.pool.query(text, values)).rows;
  }

  /** The first column of the first row, as a number. */
  async number(text, values) {
    return Number(Object.values((await this.query(text, values))[0])[0]);
  }

  /** Throw away all that requests have written, and let no checkpoint of an earlier measurement fall into the next one. */
  async clear() {
    const tables = await this.query(
      `SELECT string_agg(format('s2s.%I', c.relname), ', ') AS names FROM pg_class AS c
       WHERE c.relnamespace = 's2s'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
         AND c.relname <> ALL ($1)`,
      [KEPT],
    );
    await this.#truncate(tables[0].names);
    await this.query('CHECKPOINT');
  }

  /** The gateway goes on looking for work meanwhile, and takes its locks in another order. */
  async #truncate(names, attempts = 10) {
    try {
      await this.query(`TRUNCATE ${names}`);
    } catch (error) {
      if (error.code !== DEADLOCK || attempts === 1) throw error;
      await this.#truncate(names, attempts - 1);
    }
  }

  /**
   * Run `body` while functions that return rows find none: jobs are not claimed, and whatever is enqueued waits. The
   * gateway goes on asking, as it does when there is nothing to do.
   */
  async withoutRows(functions, body) {
    const definitions = await this.query(
      `SELECT pg_get_functiondef(p.oid) AS text FROM pg_proc AS p
       WHERE p.pronamespace = 's2s'::regnamespace AND p.proname = ANY ($1)`,
      [functions],
    );
    if (definitions.length === 0) throw new Error(`there is no function ${functions}`);
    const emptied = ({ text }) => text.replace(/AS \$function\$[^]*\$function\$/, 'AS $function$ BEGIN RETURN; END $function$');
    await this.#define(definitions.map(emptied));
    try {
      return await body();
    } finally {
      await this.#define(definitions.map(({ text }) => text));
    }
  }

  async #define(texts) {
    for (const text of texts) await this.query(text);
  }

  /** Run `body` while a transaction that has run `text` stays open. */
  async whileLocked(text, body) {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(text);
      return await body();
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  }

  close() {
    return this.pool.end();
  }
}
