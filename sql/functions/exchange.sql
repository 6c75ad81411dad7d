-- SPDX-License-Identifier: Apache-2.0
--
-- Every request is answered once (D6). An endpoint function claims the request id, does its work and stores the answer,
-- all in the caller's transaction:
--
--   r := s2s.claim(x);  IF r.outcome IS NOT NULL THEN RETURN r; END IF;
--   …
--   RETURN s2s.store(x, 200, body);
--
--   s2s.stored(x s2s.exchange)                                                            -> s2s.reply, null: nothing
--   s2s.claim(x s2s.exchange)                                                             -> s2s.reply
--   s2s.note_due(p_due boolean DEFAULT true)                                              -> text
--   s2s.something_is_due()                                                                -> boolean
--   s2s.store(x s2s.exchange, p_status int, p_body text, p_wake boolean DEFAULT false)    -> s2s.reply
--   s2s.refuse(x s2s.exchange, p_type text, p_current_status text DEFAULT NULL)           -> s2s.reply
--   s2s.retry()                                                                           -> s2s.reply
--   s2s.issuer_answer(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid,
--                     p_status int, p_body text)                                          -> s2s.reply
--   s2s.issuer_replay(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid)
--                                                                                         -> s2s.reply

CREATE OR REPLACE FUNCTION s2s.stored(x s2s.exchange) RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  stored record;
BEGIN
  SELECT a.digest, a.token, a.status, a.body INTO stored
  FROM s2s.answer AS a
  WHERE a.request_id = x.request_id AND a.peer = x.peer;

  IF NOT FOUND THEN
    RETURN NULL;
  ELSIF stored.digest <> x.digest THEN
    RETURN (422, s2s.problem('request-id-reuse', x.token), false, 'reuse', false)::s2s.reply;
  ELSIF stored.token = x.token THEN
    -- The gateway lost the connection before it saw the fate of this very exchange.
    RETURN (stored.status, stored.body, false, 'answered', false)::s2s.reply;
  END IF;
  RETURN (stored.status, stored.body, true, 'replayed', false)::s2s.reply;
END
$$;
COMMENT ON FUNCTION s2s.stored(s2s.exchange) IS 'The reply to a request that was answered before; null when it was not.';

CREATE OR REPLACE FUNCTION s2s.note_due(p_due boolean DEFAULT true) RETURNS text LANGUAGE sql AS $$
  SELECT set_config('s2s.due', CASE WHEN p_due THEN 'yes' ELSE '' END, true)
$$;
COMMENT ON FUNCTION s2s.note_due(boolean) IS
  'Whoever owes a delivery that is due now notes it in its transaction. To be assigned: as an expression it is inlined.';

CREATE OR REPLACE FUNCTION s2s.something_is_due() RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce(current_setting('s2s.due', true) = 'yes', false)
$$;
COMMENT ON FUNCTION s2s.something_is_due() IS
  'Whether a delivery that is due now was owed in this transaction: since the claim, or by any call of a batch of jobs.';

CREATE OR REPLACE FUNCTION s2s.claim(x s2s.exchange) RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  v_noted text;
BEGIN
  IF s2s.something_is_due() THEN
    -- By another call of this transaction.
    v_noted := s2s.note_due(false);
  END IF;
  -- Duplicates queue here. The look-up is a statement of its own, so that its snapshot is younger than the lock and
  -- holds what the duplicate before us committed.
  PERFORM pg_advisory_xact_lock(hashtextextended(x.peer, uuid_hash_extended(x.request_id, 0)));
  RETURN s2s.stored(x);
END
$$;
COMMENT ON FUNCTION s2s.claim(s2s.exchange) IS
  'Takes the request id for this transaction: null when the work is to be done, else the reply to give.';

CREATE OR REPLACE FUNCTION s2s.store(x s2s.exchange, p_status integer, p_body text, p_wake boolean DEFAULT false)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO s2s.answer (created_at, request_id, token, digest, status, peer, endpoint, body)
  VALUES (clock_timestamp(), x.request_id, x.token, x.digest, p_status, x.peer, x.endpoint, p_body);
  RETURN (p_status, p_body, false, 'answered', p_wake OR s2s.something_is_due())::s2s.reply;
END
$$;
COMMENT ON FUNCTION s2s.store(s2s.exchange, integer, text, boolean) IS
  'Stores and returns the answer to a claimed request. p_wake: a job was enqueued; deliveries tell of themselves.';

CREATE OR REPLACE FUNCTION s2s.refuse(x s2s.exchange, p_type text, p_current_status text DEFAULT NULL)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
BEGIN
  RETURN s2s.store(x, (s2s.problem_type(p_type)).status, s2s.problem(p_type, x.token, p_current_status));
END
$$;
COMMENT ON FUNCTION s2s.refuse(s2s.exchange, text, text) IS 'Answers a claimed request with a problem.';

CREATE OR REPLACE FUNCTION s2s.retry() RETURNS s2s.reply LANGUAGE sql IMMUTABLE AS $$
  SELECT (NULL, NULL, false, 'retry', false)::s2s.reply
$$;
COMMENT ON FUNCTION s2s.retry() IS 'What the gateway loaded is out of date: it loads and calls again. Stores nothing.';

CREATE OR REPLACE FUNCTION s2s.issuer_answer(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid,
  p_status integer, p_body text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  RETURN s2s.store(x, p_status, p_body);
END
$$;
COMMENT ON FUNCTION s2s.issuer_answer IS 'Answers with what the gateway found out without touching any state.';

CREATE OR REPLACE FUNCTION s2s.issuer_replay(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  r s2s.reply := s2s.stored((p_peer, p_request_id, p_endpoint, p_digest, p_token)::s2s.exchange);
BEGIN
  IF r.outcome IS NULL THEN
    RETURN (NULL, NULL, false, 'none', false)::s2s.reply;
  END IF;
  RETURN r;
END
$$;
COMMENT ON FUNCTION s2s.issuer_replay IS
  'Asks for the stored answer before the gateway gives up on a request. Claims nothing and stores nothing.';
