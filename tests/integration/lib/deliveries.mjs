// SPDX-License-Identifier: Apache-2.0
//
// What the tests of deliveries share: a gateway that calls out, what its database says of a delivery, and the form that
// every message has.

import assert from 'node:assert/strict';
import { API_VERSION } from '../../interop/lib/wallet.mjs';
import { assertOk, UUID_PATTERN } from '../../interop/suite/support.mjs';
import { eventually, sql } from './bench.mjs';

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** Make a configuration call out: `urls` by the peer's name; `outbound` are members of that section. */
export function callOut(config, urls, outbound = {}) {
  config.outbound = { certificate: 'pki/issuer-client.crt', key: 'pki/issuer-client.key', ...outbound };
  for (const peer of config.peers) {
    const url = urls[peer.name];
    if (url) Object.assign(peer, { url, ca: ['pki/ca.crt'] });
  }
}

/** Another credential configuration: a copy of `badge_auto` with other members. */
export function offer(config, id, members) {
  const [model] = config.credential_configurations;
  config.credential_configurations.push({ ...model, id, ...members });
}

// --- the database ---------------------------------------------------------------------------------------------------

const quoted = (value) => `'${String(value).replaceAll("'", "''")}'`;

/** Rows of a query as objects. */
export const rows = async (gateway, query) =>
  (await sql(gateway.database, `SELECT row_to_json(r) FROM (${query}) AS r`)).map((line) => JSON.parse(line));

/** What `s2s.answer` calls an endpoint. */
export const operationOf = (path) => path.slice(1).replaceAll('/', '_');

const list = (values) => values.map(quoted).join(', ');

/**
 * What the ledger says of things, oldest first, as `{ ref, event, request_id, endpoint, detail }`, and how many of them
 * are still owed: `{ entries, open }`, both of one moment.
 */
async function state(gateway, refs) {
  const columns = 'ref, event, request_id, endpoint, detail';
  const entries = `SELECT ${columns} FROM s2s.ledger WHERE ref IN (${list(refs)}) ORDER BY at`;
  const open = `SELECT count(*) FROM s2s.delivery WHERE ref IN (${list(refs)})`;
  return (await rows(gateway, `SELECT (SELECT jsonb_agg(e) FROM (${entries}) AS e) AS entries, (${open}) AS open`))[0];
}

export const ledger = async (gateway, ref) => (await state(gateway, [ref])).entries ?? [];

export const events = async (gateway, ref) => (await ledger(gateway, ref)).map(({ event }) => event);

/** The delivery about a thing while it is owed, else undefined. */
export const owed = async (gateway, ref) =>
  (await rows(gateway, `SELECT * FROM s2s.delivery WHERE ref = ${quoted(ref)}`))[0];

export const lane = async (gateway, peer) =>
  (await rows(gateway, `SELECT *, blocked_until > now() AS blocked FROM s2s.lane WHERE peer = ${quoted(peer)}`))[0];

/** A peer can be called once its lane is there; what happened before is owed to nobody. */
export const laneOpened = (gateway, peer) =>
  eventually(`the lane of ${peer}`, async () => (await lane(gateway, peer))?.active, { timeoutMs: 15_000 });

/** Whether what is owed has failed at least once, and is not under way; if so, its next attempt is put off until `hurry`. */
export const heldBack = async (gateway, ref) =>
  (
    await sql(
      gateway.database,
      `WITH held AS (UPDATE s2s.delivery SET next_at = now() + interval '1 hour'
                     WHERE ref = ${quoted(ref)} AND attempts > 0 AND lease IS NULL RETURNING delivery_id)
       SELECT delivery_id FROM held`,
    )
  ).length > 0;

/** Whatever waits for its time is due now, and no lane rests. */
export const hurry = (gateway) =>
  sql(
    gateway.database,
    `UPDATE s2s.delivery SET next_at = now() WHERE lease IS NULL;
     UPDATE s2s.lane SET blocked_until = now() WHERE blocked_until IS NOT NULL`,
  );

/** Hold back all deliveries to `peer` until the returned function is called. */
export async function hold(gateway, peer) {
  const set = (until) =>
    sql(gateway.database, `UPDATE s2s.lane SET blocked_until = ${until} WHERE peer = ${quoted(peer)}`);
  await set(`'infinity'`);
  return () => set('NULL');
}

/** Wait until nothing is owed any more about any of these things, and something was; resolves to the ledger of each. */
export async function allSettled(gateway, refs, options) {
  const byRef = ({ entries }) => refs.map((ref) => (entries ?? []).filter((entry) => entry.ref === ref));
  const probe = async () => {
    const now = await state(gateway, refs);
    const entries = byRef(now);
    return now.open === 0 && entries.every(({ length }) => length > 0) && entries;
  };
  return eventually(`nothing more is owed about ${refs}`, probe, options);
}

export const settled = async (gateway, ref, options) => (await allSettled(gateway, [ref], options))[0];

/** allSettled, and that each arrived `count` times, which is all that happened. */
export async function allDelivered(gateway, refs, { count = 1, ...options } = {}) {
  const ledgers = await allSettled(gateway, refs, options);
  for (const entries of ledgers) {
    const arrivals = entries.filter(({ event }) => event !== 'owed').map(({ event }) => event);
    assert.deepEqual(arrivals, Array(count).fill('delivered'), JSON.stringify(entries));
  }
  return ledgers;
}

export const delivered = async (gateway, ref, options) => (await allDelivered(gateway, [ref], options))[0];

/** What an operator of the issuer does to an instance. */
export async function command(gateway, instanceId, action, reason = 'TESTED') {
  const parameters = list([instanceId, action, reason]);
  return (await sql(gateway.database, `SELECT s2s.command_instance(${parameters})`))[0];
}

// --- sessions -------------------------------------------------------------------------------------------------------

/** Open a session whose verification will be approved; resolves to it at once, with `answeredAt`. */
export async function open(wallet, options) {
  const session = wallet.newSession();
  assertOk(await wallet.initiate(session, options));
  session.answeredAt = Date.now();
  return session;
}

export const openMany = (wallet, count, options) =>
  Promise.all(Array.from({ length: count }, () => open(wallet, options)));

// --- the form of messages -------------------------------------------------------------------------------------------

/** What every call carries: profile section 2, as our own callers must keep it. */
export function assertCall(request, path) {
  const { headers } = request;
  assert.equal(request.method, 'POST');
  assert.equal(request.path, path);
  assert.equal(request.client, 'issuer', 'our client certificate');
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['api-version'], API_VERSION);
  assert.match(headers['x-request-id'], UUID_PATTERN);
  assert.ok(String(headers.accept).includes('application/problem+json'), headers.accept);
  assert.equal(Number(headers['content-length']), request.octets);
  for (const name of ['authorization', 'cookie', 'expect', 'transfer-encoding']) assert.ok(!(name in headers), name);
}

const MEMBERS = {
  PENDING: [],
  APPROVED: ['credentialConfigurationIds', 'authorizedDeviceCount'],
  REJECTED: ['reasonCode'],
  DENIED: ['reasonCode', 'deniedMessage'],
  ADDITIONAL_INFO_REQUIRED: ['verificationDataRequest'],
  EXPIRED: [],
};

/** A VerificationStatus, with exactly the members that its status has (profile section 4). */
export function assertVerificationStatus(body, session, status) {
  assert.equal(body.status, status, JSON.stringify(body));
  assert.equal(body.sessionId, session.sessionId);
  assert.equal(body.verificationId, session.verificationId);
  const members = Object.keys(body).filter((name) => name !== 'rejectedDetails');
  assert.deepEqual(members.sort(), ['sessionId', 'verificationId', 'status', ...MEMBERS[status]].sort());
  if (status === 'APPROVED') assert.ok(body.authorizedDeviceCount >= 1);
  if (status === 'ADDITIONAL_INFO_REQUIRED') assert.ok(body.verificationDataRequest.verificationDataItems.length > 0);
}

/** The event of an issuer about an instance (profile section 5). */
export function assertEvent(body, { session, instanceId, eventType, eventDetails }) {
  const { eventTimestamp, ...members } = body;
  assert.match(eventTimestamp, RFC3339);
  const wanted = { sessionId: session.sessionId, credentialInstanceId: instanceId, eventType };
  assert.deepEqual(members, eventDetails ? { ...wanted, eventDetails } : wanted);
}

/** What the issuer asks for (profile section 5 "manage"). */
export function assertManage(body, { session, instanceId, action, reason }) {
  const { timestamp, ...members } = body;
  assert.match(timestamp, RFC3339);
  const wanted = { sessionId: session.sessionId, credentialInstanceId: instanceId, action };
  assert.deepEqual(members, reason ? { ...wanted, reason } : wanted);
}
