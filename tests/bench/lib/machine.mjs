// SPDX-License-Identifier: Apache-2.0
//
// Where and with what was measured.

import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { run } from './programs.mjs';
import { ROOT } from './stage.mjs';

const versionOf = (name) =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`../node_modules/${name}/package.json`, import.meta.url)), 'utf8')).version;

const firstLine = async (...command) => (await run(command)).split('\n')[0];

/** PostgreSQL's settings that differ from its defaults and matter here. */
async function databaseSettings(stage) {
  const rows = await stage.database().query(
    `SELECT name, current_setting(name) AS value FROM pg_settings
     WHERE name IN ('shared_buffers', 'max_wal_size', 'checkpoint_timeout', 'fsync', 'synchronous_commit',
                    'full_page_writes') ORDER BY name`,
  );
  return rows.map(({ name, value }) => `${name} ${value}`).join(', ');
}

export async function describeMachine(stage) {
  const [{ version }] = await stage.database().query('SHOW server_version').then((rows) => [{ version: rows[0].server_version }]);
  return {
    date: new Date().toISOString().slice(0, 10),
    revision: await firstLine('git', '-C', ROOT, 'rev-parse', '--short', 'HEAD').catch(() => 'unknown'),
    processor: `${cpus().length} × ${cpus()[0].model.trim()}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: `Linux ${release()}`,
    load: loadavg()[0].toFixed(2),
    openssl: await firstLine('openssl', 'version'),
    postgresql: version,
    settings: await databaseSettings(stage),
    graphileWorker: versionOf('graphile-worker'),
    node: process.version,
  };
}
