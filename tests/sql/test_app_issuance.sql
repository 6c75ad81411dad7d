-- SPDX-License-Identifier: Apache-2.0
-- The application API: issuances.
BEGIN;
SELECT plan(73);

SELECT is(s2s.lanes_set('{issuer,other}', '[{"name": "backend"}]'), 3, 'two issuers and a webhook');

-- Session ids.
CREATE TEMP TABLE session AS SELECT test.post('app_session', '{"body": {}}', p_request => test.lease(1)) AS r;
SELECT is(test.brief(r), '201 answered', 'a session id') FROM session;
SELECT matches((r).body::json ->> 'sessionId', '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$', 'a UUID')
FROM session;
SELECT is(test.post('app_session', '{"body": {}}', p_request => test.lease(1)),
          (SELECT ((r).status, (r).body, true, 'replayed', false)::s2s.reply FROM session), 'the same request, the same id');
SELECT isnt((test.post('app_session', '{"body": {}}')).body, (SELECT (r).body FROM session), 'another one, another');
SELECT is_empty('SELECT FROM s2s.wallet_session', 'nothing is kept of them');

-- A start.
CREATE TEMP TABLE start AS SELECT test.app_start('S', p_request => test.lease(2)) AS r;
SELECT is(test.brief(r), '202 answered', 'started') FROM start;
SELECT ok((r).wake, 'something is due') FROM start;
SELECT is(test.body(r) - '{createdAt,updatedAt}'::text[],
          '{"sessionId": "S", "issuer": "issuer", "status": "STARTING", "credentialConfigurationIds": ["badge"], "instances": []}',
          'as it is') FROM start;
SELECT is((test.owed('/verification/initiate', 'S')).side, 'WALLET', 'the issuer is owed an initiate');
SELECT is((test.owed('/verification/initiate', 'S')).peer, 'issuer', 'that issuer');
SELECT is((test.app_start('S', p_request => test.lease(2))).outcome, 'replayed', 'the same request again');
SELECT is(test.brief(test.app_start('S')), '200 answered', 'the same start in another request');
SELECT is((test.owed('/verification/initiate', 'S')).owed, 1::bigint, 'owes nothing more');
SELECT is(test.brief(test.app_start('S', p_content => 'b')), '409 answered SESSION_CONSUMED', 'other content');
SELECT is(test.brief(test.app_start('S', p_issuer => 'other')), '409 answered SESSION_CONSUMED', 'another issuer');
SELECT is((SELECT body_sealed FROM s2s.wallet_session WHERE session_id = 'S'), 'a'::bytea, 'it is the first one that is kept');

-- An issuer whose lane is not there yet: the gateway has just been started.
SELECT is(test.brief(test.app_start('L', p_issuer => 'new')), '202 answered', 'started with an issuer that is new');
SELECT is((test.owed('/verification/initiate', 'L')).peer, 'new', 'who is owed the initiate all the same');

-- Supplements wait for the answer to initiate.
SELECT is(test.brief(test.app_supplement('S', 'one')), '202 answered', 'a supplement');
SELECT is(test.brief(test.app_supplement('S', 'two')), '202 answered', 'another one');
SELECT is(test.owed('/verification/supplement', 'S') IS NULL, true, 'not owed yet');
SELECT results_eq($$SELECT seq, body_sealed FROM s2s.wallet_submission WHERE session_id = 'S' ORDER BY seq$$,
                  $$VALUES (1, 'one'::bytea), (2, 'two'::bytea)$$, 'in order');
SELECT is(test.answered('/verification/initiate', 'S', test.status_json('S', 'PENDING')), 'done', 'initiate is answered');
SELECT is(test.owed('/verification/supplement', 'S') IS NULL, false, 'now it is owed');
SELECT is(test.answered('/verification/supplement', 'S', test.status_json('S', 'PENDING')), 'again', 'the first is answered');
SELECT is(test.answered('/verification/supplement', 'S', test.status_json('S', 'PENDING')), 'done', 'the second is answered');
SELECT is_empty('SELECT FROM s2s.wallet_submission', 'none is left');
SELECT is(test.brief(test.app_supplement('S', 'three')), '202 answered', 'a third');
SELECT is(test.owed('/verification/supplement', 'S') IS NULL, false, 'is owed at once');
SELECT is(test.brief(test.app_supplement('X')), '404 answered NOT_FOUND', 'nobody knows this session');
SELECT is((SELECT count(*) FROM generate_series(1, 20) WHERE (test.app_supplement('S')).status = 202), 15::bigint,
          'sixteen may wait');
SELECT is(test.brief(test.app_supplement('S')), '413 answered CONTENT_TOO_LARGE', 'no more');

-- Cancel.
SELECT is(test.brief(test.app_cancel('X')), '404 answered NOT_FOUND', 'nobody knows this session');
SELECT is(test.brief(test.app_cancel('L', 'EARLY')), '202 answered', 'cancelled before initiate is answered');
SELECT is(test.owed('/verification/cancel', 'L') IS NULL, true, 'not owed yet');
SELECT is(test.answered('/verification/initiate', 'L', test.status_json('L', 'PENDING')), 'done', 'it is answered');
SELECT is(test.owed('/verification/cancel', 'L') IS NULL, false, 'now it is owed');
SELECT is(test.brief(test.app_cancel('L', 'LATE')), '202 answered', 'cancelled again');
SELECT is((SELECT cancel_reason FROM s2s.wallet_session WHERE session_id = 'L'), 'EARLY', 'the first reason counts');
SELECT is(test.answered('/verification/cancel', 'L', '{"sessionId": "L", "verificationId": "v-L"}'), 'done', 'the issuer has it');
SELECT is((SELECT status FROM s2s.wallet_session WHERE session_id = 'L'), 'PENDING', 'the status is the issuer''s to tell');
SELECT is(test.answered('/verification/status', 'L', test.status_json('L', 'DENIED', '{"reasonCode": "CANCELLED", "deniedMessage": "."}')),
          'done', 'it tells');
SELECT is(test.brief(test.app_cancel('L')), '202 answered', 'cancelled once more');
SELECT is(test.brief(test.app_supplement('L')), '409 answered WRONG_STATE', 'no supplement after the end');
SELECT is(test.app_opened('D', 'DENIED', '{"reasonCode": "MISMATCH", "deniedMessage": "."}'), 'done', 'denied');
SELECT is((test.app_cancel('D')).body::json ->> 'currentStatus', 'DENIED', 'not by a cancellation: too late');
SELECT ok((test.app_start('F')).status = 202 AND test.refused('/verification/initiate', 'F', 400) = 'done', 'initiate refused');
SELECT is((test.app_cancel('F')).body::json ->> 'currentStatus', 'FAILED', 'too late');
SELECT is((test.app_supplement('F')).body::json ->> 'currentStatus', 'FAILED', 'too late');

-- Reading.
SELECT is(test.brief(test.ask('app_issuance', '{"sessionId": "X"}')), '404 answered NOT_FOUND', 'unknown');
SELECT is(test.body(test.ask('app_issuance', '{"sessionId": "D"}')) -> 'verification' ->> 'reasonCode', 'MISMATCH', 'with what the issuer said');
SELECT is(test.body(test.ask('app_issuance', '{"sessionId": "F"}')) -> 'problem', '{"title": "No", "status": 400}', 'with its refusal');

-- Lists. The times are set apart, and in pairs the same.
UPDATE s2s.wallet_session SET created_at = '2026-01-01'::timestamptz + (ascii(session_id) / 2) * interval '1 s';
CREATE FUNCTION pg_temp.list(p_query json) RETURNS text LANGUAGE sql AS $$
  SELECT (SELECT string_agg(i ->> 'sessionId', ' ' ORDER BY n) FROM jsonb_array_elements(test.body(r) -> 'issuances') WITH ORDINALITY AS l (i, n))
         || CASE WHEN test.body(r) ? 'nextCursor' THEN ' …' ELSE '' END
  FROM test.ask('app_issuances', p_query) AS r
$$;
CREATE FUNCTION pg_temp.pages(p_query jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_pages text[] := '{}'; v_body jsonb;
BEGIN
  LOOP
    v_body := test.body(test.ask('app_issuances', p_query::json));
    v_pages := v_pages || (SELECT string_agg(i ->> 'sessionId', ' ') FROM jsonb_array_elements(v_body -> 'issuances') AS i);
    EXIT WHEN v_body ->> 'nextCursor' IS NULL;
    p_query := p_query || jsonb_build_object('cursor', v_body ->> 'nextCursor');
  END LOOP;
  RETURN array_to_string(v_pages, ' | ');
END
$$;
SELECT is(pg_temp.list('{}'), 'S L F D', 'newest first');
SELECT is(pg_temp.list('{"limit": 3}'), 'S L F …', 'a page');
SELECT is(pg_temp.list('{"limit": 4}'), 'S L F D', 'the last one');
SELECT is(pg_temp.pages('{"limit": 1}'), 'S | L | F | D', 'page by page');
SELECT is(pg_temp.pages('{"limit": 1, "issuer": "issuer"}'), 'S | F | D', 'of one issuer');
SELECT is(pg_temp.pages('{"limit": 1, "status": "DENIED"}'), 'L | D', 'in one status');
SELECT is(pg_temp.list('{"issuer": "new", "status": "DENIED"}'), 'L', 'of one issuer in one status');
SELECT is((test.ask('app_issuances', '{"status": "EXPIRED"}')).body::jsonb, '{"issuances": []}', 'none');
SELECT is(test.body(test.ask('app_issuances', json_build_object('cursor', c))) -> 'validationErrors' -> 0 ->> 'pointer',
          CASE WHEN n > 0 THEN '/cursor' END, 'cursor ' || c)
FROM (VALUES (0, s2s.cursor_write('2026-01-01', 'S')), (1, ''), (2, '!'), (3, 'A'), (4, 'AAAA'), (5, 'gIA'), (6, 'MQ'),
             (7, s2s.cursor_write('2026-01-01', 'S') || '='), (8, 'OTk5OTk5OTk5OTk5OTk5OTk5OSBT'), (9, '....'), (10, 'AA')) AS t (n, c);

SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT * FROM finish();
ROLLBACK;
