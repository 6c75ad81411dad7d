-- SPDX-License-Identifier: Apache-2.0
--
-- Short ways to call what serves decisions, datasets, offers and re-verifications; see helpers.sql.

-- A further verification of a session.
CREATE FUNCTION test.again(
  p_session text, p_jti text DEFAULT gen_random_uuid()::text, p_peer text DEFAULT 'wallet',
  p_thumbprint text DEFAULT 'thumbprint', p_configurations text[] DEFAULT '{badge}', p_jwe text[] DEFAULT NULL,
  p_locale text DEFAULT NULL, p_types text[] DEFAULT NULL, p_lane text DEFAULT '', p_attestation text DEFAULT 'IGNORED',
  p_lifetime interval DEFAULT '1 day')
RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.issuer_initiate(
    p_peer, gen_random_uuid(), '/verification/initiate', '\x01', gen_random_uuid(), p_session, p_configurations,
    '{"kty":"EC"}', p_thumbprint, 1, p_types, p_locale, p_jwe, NULL, 0, p_lifetime, 16, 1000000, p_jti,
    p_attestation, p_lane)
$$;

-- The nth verification of a session, the newest by default.
CREATE FUNCTION test.nth(p_session text, p_n integer DEFAULT NULL) RETURNS s2s.verification LANGUAGE sql AS $$
  SELECT v FROM s2s.verification AS v
  WHERE v.session_id = p_session
  ORDER BY v.created_at DESC
  LIMIT 1
  OFFSET coalesce((SELECT count(*) FROM s2s.verification AS o WHERE o.session_id = p_session) - p_n, 0)
$$;
CREATE FUNCTION test.newest_job(p_session text) RETURNS s2s.job LANGUAGE sql AS $$
  SELECT j FROM s2s.job AS j
  WHERE j.kind = 'evaluate' AND j.ref = (test.nth(p_session)).verification_id
  ORDER BY j.job_id DESC LIMIT 1
$$;

-- Approves the newest verification of a session, whose job is claimed for that.
CREATE FUNCTION test.approve(
  p_session text, p_configurations text[] DEFAULT '{badge}', p_refs text[] DEFAULT '{ada}',
  p_devices integer DEFAULT NULL, p_sealed bytea[] DEFAULT NULL, p_aliases json DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM s2s.evaluations_claim(test.lease(), 100, '1 min', 9, 1000000, ARRAY(SELECT DISTINCT lane FROM s2s.job));
  RETURN s2s.evaluation_done(
    (test.newest_job(p_session)).job_id, test.lease(), (test.nth(p_session)).data_seq, 'APPROVED', NULL, NULL,
    p_configurations, p_refs, p_devices, NULL, NULL, NULL, p_sealed, p_aliases);
END
$$;

-- What is provisioned for a verification: {configuration: how many}, and the instances.
CREATE FUNCTION test.provision_nth(p_session text, p_n integer DEFAULT NULL) RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.issuer_provision(
    'wallet', gen_random_uuid(), '/credential/provision', '\x05', gen_random_uuid(), p_session,
    (test.nth(p_session, p_n)).verification_id)
$$;
CREATE FUNCTION test.ids(r s2s.reply) RETURNS text[] LANGUAGE sql AS $$
  SELECT array_agg(id)
  FROM json_array_elements(r.body::json -> 'CredentialInstances') AS c,
       json_array_elements_text(c -> 'credentialInstanceIds') AS id
$$;

-- An operator does something, and it is written down.
CREATE FUNCTION test.noted(p_action text, p_ref text) RETURNS void LANGUAGE sql AS $$
  SELECT s2s.audit_add('op', 'operate', NULL, p_action, p_ref)
$$;

-- An offer whose code and transaction code have these hashes.
CREATE FUNCTION test.offer(
  p_offer text, p_code bytea DEFAULT '\x0c', p_tx bytea DEFAULT NULL, p_attempts integer DEFAULT 3,
  p_lifetime interval DEFAULT '10 min', p_configurations text[] DEFAULT '{badge}', p_peer text DEFAULT NULL)
RETURNS s2s.credential_offer LANGUAGE plpgsql AS $$
DECLARE
  o s2s.credential_offer := s2s.offer_make(
    p_offer, p_code, p_tx, p_attempts, p_lifetime, p_configurations, 'ada', '\xad', p_peer, 'op', '\xef' || p_code, '\xd0c0');
BEGIN
  PERFORM test.noted('offer.make', p_offer);
  RETURN o;
END
$$;
CREATE FUNCTION test.revoke(p_offer text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_outcome text := s2s.offer_revoke(p_offer, 'op');
BEGIN
  PERFORM test.noted('offer.revoke', p_offer);
  RETURN v_outcome;
END
$$;

-- Asks for the facts of checks, in an evaluation of the newest verification that is claimed for that. Brief: verdict and
-- reason of each.
CREATE FUNCTION test.facts(p_session text, p_checks json, p_lease integer DEFAULT 1) RETURNS json LANGUAGE plpgsql AS $$
BEGIN
  UPDATE s2s.job AS j
  SET lease = test.lease(p_lease), next_at = clock_timestamp() + interval '1 min'
  WHERE j.job_id = (test.newest_job(p_session)).job_id AND j.lease IS NULL;
  RETURN s2s.evaluation_facts((test.newest_job(p_session)).job_id, test.lease(p_lease), p_checks);
END
$$;
CREATE FUNCTION test.verdicts(p_facts json) RETURNS text LANGUAGE sql AS $$
  SELECT coalesce(nullif(p_facts ->> 'outcome', 'done'),
                  string_agg(concat_ws(' ', c ->> 'verdict', c ->> 'reason'), ', ' ORDER BY (c ->> 'item')::integer))
  FROM json_array_elements(p_facts -> 'checks') AS c
$$;
CREATE FUNCTION test.offer_item(p_code text, p_tx text DEFAULT NULL, p_item integer DEFAULT 0, p_seq integer DEFAULT NULL)
RETURNS json LANGUAGE sql AS $$
  SELECT json_strip_nulls(json_build_object(
    'item', p_item, 'kind', 'offer', 'code_hashes', json_build_array(p_code, '00'),
    'tx_code_hashes', CASE WHEN p_tx IS NOT NULL THEN json_build_array(p_tx, '00') END, 'seq', p_seq))
$$;
CREATE FUNCTION test.redeem(p_session text, p_code text DEFAULT '0c', p_tx text DEFAULT NULL, p_lease integer DEFAULT 1)
RETURNS text LANGUAGE sql AS $$
  SELECT test.verdicts(test.facts(p_session, json_build_array(test.offer_item(p_code, p_tx)), p_lease))
$$;
CREATE FUNCTION test.prior_item(p_session text, p_n integer DEFAULT NULL, p_item integer DEFAULT 0) RETURNS json
LANGUAGE sql AS $$
  SELECT json_build_object('item', p_item, 'kind', 'prior_session', 'session_id', p_session, 'verification_id',
                           (test.nth(p_session, p_n)).verification_id)
$$;
CREATE FUNCTION test.migrate(p_session text, p_from text, p_lease integer DEFAULT 1) RETURNS text LANGUAGE sql AS $$
  SELECT test.verdicts(test.facts(p_session, json_build_array(test.prior_item(p_from)), p_lease))
$$;

-- A get whose dataset a backend does not have yet.
CREATE FUNCTION test.get_waiting(
  p_session text, p_keys_digest bytea DEFAULT '\xaa', p_transaction text DEFAULT NULL, p_poll_after interval DEFAULT '0',
  p_lane text DEFAULT 'hr', p_version bigint DEFAULT NULL)
RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.issuer_get_pending(
    'wallet', gen_random_uuid(), '/credential/get', '\x06', gen_random_uuid(), p_session,
    (test.instance(p_session)).instance_id, coalesce(p_version, (test.instance(p_session)).version), '[{"kty":"EC"}]',
    p_keys_digest, '1 hour', 2, p_transaction, p_lane, p_poll_after)
$$;
CREATE FUNCTION test.datasets(p_lease integer DEFAULT 1, p_patience interval DEFAULT '30 days', p_max_attempts integer DEFAULT 9)
RETURNS SETOF bigint LANGUAGE sql AS $$
  SELECT c.job_id
  FROM s2s.datasets_claim(test.lease(p_lease), 100, '1 min', p_max_attempts, p_patience, '{hr,""}') AS c
$$;
CREATE FUNCTION test.push(
  p_session text, p_version text DEFAULT 'p1', p_sealed bytea DEFAULT '\xda', p_valid interval DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  i s2s.instance := test.instance(p_session);
  v_outcome text := s2s.dataset_push(i.instance_id, p_version, p_sealed, clock_timestamp() + p_valid);
BEGIN
  PERFORM test.noted('dataset.put', i.instance_id);
  RETURN v_outcome;
END
$$;

-- The wallet was told that gets are ready: of how many.
CREATE FUNCTION test.told_ready() RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM s2s.delivery AS d WHERE d.endpoint = '/event/notify' AND d.ref LIKE 'CREDENTIAL_READY:%' AND d.next_at <= clock_timestamp()
$$;
