-- SPDX-License-Identifier: Apache-2.0
-- Deliveries: owing, flights, and how they end. Test sessions are the peer "wallet"'s unless they say otherwise.
BEGIN;
SELECT plan(113);

CREATE FUNCTION pg_temp.clear() RETURNS void LANGUAGE sql AS $$
  DELETE FROM s2s.delivery;
  DELETE FROM s2s.delivery_dead;
  DELETE FROM s2s.ledger;
  UPDATE s2s.lane SET failures = 0, blocked_until = NULL;
$$;

SELECT is(s2s.lanes_set('{wallet,other}'), 2, 'two peers can be called');

-- ---- owing ----

SELECT lives_ok($$SELECT test.initiate('S')$$, 'an initiate');
SELECT is_empty($$SELECT FROM s2s.delivery$$, 'owes nothing: its answer tells all');
SELECT is(test.evaluate('S', 'PENDING'), 'done', 'a decision that is left to somebody');
SELECT is_empty($$SELECT FROM s2s.delivery$$, 'is no news');
SELECT lives_ok($$SELECT test.supplement('S'), test.evaluate('S', 'ADDITIONAL_INFO_REQUIRED')$$, 'a request for more');
SELECT results_eq(
  $$SELECT peer, endpoint, ref = (test.verification('S')).verification_id, owed, sending, lease FROM s2s.delivery$$,
  $$VALUES ('wallet' COLLATE "C", '/verification/notify' COLLATE "C", true, 1::bigint, NULL::bigint, NULL::uuid)$$, 'is');
SELECT lives_ok($$SELECT test.supplement('S'), test.evaluate('S', 'REJECTED')$$, 'the next state, before it was sent');
SELECT results_eq($$SELECT owed FROM s2s.delivery$$, $$VALUES (2::bigint)$$, 'makes no second row');
SELECT results_eq($$SELECT event, count(*) FROM s2s.ledger GROUP BY event$$,
                  $$VALUES ('owed' COLLATE "C", 2::bigint)$$, 'but a second record');

SELECT lives_ok($$SELECT test.initiate('C'), test.cancel('C')$$, 'a cancellation');
SELECT is((SELECT count(*) FROM s2s.delivery), 1::bigint, 'owes nothing');
SELECT lives_ok($$SELECT test.initiate('E', p_lifetime => '-1 s'), s2s.expire_due(10)$$, 'an expiry');
SELECT results_eq($$SELECT owed FROM s2s.delivery WHERE ref = (test.verification('E')).verification_id$$,
                  $$VALUES (1::bigint)$$, 'is owed');
SELECT lives_ok($$SELECT test.initiate('N', 'nobody', p_lifetime => '-1 s'), s2s.expire_due(10)$$,
                'a peer that cannot be called');
SELECT is((SELECT count(*) FROM s2s.delivery), 2::bigint, 'is owed nothing');
SELECT is((SELECT count(*) FROM s2s.fsck()), 0::bigint, 'and nobody misses it');
SELECT lives_ok($$SELECT test.initiate('M1', 'new', p_opens_lane => true), test.initiate('M2', 'new', p_lifetime => '-1 s', p_opens_lane => true),
                         s2s.expire_due(10)$$, 'a peer that can be called since a moment ago, of which no chore has told yet');
SELECT results_eq($$SELECT ref FROM s2s.delivery WHERE peer = 'new'$$, $$SELECT (test.verification('M2')).verification_id$$, 'is owed what it has to know');
SELECT is((SELECT count(*) FROM s2s.lane WHERE peer = 'new' AND active AND kind = 'PEER'), 1::bigint, 'as its first session has brought its lane');
DELETE FROM s2s.lane WHERE peer = 'new';
SELECT pg_temp.clear();

-- ---- a flight ----

SELECT lives_ok($$SELECT test.approved('A')$$, 'approved');
SELECT results_eq($$SELECT peer, endpoint, attempts, session_id, body FROM test.send(1)$$,
  $$SELECT 'wallet', '/verification/notify', 0, 'A', s2s.verification_json(test.verification('A'))$$, 'a claim brings the state');
SELECT is_empty($$SELECT FROM test.send(2)$$, 'one flight at a time');
SELECT results_eq($$SELECT owed, sending, lease, next_at > clock_timestamp() + interval '50 s' FROM s2s.delivery$$,
                  $$VALUES (1::bigint, 1::bigint, test.lease(1), true)$$, 'under a lease');
SELECT is(test.done('A', 2), 'fenced', 'whoever has another lease ends nothing');
SELECT is((SELECT count(*) FROM s2s.delivery), 1::bigint, 'at all');
SELECT is(test.done('A', 1), 'done', 'done');
SELECT is_empty($$SELECT FROM s2s.delivery$$, 'over');
SELECT is(test.done('A', 1), 'fenced', 'once');
SELECT results_eq($$SELECT event, request_id FROM s2s.ledger ORDER BY at$$,
                  $$VALUES ('owed' COLLATE "C", NULL::uuid), ('delivered', (test.flight('A')).request_id)$$, 'recorded');

-- The state moves on during a flight.
SELECT lives_ok($$SELECT test.initiate('M'), test.evaluate('M', 'ADDITIONAL_INFO_REQUIRED')$$, 'a request for more');
SELECT is((SELECT body::json ->> 'status' FROM test.send(1)), 'ADDITIONAL_INFO_REQUIRED', 'is under way');
SELECT lives_ok($$SELECT test.supplement('M'), test.evaluate('M', 'APPROVED')$$, 'when the next state');
SELECT results_eq($$SELECT owed, sending FROM s2s.delivery$$, $$VALUES (2::bigint, 1::bigint)$$, 'is owed');
SELECT is_empty($$SELECT FROM test.send(2)$$, 'which must wait');
SELECT is(test.done('M', 1), 'again', 'until the flight has ended');
SELECT results_eq($$SELECT body::json ->> 'status', request_id = (test.flight('M', 1)).request_id FROM test.send(3)$$,
                  $$VALUES ('APPROVED', false)$$, 'then it goes, as a new request');
SELECT is(test.done('M', 1), 'fenced', 'the former flight has no more say');
SELECT is(test.done('M', 3), 'done', 'the new one has');

-- A lease that ran out.
SELECT lives_ok($$SELECT test.approved('L'), test.send(1), test.overdue()$$, 'a gateway that sleeps past its lease');
SELECT is((SELECT request_id FROM test.send(2)), (test.flight('L', 1)).request_id, 'another takes it, as the same request');
SELECT is(test.done('L', 1), 'fenced', 'the sleeper changes nothing');
SELECT is(test.failed('L', 1, 'final', 'HTTP 400'), 'fenced', 'whatever it says');
SELECT is(test.done('L', 2), 'done', 'the other does');

-- ---- failures ----

SELECT lives_ok($$SELECT test.approved('F'), test.send(1)$$, 'a flight');
SELECT is(test.failed('F', 1, 'retry', 'timeout', '1 h'), 'retried', 'fails');
SELECT results_eq(
  $$SELECT attempts, lease, sending, last_failure, next_at > clock_timestamp() + interval '59 min' FROM s2s.delivery$$,
  $$VALUES (1, NULL::uuid, NULL::bigint, 'timeout', true)$$, 'and waits');
SELECT is_empty($$SELECT FROM test.send(2)$$, 'so long');
SELECT lives_ok($$SELECT test.overdue()$$, 'then it goes');
SELECT results_eq($$SELECT request_id = (test.flight('F', 1)).request_id, attempts FROM test.send(3)$$,
                  $$VALUES (true, 1)$$, 'again, as the same request');
SELECT is(test.failed('F', 3, 'blocked', 'HTTP 403', '0', '1 h'), 'retried', 'the peer does not let us in');
SELECT is((SELECT attempts FROM s2s.delivery), 1, 'no attempt used up');
SELECT is_empty($$SELECT FROM test.send(4)$$, 'nothing is sent now');
SELECT lives_ok($$SELECT test.rested(), test.send(5)$$, 'but later');
SELECT is(test.done('F', 5), 'done', 'which comes through');
SELECT throws_like($$SELECT s2s.delivery_failed(1, test.lease(1), 'odd', '', '0', NULL, '1 h')$$, 'unknown kind%',
                   'another kind of failure is a bug');

-- D6: another body goes under another request id, whatever changed it.
SELECT lives_ok($$SELECT test.initiate('B'), test.evaluate('B', 'REJECTED'), test.send(1)$$, 'rejected, under way');
SELECT is(test.failed('B', 1, 'retry', 'HTTP 503', p_status => 503), 'retried', 'not taken');
SELECT lives_ok($$SELECT test.supplement('B')$$, 'a submission, which owes nothing');
SELECT results_eq(
  $$SELECT body::json ->> 'status', request_id = (test.flight('B', 1)).request_id, attempts FROM test.send(2)$$,
  $$VALUES ('PENDING', false, 1)$$, 'but changes what the retry says: a new request');
SELECT is(test.done('B', 2), 'done', 'done');

-- A message without an answer may arrive late, and must not follow what is sent now: that takes its request id first.
SELECT lives_ok($$SELECT test.initiate('Y'), test.evaluate('Y', 'REJECTED'), test.send(1)$$, 'rejected, under way');
SELECT is(test.failed('Y', 1, 'retry', 'timeout'), 'retried', 'its fate is not known');
SELECT lives_ok($$SELECT test.supplement('Y')$$, 'the state moves on');
SELECT results_eq(
  $$SELECT body::json ->> 'status', request_id = (test.flight('Y', 1)).request_id FROM test.send(2)$$,
  $$VALUES ('PENDING', true)$$, 'the news go under the same request id');
SELECT is(test.failed('Y', 2, 'retry', 'HTTP 503', p_status => 503), 'retried', 'also');
SELECT results_eq($$SELECT request_id = (test.flight('Y', 1)).request_id FROM test.send(3)$$, $$VALUES (true)$$,
                  'when they are sent again');
SELECT is(test.done('Y', 3), 'again', 'the answer may be the first one''s');
SELECT results_eq(
  $$SELECT body::json ->> 'status', request_id = (test.flight('Y', 1)).request_id FROM test.send(4)$$,
  $$VALUES ('PENDING', false)$$, 'so they go once more, as a new request');
SELECT is(test.done('Y', 4), 'done', 'done');
SELECT results_eq(
  $$SELECT event, count(*) FROM s2s.ledger WHERE ref = (test.verification('Y')).verification_id GROUP BY event ORDER BY event$$,
  $$VALUES ('delivered' COLLATE "C", 1::bigint), ('owed', 1)$$, 'one delivery');

SELECT lives_ok($$SELECT test.initiate('Z'), test.evaluate('Z', 'REJECTED'), test.send(1), test.overdue(), test.supplement('Z')$$,
                'nor is it known when a gateway has died, and the state moves on');
SELECT results_eq($$SELECT request_id = (test.flight('Z', 1)).request_id FROM test.send(2)$$, $$VALUES (true)$$,
                  'the same request id');
SELECT is(test.failed('Z', 2, 'final', 'HTTP 422', p_status => 422), 'again', 'was the first one''s');
SELECT results_eq($$SELECT request_id = (test.flight('Z', 1)).request_id, attempts FROM test.send(3)$$,
                  $$VALUES (false, 0)$$, 'a new request');
SELECT is(test.failed('Z', 3, 'final', 'HTTP 422', p_status => 422), 'dead', 'which may be refused as any other');

-- D17: a peer that stored its 5xx would repeat it for ever.
SELECT lives_ok($$SELECT test.approved('D'), test.send(1)$$, 'a flight');
SELECT is(test.fails('D', 4, 'HTTP 503'), 1::bigint, 'fails and goes on as the same request');
SELECT is(test.fails('D', 1, 'HTTP 503'), 2::bigint, 'until it has failed alike five times');
SELECT is(test.fails('D', 4, 'HTTP 503'), 2::bigint, 'as does the new one');
SELECT is(test.fails('D', 1, 'HTTP 500'), 2::bigint, 'another failure');
SELECT is(test.fails('D', 4, 'HTTP 500'), 3::bigint, 'counts from the start');
SELECT is(test.fails('D', 6, 'timeout'), 3::bigint, 'no answer is no stored answer');
SELECT is((SELECT attempts FROM s2s.delivery), 20, 'all are attempts');
SELECT pg_temp.clear();

-- ---- dead letters ----

SELECT lives_ok($$SELECT test.approved('X'), test.send(1)$$, 'a flight');
SELECT is(test.failed('X', 1, 'final', 'HTTP 400'), 'dead', 'that is refused');
SELECT results_eq($$SELECT peer, endpoint, attempts, reason FROM s2s.delivery_dead$$,
  $$VALUES ('wallet' COLLATE "C", '/verification/notify' COLLATE "C", 1, 'HTTP 400')$$, 'is a dead letter');
SELECT is((SELECT detail FROM s2s.ledger WHERE event = 'given_up'), 'HTTP 400', 'recorded');
SELECT results_eq($$SELECT peer, depth, oldest_age_s, blocked, dead FROM s2s.delivery_stats() ORDER BY peer COLLATE "C"$$,
  $$VALUES ('other', 0::bigint, 0::double precision, false, 0::bigint), ('wallet', 0, 0, false, 1)$$, 'and seen');
SELECT is(s2s.delivery_redrive(delivery_id), true, 'an operator sends it again') FROM s2s.delivery_dead;
SELECT is(s2s.delivery_redrive(delivery_id), false, 'once') FROM s2s.delivery;
SELECT is_empty($$SELECT FROM s2s.delivery_dead$$, 'it is no longer dead');
SELECT results_eq($$SELECT attempts, request_id = (test.flight('X', 1)).request_id FROM test.send(2)$$,
                  $$VALUES (0, false)$$, 'but a new request');
SELECT is(test.failed('X', 2, 'retry', 'timeout', p_give_up => '-1 s'), 'dead', 'its time is over');
SELECT is((SELECT reason FROM s2s.delivery_dead), 'timeout, for too long', 'and the reason says so');
SELECT lives_ok($$SELECT s2s.delivery_owe(peer, endpoint, ref) FROM s2s.delivery_dead$$, 'owed anew');
SELECT is(s2s.delivery_redrive(delivery_id), true, 'and redriven') FROM s2s.delivery_dead;
SELECT results_eq($$SELECT owed FROM s2s.delivery$$, $$VALUES (2::bigint)$$, 'is one delivery');
SELECT is_empty($$SELECT FROM s2s.fsck() WHERE check_name = 'delivery-lost'$$, 'nothing is lost');

-- What is refused while something newer is owed is out of date.
SELECT lives_ok($$SELECT test.send(3), s2s.delivery_owe(peer, endpoint, ref) FROM s2s.delivery$$, 'owed during the flight');
SELECT is(test.failed('X', 3, 'final', 'HTTP 400'), 'retried', 'the refusal does not concern it');
SELECT results_eq($$SELECT attempts, request_id = (test.flight('X', 3)).request_id FROM test.send(4)$$,
                  $$VALUES (0, false)$$, 'a new request');
SELECT pg_temp.clear();

-- A peer that was down for all the time: what never got its turn is given up with the probe.
SELECT lives_ok($$SELECT test.approved('P'), test.overdue(), test.send(1)$$, 'a probe');
SELECT lives_ok($$SELECT test.owing('wallet', 150, '-8 days'), test.owing('wallet', 5, '-6 days')$$, 'a long list behind it');
SELECT lives_ok($$UPDATE s2s.delivery SET owed_at = owed_at - interval '8 days' WHERE lease IS NOT NULL$$, 'all of it old');
SELECT is(test.failed('P', 1, 'retry', 'timeout'), 'dead', 'given up');
SELECT is((SELECT count(*) FROM s2s.delivery_dead), 101::bigint, 'with a hundred more');
SELECT is((SELECT count(*) FROM s2s.delivery WHERE owed_at > clock_timestamp() - interval '7 days'), 5::bigint,
          'but none whose time is not over');
SELECT pg_temp.clear();

-- ---- withdrawn ----

SELECT lives_ok($$SELECT test.approved('W'), test.send(1)$$, 'a flight');
SELECT lives_ok($$SELECT s2s.delivery_withdraw(endpoint, ref) FROM s2s.delivery$$, 'of what is of no use any more');
SELECT is_empty($$SELECT FROM s2s.delivery$$, 'is over');
SELECT is(test.done('W', 1), 'fenced', 'when it ends, nobody cares');
SELECT results_eq($$SELECT event FROM s2s.ledger WHERE ref = (test.verification('W')).verification_id ORDER BY at$$,
                  $$VALUES ('owed' COLLATE "C"), ('dropped')$$, 'recorded');

SELECT * FROM finish();
ROLLBACK;
