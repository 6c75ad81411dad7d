-- SPDX-License-Identifier: Apache-2.0
--
-- Deliveries: what a peer is owed, and the one flight at a time that brings it (profile section 7).
--
-- A change of state owes with s2s.delivery_owe in its own transaction. A claim locks lanes, then due rows of each,
-- reads the state, and leaves a lease; whoever ends the flight must name that lease. What is owed anew during the
-- flight is sent after it, so an older state never follows a newer one.
--
-- Locks: the thing (verification, instance), then its delivery, then the lane. Claims wait for nobody.
--
--   s2s.delivery_owe(p_peer text, p_endpoint text, p_ref text, p_payload json DEFAULT NULL,
--                    p_due timestamptz DEFAULT NULL)
--   s2s.delivery_withdraw(p_endpoint text, p_ref text)
--   s2s.deliveries_claim(p_lease uuid, p_limit int, p_per_peer int, p_lease_for interval)
--       -> setof (delivery_id bigint, peer text, endpoint text, request_id uuid, attempts int, body text,
--                 session_id text)
--   s2s.delivery_done(p_delivery_id bigint, p_lease uuid, p_answer text)            -> text: done, again, fenced
--   s2s.delivery_failed(p_delivery_id bigint, p_lease uuid, p_kind text, p_failure text, p_delay interval,
--                       p_block interval, p_give_up_after interval)                 -> text: retried, dead, fenced
--   s2s.delivery_redrive(p_delivery_id bigint)                                      -> boolean: it was a dead letter
--   s2s.delivery_stats()
--       -> setof (peer text, depth bigint, oldest_age_s double precision, blocked boolean, dead bigint)
--   s2s.delivery_endpoints() -> setof text
--   s2s.session_peer(p_session_id text) -> text
--
-- Within, all of a locked row: s2s.ledger_add, s2s.delivery_message, s2s.delivery_drop, s2s.delivery_again,
-- s2s.delivery_bury.

CREATE OR REPLACE FUNCTION s2s.delivery_endpoints() RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  VALUES ('/verification/notify'), ('/event/notify'), ('/credential/manage')
$$;
COMMENT ON FUNCTION s2s.delivery_endpoints() IS 'Where deliveries go.';

CREATE OR REPLACE FUNCTION s2s.session_peer(p_session_id text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT s.peer FROM s2s.session AS s WHERE s.session_id = p_session_id
$$;
COMMENT ON FUNCTION s2s.session_peer(text) IS 'Who is owed news of a session.';

CREATE OR REPLACE FUNCTION s2s.ledger_add(d s2s.delivery, p_event text, p_detail text DEFAULT NULL)
RETURNS void LANGUAGE sql AS $$
  INSERT INTO s2s.ledger (at, delivery_id, request_id, peer, endpoint, ref, event, detail)
  VALUES (clock_timestamp(), d.delivery_id, CASE WHEN p_event IN ('delivered', 'given_up') THEN d.request_id END,
          d.peer, d.endpoint, d.ref, p_event, p_detail)
$$;
COMMENT ON FUNCTION s2s.ledger_add(s2s.delivery, text, text) IS
  'Records what happened to a delivery, in the transaction in which it does and with its row locked.';

-- ---- owing ----

CREATE OR REPLACE FUNCTION s2s.delivery_owe(
  p_peer text, p_endpoint text, p_ref text, p_payload json DEFAULT NULL, p_due timestamptz DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  d s2s.delivery;
  v_now timestamptz := clock_timestamp();
  v_due timestamptz := coalesce(p_due, v_now);
BEGIN
  -- What waits already keeps its place in time: it will tell the newest state anyhow.
  INSERT INTO s2s.delivery AS t (next_at, created_at, owed_at, request_id, peer, endpoint, ref, payload)
  SELECT v_due, v_now, v_due, gen_random_uuid(), l.peer, p_endpoint, p_ref, p_payload
  FROM s2s.lane AS l
  WHERE l.peer = p_peer
  ON CONFLICT (ref, endpoint, peer, side) DO UPDATE
    SET owed = t.owed + 1, owed_at = excluded.owed_at, payload = excluded.payload
  RETURNING t.* INTO d;
  IF FOUND THEN
    PERFORM s2s.ledger_add(d, 'owed');
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.delivery_owe(text, text, text, json, timestamptz) IS
  'A peer is to be told about a thing, now or at p_due. Nothing is owed to a peer that cannot be called.';

CREATE OR REPLACE FUNCTION s2s.delivery_drop(d s2s.delivery) RETURNS void LANGUAGE sql AS $$
  DELETE FROM s2s.delivery AS t WHERE t.delivery_id = d.delivery_id;
  SELECT s2s.ledger_add(d, 'dropped');
$$;
COMMENT ON FUNCTION s2s.delivery_drop(s2s.delivery) IS 'Ends a (locked) delivery that nobody needs any more.';

CREATE OR REPLACE FUNCTION s2s.delivery_withdraw(p_endpoint text, p_ref text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  d s2s.delivery;
BEGIN
  FOR d IN SELECT t.* FROM s2s.delivery AS t WHERE t.ref = p_ref AND t.endpoint = p_endpoint FOR UPDATE LOOP
    PERFORM s2s.delivery_drop(d);
  END LOOP;
END
$$;
COMMENT ON FUNCTION s2s.delivery_withdraw(text, text) IS
  'There is no more need to tell about a thing. A flight in progress is fenced.';

-- ---- flights ----

CREATE OR REPLACE FUNCTION s2s.delivery_message(d s2s.delivery, OUT body text, OUT session_id text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  CASE d.endpoint
    WHEN '/verification/notify' THEN
      SELECT s2s.verification_json(v), v.session_id INTO body, session_id
      FROM s2s.verification AS v
      WHERE v.verification_id = d.ref;

    WHEN '/event/notify' THEN
      SELECT json_strip_nulls(json_build_object(
               'sessionId', i.session_id,
               'credentialInstanceId', i.instance_id,
               'eventType', d.payload ->> 'eventType',
               'eventTimestamp', s2s.rfc3339(d.owed_at),
               'eventDetails', CASE WHEN e.transaction_id IS NOT NULL
                                    THEN json_build_object('transaction_id', e.transaction_id) END)),
             i.session_id
      INTO body, session_id
      FROM (VALUES (d.payload ->> 'transaction_id')) AS e (transaction_id)
      JOIN s2s.instance AS i ON i.instance_id = d.payload ->> 'credentialInstanceId'
      WHERE NOT i.cancelled AND NOT i.unlinked
        AND (e.transaction_id IS NULL
             OR EXISTS (SELECT FROM s2s.fetch AS f WHERE f.transaction_id = e.transaction_id));

    WHEN '/credential/manage' THEN
      SELECT json_strip_nulls(json_build_object(
               'sessionId', i.session_id,
               'credentialInstanceId', i.instance_id,
               'action', CASE WHEN i.cancelled THEN 'UNLINK' WHEN i.issuer_suspended THEN 'SUSPEND' ELSE 'RESUME' END,
               'reason', d.payload ->> 'reason',
               'timestamp', s2s.rfc3339(d.owed_at))),
             i.session_id
      INTO body, session_id
      FROM s2s.instance AS i
      WHERE i.instance_id = d.ref;
  END CASE;
END
$$;
COMMENT ON FUNCTION s2s.delivery_message(s2s.delivery) IS
  'What to send, of the state as it is now; null when there is nothing to say any more.';

CREATE OR REPLACE FUNCTION s2s.deliveries_claim(
  p_lease uuid, p_limit integer, p_per_peer integer, p_lease_for interval)
RETURNS TABLE (
  delivery_id bigint, peer text, endpoint text, request_id uuid, attempts integer, body text, session_id text)
LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_left integer := p_limit;
  v_lane record;
  v_flying integer;
  v_digest bytea;
  d s2s.delivery;
BEGIN
  -- The lanes come in any order, so that none is always served first. Their locks keep the count of flights true.
  FOR v_lane IN
    SELECT l.peer, CASE WHEN l.blocked_until IS NULL THEN p_per_peer ELSE 1 END AS room
    FROM s2s.lane AS l
    CROSS JOIN LATERAL (SELECT FROM s2s.delivery AS w
                        WHERE w.peer = l.peer AND w.next_at <= v_now
                        ORDER BY w.next_at LIMIT 1) AS due
    WHERE l.active AND (l.blocked_until <= v_now) IS NOT FALSE
    ORDER BY random()
    FOR NO KEY UPDATE OF l SKIP LOCKED
  LOOP
    SELECT count(*) INTO v_flying
    FROM (SELECT FROM s2s.delivery AS f
          WHERE f.peer = v_lane.peer AND f.lease IS NOT NULL AND f.next_at > v_now
          ORDER BY f.next_at LIMIT v_lane.room) AS flights;

    FOR d IN
      SELECT t.*
      FROM s2s.delivery AS t
      WHERE t.peer = v_lane.peer AND t.next_at <= v_now
      ORDER BY t.next_at
      LIMIT least(v_lane.room - v_flying, v_left)
      FOR UPDATE SKIP LOCKED
    LOOP
      -- Read after the row was locked: whoever changes the state later must wait for us to owe it anew.
      SELECT m.body, m.session_id INTO body, session_id FROM s2s.delivery_message(d) AS m;
      IF body IS NULL THEN
        PERFORM s2s.delivery_drop(d);
        CONTINUE;
      END IF;

      v_digest := sha256(convert_to(body, 'UTF8'));
      IF v_digest <> d.body_digest THEN
        -- The state went on since the last attempt: another body under its request id would be refused (D6).
        d.request_id := gen_random_uuid();
        d.same_failures := 0;
      END IF;
      UPDATE s2s.delivery AS u
      SET next_at = v_now + p_lease_for, lease = p_lease, sending = d.owed, request_id = d.request_id,
          same_failures = d.same_failures, body_digest = v_digest
      WHERE u.delivery_id = d.delivery_id;

      delivery_id := d.delivery_id;
      peer := d.peer;
      endpoint := d.endpoint;
      request_id := d.request_id;
      attempts := d.attempts;
      v_left := v_left - 1;
      RETURN NEXT;
    END LOOP;
    EXIT WHEN v_left <= 0;
  END LOOP;
END
$$;
COMMENT ON FUNCTION s2s.deliveries_claim(uuid, integer, integer, interval) IS
  'Leases due deliveries, at most p_per_peer in flight to a peer (one probe after a block), with what to send.';

CREATE OR REPLACE FUNCTION s2s.delivery_again(d s2s.delivery) RETURNS void LANGUAGE sql AS $$
  UPDATE s2s.delivery AS u
  SET next_at = clock_timestamp(), lease = NULL, sending = NULL, request_id = gen_random_uuid(), body_digest = NULL,
      attempts = 0, same_failures = 0, last_failure = NULL
  WHERE u.delivery_id = d.delivery_id
$$;
COMMENT ON FUNCTION s2s.delivery_again(s2s.delivery) IS
  'Ends the flight of a (locked) delivery that was owed anew meanwhile: a new message is due.';

CREATE OR REPLACE FUNCTION s2s.delivery_done(p_delivery_id bigint, p_lease uuid, p_answer text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  d s2s.delivery;
  v_detail text;
BEGIN
  -- The thing is locked before its delivery, as by whoever owes it.
  PERFORM FROM s2s.delivery AS t
  JOIN s2s.instance AS i ON i.instance_id = t.ref AND t.endpoint = '/credential/manage'
  WHERE t.delivery_id = p_delivery_id
  FOR NO KEY UPDATE OF i;

  SELECT t.* INTO d
  FROM s2s.delivery AS t
  WHERE t.delivery_id = p_delivery_id AND t.lease = p_lease
  FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'fenced';
  END IF;

  IF d.endpoint = '/credential/manage' THEN
    v_detail := s2s.instance_managed(d.ref, p_answer);
  END IF;
  PERFORM s2s.ledger_add(d, 'delivered', v_detail);
  PERFORM s2s.lane_cleared(d.peer);
  IF d.owed > d.sending THEN
    PERFORM s2s.delivery_again(d);
    RETURN 'again';
  END IF;
  DELETE FROM s2s.delivery AS t WHERE t.delivery_id = d.delivery_id;
  RETURN 'done';
END
$$;
COMMENT ON FUNCTION s2s.delivery_done(bigint, uuid, text) IS
  'The peer has it. What was owed anew during the flight is due at once, as a new request.';

CREATE OR REPLACE FUNCTION s2s.delivery_bury(d s2s.delivery, p_reason text) RETURNS void LANGUAGE sql AS $$
  DELETE FROM s2s.delivery AS t WHERE t.delivery_id = d.delivery_id;
  INSERT INTO s2s.delivery_dead (
    delivery_id, died_at, created_at, owed_at, attempts, peer, endpoint, ref, payload, reason)
  VALUES (d.delivery_id, clock_timestamp(), d.created_at, d.owed_at, d.attempts, d.peer, d.endpoint, d.ref, d.payload,
          p_reason);
  SELECT s2s.ledger_add(d, 'given_up', p_reason);
$$;
COMMENT ON FUNCTION s2s.delivery_bury(s2s.delivery, text) IS 'Makes a (locked) delivery a dead letter.';

CREATE OR REPLACE FUNCTION s2s.delivery_failed(
  p_delivery_id bigint, p_lease uuid, p_kind text, p_failure text, p_delay interval, p_block interval,
  p_give_up_after interval)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  d s2s.delivery;
  v_now timestamptz := clock_timestamp();
  v_failure text := coalesce(p_failure, 'unknown');
  v_is_stuck boolean;
BEGIN
  IF p_kind NOT IN ('retry', 'blocked', 'final') THEN
    RAISE EXCEPTION 'unknown kind of failure: %', p_kind;
  END IF;
  SELECT t.* INTO d
  FROM s2s.delivery AS t
  WHERE t.delivery_id = p_delivery_id AND t.lease = p_lease
  FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'fenced';
  END IF;
  PERFORM s2s.lane_failed(d.peer, p_kind = 'retry',
                          coalesce(p_block, CASE WHEN p_kind = 'blocked' THEN interval '1 minute' END));

  d.attempts := d.attempts + (p_kind <> 'blocked')::integer;
  IF p_kind = 'final' AND d.owed > d.sending THEN
    -- What was refused is out of date.
    PERFORM s2s.delivery_again(d);
    RETURN 'retried';
  ELSIF p_kind = 'final' THEN
    PERFORM s2s.delivery_bury(d, v_failure);
    RETURN 'dead';
  ELSIF d.owed_at < v_now - p_give_up_after THEN
    PERFORM s2s.delivery_bury(d, v_failure || ', for too long');
    -- A peer that has been down for so long lets only probes through. What never got its turn is given up with them.
    FOR d IN
      SELECT t.*
      FROM s2s.delivery AS t
      WHERE t.peer = d.peer AND t.next_at < v_now - p_give_up_after AND t.owed_at < v_now - p_give_up_after
      ORDER BY t.next_at
      LIMIT 100
      FOR UPDATE SKIP LOCKED
    LOOP
      PERFORM s2s.delivery_bury(d, v_failure || ', for too long');
    END LOOP;
    RETURN 'dead';
  END IF;

  d.same_failures := CASE WHEN d.last_failure = v_failure THEN d.same_failures + 1 ELSE 1 END;
  -- D17: the peer may have stored its 5xx as the answer to this request id.
  v_is_stuck := d.same_failures >= 5 AND v_failure ILIKE 'http 5%';
  UPDATE s2s.delivery AS u
  SET next_at = v_now + coalesce(p_delay, '0'), lease = NULL, sending = NULL, attempts = d.attempts,
      last_failure = v_failure,
      same_failures = CASE WHEN v_is_stuck THEN 0 ELSE d.same_failures END,
      request_id = CASE WHEN v_is_stuck THEN gen_random_uuid() ELSE d.request_id END
  WHERE u.delivery_id = d.delivery_id;
  RETURN 'retried';
END
$$;
COMMENT ON FUNCTION s2s.delivery_failed(bigint, uuid, text, text, interval, interval, interval) IS
  'A flight failed: retry (later), blocked (the peer as a whole: no attempt used up), final (a dead letter). p_failure '
  'is "HTTP <status>" for an answer. p_block keeps the whole lane waiting, whatever the kind.';

CREATE OR REPLACE FUNCTION s2s.delivery_redrive(p_delivery_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  d s2s.delivery;
  v_now timestamptz := clock_timestamp();
BEGIN
  WITH raised AS (
    DELETE FROM s2s.delivery_dead AS x WHERE x.delivery_id = p_delivery_id RETURNING x.*
  )
  INSERT INTO s2s.delivery AS t (delivery_id, next_at, created_at, owed_at, request_id, peer, endpoint, ref, payload)
  OVERRIDING SYSTEM VALUE
  SELECT r.delivery_id, v_now, r.created_at, v_now, gen_random_uuid(), r.peer, r.endpoint, r.ref, r.payload
  FROM raised AS r
  -- It was owed anew after it died: that one tells all.
  ON CONFLICT (ref, endpoint, peer, side) DO UPDATE SET owed = t.owed + 1
  RETURNING t.* INTO d;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM s2s.ledger_add(d, 'redriven');
  RETURN true;
END
$$;
COMMENT ON FUNCTION s2s.delivery_redrive(bigint) IS 'Owes a dead letter again, as a new request with its full time.';

CREATE OR REPLACE FUNCTION s2s.delivery_stats()
RETURNS TABLE (peer text, depth bigint, oldest_age_s double precision, blocked boolean, dead bigint)
LANGUAGE sql STABLE AS $$
  -- Bounded: a scrape must not scan a queue that is in trouble.
  SELECT l.peer, live.depth, coalesce(extract(epoch FROM clock_timestamp() - live.oldest), 0)::double precision,
         l.blocked_until IS NOT NULL, dead.depth
  FROM s2s.lane AS l,
       LATERAL (SELECT count(*) AS depth, min(b.owed_at) AS oldest
                FROM (SELECT d.owed_at FROM s2s.delivery AS d
                      WHERE d.peer = l.peer AND d.owed_at <= clock_timestamp() LIMIT 100000) AS b) AS live,
       LATERAL (SELECT count(*) AS depth
                FROM (SELECT FROM s2s.delivery_dead AS x WHERE x.peer = l.peer LIMIT 100000) AS b) AS dead
$$;
COMMENT ON FUNCTION s2s.delivery_stats() IS
  'By peer, up to 100,000 each: what is owed by now, since when, whether the lane is blocked or probing, dead letters.';
