-- SPDX-License-Identifier: Apache-2.0
--
-- Decisions, data and people of the operator's own: who decides and what of, several verifications of a session, devices
-- of one approval, datasets that a backend knows, offers.

-- ---- jobs have a lane: a backend that is down or slow keeps nobody else waiting ----

ALTER TABLE s2s.job ADD COLUMN postponed integer NOT NULL DEFAULT 0;
DROP INDEX s2s.job_next;
CREATE INDEX job_due ON s2s.job (kind, lane, next_at);

COMMENT ON COLUMN s2s.job.lane IS
  'Backend, for work that depends on one; else empty. A claim names the lanes that have room.';
COMMENT ON COLUMN s2s.job.attempts IS 'Claims so far, without those that were postponed.';
COMMENT ON COLUMN s2s.job.postponed IS 'How often it was put off because somebody else was not ready: no fault of the job.';
COMMENT ON COLUMN s2s.job.ref IS 'What it is about: for evaluate the verification_id, for dataset the instance_id.';

-- ---- several verifications of a session ----

ALTER TABLE s2s.session
  ADD COLUMN verification_id text COLLATE "C",
  ADD COLUMN nonce_jti text COLLATE "C";
UPDATE s2s.session AS s
SET verification_id = v.verification_id
FROM s2s.verification AS v
WHERE v.session_id = s.session_id;

COMMENT ON COLUMN s2s.session.verification_id IS 'Its first verification. s2s.nonce_jti has those that came after it.';
COMMENT ON COLUMN s2s.session.nonce_jti IS 'jti of the nonce that opened it, if that was a bound one.';

CREATE TABLE s2s.nonce_jti (
  created_at      timestamptz NOT NULL,
  session_id      text COLLATE "C" NOT NULL,
  jti             text COLLATE "C" NOT NULL,
  verification_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (session_id, jti)
);
COMMENT ON TABLE s2s.nonce_jti IS
  'The nonces that have opened a session anew, each with the verification that it opened. A nonce counts once.';

-- ---- verifications ----

ALTER TABLE s2s.verification
  ADD COLUMN lane text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN attestation text COLLATE "C" NOT NULL DEFAULT 'IGNORED',
  ADD COLUMN root_verification_id text COLLATE "C",
  ADD COLUMN undecided_reason text,
  ADD COLUMN locale text,
  ADD COLUMN supported_verification_types text[],
  ADD COLUMN subject_sealed bytea[];
CREATE INDEX verification_root ON s2s.verification (root_verification_id) WHERE root_verification_id IS NOT NULL;

COMMENT ON COLUMN s2s.verification.lane IS 'The backend that decides; empty: the built-in policy.';
COMMENT ON COLUMN s2s.verification.attestation IS
  'What came of the attestation of the wallet signing key: VERIFIED, ABSENT, INVALID, IGNORED.';
COMMENT ON COLUMN s2s.verification.root_verification_id IS
  'The first approval that this one is derived from by naming a prior session: its authorized_device_count holds for all '
  'sessions derived from it. Holds a device from the moment in which it is set.';
COMMENT ON COLUMN s2s.verification.undecided_reason IS
  'Why a decision is awaited, when it is for want of a usable answer; for operators.';
COMMENT ON COLUMN s2s.verification.locale IS 'Of a session that is verified again, when it differs from the session''s.';
COMMENT ON COLUMN s2s.verification.supported_verification_types IS 'Likewise.';
COMMENT ON COLUMN s2s.verification.approved_ids IS
  'Credential configurations approved, in the order of approval; one that is approved for several subjects comes as often.';
COMMENT ON COLUMN s2s.verification.subject_sealed IS
  'The subject for each of approved_ids, sealed; null, or null elements, where no backend needs to be told.';
COMMENT ON COLUMN s2s.verification.data_request IS
  'The last VerificationDataRequest, without deadline and maxAttempts. Kept when it was answered: the answers refer to it.';
COMMENT ON COLUMN s2s.verification.data_seq IS
  'Grows with every submission and every result that arrives; an evaluation of an older one is void.';

ALTER TABLE s2s.verification_data ADD COLUMN issuer_sealed bytea;
ALTER TABLE s2s.verification_data ALTER COLUMN issuer_sealed SET STORAGE EXTERNAL;
COMMENT ON COLUMN s2s.verification_data.issuer_sealed IS
  'An item of the issuer''s own, such as the result of an authentication on the web, sealed.';

-- ---- instances and their datasets ----

ALTER TABLE s2s.instance
  ADD COLUMN dataset_job bigint,
  ADD COLUMN subject_sealed bytea;
ALTER TABLE s2s.instance ALTER COLUMN subject_sealed SET STORAGE EXTERNAL;

COMMENT ON COLUMN s2s.instance.verification_id IS
  'The verification that stands for it: the one it was made for, or a later one of the session that took it over.';
COMMENT ON COLUMN s2s.instance.ready_at IS
  'When the credential can be issued. Set by the first get that must wait a known time; or by the backend''s word that it '
  'is ready, until which it is null.';
COMMENT ON COLUMN s2s.instance.dataset_job IS 'The job that asks the backend whether the dataset is there; null: none does.';
COMMENT ON COLUMN s2s.instance.subject_sealed IS 'The subject as the backend names it, sealed; null when none needs it.';

CREATE TABLE s2s.instance_link (
  verification_id text COLLATE "C" NOT NULL,
  ordinal         smallint NOT NULL,
  instance_id     text COLLATE "C" NOT NULL,
  PRIMARY KEY (verification_id, ordinal)
);
COMMENT ON TABLE s2s.instance_link IS
  'Instances that a later verification took over, by the verification and the place that they had: what was provisioned '
  'once is the same for ever.';

CREATE TABLE s2s.instance_dataset (
  pushed_at   timestamptz NOT NULL,
  valid_until timestamptz,
  instance_id text COLLATE "C" PRIMARY KEY,
  version     text  NOT NULL,
  sealed      bytea NOT NULL
);
ALTER TABLE s2s.instance_dataset ALTER COLUMN sealed SET STORAGE EXTERNAL;
COMMENT ON TABLE s2s.instance_dataset IS
  'Datasets that were pushed ahead. They go when the credential is cancelled or unlinked.';
COMMENT ON COLUMN s2s.instance_dataset.sealed IS 'The claims, sealed for this instance.';
COMMENT ON COLUMN s2s.instance_dataset.version IS 'credentialVersion of what is made from it.';
COMMENT ON COLUMN s2s.instance_dataset.valid_until IS 'No credential made from it outlives this.';

-- ---- offers ----

CREATE TABLE s2s.credential_offer (
  created_at        timestamptz NOT NULL,
  expires_at        timestamptz NOT NULL,
  used_at           timestamptz,
  revoked_at        timestamptz,
  attempts          integer NOT NULL,
  attempts_left     integer NOT NULL,
  offer_id          text COLLATE "C" PRIMARY KEY,
  peer              text COLLATE "C",
  used_by           text COLLATE "C",
  created_by        text,
  revoked_by        text,
  subject_ref       text,
  configuration_ids text[] NOT NULL,
  code_hash         bytea NOT NULL CONSTRAINT credential_offer_code UNIQUE,
  tx_code_hash      bytea,
  reference_hash    bytea CONSTRAINT credential_offer_reference UNIQUE,
  subject_sealed    bytea,
  document_sealed   bytea
);
CREATE INDEX credential_offer_created ON s2s.credential_offer (created_at);
CREATE INDEX credential_offer_document ON s2s.credential_offer (expires_at) WHERE document_sealed IS NOT NULL;

COMMENT ON TABLE s2s.credential_offer IS
  'Offers made by the issuer. Codes are kept as HMACs under the gateway''s data key only.';
COMMENT ON COLUMN s2s.credential_offer.peer IS 'The only peer that may redeem it; null: any.';
COMMENT ON COLUMN s2s.credential_offer.attempts IS 'How many wrong transaction codes use it up.';
COMMENT ON COLUMN s2s.credential_offer.attempts_left IS 'attempts less the rows of offer_failure.';
COMMENT ON COLUMN s2s.credential_offer.used_by IS 'The verification that has redeemed it: no other one ever will.';
COMMENT ON COLUMN s2s.credential_offer.code_hash IS 'HMAC of the pre-authorized code.';
COMMENT ON COLUMN s2s.credential_offer.tx_code_hash IS 'HMAC of the code and the transaction code; null: it needs none.';
COMMENT ON COLUMN s2s.credential_offer.reference_hash IS 'HMAC of the id in its credential_offer_uri, if it has one.';
COMMENT ON COLUMN s2s.credential_offer.document_sealed IS
  'What the credential_offer_uri answers, sealed, as the code stands in it; gone as soon as the offer is over.';
COMMENT ON COLUMN s2s.credential_offer.subject_ref IS 'Pseudonym of the subject whose credentials are offered.';
COMMENT ON COLUMN s2s.credential_offer.subject_sealed IS 'The subject, sealed.';

CREATE TABLE s2s.offer_failure (
  at              timestamptz NOT NULL,
  data_seq        integer NOT NULL,
  offer_id        text COLLATE "C" NOT NULL,
  verification_id text COLLATE "C" NOT NULL,
  guess           bytea NOT NULL,
  PRIMARY KEY (offer_id, verification_id, data_seq, guess)
);
COMMENT ON TABLE s2s.offer_failure IS
  'Wrong transaction codes, so that one counts once, however often its submission is evaluated.';
COMMENT ON COLUMN s2s.offer_failure.guess IS 'HMAC of what was tried.';
