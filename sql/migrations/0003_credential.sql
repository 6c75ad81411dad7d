-- SPDX-License-Identifier: Apache-2.0
--
-- Credential instances, and gets that wait for a credential.

CREATE TABLE s2s.instance (
  created_at                timestamptz NOT NULL,
  last_status_change_time   timestamptz NOT NULL,
  ready_at                  timestamptz,
  fetched_at                timestamptz,
  version                   bigint   NOT NULL DEFAULT 1,
  ordinal                   smallint NOT NULL,
  confirmed                 boolean  NOT NULL DEFAULT false,
  wallet_suspended          boolean  NOT NULL DEFAULT false,
  issuer_suspended          boolean  NOT NULL DEFAULT false,
  unlinked                  boolean  NOT NULL DEFAULT false,
  cancelled                 boolean  NOT NULL DEFAULT false,
  instance_id               text COLLATE "C" PRIMARY KEY,
  session_id                text COLLATE "C" NOT NULL,
  verification_id           text COLLATE "C" NOT NULL,
  configuration_id          text NOT NULL,
  subject_ref               text NOT NULL,
  credential_version        text,
  last_status_change_reason text,
  CONSTRAINT instance_once UNIQUE (verification_id, ordinal)
) WITH (
  -- Every get and every change of state updates a row, never an indexed column: room on the page keeps these updates
  -- HOT, so the indexes do not grow.
  fillfactor = 80,
  autovacuum_vacuum_scale_factor = 0.05
);

COMMENT ON TABLE s2s.instance IS
  'Credential instances. The status is not stored: s2s.instance_status() derives it from the five facts.';
COMMENT ON COLUMN s2s.instance.ordinal IS 'Position in the verification''s approved_ids.';
COMMENT ON COLUMN s2s.instance.version IS
  'Grows when something that a get depends on changes: shown status, ready_at, the open fetches.';
COMMENT ON COLUMN s2s.instance.ready_at IS 'When the credential can be issued; set by the first get that must wait.';
COMMENT ON COLUMN s2s.instance.fetched_at IS 'Last successful get.';
COMMENT ON COLUMN s2s.instance.credential_version IS 'credentialVersion of the last successful get.';
COMMENT ON COLUMN s2s.instance.confirmed IS 'The wallet reported PROVISIONING_SUCCESS.';
COMMENT ON COLUMN s2s.instance.subject_ref IS 'Pseudonym of the dataset subject.';
COMMENT ON COLUMN s2s.instance.last_status_change_time IS 'When the shown status changed.';
COMMENT ON COLUMN s2s.instance.last_status_change_reason IS 'Why the shown status changed.';

CREATE TABLE s2s.fetch (
  created_at     timestamptz NOT NULL,
  transaction_id text COLLATE "C" PRIMARY KEY,
  instance_id    text COLLATE "C" NOT NULL,
  keys_digest    bytea,
  wek_thumbprint text COLLATE "C",
  keys           text,
  CONSTRAINT fetch_keys_once UNIQUE NULLS NOT DISTINCT (instance_id, keys_digest)
) WITH (
  -- Short-lived rows: vacuum by count, not by share of a table that is nearly empty.
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 500
);

COMMENT ON TABLE s2s.fetch IS
  'Gets that were told to come back (202). A transaction_id is spent by deleting its row: it cannot be spent twice.';
COMMENT ON COLUMN s2s.fetch.keys IS 'The presentment keys of the first get, JSON array of public JWKs.';
COMMENT ON COLUMN s2s.fetch.keys_digest IS 'Digest of the keys: the same keys get the same transaction_id.';
COMMENT ON COLUMN s2s.fetch.wek_thumbprint IS 'Wallet encryption key that the wallet client named, if it did.';
