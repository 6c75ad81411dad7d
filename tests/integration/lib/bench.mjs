// SPDX-License-Identifier: Apache-2.0
//
// What `run` has prepared: the binary, certificates, and a PostgreSQL server. Databases are made here.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { loadEnv } from '../../interop/lib/env.mjs';

/** The variables of the bench's `env`, and `dir`. */
export const bench = loadEnv();

/** Whether the slow tests are wanted too. */
export const slow = Boolean(process.env.S2S_SLOW_TESTS);

// Node.js frees its handles at the end and may wait for ever for a socket that was reset while it was shutting down.
// By now everything is said: leave without.
process.on('exit', () => process.exit());

/** Run a program; resolves to `{ status, stdout, stderr }` whatever its exit status is. */
export async function run(program, args, options = {}) {
  try {
    return { status: 0, ...(await promisify(execFile)(program, args, options)) };
  } catch (error) {
    if (typeof error.code !== 'number') throw error; // it did not even start, or a signal ended it
    return { status: error.code, stdout: error.stdout, stderr: error.stderr };
  }
}

/** A command of the gateway's binary on a configuration file. */
export const command = (name, configPath, options) =>
  run(bench.S2S_ISSUER_BINARY, [name, '--config', configPath], options);

/** Try `probe` until it resolves to something true, and resolve to that; the last error is told when it never does. */
export async function eventually(what, probe, { timeoutMs = 10_000, pauseMs = 50 } = {}) {
  const giveUpAt = Date.now() + timeoutMs;
  for (;;) {
    let failure;
    try {
      const outcome = await probe();
      if (outcome) return outcome;
    } catch (error) {
      failure = error;
    }
    if (Date.now() > giveUpAt) assert.fail(`not within ${timeoutMs} ms: ${what}${failure ? `: ${failure.stack}` : ''}`);
    await sleep(pauseMs);
  }
}

// Below the range that the kernel gives to outgoing connections.
const PORTS = { first: 15_000, count: 17_000 };

const givenPorts = new Set(); // gateways share ports without a word: what was given must not be given again

/** A TCP port of loopback on which nobody listens. */
export async function freePort() {
  for (;;) {
    const port = PORTS.first + (randomBytes(4).readUInt32BE() % PORTS.count);
    if (givenPorts.has(port)) continue;
    givenPorts.add(port);
    const server = net.createServer().listen(port, '127.0.0.1');
    const outcome = await Promise.race([once(server, 'listening'), once(server, 'error')]).catch(() => 'taken');
    if (outcome === 'taken' || outcome[0] instanceof Error) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/**
 * The URL of `database` for its owner, or for the superuser, optionally through other `hosts` ("host:port,host:port").
 */
export function databaseUrl(database, { superuser = false, hosts } = {}) {
  const { username, password, host } = new URL(bench.S2S_DATABASE_URL);
  const login = superuser ? `postgres:${bench.S2S_SUPERUSER_PASSWORD}` : `${username}:${password}`;
  return `postgresql://${login}@${hosts ?? host}/${database}`;
}

/** The server's address. */
export function databaseAddress() {
  const { hostname, port } = new URL(bench.S2S_DATABASE_URL);
  return { host: hostname, port: Number(port) };
}

const PSQL = ['--no-psqlrc', '--quiet', '--no-align', '--tuples-only', '--set=ON_ERROR_STOP=1'];

/** Run SQL as the superuser; resolves to the rows, columns separated by `|`. */
export async function sql(database, text) {
  const args = [...PSQL, `--dbname=${databaseUrl(database, { superuser: true })}`, `--command=${text}`];
  const { status, stdout, stderr } = await run('psql', args);
  assert.equal(status, 0, stderr);
  return stdout.split('\n').filter(Boolean);
}

/** Run SQL in a transaction that stays open; resolves to a function that rolls it back. */
export async function openTransaction(database, text) {
  const child = spawn('psql', [...PSQL, `--dbname=${databaseUrl(database, { superuser: true })}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  for (const handle of [child, child.stdin, child.stdout]) handle.unref(); // a test that fails leaves it open
  const ended = once(child, 'exit');
  const reached = new Promise((resolve, reject) => {
    child.stdout.on('data', (data) => String(data).includes('it is open') && resolve());
    child.once('exit', () => reject(new Error('psql ended')));
  });
  child.stdin.write(`BEGIN;\n${text};\n\\echo it is open\n`);
  await reached;
  return async () => {
    child.ref();
    child.stdin.end('ROLLBACK;\n');
    await ended;
  };
}

/** A database of its own: migrated, or empty. Resolves to its name. */
export async function createDatabase({ migrated = true } = {}) {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await sql('postgres', `CREATE DATABASE ${name} OWNER s2s TEMPLATE ${migrated ? 's2s' : 'template0'}`);
  return name;
}
