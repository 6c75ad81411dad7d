-- SPDX-License-Identifier: Apache-2.0
--
-- Verifications in the operators' API (admin.sql tells what these functions have in common).
--
--   s2s.admin_verifications(p_token uuid, p_input json)    GET  /v1/verifications
--   s2s.admin_verification(p_token uuid, p_input json)     GET  /v1/verifications/{verificationId}
--   s2s.admin_decision_load(p_token uuid, p_input json)    what the gateway must know before it can ask for a decision
--   s2s.admin_decide(…, p_approved_ids text[], p_subject_refs text[], p_subject_sealed bytea[] DEFAULT NULL,
--                    p_subject_aliases json DEFAULT NULL)  POST /v1/verifications/{verificationId}/decision
--   s2s.admin_request_info(…)                              POST /v1/verifications/{verificationId}/request-info
--   s2s.admin_verification_items(p_token uuid, p_input json, p_peer text, p_request_id uuid, p_role text)
--                                                          GET  /v1/verifications/{verificationId}/items
--   s2s.admin_web_result(…, p_verification_id text, p_item_id text, p_sealed bytea, p_max_results int,
--                        p_max_octets bigint)              POST /v1/web-results
--
--   s2s.verification_statuses()                            -> setof text
--   s2s.verification_peers()                               -> setof text
--   s2s.verifications_page(p_session_id text, p_awaiting boolean, p_peer text, p_status text, p_before_at timestamptz,
--                          p_before_id text, p_limit int)  -> setof s2s.verification
--   s2s.admin_verification_json(v s2s.verification)        -> json
--
-- A decision names the version of the verification that it is about. So of two reviewers who have read the same, one
-- decides, and the other one is told that there is something newer to read; and nobody decides on what has been
-- supplemented meanwhile. An evaluation that is under way is void with the decision.

-- ---- how one is shown ----

CREATE OR REPLACE FUNCTION s2s.admin_verification_json(v s2s.verification) RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN json_strip_nulls(json_build_object(
    'verificationId', v.verification_id,
    'sessionId', v.session_id,
    'peer', v.peer,
    'status', v.status,
    'version', v.version,
    'awaitingDecision', v.awaiting_decision,
    'decisionBackend', nullif(v.lane, ''),
    'undecidedReason', v.undecided_reason,
    'decidedBy', v.decided_by,
    'credentialConfigurationIds', v.configuration_ids,
    'requestedDeviceCount', v.requested_device_count,
    'approvedConfigurationIds', CASE WHEN v.approved_ids IS NOT NULL THEN s2s.distinct_ids(v.approved_ids) END,
    'authorizedDeviceCount', v.authorized_device_count,
    'rootVerificationId', v.root_verification_id,
    'attestation', v.attestation,
    'attempts', v.attempts,
    'maxAttempts', nullif(v.max_attempts, 0),
    'reasonCode', v.reason_code,
    'message', v.message,
    'cancelReason', v.cancel_reason,
    'createdAt', s2s.rfc3339(v.created_at),
    'updatedAt', s2s.rfc3339(v.updated_at),
    'expiresAt', s2s.rfc3339(v.expires_at),
    'deadline', s2s.rfc3339(v.deadline),
    'dueAt', s2s.rfc3339(v.due_at)));
END
$$;
COMMENT ON FUNCTION s2s.admin_verification_json(s2s.verification) IS
  'A verification, as operators see it: nothing of what was submitted.';

CREATE OR REPLACE FUNCTION s2s.admin_verification_detail(v s2s.verification) RETURNS json LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_dead_job json;
BEGIN
  SELECT json_build_object('jobId', d.job_id, 'diedAt', s2s.rfc3339(d.died_at), 'error', d.error)
  INTO v_dead_job
  -- OFFSET 0, here and below: see "Plans made on empty tables" in sql/README.md.
  FROM (SELECT t.* FROM s2s.job_dead AS t WHERE t.ref = v.verification_id OFFSET 0) AS d
  WHERE d.kind = 'evaluate'
  ORDER BY d.job_id DESC
  LIMIT 1;
  RETURN s2s.json_join(
    s2s.admin_verification_json(v),
    json_strip_nulls(json_build_object('verificationDataRequest', v.data_request, 'deadJob', v_dead_job)));
END
$$;
COMMENT ON FUNCTION s2s.admin_verification_detail(s2s.verification) IS
  'The same with what it asks the wallet for, and the evaluation that was given up.';

CREATE OR REPLACE FUNCTION s2s.admin_verification(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  v s2s.verification;
BEGIN
  SELECT t.* INTO v FROM s2s.verification AS t WHERE t.verification_id = p_input ->> 'verificationId';
  IF NOT FOUND THEN
    RETURN s2s.app_problem(p_token, 'not-found');
  END IF;
  RETURN s2s.app_answer(200, s2s.admin_verification_detail(v)::text);
END
$$;
COMMENT ON FUNCTION s2s.admin_verification(uuid, json) IS 'Shows a verification.';

-- ---- the list ----

CREATE OR REPLACE FUNCTION s2s.verification_statuses() RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  VALUES ('PENDING'), ('ADDITIONAL_INFO_REQUIRED'), ('REJECTED'), ('APPROVED'), ('DENIED'), ('EXPIRED')
$$;
COMMENT ON FUNCTION s2s.verification_statuses() IS 'The statuses of a verification.';

CREATE OR REPLACE FUNCTION s2s.verification_peers() RETURNS SETOF text LANGUAGE sql STABLE AS $$
  -- From one peer to the next in the index: some have no lane, as they cannot be called.
  WITH RECURSIVE known AS (
    (SELECT v.peer FROM s2s.verification AS v ORDER BY v.peer LIMIT 1)
    UNION ALL
    SELECT (SELECT v.peer FROM s2s.verification AS v WHERE v.peer > k.peer ORDER BY v.peer LIMIT 1)
    FROM known AS k
    WHERE k.peer IS NOT NULL
  )
  SELECT k.peer FROM known AS k WHERE k.peer IS NOT NULL
$$;
COMMENT ON FUNCTION s2s.verification_peers() IS
  'The peers that have verifications; what each one costs is a look at an index.';

CREATE OR REPLACE FUNCTION s2s.verifications_page(
  p_session_id text, p_awaiting boolean, p_peer text, p_status text, p_before_at timestamptz, p_before_id text,
  p_limit integer)
RETURNS SETOF s2s.verification LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_session_id IS NOT NULL THEN
    -- Few.
    RETURN QUERY
    SELECT v.*
    FROM s2s.session_verifications(p_session_id) AS known (id)
    CROSS JOIN LATERAL (SELECT t.* FROM s2s.verification AS t WHERE t.verification_id = known.id OFFSET 0) AS v
    WHERE (v.created_at, v.verification_id) < (p_before_at, p_before_id)
    ORDER BY v.created_at DESC, v.verification_id DESC
    LIMIT p_limit;
    RETURN;
  ELSIF p_awaiting THEN
    RETURN QUERY
    SELECT v.*
    FROM s2s.verification AS v
    WHERE v.awaiting_decision AND (v.created_at, v.verification_id) < (p_before_at, p_before_id)
    ORDER BY v.created_at DESC, v.verification_id DESC
    LIMIT p_limit;
    RETURN;
  END IF;

  -- One walk of the index for each peer and status: there are few of them, and none costs more than a page, however
  -- rare what is asked for.
  RETURN QUERY
  SELECT v.*
  FROM (SELECT k FROM s2s.verification_peers() AS k WHERE p_peer IS NULL
        UNION ALL SELECT p_peer WHERE p_peer IS NOT NULL) AS peers (peer)
  CROSS JOIN (SELECT s FROM s2s.verification_statuses() AS s
              WHERE p_status IS NULL OR s = p_status) AS statuses (status)
  CROSS JOIN LATERAL (
    SELECT t.*
    FROM s2s.verification AS t
    WHERE t.peer = peers.peer AND t.status = statuses.status
      AND (t.created_at, t.verification_id) < (p_before_at, p_before_id)
    ORDER BY t.created_at DESC, t.verification_id DESC
    LIMIT p_limit) AS v
  ORDER BY v.created_at DESC, v.verification_id DESC
  LIMIT p_limit;
END
$$;
COMMENT ON FUNCTION s2s.verifications_page(text, boolean, text, text, timestamptz, text, integer) IS
  'Verifications, newest first, from a place on: of one session; else those that await a decision; else of one peer or '
  'all, in one status or any.';

CREATE OR REPLACE FUNCTION s2s.admin_verifications(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  c record := s2s.cursor_read(p_input ->> 'cursor');
  v_limit integer := s2s.app_limit(p_input);
  v_session_id text := p_input ->> 'sessionId';
  v_peer text := p_input ->> 'peer';
  v_status text := p_input ->> 'status';
  v_configuration text := p_input ->> 'configuration';
  v_awaiting boolean := coalesce((p_input ->> 'awaiting')::boolean, false);
  v_is_sifted boolean := v_configuration IS NOT NULL
    OR (v_session_id IS NOT NULL OR v_awaiting) AND num_nonnulls(v_peer, v_status) > 0
    OR v_session_id IS NOT NULL AND v_awaiting;
  v_items json[];
  v_cursors text[];
BEGIN
  IF NOT c.is_valid THEN
    RETURN s2s.app_bad_cursor(p_token);
  END IF;
  SELECT array_agg(CASE WHEN (v_peer IS NULL OR v.peer = v_peer) AND (v_status IS NULL OR v.status = v_status)
                             AND (v_awaiting IS FALSE OR v.awaiting_decision)
                             AND (v_configuration IS NULL OR v_configuration = ANY (v.configuration_ids))
                        THEN s2s.admin_verification_json(v) END ORDER BY v.created_at DESC, v.verification_id DESC),
         array_agg(s2s.cursor_write(v.created_at, v.verification_id) ORDER BY v.created_at DESC, v.verification_id DESC)
  INTO v_items, v_cursors
  FROM s2s.verifications_page(v_session_id, v_awaiting, v_peer, v_status, c.before_at, c.before_id,
                              s2s.admin_walk(v_limit, v_is_sifted)) AS v;
  RETURN s2s.admin_page('verifications', v_limit, v_items, v_cursors, v_is_sifted);
END
$$;
COMMENT ON FUNCTION s2s.admin_verifications(uuid, json) IS 'Lists verifications, newest first.';

-- ---- decisions ----

CREATE OR REPLACE FUNCTION s2s.admin_decision_load(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  v s2s.verification;
BEGIN
  SELECT t.* INTO v FROM s2s.verification AS t WHERE t.verification_id = p_input ->> 'verificationId';
  IF NOT FOUND THEN
    RETURN s2s.app_problem(p_token, 'not-found');
  END IF;
  RETURN s2s.app_answer(200, json_build_object(
    'sessionId', v.session_id, 'peer', v.peer, 'credentialConfigurationIds', v.configuration_ids,
    'requestedDeviceCount', v.requested_device_count, 'status', v.status, 'version', v.version)::text);
END
$$;
COMMENT ON FUNCTION s2s.admin_decision_load(uuid, json) IS
  'Under which session the subjects of a decision are to be sealed, and for which configurations there may be any.';

CREATE OR REPLACE FUNCTION s2s.admin_verification_lock(
  x s2s.exchange, p_input json, OUT r s2s.reply, OUT v s2s.verification)
LANGUAGE plpgsql AS $$
BEGIN
  r := s2s.claim(x);
  IF r.outcome IS NOT NULL THEN
    RETURN;
  END IF;
  v := s2s.verification_lock(p_input ->> 'verificationId');
  IF v.verification_id IS NULL THEN
    r := s2s.refuse(x, 'not-found');
  ELSIF v.status <> 'PENDING' OR v.version <> (p_input -> 'body' ->> 'version')::bigint THEN
    r := s2s.refuse(x, 'wrong-state', v.status);
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.admin_verification_lock(s2s.exchange, json) IS
  'Claims the request and locks the verification that it decides: PENDING, and as the reviewer saw it. Else there is a '
  'reply.';

CREATE OR REPLACE FUNCTION s2s.admin_decision_error(
  v s2s.verification, p_decision json, p_approved_ids text[], p_data_request jsonb, p_deadline_in interval,
  OUT pointer text, OUT message text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_status text := p_decision ->> 'status';
BEGIN
  IF v_status = 'APPROVED'
     AND (p_approved_ids <@ v.configuration_ids AND cardinality(p_approved_ids) > 0) IS NOT TRUE THEN
    pointer := '/credentialConfigurationIds';
    message := 'has some that were not asked for, or none';
  ELSIF v_status = 'APPROVED' AND (p_decision ->> 'authorizedDeviceCount')::integer > v.requested_device_count THEN
    pointer := '/authorizedDeviceCount';
    message := 'is more than was asked for';
  ELSIF v_status IN ('REJECTED', 'DENIED') AND p_decision ->> 'reasonCode' IS NULL THEN
    pointer := '/reasonCode';
    message := 'is missing';
  ELSIF v_status = 'ADDITIONAL_INFO_REQUIRED' AND p_data_request IS NULL THEN
    pointer := '/verificationDataRequest';
    message := 'is missing or cannot be kept';
  ELSIF p_data_request ? 'deadline' AND (p_deadline_in > '0') IS NOT TRUE THEN
    pointer := '/verificationDataRequest/deadline';
    message := 'is over, or no time';
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.admin_decision_error IS 'What is wrong with a decision, and where in it; nothing: null.';

CREATE OR REPLACE FUNCTION s2s.admin_decision(
  x s2s.exchange, p_role text, p_action text, p_pointer text, v s2s.verification, p_decision json,
  p_approved_ids text[] DEFAULT NULL, p_subject_refs text[] DEFAULT NULL, p_subject_sealed bytea[] DEFAULT NULL,
  p_subject_aliases json DEFAULT NULL)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  v_read_version bigint := v.version;
  v_request json := p_decision -> 'verificationDataRequest';
  v_data_request jsonb := s2s.parsed(v_request::text);
  v_deadline_in interval := s2s.parsed_time(v_request ->> 'deadline') - clock_timestamp();
  e record := s2s.admin_decision_error(v, p_decision, p_approved_ids, v_data_request, v_deadline_in);
BEGIN
  IF e.pointer IS NOT NULL THEN
    RETURN s2s.admin_violation(x, p_pointer || e.pointer, e.message);
  END IF;
  v.decided_by := x.peer;
  v := s2s.verification_decide(
    v, p_decision ->> 'status', p_decision ->> 'reasonCode',
    coalesce(p_decision ->> 'rejectedDetails', p_decision ->> 'deniedMessage'), p_approved_ids, p_subject_refs,
    (p_decision ->> 'authorizedDeviceCount')::integer, (v_data_request - 'deadline' - 'maxAttempts')::text,
    v_deadline_in, (v_data_request ->> 'maxAttempts')::integer, p_subject_sealed, p_subject_aliases);
  PERFORM s2s.audit_by(x, p_role, p_action, v.verification_id, json_strip_nulls(json_build_object(
    'version', v_read_version, 'status', v.status, 'reasonCode', v.reason_code,
    'credentialConfigurationIds', p_approved_ids)));
  RETURN s2s.store(x, 200, s2s.admin_verification_detail(v)::text);
END
$$;
COMMENT ON FUNCTION s2s.admin_decision IS
  'Decides a verification that admin_verification_lock() gave, as any decider does. p_pointer: where the decision '
  'stands in the body.';

CREATE OR REPLACE FUNCTION s2s.admin_decide(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text,
  p_approved_ids text[], p_subject_refs text[], p_subject_sealed bytea[] DEFAULT NULL,
  p_subject_aliases json DEFAULT NULL)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  l record := s2s.admin_verification_lock(x, p_input);
BEGIN
  IF (l.r).outcome IS NOT NULL THEN
    RETURN l.r;
  END IF;
  RETURN s2s.admin_decision(x, p_role, 'verification.decide', '/decision', l.v, p_input -> 'body' -> 'decision',
                            p_approved_ids, p_subject_refs, p_subject_sealed, p_subject_aliases);
END
$$;
COMMENT ON FUNCTION s2s.admin_decide IS 'A reviewer decides: APPROVED, REJECTED, DENIED or ADDITIONAL_INFO_REQUIRED.';

CREATE OR REPLACE FUNCTION s2s.admin_request_info(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  l record := s2s.admin_verification_lock(x, p_input);
  v_body json := p_input -> 'body';
  v_request json := v_body -> 'verificationDataRequest';
  v_deadline text := v_body ->> 'deadline';
BEGIN
  IF (l.r).outcome IS NOT NULL THEN
    RETURN l.r;
  ELSIF v_deadline IS NOT NULL AND (s2s.parsed_time(v_deadline) > clock_timestamp()) IS NOT TRUE THEN
    RETURN s2s.admin_violation(x, '/deadline', 'is over, or no time');
  ELSIF v_deadline IS NOT NULL AND v_request ->> 'deadline' IS NULL THEN
    v_request := s2s.json_join(v_request, json_build_object('deadline', v_deadline));
  END IF;
  RETURN s2s.admin_decision(
    x, p_role, 'verification.request-info', '', l.v,
    json_build_object('status', 'ADDITIONAL_INFO_REQUIRED', 'verificationDataRequest', v_request));
END
$$;
COMMENT ON FUNCTION s2s.admin_request_info IS 'A reviewer asks the wallet for more.';

-- ---- what was submitted, and results ----

CREATE OR REPLACE FUNCTION s2s.admin_verification_items(
  p_token uuid, p_input json, p_peer text, p_request_id uuid, p_role text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  v_answer json;
BEGIN
  SELECT json_build_object(
           'verificationId', v.verification_id, 'sessionId', v.session_id, 'peer', v.peer,
           'wsk', (SELECT s.wsk FROM s2s.session AS s WHERE s.session_id = v.session_id),
           'submissions', coalesce(
             (SELECT json_agg(json_strip_nulls(json_build_object(
                       'dataSeq', d.data_seq,
                       'at', s2s.rfc3339(d.created_at),
                       'clientJwe', d.client_jwe,
                       'serverSealed', translate(encode(d.server_sealed, 'base64'), E'\n', ''),
                       'issuerSealed', translate(encode(d.issuer_sealed, 'base64'), E'\n', ''))) ORDER BY d.data_seq)
              FROM s2s.verification_data AS d
              WHERE d.verification_id = v.verification_id),
             '[]'))
  INTO v_answer
  FROM s2s.verification AS v
  WHERE v.verification_id = p_input ->> 'verificationId';
  IF v_answer IS NULL THEN
    RETURN s2s.app_problem(p_token, 'not-found');
  END IF;
  PERFORM s2s.audit_add(p_peer, p_role, p_request_id, 'verification.items', p_input ->> 'verificationId');
  RETURN s2s.app_answer(200, v_answer::text);
END
$$;
COMMENT ON FUNCTION s2s.admin_verification_items(uuid, json, text, uuid, text) IS
  'What was submitted, as it is kept, for the gateway to open and show to a reviewer. A GET, but written down.';

CREATE OR REPLACE FUNCTION s2s.admin_web_result(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text,
  p_verification_id text, p_item_id text, p_sealed bytea, p_max_results integer, p_max_octets bigint)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  v_status text;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  CASE s2s.web_result(p_verification_id, p_item_id, p_sealed, p_max_results, p_max_octets)
    WHEN 'accepted' THEN NULL;
    WHEN 'not-found' THEN RETURN s2s.refuse(x, 'not-found');
    WHEN 'too-large' THEN RETURN s2s.refuse(x, 'content-too-large');
    WHEN 'final' THEN
      SELECT v.status INTO v_status FROM s2s.verification AS v WHERE v.verification_id = p_verification_id;
      RETURN s2s.refuse(x, 'wrong-state', v_status);
  END CASE;
  PERFORM s2s.audit_by(x, p_role, 'verification.web-result', p_verification_id, json_strip_nulls(json_build_object(
    'itemId', p_item_id, 'outcome', p_input -> 'body' ->> 'outcome')));
  SELECT v.status INTO v_status FROM s2s.verification AS v WHERE v.verification_id = p_verification_id;
  RETURN s2s.store(
    x, 200, json_build_object('verificationId', p_verification_id, 'status', v_status)::text, p_wake => true);
END
$$;
COMMENT ON FUNCTION s2s.admin_web_result IS
  'Takes the sealed result of an authentication on the web, for the evaluation that it brings about.';
