-- SPDX-License-Identifier: Apache-2.0
--
-- Deliveries: what a peer or a webhook is owed, and who knows what it says (profile section 7).
--
-- A change of state owes with s2s.delivery_owe in its own transaction. What is owed anew during a flight (flight.sql)
-- is sent after it, so an older state never follows a newer one.
--
-- What a message says and what an answer does is known to those whose things they are about: the issuer role, the
-- wallet role (issuer_delivery, wallet_delivery) and the webhooks (webhook), each with functions of the same form.
--
-- Locks: the thing (verification, session, instance), then its delivery, then the lane. Claims wait for nobody.
--
--   s2s.delivery_owe(p_peer text, p_endpoint text, p_ref text, p_payload json DEFAULT NULL,
--                    p_due timestamptz DEFAULT NULL, p_side text DEFAULT 'ISSUER')
--   s2s.delivery_withdraw(p_endpoint text, p_ref text, p_side text DEFAULT 'ISSUER', p_but bigint DEFAULT NULL)
--   s2s.delivery_hurry(p_endpoint text, p_ref text, p_side text)
--   s2s.delivery_endpoints() -> setof text
--   s2s.delivery_is_webhook(p_endpoint text) -> boolean
--   s2s.session_peer(p_session_id text) -> text
--
--   s2s.ledger_add(d s2s.delivery, p_event text, p_detail text DEFAULT NULL)
--   s2s.delivery_drop(d s2s.delivery)
--
-- The seams, which flight.sql calls:
--
--   s2s.delivery_message(d s2s.delivery) -> (body text, session_id text, sealed bytea, seen bigint)
--   s2s.delivery_lock_thing(p_delivery_id bigint)
--   s2s.delivery_answered(d s2s.delivery, p_status int, p_answer jsonb, p_poll_first interval, p_poll_longest interval)
--       -> (verdict text, detail text, due timestamptz)
--   s2s.delivery_refused(d s2s.delivery, p_status int, p_answer jsonb) -> text
--   s2s.delivery_given_up(d s2s.delivery, p_reason text)

DROP FUNCTION IF EXISTS s2s.delivery_owe(text, text, text, json, timestamptz);
DROP FUNCTION IF EXISTS s2s.delivery_withdraw(text, text);
DROP FUNCTION IF EXISTS s2s.delivery_message(s2s.delivery);

CREATE OR REPLACE FUNCTION s2s.delivery_endpoints() RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  VALUES ('/verification/notify'),
         ('/verification/initiate'), ('/verification/supplement'), ('/verification/cancel'), ('/verification/status'),
         ('/credential/provision'), ('/credential/get'),
         ('/credential/manage'), ('/credential/status'), ('/event/notify')
$$;
COMMENT ON FUNCTION s2s.delivery_endpoints() IS 'Where deliveries go: the issuer''s, the wallet''s, and those of both.';

CREATE OR REPLACE FUNCTION s2s.delivery_is_webhook(p_endpoint text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT p_endpoint NOT LIKE '/%'
$$;
COMMENT ON FUNCTION s2s.delivery_is_webhook(text) IS 'Whether this is the type of an event, and no path.';

CREATE OR REPLACE FUNCTION s2s.session_peer(p_session_id text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT s.peer FROM s2s.session AS s WHERE s.session_id = p_session_id
$$;
COMMENT ON FUNCTION s2s.session_peer(text) IS 'Who is owed news of a session.';

CREATE OR REPLACE FUNCTION s2s.ledger_add(d s2s.delivery, p_event text, p_detail text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO s2s.ledger (at, delivery_id, request_id, peer, endpoint, ref, event, detail)
  VALUES (clock_timestamp(), d.delivery_id, CASE WHEN p_event IN ('delivered', 'given_up') THEN d.request_id END,
          d.peer, d.endpoint, d.ref, p_event, p_detail);
END
$$;
COMMENT ON FUNCTION s2s.ledger_add(s2s.delivery, text, text) IS
  'Records what happened to a delivery, in the transaction in which it does and with its row locked.';

-- ---- owing ----

CREATE OR REPLACE FUNCTION s2s.delivery_owe(
  p_peer text, p_endpoint text, p_ref text, p_payload json DEFAULT NULL, p_due timestamptz DEFAULT NULL,
  p_side text DEFAULT 'ISSUER')
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  d s2s.delivery;
  v_now timestamptz := clock_timestamp();
  v_due timestamptz := coalesce(p_due, v_now);
  v_noted text;
BEGIN
  -- Asked first, as preparing to insert costs more than the question.
  IF NOT EXISTS (SELECT FROM s2s.lane AS l WHERE l.peer = p_peer) THEN
    RETURN;
  END IF;
  -- What waits already keeps its place in time: it will tell the newest state anyhow.
  INSERT INTO s2s.delivery AS t (next_at, created_at, owed_at, request_id, peer, endpoint, ref, payload, side)
  SELECT v_due, v_now, v_due, gen_random_uuid(), l.peer, p_endpoint, p_ref, p_payload, p_side
  FROM s2s.lane AS l
  WHERE l.peer = p_peer
  ON CONFLICT (ref, endpoint, peer, side) DO UPDATE
    SET owed = t.owed + 1, owed_at = excluded.owed_at, payload = excluded.payload
  RETURNING t.* INTO d;
  IF FOUND THEN
    PERFORM s2s.ledger_add(d, 'owed');
    IF d.next_at <= v_now THEN
      v_noted := s2s.note_due();
    END IF;
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.delivery_owe(text, text, text, json, timestamptz, text) IS
  'A peer is to be told about a thing, now or at p_due. Nothing is owed to a peer that cannot be called.';

CREATE OR REPLACE FUNCTION s2s.delivery_drop(d s2s.delivery) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM s2s.delivery AS t WHERE t.delivery_id = d.delivery_id;
  PERFORM s2s.ledger_add(d, 'dropped');
END
$$;
COMMENT ON FUNCTION s2s.delivery_drop(s2s.delivery) IS 'Ends a (locked) delivery that nobody needs any more.';

CREATE OR REPLACE FUNCTION s2s.delivery_withdraw(
  p_endpoint text, p_ref text, p_side text DEFAULT 'ISSUER', p_but bigint DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  d s2s.delivery;
BEGIN
  FOR d IN
    SELECT t.*
    FROM s2s.delivery AS t
    WHERE t.ref = p_ref AND t.endpoint = p_endpoint AND t.side = p_side AND t.delivery_id IS DISTINCT FROM p_but
    FOR UPDATE
  LOOP
    PERFORM s2s.delivery_drop(d);
  END LOOP;
END
$$;
COMMENT ON FUNCTION s2s.delivery_withdraw(text, text, text, bigint) IS
  'There is no more need to tell about a thing. A flight in progress is fenced, unless it is p_but: the one whose end '
  'this belongs to.';

CREATE OR REPLACE FUNCTION s2s.delivery_hurry(p_endpoint text, p_ref text, p_side text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_noted text;
BEGIN
  UPDATE s2s.delivery AS u
  SET next_at = CASE WHEN u.lease IS NULL THEN least(u.next_at, clock_timestamp()) ELSE u.next_at END,
      owed_at = least(u.owed_at, clock_timestamp()),
      owed = u.owed + (u.lease IS NOT NULL)::integer
  WHERE u.ref = p_ref AND u.endpoint = p_endpoint AND u.side = p_side;
  IF FOUND THEN
    v_noted := s2s.note_due();
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.delivery_hurry(text, text, text) IS
  'What waits for its time is due now; after a flight in progress, once more.';

-- ---- seams: whose thing it is knows the rest ----

CREATE OR REPLACE FUNCTION s2s.delivery_message(
  d s2s.delivery, OUT body text, OUT session_id text, OUT sealed bytea, OUT seen bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF s2s.delivery_is_webhook(d.endpoint) THEN
    SELECT m.body, m.session_id INTO body, session_id FROM s2s.webhook_message(d) AS m;
  ELSIF d.side = 'ISSUER' THEN
    SELECT m.body, m.session_id INTO body, session_id FROM s2s.issuer_message(d) AS m;
  ELSE
    SELECT m.body, m.session_id, m.sealed, m.seen INTO body, session_id, sealed, seen FROM s2s.wallet_message(d) AS m;
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.delivery_message(s2s.delivery) IS
  'What to send, of the state as it is now; null when there is nothing to say any more. sealed holds further members '
  'of the body, which only the gateway can read; seen is the version of the thing.';

CREATE OR REPLACE FUNCTION s2s.delivery_lock_thing(p_delivery_id bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  d s2s.delivery;
BEGIN
  SELECT t.* INTO d FROM s2s.delivery AS t WHERE t.delivery_id = p_delivery_id;
  IF NOT FOUND THEN
    RETURN;
  ELSIF s2s.delivery_is_webhook(d.endpoint) THEN
    PERFORM s2s.webhook_lock_thing(d);
  ELSIF d.side = 'ISSUER' THEN
    PERFORM s2s.issuer_lock_thing(d);
  ELSE
    PERFORM s2s.wallet_lock_thing(d);
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.delivery_lock_thing(bigint) IS
  'Locks what the end of a flight will change: before the delivery, as whoever owes does.';

CREATE OR REPLACE FUNCTION s2s.delivery_answered(
  d s2s.delivery, p_status integer, p_answer jsonb, p_poll_first interval, p_poll_longest interval,
  OUT verdict text, OUT detail text, OUT due timestamptz)
LANGUAGE plpgsql AS $$
BEGIN
  verdict := 'done';
  IF s2s.delivery_is_webhook(d.endpoint) THEN
    detail := s2s.webhook_answered(d, p_answer);
  ELSIF d.side = 'ISSUER' THEN
    detail := s2s.issuer_answered(d, p_status, p_answer);
  ELSE
    SELECT a.verdict, a.detail, a.due INTO verdict, detail, due
    FROM s2s.wallet_answered(d, p_status, p_answer, p_poll_first, p_poll_longest) AS a;
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.delivery_answered IS
  'Does what an answer brings about. verdict: done, again (there is more to send), wait (ask again at due), refused '
  '(this cannot be the answer: detail says why, and nothing has changed).';

CREATE OR REPLACE FUNCTION s2s.delivery_refused(d s2s.delivery, p_status integer, p_answer jsonb)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF s2s.delivery_is_webhook(d.endpoint) THEN
    RETURN NULL;
  ELSIF d.side = 'ISSUER' THEN
    RETURN s2s.issuer_refused(d, p_status, p_answer);
  END IF;
  RETURN s2s.wallet_refused(d, p_status, p_answer);
END
$$;
COMMENT ON FUNCTION s2s.delivery_refused(s2s.delivery, integer, jsonb) IS
  'Does what a final refusal brings about: done or again; null when it has no place in the state and is a dead letter.';

CREATE OR REPLACE FUNCTION s2s.delivery_given_up(d s2s.delivery, p_reason text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF s2s.delivery_is_webhook(d.endpoint) THEN
    RETURN;
  END IF;
  PERFORM s2s.webhook_owe('delivery.dead', d.delivery_id::text, d.side);
  IF d.side = 'WALLET' THEN
    PERFORM s2s.wallet_given_up(d, p_reason);
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.delivery_given_up(s2s.delivery, text) IS
  'A delivery is a dead letter now. Its thing may be locked by somebody: nobody is waited for.';
