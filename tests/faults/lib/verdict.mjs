// SPDX-License-Identifier: Apache-2.0
//
// When all is quiet again: whether everything that was promised is so, on both sides, once. Each check resolves to a
// list of what is wrong.

import { operationOf, rows } from '../../integration/lib/deliveries.mjs';
import { assertBound } from '../../integration/lib/pair.mjs';

const ENDS = ['cancelled', 'unlinked'];
const SUSPENSIONS = ['issuer_suspended', 'wallet_suspended'];
const FACTS = [...ENDS, ...SUSPENSIONS, 'confirmed'];

const listOf = (values) => (values.length ? values.map((value) => `'${value}'`).join(', ') : 'NULL');

const byKey = (list, key) => new Map(list.map((row) => [row[key], row]));

/** Of `rows`, those for which `complaint` has something to say. */
const complaints = (list, complaint) => list.map(complaint).filter(Boolean);

/** What the backend was told that it has taken is there, in the state that it must end in, on both sides. */
async function issuances({ pair, app, journal }) {
  const ids = listOf(journal.issuances.map(({ session }) => session.sessionId));
  const query = `SELECT session_id, status, (SELECT count(*) FROM s2s.instance AS i WHERE i.session_id = v.session_id)
                 AS instances FROM s2s.verification AS v WHERE session_id IN (${ids})`;
  const verifications = await rows(pair.issuer, query);
  const found = [];
  for (const { session, kind, status } of journal.issuances) {
    const { sessionId } = session;
    const ours = (await app.issuance(sessionId)).json;
    const theirs = verifications.filter((row) => row.session_id === sessionId);
    const instances = status === 'APPROVED' ? 1 : 0;
    const said = `${kind} issuance ${sessionId}`;
    if (ours.status !== status) found.push(`${said} is ${ours.status}`);
    if (ours.instances?.length !== instances) found.push(`${said} has ${ours.instances?.length} instances`);
    if (theirs.length !== 1) found.push(`${said}: the issuer has ${theirs.length} of it`);
    else if (theirs[0].status !== status) found.push(`${said}: the issuer says ${theirs[0].status}`);
    else if (theirs[0].instances !== instances) found.push(`${said}: the issuer has ${theirs[0].instances} instances`);
  }
  return found;
}

/** What was fetched can still be read, by the holder alone. */
async function fetches({ app, journal }) {
  const found = [];
  for (const { fetchId, session, key } of journal.fetches) {
    const fetch = (await app.fetchResult(fetchId)).json;
    const broken = await assertBound(fetch.credentials, session.wek, key).catch((error) => error);
    if (broken) found.push(`fetch ${fetchId}: ${broken.message}: ${JSON.stringify(fetch)}`);
  }
  return found;
}

/**
 * Both sides agree on the facts about each instance, which are what both parties have done to it. What came just before
 * the end need not have been told, or taken: the end says all.
 */
async function instances({ pair, journal }) {
  const query = (table) =>
    `SELECT instance_id, ${FACTS.join(', ')} FROM s2s.${table}
     WHERE instance_id IN (${listOf(journal.instances.map(({ instanceId }) => instanceId))})`;
  const theirs = byKey(await rows(pair.issuer, query('instance')), 'instance_id');
  const ours = byKey(await rows(pair.wallet, query('wallet_instance')), 'instance_id');
  const known = (facts) => (ENDS.some((fact) => facts.has(fact)) ? ENDS : FACTS);
  const differs = (row, facts) => known(facts).some((fact) => row?.[fact] !== facts.has(fact));
  return complaints(journal.instances, ({ instanceId, facts }) => {
    const rowsOf = [theirs.get(instanceId), ours.get(instanceId)];
    if (!rowsOf.some((row) => differs(row, facts))) return null;
    return `instance ${instanceId} is not ${[...facts].join(' and ') || 'active'}: ${JSON.stringify(rowsOf)}`;
  });
}

/** Instances of which the issuer said that there is something new, and which nobody has ended since. */
const updated = ({ instances: held }) =>
  held
    .filter(({ updates: count, facts }) => count > 0 && !ENDS.some((fact) => facts.has(fact)))
    .map(({ instanceId }) => instanceId);

/** What the issuer said is new about a credential has reached the wallet. */
async function updates({ pair, journal }) {
  const query = `SELECT instance_id FROM s2s.wallet_instance
                 WHERE NOT update_available AND instance_id IN (${listOf(updated(journal))})`;
  return complaints(await rows(pair.wallet, query), (row) => `the wallet knows of no update of ${row.instance_id}`);
}

// --- deliveries -----------------------------------------------------------------------------------------------------

/** Every delivery that was owed has ended well: delivered, or dropped since nobody needed it any more. */
async function ledgers({ pair }) {
  const found = [];
  for (const gateway of [pair.issuer, pair.wallet]) {
    const last = await rows(
      gateway,
      `SELECT DISTINCT ON (delivery_id) delivery_id, endpoint, ref, event, detail FROM s2s.ledger
       ORDER BY delivery_id, at DESC, event = 'owed'`,
    );
    const bad = last.filter(({ event }) => !['delivered', 'dropped'].includes(event));
    found.push(...complaints(bad, (row) => `${gateway.name}: ${JSON.stringify(row)}`));
  }
  return found;
}

/**
 * What a ledger says was delivered is among the other side's answers: the request has arrived, and had its effect once,
 * with its answer.
 */
async function arrivals({ pair }) {
  const found = [];
  const sides = [
    { from: pair.wallet, to: pair.issuer },
    { from: pair.issuer, to: pair.wallet },
  ];
  for (const { from, to } of sides) {
    const delivered = await rows(
      from,
      `SELECT request_id, endpoint, ref FROM s2s.ledger WHERE event = 'delivered' AND endpoint LIKE '/%'`,
    );
    const answered = await rows(to, `SELECT request_id, endpoint, status FROM s2s.answer WHERE peer NOT LIKE 'app:%'`);
    const known = byKey(answered, 'request_id');
    const lost = delivered.filter((it) => known.get(it.request_id)?.endpoint !== operationOf(it.endpoint));
    found.push(...complaints(lost, (row) => `${to.name} has never answered ${JSON.stringify(row)}`));
    const refused = answered.filter(({ status }) => status >= 400);
    found.push(...complaints(refused, (row) => `${to.name} has refused ${JSON.stringify(row)}`));
  }
  return found;
}

// --- webhooks -------------------------------------------------------------------------------------------------------

/** Every webhook that a ledger says was delivered has come, signed. */
async function webhooks({ pair }) {
  const found = [];
  for (const [gateway, receiver] of [[pair.wallet, pair.walletHooks], [pair.issuer, pair.issuerHooks]]) {
    const query = `SELECT request_id, endpoint, ref FROM s2s.ledger
                   WHERE event = 'delivered' AND endpoint NOT LIKE '/%'`;
    const taken = new Set(receiver.messages.filter(({ status }) => status < 300).map(({ id }) => id));
    const lost = (await rows(gateway, query)).filter(({ request_id: id }) => !taken.has(`msg_${id}`));
    found.push(...complaints(lost, (row) => `${gateway.name}: no webhook has come for ${JSON.stringify(row)}`));
    found.push(...complaints(receiver.failures, ({ text }) => `${gateway.name}: a webhook is not signed: ${text}`));
  }
  return found;
}

/** Events that happen once to a thing: the things to which they must happen, and the one that a message is about. */
const ONCE = {
  'instances.provisioned': {
    things: ({ instances: held }) => held.map(({ session }) => session.sessionId),
    thing: ({ sessionId }) => sessionId,
  },
  'credentials.ready': {
    things: ({ fetches: taken }) => taken.map(({ fetchId }) => fetchId),
    thing: ({ fetchId }) => fetchId,
  },
  'credential.update_available': { things: updated, thing: ({ credentialInstanceId }) => credentialInstanceId },
};

/** Of what happens once the backend was owed word once, and got it. */
async function effects({ pair, journal }) {
  const found = [];
  for (const [type, { things, thing }] of Object.entries(ONCE)) {
    const owed = await rows(
      pair.wallet,
      `SELECT ref, count(*) AS n FROM s2s.ledger WHERE event = 'owed' AND endpoint = '${type}' GROUP BY ref`,
    );
    const times = byKey(owed, 'ref');
    const came = new Set(pair.walletHooks.received(type).map(({ data }) => thing(data)));
    const wrong = things(journal).filter((id) => times.get(id)?.n !== 1 || !came.has(id));
    found.push(...complaints(wrong, (id) => `${type} of ${id}: owed ${times.get(id)?.n} times, came: ${came.has(id)}`));
  }
  return found;
}

/** The backend was told how each verification ended. */
function endings({ pair, journal }) {
  return complaints(journal.issuances, ({ session, status }) => {
    const told = pair.walletHooks.received('verification.changed', (data) => data.sessionId === session.sessionId);
    return told.at(-1)?.data.status === status ? null : `nobody was told that ${session.sessionId} is ${status}`;
  });
}

const regressions = ({ journal }) => journal.regressions;

const CHECKS = [issuances, fetches, instances, updates, ledgers, arrivals, webhooks, effects, endings, regressions];

/** Everything that is wrong: a list of texts. */
export async function judge(place) {
  const found = [];
  for (const check of CHECKS) found.push(...(await check(place)).map((text) => `${check.name}: ${text}`));
  return found;
}
