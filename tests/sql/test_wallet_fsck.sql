-- SPDX-License-Identifier: Apache-2.0
-- Every check of the wallet's tables finds what it is for, and nothing else does.
BEGIN;
SELECT plan(40);

SELECT is(s2s.lanes_set('{issuer}', '[{"name": "backend"}]'), 2, 'an issuer and a webhook');
SELECT lives_ok($$SELECT test.app_start('starting'), test.app_supplement('starting'),
                         test.app_start('approved'), test.app_start('asked'), test.app_start('silent')$$, 'starts');
SELECT is(string_agg(test.answered('/verification/initiate', session, test.status_json(session, status)), ' '), 'done done', 'answers')
FROM (VALUES ('approved', 'APPROVED'), ('silent', 'PENDING')) AS t (session, status);
SELECT lives_ok($$SELECT test.sent('/verification/initiate', 'asked'),
                         test.told('/verification/initiate', 'asked', test.status_json('asked', 'ADDITIONAL_INFO_REQUIRED'))$$, 'a question');
SELECT lives_ok($$SELECT test.app_supplement('asked')$$, 'a supplement');
SELECT lives_ok($$SELECT test.app_provisioned('I'), test.app_fetch('I'), test.app_event('I', '{"eventType": "UPDATE_SUCCESS"}'),
                         s2s.wallet_manage('issuer', test.lease(), '', '', test.lease(), 'I', 'I-1', 'SUSPEND', NULL, true)$$, 'an instance');
SELECT is(test.broken(), '{}', 'clean');

SELECT is(test.breaks(format(broken, session)), ARRAY[name], name || ': ' || n)
FROM (VALUES
  (1, 'wallet-session-status', 'asked', $$UPDATE s2s.wallet_session SET status = 'BOGUS' WHERE session_id = '%s'$$),
  (2, 'wallet-session-status', 'silent', $$UPDATE s2s.wallet_session SET verification_id = NULL WHERE session_id = '%s'$$),
  (3, 'wallet-session-status', 'starting', $$UPDATE s2s.wallet_session SET body_sealed = NULL WHERE session_id = '%s'$$),
  (4, 'wallet-session-forgotten', 'starting', $$SELECT s2s.delivery_withdraw('/verification/initiate', '%s', 'WALLET')$$),
  (5, 'wallet-session-not-polled', 'asked', $$SELECT s2s.delivery_withdraw('/verification/status', '%s', 'WALLET')$$),
  (6, 'wallet-session-polled-for-ever', 'approved', $$SELECT s2s.wallet_poll(test.wallet_session('%s'), now())$$),
  (7, 'wallet-session-not-provisioned', 'approved', $$SELECT s2s.delivery_withdraw('/credential/provision', '%s', 'WALLET')$$),
  (8, 'wallet-submission-forgotten', 'asked', $$SELECT s2s.delivery_withdraw('/verification/supplement', '%s', 'WALLET')$$),
  (9, 'wallet-submission-forgotten', 'approved', $$INSERT INTO s2s.wallet_submission SELECT now(), 1, '%s', ''$$),
  (10, 'wallet-submission-forgotten', 'x', $$UPDATE s2s.wallet_submission SET session_id = '%s' WHERE session_id = 'starting'$$),
  (11, 'wallet-instance-without-session', '', $$INSERT INTO s2s.wallet_instance (created_at, updated_at, last_status_change_time, instance_id, session_id, issuer, configuration_id) SELECT now(), now(), now(), 'x', 'asked', 'issuer', ''$$),
  (12, 'wallet-instance-without-session', '', $$UPDATE s2s.wallet_instance SET issuer = 'other'$$),
  (13, 'wallet-fetch-without-instance', '', $$UPDATE s2s.wallet_fetch SET instance_id = 'x'$$),
  (14, 'wallet-fetch-state', '', $$UPDATE s2s.wallet_fetch SET state = 'READY'$$),
  (15, 'wallet-fetch-forgotten', '', $$SELECT s2s.delivery_withdraw('/credential/get', fetch_id, 'WALLET') FROM s2s.wallet_fetch$$),
  (16, 'wallet-event-forgotten', '', $$SELECT s2s.delivery_withdraw('/event/notify', event_id, 'WALLET') FROM s2s.wallet_event$$),
  (17, 'wallet-lifecycle-forgotten', '', $$SELECT s2s.delivery_withdraw('lifecycle.requested', lifecycle_id, 'WALLET') FROM s2s.wallet_lifecycle$$),
  (18, 'wallet-lifecycle-without-instance', '', $$UPDATE s2s.wallet_lifecycle SET instance_id = 'x'$$),
  (19, 'delivery-endpoint-unknown', '', $$UPDATE s2s.delivery SET endpoint = 'dance' WHERE peer = 'webhook:backend' AND ref = 'silent'$$),
  (20, 'delivery-endpoint-unknown', '', $$UPDATE s2s.delivery SET peer = 'issuer' WHERE peer = 'webhook:backend' AND ref = 'silent'$$),
  (21, 'delivery-endpoint-unknown', 'asked', $$UPDATE s2s.delivery SET peer = 'webhook:backend' WHERE endpoint = '/verification/status' AND ref = '%s'$$)
) AS t (n, name, session, broken);

-- What is no breach.
SELECT is(test.breaks($$SELECT test.refused('/verification/initiate', 'starting', 400)$$), '{}', 'a refusal');
SELECT is(test.breaks($$SELECT test.app_cancel('asked'); SELECT test.refused('/verification/cancel', 'asked', 409)$$), '{}', 'and of a cancellation');
SELECT is(test.breaks($$SELECT test.refused('/verification/supplement', 'asked', 409)$$), '{}', 'and of a supplement');
SELECT is(test.breaks($$SELECT test.refused('/verification/status', 'asked', 404)$$), '{}', 'and of a poll');
SELECT is(test.breaks($$SELECT test.refused('/credential/provision', 'approved', 404)$$), '{}', 'and of a provision');
SELECT is(test.breaks($$SELECT test.refused('/credential/get', fetch_id, 404) FROM s2s.wallet_fetch$$), '{}', 'and of a get');
SELECT is(test.breaks($$SELECT test.refused('/event/notify', event_id, 404) FROM s2s.wallet_event$$), '{}', 'and of an event');
SELECT is(test.breaks($$SELECT test.refused('lifecycle.requested', lifecycle_id, 410) FROM s2s.wallet_lifecycle$$), '{}', 'and by the backend');
SELECT is(test.breaks($$SELECT test.notify('asked', 'DENIED'), test.notify('starting', 'EXPIRED'), test.notify('silent', 'APPROVED')$$), '{}', 'notices');
SELECT is(test.breaks($$UPDATE s2s.delivery SET owed_at = owed_at - interval '8 days', next_at = next_at - interval '8 days';
                        SELECT test.send(1, 1, 1);
                        SELECT s2s.delivery_failed(delivery_id, lease, 'retry', 'timeout', '0', NULL, '7 days') FROM s2s.delivery WHERE lease IS NOT NULL$$),
          '{}', 'an issuer or a backend that was away for too long');
SELECT is(test.breaks($$SELECT test.sent('/credential/get', fetch_id), test.told('/credential/get', fetch_id, '{}', 202, NULL, NULL) FROM s2s.wallet_fetch$$),
          '{}', 'a fetch that waits for a word');
SELECT is(test.broken(), '{}', 'clean again');

SELECT * FROM finish();
ROLLBACK;
