-- SPDX-License-Identifier: Apache-2.0
--
-- Bounds on what a peer can make the database keep and hand out; and verification data no longer than it is needed.

ALTER TABLE s2s.verification ADD COLUMN data_octets bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN s2s.verification.data_octets IS 'Octets of verification data kept: a running sum, 0 when final.';

ALTER TABLE s2s.job ADD COLUMN octets bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN s2s.job.octets IS 'What a claim has to load with it: it bounds how many jobs one claim takes.';

COMMENT ON COLUMN s2s.verification.attempts IS 'Submissions with data so far: bounded, whatever max_attempts says.';
COMMENT ON TABLE s2s.verification_data IS
  'Verification data by submission: ciphertext only, and gone when the verification is final.';
COMMENT ON COLUMN s2s.reply.outcome IS
  'answered, replayed, reuse (request id used for another request; not stored), retry (load again; nothing changed), '
  'none (asked for a replay, and nothing is stored).';

-- The rows leave by DELETE now, mostly soon after they came: vacuum by count, not by share.
ALTER TABLE s2s.verification_data SET (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  toast.autovacuum_vacuum_scale_factor = 0,
  toast.autovacuum_vacuum_threshold = 1000
);

-- What is there already.
DELETE FROM s2s.verification_data AS d
USING s2s.verification AS v
WHERE v.verification_id = d.verification_id AND v.status IN ('APPROVED', 'DENIED', 'EXPIRED');

UPDATE s2s.verification AS v
SET data_octets = kept.octets
FROM (SELECT d.verification_id,
             sum(coalesce(octet_length(array_to_string(d.client_jwe, '')), 0)::bigint
                 + coalesce(octet_length(d.server_sealed), 0)) AS octets
      FROM s2s.verification_data AS d
      GROUP BY d.verification_id) AS kept
WHERE v.verification_id = kept.verification_id;

UPDATE s2s.job AS j
SET octets = v.data_octets
FROM s2s.verification AS v
WHERE j.kind = 'evaluate' AND v.verification_id = j.ref;
