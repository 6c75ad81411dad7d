-- SPDX-License-Identifier: Apache-2.0
--
-- The job queue: small and hot. One time column is both the schedule and the end of the lease.

CREATE TABLE s2s.job (
  job_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  next_at    timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  lease      uuid,
  attempts   integer NOT NULL DEFAULT 0,
  kind       text COLLATE "C" NOT NULL,
  lane       text COLLATE "C" NOT NULL DEFAULT '',
  ref        text COLLATE "C" NOT NULL,
  payload    json
) WITH (
  -- Every job is written at least twice and deleted. Claims walk the head of job_next, where the dead entries are:
  -- vacuum by count, often, and without pausing.
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX job_next ON s2s.job (next_at);

COMMENT ON TABLE s2s.job IS 'Work to do. A finished job is deleted by the statement that finishes it.';
COMMENT ON COLUMN s2s.job.next_at IS 'When it may be claimed: its schedule, or the end of its lease.';
COMMENT ON COLUMN s2s.job.lease IS 'Fencing token of the claim: finishing a job needs it.';
COMMENT ON COLUMN s2s.job.attempts IS 'Claims so far.';
COMMENT ON COLUMN s2s.job.lane IS 'Peer, for work that depends on one.';
COMMENT ON COLUMN s2s.job.ref IS 'What it is about: for evaluate, the verification_id.';
COMMENT ON COLUMN s2s.job.payload IS 'For evaluate, {"dataSeq": n}: the submission to evaluate.';

CREATE TABLE s2s.job_dead (
  job_id     bigint PRIMARY KEY,
  died_at    timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  attempts   integer NOT NULL,
  kind       text COLLATE "C" NOT NULL,
  lane       text COLLATE "C" NOT NULL,
  ref        text COLLATE "C" NOT NULL,
  payload    json,
  error      text NOT NULL
);
COMMENT ON TABLE s2s.job_dead IS 'Jobs given up. They stay until an operator acts.';
COMMENT ON COLUMN s2s.job_dead.error IS 'The last error; never payload or personal data.';
