-- SPDX-License-Identifier: Apache-2.0
--
-- Reconciliation of the issuer's instances, and figures, in the operators' API (admin.sql tells what these functions
-- have in common; reconcile.sql does it).
--
--   s2s.admin_reconcile(…)                                POST /v1/reconciliations
--   s2s.admin_reconciliation(p_token uuid, p_input json)  GET  /v1/reconciliations/{reconciliationId}
--   s2s.admin_reconciliations(p_token uuid, p_input json) GET  /v1/reconciliations
--   s2s.admin_stats(p_token uuid, p_input json)           GET  /v1/stats
--
--   s2s.reconcile_by(p_who text, p_role text, p_request_id uuid, p_side text, p_peer text, p_instance_id text) -> text

CREATE OR REPLACE FUNCTION s2s.reconcile_by(
  p_who text, p_role text, p_request_id uuid, p_side text, p_peer text, p_instance_id text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_run text := s2s.reconcile_start(p_side, p_peer, p_instance_id);
BEGIN
  PERFORM s2s.audit_add(p_who, p_role, p_request_id, 'reconciliation.start', v_run, json_strip_nulls(json_build_object(
    'side', p_side, 'peer', p_peer, 'credentialInstanceId', p_instance_id)));
  RETURN v_run;
END
$$;
COMMENT ON FUNCTION s2s.reconcile_by(text, text, uuid, text, text, text) IS 'An operator starts a run; which.';

CREATE OR REPLACE FUNCTION s2s.admin_reconcile(
  p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  x s2s.exchange := (p_peer, p_request_id, p_endpoint, p_digest, p_token);
  r s2s.reply := s2s.claim(x);
  v_of text := p_input -> 'body' ->> 'peer';
  v_instance_id text := p_input -> 'body' ->> 'credentialInstanceId';
  v_run text;
BEGIN
  IF r.outcome IS NOT NULL THEN
    RETURN r;
  ELSIF v_instance_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM s2s.instance AS i
                        WHERE i.instance_id = v_instance_id
                          AND (v_of IS NULL OR s2s.session_peer(i.session_id) = v_of))
  THEN
    RETURN s2s.refuse(x, 'not-found');
  END IF;
  -- In a statement before the one whose snapshot has to show it.
  v_run := s2s.reconcile_by(p_peer, p_role, p_request_id, 'ISSUER', v_of, v_instance_id);
  RETURN s2s.store(x, 202, s2s.reconcile_report(v_run)::text);
END
$$;
COMMENT ON FUNCTION s2s.admin_reconcile IS
  'Starts a run over the issuer''s instances: of one peer or all, or over one instance.';

CREATE OR REPLACE FUNCTION s2s.admin_reconciliation(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_report json := (
    SELECT s2s.reconcile_report(r.reconciliation_id)
    FROM s2s.reconciliation AS r
    WHERE r.reconciliation_id = p_input ->> 'reconciliationId' AND r.side = 'ISSUER');
BEGIN
  IF v_report IS NULL THEN
    RETURN s2s.app_problem(p_token, 'not-found');
  END IF;
  RETURN s2s.app_answer(200, v_report::text);
END
$$;
COMMENT ON FUNCTION s2s.admin_reconciliation(uuid, json) IS 'Shows a run and what it has found so far.';

CREATE OR REPLACE FUNCTION s2s.admin_reconciliations(p_token uuid, p_input json)
RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
DECLARE
  c record := s2s.cursor_read(p_input ->> 'cursor');
  v_limit integer := s2s.app_limit(p_input);
  v_items json[];
  v_cursors text[];
BEGIN
  IF NOT c.is_valid THEN
    RETURN s2s.app_bad_cursor(p_token);
  END IF;
  SELECT array_agg(json_strip_nulls(json_build_object(
           'reconciliationId', r.reconciliation_id,
           'peer', r.scope_peer,
           'credentialInstanceId', r.scope_instance,
           'scheduled', r.scheduled,
           'startedAt', s2s.rfc3339(r.started_at),
           'finishedAt', s2s.rfc3339(r.finished_at),
           'checked', r.checked,
           'found', r.found)) ORDER BY r.started_at DESC, r.reconciliation_id DESC),
         array_agg(s2s.cursor_write(r.started_at, r.reconciliation_id)
                   ORDER BY r.started_at DESC, r.reconciliation_id DESC)
  INTO v_items, v_cursors
  FROM (SELECT t.*
        FROM s2s.reconciliation AS t
        WHERE t.side = 'ISSUER' AND t.started_at <= c.before_at
          AND (t.started_at, t.reconciliation_id) < (c.before_at, c.before_id)
        ORDER BY t.started_at DESC, t.reconciliation_id DESC
        LIMIT s2s.admin_walk(v_limit)) AS r;
  RETURN s2s.admin_page('reconciliations', v_limit, v_items, v_cursors);
END
$$;
COMMENT ON FUNCTION s2s.admin_reconciliations(uuid, json) IS 'Lists runs, newest first, without what they found.';

-- ---- figures ----

CREATE OR REPLACE FUNCTION s2s.admin_stats(p_token uuid, p_input json) RETURNS s2s.reply LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- Bounded: whoever looks because there is trouble must not make more of it.
  RETURN s2s.app_answer(200, json_build_object(
    'queues', (SELECT json_agg(json_build_object(
                        'kind', q.kind, 'depth', q.depth, 'oldestAgeSeconds', round(q.oldest_age_s)::bigint,
                        'dead', q.dead) ORDER BY q.kind)
               FROM s2s.queue_stats() AS q),
    'deliveries', coalesce(
      (SELECT json_agg(json_build_object(
                'peer', d.peer, 'depth', d.depth, 'oldestAgeSeconds', round(d.oldest_age_s)::bigint,
                'blocked', d.blocked, 'dead', d.dead) ORDER BY d.peer)
       FROM s2s.delivery_stats() AS d),
      '[]'),
    'verifications', json_build_object(
      'awaitingDecision', (SELECT count(*)
                           FROM (SELECT FROM s2s.verification AS v WHERE v.awaiting_decision
                                 LIMIT (s2s.admin_bounds()).counted) AS a)),
    'bulk', json_build_object(
      'running', (SELECT count(*)
                  FROM (SELECT FROM s2s.job AS j WHERE j.kind = 'bulk' LIMIT (s2s.admin_bounds()).counted) AS b)),
    'audit', (SELECT json_build_object('seq', h.seq, 'hash', encode(h.hash, 'hex')) FROM s2s.audit_head AS h))::text);
END
$$;
COMMENT ON FUNCTION s2s.admin_stats(uuid, json) IS
  'Figures at a glance. Whoever keeps audit.hash elsewhere can tell later that nothing before it was changed.';
