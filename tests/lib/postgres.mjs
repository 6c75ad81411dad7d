// SPDX-License-Identifier: Apache-2.0
//
// A private PostgreSQL cluster, as deploy/lib/postgres.sh makes it, under the hands of a test.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** pg_ctl on the cluster in a folder, as the user who owns it (the server refuses to run as root). */
export async function pgCtl(cluster, ...args) {
  const data = join(cluster, 'data');
  const version = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  const { uid, gid } = statSync(data);
  const program = `/usr/lib/postgresql/${version}/bin/pg_ctl`;
  const log = join(cluster, 'server.log');
  const options = { cwd: '/', stdio: 'ignore', ...(process.getuid() === 0 ? { uid, gid } : {}) };
  const child = spawn(program, [...args, '--pgdata', data, '--log', log, '--wait'], options);
  const [code] = await once(child, 'exit');
  assert.equal(code, 0, `pg_ctl ${args.join(' ')}`);
}
