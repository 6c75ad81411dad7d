-- SPDX-License-Identifier: Apache-2.0
-- Plans that were made on empty tables, and kept: no call may read more of tables that have grown since.
BEGIN;
SELECT plan(5);

SET LOCAL plan_cache_mode = force_generic_plan;
-- What other tests have left and rolled back is out of the way, too.
DO $$ BEGIN
  EXECUTE (SELECT 'TRUNCATE ' || string_agg(c.oid::regclass::text, ', ')
           FROM pg_class AS c
           WHERE c.relnamespace = 's2s'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'audit_head');
END $$;

-- What the calls need to be told, looked up by what is no key.
CREATE FUNCTION pg_temp.job(p_session text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE v_id text := (test.nth(p_session)).verification_id;
BEGIN
  RETURN (SELECT max(j.job_id) FROM s2s.job AS j WHERE j.kind = 'evaluate' AND j.ref = v_id);
END
$$;
CREATE FUNCTION pg_temp.instance(p_instance_id text) RETURNS s2s.instance LANGUAGE sql AS $$
  SELECT i FROM s2s.instance AS i WHERE i.instance_id = p_instance_id
$$;

-- An evaluation of the newest submission of a session: claimed, and decided.
CREATE FUNCTION pg_temp.evaluated(
  p_session text, p_decision text, p_configurations text DEFAULT '{badge}', p_lane text DEFAULT '', p_why text DEFAULT '')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM test.takes('evaluations_claim' || p_why, format(
    'count(*) FROM s2s.evaluations_claim(test.lease(), 9, ''1 min'', 9, 1000000, %L)', ARRAY[p_lane]));
  PERFORM test.takes('evaluation_done ' || p_decision || p_why, format(
    's2s.evaluation_done(%s, test.lease(), %s, %L, ''REASON'', NULL, %s)', pg_temp.job(p_session),
    (test.nth(p_session)).data_seq, p_decision,
    CASE p_decision WHEN 'APPROVED' THEN format('%L, %L, 9, NULL, NULL, NULL, NULL, ''[["ada"], ["ada"]]''', p_configurations,
                                                array_fill('ada'::text, ARRAY[cardinality(p_configurations::text[])]))
                    ELSE 'NULL, NULL, NULL, ''{"verificationDataItems": [{"id": "otp-1"}]}'', ''1 hour'', NULL' END));
END
$$;

-- All that is owed is sent, and answered.
CREATE FUNCTION pg_temp.sent(p_status integer DEFAULT 200) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  d s2s.delivery;
BEGIN
  PERFORM test.takes('deliveries_claim', 'count(*) > 0 FROM s2s.deliveries_claim(test.lease(), 99, 99, ''1 min'')');
  FOR d IN SELECT t.* FROM s2s.delivery AS t WHERE t.lease = test.lease() ORDER BY t.delivery_id LOOP
    IF p_status = 200 OR d.endpoint = '/credential/get' THEN
      PERFORM test.takes(concat_ws(' ', 'delivery_done', d.side, d.endpoint, p_status), format(
        's2s.delivery_done(%s, test.lease(), %s, %L, ''1 hour'', ''1 hour'')', d.delivery_id, p_status, CASE
          WHEN d.endpoint = '/credential/provision' THEN json_build_object('CredentialInstances', json_build_array(
            json_build_object('credentialConfigurationId', 'badge', 'credentialInstanceIds', ARRAY[d.ref || '-1'])))::text
          WHEN d.endpoint = '/credential/get' AND p_status = 200 THEN '{"credentialVersion": "v1", "credentials": []}'
          WHEN d.endpoint = '/credential/get' THEN '{"transaction_id": "t", "interval": 3600}'
          WHEN d.endpoint = '/credential/status' THEN '{"currentStatus": "ACTIVE"}'
          WHEN d.endpoint LIKE '/verification/%' AND d.side = 'WALLET' THEN test.status_json(d.ref, 'PENDING')
          ELSE '{"outcome": "COMPLETED"}' END));
    ELSE
      PERFORM test.takes(concat_ws(' ', 'delivery_failed', d.side, d.endpoint), format(
        's2s.delivery_failed(%s, test.lease(), ''final'', ''HTTP 400'', ''0'', NULL, ''7 days'', 400, ''{}'')',
        d.delivery_id));
    END IF;
  END LOOP;
END
$$;

-- ---- the issuer ----

CREATE FUNCTION pg_temp.initiated(p_session text, p_jti text, p_lane text DEFAULT '') RETURNS text LANGUAGE sql AS $$
  SELECT test.calls('issuer_initiate', 'wallet', format(
    '%L, ''{badge,pass}'', ''{}'', ''thumbprint'', 9, NULL, NULL, ''{a}'', ''\x01'', 0, ''1 day'', 16, 1000000, %L, ''IGNORED'', %L',
    p_session, p_jti, p_lane)) ->> 'verificationId'
$$;

CREATE FUNCTION pg_temp.verifies(p text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v text := pg_temp.initiated(p, p || '1');
BEGIN
  PERFORM pg_temp.evaluated(p, 'ADDITIONAL_INFO_REQUIRED');
  PERFORM test.calls('issuer_verification_status', 'wallet', format('%L, %L', p, v));
  PERFORM test.calls('issuer_supplement', 'wallet', format('%L, %L, ''{b}'', NULL, 16, 1000000', p, v));
  PERFORM pg_temp.evaluated(p, 'APPROVED');
  PERFORM test.calls('issuer_provision', 'wallet', format('%L, %L', p, v));

  -- Anew: what is there is taken over. An offer and the approval of another session are good for it.
  PERFORM test.offer(p || '-offer', convert_to(p, 'UTF8'));
  PERFORM test.takes('offer_read', format('count(*) FROM s2s.offer_read(%L)', ARRAY['\xef'::bytea || convert_to(p, 'UTF8')]));
  v := pg_temp.initiated(p, p || '2', 'hr');
  PERFORM test.takes('job_postpone', format(
    's2s.job_postpone(job_id, test.lease(), ''0'') FROM s2s.jobs_claim(test.lease(), 9, ''1 min'', ''evaluate'', 9, 1000, ''{hr}'')'));
  PERFORM test.takes('jobs_claim', 'count(*) FROM s2s.jobs_claim(test.lease(), 9, ''1 min'', ''evaluate'', 9, 1000, ''{hr}'')');
  PERFORM pg_temp.initiated(p || '-prior', p || '-prior');
  PERFORM pg_temp.evaluated(p || '-prior', 'APPROVED');
  PERFORM test.takes('evaluation_facts', format(
    's2s.evaluation_facts(%s, test.lease(), %L) ->> ''outcome''', pg_temp.job(p), json_build_array(
      test.offer_item(encode(convert_to(p, 'UTF8'), 'hex')), test.prior_item(p || '-prior'))));
  PERFORM test.takes('job_retry', format(
    's2s.job_retry(%s, test.lease(), ''0'', NULL, 9)', pg_temp.job(p)));
  PERFORM pg_temp.evaluated(p, 'APPROVED', '{badge,pass}', 'hr', ' anew');
  PERFORM test.calls('issuer_provision', 'wallet', format('%L, %L', p, v));

  v := pg_temp.initiated(p || '-off', NULL);
  PERFORM test.calls('issuer_cancel', 'wallet', format('%L, %L, NULL', p || '-off', v));
  v := pg_temp.initiated(p || '-late', NULL);
  UPDATE s2s.verification SET due_at = clock_timestamp() WHERE verification_id = v;
  PERFORM test.takes('expire_due', 's2s.expire_due(9)');
  PERFORM test.takes('offers_forget', 's2s.offers_forget(''30 days'', 9)');
END
$$;

CREATE FUNCTION pg_temp.issues(p text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_instance_id text := (SELECT i.instance_id FROM s2s.instance AS i WHERE i.session_id = p ORDER BY i.ordinal LIMIT 1);
  v_of text := format('%L, %L', p, v_instance_id);
  v_transaction_id text;
BEGIN
  PERFORM test.takes('issuer_load', format('found FROM s2s.issuer_load(''wallet'', %s, NULL)', v_of));
  v_transaction_id := test.calls('issuer_get_pending', 'wallet', format(
    '%s, %s, ''[]'', ''\xaa'', ''1 hour'', 2, NULL, ''hr'', ''0''', v_of, (pg_temp.instance(v_instance_id)).version)) ->> 'transaction_id';
  PERFORM test.takes('issuer_load of a transaction', format(
    'transaction_found FROM s2s.issuer_load(''wallet'', %s, %L)', v_of, v_transaction_id));
  PERFORM test.takes('datasets_claim', 'count(*) FROM s2s.datasets_claim(test.lease(), 9, ''1 min'', 9, ''1 day'', ''{hr}'')');
  PERFORM test.takes('dataset_ready', format(
    's2s.dataset_ready(%s, test.lease())', (pg_temp.instance(v_instance_id)).dataset_job));
  PERFORM pg_temp.sent();
  PERFORM test.takes('dataset_push', format('s2s.dataset_push(%L, ''v1'', ''\x01'', NULL)', v_instance_id));
  PERFORM test.calls('issuer_get', 'wallet', format(
    '%s, %s, ''v1'', %L, 200, ''{}'', ''\xaa''', v_of, (pg_temp.instance(v_instance_id)).version, v_transaction_id));
  PERFORM test.calls('issuer_manage', 'wallet', v_of || ', ''SUSPEND'', NULL');
  PERFORM test.calls('issuer_manage', 'wallet', v_of || ', ''RESUME'', NULL');
  PERFORM test.calls('issuer_event', 'wallet', v_of || ', ''PROVISIONING_SUCCESS'', true');
  PERFORM test.calls('issuer_credential_status', 'wallet', v_of || ', NULL');
  PERFORM test.takes('instance_command', format('s2s.instance_command(%L, ''SUSPEND'', NULL)', v_instance_id));
  PERFORM pg_temp.sent();
  PERFORM test.takes('reconcile_start', format('s2s.reconcile_start(''ISSUER'', NULL, %L) <> ''''', v_instance_id));
  PERFORM test.takes('reconcile_due', 's2s.reconcile_due(''ISSUER'', ''0'')');
  PERFORM pg_temp.sent();
  PERFORM test.takes('reconcile_due at its end', 's2s.reconcile_due(''ISSUER'', ''0'')');
END
$$;

-- ---- the wallet ----

CREATE FUNCTION pg_temp.obtains(p text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_of json := json_build_object('sessionId', p);
  v_instance json := json_build_object('credentialInstanceId', p || '-1');
BEGIN
  PERFORM test.calls('app_issuance_start', 'app', format(
    '%L, ''issuer'', ''\x01'', ''\x01''', json_build_object('body', json_build_object(
      'sessionId', p, 'credentialConfigurationIds', ARRAY['badge']))));
  PERFORM pg_temp.sent();
  PERFORM test.calls('app_supplement', 'app', format('%L, ''\x02''', v_of));
  PERFORM pg_temp.sent();
  PERFORM test.calls('wallet_verification_notify', 'issuer', format(
    '%L, %L, ''APPROVED'', %L', p, 'v-' || p, test.status_json(p, 'APPROVED')));
  PERFORM pg_temp.sent();
  PERFORM test.shows('app_issuance', v_of);

  PERFORM test.calls('app_fetch_start', 'app', format('%L, ''\x01''', v_instance::jsonb || '{"body": {}}'));
  PERFORM pg_temp.sent(202);
  PERFORM test.calls('wallet_event', 'issuer', format('%L, %L, ''CREDENTIAL_READY'', NULL, true', p, p || '-1'));
  PERFORM pg_temp.sent();
  PERFORM test.calls('app_action', 'app', format('%L', v_instance::jsonb || '{"body": {"action": "SUSPEND"}}'));
  PERFORM test.calls('app_event', 'app', format('%L', v_instance::jsonb || '{"body": {"eventType": "PROVISIONING_SUCCESS"}}'));
  PERFORM test.calls('wallet_event', 'issuer', format('%L, %L, ''DISPLAY_DATA_UPDATED'', NULL, true', p, p || '-1'));
  PERFORM test.calls('wallet_manage', 'issuer', format('%L, %L, ''SUSPEND'', NULL, true', p, p || '-1'));
  PERFORM pg_temp.sent();
  PERFORM test.calls('wallet_manage', 'issuer', format('%L, %L, ''UNLINK'', NULL, true', p, p || '-1'));
  PERFORM test.calls('app_lifecycle', 'app', format('%L', json_build_object(
    'lifecycleId', (SELECT l.lifecycle_id FROM s2s.wallet_lifecycle AS l WHERE l.instance_id = p || '-1' AND l.state = 'REQUESTED'),
    'body', json_build_object('outcome', 'COMPLETED'))));
  PERFORM test.calls('wallet_credential_status', 'issuer', format('%L, %L', p, p || '-1'));
  PERFORM test.takes('reconcile_start', format('s2s.reconcile_start(''WALLET'', NULL, %L) <> ''''', p || '-1'));
  PERFORM test.takes('reconcile_due of the wallet', 's2s.reconcile_due(''WALLET'', ''0'')');
  PERFORM pg_temp.sent();

  PERFORM test.app_start(p || '-off');
  PERFORM test.calls('app_cancel', 'app', format('%L', json_build_object('sessionId', p || '-off', 'body', '{}'::json)));
  PERFORM test.app_opened(p || '-no');
  PERFORM test.app_supplement(p || '-no');
  -- What the issuer refuses, and what is given up.
  PERFORM test.operate(replace(p, 'wallet', 'issuer'), 'RESUME');
  PERFORM pg_temp.sent(400);
  PERFORM test.takes('lanes_set', 's2s.lanes_set(''{issuer,wallet}'', ''[{"name": "backend"}]'', ''7 days'')');
  PERFORM test.takes('wallet_maintain', 's2s.wallet_maintain(''0'', ''1 s'', ''1 min'') > 0');
END
$$;

-- ---- operators and applications ----

CREATE FUNCTION pg_temp.shown(p text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v s2s.verification;
  i s2s.instance := (SELECT t FROM s2s.instance AS t WHERE t.session_id = p ORDER BY t.ordinal LIMIT 1);
  v_dead bigint := (SELECT max(x.delivery_id) FROM s2s.delivery_dead AS x WHERE x.delivery_id < 1000000);
  r record;
BEGIN
  PERFORM pg_temp.initiated(p || '-review', NULL);
  v := test.nth(p || '-review');
  PERFORM test.takes('evaluations_claim', 'count(*) FROM s2s.evaluations_claim(test.lease(), 9, ''1 min'', 9, 1000000)');
  PERFORM test.takes('evaluation_undecided', format(
    's2s.evaluation_undecided(%s, test.lease(), 1, ''why'')', pg_temp.job(v.session_id)));
  FOR r IN
    SELECT q.list, q.query
    FROM (VALUES
      ('admin_verifications', json_build_object('sessionId', p)), ('admin_verifications', '{"awaiting": true}'),
      ('admin_verifications', '{"peer": "wallet", "status": "APPROVED"}'), ('admin_verifications', '{}'),
      ('admin_verification', json_build_object('verificationId', v.verification_id)),
      ('admin_decision_load', json_build_object('verificationId', v.verification_id)),
      ('admin_sessions', '{"peer": "wallet"}'), ('admin_session', json_build_object('sessionId', p)),
      ('admin_instances', json_build_object('sessionId', p)), ('admin_instances', '{"subjectRefs": ["ada"]}'),
      ('admin_instances', '{"configuration": "badge"}'), ('admin_instances', '{"status": "ACTIVE"}'),
      ('admin_instance', json_build_object('credentialInstanceId', i.instance_id)),
      ('admin_deliveries', json_build_object('ref', i.instance_id)), ('admin_deliveries', '{"peer": "wallet"}'),
      ('admin_dead_letters', '{"peer": "wallet"}'), ('admin_dead_letters', '{}'), ('admin_dead_jobs', '{}'),
      ('admin_events', json_build_object('ref', i.instance_id)), ('admin_events', '{"peer": "wallet"}'),
      ('admin_offers', '{}'), ('admin_offers', '{"subjectRefs": ["ada"]}'),
      ('admin_offer', json_build_object('offerId', p || '-offer')),
      ('admin_audit', json_build_object('ref', p || '-offer')), ('admin_audit', '{"who": "op"}'),
      ('app_issuances', '{"issuer": "issuer", "status": "APPROVED"}'), ('app_issuances', '{}'),
      ('app_instances', '{"status": "ACTIVE"}'), ('app_instances', '{}')) AS q (list, query)
  LOOP
    PERFORM test.shows(r.list, (r.query::jsonb || '{"limit": 2}')::json);
  END LOOP;
  PERFORM test.takes('admin_verification_items', format(
    'r.status FROM s2s.admin_verification_items(test.lease(), %L, ''admin:a'', test.lease(), ''review'') AS r',
    json_build_object('verificationId', v.verification_id)));
  PERFORM test.calls('admin_request_info', 'admin:a', format('%L, ''review''', json_build_object(
    'verificationId', v.verification_id, 'body', json_build_object(
      'version', (test.nth(v.session_id)).version,
      'verificationDataRequest', '{"verificationDataItems": [{"id": "otp-1"}]}'::json))));
  PERFORM test.calls('admin_web_result', 'admin:a', format(
    '''{"body": {}}'', ''operate'', %L, ''otp-1'', ''\x01'', 9, 1000', v.verification_id));
  PERFORM test.calls('admin_reconcile', 'admin:a', format('%L, ''operate''', json_build_object(
    'body', json_build_object('peer', 'wallet', 'credentialInstanceId', i.instance_id))));
  PERFORM test.takes('reconcile_candidates', 'count(*) FROM s2s.reconcile_candidates((
    SELECT r FROM s2s.reconciliation AS r WHERE r.scope_peer = ''wallet'' LIMIT 1), 3)');
  PERFORM test.calls('admin_dead_letter_redrive', 'admin:a', format('%L, ''operate''', json_build_object('deadLetterId', v_dead)));

  PERFORM test.calls('admin_bulk_start', 'admin:a', format('%L, ''operate''',
    '{"body": {"action": "SUSPEND", "filter": {"subjectRefs": ["ada"]}}}'));
  PERFORM test.takes('bulk_claim', 'count(*) FROM s2s.bulk_claim(test.lease(), 9, ''1 min'', 9)');
  PERFORM test.takes('bulk_targets', 'count(*) FROM s2s.bulk_targets((test.bulk()), 2)');
END
$$;

CREATE FUNCTION pg_temp.day(p_round integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('test.round', p_round::text, true);
  DELETE FROM s2s.reconciliation;
  PERFORM s2s.lanes_set('{issuer,wallet}', '[{"name": "backend"}]');
  PERFORM pg_temp.verifies('issuer' || p_round);
  PERFORM pg_temp.issues('issuer' || p_round);
  PERFORM pg_temp.obtains('wallet' || p_round);
  PERFORM pg_temp.shown('issuer' || p_round);
END
$$;

-- The first day leaves rows that are deleted: the tables have pages, and the planner is told that nothing is in them. On
-- the second one all plans are made. On the third the tables are large, which nobody has told the planner.
SELECT lives_ok('SELECT pg_temp.day(1)', 'a day');
SELECT test.forget();
ANALYZE;
SELECT lives_ok('SELECT pg_temp.day(2)', 'a day on which the tables are empty');
SELECT test.multiply(10000);
SELECT lives_ok('SELECT pg_temp.day(3)', 'a day on which they are not');

SELECT results_eq($$SELECT what, told FROM test.taken WHERE round = 2 ORDER BY what$$,
                  $$SELECT what, told FROM test.taken WHERE round = 3 ORDER BY what$$, 'all calls tell the same');
-- Each look at an index is a block or two more. An index of ten thousand rows has at least sixty.
SELECT is_empty($$
  SELECT later.what, before.blocks, later.blocks
  FROM test.taken AS later
  JOIN test.taken AS before ON before.what = later.what AND before.round = 2
  WHERE later.round = 3 AND later.blocks > 2 * before.blocks + 40
  ORDER BY later.blocks - before.blocks DESC$$, 'no call reads more');

SELECT * FROM finish();
ROLLBACK;
