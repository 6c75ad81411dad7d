-- SPDX-License-Identifier: Apache-2.0
--
-- The job queue. A claim pushes next_at forward and leaves its lease; whoever finishes a job must name that lease, so a
-- worker that slept past its lease, and whose job was claimed by another, changes nothing.
--
--   s2s.job_kinds() -> setof text
--   s2s.jobs_claim(p_lease uuid, p_limit int, p_lease_for interval, p_kinds text[])
--       -> setof (job_id bigint, kind text, ref text, attempts int, payload json)
--   s2s.job_retry(p_job_id bigint, p_lease uuid, p_delay interval, p_error text, p_max_attempts int)
--       -> text: retried, dead, fenced
--   s2s.queue_stats() -> setof (kind text, depth bigint, oldest_age_s double precision, dead bigint)

CREATE OR REPLACE FUNCTION s2s.job_kinds() RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  VALUES ('evaluate')
$$;
COMMENT ON FUNCTION s2s.job_kinds() IS 'The kinds of jobs there are.';

CREATE OR REPLACE FUNCTION s2s.jobs_claim(p_lease uuid, p_limit integer, p_lease_for interval, p_kinds text[])
RETURNS TABLE (job_id bigint, kind text, ref text, attempts integer, payload json) LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  RETURN QUERY
  WITH due AS MATERIALIZED (
    SELECT d.job_id
    FROM s2s.job AS d
    WHERE d.next_at <= v_now AND d.kind = ANY (p_kinds)
    ORDER BY d.next_at
    LIMIT p_limit
    FOR UPDATE SKIP LOCKED
  )
  UPDATE s2s.job AS j
  SET next_at = v_now + p_lease_for, attempts = j.attempts + 1, lease = p_lease
  FROM due
  WHERE j.job_id = due.job_id
  RETURNING j.job_id, j.kind, j.ref, j.attempts, j.payload;
END
$$;
COMMENT ON FUNCTION s2s.jobs_claim(uuid, integer, interval, text[]) IS 'Leases due jobs that nobody else is claiming.';

CREATE OR REPLACE FUNCTION s2s.job_retry(
  p_job_id bigint, p_lease uuid, p_delay interval, p_error text, p_max_attempts integer)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  WITH given_up AS (
    DELETE FROM s2s.job AS j
    WHERE j.job_id = p_job_id AND j.lease = p_lease AND j.attempts >= p_max_attempts
    RETURNING j.*
  )
  INSERT INTO s2s.job_dead (job_id, died_at, created_at, attempts, kind, lane, ref, payload, error)
  SELECT g.job_id, clock_timestamp(), g.created_at, g.attempts, g.kind, g.lane, g.ref, g.payload,
         coalesce(p_error, 'unknown')
  FROM given_up AS g;
  IF FOUND THEN
    RETURN 'dead';
  END IF;

  UPDATE s2s.job AS j
  SET next_at = clock_timestamp() + p_delay, lease = NULL
  WHERE j.job_id = p_job_id AND j.lease = p_lease;
  RETURN CASE WHEN FOUND THEN 'retried' ELSE 'fenced' END;
END
$$;
COMMENT ON FUNCTION s2s.job_retry(bigint, uuid, interval, text, integer) IS
  'Gives a failed job back for later, or to the dead letters after p_max_attempts.';

CREATE OR REPLACE FUNCTION s2s.queue_stats()
RETURNS TABLE (kind text, depth bigint, oldest_age_s double precision, dead bigint) LANGUAGE sql STABLE AS $$
  -- Bounded: a scrape must not scan a queue that is in trouble.
  SELECT kinds.kind, live.depth, coalesce(extract(epoch FROM clock_timestamp() - live.oldest), 0)::double precision,
         dead.depth
  FROM s2s.job_kinds() AS kinds (kind),
       LATERAL (SELECT count(*) AS depth, min(l.created_at) AS oldest
                FROM (SELECT j.created_at FROM s2s.job AS j WHERE j.kind = kinds.kind LIMIT 100000) AS l) AS live,
       LATERAL (SELECT count(*) AS depth
                FROM (SELECT FROM s2s.job_dead AS d WHERE d.kind = kinds.kind LIMIT 100000) AS l) AS dead
$$;
COMMENT ON FUNCTION s2s.queue_stats() IS 'Depth, age of the oldest job and dead letters by kind, up to 100,000 each.';
