-- SPDX-License-Identifier: Apache-2.0
--
-- The promises that the data keeps, as queries that return what breaks them. Details carry ids only. Scans everything:
-- for operators and tests, not for the gateway's own connections with their statement timeout.
--
--   s2s.fsck() -> setof (check_name text, detail text)

CREATE OR REPLACE FUNCTION s2s.fsck() RETURNS TABLE (check_name text, detail text)
LANGUAGE plpgsql STABLE
SET enable_seqscan = on -- the gateway's connections have it off, see README.md
AS $$
BEGIN
  RETURN QUERY
  SELECT 'verification-status', v.verification_id
  FROM s2s.verification AS v
  WHERE NOT s2s.verification_is_final(v.status) AND NOT s2s.verification_may_move(v.status, 'PENDING')

  UNION ALL
  SELECT 'verification-incomplete', v.verification_id
  FROM s2s.verification AS v
  WHERE NOT s2s.verification_is_complete(v, v.status)

  UNION ALL
  SELECT 'verification-due-at', v.verification_id
  FROM s2s.verification AS v
  WHERE v.due_at IS DISTINCT FROM s2s.verification_due_at(v.status, v.deadline, v.expires_at)

  UNION ALL
  SELECT 'verification-pending-forgotten', v.verification_id
  FROM s2s.verification AS v
  WHERE v.status = 'PENDING' AND NOT v.awaiting_decision
    AND NOT EXISTS (SELECT FROM s2s.job AS j WHERE j.kind = 'evaluate' AND j.ref = v.verification_id)
    AND NOT EXISTS (SELECT FROM s2s.job_dead AS d WHERE d.kind = 'evaluate' AND d.ref = v.verification_id)

  UNION ALL
  SELECT 'verification-without-session', v.verification_id
  FROM s2s.verification AS v
  WHERE NOT EXISTS (SELECT FROM s2s.session AS s WHERE s.session_id = v.session_id)

  UNION ALL
  SELECT 'verification-data-without-verification', d.verification_id || ' ' || d.data_seq
  FROM s2s.verification_data AS d
  WHERE NOT EXISTS (
    SELECT FROM s2s.verification AS v WHERE v.verification_id = d.verification_id AND v.data_seq >= d.data_seq)

  UNION ALL
  SELECT 'session-without-verification', s.session_id
  FROM s2s.session AS s
  WHERE NOT EXISTS (SELECT FROM s2s.verification AS v WHERE v.session_id = s.session_id)

  UNION ALL
  SELECT 'instance-not-approved', i.instance_id
  FROM s2s.instance AS i
  WHERE NOT EXISTS (
    SELECT FROM s2s.verification AS v
    WHERE v.verification_id = i.verification_id AND v.session_id = i.session_id AND v.status = 'APPROVED'
      AND v.approved_ids[i.ordinal] = i.configuration_id AND v.subject_refs[i.ordinal] = i.subject_ref)

  UNION ALL
  SELECT 'fetch-without-instance', f.transaction_id
  FROM s2s.fetch AS f
  WHERE NOT EXISTS (
    SELECT FROM s2s.instance AS i WHERE i.instance_id = f.instance_id AND i.ready_at IS NOT NULL)

  UNION ALL
  SELECT 'job-kind-unknown', j.job_id::text
  FROM s2s.job AS j
  WHERE j.kind NOT IN (SELECT k FROM s2s.job_kinds() AS k)

  UNION ALL
  SELECT 'job-lease-too-long', j.job_id::text
  FROM s2s.job AS j
  WHERE j.lease IS NOT NULL AND j.next_at > clock_timestamp() + interval '24 hours'

  UNION ALL
  -- A claim finishes such a job, so one that has been due for long means that nobody claims.
  SELECT 'job-of-final-verification', j.job_id::text
  FROM s2s.job AS j
  JOIN s2s.verification AS v ON v.verification_id = j.ref
  WHERE j.kind = 'evaluate' AND s2s.verification_is_final(v.status)
    AND j.next_at < clock_timestamp() - interval '10 minutes'

  UNION ALL
  SELECT 'answer-in-default-partition', a.peer || ' ' || a.request_id
  FROM s2s.answer_default AS a

  UNION ALL
  SELECT 'answer-twice', a.peer || ' ' || a.request_id
  FROM s2s.answer AS a
  GROUP BY a.peer, a.request_id
  HAVING count(*) > 1;
END
$$;
COMMENT ON FUNCTION s2s.fsck() IS 'Broken promises; no rows when all is well.';
