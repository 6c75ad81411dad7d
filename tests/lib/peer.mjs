#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// A misbehaving peer, wallet server or issuer: a server for HTTP/1.1 and HTTP/2 over mutual TLS that answers as it is
// told and writes down every request that it gets.
//
// usage: peer.mjs --cert FILE --key FILE --ca FILE [OPTION…]
//   --cert FILE, --key FILE   its server certificate and key (PEM)
//   --ca FILE                 who may sign client certificates; a client without a certificate is refused
//   --anonymous               no client certificates are asked for
//   --wrong-cert FILE, --wrong-key FILE   shown instead while the control file says "connection": "wrong-certificate"
//   --plain                   HTTP/1.1 without TLS instead; no certificates are needed then
//   --port N, --host ADDRESS  where to listen (default: 127.0.0.1, a free port)
//   --alpn h2,http/1.1        what is offered, of these two (default: both)
//   --max-tls VERSION         TLSv1.1, TLSv1.2 or TLSv1.3 (default: TLSv1.3)
//   --journal FILE            one JSON line is appended for each request, before it is answered
//   --control FILE            behaviours, read anew for each connection and each request; replace it by renaming, and
//                             remove it for a peer without faults
//   --until-stdin-ends        leave when standard input is closed, as it is when whoever started this has died
//
// Once it listens it prints "listening PORT". It ends on SIGTERM.
//
// Behaviours are chosen by the path /_/NAME/…, else by the control file, a JSON object:
//   {
//     "connection": "drop" | "mute" | "wrong-certificate",     for new connections; left out: nothing special
//     "/verification/notify": "unavailable-once",              by the end of the path
//     "*": { "behaviour": "answer", "status": 400, … }         for the rest; an object gives parameters
//   }
// A path's query string gives parameters too: /_/unavailable?retryAfter=7.
//
//   ok                   200 with the JSON that a wallet or issuer would answer at that endpoint (default); an issuer
//                        without memory, who approves of everything: its ids are made of those that it is asked about
//   answer               `status` (200), `headers` ({}), `body` (a string, or JSON; default: as ok), `members` (of the
//                        JSON, added or replaced)
//   strict               as ok, but 422 to an x-request-id that came before with another body
//   other-session        as ok, but with a session id of its own making
//   unavailable-once     503 with Retry-After to the first request of each x-request-id, then ok
//   unavailable          503 with Retry-After, for ever
//   stuck                503 for ever to the first x-request-id that comes for a thing (path, session, verification,
//                        instance), ok to any other
//                        these three: `retryAfter`, a number or a text such as an HTTP-date (1; "" sends none)
//   unauthorized, forbidden   401, 403, with a problem document
//   redirect             307 to `location` (/redirected)
//   malformed            200 with a body that is cut off in the middle of its JSON
//   huge                 200 with `octets` (2147483648) of body, generated as it is sent; `announced` adds its
//                        Content-Length
//   long-headers         200 with `octets` (200000) of headers
//   drip                 200 with one octet of body every `interval` (50) ms, without end
//   hang                 reads the request and never answers
//   drop                 reads the request and resets the connection
//   reset-after-headers  sends the status line and headers, then resets the connection
//   reset-after-answer   as ok, and resets the connection a moment later, while it is idle
// All take `delay`, in ms, before anything is done.
//
// The members of a journal line: `time` (ms), `connection` (a number for each), `protocol` (1.1 or 2.0), `client` (CN
// of the client certificate, or null), `method`, `path`, `headers`, `body` (at most 64 KiB of it), `octets` (of the
// whole body), `requestId`, `behaviour`.

import { randomUUID } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { parseArgs } from 'node:util';
import { instanceIdOf, verificationIdOf } from './peer-ids.mjs';

const JOURNAL_BODY = 64 * 1024;
const CHUNK = Buffer.alloc(64 * 1024, 'x');
const MOMENT_MS = 50;
const HTTP2_LIMITS = { maxSendHeaderBlockLength: 2 ** 20 }; // or Node would not send long headers

const { values: options } = parseArgs({
  options: {
    cert: { type: 'string' },
    key: { type: 'string' },
    ca: { type: 'string' },
    'wrong-cert': { type: 'string' },
    'wrong-key': { type: 'string' },
    plain: { type: 'boolean', default: false },
    anonymous: { type: 'boolean', default: false },
    port: { type: 'string', default: '0' },
    host: { type: 'string', default: '127.0.0.1' },
    alpn: { type: 'string', default: 'h2,http/1.1' },
    'max-tls': { type: 'string', default: 'TLSv1.3' },
    journal: { type: 'string' },
    control: { type: 'string' },
    'until-stdin-ends': { type: 'boolean', default: false },
  },
});

// ---- control ----

/** The control file as it is now. */
function readControl() {
  if (options.control === undefined) return {};
  try {
    return JSON.parse(readFileSync(options.control, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw error;
  }
}

/** `{ behaviour, …parameters }` for a URL of a request. */
function choose(url) {
  const { pathname, searchParams } = new URL(url, 'http://peer.example');
  const [, named] = pathname.match(/^\/_\/([^/]+)/) ?? [];
  const parameters = Object.fromEntries(searchParams);
  if (named !== undefined) return { ...parameters, behaviour: named };
  const control = readControl();
  const path = Object.keys(control).find((key) => key.startsWith('/') && pathname.endsWith(key));
  const chosen = control[path ?? '*'] ?? 'ok';
  return { ...parameters, ...(typeof chosen === 'string' ? { behaviour: chosen } : chosen) };
}

// ---- answers ----

/** A VerificationStatus of an issuer. */
const verification = (status, members) => ({ sessionId }) => ({
  sessionId,
  verificationId: verificationIdOf(sessionId),
  status,
  ...members,
});

const STATUS_AFTER = { SUSPEND: 'SUSPENDED_ISSUER', UNLINK: 'UNLINKED' };

/** A key that is nobody's, for metadata. */
const ENCRYPTION_KEY = {
  kty: 'EC',
  crv: 'P-256',
  x: 'I92KGfXIfAZZwSl4Xh-hpkpOaTff3kdIWAMlS5BW2OY',
  y: '77vjyfanTmmix9MqEOZJ_4bYpyLv-yCxaHXvmKNuiGo',
  alg: 'HPKE-0-KE',
  use: 'enc',
  kid: 'peer',
};

const configuration = (id) => ({ format: 'dc+sd-jwt', scope: id, vct: `https://issuer.example/vct/${id}` });

const metadata = (json, { request, path }) => {
  const host = request.headers.host ?? request.headers[':authority'];
  const [, suffix] = path.split('/.well-known/openid-credential-issuer');
  const issuer = `https://${host}${suffix}`;
  return {
    credential_issuer: issuer,
    credential_configurations_supported: { badge_auto: configuration('badge_auto') },
    s2s: {
      issuer_server_url: issuer,
      api_versions_supported: ['1.0.0'],
      issuer_encryption_jwks: { keys: [ENCRYPTION_KEY] },
      signing_alg_values_supported: ['ES256'],
      encryption_alg_values_supported: ['HPKE-0-KE'],
      encryption_enc_values_supported: ['A128GCM'],
      verification_types_supported: [],
      content_reference_supported: false,
      extensions_supported: [],
    },
  };
};

/** What a well-behaved server answers at each endpoint, by a part of its path: those of wallets, then of issuers. */
const ENDPOINTS = {
  '/verification/notify': ({ sessionId, verificationId }) => ({ sessionId, verificationId }),
  '/event/notify': () => ({ acknowledged: true }),
  '/credential/manage': ({ sessionId, credentialInstanceId, action }) => ({
    sessionId,
    credentialInstanceId,
    currentStatus: STATUS_AFTER[action] ?? 'ACTIVE',
    outcome: 'COMPLETED',
  }),
  '/credential/status': () => ({ currentStatus: 'ACTIVE', currentVersion: '1' }),
  '/verification/initiate': verification('PENDING'),
  '/verification/supplement': verification('PENDING'),
  '/verification/status': verification('APPROVED', {
    credentialConfigurationIds: ['badge_auto'],
    authorizedDeviceCount: 1,
  }),
  '/verification/cancel': ({ sessionId, verificationId }) => ({ sessionId, verificationId }),
  '/credential/provision': ({ sessionId }) => ({
    CredentialInstances: [
      { credentialConfigurationId: 'badge_auto', credentialInstanceIds: [instanceIdOf(sessionId)] },
    ],
  }),
  '/credential/get': () => ({ credentialVersion: '1', credentials: 'eyJhbGciOiJIUEtFLTAifQ.a.b.c.d' }),
  '/credential/metadata': () => ({ credentialMetadata: { display: [{ name: 'Badge', locale: 'en' }] } }),
  '/.well-known/openid-credential-issuer': metadata,
};

function usualAnswer(exchange) {
  const { path, json } = exchange;
  const endpoint = Object.keys(ENDPOINTS).find((part) => path.includes(part));
  return endpoint === undefined ? { ok: true, sessionId: json.sessionId } : ENDPOINTS[endpoint](json, exchange);
}

function send(exchange, status, body, headers = {}) {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  exchange.response.writeHead(status, {
    'content-type': status < 400 ? 'application/json' : 'application/problem+json',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'api-version': '1.0.0',
    'api-supported-versions': '1.0.0',
    ...(exchange.requestId === undefined ? {} : { 'x-request-id': exchange.requestId }),
    ...headers,
  });
  exchange.response.end(bytes);
}

const sendUsual = (exchange) => send(exchange, 200, usualAnswer(exchange));

function sendProblem(exchange, status, headers) {
  const retryable = status === 503;
  send(exchange, status, { type: 'about:blank', title: http.STATUS_CODES[status], status, retryable }, headers);
}

function sendUnavailable(exchange) {
  const { retryAfter = 1 } = exchange.parameters;
  sendProblem(exchange, 503, retryAfter === '' ? {} : { 'retry-after': String(retryAfter) });
}

/** Write `octets` of filler as fast as they are taken. */
function sendFiller(response, octets) {
  const write = () => {
    while (octets > 0 && !response.destroyed) {
      const chunk = CHUNK.subarray(0, Math.min(octets, CHUNK.length));
      octets -= chunk.length;
      if (!response.write(chunk)) return response.once('drain', write);
    }
    return response.end();
  };
  write();
}

const bodies = new Map(); // request id → the body that it came with first
const seen = new Set(); // request ids that were answered 503 once
const stuck = new Map(); // thing → the request id that is answered 503 for ever

const BEHAVIOURS = {
  ok: sendUsual,

  answer(exchange) {
    const { status = 200, headers = {}, members = {} } = exchange.parameters;
    const { body = { ...usualAnswer(exchange), ...members } } = exchange.parameters;
    send(exchange, Number(status), body, headers);
  },

  strict(exchange) {
    const reused = !bodies.get(exchange.requestId).equals(exchange.bytes);
    return reused ? sendProblem(exchange, 422) : sendUsual(exchange);
  },

  'other-session'(exchange) {
    send(exchange, 200, { ...usualAnswer(exchange), sessionId: randomUUID() });
  },

  'unavailable-once'(exchange) {
    const id = `${exchange.requestId} ${exchange.path}`;
    if (seen.has(id)) return sendUsual(exchange);
    seen.add(id);
    return sendUnavailable(exchange);
  },

  unavailable: sendUnavailable,

  stuck(exchange) {
    const { sessionId, verificationId, credentialInstanceId } = exchange.json;
    const thing = [exchange.path, sessionId, verificationId, credentialInstanceId].join(' ');
    if (!stuck.has(thing)) stuck.set(thing, exchange.requestId);
    return stuck.get(thing) === exchange.requestId ? sendUnavailable(exchange) : sendUsual(exchange);
  },

  unauthorized: (exchange) => sendProblem(exchange, 401),

  forbidden: (exchange) => sendProblem(exchange, 403),

  redirect(exchange) {
    send(exchange, 307, {}, { location: exchange.parameters.location ?? '/redirected' });
  },

  malformed: (exchange) => send(exchange, 200, '{"sessionId":"'),

  huge({ response, parameters }) {
    const { octets = 2 ** 31, announced } = parameters;
    response.writeHead(200, {
      'content-type': 'application/json',
      ...(announced === undefined ? {} : { 'content-length': octets }),
    });
    sendFiller(response, Number(octets));
  },

  'long-headers'(exchange) {
    const { octets = 200_000 } = exchange.parameters;
    const headers = {};
    for (let i = 0; i < Number(octets) / 1000; i++) headers[`x-filler-${i}`] = 'x'.repeat(1000);
    send(exchange, 200, {}, headers);
  },

  drip({ response, parameters }) {
    response.writeHead(200, { 'content-type': 'application/json' });
    const timer = setInterval(() => response.write(' '), Number(parameters.interval ?? MOMENT_MS));
    response.on('close', () => clearInterval(timer));
  },

  hang() {},

  drop: ({ connection }) => connection.reset(),

  'reset-after-headers'({ response, connection }) {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 });
    response.write('{');
    setTimeout(connection.reset, MOMENT_MS);
  },

  'reset-after-answer'(exchange) {
    sendUsual(exchange);
    setTimeout(exchange.connection.reset, MOMENT_MS);
  },
};

// ---- requests ----

function note({ request, bytes, path, requestId, behaviour, connection, json }) {
  if (options.journal === undefined) return;
  const line = {
    time: Date.now(),
    connection: connection.number,
    protocol: request.httpVersion,
    client: request.socket.getPeerCertificate?.().subject?.CN ?? null,
    method: request.method,
    path,
    headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => !name.startsWith(':'))),
    body: bytes.subarray(0, JOURNAL_BODY).toString('utf8'),
    octets: bytes.length,
    requestId,
    behaviour,
  };
  appendFileSync(options.journal, `${JSON.stringify(line)}\n`);
}

function parseObject(bytes) {
  try {
    return Object(JSON.parse(bytes.toString('utf8')));
  } catch {
    return {};
  }
}

function answer(request, response, bytes, connection) {
  const { behaviour, ...parameters } = choose(request.url);
  const exchange = {
    request,
    response,
    bytes,
    behaviour,
    parameters,
    path: request.url.split('?')[0],
    requestId: request.headers['x-request-id'],
    json: parseObject(bytes),
    connection,
  };
  note(exchange);
  if (!bodies.has(exchange.requestId)) bodies.set(exchange.requestId, bytes);
  const act = BEHAVIOURS[behaviour] ?? (() => sendProblem(exchange, 501));
  setTimeout(() => act(exchange), Number(parameters.delay ?? 0));
}

function onRequest(request, response) {
  const connection = connections.get(request.socket.remotePort);
  if (connection === undefined) return; // gone already
  const chunks = [];
  response.on('error', () => {}); // the client left, or was made to
  request.on('error', () => {});
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => answer(request, response, Buffer.concat(chunks), connection));
}

// ---- connections ----

const connections = new Map(); // by the client's port, which HTTP/2 shows where it hides the socket
let connectionCount = 0;

function newServer(cert, key) {
  if (options.plain) return http.createServer(onRequest);
  const protocols = options.alpn.split(',');
  const tls = {
    cert: readFileSync(cert),
    key: readFileSync(key),
    ca: readFileSync(options.ca),
    requestCert: !options.anonymous,
    rejectUnauthorized: !options.anonymous,
    minVersion: 'TLSv1',
    maxVersion: options['max-tls'],
    ciphers: options['max-tls'] === 'TLSv1.1' ? 'DEFAULT:@SECLEVEL=0' : undefined, // else OpenSSL has none left
  };
  const server = protocols.includes('h2')
    ? http2.createSecureServer({ ...tls, ...HTTP2_LIMITS, allowHTTP1: protocols.includes('http/1.1') }, onRequest)
    : https.createServer(tls, onRequest);
  server.on('tlsClientError', () => {}); // refused clients are what some tests want
  return server;
}

const usual = newServer(options.cert, options.key);
const wrong = options['wrong-cert'] === undefined ? usual : newServer(options['wrong-cert'], options['wrong-key']);

/** What may be done to a connection before its first octet is read. */
const RECEPTIONS = {
  drop: (socket) => socket.resetAndDestroy(),
  mute: () => {},
  'wrong-certificate': (socket) => wrong.emit('connection', socket),
};

const listener = net.createServer({ noDelay: true }, (socket) => {
  const port = socket.remotePort;
  connections.set(port, { number: ++connectionCount, reset: () => socket.resetAndDestroy() });
  socket.on('close', () => connections.delete(port));
  socket.on('error', () => {});
  const receive = RECEPTIONS[readControl().connection] ?? ((it) => usual.emit('connection', it));
  receive(socket);
});

listener.listen(Number(options.port), options.host, () => {
  console.log(`listening ${listener.address().port}`);
});

process.on('SIGTERM', () => process.exit(0));
if (options['until-stdin-ends']) process.stdin.on('end', () => process.exit(0)).resume();
