-- SPDX-License-Identifier: Apache-2.0
--
-- The promises of decisions, datasets and offers, and of sessions that are verified again (see fsck.sql).
--
--   s2s.decision_fsck() -> setof (check_name text, detail text)

CREATE OR REPLACE FUNCTION s2s.decision_fsck() RETURNS TABLE (check_name text, detail text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  SELECT 'verification-attestation', v.verification_id
  FROM s2s.verification AS v
  WHERE v.attestation NOT IN ('VERIFIED', 'ABSENT', 'INVALID', 'IGNORED')

  UNION ALL
  SELECT 'verification-undecided', v.verification_id
  FROM s2s.verification AS v
  WHERE v.undecided_reason IS NOT NULL AND NOT (v.status = 'PENDING' AND v.awaiting_decision)

  UNION ALL
  -- Each is the first of its session, or has been opened by a nonce; and there is none that nobody opened.
  SELECT 'verification-not-opened', v.verification_id
  FROM s2s.verification AS v
  WHERE EXISTS (SELECT FROM s2s.session AS s WHERE s.session_id = v.session_id)
    AND v.verification_id NOT IN (SELECT known.id FROM s2s.session_verifications(v.session_id) AS known (id))

  UNION ALL
  SELECT 'nonce-without-verification', n.session_id || ' ' || n.verification_id
  FROM s2s.nonce_jti AS n
  WHERE NOT EXISTS (
    SELECT FROM s2s.verification AS v WHERE v.verification_id = n.verification_id AND v.session_id = n.session_id)

  UNION ALL
  SELECT 'nonce-twice', n.session_id || ' ' || n.verification_id
  FROM s2s.nonce_jti AS n
  JOIN s2s.session AS s ON s.session_id = n.session_id
  WHERE s.nonce_jti = n.jti OR s.verification_id = n.verification_id

  UNION ALL
  SELECT 'session-verified-twice-at-once', v.session_id
  FROM s2s.verification AS v
  WHERE NOT s2s.verification_is_final(v.status)
  GROUP BY v.session_id
  HAVING count(*) > 1

  UNION ALL
  SELECT 'root-not-approved', v.verification_id
  FROM s2s.verification AS v
  WHERE v.root_verification_id IS NOT NULL
    AND NOT EXISTS (
      SELECT FROM s2s.verification AS r
      WHERE r.verification_id = v.root_verification_id AND r.status = 'APPROVED' AND r.root_verification_id IS NULL)

  UNION ALL
  SELECT 'devices-exceeded', r.root_verification_id
  FROM (SELECT DISTINCT v.root_verification_id FROM s2s.verification AS v WHERE v.root_verification_id IS NOT NULL) AS r
  WHERE s2s.devices_authorized(r.root_verification_id)
          < (SELECT count(*) FROM s2s.devices_held(r.root_verification_id))

  UNION ALL
  SELECT 'instance-link-of-nothing', l.verification_id || ' ' || l.ordinal
  FROM s2s.instance_link AS l
  WHERE NOT EXISTS (
    SELECT
    FROM s2s.verification AS v
    JOIN s2s.instance AS i ON i.instance_id = l.instance_id AND i.session_id = v.session_id
    WHERE v.verification_id = l.verification_id AND v.approved_ids[l.ordinal] = i.configuration_id
      AND v.subject_refs[l.ordinal] = i.subject_ref)
    OR EXISTS (SELECT FROM s2s.instance AS i WHERE i.verification_id = l.verification_id AND i.ordinal = l.ordinal)

  UNION ALL
  -- One instance for a dataset on a device.
  SELECT 'instance-twice', min(i.instance_id)
  FROM s2s.instance AS i
  WHERE s2s.instance_is_live(i)
  GROUP BY i.session_id, i.configuration_id, i.subject_ref
  HAVING count(*) > 1

  UNION ALL
  SELECT 'dataset-of-no-live-instance', d.instance_id
  FROM s2s.instance_dataset AS d
  WHERE NOT EXISTS (SELECT FROM s2s.instance AS i WHERE i.instance_id = d.instance_id AND s2s.instance_is_live(i))

  UNION ALL
  -- A get that waits for a backend's word: somebody asks for it, or an operator can see that nobody does.
  SELECT 'fetch-forgotten', f.transaction_id
  FROM s2s.fetch AS f
  JOIN s2s.instance AS i ON i.instance_id = f.instance_id
  WHERE i.ready_at IS NULL AND s2s.instance_is_live(i)
    AND NOT EXISTS (
      SELECT FROM s2s.job AS j WHERE j.job_id = i.dataset_job AND j.kind = 'dataset' AND j.ref = i.instance_id)
    AND NOT EXISTS (SELECT FROM s2s.job_dead AS d WHERE d.kind = 'dataset' AND d.ref = i.instance_id)

  UNION ALL
  SELECT 'offer-used', o.offer_id
  FROM s2s.credential_offer AS o
  WHERE num_nulls(o.used_by, o.used_at) = 1
    OR o.used_by IS NOT NULL
       AND (o.revoked_at IS NOT NULL
            OR NOT EXISTS (SELECT FROM s2s.verification AS v WHERE v.verification_id = o.used_by))

  UNION ALL
  SELECT 'offer-attempts', o.offer_id
  FROM s2s.credential_offer AS o
  WHERE o.attempts_left < 0
    OR o.attempts_left <> o.attempts - (SELECT count(*) FROM s2s.offer_failure AS f WHERE f.offer_id = o.offer_id)

  UNION ALL
  SELECT 'offer-failure-of-no-offer', f.offer_id
  FROM s2s.offer_failure AS f
  WHERE NOT EXISTS (SELECT FROM s2s.credential_offer AS o WHERE o.offer_id = f.offer_id)

  UNION ALL
  SELECT 'offer-readable-when-over', o.offer_id
  FROM s2s.credential_offer AS o
  WHERE o.document_sealed IS NOT NULL
    AND (o.used_by IS NOT NULL OR o.revoked_at IS NOT NULL OR o.attempts_left <= 0);
END
$$;
COMMENT ON FUNCTION s2s.decision_fsck() IS 'Broken promises of these tables, for s2s.fsck().';
