-- SPDX-License-Identifier: Apache-2.0
--
-- What the functions behind the operators' API share. They are as those of the application API (app.sql), with one
-- thing more: whatever an operator changes, or is shown of personal data, is written to the audit ledger in the
-- transaction that does it.
--
--   POST, PUT: (p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json,
--              p_role text, …)
--              p_peer is "admin:" and the name of the token, p_role that token's.
--   GET:       (p_token uuid, p_input json)
--
-- Of personal data p_input has none: subjects are pseudonyms, what is kept of people is sealed, by the gateway.
--
-- Locks: the audit ledger last of all. So these calls have a transaction of their own each, and no batch.
--
--   s2s.audit_hash(a s2s.audit)                                                              -> bytea
--   s2s.audit_add(p_who text, p_role text, p_request_id uuid, p_action text, p_ref text, p_detail json DEFAULT '{}')
--   s2s.audit_by(x s2s.exchange, p_role text, p_action text, p_ref text, p_detail json DEFAULT '{}')
--   s2s.admin_violation(x s2s.exchange, p_pointer text, p_message text)                      -> s2s.reply
--   s2s.parsed_time(p_text text)                                                             -> timestamptz, null: none
--   s2s.admin_bounds()                  -> (looked_at int, redriven int, shown int, failures int, counted int)
--   s2s.admin_page(p_member text, p_limit int, p_items json[], p_cursors text[], p_is_sifted boolean DEFAULT false)
--                                                                                            -> s2s.reply
--   s2s.admin_walk(p_limit int, p_is_sifted boolean DEFAULT false)                           -> int
--   s2s.cursor_number(p_cursor text) -> (is_valid boolean, at timestamptz, n bigint)

CREATE OR REPLACE FUNCTION s2s.admin_bounds(
  OUT looked_at integer, OUT redriven integer, OUT shown integer, OUT failures integer, OUT counted integer)
LANGUAGE sql IMMUTABLE AS $$
  SELECT 500, 500, 100, 100, 1000
$$;
COMMENT ON FUNCTION s2s.admin_bounds() IS
  'Rows that a page looks at for those that match; dead letters that are sent again at once; verifications and '
  'instances that a session shows; failures that an act on many instances keeps; rows that statistics count up to.';

-- ---- the audit ledger ----

CREATE OR REPLACE FUNCTION s2s.audit_hash(a s2s.audit) RETURNS bytea LANGUAGE sql STABLE AS $$
  -- Microseconds, PostgreSQL's own precision: the same in every time zone.
  SELECT sha256(a.previous_hash || convert_to(json_build_array(
    a.seq, (extract(epoch FROM a.at) * 1000000)::bigint, a.who, a.role, a.action, a.ref, a.request_id, a.detail)::text,
    'UTF8'))
$$;
COMMENT ON FUNCTION s2s.audit_hash(s2s.audit) IS
  'SHA-256 of the hash of the row before, and of the row as the JSON array [seq, microseconds since 1970, who, role, '
  'action, ref, request id, detail].';

CREATE OR REPLACE FUNCTION s2s.audit_add(
  p_who text, p_role text, p_request_id uuid, p_action text, p_ref text, p_detail json DEFAULT '{}')
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  h s2s.audit_head;
  a s2s.audit;
BEGIN
  SELECT t.* INTO STRICT h FROM s2s.audit_head AS t FOR UPDATE;
  a.at := clock_timestamp();
  a.seq := h.seq + 1;
  a.request_id := p_request_id;
  a.who := p_who;
  a.role := p_role;
  a.action := p_action;
  a.ref := p_ref;
  a.detail := p_detail;
  a.previous_hash := h.hash;
  a.hash := s2s.audit_hash(a);
  INSERT INTO s2s.audit VALUES (a.*);
  UPDATE s2s.audit_head AS u SET seq = a.seq, hash = a.hash;
END
$$;
COMMENT ON FUNCTION s2s.audit_add(text, text, uuid, text, text, json) IS
  'Writes down what an operator did. One after the other: nothing may be locked after this.';

CREATE OR REPLACE FUNCTION s2s.audit_by(
  x s2s.exchange, p_role text, p_action text, p_ref text, p_detail json DEFAULT '{}')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM s2s.audit_add(x.peer, p_role, x.request_id, p_action, p_ref, p_detail);
END
$$;
COMMENT ON FUNCTION s2s.audit_by(s2s.exchange, text, text, text, json) IS 'The same, of a request.';

-- ---- what comes in ----

CREATE OR REPLACE FUNCTION s2s.admin_violation(x s2s.exchange, p_pointer text, p_message text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
BEGIN
  RETURN s2s.store(x, 400, s2s.problem(
    'validation', x.token,
    p_violations => json_build_array(json_build_object('pointer', p_pointer, 'message', p_message))));
END
$$;
COMMENT ON FUNCTION s2s.admin_violation(s2s.exchange, text, text) IS
  'Refuses a claimed request for what only the database could find out about its body.';

CREATE OR REPLACE FUNCTION s2s.parsed_time(p_text text) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- Also what PostgreSQL would understand beside RFC 3339, such as "tomorrow", is none.
  RETURN CASE WHEN p_text ~ '^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d' THEN p_text::timestamptz END;
EXCEPTION WHEN data_exception THEN
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION s2s.parsed_time(text) IS 'A time as somebody wrote it (RFC 3339); null when it is none.';

-- ---- lists ----
--
-- As those of the application API. A filter that no index serves is looked for among so many rows a page: then a page
-- may be short, or empty, and still have a next one.

CREATE OR REPLACE FUNCTION s2s.admin_walk(p_limit integer, p_is_sifted boolean DEFAULT false)
RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN CASE WHEN p_is_sifted THEN greatest(p_limit, (s2s.admin_bounds()).looked_at) ELSE p_limit END + 1;
END
$$;
COMMENT ON FUNCTION s2s.admin_walk(integer, boolean) IS
  'How many rows to walk for a page; p_is_sifted: not all of them will match. One more than is looked at, which tells '
  'whether there is a next page.';

CREATE OR REPLACE FUNCTION s2s.admin_page(
  p_member text, p_limit integer, p_items json[], p_cursors text[], p_is_sifted boolean DEFAULT false)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_walked integer := coalesce(cardinality(p_items), 0);
  v_last integer;
  v_shown json;
BEGIN
  -- The row that fills the page is its last one, if others match after it; else the last that was looked at.
  SELECT min(m.position) FILTER (WHERE m.nth = p_limit) INTO v_last
  FROM (SELECT t.position, row_number() OVER (ORDER BY t.position) AS nth
        FROM unnest(p_items) WITH ORDINALITY AS t (item, position)
        WHERE t.item IS NOT NULL) AS m
  HAVING max(m.nth) > p_limit;
  v_last := coalesce(v_last, least(v_walked, s2s.admin_walk(p_limit, p_is_sifted) - 1));

  SELECT json_agg(m.item ORDER BY m.position) INTO v_shown
  FROM unnest(p_items[:v_last]) WITH ORDINALITY AS m (item, position)
  WHERE m.item IS NOT NULL;
  RETURN s2s.app_page(p_member, v_shown, CASE WHEN v_walked > v_last THEN p_cursors[v_last] END);
END
$$;
COMMENT ON FUNCTION s2s.admin_page(text, integer, json[], text[], boolean) IS
  'Answers with one page, of the rows that were walked: in their order, null where one did not match, with its cursor.';

CREATE OR REPLACE FUNCTION s2s.cursor_number(
  p_cursor text, OUT is_valid boolean, OUT at timestamptz, OUT n bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  c record := s2s.cursor_read(p_cursor);
BEGIN
  at := c.before_at;
  n := CASE WHEN p_cursor IS NULL THEN 9223372036854775807 WHEN c.before_id ~ '^\d{1,18}$' THEN c.before_id::bigint END;
  is_valid := c.is_valid AND n IS NOT NULL;
END
$$;
COMMENT ON FUNCTION s2s.cursor_number(text) IS
  'Where a page of a list begins whose rows are numbered: newest first, below n. All are, when there is no cursor.';
