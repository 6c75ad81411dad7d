-- SPDX-License-Identifier: Apache-2.0
-- /verification/initiate.
BEGIN;
SELECT plan(37);

CREATE TEMP TABLE r AS SELECT * FROM test.initiate('S', p_jwe => '{one,two}', p_sealed => '\xabcd', p_max_attempts => 3);
SELECT is(status, 200, 'answered') FROM r;
SELECT is(wake, true, 'work is waiting') FROM r;
SELECT is(body::jsonb, jsonb_build_object('sessionId', 'S', 'verificationId',
          (test.verification('S')).verification_id, 'status', 'PENDING'), 'VerificationStatus') FROM r;

SELECT results_eq(
  $$SELECT status, attempts, max_attempts, data_seq, version, requested_device_count, configuration_ids, cancelled,
           awaiting_decision, due_at = expires_at, expires_at - created_at, data_octets
    FROM s2s.verification$$,
  $$VALUES ('PENDING' COLLATE "C", 1, 3, 1, 1::bigint, 1, '{badge}'::text[], false, false, true, interval '1 day',
            8::bigint)$$,
  'the verification');
SELECT results_eq($$SELECT peer, wsk, wsk_thumbprint FROM s2s.session WHERE session_id = 'S'$$,
                  $$VALUES ('wallet' COLLATE "C", '{"kty":"EC"}', 'thumbprint' COLLATE "C")$$, 'the session');
SELECT results_eq($$SELECT data_seq, client_jwe, server_sealed FROM s2s.verification_data$$,
                  $$VALUES (1, '{one,two}'::text[], '\xabcd'::bytea)$$, 'the data');
SELECT results_eq(
  $$SELECT kind, lane, ref, payload::text, attempts, lease, octets, next_at <= clock_timestamp() FROM s2s.job$$,
  $$SELECT 'evaluate' COLLATE "C", '' COLLATE "C", verification_id, '{"dataSeq": 1}', 0, NULL::uuid, 8::bigint, true
    FROM s2s.verification$$, 'the job, due now');

-- A session id is used up by anybody, for everybody, with the same answer.
SELECT is(test.brief(test.initiate('S')), '409 answered SESSION_CONSUMED', 'used by the same peer');
SELECT is(test.brief(test.initiate('S', p_peer => 'other')), '409 answered SESSION_CONSUMED', 'used by another peer');
SELECT is(
  (test.initiate('S', p_peer => 'other', p_token => test.lease(7))).body,
  (test.initiate('S', p_token => test.lease(7))).body, 'the answer does not say whose it is');
SELECT is((test.initiate('S')).wake, false, 'and nothing is to be done');
SELECT is((SELECT count(*) FROM s2s.verification), 1::bigint, 'one verification');
SELECT is((SELECT count(*) FROM s2s.verification_data), 1::bigint, 'no data of the refused ones');
SELECT is((SELECT count(*) FROM s2s.job), 1::bigint, 'no job of theirs');
SELECT is(test.brief(test.initiate('s')), '200 answered', 'session ids compare case-sensitively');

-- Without data.
SELECT lives_ok($$SELECT test.initiate('no data')$$, 'no data');
SELECT is((test.verification('no data')).attempts, 0, 'is no attempt');
SELECT lives_ok($$SELECT test.initiate('empty', p_jwe => '{}')$$, 'an empty list of JWEs');
SELECT is((test.verification('empty')).attempts, 0, 'is none either');
SELECT is((SELECT count(*) FROM s2s.verification_data), 1::bigint, 'nothing to keep of them');
SELECT lives_ok($$SELECT test.initiate('sealed', p_sealed => '\x01')$$, 'data of the wallet server alone');
SELECT is((test.verification('sealed')).attempts, 1, 'is an attempt');

-- More data than a verification takes.
SELECT is(test.brief(test.initiate('large', p_jwe => '{abc}', p_sealed => '\x0102', p_max_octets => 4)),
          '413 answered CONTENT_TOO_LARGE', 'too much');
SELECT is(test.brief(test.initiate('large', p_jwe => '{a}', p_max_submissions => 0)), '413 answered CONTENT_TOO_LARGE',
          'no data is taken at all');
SELECT is((test.verification('large')).status, NULL, 'nothing came of it');
SELECT is(test.brief(test.initiate('large', p_jwe => '{abc}', p_sealed => '\x0102', p_max_octets => 5)), '200 answered',
          'not even the session id was used up');

-- Begun by whoever took the initiate, under a lease of its own.
CREATE TEMP TABLE l AS SELECT * FROM test.initiate('leased', p_lease => test.lease(3), p_lease_for => '1 minute');
SELECT results_eq(
  $$SELECT status, replayed, wake, outcome FROM l$$,
  $$SELECT 200, false, false, 'leased ' || j.job_id || ' ' || j.ref COLLATE "default"
    FROM s2s.job AS j WHERE j.lease = test.lease(3)$$, 'the outcome names job and verification; nobody is woken');
SELECT results_eq(
  $$SELECT attempts, next_at - created_at, ref FROM s2s.job WHERE lease = test.lease(3)$$,
  $$SELECT 1, interval '1 minute', (test.verification('leased')).verification_id$$, 'the job is as if it was claimed');
SELECT ok((test.verification('leased')).verification_id NOT IN (SELECT verification_id FROM test.claim(99)),
          'nobody else gets it');
SELECT is(test.brief(test.initiate('leased', p_lease => test.lease(4), p_lease_for => '1 minute')),
          '409 answered SESSION_CONSUMED', 'a used session id leases nothing');
SELECT is((SELECT count(*) FROM s2s.job WHERE lease = test.lease(4)), 0::bigint, 'no job either');
SELECT is(s2s.evaluation_done(j.job_id, test.lease(4), 1, 'APPROVED', NULL, NULL, '{badge}', '{s}', 1, NULL, NULL, 0),
          'fenced', 'the lease is needed') FROM s2s.job AS j WHERE j.lease = test.lease(3);
SELECT is(s2s.evaluation_done(j.job_id, test.lease(3), 1, 'APPROVED', NULL, NULL, '{badge}', '{s}', 1, NULL, NULL, 0),
          'done', 'and ends the job') FROM s2s.job AS j WHERE j.lease = test.lease(3);
SELECT is((test.verification('leased')).status, 'APPROVED', 'with its decision');
SELECT lives_ok($$SELECT test.initiate('lost', p_lease => test.lease(5), p_lease_for => '0')$$, 'a lease that has run out');
SELECT ok((test.verification('lost')).verification_id IN (SELECT verification_id FROM test.claim(98)),
          'and the job goes to whoever finds it');

SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT * FROM finish();
ROLLBACK;
