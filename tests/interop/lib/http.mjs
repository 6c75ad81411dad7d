// SPDX-License-Identifier: Apache-2.0
//
// A small HTTPS client with a client certificate, over HTTP/1.1 or HTTP/2, that keeps its connections; and plain
// HTTP/1.1 for listeners on loopback and on Unix sockets.

import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';

const DEFAULT_TIMEOUT_MS = 30_000;

/** One answer. Header names are lower case; `body` is the exact bytes. */
export class Response {
  constructor({ status, headers, body, protocol }) {
    this.status = status;
    this.headers = headers;
    this.body = body;
    this.protocol = protocol;
  }

  get text() {
    return this.body.toString('utf8');
  }

  get json() {
    return JSON.parse(this.text);
  }

  get contentType() {
    return String(this.headers['content-type'] ?? '')
      .split(';')[0]
      .trim()
      .toLowerCase();
  }
}

/** What every transport shares: collect a stream's bytes, and give up in time. */
function collect(stream, timeoutMs, resolveWith, reject) {
  const chunks = [];
  const timer = setTimeout(() => stream.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  stream.on('data', (chunk) => chunks.push(chunk));
  stream.on('end', () => {
    clearTimeout(timer);
    resolveWith(Buffer.concat(chunks));
  });
  stream.on('error', (error) => {
    clearTimeout(timer);
    reject(error);
  });
  stream.on('close', () => {
    clearTimeout(timer);
    reject(new Error('connection closed before the answer was complete'));
  });
}

class Http1Transport {
  constructor(tls, { maxSockets, socketPath }) {
    this.scheme = tls === undefined ? http : https;
    this.agent = new this.scheme.Agent({ ...tls, keepAlive: true, maxSockets });
    this.socketPath = socketPath;
  }

  request(url, { method, headers, body, timeoutMs }) {
    return new Promise((resolve, reject) => {
      // Node frames a body by itself only for methods that usually have one; unframed it would be the next request.
      const framed = body === undefined || 'transfer-encoding' in headers;
      const fields = framed ? headers : { 'content-length': Buffer.byteLength(body), ...headers };
      const { agent, socketPath } = this;
      const request = this.scheme.request(url, { agent, socketPath, method, headers: fields, timeout: timeoutMs });
      request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
      request.on('error', reject);
      request.on('response', (message) => {
        const done = (bytes) =>
          resolve(new Response({ status: message.statusCode, headers: message.headers, body: bytes, protocol: 'h1' }));
        collect(message, timeoutMs, done, reject);
      });
      request.end(body);
    });
  }

  close() {
    this.agent.destroy();
  }
}

class Http2Transport {
  constructor(tls) {
    this.tls = tls;
    this.sessions = new Map();
  }

  session(origin) {
    const open = this.sessions.get(origin);
    if (open && !open.closed && !open.destroyed) return open;
    const session = http2.connect(origin, this.tls);
    session.unref(); // an idle connection keeps no process alive; a waiting request's timer does
    const forget = () => {
      if (this.sessions.get(origin) === session) this.sessions.delete(origin);
    };
    session.on('goaway', forget);
    session.on('close', forget);
    session.on('error', (error) => {
      session.failure = error;
      forget();
    });
    this.sessions.set(origin, session);
    return session;
  }

  request(url, { method, headers, body, timeoutMs }) {
    return new Promise((resolve, reject) => {
      const { origin, pathname, search } = new URL(url);
      const session = this.session(origin);
      const stream = session.request({ ...headers, ':method': method, ':path': pathname + search });
      let answer;
      stream.on('response', (received) => {
        answer = received;
      });
      // A stream error without a cause of its own is the session's: say that one.
      const fail = (error) => reject(session.failure ?? error);
      const done = (bytes) => {
        if (!answer) return fail(new Error('stream ended without an answer'));
        const fields = Object.entries(answer).filter(([name]) => !name.startsWith(':'));
        const status = answer[':status'];
        return resolve(new Response({ status, headers: Object.fromEntries(fields), body: bytes, protocol: 'h2' }));
      };
      collect(stream, timeoutMs, done, fail);
      stream.end(body);
    });
  }

  close() {
    for (const session of this.sessions.values()) session.destroy();
    this.sessions.clear();
  }
}

/**
 * An HTTPS client. `tls` are options of node:tls: `ca`, `cert`, `key`, `minVersion`, `maxVersion`, …; without them it
 * speaks plain HTTP. `socketPath` is a Unix socket to connect to, whatever host a URL names.
 */
export class HttpClient {
  constructor(tls, { protocol = 'h1', timeoutMs = DEFAULT_TIMEOUT_MS, maxSockets = 32, socketPath } = {}) {
    this.timeoutMs = timeoutMs;
    this.transport = protocol === 'h2' ? new Http2Transport(tls) : new Http1Transport(tls, { maxSockets, socketPath });
  }

  /** Send one request; `body` is a string, a Buffer or undefined. Rejects when no complete answer arrives. */
  request(url, { method = 'GET', headers = {}, body, timeoutMs = this.timeoutMs } = {}) {
    return this.transport.request(url, { method, headers, body, timeoutMs });
  }

  /** End all connections; the next request opens new ones. */
  close() {
    this.transport.close();
  }
}
