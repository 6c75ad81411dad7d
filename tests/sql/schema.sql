
CREATE SCHEMA s2s;

CREATE TYPE s2s.exchange AS (
	peer text,
	request_id uuid,
	endpoint text,
	digest bytea,
	token uuid
);

COMMENT ON TYPE s2s.exchange IS 'One attempt at a request: the five parameters that every endpoint function begins with.';

COMMENT ON COLUMN s2s.exchange.digest IS 'SHA-256 of path and body: tells a duplicate from a request id used twice.';

COMMENT ON COLUMN s2s.exchange.token IS 'Fresh in each exchange, the same when the gateway runs the call again; names the occurrence in problems.';

CREATE TYPE s2s.reply AS (
	status integer,
	body text,
	replayed boolean,
	outcome text,
	wake boolean
);

COMMENT ON TYPE s2s.reply IS 'What an endpoint function returns, always one row.';

COMMENT ON COLUMN s2s.reply.replayed IS 'The answer of an earlier exchange is being returned.';

COMMENT ON COLUMN s2s.reply.outcome IS 'answered, replayed, reuse (request id used for another request; not stored), retry (load again; nothing changed).';

COMMENT ON COLUMN s2s.reply.wake IS 'A job due now was enqueued.';

CREATE FUNCTION s2s.answer_partition_make(p_day date) RETURNS boolean
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.answer_partition_make(p_day date) IS 'Makes the partition of a day, unless it is there.';

CREATE FUNCTION s2s.answer_partition_name(p_day date) RETURNS text
    LANGUAGE sql STABLE
    AS …

CREATE FUNCTION s2s.answer_partitions_ahead() RETURNS integer
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.answer_partitions_ahead() IS 'Makes the partitions of today and the three days after, and of every day that the default partition has caught.';

CREATE FUNCTION s2s.claim(x s2s.exchange) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.claim(x s2s.exchange) IS 'Takes the request id for this transaction: null when the work is to be done, else the reply to give.';

CREATE FUNCTION s2s.evaluation_done(p_job_id bigint, p_lease uuid, p_data_seq integer, p_status text, p_reason_code text, p_message text, p_approved_ids text[], p_subject_refs text[], p_authorized_device_count integer, p_data_request text, p_deadline_in interval, p_max_attempts integer) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.evaluation_done(p_job_id bigint, p_lease uuid, p_data_seq integer, p_status text, p_reason_code text, p_message text, p_approved_ids text[], p_subject_refs text[], p_authorized_device_count integer, p_data_request text, p_deadline_in interval, p_max_attempts integer) IS 'Finishes an evaluate job and applies its decision, if the lease is still ours and nothing overtook it.';

CREATE FUNCTION s2s.evaluations_claim(p_lease uuid, p_limit integer, p_lease_for interval) RETURNS TABLE(job_id bigint, job_attempts integer, session_id text, verification_id text, peer text, status text, wsk text, configuration_ids text[], requested_device_count integer, attempts integer, data_seq integer, client_jwe text[], server_sealed bytea[])
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.evaluations_claim(p_lease uuid, p_limit integer, p_lease_for interval) IS 'Claims evaluate jobs together with all submissions so far, oldest first; finishes those that are void.';

CREATE FUNCTION s2s.expire_due(p_limit integer) RETURNS integer
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.expire_due(p_limit integer) IS 'Ends verifications whose time is over, at most p_limit; how many.';

CREATE TABLE s2s.instance (
    created_at timestamp with time zone NOT NULL,
    last_status_change_time timestamp with time zone NOT NULL,
    ready_at timestamp with time zone,
    fetched_at timestamp with time zone,
    version bigint DEFAULT 1 NOT NULL,
    ordinal smallint NOT NULL,
    confirmed boolean DEFAULT false NOT NULL,
    wallet_suspended boolean DEFAULT false NOT NULL,
    issuer_suspended boolean DEFAULT false NOT NULL,
    unlinked boolean DEFAULT false NOT NULL,
    cancelled boolean DEFAULT false NOT NULL,
    instance_id text NOT NULL COLLATE pg_catalog."C",
    session_id text NOT NULL COLLATE pg_catalog."C",
    verification_id text NOT NULL COLLATE pg_catalog."C",
    configuration_id text NOT NULL,
    subject_ref text NOT NULL,
    credential_version text,
    last_status_change_reason text
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.05');

COMMENT ON TABLE s2s.instance IS 'Credential instances. The status is not stored: s2s.instance_status() derives it from the five facts.';

COMMENT ON COLUMN s2s.instance.last_status_change_time IS 'When the shown status changed.';

COMMENT ON COLUMN s2s.instance.ready_at IS 'When the credential can be issued; set by the first get that must wait.';

COMMENT ON COLUMN s2s.instance.fetched_at IS 'Last successful get.';

COMMENT ON COLUMN s2s.instance.version IS 'Grows when something that a get depends on changes: shown status, ready_at, the open fetches.';

COMMENT ON COLUMN s2s.instance.ordinal IS 'Position in the verification''s approved_ids.';

COMMENT ON COLUMN s2s.instance.confirmed IS 'The wallet reported PROVISIONING_SUCCESS.';

COMMENT ON COLUMN s2s.instance.subject_ref IS 'Pseudonym of the dataset subject.';

COMMENT ON COLUMN s2s.instance.credential_version IS 'credentialVersion of the last successful get.';

COMMENT ON COLUMN s2s.instance.last_status_change_reason IS 'Why the shown status changed.';

CREATE FUNCTION s2s.fetch_open(i s2s.instance, p_keys text, p_keys_digest bytea, p_wek_thumbprint text, p_ready_after interval) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.fetch_open(i s2s.instance, p_keys text, p_keys_digest bytea, p_wek_thumbprint text, p_ready_after interval) IS 'The transaction of these keys, made when there is none. The first of an instance starts its time to readiness.';

CREATE FUNCTION s2s.fetch_spend(i s2s.instance, p_transaction_id text, p_keys_digest bytea) RETURNS boolean
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.fetch_spend(i s2s.instance, p_transaction_id text, p_keys_digest bytea) IS 'Spends the transaction, if one is given, and the one of the same keys, if there is one. False: it is spent already.';

CREATE FUNCTION s2s.fsck() RETURNS TABLE(check_name text, detail text)
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'on'
    AS …

COMMENT ON FUNCTION s2s.fsck() IS 'Broken promises; no rows when all is well.';

CREATE FUNCTION s2s.instance_act(i s2s.instance, p_side text, p_action text, p_reason text, OUT previous_status text, OUT current_status text, OUT outcome text, OUT failure_reason text) RETURNS record
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.instance_act(i s2s.instance, p_side text, p_action text, p_reason text, OUT previous_status text, OUT current_status text, OUT outcome text, OUT failure_reason text) IS 'The one place where the facts of a (locked) instance change: WALLET or ISSUER does CONFIRM, SUSPEND, RESUME, UNLINK or CANCEL. An action that does not exist for that side is a bug and raises.';

CREATE FUNCTION s2s.instance_lock_for(p_peer text, p_session_id text, p_instance_id text) RETURNS s2s.instance
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.instance_lock_for(p_peer text, p_session_id text, p_instance_id text) IS 'Locks an instance for the peer that owns its session.';

CREATE FUNCTION s2s.instance_permits_get(i s2s.instance) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.instance_permits_get(i s2s.instance) IS 'Whether a credential may be handed out.';

CREATE FUNCTION s2s.instance_status(i s2s.instance) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.instance_status(i s2s.instance) IS 'The status that the facts amount to, strongest first.';

CREATE FUNCTION s2s.issuer_answer(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_status integer, p_body text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_answer(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_status integer, p_body text) IS 'Answers with what the gateway found out without touching any state.';

CREATE FUNCTION s2s.issuer_cancel(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text, p_reason text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_cancel(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text, p_reason text) IS 'Ends a verification that is not final as DENIED (D11); may be repeated.';

CREATE FUNCTION s2s.issuer_credential_status(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_current_version text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_credential_status(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_current_version text) IS 'Shows the status of an instance as it is now.';

CREATE FUNCTION s2s.issuer_event(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_event_type text, p_known boolean) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_event(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_event_type text, p_known boolean) IS 'Takes note of an event. Events are pokes: repeated ones change nothing twice.';

CREATE FUNCTION s2s.issuer_get(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_version bigint, p_credential_version text, p_transaction_id text, p_status integer, p_body text, p_keys_digest bytea DEFAULT NULL::bytea) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_get(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_version bigint, p_credential_version text, p_transaction_id text, p_status integer, p_body text, p_keys_digest bytea) IS 'Commits the answer that the gateway computed from the instance as it was at p_version, if it still is.';

CREATE FUNCTION s2s.issuer_get_pending(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_version bigint, p_keys text, p_keys_digest bytea, p_wek_thumbprint text, p_ready_after interval, p_interval integer, p_transaction_id text DEFAULT NULL::text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_get_pending(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_version bigint, p_keys text, p_keys_digest bytea, p_wek_thumbprint text, p_ready_after interval, p_interval integer, p_transaction_id text) IS 'Tells a get to come back (D9): with its transaction_id, or with a new one.';

CREATE FUNCTION s2s.issuer_initiate(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_configuration_ids text[], p_wsk text, p_wsk_thumbprint text, p_requested_device_count integer, p_supported_types text[], p_locale text, p_client_jwe text[], p_server_sealed bytea, p_max_attempts integer, p_lifetime interval) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_initiate(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_configuration_ids text[], p_wsk text, p_wsk_thumbprint text, p_requested_device_count integer, p_supported_types text[], p_locale text, p_client_jwe text[], p_server_sealed bytea, p_max_attempts integer, p_lifetime interval) IS 'Uses up the session id, opens a verification and asks for its evaluation.';

CREATE FUNCTION s2s.issuer_load(p_peer text, p_session_id text, p_instance_id text, p_transaction_id text) RETURNS TABLE(found boolean, wsk text, configuration_id text, subject_ref text, verification_id text, status text, version bigint, ready_at_ms bigint, transaction_found boolean, keys text, keys_digest bytea, wek_thumbprint text)
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.issuer_load(p_peer text, p_session_id text, p_instance_id text, p_transaction_id text) IS 'What the gateway must know before it can check a request. Another peer''s session is not found.';

CREATE FUNCTION s2s.issuer_manage(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_action text, p_reason text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_manage(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_action text, p_reason text) IS 'What the wallet asks of an instance: SUSPEND, RESUME, UNLINK.';

CREATE FUNCTION s2s.issuer_provision(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_provision(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text) IS 'Makes the instances of an approved verification, once, and lists them.';

CREATE FUNCTION s2s.issuer_supplement(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text, p_client_jwe text[], p_server_sealed bytea) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_supplement(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text, p_client_jwe text[], p_server_sealed bytea) IS 'Adds a submission: the verification is PENDING again and evaluated anew. The deadline stands still meanwhile.';

CREATE FUNCTION s2s.issuer_verification_status(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_verification_status(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text) IS 'Shows the verification as it is now.';

CREATE FUNCTION s2s.job_kinds() RETURNS SETOF text
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.job_kinds() IS 'The kinds of jobs there are.';

CREATE FUNCTION s2s.job_retry(p_job_id bigint, p_lease uuid, p_delay interval, p_error text, p_max_attempts integer) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.job_retry(p_job_id bigint, p_lease uuid, p_delay interval, p_error text, p_max_attempts integer) IS 'Gives a failed job back for later, or to the dead letters after p_max_attempts.';

CREATE FUNCTION s2s.jobs_claim(p_lease uuid, p_limit integer, p_lease_for interval, p_kinds text[]) RETURNS TABLE(job_id bigint, kind text, ref text, attempts integer, payload json)
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.jobs_claim(p_lease uuid, p_limit integer, p_lease_for interval, p_kinds text[]) IS 'Leases due jobs that nobody else is claiming.';

CREATE FUNCTION s2s.maintain(p_retention interval) RETURNS integer
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.maintain(p_retention interval) IS 'Makes partitions ahead and drops those wholly older than the retention. To be called every hour or so, with a lock_timeout: it waits for running requests, and new ones wait for it.';

CREATE FUNCTION s2s.problem(p_type text, p_token uuid, p_current_status text DEFAULT NULL::text) RETURNS text
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.problem(p_type text, p_token uuid, p_current_status text) IS 'The body of one occurrence.';

CREATE FUNCTION s2s.problem_type(p_type text, OUT status integer, OUT title text, OUT error_code text, OUT detail text) RETURNS record
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.problem_type(p_type text, OUT status integer, OUT title text, OUT error_code text, OUT detail text) IS 'The table of problem types.';

CREATE FUNCTION s2s.queue_stats() RETURNS TABLE(kind text, depth bigint, oldest_age_s double precision, dead bigint)
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.queue_stats() IS 'Depth, age of the oldest job and dead letters by kind, up to 100,000 each.';

CREATE FUNCTION s2s.refuse(x s2s.exchange, p_type text, p_current_status text DEFAULT NULL::text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.refuse(x s2s.exchange, p_type text, p_current_status text) IS 'Answers a claimed request with a problem.';

CREATE FUNCTION s2s.retry() RETURNS s2s.reply
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.retry() IS 'What the gateway loaded is out of date: it loads and calls again. Stores nothing.';

CREATE FUNCTION s2s.store(x s2s.exchange, p_status integer, p_body text, p_wake boolean DEFAULT false) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.store(x s2s.exchange, p_status integer, p_body text, p_wake boolean) IS 'Stores and returns the answer to a claimed request.';

CREATE TABLE s2s.verification (
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    deadline timestamp with time zone,
    due_at timestamp with time zone,
    version bigint DEFAULT 1 NOT NULL,
    data_seq integer DEFAULT 1 NOT NULL,
    attempts integer NOT NULL,
    max_attempts integer NOT NULL,
    requested_device_count integer NOT NULL,
    authorized_device_count integer,
    awaiting_decision boolean DEFAULT false NOT NULL,
    cancelled boolean DEFAULT false NOT NULL,
    verification_id text NOT NULL COLLATE pg_catalog."C",
    session_id text NOT NULL COLLATE pg_catalog."C",
    status text DEFAULT 'PENDING'::text NOT NULL COLLATE pg_catalog."C",
    reason_code text,
    message text,
    cancel_reason text,
    configuration_ids text[] NOT NULL,
    approved_ids text[],
    subject_refs text[],
    data_request jsonb
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='1000', autovacuum_analyze_scale_factor='0.05');

COMMENT ON TABLE s2s.verification IS 'The state of a verification. Only s2s.verification_move() changes a row.';

COMMENT ON COLUMN s2s.verification.expires_at IS 'End of the session lifetime: EXPIRED afterwards, unless final.';

COMMENT ON COLUMN s2s.verification.deadline IS 'Until when the wallet must answer the data request. It binds the wallet, so it does not run while PENDING.';

COMMENT ON COLUMN s2s.verification.due_at IS 'When time alone ends this verification, see s2s.verification_due_at(); null when it is final.';

COMMENT ON COLUMN s2s.verification.version IS 'Grows with every change.';

COMMENT ON COLUMN s2s.verification.data_seq IS 'Grows with every submission; an evaluation of an older one is void.';

COMMENT ON COLUMN s2s.verification.attempts IS 'Submissions with data so far.';

COMMENT ON COLUMN s2s.verification.max_attempts IS '0: unlimited.';

COMMENT ON COLUMN s2s.verification.awaiting_decision IS 'PENDING because an evaluation left the decision to somebody.';

COMMENT ON COLUMN s2s.verification.cancelled IS 'DENIED by /verification/cancel, which may then be repeated.';

COMMENT ON COLUMN s2s.verification.message IS 'rejectedDetails or deniedMessage.';

COMMENT ON COLUMN s2s.verification.cancel_reason IS 'The reason that came with the cancellation.';

COMMENT ON COLUMN s2s.verification.configuration_ids IS 'Credential configurations asked for.';

COMMENT ON COLUMN s2s.verification.approved_ids IS 'Credential configurations approved, in the order of approval.';

COMMENT ON COLUMN s2s.verification.subject_refs IS 'Pseudonym of the dataset subject for each of approved_ids.';

COMMENT ON COLUMN s2s.verification.data_request IS 'VerificationDataRequest without deadline and maxAttempts.';

CREATE FUNCTION s2s.verification_apply_due(v s2s.verification) RETURNS s2s.verification
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.verification_apply_due(v s2s.verification) IS 'Ends a locked verification whose time is over, so that nobody acts on, or shows, a state that no longer holds.';

CREATE FUNCTION s2s.verification_due_at(p_status text, p_deadline timestamp with time zone, p_expires_at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.verification_due_at(p_status text, p_deadline timestamp with time zone, p_expires_at timestamp with time zone) IS 'When time alone ends a verification. The deadline binds the wallet: it does not run while PENDING.';

CREATE FUNCTION s2s.verification_is_complete(v s2s.verification, p_status text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.verification_is_complete(v s2s.verification, p_status text) IS 'Whether the details that a status needs are there.';

CREATE FUNCTION s2s.verification_is_final(p_status text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS …

CREATE FUNCTION s2s.verification_json(v s2s.verification) RETURNS text
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.verification_json(v s2s.verification) IS 'VerificationStatus (profile section 4).';

CREATE FUNCTION s2s.verification_lock(p_verification_id text) RETURNS s2s.verification
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.verification_lock(p_verification_id text) IS 'Locks a verification and applies what is due.';

CREATE FUNCTION s2s.verification_lock_for(p_peer text, p_session_id text, p_verification_id text) RETURNS s2s.verification
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.verification_lock_for(p_peer text, p_session_id text, p_verification_id text) IS 'Locks a verification for the peer that owns its session, and applies what is due.';

CREATE FUNCTION s2s.verification_may_move(p_from text, p_to text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.verification_may_move(p_from text, p_to text) IS 'The state table (profile section 4).';

CREATE FUNCTION s2s.verification_move(v s2s.verification, p_to text) RETURNS s2s.verification
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.verification_move(v s2s.verification, p_to text) IS 'The one place where a verification changes. Takes a locked row with the new details filled in and its old status.';

CREATE TABLE s2s.answer (
    created_at timestamp with time zone NOT NULL,
    request_id uuid NOT NULL,
    token uuid NOT NULL,
    digest bytea NOT NULL,
    status smallint NOT NULL,
    peer text NOT NULL COLLATE pg_catalog."C",
    endpoint text NOT NULL COLLATE pg_catalog."C",
    body text NOT NULL
)
PARTITION BY RANGE (created_at);
ALTER TABLE ONLY s2s.answer ALTER COLUMN body SET STORAGE EXTERNAL;

COMMENT ON TABLE s2s.answer IS 'The final answer to each (peer, x-request-id), kept for the retention time.';

COMMENT ON COLUMN s2s.answer.token IS 'The exchange that did the work; any other one gets a replay.';

COMMENT ON COLUMN s2s.answer.digest IS 'SHA-256 of path and body of the request that was answered.';

COMMENT ON COLUMN s2s.answer.endpoint IS 'For operators only.';

CREATE TABLE s2s.answer_default (
    created_at timestamp with time zone NOT NULL,
    request_id uuid NOT NULL,
    token uuid NOT NULL,
    digest bytea NOT NULL,
    status smallint NOT NULL,
    peer text NOT NULL COLLATE pg_catalog."C",
    endpoint text NOT NULL COLLATE pg_catalog."C",
    body text NOT NULL
);
ALTER TABLE ONLY s2s.answer_default ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE s2s."fetch" (
    created_at timestamp with time zone NOT NULL,
    transaction_id text NOT NULL COLLATE pg_catalog."C",
    instance_id text NOT NULL COLLATE pg_catalog."C",
    keys_digest bytea,
    wek_thumbprint text COLLATE pg_catalog."C",
    keys text
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='500');

COMMENT ON TABLE s2s."fetch" IS 'Gets that were told to come back (202). A transaction_id is spent by deleting its row: it cannot be spent twice.';

COMMENT ON COLUMN s2s."fetch".keys_digest IS 'Digest of the keys: the same keys get the same transaction_id.';

COMMENT ON COLUMN s2s."fetch".wek_thumbprint IS 'Wallet encryption key that the wallet client named, if it did.';

COMMENT ON COLUMN s2s."fetch".keys IS 'The presentment keys of the first get, JSON array of public JWKs.';

CREATE TABLE s2s.job (
    job_id bigint NOT NULL,
    next_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    lease uuid,
    attempts integer DEFAULT 0 NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    lane text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    payload json
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_delay='0');

COMMENT ON TABLE s2s.job IS 'Work to do. A finished job is deleted by the statement that finishes it.';

COMMENT ON COLUMN s2s.job.next_at IS 'When it may be claimed: its schedule, or the end of its lease.';

COMMENT ON COLUMN s2s.job.lease IS 'Fencing token of the claim: finishing a job needs it.';

COMMENT ON COLUMN s2s.job.attempts IS 'Claims so far.';

COMMENT ON COLUMN s2s.job.lane IS 'Peer, for work that depends on one.';

COMMENT ON COLUMN s2s.job.ref IS 'What it is about: for evaluate, the verification_id.';

COMMENT ON COLUMN s2s.job.payload IS 'For evaluate, {"dataSeq": n}: the submission to evaluate.';

CREATE TABLE s2s.job_dead (
    job_id bigint NOT NULL,
    died_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    attempts integer NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    lane text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    payload json,
    error text NOT NULL
);

COMMENT ON TABLE s2s.job_dead IS 'Jobs given up. They stay until an operator acts.';

COMMENT ON COLUMN s2s.job_dead.error IS 'The last error; never payload or personal data.';

ALTER TABLE s2s.job ALTER COLUMN job_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME s2s.job_job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE s2s.session (
    created_at timestamp with time zone NOT NULL,
    session_id text NOT NULL COLLATE pg_catalog."C",
    peer text NOT NULL COLLATE pg_catalog."C",
    wsk_thumbprint text NOT NULL COLLATE pg_catalog."C",
    wsk text NOT NULL,
    locale text,
    supported_verification_types text[]
);

COMMENT ON TABLE s2s.session IS 'Every sessionId ever used, with its owner and key. Rows never change and never leave: an id is used up for good.';

COMMENT ON COLUMN s2s.session.session_id IS 'As sent; compares case-sensitively, hence not a uuid.';

COMMENT ON COLUMN s2s.session.peer IS 'The only peer that may see or use the session.';

COMMENT ON COLUMN s2s.session.wsk_thumbprint IS 'RFC 7638 SHA-256 thumbprint of wsk, base64url.';

COMMENT ON COLUMN s2s.session.wsk IS 'Public JWK of the wallet signing key, JSON.';

CREATE TABLE s2s.verification_data (
    created_at timestamp with time zone NOT NULL,
    data_seq integer NOT NULL,
    verification_id text NOT NULL COLLATE pg_catalog."C",
    server_sealed bytea,
    client_jwe text[] NOT NULL
);
ALTER TABLE ONLY s2s.verification_data ALTER COLUMN server_sealed SET STORAGE EXTERNAL;
ALTER TABLE ONLY s2s.verification_data ALTER COLUMN client_jwe SET STORAGE EXTERNAL;

COMMENT ON TABLE s2s.verification_data IS 'Verification data by submission: ciphertext only.';

COMMENT ON COLUMN s2s.verification_data.server_sealed IS 'Items of the wallet server, sealed with the gateway''s data key.';

COMMENT ON COLUMN s2s.verification_data.client_jwe IS 'What the wallet client encrypted, as it came, in order.';

ALTER TABLE ONLY s2s.answer ATTACH PARTITION s2s.answer_default DEFAULT;

ALTER TABLE ONLY s2s."fetch"
    ADD CONSTRAINT fetch_keys_once UNIQUE NULLS NOT DISTINCT (instance_id, keys_digest);

ALTER TABLE ONLY s2s."fetch"
    ADD CONSTRAINT fetch_pkey PRIMARY KEY (transaction_id);

ALTER TABLE ONLY s2s.instance
    ADD CONSTRAINT instance_once UNIQUE (verification_id, ordinal);

ALTER TABLE ONLY s2s.instance
    ADD CONSTRAINT instance_pkey PRIMARY KEY (instance_id);

ALTER TABLE ONLY s2s.job_dead
    ADD CONSTRAINT job_dead_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY s2s.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY s2s.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (session_id);

ALTER TABLE ONLY s2s.verification_data
    ADD CONSTRAINT verification_data_pkey PRIMARY KEY (verification_id, data_seq);

ALTER TABLE ONLY s2s.verification
    ADD CONSTRAINT verification_pkey PRIMARY KEY (verification_id);

CREATE UNIQUE INDEX answer_default_request ON s2s.answer_default USING btree (request_id, peer);

CREATE INDEX job_next ON s2s.job USING btree (next_at);

CREATE INDEX verification_due ON s2s.verification USING btree (due_at) WHERE (due_at IS NOT NULL);

