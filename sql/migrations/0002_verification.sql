-- SPDX-License-Identifier: Apache-2.0
--
-- Sessions and their verifications.
--
-- The rows of the hot path have no foreign keys, CHECK constraints or generated columns: PostgreSQL prepares such
-- expressions anew for every statement that writes a row, which was more than half of the cost of writing a
-- verification (README.md has the figures). The functions are the only door; each fact has one writer, which guards it;
-- s2s.fsck() checks that they did.

CREATE TABLE s2s.session (
  created_at     timestamptz NOT NULL,
  session_id     text COLLATE "C" PRIMARY KEY,
  peer           text COLLATE "C" NOT NULL,
  wsk_thumbprint text COLLATE "C" NOT NULL,
  wsk            text   NOT NULL,
  locale         text,
  supported_verification_types text[]
);
COMMENT ON TABLE s2s.session IS
  'Every sessionId ever used, with its owner and key. Rows never change and never leave: an id is used up for good.';
COMMENT ON COLUMN s2s.session.session_id IS 'As sent; compares case-sensitively, hence not a uuid.';
COMMENT ON COLUMN s2s.session.peer IS 'The only peer that may see or use the session.';
COMMENT ON COLUMN s2s.session.wsk IS 'Public JWK of the wallet signing key, JSON.';
COMMENT ON COLUMN s2s.session.wsk_thumbprint IS 'RFC 7638 SHA-256 thumbprint of wsk, base64url.';

CREATE TABLE s2s.verification (
  created_at              timestamptz NOT NULL,
  updated_at              timestamptz NOT NULL,
  expires_at              timestamptz NOT NULL,
  deadline                timestamptz,
  due_at                  timestamptz,
  version                 bigint  NOT NULL DEFAULT 1,
  data_seq                integer NOT NULL DEFAULT 1,
  attempts                integer NOT NULL,
  max_attempts            integer NOT NULL,
  requested_device_count  integer NOT NULL,
  authorized_device_count integer,
  awaiting_decision       boolean NOT NULL DEFAULT false,
  cancelled               boolean NOT NULL DEFAULT false,
  verification_id         text COLLATE "C" PRIMARY KEY,
  session_id              text COLLATE "C" NOT NULL,
  status                  text COLLATE "C" NOT NULL DEFAULT 'PENDING',
  reason_code             text,
  message                 text,
  cancel_reason           text,
  configuration_ids       text[]  NOT NULL,
  approved_ids            text[],
  subject_refs            text[],
  data_request            jsonb
) WITH (
  -- Each row is moved one to three times and then rests. The last move empties due_at, which is indexed, so HOT seldom
  -- applies and room on the page (fillfactor) would be wasted; vacuum early instead, while the dead rows are cached.
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.05
);

-- The only index besides the key: what s2s.expire_due() walks. Final verifications are not in it.
CREATE INDEX verification_due ON s2s.verification (due_at) WHERE due_at IS NOT NULL;

COMMENT ON TABLE s2s.verification IS 'The state of a verification. Only s2s.verification_move() changes a row.';
COMMENT ON COLUMN s2s.verification.expires_at IS 'End of the session lifetime: EXPIRED afterwards, unless final.';
COMMENT ON COLUMN s2s.verification.deadline IS
  'Until when the wallet must answer the data request. It binds the wallet, so it does not run while PENDING.';
COMMENT ON COLUMN s2s.verification.due_at IS
  'When time alone ends this verification, see s2s.verification_due_at(); null when it is final.';
COMMENT ON COLUMN s2s.verification.version IS 'Grows with every change.';
COMMENT ON COLUMN s2s.verification.data_seq IS 'Grows with every submission; an evaluation of an older one is void.';
COMMENT ON COLUMN s2s.verification.attempts IS 'Submissions with data so far.';
COMMENT ON COLUMN s2s.verification.max_attempts IS '0: unlimited.';
COMMENT ON COLUMN s2s.verification.awaiting_decision IS 'PENDING because an evaluation left the decision to somebody.';
COMMENT ON COLUMN s2s.verification.cancelled IS 'DENIED by /verification/cancel, which may then be repeated.';
COMMENT ON COLUMN s2s.verification.message IS 'rejectedDetails or deniedMessage.';
COMMENT ON COLUMN s2s.verification.cancel_reason IS 'The reason that came with the cancellation.';
COMMENT ON COLUMN s2s.verification.configuration_ids IS 'Credential configurations asked for.';
COMMENT ON COLUMN s2s.verification.approved_ids IS 'Credential configurations approved, in the order of approval.';
COMMENT ON COLUMN s2s.verification.subject_refs IS 'Pseudonym of the dataset subject for each of approved_ids.';
COMMENT ON COLUMN s2s.verification.data_request IS 'VerificationDataRequest without deadline and maxAttempts.';

-- Apart from the verification because it never changes: moving a verification need not copy it.
CREATE TABLE s2s.verification_data (
  created_at      timestamptz NOT NULL,
  data_seq        integer NOT NULL,
  verification_id text COLLATE "C" NOT NULL,
  server_sealed   bytea,
  client_jwe      text[]  NOT NULL,
  PRIMARY KEY (verification_id, data_seq)
);

-- Ciphertext does not compress.
ALTER TABLE s2s.verification_data ALTER COLUMN server_sealed SET STORAGE EXTERNAL;
ALTER TABLE s2s.verification_data ALTER COLUMN client_jwe SET STORAGE EXTERNAL;

COMMENT ON TABLE s2s.verification_data IS 'Verification data by submission: ciphertext only.';
COMMENT ON COLUMN s2s.verification_data.client_jwe IS 'What the wallet client encrypted, as it came, in order.';
COMMENT ON COLUMN s2s.verification_data.server_sealed IS 'Items of the wallet server, sealed with the gateway''s data key.';
