-- SPDX-License-Identifier: Apache-2.0
--
-- Credential offers in the operators' API (admin.sql tells what these functions have in common; offer.sql has the
-- offers).
--
--   s2s.admin_offer_make(…, p_offer_id text, p_code_hash bytea, p_tx_code_hash bytea, p_attempts int,
--                        p_lifetime interval, p_subject_ref text, p_subject_sealed bytea, p_reference_hash bytea,
--                        p_document_sealed bytea, p_answer_sealed bytea)
--                                                     POST /v1/offers
--   s2s.admin_offer(p_token uuid, p_input json)       GET  /v1/offers/{offerId}
--   s2s.admin_offers(p_token uuid, p_input json)      GET  /v1/offers
--   s2s.admin_offer_revoke(…)                         POST /v1/offers/{offerId}/revoke
--
--   s2s.offers_page(p_subject_refs text[], p_before_at timestamptz, p_before_id text, p_limit int)
--       -> setof s2s.credential_offer

CREATE OR REPLACE FUNCTION s2s.admin_offer_make(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text,
  p_offer_id text, p_code_hash bytea, p_tx_code_hash bytea, p_attempts integer, p_lifetime interval, p_subject_ref text,
  p_subject_sealed bytea, p_reference_hash bytea, p_document_sealed bytea, p_answer_sealed bytea)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  o s2s.credential_offer;
  v_body json := p_input -> 'body';
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  o := s2s.offer_make(
    p_offer_id, p_code_hash, p_tx_code_hash, p_attempts, p_lifetime, s2s.texts(v_body -> 'credentialConfigurationIds'),
    p_subject_ref, p_subject_sealed, v_body ->> 'peer', p_peer, p_reference_hash, p_document_sealed);
  PERFORM s2s.audit_by(x, p_role, 'offer.make', o.offer_id, json_strip_nulls(json_build_object(
    'credentialConfigurationIds', o.configuration_ids, 'peer', o.peer, 'txCode', p_tx_code_hash IS NOT NULL,
    'expiresAt', s2s.rfc3339(o.expires_at))));
  -- The codes are in what is sealed: neither the offer nor the stored answer has them in the clear.
  RETURN s2s.store(x, 201, json_build_object(
    'offer', s2s.offer_json(o), 'sealed', translate(encode(p_answer_sealed, 'base64'), E'\n', ''))::text);
END
$$;
COMMENT ON FUNCTION s2s.admin_offer_make IS
  'Makes an offer. The answer, also when it is repeated, has what only the gateway can open and show.';

CREATE OR REPLACE FUNCTION s2s.admin_offer(p_token uuid, p_input json) RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  o s2s.credential_offer;
BEGIN
  SELECT t.* INTO o FROM s2s.credential_offer AS t WHERE t.offer_id = p_input ->> 'offerId';
  IF NOT FOUND THEN
    RETURN s2s.app_problem(p_token, 'not-found');
  END IF;
  RETURN s2s.app_answer(200, s2s.offer_json(o)::text);
END
$$;
COMMENT ON FUNCTION s2s.admin_offer(uuid, json) IS 'Shows an offer, without its codes.';

CREATE OR REPLACE FUNCTION s2s.offers_page(
  p_subject_refs text[], p_before_at timestamptz, p_before_id text, p_limit integer)
RETURNS SETOF s2s.credential_offer LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- A time alone is nearly a place: few offers are made in the same microsecond.
  IF p_subject_refs IS NOT NULL THEN
    RETURN QUERY
    SELECT o.*
    FROM (SELECT DISTINCT u FROM unnest(p_subject_refs) AS u) AS subjects (subject_ref)
    CROSS JOIN LATERAL (
      SELECT t.*
      FROM s2s.credential_offer AS t
      WHERE t.subject_ref = subjects.subject_ref AND t.created_at <= p_before_at
        AND (t.created_at, t.offer_id) < (p_before_at, p_before_id)
      ORDER BY t.created_at DESC
      FETCH FIRST p_limit ROWS WITH TIES) AS o
    ORDER BY o.created_at DESC, o.offer_id DESC
    LIMIT p_limit;
  ELSE
    RETURN QUERY
    SELECT o.*
    FROM (SELECT t.*
          FROM s2s.credential_offer AS t
          WHERE t.created_at <= p_before_at AND (t.created_at, t.offer_id) < (p_before_at, p_before_id)
          ORDER BY t.created_at DESC
          FETCH FIRST p_limit ROWS WITH TIES) AS o
    ORDER BY o.created_at DESC, o.offer_id DESC
    LIMIT p_limit;
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.offers_page(text[], timestamptz, text, integer) IS
  'Offers, newest first, from a place on; of a subject, by its pseudonyms, or all.';

CREATE OR REPLACE FUNCTION s2s.admin_offers(p_token uuid, p_input json) RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  c record := s2s.cursor_read(p_input ->> 'cursor');
  v_limit integer := s2s.app_limit(p_input);
  v_state text := p_input ->> 'state';
  v_peer text := p_input ->> 'peer';
  v_configuration text := p_input ->> 'configuration';
  v_is_sifted boolean := num_nonnulls(v_state, v_peer, v_configuration) > 0;
  v_items json[];
  v_cursors text[];
BEGIN
  IF NOT c.is_valid THEN
    RETURN s2s.app_bad_cursor(p_token);
  END IF;
  SELECT array_agg(CASE WHEN (v_state IS NULL OR s2s.offer_state(o) = v_state) AND (v_peer IS NULL OR o.peer = v_peer)
                             AND (v_configuration IS NULL OR v_configuration = ANY (o.configuration_ids))
                        THEN s2s.offer_json(o) END ORDER BY o.created_at DESC, o.offer_id DESC),
         array_agg(s2s.cursor_write(o.created_at, o.offer_id) ORDER BY o.created_at DESC, o.offer_id DESC)
  INTO v_items, v_cursors
  FROM s2s.offers_page(s2s.texts(p_input -> 'subjectRefs'), c.before_at, c.before_id,
                       s2s.admin_walk(v_limit, v_is_sifted)) AS o;
  RETURN s2s.admin_page('offers', v_limit, v_items, v_cursors, v_is_sifted);
END
$$;
COMMENT ON FUNCTION s2s.admin_offers(uuid, json) IS 'Lists offers, newest first.';

CREATE OR REPLACE FUNCTION s2s.admin_offer_revoke(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  v_offer_id text := p_input ->> 'offerId';
  v_outcome text;
  v_offer json;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  v_outcome := s2s.offer_revoke(v_offer_id, p_peer);
  IF v_outcome = 'NOT_FOUND' THEN
    RETURN s2s.refuse(x, 'not-found');
  END IF;
  PERFORM s2s.audit_by(x, p_role, 'offer.revoke', v_offer_id, json_build_object('outcome', v_outcome));
  SELECT s2s.offer_json(o) INTO v_offer FROM s2s.credential_offer AS o WHERE o.offer_id = v_offer_id;
  RETURN s2s.store(x, 200, s2s.json_join(s2s.admin_outcome(v_outcome), json_build_object('offer', v_offer))::text);
END
$$;
COMMENT ON FUNCTION s2s.admin_offer_revoke IS 'Takes back an offer that nobody has redeemed yet.';
