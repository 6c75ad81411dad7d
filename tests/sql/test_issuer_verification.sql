-- SPDX-License-Identifier: Apache-2.0
-- /verification/supplement, status and cancel.
BEGIN;
SELECT plan(61);

-- Nobody else's session is there: the same 404 for every way of not finding.
SELECT lives_ok($$SELECT test.initiate('S'), test.initiate('T')$$, 'two sessions');
SELECT is(test.brief(test.status('S')), '200 answered', 'its own peer sees it');
SELECT is(test.brief(test.status('S', p_peer => 'other')), '404 answered NOT_FOUND', 'another peer does not');
SELECT is(test.brief(test.status('s', p_verification => (test.verification('S')).verification_id)), '404 answered NOT_FOUND',
          'session ids compare case-sensitively');
SELECT is(test.brief(test.status('S', p_verification => 'nobody')), '404 answered NOT_FOUND', 'an unknown verification');
SELECT is(test.brief(test.status('S', p_verification => (test.verification('T')).verification_id)),
          '404 answered NOT_FOUND', 'the verification of another session');
SELECT is(test.brief(test.status('S', p_verification => upper((test.verification('S')).verification_id))),
          '404 answered NOT_FOUND', 'verification ids are looked up exactly');
SELECT is(test.brief(test.supplement('S', p_peer => 'other')), '404 answered NOT_FOUND', 'supplement: not theirs');
SELECT is(test.brief(test.cancel('S', p_peer => 'other')), '404 answered NOT_FOUND', 'cancel: not theirs');
SELECT is((test.verification('S')).version, 1::bigint, 'none of this changed anything');

-- Supplement, from each state where it is allowed.
SELECT results_eq(
  $$SELECT test.brief(r), r.wake, r.body::json ->> 'status' FROM test.supplement('S', p_jwe => '{b,c}', p_sealed => '\x02') AS r$$,
  $$VALUES ('200 answered', true, 'PENDING')$$, 'while PENDING');
SELECT results_eq($$SELECT data_seq, attempts FROM test.verification('S')$$, $$VALUES (2, 1)$$, 'counts');
SELECT results_eq(
  $$SELECT data_seq, client_jwe, server_sealed FROM s2s.verification_data
    WHERE verification_id = (test.verification('S')).verification_id$$,
  $$VALUES (2, '{b,c}'::text[], '\x02'::bytea)$$, 'keeps the data');
SELECT is((SELECT payload ->> 'dataSeq' FROM s2s.job WHERE job_id = test.job('S')), '2', 'a job for this submission');
SELECT is(test.evaluate('S', 'ADDITIONAL_INFO_REQUIRED', p_deadline => '10 min'), 'done', 'the issuer asks');
SELECT is(test.brief(test.supplement('S')), '200 answered', 'when asked');
SELECT results_eq(
  $$SELECT status, data_seq, attempts, data_request IS NOT NULL, due_at = expires_at FROM test.verification('S')$$,
  $$VALUES ('PENDING' COLLATE "C", 3, 2, true, true)$$, 'the question is answered but kept, the deadline stands still');
SELECT is(test.evaluate('S', 'REJECTED'), 'done', 'the issuer rejects');
SELECT is((test.verification('S')).due_at = (test.verification('S')).deadline, true, 'the deadline runs again');
SELECT is(test.brief(test.supplement('S')), '200 answered', 'when rejected');
SELECT results_eq($$SELECT status, reason_code, message FROM test.verification('S')$$,
                  $$VALUES ('PENDING' COLLATE "C", NULL::text, NULL::text)$$, 'the rejection is forgotten');
SELECT is(test.evaluate('S', 'PENDING'), 'done', 'somebody is to decide');
SELECT is((test.verification('S')).awaiting_decision, true, 'awaiting a decision');
SELECT is(test.brief(test.supplement('S', p_request => test.lease(50))), '200 answered', 'while a decision is awaited');
SELECT is((test.verification('S')).awaiting_decision, false, 'it must be evaluated first');
SELECT is(test.brief(test.supplement('S', p_request => test.lease(50))), '200 replayed', 'a duplicate');
SELECT results_eq($$SELECT data_seq, attempts FROM test.verification('S')$$, $$VALUES (5, 4)$$, 'counts once');

-- More than a verification takes, in number or in octets. A submission of 5 octets each: '{again}'.
SELECT lives_ok($$SELECT test.initiate('full', p_jwe => '{a}'), test.supplement('full')$$, 'two submissions');
SELECT is(test.brief(test.supplement('full', p_max_submissions => 2)), '413 answered CONTENT_TOO_LARGE', 'one too many');
SELECT is(test.brief(test.supplement('full', p_request => test.lease(51), p_sealed => '\x01', p_max_octets => 11)),
          '413 answered CONTENT_TOO_LARGE', 'an octet too many');
SELECT is(test.brief(test.supplement('full', p_request => test.lease(51))), '413 replayed CONTENT_TOO_LARGE',
          'is a final answer');
SELECT results_eq($$SELECT data_seq, attempts, data_octets, version FROM test.verification('full')$$,
                  $$VALUES (2, 2, 6::bigint, 2::bigint)$$, 'nothing changed');
SELECT is((SELECT count(*) FROM s2s.job WHERE ref = (test.verification('full')).verification_id), 2::bigint, 'no job');
SELECT is(test.brief(test.supplement('full', p_max_submissions => 3, p_max_octets => 11)), '200 answered', 'just enough');
SELECT is((test.verification('full')).data_octets, 11::bigint, 'counts');
SELECT is((SELECT octets FROM s2s.job WHERE job_id = test.job('full')), 11::bigint, 'the job tells what it has to load');
SELECT is(test.brief(test.cancel('full')), '200 answered', 'a full one can be cancelled');
SELECT is(test.brief(test.supplement('full', p_max_octets => 0)), '409 answered WRONG_STATE', 'the state is said first');

-- In final states: 409 with the state.
SELECT is(test.evaluate('S', 'APPROVED'), 'done', 'approved');
SELECT is(test.brief(test.supplement('S')), '409 answered WRONG_STATE', 'supplement comes too late');
SELECT is((test.supplement('S')).body::json ->> 'currentStatus', 'APPROVED', 'and is told so');
SELECT is(test.brief(test.cancel('S')), '409 answered WRONG_STATE', 'so does cancel');
SELECT is((test.verification('S')).status, 'APPROVED', 'nothing changed');

-- Cancel, from every state that is not final, and again.
CREATE FUNCTION pg_temp.cancelled_from(p_session text, p_status text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM test.initiate(p_session);
  IF p_status IS NOT NULL THEN
    PERFORM test.evaluate(p_session, p_status);
  END IF;
  RETURN test.brief(test.cancel(p_session));
END
$$;
SELECT is(pg_temp.cancelled_from('cancel ' || n, status), '200 answered', 'cancel while ' || coalesce(status, 'fresh'))
FROM (VALUES (1, NULL), (2, 'PENDING'), (3, 'ADDITIONAL_INFO_REQUIRED'), (4, 'REJECTED')) AS t (n, status);
SELECT results_eq(
  $$SELECT status, cancelled, cancel_reason, awaiting_decision FROM test.verification('cancel 2')$$,
  $$VALUES ('DENIED' COLLATE "C", true, 'USER_CANCELLED', false)$$, 'denied, with the reason kept');
SELECT is((test.status('cancel 1')).body::jsonb - '{sessionId,verificationId}'::text[],
  '{"status": "DENIED", "reasonCode": "CANCELLED", "deniedMessage": "The verification was cancelled."}', 'shown');
SELECT is((test.cancel('cancel 1')).body::jsonb,
  jsonb_build_object('sessionId', 'cancel 1', 'verificationId', (test.verification('cancel 1')).verification_id),
  'again: the same answer');
SELECT is((test.cancel('cancel 1')).status, 200, 'the same status');
SELECT is((test.verification('cancel 1')).version, 2::bigint, 'and no second change');
SELECT is(test.brief(test.supplement('cancel 1')), '409 answered WRONG_STATE', 'no supplement after a cancel');
SELECT is(pg_temp.cancelled_from('denied', 'DENIED'), '409 answered WRONG_STATE', 'denied by a decision is not cancelled');

-- Time: no answer shows a state that is over.
CREATE FUNCTION pg_temp.outlived(p_session text) RETURNS void LANGUAGE sql AS $$
  SELECT test.initiate(p_session, p_lifetime => '-1 second')
$$;
SELECT lives_ok($$SELECT pg_temp.outlived('late ' || n) FROM generate_series(1, 3) AS n$$, 'three that are over');
SELECT is((test.status('late 1')).body::json ->> 'status', 'EXPIRED', 'status says so');
SELECT is((test.status('late 1')).body::json ->> 'status', 'EXPIRED', 'again');
SELECT is((test.verification('late 1')).version, 2::bigint, 'it ended once');
SELECT is((test.supplement('late 2')).body::json ->> 'currentStatus', 'EXPIRED', 'a supplement finds it EXPIRED');
SELECT is((test.cancel('late 3')).body::json ->> 'currentStatus', 'EXPIRED', 'a cancel too');

SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT * FROM finish();
ROLLBACK;
