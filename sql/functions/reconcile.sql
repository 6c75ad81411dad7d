-- SPDX-License-Identifier: Apache-2.0
--
-- Reconciliation (profile section 5): a walk over this side's instances asks each one's peer for its status, compares the
-- two views, and acts on what differs. It heals what the ordinary ways cannot: a database restored from a backup, on
-- either side. reconcile_grid.sql says what differs and what follows from it; this file walks.
--
-- A question is a delivery (/credential/status) and a row of s2s.reconciliation_check. The answer ends the row, in the
-- transaction that ends the flight; the run itself is written by its steps alone, so answers do not queue for it.
--
-- Locks: instance, delivery, check, as whoever ends a flight takes them. A step owes only where nothing is owed yet.
--
--   s2s.reconcile_due(p_side text, p_every interval, p_in_process_limit interval DEFAULT '1 hour') -> int: runs that go on
--   s2s.reconcile_start(p_side text, p_peer text, p_instance text, p_scheduled boolean DEFAULT false)
--       -> text: the reconciliation_id
--   s2s.reconcile_answer(d s2s.delivery, p_status int, p_answer json)           -> text: what was found, for the ledger
--   s2s.reconcile_report(p_reconciliation_id text)                              -> json, null: unknown
--
-- Within: s2s.reconcile_bounds, s2s.reconcile_found, s2s.reconcile_ask, s2s.reconcile_leave_out, s2s.reconcile_sweep,
-- s2s.reconcile_candidates, s2s.reconcile_walk, s2s.reconcile_step, s2s.reconcile_forget.

CREATE OR REPLACE FUNCTION s2s.reconcile_bounds(
  OUT runs integer, OUT rows_per_step integer, OUT asked_per_peer integer, OUT patience interval, OUT memory interval,
  OUT findings integer, OUT retention interval)
LANGUAGE sql IMMUTABLE AS $$
  SELECT 20, 500, 100, interval '15 minutes', interval '30 days', 1000, interval '30 days'
$$;
COMMENT ON FUNCTION s2s.reconcile_bounds() IS
  'Runs that go on at once; instances that a step looks at; questions under way to one peer; how long one waits for its '
  'answer; how long an instance that is over is still compared; findings that a report shows, or that are forgotten at '
  'once; how long a run is kept.';

CREATE OR REPLACE FUNCTION s2s.reconcile_found(
  p_reconciliation_id text, p_instance_id text, p_ours text, p_theirs text, p_finding text, p_action text)
RETURNS void LANGUAGE sql AS $$
  INSERT INTO s2s.reconciliation_finding (at, reconciliation_id, instance_id, ours, theirs, finding, action)
  VALUES (clock_timestamp(), p_reconciliation_id, p_instance_id, p_ours, p_theirs, p_finding, p_action)
$$;

-- ---- asking ----

CREATE OR REPLACE FUNCTION s2s.reconcile_ask(p_side text, p_peer text, p_instance_id text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  -- A question that is under way will do: its answer ends those of all runs. IS NOT DISTINCT FROM and OFFSET 0, here and
  -- below: see "Plans made on empty tables" in sql/README.md.
  IF NOT EXISTS (
    SELECT FROM s2s.delivery AS d
    WHERE d.ref = p_instance_id AND d.endpoint = '/credential/status' AND d.side = p_side
      AND d.peer IS NOT DISTINCT FROM p_peer)
  THEN
    PERFORM s2s.delivery_owe(p_peer, '/credential/status', p_instance_id, p_side => p_side);
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.reconcile_ask(text, text, text) IS 'A peer is to be asked for the status of an instance.';

CREATE OR REPLACE FUNCTION s2s.reconcile_start(
  p_side text, p_peer text, p_instance text, p_scheduled boolean DEFAULT false)
RETURNS text LANGUAGE sql AS $$
  INSERT INTO s2s.reconciliation (started_at, reconciliation_id, side, scope_peer, scope_instance, scheduled)
  VALUES (clock_timestamp(), gen_random_uuid(), p_side, p_peer, p_instance, p_scheduled)
  RETURNING reconciliation_id
$$;
COMMENT ON FUNCTION s2s.reconcile_start(text, text, text, boolean) IS
  'Starts a run over the instances of one peer, or of all (null); or over one instance. Its first step is soon.';

CREATE OR REPLACE FUNCTION s2s.reconcile_candidates(r s2s.reconciliation, p_limit integer)
RETURNS TABLE (instance_id text, peer text, is_wanted boolean) LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_since timestamptz := clock_timestamp() - (s2s.reconcile_bounds()).memory;
BEGIN
  -- What is over by this side's act is compared for a while: the peer may have forgotten it with its backup. What is over
  -- by the peer's act is the peer's to tell.
  CASE
    WHEN r.scope_instance IS NOT NULL AND r.side = 'ISSUER' THEN
      RETURN QUERY
      SELECT i.instance_id, s2s.session_peer(i.session_id), true
      FROM s2s.instance AS i
      WHERE i.instance_id = r.scope_instance;
    WHEN r.scope_instance IS NOT NULL THEN
      RETURN QUERY SELECT i.instance_id, i.issuer, true FROM s2s.wallet_instance AS i WHERE i.instance_id = r.scope_instance;
    WHEN r.side = 'ISSUER' THEN
      RETURN QUERY
      SELECT i.instance_id, (SELECT s.peer FROM s2s.session AS s WHERE s.session_id = i.session_id),
             CASE WHEN i.cancelled THEN i.last_status_change_time > v_since ELSE NOT i.unlinked END
      FROM s2s.instance AS i
      WHERE i.instance_id > r.cursor
      ORDER BY i.instance_id
      LIMIT p_limit;
    ELSE
      RETURN QUERY
      SELECT i.instance_id, i.issuer,
             CASE WHEN i.cancelled THEN false WHEN i.unlinked THEN i.last_status_change_time > v_since ELSE true END
      FROM s2s.wallet_instance AS i
      WHERE i.instance_id > r.cursor
      ORDER BY i.instance_id
      LIMIT p_limit;
  END CASE;
END
$$;
COMMENT ON FUNCTION s2s.reconcile_candidates(s2s.reconciliation, integer) IS
  'The next instances of a walk, those too that are not wanted: the cost of a step is bounded, whatever is in the table.';

CREATE OR REPLACE FUNCTION s2s.reconcile_leave_out(r s2s.reconciliation, p_peer text, p_why text)
RETURNS s2s.reconciliation LANGUAGE plpgsql AS $$
BEGIN
  PERFORM s2s.reconcile_found(r.reconciliation_id, NULL, NULL, NULL, p_peer || ' ' || p_why, NULL);
  r.left_out := r.left_out || p_peer;
  RETURN r;
END
$$;
COMMENT ON FUNCTION s2s.reconcile_leave_out(s2s.reconciliation, text, text) IS
  'Goes on without a peer: a dead one must not hold up the others.';

CREATE OR REPLACE FUNCTION s2s.reconcile_walk(r s2s.reconciliation) RETURNS s2s.reconciliation LANGUAGE plpgsql AS $$
DECLARE
  b record := s2s.reconcile_bounds();
  c record;
  l s2s.lane;
  v_seen integer := 0;
  v_under_way bigint;
BEGIN
  FOR c IN SELECT n.* FROM s2s.reconcile_candidates(r, b.rows_per_step) AS n LOOP
    IF c.is_wanted AND c.peer <> ALL (r.left_out) AND coalesce(c.peer = r.scope_peer, true) THEN
      SELECT t.* INTO l FROM s2s.lane AS t WHERE t.peer = c.peer;
      SELECT count(*) INTO v_under_way
      FROM s2s.reconciliation_check AS k
      WHERE k.reconciliation_id = r.reconciliation_id AND k.peer = c.peer;
      IF l.active IS NOT TRUE THEN
        r := s2s.reconcile_leave_out(r, c.peer, 'cannot be called');
      ELSIF v_under_way >= b.asked_per_peer AND l.blocked_until IS NOT NULL THEN
        r := s2s.reconcile_leave_out(r, c.peer, 'does not answer');
      ELSIF v_under_way >= b.asked_per_peer THEN
        -- The walk goes on from here when there is room.
        RETURN r;
      ELSE
        INSERT INTO s2s.reconciliation_check (asked_at, reconciliation_id, side, instance_id, peer)
        VALUES (clock_timestamp(), r.reconciliation_id, r.side, c.instance_id, c.peer);
        PERFORM s2s.reconcile_ask(r.side, c.peer, c.instance_id);
        r.asked := r.asked + 1;
      END IF;
    END IF;
    r.cursor := c.instance_id;
    v_seen := v_seen + 1;
  END LOOP;
  r.walked := r.scope_instance IS NOT NULL OR v_seen < b.rows_per_step;
  RETURN r;
END
$$;
COMMENT ON FUNCTION s2s.reconcile_walk(s2s.reconciliation) IS 'Asks about the next instances of a run.';

CREATE OR REPLACE FUNCTION s2s.reconcile_sweep(r s2s.reconciliation) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  b record := s2s.reconcile_bounds();
  k record;
BEGIN
  FOR k IN
    SELECT c.instance_id, c.peer, c.asked_at < clock_timestamp() - b.patience AS is_late
    FROM s2s.reconciliation_check AS c
    WHERE c.reconciliation_id = r.reconciliation_id
      AND (c.asked_at < clock_timestamp() - b.patience
           OR NOT EXISTS (SELECT FROM s2s.delivery AS d
                          WHERE d.ref = c.instance_id AND d.endpoint = '/credential/status' AND d.side = c.side
                            AND d.peer IS NOT DISTINCT FROM c.peer
                          OFFSET 0))
  LOOP
    IF NOT k.is_late THEN
      -- The answer was out of date; or a question of another run ended while this one was about to rely on it.
      PERFORM s2s.reconcile_ask(r.side, k.peer, k.instance_id);
      CONTINUE;
    END IF;
    IF NOT EXISTS (
      SELECT FROM s2s.reconciliation_check AS o
      WHERE o.instance_id = k.instance_id AND o.side = r.side AND o.reconciliation_id <> r.reconciliation_id)
    THEN
      -- The delivery first: whoever ends its flight locks it before the check.
      PERFORM s2s.delivery_withdraw('/credential/status', k.instance_id, r.side);
    END IF;
    DELETE FROM s2s.reconciliation_check AS o
    WHERE o.instance_id = k.instance_id AND o.side = r.side
      AND o.reconciliation_id IS NOT DISTINCT FROM r.reconciliation_id;
    IF FOUND THEN
      PERFORM s2s.reconcile_found(r.reconciliation_id, k.instance_id, NULL, NULL, 'no answer', NULL);
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION s2s.reconcile_sweep(s2s.reconciliation) IS
  'Asks again what is not under way any more, and gives up what has waited for too long.';

CREATE OR REPLACE FUNCTION s2s.reconcile_step(r s2s.reconciliation) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_under_way integer;
BEGIN
  PERFORM s2s.reconcile_sweep(r);
  IF NOT r.walked THEN
    r := s2s.reconcile_walk(r);
  END IF;
  SELECT count(*) INTO v_under_way
  FROM s2s.reconciliation_check AS k
  WHERE k.reconciliation_id = r.reconciliation_id;
  UPDATE s2s.reconciliation AS u
  SET finished_at = CASE WHEN r.walked AND v_under_way = 0 THEN clock_timestamp() END,
      asked = r.asked,
      checked = r.asked - v_under_way,
      found = (SELECT count(*) FROM s2s.reconciliation_finding AS f WHERE f.reconciliation_id = r.reconciliation_id),
      in_process_limit = r.in_process_limit,
      walked = r.walked,
      cursor = r.cursor,
      left_out = r.left_out
  WHERE u.reconciliation_id = r.reconciliation_id;
END
$$;
COMMENT ON FUNCTION s2s.reconcile_step(s2s.reconciliation) IS 'Takes a run further, and ends it when all is answered.';

CREATE OR REPLACE FUNCTION s2s.reconcile_forget() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  b record := s2s.reconcile_bounds();
  v_id text;
BEGIN
  SELECT r.reconciliation_id INTO v_id
  FROM s2s.reconciliation AS r
  WHERE r.finished_at < clock_timestamp() - b.retention
  ORDER BY r.finished_at
  LIMIT 1;
  DELETE FROM s2s.reconciliation_finding AS f
  WHERE f.reconciliation_id = v_id
    AND f.finding_id <= (SELECT max(n.finding_id)
                         FROM (SELECT o.finding_id FROM s2s.reconciliation_finding AS o
                               WHERE o.reconciliation_id = v_id ORDER BY o.finding_id LIMIT b.findings) AS n);
  DELETE FROM s2s.reconciliation AS r
  WHERE r.reconciliation_id = v_id
    AND NOT EXISTS (SELECT FROM s2s.reconciliation_finding AS f WHERE f.reconciliation_id = v_id);
END
$$;
COMMENT ON FUNCTION s2s.reconcile_forget() IS 'Forgets the oldest run that is too old to be kept, a bounded amount a call.';

CREATE OR REPLACE FUNCTION s2s.reconcile_due(
  p_side text, p_every interval, p_in_process_limit interval DEFAULT '1 hour')
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  r s2s.reconciliation;
  v_stepped integer := 0;
BEGIN
  -- Every gateway calls this; one at a time does it.
  IF NOT pg_try_advisory_xact_lock(hashtextextended('s2s.reconcile ' || p_side, 0)) THEN
    RETURN 0;
  END IF;

  IF p_every > interval '0'
     AND NOT EXISTS (SELECT FROM s2s.reconciliation AS o
                     WHERE o.side = p_side AND o.scheduled AND o.started_at > clock_timestamp() - p_every)
     AND NOT EXISTS (SELECT FROM s2s.reconciliation AS o
                     WHERE o.side = p_side AND o.scheduled AND o.finished_at IS NULL)
  THEN
    PERFORM s2s.reconcile_start(p_side, NULL, NULL, p_scheduled => true);
  END IF;
  PERFORM s2s.reconcile_forget();

  FOR r IN
    SELECT t.*
    FROM s2s.reconciliation AS t
    WHERE t.side = p_side AND t.finished_at IS NULL
    -- One instance is soon done; somebody waits for it.
    ORDER BY t.scope_instance IS NULL, t.started_at
    LIMIT (s2s.reconcile_bounds()).runs
  LOOP
    r.in_process_limit := p_in_process_limit;
    PERFORM s2s.reconcile_step(r);
    v_stepped := v_stepped + 1;
  END LOOP;
  RETURN v_stepped;
END
$$;
COMMENT ON FUNCTION s2s.reconcile_due(text, interval, interval) IS
  'Starts a run when the last scheduled one is older than p_every (0: never), and takes all runs of a side further. To be '
  'called every second or so.';

-- ---- answers ----

CREATE OR REPLACE FUNCTION s2s.reconcile_answer(d s2s.delivery, p_status integer, p_answer json)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_runs text[];
  v_asked_at timestamptz;
  v_in_process_limit interval;
  v_ours text;
  v_changed_at timestamptz;
  f record;
  v_found integer := 0;
BEGIN
  SELECT array_agg(k.reconciliation_id), min(k.asked_at),
         coalesce(min((SELECT r.in_process_limit
                       FROM s2s.reconciliation AS r
                       WHERE r.reconciliation_id = k.reconciliation_id)), '1 hour')
  INTO v_runs, v_asked_at, v_in_process_limit
  FROM s2s.reconciliation_check AS k
  WHERE k.instance_id = d.ref AND k.side = d.side;
  IF v_runs IS NULL THEN
    RETURN 'nobody asks any more';
  END IF;
  SELECT o.status, o.changed_at INTO v_ours, v_changed_at FROM s2s.reconcile_ours(d.side, d.ref) AS o;
  IF p_status IN (200, 404) AND v_changed_at > v_asked_at THEN
    -- The answer may be older than the change. The next sweep asks again.
    UPDATE s2s.reconciliation_check AS u SET asked_at = clock_timestamp() WHERE u.instance_id = d.ref AND u.side = d.side;
    RETURN 'out of date';
  END IF;

  IF p_status = 200 AND d.side = 'WALLET' THEN
    UPDATE s2s.wallet_instance AS u
    SET missing_at = NULL
    WHERE u.instance_id = d.ref AND u.missing_at IS NOT NULL;
  END IF;
  FOR f IN
    SELECT g.theirs, g.finding, g.action
    FROM s2s.reconcile_differences(d.side, d.ref, p_status, p_answer::jsonb, v_in_process_limit) AS g
  LOOP
    IF s2s.reconcile_is_under_way(d.side, d.ref, f.action) THEN
      CONTINUE;
    END IF;
    PERFORM s2s.reconcile_act(d.side, d.ref, f.action);
    PERFORM s2s.reconcile_found(run.id, d.ref, v_ours, f.theirs, f.finding, f.action) FROM unnest(v_runs) AS run (id);
    v_found := v_found + 1;
  END LOOP;
  DELETE FROM s2s.reconciliation_check AS k WHERE k.instance_id = d.ref AND k.side = d.side;
  RETURN CASE v_found WHEN 0 THEN 'equal' ELSE 'differences: ' || v_found END;
END
$$;
COMMENT ON FUNCTION s2s.reconcile_answer(s2s.delivery, integer, json) IS
  'What a peer says of an instance (p_status 200), that it knows none (404), or that there is no answer (all else). The '
  'instance is locked if there is one.';

CREATE OR REPLACE FUNCTION s2s.reconcile_report(p_reconciliation_id text) RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN s2s.json_join(
    json_strip_nulls(json_build_object(
      'reconciliationId', r.reconciliation_id,
      'startedAt', s2s.rfc3339(r.started_at),
      'finishedAt', s2s.rfc3339(r.finished_at),
      'checked', r.checked,
      'found', r.found)),
    json_build_object('findings', coalesce(
      (SELECT json_agg(json_strip_nulls(json_build_object(
                'credentialInstanceId', f.instance_id,
                'ours', f.ours,
                'theirs', f.theirs,
                'finding', f.finding,
                'action', f.action)) ORDER BY f.finding_id)
       FROM (SELECT t.*
             FROM s2s.reconciliation_finding AS t
             WHERE t.reconciliation_id = r.reconciliation_id
             ORDER BY t.finding_id
             LIMIT (s2s.reconcile_bounds()).findings) AS f),
      '[]')))
  FROM s2s.reconciliation AS r
  WHERE r.reconciliation_id = p_reconciliation_id;
END
$$;
COMMENT ON FUNCTION s2s.reconcile_report(text) IS 'A run and what it has found so far; its counts are those of its last step.';
