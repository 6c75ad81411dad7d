// SPDX-License-Identifier: Apache-2.0
//
// SIGHUP: all or nothing. What is wrong leaves the running configuration in force; what is right takes effect whole,
// for open connections too, and disturbs no request.

import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tlsIdentity } from '../../interop/lib/env.mjs';
import { fetchIssuerMetadata, PATHS } from '../../interop/lib/wallet.mjs';
import { otpItem } from '../../interop/lib/payloads.mjs';
import { assertOk, assertProblem, PROBLEM } from '../../interop/suite/support.mjs';
import { bench, eventually, slow } from '../lib/bench.mjs';
import { configText, lineOf } from '../lib/config.mjs';
import { closing, Gateway } from '../lib/gateway.mjs';
import { closeAll, impatientLanes, wallets, whileBusy } from '../lib/load.mjs';
import { identity, issue, revoke } from '../lib/pki.mjs';
import { TlsCaller } from '../lib/tls-caller.mjs';

const gateway = await Gateway.start('reload');
const wallet = await gateway.connect();

const clone = (value) => JSON.parse(JSON.stringify(value));
/** RFC 3339, whole seconds. */
const secondsAhead = (seconds) => new Date(Date.now() + seconds * 1000).toISOString().replace(/\.\d+/, '');

const generation = async () => (await gateway.metrics()).value('s2s_generation');
const failures = async () => (await gateway.metrics()).value('s2s_config_reloads_failed_total');

// Ways to be wrong: `spoil` changes files of the folder or returns another configuration; `at` is the text of the line
// that is blamed, `says` what is said of it.
const BROKEN = {
  'broken YAML': { spoil: () => 'issuer: [', says: /gateway\.yaml:\d+: / },
  'an empty file': { spoil: () => '', says: /empty/ },
  'an unknown key': { spoil: (config) => ({ ...config, worker: 2 }), at: '"worker": 2', says: /'workers'/ },
  'a missing key file': {
    spoil: () => rmSync(gateway.path('pki/server.key')),
    at: '"key": "pki/server.key"',
    says: /server\.key/,
  },
  'a server certificate that does not fit its key': {
    spoil: () => cpSync(gateway.path('pki/wallet.crt'), gateway.path('pki/server.crt')),
    at: '"key": "pki/server.key"',
    says: /server\.key is not the PEM private key of/,
  },
  'a signing certificate that does not fit its key': {
    spoil: () => cpSync(gateway.path('pki/metadata.crt'), gateway.path('pki/signer.crt')),
    at: '"certificate": "pki/signer.crt"',
    says: /signer\.(crt|key)/,
  },
  'a dataset that is not JSON': {
    spoil: () => gateway.write('datasets/badge.json', '{ "version": '),
    at: '"file": "datasets/badge.json"',
    says: /badge\.json/,
  },
  'an encryption key that is not a JWK': {
    spoil: () => gateway.write('keys/hpke-0-ke.jwk', 'not a key'),
    at: '"file": "keys/hpke-0-ke.jwk"',
    says: /hpke-0-ke\.jwk is not a private JWK/,
  },
  'a data key of the wrong length': {
    spoil: () => gateway.write('keys/data-1.key', 'AAAA\n'),
    at: '"keys/data-1.key"',
    says: /data-1\.key/,
  },
  'a revocation list that is none': {
    spoil: () => cpSync(gateway.path('pki/ca.crt'), gateway.path('pki/ca.crl')),
    at: '"pki/ca.crl"',
    says: /ca\.crl holds no PEM certificate revocation list/,
  },
};

describe('a reload that fails leaves everything as it was', () => {
  for (const [name, { spoil, at, says }] of Object.entries(BROKEN)) {
    test(name, async () => {
      const [before, failed] = [await generation(), await failures()];
      const open = await TlsCaller.connect(gateway);
      const good = clone(gateway.config);
      const spoilt = spoil(clone(good));
      if (spoilt !== undefined) gateway.writeConfig(spoilt);

      const { taken, text, lines } = await gateway.reload();
      assert.ok(!taken);
      assert.match(text, says);
      if (at) assert.ok(text.includes(`gateway.yaml:${lineOf(configText(spoilt ?? good), at)}: `), text);
      assert.ok(lines.find(({ event }) => event === 'reload_failed').errors >= 1);
      assert.equal(await failures(), failed + 1);
      assert.equal(await generation(), before);

      const fresh = await TlsCaller.connect(gateway);
      assert.equal(fresh.serverFingerprint, open.serverFingerprint);
      for (const caller of [open, fresh]) {
        assert.equal((await caller.post(PATHS.status, {})).status, 400, 'still served');
        caller.close();
      }
      assertOk(await wallet.initiate(wallet.newSession()));

      for (const folder of ['pki', 'keys', 'datasets']) restore(folder);
      await gateway.reconfigure();
    });
  }
});

/** Take a folder back to what the gateway was prepared with. */
function restore(folder) {
  if (folder === 'datasets')
    cpSync(gateway.path('datasets-as-prepared'), gateway.path('datasets'), { recursive: true });
  else cpSync(`${bench.dir}/${folder}`, gateway.path(folder), { recursive: true });
}
cpSync(gateway.path('datasets'), gateway.path('datasets-as-prepared'), { recursive: true });

describe('peers', () => {
  const NEWCOMER = { name: 'newcomer', identity: [{ san_dns: 'stranger.example' }] };

  test('a new one is let in, on the connection that was refused before', async () => {
    const stranger = await gateway.connect({ who: 'STRANGER' });
    const open = await TlsCaller.connect(gateway, tlsIdentity(bench, 'STRANGER'));
    assert.equal((await open.post(PATHS.status, {})).status, 403);
    assertProblem(await stranger.initiate(stranger.newSession()), 403, PROBLEM.unknownPeer);
    await gateway.reconfigure((config) => config.peers.push(NEWCOMER));
    assert.equal((await open.post(PATHS.status, {})).status, 400);
    assertOk(await stranger.initiate(stranger.newSession()));
    open.close();
    stranger.close();
  });

  test('a removed one is shut out, also where it is connected', async () => {
    const newcomer = await gateway.connect({ who: 'STRANGER' });
    const open = await TlsCaller.connect(gateway, tlsIdentity(bench, 'STRANGER'));
    assert.equal((await open.post(PATHS.status, {})).status, 400);
    await gateway.reconfigure((config) => config.peers.pop());
    assert.equal((await open.post(PATHS.status, {})).status, 403);
    assertProblem(await newcomer.initiate(newcomer.newSession()), 403, PROBLEM.unknownPeer);
    open.close();
    newcomer.close();
  });

  test('another policy holds from the next request on', async () => {
    const wallets = gateway.config.peers.find(({ name }) => name === 'wallet');
    await gateway.reconfigure(() => Object.assign(wallets, { verification_nonce: 'bound' }));
    assertProblem(await wallet.initiate(wallet.newSession()), 400, PROBLEM.client);
    await gateway.reconfigure(() => delete wallets.verification_nonce);
    assertOk(await wallet.initiate(wallet.newSession()));
  });
});

describe('certificates', () => {
  test('a revoked client is cut off where it is connected, and cannot come back', async () => {
    const certificate = await issue(gateway, 'leaver', { san: 'DNS:wallet.example' });
    const options = identity(gateway, certificate);
    const open = await TlsCaller.connect(gateway, options);
    assert.equal((await open.post(PATHS.status, {})).status, 400);
    const ticket = await open.ticket();

    await revoke(gateway, certificate);
    assert.equal((await open.post(PATHS.status, {})).status, 400, 'nothing changes before the reload');
    await gateway.reconfigure();
    assert.equal((await open.post(PATHS.status, {})).status, undefined, 'the connection ends');
    for (const attempt of [options, { ...options, session: ticket }, { ...options, maxVersion: 'TLSv1.2' }]) {
      const outcome = TlsCaller.connect(gateway, attempt).then((caller) => caller.post(PATHS.status, {}));
      const answer = await outcome.catch(() => ({ status: undefined }));
      assert.equal(answer.status, undefined, 'the handshake fails');
    }
    assertOk(await wallet.initiate(wallet.newSession()), 200, 'others do not notice');
  });

  test('an authority that is trusted no more takes its clients with it, and a new one brings some', async () => {
    const foreigner = identity(gateway, { crt: 'pki/rogue.crt', key: 'pki/rogue.key' });
    const post = (options) =>
      TlsCaller.connect(gateway, options)
        .then((caller) => caller.post(PATHS.status, {}))
        .then(({ status }) => status)
        .catch(() => undefined);
    const open = await TlsCaller.connect(gateway);
    assert.equal(await post(foreigner), undefined);
    const listener = gateway.config.listeners.s2s;
    const { client_ca: authorities, crl } = listener;
    const foreign = 'pki/foreign-authority';
    await gateway.reconfigure(() =>
      Object.assign(listener, { client_ca: [`${foreign}/ca.crt`], crl: [`${foreign}/ca.crl`] }),
    );
    assert.equal(await post(foreigner), 400, 'known by its name, under the new authority');
    assert.equal((await open.post(PATHS.status, {})).status, undefined);
    assert.equal(await post(tlsIdentity(bench, 'WALLET')), undefined);
    await gateway.reconfigure(() => Object.assign(listener, { client_ca: authorities, crl }));
    assert.equal(await post(foreigner), undefined);
    assert.equal(await post(tlsIdentity(bench, 'WALLET')), 400);
  });

  test('a replaced server certificate is shown to new connections; old ones go on', async () => {
    const old = await TlsCaller.connect(gateway);
    const { crt, key } = await issue(gateway, 'server-2', { kind: 'server', san: 'DNS:localhost,IP:127.0.0.1' });
    await gateway.reconfigure(({ listeners }) => {
      Object.assign(listeners.s2s, { certificate: crt, key });
      Object.assign(listeners.public, { certificate: crt, key });
    });
    for (const port of [gateway.ports.s2s, gateway.ports.public]) {
      const fresh = await TlsCaller.connect({ ports: { s2s: port } });
      assert.notEqual(fresh.serverFingerprint, old.serverFingerprint);
      fresh.close();
    }
    assert.equal((await old.post(PATHS.status, {})).status, 400);
    old.close();
  });

  test('a session of before is not resumed after', async () => {
    const first = await TlsCaller.connect(gateway);
    const ticket = await first.ticket();
    await gateway.reconfigure();
    const again = await TlsCaller.connect(gateway, { ...tlsIdentity(bench, 'WALLET'), session: ticket });
    assert.equal(again.resumed, false);
    assert.equal((await again.post(PATHS.status, {})).status, 400, 'a whole handshake has taken its place');
    first.close();
    again.close();
  });
});

describe('what is issued', () => {
  test('a changed dataset gives a new credentialVersion and new claims', async () => {
    const { session, instances } = await wallet.approvedSession();
    const before = assertOk(await wallet.get(session, instances[0]));
    const again = assertOk(await wallet.get(session, instances[0]));
    assert.equal(again.credentialVersion, before.credentialVersion);
    const dataset = JSON.parse(readFileSync(gateway.path('datasets/badge.json')));
    dataset.version = '2';
    dataset.subjects.default.employee_id = 'E-9999';
    gateway.write('datasets/badge.json', JSON.stringify(dataset));
    await gateway.reconfigure();

    const response = await wallet.get(session, instances[0]);
    const after = assertOk(response);
    assert.notEqual(after.credentialVersion, before.credentialVersion);
    const [{ credential }] = await wallet.openCredentials(response, session.wek);
    const payload = JSON.parse(Buffer.from(credential.split('.')[1], 'base64url'));
    assert.equal(payload.employee_id, 'E-9999');
    const status = assertOk(await wallet.credentialStatus(session, instances[0]));
    assert.equal(status.currentVersion, after.credentialVersion);
  });

  test('encryption keys rotate: the newest is published first, an old one opens as long as it is listed', async () => {
    const keysOf = async () =>
      (await fetchIssuerMetadata(wallet.client, gateway.url)).json.s2s.issuer_encryption_jwks.keys.map(
        ({ kid }) => kid,
      );
    const items = (issuerKey) => ({ configurations: ['badge_info'], items: [otpItem('123456')], issuerKey });
    const oldKey = wallet.issuerKey;
    const [old] = gateway.config.issuer.encryption_keys;
    await gateway.reconfigure(({ issuer }) => issuer.encryption_keys.unshift({ file: 'keys/hpke-7-ke.jwk' }));
    const kids = await keysOf();
    assert.equal(kids.length, 2);
    assert.equal(kids[1], oldKey.kid);
    assertOk(await wallet.initiate(wallet.newSession(), items(oldKey)));

    // Retired, it is published no more, and opens until its time; that it has come needs no signal.
    await gateway.reconfigure(() => Object.assign(old, { retire_after: secondsAhead(3) }));
    assert.deepEqual(await keysOf(), [kids[0]]);
    assertOk(await wallet.initiate(wallet.newSession(), items(oldKey)));
    const from = gateway.logEnd;
    await gateway.logged({ event: 'reloaded' }, { from });
    await gateway.get('/healthz');
    assertProblem(await wallet.initiate(wallet.newSession(), items(oldKey)), 400, PROBLEM.encryption);
    await gateway.reconfigure((config) => {
      config.issuer.encryption_keys = [{ file: 'keys/hpke-0-ke.jwk' }];
    });
    assert.deepEqual(await keysOf(), [oldKey.kid]);
  });

  test('data keys rotate: a repeat is known by its digest as long as the oldest key is listed', async () => {
    const { session } = await wallet.approvedSession();
    const requestId = randomUUID();
    const first = await wallet.status(session, { requestId });
    const repeat = () => wallet.status(session, { requestId });
    gateway.write('keys/data-2.key', `${randomBytes(32).toString('base64url')}\n`);
    await gateway.reconfigure((config) => config.data_keys.unshift('keys/data-2.key'));
    const replayed = await repeat();
    assertOk(replayed);
    assert.equal(replayed.headers['idempotent-replayed'], 'true');
    assert.equal(replayed.text, first.text);

    await gateway.reconfigure((config) => config.data_keys.pop());
    assertProblem(await repeat(), 422, PROBLEM.reuse);
    await gateway.reconfigure((config) => (config.data_keys = ['keys/data-1.key']));
    assertOk(await repeat());
  });

  test('an offer that is taken away is gone, and its credentials go on', async () => {
    const { session, instances } = await wallet.approvedSession();
    const [badge, ...others] = gateway.config.credential_configurations;
    await gateway.reconfigure((config) => (config.credential_configurations = others));
    assertProblem(await wallet.initiate(wallet.newSession()), 400, PROBLEM.validation);
    const status = await wallet.credentialStatus(session, instances[0]);
    assert.ok(
      status.status === 200 || status.status === 404 || status.status === 503,
      `${status.status} ${status.text}`,
    );
    await gateway.reconfigure((config) => (config.credential_configurations = [badge, ...others]));
    assertOk(await wallet.get(session, instances[0]));
  });
});

test('what needs a restart is said, and the rest is taken', async () => {
  const from = gateway.logEnd;
  await gateway.reconfigure((config) => (config.workers = 3));
  await gateway.logged({ event: 'restart_needed' }, { from });
  await gateway.reconfigure((config) => (config.workers = 2));
});

test('requests in flight do not notice reloads, good and bad', { timeout: 120_000 }, async () => {
  const rounds = slow ? 200 : 15;
  const callers = await wallets(gateway);
  const before = (await gateway.metrics()).value('s2s_config_reloads_total');
  const good = configText(gateway.config);
  let served = 0;
  const lanes = impatientLanes(callers).map((lane) => async () => {
    await lane();
    served++;
  });
  await whileBusy(lanes, async () => {
    for (let i = 0; i < rounds; i++) {
      gateway.writeConfig(i % 3 === 2 ? 'broken: [' : good);
      await gateway.reload();
      await sleep(50);
    }
  });
  gateway.writeConfig(good);
  closeAll(callers);
  assert.equal((await gateway.metrics()).value('s2s_config_reloads_total') - before, rounds - Math.floor(rounds / 3));
  assert.ok(served > rounds, `${served} rounds of requests were served`);
});

closing(gateway, { expectedErrors: ['reload_failed'] });
