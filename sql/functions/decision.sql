-- SPDX-License-Identifier: Apache-2.0
--
-- What a decision does to a verification, whoever made it: the built-in policy, a backend, a reviewer.
--
--   s2s.datasets_distinct(p_approved_ids text[], p_subject_refs text[], p_subject_sealed bytea[])
--       -> (approved_ids text[], subject_refs text[], subject_sealed bytea[])
--   s2s.subject_refs_known(p_session_id text, p_approved_ids text[], p_subject_refs text[], p_subject_aliases json)
--       -> text[]
--   s2s.verification_decide(v s2s.verification, p_status text, p_reason_code text, p_message text,
--                           p_approved_ids text[], p_subject_refs text[], p_authorized_device_count int,
--                           p_data_request text, p_deadline_in interval, p_max_attempts int,
--                           p_subject_sealed bytea[] DEFAULT NULL, p_subject_aliases json DEFAULT NULL)
--       -> s2s.verification
--   s2s.verification_settle(p_verification_id text, p_data_seq int, p_status text, p_reason_code text, p_message text,
--                           p_approved_ids text[], p_subject_refs text[], p_authorized_device_count int,
--                           p_max_attempts int, p_subject_sealed bytea[])
--       -> boolean: whether it was that simple

CREATE OR REPLACE FUNCTION s2s.datasets_distinct(
  p_approved_ids text[], p_subject_refs text[], p_subject_sealed bytea[],
  OUT approved_ids text[], OUT subject_refs text[], OUT subject_sealed bytea[])
LANGUAGE sql IMMUTABLE AS $$
  SELECT array_agg(f.id ORDER BY f.position), array_agg(f.ref ORDER BY f.position),
         CASE WHEN p_subject_sealed IS NOT NULL THEN array_agg(f.sealed ORDER BY f.position) END
  FROM (SELECT DISTINCT ON (a.id, a.ref) a.id, a.ref, a.sealed, a.position
        FROM unnest(p_approved_ids, p_subject_refs, p_subject_sealed) WITH ORDINALITY AS a (id, ref, sealed, position)
        ORDER BY a.id, a.ref, a.position) AS f
$$;
COMMENT ON FUNCTION s2s.datasets_distinct(text[], text[], bytea[]) IS
  'There is one instance for a dataset: what is approved twice is approved once, in the order of approval.';

CREATE OR REPLACE FUNCTION s2s.subject_refs_known(
  p_session_id text, p_approved_ids text[], p_subject_refs text[], p_subject_aliases json)
RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT array_agg(coalesce(known.subject_ref, a.ref) ORDER BY a.position)
    FROM unnest(p_approved_ids, p_subject_refs) WITH ORDINALITY AS a (id, ref, position)
    LEFT JOIN LATERAL (
      SELECT i.subject_ref
      FROM (SELECT t.configuration_id, t.subject_ref, s2s.instance_is_live(t) AS is_live
            FROM s2s.instance AS t
            WHERE t.session_id = p_session_id
            OFFSET 0) AS i
      WHERE i.configuration_id = a.id AND i.is_live
        AND i.subject_ref IN (SELECT json_array_elements_text(p_subject_aliases -> (a.position - 1)::integer))
      LIMIT 1
    ) AS known ON true);
END
$$;
COMMENT ON FUNCTION s2s.subject_refs_known(text, text[], text[], json) IS
  'The pseudonyms under which the instances of a session know these subjects, which may be made with an older data '
  'key.';

CREATE OR REPLACE FUNCTION s2s.verification_decide(
  v s2s.verification, p_status text, p_reason_code text, p_message text, p_approved_ids text[], p_subject_refs text[],
  p_authorized_device_count integer, p_data_request text, p_deadline_in interval, p_max_attempts integer,
  p_subject_sealed bytea[] DEFAULT NULL, p_subject_aliases json DEFAULT NULL)
RETURNS s2s.verification LANGUAGE plpgsql AS $$
BEGIN
  v.max_attempts := coalesce(p_max_attempts, v.max_attempts);
  v.awaiting_decision := p_status = 'PENDING';
  v.undecided_reason := NULL;
  IF p_status IN ('REJECTED', 'ADDITIONAL_INFO_REQUIRED') AND s2s.verification_is_exhausted(v) THEN
    v.reason_code := 'ATTEMPTS_EXHAUSTED';
    v.message := 'No attempts are left.';
    RETURN s2s.verification_move(v, 'DENIED');
  END IF;

  v.reason_code := p_reason_code;
  v.message := p_message;
  CASE p_status
    WHEN 'APPROVED' THEN
      IF p_subject_aliases IS NOT NULL AND NOT s2s.verification_is_first(v) THEN
        p_subject_refs := s2s.subject_refs_known(v.session_id, p_approved_ids, p_subject_refs, p_subject_aliases);
      END IF;
      IF cardinality(p_approved_ids) > 1 THEN
        SELECT d.approved_ids, d.subject_refs, d.subject_sealed
        INTO p_approved_ids, p_subject_refs, p_subject_sealed
        FROM s2s.datasets_distinct(p_approved_ids, p_subject_refs, p_subject_sealed) AS d;
      END IF;
      v.approved_ids := p_approved_ids;
      v.subject_refs := p_subject_refs;
      v.subject_sealed := p_subject_sealed;
      -- The first approval says on how many devices; what is derived from it adds none.
      v.authorized_device_count := coalesce(p_authorized_device_count, 1);
      IF v.root_verification_id IS NOT NULL THEN
        v.authorized_device_count := coalesce(
          s2s.devices_authorized(v.root_verification_id), v.authorized_device_count);
      END IF;
    WHEN 'ADDITIONAL_INFO_REQUIRED' THEN
      v.data_request := p_data_request;
      v.deadline := clock_timestamp() + p_deadline_in;
    WHEN 'REJECTED' THEN
      -- Unless it is given anew, the deadline of the request that this submission answered still holds.
      v.deadline := coalesce(clock_timestamp() + p_deadline_in, v.deadline);
    ELSE
      NULL;
  END CASE;
  RETURN s2s.verification_move(v, p_status);
END
$$;
COMMENT ON FUNCTION s2s.verification_decide IS
  'Applies a decision to a (locked, PENDING) verification. Without attempts left, asking again is denying.';

CREATE OR REPLACE FUNCTION s2s.verification_settle(
  p_verification_id text, p_data_seq integer, p_status text, p_reason_code text, p_message text,
  p_approved_ids text[], p_subject_refs text[], p_authorized_device_count integer, p_max_attempts integer,
  p_subject_sealed bytea[])
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_peer text;
  v_had_data boolean;
BEGIN
  UPDATE s2s.verification AS u
  SET status = p_status,
      version = u.version + 1,
      updated_at = clock_timestamp(),
      due_at = s2s.verification_due_at(p_status, u.deadline, u.expires_at),
      data_octets = CASE WHEN s2s.verification_is_final(p_status) THEN 0 ELSE u.data_octets END,
      max_attempts = coalesce(p_max_attempts, u.max_attempts),
      authorized_device_count =
        CASE WHEN p_status = 'APPROVED' THEN coalesce(p_authorized_device_count, 1) ELSE u.authorized_device_count END,
      awaiting_decision = p_status = 'PENDING',
      decided_by = NULL,
      undecided_reason = NULL,
      reason_code = p_reason_code,
      message = p_message,
      approved_ids = p_approved_ids,
      subject_refs = p_subject_refs,
      subject_sealed = p_subject_sealed
  WHERE u.verification_id = p_verification_id
    AND (p_status = 'PENDING'
         OR p_status = 'APPROVED' AND cardinality(p_approved_ids) = 1 AND cardinality(p_subject_refs) = 1
            AND coalesce(cardinality(p_subject_sealed), 1) = 1 AND u.root_verification_id IS NULL)
    -- IS TRUE: the index of what is due is tiny where nearly all are final, and would be walked whole.
    AND (u.status = 'PENDING' AND u.data_seq = p_data_seq AND u.due_at > clock_timestamp()) IS TRUE
  RETURNING u.peer, u.attempts > 0 OR u.data_seq > 1 INTO v_peer, v_had_data;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  IF v_had_data AND s2s.verification_is_final(p_status) THEN
    DELETE FROM s2s.verification_data AS d WHERE d.verification_id = p_verification_id;
  END IF;
  PERFORM s2s.verification_tell(p_verification_id, v_peer, 'PENDING', p_status, false);
  RETURN true;
END
$$;
COMMENT ON FUNCTION s2s.verification_settle IS
  'What most evaluations come to, one approval or a wait for somebody, as one narrow statement: to take a row of so many '
  'columns through the mover costs twice as much. Does just what s2s.verification_decide would do, or nothing.';
