// SPDX-License-Identifier: Apache-2.0
//
// What is measured: a release environment (deploy/README.md) of the benchmark's own, and what stands around it.

import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadEnv } from '../../interop/lib/env.mjs';
import { Database } from './database.mjs';
import { run } from './programs.mjs';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const BUILD = join(ROOT, 'build/release');

/** Programs that were built beside the gateway. */
export const PROGRAMS = {
  load: join(BUILD, 'tests/load/s2s-load'),
  floor: join(BUILD, 'tests/bench/bench-floor'),
  sink: join(BUILD, 'tests/bench/bench-wallet-sink'),
  allocCount: join(BUILD, 'tests/bench/libbench-alloc-count.so'),
};

/** What a measurement may change in the issuer's configuration: a place in its text, and what stands there then. */
export const EDITS = {
  unbatched: () => [/^database:$/m, 'database:\n  batch_max: 1'],
  database: (url) => [/^( {2}url: )"postgresql:.*"$/m, `$1"${url}"`],
  poll: (time) => [/^(jobs: .*)poll: \w+/m, `$1poll: ${time}`],
  walletAt: (url) => [/(- name: wallet\n(?: .*\n)*? {4}url: ).*/, `$1${url}`],
  workers: (count) => [/^workers: \d+$/m, `workers: ${count}`],
  held: () => [/^(jobs: \{)/m, '$1 enabled: false,'],
  callsInFlight: (count) => [/^(outbound: \{)/m, `$1 concurrency: ${count},`],
};

/** What a file has from an offset on: a log may be larger than any string. */
async function readFrom(path, start) {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

export class Stage {
  #databases = new Map();
  #edits = [];
  #held = false;

  /** `out`: the benchmark's folder, whose environment is in `out`/dev; `plan`: how long and how often. */
  constructor(out, plan) {
    this.out = out;
    this.dir = join(out, 'dev');
    this.plan = plan;
    this.template = readFileSync(join(this.dir, 'issuer.yaml'), 'utf8');
    this.binary = readFileSync(join(this.dir, 'binary'), 'utf8').trim();
    // With two cores or more, what is measured by CPU time has one to itself.
    const last = cpus().length - 1;
    this.cores = last > 0 ? { gateway: '0', others: `1-${last}`, all: `0-${last}` } : {};
  }

  /** The environment's variables as they are now; a restart changes the process id. */
  get env() {
    return loadEnv(this.dir);
  }

  get postgresPid() {
    return Number(readFileSync(join(this.env.S2S_PG_DIR, 'data/postmaster.pid'), 'utf8').split('\n')[0]);
  }

  /** A database by its name, as the superuser. */
  database(name = 's2s') {
    if (!this.#databases.has(name)) this.#databases.set(name, new Database(this.databaseUrl(name, 'postgres')));
    return this.#databases.get(name);
  }

  /** The URL of a database for a role: its owner, or `postgres`. */
  databaseUrl(name, role = 's2s') {
    const { host } = new URL(this.env.S2S_DATABASE_URL);
    const password = readFileSync(join(this.env.S2S_PG_DIR, `${role}.password`), 'utf8').trim();
    return `postgresql://${role}:${password}@${host}/${name}`;
  }

  /**
   * Restart the issuer gateway: `edits` of EDITS change its configuration, `cores` bind it, `environment` is added to
   * its own.
   */
  async restart({ edits = [], cores, environment = {} } = {}) {
    this.#edits = edits;
    this.#configure();
    this.#writeLauncher(cores, environment);
    await run([join(ROOT, 'deploy/dev'), 'restart', 'issuer', '--dir', this.dir]);
  }

  #configure() {
    let text = this.template;
    for (const [place, replacement] of [...this.#edits, ...(this.#held ? [EDITS.held()] : [])]) {
      if (!place.test(text)) throw new Error(`the configuration has no place ${place}`);
      text = text.replace(place, replacement);
    }
    writeFileSync(join(this.dir, 'issuer.yaml'), text);
  }

  /** Have the gateway do its background work, or leave it. */
  async #hold(held) {
    this.#held = held;
    this.#configure();
    const log = join(this.dir, 'issuer.log');
    const from = statSync(log).size;
    process.kill(Number(this.env.S2S_ISSUER_PID), 'SIGHUP');
    await this.until('reloads', true, async () => (await readFrom(log, from)).includes('"event":"reloaded"'), { pauseMs: 10 });
  }

  /** The environment starts what DIR/binary names. */
  #writeLauncher(cores, environment) {
    const launcher = join(this.out, 'gateway');
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const binding = cores === undefined ? [] : ['taskset', '--cpu-list', cores];
    writeFileSync(launcher, `#!/bin/sh\nexec env ${[...variables, ...binding, this.binary].join(' ')} "$@"\n`);
    chmodSync(launcher, 0o755);
    writeFileSync(join(this.dir, 'binary'), `${launcher}\n`);
  }

  /** Bind PostgreSQL's processes; those that it starts later do as the first one does. */
  async bindDatabase(cores) {
    if (cores === undefined) return;
    const first = String(this.postgresPid);
    const children = readFileSync(`/proc/${first}/task/${first}/children`, 'utf8').split(' ').filter(Boolean);
    for (const pid of [first, ...children])
      await run(['taskset', '--all-tasks', '--pid', '--cpu-list', cores, pid], { statuses: [0, 1] }); // it may be gone
  }

  /** Run `body` with the gateway on a core of its own, with one worker, and everything else beside it. */
  async withCoreOfItsOwn(body) {
    await this.bindDatabase(this.cores.others);
    await this.restart({ edits: [EDITS.workers(1)], cores: this.cores.gateway });
    try {
      return await body();
    } finally {
      await this.bindDatabase(this.cores.all);
      await this.restart();
    }
  }

  /** Run `body` while what is enqueued waits. */
  async whileHeld(body) {
    try {
      await this.#hold(true);
      return await body();
    } finally {
      await this.#hold(false);
    }
  }

  /** Run `body` while evaluations wait. Whatever waits at the end is thrown away. */
  withoutEvaluation(body) {
    return this.whileHeld(async () => {
      try {
        return await body();
      } finally {
        await this.database().clear();
      }
    });
  }

  /** Poll until a count is reached; fails when it does not change for a while. */
  async until(what, target, read, { patienceMs = 20_000, pauseMs = 100 } = {}) {
    let last = NaN;
    let changedAt = Date.now();
    for (;;) {
      const now = await read();
      if (now === target) return;
      if (now !== last) [last, changedAt] = [now, Date.now()];
      if (Date.now() - changedAt > patienceMs) throw new Error(`${what}: ${now} of ${target}, and nothing moves`);
      await sleep(pauseMs);
    }
  }

  async close() {
    await Promise.all([...this.#databases.values()].map((database) => database.close()));
  }
}
