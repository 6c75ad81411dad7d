// SPDX-License-Identifier: Apache-2.0
//
// s2s-load (tests/load), as an operator uses it: every scenario over either HTTP, what it counts against what the
// database has, and faults that it must tell.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bench, run, sql } from '../lib/bench.mjs';
import { closing, Gateway, withGateway } from '../lib/gateway.mjs';
import { assertOnce } from '../lib/load.mjs';

// It is built beside the gateway.
const TOOL = join(dirname(bench.S2S_ISSUER_BINARY), '../tests/load/s2s-load');
const skip = existsSync(TOOL) ? false : `there is no ${TOOL}`;

const gateway = await Gateway.start('load-tool');

const identity = (who) => ['--cert', bench[`S2S_${who}_CERT`], '--key', bench[`S2S_${who}_KEY`]];

/**
 * Run the tool on `target`; resolves to its exit status, what it says, and the result when there is one. `through`: a program, with
 * arguments, that runs it.
 */
async function load(target, args, { who = ['WALLET'], through = [] } = {}) {
  const whom = ['--url', target.url, '--ca', bench.S2S_CA, '--signer-ca', bench.S2S_SIGNER_CA];
  const common = [...whom, ...who.flatMap(identity), '--configuration', 'badge_auto', '--json', '-', '--quiet'];
  const [program, ...rest] = [...through, TOOL, ...common, ...args.split(' ')];
  const { status, stdout, stderr } = await run(program, rest, { maxBuffer: 1 << 24 });
  return { status, stderr, result: stdout === '' ? undefined : JSON.parse(stdout) };
}

/** A run without a fault, of `count` operations. */
function assertClean({ status, stderr, result }, count) {
  assert.equal(status, 0, stderr + JSON.stringify(result?.errors));
  assert.deepEqual(result.errors, {});
  assert.equal(result.operations.count, count);
  assert.equal(result.operations.failed, 0);
  const { p50, p90, p99, max } = result.operations.latency_us;
  assert.ok(0 < p50 && p50 <= p90 && p90 <= p99 && p99 <= max, JSON.stringify(result.operations.latency_us));
}

// Scenario, options, and requests of the steps in `count` operations (a decision takes as many looks as it takes).
const COUNT = 40;
const SCENARIOS = [
  ['initiate', '', ['initiate']],
  ['initiate', '--payloads 2 --payload-size 500 --nonce bound', ['initiate']],
  ['initiate', '--on-the-fly --alg HPKE-0-KE', ['initiate']],
  ['decision', '--poll 20ms', ['initiate']],
  ['flow', '--keys 3 --poll 20ms', ['initiate', 'provision', 'get']],
  ['get', '--keys 2', ['get']],
  ['status', '', ['status']],
  ['credential-status', '', ['credential-status']],
  ['lifecycle', '', ['suspend', 'resume']],
];
const PROTOCOLS = { 'HTTP/2': '--connections 2 --streams 4', 'HTTP/1.1': '--connections 4 --http 1.1' };

for (const [http, connections] of Object.entries(PROTOCOLS)) {
  for (const [scenario, options, steps] of SCENARIOS) {
    test(`${scenario} ${options} over ${http}`, { skip }, async () => {
      const args = [connections, options, '--requests', COUNT, scenario].filter(Boolean).join(' ');
      const outcome = await load(gateway, args);
      assertClean(outcome, COUNT);
      const { result } = outcome;
      assert.equal(result.setting.http, http);
      assert.equal(result.scenarios[scenario].count, COUNT);
      for (const step of steps) assert.equal(result.requests.steps[step].count, COUNT, step);
      if (steps.includes('get')) {
        assert.deepEqual(result.verified, { answers: COUNT, sampled: COUNT, failed: 0 });
      }
    });
  }
}

test('a mix keeps its weights, over threads and wallet servers', { skip }, async () => {
  const args = '--threads 2 --connections 4 --streams 2 --requests 80 --mix initiate=3,get=1';
  const outcome = await load(gateway, args, { who: ['WALLET', 'OTHER_WALLET'] });
  assertClean(outcome, 80);
  assert.equal(outcome.result.scenarios.initiate.count, 60);
  assert.equal(outcome.result.scenarios.get.count, 20);
});

test('an open loop begins as many operations as its rate says', { skip }, async () => {
  const args = '--connections 2 --streams 8 --rate 50 --ramp 500ms --duration 2s status';
  const { status, result } = await load(gateway, args);
  assert.equal(status, 0);
  const begun = result.operations.count + result.operations.unfinished;
  assert.ok(Math.abs(begun - 100) <= 3, `${begun} operations`);
});

test('--pid tells what the gateway has used', { skip }, async () => {
  const { result } = await load(gateway, `--pid ${gateway.pid} --connections 2 --streams 4 --duration 1s initiate`);
  const [usage] = result.processes;
  assert.equal(usage.pid, gateway.pid);
  assert.ok(usage.cpu_seconds > 0 && usage.cpu_us_per_operation > 0 && usage.resident_bytes > 1 << 20);
});

test('--idle opens connections and leaves them alone', { skip }, async () => {
  const { status, result } = await load(gateway, `--pid ${gateway.pid} --idle 20`);
  assert.equal(status, 0);
  assert.equal(result.open, 20);
  assert.ok(Number.isFinite(result.processes[0].bytes_per_connection));
});

test('refusals are counted by their kind, and the exit status tells', { skip }, async () => {
  const { status, result } = await load(gateway, '--requests 5 initiate', { who: ['STRANGER'] });
  assert.equal(status, 1);
  assert.deepEqual(result.errors, { 'HTTP 403 unknown-peer': 5 });
  assert.equal(result.operations.count, 0);
  assert.equal(result.operations.failed, 5);
});

test('an interrupt ends a run in order', { skip }, async () => {
  const journal = gateway.path('journal');
  const script = '"$@" & while [[ ! -s $0 ]]; do sleep 0.1; done; kill -TERM $!; wait $!';
  const through = ['bash', '-c', script, journal];
  const outcome = await load(gateway, `--on-the-fly --rate 50 --duration 10m --journal ${journal} initiate`, { through });
  assertClean(outcome, outcome.result?.operations.count);
  assert.ok(outcome.result.operations.count > 0);
  assert.ok(outcome.result.seconds < 60, `it went on for ${outcome.result.seconds} s`);
});

test('a host that is not this machine must be named twice', { skip }, async () => {
  for (const permission of ['', ' --host 192.0.2.1', ' --host 192.0.2.1 --really 192.0.2.2']) {
    const { status, stderr, result } = await load({ url: 'https://192.0.2.1' }, `--requests 1${permission} initiate`);
    assert.equal(status, 2);
    assert.equal(result, undefined);
    assert.match(stderr, /name it twice/);
  }
});

test('what was acknowledged while a gateway was killed is there once', { skip }, async () => {
  await withGateway('load-tool-killed', {}, async (killed) => {
    const journal = killed.path('journal');
    const args = `--connections 4 --streams 4 --rate 80 --duration 4s --retry 20s --journal ${journal} initiate`;
    const running = load(killed, args);
    await sleep(1500);
    await killed.stop('SIGKILL');
    await killed.serve();
    const { result } = await running;
    assert.equal(result.operations.failed, 0);
    assert.ok(result.connections.lost > 0);

    const lines = readFileSync(journal, 'utf8').split('\n').filter(Boolean);
    const sessions = lines.map((line) => {
      const [, sessionId, verificationId] = line.split(' ');
      return { sessionId, verificationId };
    });
    // Those whose answer was under way at the end are in the database, and were acknowledged to nobody.
    const known = new Set(sessions.map(({ sessionId }) => sessionId));
    const rows = await sql(killed.database, 'SELECT session_id, verification_id FROM s2s.verification');
    const unheard = rows.map((row) => row.split('|')).filter(([sessionId]) => !known.has(sessionId));
    assert.ok(unheard.length <= 16, `${unheard.length} were never acknowledged`);
    const others = unheard.map(([sessionId, verificationId]) => ({ sessionId, verificationId }));
    await assertOnce(killed, [...sessions, ...others]);
  });
});

closing(gateway);
