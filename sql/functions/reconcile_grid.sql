-- SPDX-License-Identifier: Apache-2.0
--
-- The grid of reconciliation (profile section 5): what this side and its peer may say of one instance, and what follows
-- when it does not agree. One row per cell that acts; what has no row agrees, or is the peer's to tell.
--
-- An action says how the difference is settled: "record …" changes the facts of this side, "send …" tells the peer.
--
--   s2s.reconcile_ours(p_side text, p_instance_id text)                 -> (status text, changed_at timestamptz)
--   s2s.reconcile_grid_issuer(i s2s.instance, p_theirs text, p_version text, p_settled_before timestamptz)
--       -> setof (finding text, action text)
--   s2s.reconcile_grid_wallet(i s2s.wallet_instance, p_theirs text, p_version text)
--       -> setof (finding text, action text)
--   s2s.reconcile_differences(p_side text, p_instance_id text, p_status int, p_answer jsonb, p_in_process_limit interval)
--       -> setof (theirs text, finding text, action text)
--   s2s.reconcile_is_under_way(p_side text, p_instance_id text, p_action text)  -> boolean
--   s2s.reconcile_act(p_side text, p_instance_id text, p_action text)

CREATE OR REPLACE FUNCTION s2s.reconcile_ours(
  p_side text, p_instance_id text, OUT status text, OUT changed_at timestamptz)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_side = 'ISSUER' THEN
    SELECT s2s.instance_status(i), i.last_status_change_time INTO status, changed_at
    FROM s2s.instance AS i
    WHERE i.instance_id = p_instance_id;
  ELSE
    SELECT s2s.wallet_instance_status(i), i.last_status_change_time INTO status, changed_at
    FROM s2s.wallet_instance AS i
    WHERE i.instance_id = p_instance_id;
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.reconcile_ours(text, text) IS 'How this side shows an instance, and since when.';

-- ---- the cells ----

CREATE OR REPLACE FUNCTION s2s.reconcile_grid_issuer(
  i s2s.instance, p_theirs text, p_version text, p_settled_before timestamptz)
RETURNS TABLE (finding text, action text) LANGUAGE sql IMMUTABLE AS $$
  SELECT cell.finding, cell.action
  FROM (SELECT NOT (i.cancelled OR i.unlinked) AS lives,
               p_theirs IN ('IN_PROCESS', 'ACTIVE', 'SUSPENDED_ISSUER', 'SUSPENDED_WALLET') AS theirs_lives,
               p_theirs IN ('UNLINKED', 'CANCELLED') AS theirs_is_over) AS f
  CROSS JOIN LATERAL (VALUES
    (lives AND p_theirs IS NULL AND i.created_at < p_settled_before, 'unknown to the wallet', NULL),
    (lives AND NOT theirs_lives AND NOT theirs_is_over, 'the wallet cannot tell', NULL),
    (i.cancelled AND theirs_lives, 'cancelled, which the wallet does not know', 'send UNLINK'),
    -- A wallet that says CANCELLED heard so from a database that is gone. It has unlinked the credential in any case;
    -- to cancel is the issuer's own decision.
    (lives AND theirs_is_over, 'over at the wallet', 'record UNLINK'),
    (lives AND theirs_lives AND i.issuer_suspended AND p_theirs <> 'SUSPENDED_ISSUER',
     'suspended by the issuer, which the wallet does not know', 'send SUSPEND'),
    (lives AND NOT i.issuer_suspended AND p_theirs = 'SUSPENDED_ISSUER',
     'resumed by the issuer, which the wallet does not know', 'send RESUME'),
    -- The issuer's suspension hides the wallet's.
    (lives AND NOT i.wallet_suspended AND p_theirs = 'SUSPENDED_WALLET', 'suspended by the wallet', 'record SUSPEND'),
    (lives AND i.wallet_suspended AND p_theirs IN ('IN_PROCESS', 'ACTIVE'), 'resumed by the wallet', 'record RESUME'),
    (lives AND NOT i.confirmed AND p_theirs = 'ACTIVE' AND i.created_at < p_settled_before,
     'active at the wallet', 'record CONFIRM'),
    -- Also one that this database knows nothing of, as it is older than the credential.
    (lives AND theirs_lives AND p_version IS NOT NULL AND p_version IS DISTINCT FROM i.credential_version,
     'versions differ', 'send CREDENTIAL_UPDATE_AVAILABLE')
  ) AS cell (is_so, finding, action)
  WHERE cell.is_so
$$;
COMMENT ON FUNCTION s2s.reconcile_grid_issuer IS
  'What the issuer finds when a wallet shows p_theirs (null: it knows no such instance) and p_version (null: unknown). The '
  'wallet may be about to take over, or to confirm, an instance that was made after p_settled_before.';

CREATE OR REPLACE FUNCTION s2s.reconcile_grid_wallet(i s2s.wallet_instance, p_theirs text, p_version text)
RETURNS TABLE (finding text, action text) LANGUAGE sql IMMUTABLE AS $$
  SELECT cell.finding, cell.action
  FROM (SELECT NOT (i.cancelled OR i.unlinked) AS lives,
               p_theirs IN ('IN_PROCESS', 'ACTIVE', 'SUSPENDED_ISSUER', 'SUSPENDED_WALLET') AS theirs_lives,
               p_theirs IN ('UNLINKED', 'CANCELLED') AS theirs_is_over) AS f
  CROSS JOIN LATERAL (VALUES
    (lives AND p_theirs IS NULL, 'unknown to the issuer', 'record MISSING'),
    (lives AND NOT theirs_lives AND NOT theirs_is_over, 'the issuer cannot tell', NULL),
    (lives AND p_theirs = 'CANCELLED', 'cancelled by the issuer', 'record CANCEL'),
    (lives AND p_theirs = 'UNLINKED', 'unlinked at the issuer', 'record UNLINK'),
    (i.unlinked AND theirs_lives, 'unlinked, which the issuer does not know', 'send UNLINK'),
    (lives AND NOT i.issuer_suspended AND p_theirs = 'SUSPENDED_ISSUER', 'suspended by the issuer', 'record SUSPEND'),
    (lives AND i.issuer_suspended AND theirs_lives AND p_theirs <> 'SUSPENDED_ISSUER',
     'resumed by the issuer', 'record RESUME'),
    -- The issuer's suspension hides the wallet's.
    (lives AND i.wallet_suspended AND p_theirs IN ('IN_PROCESS', 'ACTIVE'),
     'suspended by the wallet, which the issuer does not know', 'send SUSPEND'),
    (lives AND NOT i.wallet_suspended AND p_theirs = 'SUSPENDED_WALLET',
     'resumed by the wallet, which the issuer does not know', 'send RESUME'),
    (lives AND i.confirmed AND p_theirs = 'IN_PROCESS',
     'provisioned, which the issuer does not know', 'send PROVISIONING_SUCCESS'),
    -- The issuer heard so from this wallet, whose database has forgotten it.
    (lives AND NOT i.confirmed AND p_theirs = 'ACTIVE', 'active at the issuer', 'record CONFIRM'),
    (lives AND theirs_lives AND p_version <> i.credential_version AND NOT i.update_available,
     'versions differ', 'record CREDENTIAL_UPDATE_AVAILABLE')
  ) AS cell (is_so, finding, action)
  WHERE cell.is_so
$$;
COMMENT ON FUNCTION s2s.reconcile_grid_wallet IS
  'What the wallet finds when an issuer shows p_theirs (null: it knows no such instance) and p_version (null: unknown).';

CREATE OR REPLACE FUNCTION s2s.reconcile_differences(
  p_side text, p_instance_id text, p_status integer, p_answer jsonb, p_in_process_limit interval)
RETURNS TABLE (theirs text, finding text, action text) LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_theirs text := s2s.text_member(p_answer, 'currentStatus');
  v_version text := nullif(s2s.text_member(p_answer, 'currentVersion'), 'unknown');
BEGIN
  IF p_status NOT IN (200, 404) THEN
    RETURN QUERY SELECT NULL, CASE p_status WHEN 0 THEN 'no answer' ELSE 'refused: HTTP ' || p_status END, NULL;
    RETURN;
  ELSIF p_status = 404 THEN
    v_theirs := NULL;
  ELSIF v_theirs NOT IN ('IN_PROCESS', 'ACTIVE', 'SUSPENDED_ISSUER', 'SUSPENDED_WALLET', 'UNLINKED', 'CANCELLED') IS NOT FALSE
  THEN
    v_theirs := 'UNKNOWN';
  END IF;

  IF p_side = 'ISSUER' THEN
    RETURN QUERY
    SELECT v_theirs, g.finding, g.action
    FROM s2s.instance AS i,
         s2s.reconcile_grid_issuer(i, v_theirs, v_version, clock_timestamp() - p_in_process_limit) AS g
    WHERE i.instance_id = p_instance_id;
  ELSE
    RETURN QUERY
    SELECT v_theirs, g.finding, g.action
    FROM s2s.wallet_instance AS i, s2s.reconcile_grid_wallet(i, v_theirs, v_version) AS g
    WHERE i.instance_id = p_instance_id;
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.reconcile_differences IS 'What an answer of the peer shows to be different.';

-- ---- what follows ----

CREATE OR REPLACE FUNCTION s2s.reconcile_is_under_way(p_side text, p_instance_id text, p_action text)
RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN p_action IN ('send UNLINK', 'send SUSPEND', 'send RESUME') THEN
      EXISTS (SELECT FROM s2s.delivery AS d
              WHERE d.ref = p_instance_id AND d.endpoint = '/credential/manage' AND d.side = p_side)
    WHEN p_action = 'send CREDENTIAL_UPDATE_AVAILABLE' THEN
      EXISTS (SELECT FROM s2s.delivery AS d
              WHERE d.ref = 'CREDENTIAL_UPDATE_AVAILABLE:' || p_instance_id AND d.endpoint = '/event/notify'
                AND d.side = p_side)
    WHEN p_action = 'send PROVISIONING_SUCCESS' THEN
      EXISTS (SELECT FROM s2s.wallet_event AS e
              WHERE e.instance_id = p_instance_id AND e.event_type = 'PROVISIONING_SUCCESS')
    WHEN p_side = 'WALLET' AND p_action IN ('record CANCEL', 'record SUSPEND', 'record RESUME') THEN
      EXISTS (SELECT FROM s2s.wallet_lifecycle AS l
              WHERE l.instance_id = p_instance_id AND l.state IN ('REQUESTED', 'SCHEDULED'))
    ELSE false
  END
$$;
COMMENT ON FUNCTION s2s.reconcile_is_under_way(text, text, text) IS
  'Whether the difference is about to be settled anyhow: the peer is owed the word, or the operator''s backend is at it.';

CREATE OR REPLACE FUNCTION s2s.reconcile_act(p_side text, p_instance_id text, p_action text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  i s2s.instance;
  w s2s.wallet_instance;
  v_what text := split_part(p_action, ' ', 2);
BEGIN
  IF p_action IS NULL THEN
    RETURN;
  ELSIF p_side = 'ISSUER' THEN
    SELECT t.* INTO STRICT i FROM s2s.instance AS t WHERE t.instance_id = p_instance_id;
  ELSE
    SELECT t.* INTO STRICT w FROM s2s.wallet_instance AS t WHERE t.instance_id = p_instance_id;
  END IF;

  CASE
    WHEN p_action IN ('send UNLINK', 'send SUSPEND', 'send RESUME') THEN
      -- What it says is read from the facts when it is sent.
      PERFORM s2s.delivery_owe(coalesce(w.issuer, s2s.session_peer(i.session_id)), '/credential/manage', p_instance_id,
                               json_build_object('reason', 'RECONCILED'), p_side => p_side);
    WHEN p_side = 'ISSUER' AND p_action = 'send CREDENTIAL_UPDATE_AVAILABLE' THEN
      PERFORM s2s.instance_command(p_instance_id, 'UPDATED', NULL);
    WHEN p_side = 'ISSUER' THEN
      PERFORM s2s.instance_act(i, 'WALLET', v_what, 'RECONCILED');
    WHEN p_action = 'send PROVISIONING_SUCCESS' THEN
      PERFORM s2s.wallet_event_owe(w, 'PROVISIONING_SUCCESS', NULL, NULL, NULL);
    WHEN p_action = 'record CREDENTIAL_UPDATE_AVAILABLE' THEN
      PERFORM s2s.wallet_flag(w, true, false);
    WHEN p_action = 'record MISSING' THEN
      UPDATE s2s.wallet_instance AS u SET missing_at = clock_timestamp() WHERE u.instance_id = p_instance_id;
    WHEN p_action IN ('record UNLINK', 'record CONFIRM') THEN
      -- The issuer knows: it said so.
      PERFORM s2s.wallet_act(w, 'WALLET', v_what, 'RECONCILED', p_tell => false);
    ELSE
      PERFORM s2s.wallet_act(w, 'ISSUER', v_what, 'RECONCILED');
  END CASE;
END
$$;
COMMENT ON FUNCTION s2s.reconcile_act(text, text, text) IS 'Settles a difference of a (locked) instance.';
