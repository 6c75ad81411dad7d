-- SPDX-License-Identifier: Apache-2.0
--
-- The audit ledger in the operators' API (admin.sql tells what these functions have in common).
--
--   s2s.admin_audit(p_token uuid, p_input json)    GET /v1/audit
--
--   s2s.audit_page(p_who text, p_ref text, p_before bigint, p_limit int) -> setof s2s.audit

CREATE OR REPLACE FUNCTION s2s.audit_page(p_who text, p_ref text, p_before bigint, p_limit integer)
RETURNS SETOF s2s.audit LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- A statement for each index. What was done to one thing is little.
  IF p_ref IS NOT NULL THEN
    RETURN QUERY
    SELECT a.*
    FROM s2s.audit AS a
    WHERE a.ref = p_ref AND a.seq < p_before AND (p_who IS NULL OR a.who = p_who)
    ORDER BY a.seq DESC
    LIMIT p_limit;
  ELSIF p_who IS NOT NULL THEN
    RETURN QUERY
    SELECT a.* FROM s2s.audit AS a WHERE a.who = p_who AND a.seq < p_before ORDER BY a.seq DESC LIMIT p_limit;
  ELSE
    RETURN QUERY
    SELECT a.* FROM s2s.audit AS a WHERE a.seq < p_before ORDER BY a.seq DESC LIMIT p_limit;
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.audit_page(text, text, bigint, integer) IS 'Entries, newest first, from a place on.';

CREATE OR REPLACE FUNCTION s2s.admin_audit(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  c record := s2s.cursor_number(p_input ->> 'cursor');
  v_limit integer := s2s.app_limit(p_input);
  v_items json[];
  v_cursors text[];
BEGIN
  IF NOT c.is_valid THEN
    RETURN s2s.app_bad_cursor(p_token);
  END IF;
  SELECT array_agg(json_strip_nulls(json_build_object(
           'seq', a.seq,
           'at', s2s.rfc3339(a.at),
           'who', a.who,
           'role', a.role,
           'action', a.action,
           'ref', a.ref,
           'requestId', a.request_id,
           'detail', a.detail,
           'hash', encode(a.hash, 'hex'))) ORDER BY a.seq DESC),
         array_agg(s2s.cursor_write('epoch', a.seq::text) ORDER BY a.seq DESC)
  INTO v_items, v_cursors
  FROM s2s.audit_page(p_input ->> 'who', p_input ->> 'ref', c.n, s2s.admin_walk(v_limit)) AS a;
  RETURN s2s.admin_page('entries', v_limit, v_items, v_cursors);
END
$$;
COMMENT ON FUNCTION s2s.admin_audit(uuid, json) IS 'Lists what operators did, newest first.';
