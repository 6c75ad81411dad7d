-- SPDX-License-Identifier: Apache-2.0
--
-- What issuers publish of themselves (profile section 6): fetched by the gateway, kept by HTTP's rules, shown to the
-- application. A fetch is a job with one row per issuer that is never used up; it is leased and fenced as jobs are (job.sql).
--
--   s2s.metadata_set(p_issuers text[], p_identifiers text[] DEFAULT NULL) -> int: how many came, left or changed
--   s2s.metadata_claim(p_lease uuid, p_limit int, p_lease_for interval) -> setof (id text, attempts int, etag text)
--   s2s.metadata_done(p_issuer text, p_lease uuid, p_body text, p_etag text, p_max_age interval) -> text: done, fenced
--   s2s.metadata_failed(p_issuer text, p_lease uuid, p_failure text, p_delay interval)  -> text: retried, fenced
--
--   s2s.issuer_metadata_json(m s2s.issuer_metadata)                     -> json
--   s2s.app_issuers(p_token uuid, p_input json)                         -> s2s.reply, GET /v1/issuers
--   s2s.app_issuer(p_token uuid, p_input json)                          -> s2s.reply, GET /v1/issuers/{issuer}

CREATE OR REPLACE FUNCTION s2s.metadata_set(p_issuers text[], p_identifiers text[] DEFAULT NULL)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_issuers text[] := coalesce(p_issuers, '{}');
  v_now timestamptz := clock_timestamp();
  v_set integer;
  v_left integer;
BEGIN
  -- The document of another identifier is not this one's; nor is a fetch that is under way.
  DELETE FROM s2s.issuer_metadata AS m
  USING unnest(v_issuers, p_identifiers) AS c (issuer, identifier)
  WHERE m.issuer = c.issuer AND m.identifier IS DISTINCT FROM c.identifier;

  INSERT INTO s2s.issuer_metadata AS m (next_at, issuer, identifier)
  SELECT v_now, c.issuer, c.identifier
  FROM unnest(v_issuers, p_identifiers) AS c (issuer, identifier)
  -- Every gateway says this now and then: what is so already must not lock a row.
  WHERE NOT EXISTS (SELECT FROM s2s.issuer_metadata AS o WHERE o.issuer = c.issuer AND o.active)
  ORDER BY c.issuer
  ON CONFLICT (issuer) DO UPDATE SET active = true WHERE NOT m.active;
  GET DIAGNOSTICS v_set = ROW_COUNT;

  UPDATE s2s.issuer_metadata AS m SET active = false WHERE m.active AND m.issuer <> ALL (v_issuers);
  GET DIAGNOSTICS v_left = ROW_COUNT;
  RETURN v_set + v_left;
END
$$;
COMMENT ON FUNCTION s2s.metadata_set(text[], text[]) IS
  'The issuers that the configuration names, each once, and the identifier of each: these are fetched, no others.';

-- ---- fetching ----

CREATE OR REPLACE FUNCTION s2s.metadata_claim(p_lease uuid, p_limit integer, p_lease_for interval)
RETURNS TABLE (id text, attempts integer, etag text) LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  RETURN QUERY
  WITH due AS MATERIALIZED (
    SELECT m.issuer
    FROM s2s.issuer_metadata AS m
    WHERE m.active AND m.next_at <= v_now
    ORDER BY m.next_at
    LIMIT p_limit
    FOR NO KEY UPDATE SKIP LOCKED
  )
  UPDATE s2s.issuer_metadata AS m
  SET next_at = v_now + p_lease_for, lease = p_lease, attempts = m.attempts + 1
  FROM due
  WHERE m.issuer = due.issuer
  RETURNING m.issuer, m.attempts, m.etag;
END
$$;
COMMENT ON FUNCTION s2s.metadata_claim(uuid, integer, interval) IS
  'Leases documents that are missing or out of date. attempts counts this one and those since the last success; etag is '
  'of the document that is there.';

CREATE OR REPLACE FUNCTION s2s.metadata_done(
  p_issuer text, p_lease uuid, p_body text, p_etag text, p_max_age interval)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  -- Not modified (304): what is there is fresh again, and keeps its validator unless it got a new one (RFC 9111
  -- section 4.3.4).
  UPDATE s2s.issuer_metadata AS m
  SET body = coalesce(p_body, m.body),
      etag = CASE WHEN p_body IS NULL THEN coalesce(p_etag, m.etag) ELSE p_etag END,
      fetched_at = v_now, expires_at = v_now + p_max_age, next_at = v_now + p_max_age,
      lease = NULL, attempts = 0, failure = NULL
  WHERE m.issuer = p_issuer AND m.lease = p_lease AND (p_body IS NOT NULL OR m.body IS NOT NULL);
  RETURN CASE WHEN FOUND THEN 'done' ELSE 'fenced' END;
END
$$;
COMMENT ON FUNCTION s2s.metadata_done(text, uuid, text, text, interval) IS
  'The document, or word that it has not changed (no p_body); it is fetched again after p_max_age.';

CREATE OR REPLACE FUNCTION s2s.metadata_failed(p_issuer text, p_lease uuid, p_failure text, p_delay interval)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  UPDATE s2s.issuer_metadata AS m
  SET failure = coalesce(p_failure, 'unknown'), next_at = clock_timestamp() + p_delay, lease = NULL
  WHERE m.issuer = p_issuer AND m.lease = p_lease;
  RETURN CASE WHEN FOUND THEN 'retried' ELSE 'fenced' END;
END
$$;
COMMENT ON FUNCTION s2s.metadata_failed(text, uuid, text, interval) IS
  'No document this time. What is there stays, out of date as it may be.';

-- ---- showing ----

CREATE OR REPLACE FUNCTION s2s.issuer_metadata_json(m s2s.issuer_metadata) RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN json_strip_nulls(json_build_object(
    'issuer', m.issuer,
    'credentialIssuer', coalesce(m.identifier, m.body::json ->> 'credential_issuer'),
    'fetchedAt', s2s.rfc3339(m.fetched_at),
    'expiresAt', s2s.rfc3339(m.expires_at),
    'failure', m.failure));
END
$$;
COMMENT ON FUNCTION s2s.issuer_metadata_json(s2s.issuer_metadata) IS 'An issuer, as the application sees it in a list.';

CREATE OR REPLACE FUNCTION s2s.app_issuers(p_token uuid, p_input json) RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- As many as the configuration names, so one page.
  RETURN s2s.app_answer(200, json_build_object('issuers', coalesce(
    (SELECT json_agg(s2s.issuer_metadata_json(m) ORDER BY m.issuer) FROM s2s.issuer_metadata AS m WHERE m.active),
    '[]'))::text);
END
$$;
COMMENT ON FUNCTION s2s.app_issuers(uuid, json) IS 'Lists the issuers.';

CREATE OR REPLACE FUNCTION s2s.app_issuer(p_token uuid, p_input json) RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  m s2s.issuer_metadata;
  -- Of an issuer that the configuration has. Right after a start or a reload there may be nothing else of it.
  v_identifier text := p_input ->> 'credentialIssuer';
BEGIN
  SELECT t.* INTO m
  FROM s2s.issuer_metadata AS t
  WHERE t.issuer = p_input ->> 'issuer' AND t.active
    AND t.identifier IS NOT DISTINCT FROM coalesce(v_identifier, t.identifier);
  IF NOT FOUND AND v_identifier IS NULL THEN
    RETURN s2s.app_problem(p_token, 'not-found');
  ELSIF NOT FOUND THEN
    m.issuer := p_input ->> 'issuer';
    m.identifier := v_identifier;
  END IF;
  RETURN s2s.app_answer(200, s2s.json_join(
    s2s.issuer_metadata_json(m),
    CASE WHEN m.body IS NOT NULL THEN json_build_object(
      'encryptionKeys', m.body::json -> 's2s' -> 'issuer_encryption_jwks', 'metadata', m.body::json) END)::text);
END
$$;
COMMENT ON FUNCTION s2s.app_issuer(uuid, json) IS
  'Shows an issuer with what its wallet clients need: its encryption keys, and all that it publishes.';
