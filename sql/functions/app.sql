-- SPDX-License-Identifier: Apache-2.0
--
-- What the functions behind the application API share. Two kinds, in a file per family (app_*.sql), all return s2s.reply:
--
--   POST: (p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, …), an exchange
--         (exchange.sql) with the application for a peer: "app:" and the name of its token.
--   GET:  (p_token uuid, p_input json): nothing is claimed or stored.
--
-- p_input is one object: the parameters of path and query by name, and under "body" the body. The gateway has checked it
-- against the schema of the route, but for cursors, which only these functions can read.
--
--   s2s.app_answer(p_status int, p_body text)                                  -> s2s.reply
--   s2s.app_problem(p_token uuid, p_type text)                                 -> s2s.reply
--   s2s.json_join(VARIADIC p_objects json[])                                   -> json
--   s2s.app_limit(p_input json)                                                -> int
--   s2s.app_page(p_member text, p_items json, p_next_cursor text)              -> s2s.reply
--   s2s.cursor_write(p_at timestamptz, p_id text)                              -> text
--   s2s.cursor_read(p_cursor text) -> (is_valid boolean, before_at timestamptz, before_id text)
--   s2s.app_bad_cursor(p_token uuid)                                           -> s2s.reply

CREATE OR REPLACE FUNCTION s2s.app_answer(p_status integer, p_body text) RETURNS s2s.reply LANGUAGE sql IMMUTABLE AS $$
  SELECT (p_status, p_body, false, 'answered', false)::s2s.reply
$$;
COMMENT ON FUNCTION s2s.app_answer(integer, text) IS 'Answers a GET.';

CREATE OR REPLACE FUNCTION s2s.app_problem(p_token uuid, p_type text) RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN s2s.app_answer((s2s.problem_type(p_type)).status, s2s.problem(p_type, p_token));
END
$$;
COMMENT ON FUNCTION s2s.app_problem(uuid, text) IS 'Answers a GET with a problem.';

CREATE OR REPLACE FUNCTION s2s.json_join(VARIADIC p_objects json[]) RETURNS json LANGUAGE sql IMMUTABLE AS $$
  SELECT json_object_agg(m.key, m.value ORDER BY o.n)
  FROM unnest(p_objects) WITH ORDINALITY AS o (object, n), json_each(o.object) AS m
$$;
COMMENT ON FUNCTION s2s.json_join(json[]) IS
  'One object of the members of all, which must differ; null objects have none. What others wrote stays as it is: jsonb '
  'would refuse some of its numbers.';

-- ---- lists ----
--
-- Newest first, page by page: a cursor names the last row of a page, and the next page is what comes after that in the
-- order of the index. Rows that come or go meanwhile shift nothing, and a late page costs no more than the first.

CREATE OR REPLACE FUNCTION s2s.app_limit(p_input json) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce((p_input ->> 'limit')::integer, 50)
$$;
COMMENT ON FUNCTION s2s.app_limit(json) IS 'How many rows a page has.';

CREATE OR REPLACE FUNCTION s2s.app_page(p_member text, p_items json, p_next_cursor text)
RETURNS s2s.reply LANGUAGE sql STABLE AS $$
  SELECT s2s.app_answer(200, s2s.json_join(
    json_build_object(p_member, coalesce(p_items, '[]')),
    json_strip_nulls(json_build_object('nextCursor', p_next_cursor)))::text)
$$;
COMMENT ON FUNCTION s2s.app_page(text, json, text) IS 'Answers with one page of a list.';

CREATE OR REPLACE FUNCTION s2s.cursor_write(p_at timestamptz, p_id text) RETURNS text LANGUAGE sql STABLE AS $$
  -- Microseconds, PostgreSQL's own precision; base64url without padding (RFC 4648 section 5).
  SELECT rtrim(translate(encode(convert_to((extract(epoch FROM p_at) * 1000000)::bigint || ' ' || p_id, 'UTF8'), 'base64'),
                         E'+/\n', '-_'), '=')
$$;
COMMENT ON FUNCTION s2s.cursor_write(timestamptz, text) IS 'The cursor of the page that comes after this row.';

CREATE OR REPLACE FUNCTION s2s.cursor_read(
  p_cursor text, OUT is_valid boolean, OUT before_at timestamptz, OUT before_id text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_text text;
BEGIN
  IF p_cursor IS NULL THEN
    is_valid := true;
    before_at := 'infinity';
    before_id := '';
    RETURN;
  END IF;
  BEGIN
    v_text := convert_from(
      decode(rpad(translate(p_cursor, '-_', '+/'), length(p_cursor) + (-length(p_cursor) & 3), '='), 'base64'), 'UTF8');
    before_at := 'epoch'::timestamptz + split_part(v_text, ' ', 1)::bigint * interval '1 microsecond';
    before_id := substr(v_text, strpos(v_text, ' ') + 1);
    -- Only what was written is read: there are other ways to spell the same octets.
    is_valid := p_cursor IS NOT DISTINCT FROM s2s.cursor_write(before_at, before_id);
  EXCEPTION WHEN data_exception THEN
    is_valid := false;
  END;
END
$$;
COMMENT ON FUNCTION s2s.cursor_read(text) IS
  'After which row a page begins; before all of them when there is no cursor. Not valid: not one of ours.';

CREATE OR REPLACE FUNCTION s2s.app_bad_cursor(p_token uuid) RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN s2s.app_answer(400, s2s.problem(
    'validation', p_token,
    p_violations => '[{"pointer": "/cursor", "message": "is not a nextCursor of this list"}]'));
END
$$;
COMMENT ON FUNCTION s2s.app_bad_cursor(uuid) IS 'Refuses a cursor that nobody was given.';
