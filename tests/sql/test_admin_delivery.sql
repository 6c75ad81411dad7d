-- SPDX-License-Identifier: Apache-2.0
-- The operators' API: what is owed, what was given up, the ledger; reconciliation and figures.
BEGIN;
SELECT plan(84);

SELECT is(s2s.lanes_set('{wallet,other}', '[{"name": "backend", "events": ["delivery.dead"]}]'), 3, 'peers and a webhook');
SELECT lives_ok($$SELECT test.approved('A'), test.approved('B')$$, 'two notices');
SELECT lives_ok($$SELECT s2s.delivery_owe('other', '/event/notify', 'E')$$, 'and one for another peer');
UPDATE s2s.delivery SET next_at = next_at - interval '1 hour' WHERE peer = 'other';

-- What is owed.
CREATE FUNCTION pg_temp.listed(p_query jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT test.pages('admin_deliveries', 'deliveries', 'peer', p_query)
$$;
SELECT is(test.body(test.ask('admin_deliveries', '{"ref": "E"}')) -> 'deliveries' -> 0 #- '{deliveryId}' #- '{owedAt}' #- '{nextAt}',
          '{"peer": "other", "endpoint": "/event/notify", "ref": "E", "role": "issuer", "inFlight": false, "attempts": 0, "polls": 0}', 'a delivery');
SELECT is(pg_temp.listed('{}'), 'other wallet wallet', 'what is due comes first');
SELECT is(pg_temp.listed('{"limit": 1}'), 'other | wallet | wallet', 'page by page');
SELECT is(pg_temp.listed('{"peer": "wallet"}'), 'wallet wallet', 'to a peer');
SELECT is(pg_temp.listed('{"endpoint": "/event/notify"}'), 'other', 'to an endpoint');
SELECT is(pg_temp.listed('{"endpoint": "/event/notify", "peer": "wallet"}'), '-', 'of a peer');
SELECT is(pg_temp.listed(jsonb_build_object('ref', (test.verification('A')).verification_id)), 'wallet', 'about a thing');
SELECT is(pg_temp.listed('{"ref": "E", "peer": "wallet"}'), '-', 'to a peer');
SELECT is(test.brief(test.ask('admin_deliveries', json_build_object('cursor', c))), '400 answered VALIDATION', c)
FROM unnest(ARRAY['?', s2s.cursor_write(now(), 'x'), s2s.cursor_write(now(), '99999999999999999999')]) AS c;
SELECT lives_ok($$SELECT FROM test.send(1)$$, 'sent');
SELECT is((test.body(test.ask('admin_deliveries', '{"peer": "wallet"}')) #>> '{deliveries,0,inFlight}')::boolean, true, 'in flight');
SELECT is(test.body(test.ask('admin_lanes', '{}')) #> '{lanes,1}' #- '{oldestAgeSeconds}',
          '{"peer": "wallet", "kind": "PEER", "active": true, "failures": 0, "waiting": 2, "dead": 0}', 'a lane');

-- What was given up.
SELECT is(test.failed(s, 1, 'final', 'HTTP 400'), 'dead', s) FROM unnest('{A,B}'::text[]) AS s;
SELECT is((SELECT count(*) FROM s2s.delivery WHERE peer = 'webhook:backend'), 2::bigint, 'the backend is told');
CREATE FUNCTION pg_temp.letter(p_session text) RETURNS text LANGUAGE sql AS $$
  SELECT delivery_id FROM s2s.delivery_dead WHERE ref = (test.verification(p_session)).verification_id
$$;
SELECT is(test.body(test.ask('admin_dead_letters', '{"limit": 1}')) -> 'deadLetters' -> 0 #- '{owedAt}' #- '{diedAt}',
          jsonb_build_object('deadLetterId', pg_temp.letter('B')::bigint, 'peer', 'wallet', 'endpoint', '/verification/notify', 'role', 'issuer',
                             'ref', (test.verification('B')).verification_id, 'attempts', 1, 'reason', 'HTTP 400'), 'a dead letter');
SELECT is(test.pages('admin_dead_letters', 'deadLetters', 'peer', '{"limit": 1}'), 'wallet | wallet', 'page by page');
SELECT is(test.pages('admin_dead_letters', 'deadLetters', 'peer', '{"peer": "wallet"}'), 'wallet wallet', 'to a peer');
SELECT is(test.pages('admin_dead_letters', 'deadLetters', 'peer', '{"peer": "other"}'), '-', 'to another one');
SELECT is(test.brief(test.ask('admin_dead_letters', '{"cursor": "?"}')), '400 answered VALIDATION', 'a bad cursor');
CREATE TEMP TABLE letter AS SELECT pg_temp.letter('A') AS id;
CREATE FUNCTION pg_temp.redrive(p_id text, p_request uuid DEFAULT gen_random_uuid()) RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT test.admin('admin_dead_letter_redrive', json_build_object('deadLetterId', p_id), p_request => p_request)
$$;
SELECT is((pg_temp.redrive(id, test.lease(3))).body::jsonb, jsonb_build_object('deadLetterId', id::bigint), 'sent again') FROM letter;
SELECT is((pg_temp.redrive(id, test.lease(3))).outcome, 'replayed', 'the same request again') FROM letter;
SELECT is(test.brief(pg_temp.redrive(id)), '404 answered NOT_FOUND', 'it is none any more') FROM letter;
SELECT is(test.audited(id), '{admin:alice dead-letter.redrive}', 'written down once') FROM letter;
SELECT is((SELECT count(*) FROM s2s.ledger WHERE event = 'redriven'), 1::bigint, 'owed once');
CREATE FUNCTION pg_temp.redrive_all(p_body json) RETURNS jsonb LANGUAGE sql AS $$
  SELECT test.body(test.admin('admin_dead_letters_redrive', json_build_object('body', p_body)))
$$;
SELECT is(pg_temp.redrive_all('{"peer": "other"}'), '{"redriven": 0}', 'none of another peer');
SELECT is(pg_temp.redrive_all('{"peer": "wallet"}'), '{"redriven": 1}', 'of a peer');
INSERT INTO s2s.delivery_dead (delivery_id, died_at, created_at, owed_at, attempts, peer, endpoint, ref, reason)
SELECT 900000000 + n, now(), now(), now(), 1, 'other', '/event/notify', 'n' || n, 'x' FROM generate_series(1, 501) AS n;
CREATE TEMP TABLE redriven AS SELECT pg_temp.redrive_all('{}') AS answer;
SELECT is(answer ->> 'redriven', '500', 'so many a call') FROM redriven;
INSERT INTO s2s.delivery_dead (delivery_id, died_at, created_at, owed_at, attempts, peer, endpoint, ref, reason)
VALUES (900000501, now(), now(), now(), 1, 'other', '/event/notify', 'again', 'died meanwhile');
SELECT is(pg_temp.redrive_all(json_build_object('cursor', answer ->> 'nextCursor')), '{"redriven": 1}', 'then the rest, once') FROM redriven;
SELECT is(test.brief(test.admin('admin_dead_letters_redrive', '{"body": {"cursor": "?"}}')), '400 answered VALIDATION', 'a bad cursor');
SELECT is(array_agg(ref), '{again}', 'what died meanwhile is left') FROM s2s.delivery_dead;

-- Jobs that were given up.
SELECT lives_ok($$SELECT test.initiate('J'), test.claim(), s2s.job_retry(test.job('J'), test.lease(), '1 h', 'broken', 1)$$, 'a dead job');
SELECT is(test.body(test.ask('admin_dead_jobs', '{}')) -> 'deadJobs' -> 0 #- '{jobId}' #- '{diedAt}',
          jsonb_build_object('kind', 'evaluate', 'ref', (test.verification('J')).verification_id, 'attempts', 1, 'error', 'broken'), 'is shown');
SELECT is(test.body(test.ask('admin_verification', json_build_object('verificationId', (test.verification('J')).verification_id))) #>> '{deadJob,error}',
          'broken', 'with its verification');
SELECT is(test.brief(test.ask('admin_dead_jobs', '{"cursor": "?"}')), '400 answered VALIDATION', 'a bad cursor');
CREATE FUNCTION pg_temp.job_redrive(p_id bigint) RETURNS text LANGUAGE sql AS $$
  SELECT test.brief(test.admin('admin_dead_job_redrive', json_build_object('jobId', p_id)))
$$;
CREATE TEMP TABLE job AS SELECT job_id AS id FROM s2s.job_dead;
SELECT is(pg_temp.job_redrive(id), '200 answered', 'tried again') FROM job;
SELECT is(pg_temp.job_redrive(id), '404 answered NOT_FOUND', 'once') FROM job;
SELECT is(test.audited(id::text), '{admin:alice dead-job.redrive}', 'written down') FROM job;

-- The ledger.
CREATE FUNCTION pg_temp.events(p_query jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT test.pages('admin_events', 'events', 'event', p_query)
$$;
SELECT is(pg_temp.events(jsonb_build_object('ref', (test.verification('A')).verification_id)), 'redriven given_up owed', 'of a thing, newest first');
SELECT is(pg_temp.events(jsonb_build_object('ref', (test.verification('A')).verification_id, 'limit', 2)), 'redriven given_up | owed', 'page by page');
SELECT is(pg_temp.events('{"ref": "E", "peer": "wallet"}'), '-', 'of another peer');
SELECT is(pg_temp.events('{"peer": "webhook:backend", "limit": 1}'), 'owed | owed', 'of a peer');
SELECT is(pg_temp.events('{"peer": "wallet", "from": "2101-01-01T00:00:00Z"}'), '-', 'from a time on');
SELECT is(pg_temp.events('{"peer": "wallet", "from": "2001-01-01T00:00:00Z"}'), 'redriven redriven given_up given_up owed owed', 'all since then');
SELECT is(cardinality(string_to_array(pg_temp.events('{"limit": 200}'), 'redriven')) - 1, 503, 'all there are');
SELECT is(test.brief(test.ask('admin_events', '{"cursor": "?"}')), '400 answered VALIDATION', 'a bad cursor');

-- The audit ledger.
CREATE FUNCTION pg_temp.entries(p_query jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT test.pages('admin_audit', 'entries', 'seq', p_query)
$$;
SELECT is(test.body(test.ask('admin_audit', json_build_object('ref', id))) -> 'entries' -> 0 #- '{at}' #- '{hash}',
          '{"seq": 1, "who": "admin:alice", "role": "operate", "action": "dead-letter.redrive", "requestId": "00000000-0000-0000-0000-000000000003"}'
            || jsonb_build_object('ref', id, 'detail', jsonb_build_object('peer', 'wallet', 'endpoint', '/verification/notify', 'ref', (test.verification('A')).verification_id)), 'an entry') FROM letter;
SELECT lives_ok($$SELECT s2s.command_redrive(0), s2s.audit_add('admin:bob', 'read', NULL, 'look', 'X'), s2s.audit_add('admin:bob', 'read', NULL, 'look', 'Y')$$, 'others');
SELECT is(pg_temp.entries('{"who": "admin:bob"}'), '506 505', 'of somebody');
SELECT is(pg_temp.entries('{"who": "admin:bob", "limit": 1}'), '506 | 505', 'page by page');
SELECT is(pg_temp.entries('{"who": "admin:bob", "ref": "X"}'), '505', 'about something');
SELECT is(pg_temp.entries('{"who": "admin:alice", "ref": "X"}'), '-', 'of somebody else');
SELECT is(left(pg_temp.entries('{"limit": 3}'), 17), '506 505 504 | 503', 'all');
SELECT is(test.brief(test.ask('admin_audit', '{"cursor": "?"}')), '400 answered VALIDATION', 'a bad cursor');

-- Reconciliation.
CREATE FUNCTION pg_temp.reconcile(p_body json) RETURNS s2s.reply LANGUAGE sql AS $$ SELECT test.admin('admin_reconcile', json_build_object('body', p_body)) $$;
SELECT is(test.brief(pg_temp.reconcile('{"credentialInstanceId": "X"}')), '404 answered NOT_FOUND', 'of none');
SELECT lives_ok($$SELECT test.provisioned('R')$$, 'an instance');
SELECT is(test.brief(pg_temp.reconcile(json_build_object('credentialInstanceId', (test.instance('R')).instance_id, 'peer', 'other'))), '404 answered NOT_FOUND', 'of another peer');
CREATE TEMP TABLE run AS SELECT pg_temp.reconcile(json_build_object('credentialInstanceId', (test.instance('R')).instance_id)) AS r;
SELECT is((r).status, 202, 'of one') FROM run;
SELECT is(test.audited(test.body(r) ->> 'reconciliationId'), '{admin:alice reconciliation.start}', 'written down') FROM run;
SELECT is(test.body(test.ask('admin_reconciliation', json_build_object('reconciliationId', test.body(r) ->> 'reconciliationId'))), test.body(r), 'shown') FROM run;
SELECT is(test.brief(test.ask('admin_reconciliation', '{"reconciliationId": "X"}')), '404 answered NOT_FOUND', 'unknown');
SELECT is((pg_temp.reconcile('{}')).status, 202, 'of all');
SELECT is(test.pages('admin_reconciliations', 'reconciliations', 'found', '{"limit": 1}'), '0 | 0', 'the runs');
SELECT is(test.brief(test.ask('admin_reconciliations', '{"cursor": "?"}')), '400 answered VALIDATION', 'a bad cursor');

-- Figures.
SELECT is(test.evaluate('J', 'PENDING'), 'done', 'one awaits a decision');
SELECT is(test.body(test.ask('admin_stats', '{}')) - 'deliveries' #- '{audit,hash}',
          '{"queues": [{"kind": "bulk", "depth": 0, "oldestAgeSeconds": 0, "dead": 0}, {"kind": "dataset", "depth": 0, "oldestAgeSeconds": 0, "dead": 0},
                       {"kind": "evaluate", "depth": 0, "oldestAgeSeconds": 0, "dead": 0}],
            "verifications": {"awaitingDecision": 1}, "bulk": {"running": 0}, "audit": {"seq": 508}}', 'figures');
SELECT is(test.body(test.ask('admin_stats', '{}')) #>> '{audit,hash}', (SELECT encode(hash, 'hex') FROM s2s.audit ORDER BY seq DESC LIMIT 1), 'the end of the chain');
SELECT is_empty($$SELECT * FROM s2s.fsck() WHERE detail NOT LIKE '9000%'$$, 'fsck is clean, but for what was made up');

-- What lists cost.
INSERT INTO s2s.ledger (at, delivery_id, peer, endpoint, ref, event) SELECT now() - n * interval '1 s', n, 'other', '/x', 'n' || n, 'owed' FROM generate_series(1, 3000) AS n;
INSERT INTO s2s.delivery (next_at, created_at, owed_at, request_id, peer, endpoint, ref)
SELECT now() + n * interval '1 s', now(), now(), gen_random_uuid(), 'other', '/x', 'n' || n FROM generate_series(1, 3000) AS n;
SELECT cmp_ok(test.cost(f, q), '<', 120::bigint, f || ' ' || q)
FROM (VALUES ('admin_events', json_build_object('limit', 10)), ('admin_events', '{"limit": 10, "peer": "other"}'), ('admin_events', '{"limit": 10, "ref": "n2000"}'),
             ('admin_events', json_build_object('limit', 10, 'cursor', s2s.cursor_write(now() - interval '2500 s', '0'))),
             ('admin_deliveries', '{"limit": 10}'), ('admin_deliveries', '{"limit": 10, "peer": "other"}'), ('admin_deliveries', '{"limit": 10, "ref": "n2000"}'),
             ('admin_deliveries', json_build_object('limit', 10, 'cursor', s2s.cursor_write(now() + interval '2500 s', '0'))),
             ('admin_audit', '{"limit": 10}'), ('admin_audit', '{"limit": 10, "who": "admin:bob"}'), ('admin_audit', '{"limit": 10, "ref": "X"}')) AS t (f, q);

SELECT * FROM finish();
ROLLBACK;
