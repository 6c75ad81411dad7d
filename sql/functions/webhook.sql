-- SPDX-License-Identifier: Apache-2.0
--
-- Webhooks: what the operator's own backend is told, by both roles. A delivery like any other, on a lane of the
-- webhook: its endpoint is the type of the event, its ref the thing, its body the state as it is when it is sent.
--
--   s2s.webhook_types() -> setof text
--   s2s.webhook_owe(p_type text, p_ref text, p_side text, p_payload json DEFAULT NULL) -> int: how many webhooks
--   s2s.webhook_data(d s2s.delivery)              -> (data json, session_id text), null: nothing to say any more
--   s2s.webhook_message(d s2s.delivery)           -> (body text, session_id text)
--   s2s.webhook_lock_thing(d s2s.delivery)
--   s2s.webhook_answered(d s2s.delivery, p_answer jsonb) -> text: detail for the ledger

CREATE OR REPLACE FUNCTION s2s.webhook_types() RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  VALUES ('verification.changed'), ('instances.provisioned'), ('instance.changed'), ('credentials.ready'),
         ('credential.update_available'), ('display_data.updated'), ('lifecycle.requested'), ('delivery.dead')
$$;
COMMENT ON FUNCTION s2s.webhook_types() IS 'The types of events.';

CREATE OR REPLACE FUNCTION s2s.webhook_owe(p_type text, p_ref text, p_side text, p_payload json DEFAULT NULL)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_lane text;
  v_owed integer := 0;
BEGIN
  -- The movers call this: without webhooks it is one look at an index.
  FOR v_lane IN
    SELECT l.peer
    FROM s2s.lane AS l
    WHERE l.peer LIKE 'webhook:%' AND l.kind = 'WEBHOOK' AND l.active AND (l.events IS NULL OR p_type = ANY (l.events))
  LOOP
    PERFORM s2s.delivery_owe(v_lane, p_type, p_ref, p_payload, p_side => p_side);
    v_owed := v_owed + 1;
  END LOOP;
  RETURN v_owed;
END
$$;
COMMENT ON FUNCTION s2s.webhook_owe(text, text, text, json) IS
  'Something happened to a thing of this side: the webhooks that want to know are owed word of it.';

-- ---- what is sent ----

CREATE OR REPLACE FUNCTION s2s.webhook_issuer_data(d s2s.delivery, OUT data json, OUT session_id text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  CASE d.endpoint
    WHEN 'verification.changed' THEN
      SELECT json_build_object('sessionId', v.session_id, 'verificationId', v.verification_id, 'status', v.status,
                               'peer', s2s.session_peer(v.session_id)), v.session_id
      INTO data, session_id
      FROM s2s.verification AS v
      WHERE v.verification_id = d.ref;

    WHEN 'instances.provisioned' THEN
      SELECT json_build_object('sessionId', max(i.session_id), 'verificationId', d.ref,
                               'peer', s2s.session_peer(max(i.session_id)),
                               'instances', json_agg(s2s.instance_json(i) ORDER BY i.ordinal)), max(i.session_id)
      INTO data, session_id
      FROM s2s.verification_instances(d.ref) AS i
      HAVING count(*) > 0;

    WHEN 'instance.changed' THEN
      SELECT s2s.instance_json(i), i.session_id
      INTO data, session_id
      FROM s2s.instance AS i
      WHERE i.instance_id = d.ref;
  END CASE;
END
$$;
COMMENT ON FUNCTION s2s.webhook_issuer_data(s2s.delivery) IS 'The data of an event of the issuer role.';

CREATE OR REPLACE FUNCTION s2s.webhook_wallet_data(d s2s.delivery, OUT data json, OUT session_id text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  CASE d.endpoint
    WHEN 'verification.changed' THEN
      SELECT s2s.wallet_session_json(w), w.session_id
      INTO data, session_id
      FROM s2s.wallet_session AS w
      WHERE w.session_id = d.ref;

    WHEN 'instances.provisioned' THEN
      SELECT json_build_object('sessionId', w.session_id, 'issuer', w.issuer, 'verificationId', w.verification_id,
                               'instances', s2s.wallet_instances_json(w.session_id)), w.session_id
      INTO data, session_id
      FROM s2s.wallet_session AS w
      WHERE w.session_id = d.ref;

    WHEN 'instance.changed', 'credential.update_available', 'display_data.updated' THEN
      SELECT s2s.wallet_instance_json(i), i.session_id
      INTO data, session_id
      FROM s2s.wallet_instance AS i
      WHERE i.instance_id = d.ref
        -- Fetched meanwhile: there is nothing newer.
        AND (d.endpoint <> 'credential.update_available' OR i.update_available)
        AND (d.endpoint <> 'display_data.updated' OR i.display_updated);

    -- OFFSET 0, here and below: see "Plans made on empty tables" in sql/README.md.
    WHEN 'credentials.ready' THEN
      SELECT json_build_object('fetchId', f.fetch_id, 'credentialInstanceId', f.instance_id, 'sessionId', i.session_id,
                               'status', f.state), i.session_id
      INTO data, session_id
      FROM s2s.wallet_fetch AS f
      CROSS JOIN LATERAL (SELECT t.* FROM s2s.wallet_instance AS t WHERE t.instance_id = f.instance_id OFFSET 0) AS i
      WHERE f.fetch_id = d.ref;

    WHEN 'lifecycle.requested' THEN
      SELECT json_strip_nulls(json_build_object(
               'lifecycleId', l.lifecycle_id, 'credentialInstanceId', l.instance_id, 'sessionId', i.session_id,
               'action', l.action, 'reason', l.reason)), i.session_id
      INTO data, session_id
      FROM (SELECT t.* FROM s2s.wallet_lifecycle AS t WHERE t.lifecycle_id = d.ref OFFSET 0) AS l
      CROSS JOIN LATERAL (SELECT t.* FROM s2s.wallet_instance AS t WHERE t.instance_id = l.instance_id OFFSET 0) AS i
      WHERE l.state IN ('REQUESTED', 'SCHEDULED');
  END CASE;
END
$$;
COMMENT ON FUNCTION s2s.webhook_wallet_data(s2s.delivery) IS 'The data of an event of the wallet role.';

CREATE OR REPLACE FUNCTION s2s.webhook_data(d s2s.delivery, OUT data json, OUT session_id text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF d.endpoint = 'delivery.dead' THEN
    SELECT json_build_object('deliveryId', x.delivery_id, 'peer', x.peer, 'path', x.endpoint, 'ref', x.ref,
                             'reason', x.reason), ''
    INTO data, session_id
    FROM s2s.delivery_dead AS x
    WHERE x.delivery_id = d.ref::bigint;
  ELSIF d.side = 'ISSUER' THEN
    SELECT w.data, w.session_id INTO data, session_id FROM s2s.webhook_issuer_data(d) AS w;
  ELSE
    SELECT w.data, w.session_id INTO data, session_id FROM s2s.webhook_wallet_data(d) AS w;
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.webhook_data(s2s.delivery) IS
  'What an event is about, as it is now; null when there is nothing to say any more.';

CREATE OR REPLACE FUNCTION s2s.webhook_message(d s2s.delivery, OUT body text, OUT session_id text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  w record := s2s.webhook_data(d);
BEGIN
  session_id := w.session_id;
  body := CASE WHEN w.data IS NOT NULL THEN json_build_object(
    'type', d.endpoint,
    'timestamp', s2s.rfc3339(d.owed_at),
    'data', s2s.json_join(json_build_object('role', lower(d.side)), w.data)) END;
END
$$;
COMMENT ON FUNCTION s2s.webhook_message(s2s.delivery) IS 'The body of a webhook call; null when there is none to make.';

-- ---- what came back ----

CREATE OR REPLACE FUNCTION s2s.webhook_lock_thing(d s2s.delivery) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF d.endpoint = 'lifecycle.requested' THEN
    PERFORM s2s.wallet_instance_lock(
      (SELECT l.instance_id FROM s2s.wallet_lifecycle AS l WHERE l.lifecycle_id = d.ref));
  END IF;
END
$$;
COMMENT ON FUNCTION s2s.webhook_lock_thing(s2s.delivery) IS 'Locks what an answer of the backend will change.';

CREATE OR REPLACE FUNCTION s2s.webhook_answered(d s2s.delivery, p_answer jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_outcome text := coalesce(p_answer ->> 'outcome', 'SCHEDULED');
BEGIN
  IF d.endpoint <> 'lifecycle.requested' THEN
    RETURN NULL;
  ELSIF v_outcome IN ('COMPLETED', 'FAILED') THEN
    PERFORM s2s.wallet_lifecycle_end(d.ref, v_outcome, p_answer ->> 'failureReason');
    RETURN v_outcome;
  END IF;
  -- The backend will tell.
  UPDATE s2s.wallet_lifecycle AS u
  SET updated_at = clock_timestamp(), state = 'SCHEDULED'
  WHERE u.lifecycle_id = d.ref AND u.state = 'REQUESTED';
  RETURN 'SCHEDULED';
END
$$;
COMMENT ON FUNCTION s2s.webhook_answered(s2s.delivery, jsonb) IS
  'The backend answered. Of what an issuer asks for, it may tell the outcome at once: {"outcome", "failureReason"?}.';
