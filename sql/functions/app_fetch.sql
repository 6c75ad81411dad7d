-- SPDX-License-Identifier: Apache-2.0
--
-- Fetches of credentials in the application API (app.sql tells what these functions have in common).
--
--   s2s.app_fetch_start(…, p_request_digest bytea)  POST /v1/instances/{credentialInstanceId}/fetches
--   s2s.app_fetch(p_token uuid, p_input json)       GET  /v1/fetches/{fetchId}

CREATE OR REPLACE FUNCTION s2s.app_fetch_start(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_request_digest bytea)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  i s2s.wallet_instance;
  f s2s.wallet_fetch;
  v_now timestamptz := clock_timestamp();
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  END IF;
  i := s2s.wallet_instance_lock(p_input ->> 'credentialInstanceId');
  IF i.instance_id IS NULL THEN
    RETURN s2s.refuse(x, 'not-found');
  ELSIF i.cancelled OR i.unlinked THEN
    RETURN s2s.refuse(x, 'wrong-state', s2s.wallet_instance_status(i));
  END IF;

  -- Two starts queue for the instance, so the look-up and what follows are one.
  SELECT t.* INTO f
  FROM s2s.wallet_fetch AS t
  WHERE t.instance_id = i.instance_id AND t.request_digest = p_request_digest AND t.state = 'WAITING';
  IF FOUND THEN
    -- The issuer may have been given up: somebody wants to know after all.
    PERFORM s2s.delivery_owe(i.issuer, '/credential/get', f.fetch_id, p_side => 'WALLET')
    WHERE NOT EXISTS (SELECT FROM s2s.delivery AS d
                      WHERE d.ref = f.fetch_id AND d.endpoint = '/credential/get' AND d.side = 'WALLET');
    RETURN s2s.store(x, 202, s2s.wallet_fetch_json(f)::text);
  END IF;

  INSERT INTO s2s.wallet_fetch (created_at, updated_at, fetch_id, instance_id, request, request_digest)
  VALUES (
    v_now, v_now, gen_random_uuid(), i.instance_id,
    s2s.json_join(json_build_object('sessionId', i.session_id, 'credentialInstanceId', i.instance_id), p_input -> 'body'),
    p_request_digest)
  RETURNING * INTO f;
  PERFORM s2s.delivery_owe(i.issuer, '/credential/get', f.fetch_id, p_side => 'WALLET');
  RETURN s2s.store(x, 202, s2s.wallet_fetch_json(f)::text);
END
$$;
COMMENT ON FUNCTION s2s.app_fetch_start IS
  'Asks the issuer for the credentials of an instance. What waits for the same is shown, not doubled.';

CREATE OR REPLACE FUNCTION s2s.app_fetch(p_token uuid, p_input json) RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  f s2s.wallet_fetch;
BEGIN
  SELECT t.* INTO f FROM s2s.wallet_fetch AS t WHERE t.fetch_id = p_input ->> 'fetchId';
  IF NOT FOUND THEN
    RETURN s2s.app_problem(p_token, 'not-found');
  END IF;
  RETURN s2s.app_answer(CASE f.state WHEN 'WAITING' THEN 202 ELSE 200 END, s2s.wallet_fetch_json(f)::text);
END
$$;
COMMENT ON FUNCTION s2s.app_fetch(uuid, json) IS 'Shows a fetch: 202 while it waits.';
