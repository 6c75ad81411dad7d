-- SPDX-License-Identifier: Apache-2.0
-- The operators' API: sessions, instances, what operators do to one, and to many at once.
BEGIN;
SELECT plan(108);

SELECT is(s2s.lanes_set('{wallet}'), 1, 'a peer that can be called');
SELECT lives_ok($$SELECT test.provisioned('S', '{badge,pass}')$$, 'instances');

-- Reading.
CREATE FUNCTION pg_temp.shown(p_session text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT test.body(test.ask('admin_instance', json_build_object('credentialInstanceId', (test.instance(p_session)).instance_id)))
$$;
SELECT is(pg_temp.shown('S') - '{credentialInstanceId,verificationId,createdAt,lastStatusChangeTime}'::text[],
          '{"sessionId": "S", "peer": "wallet", "credentialConfigurationId": "badge", "status": "IN_PROCESS"}', 'an instance');
SELECT is(test.brief(test.ask('admin_instance', '{"credentialInstanceId": "X"}')), '404 answered NOT_FOUND', 'unknown');
CREATE FUNCTION pg_temp.session(p_session text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT test.body(test.ask('admin_session', json_build_object('sessionId', p_session)))
$$;
SELECT is(pg_temp.session('S') - '{createdAt,verifications,instances}'::text[],
          jsonb_build_object('sessionId', 'S', 'peer', 'wallet', 'walletSigningKeyThumbprint', 'thumbprint',
                             'verificationIds', ARRAY[(test.verification('S')).verification_id]), 'a session');
SELECT is(jsonb_array_length(pg_temp.session('S') -> 'instances'), 2, 'with its instances');
SELECT is(pg_temp.session('S') -> 'verifications' -> 0 ->> 'status', 'APPROVED', 'and verifications');
SELECT is(test.brief(test.ask('admin_session', '{"sessionId": "X"}')), '404 answered NOT_FOUND', 'unknown');

-- Acts.
CREATE FUNCTION pg_temp.act(p_action text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', r.status, b ->> 'outcome', b ->> 'failureReason', b -> 'instance' ->> 'status')
  FROM test.operate('S', p_action) AS r, LATERAL (SELECT test.body(r) AS b) AS t
$$;
SELECT is(pg_temp.act('SUSPEND'), '200 COMPLETED SUSPENDED_ISSUER', 'SUSPEND');
SELECT is(pg_temp.act('SUSPEND'), '200 NO_CHANGE SUSPENDED_ISSUER', 'SUSPEND again');
SELECT is(pg_temp.shown('S') ->> 'lastStatusChangeReason', 'BY_OPERATOR', 'with the reason');
SELECT is(pg_temp.act('RESUME'), '200 COMPLETED IN_PROCESS', 'RESUME');
SELECT is(pg_temp.act('UPDATED'), '200 COMPLETED IN_PROCESS', 'UPDATED');
SELECT is(pg_temp.act('DISPLAY_UPDATED'), '200 COMPLETED IN_PROCESS', 'DISPLAY_UPDATED');
SELECT is(pg_temp.act('CANCEL'), '200 COMPLETED CANCELLED', 'CANCEL');
SELECT is(pg_temp.act('RESUME'), '200 FAILED CANCELLED CANCELLED', 'it is over');
SELECT is(test.audited((test.instance('S')).instance_id),
          '{admin:alice instance.suspend COMPLETED,admin:alice instance.suspend NO_CHANGE,admin:alice instance.resume COMPLETED,
            admin:alice instance.updated COMPLETED,admin:alice instance.display-updated COMPLETED,admin:alice instance.cancel COMPLETED,
            admin:alice instance.resume FAILED CANCELLED}', 'each is written down, with what came of it');
SELECT is(test.brief(test.admin('admin_instance_action', '{"credentialInstanceId": "X", "body": {"action": "SUSPEND"}}')),
          '404 answered NOT_FOUND', 'unknown');
SELECT is((SELECT count(*) FROM s2s.audit WHERE ref = 'X'), 0::bigint, 'is not');
SELECT is((SELECT (test.operate('S', 'CANCEL', test.lease(5))).outcome || ' ' || (test.operate('S', 'CANCEL', test.lease(5))).outcome),
          'answered replayed', 'a request that comes twice');
SELECT is((SELECT count(*) FROM s2s.audit WHERE request_id = test.lease(5)), 1::bigint, 'is written down once');

-- Commands on the machine itself.
SELECT lives_ok($$SELECT test.provisioned('M')$$, 'another one');
SELECT is(s2s.command_instance((test.instance('M')).instance_id, 'SUSPEND', NULL), 'COMPLETED', 'a command');
SELECT is(s2s.command_instance('X', 'SUSPEND', NULL), 'NOT_FOUND', 'about none');
SELECT is(test.audited((test.instance('M')).instance_id), '{command-line instance.suspend COMPLETED}', 'is written down, too');
SELECT is((SELECT count(*) FROM s2s.audit WHERE ref = 'X'), 0::bigint, 'what was done');

-- Datasets that are pushed.
CREATE FUNCTION pg_temp.put(p_session text, p_body json) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', r.status, b ->> 'outcome', b ->> 'effect', b ->> 'failureReason', b -> 'instance' -> 'dataset' ->> 'version',
                   b -> 'validationErrors' -> 0 ->> 'pointer')
  FROM test.admin('admin_dataset_put', json_build_object('credentialInstanceId', coalesce((test.instance(p_session)).instance_id, 'X'), 'body', p_body),
                  ', ''\xdd''') AS r, LATERAL (SELECT test.body(r) AS b) AS t
$$;
SELECT is(pg_temp.put('M', '{"version": "1", "validUntil": "2101-01-01T00:00:00Z"}'), '200 COMPLETED 1', 'a dataset');
SELECT is(pg_temp.shown('M') #>> '{dataset,validUntil}', '2101-01-01T00:00:00Z', 'for so long');
SELECT is(pg_temp.put('M', '{"version": "1"}'), '200 NO_CHANGE 1', 'the same version');
SELECT is(pg_temp.put('M', '{"version": "2", "validUntil": "soon"}'), '400 /validUntil', 'what is no time');
SELECT is(pg_temp.put('S', '{"version": "1"}'), '200 FAILED CANCELLED', 'of what is over');
SELECT is(pg_temp.put('X', '{"version": "1"}'), '404', 'of none');
SELECT is((test.audited((test.instance('M')).instance_id))[2:], '{admin:alice dataset.put COMPLETED,admin:alice dataset.put NO_CHANGE}', 'written down');

-- Lists.
SELECT lives_ok($$SELECT test.provisioned(s) FROM unnest('{A,B,C,D}'::text[]) AS s$$, 'more');
SELECT is((test.event('C', 'PROVISIONING_SUCCESS')).status, 200, 'confirmed');
SELECT is((test.manage('D', 'SUSPEND')).status, 200, 'suspended by the wallet');
UPDATE s2s.instance SET created_at = '2026-01-01'::timestamptz + ascii(session_id) * interval '1 s';
CREATE FUNCTION pg_temp.listed(p_query jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT test.pages('admin_instances', 'instances', 'sessionId', p_query)
$$;
SELECT is(pg_temp.listed('{}'), 'S S M D C B A', 'newest first');
SELECT is(pg_temp.listed('{"limit": 4}'), 'S S M D | C B A', 'page by page');
SELECT is(pg_temp.listed(jsonb_build_object('status', s)), i, s)
FROM (VALUES ('IN_PROCESS', 'S B A'), ('ACTIVE', 'C'), ('SUSPENDED_WALLET', 'D'), ('SUSPENDED_ISSUER', 'M'), ('CANCELLED', 'S'), ('UNLINKED', '-')) AS t (s, i);
SELECT is(pg_temp.listed('{"sessionId": "S"}'), 'S S', 'of a session');
SELECT is(pg_temp.listed('{"sessionId": "S", "status": "CANCELLED"}'), 'S', 'in a status');
SELECT is(pg_temp.listed('{"configuration": "pass"}'), 'S', 'of a configuration');
SELECT is(pg_temp.listed('{"configuration": "badge", "status": "SUSPENDED_ISSUER"}'), 'M', 'in a status');
SELECT is(pg_temp.listed('{"subjectRefs": ["subject-pass", "older"]}'), 'S', 'of a subject');
SELECT is(pg_temp.listed('{"subjectRefs": ["subject-badge"], "status": "ACTIVE"}'), 'C', 'in a status');
SELECT is(pg_temp.listed('{"subjectRefs": ["subject-badge"], "configuration": "pass"}'), '-', 'of another configuration');
SELECT is(pg_temp.listed('{"subjectRefs": ["subject-pass"], "sessionId": "S"}'), 'S', 'of a session');
SELECT is(test.brief(test.ask('admin_instances', '{"cursor": "?"}')), '400 answered VALIDATION', 'a bad cursor');
SELECT is(test.pages('admin_sessions', 'sessions', 'sessionId', '{"limit": 5}'), 'D C B A M | S', 'sessions');
SELECT is(test.pages('admin_sessions', 'sessions', 'sessionId', '{"peer": "other"}'), '-', 'of a peer');
SELECT is(test.brief(test.ask('admin_sessions', '{"cursor": "?"}')), '400 answered VALIDATION', 'a bad cursor');

-- Many at once.
SELECT is(test.brief(test.bulk_start('SUSPEND', f)), '400 answered VALIDATION', 'a filter: ' || f)
FROM unnest(ARRAY['{}', '{"sessionIds": ["S"], "instanceIds": ["X"]}', '{"configuration": "badge", "sessionIds": ["S"]}']::json[]) AS f;
CREATE TEMP TABLE started AS SELECT test.bulk_start('SUSPEND', '{"configuration": "badge"}', test.lease(6)) AS r;
SELECT is(test.body(r) - '{bulkId,startedAt}'::text[], '{"action": "SUSPEND", "reason": "RECALL", "status": "COUNTING", "total": 0, "done": 0,
  "failed": 0, "failures": [], "by": "admin:alice"}', 'it has begun') FROM started;
SELECT is((r).wake, true, 'there is a job') FROM started;
SELECT is((test.bulk_start('SUSPEND', '{"configuration": "badge"}', test.lease(6))).outcome, 'replayed', 'the same request again');
SELECT is((SELECT count(*) FROM s2s.bulk), 1::bigint, 'is no other run');
SELECT is(test.bulk_step(), 'fenced', 'a step without a claim');
SELECT is(test.bulk_claim(), 1::bigint, 'a claim');
SELECT is(test.bulk_step(2), 'fenced', 'is of one');
SELECT is(test.bulk_step(), 'more', 'counts');
SELECT results_eq('SELECT status, total FROM json_to_record(s2s.bulk_json(test.bulk())) AS b (status text, total integer)', $$VALUES ('RUNNING', 5)$$,
                  'those that are not over, each once');
SELECT is(test.bulk_step(), 'fenced', 'the job was given back');
SELECT is(test.bulk_claim(), 1::bigint, 'due at once');
SELECT is(test.bulk_step(), 'more', 'acts');
SELECT results_eq('SELECT done, failed FROM test.bulk()', 'VALUES (2, 0)', 'on two');
SELECT is(test.bulk_run(), 'more done', 'and on the others');
SELECT results_eq('SELECT done, failed, total FROM test.bulk()', 'VALUES (5, 0, 5)', 'so it ends');
SELECT is(test.body(test.ask('admin_bulk', json_build_object('bulkId', (test.bulk()).bulk_id))) ->> 'status', 'DONE', 'as is shown');
SELECT is(test.brief(test.ask('admin_bulk', '{"bulkId": "X"}')), '404 answered NOT_FOUND', 'unknown');
SELECT is(pg_temp.listed('{"configuration": "badge", "status": "SUSPENDED_ISSUER"}'), 'M D C B A', 'all are suspended');
SELECT results_eq($$SELECT who, request_id, detail ->> 'outcome', detail ->> 'bulkId' = (test.bulk()).bulk_id, count(*)
                    FROM s2s.audit WHERE action = 'instance.suspend' AND detail ->> 'bulkId' IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 3$$,
  $$VALUES ('admin:alice' COLLATE "C", test.lease(6), 'COMPLETED', true, 4::bigint), ('admin:alice', test.lease(6), 'NO_CHANGE', true, 1)$$, 'each is written down');
SELECT is_empty($$SELECT FROM s2s.job WHERE kind = 'bulk'$$, 'the job is done');

SELECT is((test.bulk_start('RESUME', json_build_object('instanceIds', ARRAY['X', (test.instance('A')).instance_id, 'Y', (test.instance('S')).instance_id,
  (test.instance('A')).instance_id]))).status, 202, 'by their ids, some of them unknown');
SELECT is(test.bulk_run(), 'more more more done', 'done');
SELECT results_eq('SELECT done, failed, total FROM test.bulk()', 'VALUES (1, 3, 4)', 'each once');
SELECT set_eq($$SELECT f ->> 'reason' FROM json_array_elements((test.bulk()).failures) AS f$$, '{NOT_FOUND,CANCELLED}'::text[], 'with what failed');
SELECT is((test.bulk_start('RESUME', '{"sessionIds": ["B", "S", "none", "B"]}')).status, 202, 'by session');
SELECT is(test.bulk_run(10), 'more done', 'done');
SELECT results_eq('SELECT done, failed, total FROM test.bulk()', 'VALUES (2, 0, 2)', 'what is over is left alone');
SELECT is((test.bulk_start('CANCEL', '{"subjectRefs": ["subject-badge"], "configuration": "badge"}')).status, 202, 'by subject and configuration');
SELECT is(test.bulk_run(10), 'more done', 'done');
SELECT is(pg_temp.listed('{"status": "CANCELLED"}'), 'S M D C B A', 'cancelled');
SELECT is((test.bulk_start('CANCEL', '{"subjectRefs": ["nobody"]}')).status, 202, 'of nobody');
SELECT is(test.bulk_run(), 'more done', 'done');
SELECT results_eq('SELECT done, failed, total FROM test.bulk()', 'VALUES (0, 0, 0)', 'there is nothing to do');
SELECT is(length(test.pages('admin_bulks', 'bulks', 'total', '{"limit": 2}')), 13, 'the runs');

-- A run whose steps kill their worker.
SELECT is((test.bulk_start('SUSPEND', '{"configuration": "pass"}')).status, 202, 'another one');
SELECT lives_ok($$SELECT test.bulk_claim(n, '-1 s') FROM generate_series(1, 10) AS n$$, 'claimed, and never heard of again');
SELECT is(s2s.bulk_json(test.bulk()) ->> 'status', 'STUCK', 'is stuck');
SELECT is(test.brief(test.admin('admin_dead_job_redrive', json_build_object('jobId', (SELECT job_id FROM s2s.job_dead)))), '200 answered', 'sent again');
SELECT is(test.bulk_run(), 'more done', 'done');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- What lists and steps cost.
INSERT INTO s2s.instance (created_at, last_status_change_time, ordinal, instance_id, session_id, verification_id, configuration_id, subject_ref, confirmed, unlinked)
SELECT now() - n * interval '1 s', now(), 1, 'n' || n, 'n' || n, 'n' || n, 'badge', 'n' || n, n % 1000 > 0, n > 10 FROM generate_series(1, 3000) AS n;
CREATE FUNCTION pg_temp.cost(p_query json) RETURNS bigint LANGUAGE sql AS $$ SELECT test.cost('admin_instances', p_query) $$;
SELECT cmp_ok(pg_temp.cost('{"limit": 10}'), '<', 150::bigint, 'the first page');
SELECT cmp_ok(pg_temp.cost(json_build_object('limit', 10, 'cursor', s2s.cursor_write(now() - interval '2500 s', ''))), '<', 150::bigint, 'a late one');
SELECT cmp_ok(pg_temp.cost('{"limit": 10, "status": "ACTIVE"}'), '<', 60::bigint, 'a status');
SELECT cmp_ok(pg_temp.cost('{"limit": 10, "configuration": "badge", "status": "ACTIVE"}'), '<', 60::bigint, 'a configuration in a status');
SELECT cmp_ok(pg_temp.cost('{"limit": 10, "subjectRefs": ["n2000", "x"]}'), '<', 30::bigint, 'a subject');
SELECT cmp_ok(pg_temp.cost('{"limit": 10, "sessionId": "n2000"}'), '<', 30::bigint, 'a session');
SELECT is((test.bulk_start('SUSPEND', '{"configuration": "badge"}')).status, 202, 'a run');
CREATE FUNCTION pg_temp.step() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE v_before bigint;
BEGIN
  PERFORM test.bulk_claim();
  v_before := test.rows_read();
  PERFORM test.bulk_step();
  RETURN test.rows_read() - v_before;
END
$$;
SELECT cmp_ok(pg_temp.step(), '<', 60::bigint, 'a step that counts');
SELECT cmp_ok(pg_temp.step(), '<', 60::bigint, 'a step that acts');

SELECT * FROM finish();
ROLLBACK;
