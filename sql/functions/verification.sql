-- SPDX-License-Identifier: Apache-2.0
--
-- The state of a verification: who may see it, what time does to it, which moves there are, how it looks on the wire.
--
--   s2s.verification_is_final(p_status text)                                   -> boolean
--   s2s.verification_may_move(p_from text, p_to text)                          -> boolean
--   s2s.verification_is_complete(v s2s.verification, p_status text)            -> boolean
--   s2s.verification_is_news(p_status text, p_cancelled boolean)               -> boolean
--   s2s.verification_is_first(v s2s.verification)                              -> boolean
--   s2s.session_verifications(p_session_id text)                               -> setof text
--   s2s.last_approved(p_session_id text)                                       -> text
--   s2s.submission_octets(p_client_jwe text[], p_server_sealed bytea)          -> bigint
--   s2s.verification_is_exhausted(v s2s.verification)                          -> boolean
--   s2s.verification_due_at(p_status text, p_deadline timestamptz, p_expires_at timestamptz) -> timestamptz
--   s2s.verification_tell(p_verification_id text, p_peer text, p_from text, p_to text, p_cancelled boolean)
--   s2s.verification_move(v s2s.verification, p_to text)                       -> s2s.verification
--   s2s.verification_apply_due(v s2s.verification)                             -> s2s.verification
--   s2s.verification_lock(p_verification_id text)                              -> s2s.verification, null if unknown
--   s2s.verification_lock_for(p_peer text, p_session_id text, p_verification_id text)
--                                                                              -> s2s.verification, null if not theirs
--   s2s.distinct_ids(p_ids text[])                                             -> text[]
--   s2s.verification_json(v s2s.verification)                                  -> text

DROP FUNCTION IF EXISTS s2s.verification_is_news(s2s.verification);

CREATE OR REPLACE FUNCTION s2s.verification_is_final(p_status text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT p_status IN ('APPROVED', 'DENIED', 'EXPIRED')
$$;

CREATE OR REPLACE FUNCTION s2s.verification_may_move(p_from text, p_to text)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_from
    -- PENDING to PENDING: a further submission, or an evaluation that leaves the decision to somebody.
    WHEN 'PENDING' THEN p_to IN ('PENDING', 'ADDITIONAL_INFO_REQUIRED', 'REJECTED', 'APPROVED', 'DENIED', 'EXPIRED')
    WHEN 'ADDITIONAL_INFO_REQUIRED' THEN p_to IN ('PENDING', 'DENIED', 'EXPIRED')
    WHEN 'REJECTED' THEN p_to IN ('PENDING', 'DENIED', 'EXPIRED')
    ELSE false
  END
$$;
COMMENT ON FUNCTION s2s.verification_may_move(text, text) IS 'The state table (profile section 4).';

CREATE OR REPLACE FUNCTION s2s.verification_is_complete(v s2s.verification, p_status text)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_status
    WHEN 'APPROVED' THEN
      cardinality(v.approved_ids) > 0 AND cardinality(v.approved_ids) IS NOT DISTINCT FROM cardinality(v.subject_refs)
      AND (v.subject_sealed IS NULL OR cardinality(v.subject_sealed) = cardinality(v.approved_ids))
    WHEN 'ADDITIONAL_INFO_REQUIRED' THEN v.data_request IS NOT NULL
    WHEN 'REJECTED' THEN v.reason_code IS NOT NULL
    WHEN 'DENIED' THEN v.reason_code IS NOT NULL
    ELSE true
  END IS TRUE
$$;
COMMENT ON FUNCTION s2s.verification_is_complete(s2s.verification, text) IS
  'Whether the details that a status needs are there.';

CREATE OR REPLACE FUNCTION s2s.verification_is_news(p_status text, p_cancelled boolean)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT p_status <> 'PENDING' AND NOT p_cancelled
$$;
COMMENT ON FUNCTION s2s.verification_is_news(text, boolean) IS
  'Whether the wallet did not bring about this status by a call of its own, whose answer told it: it is owed a notice.';

CREATE OR REPLACE FUNCTION s2s.verification_is_first(v s2s.verification) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT s.verification_id = v.verification_id FROM s2s.session AS s WHERE s.session_id = v.session_id
$$;
COMMENT ON FUNCTION s2s.verification_is_first(s2s.verification) IS
  'Whether its session was opened by it, not verified anew.';

CREATE OR REPLACE FUNCTION s2s.session_verifications(p_session_id text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
  SELECT s.verification_id FROM s2s.session AS s WHERE s.session_id = p_session_id
  UNION ALL
  SELECT n.verification_id FROM s2s.nonce_jti AS n WHERE n.session_id = p_session_id
$$;
COMMENT ON FUNCTION s2s.session_verifications(text) IS 'All verifications of a session.';

CREATE OR REPLACE FUNCTION s2s.last_approved(p_session_id text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT v.verification_id
  FROM s2s.session_verifications(p_session_id) AS known (id)
  CROSS JOIN LATERAL (SELECT t.* FROM s2s.verification AS t WHERE t.verification_id = known.id OFFSET 0) AS v
  WHERE v.status = 'APPROVED'
  ORDER BY v.created_at DESC
  LIMIT 1
$$;
COMMENT ON FUNCTION s2s.last_approved(text) IS 'The newest approved verification of a session.';

CREATE OR REPLACE FUNCTION s2s.submission_octets(p_client_jwe text[], p_server_sealed bytea)
RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT coalesce(octet_length(array_to_string(p_client_jwe, '')), 0)::bigint
         + coalesce(octet_length(p_server_sealed), 0)
$$;
COMMENT ON FUNCTION s2s.submission_octets(text[], bytea) IS 'How much verification data a submission brings.';

CREATE OR REPLACE FUNCTION s2s.verification_is_exhausted(v s2s.verification) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN v.max_attempts > 0
         AND v.max_attempts <= v.attempts - EXISTS (
           SELECT FROM s2s.verification_data AS d
           WHERE d.verification_id = v.verification_id AND d.data_seq = 1)::integer;
END
$$;
COMMENT ON FUNCTION s2s.verification_is_exhausted(s2s.verification) IS
  'Whether max_attempts supplements are used up (profile section 4). What initiate has brought was none.';

CREATE OR REPLACE FUNCTION s2s.verification_due_at(
  p_status text, p_deadline timestamptz, p_expires_at timestamptz)
RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN s2s.verification_is_final(p_status) THEN NULL
    WHEN p_status = 'PENDING' THEN p_expires_at
    ELSE least(p_deadline, p_expires_at)
  END
$$;
COMMENT ON FUNCTION s2s.verification_due_at(text, timestamptz, timestamptz) IS
  'When time alone ends a verification. The deadline binds the wallet: it does not run while PENDING.';

CREATE OR REPLACE FUNCTION s2s.verification_tell(
  p_verification_id text, p_peer text, p_from text, p_to text, p_cancelled boolean)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF s2s.verification_is_news(p_to, p_cancelled) THEN
    PERFORM s2s.delivery_owe(p_peer, '/verification/notify', p_verification_id);
  END IF;
  IF p_to <> p_from THEN
    PERFORM s2s.webhook_owe('verification.changed', p_verification_id, 'ISSUER');
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.verification_tell(text, text, text, text, boolean) IS
  'Owes the wallet a notice of a move if it is news, and the operator''s webhooks.';

CREATE OR REPLACE FUNCTION s2s.verification_move(v s2s.verification, p_to text)
RETURNS s2s.verification LANGUAGE plpgsql AS $$
DECLARE
  v_from text := v.status;
BEGIN
  IF NOT s2s.verification_may_move(v.status, p_to) THEN
    RAISE EXCEPTION 'verification % cannot move from % to %', v.verification_id, v.status, p_to;
  ELSIF NOT s2s.verification_is_complete(v, p_to) THEN
    RAISE EXCEPTION 'verification % lacks what % needs', v.verification_id, p_to;
  ELSIF s2s.verification_is_final(p_to) THEN
    -- Nobody will look at what was submitted any more, if anything was: looking for it costs as much as removing it.
    IF v.attempts > 0 OR v.data_seq > 1 THEN
      DELETE FROM s2s.verification_data AS d WHERE d.verification_id = v.verification_id;
    END IF;
    v.data_octets := 0;
  END IF;
  UPDATE s2s.verification AS u
  SET status = p_to,
      version = u.version + 1,
      updated_at = clock_timestamp(),
      deadline = v.deadline,
      due_at = s2s.verification_due_at(p_to, v.deadline, v.expires_at),
      data_seq = v.data_seq,
      data_octets = v.data_octets,
      attempts = v.attempts,
      max_attempts = v.max_attempts,
      authorized_device_count = v.authorized_device_count,
      awaiting_decision = v.awaiting_decision,
      decided_by = v.decided_by,
      undecided_reason = CASE WHEN p_to = 'PENDING' AND v.awaiting_decision THEN v.undecided_reason END,
      lane = v.lane,
      root_verification_id = v.root_verification_id,
      cancelled = v.cancelled,
      reason_code = v.reason_code,
      message = v.message,
      cancel_reason = v.cancel_reason,
      approved_ids = v.approved_ids,
      subject_refs = v.subject_refs,
      subject_sealed = v.subject_sealed,
      data_request = v.data_request
  WHERE u.verification_id = v.verification_id
  RETURNING u.* INTO STRICT v;
  PERFORM s2s.verification_tell(v.verification_id, v.peer, v_from, p_to, v.cancelled);
  RETURN v;
END
$$;
COMMENT ON FUNCTION s2s.verification_move(s2s.verification, text) IS
  'The one place where a verification changes, but for s2s.verification_settle. Takes a locked row with the new details '
  'filled in and its old status; tells whoever wants to know; forgets the verification data if it is final.';

CREATE OR REPLACE FUNCTION s2s.verification_apply_due(v s2s.verification)
RETURNS s2s.verification LANGUAGE plpgsql AS $$
BEGIN
  -- An operator who is about to move it says so.
  v.decided_by := NULL;
  IF v.due_at IS NULL OR v.due_at > clock_timestamp() THEN
    RETURN v;
  END IF;
  v.awaiting_decision := false;
  IF v.due_at = v.expires_at THEN
    RETURN s2s.verification_move(v, 'EXPIRED');
  END IF;
  v.reason_code := 'DEADLINE_PASSED';
  v.message := 'The deadline has passed.';
  RETURN s2s.verification_move(v, 'DENIED');
END
$$;
COMMENT ON FUNCTION s2s.verification_apply_due(s2s.verification) IS
  'Ends a locked verification whose time is over, so that nobody acts on, or shows, a state that no longer holds.';

CREATE OR REPLACE FUNCTION s2s.verification_lock(p_verification_id text)
RETURNS s2s.verification LANGUAGE plpgsql AS $$
DECLARE
  v s2s.verification;
BEGIN
  SELECT t.* INTO v FROM s2s.verification AS t WHERE t.verification_id = p_verification_id FOR NO KEY UPDATE;
  RETURN s2s.verification_apply_due(v);
END
$$;
COMMENT ON FUNCTION s2s.verification_lock(text) IS 'Locks a verification and applies what is due.';

CREATE OR REPLACE FUNCTION s2s.verification_lock_for(p_peer text, p_session_id text, p_verification_id text)
RETURNS s2s.verification LANGUAGE plpgsql AS $$
DECLARE
  v s2s.verification;
BEGIN
  SELECT t.* INTO v
  FROM s2s.session AS s
  JOIN s2s.verification AS t ON t.session_id = s.session_id
  WHERE s.session_id = p_session_id AND s.peer = p_peer AND t.verification_id = p_verification_id
  FOR NO KEY UPDATE OF t;
  RETURN s2s.verification_apply_due(v);
END
$$;
COMMENT ON FUNCTION s2s.verification_lock_for(text, text, text) IS
  'Locks a verification for the peer that owns its session, and applies what is due.';

CREATE OR REPLACE FUNCTION s2s.distinct_ids(p_ids text[]) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF cardinality(p_ids) = 1 THEN
    RETURN p_ids;
  END IF;
  RETURN (
    SELECT array_agg(i.id ORDER BY i.position)
    FROM (SELECT u.id, min(u.position) AS position
          FROM unnest(p_ids) WITH ORDINALITY AS u (id, position)
          GROUP BY u.id) AS i);
END
$$;
COMMENT ON FUNCTION s2s.distinct_ids(text[]) IS 'Each once, in the order of their first appearance.';

CREATE OR REPLACE FUNCTION s2s.verification_json(v s2s.verification) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  CASE v.status
    WHEN 'APPROVED' THEN
      RETURN json_build_object(
        'sessionId', v.session_id, 'verificationId', v.verification_id, 'status', v.status,
        'credentialConfigurationIds', s2s.distinct_ids(v.approved_ids),
        'authorizedDeviceCount', v.authorized_device_count);
    WHEN 'REJECTED' THEN
      RETURN json_strip_nulls(json_build_object(
        'sessionId', v.session_id, 'verificationId', v.verification_id, 'status', v.status,
        'reasonCode', v.reason_code, 'rejectedDetails', v.message));
    WHEN 'DENIED' THEN
      RETURN json_build_object(
        'sessionId', v.session_id, 'verificationId', v.verification_id, 'status', v.status,
        'reasonCode', v.reason_code, 'deniedMessage', coalesce(v.message, 'The verification was denied.'));
    WHEN 'ADDITIONAL_INFO_REQUIRED' THEN
      RETURN json_build_object(
        'sessionId', v.session_id, 'verificationId', v.verification_id, 'status', v.status,
        'verificationDataRequest', v.data_request || jsonb_strip_nulls(jsonb_build_object(
          'deadline', s2s.rfc3339(v.deadline),
          'maxAttempts', nullif(v.max_attempts, 0))));
    ELSE
      RETURN json_build_object(
        'sessionId', v.session_id, 'verificationId', v.verification_id, 'status', v.status);
  END CASE;
END
$$;
COMMENT ON FUNCTION s2s.verification_json(s2s.verification) IS 'VerificationStatus (profile section 4).';
