-- SPDX-License-Identifier: Apache-2.0
--
-- What the wallet sends to issuers, and what their answers do: the wallet's side of the seams in delivery.sql.
--
--   endpoint                    ref         an answer brings
--   /verification/initiate      session     the verificationId and the status; then what waited for it is owed
--   /verification/supplement    session     the status; the next submission that waits is sent
--   /verification/cancel        session     nothing: the issuer is polled at once
--   /verification/status        session     the status, again and again until it is final
--   /credential/provision       session     instances
--   /credential/get             fetch       credentials, or "not yet"
--   /credential/manage          instance    an outcome
--   /credential/status          instance    what reconcile.sql makes of it
--   /event/notify               event       the end of the event
--
--   s2s.wallet_message(d s2s.delivery) -> (body text, session_id text, sealed bytea, seen bigint)
--   s2s.wallet_lock_thing(d s2s.delivery)
--   s2s.wallet_answered(d s2s.delivery, p_status int, p_answer jsonb, p_poll_first interval, p_poll_longest interval)
--       -> (verdict text, detail text, due timestamptz)
--   s2s.wallet_refused(d s2s.delivery, p_status int, p_answer jsonb) -> text
--   s2s.wallet_given_up(d s2s.delivery, p_reason text)
--
-- Within, of locked things: s2s.wallet_session_message, s2s.wallet_session_answered, s2s.wallet_session_refused,
-- s2s.wallet_provisioned, s2s.wallet_got, s2s.wallet_managed.

CREATE OR REPLACE FUNCTION s2s.wallet_is_about_session(p_endpoint text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT p_endpoint LIKE '/verification/%' OR p_endpoint = '/credential/provision'
$$;

-- ---- what is sent ----

CREATE OR REPLACE FUNCTION s2s.wallet_session_message(d s2s.delivery, OUT body text, OUT sealed bytea, OUT seen bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  w s2s.wallet_session;
  v_ids json;
BEGIN
  SELECT t.* INTO w FROM s2s.wallet_session AS t WHERE t.session_id = d.ref;
  seen := w.version;
  v_ids := json_build_object('sessionId', w.session_id, 'verificationId', w.verification_id);
  IF d.endpoint = '/verification/initiate' THEN
    sealed := w.body_sealed;
    body := CASE WHEN sealed IS NOT NULL THEN '{}' END;
  ELSIF w.verification_id IS NULL
        OR s2s.wallet_session_is_final(w.status) <> (d.endpoint = '/credential/provision') THEN
    body := NULL;
  ELSIF d.endpoint = '/verification/cancel' THEN
    body := CASE WHEN w.cancel_reason IS NOT NULL
                 THEN s2s.json_join(v_ids, json_build_object('reason', w.cancel_reason)) END;
  ELSIF d.endpoint = '/verification/supplement' THEN
    SELECT s.body_sealed INTO sealed
    FROM s2s.wallet_submission AS s
    WHERE s.session_id = w.session_id
    ORDER BY s.seq LIMIT 1;
    body := CASE WHEN sealed IS NOT NULL THEN v_ids END;
  ELSE
    body := v_ids;
  END IF;
END
$$;

CREATE OR REPLACE FUNCTION s2s.wallet_message(
  d s2s.delivery, OUT body text, OUT session_id text, OUT sealed bytea, OUT seen bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF s2s.wallet_is_about_session(d.endpoint) THEN
    session_id := d.ref;
    SELECT m.body, m.sealed, m.seen INTO body, sealed, seen FROM s2s.wallet_session_message(d) AS m;
    RETURN;
  END IF;

  CASE d.endpoint
    WHEN '/credential/get' THEN
      -- The issuer has kept what clientEncryptedData says (D9). But when nothing else binds the wallet encryption key
      -- to the wallet client (D5), every request needs it. OFFSET 0, here and below: see "Plans made on empty tables" in
      -- sql/README.md.
      SELECT CASE WHEN f.transaction_id IS NULL OR f.request -> 'walletEncryptionKey' -> 'attestation' IS NULL
                  THEN f.request::text
                  ELSE (SELECT json_object_agg(m.key, m.value)
                        FROM (SELECT r.key, r.value FROM json_each(f.request) AS r WHERE r.key <> 'clientEncryptedData'
                              UNION ALL
                              SELECT 'transaction_id', to_json(f.transaction_id)) AS m)::text END,
             i.session_id, i.version
      INTO body, session_id, seen
      FROM (SELECT t.* FROM s2s.wallet_fetch AS t WHERE t.fetch_id = d.ref OFFSET 0) AS f
      CROSS JOIN LATERAL (SELECT t.* FROM s2s.wallet_instance AS t WHERE t.instance_id = f.instance_id OFFSET 0) AS i
      WHERE f.state = 'WAITING';

    WHEN '/credential/manage' THEN
      SELECT json_strip_nulls(json_build_object(
               'sessionId', i.session_id,
               'credentialInstanceId', i.instance_id,
               'action', CASE WHEN i.unlinked THEN 'UNLINK' WHEN i.wallet_suspended THEN 'SUSPEND' ELSE 'RESUME' END,
               'reason', d.payload ->> 'reason',
               'reasonDetail', d.payload ->> 'reasonDetail',
               'timestamp', s2s.rfc3339(d.owed_at))),
             i.session_id
      INTO body, session_id
      FROM s2s.wallet_instance AS i
      WHERE i.instance_id = d.ref AND NOT i.cancelled;

    WHEN '/credential/status' THEN
      SELECT json_build_object('sessionId', i.session_id, 'credentialInstanceId', i.instance_id), i.session_id
      INTO body, session_id
      FROM s2s.wallet_instance AS i
      WHERE i.instance_id = d.ref;

    WHEN '/event/notify' THEN
      SELECT s2s.json_join(
               json_strip_nulls(json_build_object(
                 'sessionId', i.session_id,
                 'credentialInstanceId', i.instance_id,
                 'eventType', e.event_type,
                 'eventTimestamp', coalesce(e.event_timestamp, s2s.rfc3339(e.created_at)),
                 'triggeringRequestId', e.triggering_request_id)),
               CASE WHEN e.details IS NOT NULL THEN json_build_object('eventDetails', e.details) END),
             i.session_id
      INTO body, session_id
      FROM s2s.wallet_event AS e
      CROSS JOIN LATERAL (SELECT t.* FROM s2s.wallet_instance AS t WHERE t.instance_id = e.instance_id OFFSET 0) AS i
      WHERE e.event_id = d.ref;
  END CASE;
END
$$;
COMMENT ON FUNCTION s2s.wallet_message(s2s.delivery) IS
  'What to send to an issuer; null when there is nothing to say any more. seen is the version of the session or '
  'instance.';

CREATE OR REPLACE FUNCTION s2s.wallet_lock_thing(d s2s.delivery) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF s2s.wallet_is_about_session(d.endpoint) THEN
    PERFORM FROM s2s.wallet_session AS w WHERE w.session_id = d.ref FOR NO KEY UPDATE;
  ELSIF d.endpoint = '/credential/get' THEN
    PERFORM s2s.wallet_instance_lock((SELECT f.instance_id FROM s2s.wallet_fetch AS f WHERE f.fetch_id = d.ref));
    PERFORM FROM s2s.wallet_fetch AS f WHERE f.fetch_id = d.ref FOR NO KEY UPDATE;
  ELSIF d.endpoint IN ('/credential/manage', '/credential/status') THEN
    PERFORM s2s.wallet_instance_lock(d.ref);
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.wallet_lock_thing(s2s.delivery) IS 'Locks what an answer of the issuer will change.';

-- ---- answers about a session ----

CREATE OR REPLACE FUNCTION s2s.wallet_verification(p_answer jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_object_agg(m.key, m.value)
  FROM jsonb_each(CASE WHEN jsonb_typeof(p_answer) = 'object' THEN p_answer END) AS m
  WHERE m.key IN ('sessionId', 'verificationId', 'status', 'credentialConfigurationIds', 'authorizedDeviceCount',
                  'reasonCode', 'rejectedDetails', 'deniedMessage', 'verificationDataRequest', 'extensions')
$$;
COMMENT ON FUNCTION s2s.wallet_verification(jsonb) IS
  'The members of VerificationStatus (profile section 4), no others; null when it has none.';

CREATE OR REPLACE FUNCTION s2s.wallet_answer_fault(w s2s.wallet_session, p_answer jsonb)
RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN CASE
    WHEN s2s.text_member(p_answer, 'sessionId') IS DISTINCT FROM w.session_id THEN 'the answer is for another session'
    WHEN s2s.text_member(p_answer, 'verificationId') IS NULL THEN 'the answer names no verification'
    WHEN p_answer ->> 'verificationId' <> w.verification_id THEN 'the answer is for another verification'
    WHEN (p_answer ->> 'status'
          IN ('PENDING', 'ADDITIONAL_INFO_REQUIRED', 'REJECTED', 'APPROVED', 'DENIED', 'EXPIRED')) IS NOT TRUE
      THEN 'the answer has no known status'
  END;
END
$$;
COMMENT ON FUNCTION s2s.wallet_answer_fault(s2s.wallet_session, jsonb) IS
  'Why this cannot be the VerificationStatus of a session; null: it may be.';

CREATE OR REPLACE FUNCTION s2s.wallet_poll_after(
  p_polls integer, p_first interval, p_longest interval) RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
  SELECT clock_timestamp() + least(p_longest, p_first * 2 ^ least(p_polls, 30)) * (0.9 + random() * 0.2)
$$;
COMMENT ON FUNCTION s2s.wallet_poll_after(integer, interval, interval) IS
  'When to ask again after so many answers: twice as long each time. A fifth of it is jitter.';

CREATE OR REPLACE FUNCTION s2s.wallet_session_answered(
  d s2s.delivery, p_answer jsonb, p_poll_first interval, p_poll_longest interval,
  OUT verdict text, OUT detail text, OUT due timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
  w s2s.wallet_session := s2s.wallet_session_lock(d.ref);
  v_was_polled boolean := w.polled;
  v_status text := p_answer ->> 'status';
  v_verification jsonb := s2s.wallet_verification(p_answer);
  v_is_news boolean := s2s.wallet_session_is_news(w, v_status, v_verification);
  -- What came in while the answer was on its way may be newer or older than it: it stays, and the issuer is asked
  -- again.
  v_is_stale boolean := v_is_news AND w.version > d.seen;
BEGIN
  verdict := 'done';
  detail := s2s.wallet_answer_fault(w, p_answer);
  IF detail IS NOT NULL THEN
    verdict := 'refused';
    RETURN;
  END IF;

  w.polled := p_poll_first IS NOT NULL;
  w.verification_id := p_answer ->> 'verificationId';
  IF d.endpoint = '/verification/initiate' THEN
    w.body_sealed := NULL;
  ELSIF d.endpoint = '/verification/supplement' THEN
    DELETE FROM s2s.wallet_submission AS s
    WHERE s.session_id = w.session_id
      AND s.seq = (SELECT min(o.seq) FROM s2s.wallet_submission AS o WHERE o.session_id = w.session_id);
  END IF;
  IF d.endpoint <> '/verification/status' THEN
    w.problem := NULL;
  END IF;
  IF v_is_news AND NOT v_is_stale THEN
    w := s2s.wallet_session_move(w, v_status, v_verification, d.delivery_id);
  ELSIF d.endpoint <> '/verification/status' OR w.polled <> v_was_polled THEN
    w := s2s.wallet_session_write(w);
  END IF;
  IF s2s.wallet_session_is_final(w.status) THEN
    RETURN;
  END IF;

  IF d.endpoint = '/verification/status' THEN
    verdict := CASE WHEN v_is_stale THEN 'again' WHEN w.polled THEN 'wait' ELSE 'done' END;
    due := s2s.wallet_poll_after(d.polls + 1, p_poll_first, p_poll_longest);
    RETURN;
  ELSIF v_is_stale THEN
    PERFORM s2s.wallet_poll(w, clock_timestamp());
  ELSIF w.polled THEN
    PERFORM s2s.wallet_poll(w, s2s.wallet_poll_after(0, p_poll_first, p_poll_longest));
  END IF;
  IF d.endpoint = '/verification/initiate' THEN
    PERFORM s2s.wallet_session_go_on(w);
  ELSIF EXISTS (SELECT FROM s2s.wallet_submission AS s WHERE s.session_id = w.session_id) THEN
    verdict := 'again';
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.wallet_session_answered IS 'The issuer told the status of a session.';

CREATE OR REPLACE FUNCTION s2s.wallet_provisioned(d s2s.delivery, p_answer jsonb, OUT verdict text, OUT detail text)
LANGUAGE plpgsql AS $$
DECLARE
  w s2s.wallet_session := s2s.wallet_session_lock(d.ref);
  v_now timestamptz := clock_timestamp();
  v_ids text[];
  v_configurations text[];
  v_added text[];
BEGIN
  SELECT array_agg(CASE WHEN jsonb_typeof(i.id) = 'string' AND length(i.id #>> '{}') BETWEEN 1 AND 256
                        THEN i.id #>> '{}' END),
         array_agg(s2s.text_member(c.of, 'credentialConfigurationId'))
  INTO v_ids, v_configurations
  FROM jsonb_path_query(p_answer, '$.CredentialInstances[*]') AS c (of)
  CROSS JOIN LATERAL jsonb_path_query(c.of, '$.credentialInstanceIds[*]') AS i (id);
  verdict := 'refused';
  IF v_ids IS NULL OR array_position(v_ids, NULL) IS NOT NULL OR array_position(v_configurations, NULL) IS NOT NULL THEN
    detail := 'the answer provisions nothing';
    RETURN;
  END IF;

  WITH added AS (
    INSERT INTO s2s.wallet_instance (
      created_at, updated_at, last_status_change_time, instance_id, session_id, issuer, configuration_id)
    SELECT v_now, v_now, v_now, p.instance_id, w.session_id, w.issuer, p.configuration_id
    FROM unnest(v_ids, v_configurations) AS p (instance_id, configuration_id)
    -- Every gateway inserts in the same order, so that none waits for one that waits for it.
    ORDER BY p.instance_id
    ON CONFLICT (instance_id) DO NOTHING
    RETURNING instance_id
  )
  SELECT array_agg(a.instance_id) INTO v_added FROM added AS a;
  IF EXISTS (SELECT FROM s2s.wallet_instance AS i
             WHERE i.instance_id = ANY (v_ids) AND i.session_id <> w.session_id) THEN
    DELETE FROM s2s.wallet_instance AS i WHERE i.instance_id = ANY (v_added);
    detail := 'the answer names an instance of another session';
    RETURN;
  END IF;
  IF w.problem IS NOT NULL THEN
    w.problem := NULL;
    PERFORM s2s.wallet_session_write(w);
  END IF;
  IF v_added IS NOT NULL THEN
    PERFORM s2s.webhook_owe('instances.provisioned', w.session_id, 'WALLET');
  END IF;
  verdict := 'done';
END
$$;
COMMENT ON FUNCTION s2s.wallet_provisioned(s2s.delivery, jsonb) IS
  'The issuer named the instances of a session. Those of another session stay what they are, whoever names them.';

-- ---- answers about a fetch ----

CREATE OR REPLACE FUNCTION s2s.wallet_fetch_settle(f s2s.wallet_fetch, p_state text, p_answer text, p_problem json)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE s2s.wallet_fetch AS u
  SET updated_at = clock_timestamp(), state = p_state, answer = p_answer, problem = p_problem
  WHERE u.fetch_id = f.fetch_id;
  PERFORM s2s.webhook_owe('credentials.ready', f.fetch_id, 'WALLET');
END
$$;
COMMENT ON FUNCTION s2s.wallet_fetch_settle(s2s.wallet_fetch, text, text, json) IS
  'A (locked) fetch is READY or FAILED.';

CREATE OR REPLACE FUNCTION s2s.wallet_ask_again_at(p_answer jsonb, p_polls integer, p_poll_longest interval)
RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
  -- Never sooner than the issuer says, within a day; without its word, in five seconds.
  SELECT clock_timestamp()
         + greatest(i.said, least(p_poll_longest, i.said * 1.5 ^ least(p_polls, 30))) * (1 + random() * 0.1)
  FROM (SELECT CASE WHEN jsonb_typeof(p_answer -> 'interval') = 'number'
                    THEN least(greatest((p_answer ->> 'interval')::numeric, 1), 86400)
                    ELSE 5 END::double precision * interval '1 second') AS i (said)
$$;
COMMENT ON FUNCTION s2s.wallet_ask_again_at(jsonb, integer, interval) IS
  'When to ask again for credentials that are not ready after so many answers: half as long again each time (D9).';

CREATE OR REPLACE FUNCTION s2s.wallet_got(
  d s2s.delivery, p_status integer, p_answer jsonb, p_poll_longest interval,
  OUT verdict text, OUT detail text, OUT due timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
  f s2s.wallet_fetch;
BEGIN
  verdict := 'done';
  SELECT t.* INTO f FROM s2s.wallet_fetch AS t WHERE t.fetch_id = d.ref;
  IF f.state IS DISTINCT FROM 'WAITING' THEN
    RETURN;
  ELSIF p_status = 202 THEN
    UPDATE s2s.wallet_fetch AS u
    SET transaction_id = coalesce(s2s.text_member(p_answer, 'transaction_id', 1024), u.transaction_id)
    WHERE u.fetch_id = f.fetch_id;
    verdict := 'wait';
    -- Without polling, word that they are ready makes it due.
    due := CASE WHEN p_poll_longest IS NULL THEN 'infinity'
                ELSE s2s.wallet_ask_again_at(p_answer, d.polls, p_poll_longest) END;
    RETURN;
  ELSIF s2s.text_member(p_answer, 'credentialVersion') IS NULL OR p_answer -> 'credentials' IS NULL THEN
    verdict := 'refused';
    detail := 'the answer brings no credentials';
    RETURN;
  END IF;

  UPDATE s2s.wallet_instance AS u
  SET updated_at = clock_timestamp(),
      credential_version = p_answer ->> 'credentialVersion',
      -- What was said during the flight may be about something newer than what it brings.
      update_available = u.update_available AND u.version > d.seen,
      display_updated = u.display_updated AND (u.version > d.seen OR p_answer -> 'credentialMetadata' IS NULL),
      missing_at = NULL
  WHERE u.instance_id = f.instance_id;
  PERFORM s2s.wallet_fetch_settle(f, 'READY', p_answer::text, NULL);
END
$$;
COMMENT ON FUNCTION s2s.wallet_got IS 'The issuer gave the credentials of a fetch, or said that they are not ready.';

-- ---- the others, and all ----

CREATE OR REPLACE FUNCTION s2s.wallet_managed(p_instance_id text, p_answer jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  m record := s2s.manage_answer(p_answer);
BEGIN
  UPDATE s2s.wallet_instance AS u
  SET updated_at = clock_timestamp(), manage_answered_at = clock_timestamp(), manage_outcome = m.outcome,
      manage_failure_reason = m.failure_reason
  WHERE u.instance_id = p_instance_id;
  RETURN m.outcome;
END
$$;
COMMENT ON FUNCTION s2s.wallet_managed(text, jsonb) IS
  'Keeps what the issuer answered to a /credential/manage of ours.';

CREATE OR REPLACE FUNCTION s2s.wallet_answered(
  d s2s.delivery, p_status integer, p_answer jsonb, p_poll_first interval, p_poll_longest interval,
  OUT verdict text, OUT detail text, OUT due timestamptz)
LANGUAGE plpgsql AS $$
BEGIN
  verdict := 'done';
  CASE d.endpoint
    WHEN '/verification/initiate', '/verification/supplement', '/verification/status' THEN
      SELECT a.verdict, a.detail, a.due INTO verdict, detail, due
      FROM s2s.wallet_session_answered(d, p_answer, p_poll_first, p_poll_longest) AS a;
    WHEN '/verification/cancel' THEN
      -- It does not say what became of the verification.
      PERFORM s2s.wallet_poll(s2s.wallet_session_lock(d.ref), clock_timestamp());
    WHEN '/credential/provision' THEN
      SELECT a.verdict, a.detail INTO verdict, detail FROM s2s.wallet_provisioned(d, p_answer) AS a;
    WHEN '/credential/get' THEN
      SELECT a.verdict, a.detail, a.due INTO verdict, detail, due
      FROM s2s.wallet_got(d, p_status, p_answer, p_poll_longest) AS a;
    WHEN '/credential/manage' THEN
      detail := s2s.wallet_managed(d.ref, p_answer);
    WHEN '/credential/status' THEN
      detail := s2s.reconcile_answer(d, p_status, p_answer::json);
    WHEN '/event/notify' THEN
      DELETE FROM s2s.wallet_event AS e WHERE e.event_id = d.ref;
      detail := CASE WHEN p_answer -> 'acknowledged' = 'false' THEN 'not acknowledged' END;
  END CASE;
END
$$;
COMMENT ON FUNCTION s2s.wallet_answered IS 'Does what an answer of the issuer brings about.';

-- ---- refusals ----

CREATE OR REPLACE FUNCTION s2s.wallet_problem(p_status integer, p_answer jsonb)
RETURNS json LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN jsonb_typeof(p_answer) = 'object' AND length(p_answer::text) <= 4000
      THEN p_answer || jsonb_build_object('status', p_status)
    ELSE jsonb_build_object('title', 'The issuer refused it', 'status', p_status)
  END::json
$$;
COMMENT ON FUNCTION s2s.wallet_problem(integer, jsonb) IS 'A refusal of the issuer, for the application.';

CREATE OR REPLACE FUNCTION s2s.wallet_session_refused(d s2s.delivery, p_problem json)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  w s2s.wallet_session := s2s.wallet_session_lock(d.ref);
BEGIN
  w.problem := p_problem;
  IF d.endpoint = '/verification/initiate' AND w.verification_id IS NULL THEN
    PERFORM s2s.wallet_session_move(w, 'FAILED', NULL, d.delivery_id);
    RETURN 'done';
  END IF;

  IF d.endpoint = '/verification/initiate' THEN
    -- The issuer has spoken of it already: it lives, whatever became of the answer to an earlier attempt.
    w.body_sealed := NULL;
    w.problem := NULL;
    PERFORM s2s.wallet_session_go_on(w);
  ELSIF d.endpoint = '/verification/supplement' THEN
    DELETE FROM s2s.wallet_submission AS s
    WHERE s.session_id = w.session_id
      AND s.seq = (SELECT min(o.seq) FROM s2s.wallet_submission AS o WHERE o.session_id = w.session_id);
  ELSE
    w.cancel_reason := NULL;
  END IF;
  w.polled := true;
  w := s2s.wallet_session_write(w);
  -- Perhaps its state forbade the call.
  PERFORM s2s.wallet_poll(w, clock_timestamp());
  PERFORM s2s.webhook_owe('verification.changed', w.session_id, 'WALLET');
  RETURN CASE WHEN d.endpoint = '/verification/supplement'
                   AND EXISTS (SELECT FROM s2s.wallet_submission AS s WHERE s.session_id = w.session_id)
              THEN 'again' ELSE 'done' END;
END
$$;
COMMENT ON FUNCTION s2s.wallet_session_refused(s2s.delivery, json) IS
  'The issuer will not have an initiate, a supplement or a cancellation: the application''s to know and to act on.';

CREATE OR REPLACE FUNCTION s2s.wallet_refused(d s2s.delivery, p_status integer, p_answer jsonb)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  f s2s.wallet_fetch;
BEGIN
  CASE d.endpoint
    WHEN '/verification/initiate', '/verification/supplement', '/verification/cancel' THEN
      RETURN s2s.wallet_session_refused(d, s2s.wallet_problem(p_status, p_answer));
    WHEN '/credential/get' THEN
      SELECT t.* INTO f FROM s2s.wallet_fetch AS t WHERE t.fetch_id = d.ref;
      IF f.state = 'WAITING' THEN
        PERFORM s2s.wallet_fetch_settle(f, 'FAILED', NULL, s2s.wallet_problem(p_status, p_answer));
      END IF;
      RETURN 'done';
    WHEN '/credential/status' THEN
      PERFORM s2s.reconcile_answer(d, p_status, p_answer::json);
      RETURN 'done';
    ELSE
      RETURN NULL;
  END CASE;
END
$$;
COMMENT ON FUNCTION s2s.wallet_refused(s2s.delivery, integer, jsonb) IS
  'Does what a final refusal of the issuer brings about; null when it is for an operator.';

CREATE OR REPLACE FUNCTION s2s.wallet_given_up(d s2s.delivery, p_reason text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_problem json := json_build_object('title', 'The issuer could not be told', 'detail', p_reason);
BEGIN
  IF s2s.wallet_is_about_session(d.endpoint) THEN
    PERFORM FROM s2s.wallet_session AS w WHERE w.session_id = d.ref FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
      UPDATE s2s.wallet_session AS u
      SET updated_at = clock_timestamp(), problem = v_problem
      WHERE u.session_id = d.ref;
      PERFORM s2s.webhook_owe('verification.changed', d.ref, 'WALLET');
    END IF;
  ELSIF d.endpoint = '/credential/get' THEN
    PERFORM FROM s2s.wallet_fetch AS f WHERE f.fetch_id = d.ref FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
      UPDATE s2s.wallet_fetch AS u SET updated_at = clock_timestamp(), problem = v_problem WHERE u.fetch_id = d.ref;
    END IF;
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.wallet_given_up(s2s.delivery, text) IS
  'The issuer was not told: the application may see why. The state stays, as an operator may send it again. What '
  'somebody else holds is not waited for.';
