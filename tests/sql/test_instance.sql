-- SPDX-License-Identifier: Apache-2.0
-- Credential instances: derived status, actions of both sides, events.
BEGIN;
SELECT plan(90);

-- All 32 combinations of facts.
SELECT is(
  s2s.instance_status(jsonb_populate_record(NULL::s2s.instance, jsonb_build_object(
    'cancelled', n & 16 > 0, 'unlinked', n & 8 > 0, 'issuer_suspended', n & 4 > 0, 'wallet_suspended', n & 2 > 0,
    'confirmed', n & 1 > 0))),
  CASE WHEN n >= 16 THEN 'CANCELLED' WHEN n >= 8 THEN 'UNLINKED' WHEN n >= 4 THEN 'SUSPENDED_ISSUER'
       WHEN n >= 2 THEN 'SUSPENDED_WALLET' WHEN n = 1 THEN 'ACTIVE' ELSE 'IN_PROCESS' END,
  'facts ' || n::bit(5)::text)
FROM generate_series(0, 31) AS n;

-- What the wallet asks for, in order: action, what the issuer does before it, and the answer.
SELECT lives_ok($$SELECT test.provisioned('S')$$, 'an instance');
CREATE FUNCTION pg_temp.manage(p_action text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', b ->> 'outcome', b ->> 'previousStatus', b ->> 'currentStatus', b ->> 'failureReason')
  FROM test.manage('S', p_action, 'because') AS r, LATERAL (SELECT r.body::json AS b) AS body
$$;
SELECT is(pg_temp.manage('RESUME'), 'NO_CHANGE IN_PROCESS IN_PROCESS', 'RESUME, not suspended');
SELECT is(pg_temp.manage('SUSPEND'), 'COMPLETED IN_PROCESS SUSPENDED_WALLET', 'SUSPEND');
SELECT is(pg_temp.manage('SUSPEND'), 'NO_CHANGE SUSPENDED_WALLET SUSPENDED_WALLET', 'SUSPEND again');
SELECT is(test.brief(test.event('S', 'PROVISIONING_SUCCESS')), '200 answered', 'confirmed while suspended');
SELECT is((test.instance('S')).last_status_change_reason, 'because', 'shows nothing new');
SELECT is(test.issuer('S', 'SUSPEND'), 'COMPLETED', 'the issuer suspends too');
SELECT is(test.issuer('S', 'SUSPEND'), 'NO_CHANGE', 'once');
SELECT is(pg_temp.manage('SUSPEND'), 'NO_CHANGE SUSPENDED_ISSUER SUSPENDED_ISSUER', 'the issuer''s shows');
SELECT is(pg_temp.manage('RESUME'), 'COMPLETED SUSPENDED_ISSUER SUSPENDED_ISSUER', 'the wallet resumes its own');
SELECT is(pg_temp.manage('RESUME'), 'FAILED SUSPENDED_ISSUER SUSPENDED_ISSUER SUSPENDED_BY_ISSUER', 'not the issuer''s');
SELECT is(pg_temp.manage('SUSPEND'), 'COMPLETED SUSPENDED_ISSUER SUSPENDED_ISSUER', 'suspended by both again');
SELECT is(test.issuer('S', 'RESUME'), 'COMPLETED', 'the issuer resumes its own');
SELECT is(test.issuer('S', 'RESUME'), 'FAILED', 'not the wallet''s');
SELECT is(pg_temp.manage('RESUME'), 'COMPLETED SUSPENDED_WALLET ACTIVE', 'RESUME: confirmed, so ACTIVE');
SELECT is(pg_temp.manage('UNLINK'), 'COMPLETED ACTIVE UNLINKED', 'UNLINK');
SELECT is(pg_temp.manage('UNLINK'), 'NO_CHANGE UNLINKED UNLINKED', 'UNLINK again');
SELECT is(pg_temp.manage('SUSPEND'), 'FAILED UNLINKED UNLINKED UNLINKED', 'SUSPEND of an unlinked one');
SELECT is(pg_temp.manage('RESUME'), 'FAILED UNLINKED UNLINKED UNLINKED', 'RESUME of an unlinked one');
SELECT is(test.issuer('S', 'SUSPEND'), 'FAILED', 'the issuer cannot either');
SELECT is(test.issuer('S', 'CANCEL'), 'COMPLETED', 'but cancel');
SELECT is(test.issuer('S', 'CANCEL'), 'NO_CHANGE', 'once');
SELECT is(test.issuer('S', 'RESUME'), 'FAILED', 'and then nothing');
SELECT is(pg_temp.manage(a), 'FAILED CANCELLED CANCELLED CANCELLED', a || ' of a cancelled one')
FROM unnest('{SUSPEND,RESUME,UNLINK}'::text[]) AS a;
SELECT is(test.brief(test.event('S', 'PROVISIONING_SUCCESS')), '200 answered', 'an event is still acknowledged');
SELECT is((test.instance('S')).last_status_change_reason, 'BY_ISSUER', 'and changes nothing');

SELECT is((test.manage('S', 'SUSPEND')).body::jsonb,
          jsonb_build_object('sessionId', 'S', 'credentialInstanceId', (test.instance('S')).instance_id,
                             'currentStatus', 'CANCELLED', 'previousStatus', 'CANCELLED', 'outcome', 'FAILED',
                             'failureReason', 'CANCELLED'), 'the whole answer');
SELECT is(test.brief(test.manage('S', 'SUSPEND', p_peer => 'other')), '404 answered NOT_FOUND', 'not theirs');
SELECT throws_ok($$SELECT s2s.instance_act(i, 'WALLET', 'CANCEL', NULL) FROM test.provisioned('T'), test.instance('T') AS i$$,
                 '20000', NULL, 'an action that the side does not have is a bug');

-- Time, reason and version follow the shown status, and nothing else.
SELECT lives_ok($$SELECT test.provisioned('U')$$, 'another instance');
CREATE FUNCTION pg_temp.changed(p_session text, p_do text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE before s2s.instance := test.instance(p_session); after s2s.instance;
BEGIN
  EXECUTE p_do;
  after := test.instance(p_session);
  RETURN concat_ws(' ', after.version - before.version, after.last_status_change_time > before.last_status_change_time,
                   after.last_status_change_reason);
END
$$;
SELECT is(pg_temp.changed('U', $$SELECT test.event('U', 'PROVISIONING_SUCCESS')$$), '1 t PROVISIONING_SUCCESS', 'confirmed');
SELECT is(pg_temp.changed('U', $$SELECT test.event('U', 'PROVISIONING_SUCCESS')$$), '0 f PROVISIONING_SUCCESS', 'again');
SELECT is(pg_temp.changed('U', $$SELECT test.event('U', 'UPDATE_SUCCESS')$$), '0 f PROVISIONING_SUCCESS', 'another event');
SELECT is(pg_temp.changed('U', $$SELECT test.manage('U', 'SUSPEND', 'lost')$$), '1 t lost', 'suspended');
SELECT is(pg_temp.changed('U', $$SELECT test.manage('U', 'SUSPEND', 'found')$$), '0 f lost', 'again');
SELECT is(pg_temp.changed('U', $$SELECT test.issuer('U', 'SUSPEND')$$), '1 t BY_ISSUER', 'the issuer''s shows');
SELECT is(pg_temp.changed('U', $$SELECT test.manage('U', 'RESUME', 'found')$$), '0 f BY_ISSUER', 'the wallet''s does not');
SELECT is(pg_temp.changed('U', $$SELECT test.issuer('U', 'RESUME')$$), '1 t BY_ISSUER', 'active again');
SELECT is(s2s.instance_status(test.instance('U')), 'ACTIVE', 'indeed');

-- Events and status.
SELECT is((test.event('U', 'SOMETHING_ELSE', false)).body::jsonb, '{"acknowledged": false}', 'an unknown event');
SELECT is((test.event('U', 'KEY_ROTATED')).body::jsonb, '{"acknowledged": true}', 'a known one');
UPDATE s2s.instance SET last_status_change_time = '2026-01-04 23:05:06+00', last_status_change_reason = NULL
WHERE session_id = 'U';
SET LOCAL timezone TO 'Asia/Tokyo';
SELECT is((test.credential_status('U')).body::jsonb,
          '{"currentStatus": "ACTIVE", "currentVersion": "v1", "lastStatusChangeTime": "Sun, 04 Jan 2026 23:05:06 GMT"}',
          'status, with the time as HTTP-date');
SET LOCAL timezone TO 'UTC';
SELECT is((test.credential_status('U')).status, 200, 'answered');
SELECT is((test.credential_status('U', NULL)).body::json ->> 'currentVersion', 'unknown',
          'the dataset is gone, nothing was fetched');
SELECT is(test.brief(test.get('U')), '200 answered', 'fetched');
SELECT is((test.credential_status('U', NULL)).body::json ->> 'currentVersion', 'v1', 'the version last fetched');
SELECT is((test.credential_status('U', 'v2')).body::json ->> 'currentVersion', 'v2', 'the current one, if it is known');

-- Provision.
SELECT lives_ok($$SELECT test.approved('P', '{pass,badge}')$$, 'approved for two');
CREATE TEMP TABLE p AS SELECT * FROM test.provision('P');
SELECT is(body::jsonb,
  jsonb_build_object('CredentialInstances', jsonb_build_array(
    jsonb_build_object('credentialConfigurationId', 'pass', 'credentialInstanceIds',
                       jsonb_build_array((test.instance('P', 1)).instance_id)),
    jsonb_build_object('credentialConfigurationId', 'badge', 'credentialInstanceIds',
                       jsonb_build_array((test.instance('P', 2)).instance_id)))), 'in the order of approval') FROM p;
SELECT is((test.provision('P')).body, (SELECT body FROM p), 'another call, the same instances');
SELECT is((SELECT count(*) FROM s2s.instance WHERE session_id = 'P'), 2::bigint, 'two and no more');
SELECT is((test.instance('P', 1)).subject_ref, 'subject-pass', 'each of its subject');
SELECT is(test.brief(test.provision('P', p_peer => 'other')), '404 answered NOT_FOUND', 'not theirs');
SELECT lives_ok($$SELECT test.initiate('Q')$$, 'not approved');
SELECT is((test.provision('Q')).body::json ->> 'currentStatus', 'PENDING', 'is the wrong state');

SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT * FROM finish();
ROLLBACK;
