-- SPDX-License-Identifier: Apache-2.0
--
-- Short ways to call what stands behind the application API, and to answer in an issuer's place. The issuer is called
-- "issuer"; things are named by their session, which has one instance, named after it.

CREATE FUNCTION test.post(p_function text, p_input json, p_more text DEFAULT '', p_request uuid DEFAULT gen_random_uuid())
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  r s2s.reply;
BEGIN
  EXECUTE format('SELECT * FROM s2s.%I(''app:backend'', %L, ''/v1'', ''\x01'', gen_random_uuid(), %L::json%s)',
                 p_function, p_request, p_input, p_more)
  INTO r;
  RETURN r;
END
$$;

CREATE FUNCTION test.ask(p_function text, p_input json) RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  r s2s.reply;
BEGIN
  EXECUTE format('SELECT * FROM s2s.%I(test.lease(), %L::json)', p_function, p_input) INTO r;
  RETURN r;
END
$$;

CREATE FUNCTION test.app_start(
  p_session text, p_issuer text DEFAULT 'issuer', p_content text DEFAULT 'a', p_request uuid DEFAULT gen_random_uuid())
RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT test.post(
    'app_issuance_start',
    json_build_object('body', json_build_object('sessionId', p_session, 'credentialConfigurationIds', ARRAY['badge'])),
    format(', %L, %L, %L', p_issuer, convert_to(p_content, 'UTF8'), sha256(convert_to(p_content, 'UTF8'))), p_request)
$$;

CREATE FUNCTION test.app_supplement(p_session text, p_data text DEFAULT 'more') RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT test.post('app_supplement', json_build_object('sessionId', p_session),
                   format(', %L', convert_to(p_data, 'UTF8')))
$$;

CREATE FUNCTION test.app_cancel(p_session text, p_reason text DEFAULT 'LOST_INTEREST') RETURNS s2s.reply
LANGUAGE sql AS $$
  SELECT test.post('app_cancel', json_build_object('sessionId', p_session, 'body', json_build_object('reason', p_reason)))
$$;

CREATE FUNCTION test.app_fetch(p_session text, p_content text DEFAULT 'a') RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT test.post(
    'app_fetch_start',
    json_build_object('credentialInstanceId', p_session || '-1',
                      'body', json_build_object('reason', 'INITIAL', 'walletEncryptionKey', p_content)),
    format(', %L', sha256(convert_to(p_content, 'UTF8'))))
$$;

CREATE FUNCTION test.app_action(p_session text, p_action text) RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT test.post('app_action', json_build_object(
    'credentialInstanceId', p_session || '-1', 'body', json_build_object('action', p_action, 'reason', 'BY_HOLDER')))
$$;

CREATE FUNCTION test.app_event(p_session text, p_body json) RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT test.post('app_event', json_build_object('credentialInstanceId', p_session || '-1', 'body', p_body))
$$;

CREATE FUNCTION test.app_lifecycle(p_lifecycle text, p_outcome text) RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT test.post('app_lifecycle', json_build_object(
    'lifecycleId', p_lifecycle, 'body', json_build_object('outcome', p_outcome)))
$$;

-- The delivery of a thing, and its end: it is leased, wherever it is in time, before all others; and answered.
CREATE FUNCTION test.owed(p_endpoint text, p_ref text, p_side text DEFAULT 'WALLET') RETURNS s2s.delivery
LANGUAGE sql AS $$
  SELECT d FROM s2s.delivery AS d WHERE d.endpoint = p_endpoint AND d.ref = p_ref AND d.side = p_side
$$;

CREATE FUNCTION test.sent(p_endpoint text, p_ref text, p_side text DEFAULT 'WALLET') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE s2s.delivery AS d
  SET next_at = clock_timestamp() + CASE WHEN d.delivery_id = (test.owed(p_endpoint, p_ref, p_side)).delivery_id
                                         THEN interval '-1 second' ELSE '1 hour' END
  WHERE d.lease IS NULL;
  PERFORM FROM s2s.deliveries_claim(test.lease(77), 1, 1000, '1 minute');
END
$$;

CREATE FUNCTION test.landed(p_endpoint text, p_ref text, p_answer text, p_side text DEFAULT 'WALLET')
RETURNS text LANGUAGE sql AS $$
  SELECT s2s.delivery_done((test.owed(p_endpoint, p_ref, p_side)).delivery_id, test.lease(77), 200, p_answer)
$$;

CREATE FUNCTION test.answered(p_endpoint text, p_ref text, p_answer text, p_side text DEFAULT 'WALLET')
RETURNS text LANGUAGE sql AS $$
  SELECT test.sent(p_endpoint, p_ref, p_side);
  SELECT test.landed(p_endpoint, p_ref, p_answer, p_side)
$$;

CREATE FUNCTION test.refused(p_endpoint text, p_ref text, p_status integer, p_side text DEFAULT 'WALLET')
RETURNS text LANGUAGE sql AS $$
  SELECT test.sent(p_endpoint, p_ref, p_side);
  SELECT s2s.delivery_failed((test.owed(p_endpoint, p_ref, p_side)).delivery_id, test.lease(77), 'final',
                             'HTTP ' || p_status, '0', NULL, '7 days', p_status, '{"title": "No"}')
$$;

CREATE FUNCTION test.status_json(p_session text, p_status text, p_more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
  SELECT jsonb_build_object('sessionId', p_session, 'verificationId', 'v-' || p_session, 'status', p_status) || p_more
$$;

-- A session whose initiate is answered with a status; and one with an instance.
CREATE FUNCTION test.app_opened(p_session text, p_status text DEFAULT 'PENDING', p_more jsonb DEFAULT '{}')
RETURNS text LANGUAGE sql AS $$
  SELECT test.app_start(p_session);
  SELECT test.answered('/verification/initiate', p_session, test.status_json(p_session, p_status, p_more))
$$;

CREATE FUNCTION test.app_provisioned(p_session text) RETURNS text LANGUAGE sql AS $$
  SELECT test.app_opened(p_session, 'APPROVED', '{"credentialConfigurationIds": ["badge"]}');
  SELECT test.answered('/credential/provision', p_session, json_build_object('CredentialInstances', json_build_array(
    json_build_object('credentialConfigurationId', 'badge', 'credentialInstanceIds', json_build_array(p_session || '-1'))))::text)
$$;

CREATE FUNCTION test.app_instance(p_session text) RETURNS s2s.wallet_instance LANGUAGE sql AS $$
  SELECT i FROM s2s.wallet_instance AS i WHERE i.instance_id = p_session || '-1'
$$;

-- A reply's body.
CREATE FUNCTION test.body(r s2s.reply) RETURNS jsonb LANGUAGE sql AS $$ SELECT r.body::jsonb $$;
