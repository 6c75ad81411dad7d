-- SPDX-License-Identifier: Apache-2.0
--
-- The primary keys are made anew, as the youngest indexes of their tables. Of two indexes that cost the same the planner
-- takes the younger one, and in a table that was empty when it was analysed all of them cost the same: see "Plans made
-- on empty tables" in sql/README.md. A table is locked while its key is made.

ALTER TABLE s2s.session DROP CONSTRAINT session_pkey, ADD PRIMARY KEY (session_id);
ALTER TABLE s2s.verification DROP CONSTRAINT verification_pkey, ADD PRIMARY KEY (verification_id);
ALTER TABLE s2s.instance DROP CONSTRAINT instance_pkey, ADD PRIMARY KEY (instance_id);
ALTER TABLE s2s.job DROP CONSTRAINT job_pkey, ADD PRIMARY KEY (job_id);
ALTER TABLE s2s.delivery DROP CONSTRAINT delivery_pkey, ADD PRIMARY KEY (delivery_id);
ALTER TABLE s2s.delivery_dead DROP CONSTRAINT delivery_dead_pkey, ADD PRIMARY KEY (delivery_id);
ALTER TABLE s2s.bulk DROP CONSTRAINT bulk_pkey, ADD PRIMARY KEY (bulk_id);
ALTER TABLE s2s.reconciliation DROP CONSTRAINT reconciliation_pkey, ADD PRIMARY KEY (reconciliation_id);
ALTER TABLE s2s.wallet_session DROP CONSTRAINT wallet_session_pkey, ADD PRIMARY KEY (session_id);
ALTER TABLE s2s.wallet_instance DROP CONSTRAINT wallet_instance_pkey, ADD PRIMARY KEY (instance_id);
ALTER TABLE s2s.wallet_fetch DROP CONSTRAINT wallet_fetch_pkey, ADD PRIMARY KEY (fetch_id);
ALTER TABLE s2s.wallet_event DROP CONSTRAINT wallet_event_pkey, ADD PRIMARY KEY (event_id);
ALTER TABLE s2s.wallet_lifecycle DROP CONSTRAINT wallet_lifecycle_pkey, ADD PRIMARY KEY (lifecycle_id);
