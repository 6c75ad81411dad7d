/* SPDX-License-Identifier: Apache-2.0
 *
 * An evaluation: claim ─▶ open the submissions ─▶ decide ─▶ commit. The plaintext of verification data exists only in
 * the job's arena, which is wiped when the job ends, and in json-c trees, which are freed with it.
 */
#include "gateway/issuer/evaluate.h"

#include "gateway/clock.h"
#include "gateway/issuer/policy.h"
#include "gateway/jobs/reconcile.h"
#include "gateway/log.h"
#include "gateway/worker.h"

#include <stdlib.h>
#include <string.h>

#define EXPIRE_LIMIT "500"
/* Data that one claim may return, in sizes of the most that one verification may have. */
#define CLAIM_FACTOR 4

struct evaluation {
    struct gw_job *job;
    struct gw_decision_input input;
    const struct gw_credential_config **configurations;
    struct gw_decision_item *items;
    size_t item_capacity;
    struct s2s_jwk *wsk;
    char *data_seq;
};

static void release_jwk(void *jwk)
{
    s2s_jwk_free(jwk);
}

/* ---- opening what was submitted ---- */

/* The newest submission of an (id, origin) replaces older ones. */
static struct s2s_result put_item(struct evaluation *e, struct json_object *item, bool from_server)
{
    struct gw_decision_item new = {s2s_json_string(item, "id"), s2s_json_string(item, "type"), from_server, item};
    if (new.id == NULL || new.type == NULL)
        return s2s_fail(S2S_MALFORMED, "a stored item has no id or type");
    size_t i = 0;
    while (i < e->input.item_count && (e->items[i].from_server != from_server || strcmp(e->items[i].id, new.id) != 0))
        ++i;
    if (i == e->input.item_count) {
        if (i == e->item_capacity) {
            size_t capacity = e->item_capacity > 0 ? e->item_capacity * 2 : 16;
            struct gw_decision_item *grown = s2s_arena_alloc(e->job->arena, capacity * sizeof(*grown));
            if (grown == NULL)
                return s2s_fail(S2S_LIMIT, "the submissions are too large");
            if (i > 0)
                memcpy(grown, e->items, i * sizeof(*grown));
            e->items = grown;
            e->item_capacity = capacity;
        }
        ++e->input.item_count;
    }
    e->items[i] = new;
    return s2s_ok();
}

static struct s2s_result open_client_payloads(struct evaluation *e, char **texts, size_t count)
{
    struct gw_job *job = e->job;
    const struct gw_issuer_config *issuer = &job->generation->config->issuer;
    struct s2s_wsk_context ctx = {.issuer = issuer->identifier,
                                  .session_id = e->input.session_id,
                                  .verification_id = e->input.verification_id,
                                  .wsk = e->wsk,
                                  .issuer_keys = &job->generation->issuer_keys,
                                  .now = e->input.now,
                                  .iat_window = issuer->iat_window_s};
    for (size_t i = 0; i < count; ++i) {
        struct json_object *payload, *item;
        S2S_TRY(s2s_json_parse(job->arena, texts[i], strlen(texts[i]), 32, &payload));
        S2S_TRY(s2s_wsk_open_payload(job->arena, &ctx, payload, &item));
        S2S_TRY(put_item(e, item, false));
    }
    return s2s_ok();
}

static struct s2s_result open_server_items(struct evaluation *e, char **blobs, size_t count)
{
    struct gw_job *job = e->job;
    for (size_t i = 0; i < count; ++i) {
        struct s2s_bytes sealed, plain;
        struct json_object *data;
        if (!gw_db_read_bytes(job->arena, blobs[i], &sealed))
            return s2s_fail(S2S_MALFORMED, "a stored submission cannot be read");
        S2S_TRY(gw_vault_open(job->generation->vault, job->arena, e->input.session_id, sealed, &plain));
        S2S_TRY(s2s_json_parse(job->arena, (const char *)plain.data, plain.len, 32, &data));
        struct json_object *items = s2s_json_get(data, "items");
        for (size_t j = 0; items != NULL && j < json_object_array_length(items); ++j)
            S2S_TRY(put_item(e, json_object_array_get_idx(items, j), true));
    }
    return s2s_ok();
}

static char *copy(struct gw_job *job, const char *text)
{
    char *kept = s2s_arena_strndup(job->params, text, strlen(text));
    s2s_assert(kept != NULL);
    return kept;
}

static struct s2s_result find_configurations(struct evaluation *e, char **ids, size_t count)
{
    e->configurations = s2s_arena_alloc(e->job->params, (count + 1) * sizeof(*e->configurations));
    s2s_assert(e->configurations != NULL);
    for (size_t i = 0; i < count; ++i) {
        const struct gw_offering *offering = gw_generation_offering(e->job->generation, ids[i]);
        if (offering == NULL)
            return s2s_fail(S2S_UNSUPPORTED, "a credential configuration is not in the configuration file any more");
        e->configurations[i] = offering->config;
    }
    e->input.configurations = e->configurations;
    e->input.configuration_count = count;
    return s2s_ok();
}

/* Fill the evaluation from a row of s2s.evaluations_claim. */
static struct s2s_result read_row(struct evaluation *e, const PGresult *result, int row)
{
    enum {
        JOB,
        JOB_ATTEMPTS,
        SESSION,
        VERIFICATION,
        PEER,
        WSK,
        CONFIGURATIONS,
        DEVICES,
        ATTEMPTS,
        DATA_SEQ,
        CLIENT,
        SERVER
    };
    struct gw_job *job = e->job;
    struct json_object *wsk;
    char **texts;
    size_t count;
    e->input.session_id = copy(job, PQgetvalue(result, row, SESSION));
    e->input.verification_id = copy(job, PQgetvalue(result, row, VERIFICATION));
    e->input.requested_device_count = (unsigned)atoi(PQgetvalue(result, row, DEVICES));
    e->input.attempts = (unsigned)atoi(PQgetvalue(result, row, ATTEMPTS));
    e->input.now = gw_now_s();
    e->data_seq = copy(job, PQgetvalue(result, row, DATA_SEQ));
    job->order_key = e->input.session_id;
    S2S_TRY(s2s_json_parse(job->arena, PQgetvalue(result, row, WSK), (size_t)PQgetlength(result, row, WSK), 8, &wsk));
    S2S_TRY(s2s_jwk_parse_public(wsk, &e->wsk));
    s2s_arena_defer(job->arena, release_jwk, e->wsk);
    if (!gw_db_read_array(job->arena, PQgetvalue(result, row, CONFIGURATIONS), &texts, &count))
        return s2s_fail(S2S_MALFORMED, "the stored configurations cannot be read");
    S2S_TRY(find_configurations(e, texts, count));
    const char *client = gw_db_column(result, row, CLIENT), *server = gw_db_column(result, row, SERVER);
    if (client != NULL) {
        if (!gw_db_read_array(job->arena, client, &texts, &count))
            return s2s_fail(S2S_MALFORMED, "a stored submission cannot be read");
        S2S_TRY(open_client_payloads(e, texts, count));
    }
    if (server != NULL) {
        if (!gw_db_read_array(job->arena, server, &texts, &count))
            return s2s_fail(S2S_MALFORMED, "a stored submission cannot be read");
        S2S_TRY(open_server_items(e, texts, count));
    }
    e->input.items = e->items;
    return s2s_ok();
}

/* ---- deciding and committing ---- */

/* Pseudonyms of the subjects, parallel to the approved configurations. */
static bool make_subject_refs(struct evaluation *e, const struct gw_decision *decision, const char ***refs)
{
    struct gw_job *job = e->job;
    *refs = s2s_arena_alloc(job->params, (decision->approved_count + 1) * sizeof(**refs));
    s2s_assert(*refs != NULL);
    for (size_t i = 0; i < decision->approved_count; ++i) {
        const struct gw_offering *offering = gw_generation_offering(job->generation, decision->approved[i]);
        char *ref = s2s_arena_alloc(job->params, GW_PSEUDONYM_SIZE);
        s2s_assert(ref != NULL);
        if (offering == NULL || !gw_dataset_subject_ref(offering->dataset, decision->subjects[i], ref))
            return false;
        (*refs)[i] = ref;
    }
    return true;
}

/* An applicant of whom the issuer has no data: final, since asking again would not make any. */
static const struct gw_decision nobody = {
    .status = S2S_DENIED, .reason_code = "SUBJECT_UNKNOWN", .message = "There is no data for this credential."};

static void on_decided(void *data, const struct gw_decision *decision)
{
    struct evaluation *e = data;
    struct gw_job *job = e->job;
    struct gw_db_call *call = &job->call;
    const char **refs = NULL, *request = NULL;
    if (decision->status == S2S_APPROVED && !make_subject_refs(e, decision, &refs))
        decision = &nobody;
    bool approved = decision->status == S2S_APPROVED;
    if (decision->data_request != NULL) {
        request = s2s_json_write(job->params, decision->data_request, NULL);
        s2s_assert(request != NULL); /* the operator's own text */
    }
    gw_job_call(job, GW_SQL_EVALUATION_DONE);
    gw_db_text(call, e->data_seq);
    gw_db_text(call, s2s_verification_status_name(decision->status));
    gw_db_text(call, decision->reason_code);
    gw_db_text(call, decision->message);
    if (approved) {
        gw_db_text_array(call, job->params, decision->approved, decision->approved_count);
        gw_db_text_array(call, job->params, refs, decision->approved_count);
        gw_db_integer(call, job->params, decision->authorized_device_count);
    } else {
        gw_db_text(call, NULL);
        gw_db_text(call, NULL);
        gw_db_text(call, NULL);
    }
    gw_db_text(call, request);
    if (decision->deadline_ms > 0)
        gw_db_interval_ms(call, job->params, decision->deadline_ms);
    else
        gw_db_text(call, NULL);
    gw_db_integer(call, job->params, decision->max_attempts);
    gw_job_commit(job);
}

/* What was sent passed one by one, and is too much together: sending less helps, trying again does not. */
static const struct gw_decision too_large = {.status = S2S_REJECTED,
                                             .reason_code = "SUBMISSION_TOO_LARGE",
                                             .message = "The submissions are too large together."};

static void run_evaluation(struct gw_job *job, const PGresult *result, int row)
{
    struct evaluation *e = s2s_arena_alloc(job->params, sizeof(*e));
    s2s_assert(e != NULL);
    e->job = job;
    job->state = e;
    struct s2s_result r = read_row(e, result, row);
    if (r.code == S2S_LIMIT)
        on_decided(e, &too_large);
    else if (s2s_failed(r))
        gw_job_retry(job, r.detail);
    else
        gw_builtin_decider.decide(&gw_builtin_decider, job->arena, &e->input, on_decided, e);
}

/* ---- chores ---- */

static void prepare_expire(struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    (void)worker;
    (void)arena;
    gw_db_text(call, EXPIRE_LIMIT);
}

static void prepare_reconcile(struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    gw_reconcile_prepare(worker, call, arena, "ISSUER");
}

/* A job that keeps failing, or taking its worker down, is buried; and one claim returns a bounded amount of data. */
static bool prepare_claim(const struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    const struct gw_config *config = worker->generation->config;
    gw_db_integer(call, arena, config->jobs.max_attempts);
    gw_db_integer(call, arena, (int64_t)config->limits.max_verification_data * CLAIM_FACTOR);
    return true;
}

static const struct gw_job_kind kinds[] = {
    {.name = "evaluate", .claim = GW_SQL_EVALUATIONS_CLAIM, .prepare = prepare_claim, .run = run_evaluation},
};

static const struct gw_chore chores[] = {
    {"expire", GW_SQL_EXPIRE_DUE, 1000, prepare_expire},
    GW_RECONCILE_CHORE(prepare_reconcile),
};

const struct gw_job_plan gw_issuer_jobs = {kinds, sizeof(kinds) / sizeof(kinds[0]), chores,
                                           sizeof(chores) / sizeof(chores[0])};
