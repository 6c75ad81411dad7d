-- SPDX-License-Identifier: Apache-2.0
--
-- The promises of what operators do (see fsck.sql): the audit ledger is unbroken, and nothing that only operators can
-- bring about is without its entry.
--
--   s2s.admin_fsck() -> setof (check_name text, detail text)
--   s2s.audit_has(p_ref text, p_action text, p_since timestamptz, p_who text DEFAULT NULL) -> boolean

CREATE OR REPLACE FUNCTION s2s.audit_has(p_ref text, p_action text, p_since timestamptz, p_who text DEFAULT NULL)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (
    SELECT FROM s2s.audit AS a
    WHERE a.ref = p_ref AND a.action = p_action AND a.at >= p_since AND (p_who IS NULL OR a.who = p_who));
END
$$;
COMMENT ON FUNCTION s2s.audit_has(text, text, timestamptz, text) IS
  'Whether something that was done then is written down.';

CREATE OR REPLACE FUNCTION s2s.admin_fsck() RETURNS TABLE (check_name text, detail text) LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_since timestamptz := (SELECT h.since FROM s2s.audit_head AS h);
BEGIN
  RETURN QUERY
  SELECT 'audit-chain', a.seq::text
  FROM (SELECT t.*, s2s.audit_hash(t) AS computed,
               lag(t.hash, 1, decode(repeat('00', 32), 'hex')) OVER (ORDER BY t.seq) AS before,
               row_number() OVER (ORDER BY t.seq) AS n
        FROM s2s.audit AS t) AS a
  WHERE a.hash <> a.computed OR a.previous_hash <> a.before OR a.seq <> a.n

  UNION ALL
  SELECT 'audit-head', coalesce(h.seq, 0) || ' ' || coalesce(last.seq, 0)
  FROM (VALUES (true)) AS always
  LEFT JOIN s2s.audit_head AS h ON true
  LEFT JOIN (SELECT t.seq, t.hash FROM s2s.audit AS t ORDER BY t.seq DESC LIMIT 1) AS last ON true
  WHERE h.seq IS NULL OR h.seq <> coalesce(last.seq, 0) OR h.hash <> last.hash

  UNION ALL
  SELECT 'verification-decision-not-audited', v.verification_id
  FROM s2s.verification AS v
  WHERE v.decided_by IS NOT NULL
    AND NOT s2s.audit_has(v.verification_id, 'verification.decide', v.updated_at, v.decided_by)
    AND NOT s2s.audit_has(v.verification_id, 'verification.request-info', v.updated_at, v.decided_by)

  UNION ALL
  SELECT 'verification-peer', v.verification_id
  FROM s2s.verification AS v
  JOIN s2s.session AS s ON s.session_id = v.session_id
  WHERE s.peer <> v.peer

  UNION ALL
  -- These statuses come of nothing but what the issuer's operator does.
  SELECT 'instance-act-not-audited', i.instance_id
  FROM s2s.instance AS i
  WHERE i.last_status_change_time >= v_since
    AND (s2s.instance_status(i) = 'CANCELLED'
           AND NOT s2s.audit_has(i.instance_id, 'instance.cancel', i.last_status_change_time)
         OR s2s.instance_status(i) = 'SUSPENDED_ISSUER'
           AND NOT s2s.audit_has(i.instance_id, 'instance.suspend', i.last_status_change_time))

  UNION ALL
  SELECT 'dataset-not-audited', d.instance_id
  FROM s2s.instance_dataset AS d
  WHERE d.pushed_at >= v_since AND NOT s2s.audit_has(d.instance_id, 'dataset.put', d.pushed_at)

  UNION ALL
  SELECT 'offer-not-audited', o.offer_id
  FROM s2s.credential_offer AS o
  WHERE o.created_at >= v_since
    AND (NOT s2s.audit_has(o.offer_id, 'offer.make', o.created_at, o.created_by)
         OR o.revoked_at IS NOT NULL AND NOT s2s.audit_has(o.offer_id, 'offer.revoke', o.revoked_at, o.revoked_by))

  UNION ALL
  SELECT 'redrive-not-audited', g.delivery_id::text
  FROM s2s.ledger AS g
  WHERE g.event = 'redriven' AND g.at >= v_since
    -- By the thing: what was owed anew meanwhile has another id.
    AND NOT EXISTS (
      SELECT FROM s2s.audit AS a
      WHERE a.action = 'dead-letter.redrive' AND a.detail ->> 'ref' = g.ref AND a.detail ->> 'endpoint' = g.endpoint
        AND a.detail ->> 'peer' = g.peer AND a.at >= g.at)

  UNION ALL
  SELECT 'reconciliation-not-audited', r.reconciliation_id
  FROM s2s.reconciliation AS r
  WHERE r.side = 'ISSUER' AND NOT r.scheduled AND r.started_at >= v_since
    AND NOT s2s.audit_has(r.reconciliation_id, 'reconciliation.start', r.started_at)

  UNION ALL
  SELECT 'bulk-not-audited', b.bulk_id
  FROM s2s.bulk AS b
  WHERE NOT s2s.audit_has(b.bulk_id, 'bulk.start', b.started_at, b.who)

  UNION ALL
  -- Each act of a run has its entry, and none has two.
  SELECT 'bulk-acts', b.bulk_id
  FROM s2s.bulk AS b
  LEFT JOIN (SELECT a.detail ->> 'bulkId' AS bulk_id, count(*) AS acts, count(DISTINCT a.ref) AS instances
             FROM s2s.audit AS a
             WHERE a.action LIKE 'instance.%'
             GROUP BY a.detail ->> 'bulkId') AS done ON done.bulk_id = b.bulk_id
  WHERE b.done + b.failed <> coalesce(done.acts, 0) OR done.acts <> done.instances

  UNION ALL
  SELECT 'bulk-progress', b.bulk_id
  FROM s2s.bulk AS b
  WHERE b.finished_at IS NOT NULL AND b.done + b.failed <> b.total
     OR b.counted_at IS NULL AND (b.finished_at IS NOT NULL OR b.done + b.failed > 0)

  UNION ALL
  SELECT 'bulk-forgotten', b.bulk_id
  FROM s2s.bulk AS b
  WHERE b.finished_at IS NULL
    AND NOT EXISTS (SELECT FROM s2s.job AS j WHERE j.kind = 'bulk' AND j.ref = b.bulk_id)
    AND NOT EXISTS (SELECT FROM s2s.job_dead AS d WHERE d.kind = 'bulk' AND d.ref = b.bulk_id)

  UNION ALL
  SELECT 'bulk-job-of-no-run', j.job_id::text
  FROM s2s.job AS j
  WHERE j.kind = 'bulk'
    AND NOT EXISTS (SELECT FROM s2s.bulk AS b WHERE b.bulk_id = j.ref AND b.finished_at IS NULL);
END
$$;
COMMENT ON FUNCTION s2s.admin_fsck() IS 'Broken promises of what operators do, for s2s.fsck().';
