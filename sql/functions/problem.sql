-- SPDX-License-Identifier: Apache-2.0
--
-- Problem details (RFC 9457) that only the database can find out. The others are the gateway's.
--
--   s2s.problem_type(p_type text) -> (status int, uri text, title text, error_code text, detail text)
--   s2s.problem(p_type text, p_token uuid, p_current_status text DEFAULT NULL, p_violations json DEFAULT NULL) -> text

DROP FUNCTION IF EXISTS s2s.problem_type(text);
DROP FUNCTION IF EXISTS s2s.problem(text, uuid, text);

CREATE OR REPLACE FUNCTION s2s.problem_type(
  p_type text, OUT status integer, OUT uri text, OUT title text, OUT error_code text, OUT detail text)
LANGUAGE sql IMMUTABLE AS $$
  SELECT t.status,
         -- Of about:blank the title is the phrase of the status (RFC 9457 section 4.2.1).
         CASE WHEN t.type = 'content-too-large' THEN 'about:blank' ELSE 'urn:s2s-gateway:problem:' || t.type END,
         t.title, t.error_code, t.detail
  FROM (VALUES
    ('validation', 400, 'Invalid request', 'VALIDATION', 'The request does not match the schema.'),
    ('not-found', 404, 'Not found', 'NOT_FOUND', 'No such session, verification or credential instance.'),
    ('session-consumed', 409, 'Session already used', 'SESSION_CONSUMED', 'This sessionId has been used before.'),
    ('wrong-state', 409, 'Not possible in this state', 'WRONG_STATE', 'The current state does not allow this call.'),
    ('content-too-large', 413, 'Content Too Large', 'CONTENT_TOO_LARGE',
     'This is more verification data than is accepted for one verification.'),
    ('request-id-reuse', 422, 'Request id reused', 'REQUEST_ID_REUSE',
     'This x-request-id was used before for a different request.')
  ) AS t (type, status, title, error_code, detail)
  WHERE t.type = p_type
$$;
COMMENT ON FUNCTION s2s.problem_type(text) IS 'The table of problem types.';

CREATE OR REPLACE FUNCTION s2s.problem(
  p_type text, p_token uuid, p_current_status text DEFAULT NULL, p_violations json DEFAULT NULL)
RETURNS text LANGUAGE sql STABLE AS $$
  SELECT json_strip_nulls(json_build_object(
    'type', t.uri,
    'title', t.title,
    'status', t.status,
    'detail', t.detail,
    'instance', 'urn:uuid:' || p_token,
    'errorCode', t.error_code,
    'retryable', false,
    'currentStatus', p_current_status,
    'validationErrors', p_violations))::text
  FROM s2s.problem_type(p_type) AS t
$$;
COMMENT ON FUNCTION s2s.problem(text, uuid, text, json) IS 'The body of one occurrence.';
