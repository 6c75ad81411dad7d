// SPDX-License-Identifier: Apache-2.0
//
// A throw-away certificate authority for the self-tests, made with the openssl program.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `{ ca, cert, key }` in PEM: a leaf for localhost and 127.0.0.1 and the authority that issued it. */
export function makePki() {
  const dir = mkdtempSync(join(tmpdir(), 's2s-interop-'));
  const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
  const read = (name) => readFileSync(join(dir, name), 'utf8');
  const newKey = (name) => openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', name);
  try {
    newKey('ca.key');
    openssl('req', '-x509', '-new', '-key', 'ca.key', '-days', '2', '-subj', '/CN=Self-test CA', '-out', 'ca.crt');
    newKey('leaf.key');
    openssl('req', '-new', '-key', 'leaf.key', '-subj', '/CN=localhost', '-out', 'leaf.csr');
    writeFileSync(join(dir, 'ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
    const issue = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-set_serial', '2', '-days', '2', '-extfile', 'ext'];
    openssl('x509', '-req', '-in', 'leaf.csr', ...issue, '-out', 'leaf.crt');
    return { ca: read('ca.crt'), cert: read('leaf.crt'), key: read('leaf.key') };
  } finally {
    rmSync(dir, { recursive: true });
  }
}
