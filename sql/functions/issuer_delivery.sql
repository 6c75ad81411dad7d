-- SPDX-License-Identifier: Apache-2.0
--
-- What the issuer tells its wallets on its own account, and what their answers do: the issuer's side of the seams in
-- delivery.sql.
--
--   s2s.issuer_message(d s2s.delivery)                                      -> (body text, session_id text)
--   s2s.issuer_lock_thing(d s2s.delivery)
--   s2s.issuer_answered(d s2s.delivery, p_status int, p_answer jsonb)       -> text: detail for the ledger
--   s2s.issuer_refused(d s2s.delivery, p_status int, p_answer jsonb)        -> text: done, null: a dead letter

CREATE OR REPLACE FUNCTION s2s.issuer_message(d s2s.delivery, OUT body text, OUT session_id text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  CASE d.endpoint
    WHEN '/verification/notify' THEN
      SELECT s2s.verification_json(v), v.session_id INTO body, session_id
      FROM s2s.verification AS v
      WHERE v.verification_id = d.ref;

    WHEN '/event/notify' THEN
      SELECT json_strip_nulls(json_build_object(
               'sessionId', i.session_id,
               'credentialInstanceId', i.instance_id,
               'eventType', d.payload ->> 'eventType',
               'eventTimestamp', s2s.rfc3339(d.owed_at),
               'eventDetails', CASE WHEN e.transaction_id IS NOT NULL
                                    THEN json_build_object('transaction_id', e.transaction_id) END)),
             i.session_id
      INTO body, session_id
      FROM (VALUES (d.payload ->> 'transaction_id')) AS e (transaction_id)
      JOIN s2s.instance AS i ON i.instance_id = d.payload ->> 'credentialInstanceId'
      WHERE NOT i.cancelled AND NOT i.unlinked
        AND (e.transaction_id IS NULL
             OR EXISTS (SELECT FROM s2s.fetch AS f WHERE f.transaction_id = e.transaction_id));

    WHEN '/credential/manage' THEN
      SELECT json_strip_nulls(json_build_object(
               'sessionId', i.session_id,
               'credentialInstanceId', i.instance_id,
               'action', CASE WHEN i.cancelled THEN 'UNLINK' WHEN i.issuer_suspended THEN 'SUSPEND' ELSE 'RESUME' END,
               'reason', d.payload ->> 'reason',
               'timestamp', s2s.rfc3339(d.owed_at))),
             i.session_id
      INTO body, session_id
      FROM s2s.instance AS i
      WHERE i.instance_id = d.ref;

    WHEN '/credential/status' THEN
      SELECT json_build_object('sessionId', i.session_id, 'credentialInstanceId', i.instance_id), i.session_id
      INTO body, session_id
      FROM s2s.instance AS i
      WHERE i.instance_id = d.ref;
  END CASE;
END
$$;
COMMENT ON FUNCTION s2s.issuer_message(s2s.delivery) IS 'What to send to a wallet; null when there is nothing to say.';

CREATE OR REPLACE FUNCTION s2s.issuer_lock_thing(d s2s.delivery) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF d.endpoint IN ('/credential/manage', '/credential/status') THEN
    PERFORM FROM s2s.instance AS i WHERE i.instance_id = d.ref FOR NO KEY UPDATE;
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.issuer_lock_thing(s2s.delivery) IS 'Locks what an answer of the wallet will change.';

CREATE OR REPLACE FUNCTION s2s.issuer_answered(d s2s.delivery, p_status integer, p_answer jsonb)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  CASE d.endpoint
    WHEN '/credential/manage' THEN
      RETURN s2s.instance_managed(d.ref, CASE WHEN p_answer ->> 'outcome' = 'SCHEDULED'
                                              THEN coalesce(d.payload::jsonb -> 'reported', p_answer)
                                              ELSE p_answer END);
    WHEN '/credential/status' THEN RETURN s2s.reconcile_answer(d, p_status, p_answer::json);
    ELSE RETURN NULL;
  END CASE;
END
$$;
COMMENT ON FUNCTION s2s.issuer_answered(s2s.delivery, integer, jsonb) IS
  'Does what an answer of the wallet brings about.';

CREATE OR REPLACE FUNCTION s2s.issuer_refused(d s2s.delivery, p_status integer, p_answer jsonb)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF d.endpoint = '/credential/status' THEN
    PERFORM s2s.reconcile_answer(d, p_status, p_answer::json);
    RETURN 'done';
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION s2s.issuer_refused(s2s.delivery, integer, jsonb) IS
  'Does what a final refusal of the wallet brings about; null when it is for an operator.';
