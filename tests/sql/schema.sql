
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

COMMENT ON COLUMN s2s.reply.outcome IS 'answered, replayed, reuse (request id used for another request; not stored), retry (load again; nothing changed), none (asked for a replay, and nothing is stored).';

COMMENT ON COLUMN s2s.reply.wake IS 'A job due now was enqueued.';

CREATE FUNCTION s2s.admin_audit(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_audit(p_token uuid, p_input json) IS 'Lists what operators did, newest first.';

CREATE FUNCTION s2s.admin_bounds(OUT looked_at integer, OUT redriven integer, OUT shown integer, OUT failures integer, OUT counted integer) RETURNS record
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.admin_bounds(OUT looked_at integer, OUT redriven integer, OUT shown integer, OUT failures integer, OUT counted integer) IS 'Rows that a page looks at for those that match; dead letters that are sent again at once; verifications and instances that a session shows; failures that an act on many instances keeps; rows that statistics count up to.';

CREATE FUNCTION s2s.admin_bulk(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_bulk(p_token uuid, p_input json) IS 'Shows a run and how far it has come.';

CREATE FUNCTION s2s.admin_bulk_start(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.admin_bulk_start(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text) IS 'Starts an act on all instances that are there now and match.';

CREATE FUNCTION s2s.admin_bulks(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_bulks(p_token uuid, p_input json) IS 'Lists runs, newest first.';

CREATE FUNCTION s2s.admin_dataset_put(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text, p_sealed bytea) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.admin_dataset_put(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text, p_sealed bytea) IS 'Takes the claims of an instance, sealed, ahead of when they are asked for.';

CREATE FUNCTION s2s.admin_dead_job_redrive(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.admin_dead_job_redrive(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text) IS 'An operator has a job that was given up tried again.';

CREATE FUNCTION s2s.admin_dead_jobs(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_dead_jobs(p_token uuid, p_input json) IS 'Lists jobs that were given up.';

CREATE FUNCTION s2s.admin_dead_letter_redrive(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.admin_dead_letter_redrive(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text) IS 'An operator has a dead letter sent again.';

CREATE FUNCTION s2s.admin_dead_letters(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_dead_letters(p_token uuid, p_input json) IS 'Lists deliveries that were given up.';

CREATE FUNCTION s2s.admin_dead_letters_redrive(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.admin_dead_letters_redrive(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text) IS 'An operator has dead letters sent again, of one peer or all, so many a call, each call from where the one before ended: what has died again meanwhile kept its number, and is not met again.';

CREATE FUNCTION s2s.admin_decide(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text, p_approved_ids text[], p_subject_refs text[], p_subject_sealed bytea[] DEFAULT NULL::bytea[], p_subject_aliases json DEFAULT NULL::json) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.admin_decide(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text, p_approved_ids text[], p_subject_refs text[], p_subject_sealed bytea[], p_subject_aliases json) IS 'A reviewer decides: APPROVED, REJECTED, DENIED or ADDITIONAL_INFO_REQUIRED.';

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
    data_request jsonb,
    data_octets bigint DEFAULT 0 NOT NULL,
    lane text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    attestation text DEFAULT 'IGNORED'::text NOT NULL COLLATE pg_catalog."C",
    root_verification_id text COLLATE pg_catalog."C",
    undecided_reason text,
    locale text,
    supported_verification_types text[],
    subject_sealed bytea[],
    peer text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    decided_by text
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='1000', autovacuum_analyze_scale_factor='0.05');

COMMENT ON TABLE s2s.verification IS 'The state of a verification. Only s2s.verification_move() changes a row.';

COMMENT ON COLUMN s2s.verification.expires_at IS 'End of the session lifetime: EXPIRED afterwards, unless final.';

COMMENT ON COLUMN s2s.verification.deadline IS 'Until when the wallet must answer the data request. It binds the wallet, so it does not run while PENDING.';

COMMENT ON COLUMN s2s.verification.due_at IS 'When time alone ends this verification, see s2s.verification_due_at(); null when it is final.';

COMMENT ON COLUMN s2s.verification.version IS 'Grows with every change.';

COMMENT ON COLUMN s2s.verification.data_seq IS 'Grows with every submission and every result that arrives; an evaluation of an older one is void.';

COMMENT ON COLUMN s2s.verification.attempts IS 'Submissions with data so far: bounded, whatever max_attempts says.';

COMMENT ON COLUMN s2s.verification.max_attempts IS '0: unlimited.';

COMMENT ON COLUMN s2s.verification.awaiting_decision IS 'PENDING because an evaluation left the decision to somebody.';

COMMENT ON COLUMN s2s.verification.cancelled IS 'DENIED by /verification/cancel, which may then be repeated.';

COMMENT ON COLUMN s2s.verification.message IS 'rejectedDetails or deniedMessage.';

COMMENT ON COLUMN s2s.verification.cancel_reason IS 'The reason that came with the cancellation.';

COMMENT ON COLUMN s2s.verification.configuration_ids IS 'Credential configurations asked for.';

COMMENT ON COLUMN s2s.verification.approved_ids IS 'Credential configurations approved, in the order of approval; one that is approved for several subjects comes as often.';

COMMENT ON COLUMN s2s.verification.subject_refs IS 'Pseudonym of the dataset subject for each of approved_ids.';

COMMENT ON COLUMN s2s.verification.data_request IS 'The last VerificationDataRequest, without deadline and maxAttempts. Kept when it was answered: the answers refer to it.';

COMMENT ON COLUMN s2s.verification.data_octets IS 'Octets of verification data kept: a running sum, 0 when final.';

COMMENT ON COLUMN s2s.verification.lane IS 'The backend that decides; empty: the built-in policy.';

COMMENT ON COLUMN s2s.verification.attestation IS 'What came of the attestation of the wallet signing key: VERIFIED, ABSENT, INVALID, IGNORED.';

COMMENT ON COLUMN s2s.verification.root_verification_id IS 'The first approval that this one is derived from by naming a prior session: its authorized_device_count holds for all sessions derived from it. Holds a device from the moment in which it is set.';

COMMENT ON COLUMN s2s.verification.undecided_reason IS 'Why a decision is awaited, when it is for want of a usable answer; for operators.';

COMMENT ON COLUMN s2s.verification.locale IS 'Of a session that is verified again, when it differs from the session''s.';

COMMENT ON COLUMN s2s.verification.supported_verification_types IS 'Likewise.';

COMMENT ON COLUMN s2s.verification.subject_sealed IS 'The subject for each of approved_ids, sealed; null, or null elements, where no backend needs to be told.';

COMMENT ON COLUMN s2s.verification.peer IS 'That of the session, again: lists are walked by it.';

COMMENT ON COLUMN s2s.verification.decided_by IS 'The operator who brought about the status, as in the audit ledger; null when it was an evaluation, the wallet, or time.';

CREATE FUNCTION s2s.admin_decision(x s2s.exchange, p_role text, p_action text, p_pointer text, v s2s.verification, p_decision json, p_approved_ids text[] DEFAULT NULL::text[], p_subject_refs text[] DEFAULT NULL::text[], p_subject_sealed bytea[] DEFAULT NULL::bytea[], p_subject_aliases json DEFAULT NULL::json) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.admin_decision(x s2s.exchange, p_role text, p_action text, p_pointer text, v s2s.verification, p_decision json, p_approved_ids text[], p_subject_refs text[], p_subject_sealed bytea[], p_subject_aliases json) IS 'Decides a verification that admin_verification_lock() gave, as any decider does. p_pointer: where the decision stands in the body.';

CREATE FUNCTION s2s.admin_decision_error(v s2s.verification, p_decision json, p_approved_ids text[], p_data_request jsonb, p_deadline_in interval, OUT pointer text, OUT message text) RETURNS record
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_decision_error(v s2s.verification, p_decision json, p_approved_ids text[], p_data_request jsonb, p_deadline_in interval, OUT pointer text, OUT message text) IS 'What is wrong with a decision, and where in it; nothing: null.';

CREATE FUNCTION s2s.admin_decision_load(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_decision_load(p_token uuid, p_input json) IS 'Under which session the subjects of a decision are to be sealed, and for which configurations there may be any.';

CREATE FUNCTION s2s.admin_deliveries(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_deliveries(p_token uuid, p_input json) IS 'Lists what is owed, in the order in which it is due.';

CREATE FUNCTION s2s.admin_events(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_events(p_token uuid, p_input json) IS 'Lists what was owed and how it ended, newest first.';

CREATE FUNCTION s2s.admin_fsck() RETURNS TABLE(check_name text, detail text)
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_fsck() IS 'Broken promises of what operators do, for s2s.fsck().';

CREATE FUNCTION s2s.admin_instance(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_instance(p_token uuid, p_input json) IS 'Shows an instance.';

CREATE FUNCTION s2s.admin_instance_action(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.admin_instance_action(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text) IS 'An operator SUSPENDs, RESUMEs or CANCELs an instance, or says that there is something newer: UPDATED, DISPLAY_UPDATED.';

CREATE FUNCTION s2s.admin_instance_answer(x s2s.exchange, p_instance_id text, p_outcome text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.admin_instance_answer(x s2s.exchange, p_instance_id text, p_outcome text) IS 'Answers with the outcome of an act, and the instance as it is now.';

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
    last_status_change_reason text,
    manage_answered_at timestamp with time zone,
    manage_outcome text,
    manage_failure_reason text,
    dataset_job bigint,
    subject_sealed bytea
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.05');
ALTER TABLE ONLY s2s.instance ALTER COLUMN subject_sealed SET STORAGE EXTERNAL;

COMMENT ON TABLE s2s.instance IS 'Credential instances. The status is not stored: s2s.instance_status() derives it from the five facts.';

COMMENT ON COLUMN s2s.instance.last_status_change_time IS 'When the shown status changed.';

COMMENT ON COLUMN s2s.instance.ready_at IS 'When the credential can be issued. Set by the first get that must wait a known time; or by the backend''s word that it is ready, until which it is null.';

COMMENT ON COLUMN s2s.instance.fetched_at IS 'Last successful get.';

COMMENT ON COLUMN s2s.instance.version IS 'Grows when something that a get depends on changes: shown status, ready_at, the open fetches.';

COMMENT ON COLUMN s2s.instance.ordinal IS 'Position in the verification''s approved_ids.';

COMMENT ON COLUMN s2s.instance.confirmed IS 'The wallet reported PROVISIONING_SUCCESS.';

COMMENT ON COLUMN s2s.instance.verification_id IS 'The verification that stands for it: the one it was made for, or a later one of the session that took it over.';

COMMENT ON COLUMN s2s.instance.subject_ref IS 'Pseudonym of the dataset subject.';

COMMENT ON COLUMN s2s.instance.credential_version IS 'credentialVersion of the last successful get.';

COMMENT ON COLUMN s2s.instance.last_status_change_reason IS 'Why the shown status changed.';

COMMENT ON COLUMN s2s.instance.manage_answered_at IS 'When the wallet last answered a /credential/manage of ours.';

COMMENT ON COLUMN s2s.instance.manage_outcome IS 'Its outcome: COMPLETED, SCHEDULED, FAILED, NO_CHANGE; null if it gave none.';

COMMENT ON COLUMN s2s.instance.manage_failure_reason IS 'Its failureReason, cut short.';

COMMENT ON COLUMN s2s.instance.dataset_job IS 'The job that asks the backend whether the dataset is there; null: none does.';

COMMENT ON COLUMN s2s.instance.subject_sealed IS 'The subject as the backend names it, sealed; null when none needs it.';

CREATE FUNCTION s2s.admin_instance_json(i s2s.instance) RETURNS json
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_instance_json(i s2s.instance) IS 'An instance, as operators see it.';

CREATE FUNCTION s2s.admin_instances(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_instances(p_token uuid, p_input json) IS 'Lists instances, newest first.';

CREATE FUNCTION s2s.admin_lanes(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_lanes(p_token uuid, p_input json) IS 'Shows all peers and webhooks that can be called: whether they are, what waits and what was given up.';

CREATE FUNCTION s2s.admin_offer(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_offer(p_token uuid, p_input json) IS 'Shows an offer, without its codes.';

CREATE FUNCTION s2s.admin_offer_make(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text, p_offer_id text, p_code_hash bytea, p_tx_code_hash bytea, p_attempts integer, p_lifetime interval, p_subject_ref text, p_subject_sealed bytea, p_reference_hash bytea, p_document_sealed bytea, p_answer_sealed bytea) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.admin_offer_make(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text, p_offer_id text, p_code_hash bytea, p_tx_code_hash bytea, p_attempts integer, p_lifetime interval, p_subject_ref text, p_subject_sealed bytea, p_reference_hash bytea, p_document_sealed bytea, p_answer_sealed bytea) IS 'Makes an offer. The answer, also when it is repeated, has what only the gateway can open and show.';

CREATE FUNCTION s2s.admin_offer_revoke(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.admin_offer_revoke(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text) IS 'Takes back an offer that nobody has redeemed yet.';

CREATE FUNCTION s2s.admin_offers(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_offers(p_token uuid, p_input json) IS 'Lists offers, newest first.';

CREATE FUNCTION s2s.admin_outcome(p_outcome text) RETURNS json
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.admin_outcome(p_outcome text) IS 'An outcome such as "COMPLETED", "COMPLETED <effect>" or "FAILED <why>" for the answer.';

CREATE FUNCTION s2s.admin_page(p_member text, p_limit integer, p_items json[], p_cursors text[], p_is_sifted boolean DEFAULT false) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_page(p_member text, p_limit integer, p_items json[], p_cursors text[], p_is_sifted boolean) IS 'Answers with one page, of the rows that were walked: in their order, null where one did not match, with its cursor.';

CREATE FUNCTION s2s.admin_reconcile(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.admin_reconcile(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text) IS 'Starts a run over the issuer''s instances: of one peer or all, or over one instance.';

CREATE FUNCTION s2s.admin_reconciliation(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_reconciliation(p_token uuid, p_input json) IS 'Shows a run and what it has found so far.';

CREATE FUNCTION s2s.admin_reconciliations(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_reconciliations(p_token uuid, p_input json) IS 'Lists runs, newest first, without what they found.';

CREATE FUNCTION s2s.admin_request_info(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.admin_request_info(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text) IS 'A reviewer asks the wallet for more.';

CREATE FUNCTION s2s.admin_session(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_session(p_token uuid, p_input json) IS 'Shows a session with all that came of it.';

CREATE TABLE s2s.session (
    created_at timestamp with time zone NOT NULL,
    session_id text NOT NULL COLLATE pg_catalog."C",
    peer text NOT NULL COLLATE pg_catalog."C",
    wsk_thumbprint text NOT NULL COLLATE pg_catalog."C",
    wsk text NOT NULL,
    locale text,
    supported_verification_types text[],
    verification_id text COLLATE pg_catalog."C",
    nonce_jti text COLLATE pg_catalog."C"
);

COMMENT ON TABLE s2s.session IS 'Every sessionId ever used, with its owner and key. Rows never change and never leave: an id is used up for good.';

COMMENT ON COLUMN s2s.session.session_id IS 'As sent; compares case-sensitively, hence not a uuid.';

COMMENT ON COLUMN s2s.session.peer IS 'The only peer that may see or use the session.';

COMMENT ON COLUMN s2s.session.wsk_thumbprint IS 'RFC 7638 SHA-256 thumbprint of wsk, base64url.';

COMMENT ON COLUMN s2s.session.wsk IS 'Public JWK of the wallet signing key, JSON.';

COMMENT ON COLUMN s2s.session.verification_id IS 'Its first verification. s2s.nonce_jti has those that came after it.';

COMMENT ON COLUMN s2s.session.nonce_jti IS 'jti of the nonce that opened it, if that was a bound one.';

CREATE FUNCTION s2s.admin_session_json(s s2s.session) RETURNS json
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_session_json(s s2s.session) IS 'A session, as operators see it.';

CREATE FUNCTION s2s.admin_sessions(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_sessions(p_token uuid, p_input json) IS 'Lists sessions, newest first.';

CREATE FUNCTION s2s.admin_stats(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_stats(p_token uuid, p_input json) IS 'Figures at a glance. Whoever keeps audit.hash elsewhere can tell later that nothing before it was changed.';

CREATE FUNCTION s2s.admin_verification(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_verification(p_token uuid, p_input json) IS 'Shows a verification.';

CREATE FUNCTION s2s.admin_verification_detail(v s2s.verification) RETURNS json
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_verification_detail(v s2s.verification) IS 'The same with what it asks the wallet for, and the evaluation that was given up.';

CREATE FUNCTION s2s.admin_verification_items(p_token uuid, p_input json, p_peer text, p_request_id uuid, p_role text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.admin_verification_items(p_token uuid, p_input json, p_peer text, p_request_id uuid, p_role text) IS 'What was submitted, as it is kept, for the gateway to open and show to a reviewer. A GET, but written down.';

CREATE FUNCTION s2s.admin_verification_json(v s2s.verification) RETURNS json
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_verification_json(v s2s.verification) IS 'A verification, as operators see it: nothing of what was submitted.';

CREATE FUNCTION s2s.admin_verification_lock(x s2s.exchange, p_input json, OUT r s2s.reply, OUT v s2s.verification) RETURNS record
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.admin_verification_lock(x s2s.exchange, p_input json, OUT r s2s.reply, OUT v s2s.verification) IS 'Claims the request and locks the verification that it decides: PENDING, and as the reviewer saw it. Else there is a reply.';

CREATE FUNCTION s2s.admin_verifications(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.admin_verifications(p_token uuid, p_input json) IS 'Lists verifications, newest first.';

CREATE FUNCTION s2s.admin_violation(x s2s.exchange, p_pointer text, p_message text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.admin_violation(x s2s.exchange, p_pointer text, p_message text) IS 'Refuses a claimed request for what only the database could find out about its body.';

CREATE FUNCTION s2s.admin_walk(p_limit integer, p_is_sifted boolean DEFAULT false) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.admin_walk(p_limit integer, p_is_sifted boolean) IS 'How many rows to walk for a page; p_is_sifted: not all of them will match. One more than is looked at, which tells whether there is a next page.';

CREATE FUNCTION s2s.admin_web_result(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text, p_verification_id text, p_item_id text, p_sealed bytea, p_max_results integer, p_max_octets bigint) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.admin_web_result(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_role text, p_verification_id text, p_item_id text, p_sealed bytea, p_max_results integer, p_max_octets bigint) IS 'Takes the sealed result of an authentication on the web, for the evaluation that it brings about.';

CREATE FUNCTION s2s.app_action(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.app_action(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json) IS 'The wallet SUSPENDs, RESUMEs or UNLINKs an instance. It is so at once; the issuer is owed word of it.';

CREATE FUNCTION s2s.app_answer(p_status integer, p_body text) RETURNS s2s.reply
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.app_answer(p_status integer, p_body text) IS 'Answers a GET.';

CREATE FUNCTION s2s.app_bad_cursor(p_token uuid) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.app_bad_cursor(p_token uuid) IS 'Refuses a cursor that nobody was given.';

CREATE FUNCTION s2s.app_cancel(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.app_cancel(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json) IS 'Asks the issuer to cancel, as soon as it has answered initiate. It has the last word: the status changes when it says so.';

CREATE FUNCTION s2s.app_event(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.app_event(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json) IS 'Something happened to an instance, which the issuer is owed word of.';

CREATE FUNCTION s2s.app_fetch(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.app_fetch(p_token uuid, p_input json) IS 'Shows a fetch: 202 while it waits.';

CREATE FUNCTION s2s.app_fetch_start(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_request_digest bytea) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.app_fetch_start(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_request_digest bytea) IS 'Asks the issuer for the credentials of an instance. What waits for the same is shown, not doubled.';

CREATE FUNCTION s2s.app_instance(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.app_instance(p_token uuid, p_input json) IS 'Shows an instance.';

CREATE FUNCTION s2s.app_instance_route(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.app_instance_route(p_token uuid, p_input json) IS 'Which issuer and session an instance is of: {"issuer", "sessionId"}. What the issuer is asked on the spot needs it.';

CREATE FUNCTION s2s.app_instances(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.app_instances(p_token uuid, p_input json) IS 'Lists instances, newest first.';

CREATE FUNCTION s2s.app_issuance(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.app_issuance(p_token uuid, p_input json) IS 'Shows an issuance.';

CREATE FUNCTION s2s.app_issuance_start(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_issuer text, p_sealed bytea, p_body_digest bytea) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.app_issuance_start(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_issuer text, p_sealed bytea, p_body_digest bytea) IS 'Opens a session with an issuer, who is owed an initiate. The same start again changes nothing.';

CREATE FUNCTION s2s.app_issuances(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.app_issuances(p_token uuid, p_input json) IS 'Lists issuances, newest first.';

CREATE FUNCTION s2s.app_issuer(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.app_issuer(p_token uuid, p_input json) IS 'Shows an issuer with what its wallet clients need: its encryption keys, and all that it publishes.';

CREATE FUNCTION s2s.app_issuers(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.app_issuers(p_token uuid, p_input json) IS 'Lists the issuers.';

CREATE FUNCTION s2s.app_lifecycle(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.app_lifecycle(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json) IS 'The backend''s outcome of what the issuer asked of an instance. The same outcome again changes nothing.';

CREATE FUNCTION s2s.app_limit(p_input json) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.app_limit(p_input json) IS 'How many rows a page has.';

CREATE FUNCTION s2s.app_page(p_member text, p_items json, p_next_cursor text) RETURNS s2s.reply
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.app_page(p_member text, p_items json, p_next_cursor text) IS 'Answers with one page of a list.';

CREATE FUNCTION s2s.app_problem(p_token uuid, p_type text) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.app_problem(p_token uuid, p_type text) IS 'Answers a GET with a problem.';

CREATE FUNCTION s2s.app_reconcile(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.app_reconcile(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json) IS 'Starts a run over the wallet''s instances: of one issuer or all, or over one instance.';

CREATE FUNCTION s2s.app_reconciliation(p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.app_reconciliation(p_token uuid, p_input json) IS 'Shows a run and what it has found so far.';

CREATE FUNCTION s2s.app_session(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.app_session(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json) IS 'Makes a session id to be signed. Nothing is kept of it until it is used.';

CREATE FUNCTION s2s.app_supplement(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_sealed bytea) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.app_supplement(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_input json, p_sealed bytea) IS 'Keeps a submission, to be sent after those that wait; the answer to initiate owes it when that is still to come.';

CREATE FUNCTION s2s.audit_add(p_who text, p_role text, p_request_id uuid, p_action text, p_ref text, p_detail json DEFAULT '{}'::json) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.audit_add(p_who text, p_role text, p_request_id uuid, p_action text, p_ref text, p_detail json) IS 'Writes down what an operator did. One after the other: nothing may be locked after this.';

CREATE FUNCTION s2s.audit_by(x s2s.exchange, p_role text, p_action text, p_ref text, p_detail json DEFAULT '{}'::json) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.audit_by(x s2s.exchange, p_role text, p_action text, p_ref text, p_detail json) IS 'The same, of a request.';

CREATE FUNCTION s2s.audit_has(p_ref text, p_action text, p_since timestamp with time zone, p_who text DEFAULT NULL::text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.audit_has(p_ref text, p_action text, p_since timestamp with time zone, p_who text) IS 'Whether something that was done then is written down.';

CREATE TABLE s2s.audit (
    at timestamp with time zone NOT NULL,
    seq bigint NOT NULL,
    request_id uuid,
    who text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL,
    action text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    detail json NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL
);

COMMENT ON TABLE s2s.audit IS 'Who of the operators did what, in the transaction that did it. Rows are only ever added, by s2s.audit_add(), and are chained: each hash covers the row and the hash of the row before it.';

COMMENT ON COLUMN s2s.audit.seq IS 'From 1, without gaps.';

COMMENT ON COLUMN s2s.audit.request_id IS 'x-request-id of the request; null when it came from the command line.';

COMMENT ON COLUMN s2s.audit.who IS '"admin:" and the name of the token; or "command-line".';

COMMENT ON COLUMN s2s.audit.role IS 'In which it was done: read, review, operate.';

COMMENT ON COLUMN s2s.audit.ref IS 'The thing that it was done to; "*" for all of a kind.';

COMMENT ON COLUMN s2s.audit.detail IS 'json, as it is hashed letter for letter; never personal data.';

CREATE FUNCTION s2s.audit_hash(a s2s.audit) RETURNS bytea
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.audit_hash(a s2s.audit) IS 'SHA-256 of the hash of the row before, and of the row as the JSON array [seq, microseconds since 1970, who, role, action, ref, request id, detail].';

CREATE FUNCTION s2s.audit_page(p_who text, p_ref text, p_before bigint, p_limit integer) RETURNS SETOF s2s.audit
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.audit_page(p_who text, p_ref text, p_before bigint, p_limit integer) IS 'Entries, newest first, from a place on.';

CREATE TABLE s2s.bulk (
    started_at timestamp with time zone NOT NULL,
    counted_at timestamp with time zone,
    finished_at timestamp with time zone,
    cursor_at timestamp with time zone NOT NULL,
    request_id uuid NOT NULL,
    total integer DEFAULT 0 NOT NULL,
    done integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    bulk_id text NOT NULL COLLATE pg_catalog."C",
    cursor_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    who text NOT NULL,
    role text NOT NULL,
    action text NOT NULL,
    reason text,
    filter json NOT NULL,
    failures json DEFAULT '[]'::json NOT NULL
)
WITH (fillfactor='50');

COMMENT ON TABLE s2s.bulk IS 'What operators do to many instances: first counted, then done, in steps of a job (kind bulk). Only s2s.bulk_step() changes a row.';

COMMENT ON COLUMN s2s.bulk.counted_at IS 'When the walk that counts came to its end. The one that acts begins there.';

COMMENT ON COLUMN s2s.bulk.cursor_at IS 'With cursor_id, the instance up to which the walk has come, newest first.';

COMMENT ON COLUMN s2s.bulk.total IS 'Instances counted so far; at the end, those that were come by.';

COMMENT ON COLUMN s2s.bulk.bulk_id IS 'A UUID.';

COMMENT ON COLUMN s2s.bulk.filter IS '{"subjectRefs", "configuration"} or {"sessionIds"} or {"instanceIds"}: which instances. A subject by its pseudonyms.';

COMMENT ON COLUMN s2s.bulk.failures IS 'The first that failed, [{"credentialInstanceId", "reason"}].';

CREATE FUNCTION s2s.bulk_act(b s2s.bulk, p_limit integer) RETURNS s2s.bulk
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.bulk_act(b s2s.bulk, p_limit integer) IS 'Acts on the next instances, as far as nobody has them locked.';

CREATE FUNCTION s2s.bulk_claim(p_lease uuid, p_limit integer, p_lease_for interval, p_max_attempts integer) RETURNS TABLE(job_id bigint, job_attempts integer, bulk_id text)
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.bulk_claim(p_lease uuid, p_limit integer, p_lease_for interval, p_max_attempts integer) IS 'Leases runs that are to go on, one step each.';

CREATE FUNCTION s2s.bulk_count(b s2s.bulk, p_limit integer) RETURNS s2s.bulk
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.bulk_count(b s2s.bulk, p_limit integer) IS 'Counts on; at the end, the walk begins anew.';

CREATE FUNCTION s2s.bulk_json(b s2s.bulk) RETURNS json
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.bulk_json(b s2s.bulk) IS 'A run and how far it has come. STUCK: its job is a dead letter.';

CREATE FUNCTION s2s.bulk_step(p_job_id bigint, p_lease uuid, p_limit integer) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.bulk_step(p_job_id bigint, p_lease uuid, p_limit integer) IS 'Takes a run further by at most p_limit instances (counting: ten times as many), and gives the job back.';

CREATE FUNCTION s2s.bulk_targets(b s2s.bulk, p_limit integer) RETURNS TABLE(at timestamp with time zone, instance_id text, is_wanted boolean)
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.bulk_targets(b s2s.bulk, p_limit integer) IS 'The next instances of a walk, those too that are not wanted: what is over, unless it was named.';

CREATE FUNCTION s2s.claim(x s2s.exchange) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.claim(x s2s.exchange) IS 'Takes the request id for this transaction: null when the work is to be done, else the reply to give.';

CREATE FUNCTION s2s.command_instance(p_instance_id text, p_action text, p_reason text) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.command_instance(p_instance_id text, p_action text, p_reason text) IS 'SUSPEND, RESUME, CANCEL, UPDATED or DISPLAY_UPDATED.';

CREATE FUNCTION s2s.command_job_redrive(p_job_id bigint) RETURNS boolean
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.command_job_redrive(p_job_id bigint) IS 'Takes up a job again that was given up.';

CREATE FUNCTION s2s.command_reconcile(p_side text, p_peer text) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.command_reconcile(p_side text, p_peer text) IS 'Starts a run over the instances of one role: of one peer, or of all.';

CREATE FUNCTION s2s.command_redrive(p_delivery_id bigint) RETURNS boolean
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.command_redrive(p_delivery_id bigint) IS 'Owes a dead letter again.';

CREATE FUNCTION s2s.command_who() RETURNS text
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.command_who() IS 'Who does it: whoever may use the machine and the database. No token has this name.';

CREATE FUNCTION s2s.credential_status_json(p_status text, p_version text, p_changed_at timestamp with time zone, p_reason text) RETURNS text
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.credential_status_json(p_status text, p_version text, p_changed_at timestamp with time zone, p_reason text) IS 'Answer of /credential/status, of either side.';

CREATE FUNCTION s2s.cursor_number(p_cursor text, OUT is_valid boolean, OUT at timestamp with time zone, OUT n bigint) RETURNS record
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.cursor_number(p_cursor text, OUT is_valid boolean, OUT at timestamp with time zone, OUT n bigint) IS 'Where a page of a list begins whose rows are numbered: newest first, below n. All are, when there is no cursor.';

CREATE FUNCTION s2s.cursor_read(p_cursor text, OUT is_valid boolean, OUT before_at timestamp with time zone, OUT before_id text) RETURNS record
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.cursor_read(p_cursor text, OUT is_valid boolean, OUT before_at timestamp with time zone, OUT before_id text) IS 'After which row a page begins; before all of them when there is no cursor. Not valid: not one of ours.';

CREATE FUNCTION s2s.cursor_write(p_at timestamp with time zone, p_id text) RETURNS text
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.cursor_write(p_at timestamp with time zone, p_id text) IS 'The cursor of the page that comes after this row.';

CREATE FUNCTION s2s.dataset_is_there(i s2s.instance) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.dataset_is_there(i s2s.instance) IS 'The dataset of a (locked) instance can be had: the wallet is told of every get that waits.';

CREATE FUNCTION s2s.dataset_push(p_instance_id text, p_version text, p_sealed bytea, p_valid_until timestamp with time zone) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.dataset_push(p_instance_id text, p_version text, p_sealed bytea, p_valid_until timestamp with time zone) IS 'Keeps the dataset of an instance for the credentials to come, in place of an older one. The wallet is told when it waits for it, or has fetched another version.';

CREATE FUNCTION s2s.dataset_ready(p_job_id bigint, p_lease uuid) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.dataset_ready(p_job_id bigint, p_lease uuid) IS 'Finishes a dataset job: the backend said that it is ready.';

CREATE FUNCTION s2s.dataset_wait(i s2s.instance, p_lane text, p_poll_after interval) RETURNS s2s.instance
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.dataset_wait(i s2s.instance, p_lane text, p_poll_after interval) IS 'The backend said that the dataset of a (locked) instance is not ready: from now on it is asked. ready_at is null then.';

CREATE FUNCTION s2s.datasets_claim(p_lease uuid, p_limit integer, p_lease_for interval, p_max_attempts integer, p_patience interval, p_lanes text[], p_rooms integer[] DEFAULT NULL::integer[]) RETURNS TABLE(job_id bigint, job_attempts integer, postponed integer, lane text, instance_id text, session_id text, verification_id text, peer text, configuration_id text, subject_ref text, subject_sealed bytea, credential_version text)
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.datasets_claim(p_lease uuid, p_limit integer, p_lease_for interval, p_max_attempts integer, p_patience interval, p_lanes text[], p_rooms integer[]) IS 'Claims dataset jobs; finishes those that are void. After p_patience one is a dead letter: the next get starts anew.';

CREATE FUNCTION s2s.datasets_distinct(p_approved_ids text[], p_subject_refs text[], p_subject_sealed bytea[], OUT approved_ids text[], OUT subject_refs text[], OUT subject_sealed bytea[]) RETURNS record
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.datasets_distinct(p_approved_ids text[], p_subject_refs text[], p_subject_sealed bytea[], OUT approved_ids text[], OUT subject_refs text[], OUT subject_sealed bytea[]) IS 'There is one instance for a dataset: what is approved twice is approved once, in the order of approval.';

CREATE TABLE s2s.delivery_dead (
    delivery_id bigint NOT NULL,
    died_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    owed_at timestamp with time zone NOT NULL,
    attempts integer NOT NULL,
    peer text NOT NULL COLLATE pg_catalog."C",
    endpoint text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    payload json,
    reason text NOT NULL,
    side text DEFAULT 'ISSUER'::text NOT NULL COLLATE pg_catalog."C"
);

COMMENT ON TABLE s2s.delivery_dead IS 'Deliveries given up. They stay until an operator acts.';

COMMENT ON COLUMN s2s.delivery_dead.reason IS 'The last failure; never payload or personal data.';

CREATE FUNCTION s2s.dead_letters_page(p_peer text, p_before bigint, p_limit integer) RETURNS SETOF s2s.delivery_dead
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.dead_letters_page(p_peer text, p_before bigint, p_limit integer) IS 'Dead letters, those owed last first, from a place on; to one peer or all.';

CREATE FUNCTION s2s.decision_fsck() RETURNS TABLE(check_name text, detail text)
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.decision_fsck() IS 'Broken promises of these tables, for s2s.fsck().';

CREATE FUNCTION s2s.deliveries_claim(p_lease uuid, p_limit integer, p_per_peer integer, p_lease_for interval) RETURNS TABLE(delivery_id bigint, peer text, endpoint text, request_id uuid, attempts integer, body text, session_id text, side text, sealed bytea)
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.deliveries_claim(p_lease uuid, p_limit integer, p_per_peer integer, p_lease_for interval) IS 'Leases due deliveries, at most p_per_peer in flight to a peer (one probe after a block), with what to send.';

CREATE TABLE s2s.delivery (
    delivery_id bigint NOT NULL,
    next_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    owed_at timestamp with time zone NOT NULL,
    owed bigint DEFAULT 1 NOT NULL,
    sending bigint,
    request_id uuid NOT NULL,
    lease uuid,
    attempts integer DEFAULT 0 NOT NULL,
    same_failures integer DEFAULT 0 NOT NULL,
    peer text NOT NULL COLLATE pg_catalog."C",
    endpoint text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    last_failure text,
    body_digest bytea,
    payload json,
    side text DEFAULT 'ISSUER'::text NOT NULL COLLATE pg_catalog."C",
    seen bigint,
    polls integer DEFAULT 0 NOT NULL,
    stray boolean DEFAULT false NOT NULL,
    fencing boolean DEFAULT false NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_delay='0', autovacuum_analyze_scale_factor='0.05');

COMMENT ON TABLE s2s.delivery IS 'A peer is owed a message about a thing. What it says is read when it is sent, so pokes to one thing are one row, and the one row is the one flight that there can be: an older state never follows a newer one.';

COMMENT ON COLUMN s2s.delivery.next_at IS 'When it may be claimed: its schedule, or the end of its lease.';

COMMENT ON COLUMN s2s.delivery.owed_at IS 'Since when the latest is owed.';

COMMENT ON COLUMN s2s.delivery.owed IS 'Grows each time it is owed anew.';

COMMENT ON COLUMN s2s.delivery.sending IS 'The value of owed that the flight in progress carries.';

COMMENT ON COLUMN s2s.delivery.request_id IS 'x-request-id, the same for every attempt to send the same body.';

COMMENT ON COLUMN s2s.delivery.lease IS 'Fencing token of the flight in progress: ending it needs it.';

COMMENT ON COLUMN s2s.delivery.attempts IS 'Failed ones; those that a block of the peer has stopped do not count.';

COMMENT ON COLUMN s2s.delivery.same_failures IS 'How often last_failure came in a row under this request_id (D17).';

COMMENT ON COLUMN s2s.delivery.endpoint IS 'Path; of a webhook, the event type.';

COMMENT ON COLUMN s2s.delivery.ref IS 'The thing that it is about.';

COMMENT ON COLUMN s2s.delivery.body_digest IS 'SHA-256 of the body last sent under request_id.';

COMMENT ON COLUMN s2s.delivery.payload IS 'Facts of the occasion that no other table keeps, such as an event''s type.';

COMMENT ON COLUMN s2s.delivery.side IS 'ISSUER or WALLET: the role that owes it, whose tables it is about.';

COMMENT ON COLUMN s2s.delivery.seen IS 'Version of the thing when what is in flight was sent first.';

COMMENT ON COLUMN s2s.delivery.polls IS 'Answers so far that said "not yet".';

COMMENT ON COLUMN s2s.delivery.stray IS 'What was sent under request_id got no answer, and may still arrive, even after what is sent later.';

COMMENT ON COLUMN s2s.delivery.fencing IS 'What is sent under request_id now differs from a stray: it takes the id from it, and is then sent once more under another one.';

CREATE FUNCTION s2s.deliveries_page(p_ref text, p_peer text, p_after_at timestamp with time zone, p_after_id bigint, p_limit integer) RETURNS SETOF s2s.delivery
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.deliveries_page(p_ref text, p_peer text, p_after_at timestamp with time zone, p_after_id bigint, p_limit integer) IS 'Deliveries in the order in which they are due, from a place on: about one thing, to one peer, or all. What is put off between two pages is met again.';

CREATE FUNCTION s2s.delivery_again(d s2s.delivery) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.delivery_again(d s2s.delivery) IS 'Ends the flight of a (locked) delivery that was owed anew meanwhile: a new message is due.';

CREATE FUNCTION s2s.delivery_answered(d s2s.delivery, p_status integer, p_answer jsonb, p_poll_first interval, p_poll_longest interval, OUT verdict text, OUT detail text, OUT due timestamp with time zone) RETURNS record
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.delivery_answered(d s2s.delivery, p_status integer, p_answer jsonb, p_poll_first interval, p_poll_longest interval, OUT verdict text, OUT detail text, OUT due timestamp with time zone) IS 'Does what an answer brings about. verdict: done, again (there is more to send), wait (ask again at due), refused (this cannot be the answer: detail says why, and nothing has changed).';

CREATE FUNCTION s2s.delivery_backoff(p_attempts integer) RETURNS interval
    LANGUAGE sql
    AS …

COMMENT ON FUNCTION s2s.delivery_backoff(p_attempts integer) IS 'How long to wait after so many attempts (profile section 7).';

CREATE FUNCTION s2s.delivery_bury(d s2s.delivery, p_reason text) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.delivery_bury(d s2s.delivery, p_reason text) IS 'Makes a (locked) delivery a dead letter.';

CREATE FUNCTION s2s.delivery_done(p_delivery_id bigint, p_lease uuid, p_status integer, p_answer text, p_poll_first interval DEFAULT NULL::interval, p_poll_longest interval DEFAULT NULL::interval, p_give_up_after interval DEFAULT '7 days'::interval) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.delivery_done(p_delivery_id bigint, p_lease uuid, p_status integer, p_answer text, p_poll_first interval, p_poll_longest interval, p_give_up_after interval) IS 'The peer has answered with a 2xx. p_poll_first and p_poll_longest: how soon and how seldom to ask a peer that has nothing to tell yet; null: not at all, it will notify. The lane is left to the caller, as this may be one call of a batch: s2s.lane_cleared, if the answer is taken and the lane is unwell.';

CREATE FUNCTION s2s.delivery_drop(d s2s.delivery) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.delivery_drop(d s2s.delivery) IS 'Ends a (locked) delivery that nobody needs any more.';

CREATE FUNCTION s2s.delivery_end(d s2s.delivery, p_again boolean, p_detail text) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.delivery_end(d s2s.delivery, p_again boolean, p_detail text) IS 'The peer has it. What was owed anew during the flight, or is still to be sent, is due at once, as a new request.';

CREATE FUNCTION s2s.delivery_endpoints() RETURNS SETOF text
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.delivery_endpoints() IS 'Where deliveries go: the issuer''s, the wallet''s, and those of both.';

CREATE FUNCTION s2s.delivery_failed(p_delivery_id bigint, p_lease uuid, p_kind text, p_failure text, p_delay interval, p_block interval, p_give_up_after interval, p_status integer DEFAULT 0, p_answer text DEFAULT NULL::text, p_may_arrive boolean DEFAULT NULL::boolean) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.delivery_failed(p_delivery_id bigint, p_lease uuid, p_kind text, p_failure text, p_delay interval, p_block interval, p_give_up_after interval, p_status integer, p_answer text, p_may_arrive boolean) IS 'A flight failed: retry (later), fault (the same, but of the message, or of the answer to it: the lane has nothing to do with it), blocked (the peer as a whole: no attempt used up), final (an outcome for the thing, or a dead letter). p_failure is "HTTP <status>" for an answer, p_status and p_answer its status and body. p_may_arrive: the peer may still come to read the message; null: it may when there was no answer. p_block keeps the whole lane waiting, whatever the kind. Locks the lane: in a transaction of its own.';

CREATE FUNCTION s2s.delivery_given_up(d s2s.delivery, p_reason text) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.delivery_given_up(d s2s.delivery, p_reason text) IS 'A delivery is a dead letter now. Its thing may be locked by somebody: nobody is waited for.';

CREATE FUNCTION s2s.delivery_hurry(p_endpoint text, p_ref text, p_side text) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.delivery_hurry(p_endpoint text, p_ref text, p_side text) IS 'What waits for its time is due now; after a flight in progress, once more.';

CREATE FUNCTION s2s.delivery_is_webhook(p_endpoint text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.delivery_is_webhook(p_endpoint text) IS 'Whether this is the type of an event, and no path.';

CREATE FUNCTION s2s.delivery_lock_thing(p_delivery_id bigint) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.delivery_lock_thing(p_delivery_id bigint) IS 'Locks what the end of a flight will change: before the delivery, as whoever owes does.';

CREATE FUNCTION s2s.delivery_message(d s2s.delivery, OUT body text, OUT session_id text, OUT sealed bytea, OUT seen bigint) RETURNS record
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.delivery_message(d s2s.delivery, OUT body text, OUT session_id text, OUT sealed bytea, OUT seen bigint) IS 'What to send, of the state as it is now; null when there is nothing to say any more. sealed holds further members of the body, which only the gateway can read; seen is the version of the thing.';

CREATE FUNCTION s2s.delivery_owe(p_peer text, p_endpoint text, p_ref text, p_payload json DEFAULT NULL::json, p_due timestamp with time zone DEFAULT NULL::timestamp with time zone, p_side text DEFAULT 'ISSUER'::text) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.delivery_owe(p_peer text, p_endpoint text, p_ref text, p_payload json, p_due timestamp with time zone, p_side text) IS 'A peer is to be told about a thing, now or at p_due. Nothing is owed to a peer that cannot be called.';

CREATE FUNCTION s2s.delivery_redrive(p_delivery_id bigint) RETURNS boolean
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.delivery_redrive(p_delivery_id bigint) IS 'Owes a dead letter again, as a new request with its full time.';

CREATE FUNCTION s2s.delivery_refused(d s2s.delivery, p_status integer, p_answer jsonb) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.delivery_refused(d s2s.delivery, p_status integer, p_answer jsonb) IS 'Does what a final refusal brings about: done or again; null when it has no place in the state and is a dead letter.';

CREATE FUNCTION s2s.delivery_retry(d s2s.delivery, p_failure text, p_delay interval, p_give_up_after interval) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.delivery_retry(d s2s.delivery, p_failure text, p_delay interval, p_give_up_after interval) IS 'Ends the flight of a (locked) delivery, to send it again later; or buries it, with all that has waited for as long.';

CREATE FUNCTION s2s.delivery_stats() RETURNS TABLE(peer text, depth bigint, oldest_age_s double precision, blocked boolean, dead bigint)
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.delivery_stats() IS 'By peer, up to 100,000 each: what is owed by now, since when, whether the lane is blocked or probing, dead letters.';

CREATE FUNCTION s2s.delivery_wait(d s2s.delivery, p_due timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.delivery_wait(d s2s.delivery, p_due timestamp with time zone) IS 'Ends the flight of a (locked) delivery that was told "not yet": it asks again then, as a new request.';

CREATE FUNCTION s2s.delivery_withdraw(p_endpoint text, p_ref text, p_side text DEFAULT 'ISSUER'::text, p_but bigint DEFAULT NULL::bigint) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.delivery_withdraw(p_endpoint text, p_ref text, p_side text, p_but bigint) IS 'There is no more need to tell about a thing. A flight in progress is fenced, unless it is p_but: the one whose end this belongs to.';

CREATE FUNCTION s2s.device_is_held(v s2s.verification) RETURNS boolean
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.device_is_held(v s2s.verification) IS 'Whether a verification has, or may yet get, a credential on its device.';

CREATE FUNCTION s2s.devices_authorized(p_root_verification_id text) RETURNS integer
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.devices_authorized(p_root_verification_id text) IS 'For how many devices an approval, and all that is derived from it, is good.';

CREATE FUNCTION s2s.devices_held(p_root_verification_id text) RETURNS SETOF text
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.devices_held(p_root_verification_id text) IS 'The sessions that count against one approval.';

CREATE FUNCTION s2s.distinct_ids(p_ids text[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.distinct_ids(p_ids text[]) IS 'Each once, in the order of their first appearance.';

CREATE FUNCTION s2s.evaluation_done(p_job_id bigint, p_lease uuid, p_data_seq integer, p_status text, p_reason_code text, p_message text, p_approved_ids text[], p_subject_refs text[], p_authorized_device_count integer, p_data_request text, p_deadline_in interval, p_max_attempts integer, p_subject_sealed bytea[] DEFAULT NULL::bytea[], p_subject_aliases json DEFAULT NULL::json) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.evaluation_done(p_job_id bigint, p_lease uuid, p_data_seq integer, p_status text, p_reason_code text, p_message text, p_approved_ids text[], p_subject_refs text[], p_authorized_device_count integer, p_data_request text, p_deadline_in interval, p_max_attempts integer, p_subject_sealed bytea[], p_subject_aliases json) IS 'Finishes an evaluate job and applies its decision, if the lease is still ours and nothing overtook it.';

CREATE FUNCTION s2s.evaluation_end(p_job_id bigint, p_lease uuid) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.evaluation_end(p_job_id bigint, p_lease uuid) IS 'Ends an evaluate job, if the lease is still ours; its verification, else null.';

CREATE FUNCTION s2s.evaluation_facts(p_job_id bigint, p_lease uuid, p_checks json) RETURNS json
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.evaluation_facts(p_job_id bigint, p_lease uuid, p_checks json) IS 'Checks the items of an evaluation that the database knows about, and uses up for its verification what they are good for.';

CREATE FUNCTION s2s.evaluation_lock(p_verification_id text, p_data_seq integer) RETURNS s2s.verification
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.evaluation_lock(p_verification_id text, p_data_seq integer) IS 'Locks the verification of an evaluation; null when it has gone on without it.';

CREATE FUNCTION s2s.evaluation_undecided(p_job_id bigint, p_lease uuid, p_data_seq integer, p_reason text) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.evaluation_undecided(p_job_id bigint, p_lease uuid, p_data_seq integer, p_reason text) IS 'Finishes an evaluate job without a decision, as none came that could be used: somebody must look at it.';

CREATE FUNCTION s2s.evaluations_claim(p_lease uuid, p_limit integer, p_lease_for interval, p_max_attempts integer, p_max_octets bigint, p_lanes text[] DEFAULT '{""}'::text[], p_rooms integer[] DEFAULT NULL::integer[]) RETURNS TABLE(job_id bigint, job_attempts integer, session_id text, verification_id text, peer text, status text, wsk text, configuration_ids text[], requested_device_count integer, attempts integer, data_seq integer, client_jwe text[], server_sealed bytea[], lane text, postponed integer, wsk_thumbprint text, attestation text, locale text, supported_types text[], data_request text, issuer_sealed bytea[], client_seq integer[], server_seq integer[], issuer_seq integer[], previous_verification_id text, root_verification_id text, fetches integer)
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.evaluations_claim(p_lease uuid, p_limit integer, p_lease_for interval, p_max_attempts integer, p_max_octets bigint, p_lanes text[], p_rooms integer[]) IS 'Claims evaluate jobs together with all submissions so far, oldest first, of p_max_octets in all unless one alone is larger; finishes those that are void. …_seq: the submission that brought each item.';

CREATE FUNCTION s2s.expire_due(p_limit integer) RETURNS integer
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.expire_due(p_limit integer) IS 'Ends verifications whose time is over, at most p_limit; how many.';

CREATE FUNCTION s2s.facts_act(p_side text, p_action text, INOUT confirmed boolean, INOUT wallet_suspended boolean, INOUT issuer_suspended boolean, INOUT unlinked boolean, INOUT cancelled boolean, OUT failure_reason text) RETURNS record
    LANGUAGE plpgsql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.facts_act(p_side text, p_action text, INOUT confirmed boolean, INOUT wallet_suspended boolean, INOUT issuer_suspended boolean, INOUT unlinked boolean, INOUT cancelled boolean, OUT failure_reason text) IS 'The facts after an act, or why it cannot be. An action that does not exist for that side is a bug and raises.';

CREATE FUNCTION s2s.facts_status(p_cancelled boolean, p_unlinked boolean, p_issuer_suspended boolean, p_wallet_suspended boolean, p_confirmed boolean) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.facts_status(p_cancelled boolean, p_unlinked boolean, p_issuer_suspended boolean, p_wallet_suspended boolean, p_confirmed boolean) IS 'The status that the facts amount to, strongest first.';

CREATE FUNCTION s2s.fetch_event_ref(p_transaction_id text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.fetch_event_ref(p_transaction_id text) IS 'What the delivery is about that says that a transaction is ready.';

CREATE FUNCTION s2s.fetch_open(i s2s.instance, p_keys text, p_keys_digest bytea, p_ready_after interval, p_most integer) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.fetch_open(i s2s.instance, p_keys text, p_keys_digest bytea, p_ready_after interval, p_most integer) IS 'The transaction of these keys, made when there is none. The first of an instance starts its time to readiness (null: not known), and the wallet is owed word when it is over. Beyond p_most it takes the place of the oldest.';

CREATE FUNCTION s2s.fetch_owe_ready(i s2s.instance, p_transaction_id text, p_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.fetch_owe_ready(i s2s.instance, p_transaction_id text, p_at timestamp with time zone) IS 'The wallet is owed word, at p_at, that a transaction is ready.';

CREATE FUNCTION s2s.fetch_spend(i s2s.instance, p_transaction_id text, p_keys_digest bytea) RETURNS boolean
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.fetch_spend(i s2s.instance, p_transaction_id text, p_keys_digest bytea) IS 'Spends the transaction, if one is given, and the one of the same keys, if there is one. False: it is spent already.';

CREATE FUNCTION s2s.fetches_end(p_transaction_ids text[]) RETURNS boolean
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.fetches_end(p_transaction_ids text[]) IS 'Ends transactions of (locked) instances: nobody is told any more that they are ready.';

CREATE FUNCTION s2s.fetches_forget(p_retention interval, p_limit integer) RETURNS integer
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.fetches_forget(p_retention interval, p_limit integer) IS 'Ends transactions that nobody has come for, p_retention after they were opened, or ready if that was later. Waits for no instance.';

CREATE FUNCTION s2s.fetches_most() RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.fetches_most() IS 'The most gets of an instance that may wait, whatever limit is configured.';

CREATE FUNCTION s2s.fsck() RETURNS TABLE(check_name text, detail text)
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'on'
    AS …

COMMENT ON FUNCTION s2s.fsck() IS 'Broken promises; no rows when all is well.';

CREATE FUNCTION s2s.hashes(p_list json) RETURNS bytea[]
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.hashes(p_list json) IS 'A JSON array of hex strings.';

CREATE FUNCTION s2s.http_date(p_at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.http_date(p_at timestamp with time zone) IS 'IMF-fixdate (RFC 9110 section 5.6.7).';

CREATE FUNCTION s2s.instance_act(i s2s.instance, p_side text, p_action text, p_reason text, OUT previous_status text, OUT current_status text, OUT outcome text, OUT failure_reason text) RETURNS record
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.instance_act(i s2s.instance, p_side text, p_action text, p_reason text, OUT previous_status text, OUT current_status text, OUT outcome text, OUT failure_reason text) IS 'The one place where the facts of a (locked) instance change: WALLET or ISSUER does CONFIRM, SUSPEND, RESUME, UNLINK or CANCEL. An action that does not exist for that side is a bug and raises. The wallet is told what the issuer did.';

CREATE FUNCTION s2s.instance_audit(p_who text, p_role text, p_request_id uuid, p_instance_id text, p_action text, p_outcome text, p_bulk_id text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.instance_audit(p_who text, p_role text, p_request_id uuid, p_instance_id text, p_action text, p_outcome text, p_bulk_id text) IS 'Writes down an act of s2s.instance_command(), whatever came of it.';

CREATE FUNCTION s2s.instance_command(p_instance_id text, p_action text, p_reason text) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.instance_command(p_instance_id text, p_action text, p_reason text) IS 'What the issuer''s operator does to an instance: SUSPEND, RESUME, CANCEL; or says of it: UPDATED, DISPLAY_UPDATED.';

CREATE FUNCTION s2s.instance_is_live(i s2s.instance) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.instance_is_live(i s2s.instance) IS 'Whether it is on a device, or may yet come to be.';

CREATE FUNCTION s2s.instance_json(i s2s.instance) RETURNS json
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.instance_json(i s2s.instance) IS 'An instance, as the operator''s webhooks see it.';

CREATE FUNCTION s2s.instance_lock_for(p_peer text, p_session_id text, p_instance_id text) RETURNS s2s.instance
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.instance_lock_for(p_peer text, p_session_id text, p_instance_id text) IS 'Locks an instance for the peer that owns its session.';

CREATE FUNCTION s2s.instance_managed(p_instance_id text, p_answer jsonb) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.instance_managed(p_instance_id text, p_answer jsonb) IS 'Keeps what the wallet answered to a /credential/manage of ours, or told later, if it had scheduled that.';

CREATE FUNCTION s2s.instance_permits_get(i s2s.instance) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.instance_permits_get(i s2s.instance) IS 'Whether a credential may be handed out.';

CREATE FUNCTION s2s.instance_reported(i s2s.instance, p_report jsonb) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.instance_reported(i s2s.instance, p_report jsonb) IS 'What came of a /credential/manage that the wallet had scheduled, of a (locked) instance.';

CREATE FUNCTION s2s.instance_status(i s2s.instance) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.instance_status(i s2s.instance) IS 'The status that the facts amount to, strongest first.';

CREATE FUNCTION s2s.instance_statuses() RETURNS SETOF text
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.instance_statuses() IS 'The statuses of an instance.';

CREATE FUNCTION s2s.instance_tell(i s2s.instance, p_event_type text) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.instance_tell(i s2s.instance, p_event_type text) IS 'The wallet is owed an event about an instance.';

CREATE FUNCTION s2s.instances_page(p_session_ids text[], p_subject_refs text[], p_configuration text, p_statuses text[], p_before_at timestamp with time zone, p_before_id text, p_limit integer) RETURNS SETOF s2s.instance
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.instances_page(p_session_ids text[], p_subject_refs text[], p_configuration text, p_statuses text[], p_before_at timestamp with time zone, p_before_id text, p_limit integer) IS 'Instances, newest first, from a place on: of some sessions; else of a subject, by its pseudonyms; else of one configuration or all, in some statuses or any.';

CREATE FUNCTION s2s.instances_take_over(v s2s.verification) RETURNS boolean
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.instances_take_over(v s2s.verification) IS 'What another verification of the session (locked) has provisioned and is live stays what it is: same dataset, same instance. Whether there was any that this one has not had yet.';

CREATE FUNCTION s2s.is_owed(p_endpoint text, p_ref text, p_side text) RETURNS boolean
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.is_owed(p_endpoint text, p_ref text, p_side text) IS 'Somebody is owed word of a thing, or a dead letter says that he is not.';

CREATE FUNCTION s2s.issuer_answer(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_status integer, p_body text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_answer(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_status integer, p_body text) IS 'Answers with what the gateway found out without touching any state.';

CREATE FUNCTION s2s.issuer_answered(d s2s.delivery, p_status integer, p_answer jsonb) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_answered(d s2s.delivery, p_status integer, p_answer jsonb) IS 'Does what an answer of the wallet brings about.';

CREATE FUNCTION s2s.issuer_cancel(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text, p_reason text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_cancel(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text, p_reason text) IS 'Ends a verification that is not final as DENIED (D11); may be repeated.';

CREATE FUNCTION s2s.issuer_credential_status(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_current_version text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_credential_status(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_current_version text) IS 'Shows the status of an instance as it is now. p_current_version is null when the dataset is gone: then the version last fetched is shown.';

CREATE FUNCTION s2s.issuer_event(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_event_type text, p_known boolean, p_failure_reason text DEFAULT NULL::text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_event(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_event_type text, p_known boolean, p_failure_reason text) IS 'Takes note of an event. Events are pokes: repeated ones change nothing twice. p_failure_reason: of a lifecycle that the wallet had scheduled, and that failed.';

CREATE FUNCTION s2s.issuer_get(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_version bigint, p_credential_version text, p_transaction_id text, p_status integer, p_body text, p_keys_digest bytea DEFAULT NULL::bytea) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_get(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_version bigint, p_credential_version text, p_transaction_id text, p_status integer, p_body text, p_keys_digest bytea) IS 'Commits the answer that the gateway computed from the instance as it was at p_version, if it still is.';

CREATE FUNCTION s2s.issuer_get_pending(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_version bigint, p_keys text, p_keys_digest bytea, p_ready_after interval, p_interval integer, p_transaction_id text DEFAULT NULL::text, p_lane text DEFAULT NULL::text, p_poll_after interval DEFAULT NULL::interval, p_most integer DEFAULT 8) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_get_pending(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_version bigint, p_keys text, p_keys_digest bytea, p_ready_after interval, p_interval integer, p_transaction_id text, p_lane text, p_poll_after interval, p_most integer) IS 'Tells a get to come back (D9): with its transaction_id, or with a new one. p_lane: a backend said that it is not ready now, whatever was known before, and is asked again after p_poll_after. p_most: gets of an instance that wait.';

CREATE FUNCTION s2s.issuer_initiate(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_configuration_ids text[], p_wsk text, p_wsk_thumbprint text, p_requested_device_count integer, p_supported_types text[], p_locale text, p_client_jwe text[], p_server_sealed bytea, p_max_attempts integer, p_lifetime interval, p_max_submissions integer, p_max_octets bigint, p_nonce_jti text DEFAULT NULL::text, p_attestation text DEFAULT 'IGNORED'::text, p_lane text DEFAULT ''::text, p_lease uuid DEFAULT NULL::uuid, p_lease_for interval DEFAULT NULL::interval, p_opens_lane boolean DEFAULT false) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_initiate(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_configuration_ids text[], p_wsk text, p_wsk_thumbprint text, p_requested_device_count integer, p_supported_types text[], p_locale text, p_client_jwe text[], p_server_sealed bytea, p_max_attempts integer, p_lifetime interval, p_max_submissions integer, p_max_octets bigint, p_nonce_jti text, p_attestation text, p_lane text, p_lease uuid, p_lease_for interval, p_opens_lane boolean) IS 'Uses up the session id, or opens its session anew (re-verification); opens a verification and asks for its evaluation.';

CREATE FUNCTION s2s.issuer_load(p_peer text, p_session_id text, p_instance_id text, p_transaction_id text) RETURNS TABLE(found boolean, wsk text, configuration_id text, subject_ref text, verification_id text, status text, version bigint, ready_at_ms bigint, transaction_found boolean, keys text, keys_digest bytea, subject_sealed bytea, credential_version text, dataset_version text, dataset_sealed bytea, dataset_valid_until_ms bigint)
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.issuer_load(p_peer text, p_session_id text, p_instance_id text, p_transaction_id text) IS 'What the gateway must know before it can check a request. Another peer''s session is not found.';

CREATE FUNCTION s2s.issuer_lock_thing(d s2s.delivery) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_lock_thing(d s2s.delivery) IS 'Locks what an answer of the wallet will change.';

CREATE FUNCTION s2s.issuer_manage(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_action text, p_reason text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_manage(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_action text, p_reason text) IS 'What the wallet asks of an instance: SUSPEND, RESUME, UNLINK.';

CREATE FUNCTION s2s.issuer_message(d s2s.delivery, OUT body text, OUT session_id text) RETURNS record
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.issuer_message(d s2s.delivery, OUT body text, OUT session_id text) IS 'What to send to a wallet; null when there is nothing to say.';

CREATE TABLE s2s.issuer_metadata (
    next_at timestamp with time zone NOT NULL,
    fetched_at timestamp with time zone,
    expires_at timestamp with time zone,
    lease uuid,
    attempts integer DEFAULT 0 NOT NULL,
    active boolean DEFAULT true NOT NULL,
    issuer text NOT NULL COLLATE pg_catalog."C",
    identifier text COLLATE pg_catalog."C",
    etag text,
    failure text,
    body text
)
WITH (fillfactor='50');

COMMENT ON TABLE s2s.issuer_metadata IS 'What the issuers publish of themselves, fetched again when it is out of date.';

COMMENT ON COLUMN s2s.issuer_metadata.next_at IS 'When it is to be fetched: its schedule, or the end of the lease.';

COMMENT ON COLUMN s2s.issuer_metadata.lease IS 'Fencing token of the fetch in progress: ending it needs it.';

COMMENT ON COLUMN s2s.issuer_metadata.attempts IS 'Failures since the last success.';

COMMENT ON COLUMN s2s.issuer_metadata.active IS 'In the configuration. What is not, is not fetched.';

COMMENT ON COLUMN s2s.issuer_metadata.issuer IS 'Name of the peer.';

COMMENT ON COLUMN s2s.issuer_metadata.identifier IS 'Credential Issuer Identifier: the document is of this one.';

COMMENT ON COLUMN s2s.issuer_metadata.failure IS 'Why the last fetch failed; null when it did not.';

COMMENT ON COLUMN s2s.issuer_metadata.body IS 'The document as it came.';

CREATE FUNCTION s2s.issuer_metadata_json(m s2s.issuer_metadata) RETURNS json
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.issuer_metadata_json(m s2s.issuer_metadata) IS 'An issuer, as the application sees it in a list.';

CREATE FUNCTION s2s.issuer_provision(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_provision(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text) IS 'Makes the instances of an approved verification, once, and lists them. Those of datasets that another verification of the session has made an instance of already are the same ones.';

CREATE FUNCTION s2s.issuer_refused(d s2s.delivery, p_status integer, p_answer jsonb) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_refused(d s2s.delivery, p_status integer, p_answer jsonb) IS 'Does what a final refusal of the wallet brings about; null when it is for an operator.';

CREATE FUNCTION s2s.issuer_replay(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_replay(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid) IS 'Asks for the stored answer before the gateway gives up on a request. Claims nothing and stores nothing.';

CREATE FUNCTION s2s.issuer_supplement(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text, p_client_jwe text[], p_server_sealed bytea, p_max_submissions integer, p_max_octets bigint, p_lane text DEFAULT NULL::text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_supplement(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text, p_client_jwe text[], p_server_sealed bytea, p_max_submissions integer, p_max_octets bigint, p_lane text) IS 'Adds a submission: the verification is PENDING again and evaluated anew. The deadline stands still meanwhile.';

CREATE FUNCTION s2s.issuer_verification_status(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.issuer_verification_status(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text) IS 'Shows the verification as it is now.';

CREATE TABLE s2s.job (
    job_id bigint NOT NULL,
    next_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    lease uuid,
    attempts integer DEFAULT 0 NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    lane text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    payload json,
    octets bigint DEFAULT 0 NOT NULL,
    postponed integer DEFAULT 0 NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_delay='0');

COMMENT ON TABLE s2s.job IS 'Work to do. A finished job is deleted by the statement that finishes it.';

COMMENT ON COLUMN s2s.job.next_at IS 'When it may be claimed: its schedule, or the end of its lease.';

COMMENT ON COLUMN s2s.job.lease IS 'Fencing token of the claim: finishing a job needs it.';

COMMENT ON COLUMN s2s.job.attempts IS 'Claims so far, without those that were postponed.';

COMMENT ON COLUMN s2s.job.lane IS 'Backend, for work that depends on one; else empty. A claim names the lanes that have room.';

COMMENT ON COLUMN s2s.job.ref IS 'What it is about: for evaluate the verification_id, for dataset the instance_id.';

COMMENT ON COLUMN s2s.job.payload IS 'For evaluate, {"dataSeq": n}: the submission to evaluate.';

COMMENT ON COLUMN s2s.job.octets IS 'What a claim has to load with it: it bounds how many jobs one claim takes.';

COMMENT ON COLUMN s2s.job.postponed IS 'How often it was put off because somebody else was not ready: no fault of the job.';

CREATE FUNCTION s2s.job_bury(j s2s.job, p_error text) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.job_bury(j s2s.job, p_error text) IS 'Makes a (locked) job a dead letter.';

CREATE FUNCTION s2s.job_fetches(p_payload json) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.job_fetches(p_payload json) IS 'How often a job was put off as something could not be fetched.';

CREATE FUNCTION s2s.job_kinds() RETURNS SETOF text
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.job_kinds() IS 'The kinds of jobs there are.';

CREATE FUNCTION s2s.job_postpone(p_job_id bigint, p_lease uuid, p_delay interval, p_error text DEFAULT NULL::text, p_lane text DEFAULT NULL::text, p_fetch boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.job_postpone(p_job_id bigint, p_lease uuid, p_delay interval, p_error text, p_lane text, p_fetch boolean) IS 'Puts off a job because somebody else is not ready: it never dies of that. p_lane: it is for another lane. p_fetch: something that it refers to could not be fetched, which is counted for itself.';

CREATE FUNCTION s2s.job_redrive(p_job_id bigint) RETURNS boolean
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.job_redrive(p_job_id bigint) IS 'An operator sends a dead letter again, with all its attempts and its patience.';

CREATE FUNCTION s2s.job_retry(p_job_id bigint, p_lease uuid, p_delay interval, p_error text, p_max_attempts integer) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.job_retry(p_job_id bigint, p_lease uuid, p_delay interval, p_error text, p_max_attempts integer) IS 'Gives a failed job back for later, or to the dead letters after p_max_attempts.';

CREATE FUNCTION s2s.jobs_claim(p_lease uuid, p_limit integer, p_lease_for interval, p_kind text, p_max_attempts integer, p_max_octets bigint, p_lanes text[] DEFAULT '{""}'::text[], p_rooms integer[] DEFAULT NULL::integer[]) RETURNS TABLE(job_id bigint, ref text, attempts integer, postponed integer, payload json, lane text, created_at timestamp with time zone)
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.jobs_claim(p_lease uuid, p_limit integer, p_lease_for interval, p_kind text, p_max_attempts integer, p_max_octets bigint, p_lanes text[], p_rooms integer[]) IS 'Leases due jobs that nobody else is claiming, of these lanes, of each as many as its room (null: no bound), as many as p_max_octets allow; those claimed p_max_attempts times become dead letters.';

CREATE FUNCTION s2s.jobs_lanes_set(p_lanes text[]) RETURNS integer
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.jobs_lanes_set(p_lanes text[]) IS 'The lanes that the configuration knows. What waits in another one would wait for ever: it goes to the lane without a name, where whoever claims it sees what the configuration says now.';

CREATE FUNCTION s2s.json_join(VARIADIC p_objects json[]) RETURNS json
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.json_join(VARIADIC p_objects json[]) IS 'One object of the members of all, which must differ; null objects have none. What others wrote stays as it is: jsonb would refuse some of its numbers.';

CREATE FUNCTION s2s.lane_cleared(p_peer text) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.lane_cleared(p_peer text) IS 'A flight arrived: the peer is well. Writes nothing while it was.';

CREATE FUNCTION s2s.lane_failed(p_peer text, p_counts boolean, p_block interval) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.lane_failed(p_peer text, p_counts boolean, p_block interval) IS 'A flight failed: may open the breaker (p_counts), or blocks the lane for as long as the caller says (p_block).';

CREATE FUNCTION s2s.lane_is_unwell(p_peer text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.lane_is_unwell(p_peer text) IS 'Whether there is something for s2s.lane_cleared to forget.';

CREATE FUNCTION s2s.lane_names(p_peer text) RETURNS SETOF text
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.lane_names(p_peer text) IS 'Whoever was ever owed anything, or one of them: lanes never go.';

CREATE FUNCTION s2s.lane_open(p_peer text) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.lane_open(p_peer text) IS 'A peer that the configuration has can be called. s2s.lanes_set says so of all, but that is still to come right after a start or a reload: what is owed by then must not be lost.';

CREATE FUNCTION s2s.lane_pause(p_failures integer) RETURNS interval
    LANGUAGE sql
    AS …

COMMENT ON FUNCTION s2s.lane_pause(p_failures integer) IS 'The breaker: how long a lane rests after so many failures in a row; null: not yet. The half of it is jitter.';

CREATE FUNCTION s2s.lanes_give_up(p_give_up_after interval) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.lanes_give_up(p_give_up_after interval) IS 'Makes dead letters of what nobody sends any more, as its lane is inactive: at most 100 a call.';

CREATE FUNCTION s2s.lanes_set(p_peers text[], p_webhooks json DEFAULT NULL::json, p_give_up_after interval DEFAULT NULL::interval) RETURNS integer
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.lanes_set(p_peers text[], p_webhooks json, p_give_up_after interval) IS 'The peers and webhooks of the configuration: these have active lanes, no others. A webhook is {"name": …, "events": [types] or null for all}. What the others are owed for longer than p_give_up_after is given up.';

CREATE FUNCTION s2s.last_approved(p_session_id text) RETURNS text
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.last_approved(p_session_id text) IS 'The newest approved verification of a session.';

CREATE FUNCTION s2s.ledger_add(d s2s.delivery, p_event text, p_detail text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.ledger_add(d s2s.delivery, p_event text, p_detail text) IS 'Records what happened to a delivery, in the transaction in which it does and with its row locked.';

CREATE TABLE s2s.ledger (
    at timestamp with time zone NOT NULL,
    delivery_id bigint NOT NULL,
    request_id uuid,
    peer text NOT NULL COLLATE pg_catalog."C",
    endpoint text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    event text NOT NULL COLLATE pg_catalog."C",
    detail text
)
PARTITION BY RANGE (at);

COMMENT ON TABLE s2s.ledger IS 'What was owed and how it ended, kept for the retention time. Rows are only ever added, with what they record.';

COMMENT ON COLUMN s2s.ledger.request_id IS 'x-request-id of the last attempt.';

COMMENT ON COLUMN s2s.ledger.event IS 'owed, delivered, dropped (no longer owed, not sent), given_up (a dead letter now), redriven (owed again by an operator).';

COMMENT ON COLUMN s2s.ledger.detail IS 'Outcome or reason; never payload or personal data.';

CREATE FUNCTION s2s.ledger_page(p_ref text, p_peer text, p_from timestamp with time zone, p_before_at timestamp with time zone, p_before_id bigint, p_limit integer) RETURNS SETOF s2s.ledger
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.ledger_page(p_ref text, p_peer text, p_from timestamp with time zone, p_before_at timestamp with time zone, p_before_id bigint, p_limit integer) IS 'The ledger, newest first, from a place on and back to p_from: about one thing, of one peer, or all.';

CREATE FUNCTION s2s.ledger_since() RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.ledger_since() IS 'The ledger is complete from here on: the start of its oldest partition.';

CREATE FUNCTION s2s.maintain(p_retention interval) RETURNS integer
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.maintain(p_retention interval) IS 'Makes partitions ahead and drops those wholly older than the retention, of one table a call. To be called every hour or so, with a lock_timeout: it waits for running requests, and new ones wait for it.';

CREATE FUNCTION s2s.manage_answer(p_answer jsonb, OUT outcome text, OUT failure_reason text) RETURNS record
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.manage_answer(p_answer jsonb, OUT outcome text, OUT failure_reason text) IS 'What a peer answered to a /credential/manage of ours, within bounds.';

CREATE FUNCTION s2s.manage_json(p_at timestamp with time zone, p_outcome text, p_failure_reason text) RETURNS json
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.manage_json(p_at timestamp with time zone, p_outcome text, p_failure_reason text) IS 'The same, as this side''s own application and webhooks see it; null when there was no answer.';

CREATE FUNCTION s2s.managed_json(p_session_id text, p_instance_id text, p_previous_status text, p_current_status text, p_outcome text, p_failure_reason text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.managed_json(p_session_id text, p_instance_id text, p_previous_status text, p_current_status text, p_outcome text, p_failure_reason text) IS 'Answer of /credential/manage, of either side.';

CREATE FUNCTION s2s.metadata_claim(p_lease uuid, p_limit integer, p_lease_for interval) RETURNS TABLE(id text, attempts integer, etag text)
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.metadata_claim(p_lease uuid, p_limit integer, p_lease_for interval) IS 'Leases documents that are missing or out of date. attempts counts this one and those since the last success; etag is of the document that is there.';

CREATE FUNCTION s2s.metadata_done(p_issuer text, p_lease uuid, p_body text, p_etag text, p_max_age interval) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.metadata_done(p_issuer text, p_lease uuid, p_body text, p_etag text, p_max_age interval) IS 'The document, or word that it has not changed (no p_body); it is fetched again after p_max_age.';

CREATE FUNCTION s2s.metadata_failed(p_issuer text, p_lease uuid, p_failure text, p_delay interval) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.metadata_failed(p_issuer text, p_lease uuid, p_failure text, p_delay interval) IS 'No document this time. What is there stays, out of date as it may be.';

CREATE FUNCTION s2s.metadata_set(p_issuers text[], p_identifiers text[] DEFAULT NULL::text[]) RETURNS integer
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.metadata_set(p_issuers text[], p_identifiers text[]) IS 'The issuers that the configuration names, each once, and the identifier of each: these are fetched, no others.';

CREATE FUNCTION s2s.note_due(p_due boolean DEFAULT true) RETURNS text
    LANGUAGE sql
    AS …

COMMENT ON FUNCTION s2s.note_due(p_due boolean) IS 'Whoever owes a delivery that is due now notes it in its transaction. To be assigned: as an expression it is inlined.';

CREATE FUNCTION s2s.offer_check(v s2s.verification, p_check json, OUT verdict text, OUT reason text, OUT facts jsonb, OUT subjects jsonb) RETURNS record
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.offer_check(v s2s.verification, p_check json, OUT verdict text, OUT reason text, OUT facts jsonb, OUT subjects jsonb) IS 'Redeems a (locked) offer for a (locked, PENDING) verification: once, for it alone. A wrong transaction code costs one attempt for each submission that brings it, and nothing else.';

CREATE TABLE s2s.credential_offer (
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    attempts integer NOT NULL,
    attempts_left integer NOT NULL,
    offer_id text NOT NULL COLLATE pg_catalog."C",
    peer text COLLATE pg_catalog."C",
    used_by text COLLATE pg_catalog."C",
    created_by text,
    revoked_by text,
    subject_ref text,
    configuration_ids text[] NOT NULL,
    code_hash bytea NOT NULL,
    tx_code_hash bytea,
    reference_hash bytea,
    subject_sealed bytea,
    document_sealed bytea
);

COMMENT ON TABLE s2s.credential_offer IS 'Offers made by the issuer. Codes are kept as HMACs under the gateway''s data key only.';

COMMENT ON COLUMN s2s.credential_offer.attempts IS 'How many wrong transaction codes use it up.';

COMMENT ON COLUMN s2s.credential_offer.attempts_left IS 'attempts less the rows of offer_failure.';

COMMENT ON COLUMN s2s.credential_offer.peer IS 'The only peer that may redeem it; null: any.';

COMMENT ON COLUMN s2s.credential_offer.used_by IS 'The verification that has redeemed it: no other one ever will.';

COMMENT ON COLUMN s2s.credential_offer.subject_ref IS 'Pseudonym of the subject whose credentials are offered.';

COMMENT ON COLUMN s2s.credential_offer.code_hash IS 'HMAC of the pre-authorized code.';

COMMENT ON COLUMN s2s.credential_offer.tx_code_hash IS 'HMAC of the code and the transaction code; null: it needs none.';

COMMENT ON COLUMN s2s.credential_offer.reference_hash IS 'HMAC of the id in its credential_offer_uri, if it has one.';

COMMENT ON COLUMN s2s.credential_offer.subject_sealed IS 'The subject, sealed.';

COMMENT ON COLUMN s2s.credential_offer.document_sealed IS 'What the credential_offer_uri answers, sealed, as the code stands in it; gone as soon as the offer is over.';

CREATE FUNCTION s2s.offer_json(o s2s.credential_offer) RETURNS json
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.offer_json(o s2s.credential_offer) IS 'An offer as operators see it: neither codes nor subject.';

CREATE FUNCTION s2s.offer_make(p_offer_id text, p_code_hash bytea, p_tx_code_hash bytea, p_attempts integer, p_lifetime interval, p_configuration_ids text[], p_subject_ref text, p_subject_sealed bytea, p_peer text, p_created_by text, p_reference_hash bytea DEFAULT NULL::bytea, p_document_sealed bytea DEFAULT NULL::bytea) RETURNS s2s.credential_offer
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.offer_make(p_offer_id text, p_code_hash bytea, p_tx_code_hash bytea, p_attempts integer, p_lifetime interval, p_configuration_ids text[], p_subject_ref text, p_subject_sealed bytea, p_peer text, p_created_by text, p_reference_hash bytea, p_document_sealed bytea) IS 'Makes an offer. p_attempts wrong transaction codes use it up.';

CREATE FUNCTION s2s.offer_read(p_reference_hashes bytea[]) RETURNS TABLE(offer_id text, document_sealed bytea)
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.offer_read(p_reference_hashes bytea[]) IS 'What a credential_offer_uri answers, while the offer can be redeemed.';

CREATE FUNCTION s2s.offer_revoke(p_offer_id text, p_by text) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.offer_revoke(p_offer_id text, p_by text) IS 'Takes back an offer that nobody has redeemed yet.';

CREATE FUNCTION s2s.offer_state(o s2s.credential_offer) RETURNS text
    LANGUAGE sql
    AS …

COMMENT ON FUNCTION s2s.offer_state(o s2s.credential_offer) IS 'Whether an offer can be redeemed (OPEN), or why not.';

CREATE FUNCTION s2s.offers_forget(p_retention interval, p_limit integer) RETURNS integer
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.offers_forget(p_retention interval, p_limit integer) IS 'Empties what is left to read of expired offers, and drops those that expired longer than p_retention ago: at most p_limit of each.';

CREATE FUNCTION s2s.offers_lock(p_checks json) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.offers_lock(p_checks json) IS 'Locks all offers that some checks are about, in the order of their ids.';

CREATE FUNCTION s2s.offers_page(p_subject_refs text[], p_before_at timestamp with time zone, p_before_id text, p_limit integer) RETURNS SETOF s2s.credential_offer
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.offers_page(p_subject_refs text[], p_before_at timestamp with time zone, p_before_id text, p_limit integer) IS 'Offers, newest first, from a place on; of a subject, by its pseudonyms, or all.';

CREATE FUNCTION s2s.parsed(p_text text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.parsed(p_text text) IS 'What a peer wrote, as JSON; null when it is none that can be used. Of the result, nothing raises any more.';

CREATE FUNCTION s2s.parsed_time(p_text text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.parsed_time(p_text text) IS 'A time as somebody wrote it (RFC 3339); null when it is none.';

CREATE FUNCTION s2s.partition_make(p_parent text, p_day date) RETURNS boolean
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.partition_make(p_parent text, p_day date) IS 'Makes the partition of a day, unless it is there.';

CREATE FUNCTION s2s.partition_name(p_parent text, p_day date) RETURNS text
    LANGUAGE sql STABLE
    AS …

CREATE FUNCTION s2s.partitioned(OUT parent text, OUT time_column text, OUT unique_key text) RETURNS SETOF record
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.partitioned(OUT parent text, OUT time_column text, OUT unique_key text) IS 'The partitioned tables; unique_key is of each partition. All have a _default one.';

CREATE FUNCTION s2s.partitions_ahead(p_parent text) RETURNS integer
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.partitions_ahead(p_parent text) IS 'Makes the partitions of today and the three days after, and of every day that the default partition has caught.';

CREATE FUNCTION s2s.partitions_drop(p_parent text, p_oldest timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.partitions_drop(p_parent text, p_oldest timestamp with time zone) IS 'Drops the partitions that are wholly older.';

CREATE FUNCTION s2s.prior_session_check(INOUT v s2s.verification, INOUT root_id text, p_check json, OUT verdict text, OUT reason text, OUT facts jsonb, OUT subjects jsonb) RETURNS record
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.prior_session_check(INOUT v s2s.verification, INOUT root_id text, p_check json, OUT verdict text, OUT reason text, OUT facts jsonb, OUT subjects jsonb) IS 'Whether the prior session that a (locked, PENDING) verification names is good for it. If so, it holds a device from now on. root_id: the approval that was counted against in this transaction, if there is one. There can be no other.';

CREATE FUNCTION s2s.problem(p_type text, p_token uuid, p_current_status text DEFAULT NULL::text, p_violations json DEFAULT NULL::json) RETURNS text
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.problem(p_type text, p_token uuid, p_current_status text, p_violations json) IS 'The body of one occurrence.';

CREATE FUNCTION s2s.problem_type(p_type text, OUT status integer, OUT uri text, OUT title text, OUT error_code text, OUT detail text) RETURNS record
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.problem_type(p_type text, OUT status integer, OUT uri text, OUT title text, OUT error_code text, OUT detail text) IS 'The table of problem types.';

CREATE FUNCTION s2s.provisioned_json(p_verification_id text) RETURNS json
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.provisioned_json(p_verification_id text) IS 'CredentialInstances of a verification: by configuration, in the order of approval.';

CREATE FUNCTION s2s.queue_stats() RETURNS TABLE(kind text, depth bigint, oldest_age_s double precision, dead bigint)
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.queue_stats() IS 'Depth, age of the oldest job and dead letters by kind, up to 100,000 each.';

CREATE FUNCTION s2s.reconcile_act(p_side text, p_instance_id text, p_action text) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.reconcile_act(p_side text, p_instance_id text, p_action text) IS 'Settles a difference of a (locked) instance.';

CREATE FUNCTION s2s.reconcile_answer(d s2s.delivery, p_status integer, p_answer json) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.reconcile_answer(d s2s.delivery, p_status integer, p_answer json) IS 'What a peer says of an instance (p_status 200), that it knows none (404), or that there is no answer (all else). The instance is locked if there is one.';

CREATE FUNCTION s2s.reconcile_ask(p_side text, p_peer text, p_instance_id text) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.reconcile_ask(p_side text, p_peer text, p_instance_id text) IS 'A peer is to be asked for the status of an instance.';

CREATE FUNCTION s2s.reconcile_bounds(OUT runs integer, OUT rows_per_step integer, OUT asked_per_peer integer, OUT patience interval, OUT memory interval, OUT findings integer, OUT retention interval) RETURNS record
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.reconcile_bounds(OUT runs integer, OUT rows_per_step integer, OUT asked_per_peer integer, OUT patience interval, OUT memory interval, OUT findings integer, OUT retention interval) IS 'Runs that go on at once; instances that a step looks at; questions under way to one peer; how long one waits for its answer; how long an instance that is over is still compared; findings that a report shows, or that are forgotten at once; how long a run is kept.';

CREATE FUNCTION s2s.reconcile_by(p_who text, p_role text, p_request_id uuid, p_side text, p_peer text, p_instance_id text) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.reconcile_by(p_who text, p_role text, p_request_id uuid, p_side text, p_peer text, p_instance_id text) IS 'An operator starts a run; which.';

CREATE TABLE s2s.reconciliation (
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    in_process_limit interval,
    asked integer DEFAULT 0 NOT NULL,
    checked integer DEFAULT 0 NOT NULL,
    found integer DEFAULT 0 NOT NULL,
    scheduled boolean DEFAULT false NOT NULL,
    walked boolean DEFAULT false NOT NULL,
    reconciliation_id text NOT NULL COLLATE pg_catalog."C",
    side text NOT NULL COLLATE pg_catalog."C",
    scope_peer text COLLATE pg_catalog."C",
    scope_instance text COLLATE pg_catalog."C",
    cursor text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    left_out text[] DEFAULT '{}'::text[] NOT NULL
);

COMMENT ON TABLE s2s.reconciliation IS 'Walks over instances that compare both sides'' views, and act on what differs. Only s2s.reconcile_due() writes rows.';

COMMENT ON COLUMN s2s.reconciliation.in_process_limit IS 'How long an instance may be IN_PROCESS while the wallet says ACTIVE.';

COMMENT ON COLUMN s2s.reconciliation.asked IS 'Instances that their peers were asked about.';

COMMENT ON COLUMN s2s.reconciliation.checked IS 'Of these, how many questions had ended at the last step.';

COMMENT ON COLUMN s2s.reconciliation.found IS 'How many findings there were at the last step.';

COMMENT ON COLUMN s2s.reconciliation.scheduled IS 'Started by the clock, not by somebody.';

COMMENT ON COLUMN s2s.reconciliation.walked IS 'The walk has come to its end.';

COMMENT ON COLUMN s2s.reconciliation.reconciliation_id IS 'A UUID.';

COMMENT ON COLUMN s2s.reconciliation.side IS 'ISSUER or WALLET: whose instances are walked.';

COMMENT ON COLUMN s2s.reconciliation.scope_peer IS 'Only instances of this peer; null: of all.';

COMMENT ON COLUMN s2s.reconciliation.scope_instance IS 'Only this instance; null: all.';

COMMENT ON COLUMN s2s.reconciliation.cursor IS 'The instance up to which the walk has come.';

COMMENT ON COLUMN s2s.reconciliation.left_out IS 'Peers that do not answer, or cannot be called: not asked about all.';

CREATE FUNCTION s2s.reconcile_candidates(r s2s.reconciliation, p_limit integer) RETURNS TABLE(instance_id text, peer text, is_wanted boolean)
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.reconcile_candidates(r s2s.reconciliation, p_limit integer) IS 'The next instances of a walk, those too that are not wanted: the cost of a step is bounded, whatever is in the table.';

CREATE FUNCTION s2s.reconcile_differences(p_side text, p_instance_id text, p_status integer, p_answer jsonb, p_in_process_limit interval) RETURNS TABLE(theirs text, finding text, action text)
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.reconcile_differences(p_side text, p_instance_id text, p_status integer, p_answer jsonb, p_in_process_limit interval) IS 'What an answer of the peer shows to be different.';

CREATE FUNCTION s2s.reconcile_due(p_side text, p_every interval, p_in_process_limit interval DEFAULT '01:00:00'::interval) RETURNS integer
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.reconcile_due(p_side text, p_every interval, p_in_process_limit interval) IS 'Starts a run when the last scheduled one is older than p_every (0: never), and takes all runs of a side further. To be called every second or so.';

CREATE FUNCTION s2s.reconcile_forget() RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.reconcile_forget() IS 'Forgets the oldest run that is too old to be kept, a bounded amount a call.';

CREATE FUNCTION s2s.reconcile_found(p_reconciliation_id text, p_instance_id text, p_ours text, p_theirs text, p_finding text, p_action text) RETURNS void
    LANGUAGE sql
    AS …

CREATE FUNCTION s2s.reconcile_fsck() RETURNS TABLE(check_name text, detail text)
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.reconcile_fsck() IS 'Broken promises of these tables, for s2s.fsck().';

CREATE FUNCTION s2s.reconcile_grid_issuer(i s2s.instance, p_theirs text, p_version text, p_settled_before timestamp with time zone) RETURNS TABLE(finding text, action text)
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.reconcile_grid_issuer(i s2s.instance, p_theirs text, p_version text, p_settled_before timestamp with time zone) IS 'What the issuer finds when a wallet shows p_theirs (null: it knows no such instance) and p_version (null: unknown). The wallet may be about to take over, or to confirm, an instance that was made after p_settled_before.';

CREATE TABLE s2s.wallet_instance (
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    last_status_change_time timestamp with time zone NOT NULL,
    manage_answered_at timestamp with time zone,
    missing_at timestamp with time zone,
    version bigint DEFAULT 1 NOT NULL,
    confirmed boolean DEFAULT false NOT NULL,
    wallet_suspended boolean DEFAULT false NOT NULL,
    issuer_suspended boolean DEFAULT false NOT NULL,
    unlinked boolean DEFAULT false NOT NULL,
    cancelled boolean DEFAULT false NOT NULL,
    update_available boolean DEFAULT false NOT NULL,
    display_updated boolean DEFAULT false NOT NULL,
    instance_id text NOT NULL COLLATE pg_catalog."C",
    session_id text NOT NULL COLLATE pg_catalog."C",
    issuer text NOT NULL COLLATE pg_catalog."C",
    configuration_id text NOT NULL,
    credential_version text,
    last_status_change_reason text,
    manage_outcome text,
    manage_failure_reason text
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.05');

COMMENT ON TABLE s2s.wallet_instance IS 'Credential instances, as the wallet sees them: five facts, of which s2s.wallet_instance_status() derives the status. Only s2s.wallet_act() changes them.';

COMMENT ON COLUMN s2s.wallet_instance.manage_answered_at IS 'When the issuer last answered a /credential/manage of ours.';

COMMENT ON COLUMN s2s.wallet_instance.missing_at IS 'When the issuer said that it knows no such instance.';

COMMENT ON COLUMN s2s.wallet_instance.version IS 'Grows with every change of the shown status.';

COMMENT ON COLUMN s2s.wallet_instance.confirmed IS 'The application reported PROVISIONING_SUCCESS.';

COMMENT ON COLUMN s2s.wallet_instance.wallet_suspended IS 'By this side, whatever the issuer has answered so far.';

COMMENT ON COLUMN s2s.wallet_instance.cancelled IS 'The issuer took it back.';

COMMENT ON COLUMN s2s.wallet_instance.update_available IS 'A newer version than credential_version is there, says the issuer.';

COMMENT ON COLUMN s2s.wallet_instance.display_updated IS 'There is newer display data, says the issuer.';

COMMENT ON COLUMN s2s.wallet_instance.credential_version IS 'Of the last successful get.';

COMMENT ON COLUMN s2s.wallet_instance.manage_outcome IS 'Its outcome: COMPLETED, SCHEDULED, FAILED, NO_CHANGE; null if it gave none.';

COMMENT ON COLUMN s2s.wallet_instance.manage_failure_reason IS 'Its failureReason, cut short.';

CREATE FUNCTION s2s.reconcile_grid_wallet(i s2s.wallet_instance, p_theirs text, p_version text) RETURNS TABLE(finding text, action text)
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.reconcile_grid_wallet(i s2s.wallet_instance, p_theirs text, p_version text) IS 'What the wallet finds when an issuer shows p_theirs (null: it knows no such instance) and p_version (null: unknown).';

CREATE FUNCTION s2s.reconcile_is_under_way(p_side text, p_instance_id text, p_action text) RETURNS boolean
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.reconcile_is_under_way(p_side text, p_instance_id text, p_action text) IS 'Whether the difference is about to be settled anyhow: the peer is owed the word, or the operator''s backend is at it.';

CREATE FUNCTION s2s.reconcile_leave_out(r s2s.reconciliation, p_peer text, p_why text) RETURNS s2s.reconciliation
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.reconcile_leave_out(r s2s.reconciliation, p_peer text, p_why text) IS 'Goes on without a peer: a dead one must not hold up the others.';

CREATE FUNCTION s2s.reconcile_ours(p_side text, p_instance_id text, OUT status text, OUT changed_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.reconcile_ours(p_side text, p_instance_id text, OUT status text, OUT changed_at timestamp with time zone) IS 'How this side shows an instance, and since when.';

CREATE FUNCTION s2s.reconcile_report(p_reconciliation_id text) RETURNS json
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.reconcile_report(p_reconciliation_id text) IS 'A run and what it has found so far; its counts are those of its last step.';

CREATE FUNCTION s2s.reconcile_start(p_side text, p_peer text, p_instance text, p_scheduled boolean DEFAULT false) RETURNS text
    LANGUAGE sql
    AS …

COMMENT ON FUNCTION s2s.reconcile_start(p_side text, p_peer text, p_instance text, p_scheduled boolean) IS 'Starts a run over the instances of one peer, or of all (null); or over one instance. Its first step is soon.';

CREATE FUNCTION s2s.reconcile_step(r s2s.reconciliation) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.reconcile_step(r s2s.reconciliation) IS 'Takes a run further, and ends it when all is answered.';

CREATE FUNCTION s2s.reconcile_sweep(r s2s.reconciliation) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.reconcile_sweep(r s2s.reconciliation) IS 'Asks again what is not under way any more, and gives up what has waited for too long.';

CREATE FUNCTION s2s.reconcile_walk(r s2s.reconciliation) RETURNS s2s.reconciliation
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.reconcile_walk(r s2s.reconciliation) IS 'Asks about the next instances of a run.';

CREATE FUNCTION s2s.redrive_by(p_who text, p_role text, p_request_id uuid, p_delivery_ids bigint[]) RETURNS integer
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.redrive_by(p_who text, p_role text, p_request_id uuid, p_delivery_ids bigint[]) IS 'An operator has dead letters sent again; how many of them there were.';

CREATE FUNCTION s2s.refuse(x s2s.exchange, p_type text, p_current_status text DEFAULT NULL::text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.refuse(x s2s.exchange, p_type text, p_current_status text) IS 'Answers a claimed request with a problem.';

CREATE FUNCTION s2s.retry() RETURNS s2s.reply
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.retry() IS 'What the gateway loaded is out of date: it loads and calls again. Stores nothing.';

CREATE FUNCTION s2s.rfc3339(p_at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.rfc3339(p_at timestamp with time zone) IS 'RFC 3339, UTC, in seconds.';

CREATE FUNCTION s2s.session_peer(p_session_id text) RETURNS text
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.session_peer(p_session_id text) IS 'Who is owed news of a session.';

CREATE FUNCTION s2s.session_reopen(x s2s.exchange, p_session_id text, p_wsk_thumbprint text, p_nonce_jti text, p_verification_id text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.session_reopen(x s2s.exchange, p_session_id text, p_wsk_thumbprint text, p_nonce_jti text, p_verification_id text) IS 'Opens a known session for a new verification: for its owner, with its key, and by a nonce that is bound and was never used; one verification at a time. The refusal of anybody else does not say whose the session is.';

CREATE FUNCTION s2s.session_verifications(p_session_id text) RETURNS SETOF text
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.session_verifications(p_session_id text) IS 'All verifications of a session.';

CREATE FUNCTION s2s.sessions_page(p_peer text, p_before_at timestamp with time zone, p_before_id text, p_limit integer) RETURNS SETOF s2s.session
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.sessions_page(p_peer text, p_before_at timestamp with time zone, p_before_id text, p_limit integer) IS 'Sessions, newest first, from a place on; of one peer or all.';

CREATE FUNCTION s2s.something_is_due() RETURNS boolean
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.something_is_due() IS 'Whether a delivery that is due now was owed in this transaction: since the claim, or by any call of a batch of jobs.';

CREATE FUNCTION s2s.store(x s2s.exchange, p_status integer, p_body text, p_wake boolean DEFAULT false) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.store(x s2s.exchange, p_status integer, p_body text, p_wake boolean) IS 'Stores and returns the answer to a claimed request. p_wake: a job was enqueued; deliveries tell of themselves.';

CREATE FUNCTION s2s.stored(x s2s.exchange) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.stored(x s2s.exchange) IS 'The reply to a request that was answered before; null when it was not.';

CREATE FUNCTION s2s.subject_refs_known(p_session_id text, p_approved_ids text[], p_subject_refs text[], p_subject_aliases json) RETURNS text[]
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.subject_refs_known(p_session_id text, p_approved_ids text[], p_subject_refs text[], p_subject_aliases json) IS 'The pseudonyms under which the instances of a session know these subjects, which may be made with an older data key.';

CREATE FUNCTION s2s.submission_octets(p_client_jwe text[], p_server_sealed bytea) RETURNS bigint
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.submission_octets(p_client_jwe text[], p_server_sealed bytea) IS 'How much verification data a submission brings.';

CREATE FUNCTION s2s.text_member(p_object jsonb, p_name text, p_max integer DEFAULT 256) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.text_member(p_object jsonb, p_name text, p_max integer) IS 'A string of an object, if it is one and not too long.';

CREATE FUNCTION s2s.texts(p_list json) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.texts(p_list json) IS 'A JSON array of strings; null when there is none.';

CREATE FUNCTION s2s.verification_apply_due(v s2s.verification) RETURNS s2s.verification
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.verification_apply_due(v s2s.verification) IS 'Ends a locked verification whose time is over, so that nobody acts on, or shows, a state that no longer holds.';

CREATE FUNCTION s2s.verification_decide(v s2s.verification, p_status text, p_reason_code text, p_message text, p_approved_ids text[], p_subject_refs text[], p_authorized_device_count integer, p_data_request text, p_deadline_in interval, p_max_attempts integer, p_subject_sealed bytea[] DEFAULT NULL::bytea[], p_subject_aliases json DEFAULT NULL::json) RETURNS s2s.verification
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.verification_decide(v s2s.verification, p_status text, p_reason_code text, p_message text, p_approved_ids text[], p_subject_refs text[], p_authorized_device_count integer, p_data_request text, p_deadline_in interval, p_max_attempts integer, p_subject_sealed bytea[], p_subject_aliases json) IS 'Applies a decision to a (locked, PENDING) verification. Without attempts left, asking again is denying.';

CREATE FUNCTION s2s.verification_due_at(p_status text, p_deadline timestamp with time zone, p_expires_at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.verification_due_at(p_status text, p_deadline timestamp with time zone, p_expires_at timestamp with time zone) IS 'When time alone ends a verification. The deadline binds the wallet: it does not run while PENDING.';

CREATE FUNCTION s2s.verification_instances(p_verification_id text) RETURNS SETOF s2s.instance
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.verification_instances(p_verification_id text) IS 'What was provisioned for a verification, wherever it belongs now.';

CREATE FUNCTION s2s.verification_is_complete(v s2s.verification, p_status text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.verification_is_complete(v s2s.verification, p_status text) IS 'Whether the details that a status needs are there.';

CREATE FUNCTION s2s.verification_is_exhausted(v s2s.verification) RETURNS boolean
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.verification_is_exhausted(v s2s.verification) IS 'Whether max_attempts supplements are used up (profile section 4). What initiate has brought was none.';

CREATE FUNCTION s2s.verification_is_final(p_status text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS …

CREATE FUNCTION s2s.verification_is_first(v s2s.verification) RETURNS boolean
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.verification_is_first(v s2s.verification) IS 'Whether its session was opened by it, not verified anew.';

CREATE FUNCTION s2s.verification_is_news(p_status text, p_cancelled boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.verification_is_news(p_status text, p_cancelled boolean) IS 'Whether the wallet did not bring about this status by a call of its own, whose answer told it: it is owed a notice.';

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

COMMENT ON FUNCTION s2s.verification_move(v s2s.verification, p_to text) IS 'The one place where a verification changes, but for s2s.verification_settle. Takes a locked row with the new details filled in and its old status; tells whoever wants to know; forgets the verification data if it is final.';

CREATE FUNCTION s2s.verification_peers() RETURNS SETOF text
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.verification_peers() IS 'The peers that have verifications; what each one costs is a look at an index.';

CREATE FUNCTION s2s.verification_resume(v s2s.verification, p_client_jwe text[], p_server_sealed bytea, p_issuer_sealed bytea) RETURNS s2s.verification
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.verification_resume(v s2s.verification, p_client_jwe text[], p_server_sealed bytea, p_issuer_sealed bytea) IS 'Adds data, if there is any, to a (locked) verification, which is PENDING again and evaluated anew. The caller has counted it.';

CREATE FUNCTION s2s.verification_settle(p_verification_id text, p_data_seq integer, p_status text, p_reason_code text, p_message text, p_approved_ids text[], p_subject_refs text[], p_authorized_device_count integer, p_max_attempts integer, p_subject_sealed bytea[]) RETURNS boolean
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.verification_settle(p_verification_id text, p_data_seq integer, p_status text, p_reason_code text, p_message text, p_approved_ids text[], p_subject_refs text[], p_authorized_device_count integer, p_max_attempts integer, p_subject_sealed bytea[]) IS 'What most evaluations come to, one approval or a wait for somebody, as one narrow statement: to take a row of so many columns through the mover costs twice as much. Does just what s2s.verification_decide would do, or nothing.';

CREATE FUNCTION s2s.verification_statuses() RETURNS SETOF text
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.verification_statuses() IS 'The statuses of a verification.';

CREATE FUNCTION s2s.verification_tell(p_verification_id text, p_peer text, p_from text, p_to text, p_cancelled boolean) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.verification_tell(p_verification_id text, p_peer text, p_from text, p_to text, p_cancelled boolean) IS 'Owes the wallet a notice of a move if it is news, and the operator''s webhooks.';

CREATE FUNCTION s2s.verifications_page(p_session_id text, p_awaiting boolean, p_peer text, p_status text, p_before_at timestamp with time zone, p_before_id text, p_limit integer) RETURNS SETOF s2s.verification
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.verifications_page(p_session_id text, p_awaiting boolean, p_peer text, p_status text, p_before_at timestamp with time zone, p_before_id text, p_limit integer) IS 'Verifications, newest first, from a place on: of one session; else those that await a decision; else of one peer or all, in one status or any.';

CREATE FUNCTION s2s.wallet_act(i s2s.wallet_instance, p_side text, p_action text, p_reason text, p_tell boolean DEFAULT true, p_detail text DEFAULT NULL::text, OUT previous_status text, OUT current_status text, OUT outcome text, OUT failure_reason text) RETURNS record
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_act(i s2s.wallet_instance, p_side text, p_action text, p_reason text, p_tell boolean, p_detail text, OUT previous_status text, OUT current_status text, OUT outcome text, OUT failure_reason text) IS 'The one place where the facts of a (locked) instance change: WALLET does CONFIRM, SUSPEND, RESUME or UNLINK, ISSUER does SUSPEND, RESUME or UNLINK. The issuer is told what the wallet did, unless it said so itself (p_tell).';

CREATE TABLE s2s.wallet_session (
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    polled boolean DEFAULT false NOT NULL,
    session_id text NOT NULL COLLATE pg_catalog."C",
    issuer text NOT NULL COLLATE pg_catalog."C",
    verification_id text COLLATE pg_catalog."C",
    status text DEFAULT 'STARTING'::text NOT NULL COLLATE pg_catalog."C",
    cancel_reason text,
    configuration_ids text[] NOT NULL,
    verification json,
    problem json,
    body_digest bytea NOT NULL,
    body_sealed bytea
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.05');
ALTER TABLE ONLY s2s.wallet_session ALTER COLUMN body_sealed SET STORAGE EXTERNAL;

COMMENT ON TABLE s2s.wallet_session IS 'Issuances, as the wallet sees them. The issuer''s word is what counts: only s2s.wallet_session_move() writes it here.';

COMMENT ON COLUMN s2s.wallet_session.version IS 'Grows with every news: an answer that set out before it is out of date.';

COMMENT ON COLUMN s2s.wallet_session.polled IS 'The issuer is asked now and then while this is not final; else its notifications alone must do.';

COMMENT ON COLUMN s2s.wallet_session.issuer IS 'Peer that the session was opened with: the only one that may speak of it.';

COMMENT ON COLUMN s2s.wallet_session.verification_id IS 'Made by the issuer; null until it is known.';

COMMENT ON COLUMN s2s.wallet_session.status IS 'STARTING (initiate is not answered), a status of VerificationStatus, or FAILED (initiate was refused for good).';

COMMENT ON COLUMN s2s.wallet_session.cancel_reason IS 'The application asked to cancel.';

COMMENT ON COLUMN s2s.wallet_session.verification IS 'The last VerificationStatus, only its known members.';

COMMENT ON COLUMN s2s.wallet_session.problem IS 'The last refusal of the issuer; null once it is got over.';

COMMENT ON COLUMN s2s.wallet_session.body_digest IS 'Tells the same start, asked again, from another one.';

COMMENT ON COLUMN s2s.wallet_session.body_sealed IS 'Body of initiate, sealed with the gateway''s data key; gone when initiate is answered.';

CREATE FUNCTION s2s.wallet_answer_fault(w s2s.wallet_session, p_answer jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.wallet_answer_fault(w s2s.wallet_session, p_answer jsonb) IS 'Why this cannot be the VerificationStatus of a session; null: it may be.';

CREATE FUNCTION s2s.wallet_answered(d s2s.delivery, p_status integer, p_answer jsonb, p_poll_first interval, p_poll_longest interval, OUT verdict text, OUT detail text, OUT due timestamp with time zone) RETURNS record
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_answered(d s2s.delivery, p_status integer, p_answer jsonb, p_poll_first interval, p_poll_longest interval, OUT verdict text, OUT detail text, OUT due timestamp with time zone) IS 'Does what an answer of the issuer brings about.';

CREATE FUNCTION s2s.wallet_ask_again_at(p_answer jsonb, p_polls integer, p_poll_longest interval) RETURNS timestamp with time zone
    LANGUAGE sql
    AS …

COMMENT ON FUNCTION s2s.wallet_ask_again_at(p_answer jsonb, p_polls integer, p_poll_longest interval) IS 'When to ask again for credentials that are not ready after so many answers: half as long again each time (D9).';

CREATE FUNCTION s2s.wallet_credential_status(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_credential_status(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text) IS 'Shows an issuer the status of an instance as it is here.';

CREATE FUNCTION s2s.wallet_event(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_event_type text, p_details json, p_known boolean) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_event(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_event_type text, p_details json, p_known boolean) IS 'Takes note of an event of an issuer. Events are pokes: repeated ones change nothing twice.';

CREATE FUNCTION s2s.wallet_event_owe(i s2s.wallet_instance, p_type text, p_timestamp text, p_triggering_request_id text, p_details json) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_event_owe(i s2s.wallet_instance, p_type text, p_timestamp text, p_triggering_request_id text, p_details json) IS 'Something happened to an instance: the issuer is owed word of it.';

CREATE TABLE s2s.wallet_fetch (
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    fetch_id text NOT NULL COLLATE pg_catalog."C",
    instance_id text NOT NULL COLLATE pg_catalog."C",
    state text DEFAULT 'WAITING'::text NOT NULL COLLATE pg_catalog."C",
    transaction_id text,
    request json NOT NULL,
    request_digest bytea NOT NULL,
    answer text,
    problem json
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='500');
ALTER TABLE ONLY s2s.wallet_fetch ALTER COLUMN answer SET STORAGE EXTERNAL;

COMMENT ON TABLE s2s.wallet_fetch IS 'Credentials that the application asked for: WAITING, then READY or FAILED for a while.';

COMMENT ON COLUMN s2s.wallet_fetch.fetch_id IS 'A UUID.';

COMMENT ON COLUMN s2s.wallet_fetch.transaction_id IS 'The issuer said "not yet" and gave this to ask with.';

COMMENT ON COLUMN s2s.wallet_fetch.request IS 'Body of /credential/get without transaction_id: ciphertext and public keys only.';

COMMENT ON COLUMN s2s.wallet_fetch.answer IS 'Body of the 200: the credentials are encrypted to the wallet client.';

COMMENT ON COLUMN s2s.wallet_fetch.problem IS 'Why it is FAILED, or the last refusal.';

CREATE FUNCTION s2s.wallet_fetch_json(f s2s.wallet_fetch) RETURNS json
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.wallet_fetch_json(f s2s.wallet_fetch) IS 'A fetch, as the application sees it.';

CREATE FUNCTION s2s.wallet_fetch_settle(f s2s.wallet_fetch, p_state text, p_answer text, p_problem json) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_fetch_settle(f s2s.wallet_fetch, p_state text, p_answer text, p_problem json) IS 'A (locked) fetch is READY or FAILED.';

CREATE FUNCTION s2s.wallet_fetches_hurry(p_instance_id text) RETURNS void
    LANGUAGE sql
    AS …

COMMENT ON FUNCTION s2s.wallet_fetches_hurry(p_instance_id text) IS 'The fetches of a (locked) instance that wait ask again at once.';

CREATE FUNCTION s2s.wallet_flag(i s2s.wallet_instance, p_update_available boolean, p_display_updated boolean) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_flag(i s2s.wallet_instance, p_update_available boolean, p_display_updated boolean) IS 'Of a (locked) instance there is something newer, says the issuer. The webhooks are told when the flag goes up.';

CREATE FUNCTION s2s.wallet_fsck() RETURNS TABLE(check_name text, detail text)
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.wallet_fsck() IS 'Broken promises of the wallet''s tables, for s2s.fsck().';

CREATE FUNCTION s2s.wallet_given_up(d s2s.delivery, p_reason text) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_given_up(d s2s.delivery, p_reason text) IS 'The issuer was not told: the application may see why. The state stays, as an operator may send it again. What somebody else holds is not waited for.';

CREATE FUNCTION s2s.wallet_got(d s2s.delivery, p_status integer, p_answer jsonb, p_poll_longest interval, OUT verdict text, OUT detail text, OUT due timestamp with time zone) RETURNS record
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_got(d s2s.delivery, p_status integer, p_answer jsonb, p_poll_longest interval, OUT verdict text, OUT detail text, OUT due timestamp with time zone) IS 'The issuer gave the credentials of a fetch, or said that they are not ready.';

CREATE FUNCTION s2s.wallet_instance_json(i s2s.wallet_instance) RETURNS json
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.wallet_instance_json(i s2s.wallet_instance) IS 'An instance, as the application sees it.';

CREATE FUNCTION s2s.wallet_instance_lock(p_instance_id text) RETURNS s2s.wallet_instance
    LANGUAGE plpgsql
    AS …

CREATE FUNCTION s2s.wallet_instance_lock_for(p_peer text, p_session_id text, p_instance_id text) RETURNS s2s.wallet_instance
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_instance_lock_for(p_peer text, p_session_id text, p_instance_id text) IS 'Locks an instance for the issuer that its session was opened with.';

CREATE FUNCTION s2s.wallet_instance_status(i s2s.wallet_instance) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.wallet_instance_status(i s2s.wallet_instance) IS 'The status that the facts amount to.';

CREATE FUNCTION s2s.wallet_instances_json(p_session_id text) RETURNS json
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.wallet_instances_json(p_session_id text) IS 'The instances of a session.';

CREATE FUNCTION s2s.wallet_instances_page(p_session_id text, p_status text, p_before_at timestamp with time zone, p_before_id text, p_limit integer) RETURNS SETOF s2s.wallet_instance
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.wallet_instances_page(p_session_id text, p_status text, p_before_at timestamp with time zone, p_before_id text, p_limit integer) IS 'Instances, newest first, from a place on; of one session or all, in one shown status or any.';

CREATE FUNCTION s2s.wallet_is_about_session(p_endpoint text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS …

CREATE FUNCTION s2s.wallet_lifecycle_ask(i s2s.wallet_instance, x s2s.exchange, p_action text, p_reason text) RETURNS boolean
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_lifecycle_ask(i s2s.wallet_instance, x s2s.exchange, p_action text, p_reason text) IS 'Asks the operator''s backend to do what an issuer wants of a (locked) instance. False: no webhook wants to know.';

CREATE FUNCTION s2s.wallet_lifecycle_end(p_lifecycle_id text, p_outcome text, p_failure_reason text) RETURNS boolean
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_lifecycle_end(p_lifecycle_id text, p_outcome text, p_failure_reason text) IS 'The backend''s outcome (COMPLETED or FAILED) of what an issuer asked of an instance. Only now the facts change, and the issuer is owed word of it.';

CREATE FUNCTION s2s.wallet_lock_thing(d s2s.delivery) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_lock_thing(d s2s.delivery) IS 'Locks what an answer of the issuer will change.';

CREATE FUNCTION s2s.wallet_maintain(p_fetch_retention interval, p_poll_first interval DEFAULT NULL::interval, p_poll_longest interval DEFAULT NULL::interval) RETURNS integer
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_maintain(p_fetch_retention interval, p_poll_first interval, p_poll_longest interval) IS 'Forgets fetches that were settled so long ago, at most 1,000 a call: to be called every second. p_poll_first and p_poll_longest: as s2s.delivery_done(); what is not polled is polled from now on, unless they are null.';

CREATE FUNCTION s2s.wallet_manage(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_action text, p_reason text, p_backend boolean) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_manage(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_instance_id text, p_action text, p_reason text, p_backend boolean) IS 'What the issuer asks of an instance: SUSPEND, RESUME, UNLINK. With p_backend the operator''s backend decides, and the issuer hears the outcome as an event.';

CREATE FUNCTION s2s.wallet_managed(p_instance_id text, p_answer jsonb) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_managed(p_instance_id text, p_answer jsonb) IS 'Keeps what the issuer answered to a /credential/manage of ours.';

CREATE FUNCTION s2s.wallet_message(d s2s.delivery, OUT body text, OUT session_id text, OUT sealed bytea, OUT seen bigint) RETURNS record
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.wallet_message(d s2s.delivery, OUT body text, OUT session_id text, OUT sealed bytea, OUT seen bigint) IS 'What to send to an issuer; null when there is nothing to say any more. seen is the version of the session or instance.';

CREATE FUNCTION s2s.wallet_poll(w s2s.wallet_session, p_due timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_poll(w s2s.wallet_session, p_due timestamp with time zone) IS 'The issuer of a (locked) session is asked at p_due at the latest, and then less and less often. It may be asking now: an answer that is due at once does not count, and it asks again.';

CREATE FUNCTION s2s.wallet_poll_after(p_polls integer, p_first interval, p_longest interval) RETURNS timestamp with time zone
    LANGUAGE sql
    AS …

COMMENT ON FUNCTION s2s.wallet_poll_after(p_polls integer, p_first interval, p_longest interval) IS 'When to ask again after so many answers: twice as long each time. A fifth of it is jitter.';

CREATE FUNCTION s2s.wallet_poll_again(p_poll_first interval, p_poll_longest interval) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_poll_again(p_poll_first interval, p_poll_longest interval) IS 'Asks about issuances and fetches that were left to the notices of their issuers while nobody was polled.';

CREATE FUNCTION s2s.wallet_problem(p_status integer, p_answer jsonb) RETURNS json
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.wallet_problem(p_status integer, p_answer jsonb) IS 'A refusal of the issuer, for the application.';

CREATE FUNCTION s2s.wallet_provisioned(d s2s.delivery, p_answer jsonb, OUT verdict text, OUT detail text) RETURNS record
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_provisioned(d s2s.delivery, p_answer jsonb, OUT verdict text, OUT detail text) IS 'The issuer named the instances of a session. Those of another session stay what they are, whoever names them.';

CREATE FUNCTION s2s.wallet_refused(d s2s.delivery, p_status integer, p_answer jsonb) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_refused(d s2s.delivery, p_status integer, p_answer jsonb) IS 'Does what a final refusal of the issuer brings about; null when it is for an operator.';

CREATE FUNCTION s2s.wallet_session_answered(d s2s.delivery, p_answer jsonb, p_poll_first interval, p_poll_longest interval, OUT verdict text, OUT detail text, OUT due timestamp with time zone) RETURNS record
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_session_answered(d s2s.delivery, p_answer jsonb, p_poll_first interval, p_poll_longest interval, OUT verdict text, OUT detail text, OUT due timestamp with time zone) IS 'The issuer told the status of a session.';

CREATE FUNCTION s2s.wallet_session_go_on(w s2s.wallet_session) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_session_go_on(w s2s.wallet_session) IS 'The verificationId of a (locked) session is known now: what waited for it is owed.';

CREATE FUNCTION s2s.wallet_session_is_final(p_status text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS …

CREATE FUNCTION s2s.wallet_session_is_news(w s2s.wallet_session, p_status text, p_verification jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.wallet_session_is_news(w s2s.wallet_session, p_status text, p_verification jsonb) IS 'Whether this says something else than what is known, of a session that is not over. FAILED is over for the wallet; but an issuer that speaks of such a session has opened it after all.';

CREATE FUNCTION s2s.wallet_session_json(w s2s.wallet_session) RETURNS json
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.wallet_session_json(w s2s.wallet_session) IS 'An issuance, as the application sees it.';

CREATE FUNCTION s2s.wallet_session_lock(p_session_id text) RETURNS s2s.wallet_session
    LANGUAGE plpgsql
    AS …

CREATE FUNCTION s2s.wallet_session_message(d s2s.delivery, OUT body text, OUT sealed bytea, OUT seen bigint) RETURNS record
    LANGUAGE plpgsql STABLE
    AS …

CREATE FUNCTION s2s.wallet_session_move(w s2s.wallet_session, p_status text, p_verification jsonb, p_flight bigint DEFAULT NULL::bigint) RETURNS s2s.wallet_session
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_session_move(w s2s.wallet_session, p_status text, p_verification jsonb, p_flight bigint) IS 'The one place where the status of a (locked) session changes; further details are filled in. What is no news, or comes after a final one, only writes these. p_flight: the delivery whose answer this is; its end is its caller''s business.';

CREATE FUNCTION s2s.wallet_session_owe(w s2s.wallet_session, p_endpoint text) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_session_owe(w s2s.wallet_session, p_endpoint text) IS 'The issuer is to be called about a session.';

CREATE FUNCTION s2s.wallet_session_refused(d s2s.delivery, p_problem json) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_session_refused(d s2s.delivery, p_problem json) IS 'The issuer will not have an initiate, a supplement or a cancellation: the application''s to know and to act on.';

CREATE FUNCTION s2s.wallet_session_write(w s2s.wallet_session) RETURNS s2s.wallet_session
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_session_write(w s2s.wallet_session) IS 'Writes a (locked) session back.';

CREATE FUNCTION s2s.wallet_sessions_page(p_issuer text, p_status text, p_before_at timestamp with time zone, p_before_id text, p_limit integer) RETURNS SETOF s2s.wallet_session
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.wallet_sessions_page(p_issuer text, p_status text, p_before_at timestamp with time zone, p_before_id text, p_limit integer) IS 'Issuances, newest first, from a place on; of one issuer or all, in one status or any.';

CREATE FUNCTION s2s.wallet_status_told(p_status text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.wallet_status_told(p_status text) IS 'A status as issuers are told. What one has taken back, by UNLINK, is off the device; to say that a credential is invalid for good is not the wallet''s.';

CREATE FUNCTION s2s.wallet_statuses() RETURNS SETOF text
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.wallet_statuses() IS 'The statuses of an issuance.';

CREATE FUNCTION s2s.wallet_verification(p_answer jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.wallet_verification(p_answer jsonb) IS 'The members of VerificationStatus (profile section 4), no others; null when it has none.';

CREATE FUNCTION s2s.wallet_verification_notify(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text, p_status text, p_verification json) RETURNS s2s.reply
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.wallet_verification_notify(p_peer text, p_request_id uuid, p_endpoint text, p_digest bytea, p_token uuid, p_session_id text, p_verification_id text, p_status text, p_verification json) IS 'Word of a session, from the issuer that it was opened with; perhaps sooner than the answer to initiate.';

CREATE FUNCTION s2s.wallet_would_act(i s2s.wallet_instance, p_action text) RETURNS boolean
    LANGUAGE sql STABLE
    AS …

COMMENT ON FUNCTION s2s.wallet_would_act(i s2s.wallet_instance, p_action text) IS 'Whether an act of the issuer is possible and would change something: nobody is asked about others.';

CREATE FUNCTION s2s.web_result(p_verification_id text, p_item_id text, p_sealed bytea, p_max_results integer, p_max_octets bigint) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.web_result(p_verification_id text, p_item_id text, p_sealed bytea, p_max_results integer, p_max_octets bigint) IS 'Adds the sealed result of an item that was asked for, and has the verification evaluated anew. It is no attempt of the wallet''s.';

CREATE FUNCTION s2s.webhook_answered(d s2s.delivery, p_answer jsonb) RETURNS text
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.webhook_answered(d s2s.delivery, p_answer jsonb) IS 'The backend answered. Of what an issuer asks for, it may tell the outcome at once: {"outcome", "failureReason"?}.';

CREATE FUNCTION s2s.webhook_data(d s2s.delivery, OUT data json, OUT session_id text) RETURNS record
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.webhook_data(d s2s.delivery, OUT data json, OUT session_id text) IS 'What an event is about, as it is now; null when there is nothing to say any more.';

CREATE FUNCTION s2s.webhook_issuer_data(d s2s.delivery, OUT data json, OUT session_id text) RETURNS record
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.webhook_issuer_data(d s2s.delivery, OUT data json, OUT session_id text) IS 'The data of an event of the issuer role.';

CREATE FUNCTION s2s.webhook_lane(p_name text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.webhook_lane(p_name text) IS 'The lane of a webhook. No peer has such a name.';

CREATE FUNCTION s2s.webhook_lock_thing(d s2s.delivery) RETURNS void
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.webhook_lock_thing(d s2s.delivery) IS 'Locks what an answer of the backend will change.';

CREATE FUNCTION s2s.webhook_message(d s2s.delivery, OUT body text, OUT session_id text) RETURNS record
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.webhook_message(d s2s.delivery, OUT body text, OUT session_id text) IS 'The body of a webhook call; null when there is none to make.';

CREATE FUNCTION s2s.webhook_owe(p_type text, p_ref text, p_side text, p_payload json DEFAULT NULL::json) RETURNS integer
    LANGUAGE plpgsql
    AS …

COMMENT ON FUNCTION s2s.webhook_owe(p_type text, p_ref text, p_side text, p_payload json) IS 'Something happened to a thing of this side: the webhooks that want to know are owed word of it.';

CREATE FUNCTION s2s.webhook_types() RETURNS SETOF text
    LANGUAGE sql IMMUTABLE
    AS …

COMMENT ON FUNCTION s2s.webhook_types() IS 'The types of events.';

CREATE FUNCTION s2s.webhook_wallet_data(d s2s.delivery, OUT data json, OUT session_id text) RETURNS record
    LANGUAGE plpgsql STABLE
    AS …

COMMENT ON FUNCTION s2s.webhook_wallet_data(d s2s.delivery, OUT data json, OUT session_id text) IS 'The data of an event of the wallet role.';

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

CREATE TABLE s2s.audit_head (
    since timestamp with time zone NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    only_one boolean DEFAULT true NOT NULL,
    CONSTRAINT audit_head_only_one_check CHECK (only_one)
)
WITH (fillfactor='50');

COMMENT ON TABLE s2s.audit_head IS 'The last row of the audit ledger: whoever adds one locks this first. Rows that were cut off at the end are missed here.';

COMMENT ON COLUMN s2s.audit_head.since IS 'What operators did before was not written down.';

ALTER TABLE s2s.delivery ALTER COLUMN delivery_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME s2s.delivery_delivery_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE s2s."fetch" (
    created_at timestamp with time zone NOT NULL,
    transaction_id text NOT NULL COLLATE pg_catalog."C",
    instance_id text NOT NULL COLLATE pg_catalog."C",
    keys_digest bytea,
    keys text
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='500');

COMMENT ON TABLE s2s."fetch" IS 'Gets that were told to come back (202). A transaction_id is spent by deleting its row: it cannot be spent twice.';

COMMENT ON COLUMN s2s."fetch".keys_digest IS 'Digest of the keys: the same keys get the same transaction_id.';

COMMENT ON COLUMN s2s."fetch".keys IS 'The presentment keys of the first get, JSON array of public JWKs.';

CREATE TABLE s2s.instance_dataset (
    pushed_at timestamp with time zone NOT NULL,
    valid_until timestamp with time zone,
    instance_id text NOT NULL COLLATE pg_catalog."C",
    version text NOT NULL,
    sealed bytea NOT NULL
);
ALTER TABLE ONLY s2s.instance_dataset ALTER COLUMN sealed SET STORAGE EXTERNAL;

COMMENT ON TABLE s2s.instance_dataset IS 'Datasets that were pushed ahead. They go when the credential is cancelled or unlinked.';

COMMENT ON COLUMN s2s.instance_dataset.valid_until IS 'No credential made from it outlives this.';

COMMENT ON COLUMN s2s.instance_dataset.version IS 'credentialVersion of what is made from it.';

COMMENT ON COLUMN s2s.instance_dataset.sealed IS 'The claims, sealed for this instance.';

CREATE TABLE s2s.instance_link (
    verification_id text NOT NULL COLLATE pg_catalog."C",
    ordinal smallint NOT NULL,
    instance_id text NOT NULL COLLATE pg_catalog."C"
);

COMMENT ON TABLE s2s.instance_link IS 'Instances that a later verification took over, by the verification and the place that they had: what was provisioned once is the same for ever.';

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

CREATE TABLE s2s.lane (
    created_at timestamp with time zone NOT NULL,
    blocked_until timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    active boolean DEFAULT true NOT NULL,
    peer text NOT NULL COLLATE pg_catalog."C",
    kind text DEFAULT 'PEER'::text NOT NULL,
    events text[]
)
WITH (fillfactor='50');

COMMENT ON TABLE s2s.lane IS 'The peers that can be called. A claim picks lanes first, so a dead peer costs one row.';

COMMENT ON COLUMN s2s.lane.created_at IS 'Nothing was owed to the peer before.';

COMMENT ON COLUMN s2s.lane.blocked_until IS 'Nothing is sent before; afterwards one probe at a time, until a success makes it null.';

COMMENT ON COLUMN s2s.lane.failures IS 'In a row, across all deliveries of the lane.';

COMMENT ON COLUMN s2s.lane.active IS 'In the configuration. An inactive lane keeps what is owed and sends nothing.';

COMMENT ON COLUMN s2s.lane.kind IS 'PEER, or WEBHOOK: one of the operator''s own, whose lane is named "webhook:" and its name.';

COMMENT ON COLUMN s2s.lane.events IS 'Event types that a webhook wants; null: all.';

CREATE TABLE s2s.ledger_default (
    at timestamp with time zone NOT NULL,
    delivery_id bigint NOT NULL,
    request_id uuid,
    peer text NOT NULL COLLATE pg_catalog."C",
    endpoint text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    event text NOT NULL COLLATE pg_catalog."C",
    detail text
);

CREATE TABLE s2s.nonce_jti (
    created_at timestamp with time zone NOT NULL,
    session_id text NOT NULL COLLATE pg_catalog."C",
    jti text NOT NULL COLLATE pg_catalog."C",
    verification_id text NOT NULL COLLATE pg_catalog."C"
);

COMMENT ON TABLE s2s.nonce_jti IS 'The nonces that have opened a session anew, each with the verification that it opened. A nonce counts once.';

CREATE TABLE s2s.offer_failure (
    at timestamp with time zone NOT NULL,
    data_seq integer NOT NULL,
    offer_id text NOT NULL COLLATE pg_catalog."C",
    verification_id text NOT NULL COLLATE pg_catalog."C",
    guess bytea NOT NULL
);

COMMENT ON TABLE s2s.offer_failure IS 'Wrong transaction codes, so that one counts once, however often its submission is evaluated.';

COMMENT ON COLUMN s2s.offer_failure.guess IS 'HMAC of what was tried.';

CREATE TABLE s2s.reconciliation_check (
    asked_at timestamp with time zone NOT NULL,
    reconciliation_id text NOT NULL COLLATE pg_catalog."C",
    side text NOT NULL COLLATE pg_catalog."C",
    instance_id text NOT NULL COLLATE pg_catalog."C",
    peer text NOT NULL COLLATE pg_catalog."C"
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='500');

COMMENT ON TABLE s2s.reconciliation_check IS 'Questions under way: a run has asked a peer about an instance. Rows of their own, so that answers do not queue for the run.';

CREATE TABLE s2s.reconciliation_finding (
    finding_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    reconciliation_id text NOT NULL COLLATE pg_catalog."C",
    instance_id text COLLATE pg_catalog."C",
    ours text,
    theirs text,
    finding text NOT NULL,
    action text
);

COMMENT ON TABLE s2s.reconciliation_finding IS 'What a run found, and what it did about it.';

COMMENT ON COLUMN s2s.reconciliation_finding.instance_id IS 'Null: about a peer, not an instance.';

COMMENT ON COLUMN s2s.reconciliation_finding.ours IS 'Status as this side shows it.';

COMMENT ON COLUMN s2s.reconciliation_finding.theirs IS 'Status as the peer shows it; null when it knows no such instance.';

COMMENT ON COLUMN s2s.reconciliation_finding.action IS 'What was done; null: nothing.';

ALTER TABLE s2s.reconciliation_finding ALTER COLUMN finding_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME s2s.reconciliation_finding_finding_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE s2s.verification_data (
    created_at timestamp with time zone NOT NULL,
    data_seq integer NOT NULL,
    verification_id text NOT NULL COLLATE pg_catalog."C",
    server_sealed bytea,
    client_jwe text[] NOT NULL,
    issuer_sealed bytea
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000', toast.autovacuum_vacuum_scale_factor='0', toast.autovacuum_vacuum_threshold='1000');
ALTER TABLE ONLY s2s.verification_data ALTER COLUMN server_sealed SET STORAGE EXTERNAL;
ALTER TABLE ONLY s2s.verification_data ALTER COLUMN client_jwe SET STORAGE EXTERNAL;
ALTER TABLE ONLY s2s.verification_data ALTER COLUMN issuer_sealed SET STORAGE EXTERNAL;

COMMENT ON TABLE s2s.verification_data IS 'Verification data by submission: ciphertext only, and gone when the verification is final.';

COMMENT ON COLUMN s2s.verification_data.server_sealed IS 'Items of the wallet server, sealed with the gateway''s data key.';

COMMENT ON COLUMN s2s.verification_data.client_jwe IS 'What the wallet client encrypted, as it came, in order.';

COMMENT ON COLUMN s2s.verification_data.issuer_sealed IS 'An item of the issuer''s own, such as the result of an authentication on the web, sealed.';

CREATE TABLE s2s.wallet_event (
    created_at timestamp with time zone NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C",
    instance_id text NOT NULL COLLATE pg_catalog."C",
    event_type text NOT NULL,
    event_timestamp text,
    triggering_request_id text,
    details json
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='500');

COMMENT ON TABLE s2s.wallet_event IS 'Events that the issuer is still to be told; gone when it has been.';

COMMENT ON COLUMN s2s.wallet_event.event_id IS 'A UUID.';

COMMENT ON COLUMN s2s.wallet_event.event_timestamp IS 'eventTimestamp, RFC 3339, if the application gave one.';

COMMENT ON COLUMN s2s.wallet_event.details IS 'eventDetails.';

CREATE TABLE s2s.wallet_lifecycle (
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    lifecycle_id text NOT NULL COLLATE pg_catalog."C",
    instance_id text NOT NULL COLLATE pg_catalog."C",
    request_id uuid NOT NULL,
    state text DEFAULT 'REQUESTED'::text NOT NULL COLLATE pg_catalog."C",
    action text NOT NULL,
    reason text,
    failure_reason text
);

COMMENT ON TABLE s2s.wallet_lifecycle IS 'What an issuer asked of an instance and the operator''s backend decides: REQUESTED, SCHEDULED (the backend knows), then COMPLETED or FAILED.';

COMMENT ON COLUMN s2s.wallet_lifecycle.lifecycle_id IS 'A UUID.';

COMMENT ON COLUMN s2s.wallet_lifecycle.request_id IS 'x-request-id of the issuer''s /credential/manage.';

CREATE TABLE s2s.wallet_submission (
    created_at timestamp with time zone NOT NULL,
    seq integer NOT NULL,
    session_id text NOT NULL COLLATE pg_catalog."C",
    body_sealed bytea NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='500');
ALTER TABLE ONLY s2s.wallet_submission ALTER COLUMN body_sealed SET STORAGE EXTERNAL;

COMMENT ON TABLE s2s.wallet_submission IS 'Supplements that wait to be sent, one after the other; gone when the issuer has answered, or the session is over.';

COMMENT ON COLUMN s2s.wallet_submission.seq IS 'Order in the session, from 1.';

COMMENT ON COLUMN s2s.wallet_submission.body_sealed IS 'verificationDataPayload and extensions, sealed.';

ALTER TABLE ONLY s2s.answer ATTACH PARTITION s2s.answer_default DEFAULT;

ALTER TABLE ONLY s2s.ledger ATTACH PARTITION s2s.ledger_default DEFAULT;

ALTER TABLE ONLY s2s.audit_head
    ADD CONSTRAINT audit_head_pkey PRIMARY KEY (only_one);

ALTER TABLE ONLY s2s.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY s2s.bulk
    ADD CONSTRAINT bulk_pkey PRIMARY KEY (bulk_id);

ALTER TABLE ONLY s2s.credential_offer
    ADD CONSTRAINT credential_offer_code UNIQUE (code_hash);

ALTER TABLE ONLY s2s.credential_offer
    ADD CONSTRAINT credential_offer_pkey PRIMARY KEY (offer_id);

ALTER TABLE ONLY s2s.credential_offer
    ADD CONSTRAINT credential_offer_reference UNIQUE (reference_hash);

ALTER TABLE ONLY s2s.delivery_dead
    ADD CONSTRAINT delivery_dead_pkey PRIMARY KEY (delivery_id);

ALTER TABLE ONLY s2s.delivery
    ADD CONSTRAINT delivery_once UNIQUE (ref, endpoint, peer, side);

ALTER TABLE ONLY s2s.delivery
    ADD CONSTRAINT delivery_pkey PRIMARY KEY (delivery_id);

ALTER TABLE ONLY s2s."fetch"
    ADD CONSTRAINT fetch_keys_once UNIQUE NULLS NOT DISTINCT (instance_id, keys_digest);

ALTER TABLE ONLY s2s."fetch"
    ADD CONSTRAINT fetch_pkey PRIMARY KEY (transaction_id);

ALTER TABLE ONLY s2s.instance_dataset
    ADD CONSTRAINT instance_dataset_pkey PRIMARY KEY (instance_id);

ALTER TABLE ONLY s2s.instance_link
    ADD CONSTRAINT instance_link_pkey PRIMARY KEY (verification_id, ordinal);

ALTER TABLE ONLY s2s.instance
    ADD CONSTRAINT instance_once UNIQUE (verification_id, ordinal);

ALTER TABLE ONLY s2s.instance
    ADD CONSTRAINT instance_pkey PRIMARY KEY (instance_id);

ALTER TABLE ONLY s2s.issuer_metadata
    ADD CONSTRAINT issuer_metadata_pkey PRIMARY KEY (issuer);

ALTER TABLE ONLY s2s.job_dead
    ADD CONSTRAINT job_dead_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY s2s.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY s2s.lane
    ADD CONSTRAINT lane_pkey PRIMARY KEY (peer);

ALTER TABLE ONLY s2s.nonce_jti
    ADD CONSTRAINT nonce_jti_pkey PRIMARY KEY (session_id, jti);

ALTER TABLE ONLY s2s.offer_failure
    ADD CONSTRAINT offer_failure_pkey PRIMARY KEY (offer_id, verification_id, data_seq, guess);

ALTER TABLE ONLY s2s.reconciliation_check
    ADD CONSTRAINT reconciliation_check_pkey PRIMARY KEY (instance_id, side, reconciliation_id);

ALTER TABLE ONLY s2s.reconciliation_finding
    ADD CONSTRAINT reconciliation_finding_pkey PRIMARY KEY (reconciliation_id, finding_id);

ALTER TABLE ONLY s2s.reconciliation
    ADD CONSTRAINT reconciliation_pkey PRIMARY KEY (reconciliation_id);

ALTER TABLE ONLY s2s.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (session_id);

ALTER TABLE ONLY s2s.verification_data
    ADD CONSTRAINT verification_data_pkey PRIMARY KEY (verification_id, data_seq);

ALTER TABLE ONLY s2s.verification
    ADD CONSTRAINT verification_pkey PRIMARY KEY (verification_id);

ALTER TABLE ONLY s2s.wallet_event
    ADD CONSTRAINT wallet_event_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY s2s.wallet_fetch
    ADD CONSTRAINT wallet_fetch_pkey PRIMARY KEY (fetch_id);

ALTER TABLE ONLY s2s.wallet_instance
    ADD CONSTRAINT wallet_instance_pkey PRIMARY KEY (instance_id);

ALTER TABLE ONLY s2s.wallet_lifecycle
    ADD CONSTRAINT wallet_lifecycle_pkey PRIMARY KEY (lifecycle_id);

ALTER TABLE ONLY s2s.wallet_session
    ADD CONSTRAINT wallet_session_pkey PRIMARY KEY (session_id);

ALTER TABLE ONLY s2s.wallet_submission
    ADD CONSTRAINT wallet_submission_pkey PRIMARY KEY (session_id, seq);

CREATE UNIQUE INDEX answer_default_request ON s2s.answer_default USING btree (request_id, peer);

CREATE INDEX audit_ref ON s2s.audit USING btree (ref, seq);

CREATE INDEX audit_who ON s2s.audit USING btree (who, seq);

CREATE INDEX bulk_started ON s2s.bulk USING btree (started_at, bulk_id);

CREATE INDEX credential_offer_created ON s2s.credential_offer USING btree (created_at);

CREATE INDEX credential_offer_document ON s2s.credential_offer USING btree (expires_at) WHERE (document_sealed IS NOT NULL);

CREATE INDEX credential_offer_subject ON s2s.credential_offer USING btree (subject_ref, created_at) WHERE (subject_ref IS NOT NULL);

CREATE INDEX delivery_dead_listed ON s2s.delivery_dead USING btree (peer, delivery_id);

CREATE INDEX delivery_dead_ref ON s2s.delivery_dead USING btree (ref, endpoint);

CREATE INDEX delivery_flight ON s2s.delivery USING btree (peer, next_at) WHERE (lease IS NOT NULL);

CREATE INDEX delivery_next ON s2s.delivery USING btree (peer, next_at);

CREATE INDEX fetch_created ON s2s."fetch" USING btree (created_at);

CREATE INDEX instance_configuration ON s2s.instance USING btree (configuration_id, (
CASE
    WHEN cancelled THEN 'CANCELLED'::text
    WHEN unlinked THEN 'UNLINKED'::text
    WHEN issuer_suspended THEN 'SUSPENDED_ISSUER'::text
    WHEN wallet_suspended THEN 'SUSPENDED_WALLET'::text
    WHEN confirmed THEN 'ACTIVE'::text
    ELSE 'IN_PROCESS'::text
END), created_at, instance_id);

CREATE INDEX instance_listed ON s2s.instance USING btree ((
CASE
    WHEN cancelled THEN 'CANCELLED'::text
    WHEN unlinked THEN 'UNLINKED'::text
    WHEN issuer_suspended THEN 'SUSPENDED_ISSUER'::text
    WHEN wallet_suspended THEN 'SUSPENDED_WALLET'::text
    WHEN confirmed THEN 'ACTIVE'::text
    ELSE 'IN_PROCESS'::text
END), created_at, instance_id);

CREATE INDEX instance_session ON s2s.instance USING btree (session_id, created_at, instance_id);

CREATE INDEX instance_subject ON s2s.instance USING btree (subject_ref, created_at, instance_id);

CREATE INDEX job_dead_ref ON s2s.job_dead USING btree (ref);

CREATE INDEX job_due ON s2s.job USING btree (kind, lane, next_at);

CREATE INDEX ledger_listed ON ONLY s2s.ledger USING btree (peer, at, delivery_id);

CREATE INDEX ledger_default_peer_at_delivery_id_idx ON s2s.ledger_default USING btree (peer, at, delivery_id);

CREATE INDEX ledger_ref ON ONLY s2s.ledger USING btree (ref);

CREATE INDEX ledger_default_ref_idx ON s2s.ledger_default USING btree (ref);

CREATE INDEX reconciliation_check_run ON s2s.reconciliation_check USING btree (reconciliation_id, peer);

CREATE INDEX reconciliation_finished ON s2s.reconciliation USING btree (finished_at) WHERE (finished_at IS NOT NULL);

CREATE INDEX reconciliation_running ON s2s.reconciliation USING btree (side) WHERE (finished_at IS NULL);

CREATE INDEX reconciliation_started ON s2s.reconciliation USING btree (side, started_at);

CREATE INDEX session_listed ON s2s.session USING btree (peer, created_at, session_id);

CREATE INDEX verification_awaiting ON s2s.verification USING btree (created_at, verification_id) WHERE awaiting_decision;

CREATE INDEX verification_due ON s2s.verification USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX verification_listed ON s2s.verification USING btree (peer, status, created_at, verification_id);

CREATE INDEX verification_root ON s2s.verification USING btree (root_verification_id) WHERE (root_verification_id IS NOT NULL);

CREATE INDEX wallet_event_instance ON s2s.wallet_event USING btree (instance_id);

CREATE INDEX wallet_fetch_settled ON s2s.wallet_fetch USING btree (updated_at) WHERE (state <> 'WAITING'::text);

CREATE UNIQUE INDEX wallet_fetch_waiting ON s2s.wallet_fetch USING btree (instance_id, request_digest) WHERE (state = 'WAITING'::text);

CREATE INDEX wallet_instance_listed ON s2s.wallet_instance USING btree (created_at, instance_id);

CREATE INDEX wallet_instance_listed_by ON s2s.wallet_instance USING btree ((
CASE
    WHEN cancelled THEN 'CANCELLED'::text
    WHEN unlinked THEN 'UNLINKED'::text
    WHEN issuer_suspended THEN 'SUSPENDED_ISSUER'::text
    WHEN wallet_suspended THEN 'SUSPENDED_WALLET'::text
    WHEN confirmed THEN 'ACTIVE'::text
    ELSE 'IN_PROCESS'::text
END), created_at, instance_id);

CREATE INDEX wallet_instance_session ON s2s.wallet_instance USING btree (session_id);

CREATE INDEX wallet_lifecycle_open ON s2s.wallet_lifecycle USING btree (instance_id) WHERE (state = ANY (ARRAY['REQUESTED'::text, 'SCHEDULED'::text]));

CREATE INDEX wallet_session_listed ON s2s.wallet_session USING btree (created_at, session_id);

CREATE INDEX wallet_session_listed_by ON s2s.wallet_session USING btree (issuer, status, created_at, session_id);

CREATE INDEX wallet_session_not_polled ON s2s.wallet_session USING btree (created_at) WHERE ((NOT polled) AND (status = ANY (ARRAY['PENDING'::text, 'ADDITIONAL_INFO_REQUIRED'::text, 'REJECTED'::text])));

ALTER INDEX s2s.ledger_listed ATTACH PARTITION s2s.ledger_default_peer_at_delivery_id_idx;

ALTER INDEX s2s.ledger_ref ATTACH PARTITION s2s.ledger_default_ref_idx;

