-- SPDX-License-Identifier: Apache-2.0
--
-- One act on many instances (admin.sql tells what these functions have in common): a job, in steps, each a transaction.
-- A first walk counts, a second one acts; a walk goes on from where the last step that was committed has come, so what
-- a gateway was killed in the middle of is done once all the same.
--
--   s2s.admin_bulk_start(…)                          POST /v1/bulk
--   s2s.admin_bulk(p_token uuid, p_input json)       GET  /v1/bulk/{bulkId}
--   s2s.admin_bulks(p_token uuid, p_input json)      GET  /v1/bulk
--
--   s2s.bulk_claim(p_lease uuid, p_limit int, p_lease_for interval, p_max_attempts int)
--       -> setof (job_id bigint, job_attempts int, bulk_id text)
--   s2s.bulk_step(p_job_id bigint, p_lease uuid, p_limit int) -> text: done, more (the job is given back), fenced
--
-- Within: s2s.bulk_targets, s2s.bulk_count, s2s.bulk_act.
--
-- Locks: the job, the run, instances as they come, the audit ledger last. A step waits for no instance: the requests
-- that hold some may be waiting for others that it holds.

CREATE OR REPLACE FUNCTION s2s.bulk_json(b s2s.bulk) RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN json_strip_nulls(json_build_object(
    'bulkId', b.bulk_id,
    'action', b.action,
    'reason', b.reason,
    'status', CASE
      WHEN b.finished_at IS NOT NULL THEN 'DONE'
      WHEN EXISTS (SELECT FROM s2s.job_dead AS d WHERE d.ref = b.bulk_id AND d.kind = 'bulk') THEN 'STUCK'
      WHEN b.counted_at IS NULL THEN 'COUNTING'
      ELSE 'RUNNING'
    END,
    'total', b.total,
    'done', b.done,
    'failed', b.failed,
    'failures', b.failures,
    'by', b.who,
    'startedAt', s2s.rfc3339(b.started_at),
    'finishedAt', s2s.rfc3339(b.finished_at)));
END
$$;
COMMENT ON FUNCTION s2s.bulk_json(s2s.bulk) IS 'A run and how far it has come. STUCK: its job is a dead letter.';

CREATE OR REPLACE FUNCTION s2s.admin_bulk_start(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  b s2s.bulk;
  v_body json := p_input -> 'body';
  v_filter json := coalesce(v_body -> 'filter', '{}');
  v_now timestamptz := clock_timestamp();
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  ELSIF num_nonnulls(v_filter ->> 'subjectRefs', v_filter ->> 'configuration', v_filter ->> 'sessionIds',
                     v_filter ->> 'instanceIds') = 0
        OR num_nonnulls(v_filter ->> 'subjectRefs', v_filter ->> 'configuration') > 0
           AND num_nonnulls(v_filter ->> 'sessionIds', v_filter ->> 'instanceIds') > 0
        OR num_nonnulls(v_filter ->> 'sessionIds', v_filter ->> 'instanceIds') > 1
  THEN
    RETURN s2s.admin_violation(x, '/filter', 'names neither subject nor configuration, nor sessions, nor instances; or '
                                             'more than goes together');
  END IF;
  INSERT INTO s2s.bulk (started_at, cursor_at, request_id, bulk_id, who, role, action, reason, filter)
  VALUES (v_now, v_now, p_request_id, gen_random_uuid(), p_peer, p_role, v_body ->> 'action', v_body ->> 'reason',
          v_filter)
  RETURNING * INTO b;
  INSERT INTO s2s.job (next_at, created_at, kind, ref, payload) VALUES (v_now, v_now, 'bulk', b.bulk_id, '{}');
  PERFORM s2s.audit_by(x, p_role, 'bulk.start', b.bulk_id, json_build_object('action', b.action, 'filter', b.filter));
  RETURN s2s.store(x, 202, s2s.bulk_json(b)::text, p_wake => true);
END
$$;
COMMENT ON FUNCTION s2s.admin_bulk_start IS 'Starts an act on all instances that are there now and match.';

CREATE OR REPLACE FUNCTION s2s.admin_bulk(p_token uuid, p_input json) RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  b s2s.bulk;
BEGIN
  SELECT t.* INTO b FROM s2s.bulk AS t WHERE t.bulk_id = p_input ->> 'bulkId';
  IF NOT FOUND THEN
    RETURN s2s.app_problem(p_token, 'not-found');
  END IF;
  RETURN s2s.app_answer(200, s2s.bulk_json(b)::text);
END
$$;
COMMENT ON FUNCTION s2s.admin_bulk(uuid, json) IS 'Shows a run and how far it has come.';

CREATE OR REPLACE FUNCTION s2s.admin_bulks(p_token uuid, p_input json) RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  c record := s2s.cursor_read(p_input ->> 'cursor');
  v_limit integer := s2s.app_limit(p_input);
  v_items json[];
  v_cursors text[];
BEGIN
  IF NOT c.is_valid THEN
    RETURN s2s.app_bad_cursor(p_token);
  END IF;
  SELECT array_agg(s2s.bulk_json(b) ORDER BY b.started_at DESC, b.bulk_id DESC),
         array_agg(s2s.cursor_write(b.started_at, b.bulk_id) ORDER BY b.started_at DESC, b.bulk_id DESC)
  INTO v_items, v_cursors
  FROM (SELECT t.*
        FROM s2s.bulk AS t
        WHERE (t.started_at, t.bulk_id) < (c.before_at, c.before_id)
        ORDER BY t.started_at DESC, t.bulk_id DESC
        LIMIT s2s.admin_walk(v_limit)) AS b;
  RETURN s2s.admin_page('bulks', v_limit, v_items, v_cursors);
END
$$;
COMMENT ON FUNCTION s2s.admin_bulks(uuid, json) IS 'Lists runs, newest first.';

-- ---- the job ----

CREATE OR REPLACE FUNCTION s2s.bulk_claim(
  p_lease uuid, p_limit integer, p_lease_for interval, p_max_attempts integer)
RETURNS TABLE (job_id bigint, job_attempts integer, bulk_id text) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY
  SELECT j.job_id, j.attempts, j.ref FROM s2s.jobs_claim(p_lease, p_limit, p_lease_for, 'bulk', p_max_attempts, 0) AS j;
END
$$;
COMMENT ON FUNCTION s2s.bulk_claim(uuid, integer, interval, integer) IS 'Leases runs that are to go on, one step each.';

CREATE OR REPLACE FUNCTION s2s.bulk_targets(b s2s.bulk, p_limit integer)
RETURNS TABLE (at timestamptz, instance_id text, is_wanted boolean) LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF b.filter ->> 'instanceIds' IS NOT NULL THEN
    -- By the id alone: those that there are none of are come by, too.
    RETURN QUERY
    SELECT '-infinity'::timestamptz, i.id, true
    FROM (SELECT DISTINCT u FROM unnest(s2s.texts(b.filter -> 'instanceIds')) AS u) AS i (id)
    WHERE ('-infinity', i.id COLLATE "C") < (b.cursor_at, b.cursor_id)
    ORDER BY i.id COLLATE "C" DESC
    LIMIT p_limit;
    RETURN;
  END IF;
  RETURN QUERY
  SELECT i.created_at, i.instance_id,
         s2s.instance_is_live(i) AND coalesce(i.configuration_id = b.filter ->> 'configuration', true)
  FROM s2s.instances_page(
    s2s.texts(b.filter -> 'sessionIds'), s2s.texts(b.filter -> 'subjectRefs'), b.filter ->> 'configuration',
    -- A parameter with the collation of an id would give it to the others: no index on a subject fits that.
    '{IN_PROCESS,ACTIVE,SUSPENDED_WALLET,SUSPENDED_ISSUER}', b.cursor_at, b.cursor_id COLLATE "default", p_limit) AS i
  ORDER BY i.created_at DESC, i.instance_id DESC;
END
$$;
COMMENT ON FUNCTION s2s.bulk_targets(s2s.bulk, integer) IS
  'The next instances of a walk, those too that are not wanted: what is over, unless it was named.';

CREATE OR REPLACE FUNCTION s2s.bulk_count(b s2s.bulk, p_limit integer) RETURNS s2s.bulk LANGUAGE plpgsql AS $$
DECLARE
  t record;
  v_seen integer := 0;
BEGIN
  FOR t IN SELECT n.* FROM s2s.bulk_targets(b, p_limit) AS n LOOP
    b.total := b.total + t.is_wanted::integer;
    b.cursor_at := t.at;
    b.cursor_id := t.instance_id;
    v_seen := v_seen + 1;
  END LOOP;
  IF v_seen < p_limit THEN
    b.counted_at := clock_timestamp();
    b.cursor_at := b.started_at;
    b.cursor_id := '';
  END IF;
  RETURN b;
END
$$;
COMMENT ON FUNCTION s2s.bulk_count(s2s.bulk, integer) IS 'Counts on; at the end, the walk begins anew.';

CREATE OR REPLACE FUNCTION s2s.bulk_act(b s2s.bulk, p_limit integer) RETURNS s2s.bulk LANGUAGE plpgsql AS $$
DECLARE
  t record;
  v_seen integer := 0;
  v_outcome text;
  v_ids text[] := '{}';
  v_outcomes text[] := '{}';
  v_failures jsonb := b.failures;
BEGIN
  FOR t IN SELECT n.* FROM s2s.bulk_targets(b, p_limit) AS n LOOP
    IF t.is_wanted THEN
      PERFORM FROM s2s.instance AS i WHERE i.instance_id = t.instance_id FOR NO KEY UPDATE SKIP LOCKED;
      -- Somebody has it: the next step begins with it.
      EXIT WHEN NOT FOUND AND EXISTS (SELECT FROM s2s.instance AS i WHERE i.instance_id = t.instance_id);
      v_outcome := s2s.instance_command(t.instance_id, b.action, b.reason);
      v_ids := v_ids || t.instance_id;
      v_outcomes := v_outcomes || v_outcome;
      IF v_outcome IN ('COMPLETED', 'NO_CHANGE') THEN
        b.done := b.done + 1;
      ELSE
        b.failed := b.failed + 1;
        IF b.failed <= (s2s.admin_bounds()).failures THEN
          v_failures := v_failures || jsonb_build_object(
            'credentialInstanceId', t.instance_id, 'reason', regexp_replace(v_outcome, '^FAILED ', ''));
        END IF;
      END IF;
    END IF;
    b.cursor_at := t.at;
    b.cursor_id := t.instance_id;
    v_seen := v_seen + 1;
  END LOOP;
  b.failures := v_failures;
  IF v_seen < p_limit AND NOT EXISTS (SELECT FROM s2s.bulk_targets(b, 1)) THEN
    b.finished_at := clock_timestamp();
    b.total := b.done + b.failed;
  END IF;
  -- The ledger last, when all instances are locked.
  PERFORM s2s.instance_audit(b.who, b.role, b.request_id, a.id, b.action, a.outcome, b.bulk_id)
  FROM unnest(v_ids, v_outcomes) AS a (id, outcome);
  RETURN b;
END
$$;
COMMENT ON FUNCTION s2s.bulk_act(s2s.bulk, integer) IS 'Acts on the next instances, as far as nobody has them locked.';

CREATE OR REPLACE FUNCTION s2s.bulk_step(p_job_id bigint, p_lease uuid, p_limit integer)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  b s2s.bulk;
  v_bulk_id text;
  v_from s2s.bulk;
BEGIN
  SELECT j.ref INTO v_bulk_id
  FROM s2s.job AS j
  WHERE j.job_id = p_job_id AND j.lease = p_lease AND j.kind = 'bulk'
  FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'fenced';
  END IF;
  SELECT t.* INTO STRICT b FROM s2s.bulk AS t WHERE t.bulk_id = v_bulk_id FOR NO KEY UPDATE;
  v_from := b;
  IF b.counted_at IS NULL THEN
    -- Counting costs a tenth.
    b := s2s.bulk_count(b, 10 * p_limit);
  ELSE
    b := s2s.bulk_act(b, p_limit);
  END IF;
  UPDATE s2s.bulk AS u
  SET counted_at = b.counted_at, finished_at = b.finished_at, cursor_at = b.cursor_at, cursor_id = b.cursor_id,
      total = b.total, done = b.done, failed = b.failed, failures = b.failures
  WHERE u.bulk_id = b.bulk_id;
  IF b.finished_at IS NOT NULL THEN
    DELETE FROM s2s.job AS j WHERE j.job_id = p_job_id;
    RETURN 'done';
  END IF;
  -- A step that was committed has shown that the job does not die of it: its attempts count anew. When somebody else
  -- had what comes next, they get a moment.
  UPDATE s2s.job AS j
  SET next_at = clock_timestamp() + CASE WHEN b.cursor_at = v_from.cursor_at AND b.cursor_id = v_from.cursor_id
                                              AND b.counted_at IS NOT DISTINCT FROM v_from.counted_at
                                         THEN interval '200 milliseconds' ELSE interval '0' END,
      lease = NULL,
      attempts = 0
  WHERE j.job_id = p_job_id;
  RETURN 'more';
END
$$;
COMMENT ON FUNCTION s2s.bulk_step(bigint, uuid, integer) IS
  'Takes a run further by at most p_limit instances (counting: ten times as many), and gives the job back.';
