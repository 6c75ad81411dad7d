-- SPDX-License-Identifier: Apache-2.0
--
-- The promises of the tables of reconciliation and of issuers' metadata (see fsck.sql).
--
--   s2s.reconcile_fsck() -> setof (check_name text, detail text)

CREATE OR REPLACE FUNCTION s2s.reconcile_fsck() RETURNS TABLE (check_name text, detail text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  SELECT 'reconciliation-check-of-no-run', k.reconciliation_id || ' ' || k.instance_id
  FROM s2s.reconciliation_check AS k
  WHERE NOT EXISTS (
    SELECT FROM s2s.reconciliation AS r
    WHERE r.reconciliation_id = k.reconciliation_id AND r.side = k.side AND r.finished_at IS NULL)

  UNION ALL
  SELECT 'reconciliation-finding-of-no-run', f.reconciliation_id || ' ' || f.finding_id
  FROM s2s.reconciliation_finding AS f
  WHERE NOT EXISTS (SELECT FROM s2s.reconciliation AS r WHERE r.reconciliation_id = f.reconciliation_id)

  UNION ALL
  -- Runs that are too old are forgotten bit by bit.
  SELECT 'reconciliation-counts', r.reconciliation_id
  FROM s2s.reconciliation AS r
  WHERE r.finished_at > clock_timestamp() - (s2s.reconcile_bounds()).retention
    AND (NOT r.walked OR r.checked <> r.asked
         OR r.found <> (SELECT count(*) FROM s2s.reconciliation_finding AS f
                        WHERE f.reconciliation_id = r.reconciliation_id))

  UNION ALL
  SELECT 'issuer-metadata-lease-too-long', m.issuer
  FROM s2s.issuer_metadata AS m
  WHERE m.lease IS NOT NULL AND m.next_at > clock_timestamp() + interval '24 hours'

  UNION ALL
  SELECT 'issuer-metadata-without-document', m.issuer
  FROM s2s.issuer_metadata AS m
  WHERE m.body IS NULL AND num_nonnulls(m.etag, m.fetched_at, m.expires_at) > 0;
END
$$;
COMMENT ON FUNCTION s2s.reconcile_fsck() IS 'Broken promises of these tables, for s2s.fsck().';
