-- SPDX-License-Identifier: Apache-2.0
--
-- The wallet's view of issuances and instances: how it changes, and how the application sees it. The issuer's word
-- makes it; what the wallet itself does to an instance is owed to the issuer with the change.
--
-- Sessions:
--
--   s2s.wallet_session_is_final(p_status text)                                    -> boolean
--   s2s.wallet_session_lock(p_session_id text)                                    -> s2s.wallet_session, null: unknown
--   s2s.wallet_session_write(w s2s.wallet_session)                                -> s2s.wallet_session
--   s2s.wallet_session_is_news(w s2s.wallet_session, p_status text, p_verification jsonb) -> boolean
--   s2s.wallet_session_move(w s2s.wallet_session, p_status text, p_verification jsonb, p_flight bigint DEFAULT NULL)
--                                                                                 -> s2s.wallet_session
--   s2s.wallet_session_owe(w s2s.wallet_session, p_endpoint text)
--   s2s.wallet_session_go_on(w s2s.wallet_session)
--   s2s.wallet_poll(w s2s.wallet_session, p_due timestamptz)
--   s2s.wallet_session_json(w s2s.wallet_session)                                 -> json
--
-- Instances:
--
--   s2s.wallet_instance_status(i s2s.wallet_instance)                             -> text
--   s2s.wallet_instance_lock(p_instance_id text)                                  -> s2s.wallet_instance, null: unknown
--   s2s.wallet_act(i s2s.wallet_instance, p_side text, p_action text, p_reason text, p_tell boolean DEFAULT true,
--                  p_detail text DEFAULT NULL)
--       -> (previous_status text, current_status text, outcome text, failure_reason text)
--   s2s.wallet_flag(i s2s.wallet_instance, p_update_available boolean, p_display_updated boolean)
--   s2s.wallet_instance_json(i s2s.wallet_instance)                               -> json
--
-- What hangs on instances:
--
--   s2s.wallet_fetch_json(f s2s.wallet_fetch)                                     -> json
--   s2s.wallet_event_owe(i s2s.wallet_instance, p_type text, p_timestamp text, p_triggering_request_id text,
--                        p_details json)                                          -> text: the event_id
--   s2s.wallet_lifecycle_end(p_lifecycle_id text, p_outcome text, p_failure_reason text) -> boolean: it was open
--
-- Locks: a session; or an instance, then its fetches and lifecycles; then deliveries.

-- ---- instances ----

CREATE OR REPLACE FUNCTION s2s.wallet_instance_status(i s2s.wallet_instance) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT s2s.facts_status(i.cancelled, i.unlinked, i.issuer_suspended, i.wallet_suspended, i.confirmed)
$$;
COMMENT ON FUNCTION s2s.wallet_instance_status(s2s.wallet_instance) IS 'The status that the facts amount to.';

CREATE OR REPLACE FUNCTION s2s.wallet_instance_lock(p_instance_id text)
RETURNS s2s.wallet_instance LANGUAGE plpgsql AS $$
DECLARE
  i s2s.wallet_instance;
BEGIN
  SELECT t.* INTO i FROM s2s.wallet_instance AS t WHERE t.instance_id = p_instance_id FOR NO KEY UPDATE;
  RETURN i;
END
$$;

CREATE OR REPLACE FUNCTION s2s.wallet_instance_json(i s2s.wallet_instance) RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN json_strip_nulls(json_build_object(
    'credentialInstanceId', i.instance_id,
    'sessionId', i.session_id,
    'issuer', i.issuer,
    'credentialConfigurationId', i.configuration_id,
    'status', s2s.wallet_instance_status(i),
    'credentialVersion', i.credential_version,
    'updateAvailable', i.update_available,
    'displayUpdated', i.display_updated,
    'manage', s2s.manage_json(i.manage_answered_at, i.manage_outcome, i.manage_failure_reason),
    'lastStatusChangeTime', s2s.rfc3339(i.last_status_change_time),
    'lastStatusChangeReason', i.last_status_change_reason));
END
$$;
COMMENT ON FUNCTION s2s.wallet_instance_json(s2s.wallet_instance) IS 'An instance, as the application sees it.';

CREATE OR REPLACE FUNCTION s2s.wallet_instances_json(p_session_id text) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT coalesce(json_agg(s2s.wallet_instance_json(i) ORDER BY i.created_at, i.instance_id), '[]')
  FROM s2s.wallet_instance AS i
  WHERE i.session_id = p_session_id
$$;
COMMENT ON FUNCTION s2s.wallet_instances_json(text) IS 'The instances of a session.';

CREATE OR REPLACE FUNCTION s2s.wallet_act(
  i s2s.wallet_instance, p_side text, p_action text, p_reason text, p_tell boolean DEFAULT true,
  p_detail text DEFAULT NULL,
  OUT previous_status text, OUT current_status text, OUT outcome text, OUT failure_reason text)
LANGUAGE plpgsql AS $$
DECLARE
  before s2s.wallet_instance := i;
  v_now timestamptz := clock_timestamp();
BEGIN
  previous_status := s2s.wallet_instance_status(i);
  current_status := previous_status;

  -- On the wire the issuer takes a credential back by UNLINK; the fact is CANCELLED.
  SELECT f.confirmed, f.wallet_suspended, f.issuer_suspended, f.unlinked, f.cancelled, f.failure_reason
  INTO i.confirmed, i.wallet_suspended, i.issuer_suspended, i.unlinked, i.cancelled, failure_reason
  FROM s2s.facts_act(
    p_side, CASE WHEN p_side = 'ISSUER' AND p_action = 'UNLINK' THEN 'CANCEL' ELSE p_action END,
    i.confirmed, i.wallet_suspended, i.issuer_suspended, i.unlinked, i.cancelled) AS f;
  IF failure_reason IS NOT NULL THEN
    outcome := 'FAILED';
    RETURN;
  ELSIF i IS NOT DISTINCT FROM before THEN
    outcome := 'NO_CHANGE';
    RETURN;
  END IF;

  outcome := 'COMPLETED';
  current_status := s2s.wallet_instance_status(i);
  IF current_status <> previous_status THEN
    i.version := i.version + 1;
    i.last_status_change_time := v_now;
    i.last_status_change_reason := p_reason;
  END IF;
  UPDATE s2s.wallet_instance AS u
  SET version = i.version,
      updated_at = v_now,
      confirmed = i.confirmed,
      wallet_suspended = i.wallet_suspended,
      issuer_suspended = i.issuer_suspended,
      unlinked = i.unlinked,
      cancelled = i.cancelled,
      last_status_change_time = i.last_status_change_time,
      last_status_change_reason = i.last_status_change_reason
  WHERE u.instance_id = i.instance_id;

  IF p_side = 'WALLET' AND p_action <> 'CONFIRM' AND p_tell THEN
    PERFORM s2s.delivery_owe(i.issuer, '/credential/manage', i.instance_id,
                             json_build_object('reason', p_reason, 'reasonDetail', p_detail), p_side => 'WALLET');
  END IF;
  IF current_status <> previous_status THEN
    PERFORM s2s.webhook_owe('instance.changed', i.instance_id, 'WALLET');
  END IF;
  IF i.unlinked OR i.cancelled THEN
    -- Gets that wait wait for nothing: the issuer says so when it is asked.
    PERFORM s2s.wallet_fetches_hurry(i.instance_id);
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.wallet_act IS
  'The one place where the facts of a (locked) instance change: WALLET does CONFIRM, SUSPEND, RESUME or UNLINK, ISSUER '
  'does SUSPEND, RESUME or UNLINK. The issuer is told what the wallet did, unless it said so itself (p_tell).';

CREATE OR REPLACE FUNCTION s2s.wallet_flag(
  i s2s.wallet_instance, p_update_available boolean, p_display_updated boolean)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  -- The version grows also when the flag is up: a get under way may bring something older than what this is about.
  UPDATE s2s.wallet_instance AS u
  SET version = u.version + 1,
      updated_at = clock_timestamp(),
      update_available = u.update_available OR p_update_available,
      display_updated = u.display_updated OR p_display_updated
  WHERE u.instance_id = i.instance_id;
  IF p_update_available AND NOT i.update_available THEN
    PERFORM s2s.webhook_owe('credential.update_available', i.instance_id, 'WALLET');
  END IF;
  IF p_display_updated AND NOT i.display_updated THEN
    PERFORM s2s.webhook_owe('display_data.updated', i.instance_id, 'WALLET');
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.wallet_flag(s2s.wallet_instance, boolean, boolean) IS
  'Of a (locked) instance there is something newer, says the issuer. The webhooks are told when the flag goes up.';

-- ---- fetches ----

CREATE OR REPLACE FUNCTION s2s.wallet_fetches_hurry(p_instance_id text) RETURNS void LANGUAGE sql AS $$
  SELECT s2s.delivery_hurry('/credential/get', f.fetch_id, 'WALLET')
  FROM (SELECT w.fetch_id
        -- OFFSET 0: see "Plans made on empty tables" in sql/README.md.
        FROM (SELECT t.fetch_id
              FROM s2s.wallet_fetch AS t
              WHERE t.instance_id = p_instance_id AND t.state = 'WAITING'
              OFFSET 0) AS w
        ORDER BY w.fetch_id) AS f
$$;
COMMENT ON FUNCTION s2s.wallet_fetches_hurry(text) IS 'The fetches of a (locked) instance that wait ask again at once.';

CREATE OR REPLACE FUNCTION s2s.wallet_fetch_json(f s2s.wallet_fetch) RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN s2s.json_join(
    json_build_object('fetchId', f.fetch_id, 'credentialInstanceId', f.instance_id, 'status', f.state),
    -- Of the issuer's answer, what is the application's business, as it came.
    (SELECT json_object_agg(m.key, m.value)
     FROM json_each(f.answer::json) AS m
     WHERE m.key IN ('credentialVersion', 'credentials', 'credentialMetadata')),
    CASE WHEN f.problem IS NOT NULL THEN json_build_object('problem', f.problem) END,
    json_build_object('createdAt', s2s.rfc3339(f.created_at), 'updatedAt', s2s.rfc3339(f.updated_at)));
END
$$;
COMMENT ON FUNCTION s2s.wallet_fetch_json(s2s.wallet_fetch) IS 'A fetch, as the application sees it.';

-- ---- sessions ----

CREATE OR REPLACE FUNCTION s2s.wallet_session_is_final(p_status text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT s2s.verification_is_final(p_status) OR p_status = 'FAILED'
$$;

CREATE OR REPLACE FUNCTION s2s.wallet_session_lock(p_session_id text)
RETURNS s2s.wallet_session LANGUAGE plpgsql AS $$
DECLARE
  w s2s.wallet_session;
BEGIN
  SELECT t.* INTO w FROM s2s.wallet_session AS t WHERE t.session_id = p_session_id FOR NO KEY UPDATE;
  RETURN w;
END
$$;

CREATE OR REPLACE FUNCTION s2s.wallet_session_json(w s2s.wallet_session) RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN s2s.json_join(
    json_strip_nulls(json_build_object(
      'sessionId', w.session_id, 'issuer', w.issuer, 'status', w.status, 'verificationId', w.verification_id)),
    CASE WHEN w.verification IS NOT NULL THEN json_build_object('verification', w.verification) END,
    CASE WHEN w.problem IS NOT NULL THEN json_build_object('problem', w.problem) END,
    json_build_object(
      'credentialConfigurationIds', w.configuration_ids,
      'instances', s2s.wallet_instances_json(w.session_id),
      'createdAt', s2s.rfc3339(w.created_at),
      'updatedAt', s2s.rfc3339(w.updated_at)));
END
$$;
COMMENT ON FUNCTION s2s.wallet_session_json(s2s.wallet_session) IS 'An issuance, as the application sees it.';

CREATE OR REPLACE FUNCTION s2s.wallet_session_write(w s2s.wallet_session)
RETURNS s2s.wallet_session LANGUAGE plpgsql AS $$
BEGIN
  UPDATE s2s.wallet_session AS u
  SET updated_at = clock_timestamp(),
      version = w.version,
      polled = w.polled,
      verification_id = w.verification_id,
      status = w.status,
      cancel_reason = w.cancel_reason,
      verification = w.verification,
      problem = w.problem,
      body_sealed = w.body_sealed
  WHERE u.session_id = w.session_id
  RETURNING u.* INTO STRICT w;
  RETURN w;
END
$$;
COMMENT ON FUNCTION s2s.wallet_session_write(s2s.wallet_session) IS 'Writes a (locked) session back.';

CREATE OR REPLACE FUNCTION s2s.wallet_session_owe(w s2s.wallet_session, p_endpoint text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM s2s.delivery_owe(w.issuer, p_endpoint, w.session_id, p_side => 'WALLET');
END
$$;
COMMENT ON FUNCTION s2s.wallet_session_owe(s2s.wallet_session, text) IS 'The issuer is to be called about a session.';

CREATE OR REPLACE FUNCTION s2s.wallet_poll(w s2s.wallet_session, p_due timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_noted text;
BEGIN
  UPDATE s2s.delivery AS u
  SET polls = 0,
      next_at = CASE WHEN u.lease IS NULL THEN least(u.next_at, p_due) ELSE u.next_at END,
      owed_at = least(u.owed_at, p_due),
      owed = u.owed + (u.lease IS NOT NULL AND p_due <= clock_timestamp())::integer
  WHERE u.ref = w.session_id AND u.endpoint = '/verification/status' AND u.side = 'WALLET';
  IF NOT FOUND THEN
    PERFORM s2s.delivery_owe(w.issuer, '/verification/status', w.session_id, NULL, p_due, 'WALLET');
  ELSIF p_due <= clock_timestamp() THEN
    v_noted := s2s.note_due();
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.wallet_poll(s2s.wallet_session, timestamptz) IS
  'The issuer of a (locked) session is asked at p_due at the latest, and then less and less often. It may be asking '
  'now: an answer that is due at once does not count, and it asks again.';

CREATE OR REPLACE FUNCTION s2s.wallet_session_go_on(w s2s.wallet_session) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF w.cancel_reason IS NOT NULL THEN
    PERFORM s2s.wallet_session_owe(w, '/verification/cancel');
  END IF;
  PERFORM s2s.wallet_session_owe(w, '/verification/supplement')
  WHERE EXISTS (SELECT FROM s2s.wallet_submission AS s WHERE s.session_id = w.session_id);
END
$$;
COMMENT ON FUNCTION s2s.wallet_session_go_on(s2s.wallet_session) IS
  'The verificationId of a (locked) session is known now: what waited for it is owed.';

CREATE OR REPLACE FUNCTION s2s.wallet_session_is_news(w s2s.wallet_session, p_status text, p_verification jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT NOT s2s.verification_is_final(w.status)
         AND (w.status <> p_status OR w.verification::jsonb IS DISTINCT FROM p_verification)
$$;
COMMENT ON FUNCTION s2s.wallet_session_is_news(s2s.wallet_session, text, jsonb) IS
  'Whether this says something else than what is known, of a session that is not over. FAILED is over for the wallet; '
  'but an issuer that speaks of such a session has opened it after all.';

CREATE OR REPLACE FUNCTION s2s.wallet_session_move(
  w s2s.wallet_session, p_status text, p_verification jsonb, p_flight bigint DEFAULT NULL)
RETURNS s2s.wallet_session LANGUAGE plpgsql AS $$
DECLARE
  v_endpoint text;
BEGIN
  IF NOT s2s.wallet_session_is_news(w, p_status, p_verification) THEN
    RETURN s2s.wallet_session_write(w);
  END IF;
  w.version := w.version + 1;
  w.status := p_status;
  w.verification := p_verification;
  IF s2s.wallet_session_is_final(p_status) THEN
    -- Nobody will look at what waited to be sent any more.
    w.body_sealed := NULL;
    DELETE FROM s2s.wallet_submission AS s WHERE s.session_id = w.session_id;
    FOREACH v_endpoint IN ARRAY ARRAY['cancel', 'initiate', 'status', 'supplement'] LOOP
      PERFORM s2s.delivery_withdraw('/verification/' || v_endpoint, w.session_id, 'WALLET', p_flight);
    END LOOP;
  END IF;
  w := s2s.wallet_session_write(w);
  IF p_status = 'APPROVED' THEN
    PERFORM s2s.wallet_session_owe(w, '/credential/provision');
  END IF;
  PERFORM s2s.webhook_owe('verification.changed', w.session_id, 'WALLET');
  RETURN w;
END
$$;
COMMENT ON FUNCTION s2s.wallet_session_move(s2s.wallet_session, text, jsonb, bigint) IS
  'The one place where the status of a (locked) session changes; further details are filled in. What is no news, or '
  'comes after a final one, only writes these. p_flight: the delivery whose answer this is; its end is its caller''s '
  'business.';

-- ---- events ----

CREATE OR REPLACE FUNCTION s2s.wallet_event_owe(
  i s2s.wallet_instance, p_type text, p_timestamp text, p_triggering_request_id text, p_details json)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_event_id text := gen_random_uuid();
BEGIN
  INSERT INTO s2s.wallet_event (
    created_at, event_id, instance_id, event_type, event_timestamp, triggering_request_id, details)
  VALUES (clock_timestamp(), v_event_id, i.instance_id, p_type, p_timestamp, p_triggering_request_id, p_details);
  PERFORM s2s.delivery_owe(i.issuer, '/event/notify', v_event_id, p_side => 'WALLET');
  RETURN v_event_id;
END
$$;
COMMENT ON FUNCTION s2s.wallet_event_owe IS 'Something happened to an instance: the issuer is owed word of it.';

CREATE OR REPLACE FUNCTION s2s.wallet_lifecycle_end(p_lifecycle_id text, p_outcome text, p_failure_reason text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  i s2s.wallet_instance;
  l s2s.wallet_lifecycle;
  act record;
  v_failure_reason text := left(p_failure_reason, 200);
  v_completed boolean := p_outcome = 'COMPLETED';
BEGIN
  i := s2s.wallet_instance_lock(
    (SELECT t.instance_id FROM s2s.wallet_lifecycle AS t WHERE t.lifecycle_id = p_lifecycle_id));
  SELECT t.* INTO l
  FROM s2s.wallet_lifecycle AS t
  WHERE t.lifecycle_id = p_lifecycle_id
  FOR NO KEY UPDATE;
  IF NOT FOUND OR l.state NOT IN ('REQUESTED', 'SCHEDULED') THEN
    RETURN false;
  END IF;

  IF v_completed THEN
    act := s2s.wallet_act(i, 'ISSUER', l.action, l.reason);
    v_completed := act.outcome <> 'FAILED';
    v_failure_reason := act.failure_reason;
  END IF;
  UPDATE s2s.wallet_lifecycle AS u
  SET updated_at = clock_timestamp(),
      state = CASE WHEN v_completed THEN 'COMPLETED' ELSE 'FAILED' END,
      failure_reason = v_failure_reason
  WHERE u.lifecycle_id = p_lifecycle_id;
  PERFORM s2s.wallet_event_owe(
    i, CASE WHEN v_completed THEN 'LIFECYCLE_SUCCESS' ELSE 'LIFECYCLE_FAILURE' END, NULL, l.request_id::text,
    CASE WHEN v_failure_reason IS NOT NULL THEN json_build_object('failureReason', v_failure_reason) END);
  RETURN true;
END
$$;
COMMENT ON FUNCTION s2s.wallet_lifecycle_end(text, text, text) IS
  'The backend''s outcome (COMPLETED or FAILED) of what an issuer asked of an instance. Only now the facts change, and '
  'the issuer is owed word of it.';
