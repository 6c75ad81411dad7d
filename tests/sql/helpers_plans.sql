-- SPDX-License-Identifier: Apache-2.0
--
-- What a call costs in blocks, and ways to make the tables large behind the planner's back.

-- Blocks of tables and indexes, not rows: an index that is read from its beginning to its end gives back few of these.
CREATE FUNCTION test.blocks_read() RETURNS bigint LANGUAGE sql AS $$
  SELECT sum(pg_stat_get_xact_blocks_fetched(c.oid))::bigint
  FROM pg_class AS c
  WHERE c.relnamespace = 's2s'::regnamespace AND c.relkind IN ('r', 'i')
$$;

-- What the calls of each round told and cost; of several calls with one name, the one that cost most.
CREATE TABLE test.taken (
  round integer, what text, told text, blocks bigint, n integer GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (round, what));

CREATE FUNCTION test.takes(p_what text, p_call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_before bigint := test.blocks_read();
  v_told text;
BEGIN
  EXECUTE 'SELECT ' || p_call INTO v_told;
  INSERT INTO test.taken AS t (round, what, told, blocks)
  VALUES (current_setting('test.round')::integer, p_what, v_told, test.blocks_read() - v_before)
  ON CONFLICT (round, what) DO UPDATE SET blocks = greatest(t.blocks, excluded.blocks);
  RETURN v_told;
END
$$;

-- An endpoint, with its first parameters; and what is answered.
CREATE FUNCTION test.calls(p_function text, p_peer text, p_more text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  v_answer text;
BEGIN
  PERFORM test.takes(p_function, format('r.status FROM s2s.%I(%L, %L, ''/v1'', ''\x01'', %L, %s) AS r', p_function, p_peer,
                                        gen_random_uuid(), gen_random_uuid(), p_more));
  SELECT a.body INTO v_answer FROM s2s.answer AS a ORDER BY a.created_at DESC LIMIT 1;
  RETURN v_answer;
END
$$;

-- A GET of either API.
CREATE FUNCTION test.shows(p_function text, p_input json) RETURNS text LANGUAGE sql AS $$
  SELECT test.takes(p_function || ' ' || coalesce((SELECT string_agg(k, ' ') FROM json_object_keys(p_input) AS k), ''),
                    format('r.status FROM s2s.%I(test.lease(), %L) AS r', p_function, p_input))
$$;

-- Every table has at least so many rows, all alike but for what identifies them. Nothing of it is due.
CREATE FUNCTION test.multiply(p_rows integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  t record;
  v_rows bigint;
BEGIN
  FOR t IN
    SELECT c.relname,
           string_agg(quote_ident(a.attname), ', ') AS columns,
           string_agg(CASE
             WHEN a.atttypid = 'text'::regtype AND a.attname ~ '_id$|^ref$|^jti$|^used_by$' AND a.attname <> 'configuration_id'
               THEN format('x.%I || ''~'' || n', a.attname)
             WHEN a.attname = 'request_id' THEN 'gen_random_uuid()'
             WHEN a.attname IN ('job_id', 'delivery_id') THEN format('x.%I + 1000000::bigint * n', a.attname)
             WHEN a.attname IN ('code_hash', 'reference_hash')
               THEN format('sha256(x.%I || convert_to(n::text, ''UTF8''))', a.attname)
             WHEN a.attname = 'next_at' THEN format('x.%I + ''1 day''', a.attname)
             WHEN a.attname IN ('created_at', 'at') THEN format('x.%I - n * interval ''1 ms''', a.attname)
             ELSE format('x.%I', a.attname)
           END, ', ') AS copies
    FROM pg_class AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'finding_id'
    WHERE c.relnamespace = 's2s'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      -- Of these there are few.
      AND c.relname NOT IN ('lane', 'audit', 'audit_head', 'bulk', 'issuer_metadata', 'reconciliation',
                            'reconciliation_check')
    GROUP BY c.relname
  LOOP
    EXECUTE format('SELECT count(*) FROM s2s.%I', t.relname) INTO v_rows;
    IF v_rows > 0 THEN
      EXECUTE format('INSERT INTO s2s.%I (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM s2s.%I AS x, generate_series(1, %s) AS n',
                     t.relname, t.columns, t.copies, t.relname, p_rows / v_rows + 1);
    END IF;
  END LOOP;
  UPDATE s2s.job SET next_at = next_at + interval '1 day' WHERE next_at < clock_timestamp() + interval '1 hour';
  UPDATE s2s.delivery SET next_at = next_at + interval '1 day' WHERE next_at < clock_timestamp() + interval '1 hour';
END
$$;
