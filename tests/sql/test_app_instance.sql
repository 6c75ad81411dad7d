-- SPDX-License-Identifier: Apache-2.0
-- The application API: instances, what the application does to them and says of them, lifecycles.
BEGIN;
SELECT plan(62);

SELECT is(s2s.lanes_set('{issuer}', '[{"name": "backend"}]'), 2, 'an issuer and a webhook');
SELECT is(test.app_provisioned('S'), 'done', 'an instance');

-- Reading.
CREATE FUNCTION pg_temp.shown(p_session text DEFAULT 'S') RETURNS jsonb LANGUAGE sql AS $$
  SELECT test.body(test.ask('app_instance', json_build_object('credentialInstanceId', p_session || '-1')))
$$;
SELECT is(pg_temp.shown() - 'lastStatusChangeTime',
          '{"credentialInstanceId": "S-1", "sessionId": "S", "issuer": "issuer", "credentialConfigurationId": "badge",
            "status": "IN_PROCESS", "updateAvailable": false, "displayUpdated": false}', 'an instance');
SELECT is(test.brief(test.ask('app_instance', '{"credentialInstanceId": "X"}')), '404 answered NOT_FOUND', 'unknown');
SELECT is(test.body(test.ask('app_instance_route', '{"credentialInstanceId": "S-1"}')),
          '{"issuer": "issuer", "sessionId": "S"}', 'whom to ask about it');
SELECT is(test.brief(test.ask('app_instance_route', '{"credentialInstanceId": "X"}')), '404 answered NOT_FOUND', 'unknown');
SELECT is(test.body(test.ask('app_issuance', '{"sessionId": "S"}')) -> 'instances' -> 0, pg_temp.shown(), 'in its issuance');

-- Actions: the facts change at once, the issuer is told.
CREATE FUNCTION pg_temp.act(p_action text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', r.status, b ->> 'outcome', b ->> 'failureReason', b -> 'instance' ->> 'status',
                   'owed ' || (test.owed('/credential/manage', 'S-1')).owed)
  FROM test.app_action('S', p_action) AS r, LATERAL (SELECT test.body(r) AS b) AS t
$$;
SELECT is(pg_temp.act('SUSPEND'), '200 COMPLETED SUSPENDED_WALLET owed 1', 'SUSPEND');
SELECT is(pg_temp.act('SUSPEND'), '200 NO_CHANGE SUSPENDED_WALLET owed 1', 'SUSPEND again');
SELECT is(test.body(test.app_action('S', 'SUSPEND')) ? 'failureReason', false, 'no failure, no reason');
SELECT is(pg_temp.shown() ->> 'lastStatusChangeReason', 'BY_HOLDER', 'with the reason');
SELECT is(test.answered('/credential/manage', 'S-1', '{"outcome": "SCHEDULED"}'), 'done', 'the issuer answers');
SELECT is(pg_temp.shown() -> 'manage' ->> 'outcome', 'SCHEDULED', 'which is shown');
SELECT is(pg_temp.act('RESUME'), '200 COMPLETED IN_PROCESS owed 1', 'RESUME');
SELECT is(test.brief(test.post('app_action', '{"credentialInstanceId": "X", "body": {"action": "SUSPEND"}}')),
          '404 answered NOT_FOUND', 'unknown');
SELECT is((test.app_event('S', '{"eventType": "KEY_ROTATED"}')).status, 202, 'an event');
SELECT is(pg_temp.shown() ->> 'status', 'IN_PROCESS', 'changes nothing');

-- Events.
CREATE TEMP TABLE event AS SELECT test.app_event('S', '{"eventType": "PROVISIONING_SUCCESS"}') AS r;
SELECT is(test.brief(r), '202 answered', 'an event') FROM event;
SELECT is(pg_temp.shown() ->> 'status', 'ACTIVE', 'the instance is confirmed');
SELECT is((test.owed('/event/notify', test.body(r) ->> 'eventId')).peer, 'issuer', 'the issuer is owed word') FROM event;
SELECT is(test.answered('/event/notify', test.body(r) ->> 'eventId', '{"acknowledged": true}'), 'done', 'it has it') FROM event;
SELECT is_empty($$SELECT FROM s2s.wallet_event AS e, event WHERE e.event_id = test.body(r) ->> 'eventId'$$, 'and it is forgotten');
SELECT is((test.app_event('S', '{"eventType": "UPDATE_FAILURE", "eventTimestamp": "2026-01-02T03:04:05Z",
                                 "triggeringRequestId": "00000000-0000-0000-0000-000000000001", "eventDetails": {"n": 1e400, "gone": null}}')).status,
          202, 'an event with all there can be');
SELECT results_eq(
  $$SELECT event_timestamp, triggering_request_id, details::text FROM s2s.wallet_event WHERE event_type = 'UPDATE_FAILURE'$$,
  $$VALUES ('2026-01-02T03:04:05Z', '00000000-0000-0000-0000-000000000001', '{"n": 1e400, "gone": null}')$$, 'as it came');
SELECT is(test.brief(test.app_event('X', '{"eventType": "KEY_ROTATED"}')), '404 answered NOT_FOUND', 'unknown');

-- Lifecycles: what the issuer asks for, the backend decides.
CREATE FUNCTION pg_temp.asks(p_action text, p_session text DEFAULT 'S') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM s2s.wallet_manage('issuer', gen_random_uuid(), '/credential/manage', '\x01', gen_random_uuid(), p_session,
                            p_session || '-1', p_action, 'BY_ISSUER', true);
  RETURN (SELECT lifecycle_id FROM s2s.wallet_lifecycle ORDER BY created_at DESC LIMIT 1);
END
$$;
CREATE TEMP TABLE lifecycle AS SELECT pg_temp.asks('SUSPEND') AS id;
SELECT is(pg_temp.shown() ->> 'status', 'ACTIVE', 'asked for, not done');
SELECT is((test.app_lifecycle(id, 'COMPLETED')).status, 200, 'done') FROM lifecycle;
SELECT is(pg_temp.shown() ->> 'status', 'SUSPENDED_ISSUER', 'now it is so');
SELECT is((SELECT event_type FROM s2s.wallet_event ORDER BY created_at DESC LIMIT 1), 'LIFECYCLE_SUCCESS', 'the issuer is told');
SELECT is(test.body(test.app_lifecycle(id, 'COMPLETED')), pg_temp.shown(), 'the same outcome again') FROM lifecycle;
SELECT is((SELECT count(*) FROM s2s.wallet_event WHERE event_type = 'LIFECYCLE_SUCCESS'), 1::bigint, 'is told once');
SELECT is((test.app_lifecycle(id, 'FAILED')).body::json ->> 'currentStatus', 'COMPLETED', 'another outcome') FROM lifecycle;
SELECT is((test.app_lifecycle(id, 'FAILED')).status, 409, 'is too late') FROM lifecycle;
UPDATE lifecycle SET id = pg_temp.asks('RESUME');
SELECT is((test.app_lifecycle(id, 'FAILED')).status, 200, 'failed') FROM lifecycle;
SELECT is(pg_temp.shown() ->> 'status', 'SUSPENDED_ISSUER', 'nothing changed');
SELECT is((SELECT event_type FROM s2s.wallet_event ORDER BY created_at DESC LIMIT 1), 'LIFECYCLE_FAILURE', 'the issuer is told');
SELECT is(test.brief(test.app_lifecycle('X', 'FAILED')), '404 answered NOT_FOUND', 'unknown');

-- The end.
SELECT is(pg_temp.act('RESUME'), '200 FAILED SUSPENDED_BY_ISSUER SUSPENDED_ISSUER owed 1', 'not the wallet''s to resume');
SELECT is(pg_temp.act('UNLINK'), '200 COMPLETED UNLINKED owed 2', 'UNLINK');
SELECT is(pg_temp.act('SUSPEND'), '200 FAILED UNLINKED UNLINKED owed 2', 'it is over');
SELECT is((test.app_event('S', '{"eventType": "PROVISIONING_SUCCESS"}')).status, 202, 'events are passed on all the same');
SELECT is(pg_temp.shown() ->> 'status', 'UNLINKED', 'and change nothing');

-- Lists.
SELECT is(test.app_provisioned(s), 'done', 'instance ' || s) FROM unnest('{A,B,C,D}'::text[]) AS s;
SELECT is((test.app_event('C', '{"eventType": "PROVISIONING_SUCCESS"}')).status, 202, 'confirmed');
SELECT is((test.app_action('D', 'SUSPEND')).status, 200, 'suspended');
INSERT INTO s2s.wallet_instance (created_at, updated_at, last_status_change_time, instance_id, session_id, issuer, configuration_id)
SELECT now(), now(), now(), 'D-2', 'D', 'issuer', 'badge';
UPDATE s2s.wallet_instance SET created_at = '2026-01-01'::timestamptz + (ascii(instance_id) / 2) * interval '1 s';
CREATE FUNCTION pg_temp.pages(p_query jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_pages text[] := '{}'; v_body jsonb;
BEGIN
  LOOP
    v_body := test.body(test.ask('app_instances', p_query::json));
    v_pages := v_pages || (SELECT string_agg(i ->> 'credentialInstanceId', ' ') FROM jsonb_array_elements(v_body -> 'instances') AS i);
    EXIT WHEN v_body ->> 'nextCursor' IS NULL;
    p_query := p_query || jsonb_build_object('cursor', v_body ->> 'nextCursor');
  END LOOP;
  RETURN array_to_string(v_pages, ' | ');
END
$$;
SELECT is(pg_temp.pages('{}'), 'S-1 D-2 D-1 C-1 B-1 A-1', 'newest first');
SELECT is(pg_temp.pages('{"limit": 2}'), 'S-1 D-2 | D-1 C-1 | B-1 A-1', 'page by page');
SELECT is(pg_temp.pages('{"limit": 1, "sessionId": "D"}'), 'D-2 | D-1', 'of a session');
SELECT is(pg_temp.pages('{"limit": 1, "status": "IN_PROCESS"}'), 'D-2 | B-1 | A-1', 'in a status');
SELECT is(pg_temp.pages(jsonb_build_object('status', s)), i, s)
FROM (VALUES ('ACTIVE', 'C-1'), ('SUSPENDED_WALLET', 'D-1'), ('UNLINKED', 'S-1')) AS t (s, i);
SELECT is((test.ask('app_instances', json_build_object('status', s))).body::jsonb, '{"instances": []}', s)
FROM unnest('{SUSPENDED_ISSUER,CANCELLED,UNKNOWN}'::text[]) AS s;
SELECT is(pg_temp.pages('{"sessionId": "D", "status": "SUSPENDED_WALLET"}'), 'D-1', 'of a session in a status');
SELECT is(test.brief(test.ask('app_instances', '{"cursor": "?"}')), '400 answered VALIDATION', 'a bad cursor');

-- What lists cost: each finds its index, also the one of an expression.
CREATE FUNCTION pg_temp.plan(p_query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_line text; v_plan text := '';
BEGIN
  FOR v_line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || p_query LOOP v_plan := v_plan || v_line || E'\n'; END LOOP;
  RETURN v_plan;
END
$$;
SELECT matches(pg_temp.plan($$SELECT * FROM s2s.wallet_instance AS i
  WHERE s2s.wallet_instance_status(i) = 'ACTIVE' AND (i.created_at, i.instance_id) < (now(), 'x')
  ORDER BY i.created_at DESC, i.instance_id DESC LIMIT 5$$),
  '^Limit\n  ->  Index Scan Backward using wallet_instance_listed_by', 'a status is found in its index, in order');

SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT * FROM finish();
ROLLBACK;
