-- SPDX-License-Identifier: Apache-2.0
--
-- Evaluations: handing submissions to the decider, and what its decision does. And what time alone decides.
--
--   s2s.evaluations_claim(p_lease uuid, p_limit int, p_lease_for interval, p_max_attempts int, p_max_octets bigint,
--                         p_lanes text[] DEFAULT '{""}', p_rooms int[] DEFAULT NULL)
--       -> setof (job_id bigint, job_attempts int, session_id text, verification_id text, peer text, status text,
--                 wsk text, configuration_ids text[], requested_device_count int, attempts int, data_seq int,
--                 client_jwe text[], server_sealed bytea[], lane text, postponed int, wsk_thumbprint text,
--                 attestation text, locale text, supported_types text[], data_request text, issuer_sealed bytea[],
--                 client_seq int[], server_seq int[], issuer_seq int[], previous_verification_id text,
--                 root_verification_id text, fetches int)
--   s2s.evaluation_end(p_job_id bigint, p_lease uuid) -> text: its verification, null if fenced
--   s2s.evaluation_lock(p_verification_id text, p_data_seq int) -> s2s.verification, null if superseded
--   s2s.evaluation_done(p_job_id bigint, p_lease uuid, p_data_seq int, p_status text, p_reason_code text,
--                       p_message text, p_approved_ids text[], p_subject_refs text[], p_authorized_device_count int,
--                       p_data_request text, p_deadline_in interval, p_max_attempts int,
--                       p_subject_sealed bytea[] DEFAULT NULL, p_subject_aliases json DEFAULT NULL)
--       -> text: done, fenced, superseded
--   s2s.evaluation_undecided(p_job_id bigint, p_lease uuid, p_data_seq int, p_reason text)
--       -> text: done, fenced, superseded
--   s2s.expire_due(p_limit int) -> int
--
-- Whoever decides later, because a backend is not there, puts the job off with s2s.job_postpone.

DROP FUNCTION IF EXISTS s2s.evaluation_finish(bigint, uuid, integer);
DROP FUNCTION IF EXISTS s2s.evaluations_claim(uuid, integer, interval);
DROP FUNCTION IF EXISTS s2s.evaluations_claim(uuid, integer, interval, integer, bigint);
DROP FUNCTION IF EXISTS s2s.evaluations_claim(uuid, integer, interval, integer, bigint, text[], integer[]);
DROP FUNCTION IF EXISTS s2s.evaluation_done(
  bigint, uuid, integer, text, text, text, text[], text[], integer, text, interval, integer);

CREATE OR REPLACE FUNCTION s2s.evaluations_claim(
  p_lease uuid, p_limit integer, p_lease_for interval, p_max_attempts integer, p_max_octets bigint,
  p_lanes text[] DEFAULT '{""}', p_rooms integer[] DEFAULT NULL)
RETURNS TABLE (
  job_id bigint, job_attempts integer, session_id text, verification_id text, peer text, status text, wsk text,
  configuration_ids text[], requested_device_count integer, attempts integer, data_seq integer, client_jwe text[],
  server_sealed bytea[], lane text, postponed integer, wsk_thumbprint text, attestation text, locale text,
  supported_types text[], data_request text, issuer_sealed bytea[], client_seq integer[], server_seq integer[],
  issuer_seq integer[], previous_verification_id text, root_verification_id text, fetches integer)
LANGUAGE plpgsql AS $$
DECLARE
  v_jobs bigint[];
  v_job_attempts integer[];
  v_postponed integer[];
  v_fetches integer[];
  v_refs text[];
  v_seqs integer[];
  v_lanes text[];
BEGIN
  SELECT array_agg(j.job_id), array_agg(j.attempts), array_agg(j.postponed),
         array_agg(s2s.job_fetches(j.payload)), array_agg(j.ref), array_agg((j.payload ->> 'dataSeq')::integer),
         array_agg(j.lane)
  INTO v_jobs, v_job_attempts, v_postponed, v_fetches, v_refs, v_seqs, v_lanes
  FROM s2s.jobs_claim(p_lease, p_limit, p_lease_for, 'evaluate', p_max_attempts, p_max_octets, p_lanes, p_rooms) AS j;

  -- One statement for all, which costs less than one for each; and one for a verification and its data, as these go
  -- when it ends. The claim must be a statement before it: what was claimed must be seen. OFFSET 0: each is looked up
  -- by its key alone, whatever the planner thinks of a table that was empty when this was planned.
  FOR job_id, job_attempts, postponed, fetches, lane, session_id, verification_id, peer, status, wsk, configuration_ids,
      requested_device_count, attempts, data_seq, client_jwe, server_sealed, wsk_thumbprint, attestation, locale,
      supported_types, data_request, issuer_sealed, client_seq, server_seq, issuer_seq, previous_verification_id,
      root_verification_id IN
    SELECT j.job_id, j.attempts, j.postponed, j.fetches, j.lane, of_job.*
    FROM unnest(v_jobs, v_job_attempts, v_postponed, v_fetches, v_refs, v_seqs, v_lanes)
           AS j (job_id, attempts, postponed, fetches, ref, data_seq, lane)
    LEFT JOIN LATERAL (
      SELECT v.session_id, v.verification_id, s.peer, v.status, s.wsk, v.configuration_ids, v.requested_device_count,
             v.attempts, v.data_seq, client.jwe AS client_jwe, own.server_sealed, s.wsk_thumbprint, v.attestation,
             coalesce(v.locale, s.locale) AS locale,
             coalesce(v.supported_verification_types, s.supported_verification_types) AS supported_types,
             v.data_request::text AS data_request, own.issuer_sealed, client.seq AS client_seq, own.server_seq,
             own.issuer_seq,
             CASE WHEN v.verification_id <> s.verification_id THEN s2s.last_approved(s.session_id) END
               AS previous_verification_id,
             v.root_verification_id
      FROM s2s.verification AS v
      CROSS JOIN LATERAL (SELECT t.* FROM s2s.session AS t WHERE t.session_id = v.session_id OFFSET 0) AS s
      CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(i.jwe ORDER BY d.data_seq, i.position), '{}') AS jwe,
               array_agg(d.data_seq ORDER BY d.data_seq, i.position) AS seq
        FROM s2s.verification_data AS d, unnest(d.client_jwe) WITH ORDINALITY AS i (jwe, position)
        WHERE d.verification_id = v.verification_id) AS client
      CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(d.server_sealed ORDER BY d.data_seq) FILTER (WHERE d.server_sealed IS NOT NULL),
                        '{}') AS server_sealed,
               array_agg(d.data_seq ORDER BY d.data_seq) FILTER (WHERE d.server_sealed IS NOT NULL) AS server_seq,
               array_agg(d.issuer_sealed ORDER BY d.data_seq) FILTER (WHERE d.issuer_sealed IS NOT NULL)
                 AS issuer_sealed,
               array_agg(d.data_seq ORDER BY d.data_seq) FILTER (WHERE d.issuer_sealed IS NOT NULL) AS issuer_seq
        FROM s2s.verification_data AS d
        WHERE d.verification_id = v.verification_id) AS own
      WHERE v.verification_id = j.ref
      OFFSET 0) AS of_job ON of_job.status = 'PENDING' AND of_job.data_seq = j.data_seq
  LOOP
    -- A job evaluates one submission: if the verification went on without it, it is void.
    IF verification_id IS NULL THEN
      DELETE FROM s2s.job AS f WHERE f.job_id = evaluations_claim.job_id;
      CONTINUE;
    END IF;
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION s2s.evaluations_claim(uuid, integer, interval, integer, bigint, text[], integer[]) IS
  'Claims evaluate jobs together with all submissions so far, oldest first, of p_max_octets in all unless one alone is '
  'larger; finishes those that are void. …_seq: the submission that brought each item.';

CREATE OR REPLACE FUNCTION s2s.evaluation_end(p_job_id bigint, p_lease uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_verification_id text;
BEGIN
  DELETE FROM s2s.job AS j
  WHERE j.job_id = p_job_id AND j.lease = p_lease AND j.kind = 'evaluate'
  RETURNING j.ref INTO v_verification_id;
  RETURN v_verification_id;
END
$$;
COMMENT ON FUNCTION s2s.evaluation_end(bigint, uuid) IS
  'Ends an evaluate job, if the lease is still ours; its verification, else null.';

CREATE OR REPLACE FUNCTION s2s.evaluation_lock(p_verification_id text, p_data_seq integer)
RETURNS s2s.verification LANGUAGE plpgsql AS $$
DECLARE
  v s2s.verification := s2s.verification_lock(p_verification_id);
BEGIN
  IF v.status = 'PENDING' AND v.data_seq = p_data_seq THEN
    RETURN v;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION s2s.evaluation_lock(text, integer) IS
  'Locks the verification of an evaluation; null when it has gone on without it.';

CREATE OR REPLACE FUNCTION s2s.evaluation_done(
  p_job_id bigint, p_lease uuid, p_data_seq integer, p_status text, p_reason_code text, p_message text,
  p_approved_ids text[], p_subject_refs text[], p_authorized_device_count integer, p_data_request text,
  p_deadline_in interval, p_max_attempts integer, p_subject_sealed bytea[] DEFAULT NULL,
  p_subject_aliases json DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_verification_id text := s2s.evaluation_end(p_job_id, p_lease);
  v s2s.verification;
BEGIN
  IF v_verification_id IS NULL THEN
    RETURN 'fenced';
  ELSIF p_subject_aliases IS NULL AND s2s.verification_settle(
      v_verification_id, p_data_seq, p_status, p_reason_code, p_message, p_approved_ids, p_subject_refs,
      p_authorized_device_count, p_max_attempts, p_subject_sealed) THEN
    RETURN 'done';
  END IF;

  v := s2s.evaluation_lock(v_verification_id, p_data_seq);
  IF v.verification_id IS NULL THEN
    RETURN 'superseded';
  END IF;
  PERFORM s2s.verification_decide(
    v, p_status, p_reason_code, p_message, p_approved_ids, p_subject_refs, p_authorized_device_count,
    p_data_request, p_deadline_in, p_max_attempts, p_subject_sealed, p_subject_aliases);
  RETURN 'done';
END
$$;
COMMENT ON FUNCTION s2s.evaluation_done IS
  'Finishes an evaluate job and applies its decision, if the lease is still ours and nothing overtook it.';

CREATE OR REPLACE FUNCTION s2s.evaluation_undecided(p_job_id bigint, p_lease uuid, p_data_seq integer, p_reason text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_verification_id text := s2s.evaluation_end(p_job_id, p_lease);
  v s2s.verification;
BEGIN
  IF v_verification_id IS NULL THEN
    RETURN 'fenced';
  END IF;
  v := s2s.evaluation_lock(v_verification_id, p_data_seq);
  IF v.verification_id IS NULL THEN
    RETURN 'superseded';
  END IF;
  v.awaiting_decision := true;
  v.undecided_reason := left(p_reason, 200);
  PERFORM s2s.verification_move(v, 'PENDING');
  RETURN 'done';
END
$$;
COMMENT ON FUNCTION s2s.evaluation_undecided(bigint, uuid, integer, text) IS
  'Finishes an evaluate job without a decision, as none came that could be used: somebody must look at it.';

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
