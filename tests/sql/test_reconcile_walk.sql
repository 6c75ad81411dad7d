-- SPDX-License-Identifier: Apache-2.0
-- Reconciliation: when runs begin and end, how a walk goes through many instances, peers that do not answer, old runs.
BEGIN;
SELECT plan(63);

SELECT is(s2s.lanes_set('{issuer,dead}'), 2, 'two issuers');
-- p_count instances of an issuer, named after it.
CREATE FUNCTION pg_temp.make(p_issuer text, p_count integer) RETURNS void LANGUAGE sql AS $$
  INSERT INTO s2s.wallet_session (created_at, updated_at, session_id, issuer, verification_id, status, configuration_ids, body_digest)
  SELECT clock_timestamp(), clock_timestamp(), p_issuer || '-' || lpad(n::text, 4, '0'), p_issuer, 'v-' || n, 'APPROVED', '{badge}', ''
  FROM generate_series(1, p_count) AS n;
  INSERT INTO s2s.wallet_instance (created_at, updated_at, last_status_change_time, instance_id, session_id, issuer, configuration_id)
  SELECT s.created_at, s.created_at, s.created_at, s.session_id, s.session_id, s.issuer, 'badge'
  FROM s2s.wallet_session AS s
  WHERE s.issuer = p_issuer
$$;
CREATE FUNCTION pg_temp.step(p_every interval DEFAULT '0') RETURNS integer LANGUAGE sql AS $$ SELECT s2s.reconcile_due('WALLET', p_every) $$;
-- Everything that has been asked is answered.
CREATE FUNCTION pg_temp.answer_all(p_issuer text, p_status text) RETURNS bigint LANGUAGE sql AS $$
  UPDATE s2s.delivery SET next_at = clock_timestamp() - interval '1 s' WHERE peer = p_issuer;
  UPDATE s2s.delivery SET next_at = clock_timestamp() + interval '1 h' WHERE peer <> p_issuer;
  SELECT count(*)
  FROM s2s.deliveries_claim(test.lease(5), 1000, 1000, '1 min') AS c
  CROSS JOIN LATERAL s2s.delivery_done(c.delivery_id, test.lease(5), 200, json_build_object('currentStatus', p_status)::text) AS d
$$;
-- The same, and steps, until nothing more is asked; how many answers.
CREATE FUNCTION pg_temp.go_on(p_issuer text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE v_all bigint := 0; v_now bigint;
BEGIN
  LOOP
    v_now := pg_temp.answer_all(p_issuer, 'IN_PROCESS');
    PERFORM pg_temp.step();
    v_all := v_all + v_now;
    EXIT WHEN v_now = 0;
  END LOOP;
  RETURN v_all;
END
$$;
CREATE TEMP TABLE run (id text);
CREATE FUNCTION pg_temp.start() RETURNS void LANGUAGE sql AS $$ DELETE FROM run; INSERT INTO run SELECT s2s.reconcile_start('WALLET', NULL, NULL) $$;
CREATE FUNCTION pg_temp.run() RETURNS s2s.reconciliation LANGUAGE sql AS $$
  SELECT r FROM s2s.reconciliation AS r, run WHERE r.reconciliation_id = run.id
$$;
CREATE FUNCTION pg_temp.findings() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(DISTINCT concat_ws(' ', f.finding, f.action), ', ') FROM s2s.reconciliation_finding AS f, run WHERE f.reconciliation_id = run.id
$$;

-- When a run begins.
SELECT is(pg_temp.step(), 0, 'on demand only');
SELECT is(pg_temp.step('1 day'), 1, 'the first one');
SELECT ok((SELECT scheduled AND finished_at IS NOT NULL FROM s2s.reconciliation), 'over nothing: it is over');
SELECT is(pg_temp.step('1 day'), 0, 'no other one today');
UPDATE s2s.reconciliation SET started_at = started_at - interval '25 h';
SELECT lives_ok('SELECT pg_temp.start()', 'one on demand');
SELECT is(pg_temp.step('1 day'), 2, 'is none of the scheduled ones');
SELECT is(pg_temp.step('1 day'), 0, 'once a day');

-- More instances than a step looks at, or may ask about.
SELECT lives_ok($$SELECT pg_temp.make('issuer', 620)$$, 'many');
UPDATE s2s.wallet_instance SET cancelled = true WHERE right(instance_id, 4)::integer BETWEEN 51 AND 600;
SELECT lives_ok('SELECT pg_temp.start()', 'a run');
SELECT is(pg_temp.step(), 1, 'a step');
SELECT is((pg_temp.run()).asked, 50, 'asked about those that live');
SELECT is((pg_temp.run()).cursor, 'issuer-0500', 'of so many');
SELECT is((pg_temp.run()).walked, false, 'there are more');
SELECT is(pg_temp.step(), 1, 'a step');
SELECT is(((pg_temp.run()).asked, (pg_temp.run()).walked)::text, '(70,t)', 'all are asked about');
SELECT is((SELECT count(*) FROM s2s.delivery), 70::bigint, 'indeed');
SELECT is(pg_temp.answer_all('issuer', 'IN_PROCESS'), 70::bigint, 'answered');
SELECT is(pg_temp.step(), 1, 'a step');
SELECT is(((pg_temp.run()).checked, (pg_temp.run()).found, (pg_temp.run()).finished_at IS NOT NULL)::text, '(70,0,t)', 'the last one');
UPDATE s2s.wallet_instance SET cancelled = false WHERE right(instance_id, 4)::integer BETWEEN 51 AND 250;
SELECT lives_ok('SELECT pg_temp.start()', 'a run');
SELECT is(pg_temp.step(), 1, 'a step');
SELECT is(((pg_temp.run()).asked, (pg_temp.run()).cursor)::text, '(100,issuer-0100)', 'no more at once');
SELECT is(pg_temp.step(), 1, 'a step');
SELECT is((pg_temp.run()).asked, 100, 'there is no room');
SELECT is(pg_temp.answer_all('issuer', 'IN_PROCESS'), 100::bigint, 'answered');
SELECT is(pg_temp.step(), 1, 'a step');
SELECT is(((pg_temp.run()).asked, (pg_temp.run()).checked)::text, '(200,100)', 'now there is');

-- A dead peer holds up nobody else.
SELECT is(pg_temp.go_on('issuer'), 170::bigint, 'the rest');
SELECT ok((pg_temp.run()).finished_at IS NOT NULL, 'is over');
SELECT lives_ok($$SELECT pg_temp.make('dead', 150)$$, 'others');
SELECT lives_ok('SELECT pg_temp.start()', 'a run');
SELECT is(pg_temp.step(), 1, 'a step');
SELECT is(((pg_temp.run()).asked, (pg_temp.run()).cursor)::text, '(100,dead-0100)', 'there might be an answer');
UPDATE s2s.lane SET blocked_until = clock_timestamp() WHERE peer = 'dead';
SELECT is(pg_temp.step(), 1, 'a step');
SELECT is(((pg_temp.run()).asked, (pg_temp.run()).left_out)::text, '(200,{dead})', 'there is none: on to the others');
SELECT is(pg_temp.findings(), 'dead does not answer', 'as the report tells');
SELECT is(pg_temp.go_on('issuer'), 270::bigint, 'who are all answered for');
SELECT is(((pg_temp.run()).walked, (pg_temp.run()).asked, (pg_temp.run()).checked, (pg_temp.run()).finished_at)::text, '(t,370,270,)', 'but it waits');
UPDATE s2s.reconciliation_check SET asked_at = asked_at - interval '16 min' WHERE instance_id <= 'dead-0099';
SELECT is(pg_temp.step(), 1, 'not for ever');
SELECT is(((pg_temp.run()).checked, (pg_temp.run()).found)::text, '(369,100)', 'those are given up');
SELECT is((SELECT count(*) FROM s2s.delivery), 1::bigint, 'and withdrawn');
UPDATE s2s.delivery SET next_at = clock_timestamp() - interval '1 s';
SELECT is(s2s.delivery_failed(c.delivery_id, test.lease(6), 'retry', 'timeout', '0', NULL, '0'), 'dead', 'the last one dies')
FROM s2s.deliveries_claim(test.lease(6), 9, 9, '1 min') AS c;
SELECT is(pg_temp.step(), 1, 'a step');
SELECT ok((pg_temp.run()).finished_at IS NOT NULL, 'it is over');
SELECT is(pg_temp.findings(), 'dead does not answer, no answer', 'as the report tells');

-- A peer that the configuration does not name any more.
SELECT is(s2s.lanes_set('{issuer}'), 1, 'one of them is gone');
INSERT INTO run SELECT s2s.reconcile_start('WALLET', 'dead', NULL);
DELETE FROM run USING s2s.reconciliation AS r WHERE r.reconciliation_id = id AND r.scope_peer IS NULL;
SELECT is(pg_temp.step() + pg_temp.step(), 2, 'two steps');
SELECT is(((pg_temp.run()).asked, (pg_temp.run()).found, (pg_temp.run()).finished_at IS NOT NULL, pg_temp.findings())::text,
          '(0,1,t,"dead cannot be called")', 'there is nobody to ask');

-- An answer that is out of date, and questions that are lost.
SELECT lives_ok($$DELETE FROM run; INSERT INTO run SELECT s2s.reconcile_start('WALLET', NULL, 'issuer-0001')$$, 'a run about one');
SELECT is(pg_temp.step(), 1, 'a step');
UPDATE s2s.wallet_instance SET wallet_suspended = true, last_status_change_time = clock_timestamp() WHERE instance_id = 'issuer-0001';
SELECT is(pg_temp.answer_all('issuer', 'IN_PROCESS'), 1::bigint, 'the answer may be older than that');
SELECT is((SELECT detail FROM s2s.ledger WHERE ref = 'issuer-0001' ORDER BY at DESC LIMIT 1), 'out of date', 'it does not count');
SELECT is(pg_temp.step(), 1, 'a step');
SELECT is(pg_temp.answer_all('issuer', 'SUSPENDED_WALLET'), 1::bigint, 'asked again');
SELECT is(pg_temp.step(), 1, 'a step');
SELECT ok((pg_temp.run()).finished_at IS NOT NULL AND (pg_temp.run()).found = 0, 'equal');

-- Old runs.
UPDATE s2s.reconciliation SET finished_at = finished_at - interval '31 days' WHERE reconciliation_id IN
  (SELECT reconciliation_id FROM s2s.reconciliation_finding);
INSERT INTO s2s.reconciliation_finding (at, reconciliation_id, finding)
SELECT now(), (SELECT reconciliation_id FROM s2s.reconciliation WHERE found = 101), 'x' FROM generate_series(1, 1000);
SELECT is(pg_temp.step(), 0, 'time passes');
SELECT is((SELECT count(*) FROM s2s.reconciliation_finding), 102::bigint, 'no more than 1,000 at once are forgotten');
SELECT lives_ok('SELECT pg_temp.step() FROM generate_series(1, 4)', 'nor more than one run');
SELECT is_empty('SELECT FROM s2s.reconciliation_finding', 'bit by bit');
SELECT is((SELECT count(*) FROM s2s.reconciliation WHERE finished_at < now() - interval '30 days'), 0::bigint, 'with all that they found');

SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT * FROM finish();
ROLLBACK;
