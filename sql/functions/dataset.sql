-- SPDX-License-Identifier: Apache-2.0
--
-- Datasets that an operator's backend knows. Pushed ahead, they wait here, sealed; otherwise the gateway asks for them
-- when it makes a credential. While the answer is "not ready", a dataset job asks again and the wallet's get waits.
--
-- Locks: a job before its instance. Whoever has only the instance leaves its job alone, which is void when it is
-- claimed.
--
--   s2s.dataset_wait(i s2s.instance, p_lane text, p_poll_after interval) -> s2s.instance
--   s2s.dataset_is_there(i s2s.instance)
--   s2s.datasets_claim(p_lease uuid, p_limit int, p_lease_for interval, p_max_attempts int, p_patience interval,
--                      p_lanes text[], p_rooms int[] DEFAULT NULL)
--       -> setof (job_id bigint, job_attempts int, postponed int, lane text, instance_id text, session_id text,
--                 verification_id text, peer text, configuration_id text, subject_ref text, subject_sealed bytea,
--                 credential_version text)
--   s2s.dataset_ready(p_job_id bigint, p_lease uuid) -> text: done, fenced, superseded
--   s2s.dataset_push(p_instance_id text, p_version text, p_sealed bytea, p_valid_until timestamptz)
--       -> text: NOT_FOUND, FAILED <status>, NO_CHANGE, COMPLETED, COMPLETED READY, COMPLETED UPDATED

CREATE OR REPLACE FUNCTION s2s.dataset_wait(i s2s.instance, p_lane text, p_poll_after interval)
RETURNS s2s.instance LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  IF EXISTS (SELECT FROM s2s.job AS j WHERE j.job_id = i.dataset_job) THEN
    RETURN i;
  END IF;
  INSERT INTO s2s.job (next_at, created_at, kind, lane, ref)
  VALUES (v_now + p_poll_after, v_now, 'dataset', p_lane, i.instance_id)
  RETURNING job_id INTO i.dataset_job;
  UPDATE s2s.instance AS u
  SET dataset_job = i.dataset_job, ready_at = NULL, version = u.version + 1
  WHERE u.instance_id = i.instance_id
  RETURNING u.* INTO i;
  RETURN i;
END
$$;
COMMENT ON FUNCTION s2s.dataset_wait(s2s.instance, text, interval) IS
  'The backend said that the dataset of a (locked) instance is not ready: from now on it is asked. ready_at is null '
  'then.';

CREATE OR REPLACE FUNCTION s2s.dataset_is_there(i s2s.instance) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  UPDATE s2s.instance AS u
  SET ready_at = v_now, dataset_job = NULL, version = u.version + 1
  WHERE u.instance_id = i.instance_id;
  PERFORM s2s.fetch_owe_ready(i, f.transaction_id, v_now),
          s2s.delivery_hurry('/event/notify', s2s.fetch_event_ref(f.transaction_id), 'ISSUER')
  FROM s2s.fetch AS f
  WHERE f.instance_id = i.instance_id;
END
$$;
COMMENT ON FUNCTION s2s.dataset_is_there(s2s.instance) IS
  'The dataset of a (locked) instance can be had: the wallet is told of every get that waits.';

CREATE OR REPLACE FUNCTION s2s.datasets_claim(
  p_lease uuid, p_limit integer, p_lease_for interval, p_max_attempts integer, p_patience interval, p_lanes text[],
  p_rooms integer[] DEFAULT NULL)
RETURNS TABLE (
  job_id bigint, job_attempts integer, postponed integer, lane text, instance_id text, session_id text,
  verification_id text, peer text, configuration_id text, subject_ref text, subject_sealed bytea,
  credential_version text)
LANGUAGE plpgsql AS $$
DECLARE
  j record;
BEGIN
  FOR j IN
    SELECT * FROM s2s.jobs_claim(p_lease, p_limit, p_lease_for, 'dataset', p_max_attempts, 0, p_lanes, p_rooms)
  LOOP
    -- Nobody waits any more: the job is void. OFFSET 0: see "Plans made on empty tables" in sql/README.md.
    SELECT j.job_id, j.attempts, j.postponed, j.lane, i.instance_id, i.session_id, i.verification_id,
           s2s.session_peer(i.session_id), i.configuration_id, i.subject_ref, i.subject_sealed, i.credential_version
    INTO job_id, job_attempts, postponed, lane, instance_id, session_id, verification_id, peer,
         configuration_id, subject_ref, subject_sealed, credential_version
    FROM s2s.instance AS i
    WHERE i.instance_id = j.ref AND i.dataset_job = j.job_id AND s2s.instance_is_live(i)
      AND EXISTS (SELECT FROM s2s.fetch AS f WHERE f.instance_id = i.instance_id OFFSET 0);

    IF NOT FOUND THEN
      DELETE FROM s2s.job AS f WHERE f.job_id = j.job_id;
    ELSIF j.created_at < clock_timestamp() - p_patience THEN
      PERFORM s2s.job_bury(t, 'the dataset did not come') FROM s2s.job AS t WHERE t.job_id = j.job_id;
    ELSE
      RETURN NEXT;
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION s2s.datasets_claim(uuid, integer, interval, integer, interval, text[], integer[]) IS
  'Claims dataset jobs; finishes those that are void. After p_patience one is a dead letter: the next get starts anew.';

CREATE OR REPLACE FUNCTION s2s.dataset_ready(p_job_id bigint, p_lease uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  i s2s.instance;
  v_instance_id text;
BEGIN
  DELETE FROM s2s.job AS j
  WHERE j.job_id = p_job_id AND j.lease = p_lease AND j.kind = 'dataset'
  RETURNING j.ref INTO v_instance_id;
  IF NOT FOUND THEN
    RETURN 'fenced';
  END IF;
  SELECT t.* INTO i FROM s2s.instance AS t WHERE t.instance_id = v_instance_id FOR NO KEY UPDATE;
  IF i.dataset_job IS DISTINCT FROM p_job_id OR NOT s2s.instance_is_live(i) THEN
    RETURN 'superseded';
  END IF;
  PERFORM s2s.dataset_is_there(i);
  RETURN 'done';
END
$$;
COMMENT ON FUNCTION s2s.dataset_ready(bigint, uuid) IS 'Finishes a dataset job: the backend said that it is ready.';

CREATE OR REPLACE FUNCTION s2s.dataset_push(
  p_instance_id text, p_version text, p_sealed bytea, p_valid_until timestamptz)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  i s2s.instance;
  v_old_version text;
BEGIN
  SELECT t.* INTO i FROM s2s.instance AS t WHERE t.instance_id = p_instance_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN 'NOT_FOUND';
  ELSIF NOT s2s.instance_is_live(i) THEN
    RETURN 'FAILED ' || s2s.instance_status(i);
  END IF;
  v_old_version := coalesce(
    (SELECT d.version FROM s2s.instance_dataset AS d WHERE d.instance_id = i.instance_id), i.credential_version);

  INSERT INTO s2s.instance_dataset AS d (pushed_at, valid_until, instance_id, version, sealed)
  VALUES (clock_timestamp(), p_valid_until, i.instance_id, p_version, p_sealed)
  ON CONFLICT (instance_id) DO UPDATE
    SET pushed_at = excluded.pushed_at, valid_until = excluded.valid_until, version = excluded.version,
        sealed = excluded.sealed;
  IF i.dataset_job IS NOT NULL OR i.ready_at > clock_timestamp() THEN
    PERFORM s2s.dataset_is_there(i);
    RETURN 'COMPLETED READY';
  END IF;

  -- What a get depends on has changed.
  UPDATE s2s.instance AS u SET version = u.version + 1 WHERE u.instance_id = i.instance_id;
  IF p_version IS NOT DISTINCT FROM v_old_version THEN
    RETURN 'NO_CHANGE';
  ELSIF i.fetched_at IS NULL THEN
    RETURN 'COMPLETED';
  END IF;
  PERFORM s2s.instance_tell(i, 'CREDENTIAL_UPDATE_AVAILABLE');
  RETURN 'COMPLETED UPDATED';
END
$$;
COMMENT ON FUNCTION s2s.dataset_push(text, text, bytea, timestamptz) IS
  'Keeps the dataset of an instance for the credentials to come, in place of an older one. The wallet is told when it '
  'waits for it, or has fetched another version.';
