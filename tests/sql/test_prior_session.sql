-- SPDX-License-Identifier: Apache-2.0
-- Device migration: a prior session, and how many devices its approval is good for.
BEGIN;
SELECT plan(55);

-- A root that is good for two devices, and sessions that name it.
SELECT lives_ok($$SELECT test.again('root', 'a', p_configurations => '{badge,pass}'),
                         test.approve('root', '{badge,badge,pass}', '{ada,bob,ada}', 2, '{"\\x0a", NULL, "\\x0b"}')$$, 'an approval for two devices');
SELECT lives_ok($$SELECT test.initiate('two', p_configurations => '{badge}'), test.initiate('three'), test.initiate('other', p_peer => 'other'),
                         test.initiate('car', p_configurations => '{car}'), test.initiate('new')$$, 'other sessions');

SELECT is(test.migrate('other', 'root'), 'MISMATCH UNKNOWN', 'another peer''s');
SELECT is(test.migrate('two', 'new'), 'MISMATCH NOT_APPROVED', 'not approved');
SELECT is(test.migrate('two', 'two'), 'MISMATCH UNKNOWN', 'itself');
SELECT is(test.verdicts(test.facts('two', json_build_array(test.prior_item('root')::jsonb || '{"session_id": "new"}'))), 'MISMATCH UNKNOWN',
          'of another session than it says');
SELECT is(test.migrate('car', 'root'), 'MISMATCH CONFIGURATION', 'of something else');
SELECT is((test.nth('car')).root_verification_id, NULL, 'nothing came of any');

SELECT is(test.migrate('two', 'root'), 'SATISFIED', 'the second device');
SELECT is((test.nth('two')).root_verification_id, (test.nth('root')).verification_id, 'is counted');
SELECT is((test.nth('two')).status, 'PENDING', 'before it is approved');
SELECT is(test.facts('two', json_build_array(test.prior_item('root', NULL, 3)))::jsonb, jsonb_build_object('outcome', 'done', 'checks', jsonb_build_array(
    jsonb_build_object(
      'item', 3, 'kind', 'prior_session', 'verdict', 'SATISFIED',
      'facts', jsonb_build_object(
        'sessionId', 'root', 'verificationId', (test.nth('root')).verification_id, 'rootVerificationId', (test.nth('root')).verification_id,
        'credentialConfigurationIds', '["badge","pass"]'::jsonb, 'authorizedDeviceCount', 2, 'devices', 2),
      'subjects', '[{"configuration_id": "badge", "subject_ref": "ada", "subject_sealed": "0a"}, {"configuration_id": "badge", "subject_ref": "bob"},
                    {"configuration_id": "pass", "subject_ref": "ada", "subject_sealed": "0b"}]'::jsonb))), 'asked again, the same; what it is good for');
SELECT is(test.migrate('three', 'root'), 'MISMATCH DEVICE_LIMIT', 'the third is one too many');
SELECT is((test.nth('three')).root_verification_id, NULL, 'and is not counted');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- At whatever remove.
SELECT is(test.approve('two', p_devices => 9), 'done', 'the second is approved');
SELECT is((test.nth('two')).authorized_device_count, 2, 'for no more devices than the first');
SELECT is(test.migrate('three', 'two'), 'MISMATCH DEVICE_LIMIT', 'naming the second does not help the third');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- A device that has nothing any more makes room.
SELECT lives_ok($$SELECT test.provision_nth('root'), test.provision_nth('two')$$, 'provisioned');
SELECT is(test.migrate('three', 'root'), 'MISMATCH DEVICE_LIMIT', 'no room');
SELECT lives_ok($$SELECT test.manage('two', 'SUSPEND')$$, 'suspended');
SELECT is(test.migrate('three', 'root'), 'MISMATCH DEVICE_LIMIT', 'is there still');
SELECT lives_ok($$SELECT test.manage('two', 'UNLINK')$$, 'unlinked');
SELECT is(test.migrate('three', 'root'), 'SATISFIED', 'the third takes its place');
SELECT is(test.migrate('new', 'two'), 'MISMATCH DEVICE_LIMIT', 'and nobody else');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- One that is refused, or ends, makes room too.
SELECT lives_ok($$SELECT test.cancel('three')$$, 'cancelled');
SELECT is(test.migrate('new', 'two'), 'SATISFIED', 'the next');
SELECT is((test.nth('new')).root_verification_id, (test.nth('root')).verification_id, 'all of one root');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- The session verified anew is the same device; without its credentials it is none.
SELECT lives_ok($$SELECT test.again('root', 'b')$$, 'the first session, anew');
SELECT is(test.verdicts(test.facts('root', json_build_array(test.prior_item('root', 1)))), 'SATISFIED', 'is counted already');
SELECT is(test.facts('root', json_build_array(test.prior_item('root', 1)))::jsonb #>> '{checks,0,facts,devices}', '2', 'once');
SELECT lives_ok($$SELECT test.again('two', 'b')$$, 'the second, which has nothing any more');
SELECT is(test.verdicts(test.facts('two', json_build_array(test.prior_item('root', 1)))), 'MISMATCH DEVICE_LIMIT', 'finds no room');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- What the issuer has cancelled is not given again.
SELECT lives_ok($$SELECT test.again('taken', 'a'), test.approve('taken', '{badge,badge}', '{ada,bob}', 5), test.provision_nth('taken'),
                         test.initiate('D'), test.initiate('E')$$, 'an approval');
SELECT is(s2s.command_instance((test.instance('taken', 1)).instance_id, 'CANCEL', NULL), 'COMPLETED', 'ada''s is cancelled');
SELECT is((test.facts('D', json_build_array(test.prior_item('taken'))) #>> '{checks,0,subjects}')::jsonb,
          '[{"configuration_id": "badge", "subject_ref": "bob"}]'::jsonb, 'bob''s is good');
SELECT is(s2s.command_instance((test.instance('taken', 2)).instance_id, 'CANCEL', NULL), 'COMPLETED', 'bob''s is cancelled too');
SELECT is(test.migrate('E', 'taken'), 'MISMATCH CANCELLED', 'nothing is left');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- One root for a verification at a time.
SELECT lives_ok($$SELECT test.again('other root', 'a'), test.approve('other root', p_devices => 1), test.initiate('F'), test.initiate('G')$$, 'another root');
SELECT is(test.verdicts(test.facts('F', json_build_array(test.prior_item('other root', NULL, 0), test.prior_item('root', 1, 1)))),
          'MISMATCH DEVICE_LIMIT, MISMATCH CONFLICT', 'two roots named at once');
SELECT lives_ok($$SELECT test.provision_nth('other root'), test.manage('other root', 'UNLINK')$$, 'room');
SELECT is(test.verdicts(test.facts('F', json_build_array(test.prior_item('other root', NULL, 0), test.prior_item('root', 1, 1)))),
          'SATISFIED, MISMATCH CONFLICT', 'the first counts');
SELECT is(test.migrate('G', 'other root'), 'MISMATCH DEVICE_LIMIT', 'taken');
SELECT lives_ok($$SELECT test.cancel('new')$$, 'room with the first root');
SELECT is(test.migrate('F', 'root'), 'MISMATCH NOT_APPROVED', 'its new verification is none yet');
SELECT is(test.verdicts(test.facts('F', json_build_array(test.prior_item('root', 1)))), 'SATISFIED', 'it turns to that one');
SELECT is(test.migrate('G', 'other root'), 'SATISFIED', 'and is gone from the other');
SELECT is((SELECT count(*) FROM s2s.devices_held((test.nth('root', 1)).verification_id)), 2::bigint, 'two of two');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT is(s2s.devices_authorized('nothing'), NULL, 'no approval, no devices');
SELECT * FROM finish();
ROLLBACK;
