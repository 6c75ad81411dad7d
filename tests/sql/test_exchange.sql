-- SPDX-License-Identifier: Apache-2.0
-- Claim, store and replay (D6), and problems. Everything here is one transaction, as a batch is.
BEGIN;
SELECT plan(34);

CREATE FUNCTION pg_temp.answer(
  p_peer text, p_request integer, p_digest bytea, p_token integer, p_body text DEFAULT '{"n":1}',
  p_status integer DEFAULT 200)
RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT s2s.issuer_answer(p_peer, test.lease(p_request), '/e', p_digest, test.lease(p_token), p_status, p_body)
$$;

SELECT is(pg_temp.answer('a', 1, '\x01', 1), (200, '{"n":1}', false, 'answered', false)::s2s.reply, 'first: answered');
SELECT is(pg_temp.answer('a', 1, '\x01', 2, '{"n":2}'), (200, '{"n":1}', true, 'replayed', false)::s2s.reply,
          'a duplicate in the same batch gets the first answer');
SELECT is(pg_temp.answer('a', 1, '\x01', 1, '{"n":3}'), (200, '{"n":1}', false, 'answered', false)::s2s.reply,
          'the same exchange run again gets its own answer, which is no replay');
SELECT is(pg_temp.answer('b', 1, '\x02', 3, '{"n":4}'), (200, '{"n":4}', false, 'answered', false)::s2s.reply,
          'request ids are each peer''s own');
SELECT is((SELECT count(*) FROM s2s.answer), 2::bigint, 'replays store nothing');

SELECT is(test.brief(pg_temp.answer('a', 1, '\x02', 4)), '422 reuse REQUEST_ID_REUSE', 'another request: reuse');
SELECT is((pg_temp.answer('a', 1, '\x02', 4)).body::json ->> 'instance', 'urn:uuid:' || test.lease(4),
          'the problem names this occurrence');
SELECT is((SELECT count(*) FROM s2s.answer), 2::bigint, 'reuse is not stored');
SELECT is(test.brief(pg_temp.answer('a', 1, '\x01', 5)), '200 replayed', 'and leaves the stored answer');

SELECT is(test.brief(pg_temp.answer('a', 2, '\x01', 6, '{"errorCode":"VALIDATION"}', 400)), '400 answered VALIDATION',
          'a client error is an answer');
SELECT is(test.brief(pg_temp.answer('a', 2, '\x01', 7)), '400 replayed VALIDATION', 'and is replayed');

SELECT results_eq(
  $$SELECT peer, endpoint, status::integer, digest, body FROM s2s.answer WHERE token = test.lease(1)$$,
  $$VALUES ('a' COLLATE "C", '/e' COLLATE "C", 200, '\x01'::bytea, '{"n":1}')$$, 'what is stored');
SELECT is((SELECT count(*) FROM s2s.answer_default), 0::bigint, 'in the partition of the day');

-- A replay out of any partition.
UPDATE s2s.answer SET created_at = created_at - interval '400 days' WHERE token = test.lease(1);
SELECT is((SELECT count(*) FROM s2s.answer_default), 1::bigint, 'an answer without a partition of its own');
SELECT is(test.brief(pg_temp.answer('a', 1, '\x01', 8)), '200 replayed', 'is found in the default partition');

-- The request's text is arbitrary.
SELECT is((pg_temp.answer('a''b\"', 3, '\x', 9, '{"ü":"\u0000 𝄞"}')).body, '{"ü":"\u0000 𝄞"}', 'bodies stay as they are');
SELECT is((pg_temp.answer('a''b\"', 3, '\x', 10)).body, '{"ü":"\u0000 𝄞"}', 'and are replayed byte for byte');

-- A look without a claim.
CREATE FUNCTION pg_temp.replay(p_request integer, p_digest bytea, p_token integer, p_peer text DEFAULT 'a') RETURNS s2s.reply
LANGUAGE sql AS $$
  SELECT s2s.issuer_replay(p_peer, test.lease(p_request), '/e', p_digest, test.lease(p_token))
$$;
SELECT is(pg_temp.replay(1, '\x01', 11), (200, '{"n":1}', true, 'replayed', false)::s2s.reply, 'the stored answer');
SELECT is(pg_temp.replay(1, '\x01', 1), (200, '{"n":1}', false, 'answered', false)::s2s.reply, 'one''s own');
SELECT is(test.brief(pg_temp.replay(1, '\x02', 12)), '422 reuse REQUEST_ID_REUSE', 'to another request');
SELECT is(pg_temp.replay(4, '\x01', 13), (NULL, NULL, false, 'none', false)::s2s.reply, 'nothing is stored');
SELECT is((pg_temp.replay(2, '\x01', 13, 'b')).outcome, 'none', 'for this peer');
SELECT is(test.brief(pg_temp.answer('a', 4, '\x01', 14)), '200 answered', 'and nothing was by looking');

-- Problems.
SELECT is(
  s2s.problem('not-found', test.lease(1)),
  '{"type":"urn:s2s-gateway:problem:not-found","title":"Not found","status":404,'
  '"detail":"No such session, verification or credential instance.",'
  '"instance":"urn:uuid:00000000-0000-0000-0000-000000000001","errorCode":"NOT_FOUND","retryable":false}',
  'a problem, member by member');
SELECT is((s2s.problem('wrong-state', test.lease(1), 'DENIED')::json) ->> 'currentStatus', 'DENIED', 'currentStatus');
SELECT is(s2s.problem('wrong-state', test.lease(1)) LIKE '%currentStatus%', false, 'only where there is one');
SELECT is(
  s2s.problem('content-too-large', test.lease(1)),
  '{"type":"about:blank","title":"Content Too Large","status":413,'
  '"detail":"This is more verification data than is accepted for one verification.",'
  '"instance":"urn:uuid:00000000-0000-0000-0000-000000000001","errorCode":"CONTENT_TOO_LARGE","retryable":false}',
  'a problem that has no more to say than its status');
SELECT results_eq(
  $$SELECT (t).status, (t).error_code
    FROM unnest('{not-found,session-consumed,wrong-state,content-too-large,request-id-reuse}'::text[]) AS n,
         s2s.problem_type(n) AS t$$,
  $$VALUES (404, 'NOT_FOUND'), (409, 'SESSION_CONSUMED'), (409, 'WRONG_STATE'), (413, 'CONTENT_TOO_LARGE'),
           (422, 'REQUEST_ID_REUSE')$$,
  'the types');
SELECT is(s2s.retry(), (NULL, NULL, false, 'retry', false)::s2s.reply, 'retry carries nothing');

-- Effects and answers together: a duplicate of an initiate, and of a refused one.
SELECT is(test.brief(test.initiate('S', p_request => test.lease(20))), '200 answered', 'an initiate');
SELECT is(test.initiate('S', p_request => test.lease(20)),
          ROW(200, (SELECT body FROM s2s.answer WHERE request_id = test.lease(20)), true, 'replayed', false)::s2s.reply,
          'its duplicate changes nothing and wakes nobody');
SELECT is(test.brief(test.initiate('S', p_request => test.lease(21))), '409 answered SESSION_CONSUMED',
          'another request with the same session, same batch');
SELECT is(test.brief(test.initiate('S', p_request => test.lease(21))), '409 replayed SESSION_CONSUMED', 'replayed');
SELECT is((SELECT count(*) FROM s2s.job), 1::bigint, 'one job');

SELECT * FROM finish();
ROLLBACK;
