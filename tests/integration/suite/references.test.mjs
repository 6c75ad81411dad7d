// SPDX-License-Identifier: Apache-2.0
//
// Documents by reference (ContentReference): what a wallet may make the gateway fetch, and what not.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { assertOk } from '../../interop/suite/support.mjs';
import { eventually, sql } from '../lib/bench.mjs';
import { offer, rows } from '../lib/deliveries.mjs';
import { closing, Gateway, withGateway } from '../lib/gateway.mjs';
import { Peer } from '../lib/peer.mjs';

const DOCUMENT = 'urn:s2s-gateway:verification:document';
const ITEM = { id: 'passport', type: DOCUMENT, max_size: '4KiB' };
const TEXT = 'a document';

const digestOf = (text) => createHash('sha256').update(text).digest('base64url');

/** A gateway whose wallet keeps its documents at `hosts`, and a configuration that asks for one. */
const options = (hosts, references) => ({
  edit(config) {
    config.references = { ca: ['pki/ca.crt'], timeout: '2s', private_addresses: true, ...references };
    config.peers[0].content_hosts = hosts;
    offer(config, 'badge_document', { verification: { decision: 'approve', items: [ITEM] } });
  },
});

/** Show the document at `url`; resolves to the status that comes of it. */
async function show(wallet, url, reference = {}) {
  const contentReference = { downloadUrl: url, contentDigest: digestOf(TEXT), ...reference };
  const items = [{ id: ITEM.id, type: DOCUMENT, contentReference }];
  const session = wallet.newSession();
  assertOk(await wallet.initiate(session, { configurations: ['badge_document'], items }));
  return wallet.waitFor(session, ['APPROVED', 'REJECTED', 'DENIED'], { timeoutMs: 60_000 });
}

const answer = (text, members = '') => `/_/answer?body=${encodeURIComponent(text)}${members}`;

const store = await Peer.start('documents', { args: ['--anonymous'] });
const gateway = await Gateway.start('references', options([`127.0.0.1:${store.port}`]));
const wallet = await gateway.connect();

after(async () => {
  wallet.close();
  await store.close();
});

describe('a document by reference', () => {
  const refused = async (url, reason, reference) => {
    const { status, reasonCode } = await show(wallet, url, reference);
    assert.deepEqual({ status, reasonCode }, { status: 'REJECTED', reasonCode: reason }, url);
  };

  test('is fetched once, without a certificate of ours, and counts', async () => {
    store.forget();
    const url = `${store.url}${answer(TEXT)}`;
    assert.equal((await show(wallet, url)).status, 'APPROVED');
    const later = new Date(Date.now() + 60_000).toISOString();
    assert.equal((await show(wallet, url, { contentSize: TEXT.length, expiresAt: later })).status, 'APPROVED');
    const requests = store.requests();
    assert.equal(requests.length, 2);
    for (const { method, client } of requests) assert.deepEqual({ method, client }, { method: 'GET', client: null });
  });

  test('is what it says that it is', async () => {
    await refused(`${store.url}${answer('another')}`, 'CONTENT_MISMATCH');
    await refused(`${store.url}${answer(TEXT)}`, 'CONTENT_MISMATCH', { contentSize: TEXT.length + 1 });
    await refused(`${store.url}${answer(TEXT)}`, 'CONTENT_TOO_LARGE', { contentSize: TEXT.length - 1 });
    await refused(`${store.url}${answer(TEXT)}`, 'MALFORMED', { contentDigest: 'abc' });
  });

  test('is not too large, whatever is announced', async () => {
    await refused(`${store.url}/_/huge`, 'CONTENT_TOO_LARGE');
    await refused(`${store.url}/_/huge?announced=1`, 'CONTENT_TOO_LARGE');
    await refused(`${store.url}${answer(TEXT)}`, 'CONTENT_TOO_LARGE', { contentSize: 5000 });
  });

  test('has not expired', async () => {
    store.forget();
    await refused(`${store.url}${answer(TEXT)}`, 'CONTENT_EXPIRED', { expiresAt: '2020-01-01T00:00:00Z' });
    await refused(`${store.url}${answer(TEXT)}`, 'CONTENT_EXPIRED', { expiresAt: '1970-01-01T00:00:00Z' });
    assert.deepEqual(store.requests(), []);
  });

  test('is at a listed host, over https', async () => {
    store.forget();
    const elsewhere = [
      `https://localhost:${store.port}/`,
      'https://127.0.0.1/',
      `https://127.0.0.1:${store.port + 1}/`,
      `https://127.0.0.1:${store.port}.evil.example/`,
      'https://169.254.169.254/latest/meta-data/',
    ];
    for (const url of elsewhere) {
      const { status, reasonCode } = await show(wallet, url);
      assert.equal(status, 'REJECTED', url);
      assert.ok(['CONTENT_HOST_FORBIDDEN', 'MALFORMED'].includes(reasonCode), `${url}: ${reasonCode}`);
    }
    for (const url of [
      `http://127.0.0.1:${store.port}/`,
      'file:///etc/passwd',
      `https://user@127.0.0.1:${store.port}/`,
    ])
      await refused(url, 'MALFORMED');
    assert.deepEqual(store.requests(), []);
  });

  test('is not somewhere else', async () => {
    store.forget();
    const inside = encodeURIComponent(`https://127.0.0.1:${store.port}${answer(TEXT)}`);
    await refused(`${store.url}/_/redirect?location=${inside}`, 'CONTENT_UNAVAILABLE');
    await refused(`${store.url}${answer(TEXT, '&status=404')}`, 'CONTENT_UNAVAILABLE');
    assert.equal(store.requests().length, 2, 'no redirect is followed');
  });

  test('leaves nothing of its URL or contents behind', async () => {
    const data = JSON.stringify(await rows(gateway, 'SELECT * FROM s2s.verification'));
    assert.ok(!data.includes('/_/answer'));
    assert.ok(!gateway.logText().includes('/_/answer'));
  });
});

test('a host that is down, slow or not trusted for a while loses nothing', async () => {
  const host = await Peer.start('slow-documents', { args: ['--anonymous'] });
  await withGateway('references-slow', options([`127.0.0.1:${host.port}`]), async (its) => {
    const caller = await its.connect();
    host.behave({ '*': 'drip' });
    const asked = show(caller, `${host.url}/passport`);
    await host.received({});
    await its.logged({ event: 'request' });
    // That it has waited for others does not make it less patient with this host.
    await eventually('the job waits', async () => {
      const waiting = "UPDATE s2s.job SET postponed = 99 WHERE payload ->> 'fetches' = '1' RETURNING job_id";
      return (await sql(its.database, waiting)).length === 1;
    });
    await host.received({}, { count: 2 });
    host.behave({ '*': { behaviour: 'answer', body: TEXT } });
    assert.equal((await asked).status, 'APPROVED');
    caller.close();
  });
  await host.close();
});

test('addresses inside are out of reach, unless the configuration opens them', async () => {
  const host = await Peer.start('inside-documents', { args: ['--anonymous'] });
  const hosts = ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${host.port}`);
  await withGateway('references-inside', options(hosts, { private_addresses: false }), async (its) => {
    const caller = await its.connect();
    for (const name of hosts) {
      const { status, reasonCode } = await show(caller, `https://${name}${answer(TEXT)}`);
      assert.deepEqual({ status, reasonCode }, { status: 'REJECTED', reasonCode: 'CONTENT_HOST_FORBIDDEN' });
    }
    assert.deepEqual(host.requests(), []);
    caller.close();
  });
  await host.close();
});

test('a drain does not wait for a document', async () => {
  const host = await Peer.start('hanging-documents', { args: ['--anonymous'] });
  const withShortDrain = options([`127.0.0.1:${host.port}`], { timeout: '20s' });
  const { edit } = withShortDrain;
  withShortDrain.edit = (config) => {
    edit(config);
    config.limits.drain_timeout = '1s';
  };
  await withGateway('references-drain', withShortDrain, async (its) => {
    const caller = await its.connect();
    host.behave({ '*': 'hang' });
    const items = [
      { id: ITEM.id, type: DOCUMENT, contentReference: { downloadUrl: `${host.url}/x`, contentDigest: digestOf(TEXT) } },
    ];
    assertOk(await caller.initiate(caller.newSession(), { configurations: ['badge_document'], items }));
    await host.received({});
    const { status, ms } = await its.stop();
    assert.equal(status, 0);
    assert.ok(ms < 8000, `${ms} ms`);
    caller.close();
  });
  await host.close();
});

closing(gateway);
