-- SPDX-License-Identifier: Apache-2.0
-- Every check of fsck finds what it is for, and nothing else does.
BEGIN;
SELECT plan(49);

SELECT is(s2s.lanes_set('{wallet}'), 1, 'a peer that can be called');
SELECT lives_ok($$SELECT test.provisioned('approved', '{badge,pass}'), test.initiate('pending', p_jwe => '{a}'),
                         test.initiate('asked'), test.initiate('waits')$$, 'a bit of everything');
SELECT lives_ok($$SELECT test.get_pending('approved'), test.evaluate('asked', 'ADDITIONAL_INFO_REQUIRED'),
                         test.evaluate('waits', 'PENDING')$$, 'in every kind of state');
SELECT is(test.broken(), '{}', 'clean');

SELECT is(test.breaks(format(broken, session)), ARRAY[name], name || ': ' || n)
FROM (VALUES
  (1, 'verification-status', 'pending', $$UPDATE s2s.verification SET status = 'BOGUS', cancelled = true, due_at = least(deadline, expires_at) WHERE session_id = '%s'$$),
  (2, 'verification-incomplete', 'asked', $$UPDATE s2s.verification SET data_request = NULL WHERE session_id = '%s'$$),
  (3, 'verification-due-at', 'asked', $$UPDATE s2s.verification SET due_at = NULL WHERE session_id = '%s'$$),
  (4, 'verification-pending-forgotten', 'pending', $$DELETE FROM s2s.job$$),
  (5, 'verification-pending-forgotten', 'waits', $$UPDATE s2s.verification SET awaiting_decision = false WHERE session_id = '%s'$$),
  (6, 'verification-without-session', 'pending', $$DELETE FROM s2s.session WHERE session_id = '%s'$$),
  (7, 'verification-data-without-verification', 'pending', $$UPDATE s2s.verification_data SET data_seq = 2$$),
  (8, 'session-without-verification', 'asked', $$DELETE FROM s2s.verification WHERE session_id = '%s'$$),
  (9, 'instance-not-approved', 'approved', $$UPDATE s2s.verification SET status = 'DENIED', reason_code = 'X' WHERE session_id = '%s'$$),
  (10, 'instance-not-approved', 'approved', $$UPDATE s2s.instance SET session_id = 'pending' WHERE session_id = '%s'$$),
  (11, 'instance-not-approved', 'approved', $$UPDATE s2s.instance SET ordinal = ordinal + 2 WHERE session_id = '%s'$$),
  (12, 'fetch-without-instance', 'approved', $$DELETE FROM s2s.instance WHERE session_id = '%s'$$),
  (32, 'fetch-of-ended-instance', 'approved', $$UPDATE s2s.instance SET unlinked = true WHERE session_id = '%s'$$),
  (33, 'fetch-too-many', 'approved', $$INSERT INTO s2s.fetch (created_at, transaction_id, instance_id, keys_digest) SELECT '2020-01-01', n, (test.instance('%s')).instance_id, n::text::bytea FROM generate_series(1, s2s.fetches_most()) AS n$$),
  (13, 'job-kind-unknown', '', $$INSERT INTO s2s.job (next_at, created_at, kind, ref) VALUES (now(), now(), 'dance', '')$$),
  (14, 'job-lease-too-long', '', $$UPDATE s2s.job SET next_at = now() + interval '25 hours'$$),
  (15, 'job-of-final-verification', 'pending', $$SELECT test.cancel('%s'); UPDATE s2s.job SET next_at = now() - interval '11 min'$$),
  (18, 'verification-not-owed', 'asked', $$UPDATE s2s.verification SET updated_at = updated_at + interval '1 min' WHERE session_id = '%s'$$),
  (19, 'instance-not-owed', 'approved', $$SELECT test.issuer('%s', 'SUSPEND'); DELETE FROM s2s.ledger WHERE endpoint = '/credential/manage'; DELETE FROM s2s.delivery WHERE endpoint = '/credential/manage'$$),
  (20, 'fetch-not-owed', '', $$UPDATE s2s.ledger SET ref = 'x' WHERE ref LIKE 'CREDENTIAL_READY:%%'$$),
  (21, 'delivery-lost', '', $$DELETE FROM s2s.delivery WHERE endpoint = '/event/notify'$$),
  (22, 'delivery-not-recorded', '', $$SELECT test.owing('wallet', 1)$$),
  (23, 'delivery-flight', '', $$UPDATE s2s.delivery SET lease = test.lease()$$),
  (24, 'delivery-flight', '', $$UPDATE s2s.delivery SET lease = test.lease(), sending = owed + 1$$),
  (25, 'delivery-lease-too-long', '', $$SELECT test.send(1); UPDATE s2s.delivery SET next_at = now() + interval '25 hours'$$),
  (26, 'delivery-endpoint-unknown', '', $$UPDATE s2s.delivery SET endpoint = '/teapot' WHERE endpoint = '/event/notify'$$),
  (27, 'delivery-without-lane', '', $$UPDATE s2s.delivery SET peer = 'nobody'$$),
  (28, 'ledger-in-default-partition', '', $$UPDATE s2s.ledger SET at = at + interval '9 days'$$),
  (29, 'verification-data-of-final', 'asked', $$INSERT INTO s2s.verification_data (created_at, data_seq, verification_id, client_jwe) SELECT now(), 1, verification_id, '{}' FROM s2s.verification WHERE status = 'APPROVED'$$),
  (30, 'verification-data-octets', 'pending', $$UPDATE s2s.verification SET data_octets = 2 WHERE session_id = '%s'$$),
  (31, 'verification-data-octets', '', $$DELETE FROM s2s.verification_data$$),
  (16, 'answer-in-default-partition', '', $$UPDATE s2s.answer SET created_at = created_at - interval '9 days' WHERE ctid = (SELECT min(ctid) FROM s2s.answer)$$),
  (17, 'answer-twice', '', $$INSERT INTO s2s.answer SELECT created_at + interval '1 day', request_id, token, digest, status, peer, endpoint, body FROM s2s.answer$$)
) AS t (n, name, session, broken);

-- What is no breach.
SELECT is(test.breaks($$SELECT test.cancel('pending')$$), '{}', 'a final verification with a fresh job');
SELECT is(test.breaks($$SELECT s2s.job_retry(test.job('pending'), test.lease(), '1 h', 'x', 1)$$), '{}', 'a dead letter is a record');
SELECT is(test.breaks($$SELECT test.manage('approved', 'UNLINK')$$), '{}', 'an unlinked instance');
SELECT is(test.breaks($$SELECT s2s.expire_due(10)$$), '{}', 'expiry');
SELECT is(test.breaks($$SELECT test.claim(p_max_attempts => 0)$$), '{}', 'jobs that are given up');
SELECT is(test.breaks($$SELECT test.supplement('pending'); SELECT test.evaluate('pending', 'REJECTED')$$), '{}', 'data of two submissions');
SELECT is(test.breaks($$SELECT test.get('approved')$$), '{}', 'a get');
SELECT is(test.breaks($$SELECT test.evaluate('pending', 'DENIED'); SELECT test.send(1); SELECT test.done('pending', 1)$$), '{}', 'a notice');
SELECT is(test.breaks($$SELECT test.send(1); SELECT test.failed('asked', 1, 'final', 'HTTP 400')$$), '{}', 'one that was refused');
SELECT is(test.breaks($$SELECT s2s.command_instance((test.instance('approved')).instance_id, 'CANCEL', NULL)$$), '{}', 'a cancellation');
SELECT is(test.breaks($$UPDATE s2s.lane SET created_at = now() + interval '1 s'; DELETE FROM s2s.ledger; DELETE FROM s2s.delivery$$), '{}',
          'a peer that could not be called then');
SELECT is(test.broken(), '{}', 'clean again');

SELECT * FROM finish();
ROLLBACK;
