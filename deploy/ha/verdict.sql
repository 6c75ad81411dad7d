-- SPDX-License-Identifier: Apache-2.0
--
-- What is not as it was acknowledged; no row, when all is well.

-- Each request that was answered has one stored answer, the same success. It stands in the transaction of the effect.
SELECT 'request ' || k.request_id || ' (' || min(k.step) || ') was acknowledged ' || count(DISTINCT k.at) || ' times and has '
       || count(a.request_id) || ' answers, status ' || coalesce(max(a.status)::text, 'none')
FROM acknowledged AS k
LEFT JOIN s2s.answer AS a USING (request_id)
GROUP BY k.request_id
HAVING count(*) <> 1 OR count(a.request_id) <> 1 OR max(a.status) <> 200;

-- Each session that a wallet knows is there, and its verification, decided.
SELECT 'session ' || k.session_id || ': verification ' || k.verification_id || ' is '
       || coalesce(v.status, 'lost') || CASE WHEN s.session_id IS NULL THEN ', the session is lost' ELSE '' END
FROM (SELECT DISTINCT session_id, verification_id FROM acknowledged) AS k
LEFT JOIN s2s.session AS s ON s.session_id = k.session_id
LEFT JOIN s2s.verification AS v ON v.verification_id = k.verification_id AND v.session_id = k.session_id
WHERE s.session_id IS NULL OR v.status IS DISTINCT FROM 'APPROVED';

-- Each instance is there, and shows what was acknowledged of it.
SELECT 'instance ' || k.instance_id || ' of session ' || k.session_id
       || CASE WHEN i.instance_id IS NULL THEN ' is lost' ELSE ' does not know of its ' || k.steps::text END
FROM (
  SELECT session_id, instance_id, array_agg(DISTINCT step) AS steps
  FROM acknowledged
  WHERE instance_id IS NOT NULL
  GROUP BY session_id, instance_id
) AS k
LEFT JOIN s2s.instance AS i USING (session_id, instance_id)
WHERE i.instance_id IS NULL
   OR ('get' = ANY (k.steps) AND i.fetched_at IS NULL)
   OR ('confirm' = ANY (k.steps) AND NOT i.confirmed);

-- Nothing was done twice, whether a wallet has heard of it or not: the load begins one verification in a session, which brings
-- one instance.
SELECT 'session ' || session_id || ' has ' || count(*) || ' verifications'
FROM s2s.verification GROUP BY session_id HAVING count(*) > 1;

SELECT 'session ' || session_id || ' has ' || count(*) || ' instances'
FROM s2s.instance GROUP BY session_id HAVING count(*) > 1;

SELECT 'request ' || request_id || ' has ' || count(*) || ' answers'
FROM s2s.answer GROUP BY request_id, peer HAVING count(*) > 1;

-- No work was given up.
SELECT 'job ' || job_id || ' of verification ' || ref || ' was given up: ' || error FROM s2s.job_dead;
