-- SPDX-License-Identifier: Apache-2.0
--
-- The wallet's endpoints, which issuers call (profile sections 4 and 5).
--
-- All take first: p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid; all return s2s.reply.
--
--   s2s.wallet_verification_notify(…, p_session_id text, p_verification_id text, p_status text, p_verification json)
--   s2s.wallet_credential_status(…, p_session_id text, p_instance_id text)
--   s2s.wallet_manage(…, p_session_id text, p_instance_id text, p_action text, p_reason text, p_backend boolean)
--   s2s.wallet_event(…, p_session_id text, p_instance_id text, p_event_type text, p_details json, p_known boolean)
--
--   s2s.wallet_instance_lock_for(p_peer text, p_session_id text, p_instance_id text)
--       -> s2s.wallet_instance, null: not theirs
--   s2s.wallet_status_told(p_status text) -> text
--   s2s.wallet_would_act(i s2s.wallet_instance, p_action text) -> boolean
--   s2s.wallet_lifecycle_ask(i s2s.wallet_instance, x s2s.exchange, p_action text, p_reason text)
--       -> boolean: somebody is asked

CREATE OR REPLACE FUNCTION s2s.wallet_instance_lock_for(p_peer text, p_session_id text, p_instance_id text)
RETURNS s2s.wallet_instance LANGUAGE plpgsql AS $$
DECLARE
  i s2s.wallet_instance;
BEGIN
  SELECT t.* INTO i
  FROM s2s.wallet_instance AS t
  WHERE t.instance_id = p_instance_id AND t.session_id = p_session_id AND t.issuer = p_peer
  FOR NO KEY UPDATE;
  RETURN i;
END
$$;
COMMENT ON FUNCTION s2s.wallet_instance_lock_for(text, text, text) IS
  'Locks an instance for the issuer that its session was opened with.';

CREATE OR REPLACE FUNCTION s2s.wallet_verification_notify(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid,
  p_session_id text, p_verification_id text, p_status text, p_verification json)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  w s2s.wallet_session;
  v_verification jsonb := coalesce(s2s.parsed(p_verification::text), jsonb_build_object('status', p_status));
  v_is_new boolean;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  w := s2s.wallet_session_lock(p_session_id);
  IF w.issuer IS DISTINCT FROM p_peer OR w.verification_id <> p_verification_id THEN
    RETURN s2s.refuse(x, 'not-found');
  END IF;

  v_is_new := w.verification_id IS NULL;
  w.verification_id := p_verification_id;
  v_verification := s2s.wallet_verification(v_verification);
  IF s2s.wallet_session_is_news(w, p_status, v_verification) THEN
    w := s2s.wallet_session_move(w, p_status, v_verification);
    IF v_is_new AND NOT s2s.wallet_session_is_final(w.status) THEN
      PERFORM s2s.wallet_session_go_on(w);
    END IF;
  END IF;
  RETURN s2s.store(x, 200, json_build_object('sessionId', w.session_id, 'verificationId', w.verification_id)::text);
END
$$;
COMMENT ON FUNCTION s2s.wallet_verification_notify IS
  'Word of a session, from the issuer that it was opened with; perhaps sooner than the answer to initiate.';

CREATE OR REPLACE FUNCTION s2s.wallet_status_told(p_status text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_status WHEN 'CANCELLED' THEN 'UNLINKED' ELSE p_status END
$$;
COMMENT ON FUNCTION s2s.wallet_status_told(text) IS
  'A status as issuers are told. What one has taken back, by UNLINK, is off the device; to say that a credential is '
  'invalid for good is not the wallet''s.';

CREATE OR REPLACE FUNCTION s2s.wallet_credential_status(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid,
  p_session_id text, p_instance_id text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  i s2s.wallet_instance;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  i := s2s.wallet_instance_lock_for(p_peer, p_session_id, p_instance_id);
  IF i.instance_id IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  END IF;
  RETURN s2s.store(x, 200, s2s.credential_status_json(
    s2s.wallet_status_told(s2s.wallet_instance_status(i)), i.credential_version, i.last_status_change_time,
    i.last_status_change_reason));
END
$$;
COMMENT ON FUNCTION s2s.wallet_credential_status IS 'Shows an issuer the status of an instance as it is here.';

CREATE OR REPLACE FUNCTION s2s.wallet_would_act(i s2s.wallet_instance, p_action text)
RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT f.failure_reason IS NULL
         AND ((f.issuer_suspended, f.cancelled) <> (i.issuer_suspended, i.cancelled)
              -- What is asked already may change what this does.
              OR EXISTS (SELECT FROM s2s.wallet_lifecycle AS l
                         WHERE l.instance_id = i.instance_id AND l.state IN ('REQUESTED', 'SCHEDULED')))
  FROM s2s.facts_act('ISSUER', CASE p_action WHEN 'UNLINK' THEN 'CANCEL' ELSE p_action END, i.confirmed,
                     i.wallet_suspended, i.issuer_suspended, i.unlinked, i.cancelled) AS f
$$;
COMMENT ON FUNCTION s2s.wallet_would_act(s2s.wallet_instance, text) IS
  'Whether an act of the issuer is possible and would change something: nobody is asked about others.';

CREATE OR REPLACE FUNCTION s2s.wallet_lifecycle_ask(
  i s2s.wallet_instance, x s2s.exchange, p_action text, p_reason text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  l s2s.wallet_lifecycle;
  v_lifecycle_id text := gen_random_uuid();
  v_now timestamptz := clock_timestamp();
BEGIN
  SELECT t.* INTO l
  FROM s2s.wallet_lifecycle AS t
  WHERE t.instance_id = i.instance_id AND t.state IN ('REQUESTED', 'SCHEDULED')
  ORDER BY t.created_at DESC LIMIT 1;
  IF l.action = p_action THEN
    -- Asked for already, and nothing else since. Whoever was to be told may be gone, and others may have come.
    IF l.state = 'REQUESTED' THEN
      PERFORM s2s.webhook_owe('lifecycle.requested', l.lifecycle_id, 'WALLET');
    END IF;
    RETURN true;
  ELSIF s2s.webhook_owe('lifecycle.requested', v_lifecycle_id, 'WALLET') = 0 THEN
    RETURN false;
  END IF;
  INSERT INTO s2s.wallet_lifecycle (created_at, updated_at, lifecycle_id, instance_id, request_id, action, reason)
  VALUES (v_now, v_now, v_lifecycle_id, i.instance_id, x.request_id, p_action, p_reason);
  RETURN true;
END
$$;
COMMENT ON FUNCTION s2s.wallet_lifecycle_ask(s2s.wallet_instance, s2s.exchange, text, text) IS
  'Asks the operator''s backend to do what an issuer wants of a (locked) instance. False: no webhook wants to know.';

CREATE OR REPLACE FUNCTION s2s.wallet_manage(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid,
  p_session_id text, p_instance_id text, p_action text, p_reason text, p_backend boolean)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  i s2s.wallet_instance;
  v_status text;
  act record;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  i := s2s.wallet_instance_lock_for(p_peer, p_session_id, p_instance_id);
  IF i.instance_id IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  ELSIF p_backend AND s2s.wallet_would_act(i, p_action) AND s2s.wallet_lifecycle_ask(i, x, p_action, p_reason) THEN
    v_status := s2s.wallet_instance_status(i);
    RETURN s2s.store(
      x, 200, s2s.managed_json(i.session_id, i.instance_id, v_status, v_status, 'SCHEDULED', NULL));
  END IF;
  act := s2s.wallet_act(i, 'ISSUER', p_action, p_reason);
  RETURN s2s.store(x, 200, s2s.managed_json(
    i.session_id, i.instance_id, s2s.wallet_status_told(act.previous_status),
    s2s.wallet_status_told(act.current_status),
    -- To the issuer, what was UNLINKED already has not changed.
    CASE WHEN (act.previous_status, act.current_status) = ('UNLINKED', 'CANCELLED') THEN 'NO_CHANGE'
         ELSE act.outcome END,
    s2s.wallet_status_told(act.failure_reason)));
END
$$;
COMMENT ON FUNCTION s2s.wallet_manage IS
  'What the issuer asks of an instance: SUSPEND, RESUME, UNLINK. With p_backend the operator''s backend decides, and '
  'the issuer hears the outcome as an event.';

CREATE OR REPLACE FUNCTION s2s.wallet_event(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid,
  p_session_id text, p_instance_id text, p_event_type text, p_details json, p_known boolean)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  i s2s.wallet_instance;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  i := s2s.wallet_instance_lock_for(p_peer, p_session_id, p_instance_id);
  IF i.instance_id IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  END IF;
  CASE p_event_type
    -- Which of its transactions it is does not matter: the others ask once too often.
    WHEN 'CREDENTIAL_READY' THEN PERFORM s2s.wallet_fetches_hurry(i.instance_id);
    WHEN 'CREDENTIAL_UPDATE_AVAILABLE' THEN PERFORM s2s.wallet_flag(i, true, false);
    WHEN 'DISPLAY_DATA_UPDATED' THEN PERFORM s2s.wallet_flag(i, false, true);
    ELSE NULL;
  END CASE;
  RETURN s2s.store(x, 200, json_build_object('acknowledged', p_known)::text);
END
$$;
COMMENT ON FUNCTION s2s.wallet_event IS
  'Takes note of an event of an issuer. Events are pokes: repeated ones change nothing twice.';
