-- SPDX-License-Identifier: Apache-2.0
-- /credential/get: load, commit, and coming back later (D9).
BEGIN;
SELECT plan(74);

CREATE FUNCTION pg_temp.load(p_session text, p_transaction text DEFAULT NULL, p_peer text DEFAULT 'wallet')
RETURNS TABLE (found boolean, status text, version bigint, ready_at_ms bigint, transaction_found boolean)
LANGUAGE sql AS $$
  SELECT l.found, l.status, l.version, l.ready_at_ms, l.transaction_found
  FROM s2s.issuer_load(p_peer, p_session, (test.instance(p_session)).instance_id, p_transaction) AS l
$$;
CREATE FUNCTION pg_temp.transaction(r s2s.reply) RETURNS text LANGUAGE sql AS $$ SELECT r.body::json ->> 'transaction_id' $$;

-- Load: always one row, and nothing of what is not the peer's.
SELECT lives_ok($$SELECT test.provisioned('S'), test.provisioned('T')$$, 'instances');
SELECT results_eq(
  $$SELECT found, wsk, configuration_id, subject_ref, status, version, ready_at_ms, transaction_found,
           verification_id = (test.verification('S')).verification_id
    FROM s2s.issuer_load('wallet', 'S', (test.instance('S')).instance_id, NULL)$$,
  $$VALUES (true, '{"kty":"EC"}', 'badge', 'subject-badge', 'IN_PROCESS', 1::bigint, NULL::bigint, false, true)$$, 'an instance');
SELECT results_eq($$SELECT found, wsk, status FROM s2s.issuer_load('wallet', 'S', NULL, NULL)$$,
                  $$VALUES (true, '{"kty":"EC"}', NULL::text)$$, 'a session alone');
SELECT results_eq(
  $$SELECT jsonb_strip_nulls(to_jsonb(l)) FROM (VALUES ('other', 'S', (test.instance('S')).instance_id::text), ('other', 'S', NULL),
                          ('wallet', 's', NULL), ('wallet', 'S', 'nobody'),
                          ('wallet', 'S', (test.instance('T')).instance_id)) AS a (peer, session, instance),
         s2s.issuer_load(a.peer, a.session, a.instance, NULL) AS l$$,
  $$SELECT '{"found": false, "transaction_found": false}'::jsonb FROM generate_series(1, 5)$$,
  'not found: nothing but that');

-- A get that is ready.
SELECT is(test.brief(test.get('S')), '200 answered', 'a get');
SELECT results_eq($$SELECT credential_version, fetched_at IS NOT NULL, version FROM test.instance('S')$$,
                  $$VALUES ('v1', true, 1::bigint)$$, 'is recorded; the version stays, so that gets do not starve each other');
SELECT is(test.brief(test.get('S', 1)), '200 answered', 'another get, loaded at the same version');
SELECT is(test.brief(test.get('S', 0)), '- retry', 'loaded at another version');
SELECT is(test.brief(test.get('S', p_peer => 'other')), '404 answered NOT_FOUND', 'not theirs');
SELECT is((SELECT count(*) FROM s2s.answer WHERE peer = 'wallet' AND endpoint = '/credential/get'), 2::bigint,
          'a retry stores nothing');
SELECT is(
  (SELECT test.brief(r) FROM s2s.issuer_get('wallet', gen_random_uuid(), '/credential/get', '\x06', gen_random_uuid(), 'S',
     (test.instance('S')).instance_id, NULL, 'v1', NULL, 200, '{}') AS r), '- retry', 'no version is no match');

-- What the gateway answers when it is not a success.
SELECT is(test.brief(test.get('S', p_status => 503)), '503 answered', 'anything else is stored as it is');
SELECT lives_ok($$SELECT test.manage('S', 'SUSPEND')$$, 'suspended');
SELECT is(test.brief(test.get('S', 1)), '- retry', 'a get that was loaded before');
SELECT is(test.brief(test.get('S')), '409 answered WRONG_STATE', 'one that was loaded after');
SELECT is((test.get('S')).body::json ->> 'currentStatus', 'SUSPENDED_WALLET', 'says why');
SELECT is(test.brief(test.get_pending('S')), '409 answered WRONG_STATE', 'nor can one wait for it');
SELECT lives_ok($$SELECT test.manage('S', 'RESUME')$$, 'resumed');
SELECT is(test.brief(test.get('S')), '200 answered', 'and get again');

-- Not ready yet.
SELECT is(test.brief(test.get_pending('T')), '202 answered', 'come back');
SELECT results_eq($$SELECT body::json ->> 'status', body::json ->> 'interval' FROM test.get_pending('T')$$,
                  $$VALUES ('PENDING', '2')$$, 'the answer');
SELECT results_eq($$SELECT version, ready_at > clock_timestamp() + interval '59 min' FROM test.instance('T')$$,
                  $$VALUES (2::bigint, true)$$, 'the first starts the clock, the second (same keys) does not count');
SELECT is((SELECT count(*) FROM s2s.fetch), 1::bigint, 'one transaction');
SELECT is(pg_temp.transaction(test.get_pending('T')), (SELECT transaction_id FROM s2s.fetch), 'the same transaction');
SELECT is(pg_temp.transaction(test.get_pending('T', p_transaction => (SELECT transaction_id FROM s2s.fetch))),
          (SELECT transaction_id FROM s2s.fetch), 'asked for by its id');
SELECT is(test.brief(test.get_pending('T', p_transaction => 'nobody')), '- retry', 'an unknown one: load again');
SELECT results_eq($$SELECT found, ready_at_ms > extract(epoch FROM clock_timestamp()) * 1000, transaction_found
                    FROM pg_temp.load('T', (SELECT transaction_id FROM s2s.fetch))$$,
                  $$VALUES (true, true, true)$$, 'as loaded');
SELECT results_eq($$SELECT keys, keys_digest
                    FROM s2s.issuer_load('wallet', 'T', (test.instance('T')).instance_id, (SELECT transaction_id FROM s2s.fetch))$$,
                  $$VALUES ('[{"kty":"EC"}]', '\xaa'::bytea)$$, 'with its keys');
SELECT is((SELECT transaction_found FROM pg_temp.load('S', (SELECT transaction_id FROM s2s.fetch))), false,
          'a transaction belongs to one instance');
SELECT is(test.brief(test.get_pending('T', p_keys_digest => '\xbb')), '202 answered', 'other keys');
SELECT is((test.instance('T')).version, 3::bigint, 'another open transaction: a new version');
SELECT is(test.brief(test.get_pending('T', 2, p_keys_digest => '\xcc')), '- retry', 'loaded before that');
SELECT is(test.brief(test.get_pending('T', p_keys_digest => NULL)), '202 answered', 'no keys');
SELECT is(pg_temp.transaction(test.get_pending('T', p_keys_digest => NULL)),
          (SELECT transaction_id FROM s2s.fetch WHERE keys_digest IS NULL), 'are the same as no keys');

-- Ready.
UPDATE s2s.instance SET ready_at = clock_timestamp() - interval '1 s' WHERE session_id = 'T';
SELECT is((SELECT ready_at_ms FROM pg_temp.load('T')), 0::bigint, 'ready by this clock is ready by any');
SELECT is(test.brief(test.get_pending('T')), '- retry', 'nobody waits for what is ready');
CREATE TEMP TABLE tx AS SELECT keys_digest, transaction_id FROM s2s.fetch;
SELECT is(test.brief(test.get('T', p_transaction => 'nobody')), '- retry', 'an unknown transaction');
SELECT is((SELECT count(*) FROM s2s.fetch), 3::bigint, 'spends none');
SELECT is(test.brief(test.get('T', p_transaction => (SELECT transaction_id FROM tx WHERE keys_digest = '\xaa'))), '200 answered', 'by transaction');
SELECT is(test.brief(test.get('T', p_transaction => (SELECT transaction_id FROM tx WHERE keys_digest = '\xaa'))), '- retry', 'spent');
SELECT is((SELECT transaction_found FROM pg_temp.load('T', (SELECT transaction_id FROM tx WHERE keys_digest = '\xaa'))), false, 'gone');
SELECT is((test.instance('T')).version, 5::bigint, 'spending is a new version');
SELECT is(test.brief(test.get('T', p_keys_digest => '\xbb')), '200 answered', 'by the same keys');
SELECT results_eq($$SELECT keys_digest FROM s2s.fetch$$, $$VALUES (NULL::bytea)$$, 'spends their transaction');
SELECT is(test.brief(test.get('T', p_keys_digest => '\xbb')), '200 answered', 'and again: a get like any other');
SELECT is(test.brief(test.get('T', p_keys_digest => NULL)), '200 answered', 'no keys');
SELECT is_empty($$SELECT FROM s2s.fetch$$, 'all spent');

-- Two in one batch that were loaded together.
SELECT is((test.instance('S')).version, 3::bigint, 'loaded');
SELECT is(ARRAY[test.brief(test.get_pending('S', 3, p_keys_digest => '\x01')),
                test.brief(test.get_pending('S', 3, p_keys_digest => '\x02'))], '{"202 answered","- retry"}',
          'the second sees that the first changed the instance');

SELECT is(test.brief(test.manage('S', 'UNLINK')), '200 answered', 'unlinked');
SELECT is_empty($$SELECT FROM s2s.fetch$$, 'nobody waits any more');

-- So many gets of an instance wait; a newer one takes the place of the oldest, of which nobody is told any more.
SELECT lives_ok($$SELECT s2s.lanes_set('{wallet}'), test.provisioned('U')$$, 'an instance of a peer that can be called');
CREATE FUNCTION pg_temp.waiting(p_keys text) RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.transaction(test.get_pending('U', p_keys_digest => p_keys::bytea, p_most => 2))
$$;
CREATE FUNCTION pg_temp.told() RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM s2s.delivery WHERE ref LIKE 'CREDENTIAL_READY:%'
$$;
CREATE TEMP TABLE opened AS SELECT k AS keys, pg_temp.waiting(k) AS id FROM unnest('{a,b,c}'::text[]) AS k;
SELECT set_eq($$SELECT transaction_id FROM s2s.fetch$$, $$SELECT id FROM opened WHERE keys <> 'a'$$, 'the two newest');
SELECT is((SELECT transaction_found FROM pg_temp.load('U', (SELECT id FROM opened WHERE keys = 'a'))), false, 'the oldest is gone');
SELECT is(pg_temp.told(), 2::bigint, 'word of the others is owed');
SELECT is((SELECT event FROM s2s.ledger WHERE ref = s2s.fetch_event_ref((SELECT id FROM opened WHERE keys = 'a')) ORDER BY at DESC LIMIT 1),
          'dropped', 'which the ledger knows');
SELECT is(pg_temp.waiting('b'), (SELECT id FROM opened WHERE keys = 'b'), 'the same keys take nobody''s place');
SELECT isnt(pg_temp.waiting('a'), (SELECT id FROM opened WHERE keys = 'a'), 'those of the oldest are new keys');
SELECT is(test.brief(test.get_pending('U', p_keys_digest => '\xdd', p_most => 1)), '202 answered', 'when the limit is lowered');
SELECT is((SELECT count(*) FROM s2s.fetch), 1::bigint, 'there is one');

-- Nobody comes for it.
SELECT is(s2s.fetches_forget('1 day', 9), 0, 'a young one stays');
UPDATE s2s.fetch SET created_at = created_at - interval '2 days';
SELECT is(s2s.fetches_forget('1 day', 9), 0, 'one that is not ready yet stays');
UPDATE s2s.instance SET ready_at = clock_timestamp() - interval '23 h' WHERE session_id = 'U';
SELECT is(s2s.fetches_forget('1 day', 9), 0, 'and one that has not been ready for long');
UPDATE s2s.instance SET ready_at = clock_timestamp() - interval '25 h' WHERE session_id = 'U';
SELECT is(s2s.fetches_forget('1 day', 0), 0, 'so many at a time');
CREATE TEMP TABLE before AS SELECT (test.instance('U')).version;
SELECT is(s2s.fetches_forget('1 day', 9), 1, 'then it goes');
SELECT is((test.instance('U')).version, (SELECT version + 1 FROM before), 'which is a new version');
SELECT is(pg_temp.told(), 0::bigint, 'and nobody is told');

-- The end of the instance.
SELECT lives_ok($$SELECT test.provisioned('V'), test.get_pending('V'), test.get_pending('V', p_keys_digest => '\xbb')$$, 'two wait');
SELECT lives_ok($$SELECT test.manage('V', 'SUSPEND')$$, 'suspended');
SELECT is((SELECT count(*) FROM s2s.fetch), 2::bigint, 'they go on waiting');
SELECT lives_ok($$SELECT test.manage('V', 'UNLINK')$$, 'unlinked');
SELECT is_empty($$SELECT FROM s2s.fetch$$, 'nobody waits');
SELECT is(pg_temp.told(), 0::bigint, 'and nobody is told');

SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT * FROM finish();
ROLLBACK;
