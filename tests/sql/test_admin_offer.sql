-- SPDX-License-Identifier: Apache-2.0
-- The operators' API: credential offers.
BEGIN;
SELECT plan(32);

CREATE FUNCTION pg_temp.make(p_id text, p_request uuid DEFAULT gen_random_uuid(), p_more json DEFAULT '{}', p_tx text DEFAULT NULL, p_lifetime interval DEFAULT '1 h') RETURNS s2s.reply LANGUAGE sql AS $$
  SELECT test.admin('admin_offer_make', json_build_object('body', s2s.json_join(json_build_object('credentialConfigurationIds', ARRAY['badge']), p_more)),
    format(', %L, %L, %L, 3, %L, %L, ''\x01'', NULL, NULL, %L', p_id, convert_to('code ' || p_id, 'UTF8'), p_tx::bytea, p_lifetime, 'subject-' || p_id,
           convert_to('secret ' || p_id, 'UTF8')), p_request => p_request)
$$;
CREATE TEMP TABLE answer AS SELECT pg_temp.make('A', test.lease(1)) AS r;
SELECT is((r).status, 201, 'made') FROM answer;
SELECT is(test.body(r) -> 'offer' #- '{createdAt}' #- '{expiresAt}',
          '{"offerId": "A", "state": "OPEN", "credentialConfigurationIds": ["badge"], "txCode": false, "createdBy": "admin:alice"}', 'shown') FROM answer;
SELECT is(convert_from(decode(test.body(r) ->> 'sealed', 'base64'), 'UTF8'), 'secret A', 'with what is sealed') FROM answer;
SELECT is((SELECT (a.r).outcome || ' ' || (a.r).body FROM (SELECT pg_temp.make('B', test.lease(1)) AS r) AS a), (SELECT 'replayed ' || (r).body FROM answer),
          'the same request again gets the same, whatever was made up for it');
SELECT is((SELECT count(*) FROM s2s.credential_offer), 1::bigint, 'there is one');
SELECT is(test.audited('A'), '{admin:alice offer.make}', 'written down');
SELECT is((SELECT detail::jsonb - 'expiresAt' FROM s2s.audit), '{"credentialConfigurationIds": ["badge"], "txCode": false}', 'without subject and codes');
SELECT is(test.body(test.ask('admin_offer', '{"offerId": "A"}')), test.body(r) -> 'offer', 'shown') FROM answer;
SELECT is(test.brief(test.ask('admin_offer', '{"offerId": "X"}')), '404 answered NOT_FOUND', 'unknown');

-- Revoking.
CREATE FUNCTION pg_temp.revoke(p_id text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', r.status, b ->> 'outcome', b ->> 'failureReason', b -> 'offer' ->> 'state')
  FROM test.admin('admin_offer_revoke', json_build_object('offerId', p_id), p_who => 'admin:bob') AS r, LATERAL (SELECT test.body(r) AS b) AS t
$$;
SELECT is(pg_temp.revoke('A'), '200 COMPLETED REVOKED', 'revoked');
SELECT is(pg_temp.revoke('A'), '200 NO_CHANGE REVOKED', 'once');
SELECT is(pg_temp.revoke('X'), '404', 'unknown');
SELECT is(test.audited('A'), '{admin:alice offer.make,admin:bob offer.revoke COMPLETED,admin:bob offer.revoke NO_CHANGE}', 'written down');
SELECT is((pg_temp.make('B', p_lifetime => '-1 s')).status, 201, 'one that is over');
SELECT is(pg_temp.revoke('B'), '200 FAILED EXPIRED EXPIRED', 'is over');

-- Lists.
SELECT is((pg_temp.make('C', p_more => '{"peer": "wallet"}', p_tx => '\x07')).status, 201, 'for one peer');
SELECT is((pg_temp.make('D')).status, 201, 'another one');
CREATE FUNCTION pg_temp.listed(p_query jsonb) RETURNS text LANGUAGE sql AS $$ SELECT test.pages('admin_offers', 'offers', 'offerId', p_query) $$;
SELECT is(pg_temp.listed('{}'), 'D C B A', 'newest first');
SELECT is(pg_temp.listed('{"limit": 3}'), 'D C B | A', 'page by page');
SELECT is(pg_temp.listed('{"state": "OPEN", "limit": 1}'), 'D | C', 'in a state');
SELECT is(pg_temp.listed(jsonb_build_object('state', s)), i, s) FROM (VALUES ('REVOKED', 'A'), ('EXPIRED', 'B'), ('USED', '-')) AS t (s, i);
SELECT is(pg_temp.listed('{"peer": "wallet"}'), 'C', 'for a peer');
SELECT is(pg_temp.listed('{"configuration": "pass"}'), '-', 'of a configuration');
SELECT is(pg_temp.listed('{"subjectRefs": ["subject-D", "subject-A"]}'), 'D A', 'of a subject');
SELECT is(pg_temp.listed('{"subjectRefs": ["subject-D", "subject-A"], "state": "OPEN"}'), 'D', 'in a state');
SELECT is(test.brief(test.ask('admin_offers', '{"cursor": "?"}')), '400 answered VALIDATION', 'a bad cursor');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- What lists cost.
INSERT INTO s2s.credential_offer (created_at, expires_at, attempts, attempts_left, offer_id, subject_ref, configuration_ids, code_hash)
SELECT now() - n * interval '1 s', now(), 1, 1, 'n' || n, 'n' || n, '{badge}', n::text::bytea FROM generate_series(1, 3000) AS n;
SELECT cmp_ok(test.cost('admin_offers', q), '<', 30::bigint, q::text)
FROM unnest(ARRAY['{"limit": 10}', '{"limit": 10, "subjectRefs": ["n2000", "x"]}', json_build_object('limit', 10, 'cursor', s2s.cursor_write(now() - interval '2500 s', ''))]) AS q;

SELECT * FROM finish();
ROLLBACK;
