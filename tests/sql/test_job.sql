-- SPDX-License-Identifier: Apache-2.0
-- The queue, and what time decides.
BEGIN;
SELECT plan(34);

CREATE FUNCTION pg_temp.enqueue(p_ref text, p_in interval DEFAULT '0', p_kind text DEFAULT 'evaluate') RETURNS void
LANGUAGE sql AS $$
  INSERT INTO s2s.job (next_at, created_at, kind, ref, payload)
  VALUES (clock_timestamp() + p_in, clock_timestamp(), p_kind, p_ref, '{"n": 1}')
$$;
CREATE FUNCTION pg_temp.claim(p_lease integer, p_limit integer DEFAULT 10, p_for interval DEFAULT '1 min') RETURNS text[]
LANGUAGE sql AS $$
  SELECT coalesce(array_agg(ref ORDER BY ref), '{}') FROM s2s.jobs_claim(test.lease(p_lease), p_limit, p_for, 'evaluate', 9, 100)
$$;

SELECT lives_ok($$SELECT pg_temp.enqueue('c', '-1 s'), pg_temp.enqueue('b', '-2 s'), pg_temp.enqueue('a', '-3 s'),
                         pg_temp.enqueue('later', '1 h'), pg_temp.enqueue('other', '-9 s', 'deliver')$$, 'jobs');
SELECT is(pg_temp.claim(1, 2), '{a,b}', 'the oldest due ones, of the kind asked for, no more than asked for');
SELECT is(pg_temp.claim(2), '{c}', 'the rest for the next');
SELECT is(pg_temp.claim(3), '{}', 'nothing left');
SELECT results_eq($$SELECT ref, lease, attempts FROM s2s.job ORDER BY ref$$,
  $$VALUES ('a' COLLATE "C", test.lease(1), 1), ('b', test.lease(1), 1), ('c', test.lease(2), 1), ('later', NULL, 0),
           ('other', NULL, 0)$$, 'leases and attempts');
SELECT results_eq($$SELECT ref, attempts, payload::text FROM s2s.jobs_claim(test.lease(4), 1, '1 min', 'deliver', 9, 100)$$,
                  $$VALUES ('other', 1, '{"n": 1}')$$, 'what a claim returns');

-- A lease that ran out.
SELECT is(cardinality(pg_temp.claim(5, 10, '-1 s')), 0, 'none due');
UPDATE s2s.job SET next_at = clock_timestamp() - interval '1 s' WHERE ref = 'a';
SELECT is(pg_temp.claim(6), '{a}', 'is anybody''s');

CREATE FUNCTION pg_temp.retry(p_ref text, p_lease integer, p_max integer DEFAULT 3, p_error text DEFAULT 'boom') RETURNS text
LANGUAGE sql AS $$
  SELECT s2s.job_retry(j.job_id, test.lease(p_lease), '1 h', p_error, p_max) FROM s2s.job AS j WHERE j.ref = p_ref
$$;
SELECT is(pg_temp.retry('a', 1), 'fenced', 'its former owner changes nothing');
SELECT is((SELECT lease FROM s2s.job WHERE ref = 'a'), test.lease(6), 'at all');
SELECT is(pg_temp.retry('a', 6), 'retried', 'its owner gives it back');
SELECT results_eq($$SELECT lease, attempts, next_at > clock_timestamp() + interval '50 min' FROM s2s.job WHERE ref = 'a'$$,
                  $$VALUES (NULL::uuid, 2, true)$$, 'for later');
SELECT is(pg_temp.retry('a', 6), 'fenced', 'once');
SELECT is(pg_temp.retry('b', 2, 1), 'fenced', 'nobody buries another''s job');
SELECT is(pg_temp.retry('b', 1, 1), 'dead', 'given up');
SELECT results_eq($$SELECT ref, kind, attempts, error, payload::text FROM s2s.job_dead$$,
  $$VALUES ('b' COLLATE "C", 'evaluate' COLLATE "C", 1, 'boom', '{"n": 1}')$$, 'a dead letter');
SELECT is_empty($$SELECT FROM s2s.job WHERE ref = 'b'$$, 'no longer a job');
SELECT is(s2s.job_retry(-1, test.lease(1), '1 h', 'x', 1), 'fenced', 'no such job');

-- Claims have a ceiling too: of attempts, and of octets.
CREATE FUNCTION pg_temp.state(p_ref text) RETURNS text LANGUAGE sql AS $$
  SELECT coalesce((SELECT 'live ' || attempts FROM s2s.job WHERE ref = p_ref),
                  (SELECT concat_ws(' ', 'dead', attempts, error) FROM s2s.job_dead WHERE ref = p_ref))
$$;
SELECT lives_ok($$SELECT pg_temp.enqueue('tired', '-9 s'), pg_temp.enqueue('fresh', '-8 s')$$, 'two');
UPDATE s2s.job SET attempts = 9, lease = test.lease(7) WHERE ref = 'tired';
SELECT is(pg_temp.claim(8), '{fresh}', 'one is claimed');
SELECT is(pg_temp.state('tired'), 'dead 9 attempts used up', 'the other is given up');
SELECT is(pg_temp.state('fresh'), 'live 1', 'and only that');
SELECT lives_ok($$SELECT pg_temp.enqueue('most', '-9 s'), pg_temp.enqueue('over', '-8 s'), pg_temp.enqueue('light', '-7 s')$$,
                'of different weight');
UPDATE s2s.job SET octets = CASE ref WHEN 'most' THEN 60 WHEN 'over' THEN 41 ELSE 1 END;
SELECT is(pg_temp.claim(9), '{most}', 'what would be over the budget ends the claim: nothing overtakes it');
SELECT is(pg_temp.claim(9), '{light,over}', 'it is the first of the next');
DELETE FROM s2s.job WHERE ref IN ('fresh', 'most', 'over', 'light');
DELETE FROM s2s.job_dead WHERE ref = 'tired';

SELECT results_eq($$SELECT kind, depth, oldest_age_s >= 0 AND oldest_age_s < 60, dead FROM s2s.queue_stats() WHERE kind = 'evaluate'$$,
                  $$VALUES ('evaluate', 3::bigint, true, 1::bigint)$$, 'queue_stats');
DELETE FROM s2s.job;
SELECT results_eq($$SELECT depth, oldest_age_s FROM s2s.queue_stats() WHERE kind = 'evaluate'$$, $$VALUES (0::bigint, 0::double precision)$$,
                  'an empty queue is 0 s old');

-- expire_due.
SELECT lives_ok($$SELECT test.initiate('over ' || n, p_lifetime => '-1 s') FROM generate_series(1, 5) AS n$$, 'five are over');
SELECT lives_ok($$SELECT test.initiate('live')$$, 'one is not');
SELECT is(s2s.expire_due(3), 3, 'bounded');
SELECT is(s2s.expire_due(100), 2, 'the rest');
SELECT is(s2s.expire_due(100), 0, 'no more');
SELECT results_eq($$SELECT status, version, count(*) FROM s2s.verification GROUP BY 1, 2 ORDER BY 1$$,
  $$VALUES ('EXPIRED' COLLATE "C", 2::bigint, 5::bigint), ('PENDING', 1, 1)$$, 'each ended once');
SELECT is((SELECT count(*) FROM s2s.verification WHERE due_at IS NOT NULL), 1::bigint, 'and left the index');

SELECT * FROM finish();
ROLLBACK;
