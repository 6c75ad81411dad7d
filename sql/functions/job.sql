-- SPDX-License-Identifier: Apache-2.0
--
-- The job queue. A claim pushes next_at forward and leaves its lease; whoever finishes a job must name that lease, so a
-- worker that slept past its lease, and whose job was claimed by another, changes nothing.
--
--   s2s.job_kinds() -> setof text
--   s2s.job_bury(j s2s.job, p_error text)
--   s2s.jobs_claim(p_lease uuid, p_limit int, p_lease_for interval, p_kind text, p_max_attempts int,
--                  p_max_octets bigint, p_lanes text[] DEFAULT '{""}', p_rooms int[] DEFAULT NULL)
--       -> setof (job_id bigint, ref text, attempts int, postponed int, payload json, lane text,
--                 created_at timestamptz)
--   s2s.jobs_lanes_set(p_lanes text[]) -> int: how many were moved
--   s2s.job_retry(p_job_id bigint, p_lease uuid, p_delay interval, p_error text, p_max_attempts int)
--       -> text: retried, dead, fenced
--   s2s.job_fetches(p_payload json) -> int
--   s2s.job_postpone(p_job_id bigint, p_lease uuid, p_delay interval, p_error text DEFAULT NULL,
--                    p_lane text DEFAULT NULL, p_fetch boolean DEFAULT false)
--       -> text: postponed, fenced
--   s2s.job_redrive(p_job_id bigint) -> boolean
--   s2s.queue_stats() -> setof (kind text, depth bigint, oldest_age_s double precision, dead bigint)

DROP FUNCTION IF EXISTS s2s.jobs_claim(uuid, integer, interval, text[]);
DROP FUNCTION IF EXISTS s2s.jobs_claim(uuid, integer, interval, text[], integer, bigint);
DROP FUNCTION IF EXISTS s2s.job_postpone(bigint, uuid, interval, text, text);

CREATE OR REPLACE FUNCTION s2s.job_kinds() RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  VALUES ('evaluate'), ('dataset'), ('bulk')
$$;
COMMENT ON FUNCTION s2s.job_kinds() IS 'The kinds of jobs there are.';

CREATE OR REPLACE FUNCTION s2s.job_bury(j s2s.job, p_error text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM s2s.job AS t WHERE t.job_id = j.job_id;
  INSERT INTO s2s.job_dead (job_id, died_at, created_at, attempts, kind, lane, ref, payload, error)
  VALUES (j.job_id, clock_timestamp(), j.created_at, j.attempts, j.kind, j.lane, j.ref, j.payload, p_error);
END
$$;
COMMENT ON FUNCTION s2s.job_bury(s2s.job, text) IS 'Makes a (locked) job a dead letter.';

CREATE OR REPLACE FUNCTION s2s.jobs_claim(
  p_lease uuid, p_limit integer, p_lease_for interval, p_kind text, p_max_attempts integer, p_max_octets bigint,
  p_lanes text[] DEFAULT '{""}', p_rooms integer[] DEFAULT NULL)
RETURNS TABLE (
  job_id bigint, ref text, attempts integer, postponed integer, payload json, lane text, created_at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
  l record;
  d s2s.job;
  v_now timestamptz := clock_timestamp();
  v_claimed bigint[] := '{}';
  v_octets bigint := 0;
BEGIN
  <<lanes>>
  FOR l IN SELECT n.lane, n.room FROM unnest(p_lanes, p_rooms) AS n (lane, room) LOOP
    FOR d IN
      SELECT t.*
      FROM s2s.job AS t
      WHERE t.kind = p_kind AND t.lane = l.lane AND t.next_at <= v_now
      ORDER BY t.next_at
      LIMIT least(p_limit - cardinality(v_claimed), l.room)
      FOR UPDATE SKIP LOCKED
    LOOP
      IF d.attempts >= p_max_attempts THEN
        -- It never came back from its last attempt: it outlived its lease, or took its worker down with it.
        PERFORM s2s.job_bury(d, 'attempts used up');
        CONTINUE;
      END IF;
      v_octets := v_octets + d.octets;
      -- One job is always taken, however large: it would never be otherwise.
      EXIT lanes WHEN v_octets > p_max_octets AND v_claimed <> '{}';
      v_claimed := v_claimed || d.job_id;
    END LOOP;
  END LOOP;

  RETURN QUERY
  UPDATE s2s.job AS j
  SET next_at = v_now + p_lease_for, attempts = j.attempts + 1, lease = p_lease
  WHERE j.job_id = ANY (v_claimed)
  RETURNING j.job_id, j.ref, j.attempts, j.postponed, j.payload, j.lane, j.created_at;
END
$$;
COMMENT ON FUNCTION s2s.jobs_claim(uuid, integer, interval, text, integer, bigint, text[], integer[]) IS
  'Leases due jobs that nobody else is claiming, of these lanes, of each as many as its room (null: no bound), as many '
  'as p_max_octets allow; those claimed p_max_attempts times become dead letters.';

CREATE OR REPLACE FUNCTION s2s.jobs_lanes_set(p_lanes text[]) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_moved integer;
BEGIN
  UPDATE s2s.job AS j
  SET lane = ''
  WHERE j.job_id = ANY (ARRAY(
    SELECT t.job_id FROM s2s.job AS t WHERE t.lane <> '' AND t.lane <> ALL (p_lanes) FOR UPDATE SKIP LOCKED));
  GET DIAGNOSTICS v_moved = ROW_COUNT;
  RETURN v_moved;
END
$$;
COMMENT ON FUNCTION s2s.jobs_lanes_set(text[]) IS
  'The lanes that the configuration knows. What waits in another one would wait for ever: it goes to the lane without '
  'a name, where whoever claims it sees what the configuration says now.';

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

CREATE OR REPLACE FUNCTION s2s.job_fetches(p_payload json) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce((p_payload ->> 'fetches')::integer, 0)
$$;
COMMENT ON FUNCTION s2s.job_fetches(json) IS 'How often a job was put off as something could not be fetched.';

CREATE OR REPLACE FUNCTION s2s.job_postpone(
  p_job_id bigint, p_lease uuid, p_delay interval, p_error text DEFAULT NULL, p_lane text DEFAULT NULL,
  p_fetch boolean DEFAULT false)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  UPDATE s2s.job AS j
  SET next_at = clock_timestamp() + p_delay,
      lease = NULL,
      attempts = j.attempts - 1,
      postponed = j.postponed + 1,
      lane = coalesce(p_lane, j.lane),
      payload = coalesce(j.payload::jsonb, '{}') || jsonb_build_object('error', left(p_error, 200))
                || CASE WHEN p_fetch THEN jsonb_build_object('fetches', s2s.job_fetches(j.payload) + 1) ELSE '{}' END
  WHERE j.job_id = p_job_id AND j.lease = p_lease;
  RETURN CASE WHEN FOUND THEN 'postponed' ELSE 'fenced' END;
END
$$;
COMMENT ON FUNCTION s2s.job_postpone(bigint, uuid, interval, text, text, boolean) IS
  'Puts off a job because somebody else is not ready: it never dies of that. p_lane: it is for another lane. p_fetch: '
  'something that it refers to could not be fetched, which is counted for itself.';

CREATE OR REPLACE FUNCTION s2s.job_redrive(p_job_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  d s2s.job_dead;
BEGIN
  DELETE FROM s2s.job_dead AS t WHERE t.job_id = p_job_id RETURNING t.* INTO d;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO s2s.job (job_id, next_at, created_at, kind, lane, ref, payload, octets) OVERRIDING SYSTEM VALUE
  VALUES (d.job_id, clock_timestamp(), clock_timestamp(), d.kind, d.lane, d.ref,
          (d.payload::jsonb - 'fetches')::json,
          coalesce((SELECT v.data_octets FROM s2s.verification AS v WHERE v.verification_id = d.ref), 0));
  RETURN true;
END
$$;
COMMENT ON FUNCTION s2s.job_redrive(bigint) IS 'An operator sends a dead letter again, with all its attempts and its patience.';

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
