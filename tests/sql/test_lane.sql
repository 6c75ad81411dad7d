-- SPDX-License-Identifier: Apache-2.0
-- Lanes: the peers apart from each other, and the breaker.
BEGIN;
SELECT plan(65);

-- How long a peer's lane is blocked, in seconds.
CREATE FUNCTION pg_temp.blocked(p_peer text) RETURNS double precision LANGUAGE sql AS $$
  SELECT extract(epoch FROM l.blocked_until - clock_timestamp()) FROM s2s.lane AS l WHERE l.peer = p_peer
$$;
CREATE FUNCTION pg_temp.lanes() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(l.peer || CASE WHEN l.active THEN '+' ELSE '-' END, ' ' ORDER BY l.peer) FROM s2s.lane AS l
$$;
-- All that is in flight to a peer ends like this.
CREATE FUNCTION pg_temp.fail(p_peer text, p_kind text DEFAULT 'retry', p_block interval DEFAULT NULL) RETURNS bigint
LANGUAGE sql AS $$
  SELECT count(s2s.delivery_failed(d.delivery_id, d.lease, p_kind, 'timeout', '0', p_block, '7 days'))
  FROM s2s.delivery AS d WHERE d.peer = p_peer AND d.lease IS NOT NULL
$$;
CREATE FUNCTION pg_temp.come_through(p_peer text) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(s2s.delivery_done(d.delivery_id, d.lease, 200, NULL))
  FROM s2s.delivery AS d WHERE d.peer = p_peer AND d.lease IS NOT NULL
$$;
-- How many are claimed, by peer.
CREATE FUNCTION pg_temp.claim(p_lease integer, p_limit integer DEFAULT 100, p_per_peer integer DEFAULT 4)
RETURNS TABLE (peer text, n bigint) LANGUAGE sql AS $$
  SELECT f.peer, count(*) FROM test.send(p_lease, p_limit, p_per_peer) AS f GROUP BY f.peer ORDER BY f.peer COLLATE "C"
$$;
-- So many verifications of a peer, each owing a notice.
CREATE FUNCTION pg_temp.notices(p_peer text, p_count integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM test.initiate(p_peer || gen_random_uuid(), p_peer, p_lifetime => '-1 s') FROM generate_series(1, p_count);
  PERFORM s2s.expire_due(p_count);
END
$$;

-- ---- the configuration ----

SELECT is(s2s.lanes_set('{b,a,b}'), 2, 'two peers');
SELECT is(pg_temp.lanes(), 'a+ b+', 'have lanes');
SELECT is(s2s.lanes_set('{a,b}'), 0, 'the same again');
SELECT is(s2s.lanes_set('{c,b}'), 2, 'one less, one more');
SELECT is(pg_temp.lanes(), 'a- b+ c+', 'no lane is lost');
SELECT lives_ok($$SELECT pg_temp.notices('a', 2), pg_temp.notices('b', 2)$$, 'all are owed');
SELECT results_eq($$SELECT * FROM pg_temp.claim(1)$$, $$VALUES ('b', 2::bigint)$$, 'the active ones are sent to');
SELECT is(s2s.lanes_set('{a,b,c}'), 1, 'back again');
SELECT results_eq($$SELECT * FROM pg_temp.claim(2)$$, $$VALUES ('a', 2::bigint)$$, 'nothing was lost');
SELECT is(s2s.lanes_set('{}') + s2s.lanes_set(NULL), 3, 'none at all');
SELECT is(s2s.lanes_set('{b}', p_give_up_after => '1 hour'), 1, 'one of them');
UPDATE s2s.delivery SET owed_at = owed_at - interval '2 hours', next_at = next_at - interval '2 hours', lease = NULL;
SELECT is(s2s.lanes_set('{b}', p_give_up_after => '3 hours'), 0, 'the other may come back');
SELECT is((SELECT count(*) FROM s2s.delivery_dead), 0::bigint, 'for a while');
SELECT is(s2s.lanes_set('{b}', p_give_up_after => '1 hour'), 0, 'then');
SELECT results_eq($$SELECT peer, count(*), min(reason) FROM s2s.delivery_dead GROUP BY peer$$,
                  $$VALUES ('a' COLLATE "C", 2::bigint, 'not in the configuration, for too long')$$, 'what it was owed is given up');
SELECT results_eq($$SELECT peer, count(*) FROM s2s.delivery GROUP BY peer$$, $$VALUES ('b' COLLATE "C", 2::bigint)$$,
                  'what the first is owed has its own ways to end');
SELECT is(s2s.lanes_set('{a,b}'), 1, 'two');
DELETE FROM s2s.delivery_dead;
DELETE FROM s2s.delivery;

-- ---- bounds ----

SELECT lives_ok($$SELECT pg_temp.notices('a', 10), pg_temp.notices('b', 3)$$, 'much for one, little for the other');
SELECT results_eq($$SELECT * FROM pg_temp.claim(1)$$, $$VALUES ('a', 4::bigint), ('b', 3)$$, 'so many in flight to each');
SELECT is_empty($$SELECT * FROM pg_temp.claim(2)$$, 'no more');
SELECT results_eq($$SELECT * FROM pg_temp.claim(3, p_per_peer => 6)$$, $$VALUES ('a', 2::bigint)$$, 'a full lane takes the rest');
SELECT is(pg_temp.come_through('a'), 6::bigint, 'six arrive');
SELECT results_eq($$SELECT * FROM pg_temp.claim(4)$$, $$VALUES ('a', 4::bigint)$$, 'and make room');
SELECT lives_ok($$SELECT pg_temp.come_through('a'), pg_temp.come_through('b')$$, 'all arrive');
SELECT lives_ok($$SELECT pg_temp.notices('a', 10), pg_temp.notices('b', 10)$$, 'much for both');
SELECT is((SELECT sum(n) FROM pg_temp.claim(5, 5)), 5::numeric, 'a claim has its own bound');
DELETE FROM s2s.delivery;

-- ---- the breaker ----

SELECT lives_ok($$SELECT pg_temp.notices('a', 20), pg_temp.claim(1)$$, 'four in flight');
SELECT is(s2s.lane_is_unwell('a'), false, 'well so far');
SELECT is(pg_temp.fail('a', 'fault'), 4::bigint, 'something is wrong with the messages');
SELECT is(s2s.lane_is_unwell('a'), false, 'and not with the peer');
UPDATE s2s.delivery SET lease = NULL, next_at = clock_timestamp();
SELECT results_eq($$SELECT * FROM pg_temp.claim(1)$$, $$VALUES ('a', 4::bigint)$$, 'four in flight');
SELECT is(pg_temp.fail('a'), 4::bigint, 'fail');
SELECT is(s2s.lane_is_unwell('a'), true, 'not any more');
SELECT is(pg_temp.blocked('a'), NULL, 'which is not yet enough');
SELECT results_eq($$SELECT * FROM pg_temp.claim(2)$$, $$VALUES ('a', 4::bigint)$$, 'four more');
SELECT is(pg_temp.fail('a'), 4::bigint, 'fail too');
SELECT is((SELECT failures FROM s2s.lane WHERE peer = 'a'), 5, 'the fifth blocks; those that were under way say nothing new');
SELECT cmp_ok(pg_temp.blocked('a'), '<=', 1::double precision, 'for a second');
SELECT cmp_ok(pg_temp.blocked('a'), '>', 0.3::double precision, 'or so');
SELECT is_empty($$SELECT * FROM pg_temp.claim(3)$$, 'nothing is sent meanwhile');
SELECT is((SELECT blocked FROM s2s.delivery_stats() WHERE peer = 'a'), true, 'and everybody sees why');
SELECT test.rested();
SELECT results_eq($$SELECT * FROM pg_temp.claim(4)$$, $$VALUES ('a', 1::bigint)$$, 'then one probe');
SELECT is_empty($$SELECT * FROM pg_temp.claim(5)$$, 'at a time');
SELECT is(pg_temp.fail('a'), 1::bigint, 'which fails');
SELECT is((SELECT pg_temp.blocked('a') BETWEEN 0.9 AND 2), true, 'twice as long');
SELECT results_eq(
  $$SELECT n, extract(epoch FROM min(s2s.lane_pause(n))) >= p_least AND extract(epoch FROM max(s2s.lane_pause(n))) <= p_most
    FROM (VALUES (4, NULL, NULL), (5, 0.5, 1), (8, 4, 8), (10, 16, 32), (11, 30, 60), (99, 30, 60), (2000000000, 30, 60))
           AS t (n, p_least, p_most), generate_series(1, 50)
    GROUP BY n, p_least, p_most ORDER BY n$$,
  $$VALUES (4, NULL), (5, true), (8, true), (10, true), (11, true), (99, true), (2000000000, true)$$,
  'up to a minute, half of it jitter');
SELECT test.rested();
SELECT results_eq($$SELECT * FROM pg_temp.claim(6)$$, $$VALUES ('a', 1::bigint)$$, 'the next probe');
SELECT is(pg_temp.come_through('a'), 1::bigint, 'comes through');
SELECT is((SELECT failures FROM s2s.lane WHERE peer = 'a'), 6, 'which only the lane''s own transaction may write down');
SELECT is(s2s.lane_is_unwell('a'), true, 'and should');
SELECT lives_ok($$SELECT s2s.lane_cleared('a')$$, 'does');
SELECT is(s2s.lane_is_unwell('a'), false, 'well again');
SELECT results_eq($$SELECT * FROM pg_temp.claim(7)$$, $$VALUES ('a', 4::bigint)$$, 'and all is well');
SELECT is((SELECT failures FROM s2s.lane WHERE peer = 'a'), 0, 'forgotten');
UPDATE s2s.lane SET failures = 9, blocked_until = clock_timestamp() - interval '1 s' WHERE peer = 'a';
UPDATE s2s.delivery SET lease = NULL, next_at = clock_timestamp();
SELECT results_eq($$SELECT * FROM pg_temp.claim(7)$$, $$VALUES ('a', 1::bigint)$$, 'a probe once more');
SELECT is(pg_temp.fail('a', 'final'), 1::bigint, 'is refused for good');
SELECT is((SELECT failures FROM s2s.lane WHERE peer = 'a'), 0, 'by a peer that is well');
SELECT results_eq($$SELECT * FROM pg_temp.claim(7)$$, $$VALUES ('a', 4::bigint)$$, 'and gets its flights again');
SELECT is(pg_temp.fail('a', 'blocked', '1 h'), 4::bigint, 'blocked by the caller');
SELECT is((SELECT pg_temp.blocked('a') BETWEEN 3590 AND 3600), true, 'for as long as it says');
SELECT is((SELECT failures FROM s2s.lane WHERE peer = 'a'), 0, 'the breaker has nothing to do with that');

-- ---- a dead peer is nobody else's trouble ----

SELECT lives_ok($$SELECT test.owing('a', 100000), pg_temp.notices('b', 3)$$, '100,000 are due at a blocked peer');
CREATE TEMPORARY TABLE visited AS
  SELECT seq_tup_read + idx_tup_fetch AS rows FROM pg_stat_xact_user_tables WHERE relid = 's2s.delivery'::regclass;
SELECT results_eq($$SELECT * FROM pg_temp.claim(8)$$, $$VALUES ('b', 3::bigint)$$, 'the other gets its own');
SELECT cmp_ok((SELECT s.seq_tup_read + s.idx_tup_fetch - v.rows
               FROM pg_stat_xact_user_tables AS s, visited AS v WHERE s.relid = 's2s.delivery'::regclass), '<', 30::bigint,
              'and a claim does not look at them');
SELECT is((SELECT depth FROM s2s.delivery_stats() WHERE peer = 'a'), 100000::bigint, 'a scrape counts so far and no further');

SELECT * FROM finish();
ROLLBACK;
