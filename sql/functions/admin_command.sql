-- SPDX-License-Identifier: Apache-2.0
--
-- What an operator does with the gateway's own commands, on the machine itself: the same as in the operators' API, and
-- written down likewise.
--
--   s2s.command_instance(p_instance_id text, p_action text, p_reason text)
--       -> text: COMPLETED, NO_CHANGE, FAILED <why>, NOT_FOUND
--   s2s.command_redrive(p_delivery_id bigint)                  -> boolean: it was a dead letter
--   s2s.command_job_redrive(p_job_id bigint)                   -> boolean: it was given up
--   s2s.command_reconcile(p_side text, p_peer text)            -> text: the reconciliation_id

CREATE OR REPLACE FUNCTION s2s.command_who() RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'command-line'
$$;
COMMENT ON FUNCTION s2s.command_who() IS
  'Who does it: whoever may use the machine and the database. No token has this name.';

CREATE OR REPLACE FUNCTION s2s.command_instance(p_instance_id text, p_action text, p_reason text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_outcome text := s2s.instance_command(p_instance_id, p_action, p_reason);
BEGIN
  IF v_outcome <> 'NOT_FOUND' THEN
    PERFORM s2s.instance_audit(s2s.command_who(), 'operate', NULL, p_instance_id, p_action, v_outcome);
  END IF;
  RETURN v_outcome;
END
$$;
COMMENT ON FUNCTION s2s.command_instance(text, text, text) IS 'SUSPEND, RESUME, CANCEL, UPDATED or DISPLAY_UPDATED.';

CREATE OR REPLACE FUNCTION s2s.command_redrive(p_delivery_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  RETURN s2s.redrive_by(s2s.command_who(), 'operate', NULL, ARRAY[p_delivery_id]) > 0;
END
$$;
COMMENT ON FUNCTION s2s.command_redrive(bigint) IS 'Owes a dead letter again.';

CREATE OR REPLACE FUNCTION s2s.command_job_redrive(p_job_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF NOT s2s.job_redrive(p_job_id) THEN
    RETURN false;
  END IF;
  PERFORM s2s.audit_add(s2s.command_who(), 'operate', NULL, 'dead-job.redrive', p_job_id::text);
  RETURN true;
END
$$;
COMMENT ON FUNCTION s2s.command_job_redrive(bigint) IS 'Takes up a job again that was given up.';

CREATE OR REPLACE FUNCTION s2s.command_reconcile(p_side text, p_peer text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN s2s.reconcile_by(s2s.command_who(), 'operate', NULL, p_side, p_peer, NULL);
END
$$;
COMMENT ON FUNCTION s2s.command_reconcile(text, text) IS
  'Starts a run over the instances of one role: of one peer, or of all.';
