// SPDX-License-Identifier: Apache-2.0
//
// Runs the test files and counts. Called by ./run, which says how.

import { existsSync, readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
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

/** Run `files` with node:test, print what fails, and add up into `counts`. */
function runFiles(files, concurrency, counts) {
  return new Promise((done) => {
    const stream = run({ files, concurrency });
    // Leaves only: neither a describe() block nor the entry that stands for a whole file is a test, unless it failed
    // by itself (a file that did not even load).
    const isTest = ({ name, details }) => details.type !== 'suite' && !files.includes(resolve(name));
    stream.on('test:pass', (event) => {
      if (!isTest(event)) return;
      if (event.skip !== undefined) counts.skipped.push(`${event.name}${event.skip ? ` (${event.skip})` : ''}`);
      else counts.passed++;
    });
    stream.on('test:fail', (event) => {
      const { failureType, cause, message } = event.details.error;
      if (failureType === 'subtestsFailed') return;
      counts.failed++;
      const file = relative(HERE, String(event.file ?? event.name).replace(/^file:(\/\/)?/, ''));
      const trace = String(cause?.stack ?? cause ?? message)
        .split('\n')
        .filter((line) => !/\(?node:internal|node:async_hooks/.test(line));
      console.log(`FAILED ${file}: ${event.name}\n    ${trace.join('\n    ')}`);
    });
    stream.on('test:stderr', (event) => process.stderr.write(event.message));
    stream.on('end', done);
    stream.resume();
  });
}

async function main() {
  const { dir, folders, files } = parseArguments(process.argv.slice(2));
  const needsGateway = files.length > 0 || folders.some((folder) => folder !== 'selftest');
  if (needsGateway && !existsSync(join(dir, 'env'))) {
    throw new Error(`there is no ${join(dir, 'env')}: start an environment first (deploy/dev start --dir ${dir})`);
  }
  process.env.S2S_DEV_DIR = dir;
  if (needsGateway) console.log(`gateway: ${loadEnv(dir).S2S_ISSUER_URL}`);
  const counts = { passed: 0, failed: 0, skipped: [] };
  const isFault = (file) => file.startsWith(join(HERE, 'faults'));
  const chosen = files.length ? files : folders.flatMap(testFiles);
  await runFiles(
    chosen.filter((file) => !isFault(file)),
    2,
    counts,
  );
  // A fault hits everybody: those files run alone, one after the other.
  for (const file of chosen.filter(isFault)) await runFiles([file], 1, counts);
  for (const name of counts.skipped) console.log(`skipped: ${name}`);
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 2;
});
