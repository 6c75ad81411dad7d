-- SPDX-License-Identifier: Apache-2.0
--
-- A session that is known is verified anew: a new verification on it, with the same key. What the holder has on the
-- device already stays what it is.
--
--   s2s.session_reopen(x s2s.exchange, p_session_id text, p_wsk_thumbprint text, p_nonce_jti text,
--                      p_verification_id text) -> s2s.reply: a refusal, or null: the verification may be made
--   s2s.instances_take_over(v s2s.verification) -> boolean

CREATE OR REPLACE FUNCTION s2s.session_reopen(
  x s2s.exchange, p_session_id text, p_wsk_thumbprint text, p_nonce_jti text, p_verification_id text)
RETURNS s2s.reply LANGUAGE plpgsql AS $$
DECLARE
  s s2s.session;
  v s2s.verification;
BEGIN
  -- Whoever verifies the session anew, or provisions it, queues here.
  SELECT t.* INTO s
  FROM s2s.session AS t
  WHERE t.session_id = p_session_id AND t.peer = x.peer AND t.wsk_thumbprint = p_wsk_thumbprint
  FOR NO KEY UPDATE;
  IF NOT FOUND OR p_nonce_jti IS NULL OR s.nonce_jti = p_nonce_jti
     OR EXISTS (SELECT FROM s2s.nonce_jti AS n WHERE n.session_id = p_session_id AND n.jti = p_nonce_jti) THEN
    RETURN s2s.refuse(x, 'session-consumed');
  END IF;

  -- OFFSET 0, and IS NOT DISTINCT FROM below: see "Plans made on empty tables" in sql/README.md.
  FOR v IN
    SELECT t.*
    FROM s2s.session_verifications(p_session_id) AS known (id)
    CROSS JOIN LATERAL (SELECT o.* FROM s2s.verification AS o WHERE o.verification_id = known.id OFFSET 0) AS t
    WHERE NOT s2s.verification_is_final(t.status)
  LOOP
    v := s2s.verification_lock(v.verification_id);
    IF NOT s2s.verification_is_final(v.status) THEN
      -- A used session id like any other (profile section 2 "Errors"); its owner may know why.
      RETURN s2s.refuse(x, 'session-consumed', v.status);
    END IF;
  END LOOP;
  INSERT INTO s2s.nonce_jti (created_at, session_id, jti, verification_id)
  VALUES (clock_timestamp(), p_session_id, p_nonce_jti, p_verification_id);
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION s2s.session_reopen(s2s.exchange, text, text, text, text) IS
  'Opens a known session for a new verification: for its owner, with its key, and by a nonce that is bound and was '
  'never used; one verification at a time. The refusal of anybody else does not say whose the session is.';

CREATE OR REPLACE FUNCTION s2s.instances_take_over(v s2s.verification) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  a record;
  i s2s.instance;
  v_moved boolean := false;
BEGIN
  FOR a IN
    SELECT n.*
    FROM unnest(v.approved_ids, v.subject_refs, v.subject_sealed)
         WITH ORDINALITY AS n (configuration_id, subject_ref, subject_sealed, ordinal)
    WHERE NOT EXISTS (
        SELECT FROM s2s.instance AS t WHERE t.verification_id = v.verification_id AND t.ordinal = n.ordinal)
      AND NOT EXISTS (
        SELECT FROM s2s.instance_link AS l WHERE l.verification_id = v.verification_id AND l.ordinal = n.ordinal)
  LOOP
    SELECT t.* INTO i
    FROM s2s.instance AS t
    WHERE t.session_id = v.session_id AND t.configuration_id IS NOT DISTINCT FROM a.configuration_id
      AND t.subject_ref IS NOT DISTINCT FROM a.subject_ref AND s2s.instance_is_live(t)
    LIMIT 1
    FOR NO KEY UPDATE;
    CONTINUE WHEN NOT FOUND;

    -- An instance belongs to the newest verification that approves it. The others keep note of it.
    IF (SELECT t.created_at < v.created_at FROM s2s.verification AS t WHERE t.verification_id = i.verification_id) THEN
      INSERT INTO s2s.instance_link (verification_id, ordinal, instance_id)
      VALUES (i.verification_id, i.ordinal, i.instance_id);
      UPDATE s2s.instance AS u
      SET verification_id = v.verification_id, ordinal = a.ordinal,
          subject_sealed = coalesce(a.subject_sealed, u.subject_sealed), version = u.version + 1
      WHERE u.instance_id = i.instance_id;
    ELSE
      INSERT INTO s2s.instance_link (verification_id, ordinal, instance_id)
      VALUES (v.verification_id, a.ordinal, i.instance_id);
    END IF;
    v_moved := true;
  END LOOP;
  RETURN v_moved;
END
$$;
COMMENT ON FUNCTION s2s.instances_take_over(s2s.verification) IS
  'What another verification of the session (locked) has provisioned and is live stays what it is: same dataset, same '
  'instance. Whether there was any that this one has not had yet.';
