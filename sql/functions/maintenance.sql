-- SPDX-License-Identifier: Apache-2.0
--
-- The partitions of s2s.answer: one per UTC day, made ahead, dropped as a whole.
--
--   s2s.answer_partition_name(p_day date)     -> text
--   s2s.answer_partition_make(p_day date)     -> boolean: made
--   s2s.answer_partitions_ahead()             -> int: how many were made
--   s2s.maintain(p_retention interval)        -> int: how many were made or dropped

CREATE OR REPLACE FUNCTION s2s.answer_partition_name(p_day date) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT 'answer_' || to_char(p_day, 'YYYYMMDD')
$$;

CREATE OR REPLACE FUNCTION s2s.answer_partition_make(p_day date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_name text := s2s.answer_partition_name(p_day);
  v_from timestamptz := p_day::timestamp AT TIME ZONE 'UTC';
  v_to timestamptz := (p_day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
  IF to_regclass('s2s.' || v_name) IS NOT NULL THEN
    RETURN false;
  END IF;

  -- The default partition, which every look-up visits, must be locked to add one beside it. Locking the parent, which
  -- locks all, takes the locks in the order in which look-ups take them: no deadlock.
  LOCK TABLE s2s.answer IN ACCESS EXCLUSIVE MODE;

  -- Rows are only ever inserted, so autovacuum need not visit them for that; it still analyzes.
  EXECUTE format(
    'CREATE TABLE s2s.%I (LIKE s2s.answer INCLUDING STORAGE) WITH (autovacuum_vacuum_insert_threshold = -1)', v_name);
  EXECUTE format('CREATE UNIQUE INDEX %I ON s2s.%I (request_id, peer)', v_name || '_request', v_name);

  -- Answers of that day which the default partition caught would forbid the new one: they move in.
  EXECUTE format(
    'WITH caught AS (DELETE FROM s2s.answer_default WHERE created_at >= %L AND created_at < %L RETURNING *)
     INSERT INTO s2s.%I SELECT * FROM caught', v_from, v_to, v_name);
  EXECUTE format('ALTER TABLE s2s.answer ATTACH PARTITION s2s.%I FOR VALUES FROM (%L) TO (%L)', v_name, v_from, v_to);
  RETURN true;
END
$$;
COMMENT ON FUNCTION s2s.answer_partition_make(date) IS 'Makes the partition of a day, unless it is there.';

CREATE OR REPLACE FUNCTION s2s.answer_partitions_ahead() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
  v_day date;
  v_made integer := 0;
BEGIN
  -- Listed first and made afterwards: a table cannot be altered while a query reads it.
  FOREACH v_day IN ARRAY ARRAY(
    SELECT v_today + ahead FROM generate_series(0, 3) AS ahead
    UNION
    SELECT (a.created_at AT TIME ZONE 'UTC')::date FROM s2s.answer_default AS a)
  LOOP
    v_made := v_made + s2s.answer_partition_make(v_day)::integer;
  END LOOP;
  RETURN v_made;
END
$$;
COMMENT ON FUNCTION s2s.answer_partitions_ahead() IS
  'Makes the partitions of today and the three days after, and of every day that the default partition has caught.';

CREATE OR REPLACE FUNCTION s2s.maintain(p_retention interval) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_oldest timestamptz := clock_timestamp() - p_retention;
  v_changed integer;
  v_name name;
BEGIN
  -- Every gateway calls this; one at a time does it.
  IF NOT pg_try_advisory_xact_lock(hashtextextended('s2s.maintain', 0)) THEN
    RETURN 0;
  END IF;

  DELETE FROM s2s.answer_default WHERE created_at < v_oldest;
  v_changed := s2s.answer_partitions_ahead();

  FOR v_name IN
    SELECT c.relname
    FROM pg_inherits AS i
    JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 's2s.answer'::regclass
      -- The names sort by day, and 'answer_default' behind them all.
      AND c.relname < s2s.answer_partition_name((v_oldest AT TIME ZONE 'UTC')::date)
  LOOP
    EXECUTE format('DROP TABLE s2s.%I', v_name);
    v_changed := v_changed + 1;
  END LOOP;
  RETURN v_changed;
END
$$;
COMMENT ON FUNCTION s2s.maintain(interval) IS
  'Makes partitions ahead and drops those wholly older than the retention. To be called every hour or so, with a '
  'lock_timeout: it waits for running requests, and new ones wait for it.';

-- A fresh database must not put its first answers into the default partition.
DO $$ BEGIN PERFORM s2s.answer_partitions_ahead(); END $$;
