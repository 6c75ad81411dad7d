-- SPDX-License-Identifier: Apache-2.0
--
-- Verification endpoints of the issuer (profile section 4).
--
-- All take first: p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid; all return s2s.reply.
--
--   s2s.issuer_initiate(…, p_session_id text, p_configuration_ids text[], p_wsk text, p_wsk_thumbprint text,
--                       p_requested_device_count int, p_supported_types text[], p_locale text, p_client_jwe text[],
--                       p_server_sealed bytea, p_max_attempts int, p_lifetime interval, p_max_submissions int,
--                       p_max_octets bigint, p_nonce_jti text DEFAULT NULL, p_attestation text DEFAULT 'IGNORED',
--                       p_lane text DEFAULT '', p_lease uuid DEFAULT NULL, p_lease_for interval DEFAULT NULL,
--                       p_opens_lane boolean DEFAULT false)
--   s2s.issuer_supplement(…, p_session_id text, p_verification_id text, p_client_jwe text[], p_server_sealed bytea,
--                         p_max_submissions int, p_max_octets bigint, p_lane text DEFAULT NULL)
--   s2s.issuer_verification_status(…, p_session_id text, p_verification_id text)
--   s2s.issuer_cancel(…, p_session_id text, p_verification_id text, p_reason text)
--
-- Null and empty mean the same for p_client_jwe, p_supported_types and (0) p_max_attempts. A verification takes
-- p_max_submissions with data, of p_max_octets in all: an evaluation loads them together. p_nonce_jti is of a bound
-- nonce, null for a raw one; p_lane names the backend that decides (empty: the built-in policy; null: the same as
-- before). With p_lease the caller begins the evaluation itself, at once: the job is enqueued as one that it has claimed,
-- for p_lease_for, and the outcome is "leased <job> <verification>" (only of a session's first verification). With
-- p_opens_lane the peer can be called, and may not have a lane yet.
--
--   s2s.verification_resume(v s2s.verification, p_client_jwe text[], p_server_sealed bytea, p_issuer_sealed bytea)
--       -> s2s.verification

DROP FUNCTION IF EXISTS s2s.issuer_initiate(
  text, uuid, text, bytea, uuid, text, text[], text, text, integer, text[], text, text[], bytea, integer, interval);
DROP FUNCTION IF EXISTS s2s.issuer_initiate(
  text, uuid, text, bytea, uuid, text, text[], text, text, integer, text[], text, text[], bytea, integer, interval,
  integer, bigint);
DROP FUNCTION IF EXISTS s2s.issuer_initiate(
  text, uuid, text, bytea, uuid, text, text[], text, text, integer, text[], text, text[], bytea, integer, interval,
  integer, bigint, text, text, text);
DROP FUNCTION IF EXISTS s2s.issuer_initiate(
  text, uuid, text, bytea, uuid, text, text[], text, text, integer, text[], text, text[], bytea, integer, interval,
  integer, bigint, text, text, text, uuid, interval);
DROP FUNCTION IF EXISTS s2s.issuer_supplement(text, uuid, text, bytea, uuid, text, text, text[], bytea);
DROP FUNCTION IF EXISTS s2s.issuer_supplement(
  text, uuid, text, bytea, uuid, text, text, text[], bytea, integer, bigint);

CREATE OR REPLACE FUNCTION s2s.verification_resume(
  v s2s.verification, p_client_jwe text[], p_server_sealed bytea, p_issuer_sealed bytea)
RETURNS s2s.verification LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  v.data_seq := v.data_seq + 1;
  v.awaiting_decision := false;
  v.decided_by := NULL;
  v.reason_code := NULL;
  v.message := NULL;
  v := s2s.verification_move(v, 'PENDING');

  WITH new_data AS (
    INSERT INTO s2s.verification_data (
      created_at, data_seq, verification_id, server_sealed, client_jwe, issuer_sealed)
    SELECT v_now, v.data_seq, v.verification_id, p_server_sealed, coalesce(p_client_jwe, '{}'), p_issuer_sealed
    WHERE cardinality(p_client_jwe) > 0 OR num_nonnulls(p_server_sealed, p_issuer_sealed) > 0
  )
  INSERT INTO s2s.job (next_at, created_at, octets, kind, lane, ref, payload)
  VALUES (v_now, v_now, v.data_octets, 'evaluate', v.lane, v.verification_id,
          json_build_object('dataSeq', v.data_seq));
  RETURN v;
END
$$;
COMMENT ON FUNCTION s2s.verification_resume(s2s.verification, text[], bytea, bytea) IS
  'Adds data, if there is any, to a (locked) verification, which is PENDING again and evaluated anew. The caller has '
  'counted it.';

CREATE OR REPLACE FUNCTION s2s.issuer_initiate(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid,
  p_session_id text, p_configuration_ids text[], p_wsk text, p_wsk_thumbprint text, p_requested_device_count integer,
  p_supported_types text[], p_locale text, p_client_jwe text[], p_server_sealed bytea, p_max_attempts integer,
  p_lifetime interval, p_max_submissions integer, p_max_octets bigint, p_nonce_jti text DEFAULT NULL,
  p_attestation text DEFAULT 'IGNORED', p_lane text DEFAULT '', p_lease uuid DEFAULT NULL,
  p_lease_for interval DEFAULT NULL, p_opens_lane boolean DEFAULT false)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  v s2s.verification;
  v_id text := gen_random_uuid();
  v_now timestamptz := clock_timestamp();
  v_has_data boolean := coalesce(cardinality(p_client_jwe), 0) > 0 OR p_server_sealed IS NOT NULL;
  v_octets bigint := s2s.submission_octets(p_client_jwe, p_server_sealed);
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  ELSIF v_has_data::integer > p_max_submissions OR v_octets > p_max_octets THEN
    RETURN s2s.refuse(x, 'content-too-large');
  ELSIF p_opens_lane THEN
    PERFORM s2s.lane_open(p_peer);
  END IF;

  -- One statement: what hangs on the session is written only if the session id was unused, by anybody, ever.
  WITH new_session AS (
    INSERT INTO s2s.session (
      created_at, session_id, peer, wsk_thumbprint, wsk, locale, supported_verification_types, verification_id,
      nonce_jti)
    VALUES (v_now, p_session_id, p_peer, p_wsk_thumbprint, p_wsk, p_locale, p_supported_types, v_id, p_nonce_jti)
    ON CONFLICT (session_id) DO NOTHING
    RETURNING session_id
  ), new_data AS (
    INSERT INTO s2s.verification_data (created_at, data_seq, verification_id, server_sealed, client_jwe)
    SELECT v_now, 1, v_id, p_server_sealed, coalesce(p_client_jwe, '{}')
    FROM new_session
    WHERE v_has_data
  ), new_job AS (
    INSERT INTO s2s.job (next_at, created_at, lease, attempts, octets, kind, lane, ref, payload)
    SELECT v_now + coalesce(p_lease_for, '0'), v_now, p_lease, (p_lease IS NOT NULL)::integer, v_octets, 'evaluate',
           p_lane, v_id, '{"dataSeq": 1}'
    FROM new_session
  )
  INSERT INTO s2s.verification (
    created_at, updated_at, expires_at, due_at, data_octets, attempts, max_attempts, requested_device_count,
    verification_id, session_id, peer, configuration_ids, lane, attestation)
  SELECT v_now, v_now, v_now + p_lifetime, v_now + p_lifetime, v_octets, v_has_data::integer,
         coalesce(p_max_attempts, 0), coalesce(p_requested_device_count, 1), v_id, session_id, p_peer,
         p_configuration_ids, p_lane, p_attestation
  FROM new_session
  RETURNING * INTO v;

  IF NOT FOUND THEN
    r := s2s.session_reopen(x, p_session_id, p_wsk_thumbprint, p_nonce_jti, v_id);
    IF r.outcome IS NOT NULL THEN
      RETURN r;
    END IF;
    INSERT INTO s2s.verification (
      created_at, updated_at, expires_at, data_seq, data_octets, attempts, max_attempts, requested_device_count,
      verification_id, session_id, peer, configuration_ids, lane, attestation, locale, supported_verification_types)
    VALUES (v_now, v_now, v_now + p_lifetime, 0, v_octets, v_has_data::integer,
            coalesce(p_max_attempts, 0), coalesce(p_requested_device_count, 1), v_id, p_session_id, p_peer,
            p_configuration_ids, p_lane, p_attestation, p_locale, p_supported_types)
    RETURNING * INTO v;
    v := s2s.verification_resume(v, p_client_jwe, p_server_sealed, NULL);
    p_lease := NULL; -- it names no job
  END IF;
  r := s2s.store(x, 200, s2s.verification_json(v), p_wake => p_lease IS NULL);
  IF p_lease IS NOT NULL THEN
    r.outcome := 'leased ' || currval('s2s.job_job_id_seq') || ' ' || v_id;
  END IF;
  RETURN r;
END
$$;
COMMENT ON FUNCTION s2s.issuer_initiate IS 
  'Uses up the session id, or opens its session anew (re-verification); opens a verification and asks for its '
  'evaluation.';

CREATE OR REPLACE FUNCTION s2s.issuer_supplement(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid,
  p_session_id text, p_verification_id text, p_client_jwe text[], p_server_sealed bytea, p_max_submissions integer,
  p_max_octets bigint, p_lane text DEFAULT NULL)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  v s2s.verification;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  v := s2s.verification_lock_for(p_peer, p_session_id, p_verification_id);
  IF v.verification_id IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  ELSIF s2s.verification_is_final(v.status) OR s2s.verification_is_exhausted(v) THEN
    -- Exhausted, and not final: the last one is still to be decided on.
    RETURN s2s.refuse(x, 'wrong-state', v.status);
  END IF;

  v.attempts := v.attempts + 1;
  v.data_octets := v.data_octets + s2s.submission_octets(p_client_jwe, p_server_sealed);
  IF v.attempts > p_max_submissions OR v.data_octets > p_max_octets THEN
    RETURN s2s.refuse(x, 'content-too-large');
  END IF;
  v.lane := coalesce(p_lane, v.lane);
  v := s2s.verification_resume(v, p_client_jwe, p_server_sealed, NULL);
  RETURN s2s.store(x, 200, s2s.verification_json(v), p_wake => true);
END
$$;
COMMENT ON FUNCTION s2s.issuer_supplement IS
  'Adds a submission: the verification is PENDING again and evaluated anew. The deadline stands still meanwhile.';

CREATE OR REPLACE FUNCTION s2s.issuer_verification_status(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid,
  p_session_id text, p_verification_id text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  v s2s.verification;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  v := s2s.verification_lock_for(p_peer, p_session_id, p_verification_id);
  IF v.verification_id IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  END IF;
  RETURN s2s.store(x, 200, s2s.verification_json(v));
END
$$;
COMMENT ON FUNCTION s2s.issuer_verification_status IS 'Shows the verification as it is now.';

CREATE OR REPLACE FUNCTION s2s.issuer_cancel(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid,
  p_session_id text, p_verification_id text, p_reason text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  v s2s.verification;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  v := s2s.verification_lock_for(p_peer, p_session_id, p_verification_id);
  IF v.verification_id IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  ELSIF NOT s2s.verification_is_final(v.status) THEN
    v.cancelled := true;
    v.awaiting_decision := false;
    v.decided_by := NULL;
    v.cancel_reason := p_reason;
    v.reason_code := 'CANCELLED';
    v.message := 'The verification was cancelled.';
    v := s2s.verification_move(v, 'DENIED');
  ELSIF NOT v.cancelled THEN
    RETURN s2s.refuse(x, 'wrong-state', v.status);
  END IF;
  RETURN s2s.store(x, 200, json_build_object('sessionId', v.session_id, 'verificationId', v.verification_id)::text);
END
$$;
COMMENT ON FUNCTION s2s.issuer_cancel IS 'Ends a verification that is not final as DENIED (D11); may be repeated.';
