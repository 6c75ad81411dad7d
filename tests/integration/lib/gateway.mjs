// SPDX-License-Identifier: Apache-2.0
//
// A gateway of a test's own: folder, configuration, database, process. Every one is closed with the same invariants: it
// ends by itself with status 0, no sanitizer has spoken, nothing unexpected stands in the log, and fsck is clean.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, cpSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CheckedWallet } from '../../interop/suite/support.mjs';
import { CheckedApp } from './app.mjs';
import { bench, command, createDatabase, databaseUrl, eventually, freePort } from './bench.mjs';
import { APP_TOKEN, configText, ROLES } from './config.mjs';
import { parseMetrics } from './prometheus.mjs';

const DATASETS = fileURLToPath(new URL('../../../deploy/dev-files/datasets', import.meta.url));
const SANITIZERS = /ERROR: (Address|Leak|Memory|Thread)Sanitizer|runtime error:|SUMMARY: \w*Sanitizer/;
const START_MS = 30_000;
const END_MS = 20_000;

// Whatever ends this process, no gateway outlives it.
const GATEWAY = ['setpriv', ['--pdeathsig', 'KILL', bench.S2S_ISSUER_BINARY, 'serve', '--config']];

const parseLine = (line) => {
  try {
    return JSON.parse(line);
  } catch {
    return { text: line };
  }
};

export class Gateway {
  /**
   * A folder with keys, certificates and datasets of its own, a database of its own (reached through `link` or
   * `hosts`), and the configuration of a `role`, which `edit` may change. `prepare` may do more to the folder, and take
   * its time.
   */
  static async prepare(
    name,
    { role = 'issuer', edit = () => {}, prepare = () => {}, link, hosts, database } = {},
  ) {
    const gateway = new Gateway();
    gateway.name = name;
    gateway.dir = join(bench.dir, 'gateways', `${name}-${process.hrtime.bigint()}`);
    mkdirSync(gateway.dir, { recursive: true });
    for (const folder of ['pki', 'keys']) cpSync(join(bench.dir, folder), gateway.path(folder), { recursive: true });
    cpSync(DATASETS, gateway.path('datasets'), { recursive: true });
    gateway.database = database ?? (await createDatabase());
    gateway.role = role;
    gateway.ports = {};
    for (const listener of ROLES[role].ports) gateway.ports[listener] = await freePort();
    const url = databaseUrl(gateway.database, { hosts: hosts ?? (link && `127.0.0.1:${link.port}`) });
    gateway.config = ROLES[role].config({ ports: gateway.ports, databaseUrl: url });
    edit(gateway.config, gateway);
    gateway.writeConfig();
    await prepare(gateway);
    return gateway;
  }

  /** prepare, and serve until ready (or, with `ready: false`, until it listens). */
  static async start(name, options = {}) {
    const gateway = await Gateway.prepare(name, options);
    await gateway.serve(options);
    return gateway;
  }

  path(...names) {
    return join(this.dir, ...names);
  }

  get configPath() {
    return this.path('gateway.yaml');
  }

  get logPath() {
    return this.path('gateway.log');
  }

  /** Where its peers call it. */
  get url() {
    return `https://127.0.0.1:${this.ports[this.role === 'wallet' ? 'wallet' : 's2s']}`;
  }

  get admin() {
    return `http://127.0.0.1:${this.ports.admin}`;
  }

  writeConfig(config = this.config) {
    this.write('gateway.yaml', typeof config === 'string' ? config : configText(config));
  }

  /** Write a file of the gateway's folder, closed to others. */
  write(name, text) {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
    chmodSync(this.path(name), 0o600);
  }

  /**
   * Take over the configuration of another gateway of this role, but for the listeners; and the files that it has
   * beside those of the bench.
   */
  resemble(model) {
    const { listeners } = this.config;
    this.config = { ...structuredClone(model.config), listeners };
    for (const folder of ['pki', 'keys']) cpSync(model.path(folder), this.path(folder), { recursive: true });
  }

  // --- the process ----------------------------------------------------------------------------------------------

  async serve({ ready = true } = {}) {
    const log = openSync(this.logPath, 'a');
    const [program, args] = GATEWAY;
    this.child = spawn(program, [...args, this.configPath], { stdio: ['ignore', log, log] });
    closeSync(log);
    this.ended = once(this.child, 'exit').then(([status, signal]) => ({ status, signal }));
    const probe = ready ? '/readyz' : '/healthz';
    const up = async () => this.child.exitCode !== null || (await this.get(probe)).status === 200;
    await eventually(`${this.name} answers ${probe}`, up, { timeoutMs: START_MS });
    assert.equal(this.child.exitCode, null, `${this.name} ended:\n${this.logText()}`);
  }

  get pid() {
    return this.child.pid;
  }

  /** The number of its open descriptors. */
  descriptors() {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /**
   * Send a signal and wait for the end: `{ status, signal, ms }`. One that does not end is killed, and `signal` says
   * so.
   */
  async stop(signal = 'SIGTERM', timeoutMs = END_MS) {
    const began = Date.now();
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), timeoutMs);
    const outcome = await this.ended;
    clearTimeout(timer);
    return { ...outcome, ms: Date.now() - began };
  }

  /**
   * End it, if it still runs, and check what every gateway must leave behind. `expectedErrors` are the events of level
   * "error" that the test has provoked.
   */
  async close({ expectedErrors = [] } = {}) {
    if (this.child?.exitCode === null && this.child.signalCode === null) {
      const { status, signal } = await this.stop();
      assert.equal(status, 0, `${this.name} ended with ${status ?? signal}:\n${this.logText().slice(-4000)}`);
    }
    const log = this.logText();
    assert.ok(!SANITIZERS.test(log), `a sanitizer spoke, see ${this.logPath}`);
    const errors = this.log().filter(({ level, event }) => level === 'error' && !expectedErrors.includes(event));
    assert.deepEqual(errors, [], 'errors in the log');
    await this.fsck();
  }

  /**
   * Resolves when the database keeps its promises. It is asked directly, whatever stands between it and the gateway.
   */
  async fsck() {
    this.write('fsck.yaml', configText({ ...this.config, database: { url: databaseUrl(this.database) } }));
    const { status, stdout, stderr } = await command('fsck', this.path('fsck.yaml'));
    assert.equal(status, 0, stdout + stderr);
  }

  // --- what it says ---------------------------------------------------------------------------------------------

  logText() {
    return readFileSync(this.logPath, 'utf8');
  }

  /** The log from octet `from` on: an object a line; a line that is not JSON is `{ text }`. */
  log(from = 0) {
    return readFileSync(this.logPath).subarray(from).toString().split('\n').filter(Boolean).map(parseLine);
  }

  /** Where the log ends now, for `log`. */
  get logEnd() {
    return readFileSync(this.logPath).length;
  }

  /** Wait for a log line with these members; resolves to it. */
  logged(members, { from = 0, ...options } = {}) {
    const fits = (line) => Object.entries(members).every(([name, value]) => line[name] === value);
    return eventually(`a log line with ${JSON.stringify(members)}`, () => this.log(from).find(fits), options);
  }

  /** GET of the operators' listener, over a connection of its own: `{ status, text, type }`. */
  get(path, { method = 'GET' } = {}) {
    return new Promise((resolve, reject) => {
      const request = http.request(this.admin + path, { method, agent: false, timeout: 15_000 });
      request.on('timeout', () => request.destroy(new Error(`no answer from ${path}`)));
      request.on('error', reject);
      request.on('response', async (response) => {
        const chunks = [];
        for await (const chunk of response) chunks.push(chunk);
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode, text, type: response.headers['content-type'] });
      });
      request.end();
    });
  }

  async metrics() {
    return parseMetrics((await this.get('/metrics')).text);
  }

  // --- reload ---------------------------------------------------------------------------------------------------

  /** SIGHUP; resolves to the lines that were logged up to, and with, the verdict, and `taken`. */
  async reload() {
    const from = this.logEnd;
    const verdict = ({ event }) => event === 'reloaded' || event === 'reload_failed';
    this.child.kill('SIGHUP');
    const lines = await eventually('a verdict on the reload', () => {
      const logged = this.log(from);
      return logged.some(verdict) && logged;
    });
    const taken = lines.find(verdict).event === 'reloaded';
    return { taken, lines, text: lines.map((line) => line.text ?? '').join('\n') };
  }

  /** Write `config`, reload, and wait until every worker must have it. */
  async reconfigure(edit = () => {}) {
    edit(this.config, this);
    this.writeConfig();
    const outcome = await this.reload();
    assert.ok(outcome.taken, outcome.text);
    await this.get('/healthz'); // a round of the loop: the workers were woken before
    return outcome;
  }

  // --- callers --------------------------------------------------------------------------------------------------

  /** A wallet that checks every answer. Options as for Wallet.connect: `who`, `protocol`, `tls`. */
  connect(options) {
    return CheckedWallet.connect({ ...bench, S2S_ISSUER_URL: this.url }, options);
  }

  /** The application API of a wallet gateway, for a backend that checks every answer. */
  app(options = {}) {
    return new CheckedApp({ url: `http://127.0.0.1:${this.ports.app}`, token: APP_TOKEN, ...options });
  }
}

/** Migrate the database `s2s`, which every other one is copied from. */
export async function migrateTemplate() {
  const gateway = await Gateway.prepare('template', { database: 's2s' });
  const { status, stderr } = await command('migrate', gateway.configPath);
  assert.equal(status, 0, stderr);
}

/** Declare the last test of a file: its gateway leaves all in order. */
export function closing(gateway, options) {
  test(`${gateway.name}: ends well, with a quiet log and a clean database`, () => gateway.close(options));
}

/** Run `body` with a gateway of its own, which is closed afterwards. */
export async function withGateway(name, options, body) {
  const gateway = await Gateway.start(name, options);
  try {
    await body(gateway);
  } catch (error) {
    gateway.child.kill('SIGKILL');
    throw error;
  }
  await gateway.close(options);
}
