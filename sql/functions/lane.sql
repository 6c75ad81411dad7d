-- SPDX-License-Identifier: Apache-2.0
--
-- Lanes: one for each peer or webhook that can be called, with its breaker. A lane is locked last in a transaction, after
-- the delivery that failed on it, so never in a batch: a later call of it could wait for whoever waits for the lane.
-- Claims, which lock lanes first, wait for nobody.
--
--   s2s.lanes_set(p_peers text[], p_webhooks json DEFAULT NULL, p_give_up_after interval DEFAULT NULL)
--                                                                     -> int: how many were opened, changed or closed
--   s2s.lanes_give_up(p_give_up_after interval)
--   s2s.lane_open(p_peer text)
--   s2s.webhook_lane(p_name text)                                     -> text
--   s2s.lane_pause(p_failures int)                                    -> interval, null: none
--   s2s.lane_failed(p_peer text, p_counts boolean, p_block interval)
--   s2s.lane_is_unwell(p_peer text)                                   -> boolean
--   s2s.lane_cleared(p_peer text)

DROP FUNCTION IF EXISTS s2s.lanes_set(text[]);
DROP FUNCTION IF EXISTS s2s.lanes_set(text[], json);

CREATE OR REPLACE FUNCTION s2s.webhook_lane(p_name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT ('webhook:' || p_name) COLLATE "C"
$$;
COMMENT ON FUNCTION s2s.webhook_lane(text) IS 'The lane of a webhook. No peer has such a name.';

CREATE OR REPLACE FUNCTION s2s.lane_open(p_peer text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO s2s.lane (created_at, peer)
  SELECT clock_timestamp(), p_peer
  WHERE NOT EXISTS (SELECT FROM s2s.lane AS l WHERE l.peer = p_peer)
  ON CONFLICT (peer) DO NOTHING;
END
$$;
COMMENT ON FUNCTION s2s.lane_open(text) IS
  'A peer that the configuration has can be called. s2s.lanes_set says so of all, but that is still to come right after '
  'a start or a reload: what is owed by then must not be lost.';

CREATE OR REPLACE FUNCTION s2s.lanes_give_up(p_give_up_after interval) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_before timestamptz := clock_timestamp() - p_give_up_after;
  d s2s.delivery;
BEGIN
  FOR d IN
    SELECT t.*
    FROM s2s.lane AS l
    CROSS JOIN LATERAL (
      SELECT w.*
      FROM s2s.delivery AS w
      WHERE w.peer = l.peer AND w.next_at < v_before AND w.owed_at < v_before
      ORDER BY w.next_at
      LIMIT 100
      FOR UPDATE SKIP LOCKED) AS t
    WHERE NOT l.active
    LIMIT 100
  LOOP
    PERFORM s2s.delivery_bury(d, 'not in the configuration, for too long');
  END LOOP;
END
$$;
COMMENT ON FUNCTION s2s.lanes_give_up(interval) IS
  'Makes dead letters of what nobody sends any more, as its lane is inactive: at most 100 a call.';

CREATE OR REPLACE FUNCTION s2s.lanes_set(
  p_peers text[], p_webhooks json DEFAULT NULL, p_give_up_after interval DEFAULT NULL)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_opened integer;
  v_closed integer;
BEGIN
  -- First: deliveries are locked before lanes.
  IF p_give_up_after IS NOT NULL THEN
    PERFORM s2s.lanes_give_up(p_give_up_after);
  END IF;
  WITH wanted AS (
    SELECT DISTINCT p.peer COLLATE "C" AS peer, 'PEER' AS kind, NULL::text[] AS events
    FROM unnest(p_peers) AS p (peer)
    UNION ALL
    SELECT s2s.webhook_lane(w ->> 'name'), 'WEBHOOK',
           CASE WHEN json_typeof(w -> 'events') = 'array' THEN ARRAY(SELECT json_array_elements_text(w -> 'events')) END
    FROM json_array_elements(coalesce(p_webhooks, '[]')) AS w
  )
  INSERT INTO s2s.lane AS l (created_at, peer, kind, events)
  SELECT clock_timestamp(), w.peer, w.kind, w.events
  FROM wanted AS w
  -- Every gateway says this now and then: what is so already must not lock a row.
  WHERE NOT EXISTS (SELECT FROM s2s.lane AS o
                    WHERE o.peer = w.peer AND o.active AND o.events IS NOT DISTINCT FROM w.events)
  ORDER BY w.peer
  ON CONFLICT (peer) DO UPDATE SET active = true, events = excluded.events;
  GET DIAGNOSTICS v_opened = ROW_COUNT;

  UPDATE s2s.lane AS l
  SET active = false
  WHERE l.active
    AND l.peer <> ALL (coalesce(p_peers, '{}'))
    AND l.peer <> ALL (ARRAY(SELECT s2s.webhook_lane(w ->> 'name')
                             FROM json_array_elements(coalesce(p_webhooks, '[]')) AS w));
  GET DIAGNOSTICS v_closed = ROW_COUNT;
  RETURN v_opened + v_closed;
END
$$;
COMMENT ON FUNCTION s2s.lanes_set(text[], json, interval) IS
  'The peers and webhooks of the configuration: these have active lanes, no others. A webhook is {"name": …, "events": '
  '[types] or null for all}. What the others are owed for longer than p_give_up_after is given up.';

CREATE OR REPLACE FUNCTION s2s.lane_pause(p_failures integer) RETURNS interval LANGUAGE sql VOLATILE AS $$
  SELECT CASE WHEN p_failures >= 5
    THEN least(2 ^ least(p_failures - 5, 6), 60) * (0.5 + random() / 2) * interval '1 second'
  END
$$;
COMMENT ON FUNCTION s2s.lane_pause(integer) IS
  'The breaker: how long a lane rests after so many failures in a row; null: not yet. The half of it is jitter.';

CREATE OR REPLACE FUNCTION s2s.lane_failed(p_peer text, p_counts boolean, p_block interval)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  -- Flights that set out before the block tell nothing new.
  UPDATE s2s.lane AS l
  SET failures = l.failures + 1,
      blocked_until = greatest(l.blocked_until, v_now + s2s.lane_pause(l.failures + 1))
  WHERE l.peer = p_peer AND p_counts AND (l.blocked_until > v_now) IS NOT TRUE;

  UPDATE s2s.lane AS l
  SET blocked_until = greatest(l.blocked_until, v_now + p_block)
  WHERE l.peer = p_peer AND p_block IS NOT NULL;
END
$$;
COMMENT ON FUNCTION s2s.lane_failed(text, boolean, interval) IS
  'A flight failed: may open the breaker (p_counts), or blocks the lane for as long as the caller says (p_block).';

CREATE OR REPLACE FUNCTION s2s.lane_is_unwell(p_peer text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (
    SELECT FROM s2s.lane AS l WHERE l.peer = p_peer AND (l.failures > 0 OR l.blocked_until IS NOT NULL));
END
$$;
COMMENT ON FUNCTION s2s.lane_is_unwell(text) IS 'Whether there is something for s2s.lane_cleared to forget.';

CREATE OR REPLACE FUNCTION s2s.lane_cleared(p_peer text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE s2s.lane AS l
  SET failures = 0, blocked_until = NULL
  WHERE l.peer = p_peer AND (l.failures > 0 OR l.blocked_until IS NOT NULL);
END
$$;
COMMENT ON FUNCTION s2s.lane_cleared(text) IS 'A flight arrived: the peer is well. Writes nothing while it was.';
