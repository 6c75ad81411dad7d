// SPDX-License-Identifier: Apache-2.0
//
// s2sctl against real gateways: what operators type, what the wallet that it plays does, and how both end.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { assertOk } from '../../interop/suite/support.mjs';
import { bench, eventually, run, sql } from '../lib/bench.mjs';
import { callOut, offer as configure } from '../lib/deliveries.mjs';
import { closing, Gateway } from '../lib/gateway.mjs';
import { CheckedOperator, TOKENS, withTokens } from '../lib/operator.mjs';
import { Peer } from '../lib/peer.mjs';

const PROGRAM = join(dirname(bench.S2S_ISSUER_BINARY), 'ctl', 's2sctl');
const [OK, REFUSED, USAGE, UNREACHABLE, UNAUTHORIZED] = [0, 1, 2, 3, 4];
const TYPE = 'urn:s2s-gateway:verification:';

const peer = await Peer.start('wallet');
const gateway = await Gateway.start('s2sctl', {
  edit: (config) => {
    withTokens(config);
    callOut(config, { wallet: peer.url });
    const code = { id: 'code', type: `${TYPE}pre_authorized_code` };
    configure(config, 'badge_offer', { verification: { decision: 'approve', items: [code] } });
    configure(config, 'badge_slow', { ready_after: '1s', verification: { decision: 'approve' } });
  },
});
const wallet = await gateway.connect();
const operator = CheckedOperator.of(gateway);
after(() => [peer, wallet, operator].forEach((it) => it.close()));

const environment = (token = TOKENS.operate) => ({
  PATH: process.env.PATH,
  HOME: gateway.dir,
  S2S_ISSUER_ADMIN: gateway.admin,
  S2S_ISSUER_ADMIN_TOKEN: token,
  S2S_ISSUER_URL: gateway.url,
  S2S_WALLET_CERT: bench.S2S_WALLET_CERT,
  S2S_WALLET_KEY: bench.S2S_WALLET_KEY,
  S2S_CA: bench.S2S_CA,
  S2S_WALLET_DIR: gateway.path('played-wallet'),
});

/** Run s2sctl; resolves to `{ status, stdout, stderr }`. */
const ctl = (args, { env = environment(), ...options } = {}) => run(PROGRAM, args, { env, ...options });

/** Run it with --json; resolves to the JSON of a success. */
async function json(...args) {
  const { status, stdout, stderr } = await ctl([...args, '--json']);
  assert.equal(status, OK, `${args.join(' ')}: ${stderr}`);
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

/** That a command ends like this, saying so. */
async function fails(args, status, said = /./, options = {}) {
  const ended = await ctl(args, options);
  assert.equal(ended.status, status, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
  assert.match(ended.stderr, said);
}

async function underReview() {
  const session = wallet.newSession();
  assertOk(await wallet.initiate(session, { configurations: ['badge_review'] }));
  return { session, ...(await operator.waitForReview(session.verificationId)) };
}

test('no proxy of the environment sees the token', async () => {
  const proxy = 'http://127.0.0.1:1';
  const env = { ...environment(), http_proxy: proxy, https_proxy: proxy, all_proxy: proxy, ALL_PROXY: proxy };
  assert.equal((await ctl(['stats'], { env })).status, OK);
});

describe('how it ends', () => {
  test('2: wrong usage', async () => {
    for (const args of [[], ['fly'], ['offers'], ['stats', '--fast'], ['verifications', 'show'], ['offers', 'list', '--state', 'OLD']])
      await fails(args, USAGE);
    await fails(['stats'], USAGE, /S2S_ISSUER_ADMIN/, { env: { ...environment(), S2S_ISSUER_ADMIN: '' } });
  });

  test('3: unreachable, or not what it should be', async () => {
    await fails(['stats', '--url', 'http://127.0.0.1:1'], UNREACHABLE);
    await fails(['stats', '--url', `${gateway.admin}/healthz#`], UNREACHABLE);
  });

  test('4: unauthorized', async () => {
    await fails(['stats'], UNAUTHORIZED, /token/, { env: { ...environment(''), S2S_ISSUER_ADMIN_TOKEN: '' } });
    await fails(['stats'], UNAUTHORIZED, /401/, { env: environment('guessed') });
    await fails(['instances', 'cancel', 'x'], UNAUTHORIZED, /403/, { env: environment(TOKENS.read) });
  });

  test('1: not found, refused', async () => {
    await fails(['instances', 'show', 'nothing'], REFUSED, /404/);
    await fails(['offers', 'make', 'nothing'], REFUSED, /credentialConfigurationIds\/0/);
    const { verificationId, version } = await underReview();
    await fails(['verifications', 'decide', verificationId, 'approve', '--version', String(version + 1)], REFUSED, /409.*PENDING/s);
  });

  test('0: help and version, without a gateway', async () => {
    for (const args of [['help'], ['--help'], ['help', 'offers'], ['help', 'offers', 'make'], ['offers', 'make', '-h'], ['version']]) {
      const { status, stdout } = await ctl(args, { env: { PATH: process.env.PATH } });
      assert.equal(status, OK);
      assert.match(stdout, /s2sctl|offers/);
    }
  });
});

describe('where it asks, and who it is', () => {
  test('options go before the environment, and that before the file', async () => {
    const env = { PATH: process.env.PATH, HOME: gateway.dir };
    writeFileSync(gateway.path('token'), `${TOKENS.read}\n`);
    gateway.write('.config/s2sctl', `url = ${gateway.admin}/\n# a comment\ntoken-file = ${gateway.path('token')}\n`);
    assert.equal((await ctl(['stats'], { env })).status, OK);
    assert.equal((await ctl(['stats'], { env: { ...env, S2S_ISSUER_ADMIN_TOKEN: 'guessed' } })).status, UNAUTHORIZED);
    const given = ['--token-file', gateway.path('token'), '--url', gateway.admin];
    assert.equal((await ctl(['stats', ...given], { env: environment('guessed') })).status, OK);
    await fails(['stats', '--token-file', '/nowhere'], USAGE, /nowhere/);
  });
});

describe('what operators type', () => {
  test('lists are tables, on a terminal with colours, unless they are not wanted', async () => {
    const { verificationId } = await underReview();
    const { stdout } = await ctl(['verifications', 'list', '--awaiting']);
    assert.match(stdout, /^VERIFICATION +STATUS +WAITS/);
    assert.match(stdout, new RegExp(`^${verificationId} +PENDING +yes +wallet`, 'm'));
    const coloured = await ctl(['verifications', 'list', '--awaiting', '--color', 'always']);
    assert.ok(coloured.stdout.includes('\u001b[33mPENDING\u001b[0m'));
    const typed = `script --quiet --return --command '${PROGRAM} verifications list --awaiting' /dev/null`;
    const onTerminal = (env) => run('sh', ['-c', typed], { env: { ...environment(), TERM: 'xterm', ...env } });
    assert.ok((await onTerminal({})).stdout.includes('\u001b[33mPENDING'));
    assert.ok(!(await onTerminal({ NO_COLOR: '1' })).stdout.includes('\u001b[33m'));
    assert.ok(!(await onTerminal({ TERM: 'dumb' })).stdout.includes('\u001b[33m'));
  });

  test('pages are followed when that is wanted', async () => {
    for (let i = 0; i < 5; i++) assertOk(await wallet.initiate(wallet.newSession()));
    const { stdout, stderr } = await ctl(['sessions', 'list', '--limit', '2']);
    assert.equal(stdout.trim().split('\n').length, 3);
    const [, cursor] = /--cursor (\S+)/.exec(stderr);
    assert.equal((await json('sessions', 'list', '--limit', '2', '--cursor', cursor)).sessions.length, 2);
    assert.ok((await json('sessions', 'list', '--limit', '2', '--all')).sessions.length >= 5);
  });

  test('verifications are decided, and more is asked for', async () => {
    const { session, verificationId } = await underReview();
    await fails(['verifications', 'decide', verificationId, 'deny'], USAGE, /--reason/);
    await fails(['verifications', 'decide', verificationId, 'deny', '--subject', 'x'], USAGE, /--subject/);
    const asked = await json('verifications', 'ask', verificationId, '--item', 'otp=o1', '--item', 'urn:x=x1', '--deadline', '1h');
    assert.deepEqual(
      asked.verificationDataRequest.verificationDataItems.map(({ id, type }) => [id, type]),
      [['o1', `${TYPE}otp`], ['x1', 'urn:x']]);
    assert.ok(Date.parse(asked.deadline) - Date.now() > 3500_000);
    assertOk(await wallet.supplement(session, { items: [{ id: 'o1', type: `${TYPE}otp`, otp: '\u001b]0;title\u0007' }] }));
    await operator.waitForReview(verificationId);
    const items = await ctl(['verifications', 'items', verificationId], { env: environment(TOKENS.review) });
    assert.ok(items.stdout.includes('otp: \\x1b]0;title\\x07'), 'a terminal is not given what a wallet says as it is');
    const decided = await json('verifications', 'decide', verificationId, 'approve', '--dataset', 'badge_review=alice', '--dataset', 'badge_review=default');
    assert.deepEqual([decided.status, decided.decidedBy], ['APPROVED', 'admin:operate']);
    assert.equal((await wallet.provision(session)).json.CredentialInstances[0].credentialInstanceIds.length, 2);
  });

  test('instances are acted on, one and many', async () => {
    const sessions = await Promise.all(Array.from({ length: 6 }, () => wallet.approvedSession()));
    const [id, ...others] = sessions.flatMap(({ instances }) => instances);
    assert.equal((await json('instances', 'suspend', id, '--reason', 'FRAUD')).instance.status, 'SUSPENDED_ISSUER');
    assert.equal((await json('instances', 'resume', id)).outcome, 'COMPLETED');
    gateway.write('claims.json', JSON.stringify({ given_name: 'Pushed' }));
    const pushed = ['instances', 'dataset', id, '--claims', gateway.path('claims.json'), '--dataset-version', '7'];
    assert.equal((await json(...pushed)).outcome, 'COMPLETED');
    assert.equal((await json('instances', 'cancel', id)).instance.status, 'CANCELLED');
    assert.equal((await ctl(['instances', 'suspend', id])).status, REFUSED, 'what is over stays so');
    const bulk = await json('bulk', 'start', 'suspend', ...others.flatMap((it) => ['--instance', it]), '--wait');
    assert.deepEqual([bulk.status, bulk.done], ['DONE', others.length]);
    assert.equal((await json('bulk', 'show', bulk.bulkId)).done, others.length);
    assert.equal((await ctl(['bulk', 'start', 'suspend', '--instance', id, '--wait'])).status, REFUSED);
    const typed = `script --quiet --return --command '${PROGRAM} bulk start resume --wait ${others.map((it) => `--instance ${it}`).join(' ')}' /dev/null`;
    const { stdout } = await run('sh', ['-c', typed], { env: { ...environment(), TERM: 'xterm' } });
    assert.match(stdout, /█ 100 % +5 of 5/);
  });

  test('offers are made with a QR code that stands for their link, shown, revoked', async () => {
    const svg = gateway.path('offer.svg');
    const { status, stdout } = await ctl(['offers', 'make', 'badge_offer', '--by-reference', '--tx-code', '--svg', svg]);
    assert.equal(status, OK);
    assert.match(stdout, /^█{20,}/);
    assert.match(stdout, /^link: openid-credential-offer:\/\/\?credential_offer_uri=https%3A/m);
    assert.match(stdout, /^transaction code: \d{6}$/m);
    assert.match(readFileSync(svg, 'utf8'), /^<svg /);
    const [, id] = /^offer: (\S+)/m.exec(stdout);
    assert.equal((await json('offers', 'show', id)).state, 'OPEN');
    assert.equal((await json('offers', 'revoke', id)).offer.state, 'REVOKED');
    assert.ok((await json('offers', 'list', '--state', 'REVOKED')).offers.some(({ offerId }) => offerId === id));
  });

  test('dead letters are sent again, and reconciliation is waited for', async () => {
    peer.behave({ '*': { behaviour: 'answer', status: 400, body: '{}' } });
    const sessions = await Promise.all([1, 2].map(() => wallet.approvedSession()));
    const { deadLetters } = await eventually('two dead letters', async () => {
      const listed = await json('dead-letters', 'list', '--peer', 'wallet');
      const about = sessions.every(({ session }) => listed.deadLetters.some(({ ref }) => ref === session.verificationId));
      return about && listed;
    });
    peer.behave();
    await fails(['dead-letters', 'redrive'], USAGE);
    await json('dead-letters', 'redrive', String(deadLetters[0].deadLetterId));
    // More than one call owes again: --all goes on where the one before ended.
    const old = `INSERT INTO s2s.delivery_dead (delivery_id, died_at, created_at, owed_at, attempts, peer, endpoint, ref, reason)
      SELECT 900000000 + n, now(), now(), now(), 1, 'wallet', '/event/notify', 'nothing:' || n, 'HTTP 400' FROM generate_series(1, 700) AS n`;
    await sql(gateway.database, old);
    assert.ok((await json('dead-letters', 'redrive', '--all', '--peer', 'wallet')).redriven >= 701);
    assert.deepEqual((await json('dead-letters', 'list')).deadLetters, []);
    assert.ok((await json('reconcile', '--peer', 'wallet', '--wait')).finishedAt);
  });

  test('a change is repeated under its request id, without a second effect', async () => {
    const { session, instances: [id] } = await wallet.approvedSession();
    const again = () => json('instances', 'updated', id, '--request-id', session.sessionId);
    const [first, second] = [await again(), await again()];
    assert.deepEqual(second, first);
    assert.equal((await json('audit', '--about', id)).entries.length, 1);
  });

  test('--watch looks again until it is interrupted', async () => {
    const child = spawn(PROGRAM, ['stats', '--json', '--watch', '0.2'], { env: environment() });
    let text = '';
    child.stdout.on('data', (data) => (text += data));
    await eventually('three answers', () => text.split('\n').length > 3);
    child.kill('SIGINT');
    for (const line of text.split('\n').slice(0, 3)) assert.ok(JSON.parse(line).audit);
    await fails(['instances', 'cancel', 'x', '--watch'], USAGE, /--watch/);
  });
});

describe('the played wallet', () => {
  test('goes from nothing to a credential', async () => {
    const keys = await json('wallet', 'keys', '--alg', 'ES384', '--encryption-alg', 'HPKE-3-KE');
    assert.equal(keys.walletSigningKey.crv, 'P-384');
    assert.equal(statSync(gateway.path('played-wallet', 'signing-key.pem')).mode & 0o77, 0);
    const asked = await json('wallet', 'initiate', 'badge_info', '--locale', 'de', '--wait');
    assert.equal(asked.status, 'ADDITIONAL_INFO_REQUIRED');
    assert.equal((await json('wallet', 'supplement', '--item', 'otp,otp=000000', '--wait')).status, 'REJECTED');
    assert.equal((await json('wallet', 'supplement', '--item', '{"id":"otp-1","type":"urn:s2s-gateway:verification:otp","otp":"123456"}', '--wait')).status, 'APPROVED');
    const { CredentialInstances: [group] } = await json('wallet', 'provision');
    const [id] = group.credentialInstanceIds;
    const { credentials } = await json('wallet', 'get', '--keys', '2');
    assert.equal(credentials.length, 2);
    assert.ok((await json('wallet', 'metadata')).credentialMetadata);
    assert.equal((await json('wallet', 'event', 'PROVISIONING_SUCCESS')).acknowledged, true);
    assert.equal((await json('wallet', 'state', id)).currentStatus, 'ACTIVE');
    assert.equal((await json('wallet', 'manage', 'suspend', id, '--reason', 'LOST')).currentStatus, 'SUSPENDED_WALLET');
    const [shown] = await json('wallet', 'decode');
    assert.match(shown.credential.jwt.signature, /^verified with the certificate/);
    assert.equal(shown.credential.claims.given_name, 'Erika');
  });

  test('waits for what is not ready', async () => {
    await json('wallet', 'initiate', 'badge_slow', '--nonce', 'raw', '--wait');
    await json('wallet', 'provision');
    assert.equal((await json('wallet', 'get')).credentials.length, 1);
  });

  test('redeems offers, by value and by reference', async () => {
    for (const how of [[], ['--by-reference']]) {
      const offer = await json('offers', 'make', 'badge_offer', '--tx-code', ...how);
      const tried = ['wallet', 'initiate', 'badge_offer', '--offer', offer.deepLink, '--wait'];
      assert.equal((await json(...tried, '--tx-code', 'wrong')).status, 'REJECTED');
      assert.equal((await json(...tried, '--tx-code', offer.tx_code)).status, 'APPROVED');
    }
  });

  test('verifies anew on its session, and cancels', async () => {
    const first = await json('wallet', 'initiate', 'badge_auto', '--wait');
    const second = await json('wallet', 'initiate', 'badge_auto', '--again', '--wait');
    assert.equal(second.sessionId, first.sessionId);
    assert.notEqual(second.verificationId, first.verificationId);
    await json('wallet', 'initiate', 'badge_review');
    await json('wallet', 'cancel', '--reason', 'HOLDER_ABORTED');
    assert.equal((await ctl(['wallet', 'status'])).status, REFUSED, 'DENIED is no success');
  });

  test('tells what is missing, and what the issuer says', async () => {
    const env = { ...environment(), S2S_WALLET_DIR: gateway.path('empty-wallet') };
    await fails(['wallet', 'get'], USAGE, /wallet initiate/, { env });
    await fails(['wallet', 'decode'], REFUSED, /wallet get/, { env });
    await fails(['wallet', 'initiate', 'nothing'], REFUSED, /400/, { env });
    await fails(['wallet', 'issuer'], UNREACHABLE, /./, { env: { ...env, S2S_CA: '' } });
    await fails(['wallet', 'initiate', 'badge_auto'], UNAUTHORIZED, /403/, {
      env: { ...env, S2S_WALLET_CERT: bench.S2S_STRANGER_CERT, S2S_WALLET_KEY: bench.S2S_STRANGER_KEY },
    });
  });
});

describe('decode', () => {
  test('reads its argument and its input, and opens what the key opens', async () => {
    const { clientEncryptedPayload: [payload] } = await json('wallet', 'payload', '--item', 'otp,otp=123456');
    const text = JSON.stringify(payload);
    const closed = await json('decode', text);
    assert.deepEqual([closed.type, closed.jwe.type], ['JweEncryptedPayload', 'JWE']);
    const opened = await json('decode', text, '--key', gateway.path('keys', 'hpke-0-ke.jwk'));
    assert.equal(opened.jwe.content.payload.otp, '123456');
    const child = spawn(PROGRAM, ['decode', '--json'], { env: environment(), stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(text);
    let said = '';
    for await (const data of child.stdout) said += data;
    assert.equal(JSON.parse(said).type, 'JweEncryptedPayload');
    await fails(['decode', 'nothing'], REFUSED);
  });
});

describe('completion', () => {
  test('is there for bash and zsh', async () => {
    for (const shell of ['bash', 'zsh']) assert.match((await ctl(['completion', shell])).stdout, /verifications/);
    const script = '. <(s2sctl completion bash); COMP_WORDS=(s2sctl offers ""); COMP_CWORD=2; _s2sctl; echo "${COMPREPLY[@]}"';
    const env = { ...environment(), PATH: `${dirname(PROGRAM)}:${process.env.PATH}` };
    assert.equal((await run('bash', ['-c', script], { env })).stdout.trim(), 'make list show revoke');
    await fails(['completion', 'fish'], USAGE);
  });
});

closing(gateway, { expectedErrors: ['delivery_failed'] });
