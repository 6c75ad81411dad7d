// SPDX-License-Identifier: Apache-2.0
//
// A running environment, as `deploy/dev start` describes it: NAME=value lines in DIR/env.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { webcrypto } from 'node:crypto';

// Node 18 has WebCrypto but no global for it; every module of this library comes through here.
globalThis.crypto ??= webcrypto;

const PROJECT_ROOT = resolve(fileURLToPath(import.meta.url), '../../../..');

/** The folder of the default environment. */
export const DEFAULT_DIR = join(PROJECT_ROOT, 'var/dev');

/** Lines `NAME=value`; blank lines and `#` comments are skipped, one pair of quotes around a value is dropped. */
export function parseEnv(text) {
  const vars = {};
  for (const line of text.split('\n')) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (match) vars[match[1]] = match[2].trim().replace(/^(["'])(.*)\1$/, '$2');
  }
  return vars;
}

/** The variables of DIR/env, plus `dir`, the absolute path of DIR. */
export function loadEnv(dir = process.env.S2S_DEV_DIR ?? DEFAULT_DIR) {
  const absolute = resolve(dir);
  return { ...parseEnv(readFileSync(join(absolute, 'env'), 'utf8')), dir: absolute };
}

/** Whether the environment names a certificate for `who`: WALLET, OTHER_WALLET, STRANGER, EXPIRED, REVOKED, … */
export function hasIdentity(env, who) {
  return Boolean(env[`S2S_${who}_CERT`] && env[`S2S_${who}_KEY`]);
}

/** TLS options `{ ca, cert, key }` for `who`; without `who`, only the trust anchor. */
export function tlsIdentity(env, who) {
  const options = { ca: readFileSync(env.S2S_CA) };
  if (who === undefined) return options;
  if (!hasIdentity(env, who)) throw new Error(`the environment has no S2S_${who}_CERT and S2S_${who}_KEY`);
  return { ...options, cert: readFileSync(env[`S2S_${who}_CERT`]), key: readFileSync(env[`S2S_${who}_KEY`]) };
}
