-- SPDX-License-Identifier: Apache-2.0
--
-- What every endpoint shares: the call, the reply, and the stored answers that make a repeated request harmless.

CREATE TYPE s2s.exchange AS (
  peer       text,
  request_id uuid,
  endpoint   text,
  digest     bytea,
  token      uuid
);
COMMENT ON TYPE s2s.exchange IS 'One attempt at a request: the five parameters that every endpoint function begins with.';
COMMENT ON COLUMN s2s.exchange.digest IS 'SHA-256 of path and body: tells a duplicate from a request id used twice.';
COMMENT ON COLUMN s2s.exchange.token IS 'Fresh in each exchange, the same when the gateway runs the call again; names the occurrence in problems.';

CREATE TYPE s2s.reply AS (
  status   integer,
  body     text,
  replayed boolean,
  outcome  text,
  wake     boolean
);
COMMENT ON TYPE s2s.reply IS 'What an endpoint function returns, always one row.';
COMMENT ON COLUMN s2s.reply.replayed IS 'The answer of an earlier exchange is being returned.';
COMMENT ON COLUMN s2s.reply.outcome IS
  'answered, replayed, reuse (request id used for another request; not stored), retry (load again; nothing changed).';
COMMENT ON COLUMN s2s.reply.wake IS 'A job due now was enqueued.';

-- Partitioned by day so that answers leave by DROP TABLE. The partitions, with their unique index, are made by
-- s2s.maintain(); a unique index on the parent would have to contain created_at and would guard nothing.
CREATE TABLE s2s.answer (
  created_at timestamptz NOT NULL,
  request_id uuid        NOT NULL,
  token      uuid        NOT NULL,
  digest     bytea       NOT NULL,
  status     smallint    NOT NULL,
  peer       text COLLATE "C" NOT NULL,
  endpoint   text COLLATE "C" NOT NULL,
  body       text        NOT NULL
) PARTITION BY RANGE (created_at);

-- Most long answers are ciphertext: trying to compress them is wasted work.
ALTER TABLE s2s.answer ALTER COLUMN body SET STORAGE EXTERNAL;

COMMENT ON TABLE s2s.answer IS 'The final answer to each (peer, x-request-id), kept for the retention time.';
COMMENT ON COLUMN s2s.answer.token IS 'The exchange that did the work; any other one gets a replay.';
COMMENT ON COLUMN s2s.answer.digest IS 'SHA-256 of path and body of the request that was answered.';
COMMENT ON COLUMN s2s.answer.endpoint IS 'For operators only.';

-- The net below the made partitions: takes rows while s2s.maintain() has not run. It is empty in normal life.
CREATE TABLE s2s.answer_default PARTITION OF s2s.answer DEFAULT;
CREATE UNIQUE INDEX answer_default_request ON s2s.answer_default (request_id, peer);
