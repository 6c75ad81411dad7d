-- SPDX-License-Identifier: Apache-2.0
--
-- Gets that wait: so many of an instance, and not for ever.

CREATE INDEX fetch_created ON s2s.fetch (created_at);

-- What is there already; an event about one of these is found to have nothing to say.
DELETE FROM s2s.fetch AS f
USING s2s.instance AS i
WHERE i.instance_id = f.instance_id AND (i.cancelled OR i.unlinked);

DELETE FROM s2s.fetch AS f
USING (SELECT t.transaction_id, row_number() OVER (PARTITION BY t.instance_id ORDER BY t.created_at DESC) AS place
       FROM s2s.fetch AS t) AS r
WHERE r.transaction_id = f.transaction_id AND r.place > 8;
