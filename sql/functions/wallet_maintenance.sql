-- SPDX-License-Identifier: Apache-2.0
--
-- What the wallet role does not keep for good; and what a change of the configuration asks for.
--
--   s2s.wallet_maintain(p_fetch_retention interval, p_poll_first interval DEFAULT NULL,
--                       p_poll_longest interval DEFAULT NULL) -> int: how many fetches were forgotten
--   s2s.wallet_poll_again(p_poll_first interval, p_poll_longest interval)

DROP FUNCTION IF EXISTS s2s.wallet_maintain(interval);

CREATE OR REPLACE FUNCTION s2s.wallet_poll_again(p_poll_first interval, p_poll_longest interval)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  w s2s.wallet_session;
BEGIN
  FOR w IN
    SELECT t.*
    FROM s2s.wallet_session AS t
    WHERE NOT t.polled AND t.status IN ('PENDING', 'ADDITIONAL_INFO_REQUIRED', 'REJECTED')
    ORDER BY t.created_at
    LIMIT 1000
    FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    w.polled := true;
    w := s2s.wallet_session_write(w);
    -- Not all at once.
    PERFORM s2s.wallet_poll(w, clock_timestamp() + p_poll_first + random() * p_poll_longest);
  END LOOP;

  -- ARRAY, here and below: see "Plans made on empty tables" in sql/README.md.
  WITH forgotten AS MATERIALIZED (
    SELECT d.delivery_id
    FROM s2s.lane AS l
    CROSS JOIN LATERAL (
      SELECT t.delivery_id
      FROM s2s.delivery AS t
      WHERE t.peer = l.peer AND t.next_at >= 'infinity' AND t.endpoint = '/credential/get' AND t.side = 'WALLET'
      ORDER BY t.next_at
      LIMIT 1000
      FOR UPDATE SKIP LOCKED) AS d
    LIMIT 1000
  )
  UPDATE s2s.delivery AS u
  SET next_at = clock_timestamp(), owed_at = clock_timestamp()
  WHERE u.delivery_id = ANY (ARRAY(SELECT f.delivery_id FROM forgotten AS f));
END
$$;
COMMENT ON FUNCTION s2s.wallet_poll_again(interval, interval) IS
  'Asks about issuances and fetches that were left to the notices of their issuers while nobody was polled.';

CREATE OR REPLACE FUNCTION s2s.wallet_maintain(
  p_fetch_retention interval, p_poll_first interval DEFAULT NULL, p_poll_longest interval DEFAULT NULL)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_forgotten integer;
BEGIN
  IF p_poll_first IS NOT NULL THEN
    PERFORM s2s.wallet_poll_again(p_poll_first, p_poll_longest);
  END IF;
  WITH old AS MATERIALIZED (
    SELECT f.fetch_id
    FROM s2s.wallet_fetch AS f
    WHERE f.state <> 'WAITING' AND f.updated_at < clock_timestamp() - p_fetch_retention
    ORDER BY f.updated_at
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
  )
  DELETE FROM s2s.wallet_fetch AS f WHERE f.fetch_id = ANY (ARRAY(SELECT old.fetch_id FROM old));
  GET DIAGNOSTICS v_forgotten = ROW_COUNT;
  RETURN v_forgotten;
END
$$;
COMMENT ON FUNCTION s2s.wallet_maintain(interval, interval, interval) IS
  'Forgets fetches that were settled so long ago, at most 1,000 a call: to be called every second. p_poll_first and '
  'p_poll_longest: as s2s.delivery_done(); what is not polled is polled from now on, unless they are null.';
