// SPDX-License-Identifier: Apache-2.0
//
// What operators see: health, readiness with its reason, and metrics that a scraper can read.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { PATHS } from '../../interop/lib/wallet.mjs';
import { assertOk, assertProblem } from '../../interop/suite/support.mjs';
import { eventually, sql } from '../lib/bench.mjs';
import { closing, Gateway, withGateway } from '../lib/gateway.mjs';
import { DatabaseLink } from '../lib/link.mjs';
import { EXPIRED, issue } from '../lib/pki.mjs';
import { parseMetrics } from '../lib/prometheus.mjs';

const link = await DatabaseLink.open();
const gateway = await Gateway.start('operators', { link });
const wallet = await gateway.connect();

const readiness = async (other = gateway) => {
  const { status, text } = await other.get('/readyz');
  return `${status} ${text.trim()}`;
};

describe('readiness', () => {
  test('ends with the database and comes back with it; health does not', async () => {
    assert.equal(await readiness(), '200 ready');
    await link.close();
    await eventually('not ready', async () => (await readiness()) === '503 the database cannot be reached');
    assert.equal((await gateway.get('/healthz')).status, 200);
    const metrics = await gateway.metrics();
    assert.equal(metrics.value('s2s_database_up'), 0);
    assert.ok(metrics.value('s2s_db_connections_lost_total') >= 1);
    await link.restore();
    await eventually('ready again', async () => (await readiness()) === '200 ready');
    assert.equal((await gateway.metrics()).value('s2s_database_up'), 1);
  });

  test('is not there with a signing certificate that has expired, and the reason is said', async () => {
    const prepare = async (other) => {
      const names = { kind: 'signer', authority: 'signer', san: 'DNS:localhost', options: EXPIRED };
      const { crt, key } = await issue(other, 'old-signer', names);
      other.config.credential_configurations[0].signing = { certificate: crt, key };
      other.writeConfig();
    };
    const options = { prepare, ready: false, expectedErrors: ['issuing_failed'] };
    await withGateway('operators-expired', options, async (other) => {
      await eventually('the reason', async () => /^503 .*certificate.*not valid/.test(await readiness(other)));
      const expiry = (await other.metrics()).value('s2s_certificate_expiry_seconds', { configuration: 'badge_auto' });
      assert.ok(expiry < 0, `expires in ${expiry} s`);
      const caller = await other.connect();
      const { session, instances } = await caller.approvedSession();
      const answer = await caller.get(session, instances[0]);
      assert.equal(assertProblem(answer, 503, 'urn:s2s-gateway:problem:unavailable').retryable, true);
      await other.logged({ event: 'issuing_failed', configuration: 'badge_auto' });
      caller.close();
    });
  });

  test('comes by itself when the gateway was started before its database', async () => {
    const late = await DatabaseLink.open();
    await late.close();
    await withGateway('operators-late', { link: late, ready: false }, async (other) => {
      assert.match(await readiness(other), /^503 /);
      await late.restore();
      await eventually('ready', async () => (await readiness(other)) === '200 ready');
    });
    await late.close();
  });

  test('HEAD is answered without a body', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      const { status, text } = await gateway.get(path, { method: 'HEAD' });
      assert.equal(status, 200);
      assert.equal(text, '');
    }
  });
});

describe('metrics', () => {
  test('keep to the text format', async () => {
    const { type, text } = await gateway.get('/metrics');
    assert.equal(type, 'text/plain; version=0.0.4; charset=utf-8');
    parseMetrics(text);
  });

  test('have every family that an operator is promised', async () => {
    const { families } = await gateway.metrics();
    const expected = {
      s2s_requests_total: 'counter',
      s2s_replays_total: 'counter',
      s2s_request_duration_seconds: 'histogram',
      s2s_db_batch_calls: 'histogram',
      s2s_db_batch_duration_seconds: 'histogram',
      s2s_jobs_total: 'counter',
      s2s_queue_depth: 'gauge',
      s2s_queue_oldest_seconds: 'gauge',
      s2s_queue_dead: 'gauge',
      s2s_certificate_expiry_seconds: 'gauge',
      s2s_database_up: 'gauge',
      s2s_generation: 'gauge',
      s2s_config_reloads_total: 'counter',
      s2s_config_reloads_failed_total: 'counter',
      s2s_tls_handshakes_failed_total: 'counter',
    };
    for (const [name, type] of Object.entries(expected)) assert.equal(families.get(name)?.type, type, name);
  });

  test('count each request once, by endpoint, status and peer', async () => {
    const [ok, failed] = [
      { endpoint: 'verification_status', status: 200, peer: 'wallet' },
      { endpoint: 'verification_status', status: 404, peer: 'wallet' },
    ];
    const session = wallet.newSession();
    assertOk(await wallet.initiate(session));
    const before = await gateway.metrics();
    for (let i = 0; i < 7; i++) assertOk(await wallet.status(session));
    for (let i = 0; i < 3; i++)
      assert.equal((await wallet.status(wallet.newSession({ verificationId: randomUUID() }))).status, 404);
    const after = await gateway.metrics();
    const moved = (name, labels) => after.value(name, labels) - before.value(name, labels);
    assert.equal(moved('s2s_requests_total', ok), 7);
    assert.equal(moved('s2s_requests_total', failed), 3);
    assert.equal(moved('s2s_requests_total'), 10);
    assert.equal(moved('s2s_request_duration_seconds_count', { endpoint: 'verification_status' }), 10);
    assert.ok(moved('s2s_request_duration_seconds_sum', { endpoint: 'verification_status' }) > 0);
    assert.ok(moved('s2s_db_batch_calls_sum') >= 10);
  });

  test('never go back', async () => {
    const grows = ({ name }) => /_(total|count|bucket)$/.test(name);
    const before = await gateway.metrics();
    await wallet.approvedSession();
    const after = await gateway.metrics();
    for (const sample of before.samples.filter(grows))
      assert.ok(after.value(sample.name, sample.labels) >= sample.value, JSON.stringify(sample));
  });

  test('count replays', async () => {
    const session = wallet.newSession();
    const [body, requestId] = [await wallet.initiateBody(session), randomUUID()];
    const before = (await gateway.metrics()).value('s2s_replays_total');
    for (let i = 0; i < 4; i++) assertOk(await wallet.call(PATHS.initiate, body, { requestId }));
    assert.equal((await gateway.metrics()).value('s2s_replays_total') - before, 3);
  });

  test('put strangers under a label of their own, not under what they claim', async () => {
    const stranger = await gateway.connect({ who: 'STRANGER' });
    await stranger.call('/no/such/path', {});
    await wallet.call('/no/such/path', {});
    stranger.close();
    const metrics = await gateway.metrics();
    assert.equal(metrics.value('s2s_requests_total', { peer: 'none', status: 403 }), 1);
    assert.equal(metrics.value('s2s_requests_total', { endpoint: 'none', status: 404, peer: 'wallet' }), 1);
  });

  test('carry no ids and no subjects, whatever was asked for', async () => {
    const { session, instances } = await wallet.approvedSession();
    assertOk(await wallet.get(session, instances[0]));
    const { text } = await gateway.get('/metrics');
    const forbidden = [session.sessionId, session.verificationId, instances[0], 'default', 'alice', 'E-1042'];
    for (const id of forbidden) assert.ok(!text.includes(id), id);
    assert.doesNotMatch(text, /[0-9a-f]{8}-[0-9a-f]{4}/, 'nothing like a UUID');
  });

  test('tell when certificates expire', async () => {
    const metrics = await gateway.metrics();
    const uses = metrics.families.get('s2s_certificate_expiry_seconds').samples;
    const expected = ['listener_s2s', 'listener_public', 'metadata', 'credential', 'credential', 'credential'];
    assert.deepEqual(
      uses.map(({ labels }) => labels.use),
      expected,
    );
    const year = 365 * 24 * 3600;
    for (const { value } of uses) assert.ok(value > year - 3600 && value <= year, `${value} s`);
  });

  test('tell how deep the queue is, and how old', async () => {
    const depth = async () => (await gateway.metrics()).value('s2s_queue_depth', { kind: 'evaluate' });
    await eventually('an empty queue', async () => (await depth()) === 0);
    const waits = "now() + interval '1 hour', now() - interval '90 seconds', 'evaluate', 'operators-' || i";
    await sql(
      gateway.database,
      `INSERT INTO s2s.job (next_at, created_at, kind, ref) SELECT ${waits} FROM generate_series(1, 5) i`,
    );
    const metrics = await gateway.metrics();
    assert.equal(metrics.value('s2s_queue_depth', { kind: 'evaluate' }), 5);
    const age = metrics.value('s2s_queue_oldest_seconds', { kind: 'evaluate' });
    assert.ok(age >= 90 && age < 150, `${age} s`);
    await sql(gateway.database, "DELETE FROM s2s.job WHERE ref LIKE 'operators-%'");
  });

  test('count failed handshakes', async () => {
    const failures = async () => (await gateway.metrics()).value('s2s_tls_handshakes_failed_total');
    const before = await failures();
    await assert.rejects(gateway.connect({ tls: { cert: undefined, key: undefined } }));
    await eventually('one more', async () => (await failures()) === before + 1);
  });
});

closing(gateway);
test('the link is closed', () => link.close());
