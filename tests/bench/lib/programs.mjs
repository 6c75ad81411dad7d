// SPDX-License-Identifier: Apache-2.0
//
// Programs of the benchmark: run to their end, or kept beside it. None outlives this process.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

const MAX_OUTPUT = 64 * 1024 * 1024;

/** The command line that runs `command` on these cores; on all when `cores` is undefined. */
export const onCores = (cores, command) => (cores === undefined ? command : ['taskset', '--cpu-list', cores, ...command]);

/**
 * Run a program; resolves to what it says on standard output. `statuses`: the exit statuses that are no failure.
 */
export async function run(command, { cores, statuses = [0], ...options } = {}) {
  const [program, ...args] = onCores(cores, command);
  try {
    return (await promisify(execFile)(program, args, { maxBuffer: MAX_OUTPUT, ...options })).stdout;
  } catch (error) {
    if (statuses.includes(error.code)) return error.stdout;
    throw new Error(`${command[0]} failed (${error.code ?? error.signal}): ${error.stderr ?? error.message}`);
  }
}

/** Start a program and wait for a line of its output that matches: `{ child, match, stop }`. */
export async function start(command, pattern, options = {}) {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], { stdio: ['pipe', 'pipe', 'inherit'], ...options });
  const ended = once(child, 'exit');
  let text = '';
  const match = await new Promise((resolve, reject) => {
    child.stdout.on('data', (data) => {
      text += data;
      const found = pattern.exec(text);
      if (found) resolve(found);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${command[0]} ended with ${code}: ${text}`)));
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  return { child, match, stop };
}
