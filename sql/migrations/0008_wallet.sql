-- SPDX-License-Identifier: Apache-2.0
--
-- The wallet role: its view of sessions, instances and fetches, which the issuers' answers and notices fill; webhooks,
-- which are lanes of their own; what is known of the issuers' metadata; and runs of reconciliation, of either role.
--
-- As on the other hot tables: no foreign keys, CHECK constraints or generated columns. The functions are the only door,
-- s2s.fsck() checks that they kept their promises.

-- ---- deliveries ----

ALTER TABLE s2s.lane
  ADD COLUMN kind text NOT NULL DEFAULT 'PEER',
  ADD COLUMN events text[];
COMMENT ON COLUMN s2s.lane.kind IS 'PEER, or WEBHOOK: one of the operator''s own, whose lane is named "webhook:" and its name.';
COMMENT ON COLUMN s2s.lane.events IS 'Event types that a webhook wants; null: all.';

ALTER TABLE s2s.delivery
  ADD COLUMN side text COLLATE "C" NOT NULL DEFAULT 'ISSUER',
  ADD COLUMN seen bigint,
  ADD COLUMN polls integer NOT NULL DEFAULT 0,
  ADD COLUMN stray boolean NOT NULL DEFAULT false,
  ADD COLUMN fencing boolean NOT NULL DEFAULT false,
  -- Both roles of one gateway may speak of the same thing to the same webhook.
  DROP CONSTRAINT delivery_once,
  ADD CONSTRAINT delivery_once UNIQUE (ref, endpoint, peer, side);
COMMENT ON COLUMN s2s.delivery.side IS 'ISSUER or WALLET: the role that owes it, whose tables it is about.';
COMMENT ON COLUMN s2s.delivery.seen IS 'Version of the thing when what is in flight was sent first.';
COMMENT ON COLUMN s2s.delivery.polls IS 'Answers so far that said "not yet".';
COMMENT ON COLUMN s2s.delivery.stray IS
  'What was sent under request_id got no answer, and may still arrive, even after what is sent later.';
COMMENT ON COLUMN s2s.delivery.fencing IS
  'What is sent under request_id now differs from a stray: it takes the id from it, and is then sent once more under '
  'another one.';
COMMENT ON COLUMN s2s.delivery.endpoint IS 'Path; of a webhook, the event type.';

ALTER TABLE s2s.delivery_dead ADD COLUMN side text COLLATE "C" NOT NULL DEFAULT 'ISSUER';
-- fsck and whoever asks what became of a thing.
CREATE INDEX delivery_dead_ref ON s2s.delivery_dead (ref, endpoint);

-- ---- issuances ----

CREATE TABLE s2s.wallet_session (
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL,
  version           bigint  NOT NULL DEFAULT 1,
  polled            boolean NOT NULL DEFAULT false,
  session_id        text COLLATE "C" PRIMARY KEY,
  issuer            text COLLATE "C" NOT NULL,
  verification_id   text COLLATE "C",
  status            text COLLATE "C" NOT NULL DEFAULT 'STARTING',
  cancel_reason     text,
  configuration_ids text[] NOT NULL,
  verification      json,
  problem           json,
  body_digest       bytea NOT NULL,
  body_sealed       bytea
) WITH (
  -- A handful of updates each, most of which are HOT when there is room on the page: the status is indexed, nothing else
  -- that changes.
  fillfactor = 80,
  autovacuum_vacuum_scale_factor = 0.05
);
-- Listing, page by page: all; and those of some issuers in some states, however few of many.
CREATE INDEX wallet_session_listed ON s2s.wallet_session (created_at, session_id);
CREATE INDEX wallet_session_listed_by ON s2s.wallet_session (issuer, status, created_at, session_id);
-- Of these, what is left to the issuers' notices: s2s.wallet_poll_again() looks for it.
CREATE INDEX wallet_session_not_polled ON s2s.wallet_session (created_at)
  WHERE NOT polled AND status IN ('PENDING', 'ADDITIONAL_INFO_REQUIRED', 'REJECTED');
-- Ciphertext does not compress.
ALTER TABLE s2s.wallet_session ALTER COLUMN body_sealed SET STORAGE EXTERNAL;

COMMENT ON TABLE s2s.wallet_session IS
  'Issuances, as the wallet sees them. The issuer''s word is what counts: only s2s.wallet_session_move() writes it here.';
COMMENT ON COLUMN s2s.wallet_session.version IS 'Grows with every news: an answer that set out before it is out of date.';
COMMENT ON COLUMN s2s.wallet_session.polled IS
  'The issuer is asked now and then while this is not final; else its notifications alone must do.';
COMMENT ON COLUMN s2s.wallet_session.issuer IS 'Peer that the session was opened with: the only one that may speak of it.';
COMMENT ON COLUMN s2s.wallet_session.verification_id IS 'Made by the issuer; null until it is known.';
COMMENT ON COLUMN s2s.wallet_session.status IS
  'STARTING (initiate is not answered), a status of VerificationStatus, or FAILED (initiate was refused for good).';
COMMENT ON COLUMN s2s.wallet_session.cancel_reason IS 'The application asked to cancel.';
COMMENT ON COLUMN s2s.wallet_session.verification IS 'The last VerificationStatus, only its known members.';
COMMENT ON COLUMN s2s.wallet_session.problem IS 'The last refusal of the issuer; null once it is got over.';
COMMENT ON COLUMN s2s.wallet_session.body_digest IS 'Tells the same start, asked again, from another one.';
COMMENT ON COLUMN s2s.wallet_session.body_sealed IS
  'Body of initiate, sealed with the gateway''s data key; gone when initiate is answered.';

CREATE TABLE s2s.wallet_submission (
  created_at  timestamptz NOT NULL,
  seq         integer NOT NULL,
  session_id  text COLLATE "C" NOT NULL,
  body_sealed bytea NOT NULL,
  PRIMARY KEY (session_id, seq)
) WITH (
  -- Short-lived rows: vacuum by count, not by share of a table that is nearly empty.
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 500
);
ALTER TABLE s2s.wallet_submission ALTER COLUMN body_sealed SET STORAGE EXTERNAL;

COMMENT ON TABLE s2s.wallet_submission IS
  'Supplements that wait to be sent, one after the other; gone when the issuer has answered, or the session is over.';
COMMENT ON COLUMN s2s.wallet_submission.seq IS 'Order in the session, from 1.';
COMMENT ON COLUMN s2s.wallet_submission.body_sealed IS 'verificationDataPayload and extensions, sealed.';

-- ---- instances ----

CREATE TABLE s2s.wallet_instance (
  created_at                timestamptz NOT NULL,
  updated_at                timestamptz NOT NULL,
  last_status_change_time   timestamptz NOT NULL,
  manage_answered_at        timestamptz,
  missing_at                timestamptz,
  version                   bigint  NOT NULL DEFAULT 1,
  confirmed                 boolean NOT NULL DEFAULT false,
  wallet_suspended          boolean NOT NULL DEFAULT false,
  issuer_suspended          boolean NOT NULL DEFAULT false,
  unlinked                  boolean NOT NULL DEFAULT false,
  cancelled                 boolean NOT NULL DEFAULT false,
  update_available          boolean NOT NULL DEFAULT false,
  display_updated           boolean NOT NULL DEFAULT false,
  instance_id               text COLLATE "C" PRIMARY KEY,
  session_id                text COLLATE "C" NOT NULL,
  issuer                    text COLLATE "C" NOT NULL,
  configuration_id          text NOT NULL,
  credential_version        text,
  last_status_change_reason text,
  manage_outcome            text,
  manage_failure_reason     text
) WITH (
  fillfactor = 80,
  autovacuum_vacuum_scale_factor = 0.05
);
CREATE INDEX wallet_instance_session ON s2s.wallet_instance (session_id);
CREATE INDEX wallet_instance_listed ON s2s.wallet_instance (created_at, instance_id);
-- The body of s2s.facts_status(), letter for letter: calls of s2s.wallet_instance_status() are inlined, and find this.
CREATE INDEX wallet_instance_listed_by ON s2s.wallet_instance (
  (CASE
    WHEN cancelled THEN 'CANCELLED'
    WHEN unlinked THEN 'UNLINKED'
    WHEN issuer_suspended THEN 'SUSPENDED_ISSUER'
    WHEN wallet_suspended THEN 'SUSPENDED_WALLET'
    WHEN confirmed THEN 'ACTIVE'
    ELSE 'IN_PROCESS'
  END), created_at, instance_id);

COMMENT ON TABLE s2s.wallet_instance IS
  'Credential instances, as the wallet sees them: five facts, of which s2s.wallet_instance_status() derives the status. '
  'Only s2s.wallet_act() changes them.';
COMMENT ON COLUMN s2s.wallet_instance.version IS 'Grows with every change of the shown status.';
COMMENT ON COLUMN s2s.wallet_instance.missing_at IS 'When the issuer said that it knows no such instance.';
COMMENT ON COLUMN s2s.wallet_instance.confirmed IS 'The application reported PROVISIONING_SUCCESS.';
COMMENT ON COLUMN s2s.wallet_instance.wallet_suspended IS 'By this side, whatever the issuer has answered so far.';
COMMENT ON COLUMN s2s.wallet_instance.cancelled IS 'The issuer took it back.';
COMMENT ON COLUMN s2s.wallet_instance.update_available IS 'A newer version than credential_version is there, says the issuer.';
COMMENT ON COLUMN s2s.wallet_instance.display_updated IS 'There is newer display data, says the issuer.';
COMMENT ON COLUMN s2s.wallet_instance.credential_version IS 'Of the last successful get.';
COMMENT ON COLUMN s2s.wallet_instance.manage_answered_at IS 'When the issuer last answered a /credential/manage of ours.';
COMMENT ON COLUMN s2s.wallet_instance.manage_outcome IS
  'Its outcome: COMPLETED, SCHEDULED, FAILED, NO_CHANGE; null if it gave none.';
COMMENT ON COLUMN s2s.wallet_instance.manage_failure_reason IS 'Its failureReason, cut short.';

CREATE TABLE s2s.wallet_fetch (
  created_at     timestamptz NOT NULL,
  updated_at     timestamptz NOT NULL,
  fetch_id       text COLLATE "C" PRIMARY KEY,
  instance_id    text COLLATE "C" NOT NULL,
  state          text COLLATE "C" NOT NULL DEFAULT 'WAITING',
  transaction_id text,
  request        json  NOT NULL,
  request_digest bytea NOT NULL,
  answer         text,
  problem        json
) WITH (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 500
);
-- One that waits is not doubled; and what to poke when the issuer says that a credential is ready.
CREATE UNIQUE INDEX wallet_fetch_waiting ON s2s.wallet_fetch (instance_id, request_digest) WHERE state = 'WAITING';
-- What s2s.wallet_maintain() walks.
CREATE INDEX wallet_fetch_settled ON s2s.wallet_fetch (updated_at) WHERE state <> 'WAITING';
ALTER TABLE s2s.wallet_fetch ALTER COLUMN answer SET STORAGE EXTERNAL;

COMMENT ON TABLE s2s.wallet_fetch IS 'Credentials that the application asked for: WAITING, then READY or FAILED for a while.';
COMMENT ON COLUMN s2s.wallet_fetch.fetch_id IS 'A UUID.';
COMMENT ON COLUMN s2s.wallet_fetch.request IS
  'Body of /credential/get without transaction_id: ciphertext and public keys only.';
COMMENT ON COLUMN s2s.wallet_fetch.transaction_id IS 'The issuer said "not yet" and gave this to ask with.';
COMMENT ON COLUMN s2s.wallet_fetch.answer IS 'Body of the 200: the credentials are encrypted to the wallet client.';
COMMENT ON COLUMN s2s.wallet_fetch.problem IS 'Why it is FAILED, or the last refusal.';

-- ---- what the application and the issuer say of instances ----

CREATE TABLE s2s.wallet_lifecycle (
  created_at     timestamptz NOT NULL,
  updated_at     timestamptz NOT NULL,
  lifecycle_id   text COLLATE "C" PRIMARY KEY,
  instance_id    text COLLATE "C" NOT NULL,
  request_id     uuid NOT NULL,
  state          text COLLATE "C" NOT NULL DEFAULT 'REQUESTED',
  action         text NOT NULL,
  reason         text,
  failure_reason text
);
CREATE INDEX wallet_lifecycle_open ON s2s.wallet_lifecycle (instance_id) WHERE state IN ('REQUESTED', 'SCHEDULED');

COMMENT ON TABLE s2s.wallet_lifecycle IS
  'What an issuer asked of an instance and the operator''s backend decides: REQUESTED, SCHEDULED (the backend knows), then '
  'COMPLETED or FAILED.';
COMMENT ON COLUMN s2s.wallet_lifecycle.lifecycle_id IS 'A UUID.';
COMMENT ON COLUMN s2s.wallet_lifecycle.request_id IS 'x-request-id of the issuer''s /credential/manage.';

CREATE TABLE s2s.wallet_event (
  created_at            timestamptz NOT NULL,
  event_id              text COLLATE "C" PRIMARY KEY,
  instance_id           text COLLATE "C" NOT NULL,
  event_type            text NOT NULL,
  event_timestamp       text,
  triggering_request_id text,
  details               json
) WITH (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 500
);
-- What the issuer is still to be told of an instance.
CREATE INDEX wallet_event_instance ON s2s.wallet_event (instance_id);

COMMENT ON TABLE s2s.wallet_event IS 'Events that the issuer is still to be told; gone when it has been.';
COMMENT ON COLUMN s2s.wallet_event.event_id IS 'A UUID.';
COMMENT ON COLUMN s2s.wallet_event.event_timestamp IS 'eventTimestamp, RFC 3339, if the application gave one.';
COMMENT ON COLUMN s2s.wallet_event.details IS 'eventDetails.';

-- ---- issuers ----

CREATE TABLE s2s.issuer_metadata (
  next_at    timestamptz NOT NULL,
  fetched_at timestamptz,
  expires_at timestamptz,
  lease      uuid,
  attempts   integer NOT NULL DEFAULT 0,
  active     boolean NOT NULL DEFAULT true,
  issuer     text COLLATE "C" PRIMARY KEY,
  identifier text COLLATE "C",
  etag       text,
  failure    text,
  body       text
) WITH (
  -- A handful of rows.
  fillfactor = 50
);

COMMENT ON TABLE s2s.issuer_metadata IS 'What the issuers publish of themselves, fetched again when it is out of date.';
COMMENT ON COLUMN s2s.issuer_metadata.next_at IS 'When it is to be fetched: its schedule, or the end of the lease.';
COMMENT ON COLUMN s2s.issuer_metadata.lease IS 'Fencing token of the fetch in progress: ending it needs it.';
COMMENT ON COLUMN s2s.issuer_metadata.attempts IS 'Failures since the last success.';
COMMENT ON COLUMN s2s.issuer_metadata.active IS 'In the configuration. What is not, is not fetched.';
COMMENT ON COLUMN s2s.issuer_metadata.issuer IS 'Name of the peer.';
COMMENT ON COLUMN s2s.issuer_metadata.identifier IS 'Credential Issuer Identifier: the document is of this one.';
COMMENT ON COLUMN s2s.issuer_metadata.body IS 'The document as it came.';
COMMENT ON COLUMN s2s.issuer_metadata.failure IS 'Why the last fetch failed; null when it did not.';

-- ---- reconciliation ----

CREATE TABLE s2s.reconciliation (
  started_at        timestamptz NOT NULL,
  finished_at       timestamptz,
  in_process_limit  interval,
  asked             integer NOT NULL DEFAULT 0,
  checked           integer NOT NULL DEFAULT 0,
  found             integer NOT NULL DEFAULT 0,
  scheduled         boolean NOT NULL DEFAULT false,
  walked            boolean NOT NULL DEFAULT false,
  reconciliation_id text COLLATE "C" PRIMARY KEY,
  side              text COLLATE "C" NOT NULL,
  scope_peer        text COLLATE "C",
  scope_instance    text COLLATE "C",
  cursor            text COLLATE "C" NOT NULL DEFAULT '',
  left_out          text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX reconciliation_started ON s2s.reconciliation (side, started_at);
CREATE INDEX reconciliation_running ON s2s.reconciliation (side) WHERE finished_at IS NULL;
-- What s2s.wallet_maintain() walks.
CREATE INDEX reconciliation_finished ON s2s.reconciliation (finished_at) WHERE finished_at IS NOT NULL;

COMMENT ON TABLE s2s.reconciliation IS
  'Walks over instances that compare both sides'' views, and act on what differs. Only s2s.reconcile_due() writes rows.';
COMMENT ON COLUMN s2s.reconciliation.reconciliation_id IS 'A UUID.';
COMMENT ON COLUMN s2s.reconciliation.side IS 'ISSUER or WALLET: whose instances are walked.';
COMMENT ON COLUMN s2s.reconciliation.scope_peer IS 'Only instances of this peer; null: of all.';
COMMENT ON COLUMN s2s.reconciliation.scope_instance IS 'Only this instance; null: all.';
COMMENT ON COLUMN s2s.reconciliation.cursor IS 'The instance up to which the walk has come.';
COMMENT ON COLUMN s2s.reconciliation.walked IS 'The walk has come to its end.';
COMMENT ON COLUMN s2s.reconciliation.left_out IS 'Peers that do not answer, or cannot be called: not asked about all.';
COMMENT ON COLUMN s2s.reconciliation.asked IS 'Instances that their peers were asked about.';
COMMENT ON COLUMN s2s.reconciliation.checked IS 'Of these, how many questions had ended at the last step.';
COMMENT ON COLUMN s2s.reconciliation.found IS 'How many findings there were at the last step.';
COMMENT ON COLUMN s2s.reconciliation.scheduled IS 'Started by the clock, not by somebody.';
COMMENT ON COLUMN s2s.reconciliation.in_process_limit IS
  'How long an instance may be IN_PROCESS while the wallet says ACTIVE.';

CREATE TABLE s2s.reconciliation_check (
  asked_at          timestamptz NOT NULL,
  reconciliation_id text COLLATE "C" NOT NULL,
  side              text COLLATE "C" NOT NULL,
  instance_id       text COLLATE "C" NOT NULL,
  peer              text COLLATE "C" NOT NULL,
  -- The instance first: an answer ends the questions of all runs about it.
  PRIMARY KEY (instance_id, side, reconciliation_id)
) WITH (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 500
);
CREATE INDEX reconciliation_check_run ON s2s.reconciliation_check (reconciliation_id, peer);

COMMENT ON TABLE s2s.reconciliation_check IS
  'Questions under way: a run has asked a peer about an instance. Rows of their own, so that answers do not queue for the run.';

CREATE TABLE s2s.reconciliation_finding (
  finding_id        bigint GENERATED ALWAYS AS IDENTITY,
  at                timestamptz NOT NULL,
  reconciliation_id text COLLATE "C" NOT NULL,
  instance_id       text COLLATE "C",
  ours              text,
  theirs            text,
  finding           text NOT NULL,
  action            text,
  PRIMARY KEY (reconciliation_id, finding_id)
);

COMMENT ON TABLE s2s.reconciliation_finding IS 'What a run found, and what it did about it.';
COMMENT ON COLUMN s2s.reconciliation_finding.instance_id IS 'Null: about a peer, not an instance.';
COMMENT ON COLUMN s2s.reconciliation_finding.ours IS 'Status as this side shows it.';
COMMENT ON COLUMN s2s.reconciliation_finding.theirs IS 'Status as the peer shows it; null when it knows no such instance.';
COMMENT ON COLUMN s2s.reconciliation_finding.action IS 'What was done; null: nothing.';
