-- SPDX-License-Identifier: Apache-2.0
-- Every check of decisions, datasets and offers finds what it is for, and nothing else does.
BEGIN;
SELECT plan(31);

SELECT is(s2s.lanes_set('{wallet}'), 1, 'a peer that can be called');
SELECT lives_ok($$SELECT test.again('root', 'a'), test.approve('root', p_devices => 2), test.provision_nth('root'),
                         test.again('second', 'a'), test.migrate('second', 'root'), test.approve('second'), test.provision_nth('second')$$, 'two devices');
SELECT lives_ok($$SELECT test.again('root', 'b'), test.approve('root'), test.provision_nth('root'), test.again('root', 'c')$$, 'verified anew');
SELECT lives_ok($$SELECT test.offer('open', '\x01'), test.offer('used', '\x02', '\x7c'), test.redeem('root', '02', '01'), test.redeem('root', '02', '7c')$$, 'offers');
SELECT lives_ok($$SELECT test.get_waiting('second'), test.again('lone', 'a'), test.approve('lone'), test.provision_nth('lone'), test.push('lone')$$, 'datasets');
SELECT is(test.broken(), '{}', 'clean');

SELECT is(test.breaks(broken), ARRAY[name], name || ': ' || n)
FROM (VALUES
  (1, 'verification-attestation', $$UPDATE s2s.verification SET attestation = 'GOOD' WHERE session_id = 'lone'$$),
  (2, 'verification-undecided', $$UPDATE s2s.verification SET undecided_reason = 'x' WHERE session_id = 'lone'$$),
  (3, 'verification-not-opened', $$UPDATE s2s.session SET verification_id = 'x' WHERE session_id = 'lone'$$),
  (4, 'verification-not-opened', $$DELETE FROM s2s.nonce_jti WHERE jti = 'c'$$),
  (5, 'nonce-without-verification', $$INSERT INTO s2s.nonce_jti SELECT now(), 'lone', 'x', 'x'$$),
  (6, 'nonce-twice', $$UPDATE s2s.nonce_jti SET jti = 'a' WHERE jti = 'c'$$),
  (7, 'nonce-twice', $$INSERT INTO s2s.nonce_jti SELECT now(), session_id, 'x', verification_id FROM s2s.session WHERE session_id = 'lone'$$),
  (8, 'session-verified-twice-at-once', $$UPDATE s2s.session SET nonce_jti = 'x' WHERE session_id = 'lone'; SELECT test.again('lone', 'y');
                                          INSERT INTO s2s.nonce_jti SELECT now(), 'lone', 'z', 'twin';
                                          INSERT INTO s2s.verification (created_at, updated_at, expires_at, due_at, attempts, max_attempts, requested_device_count, awaiting_decision, verification_id, session_id, peer, configuration_ids)
                                          VALUES (now(), now(), now() + interval '1 h', now() + interval '1 h', 0, 0, 1, true, 'twin', 'lone', 'wallet', '{badge}')$$),
  (9, 'root-not-approved', $$UPDATE s2s.verification SET root_verification_id = 'x' WHERE session_id = 'lone'$$),
  (10, 'devices-exceeded', $$UPDATE s2s.verification SET authorized_device_count = 1 WHERE verification_id = (test.nth('root', 1)).verification_id$$),
  (11, 'instance-link-of-nothing', $$UPDATE s2s.instance_link SET instance_id = 'x'$$),
  (12, 'instance-link-of-nothing', $$UPDATE s2s.instance_link SET ordinal = 2$$),
  (13, 'instance-link-of-nothing', $$UPDATE s2s.instance_link SET verification_id = (test.nth('root', 2)).verification_id$$),
  (14, 'instance-twice', $$UPDATE s2s.verification SET approved_ids = '{badge,badge}', subject_refs = '{ada,ada}' WHERE session_id = 'lone'; SELECT test.provision_nth('lone')$$),
  (15, 'dataset-of-no-live-instance', $$UPDATE s2s.instance SET unlinked = true WHERE session_id = 'lone'$$),
  (16, 'fetch-forgotten', $$DELETE FROM s2s.job WHERE kind = 'dataset'$$),
  (17, 'fetch-forgotten', $$UPDATE s2s.instance SET dataset_job = NULL$$),
  (18, 'offer-used', $$UPDATE s2s.credential_offer SET used_at = NULL WHERE offer_id = 'used'$$),
  (19, 'offer-used', $$UPDATE s2s.credential_offer SET used_by = 'x' WHERE offer_id = 'used'$$),
  (20, 'offer-used', $$SELECT test.noted('offer.revoke', 'used'); UPDATE s2s.credential_offer SET revoked_at = created_at, revoked_by = 'op' WHERE offer_id = 'used'$$),
  (21, 'offer-attempts', $$DELETE FROM s2s.offer_failure$$),
  (22, 'offer-attempts', $$UPDATE s2s.credential_offer SET attempts_left = attempts_left - 1 WHERE offer_id = 'open'$$),
  (23, 'offer-failure-of-no-offer', $$DELETE FROM s2s.credential_offer WHERE offer_id = 'used'$$),
  (24, 'offer-readable-when-over', $$UPDATE s2s.credential_offer SET document_sealed = '\x01' WHERE offer_id = 'used'$$)
) AS t (n, name, broken);

SELECT is(test.broken(), '{}', 'clean again');
SELECT * FROM finish();
ROLLBACK;
