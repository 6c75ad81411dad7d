-- SPDX-License-Identifier: Apache-2.0
--
-- The state of a credential instance. Issuer and wallet act independently, each on its own facts; the status is
-- derived.
--
--   s2s.instance_status(i s2s.instance)                                               -> text
--   s2s.instance_permits_get(i s2s.instance)                                          -> boolean
--   s2s.instance_is_live(i s2s.instance)                                              -> boolean
--   s2s.verification_instances(p_verification_id text)                                -> setof s2s.instance
--   s2s.instance_lock_for(p_peer text, p_session_id text, p_instance_id text)        -> s2s.instance, null: not theirs
--   s2s.instance_act(i s2s.instance, p_side text, p_action text, p_reason text)
--       -> (previous_status text, current_status text, outcome text, failure_reason text)
--   s2s.instance_managed(p_instance_id text, p_answer jsonb)                          -> text: the outcome
--   s2s.instance_reported(i s2s.instance, p_report jsonb)
--   s2s.instance_json(i s2s.instance)                                                 -> json
--   s2s.instance_tell(i s2s.instance, p_event_type text)
--   s2s.instance_command(p_instance_id text, p_action text, p_reason text)
--       -> text: COMPLETED, NO_CHANGE, FAILED <why>, NOT_FOUND

DROP FUNCTION IF EXISTS s2s.instance_managed(text, text);

CREATE OR REPLACE FUNCTION s2s.instance_status(i s2s.instance) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT s2s.facts_status(i.cancelled, i.unlinked, i.issuer_suspended, i.wallet_suspended, i.confirmed)
$$;
COMMENT ON FUNCTION s2s.instance_status(s2s.instance) IS 'The status that the facts amount to, strongest first.';

CREATE OR REPLACE FUNCTION s2s.instance_permits_get(i s2s.instance) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT s2s.instance_status(i) IN ('IN_PROCESS', 'ACTIVE')
$$;
COMMENT ON FUNCTION s2s.instance_permits_get(s2s.instance) IS 'Whether a credential may be handed out.';

CREATE OR REPLACE FUNCTION s2s.instance_is_live(i s2s.instance) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT NOT (i.cancelled OR i.unlinked)
$$;
COMMENT ON FUNCTION s2s.instance_is_live(s2s.instance) IS 'Whether it is on a device, or may yet come to be.';

CREATE OR REPLACE FUNCTION s2s.verification_instances(p_verification_id text) RETURNS SETOF s2s.instance
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  SELECT i.* FROM s2s.instance AS i WHERE i.verification_id = p_verification_id
  UNION ALL
  -- OFFSET 0: see "Plans made on empty tables" in sql/README.md.
  SELECT i.*
  FROM s2s.instance_link AS l
  CROSS JOIN LATERAL (SELECT t.* FROM s2s.instance AS t WHERE t.instance_id = l.instance_id OFFSET 0) AS i
  WHERE l.verification_id = p_verification_id;
END
$$;
COMMENT ON FUNCTION s2s.verification_instances(text) IS
  'What was provisioned for a verification, wherever it belongs now.';

CREATE OR REPLACE FUNCTION s2s.instance_lock_for(p_peer text, p_session_id text, p_instance_id text)
RETURNS s2s.instance LANGUAGE plpgsql AS $$
DECLARE
  i s2s.instance;
BEGIN
  SELECT t.* INTO i
  FROM s2s.session AS s
  JOIN s2s.instance AS t ON t.session_id = s.session_id
  WHERE s.session_id = p_session_id AND s.peer = p_peer AND t.instance_id = p_instance_id
  FOR NO KEY UPDATE OF t;
  RETURN i;
END
$$;
COMMENT ON FUNCTION s2s.instance_lock_for(text, text, text) IS
  'Locks an instance for the peer that owns its session.';

CREATE OR REPLACE FUNCTION s2s.instance_act(
  i s2s.instance, p_side text, p_action text, p_reason text,
  OUT previous_status text, OUT current_status text, OUT outcome text, OUT failure_reason text)
LANGUAGE plpgsql AS $$
DECLARE
  before s2s.instance := i;
BEGIN
  previous_status := s2s.instance_status(i);
  current_status := previous_status;

  SELECT f.confirmed, f.wallet_suspended, f.issuer_suspended, f.unlinked, f.cancelled, f.failure_reason
  INTO i.confirmed, i.wallet_suspended, i.issuer_suspended, i.unlinked, i.cancelled, failure_reason
  FROM s2s.facts_act(
    p_side, p_action, i.confirmed, i.wallet_suspended, i.issuer_suspended, i.unlinked, i.cancelled) AS f;
  IF failure_reason IS NOT NULL THEN
    outcome := 'FAILED';
    RETURN;
  END IF;
  IF i IS NOT DISTINCT FROM before THEN
    outcome := 'NO_CHANGE';
    RETURN;
  END IF;

  outcome := 'COMPLETED';
  current_status := s2s.instance_status(i);
  IF current_status <> previous_status THEN
    i.version := i.version + 1;
    i.last_status_change_time := clock_timestamp();
    i.last_status_change_reason := p_reason;
  END IF;
  UPDATE s2s.instance AS u
  SET version = i.version,
      confirmed = i.confirmed,
      wallet_suspended = i.wallet_suspended,
      issuer_suspended = i.issuer_suspended,
      unlinked = i.unlinked,
      cancelled = i.cancelled,
      last_status_change_time = i.last_status_change_time,
      last_status_change_reason = i.last_status_change_reason
  WHERE u.instance_id = i.instance_id;
  IF NOT s2s.instance_is_live(i) AND s2s.instance_is_live(before) THEN
    DELETE FROM s2s.instance_dataset AS d WHERE d.instance_id = i.instance_id;
    PERFORM s2s.fetches_end(
      ARRAY(SELECT f.transaction_id FROM s2s.fetch AS f WHERE f.instance_id = i.instance_id));
  END IF;
  IF p_side = 'ISSUER' THEN
    PERFORM s2s.delivery_owe(s2s.session_peer(i.session_id), '/credential/manage', i.instance_id,
                             json_build_object('reason', p_reason));
  END IF;
  IF current_status <> previous_status THEN
    PERFORM s2s.webhook_owe('instance.changed', i.instance_id, 'ISSUER');
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.instance_act(s2s.instance, text, text, text) IS
  'The one place where the facts of a (locked) instance change: WALLET or ISSUER does CONFIRM, SUSPEND, RESUME, UNLINK '
  'or CANCEL. An action that does not exist for that side is a bug and raises. The wallet is told what the issuer did.';

CREATE OR REPLACE FUNCTION s2s.instance_managed(p_instance_id text, p_answer jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  m record := s2s.manage_answer(p_answer);
BEGIN
  UPDATE s2s.instance AS u
  SET manage_answered_at = clock_timestamp(), manage_outcome = m.outcome, manage_failure_reason = m.failure_reason
  WHERE u.instance_id = p_instance_id;
  RETURN m.outcome;
END
$$;
COMMENT ON FUNCTION s2s.instance_managed(text, jsonb) IS
  'Keeps what the wallet answered to a /credential/manage of ours, or told later, if it had scheduled that.';

CREATE OR REPLACE FUNCTION s2s.instance_reported(i s2s.instance, p_report jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF i.manage_outcome = 'SCHEDULED' THEN
    PERFORM s2s.instance_managed(i.instance_id, p_report);
    RETURN;
  END IF;
  -- The answer that says SCHEDULED may be on its way still: its flight takes this along (s2s.issuer_answered).
  UPDATE s2s.delivery AS d
  SET payload = coalesce(d.payload::jsonb, '{}') || jsonb_build_object('reported', p_report)
  WHERE d.ref = i.instance_id AND d.endpoint = '/credential/manage' AND d.side = 'ISSUER'
    AND (d.lease IS NOT NULL) IS TRUE;
END
$$;
COMMENT ON FUNCTION s2s.instance_reported(s2s.instance, jsonb) IS
  'What came of a /credential/manage that the wallet had scheduled, of a (locked) instance.';

CREATE OR REPLACE FUNCTION s2s.instance_json(i s2s.instance) RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN json_strip_nulls(json_build_object(
    'credentialInstanceId', i.instance_id,
    'sessionId', i.session_id,
    'verificationId', i.verification_id,
    'peer', s2s.session_peer(i.session_id),
    'credentialConfigurationId', i.configuration_id,
    'status', s2s.instance_status(i),
    'credentialVersion', i.credential_version,
    'manage', s2s.manage_json(i.manage_answered_at, i.manage_outcome, i.manage_failure_reason),
    'lastStatusChangeTime', s2s.rfc3339(i.last_status_change_time),
    'lastStatusChangeReason', i.last_status_change_reason));
END
$$;
COMMENT ON FUNCTION s2s.instance_json(s2s.instance) IS 'An instance, as the operator''s webhooks see it.';

CREATE OR REPLACE FUNCTION s2s.instance_tell(i s2s.instance, p_event_type text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM s2s.delivery_owe(
    s2s.session_peer(i.session_id), '/event/notify', p_event_type || ':' || i.instance_id,
    json_build_object('eventType', p_event_type, 'credentialInstanceId', i.instance_id));
END
$$;
COMMENT ON FUNCTION s2s.instance_tell(s2s.instance, text) IS 'The wallet is owed an event about an instance.';

CREATE OR REPLACE FUNCTION s2s.instance_command(p_instance_id text, p_action text, p_reason text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  i s2s.instance;
  act record;
  v_event_type text := CASE p_action
    WHEN 'UPDATED' THEN 'CREDENTIAL_UPDATE_AVAILABLE'
    WHEN 'DISPLAY_UPDATED' THEN 'DISPLAY_DATA_UPDATED'
  END;
BEGIN
  SELECT t.* INTO i FROM s2s.instance AS t WHERE t.instance_id = p_instance_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN 'NOT_FOUND';
  ELSIF v_event_type IS NULL THEN
    act := s2s.instance_act(i, 'ISSUER', p_action, p_reason);
    RETURN concat_ws(' ', act.outcome, act.failure_reason);
  ELSIF NOT s2s.instance_is_live(i) THEN
    RETURN 'FAILED ' || s2s.instance_status(i);
  END IF;
  PERFORM s2s.instance_tell(i, v_event_type);
  RETURN 'COMPLETED';
END
$$;
COMMENT ON FUNCTION s2s.instance_command(text, text, text) IS
  'What the issuer''s operator does to an instance: SUSPEND, RESUME, CANCEL; or says of it: UPDATED, DISPLAY_UPDATED.';
