-- SPDX-License-Identifier: Apache-2.0
-- Reconciliation: the grid cell by cell on either side, and the walk. (test_reconcile_walk.sql has the bounds.)
BEGIN;
SELECT plan(151);

-- ---- the grid: facts of ours, status and version of theirs, what follows ----

-- Facts by letter: c(onfirmed), w(allet_suspended), i(ssuer_suspended), u(nlinked), x (cancelled), a (update_available).
CREATE FUNCTION pg_temp.facts(p_letters text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object(
    'confirmed', p_letters LIKE '%c%', 'wallet_suspended', p_letters LIKE '%w%', 'issuer_suspended', p_letters LIKE '%i%',
    'unlinked', p_letters LIKE '%u%', 'cancelled', p_letters LIKE '%x%', 'update_available', p_letters LIKE '%a%',
    'credential_version', 'v1', 'created_at', '2026-01-01')
$$;
SELECT is(
  (SELECT string_agg(coalesce(g.action, g.finding), ', ' ORDER BY g.action)
   FROM s2s.reconcile_grid_issuer(jsonb_populate_record(NULL::s2s.instance, pg_temp.facts(ours)), theirs, version, '2026-01-02') AS g),
  wanted, 'issuer ' || ours || ', wallet ' || coalesce(theirs, 'unknown'))
FROM (VALUES
  ('-', 'IN_PROCESS', 'v1', NULL), ('c', 'ACTIVE', 'v1', NULL), ('c', 'ACTIVE', NULL, NULL), ('cw', 'SUSPENDED_WALLET', 'v1', NULL),
  ('ci', 'SUSPENDED_ISSUER', 'v1', NULL), ('ciw', 'SUSPENDED_ISSUER', 'v1', NULL), ('u', 'UNLINKED', 'v1', NULL), ('x', 'CANCELLED', 'v1', NULL),
  ('x', 'UNLINKED', 'v1', NULL), ('u', 'CANCELLED', 'v1', NULL), ('xc', NULL, NULL, NULL), ('u', NULL, NULL, NULL), ('u', 'ACTIVE', 'v2', NULL),
  ('c', NULL, NULL, 'unknown to the wallet'), ('c', 'UNKNOWN', 'v1', 'the wallet cannot tell'),
  ('x', 'ACTIVE', 'v1', 'send UNLINK'), ('x', 'SUSPENDED_ISSUER', 'v1', 'send UNLINK'), ('x', 'IN_PROCESS', 'v1', 'send UNLINK'),
  ('c', 'UNLINKED', 'v1', 'record UNLINK'), ('c', 'CANCELLED', 'v1', 'record UNLINK'), ('ci', 'UNLINKED', 'v1', 'record UNLINK'),
  ('ci', 'ACTIVE', 'v1', 'send SUSPEND'), ('i', 'IN_PROCESS', 'v1', 'send SUSPEND'),
  ('ci', 'SUSPENDED_WALLET', 'v1', 'record SUSPEND, send SUSPEND'), ('ciw', 'ACTIVE', 'v1', 'record RESUME, send SUSPEND'),
  ('c', 'SUSPENDED_ISSUER', 'v1', 'send RESUME'), ('cw', 'SUSPENDED_ISSUER', 'v1', 'send RESUME'),
  ('c', 'SUSPENDED_WALLET', 'v1', 'record SUSPEND'), ('cw', 'ACTIVE', 'v1', 'record RESUME'), ('w', 'IN_PROCESS', 'v1', 'record RESUME'),
  ('-', 'ACTIVE', 'v1', 'record CONFIRM'), ('c', 'IN_PROCESS', 'v1', NULL),
  ('c', 'ACTIVE', 'v2', 'send CREDENTIAL_UPDATE_AVAILABLE'), ('c', 'UNLINKED', 'v2', 'record UNLINK')
) AS t (ours, theirs, version, wanted);
SELECT is_empty(format('SELECT FROM s2s.reconcile_grid_issuer(jsonb_populate_record(NULL::s2s.instance, pg_temp.facts(''-'')), %L, ''v1'', ''2025-12-31'')', theirs),
                'a young instance: the wallet is at it')
FROM (VALUES ('ACTIVE'), (NULL)) AS t (theirs);

SELECT is(
  (SELECT string_agg(coalesce(g.action, g.finding), ', ' ORDER BY g.action)
   FROM s2s.reconcile_grid_wallet(jsonb_populate_record(NULL::s2s.wallet_instance, pg_temp.facts(ours)), theirs, version) AS g),
  wanted, 'wallet ' || ours || ', issuer ' || coalesce(theirs, 'unknown'))
FROM (VALUES
  ('-', 'IN_PROCESS', 'v1', NULL), ('c', 'ACTIVE', 'v1', NULL), ('c', 'ACTIVE', NULL, NULL), ('cw', 'SUSPENDED_WALLET', 'v1', NULL),
  ('ci', 'SUSPENDED_ISSUER', 'v1', NULL), ('ciw', 'SUSPENDED_ISSUER', 'v1', NULL), ('u', 'UNLINKED', 'v1', NULL), ('x', 'CANCELLED', 'v1', NULL),
  ('x', 'UNLINKED', 'v1', NULL), ('u', 'CANCELLED', 'v1', NULL), ('x', 'ACTIVE', 'v1', NULL), ('u', NULL, NULL, NULL),
  ('c', NULL, NULL, 'record MISSING'), ('c', 'UNKNOWN', 'v1', 'the issuer cannot tell'),
  ('c', 'CANCELLED', 'v1', 'record CANCEL'), ('ciw', 'CANCELLED', 'v2', 'record CANCEL'), ('c', 'UNLINKED', 'v1', 'record UNLINK'),
  ('u', 'ACTIVE', 'v1', 'send UNLINK'), ('u', 'SUSPENDED_ISSUER', 'v1', 'send UNLINK'),
  ('c', 'SUSPENDED_ISSUER', 'v1', 'record SUSPEND'), ('ci', 'ACTIVE', 'v1', 'record RESUME'),
  ('ci', 'SUSPENDED_WALLET', 'v1', 'record RESUME, send RESUME'), ('ciw', 'ACTIVE', 'v1', 'record RESUME, send SUSPEND'),
  ('cw', 'ACTIVE', 'v1', 'send SUSPEND'), ('w', 'IN_PROCESS', 'v1', 'send SUSPEND'), ('c', 'SUSPENDED_WALLET', 'v1', 'send RESUME'),
  ('c', 'IN_PROCESS', 'v1', 'send PROVISIONING_SUCCESS'), ('-', 'ACTIVE', 'v1', 'record CONFIRM'),
  ('c', 'ACTIVE', 'v2', 'record CREDENTIAL_UPDATE_AVAILABLE'), ('ca', 'ACTIVE', 'v2', NULL)
) AS t (ours, theirs, version, wanted);

-- ---- a run, asked and answered ----

SELECT is(s2s.lanes_set('{wallet,issuer}', '[{"name": "backend"}]'), 3, 'a wallet, an issuer, a webhook');
SELECT lives_ok($$SELECT test.provisioned('A'), test.provisioned('B')$$, 'two instances of the issuer');
CREATE FUNCTION pg_temp.instance(p_session text) RETURNS text LANGUAGE sql AS $$ SELECT (test.instance(p_session)).instance_id $$;
CREATE FUNCTION pg_temp.step(p_side text) RETURNS integer LANGUAGE sql AS $$ SELECT s2s.reconcile_due(p_side, '0') $$;
CREATE FUNCTION pg_temp.says(p_instance text, p_side text, p_status text, p_version text DEFAULT 'unknown') RETURNS text LANGUAGE sql AS $$
  SELECT test.answered('/credential/status', p_instance,
                       json_build_object('currentStatus', p_status, 'currentVersion', p_version)::text, p_side)
$$;
-- A run about one instance, whose peer says this; "finding → action" of each finding.
CREATE FUNCTION pg_temp.run(p_instance text, p_side text, p_status text, p_version text DEFAULT 'unknown') RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_run text := s2s.reconcile_by('me', 'operate', NULL, p_side, NULL, p_instance);
BEGIN
  PERFORM pg_temp.step(p_side);
  IF p_status IS NOT NULL THEN
    PERFORM pg_temp.says(p_instance, p_side, p_status, p_version);
  ELSE
    PERFORM test.refused('/credential/status', p_instance, 404, p_side);
  END IF;
  PERFORM pg_temp.step(p_side);
  RETURN (SELECT CASE WHEN (SELECT finished_at IS NULL FROM s2s.reconciliation WHERE reconciliation_id = v_run) THEN 'unfinished '
                      ELSE '' END
                 || coalesce(string_agg(concat_ws(' ', f.ours, coalesce(f.theirs, '-'), f.action), ', ' ORDER BY f.finding_id), 'equal')
          FROM s2s.reconciliation_finding AS f WHERE f.reconciliation_id = v_run);
END
$$;

CREATE TEMP TABLE run AS SELECT s2s.command_reconcile('ISSUER', NULL) AS id;
CREATE FUNCTION pg_temp.report() RETURNS jsonb LANGUAGE sql AS $$ SELECT s2s.reconcile_report(id)::jsonb FROM run $$;
SELECT is(pg_temp.report() - '{startedAt,reconciliationId}'::text[], '{"checked": 0, "found": 0, "findings": []}', 'it has begun');
SELECT is(pg_temp.step('WALLET'), 0, 'no run of the wallet''s');
SELECT is(pg_temp.step('ISSUER'), 1, 'a step');
SELECT is((SELECT count(*) FROM s2s.delivery WHERE endpoint = '/credential/status' AND peer = 'wallet' AND side = 'ISSUER'), 2::bigint, 'both are asked about');
SELECT is(pg_temp.says(pg_temp.instance('A'), 'ISSUER', 'IN_PROCESS'), 'done', 'one agrees');
SELECT is((SELECT detail FROM s2s.ledger WHERE endpoint = '/credential/status' AND event = 'delivered'), 'equal', 'as the ledger says');
SELECT is(pg_temp.step('ISSUER'), 1, 'a step');
SELECT is(pg_temp.report() - '{startedAt,reconciliationId}'::text[], '{"checked": 1, "found": 0, "findings": []}', 'one is checked');
SELECT is(pg_temp.says(pg_temp.instance('B'), 'ISSUER', 'UNLINKED'), 'done', 'the other does not');
SELECT is(s2s.instance_status(test.instance('B')), 'UNLINKED', 'and is unlinked');
SELECT is(pg_temp.step('ISSUER'), 1, 'a step');
SELECT is(pg_temp.report() - '{startedAt,finishedAt,reconciliationId}'::text[],
          jsonb_build_object('checked', 2, 'found', 1, 'findings', jsonb_build_array(jsonb_build_object(
            'credentialInstanceId', pg_temp.instance('B'), 'ours', 'IN_PROCESS', 'theirs', 'UNLINKED', 'finding', 'over at the wallet',
            'action', 'record UNLINK'))), 'all is told');
SELECT ok(pg_temp.report() ? 'finishedAt', 'and finished');
SELECT is(pg_temp.step('ISSUER'), 0, 'nothing goes on');
SELECT is(s2s.reconcile_report('X')::text, NULL, 'unknown');

-- ---- what follows, issuer ----

SELECT is(pg_temp.run(pg_temp.instance('A'), 'ISSUER', 'ACTIVE'), 'equal', 'young: it may be confirmed any moment');
UPDATE s2s.instance SET created_at = created_at - interval '2 hours', last_status_change_time = last_status_change_time - interval '2 hours';
SELECT is(pg_temp.run(pg_temp.instance('A'), 'ISSUER', 'ACTIVE'), 'IN_PROCESS ACTIVE record CONFIRM', 'confirmed');
SELECT is(s2s.instance_status(test.instance('A')), 'ACTIVE', 'so it is');
SELECT is(pg_temp.run(pg_temp.instance('A'), 'ISSUER', 'SUSPENDED_WALLET'), 'ACTIVE SUSPENDED_WALLET record SUSPEND', 'suspended');
SELECT is(s2s.instance_status(test.instance('A')), 'SUSPENDED_WALLET', 'so it is');
SELECT is(pg_temp.run(pg_temp.instance('A'), 'ISSUER', 'ACTIVE'), 'SUSPENDED_WALLET ACTIVE record RESUME', 'resumed');
SELECT is(test.owed('/credential/manage', pg_temp.instance('A'), 'ISSUER') IS NULL, true, 'the wallet knows all this');
SELECT is(s2s.command_instance(pg_temp.instance('A'), 'SUSPEND', NULL), 'COMPLETED', 'the issuer suspends');
SELECT is(pg_temp.run(pg_temp.instance('A'), 'ISSUER', 'ACTIVE'), 'equal', 'what is under way is no difference');
SELECT is(test.answered('/credential/manage', pg_temp.instance('A'), '{"outcome": "COMPLETED"}', 'ISSUER'), 'done', 'the wallet has it');
SELECT is(pg_temp.run(pg_temp.instance('A'), 'ISSUER', 'ACTIVE'), 'SUSPENDED_ISSUER ACTIVE send SUSPEND', 'and has forgotten it');
SELECT is((test.owed('/credential/manage', pg_temp.instance('A'), 'ISSUER')).owed, 1::bigint, 'it is told again');
SELECT is((test.owed('/credential/manage', pg_temp.instance('A'), 'ISSUER')).payload ->> 'reason', 'RECONCILED', 'and why');
UPDATE s2s.instance SET credential_version = 'v2' WHERE instance_id = pg_temp.instance('A');
SELECT is(pg_temp.run(pg_temp.instance('A'), 'ISSUER', 'SUSPENDED_ISSUER', 'v1'), 'SUSPENDED_ISSUER SUSPENDED_ISSUER send CREDENTIAL_UPDATE_AVAILABLE', 'another version');
SELECT is((test.owed('/event/notify', 'CREDENTIAL_UPDATE_AVAILABLE:' || pg_temp.instance('A'), 'ISSUER')).owed, 1::bigint, 'the wallet is told');
SELECT is(pg_temp.run(pg_temp.instance('A'), 'ISSUER', 'SUSPENDED_ISSUER', 'v1'), 'equal', 'once');
SELECT is(pg_temp.run(pg_temp.instance('A'), 'ISSUER', NULL), 'SUSPENDED_ISSUER -', 'unknown to the wallet');
SELECT is(pg_temp.run(pg_temp.instance('A'), 'ISSUER', 'PURPLE'), 'SUSPENDED_ISSUER UNKNOWN', 'a status that there is not');

-- ---- what follows, wallet ----

SELECT is(test.app_provisioned(s), 'done', 'instance ' || s) FROM unnest('{S,T,U,V}'::text[]) AS s;
CREATE FUNCTION pg_temp.status(p_session text) RETURNS text LANGUAGE sql AS $$ SELECT s2s.wallet_instance_status(test.app_instance(p_session)) $$;
SELECT is(pg_temp.run('S-1', 'WALLET', 'IN_PROCESS'), 'equal', 'equal');
SELECT is(pg_temp.run('S-1', 'WALLET', 'ACTIVE'), 'IN_PROCESS ACTIVE record CONFIRM', 'confirmed, which was forgotten');
SELECT is(pg_temp.status('S'), 'ACTIVE', 'so it is');
SELECT is(pg_temp.run('S-1', 'WALLET', 'IN_PROCESS'), 'ACTIVE IN_PROCESS send PROVISIONING_SUCCESS', 'the issuer has forgotten it');
SELECT is((SELECT array_agg(event_type) FROM s2s.wallet_event), '{PROVISIONING_SUCCESS}', 'it is told again');
SELECT is(pg_temp.run('S-1', 'WALLET', 'IN_PROCESS'), 'equal', 'once');
SELECT is(pg_temp.run('S-1', 'WALLET', 'SUSPENDED_ISSUER'), 'ACTIVE SUSPENDED_ISSUER record SUSPEND', 'suspended');
SELECT is(pg_temp.status('S'), 'SUSPENDED_ISSUER', 'so it is');
SELECT is(pg_temp.run('S-1', 'WALLET', 'ACTIVE'), 'SUSPENDED_ISSUER ACTIVE record RESUME', 'resumed');
SELECT is((test.app_action('S', 'SUSPEND')).status, 200, 'the wallet suspends');
SELECT is(pg_temp.run('S-1', 'WALLET', 'ACTIVE'), 'equal', 'what is under way is no difference');
SELECT is(test.answered('/credential/manage', 'S-1', '{"outcome": "COMPLETED"}'), 'done', 'the issuer has it');
SELECT is(pg_temp.run('S-1', 'WALLET', 'ACTIVE'), 'SUSPENDED_WALLET ACTIVE send SUSPEND', 'and has forgotten it');
SELECT is((test.owed('/credential/manage', 'S-1')).owed, 1::bigint, 'it is told again');
SELECT is(pg_temp.run('S-1', 'WALLET', NULL), 'SUSPENDED_WALLET - record MISSING', 'unknown to the issuer');
SELECT ok((test.app_instance('S')).missing_at IS NOT NULL, 'noted');
SELECT is(pg_temp.run('S-1', 'WALLET', 'SUSPENDED_WALLET'), 'equal', 'known again');
SELECT ok((test.app_instance('S')).missing_at IS NULL, 'noted');
UPDATE s2s.wallet_instance SET credential_version = 'v1';
SELECT is(pg_temp.run('S-1', 'WALLET', 'SUSPENDED_WALLET', 'v2'), 'SUSPENDED_WALLET SUSPENDED_WALLET record CREDENTIAL_UPDATE_AVAILABLE', 'a newer version');
SELECT ok((test.app_instance('S')).update_available, 'noted');
SELECT is((test.owed('credential.update_available', 'S-1')).peer, 'webhook:backend', 'and told');
SELECT is(pg_temp.run('T-1', 'WALLET', 'UNLINKED'), 'IN_PROCESS UNLINKED record UNLINK', 'unlinked, which was forgotten');
SELECT is(pg_temp.status('T'), 'UNLINKED', 'so it is');
SELECT is((test.owed('/credential/manage', 'T-1')).owed, NULL, 'the issuer knows');
SELECT is(pg_temp.run('T-1', 'WALLET', 'ACTIVE'), 'UNLINKED ACTIVE send UNLINK', 'now it has forgotten');
SELECT is(pg_temp.run('U-1', 'WALLET', 'CANCELLED'), 'IN_PROCESS CANCELLED record CANCEL', 'cancelled');
SELECT is(pg_temp.status('U'), 'CANCELLED', 'so it is');
-- The backend decides about what the issuer asked for: nothing is done over its head.
SELECT is((s2s.wallet_manage('issuer', gen_random_uuid(), '/credential/manage', '\x01', gen_random_uuid(), 'V', 'V-1', 'SUSPEND', NULL, true)).status, 200, 'asked for');
SELECT is(pg_temp.run('V-1', 'WALLET', 'SUSPENDED_ISSUER'), 'equal', 'what the backend is at is no difference');
SELECT is(pg_temp.status('V'), 'IN_PROCESS', 'and is left to it');

-- ---- runs of the application ----

CREATE TEMP TABLE asked AS SELECT test.post('app_reconcile', '{"body": {"credentialInstanceId": "S-1"}}') AS r;
SELECT is(test.brief(r), '202 answered', 'asked for') FROM asked;
SELECT is(test.body(test.ask('app_reconciliation', test.body(r)::json)) - 'startedAt', test.body(r) - 'startedAt', 'and shown') FROM asked;
SELECT is(test.brief(test.ask('app_reconciliation', '{"reconciliationId": "X"}')), '404 answered NOT_FOUND', 'unknown');
SELECT is(test.brief(test.ask('app_reconciliation', json_build_object('reconciliationId', id))), '404 answered NOT_FOUND', 'the other side''s') FROM run;
SELECT is(test.brief(test.post('app_reconcile', '{"body": {"credentialInstanceId": "X"}}')), '404 answered NOT_FOUND', 'an unknown instance');
SELECT is(test.brief(test.post('app_reconcile', '{"body": {"credentialInstanceId": "S-1", "issuer": "other"}}')), '404 answered NOT_FOUND', 'of another issuer');
SELECT is(test.brief(test.post('app_reconcile', '{"body": {"issuer": "issuer"}}')), '202 answered', 'all of an issuer');
SELECT is(pg_temp.step('WALLET'), 2, 'both go on');
SELECT is((SELECT string_agg(instance_id, ' ' ORDER BY instance_id) FROM s2s.reconciliation_check), 'S-1 S-1 T-1 V-1',
          'one twice; one that the wallet unlinked; none that the issuer cancelled');
SELECT is((SELECT count(*) FROM s2s.delivery WHERE endpoint = '/credential/status'), 3::bigint, 'each is asked about once');
SELECT is(pg_temp.says('S-1', 'WALLET', 'ACTIVE'), 'done', 'answered');
SELECT is((SELECT count(*) FROM s2s.reconciliation_check), 2::bigint, 'which ends the questions of both');
SELECT is(test.brief(test.post('app_reconcile', '{"body": {"issuer": "other"}}')), '202 answered', 'all of an issuer of whom there are none');
SELECT is(pg_temp.step('WALLET'), 3, 'a step');
SELECT is((SELECT asked FROM s2s.reconciliation WHERE scope_peer = 'other' AND finished_at IS NOT NULL), 0, 'it is over');

SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT * FROM finish();
ROLLBACK;
