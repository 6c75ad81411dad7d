-- SPDX-License-Identifier: Apache-2.0
--
-- What this side owes to its peers on its own account: one lane per peer, one row per thing owed, a record of how it ended.

CREATE TABLE s2s.lane (
  created_at    timestamptz NOT NULL,
  blocked_until timestamptz,
  failures      integer NOT NULL DEFAULT 0,
  active        boolean NOT NULL DEFAULT true,
  peer          text COLLATE "C" PRIMARY KEY
) WITH (
  -- A handful of rows, rewritten whenever a peer is in trouble: room on the page keeps these updates HOT.
  fillfactor = 50
);

COMMENT ON TABLE s2s.lane IS 'The peers that can be called. A claim picks lanes first, so a dead peer costs one row.';
COMMENT ON COLUMN s2s.lane.created_at IS 'Nothing was owed to the peer before.';
COMMENT ON COLUMN s2s.lane.blocked_until IS
  'Nothing is sent before; afterwards one probe at a time, until a success makes it null.';
COMMENT ON COLUMN s2s.lane.failures IS 'In a row, across all deliveries of the lane.';
COMMENT ON COLUMN s2s.lane.active IS 'In the configuration. An inactive lane keeps what is owed and sends nothing.';

CREATE TABLE s2s.delivery (
  delivery_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  next_at       timestamptz NOT NULL,
  created_at    timestamptz NOT NULL,
  owed_at       timestamptz NOT NULL,
  owed          bigint  NOT NULL DEFAULT 1,
  sending       bigint,
  request_id    uuid    NOT NULL,
  lease         uuid,
  attempts      integer NOT NULL DEFAULT 0,
  same_failures integer NOT NULL DEFAULT 0,
  peer          text COLLATE "C" NOT NULL,
  endpoint      text COLLATE "C" NOT NULL,
  ref           text COLLATE "C" NOT NULL,
  last_failure  text,
  body_digest   bytea,
  payload       json,
  -- The thing first: it is also looked up without its peer.
  CONSTRAINT delivery_once UNIQUE (ref, endpoint, peer)
) WITH (
  -- As s2s.job: every row is written at least twice and deleted, and claims walk the head of delivery_next.
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0.05
);

CREATE INDEX delivery_next ON s2s.delivery (peer, next_at);
-- What is in flight can be counted without a look at what waits.
CREATE INDEX delivery_flight ON s2s.delivery (peer, next_at) WHERE lease IS NOT NULL;

COMMENT ON TABLE s2s.delivery IS
  'A peer is owed a message about a thing. What it says is read when it is sent, so pokes to one thing are one row, and the '
  'one row is the one flight that there can be: an older state never follows a newer one.';
COMMENT ON COLUMN s2s.delivery.next_at IS 'When it may be claimed: its schedule, or the end of its lease.';
COMMENT ON COLUMN s2s.delivery.owed_at IS 'Since when the latest is owed.';
COMMENT ON COLUMN s2s.delivery.owed IS 'Grows each time it is owed anew.';
COMMENT ON COLUMN s2s.delivery.sending IS 'The value of owed that the flight in progress carries.';
COMMENT ON COLUMN s2s.delivery.request_id IS 'x-request-id, the same for every attempt to send the same body.';
COMMENT ON COLUMN s2s.delivery.body_digest IS 'SHA-256 of the body last sent under request_id.';
COMMENT ON COLUMN s2s.delivery.lease IS 'Fencing token of the flight in progress: ending it needs it.';
COMMENT ON COLUMN s2s.delivery.attempts IS 'Failed ones; those that a block of the peer has stopped do not count.';
COMMENT ON COLUMN s2s.delivery.same_failures IS 'How often last_failure came in a row under this request_id (D17).';
COMMENT ON COLUMN s2s.delivery.endpoint IS 'Path.';
COMMENT ON COLUMN s2s.delivery.ref IS 'The thing that it is about.';
COMMENT ON COLUMN s2s.delivery.payload IS 'Facts of the occasion that no other table keeps, such as an event''s type.';

CREATE TABLE s2s.delivery_dead (
  delivery_id bigint PRIMARY KEY,
  died_at     timestamptz NOT NULL,
  created_at  timestamptz NOT NULL,
  owed_at     timestamptz NOT NULL,
  attempts    integer NOT NULL,
  peer        text COLLATE "C" NOT NULL,
  endpoint    text COLLATE "C" NOT NULL,
  ref         text COLLATE "C" NOT NULL,
  payload     json,
  reason      text NOT NULL
);
CREATE INDEX delivery_dead_peer ON s2s.delivery_dead (peer);

COMMENT ON TABLE s2s.delivery_dead IS 'Deliveries given up. They stay until an operator acts.';
COMMENT ON COLUMN s2s.delivery_dead.reason IS 'The last failure; never payload or personal data.';

CREATE TABLE s2s.ledger (
  at          timestamptz NOT NULL,
  delivery_id bigint NOT NULL,
  request_id  uuid,
  peer        text COLLATE "C" NOT NULL,
  endpoint    text COLLATE "C" NOT NULL,
  ref         text COLLATE "C" NOT NULL,
  event       text COLLATE "C" NOT NULL,
  detail      text
) PARTITION BY RANGE (at);
-- For whoever asks what became of a thing.
CREATE INDEX ledger_ref ON s2s.ledger (ref);
CREATE TABLE s2s.ledger_default PARTITION OF s2s.ledger DEFAULT;

COMMENT ON TABLE s2s.ledger IS
  'What was owed and how it ended, kept for the retention time. Rows are only ever added, with what they record.';
COMMENT ON COLUMN s2s.ledger.event IS
  'owed, delivered, dropped (no longer owed, not sent), given_up (a dead letter now), redriven (owed again by an operator).';
COMMENT ON COLUMN s2s.ledger.request_id IS 'x-request-id of the last attempt.';
COMMENT ON COLUMN s2s.ledger.detail IS 'Outcome or reason; never payload or personal data.';

-- What the wallet said to the issuer's last SUSPEND, RESUME or UNLINK.
ALTER TABLE s2s.instance
  ADD COLUMN manage_answered_at timestamptz,
  ADD COLUMN manage_outcome text,
  ADD COLUMN manage_failure_reason text;
COMMENT ON COLUMN s2s.instance.manage_answered_at IS 'When the wallet last answered a /credential/manage of ours.';
COMMENT ON COLUMN s2s.instance.manage_outcome IS 'Its outcome: COMPLETED, SCHEDULED, FAILED, NO_CHANGE; null if it gave none.';
COMMENT ON COLUMN s2s.instance.manage_failure_reason IS 'Its failureReason, cut short.';

-- A wallet encryption key is bound in the request that fetches: none is kept.
ALTER TABLE s2s.fetch DROP COLUMN wek_thumbprint;
