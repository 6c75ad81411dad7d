-- SPDX-License-Identifier: Apache-2.0
--
-- The promises of the wallet's tables (see fsck.sql): whatever is not settled is owed to somebody, or an operator can
-- see why it is not.
--
--   s2s.is_owed(p_endpoint text, p_ref text, p_side text) -> boolean
--   s2s.wallet_fsck() -> setof (check_name text, detail text)

CREATE OR REPLACE FUNCTION s2s.is_owed(p_endpoint text, p_ref text, p_side text)
RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM s2s.delivery AS d WHERE d.ref = p_ref AND d.endpoint = p_endpoint AND d.side = p_side)
         OR EXISTS (SELECT FROM s2s.delivery_dead AS x
                    WHERE x.ref = p_ref AND x.endpoint = p_endpoint AND x.side = p_side)
$$;
COMMENT ON FUNCTION s2s.is_owed(text, text, text) IS
  'Somebody is owed word of a thing, or a dead letter says that he is not.';

CREATE OR REPLACE FUNCTION s2s.wallet_fsck() RETURNS TABLE (check_name text, detail text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  SELECT 'wallet-session-status', w.session_id
  FROM s2s.wallet_session AS w
  WHERE w.status NOT IN (SELECT s FROM s2s.wallet_statuses() AS s)
    OR w.status = 'STARTING' AND w.body_sealed IS NULL
    OR w.status NOT IN ('STARTING', 'FAILED') AND w.verification_id IS NULL

  UNION ALL
  -- The body is kept until initiate is answered.
  SELECT 'wallet-session-forgotten', w.session_id
  FROM s2s.wallet_session AS w
  WHERE w.body_sealed IS NOT NULL AND NOT s2s.is_owed('/verification/initiate', w.session_id, 'WALLET')

  UNION ALL
  SELECT 'wallet-session-not-polled', w.session_id
  FROM s2s.wallet_session AS w
  WHERE w.polled AND NOT s2s.wallet_session_is_final(w.status)
    AND NOT s2s.is_owed('/verification/status', w.session_id, 'WALLET')

  UNION ALL
  SELECT 'wallet-session-polled-for-ever', w.session_id
  FROM s2s.delivery AS d
  JOIN s2s.wallet_session AS w ON w.session_id = d.ref
  WHERE d.endpoint = '/verification/status' AND d.side = 'WALLET' AND s2s.wallet_session_is_final(w.status)

  UNION ALL
  SELECT 'wallet-session-not-provisioned', w.session_id
  FROM s2s.wallet_session AS w
  WHERE w.status = 'APPROVED'
    AND NOT EXISTS (SELECT FROM s2s.wallet_instance AS i WHERE i.session_id = w.session_id)
    AND NOT s2s.is_owed('/credential/provision', w.session_id, 'WALLET')

  UNION ALL
  -- Without a verificationId, the answer to initiate will owe it.
  SELECT 'wallet-submission-forgotten', s.session_id || ' ' || s.seq
  FROM s2s.wallet_submission AS s
  LEFT JOIN s2s.wallet_session AS w ON w.session_id = s.session_id AND NOT s2s.wallet_session_is_final(w.status)
  WHERE w.session_id IS NULL
    OR w.verification_id IS NOT NULL AND NOT s2s.is_owed('/verification/supplement', s.session_id, 'WALLET')

  UNION ALL
  SELECT 'wallet-instance-without-session', i.instance_id
  FROM s2s.wallet_instance AS i
  WHERE NOT EXISTS (
    SELECT FROM s2s.wallet_session AS w
    WHERE w.session_id = i.session_id AND w.issuer = i.issuer AND w.status = 'APPROVED')

  UNION ALL
  SELECT 'wallet-fetch-without-instance', f.fetch_id
  FROM s2s.wallet_fetch AS f
  WHERE NOT EXISTS (SELECT FROM s2s.wallet_instance AS i WHERE i.instance_id = f.instance_id)

  UNION ALL
  SELECT 'wallet-fetch-state', f.fetch_id
  FROM s2s.wallet_fetch AS f
  WHERE f.state NOT IN ('WAITING', 'READY', 'FAILED') OR (f.state = 'READY') <> (f.answer IS NOT NULL)

  UNION ALL
  SELECT 'wallet-fetch-forgotten', f.fetch_id
  FROM s2s.wallet_fetch AS f
  WHERE f.state = 'WAITING' AND NOT s2s.is_owed('/credential/get', f.fetch_id, 'WALLET')

  UNION ALL
  SELECT 'wallet-event-forgotten', e.event_id
  FROM s2s.wallet_event AS e
  WHERE NOT s2s.is_owed('/event/notify', e.event_id, 'WALLET')

  UNION ALL
  SELECT 'wallet-lifecycle-forgotten', l.lifecycle_id
  FROM s2s.wallet_lifecycle AS l
  WHERE l.state = 'REQUESTED' AND NOT s2s.is_owed('lifecycle.requested', l.lifecycle_id, 'WALLET')

  UNION ALL
  SELECT 'wallet-lifecycle-without-instance', l.lifecycle_id
  FROM s2s.wallet_lifecycle AS l
  WHERE NOT EXISTS (SELECT FROM s2s.wallet_instance AS i WHERE i.instance_id = l.instance_id);
END
$$;
COMMENT ON FUNCTION s2s.wallet_fsck() IS 'Broken promises of the wallet''s tables, for s2s.fsck().';
