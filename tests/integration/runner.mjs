// SPDX-License-Identifier: Apache-2.0
//
// Runs the test files and counts. Called by ./run, which has prepared the bench: runner.mjs [--all] [FILE…]

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { close, newCounts, runFiles } from '../lib/node-tests.mjs';
import { migrateTemplate } from './lib/gateway.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const SIDE_BY_SIDE = 3; // files; they mostly wait

const names = process.argv.slice(2);
if (names.includes('--all')) process.env.S2S_SLOW_TESTS = '1';
const suite = readdirSync(join(HERE, 'suite')).filter((name) => name.endsWith('.test.mjs'));
const chosen = names.filter((name) => name !== '--all');
const files = chosen.length ? chosen : suite.sort().map((name) => join(HERE, 'suite', name));

await migrateTemplate();
const counts = newCounts();
await runFiles(files, SIDE_BY_SIDE, counts, HERE);
close(counts);
