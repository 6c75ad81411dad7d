-- SPDX-License-Identifier: Apache-2.0
--
-- The partitions of the tables that only grow: one per UTC day, made ahead, dropped as a whole.
--
--   s2s.partitioned() -> setof (parent text, time_column text, unique_key text)
--   s2s.partition_name(p_parent text, p_day date)     -> text
--   s2s.partition_make(p_parent text, p_day date)     -> boolean: made
--   s2s.partitions_ahead(p_parent text)               -> int: how many were made
--   s2s.partitions_drop(p_parent text, p_oldest timestamptz) -> int: how many were dropped
--   s2s.maintain(p_retention interval)                -> int: how many were made or dropped

DROP FUNCTION IF EXISTS s2s.answer_partition_make(date);
DROP FUNCTION IF EXISTS s2s.answer_partition_name(date);
DROP FUNCTION IF EXISTS s2s.answer_partitions_ahead();

CREATE OR REPLACE FUNCTION s2s.partitioned(OUT parent text, OUT time_column text, OUT unique_key text)
RETURNS SETOF record LANGUAGE sql IMMUTABLE AS $$
  VALUES ('answer', 'created_at', 'request_id, peer'),
         ('ledger', 'at', NULL)
$$;
COMMENT ON FUNCTION s2s.partitioned() IS
  'The partitioned tables; unique_key is of each partition. All have a _default one.';

CREATE OR REPLACE FUNCTION s2s.partition_name(p_parent text, p_day date) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT p_parent || '_' || to_char(p_day, 'YYYYMMDD')
$$;

CREATE OR REPLACE FUNCTION s2s.partition_make(p_parent text, p_day date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  p record;
  v_name text := s2s.partition_name(p_parent, p_day);
  v_from timestamptz := p_day::timestamp AT TIME ZONE 'UTC';
  v_to timestamptz := (p_day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
  IF to_regclass('s2s.' || v_name) IS NOT NULL THEN
    RETURN false;
  END IF;
  SELECT t.* INTO STRICT p FROM s2s.partitioned() AS t WHERE t.parent = p_parent;

  -- The default partition, which every look-up visits, must be locked to add one beside it. Locking the parent, which
  -- locks all, takes the locks in the order in which look-ups take them: no deadlock.
  EXECUTE format('LOCK TABLE s2s.%I IN ACCESS EXCLUSIVE MODE', p_parent);

  -- Rows are only ever inserted, so autovacuum need not visit them for that; it still analyzes.
  EXECUTE format('CREATE TABLE s2s.%I (LIKE s2s.%I INCLUDING STORAGE) WITH (autovacuum_vacuum_insert_threshold = -1)',
                 v_name, p_parent);
  IF p.unique_key IS NOT NULL THEN
    EXECUTE format('CREATE UNIQUE INDEX %I ON s2s.%I (%s)', v_name || '_request', v_name, p.unique_key);
  END IF;

  -- Rows of that day which the default partition caught would forbid the new one: they move in.
  EXECUTE format(
    'WITH caught AS (DELETE FROM s2s.%1$I WHERE %2$I >= %3$L AND %2$I < %4$L RETURNING *)
     INSERT INTO s2s.%5$I SELECT * FROM caught', p_parent || '_default', p.time_column, v_from, v_to, v_name);
  EXECUTE format('ALTER TABLE s2s.%I ATTACH PARTITION s2s.%I FOR VALUES FROM (%L) TO (%L)',
                 p_parent, v_name, v_from, v_to);
  RETURN true;
END
$$;
COMMENT ON FUNCTION s2s.partition_make(text, date) IS 'Makes the partition of a day, unless it is there.';

CREATE OR REPLACE FUNCTION s2s.partitions_ahead(p_parent text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
  v_days date[];
  v_day date;
  v_made integer := 0;
BEGIN
  -- Listed first and made afterwards: a table cannot be altered while a query reads it.
  EXECUTE (
    SELECT format('SELECT array_agg(day)
                   FROM (SELECT $1 + ahead AS day FROM generate_series(0, 3) AS ahead
                         UNION
                         SELECT (%I AT TIME ZONE ''UTC'')::date FROM s2s.%I) AS days',
                  p.time_column, p_parent || '_default')
    FROM s2s.partitioned() AS p
    WHERE p.parent = p_parent)
  INTO v_days USING v_today;
  FOREACH v_day IN ARRAY v_days LOOP
    v_made := v_made + s2s.partition_make(p_parent, v_day)::integer;
  END LOOP;
  RETURN v_made;
END
$$;
COMMENT ON FUNCTION s2s.partitions_ahead(text) IS
  'Makes the partitions of today and the three days after, and of every day that the default partition has caught.';

CREATE OR REPLACE FUNCTION s2s.partitions_drop(p_parent text, p_oldest timestamptz) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  v_name name;
  v_dropped integer := 0;
BEGIN
  FOR v_name IN
    SELECT c.relname
    FROM pg_inherits AS i
    JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass('s2s.' || p_parent)
      -- The names sort by day, and '…_default' behind them all.
      AND c.relname < s2s.partition_name(p_parent, (p_oldest AT TIME ZONE 'UTC')::date)
  LOOP
    EXECUTE format('DROP TABLE s2s.%I', v_name);
    v_dropped := v_dropped + 1;
  END LOOP;
  RETURN v_dropped;
END
$$;
COMMENT ON FUNCTION s2s.partitions_drop(text, timestamptz) IS 'Drops the partitions that are wholly older.';

CREATE OR REPLACE FUNCTION s2s.maintain(p_retention interval) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  p record;
  v_oldest timestamptz := clock_timestamp() - p_retention;
  v_changed integer := 0;
BEGIN
  -- Every gateway calls this; one at a time does it.
  IF NOT pg_try_advisory_xact_lock(hashtextextended('s2s.maintain', 0)) THEN
    RETURN 0;
  END IF;

  -- One table a transaction: batches use several, in any order, and would deadlock with whoever locks two.
  FOR p IN SELECT t.* FROM s2s.partitioned() AS t LOOP
    EXIT WHEN v_changed > 0;
    EXECUTE format('DELETE FROM s2s.%I WHERE %I < %L', p.parent || '_default', p.time_column, v_oldest);
    v_changed := s2s.partitions_ahead(p.parent) + s2s.partitions_drop(p.parent, v_oldest);
  END LOOP;
  RETURN v_changed;
END
$$;
COMMENT ON FUNCTION s2s.maintain(interval) IS
  'Makes partitions ahead and drops those wholly older than the retention, of one table a call. To be called every hour '
  'or so, with a lock_timeout: it waits for running requests, and new ones wait for it.';

-- A fresh database must not put its first rows into the default partitions.
DO $$ BEGIN PERFORM s2s.partitions_ahead(p.parent) FROM s2s.partitioned() AS p; END $$;
