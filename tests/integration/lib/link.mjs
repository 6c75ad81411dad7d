// SPDX-License-Identifier: Apache-2.0
//
// A line between two programs, as a TCP relay that a test can cut, close or silence without harm to others.

import { once } from 'node:events';
import net from 'node:net';
import { databaseAddress, freePort } from './bench.mjs';

export class Link {
  /** A line to `target`, `{ host, port }`. */
  static async open(target) {
    const link = new this(await freePort(), target);
    await link.restore();
    return link;
  }

  constructor(port, target) {
    this.port = port;
    this.target = target;
    this.pairs = new Set();
    this.mute = false;
  }

  relay(client) {
    const server = net.connect(this.target);
    const pair = { client, server };
    this.pairs.add(pair);
    const end = () => {
      this.pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
    client.on('data', (data) => server.write(data));
    server.on('data', (data) => {
      if (!this.mute) client.write(data);
    });
  }

  get connections() {
    return this.pairs.size;
  }

  /** Break all connections; new ones are taken. */
  cut() {
    for (const { client, server } of this.pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
    this.pairs.clear();
  }

  /** As if the server were not running. */
  async close() {
    if (!this.listener) return;
    const closed = once(this.listener, 'close');
    this.listener.close();
    this.listener = undefined;
    this.cut();
    await closed;
  }

  /** The server hears, but is not heard, until `cut` or `restore`. */
  silence() {
    this.mute = true;
  }

  async restore() {
    this.mute = false;
    if (this.listener) return;
    this.listener = net.createServer((client) => this.relay(client)).listen(this.port, '127.0.0.1');
    this.listener.unref(); // a test that fails leaves it open
    await once(this.listener, 'listening');
  }
}

/** The line between one gateway and PostgreSQL. */
export class DatabaseLink extends Link {
  static open() {
    return super.open(databaseAddress());
  }
}
