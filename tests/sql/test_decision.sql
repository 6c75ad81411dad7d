-- SPDX-License-Identifier: Apache-2.0
-- Decisions of backends: lanes, delays, wrong answers; results from the web; several datasets.
BEGIN;
SELECT plan(88);

CREATE FUNCTION pg_temp.claim(p_lanes text[] DEFAULT NULL, p_rooms integer[] DEFAULT NULL, p_limit integer DEFAULT 10, p_lease integer DEFAULT 1)
RETURNS text[] LANGUAGE sql AS $$
  SELECT coalesce(array_agg(c.session_id ORDER BY c.session_id), '{}')
  FROM s2s.evaluations_claim(test.lease(p_lease), p_limit, '1 min', 9, 1000000, coalesce(p_lanes, '{""}'), p_rooms) AS c
$$;
CREATE FUNCTION pg_temp.job(p_session text) RETURNS bigint LANGUAGE sql AS $$ SELECT (test.newest_job(p_session)).job_id $$;

-- Lanes.
SELECT lives_ok($$SELECT test.again('own', 'a'), test.again('a1', 'a', p_lane => 'a'), test.again('a2', 'a', p_lane => 'a'),
                         test.again('a3', 'a', p_lane => 'a'), test.again('b1', 'a', p_lane => 'b')$$, 'for various backends');
SELECT is(pg_temp.claim(), '{own}', 'what is decided here');
SELECT is(pg_temp.claim('{b,a}', '{0,2}'), '{a1,a2}', 'as many as a backend has room for');
SELECT is(pg_temp.claim('{c}'), '{}', 'nothing for others');
SELECT is(pg_temp.claim('{a,b}', NULL, 1), '{a3}', 'in the order in which they are named, no more than asked for');
SELECT is(pg_temp.claim('{a,b}'), '{b1}', 'the rest');
SELECT results_eq($$SELECT session_id, lane FROM s2s.verification ORDER BY session_id$$,
  $$VALUES ('a1' COLLATE "C", 'a' COLLATE "C"), ('a2', 'a'), ('a3', 'a'), ('b1', 'b'), ('own', '')$$, 'a verification knows who decides');

-- Later.
SELECT is(s2s.job_postpone(pg_temp.job('a1'), test.lease(9), '0', 'timeout'), 'fenced', 'whose lease it is not');
SELECT is(s2s.job_postpone(pg_temp.job('a1'), test.lease(), '0', 'timeout'), 'postponed', 'a backend that is down');
SELECT results_eq($$SELECT attempts, postponed, lease, lane, payload ->> 'dataSeq', payload ->> 'error' FROM test.newest_job('a1')$$,
  $$VALUES (0, 1, NULL::uuid, 'a' COLLATE "C", '1', 'timeout')$$, 'costs no attempt, however often');
SELECT is(pg_temp.claim('{a}'), '{a1}', 'asked again');
SELECT is(s2s.job_postpone(pg_temp.job('a1'), test.lease(), '1 h'), 'postponed', 'and again');
SELECT is((test.newest_job('a1')).postponed, 2, 'counted');
SELECT is((test.newest_job('a1')).payload::jsonb -> 'error', 'null'::jsonb, 'for no reason');
SELECT is(pg_temp.claim('{a}'), '{}', 'not before its time');
SELECT is((test.verification('a1')).status, 'PENDING', 'the wallet sees nothing of it');
SELECT is(s2s.job_postpone(pg_temp.job('a2'), test.lease(), '0', 'reconfigured', 'b'), 'postponed', 'another backend is to decide');
SELECT is(pg_temp.claim('{b}'), '{a2}', 'and gets it');
SELECT is(s2s.jobs_lanes_set('{b}'), 2, 'a backend that is gone');
UPDATE s2s.job SET next_at = clock_timestamp() WHERE ref = (test.verification('a1')).verification_id;
SELECT is(pg_temp.claim(), '{a1}', 'leaves what it had to the others');
SELECT is(s2s.jobs_lanes_set('{b}'), 0, 'once');

-- What cannot be fetched is counted by itself.
SELECT is(s2s.job_postpone(pg_temp.job('a1'), test.lease(), '0', 'unreachable', p_fetch => true), 'postponed', 'a document''s host is down');
SELECT results_eq($$SELECT postponed, fetches FROM s2s.evaluations_claim(test.lease(), 9, '1 min', 9, 1000)$$, $$VALUES (3, 1)$$,
                  'once, whatever else there was to wait for');
SELECT is(s2s.job_postpone(pg_temp.job('a1'), test.lease(), '0', 'timeout'), 'postponed', 'another wait');
SELECT results_eq($$SELECT postponed, fetches FROM s2s.evaluations_claim(test.lease(), 9, '1 min', 9, 1000)$$, $$VALUES (4, 1)$$,
                  'leaves the count');
SELECT is(s2s.job_retry(pg_temp.job('a1'), test.lease(), '0', 'boom', 1), 'dead', 'a dead letter');
SELECT ok(s2s.job_redrive(max(d.job_id)), 'sent again') FROM s2s.job_dead AS d;
SELECT is(s2s.job_fetches((test.newest_job('a1')).payload), 0, 'it has all its patience');

-- A wrong answer.
SELECT is(s2s.evaluation_undecided(pg_temp.job('b1'), test.lease(9), 1, 'no'), 'fenced', 'whose lease it is not');
SELECT is(s2s.evaluation_undecided(pg_temp.job('b1'), test.lease(), 1, repeat('x', 300)), 'done', 'an answer that cannot be used');
SELECT results_eq($$SELECT status, awaiting_decision, length(undecided_reason) FROM test.verification('b1')$$,
                  $$VALUES ('PENDING' COLLATE "C", true, 200)$$, 'approves nobody, and is kept for operators');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT is(s2s.evaluation_undecided(-1, test.lease(), 1, 'x'), 'fenced', 'no such job');
SELECT is((test.supplement('b1')).status, 200, 'the wallet sends more');
SELECT results_eq($$SELECT awaiting_decision, undecided_reason FROM test.verification('b1')$$, $$VALUES (false, NULL::text)$$, 'and is judged anew');
SELECT is(pg_temp.claim('{b}'), '{b1}', 'by the same backend');
SELECT is((test.supplement('b1')).status, 200, 'overtaken');
SELECT is(s2s.evaluation_undecided((SELECT min(job_id) FROM s2s.job WHERE ref = (test.verification('b1')).verification_id), test.lease(), 2, 'x'),
          'superseded', 'what is overtaken');
SELECT is((test.verification('b1')).undecided_reason, NULL, 'says nothing');
SELECT is(pg_temp.claim('{b}'), '{b1}', 'its successor');
SELECT is(s2s.evaluation_undecided(pg_temp.job('b1'), test.lease(), 3, 'garbage'), 'done', 'is not decided either');
SELECT is((test.cancel('b1')).status, 200, 'cancelled');
SELECT is((test.verification('b1')).undecided_reason, NULL, 'nothing to decide');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- Several datasets of one configuration.
SELECT lives_ok($$SELECT test.again('cards', 'a', p_configurations => '{card,pin}')$$, 'cards');
SELECT is(test.approve('cards', '{card,pin,card,card,pin}', '{c2,x,c1,c2,x}', p_sealed => '{"\\x02",NULL,"\\x01","\\x03","\\x04"}'), 'done', 'three datasets');
SELECT results_eq($$SELECT approved_ids, subject_refs, subject_sealed FROM test.nth('cards')$$,
  $$VALUES ('{card,pin,card}'::text[], '{c2,x,c1}'::text[], '{"\\x02",NULL,"\\x01"}'::bytea[])$$, 'what is approved twice is approved once');
SELECT is((test.nth('cards')).authorized_device_count, 1, 'for one device, unless it is said');
SELECT is((test.status('cards')).body::json ->> 'credentialConfigurationIds', '["card","pin"]', 'told once each');
SELECT results_eq($$SELECT c ->> 'credentialConfigurationId', json_array_length(c -> 'credentialInstanceIds')
                    FROM json_array_elements((test.provision_nth('cards')).body::json -> 'CredentialInstances') AS c$$,
                  $$VALUES ('card', 2), ('pin', 1)$$, 'by configuration');
SELECT results_eq($$SELECT configuration_id, subject_ref, subject_sealed FROM s2s.instance WHERE session_id = 'cards' ORDER BY ordinal$$,
  $$VALUES ('card', 'c2', '\x02'::bytea), ('pin', 'x', NULL), ('card', 'c1', '\x01')$$, 'an instance for each');
SELECT throws_like($$SELECT test.again('bad', 'a'), test.approve('bad', p_sealed => '{"\\x01","\\x02"}')$$, '%lacks what APPROVED needs',
                   'as many sealed subjects as approvals');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- What a claim tells.
SELECT lives_ok($$SELECT test.initiate('told', p_jwe => '{j1,j2}', p_sealed => '\x01', p_max_attempts => 5), test.evaluate('told', 'ADDITIONAL_INFO_REQUIRED'),
                         test.supplement('told', p_jwe => '{}', p_sealed => '\x02'), test.supplement('told', p_jwe => '{j3}')$$, 'submissions');
SELECT results_eq(
  $$SELECT client_jwe, client_seq, server_sealed, server_seq, issuer_sealed, issuer_seq, data_request::jsonb, lane, postponed, attestation, wsk_thumbprint,
           locale, supported_types, previous_verification_id, root_verification_id
    FROM s2s.evaluations_claim(test.lease(), 9, '1 min', 9, 1000)$$,
  $$VALUES ('{j1,j2,j3}'::text[], '{1,1,3}'::integer[], '{"\\x01","\\x02"}'::bytea[], '{1,2}'::integer[], NULL::bytea[], NULL::integer[],
            '{"verificationDataItems": [{"id": "otp-1"}]}'::jsonb, ''::text, 0, 'IGNORED'::text, 'thumbprint'::text, NULL::text, NULL::text[], NULL::text, NULL::text)$$,
  'which submission brought what, and what it answers');

-- Results from the web.
CREATE FUNCTION pg_temp.result(p_session text, p_item text DEFAULT 'otp-1', p_sealed bytea DEFAULT '\x0e', p_results integer DEFAULT 2, p_octets bigint DEFAULT 1000)
RETURNS text LANGUAGE sql AS $$
  SELECT s2s.web_result((test.verification(p_session)).verification_id, p_item, p_sealed, p_results, p_octets)
$$;
SELECT is(pg_temp.result('nobody'), 'not-found', 'of nobody');
SELECT is(pg_temp.result('told', 'otp-2'), 'not-found', 'of what was not asked for');
SELECT is(pg_temp.result('a3'), 'not-found', 'of one who was asked for nothing');
SELECT is(pg_temp.result('told', p_octets => 8), 'too-large', 'too much');
SELECT is((test.verification('told')).data_seq, 3, 'nothing came of any');
SELECT is(pg_temp.result('told', p_octets => 9), 'accepted', 'a result, while it is evaluated');
SELECT results_eq($$SELECT status, data_seq, attempts, data_octets FROM test.verification('told')$$, $$VALUES ('PENDING' COLLATE "C", 4, 3, 9::bigint)$$,
                  'is no attempt of the wallet''s');
SELECT is(test.decide('told', 'APPROVED', p_job => (SELECT min(job_id) FROM s2s.job WHERE ref = (test.verification('told')).verification_id), p_data_seq => 3),
          'superseded', 'a decision without it is void');
SELECT is(test.evaluate('told', 'ADDITIONAL_INFO_REQUIRED'), 'done', 'more is needed');
SELECT is(pg_temp.result('told', p_sealed => '\x0f'), 'accepted', 'another result');
SELECT is((test.verification('told')).status, 'PENDING', 'has it evaluated again');
SELECT is(pg_temp.result('told'), 'too-large', 'but not for ever');
SELECT results_eq($$SELECT issuer_sealed, issuer_seq, client_seq FROM s2s.evaluations_claim(test.lease(), 9, '1 min', 9, 1000)$$,
                  $$VALUES ('{"\\x0e","\\x0f"}'::bytea[], '{4,5}'::integer[], '{1,1,3}'::integer[])$$, 'the results, oldest first');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT is(test.decide('told', 'REJECTED'), 'done', 'rejected');
SELECT is(pg_temp.result('told', p_results => 9), 'accepted', 'a result makes up for it');
SELECT lives_ok($$SELECT test.cancel('told')$$, 'cancelled');
SELECT is(pg_temp.result('told'), 'final', 'too late');
SELECT is((SELECT count(*) FROM s2s.verification_data WHERE issuer_sealed IS NOT NULL), 0::bigint, 'nothing is kept');

-- A backend's decisions obey the attempts too.
SELECT lives_ok($$SELECT test.again('tries', 'a', p_lane => 'a'), test.supplement('tries')$$, 'an attempt');
SELECT is(pg_temp.claim('{a}'), '{tries}', 'is claimed');
SELECT is(test.decide('tries', 'REJECTED', p_max_attempts => 1), 'done', 'rejected');
SELECT is((test.verification('tries')).reason_code, 'ATTEMPTS_EXHAUSTED', 'for good');
SELECT lives_ok($$SELECT test.again('moved', 'a', p_jwe => '{a}', p_lane => 'a')$$, 'a verification');
SELECT is((SELECT r.status FROM s2s.issuer_supplement('wallet', gen_random_uuid(), '/verification/supplement', '\x02', gen_random_uuid(), 'moved',
            (test.verification('moved')).verification_id, '{b}', NULL, 16, 1000, 'b') AS r), 200, 'whose backend changes with a supplement');
SELECT is(pg_temp.claim('{b}'), '{moved}', 'is the other one''s');
SELECT is(pg_temp.claim('{a}'), '{}', 'and not the first one''s');

-- Between two decisions of a reviewer the wallet acts.
SELECT lives_ok($$SELECT test.initiate('A'), test.initiate('B')$$, 'verifications');
SELECT lives_ok($$SELECT test.evaluate(s, 'PENDING'), test.review(s, 'ADDITIONAL_INFO_REQUIRED') FROM unnest('{A,B}'::text[]) AS s$$, 'a reviewer asks');
SELECT lives_ok($$SELECT test.supplement('A'), test.cancel('B')$$, 'the wallet answers, or has enough');
SELECT is(v.decided_by, NULL, 'which is no decision of the reviewer') FROM s2s.verification AS v WHERE v.session_id IN ('A', 'B');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT * FROM finish();
ROLLBACK;
