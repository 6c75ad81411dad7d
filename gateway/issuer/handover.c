/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/handover.h"

#include "gateway/clock.h"
#include "gateway/issuer/evaluate.h"
#include "gateway/issuer/evaluation.h"
#include "gateway/issuer/submissions.h"
#include "gateway/worker.h"

#include <string.h>

/* The number of an initiate's submission, as it is and as the database takes it. */
#define FIRST_SEQ 1
#define FIRST_SEQ_TEXT "1"

bool gw_handover_offer(const struct gw_exchange *ex, struct gw_handover *handover)
{
    /* What a backend decides has to stand in line for it. */
    return !handover->configurations[0]->by_webhook &&
           gw_jobs_lease(ex->worker->jobs, gw_evaluations_in_hand(ex->worker), &handover->lease);
}

/* As gather.c does it from what was stored. */
static struct s2s_result add_items(struct gw_submissions *submissions, const struct gw_handover *handover,
                                   struct json_object *data)
{
    struct json_object *server = s2s_json_get(data, "serverVerificationDataItem");
    for (size_t i = 0; i < handover->client_count; ++i)
        S2S_TRY(gw_submissions_add_item(submissions, handover->client_items[i], GW_FROM_CLIENT, FIRST_SEQ));
    for (size_t i = 0; server != NULL && i < json_object_array_length(server); ++i)
        S2S_TRY(gw_submissions_add_item(submissions, json_object_array_get_idx(server, i), GW_FROM_SERVER, FIRST_SEQ));
    return s2s_ok();
}

static struct json_object *array_with_members(struct json_object *array)
{
    return array != NULL && json_object_array_length(array) > 0 ? array : NULL;
}

static struct s2s_result gather(struct gw_evaluation *e, const struct gw_exchange *ex,
                                const struct gw_handover *handover, const char *verification_id)
{
    struct gw_job *job = e->job;
    struct json_object *data = s2s_json_get(ex->body, "verificationData");
    struct json_object *devices = s2s_json_get(ex->body, "requestedDeviceCount");
    struct gw_submissions submissions = {.arena = job->arena, .generation = job->generation};
    struct s2s_result r = add_items(&submissions, handover, data);
    e->context = (struct gw_item_context){
        .arena = job->arena,
        .generation = job->generation,
        .peer = ex->peer->config->name,
        .session_id = handover->session_id,
        .verification_id = verification_id,
        .now = gw_now_s(),
        .items = submissions.items,
        .item_count = submissions.count,
    };
    e->input = (struct gw_decision_input){
        .context = &e->context,
        .configurations = handover->configurations,
        .configuration_count = handover->configuration_count,
        .attempts = handover->has_data,
        .requested_device_count = devices != NULL ? (unsigned)json_object_get_int(devices) : 1,
        .data_seq = FIRST_SEQ_TEXT,
        .wsk_thumbprint = handover->wsk_thumbprint,
        .attestation = handover->attestation,
        .locale = s2s_json_string(ex->body, "locale"),
        .supported_types = s2s_json_get(ex->body, "supportedVerificationTypes"),
        .assessments = array_with_members(s2s_json_get(data, "additionalAssessments")),
    };
    e->lane = "";
    job->order_key = handover->session_id;
    return r;
}

/* "leased JOB VERIFICATION" */
void gw_handover_begin(struct gw_exchange *ex, const struct gw_handover *handover, const char *outcome)
{
    struct gw_worker *worker = ex->worker;
    struct s2s_arena *memory = gw_exchange_take_memory(ex);
    char *job_id = s2s_arena_strndup(memory, outcome, strlen(outcome));
    s2s_assert(job_id != NULL);
    job_id += strlen(GW_HANDOVER_LEASED);
    char *space = strchr(job_id, ' ');
    s2s_assert(space != NULL);
    *space = '\0';
    struct gw_job *job =
        gw_jobs_begin(worker->jobs, gw_evaluate_kind, job_id, &handover->lease, ex->generation, memory);
    struct gw_evaluation *e = s2s_arena_alloc(job->params, sizeof(*e));
    s2s_assert(e != NULL);
    e->job = job;
    gw_evaluation_run(e, gather(e, ex, handover, space + 1));
}
