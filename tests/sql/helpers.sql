-- SPDX-License-Identifier: Apache-2.0
--
-- Short ways to call the functions under test, in a schema of their own. Verifications and instances are named by their
-- session here: each test session has one verification.

CREATE SCHEMA test;

CREATE FUNCTION test.lease(n integer DEFAULT 1) RETURNS uuid LANGUAGE sql AS $$
  SELECT lpad(n::text, 32, '0')::uuid
$$;

CREATE FUNCTION test.initiate(
  p_session text, p_peer text DEFAULT 'wallet', p_request uuid DEFAULT gen_random_uuid(),
  p_token uuid DEFAULT gen_random_uuid(), p_digest bytea DEFAULT '\x01', p_configurations text[] DEFAULT '{badge}',
  p_jwe text[] DEFAULT NULL, p_sealed bytea DEFAULT NULL, p_max_attempts integer DEFAULT 0,
  p_lifetime interval DEFAULT '1 day', p_max_submissions integer DEFAULT 16, p_max_octets bigint DEFAULT 1000000,
  p_lease uuid DEFAULT NULL, p_lease_for interval DEFAULT NULL, p_opens_lane boolean DEFAULT false)
RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.issuer_initiate(
    p_peer, p_request, '/verification/initiate', p_digest, p_token, p_session, p_configurations, '{"kty":"EC"}',
    'thumbprint', 1, NULL, NULL, p_jwe, p_sealed, p_max_attempts, p_lifetime, p_max_submissions, p_max_octets,
    p_lease => p_lease, p_lease_for => p_lease_for, p_opens_lane => p_opens_lane)
$$;

CREATE FUNCTION test.verification(p_session text) RETURNS s2s.verification LANGUAGE sql AS $$
  SELECT v FROM s2s.verification AS v WHERE v.session_id = p_session
$$;

CREATE FUNCTION test.supplement(
  p_session text, p_peer text DEFAULT 'wallet', p_request uuid DEFAULT gen_random_uuid(),
  p_jwe text[] DEFAULT '{again}', p_sealed bytea DEFAULT NULL, p_max_submissions integer DEFAULT 16,
  p_max_octets bigint DEFAULT 1000000)
RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.issuer_supplement(
    p_peer, p_request, '/verification/supplement', '\x02', gen_random_uuid(), p_session,
    (test.verification(p_session)).verification_id, p_jwe, p_sealed, p_max_submissions, p_max_octets)
$$;

CREATE FUNCTION test.status(p_session text, p_peer text DEFAULT 'wallet', p_verification text DEFAULT NULL)
RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.issuer_verification_status(
    p_peer, gen_random_uuid(), '/verification/status', '\x03', gen_random_uuid(), p_session,
    coalesce(p_verification, (test.verification(p_session)).verification_id))
$$;

CREATE FUNCTION test.cancel(p_session text, p_peer text DEFAULT 'wallet', p_reason text DEFAULT 'USER_CANCELLED')
RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.issuer_cancel(
    p_peer, gen_random_uuid(), '/verification/cancel', '\x04', gen_random_uuid(), p_session,
    (test.verification(p_session)).verification_id, p_reason)
$$;

CREATE FUNCTION test.claim(
  p_lease integer DEFAULT 1, p_limit integer DEFAULT 100, p_lease_for interval DEFAULT '1 minute',
  p_max_attempts integer DEFAULT 9, p_max_octets bigint DEFAULT 1000000)
RETURNS TABLE (
  job_id bigint, job_attempts integer, session_id text, verification_id text, peer text, status text, wsk text,
  configuration_ids text[], requested_device_count integer, attempts integer, data_seq integer, client_jwe text[],
  server_sealed bytea[])
LANGUAGE sql AS $$
  SELECT c.job_id, c.job_attempts, c.session_id, c.verification_id, c.peer, c.status, c.wsk, c.configuration_ids,
         c.requested_device_count, c.attempts, c.data_seq, c.client_jwe, c.server_sealed
  FROM s2s.evaluations_claim(test.lease(p_lease), p_limit, p_lease_for, p_max_attempts, p_max_octets) AS c
$$;

-- The evaluate job of a session's last submission.
CREATE FUNCTION test.job(p_session text) RETURNS bigint LANGUAGE sql AS $$
  SELECT max(j.job_id) FROM s2s.job AS j WHERE j.ref = (test.verification(p_session)).verification_id
$$;

-- A decision on the session's evaluate job, which must be leased with p_lease.
CREATE FUNCTION test.decide(
  p_session text, p_status text, p_lease uuid DEFAULT test.lease(), p_job bigint DEFAULT NULL,
  p_data_seq integer DEFAULT NULL, p_reason text DEFAULT 'MISMATCH', p_message text DEFAULT NULL,
  p_configurations text[] DEFAULT '{badge}', p_deadline interval DEFAULT NULL, p_max_attempts integer DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
  SELECT s2s.evaluation_done(
    coalesce(p_job, test.job(p_session)), p_lease, coalesce(p_data_seq, (test.verification(p_session)).data_seq),
    p_status,
    CASE WHEN p_status IN ('REJECTED', 'DENIED') THEN p_reason END, p_message,
    CASE WHEN p_status = 'APPROVED' THEN p_configurations END,
    CASE WHEN p_status = 'APPROVED' THEN ARRAY(SELECT 'subject-' || c FROM unnest(p_configurations) AS c) END,
    NULL,
    CASE WHEN p_status = 'ADDITIONAL_INFO_REQUIRED' THEN '{"verificationDataItems": [{"id": "otp-1"}]}' END,
    p_deadline, p_max_attempts)
$$;

-- Claims everything due, then decides on one session.
CREATE FUNCTION test.evaluate(
  p_session text, p_status text, p_deadline interval DEFAULT NULL, p_configurations text[] DEFAULT '{badge}',
  p_max_attempts integer DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM test.claim();
  RETURN test.decide(p_session, p_status, p_deadline => p_deadline, p_configurations => p_configurations,
                     p_max_attempts => p_max_attempts);
END
$$;

-- A session whose verification is approved.
CREATE FUNCTION test.approved(p_session text, p_configurations text[] DEFAULT '{badge}') RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM test.initiate(p_session, p_configurations => p_configurations);
  PERFORM test.evaluate(p_session, 'APPROVED', p_configurations => p_configurations);
END
$$;

CREATE FUNCTION test.provision(p_session text, p_peer text DEFAULT 'wallet') RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.issuer_provision(
    p_peer, gen_random_uuid(), '/credential/provision', '\x05', gen_random_uuid(), p_session,
    (test.verification(p_session)).verification_id)
$$;

-- A session with provisioned instances.
CREATE FUNCTION test.provisioned(p_session text, p_configurations text[] DEFAULT '{badge}') RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM test.approved(p_session, p_configurations);
  PERFORM test.provision(p_session);
END
$$;

CREATE FUNCTION test.instance(p_session text, p_ordinal integer DEFAULT 1) RETURNS s2s.instance LANGUAGE sql AS $$
  SELECT i FROM s2s.instance AS i WHERE i.session_id = p_session AND i.ordinal = p_ordinal
$$;

CREATE FUNCTION test.get(
  p_session text, p_version bigint DEFAULT NULL, p_transaction text DEFAULT NULL, p_keys_digest bytea DEFAULT '\xaa',
  p_status integer DEFAULT 200, p_peer text DEFAULT 'wallet')
RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.issuer_get(
    p_peer, gen_random_uuid(), '/credential/get', '\x06', gen_random_uuid(), p_session,
    (test.instance(p_session)).instance_id, coalesce(p_version, (test.instance(p_session)).version), 'v1',
    p_transaction, p_status, '{"credentialVersion":"v1"}', p_keys_digest)
$$;

CREATE FUNCTION test.get_pending(
  p_session text, p_version bigint DEFAULT NULL, p_transaction text DEFAULT NULL, p_keys_digest bytea DEFAULT '\xaa',
  p_ready_after interval DEFAULT '1 hour', p_most integer DEFAULT 8)
RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.issuer_get_pending(
    'wallet', gen_random_uuid(), '/credential/get', '\x06', gen_random_uuid(), p_session,
    (test.instance(p_session)).instance_id, coalesce(p_version, (test.instance(p_session)).version), '[{"kty":"EC"}]',
    p_keys_digest, p_ready_after, 2, p_transaction, p_most => p_most)
$$;

CREATE FUNCTION test.manage(p_session text, p_action text, p_reason text DEFAULT NULL, p_peer text DEFAULT 'wallet')
RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.issuer_manage(
    p_peer, gen_random_uuid(), '/credential/manage', '\x07', gen_random_uuid(), p_session,
    (test.instance(p_session)).instance_id, p_action, p_reason)
$$;

CREATE FUNCTION test.event(
  p_session text, p_type text, p_known boolean DEFAULT true, p_failure_reason text DEFAULT NULL)
RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.issuer_event(
    'wallet', gen_random_uuid(), '/event/notify', '\x08', gen_random_uuid(), p_session,
    (test.instance(p_session)).instance_id, p_type, p_known, p_failure_reason)
$$;

CREATE FUNCTION test.credential_status(p_session text, p_version text DEFAULT 'v1') RETURNS s2s.reply
LANGUAGE sql AS $$
  SELECT s2s.issuer_credential_status(
    'wallet', gen_random_uuid(), '/credential/status', '\x09', gen_random_uuid(), p_session,
    (test.instance(p_session)).instance_id, p_version)
$$;

-- What the issuer's own commands do.
CREATE FUNCTION test.issuer(p_session text, p_action text) RETURNS text LANGUAGE sql AS $$
  SELECT split_part(s2s.command_instance((test.instance(p_session)).instance_id, p_action, 'BY_ISSUER'), ' ', 1)
$$;

-- Deliveries. A lease stands for a claim: a flight is named by the session it is about and the lease it has.
CREATE TABLE test.flight (
  n integer GENERATED ALWAYS AS IDENTITY, lease integer, delivery_id bigint, peer text, endpoint text, request_id uuid,
  attempts integer, body text, session_id text, side text, sealed bytea);

CREATE FUNCTION test.send(
  p_lease integer, p_limit integer DEFAULT 10, p_per_peer integer DEFAULT 8, p_lease_for interval DEFAULT '1 minute')
RETURNS SETOF test.flight LANGUAGE sql AS $$
  INSERT INTO test.flight (lease, delivery_id, peer, endpoint, request_id, attempts, body, session_id, side, sealed)
  SELECT p_lease, c.*
  FROM s2s.deliveries_claim(test.lease(p_lease), p_limit, p_per_peer, p_lease_for) AS c
  RETURNING *
$$;

-- The flight of a session with a lease, or its last one.
CREATE FUNCTION test.flight(p_session text, p_lease integer DEFAULT NULL) RETURNS test.flight LANGUAGE sql AS $$
  SELECT f FROM test.flight AS f
  WHERE f.session_id = p_session AND f.lease = coalesce(p_lease, f.lease)
  ORDER BY f.n DESC LIMIT 1
$$;

CREATE FUNCTION test.done(p_session text, p_lease integer, p_answer text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT s2s.delivery_done((test.flight(p_session)).delivery_id, test.lease(p_lease), 200, p_answer)
$$;

CREATE FUNCTION test.failed(
  p_session text, p_lease integer, p_kind text, p_failure text, p_delay interval DEFAULT '0',
  p_block interval DEFAULT NULL, p_give_up interval DEFAULT '7 days', p_status integer DEFAULT 0)
RETURNS text LANGUAGE sql AS $$
  SELECT s2s.delivery_failed((test.flight(p_session)).delivery_id, test.lease(p_lease), p_kind, p_failure, p_delay,
                             p_block, p_give_up, p_status)
$$;

-- What the wallet has sent last is answered, by an issuer that may be polled.
CREATE FUNCTION test.told(
  p_endpoint text, p_ref text, p_answer text, p_status integer DEFAULT 200, p_first interval DEFAULT '2 s',
  p_longest interval DEFAULT '60 s')
RETURNS text LANGUAGE sql AS $$
  SELECT coalesce(
    (SELECT s2s.delivery_done(d.delivery_id, d.lease, p_status, p_answer, p_first, p_longest)
     FROM s2s.delivery AS d
     WHERE d.endpoint = p_endpoint AND d.ref = p_ref AND d.side = 'WALLET'), 'fenced')
$$;

-- The issuer tells by itself. Its verificationIds are "v-" and the session.
CREATE FUNCTION test.notify(
  p_session text, p_status text, p_more jsonb DEFAULT '{}', p_peer text DEFAULT 'issuer', p_verification text DEFAULT NULL)
RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.wallet_verification_notify(
    p_peer, gen_random_uuid(), '/verification/notify', '\x01', gen_random_uuid(), p_session, v.id, p_status,
    (jsonb_build_object('sessionId', p_session, 'verificationId', v.id, 'status', p_status) || p_more)::json)
  FROM (VALUES (coalesce(p_verification, 'v-' || p_session))) AS v (id)
$$;

CREATE FUNCTION test.wallet_session(p_session text) RETURNS s2s.wallet_session LANGUAGE sql AS $$
  SELECT w FROM s2s.wallet_session AS w WHERE w.session_id = p_session
$$;

-- Time passes: for what is owed or in flight; for lanes that are blocked.
CREATE FUNCTION test.overdue() RETURNS void LANGUAGE sql AS $$
  UPDATE s2s.delivery SET next_at = clock_timestamp() - interval '1 s'
$$;
CREATE FUNCTION test.rested() RETURNS void LANGUAGE sql AS $$
  UPDATE s2s.lane SET blocked_until = clock_timestamp() - interval '1 s' WHERE blocked_until IS NOT NULL
$$;

-- The flight of a session fails, and is sent again, so many times; how many request ids it has had by then.
CREATE FUNCTION test.fails(p_session text, p_times integer, p_failure text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. p_times LOOP
    PERFORM test.failed(p_session, (test.flight(p_session)).lease, 'retry', p_failure);
    PERFORM test.rested();
    PERFORM test.send((test.flight(p_session)).lease + 1);
  END LOOP;
  RETURN (SELECT count(DISTINCT f.request_id) FROM test.flight AS f WHERE f.session_id = p_session);
END
$$;

-- So many things owed to a peer since p_since, of which the database knows nothing else.
CREATE FUNCTION test.owing(p_peer text, p_count integer, p_since interval DEFAULT '0') RETURNS void LANGUAGE sql AS $$
  INSERT INTO s2s.delivery (next_at, created_at, owed_at, request_id, peer, endpoint, ref)
  SELECT clock_timestamp() + p_since, clock_timestamp() + p_since, clock_timestamp() + p_since, gen_random_uuid(), p_peer,
         '/verification/notify', gen_random_uuid()
  FROM generate_series(1, p_count)
$$;

-- What fsck finds.
CREATE FUNCTION test.broken() RETURNS text[] LANGUAGE sql AS $$
  SELECT coalesce(array_agg(DISTINCT f.check_name), '{}') FROM s2s.fsck() AS f
$$;
-- What fsck says after p_do, which is undone: the exception takes it back.
CREATE FUNCTION test.breaks(p_do text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE v_found text[];
BEGIN
  EXECUTE p_do;
  v_found := test.broken();
  RAISE EXCEPTION 'undo';
EXCEPTION WHEN raise_exception THEN
  RETURN v_found;
END
$$;

-- A reply in a nutshell: "200 answered", "409 answered SESSION_CONSUMED", "- retry".
CREATE FUNCTION test.brief(r s2s.reply) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', coalesce(r.status::text, '-'), r.outcome,
                   CASE WHEN r.status >= 400 THEN r.body::json ->> 'errorCode' END)
$$;

CREATE FUNCTION test.forget() RETURNS void LANGUAGE sql AS $$
  DELETE FROM s2s.audit;
  UPDATE s2s.audit_head SET since = clock_timestamp(), seq = 0, hash = decode(repeat('00', 32), 'hex');
  DELETE FROM s2s.bulk;
  DELETE FROM s2s.job;
  DELETE FROM s2s.job_dead;
  DELETE FROM s2s.fetch;
  DELETE FROM s2s.instance_dataset;
  DELETE FROM s2s.instance_link;
  DELETE FROM s2s.instance;
  DELETE FROM s2s.credential_offer;
  DELETE FROM s2s.offer_failure;
  DELETE FROM s2s.nonce_jti;
  DELETE FROM s2s.verification_data;
  DELETE FROM s2s.verification;
  DELETE FROM s2s.session;
  DELETE FROM s2s.answer;
  DELETE FROM s2s.delivery;
  DELETE FROM s2s.delivery_dead;
  DELETE FROM s2s.ledger;
  DELETE FROM s2s.lane;
  DELETE FROM s2s.wallet_submission;
  DELETE FROM s2s.wallet_session;
  DELETE FROM s2s.wallet_event;
  DELETE FROM s2s.wallet_lifecycle;
  DELETE FROM s2s.wallet_fetch;
  DELETE FROM s2s.wallet_instance;
  DELETE FROM s2s.issuer_metadata;
  DELETE FROM s2s.reconciliation_check;
  DELETE FROM s2s.reconciliation_finding;
  DELETE FROM s2s.reconciliation;
  DELETE FROM test.flight;
$$;
