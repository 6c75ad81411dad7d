-- SPDX-License-Identifier: Apache-2.0
-- The operators' API: verifications, and decisions by people.
BEGIN;
SELECT plan(95);

SELECT is(s2s.lanes_set('{wallet}'), 1, 'a peer that can be called');
SELECT lives_ok($$SELECT test.initiate(s, p_jwe => '{a}', p_sealed => '\xbb') FROM unnest('{A,B,C,D,E,F}'::text[]) AS s$$, 'verifications');

-- Reading.
CREATE FUNCTION pg_temp.input(p_session text) RETURNS json LANGUAGE sql AS $$
  SELECT json_build_object('verificationId', (test.verification(p_session)).verification_id)
$$;
CREATE FUNCTION pg_temp.shown(p_session text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT test.body(test.ask('admin_verification', pg_temp.input(p_session)))
$$;
SELECT is(pg_temp.shown('A') - '{verificationId,createdAt,updatedAt,expiresAt,dueAt}'::text[],
          '{"sessionId": "A", "peer": "wallet", "status": "PENDING", "version": 1, "awaitingDecision": false, "attestation": "IGNORED",
            "credentialConfigurationIds": ["badge"], "requestedDeviceCount": 1, "attempts": 1}', 'one');
SELECT is(test.brief(test.ask('admin_verification', '{"verificationId": "X"}')), '404 answered NOT_FOUND', 'unknown');
SELECT is(test.body(test.ask('admin_decision_load', pg_temp.input('A'))),
          '{"sessionId": "A", "peer": "wallet", "credentialConfigurationIds": ["badge"], "requestedDeviceCount": 1, "status": "PENDING", "version": 1}',
          'what is loaded for a decision');
SELECT is(test.brief(test.ask('admin_decision_load', '{"verificationId": "X"}')), '404 answered NOT_FOUND', 'unknown');

-- Deciding.
SELECT is(test.evaluate('A', 'PENDING'), 'done', 'left to somebody');
SELECT is((pg_temp.shown('A') ->> 'awaitingDecision')::boolean, true, 'who is awaited');
SELECT is(test.brief(test.review('A', 'APPROVED', 1)), '409 answered WRONG_STATE', 'an old version');
SELECT is((test.review('A', 'APPROVED', 1)).body::json ->> 'currentStatus', 'PENDING', 'says that it is PENDING all the same');
SELECT is(test.audited(), '{}', 'nothing was done');
CREATE TEMP TABLE answer AS SELECT test.review('A', 'APPROVED', p_request => test.lease(7)) AS r;
SELECT is(test.body(r) ->> 'status', 'APPROVED', 'approved') FROM answer;
SELECT is(test.body(r), pg_temp.shown('A'), 'and shown') FROM answer;
SELECT is((r).wake, true, 'there is something to deliver') FROM answer;
SELECT results_eq($$SELECT status, approved_ids, subject_refs, decided_by, awaiting_decision, authorized_device_count FROM test.verification('A')$$,
                  $$VALUES ('APPROVED' COLLATE "C", '{badge}'::text[], '{subject-badge}'::text[], 'admin:alice', false, 1)$$, 'as any decision does');
SELECT is(test.audited((test.verification('A')).verification_id), '{admin:alice verification.decide APPROVED}', 'and written down');
SELECT results_eq($$SELECT role, request_id, detail::text FROM s2s.audit$$,
  $$VALUES ('review', test.lease(7), '{"version":2,"status":"APPROVED","credentialConfigurationIds":["badge"]}')$$, 'with all that matters');
SELECT is((SELECT peer FROM s2s.delivery WHERE ref = (test.verification('A')).verification_id), 'wallet', 'the wallet is owed word of it');
SELECT is((test.review('A', 'APPROVED', p_request => test.lease(7))).outcome, 'replayed', 'the same request again');
SELECT is(cardinality(test.audited()), 1, 'is written down once');
SELECT is(test.brief(test.review('A', 'DENIED')), '409 answered WRONG_STATE', 'it is over');
SELECT is((test.review('A', 'DENIED')).body::json ->> 'currentStatus', 'APPROVED', 'as the answer says');
SELECT is(test.brief(test.admin('admin_decide', '{"verificationId": "X", "body": {"version": 1, "decision": {"status": "DENIED"}}}', ', NULL, NULL')),
          '404 answered NOT_FOUND', 'unknown');

-- While an evaluation is under way.
SELECT is((SELECT count(*) FROM test.claim() WHERE session_id = 'B'), 0::bigint, 'leased already');
SELECT is(test.body(test.review('B', 'DENIED')) ->> 'reasonCode', 'DOCUMENT_UNREADABLE', 'denied meanwhile');
SELECT is(test.decide('B', 'APPROVED'), 'superseded', 'the evaluation is void');
SELECT is((test.verification('B')).status, 'DENIED', 'it stays denied');

-- What is no decision.
CREATE FUNCTION pg_temp.refused(r s2s.reply) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', r.status, r.body::json -> 'validationErrors' -> 0 ->> 'pointer')
$$;
SELECT is(pg_temp.refused(test.review('C', 'APPROVED', p_configurations => c)), '400 /decision/credentialConfigurationIds', 'configurations: ' || c::text)
FROM (VALUES ('{pass}'::text[]), ('{}'), ('{badge,pass}')) AS t (c);
SELECT is(pg_temp.refused(test.review('C', 'APPROVED', p_configurations => NULL)), '400 /decision/credentialConfigurationIds', 'no configurations');
SELECT is(pg_temp.refused(test.review('C', 'APPROVED', p_devices => 2)), '400 /decision/authorizedDeviceCount', 'devices');
SELECT is(pg_temp.refused(test.review('C', 'DENIED', p_reason => NULL)), '400 /decision/reasonCode', 'no reason');
SELECT is((test.verification('C')).version, 1::bigint, 'nothing came of it');

-- Asking for more.
CREATE FUNCTION pg_temp.ask_for(p_session text, p_request json, p_deadline text DEFAULT NULL) RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT test.admin('admin_request_info', json_build_object('verificationId', v.verification_id, 'body', json_build_object(
    'version', v.version, 'verificationDataRequest', p_request, 'deadline', p_deadline)), p_role => 'review')
  FROM test.verification(p_session) AS v
$$;
SELECT is(pg_temp.refused(pg_temp.ask_for('C', json_build_object('deadline', '2001-01-01T00:00:00Z'))), '400 /verificationDataRequest/deadline', 'a deadline in the request');
SELECT is(pg_temp.refused(pg_temp.ask_for('C', '{}', t)), '400 /deadline', t) FROM unnest('{2001-01-01T00:00:00Z,tomorrow,2031-99-01T00:00:00Z}'::text[]) AS t;
SELECT is(pg_temp.refused(pg_temp.ask_for('C', '{"verificationDataItems": [{"id": 1e200000}]}')), '400 /verificationDataRequest', 'what cannot be kept');
SELECT is(test.body(pg_temp.ask_for('C', '{"verificationDataItems": [{"id": "otp-1"}], "maxAttempts": 2}', '2101-01-01T00:00:00Z'))
            -> 'verificationDataRequest', '{"verificationDataItems": [{"id": "otp-1"}]}', 'asked');
SELECT results_eq($$SELECT status, max_attempts, abs(extract(epoch FROM deadline - '2101-01-01T00:00:00Z')) < 1, decided_by FROM test.verification('C')$$,
                  $$VALUES ('ADDITIONAL_INFO_REQUIRED' COLLATE "C", 2, true, 'admin:alice')$$, 'until then');
SELECT is(test.audited((test.verification('C')).verification_id), '{admin:alice verification.request-info ADDITIONAL_INFO_REQUIRED}', 'written down');
SELECT is(test.brief(test.review('C', 'APPROVED')), '409 answered WRONG_STATE', 'it is the wallet''s turn');
SELECT is((test.supplement('C')).status, 200, 'which answers');
SELECT is((test.verification('C')).decided_by, NULL, 'this status is not of the reviewer''s making');
SELECT is((test.review('C', 'REJECTED')).status, 200, 'collect it again');
SELECT is((test.supplement('C')).status, 200, 'again');
SELECT is(test.body(test.review('C', 'REJECTED')) ->> 'reasonCode', 'ATTEMPTS_EXHAUSTED', 'and that was the last attempt');
SELECT is(test.audited((test.verification('C')).verification_id),
          '{admin:alice verification.request-info ADDITIONAL_INFO_REQUIRED,admin:alice verification.decide REJECTED,admin:alice verification.decide DENIED}',
          'what came of it is what is written down');
SELECT is((test.review('D', 'ADDITIONAL_INFO_REQUIRED')).status, 200, 'the same by a decision');

-- Time.
UPDATE s2s.verification SET expires_at = now() - interval '1 s', due_at = now() - interval '1 s' WHERE session_id = 'E';
SELECT is((test.review('E', 'APPROVED')).body::json ->> 'currentStatus', 'EXPIRED', 'too late');
SELECT is((test.verification('E')).status, 'EXPIRED', 'it is over');

-- What was submitted.
CREATE FUNCTION pg_temp.items(p_input json) RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.admin_verification_items(test.lease(), p_input, 'admin:bob', test.lease(8), 'review')
$$;
SELECT is((test.body(pg_temp.items(pg_temp.input('F'))) #- '{submissions,0,at}'::text[]) - 'verificationId'::text,
          '{"sessionId": "F", "peer": "wallet", "wsk": "{\"kty\":\"EC\"}", "submissions": [{"dataSeq": 1, "clientJwe": ["a"], "serverSealed": "uw=="}]}', 'as it is kept');
SELECT is(test.audited((test.verification('F')).verification_id), '{admin:bob verification.items}', 'looking is written down');
SELECT is(test.body(pg_temp.items(pg_temp.input('A'))) -> 'submissions', '[]', 'of what is over there is none');
SELECT is(test.brief(pg_temp.items('{"verificationId": "X"}')), '404 answered NOT_FOUND', 'unknown');

-- Results of an authentication on the web.
CREATE FUNCTION pg_temp.result(p_session text, p_item text, p_octets bigint DEFAULT 1000) RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT test.admin('admin_web_result', '{"body": {"outcome": "SUCCESS"}}', format(', %L, %L, ''\xcc'', 4, %s',
                    coalesce((test.verification(p_session)).verification_id, 'X'), p_item, p_octets))
$$;
SELECT is(test.body(pg_temp.result('D', 'otp-1')) ->> 'status', 'PENDING', 'a result');
SELECT is(test.audited((test.verification('D')).verification_id),
          '{admin:alice verification.decide ADDITIONAL_INFO_REQUIRED,admin:alice verification.web-result SUCCESS}', 'written down');
SELECT is(test.brief(pg_temp.result('D', 'otp-2')), '404 answered NOT_FOUND', 'of what nobody asked for');
SELECT is(test.brief(pg_temp.result('X', 'otp-1')), '404 answered NOT_FOUND', 'of nothing');
SELECT is(test.brief(pg_temp.result('A', 'otp-1')), '409 answered WRONG_STATE', 'too late');
SELECT is((pg_temp.result('A', 'otp-1')).body::json ->> 'currentStatus', 'APPROVED', 'as the answer says');
SELECT is(test.brief(pg_temp.result('D', 'otp-1', 1)), '413 answered CONTENT_TOO_LARGE', 'too much');

-- Lists.
SELECT lives_ok($$SELECT test.initiate('O', 'other', p_configurations => '{pass}'), test.initiate('P', 'quiet'),
                         test.evaluate('F', 'PENDING'), test.evaluate('P', 'PENDING')$$, 'of other peers, too, which nobody can call');
UPDATE s2s.verification SET created_at = '2026-01-01'::timestamptz + ascii(session_id) / 2 * interval '1 s', verification_id = session_id;
UPDATE s2s.session SET verification_id = session_id, created_at = '2026-01-01'::timestamptz + ascii(session_id) * interval '1 s';
UPDATE s2s.verification_data AS d SET verification_id = s.session_id FROM s2s.verification AS s WHERE d.created_at IS NOT NULL AND s.session_id = 'none';
CREATE FUNCTION pg_temp.listed(p_query jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT test.pages('admin_verifications', 'verifications', 'sessionId', p_query)
$$;
SELECT is(pg_temp.listed('{}'), 'P O F E D C B A', 'newest first');
SELECT is(pg_temp.listed('{"limit": 3}'), 'P O F | E D C | B A', 'page by page');
SELECT is(pg_temp.listed('{"limit": 8}'), 'P O F E D C B A', 'a page that is just full');
SELECT is(pg_temp.listed('{"peer": "wallet", "limit": 5}'), 'F E D C B | A', 'of a peer');
SELECT is(pg_temp.listed(jsonb_build_object('status', s)), i, s)
FROM (VALUES ('PENDING', 'P O F D'), ('APPROVED', 'A'), ('DENIED', 'C B'), ('EXPIRED', 'E'), ('REJECTED', '-')) AS t (s, i);
SELECT is(pg_temp.listed('{"peer": "wallet", "status": "PENDING"}'), 'F D', 'of a peer in a status');
SELECT is(pg_temp.listed('{"awaiting": true}'), 'P F', 'for reviewers');
SELECT is(pg_temp.listed('{"awaiting": true, "peer": "wallet"}'), 'F', 'of a peer');
SELECT is(pg_temp.listed('{"awaiting": true, "status": "APPROVED"}'), '-', 'in a status in which none can be');
SELECT is(pg_temp.listed('{"sessionId": "D"}'), 'D', 'of a session');
SELECT is(pg_temp.listed('{"sessionId": "D", "peer": "other"}'), '-', 'of another peer');
SELECT is(pg_temp.listed('{"sessionId": "F", "awaiting": true}'), 'F', 'of a session, for reviewers');
SELECT is(pg_temp.listed('{"sessionId": "X"}'), '-', 'of none');
SELECT is(pg_temp.listed('{"configuration": "pass"}'), 'O', 'of a configuration');
SELECT is(pg_temp.listed('{"configuration": "badge", "limit": 3}'), 'P F E | D C B | A', 'sifted pages are as long as others');
SELECT is(pg_temp.listed('{"configuration": "badge", "status": "PENDING"}'), 'P F D', 'of a configuration in a status');
SELECT is(test.brief(test.ask('admin_verifications', '{"cursor": "?"}')), '400 answered VALIDATION', 'a bad cursor');

-- What lists cost. Of many: the first is the newest.
INSERT INTO s2s.session (created_at, session_id, peer, wsk_thumbprint, wsk, verification_id)
SELECT now() - n * interval '1 s', 'n' || n, 'wallet', '', '{}', 'n' || n FROM generate_series(1, 3000) AS n;
INSERT INTO s2s.verification (created_at, updated_at, expires_at, attempts, max_attempts, requested_device_count, verification_id,
                              session_id, peer, configuration_ids, status, reason_code, awaiting_decision)
SELECT now() - n * interval '1 s', now(), now(), 0, 0, 1, 'n' || n, 'n' || n, 'wallet', '{badge}',
       CASE WHEN n % 1000 = 0 THEN 'REJECTED' ELSE 'DENIED' END, 'X', n % 1000 = 0 FROM generate_series(1, 3000) AS n;
CREATE FUNCTION pg_temp.cost(p_query json) RETURNS bigint LANGUAGE sql AS $$ SELECT test.cost('admin_verifications', p_query) $$;
SELECT cmp_ok(pg_temp.cost(json_build_object('limit', 10) ), '<', 150::bigint, 'the first page');
SELECT cmp_ok(pg_temp.cost(json_build_object('limit', 10, 'cursor', s2s.cursor_write(now() - interval '2500 s', ''))), '<', 150::bigint, 'a late one');
SELECT cmp_ok(pg_temp.cost('{"limit": 10, "status": "REJECTED"}'), '<', 50::bigint, 'a rare status');
SELECT cmp_ok(pg_temp.cost('{"limit": 10, "peer": "wallet"}'), '<', 100::bigint, 'a peer');
SELECT cmp_ok(pg_temp.cost('{"limit": 10, "awaiting": true}'), '<', 50::bigint, 'for reviewers');
SELECT cmp_ok(pg_temp.cost('{"limit": 10, "sessionId": "n2999"}'), '<', 20::bigint, 'of a session');
SELECT cmp_ok(pg_temp.cost('{"limit": 10, "configuration": "pass"}'), '<', 2500::bigint, 'what is sifted has a bound');
SELECT matches(pg_temp.listed('{"configuration": "pass", "limit": 10}'), '^(- \| )+O$', 'and is found on a later page');
SELECT cmp_ok(test.cost('admin_sessions', '{"limit": 10}'), '<', 100::bigint, 'sessions');
SELECT cmp_ok(test.cost('admin_sessions', '{"limit": 10, "peer": "wallet"}'), '<', 50::bigint, 'of a peer');

SELECT * FROM finish();
ROLLBACK;
