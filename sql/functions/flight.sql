-- SPDX-License-Identifier: Apache-2.0
--
-- The one flight at a time of a delivery, and its ends (profile section 7). A claim locks lanes, then due rows of each,
-- reads the state, and leaves a lease; whoever ends the flight must name that lease.
--
-- Locks: the thing, then its delivery, then the lane. Claims wait for nobody.
--
-- A message that got no answer may lie in a socket of a peer that stands still, and be read after one that was sent
-- later: an older state after a newer one. So the newer one goes under the same request id first. A peer does one thing
-- under one id (D6): whichever of the two it meets second is refused, or a duplicate. Then the newer one goes once
-- more, under an id of its own.
--
--   s2s.deliveries_claim(p_lease uuid, p_limit int, p_per_peer int, p_lease_for interval)
--       -> setof (delivery_id bigint, peer text, endpoint text, request_id uuid, attempts int, body text,
--                 session_id text, side text, sealed bytea)
--   s2s.delivery_done(p_delivery_id bigint, p_lease uuid, p_status int, p_answer text,
--                     p_poll_first interval DEFAULT NULL, p_poll_longest interval DEFAULT NULL,
--                     p_give_up_after interval DEFAULT '7 days')
--       -> text: done, again, waiting, "refused: <why>", fenced
--   s2s.delivery_failed(p_delivery_id bigint, p_lease uuid, p_kind text, p_failure text, p_delay interval,
--                       p_block interval, p_give_up_after interval, p_status int DEFAULT 0, p_answer text DEFAULT NULL,
--                       p_may_arrive boolean DEFAULT NULL)
--       -> text: retried, dead, done and again (a refusal that has its place in the state), fenced
--   s2s.delivery_redrive(p_delivery_id bigint)                                      -> boolean: it was a dead letter
--   s2s.delivery_stats()
--       -> setof (peer text, depth bigint, oldest_age_s double precision, blocked boolean, dead bigint)
--
-- Within, all of a locked row: s2s.delivery_end, s2s.delivery_again, s2s.delivery_wait, s2s.delivery_retry,
-- s2s.delivery_bury; and s2s.delivery_backoff(p_attempts int) -> interval.

DROP FUNCTION IF EXISTS s2s.deliveries_claim(uuid, integer, integer, interval);
DROP FUNCTION IF EXISTS s2s.delivery_done(bigint, uuid, text);
DROP FUNCTION IF EXISTS s2s.delivery_failed(bigint, uuid, text, text, interval, interval, interval);

CREATE OR REPLACE FUNCTION s2s.deliveries_claim(
  p_lease uuid, p_limit integer, p_per_peer integer, p_lease_for interval)
RETURNS TABLE (
  delivery_id bigint, peer text, endpoint text, request_id uuid, attempts integer, body text, session_id text,
  side text, sealed bytea)
LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_left integer := p_limit;
  v_lane record;
  v_flying integer;
  v_digest bytea;
  v_seen bigint;
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
      SELECT m.body, m.session_id, m.sealed, m.seen INTO body, session_id, sealed, v_seen
      FROM s2s.delivery_message(d) AS m;
      IF body IS NULL THEN
        PERFORM s2s.delivery_drop(d);
        CONTINUE;
      END IF;

      v_digest := sha256(convert_to(body, 'UTF8') || coalesce(sealed, ''));
      -- Nobody has told how the last flight ended.
      d.stray := d.stray OR d.lease IS NOT NULL;
      IF v_digest <> d.body_digest AND d.stray THEN
        d.fencing := true;
      ELSIF v_digest <> d.body_digest THEN
        -- The state went on since the last attempt: another body under its request id would be refused (D6).
        d.request_id := gen_random_uuid();
        d.same_failures := 0;
      ELSIF v_digest = d.body_digest THEN
        -- The answer may be that to an earlier attempt (D6), and as old.
        v_seen := d.seen;
      END IF;
      UPDATE s2s.delivery AS u
      SET next_at = v_now + p_lease_for, lease = p_lease, sending = d.owed, request_id = d.request_id,
          same_failures = d.same_failures, body_digest = v_digest, seen = v_seen, stray = d.stray, fencing = d.fencing
      WHERE u.delivery_id = d.delivery_id;

      delivery_id := d.delivery_id;
      peer := d.peer;
      endpoint := d.endpoint;
      request_id := d.request_id;
      attempts := d.attempts;
      side := d.side;
      v_left := v_left - 1;
      RETURN NEXT;
    END LOOP;
    EXIT WHEN v_left <= 0;
  END LOOP;
END
$$;
COMMENT ON FUNCTION s2s.deliveries_claim(uuid, integer, integer, interval) IS
  'Leases due deliveries, at most p_per_peer in flight to a peer (one probe after a block), with what to send.';

CREATE OR REPLACE FUNCTION s2s.delivery_again(d s2s.delivery) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE s2s.delivery AS u
  SET next_at = clock_timestamp(), lease = NULL, sending = NULL, request_id = gen_random_uuid(), body_digest = NULL,
      attempts = 0, same_failures = 0, last_failure = NULL, stray = false, fencing = false
  WHERE u.delivery_id = d.delivery_id;
END
$$;
COMMENT ON FUNCTION s2s.delivery_again(s2s.delivery) IS
  'Ends the flight of a (locked) delivery that was owed anew meanwhile: a new message is due.';

CREATE OR REPLACE FUNCTION s2s.delivery_wait(d s2s.delivery, p_due timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE s2s.delivery AS u
  SET next_at = p_due, owed_at = p_due, lease = NULL, sending = NULL, request_id = gen_random_uuid(),
      body_digest = NULL, attempts = 0, same_failures = 0, last_failure = NULL, stray = false, fencing = false,
      polls = u.polls + 1
  WHERE u.delivery_id = d.delivery_id;
END
$$;
COMMENT ON FUNCTION s2s.delivery_wait(s2s.delivery, timestamptz) IS
  'Ends the flight of a (locked) delivery that was told "not yet": it asks again then, as a new request.';

CREATE OR REPLACE FUNCTION s2s.delivery_end(d s2s.delivery, p_again boolean, p_detail text)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM s2s.ledger_add(d, 'delivered', p_detail);
  IF p_again OR d.owed > d.sending THEN
    PERFORM s2s.delivery_again(d);
    RETURN 'again';
  END IF;
  DELETE FROM s2s.delivery AS t WHERE t.delivery_id = d.delivery_id;
  RETURN 'done';
END
$$;
COMMENT ON FUNCTION s2s.delivery_end(s2s.delivery, boolean, text) IS
  'The peer has it. What was owed anew during the flight, or is still to be sent, is due at once, as a new request.';

CREATE OR REPLACE FUNCTION s2s.delivery_bury(d s2s.delivery, p_reason text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM s2s.delivery AS t WHERE t.delivery_id = d.delivery_id;
  IF d.endpoint = '/credential/status' THEN
    -- The next run of reconciliation asks again: nothing for an operator to act on.
    PERFORM s2s.reconcile_answer(d, 0, NULL);
    PERFORM s2s.ledger_add(d, 'dropped', p_reason);
    RETURN;
  END IF;
  INSERT INTO s2s.delivery_dead (
    delivery_id, died_at, created_at, owed_at, attempts, peer, endpoint, ref, payload, reason, side)
  VALUES (d.delivery_id, clock_timestamp(), d.created_at, d.owed_at, d.attempts, d.peer, d.endpoint, d.ref, d.payload,
          p_reason, d.side);
  PERFORM s2s.ledger_add(d, 'given_up', p_reason);
  PERFORM s2s.delivery_given_up(d, p_reason);
END
$$;
COMMENT ON FUNCTION s2s.delivery_bury(s2s.delivery, text) IS 'Makes a (locked) delivery a dead letter.';

CREATE OR REPLACE FUNCTION s2s.delivery_retry(
  d s2s.delivery, p_failure text, p_delay interval, p_give_up_after interval)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_is_stuck boolean;
BEGIN
  IF d.owed_at < v_now - p_give_up_after THEN
    PERFORM s2s.delivery_bury(d, p_failure || ', for too long');
    -- A peer that has been down for so long lets only probes through. What never got its turn is given up with them.
    FOR d IN
      SELECT t.*
      FROM s2s.delivery AS t
      WHERE t.peer = d.peer AND t.next_at < v_now - p_give_up_after AND t.owed_at < v_now - p_give_up_after
      ORDER BY t.next_at
      LIMIT 100
      FOR UPDATE SKIP LOCKED
    LOOP
      PERFORM s2s.delivery_bury(d, p_failure || ', for too long');
    END LOOP;
    RETURN 'dead';
  END IF;

  d.same_failures := CASE WHEN d.last_failure = p_failure THEN d.same_failures + 1 ELSE 1 END;
  -- D17: the peer may have stored its 5xx as the answer to this request id. A webhook's id is its consumer's alone.
  v_is_stuck := d.same_failures >= 5 AND p_failure ILIKE 'http 5%' AND NOT s2s.delivery_is_webhook(d.endpoint);
  UPDATE s2s.delivery AS u
  SET next_at = v_now + coalesce(p_delay, '0'), lease = NULL, sending = NULL, attempts = d.attempts,
      last_failure = p_failure, stray = d.stray AND NOT v_is_stuck, fencing = d.fencing AND NOT v_is_stuck,
      same_failures = CASE WHEN v_is_stuck THEN 0 ELSE d.same_failures END,
      request_id = CASE WHEN v_is_stuck THEN gen_random_uuid() ELSE d.request_id END
  WHERE u.delivery_id = d.delivery_id;
  RETURN 'retried';
END
$$;
COMMENT ON FUNCTION s2s.delivery_retry(s2s.delivery, text, interval, interval) IS
  'Ends the flight of a (locked) delivery, to send it again later; or buries it, with all that has waited for as long.';

CREATE OR REPLACE FUNCTION s2s.delivery_backoff(p_attempts integer) RETURNS interval LANGUAGE sql VOLATILE AS $$
  SELECT (CASE WHEN p_attempts <= 1 THEN random()
               WHEN p_attempts = 2 THEN 1.1 + random() * 3.9
               WHEN p_attempts = 3 THEN 5.1 + random() * 24.9
               ELSE random() * least(30 * 2 ^ least(p_attempts - 3, 10), 900) END) * interval '1 second'
$$;
COMMENT ON FUNCTION s2s.delivery_backoff(integer) IS 'How long to wait after so many attempts (profile section 7).';

CREATE OR REPLACE FUNCTION s2s.delivery_done(
  p_delivery_id bigint, p_lease uuid, p_status integer, p_answer text, p_poll_first interval DEFAULT NULL,
  p_poll_longest interval DEFAULT NULL, p_give_up_after interval DEFAULT '7 days')
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  d s2s.delivery;
  a record;
BEGIN
  PERFORM s2s.delivery_lock_thing(p_delivery_id);
  -- IS TRUE, here and below: see "Plans made on empty tables" in sql/README.md.
  SELECT t.* INTO d
  FROM s2s.delivery AS t
  WHERE t.delivery_id = p_delivery_id AND (t.lease = p_lease) IS TRUE
  FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'fenced';
  END IF;

  IF d.fencing THEN
    -- Whatever this answers: it may be what was sent before.
    PERFORM s2s.delivery_again(d);
    RETURN 'again';
  END IF;
  a := s2s.delivery_answered(d, p_status, s2s.parsed(p_answer), p_poll_first, p_poll_longest);
  IF a.verdict = 'refused' THEN
    d.attempts := d.attempts + 1;
    PERFORM s2s.delivery_retry(d, a.detail, s2s.delivery_backoff(d.attempts), p_give_up_after);
    RETURN 'refused: ' || a.detail;
  ELSIF a.verdict = 'wait' AND d.owed > d.sending THEN
    PERFORM s2s.delivery_again(d);
    RETURN 'again';
  ELSIF a.verdict = 'wait' THEN
    PERFORM s2s.delivery_wait(d, a.due);
    RETURN 'waiting';
  END IF;
  RETURN s2s.delivery_end(d, a.verdict = 'again', a.detail);
END
$$;
COMMENT ON FUNCTION s2s.delivery_done(bigint, uuid, integer, text, interval, interval, interval) IS
  'The peer has answered with a 2xx. p_poll_first and p_poll_longest: how soon and how seldom to ask a peer that has '
  'nothing to tell yet; null: not at all, it will notify. The lane is left to the caller, as this may be one call of a '
  'batch: s2s.lane_cleared, if the answer is taken and the lane is unwell.';

CREATE OR REPLACE FUNCTION s2s.delivery_failed(
  p_delivery_id bigint, p_lease uuid, p_kind text, p_failure text, p_delay interval, p_block interval,
  p_give_up_after interval, p_status integer DEFAULT 0, p_answer text DEFAULT NULL, p_may_arrive boolean DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  d s2s.delivery;
  v_failure text := coalesce(p_failure, 'unknown');
  v_verdict text;
  v_told text;
BEGIN
  IF p_kind NOT IN ('retry', 'fault', 'blocked', 'final') THEN
    RAISE EXCEPTION 'unknown kind of failure: %', p_kind;
  ELSIF p_kind = 'final' THEN
    PERFORM s2s.delivery_lock_thing(p_delivery_id);
  END IF;
  SELECT t.* INTO d
  FROM s2s.delivery AS t
  WHERE t.delivery_id = p_delivery_id AND (t.lease = p_lease) IS TRUE
  FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'fenced';
  END IF;

  d.attempts := d.attempts + (p_kind <> 'blocked')::integer;
  d.stray := d.stray OR coalesce(p_may_arrive, p_status = 0);
  IF p_kind <> 'final' THEN
    v_told := s2s.delivery_retry(d, v_failure, p_delay, p_give_up_after);
  ELSIF d.fencing THEN
    -- What was sent before under this request id came first.
    PERFORM s2s.delivery_again(d);
    v_told := 'again';
  ELSE
    v_verdict := s2s.delivery_refused(d, p_status, s2s.parsed(p_answer));
    IF v_verdict IS NOT NULL THEN
      v_told := s2s.delivery_end(d, v_verdict = 'again', v_failure);
    ELSIF d.owed > d.sending THEN
      -- What was refused is out of date.
      PERFORM s2s.delivery_again(d);
      v_told := 'retried';
    ELSE
      PERFORM s2s.delivery_bury(d, v_failure);
      v_told := 'dead';
    END IF;
  END IF;
  IF p_kind = 'final' THEN
    -- The peer has answered: it is well, whatever it thinks of the message.
    PERFORM s2s.lane_cleared(d.peer);
  END IF;
  PERFORM s2s.lane_failed(d.peer, p_kind = 'retry',
                          coalesce(p_block, CASE WHEN p_kind = 'blocked' THEN interval '1 minute' END));
  RETURN v_told;
END
$$;
COMMENT ON FUNCTION
  s2s.delivery_failed(bigint, uuid, text, text, interval, interval, interval, integer, text, boolean) IS
  'A flight failed: retry (later), fault (the same, but of the message, or of the answer to it: the lane has nothing to '
  'do with it), blocked (the peer as a whole: no attempt used up), final (an outcome for the thing, or a dead letter). '
  'p_failure is "HTTP <status>" for an answer, p_status and p_answer its status and body. '
  'p_may_arrive: the peer may still come to read the message; null: it may when there was no answer. p_block keeps the '
  'whole lane waiting, whatever the kind. Locks the lane: in a transaction of its own.';

CREATE OR REPLACE FUNCTION s2s.delivery_redrive(p_delivery_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  d s2s.delivery;
  v_now timestamptz := clock_timestamp();
BEGIN
  WITH raised AS (
    DELETE FROM s2s.delivery_dead AS x WHERE x.delivery_id = p_delivery_id RETURNING x.*
  )
  INSERT INTO s2s.delivery AS t (
    delivery_id, next_at, created_at, owed_at, request_id, peer, endpoint, ref, payload, side)
  OVERRIDING SYSTEM VALUE
  SELECT r.delivery_id, v_now, r.created_at, v_now, gen_random_uuid(), r.peer, r.endpoint, r.ref, r.payload, r.side
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
                      WHERE d.peer = l.peer AND d.owed_at <= clock_timestamp()
                      ORDER BY d.next_at LIMIT 100000) AS b) AS live,
       LATERAL (SELECT count(*) AS depth
                FROM (SELECT FROM s2s.delivery_dead AS x WHERE x.peer = l.peer LIMIT 100000) AS b) AS dead
$$;
COMMENT ON FUNCTION s2s.delivery_stats() IS
  'By peer, up to 100,000 each: what is owed by now, since when, whether the lane is blocked or probing, dead letters.';
