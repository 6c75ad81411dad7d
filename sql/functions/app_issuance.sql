-- SPDX-License-Identifier: Apache-2.0
--
-- Issuances in the application API (app.sql tells what these functions have in common).
--
--   s2s.app_session(…)                                                           POST /v1/sessions
--   s2s.app_issuance_start(…, p_issuer text, p_sealed bytea, p_body_digest bytea) POST /v1/issuances
--   s2s.app_supplement(…, p_sealed bytea)                                        POST /v1/issuances/{sessionId}/supplements
--   s2s.app_cancel(…)                                                            POST /v1/issuances/{sessionId}/cancel
--   s2s.app_issuance(p_token uuid, p_input json)                                 GET  /v1/issuances/{sessionId}
--   s2s.app_issuances(p_token uuid, p_input json)                                GET  /v1/issuances
--
--   s2s.wallet_statuses()                                                        -> setof text
--   s2s.wallet_sessions_page(p_issuer text, p_status text, p_before_at timestamptz, p_before_id text, p_limit int)
--       -> setof s2s.wallet_session
--
-- What is sealed is under the session's id: the members of the body that hold keys, proofs and data.

CREATE OR REPLACE FUNCTION s2s.app_session(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  RETURN s2s.store(x, 201, json_build_object('sessionId', gen_random_uuid())::text);
END
$$;
COMMENT ON FUNCTION s2s.app_session IS 'Makes a session id to be signed. Nothing is kept of it until it is used.';

CREATE OR REPLACE FUNCTION s2s.app_issuance_start(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json,
  p_issuer text, p_sealed bytea, p_body_digest bytea)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  w s2s.wallet_session;
  v_now timestamptz := clock_timestamp();
  v_session_id text := p_input -> 'body' ->> 'sessionId';
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;

  PERFORM s2s.lane_open(p_issuer);

  INSERT INTO s2s.wallet_session (
    created_at, updated_at, session_id, issuer, configuration_ids, body_digest, body_sealed)
  VALUES (
    v_now, v_now, v_session_id, p_issuer,
    ARRAY(SELECT json_array_elements_text(p_input -> 'body' -> 'credentialConfigurationIds')), p_body_digest, p_sealed)
  ON CONFLICT (session_id) DO NOTHING
  RETURNING * INTO w;
  IF FOUND THEN
    PERFORM s2s.wallet_session_owe(w, '/verification/initiate');
    RETURN s2s.store(x, 202, s2s.wallet_session_json(w)::text);
  END IF;

  -- Used before: by this very start, or by another one.
  SELECT t.* INTO STRICT w FROM s2s.wallet_session AS t WHERE t.session_id = v_session_id;
  IF w.issuer <> p_issuer OR w.body_digest <> p_body_digest THEN
    RETURN s2s.refuse(x, 'session-consumed');
  END IF;
  RETURN s2s.store(x, 200, s2s.wallet_session_json(w)::text);
END
$$;
COMMENT ON FUNCTION s2s.app_issuance_start IS
  'Opens a session with an issuer, who is owed an initiate. The same start again changes nothing.';

CREATE OR REPLACE FUNCTION s2s.app_supplement(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_sealed bytea)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  w s2s.wallet_session;
  v_last_seq integer;
  v_waiting bigint;
  -- An issuer that does not answer must not make the queue grow without end.
  v_max_waiting CONSTANT integer := 16;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  w := s2s.wallet_session_lock(p_input ->> 'sessionId');
  IF w.session_id IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  ELSIF s2s.wallet_session_is_final(w.status) THEN
    RETURN s2s.refuse(x, 'wrong-state', w.status);
  END IF;
  SELECT coalesce(max(s.seq), 0), count(*) INTO v_last_seq, v_waiting
  FROM s2s.wallet_submission AS s
  WHERE s.session_id = w.session_id;
  IF v_waiting >= v_max_waiting THEN
    RETURN s2s.refuse(x, 'content-too-large');
  END IF;

  INSERT INTO s2s.wallet_submission (created_at, seq, session_id, body_sealed)
  VALUES (clock_timestamp(), v_last_seq + 1, w.session_id, p_sealed);
  IF w.verification_id IS NOT NULL THEN
    PERFORM s2s.wallet_session_owe(w, '/verification/supplement');
  END IF;
  RETURN s2s.store(x, 202, s2s.wallet_session_json(w)::text);
END
$$;
COMMENT ON FUNCTION s2s.app_supplement IS
  'Keeps a submission, to be sent after those that wait; the answer to initiate owes it when that is still to come.';

CREATE OR REPLACE FUNCTION s2s.app_cancel(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  w s2s.wallet_session;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  w := s2s.wallet_session_lock(p_input ->> 'sessionId');
  IF w.session_id IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  ELSIF NOT s2s.wallet_session_is_final(w.status) THEN
    w.cancel_reason := coalesce(w.cancel_reason, p_input -> 'body' ->> 'reason');
    w := s2s.wallet_session_write(w);
    IF w.verification_id IS NOT NULL THEN
      PERFORM s2s.wallet_session_owe(w, '/verification/cancel');
    END IF;
  ELSIF w.status <> 'DENIED' OR w.verification ->> 'reasonCode' IS DISTINCT FROM 'CANCELLED' THEN
    RETURN s2s.refuse(x, 'wrong-state', w.status);
  END IF;
  RETURN s2s.store(x, 202, s2s.wallet_session_json(w)::text);
END
$$;
COMMENT ON FUNCTION s2s.app_cancel IS
  'Asks the issuer to cancel, as soon as it has answered initiate. It has the last word: the status changes when it says so.';

CREATE OR REPLACE FUNCTION s2s.app_issuance(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  w s2s.wallet_session;
BEGIN
  SELECT t.* INTO w FROM s2s.wallet_session AS t WHERE t.session_id = p_input ->> 'sessionId';
  IF NOT FOUND THEN
    RETURN s2s.app_problem(p_token, 'not-found');
  END IF;
  RETURN s2s.app_answer(200, s2s.wallet_session_json(w)::text);
END
$$;
COMMENT ON FUNCTION s2s.app_issuance(uuid, json) IS 'Shows an issuance.';

-- ---- the list ----

CREATE OR REPLACE FUNCTION s2s.wallet_statuses() RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  VALUES ('STARTING'), ('PENDING'), ('ADDITIONAL_INFO_REQUIRED'), ('REJECTED'), ('APPROVED'), ('DENIED'), ('EXPIRED'),
         ('FAILED')
$$;
COMMENT ON FUNCTION s2s.wallet_statuses() IS 'The statuses of an issuance.';

CREATE OR REPLACE FUNCTION s2s.wallet_sessions_page(
  p_issuer text, p_status text, p_before_at timestamptz, p_before_id text, p_limit integer)
RETURNS SETOF s2s.wallet_session LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_issuer IS NULL AND p_status IS NULL THEN
    RETURN QUERY
    SELECT w.*
    FROM s2s.wallet_session AS w
    WHERE (w.created_at, w.session_id) < (p_before_at, p_before_id)
    ORDER BY w.created_at DESC, w.session_id DESC
    LIMIT p_limit;
    RETURN;
  END IF;

  -- One walk of the index for each issuer and status: there are few of them, and none costs more than a page, however
  -- rare what is asked for.
  RETURN QUERY
  SELECT w.*
  FROM (SELECT l.peer FROM s2s.lane AS l WHERE l.kind = 'PEER' AND p_issuer IS NULL
        UNION ALL SELECT p_issuer WHERE p_issuer IS NOT NULL) AS issuers (issuer)
  CROSS JOIN (SELECT s FROM s2s.wallet_statuses() AS s WHERE p_status IS NULL OR s = p_status) AS statuses (status)
  CROSS JOIN LATERAL (
    SELECT t.*
    FROM s2s.wallet_session AS t
    WHERE t.issuer = issuers.issuer AND t.status = statuses.status
      AND (t.created_at, t.session_id) < (p_before_at, p_before_id)
    ORDER BY t.created_at DESC, t.session_id DESC
    LIMIT p_limit) AS w
  ORDER BY w.created_at DESC, w.session_id DESC
  LIMIT p_limit;
END
$$;
COMMENT ON FUNCTION s2s.wallet_sessions_page(text, text, timestamptz, text, integer) IS
  'Issuances, newest first, from a place on; of one issuer or all, in one status or any.';

CREATE OR REPLACE FUNCTION s2s.app_issuances(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  c record := s2s.cursor_read(p_input ->> 'cursor');
  v_limit integer := s2s.app_limit(p_input);
  v_items json;
  v_next_cursor text;
BEGIN
  IF NOT c.is_valid THEN
    RETURN s2s.app_bad_cursor(p_token);
  END IF;
  -- One more than is shown tells whether there is a next page.
  SELECT json_agg(s2s.wallet_session_json(p.w) ORDER BY p.n) FILTER (WHERE p.n <= v_limit),
         max(s2s.cursor_write((p.w).created_at, (p.w).session_id)) FILTER (WHERE p.n = v_limit AND p.of > v_limit)
  INTO v_items, v_next_cursor
  FROM (SELECT w, row_number() OVER (ORDER BY w.created_at DESC, w.session_id DESC) AS n, count(*) OVER () AS of
        FROM s2s.wallet_sessions_page(
          p_input ->> 'issuer', p_input ->> 'status', c.before_at, c.before_id, v_limit + 1) AS w) AS p;
  RETURN s2s.app_page('issuances', v_items, v_next_cursor);
END
$$;
COMMENT ON FUNCTION s2s.app_issuances(uuid, json) IS 'Lists issuances, newest first.';
