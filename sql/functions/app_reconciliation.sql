-- SPDX-License-Identifier: Apache-2.0
--
-- Reconciliation in the application API (app.sql tells what these functions have in common; reconcile.sql does it).
--
--   s2s.app_reconcile(…)                               POST /v1/reconciliations
--   s2s.app_reconciliation(p_token uuid, p_input json) GET  /v1/reconciliations/{reconciliationId}

CREATE OR REPLACE FUNCTION s2s.app_reconcile(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  v_issuer text := p_input -> 'body' ->> 'issuer';
  v_instance_id text := p_input -> 'body' ->> 'credentialInstanceId';
  v_run text;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  ELSIF v_instance_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM s2s.wallet_instance AS i
                        WHERE i.instance_id = v_instance_id AND i.issuer = coalesce(v_issuer, i.issuer))
  THEN
    RETURN s2s.refuse(x, 'not-found');
  END IF;
  -- In a statement before the one whose snapshot has to show it.
  v_run := s2s.reconcile_start('WALLET', v_issuer, v_instance_id);
  RETURN s2s.store(x, 202, s2s.reconcile_report(v_run)::text);
END
$$;
COMMENT ON FUNCTION s2s.app_reconcile IS
  'Starts a run over the wallet''s instances: of one issuer or all, or over one instance.';

CREATE OR REPLACE FUNCTION s2s.app_reconciliation(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_report json := (
    SELECT s2s.reconcile_report(r.reconciliation_id)
    FROM s2s.reconciliation AS r
    WHERE r.reconciliation_id = p_input ->> 'reconciliationId' AND r.side = 'WALLET');
BEGIN
  IF v_report IS NULL THEN
    RETURN s2s.app_problem(p_token, 'not-found');
  END IF;
  RETURN s2s.app_answer(200, v_report::text);
END
$$;
COMMENT ON FUNCTION s2s.app_reconciliation(uuid, json) IS 'Shows a run and what it has found so far.';
