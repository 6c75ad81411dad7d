// SPDX-License-Identifier: Apache-2.0
//
// Running files of node:test and counting what they say.

import { relative, resolve } from 'node:path';
import { run } from 'node:test';

/** A file that hangs has failed. */
const FILE_MS = 10 * 60 * 1000;

export const newCounts = () => ({ passed: 0, failed: 0, skipped: [] });

/** Run `files`, print what fails (names relative to `root`), and add up into `counts`. */
export function runFiles(files, concurrency, counts, root) {
  return new Promise((done) => {
    const stream = run({ files, concurrency, timeout: FILE_MS });
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
      const file = relative(root, String(event.file ?? event.name).replace(/^file:(\/\/)?/, ''));
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

/** The closing line, and the exit status: a run without a single test has failed. */
export function close({ passed, failed, skipped }) {
  for (const name of skipped) console.log(`skipped: ${name}`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}
