-- SPDX-License-Identifier: Apache-2.0
-- Every check of the tables of reconciliation and of issuers' metadata finds what it is for, and nothing else does.
BEGIN;
SELECT plan(14);

SELECT is(s2s.lanes_set('{issuer}'), 1, 'an issuer');
SELECT lives_ok($$SELECT test.app_provisioned('S'), s2s.reconcile_start('WALLET', NULL, 'S-1')$$, 'a run');
SELECT lives_ok($$SELECT s2s.reconcile_due('WALLET', '0'), test.refused('/credential/status', 'S-1', 404)$$, 'that finds something');
SELECT lives_ok($$SELECT s2s.reconcile_due('WALLET', '0'), s2s.reconcile_start('WALLET', NULL, NULL)$$, 'another one');
SELECT lives_ok($$SELECT s2s.reconcile_due('WALLET', '0'), s2s.metadata_set('{issuer}')$$, 'is under way');
SELECT is(test.broken(), '{}', 'clean');

SELECT is(test.breaks(broken), ARRAY[name], name)
FROM (VALUES
  ('reconciliation-check-of-no-run', $$UPDATE s2s.reconciliation_check SET side = 'ISSUER'$$),
  ('reconciliation-finding-of-no-run', $$INSERT INTO s2s.reconciliation_finding (at, reconciliation_id, finding) VALUES (now(), 'X', 'x')$$),
  ('reconciliation-counts', $$UPDATE s2s.reconciliation SET found = 2 WHERE finished_at IS NOT NULL$$),
  ('issuer-metadata-lease-too-long', $$SELECT s2s.metadata_claim(test.lease(1), 1, '25 h')$$),
  ('issuer-metadata-without-document', $$UPDATE s2s.issuer_metadata SET etag = 'x'$$)
) AS t (name, broken);

-- What is no breach.
SELECT is(test.breaks($$UPDATE s2s.reconciliation SET found = 2, finished_at = now() - interval '31 days' WHERE finished_at IS NOT NULL$$), '{}',
          'a run that is being forgotten');
SELECT is(test.breaks($$SELECT s2s.metadata_claim(test.lease(1), 1, '1 min')$$), '{}', 'a fetch');
SELECT is(test.breaks($$SELECT s2s.delivery_withdraw('/credential/status', 'S-1', 'WALLET')$$), '{}', 'a question that is to be asked again');

SELECT * FROM finish();
ROLLBACK;
