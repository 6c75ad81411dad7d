-- SPDX-License-Identifier: Apache-2.0
--
-- How values and messages look on the wire, and how what a peer wrote is read: nothing that it wrote raises.
--
--   s2s.rfc3339(p_at timestamptz)                        -> text
--   s2s.http_date(p_at timestamptz)                      -> text
--   s2s.parsed(p_text text)                              -> jsonb, null: not JSON, or of no use
--   s2s.text_member(p_object jsonb, p_name text, p_max int DEFAULT 256) -> text, null: no such string
--   s2s.credential_status_json(p_status text, p_version text, p_changed_at timestamptz, p_reason text) -> text
--   s2s.managed_json(p_session_id text, p_instance_id text, p_previous_status text, p_current_status text,
--                    p_outcome text, p_failure_reason text)                                            -> text
--   s2s.manage_answer(p_answer jsonb)                    -> (outcome text, failure_reason text)
--   s2s.manage_json(p_at timestamptz, p_outcome text, p_failure_reason text) -> json

CREATE OR REPLACE FUNCTION s2s.rfc3339(p_at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;
COMMENT ON FUNCTION s2s.rfc3339(timestamptz) IS 'RFC 3339, UTC, in seconds.';

CREATE OR REPLACE FUNCTION s2s.http_date(p_at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
  -- to_char writes English names unless told otherwise.
  SELECT to_char(p_at AT TIME ZONE 'UTC', 'Dy, DD Mon YYYY HH24:MI:SS "GMT"')
$$;
COMMENT ON FUNCTION s2s.http_date(timestamptz) IS 'IMF-fixdate (RFC 9110 section 5.6.7).';

CREATE OR REPLACE FUNCTION s2s.parsed(p_text text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN p_text::jsonb;
EXCEPTION
  -- Not JSON; a number or a character that PostgreSQL cannot hold; nested too deeply.
  WHEN data_exception OR untranslatable_character OR program_limit_exceeded OR statement_too_complex THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION s2s.parsed(text) IS
  'What a peer wrote, as JSON; null when it is none that can be used. Of the result, nothing raises any more.';

CREATE OR REPLACE FUNCTION s2s.text_member(p_object jsonb, p_name text, p_max integer DEFAULT 256)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN jsonb_typeof(p_object -> p_name) = 'string' AND length(p_object ->> p_name) BETWEEN 1 AND p_max
              THEN p_object ->> p_name END
$$;
COMMENT ON FUNCTION s2s.text_member(jsonb, text, integer) IS 'A string of an object, if it is one and not too long.';

CREATE OR REPLACE FUNCTION s2s.credential_status_json(
  p_status text, p_version text, p_changed_at timestamptz, p_reason text)
RETURNS text LANGUAGE sql STABLE AS $$
  SELECT json_strip_nulls(json_build_object(
    'currentStatus', p_status,
    'currentVersion', coalesce(p_version, 'unknown'),
    'lastStatusChangeTime', s2s.http_date(p_changed_at),
    'lastStatusChangeReason', p_reason))::text
$$;
COMMENT ON FUNCTION s2s.credential_status_json IS 'Answer of /credential/status, of either side.';

CREATE OR REPLACE FUNCTION s2s.managed_json(
  p_session_id text, p_instance_id text, p_previous_status text, p_current_status text, p_outcome text,
  p_failure_reason text)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT json_strip_nulls(json_build_object(
    'sessionId', p_session_id,
    'credentialInstanceId', p_instance_id,
    'currentStatus', p_current_status,
    'previousStatus', p_previous_status,
    'outcome', p_outcome,
    'failureReason', p_failure_reason))::text
$$;
COMMENT ON FUNCTION s2s.managed_json IS 'Answer of /credential/manage, of either side.';

CREATE OR REPLACE FUNCTION s2s.manage_answer(p_answer jsonb, OUT outcome text, OUT failure_reason text)
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_answer ->> 'outcome' IN ('COMPLETED', 'SCHEDULED', 'FAILED', 'NO_CHANGE')
              THEN p_answer ->> 'outcome' END,
         left(p_answer ->> 'failureReason', 200)
$$;
COMMENT ON FUNCTION s2s.manage_answer(jsonb) IS 'What a peer answered to a /credential/manage of ours, within bounds.';

CREATE OR REPLACE FUNCTION s2s.manage_json(p_at timestamptz, p_outcome text, p_failure_reason text)
RETURNS json LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_at IS NOT NULL THEN json_strip_nulls(json_build_object(
    'outcome', p_outcome, 'failureReason', p_failure_reason, 'at', s2s.rfc3339(p_at))) END
$$;
COMMENT ON FUNCTION s2s.manage_json(timestamptz, text, text) IS
  'The same, as this side''s own application and webhooks see it; null when there was no answer.';
