-- SPDX-License-Identifier: Apache-2.0
-- The partitions: those of s2s.answer in detail, then those of s2s.ledger.
BEGIN;
SELECT plan(27);

CREATE FUNCTION pg_temp.today() RETURNS date LANGUAGE sql AS $$ SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date $$;
-- Days from today on that have a partition.
CREATE FUNCTION pg_temp.days() RETURNS integer[] LANGUAGE sql AS $$
  SELECT array_agg(right(c.relname, 8)::date - pg_temp.today() ORDER BY c.relname)
  FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
  WHERE i.inhparent = 's2s.answer'::regclass AND c.relname ~ '\d{8}$'
$$;
CREATE FUNCTION pg_temp.answered(p_request integer, p_days integer) RETURNS void LANGUAGE sql AS $$
  INSERT INTO s2s.answer (created_at, request_id, token, digest, status, peer, endpoint, body)
  VALUES (clock_timestamp() + make_interval(days => p_days), test.lease(p_request), test.lease(), '\x01', 200, 'a', '/e', 'x')
$$;
CREATE FUNCTION pg_temp.held(p_request integer) RETURNS text LANGUAGE sql AS $$
  SELECT CASE a.tableoid::regclass::text
           WHEN 's2s.answer_default' THEN 'default'
           ELSE ((right(a.tableoid::regclass::text, 8)::date) - pg_temp.today())::text
         END
  FROM s2s.answer AS a WHERE a.request_id = test.lease(p_request)
$$;

SELECT is(pg_temp.days(), '{0,1,2,3}', 'installing the functions makes partitions: today and three days ahead');
SELECT is(s2s.maintain('48 hours'), 0, 'nothing to do');
SELECT lives_ok(format('DROP TABLE s2s.%I', s2s.partition_name('answer', pg_temp.today() + n)), 'one is lacking')
FROM unnest('{0,3}'::int[]) AS n;

-- Answers that the default partition caught.
SELECT lives_ok($$SELECT pg_temp.answered(1, 0), pg_temp.answered(2, -1), pg_temp.answered(3, -1), pg_temp.answered(4, -9)$$, 'caught');
SELECT is(pg_temp.held(1), 'default', 'in the default partition');
SELECT is(s2s.maintain('48 hours'), 3, 'two are made again, and one for yesterday');
SELECT is(pg_temp.days(), '{-1,0,1,2,3}', 'all there');
SELECT is(pg_temp.held(1), '0', 'today''s answer has moved');
SELECT is(pg_temp.held(3), '-1', 'yesterday''s too');
SELECT is(pg_temp.held(4), NULL, 'the one beyond the retention is gone');
SELECT is((SELECT count(*) FROM s2s.answer_default), 0::bigint, 'the net is empty');
SELECT is((SELECT outcome FROM s2s.issuer_answer('a', test.lease(3), '/e', '\x01', test.lease(9), 200, 'y')), 'replayed',
          'a moved answer is still replayed');
SELECT is(test.brief(test.initiate('S')), '200 answered', 'and new ones are stored');

-- Partitions are alike.
SELECT results_eq(
  $$SELECT count(DISTINCT (a.attstorage, a.attnotnull, a.attcollation)) FROM pg_attribute AS a
    WHERE a.attrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 's2s.answer'::regclass) AND a.attname = 'body'$$,
  $$VALUES (1::bigint)$$, 'the body is stored alike in all');
SELECT is(
  (SELECT count(*) FROM pg_index AS i JOIN pg_inherits AS h ON h.inhrelid = i.indrelid
   WHERE h.inhparent = 's2s.answer'::regclass AND i.indisunique AND i.indkey::text = '2 6'), 6::bigint, 'each has its unique index');

-- Growing old.
SELECT is(s2s.maintain('0 hours'), 1, 'retention over: yesterday''s is dropped');
SELECT is(pg_temp.days(), '{0,1,2,3}', 'only that');
SELECT is((SELECT count(*) FROM s2s.answer WHERE peer = 'a'), 1::bigint, 'with its answers');

-- The ledger is another such table.
CREATE FUNCTION pg_temp.ledger() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(right(i.inhrelid::regclass::text, 8), ' ' ORDER BY i.inhrelid::regclass::text)
  FROM pg_inherits AS i WHERE i.inhparent = 's2s.ledger'::regclass
$$;
CREATE FUNCTION pg_temp.expected(VARIADIC p_days integer[]) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(to_char(pg_temp.today() + d, 'YYYYMMDD'), ' ' ORDER BY d) || ' _default' FROM unnest(p_days) AS d
$$;
CREATE FUNCTION pg_temp.noted(p_days integer) RETURNS void LANGUAGE sql AS $$
  INSERT INTO s2s.ledger (at, delivery_id, peer, endpoint, ref, event)
  VALUES (clock_timestamp() + make_interval(days => p_days), 1, 'a', '/e', 'x', 'owed')
$$;
SELECT is(pg_temp.ledger(), pg_temp.expected(0, 1, 2, 3), 'days of the ledger');
SELECT is(s2s.ledger_since(), pg_temp.today()::timestamp AT TIME ZONE 'UTC', 'which is complete from today on');
SELECT lives_ok($$SELECT pg_temp.noted(-1), pg_temp.noted(-9), pg_temp.answered(5, -1)$$, 'caught');
SELECT is(s2s.maintain('48 hours'), 1, 'answers first');
SELECT is(s2s.maintain('48 hours'), 1, 'one table a transaction');
SELECT is(pg_temp.ledger(), pg_temp.expected(-1, 0, 1, 2, 3), 'made');
SELECT is((SELECT count(*) FROM s2s.ledger), 1::bigint, 'what is beyond the retention is gone');
SELECT is((SELECT count(*) FROM pg_index WHERE indrelid = to_regclass('s2s.' || s2s.partition_name('ledger', pg_temp.today()))),
          2::bigint, 'each has the indexes');

SELECT * FROM finish();
ROLLBACK;
