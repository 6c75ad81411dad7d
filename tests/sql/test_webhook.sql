-- SPDX-License-Identifier: Apache-2.0
-- Webhooks: whose lanes they are, who hears of what, what is said, and how it ends.
BEGIN;
SELECT plan(53);

CREATE FUNCTION pg_temp.lanes() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(l.peer || CASE WHEN l.active THEN '+' ELSE '-' END || coalesce(l.events::text, ''), ' ' ORDER BY l.peer)
  FROM s2s.lane AS l
$$;
-- What a webhook is told next: all of it, in the order in which it was owed.
CREATE FUNCTION pg_temp.told(p_hook text DEFAULT 'all') RETURNS TABLE (type text, data jsonb) LANGUAGE plpgsql AS $$
DECLARE
  f test.flight;
BEGIN
  PERFORM test.overdue();
  FOR f IN SELECT * FROM test.send(1, 100, 100) AS s WHERE s.peer = 'webhook:' || p_hook ORDER BY s.delivery_id LOOP
    type := f.body::json ->> 'type';
    data := f.body::jsonb -> 'data';
    RETURN NEXT;
    PERFORM s2s.delivery_done(f.delivery_id, test.lease(1), 204, '');
  END LOOP;
END
$$;

-- ---- lanes ----

SELECT is(s2s.lanes_set('{wallet,issuer}', '[{"name": "all"}, {"name": "few", "events": ["delivery.dead"]}]'), 4, 'two peers, two webhooks');
SELECT is(pg_temp.lanes(), 'issuer+ wallet+ webhook:all+ webhook:few+{delivery.dead}', 'have lanes');
SELECT is(s2s.lanes_set('{wallet,issuer}', '[{"name": "all", "events": null}, {"name": "few", "events": ["delivery.dead"]}]'), 0, 'the same again');
SELECT is(s2s.lanes_set('{wallet,issuer}', '[{"name": "all"}, {"name": "few", "events": ["instance.changed", "delivery.dead"]}]'), 1, 'another subscription');
SELECT is(s2s.lanes_set('{wallet,issuer}', '[{"name": "all"}]'), 1, 'one that is gone');
SELECT is(pg_temp.lanes(), 'issuer+ wallet+ webhook:all+ webhook:few-{instance.changed,delivery.dead}', 'is closed');
SELECT is(s2s.webhook_owe('delivery.dead', '1', 'ISSUER'), 1, 'and hears nothing');
SELECT is(s2s.lanes_set('{wallet,issuer}', '[{"name": "all"}, {"name": "few", "events": ["delivery.dead"]}]'), 1, 'again');
SELECT is(s2s.webhook_owe('delivery.dead', '1', 'ISSUER'), 2, 'both hear of this');
SELECT is(s2s.webhook_owe('instance.changed', '1', 'ISSUER'), 1, 'one of that');
SELECT is_empty($$SELECT * FROM pg_temp.told()$$, 'but there are no such things');
SELECT is_empty($$SELECT FROM s2s.delivery WHERE peer = 'webhook:all'$$, 'so nothing is owed');
DELETE FROM s2s.delivery;

-- ---- the issuer's ----

SELECT lives_ok($$SELECT test.initiate('S')$$, 'an initiate');
SELECT is_empty($$SELECT * FROM pg_temp.told()$$, 'is no change');
SELECT lives_ok($$SELECT test.evaluate('S', 'REJECTED')$$, 'a decision');
SELECT results_eq($$SELECT * FROM pg_temp.told()$$,
  $$VALUES ('verification.changed', jsonb_build_object('role', 'issuer', 'sessionId', 'S', 'peer', 'wallet', 'status', 'REJECTED',
                                                       'verificationId', (test.verification('S')).verification_id))$$, 'is one');
SELECT lives_ok($$SELECT test.supplement('S'), test.evaluate('S', 'APPROVED', p_configurations => '{badge,pass}')$$, 'two changes');
SELECT results_eq($$SELECT type, data ->> 'status' FROM pg_temp.told()$$, $$VALUES ('verification.changed', 'APPROVED')$$, 'are told at once');
SELECT lives_ok($$SELECT test.provision('S'), test.provision('S')$$, 'provisioned twice');
SELECT results_eq($$SELECT type, data - '{verificationId,instances}'::text[], jsonb_array_length(data -> 'instances') FROM pg_temp.told()$$,
  $$VALUES ('instances.provisioned', '{"role": "issuer", "sessionId": "S", "peer": "wallet"}'::jsonb, 2)$$, 'told once');
SELECT lives_ok($$SELECT test.event('S', 'PROVISIONING_SUCCESS'), test.event('S', 'PROVISIONING_SUCCESS')$$, 'confirmed twice');
SELECT results_eq($$SELECT type, data - '{verificationId,lastStatusChangeTime}'::text[] FROM pg_temp.told()$$,
  $$VALUES ('instance.changed', jsonb_build_object(
      'role', 'issuer', 'sessionId', 'S', 'peer', 'wallet', 'credentialInstanceId', (test.instance('S')).instance_id,
      'credentialConfigurationId', 'badge', 'status', 'ACTIVE', 'lastStatusChangeReason', 'PROVISIONING_SUCCESS'))$$, 'told once');
SELECT is(test.issuer('S', 'SUSPEND'), 'COMPLETED', 'suspended');
SELECT is(test.brief(test.manage('S', 'SUSPEND')), '200 answered', 'by both');
SELECT results_eq($$SELECT type, data ->> 'status' FROM pg_temp.told()$$, $$VALUES ('instance.changed', 'SUSPENDED_ISSUER')$$, 'one of which shows');

-- ---- the wallet's ----

DELETE FROM s2s.delivery;
SELECT lives_ok($$SELECT test.app_provisioned('W')$$, 'an issuance');
SELECT results_eq($$SELECT type, data ->> 'role', data ->> 'sessionId', data ->> 'issuer', jsonb_array_length(data -> 'instances') FROM pg_temp.told()$$,
  $$VALUES ('verification.changed', 'wallet', 'W', 'issuer', 1), ('instances.provisioned', 'wallet', 'W', 'issuer', 1)$$, 'as it is in the end');
SELECT lives_ok($$SELECT s2s.wallet_flag(test.app_instance('W'), true, true)$$, 'something newer');
SELECT set_eq($$SELECT type, data ->> 'credentialInstanceId' FROM pg_temp.told()$$,
  $$VALUES ('credential.update_available', 'W-1'), ('display_data.updated', 'W-1')$$, 'is told');
UPDATE s2s.wallet_instance SET update_available = false;
SELECT lives_ok($$SELECT s2s.wallet_flag(test.app_instance('W'), true, false)$$, 'again');
UPDATE s2s.wallet_instance SET update_available = false;
SELECT is_empty($$SELECT * FROM pg_temp.told()$$, 'unless it was fetched first');

-- Both roles may speak of the same thing.
DELETE FROM s2s.delivery;
SELECT is(s2s.webhook_owe('instance.changed', 'W-1', side), 1, side) FROM (VALUES ('ISSUER'), ('WALLET')) AS t (side);
SELECT is((SELECT count(*) FROM s2s.delivery WHERE peer = 'webhook:all'), 2::bigint, 'two things');
DELETE FROM s2s.delivery;

-- ---- dead letters ----

SELECT lives_ok($$SELECT s2s.delivery_owe('wallet', '/verification/notify', (test.verification('S')).verification_id)$$, 'a notice');
SELECT lives_ok($$SELECT test.send(2)$$, 'is sent');
SELECT is(test.failed('S', 2, 'final', 'HTTP 400'), 'dead', 'and refused');
SELECT results_eq($$SELECT type, data FROM pg_temp.told('few')$$,
  $$SELECT 'delivery.dead', jsonb_build_object('role', 'issuer', 'deliveryId', delivery_id, 'peer', 'wallet', 'path', '/verification/notify',
                                               'ref', (test.verification('S')).verification_id, 'reason', 'HTTP 400') FROM s2s.delivery_dead$$,
  'an operator hears of it');
SELECT is((SELECT s2s.command_redrive(delivery_id) FROM s2s.delivery_dead), true, 'who acts');
SELECT lives_ok($$SELECT test.overdue()$$, 'before the other webhook was told');
SELECT is_empty($$SELECT FROM test.send(3) WHERE peer LIKE 'webhook:%'$$, 'which is not told any more');
DELETE FROM s2s.delivery;
DELETE FROM s2s.delivery_dead;
DELETE FROM test.flight;

-- ---- ends ----

SELECT lives_ok($$SELECT s2s.webhook_owe('verification.changed', 'W', 'WALLET'), test.send(4)$$, 'a flight');
SELECT results_eq($$SELECT peer, endpoint, side, session_id, body::json ->> 'type', body::json ->> 'timestamp' LIKE '____-__-__T__:__:__Z' FROM test.flight('W')$$,
  $$VALUES ('webhook:all', 'verification.changed', 'WALLET', 'W', 'verification.changed', true)$$, 'with all that the call needs');
SELECT is(test.fails('W', 6, 'HTTP 503'), 1::bigint, 'keeps its id, however often it fails: it is the consumer''s alone');
SELECT is(test.failed('W', (test.flight('W')).lease, 'final', 'HTTP 410'), 'dead', 'gone');
SELECT is_empty($$SELECT FROM s2s.delivery$$, 'is no event of its own');
SELECT is((SELECT side FROM s2s.delivery_dead), 'WALLET', 'but a dead letter');
SELECT is((SELECT s2s.command_redrive(delivery_id) FROM s2s.delivery_dead), true, 'that can be sent again');
SELECT lives_ok($$SELECT test.rested(), test.send(9)$$, 'sent');
SELECT is(test.done('W', 9, '<html>'), 'done', 'whatever it answers');
SELECT is_empty($$SELECT * FROM s2s.fsck() WHERE check_name LIKE 'delivery-endpoint%'$$, 'every type is known');

-- A change costs next to nothing when nobody wants to know.
SELECT is(s2s.lanes_set('{wallet}'), 3, 'no webhooks');
SELECT is(s2s.webhook_owe('verification.changed', 'W', 'WALLET'), 0, 'nothing is owed');

SELECT * FROM finish();
ROLLBACK;
