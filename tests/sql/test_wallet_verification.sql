-- SPDX-License-Identifier: Apache-2.0
-- The wallet's view of verifications: what is sent, what answers and notices do, polls. The issuer is the peer "issuer".
BEGIN;
SELECT plan(119);

SELECT is(s2s.lanes_set('{issuer,other}'), 2, 'two issuers');

CREATE FUNCTION pg_temp.state(p_session text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', w.status, w.version, CASE WHEN w.polled THEN 'polled' END) FROM test.wallet_session(p_session) AS w
$$;
-- What is owed about a session, in the order of the alphabet.
CREATE FUNCTION pg_temp.owed(p_session text) RETURNS text LANGUAGE sql AS $$
  SELECT coalesce(string_agg(substr(d.endpoint, 2), ' ' ORDER BY d.endpoint), '')
  FROM s2s.delivery AS d WHERE d.ref = p_session AND d.side = 'WALLET'
$$;
-- In how many seconds the next poll is due, and how often it was answered.
CREATE FUNCTION pg_temp.poll(p_session text, OUT seconds double precision, OUT polls integer) LANGUAGE sql AS $$
  SELECT extract(epoch FROM d.next_at - clock_timestamp()), d.polls
  FROM test.owed('/verification/status', p_session) AS d
$$;
-- The next message about a session, and the sealed part of it.
CREATE FUNCTION pg_temp.message(p_endpoint text, p_session text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' + ', m.body::jsonb, convert_from(m.sealed, 'UTF8'))
  FROM s2s.delivery_message(test.owed(p_endpoint, p_session)) AS m
$$;

-- ---- initiate ----

SELECT lives_ok($$SELECT test.app_start('S')$$, 'a start');
SELECT is(pg_temp.owed('S'), 'verification/initiate', 'owes an initiate');
SELECT results_eq($$SELECT side, endpoint, session_id, body, sealed FROM test.send(1)$$,
  $$VALUES ('WALLET', '/verification/initiate', 'S', '{}', 'a'::bytea)$$, 'whose body is sealed');
SELECT is(test.told('/verification/initiate', 'S', answer), 'refused: ' || fault, fault)
FROM (VALUES (NULL, 'the answer is for another session'),
             ('[]', 'the answer is for another session'),
             ('{"sessionId":"T","verificationId":"v-S","status":"PENDING"}', 'the answer is for another session'),
             ('{"sessionId":"S","status":"PENDING"}', 'the answer names no verification'),
             ('{"sessionId":"S","verificationId":7,"status":"PENDING"}', 'the answer names no verification'),
             ('{"sessionId":"S","verificationId":"v-S","status":"BOGUS"}', 'the answer has no known status'),
             ('{"sessionId":"S","verificationId":"v-S"}', 'the answer has no known status'),
             ('{"sessionId":"S","verificationId":"v-S","status":["PENDING"]}', 'the answer has no known status'),
             ('{"sessionId":"S","verificationId":"v-S","status":"PENDING","extensions":1e999999}',
              'the answer is for another session')) AS t (answer, fault),
     LATERAL (SELECT test.rested(), test.sent('/verification/initiate', 'S') WHERE answer IS DISTINCT FROM fault) AS again;
SELECT results_eq($$SELECT attempts, last_failure, lease FROM test.owed('/verification/initiate', 'S')$$,
  $$VALUES (9, 'the answer is for another session', NULL::uuid)$$, 'which is tried again, as after any failure');
SELECT is((SELECT failures FROM s2s.lane WHERE peer = 'issuer'), 0, 'but no failure of the peer, who is there');
SELECT is(pg_temp.state('S'), 'STARTING 1', 'nothing has changed');
SELECT lives_ok($$UPDATE s2s.lane SET failures = 0, blocked_until = NULL; SELECT test.sent('/verification/initiate', 'S')$$,
                'sent again');
SELECT is(test.told('/verification/initiate', 'S', test.status_json('S', 'PENDING')), 'done', 'answered');
SELECT is(pg_temp.state('S'), 'PENDING 2 polled', 'pending');
SELECT results_eq($$SELECT verification_id, body_sealed, verification ->> 'status' FROM test.wallet_session('S')$$,
  $$VALUES ('v-S' COLLATE "C", NULL::bytea, 'PENDING')$$, 'the id is known, the body forgotten');
SELECT is(pg_temp.owed('S'), 'verification/status', 'a poll is owed');
SELECT is((SELECT seconds BETWEEN 1.7 AND 2.3 AND polls = 0 FROM pg_temp.poll('S')), true, 'in two seconds');

-- ---- polls ----

SELECT is(pg_temp.message('/verification/status', 'S'), '{"sessionId": "S", "verificationId": "v-S"}', 'a poll');
SELECT lives_ok($$SELECT test.sent('/verification/status', 'S')$$, 'is sent');
SELECT is(test.told('/verification/status', 'S', test.status_json('S', 'PENDING')), 'waiting', 'still pending');
SELECT is((SELECT seconds BETWEEN 3.5 AND 4.5 AND polls = 1 FROM pg_temp.poll('S')), true, 'twice as long');
SELECT is(pg_temp.state('S'), 'PENDING 2 polled', 'no news');
SELECT is((SELECT count(*) FROM s2s.ledger WHERE endpoint = '/verification/status'), 1::bigint, 'nothing to record');
CREATE TEMP TABLE first AS SELECT request_id FROM test.owed('/verification/status', 'S');
SELECT lives_ok($$SELECT test.sent('/verification/status', 'S')$$, 'again');
SELECT is(test.told('/verification/status', 'S', test.status_json('S', 'PENDING')), 'waiting', 'and again');
SELECT isnt((test.owed('/verification/status', 'S')).request_id, (SELECT request_id FROM first), 'each a request of its own');
SELECT is(bool_and(extract(epoch FROM s2s.wallet_poll_after(polls, '2 s', '60 s') - clock_timestamp())
                   BETWEEN 0.85 * seconds AND 1.15 * seconds), true, 'up to a minute')
FROM (VALUES (0, 2), (1, 4), (4, 32), (5, 60), (6, 60), (2000000000, 60)) AS t (polls, seconds);
SELECT lives_ok($$SELECT test.sent('/verification/status', 'S')$$, 'once more');
SELECT is(test.told('/verification/status', 'S', test.status_json(
            'S', 'ADDITIONAL_INFO_REQUIRED', '{"verificationDataRequest": {"x": [1.50]}, "other": "member"}')),
          'waiting', 'the issuer wants more');
SELECT is(pg_temp.state('S'), 'ADDITIONAL_INFO_REQUIRED 3 polled', 'news');
SELECT is((test.wallet_session('S')).verification::jsonb - '{sessionId,verificationId}'::text[],
          '{"status": "ADDITIONAL_INFO_REQUIRED", "verificationDataRequest": {"x": [1.50]}}', 'the members that are known');
SELECT lives_ok($$SELECT test.sent('/verification/status', 'S')$$, 'a poll that is on its way');
SELECT is(test.told('/verification/status', 'S', NULL), 'refused: the answer is for another session', 'an empty answer');
SELECT is((SELECT polls FROM pg_temp.poll('S')), 3, 'is none');

-- ---- supplements ----

SELECT lives_ok($$SELECT test.app_supplement('S', 'one'), test.app_supplement('S', 'two')$$, 'two supplements');
SELECT is(pg_temp.message('/verification/supplement', 'S'), '{"sessionId": "S", "verificationId": "v-S"} + one', 'the first');
SELECT lives_ok($$SELECT test.sent('/verification/supplement', 'S')$$, 'is sent');
SELECT is(test.told('/verification/supplement', 'S', test.status_json('S', 'PENDING')), 'again', 'and answered');
SELECT is(pg_temp.state('S'), 'PENDING 4 polled', 'pending again');
SELECT is((SELECT seconds < 2.3 AND polls = 0 FROM pg_temp.poll('S')), true, 'polls are frequent again');
SELECT is(pg_temp.message('/verification/supplement', 'S'), '{"sessionId": "S", "verificationId": "v-S"} + two', 'then the second');
SELECT lives_ok($$SELECT test.sent('/verification/supplement', 'S')$$, 'is sent');
SELECT is(test.refused('/verification/supplement', 'S', 400), 'done', 'and refused');
SELECT is((test.wallet_session('S')).problem::jsonb, '{"title": "No", "status": 400}', 'which the application can see');
SELECT is_empty($$SELECT FROM s2s.wallet_submission$$, 'it is not sent again');
SELECT is((SELECT count(*) FROM s2s.delivery_dead), 0::bigint, 'no dead letter');
SELECT is((SELECT detail FROM s2s.ledger WHERE endpoint = '/verification/supplement' ORDER BY at DESC LIMIT 1), 'HTTP 400', 'but a record');
SELECT is((SELECT seconds <= 0 FROM pg_temp.poll('S')), true, 'and the issuer is asked how it stands');

-- ---- what comes in while an answer is on its way ----

SELECT lives_ok($$SELECT test.sent('/verification/status', 'S')$$, 'a poll is under way');
SELECT is(test.brief(test.notify('S', 'REJECTED', '{"reasonCode": "BLURRED"}')), '200 answered', 'when a notice comes');
SELECT is(pg_temp.state('S'), 'REJECTED 5 polled', 'it counts');
SELECT is(test.told('/verification/status', 'S', test.status_json('S', 'PENDING')), 'again', 'and not the answer, whichever is older');
SELECT is(pg_temp.state('S'), 'REJECTED 5 polled', 'as it was');
SELECT is((SELECT seconds <= 0 FROM pg_temp.poll('S')), true, 'the issuer is asked again');
SELECT lives_ok($$SELECT test.sent('/verification/status', 'S')$$, 'then');
SELECT is(test.told('/verification/status', 'S', test.status_json('S', 'REJECTED', '{"reasonCode": "BLURRED"}')), 'waiting', 'it agrees');
SELECT is(pg_temp.state('S'), 'REJECTED 5 polled', 'no news');
SELECT is(test.brief(test.notify('S', 'REJECTED', '{"reasonCode": "BLURRED"}')), '200 answered', 'the same notice again');
SELECT is(pg_temp.state('S'), 'REJECTED 5 polled', 'no news either');
SELECT lives_ok($$SELECT test.sent('/verification/status', 'S'), test.overdue()$$, 'a poll whose gateway dies');
SELECT is(test.brief(test.notify('S', 'PENDING')), '200 answered', 'a notice');
SELECT lives_ok($$SELECT test.sent('/verification/status', 'S')$$, 'the poll again, as the same request');
SELECT is(test.told('/verification/status', 'S', test.status_json('S', 'REJECTED', '{"reasonCode": "BLURRED"}')), 'again',
          'may get the answer of before');
SELECT is(pg_temp.state('S'), 'PENDING 6 polled', 'which does not count');
SELECT is(test.brief(test.notify(session, 'APPROVED', p_peer => peer, p_verification => verification)), '404 answered NOT_FOUND', what)
FROM (VALUES ('X', 'issuer', NULL, 'an unknown session'), ('S', 'other', NULL, 'another issuer'),
             ('S', 'issuer', 'v-T', 'another verification')) AS t (session, peer, verification, what);

-- ---- the end ----

SELECT lives_ok($$SELECT test.app_supplement('S', 'three'), test.sent('/verification/status', 'S')$$, 'a bit of everything');
SELECT is(test.brief(test.notify('S', 'APPROVED', '{"credentialConfigurationIds": ["badge"]}')), '200 answered', 'approved');
SELECT is(pg_temp.owed('S'), 'credential/provision', 'nothing but the provision is owed');
SELECT is_empty($$SELECT FROM s2s.wallet_submission$$, 'nobody needs what waited');
SELECT is(test.brief(test.notify('S', 'DENIED', '{"reasonCode": "LATE"}')), '200 answered', 'a final one');
SELECT is(pg_temp.state('S'), 'APPROVED 7 polled', 'stays');
SELECT is(pg_temp.message('/credential/provision', 'S'), '{"sessionId": "S", "verificationId": "v-S"}', 'provision');

-- ---- without polls ----

SELECT lives_ok($$SELECT test.app_start('N'), test.sent('/verification/initiate', 'N')$$, 'a start');
SELECT is(test.told('/verification/initiate', 'N', test.status_json('N', 'PENDING'), p_first => NULL, p_longest => NULL), 'done', 'answered');
SELECT is(pg_temp.state('N') || pg_temp.owed('N'), 'PENDING 2', 'nobody asks');
SELECT is(test.brief(test.app_cancel('N')), '202 answered', 'cancelled');
SELECT is(pg_temp.message('/verification/cancel', 'N'), '{"reason": "LOST_INTEREST", "sessionId": "N", "verificationId": "v-N"}', 'so it is told');
SELECT is(test.answered('/verification/cancel', 'N', '{"sessionId":"N","verificationId":"v-N"}'), 'done', 'done');
SELECT is(pg_temp.owed('N'), 'verification/status', 'it does not notify what we did: it is asked');
SELECT lives_ok($$SELECT test.sent('/verification/status', 'N')$$, 'once');
SELECT is(test.told('/verification/status', 'N', test.status_json('N', 'DENIED', '{"reasonCode": "CANCELLED"}'), p_first => NULL, p_longest => NULL), 'done', 'denied');
SELECT is(pg_temp.state('N') || pg_temp.owed('N'), 'DENIED 3', 'over');

SELECT lives_ok($$SELECT test.app_start('P'), test.sent('/verification/initiate', 'P')$$, 'another start');
SELECT is(test.told('/verification/initiate', 'P', test.status_json('P', 'PENDING'), p_first => NULL, p_longest => NULL), 'done', 'answered');
SELECT is(s2s.wallet_maintain('1 hour'), 0, 'as long as nobody is to be polled');
SELECT is(pg_temp.state('P') || pg_temp.owed('P'), 'PENDING 2', 'nobody asks');
SELECT is(s2s.wallet_maintain('1 hour', '2 s', '60 s'), 0, 'the configuration changes');
SELECT is(pg_temp.state('P') || ' ' || pg_temp.owed('P'), 'PENDING 2 polled verification/status', 'it is asked again');
SELECT is((SELECT seconds BETWEEN 1 AND 62 FROM pg_temp.poll('P')), true, 'some time soon');

-- ---- a notice that overtakes the answer to initiate ----

SELECT lives_ok($$SELECT test.app_start('O'), test.app_supplement('O'), test.app_cancel('O'), test.sent('/verification/initiate', 'O')$$, 'a start');
SELECT is(test.brief(test.notify('O', 'ADDITIONAL_INFO_REQUIRED', '{"verificationDataRequest": {}}')), '200 answered', 'a notice');
SELECT is(pg_temp.owed('O'), 'verification/cancel verification/initiate verification/supplement', 'what waited for the id is owed');
SELECT is(test.told('/verification/initiate', 'O', test.status_json('O', 'PENDING')), 'done', 'the answer');
SELECT is(pg_temp.state('O'), 'ADDITIONAL_INFO_REQUIRED 2 polled', 'is old');
SELECT is((SELECT seconds <= 0 FROM pg_temp.poll('O')), true, 'or is it? It is asked');

-- ---- refusals ----

SELECT lives_ok($$SELECT test.app_start('F'), test.app_supplement('F'), test.app_cancel('F')$$, 'a start');
SELECT is(test.refused('/verification/initiate', 'F', 409), 'done', 'refused');
SELECT is(pg_temp.state('F') || pg_temp.owed('F'), 'FAILED 2', 'is over');
SELECT is(test.brief(test.notify('F', 'PENDING')), '200 answered', 'but when the issuer speaks of it');
SELECT is(pg_temp.state('F'), 'PENDING 3', 'it is not');
SELECT lives_ok($$SELECT test.app_start('G'), test.sent('/verification/initiate', 'G'), test.notify('G', 'PENDING')$$, 'known by a notice');
SELECT is(test.refused('/verification/initiate', 'G', 409), 'done', 'then refused: an earlier attempt came through');
SELECT is(pg_temp.state('G') || ' ' || pg_temp.owed('G'), 'PENDING 2 polled verification/status', 'lives');
SELECT is(test.refused('/verification/status', 'G', 404), 'dead', 'a poll that is refused is for an operator');
SELECT is((test.wallet_session('G')).problem ->> 'detail', 'HTTP 404', 'and for the application to see');

-- Given up for its age: it may be sent again.
SELECT lives_ok($$SELECT test.app_start('A'), test.sent('/verification/initiate', 'A')$$, 'a start');
SELECT is((SELECT s2s.delivery_failed(d.delivery_id, d.lease, 'retry', 'timeout', '0', NULL, '-1 s')
           FROM test.owed('/verification/initiate', 'A') AS d), 'dead', 'that never gets there');
SELECT is(pg_temp.state('A') || (test.wallet_session('A')).problem, 'STARTING 1{"title" : "The issuer could not be told", "detail" : "timeout, for too long"}', 'stays as it is, and says why');
SELECT is((SELECT s2s.command_redrive(delivery_id) FROM s2s.delivery_dead WHERE ref = 'A'), true, 'redriven');
SELECT is(test.answered('/verification/initiate', 'A', test.status_json('A', 'EXPIRED')), 'done', 'it gets there');
SELECT is(pg_temp.state('A') || pg_temp.owed('A'), 'EXPIRED 2', 'too late');

SELECT is_empty($$SELECT * FROM s2s.fsck() WHERE check_name NOT LIKE 'delivery-%'$$, 'every promise is kept');
SELECT * FROM finish();
ROLLBACK;
