// SPDX-License-Identifier: Apache-2.0
//
// An issuer that shares its host: the endpoints stand under a base path (D1), and its identifier has a path of its own,
// which goes into the well-known address (RFC 8414 section 3.1). Neither answers anywhere else. And a target may be
// given in full (RFC 9112 section 3.2.2).

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { tlsIdentity } from '../../interop/lib/env.mjs';
import { HttpClient } from '../../interop/lib/http.mjs';
import { PATHS } from '../../interop/lib/wallet.mjs';
import { assertOk, assertProblem, CheckedWallet, PROBLEM } from '../../interop/suite/support.mjs';
import { bench } from '../lib/bench.mjs';
import { closing, Gateway } from '../lib/gateway.mjs';
import { TlsCaller } from '../lib/tls-caller.mjs';

const WELL_KNOWN = '/.well-known/openid-credential-issuer';

const gateway = await Gateway.start('base-path', {
  edit: ({ issuer }) => {
    issuer.identifier += '/tenants/one';
    issuer.url += '/s2s';
  },
});
const client = new HttpClient(tlsIdentity(bench, 'WALLET'), { protocol: 'h2' });
after(() => client.close());

const host = `https://127.0.0.1:${gateway.ports.s2s}`;
const read = (path) => client.request(host + path, { headers: {} });

test('the metadata stand at the well-known address of the identifier, and name the base', async () => {
  const metadata = assertOk(await read(`${WELL_KNOWN}/tenants/one`));
  assert.equal(metadata.credential_issuer, `${host}/tenants/one`);
  assert.equal(metadata.s2s.issuer_server_url, `${host}/s2s`);
});

for (const path of [WELL_KNOWN, `${WELL_KNOWN}/tenants/one/`, `${WELL_KNOWN}/tenants`, `/tenants/one${WELL_KNOWN}`])
  test(`there are none at ${path}`, async () => assertProblem(await read(path), 404, PROBLEM.blank));

describe('the endpoints', () => {
  const walletAt = async (url) => {
    const metadata = assertOk(await read(`${WELL_KNOWN}/tenants/one`));
    return new CheckedWallet({ url, client, metadata });
  };

  test('a credential is issued under the base, by an issuer of that identifier', async () => {
    const wallet = await walletAt(`${host}/s2s`);
    const { session, instances } = await wallet.approvedSession({ nonce: 'bound' });
    assertOk(await wallet.get(session, instances[0]));
  });

  for (const base of ['', '/S2S', '/s2s/s2s', '/s2sx', '/tenants/one'])
    test(`nothing is under ${base || 'the root'}`, async () => {
      const wallet = await walletAt(host + base);
      for (const path of Object.values(PATHS)) assertProblem(await wallet.call(path, {}), 404, PROBLEM.blank);
    });
});

describe('a target in the absolute form', () => {
  const post = async (target) => {
    const caller = await TlsCaller.connect(gateway);
    const nobody = { sessionId: randomUUID(), verificationId: 'nobody' };
    const { body } = await caller.post(target, nobody, { Connection: 'close' });
    caller.close();
    return JSON.parse(body);
  };

  for (const target of ['https://issuer.example/s2s', 'https://issuer.example:8443/s2s', 'HTTPS://[::1]/s2s'])
    for (const query of ['', '?a=b'])
      test(`${target}…${query}`, async () => {
        assert.equal((await post(target + PATHS.status + query)).type, PROBLEM.notFound);
      });

  for (const target of ['https://issuer.example', 'https://', '://', '*', 'https:/s2s/verification/status'])
    test(`${target} is nowhere`, async () => assert.equal((await post(target)).type, PROBLEM.blank));
});

closing(gateway);
