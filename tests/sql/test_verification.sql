-- SPDX-License-Identifier: Apache-2.0
-- The state of a verification: the table of moves, time, and the wire form.
BEGIN;
SELECT plan(102);

CREATE TEMP TABLE state (name text, ordinal serial);
INSERT INTO state (name) VALUES
  ('PENDING'), ('ADDITIONAL_INFO_REQUIRED'), ('REJECTED'), ('APPROVED'), ('DENIED'), ('EXPIRED');

-- A verification in any state, with all that any state needs; past the mover.
CREATE FUNCTION pg_temp.make(p_session text, p_status text) RETURNS s2s.verification LANGUAGE plpgsql AS $$
DECLARE v s2s.verification;
BEGIN
  PERFORM test.initiate(p_session);
  UPDATE s2s.verification AS u
  SET status = p_status, approved_ids = '{badge,pass}', subject_refs = '{s1,s2}', reason_code = 'WHY', message = 'text',
      authorized_device_count = 2, data_request = '{"verificationDataItems": []}',
      due_at = s2s.verification_due_at(p_status, u.deadline, u.expires_at)
  WHERE u.session_id = p_session
  RETURNING u.* INTO v;
  RETURN v;
END
$$;

-- All 36 pairs: the table says which are possible, the mover moves those and refuses the others.
CREATE TEMP TABLE possible (a text, b text);
INSERT INTO possible VALUES
  ('PENDING', 'PENDING'), ('PENDING', 'ADDITIONAL_INFO_REQUIRED'), ('PENDING', 'REJECTED'), ('PENDING', 'APPROVED'),
  ('PENDING', 'DENIED'), ('PENDING', 'EXPIRED'),
  ('ADDITIONAL_INFO_REQUIRED', 'PENDING'), ('ADDITIONAL_INFO_REQUIRED', 'DENIED'),
  ('ADDITIONAL_INFO_REQUIRED', 'EXPIRED'),
  ('REJECTED', 'PENDING'), ('REJECTED', 'DENIED'), ('REJECTED', 'EXPIRED');
SELECT is(s2s.verification_may_move(a.name, b.name), EXISTS (SELECT FROM possible AS p WHERE (p.a, p.b) = (a.name, b.name)),
          a.name || ' to ' || b.name)
FROM state AS a, state AS b ORDER BY a.ordinal, b.ordinal;
SELECT lives_ok(format('SELECT s2s.verification_move(pg_temp.make(%L, %L), %L)', a || ' ' || b, a, b), a || ' moves to ' || b)
FROM possible;
SELECT throws_like(
  format('SELECT s2s.verification_move(pg_temp.make(%L, %L), %L)', a.name || ' ' || b.name, a.name, b.name),
  '%cannot move%', a.name || ' is not moved to ' || b.name)
FROM state AS a, state AS b
WHERE NOT EXISTS (SELECT FROM possible AS p WHERE (p.a, p.b) = (a.name, b.name))
ORDER BY a.ordinal, b.ordinal;
SELECT throws_like(format('SELECT s2s.verification_move(pg_temp.make(%L, %L), %L)', 'unknown', 'PENDING', 'BOGUS'),
                   '%cannot move%', 'a state that does not exist');

-- What a state needs.
SELECT throws_like(
  format($$SELECT s2s.verification_move(jsonb_populate_record(pg_temp.make(%L, 'PENDING'), %L), %L)$$,
         'lacking ' || n, patch, status), '%lacks%', status || ' without ' || patch)
FROM (VALUES
  (1, 'APPROVED', '{"approved_ids": null}'), (2, 'APPROVED', '{"approved_ids": []}'),
  (3, 'APPROVED', '{"subject_refs": null}'), (4, 'APPROVED', '{"subject_refs": ["s1"]}'),
  (5, 'ADDITIONAL_INFO_REQUIRED', '{"data_request": null}'), (6, 'DENIED', '{"reason_code": null}')
) AS t (n, status, patch);

-- A move leaves a trace.
SELECT is((v).version, 2::bigint, 'version grows') FROM s2s.verification_move(pg_temp.make('moved', 'PENDING'), 'DENIED') AS v;
SELECT is((test.verification('moved')).updated_at > (test.verification('moved')).created_at, true, 'updated_at is set');
SELECT is((test.verification('moved')).due_at, NULL, 'a final one is never due');

-- The wire form of each state.
SELECT is(
  s2s.verification_json(pg_temp.make('json ' || s.name, s.name))::jsonb
    - 'verificationId',
  jsonb_build_object('sessionId', 'json ' || s.name, 'status', s.name) || e.more::jsonb, s.name || ' on the wire')
FROM state AS s
JOIN (VALUES
  ('PENDING', '{}'), ('EXPIRED', '{}'),
  ('APPROVED', '{"credentialConfigurationIds": ["badge", "pass"], "authorizedDeviceCount": 2}'),
  ('REJECTED', '{"reasonCode": "WHY", "rejectedDetails": "text"}'),
  ('DENIED', '{"reasonCode": "WHY", "deniedMessage": "text"}'),
  ('ADDITIONAL_INFO_REQUIRED', '{"verificationDataRequest": {"verificationDataItems": []}}')
) AS e (name, more) ON e.name = s.name
ORDER BY s.ordinal;
SELECT is(s2s.verification_json(jsonb_populate_record(test.verification('json REJECTED'), '{"message": null}'))::jsonb
            ? 'rejectedDetails', false, 'rejectedDetails is optional');
SELECT isnt(s2s.verification_json(jsonb_populate_record(test.verification('json DENIED'), '{"message": null}'))::jsonb
              ->> 'deniedMessage', NULL, 'deniedMessage is not');
SELECT is(
  s2s.verification_json(jsonb_populate_record(
    test.verification('json ADDITIONAL_INFO_REQUIRED'),
    '{"deadline": "2030-01-02T03:04:05.678+02:00", "max_attempts": 3}'))::jsonb -> 'verificationDataRequest',
  '{"deadline": "2030-01-02T01:04:05Z", "maxAttempts": 3, "verificationDataItems": []}', 'deadline in UTC, maxAttempts');

-- Time. Whoever locks a verification applies what is due.
CREATE FUNCTION pg_temp.due(p_session text, p_status text, p_deadline interval, p_expires interval) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_temp.make(p_session, p_status);
  UPDATE s2s.verification AS u
  SET deadline = clock_timestamp() + p_deadline, expires_at = clock_timestamp() + p_expires,
      due_at = s2s.verification_due_at(status, clock_timestamp() + p_deadline, clock_timestamp() + p_expires),
      reason_code = NULL, message = NULL
  WHERE session_id = p_session;
  -- The two clock readings differ; due_at must be one of them exactly.
  UPDATE s2s.verification SET due_at = s2s.verification_due_at(status, deadline, expires_at) WHERE session_id = p_session;
  RETURN concat_ws(' ', v.status, v.reason_code)
  FROM s2s.verification_lock((test.verification(p_session)).verification_id) AS v;
END
$$;
SELECT is(pg_temp.due('due ' || n, status, deadline, expires), expected, name)
FROM (VALUES
  (1, 'PENDING', NULL::interval, interval '1 h', 'PENDING', 'in time'),
  (2, 'PENDING', NULL, '-1 s', 'EXPIRED', 'PENDING beyond its lifetime'),
  (3, 'PENDING', '-1 s', '1 h', 'PENDING', 'the deadline does not run while PENDING'),
  (4, 'ADDITIONAL_INFO_REQUIRED', '1 h', '2 h', 'ADDITIONAL_INFO_REQUIRED', 'asked, in time'),
  (5, 'ADDITIONAL_INFO_REQUIRED', '-1 s', '1 h', 'DENIED DEADLINE_PASSED', 'asked, deadline passed'),
  (6, 'ADDITIONAL_INFO_REQUIRED', '-2 s', '-1 s', 'DENIED DEADLINE_PASSED', 'both over, the deadline first'),
  (7, 'ADDITIONAL_INFO_REQUIRED', '-1 s', '-2 s', 'EXPIRED', 'both over, the lifetime first'),
  (8, 'ADDITIONAL_INFO_REQUIRED', NULL, '-1 s', 'EXPIRED', 'asked without deadline, beyond its lifetime'),
  (9, 'REJECTED', '-1 s', '1 h', 'DENIED DEADLINE_PASSED', 'rejected, deadline passed'),
  (10, 'APPROVED', '-1 s', '-1 s', 'APPROVED', 'final stays final')
) AS t (n, status, deadline, expires, expected, name);
SELECT is((s2s.verification_lock('nobody')).verification_id, NULL, 'an unknown one');

SELECT * FROM finish();
ROLLBACK;
