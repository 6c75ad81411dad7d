-- SPDX-License-Identifier: Apache-2.0
-- The application API: fetches, and how long they are kept.
BEGIN;
SELECT plan(42);

SELECT is(s2s.lanes_set('{issuer}'), 1, 'an issuer');
SELECT is(test.app_provisioned('S'), 'done', 'an instance');

CREATE TEMP TABLE start AS SELECT test.app_fetch('S') AS r;
SELECT is(test.brief(r), '202 answered', 'asked for') FROM start;
SELECT is(test.body(r) ->> 'status', 'WAITING', 'waits') FROM start;
CREATE FUNCTION pg_temp.id() RETURNS text LANGUAGE sql AS $$ SELECT test.body(r) ->> 'fetchId' FROM start $$;
CREATE FUNCTION pg_temp.shown() RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT test.ask('app_fetch', json_build_object('fetchId', pg_temp.id()))
$$;
SELECT is((test.owed('/credential/get', pg_temp.id())).peer, 'issuer', 'the issuer is owed a get');
SELECT is((SELECT request::jsonb FROM s2s.wallet_fetch),
          '{"sessionId": "S", "credentialInstanceId": "S-1", "reason": "INITIAL", "walletEncryptionKey": "a"}', 'which says this');
SELECT is(test.body(test.app_fetch('S')) ->> 'fetchId', pg_temp.id(), 'the same again is the same');
SELECT is((test.owed('/credential/get', pg_temp.id())).owed, 1::bigint, 'and owes nothing more');
SELECT isnt(test.body(test.app_fetch('S', 'b')) ->> 'fetchId', pg_temp.id(), 'something else is another one');
SELECT is(test.brief(pg_temp.shown()), '202 answered', 'shown as waiting');
SELECT is(test.brief(test.ask('app_fetch', '{"fetchId": "X"}')), '404 answered NOT_FOUND', 'unknown');
SELECT is(test.brief(test.app_fetch('X')), '404 answered NOT_FOUND', 'of an unknown instance');

SELECT lives_ok($$SELECT test.sent('/credential/get', pg_temp.id());
                  SELECT s2s.delivery_failed(d.delivery_id, test.lease(77), 'retry', 'timeout', '0', NULL, '-1 s')
                  FROM test.owed('/credential/get', pg_temp.id()) AS d$$, 'the issuer is given up');
SELECT is(test.body(pg_temp.shown()) ->> 'status', 'WAITING', 'an operator may send it again');
SELECT is(test.body(test.app_fetch('S')) ->> 'fetchId', pg_temp.id(), 'but when it is asked for again');
SELECT is((test.owed('/credential/get', pg_temp.id())).owed, 1::bigint, 'it is owed again');
SELECT is(test.answered('/credential/get', pg_temp.id(), '{"credentialVersion": "v1", "credentials": {"jwe": "x.y.z", "n": null}, "other": 1}'),
          'done', 'answered');
SELECT is(test.brief(pg_temp.shown()), '200 answered', 'ready');
SELECT is(test.body(pg_temp.shown()) - '{createdAt,updatedAt,fetchId}'::text[],
          '{"credentialInstanceId": "S-1", "status": "READY", "credentialVersion": "v1", "credentials": {"jwe": "x.y.z", "n": null}}',
          'with the credentials as they came');
SELECT isnt(test.body(test.app_fetch('S')) ->> 'fetchId', pg_temp.id(), 'the same again is a new one');
SELECT is(test.refused('/credential/get', (SELECT fetch_id FROM s2s.wallet_fetch WHERE state = 'WAITING' ORDER BY created_at LIMIT 1), 409),
          'done', 'another one is refused');
SELECT is(test.body(test.ask('app_fetch', json_build_object('fetchId', fetch_id))) -> 'problem', '{"title": "No", "status": 409}', 'shown so')
FROM s2s.wallet_fetch WHERE state = 'FAILED';
SELECT is((test.ask('app_fetch', json_build_object('fetchId', fetch_id))).status, 200, 'and over')
FROM s2s.wallet_fetch WHERE state = 'FAILED';

-- A body that PostgreSQL's jsonb would not take.
SELECT is((test.post('app_fetch_start', '{"credentialInstanceId": "S-1", "body": {"reason": "R", "extensions": {"n": 1e999999}}}', ', ''\x05''')).status,
          202, 'a number out of range');
SELECT is((SELECT request -> 'extensions' ->> 'n' FROM s2s.wallet_fetch WHERE request_digest = '\x05'), '1e999999', 'is passed on as it came');

-- How long they are kept.
SELECT is(s2s.wallet_maintain('1 hour'), 0, 'nothing is old');
UPDATE s2s.wallet_fetch SET updated_at = updated_at - interval '2 hours';
SELECT is(s2s.wallet_maintain('3 hours'), 0, 'nothing is old enough');
SELECT is(s2s.wallet_maintain('1 hour'), 2, 'what is settled goes');
SELECT is((SELECT count(*) FROM s2s.wallet_fetch), 2::bigint, 'what waits stays');
SELECT is(test.brief(pg_temp.shown()), '404 answered NOT_FOUND', 'gone');
INSERT INTO s2s.wallet_fetch (created_at, updated_at, fetch_id, instance_id, state, request, request_digest)
SELECT '2026-01-01', '2026-01-01', n, 'S-1', 'FAILED', '{}', '' FROM generate_series(1, 1001) AS n;
SELECT is(s2s.wallet_maintain('1 hour'), 1000, 'a bounded number at once');
SELECT is(s2s.wallet_maintain('1 hour'), 1, 'the rest the next time');

-- What was left to the issuer's word while nobody was polled.
SELECT lives_ok($$UPDATE s2s.delivery SET next_at = 'infinity', owed_at = 'infinity' WHERE endpoint = '/credential/get'$$, 'fetches that do not poll');
SELECT lives_ok($$SELECT s2s.wallet_maintain('1 hour')$$, 'still without polls');
SELECT is((SELECT bool_and(next_at = 'infinity') FROM s2s.delivery WHERE endpoint = '/credential/get'), true, 'wait on');
SELECT lives_ok($$SELECT s2s.wallet_maintain('1 hour', '2 s', '60 s')$$, 'with polls');
SELECT is((SELECT bool_and(next_at <= clock_timestamp() AND owed_at <= clock_timestamp()) FROM s2s.delivery WHERE endpoint = '/credential/get'),
          true, 'ask again');

-- What is over gives nothing.
SELECT is((test.app_action('S', 'SUSPEND')).status, 200, 'suspended');
SELECT is((test.app_fetch('S', 'c')).status, 202, 'the issuer decides whether that matters');
SELECT is((test.app_action('S', 'UNLINK')).status, 200, 'unlinked');
SELECT is((test.app_fetch('S', 'd')).body::json ->> 'currentStatus', 'UNLINKED', 'too late');

SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT * FROM finish();
ROLLBACK;
