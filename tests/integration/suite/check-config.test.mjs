// SPDX-License-Identifier: Apache-2.0
//
// check-config: everything that is wrong with a configuration is said at once, with file, line, what is wrong and what
// to do. `serve` refuses the same in the same words.

import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { command, run, bench } from '../lib/bench.mjs';
import { configText, lineOf } from '../lib/config.mjs';
import { Gateway } from '../lib/gateway.mjs';
import { EXPIRED, issue } from '../lib/pki.mjs';

const folder = await Gateway.prepare('check-config', { database: 's2s' }); // never served: no database of its own
const clone = (value) => JSON.parse(JSON.stringify(value));

const BAD = 78; // EX_CONFIG of sysexits.h

const check = (options) => command('check-config', folder.configPath, options);

/** That `text` blames the line of `at` for what `says` describes. */
function assertBlamed({ status, stderr }, text, { at, says }) {
  assert.equal(status, BAD, stderr);
  const place = at === undefined ? `${folder.configPath}:` : `${folder.configPath}:${lineOf(text, at)}: `;
  const blamed = stderr.split('\n').filter((line) => line.startsWith(place));
  assert.ok(
    blamed.some((line) => says.test(line)),
    `${place} ${says}\n${stderr}`,
  );
}

const peer = (config, name) => config.peers.find((candidate) => candidate.name === name);

// Each `edit` makes the configuration wrong; `at` is text of the line that is blamed. Without `at`, the line is not
// told.
const WRONG = {
  'an unknown key': {
    edit: (c) => (c.wrokers = 2),
    at: '"wrokers"',
    says: /unknown key 'wrokers'; did you mean 'workers'\?/,
  },
  'an unknown key deep inside': {
    edit: (c) => (c.limits.max_bodys = '1MiB'),
    at: '"max_bodys"',
    says: /limits: unknown key 'max_bodys'; did you mean 'max_body'\?/,
  },
  'a text for a number': {
    edit: (c) => (c.workers = 'two'),
    at: '"workers"',
    says: /workers: expected .* found a text/,
  },
  'a list for a mapping': { edit: (c) => (c.issuer = []), at: '"issuer"', says: /issuer: expected .* found a list/ },
  'a mapping for a list': { edit: (c) => (c.peers = {}), at: '"peers"', says: /peers: expected .* found a mapping/ },
  'a number for a text': {
    edit: (c) => (c.credential_configurations[0].vct = 7),
    at: '"vct": 7',
    says: /vct: .*put it in quotes/,
  },
  'a missing key': {
    edit: (c) => delete c.issuer.identifier,
    at: '"issuer"',
    says: /required key 'identifier' is missing/,
  },
  'no credential configuration': {
    edit: (c) => (c.credential_configurations = []),
    at: '"credential_configurations"',
    says: /credential_configurations/,
  },
  'a number out of range': { edit: (c) => (c.workers = 0), at: '"workers"', says: /out of range; give 1 to 1024/ },
  'a duration without a unit': {
    edit: (c) => (c.limits.drain_timeout = '10'),
    at: '"drain_timeout"',
    says: /limits\.drain_timeout: .*(duration|unit)/,
  },
  'a duration of an unknown unit': {
    edit: (c) => (c.limits.drain_timeout = '5 parsecs'),
    at: '"drain_timeout"',
    says: /limits\.drain_timeout/,
  },
  'a size out of range': {
    edit: (c) => (c.limits.max_body = '1GiB'),
    at: '"max_body"',
    says: /out of range; give 1KiB to 64MiB/,
  },
  'less memory than a body': {
    edit: (c) => Object.assign(c.limits, { max_body: '2MiB', request_memory: '1MiB' }),
    at: '"limits"',
    says: /request_memory is less than .*max_body/,
  },
  'an http URL': {
    edit: (c) => (c.issuer.url = 'http://issuer.example'),
    at: '"url": "http:',
    says: /not an https URL/,
  },
  'a URL that ends in a slash': {
    edit: (c) => (c.issuer.url = 'https://issuer.example/s2s/'),
    at: 'example/s2s/',
    says: /ends with a slash; remove it/,
  },
  'operators for everybody': {
    edit: (c) => (c.listeners.admin.address = '0.0.0.0'),
    at: '"0.0.0.0"',
    says: /listeners\.admin\.address: .*loopback/,
  },
  'a name for an address': {
    edit: (c) => (c.listeners.s2s.address = 'localhost'),
    at: '"localhost"',
    says: /listeners\.s2s\.address/,
  },
  'one port for two listeners': {
    edit: (c) => (c.listeners.admin.port = c.listeners.s2s.port),
    at: '"admin"',
    says: /address and port are those of line \d+/,
  },
  'a database URL that is none': {
    edit: (c) => (c.database.url = 'mysql://nowhere'),
    at: '"mysql:',
    says: /not a connection string of libpq/,
  },
  'one identity for two peers': {
    edit: (c) => (peer(c, 'other-wallet').identity = [{ san_dns: 'WALLET.example' }]),
    at: '{\n          "san_dns": "WALLET.example"', // an entry begins with its brace
    says: /this identity stands in line \d+ too/,
  },
  'two identities in one entry': {
    edit: (c) => (peer(c, 'wallet').identity[0].san_uri = 'https://wallet.example'),
    at: '{\n          "san_dns": "wallet.example"',
    says: /give exactly one/,
  },
  'a thumbprint that is none': {
    edit: (c) => peer(c, 'wallet').identity.push({ thumbprint: 'aa:bb' }),
    at: '"thumbprint"',
    says: /thumbprint/,
  },
  'a reserved name for a peer': {
    edit: (c) => (c.peers[0].name = 'none'),
    at: '"name": "none"',
    says: /'none' is reserved/,
  },
  'a name with a space': { edit: (c) => (c.peers[0].name = 'my wallet'), at: '"my wallet"', says: /not a name/ },
  'a permission for what is not offered': {
    edit: (c) => (c.peers[0].credential_configurations = ['badge_atuo']),
    at: '"badge_atuo"',
    says: /no credential configuration has the id 'badge_atuo'; did you mean 'badge_auto'\?/,
  },
  'an id twice': {
    edit: (c) => Object.assign(c.credential_configurations[1], { id: 'badge_auto', vct: 'second' }),
    at: '"id": "badge_auto",\n      "vct": "second"',
    says: /id 'badge_auto' is taken by line \d+/,
  },
  'a claim that the credential makes itself': {
    edit: (c) => (c.credential_configurations[0].claims[0].name = 'iss'),
    at: '"iss"',
    says: /'iss' is not for datasets/,
  },
  'a word that is not among the choices': {
    edit: (c) => (c.credential_configurations[0].verification.decision = 'perhaps'),
    at: '"perhaps"',
    says: /decision: .*approve.*deny.*review/,
  },
  'an expected text of no member': {
    edit: (c) => {
      const [item] = c.credential_configurations[1].verification.items;
      item.type = 'urn:example:pin'; // an otp has a member of its own
      delete item.member;
    },
    at: '"expected"',
    says: /which member to compare/,
  },
  'a subject from an item that is not asked for': {
    edit: (c) => (c.credential_configurations[0].dataset.subject_item = 'nobody'),
    at: '"subject_item"',
    says: /no item of verification\.items has the id 'nobody'/,
  },
  'a newest key that retires': {
    edit: (c) => (c.issuer.encryption_keys[0].retire_after = '2040-01-01T00:00:00Z'),
    at: '"encryption_keys"',
    says: /the newest key retires/,
  },
  'a file that is not there': {
    edit: (c) => (c.listeners.s2s.client_ca = ['pki/absent.crt']),
    at: '"pki/absent.crt"',
    says: /cannot read .*pki\/absent\.crt: No such file or directory; correct the path or the permissions/,
  },
  'a folder for a file': {
    edit: (c) => (c.data_keys = ['pki']),
    at: '"pki"',
    says: /cannot read .*pki: Is a directory/,
  },
};

describe('a wrong value is refused with its place', () => {
  for (const [name, row] of Object.entries(WRONG)) {
    test(name, async () => {
      const config = clone(folder.config);
      row.edit(config);
      folder.writeConfig(config);
      const text = configText(config);
      assertBlamed(await check(), text, row);
    });
  }
});

/** Spoil files of the folder, check, and put them back. */
async function checkSpoilt(spoil, config = folder.config) {
  folder.writeConfig(config);
  try {
    await spoil();
    return await check();
  } finally {
    for (const name of ['pki', 'keys']) {
      rmSync(folder.path(name), { recursive: true });
      cpSync(`${bench.dir}/${name}`, folder.path(name), { recursive: true });
    }
    cpSync(folder.path('datasets.kept'), folder.path('datasets'), { recursive: true });
  }
}
cpSync(folder.path('datasets'), folder.path('datasets.kept'), { recursive: true });

const copy = (from, to) => () => cpSync(folder.path(from), folder.path(to));
const jwk = (edit) => () => {
  const key = { kty: 'EC', crv: 'P-256', x: '', y: '', d: '', alg: 'HPKE-0-KE', kid: 'k' };
  folder.write('keys/hpke-0-ke.jwk', JSON.stringify(edit(key)));
};

const SPOILT_FILES = {
  'a key that its group can read': {
    spoil: () => chmodSync(folder.path('pki/server.key'), 0o640),
    at: '"key": "pki/server.key"',
    says: /the secret file .*server\.key is open to group or others \(mode 0640\); run: chmod 600 .*server\.key/,
  },
  'a data key that all can read': {
    spoil: () => chmodSync(folder.path('keys/data-1.key'), 0o604),
    at: '"keys/data-1.key"',
    says: /open to group or others \(mode 0604\)/,
  },
  'a signing key that all can read': {
    spoil: () => chmodSync(folder.path('pki/signer.key'), 0o644),
    at: '"key": "pki/signer.key"',
    says: /open to group or others/,
  },
  'a password in an open configuration': {
    spoil: () => chmodSync(folder.configPath, 0o644),
    at: '"url": "postgresql:',
    says: /the URL holds a password.*chmod 600/,
  },
  'a server key of another certificate': {
    spoil: copy('pki/wallet.key', 'pki/server.key'),
    at: '"key": "pki/server.key"',
    says: /not the PEM private key of/,
  },
  'a signing key of another certificate': {
    spoil: copy('pki/wallet.key', 'pki/signer.key'),
    at: '"certificate": "pki/signer.crt"',
    says: /signer/,
  },
  'a certificate that is none': {
    spoil: () => folder.write('pki/server.crt', 'nothing\n'),
    at: '"certificate": "pki/server.crt"',
    says: /server\.crt is not a PEM certificate chain/,
  },
  'authorities that are none': {
    spoil: () => folder.write('pki/ca.crt', 'nothing\n'),
    at: '"pki/ca.crt"',
    says: /ca\.crl?t? holds no PEM certificates/,
  },
  'a revocation list that is none': {
    spoil: () => folder.write('pki/ca.crl', ''),
    at: '"pki/ca.crl"',
    says: /ca\.crl holds no PEM certificate revocation list/,
  },
  'a JWK without kid': {
    spoil: jwk(({ kid, ...key }) => key),
    at: '"file": "keys/hpke-0-ke.jwk"',
    says: /hpke-0-ke\.jwk/,
  },
  'a data key of the wrong length': {
    spoil: () => folder.write('keys/data-1.key', 'c2hvcnQ\n'),
    at: '"keys/data-1.key"',
    says: /data-1\.key.*32/,
  },
  'a dataset that is not JSON': {
    spoil: () => folder.write('datasets/badge.json', '{'),
    at: '"file": "datasets/badge.json"',
    says: /badge\.json/,
  },
};

describe('a file that cannot be used is refused with the place that names it', () => {
  for (const [name, { spoil, at, says }] of Object.entries(SPOILT_FILES)) {
    test(name, async () => {
      assertBlamed(await checkSpoilt(spoil), configText(folder.config), { at, says });
    });
  }
});

describe('the text of the file', () => {
  const TEXTS = {
    'is empty': { text: '', says: /:1: the file is empty/ },
    'is not YAML': { text: 'workers: 2\nissuer: [\n', says: /:\d+: / },
    'has a tab for an indent': { text: 'issuer:\n\tidentifier: x\n', says: /:2: / },
    'has a key twice': { text: 'workers: 2\nworkers: 3\n', says: /:2: .*workers/ },
    'is a list': { text: '- a\n- b\n', says: /:1: / },
    'has a second document': { text: 'workers: 2\n---\nworkers: 3\n', says: /:2: a second document/ },
    'refers to itself': { text: 'a: &a [*a]\n', says: /:1: / },
    'is nested too deep': { text: `a: ${'['.repeat(500)}${']'.repeat(500)}\n`, says: /:1: nested more than/ },
    'is not UTF-8': { text: Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe, 0x0a]), says: /gateway\.yaml:/ },
  };
  for (const [name, { text, says }] of Object.entries(TEXTS)) {
    test(name, async () => {
      writeFileSync(folder.configPath, text);
      const { status, stderr } = await check();
      assert.equal(status, BAD);
      assert.match(stderr, says);
    });
  }

  test('is not there, or a folder', async () => {
    mkdirSync(folder.path('a-folder'));
    for (const [path, reason] of [
      ['absent.yaml', /No such file/],
      ['a-folder', /[Dd]irectory/],
    ]) {
      const { status, stderr } = await command('check-config', folder.path(path));
      assert.equal(status, BAD);
      assert.match(stderr, reason);
    }
  });
});

test('all errors are told at once, with their number', async () => {
  const config = clone(folder.config);
  config.workers = 'many';
  config.limits.max_body = 'big';
  config.peers[0].name = 'a b';
  folder.writeConfig(config);
  const { status, stderr } = await check();
  assert.equal(status, BAD);
  for (const at of ['"workers"', '"max_body"', '"a b"'])
    assert.ok(stderr.includes(`${folder.configPath}:${lineOf(configText(config), at)}: `), stderr);
  assert.match(stderr, /^3 errors$/m);
});

test('serve refuses the same, in the same words, and opens no port', async () => {
  const config = clone(folder.config);
  config.wrokers = 2;
  folder.writeConfig(config);
  const checked = await check();
  const { status, stderr } = await command('serve', folder.configPath, { timeout: 20_000 });
  assert.equal(status, BAD);
  assert.ok(checked.stderr.startsWith(stderr.trim()), stderr);
});

test('no error shows a secret that stands in the wrong place', async () => {
  const secret = 'planted-password-in-the-wrong-place';
  const config = clone(folder.config);
  config.database.url = `postgresql//user:${secret}@host/`;
  config.workers = secret;
  folder.writeConfig(config);
  assert.ok(!(await check()).stderr.includes(secret));
  folder.write('keys/data-1.key', `${secret}\n`);
  const { stderr } = await checkSpoilt(() => folder.write('keys/data-1.key', `${secret}\n`));
  assert.ok(!stderr.includes(secret), stderr);
});

describe('a good configuration', () => {
  const assertGood = ({ status, stdout, stderr }) => {
    assert.equal(status, 0, stderr);
    assert.match(stdout, /the configuration is good/);
    assert.equal(stderr, '');
  };

  test('is told so, without a database and from any working directory', async () => {
    folder.writeConfig();
    assertGood(await check({ cwd: '/' }));
    const relative = await run(bench.S2S_ISSUER_BINARY, ['check-config', '--config', 'gateway.yaml'], {
      cwd: folder.dir,
    });
    assertGood(relative);
  });

  test('may have an expired signing certificate: time is a matter of readiness', async () => {
    const names = { kind: 'signer', authority: 'signer', san: 'DNS:localhost', options: EXPIRED };
    const { crt, key } = await issue(folder, 'old-signer', names);
    const config = clone(folder.config);
    config.credential_configurations[0].signing = { certificate: crt, key };
    folder.writeConfig(config);
    assertGood(await check());
  });

  test('may leave the database URL to the environment', async () => {
    const config = clone(folder.config);
    const { url } = config.database;
    delete config.database.url;
    folder.writeConfig(config);
    const without = { ...process.env };
    delete without.S2S_DATABASE_URL;
    assert.equal((await check({ env: without })).status, BAD);
    assertGood(await check({ env: { ...without, S2S_DATABASE_URL: url } }));
  });

  test('may be written in any style of YAML', async () => {
    const block = configText(folder.config).replace('"workers": 2,', '# a comment\n  workers: 2,');
    folder.writeConfig(block);
    assertGood(await check());
  });
});
