// SPDX-License-Identifier: Apache-2.0
//
// The line between one gateway and PostgreSQL, as a TCP relay that a test can cut, close or silence without harm to the
// gateways of other tests.

import { once } from 'node:events';
import net from 'node:net';
import { databaseAddress, freePort } from './bench.mjs';

export class DatabaseLink {
  static async open() {
    const link = new DatabaseLink(await freePort());
    await link.restore();
    return link;
  }

  constructor(port) {
    this.port = port;
    this.pairs = new Set();
    this.mute = false;
  }

  relay(client) {
    const server = net.connect(databaseAddress());
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

  /** As if PostgreSQL were not running. */
  async close() {
    if (!this.listener) return;
    const closed = once(this.listener, 'close');
    this.listener.close();
    this.listener = undefined;
    this.cut();
    await closed;
  }

  /** PostgreSQL hears, but is not heard, until `cut` or `restore`. */
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
