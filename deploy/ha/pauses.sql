-- SPDX-License-Identifier: Apache-2.0
--
-- For each event: how long clients went without an acknowledgement. A gap belongs to the event in whose time most of it lies.
-- "what|seconds since the first event|median client|worst client|all clients together", in milliseconds.
WITH span AS (
  SELECT what, at AS began, coalesce(lead(at) OVER (ORDER BY at), (SELECT max(at) FROM acknowledged)) AS ended
  FROM event
), gap AS (
  SELECT client, lag(at) OVER (PARTITION BY client ORDER BY at) AS began, at AS ended FROM acknowledged
  UNION ALL
  SELECT NULL, lag(at) OVER (ORDER BY at), at FROM acknowledged -- as if they were one
), attributed AS (
  SELECT DISTINCT ON (gap.client, gap.ended) span.what, span.began, gap.client, gap.ended - gap.began AS length
  FROM gap JOIN span ON gap.began < span.ended AND gap.ended > span.began
  ORDER BY gap.client, gap.ended, least(gap.ended, span.ended) - greatest(gap.began, span.began) DESC
), longest AS (
  SELECT what, began, client, 1000 * max(length) AS ms FROM attributed GROUP BY what, began, client
)
SELECT what, round((began - min(began) OVER ())::numeric, 1),
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE client IS NOT NULL)),
       round(max(ms) FILTER (WHERE client IS NOT NULL)), round(max(ms) FILTER (WHERE client IS NULL))
FROM longest
GROUP BY what, began
ORDER BY began;
