-- SPDX-License-Identifier: Apache-2.0
--
-- Short ways to call what stands behind the operators' API. test.ask() of helpers_app.sql does for its GETs.

CREATE FUNCTION test.admin(
  p_function text, p_input json, p_more text DEFAULT '', p_role text DEFAULT 'operate', p_who text DEFAULT 'admin:alice',
  p_request uuid DEFAULT gen_random_uuid(), p_token uuid DEFAULT gen_random_uuid())
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  r s2s.reply;
BEGIN
  EXECUTE format('SELECT * FROM s2s.%I(%L, %L, ''/v1'', ''\x01'', %L, %L::json, %L%s)',
                 p_function, p_who, p_request, p_token, p_input, p_role, p_more)
  INTO r;
  RETURN r;
END
$$;

-- A reviewer's decision; with the version that he has read, or the present one.
CREATE FUNCTION test.review(
  p_session text, p_status text, p_version bigint DEFAULT NULL, p_who text DEFAULT 'admin:alice',
  p_configurations text[] DEFAULT '{badge}', p_devices integer DEFAULT NULL, p_reason text DEFAULT 'DOCUMENT_UNREADABLE',
  p_request uuid DEFAULT gen_random_uuid())
RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT test.admin(
    'admin_decide',
    json_build_object('verificationId', v.verification_id, 'body', json_build_object(
      'version', coalesce(p_version, v.version),
      'decision', json_strip_nulls(json_build_object(
        'status', p_status,
        'reasonCode', CASE WHEN p_status IN ('REJECTED', 'DENIED') THEN p_reason END,
        'deniedMessage', CASE WHEN p_status = 'DENIED' THEN 'No.' END,
        'authorizedDeviceCount', p_devices,
        'verificationDataRequest', CASE WHEN p_status = 'ADDITIONAL_INFO_REQUIRED' THEN
          '{"verificationDataItems": [{"id": "otp-1"}]}'::json END)))),
    CASE WHEN p_status = 'APPROVED'
      THEN format(', %L, %L', p_configurations, ARRAY(SELECT 'subject-' || c FROM unnest(p_configurations) AS c))
      ELSE ', NULL, NULL' END,
    'review', p_who, p_request)
  FROM test.verification(p_session) AS v
$$;

CREATE FUNCTION test.operate(p_session text, p_action text, p_request uuid DEFAULT gen_random_uuid())
RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT test.admin('admin_instance_action', json_build_object(
    'credentialInstanceId', (test.instance(p_session)).instance_id,
    'body', json_build_object('action', p_action, 'reason', 'BY_OPERATOR')), p_request => p_request)
$$;

-- Runs: the one that was started last.
CREATE FUNCTION test.bulk_start(p_action text, p_filter json, p_request uuid DEFAULT gen_random_uuid())
RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT test.admin('admin_bulk_start', json_build_object('body', json_build_object(
    'action', p_action, 'filter', p_filter, 'reason', 'RECALL')), p_request => p_request)
$$;

CREATE FUNCTION test.bulk() RETURNS s2s.bulk LANGUAGE sql AS $$
  SELECT b FROM s2s.bulk AS b ORDER BY b.started_at DESC LIMIT 1
$$;

CREATE FUNCTION test.bulk_claim(p_lease integer DEFAULT 1, p_lease_for interval DEFAULT '1 minute') RETURNS bigint
LANGUAGE sql AS $$
  SELECT count(*) FROM s2s.bulk_claim(test.lease(p_lease), 10, p_lease_for, 9)
$$;

CREATE FUNCTION test.bulk_step(p_lease integer DEFAULT 1, p_limit integer DEFAULT 2) RETURNS text LANGUAGE sql AS $$
  SELECT s2s.bulk_step(j.job_id, test.lease(p_lease), p_limit) FROM s2s.job AS j WHERE j.ref = (test.bulk()).bulk_id
$$;

-- Claims and steps until the run is over; how it went.
CREATE FUNCTION test.bulk_run(p_limit integer DEFAULT 2) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_told text[] := '{}';
BEGIN
  WHILE (test.bulk()).finished_at IS NULL LOOP
    PERFORM test.bulk_claim();
    v_told := v_told || test.bulk_step(p_limit => p_limit);
  END LOOP;
  RETURN array_to_string(v_told, ' ');
END
$$;

-- The audit ledger, oldest first: "who action outcome-or-status".
CREATE FUNCTION test.audited(p_ref text DEFAULT NULL) RETURNS text[] LANGUAGE sql AS $$
  SELECT coalesce(array_agg(concat_ws(' ', a.who, a.action, coalesce(a.detail ->> 'outcome', a.detail ->> 'status'))
                            ORDER BY a.seq), '{}')
  FROM s2s.audit AS a
  WHERE p_ref IS NULL OR a.ref = p_ref
$$;

-- A list, page by page: the members of that name of its rows, "a b | c".
CREATE FUNCTION test.pages(p_function text, p_list text, p_member text, p_query jsonb DEFAULT '{}') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_pages text[] := '{}';
  v_body jsonb;
BEGIN
  LOOP
    v_body := test.body(test.ask(p_function, p_query::json));
    v_pages := v_pages || coalesce((SELECT string_agg(i.item ->> p_member, ' ' ORDER BY i.n)
                                    FROM jsonb_array_elements(v_body -> p_list) WITH ORDINALITY AS i (item, n)), '-');
    EXIT WHEN v_body ->> 'nextCursor' IS NULL;
    p_query := p_query || jsonb_build_object('cursor', v_body ->> 'nextCursor');
  END LOOP;
  RETURN array_to_string(v_pages, ' | ');
END
$$;

-- How many rows a query looks at: none may be found by reading a table that grows.
CREATE FUNCTION test.rows_read() RETURNS bigint LANGUAGE sql AS $$
  SELECT sum(coalesce(t.idx_tup_fetch, 0) + coalesce(t.seq_tup_read, 0))::bigint
  FROM pg_stat_xact_user_tables AS t
  WHERE t.schemaname = 's2s'
$$;

CREATE FUNCTION test.cost(p_function text, p_query json) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_before bigint := test.rows_read();
BEGIN
  PERFORM test.ask(p_function, p_query);
  RETURN test.rows_read() - v_before;
END
$$;
