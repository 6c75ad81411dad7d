-- SPDX-License-Identifier: Apache-2.0
--
-- What operators do, and how they find what they look for: the audit ledger, acts on many instances at once, and the
-- indexes that the lists walk.

-- ---- the audit ledger ----

CREATE TABLE s2s.audit (
  at            timestamptz NOT NULL,
  seq           bigint PRIMARY KEY,
  request_id    uuid,
  who           text COLLATE "C" NOT NULL,
  role          text NOT NULL,
  action        text COLLATE "C" NOT NULL,
  ref           text COLLATE "C" NOT NULL,
  detail        json  NOT NULL,
  previous_hash bytea NOT NULL,
  hash          bytea NOT NULL
);
CREATE INDEX audit_who ON s2s.audit (who, seq);
CREATE INDEX audit_ref ON s2s.audit (ref, seq);

COMMENT ON TABLE s2s.audit IS
  'Who of the operators did what, in the transaction that did it. Rows are only ever added, by s2s.audit_add(), and are '
  'chained: each hash covers the row and the hash of the row before it.';
COMMENT ON COLUMN s2s.audit.seq IS 'From 1, without gaps.';
COMMENT ON COLUMN s2s.audit.request_id IS 'x-request-id of the request; null when it came from the command line.';
COMMENT ON COLUMN s2s.audit.who IS '"admin:" and the name of the token; or "command-line".';
COMMENT ON COLUMN s2s.audit.role IS 'In which it was done: read, review, operate.';
COMMENT ON COLUMN s2s.audit.ref IS 'The thing that it was done to; "*" for all of a kind.';
COMMENT ON COLUMN s2s.audit.detail IS 'json, as it is hashed letter for letter; never personal data.';

CREATE TABLE s2s.audit_head (
  since    timestamptz NOT NULL,
  seq      bigint  NOT NULL,
  hash     bytea   NOT NULL,
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one)
) WITH (
  -- Rewritten with every row of the ledger: room on the page keeps these updates HOT.
  fillfactor = 50
);
COMMENT ON TABLE s2s.audit_head IS
  'The last row of the audit ledger: whoever adds one locks this first. Rows that were cut off at the end are missed here.';
COMMENT ON COLUMN s2s.audit_head.since IS 'What operators did before was not written down.';

INSERT INTO s2s.audit_head (since, seq, hash) VALUES (clock_timestamp(), 0, decode(repeat('00', 32), 'hex'));

-- ---- acts on many instances ----

CREATE TABLE s2s.bulk (
  started_at  timestamptz NOT NULL,
  counted_at  timestamptz,
  finished_at timestamptz,
  cursor_at   timestamptz NOT NULL,
  request_id  uuid    NOT NULL,
  total       integer NOT NULL DEFAULT 0,
  done        integer NOT NULL DEFAULT 0,
  failed      integer NOT NULL DEFAULT 0,
  bulk_id     text COLLATE "C" PRIMARY KEY,
  cursor_id   text COLLATE "C" NOT NULL DEFAULT '',
  who         text NOT NULL,
  role        text NOT NULL,
  action      text NOT NULL,
  reason      text,
  filter      json NOT NULL,
  failures    json NOT NULL DEFAULT '[]'
) WITH (
  -- Each step writes its row, no indexed column of it.
  fillfactor = 50
);
CREATE INDEX bulk_started ON s2s.bulk (started_at, bulk_id);

COMMENT ON TABLE s2s.bulk IS
  'What operators do to many instances: first counted, then done, in steps of a job (kind bulk). Only s2s.bulk_step() '
  'changes a row.';
COMMENT ON COLUMN s2s.bulk.bulk_id IS 'A UUID.';
COMMENT ON COLUMN s2s.bulk.cursor_at IS 'With cursor_id, the instance up to which the walk has come, newest first.';
COMMENT ON COLUMN s2s.bulk.counted_at IS 'When the walk that counts came to its end. The one that acts begins there.';
COMMENT ON COLUMN s2s.bulk.total IS 'Instances counted so far; at the end, those that were come by.';
COMMENT ON COLUMN s2s.bulk.filter IS
  '{"subjectRefs", "configuration"} or {"sessionIds"} or {"instanceIds"}: which instances. A subject by its pseudonyms.';
COMMENT ON COLUMN s2s.bulk.failures IS 'The first that failed, [{"credentialInstanceId", "reason"}].';

-- ---- verifications ----

ALTER TABLE s2s.verification
  ADD COLUMN peer text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN decided_by text;
UPDATE s2s.verification AS v SET peer = s.peer FROM s2s.session AS s WHERE s.session_id = v.session_id;

COMMENT ON COLUMN s2s.verification.peer IS 'That of the session, again: lists are walked by it.';
COMMENT ON COLUMN s2s.verification.decided_by IS
  'The operator who brought about the status, as in the audit ledger; null when it was an evaluation, the wallet, or time.';

-- ---- what lists walk ----
--
-- One index for each table and each filter that has to be found among many, always ending with the order of the list. What
-- has no filter by the leading columns walks all their values side by side: there are few of them.

CREATE INDEX verification_listed ON s2s.verification (peer, status, created_at, verification_id);
-- What reviewers look at all day is few rows of many.
CREATE INDEX verification_awaiting ON s2s.verification (created_at, verification_id) WHERE awaiting_decision;

CREATE INDEX session_listed ON s2s.session (peer, created_at, session_id);

-- The body of s2s.facts_status(), letter for letter: calls of s2s.instance_status() are inlined, and find these.
CREATE INDEX instance_listed ON s2s.instance (
  (CASE
    WHEN cancelled THEN 'CANCELLED'
    WHEN unlinked THEN 'UNLINKED'
    WHEN issuer_suspended THEN 'SUSPENDED_ISSUER'
    WHEN wallet_suspended THEN 'SUSPENDED_WALLET'
    WHEN confirmed THEN 'ACTIVE'
    ELSE 'IN_PROCESS'
  END), created_at, instance_id);
CREATE INDEX instance_configuration ON s2s.instance (
  configuration_id,
  (CASE
    WHEN cancelled THEN 'CANCELLED'
    WHEN unlinked THEN 'UNLINKED'
    WHEN issuer_suspended THEN 'SUSPENDED_ISSUER'
    WHEN wallet_suspended THEN 'SUSPENDED_WALLET'
    WHEN confirmed THEN 'ACTIVE'
    ELSE 'IN_PROCESS'
  END), created_at, instance_id);
-- Of these there are few each.
CREATE INDEX instance_session ON s2s.instance (session_id, created_at, instance_id);
CREATE INDEX instance_subject ON s2s.instance (subject_ref, created_at, instance_id);

CREATE INDEX credential_offer_subject ON s2s.credential_offer (subject_ref, created_at) WHERE subject_ref IS NOT NULL;

CREATE INDEX ledger_listed ON s2s.ledger (peer, at, delivery_id);

CREATE INDEX job_dead_ref ON s2s.job_dead (ref);

DROP INDEX s2s.delivery_dead_peer;
CREATE INDEX delivery_dead_listed ON s2s.delivery_dead (peer, delivery_id);
