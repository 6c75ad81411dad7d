-- SPDX-License-Identifier: Apache-2.0
--
-- The promises that the data keeps, as queries that return what breaks them. Details carry ids only. Scans everything:
-- for operators and tests, not for the gateway's own connections with their statement timeout.
--
--   s2s.fsck() -> setof (check_name text, detail text)
--   s2s.ledger_since() -> timestamptz

CREATE OR REPLACE FUNCTION s2s.ledger_since() RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT right(min(c.relname::text), 8)::date::timestamp AT TIME ZONE 'UTC'
  FROM pg_inherits AS i
  JOIN pg_class AS c ON c.oid = i.inhrelid
  WHERE i.inhparent = 's2s.ledger'::regclass AND c.relname <> 'ledger_default'
$$;
COMMENT ON FUNCTION s2s.ledger_since() IS 'The ledger is complete from here on: the start of its oldest partition.';

CREATE OR REPLACE FUNCTION s2s.fsck() RETURNS TABLE (check_name text, detail text)
LANGUAGE plpgsql STABLE
SET enable_seqscan = on -- the gateway's connections have it off, see README.md
AS $$
BEGIN
  RETURN QUERY
  SELECT 'verification-status', v.verification_id
  FROM s2s.verification AS v
  WHERE NOT s2s.verification_is_final(v.status) AND NOT s2s.verification_may_move(v.status, 'PENDING')

  UNION ALL
  SELECT 'verification-incomplete', v.verification_id
  FROM s2s.verification AS v
  WHERE NOT s2s.verification_is_complete(v, v.status)

  UNION ALL
  SELECT 'verification-due-at', v.verification_id
  FROM s2s.verification AS v
  WHERE v.due_at IS DISTINCT FROM s2s.verification_due_at(v.status, v.deadline, v.expires_at)

  UNION ALL
  SELECT 'verification-pending-forgotten', v.verification_id
  FROM s2s.verification AS v
  WHERE v.status = 'PENDING' AND NOT v.awaiting_decision
    AND NOT EXISTS (SELECT FROM s2s.job AS j WHERE j.kind = 'evaluate' AND j.ref = v.verification_id)
    AND NOT EXISTS (SELECT FROM s2s.job_dead AS d WHERE d.kind = 'evaluate' AND d.ref = v.verification_id)

  UNION ALL
  SELECT 'verification-without-session', v.verification_id
  FROM s2s.verification AS v
  WHERE NOT EXISTS (SELECT FROM s2s.session AS s WHERE s.session_id = v.session_id)

  UNION ALL
  SELECT 'verification-data-without-verification', d.verification_id || ' ' || d.data_seq
  FROM s2s.verification_data AS d
  WHERE NOT EXISTS (
    SELECT FROM s2s.verification AS v WHERE v.verification_id = d.verification_id AND v.data_seq >= d.data_seq)

  UNION ALL
  SELECT 'verification-data-of-final', d.verification_id || ' ' || d.data_seq
  FROM s2s.verification_data AS d
  JOIN s2s.verification AS v ON v.verification_id = d.verification_id
  WHERE s2s.verification_is_final(v.status)

  UNION ALL
  SELECT 'verification-data-octets', v.verification_id
  FROM s2s.verification AS v
  LEFT JOIN (SELECT d.verification_id, sum(s2s.submission_octets(d.client_jwe, d.server_sealed)
                                             + s2s.submission_octets(NULL, d.issuer_sealed)) AS octets
             FROM s2s.verification_data AS d
             GROUP BY d.verification_id) AS kept ON kept.verification_id = v.verification_id
  WHERE v.data_octets <> coalesce(kept.octets, 0)

  UNION ALL
  SELECT 'session-without-verification', s.session_id
  FROM s2s.session AS s
  WHERE NOT EXISTS (SELECT FROM s2s.verification AS v WHERE v.session_id = s.session_id)

  UNION ALL
  SELECT 'instance-not-approved', i.instance_id
  FROM s2s.instance AS i
  WHERE NOT EXISTS (
    SELECT FROM s2s.verification AS v
    WHERE v.verification_id = i.verification_id AND v.session_id = i.session_id AND v.status = 'APPROVED'
      AND v.approved_ids[i.ordinal] = i.configuration_id AND v.subject_refs[i.ordinal] = i.subject_ref)

  UNION ALL
  SELECT 'fetch-without-instance', f.transaction_id
  FROM s2s.fetch AS f
  WHERE NOT EXISTS (SELECT FROM s2s.instance AS i WHERE i.instance_id = f.instance_id)

  UNION ALL
  SELECT 'fetch-of-ended-instance', f.transaction_id
  FROM s2s.fetch AS f
  JOIN s2s.instance AS i ON i.instance_id = f.instance_id
  WHERE NOT s2s.instance_is_live(i)

  UNION ALL
  SELECT 'fetch-too-many', f.instance_id
  FROM s2s.fetch AS f
  GROUP BY f.instance_id
  HAVING count(*) > s2s.fetches_most()

  UNION ALL
  SELECT 'job-kind-unknown', j.job_id::text
  FROM s2s.job AS j
  WHERE j.kind NOT IN (SELECT k FROM s2s.job_kinds() AS k)

  UNION ALL
  SELECT 'job-lease-too-long', j.job_id::text
  FROM s2s.job AS j
  WHERE j.lease IS NOT NULL AND j.next_at > clock_timestamp() + interval '24 hours'

  UNION ALL
  -- A claim finishes such a job, so one that has been due for long means that nobody claims. Those of a slow backend may
  -- stand in line.
  SELECT 'job-of-final-verification', j.job_id::text
  FROM s2s.job AS j
  JOIN s2s.verification AS v ON v.verification_id = j.ref
  WHERE j.kind = 'evaluate' AND j.lane = '' AND s2s.verification_is_final(v.status)
    AND j.next_at < clock_timestamp() - interval '10 minutes'

  UNION ALL
  -- What a status owes is recorded with it. Before its lane was there, a peer was owed nothing.
  SELECT 'verification-not-owed', v.verification_id
  FROM s2s.verification AS v
  JOIN s2s.session AS s ON s.session_id = v.session_id
  JOIN s2s.lane AS l ON l.peer = s.peer AND l.created_at < v.updated_at
  WHERE s2s.verification_is_news(v.status, v.cancelled) AND v.updated_at >= s2s.ledger_since()
    AND NOT EXISTS (
      SELECT FROM s2s.ledger AS g
      WHERE g.event = 'owed' AND g.endpoint = '/verification/notify' AND g.ref = v.verification_id
        AND g.at >= v.updated_at)

  UNION ALL
  SELECT 'instance-not-owed', i.instance_id
  FROM s2s.instance AS i
  JOIN s2s.session AS s ON s.session_id = i.session_id
  JOIN s2s.lane AS l ON l.peer = s.peer AND l.created_at < i.last_status_change_time
  WHERE s2s.instance_status(i) IN ('SUSPENDED_ISSUER', 'CANCELLED')
    AND i.last_status_change_time >= s2s.ledger_since()
    AND NOT EXISTS (
      SELECT FROM s2s.ledger AS g
      WHERE g.event = 'owed' AND g.endpoint = '/credential/manage' AND g.ref = i.instance_id
        AND g.at >= i.last_status_change_time)

  UNION ALL
  SELECT 'fetch-not-owed', f.transaction_id
  FROM s2s.fetch AS f
  JOIN s2s.instance AS i ON i.instance_id = f.instance_id
  JOIN s2s.session AS s ON s.session_id = i.session_id
  JOIN s2s.lane AS l ON l.peer = s.peer AND l.created_at < f.created_at
  WHERE f.created_at >= s2s.ledger_since() AND i.ready_at IS NOT NULL
    AND NOT EXISTS (
      SELECT FROM s2s.ledger AS g
      WHERE g.event = 'owed' AND g.endpoint = '/event/notify' AND g.ref = s2s.fetch_event_ref(f.transaction_id))

  UNION ALL
  -- What was owed is owed still, or its end is recorded.
  SELECT 'delivery-lost', e.delivery_id::text
  FROM (SELECT DISTINCT ON (g.delivery_id) g.delivery_id, g.event
        FROM s2s.ledger AS g
        ORDER BY g.delivery_id, g.at DESC) AS e
  WHERE e.event IN ('owed', 'redriven')
    AND NOT EXISTS (SELECT FROM s2s.delivery AS d WHERE d.delivery_id = e.delivery_id)

  UNION ALL
  SELECT 'delivery-not-recorded', d.delivery_id::text
  FROM s2s.delivery AS d
  WHERE d.created_at >= s2s.ledger_since()
    AND NOT EXISTS (SELECT FROM s2s.ledger AS g WHERE g.delivery_id = d.delivery_id AND g.event = 'owed')

  UNION ALL
  SELECT 'delivery-flight', d.delivery_id::text
  FROM s2s.delivery AS d
  WHERE (d.lease IS NULL) <> (d.sending IS NULL) OR d.sending > d.owed

  UNION ALL
  SELECT 'delivery-lease-too-long', d.delivery_id::text
  FROM s2s.delivery AS d
  WHERE d.lease IS NOT NULL AND d.next_at > clock_timestamp() + interval '24 hours'

  UNION ALL
  SELECT 'delivery-endpoint-unknown', d.delivery_id::text
  FROM s2s.delivery AS d
  WHERE d.endpoint NOT IN (SELECT e FROM s2s.delivery_endpoints() AS e UNION ALL SELECT t FROM s2s.webhook_types() AS t)
    OR s2s.delivery_is_webhook(d.endpoint)
       <> EXISTS (SELECT FROM s2s.lane AS l WHERE l.peer = d.peer AND l.kind = 'WEBHOOK')

  UNION ALL
  SELECT 'delivery-without-lane', d.delivery_id::text
  FROM s2s.delivery AS d
  WHERE NOT EXISTS (SELECT FROM s2s.lane AS l WHERE l.peer = d.peer)

  UNION ALL
  SELECT 'ledger-in-default-partition', g.delivery_id || ' ' || g.event
  FROM s2s.ledger_default AS g

  UNION ALL
  SELECT 'answer-in-default-partition', a.peer || ' ' || a.request_id
  FROM s2s.answer_default AS a

  UNION ALL
  SELECT 'answer-twice', a.peer || ' ' || a.request_id
  FROM s2s.answer AS a
  GROUP BY a.peer, a.request_id
  HAVING count(*) > 1

  UNION ALL
  SELECT f.check_name, f.detail FROM s2s.wallet_fsck() AS f

  UNION ALL
  SELECT f.check_name, f.detail FROM s2s.reconcile_fsck() AS f

  UNION ALL
  SELECT f.check_name, f.detail FROM s2s.decision_fsck() AS f

  UNION ALL
  SELECT f.check_name, f.detail FROM s2s.admin_fsck() AS f;
END
$$;
COMMENT ON FUNCTION s2s.fsck() IS 'Broken promises; no rows when all is well.';
