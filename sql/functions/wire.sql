-- SPDX-License-Identifier: Apache-2.0
--
-- How values look on the wire.
--
--   s2s.rfc3339(p_at timestamptz) -> text

CREATE OR REPLACE FUNCTION s2s.rfc3339(p_at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;
COMMENT ON FUNCTION s2s.rfc3339(timestamptz) IS 'RFC 3339, UTC, in seconds.';
