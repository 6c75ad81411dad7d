-- SPDX-License-Identifier: Apache-2.0
--
-- Evaluations: handing submissions to the decider, and what its decision does. And what time alone decides.
--
--   s2s.evaluations_claim(p_lease uuid, p_limit int, p_lease_for interval, p_max_attempts int, p_max_octets bigint)
--       -> setof (job_id bigint, job_attempts int, session_id text, verification_id text, peer text, status text,
--                 wsk text, configuration_ids text[], requested_device_count int, attempts int, data_seq int,
--                 client_jwe text[], server_sealed bytea[])
--   s2s.evaluation_done(p_job_id bigint, p_lease uuid, p_data_seq int, p_status text, p_reason_code text,
--                       p_message text, p_approved_ids text[], p_subject_refs text[], p_authorized_device_count int,
--                       p_data_request text, p_deadline_in interval, p_max_attempts int)
--       -> text: done, fenced, superseded
--   s2s.expire_due(p_limit int) -> int

DROP FUNCTION IF EXISTS s2s.evaluations_claim(uuid, integer, interval);

CREATE OR REPLACE FUNCTION s2s.evaluations_claim(
  p_lease uuid, p_limit integer, p_lease_for interval, p_max_attempts integer, p_max_octets bigint)
RETURNS TABLE (
  job_id bigint, job_attempts integer, session_id text, verification_id text, peer text, status text, wsk text,
  configuration_ids text[], requested_device_count integer, attempts integer, data_seq integer, client_jwe text[],
  server_sealed bytea[])
LANGUAGE plpgsql AS $$
DECLARE
  j record;
BEGIN
  FOR j IN
    SELECT * FROM s2s.jobs_claim(p_lease, p_limit, p_lease_for, '{evaluate}', p_max_attempts, p_max_octets)
  LOOP
    -- A job evaluates one submission: if the verification went on without it, it is void. One statement, as the data
    -- goes when the verification ends.
    SELECT j.job_id, j.attempts, v.session_id, v.verification_id, s.peer, v.status, s.wsk, v.configuration_ids,
           v.requested_device_count, v.attempts, v.data_seq,
           ARRAY(SELECT e.jwe
                 FROM s2s.verification_data AS d, unnest(d.client_jwe) WITH ORDINALITY AS e (jwe, position)
                 WHERE d.verification_id = v.verification_id
                 ORDER BY d.data_seq, e.position),
           ARRAY(SELECT d.server_sealed
                 FROM s2s.verification_data AS d
                 WHERE d.verification_id = v.verification_id AND d.server_sealed IS NOT NULL
                 ORDER BY d.data_seq)
    INTO job_id, job_attempts, session_id, verification_id, peer, status, wsk, configuration_ids,
         requested_device_count, attempts, data_seq, client_jwe, server_sealed
    FROM s2s.verification AS v
    JOIN s2s.session AS s ON s.session_id = v.session_id
    WHERE v.verification_id = j.ref AND v.status = 'PENDING' AND v.data_seq = (j.payload ->> 'dataSeq')::integer;

    IF NOT FOUND THEN
      DELETE FROM s2s.job AS f WHERE f.job_id = j.job_id;
      CONTINUE;
    END IF;
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION s2s.evaluations_claim(uuid, integer, interval, integer, bigint) IS
  'Claims evaluate jobs together with all submissions so far, oldest first, of p_max_octets in all unless one alone is '
  'larger; finishes those that are void.';

CREATE OR REPLACE FUNCTION s2s.evaluation_done(
  p_job_id bigint, p_lease uuid, p_data_seq integer, p_status text, p_reason_code text, p_message text,
  p_approved_ids text[], p_subject_refs text[], p_authorized_device_count integer, p_data_request text,
  p_deadline_in interval, p_max_attempts integer)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v s2s.verification;
  v_verification_id text;
BEGIN
  DELETE FROM s2s.job AS j
  WHERE j.job_id = p_job_id AND j.lease = p_lease AND j.kind = 'evaluate'
  RETURNING j.ref INTO v_verification_id;
  IF NOT FOUND THEN
    RETURN 'fenced';
  END IF;

  v := s2s.verification_lock(v_verification_id);
  IF v.status IS DISTINCT FROM 'PENDING' OR v.data_seq <> p_data_seq THEN
    RETURN 'superseded';
  END IF;

  v.max_attempts := coalesce(p_max_attempts, v.max_attempts);
  IF p_status IN ('REJECTED', 'ADDITIONAL_INFO_REQUIRED')
     AND v.max_attempts > 0 AND v.attempts >= v.max_attempts THEN
    v.reason_code := 'ATTEMPTS_EXHAUSTED';
    v.message := 'No attempts are left.';
    v := s2s.verification_move(v, 'DENIED');
    RETURN 'done';
  END IF;
  v.reason_code := p_reason_code;
  v.message := p_message;
  v.awaiting_decision := p_status = 'PENDING';
  CASE p_status
    WHEN 'APPROVED' THEN
      v.approved_ids := p_approved_ids;
      v.subject_refs := p_subject_refs;
      v.authorized_device_count := coalesce(p_authorized_device_count, 1);
    WHEN 'ADDITIONAL_INFO_REQUIRED' THEN
      v.data_request := p_data_request;
      v.deadline := clock_timestamp() + p_deadline_in;
    WHEN 'REJECTED' THEN
      -- Unless it is given anew, the deadline of the request that this submission answered still holds.
      v.deadline := coalesce(clock_timestamp() + p_deadline_in, v.deadline);
    ELSE
      NULL;
  END CASE;
  v := s2s.verification_move(v, p_status);
  RETURN 'done';
END
$$;
COMMENT ON FUNCTION s2s.evaluation_done IS
  'Finishes an evaluate job and applies its decision, if the lease is still ours and nothing overtook it.';

CREATE OR REPLACE FUNCTION s2s.expire_due(p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v s2s.verification;
  v_now timestamptz := clock_timestamp();
  v_moved integer := 0;
BEGIN
  FOR v IN
    SELECT t.*
    FROM s2s.verification AS t
    WHERE t.due_at <= v_now
    ORDER BY t.due_at
    LIMIT p_limit
    FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    PERFORM s2s.verification_apply_due(v);
    v_moved := v_moved + 1;
  END LOOP;
  RETURN v_moved;
END
$$;
COMMENT ON FUNCTION s2s.expire_due(integer) IS 'Ends verifications whose time is over, at most p_limit; how many.';
