-- SPDX-License-Identifier: Apache-2.0
--
-- What is owed, what was given up, and the ledger, in the operators' API (admin.sql tells what these functions have in
-- common). Of both roles.
--
--   s2s.admin_deliveries(p_token uuid, p_input json)     GET  /v1/deliveries
--   s2s.admin_lanes(p_token uuid, p_input json)          GET  /v1/lanes
--   s2s.admin_dead_letters(p_token uuid, p_input json)   GET  /v1/dead-letters
--   s2s.admin_dead_letter_redrive(…)                     POST /v1/dead-letters/{deadLetterId}/redrive
--   s2s.admin_dead_letters_redrive(…)                    POST /v1/dead-letters/redrive
--   s2s.admin_dead_jobs(p_token uuid, p_input json)      GET  /v1/dead-jobs
--   s2s.admin_dead_job_redrive(…)                        POST /v1/dead-jobs/{jobId}/redrive
--   s2s.admin_events(p_token uuid, p_input json)         GET  /v1/events
--
--   s2s.deliveries_page(p_ref text, p_peer text, p_after_at timestamptz, p_after_id bigint, p_limit int)
--       -> setof s2s.delivery
--   s2s.redrive_by(p_who text, p_role text, p_request_id uuid, p_delivery_ids bigint[]) -> int: how many
--   s2s.dead_letters_page(p_peer text, p_before bigint, p_limit int) -> setof s2s.delivery_dead
--   s2s.ledger_page(p_ref text, p_peer text, p_from timestamptz, p_before_at timestamptz, p_before_id bigint,
--                   p_limit int) -> setof s2s.ledger
--   s2s.lane_names(p_peer text)                          -> setof text

CREATE OR REPLACE FUNCTION s2s.lane_names(p_peer text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
  SELECT l.peer FROM s2s.lane AS l WHERE p_peer IS NULL OR l.peer = p_peer
$$;
COMMENT ON FUNCTION s2s.lane_names(text) IS 'Whoever was ever owed anything, or one of them: lanes never go.';

-- ---- what is owed ----

CREATE OR REPLACE FUNCTION s2s.deliveries_page(
  p_ref text, p_peer text, p_after_at timestamptz, p_after_id bigint, p_limit integer)
RETURNS SETOF s2s.delivery LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_ref IS NOT NULL THEN
    -- OFFSET 0: see "Plans made on empty tables" in sql/README.md.
    RETURN QUERY
    SELECT d.*
    FROM (SELECT t.* FROM s2s.delivery AS t WHERE t.ref = p_ref OFFSET 0) AS d
    WHERE (d.next_at, d.delivery_id) > (p_after_at, p_after_id)
      AND (p_peer IS NULL OR d.peer = p_peer)
    ORDER BY d.next_at, d.delivery_id
    LIMIT p_limit;
    RETURN;
  END IF;
  -- The index of what is due next has no id: those of one claim come together.
  RETURN QUERY
  SELECT d.*
  FROM s2s.lane_names(p_peer) AS lanes (peer)
  CROSS JOIN LATERAL (
    SELECT t.*
    FROM s2s.delivery AS t
    WHERE t.peer = lanes.peer AND t.next_at >= p_after_at AND (t.next_at, t.delivery_id) > (p_after_at, p_after_id)
    ORDER BY t.next_at
    FETCH FIRST p_limit ROWS WITH TIES) AS d
  ORDER BY d.next_at, d.delivery_id
  LIMIT p_limit;
END
$$;
COMMENT ON FUNCTION s2s.deliveries_page(text, text, timestamptz, bigint, integer) IS
  'Deliveries in the order in which they are due, from a place on: about one thing, to one peer, or all. What is put '
  'off between two pages is met again.';

CREATE OR REPLACE FUNCTION s2s.admin_deliveries(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  c record := s2s.cursor_number(p_input ->> 'cursor');
  v_limit integer := s2s.app_limit(p_input);
  v_endpoint text := p_input ->> 'endpoint';
  v_is_sifted boolean := v_endpoint IS NOT NULL;
  v_is_first boolean := p_input ->> 'cursor' IS NULL;
  v_items json[];
  v_cursors text[];
BEGIN
  IF NOT c.is_valid THEN
    RETURN s2s.app_bad_cursor(p_token);
  END IF;
  SELECT array_agg(CASE WHEN v_endpoint IS NULL OR d.endpoint = v_endpoint THEN json_strip_nulls(json_build_object(
           'deliveryId', d.delivery_id,
           'peer', d.peer,
           'endpoint', d.endpoint,
           'ref', d.ref,
           'role', lower(d.side),
           'owedAt', s2s.rfc3339(d.owed_at),
           'nextAt', s2s.rfc3339(d.next_at),
           'inFlight', d.lease IS NOT NULL AND d.next_at > clock_timestamp(),
           'attempts', d.attempts,
           'polls', d.polls,
           'lastFailure', d.last_failure)) END ORDER BY d.next_at, d.delivery_id),
         array_agg(s2s.cursor_write(d.next_at, d.delivery_id::text) ORDER BY d.next_at, d.delivery_id)
  INTO v_items, v_cursors
  FROM s2s.deliveries_page(
    p_input ->> 'ref', p_input ->> 'peer', CASE WHEN v_is_first THEN '-infinity' ELSE c.at END,
    CASE WHEN v_is_first THEN 0 ELSE c.n END, s2s.admin_walk(v_limit, v_is_sifted)) AS d;
  RETURN s2s.admin_page('deliveries', v_limit, v_items, v_cursors, v_is_sifted);
END
$$;
COMMENT ON FUNCTION s2s.admin_deliveries(uuid, json) IS 'Lists what is owed, in the order in which it is due.';

CREATE OR REPLACE FUNCTION s2s.admin_lanes(p_token uuid, p_input json) RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN s2s.app_answer(200, json_build_object('lanes', coalesce(
    (SELECT json_agg(json_strip_nulls(json_build_object(
              'peer', l.peer,
              'kind', l.kind,
              'active', l.active,
              'blockedUntil', s2s.rfc3339(l.blocked_until),
              'failures', l.failures,
              'waiting', t.depth,
              'oldestAgeSeconds', round(t.oldest_age_s)::bigint,
              'dead', t.dead)) ORDER BY l.peer)
     FROM s2s.delivery_stats() AS t
     JOIN s2s.lane AS l ON l.peer = t.peer),
    '[]'))::text);
END
$$;
COMMENT ON FUNCTION s2s.admin_lanes(uuid, json) IS
  'Shows all peers and webhooks that can be called: whether they are, what waits and what was given up.';

-- ---- what was given up ----

CREATE OR REPLACE FUNCTION s2s.dead_letters_page(p_peer text, p_before bigint, p_limit integer)
RETURNS SETOF s2s.delivery_dead LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_peer IS NOT NULL THEN
    -- A walk of the index of both columns, which the primary key's cannot be taken for.
    RETURN QUERY
    SELECT x.*
    FROM s2s.delivery_dead AS x
    WHERE (x.peer, x.delivery_id) < (p_peer, p_before) AND (x.peer, x.delivery_id) > (p_peer, 0)
    ORDER BY x.peer DESC, x.delivery_id DESC
    LIMIT p_limit;
  ELSE
    RETURN QUERY
    SELECT x.* FROM s2s.delivery_dead AS x WHERE x.delivery_id < p_before ORDER BY x.delivery_id DESC LIMIT p_limit;
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.dead_letters_page(text, bigint, integer) IS
  'Dead letters, those owed last first, from a place on; to one peer or all.';

CREATE OR REPLACE FUNCTION s2s.admin_dead_letters(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  c record := s2s.cursor_number(p_input ->> 'cursor');
  v_limit integer := s2s.app_limit(p_input);
  v_items json[];
  v_cursors text[];
BEGIN
  IF NOT c.is_valid THEN
    RETURN s2s.app_bad_cursor(p_token);
  END IF;
  SELECT array_agg(json_build_object(
           'deadLetterId', x.delivery_id,
           'peer', x.peer,
           'endpoint', x.endpoint,
           'ref', x.ref,
           'role', lower(x.side),
           'owedAt', s2s.rfc3339(x.owed_at),
           'diedAt', s2s.rfc3339(x.died_at),
           'attempts', x.attempts,
           'reason', x.reason) ORDER BY x.delivery_id DESC),
         array_agg(s2s.cursor_write('epoch', x.delivery_id::text) ORDER BY x.delivery_id DESC)
  INTO v_items, v_cursors
  FROM s2s.dead_letters_page(p_input ->> 'peer', c.n, s2s.admin_walk(v_limit)) AS x;
  RETURN s2s.admin_page('deadLetters', v_limit, v_items, v_cursors);
END
$$;
COMMENT ON FUNCTION s2s.admin_dead_letters(uuid, json) IS 'Lists deliveries that were given up.';

CREATE OR REPLACE FUNCTION s2s.redrive_by(p_who text, p_role text, p_request_id uuid, p_delivery_ids bigint[])
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  x s2s.delivery_dead;
  v_ids bigint[] := '{}';
  v_details json[] := '{}';
BEGIN
  FOR x IN SELECT t.* FROM s2s.delivery_dead AS t WHERE t.delivery_id = ANY (p_delivery_ids) ORDER BY t.delivery_id LOOP
    IF s2s.delivery_redrive(x.delivery_id) THEN
      v_ids := v_ids || x.delivery_id;
      v_details := v_details || json_build_object('peer', x.peer, 'endpoint', x.endpoint, 'ref', x.ref);
    END IF;
  END LOOP;
  PERFORM s2s.audit_add(p_who, p_role, p_request_id, 'dead-letter.redrive', d.id::text, d.detail)
  FROM unnest(v_ids, v_details) AS d (id, detail);
  RETURN cardinality(v_ids);
END
$$;
COMMENT ON FUNCTION s2s.redrive_by(text, text, uuid, bigint[]) IS
  'An operator has dead letters sent again; how many of them there were.';

CREATE OR REPLACE FUNCTION s2s.admin_dead_letter_redrive(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  v_id bigint := (p_input ->> 'deadLetterId')::bigint;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  ELSIF s2s.redrive_by(p_peer, p_role, p_request_id, ARRAY[v_id]) = 0 THEN
    RETURN s2s.refuse(x, 'not-found');
  END IF;
  RETURN s2s.store(x, 200, json_build_object('deadLetterId', v_id)::text, p_wake => true);
END
$$;
COMMENT ON FUNCTION s2s.admin_dead_letter_redrive IS 'An operator has a dead letter sent again.';

CREATE OR REPLACE FUNCTION s2s.admin_dead_letters_redrive(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  c record := s2s.cursor_number(p_input -> 'body' ->> 'cursor');
  v_of text := p_input -> 'body' ->> 'peer';
  v_ids bigint[];
  v_last bigint;
  v_redriven integer;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  ELSIF NOT c.is_valid THEN
    RETURN s2s.admin_violation(x, '/cursor', 'is not a nextCursor of an answer to this');
  END IF;
  v_ids := ARRAY(SELECT p.delivery_id FROM s2s.dead_letters_page(v_of, c.n, (s2s.admin_bounds()).redriven) AS p);
  v_last := v_ids[cardinality(v_ids)];
  v_redriven := s2s.redrive_by(p_peer, p_role, p_request_id, v_ids);
  RETURN s2s.store(x, 200, json_strip_nulls(json_build_object(
    'redriven', v_redriven,
    'nextCursor', CASE WHEN EXISTS (SELECT FROM s2s.dead_letters_page(v_of, v_last, 1))
                       THEN s2s.cursor_write('epoch', v_last::text) END))::text, p_wake => true);
END
$$;
COMMENT ON FUNCTION s2s.admin_dead_letters_redrive IS
  'An operator has dead letters sent again, of one peer or all, so many a call, each call from where the one before '
  'ended: what has died again meanwhile kept its number, and is not met again.';

CREATE OR REPLACE FUNCTION s2s.admin_dead_jobs(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  c record := s2s.cursor_number(p_input ->> 'cursor');
  v_limit integer := s2s.app_limit(p_input);
  v_items json[];
  v_cursors text[];
BEGIN
  IF NOT c.is_valid THEN
    RETURN s2s.app_bad_cursor(p_token);
  END IF;
  SELECT array_agg(json_strip_nulls(json_build_object(
           'jobId', d.job_id,
           'kind', d.kind,
           'ref', d.ref,
           'lane', nullif(d.lane, ''),
           'diedAt', s2s.rfc3339(d.died_at),
           'attempts', d.attempts,
           'error', d.error)) ORDER BY d.job_id DESC),
         array_agg(s2s.cursor_write('epoch', d.job_id::text) ORDER BY d.job_id DESC)
  INTO v_items, v_cursors
  FROM (SELECT t.*
        FROM s2s.job_dead AS t
        WHERE t.job_id < c.n
        ORDER BY t.job_id DESC
        LIMIT s2s.admin_walk(v_limit)) AS d;
  RETURN s2s.admin_page('deadJobs', v_limit, v_items, v_cursors);
END
$$;
COMMENT ON FUNCTION s2s.admin_dead_jobs(uuid, json) IS 'Lists jobs that were given up.';

CREATE OR REPLACE FUNCTION s2s.admin_dead_job_redrive(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  v_id bigint := (p_input ->> 'jobId')::bigint;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  ELSIF NOT s2s.job_redrive(v_id) THEN
    RETURN s2s.refuse(x, 'not-found');
  END IF;
  PERFORM s2s.audit_by(x, p_role, 'dead-job.redrive', v_id::text);
  RETURN s2s.store(x, 200, json_build_object('jobId', v_id)::text, p_wake => true);
END
$$;
COMMENT ON FUNCTION s2s.admin_dead_job_redrive IS 'An operator has a job that was given up tried again.';

-- ---- what became of what was owed ----

CREATE OR REPLACE FUNCTION s2s.ledger_page(
  p_ref text, p_peer text, p_from timestamptz, p_before_at timestamptz, p_before_id bigint, p_limit integer)
RETURNS SETOF s2s.ledger LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_ref IS NOT NULL THEN
    -- What is owed about one thing is little.
    RETURN QUERY
    SELECT g.*
    FROM (SELECT t.* FROM s2s.ledger AS t WHERE t.ref = p_ref OFFSET 0) AS g
    WHERE g.at >= p_from AND (g.at, g.delivery_id) < (p_before_at, p_before_id)
      AND (p_peer IS NULL OR g.peer = p_peer)
    ORDER BY g.at DESC, g.delivery_id DESC
    LIMIT p_limit;
    RETURN;
  END IF;
  RETURN QUERY
  SELECT g.*
  FROM s2s.lane_names(p_peer) AS lanes (peer)
  CROSS JOIN LATERAL (
    SELECT t.*
    FROM s2s.ledger AS t
    WHERE t.peer = lanes.peer AND t.at >= p_from AND (t.at, t.delivery_id) < (p_before_at, p_before_id)
    ORDER BY t.at DESC, t.delivery_id DESC
    LIMIT p_limit) AS g
  ORDER BY g.at DESC, g.delivery_id DESC
  LIMIT p_limit;
END
$$;
COMMENT ON FUNCTION s2s.ledger_page(text, text, timestamptz, timestamptz, bigint, integer) IS
  'The ledger, newest first, from a place on and back to p_from: about one thing, of one peer, or all.';

CREATE OR REPLACE FUNCTION s2s.admin_events(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  c record := s2s.cursor_number(p_input ->> 'cursor');
  v_limit integer := s2s.app_limit(p_input);
  v_items json[];
  v_cursors text[];
BEGIN
  IF NOT c.is_valid THEN
    RETURN s2s.app_bad_cursor(p_token);
  END IF;
  SELECT array_agg(json_strip_nulls(json_build_object(
           'at', s2s.rfc3339(g.at),
           'deliveryId', g.delivery_id,
           'peer', g.peer,
           'endpoint', g.endpoint,
           'ref', g.ref,
           'event', g.event,
           'requestId', g.request_id,
           'detail', g.detail)) ORDER BY g.at DESC, g.delivery_id DESC),
         array_agg(s2s.cursor_write(g.at, g.delivery_id::text) ORDER BY g.at DESC, g.delivery_id DESC)
  INTO v_items, v_cursors
  FROM s2s.ledger_page(
    p_input ->> 'ref', p_input ->> 'peer', coalesce(s2s.parsed_time(p_input ->> 'from'), '-infinity'), c.at, c.n,
    s2s.admin_walk(v_limit)) AS g;
  RETURN s2s.admin_page('events', v_limit, v_items, v_cursors);
END
$$;
COMMENT ON FUNCTION s2s.admin_events(uuid, json) IS 'Lists what was owed and how it ended, newest first.';
