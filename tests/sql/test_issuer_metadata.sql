-- SPDX-License-Identifier: Apache-2.0
-- What issuers publish: fetched, kept, fetched again; and shown.
BEGIN;
SELECT plan(48);

SELECT is(s2s.metadata_set('{one,two}', '{https://one.example,https://two.example}'), 2, 'two issuers');
SELECT is(s2s.metadata_set('{one,two}', '{https://one.example,https://two.example}'), 0, 'the same again');
CREATE FUNCTION pg_temp.claim(p_lease integer, p_limit integer DEFAULT 10, p_for interval DEFAULT '1 min') RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(concat_ws(' ', c.id, c.attempts, c.etag), ', ' ORDER BY c.id) FROM s2s.metadata_claim(test.lease(p_lease), p_limit, p_for) AS c
$$;
CREATE FUNCTION pg_temp.doc(p_issuer text) RETURNS text LANGUAGE sql AS $$
  SELECT json_build_object('credential_issuer', 'https://' || p_issuer || '.example', 's2s',
                           json_build_object('issuer_encryption_jwks', json_build_object('keys', json_build_array(p_issuer))))
$$;
CREATE FUNCTION pg_temp.shown(p_issuer text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT test.body(test.ask('app_issuer', json_build_object('issuer', p_issuer)))
$$;
SELECT is(pg_temp.shown('one'), '{"issuer": "one", "credentialIssuer": "https://one.example"}', 'nothing is known yet');
SELECT ok(pg_temp.claim(1, 1) IN ('one 1', 'two 1'), 'one at a time');
SELECT ok(pg_temp.claim(1) IN ('one 1', 'two 1'), 'the other');
SELECT is(pg_temp.claim(2), NULL, 'all are leased');
SELECT is(s2s.metadata_done('one', test.lease(2), pg_temp.doc('one'), '"a"', '5 min'), 'fenced', 'with another lease');
SELECT is(s2s.metadata_done('one', test.lease(1), pg_temp.doc('one'), '"a"', '5 min'), 'done', 'fetched');
SELECT is(s2s.metadata_done('one', test.lease(1), pg_temp.doc('one'), '"a"', '5 min'), 'fenced', 'once');
SELECT is(s2s.metadata_failed('one', test.lease(1), 'timeout', '0'), 'fenced', 'neither way');
SELECT is(s2s.metadata_failed('two', test.lease(1), 'timeout', '1 min'), 'retried', 'failed');
SELECT is(pg_temp.claim(2), NULL, 'nothing is due');
SELECT is(pg_temp.shown('two') - 'fetchedAt', '{"issuer": "two", "credentialIssuer": "https://two.example", "failure": "timeout"}', 'shown so');
SELECT is(pg_temp.shown('one') - '{fetchedAt,expiresAt}'::text[],
          jsonb_build_object('issuer', 'one', 'credentialIssuer', 'https://one.example',
                             'encryptionKeys', '{"keys": ["one"]}'::jsonb, 'metadata', pg_temp.doc('one')::jsonb), 'shown with all');
SELECT ok(pg_temp.shown('one') ?& '{fetchedAt,expiresAt}', 'and since when');
SELECT is((SELECT expires_at - fetched_at FROM s2s.issuer_metadata WHERE issuer = 'one'), '5 min'::interval, 'and until when');

CREATE FUNCTION pg_temp.pass() RETURNS void LANGUAGE sql AS $$
  UPDATE s2s.issuer_metadata SET next_at = next_at - interval '10 min', expires_at = expires_at - interval '10 min', fetched_at = fetched_at - interval '10 min'
$$;
SELECT lives_ok('SELECT pg_temp.pass()', 'time passes');
SELECT is(pg_temp.claim(3), 'one 1 "a", two 2', 'both are due: with its validator, and with its failures');
SELECT is(s2s.metadata_done('one', test.lease(3), NULL, NULL, '10 min'), 'done', 'not modified');
SELECT is((SELECT (etag, body = pg_temp.doc('one'), expires_at > clock_timestamp(), attempts, failure)::text FROM s2s.issuer_metadata WHERE issuer = 'one'),
          '("""a""",t,t,0,)', 'fresh again');
SELECT is(s2s.metadata_done('two', test.lease(3), NULL, NULL, '10 min'), 'fenced', 'not modified, but there is nothing');
SELECT is(s2s.metadata_done('two', test.lease(3), pg_temp.doc('two'), NULL, '10 min'), 'done', 'fetched');
SELECT is((SELECT failure FROM s2s.issuer_metadata WHERE issuer = 'two'), NULL, 'the failure is over');
SELECT lives_ok('SELECT pg_temp.pass()', 'time passes');
SELECT is(pg_temp.claim(4, p_for => '-1 s'), 'one 1 "a", two 1', 'leased');
SELECT is(pg_temp.claim(5), 'one 2 "a", two 2', 'and, the lease being over, leased anew');
SELECT is(s2s.metadata_done('one', test.lease(4), pg_temp.doc('old'), NULL, '10 min'), 'fenced', 'too late');
SELECT is(s2s.metadata_done('one', test.lease(5), pg_temp.doc('one'), '"b"', '10 min'), 'done', 'in time');
SELECT is(s2s.metadata_failed('two', test.lease(5), 'HTTP 500', '1 min'), 'retried', 'failed');
SELECT is(pg_temp.shown('two') ->> 'failure', 'HTTP 500', 'shown');
SELECT is(pg_temp.shown('two') -> 'metadata', pg_temp.doc('two')::jsonb, 'beside what is there');

-- Configuration.
SELECT is(s2s.metadata_set('{one}', '{https://one.example}'), 1, 'one of them is gone');
SELECT is(test.brief(test.ask('app_issuer', '{"issuer": "two"}')), '404 answered NOT_FOUND', 'not shown');
SELECT is(test.brief(test.ask('app_issuer', '{"issuer": "x"}')), '404 answered NOT_FOUND', 'as unknown ones');
SELECT is(test.body(test.ask('app_issuer', '{"issuer": "two", "credentialIssuer": "https://two.example"}')),
          '{"issuer": "two", "credentialIssuer": "https://two.example"}', 'back in the configuration: only that is known yet');
SELECT is(test.body(test.ask('app_issuer', '{"issuer": "one", "credentialIssuer": "https://new.example"}')),
          '{"issuer": "one", "credentialIssuer": "https://new.example"}', 'the document of another identifier is not shown');
SELECT is(test.body(test.ask('app_issuer', '{"issuer": "one", "credentialIssuer": "https://one.example"}')), pg_temp.shown('one'),
          'that of its own is');
SELECT lives_ok('SELECT pg_temp.pass()', 'time passes');
SELECT is(pg_temp.claim(6), 'one 1 "b"', 'nor fetched');
SELECT is(s2s.metadata_set('{one,two}', '{https://one.example,https://two.example}'), 1, 'it comes back');
SELECT is(pg_temp.shown('two') -> 'metadata', pg_temp.doc('two')::jsonb, 'as it was');
SELECT is(s2s.metadata_set('{one,two}', '{https://new.example,https://two.example}'), 1, 'the other has a new identifier');
SELECT is(pg_temp.shown('one'), '{"issuer": "one", "credentialIssuer": "https://new.example"}', 'of which nothing is known');
SELECT is(s2s.metadata_done('one', test.lease(6), pg_temp.doc('one'), NULL, '10 min'), 'fenced', 'the fetch of the old one is void');
SELECT is((SELECT string_agg(i ->> 'issuer', ' ') FROM jsonb_array_elements(test.body(test.ask('app_issuers', '{}')) -> 'issuers') AS i),
          'one two', 'a list');
SELECT is(s2s.metadata_set(NULL), 2, 'no issuers');
SELECT is(test.body(test.ask('app_issuers', '{}')), '{"issuers": []}', 'an empty list');

SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT * FROM finish();
ROLLBACK;
