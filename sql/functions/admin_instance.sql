-- SPDX-License-Identifier: Apache-2.0
--
-- Sessions and credential instances in the operators' API (admin.sql tells what these functions have in common).
--
--   s2s.admin_sessions(p_token uuid, p_input json)       GET  /v1/sessions
--   s2s.admin_session(p_token uuid, p_input json)        GET  /v1/sessions/{sessionId}
--   s2s.admin_instances(p_token uuid, p_input json)      GET  /v1/instances
--   s2s.admin_instance(p_token uuid, p_input json)       GET  /v1/instances/{credentialInstanceId}
--   s2s.admin_instance_action(…)                         POST /v1/instances/{credentialInstanceId}/actions
--   s2s.admin_dataset_put(…, p_sealed bytea)             PUT  /v1/instances/{credentialInstanceId}/dataset
--
--   s2s.sessions_page(p_peer text, p_before_at timestamptz, p_before_id text, p_limit int) -> setof s2s.session
--   s2s.instance_statuses()                              -> setof text
--   s2s.instances_page(p_session_ids text[], p_subject_refs text[], p_configuration text, p_statuses text[],
--                      p_before_at timestamptz, p_before_id text, p_limit int) -> setof s2s.instance
--   s2s.texts(p_list json)                               -> text[]
--   s2s.instance_audit(p_who text, p_role text, p_request_id uuid, p_instance_id text, p_action text, p_outcome text,
--                      p_bulk_id text DEFAULT NULL)

CREATE OR REPLACE FUNCTION s2s.texts(p_list json) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY(SELECT t FROM json_array_elements_text(p_list) AS t) WHERE p_list IS NOT NULL
$$;
COMMENT ON FUNCTION s2s.texts(json) IS 'A JSON array of strings; null when there is none.';

-- ---- sessions ----

CREATE OR REPLACE FUNCTION s2s.admin_session_json(s s2s.session) RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN json_strip_nulls(json_build_object(
    'sessionId', s.session_id,
    'peer', s.peer,
    'createdAt', s2s.rfc3339(s.created_at),
    'walletSigningKeyThumbprint', s.wsk_thumbprint,
    'locale', s.locale,
    'supportedVerificationTypes', s.supported_verification_types,
    'verificationIds', ARRAY(SELECT s2s.session_verifications(s.session_id) LIMIT (s2s.admin_bounds()).shown)));
END
$$;
COMMENT ON FUNCTION s2s.admin_session_json(s2s.session) IS 'A session, as operators see it.';

CREATE OR REPLACE FUNCTION s2s.sessions_page(p_peer text, p_before_at timestamptz, p_before_id text, p_limit integer)
RETURNS SETOF s2s.session LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  SELECT s.*
  -- Every session has a verification.
  FROM (SELECT k FROM s2s.verification_peers() AS k WHERE p_peer IS NULL
        UNION ALL SELECT p_peer WHERE p_peer IS NOT NULL) AS peers (peer)
  CROSS JOIN LATERAL (
    SELECT t.*
    FROM s2s.session AS t
    WHERE t.peer = peers.peer AND (t.created_at, t.session_id) < (p_before_at, p_before_id)
    ORDER BY t.created_at DESC, t.session_id DESC
    LIMIT p_limit) AS s
  ORDER BY s.created_at DESC, s.session_id DESC
  LIMIT p_limit;
END
$$;
COMMENT ON FUNCTION s2s.sessions_page(text, timestamptz, text, integer) IS
  'Sessions, newest first, from a place on; of one peer or all.';

CREATE OR REPLACE FUNCTION s2s.admin_sessions(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  c record := s2s.cursor_read(p_input ->> 'cursor');
  v_limit integer := s2s.app_limit(p_input);
  v_items json[];
  v_cursors text[];
BEGIN
  IF NOT c.is_valid THEN
    RETURN s2s.app_bad_cursor(p_token);
  END IF;
  SELECT array_agg(s2s.admin_session_json(s) ORDER BY s.created_at DESC, s.session_id DESC),
         array_agg(s2s.cursor_write(s.created_at, s.session_id) ORDER BY s.created_at DESC, s.session_id DESC)
  INTO v_items, v_cursors
  FROM s2s.sessions_page(p_input ->> 'peer', c.before_at, c.before_id, s2s.admin_walk(v_limit)) AS s;
  RETURN s2s.admin_page('sessions', v_limit, v_items, v_cursors);
END
$$;
COMMENT ON FUNCTION s2s.admin_sessions(uuid, json) IS 'Lists sessions, newest first.';

CREATE OR REPLACE FUNCTION s2s.admin_session(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  s s2s.session;
  v_shown integer := (s2s.admin_bounds()).shown;
  v_verifications json;
  v_instances json;
BEGIN
  SELECT t.* INTO s FROM s2s.session AS t WHERE t.session_id = p_input ->> 'sessionId';
  IF NOT FOUND THEN
    RETURN s2s.app_problem(p_token, 'not-found');
  END IF;
  SELECT json_agg(s2s.admin_verification_json(v) ORDER BY v.created_at DESC, v.verification_id DESC)
  INTO v_verifications
  FROM s2s.verifications_page(s.session_id, false, NULL, NULL, 'infinity', '', v_shown) AS v;
  SELECT json_agg(s2s.admin_instance_json(i) ORDER BY i.created_at DESC, i.instance_id DESC)
  INTO v_instances
  FROM s2s.instances_page(ARRAY[s.session_id], NULL, NULL, NULL, 'infinity', '', v_shown) AS i;
  RETURN s2s.app_answer(200, s2s.json_join(
    s2s.admin_session_json(s),
    json_build_object(
      'verifications', coalesce(v_verifications, '[]'), 'instances', coalesce(v_instances, '[]')))::text);
END
$$;
COMMENT ON FUNCTION s2s.admin_session(uuid, json) IS 'Shows a session with all that came of it.';

-- ---- instances ----

CREATE OR REPLACE FUNCTION s2s.admin_instance_json(i s2s.instance) RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN s2s.json_join(s2s.instance_json(i), json_strip_nulls(json_build_object(
    'createdAt', s2s.rfc3339(i.created_at),
    'readyAt', s2s.rfc3339(i.ready_at),
    'fetchedAt', s2s.rfc3339(i.fetched_at),
    'dataset', (SELECT json_build_object('version', d.version, 'pushedAt', s2s.rfc3339(d.pushed_at),
                                         'validUntil', s2s.rfc3339(d.valid_until))
                FROM s2s.instance_dataset AS d
                WHERE d.instance_id = i.instance_id))));
END
$$;
COMMENT ON FUNCTION s2s.admin_instance_json(s2s.instance) IS 'An instance, as operators see it.';

CREATE OR REPLACE FUNCTION s2s.admin_instance(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  i s2s.instance;
BEGIN
  SELECT t.* INTO i FROM s2s.instance AS t WHERE t.instance_id = p_input ->> 'credentialInstanceId';
  IF NOT FOUND THEN
    RETURN s2s.app_problem(p_token, 'not-found');
  END IF;
  RETURN s2s.app_answer(200, s2s.admin_instance_json(i)::text);
END
$$;
COMMENT ON FUNCTION s2s.admin_instance(uuid, json) IS 'Shows an instance.';

CREATE OR REPLACE FUNCTION s2s.instance_statuses() RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  VALUES ('IN_PROCESS'), ('ACTIVE'), ('SUSPENDED_WALLET'), ('SUSPENDED_ISSUER'), ('UNLINKED'), ('CANCELLED')
$$;
COMMENT ON FUNCTION s2s.instance_statuses() IS 'The statuses of an instance.';

CREATE OR REPLACE FUNCTION s2s.instances_page(
  p_session_ids text[], p_subject_refs text[], p_configuration text, p_statuses text[], p_before_at timestamptz,
  p_before_id text, p_limit integer)
RETURNS SETOF s2s.instance LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- A statement for each index, which walks it once for each of the values.
  IF p_session_ids IS NOT NULL THEN
    RETURN QUERY
    SELECT i.*
    FROM (SELECT DISTINCT u FROM unnest(p_session_ids) AS u) AS sessions (session_id)
    CROSS JOIN LATERAL (
      SELECT t.*
      FROM s2s.instance AS t
      WHERE t.session_id = sessions.session_id AND (t.created_at, t.instance_id) < (p_before_at, p_before_id)
      ORDER BY t.created_at DESC, t.instance_id DESC
      LIMIT p_limit) AS i
    ORDER BY i.created_at DESC, i.instance_id DESC
    LIMIT p_limit;
  ELSIF p_subject_refs IS NOT NULL THEN
    RETURN QUERY
    SELECT i.*
    FROM (SELECT DISTINCT u FROM unnest(p_subject_refs) AS u) AS subjects (subject_ref)
    CROSS JOIN LATERAL (
      SELECT t.*
      FROM s2s.instance AS t
      WHERE t.subject_ref = subjects.subject_ref AND (t.created_at, t.instance_id) < (p_before_at, p_before_id)
      ORDER BY t.created_at DESC, t.instance_id DESC
      LIMIT p_limit) AS i
    ORDER BY i.created_at DESC, i.instance_id DESC
    LIMIT p_limit;
  ELSIF p_configuration IS NOT NULL THEN
    RETURN QUERY
    SELECT i.*
    FROM (SELECT s FROM s2s.instance_statuses() AS s
          WHERE p_statuses IS NULL OR s = ANY (p_statuses)) AS statuses (status)
    CROSS JOIN LATERAL (
      SELECT t.*
      FROM s2s.instance AS t
      WHERE t.configuration_id = p_configuration AND s2s.instance_status(t) = statuses.status
        AND (t.created_at, t.instance_id) < (p_before_at, p_before_id)
      ORDER BY t.created_at DESC, t.instance_id DESC
      LIMIT p_limit) AS i
    ORDER BY i.created_at DESC, i.instance_id DESC
    LIMIT p_limit;
  ELSE
    RETURN QUERY
    SELECT i.*
    FROM (SELECT s FROM s2s.instance_statuses() AS s
          WHERE p_statuses IS NULL OR s = ANY (p_statuses)) AS statuses (status)
    CROSS JOIN LATERAL (
      SELECT t.*
      FROM s2s.instance AS t
      WHERE s2s.instance_status(t) = statuses.status AND (t.created_at, t.instance_id) < (p_before_at, p_before_id)
      ORDER BY t.created_at DESC, t.instance_id DESC
      LIMIT p_limit) AS i
    ORDER BY i.created_at DESC, i.instance_id DESC
    LIMIT p_limit;
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.instances_page(text[], text[], text, text[], timestamptz, text, integer) IS
  'Instances, newest first, from a place on: of some sessions; else of a subject, by its pseudonyms; else of one '
  'configuration or all, in some statuses or any.';

CREATE OR REPLACE FUNCTION s2s.admin_instances(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  c record := s2s.cursor_read(p_input ->> 'cursor');
  v_limit integer := s2s.app_limit(p_input);
  v_session_id text := p_input ->> 'sessionId';
  v_subject_refs text[] := s2s.texts(p_input -> 'subjectRefs');
  v_configuration text := p_input ->> 'configuration';
  v_status text := p_input ->> 'status';
  v_is_sifted boolean := num_nonnulls(v_session_id, v_subject_refs) > 0
    AND num_nonnulls(v_session_id, v_subject_refs, v_configuration, v_status) > 1;
  v_items json[];
  v_cursors text[];
BEGIN
  IF NOT c.is_valid THEN
    RETURN s2s.app_bad_cursor(p_token);
  END IF;
  SELECT array_agg(CASE WHEN (v_subject_refs IS NULL OR i.subject_ref = ANY (v_subject_refs))
                             AND (v_configuration IS NULL OR i.configuration_id = v_configuration)
                             AND (v_status IS NULL OR s2s.instance_status(i) = v_status)
                        THEN s2s.admin_instance_json(i) END ORDER BY i.created_at DESC, i.instance_id DESC),
         array_agg(s2s.cursor_write(i.created_at, i.instance_id) ORDER BY i.created_at DESC, i.instance_id DESC)
  INTO v_items, v_cursors
  FROM s2s.instances_page(
    CASE WHEN v_session_id IS NOT NULL THEN ARRAY[v_session_id] END, v_subject_refs, v_configuration,
    CASE WHEN v_status IS NOT NULL THEN ARRAY[v_status] END, c.before_at, c.before_id,
    s2s.admin_walk(v_limit, v_is_sifted)) AS i;
  RETURN s2s.admin_page('instances', v_limit, v_items, v_cursors, v_is_sifted);
END
$$;
COMMENT ON FUNCTION s2s.admin_instances(uuid, json) IS 'Lists instances, newest first.';

-- ---- what operators do to one ----

CREATE OR REPLACE FUNCTION s2s.instance_audit(
  p_who text, p_role text, p_request_id uuid, p_instance_id text, p_action text, p_outcome text,
  p_bulk_id text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM s2s.audit_add(
    p_who, p_role, p_request_id, 'instance.' || lower(replace(p_action, '_', '-')), p_instance_id,
    json_strip_nulls(json_build_object('outcome', p_outcome, 'bulkId', p_bulk_id)));
END
$$;
COMMENT ON FUNCTION s2s.instance_audit(text, text, uuid, text, text, text, text) IS
  'Writes down an act of s2s.instance_command(), whatever came of it.';

CREATE OR REPLACE FUNCTION s2s.admin_outcome(p_outcome text) RETURNS json LANGUAGE sql IMMUTABLE AS $$
  SELECT json_strip_nulls(json_build_object(
    'outcome', split_part(p_outcome, ' ', 1),
    CASE WHEN p_outcome LIKE 'FAILED %' THEN 'failureReason' ELSE 'effect' END,
    nullif(split_part(p_outcome, ' ', 2), '')))
$$;
COMMENT ON FUNCTION s2s.admin_outcome(text) IS
  'An outcome such as "COMPLETED", "COMPLETED <effect>" or "FAILED <why>" for the answer.';

CREATE OR REPLACE FUNCTION s2s.admin_instance_answer(x s2s.exchange, p_instance_id text, p_outcome text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  v_instance json;
BEGIN
  SELECT s2s.admin_instance_json(i) INTO v_instance FROM s2s.instance AS i WHERE i.instance_id = p_instance_id;
  RETURN s2s.store(x, 200, s2s.json_join(
    s2s.admin_outcome(p_outcome), json_build_object('instance', v_instance))::text);
END
$$;
COMMENT ON FUNCTION s2s.admin_instance_answer(s2s.exchange, text, text) IS
  'Answers with the outcome of an act, and the instance as it is now.';

CREATE OR REPLACE FUNCTION s2s.admin_instance_action(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  v_instance_id text := p_input ->> 'credentialInstanceId';
  v_action text := p_input -> 'body' ->> 'action';
  v_outcome text;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  v_outcome := s2s.instance_command(v_instance_id, v_action, p_input -> 'body' ->> 'reason');
  IF v_outcome = 'NOT_FOUND' THEN
    RETURN s2s.refuse(x, 'not-found');
  END IF;
  PERFORM s2s.instance_audit(p_peer, p_role, p_request_id, v_instance_id, v_action, v_outcome);
  RETURN s2s.admin_instance_answer(x, v_instance_id, v_outcome);
END
$$;
COMMENT ON FUNCTION s2s.admin_instance_action IS
  'An operator SUSPENDs, RESUMEs or CANCELs an instance, or says that there is something newer: UPDATED, '
  'DISPLAY_UPDATED.';

CREATE OR REPLACE FUNCTION s2s.admin_dataset_put(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text,
  p_sealed bytea)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  v_instance_id text := p_input ->> 'credentialInstanceId';
  v_version text := p_input -> 'body' ->> 'version';
  v_valid_until text := p_input -> 'body' ->> 'validUntil';
  v_outcome text;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  ELSIF v_valid_until IS NOT NULL AND s2s.parsed_time(v_valid_until) IS NULL THEN
    RETURN s2s.admin_violation(x, '/validUntil', 'is no time');
  END IF;
  v_outcome := s2s.dataset_push(v_instance_id, v_version, p_sealed, s2s.parsed_time(v_valid_until));
  IF v_outcome = 'NOT_FOUND' THEN
    RETURN s2s.refuse(x, 'not-found');
  END IF;
  PERFORM s2s.audit_by(x, p_role, 'dataset.put', v_instance_id, json_build_object(
    'version', v_version, 'outcome', v_outcome));
  RETURN s2s.admin_instance_answer(x, v_instance_id, v_outcome);
END
$$;
COMMENT ON FUNCTION s2s.admin_dataset_put IS
  'Takes the claims of an instance, sealed, ahead of when they are asked for.';
