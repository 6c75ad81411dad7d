-- SPDX-License-Identifier: Apache-2.0
--
-- Gets that wait for a credential (D9). An instance's lock guards its fetches too, and its version tells the gateway
-- that they changed: whoever takes an instance here takes a locked one.
--
--   s2s.fetches_most() -> int
--   s2s.fetches_end(p_transaction_ids text[]) -> boolean: some were open
--   s2s.fetches_forget(p_retention interval, p_limit int) -> int: how many
--   s2s.fetch_open(i s2s.instance, p_keys text, p_keys_digest bytea, p_ready_after interval, p_most int)
--       -> text: the transaction_id
--   s2s.fetch_event_ref(p_transaction_id text) -> text
--   s2s.fetch_owe_ready(i s2s.instance, p_transaction_id text, p_at timestamptz)
--   s2s.fetch_spend(i s2s.instance, p_transaction_id text, p_keys_digest bytea) -> boolean

DROP FUNCTION IF EXISTS s2s.fetch_open(s2s.instance, text, bytea, text, interval);
DROP FUNCTION IF EXISTS s2s.fetch_open(s2s.instance, text, bytea, interval);

CREATE OR REPLACE FUNCTION s2s.fetches_most() RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT 100
$$;
COMMENT ON FUNCTION s2s.fetches_most() IS 'The most gets of an instance that may wait, whatever limit is configured.';

CREATE OR REPLACE FUNCTION s2s.fetch_event_ref(p_transaction_id text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'CREDENTIAL_READY:' || p_transaction_id
$$;
COMMENT ON FUNCTION s2s.fetch_event_ref(text) IS 'What the delivery is about that says that a transaction is ready.';

CREATE OR REPLACE FUNCTION s2s.fetch_owe_ready(i s2s.instance, p_transaction_id text, p_at timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM s2s.delivery_owe(
    s2s.session_peer(i.session_id), '/event/notify', s2s.fetch_event_ref(p_transaction_id),
    json_build_object(
      'eventType', 'CREDENTIAL_READY', 'credentialInstanceId', i.instance_id, 'transaction_id', p_transaction_id),
    p_at);
END
$$;
COMMENT ON FUNCTION s2s.fetch_owe_ready(s2s.instance, text, timestamptz) IS
  'The wallet is owed word, at p_at, that a transaction is ready.';

CREATE OR REPLACE FUNCTION s2s.fetches_end(p_transaction_ids text[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_ended text[];
BEGIN
  WITH ended AS (
    DELETE FROM s2s.fetch AS f WHERE f.transaction_id = ANY (p_transaction_ids) RETURNING f.transaction_id
  )
  SELECT array_agg(e.transaction_id) INTO v_ended FROM ended AS e;
  PERFORM s2s.delivery_withdraw('/event/notify', s2s.fetch_event_ref(t.id)) FROM unnest(v_ended) AS t (id);
  RETURN v_ended IS NOT NULL;
END
$$;
COMMENT ON FUNCTION s2s.fetches_end(text[]) IS
  'Ends transactions of (locked) instances: nobody is told any more that they are ready.';

CREATE OR REPLACE FUNCTION s2s.fetches_forget(p_retention interval, p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  v_before timestamptz := clock_timestamp() - p_retention;
  v_forgotten integer := 0;
  f record;
BEGIN
  FOR f IN
    SELECT t.transaction_id, t.instance_id
    FROM s2s.fetch AS t
    WHERE t.created_at < v_before
      -- For as long after it was ready as before that.
      AND ((SELECT i.ready_at FROM s2s.instance AS i WHERE i.instance_id = t.instance_id) < v_before) IS NOT FALSE
    ORDER BY t.created_at
    LIMIT p_limit
  LOOP
    PERFORM
    FROM s2s.instance AS i
    WHERE i.instance_id = f.instance_id AND (i.ready_at < v_before) IS NOT FALSE
    FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND AND s2s.fetches_end(ARRAY[f.transaction_id]) THEN
      UPDATE s2s.instance AS u SET version = u.version + 1 WHERE u.instance_id = f.instance_id;
      v_forgotten := v_forgotten + 1;
    END IF;
  END LOOP;
  RETURN v_forgotten;
END
$$;
COMMENT ON FUNCTION s2s.fetches_forget(interval, integer) IS
  'Ends transactions that nobody has come for, p_retention after they were opened, or ready if that was later. Waits '
  'for no instance.';

CREATE OR REPLACE FUNCTION s2s.fetch_open(
  i s2s.instance, p_keys text, p_keys_digest bytea, p_ready_after interval, p_most integer)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_new_id text := gen_random_uuid();
  v_ready_at timestamptz := coalesce(i.ready_at, v_now + p_ready_after);
BEGIN
  INSERT INTO s2s.fetch AS f (created_at, transaction_id, instance_id, keys_digest, keys)
  VALUES (v_now, v_new_id, i.instance_id, p_keys_digest, p_keys)
  ON CONFLICT (instance_id, keys_digest) DO NOTHING;
  IF NOT FOUND THEN
    RETURN (
      SELECT f.transaction_id
      FROM s2s.fetch AS f
      WHERE f.instance_id = i.instance_id AND f.keys_digest IS NOT DISTINCT FROM p_keys_digest);
  END IF;

  UPDATE s2s.instance AS u
  SET ready_at = v_ready_at, version = u.version + 1
  WHERE u.instance_id = i.instance_id;
  IF v_ready_at IS NOT NULL THEN
    PERFORM s2s.fetch_owe_ready(i, v_new_id, v_ready_at);
  END IF;
  -- OFFSET 0: see "Plans made on empty tables" in sql/README.md.
  PERFORM s2s.fetches_end(ARRAY(
    SELECT f.transaction_id
    FROM (SELECT t.* FROM s2s.fetch AS t WHERE t.instance_id = i.instance_id OFFSET 0) AS f
    WHERE f.transaction_id <> v_new_id
    ORDER BY f.created_at DESC
    OFFSET p_most - 1));
  RETURN v_new_id;
END
$$;
COMMENT ON FUNCTION s2s.fetch_open(s2s.instance, text, bytea, interval, integer) IS
  'The transaction of these keys, made when there is none. The first of an instance starts its time to readiness '
  '(null: not known), and the wallet is owed word when it is over. Beyond p_most it takes the place of the oldest.';

CREATE OR REPLACE FUNCTION s2s.fetch_spend(i s2s.instance, p_transaction_id text, p_keys_digest bytea)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_spent text[];
BEGIN
  IF p_transaction_id IS NOT NULL THEN
    PERFORM FROM s2s.fetch AS f WHERE f.transaction_id = p_transaction_id AND f.instance_id = i.instance_id;
    IF NOT FOUND THEN
      RETURN false;
    END IF;
  END IF;

  v_spent := ARRAY(
    SELECT f.transaction_id
    FROM s2s.fetch AS f
    WHERE f.instance_id = i.instance_id
      AND (f.transaction_id = p_transaction_id OR f.keys_digest IS NOT DISTINCT FROM p_keys_digest));
  IF v_spent <> '{}' THEN
    PERFORM s2s.fetches_end(v_spent);
    UPDATE s2s.instance AS u SET version = u.version + 1 WHERE u.instance_id = i.instance_id;
  END IF;
  RETURN true;
END
$$;
COMMENT ON FUNCTION s2s.fetch_spend(s2s.instance, text, bytea) IS
  'Spends the transaction, if one is given, and the one of the same keys, if there is one. False: it is spent already.';
