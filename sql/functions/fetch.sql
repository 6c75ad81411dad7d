-- SPDX-License-Identifier: Apache-2.0
--
-- Gets that wait for a credential (D9). Both functions take a locked instance: its lock guards its fetches too, and its
-- version tells the gateway that they changed.
--
--   s2s.fetch_open(i s2s.instance, p_keys text, p_keys_digest bytea, p_wek_thumbprint text, p_ready_after interval)
--       -> text: the transaction_id
--   s2s.fetch_spend(i s2s.instance, p_transaction_id text, p_keys_digest bytea) -> boolean

CREATE OR REPLACE FUNCTION s2s.fetch_open(
  i s2s.instance, p_keys text, p_keys_digest bytea, p_wek_thumbprint text, p_ready_after interval)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_new_id text := gen_random_uuid();
  v_transaction_id text;
BEGIN
  INSERT INTO s2s.fetch AS f (created_at, transaction_id, instance_id, keys_digest, wek_thumbprint, keys)
  VALUES (v_now, v_new_id, i.instance_id, p_keys_digest, p_wek_thumbprint, p_keys)
  ON CONFLICT (instance_id, keys_digest) DO UPDATE
    SET wek_thumbprint = coalesce(excluded.wek_thumbprint, f.wek_thumbprint)
  RETURNING f.transaction_id INTO v_transaction_id;

  IF v_transaction_id = v_new_id OR i.ready_at IS NULL THEN
    UPDATE s2s.instance AS u
    SET ready_at = coalesce(u.ready_at, v_now + p_ready_after), version = u.version + 1
    WHERE u.instance_id = i.instance_id;
  END IF;
  RETURN v_transaction_id;
END
$$;
COMMENT ON FUNCTION s2s.fetch_open(s2s.instance, text, bytea, text, interval) IS
  'The transaction of these keys, made when there is none. The first of an instance starts its time to readiness.';

CREATE OR REPLACE FUNCTION s2s.fetch_spend(i s2s.instance, p_transaction_id text, p_keys_digest bytea)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF p_transaction_id IS NOT NULL THEN
    PERFORM FROM s2s.fetch AS f WHERE f.transaction_id = p_transaction_id AND f.instance_id = i.instance_id;
    IF NOT FOUND THEN
      RETURN false;
    END IF;
  END IF;

  DELETE FROM s2s.fetch AS f
  WHERE f.instance_id = i.instance_id
    AND (f.transaction_id = p_transaction_id OR f.keys_digest IS NOT DISTINCT FROM p_keys_digest);
  IF FOUND THEN
    UPDATE s2s.instance AS u SET version = u.version + 1 WHERE u.instance_id = i.instance_id;
  END IF;
  RETURN true;
END
$$;
COMMENT ON FUNCTION s2s.fetch_spend(s2s.instance, text, bytea) IS
  'Spends the transaction, if one is given, and the one of the same keys, if there is one. False: it is spent already.';
