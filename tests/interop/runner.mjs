// SPDX-License-Identifier: Apache-2.0
//
// Runs the test files and counts. Called by ./run, which says how.

import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { close, newCounts, runFiles } from '../lib/node-tests.mjs';
import { DEFAULT_DIR, loadEnv } from './lib/env.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const USAGE = 'usage: run [--dir DIR] [--all | --faults | --self] [FILE…]';

function parseArguments(argv) {
  const options = { dir: DEFAULT_DIR, folders: ['selftest', 'suite'], files: [] };
  const flags = { '--all': ['selftest', 'suite', 'faults'], '--faults': ['faults'], '--self': ['selftest'] };
  for (let i = 0; i < argv.length; i++) {
    if (argv[i] === '--dir' && argv[i + 1]) options.dir = resolve(argv[++i]);
    else if (flags[argv[i]]) options.folders = flags[argv[i]];
    else if (!argv[i].startsWith('-')) options.files.push(resolve(argv[i]));
    else throw new Error(USAGE);
  }
  return options;
}

const testFiles = (folder) =>
  readdirSync(join(HERE, folder))
    .filter((name) => name.endsWith('.test.mjs'))
    .sort()
    .map((name) => join(HERE, folder, name));

async function main() {
  const { dir, folders, files } = parseArguments(process.argv.slice(2));
  const needsGateway = files.length > 0 || folders.some((folder) => folder !== 'selftest');
  if (needsGateway && !existsSync(join(dir, 'env'))) {
    throw new Error(`there is no ${join(dir, 'env')}: start an environment first (deploy/dev start --dir ${dir})`);
  }
  process.env.S2S_DEV_DIR = dir;
  if (needsGateway) console.log(`gateway: ${loadEnv(dir).S2S_ISSUER_URL}`);
  const counts = newCounts();
  const isFault = (file) => file.startsWith(join(HERE, 'faults'));
  const chosen = files.length ? files : folders.flatMap(testFiles);
  await runFiles(
    chosen.filter((file) => !isFault(file)),
    2,
    counts,
    HERE,
  );
  // A fault hits everybody: those files run alone, one after the other.
  for (const file of chosen.filter(isFault)) await runFiles([file], 1, counts, HERE);
  close(counts);
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 2;
});
