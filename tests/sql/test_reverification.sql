-- SPDX-License-Identifier: Apache-2.0
-- A known session is verified anew, and what was provisioned stays what it is.
BEGIN;
SELECT plan(71);

SELECT is(s2s.lanes_set('{wallet}', '[{"name": "backend"}]'), 2, 'a peer and a webhook');
SELECT is(test.brief(test.again('S', 'first')), '200 answered', 'a session, opened by a bound nonce');
SELECT results_eq($$SELECT verification_id, nonce_jti FROM s2s.session$$,
                  $$SELECT verification_id, 'first' COLLATE "C" FROM s2s.verification$$, 'which it remembers');
SELECT is_empty('SELECT FROM s2s.nonce_jti', 'without a row more');

-- Who may not.
SELECT is(test.brief(test.again('S', 'first')), '409 answered SESSION_CONSUMED', 'the same nonce');
SELECT is(test.brief(test.again('S', NULL)), '409 answered SESSION_CONSUMED', 'a raw nonce');
SELECT is(test.brief(test.again('S', 'second', p_peer => 'other')), '409 answered SESSION_CONSUMED', 'another peer');
SELECT is(test.brief(test.again('S', 'second', p_thumbprint => 'other')), '409 answered SESSION_CONSUMED', 'another key');
SELECT is((test.again('S', 'second')).body::json ->> 'currentStatus', 'PENDING', 'one that is under way');
SELECT is(test.brief(test.again('S', 'second')), '409 answered SESSION_CONSUMED', 'whenever it is asked');
SELECT is(test.approve('S', '{badge,badge,pass}', '{ada,bob,ada}'), 'done', 'approved');
SELECT is(test.brief(test.again('S', 'first')), '409 answered SESSION_CONSUMED', 'its own nonce still counts once');
SELECT is(test.brief(test.again('S', NULL)), '409 answered SESSION_CONSUMED', 'and a raw one is none');
SELECT is_empty('SELECT FROM s2s.nonce_jti', 'no nonce was used up by a refusal');

-- Several instances of one configuration.
SELECT is((test.status('S')).body::json ->> 'credentialConfigurationIds', '["badge","pass"]', 'each configuration is named once');
SELECT is(test.brief(test.provision_nth('S')), '200 answered', 'provisioned');
SELECT results_eq($$SELECT c ->> 'credentialConfigurationId', json_array_length(c -> 'credentialInstanceIds')
                    FROM json_array_elements((test.provision_nth('S')).body::json -> 'CredentialInstances') AS c$$,
                  $$VALUES ('badge', 2), ('pass', 1)$$, 'by configuration, in the order of approval');
CREATE TEMP TABLE before AS SELECT * FROM s2s.instance;
SELECT is(test.ids(test.provision_nth('S')), (SELECT array_agg(instance_id::text ORDER BY ordinal) FROM before),
                  'in their order');

-- Anew.
SELECT is(r.status, 200, 'verified anew') FROM test.again('S', 'second', p_jwe => '{a}', p_locale => 'fr', p_types => '{otp}',
  p_attestation => 'VERIFIED', p_lane => 'hr', p_configurations => '{badge,pass,car}') AS r;
SELECT is((SELECT count(DISTINCT verification_id) FROM s2s.verification WHERE session_id = 'S'), 2::bigint, 'a second verification');
SELECT results_eq(
  $$SELECT status, data_seq, attempts, lane, attestation, locale, peer, due_at = expires_at, data_octets FROM test.nth('S')$$,
  $$VALUES ('PENDING' COLLATE "C", 1, 1, 'hr' COLLATE "C", 'VERIFIED' COLLATE "C", 'fr', 'wallet' COLLATE "C", true, 1::bigint)$$,
  'like a first one');
SELECT results_eq($$SELECT session_id, jti, verification_id FROM s2s.nonce_jti$$,
                  $$SELECT 'S' COLLATE "C", 'second' COLLATE "C", verification_id FROM test.nth('S')$$, 'its nonce');
SELECT results_eq(
  $$SELECT attestation, locale, supported_types, lane, client_jwe, client_seq, previous_verification_id
    FROM s2s.evaluations_claim(test.lease(), 9, '1 min', 9, 1000, '{"", hr}')$$,
  $$SELECT 'VERIFIED', 'fr', '{otp}'::text[], 'hr', '{a}'::text[], '{1}'::integer[], (test.nth('S', 1)).verification_id::text COLLATE "default"$$,
  'what is evaluated');
SELECT is(test.brief(test.again('S', 'second')), '409 answered SESSION_CONSUMED', 'nor does the second nonce count twice');
SELECT is(test.brief(test.again('S', 'third')), '409 answered SESSION_CONSUMED', 'one at a time');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT is(s2s.evaluation_done((test.newest_job('S')).job_id, test.lease(), 1, 'APPROVED', NULL, NULL, '{car,badge,pass}',
                              '{ada,bob,bob}', NULL, NULL, NULL, NULL, '{"\\x01","\\x02","\\x03"}'), 'done', 'approved');

-- What was there, and is approved again, is taken over; the rest is made.
SELECT is(test.brief(test.provision_nth('S')), '200 answered', 'provisioned');
CREATE TEMP TABLE later AS SELECT * FROM s2s.instance;
SELECT is((SELECT count(*) FROM later), 5::bigint, 'two were made');
SELECT is((test.ids(test.provision_nth('S')))[2], (SELECT instance_id FROM before WHERE (configuration_id, subject_ref) = ('badge', 'bob'))::text,
          'one is the same');
SELECT results_eq(
  $$SELECT a.verification_id, a.ordinal, a.subject_sealed, a.version - b.version, a.confirmed, a.created_at = b.created_at
    FROM later AS a JOIN before AS b USING (instance_id) WHERE (a.configuration_id, a.subject_ref) = ('badge', 'bob')$$,
  $$SELECT verification_id, 2::smallint, '\x02'::bytea, 1::bigint, false, true FROM test.nth('S')$$, 'with its new verification');
SELECT is_empty($$SELECT FROM later AS a JOIN before AS b USING (instance_id)
                  WHERE a.subject_ref <> 'bob' AND a.verification_id <> b.verification_id$$, 'the others stay where they were');
SELECT is(test.ids(test.provision_nth('S', 1)), (SELECT array_agg(instance_id::text ORDER BY ordinal) FROM before),
                  'the first verification says what it always said');
SELECT is(test.ids(test.provision_nth('S', 2)), test.ids(test.provision_nth('S')), 'and so does the second');
SELECT is((SELECT count(*) FROM s2s.instance), 5::bigint, 'nothing more is made');
SELECT is((test.get('S')).status, 200, 'an instance of the first is still to be had');
SELECT is((SELECT count(DISTINCT i ->> 'credentialInstanceId') FROM s2s.delivery AS d,
                  json_array_elements((s2s.delivery_message(d)).body::json #> '{data,instances}') AS i
           WHERE d.endpoint = 'instances.provisioned'), 5::bigint, 'the webhook hears of all');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- What is over is not taken over.
SELECT is(test.brief(test.again('S', 'third')), '200 answered', 'a third');
SELECT is(test.approve('S', '{badge,badge}', '{ada,bob}'), 'done', 'approved');
SELECT is(a.outcome, 'COMPLETED', 'one is unlinked before it is provisioned')
FROM s2s.instance AS i, s2s.instance_act(i, 'WALLET', 'UNLINK', NULL) AS a
WHERE (i.configuration_id, i.subject_ref) = ('badge', 'ada');
SELECT is(cardinality(test.ids(test.provision_nth('S'))), 2, 'provisioned');
SELECT is((SELECT count(*) FROM s2s.instance WHERE (configuration_id, subject_ref) = ('badge', 'ada')), 2::bigint, 'one is new');
SELECT is((SELECT count(*) FROM s2s.instance WHERE (configuration_id, subject_ref) = ('badge', 'bob')), 1::bigint, 'one is taken over again');
SELECT is(test.ids(test.provision_nth('S', 1)), (SELECT array_agg(instance_id::text ORDER BY ordinal) FROM before),
                  'the first verification still says the same');
SELECT is((SELECT array_agg(id ORDER BY id) FROM unnest(test.ids(test.provision_nth('S', 2))) AS id),
          (SELECT array_agg(instance_id::text ORDER BY instance_id::text) FROM later WHERE subject_ref = 'bob' OR configuration_id = 'car'),
          'and so does the second');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- The first one is provisioned after the second.
SELECT lives_ok($$SELECT test.again('L', 'a'), test.approve('L'), test.again('L', 'b'), test.approve('L', '{pass,badge}', '{ada,ada}')$$, 'two');
CREATE TEMP TABLE late AS SELECT test.ids(test.provision_nth('L', 2)) AS ids;
SELECT is(test.ids(test.provision_nth('L', 1)), (SELECT ids[2:2] FROM late), 'the same instance');
SELECT is(test.ids(test.provision_nth('L', 1)), (SELECT ids[2:2] FROM late), 'for ever');
SELECT is(test.ids(test.provision_nth('L', 2)), (SELECT ids FROM late), 'which stays with the newer one');
SELECT is((SELECT count(*) FROM s2s.instance WHERE session_id = 'L'), 2::bigint, 'there are two');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- A data key was changed meanwhile: the same subject under another pseudonym.
SELECT lives_ok($$SELECT test.again('K', 'a'), test.approve('K', '{badge,badge}', '{old-ada,old-bob}'), test.provision_nth('K', 1), test.again('K', 'b')$$, 'a session');
SELECT is(test.approve('K', '{badge,badge}', '{new-ada,new-eve}', p_aliases => '[["x", "old-ada"], ["y"]]'), 'done', 'is approved again');
SELECT is((test.nth('K')).subject_refs, '{old-ada,new-eve}', 'who is known keeps the name');
SELECT is((test.ids(test.provision_nth('K')))[1], (test.ids(test.provision_nth('K', 1)))[1], 'and the instance');
SELECT is((SELECT count(*) FROM s2s.instance WHERE session_id = 'K'), 3::bigint, 'one is new');
SELECT lives_ok($$SELECT test.again('N', 'a'), test.approve('N', '{badge}', '{new-ada}', p_aliases => '[["old-ada"]]')$$, 'a first verification');
SELECT is((test.nth('N')).subject_refs, '{new-ada}', 'knows no older names');

-- A verification whose time is over stands in nobody's way.
SELECT lives_ok($$SELECT test.again('T', 'a', p_lifetime => '-1 s')$$, 'one that is over');
SELECT is(test.brief(test.again('T', 'b')), '200 answered', 'another one');
SELECT is((test.nth('T', 1)).status, 'EXPIRED', 'the first has ended');
SELECT lives_ok($$SELECT test.again('C', 'a'), test.cancel('C'), test.again('C', 'b')$$, 'after a cancellation');
SELECT is((test.nth('C')).status, 'PENDING', 'it begins anew');
SELECT is((SELECT count(*) FROM s2s.session_verifications('C')), 2::bigint, 'both are known');
SELECT lives_ok($$SELECT test.initiate('R'), test.cancel('R')$$, 'a session that was opened by a raw nonce');
SELECT is(test.brief(test.again('R', 'a')), '200 answered', 'is verified anew by a bound one');

-- One exchange is one verification.
SELECT is(test.brief(s2s.issuer_initiate('wallet', test.lease(77), '/verification/initiate', '\x01', gen_random_uuid(), 'N',
  '{badge}', '{}', 'thumbprint', 1, NULL, NULL, NULL, NULL, 0, '1 day', 16, 1000, 'z')), n.want, n.want)
FROM (VALUES (1, '200 answered'), (2, '200 replayed')) AS n (n, want);
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT * FROM finish();
ROLLBACK;
