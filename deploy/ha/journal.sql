-- SPDX-License-Identifier: Apache-2.0
--
-- What the wallets were told, as s2s-load has written it down, and what was done to the servers meanwhile.
SET client_min_messages = warning;

CREATE TEMPORARY TABLE acknowledged (
  step            text NOT NULL,
  session_id      text COLLATE "C" NOT NULL,
  verification_id text COLLATE "C" NOT NULL,
  instance_id     text COLLATE "C",
  request_id      uuid NOT NULL,
  client          integer NOT NULL,         -- a connection
  at              double precision NOT NULL -- Unix time
);

CREATE TEMPORARY TABLE event (
  at   double precision NOT NULL,
  what text NOT NULL
);
