-- SPDX-License-Identifier: Apache-2.0
--
-- Credential endpoints of the issuer (profile section 5).
--
--   s2s.issuer_load(p_peer text, p_session_id text, p_instance_id text, p_transaction_id text)
--       -> (found boolean, wsk text, configuration_id text, subject_ref text, verification_id text, status text,
--           version bigint, ready_at_ms bigint, transaction_found boolean, keys text, keys_digest bytea,
--           subject_sealed bytea, credential_version text, dataset_version text, dataset_sealed bytea,
--           dataset_valid_until_ms bigint),
--          always one row
--   s2s.provisioned_json(p_verification_id text) -> json
--
-- The others take first: p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid; and return
-- s2s.reply.
--
--   s2s.issuer_provision(…, p_session_id text, p_verification_id text)
--   s2s.issuer_get(…, p_session_id text, p_instance_id text, p_version bigint, p_credential_version text,
--                  p_transaction_id text, p_status int, p_body text, p_keys_digest bytea DEFAULT NULL)
--   s2s.issuer_get_pending(…, p_session_id text, p_instance_id text, p_version bigint, p_keys text,
--                          p_keys_digest bytea, p_ready_after interval, p_interval int,
--                          p_transaction_id text DEFAULT NULL, p_lane text DEFAULT NULL,
--                          p_poll_after interval DEFAULT NULL, p_most int DEFAULT 8)
--   s2s.issuer_credential_status(…, p_session_id text, p_instance_id text, p_current_version text)
--   s2s.issuer_manage(…, p_session_id text, p_instance_id text, p_action text, p_reason text)
--   s2s.issuer_event(…, p_session_id text, p_instance_id text, p_event_type text, p_known boolean,
--                    p_failure_reason text DEFAULT NULL)

DROP FUNCTION IF EXISTS s2s.issuer_load(text, text, text, text);
DROP FUNCTION IF EXISTS s2s.issuer_event(text, uuid, text, bytea, uuid, text, text, text, boolean);
DROP FUNCTION IF EXISTS s2s.issuer_get_pending(
  text, uuid, text, bytea, uuid, text, text, bigint, text, bytea, text, interval, integer, text);
DROP FUNCTION IF EXISTS s2s.issuer_get_pending(
  text, uuid, text, bytea, uuid, text, text, bigint, text, bytea, interval, integer, text);
DROP FUNCTION IF EXISTS s2s.issuer_get_pending(
  text, uuid, text, bytea, uuid, text, text, bigint, text, bytea, interval, integer, text, text, interval);

CREATE OR REPLACE FUNCTION s2s.issuer_load(
  p_peer text, p_session_id text, p_instance_id text, p_transaction_id text)
RETURNS TABLE (
  found boolean, wsk text, configuration_id text, subject_ref text, verification_id text, status text, version bigint,
  ready_at_ms bigint, transaction_found boolean, keys text, keys_digest bytea, subject_sealed bytea,
  credential_version text, dataset_version text, dataset_sealed bytea, dataset_valid_until_ms bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- OFFSET 0, here and below: see "Plans made on empty tables" in sql/README.md.
  RETURN QUERY
  SELECT known.session_id IS NOT NULL, known.wsk, known.configuration_id, known.subject_ref, known.verification_id,
         known.status, known.version, known.ready_at_ms, f.transaction_id IS NOT NULL, f.keys, f.keys_digest,
         known.subject_sealed, known.credential_version, d.version, d.sealed,
         ceil(extract(epoch FROM d.valid_until) * 1000)::bigint
  FROM (VALUES (true)) AS always
  LEFT JOIN LATERAL (
    SELECT s.session_id, s.wsk, i.instance_id, i.configuration_id, i.subject_ref, i.subject_sealed, i.verification_id,
           i.version, i.credential_version, i.status,
           -- Ready by this clock is ready for every gateway, whatever its own clock says: 0. So a load and the commit
           -- that follows it cannot disagree for ever.
           CASE WHEN i.ready_at <= clock_timestamp() THEN 0
                ELSE ceil(extract(epoch FROM i.ready_at) * 1000)::bigint END AS ready_at_ms
    FROM s2s.session AS s
    LEFT JOIN LATERAL (
      SELECT t.session_id, t.instance_id, t.configuration_id, t.subject_ref, t.subject_sealed, t.verification_id,
             t.version, t.credential_version, t.ready_at, s2s.instance_status(t) AS status
      FROM s2s.instance AS t
      WHERE t.instance_id = p_instance_id
      OFFSET 0) AS i ON i.session_id = s.session_id
    WHERE s.session_id = p_session_id AND s.peer = p_peer
      AND (p_instance_id IS NULL OR i.instance_id IS NOT NULL)
    OFFSET 0
  ) AS known ON true
  LEFT JOIN LATERAL (
    SELECT t.transaction_id, t.keys, t.keys_digest
    FROM s2s.fetch AS t
    WHERE t.transaction_id = p_transaction_id AND t.instance_id = known.instance_id
    OFFSET 0) AS f ON true
  LEFT JOIN LATERAL (
    SELECT t.version, t.sealed, t.valid_until
    FROM s2s.instance_dataset AS t
    WHERE t.instance_id = known.instance_id
    OFFSET 0) AS d ON true;
END
$$;
COMMENT ON FUNCTION s2s.issuer_load(text, text, text, text) IS
  'What the gateway must know before it can check a request. Another peer''s session is not found.';

CREATE OR REPLACE FUNCTION s2s.provisioned_json(p_verification_id text) RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT json_agg(json_build_object(
             'credentialConfigurationId', g.configuration_id,
             'credentialInstanceIds', g.instance_ids) ORDER BY g.first)
    FROM (SELECT p.configuration_id, json_agg(p.instance_id ORDER BY p.ordinal) AS instance_ids, min(p.ordinal) AS first
          FROM (SELECT i.ordinal, i.configuration_id, i.instance_id
                FROM s2s.instance AS i
                WHERE i.verification_id = p_verification_id
                UNION ALL
                SELECT l.ordinal, i.configuration_id, i.instance_id
                FROM s2s.instance_link AS l
                CROSS JOIN LATERAL (
                  SELECT t.configuration_id, t.instance_id
                  FROM s2s.instance AS t
                  WHERE t.instance_id = l.instance_id
                  OFFSET 0) AS i
                WHERE l.verification_id = p_verification_id) AS p
          GROUP BY p.configuration_id) AS g);
END
$$;
COMMENT ON FUNCTION s2s.provisioned_json(text) IS
  'CredentialInstances of a verification: by configuration, in the order of approval.';

CREATE OR REPLACE FUNCTION s2s.issuer_provision(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid,
  p_session_id text, p_verification_id text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  v s2s.verification;
  v_now timestamptz := clock_timestamp();
  v_is_news boolean := false;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  -- The verifications of a session are provisioned one after the other, lest each makes an instance of one dataset.
  PERFORM FROM s2s.session AS s WHERE s.session_id = p_session_id AND s.peer = p_peer FOR NO KEY UPDATE;
  v := s2s.verification_lock_for(p_peer, p_session_id, p_verification_id);
  IF v.verification_id IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  ELSIF v.status <> 'APPROVED' THEN
    RETURN s2s.refuse(x, 'wrong-state', v.status);
  END IF;

  IF EXISTS (SELECT FROM s2s.nonce_jti AS n WHERE n.session_id = v.session_id) THEN
    v_is_news := s2s.instances_take_over(v);
  END IF;
  INSERT INTO s2s.instance (
    created_at, last_status_change_time, ordinal, instance_id, session_id, verification_id, configuration_id,
    subject_ref, subject_sealed)
  SELECT v_now, v_now, a.ordinal, gen_random_uuid()::text, v.session_id, v.verification_id, a.configuration_id,
         a.subject_ref, a.subject_sealed
  FROM unnest(v.approved_ids, v.subject_refs, v.subject_sealed)
       WITH ORDINALITY AS a (configuration_id, subject_ref, subject_sealed, ordinal)
  WHERE NOT EXISTS (
    SELECT FROM s2s.instance_link AS l WHERE l.verification_id = v.verification_id AND l.ordinal = a.ordinal)
  ON CONFLICT (verification_id, ordinal) DO NOTHING;
  IF FOUND OR v_is_news THEN
    PERFORM s2s.webhook_owe('instances.provisioned', v.verification_id, 'ISSUER');
  END IF;
  RETURN s2s.store(x, 200, json_build_object('CredentialInstances', s2s.provisioned_json(v.verification_id))::text);
END
$$;
COMMENT ON FUNCTION s2s.issuer_provision IS
  'Makes the instances of an approved verification, once, and lists them. Those of datasets that another verification '
  'of the session has made an instance of already are the same ones.';

CREATE OR REPLACE FUNCTION s2s.issuer_get(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid,
  p_session_id text, p_instance_id text, p_version bigint, p_credential_version text, p_transaction_id text,
  p_status integer, p_body text, p_keys_digest bytea DEFAULT NULL)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  i s2s.instance;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  i := s2s.instance_lock_for(p_peer, p_session_id, p_instance_id);
  IF i.instance_id IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  ELSIF i.version IS DISTINCT FROM p_version THEN
    RETURN s2s.retry();
  ELSIF p_status <> 200 THEN
    RETURN s2s.store(x, p_status, p_body);
  ELSIF NOT s2s.instance_permits_get(i) THEN
    RETURN s2s.refuse(x, 'wrong-state', s2s.instance_status(i));
  ELSIF NOT s2s.fetch_spend(i, p_transaction_id, p_keys_digest) THEN
    RETURN s2s.retry();
  END IF;

  UPDATE s2s.instance AS u
  SET credential_version = p_credential_version, fetched_at = clock_timestamp()
  WHERE u.instance_id = i.instance_id;
  IF i.dataset_job IS NOT NULL THEN
    PERFORM s2s.dataset_is_there(i);
  END IF;
  RETURN s2s.store(x, p_status, p_body);
END
$$;
COMMENT ON FUNCTION s2s.issuer_get IS
  'Commits the answer that the gateway computed from the instance as it was at p_version, if it still is.';

CREATE OR REPLACE FUNCTION s2s.issuer_get_pending(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid,
  p_session_id text, p_instance_id text, p_version bigint, p_keys text, p_keys_digest bytea, p_ready_after interval,
  p_interval integer, p_transaction_id text DEFAULT NULL, p_lane text DEFAULT NULL,
  p_poll_after interval DEFAULT NULL, p_most integer DEFAULT 8)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  i s2s.instance;
  v_transaction_id text;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  i := s2s.instance_lock_for(p_peer, p_session_id, p_instance_id);
  IF i.instance_id IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  ELSIF i.version IS DISTINCT FROM p_version OR p_lane IS NULL AND i.ready_at <= clock_timestamp() THEN
    RETURN s2s.retry();
  ELSIF NOT s2s.instance_permits_get(i) THEN
    RETURN s2s.refuse(x, 'wrong-state', s2s.instance_status(i));
  END IF;

  IF p_transaction_id IS NOT NULL
     AND NOT EXISTS (SELECT FROM s2s.fetch AS f
                     WHERE f.transaction_id = p_transaction_id AND f.instance_id = i.instance_id) THEN
    RETURN s2s.retry();
  ELSIF p_lane IS NOT NULL THEN
    -- When it will be ready, nobody knows.
    i := s2s.dataset_wait(i, p_lane, p_poll_after);
    p_ready_after := NULL;
  END IF;
  v_transaction_id := coalesce(p_transaction_id, s2s.fetch_open(i, p_keys, p_keys_digest, p_ready_after, p_most));
  RETURN s2s.store(x, 202, json_build_object(
    'status', 'PENDING', 'transaction_id', v_transaction_id, 'interval', p_interval)::text);
END
$$;
COMMENT ON FUNCTION s2s.issuer_get_pending IS
  'Tells a get to come back (D9): with its transaction_id, or with a new one. p_lane: a backend said that it is not '
  'ready now, whatever was known before, and is asked again after p_poll_after. p_most: gets of an instance that wait.';

CREATE OR REPLACE FUNCTION s2s.issuer_credential_status(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid,
  p_session_id text, p_instance_id text, p_current_version text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  i s2s.instance;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  i := s2s.instance_lock_for(p_peer, p_session_id, p_instance_id);
  IF i.instance_id IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  END IF;
  RETURN s2s.store(x, 200, s2s.credential_status_json(
    s2s.instance_status(i), coalesce(p_current_version, i.credential_version), i.last_status_change_time,
    i.last_status_change_reason));
END
$$;
COMMENT ON FUNCTION s2s.issuer_credential_status IS
  'Shows the status of an instance as it is now. p_current_version is null when the dataset is gone: then the version '
  'last fetched is shown.';

CREATE OR REPLACE FUNCTION s2s.issuer_manage(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid,
  p_session_id text, p_instance_id text, p_action text, p_reason text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  i s2s.instance;
  act record;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  i := s2s.instance_lock_for(p_peer, p_session_id, p_instance_id);
  IF i.instance_id IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  END IF;
  act := s2s.instance_act(i, 'WALLET', p_action, p_reason);
  RETURN s2s.store(x, 200, s2s.managed_json(
    i.session_id, i.instance_id, act.previous_status, act.current_status, act.outcome, act.failure_reason));
END
$$;
COMMENT ON FUNCTION s2s.issuer_manage IS 'What the wallet asks of an instance: SUSPEND, RESUME, UNLINK.';

CREATE OR REPLACE FUNCTION s2s.issuer_event(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid,
  p_session_id text, p_instance_id text, p_event_type text, p_known boolean, p_failure_reason text DEFAULT NULL)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  i s2s.instance;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  i := s2s.instance_lock_for(p_peer, p_session_id, p_instance_id);
  IF i.instance_id IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  END IF;
  IF p_event_type = 'PROVISIONING_SUCCESS' THEN
    PERFORM s2s.instance_act(i, 'WALLET', 'CONFIRM', p_event_type);
  ELSIF p_event_type IN ('LIFECYCLE_SUCCESS', 'LIFECYCLE_FAILURE') THEN
    PERFORM s2s.instance_reported(i, jsonb_build_object(
      'outcome', CASE p_event_type WHEN 'LIFECYCLE_SUCCESS' THEN 'COMPLETED' ELSE 'FAILED' END,
      'failureReason', p_failure_reason));
  END IF;
  RETURN s2s.store(x, 200, json_build_object('acknowledged', p_known)::text);
END
$$;
COMMENT ON FUNCTION s2s.issuer_event IS
  'Takes note of an event. Events are pokes: repeated ones change nothing twice. p_failure_reason: of a lifecycle that '
  'the wallet had scheduled, and that failed.';
