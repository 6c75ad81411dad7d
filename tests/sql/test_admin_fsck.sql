-- SPDX-License-Identifier: Apache-2.0
-- Every check of what operators do finds what it is for, and nothing else does.
BEGIN;
SELECT plan(42);

SELECT is(s2s.lanes_set('{wallet}'), 1, 'a peer that can be called');
SELECT lives_ok($$SELECT test.provisioned('S'), test.provisioned('T'), test.initiate('decided'), test.initiate('asked')$$, 'sessions');
SELECT lives_ok($$SELECT test.review('decided', 'DENIED'), test.review('asked', 'ADDITIONAL_INFO_REQUIRED')$$, 'two decisions');
SELECT is((test.operate('S', 'CANCEL')).status, 200, 'a cancellation');
SELECT is((test.bulk_start('SUSPEND', '{"sessionIds": ["T"]}')).status, 202, 'a run');
SELECT is(test.bulk_run(), 'more done', 'that is over');
SELECT is((test.bulk_start('RESUME', '{"sessionIds": ["T"]}')).status, 202, 'and one that is not');
SELECT lives_ok($$SELECT test.admin('admin_offer_make', '{"body": {"credentialConfigurationIds": ["badge"]}}',
                                    ', ''O'', ''\x01'', NULL, 3, ''1 h'', NULL, NULL, NULL, NULL, ''\x02''')$$, 'an offer');
SELECT lives_ok($$SELECT test.admin('admin_dataset_put', json_build_object('credentialInstanceId', (test.instance('T')).instance_id,
                                                                           'body', '{"version": "1"}'::json), ', ''\x01''')$$, 'a dataset');
SELECT lives_ok($$SELECT FROM test.send(1)$$, 'notices are sent');
SELECT is(test.failed('decided', 1, 'final', 'HTTP 400'), 'dead', 'one is refused');
SELECT is(s2s.command_redrive(delivery_id), true, 'and sent again') FROM s2s.delivery_dead;
SELECT isnt(s2s.command_reconcile('ISSUER', 'wallet'), NULL, 'a run of reconciliation');
SELECT is(test.broken(), '{}', 'clean');

SELECT is(test.breaks(broken), found::text[], found || ': ' || broken)
FROM (VALUES
  ('{audit-chain}', $$UPDATE s2s.audit SET who = 'admin:mallory' WHERE seq = 3 AND action LIKE 'instance.cancel'$$),
  ('{audit-chain}', $$UPDATE s2s.audit SET at = at + interval '1 us' WHERE seq = 1$$),
  ('{audit-chain}', $$UPDATE s2s.audit SET detail = '{}' WHERE seq = 1$$),
  ('{audit-chain}', $$UPDATE s2s.audit AS a SET previous_hash = '\x00', hash = s2s.audit_hash(row(a.at, a.seq, a.request_id, a.who, a.role, a.action, a.ref, a.detail, '\x00', a.hash)::s2s.audit) WHERE seq = 4$$),
  ('{audit-chain,verification-decision-not-audited}', $$DELETE FROM s2s.audit WHERE seq = 1$$),
  ('{audit-head,reconciliation-not-audited}', $$DELETE FROM s2s.audit WHERE seq = (SELECT max(seq) FROM s2s.audit)$$),
  ('{audit-head}', $$UPDATE s2s.audit_head SET seq = seq + 1$$),
  ('{audit-head}', $$UPDATE s2s.audit_head SET hash = '\x00'$$),
  ('{audit-head}', $$DELETE FROM s2s.audit_head$$),
  ('{verification-decision-not-audited}', $$UPDATE s2s.verification SET decided_by = 'admin:bob' WHERE session_id = 'decided'$$),
  ('{verification-peer}', $$UPDATE s2s.verification SET peer = '' WHERE session_id = 'asked'$$),
  ('{instance-act-not-audited}', $$SELECT s2s.instance_command((test.instance('T')).instance_id, 'CANCEL', NULL)$$),
  ('{dataset-not-audited}', $$SELECT s2s.dataset_push((test.instance('T')).instance_id, '2', '\x02', NULL)$$),
  ('{offer-not-audited}', $$UPDATE s2s.credential_offer SET created_by = 'admin:bob'$$),
  ('{offer-not-audited}', $$SELECT s2s.offer_revoke('O', 'admin:alice')$$),
  ('{redrive-not-audited}', $$SELECT FROM test.send(2); SELECT test.failed('decided', 2, 'final', 'HTTP 400'); SELECT s2s.delivery_redrive(delivery_id) FROM s2s.delivery_dead$$),
  ('{reconciliation-not-audited}', $$SELECT s2s.reconcile_start('ISSUER', 'wallet', NULL)$$),
  ('{bulk-acts}', $$UPDATE s2s.bulk SET done = 2, total = 2 WHERE finished_at IS NOT NULL$$),
  ('{bulk-not-audited}', $$UPDATE s2s.bulk SET who = 'admin:bob' WHERE finished_at IS NULL$$),
  ('{bulk-progress}', $$UPDATE s2s.bulk SET total = 2 WHERE finished_at IS NOT NULL$$),
  ('{bulk-forgotten}', $$DELETE FROM s2s.job WHERE kind = 'bulk'$$),
  ('{bulk-job-of-no-run}', $$INSERT INTO s2s.job (next_at, created_at, kind, ref) VALUES (now(), now(), 'bulk', 'X')$$)
) AS t (found, broken);

-- What is no breach.
SELECT is(test.breaks($$SELECT test.bulk_claim(n, '-1 s') FROM generate_series(1, 10) AS n$$), '{}', 'a run that is stuck');
SELECT is(test.breaks($$SELECT test.bulk_run()$$), '{}', 'one that goes on');
SELECT is(test.breaks($$SELECT test.supplement('asked')$$), '{}', 'a supplement after a decision');
SELECT is(test.breaks($$UPDATE s2s.verification SET due_at = now(), expires_at = now(), deadline = NULL WHERE session_id = 'asked'; SELECT s2s.expire_due(10)$$), '{}', 'time');
SELECT is(test.breaks($$SELECT s2s.command_instance((test.instance('T')).instance_id, 'CANCEL', NULL)$$), '{}', 'a cancellation');
SELECT is(test.broken(), '{}', 'clean again');

SELECT * FROM finish();
ROLLBACK;
