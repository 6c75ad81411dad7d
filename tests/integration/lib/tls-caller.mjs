// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.1 written by hand over one TLS connection, for tests that care about the connection itself.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import tls from 'node:tls';
import { API_VERSION } from '../../interop/lib/wallet.mjs';
import { bench } from './bench.mjs';
import { tlsIdentity } from '../../interop/lib/env.mjs';

const ANSWER_MS = 15_000;

export class TlsCaller {
  /** `options` are those of node:tls; the trust anchor, and without a certificate the wallet's, are given. */
  static async connect(gateway, options = tlsIdentity(bench, 'WALLET')) {
    const address = { host: '127.0.0.1', port: gateway.ports.s2s, ALPNProtocols: ['http/1.1'] };
    const caller = new TlsCaller(tls.connect({ ...address, ...tlsIdentity(bench), ...options }));
    await once(caller.socket, 'secureConnect');
    return caller;
  }

  constructor(socket) {
    this.socket = socket;
    this.received = '';
    this.tickets = [];
    this.closed = false;
    socket.on('error', () => {});
    socket.on('session', (ticket) => {
      this.tickets.push(ticket);
      socket.emit('progress');
    });
    socket.on('data', (data) => {
      this.received += data.toString('latin1');
      socket.emit('progress');
    });
    socket.on('close', () => {
      this.closed = true;
      socket.emit('progress');
    });
  }

  get resumed() {
    return this.socket.isSessionReused();
  }

  /** SHA-256 of the server's certificate. */
  get serverFingerprint() {
    return this.socket.getPeerCertificate().fingerprint256;
  }

  /** The newest session ticket. */
  async ticket() {
    await this.until(() => this.tickets.length > 0, 'a session ticket');
    return this.tickets[this.tickets.length - 1];
  }

  write(text) {
    this.socket.write(text);
  }

  /** The head of a POST with every header that the protocol asks for; `headers` overwrite, undefined takes away. */
  head(path, headers = {}) {
    const fields = {
      Host: '127.0.0.1',
      'Content-Type': 'application/json',
      'Api-Version': API_VERSION,
      'X-Request-Id': randomUUID(),
      ...headers,
    };
    const lines = Object.entries(fields).filter(([, value]) => value !== undefined);
    return `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  }

  /** Send a whole request; `body` is a value to serialize. */
  send(path, body, headers = {}) {
    const text = JSON.stringify(body);
    this.write(this.head(path, { 'Content-Length': Buffer.byteLength(text), ...headers }) + text);
  }

  /** Wait until `ready` is true of what was received. */
  async until(ready, what) {
    const giveUp = AbortSignal.timeout(ANSWER_MS);
    while (!ready()) {
      await once(this.socket, 'progress', { signal: giveUp }).catch(() =>
        assert.fail(`not within ${ANSWER_MS} ms: ${what}`),
      );
    }
  }

  /** The next answer: `{ status, head, body }`; status is undefined when the connection ended first. */
  async answer() {
    const whole = () => {
      const end = this.received.indexOf('\r\n\r\n');
      const length = /content-length: (\d+)/i.exec(this.received.slice(0, end))?.[1];
      return end >= 0 && this.received.length >= end + 4 + Number(length ?? 0) && { end, length: Number(length ?? 0) };
    };
    await this.until(() => whole() || this.closed, 'an answer');
    const found = whole();
    if (!found) return { status: undefined, head: '', body: this.received };
    const head = this.received.slice(0, found.end);
    const body = this.received.slice(found.end + 4, found.end + 4 + found.length);
    this.received = this.received.slice(found.end + 4 + found.length);
    return { status: Number(head.split(' ')[1]), head, body };
  }

  async post(path, body, headers) {
    this.send(path, body, headers);
    return this.answer();
  }

  /** Resolves when the server has ended the connection. */
  ended() {
    return this.until(() => this.closed, 'the end of the connection');
  }

  close() {
    this.socket.end();
  }

  /** Go without goodbye. */
  destroy() {
    this.socket.destroy();
  }
}
