// SPDX-License-Identifier: Apache-2.0
//
// Certificates made and revoked during a test, by the functions of deploy/lib/pki.sh, with the authority in the
// gateway's own folder: the same key as everybody's, a register of its own.

import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from './bench.mjs';

const LIBRARY = fileURLToPath(new URL('../../../deploy/lib', import.meta.url));
const SCRIPT = `umask 077; . ${LIBRARY}/common.sh; . ${LIBRARY}/pki.sh; "$@"`;

let last = Promise.resolve();

/** One after the other: `openssl ca` keeps its register in a file. */
function pki(...args) {
  const next = last.then(async () => {
    const { status, stderr } = await run('bash', ['-c', SCRIPT, 'pki', ...args]);
    assert.equal(status, 0, stderr);
  });
  last = next.catch(() => {});
  return next;
}

/**
 * A certificate in the gateway's folder. `kind` is a section of openssl.cnf (client, server, signer), `authority` one
 * of tls, signer, foreign; `options` are those of `openssl ca`. Resolves to `{ crt, key }`, paths relative to the
 * folder.
 */
export async function issue(gateway, name, { kind = 'client', authority = 'tls', san, options = [] }) {
  const file = gateway.path('pki', name);
  await pki('new_certificate', gateway.path(`pki/${authority}-authority`), kind, file, name, san, ...options);
  return { crt: `pki/${name}.crt`, key: `pki/${name}.key` };
}

/** Options of TLS for a caller with this certificate. */
export const identity = (gateway, { crt, key }) => ({
  cert: readFileSync(gateway.path(crt)),
  key: readFileSync(gateway.path(key)),
});

/** Revoke a certificate and publish the list to where the gateway reads it. */
export async function revoke(gateway, { crt }) {
  await pki('revoke_certificate', gateway.path('pki/tls-authority'), gateway.path(crt));
  copyFileSync(gateway.path('pki/tls-authority/ca.crl'), gateway.path('pki/ca.crl'));
}

/** Dates of `openssl ca` for a certificate that has expired. */
export const EXPIRED = ['-startdate', '20240101000000Z', '-enddate', '20240201000000Z'];
