-- SPDX-License-Identifier: Apache-2.0
-- Evaluations: claims, decisions, attempts, fencing.
BEGIN;
SELECT plan(102);

-- What a claim hands out.
SELECT lives_ok($$SELECT test.initiate('S', p_jwe => '{a,b}', p_sealed => '\x01', p_configurations => '{badge,pass}')$$, 'data');
SELECT lives_ok($$SELECT test.initiate('T')$$, 'no data');
CREATE TEMP TABLE claimed AS SELECT * FROM test.claim();
SELECT results_eq(
  $$SELECT session_id, peer, status, wsk, configuration_ids, requested_device_count, attempts, data_seq, client_jwe,
           server_sealed, job_attempts FROM claimed ORDER BY session_id$$,
  $$VALUES ('S', 'wallet', 'PENDING', '{"kty":"EC"}', '{badge,pass}'::text[], 1, 1, 1, '{a,b}'::text[],
            '{"\\x01"}'::bytea[], 1),
           ('T', 'wallet', 'PENDING', '{"kty":"EC"}', '{badge}', 1, 0, 1, '{}', '{}', 1)$$,
  'both, with everything');
SELECT is_empty($$SELECT * FROM test.claim(2)$$, 'leased: not to be had again');
SELECT is((SELECT count(*) FROM s2s.job WHERE lease = test.lease(1) AND next_at > clock_timestamp() + interval '50 s'),
          2::bigint, 'the lease ends in a minute');

-- A decision needs the lease, and finishes the job.
SELECT is(test.decide('S', 'APPROVED', p_lease => test.lease(2)), 'fenced', 'another lease');
SELECT is(test.decide('S', 'APPROVED', p_job => -1), 'fenced', 'no such job');
SELECT is((test.verification('S')).version, 1::bigint, 'fenced changes nothing');
SELECT is(test.decide('S', 'APPROVED', p_configurations => '{pass}'), 'done', 'our lease');
SELECT results_eq($$SELECT status, approved_ids, subject_refs, authorized_device_count FROM test.verification('S')$$,
                  $$VALUES ('APPROVED' COLLATE "C", '{pass}'::text[], '{subject-pass}'::text[], 1)$$, 'approved');
SELECT is(test.job('S'), NULL, 'the job is finished');
SELECT is(test.decide('S', 'APPROVED', p_job => (SELECT job_id FROM claimed WHERE session_id = 'S')), 'fenced', 'once');

-- Each other decision.
SELECT is(test.decide('T', 'PENDING'), 'done', 'somebody is to decide');
SELECT results_eq($$SELECT status, awaiting_decision, version FROM test.verification('T')$$,
                  $$VALUES ('PENDING' COLLATE "C", true, 2::bigint)$$, 'awaiting a decision');
SELECT is(test.job('T'), NULL, 'without a job');
SELECT lives_ok($$SELECT test.supplement('T', p_jwe => '{c}'), test.supplement('T', p_jwe => '{d}', p_sealed => '\x02')$$, 'two submissions');
SELECT results_eq(
  $$SELECT client_jwe, server_sealed, data_seq, attempts FROM test.claim()$$,
  $$VALUES ('{c,d}'::text[], '{"\\x02"}'::bytea[], 3, 2)$$, 'one evaluation of all that came, oldest first');
SELECT is((SELECT count(*) FROM s2s.job), 1::bigint, 'the job of the older submission is void, and gone');
SELECT is(test.decide('T', 'REJECTED', p_message => 'wrong'), 'done', 'rejected');
SELECT is((test.status('T')).body::jsonb - '{sessionId,verificationId}'::text[],
          '{"status": "REJECTED", "reasonCode": "MISMATCH", "rejectedDetails": "wrong"}', 'shown');
SELECT lives_ok($$SELECT test.supplement('T')$$, 'a third');
SELECT is(test.evaluate('T', 'ADDITIONAL_INFO_REQUIRED', p_deadline => '10 min', p_max_attempts => 5), 'done', 'asked');
SELECT is((test.status('T')).body::jsonb #> '{verificationDataRequest,verificationDataItems}', '[{"id": "otp-1"}]', 'what');
SELECT is((test.status('T')).body::jsonb #> '{verificationDataRequest,maxAttempts}', '5', 'how often');
SELECT is((test.status('T')).body::jsonb #>> '{verificationDataRequest,deadline}',
          to_char((test.verification('T')).deadline AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'until when');
SELECT lives_ok($$SELECT test.supplement('T')$$, 'a fourth');
SELECT is(test.evaluate('T', 'DENIED'), 'done', 'denied');
SELECT is((test.verification('T')).status, 'DENIED', 'final');

-- Overtaken.
SELECT lives_ok($$SELECT test.initiate('overtaken'), test.claim()$$, 'claimed');
SELECT lives_ok($$SELECT test.supplement('overtaken')$$, 'and overtaken by a submission');
SELECT is(test.decide('overtaken', 'DENIED', p_data_seq => 1,
                      p_job => (SELECT min(job_id) FROM s2s.job)), 'superseded', 'the decision is void');
SELECT results_eq($$SELECT status, data_seq FROM test.verification('overtaken')$$,
                  $$VALUES ('PENDING' COLLATE "C", 2)$$, 'the newer submission stands');
SELECT is((SELECT count(*) FROM s2s.job), 1::bigint, 'and has the only job');
SELECT lives_ok($$SELECT test.claim(), test.cancel('overtaken')$$, 'cancelled meanwhile');
SELECT is(test.decide('overtaken', 'APPROVED'), 'superseded', 'a final verification takes no decision');
SELECT lives_ok($$SELECT test.initiate('void'), test.cancel('void')$$, 'cancelled before the claim');
SELECT is_empty($$SELECT * FROM test.claim()$$, 'is not handed out');
SELECT is_empty($$SELECT * FROM s2s.job$$, 'and its job is finished');
SELECT lives_ok($$SELECT test.initiate('slow', p_lifetime => '-1 s'), test.claim()$$, 'too slow');
SELECT is(test.decide('slow', 'APPROVED'), 'superseded', 'a decision after the lifetime');
SELECT is((test.verification('slow')).status, 'EXPIRED', 'finds it expired');

-- Attempts.
CREATE FUNCTION pg_temp.attempt(p_session text, p_status text, p_max integer) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM test.supplement(p_session);
  PERFORM test.evaluate(p_session, p_status, p_max_attempts => p_max);
  RETURN concat_ws(' ', v.status, v.reason_code) FROM test.verification(p_session) AS v;
END
$$;
SELECT lives_ok($$SELECT test.initiate('tries'), test.initiate('endless')$$, 'no data yet: no attempt');
SELECT is(test.evaluate('tries', 'ADDITIONAL_INFO_REQUIRED', p_max_attempts => 2), 'done', 'asked');
SELECT is(
  ARRAY[pg_temp.attempt('tries', 'REJECTED', 2), pg_temp.attempt('tries', 'ADDITIONAL_INFO_REQUIRED', 2)],
  '{"REJECTED MISMATCH","DENIED ATTEMPTS_EXHAUSTED"}', 'the second wrong one of two is the last');
SELECT is(
  ARRAY(SELECT pg_temp.attempt(s, 'REJECTED', 1) FROM unnest('{brings,empty}'::text[]) AS s),
  array_fill('DENIED ATTEMPTS_EXHAUSTED'::text, '{2}'), 'one supplement of one, whatever initiate has brought')
FROM (SELECT test.initiate('brings', p_jwe => '{a}'), test.evaluate('brings', 'REJECTED', p_max_attempts => 1),
             test.initiate('empty'), test.evaluate('empty', 'ADDITIONAL_INFO_REQUIRED', p_max_attempts => 1)) AS asked;
SELECT lives_ok($$SELECT test.initiate('hasty'), test.evaluate('hasty', 'ADDITIONAL_INFO_REQUIRED', p_max_attempts => 2),
                         test.supplement('hasty'), test.supplement('hasty')$$, 'both of two at once');
SELECT results_eq($$SELECT r.status, r.body::json ->> 'currentStatus' FROM test.supplement('hasty') AS r$$,
  $$VALUES (409, 'PENDING')$$, 'and no third, while they are judged');
SELECT is(test.evaluate('hasty', 'APPROVED'), 'done', 'which may end well');
SELECT is(
  ARRAY(SELECT pg_temp.attempt('endless', 'REJECTED', 0) FROM generate_series(1, 5)),
  array_fill('REJECTED MISMATCH'::text, '{5}'), 'no limit');

-- Verification data goes with the last decision, and no sooner.
CREATE FUNCTION pg_temp.kept(p_session text) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM s2s.verification_data AS d WHERE d.verification_id = (test.verification(p_session)).verification_id
$$;
SELECT lives_ok(format($$SELECT test.initiate(%L, p_jwe => '{a}'), test.supplement(%L), test.evaluate(%L, %L)$$, s, s, s, s),
                'decided: ' || s)
FROM unnest('{PENDING,REJECTED,ADDITIONAL_INFO_REQUIRED,APPROVED,DENIED}'::text[]) AS s;
SELECT is(pg_temp.kept(s), n, s || ' keeps ' || n)
FROM (VALUES ('PENDING', 2::bigint), ('REJECTED', 2), ('ADDITIONAL_INFO_REQUIRED', 2), ('APPROVED', 0), ('DENIED', 0)
) AS t (s, n);
SELECT is((test.verification('REJECTED')).data_octets, 6::bigint, 'still counted');
SELECT is((test.verification('APPROVED')).data_octets, 0::bigint, 'nothing is left to count');
SELECT lives_ok($$SELECT test.cancel('PENDING'),
                         test.initiate('outlived', p_jwe => '{a}', p_lifetime => '-1 s'), s2s.expire_due(10)$$, 'other ends');
SELECT is(pg_temp.kept('PENDING') + pg_temp.kept('outlived'), 0::bigint,
          'a cancellation and the end of the lifetime do so too');

-- A claim hands out no more data than asked for, but always something.
SELECT is_empty($$SELECT * FROM test.claim()$$, 'nothing is left to evaluate');
SELECT lives_ok(format($$SELECT test.initiate(%L, p_jwe => ARRAY[repeat('x', %s)])$$, 'size ' || n, octets), octets || ' octets')
FROM (VALUES (1, 30), (2, 20), (3, 50), (4, 200), (5, 0)) AS t (n, octets);
CREATE FUNCTION pg_temp.sizes(p_max_octets bigint, p_lease integer DEFAULT 1) RETURNS text[] LANGUAGE sql AS $$
  SELECT coalesce(array_agg(session_id ORDER BY session_id), '{}') FROM test.claim(p_lease, p_max_octets => p_max_octets)
$$;
SELECT is(pg_temp.sizes(99), '{size 1,size 2}', 'the third is too much');
SELECT results_eq($$SELECT attempts, lease FROM s2s.job WHERE job_id = test.job('size 3')$$, $$VALUES (0, NULL::uuid)$$,
                  'and was not attempted');
SELECT is(pg_temp.sizes(0), '{size 3}', 'one, however large');
SELECT is(pg_temp.sizes(199), '{size 4}', 'alone');
SELECT is(pg_temp.sizes(199), '{size 5}', 'the last');

-- A job that never comes back is given up, and a new submission has its own.
CREATE FUNCTION pg_temp.lost(p_max_attempts integer) RETURNS text[] LANGUAGE sql AS $$
  SELECT coalesce(array_agg(session_id || ' ' || job_attempts), '{}') FROM test.claim(1, 10, '-1 s', p_max_attempts)
$$;
SELECT lives_ok($$SELECT test.initiate('deadly', p_jwe => '{a}')$$, 'kills its workers');
SELECT is(pg_temp.lost(2), '{deadly 1}', 'first attempt');
SELECT is(pg_temp.lost(2), '{deadly 2}', 'second attempt');
SELECT is(pg_temp.lost(2), '{}', 'no third');
SELECT results_eq($$SELECT kind, attempts, error FROM s2s.job_dead$$,
                  $$VALUES ('evaluate' COLLATE "C", 2, 'attempts used up')$$, 'a dead letter');
SELECT results_eq($$SELECT status, data_octets FROM test.verification('deadly')$$,
                  $$VALUES ('PENDING' COLLATE "C", 1::bigint)$$, 'the verification waits');
SELECT lives_ok($$SELECT test.supplement('deadly')$$, 'another submission');
SELECT is(pg_temp.lost(2), '{deadly 1}', 'is tried anew');

-- The short way of a decision (verification_settle) and the long one, which names of older keys ask for, end the same.
CREATE FUNCTION pg_temp.end_of(p_session text, p_status text, p_configurations text[], p_aliases json) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_outcome text;
  v jsonb;
BEGIN
  SELECT s2s.evaluation_done(
    test.job(p_session), test.lease(), (test.verification(p_session)).data_seq, p_status, NULL, NULL,
    p_configurations, (SELECT array_agg('subject-' || c) FROM unnest(p_configurations) AS c), 2, NULL, NULL, 7,
    (SELECT array_agg('\x01'::bytea) FROM unnest(p_configurations)), p_aliases)
  INTO v_outcome;
  v := to_jsonb(test.verification(p_session));
  RETURN v - '{session_id,verification_id,created_at,updated_at,expires_at,due_at}'::text[] || jsonb_build_object(
    'outcome', v_outcome,
    'due', v ->> 'due_at' = v ->> 'expires_at',
    'data', (SELECT count(*) FROM s2s.verification_data AS d WHERE d.verification_id = v ->> 'verification_id'),
    'owed', (SELECT json_agg(json_build_array(d.peer, d.endpoint) ORDER BY d.peer)
             FROM s2s.delivery AS d WHERE d.ref = v ->> 'verification_id'));
END
$$;
SELECT is(s2s.lanes_set('{wallet}', '[{"name": "w"}]'), 2, 'a wallet and a backend who want to know');
CREATE TEMP TABLE ways AS
SELECT c.*, format('%s of %s after %s%s', c.status, c.configurations, c.submissions,
                   CASE WHEN c.awaited THEN ', awaited' END) AS name
FROM (VALUES ('APPROVED', '{badge}'::text[]), ('APPROVED', '{badge,pass}'), ('PENDING', NULL)) AS d (status, configurations),
     (VALUES (0), (1), (2)) AS s (submissions),
     LATERAL (SELECT d.status, d.configurations, s.submissions, a.awaited FROM (VALUES (false), (true)) AS a (awaited)) AS c;
CREATE FUNCTION pg_temp.way(w ways, p_session text, p_aliases json) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM test.initiate(p_session, p_jwe => CASE WHEN w.submissions > 0 THEN '{a}'::text[] END);
  IF w.awaited THEN
    PERFORM test.evaluate(p_session, 'PENDING');
  END IF;
  IF w.submissions > 1 OR w.awaited THEN
    PERFORM test.supplement(p_session, p_jwe => CASE WHEN w.submissions > 1 THEN '{b}'::text[] END);
  END IF;
  PERFORM test.claim();
  RETURN pg_temp.end_of(p_session, w.status, w.configurations, p_aliases);
END
$$;
SELECT is(pg_temp.way(w, 'short ' || w.name, NULL), pg_temp.way(w, 'long ' || w.name, '[[],[]]'), w.name)
FROM ways AS w ORDER BY w.name;

SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT * FROM finish();
ROLLBACK;
