-- SPDX-License-Identifier: Apache-2.0
--
-- What the operator's own web site found out about a holder that the wallet sent there (auth on web): an item of origin
-- ISSUER, which is evaluated with the others.
--
--   s2s.web_result(p_verification_id text, p_item_id text, p_sealed bytea, p_max_results int, p_max_octets bigint)
--       -> text: accepted, not-found, final, too-large

CREATE OR REPLACE FUNCTION s2s.web_result(
  p_verification_id text, p_item_id text, p_sealed bytea, p_max_results integer, p_max_octets bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v s2s.verification := s2s.verification_lock(p_verification_id);
  v_results bigint;
BEGIN
  IF v.verification_id IS NULL THEN
    RETURN 'not-found';
  ELSIF s2s.verification_is_final(v.status) THEN
    RETURN 'final';
  ELSIF NOT EXISTS (SELECT FROM jsonb_array_elements(v.data_request -> 'verificationDataItems') AS item
                    WHERE item ->> 'id' = p_item_id) THEN
    RETURN 'not-found';
  END IF;

  SELECT count(*) INTO v_results
  FROM s2s.verification_data AS d
  WHERE d.verification_id = v.verification_id AND d.issuer_sealed IS NOT NULL;
  v.data_octets := v.data_octets + s2s.submission_octets(NULL, p_sealed);
  IF v_results >= p_max_results OR v.data_octets > p_max_octets THEN
    RETURN 'too-large';
  END IF;
  PERFORM s2s.verification_resume(v, NULL, NULL, p_sealed);
  RETURN 'accepted';
END
$$;
COMMENT ON FUNCTION s2s.web_result(text, text, bytea, integer, bigint) IS
  'Adds the sealed result of an item that was asked for, and has the verification evaluated anew. It is no attempt of '
  'the wallet''s.';
