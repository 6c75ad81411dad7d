-- SPDX-License-Identifier: Apache-2.0
-- What is owed and sent about credential instances: events and the issuer's own acts.
BEGIN;
SELECT plan(67);

SELECT is(s2s.lanes_set('{wallet}'), 1, 'the wallet can be called');
SELECT lives_ok($$SELECT test.provisioned('I'), test.send(1), test.done('I', 1)$$, 'an instance');
SELECT is_empty($$SELECT FROM s2s.delivery$$, 'nothing owed');

CREATE FUNCTION pg_temp.command(p_action text, p_reason text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT s2s.instance_command((test.instance('I')).instance_id, p_action, p_reason)
$$;
-- What the next message says besides whom it is about, and "yes" in place of its time, if that is one.
CREATE FUNCTION pg_temp.says(p_lease integer) RETURNS TABLE (endpoint text, body jsonb) LANGUAGE sql AS $$
  SELECT f.endpoint,
         (f.body::jsonb - '{sessionId,credentialInstanceId}'::text[])
         || (SELECT jsonb_object_agg(m.key, CASE WHEN m.value ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$' THEN 'yes' ELSE 'no' END)
             FROM jsonb_each_text(f.body::jsonb) AS m
             WHERE m.key IN ('timestamp', 'eventTimestamp'))
  FROM test.send(p_lease) AS f
  WHERE (f.body::json ->> 'sessionId', f.body::json ->> 'credentialInstanceId')
        = ('I', (test.instance('I')).instance_id)
$$;

-- ---- events ----

SELECT lives_ok($$SELECT test.get_pending('I', p_ready_after => '1 h')$$, 'not ready yet');
SELECT results_eq($$SELECT d.next_at = i.ready_at, d.owed_at = i.ready_at FROM s2s.delivery AS d, test.instance('I') AS i$$,
                  $$VALUES (true, true)$$, 'an event is owed for when it is');
SELECT is((SELECT depth FROM s2s.delivery_stats()), 0::bigint, 'which is not late');
SELECT is_empty($$SELECT FROM test.send(2)$$, 'nor sent before');
SELECT lives_ok($$SELECT test.get_pending('I'), test.overdue()$$, 'the same keys: the same event');
SELECT results_eq($$SELECT endpoint, body FROM pg_temp.says(3)$$,
  $$SELECT '/event/notify', jsonb_build_object('eventType', 'CREDENTIAL_READY', 'eventTimestamp', 'yes', 'eventDetails',
                                               jsonb_build_object('transaction_id', transaction_id)) FROM s2s.fetch$$,
  'CREDENTIAL_READY');
SELECT is(test.done('I', 3, '{"acknowledged":true}'), 'done', 'delivered');

SELECT lives_ok($$SELECT test.get_pending('I', p_keys_digest => '\xbb')$$, 'other keys: another event');
SELECT is((SELECT count(*) FROM s2s.delivery), 1::bigint, 'owed');
SELECT lives_ok($$SELECT test.overdue(), test.send(4)$$, 'under way');
SELECT is(test.brief(test.get('I', p_keys_digest => '\xbb')), '200 answered', 'when the wallet fetches by itself');
SELECT is_empty($$SELECT FROM s2s.delivery$$, 'nobody needs it any more');
SELECT is(test.done('I', 4), 'fenced', 'nor its end');

SELECT is(pg_temp.command('UPDATED'), 'COMPLETED', 'new data');
SELECT is(pg_temp.command('UPDATED'), 'COMPLETED', 'and newer');
SELECT is(pg_temp.command('DISPLAY_UPDATED'), 'COMPLETED', 'and another display');
SELECT is((SELECT array_agg(owed ORDER BY owed) FROM s2s.delivery), '{1,2}', 'two things');
SELECT set_eq($$SELECT endpoint, body FROM pg_temp.says(5)$$,
  $$VALUES ('/event/notify', '{"eventType": "CREDENTIAL_UPDATE_AVAILABLE", "eventTimestamp": "yes"}'::jsonb),
           ('/event/notify', '{"eventType": "DISPLAY_DATA_UPDATED", "eventTimestamp": "yes"}')$$, 'two events');
SELECT is(pg_temp.command('UPDATED'), 'COMPLETED', 'during the flight');
SELECT bag_eq($$SELECT s2s.delivery_done(delivery_id, lease, 200, NULL) FROM s2s.delivery$$, $$VALUES ('done'), ('again')$$,
              'one has to go again');
DELETE FROM s2s.delivery;

-- ---- the issuer's acts ----

SELECT is(pg_temp.command('SUSPEND', 'LOST'), 'COMPLETED', 'suspended by the issuer');
SELECT is(pg_temp.command('SUSPEND', 'LOST'), 'NO_CHANGE', 'once');
SELECT is((SELECT owed FROM s2s.delivery), 1::bigint, 'owed once');
SELECT results_eq($$SELECT * FROM pg_temp.says(6)$$,
  $$VALUES ('/credential/manage', '{"action": "SUSPEND", "reason": "LOST", "timestamp": "yes"}'::jsonb)$$, 'SUSPEND');
SELECT is(test.done('I', 6, '{"outcome":"SCHEDULED"}'), 'done', 'the wallet will');
SELECT results_eq($$SELECT manage_outcome, manage_failure_reason, manage_answered_at IS NOT NULL, version FROM test.instance('I')$$,
  format($$VALUES ('SCHEDULED', NULL, true, %s::bigint)$$, (test.instance('I')).version), 'kept');
SELECT is((SELECT detail FROM s2s.ledger ORDER BY at DESC LIMIT 1), 'SCHEDULED', 'recorded');
SELECT is((test.event('I', 'PROVISIONING_FAILURE')).status, 200, 'another event');
SELECT is((test.instance('I')).manage_outcome, 'SCHEDULED', 'says nothing of that');
SELECT is((test.event('I', 'LIFECYCLE_FAILURE', p_failure_reason => 'DEVICE_LOST')).status, 200, 'but it could not');
SELECT results_eq($$SELECT manage_outcome, manage_failure_reason FROM test.instance('I')$$, $$VALUES ('FAILED', 'DEVICE_LOST')$$, 'which is kept');
SELECT is((test.event('I', 'LIFECYCLE_SUCCESS')).status, 200, 'a late word');
SELECT is((test.instance('I')).manage_outcome, 'FAILED', 'changes nothing');
SELECT is(s2s.instance_command((test.instance('I')).instance_id, 'RESUME', NULL), 'COMPLETED', 'the next one');
SELECT is((SELECT count(*) FROM test.send(17)), 1::bigint, 'is under way');
SELECT is((test.event('I', 'LIFECYCLE_SUCCESS')).status, 200, 'when it is done');
SELECT is(test.done('I', 17, '{"outcome":"SCHEDULED"}'), 'done', 'that it would be is heard after that');
SELECT is((test.instance('I')).manage_outcome, 'COMPLETED', 'and known better');
SELECT is(pg_temp.command('SUSPEND', 'LOST'), 'COMPLETED', 'suspended once more');
SELECT is((SELECT count(*) FROM test.send(18)), 1::bigint, 'and told');
SELECT is(test.done('I', 18, '{"outcome":"SCHEDULED"}'), 'done', 'again it will be');
SELECT is((test.instance('I')).manage_outcome, 'SCHEDULED', 'of which there is no word yet');

SELECT is(pg_temp.command('RESUME', 'FOUND'), 'COMPLETED', 'resumed');
SELECT lives_ok($$SELECT test.manage('I', 'SUSPEND', 'BY_USER')$$, 'the wallet suspends');
SELECT is((SELECT owed FROM s2s.delivery), 1::bigint, 'which owes nothing');
SELECT results_eq($$SELECT * FROM pg_temp.says(7)$$,
  $$VALUES ('/credential/manage', '{"action": "RESUME", "reason": "FOUND", "timestamp": "yes"}'::jsonb)$$,
  'RESUME, with the issuer''s reason');
SELECT is(test.done('I', 7, '{"outcome":"FAILED","failureReason":"' || repeat('x', 300) || '"}'), 'done', 'the wallet cannot');
SELECT results_eq($$SELECT manage_outcome, length(manage_failure_reason) FROM test.instance('I')$$, $$VALUES ('FAILED', 200)$$,
                  'kept, within bounds');

SELECT is(pg_temp.command('RESUME'), 'FAILED SUSPENDED_BY_WALLET', 'what the state forbids');
SELECT is_empty($$SELECT FROM s2s.delivery$$, 'owes nothing');
SELECT throws_ok($$SELECT pg_temp.command('EXPLODE')$$, '20000', NULL, 'an unknown one is a bug');
SELECT is(pg_temp.command('SUSPEND'), 'COMPLETED', 'suspended again');
SELECT is(pg_temp.command('CANCEL', 'OVER'), 'COMPLETED', 'and cancelled before that was sent');
SELECT results_eq($$SELECT * FROM pg_temp.says(8)$$,
  $$VALUES ('/credential/manage', '{"action": "UNLINK", "reason": "OVER", "timestamp": "yes"}'::jsonb)$$,
  'UNLINK: the state as it is when it is sent');
-- Whatever a peer answers, nothing raises.
SELECT is(s2s.instance_managed((test.instance('I')).instance_id, s2s.parsed(answer)), NULL, 'of no use: ' || coalesce(answer, 'nothing'))
FROM (VALUES (NULL), (''), ('[1]'), ('{"outcome":"\u0000"}'), ('{"outcome":"MAYBE"}')) AS t (answer);
SELECT is(pg_temp.command('UPDATED'), 'FAILED CANCELLED', 'no news of a cancelled one');
SELECT is(s2s.instance_command('nobody', 'SUSPEND', NULL), 'NOT_FOUND', 'an unknown one');

-- What is not owed any more when its turn comes.
SELECT lives_ok($$SELECT s2s.delivery_owe('wallet', '/event/notify', 'X', '{"eventType":"CREDENTIAL_READY"}')$$, 'of nothing');
SELECT is((SELECT count(*) FROM test.send(9)), 0::bigint, 'is not sent');
SELECT is((SELECT event FROM s2s.ledger WHERE ref = 'X' ORDER BY at DESC LIMIT 1), 'dropped', 'but dropped');

SELECT * FROM finish();
ROLLBACK;
