-- SPDX-License-Identifier: Apache-2.0
--
-- The five facts about a credential instance, and what either side may do to them (profile section 5). Both roles keep
-- them, each in a table of its own; the rules are the same.
--
--   s2s.facts_status(p_cancelled boolean, p_unlinked boolean, p_issuer_suspended boolean, p_wallet_suspended boolean,
--                    p_confirmed boolean) -> text
--   s2s.facts_act(p_side text, p_action text, INOUT confirmed boolean, INOUT wallet_suspended boolean,
--                 INOUT issuer_suspended boolean, INOUT unlinked boolean, INOUT cancelled boolean,
--                 OUT failure_reason text)

CREATE OR REPLACE FUNCTION s2s.facts_status(
  p_cancelled boolean, p_unlinked boolean, p_issuer_suspended boolean, p_wallet_suspended boolean, p_confirmed boolean)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN p_cancelled THEN 'CANCELLED'
    WHEN p_unlinked THEN 'UNLINKED'
    WHEN p_issuer_suspended THEN 'SUSPENDED_ISSUER'
    WHEN p_wallet_suspended THEN 'SUSPENDED_WALLET'
    WHEN p_confirmed THEN 'ACTIVE'
    ELSE 'IN_PROCESS'
  END
$$;
COMMENT ON FUNCTION s2s.facts_status IS 'The status that the facts amount to, strongest first.';

CREATE OR REPLACE FUNCTION s2s.facts_act(
  p_side text, p_action text,
  INOUT confirmed boolean, INOUT wallet_suspended boolean, INOUT issuer_suspended boolean, INOUT unlinked boolean,
  INOUT cancelled boolean, OUT failure_reason text)
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  -- What the state forbids. Each side resumes only its own suspension.
  failure_reason := CASE
    WHEN cancelled AND (p_side, p_action) <> ('ISSUER', 'CANCEL') THEN 'CANCELLED'
    WHEN unlinked AND p_action IN ('SUSPEND', 'RESUME', 'CONFIRM') THEN 'UNLINKED'
    WHEN (p_side, p_action) = ('WALLET', 'RESUME') AND issuer_suspended AND NOT wallet_suspended
      THEN 'SUSPENDED_BY_ISSUER'
    WHEN (p_side, p_action) = ('ISSUER', 'RESUME') AND wallet_suspended AND NOT issuer_suspended
      THEN 'SUSPENDED_BY_WALLET'
  END;
  IF failure_reason IS NOT NULL THEN
    RETURN;
  END IF;

  CASE p_side || ' ' || p_action
    WHEN 'WALLET CONFIRM' THEN confirmed := true;
    WHEN 'WALLET SUSPEND' THEN wallet_suspended := true;
    WHEN 'WALLET RESUME' THEN wallet_suspended := false;
    WHEN 'WALLET UNLINK' THEN unlinked := true;
    WHEN 'ISSUER SUSPEND' THEN issuer_suspended := true;
    WHEN 'ISSUER RESUME' THEN issuer_suspended := false;
    WHEN 'ISSUER CANCEL' THEN cancelled := true;
  END CASE;
END
$$;
COMMENT ON FUNCTION s2s.facts_act IS
  'The facts after an act, or why it cannot be. An action that does not exist for that side is a bug and raises.';
