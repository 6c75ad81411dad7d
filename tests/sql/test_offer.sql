-- SPDX-License-Identifier: Apache-2.0
-- Credential offers: made, read, revoked, forgotten; redeemed once, by one verification.
BEGIN;
SELECT plan(69);

SELECT is(o.attempts_left, 3, 'an offer') FROM test.offer('O', p_tx => '\x7c') AS o;
SELECT is(s2s.offer_state(o), 'OPEN', 'is open') FROM s2s.credential_offer AS o;
SELECT is(s2s.offer_json(o)::jsonb - '{createdAt,expiresAt}'::text[],
          '{"offerId": "O", "state": "OPEN", "credentialConfigurationIds": ["badge"], "txCode": true, "attemptsLeft": 3, "createdBy": "op"}'::jsonb,
          'what operators see has neither codes nor subject') FROM s2s.credential_offer AS o;
SELECT throws_ok($$SELECT test.offer('P')$$, '23505', NULL, 'one code, one offer');

-- Read by reference.
SELECT results_eq($$SELECT offer_id, document_sealed FROM s2s.offer_read('{"\\x00", "\\xef0c"}')$$,
                  $$VALUES ('O', '\xd0c0'::bytea)$$, 'read');
SELECT is_empty($$SELECT s2s.offer_read('{"\\x00"}')$$, 'not under another id');

-- Redeemed.
SELECT lives_ok($$SELECT test.initiate('A', p_jwe => '{a}'), test.initiate('B', p_jwe => '{b}'), test.initiate('C')$$, 'verifications');
SELECT is(test.redeem('A', '0d'), 'MISMATCH UNKNOWN', 'another code');
SELECT is(test.redeem('A'), 'MISSING TX_CODE_REQUIRED', 'without the transaction code');
SELECT is(attempts_left, 3, 'costs nothing') FROM s2s.credential_offer;
SELECT is(test.redeem('A', '0c', '01'), 'MISMATCH WRONG_TX_CODE', 'with a wrong one');
SELECT is(attempts_left, 2, 'costs an attempt') FROM s2s.credential_offer;
SELECT is(test.redeem('A', '0c', '01'), 'MISMATCH WRONG_TX_CODE', 'evaluated again');
SELECT is(attempts_left, 2, 'it costs nothing more') FROM s2s.credential_offer;
SELECT is(test.facts('A', json_build_array(test.offer_item('0c', '01')))::jsonb #> '{checks,0,facts}',
          '{"offerId": "O", "attemptsLeft": 2}'::jsonb, 'what is left');
SELECT is(s2s.offer_state(o), 'OPEN', 'the code is not burnt') FROM s2s.credential_offer AS o;
SELECT is(test.redeem('A', '0c', '7c'), 'SATISFIED', 'with the right one');
SELECT is(test.redeem('A', '0c', '7c'), 'SATISFIED', 'evaluated again');
SELECT is(test.redeem('B', '0c', '7c'), 'MISMATCH USED', 'nobody else');
SELECT is(test.redeem('B', '0c', '01'), 'MISMATCH USED', 'who can tell no more from it');
SELECT is(used_by, (test.verification('A')).verification_id, 'by whom') FROM s2s.credential_offer;
SELECT is(document_sealed, NULL, 'nothing is left to read') FROM s2s.credential_offer;
SELECT is(test.facts('A', json_build_array(test.offer_item('0c', '7c', 5)))::jsonb,
          '{"outcome": "done", "checks": [{"item": 5, "kind": "offer", "verdict": "SATISFIED",
            "facts": {"offerId": "O", "credentialConfigurationIds": ["badge"]},
            "subjects": [{"configuration_id": "badge", "subject_ref": "ada", "subject_sealed": "ad"}]}]}'::jsonb, 'what it is good for');
UPDATE s2s.credential_offer SET expires_at = clock_timestamp() - interval '1 s';
SELECT is(test.redeem('A', '0c', '7c'), 'SATISFIED', 'what was redeemed in time stays so');
SELECT is(test.redeem('B', '0c', '7c'), 'MISMATCH USED', 'and used');
SELECT is(s2s.offer_revoke('O', 'op'), 'FAILED USED', 'it cannot be taken back');

-- Several guesses in one submission all count.
SELECT lives_ok($$SELECT test.offer('G', '\x01', '\x7c')$$, 'an offer');
SELECT is(test.verdicts(test.facts('B', json_build_array(
            test.offer_item('01', '0a', 0), test.offer_item('01', '0b', 1), test.offer_item('01', '0c', 2),
            test.offer_item('01', '7c', 3)))),
          'MISMATCH WRONG_TX_CODE, MISMATCH WRONG_TX_CODE, MISMATCH EXHAUSTED, MISMATCH EXHAUSTED', 'guessing at once uses it up');
SELECT is(test.redeem('B', '01', '7c'), 'MISMATCH EXHAUSTED', 'the right one comes too late');
SELECT is(test.redeem('C', '01', '7c'), 'MISMATCH EXHAUSTED', 'for everybody');
SELECT is(s2s.offer_revoke('G', 'op'), 'FAILED EXHAUSTED', 'nothing to take back');
SELECT is_empty($$SELECT s2s.offer_read('{"\\xef01"}')$$, 'nor to read');

-- The same guess in another submission is another attempt, unless it came with the first one.
SELECT lives_ok($$SELECT test.offer('H', '\x02', '\x7c')$$, 'an offer');
SELECT is(test.redeem('B', '02', '0a'), 'MISMATCH WRONG_TX_CODE', 'a guess');
SELECT lives_ok($$SELECT test.supplement('B')$$, 'a supplement');
SELECT is(test.redeem('B', '02', '0a'), 'MISMATCH WRONG_TX_CODE', 'the same again');
SELECT is(attempts_left, 1, 'two') FROM s2s.credential_offer WHERE offer_id = 'H';
SELECT lives_ok($$SELECT test.supplement('B')$$, 'a supplement with something else');
SELECT is(test.verdicts(test.facts('B', json_build_array(test.offer_item('02', '0a', 0, 2)))), 'MISMATCH WRONG_TX_CODE', 'the old item');
SELECT is(attempts_left, 1, 'still two') FROM s2s.credential_offer WHERE offer_id = 'H';
SELECT is(test.redeem('B', '02', '0a'), 'MISMATCH EXHAUSTED', 'a third');

-- What an offer is for.
SELECT lives_ok($$SELECT test.offer('peer', '\x03', p_peer => 'other'), test.offer('pass', '\x04', p_configurations => '{pass}'),
                         test.offer('late', '\x05', p_lifetime => '0'), test.offer('back', '\x06'),
                         test.offer('both', '\x07', p_configurations => '{pass,badge}')$$, 'offers');
SELECT is(test.redeem('C', '03'), 'MISMATCH UNKNOWN', 'another peer''s');
SELECT is(test.redeem('C', '04'), 'MISMATCH CONFIGURATION', 'of something else');
SELECT is(test.redeem('C', '05'), 'MISMATCH EXPIRED', 'too late');
SELECT is(test.revoke('back'), 'COMPLETED', 'taken back');
SELECT is(test.revoke('back'), 'NO_CHANGE', 'once');
SELECT is(s2s.offer_json(o)::jsonb ->> 'revokedBy', 'op', 'by whom') FROM s2s.credential_offer AS o WHERE offer_id = 'back';
SELECT is(test.redeem('C', '06'), 'MISMATCH REVOKED', 'and good for nothing');
SELECT is_empty($$SELECT s2s.offer_read('{"\\xef06", "\\xef05"}')$$, 'nor to be read');
SELECT is(test.revoke('nobody'), 'NOT_FOUND', 'an unknown one');
SELECT is(s2s.offer_revoke('late', 'op'), 'FAILED EXPIRED', 'one that is over by itself');
SELECT is(test.redeem('C', '07', '99'), 'SATISFIED', 'of more than was asked for; a transaction code that it does not need');
SELECT is((SELECT count(*) FROM s2s.credential_offer WHERE used_by IS NOT NULL), 2::bigint, 'no other one was redeemed');

-- Only an evaluation that is under way may ask.
SELECT is(s2s.evaluation_facts((test.newest_job('C')).job_id, test.lease(9), '[]')::text, '{"outcome": "fenced"}', 'fenced');
SELECT is(test.facts('C', '[]')::text, '{"checks": [], "outcome": "done"}', 'nothing to check');
SELECT lives_ok($$SELECT test.supplement('C')$$, 'overtaken');
SELECT is(s2s.evaluation_facts((SELECT min(job_id) FROM s2s.job WHERE ref = (test.verification('C')).verification_id), test.lease(),
                               json_build_array(test.offer_item('04')))::text, '{"outcome": "superseded"}', 'superseded');
SELECT lives_ok($$SELECT test.facts('B', '[]'), test.cancel('B')$$, 'cancelled');
SELECT is(test.facts('B', '[]')::text, '{"outcome": "superseded"}', 'superseded');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');

-- Forgotten.
SELECT is(s2s.offers_forget('1 hour', 10), 1, 'one has something left to read');
SELECT is(s2s.offers_forget('1 hour', 10), 0, 'no more');
SELECT is((SELECT count(*) FROM s2s.credential_offer), 8::bigint, 'none is dropped');
UPDATE s2s.credential_offer SET created_at = created_at - interval '2 h', expires_at = expires_at - interval '2 h' WHERE offer_id IN ('O', 'G', 'H');
SELECT is(s2s.offers_forget('1 hour', 2), 2, 'two are dropped');
SELECT is(s2s.offers_forget('1 hour', 2), 1, 'and one');
SELECT is(array_agg(offer_id ORDER BY offer_id)::text, '{back,both,late,pass,peer}', 'those that are not old stay') FROM s2s.credential_offer;
SELECT is((SELECT count(*) FROM s2s.offer_failure), 0::bigint, 'with the rest went the failures');
SELECT is_empty('SELECT * FROM s2s.fsck()', 'fsck is clean');
SELECT * FROM finish();
ROLLBACK;
