-- SPDX-License-Identifier: Apache-2.0
--
-- What only the database knows about the items of a submission: whether a code is good, whether a prior session is. It
-- is asked during an evaluation, and what the answer uses up (a code, a device) is used up for that verification with
-- it; the same question asked again, as the evaluation ran twice, has the same answer.
--
--   s2s.evaluation_facts(p_job_id bigint, p_lease uuid, p_checks json)
--       -> json: {"outcome": done | fenced | superseded, "checks": […]}
--
-- p_checks: [{"item": n, "kind": "offer", "code_hashes": [hex…], "tx_code_hashes": [hex…]?, "seq": n?},
--            {"item": n, "kind": "prior_session", "session_id", "verification_id"}].
-- Each list of hashes has one for each data key of the gateway; seq is the submission that brought the item.
-- checks: [{"item", "kind", "verdict": SATISFIED | MISSING | MISMATCH, "reason"?, "facts"?,
--           "subjects"?: [{"configuration_id", "subject_ref", "subject_sealed": hex}]}].
-- facts may be told to a backend.
--
-- To be called in a transaction of its own: it locks a job, its verification, offers in their order, and devices (an
-- advisory lock), which a batch of several calls cannot keep in order.

CREATE OR REPLACE FUNCTION s2s.evaluation_facts(p_job_id bigint, p_lease uuid, p_checks json)
RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  j s2s.job;
  v s2s.verification;
  c record;
  f record;
  v_answers jsonb := '[]';
  v_root_id text;
BEGIN
  SELECT t.* INTO j
  FROM s2s.job AS t
  WHERE t.job_id = p_job_id AND t.lease = p_lease AND t.kind = 'evaluate'
  FOR UPDATE;
  IF NOT FOUND THEN
    RETURN '{"outcome": "fenced"}';
  END IF;
  v := s2s.verification_lock(j.ref);
  IF v.status IS DISTINCT FROM 'PENDING' OR v.data_seq <> (j.payload ->> 'dataSeq')::integer THEN
    RETURN '{"outcome": "superseded"}';
  END IF;

  PERFORM s2s.offers_lock(p_checks);
  FOR c IN
    SELECT e.element AS asked, e.element ->> 'kind' AS kind FROM json_array_elements(p_checks) AS e (element)
  LOOP
    CASE c.kind
      WHEN 'offer' THEN
        SELECT k.* INTO f FROM s2s.offer_check(v, c.asked) AS k;
      WHEN 'prior_session' THEN
        SELECT k.* INTO f FROM s2s.prior_session_check(v, v_root_id, c.asked) AS k;
        v := f.v;
        v_root_id := f.root_id;
    END CASE;
    v_answers := v_answers || jsonb_strip_nulls(jsonb_build_object(
      'item', c.asked -> 'item', 'kind', c.kind, 'verdict', f.verdict, 'reason', f.reason,
      'facts', f.facts, 'subjects', f.subjects));
  END LOOP;
  RETURN jsonb_build_object('outcome', 'done', 'checks', v_answers);
END
$$;
COMMENT ON FUNCTION s2s.evaluation_facts(bigint, uuid, json) IS
  'Checks the items of an evaluation that the database knows about, and uses up for its verification what they are '
  'good for.';
