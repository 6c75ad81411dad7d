// SPDX-License-Identifier: Apache-2.0
//
// A line between two programs, as a TCP relay that a test can cut, close or silence without harm to others. It may lead
// to one of several, in turn, as a load balancer does: what cannot be reached is passed over.

import { once } from 'node:events';
import net from 'node:net';
import { databaseAddress, freePort } from './bench.mjs';

export class Link {
  /** A line to `targets`, each `{ host, port }`. */
  static async open(...targets) {
    const link = new this(await freePort(), targets);
    await link.restore();
    return link;
  }

  constructor(port, targets) {
    this.port = port;
    this.targets = targets;
    this.turn = 0;
    this.pairs = new Set();
    this.mute = false;
  }

  /** A socket to the first of the targets that can be reached, beginning with the one whose turn it is. */
  async reach() {
    const first = this.turn++;
    for (let i = 0; i < this.targets.length; i++) {
      const server = net.connect(this.targets[(first + i) % this.targets.length]);
      const outcome = await Promise.race([once(server, 'connect'), once(server, 'error')]).catch(() => null);
      if (outcome !== null && !(outcome[0] instanceof Error)) return server;
    }
    return null;
  }

  async relay(client) {
    client.on('error', () => {});
    client.pause();
    const server = await this.reach();
    if (server === null || client.destroyed || !this.listener) {
      server?.destroy();
      client.destroy();
      return;
    }
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
    client.resume();
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
