-- SPDX-License-Identifier: Apache-2.0
--
-- Gets that wait for a credential (D9). Both functions take a locked instance: its lock guards its fetches too, and its
-- version tells the gateway that they changed.
--
--   s2s.fetch_open(i s2s.instance, p_keys text, p_keys_digest bytea, p_ready_after interval)
--       -> text: the transaction_id
--   s2s.fetch_event_ref(p_transaction_id text) -> text
--   s2s.fetch_owe_ready(i s2s.instance, p_transaction_id text, p_at timestamptz)
--   s2s.fetch_spend(i s2s.instance, p_transaction_id text, p_keys_digest bytea) -> boolean

DROP FUNCTION IF EXISTS s2s.fetch_open(s2s.instance, text, bytea, text, interval);

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

CREATE OR REPLACE FUNCTION s2s.fetch_open(
  i s2s.instance, p_keys text, p_keys_digest bytea, p_ready_after interval)
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
  RETURN v_new_id;
END
$$;
COMMENT ON FUNCTION s2s.fetch_open(s2s.instance, text, bytea, interval) IS
  'The transaction of these keys, made when there is none. The first of an instance starts its time to readiness '
  '(null: not known), and the wallet is owed word when it is over.';

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

  WITH spent AS (
    DELETE FROM s2s.fetch AS f
    WHERE f.instance_id = i.instance_id
      AND (f.transaction_id = p_transaction_id OR f.keys_digest IS NOT DISTINCT FROM p_keys_digest)
    RETURNING f.transaction_id
  )
  SELECT array_agg(s.transaction_id) INTO v_spent FROM spent AS s;
  IF v_spent IS NOT NULL THEN
    UPDATE s2s.instance AS u SET version = u.version + 1 WHERE u.instance_id = i.instance_id;
    PERFORM s2s.delivery_withdraw('/event/notify', s2s.fetch_event_ref(t.id)) FROM unnest(v_spent) AS t (id);
  END IF;
  RETURN true;
END
$$;
COMMENT ON FUNCTION s2s.fetch_spend(s2s.instance, text, bytea) IS
  'Spends the transaction, if one is given, and the one of the same keys, if there is one. False: it is spent already.';
