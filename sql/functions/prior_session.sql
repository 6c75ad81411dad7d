-- SPDX-License-Identifier: Apache-2.0
--
-- Device migration: a session is approved because another one of the same wallet server was (profile section 4, D12).
-- The first approval says for how many devices it is good (authorizedDeviceCount). All that is derived from it, at
-- whatever remove, counts against that: each session is a device, from when it names the prior session until it is
-- refused, or nothing that it was given is live any more.
--
--   s2s.devices_authorized(p_root_verification_id text)        -> int, null: no such approval
--   s2s.device_is_held(v s2s.verification)                     -> boolean
--   s2s.devices_held(p_root_verification_id text)              -> setof text: session ids
--   s2s.prior_session_check(INOUT v s2s.verification, INOUT root_id text, p_check json, OUT verdict text,
--                           OUT reason text, OUT facts jsonb, OUT subjects jsonb)

CREATE OR REPLACE FUNCTION s2s.devices_authorized(p_root_verification_id text) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT v.authorized_device_count FROM s2s.verification AS v WHERE v.verification_id = p_root_verification_id
$$;
COMMENT ON FUNCTION s2s.devices_authorized(text) IS
  'For how many devices an approval, and all that is derived from it, is good.';

CREATE OR REPLACE FUNCTION s2s.device_is_held(v s2s.verification) RETURNS boolean LANGUAGE sql STABLE AS $$
  -- What was not provisioned yet may be at any time.
  SELECT v.status NOT IN ('DENIED', 'EXPIRED') AND coalesce(bool_or(s2s.instance_is_live(i)), true)
  FROM s2s.verification_instances(v.verification_id) AS i
$$;
COMMENT ON FUNCTION s2s.device_is_held(s2s.verification) IS
  'Whether a verification has, or may yet get, a credential on its device.';

CREATE OR REPLACE FUNCTION s2s.devices_held(p_root_verification_id text) RETURNS SETOF text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  SELECT DISTINCT v.session_id
  FROM s2s.verification AS v
  WHERE (v.verification_id = p_root_verification_id OR v.root_verification_id = p_root_verification_id)
    AND s2s.device_is_held(v);
END
$$;
COMMENT ON FUNCTION s2s.devices_held(text) IS 'The sessions that count against one approval.';

CREATE OR REPLACE FUNCTION s2s.prior_session_check(
  INOUT v s2s.verification, INOUT root_id text, p_check json, OUT verdict text, OUT reason text, OUT facts jsonb,
  OUT subjects jsonb)
LANGUAGE plpgsql AS $$
DECLARE
  prior s2s.verification;
  v_root_id text;
  v_devices text[];
BEGIN
  verdict := 'MISMATCH';
  SELECT t.* INTO prior
  FROM s2s.session AS s
  JOIN s2s.verification AS t ON t.session_id = s.session_id
  WHERE s.session_id = p_check ->> 'session_id' AND s.peer = s2s.session_peer(v.session_id)
    AND t.verification_id = p_check ->> 'verification_id';
  IF NOT FOUND OR prior.verification_id = v.verification_id THEN
    reason := 'UNKNOWN';
    RETURN;
  ELSIF prior.status <> 'APPROVED' THEN
    reason := 'NOT_APPROVED';
    RETURN;
  END IF;

  v_root_id := coalesce(prior.root_verification_id, prior.verification_id);
  IF v_root_id <> root_id THEN
    reason := 'CONFLICT';
    RETURN;
  END IF;

  -- What the issuer has taken back is no reason to give it again.
  SELECT jsonb_agg(jsonb_build_object('configuration_id', a.id, 'subject_ref', a.ref,
                                      'subject_sealed', encode(a.sealed, 'hex')) ORDER BY a.position)
  INTO subjects
  FROM unnest(prior.approved_ids, prior.subject_refs, prior.subject_sealed)
       WITH ORDINALITY AS a (id, ref, sealed, position)
  WHERE NOT EXISTS (
    SELECT FROM s2s.verification_instances(prior.verification_id) AS i
    WHERE i.configuration_id = a.id AND i.subject_ref = a.ref AND i.cancelled);
  IF subjects IS NULL THEN
    reason := 'CANCELLED';
    RETURN;
  ELSIF NOT EXISTS (SELECT FROM jsonb_array_elements(subjects) AS s
                    WHERE s ->> 'configuration_id' = ANY (v.configuration_ids)) THEN
    reason := 'CONFIGURATION';
    subjects := NULL;
    RETURN;
  END IF;

  -- Devices are counted one after the other. The count is a statement of its own, so that its snapshot is younger than
  -- the lock.
  root_id := v_root_id;
  PERFORM pg_advisory_xact_lock(hashtextextended(v_root_id, hashtextextended('s2s.devices', 0)));
  v_devices := ARRAY(SELECT s2s.devices_held(v_root_id));
  IF v.session_id <> ALL (v_devices) THEN
    IF cardinality(v_devices) >= s2s.devices_authorized(v_root_id) THEN
      reason := 'DEVICE_LIMIT';
      subjects := NULL;
      RETURN;
    END IF;
    v_devices := v_devices || v.session_id;
  END IF;
  IF v.root_verification_id IS DISTINCT FROM v_root_id THEN
    v.root_verification_id := v_root_id;
    v := s2s.verification_move(v, 'PENDING');
  END IF;
  verdict := 'SATISFIED';
  facts := jsonb_build_object(
    'sessionId', prior.session_id,
    'verificationId', prior.verification_id,
    'rootVerificationId', v_root_id,
    'credentialConfigurationIds', (
      SELECT jsonb_agg(DISTINCT s ->> 'configuration_id') FROM jsonb_array_elements(subjects) AS s),
    'authorizedDeviceCount', s2s.devices_authorized(v_root_id),
    'devices', cardinality(v_devices));
END
$$;
COMMENT ON FUNCTION s2s.prior_session_check IS
  'Whether the prior session that a (locked, PENDING) verification names is good for it. If so, it holds a device from '
  'now on. root_id: the approval that was counted against in this transaction, if there is one. There can be no other.';
