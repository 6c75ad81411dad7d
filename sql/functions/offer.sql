-- SPDX-License-Identifier: Apache-2.0
--
-- Credential offers of the issuer (OpenID4VCI section 4.1): made by an operator, redeemed by the first verification
-- that brings the pre-authorized code and, where one is asked for, the transaction code. Codes come here as HMACs under
-- the gateway's data keys, several of one code when there are several keys.
--
--   s2s.offer_state(o s2s.credential_offer) -> text: OPEN, USED, REVOKED, EXHAUSTED, EXPIRED
--   s2s.offer_json(o s2s.credential_offer)  -> json, for operators
--   s2s.offer_make(p_offer_id text, p_code_hash bytea, p_tx_code_hash bytea, p_attempts int, p_lifetime interval,
--                  p_configuration_ids text[], p_subject_ref text, p_subject_sealed bytea, p_peer text,
--                  p_created_by text, p_reference_hash bytea DEFAULT NULL, p_document_sealed bytea DEFAULT NULL)
--       -> s2s.credential_offer
--   s2s.offer_read(p_reference_hashes bytea[]) -> setof (offer_id text, document_sealed bytea), one row at most
--   s2s.offer_revoke(p_offer_id text, p_by text) -> text: COMPLETED, NO_CHANGE, FAILED <why>, NOT_FOUND
--   s2s.offers_forget(p_retention interval, p_limit int) -> int: how many
--
--   s2s.hashes(p_list json) -> bytea[]
--   s2s.offers_lock(p_checks json)
--   s2s.offer_check(v s2s.verification, p_check json, OUT verdict text, OUT reason text, OUT facts jsonb,
--                   OUT subjects jsonb)

CREATE OR REPLACE FUNCTION s2s.offer_state(o s2s.credential_offer) RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT CASE
    WHEN o.used_by IS NOT NULL THEN 'USED'
    WHEN o.revoked_at IS NOT NULL THEN 'REVOKED'
    WHEN o.attempts_left <= 0 THEN 'EXHAUSTED'
    WHEN o.expires_at <= clock_timestamp() THEN 'EXPIRED'
    ELSE 'OPEN'
  END
$$;
COMMENT ON FUNCTION s2s.offer_state(s2s.credential_offer) IS 'Whether an offer can be redeemed (OPEN), or why not.';

CREATE OR REPLACE FUNCTION s2s.offer_json(o s2s.credential_offer) RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN json_strip_nulls(json_build_object(
    'offerId', o.offer_id,
    'state', s2s.offer_state(o),
    'credentialConfigurationIds', o.configuration_ids,
    'peer', o.peer,
    'txCode', o.tx_code_hash IS NOT NULL,
    'attemptsLeft', CASE WHEN o.tx_code_hash IS NOT NULL THEN o.attempts_left END,
    'createdAt', s2s.rfc3339(o.created_at),
    'createdBy', o.created_by,
    'expiresAt', s2s.rfc3339(o.expires_at),
    'usedAt', s2s.rfc3339(o.used_at),
    'verificationId', o.used_by,
    'revokedAt', s2s.rfc3339(o.revoked_at),
    'revokedBy', o.revoked_by));
END
$$;
COMMENT ON FUNCTION s2s.offer_json(s2s.credential_offer) IS 'An offer as operators see it: neither codes nor subject.';

CREATE OR REPLACE FUNCTION s2s.offer_make(
  p_offer_id text, p_code_hash bytea, p_tx_code_hash bytea, p_attempts integer, p_lifetime interval,
  p_configuration_ids text[], p_subject_ref text, p_subject_sealed bytea, p_peer text, p_created_by text,
  p_reference_hash bytea DEFAULT NULL, p_document_sealed bytea DEFAULT NULL)
RETURNS s2s.credential_offer LANGUAGE plpgsql AS $$
DECLARE
  o s2s.credential_offer;
  v_now timestamptz := clock_timestamp();
BEGIN
  INSERT INTO s2s.credential_offer (
    created_at, expires_at, attempts, attempts_left, offer_id, peer, created_by, subject_ref, configuration_ids,
    code_hash, tx_code_hash, reference_hash, subject_sealed, document_sealed)
  VALUES (v_now, v_now + p_lifetime, p_attempts, p_attempts, p_offer_id, p_peer, p_created_by, p_subject_ref,
          p_configuration_ids, p_code_hash, p_tx_code_hash, p_reference_hash, p_subject_sealed, p_document_sealed)
  RETURNING * INTO o;
  RETURN o;
END
$$;
COMMENT ON FUNCTION s2s.offer_make IS 'Makes an offer. p_attempts wrong transaction codes use it up.';

CREATE OR REPLACE FUNCTION s2s.offer_read(p_reference_hashes bytea[])
RETURNS TABLE (offer_id text, document_sealed bytea) LANGUAGE plpgsql AS $$
BEGIN
  -- OFFSET 0, and ARRAY below: see "Plans made on empty tables" in sql/README.md.
  RETURN QUERY
  SELECT (known.o).offer_id, (known.o).document_sealed
  FROM (SELECT o FROM s2s.credential_offer AS o WHERE o.reference_hash = ANY (p_reference_hashes) OFFSET 0) AS known
  WHERE (known.o).document_sealed IS NOT NULL AND s2s.offer_state(known.o) = 'OPEN';
END
$$;
COMMENT ON FUNCTION s2s.offer_read(bytea[]) IS 'What a credential_offer_uri answers, while the offer can be redeemed.';

CREATE OR REPLACE FUNCTION s2s.offer_revoke(p_offer_id text, p_by text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  o s2s.credential_offer;
BEGIN
  SELECT t.* INTO o FROM s2s.credential_offer AS t WHERE t.offer_id = p_offer_id FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'NOT_FOUND';
  END IF;
  CASE s2s.offer_state(o)
    WHEN 'OPEN' THEN
      UPDATE s2s.credential_offer AS u
      SET revoked_at = clock_timestamp(), revoked_by = p_by, document_sealed = NULL
      WHERE u.offer_id = o.offer_id;
      RETURN 'COMPLETED';
    WHEN 'REVOKED' THEN RETURN 'NO_CHANGE';
    ELSE RETURN 'FAILED ' || s2s.offer_state(o);
  END CASE;
END
$$;
COMMENT ON FUNCTION s2s.offer_revoke(text, text) IS 'Takes back an offer that nobody has redeemed yet.';

CREATE OR REPLACE FUNCTION s2s.offers_forget(p_retention interval, p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_emptied integer;
  v_dropped integer;
BEGIN
  UPDATE s2s.credential_offer AS u
  SET document_sealed = NULL
  WHERE u.offer_id = ANY (ARRAY(
    SELECT o.offer_id
    FROM s2s.credential_offer AS o
    WHERE o.expires_at <= v_now AND o.document_sealed IS NOT NULL
    LIMIT p_limit FOR UPDATE SKIP LOCKED));
  GET DIAGNOSTICS v_emptied = ROW_COUNT;

  WITH old AS MATERIALIZED (
    SELECT o.offer_id
    FROM s2s.credential_offer AS o
    WHERE o.created_at < v_now - p_retention AND o.expires_at < v_now - p_retention
    LIMIT p_limit FOR UPDATE SKIP LOCKED
  ), failures AS (
    DELETE FROM s2s.offer_failure AS f WHERE f.offer_id = ANY (ARRAY(SELECT old.offer_id FROM old))
  )
  DELETE FROM s2s.credential_offer AS o WHERE o.offer_id = ANY (ARRAY(SELECT old.offer_id FROM old));
  GET DIAGNOSTICS v_dropped = ROW_COUNT;
  RETURN v_emptied + v_dropped;
END
$$;
COMMENT ON FUNCTION s2s.offers_forget(interval, integer) IS
  'Empties what is left to read of expired offers, and drops those that expired longer than p_retention ago: at most '
  'p_limit of each.';

-- ---- redemption ----

CREATE OR REPLACE FUNCTION s2s.hashes(p_list json) RETURNS bytea[] LANGUAGE sql IMMUTABLE AS $$
  SELECT array_agg(decode(h, 'hex')) FROM json_array_elements_text(p_list) AS h
$$;
COMMENT ON FUNCTION s2s.hashes(json) IS 'A JSON array of hex strings.';

CREATE OR REPLACE FUNCTION s2s.offers_lock(p_checks json) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM
  FROM s2s.credential_offer AS o
  WHERE o.offer_id = ANY (ARRAY(
    SELECT k.offer_id
    FROM s2s.credential_offer AS k
    WHERE k.code_hash = ANY (ARRAY(
      SELECT unnest(s2s.hashes(c -> 'code_hashes'))
      FROM json_array_elements(p_checks) AS c
      WHERE c ->> 'kind' = 'offer'))))
  ORDER BY o.offer_id
  FOR UPDATE;
END
$$;
COMMENT ON FUNCTION s2s.offers_lock(json) IS 'Locks all offers that some checks are about, in the order of their ids.';

CREATE OR REPLACE FUNCTION s2s.offer_check(
  v s2s.verification, p_check json, OUT verdict text, OUT reason text, OUT facts jsonb, OUT subjects jsonb)
LANGUAGE plpgsql AS $$
DECLARE
  o s2s.credential_offer;
  v_guesses bytea[] := s2s.hashes(p_check -> 'tx_code_hashes');
  v_is_ours boolean;
BEGIN
  verdict := 'MISMATCH';
  SELECT t.* INTO o
  FROM s2s.credential_offer AS t
  WHERE t.code_hash = ANY (s2s.hashes(p_check -> 'code_hashes'))
    AND (t.peer IS NULL OR t.peer = s2s.session_peer(v.session_id));
  IF NOT FOUND THEN
    reason := 'UNKNOWN';
    RETURN;
  END IF;

  -- What it has redeemed it may go on relying on, however late it is evaluated again.
  v_is_ours := o.used_by IS NOT DISTINCT FROM v.verification_id;
  IF NOT v_is_ours THEN
    reason := nullif(s2s.offer_state(o), 'OPEN');
    IF reason IS NOT NULL THEN
      RETURN;
    ELSIF NOT o.configuration_ids && v.configuration_ids THEN
      reason := 'CONFIGURATION';
      RETURN;
    ELSIF o.tx_code_hash IS NOT NULL AND v_guesses IS NULL THEN
      verdict := 'MISSING';
      reason := 'TX_CODE_REQUIRED';
      RETURN;
    ELSIF o.tx_code_hash <> ALL (v_guesses) THEN
      INSERT INTO s2s.offer_failure (at, data_seq, offer_id, verification_id, guess)
      VALUES (clock_timestamp(), coalesce((p_check ->> 'seq')::integer, v.data_seq), o.offer_id, v.verification_id,
              v_guesses[1])
      ON CONFLICT DO NOTHING;
      IF FOUND THEN
        UPDATE s2s.credential_offer AS u
        SET attempts_left = u.attempts_left - 1,
            document_sealed = CASE WHEN u.attempts_left > 1 THEN u.document_sealed END
        WHERE u.offer_id = o.offer_id
        RETURNING u.* INTO o;
      END IF;
      reason := CASE WHEN o.attempts_left > 0 THEN 'WRONG_TX_CODE' ELSE 'EXHAUSTED' END;
      facts := jsonb_build_object('offerId', o.offer_id, 'attemptsLeft', o.attempts_left);
      RETURN;
    END IF;
    UPDATE s2s.credential_offer AS u
    SET used_at = clock_timestamp(), used_by = v.verification_id, document_sealed = NULL
    WHERE u.offer_id = o.offer_id;
  END IF;
  verdict := 'SATISFIED';
  facts := jsonb_build_object('offerId', o.offer_id, 'credentialConfigurationIds', o.configuration_ids);
  subjects := (
    SELECT jsonb_agg(jsonb_build_object('configuration_id', c, 'subject_ref', o.subject_ref,
                                        'subject_sealed', encode(o.subject_sealed, 'hex')))
    FROM unnest(o.configuration_ids) AS c);
END
$$;
COMMENT ON FUNCTION s2s.offer_check IS
  'Redeems a (locked) offer for a (locked, PENDING) verification: once, for it alone. A wrong transaction code costs '
  'one attempt for each submission that brings it, and nothing else.';
