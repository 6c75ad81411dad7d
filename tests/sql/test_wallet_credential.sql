-- SPDX-License-Identifier: Apache-2.0
-- The wallet's view of credential instances: provision, get, acts of either side, events. The issuer is the peer "issuer",
-- the instance of session S is S-1.
BEGIN;
SELECT plan(123);

SELECT is(s2s.lanes_set('{issuer,other}', '[{"name": "backend"}]'), 3, 'two issuers and a webhook');

CREATE FUNCTION pg_temp.instance() RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', s2s.wallet_instance_status(i), i.version, i.credential_version,
                   CASE WHEN i.update_available THEN 'update' END, CASE WHEN i.display_updated THEN 'display' END)
  FROM test.app_instance('S') AS i
$$;
CREATE FUNCTION pg_temp.instances(VARIADIC p_ids text[]) RETURNS text LANGUAGE sql AS $$
  SELECT json_build_object('CredentialInstances', json_build_array(json_build_object(
    'credentialConfigurationId', 'badge', 'credentialInstanceIds', p_ids)))::text
$$;
CREATE FUNCTION pg_temp.message(p_endpoint text, p_ref text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT m.body::jsonb - '{timestamp,sessionId,credentialInstanceId}'::text[]
  FROM s2s.delivery_message(test.owed(p_endpoint, p_ref)) AS m
$$;
CREATE FUNCTION pg_temp.webhooks() RETURNS text LANGUAGE sql AS $$
  WITH gone AS (DELETE FROM s2s.delivery AS d WHERE d.peer = 'webhook:backend' RETURNING d.endpoint)
  SELECT coalesce(string_agg(g.endpoint, ' ' ORDER BY g.endpoint), '') FROM gone AS g
$$;
-- What the issuer calls, of S-1.
CREATE FUNCTION pg_temp.manage(p_action text, p_backend boolean DEFAULT false, p_peer text DEFAULT 'issuer', p_request uuid DEFAULT gen_random_uuid())
RETURNS text LANGUAGE sql AS $$
  SELECT CASE r.status WHEN 200 THEN concat_ws(' ', b ->> 'outcome', b ->> 'failureReason', b ->> 'previousStatus', b ->> 'currentStatus')
                       ELSE test.brief(r) END
  FROM s2s.wallet_manage(p_peer, p_request, '/credential/manage', '\x01', gen_random_uuid(), 'S', 'S-1',
                         p_action, 'BY_ISSUER', p_backend) AS r, LATERAL (SELECT r.body::jsonb) AS j (b)
$$;
CREATE FUNCTION pg_temp.event(p_type text, p_known boolean DEFAULT true, p_session text DEFAULT 'S') RETURNS text LANGUAGE sql AS $$
  SELECT r.status || ' ' || (r.body::json ->> 'acknowledged')
  FROM s2s.wallet_event('issuer', gen_random_uuid(), '/event/notify', '\x01', gen_random_uuid(), p_session, 'S-1', p_type,
                        '{"transaction_id": "t"}', p_known) AS r
$$;
CREATE FUNCTION pg_temp.status(p_peer text DEFAULT 'issuer') RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.wallet_credential_status(p_peer, gen_random_uuid(), '/credential/status', '\x01', gen_random_uuid(), 'S', 'S-1')
$$;

-- ---- provision ----

SELECT is(test.app_opened(session, 'APPROVED'), 'done', session || ' is approved') FROM (VALUES ('S'), ('T')) AS t (session);
SELECT is(test.answered('/credential/provision', 'S', answer), 'refused: the answer provisions nothing', what)
FROM (VALUES (NULL, 'nothing'), ('{}', 'none'), ('{"CredentialInstances": {}}', 'no list'), ('{"CredentialInstances": [{"credentialConfigurationId": "badge"}]}', 'no ids'),
             ('{"CredentialInstances": [{"credentialInstanceIds": ["S-1"]}]}', 'no configuration'),
             ('{"CredentialInstances": [{"credentialConfigurationId": "badge", "credentialInstanceIds": ["S-1", 7]}]}', 'a number'),
             (pg_temp.instances(''), 'an empty one'), (pg_temp.instances(repeat('x', 257)), 'a long one')) AS t (answer, what),
     LATERAL (SELECT test.rested() WHERE what <> answer OR answer IS NULL) AS again;
SELECT is_empty('SELECT FROM s2s.wallet_instance', 'which provisions nothing');
SELECT lives_ok($$SELECT test.rested(), pg_temp.webhooks()$$, 'in the end');
SELECT is(test.answered('/credential/provision', 'S', pg_temp.instances('S-1', 'S-2', 'S-1')), 'done', 'two, one of them named twice');
SELECT results_eq($$SELECT instance_id, session_id, issuer, configuration_id FROM s2s.wallet_instance ORDER BY instance_id$$,
  $$VALUES ('S-1' COLLATE "C", 'S' COLLATE "C", 'issuer' COLLATE "C", 'badge'), ('S-2', 'S', 'issuer', 'badge')$$, 'are there');
SELECT is(pg_temp.webhooks(), 'instances.provisioned', 'the backend hears of them');
SELECT is(test.answered('/credential/provision', 'T', pg_temp.instances('T-1', 'S-1')),
          'refused: the answer names an instance of another session', 'another session cannot have one of them');
SELECT is((SELECT string_agg(instance_id, ' ' ORDER BY instance_id) FROM s2s.wallet_instance), 'S-1 S-2', 'nor what came with it');
SELECT lives_ok($$SELECT s2s.wallet_session_owe(test.wallet_session('S'), '/credential/provision')$$, 'provision again');
SELECT is(test.answered('/credential/provision', 'S', pg_temp.instances('S-1', 'S-2', 'S-3')), 'done', 'with one more');
SELECT is((SELECT count(*) FROM s2s.wallet_instance), 3::bigint, 'adds it');
SELECT is(test.answered('/credential/provision', 'T', pg_temp.instances('T-1')), 'done', 'the other session gets its own');

-- ---- get ----

SELECT is((SELECT body - 'sessionId' FROM test.body(pg_temp.status()) AS body),
          jsonb_build_object('currentStatus', 'IN_PROCESS', 'currentVersion', 'unknown',
                             'lastStatusChangeTime', s2s.http_date((test.app_instance('S')).last_status_change_time)),
          'not fetched yet');
CREATE FUNCTION pg_temp.fetch() RETURNS text LANGUAGE sql AS $$
  SELECT f.fetch_id FROM s2s.wallet_fetch AS f ORDER BY f.created_at DESC LIMIT 1
$$;
-- An issuer's answer to the last fetch, with or without polls.
CREATE FUNCTION pg_temp.got(p_answer text, p_status integer DEFAULT 200, p_longest interval DEFAULT '60 s') RETURNS text LANGUAGE sql AS $$
  SELECT test.sent('/credential/get', pg_temp.fetch());
  SELECT test.told('/credential/get', pg_temp.fetch(), p_answer, p_status, CASE WHEN p_longest IS NOT NULL THEN interval '2 s' END, p_longest)
$$;
CREATE FUNCTION pg_temp.due() RETURNS integer LANGUAGE sql AS $$
  SELECT extract(epoch FROM d.next_at - clock_timestamp())::integer FROM test.owed('/credential/get', pg_temp.fetch()) AS d
$$;
SELECT is(test.brief(test.app_fetch('S')), '202 answered', 'a fetch');
SELECT is(pg_temp.message('/credential/get', pg_temp.fetch()), '{"reason": "INITIAL", "walletEncryptionKey": "a"}', 'is sent as it is');
UPDATE s2s.wallet_fetch SET request = request::jsonb || '{"clientEncryptedData": "jwe", "walletEncryptionKey": {"attestation": {}}}';
SELECT is(pg_temp.got(answer), 'refused: the answer brings no credentials', what)
FROM (VALUES (NULL, 'nothing'), ('[]', 'a list'), ('{"credentialVersion": "v1"}', 'no credentials'), ('{"credentials": "jwe"}', 'no version')) AS t (answer, what);
SELECT lives_ok($$SELECT test.rested()$$, 'later');
SELECT is(pg_temp.got('{"transaction_id": "t", "interval": 10}', 202), 'waiting', 'not yet');
SELECT is(pg_temp.due() BETWEEN 10 AND 11, true, 'in ten seconds');
SELECT is(pg_temp.message('/credential/get', pg_temp.fetch()),
          '{"reason": "INITIAL", "transaction_id": "t", "walletEncryptionKey": {"attestation": {}}}', 'with what the issuer gave');
SELECT is(pg_temp.got('{"interval": 10}', 202), 'waiting', 'not yet');
SELECT is(pg_temp.due() BETWEEN 15 AND 17, true, 'half as long again');
SELECT is(pg_temp.got('{"interval": 100}', 202), 'waiting', 'not yet');
SELECT is(pg_temp.due() BETWEEN 100 AND 110, true, 'never sooner than it says');
SELECT is(pg_temp.got('nonsense', 202), 'waiting', 'not yet, whatever it says');
SELECT is(bool_and(extract(epoch FROM s2s.wallet_ask_again_at(answer, polls, '60 s') - clock_timestamp()) BETWEEN 0.98 * seconds AND 1.12 * seconds), true, 'bounded')
FROM (VALUES (NULL::jsonb, 0, 5), ('{"interval": "9"}', 0, 5), ('{"interval": -1}', 0, 1), ('{"interval": 1e30}', 0, 86400), ('{"interval": 10}', 2000000000, 60)) AS t (answer, polls, seconds);
SELECT is(pg_temp.got('{"interval": 1}', 202, NULL), 'waiting', 'without polls');
SELECT is((test.owed('/credential/get', pg_temp.fetch())).next_at, 'infinity', 'nothing is due');
SELECT is_empty($$SELECT * FROM s2s.fsck() WHERE check_name LIKE 'wallet-%'$$, 'and nothing forgotten');
SELECT is(pg_temp.event('CREDENTIAL_READY'), '200 true', 'until the issuer says so');
SELECT is(pg_temp.due() <= 0, true, 'then it is');
SELECT lives_ok($$SELECT test.sent('/credential/get', pg_temp.fetch())$$, 'a get is under way');
SELECT is(pg_temp.event('CREDENTIAL_READY'), '200 true', 'when the issuer says so');
SELECT is(test.told('/credential/get', pg_temp.fetch(), '{"interval": 10}', 202), 'again', 'it is asked again at once');
SELECT lives_ok($$SELECT test.sent('/credential/get', pg_temp.fetch())$$, 'asked');
SELECT is(pg_temp.event('CREDENTIAL_UPDATE_AVAILABLE'), '200 true', 'something newer, meanwhile');
SELECT lives_ok($$SELECT pg_temp.webhooks()$$, 'noted');
SELECT is(test.told('/credential/get', pg_temp.fetch(), '{"credentialVersion": "v1", "credentials": {"jwe": "x"}, "other": 1}'), 'done', 'here they are');
SELECT is(pg_temp.webhooks(), 'credentials.ready', 'the backend hears of it');
SELECT is(s2s.wallet_fetch_json(f)::jsonb - '{fetchId,createdAt,updatedAt}'::text[],
          '{"status": "READY", "credentialInstanceId": "S-1", "credentialVersion": "v1", "credentials": {"jwe": "x"}}', 'and sees them')
FROM s2s.wallet_fetch AS f;
SELECT is(pg_temp.instance(), 'IN_PROCESS 2 v1 update', 'perhaps not the newest');
SELECT is(pg_temp.event('DISPLAY_DATA_UPDATED'), '200 true', 'other display data');
SELECT is(pg_temp.event('DISPLAY_DATA_UPDATED'), '200 true', 'said twice');
SELECT is(pg_temp.webhooks(), 'display_data.updated', 'told once');
SELECT is(pg_temp.event('CREDENTIAL_UPDATE_AVAILABLE'), '200 true', 'again');
SELECT is(pg_temp.webhooks(), '', 'which the backend knows');
SELECT lives_ok($$SELECT test.app_fetch('S', 'b')$$, 'it fetches');
SELECT is(pg_temp.got('{"credentialVersion": "v2", "credentials": "jwe"}'), 'done', 'the newest');
SELECT is(pg_temp.instance(), 'IN_PROCESS 5 v2 display', 'but its display data');
SELECT lives_ok($$SELECT test.app_fetch('S', 'c'), pg_temp.webhooks()$$, 'and again');
SELECT is(pg_temp.got('{"credentialVersion": "v2", "credentials": "jwe", "credentialMetadata": {}}'), 'done', 'with these');
SELECT is(pg_temp.instance(), 'IN_PROCESS 5 v2', 'all is new');
SELECT lives_ok($$SELECT test.app_fetch('S', 'd'), pg_temp.webhooks()$$, 'another fetch');
SELECT is(test.refused('/credential/get', pg_temp.fetch(), 400), 'done', 'is refused');
SELECT results_eq($$SELECT state, problem ->> 'title' FROM s2s.wallet_fetch WHERE fetch_id = pg_temp.fetch()$$, $$VALUES ('FAILED' COLLATE "C", 'No')$$, 'and says so');
SELECT is(pg_temp.webhooks(), 'credentials.ready', 'to the backend too');
SELECT is(pg_temp.event('SOMETHING', false), '200 false', 'an unknown event');

-- ---- acts of the wallet ----

SELECT is(test.brief(test.app_event('S', '{"eventType": "PROVISIONING_SUCCESS", "eventDetails": {"n": 1e999}}')), '202 answered', 'it is on the device');
SELECT is(pg_temp.instance() || ' ' || pg_temp.webhooks(), 'ACTIVE 6 v2 instance.changed', 'active');
CREATE TEMP TABLE event AS SELECT * FROM s2s.wallet_event;
SELECT is((SELECT m.body::json ->> 'eventType' || (m.body::json -> 'eventDetails')::text FROM event AS e, s2s.delivery_message(test.owed('/event/notify', e.event_id)) AS m),
          'PROVISIONING_SUCCESS{"n": 1e999}', 'the issuer is told');
SELECT is(test.answered('/event/notify', event_id, '{"acknowledged": false}'), 'done', 'and does not know what of') FROM event;
SELECT is((SELECT detail FROM s2s.ledger ORDER BY at DESC LIMIT 1), 'not acknowledged', 'recorded');
SELECT is_empty($$SELECT FROM s2s.wallet_event$$, 'over');
SELECT is(test.body(test.app_action('S', 'SUSPEND')) ->> 'outcome', 'COMPLETED', 'suspended by the holder');
SELECT is(pg_temp.message('/credential/manage', 'S-1'), '{"action": "SUSPEND", "reason": "BY_HOLDER"}', 'the issuer is told');
SELECT is(test.body(test.app_action('S', 'RESUME')) ->> 'outcome', 'COMPLETED', 'resumed');
SELECT is(pg_temp.message('/credential/manage', 'S-1'), '{"action": "RESUME", "reason": "BY_HOLDER"}', 'of what is so now');
SELECT is(test.answered('/credential/manage', 'S-1', '{"outcome": "FAILED", "failureReason": "BUSY"}'), 'done', 'its answer');
SELECT is(s2s.wallet_instance_json(i) -> 'manage' ->> 'failureReason', 'BUSY', 'is kept') FROM test.app_instance('S') AS i;
SELECT is(test.brief(pg_temp.status('other')), '404 answered NOT_FOUND', 'another issuer sees nothing');

-- ---- acts of the issuer ----

SELECT lives_ok($$SELECT pg_temp.webhooks()$$, 'what is next');
SELECT is(pg_temp.manage('SUSPEND', p_peer => 'other'), '404 answered NOT_FOUND', 'another issuer does nothing');
SELECT is(pg_temp.manage('SUSPEND'), 'COMPLETED ACTIVE SUSPENDED_ISSUER', 'suspended by the issuer');
SELECT is(pg_temp.webhooks() || (test.owed('/credential/manage', 'S-1') IS NULL), 'instance.changedtrue', 'who need not be told');
SELECT is(pg_temp.manage('SUSPEND'), 'NO_CHANGE SUSPENDED_ISSUER SUSPENDED_ISSUER', 'again');
SELECT is(test.body(test.app_action('S', 'RESUME')) ->> 'failureReason', 'SUSPENDED_BY_ISSUER', 'the wallet cannot resume it');
SELECT is(test.body(test.app_action('S', 'SUSPEND')) ->> 'outcome', 'COMPLETED', 'but suspend it too');
SELECT is(pg_temp.webhooks(), '', 'which does not show');
SELECT is(pg_temp.manage('RESUME'), 'COMPLETED SUSPENDED_ISSUER SUSPENDED_WALLET', 'until the issuer resumes');
SELECT is(pg_temp.manage('RESUME'), 'FAILED SUSPENDED_BY_WALLET SUSPENDED_WALLET SUSPENDED_WALLET', 'which is all it can');

-- ---- with the backend ----

SELECT lives_ok($$SELECT pg_temp.webhooks()$$, 'what is next');
SELECT is(pg_temp.manage('RESUME', true), 'FAILED SUSPENDED_BY_WALLET SUSPENDED_WALLET SUSPENDED_WALLET', 'nobody is asked about what cannot be');
SELECT is(pg_temp.manage('SUSPEND', true, p_request => test.lease(5)), 'SCHEDULED SUSPENDED_WALLET SUSPENDED_WALLET', 'the backend is asked');
SELECT is(pg_temp.manage('SUSPEND', true), 'SCHEDULED SUSPENDED_WALLET SUSPENDED_WALLET', 'again');
CREATE TEMP TABLE lifecycle AS SELECT * FROM s2s.wallet_lifecycle;
SELECT is((SELECT count(*) FROM lifecycle), 1::bigint, 'once');
SELECT is(test.owed('lifecycle.requested', lifecycle_id) IS NULL, false, 'by webhook') FROM lifecycle;
SELECT lives_ok($$SELECT s2s.lanes_set('{issuer,other}', '[{"name": "backend"}, {"name": "second"}]')$$, 'another webhook comes');
SELECT is(pg_temp.manage('SUSPEND', true), 'SCHEDULED SUSPENDED_WALLET SUSPENDED_WALLET', 'the issuer insists');
SELECT results_eq($$SELECT d.peer FROM lifecycle, s2s.delivery AS d WHERE d.ref = lifecycle_id ORDER BY d.peer$$,
                  $$VALUES ('webhook:backend' COLLATE "C"), ('webhook:second')$$, 'who has come meanwhile is asked too');
SELECT lives_ok($$DELETE FROM s2s.delivery WHERE peer = 'webhook:second'; SELECT s2s.lanes_set('{issuer,other}', '[{"name": "backend"}]')$$, 'and goes');
SELECT is(test.answered('lifecycle.requested', lifecycle_id, NULL), 'done', 'it says nothing') FROM lifecycle;
SELECT is((SELECT state FROM s2s.wallet_lifecycle), 'SCHEDULED', 'it will tell');
SELECT is(pg_temp.manage('SUSPEND', true), 'SCHEDULED SUSPENDED_WALLET SUSPENDED_WALLET', 'the issuer insists again');
SELECT is(test.owed('lifecycle.requested', lifecycle_id) IS NULL, true, 'the backend knows') FROM lifecycle;
SELECT is(pg_temp.instance(), 'SUSPENDED_WALLET 10 v2', 'nothing has changed');
SELECT is(s2s.wallet_lifecycle_end(lifecycle_id, 'COMPLETED', NULL), true, 'it does') FROM lifecycle;
SELECT is(s2s.wallet_lifecycle_end(lifecycle_id, 'FAILED', NULL), false, 'once') FROM lifecycle;
SELECT is(pg_temp.instance(), 'SUSPENDED_ISSUER 11 v2', 'now it has');
SELECT results_eq($$SELECT event_type, triggering_request_id FROM s2s.wallet_event$$, $$VALUES ('LIFECYCLE_SUCCESS', test.lease(5)::text)$$, 'the issuer is told');
DELETE FROM s2s.wallet_event;
SELECT is(pg_temp.manage('UNLINK', true), 'SCHEDULED SUSPENDED_ISSUER SUSPENDED_ISSUER', 'taken back');
SELECT is(pg_temp.manage('RESUME', true), 'SCHEDULED SUSPENDED_ISSUER SUSPENDED_ISSUER', 'another wish, behind it');
SELECT is((SELECT string_agg(test.answered('lifecycle.requested', lifecycle_id,
             CASE action WHEN 'UNLINK' THEN '{"outcome": "FAILED", "failureReason": "BUSY"}' ELSE '{"outcome": "COMPLETED"}' END), ' ')
           FROM s2s.wallet_lifecycle WHERE state = 'REQUESTED'), 'done done', 'the backend answers at once');
SELECT set_eq($$SELECT event_type, details ->> 'failureReason' FROM s2s.wallet_event$$, $$VALUES ('LIFECYCLE_FAILURE', 'BUSY'), ('LIFECYCLE_SUCCESS', NULL)$$, 'as it is told on');
SELECT is(s2s.lanes_set('{issuer,other}', '[{"name": "backend", "events": ["credentials.ready"]}]'), 1, 'a backend that does not want to know');
SELECT lives_ok($$SELECT test.app_fetch('S', 'e')$$, 'a fetch waits');
SELECT lives_ok($$UPDATE s2s.delivery SET next_at = 'infinity' WHERE ref = pg_temp.fetch()$$, 'for ever');
SELECT is(pg_temp.manage('UNLINK', true), 'COMPLETED SUSPENDED_WALLET UNLINKED', 'is not asked');
SELECT is(pg_temp.due() <= 0, true, 'the fetch asks now, to be refused');
SELECT is(pg_temp.manage(action), expected, action || ' of a cancelled one')
FROM (VALUES ('UNLINK', 'NO_CHANGE UNLINKED UNLINKED'), ('SUSPEND', 'FAILED UNLINKED UNLINKED UNLINKED')) AS t (action, expected);

SELECT * FROM finish();
ROLLBACK;
