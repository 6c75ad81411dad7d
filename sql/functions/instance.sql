-- SPDX-License-Identifier: Apache-2.0
--
-- The state of a credential instance. Issuer and wallet act independently, each on its own facts; the status is
-- derived.
--
--   s2s.instance_status(i s2s.instance)                                               -> text
--   s2s.instance_permits_get(i s2s.instance)                                          -> boolean
--   s2s.instance_lock_for(p_peer text, p_session_id text, p_instance_id text)        -> s2s.instance, null: not theirs
--   s2s.instance_act(i s2s.instance, p_side text, p_action text, p_reason text)
--       -> (previous_status text, current_status text, outcome text, failure_reason text)

CREATE OR REPLACE FUNCTION s2s.instance_status(i s2s.instance) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN i.cancelled THEN 'CANCELLED'
    WHEN i.unlinked THEN 'UNLINKED'
    WHEN i.issuer_suspended THEN 'SUSPENDED_ISSUER'
    WHEN i.wallet_suspended THEN 'SUSPENDED_WALLET'
    WHEN i.confirmed THEN 'ACTIVE'
    ELSE 'IN_PROCESS'
  END
$$;
COMMENT ON FUNCTION s2s.instance_status(s2s.instance) IS 'The status that the facts amount to, strongest first.';

CREATE OR REPLACE FUNCTION s2s.instance_permits_get(i s2s.instance) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT s2s.instance_status(i) IN ('IN_PROCESS', 'ACTIVE')
$$;
COMMENT ON FUNCTION s2s.instance_permits_get(s2s.instance) IS 'Whether a credential may be handed out.';

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

  -- What the state forbids. Each side resumes only its own suspension.
  failure_reason := CASE
    WHEN i.cancelled AND (p_side, p_action) <> ('ISSUER', 'CANCEL') THEN 'CANCELLED'
    WHEN i.unlinked AND p_action IN ('SUSPEND', 'RESUME', 'CONFIRM') THEN 'UNLINKED'
    WHEN (p_side, p_action) = ('WALLET', 'RESUME') AND i.issuer_suspended AND NOT i.wallet_suspended
      THEN 'SUSPENDED_BY_ISSUER'
    WHEN (p_side, p_action) = ('ISSUER', 'RESUME') AND i.wallet_suspended AND NOT i.issuer_suspended
      THEN 'SUSPENDED_BY_WALLET'
  END;
  IF failure_reason IS NOT NULL THEN
    outcome := 'FAILED';
    RETURN;
  END IF;

  CASE p_side || ' ' || p_action
    WHEN 'WALLET CONFIRM' THEN i.confirmed := true;
    WHEN 'WALLET SUSPEND' THEN i.wallet_suspended := true;
    WHEN 'WALLET RESUME' THEN i.wallet_suspended := false;
    WHEN 'WALLET UNLINK' THEN i.unlinked := true;
    WHEN 'ISSUER SUSPEND' THEN i.issuer_suspended := true;
    WHEN 'ISSUER RESUME' THEN i.issuer_suspended := false;
    WHEN 'ISSUER CANCEL' THEN i.cancelled := true;
  END CASE;
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
END
$$;
COMMENT ON FUNCTION s2s.instance_act(s2s.instance, text, text, text) IS
  'The one place where the facts of a (locked) instance change: WALLET or ISSUER does CONFIRM, SUSPEND, RESUME, UNLINK '
  'or CANCEL. An action that does not exist for that side is a bug and raises.';
