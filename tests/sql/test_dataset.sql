-- SPDX-License-Identifier: Apache-2.0
-- Datasets of a backend: pushed ahead, or asked for until they are ready.
BEGIN;
SELECT plan(75);

CREATE FUNCTION pg_temp.load(p_session text) RETURNS TABLE (
  subject_sealed bytea, credential_version text, dataset_version text, dataset_sealed bytea, valid_ms bigint) LANGUAGE sql AS $$
  SELECT l.subject_sealed, l.credential_version, l.dataset_version, l.dataset_sealed, l.dataset_valid_until_ms
  FROM s2s.issuer_load('wallet', p_session, (test.instance(p_session)).instance_id, NULL) AS l
$$;
CREATE FUNCTION pg_temp.state(p_session text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', CASE WHEN i.ready_at <= clock_timestamp() THEN 'ready' ELSE 'not ready' END,
                   CASE WHEN i.dataset_job IS NOT NULL THEN 'asked for' END)
  FROM test.instance(p_session) AS i
$$;
CREATE FUNCTION pg_temp.transaction(r s2s.reply) RETURNS text LANGUAGE sql AS $$ SELECT r.body::json ->> 'transaction_id' $$;

SELECT is(s2s.lanes_set('{wallet}'), 1, 'a peer that can be told');
SELECT lives_ok($$SELECT test.again('S', 'a'), test.approve('S', p_sealed => '{"\\x05"}'), test.provision_nth('S')$$, 'an instance');
SELECT results_eq($$SELECT * FROM pg_temp.load('S')$$, $$VALUES ('\x05'::bytea, NULL, NULL, NULL::bytea, NULL::bigint)$$, 'its subject, for the backend');

-- Not ready.
CREATE TEMP TABLE t AS SELECT pg_temp.transaction(r) AS id, r.status, test.brief(r) FROM test.get_waiting('S', p_poll_after => '5 s') AS r;
SELECT is(status, 202, 'a get must wait') FROM t;
SELECT is(pg_temp.state('S'), 'not ready asked for', 'nobody knows for how long');
SELECT is(test.told_ready(), 0::bigint, 'nobody is told of a time');
SELECT is((SELECT count(*) FROM s2s.delivery WHERE endpoint = '/event/notify'), 0::bigint, 'nor later');
SELECT results_eq($$SELECT kind, lane, ref, next_at > clock_timestamp() + interval '3 s' FROM s2s.job$$,
  $$SELECT 'dataset' COLLATE "C", 'hr' COLLATE "C", instance_id, true FROM test.instance('S')$$, 'a job will ask');
SELECT is(pg_temp.transaction(test.get_waiting('S')), (SELECT id FROM t), 'the same keys, the same transaction');
SELECT is(pg_temp.transaction(test.get_waiting('S', p_transaction => (SELECT id FROM t))), (SELECT id FROM t), 'the transaction itself');
SELECT is(test.brief(test.get_waiting('S', p_transaction => 'x')), '- retry', 'a transaction that is spent');
SELECT isnt(pg_temp.transaction(test.get_waiting('S', '\xbb')), (SELECT id FROM t), 'other keys');
SELECT is((SELECT count(*) FROM s2s.job), 1::bigint, 'one job asks for all');
SELECT is(test.brief(test.get_waiting('S', '\xbb', p_version => 1)), '- retry', 'what was loaded is out of date');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- The job asks.
SELECT is_empty('SELECT test.datasets()', 'not yet');
UPDATE s2s.job SET next_at = clock_timestamp();
SELECT results_eq(
  $$SELECT job_attempts, postponed, lane, instance_id, session_id, verification_id, peer, configuration_id, subject_ref, subject_sealed, credential_version
    FROM s2s.datasets_claim(test.lease(), 9, '1 min', 9, '1 day', '{hr}')$$,
  $$SELECT 1, 0, 'hr'::text, instance_id COLLATE "default", session_id COLLATE "default", verification_id COLLATE "default", 'wallet', configuration_id, subject_ref, subject_sealed, credential_version FROM test.instance('S')$$,
  'about what');
SELECT is(s2s.job_postpone((test.instance('S')).dataset_job, test.lease(2), '0'), 'fenced', 'somebody else');
SELECT is(s2s.job_postpone((test.instance('S')).dataset_job, test.lease(), '0', 'not ready'), 'postponed', 'not yet');
SELECT results_eq($$SELECT attempts, postponed, lease, payload ->> 'error' FROM s2s.job$$, $$VALUES (0, 1, NULL::uuid, 'not ready')$$, 'that costs no attempt');
SELECT is((SELECT count(*) FROM test.datasets()), 1::bigint, 'asked again');
SELECT is(s2s.dataset_ready((test.instance('S')).dataset_job, test.lease(2)), 'fenced', 'somebody else');
SELECT is(s2s.dataset_ready((test.instance('S')).dataset_job, test.lease()), 'done', 'ready');
SELECT is(pg_temp.state('S'), 'ready', 'so it is');
SELECT is(test.told_ready(), 2::bigint, 'the wallet is told, of both gets');
SELECT is((SELECT count(*) FROM s2s.job), 0::bigint, 'nothing more to ask');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- It said so, and has changed its mind.
SELECT is(pg_temp.transaction(test.get_waiting('S')), (SELECT id FROM t), 'not ready after all');
SELECT is(pg_temp.state('S'), 'not ready asked for', 'it is asked again');
SELECT is((test.get('S', p_transaction => (SELECT id FROM t))).status, 200, 'fetched by a get of the wallet''s own');
SELECT is(pg_temp.state('S'), 'ready', 'so it was ready');
SELECT is((SELECT count(*) FROM s2s.fetch), 1::bigint, 'the other get waits no longer');
SELECT is(test.told_ready(), 1::bigint, 'and is told');
SELECT is_empty('SELECT test.datasets()', 'the job is void');
SELECT is((SELECT count(*) FROM s2s.job), 0::bigint, 'and gone');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- Pushed.
SELECT is(s2s.dataset_push('X', '1', '\x', NULL), 'NOT_FOUND', 'for nobody');
SELECT is(test.push('S', 'v1', '\x01', '1 h'), 'NO_CHANGE', 'the version that the wallet has');
SELECT results_eq($$SELECT credential_version, dataset_version, dataset_sealed, valid_ms BETWEEN 1000 * extract(epoch FROM now()) AND 1000 * extract(epoch FROM now()) + 3601000 FROM pg_temp.load('S')$$,
                  $$VALUES ('v1', 'v1', '\x01'::bytea, true)$$, 'is kept');
SELECT is((SELECT count(*) FROM s2s.delivery WHERE ref LIKE 'CREDENTIAL_UPDATE_AVAILABLE:%'), 0::bigint, 'no news');
CREATE TEMP TABLE version AS SELECT version FROM test.instance('S');
SELECT is(test.push('S', 'v2', '\x02'), 'COMPLETED UPDATED', 'another version');
SELECT results_eq($$SELECT dataset_version, dataset_sealed, valid_ms FROM pg_temp.load('S')$$, $$VALUES ('v2', '\x02'::bytea, NULL::bigint)$$, 'takes its place');
SELECT is((test.instance('S')).version - version, 1::bigint, 'a get under way starts again') FROM version;
SELECT is((SELECT count(*) FROM s2s.delivery WHERE ref LIKE 'CREDENTIAL_UPDATE_AVAILABLE:%'), 1::bigint, 'the wallet is told');
SELECT is(test.push('S', 'v2', '\x03'), 'NO_CHANGE', 'the same again');
SELECT is((SELECT owed FROM s2s.delivery WHERE ref LIKE 'CREDENTIAL_UPDATE_AVAILABLE:%'), 1::bigint, 'is no news');

SELECT lives_ok($$SELECT test.provisioned('P'), test.provisioned('Q')$$, 'instances that were never fetched');
SELECT is(test.push('P'), 'COMPLETED', 'pushed ahead');
SELECT is(test.push('P', 'p2'), 'COMPLETED', 'twice');
SELECT is((SELECT count(*) FROM s2s.delivery WHERE ref LIKE '%' || (test.instance('P')).instance_id), 0::bigint, 'nobody waits for it');
SELECT lives_ok($$SELECT test.get_waiting('Q')$$, 'waited for');
SELECT is(test.push('Q'), 'COMPLETED READY', 'pushed');
SELECT is(pg_temp.state('Q'), 'ready', 'ready');
SELECT is(test.told_ready(), 2::bigint, 'told');
SELECT is_empty('SELECT test.datasets()', 'the job is void');
SELECT lives_ok($$SELECT test.provisioned('W'), test.get_pending('W', p_ready_after => '1 h')$$, 'a get that waits a known time');
SELECT is(test.push('W'), 'COMPLETED READY', 'pushed before');
SELECT is(test.told_ready(), 3::bigint, 'told at once');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- Gone with the credential.
SELECT lives_ok($$SELECT test.manage('S', 'UNLINK'), test.issuer('P', 'CANCEL'), test.manage('Q', 'SUSPEND')$$, 'one is unlinked, one cancelled');
SELECT is((SELECT count(*) FROM s2s.instance_dataset), 2::bigint, 'their data is gone');
SELECT is(test.push('S'), 'FAILED UNLINKED', 'and cannot come back');
SELECT is(test.push('P'), 'FAILED CANCELLED', 'for either');
SELECT lives_ok($$SELECT test.provisioned('U'), test.get_waiting('U'), test.manage('U', 'UNLINK')$$, 'one that is waited for is unlinked');
SELECT is_empty('SELECT test.datasets()', 'nobody asks for it any more');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- A backend that never has it.
SELECT lives_ok($$SELECT test.provisioned('V'), test.get_waiting('V')$$, 'another');
SELECT is_empty($$SELECT test.datasets(1, '-1 s')$$, 'for too long');
SELECT is((SELECT error FROM s2s.job_dead), 'the dataset did not come', 'is a dead letter');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT is(test.brief(test.get_waiting('V')), '202 answered', 'the wallet asks again');
SELECT is((SELECT count(*) FROM test.datasets()), 1::bigint, 'and so does a new job');
SELECT is(s2s.job_redrive((SELECT job_id FROM s2s.job_dead)), true, 'the dead letter is sent again');
SELECT is_empty('SELECT test.datasets()', 'the backend is not asked twice');
SELECT is(s2s.job_redrive(-1), false, 'no such dead letter');
SELECT * FROM finish();
ROLLBACK;
