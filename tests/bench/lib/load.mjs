// SPDX-License-Identifier: Apache-2.0
//
// s2s-load, and the other programs that give figures.

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { PROGRAMS } from './stage.mjs';
import { run } from './programs.mjs';

/** Sessions made ahead for each second of a closed loop: more than this machine's like can use. */
const PREPARED_PER_SECOND = 8000;

/**
 * Play `scenario` against the issuer; resolves to s2s-load's JSON, with `perSecond`, `latency` (us) and `cpuUs` (CPU time
 * of the gateway for an operation) at its top. Options are s2s-load's; `flawed`: operations may fail.
 */
export async function load(stage, scenario, { cores, flawed = false, wallet = 'OTHER_WALLET', ...options } = {}) {
  const settings = { connections: 16, streams: 16, ...options };
  if (settings.duration !== undefined && settings.rate === undefined && settings.prepare === undefined)
    settings.prepare = Math.ceil((settings.duration + (settings.warmup ?? 0)) * PREPARED_PER_SECOND);
  const args = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  const command = [PROGRAMS.load, '--env', join(stage.dir, 'env'), '--wallet', wallet, '--quiet', '--json', '-', ...args];
  const statuses = flawed ? [0, 1] : [0];
  const result = JSON.parse(await run(scenario ? [...command, scenario] : command, { cores, statuses }));
  return {
    ...result,
    perSecond: result.operations?.per_second,
    latency: result.operations?.latency_us,
    cpuUs: result.processes?.[0]?.cpu_us_per_operation,
  };
}

/** The crypto floor of a request: `{ us, parts }`. */
export async function floor(stage, request, { cores } = {}) {
  return JSON.parse(await run([PROGRAMS.floor, request, String(stage.plan.floorSeconds)], { cores }));
}

/** The SQL function of an initiate, with the parameters that the gateway gives it for one without verification data. */
const INITIATE = `SELECT status FROM s2s.issuer_initiate(
  p_peer => 'other-wallet', p_request_id => gen_random_uuid(), p_endpoint => 'verification_initiate',
  p_digest => '\\x${'5a'.repeat(32)}', p_token => gen_random_uuid(), p_session_id => gen_random_uuid()::text,
  p_configuration_ids => '{badge_auto}',
  p_wsk => '{"kty":"EC","crv":"P-256","x":"${'x'.repeat(43)}","y":"${'y'.repeat(43)}","alg":"ES256","kid":"1"}',
  p_wsk_thumbprint => '${'t'.repeat(43)}', p_requested_device_count => 1, p_supported_types => NULL, p_locale => NULL,
  p_client_jwe => NULL, p_server_sealed => NULL, p_max_attempts => 0, p_lifetime => '7 days',
  p_max_submissions => 100, p_max_octets => 8388608);`;

/** pgbench: transactions a second. It has the gateway's settings of a session. */
export async function pgbench(stage, name, { clients, seconds }) {
  const script = join(tmpdir(), `s2s-bench-${process.pid}.sql`);
  writeFileSync(script, INITIATE.replaceAll('\n', ' '));
  const command = ['pgbench', '--no-vacuum', '--protocol=prepared', `--client=${clients}`, '--jobs=2', `--time=${seconds}`];
  const output = await run([...command, `--file=${script}`, stage.databaseUrl(name)], {
    env: { ...process.env, PGOPTIONS: '-c enable_seqscan=off -c jit=off -c default_transaction_isolation=read\\ committed' },
  });
  const [, rate] = /tps = ([\d.]+)/.exec(output) ?? [];
  if (rate === undefined) throw new Error(`pgbench said: ${output}`);
  return Number(rate);
}
