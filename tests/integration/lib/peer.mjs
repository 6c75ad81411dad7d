// SPDX-License-Identifier: Apache-2.0
//
// A wallet server or an issuer, played by the misbehaving peer of tests/lib/peer.mjs in a process of its own: what it
// is told to do, and what it got.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bench, eventually } from './bench.mjs';

const PROGRAM = fileURLToPath(new URL('../../lib/peer.mjs', import.meta.url));

const pki = (name) => join(bench.dir, 'pki', name);

/** Members of `request` that are in `wanted`, whose values are all equal. */
const fits = (request, wanted) => Object.entries(wanted).every(([name, value]) => request[name] === value);

export class Peer {
  /** `args` are further options of the program; its certificate is the one of all servers of the bench. */
  static async start(name, { args = [] } = {}) {
    const peer = new Peer();
    peer.name = name;
    peer.args = args;
    peer.dir = join(bench.dir, 'peers', `${name}-${process.hrtime.bigint()}`);
    mkdirSync(peer.dir, { recursive: true });
    peer.forget();
    await peer.listen(0);
    return peer;
  }

  get url() {
    return `https://127.0.0.1:${this.port}`;
  }

  async listen(port = this.port) {
    const files = ['--journal', join(this.dir, 'journal'), '--control', join(this.dir, 'control')];
    const own = ['--cert', pki('server.crt'), '--key', pki('server.key'), '--ca', pki('ca.crt')];
    const place = ['--port', String(port), '--until-stdin-ends'];
    // Of an authority that nobody knows.
    const wrong = ['--wrong-cert', pki('rogue.crt'), '--wrong-key', pki('rogue.key')];
    this.child = spawn(process.execPath, [PROGRAM, ...place, ...files, ...own, ...wrong, ...this.args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = await once(this.child.stdout, 'data');
    this.port = Number(/^listening (\d+)/.exec(line)[1]);
  }

  /** As if it were not running; `listen` brings it back to the same address. */
  async close() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  /** What it does from now on: see tests/lib/peer.mjs for the behaviours. Without `control` it behaves well. */
  behave(control) {
    const path = join(this.dir, 'control');
    if (control === undefined) return rmSync(path, { force: true });
    writeFileSync(`${path}.new`, JSON.stringify(control));
    return renameSync(`${path}.new`, path);
  }

  /** An empty journal. */
  forget() {
    writeFileSync(join(this.dir, 'journal'), '');
  }

  /**
   * The requests that it got, oldest first, as in its journal; `json` is the body. `wanted`: only those with these
   * members of the request, or of its `json`.
   */
  requests(wanted = {}) {
    const lines = readFileSync(join(this.dir, 'journal'), 'utf8').split('\n');
    lines.pop(); // empty, or not yet written to its end
    const all = lines.map((line) => JSON.parse(line)).map((line) => ({ ...line, json: JSON.parse(line.body || '{}') }));
    return all.filter((request) => fits({ ...request.json, ...request }, wanted));
  }

  /** Wait for `count` such requests; resolves to all of them. */
  received(wanted, { count = 1, ...options } = {}) {
    const enough = () => {
      const found = this.requests(wanted);
      return found.length >= count && found;
    };
    return eventually(`${count} requests to ${this.name} with ${JSON.stringify(wanted)}`, enough, options);
  }

  /** That it got exactly one such request; resolves to it. */
  async receivedOnce(wanted, options) {
    const found = await this.received(wanted, options);
    assert.equal(found.length, 1, `${this.name} got ${found.length} requests with ${JSON.stringify(wanted)}`);
    return found[0];
  }
}
