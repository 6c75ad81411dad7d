-- SPDX-License-Identifier: Apache-2.0
--
-- The job queue. A claim pushes next_at forward and leaves its lease; whoever finishes a job must name that lease, so a
-- worker that slept past its lease, and whose job was claimed by another, changes nothing.
--
--   s2s.job_kinds() -> setof text
--   s2s.job_bury(j s2s.job, p_error text)
--   s2s.jobs_claim(p_lease uuid, p_limit int, p_lease_for interval, p_kinds text[], p_max_attempts int,
--                  p_max_octets bigint)
--       -> setof (job_id bigint, kind text, ref text, attempts int, payload json)
--   s2s.job_retry(p_job_id bigint, p_lease uuid, p_delay interval, p_error text, p_max_attempts int)
--       -> text: retried, dead, fenced
--   s2s.queue_stats() -> setof (kind text, depth bigint, oldest_age_s double precision, dead bigint)

DROP FUNCTION IF EXISTS s2s.jobs_claim(uuid, integer, interval, text[]);

CREATE OR REPLACE FUNCTION s2s.job_kinds() RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  VALUES ('evaluate')
$$;
COMMENT ON FUNCTION s2s.job_kinds() IS 'The kinds of jobs there are.';

CREATE OR REPLACE FUNCTION s2s.job_bury(j s2s.job, p_error text) RETURNS void LANGUAGE sql AS $$
  DELETE FROM s2s.job AS t WHERE t.job_id = j.job_id;
  INSERT INTO s2s.job_dead (job_id, died_at, created_at, attempts, kind, lane, ref, payload, error)
  VALUES (j.job_id, clock_timestamp(), j.created_at, j.attempts, j.kind, j.lane, j.ref, j.payload, p_error);
$$;
COMMENT ON FUNCTION s2s.job_bury(s2s.job, text) IS 'Makes a (locked) job a dead letter.';

CREATE OR REPLACE FUNCTION s2s.jobs_claim(
  p_lease uuid, p_limit integer, p_lease_for interval, p_kinds text[], p_max_attempts integer, p_max_octets bigint)
RETURNS TABLE (job_id bigint, kind text, ref text, attempts integer, payload json) LANGUAGE plpgsql AS $$
DECLARE
  d s2s.job;
  v_now timestamptz := clock_timestamp();
  v_claimed bigint[] := '{}';
  v_octets bigint := 0;
BEGIN
  FOR d IN
    SELECT t.*
    FROM s2s.job AS t
    WHERE t.next_at <= v_now AND t.kind = ANY (p_kinds)
    ORDER BY t.next_at
    LIMIT p_limit
    FOR UPDATE SKIP LOCKED
  LOOP
    IF d.attempts >= p_max_attempts THEN
      -- It never came back from its last attempt: it outlived its lease, or took its worker down with it.
      PERFORM s2s.job_bury(d, 'attempts used up');
      CONTINUE;
    END IF;
    v_octets := v_octets + d.octets;
    -- One job is always taken, however large: it would never be otherwise.
    EXIT WHEN v_octets > p_max_octets AND v_claimed <> '{}';
    v_claimed := v_claimed || d.job_id;
  END LOOP;

  RETURN QUERY
  UPDATE s2s.job AS j
  SET next_at = v_now + p_lease_for, attempts = j.attempts + 1, lease = p_lease
  WHERE j.job_id = ANY (v_claimed)
  RETURNING j.job_id, j.kind, j.ref, j.attempts, j.payload;
END
$$;
COMMENT ON FUNCTION s2s.jobs_claim(uuid, integer, interval, text[], integer, bigint) IS
  'Leases due jobs that nobody else is claiming, as many as p_max_octets allow; those claimed p_max_attempts times '
  'become dead letters.';

CREATE OR REPLACE FUNCTION s2s.job_retry(
  p_job_id bigint, p_lease uuid, p_delay interval, p_error text, p_max_attempts integer)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  d s2s.job;
BEGIN
  SELECT t.* INTO d FROM s2s.job AS t WHERE t.job_id = p_job_id AND t.lease = p_lease FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'fenced';
  ELSIF d.attempts >= p_max_attempts THEN
    PERFORM s2s.job_bury(d, coalesce(p_error, 'unknown'));
    RETURN 'dead';
  END IF;
  UPDATE s2s.job AS j SET next_at = clock_timestamp() + p_delay, lease = NULL WHERE j.job_id = d.job_id;
  RETURN 'retried';
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
