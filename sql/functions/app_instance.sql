-- SPDX-License-Identifier: Apache-2.0
--
-- Credential instances in the application API (app.sql tells what these functions have in common).
--
--   s2s.app_instances(p_token uuid, p_input json)       GET  /v1/instances
--   s2s.app_instance(p_token uuid, p_input json)        GET  /v1/instances/{credentialInstanceId}
--   s2s.app_instance_route(p_token uuid, p_input json)  whom POST /v1/instances/{credentialInstanceId}/metadata asks
--   s2s.app_action(…)                                   POST /v1/instances/{credentialInstanceId}/actions
--   s2s.app_event(…)                                    POST /v1/instances/{credentialInstanceId}/events
--   s2s.app_lifecycle(…)                                POST /v1/lifecycle/{lifecycleId}
--
--   s2s.wallet_instances_page(p_session_id text, p_status text, p_before_at timestamptz, p_before_id text, p_limit int)
--       -> setof s2s.wallet_instance

CREATE OR REPLACE FUNCTION s2s.app_instance(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  i s2s.wallet_instance;
BEGIN
  SELECT t.* INTO i FROM s2s.wallet_instance AS t WHERE t.instance_id = p_input ->> 'credentialInstanceId';
  IF NOT FOUND THEN
    RETURN s2s.app_problem(p_token, 'not-found');
  END IF;
  RETURN s2s.app_answer(200, s2s.wallet_instance_json(i)::text);
END
$$;
COMMENT ON FUNCTION s2s.app_instance(uuid, json) IS 'Shows an instance.';

CREATE OR REPLACE FUNCTION s2s.app_instance_route(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  i s2s.wallet_instance;
BEGIN
  SELECT t.* INTO i FROM s2s.wallet_instance AS t WHERE t.instance_id = p_input ->> 'credentialInstanceId';
  IF NOT FOUND THEN
    RETURN s2s.app_problem(p_token, 'not-found');
  END IF;
  RETURN s2s.app_answer(200, json_build_object('issuer', i.issuer, 'sessionId', i.session_id)::text);
END
$$;
COMMENT ON FUNCTION s2s.app_instance_route(uuid, json) IS
  'Which issuer and session an instance is of: {"issuer", "sessionId"}. What the issuer is asked on the spot needs it.';

-- ---- what the application does ----

CREATE OR REPLACE FUNCTION s2s.app_action(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  i s2s.wallet_instance;
  v_body json := p_input -> 'body';
  act record;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  i := s2s.wallet_instance_lock(p_input ->> 'credentialInstanceId');
  IF i.instance_id IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  END IF;
  act := s2s.wallet_act(i, 'WALLET', v_body ->> 'action', v_body ->> 'reason', p_detail => v_body ->> 'reasonDetail');
  i := s2s.wallet_instance_lock(i.instance_id);
  RETURN s2s.store(x, 200, s2s.json_join(
    json_strip_nulls(json_build_object('outcome', act.outcome, 'failureReason', act.failure_reason)),
    json_build_object('instance', s2s.wallet_instance_json(i)))::text, p_wake => true);
END
$$;
COMMENT ON FUNCTION s2s.app_action IS
  'The wallet SUSPENDs, RESUMEs or UNLINKs an instance. It is so at once; the issuer is owed word of it.';

CREATE OR REPLACE FUNCTION s2s.app_event(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  i s2s.wallet_instance;
  v_body json := p_input -> 'body';
  v_event_id text;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  i := s2s.wallet_instance_lock(p_input ->> 'credentialInstanceId');
  IF i.instance_id IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  END IF;
  IF v_body ->> 'eventType' = 'PROVISIONING_SUCCESS' THEN
    -- What is over stays so; the issuer hears of the event all the same.
    PERFORM s2s.wallet_act(i, 'WALLET', 'CONFIRM', 'PROVISIONING_SUCCESS');
  END IF;
  v_event_id := s2s.wallet_event_owe(
    i, v_body ->> 'eventType', v_body ->> 'eventTimestamp', v_body ->> 'triggeringRequestId', v_body -> 'eventDetails');
  RETURN s2s.store(x, 202, json_build_object('eventId', v_event_id)::text);
END
$$;
COMMENT ON FUNCTION s2s.app_event IS 'Something happened to an instance, which the issuer is owed word of.';

CREATE OR REPLACE FUNCTION s2s.app_lifecycle(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  i s2s.wallet_instance;
  v_lifecycle_id text := p_input ->> 'lifecycleId';
  v_outcome text := p_input -> 'body' ->> 'outcome';
  v_state text;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  i := s2s.wallet_instance_lock(
    (SELECT l.instance_id FROM s2s.wallet_lifecycle AS l WHERE l.lifecycle_id = v_lifecycle_id));
  -- Read after the instance was locked: whoever ends it must get past that lock.
  SELECT l.state INTO v_state FROM s2s.wallet_lifecycle AS l WHERE l.lifecycle_id = v_lifecycle_id;
  IF v_state IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  ELSIF v_state IN ('REQUESTED', 'SCHEDULED') THEN
    PERFORM s2s.wallet_lifecycle_end(v_lifecycle_id, v_outcome, p_input -> 'body' ->> 'failureReason');
    i := s2s.wallet_instance_lock(i.instance_id);
  ELSIF v_state <> v_outcome THEN
    RETURN s2s.refuse(x, 'wrong-state', v_state);
  END IF;
  RETURN s2s.store(x, 200, s2s.wallet_instance_json(i)::text);
END
$$;
COMMENT ON FUNCTION s2s.app_lifecycle IS
  'The backend''s outcome of what the issuer asked of an instance. The same outcome again changes nothing.';

-- ---- the list ----

CREATE OR REPLACE FUNCTION s2s.wallet_instances_page(
  p_session_id text, p_status text, p_before_at timestamptz, p_before_id text, p_limit integer)
RETURNS SETOF s2s.wallet_instance LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- A statement for each index. Those of one session are few.
  IF p_session_id IS NOT NULL THEN
    RETURN QUERY
    SELECT i.*
    FROM s2s.wallet_instance AS i
    WHERE i.session_id = p_session_id AND (i.created_at, i.instance_id) < (p_before_at, p_before_id)
      AND (p_status IS NULL OR s2s.wallet_instance_status(i) = p_status)
    ORDER BY i.created_at DESC, i.instance_id DESC
    LIMIT p_limit;
  ELSIF p_status IS NOT NULL THEN
    RETURN QUERY
    SELECT i.*
    FROM s2s.wallet_instance AS i
    WHERE s2s.wallet_instance_status(i) = p_status AND (i.created_at, i.instance_id) < (p_before_at, p_before_id)
    ORDER BY i.created_at DESC, i.instance_id DESC
    LIMIT p_limit;
  ELSE
    RETURN QUERY
    SELECT i.*
    FROM s2s.wallet_instance AS i
    WHERE (i.created_at, i.instance_id) < (p_before_at, p_before_id)
    ORDER BY i.created_at DESC, i.instance_id DESC
    LIMIT p_limit;
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.wallet_instances_page(text, text, timestamptz, text, integer) IS
  'Instances, newest first, from a place on; of one session or all, in one shown status or any.';

CREATE OR REPLACE FUNCTION s2s.app_instances(p_token uuid, p_input json)
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
  SELECT json_agg(s2s.wallet_instance_json(p.i) ORDER BY p.n) FILTER (WHERE p.n <= v_limit),
         max(s2s.cursor_write((p.i).created_at, (p.i).instance_id)) FILTER (WHERE p.n = v_limit AND p.of > v_limit)
  INTO v_items, v_next_cursor
  FROM (SELECT i, row_number() OVER (ORDER BY i.created_at DESC, i.instance_id DESC) AS n, count(*) OVER () AS of
        FROM s2s.wallet_instances_page(
          p_input ->> 'sessionId', p_input ->> 'status', c.before_at, c.before_id, v_limit + 1) AS i) AS p;
  RETURN s2s.app_page('instances', v_items, v_next_cursor);
END
$$;
COMMENT ON FUNCTION s2s.app_instances(uuid, json) IS 'Lists instances, newest first.';
