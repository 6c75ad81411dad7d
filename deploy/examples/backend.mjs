#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// An example of a backend: the issuer's own program that decides who gets a credential, and says what stands in it. The
// gateway asks, this answers. It needs nothing but Node.js 18; copy it, put your own rules and records into the two
// functions `decide` and `dataset`, and leave the rest as it is. README.md, beside it, tells how it is connected.
//
//   node backend.mjs --port PORT --secret FILE [--people FILE]
//
//   --port PORT    where to listen, on 127.0.0.1
//   --secret FILE  the signing secret that the gateway has, too (`backends[].secrets`)
//   --people FILE  the records; people.json unless given

import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string' },
    secret: { type: 'string' },
    people: { type: 'string', default: fileURLToPath(new URL('people.json', import.meta.url)) },
  },
});
if (!options.port || !options.secret) {
  process.stderr.write('Usage: node backend.mjs --port PORT --secret FILE [--people FILE]\n');
  process.exit(2);
}

// --- the issuer's own: rules and records ------------------------------------------------------------------------------

/** The system of record: who works here, and what their badges say. Yours is a database, a directory, a service. */
const people = JSON.parse(readFileSync(options.people, 'utf8'));

/** Nobody has to prove anything to be a visitor. */
const VISITOR = 'visitor';

/** A type of our own. Its name is ours to choose; the wallets that we work with know what to collect for it. */
const EMPLOYEE_TYPE = 'urn:example:employee';

const MAX_DEVICES = 2;
const MAX_ATTEMPTS = 3;

const ASK_WHO_IT_IS = {
  status: 'ADDITIONAL_INFO_REQUIRED',
  verificationDataRequest: {
    verificationDataItems: [
      { id: 'employee', type: EMPLOYEE_TYPE, required: true, hint: 'Your employee number and the PIN of your badge' },
    ],
  },
};

const rejected = (reasonCode) => ({ status: 'REJECTED', reasonCode });
const denied = (reasonCode, deniedMessage) => ({ status: 'DENIED', reasonCode, deniedMessage });

/**
 * Who gets what. `data` is what the gateway knows of the verification: `items` are what wallet client, wallet server and
 * issuer gave, opened, each with its `origin`; `attempt` counts the submissions. The answer is a decision:
 *
 *   { status: 'APPROVED', credentialConfigurationIds?, authorizedDeviceCount?, subject? or datasets? }
 *   { status: 'REJECTED', reasonCode, rejectedDetails? }           the holder may try again
 *   { status: 'DENIED', reasonCode, deniedMessage }                for good
 *   { status: 'ADDITIONAL_INFO_REQUIRED', verificationDataRequest }
 *   { status: 'PENDING' }                                          a person decides, through the operators' API
 *
 * The gateway may ask the same twice, when an answer got lost. So this only looks, and changes nothing; a backend that
 * must change something remembers the `webhook-id` of what it has done.
 */
function decide(data) {
  // What the wallet server says of itself (WALLET_SERVER) is not what the holder has signed and encrypted.
  const item = data.items.find(({ type, origin }) => type === EMPLOYEE_TYPE && origin === 'WALLET_CLIENT');
  if (!item) return approved(data, [VISITOR]);
  if (item.employee_id === undefined || item.pin === undefined) return ASK_WHO_IT_IS;

  const person = Object.hasOwn(people, item.employee_id) ? people[item.employee_id] : undefined;
  if (!person?.pin || !sameText(String(item.pin), person.pin)) {
    return data.attempt < MAX_ATTEMPTS
      ? rejected('NOT_RECOGNIZED')
      : denied('NOT_RECOGNIZED', 'Please come to the reception with your passport.');
  }
  if (person.left) return denied('NOT_EMPLOYED', 'Only those who work here get a badge.');
  if (person.review) return { status: 'PENDING' };
  return approved(data, Object.keys(person.badges ?? {}).map((name) => `${item.employee_id}/${name}`));
}

/** Every subject is a dataset of its own, and so a credential of its own: who holds two posts gets two badges. */
function approved(data, subjects) {
  const datasets = data.credentialConfigurationIds.flatMap((credentialConfigurationId) =>
    subjects.map((subject) => ({ credentialConfigurationId, subject })),
  );
  const authorizedDeviceCount = Math.min(data.requestedDeviceCount, MAX_DEVICES);
  return { status: 'APPROVED', authorizedDeviceCount, datasets };
}

/**
 * What a credential says: `{ version, claims, validUntil? }`, or null while there is nothing yet. `data.subject` is what
 * `decide` has called it, or an operator. A new `version` makes wallets fetch anew; it must not tell anything.
 */
function dataset(data) {
  const [id, name] = String(data.subject).split('/');
  const person = Object.hasOwn(people, id) ? people[id] : undefined;
  const badge = person?.badges?.[name ?? Object.keys(person.badges)[0]];
  if (!badge || !isPrinted(badge, data.credentialInstanceId)) return null;
  return { version: badge.version, claims: badge.claims };
}

const firstAsked = new Map();

/** Some badges take their time: the wallet gets a 202 at first, and word from the gateway when it can come again. */
function isPrinted({ printing_seconds: seconds }, instanceId) {
  if (!seconds) return true;
  if (!firstAsked.has(instanceId)) firstAsked.set(instanceId, Date.now());
  return Date.now() - firstAsked.get(instanceId) >= 1000 * seconds;
}

// --- the messages -----------------------------------------------------------------------------------------------------

/** By the type of the message: what is answered, as `{ status, body }` of HTTP. */
const MESSAGES = {
  'verification.decide': (data) => ({ status: 200, body: decide(data) }),
  'dataset.get': (data) => {
    const found = dataset(data);
    return found ? { status: 200, body: found } : { status: 202, body: { status: 'PENDING' } };
  },
};

const refusal = (status, error) => ({ status, body: { error } });

function answer(request, body) {
  const refused = refusalOf(request.headers, body);
  if (refused) return refused;
  const message = JSON.parse(body);
  const act = Object.hasOwn(MESSAGES, message.type) ? MESSAGES[message.type] : undefined;
  if (!act) return refusal(404, 'no such message');
  const outcome = act(message.data);
  note(message, request.headers['webhook-id'], outcome);
  return outcome;
}

/** A line for the operator: ids and outcomes, and nothing of what a person has said. */
function note({ type, data }, id, { status, body }) {
  const { sessionId: session, verificationId: verification, credentialInstanceId: instance } = data;
  const line = { at: new Date().toISOString(), type, id, session, verification, instance, status, outcome: body.status };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

// --- whose message it is (https://www.standardwebhooks.com) -------------------------------------------------------------

const SECRET_PREFIX = 'whsec_';
const TOLERANCE_SECONDS = 300;

const key = Buffer.from(readFileSync(options.secret, 'utf8').trim().slice(SECRET_PREFIX.length), 'base64');
if (key.length < 24) throw new Error(`${options.secret} has no signing secret: ${SECRET_PREFIX} and base64`);

/** Compares in a time that tells nothing of the texts. */
function sameText(one, other) {
  const [a, b] = [one, other].map((text) => createHmac('sha256', key).update(text).digest());
  return timingSafeEqual(a, b);
}

/** What is wrong with a message; undefined when it is the gateway's, whole and fresh. */
function refusalOf({ 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures }, body) {
  if (!id || !/^\d{1,12}$/.test(timestamp ?? '') || !signatures) return refusal(401, 'not signed');
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return refusal(401, 'not signed just now');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
  const isOurs = (signature) => sameText(signature, `v1,${expected}`);
  // While a secret is being replaced, there is a signature for each.
  return signatures.split(' ').some(isOurs) ? undefined : refusal(401, 'signed by somebody else');
}

// --- the server -------------------------------------------------------------------------------------------------------

const MAX_BODY = 16 * 1024 * 1024; // a little more than `limits.max_verification_data`
const JSON_TYPE = { 'content-type': 'application/json' };

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Error('a message is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What goes wrong here is a 500: the gateway keeps the verification PENDING, and asks again. */
async function serve(request, response) {
  let { status, body } = refusal(405, 'messages are POSTs');
  try {
    if (request.method === 'POST') ({ status, body } = answer(request, await read(request)));
    else if (request.url === '/healthz') ({ status, body } = { status: 200, body: { status: 'ok' } });
  } catch (error) {
    process.stderr.write(`${error.stack}\n`);
    ({ status, body } = refusal(500, 'see the log'));
  }
  response.writeHead(status, JSON_TYPE).end(JSON.stringify(body));
}

const server = createServer(serve).listen(Number(options.port), '127.0.0.1', () => {
  process.stdout.write(`listening on http://127.0.0.1:${options.port}\n`);
});

process.on('SIGTERM', () => {
  server.close();
  server.closeIdleConnections();
});
