// SPDX-License-Identifier: Apache-2.0
//
// The stories of the demo, each told to its end: they are documentation, and must stay true.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { env } from './support.mjs';

const DEMO = new URL('../../../deploy/demo-client/', import.meta.url);

const FLOWS = readdirSync(new URL('flows', DEMO)).map((name) => name.replace(/\.mjs$/, ''));

const tell = (flow) => {
  const program = fileURLToPath(new URL('demo.mjs', DEMO));
  return promisify(execFile)(process.execPath, ['--no-warnings', program, env.dir, flow], { timeout: 60_000 });
};

describe('the demo', { skip: !env.S2S_WALLET_APP && 'the environment has no wallet gateway' }, () => {
  for (const flow of FLOWS) {
    test(`tells of ${flow}`, async () => {
      const { stdout, stderr } = await tell(flow);
      assert.match(stdout, /The demo is done: /);
      assert.equal(stderr, '');
    });
  }
});
