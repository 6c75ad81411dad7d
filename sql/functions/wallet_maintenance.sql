-- SPDX-License-Identifier: Apache-2.0
--
-- What the wallet role does not keep for good.
--
--   s2s.wallet_maintain(p_fetch_retention interval) -> int: how many fetches were forgotten

CREATE OR REPLACE FUNCTION s2s.wallet_maintain(p_fetch_retention interval) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_forgotten integer;
BEGIN
  WITH old AS MATERIALIZED (
    SELECT f.fetch_id
    FROM s2s.wallet_fetch AS f
    WHERE f.state <> 'WAITING' AND f.updated_at < clock_timestamp() - p_fetch_retention
    ORDER BY f.updated_at
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
  )
  DELETE FROM s2s.wallet_fetch AS f USING old WHERE f.fetch_id = old.fetch_id;
  GET DIAGNOSTICS v_forgotten = ROW_COUNT;
  RETURN v_forgotten;
END
$$;
COMMENT ON FUNCTION s2s.wallet_maintain(interval) IS
  'Forgets fetches that were settled so long ago, at most 1,000 a call: to be called until there are fewer.';
