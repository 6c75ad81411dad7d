-- SPDX-License-Identifier: Apache-2.0
-- Who wakes the job runner: whoever has enqueued or owed what is due by now, and nobody else.
BEGIN;
SELECT plan(32);

-- What the issuer tells the wallet of S-1.
CREATE FUNCTION pg_temp.told(p_status text, p_more jsonb DEFAULT '{}') RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.wallet_verification_notify(
    'issuer', gen_random_uuid(), '/verification/notify', '\x01', gen_random_uuid(), 'W', 'v-W', p_status,
    test.status_json('W', p_status, p_more)::json)
$$;
CREATE FUNCTION pg_temp.event(p_type text) RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.wallet_event(
    'issuer', gen_random_uuid(), '/event/notify', '\x01', gen_random_uuid(), 'S', 'S-1', p_type, NULL, true)
$$;

-- ---- nobody is interested ----

SELECT is(s2s.lanes_set('{wallet,issuer}'), 2, 'no webhooks');
SELECT is((test.initiate('a')).wake, true, 'a submission is to be evaluated');
SELECT is((test.supplement('a')).wake, true, 'and another one');
SELECT is((test.cancel('a')).wake, false, 'a cancellation is told in its answer');
SELECT is((test.status('a')).wake, false, 'a question changes nothing');
SELECT lives_ok($$SELECT test.approved('b')$$, 'approved');
SELECT is((test.provision('b')).wake, false, 'provisioned: the wallet knows');
SELECT is((test.event('b', 'PROVISIONING_SUCCESS')).wake, false, 'confirmed');
SELECT is((test.get_pending('b')).wake, false, 'an event that is owed in an hour');
SELECT is((test.get('b')).wake, false, 'and is not, any more');
SELECT is((test.manage('b', 'SUSPEND')).wake, false, 'suspended by the wallet');

-- ---- a webhook is ----

SELECT is(s2s.lanes_set('{wallet,issuer}', '[{"name": "all"}]'), 1, 'a webhook');
SELECT lives_ok($$SELECT test.initiate('c'), test.approved('d')$$, 'other sessions');
SELECT is((test.status('c')).wake, false, 'what others have owed in this transaction is theirs to tell');
SELECT is(ARRAY[(test.cancel('c')).wake, (test.cancel('c')).wake], '{t,f}', 'a cancellation, once');
SELECT is(ARRAY[(test.provision('d')).wake, (test.provision('d')).wake], '{t,f}', 'a provision');
SELECT is(ARRAY[(test.event('d', 'PROVISIONING_SUCCESS')).wake, (test.event('d', 'PROVISIONING_SUCCESS')).wake], '{t,f}',
          'a confirmation');
SELECT is(ARRAY[(test.manage('d', 'SUSPEND')).wake, (test.manage('d', 'SUSPEND')).wake], '{t,f}', 'a suspension');

-- ---- the wallet's side ----

SELECT is((test.app_start('W')).wake, true, 'an issuance is started');
SELECT is((test.app_start('W')).wake, false, 'and asked for again');
SELECT is((test.app_cancel('W')).wake, false, 'a cancellation that has to wait for its answer');
SELECT is(test.answered('/verification/initiate', 'W', test.status_json('W', 'PENDING')), 'done', 'which comes');
SELECT is((pg_temp.told('PENDING')).wake, false, 'no news');
SELECT is((pg_temp.told('REJECTED', '{"reasonCode": "BLURRED"}')).wake, true, 'news');
SELECT is((pg_temp.told('REJECTED', '{"reasonCode": "BLURRED"}')).wake, false, 'no more');
SELECT is(test.app_provisioned('S'), 'done', 'an instance');
SELECT is((pg_temp.event('CREDENTIAL_READY')).wake, false, 'an event that nobody waits for');
SELECT is(ARRAY[(pg_temp.event('CREDENTIAL_UPDATE_AVAILABLE')).wake, (pg_temp.event('CREDENTIAL_UPDATE_AVAILABLE')).wake], '{t,f}',
          'one that the webhook is told of, once');
SELECT is((test.app_fetch('S')).wake, true, 'a fetch');
SELECT lives_ok($$SELECT test.sent('/credential/get', fetch_id) FROM s2s.wallet_fetch$$, 'is sent');
SELECT is(s2s.delivery_done(d.delivery_id, test.lease(77), 202, '{"status": "PENDING", "transaction_id": "t", "interval": 600}'),
          'waiting', 'and has to wait') FROM s2s.delivery AS d WHERE d.endpoint = '/credential/get';
SELECT is((pg_temp.event('CREDENTIAL_READY')).wake, true, 'until now');

SELECT * FROM finish();
ROLLBACK;
